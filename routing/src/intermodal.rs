//! Streets and timetables joined: on foot or by bicycle to a stop, by vehicles, and the same to the end.

mod days;
mod ends;
pub mod everywhere;
mod telling;
mod worth;

pub use days::Ready;

use crate::gtfs::calendar::Day;
use crate::{
    escort::{Escorts, Served},
    fare::Fares,
    feeder::{Feeder, Ridden, Stops, Wheels},
    foot::FootWays,
    graph::StreetGraph,
    hierarchy::Roads,
    itinerary::{Itinerary, Place, Ride, RideCall},
    map::Map,
    nearest::{OnArc, StreetIndex},
    on_demand::{Around, Asked, Brought, OnDemand},
    parking::Racks,
    planner::{End, NoJourney, Query, When},
    profile::Profile,
    street::{Costs, Scratch, quickest},
    transit::{
        board::{Board, Calling},
        bounds::Bounds,
        cheaper::{Priced, Wanted, cheaper},
        connection::Connection,
        day::{DayTable, Modes, NEVER, Run, Traveller},
        inside::Inside,
        live::{Live, Vehicle},
        next::{Next, next},
        search::{Between, Found, Request, Search, Timed, Walk},
        timetable::{Pattern, Timetable},
        walks::{Door, FOOTPATH_LIMIT, Footpaths, Looking, WalkScratch, Walks, doors},
    },
};
use arc_swap::ArcSwap;
use days::{BothWays, DayKey};
use ends::Side;
use model::time::Moment;
use serde::{Deserialize, Serialize};
use std::{
    borrow::Cow,
    collections::HashMap,
    ops::RangeInclusive,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};
use telling::Telling;

/// A window that brings too few journeys is made wider up to this.
const WIDEST_WINDOW: Duration = Duration::from_secs(24 * 3600);

/// The first window after one that brings too little, s.
const FURTHER_WINDOW_S: u32 = 600;

/// Within this distance it is looked whether walking all the way is quicker, m: half an hour, as long as MOTIS' usual
/// `maxDirectTime`.
const WALKED_WITHIN_M: f64 = 2500.0;

/// Timetables and what was worked out of them beforehand.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Prepared {
    /// The timetable.
    pub timetable: Timetable,
    /// Ways between stops: on foot, and in a wheelchair.
    pub footpaths: [Footpaths; 2],
    /// How long ways take at least.
    pub bounds: Bounds,
}

impl Prepared {
    /// Finds the ways between a timetable's stops on a city's streets. Takes a second for a city of 2,500 stops.
    pub(crate) fn new(
        map: &Map,
        index: &StreetIndex,
        streets: [(&StreetGraph, &Arc<FootWays>); 2],
        timetable: Timetable,
    ) -> Prepared {
        let footpaths = streets.map(|streets| {
            Walks::new(map, index, streets, &timetable).footpaths(&timetable, streets.0.profile)
        });
        let bounds = Bounds::new(&timetable, &footpaths);
        Prepared { timetable, footpaths, bounds }
    }
}

/// A journey by public transport wanted.
#[derive(Clone, PartialEq, Debug)]
pub struct TransitQuery {
    /// From where.
    pub from: Place,
    /// To where.
    pub to: Place,
    /// [`Profile::Walk`] or [`Profile::Wheelchair`].
    pub on_foot: Profile,
    /// When.
    pub when: When,
    /// Departures from `when` to so much later, or arrivals from so much earlier.
    pub window: Duration,
    /// The window is made wider until there are so many journeys.
    pub at_least: usize,
    /// Most changes of vehicle.
    pub transfers: usize,
    /// What may be ridden.
    pub modes: Modes,
    /// Whether one is escorted where one needs it. Only in a wheelchair.
    pub escorted: bool,
    /// Whether one takes a bicycle along in all vehicles. Not in a wheelchair.
    pub with_bicycle: bool,
    /// By which means one may get to the first stop.
    pub before: Vec<Feeder>,
    /// By which means one may get from the last stop.
    pub after: Vec<Feeder>,
    /// Longest way to the first stop.
    pub walk_before: Duration,
    /// Longest way from the last stop.
    pub walk_after: Duration,
    /// How far a street may be from either place, m.
    pub street_within_m: f64,
    /// Speed on foot, m/s, instead of the usual one.
    pub speed_mps: Option<f64>,
    /// Speed by bicycle, m/s, instead of the usual one.
    pub cycling_mps: Option<f64>,
    /// Whether the best journeys that keep off crowded vehicles are wanted too.
    pub avoid_crowds: bool,
    /// Whether journeys that cost less are wanted too. They are looked for without vehicles on demand, of which no tariff tells.
    pub cheaper: Option<Cheaper>,
    /// When this is asked: vehicles on demand are asked for some time before.
    pub asked: Moment,
}

