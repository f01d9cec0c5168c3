//! Who drives where: trips for any city, without end.
//!
//! In reading order: `day` is the course of a weekday, `ways` finds routes, `load` says how full they would be, `fleet` sends out buses and trams by their [`timetable`], [`sharing`] is who lends bicycles;
//! [`DemandStream`] asks them all for the trips of the next moment.
//!
//! Private traffic is a gravity model (Ortúzar and Willumsen, *Modelling Transport*, 5.3) over links as the smallest
//! zones: how many leave a link or come to it is given by what sort of street it is, and fewer go far than near.
//! Where the map ends, roads bring in and take away what the rest of the world sends.

mod day;
mod fleet;
mod load;
pub mod sharing;
pub mod timetable;
mod ways;

pub use load::{Flows, flow_ratios};

use crate::world::{TripFault, World};
use fleet::Fleet;
use model::{
    city::City,
    demand::{Demand, Trip, VehicleType},
    geo::{LocalPlane, LonLat, length_m},
    ids::LinkIx,
    network::{Link, Modes, Network, RoadClass},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use ways::Ways;

/// Trips of a city, moment by moment, for as long as one asks.
///
/// At its begin the city is not empty: the first two minutes bring out as many vehicles as that time of the day
/// has, somewhere on their ways.
#[derive(Clone, Debug)]
pub struct DemandStream {
    /// Private vehicles on the road at once, at the busiest time of the day.
    vehicles: usize,
    begin_s: f64,
    types: Vec<VehicleType>,
    rng: ChaCha8Rng,
    ways: Ways,
    places: Places,
    fleet: Fleet,
    /// All trips that depart before this are handed out, s.
    done_s: f64,
    /// Next private departure, s.
    next_s: f64,
    /// Vehicles that the opening still has to bring out.
    opening: usize,
    /// Mean time on the road, s; learned from the trips themselves.
    mean_trip_s: f64,
    /// What the rate is multiplied with, so that the wished number stays on the road.
    trim: f64,
    /// Its slow part.
    steady: f64,
    /// The best share of empty-road speed that was seen.
    best_flow: f64,
    made: u64,
}

/// Indices into [`DemandStream::types`].
const CAR: u32 = 0;
const TAXI: u32 = 1;
const LORRY: u32 = 2;
/// Shares of taxis and lorries in the city's traffic.
const TAXI_SHARE: f64 = 0.12;
const LORRY_SHARE: f64 = 0.03;
/// The opening lasts so long, s.
const OPENING_S: f64 = 120.0;
/// Time on the road over time on an empty one, at the peak, before anything better is known.
const PEAK_DELAY: f64 = 2.2;
/// Speed over that of the best time seen, below which people begin to stay at home.
const BEARABLE: f64 = 0.75;
/// Trips that stand for all when signals are loaded with them.
const SAMPLE_TRIPS: usize = 8000;
/// Nobody drives less than this, m.
const SHORTEST_TRIP_M: f64 = 700.0;
/// Distance over which the wish to go somewhere falls to a third, m.
const REACH_M: f64 = 6000.0;

impl DemandStream {
    /// Gets to know the city; one without roads has no trips. `vehicles` is how many private ones shall be on the road
    /// at once at the busiest time of the day. The scenario's clock counts seconds from a local midnight, and the
    /// first trips depart at `begin_s`. The same arguments give the same trips.
    pub fn new(city: &City, vehicles: usize, seed: u64, begin_s: f64) -> DemandStream {
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0xde3a_4d00);
        let places = Places::of(&city.network);
        let mut ways = Ways::new(city, vehicles, seed);
        ways.aim(&places, &mut rng);
        let mut stream = DemandStream {
            types: types(),
            fleet: Fleet::of(city, begin_s, fleet_types()),
            done_s: begin_s,
            next_s: begin_s,
            opening: 0,
            mean_trip_s: 600.0,
            trim: 1.0,
            steady: 1.0,
            best_flow: 0.0,
            made: 0,
            vehicles,
            begin_s,
            rng,
            ways,
            places,
        };
        stream.settle(city);
        stream.made = 0;
        stream.opening = stream.wanted_now(begin_s) as usize;
        stream
    }

    /// Lets drivers find their ways around crowded signals: routes are chosen, signals loaded with them, and routes
    /// chosen again with the waits that this makes (successive averages; Sheffi 1985, 5.4).
    fn settle(&mut self, city: &City) {
        let rounds = match city.network.links.len() {
            n if n <= 5_000 => 4,
            n if n <= 12_000 => 1,
            _ => 0,
        };
        self.mean_trip_s = self.sample(SAMPLE_TRIPS / 8).1;
        for _ in 0..rounds {
            let (flows, mean_s) = self.sample(SAMPLE_TRIPS);
            self.mean_trip_s = mean_s;
            let delays = load::signal_delays(city, &flows);
            let times: Vec<f64> =
                city.network.links.iter().zip(delays).map(|(l, d)| l.free_travel_time_s() + d).collect();
            self.ways.learn(&times);
            self.ways.forget();
        }
    }

    /// Vehicles an hour from link to link at the first moment's time of day, from a sample of trips.
    pub fn flows(&mut self) -> Flows {
        let mut probe = self.clone();
        probe.sample(SAMPLE_TRIPS).0
    }

    /// Flows, and the mean time on an empty road, of so many trips.
    fn sample(&mut self, trips: usize) -> (Flows, f64) {
        let (mut flows, mut time_s, mut count) = (Flows::new(), 0.0, 0_usize);
        for _ in 0..trips {
            let Some((trip, free_s)) = self.private(self.begin_s) else { continue };
            time_s += free_s;
            count += 1;
            for pair in trip.links.windows(2) {
                *flows.entry((pair[0], pair[1])).or_insert(0.0) += 1.0;
            }
        }
        let mean_s = if count > 0 { time_s / count as f64 } else { 600.0 };
        let per_hour = self.wanted_now(self.begin_s) / (mean_s.max(30.0) * PEAK_DELAY) * 3600.0;
        for flow in flows.values_mut() {
            *flow *= per_hour / count.max(1) as f64;
        }
        (flows, mean_s)
    }

    /// The vehicle types that trips name by index.
    pub fn types(&self) -> &[VehicleType] {
        &self.types
    }

    /// All trips that depart from the end of the last call until `t_s`, earliest first. Links of each follow one another.
    pub fn trips_until(&mut self, t_s: f64) -> Vec<Trip> {
        let mut trips = Vec::new();
        if t_s <= self.done_s {
            return trips;
        }
        if self.opening > 0 {
            let end = self.begin_s + OPENING_S;
            let share = ((t_s.min(end) - self.done_s) / (end - self.done_s).max(1e-9)).clamp(0.0, 1.0);
            let now = (self.opening as f64 * share).round() as usize;
            self.opening -= now;
            let until = t_s.min(end).max(self.done_s + 1e-3);
            for _ in 0..now {
                let at = self.rng.random_range(self.done_s..until);
                if let Some((mut trip, _)) = self.private(at) {
                    // Somewhere on the way already.
                    let left = self.rng.random_range(0..trip.links.len().max(1));
                    trip.links.drain(..left);
                    trips.push(trip);
                }
            }
        }
        while self.next_s < t_s {
            let rate = self.wanted_now(self.next_s) / self.mean_time_s(self.next_s) * self.trim;
            if rate.is_nan() || rate <= 1e-6 {
                // Nobody at all: look again in a minute.
                self.next_s += 60.0;
                continue;
            }
            let at = self.next_s;
            if let Some((trip, _)) = self.private(at) {
                trips.push(trip);
            }
            // Arrivals are random, but not bunched beyond reason.
            let u: f64 = self.rng.random_range(1e-9..1.0);
            self.next_s += (-u.ln()).min(6.0) / rate;
        }
        trips.extend(self.fleet.trips(self.done_s, t_s));
        self.done_s = t_s;
        trips.sort_by(|a, b| a.depart_s.total_cmp(&b.depart_s).then_with(|| a.id.cmp(&b.id)));
        trips
    }

    /// Brings out into a street whose types are the stream's whoever departs up to `ahead_s` after its next step, and once a
    /// minute lets drivers hear how the traffic is. Trips that cannot be driven are left out and handed back.
    pub fn feed(&mut self, world: &mut World, ahead_s: f64) -> Vec<(String, TripFault)> {
        const OBSERVE_MS: i64 = 60_000;
        let now_ms = world.now_ms();
        let mut faults = Vec::new();
        for trip in self.trips_until(now_ms as f64 / 1000.0 + ahead_s) {
            let id = trip.id.clone();
            if let Err(fault) = world.insert(trip) {
                faults.push((id, fault));
            }
        }
        if now_ms % OBSERVE_MS == 0 {
            let times: Vec<f64> =
                (0..self.ways.links()).map(|l| world.link(LinkIx::from(l)).travel_time_s).collect();
            self.observe(world.on_road() + world.waiting_to_enter(), &times);
        }
        faults
    }

    /// Tells how many vehicles are on the road or wait to get there, and how long each link takes now (empty: not
    /// known); once a minute is often enough. Later trips then keep the wished number, and drivers know of the jams.
    pub fn observe(&mut self, vehicles: usize, travel_time_s: &[f64]) {
        // When everything takes far longer than on a good day, some people stay at home; otherwise a jam that was
        // there once would be fed for ever.
        let flowing = self.ways.flowing(travel_time_s);
        self.best_flow = self.best_flow.max(flowing);
        let appetite = (flowing / (BEARABLE * self.best_flow.max(1e-6))).clamp(0.3, 1.0);
        let wanted = (self.wanted_now(self.done_s) * appetite).max(1.0);
        let error = ((wanted - vehicles as f64) / wanted).clamp(-1.0, 1.0);
        // Proportional and integral: the streets of the day take what they take, and who finds them full stays away.
        self.steady = (self.steady + 0.05 * error).clamp(0.2, 1.5);
        self.trim = (self.steady + 1.5 * error).clamp(0.05, 1.8);
        self.ways.learn(travel_time_s);
    }

    /// Private vehicles that belong on the road at that time.
    fn wanted_now(&self, t_s: f64) -> f64 {
        if self.places.is_empty() {
            return 0.0;
        }
        self.vehicles as f64 * day::share(t_s)
    }

    fn mean_time_s(&self, t_s: f64) -> f64 {
        let busy = day::share(t_s);
        self.mean_trip_s.max(30.0) * (1.0 + (PEAK_DELAY - 1.0) * busy)
    }

    /// One private trip at that time, and how long it takes on empty roads.
    fn private(&mut self, at_s: f64) -> Option<(Trip, f64)> {
        for _ in 0..12 {
            let from_outside = self.rng.random_bool(self.places.outside * day::inbound(at_s));
            let to_outside = self.rng.random_bool(self.places.outside * (1.0 - day::inbound(at_s)));
            let from = self.places.origin(from_outside, &mut self.rng)?;
            let Some(way) = self.ways.route(&self.places, from, to_outside, &mut self.rng) else { continue };
            let free_s = way.iter().map(|l| self.ways.free_s(*l)).sum();
            let u: f64 = self.rng.random_range(0.0..1.0);
            let vehicle_type = match u {
                u if u < LORRY_SHARE => LORRY,
                u if u < LORRY_SHARE + TAXI_SHARE => TAXI,
                _ => CAR,
            };
            self.made += 1;
            let id = format!("v{}", self.made);
            return Some((
                Trip { id, vehicle_type, depart_s: at_s, links: way, routed: true, ..Trip::default() },
                free_s,
            ));
        }
        None
    }
}

