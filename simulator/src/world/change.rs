//! Lane changes: first for the route, then for speed.
//!
//! The shape is SUMO's LC2013 (Erdmann 2014): a *mandatory* change when the lane does not lead far enough
//! along the route, urgent by the distance left; a *voluntary* one when the lane beside promises more speed
//! for some time. Both only into gaps that leave everybody a comfortable brake. Changes happen at once.

use super::World;
use crate::vehicles::NONE;

/// Time for which a driver looks ahead for its lane, s, to the right and to the left (LC2013: `LOOK_FORWARD`
/// 10, doubled to the left).
const LOOK_RIGHT_S: f64 = 10.0;
const LOOK_LEFT_S: f64 = 20.0;
/// Share by which the speed that a driver looks ahead with comes down to its own each second (LC2013: one minus
/// `LOOK_AHEAD_SPEED_MEMORY`).
const LOOK_FADES: f64 = 0.1;
/// A wish to overtake becomes a change above this (LC2013's `changeProbThreshold`).
const WISH: f32 = 0.2;
/// Seconds of free road to the right until a driver goes back there (LC2013's `KEEP_RIGHT_TIME`).
const KEEP_RIGHT_S: f32 = 8.0;
/// Time between voluntary changes, s.
const SETTLE_S: f64 = 3.0;
/// Nearer to a lane's start than this, m, those who are about to enter the lane count as followers.
const COMING_FROM_BEYOND: f64 = 60.0;
/// Links shorter than so many vehicles leave no time to clear the junction first.
pub(super) const SHORT_LINK: f64 = 3.0;
/// Two who stand beside each other this long and want each other's lane swap places, s.
const SWAP_AFTER_S: f32 = 20.0;

/// The neighbours in the lane beside.
struct Beside {
    /// Who is next ahead on the lane, or has just left it, with the metres from our front to its front.
    ahead: Option<(usize, f64)>,
    /// Those who come next, on the lane or towards it, each with the metres from its front to ours.
    behind: Vec<(usize, f64)>,
    /// The one behind a follower who stands beside us, and so must pass.
    second: Option<(usize, f64)>,
}

impl World {
    pub(super) fn change_lanes(&mut self) {
        let wide = std::mem::take(&mut self.road.wide_links);
        for &link in &wide {
            let lanes = self.road.link_lanes[link as usize].clone();
            for lane in lanes.clone() {
                // Front first: whoever goes opens the place for the next.
                let mut k = self.rows[lane as usize].len();
                while k > 0 {
                    k -= 1;
                    let Some(&i) = self.rows[lane as usize].get(k) else { continue };
                    let i = i as usize;
                    if self.vehicles.dwell[i] == 0.0 {
                        self.consider(i, k, lane, lanes.start);
                    }
                }
            }
        }
        self.road.wide_links = wide;
    }

    fn consider(&mut self, i: usize, k: usize, lane: u32, first: u32) {
        // Who slows down does not forget at once how fast it was.
        let keep = (1.0 - LOOK_FADES * self.dt()) as f32;
        let v = &mut self.vehicles;
        let now = v.v[i] as f32;
        v.look[i] = if now > v.look[i] { now } else { keep * v.look[i] + (1.0 - keep) * now };
        let v = &self.vehicles;
        let here = (lane - first) as usize;
        let lanes = self.road.link_lanes[self.road.link[lane as usize] as usize].len();
        let x = v.x[i];
        let mut best = here;
        let most = (0..lanes).map(|l| v.reach(i, l)).fold(f64::NEG_INFINITY, f64::max);
        let good = |l: usize| v.reach(i, l) > most - 1.0;
        if v.halt_link[i] == self.road.link[lane as usize] && v.halt_at[i] >= x - 1.0 {
            // A halt is at the kerb.
            best = (0..lanes).find(|l| v.reach(i, *l) >= 0.0).unwrap_or(here);
        } else if !good(here) {
            best = (0..lanes).filter(|l| good(*l)).min_by_key(|l| l.abs_diff(here)).unwrap_or(here);
        }
        if best != here {
            let left = best > here;
            let look = if left { LOOK_LEFT_S } else { LOOK_RIGHT_S };
            let driver = &self.drivers[usize::from(v.kind[i])];
            let needed = best.abs_diff(here) as f64
                * (f64::from(v.look[i]) * look + 2.0 * (driver.length + driver.min_gap));
            let usable = v.reach(i, here) - x;
            // A queue on the lane where it must go makes the way shorter: it joins at its end.
            let needed = needed + v.crowd(i, best);
            let halts = v.halt_link[i] == self.road.link[lane as usize];
            if usable < needed || halts {
                let towards = if left { lane + 1 } else { lane - 1 };
                self.change_for_route(i, k, lane, towards, usable);
                return;
            }
        }
        self.change_for_speed(i, k, lane, here, lanes, most);
    }