impl TransitQuery {
    /// Whether a car of one's own may be left at a car park.
    pub(crate) fn parks(&self) -> bool {
        self.before.iter().chain(&self.after).any(|feeder| *feeder == Feeder::ParkAndRide)
    }
}

/// Journeys wanted that cost less than the best ones by the clock.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cheaper {
    /// How one pays; with the tariff's first card if that is not said.
    pub card: Option<String>,
    /// So much later than the soonest one may be there; with a time to be there by, one may set out so much sooner than the
    /// last who is in time.
    pub within: Duration,
}

/// The streets of a question.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Streets<'a> {
    /// The map.
    pub map: &'a Map,
    /// Where its streets are.
    pub index: &'a StreetIndex,
    /// Those that may be walked.
    pub street: &'a StreetGraph,
    /// For those who ride.
    pub wheels: &'a Wheels<'a>,
}

/// What was found of a question's two ends, the beginning first.
#[derive(Debug)]
struct Ends {
    /// The places on the streets of those on foot.
    feet: [Vec<OnArc>; 2],
    /// Stops, and how long it takes to them or from them.
    ways: [Vec<Walk>; 2],
    /// What takes as long as this could be walked, s.
    longest: u32,
    /// Ways on wheels.
    ridden: [Vec<Ridden>; 2],
    /// By stop, where that is quickest: which of those ways.
    by: [HashMap<u32, usize>; 2],
    /// Ways on demand, by stop.
    brought: [Vec<(Timed, Brought)>; 2],
}

/// A question's two ends, what leads from one to the other, and the day.
struct Connected {
    ends: Ends,
    connections: Vec<Connection>,
    tables: Arc<BothWays>,
}

/// Public transport of a city, ready for questions.
#[derive(Debug)]
pub struct Transit {
    timetable: Timetable,
    patterns: Vec<Pattern>,
    by_id: HashMap<String, u32>,
    on_foot: Walking,
    on_wheels: Walking,
    bounds: Bounds,
    /// By stop: where one comes to it by bicycle.
    cycled_to: Vec<Vec<Door>>,
    /// Where bicycles stay at stops, from the first time that anybody asks.
    racks: OnceLock<Racks>,
    /// By stop: where one comes to it by car, for those who can take stairs, those who cannot, and those who are escorted; from the first time that anybody
    /// asks.
    driven_to: [OnceLock<Vec<Vec<Door>>>; 3],
    escorts: Option<Escorting>,
    on_demand: OnDemand,
    /// What is known of trips now.
    live: ArcSwap<Live>,
    days: Mutex<Vec<(DayKey, Arc<BothWays>)>>,
    idle: Mutex<Vec<Memory>>,
}

/// Walking, for one kind of traveller.
#[derive(Debug)]
struct Walking {
    walks: Walks,
    forwards: Footpaths,
    backwards: Footpaths,
}

/// Those who come along, and how one walks with them from the first time that anybody asks.
#[derive(Debug)]
struct Escorting {
    served: Served,
    walking: OnceLock<Walking>,
}