/// All trips of a time span at once; arguments as for [`DemandStream::new`].
pub fn generate(city: &City, vehicles: usize, seed: u64, begin_s: f64, duration_s: f64) -> Demand {
    let mut stream = DemandStream::new(city, vehicles, seed, begin_s);
    let trips = stream.trips_until(begin_s + duration_s);
    Demand { types: stream.types, trips, ..Demand::default() }
}

/// Cars, taxis, lorries, buses and trams as Moscow has them.
fn types() -> Vec<VehicleType> {
    let car = VehicleType::car();
    let taxi = VehicleType { id: "taxi".into(), mode: Modes::TAXI, ..car.clone() };
    let lorry = VehicleType {
        id: "lorry".into(),
        mode: Modes::TRUCK,
        length_m: 8.5,
        accel_mps2: 1.3,
        decel_mps2: 4.0,
        max_speed_mps: 25.0,
        ..car.clone()
    };
    let bus = VehicleType::bus();
    // A Vityaz-M of three sections.
    let tram = VehicleType {
        id: "tram".into(),
        mode: Modes::TRAM,
        length_m: 27.5,
        accel_mps2: 1.2,
        decel_mps2: 3.0,
        max_speed_mps: 20.8,
        ..bus.clone()
    };
    vec![car, taxi, lorry, bus, tram]
}

