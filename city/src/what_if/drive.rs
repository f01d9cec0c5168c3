//! One street, driven ahead: the real cores of agents and centre over a simulated street that was filled from a
//! picture.

use crate::evaluate::lockstep::{Cores, Lockstep, Path};
use controller::{
    coordinator::{Coordinator, Order, Settings},
    decide::{Kind, Tuning},
};
use model::{
    city::City,
    ids::{JunctionIx, StageNumber},
    time::Moment,
};
use simulator::{
    snapshot::{Filled, Snapshot},
    street::Street,
    world::{Place, TripInfo},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use wire::{register_map::RegisterMap, what_if::Measure};

/// Lease of a command, s.
const LEASE_S: u32 = 10;
/// Seconds between two looks for the longest queue.
const LOOK_S: u32 = 5;

/// How the junctions of a street are controlled.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    /// The city, with the plans that are to run.
    pub(super) city: Arc<City>,
    pub(super) kinds: BTreeMap<JunctionIx, Kind>,
    /// Operators' orders in force.
    pub(super) orders: Vec<Order>,
    /// What runs at the beginning, and since when.
    pub(super) stages: Vec<Option<(StageNumber, Moment)>>,
    pub(super) utc_offset_s: i32,
    pub(super) tuning: Tuning,
}

/// What came of one street with one seed.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Came {
    /// In the order of [`Measure::ALL`].
    pub(super) measures: [f64; Measure::ALL.len()],
    /// Seconds lost before each watched junction, per vehicle that was there.
    pub(super) delays_s: Vec<f64>,
    pub(super) known: u32,
    pub(super) assumed: u32,
    pub(super) to_come: u32,
}

/// Drives a street for `horizon_s`. `each_second` says whether to go on; `None` if it said no.
pub(super) fn drive(
    scene: &Scene,
    snapshot: &Snapshot,
    seed: u64,
    horizon_s: u32,
    watched: &[JunctionIx],
    each_second: impl Fn() -> bool,
) -> anyhow::Result<Option<Came>> {
    let city = &scene.city;
    let Filled { world, known, assumed, to_come } = snapshot.fill(city, seed, horizon_s);
    let map = Arc::new(RegisterMap::svetofor());
    // The picture's clock is the city's own.
    let mut street = Street::running(city.clone(), world, map.clone(), Moment(0), &scene.stages);
    let settings = Settings {
        kind: Kind::Fixed,
        kinds: scene.kinds.clone(),
        lease_s: LEASE_S,
        epoch: 1,
        utc_offset_s: scene.utc_offset_s,
        holidays: Default::default(),
        tuning: scene.tuning,
    };
    let begin = street.now();
    let cores = Cores::new(city, map, begin);
    let mut lockstep = Lockstep::new(Coordinator::new(city.clone(), settings), Path::Core(cores));
    for order in &scene.orders {
        lockstep.order(begin, order.clone());
    }
    // The core path never waits; the field path's signature does.
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let mut books = Books::new(city, watched);
    for second in 0..horizon_s {
        if !each_second() {
            return Ok(None);
        }
        street.step();
        runtime.block_on(lockstep.second(street.now(), street.devices()))?;
        street.tick();
        books.step(&mut street, second);
    }
    let vehicles = known + assumed + to_come;
    Ok(Some(Came {
        measures: books.measures(&street, vehicles),
        delays_s: books.delays_s(&street),
        known,
        assumed,
        to_come,
    }))
}

/// What is counted on the way.
struct Books {
    arrived: u64,
    delay_s: f64,
    travel_s: f64,
    stops: u64,
    longest_queue: u32,
    watched: Vec<Watched>,
    /// By link: the watched junction that it leads to.
    leads_to: Vec<Option<usize>>,
}

/// A junction whose own delay is asked for.
struct Watched {
    links: BTreeSet<model::ids::LinkIx>,
    lost_s: f64,
}

impl Books {
    fn new(city: &City, watched: &[JunctionIx]) -> Books {
        let network = &city.network;
        let mut leads_to = vec![None; network.links.len()];
        let mut all: Vec<Watched> =
            watched.iter().map(|_| Watched { links: BTreeSet::new(), lost_s: 0.0 }).collect();
        for movement in &network.movements {
            let Some(head) = movement.head else { continue };
            let Some(place) = watched.iter().position(|w| *w == head.junction) else { continue };
            let link = network.lane(movement.from).link;
            all[place].links.insert(link);
            leads_to[link.ix()] = Some(place);
        }
        Books { arrived: 0, delay_s: 0.0, travel_s: 0.0, stops: 0, longest_queue: 0, watched: all, leads_to }
    }

    fn step(&mut self, street: &mut Street, second: u32) {
        for trip in street.world_mut().take_finished() {
            self.arrived += 1;
            self.add(&trip);
        }
        let world = street.world();
        if !self.watched.is_empty() {
            for vehicle in world.seen().filter(|v| matches!(v.place, Place::Lane(_)) && !v.at_stop) {
                if let Some(place) = self.leads_to[vehicle.link.ix()] {
                    self.watched[place].lost_s += 1.0 - (vehicle.speed_mps / vehicle.wish_mps).min(1.0);
                }
            }
        }
        if second.is_multiple_of(LOOK_S) {
            let links = (0..self.leads_to.len()).map(model::ids::LinkIx::from);
            let longest = links.map(|l| world.link(l).queued).max().unwrap_or(0);
            self.longest_queue = self.longest_queue.max(longest);
        }
    }

    fn add(&mut self, trip: &TripInfo) {
        self.delay_s += trip.time_loss_s + trip.depart_delay_s;
        self.travel_s += trip.duration_s + trip.depart_delay_s;
        self.stops += u64::from(trip.waiting_count);
    }

    fn measures(&mut self, street: &Street, vehicles: u32) -> [f64; Measure::ALL.len()] {
        let world = street.world();
        for trip in world.unfinished() {
            self.add(&trip);
        }
        let outside: f64 = world.never_departed_waits_s().iter().sum();
        let each = |sum: f64| sum / f64::from(vehicles.max(1));
        Measure::ALL.map(|measure| match measure {
            Measure::DelayS => each(self.delay_s + outside),
            Measure::TravelTimeS => each(self.travel_s + outside),
            Measure::Stops => each(self.stops as f64),
            Measure::Arrived => self.arrived as f64,
            Measure::LongestQueue => f64::from(self.longest_queue),
            Measure::LeftAtEnd => world.on_road() as f64,
            Measure::WaitingAtEdges => world.waiting_to_enter() as f64,
        })
    }

    fn delays_s(&self, street: &Street) -> Vec<f64> {
        let each = |w: &Watched| {
            let links = w.links.iter().map(|l| street.world().link(*l));
            let were: u64 = links.map(|l| l.left + u64::from(l.vehicles)).sum();
            w.lost_s / were.max(1) as f64
        };
        self.watched.iter().map(each).collect()
    }
}
