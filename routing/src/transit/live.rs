//! What is known of trips and disturbances now, beside the timetable. A picture of it never changes; another takes its place.

use super::timetable::{Calls, Timetable};
use crate::gtfs::{calendar::Day, records::Call};
use model::{geo::LonLat, network::Name, time::Moment};
use std::{collections::HashMap, sync::Arc};

/// A picture of how trips run.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Live {
    /// Counts pictures; 0 is the empty one.
    pub number: u64,
    /// Where it comes from.
    pub sources: Vec<Source>,
    /// How trips run that do not run as planned, or of which it is known that they do.
    changes: Vec<Change>,
    /// By trip and day.
    by_trip: HashMap<(u32, Day), Vec<Run>>,
    /// Disturbances.
    pub alerts: Vec<Alert>,
    /// Where vehicles are.
    pub vehicles: Vec<Vehicle>,
    /// The same for those who keep off crowded vehicles; `None` if no vehicle is known to be crowded.
    pub(crate) uncrowded: Option<Arc<Live>>,
}

/// A vehicle on the road, as its operator says.
#[derive(Clone, PartialEq, Debug)]
pub struct Vehicle {
    /// Its id, with its feed's tag.
    pub id: String,
    /// What passengers see on it.
    pub label: Option<String>,
    /// Its trip and that one's service day, if the timetable has it; and of a trip that runs every so often, when this run begins (s).
    pub run: Option<(u32, Day, Option<u32>)>,
    /// Where.
    pub at: LonLat,
    /// Clockwise from north, degrees.
    pub bearing: Option<f32>,
    /// m/s.
    pub speed_mps: Option<f32>,
    /// When it was there.
    pub said: Moment,
    /// How full it is, in the format's word.
    pub occupancy: Option<&'static str>,
    /// The same per cent.
    pub occupancy_percentage: Option<u32>,
}

impl Vehicle {
    /// Whether more people are in it than get about comfortably, or nobody is let on any more.
    pub fn is_crowded(&self) -> bool {
        const CROWDED: [&str; 4] =
            ["CRUSHED_STANDING_ROOM_ONLY", "FULL", "NOT_ACCEPTING_PASSENGERS", "NOT_BOARDABLE"];
        self.occupancy.is_some_and(|word| CROWDED.contains(&word))
    }
}

/// One run of a trip: for trips that run every so often, when in the day it begins (s); and its change.
type Run = (Option<u32>, u32);

/// Where a part of a picture comes from.
#[derive(Clone, PartialEq, Debug)]
pub struct Source {
    /// The feed's tag.
    pub tag: String,
    /// When its publisher said it.
    pub said: Moment,
}

/// How a trip runs on a day.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// It does not.
    Cancelled,
    /// At these times, call by call.
    Runs(Vec<LiveCall>),
}

/// A call as it is expected, seconds since the service day began. Times never go back along a trip.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LiveCall {
    /// When the vehicle comes.
    pub arrival_s: u32,
    /// When it goes.
    pub departure_s: u32,
    /// Whether it passes without a stop.
    pub skipped: bool,
}

/// A disturbance.
#[derive(Clone, PartialEq, Debug)]
pub struct Alert {
    /// From when to when it holds; always if there are none.
    pub periods: Vec<[Option<Moment>; 2]>,
    /// What it is about: any of these.
    pub about: Vec<About>,
    /// Why, in the format's word.
    pub cause: &'static str,
    /// What it does, in the format's word.
    pub effect: &'static str,
    /// Where more is written.
    pub url: Option<String>,
    /// In a few words.
    pub header: Name,
    /// In more words.
    pub description: Name,
}

/// What a disturbance is about: that which fits all that is given here.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct About {
    /// An agency of the feed.
    pub agency: Option<u32>,
    /// A route.
    pub route: Option<u32>,
    /// A trip.
    pub trip: Option<u32>,
    /// A stop.
    pub stop: Option<u32>,
    /// All routes of a `route_type`.
    pub route_type: Option<u16>,
}

