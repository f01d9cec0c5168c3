//! How trips get onto the road: due ones wait in a queue per link until there is room, as in SUMO.

use super::{World, measure::TripInfo, route::plan_lanes};
use crate::vehicles::Cold;
use model::{demand::Trip, ids::LinkIx};
use std::collections::{BTreeMap, VecDeque};

/// Beyond the vehicle's length, so that rounding does not put its tail before the road's start, m.
const BEHIND: f64 = 0.1;
/// An empty lane is preferred as if there were so many vehicles on it.
const EMPTY: f64 = 0.2;
/// The route arena is swept when it is this much larger than what is in use.
const SWEEP_AT: usize = 1 << 16;

/// Which lane a vehicle enters on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DepartLane {
    /// The one nearest the kerb that the vehicle may use (SUMO's default, `first`).
    First,
    /// Of those that lead furthest along the route any, and rather one with more room (SUMO's `best_prob`, which
    /// is what it does where nothing is said).
    #[default]
    Best,
}

/// Why a trip cannot be driven.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TripFault {
    /// Its vehicle type is not one of the world's.
    #[error("vehicle type {0} does not exist")]
    UnknownType(u32),
    /// It names no link at all.
    #[error("it has no links")]
    NoLinks,
    /// It names a link that does not exist, or that has no lanes.
    #[error("link number {} cannot be driven on", .0.0)]
    NoRoad(LinkIx),
    /// Two links of its route do not touch.
    #[error("no lane of link number {} leads to link number {}", .0.0, .1.0)]
    Broken(LinkIx, LinkIx),
    /// There is no way between its ends.
    #[error("there is no way from link number {} to link number {}", .0.0, .1.0)]
    NoWay(LinkIx, LinkIx),
}

#[derive(Clone, Debug)]
struct Due {
    trip: Trip,
    seq: u64,
    /// Lanes of the first link that it would start on, a bit for each.
    lanes: u64,
}

/// Trips that are not on the road yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Gate {
    /// By departure in ms, then by order of arrival here.
    future: BTreeMap<(i64, u64), Trip>,
    /// Per first link.
    due: BTreeMap<u32, VecDeque<Due>>,
    pub(super) seq: u64,
}

impl Gate {
    pub(super) fn waiting(&self) -> usize {
        self.due.values().map(VecDeque::len).sum()
    }
    pub(super) fn waits_s(&self, now_ms: i64) -> Vec<f64> {
        let now = now_ms as f64 / 1000.0;
        self.due.values().flatten().map(|d| now - d.trip.depart_s).collect()
    }
    pub(super) fn planned(&self) -> u64 {
        self.seq
    }
    pub(super) fn to_come(&self) -> usize {
        self.future.len()
    }
}

impl World {
    pub(super) fn plan_trip(&mut self, mut trip: Trip) -> Result<(), TripFault> {
        if trip.vehicle_type as usize >= self.drivers.len() {
            return Err(TripFault::UnknownType(trip.vehicle_type));
        }
        let (Some(&first), Some(&last)) = (trip.links.first(), trip.links.last()) else {
            return Err(TripFault::NoLinks);
        };
        let drivable = |l: &&LinkIx| self.road.link_lanes.get(l.ix()).is_none_or(|lanes| lanes.is_empty());
        if let Some(&bad) = trip.links.iter().find(drivable) {
            return Err(TripFault::NoRoad(bad));
        }
        if trip.routed {
            if let Some(w) = trip.links.windows(2).find(|w| !self.road.joined(w[0], w[1])) {
                return Err(TripFault::Broken(w[0], w[1]));
            }
        } else if trip.links.len() > 1 && self.way_through(&trip).is_none() {
            return Err(TripFault::NoWay(first, last));
        }
        trip.halts.retain(|h| h.dwell_s > 0.0);
        self.gate.seq += 1;
        self.gate.future.insert(((trip.depart_s * 1000.0).round() as i64, self.gate.seq), trip);
        Ok(())
    }