    fn change_for_route(&mut self, i: usize, k: usize, lane: u32, towards: u32, usable: f64) {
        let mode = self.drivers[usize::from(self.vehicles.kind[i])].mode;
        if !self.road.allows(towards, mode) && self.vehicles.reach(i, self.road.lane_number(towards)) < 0.0 {
            return;
        }
        let beside = self.beside(i, towards);
        if self.fits(i, &beside) {
            self.change(i, k, lane, towards);
            return;
        }
        // Ask those behind to open a gap; in a hurry, or when all crawl, they will. Whoever stands beside us
        // already cannot: it must pass first.
        let v = self.vehicles.v[i];
        if usable < 60.0 || v < 3.0 {
            let asked = beside.behind.iter().chain(&beside.second);
            for &(j, metres) in asked.filter(|(_, metres)| *metres < 25.0) {
                let kind = |i: usize| usize::from(self.vehicles.kind[i]);
                let room = metres - self.drivers[kind(i)].length - self.drivers[kind(j)].min_gap;
                if room >= 0.0 || v > 1.0 {
                    self.vehicles.lets_in[j] = i as u32;
                    self.vehicles.lets_in_gap[j] = metres;
                }
            }
        }
        // And fall back behind the one ahead, moving or not, rather than race it to the lane's end.
        let close = beside.ahead.filter(|(_, metres)| *metres < 15.0 && usable < 60.0);
        if let Some((j, metres)) = close.filter(|_| self.vehicles.lets_in[i] == NONE) {
            self.vehicles.lets_in[i] = j as u32;
            self.vehicles.lets_in_gap[i] = metres;
        }
        if self.vehicles.waiting[i] > SWAP_AFTER_S {
            self.swap(i, k, lane, towards, &beside);
        }
    }

    /// Two who stand side by side, each in the other's lane, would stand for ever: they change places, and
    /// the change is counted.
    fn swap(&mut self, i: usize, k: usize, lane: u32, towards: u32, beside: &Beside) {
        let wants = |j: usize| {
            let (there, here) = (self.road.lane_number(towards), self.road.lane_number(lane));
            self.vehicles.reach(j, there) + 1.0 < self.vehicles.reach(j, here)
        };
        let close_by = beside.ahead.into_iter().chain(beside.behind.iter().copied()).map(|b| b.0);
        for j in close_by.filter(|j| self.vehicles.way[*j] == towards) {
            let length = |i: usize| self.drivers[usize::from(self.vehicles.kind[i])].length;
            let close = (self.vehicles.x[i] - self.vehicles.x[j]).abs() < length(i).max(length(j));
            let same = (length(i) - length(j)).abs() < 0.01;
            if same && close && wants(j) && self.vehicles.waiting[j] > SWAP_AFTER_S {
                let Some(there) = self.rows[towards as usize].iter().position(|&o| o as usize == j) else {
                    continue;
                };
                self.rows[lane as usize][k] = j as u32;
                self.rows[towards as usize][there] = i as u32;
                self.vehicles.x.swap(i, j);
                self.vehicles.way.swap(i, j);
                self.pick_lanes(i, towards);
                self.pick_lanes(j, lane);
                self.totals.swaps += 1;
                return;
            }
        }
    }

    fn change_for_speed(&mut self, i: usize, k: usize, lane: u32, here: usize, lanes: usize, most: f64) {
        let v = &self.vehicles;
        if v.settle[i] > 0 {
            return;
        }
        let dt = self.dt();
        let driver = &self.drivers[usize::from(v.kind[i])];
        let wish = (self.road.speed[lane as usize] * v.factor[i]).min(driver.max_speed);
        let leader = self.rows[lane as usize].get(k + 1).map(|j| (*j as usize, v.x[*j as usize] - v.x[i]));
        // Whoever has free road ahead has nothing to gain.
        let hindered = leader.is_some_and(|(j, metres)| v.v[j] < 0.95 * wish && metres < 12.0 * wish);
        let idle_right = here > 0 && v.urge[i] <= 0.0;
        if !hindered && !idle_right {
            self.vehicles.urge[i] = 0.0;
            return;
        }
        let serves = |l: usize| {
            let reach = v.reach(i, l);
            reach >= 0.0 && (reach > most - 1.0 || reach - v.x[i] > wish * LOOK_LEFT_S * 1.5)
        };
        let now = self.promise(i, leader, wish, dt);
        let mut target = None;
        let mut gain = 0.0;
        if hindered {
            for (l, to) in [(here + 1, lane + 1), (here.wrapping_sub(1), lane.wrapping_sub(1))] {
                if l >= lanes || !serves(l) {
                    continue;
                }
                let beside = self.beside(i, to);
                let then = self.promise(i, beside.ahead, wish, dt);
                let relative = (then - now) / then.max(0.1);
                if relative > gain && then > now + 0.5 {
                    gain = relative;
                    target = Some((to, beside));
                }
            }
        }
        if let Some((to, beside)) = target {
            let urge = self.vehicles.urge[i].max(0.0) + (gain * dt) as f32;
            self.vehicles.urge[i] = urge;
            if urge > WISH && self.fits(i, &beside) {
                self.change(i, k, lane, to);
            }
            return;
        }
        let back = here > 0 && !hindered && serves(here - 1);
        self.vehicles.urge[i] = self.vehicles.urge[i].min(0.0);
        if back {
            let beside = self.beside(i, lane - 1);
            let free = beside.ahead.is_none_or(|(_, metres)| metres > 8.0 * wish);
            self.vehicles.urge[i] = if free { self.vehicles.urge[i] - dt as f32 } else { 0.0 };
            if self.vehicles.urge[i] < -KEEP_RIGHT_S && self.fits(i, &beside) {
                self.change(i, k, lane, lane - 1);
            }
        }
    }

