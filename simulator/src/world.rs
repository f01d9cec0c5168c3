//! The traffic: a microscopic simulation of every vehicle, in fixed steps.
//!
//! Pure and deterministic: the same city, demand, seed and lamps give the same state to the bit. A step reads
//! the state at its start, moves people on foot (`people`), lets every driver choose a speed (`plan`, `right_of_way`,
//! `follow`), moves everybody (`advance`), lets some change lanes (`change`) and new ones in (`insertion`), in SUMO's order.
//!
//! Sources: S. Krauß, *Microscopic modeling of traffic flow*, 1998 (following); P. Alvarez Lopez et al.,
//! *Microscopic traffic simulation using SUMO*, 2018, and its `MSCFModel_Krauss`, `MSLink`, `MSLCM_LC2013`
//! (junctions, lane changes, insertion, what a trip report means).

mod advance;
mod change;
pub(crate) mod follow;
mod insertion;
mod measure;
mod people;
mod placing;
mod plan;
mod right_of_way;
mod rights;
pub(crate) mod road;
mod route;
mod rows;
mod team;
#[cfg(test)]
mod tests;
mod view;

pub use insertion::TripFault;
pub use measure::{LinkMeasure, Totals, TripInfo};
pub use model::demand::DepartLane;
pub use people::WalkInfo;
pub(crate) use placing::Spot;
pub(crate) use route::{LanePlan, LaneSums};
pub(crate) use rows::Rows;
pub use view::{Place, Seen};

use crate::{
    detectors::{DetectorState, Detectors},
    vehicles::{Body, TransitVehicle, UNKNOWN, Vehicles},
};
use advance::Passed;
use change::Wishes;
use follow::Driver;
use insertion::Gate;
use measure::Links;
use model::{
    city::City,
    demand::{Demand, Trip, VehicleType},
    detection::Sighting,
    geo::{self, LonLat},
    ids::{JunctionIx, LinkIx, MovementIx, StageNumber},
    network::Modes,
    signal::Lamp,
};
use people::People;
use plan::Chosen;
use right_of_way::{Approaches, Scene};
use rights::Rights;
use road::Road;
use team::Team;

/// Ways that one thread takes at a time: so many, however many threads there are, that the results are the same.
const WAYS_PER_TASK: usize = 512;
/// With fewer vehicles a step is over before another thread has begun.
const PARALLEL_FROM: usize = 2000;
/// How many junctions a wave of sudden braking may run back through within one step.
const BRAKE_WAVES: usize = 8;

/// What the street sees of all junctions for one step.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lamps<'a> {
    /// Per junction, per group in group order: what it shows. A junction or group that is missing has no lamps.
    pub groups: &'a [Vec<Lamp>],
    /// Per junction: the stage that runs, for which of its greens give way. `None` while nobody knows.
    pub stages: &'a [Option<StageNumber>],
}

/// Choices that hold for a whole run.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Options {
    /// Length of a step, ms: 1000 or 500.
    pub step_ms: u32,
    /// Time of the first step on the scenario's own clock, ms.
    pub begin_ms: i64,
    /// Which lane a vehicle enters on whose trip says nothing of it.
    pub depart_lane: DepartLane,
    /// Presses per hour on each push-button.
    pub pedestrians_per_hour: f64,
}

impl Default for Options {
    fn default() -> Self {
        Options { step_ms: 1000, begin_ms: 0, depart_lane: DepartLane::BestProb, pedestrians_per_hour: 60.0 }
    }
}

impl Options {
    /// Length of a step, s.
    fn dt(&self) -> f64 {
        f64::from(self.step_ms) / 1000.0
    }
}

