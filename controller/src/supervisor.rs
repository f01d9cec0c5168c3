//! Do no harm: adaptive control that stops moving traffic gives an area back to its plans.
//!
//! Each junction is measured against itself: how many vehicles crossed its stop lines in the last five minutes, and in
//! its best five minutes under the same control. Roads that are full while less than half of that gets through mean that
//! the control, or something it does not see, has locked traffic up. Then the junction and those next to it run the
//! plan of the hour for a while, and twice as long each time it happens again; signals so close together that a
//! queue between them stands in both are returned together. A plan that moves no more than that after five
//! minutes is no help: its junctions take their own control back, and the worst of them returns nobody for an hour.

use crate::{
    coordinator::Live,
    decide::{
        Kind, Memory,
        site::{Roads, Site},
    },
};
use model::{city::City, detection::DetectorKind, ids::JunctionIx, time::Moment};
use std::{
    collections::{BTreeSet, VecDeque},
    time::Duration,
};

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
/// After a return that was no help its junction returns nobody for so long, min.
const EXCUSED_MIN: u8 = 60;
/// Neighbours are the next signals within this distance, m.
const NEXT_M: f64 = 600.0;

/// What a junction that was returned to its plan is told.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Returned {
    /// Until when.
    pub until: Moment,
    /// The worst junction of the area, for which it was returned.
    pub because_of: JunctionIx,
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
    /// What it served when it was returned, until its plan has had five minutes to do better.
    on_trial: Option<u32>,
    /// It returns nobody for so long.
    excused_min: u8,
}

/// Who controls a junction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum By {
    /// Adaptive control.
    Own,
    /// Its plan, to which it was returned.
    Plan,
    /// Something that is not watched.
    Other,
}

/// What is to change.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Verdict {
    /// That junction runs its plan.
    Return(JunctionIx, Returned),
    /// Whoever was returned because of that junction takes its own control back.
    TakeBack(JunctionIx),
}

/// What a minute showed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Shown {
    /// Doing badly for too long: what was served, and the best.
    Bad(u32, u32),
    /// The plan serves no more.
    NoHelp,
}

/// Watches over a city.
#[derive(Clone, Debug)]
pub(crate) struct Supervisor {
    watches: Vec<Watch>,
    /// By junction: those next to it, and whoever is close by one of them.
    next: Vec<Vec<JunctionIx>>,
    minute: Option<Moment>,
    /// When readings were last counted.
    counted: Option<Moment>,
}

impl Supervisor {
    pub(crate) fn new(city: &City, roads: &Roads, sites: &[Site]) -> Supervisor {
        let next = |ix: JunctionIx| {
            let out = roads.governed(ix).map(|m| city.network.movements[m as usize].to);
            let ahead = out.flat_map(|lane| roads.heads_ahead(city, lane, NEXT_M));
            let mut area: BTreeSet<JunctionIx> = ahead.map(|(head, _)| head.junction).chain([ix]).collect();
            let mut open: Vec<JunctionIx> = area.iter().copied().collect();
            while let Some(ix) = open.pop() {
                open.extend(sites[ix.ix()].layout.close_by().filter(|other| area.insert(*other)));
            }
            area.remove(&ix);
            area.into_iter().collect()
        };
        Supervisor {
            watches: vec![Watch::default(); city.junctions.len()],
            next: (0..city.junctions.len()).map(|i| next(JunctionIx::from(i))).collect(),
            minute: None,
            counted: None,
        }
    }

    /// Takes the newest readings; says which junctions are to be returned to their plans, and which to take their control back.
    pub(crate) fn tick(
        &mut self,
        now: Moment,
        city: &City,
        live: &[Live],
        memories: &[Memory],
    ) -> Vec<Verdict> {
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
        let mut verdicts = Vec::new();
        for (i, watch) in self.watches.iter_mut().enumerate().filter(|_| !first) {
            let because_of = JunctionIx::from(i);
            let by = match (live[i].kind, live[i].returned) {
                (Kind::Adaptive, None) => By::Own,
                (Kind::Adaptive, Some(_)) => By::Plan,
                _ => By::Other,
            };
            match watch.minute(by, memories[i].saturation()) {
                None => (),
                Some(Shown::NoHelp) => verdicts.push(Verdict::TakeBack(because_of)),
                Some(Shown::Bad(served, best)) => {
                    let doublings = watch.returns.min(8) - 1;
                    let until = now + RETURN.saturating_mul(1 << doublings).min(LONGEST_RETURN);
                    let returned = Returned { until, because_of, served, best };
                    let all = std::iter::once(because_of).chain(self.next[i].iter().copied());
                    verdicts.extend(all.map(|ix| Verdict::Return(ix, returned)));
                }
            }
        }
        verdicts
    }
}