#[derive(Debug, Default)]
struct Memory {
    walk: WalkScratch,
    search: Search,
    rest: Vec<u32>,
    /// The same for a search the other way.
    back: Search,
    back_rest: Vec<u32>,
}

/// Where a leg on foot begins or ends.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Spot {
    Start,
    Goal,
    Stop(u32),
}

impl Transit {
    /// Makes timetables ready.
    pub(crate) fn new(
        map: &Map,
        index: &StreetIndex,
        streets: [(&StreetGraph, &Arc<FootWays>); 2],
        (cycle, roads): (&StreetGraph, &Roads),
        prepared: Prepared,
    ) -> Transit {
        let Prepared { timetable, footpaths: [walk, roll], bounds } = prepared;
        let on_foot = |streets: (&StreetGraph, &Arc<FootWays>), forwards: Footpaths| Walking {
            walks: Walks::new(map, index, streets, &timetable),
            backwards: forwards.turned(),
            forwards,
        };
        let (on_foot, on_wheels) = (on_foot(streets[0], walk), on_foot(streets[1], roll));
        Transit {
            patterns: timetable.patterns(),
            by_id: timetable.stops.iter().enumerate().map(|(i, stop)| (stop.id.clone(), i as u32)).collect(),
            on_foot,
            on_wheels,
            bounds,
            cycled_to: doors(map, index, cycle, &Inside::new(&timetable, Profile::Walk), &timetable),
            racks: OnceLock::new(),
            driven_to: Default::default(),
            escorts: None,
            on_demand: OnDemand::new(map, index, roads, &timetable),
            live: ArcSwap::default(),
            days: Mutex::default(),
            idle: Mutex::default(),
            timetable,
        }
    }

    /// The same with people who come along.
    pub(crate) fn with_escorts(mut self, escorts: Escorts) -> Transit {
        let served = Served::new(escorts, &self.timetable);
        self.escorts = Some(Escorting { served, walking: OnceLock::new() });
        self
    }

    /// Those who come along, if anybody does in that city.
    pub(crate) fn escorts(&self) -> Option<&Served> {
        self.escorts.as_ref().map(|escorts| &escorts.served)
    }

    /// The same, if the question asks for them.
    fn escorts_for(&self, query: &TransitQuery) -> Option<&Served> {
        self.escorts().filter(|_| query.escorted && query.on_foot == Profile::Wheelchair)
    }

    /// Finds how one gets about who is escorted, if the question is his.
    fn find_escorted(&self, streets: &Streets<'_>, query: &TransitQuery) {
        if let (Some(served), Some(escorts)) = (self.escorts_for(query), &self.escorts) {
            escorts.walking.get_or_init(|| {
                let (timetable, inside) = (&self.timetable, Inside::escorted(&self.timetable, served));
                let street = (streets.street, self.on_wheels.walks.ways());
                let walks = Walks::inside(streets.map, streets.index, street, timetable, &inside);
                let forwards = walks.footpaths_inside(timetable, &inside);
                Walking { backwards: forwards.turned(), walks, forwards }
            });
        }
    }

    /// How one gets about on foot.
    fn walking(&self, query: &TransitQuery) -> &Walking {
        let escorted = self.escorts_for(query).and_then(|_| self.escorts.as_ref()?.walking.get());
        escorted.unwrap_or_else(|| self.of(query.on_foot).0)
    }

    /// The timetable.
    pub fn timetable(&self) -> &Timetable {
        &self.timetable
    }

    /// The stop of that id.
    pub fn stop(&self, id: &str) -> Option<u32> {
        self.by_id.get(id).copied()
    }

    /// A stop as a place.
    pub fn place(&self, stop: u32) -> Place {
        let stop = &self.timetable.stops[stop as usize];
        Place { name: stop.name.clone(), stop: Some(stop.id.clone()), at: stop.at }
    }

    /// The day on which a moment lies.
    pub fn day_of(&self, moment: Moment) -> Day {
        let at = jiff::Timestamp::from_millisecond(moment.0).unwrap_or_default();
        Day::of(at.to_zoned(self.timetable.zone()).date())
    }