/// All traffic of a city.
#[derive(Clone, Debug)]
pub struct World {
    options: Options,
    seed: u64,
    now_ms: i64,
    steps: u64,
    road: Road,
    shapes: Vec<Vec<LonLat>>,
    turn_shapes: Vec<Vec<LonLat>>,
    types: Vec<VehicleType>,
    drivers: Vec<Driver>,
    rights: Rights,
    vehicles: Vehicles,
    /// Vehicles per way, ascending by position: the last one first.
    rows: Rows,
    busy: Vec<u16>,
    approaches: Approaches,
    spare_approaches: Approaches,
    /// With so many vehicles several threads drive.
    parallel_from: usize,
    team: Team,
    /// By task: what its drivers chose.
    chosen: Vec<Chosen>,
    /// By task: what its drivers make of the lanes beside them.
    wishes: Vec<Wishes>,
    /// By task: what its ways saw go by.
    passed: Vec<Passed>,
    /// Vehicles whose choice depends on somebody beyond their way: (vehicle, ahead, metres to its rear).
    ahead: Vec<(u32, u32, f64)>,
    /// Vehicles that came to another lane in this step, and the lane.
    arrived: Vec<(u32, u32)>,
    /// Vehicles that change ways in this step: (way, position there, vehicle).
    landings: Vec<(u32, f64, u32)>,
    /// Routes of everybody on the road or waiting to get there.
    routes: Vec<u32>,
    routes_in_use: usize,
    gate: Gate,
    search: route::Search,
    lane_scratch: route::LaneScratch,
    links: Links,
    totals: Totals,
    finished: Vec<TripInfo>,
    /// Vehicles that stand beside the road, in no row, in the order in which they came.
    parked: Vec<u32>,
    people: People,
    detectors: Detectors,
}

impl World {
    /// An empty street. The city must be free of [`City::faults`]; the types are those that trips name by index.
    pub fn new(city: &City, types: Vec<VehicleType>, seed: u64) -> World {
        World::with_options(city, types, seed, Options::default())
    }

    /// The same, with other choices.
    pub fn with_options(city: &City, types: Vec<VehicleType>, seed: u64, options: Options) -> World {
        let network = &city.network;
        let road = Road::new(network, &city.junctions);
        World {
            options,
            seed,
            now_ms: options.begin_ms,
            steps: 0,
            shapes: network.links.iter().map(|l| l.shape.clone()).collect(),
            turn_shapes: network.movements.iter().map(|m| m.shape.clone()).collect(),
            drivers: types.iter().map(|kind| Driver::of(kind, options.dt())).collect(),
            types,
            rights: Rights::new(&road, &city.junctions),
            vehicles: Vehicles::new(road.most_lanes),
            rows: Rows::new(road.length.len()),
            busy: vec![0; network.movements.len()],
            approaches: Approaches::new(network.movements.len()),
            spare_approaches: Approaches::new(network.movements.len()),
            parallel_from: PARALLEL_FROM,
            team: Team::default(),
            chosen: vec![Chosen::default(); road.length.len().div_ceil(WAYS_PER_TASK)],
            wishes: Vec::new(),
            passed: vec![Passed::default(); road.length.len().div_ceil(WAYS_PER_TASK)],
            ahead: Vec::new(),
            arrived: Vec::new(),
            landings: Vec::new(),
            routes: Vec::new(),
            routes_in_use: 0,
            gate: Gate::default(),
            search: route::Search::default(),
            lane_scratch: route::LaneScratch::default(),
            links: Links::new(&road, options.begin_ms),
            totals: Totals::default(),
            finished: Vec::new(),
            parked: Vec::new(),
            people: People::new(network.crossings.len()),
            detectors: Detectors::new(city, seed, options.pedestrians_per_hour),
            road,
        }
    }

    /// Plans a trip. It enters the road in the first step that is not before its departure and finds room;
    /// an unrouted one is given the quickest way by the link times of that moment. Trips may come in any order.
    pub fn insert(&mut self, trip: Trip) -> Result<(), TripFault> {
        self.plan_trip(trip)
    }

    /// Plans all trips of a demand whose types are the world's. Faulty trips are left out and listed.
    pub fn insert_all(&mut self, demand: &Demand) -> Vec<(String, TripFault)> {
        let mut faults = Vec::new();
        for trip in &demand.trips {
            if let Err(fault) = self.plan_trip(trip.clone()) {
                faults.push((trip.id.clone(), fault));
            }
        }
        for walk in &demand.walks {
            if let Err(fault) = self.insert_walk(walk.clone()) {
                faults.push((walk.id.clone(), fault));
            }
        }
        faults
    }

    /// Drives one step under the given lamps.
    pub fn step(&mut self, lamps: &Lamps<'_>) {
        self.people.finished.clear();
        self.rights.look(&self.road, lamps);
        if !self.people.is_empty() {
            self.walk(lamps);
        }
        self.choose_speeds(lamps);
        self.advance();
        self.detectors.update(&crate::detectors::Street {
            road: &self.road,
            drivers: &self.drivers,
            vehicles: &self.vehicles,
            rows: &self.rows,
            lamps,
            dt: self.dt(),
            step: self.steps,
        });
        self.change_lanes();
        self.let_back();
        self.let_in();
        self.steps += 1;
        self.now_ms += i64::from(self.options.step_ms);
    }

