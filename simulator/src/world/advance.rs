//! Everybody moves: positions, lanes behind and ahead, halts, arrivals, and what each step cost.

use super::{
    WAYS_PER_TASK, World,
    follow::Driver,
    right_of_way::{SQUEEZE_S, STANDING},
    road::Road,
    route::{LanePlan, LaneScratch, LaneSums, plan_lanes},
    rows::Rows,
};
use crate::vehicles::{NONE, Part, UNKNOWN, Vehicles, arrived};
use std::ops::Range;

/// Leaves the queue when faster than this, m/s.
const QUEUE_LEFT: f64 = 1.4;
/// Braking harder than this, and than is comfortable, is an emergency, m/s² (SUMO's default for cars).
const EMERGENCY: f64 = 9.0;
/// At a halt when this close to it, m.
const AT_HALT: f64 = 0.9;
/// A vehicle this long at the end of a lane that leads elsewhere looks for another way, s.
const LOST_AFTER_S: f32 = 120.0;

/// What moving some vehicles brings for others.
#[derive(Clone, Debug, Default)]
pub(super) struct Moved {
    /// Movements that a tail has left.
    cleared: Vec<u32>,
    /// Vehicles that look for another way: (vehicle, lane, about to enter it).
    lost: Vec<(u32, u32, bool)>,
    /// Vehicles that have come to the place on their last link where their trips end.
    ended: Vec<u32>,
    /// Vehicles that have come to a halt beside the road.
    parks: Vec<u32>,
    emergency_brakings: u64,
    /// See [`super::Totals::held_inside`].
    held_inside: u64,
}

/// What the ways of one task saw go by.
#[derive(Clone, Debug, Default)]
pub(super) struct Passed {
    /// (link, metres driven, seconds spent) by way.
    driven: Vec<(u32, f64, f64)>,
    /// Ways whose end somebody passed.
    over: Vec<u32>,
}

impl World {
    pub(super) fn advance(&mut self) {
        let dt = self.dt();
        self.links.begin_step(self.now_ms);
        self.links.look(self.now_ms, &self.road, &self.rows, &self.vehicles.motion);
        let parallel = self.in_parallel();
        let (road, drivers) = (&self.road, &self.drivers);
        let now_s = self.now_ms as f64 / 1000.0;
        let mut parts: Vec<(Part, Moved)> =
            self.vehicles.parts().into_iter().map(|part| (part, Moved::default())).collect();
        self.team
            .each(parallel, &mut parts, |_, (part, moved)| *moved = part.drive(road, drivers, now_s, dt));
        let moved: Vec<Moved> = parts.into_iter().map(|(_, moved)| moved).collect();
        for moved in &moved {
            moved.cleared.iter().for_each(|m| self.busy[*m as usize] -= 1);
            self.totals.emergency_brakings += moved.emergency_brakings;
            self.totals.held_inside += moved.held_inside;
        }
        let (vehicles, rows) = (&self.vehicles, &self.rows);
        let mut passed = std::mem::take(&mut self.passed);
        self.team.each(parallel, &mut passed, |task, passed| {
            let from = task * WAYS_PER_TASK;
            passed.look(road, vehicles, rows, from..(from + WAYS_PER_TASK).min(rows.len()), dt);
        });
        for &(link, metres, seconds) in passed.iter().flat_map(|p| &p.driven) {
            self.links.add(link, metres, seconds);
        }
        for &(i, lane, enter) in moved.iter().flat_map(|m| &m.lost) {
            self.find_another_way(i as usize, lane, enter);
        }
        for &i in moved.iter().flat_map(|m| &m.parks) {
            self.park(i);
        }
        for &i in moved.iter().flat_map(|m| &m.ended) {
            self.rows.take_out(self.vehicles.motion[i as usize].way as usize, i);
            self.leave(i as usize);
        }
        let mut arrived = std::mem::take(&mut self.arrived);
        for &way in passed.iter().flat_map(|p| &p.over) {
            let end = self.road.length[way as usize];
            while let Some(&i) =
                self.rows[way as usize].last().filter(|i| self.vehicles.motion[**i as usize].x > end)
            {
                self.rows.pop(way as usize);
                arrived.extend(self.move_on(i as usize, way).map(|lane| (i, lane)));
            }
        }
        self.pick_lanes_of(&arrived);
        arrived.clear();
        self.arrived = arrived;
        self.passed = passed;
    }

