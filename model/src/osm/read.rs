//! What roads are made of, taken from the file in one pass.

use super::tags::Tags;
use crate::{
    city::{AreaKind, BicyclePark, CarPark},
    geo::LonLat,
    network::{Limits, Name},
};
use osmpbf::{Element, ElementReader, RelMemberType};
use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasherDefault, Hasher},
    io::Cursor,
};

/// By a number that the map gives a node or a way.
pub(super) type ById<T> = HashMap<i64, T, BuildHasherDefault<Spread>>;

/// Such numbers.
pub(super) type Ids = HashSet<i64, BuildHasherDefault<Spread>>;

/// One multiplication spreads the map's numbers well enough (Knuth, The Art of Computer Programming 3, 6.4). Each of millions of nodes is
/// looked up several times, and nobody but its operator chooses what a planner reads.
#[derive(Clone, Copy, Default)]
pub(super) struct Spread(u64);

impl Hasher for Spread {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_i64(i64::from(*byte)));
    }

    fn write_i64(&mut self, number: i64) {
        self.0 = (self.0 ^ number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0.rotate_left(26)
    }
}

/// A way that somebody can travel along.
pub(super) struct Way {
    pub(super) id: i64,
    pub(super) nodes: Vec<i64>,
    pub(super) tags: Tags,
}

/// A turn restriction at a node.
pub(super) struct Restriction {
    pub(super) from: i64,
    pub(super) via: i64,
    pub(super) to: i64,
    /// `only_*`: every other turn from there is banned; otherwise this one is.
    pub(super) only: bool,
}

/// The parts of a map that make a city.
#[derive(Default)]
pub(super) struct Map {
    pub(super) places: ById<LonLat>,
    pub(super) ways: Vec<Way>,
    /// Nodes with traffic lights, for vehicles or at crossings.
    pub(super) signals: Ids,
    /// Nodes where vehicles cannot pass.
    pub(super) barriers: Ids,
    /// Nodes with a kerb that stops wheelchairs.
    pub(super) kerbs: Ids,
    /// Nodes that limit what passes: beams, gates.
    pub(super) limits: ById<Limits>,
    /// How high nodes lie of which that is said (`ele`), m above the sea.
    pub(super) heights: ById<f64>,
    pub(super) restrictions: Vec<Restriction>,
    /// Restrictions that we do not understand: through ways, conditional.
    pub(super) other_restrictions: usize,
    pub(super) areas: Vec<(AreaKind, Option<Name>, Vec<LonLat>)>,
    pub(super) car_parks: Vec<CarPark>,
    /// Where bicycles may be left.
    pub(super) bicycle_parks: Vec<BicyclePark>,
}

/// Reads a file; what is wrong with it if it cannot be read.
pub(super) fn read(bytes: &[u8]) -> Result<Map, String> {
    // The crate unwraps what a damaged file says of a relation's members, so a panic there is a fault of the file.
    let reading = std::panic::catch_unwind(|| read_elements(bytes));
    let read = reading.map_err(|_| "a part of it is damaged".to_string())?;
    read.map_err(|error| error.to_string())
}

fn read_elements(bytes: &[u8]) -> Result<Map, osmpbf::Error> {
    let mut map = Map::default();
    let mut areas: Vec<(AreaKind, Option<Name>, Vec<i64>)> = Vec::new();
    let mut car_parks: Vec<(CarPark, Vec<i64>)> = Vec::new();
    let mut bicycle_parks: Vec<(BicyclePark, Vec<i64>)> = Vec::new();
    ElementReader::new(Cursor::new(bytes)).for_each(|element| match element {
        Element::Node(n) => map.node(n.id(), n.lon(), n.lat(), || n.tags()),
        Element::DenseNode(n) => map.node(n.id(), n.lon(), n.lat(), || n.tags()),
        Element::Way(w) => {
            let tags = Tags::of(w.tags());
            if let Some(park) = tags.car_park(format!("way/{}", w.id())) {
                car_parks.push((park, w.refs().collect()));
            }
            if let Some(park) = tags.bicycle_park(format!("way/{}", w.id())) {
                bicycle_parks.push((park, w.refs().collect()));
            }
            if tags.is_road() {
                map.ways.push(Way { id: w.id(), nodes: w.refs().collect(), tags });
            } else if let Some(kind) = tags.area() {
                let nodes: Vec<i64> = w.refs().collect();
                if nodes.len() >= 4 && nodes.first() == nodes.last() {
                    areas.push((kind, tags.name(), nodes));
                }
            }
        }
        Element::Relation(r) => {
            let (mut kind, mut turn) = ("", "");
            for (key, value) in r.tags() {
                match key {
                    "type" => kind = value,
                    "restriction" => turn = value,
                    _ => {}
                }
            }
            if !kind.starts_with("restriction") {
                return;
            }
            let member = |role: &str, of: RelMemberType| {
                r.members()
                    .filter(|m| m.role().is_ok_and(|r| r == role) && m.member_type == of)
                    .map(|m| m.member_id)
                    .next()
            };
            let (from, to) = (member("from", RelMemberType::Way), member("to", RelMemberType::Way));
            let via = member("via", RelMemberType::Node);
            match (from, via, to) {
                (Some(from), Some(via), Some(to)) if turn.starts_with("no_") || turn.starts_with("only_") => {
                    map.restrictions.push(Restriction { from, via, to, only: turn.starts_with("only_") });
                }
                _ => map.other_restrictions += 1,
            }
        }
    })?;
    for (kind, name, nodes) in areas {
        let ring: Option<Vec<LonLat>> = nodes.iter().map(|n| map.places.get(n).copied()).collect();
        map.areas.extend(ring.map(|ring| (kind, name, ring)));
    }
    let ring = |nodes: &[i64]| nodes.iter().filter_map(|n| map.places.get(n).copied()).collect::<Vec<_>>();
    for (park, nodes) in car_parks {
        map.car_parks.extend(middle(&ring(&nodes)).map(|at| CarPark { at, ..park }));
    }
    for (park, nodes) in bicycle_parks {
        map.bicycle_parks.extend(middle(&ring(&nodes)).map(|at| BicyclePark { at, ..park }));
    }
    Ok(map)
}

