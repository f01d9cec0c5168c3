//! GTFS-Realtime: feeds in, pictures of how trips run out.
//!
//! [`Reader::read`] is the core: messages against the timetable make a [`Live`], and nothing in it waits or asks for the time.
//! [`poll`] is the shell that fetches the feeds again and again.
//!
//! Read are delays, cancelled trips, skipped stops, alerts, and where vehicles are and how full. Trips that no timetable has (added,
//! duplicated) are counted and not ridden.

pub mod message;
pub mod poll;
#[cfg(test)]
mod tests;

use crate::{
    gtfs::calendar::Day,
    transit::{
        live::{About, Alert, Change, Live, LiveCall, Source, Vehicle},
        timetable::{Calls, Timetable, zone},
    },
};
use message::{
    EntitySelector, FeedMessage, StopTimeUpdate, TranslatedString, TripDescriptor, TripUpdate,
    VehiclePosition,
};
use model::{geo::LonLat, network::Name, time::Moment};
use prost::Message as _;
use std::collections::HashMap;

/// What a feed says that is older than this is not believed any more, s: vehicles that were late are somewhere else now.
pub const STALE_S: i64 = 15 * 60;

/// A trip is later by this at most, s: more is a mistake in a clock.
const LONGEST_DELAY_S: i64 = 24 * 3600;

/// What became of one feed's message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Trips whose times are used.
    pub trips: u64,
    /// Of them cancelled.
    pub cancelled: u64,
    /// Calls left out.
    pub skipped: u64,
    /// Alerts used.
    pub alerts: u64,
    /// Vehicles of which it is known where they are.
    pub vehicles: u64,
    /// Trips, stops and routes that the timetable does not have.
    pub unknown: u64,
    /// Added and duplicated trips, which are not ridden.
    pub not_ridden: u64,
    /// Times that are none.
    pub absurd: u64,
}

/// Why a feed could not be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FeedError {
    /// It is not GTFS-Realtime.
    #[error("it is no GTFS-Realtime: {0}")]
    Malformed(String),
    /// It says when it was said, and that is long ago.
    #[error("what it says is {0} s old")]
    Stale(i64),
    /// It only holds what has changed, which nobody publishes and we do not keep.
    #[error("it holds differences, and only whole feeds are read")]
    Differential,
}

/// Reads feeds against one timetable.
#[derive(Debug)]
pub struct Reader<'a> {
    timetable: &'a Timetable,
    trips: HashMap<&'a str, u32>,
    routes: HashMap<&'a str, u32>,
    stops: HashMap<&'a str, u32>,
}