    /// Lets in whoever is due and finds room.
    pub(super) fn let_in(&mut self) {
        while let Some(entry) = self.gate.future.first_entry() {
            let (at, seq) = *entry.key();
            if at > self.now_ms {
                break;
            }
            let mut trip = entry.remove();
            if !trip.routed {
                // Found before, when it was planned; link times may have changed the way, not that there is one.
                if let Some(links) = self.way_through(&trip) {
                    trip.links = links;
                }
                trip.routed = true;
            }
            let lanes = self.start_lanes(&trip);
            self.gate.due.entry(trip.links[0].0).or_default().push_back(Due { trip, seq, lanes });
        }
        let mut due = std::mem::take(&mut self.gate.due);
        due.retain(|link, queue| {
            let first = self.road.link_lanes[*link as usize].start;
            let any = queue.iter().fold(0, |all, due| all | due.lanes);
            // A lane without room is closed for the step; whoever wants another one may pass.
            let (mut closed, mut place) = (0_u64, 0);
            while place < queue.len() && closed != any {
                let bit = self.pick_lane(&queue[place], first);
                if closed >> bit & 1 == 0 {
                    let kind = queue[place].trip.vehicle_type as usize;
                    let alone = queue[place].trip.links.len() == 1;
                    let factor = speed_factor(&self.types[kind], self.seed, queue[place].seq);
                    if let Some(speed) = self.start_speed(kind, factor, first + bit, alone) {
                        if let Some(due) = queue.remove(place) {
                            self.enter(due, first + bit, factor, speed);
                        }
                        continue;
                    }
                    closed |= 1 << bit;
                }
                place += 1;
            }
            !queue.is_empty()
        });
        self.gate.due = due;
        if self.routes.len() > 2 * self.routes_in_use + SWEEP_AT {
            self.sweep_routes();
        }
    }

    /// Quickest way through all links that an unrouted trip names, by the speeds of the last minutes.
    fn way_through(&mut self, trip: &Trip) -> Option<Vec<LinkIx>> {
        let mode = self.drivers[trip.vehicle_type as usize].mode;
        let (road, links) = (&self.road, &self.links);
        let time_s = |l: u32| links.routing_time_s(road, l);
        let mut all = vec![trip.links[0]];
        for w in trip.links.windows(2) {
            let part = self.search.route(road, w[0].0, w[1].0, mode, time_s)?;
            all.extend(part[1..].iter().map(|l| LinkIx(*l)));
        }
        Some(all)
    }

    /// The lanes of its first link on which a trip may start, a bit for each.
    fn start_lanes(&mut self, trip: &Trip) -> u64 {
        let mode = self.drivers[trip.vehicle_type as usize].mode;
        let lanes = self.road.link_lanes[trip.links[0].ix()].clone();
        // Nobody has more lanes than bits; beyond them one starts nearer to the kerb.
        let count = lanes.len().min(64) as u32;
        let nobody = !lanes.clone().any(|l| self.road.allows(l, mode));
        let may = |k: &u32| nobody || self.road.allows(lanes.start + k, mode);
        match self.options.depart_lane {
            DepartLane::First => (0..count).find(may).map_or(1, |k| 1 << k),
            DepartLane::Best => {
                let route: Vec<u32> = trip.links.iter().take(8).map(|l| l.0).collect();
                let scratch = &mut self.lane_scratch;
                plan_lanes(&self.road, &route, lanes.start, mode, scratch, |_| 0);
                let reach: Vec<f64> = scratch.sums(lanes.len()).map(|(metres, _)| metres).collect();
                let most =
                    (0..count).filter(may).map(|k| reach[k as usize]).fold(f64::NEG_INFINITY, f64::max);
                let best = (0..count).filter(may).filter(|k| reach[*k as usize] > most - 1.0);
                best.fold(0, |all, k| all | 1 << k).max(1)
            }
        }
    }

