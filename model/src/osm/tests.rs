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

/// A map in OpenStreetMap's own encoding, written by hand so that it can be wrong.
struct Drawn {
    /// Id, and millionths of a degree north and east.
    nodes: Vec<(i64, [i64; 2])>,
    /// Id, nodes, and the value of `highway`; what is `parking` is a car park for those who go on by train, `ferry` one of ten minutes.
    ways: Vec<(i64, Vec<i64>, &'static str)>,
    /// Members of a `no_left_turn`: from, via, to.
    restriction: [i64; 3],
}

/// A crossing of two streets with a third one beyond.
fn sound() -> Drawn {
    let at = |x: i64, y: i64| [41_000_000 + 1000 * y, -8_000_000 + 1000 * x];
    Drawn {
        nodes: vec![(1, at(0, 0)), (2, at(2, 0)), (3, at(4, 0)), (4, at(2, 2)), (5, at(2, -2))],
        ways: vec![
            (10, vec![1, 2, 3], "residential"),
            (11, vec![4, 2, 5], "primary"),
            (12, vec![3, 4], "residential"),
        ],
        restriction: [10, 2, 11],
    }
}

fn varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

fn number(field: u64, number: u64, out: &mut Vec<u8>) {
    varint(field << 3, out);
    varint(number, out);
}

fn bytes(field: u64, bytes: &[u8], out: &mut Vec<u8>) {
    varint(field << 3 | 2, out);
    varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

fn packed(field: u64, numbers: impl IntoIterator<Item = u64>, out: &mut Vec<u8>) {
    let mut all = Vec::new();
    numbers.into_iter().for_each(|number| varint(number, &mut all));
    bytes(field, &all, out);
}

/// Each less the one before.
fn deltas(numbers: &[i64]) -> impl Iterator<Item = u64> + '_ {
    let before = std::iter::once(0).chain(numbers.iter().copied());
    numbers.iter().zip(before).map(|(number, before)| zigzag(number.wrapping_sub(before)))
}

impl Drawn {
    fn encode(&self) -> Vec<u8> {
        let words = [
            "",
            "highway",
            "type",
            "restriction",
            "no_left_turn",
            "from",
            "via",
            "to",
            "residential",
            "primary",
            "amenity",
            "parking",
            "park_ride",
            "yes",
            "route",
            "ferry",
            "duration",
            "00:10",
        ];
        let word = |text: &str| words.iter().position(|word| *word == text).unwrap_or(0) as u64;
        let (mut table, mut group) = (Vec::new(), Vec::new());
        words.iter().for_each(|word| bytes(1, word.as_bytes(), &mut table));
        for (id, [lat, lon]) in &self.nodes {
            let mut node = Vec::new();
            number(1, zigzag(*id), &mut node);
            number(8, zigzag(lat * 10), &mut node);
            number(9, zigzag(lon * 10), &mut node);
            bytes(1, &node, &mut group);
        }
        for (id, nodes, highway) in &self.ways {
            let mut way = Vec::new();
            number(1, *id as u64, &mut way);
            let (keys, values) = match *highway {
                "parking" => (["amenity", "park_ride"].as_slice(), ["parking", "yes"]),
                "ferry" => (["route", "duration"].as_slice(), ["ferry", "00:10"]),
                highway => (["highway"].as_slice(), [highway, ""]),
            };
            packed(2, keys.iter().map(|key| word(key)), &mut way);
            packed(3, values[..keys.len()].iter().map(|value| word(value)), &mut way);
            packed(8, deltas(nodes), &mut way);
            bytes(3, &way, &mut group);
        }
        let mut relation = Vec::new();
        number(1, 100, &mut relation);
        packed(2, [word("type"), word("restriction")], &mut relation);
        packed(3, [word("restriction"), word("no_left_turn")], &mut relation);
        packed(8, ["from", "via", "to"].map(word), &mut relation);
        packed(9, deltas(&self.restriction), &mut relation);
        packed(10, [1, 0, 1], &mut relation);
        bytes(4, &relation, &mut group);
        let mut block = Vec::new();
        bytes(1, &table, &mut block);
        bytes(2, &group, &mut block);
        let mut features = Vec::new();
        bytes(4, b"OsmSchema-V0.6", &mut features);
        let mut file = Vec::new();
        for (kind, content) in [("OSMHeader", features), ("OSMData", block)] {
            let (mut blob, mut header) = (Vec::new(), Vec::new());
            bytes(1, &content, &mut blob);
            bytes(1, kind.as_bytes(), &mut header);
            number(3, blob.len() as u64, &mut header);
            file.extend((header.len() as u32).to_be_bytes());
            file.extend(header);
            file.extend(blob);
        }
        file
    }
}

/// Reads a map: how many links it has, and what is said of it.
fn reading(bytes: &[u8]) -> String {
    match city("drawn.osm.pbf", bytes, &SignalHabits::plain()) {
        Ok(read) => {
            assert_eq!(read.value.faults(), Vec::<String>::new());
            let notes = read
                .notes
                .iter()
                .map(|note| format!("; {}", note.to_string().replace("drawn.osm.pbf: ", "")));
            format!("{} links{}", read.value.network.links.len(), notes.collect::<String>())
        }
        Err(refused) => {
            assert!(refused.to_string().starts_with("drawn.osm.pbf: "), "{refused}");
            format!("refused: {refused}")
        }
    }
}

#[test]
fn a_car_park_is_in_the_middle_of_its_ground() {
    let parks = |nodes: Vec<i64>| {
        let mut map = sound();
        map.ways.push((13, nodes, "parking"));
        city("drawn.osm.pbf", &map.encode(), &SignalHabits::plain()).unwrap().value.car_parks
    };
    let [park] = &parks(vec![1, 2, 4, 1])[..] else { panic!("one car park") };
    assert_eq!((park.id.as_str(), park.park_and_ride), ("way/13", true));
    assert!((park.at.lat - 41.001).abs() < 1e-9 && (park.at.lon + 7.999).abs() < 1e-9, "{park:?}");
    // Of ground whose corners the map does not hold nobody knows where it is.
    assert_eq!(parks(vec![77, 78, 79, 77]), []);
}

#[test]
fn a_ferry_takes_as_long_as_it_says_and_has_no_lanes() {
    let mut map = sound();
    map.ways[2] = (12, vec![3, 4], "ferry");
    let city = city("drawn.osm.pbf", &map.encode(), &SignalHabits::plain()).unwrap().value;
    let ferries: Vec<_> = city.network.links.iter().filter(|link| link.going.ferry).collect();
    assert_eq!(ferries.len(), 2, "there and back");
    for ferry in ferries {
        assert!((ferry.free_travel_time_s() - 600.0).abs() < 1e-6, "{}", ferry.free_travel_time_s());
        assert!(ferry.lanes.is_empty() && ferry.access.has(Modes::CAR) && ferry.access.has(Modes::WALK));
    }
}

#[test]
fn a_map_broken_in_ten_ways_is_repaired_and_said_or_refused() {
    let check = |breaks: fn(&mut Drawn), says: &str| {
        let mut map = sound();
        breaks(&mut map);
        let told = reading(&map.encode());
        assert!(told.contains(says), "{told:?} instead of {says:?}");
    };
    assert_eq!(reading(&sound().encode()), "10 links");
    check(|map| map.nodes.truncate(4), "1 ways lost nodes that the file does not hold");
    check(|map| map.nodes[4].1 = [95_000_000, 0], "1 ways lost nodes");
    check(|map| map.nodes.clear(), "refused");
    check(|map| map.ways.clear(), "refused: drawn.osm.pbf: it has no roads");
    check(|map| map.ways[2].1.truncate(1), "1 ways have fewer than two nodes and are left out");
    check(|map| map.ways[2].1 = vec![3, 3, 3], "8 links");
    check(|map| map.ways[2].2 = "nonsense", "8 links");
    check(|map| map.ways[2].0 = 10, "10 links");
    check(|map| map.restriction = [10, 2, 99], "1 turn restrictions are of roads that do not meet there");
    check(|map| map.restriction = [12, 2, 11], "1 turn restrictions are of roads that do not meet there");
    check(|map| map.ways[0].1 = vec![1, 777, 888], "ways lost nodes");
}

#[test]
fn no_damage_to_a_map_stops_us() {
    let sound = sound().encode();
    for at in 0..sound.len() {
        for damage in [0x00, 0x01, 0x7f, 0x80, 0xff] {
            let mut damaged = sound.clone();
            damaged[at] ^= damage;
            reading(&damaged);
            reading(&[&sound[..at], &[damage], &sound[at..]].concat());
        }
        reading(&sound[..at]);
    }
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