/// No change is known.
pub const AS_PLANNED: u32 = u32::MAX;

impl Live {
    /// Notes how a trip runs. `begins_s` tells apart the runs of a trip that runs every so often. What was noted of the same
    /// run before is forgotten.
    pub fn note(&mut self, trip: u32, day: Day, begins_s: Option<u32>, change: Change) {
        let index = self.changes.len() as u32;
        self.changes.push(change);
        let runs = self.by_trip.entry((trip, day)).or_default();
        runs.retain(|(known, _)| *known != begins_s);
        runs.push((begins_s, index));
    }

    /// Which change is known of a run; [`AS_PLANNED`] if none.
    pub(super) fn change_of(&self, trip: u32, day: Day, begins_s: Option<u32>) -> u32 {
        let known = self.by_trip.get(&(trip, day)).into_iter().flatten();
        known
            .filter(|(begins, _)| *begins == begins_s)
            .map(|(_, change)| *change)
            .next()
            .unwrap_or(AS_PLANNED)
    }

    /// A change.
    pub(super) fn change(&self, index: u32) -> Option<&Change> {
        self.changes.get(index as usize)
    }

    /// The vehicle of a run, if it is known where it is.
    pub fn vehicle_of(&self, trip: u32, day: Day, begins_s: Option<u32>) -> Option<&Vehicle> {
        self.vehicles.iter().find(|vehicle| vehicle.run == Some((trip, day, begins_s)))
    }

    /// The picture for those who keep off crowded vehicles: to them these do not run. `None` if there are none.
    pub(crate) fn without_crowded(&self) -> Option<Live> {
        let is_crowded = |run: &(u32, Day, Option<u32>)| {
            self.vehicle_of(run.0, run.1, run.2).is_some_and(Vehicle::is_crowded)
        };
        let runs = self.vehicles.iter().filter_map(|vehicle| vehicle.run);
        let crowded: Vec<_> = runs.filter(is_crowded).collect();
        (!crowded.is_empty()).then(|| {
            let mut rest = Live { uncrowded: None, ..self.clone() };
            for (trip, day, begins_s) in crowded {
                rest.note(trip, day, begins_s, Change::Cancelled);
            }
            rest
        })
    }

    /// How many trips something is known of.
    pub fn trips(&self) -> usize {
        self.by_trip.values().map(Vec::len).sum()
    }

    /// The newest that any of its sources says.
    pub fn said(&self) -> Option<Moment> {
        self.sources.iter().map(|source| source.said).max()
    }

    /// Disturbances of a ride: a trip between two of its calls, at that time.
    pub fn alerts_of<'a>(
        &'a self,
        timetable: &'a Timetable,
        trip: u32,
        calls: Calls<'a>,
        [start, end]: [Moment; 2],
    ) -> impl Iterator<Item = &'a Alert> {
        let route_ix = timetable.trips[trip as usize].route;
        let route = &timetable.routes[route_ix as usize];
        let fits = move |about: &About| {
            let fit = |wanted: Option<u32>, has: u32| wanted.is_none_or(|wanted| wanted == has);
            fit(about.agency, route.agency)
                && fit(about.route, route_ix)
                && fit(about.trip, trip)
                && about.route_type.is_none_or(|kind| kind == route.route_type)
                && about.stop.is_none_or(|stop| {
                    let station = |call: &Call| timetable.stops[call.stop as usize].parent == Some(stop);
                    calls.iter().any(|call| call.stop == stop || station(&call))
                })
        };
        let holds = move |alert: &Alert| {
            let during = |[from, until]: &[Option<Moment>; 2]| {
                from.is_none_or(|from| from <= end) && until.is_none_or(|until| until >= start)
            };
            alert.periods.is_empty() || alert.periods.iter().any(during)
        };
        self.alerts.iter().filter(move |alert| holds(alert) && alert.about.iter().any(&fits))
    }
}