    /// Streets and stops for one kind of traveller on foot.
    pub fn walks(&self, on_foot: Profile) -> &Walks {
        &self.of(on_foot).0.walks
    }

    /// How long ways take at least.
    pub fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// What calls at stops.
    pub fn board(&self, stops: &[u32], board: &Board) -> Vec<(Calling, Ride)> {
        let tables = self.table(self.day_of(board.at), Traveller::OnFoot, &self.live());
        let day = &tables.forwards.day;
        let whole = |run: Run| 0..=self.timetable.calls_of(run.trip).len() - 1;
        let events = board.read(&self.timetable, day, stops);
        events.into_iter().map(|calling| (calling, self.ride(day, calling.run, whole(calling.run)))).collect()
    }

    /// A trip on its day, between two of its calls.
    fn ride(&self, day: &DayTable, run: Run, part: RangeInclusive<usize>) -> Ride {
        let timetable = &self.timetable;
        let trip = &timetable.trips[run.trip as usize];
        let route = &timetable.routes[trip.route as usize];
        let all = timetable.calls_of(run.trip);
        let call = |i: usize| {
            let call = all.at(i);
            let stop = &timetable.stops[call.stop as usize];
            let [arrival, departure] = day.expected(timetable, run, i);
            RideCall {
                place: self.place(call.stop),
                stop: call.stop,
                code: stop.code.clone(),
                track: stop.platform.clone(),
                zone: stop.zone.clone(),
                level: stop.level,
                arrival,
                departure,
                scheduled: [call.arrival_s, call.departure_s].map(|s| day.moment_of_run(run, s)),
                skipped: day.skips_call(run, i),
                boards: call.boards,
                alights: call.alights,
            }
        };
        let frequency = timetable.frequencies_of(run.trip).iter().find(|frequency| !frequency.exact);
        let vehicle = day.live().vehicle_of(run.trip, run.day, day.begins_s(timetable, run));
        let times =
            [day.expected(timetable, run, *part.start())[1], day.expected(timetable, run, *part.end())[0]];
        let alerts =
            day.live().alerts_of(timetable, run.trip, all.part(part.clone()), times).cloned().collect();
        Ride {
            mode: route.mode,
            route_id: route.id.clone(),
            route_ix: trip.route,
            route: route.clone(),
            agency: timetable.agency_of(run.trip).clone(),
            trip_id: trip.id.clone(),
            day: run.day,
            trip_start: day.moment_of_run(run, all.first().departure_s),
            headsign: timetable.headsign_at(run.trip, *part.start()).to_string(),
            calls: part.map(call).collect(),
            takes_bicycles: trip.takes_bicycles,
            occupancy: vehicle.and_then(|vehicle| vehicle.occupancy),
            crowded: vehicle.is_some_and(Vehicle::is_crowded),
            live: day.is_live(run),
            alerts,
            escort: None,
            every_s: frequency.map(|frequency| frequency.headway_s),
        }
    }