impl<'a> Reader<'a> {
    /// Learns a timetable's ids.
    pub fn new(timetable: &'a Timetable) -> Reader<'a> {
        fn index<'a>(ids: impl Iterator<Item = &'a str>) -> HashMap<&'a str, u32> {
            ids.enumerate().map(|(i, id)| (id, i as u32)).collect()
        }
        Reader {
            timetable,
            trips: index(timetable.trips.iter().map(|trip| trip.id.as_str())),
            routes: index(timetable.routes.iter().map(|route| route.id.as_str())),
            stops: index(timetable.stops.iter().map(|stop| stop.id.as_str())),
        }
    }

    /// Reads one feed's bytes into a picture. A feed that cannot be used leaves the picture as it was.
    pub fn read(&self, tag: &str, bytes: &[u8], now: Moment, live: &mut Live) -> Result<Counts, FeedError> {
        let feed = FeedMessage::decode(bytes).map_err(|e| FeedError::Malformed(e.to_string()))?;
        if feed.header.incrementality == Some(1) {
            return Err(FeedError::Differential);
        }
        let said = feed.header.timestamp.filter(|s| *s > 0).map_or(now, |s| Moment(s as i64 * 1000).min(now));
        let age_s = (now.0 - said.0) / 1000;
        if age_s > STALE_S {
            return Err(FeedError::Stale(age_s));
        }
        let mut counts = Counts::default();
        for entity in feed.entity.iter().filter(|entity| entity.is_deleted != Some(true)) {
            if let Some(update) = &entity.trip_update {
                self.trip(tag, update, now, live, &mut counts);
            }
            if let Some(vehicle) = &entity.vehicle {
                self.vehicle((tag, &entity.id), vehicle, now, live, &mut counts);
            }
            if let Some(alert) = &entity.alert {
                self.alert(tag, alert, live, &mut counts);
            }
        }
        live.sources.push(Source { tag: tag.to_string(), said });
        Ok(counts)
    }

    fn vehicle(
        &self,
        (tag, entity): (&str, &str),
        said: &VehiclePosition,
        now: Moment,
        live: &mut Live,
        counts: &mut Counts,
    ) {
        let Some(position) = &said.position else { return };
        let at = LonLat { lon: f64::from(position.longitude), lat: f64::from(position.latitude) };
        let measured = said.timestamp.map_or(now, |s| Moment((s as i64).saturating_mul(1000)).min(now));
        if !at.is_valid() || !at.lon.is_finite() || !at.lat.is_finite() {
            counts.absurd += 1;
            return;
        }
        // Where it was a quarter of an hour ago is of no use to anybody.
        if (now.0 - measured.0) / 1000 > STALE_S {
            return;
        }
        let run = said.trip.as_ref().and_then(|trip| self.run(tag, trip, now));
        if said.trip.is_some() && run.is_none() {
            counts.unknown += 1;
        }
        let vehicle = said.vehicle.clone().unwrap_or_default();
        let id = vehicle.id.filter(|id| !id.is_empty()).unwrap_or_else(|| entity.to_string());
        let percentage = said.occupancy_percentage.filter(|share| *share <= 1000);
        let number = |number: Option<f32>, range: std::ops::RangeInclusive<f32>| {
            number.filter(|number| range.contains(number))
        };
        live.vehicles.push(Vehicle {
            id: format!("{tag}_{id}"),
            label: vehicle.label.filter(|label| !label.is_empty()),
            run,
            at,
            bearing: number(position.bearing, 0.0..=360.0),
            speed_mps: number(position.speed, 0.0..=150.0),
            said: measured,
            occupancy: said.occupancy_status.and_then(occupancy).or(percentage.map(occupancy_of)),
            occupancy_percentage: percentage,
        });
        counts.vehicles += 1;
    }

    fn trip(&self, tag: &str, update: &TripUpdate, now: Moment, live: &mut Live, counts: &mut Counts) {
        const ADDED: [i32; 4] = [1, 2, 6, 8];
        let relationship = update.trip.schedule_relationship.unwrap_or(0);
        if ADDED.contains(&relationship) {
            counts.not_ridden += 1;
            return;
        }
        let Some((trip, day, begins_s)) = self.run(tag, &update.trip, now) else {
            counts.unknown += 1;
            return;
        };
        // Cancelled, or deleted: to a passenger it is the same.
        if matches!(relationship, 3 | 7) {
            counts.cancelled += 1;
            counts.trips += 1;
            live.note(trip, day, begins_s, Change::Cancelled);
            return;
        }
        let calls = self.timetable.calls_of(trip);
        let shift_s =
            begins_s.map_or(0, |begins_s| i64::from(begins_s) - i64::from(calls.first().departure_s));
        let day_s = day.begins_s(&zone(self.timetable.agency_of(trip)));
        let mut expected = Expected::new(calls, shift_s, day_s);
        if let (Some(delay), true) = (update.delay, update.stop_time_update.is_empty()) {
            expected.late_from(0, i64::from(delay), counts);
        }
        let mut next = 0;
        for one in &update.stop_time_update {
            let Some(call) = self.call(tag, calls, one, next) else {
                counts.unknown += 1;
                continue;
            };
            expected.update(call, one, counts);
            next = call;
        }
        counts.trips += 1;
        counts.skipped += expected.calls.iter().filter(|call| call.skipped).count() as u64;
        live.note(trip, day, begins_s, Change::Runs(expected.in_order()));
    }

    /// Which run is meant: the trip, its day, and for those that run every so often when it begins.
    fn run(&self, tag: &str, trip: &TripDescriptor, now: Moment) -> Option<(u32, Day, Option<u32>)> {
        let &ix = self.trips.get(format!("{tag}_{}", trip.trip_id.as_deref()?).as_str())?;
        let calls = self.timetable.calls_of(ix);
        let repeated = !self.timetable.frequencies_of(ix).is_empty();
        let begins_s = trip.start_time.as_deref().and_then(crate::gtfs::seconds);
        if repeated && begins_s.is_none() {
            return None;
        }
        let day = match trip.start_date.as_deref().filter(|date| !date.is_empty()) {
            Some(date) => Day::parse(date)?,
            None => {
                // Without a day it is the run that is under way, or else the next to begin.
                let zone = zone(self.timetable.agency_of(ix));
                let service = &self.timetable.services[self.timetable.trips[ix as usize].service as usize];
                let today = jiff::Timestamp::from_millisecond(now.0).ok()?.to_zoned(zone.clone()).date();
                let away = |day: &Day| {
                    let at_s = now.0 / 1000 - day.begins_s(&zone);
                    let (first, last) =
                        (i64::from(calls.first().departure_s), i64::from(calls.last().arrival_s));
                    (first - at_s).max(at_s - last).max(0)
                };
                let near = [-1, 0, 1].map(|days| Day::of(today).plus(days));
                near.into_iter().filter(|day| service.runs_on(*day)).min_by_key(away)?
            }
        };
        Some((ix, day, begins_s.filter(|_| repeated)))
    }

    /// Which of a trip's calls is meant, at `from` or after it.
    fn call(&self, tag: &str, calls: Calls<'_>, update: &StopTimeUpdate, from: usize) -> Option<usize> {
        if let Some(sequence) = update.stop_sequence {
            return calls.iter().position(|call| u32::from(call.sequence) == sequence);
        }
        let &stop = self.stops.get(format!("{tag}_{}", update.stop_id.as_deref()?).as_str())?;
        (from..calls.len()).find(|&i| calls.at(i).stop == stop)
    }

    fn alert(&self, tag: &str, alert: &message::Alert, live: &mut Live, counts: &mut Counts) {
        let mut about = Vec::new();
        for entity in &alert.informed_entity {
            match self.about(tag, entity) {
                Some(one) => about.push(one),
                None => counts.unknown += 1,
            }
        }
        if about.is_empty() {
            return;
        }
        let moment = |s: Option<u64>| s.filter(|s| *s > 0).map(|s| Moment((s as i64).saturating_mul(1000)));
        let periods = alert.active_period.iter().map(|period| [moment(period.start), moment(period.end)]);
        let word = |words: &[&'static str], number: Option<i32>, unknown: &'static str| {
            let at = usize::try_from(number.unwrap_or(0) - 1).ok();
            at.and_then(|at| words.get(at)).copied().unwrap_or(unknown)
        };
        live.alerts.push(Alert {
            periods: periods.collect(),
            about,
            cause: word(&CAUSES, alert.cause, "UNKNOWN_CAUSE"),
            effect: word(&EFFECTS, alert.effect, "UNKNOWN_EFFECT"),
            url: alert.url.as_ref().map(|url| words(url).local).filter(|url| !url.is_empty()),
            header: alert.header_text.as_ref().map(words).unwrap_or_default(),
            description: alert.description_text.as_ref().map(words).unwrap_or_default(),
        });
        counts.alerts += 1;
    }

    /// `None` if it names something that the timetable does not have.
    fn about(&self, tag: &str, entity: &EntitySelector) -> Option<About> {
        let named = |known: &HashMap<&str, u32>, id: &Option<String>| match id.as_deref() {
            None | Some("") => Some(None),
            Some(id) => known.get(format!("{tag}_{id}").as_str()).map(|&ix| Some(ix)),
        };
        let trip = entity.trip.as_ref();
        let route_id = entity.route_id.clone().or_else(|| trip.and_then(|trip| trip.route_id.clone()));
        let agency = match entity.agency_id.as_deref() {
            None | Some("") => None,
            // Agencies keep their own ids when feeds are joined.
            Some(id) => Some(self.timetable.agencies.iter().position(|agency| agency.id == id)? as u32),
        };
        let about = About {
            agency,
            route: named(&self.routes, &route_id)?,
            trip: named(&self.trips, &trip.and_then(|trip| trip.trip_id.clone()))?,
            stop: named(&self.stops, &entity.stop_id)?,
            route_type: entity.route_type.and_then(|kind| u16::try_from(kind).ok()),
        };
        (about != About::default()).then_some(about)
    }
}

