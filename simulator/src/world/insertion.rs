//! How trips get onto the road: due ones wait in a queue per link until there is room, as in SUMO.

use super::{World, follow::Driver, measure::TripInfo, route::plan_lanes};
use crate::vehicles::{Arrival, Cold};
use model::{
    demand::{ArrivalLane, ArrivalPos, DepartLane, DepartPos, DepartSpeed, Trip},
    ids::LinkIx,
    signal::Lamp,
};
use std::collections::{BTreeMap, VecDeque};

/// Beyond the vehicle's length, so that rounding does not put its tail before the road's start, m.
const BEHIND: f64 = 0.1;
/// An empty lane is preferred as if there were so many vehicles on it.
const EMPTY: f64 = 0.2;
/// The route arena is swept when it is this much larger than what is in use.
const SWEEP_AT: usize = 1 << 16;

/// Random places that are tried before a gap is looked for (SUMO: `random_free`).
const RANDOM_TRIES: u64 = 10;
/// Nobody has more lanes to choose from: there is a bit for each.
const MOST_LANES: usize = 64;

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
    /// It departs on a lane that its first link does not have, or that it may not use.
    #[error("it cannot depart on lane {} of link number {}", .1, .0.0)]
    NoLane(LinkIx, u16),
    /// Its way on foot has a crossing that does not exist, or a length or speed that is none.
    #[error("its way on foot cannot be walked")]
    NoWalk,
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

impl Due {
    /// Where one finds no room for the step, nobody else of the same kind does; of other places that says nothing.
    fn room_kind(&self) -> Option<usize> {
        match self.trip.ends.depart_pos {
            DepartPos::Base => Some(0),
            DepartPos::Free | DepartPos::RandomFree => Some(1),
            DepartPos::Last => Some(2),
            DepartPos::Random | DepartPos::Stop | DepartPos::Metres(_) => None,
        }
    }
}

