//! GBFS, versions 2 and 3: a system's files into a [`System`].
//!
//! A file that cannot be read, or is no JSON of that kind, is a complaint with its line. A station without a place or a
//! state is left out and said in [`System::faults`]; the rest is used.

use super::{Spot, System};
use crate::realtime::poll::Place;
use model::{
    config::{Complaint, Complaints},
    geo::LonLat,
};
use serde::{Deserialize, de::DeserializeOwned};
use std::collections::BTreeMap;

/// A file of the feed, without what is the same in all.
#[derive(Deserialize)]
struct File<T> {
    data: T,
}

/// A text in one language (version 2) or in several (version 3).
#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Words {
    One(String),
    Several(Vec<Worded>),
}

#[derive(Clone, Deserialize)]
struct Worded {
    text: String,
}

impl Words {
    fn first(&self) -> &str {
        match self {
            Words::One(text) => text,
            Words::Several(texts) => texts.first().map_or("", |worded| worded.text.as_str()),
        }
    }
}

#[derive(Deserialize)]
struct SystemInformation {
    system_id: String,
    name: Words,
    url: Option<String>,
}

#[derive(Deserialize)]
struct Stations<T> {
    stations: Vec<T>,
}

#[derive(Deserialize)]
struct StationInformation {
    station_id: String,
    name: Option<Words>,
    lat: f64,
    lon: f64,
    #[serde(default)]
    is_virtual_station: bool,
}

