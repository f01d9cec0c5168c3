//! Of the same traffic our detectors measure what SUMO's do.
//!
//! `run.csv` is where SUMO 1.28 had each vehicle of `measured.rou.xml` on our own crossing (its FCD, to the millimetre);
//! `sumo.*.xml` is what its detectors wrote then. Nothing of our own traffic is in play.

use model::{
    config::Source,
    ids::{LaneIx, LinkIx, MovementIx},
    sumo,
};
use simulator::{
    scenario::measuring::Measures,
    world::{Place, Seen},
};
use std::collections::{BTreeMap, HashMap};

const NET: &str = include_str!("fuzz/cross.net.xml");
const ADDITIONAL: &str = include_str!("measuring/measured.add.xml");
const RUN: &str = include_str!("measuring/run.csv");

type Elements = BTreeMap<String, BTreeMap<String, f64>>;

/// Numbers of all elements with that tag, by their begin and name.
fn elements(text: &str, tags: &[&str]) -> Elements {
    let mut all = Elements::new();
    let mut begin = String::new();
    for line in text.lines().map(str::trim) {
        let Some(tag) = tags.iter().find(|t| line.starts_with(&format!("<{t} "))) else { continue };
        let attributes: BTreeMap<&str, &str> = line[tag.len() + 2..]
            .split("\" ")
            .filter_map(|a| a.split_once("=\""))
            .map(|(k, v)| (k.trim(), v.trim_end_matches(['"', '/', '>'])))
            .collect();
        if let Some(b) = attributes.get("begin") {
            begin = b.parse::<f64>().unwrap().to_string();
        }
        let numbers = attributes.iter().filter_map(|(k, v)| Some(((*k).to_owned(), v.parse::<f64>().ok()?)));
        all.insert(format!("{begin} {tag} {}", attributes["id"]), numbers.collect());
    }
    all
}

/// Measures the recorded run; the texts of the files by name.
fn measured() -> HashMap<String, String> {
    let net = Source::new("cross.net.xml", NET);
    let city = sumo::network(net, &[]).unwrap().value;
    let network = &city.network;
    let plane = sumo::plane(net, network).unwrap();
    let mut places: HashMap<&str, (Place, LinkIx, f64)> = HashMap::new();
    for (i, line) in plane.lanes.iter().enumerate() {
        places.insert(&line.name, (Place::Lane(LaneIx::from(i)), network.lanes[i].link, 0.0));
    }
    for (m, lines) in plane.movements.iter().enumerate() {
        let mut before = 0.0;
        for line in lines {
            let link = network.lane(network.movements[m].from).link;
            places.insert(&line.name, (Place::Movement(MovementIx::from(m)), link, before));
            before += line.length_m;
        }
    }
    let wanted = sumo::measuring(network, &[Source::new("measured.add.xml", ADDITIONAL)]).unwrap().value;
    let folder = tempfile::tempdir().unwrap();
    let mut measures =
        Measures::create(&wanted, network, &["car", "bus"], 0.0, |_, name| folder.path().join(name)).unwrap();
    let mut rows: HashMap<&str, (u32, i64)> = HashMap::new();
    let records: Vec<Vec<&str>> = RUN.lines().skip(1).map(|l| l.split(',').collect()).collect();
    for t in 0..120_i64 {
        let mut seen = Vec::new();
        for r in records.iter().filter(|r| r[0] == t.to_string()) {
            let next = rows.len() as u32;
            let (row, depart_ms) = *rows.entry(r[1]).or_insert((next, t * 1000));
            let (place, link, before) = places[r[5]];
            let limit_mps = match place {
                Place::Lane(lane) => network.lane(lane).speed_limit_mps,
                Place::Movement(m) => network.movement(m).speed_limit_mps.unwrap_or(13.9),
            };
            seen.push(Seen {
                row,
                depart_ms,
                depart_delay_s: 0.0,
                id: r[1],
                vehicle_type: u32::from(r[2] == "bus"),
                place,
                link,
                x_m: before + r[4].parse::<f64>().unwrap(),
                speed_mps: r[3].parse().unwrap(),
                wish_mps: limit_mps,
                limit_mps,
                length_m: if r[2] == "bus" { 12.0 } else { 4.8 },
                at_stop: false,
                parked: false,
            });
        }
        measures.step(network, t as f64, 1.0, seen.into_iter()).unwrap();
    }
    measures.finish(network, 120.0).unwrap();
    let names = ["m.e1.xml", "m.e2.xml", "m.e3.xml", "m.means.xml"];
    names.map(|n| (n.to_owned(), std::fs::read_to_string(folder.path().join(n)).unwrap())).into()
}

/// Differences beyond `share` of SUMO's number and `least`, as lines.
fn differences(ours: &Elements, theirs: &Elements, share: f64, least: f64, but: &[&str]) -> Vec<String> {
    let mut lines = Vec::new();
    assert!(!theirs.is_empty());
    for (name, numbers) in theirs {
        let Some(own) = ours.get(name) else {
            lines.push(format!("{name} is missing"));
            continue;
        };
        for (key, expected) in numbers.iter().filter(|(k, _)| !but.contains(&k.as_str())) {
            let found = own.get(key).copied().unwrap_or(f64::NAN);
            let near = (found - expected).abs() <= (share * expected.abs()).max(least);
            if !near {
                lines.push(format!("{name} {key}: {found}, in SUMO {expected}"));
            }
        }
    }
    lines
}

#[test]
fn detectors_measure_what_sumos_measure() {
    let ours = measured();
    let mut all = Vec::new();
    // Losses against a wish that SUMO knows a little better, and the part of a step in which somebody arrives, which an
    // outsider does not see, are what is left.
    for (ours_name, theirs, tags, share, least, but) in [
        ("m.e1.xml", include_str!("measuring/sumo.e1.xml"), &["interval"][..], 0.01, 0.02, &[][..]),
        ("m.e2.xml", include_str!("measuring/sumo.e2.xml"), &["interval"], 0.02, 0.1, &[]),
        ("m.e3.xml", include_str!("measuring/sumo.e3.xml"), &["interval"], 0.04, 0.1, &[]),
        ("m.means.xml", include_str!("measuring/sumo.means.xml"), &["edge"], 0.06, 0.1, &[]),
    ] {
        let (ours, theirs) = (elements(&ours[ours_name], tags), elements(theirs, tags));
        all.extend(differences(&ours, &theirs, share, least, but));
    }
    assert!(all.is_empty(), "{} differences:\n{}", all.len(), all.join("\n"));
}
