//! The shared bicycles of a city: a station beside each of the underground and of the circle, as GBFS 3.

use model::{city::City, network::Name, transit::TransitMode};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Vehicles and free docks of a station together.
const DOCKS: usize = 20;
/// When the feed was written: the first day of the city's timetable.
const WRITTEN: &str = "2025-01-01T00:00:00Z";

/// A city's shared bicycles as GBFS: files by their names. A city without stations of trains has none.
pub fn gbfs(city: &City) -> Vec<(&'static str, String)> {
    let mut stations = BTreeMap::<&str, (&Name, [f64; 2])>::new();
    let by_rail = |mode: TransitMode| matches!(mode, TransitMode::Metro | TransitMode::Mcc);
    for line in city.transit.lines.iter().filter(|line| by_rail(line.mode)) {
        for stop in line.stops.iter().map(|stop| &city.transit.stops[*stop as usize]) {
            // Platforms of one name are one station.
            stations.entry(&stop.name.local).or_insert((&stop.name, [stop.at.lat, stop.at.lon]));
        }
    }
    if stations.is_empty() {
        return Vec::new();
    }
    let file = |data: Value| {
        json!({ "last_updated": WRITTEN, "ttl": 60, "version": "3.0", "data": data }).to_string()
    };
    let words = |name: &Name| {
        let english = name.en.as_ref().map(|text| json!({ "text": text, "language": "en" }));
        let local = json!({ "text": name.local, "language": "ru" });
        Value::from_iter([local].into_iter().chain(english))
    };
    let information = stations.values().enumerate().map(|(i, (name, [lat, lon]))| {
        json!({ "station_id": i.to_string(), "name": words(name), "lat": lat, "lon": lon, "capacity": DOCKS })
    });
    let status = (0..stations.len()).map(|i| {
        // Some are nearly empty, some nearly full, as in the morning.
        let vehicles = 1 + i * 7 % (DOCKS - 1);
        json!({
            "station_id": i.to_string(), "num_vehicles_available": vehicles, "num_docks_available": DOCKS - vehicles,
            "is_installed": true, "is_renting": true, "is_returning": true, "last_reported": WRITTEN,
        })
    });
    let own = Name { local: "Велосити".to_string(), en: Some("Velocity".to_string()) };
    vec![
        (
            "system_information.json",
            file(json!({
                "system_id": "velocity", "languages": ["ru", "en"], "name": words(&own),
                "opening_hours": "24/7", "feed_contact_email": "velocity@example.org", "timezone": "Europe/Moscow",
            })),
        ),
        (
            "vehicle_types.json",
            file(json!({ "vehicle_types": [{
            "vehicle_type_id": "bicycle", "form_factor": "bicycle", "propulsion_type": "human",
            "return_constraint": "any_station",
        }] })),
        ),
        ("station_information.json", file(json!({ "stations": Value::from_iter(information) }))),
        ("station_status.json", file(json!({ "stations": Value::from_iter(status) }))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generator;

    #[test]
    fn a_station_lends_beside_each_of_the_underground() {
        let files = gbfs(&generator::moscow(150, 1));
        let data = |name: &str| -> Value {
            let (_, text) = files.iter().find(|(file, _)| *file == name).expect("the file is there");
            let mut file: Value = serde_json::from_str(text).expect("it is JSON");
            file["data"]["stations"].take()
        };
        let (information, status) = (data("station_information.json"), data("station_status.json"));
        let (information, status) = (information.as_array().unwrap(), status.as_array().unwrap());
        assert!(information.len() > 20, "only {} stations", information.len());
        assert_eq!(information.len(), status.len());
        for state in status {
            let [vehicles, docks] =
                ["num_vehicles_available", "num_docks_available"].map(|of| state[of].as_u64().unwrap());
            assert!(vehicles > 0 && docks > 0, "{state}");
        }
    }

    #[test]
    fn a_city_without_trains_lends_nothing() {
        let mut city = generator::moscow(20, 3);
        city.transit.lines.clear();
        assert!(gbfs(&city).is_empty());
    }
}
