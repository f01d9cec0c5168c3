//! How long the rest of a connection takes at least: what cannot be there in time any more need not be looked at.
//!
//! Worked out once for a timetable, without its clock: as if every vehicle were as quick between two stops as the quickest
//! ever is, and left as soon as somebody comes. Ends are told apart by zones of a few stops. It is the estimate of A* (Hart,
//! Nilsson, Raphael 1968) for rounds: the search stays exact, since nothing that is planned is quicker, and by how much
//! live vehicles are is known ([`super::day::DayTable::gain_s`]).

use super::{search::Walk, timetable::Timetable, walks::Footpaths};
use crate::columns;
use serde::{Deserialize, Serialize};

/// More zones than this make the tables large and the bounds hardly better.
const MOST_ZONES: usize = 512;
/// Stops in a zone at least: fewer gain nothing.
const ZONE_STOPS: usize = 12;
/// As long as this or longer, or never, s.
const LONG: u16 = u16::MAX;

/// Least times between stops and zones, s.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Bounds {
    /// By stop: its zone.
    #[serde(with = "columns")]
    zones: Vec<u16>,
    /// By zone and stop: from the stop to any stop of the zone.
    #[serde(with = "columns")]
    towards: Vec<u16>,
    /// The same from any stop of the zone to the stop.
    #[serde(with = "columns")]
    away: Vec<u16>,
}

impl Bounds {
    /// Works them out for all travellers together. Ways between stops are theirs at their quickest, in the direction of travel.
    pub fn new(timetable: &Timetable, footpaths: &[Footpaths]) -> Bounds {
        Bounds::by_zones_of((timetable.stops.len() / MOST_ZONES + 1).max(ZONE_STOPS), timetable, footpaths)
    }

    /// The same with at most so many stops in a zone.
    pub(super) fn by_zones_of(size: usize, timetable: &Timetable, footpaths: &[Footpaths]) -> Bounds {
        let stops = timetable.stops.len();
        let mut zones = vec![0; stops];
        let mut count = 0;
        let mut all: Vec<u32> = (0..stops as u32).collect();
        divide(timetable, &mut all, size, &mut |stops| {
            stops.iter().for_each(|&stop| zones[stop as usize] = count);
            count += 1;
        });
        let (ahead, back) = hops(timetable, footpaths);
        let mut due = Vec::new();
        let mut table = |hops: &Hops| {
            let mut table = Vec::with_capacity(stops * usize::from(count));
            for zone in 0..count {
                let starts = (0..stops as u32).filter(|&stop| zones[stop as usize] == zone);
                table.extend(hops.times_from(starts, &mut due));
            }
            table
        };
        Bounds { towards: table(&back), away: table(&ahead), zones }
    }

    /// By stop: how long it takes at least from there to the goal, s, in a day seen forwards or backwards; `gain_s` is
    /// what live vehicles may save on the way.
    pub fn rest(&self, egress: &[Walk], backwards: bool, gain_s: u32, rest: &mut Vec<u32>) {
        let stops = self.zones.len();
        let table = if backwards { &self.away } else { &self.towards };
        rest.clear();
        rest.resize(stops, u32::MAX);
        let mut ends: Vec<(u16, u32)> =
            egress.iter().map(|&(stop, walk_s)| (self.zones[stop as usize], walk_s)).collect();
        ends.sort_unstable();
        ends.dedup_by_key(|end| end.0);
        for (zone, walk_s) in ends {
            let row = &table[usize::from(zone) * stops..][..stops];
            for (rest, least) in rest.iter_mut().zip(row) {
                *rest = (*rest).min(u32::from(*least) + walk_s);
            }
        }
        if gain_s > 0 {
            rest.iter_mut().for_each(|rest| *rest = rest.saturating_sub(gain_s));
        }
    }
}

/// Cuts stops into halves by place until they are few.
fn divide(timetable: &Timetable, stops: &mut [u32], size: usize, found: &mut impl FnMut(&[u32])) {
    if stops.len() <= size {
        if !stops.is_empty() {
            found(stops);
        }
        return;
    }
    let at = |stop: u32| timetable.stops[stop as usize].at;
    let spread = |of: &dyn Fn(u32) -> f64| {
        let (low, high) = stops
            .iter()
            .map(|&stop| of(stop))
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), at| (low.min(at), high.max(at)));
        high - low
    };
    let narrow = stops.first().map_or(1.0, |&stop| at(stop).lat.to_radians().cos());
    let wide = spread(&|stop| at(stop).lon) * narrow > spread(&|stop| at(stop).lat);
    let along = |stop: u32| if wide { at(stop).lon } else { at(stop).lat };
    let middle = stops.len() / 2;
    stops.select_nth_unstable_by(middle, |&a, &b| along(a).total_cmp(&along(b)).then(a.cmp(&b)));
    let (near, far) = stops.split_at_mut(middle);
    divide(timetable, near, size, found);
    divide(timetable, far, size, found);
}

