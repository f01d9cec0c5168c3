//! What journeys need of a city after its streets were worked out: where they run and what they are called, packed tightly.
//!
//! A city file says much more (lanes, turns, signals), which goes into [`crate::graph`] and is then let go.

use crate::graph::{distance, twins};
use model::{
    city::City,
    geo::{LocalPlane, LonLat},
    ids::LinkIx,
    network::Name,
};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// No name, or no twin.
const NONE: u32 = u32::MAX;

/// The streets of a city, their names, and its stops.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Map {
    /// What people call the city.
    #[serde(with = "one_name")]
    pub name: Name,
    /// Its middle.
    pub centre: LonLat,
    /// [`City::fingerprint`] of the city of which it was made.
    pub fingerprint: u64,
    /// Stops that the city itself names.
    pub stops: Vec<MapStop>,
    bounds: Option<[LonLat; 2]>,
    links: Vec<Packed>,
    points: Vec<LonLat>,
    #[serde(with = "many_names")]
    names: Vec<Name>,
    /// All links' ids, one after another.
    ids: String,
}

/// A name leaves out what it does not have, which a file without field names cannot.
mod one_name {
    use model::network::Name;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(name: &Name, serializer: S) -> Result<S::Ok, S::Error> {
        (&name.local, &name.en).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Name, D::Error> {
        let (local, en) = <(String, Option<String>)>::deserialize(deserializer)?;
        Ok(Name { local, en })
    }
}

mod many_names {
    use model::network::Name;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(names: &[Name], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(names.iter().map(|name| (&name.local, &name.en)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Name>, D::Error> {
        let names = Vec::<(String, Option<String>)>::deserialize(deserializer)?;
        Ok(names.into_iter().map(|(local, en)| Name { local, en }).collect())
    }
}

/// A stop of the city's own.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct MapStop {
    /// Its id.
    pub id: String,
    /// What it is called.
    #[serde(with = "one_name")]
    pub name: Name,
    /// Where it is.
    pub at: LonLat,
}

/// A link as it is kept.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
struct Packed {
    /// Where its points end; they begin where those of the link before end.
    points_end: u32,
    /// Where its id ends.
    id_end: u32,
    name: u32,
    twin: u32,
    length_m: f32,
    free_s: f32,
    steps: bool,
}

/// A link of the map.
#[derive(Clone, Copy, Debug)]
pub struct Street<'a> {
    map: &'a Map,
    ix: usize,
}

impl Map {
    /// Packs a city that has no [`City::faults`].
    pub fn new(city: &City) -> Map {
        let network = &city.network;
        let twins = twins(network);
        let mut map = Map {
            name: city.name.clone(),
            centre: city.centre,
            fingerprint: city.fingerprint(),
            stops: city
                .transit
                .stops
                .iter()
                .map(|stop| MapStop { id: stop.id.to_string(), name: stop.name.clone(), at: stop.at })
                .collect(),
            bounds: network.bounds(),
            links: Vec::with_capacity(network.links.len()),
            points: Vec::new(),
            names: Vec::new(),
            ids: String::new(),
        };
        let mut known = HashMap::<(&str, Option<&str>), u32>::new();
        for (link, twin) in network.links.iter().zip(twins) {
            map.points.extend_from_slice(&link.shape);
            map.ids.push_str(link.id.as_str());
            let name = link.name.as_ref().map_or(NONE, |name| {
                *known.entry((&name.local, name.en.as_deref())).or_insert_with(|| {
                    map.names.push(name.clone());
                    map.names.len() as u32 - 1
                })
            });
            map.links.push(Packed {
                points_end: map.points.len() as u32,
                id_end: map.ids.len() as u32,
                name,
                twin: twin.map_or(NONE, |twin| twin.0),
                length_m: link.length_m as f32,
                free_s: link.free_travel_time_s() as f32,
                steps: link.steps,
            });
        }
        map.points.shrink_to_fit();
        map.ids.shrink_to_fit();
        map
    }

    /// Whether all that points within it points at something.
    pub(crate) fn is_sound(&self) -> bool {
        let (mut point, mut id) = (0, 0);
        self.links.iter().all(|link| {
            let sound = link.points_end >= point + 2
                && link.points_end as usize <= self.points.len()
                && link.id_end >= id
                && self.ids.is_char_boundary(link.id_end as usize)
                && (link.name == NONE || (link.name as usize) < self.names.len())
                && (link.twin == NONE || (link.twin as usize) < self.links.len());
            (point, id) = (link.points_end, link.id_end);
            sound
        })
    }

    /// How many links there are.
    pub fn len(&self) -> usize {
        self.links.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// A link.
    pub fn link(&self, link: LinkIx) -> Street<'_> {
        Street { map: self, ix: link.ix() }
    }

