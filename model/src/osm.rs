//! OpenStreetMap: an `.osm.pbf` becomes a [`City`] with generated signals.
//!
//! [`read`] takes from the file what roads are made of, [`tags`] says what the words mean and [`limits`] what signs say of measures, [`roads`] cuts
//! ways into links, [`signals`] finds the places that have lights. Right of way and stages are then worked
//! out by [`crate::network::junctions`] and [`crate::signal::design`], since the map does not hold them.

mod limits;
mod read;
mod roads;
mod signals;
mod tags;

use crate::{
    city::{Area, City},
    config::{Complaint, Complaints, Read},
    detection,
    geo::LonLat,
    ids::{DistrictId, JunctionIx},
    network::{
        Name,
        junctions::{self, TurnRules},
    },
    signal::design::{self, SignalHabits},
    transit::Transit,
};

/// Reads the bytes of an `.osm.pbf` file. Cars keep only roads from which every other one can be reached and
/// which can be reached from every other; people on foot keep everything. Notes say what was cut or ignored.
pub fn city(file: &str, bytes: &[u8], habits: &SignalHabits) -> Result<Read<City>, Complaints> {
    let map = read::read(bytes)
        .map_err(|cause| Complaint::whole(file, format!("this is not a readable .osm.pbf: {cause}")))?;
    let mut notes = Vec::new();
    let mut note = |text: String| notes.push(Complaint::whole(file, text));
    let drawn = roads::draw(&map);
    if drawn.links.is_empty() {
        return Err(Complaint::whole(file, "it has no roads (ways with highway=…)").into());
    }
    for (count, what) in &drawn.left_out {
        note(format!("{count} {what}"));
    }
    let (mut network, mut banned) = drawn.network();
    let places = signals::places(&network, &drawn);
    let groups: Vec<_> = places.iter().map(|p| p.nodes.clone()).collect();
    let (refused, merged) = junctions::merge_nodes(&mut network, &groups);
    banned = banned
        .into_iter()
        .filter_map(|(a, b)| Some((merged.links[a.ix()]?, merged.links[b.ix()]?)))
        .collect();
    banned.extend(refused);
    let circulating = drawn.circulating().filter_map(|l| merged.links[l.ix()]).collect();
    junctions::join(&mut network, &TurnRules { banned, circulating });
    let stem = file.rsplit(['/', '\\']).next().unwrap_or(file);
    let name = stem.trim_end_matches(".pbf").trim_end_matches(".osm");
    let district = DistrictId::new(name.replace(['/', '+', '#'], "_"));
    let sites: Vec<_> = places.into_iter().map(|p| p.site(&merged, &district)).collect();
    let junctions = design::signalise(&mut network, &sites, habits, JunctionIx(0));
    let [sw, ne] = network.bounds().unwrap_or([LonLat { lon: 0.0, lat: 0.0 }; 2]);
    let mut city = City {
        name: Name::only(name),
        centre: LonLat { lon: (sw.lon + ne.lon) / 2.0, lat: (sw.lat + ne.lat) / 2.0 },
        zoom: crate::sumo::zoom(sw, ne),
        network,
        junctions,
        transit: Transit::default(),
        areas: map.areas.into_iter().map(|(kind, name, ring)| Area { kind, name, ring }).collect(),
        corridors: Vec::new(),
        car_parks: map.car_parks,
        bicycle_parks: map.bicycle_parks,
    };
    detection::equip(&mut city, detection::Tier::Full);
    crate::signal::further::add(&mut city);
    let faults = city.faults();
    if faults.is_empty() {
        Ok(Read { value: city, notes })
    } else {
        Err(Complaints(faults.into_iter().map(|f| Complaint::whole(file, f)).collect()))
    }
}

#[cfg(test)]
mod tests;