/// A trip's calls as they become known.
struct Expected<'a> {
    planned: Calls<'a>,
    shift_s: i64,
    /// When the service day began, seconds since 1970.
    day_s: i64,
    calls: Vec<LiveCall>,
}

impl Expected<'_> {
    fn new(planned: Calls<'_>, shift_s: i64, day_s: i64) -> Expected<'_> {
        let mut expected = Expected { planned, shift_s, day_s, calls: Vec::with_capacity(planned.len()) };
        for i in 0..planned.len() {
            let [arrival_s, departure_s] = expected.planned_s(i).map(|s| s.max(0) as u32);
            expected.calls.push(LiveCall { arrival_s, departure_s, skipped: false });
        }
        expected
    }

    fn planned_s(&self, call: usize) -> [i64; 2] {
        let call = self.planned.at(call);
        [call.arrival_s, call.departure_s].map(|s| i64::from(s) + self.shift_s)
    }

    /// From a call on everything is so much later, until something else is known.
    fn late_from(&mut self, call: usize, delay_s: i64, counts: &mut Counts) {
        if delay_s.abs() > LONGEST_DELAY_S {
            counts.absurd += 1;
            return;
        }
        for i in call..self.calls.len() {
            let [arrival_s, departure_s] = self.planned_s(i).map(|s| (s + delay_s).max(0) as u32);
            (self.calls[i].arrival_s, self.calls[i].departure_s) = (arrival_s, departure_s);
        }
    }

    fn update(&mut self, call: usize, update: &StopTimeUpdate, counts: &mut Counts) {
        match update.schedule_relationship.unwrap_or(0) {
            1 => {
                self.calls[call].skipped = true;
                return;
            }
            2 => {
                self.late_from(call, 0, counts);
                return;
            }
            _ => {}
        }
        let [arrival_s, departure_s] = self.planned_s(call);
        let late = |event: &Option<message::StopTimeEvent>, planned_s: i64| {
            let event = event.as_ref()?;
            let by_time = event.time.filter(|time| *time > 0).map(|time| time - self.day_s - planned_s);
            by_time.or(event.delay.map(i64::from))
        };
        let (arrives, departs) = (late(&update.arrival, arrival_s), late(&update.departure, departure_s));
        let (Some(arrives), Some(departs)) = (arrives.or(departs), departs.or(arrives)) else { return };
        if arrives.abs() > LONGEST_DELAY_S || departs.abs() > LONGEST_DELAY_S {
            counts.absurd += 1;
            return;
        }
        self.late_from(call, departs, counts);
        self.calls[call].arrival_s = (arrival_s + arrives).max(0) as u32;
    }

    /// Times that never go back: nobody is anywhere before he was where he comes from.
    fn in_order(self) -> Vec<LiveCall> {
        let mut calls = self.calls;
        let mut least_s = 0;
        for call in &mut calls {
            call.arrival_s = call.arrival_s.max(least_s);
            call.departure_s = call.departure_s.max(call.arrival_s);
            least_s = call.departure_s;
        }
        calls
    }
}

