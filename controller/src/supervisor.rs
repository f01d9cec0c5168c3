//! Do no harm: adaptive control that stops moving traffic gives an area back to its plans.
//!
//! Each junction is measured against itself: how many vehicles crossed its stop lines in the last five minutes, and in
//! its best five minutes under the same control. Roads that are full while less than half of that gets through mean that
//! the control, or something it does not see, has locked traffic up. Then the junction and those next to it run the
//! plan of the hour for a while, and twice as long each time it happens again.

use crate::{
    coordinator::Live,
    decide::{Kind, Memory, site::Roads},
};
use model::{city::City, detection::DetectorKind, ids::JunctionIx, time::Moment};
use std::{collections::VecDeque, time::Duration};

/// Minutes that are looked at together.
const WINDOW_MIN: usize = 5;
/// The share of its fullest road from which a junction counts as full.
const FULL: f32 = 0.8;
/// Less than this share of its best throughput is doing badly.
const BAD: f64 = 0.5;
/// Best five minutes with fewer vehicles say nothing, vehicles.
const LEAST_BEST: u32 = 50;
/// For so many minutes on end it must do badly.
const PATIENCE_MIN: u8 = 2;
/// The first return lasts so long; each further one twice as long as the one before, up to the last.
const RETURN: Duration = Duration::from_secs(600);
const LONGEST_RETURN: Duration = Duration::from_secs(3600);
/// Neighbours are the next signals within this distance, m.
const NEXT_M: f64 = 600.0;

/// What a junction that was returned to its plan is told.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Returned {
    /// Until when.
    pub until: Moment,
    /// Vehicles that the worst junction of the area let through in five minutes, and in its best five.
    pub served: u32,
    /// See `served`.
    pub best: u32,
}

/// One junction.
#[derive(Clone, Debug, Default)]
struct Watch {
    /// By minute, oldest first: vehicles that crossed a stop line; the last one is not full yet.
    minutes: VecDeque<u32>,
    best: u32,
    bad_min: u8,
    /// How often it has been returned.
    returns: u32,
}

/// Watches over a city.
#[derive(Clone, Debug)]
pub(crate) struct Supervisor {
    watches: Vec<Watch>,
    /// By junction: those next to it.
    next: Vec<Vec<JunctionIx>>,
    minute: Option<Moment>,
    /// When readings were last counted.
    counted: Option<Moment>,
}

impl Supervisor {
    pub(crate) fn new(city: &City, roads: &Roads) -> Supervisor {
        let next = |ix: JunctionIx| {
            let out = roads.governed(ix).map(|m| city.network.movements[m as usize].to);
            let mut next: Vec<JunctionIx> = out
                .flat_map(|lane| roads.heads_ahead(city, lane, NEXT_M))
                .map(|(head, _)| head.junction)
                .collect();
            next.sort_unstable();
            next.dedup();
            next.retain(|n| *n != ix);
            next
        };
        Supervisor {
            watches: vec![Watch::default(); city.junctions.len()],
            next: (0..city.junctions.len()).map(|i| next(JunctionIx::from(i))).collect(),
            minute: None,
            counted: None,
        }
    }

    /// Takes the newest readings; says which junctions are to be returned to their plans.
    pub(crate) fn tick(
        &mut self,
        now: Moment,
        city: &City,
        live: &[Live],
        memories: &[Memory],
    ) -> Vec<(JunctionIx, Returned)> {
        let before = self.counted.replace(now);
        for ((watch, live), junction) in self.watches.iter_mut().zip(live).zip(&city.junctions) {
            let lines = junction.detectors.iter().filter(|d| d.kind == DetectorKind::StopLine);
            let channels = lines.filter_map(|d| live.detectors.get(&d.channel));
            let new = channels.filter(|c| c.at.is_some_and(|at| before.is_none_or(|before| at > before)));
            watch.count(new.map(|c| u32::from(c.last.count)).sum());
        }
        if self.minute.is_some_and(|at| now.since(at) < Duration::from_secs(60)) {
            return Vec::new();
        }
        let first = self.minute.replace(now).is_none();
        let mut returned = Vec::new();
        for (i, watch) in self.watches.iter_mut().enumerate().filter(|_| !first) {
            let adaptive = live[i].kind == Kind::Adaptive && live[i].returned.is_none();
            let Some((served, best)) = watch.minute(adaptive, memories[i].saturation()) else { continue };
            let doublings = watch.returns.min(8) - 1;
            let until = now + RETURN.saturating_mul(1 << doublings).min(LONGEST_RETURN);
            let all = std::iter::once(JunctionIx::from(i)).chain(self.next[i].iter().copied());
            returned.extend(all.map(|ix| (ix, Returned { until, served, best })));
        }
        returned
    }
}

impl Watch {
    fn count(&mut self, vehicles: u32) {
        if self.minutes.is_empty() {
            self.minutes.push_back(0);
        }
        *self.minutes.back_mut().expect("just filled") += vehicles;
    }

    /// Ends a minute; gives what was served and the best, if it has done badly for too long.
    fn minute(&mut self, adaptive: bool, saturation: f32) -> Option<(u32, u32)> {
        if !adaptive {
            // What a plan lets through says nothing of our own control.
            *self = Watch { returns: self.returns, ..Watch::default() };
            return None;
        }
        let whole = self.minutes.len() == WINDOW_MIN;
        let served: u32 = self.minutes.iter().sum();
        self.minutes.push_back(0);
        if !whole {
            return None;
        }
        self.minutes.pop_front();
        self.best = self.best.max(served);
        let bad =
            saturation >= FULL && self.best >= LEAST_BEST && f64::from(served) < BAD * f64::from(self.best);
        self.bad_min = if bad { self.bad_min + 1 } else { 0 };
        if self.bad_min < PATIENCE_MIN {
            return None;
        }
        self.returns += 1;
        Some((served, self.best))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Minutes with so many vehicles and such a fullest road; gives the minutes in which it is returned.
    #[track_caller]
    fn check(minutes: &[(u32, f32)], returned: &[usize]) {
        let mut watch = Watch::default();
        let mut got = Vec::new();
        for (minute, &(vehicles, saturation)) in minutes.iter().enumerate() {
            watch.count(vehicles);
            if watch.minute(true, saturation).is_some() {
                got.push(minute);
                watch.minute(false, saturation);
            }
        }
        assert_eq!(got, returned, "{minutes:?}");
    }

    #[test]
    fn a_full_road_that_moves_no_more_is_given_back() {
        let mut hour = vec![(40, 0.5); 20];
        hour.extend([(3, 0.95); 8]);
        // Five minutes of which three are bad serve half of the best; two such minutes on end are enough.
        check(&hour, &[23]);
    }

    #[test]
    fn neither_the_night_nor_a_queue_that_moves_is() {
        let mut night = vec![(40, 0.6); 20];
        night.extend([(1, 0.1); 30]);
        check(&night, &[]);
        check(&[(40, 1.0); 60], &[]);
    }

    #[test]
    fn it_is_not_judged_by_an_empty_morning() {
        check(&[(0, 0.9); 30], &[]);
    }
}
