//! Question in, journey out: the pure core. Time and traffic are handed in.

use crate::{
    escort::Escorts,
    fare::Fares,
    feeder::{Lent, Wheels},
    foot::{Direction, FootWays},
    geocode::Names,
    graph::StreetGraph,
    hierarchy::{Climbed, Customised, Driving, Roads},
    intermodal::{
        self, Prepared, Transit, TransitQuery,
        everywhere::{Everywhere, Reached},
    },
    isochrone::{Isochrone, isochrones},
    itinerary::{Itinerary, Leg, Means, Place},
    map::Map,
    matching::{Fix, Track, matched},
    nearest::{Access, OnArc, StreetIndex},
    parking::{CarParks, PARKING_MS},
    profile::Profile,
    sharing::{Handling, Sharing, Spot, System},
    snapshot::{Snapshot, View},
    street::{Costs, Foot, Path, Scratch, alternatives::alternatives, quickest, quickest_of, reach},
    streets::Streets,
    transit::{live::Live, walks::STOP_WITHIN_M},
    truck::{Haulage, Narrow, Truck},
    typical::slices::{Of, Slices},
};
use arc_swap::ArcSwap;
use model::{city::City, geo::LonLat, ids::LinkIx, time::Moment};
use std::{
    borrow::Cow,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

/// How far from a street a place may be, m. Beyond it the traveller is not in this city.
pub const STREET_WITHIN_M: f64 = 1000.0;

/// When to travel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    /// Not before.
    DepartAt(Moment),
    /// Not later.
    ArriveBy(Moment),
}

/// One journey wanted, by one means all the way.
#[derive(Clone, PartialEq, Debug)]
pub struct Query {
    /// From where.
    pub from: Place,
    /// To where.
    pub to: Place,
    /// By which means.
    pub profile: Profile,
    /// When.
    pub when: When,
    /// How far a street may be from either place, m; at most [`STREET_WITHIN_M`].
    pub street_within_m: f64,
    /// Speed on foot or by bicycle, m/s, instead of the usual one.
    pub speed_mps: Option<f64>,
}

/// Which of a query's two places.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// Where it begins.
    From,
    /// Where it ends.
    To,
}

/// Why there is no journey.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum NoJourney {
    /// One of the places has no street nearby that the traveller may use.
    #[error("no street to {} on within {within_m:.0} m of {}", profile.verb(), place.name)]
    NoStreet {
        /// Which place.
        end: End,
        /// The place.
        place: Place,
        /// For whom there is no street.
        profile: Profile,
        /// How far we looked.
        within_m: f64,
    },
    /// Both places have streets, but no way joins them.
    #[error("no way to {} from {from} to {to}", profile.verb())]
    NoWay {
        /// By which means.
        profile: Profile,
        /// From where.
        from: String,
        /// To where.
        to: String,
    },
}

/// A city, ready for questions. Built once; answering changes nothing that anybody can see.
#[derive(Debug)]
pub struct Planner {
    map: Arc<Map>,
    index: StreetIndex,
    drive: Arc<Roads>,
    /// What driving costs in the usual traffic of times that were asked for.
    usual: Slices,
    truck: Truck,
    /// Links of cars that not every lorry may use.
    narrow: Vec<Narrow>,
    /// The streets of the lorry, from the first time that anybody asks.
    haulage: OnceLock<Haulage>,
    cycle: StreetGraph,
    walk: StreetGraph,
    roll: StreetGraph,
    /// Ways on foot and in a wheelchair in all directions.
    feet: [Arc<FootWays>; 2],
    /// Public transport, where timetables were given.
    transit: Option<Transit>,
    /// What journeys cost, if that is known.
    fares: Option<Fares>,
    /// Shared vehicles.
    lent: ArcSwap<Lent>,
    /// Car parks for those who go on by public transport: for those on foot, and in a wheelchair.
    parks: [CarParks; 2],
    /// Stops and streets by name, from the first time that anybody asks.
    names: OnceLock<Names>,
    /// Working memory between questions; as many as were ever asked at once.
    idle: Mutex<Vec<Working>>,
}

/// Working memory of one question.
#[derive(Debug, Default)]
struct Working {
    street: Scratch,
    /// For a search the other way.
    back: Scratch,
}