    /// Takes a vehicle that has come to stand off the road.
    fn park(&mut self, i: u32) {
        let v = &mut self.vehicles;
        let tail = std::mem::replace(&mut v.motion[i as usize].tail, NONE);
        if tail != NONE {
            self.busy[tail as usize] -= 1;
        }
        // Nobody asks it for a speed there.
        v.v_next[i as usize] = 0.0;
        self.rows.take_out(v.motion[i as usize].way as usize, i);
        if !self.parked.contains(&i) {
            self.parked.push(i);
        }
    }

    /// Lets vehicles back onto the road that have stood beside it for long enough, if there is room.
    pub(super) fn let_back(&mut self) {
        let mut parked = std::mem::take(&mut self.parked);
        parked.retain(|&i| {
            let row = i as usize;
            let back = self.vehicles.mind[row].dwell <= 0.0 && self.has_room_beside(row);
            if back {
                self.stand_in_row(row, self.vehicles.motion[row].way);
            }
            !back
        });
        self.parked = parked;
    }

    /// Puts a vehicle whose front passed the end of `way` onto what follows, as far as it got. A lane that it comes to is
    /// the answer: lanes ahead are still to be picked from there.
    fn move_on(&mut self, i: usize, mut way: u32) -> Option<u32> {
        let mut arrived = None;
        loop {
            let end = self.road.length[way as usize];
            if self.vehicles.motion[i].x <= end {
                break;
            }
            if let Some(lane) = arrived.take() {
                self.pick_lanes(i, lane);
            }
            match self.road.movement(way) {
                None => {
                    let m = self.vehicles.mind[i].path[0];
                    if m == NONE {
                        if self.vehicles.mind[i].path_arrives {
                            // For its report: it may have come onto this lane in this very step.
                            self.vehicles.motion[i].way = way;
                            self.leave(i);
                            return None;
                        }
                        self.vehicles.motion[i].x = end;
                        self.vehicles.motion[i].v = 0.0;
                        break;
                    }
                    let v = &mut self.vehicles;
                    v.motion[i].x -= end;
                    if v.motion[i].tail != NONE {
                        self.busy[v.motion[i].tail as usize] -= 1;
                        v.motion[i].tail = NONE;
                    }
                    self.busy[m as usize] += 1;
                    v.mind[i].path.rotate_left(1);
                    v.mind[i].path[crate::vehicles::PATH - 1] = UNKNOWN;
                    v.motion[i].stopped_at_line = false;
                    v.mind[i].entered = NONE;
                    way = self.road.way(m) as u32;
                }
                Some(m) => {
                    let length = self.driver(i).length;
                    let v = &mut self.vehicles;
                    v.motion[i].x -= end;
                    if v.motion[i].x < length {
                        v.motion[i].tail = m;
                    } else {
                        self.busy[m as usize] -= 1;
                    }
                    v.mind[i].leg += 1;
                    let passed = self.road.link[way as usize];
                    if v.mind[i].halt_link == passed {
                        // It slipped past its halt (it entered the road beyond it).
                        v.cold[i].halts.pop_front();
                        v.aim_at_halt(i);
                    }
                    v.aim_at_end(i);
                    way = self.road.to[m as usize];
                    self.links.entered(passed, self.road.link[way as usize]);
                    arrived = Some(way);
                }
            }
        }
        self.vehicles.motion[i].way = way;
        if self.vehicles.has_arrived(i) {
            self.leave(i);
            return None;
        }
        self.stand_in_row(i, way);
        arrived
    }

    /// Puts a vehicle into the row of its way, by position.
    pub(super) fn stand_in_row(&mut self, i: usize, way: u32) {
        let x = self.vehicles.motion[i].x;
        let row = &self.rows[way as usize];
        let place = row.iter().position(|&j| self.vehicles.motion[j as usize].x > x).unwrap_or(row.len());
        if let Some(&front) = row.get(place) {
            let front = front as usize;
            let rear = self.vehicles.motion[front].x - self.driver(front).length;
            if rear < x - 1e-6 {
                self.totals.collisions += 1;
            }
        }
        self.rows.insert(way as usize, place, i as u32);
    }

    /// Picks movements ahead for a vehicle on `lane` at its current leg.
    pub(super) fn pick_lanes(&mut self, i: usize, lane: u32) {
        let mut scratch = std::mem::take(&mut self.lane_scratch);
        let plan = self.lanes_ahead(i, lane, &mut scratch);
        self.vehicles.follow(i, &plan, scratch.sums(self.lanes_beside(lane)));
        self.lane_scratch = scratch;
    }