fn words(text: &TranslatedString) -> Name {
    let english = |language: &str| language.to_ascii_lowercase().starts_with("en");
    let of = |wanted: bool| {
        let mut all = text.translation.iter();
        all.find(|one| one.language.as_deref().is_some_and(english) == wanted).map(|one| one.text.clone())
    };
    let (local, en) = (of(false), of(true));
    Name { local: local.or_else(|| en.clone()).unwrap_or_default(), en }
}

/// The format's causes, from 1 on.
const CAUSES: [&str; 12] = [
    "UNKNOWN_CAUSE",
    "OTHER_CAUSE",
    "TECHNICAL_PROBLEM",
    "STRIKE",
    "DEMONSTRATION",
    "ACCIDENT",
    "HOLIDAY",
    "WEATHER",
    "MAINTENANCE",
    "CONSTRUCTION",
    "POLICE_ACTIVITY",
    "MEDICAL_EMERGENCY",
];

/// The format's effects, from 1 on.
const EFFECTS: [&str; 11] = [
    "NO_SERVICE",
    "REDUCED_SERVICE",
    "SIGNIFICANT_DELAYS",
    "DETOUR",
    "ADDITIONAL_SERVICE",
    "MODIFIED_SERVICE",
    "OTHER_EFFECT",
    "UNKNOWN_EFFECT",
    "STOP_MOVED",
    "NO_EFFECT",
    "ACCESSIBILITY_ISSUE",
];

/// `OccupancyStatus` of the format; what says nothing is nothing.
fn occupancy(code: i32) -> Option<&'static str> {
    const WORDS: [&str; 9] = [
        "EMPTY",
        "MANY_SEATS_AVAILABLE",
        "FEW_SEATS_AVAILABLE",
        "STANDING_ROOM_ONLY",
        "CRUSHED_STANDING_ROOM_ONLY",
        "FULL",
        "NOT_ACCEPTING_PASSENGERS",
        "NO_DATA_AVAILABLE",
        "NOT_BOARDABLE",
    ];
    let word = WORDS.get(usize::try_from(code).ok()?)?;
    (*word != "NO_DATA_AVAILABLE").then_some(word)
}

/// The word for a share of all places, seats and standing room, where a feed says no word itself. A third of a city bus's places are
/// seats; from four fifths on people stand closer than they like.
fn occupancy_of(percentage: u32) -> &'static str {
    match percentage {
        0..5 => "EMPTY",
        5..20 => "MANY_SEATS_AVAILABLE",
        20..35 => "FEW_SEATS_AVAILABLE",
        35..80 => "STANDING_ROOM_ONLY",
        80..100 => "CRUSHED_STANDING_ROOM_ONLY",
        _ => "FULL",
    }
}