impl Map {
    /// How many turn restrictions name ways that the file does not hold, or that do not meet at their node.
    pub(super) fn stray_restrictions(&self) -> usize {
        let ways: ById<&Way> = self.ways.iter().map(|way| (way.id, way)).collect();
        let meets = |way: i64, node: i64| ways.get(&way).is_some_and(|way| way.nodes.contains(&node));
        self.restrictions.iter().filter(|r| !(meets(r.from, r.via) && meets(r.to, r.via))).count()
    }

    fn node<'a, T: Iterator<Item = (&'a str, &'a str)>>(
        &mut self,
        id: i64,
        lon: f64,
        lat: f64,
        tags: impl Fn() -> T,
    ) {
        let at = LonLat { lon, lat };
        if !at.is_valid() {
            return;
        }
        self.places.insert(id, at);
        if tags().any(|tag| tag == ("amenity", "parking")) {
            let park = Tags::of(tags()).car_park(format!("node/{id}"));
            self.car_parks.extend(park.map(|park| CarPark { at, ..park }));
        }
        if tags().any(|tag| tag == ("amenity", "bicycle_parking")) {
            let park = Tags::of(tags()).bicycle_park(format!("node/{id}"));
            self.bicycle_parks.extend(park.map(|park| BicyclePark { at, ..park }));
        }
        let (mut barrier, mut open, mut shut) = (false, false, false);
        for (key, value) in tags() {
            match (key, value) {
                ("highway", "traffic_signals") | ("crossing", "traffic_signals") => {
                    self.signals.insert(id);
                }
                ("barrier", "bollard" | "block" | "cycle_barrier" | "jersey_barrier" | "chain" | "log") => {
                    barrier = true
                }
                ("barrier", "gate" | "lift_gate" | "swing_gate") => {}
                ("access" | "vehicle" | "motor_vehicle", "no" | "private") => shut = true,
                ("access" | "vehicle" | "motor_vehicle", "yes" | "permissive" | "destination") => open = true,
                _ => {}
            }
        }
        if (barrier || shut) && !open {
            self.barriers.insert(id);
        }
        let height = tags().find(|tag| tag.0 == "ele").and_then(|tag| tag.1.parse::<f64>().ok());
        self.heights.extend(height.filter(|m| m.is_finite()).map(|m| (id, m)));
        if tags().any(|tag| tag.0.starts_with("max")) {
            let limits = Tags::of(tags()).limits();
            if limits != Limits::default() {
                self.limits.insert(id, limits);
            }
        }
        if tags().any(|tag| tag.0 == "kerb" || tag == ("barrier", "kerb"))
            && Tags::of(tags()).is_raised_kerb()
        {
            self.kerbs.insert(id);
        }
    }
}

/// The middle of the box around some places; `None` if there are none.
fn middle(places: &[LonLat]) -> Option<LonLat> {
    let first = *places.first()?;
    let [mut sw, mut ne] = [first; 2];
    for place in places {
        sw = LonLat { lon: sw.lon.min(place.lon), lat: sw.lat.min(place.lat) };
        ne = LonLat { lon: ne.lon.max(place.lon), lat: ne.lat.max(place.lat) };
    }
    Some(LonLat { lon: (sw.lon + ne.lon) / 2.0, lat: (sw.lat + ne.lat) / 2.0 })
}
