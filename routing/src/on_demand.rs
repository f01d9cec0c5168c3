//! Vehicles that come when they are asked for (GTFS-Flex): from a door to a stop, from a stop to a door, and from door to door.
//!
//! A ride takes as long as driving there on empty roads, times and plus what the operator says. One is picked up and gets off
//! within the windows of the zones, and no sooner than the operator's notice allows. Ways to and from stops are therefore
//! bound to times ([`Timed`]). Where such stops are is fixed, so their halves of all ways are worked out beforehand
//! ([`Climbed`]), and only the place's half is searched.

#[cfg(test)]
mod tests;

use crate::{
    foot::Direction,
    graph::StreetGraph,
    gtfs::{
        calendar::Day,
        flex::{Booking, DayBefore, DemandTrip, Notice, Stay, Within},
        records::{Agency, Route, Wheelchair},
    },
    hierarchy::{Climbed, Roads},
    itinerary::{Itinerary, Leg, Means, Place},
    map::Map,
    nearest::{OnArc, StreetIndex},
    planner::When,
    profile::Profile,
    street::{Costs, Scratch, quickest},
    transit::{
        inside::Inside,
        search::{Timed, Walk, scaled},
        timetable::Timetable,
        walks::{Door, Looking, WalkScratch, Walks, doors},
    },
};
use jiff::tz::TimeZone;
use model::time::Moment;
use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

/// Days before and after the one that is asked about whose vehicles may come on it: windows may run past midnight.
const DAYS: std::ops::RangeInclusive<i32> = -1..=1;

/// Where vehicles on demand stop.
#[derive(Debug, Default)]
pub(crate) struct OnDemand {
    /// By zone: its stops.
    stops: Vec<Vec<u32>>,
    /// By stop of a zone: its doors on the streets of cars.
    doors: HashMap<u32, Vec<Gate>>,
}

/// A door of a stop, and the halves of all ways away from it and towards it.
#[derive(Debug)]
struct Gate {
    door: Door,
    halves: [Climbed; 2],
}

/// The streets, for one question.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Around<'a> {
    /// The map.
    pub map: &'a Map,
    /// Where its streets are.
    pub index: &'a StreetIndex,
    /// Those of cars.
    pub roads: &'a Roads,
    /// The timetable.
    pub timetable: &'a Timetable,
    /// Ways on foot (or in a wheelchair) to stops.
    pub walks: &'a Walks,
    /// What they cost.
    pub walking: Costs<'a>,
    /// They take so many times the usual time.
    pub slowness: f64,
}

impl Around<'_> {
    /// Stops within so many ms on foot of a place (or from which one gets there), by stop.
    pub(crate) fn walked(
        &self,
        feet: &[OnArc],
        looking: Looking,
        limit_ms: u32,
        memory: &mut WalkScratch,
    ) -> Vec<Walk> {
        let usual_ms = (f64::from(limit_ms) / self.slowness).min(f64::from(u32::MAX / 4)) as u32;
        let mut walked = self.walks.reach(feet, looking, usual_ms, memory);
        walked.iter_mut().for_each(|walk| walk.1 = scaled(walk.1, self.slowness));
        walked.sort_unstable();
        walked
    }
}

/// What is asked of one end of a journey.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    /// From where, or to where.
    pub place: &'a Place,
    /// How far from it a street may be, m.
    pub within_m: f64,
    /// Which.
    pub looking: Looking,
    /// Longest way, ms.
    pub limit_ms: u32,
    /// Stops on foot from the place (or to it), and the ms.
    pub walked: &'a [Walk],
    /// The day.
    pub day: Day,
    /// When this is asked.
    pub now: Moment,
}

/// A ride between a place and a stop.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Brought {
    /// The stop.
    pub stop: u32,
    /// All of the way, ms.
    pub takes_ms: u32,
    /// One comes to the stop (or goes from it) between these moments.
    pub window: [Moment; 2],
    ride: Ridden,
    /// The door of the stop, and between it and the stop, ms.
    gate: usize,
    gap_ms: u32,
}

/// A ride: by which trip, between which of its zones, and where one gets on or off near the place.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Ridden {
    trip: u32,
    stays: [usize; 2],
    day: Day,
    near: Near,
    /// In the vehicle, ms.
    ms: u32,
}

/// Where a vehicle stops near a place.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Near {
    /// At the door.
    Place,
    /// At a stop of a group, at one of its doors, and the ms on foot to the vehicle (or from it).
    Stop { stop: u32, gate: usize, ms: u32 },
}