impl Planner {
    /// Prepares a city that has no [`City::faults`].
    pub fn new(city: Arc<City>) -> Planner {
        Planner::on(Streets::new(&city))
    }

    /// A planner on streets that were worked out before.
    pub fn on(streets: Streets) -> Planner {
        let Streets { map, drive, cycle, walk, roll, feet, narrow } = streets;
        let index = StreetIndex::build(&map);
        let parks = [&walk, &roll].map(|on_foot| {
            let parks = map.car_parks.iter().filter(|park| park.park_and_ride);
            CarParks::new(&map, &index, [on_foot, &drive.street], parks)
        });
        Planner {
            index,
            parks,
            map: Arc::new(map),
            drive: Arc::new(drive),
            usual: Slices::default(),
            truck: Truck::default(),
            narrow,
            haulage: OnceLock::new(),
            cycle,
            walk,
            roll,
            feet,
            transit: None,
            fares: None,
            lent: ArcSwap::default(),
            names: OnceLock::new(),
            idle: Mutex::default(),
        }
    }

    /// The same with public transport, and with what its operators say of fares, if nothing else says what journeys cost.
    pub fn with_timetable(mut self, mut prepared: Prepared) -> Planner {
        let published = std::mem::take(&mut prepared.timetable.fares);
        self.fares = self.fares.or_else(|| Fares::published(published));
        let [walk, roll] = &self.feet;
        let streets = [(&self.walk, walk), (&self.roll, roll)];
        self.transit =
            Some(Transit::new(&self.map, &self.index, streets, (&self.cycle, &self.drive), prepared));
        self
    }

    /// The same with what journeys cost.
    pub fn with_fares(mut self, fares: Fares) -> Planner {
        self.fares = Some(fares);
        self
    }

    /// The same with people who come along with passengers of reduced mobility.
    pub fn with_escorts(mut self, escorts: Escorts) -> Planner {
        self.transit = self.transit.map(|transit| transit.with_escorts(escorts));
        self
    }

    /// The same for lorries that measure so much.
    pub fn with_truck(mut self, truck: Truck) -> Planner {
        (self.truck, self.haulage) = (truck, OnceLock::new());
        self
    }

    fn haulage(&self) -> &Haulage {
        self.haulage.get_or_init(|| Haulage::new(&self.truck, &self.narrow, &self.drive.street, &self.map))
    }

    /// What the streets cost to one who travels so, in one view of the traffic; `speed_mps` is his own speed, if it is not the usual.
    fn costs<'a>(&'a self, profile: Profile, view: View<'a>, speed_mps: Option<f64>) -> Costs<'a> {
        let costs = Costs::new(self.graph(profile), view, speed_mps);
        if profile == Profile::Truck { costs.hauled(&self.haulage().free_ms) } else { costs }
    }

    /// What journeys cost, if that is known.
    pub fn fares(&self) -> Option<&Fares> {
        self.fares.as_ref()
    }

    /// Public transport, if there are timetables.
    pub fn transit(&self) -> Option<&Transit> {
        self.transit.as_ref()
    }

    /// Stops and streets by name.
    pub fn names(&self) -> &Names {
        self.names.get_or_init(|| Names::new(&self.map, self.transit().map(Transit::timetable)))
    }

    /// Streets by place.
    pub(crate) fn index(&self) -> &StreetIndex {
        &self.index
    }

    /// Journeys by public transport, with the ways to it, from it and between vehicles; empty if there are no timetables.
    pub fn by_transit(&self, query: &TransitQuery) -> Result<Vec<Itinerary>, NoJourney> {
        let live = self.transit.as_ref().map(Transit::live).unwrap_or_default();
        self.by_transit_as(query, &live, &Snapshot::empty())
    }