    /// Time at the start of the next step, ms on the scenario's clock.
    pub fn now_ms(&self) -> i64 {
        self.now_ms
    }
    /// Length of a step, s.
    pub fn dt(&self) -> f64 {
        self.options.dt()
    }
    /// Vehicles on the road.
    pub fn on_road(&self) -> usize {
        self.vehicles.count
    }
    /// Trips that are due and have found no room to enter yet.
    pub fn waiting_to_enter(&self) -> usize {
        self.gate.waiting()
    }
    /// Trips whose departure has not come.
    pub fn still_to_come(&self) -> usize {
        self.gate.to_come()
    }
    /// Trips planned since the start.
    pub fn planned(&self) -> u64 {
        self.gate.planned()
    }
    /// How long each trip that is due has waited to enter so far, s, by link.
    pub fn never_departed_waits_s(&self) -> Vec<f64> {
        self.gate.waits_s(self.now_ms)
    }
    /// Time driven so far, s.
    pub fn simulated_s(&self) -> f64 {
        (self.now_ms - self.options.begin_ms) as f64 / 1000.0
    }
    /// Vehicle types, as trips name them.
    pub fn types(&self) -> &[VehicleType] {
        &self.types
    }
    /// Vehicles on the road slower than 0.1 m/s.
    pub fn halting(&self) -> usize {
        self.vehicles.rows().filter(|i| self.vehicles.motion[*i].v < right_of_way::STANDING).count()
    }
    /// Mean speed of all vehicles on the road, m/s; `None` without any.
    pub fn mean_speed_mps(&self) -> Option<f64> {
        let sum: f64 = self.vehicles.rows().map(|i| self.vehicles.motion[i].v).sum();
        (self.vehicles.count > 0).then(|| sum / self.vehicles.count as f64)
    }
    /// Counts since the start.
    pub fn totals(&self) -> Totals {
        self.totals
    }
    /// The channels of a junction, in the order of its `detectors`.
    pub fn detectors(&self, junction: JunctionIx) -> &[DetectorState] {
        self.detectors.of(junction)
    }
    /// The vehicles that a junction's area channels follow, each with its channel's place: by channel, the
    /// nearest first.
    pub fn sightings(&self, junction: JunctionIx) -> &[(u16, Sighting)] {
        self.detectors.sightings(junction)
    }
    /// What a link measured over the last minute.
    pub fn link(&self, link: LinkIx) -> LinkMeasure {
        self.measure_link(link)
    }
    /// Trip reports since the last call, in order of arrival.
    pub fn take_finished(&mut self) -> Vec<TripInfo> {
        std::mem::take(&mut self.finished)
    }
    /// Reports of those still driving, as SUMO's `write-unfinished` gives them, in row order.
    pub fn unfinished(&self) -> Vec<TripInfo> {
        self.vehicles.rows().map(|i| self.report(i, None)).collect()
    }
    /// Whether vehicles overlap now, and where: lane or movement, and metres. For tests; `None` is good.
    pub fn overlap(&self) -> Option<(String, f64)> {
        self.rows.iter().enumerate().find_map(|(way, row)| {
            row.windows(2).find_map(|w| {
                let (back, front) = (w[0] as usize, w[1] as usize);
                let length = self.driver(front).length;
                let gap = self.vehicles.motion[front].x - length - self.vehicles.motion[back].x;
                let what = if way < self.road.lanes { "lane" } else { "movement" };
                (gap < -1e-6).then(|| (format!("{what} {}", way % self.road.lanes.max(1)), -gap))
            })
        })
    }

    /// How many vehicle fronts crossed the start of a movement in the last step: for volumes.
    pub fn entered(&self, movement: MovementIx) -> usize {
        let way = self.road.way(movement.0);
        let fresh = |i: &&u32| {
            let motion = &self.vehicles.motion[**i as usize];
            motion.x < motion.v * self.dt()
        };
        self.rows[way].iter().filter(fresh).count()
    }

