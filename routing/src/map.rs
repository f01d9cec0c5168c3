//! What journeys need of a city after its streets were worked out: where they run and what they are called, packed tightly.
//!
//! A city file says much more (lanes, turns, signals), which goes into [`crate::graph`] and is then let go.

use crate::{
    columns::{self, Entry},
    graph::{distance, twins},
};
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
    /// Where cars may be left.
    pub car_parks: Vec<MapCarPark>,
    /// Where bicycles may be left.
    pub bicycle_parks: Vec<MapBicyclePark>,
    bounds: Option<[LonLat; 2]>,
    #[serde(with = "columns")]
    links: Vec<Packed>,
    /// Of all lines one after another; of the two halves of a two-way street only the first has any.
    #[serde(with = "columns")]
    points: Vec<Point>,
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

/// A place where anybody may leave a car.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct MapCarPark {
    /// Its id.
    pub id: String,
    /// What it is called; empty if it has no name.
    #[serde(with = "one_name")]
    pub name: Name,
    /// Where it is.
    pub at: LonLat,
    /// For how many cars it has room, if that is known.
    pub capacity: Option<u32>,
    /// Whether it is meant for those who go on by public transport.
    pub park_and_ride: bool,
}

/// A place where anybody may leave a bicycle.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct MapBicyclePark {
    /// Its id.
    pub id: String,
    /// What it is called; empty if it has no name.
    #[serde(with = "one_name")]
    pub name: Name,
    /// Where it is.
    pub at: LonLat,
    /// For how many bicycles it has room, if that is known.
    pub capacity: Option<u32>,
    /// Whether it is known to have a roof.
    pub covered: bool,
}

/// A place in steps of 1e-7 degrees east and north, as OpenStreetMap has it: a centimetre.
type Point = [i32; 2];

/// Nothing on the map is known better than to a few of those steps, m.
pub(crate) const EXACT_M: f64 = 0.02;

fn point(at: LonLat) -> Point {
    [at.lon, at.lat].map(|degrees| (degrees * 1e7).round() as i32)
}

fn place([lon, lat]: Point) -> LonLat {
    LonLat { lon: f64::from(lon) / 1e7, lat: f64::from(lat) / 1e7 }
}

/// A link as it is kept.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Packed {
    /// Where its points begin.
    points: u32,
    /// How many they are.
    count: u32,
    /// Whether they are its twin's, and it runs from the last of them to the first.
    against: bool,
    steps: bool,
    /// Where its id ends.
    id_end: u32,
    name: u32,
    twin: u32,
    length_m: f32,
    free_s: f32,
}

impl Entry for Packed {
    const BYTES: usize = <([u32; 5], ([f32; 2], [bool; 2]))>::BYTES;

    fn write(self, bytes: &mut Vec<u8>) {
        let Packed { points, count, against, steps, id_end, name, twin, length_m, free_s } = self;
        ([points, count, id_end, name, twin], ([length_m, free_s], [against, steps])).write(bytes);
    }