/// Where on its lane a vehicle comes onto the road, and how fast.
#[derive(Clone, Copy, Debug)]
struct Start {
    x: f64,
    speed: f64,
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
        if let Some(DepartLane::Number(number)) = trip.ends.depart_lane
            && !self.may_depart(first, number, self.drivers[trip.vehicle_type as usize].mode)
        {
            return Err(TripFault::NoLane(first, number));
        }
        trip.halts.retain(|h| h.dwell_s > 0.0 || h.until_s.is_some());
        self.gate.seq += 1;
        self.gate.future.insert(((trip.depart_s * 1000.0).round() as i64, self.gate.seq), trip);
        Ok(())
    }

    /// Whether a link has that lane, and a vehicle of that mode may use it, or nobody may use any.
    fn may_depart(&self, link: LinkIx, number: u16, mode: u16) -> bool {
        let lanes = self.road.link_lanes[link.ix()].clone();
        let lane = lanes.start + u32::from(number);
        let nobody = || !lanes.clone().any(|l| self.road.allows(l, mode));
        usize::from(number) < lanes.len().min(MOST_LANES) && (self.road.allows(lane, mode) || nobody())
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
            let all_at_base = queue.iter().all(|due| due.room_kind() == Some(0));
            // A lane without room is closed for the step; whoever wants another one may pass.
            let (mut closed, mut place) = ([0_u64; 3], 0);
            while place < queue.len() && !(all_at_base && closed[0] == any) {
                let bit = self.pick_lane(&queue[place], first);
                let kind_of_room = queue[place].room_kind();
                if kind_of_room.is_none_or(|kind| closed[kind] >> bit & 1 == 0) {
                    let kind = queue[place].trip.vehicle_type as usize;
                    let factor = speed_factor(&self.types[kind], self.seed, queue[place].seq);
                    if let Some(start) = self.start(&queue[place], factor, first + bit) {
                        if let Some(due) = queue.remove(place) {
                            self.enter(due, first + bit, factor, start);
                        }
                        continue;
                    }
                    if let Some(kind) = kind_of_room {
                        closed[kind] |= 1 << bit;
                    }
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
        // Beyond the bits one starts nearer to the kerb.
        let count = lanes.len().min(MOST_LANES) as u32;
        let nobody = !lanes.clone().any(|l| self.road.allows(l, mode));
        let may = |k: &u32| nobody || self.road.allows(lanes.start + k, mode);
        let every = |k: &mut dyn Iterator<Item = u32>| k.fold(0, |all, k| all | 1_u64 << k);
        match trip.ends.depart_lane.unwrap_or(self.options.depart_lane) {
            DepartLane::First => (0..count).find(may).map_or(1, |k| 1 << k),
            DepartLane::Number(number) => 1 << number,
            DepartLane::Free | DepartLane::Random => every(&mut (0..count).filter(may)),
            DepartLane::Allowed => {
                let leads = |k: &u32| {
                    let next = trip.links.get(1).map(|l| l.0);
                    let mut leaving = self.road.leaving[(lanes.start + k) as usize].clone();
                    next.is_none_or(|next| {
                        leaving.any(|m| self.road.link[self.road.to[m as usize] as usize] == next)
                    })
                };
                match every(&mut (0..count).filter(may).filter(leads)) {
                    0 => every(&mut (0..count).filter(may)),
                    lanes => lanes,
                }
            }
            DepartLane::Best | DepartLane::BestProb => {
                let route: Vec<u32> = trip.links.iter().take(8).map(|l| l.0).collect();
                let scratch = &mut self.lane_scratch;
                plan_lanes(&self.road, &route, lanes.start, mode, None, scratch, |_| 0);
                let reach: Vec<f64> = scratch.sums(lanes.len()).map(|(metres, _)| metres).collect();
                let most =
                    (0..count).filter(may).map(|k| reach[k as usize]).fold(f64::NEG_INFINITY, f64::max);
                let mut best = (0..count).filter(may).filter(|k| reach[*k as usize] > most - 1.0);
                every(&mut best).max(1)
            }
        }
    }

    /// One of the lanes on which a trip may start.
    fn pick_lane(&mut self, due: &Due, first: u32) -> u32 {
        if due.lanes.is_power_of_two() {
            return due.lanes.trailing_zeros();
        }
        match due.trip.ends.depart_lane.unwrap_or(self.options.depart_lane) {
            DepartLane::Random => {
                let nth = (self.draw(due, 1 << 51, 0) * f64::from(due.lanes.count_ones())) as usize;
                lanes_of(due.lanes).nth(nth).unwrap_or(due.lanes.trailing_zeros())
            }
            DepartLane::Free | DepartLane::Allowed | DepartLane::Best => self.freest_lane(due.lanes, first),
            DepartLane::BestProb | DepartLane::First | DepartLane::Number(_) => {
                self.probable_lane(due, first)
            }
        }
    }

    /// The lane whose last vehicle is farthest along; of empty ones, that nearest the kerb.
    fn freest_lane(&self, lanes: u64, first: u32) -> u32 {
        let room = |k: u32| {
            let lane = (first + k) as usize;
            self.rows[lane].first().map_or(self.road.length[lane], |j| self.vehicles.motion[*j as usize].x)
        };
        let farther = |best: u32, k: u32| if room(k) > room(best) { k } else { best };
        lanes_of(lanes).reduce(farther).unwrap_or(0)
    }

    /// Any of the lanes: the fewer vehicles there are on it and where it leads, the likelier.
    fn probable_lane(&mut self, due: &Due, first: u32) -> u32 {
        let mode = self.drivers[due.trip.vehicle_type as usize].mode;
        let route: Vec<u32> = due.trip.links.iter().take(8).map(|l| l.0).collect();
        let (rows, scratch) = (&self.rows, &mut self.lane_scratch);
        plan_lanes(&self.road, &route, first, mode, None, scratch, |l| rows[l as usize].len());
        let lanes = self.road.link_lanes[route[0] as usize].len();
        let crowd: Vec<u32> = scratch.sums(lanes).map(|(_, vehicles)| vehicles).collect();
        let room = |k: u32| 1.0 / (f64::from(crowd[k as usize]) + EMPTY);
        let all: f64 = lanes_of(due.lanes).map(room).sum();
        let mut drawn = self.draw(due, 1 << 52, 0) * all;
        for k in lanes_of(due.lanes) {
            drawn -= room(k);
            if drawn < 0.0 {
                return k;
            }
        }
        due.lanes.trailing_zeros()
    }

    /// A number in [0, 1) for a trip that is due, for one purpose, anew in each step and for each `turn` (below 16) of it.
    fn draw(&self, due: &Due, purpose: u64, turn: u64) -> f64 {
        super::chance(self.seed, due.seq | purpose, self.steps | turn << 48)
    }

    /// Where on a lane a trip can start now, and how fast; `None` if it must wait.
    fn start(&self, due: &Due, factor: f64, lane: u32) -> Option<Start> {
        const PLACE: u64 = 1 << 53;
        let length = self.road.length[lane as usize];
        let me = &self.drivers[due.trip.vehicle_type as usize];
        let at = |x: f64| {
            let x = x.clamp(0.0, length);
            self.start_speed(due, factor, lane, x).map(|speed| Start { x, speed })
        };
        let halt = due.trip.halts.first().filter(|h| h.link.0 == self.road.link[lane as usize]);
        let base = (me.length + BEHIND).min(length);
        match due.trip.ends.depart_pos {
            DepartPos::Base => at(halt.map_or(base, |h| base.min(h.position_m))),
            DepartPos::Stop => at(halt.map_or(base, |h| h.position_m)),
            DepartPos::Metres(x) => at(if x < 0.0 { length + x } else { x }),
            DepartPos::Random => at(self.draw(due, PLACE, 0) * length),
            DepartPos::RandomFree => (0..RANDOM_TRIES)
                .find_map(|k| at(self.draw(due, PLACE, k) * length))
                .or_else(|| self.free_start(me, lane, at)),
            DepartPos::Free => self.free_start(me, lane, at),
            DepartPos::Last => self.last_start(me, factor, lane, at),
        }
    }

    /// At the lane's start, or in front of one of its vehicles, the last one first.
    fn free_start(&self, me: &Driver, lane: u32, at: impl Fn(f64) -> Option<Start>) -> Option<Start> {
        let v = &self.vehicles;
        let row = &self.rows[lane as usize];
        let before = |(k, j): (usize, &u32)| {
            let j = *j as usize;
            let foe = self.driver(j);
            // It will drive like the one ahead, or like the one behind where there is none.
            let speed = row.get(k + 1).map_or(v.motion[j].v, |ahead| v.motion[*ahead as usize].v);
            let gap = foe.secure_gap(v.motion[j].v, speed, me) + foe.min_gap + BEHIND;
            at(v.motion[j].x + gap + me.length)
        };
        at(0.0).or_else(|| row.iter().enumerate().find_map(before))
    }

    /// As close behind the last vehicle as is safe at the speed that it wants.
    fn last_start(
        &self,
        me: &Driver,
        factor: f64,
        lane: u32,
        at: impl Fn(f64) -> Option<Start>,
    ) -> Option<Start> {
        let (v, length) = (&self.vehicles, self.road.length[lane as usize]);
        let Some(&j) = self.rows[lane as usize].first() else { return at(length - BEHIND) };
        let j = j as usize;
        let foe = self.driver(j);
        let wish = (self.road.speed[lane as usize] * factor).min(me.max_speed).min(v.motion[j].v);
        let gap = me.secure_gap(wish, v.motion[j].v, foe) + me.min_gap + BEHIND;
        let x = v.motion[j].x - foe.length - gap;
        if x < 0.0 { None } else { at(x) }
    }

    /// The speed at which a vehicle can start at `x` on a lane; `None` if nobody fits in there without braking hard, or if it
    /// insists on a speed that is not safe now.
    fn start_speed(&self, due: &Due, factor: f64, lane: u32, x: f64) -> Option<f64> {
        let me = &self.drivers[due.trip.vehicle_type as usize];
        let v = &self.vehicles;
        let length = self.road.length[lane as usize];
        let row = &self.rows[lane as usize];
        let limit = self.road.speed[lane as usize];
        let wish = (limit * factor).min(me.max_speed);
        let speed_of = |j: &u32| v.motion[*j as usize].v;
        let wanted = match due.trip.ends.depart_speed {
            DepartSpeed::Avg if row.is_empty() => wish.min(limit),
            DepartSpeed::Avg => wish.min(row.iter().map(speed_of).sum::<f64>() / row.len() as f64),
            DepartSpeed::Last => wish.min(row.first().map_or(wish, speed_of)),
            DepartSpeed::Max | DepartSpeed::Desired => wish,
            DepartSpeed::Random => wish * self.draw(due, 1 << 54, 0),
            DepartSpeed::SpeedLimit => limit.min(me.max_speed),
            DepartSpeed::Mps(speed) => speed,
        };
        let insists = matches!(
            due.trip.ends.depart_speed,
            DepartSpeed::Desired | DepartSpeed::SpeedLimit | DepartSpeed::Mps(_)
        );
        let place = row.partition_point(|j| v.motion[*j as usize].x < x);
        let mut speed = wanted;
        if let Some(&j) = row.get(place) {
            let j = j as usize;
            let foe = self.driver(j);
            let gap = v.motion[j].x - foe.length - x - me.min_gap;
            if gap < 0.0 {
                return None;
            }
            speed = me.at_most_behind(speed, gap, v.motion[j].v, foe);
        } else {
            // Tails that hang back over the lane's end: nobody starts there at its beginning.
            let covered = if x > me.length + BEHIND { self.tails_over(lane) } else { 0.0 };
            if covered > 0.0 && covered > length - x - me.min_gap {
                return None;
            }
            if due.trip.links.len() > 1 {
                // What lies beyond the lane is not known yet: it can still stop before it.
                let ahead = if insists { self.free_ahead(due, me, lane, x) } else { length - x };
                speed = me.at_most_to_stop_within(speed, ahead);
            }
        }
        if insists && speed < wanted {
            return None;
        }
        self.safe_from_behind(me, lane, x, speed).then_some(speed.max(0.0))
    }

    /// Whether a vehicle that stands beside the road fits in where it stands.
    pub(super) fn has_room_beside(&self, i: usize) -> bool {
        let v = &self.vehicles;
        let (x, lane) = (v.motion[i].x, v.motion[i].way);
        let me = self.driver(i);
        let row = &self.rows[lane as usize];
        let place = row.partition_point(|j| v.motion[*j as usize].x < x);
        let ahead = row.get(place).map(|j| *j as usize);
        let rear = |j: usize| v.motion[j].x - self.driver(j).length;
        ahead.is_none_or(|j| rear(j) - x >= me.min_gap)
            && self.tails_over(lane) <= self.road.length[lane as usize] - x
            && self.safe_from_behind(me, lane, x, 0.0)
    }

    /// Whether nobody behind has to brake hard for somebody who comes onto a lane at `x` with that speed.
    fn safe_from_behind(&self, me: &Driver, lane: u32, x: f64, speed: f64) -> bool {
        let v = &self.vehicles;
        let rear = x - me.length;
        let safe_behind = |j: usize, gap: f64| {
            let foe = self.driver(j);
            gap - foe.min_gap >= foe.secure_gap(v.motion[j].v, speed, me)
        };
        let row = &self.rows[lane as usize];
        let place = row.partition_point(|j| v.motion[*j as usize].x < x);
        if let Some(j) = place.checked_sub(1).map(|p| row[p] as usize) {
            return safe_behind(j, rear - v.motion[j].x);
        }
        self.road.entering(lane).iter().all(|&m| {
            let turn = self.road.way(m);
            let inside = self.rows[turn].last().is_none_or(|&j| {
                safe_behind(j as usize, self.road.length[turn] - v.motion[j as usize].x + rear)
            });
            let from = self.road.from[m as usize] as usize;
            let coming = |j: &&u32| v.mind[**j as usize].path[0] == m;
            inside
                && self.rows[from].iter().rev().find(coming).is_none_or(|&j| {
                    let gap = self.road.length[from] - v.motion[j as usize].x + self.road.length[turn] + rear;
                    safe_behind(j as usize, gap)
                })
        })
    }

    /// Metres before a lane's end that are still covered by vehicles whose fronts have left it.
    fn tails_over(&self, lane: u32) -> f64 {
        let v = &self.vehicles;
        let length = |j: usize| self.driver(j).length;
        let leaving = self.road.leaving[lane as usize].clone().filter(|m| self.busy[*m as usize] > 0);
        leaving.fold(0.0, |most: f64, m| {
            let turn = self.road.way(m);
            let inside = self.rows[turn].first().map(|j| *j as usize).map(|j| length(j) - v.motion[j].x);
            let beyond = self.rows[self.road.to[m as usize] as usize].first().map(|j| *j as usize);
            let beyond = beyond
                .filter(|j| v.motion[*j].tail == m)
                .map(|j| length(j) - self.road.length[turn] - v.motion[j].x);
            most.max(inside.unwrap_or(0.0)).max(beyond.unwrap_or(0.0))
        })
    }

    /// Metres ahead of `x` on a lane along the trip's links, as far as it matters: nobody stands or drives there, no lamp says
    /// stop and nobody has the right of way.
    fn free_ahead(&self, due: &Due, me: &Driver, lane: u32, x: f64) -> f64 {
        let road = &self.road;
        let enough = me.brake_gap(me.max_speed) + me.max_speed * self.dt().max(me.tau);
        let mut metres = road.length[lane as usize] - x;
        let mut at = lane;
        for next in &due.trip.links[1..] {
            let mut leaving = road.leaving[at as usize].clone();
            let Some(m) = leaving.find(|m| road.link[road.to[*m as usize] as usize] == next.0) else {
                return metres;
            };
            let goes = match self.rights.of()[m as usize].lamp {
                Some(lamp) => matches!(lamp, Lamp::Green | Lamp::FlashingGreen),
                None => !road.stop_sign[m as usize] && !road.conflicts(m).iter().any(|c| c.yields),
            };
            if !goes {
                return metres;
            }
            for way in [road.way(m), road.to[m as usize] as usize] {
                if let Some(&j) = self.rows[way].first() {
                    let j = j as usize;
                    let rear = self.vehicles.motion[j].x - self.driver(j).length;
                    return metres + rear - me.min_gap;
                }
                metres += road.length[way];
            }
            if metres > enough {
                break;
            }
            at = road.to[m as usize];
        }
        // So far, or it arrives.
        metres + enough
    }

    fn enter(&mut self, due: Due, lane: u32, factor: f64, Start { x, speed }: Start) {
        let arrival = self.arrival(&due);
        let trip = due.trip;
        let i = self.vehicles.add();
        let kind = trip.vehicle_type as usize;
        let start = self.routes.len() as u32;
        self.routes.extend(trip.links.iter().map(|l| l.0));
        let route = start..self.routes.len() as u32;
        self.routes_in_use += route.len();
        let v = &mut self.vehicles;
        v.cold[i] = Cold {
            id: trip.id,
            route,
            halts: trip.halts.into(),
            depart_lane: lane,
            arrival,
            ..Cold::default()
        };
        v.cold[i].log.depart_ms = self.now_ms;
        v.cold[i].log.depart_delay_s = self.now_ms as f64 / 1000.0 - trip.depart_s;
        v.motion[i].kind = kind as u16;
        v.mind[i].factor = factor;
        v.motion[i].v = speed;
        v.motion[i].way = lane;
        v.motion[i].x = x;
        v.aim_at_end(i);
        let last = trip.links[trip.links.len() - 1].ix();
        let beyond = self.road.link_length[last] - arrival.at_m.min(self.road.link_length[last]);
        let metres = self.route_metres(i) - self.vehicles.motion[i].x - beyond;
        self.vehicles.cold[i].log.route_length = metres.max(0.0);
        self.vehicles.aim_at_halt(i);
        self.pick_lanes(i, lane);
        self.stand_in_row(i, lane);
        let (x, v) = (self.vehicles.motion[i].x, self.vehicles.motion[i].v);
        let log = &mut self.vehicles.cold[i].log;
        (log.depart_pos_m, log.depart_speed_mps) = (x, v);
        self.detectors.begun(lane, x, v);
        self.totals.inserted += 1;
    }

    /// Where and how a trip means to arrive.
    fn arrival(&self, due: &Due) -> Arrival {
        let ends = &due.trip.ends;
        let last = due.trip.links[due.trip.links.len() - 1].ix();
        let mode = self.drivers[due.trip.vehicle_type as usize].mode;
        let lanes = self.road.link_lanes[last].clone();
        let allowed = lanes.clone().filter(|l| self.road.allows(*l, mode)).map(|l| (l - lanes.start) as u16);
        let lane = match ends.arrival_lane {
            ArrivalLane::Current => None,
            ArrivalLane::First => allowed.clone().next(),
            ArrivalLane::Random => {
                let nth = (self.draw(due, 1 << 55, 0) * allowed.clone().count() as f64) as usize;
                allowed.clone().nth(nth)
            }
            ArrivalLane::Number(number) => allowed.clone().find(|l| *l == number),
        };
        let length = self.road.link_length[last];
        let speed = ends.arrival_speed_mps.unwrap_or(f64::INFINITY);
        let at_m = match ends.arrival_pos {
            ArrivalPos::Max if speed.is_finite() => length,
            ArrivalPos::Max => f64::INFINITY,
            ArrivalPos::Center => length / 2.0,
            ArrivalPos::Random => length * self.draw(due, 1 << 56, 0),
            ArrivalPos::Metres(x) => (if x < 0.0 { length + x } else { x }).clamp(0.0, length),
        };
        Arrival { lane, at_m, speed }
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
        let (cold, kind) = (&v.cold[i], usize::from(v.motion[i].kind));
        TripInfo {
            id: cold.id.clone(),
            vehicle_type: kind as u32,
            depart_s: cold.log.depart_ms as f64 / 1000.0,
            depart_lane: cold.depart_lane,
            depart_pos_m: cold.log.depart_pos_m,
            depart_speed_mps: cold.log.depart_speed_mps,
            depart_delay_s: cold.log.depart_delay_s,
            arrival_s: at_ms.map(|ms| ms as f64 / 1000.0),
            arrival_lane: v.motion[i].way,
            arrival_pos_m: v.mind[i].ends_at.min(self.road.length[v.motion[i].way as usize]),
            arrival_speed_mps: v.motion[i].v,
            duration_s: (at_ms.unwrap_or(self.now_ms) - cold.log.depart_ms) as f64 / 1000.0,
            route_length_m: cold.log.route_length,
            time_loss_s: v.mind[i].time_loss.max(0.0),
            waiting_s: v.mind[i].waited_s,
            waiting_count: cold.log.waiting_count,
            stop_s: cold.log.stop_s,
            reroutes: cold.log.reroutes,
            speed_factor: v.mind[i].factor,
        }
    }
}

/// The lanes of a link whose bits are set, from the kerb.
fn lanes_of(bits: u64) -> impl Iterator<Item = u32> {
    (0..MOST_LANES as u32).filter(move |k| bits >> k & 1 == 1)
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