impl Near {
    fn ms(self) -> u32 {
        match self {
            Near::Place => 0,
            Near::Stop { ms, .. } => ms,
        }
    }
}

/// What one is told of a ride on demand.
#[derive(Clone, PartialEq, Debug)]
pub struct Booked {
    /// The trip's id, with its feed's tag.
    pub trip_id: String,
    /// The route's id, with its feed's tag.
    pub route_id: String,
    /// The route, as GTFS has it.
    pub route: Route,
    /// Who runs it.
    pub agency: Agency,
    /// Where one gets on, and where one gets off.
    pub ends: [BookedEnd; 2],
}

/// A zone in which one gets on or off.
#[derive(Clone, PartialEq, Debug)]
pub struct BookedEnd {
    /// Its id, with its feed's tag.
    pub zone_id: String,
    /// What it is called.
    pub zone: String,
    /// Vehicles come between these moments.
    pub window: [Moment; 2],
    /// How one asks; `None` if the operator does not say.
    pub booking: Option<Booking>,
    /// Until when one asks; `None` if that may be as late as one likes.
    pub book_by: Option<Moment>,
}

impl OnDemand {
    /// Finds the stops of all zones, and works out the halves of their ways.
    pub(crate) fn new(map: &Map, index: &StreetIndex, roads: &Roads, timetable: &Timetable) -> OnDemand {
        let zones = &timetable.on_demand.zones;
        if zones.is_empty() {
            return OnDemand::default();
        }
        let all = 0..timetable.stops.len() as u32;
        let in_zone = |within: &Within| match within {
            Within::Stops(stops) => {
                stops.iter().flat_map(|stop| timetable.platforms_of(*stop)).collect::<Vec<u32>>()
            }
            Within::Areas(areas) => {
                let inside = |stop: &u32| {
                    let at = timetable.stops[*stop as usize].at;
                    timetable.is_platform(*stop) && areas.iter().any(|area| area.holds(at))
                };
                all.clone().filter(inside).collect()
            }
        };
        let stops: Vec<Vec<u32>> = zones.iter().map(|zone| in_zone(&zone.within)).collect();
        let mut of_stop = doors(map, index, &roads.street, &Inside::new(timetable, Profile::Walk), timetable);
        let mut gates = HashMap::new();
        let costs = Costs::without_traffic(&roads.street, None);
        for &stop in stops.iter().flatten() {
            gates.entry(stop).or_insert_with(|| {
                let gate = |door: Door| {
                    let halves = [Direction::Away, Direction::Towards]
                        .map(|direction| roads.half(&roads.empty, &costs, (&door.feet, direction)));
                    Gate { door, halves }
                };
                std::mem::take(&mut of_stop[stop as usize]).into_iter().map(gate).collect::<Vec<Gate>>()
            });
        }
        OnDemand { stops, doors: gates }
    }

    /// Ways on demand between a place and stops: of two to the same stop neither is quicker whenever the other can be made.
    /// By stop.
    pub(crate) fn ways(&self, around: &Around<'_>, asked: &Asked<'_>) -> Vec<Brought> {
        let mut found = BTreeMap::<u32, Vec<Brought>>::new();
        let mut driven = HashMap::<(Option<(u32, usize)>, u32), Vec<(u32, usize, u32, u32)>>::new();
        let nears = self.near(around, asked);
        for (trip, ride) in around.timetable.on_demand.trips.iter().enumerate() {
            if !takes(ride, around) {
                continue;
            }
            for stays in pairs(ride) {
                let [near, far] = asked.looking.in_order(stays).map(|stay| ride.stays[stay].zone);
                for (near, half) in nears.get(&near).into_iter().flatten() {
                    let at = match near {
                        Near::Place => None,
                        Near::Stop { stop, gate, .. } => Some((*stop, *gate)),
                    };
                    let reached =
                        driven.entry((at, far)).or_insert_with(|| self.reached(around, asked, half, far));
                    for &(stop, gate, drive_ms, gap_ms) in reached.iter() {
                        let ms = in_vehicle_ms(ride, drive_ms);
                        let takes_ms = ms.saturating_add(near.ms()).saturating_add(gap_ms);
                        if takes_ms > asked.limit_ms {
                            continue;
                        }
                        for day in DAYS.map(|days| asked.day.plus(days)) {
                            let ride = Ridden { trip: trip as u32, stays, day, near: *near, ms };
                            let Some(picked_up) = self.picked_up(around.timetable, &ride, asked.now) else {
                                continue;
                            };
                            let later = |ms: u32| Duration::from_millis(u64::from(ms));
                            let window = picked_up.map(|moment| match asked.looking {
                                Looking::Away => moment + later(ms) + later(gap_ms),
                                Looking::Towards => moment - later(gap_ms),
                            });
                            let one = Brought { stop, takes_ms, window, ride, gate, gap_ms };
                            keep(found.entry(stop).or_default(), one);
                        }
                    }
                }
            }
        }
        found.into_values().flatten().collect()
    }