    fn read(bytes: &[u8]) -> Self {
        let ([points, count, id_end, name, twin], ([length_m, free_s], [against, steps])) =
            Entry::read(bytes);
        Packed { points, count, against, steps, id_end, name, twin, length_m, free_s }
    }
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
            car_parks: city
                .car_parks
                .iter()
                .map(|park| MapCarPark {
                    id: park.id.clone(),
                    name: park.name.clone().unwrap_or_default(),
                    at: park.at,
                    capacity: park.capacity,
                    park_and_ride: park.park_and_ride,
                })
                .collect(),
            bicycle_parks: city
                .bicycle_parks
                .iter()
                .map(|park| MapBicyclePark {
                    id: park.id.clone(),
                    name: park.name.clone().unwrap_or_default(),
                    at: park.at,
                    capacity: park.capacity,
                    covered: park.covered,
                })
                .collect(),
            bounds: network.bounds(),
            links: Vec::with_capacity(network.links.len()),
            points: Vec::new(),
            names: Vec::new(),
            ids: String::new(),
        };
        let mut known = HashMap::<(&str, Option<&str>), u32>::new();
        for (i, (link, &twin)) in network.links.iter().zip(&twins).enumerate() {
            let line = || link.shape.iter().copied().map(point);
            let drawn = twin.filter(|twin| twins[twin.ix()] == Some(LinkIx::from(i)));
            let drawn = drawn.and_then(|twin| map.links.get(twin.ix()));
            let drawn = drawn.map(|twin| twin.points).filter(|&points| {
                map.points
                    .get(points as usize..points as usize + link.shape.len())
                    .is_some_and(|points| points.iter().rev().copied().eq(line()))
            });
            let points = drawn.unwrap_or(map.points.len() as u32);
            if drawn.is_none() {
                map.points.extend(line());
            }
            map.ids.push_str(link.id.as_str());
            let name = link.name.as_ref().map_or(NONE, |name| {
                *known.entry((&name.local, name.en.as_deref())).or_insert_with(|| {
                    map.names.push(name.clone());
                    map.names.len() as u32 - 1
                })
            });
            map.links.push(Packed {
                points,
                count: link.shape.len() as u32,
                against: drawn.is_some(),
                steps: link.steps,
                id_end: map.ids.len() as u32,
                name,
                twin: twin.map_or(NONE, |twin| twin.0),
                length_m: link.length_m as f32,
                free_s: link.free_travel_time_s() as f32,
            });
        }
        map.points.shrink_to_fit();
        map.ids.shrink_to_fit();
        map
    }

    /// Whether all that points within it points at something.
    pub(crate) fn is_sound(&self) -> bool {
        let mut id = 0;
        self.links.iter().all(|link| {
            let sound = link.count >= 2
                && link.points as usize + link.count as usize <= self.points.len()
                && link.id_end >= id
                && self.ids.is_char_boundary(link.id_end as usize)
                && (link.name == NONE || (link.name as usize) < self.names.len())
                && (link.twin == NONE || (link.twin as usize) < self.links.len());
            id = link.id_end;
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
        let shift = 63 - (self.len().max(2) as u64).ilog2();
        let row = |link: Street<'_>| (hash(link.id()) >> shift) as usize;
        let mut first = vec![0; (1 << (64 - shift)) + 1];
        self.links().for_each(|link| first[row(link) + 1] += 1);
        for i in 1..first.len() {
            first[i] += first[i - 1];
        }
        let (mut next, mut all) = (first.clone(), vec![0; self.len()]);
        for (i, link) in self.links().enumerate() {
            let slot = &mut next[row(link)];
            all[*slot as usize] = i as u32;
            *slot += 1;
        }
        ById { shift, first, all }
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

    /// Whether its line is its twin's, the other way.
    pub(crate) fn is_drawn_by_twin(self) -> bool {
        self.packed().against
    }

    /// Its line, at least two points.
    pub fn shape(self) -> impl DoubleEndedIterator<Item = LonLat> + ExactSizeIterator + use<'a> {
        (0..self.packed().count as usize).map(move |i| self.point(i))
    }

    /// A point of its line.
    pub(crate) fn point(self, i: usize) -> LonLat {
        let link = self.packed();
        let i = if link.against { link.count as usize - 1 - i } else { i };
        place(self.map.points[link.points as usize + i])
    }

    /// The same on a plane, m.
    pub(crate) fn on(self, plane: LocalPlane) -> impl DoubleEndedIterator<Item = [f64; 2]> + use<'a> {
        self.shape().map(move |at| plane.to_metres(at))
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
        let along = match along_m {
            m if m < EXACT_M => 0.0,
            m if m > passed_m - EXACT_M => 1.0,
            m => m / passed_m,
        };
        (along, point)
    }
}

/// The share of the way from `a` to `b` at which the straight line between them comes nearest to `p`, and where that is.
pub(crate) fn foot(a: [f64; 2], b: [f64; 2], p: [f64; 2]) -> (f64, [f64; 2]) {
    let [dx, dy] = [b[0] - a[0], b[1] - a[1]];
    let square = dx * dx + dy * dy;
    let t = if square == 0.0 {
        0.0
    } else {
        (((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / square).clamp(0.0, 1.0)
    };
    (t, crate::graph::between(a, b, t))
}

/// Links by a hash of their ids: a tenth of what a table of strings would take.
#[derive(Debug)]
pub(crate) struct ById {
    shift: u32,
    /// By the first bits of an id's hash: where links with such ids begin.
    first: Vec<u32>,
    all: Vec<u32>,
}

impl ById {
    /// The link of that id.
    pub(crate) fn find(&self, map: &Map, id: &str) -> Option<LinkIx> {
        let row = (hash(id) >> self.shift) as usize;
        let row = &self.all[self.first[row] as usize..self.first[row + 1] as usize];
        row.iter().map(|&link| LinkIx(link)).find(|&link| map.link(link).id() == id)
    }
}

/// FNV-1a, 64 bits.
fn hash(id: &str) -> u64 {
    id.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
