//! Ways on foot: from a place to stops, from stops to a place, and from stop to stop.
//!
//! A stop has doors. Most stops have one, on the street beside them. A station whose feed says what is inside
//! (GTFS pathways) has its entrances, each as far away as the corridors, stairs and lifts make it.

use super::{
    inside::{Entrance, Inside},
    search::Walk,
    timetable::Timetable,
};
use crate::{
    columns,
    foot::{Climb, Direction, Ends, FootWays},
    graph::StreetGraph,
    gtfs::records::TransferRule,
    map::Map,
    nearest::{OnArc, StreetIndex},
    profile::Profile,
    street::Foot,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

/// From stop to stop one walks for so long at most, at the usual speed: a good kilometre on foot. Longer ways
/// between two rides are not looked for.
pub const FOOTPATH_LIMIT: Duration = Duration::from_secs(15 * 60);

/// What changing takes beside the way, s, where the operator says nothing: to get off, look around, and be there
/// before the doors close.
pub const CHANGE_S: u32 = 60;

/// How far from the nearest street a stop may be, m; beyond it nobody walks to it. Stops of long-distance feeds
/// that the map does not reach are such.
pub const STOP_WITHIN_M: f64 = 300.0;

/// Ways to stops are at hand up to this, ms at the usual speed; whoever would walk for longer looks at all streets. In a large city
/// all stops would have to be kept for the same few corners in its middle.
const AT_HAND_MS: u32 = 3_600_000;

/// Ways in a straight line are so much shorter than those on foot.
const DETOUR: f64 = 1.3;

/// A place where one comes to a stop from the street.
#[derive(Clone, PartialEq, Debug)]
pub struct Door {
    /// The entrance; the stop itself where it has none.
    pub stop: u32,
    /// On the street, in each direction that may be travelled.
    pub feet: Vec<OnArc>,
    /// From the stop to the street, ms.
    pub out_ms: u32,
    /// From the street to the stop, ms.
    pub in_ms: u32,
}

/// Ways from stop to stop in one direction, and what a change takes.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Footpaths {
    #[serde(with = "columns")]
    first: Vec<u32>,
    #[serde(with = "columns")]
    to: Vec<Walk>,
    #[serde(with = "columns")]
    change: Vec<u32>,
}

impl Footpaths {
    /// Makes them of ways (from, to, seconds with all that changing takes) and of what a change at the same stop takes.
    pub fn new(ways: impl IntoIterator<Item = (u32, u32, u32)>, change: Vec<u32>) -> Footpaths {
        let mut ways: Vec<_> = ways.into_iter().map(|(from, to, s)| (from, s, to)).collect();
        ways.sort_unstable();
        let mut first = vec![0; change.len() + 1];
        for &(from, ..) in &ways {
            first[from as usize + 1] += 1;
        }
        for i in 0..change.len() {
            first[i + 1] += first[i];
        }
        Footpaths { first, to: ways.iter().map(|&(_, s, to)| (to, s)).collect(), change }
    }

    /// The same seen from where they lead.
    pub fn turned(&self) -> Footpaths {
        let all = (0..self.change.len() as u32)
            .flat_map(|from| self.from(from).iter().map(move |w| (w.0, from, w.1)));
        Footpaths::new(all.collect::<Vec<_>>(), self.change.clone())
    }

    /// Ways from a stop to others, shortest first.
    pub fn from(&self, stop: u32) -> &[Walk] {
        &self.to[self.first[stop as usize] as usize..self.first[stop as usize + 1] as usize]
    }

    /// What it takes to change at a stop, s.
    pub fn change(&self, stop: u32) -> u32 {
        self.change[stop as usize]
    }

    /// How many ways there are.
    pub fn len(&self) -> usize {
        self.to.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.to.is_empty()
    }
}

/// Streets and stops for one kind of traveller on foot.
#[derive(Debug)]
pub struct Walks {
    ways: Arc<FootWays>,
    doors: Vec<Vec<Door>>,
    /// By vertex: stops that one comes to from there, and the ms.
    into: Buckets,
    /// By vertex: stops from which one comes there, and the ms, where that differs.
    out_of: Option<Buckets>,
    /// By arc: stops with a door on it.
    on_arc: HashMap<usize, Vec<u32>>,
}

