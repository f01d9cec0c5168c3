//! Everybody moves: positions, lanes behind and ahead, halts, arrivals, and what each step cost.

use super::{
    WAYS_PER_TASK, World,
    follow::Driver,
    right_of_way::{SQUEEZE_S, STANDING},
    road::Road,
    route::{LanePlan, LaneScratch, LaneSums, plan_lanes},
    rows::Rows,
};
use crate::vehicles::{Fixed, NONE, Part, UNKNOWN, Vehicles, arrived};
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
        self.links.look(self.now_ms, &self.road, &self.rows, &self.vehicles.v);
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
            self.rows.take_out(self.vehicles.way[i as usize] as usize, i);
            self.leave(i as usize);
        }
        let mut arrived = std::mem::take(&mut self.arrived);
        for &way in passed.iter().flat_map(|p| &p.over) {
            let end = self.road.length[way as usize];
            while let Some(&i) =
                self.rows[way as usize].last().filter(|i| self.vehicles.x[**i as usize] > end)
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
        let tail = std::mem::replace(&mut v.tail[i as usize], NONE);
        if tail != NONE {
            self.busy[tail as usize] -= 1;
        }
        // Nobody asks it for a speed there.
        v.v_next[i as usize] = 0.0;
        self.rows.take_out(v.way[i as usize] as usize, i);
        if !self.parked.contains(&i) {
            self.parked.push(i);
        }
    }

    /// Lets vehicles back onto the road that have stood beside it for long enough, if there is room.
    pub(super) fn let_back(&mut self) {
        let mut parked = std::mem::take(&mut self.parked);
        parked.retain(|&i| {
            let row = i as usize;
            let back = self.vehicles.dwell[row] <= 0.0 && self.has_room_beside(row);
            if back {
                self.stand_in_row(row, self.vehicles.way[row]);
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
            if self.vehicles.x[i] <= end {
                break;
            }
            if let Some(lane) = arrived.take() {
                self.pick_lanes(i, lane);
            }
            match self.road.movement(way) {
                None => {
                    let m = self.vehicles.path[i][0];
                    if m == NONE {
                        if self.vehicles.path_arrives[i] {
                            // For its report: it may have come onto this lane in this very step.
                            self.vehicles.way[i] = way;
                            self.leave(i);
                            return None;
                        }
                        self.vehicles.x[i] = end;
                        self.vehicles.v[i] = 0.0;
                        break;
                    }
                    let v = &mut self.vehicles;
                    v.x[i] -= end;
                    if v.tail[i] != NONE {
                        self.busy[v.tail[i] as usize] -= 1;
                        v.tail[i] = NONE;
                    }
                    self.busy[m as usize] += 1;
                    v.path[i].rotate_left(1);
                    v.path[i][crate::vehicles::PATH - 1] = UNKNOWN;
                    v.stopped_at_line[i] = false;
                    v.entered[i] = NONE;
                    way = self.road.way(m) as u32;
                }
                Some(m) => {
                    let v = &mut self.vehicles;
                    v.x[i] -= end;
                    let length = self.drivers[usize::from(v.kind[i])].length;
                    if v.x[i] < length {
                        v.tail[i] = m;
                    } else {
                        self.busy[m as usize] -= 1;
                    }
                    v.leg[i] += 1;
                    let passed = self.road.link[way as usize];
                    if v.halt_link[i] == passed {
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
        self.vehicles.way[i] = way;
        if self.vehicles.has_arrived(i) {
            self.leave(i);
            return None;
        }
        self.stand_in_row(i, way);
        arrived
    }

    /// Puts a vehicle into the row of its way, by position.
    pub(super) fn stand_in_row(&mut self, i: usize, way: u32) {
        let x = self.vehicles.x[i];
        let row = &self.rows[way as usize];
        let place = row.iter().position(|&j| self.vehicles.x[j as usize] > x).unwrap_or(row.len());
        if let Some(&front) = row.get(place) {
            let front = front as usize;
            let rear = self.vehicles.x[front] - self.drivers[usize::from(self.vehicles.kind[front])].length;
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
        let rest = &self.routes[(route.start + v.leg[i]) as usize..route.end as usize];
        let driver = &self.drivers[usize::from(v.kind[i])];
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
        let mode = self.drivers[usize::from(self.vehicles.kind[i])].mode;
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
        self.vehicles.waiting[i] = 1.0;
        let Some((_, rest)) = best else { return };
        let start = self.routes.len() as u32;
        if enter {
            self.routes.push(self.road.link[self.vehicles.way[i] as usize]);
        }
        self.routes.push(here);
        self.routes.extend(rest);
        self.routes_in_use += self.routes.len() - start as usize;
        self.routes_in_use -= route.len();
        self.vehicles.cold[i].route = start..self.routes.len() as u32;
        self.totals.rerouted += 1;
        self.vehicles.cold[i].log.reroutes += 1;
        // Lanes are planned from the lane's own link on; inside a junction the leg is still the link before.
        self.vehicles.leg[i] = u32::from(enter);
        self.pick_lanes(i, lane);
        self.vehicles.leg[i] = 0;
    }

    fn leave(&mut self, i: usize) {
        let info = self.report(i, Some(self.now_ms));
        self.parked.retain(|j| *j as usize != i);
        self.finished.push(info);
        self.totals.arrived += 1;
        if self.vehicles.tail[i] != NONE {
            self.busy[self.vehicles.tail[i] as usize] -= 1;
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
            let metres = row.iter().rev().map(|&i| vehicles.v[i as usize] * dt).sum();
            self.driven.push((road.link[way], metres, row.len() as f64 * dt));
            if vehicles.x[last as usize] > road.length[way] {
                self.over.push(way as u32);
            }
        }
    }
}

impl Part<'_> {
    /// Moves each vehicle along its way by the speed that it has chosen, and keeps its books.
    fn drive(&mut self, road: &Road, drivers: &[Driver], now_s: f64, dt: f64) -> Moved {
        let mut moved = Moved::default();
        for k in 0..self.x.len() {
            if self.fixed.way[self.first + k] != NONE {
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
        let Fixed { way, v_next, factor, kind, ends_at, .. } = self.fixed;
        let i = self.first + k;
        let driver = &drivers[usize::from(kind[i])];
        let speed = v_next[i];
        if self.v[k] - speed > EMERGENCY.max(driver.decel + 0.01) * dt {
            moved.emergency_brakings += 1;
        }
        self.x[k] += speed * dt;
        self.v[k] = speed;
        self.settle[k] = self.settle[k].saturating_sub(1);
        if arrived(self.x[k], ends_at[i], self.halt_link[k]) {
            moved.ended.push(i as u32);
        }
        if self.dwell[k] > 0.0 {
            self.dwell[k] -= dt as f32;
            self.cold[k].log.stop_s += dt;
            if self.dwell[k] <= 0.0 {
                self.dwell[k] = 0.0;
                self.cold[k].halts.pop_front();
                self.aim_at_halt(k);
            }
            return;
        }
        if self.entered[k] == NONE
            && let Some(m) = road.movement(way[i])
            && self.x[k] > road.wait_at[m as usize]
        {
            self.entered[k] = (now_s / dt) as u32;
        }
        let wish = (road.speed[way[i] as usize] * factor[i]).min(driver.max_speed);
        self.time_loss[k] += dt * (1.0 - speed / wish);
        if speed < STANDING {
            if self.waiting[k] == 0.0 {
                self.cold[k].log.waiting_count += 1;
            }
            let before = self.waiting[k];
            self.waiting[k] += dt as f32;
            let long = before <= SQUEEZE_S && self.waiting[k] > SQUEEZE_S;
            moved.held_inside += u64::from(long && road.movement(way[i]).is_some());
            self.cold[k].log.waiting_s += dt;
            self.queued[k] = true;
            self.stand(k, road, [now_s, dt], moved);
        } else {
            self.waiting[k] = 0.0;
            if speed > QUEUE_LEFT {
                self.queued[k] = false;
            }
        }
        if self.tail[k] != NONE && self.x[k] >= driver.length {
            moved.cleared.push(self.tail[k]);
            self.tail[k] = NONE;
        }
    }

    /// What standing brings: a stop at a line, a halt, or the thought that this lane leads nowhere.
    fn stand(&mut self, k: usize, road: &Road, [now_s, dt]: [f64; 2], moved: &mut Moved) {
        let i = self.first + k;
        let Fixed { path, path_arrives, way, .. } = self.fixed;
        let way = way[i];
        let lost = path[i][0] == NONE && !path_arrives[i] && self.waiting[k] > LOST_AFTER_S;
        if let Some(m) = road.movement(way) {
            if lost {
                moved.lost.push((i as u32, road.to[m as usize], true));
            }
            return;
        }
        if self.halt_link[k] == road.link[way as usize] && (self.halt_at[k] - self.x[k]).abs() < AT_HALT {
            let Some(halt) = self.cold[k].halts.front() else { return };
            // The step in which it comes to stand is the first of the halt, and of those until a time it ends before.
            let until = halt.until_s.map_or(0.0, |until_s| until_s - now_s - dt);
            self.dwell[k] = (halt.dwell_s.max(until) as f32).max(0.1);
            if halt.parking {
                moved.parks.push(i as u32);
            }
            return;
        }
        let left = road.length[way as usize] - self.x[k];
        if left < 3.0 {
            self.stopped_at_line[k] = true;
            if lost {
                moved.lost.push((i as u32, way, false));
            }
        }
    }
}