    /// By zone: where vehicles stop near a place, and the half of the ways from there (or to there).
    fn near(&self, around: &Around<'_>, asked: &Asked<'_>) -> HashMap<u32, Vec<(Near, Climbed)>> {
        let mut near = HashMap::<u32, Vec<(Near, Climbed)>>::new();
        let street = &around.roads.street;
        let mut here: Option<Climbed> = None;
        for (zone, what) in around.timetable.on_demand.zones.iter().enumerate() {
            let places = near.entry(zone as u32).or_default();
            match &what.within {
                Within::Areas(areas) if areas.iter().any(|area| area.holds(asked.place.at)) => {
                    let here = here.get_or_insert_with(|| {
                        let feet = feet(around, street, asked.place, asked.within_m);
                        let costs = Costs::without_traffic(street, None);
                        let roads = around.roads;
                        roads.half(&roads.empty, &costs, (&feet, asked.looking.direction()))
                    });
                    places.push((Near::Place, here.clone()));
                }
                Within::Areas(_) => {}
                Within::Stops(_) => {
                    for &stop in &self.stops[zone] {
                        let walked = asked.walked.binary_search_by_key(&stop, |walk| walk.0);
                        let Ok(walked) = walked.map(|at| asked.walked[at].1) else { continue };
                        for (gate, one) in self.doors[&stop].iter().enumerate() {
                            let ms = walked.saturating_add(gap_ms(one, asked.looking, around.slowness));
                            let half = one.halves[usize::from(asked.looking == Looking::Towards)].clone();
                            places.push((Near::Stop { stop, gate, ms }, half));
                        }
                    }
                }
            }
        }
        near
    }

    /// Stops of a zone that one gets to from a place (or from which one gets there): by which door, with the ms to drive and the
    /// ms between door and stop.
    fn reached(
        &self,
        around: &Around<'_>,
        asked: &Asked<'_>,
        half: &Climbed,
        zone: u32,
    ) -> Vec<(u32, usize, u32, u32)> {
        let costs = Costs::without_traffic(&around.roads.street, None);
        let mut all = Vec::new();
        for &stop in &self.stops[zone as usize] {
            for (i, gate) in self.doors[&stop].iter().enumerate() {
                let ms = match asked.looking {
                    Looking::Away => half.joined_ms(&gate.halves[1], &costs),
                    Looking::Towards => gate.halves[0].joined_ms(half, &costs),
                };
                let gap_ms = match asked.looking {
                    Looking::Away => gate.door.in_ms,
                    Looking::Towards => gate.door.out_ms,
                };
                all.extend(ms.map(|ms| (stop, i, ms, scaled(gap_ms, around.slowness))));
            }
        }
        all
    }

    /// Between which moments one may be picked up for a ride, if at all.
    fn picked_up(&self, timetable: &Timetable, ride: &Ridden, now: Moment) -> Option<[Moment; 2]> {
        let trip = &timetable.on_demand.trips[ride.trip as usize];
        if !timetable.services[trip.service as usize].runs_on(ride.day) {
            return None;
        }
        let zone = zone_of(timetable, trip);
        let [on, off] = ride.stays.map(|stay| trip.stays[stay]);
        let bookings = &timetable.on_demand.bookings;
        let rule = |asked: Option<Option<u32>>| asked.flatten().map(|rule| &bookings[rule as usize]);
        let may = |stay: &Stay, rule: Option<&Booking>| {
            let window = moments(stay, ride.day, &zone);
            let notice = rule.map_or(Notice::None, |rule| rule.notice);
            allowed(&notice, timetable, (ride.day, &zone), now, window)
        };
        let [from, until] = may(&on, rule(on.picks_up))?;
        let [soonest, latest] = may(&off, rule(off.drops_off))?;
        let takes = Duration::from_millis(u64::from(ride.ms));
        let (from, until) = (from.max(soonest - takes), until.min(latest - takes));
        (from <= until).then_some([from, until])
    }