/// Stops by the vertices of importance near them, the nearest stops first (Knopp, Sanders, Schultes, Schulz, Wagner: Computing
/// Many-to-Many Shortest Paths Using Highway Hierarchies, 2007).
#[derive(Debug)]
struct Buckets {
    first: Vec<u32>,
    /// The ms, and the stop.
    stops: Vec<(u32, u32)>,
}

impl Buckets {
    fn new(vertices: usize, mut all: Vec<(u32, u32, u32)>) -> Buckets {
        all.sort_unstable();
        let mut first = vec![0; vertices + 1];
        for &(vertex, ..) in &all {
            first[vertex as usize + 1] += 1;
        }
        for i in 0..vertices {
            first[i + 1] += first[i];
        }
        // A copy: to collect what one takes from a vector keeps the memory of all of it.
        Buckets { first, stops: all.iter().map(|&(_, ms, stop)| (ms, stop)).collect() }
    }

    fn at(&self, vertex: u32) -> &[(u32, u32)] {
        &self.stops[self.first[vertex as usize] as usize..self.first[vertex as usize + 1] as usize]
    }
}

/// Working memory for [`Walks::reach`], kept between searches.
#[derive(Debug, Default)]
pub struct WalkScratch {
    climb: Climb,
    best: Vec<u32>,
}

/// Which way one looks from a place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Looking {
    /// From the place to stops.
    Away,
    /// From stops to the place.
    Towards,
}

impl Looking {
    /// What is near the place and what is far from it, in the order of travel; and the other way about.
    pub(crate) fn in_order<T>(self, [near, far]: [T; 2]) -> [T; 2] {
        match self {
            Looking::Away => [near, far],
            Looking::Towards => [far, near],
        }
    }

    /// The same along streets.
    pub(crate) fn direction(self) -> Direction {
        let [near, _] = self.in_order([Direction::Away, Direction::Towards]);
        near
    }
}

impl Walks {
    /// Finds every stop's doors on the streets of one who is on foot or in a wheelchair.
    pub fn new(
        map: &Map,
        index: &StreetIndex,
        (street, ways): (&StreetGraph, &Arc<FootWays>),
        timetable: &Timetable,
    ) -> Walks {
        Walks::inside(map, index, (street, ways), timetable, &Inside::new(timetable, street.profile))
    }

    /// The same for one who gets to platforms so.
    pub(crate) fn inside(
        map: &Map,
        index: &StreetIndex,
        (street, ways): (&StreetGraph, &Arc<FootWays>),
        timetable: &Timetable,
        inside: &Inside<'_>,
    ) -> Walks {
        let doors = doors(map, index, street, inside, timetable);
        let ends = |looking: Looking| -> Vec<Ends> {
            let of_stop = |doors: &Vec<Door>| {
                let mut ends: Ends = doors.iter().flat_map(|door| ends_of(ways, door, looking)).collect();
                ends.sort_unstable();
                ends
            };
            doors.iter().map(of_stop).collect()
        };
        let mut climb = Climb::default();
        let mut buckets = |ends: &[Ends], direction: Direction| {
            let mut all = Vec::new();
            for (stop, ends) in ends.iter().enumerate() {
                ways.climb(ends, direction, AT_HAND_MS, &mut climb, |vertex, ms| {
                    all.push((vertex, ms, stop as u32));
                });
            }
            Buckets::new(ways.vertices(), all)
        };
        let (inwards, outwards) = (ends(Looking::Away), ends(Looking::Towards));
        let alike = ways.alike_both_ways() && inwards == outwards;
        let into = buckets(&inwards, Direction::Towards);
        let out_of = (!alike).then(|| buckets(&outwards, Direction::Away));
        let mut on_arc = HashMap::<usize, Vec<u32>>::new();
        for (stop, doors) in doors.iter().enumerate() {
            for foot in doors.iter().flat_map(|door| &door.feet) {
                on_arc.entry(foot.arc.index()).or_default().push(stop as u32);
            }
        }
        Walks { ways: ways.clone(), doors, into, out_of, on_arc }
    }