    /// All links, in order of their index.
    pub fn links(&self) -> impl ExactSizeIterator<Item = Street<'_>> {
        (0..self.links.len()).map(|ix| Street { map: self, ix })
    }

    /// South-west and north-east corners of everything; `None` if there are no streets.
    pub fn bounds(&self) -> Option<[LonLat; 2]> {
        self.bounds
    }

    /// Links by their ids.
    pub(crate) fn by_id(&self) -> ById {
        let mut all: Vec<(u64, u32)> =
            self.links().enumerate().map(|(i, link)| (hash(link.id()), i as u32)).collect();
        all.sort_unstable();
        let shift = 63 - (all.len().max(2) as u64).ilog2();
        let rows = 1_u64 << (64 - shift);
        let first = (0..=rows).map(|row| all.partition_point(|&(hash, _)| hash >> shift < row) as u32);
        ById { shift, first: first.collect(), all }
    }
}

impl<'a> Street<'a> {
    fn packed(self) -> &'a Packed {
        &self.map.links[self.ix]
    }

    /// Its name in the source.
    pub fn id(self) -> &'a str {
        let begin = if self.ix == 0 { 0 } else { self.map.links[self.ix - 1].id_end as usize };
        &self.map.ids[begin..self.packed().id_end as usize]
    }

    /// The street's name, if it has one.
    pub fn name(self) -> Option<&'a Name> {
        self.map.names.get(self.packed().name as usize)
    }

    /// Whether it has steps.
    pub fn has_steps(self) -> bool {
        self.packed().steps
    }

    /// Its length, m.
    pub fn length_m(self) -> f64 {
        f64::from(self.packed().length_m)
    }

    /// Travel time on an empty road, s.
    pub fn free_travel_time_s(self) -> f64 {
        f64::from(self.packed().free_s)
    }

    /// The other half of a two-way street.
    pub fn twin(self) -> Option<LinkIx> {
        Some(self.packed().twin).filter(|twin| *twin != NONE).map(LinkIx)
    }

    /// Its line, at least two points.
    pub fn shape(self) -> &'a [LonLat] {
        let begin = if self.ix == 0 { 0 } else { self.map.links[self.ix - 1].points_end as usize };
        &self.map.points[begin..self.packed().points_end as usize]
    }

    /// The same on a plane, m.
    pub(crate) fn on(self, plane: LocalPlane) -> impl DoubleEndedIterator<Item = [f64; 2]> + use<'a> {
        self.shape().iter().map(move |&at| plane.to_metres(at))
    }

    /// The point of its line that is nearest to `at`: how far along it is, 0 to 1, and where.
    pub(crate) fn foot(self, plane: LocalPlane, at: [f64; 2]) -> (f64, [f64; 2]) {
        let mut line = self.on(plane);
        let mut before = line.next().unwrap_or(at);
        let (mut nearest_m, mut along_m, mut point, mut passed_m) = (f64::INFINITY, 0.0, before, 0.0);
        for next in line {
            let length_m = distance(before, next);
            let (t, here) = foot(before, next, at);
            if distance(here, at) < nearest_m {
                (nearest_m, along_m, point) = (distance(here, at), passed_m + t * length_m, here);
            }
            passed_m += length_m;
            before = next;
        }
        (if passed_m > 0.0 { (along_m / passed_m).clamp(0.0, 1.0) } else { 0.0 }, point)
    }
}

/// The share of the way from `a` to `b` at which the straight line between them comes nearest to `p`, and where that is.
fn foot(a: [f64; 2], b: [f64; 2], p: [f64; 2]) -> (f64, [f64; 2]) {
    let [dx, dy] = [b[0] - a[0], b[1] - a[1]];
    let square = dx * dx + dy * dy;
    let t = if square == 0.0 {
        0.0
    } else {
        (((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / square).clamp(0.0, 1.0)
    };
    (t, crate::graph::between(a, b, t))
}

/// Links by a hash of their ids: a fifth of what a table of strings would take.
#[derive(Debug)]
pub(crate) struct ById {
    shift: u32,
    /// By a hash's first bits: where those that begin so begin.
    first: Vec<u32>,
    all: Vec<(u64, u32)>,
}

impl ById {
    /// The link of that id.
    pub(crate) fn find(&self, map: &Map, id: &str) -> Option<LinkIx> {
        let hash = hash(id);
        let row = (hash >> self.shift) as usize;
        let row = &self.all[self.first[row] as usize..self.first[row + 1] as usize];
        let same = row.iter().filter(|&&(other, _)| other == hash);
        same.map(|&(_, link)| LinkIx(link)).find(|&link| map.link(link).id() == id)
    }
}

/// FNV-1a, 64 bits.
fn hash(id: &str) -> u64 {
    id.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