#[derive(Deserialize)]
struct StationStatus {
    station_id: String,
    #[serde(alias = "num_bikes_available")]
    num_vehicles_available: u32,
    num_docks_available: Option<u32>,
    #[serde(default = "yes")]
    is_installed: bool,
    is_renting: bool,
    is_returning: bool,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
struct Vehicles {
    #[serde(alias = "bikes")]
    vehicles: Vec<Vehicle>,
}

#[derive(Deserialize)]
struct Vehicle {
    #[serde(alias = "bike_id")]
    vehicle_id: String,
    lat: Option<f64>,
    lon: Option<f64>,
    is_reserved: bool,
    is_disabled: bool,
    station_id: Option<String>,
}

#[derive(Deserialize)]
struct VehicleTypes {
    vehicle_types: Vec<VehicleType>,
}

#[derive(Deserialize)]
struct VehicleType {
    form_factor: String,
    return_constraint: Option<String>,
}

/// Reads a system. `fetch` gives a file by its name in the standard, without `.json`: what it is called in messages, and
/// its text; `None` where the feed has none.
pub fn read(
    mut fetch: impl FnMut(&str) -> Result<Option<(String, String)>, Complaints>,
) -> Result<System, Complaints> {
    let (_, about) = required::<SystemInformation>(&mut fetch, &["system_information"])?;
    let stations = optional::<Stations<StationInformation>>(&mut fetch, &["station_information"])?;
    let states = optional::<Stations<StationStatus>>(&mut fetch, &["station_status"])?;
    let loose = optional::<Vehicles>(&mut fetch, &["vehicle_status", "free_bike_status"])?;
    let kinds = optional::<VehicleTypes>(&mut fetch, &["vehicle_types"])?;

    let (mut spots, mut faults) = (Vec::new(), Vec::new());
    let has_stations = stations.as_ref().is_some_and(|(_, stations)| !stations.stations.is_empty());
    if let Some((file, stations)) = stations {
        let (states_file, states) = states.ok_or_else(|| {
            Complaint::whole(&file, "there is no station_status beside it: what is free is not known")
        })?;
        let mut states: BTreeMap<String, StationStatus> =
            states.stations.into_iter().map(|state| (state.station_id.clone(), state)).collect();
        for station in stations.stations {
            let id = station.station_id;
            let Some(at) = place(station.lat, station.lon) else {
                faults.push(format!("{file}: station {id:?}: {}, {} is no place", station.lat, station.lon));
                continue;
            };
            let Some(state) = states.remove(&id) else {
                faults.push(format!("{states_file}: station {id:?} has no state"));
                continue;
            };
            let room = match state.num_docks_available {
                Some(docks) => docks,
                None if station.is_virtual_station => u32::MAX,
                // Without a count any dock may be the last; the operator says only that vehicles are taken back.
                None => 1,
            };
            spots.push(Spot {
                name: station.name.as_ref().map_or(id.as_str(), Words::first).to_string(),
                at,
                vehicles: if state.is_installed && state.is_renting {
                    state.num_vehicles_available
                } else {
                    0
                },
                room: if state.is_installed && state.is_returning { room } else { 0 },
                id,
            });
        }
        faults.extend(states.into_keys().map(|id| format!("{states_file}: there is no station {id:?}")));
    }
    let mut has_loose = false;
    if let Some((file, loose)) = loose {
        let free = |v: &Vehicle| !v.is_reserved && !v.is_disabled && v.station_id.is_none();
        for vehicle in loose.vehicles.into_iter().filter(free) {
            let id = vehicle.vehicle_id;
            match vehicle.lat.zip(vehicle.lon).and_then(|(lat, lon)| place(lat, lon)) {
                Some(at) => {
                    has_loose = true;
                    let name = about.name.first().to_string();
                    spots.push(Spot { id, name, at, vehicles: 1, room: 0 });
                }
                None => faults.push(format!("{file}: vehicle {id:?} is nowhere")),
            }
        }
    }
    let kinds = kinds.map(|(_, kinds)| kinds.vehicle_types).unwrap_or_default();
    let constraint =
        |kind: &VehicleType| kind.return_constraint.as_deref().map(|c| c == "free_floating" || c == "hybrid");
    let left_anywhere = match kinds.iter().find_map(constraint) {
        Some(anywhere) => anywhere,
        // Version 2 does not say: where there are no stations there is nowhere else.
        None => has_loose && !has_stations,
    };
    let form = kinds.first().map_or("bicycle", |kind| kind.form_factor.as_str()).to_uppercase();
    let (id, name, url) = (about.system_id, about.name.first().to_string(), about.url);
    Ok(System { id, name, url, form, left_anywhere, spots, faults })
}

/// Reads a system from its `gbfs.json`, or from the folder that has its files.
pub fn load(place: &Place) -> Result<System, Complaints> {
    let text = |place: &Place| {
        let complain = |says: String| Complaints::from(Complaint::whole(place.to_string(), says));
        let bytes = place.fetch().map_err(complain)?;
        String::from_utf8(bytes).map_err(|_| complain("it is not a text in UTF-8".to_string()))
    };
    match place {
        Place::File(file) => {
            let folder = if file.is_dir() { file } else { file.parent().unwrap_or(file) };
            read(|name| {
                let file = folder.join(format!("{name}.json"));
                if !file.exists() {
                    return Ok(None);
                }
                Ok(Some((file.display().to_string(), text(&Place::File(file))?)))
            })
        }
        Place::Url(url) => {
            let first = text(place)?;
            let found: serde_json::Value = serde_json::from_str(&first)
                .map_err(|e| Complaint::at(url, e.line() as u32, format!("it is no gbfs of GBFS: {e}")))?;
            let feeds = addresses(&found);
            read(|name| {
                let Some(address) = feeds.get(name) else { return Ok(None) };
                let place = Place::parse(address).map_err(|e| Complaint::whole(url, e))?;
                Ok(Some((address.clone(), text(&place)?)))
            })
        }
    }
}

/// Where the files of a feed are, by name: `data.feeds`, or in version 2 the same for the first of its languages.
fn addresses(gbfs: &serde_json::Value) -> BTreeMap<String, String> {
    let data = &gbfs["data"];
    let languages = data.as_object().and_then(|languages| languages.values().next());
    let feeds = data["feeds"].as_array().or_else(|| languages?["feeds"].as_array());
    let pair = |feed: &serde_json::Value| {
        Some((feed["name"].as_str()?.to_string(), feed["url"].as_str()?.to_string()))
    };
    feeds.into_iter().flatten().filter_map(pair).collect()
}

fn place(lat: f64, lon: f64) -> Option<LonLat> {
    let at = LonLat { lon, lat };
    (lat.abs() <= 90.0 && lon.abs() <= 180.0 && (lat, lon) != (0.0, 0.0)).then_some(at)
}

fn optional<T: DeserializeOwned>(
    fetch: &mut impl FnMut(&str) -> Result<Option<(String, String)>, Complaints>,
    names: &[&str],
) -> Result<Option<(String, T)>, Complaints> {
    for name in names {
        if let Some((file, text)) = fetch(name)? {
            let read: File<T> = serde_json::from_str(&text).map_err(|e| {
                Complaint::at(&file, e.line() as u32, format!("it is no {name} of GBFS: {e}"))
            })?;
            return Ok(Some((file, read.data)));
        }
    }
    Ok(None)
}

fn required<T: DeserializeOwned>(
    fetch: &mut impl FnMut(&str) -> Result<Option<(String, String)>, Complaints>,
    names: &[&str],
) -> Result<(String, T), Complaints> {
    optional(fetch, names)?
        .ok_or_else(|| Complaint::whole("gbfs", format!("the feed has no {}", names.join(" or "))).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABOUT: &str =
        r#"{"data": {"system_id": "velo", "name": [{"text": "Велобайк", "language": "ru"}]}}"#;
    const STATIONS: &str = r#"{"data": {"stations": [
        {"station_id": "a", "name": "Gate", "lat": 55.75, "lon": 37.6},
        {"station_id": "b", "name": "Bridge", "lat": 95.0, "lon": 37.6},
        {"station_id": "c", "lat": 55.76, "lon": 37.61}
    ]}}"#;
    const STATES: &str = r#"{"data": {"stations": [
        {"station_id": "a", "num_bikes_available": 3, "num_docks_available": 7, "is_installed": true, "is_renting": true, "is_returning": false},
        {"station_id": "d", "num_bikes_available": 1, "num_docks_available": 7, "is_installed": true, "is_renting": true, "is_returning": true}
    ]}}"#;

    fn system(files: &[(&str, &str)]) -> Result<System, String> {
        let given: BTreeMap<&str, &str> = files.iter().copied().collect();
        let fetch = |name: &str| Ok(given.get(name).map(|text| (format!("{name}.json"), text.to_string())));
        read(fetch).map_err(|complaints| complaints.to_string())
    }

    #[test]
    fn stations_have_their_state_and_faults_are_said() {
        let files =
            [("system_information", ABOUT), ("station_information", STATIONS), ("station_status", STATES)];
        let system = system(&files).unwrap();
        assert_eq!(
            (system.id.as_str(), system.name.as_str(), system.form.as_str()),
            ("velo", "Велобайк", "BICYCLE")
        );
        let spots: Vec<_> = system.spots.iter().map(|s| (s.name.as_str(), s.vehicles, s.room)).collect();
        assert_eq!(spots, [("Gate", 3, 0)]);
        let faults = [
            "station_information.json: station \"b\": 95, 37.6 is no place",
            "station_status.json: station \"c\" has no state",
            "station_status.json: there is no station \"d\"",
        ];
        assert_eq!(system.faults, faults);
        assert!(!system.left_anywhere);
    }

    #[test]
    fn scooters_stand_anywhere_in_either_version() {
        let v2 = r#"{"data": {"bikes": [
            {"bike_id": "1", "lat": 55.7, "lon": 37.6, "is_reserved": false, "is_disabled": false},
            {"bike_id": "2", "lat": 55.7, "lon": 37.6, "is_reserved": true, "is_disabled": false},
            {"bike_id": "3", "is_reserved": false, "is_disabled": false}
        ]}}"#;
        let found = system(&[("system_information", ABOUT), ("free_bike_status", v2)]).unwrap();
        assert!(found.left_anywhere);
        assert_eq!(found.spots.len(), 1);
        assert_eq!(found.faults, ["free_bike_status.json: vehicle \"3\" is nowhere"]);

        let v3 = v2.replace("bike_id", "vehicle_id").replace("bikes", "vehicles");
        let kinds = r#"{"data": {"vehicle_types": [{"vehicle_type_id": "s", "form_factor": "scooter_standing",
            "return_constraint": "any_station"}]}}"#;
        let files = [("system_information", ABOUT), ("vehicle_status", &v3), ("vehicle_types", kinds)];
        let found = system(&files).unwrap();
        assert_eq!((found.form.as_str(), found.left_anywhere), ("SCOOTER_STANDING", false));
    }

    #[test]
    fn a_broken_feed_is_refused_with_file_and_line() {
        let check = |files: &[(&str, &str)], expected: &str| {
            let complaint = system(files).expect_err("the feed is broken");
            assert!(complaint.contains(expected), "{complaint}");
        };
        check(&[], "gbfs: the feed has no system_information");
        check(
            &[("system_information", "{\n\"data\": {]")],
            "system_information.json:2: it is no system_information of GBFS",
        );
        check(
            &[("system_information", ABOUT), ("station_information", STATIONS)],
            "station_information.json: there is no station_status beside it",
        );
        let lost = STATES.replace("\"is_renting\": true, ", "");
        check(
            &[("system_information", ABOUT), ("station_information", STATIONS), ("station_status", &lost)],
            "station_status.json:2: it is no station_status of GBFS: missing field `is_renting`",
        );
    }
}