/// From stop to stop by one hop of a vehicle, or on foot.
struct Hops {
    first: Vec<u32>,
    to: Vec<Walk>,
}

/// All hops, in the direction of travel and against it.
fn hops(timetable: &Timetable, footpaths: &[Footpaths]) -> (Hops, Hops) {
    let mut all: Vec<(u32, u32, u32)> = Vec::new();
    for trip in 0..timetable.trips.len() as u32 {
        let calls = timetable.calls_of(trip);
        let ridden = calls.iter().zip(calls.iter().skip(1));
        all.extend(ridden.map(|(a, b)| (a.stop, b.stop, b.arrival_s.saturating_sub(a.departure_s))));
    }
    for (footpaths, from) in
        footpaths.iter().flat_map(|ways| (0..timetable.stops.len() as u32).map(move |from| (ways, from)))
    {
        all.extend(footpaths.from(from).iter().map(|&(to, walk_s)| (from, to, walk_s)));
    }
    // Of several between the same two the quickest, which comes first.
    all.sort_unstable();
    all.dedup_by_key(|hop| (hop.0, hop.1));
    let all = without_detours(timetable.stops.len(), all);
    let back = all.iter().map(|&(from, to, s)| (to, from, s)).collect();
    (Hops::new(timetable.stops.len(), all), Hops::new(timetable.stops.len(), back))
}

/// Those hops than which no two others are quicker: nobody who takes the quickest way takes another. Of ways on foot few are left, since
/// vehicles are quicker.
fn without_detours(stops: usize, all: Vec<(u32, u32, u32)>) -> Vec<(u32, u32, u32)> {
    let hops = Hops::new(stops, all.clone());
    let row =
        |from: u32| &hops.to[hops.first[from as usize] as usize..hops.first[from as usize + 1] as usize];
    let mut least = vec![u32::MAX; stops];
    let mut kept = Vec::with_capacity(all.len());
    for own in all.chunk_by(|a, b| a.0 == b.0) {
        own.iter().for_each(|&(_, to, s)| least[to as usize] = s);
        for &(_, over, first_s) in own {
            for &(to, s) in row(over) {
                if least[to as usize] != u32::MAX {
                    least[to as usize] = least[to as usize].min(first_s.saturating_add(s));
                }
            }
        }
        kept.extend(own.iter().copied().filter(|&(_, to, s)| s <= least[to as usize]));
        own.iter().for_each(|&(_, to, _)| least[to as usize] = u32::MAX);
    }
    kept
}

impl Hops {
    fn new(stops: usize, mut all: Vec<(u32, u32, u32)>) -> Hops {
        all.sort_unstable();
        let mut first = vec![0; stops + 1];
        for &(from, ..) in &all {
            first[from as usize + 1] += 1;
        }
        for i in 0..stops {
            first[i + 1] += first[i];
        }
        Hops { first, to: all.into_iter().map(|(_, to, s)| (to, s)).collect() }
    }

    /// Least times from any of `starts` to every stop (Dijkstra). `due` is empty before and after: times are whole seconds and few, so
    /// a row for each second is the queue (Dial, Algorithm 360, 1969).
    fn times_from(&self, starts: impl Iterator<Item = u32>, due: &mut Vec<Vec<u32>>) -> Vec<u16> {
        let mut times = vec![LONG; self.first.len() - 1];
        due.resize(usize::from(LONG), Vec::new());
        let mut waiting = 0_usize;
        for start in starts {
            times[start as usize] = 0;
            due[0].push(start);
            waiting += 1;
        }
        for time in 0..LONG {
            if waiting == 0 {
                break;
            }
            while let Some(stop) = due[usize::from(time)].pop() {
                waiting -= 1;
                if time > times[stop as usize] {
                    continue;
                }
                let hops = self.first[stop as usize] as usize..self.first[stop as usize + 1] as usize;
                for &(to, s) in &self.to[hops] {
                    let there = time.saturating_add(s.min(u32::from(LONG)) as u16);
                    if there < times[to as usize] {
                        times[to as usize] = there;
                        due[usize::from(there)].push(to);
                        waiting += 1;
                    }
                }
            }
        }
        times
    }
}
