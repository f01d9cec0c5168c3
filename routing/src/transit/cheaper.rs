//! Connections that cost less: rounds with the fare as one more criterion.
//!
//! As in McRAPTOR (Delling, Pajor, Werneck 2012) a stop has a bag of labels in each of which something is better than in all
//! others: the departure, the arrival, what was spent, and what is held that pays for more ([`Purse`]; states of a fare as in
//! Euler, Lindner, Borndörfer: Price Optimal Routing in Public Transportation, 2022). Waiting for a later trip may be
//! cheaper, so all of them are looked at, between two times that bound the search.

use super::{
    day::{At, DayTable, Modes, NEVER},
    search::{Found, Ride, Walk, scaled},
    timetable::Timetable,
    walks::Footpaths,
};
use crate::fare::{
    Paying,
    purse::{Purse, Toll},
};
use std::collections::HashMap;

/// What is looked for, in the direction of travel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    /// The timetable.
    pub timetable: &'a Timetable,
    /// Its day, seen forwards.
    pub day: &'a DayTable,
    /// Ways between rides.
    pub footpaths: &'a Footpaths,
    /// Ways from the start to stops; each stop at most once.
    pub access: &'a [Walk],
    /// Ways from stops to the goal; each stop at most once.
    pub egress: &'a [Walk],
    /// One sets out no sooner.
    pub from: u32,
    /// One is there no later.
    pub until: u32,
    /// The first ride leaves no sooner than the first of these times, and before the second: on a day of the tariff.
    pub first: [u32; 2],
    /// Connections that take as long as this are of no interest, s.
    pub longest: u32,
    /// Most rides.
    pub rides: usize,
    /// What may be ridden.
    pub modes: Modes,
    /// Walking times between stops are so many times the usual ones.
    pub slowness: f64,
    /// By stop: how long it takes at least from there to the goal, s; empty if that is not known.
    pub rest: &'a [u32],
    /// How rides are paid for.
    pub paying: &'a Paying<'a>,
    /// Only what costs less is of interest.
    pub under: i64,
}

/// A connection and what its rides cost.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Priced {
    /// The connection.
    pub found: Found,
    /// In hundredths of the currency.
    pub amount: i64,
}

impl Priced {
    /// Whether nothing is better in the other, and something is in this.
    pub(crate) fn is_better_than(&self, other: &Priced) -> bool {
        let of = |one: &Priced| {
            let found = &one.found;
            [i64::from(found.departure), -i64::from(found.arrival), -(found.rides.len() as i64), -one.amount]
        };
        let (ours, theirs) = (of(self), of(other));
        ours != theirs && ours.iter().zip(&theirs).all(|(ours, theirs)| ours >= theirs)
    }
}

/// All connections within the bounds that cost less than `under`, as far as none leaves no later, arrives no earlier, takes no
/// fewer rides and costs no less than another. By departure.
pub(crate) fn cheaper(wanted: &Wanted<'_>) -> Vec<Priced> {
    let mut search = Search::new(wanted);
    for &(stop, walk_s) in wanted.access {
        let time = wanted.from.saturating_add(walk_s);
        search.ready(Label {
            stop,
            time,
            departure: NEVER,
            purse: Purse::default(),
            ride: None,
            before: NOBODY,
        });
    }
    for k in 1..=wanted.rides {
        for label in std::mem::take(&mut search.fresh) {
            search.board(label, k);
        }
    }
    let mut found: Vec<Priced> = search.goal.iter().map(|end| search.told(end)).collect();
    found.sort_by_key(|one| (one.found.departure, one.found.arrival, one.found.rides.len(), one.amount));
    found
}

/// No label.
const NOBODY: usize = usize::MAX;

/// Somebody is at a stop.
#[derive(Clone, Debug)]
struct Label {
    stop: u32,
    time: u32,
    /// When one set out; [`NEVER`] before the first ride, which decides it.
    departure: u32,
    purse: Purse,
    /// The last ride.
    ride: Option<Ride>,
    /// Where that ride was boarded.
    before: usize,
}