    /// The best journeys in the question's window, by departure: none departs no later, arrives no earlier and has
    /// no fewer transfers than another, and each is quicker than walking.
    pub(crate) fn journeys(
        &self,
        streets: &Streets<'_>,
        query: &TransitQuery,
        (live, fares): (&Arc<Live>, Option<&Fares>),
        scratch: &mut Scratch,
    ) -> Result<Vec<Itinerary>, NoJourney> {
        let mut memory = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        let found = self.connections(streets, query, live, &mut memory, scratch);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
        let Some(Connected { ends, connections, tables }) = found? else { return Ok(Vec::new()) };
        let day = &tables.forwards.day;
        let mut telling = Telling { transit: self, day, streets, query, ends, walked: HashMap::new() };
        let mut tell = |connections: &[Connection], telling: &mut Telling<'_>| -> Vec<Itinerary> {
            connections.iter().filter_map(|connection| telling.itinerary(connection, scratch)).collect()
        };
        let mut journeys = tell(&connections, &mut telling);
        if let (Some(wish), Some(fares)) = (&query.cheaper, fares) {
            let zone = self.timetable.zone();
            let known = |journey: &Itinerary| fares.price(journey, wish.card.as_deref(), &zone).ok();
            let under = journeys.iter().filter_map(known).map(|fare| fare.amount).min().unwrap_or(i64::MAX);
            let cheaper = self.cheaper(query, (wish, fares), &telling.ends, &journeys, (&tables, under));
            journeys.extend(tell(&cheaper, &mut telling));
            journeys.sort_by_key(|journey| (journey.start, journey.end, journey.transfers()));
        }
        Ok(journeys)
    }

    /// Connections that cost less than `under`, not much later than the best ones by the clock: none of them leaves no later,
    /// arrives no earlier, changes no less and costs no less than another.
    fn cheaper(
        &self,
        query: &TransitQuery,
        (wish, fares): (&Cheaper, &Fares),
        ends: &Ends,
        known: &[Itinerary],
        (tables, under): (&BothWays, i64),
    ) -> Vec<Connection> {
        let (on_foot, day) = (self.walking(query), &tables.forwards.day);
        let soonest = known.iter().map(|journey| journey.end).min();
        let latest = known.iter().map(|journey| journey.start).max();
        let bounds = match query.when {
            When::DepartAt(at) => soonest.map(|soonest| [at, soonest + wish.within]),
            When::ArriveBy(at) => latest.map(|latest| [latest - wish.within, at]),
        };
        let Some([start, end]) = bounds else { return Vec::new() };
        // Whoever must be there by half past the second must be there by the second.
        let (Some(from), Some(until)) = (day.time_of(start), day.time_of(end - Duration::from_millis(999)))
        else {
            return Vec::new();
        };
        let (slowness, mut rest) = (self.stops(query).slowness, Vec::new());
        if self.is_bounded(query) {
            let gain_s = day.gain_s().saturating_mul(query.transfers as u32 + 1);
            self.bounds.rest(&ends.ways[1], false, gain_s, &mut rest);
        }
        let (zone, mut found) = (self.timetable.zone(), Vec::<Priced>::new());
        // Each day has its tariff, and the first ride says which it is.
        let mut first = from;
        while first <= until {
            let date = self.day_of(day.moment(first));
            let midnight = Moment(date.plus(1).begins_s(&zone) * 1000);
            let next = day.time_of(midnight).filter(|next| *next > first).unwrap_or(NEVER);
            if let Ok(paying) = fares.paying(date, wish.card.as_deref(), &zone) {
                found.extend(cheaper(&Wanted {
                    timetable: &self.timetable,
                    day,
                    footpaths: &on_foot.forwards,
                    access: &ends.ways[0],
                    egress: &ends.ways[1],
                    from,
                    until,
                    first: [first, next],
                    longest: ends.longest,
                    rides: query.transfers + 1,
                    modes: query.modes,
                    slowness,
                    rest: &rest,
                    paying: &paying,
                    under,
                }));
            }
            first = next;
        }
        let worth = |one: &&Priced| !found.iter().any(|other| other.is_better_than(one));
        found.iter().filter(worth).map(|one| day.connection(&self.timetable, &one.found)).collect()
    }

    /// Whether the rest of a way takes as long at least as is known of all: who is quicker than usual on foot, or led where nobody goes
    /// alone, is not among these.
    fn is_bounded(&self, query: &TransitQuery) -> bool {
        self.stops(query).slowness >= 1.0 && self.escorts_for(query).is_none()
    }

    /// Where stops are for one kind of traveller on foot.
    pub(crate) fn stops_of(&self, on_foot: Profile, speed_mps: Option<f64>) -> Stops<'_> {
        let kind = usize::from(on_foot == Profile::Wheelchair);
        self.stops_at(on_foot, speed_mps, (self.of(on_foot).0, kind))
    }

    fn stops(&self, query: &TransitQuery) -> Stops<'_> {
        let stops = self.stops_at(query.on_foot, query.speed_mps, (self.walking(query), self.kind(query)));
        Stops { racks: stops.racks.filter(|_| !query.with_bicycle), ..stops }
    }

    fn stops_at<'a>(
        &'a self,
        on_foot: Profile,
        speed_mps: Option<f64>,
        (walking, kind): (&'a Walking, usize),
    ) -> Stops<'a> {
        let slowness = on_foot.usual_speed_mps().zip(speed_mps).map_or(1.0, |(usual, own)| usual / own);
        let driven_to = self.driven_to[kind].get().map_or(&[][..], Vec::as_slice);
        Stops { walks: &walking.walks, doors: &self.cycled_to, racks: self.racks.get(), driven_to, slowness }
    }

    /// Whose [`Transit::driven_to`] counts.
    fn kind(&self, query: &TransitQuery) -> usize {
        match (query.on_foot, self.escorts_for(query)) {
            (Profile::Wheelchair, Some(_)) => 2,
            (Profile::Wheelchair, None) => 1,
            _ => 0,
        }
    }

    /// Finds where bicycles stay at stops.
    pub(crate) fn find_racks(&self, streets: &Streets<'_>) -> &Racks {
        self.racks.get_or_init(|| {
            let (on_foot, cycle) = (streets.wheels.walking.graph(), streets.wheels.cycling.graph());
            Racks::new(streets.map, streets.index, [on_foot, cycle], &self.on_foot.walks)
        })
    }

    /// Finds where one comes to stops by car.
    pub(crate) fn find_driven_to(&self, streets: &Streets<'_>, query: &TransitQuery) {
        self.driven_to[self.kind(query)].get_or_init(|| {
            let inside = match self.escorts_for(query) {
                Some(served) => Inside::escorted(&self.timetable, served),
                None => Inside::new(&self.timetable, query.on_foot),
            };
            doors(streets.map, streets.index, &streets.wheels.driving.roads.street, &inside, &self.timetable)
        });
    }

    /// The streets around stops, for vehicles on demand.
    fn around<'a>(&'a self, streets: &Streets<'a>, stops: Stops<'a>, speed_mps: Option<f64>) -> Around<'a> {
        Around {
            map: streets.map,
            index: streets.index,
            roads: streets.wheels.driving.roads,
            timetable: &self.timetable,
            walks: stops.walks,
            walking: Costs::without_traffic(streets.street, speed_mps),
            slowness: stops.slowness,
        }
    }

    /// The quickest journey on demand from door to door; `None` if there is none.
    pub(crate) fn brought(
        &self,
        streets: &Streets<'_>,
        query: &Query,
        now: Moment,
        scratch: &mut Scratch,
    ) -> Option<Itinerary> {
        let stops = self.stops_of(query.profile, query.speed_mps);
        let around = self.around(streets, stops, query.speed_mps);
        let (When::DepartAt(at) | When::ArriveBy(at)) = query.when;
        let within_m = query.street_within_m;
        let mut memory = WalkScratch::default();
        let ends = [(&query.from, Looking::Away), (&query.to, Looking::Towards)];
        let walked = ends.map(|(place, looking)| {
            let access = streets.index.access(streets.map, streets.street, place.at, within_m, |_| true);
            let feet = access.map(|access| access.feet()).unwrap_or_default();
            let limit_ms = FOOTPATH_LIMIT.as_millis() as u32;
            around.walked(&feet, looking, limit_ms, &mut memory)
        });
        let mut asked = ends.into_iter().zip(&walked).map(|((place, looking), walked)| Asked {
            place,
            within_m,
            looking,
            limit_ms: u32::MAX,
            walked,
            day: self.day_of(at),
            now,
        });
        let (from, to) = (asked.next()?, asked.next()?);
        self.on_demand.direct(&around, [&from, &to], query.when, scratch)
    }

    fn of(&self, profile: Profile) -> (&Walking, Traveller) {
        match profile {
            Profile::Wheelchair => (&self.on_wheels, Traveller::InWheelchair),
            _ => (&self.on_foot, Traveller::OnFoot),
        }
    }

    /// Who travels.
    fn traveller(&self, query: &TransitQuery) -> (&Walking, Traveller) {
        if let Some(served) = self.escorts_for(query) {
            let (When::DepartAt(at) | When::ArriveBy(at)) = query.when;
            let asked = served.counted(query.asked, self.day_of(at));
            return (self.walking(query), Traveller::Escorted(asked));
        }
        match self.of(query.on_foot) {
            (on_foot, Traveller::OnFoot) if query.with_bicycle => (on_foot, Traveller::WithBicycle),
            usual => usual,
        }
    }

    fn connections(
        &self,
        streets: &Streets<'_>,
        query: &TransitQuery,
        live: &Arc<Live>,
        memory: &mut Memory,
        scratch: &mut Scratch,
    ) -> Result<Option<Connected>, NoJourney> {
        self.find_escorted(streets, query);
        let (on_foot, traveller) = self.traveller(query);
        let (moment, backwards) = match query.when {
            When::DepartAt(moment) => (moment, false),
            When::ArriveBy(moment) => (moment, true),
        };
        let slowness = self.stops(query).slowness;
        let from = (End::From, &query.from, query.walk_before, &query.before[..]);
        let to = (End::To, &query.to, query.walk_after, &query.after[..]);
        let mut sides = [
            self.side(streets, query, from, memory, scratch)?,
            self.side(streets, query, to, memory, scratch)?,
        ];
        let tables = self.table(self.day_of(moment), traveller, live);
        let forwards = &tables.forwards.day;
        let gain_s = forwards.gain_s().saturating_mul(query.transfers as u32 + 1);
        self.drive_where_it_is_worth_it(&mut sides, query, gain_s, &mut memory.rest);
        let [access, egress] = sides.each_ref().map(Side::walks);
        let by = sides.each_ref().map(|side| {
            let by = side.ways.iter().filter_map(|(&stop, &(_, way))| Some((stop, way?)));
            by.collect::<HashMap<u32, usize>>()
        });
        let [before, after] = sides;
        let (from, to) = (before.feet, after.feet);
        let near =
            query.from.at.distance_m(query.to.at) < WALKED_WITHIN_M && !from.is_empty() && !to.is_empty();
        let costs = Costs::without_traffic(streets.street, query.speed_mps);
        let walked = if near { quickest(&costs, &from, &to, scratch) } else { None };
        let brought = [before.brought, after.brought].map(|ways| {
            let (begins, horizon_s) = (forwards.moment(0), forwards.turned_time(0).unwrap_or(NEVER));
            let timed = |way: Brought| Some((way.timed(begins, horizon_s)?, way));
            ways.into_iter().filter_map(timed).collect::<Vec<_>>()
        });
        let ends = Ends {
            feet: [from, to],
            ways: [access.clone(), egress.clone()],
            longest: walked.map_or(NEVER, |path| path.cost_ms.div_ceil(1000)),
            ridden: [before.ridden, after.ridden],
            by,
            brought,
        };
        let forwards_timed =
            ends.brought.each_ref().map(|ways| ways.iter().map(|way| way.0).collect::<Vec<Timed>>());
        let turned = |timed: &[Timed]| timed.iter().filter_map(|one| one.turned(forwards)).collect();
        let [before, after] = &forwards_timed;
        let backwards_timed: [Vec<Timed>; 2] = [turned(after), turned(before)];
        let (mut timed, mut other_timed) = (&forwards_timed, &backwards_timed);
        let (mut seen, mut all) = (&tables.forwards, &on_foot.forwards);
        let (mut other, mut other_all) = (&tables.backwards, &on_foot.backwards);
        if backwards {
            (seen, all, other, other_all) = (other, other_all, seen, all);
            (timed, other_timed) = (other_timed, timed);
        }
        // Who walks faster than usual may overtake a vehicle where others get on.
        let between = if slowness < 1.0 { Between::Any(all) } else { Between::Useful(&seen.changes) };
        let day = &seen.day;
        let (access, egress) = if backwards { (egress, access) } else { (access, egress) };
        let Some(start) = day.time_of(moment) else { return Ok(None) };
        memory.rest.clear();
        if self.is_bounded(query) {
            let gain_s = day.gain_s().saturating_mul(query.transfers as u32 + 1);
            self.bounds.rest(&with(&egress, &timed[1]), backwards, gain_s, &mut memory.rest);
        }
        let request = Request {
            day,
            between,
            access: &access,
            egress: &egress,
            timed: [&timed[0], &timed[1]],
            start,
            rides: query.transfers + 1,
            modes: query.modes,
            longest: ends.longest,
            slowness,
            rest: &memory.rest,
            met: None,
        };
        if query.window.is_zero() && query.at_least == 1 {
            let gain_s = day.gain_s().saturating_mul(query.transfers as u32 + 1);
            memory.back_rest.clear();
            if self.is_bounded(query) {
                let ends = with(&access, &timed[0]);
                self.bounds.rest(&ends, !backwards, gain_s, &mut memory.back_rest);
            }
            let between =
                if slowness < 1.0 { Between::Any(other_all) } else { Between::Useful(&other.changes) };
            let back = Request {
                day: &other.day,
                between,
                access: &egress,
                egress: &access,
                timed: [&other_timed[0], &other_timed[1]],
                rest: &memory.back_rest,
                ..request
            };
            match next(&mut memory.search, &mut memory.back, request, back, WIDEST_WINDOW.as_secs() as u32) {
                Next::Found(found) => {
                    let tell = |found: &Found| other.day.connection(&self.timetable, found);
                    let mut connections: Vec<_> = found.iter().map(tell).collect();
                    connections.sort_by_key(|found| (found.start, found.end, found.rides.len()));
                    return Ok(Some(Connected { ends, connections, tables }));
                }
                Next::None => return Ok(Some(Connected { ends, connections: Vec::new(), tables })),
                Next::SlowerThanWalking => {}
            }
        }
        let found = in_windows(&mut memory.search, request, query);
        let mut connections: Vec<_> =
            found.iter().map(|found| day.connection(&self.timetable, found)).collect();
        connections.sort_by_key(|connection| (connection.start, connection.end, connection.rides.len()));
        Ok(Some(Connected { ends, connections, tables }))
    }
}