    /// Buses and trams, for the map, in row order.
    pub fn transit_vehicles(&self) -> Vec<TransitVehicle> {
        let transit = |i: &usize| {
            let mode = self.driver(*i).mode;
            Modes(mode).any(Modes::BUS.with(Modes::TRAM))
        };
        self.vehicles.rows().filter(transit).map(|i| self.on_map(i)).collect()
    }

    /// Everybody on the road as seen from above, in row order.
    pub fn bodies(&self) -> Vec<Body> {
        let body = |i| {
            let (at, heading_deg) = self.front(i);
            Body { at, heading_deg, length_m: self.driver(i).length }
        };
        self.vehicles.rows().map(body).collect()
    }

    /// A number that changes when anything in the state does (FNV-1a over the bits of every column).
    pub fn fingerprint(&self) -> u64 {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut take = |bits: u64| hash = (hash ^ bits).wrapping_mul(0x0100_0000_01b3);
        take(self.now_ms as u64);
        for i in self.vehicles.rows() {
            for bits in [
                i as u64,
                u64::from(self.vehicles.motion[i].way),
                self.vehicles.motion[i].x.to_bits(),
                self.vehicles.motion[i].v.to_bits(),
                self.vehicles.mind[i].time_loss.to_bits(),
                u64::from(self.vehicles.mind[i].leg),
                u64::from(self.vehicles.motion[i].waiting.to_bits()),
            ] {
                take(bits);
            }
        }
        for row in self.rows.iter() {
            take(row.len() as u64);
            row.iter().for_each(|i| take(u64::from(*i)));
        }
        take(self.totals.arrived);
        self.people.columns().for_each(take);
        hash
    }

    /// Whether several threads drive. Handing all to a single other one would only cool the caches.
    fn in_parallel(&self) -> bool {
        self.vehicles.count >= self.parallel_from && rayon::current_num_threads() > 1
    }

    /// What drivers and people on foot see.
    fn scene<'a>(&'a self, lamps: &Lamps<'a>) -> Scene<'a> {
        Scene {
            road: &self.road,
            drivers: &self.drivers,
            vehicles: &self.vehicles,
            rows: &self.rows,
            busy: &self.busy,
            approaches: &self.approaches,
            lamps: *lamps,
            shown: self.rights.of(),
            people: &self.people,
            dt: self.dt(),
        }
    }

    /// What its type says of a vehicle.
    fn driver(&self, i: usize) -> &Driver {
        &self.drivers[usize::from(self.vehicles.motion[i].kind)]
    }

    fn choose_speeds(&mut self, lamps: &Lamps<'_>) {
        let dt = self.dt();
        let mut v_next = std::mem::take(&mut self.vehicles.v_next);
        let mut next = std::mem::take(&mut self.spare_approaches);
        let mut chosen = std::mem::take(&mut self.chosen);
        let mut ahead = std::mem::take(&mut self.ahead);
        ahead.clear();
        next.clear();
        let scene = self.scene(lamps);
        let (seed, step) = (self.seed, self.steps);
        self.team.each(self.in_parallel(), &mut chosen, |task, chosen| {
            let from = task * WAYS_PER_TASK;
            scene.choose_rows(from..(from + WAYS_PER_TASK).min(scene.rows.len()), seed, step, chosen);
        });
        for chosen in &chosen {
            for &(i, speed) in &chosen.speeds {
                v_next[i as usize] = speed;
            }
            next.extend(&chosen.approaches);
            ahead.extend_from_slice(&chosen.ahead);
        }
        // Those whose leader is beyond their way learn only now how hard it brakes, and tell those behind.
        for _ in 0..BRAKE_WAVES {
            let mut changed = false;
            for &(i, j, metres) in &ahead {
                let most = (metres / dt + v_next[j as usize]).max(0.0);
                if v_next[i as usize] > most {
                    v_next[i as usize] = most;
                    changed = true;
                    self.brake_behind(i as usize, &mut v_next, dt);
                }
            }
            if !changed {
                break;
            }
        }
        self.keep_apart_where_ways_join(chosen.iter().flat_map(|c| &c.over), &mut v_next, dt);
        self.chosen = chosen;
        self.vehicles.v_next = v_next;
        self.ahead = ahead;
        self.spare_approaches = std::mem::replace(&mut self.approaches, next);
    }