    /// The same as one picture of the trips shows it, and one of the traffic. Whoever drives to a stop, or from one, does so in the
    /// traffic of the query's time.
    pub fn by_transit_as(
        &self,
        query: &TransitQuery,
        live: &Arc<Live>,
        traffic: &Snapshot,
    ) -> Result<Vec<Itinerary>, NoJourney> {
        let Some(transit) = &self.transit else { return Ok(Vec::new()) };
        let (When::DepartAt(at) | When::ArriveBy(at)) = query.when;
        let driving = self.driving(traffic.view(query.asked, at), query.parks());
        let wheels = self.wheels(query.on_foot, [query.speed_mps, query.cycling_mps], driving);
        let streets = self.streets_for(query.on_foot, &wheels);
        let mut working = self.working();
        let mut journeys = transit.journeys(&streets, query, (live, self.fares()), &mut working.street);
        // Whether one rides in a crowd is one more criterion, of two values: of the best that do, and of the best of those that do not,
        // none is better than another.
        if let (true, Some(uncrowded), Ok(all)) = (query.avoid_crowds, &live.uncrowded, &mut journeys) {
            all.retain(Itinerary::is_crowded);
            let rest = transit.journeys(&streets, query, (uncrowded, self.fares()), &mut working.street);
            all.extend(rest.into_iter().flatten());
            all.sort_by_key(|journey| (journey.start, journey.end, journey.transfers()));
        }
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(working);
        journeys
    }

    /// What is reached along the streets by one means within each of `limits`, for one who leaves then, or from where one is there by
    /// then.
    pub fn isochrones(
        &self,
        place: &Place,
        profile: Profile,
        when: When,
        limits: &[Duration],
        (traffic, now): (&Snapshot, Moment),
    ) -> Result<Vec<Isochrone>, NoJourney> {
        let (at, end, direction) = match when {
            When::DepartAt(at) => (at, End::From, Direction::Away),
            When::ArriveBy(at) => (at, End::To, Direction::Towards),
        };
        let costs = self.costs(profile, traffic.view(now, at), None);
        let open = |link: LinkIx| !costs.closed(link);
        let access = self.index.access(&self.map, costs.graph(), place.at, STREET_WITHIN_M, open);
        let nowhere =
            || NoJourney::NoStreet { end, place: place.clone(), profile, within_m: STREET_WITHIN_M };
        let feet = access.ok_or_else(nowhere)?.feet();
        let feet: Vec<Foot> = feet.into_iter().map(|on| Foot { on, ms: 0 }).collect();
        let mut working = self.working();
        let all = isochrones(&self.map, &costs, &feet, direction, limits, &mut working.street);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(working);
        Ok(all)
    }

    /// All stops that the query's place (its end, if it asks to arrive by a time) is away from by at most `limit`.
    pub fn everywhere(
        &self,
        query: &TransitQuery,
        limit: Duration,
        live: &Arc<Live>,
        traffic: &Snapshot,
    ) -> Result<Vec<Reached>, NoJourney> {
        self.with_everywhere(query, limit, (live, traffic), |_, found, _| found.stops)
    }

    /// What is reached by public transport and on foot within each of `limits`.
    pub fn transit_isochrones(
        &self,
        query: &TransitQuery,
        limits: &[Duration],
        live: &Arc<Live>,
        traffic: &Snapshot,
    ) -> Result<Vec<Isochrone>, NoJourney> {
        let longest = limits.iter().copied().max().unwrap_or_default();
        let direction = match query.when {
            When::DepartAt(_) => Direction::Away,
            When::ArriveBy(_) => Direction::Towards,
        };
        self.with_everywhere(query, longest, (live, traffic), |walking, found, scratch| {
            isochrones(&self.map, walking, &found.feet, direction, limits, scratch)
        })
    }

