//! Where one gets to within some time from a place, or from where one gets to it: all stops, and where one walks on from them.

use super::{Memory, Streets, Transit, TransitQuery, ends::Side};
use crate::{
    planner::{End, NoJourney, When},
    street::{Foot, Scratch},
    transit::{
        day::NEVER,
        live::Live,
        search::{Between, Request, Timed, scaled},
        walks::Looking,
    },
};
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError},
    time::Duration,
};

/// A stop that is reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reached {
    /// The stop.
    pub stop: u32,
    /// How long it takes, ms.
    pub ms: u32,
    /// With how few rides it takes so long.
    pub rides: usize,
}

/// What is reached of a timetable.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Everywhere {
    /// Stops in their order.
    pub(crate) stops: Vec<Reached>,
    /// Where one walks on along the streets: from the place itself, and from where one gets off; with all ms so far.
    pub(crate) feet: Vec<Foot>,
}

impl Transit {
    /// All that is reached from the query's place (its end, if it asks to arrive by a time) within `limit`, as live trips are known.
    /// One walks on from stops for as long as time is left.
    pub(crate) fn everywhere(
        &self,
        streets: &Streets<'_>,
        query: &TransitQuery,
        limit: Duration,
        live: &Arc<Live>,
        scratch: &mut Scratch,
    ) -> Result<Everywhere, NoJourney> {
        let mut memory = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        let found = self.find_everywhere(streets, query, limit, live, (&mut memory, scratch));
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
        found
    }

    fn find_everywhere(
        &self,
        streets: &Streets<'_>,
        query: &TransitQuery,
        limit: Duration,
        live: &Arc<Live>,
        (memory, scratch): (&mut Memory, &mut Scratch),
    ) -> Result<Everywhere, NoJourney> {
        self.find_escorted(streets, query);
        let (on_foot, traveller) = self.traveller(query);
        let (moment, looking) = match query.when {
            When::DepartAt(moment) => (moment, Looking::Away),
            When::ArriveBy(moment) => (moment, Looking::Towards),
        };
        let asked = match looking {
            Looking::Away => (End::From, &query.from, query.walk_before.min(limit), &query.before[..]),
            Looking::Towards => (End::To, &query.to, query.walk_after.min(limit), &query.after[..]),
        };
        let mut side = self.side(streets, query, asked, memory, scratch)?;
        // Nothing says where one goes on to, so that every way by car is worth it.
        for driven in std::mem::take(&mut side.driven) {
            side.offer(driven.stop, driven.ms, driven.way);
        }
        let limit_ms = limit.as_millis().min(u128::from(u32::MAX / 4)) as u32;
        let slowness = self.stops(query).slowness;
        let mut best = HashMap::<u32, (u32, usize)>::new();
        let mut offer = |stop: u32, ms: u32, rides: usize| {
            if ms <= limit_ms && best.get(&stop).is_none_or(|known| ms < known.0) {
                best.insert(stop, (ms, rides));
            }
        };
        for (&stop, &(ms, _)) in &side.ways {
            offer(stop, ms, 0);
        }
        // On foot from where one is, in the usual time; who is slower or faster takes as much more or less for all of it.
        let usual = |ms: u32| (f64::from(ms) / slowness).ceil() as u32;
        let at_start: Vec<Foot> = side.feet.iter().map(|&on| Foot { on, ms: 0 }).collect();
        let mut walk_on = |feet: &[Foot], rides: usize, offer: &mut dyn FnMut(u32, u32, usize)| {
            let feet: Vec<Foot> = feet.iter().map(|foot| Foot { ms: usual(foot.ms), ..*foot }).collect();
            for (stop, ms) in on_foot.walks.reach_of(&feet, looking, usual(limit_ms), &mut memory.walk) {
                offer(stop, scaled(ms, slowness), rides);
            }
        };
        walk_on(&at_start, 0, &mut offer);
        let tables = self.table(self.day_of(moment), traveller, live);
        let forwards = &tables.forwards.day;
        let seen = if looking == Looking::Away { &tables.forwards } else { &tables.backwards };
        let footpaths = if looking == Looking::Away { &on_foot.forwards } else { &on_foot.backwards };
        let mut feet = at_start;
        if let Some(start) = seen.day.time_of(moment) {
            let (begins, horizon_s) = (forwards.moment(0), forwards.turned_time(0).unwrap_or(NEVER));
            let timed = side.brought.iter().filter_map(|way| way.timed(begins, horizon_s));
            let timed: Vec<Timed> = match looking {
                Looking::Away => timed.collect(),
                Looking::Towards => timed.filter_map(|way| way.turned(forwards)).collect(),
            };
            let request = Request {
                day: &seen.day,
                between: Between::Any(footpaths),
                access: &Side::walks(&side),
                egress: &[],
                timed: [&timed, &[]],
                start,
                rides: query.transfers + 1,
                modes: query.modes,
                longest: limit_ms.div_ceil(1000).saturating_add(1),
                slowness,
                rest: &[],
                met: None,
            };
            let arrivals = memory.search.everywhere(&request);
            for level in arrivals.chunk_by(|a, b| a.0 == b.0) {
                let mut here = Vec::new();
                for &(rides, stop, time) in level {
                    let ms = (time - start).saturating_mul(1000);
                    offer(stop, ms, rides);
                    for door in on_foot.walks.doors(stop) {
                        let gap_ms = if looking == Looking::Away { door.out_ms } else { door.in_ms };
                        let ms = ms.saturating_add(scaled(gap_ms, slowness));
                        here.extend(door.feet.iter().map(|&on| Foot { on, ms }));
                    }
                }
                walk_on(&here, level[0].0, &mut offer);
                feet.extend(here);
            }
        }
        let mut stops: Vec<Reached> =
            best.into_iter().map(|(stop, (ms, rides))| Reached { stop, ms, rides }).collect();
        stops.sort_unstable_by_key(|reached| reached.stop);
        feet.retain(|foot| foot.ms <= limit_ms);
        Ok(Everywhere { stops, feet })
    }
}