    /// One of the lanes on which a trip may start: the fewer vehicles there are on it and where it leads, the likelier.
    fn pick_lane(&mut self, due: &Due, first: u32) -> u32 {
        if due.lanes.is_power_of_two() {
            return due.lanes.trailing_zeros();
        }
        let mode = self.drivers[due.trip.vehicle_type as usize].mode;
        let route: Vec<u32> = due.trip.links.iter().take(8).map(|l| l.0).collect();
        let (rows, scratch) = (&self.rows, &mut self.lane_scratch);
        plan_lanes(&self.road, &route, first, mode, scratch, |l| rows[l as usize].len());
        let lanes = self.road.link_lanes[route[0] as usize].len();
        let crowd: Vec<u32> = scratch.sums(lanes).map(|(_, vehicles)| vehicles).collect();
        let mine = || (0..64).filter(|k| due.lanes >> k & 1 == 1);
        let room = |k: u32| 1.0 / (f64::from(crowd[k as usize]) + EMPTY);
        let all: f64 = mine().map(room).sum();
        let mut drawn = super::chance(self.seed, due.seq | 1 << 52, self.steps) * all;
        for k in mine() {
            drawn -= room(k);
            if drawn < 0.0 {
                return k;
            }
        }
        due.lanes.trailing_zeros()
    }

    /// The speed at which a vehicle can start on a lane: that of the others there, as far as it is safe (SUMO's
    /// `avg`, its choice where nothing is said). `None` if nobody fits in without braking hard.
    fn start_speed(&self, kind: usize, factor: f64, lane: u32, arrives: bool) -> Option<f64> {
        let me = &self.drivers[kind];
        let (v, dt) = (&self.vehicles, self.dt());
        let length = self.road.length[lane as usize];
        let x = (me.length + BEHIND).min(length);
        let row = &self.rows[lane as usize];
        let limit = self.road.speed[lane as usize];
        let mut speed = (limit * factor).min(me.max_speed);
        if let Some(&j) = row.first() {
            let mean = row.iter().map(|j| v.v[*j as usize]).sum::<f64>() / row.len() as f64;
            let j = j as usize;
            let foe = &self.drivers[usize::from(v.kind[j])];
            let gap = v.x[j] - foe.length - x - me.min_gap;
            if gap < 0.0 {
                return None;
            }
            speed = speed.min(mean).min(me.behind(gap, v.v[j], foe.decel, dt));
        } else {
            speed = speed.min(limit);
            // What lies beyond the lane is not known yet: it can still stop before it.
            if !arrives {
                speed = speed.min(me.stop_within(length - x, dt));
            }
        }
        let rear = x - me.length;
        let safe_behind = |j: usize, gap: f64| {
            let foe = &self.drivers[usize::from(v.kind[j])];
            gap - foe.min_gap >= foe.secure_gap(v.v[j], speed, me.decel, dt)
        };
        let clear = self.road.entering(lane).iter().all(|&m| {
            let turn = self.road.way(m);
            let inside = self.rows[turn]
                .last()
                .is_none_or(|&j| safe_behind(j as usize, self.road.length[turn] - v.x[j as usize] + rear));
            let from = self.road.from[m as usize] as usize;
            let coming = |j: &&u32| v.path[**j as usize][0] == m;
            inside
                && self.rows[from].iter().rev().find(coming).is_none_or(|&j| {
                    let gap = self.road.length[from] - v.x[j as usize] + self.road.length[turn] + rear;
                    safe_behind(j as usize, gap)
                })
        });
        clear.then_some(speed.max(0.0))
    }