    /// How many stops there are.
    pub(crate) fn stops(&self) -> usize {
        self.doors.len()
    }

    /// The streets.
    pub(crate) fn ways(&self) -> &Arc<FootWays> {
        &self.ways
    }

    /// A stop's doors; none if no street is near.
    pub fn doors(&self, stop: u32) -> &[Door] {
        &self.doors[stop as usize]
    }

    /// Stops within `limit_ms` on foot of a place on the streets, with the ms at the usual speed.
    pub fn reach(
        &self,
        feet: &[OnArc],
        looking: Looking,
        limit_ms: u32,
        scratch: &mut WalkScratch,
    ) -> Vec<Walk> {
        let feet: Vec<Foot> = feet.iter().map(|&on| Foot { on, ms: 0 }).collect();
        self.reach_of(&feet, looking, limit_ms, scratch)
    }

    /// The same of several places, each of which is some ms away already.
    pub(crate) fn reach_of(
        &self,
        feet: &[Foot],
        looking: Looking,
        limit_ms: u32,
        scratch: &mut WalkScratch,
    ) -> Vec<Walk> {
        let direction = looking.direction();
        let mut found = Found::new(&mut scratch.best, self.doors.len(), limit_ms);
        for foot in feet {
            for &stop in self.on_arc.get(&foot.on.arc.index()).into_iter().flatten() {
                for door in self.doors(stop) {
                    let ms = match looking {
                        Looking::Away => self.ways.along_ms(&[foot.on], &door.feet).map(|ms| ms + door.in_ms),
                        Looking::Towards => {
                            self.ways.along_ms(&door.feet, &[foot.on]).map(|ms| ms + door.out_ms)
                        }
                    };
                    if let Some(ms) = ms {
                        found.offer(stop, ms.saturating_add(foot.ms));
                    }
                }
            }
        }
        let places: Vec<OnArc> = feet.iter().map(|foot| foot.on).collect();
        let mut starts = self.ways.ends_of(&places, direction);
        for (start, foot) in starts.iter_mut().zip(feet) {
            start.1 = start.1.saturating_add(foot.ms);
        }
        self.spread(&starts, looking, &mut found, &mut scratch.climb);
        found.take()
    }

    fn spread(&self, starts: &[(u32, u32)], looking: Looking, found: &mut Found<'_>, climb: &mut Climb) {
        let (direction, buckets) = match looking {
            Looking::Away => (Direction::Away, &self.into),
            Looking::Towards => (Direction::Towards, self.out_of.as_ref().unwrap_or(&self.into)),
        };
        if found.limit_ms > AT_HAND_MS {
            let there = self.ways.everywhere(starts, direction);
            for (stop, doors) in self.doors.iter().enumerate() {
                for (vertex, ms) in doors.iter().flat_map(|door| ends_of(&self.ways, door, looking)) {
                    found.offer(stop as u32, there[vertex as usize].saturating_add(ms));
                }
            }
            return;
        }
        self.ways.climb(starts, direction, found.limit_ms, climb, |vertex, ms| {
            for &(more_ms, stop) in buckets.at(vertex) {
                let there = ms.saturating_add(more_ms);
                if there > found.limit_ms {
                    break; // The rest is farther.
                }
                found.offer(stop, there);
            }
        });
    }

    /// Ways between all stops, after what the operators say of changing.
    pub fn footpaths(&self, timetable: &Timetable, profile: Profile) -> Footpaths {
        self.footpaths_inside(timetable, &Inside::new(timetable, profile))
    }

