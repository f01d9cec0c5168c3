use super::*;
use crate::sumo::tests::shared;
use crate::{network::Modes, signal::Junction};
use std::collections::BTreeMap;

fn import(path: &str) -> Option<Read<City>> {
    let bytes = std::fs::read(shared(path)?).expect("a readable file");
    Some(city(path, &bytes, &SignalHabits::russian()).unwrap_or_else(|e| panic!("{e}")))
}

#[test]
fn real_maps_become_sound_cities() {
    // Links, junctions and stages at the least; a map that shrinks has lost something.
    for (path, links, junctions) in [
        ("data/routing/porto/porto.osm.pbf", 150_000, 200),
        ("data/routing/moscow_center/valhalla_bench_moscow.osm.pbf", 5_000, 10),
    ] {
        let Some(read) = import(path) else { return };
        let city = &read.value;
        assert_eq!(city.faults(), Vec::<String>::new());
        assert!(city.network.links.len() >= links && city.junctions.len() >= junctions, "{path}");
        let planned = |j: &Junction| j.stages.iter().filter(|s| j.in_plans(s.number)).count();
        assert!(city.junctions.iter().all(|j| (2..=6).contains(&planned(j))), "{path}");
        let driven = city.network.links.iter().filter(|l| l.access.any(Modes::CAR)).count();
        let reached = reach(city)[0];
        assert!(
            reached * 100 >= driven * 98,
            "{path}: of {driven} links a car reaches only {reached} from each other"
        );
    }
}

#[test]
fn a_cut_file_is_a_complaint() {
    let path = "data/routing/moscow_center/valhalla_bench_moscow.osm.pbf";
    let Some(file) = shared(path) else { return };
    let bytes = std::fs::read(file).expect("a readable file");
    for length in [1, 3, 4, 20, 1000, bytes.len() / 2, bytes.len() - 1] {
        let error = city("cut.osm.pbf", &bytes[..length], &SignalHabits::plain()).expect_err("half a file");
        assert!(error.to_string().starts_with("cut.osm.pbf: "), "{error}");
    }
    let error = city("empty.osm.pbf", &[], &SignalHabits::plain()).expect_err("no file");
    assert_eq!(error.to_string(), "empty.osm.pbf: it has no roads (ways with highway=…)");
}

/// Sizes of the strongly connected parts of the car links under the movements, largest first.
fn reach(city: &City) -> Vec<usize> {
    let network = &city.network;
    let joined =
        network.movements.iter().map(|m| (network.lane(m.from).link.ix(), network.lane(m.to).link.ix()));
    let component = super::roads::strong_components(network.links.len(), joined);
    let mut sizes: BTreeMap<usize, usize> = BTreeMap::new();
    for (i, c) in component.iter().enumerate() {
        if network.links[i].access.any(Modes::CAR) {
            *sizes.entry(*c).or_default() += 1;
        }
    }
    let mut sizes: Vec<usize> = sizes.into_values().collect();
    sizes.sort_by_key(|n| std::cmp::Reverse(*n));
    sizes.truncate(8);
    sizes
}