/// Ways of both kinds, with the least times.
fn with<'a>(walks: &'a [Walk], timed: &[Timed]) -> Cow<'a, [Walk]> {
    match timed.is_empty() {
        true => Cow::Borrowed(walks),
        false => walks.iter().copied().chain(timed.iter().map(|one| (one.stop, one.takes))).collect(),
    }
}

/// What leaves in the question's window (seen backwards: arrives), in that order. If it is too little, windows
/// after it are searched as well until there is enough.
fn in_windows(search: &mut Search, request: Request<'_>, query: &TransitQuery) -> Vec<Found> {
    let (mut found, mut start, mut width) = (Vec::new(), request.start, query.window.as_secs() as u32);
    let until = request.start.saturating_add(WIDEST_WINDOW.as_secs() as u32);
    loop {
        let mut part = search.range(&Request { start, ..request }, width);
        part.reverse();
        found.append(&mut part);
        start = start.saturating_add(width).saturating_add(1);
        if found.len() >= query.at_least || start >= until {
            break;
        }
        width = (width * 2).max(FURTHER_WINDOW_S).min(until - start);
    }
    let asked_until = request.start.saturating_add(query.window.as_secs() as u32);
    let asked = found.partition_point(|found| found.departure <= asked_until);
    found.truncate(asked.max(query.at_least));
    found
}
