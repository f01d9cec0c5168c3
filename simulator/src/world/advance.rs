//! Everybody moves: positions, lanes behind and ahead, halts, arrivals, and what each step cost.

use super::{
    World,
    right_of_way::STANDING,
    route::{LaneSums, plan_lanes},
};
use crate::vehicles::{NONE, UNKNOWN};

/// Leaves the queue when faster than this, m/s.
const QUEUE_LEFT: f64 = 1.4;
/// Braking harder than this, and than is comfortable, is an emergency, m/s² (SUMO's default for cars).
const EMERGENCY: f64 = 9.0;
/// At a halt when this close to it, m.
const AT_HALT: f64 = 0.9;
/// A vehicle this long at the end of a lane that leads elsewhere looks for another way, s.
const LOST_AFTER_S: f32 = 120.0;

impl World {
    pub(super) fn advance(&mut self) {
        let dt = self.dt();
        self.links.begin_step(self.now_ms);
        self.links.look(self.now_ms, &self.road, &self.rows, &self.vehicles.v);
        for way in 0..self.rows.len() {
            if self.rows[way].is_empty() {
                continue;
            }
            let (mut metres, limit) = (0.0, self.road.speed[way]);
            let row = std::mem::take(&mut self.rows[way]);
            let mut leader: Option<usize> = None;
            for &i in row.iter().rev() {
                let i = i as usize;
                metres += self.drive(i, limit, leader, dt);
                leader = Some(i);
            }
            self.links.add(self.road.link[way], metres, row.len() as f64 * dt);
            self.rows[way] = row;
        }
        for way in 0..self.rows.len() {
            let end = self.road.length[way];
            while let Some(&i) = self.rows[way].last().filter(|i| self.vehicles.x[**i as usize] > end) {
                self.rows[way].pop();
                self.move_on(i as usize, way as u32);
            }
        }
    }

    /// Moves one vehicle along its way and keeps its books; returns the metres driven.
    fn drive(&mut self, i: usize, limit: f64, leader: Option<usize>, dt: f64) -> f64 {
        let v = &mut self.vehicles;
        let driver = self.drivers[usize::from(v.kind[i])];
        let mut speed = v.v_next[i];
        if let Some(j) = leader {
            // `j` has moved already.
            let free = v.x[j] - self.drivers[usize::from(v.kind[j])].length - v.x[i];
            speed = speed.min((free / dt).max(0.0));
        }
        if v.v[i] - speed > EMERGENCY.max(driver.decel + 0.01) * dt {
            self.totals.emergency_brakings += 1;
        }
        v.x[i] += speed * dt;
        v.v[i] = speed;
        v.settle[i] = v.settle[i].saturating_sub(1);
        if v.dwell[i] > 0.0 {
            v.dwell[i] -= dt as f32;
            v.cold[i].log.stop_s += dt;
            if v.dwell[i] <= 0.0 {
                v.dwell[i] = 0.0;
                v.cold[i].halts.pop_front();
                v.aim_at_halt(i);
            }
            return 0.0;
        }
        let wish = (limit * v.factor[i]).min(driver.max_speed);
        v.time_loss[i] += dt * (1.0 - speed / wish);
        if speed < STANDING {
            if v.waiting[i] == 0.0 {
                v.cold[i].log.waiting_count += 1;
            }
            v.waiting[i] += dt as f32;
            v.cold[i].log.waiting_s += dt;
            v.queued[i] = true;
            self.stand(i);
        } else {
            v.waiting[i] = 0.0;
            if speed > QUEUE_LEFT {
                v.queued[i] = false;
            }
        }
        let v = &mut self.vehicles;
        if v.tail[i] != NONE && v.x[i] >= driver.length {
            self.busy[v.tail[i] as usize] -= 1;
            v.tail[i] = NONE;
        }
        speed * dt
    }