    fn enter(&mut self, due: Due, lane: u32, factor: f64, speed: f64) {
        let trip = due.trip;
        let i = self.vehicles.add();
        let kind = trip.vehicle_type as usize;
        let start = self.routes.len() as u32;
        self.routes.extend(trip.links.iter().map(|l| l.0));
        let route = start..self.routes.len() as u32;
        self.routes_in_use += route.len();
        let v = &mut self.vehicles;
        v.cold[i] =
            Cold { id: trip.id, route, halts: trip.halts.into(), depart_lane: lane, ..Cold::default() };
        v.cold[i].log.depart_ms = self.now_ms;
        v.cold[i].log.depart_delay_s = self.now_ms as f64 / 1000.0 - trip.depart_s;
        v.kind[i] = kind as u16;
        v.factor[i] = factor;
        v.v[i] = speed;
        v.way[i] = lane;
        v.x[i] = (self.drivers[kind].length + BEHIND).min(self.road.length[lane as usize]);
        let metres = self.route_metres(i) - self.vehicles.x[i];
        self.vehicles.cold[i].log.route_length = metres;
        self.vehicles.aim_at_halt(i);
        self.pick_lanes(i, lane);
        self.stand_in_row(i, lane);
        let (x, v) = (self.vehicles.x[i], self.vehicles.v[i]);
        let log = &mut self.vehicles.cold[i].log;
        (log.depart_pos_m, log.depart_speed_mps) = (x, v);
        self.totals.inserted += 1;
    }

    /// Length of a vehicle's route: links, and the movements between them as if lanes did not matter.
    pub(super) fn route_metres(&self, i: usize) -> f64 {
        let route = self.vehicles.cold[i].route.clone();
        let links = &self.routes[route.start as usize..route.end as usize];
        let turns: f64 = links
            .windows(2)
            .filter_map(|w| self.road.next_links(w[0]).iter().find(|(l, _)| *l == w[1]))
            .map(|(_, m)| self.road.length[self.road.way(*m)])
            .sum();
        turns + links.iter().map(|l| self.road.link_length[*l as usize]).sum::<f64>()
    }

    /// Moves all routes in use to the front of the arena.
    fn sweep_routes(&mut self) {
        let rows: Vec<usize> = self.vehicles.rows().collect();
        let mut kept = Vec::with_capacity(self.routes_in_use);
        for i in rows {
            let route = &mut self.vehicles.cold[i].route;
            let start = kept.len() as u32;
            kept.extend_from_slice(&self.routes[route.start as usize..route.end as usize]);
            *route = start..kept.len() as u32;
        }
        self.routes = kept;
    }

    /// The report of a vehicle that arrived at `at_ms`, or that is still under way.
    pub(super) fn report(&self, i: usize, at_ms: Option<i64>) -> TripInfo {
        let v = &self.vehicles;
        let (cold, kind) = (&v.cold[i], usize::from(v.kind[i]));
        TripInfo {
            id: cold.id.clone(),
            vehicle_type: kind as u32,
            depart_s: cold.log.depart_ms as f64 / 1000.0,
            depart_lane: cold.depart_lane,
            depart_pos_m: cold.log.depart_pos_m,
            depart_speed_mps: cold.log.depart_speed_mps,
            depart_delay_s: cold.log.depart_delay_s,
            arrival_s: at_ms.map(|ms| ms as f64 / 1000.0),
            arrival_lane: v.way[i],
            arrival_speed_mps: v.v[i],
            duration_s: (at_ms.unwrap_or(self.now_ms) - cold.log.depart_ms) as f64 / 1000.0,
            route_length_m: cold.log.route_length,
            time_loss_s: v.time_loss[i].max(0.0),
            waiting_s: cold.log.waiting_s,
            waiting_count: cold.log.waiting_count,
            stop_s: cold.log.stop_s,
            reroutes: cold.log.reroutes,
            speed_factor: v.factor[i],
        }
    }
}

/// A driver's own share of the limit: normal around the type's mean, cut at 0.2 and 2 (SUMO's `normc`).
pub(super) fn speed_factor(kind: &model::demand::VehicleType, seed: u64, who: u64) -> f64 {
    if kind.speed_dev <= 0.0 {
        return kind.speed_factor;
    }
    // Box and Muller (1958).
    let (a, b) = (super::chance(seed, who | 1 << 50, 1), super::chance(seed, who | 1 << 50, 2));
    let normal = (-2.0 * (1.0 - a).ln()).sqrt() * (std::f64::consts::TAU * b).cos();
    (kind.speed_factor + kind.speed_dev * normal).clamp(0.2, 2.0)
}