/// Indices of bus and tram into [`types`].
fn fleet_types() -> [u32; 2] {
    [3, 4]
}

/// Where private trips begin and end.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    plane_at: Vec<[f64; 2]>,
    /// Links where trips begin inside the city, with running sums of their weights.
    begin: Weighted,
    /// Links where they end.
    end: Weighted,
    /// Links that lead into the map, and out of it.
    come: Weighted,
    go: Weighted,
    /// Share of trips that could come from outside or go there.
    outside: f64,
}

impl Places {
    fn of(network: &Network) -> Places {
        let n = network.links.len();
        let (mut enters, mut leaves) = (vec![false; n], vec![false; n]);
        for m in &network.movements {
            // A way back at the end of a road is not a way on.
            if m.turn != model::network::Turn::UTurn {
                leaves[network.lane(m.from).link.ix()] = true;
                enters[network.lane(m.to).link.ix()] = true;
            }
        }
        let origin = network.nodes.first().map_or(LonLat { lon: 0.0, lat: 0.0 }, |n| n.at);
        let plane = LocalPlane::around(origin);
        let middle = |l: &Link| plane.to_metres(l.shape[l.shape.len() / 2]);
        let mut places = Places {
            plane_at: network.links.iter().map(middle).collect(),
            begin: Weighted::default(),
            end: Weighted::default(),
            come: Weighted::default(),
            go: Weighted::default(),
            outside: 0.0,
        };
        for (i, link) in network.links.iter().enumerate() {
            let drivable = link.lane_ixs().any(|l| network.lane(l).allowed.has(Modes::CAR));
            if !drivable {
                continue;
            }
            let ix = LinkIx::from(i);
            let big = |c| match c {
                RoadClass::Motorway | RoadClass::Trunk => 1.5,
                RoadClass::Primary => 1.2,
                RoadClass::Secondary => 0.7,
                RoadClass::Tertiary => 0.3,
                _ => 0.1,
            };
            let lanes = link.lanes.len() as f64;
            if !enters[i] && leaves[i] {
                places.come.add(ix, lanes * big(link.class));
            } else if enters[i] && !leaves[i] {
                places.go.add(ix, lanes * big(link.class));
            } else if enters[i] && leaves[i] {
                let kerb = match link.class {
                    RoadClass::Motorway | RoadClass::Trunk => 0.0,
                    RoadClass::Primary => 0.15,
                    RoadClass::Secondary => 0.5,
                    RoadClass::Tertiary => 1.0,
                    RoadClass::Residential => 1.0,
                    _ => 0.4,
                };
                let long = length_m(&link.shape);
                if kerb > 0.0 && long > 40.0 && !link.bridge && !link.tunnel {
                    places.begin.add(ix, kerb * long);
                    places.end.add(ix, kerb * long);
                }
            }
        }
        let [mut low, mut high] = [[f64::MAX; 2], [f64::MIN; 2]];
        for p in &places.plane_at {
            low = [low[0].min(p[0]), low[1].min(p[1])];
            high = [high[0].max(p[0]), high[1].max(p[1])];
        }
        let across = (high[0] - low[0]).hypot(high[1] - low[1]).max(1.0);
        // A centre lives on what comes from outside; a whole city mostly on itself.
        places.outside = match (places.come.is_empty() || places.go.is_empty(), places.begin.is_empty()) {
            (true, _) => 0.0,
            (false, true) => 1.0,
            _ => (9_000.0 / across).min(1.0) * 0.9,
        };
        places
    }