/// Somebody is at the goal.
struct End {
    departure: u32,
    arrival: u32,
    rides: usize,
    amount: i64,
    label: usize,
}

struct Search<'a> {
    wanted: &'a Wanted<'a>,
    /// Products that pay, by route and by stop.
    of_route: Vec<u64>,
    in_zone: Vec<u64>,
    egress: HashMap<u32, u32>,
    labels: Vec<Label>,
    /// By stop: labels of those who got off there, and of those who are ready to board.
    arrived: HashMap<u32, Vec<usize>>,
    boarding: HashMap<u32, Vec<usize>>,
    /// Those from which the next round goes on.
    fresh: Vec<usize>,
    goal: Vec<End>,
}

impl<'a> Search<'a> {
    fn new(wanted: &'a Wanted<'a>) -> Search<'a> {
        let (timetable, paying) = (wanted.timetable, wanted.paying);
        let of_route = timetable.routes.iter().map(|route| {
            let agency = &timetable.agencies[route.agency as usize];
            paying.of_ride(route.mode, &agency.id)
        });
        Search {
            of_route: of_route.collect(),
            in_zone: timetable.stops.iter().map(|stop| paying.in_zone(stop.zone.as_deref())).collect(),
            egress: wanted.egress.iter().copied().collect(),
            wanted,
            labels: Vec::new(),
            arrived: HashMap::new(),
            boarding: HashMap::new(),
            fresh: Vec::new(),
            goal: Vec::new(),
        }
    }

    /// From where somebody is ready, every trip that may still be of use; `k` is the number of its ride.
    fn board(&mut self, from: usize, k: usize) {
        let label = self.labels[from].clone();
        let (wanted, day) = (self.wanted, self.wanted.day);
        for boarding in day.boardings_at(label.stop).iter().filter(|at| at.modes.any(wanted.modes)) {
            let at = boarding.at;
            let [earliest, before] = if k == 1 { wanted.first } else { [0, NEVER] };
            for trip in day.first_trip(at, label.time.max(earliest))..boarding.trips {
                let departs = day.departure(at, trip);
                if departs > wanted.until || departs >= before {
                    break;
                }
                self.ride(from, &label, at, trip, k);
                // Who has set out already gains by waiting only if the clock has a say in what is paid.
                if k > 1 && !wanted.paying.has_hours() {
                    break;
                }
            }
        }
    }

    fn ride(&mut self, from: usize, label: &Label, at: At, trip: u32, k: usize) {
        let (wanted, day) = (self.wanted, self.wanted.day);
        let departs = day.departure(at, trip);
        let departure = match label.departure {
            NEVER => departs.saturating_sub(label.time - wanted.from),
            known => known,
        };
        let route = wanted.timetable.trips[day.run(at.course, trip).trip as usize].route as usize;
        let mode = wanted.timetable.routes[route].mode;
        let mut pays = self.of_route[route] & self.in_zone[label.stop as usize];
        for index in at.index + 1..day.course(at.course).length {
            let here = At { index, ..at };
            let (stop, time) = (day.stop(here), day.arrival(here, trip));
            pays &= self.in_zone[stop as usize];
            if time > wanted.until {
                break;
            }
            if !day.alights(here) || self.too_late(stop, time, departure) {
                continue;
            }
            let (start, end) = (day.moment(departs), day.moment(time));
            let toll = Toll { mode, pays, route: route as u32, stops: [label.stop, stop], start, end };
            for (purse, _) in wanted.paying.ride(&label.purse, &toll) {
                let ride = Ride { course: at.course, trip, board: at.index, alight: index };
                self.get_off(Label { stop, time, departure, purse, ride: Some(ride), before: from }, k);
            }
        }
    }

    /// Whether nobody gets from there to the goal in time.
    fn too_late(&self, stop: u32, time: u32, departure: u32) -> bool {
        let there = time.saturating_add(self.wanted.rest.get(stop as usize).copied().unwrap_or(0));
        let long = departure != NEVER && there.saturating_sub(departure) >= self.wanted.longest;
        there > self.wanted.until || long
    }

    /// Whether all that may come of a label is known to cost too much, or to be no better than what was found.
    fn is_beaten(&self, label: &Label) -> bool {
        let rest = self.wanted.rest.get(label.stop as usize).copied().unwrap_or(0);
        let there = label.time.saturating_add(rest);
        // What was paid so far says nothing where the next change may give some of it back.
        if self.wanted.paying.may_fall() {
            return false;
        }
        label.purse.amount >= self.wanted.under
            || (label.departure != NEVER
                && self.goal.iter().any(|end| {
                    end.departure >= label.departure
                        && end.arrival <= there
                        && end.amount <= label.purse.amount
                }))
    }

    fn get_off(&mut self, label: Label, k: usize) {
        if self.is_beaten(&label) {
            return;
        }
        let bag = self.arrived.entry(label.stop).or_default();
        let Some(number) = keep(&mut self.labels, bag, label, self.wanted) else { return };
        let label = self.labels[number].clone();
        if let Some(&walk_s) = self.egress.get(&label.stop) {
            self.arrive(&label, label.time.saturating_add(walk_s), k, number);
        }
        if k == self.wanted.rides {
            return;
        }
        let footpaths = self.wanted.footpaths;
        let here = [(label.stop, footpaths.change(label.stop))];
        for &(stop, walk_s) in here.iter().chain(footpaths.from(label.stop)) {
            if walk_s == NEVER {
                continue;
            }
            let time = label.time.saturating_add(scaled(walk_s, self.wanted.slowness));
            if !self.too_late(stop, time, label.departure) {
                // Where that label was boarded does not matter any more: one came from it.
                self.ready(Label { stop, time, ride: None, before: number, ..label.clone() });
            }
        }
    }

    fn arrive(&mut self, label: &Label, arrival: u32, rides: usize, number: usize) {
        let (departure, amount) = (label.departure, label.purse.amount);
        let long = arrival - departure >= self.wanted.longest;
        let known = |end: &End| {
            end.departure >= departure && end.arrival <= arrival && end.rides <= rides && end.amount <= amount
        };
        let dear = amount >= self.wanted.under;
        if arrival > self.wanted.until || long || dear || self.goal.iter().any(known) {
            return;
        }
        self.goal.retain(|end| {
            end.departure > departure || end.arrival < arrival || end.rides < rides || end.amount < amount
        });
        self.goal.push(End { departure, arrival, rides, amount, label: number });
    }

    /// Somebody is ready to board.
    fn ready(&mut self, label: Label) {
        if self.is_beaten(&label) {
            return;
        }
        let bag = self.boarding.entry(label.stop).or_default();
        self.fresh.extend(keep(&mut self.labels, bag, label, self.wanted));
    }

    fn told(&self, end: &End) -> Priced {
        let (mut rides, mut at) = (Vec::with_capacity(end.rides), end.label);
        while let Some(label) = self.labels.get(at) {
            rides.extend(label.ride);
            at = label.before;
        }
        rides.reverse();
        let found = Found { departure: end.departure, arrival: end.arrival, rides };
        Priced { found, amount: end.amount }
    }
}

/// Puts a label into a bag and drops from it what is no better; `None` if another in it is as good.
fn keep(labels: &mut Vec<Label>, bag: &mut Vec<usize>, label: Label, wanted: &Wanted<'_>) -> Option<usize> {
    let as_good = |one: &Label, other: &Label| {
        // Whoever has not set out yet does so as late as the next ride allows, which leaves when `other` is there or later.
        let sets_out = match one.departure {
            NEVER if other.departure != NEVER => other.time.saturating_sub(one.time - wanted.from),
            known => known,
        };
        one.time <= other.time
            && sets_out >= other.departure
            && one.purse.is_as_good_as(&other.purse, wanted.day.moment(other.time))
    };
    if bag.iter().any(|&known| as_good(&labels[known], &label)) {
        return None;
    }
    bag.retain(|&known| !as_good(&label, &labels[known]));
    labels.push(label);
    bag.push(labels.len() - 1);
    Some(labels.len() - 1)
}