    fn with_everywhere<T>(
        &self,
        query: &TransitQuery,
        limit: Duration,
        (live, traffic): (&Arc<Live>, &Snapshot),
        tell: impl FnOnce(&Costs<'_>, Everywhere, &mut Scratch) -> T,
    ) -> Result<T, NoJourney> {
        let (When::DepartAt(at) | When::ArriveBy(at)) = query.when;
        let driving = self.driving(traffic.view(query.asked, at), query.parks());
        let wheels = self.wheels(query.on_foot, [query.speed_mps, query.cycling_mps], driving);
        let streets = self.streets_for(query.on_foot, &wheels);
        let mut working = self.working();
        let found = match &self.transit {
            Some(transit) => transit.everywhere(&streets, query, limit, live, &mut working.street),
            None => Ok(Everywhere::default()),
        };
        let told = found.map(|found| tell(&wheels.walking, found, &mut working.street));
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(working);
        told
    }

    /// The streets for one who gets about in that way, and by those wheels.
    pub(crate) fn streets_for<'a>(
        &'a self,
        on_foot: Profile,
        wheels: &'a Wheels<'_>,
    ) -> intermodal::Streets<'a> {
        intermodal::Streets { map: &self.map, index: &self.index, street: self.graph(on_foot), wheels }
    }

    /// The quickest journey from door to door in a vehicle that comes when one asks for it now; the query's profile is how one
    /// gets to it where it does not come to the door.
    pub fn on_demand(&self, query: &Query, now: Moment) -> Option<Itinerary> {
        let transit = self.transit.as_ref()?;
        let blank = Snapshot::empty();
        let driving = self.driving(blank.view(now, now), false);
        let wheels = self.wheels(query.profile, [query.speed_mps, None], driving);
        let streets = self.streets_for(query.profile, &wheels);
        let mut working = self.working();
        let journey = transit.brought(&streets, query, now, &mut working.street);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(working);
        journey
    }

    /// Streets and shared vehicles for the ways to stops and from them.
    pub(crate) fn wheels<'a>(
        &'a self,
        on_foot: Profile,
        [walking_mps, cycling_mps]: [Option<f64>; 2],
        driving: Driving<'a>,
    ) -> Wheels<'a> {
        Wheels {
            map: &self.map,
            index: &self.index,
            walking: Costs::without_traffic(self.graph(on_foot), walking_mps),
            cycling: Costs::without_traffic(&self.cycle, cycling_mps),
            driving,
            parks: &self.parks[usize::from(on_foot == Profile::Wheelchair)],
            lent: self.lent.load_full(),
        }
    }

    /// The map.
    pub fn map(&self) -> &Arc<Map> {
        &self.map
    }

    /// South-west and north-east corners of the streets; `None` if there are none.
    pub fn bounds(&self) -> Option<[LonLat; 2]> {
        self.map.bounds()
    }

    /// The streets that the profile may use.
    pub fn graph(&self, profile: Profile) -> &StreetGraph {
        match profile {
            Profile::Car | Profile::Taxi | Profile::Truck => &self.drive.street,
            Profile::Bicycle => &self.cycle,
            Profile::Walk => &self.walk,
            Profile::Wheelchair => &self.roll,
        }
    }

    /// The streets of motors, and ways on them that were worked out beforehand.
    pub fn roads(&self) -> &Arc<Roads> {
        &self.drive
    }

    /// Links that cars may use: those of which traffic tells.
    pub fn driven_links(&self) -> impl Iterator<Item = LinkIx> + '_ {
        self.drive.street.graph.arcs().iter().map(|arc| arc.link())
    }

    /// The way onto the streets that the profile may use, within so many metres of a place.
    pub fn access(&self, profile: Profile, place: LonLat, within_m: f64) -> Option<Access> {
        let open = |link: LinkIx| profile != Profile::Truck || self.haulage().is_open(link);
        self.index.access(&self.map, self.graph(profile), place, within_m, open)
    }

    /// The quickest journey of one leg, in one picture of the traffic.
    pub fn direct(&self, query: &Query, traffic: &Snapshot, now: Moment) -> Result<Itinerary, NoJourney> {
        match query.when {
            When::DepartAt(start) => self.departing(query, traffic, now, start),
            // Traffic counts by the departure, which is not known yet: ask, and ask again with the answer.
            When::ArriveBy(end) => {
                let guess = self.departing(query, traffic, now, end)?;
                let better = self.departing(query, traffic, now, end - guess.duration())?;
                let duration = better.duration();
                Ok(better.starting(end - duration))
            }
        }
    }

    /// The quickest journey of one leg for one who leaves then, and up to `most` others that are worth a look.
    pub fn alternatives(
        &self,
        query: &Query,
        most: usize,
        traffic: &Snapshot,
        now: Moment,
    ) -> Result<Vec<Itinerary>, NoJourney> {
        let mut all = vec![self.direct(query, traffic, now)?];
        let start = all[0].start;
        let costs = self.costs(query.profile, traffic.view(now, start), query.speed_mps);
        let within_m = query.street_within_m.min(STREET_WITHIN_M);
        let open = |link: LinkIx| !costs.closed(link);
        let access = |at: LonLat| self.index.access(&self.map, costs.graph(), at, within_m, open);
        let (Some(from), Some(to)) = (access(query.from.at), access(query.to.at)) else { return Ok(all) };
        let mut working = self.working();
        let (street, back) = (&mut working.street, &mut working.back);
        let paths = alternatives(&costs, [&from.feet(), &to.feet()], most, [street, back]);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(working);
        for path in paths.iter().skip(1) {
            let mut leg = Leg::along(&self.map, &costs, path, query.from.clone(), query.to.clone(), start);
            if let Means::Street(way) = &mut leg.means {
                way.profile = query.profile;
            }
            all.push(Itinerary { start, end: leg.end, legs: vec![leg] });
        }
        Ok(all)
    }

    /// The ways that somebody took who was measured there.
    pub fn matched(&self, profile: Profile, fixes: &[Fix], split: bool) -> Vec<Track> {
        let costs = Costs::without_traffic(self.graph(profile), None);
        let mut working = self.working();
        let tracks = matched((&self.map, &self.index), &costs, fixes, split, &mut working.street);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(working);
        tracks
    }

    /// A path along the streets without traffic, in words and lines.
    pub fn told(&self, profile: Profile, path: &Path, start: Moment) -> Leg {
        let costs = Costs::without_traffic(self.graph(profile), None);
        let place =
            |at: [f64; 2]| Place { name: String::new(), stop: None, at: costs.graph().plane.to_lonlat(at) };
        let ends = [path.arcs[0], path.arcs[path.arcs.len() - 1]].map(|arc| {
            let line = costs.graph().shape(&self.map, arc);
            [line[0], line[line.len() - 1]]
        });
        Leg::along(&self.map, &costs, path, place(ends[0][0]), place(ends[1][1]), start)
    }

    /// How long the quickest ways take from some places to others for one who leaves now; `None` where there is none. The same as
    /// [`Self::direct`] says, for each pair.
    pub fn table(
        &self,
        profile: Profile,
        [from, to]: [&[LonLat]; 2],
        traffic: &Snapshot,
        now: Moment,
    ) -> Vec<Vec<Option<Duration>>> {
        let view = traffic.view(now, now);
        let costs = self.costs(profile, view, None);
        let open = |link: LinkIx| !costs.closed(link);
        let access = |at: &LonLat| self.index.access(&self.map, costs.graph(), *at, STREET_WITHIN_M, open);
        let [from, to] = [from, to].map(|places| places.iter().map(access).collect::<Vec<_>>());
        let nearest = |access: &Option<Access>| access.as_ref().map(|access| access.nearest.clone());
        let [starts, ends] = [&from, &to].map(|all| all.iter().map(nearest).collect::<Vec<_>>());
        let ready = self.ready(profile, &costs, &view);
        let mut working = self.working();
        let mut rows: Vec<Vec<Option<u32>>> = match &ready {
            Some(ready) => {
                let half = |feet: &Option<Vec<OnArc>>, way: Direction| {
                    feet.as_ref().map(|feet| self.drive.half(ready, &costs, (feet, way)))
                };
                let out: Vec<_> = starts.iter().map(|feet| half(feet, Direction::Away)).collect();
                let into: Vec<_> = ends.iter().map(|feet| half(feet, Direction::Towards)).collect();
                let join =
                    |a: &Option<Climbed>, b: &Option<Climbed>| a.as_ref()?.joined_ms(b.as_ref()?, &costs);
                out.iter().map(|a| into.iter().map(|b| join(a, b)).collect()).collect()
            }
            None => {
                let mut row = |feet: &Option<Vec<OnArc>>| {
                    let feet = feet.as_deref().unwrap_or_default();
                    let feet: Vec<Foot> = feet.iter().map(|&on| Foot { on, ms: 0 }).collect();
                    let reached = reach(&costs, &feet, Direction::Away, u32::MAX / 4, &mut working.street);
                    ends.iter().map(|end| reached.ms(end.as_deref()?)).collect()
                };
                starts.iter().map(&mut row).collect()
            }
        };
        // The nearest street may be an island.
        for (row, from) in rows.iter_mut().zip(&from) {
            for (known, to) in row.iter_mut().zip(&to) {
                if let (None, Some(from), Some(to)) = (&known, from, to)
                    && !(from.main.is_empty() && to.main.is_empty())
                {
                    let (from, to) = (from.clone().feet(), to.clone().feet());
                    *known = quickest(&costs, &from, &to, &mut working.street).map(|path| path.cost_ms);
                }
            }
        }
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(working);
        let duration = |ms: u32| Duration::from_millis(u64::from(ms));
        rows.into_iter().map(|row| row.into_iter().map(|ms| ms.map(duration)).collect()).collect()
    }

    fn working(&self) -> Working {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    /// Driving in one view of the traffic. What it costs is worked out beforehand only for those who `park`: for usual traffic of
    /// another time that takes as long as many questions.
    pub(crate) fn driving<'a>(&'a self, view: View<'a>, park: bool) -> Driving<'a> {
        let costs = Costs::new(&self.drive.street, view, None);
        let ready = if park { self.ready(Profile::Car, &costs, &view) } else { None };
        Driving { roads: &self.drive, costs, ready }
    }

    /// What driving costs, where that was worked out beforehand: for departures soon, and for those on roads
    /// of which nothing counts that was said.
    fn ready<'a>(
        &'a self,
        profile: Profile,
        costs: &Costs<'a>,
        view: &View<'a>,
    ) -> Option<Cow<'a, Arc<Customised>>> {
        let of = match (view.is_usual(), view.usual()) {
            (false, _) => Of::Picture(view.number(), view.driving()?.seen),
            (true, Some((number, slot))) => Of::Usual(number, slot),
            (true, None) => Of::Empty,
        };
        match (profile, of) {
            (Profile::Bicycle | Profile::Walk | Profile::Wheelchair, _) => None,
            (Profile::Truck, _) => {
                self.haulage().slices.get(&self.drive, costs, view.seen(), of).map(Cow::Owned)
            }
            (Profile::Car | Profile::Taxi, Of::Empty) => Some(Cow::Borrowed(&self.drive.empty)),
            (Profile::Car | Profile::Taxi, Of::Picture(..)) => view.driving().map(Cow::Borrowed),
            (Profile::Car | Profile::Taxi, Of::Usual(..)) => {
                self.usual.get(&self.drive, costs, view.seen(), of).map(Cow::Owned)
            }
        }
    }

    fn departing(
        &self,
        query: &Query,
        traffic: &Snapshot,
        now: Moment,
        start: Moment,
    ) -> Result<Itinerary, NoJourney> {
        let view = traffic.view(now, start);
        let costs = self.costs(query.profile, view, query.speed_mps);
        let open = |link: LinkIx| !costs.closed(link);
        let access = |end: End, place: &Place| {
            let within_m = query.street_within_m.min(STREET_WITHIN_M);
            self.index.access(&self.map, costs.graph(), place.at, within_m, open).ok_or_else(|| {
                NoJourney::NoStreet { end, place: place.clone(), profile: query.profile, within_m }
            })
        };
        let (from, to) = (access(End::From, &query.from)?, access(End::To, &query.to)?);
        let mut working = self.working();
        let ready = self.ready(query.profile, &costs, &view);
        let mut quickest = |from: &[OnArc], to: &[OnArc]| match &ready {
            Some(ready) => self.drive.quickest(ready, &costs, [from, to]),
            None => quickest(&costs, from, to, &mut working.street),
        };
        let path = quickest(&from.nearest, &to.nearest).or_else(|| {
            // The nearest street may be an island: a yard behind a gate, a piece cut off at the map's edge.
            let main = |access: &Access| {
                if access.main.is_empty() { access.nearest.clone() } else { access.main.clone() }
            };
            let islands = !(from.main.is_empty() && to.main.is_empty());
            if islands { quickest(&main(&from), &main(&to)) } else { None }
        });
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(working);
        let path = path.ok_or_else(|| NoJourney::NoWay {
            profile: query.profile,
            from: query.from.name.clone(),
            to: query.to.name.clone(),
        })?;
        let mut leg = Leg::along(&self.map, &costs, &path, query.from.clone(), query.to.clone(), start);
        if let Means::Street(way) = &mut leg.means {
            way.profile = query.profile; // Taxis and lorries drive on the streets of cars.
        }
        let end = start + Duration::from_millis(u64::from(path.cost_ms));
        Ok(Itinerary { start, end, legs: vec![leg] })
    }

    /// Shared vehicles as they are known now.
    pub fn sharing(&self) -> Arc<Sharing> {
        self.lent.load().sharing.clone()
    }

    /// Another picture of the shared vehicles; whoever is under way in the one before ends in it.
    pub fn set_sharing(&self, sharing: Sharing) {
        let feet = |at: LonLat, street: &StreetGraph| {
            let access = self.index.access(&self.map, street, at, STOP_WITHIN_M, |_| true);
            access.map(Access::feet).unwrap_or_default()
        };
        let beside = |spot: &Spot| [&self.walk, &self.cycle].map(|street| feet(spot.at, street));
        let of = |system: &System| system.spots.iter().map(beside).collect::<Vec<_>>();
        let feet = sharing.systems.iter().map(of).collect();
        self.lent.store(Arc::new(Lent { sharing: Arc::new(sharing), feet }));
    }

    /// The quickest journey by one shared vehicle: on foot to it, along the streets for bicycles, and on foot from where it
    /// is left. `None` if there is none, or walking is as quick.
    pub fn hired(&self, query: &Query) -> Option<Itinerary> {
        let (When::DepartAt(at) | When::ArriveBy(at)) = query.when;
        let mut working = self.working();
        let sharing = self.sharing();
        let journeys =
            sharing.systems.iter().filter_map(|system| self.hire(system, query, at, &mut working.street));
        let best = journeys.min_by_key(Itinerary::duration);
        let on_foot = Query { profile: Profile::Walk, speed_mps: None, ..query.clone() };
        let best = best.filter(|best| {
            let near = query.from.at.distance_m(query.to.at) < WALKED_WITHIN_M;
            let walked = near.then(|| self.direct(&on_foot, &Snapshot::empty(), at).ok()).flatten();
            walked.is_none_or(|walked| best.duration() < walked.duration())
        });
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(working);
        match query.when {
            When::DepartAt(_) => best,
            When::ArriveBy(end) => best.map(|best| {
                let duration = best.duration();
                best.starting(end - duration)
            }),
        }
    }

    /// The quickest journey by one's own car to a car park that is open to all, and on foot from there; the query's profile is how
    /// one goes on. `None` if no car park is near, or no way leads to it.
    pub fn parked(&self, query: &Query, traffic: &Snapshot, now: Moment) -> Option<Itinerary> {
        match query.when {
            When::DepartAt(start) => self.parked_from(query, traffic, now, start),
            // As in `direct`: the traffic counts by the departure, which is not known yet.
            When::ArriveBy(end) => {
                let guess = self.parked_from(query, traffic, now, end)?;
                let better = self.parked_from(query, traffic, now, end - guess.duration())?;
                let duration = better.duration();
                Some(better.starting(end - duration))
            }
        }
    }

    fn parked_from(
        &self,
        query: &Query,
        traffic: &Snapshot,
        now: Moment,
        start: Moment,
    ) -> Option<Itinerary> {
        let within_m = query.street_within_m.min(STREET_WITHIN_M);
        let street = self.graph(query.profile);
        let driving = Costs::new(&self.drive.street, traffic.view(now, start), None);
        let walking = Costs::without_traffic(street, query.speed_mps);
        let open = |link: LinkIx| !driving.closed(link);
        let here = self.index.access(&self.map, &self.drive.street, query.from.at, within_m, open)?.feet();
        let goal = self.access(query.profile, query.to.at, within_m)?.feet();
        let parks = CarParks::near(&self.map, query.to.at);
        let parks = CarParks::new(&self.map, &self.index, [street, &self.drive.street], parks);
        let mut working = self.working();
        let scratch = &mut working.street;
        let (mut ends, mut walks) = (Vec::new(), Vec::new());
        for park in &parks.all {
            let [walked, driven] = &park.feet;
            let Some(walk) = quickest(&walking, walked, &goal, scratch) else { continue };
            let ms = PARKING_MS + walk.cost_ms;
            ends.extend(driven.iter().map(|&on| (Foot { on, ms }, walks.len())));
            walks.push((walk, &park.place));
        }
        let from: Vec<Foot> = here.into_iter().map(|on| Foot { on, ms: 0 }).collect();
        let to: Vec<Foot> = ends.iter().map(|(foot, _)| *foot).collect();
        let found = quickest_of(&driving, &from, &to, scratch);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(working);
        let (path, [_, end]) = found?;
        let (walk, place) = &walks[ends[end].1];
        let driven = Path { cost_ms: path.cost_ms - to[end].ms, ..path };
        let place = (*place).clone();
        let drive = Leg::along(&self.map, &driving, &driven, query.from.clone(), place.clone(), start);
        let walked_from = drive.end + Duration::from_millis(u64::from(PARKING_MS));
        let walk = Leg::along(&self.map, &walking, walk, place, query.to.clone(), walked_from);
        Some(Itinerary { start, end: walk.end, legs: vec![drive, walk] })
    }

    /// The English form of a name that the timetable or the map has in the language of the place.
    pub fn english(&self, local: &str) -> Option<&str> {
        let of_park = || {
            let (cars, bicycles) = (self.map.car_parks.iter(), self.map.bicycle_parks.iter());
            let mut names = cars.map(|park| &park.name).chain(bicycles.map(|park| &park.name));
            names.find(|name| name.local == local)?.en.as_deref()
        };
        self.transit().and_then(|transit| transit.timetable().english(local)).or_else(of_park)
    }

    fn hire(&self, system: &System, query: &Query, at: Moment, scratch: &mut Scratch) -> Option<Itinerary> {
        let within_m = query.street_within_m.min(STREET_WITHIN_M);
        let walking = Costs::without_traffic(&self.walk, None);
        let cycling = Costs::without_traffic(&self.cycle, query.speed_mps);
        let feet = |profile: Profile, at: LonLat| self.access(profile, at, within_m).map(Access::feet);
        let [first, last] = [query.from.at, query.to.at].map(|at| feet(Profile::Walk, at));
        let (first, last) = (first?, last?);
        let [taken, left] = system.ends(query);
        // On foot to each vehicle and from each station; then one search for the ride that makes the whole quickest.
        let (mut starts, mut ends, mut walks) = (Vec::new(), Vec::new(), [Vec::new(), Vec::new()]);
        for (side, spots) in [taken, left].into_iter().enumerate() {
            for spot in spots {
                let (Some(on_foot), Some(on_wheels)) =
                    (feet(Profile::Walk, spot.at), feet(Profile::Bicycle, spot.at))
                else {
                    continue;
                };
                let (from, to) = if side == 0 { (&first, &on_foot) } else { (&on_foot, &last) };
                let Some(walk) = quickest(&walking, from, to, scratch) else { continue };
                let (all, handling) =
                    if side == 0 { (&mut starts, Handling::Take) } else { (&mut ends, Handling::Leave) };
                let ms = walk.cost_ms + handling.ms();
                all.extend(on_wheels.into_iter().map(|on| (Foot { on, ms }, walks[side].len())));
                walks[side].push((Some(walk), Some(spot)));
            }
        }
        if system.left_anywhere {
            let ms = Handling::Leave.ms();
            let there = feet(Profile::Bicycle, query.to.at)?;
            ends.extend(there.into_iter().map(|on| (Foot { on, ms }, walks[1].len())));
            walks[1].push((None, None));
        }
        let [from, to] = [&starts, &ends].map(|all| all.iter().map(|(foot, _)| *foot).collect::<Vec<_>>());
        let (path, [i, k]) = quickest_of(&cycling, &from, &to, scratch)?;
        let ((walk, taken), (home, left)) = (&walks[0][starts[i].1], &walks[1][ends[k].1]);
        let taken = (*taken)?;
        let here = taken.place();
        let there = left.map_or_else(|| query.to.clone(), Spot::place);
        let mut legs = Vec::new();
        let mut now = at;
        if let Some(walk) = walk {
            legs.push(Leg::along(&self.map, &walking, walk, query.from.clone(), here.clone(), now));
            now = now + Duration::from_millis(u64::from(walk.cost_ms));
        }
        now = now + Handling::Take.takes();
        let ridden = Path { cost_ms: path.cost_ms - from[i].ms - to[k].ms, ..path };
        let mut ride = Leg::along(&self.map, &cycling, &ridden, here, there.clone(), now);
        if let Means::Street(way) = &mut ride.means {
            way.hire = Some(Box::new(system.hire(taken, *left)));
        }
        now = ride.end + Handling::Leave.takes();
        legs.push(ride);
        if let Some(home) = home {
            let leg = Leg::along(&self.map, &walking, home, there, query.to.clone(), now);
            now = leg.end;
            legs.push(leg);
        }
        Some(Itinerary { start: at, end: now, legs })
    }
}

/// Within this distance it is looked whether walking all the way is quicker, m.
const WALKED_WITHIN_M: f64 = 2500.0;