    /// The same for one who gets to platforms so.
    pub(crate) fn footpaths_inside(&self, timetable: &Timetable, inside: &Inside<'_>) -> Footpaths {
        let limit_ms = FOOTPATH_LIMIT.as_millis() as u32;
        let mut scratch = WalkScratch::default();
        let mut ways = BTreeMap::<(u32, u32), u32>::new();
        for stop in (0..self.doors.len() as u32).filter(|&stop| timetable.is_platform(stop)) {
            let mut found = Found::new(&mut scratch.best, self.doors.len(), limit_ms);
            let mut starts = Vec::new();
            for door in self.doors(stop) {
                let ends = self.ways.ends_of(&door.feet, Direction::Away);
                starts.extend(ends.into_iter().map(|(vertex, ms)| (vertex, ms + door.out_ms)));
                for &other in door.feet.iter().flat_map(|foot| &self.on_arc[&foot.arc.index()]) {
                    for end in self.doors(other) {
                        if let Some(ms) = self.ways.along_ms(&door.feet, &end.feet) {
                            found.offer(other, ms + door.out_ms + end.in_ms);
                        }
                    }
                }
            }
            self.spread(&starts, Looking::Away, &mut found, &mut scratch.climb);
            for (other, seconds) in inside.platforms(stop) {
                found.offer(other, seconds * 1000);
            }
            let walked = found.take().into_iter().filter(|walk| walk.0 != stop);
            ways.extend(walked.map(|(other, ms)| ((stop, other), ms.div_ceil(1000))));
        }
        with_rules(timetable, inside.profile, ways)
    }
}

/// From the streets to a stop by one of its doors, looking away from a place somewhere else, or from the stop to the streets.
fn ends_of(ways: &FootWays, door: &Door, looking: Looking) -> impl Iterator<Item = (u32, u32)> {
    let (direction, gap_ms) = match looking {
        Looking::Away => (Direction::Towards, door.in_ms),
        Looking::Towards => (Direction::Away, door.out_ms),
    };
    ways.ends_of(&door.feet, direction).into_iter().map(move |(vertex, ms)| (vertex, ms + gap_ms))
}

/// Every platform's doors on the streets of `street`, as one gets from the street to the platform `inside`.
pub(crate) fn doors(
    map: &Map,
    index: &StreetIndex,
    street: &StreetGraph,
    inside: &Inside<'_>,
    timetable: &Timetable,
) -> Vec<Vec<Door>> {
    let speed = inside.profile.usual_speed_mps().unwrap_or(1.0);
    let of_stop = |stop: u32| {
        let entrances = if timetable.is_platform(stop) { inside.entrances(stop) } else { Vec::new() };
        let door = |Entrance { stop, out_s, in_s }: Entrance| {
            let at = timetable.stops[stop as usize].at;
            let access = index.access(map, street, at, STOP_WITHIN_M, |_| true)?;
            let gap_ms = crate::graph::whole_ms(access.distance_m / speed);
            let (out_ms, in_ms) = (out_s * 1000 + gap_ms, in_s * 1000 + gap_ms);
            Some(Door { stop, feet: access.feet(), out_ms, in_ms })
        };
        entrances.into_iter().filter_map(door).collect()
    };
    (0..timetable.stops.len() as u32).map(of_stop).collect()
}