    /// Speed that a lane promises for the next seconds, behind that leader.
    fn promise(&self, i: usize, leader: Option<(usize, f64)>, wish: f64, dt: f64) -> f64 {
        let Some((j, metres)) = leader else { return wish };
        let v = &self.vehicles;
        let me = &self.drivers[usize::from(v.kind[i])];
        let foe = &self.drivers[usize::from(v.kind[j])];
        let gap = metres - foe.length - me.min_gap;
        me.behind(gap.max(0.0), v.v[j], foe.decel, dt).min(wish)
    }

    fn beside(&self, i: usize, lane: u32) -> Beside {
        let x = self.vehicles.x[i];
        let row = &self.rows[lane as usize];
        let place = row.partition_point(|j| self.vehicles.x[*j as usize] < x);
        let ahead = row.get(place).map(|j| (*j as usize, self.vehicles.x[*j as usize] - x));
        let ahead = ahead.or_else(|| self.just_left(lane, x));
        let mut behind = Vec::new();
        let mut second = None;
        if let Some(p) = place.checked_sub(1) {
            let j = row[p] as usize;
            behind.push((j, x - self.vehicles.x[j]));
            let own = self.drivers[usize::from(self.vehicles.kind[i])].length;
            if x - self.vehicles.x[j] < own {
                second = p.checked_sub(1).map(|p| row[p] as usize).map(|j| (j, x - self.vehicles.x[j]));
            }
        } else if x < COMING_FROM_BEYOND {
            self.coming(lane, x, &mut behind);
        }
        Beside { ahead, behind, second }
    }

    /// The vehicle nearest beyond the end of a lane whose tail may still lie on it.
    fn just_left(&self, lane: u32, x: f64) -> Option<(usize, f64)> {
        let end = self.road.length[lane as usize] - x;
        let leaving = self.road.leaving[lane as usize].clone().filter(|m| self.busy[*m as usize] > 0);
        let last = leaving.filter_map(|m| self.rows[self.road.way(m)].first()).map(|j| *j as usize);
        last.map(|j| (j, end + self.vehicles.x[j])).min_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// Who comes towards the start of a lane: the first on each movement into it, and on the lanes before.
    fn coming(&self, lane: u32, x: f64, behind: &mut Vec<(usize, f64)>) {
        for &m in self.road.entering(lane) {
            let turn = self.road.way(m);
            if let Some(&j) = self.rows[turn].last() {
                let j = j as usize;
                behind.push((j, x + self.road.length[turn] - self.vehicles.x[j]));
                continue;
            }
            let from = self.road.from[m as usize] as usize;
            let Some(&j) = self.rows[from].last() else { continue };
            let j = j as usize;
            if self.vehicles.path[j][0] == m {
                let metres = x + self.road.length[turn] + self.road.length[from] - self.vehicles.x[j];
                behind.push((j, metres));
            }
        }
    }

    /// Whether there is a safe gap.
    fn fits(&self, i: usize, beside: &Beside) -> bool {
        let v = &self.vehicles;
        let dt = self.dt();
        let driver = |i: usize| &self.drivers[usize::from(v.kind[i])];
        let me = driver(i);
        // Nobody comes over while its tail is still inside the junction, unless the link is too short for
        // anything else.
        if v.x[i] < me.length && self.road.length[v.way[i] as usize] > SHORT_LINK * me.length {
            return false;
        }
        let ahead = beside.ahead.is_none_or(|(j, metres)| {
            let gap = metres - driver(j).length - me.min_gap;
            gap >= 0.0 && gap >= me.secure_gap(v.v[i], v.v[j], driver(j).decel, dt)
        });
        ahead
            && beside.behind.iter().all(|&(j, metres)| {
                let gap = metres - me.length - driver(j).min_gap;
                gap >= 0.0 && gap >= driver(j).secure_gap(v.v[j], v.v[i], me.decel, dt)
            })
    }

    fn change(&mut self, i: usize, k: usize, lane: u32, to: u32) {
        self.rows[lane as usize].remove(k);
        // Lanes of one link differ in length where their stop lines do.
        self.vehicles.x[i] = self.vehicles.x[i].min(self.road.length[to as usize]);
        self.vehicles.way[i] = to;
        self.stand_in_row(i, to);
        self.vehicles.urge[i] = 0.0;
        self.vehicles.look[i] = 0.0;
        self.vehicles.settle[i] = (SETTLE_S / self.dt()) as u8;
        self.vehicles.stopped_at_line[i] = false;
        self.totals.lane_changes += 1;
        self.pick_lanes(i, to);
    }
}