    fn is_empty(&self) -> bool {
        self.begin.is_empty() && self.come.is_empty()
    }

    fn origin(&self, outside: bool, rng: &mut ChaCha8Rng) -> Option<LinkIx> {
        let first = if outside { &self.come } else { &self.begin };
        first.pick(rng).or_else(|| self.begin.pick(rng)).or_else(|| self.come.pick(rng))
    }

    fn apart_m(&self, a: LinkIx, b: LinkIx) -> f64 {
        let (p, q) = (self.plane_at[a.ix()], self.plane_at[b.ix()]);
        (p[0] - q[0]).hypot(p[1] - q[1])
    }
}

/// Links with weights, to draw from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Weighted {
    links: Vec<LinkIx>,
    sums: Vec<f64>,
}

impl Weighted {
    fn add(&mut self, link: LinkIx, weight: f64) {
        self.links.push(link);
        self.sums.push(self.sums.last().copied().unwrap_or(0.0) + weight);
    }

    fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    fn pick(&self, rng: &mut ChaCha8Rng) -> Option<LinkIx> {
        let total = self.sums.last().copied().filter(|t| *t > 0.0)?;
        let x = rng.random_range(0.0..total);
        let i = self.sums.partition_point(|s| *s <= x);
        self.links.get(i).copied()
    }
}

#[cfg(test)]
mod tests;