    /// What standing brings: a stop at a line, a halt, or the thought that this lane leads nowhere.
    fn stand(&mut self, i: usize) {
        let v = &mut self.vehicles;
        let way = v.way[i];
        let lost = v.path[i][0] == NONE && !v.path_arrives[i] && v.waiting[i] > LOST_AFTER_S;
        if let Some(m) = self.road.movement(way) {
            if lost {
                self.find_another_way(i, self.road.to[m as usize], true);
            }
            return;
        }
        if v.halt_link[i] == self.road.link[way as usize] && (v.halt_at[i] - v.x[i]).abs() < AT_HALT {
            let dwell = v.cold[i].halts.front().map_or(0.0, |h| h.dwell_s);
            // The step in which it comes to stand is the first of the halt.
            v.dwell[i] = (dwell as f32).max(0.1);
            return;
        }
        let left = self.road.length[way as usize] - v.x[i];
        if left < 3.0 {
            v.stopped_at_line[i] = true;
            if lost {
                self.find_another_way(i, way, false);
            }
        }
    }

    /// Puts a vehicle whose front passed the end of `way` onto what follows, as far as it got.
    fn move_on(&mut self, i: usize, mut way: u32) {
        loop {
            let end = self.road.length[way as usize];
            if self.vehicles.x[i] <= end {
                break;
            }
            match self.road.movement(way) {
                None => {
                    let m = self.vehicles.path[i][0];
                    if m == NONE {
                        if self.vehicles.path_arrives[i] {
                            self.leave(i);
                            return;
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
                    way = self.road.to[m as usize];
                    self.links.entered(passed, self.road.link[way as usize]);
                    self.pick_lanes(i, way);
                }
            }
        }
        self.vehicles.way[i] = way;
        self.stand_in_row(i, way);
    }

    /// Puts a vehicle into the row of its way, by position.
    pub(super) fn stand_in_row(&mut self, i: usize, way: u32) {
        let x = self.vehicles.x[i];
        let row = &mut self.rows[way as usize];
        let place = row.iter().position(|&j| self.vehicles.x[j as usize] > x).unwrap_or(row.len());
        if let Some(&front) = row.get(place) {
            let front = front as usize;
            let rear = self.vehicles.x[front] - self.drivers[usize::from(self.vehicles.kind[front])].length;
            if rear < x - 1e-6 {
                self.totals.collisions += 1;
            }
        }
        row.insert(place, i as u32);
    }

    /// Picks movements ahead for a vehicle on `lane` at its current leg.
    pub(super) fn pick_lanes(&mut self, i: usize, lane: u32) {
        let v = &mut self.vehicles;
        let route = v.cold[i].route.clone();
        let rest = &self.routes[(route.start + v.leg[i]) as usize..route.end as usize];
        let mode = self.drivers[usize::from(v.kind[i])].mode;
        let reach = &mut v.reach[i * v.stride..(i + 1) * v.stride];
        let crowd = &mut v.crowd[i * v.stride..(i + 1) * v.stride];
        let rows = &self.rows;
        let sums = LaneSums { reach, crowd };
        let plan = plan_lanes(&self.road, rest, lane, mode, &mut self.lane_scratch, sums, |l| {
            rows[l as usize].len()
        });
        let driver = &self.drivers[usize::from(v.kind[i])];
        let crowd = &mut v.crowd[i * v.stride..(i + 1) * v.stride];
        crowd.iter_mut().for_each(|c| *c *= (driver.length + driver.min_gap) as f32);
        v.path[i] = plan.path;
        v.path_arrives[i] = plan.arrives;
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
        // Lanes are planned from the lane's own link on; inside a junction the leg is still the link before.
        self.vehicles.leg[i] = u32::from(enter);
        self.pick_lanes(i, lane);
        self.vehicles.leg[i] = 0;
    }

    fn leave(&mut self, i: usize) {
        let info = self.report(i, Some(self.now_ms));
        self.finished.push(info);
        self.totals.arrived += 1;
        if self.vehicles.tail[i] != NONE {
            self.busy[self.vehicles.tail[i] as usize] -= 1;
        }
        let cold = self.vehicles.remove(i);
        self.routes_in_use -= cold.route.len();
    }
}