/// Changes ways between stops into ways between rides: with the time that changing takes, and with what the
/// operators say of it.
fn with_rules(timetable: &Timetable, profile: Profile, walked: BTreeMap<(u32, u32), u32>) -> Footpaths {
    let mut change = vec![CHANGE_S; timetable.stops.len()];
    let mut ways: BTreeMap<(u32, u32), u32> = walked.iter().map(|(&pair, &s)| (pair, s + CHANGE_S)).collect();
    for transfer in &timetable.transfers {
        let (from, to) = (timetable.platforms_of(transfer.from), timetable.platforms_of(transfer.to));
        for pair in from.iter().flat_map(|&a| to.iter().map(move |&b| (a, b))) {
            if pair.0 == pair.1 {
                let change = &mut change[pair.0 as usize];
                match transfer.rule {
                    TransferRule::Recommended => {}
                    TransferRule::Timed => *change = 0,
                    TransferRule::Takes(seconds) => *change = seconds,
                    TransferRule::Forbidden => *change = u32::MAX,
                }
                continue;
            }
            let place = |stop: u32| timetable.stops[stop as usize].at;
            let straight_s = || {
                let speed = profile.usual_speed_mps().unwrap_or(1.0);
                (place(pair.0).distance_m(place(pair.1)) * DETOUR / speed).ceil() as u32
            };
            // Where streets show no way the operator's word counts for those who can take stairs.
            let walk_s = walked.get(&pair).copied().or_else(|| (profile == Profile::Walk).then(straight_s));
            match (transfer.rule, walk_s) {
                (TransferRule::Forbidden, _) => drop(ways.remove(&pair)),
                (_, None) => {}
                (TransferRule::Takes(seconds), Some(walk_s)) => drop(ways.insert(pair, walk_s.max(seconds))),
                (TransferRule::Timed, Some(walk_s)) => drop(ways.insert(pair, walk_s)),
                (TransferRule::Recommended, Some(walk_s)) => {
                    ways.entry(pair).or_insert(walk_s + CHANGE_S);
                }
            }
        }
    }
    Footpaths::new(ways.into_iter().map(|((from, to), s)| (from, to, s)), change)
}

/// Stops found so far, each with its least time.
struct Found<'a> {
    best: &'a mut Vec<u32>,
    stops: Vec<u32>,
    limit_ms: u32,
}

impl<'a> Found<'a> {
    /// `best` is all [`u32::MAX`] between uses.
    fn new(best: &'a mut Vec<u32>, stops: usize, limit_ms: u32) -> Found<'a> {
        best.resize(stops, u32::MAX);
        Found { best, stops: Vec::new(), limit_ms }
    }

    fn offer(&mut self, stop: u32, ms: u32) {
        let best = &mut self.best[stop as usize];
        if ms > self.limit_ms || ms >= *best {
            return;
        }
        if *best == u32::MAX {
            self.stops.push(stop);
        }
        *best = ms;
    }

    fn take(self) -> Vec<Walk> {
        let best = self.best;
        self.stops
            .into_iter()
            .map(|stop| (stop, std::mem::replace(&mut best[stop as usize], u32::MAX)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{drawing::draw, foot::Walkable, transit::drawing::timetable};

    /// At 5 km/h a kilometre takes twelve minutes.
    #[test]
    fn stops_are_reached_as_far_as_one_would_walk() {
        let city = draw(
            "
            A 0 0
            B 3000 0
            C 4000 0
            D 9000 0
            E 9000 4000
            A-B
            B-C
            C-D
            D-E",
        );
        let timetable = timetable(
            &city,
            "
            BUS 1   B      C      D      E
                    08:00  08:10  08:20  08:30",
        );
        let (map, street) = (Map::new(&city), StreetGraph::build(&city, Profile::Walk));
        let ways =
            Arc::new(FootWays::new(&street, &Walkable::new(&city, crate::graph::mirrors(&city.network))));
        let index = StreetIndex::build(&map);
        let walks = Walks::new(&map, &index, (&street, &ways), &timetable);
        let from = index.access(&map, &street, city.network.nodes[0].at, 100.0, |_| true).unwrap();
        let mut scratch = WalkScratch::default();
        for looking in [Looking::Away, Looking::Towards] {
            let mut check = |minutes: u32, reached: &[(&str, u32)]| {
                let mut found = walks.reach(&from.nearest, looking, minutes * 60_000, &mut scratch);
                found.sort_unstable();
                let found: Vec<(&str, u32)> = found
                    .iter()
                    .map(|&(stop, ms)| (timetable.stops[stop as usize].name.as_str(), ms / 60_000))
                    .collect();
                assert_eq!(found, reached, "{minutes} min {looking:?}");
            };
            check(30, &[]);
            check(40, &[("B", 36)]);
            check(60, &[("B", 36), ("C", 48)]);
            check(120, &[("B", 36), ("C", 48), ("D", 108)]);
            check(160, &[("B", 36), ("C", 48), ("D", 108), ("E", 156)]);
        }
    }
}