    /// The same for many, each with its lane.
    pub(super) fn pick_lanes_of(&mut self, who: &[(u32, u32)]) {
        const PER_TASK: usize = 32;
        if who.len() < 2 * PER_TASK || !self.in_parallel() {
            return who.iter().for_each(|&(i, lane)| self.pick_lanes(i as usize, lane));
        }
        let tasks: Vec<&[(u32, u32)]> = who.chunks(PER_TASK).collect();
        let mut planned: Vec<(Vec<LanePlan>, Vec<LaneSums>)> = Vec::new();
        planned.resize_with(tasks.len(), Default::default);
        self.team.each(true, &mut planned, |task, (plans, sums)| {
            let mut scratch = LaneScratch::default();
            for &(i, lane) in tasks[task] {
                plans.push(self.lanes_ahead(i as usize, lane, &mut scratch));
                sums.extend(scratch.sums(self.lanes_beside(lane)));
            }
        });
        for (who, (plans, sums)) in tasks.into_iter().zip(planned) {
            let mut sums = sums.into_iter();
            for (&(i, lane), plan) in who.iter().zip(&plans) {
                let lanes = self.lanes_beside(lane);
                self.vehicles.follow(i as usize, plan, sums.by_ref().take(lanes));
            }
        }
    }

    fn lanes_ahead(&self, i: usize, lane: u32, scratch: &mut LaneScratch) -> LanePlan {
        let v = &self.vehicles;
        let route = v.cold[i].route.clone();
        let rest = &self.routes[(route.start + v.mind[i].leg) as usize..route.end as usize];
        let driver = self.driver(i);
        let busy = |l: u32| self.rows[l as usize].len();
        plan_lanes(&self.road, rest, lane, driver.mode, v.cold[i].arrival.lane, scratch, busy)
    }

    /// How many lanes the link of a lane has.
    fn lanes_beside(&self, lane: u32) -> usize {
        self.road.link_lanes[self.road.link[lane as usize] as usize].len()
    }

    /// Gives a vehicle that cannot get into its lane a route from the lane that it is in, or is about to
    /// `enter`, as drivers do.
    fn find_another_way(&mut self, i: usize, lane: u32, enter: bool) {
        let route = self.vehicles.cold[i].route.clone();
        let target = self.routes[route.end as usize - 1];
        let mode = self.driver(i).mode;
        let mut best: Option<(f64, Vec<u32>)> = None;
        let here = self.road.link[lane as usize];
        // Turning back here would only bring it back to where it could not get over.
        let leaving = self.road.leaving[lane as usize].clone();
        let onwards = |m: &u32| !self.road.turns_back[*m as usize];
        let any_onwards = leaving.clone().any(|m| onwards(&m));
        let choices: Vec<u32> = leaving.filter(|m| !any_onwards || onwards(m)).collect();
        for m in choices {
            let first = self.road.link[self.road.to[m as usize] as usize];
            let (road, links) = (&self.road, &self.links);
            let time = |l: u32| links.travel_time_s(road, l);
            let Some(rest) = self.search.route(road, first, target, mode, time) else { continue };
            let cost: f64 = rest.iter().map(|l| time(*l)).sum();
            if best.as_ref().is_none_or(|(c, _)| cost < *c) {
                best = Some((cost, rest));
            }
        }
        self.vehicles.motion[i].waiting = 1.0;
        let Some((_, rest)) = best else { return };
        let start = self.routes.len() as u32;
        if enter {
            self.routes.push(self.road.link[self.vehicles.motion[i].way as usize]);
        }
        self.routes.push(here);
        self.routes.extend(rest);
        self.routes_in_use += self.routes.len() - start as usize;
        self.routes_in_use -= route.len();
        self.vehicles.cold[i].route = start..self.routes.len() as u32;
        self.totals.rerouted += 1;
        self.vehicles.cold[i].log.reroutes += 1;
        // Lanes are planned from the lane's own link on; inside a junction the leg is still the link before.
        self.vehicles.mind[i].leg = u32::from(enter);
        self.pick_lanes(i, lane);
        self.vehicles.mind[i].leg = 0;
    }

    fn leave(&mut self, i: usize) {
        let info = self.report(i, Some(self.now_ms));
        self.parked.retain(|j| *j as usize != i);
        self.finished.push(info);
        self.totals.arrived += 1;
        if self.vehicles.motion[i].tail != NONE {
            self.busy[self.vehicles.motion[i].tail as usize] -= 1;
        }
        let cold = self.vehicles.remove(i);
        self.routes_in_use -= cold.route.len();
    }
}