    /// The quickest journey on demand from door to door: the soonest there, or the last to set out.
    pub(crate) fn direct(
        &self,
        around: &Around<'_>,
        [from, to]: [&Asked<'_>; 2],
        when: When,
        scratch: &mut Scratch,
    ) -> Option<Itinerary> {
        let [starts, ends] = [from, to].map(|asked| self.near(around, asked));
        let costs = Costs::without_traffic(&around.roads.street, None);
        let mut best: Option<(i64, Moment, Ridden, Near)> = None;
        for (trip, demand) in around.timetable.on_demand.trips.iter().enumerate() {
            if !takes(demand, around) {
                continue;
            }
            for stays in pairs(demand) {
                let [starts, ends] = [(&starts, stays[0]), (&ends, stays[1])]
                    .map(|(near, stay)| near.get(&demand.stays[stay].zone).map_or(&[][..], Vec::as_slice));
                for ((near, out), (far, into)) in
                    starts.iter().flat_map(|start| ends.iter().map(move |end| (start, end)))
                {
                    let Some(drive_ms) = out.joined_ms(into, &costs) else { continue };
                    let ms = in_vehicle_ms(demand, drive_ms);
                    for day in DAYS.map(|days| from.day.plus(days)) {
                        let ride = Ridden { trip: trip as u32, stays, day, near: *near, ms };
                        let Some([first, last]) = self.picked_up(around.timetable, &ride, from.now) else {
                            continue;
                        };
                        let walks = [near.ms(), far.ms()].map(|ms| Duration::from_millis(u64::from(ms)));
                        let takes = Duration::from_millis(u64::from(ms));
                        let (picked_up, rank) = match when {
                            When::DepartAt(at) => {
                                let picked_up = first.max(at + walks[0]);
                                (picked_up, (picked_up + takes + walks[1]).0)
                            }
                            When::ArriveBy(at) => {
                                let picked_up = last.min(at - takes - walks[1]);
                                (picked_up, -(picked_up - walks[0]).0)
                            }
                        };
                        let fits = (first..=last).contains(&picked_up);
                        if fits && best.is_none_or(|(known, ..)| rank < known) {
                            best = Some((rank, picked_up, ride, *far));
                        }
                    }
                }
            }
        }
        let (_, picked_up, ride, far) = best?;
        let mut legs = Vec::new();
        legs.extend(self.on_foot(around, from, ride.near, picked_up, scratch));
        let [start, end] = [(from, ride.near), (to, far)].map(|(asked, near)| self.foot(around, asked, near));
        legs.push(self.ride(around, &ride, [start, end], picked_up)?);
        let off = picked_up + Duration::from_millis(u64::from(ride.ms));
        legs.extend(self.on_foot(around, to, far, off, scratch));
        Some(Itinerary { start: legs[0].start, end: legs[legs.len() - 1].end, legs })
    }

    /// The legs of a way that was found, for one who is at its stop at a moment within its window.
    pub(crate) fn legs(
        &self,
        around: &Around<'_>,
        asked: &Asked<'_>,
        (way, at_stop, at): (&Brought, &Place, Moment),
        scratch: &mut Scratch,
    ) -> Option<Vec<Leg>> {
        let gap = Duration::from_millis(u64::from(way.gap_ms));
        let takes = Duration::from_millis(u64::from(way.ride.ms));
        let gate = &self.doors[&way.stop][way.gate];
        let near = self.foot(around, asked, way.ride.near);
        let far = (at_stop.clone(), gate.door.feet.clone());
        let ends = asked.looking.in_order([near, far]);
        let picked_up = match asked.looking {
            Looking::Away => at - gap - takes,
            Looking::Towards => at + gap,
        };
        let ride = self.ride(around, &way.ride, ends, picked_up)?;
        let walk_at = match asked.looking {
            Looking::Away => picked_up,
            Looking::Towards => picked_up + takes,
        };
        let walk = self.on_foot(around, asked, way.ride.near, walk_at, scratch);
        Some(match asked.looking {
            Looking::Away => walk.into_iter().chain([ride]).collect(),
            Looking::Towards => [ride].into_iter().chain(walk).collect(),
        })
    }

    /// Where a vehicle stops, and that on the streets of cars.
    fn foot(&self, around: &Around<'_>, asked: &Asked<'_>, near: Near) -> (Place, Vec<OnArc>) {
        match near {
            Near::Place => {
                let feet = feet(around, &around.roads.street, asked.place, asked.within_m);
                (asked.place.clone(), feet)
            }
            Near::Stop { stop, gate, .. } => {
                let known = &around.timetable.stops[stop as usize];
                let place = Place { name: known.name.clone(), stop: Some(known.id.clone()), at: known.at };
                (place, self.doors[&stop][gate].door.feet.clone())
            }
        }
    }

    /// The leg on foot between a place and where the vehicle stops; `None` if that is at the door.
    fn on_foot(
        &self,
        around: &Around<'_>,
        asked: &Asked<'_>,
        near: Near,
        vehicle: Moment,
        scratch: &mut Scratch,
    ) -> Option<Leg> {
        let Near::Stop { stop, ms, .. } = near else { return None };
        let (there, _) = self.foot(around, asked, near);
        let here = feet(around, around.walking.graph(), asked.place, asked.within_m);
        let [from, to] = asked.looking.in_order([asked.place.clone(), there]);
        let paths = around.walks.doors(stop).iter().filter_map(|door| {
            let [from, to] = asked.looking.in_order([here.as_slice(), door.feet.as_slice()]);
            quickest(&around.walking, from, to, scratch)
        });
        let path = paths.min_by_key(|path| path.cost_ms)?;
        let takes = Duration::from_millis(u64::from(ms));
        let start = if asked.looking == Looking::Away { vehicle - takes } else { vehicle };
        let mut leg = Leg::along(around.map, &around.walking, &path, from, to, start);
        leg.end = start + takes;
        (leg.duration() > Duration::ZERO).then_some(leg)
    }

    /// The leg in the vehicle.
    fn ride(
        &self,
        around: &Around<'_>,
        ride: &Ridden,
        [from, to]: [(Place, Vec<OnArc>); 2],
        picked_up: Moment,
    ) -> Option<Leg> {
        let roads = around.roads;
        let costs = Costs::without_traffic(&roads.street, None);
        let path = roads.quickest(&roads.empty, &costs, [&from.1, &to.1])?;
        let mut leg = Leg::along(around.map, &costs, &path, from.0, to.0, picked_up);
        leg.end = picked_up + Duration::from_millis(u64::from(ride.ms));
        if let Means::Street(way) = &mut leg.means {
            way.on_demand = Some(Box::new(booked(around.timetable, ride, [picked_up, leg.end])));
        }
        Some(leg)
    }
}

impl Brought {
    /// The same as a table counts that sees its day forwards; `None` if it is not in it.
    pub(crate) fn timed(&self, begins: Moment, horizon_s: u32) -> Option<Timed> {
        let seconds = |moment: Moment, round_up: i64| (moment.0 - begins.0 + round_up).div_euclid(1000);
        let (from, until) = (seconds(self.window[0], 999), seconds(self.window[1], 0));
        let window = [from.max(0), until.min(i64::from(horizon_s))];
        let takes = self.takes_ms.div_ceil(1000);
        (window[0] <= window[1]).then(|| Timed { stop: self.stop, takes, window: window.map(|s| s as u32) })
    }
}

/// Whether a traveller may ride at all. What is not known of wheelchairs is not promised.
fn takes(trip: &DemandTrip, around: &Around<'_>) -> bool {
    around.walking.graph().profile != Profile::Wheelchair || trip.wheelchair == Wheelchair::Possible
}

/// Where one gets on and off a trip, as indices of its stays.
fn pairs(trip: &DemandTrip) -> impl Iterator<Item = [usize; 2]> {
    let stays = &trip.stays;
    let on = (0..stays.len()).filter(|&on| stays[on].picks_up.is_some());
    on.flat_map(move |on| {
        (on + 1..stays.len()).filter(|&off| stays[off].drops_off.is_some()).map(move |off| [on, off])
    })
}

/// Keeps a way unless another is as quick whenever it can be made.
fn keep(known: &mut Vec<Brought>, one: Brought) {
    let beats = |a: &Brought, b: &Brought| {
        a.takes_ms <= b.takes_ms && a.window[0] <= b.window[0] && a.window[1] >= b.window[1]
    };
    if known.iter().all(|other| !beats(other, &one)) {
        known.retain(|other| !beats(&one, other));
        known.push(one);
    }
}

/// From a stop to the vehicle at its door, for one who set out near it; or from the vehicle, for one who is nearly there.
fn gap_ms(gate: &Gate, looking: Looking, slowness: f64) -> u32 {
    scaled(if looking == Looking::Away { gate.door.out_ms } else { gate.door.in_ms }, slowness)
}

fn feet(around: &Around<'_>, street: &StreetGraph, place: &Place, within_m: f64) -> Vec<OnArc> {
    let access = around.index.access(around.map, street, place.at, within_m, |_| true);
    access.map(|access| access.feet()).unwrap_or_default()
}

fn in_vehicle_ms(trip: &DemandTrip, drive_ms: u32) -> u32 {
    (f64::from(drive_ms) * trip.factor + trip.offset_s * 1000.0).ceil() as u32
}

fn zone_of(timetable: &Timetable, trip: &DemandTrip) -> TimeZone {
    let route = &timetable.routes[trip.route as usize];
    crate::transit::timetable::zone(&timetable.agencies[route.agency as usize])
}

fn moments(stay: &Stay, day: Day, zone: &TimeZone) -> [Moment; 2] {
    let begins_s = day.begins_s(zone);
    stay.window_s.map(|s| Moment((begins_s + i64::from(s)) * 1000))
}

/// The part of a window of a day that may still be asked for now.
fn allowed(
    notice: &Notice,
    timetable: &Timetable,
    (day, zone): (Day, &TimeZone),
    now: Moment,
    [from, until]: [Moment; 2],
) -> Option<[Moment; 2]> {
    let minutes = |minutes: u32| now + Duration::from_secs(60 * u64::from(minutes));
    let window = match *notice {
        Notice::None => [from.max(now), until],
        Notice::Minutes(least, most) => {
            [from.max(minutes(least)), most.map_or(until, |most| until.min(minutes(most)))]
        }
        Notice::Days(last, first) => {
            let in_time = now <= before(last, timetable, day, zone)?;
            let soon = match first {
                Some(first) => now >= before(first, timetable, day, zone)?,
                None => true,
            };
            if !(in_time && soon) {
                return None;
            }
            [from.max(now), until]
        }
    };
    (window[0] <= window[1]).then_some(window)
}

/// A time some days before a day; `None` if the service whose days are counted did not run so often.
fn before(notice: DayBefore, timetable: &Timetable, day: Day, zone: &TimeZone) -> Option<Moment> {
    let mut at = day.plus(-i32::from(notice.days));
    if let Some(service) = notice.service {
        let service = &timetable.services[service as usize];
        let (first, _) = service.span()?;
        let (mut left, mut counted) = (notice.days, day);
        while left > 0 && counted > first {
            counted = counted.plus(-1);
            left -= u16::from(service.runs_on(counted));
        }
        at = Some(counted).filter(|_| left == 0)?;
    }
    Some(Moment((at.begins_s(zone) + i64::from(notice.at_s)) * 1000))
}

/// Until when one asks for a vehicle that comes at `at`, on the windows' `day`.
fn latest(
    notice: &Notice,
    timetable: &Timetable,
    (day, zone): (Day, &TimeZone),
    at: Moment,
) -> Option<Moment> {
    match *notice {
        Notice::None => None,
        Notice::Minutes(least, _) => Some(at - Duration::from_secs(60 * u64::from(least))),
        Notice::Days(last, _) => before(last, timetable, day, zone),
    }
}

/// What one is told of a ride between two moments.
fn booked(timetable: &Timetable, ride: &Ridden, [on, off]: [Moment; 2]) -> Booked {
    let said = &timetable.on_demand;
    let trip = &said.trips[ride.trip as usize];
    let route = &timetable.routes[trip.route as usize];
    let zone = zone_of(timetable, trip);
    let end = |stay: usize, asked: fn(&Stay) -> Option<Option<u32>>, at: Moment| {
        let stay = &trip.stays[stay];
        let place = &said.zones[stay.zone as usize];
        let booking = asked(stay).flatten().map(|rule| said.bookings[rule as usize].clone());
        let by = |rule: &Booking| latest(&rule.notice, timetable, (ride.day, &zone), at);
        BookedEnd {
            zone_id: place.id.clone(),
            zone: place.name.clone(),
            window: moments(stay, ride.day, &zone),
            book_by: booking.as_ref().and_then(by),
            booking,
        }
    };
    Booked {
        trip_id: trip.id.clone(),
        route_id: route.id.clone(),
        route: route.clone(),
        agency: timetable.agencies[route.agency as usize].clone(),
        ends: [end(ride.stays[0], |stay| stay.picks_up, on), end(ride.stays[1], |stay| stay.drops_off, off)],
    }
}