impl Watch {
    fn count(&mut self, vehicles: u32) {
        if self.minutes.is_empty() {
            self.minutes.push_back(0);
        }
        *self.minutes.back_mut().expect("just filled") += vehicles;
    }

    /// Ends a minute.
    fn minute(&mut self, by: By, saturation: f32) -> Option<Shown> {
        self.excused_min = self.excused_min.saturating_sub(1);
        if by == By::Other || by == By::Plan && self.on_trial.is_none() {
            // What a plan lets through says nothing of our own control.
            let Watch { returns, excused_min, .. } = *self;
            *self = Watch { returns, excused_min, ..Watch::default() };
            return None;
        }
        let whole = self.minutes.len() == WINDOW_MIN;
        let served: u32 = self.minutes.iter().sum();
        self.minutes.push_back(0);
        if !whole {
            return None;
        }
        self.minutes.pop_front();
        if by == By::Plan {
            let no_help = self.on_trial.take().is_some_and(|before| served <= before);
            if no_help {
                self.excused_min = EXCUSED_MIN;
            }
            return no_help.then_some(Shown::NoHelp);
        }
        self.on_trial = None;
        self.best = self.best.max(served);
        let bad =
            saturation >= FULL && self.best >= LEAST_BEST && f64::from(served) < BAD * f64::from(self.best);
        self.bad_min = if bad { self.bad_min + 1 } else { 0 };
        if self.bad_min < PATIENCE_MIN || self.excused_min > 0 {
            return None;
        }
        let best = std::mem::take(&mut self.best);
        (self.returns, self.bad_min, self.on_trial) = (self.returns + 1, 0, Some(served));
        self.minutes.clear();
        Some(Shown::Bad(served, best))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Minutes with so many vehicles and such a fullest road; gives the minutes in which it is returned, and those in which
    /// it takes its control back.
    #[track_caller]
    fn check(minutes: &[(u32, f32)], returned: &[usize], taken_back: &[usize]) {
        let mut watch = Watch::default();
        let (mut got, mut back) = (Vec::new(), Vec::new());
        let mut by = By::Own;
        for (minute, &(vehicles, saturation)) in minutes.iter().enumerate() {
            watch.count(vehicles);
            match watch.minute(by, saturation) {
                Some(Shown::Bad(..)) => {
                    got.push(minute);
                    by = By::Plan;
                }
                Some(Shown::NoHelp) => {
                    back.push(minute);
                    by = By::Own;
                }
                None => (),
            }
        }
        assert_eq!((&got[..], &back[..]), (returned, taken_back), "{minutes:?}");
    }

    #[test]
    fn a_full_road_that_moves_no_more_is_given_back() {
        let mut hour = vec![(40, 0.5); 20];
        hour.extend([(3, 0.95); 20]);
        // Five minutes of which three are bad serve half of the best; two such minutes on end are enough. Five minutes of
        // the plan serve as little, and then it is left alone.
        check(&hour, &[23], &[28]);
    }

    #[test]
    fn a_plan_that_helps_goes_on() {
        let mut hour = vec![(40, 0.5); 20];
        hour.extend([(3, 0.95); 4]);
        hour.extend([(30, 0.95); 20]);
        check(&hour, &[23], &[]);
    }

    #[test]
    fn signals_close_together_are_returned_together() {
        // B is next to A, and C only to B.
        let area = |gap: &str| {
            let wide = " ".repeat(gap.len());
            let posts = format!("      |               |{wide}|");
            let row = format!("W-----A---------------B{gap}C-----E");
            let drawing = format!(
                "\n      N               M{wide}K\n{posts}\n{row}\n{posts}\n      S               T{wide}L"
            );
            let city = model::sketch::city(&drawing, "ABC");
            let roads = Roads::new(&city);
            let site = |ix| Site::new(&city, JunctionIx(ix), &roads);
            Supervisor::new(&city, &roads, &(0..3).map(site).collect::<Vec<_>>()).next[0].clone()
        };
        assert_eq!(area("-"), [JunctionIx(1), JunctionIx(2)]);
        assert_eq!(area("--------"), [JunctionIx(1)]);
    }

    #[test]
    fn neither_the_night_nor_a_queue_that_moves_is() {
        let mut night = vec![(40, 0.6); 20];
        night.extend([(1, 0.1); 30]);
        check(&night, &[], &[]);
        check(&[(40, 1.0); 60], &[], &[]);
    }

    #[test]
    fn it_is_not_judged_by_an_empty_morning() {
        check(&[(0, 0.9); 30], &[], &[]);
    }
}