impl Passed {
    fn look(&mut self, road: &Road, vehicles: &Vehicles, rows: &Rows, ways: Range<usize>, dt: f64) {
        self.driven.clear();
        self.over.clear();
        for way in rows.taken(ways) {
            let row = &rows[way];
            let Some(&last) = row.last() else { continue };
            // From the front, as they stand in each other's way.
            let metres = row.iter().rev().map(|&i| vehicles.motion[i as usize].v * dt).sum();
            self.driven.push((road.link[way], metres, row.len() as f64 * dt));
            if vehicles.motion[last as usize].x > road.length[way] {
                self.over.push(way as u32);
            }
        }
    }
}

impl Part<'_> {
    /// Moves each vehicle along its way by the speed that it has chosen, and keeps its books.
    fn drive(&mut self, road: &Road, drivers: &[Driver], now_s: f64, dt: f64) -> Moved {
        let mut moved = Moved::default();
        for k in 0..self.motion.len() {
            if self.motion[k].way != NONE {
                self.drive_one(k, road, drivers, [now_s, dt], &mut moved);
            }
        }
        moved
    }

    fn drive_one(
        &mut self,
        k: usize,
        road: &Road,
        drivers: &[Driver],
        [now_s, dt]: [f64; 2],
        moved: &mut Moved,
    ) {
        let (motion, mind) = (&mut self.motion[k], &mut self.mind[k]);
        let driver = &drivers[usize::from(motion.kind)];
        let speed = self.v_next[k];
        if motion.v - speed > EMERGENCY.max(driver.decel + 0.01) * dt {
            moved.emergency_brakings += 1;
        }
        motion.x += speed * dt;
        motion.v = speed;
        mind.settle = mind.settle.saturating_sub(1);
        // Whoever was let in by this speed asks again, if it is still beside.
        mind.lets_in = NONE;
        if arrived(motion.x, mind) {
            moved.ended.push((self.first + k) as u32);
        }
        if mind.dwell > 0.0 {
            mind.dwell -= dt as f32;
            let cold = &mut self.cold[k];
            cold.log.stop_s += dt;
            if mind.dwell <= 0.0 {
                mind.dwell = 0.0;
                cold.halts.pop_front();
                mind.aim_at_halt(cold);
            }
            return;
        }
        if mind.entered == NONE
            && let Some(m) = road.movement(motion.way)
            && motion.x > road.wait_at[m as usize]
        {
            mind.entered = (now_s / dt) as u32;
        }
        let wish = (road.speed[motion.way as usize] * mind.factor).min(driver.max_speed);
        mind.time_loss += dt * (1.0 - speed / wish);
        if motion.tail != NONE && motion.x >= driver.length {
            moved.cleared.push(motion.tail);
            motion.tail = NONE;
        }
        if speed >= STANDING {
            motion.waiting = 0.0;
            if speed > QUEUE_LEFT {
                motion.queued = false;
            }
            return;
        }
        if motion.waiting == 0.0 {
            self.cold[k].log.waiting_count += 1;
        }
        let before = motion.waiting;
        motion.waiting += dt as f32;
        let long = before <= SQUEEZE_S && motion.waiting > SQUEEZE_S;
        moved.held_inside += u64::from(long && road.movement(motion.way).is_some());
        mind.waited_s += dt;
        motion.queued = true;
        self.stand(k, road, [now_s, dt], moved);
    }

    /// What standing brings: a stop at a line, a halt, or the thought that this lane leads nowhere.
    fn stand(&mut self, k: usize, road: &Road, [now_s, dt]: [f64; 2], moved: &mut Moved) {
        let i = (self.first + k) as u32;
        let (motion, mind) = (&mut self.motion[k], &mut self.mind[k]);
        let way = motion.way;
        let lost = mind.path[0] == NONE && !mind.path_arrives && motion.waiting > LOST_AFTER_S;
        if let Some(m) = road.movement(way) {
            if lost {
                moved.lost.push((i, road.to[m as usize], true));
            }
            return;
        }
        if mind.halt_link == road.link[way as usize] && (mind.halt_at - motion.x).abs() < AT_HALT {
            let Some(halt) = self.cold[k].halts.front() else { return };
            // The step in which it comes to stand is the first of the halt, and of those until a time it ends before.
            let until = halt.until_s.map_or(0.0, |until_s| until_s - now_s - dt);
            mind.dwell = (halt.dwell_s.max(until) as f32).max(0.1);
            if halt.parking {
                moved.parks.push(i);
            }
            return;
        }
        let left = road.length[way as usize] - motion.x;
        if left < 3.0 {
            motion.stopped_at_line = true;
            if lost {
                moved.lost.push((i, way, false));
            }
        }
    }
}
