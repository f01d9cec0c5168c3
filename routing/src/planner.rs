//! Question in, journey out: the pure core. Time and traffic are handed in.

use crate::{
    fare::Fares,
    geocode::Names,
    graph::StreetGraph,
    intermodal::{Prepared, Streets, Transit, TransitQuery},
    itinerary::{Itinerary, Leg, Means, Place},
    nearest::{Access, StreetIndex},
    profile::Profile,
    snapshot::Snapshot,
    street::{Costs, Scratch, quickest},
    transit::live::Live,
};
use model::{city::City, geo::LonLat, ids::LinkIx, time::Moment};
use std::{
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
    city: Arc<City>,
    index: StreetIndex,
    drive: StreetGraph,
    cycle: StreetGraph,
    walk: StreetGraph,
    roll: StreetGraph,
    bounds: Option<[LonLat; 2]>,
    /// Public transport, where timetables were given.
    transit: Option<Transit>,
    /// What journeys cost, if that is known.
    fares: Option<Fares>,
    /// Stops and streets by name, from the first time that anybody asks.
    names: OnceLock<Names>,
    /// Working memory between questions; as many as were ever asked at once.
    idle: Mutex<Vec<Scratch>>,
}

impl Planner {
    /// Prepares a city that has no [`City::faults`].
    pub fn new(city: Arc<City>) -> Planner {
        Planner {
            index: StreetIndex::build(&city),
            drive: StreetGraph::build(&city, Profile::Car),
            cycle: StreetGraph::build(&city, Profile::Bicycle),
            walk: StreetGraph::build(&city, Profile::Walk),
            roll: StreetGraph::build(&city, Profile::Wheelchair),
            bounds: city.network.bounds(),
            transit: None,
            fares: None,
            names: OnceLock::new(),
            idle: Mutex::default(),
            city,
        }
    }

    /// The same with public transport.
    pub fn with_timetable(mut self, prepared: Prepared) -> Planner {
        self.transit = Some(Transit::new(&self.city, &self.index, [&self.walk, &self.roll], prepared));
        self
    }

    /// The same with what journeys cost.
    pub fn with_fares(mut self, fares: Fares) -> Planner {
        self.fares = Some(fares);
        self
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
        self.names.get_or_init(|| Names::new(&self.city, self.transit().map(Transit::timetable)))
    }

    /// Streets by place.
    pub(crate) fn index(&self) -> &StreetIndex {
        &self.index
    }

    /// Journeys by public transport, with the ways on foot to it, from it and between vehicles; empty if there are
    /// no timetables.
    pub fn by_transit(&self, query: &TransitQuery) -> Result<Vec<Itinerary>, NoJourney> {
        let live = self.transit.as_ref().map(Transit::live).unwrap_or_default();
        self.by_transit_as(query, &live)
    }

    /// The same as one picture of the trips shows it.
    pub fn by_transit_as(&self, query: &TransitQuery, live: &Arc<Live>) -> Result<Vec<Itinerary>, NoJourney> {
        let Some(transit) = &self.transit else { return Ok(Vec::new()) };
        let street = self.graph(query.on_foot);
        let mut scratch = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        let journeys = transit.journeys(
            &Streets { city: &self.city, index: &self.index, street },
            query,
            live,
            &mut scratch,
        );
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
        journeys
    }

    /// The city.
    pub fn city(&self) -> &Arc<City> {
        &self.city
    }

    /// South-west and north-east corners of the streets; `None` if there are none.
    pub fn bounds(&self) -> Option<[LonLat; 2]> {
        self.bounds
    }

    /// The streets that the profile may use.
    pub fn graph(&self, profile: Profile) -> &StreetGraph {
        match profile {
            Profile::Car | Profile::Taxi => &self.drive,
            Profile::Bicycle => &self.cycle,
            Profile::Walk => &self.walk,
            Profile::Wheelchair => &self.roll,
        }
    }

    /// Links that cars may use: those of which traffic tells.
    pub fn driven_links(&self) -> impl Iterator<Item = LinkIx> + '_ {
        self.drive.graph.node_weights().map(|arc| arc.link)
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

    fn departing(
        &self,
        query: &Query,
        traffic: &Snapshot,
        now: Moment,
        start: Moment,
    ) -> Result<Itinerary, NoJourney> {
        let street = self.graph(query.profile);
        let view = traffic.view(now, start);
        let costs = Costs::new(street, view, query.speed_mps);
        let open = |link: LinkIx| !query.profile.is_motor() || !view.closed(link);
        let access = |end: End, place: &Place| {
            let within_m = query.street_within_m.min(STREET_WITHIN_M);
            self.index.access(&self.city, street, place.at, within_m, open).ok_or_else(|| {
                NoJourney::NoStreet { end, place: place.clone(), profile: query.profile, within_m }
            })
        };
        let (from, to) = (access(End::From, &query.from)?, access(End::To, &query.to)?);
        let mut scratch = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        let path = quickest(&costs, &from.nearest, &to.nearest, &mut scratch).or_else(|| {
            // The nearest street may be an island: a yard behind a gate, a piece cut off at the map's edge.
            let main = |access: &Access| {
                if access.main.is_empty() { access.nearest.clone() } else { access.main.clone() }
            };
            let islands = !(from.main.is_empty() && to.main.is_empty());
            if islands { quickest(&costs, &main(&from), &main(&to), &mut scratch) } else { None }
        });
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
        let path = path.ok_or_else(|| NoJourney::NoWay {
            profile: query.profile,
            from: query.from.name.clone(),
            to: query.to.name.clone(),
        })?;
        let mut leg = Leg::along(&self.city, &costs, &path, query.from.clone(), query.to.clone(), start);
        if let Means::Street(way) = &mut leg.means {
            way.profile = query.profile; // A taxi drives on the streets of cars.
        }
        let end = start + Duration::from_millis(u64::from(path.cost_ms));
        Ok(Itinerary { start, end, legs: vec![leg] })
    }
}