    /// Two who would reach the same lane in the same step, from different sides and unseen by each other,
    /// line up: whoever gets further goes first.
    fn keep_apart_where_ways_join<'a>(
        &mut self,
        over: impl Iterator<Item = &'a u32>,
        v_next: &mut [f64],
        dt: f64,
    ) {
        let mut landings = std::mem::take(&mut self.landings);
        landings.clear();
        for way in over.map(|way| *way as usize) {
            for &i in self.rows[way].iter().rev() {
                let reaches = self.vehicles.motion[i as usize].x + v_next[i as usize] * dt;
                if reaches <= self.road.length[way] {
                    break;
                }
                if let Some((there, x)) = self.landing(i as usize, way, reaches) {
                    landings.push((there, x, i));
                }
            }
        }
        landings.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)).then(a.2.cmp(&b.2)));
        let mut front: Option<(u32, f64)> = None;
        for &(way, x, i) in &landings {
            let length = self.driver(i as usize).length;
            let mut x = x;
            if let Some((_, limit)) = front.filter(|(w, limit)| *w == way && *limit < x) {
                let slower = (v_next[i as usize] - (x - limit) / dt).max(0.0);
                v_next[i as usize] = slower;
                self.brake_behind(i as usize, v_next, dt);
                x = limit;
            }
            front = Some((way, x - length));
        }
        self.landings = landings;
    }

    /// Where a vehicle that drives beyond its way comes to be: a way and a position on it.
    fn landing(&self, i: usize, way: usize, mut x: f64) -> Option<(u32, f64)> {
        let mut way = way as u32;
        let mut path = self.vehicles.mind[i].path.iter();
        while x > self.road.length[way as usize] {
            x -= self.road.length[way as usize];
            way = match self.road.movement(way) {
                Some(m) => self.road.to[m as usize],
                None => self.road.way(*path.next().filter(|m| **m < UNKNOWN)?) as u32,
            };
        }
        Some((way, x))
    }

    /// Nobody runs into vehicle `i`, which brakes harder than its followers thought.
    fn brake_behind(&self, i: usize, v_next: &mut [f64], dt: f64) {
        let v = &self.vehicles;
        let row = &self.rows[v.motion[i].way as usize];
        let Some(place) = row.iter().position(|j| *j as usize == i) else { return };
        let mut front = i;
        for &back in row[..place].iter().rev() {
            let back = back as usize;
            let length = self.driver(front).length;
            let most = ((v.motion[front].x + v_next[front] * dt - length - v.motion[back].x) / dt).max(0.0);
            if v_next[back] <= most {
                break;
            }
            v_next[back] = most;
            front = back;
        }
    }

    /// Where a vehicle's front is, and its heading, degrees clockwise from north.
    fn front(&self, i: usize) -> (LonLat, f64) {
        let (road, v) = (&self.road, &self.vehicles);
        let way = v.motion[i].way;
        let link = road.link[way as usize] as usize;
        let share = v.motion[i].x / road.length[way as usize];
        let inside = road.movement(way);
        let shape = inside.map_or(&self.shapes[link][..], |m| &self.turn_shapes[m as usize][..]);
        // A turn that nobody drew is a point: the end of its link.
        let (shape, share) = if shape.len() < 2 { (&self.shapes[link][..], 1.0) } else { (shape, share) };
        geo::along(shape, share.clamp(0.0, 1.0) * geo::length_m(shape))
    }

    fn on_map(&self, i: usize) -> TransitVehicle {
        let (road, v) = (&self.road, &self.vehicles);
        let link = road.link[v.motion[i].way as usize] as usize;
        let (at, heading_deg) = self.front(i);
        TransitVehicle {
            id: v.cold[i].id.clone(),
            mode: Modes(self.driver(i).mode),
            at,
            heading_deg,
            speed_mps: v.motion[i].v,
            link: LinkIx(link as u32),
            at_stop: v.mind[i].dwell > 0.0,
        }
    }
}

/// A number in [0, 1) that depends on nothing but its arguments (SplitMix64, Steele et al. 2014), so that no
/// order of evaluation changes what a vehicle does.
pub(crate) fn chance(seed: u64, who: u64, when: u64) -> f64 {
    let mut z = seed ^ who.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ when.wrapping_mul(0xd1b5_4a32_d192_ed03);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    (z >> 11) as f64 / (1_u64 << 53) as f64
}
