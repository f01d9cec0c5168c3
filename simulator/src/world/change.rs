//! Lane changes: first for the route, then for speed.
//!
//! The shape is SUMO's LC2013 (Erdmann 2014): a *mandatory* change when the lane does not lead far enough
//! along the route, urgent by the distance left; a *voluntary* one when the lane beside promises more speed
//! for some time. Both only into gaps that leave everybody a comfortable brake. Changes happen at once.
//!
//! All drivers look around first, at the same street and in parallel. Those few who would go then go one by one, each after
//! another look: somebody may have taken the gap.

use super::{WAYS_PER_TASK, World};
use crate::vehicles::NONE;
use smallvec::SmallVec;
use std::ops::Range;

/// Time for which a driver looks ahead for its lane, s, to the right and to the left (LC2013: `LOOK_FORWARD`
/// 10, doubled to the left).
const LOOK_RIGHT_S: f64 = 10.0;
const LOOK_LEFT_S: f64 = 20.0;
/// Share by which the speed that a driver looks ahead with comes down to its own each second (LC2013: one minus
/// `LOOK_AHEAD_SPEED_MEMORY`).
const LOOK_FADES: f64 = 0.1;
/// A wish to be faster becomes a change above this, to the left and to the right (LC2013's `changeProbThreshold`).
const WISH_LEFT: f32 = 0.2;
const WISH_RIGHT: f32 = 2.0;
/// Gains are shares of the speed beside, but of no lower one than this, m/s (LC2013's `RELGAIN_NORMALIZATION_MIN_SPEED`).
const GAIN_OF_MPS: f64 = 10.0;
/// A wish fades by this share of itself in a second while the other lane is worse, and while it is as good.
const FADES_WORSE: f64 = 0.5;
const FADES_ALIKE: f64 = 0.2;
/// How much faster the own lane must be for a driver not to think of the lane to the right, m/s.
const MUCH_FASTER_MPS: f64 = 5.0 / 3.6;
/// Nobody changes for speed to a lane that leads on for less, s at the speed now.
const WORTH_WHILE_S: f64 = 20.0;
/// Seconds of free road to the right until a driver goes back there, if it is free for as long as one accepts: so many seconds for
/// each m/s (LC2013's `KEEP_RIGHT_TIME` and acceptance time).
const KEEP_RIGHT_S: f64 = 5.0;
const ACCEPTS_S: f64 = 7.0;
/// A lane that leads on for less is one to turn from: nobody leaves the right lane for it, m (LC2013's `TURN_LANE_DIST` is 200;
/// ours change inside no junction, and with 300 they are as often on the wrong lane as SUMO's).
const TURN_LANE_M: f64 = 300.0;
/// Time between voluntary changes, s.
const SETTLE_S: f64 = 3.0;
/// Nearer to a lane's start than this, m, those who are about to enter the lane count as followers.
const COMING_FROM_BEYOND: f64 = 60.0;
/// Links shorter than so many vehicles leave no time to clear the junction first.
pub(super) const SHORT_LINK: f64 = 3.0;
/// Two who stand beside each other this long and want each other's lane swap places, s.
const SWAP_AFTER_S: f32 = 20.0;

/// What the drivers of one task make of the lanes beside them.
#[derive(Clone, Debug, Default)]
pub(super) struct Wishes {
    moods: Vec<(u32, Mood)>,
    asks: Vec<Ask>,
    /// Those who would go now: (vehicle, its lane).
    goes: Vec<(u32, u32)>,
}

/// What a driver feels like; see [`crate::vehicles::Vehicles`].
#[derive(Clone, Copy, PartialEq, Debug)]
struct Mood {
    look: f32,
    urge: f32,
    kerb: f32,
}

/// That a vehicle shall drive as if another, who is on the lane beside, were its leader.
#[derive(Clone, Copy, Debug)]
struct Ask {
    whom: usize,
    leader: usize,
    /// From front to front.
    metres: f64,
    /// It does so by itself, unless somebody else has asked it already.
    by_itself: bool,
}

/// What a driver decides.
enum Wish {
    Stay,
    /// Over to that lane.
    Go(u32),
    /// To change places with somebody on that lane who wants the same.
    Swap(u32, usize),
}

/// The neighbours in the lane beside.
struct Beside {
    /// Who is next ahead on the lane, or has just left it, with the metres from our front to its front.
    ahead: Option<(usize, f64)>,
    /// Those who come next, on the lane or towards it, each with the metres from its front to ours.
    behind: Neighbours,
    /// The one behind a follower who stands beside us, and so must pass.
    second: Option<(usize, f64)>,
}

/// Vehicles, each with its distance in metres.
type Neighbours = SmallVec<[(usize, f64); 4]>;

impl World {
    pub(super) fn change_lanes(&mut self) {
        let mut wishes = std::mem::take(&mut self.wishes);
        let lanes = self.road.lanes;
        wishes.resize_with(lanes.div_ceil(WAYS_PER_TASK), Wishes::default);
        self.team.each(self.in_parallel(), &mut wishes, |task, wishes| {
            let from = task * WAYS_PER_TASK;
            self.ask(from..(from + WAYS_PER_TASK).min(lanes), wishes);
        });
        for &(i, mood) in wishes.iter().flat_map(|w| &w.moods) {
            self.set_mood(i as usize, mood);
        }
        for ask in wishes.iter().flat_map(|w| &w.asks) {
            self.heed(ask);
        }
        let mut asks = Vec::new();
        let mut changed = Vec::new();
        for &(i, lane) in wishes.iter().flat_map(|w| &w.goes) {
            let i = i as usize;
            let Some(k) = self.rows[lane as usize].iter().position(|o| *o as usize == i) else { continue };
            let mut mood = self.mood(i);
            let wish = self.consider(i, k, lane, &mut mood, &mut asks);
            self.set_mood(i, mood);
            match wish {
                Wish::Stay => {}
                Wish::Go(to) => {
                    self.change(i, k, lane, to);
                    changed.push((i as u32, to));
                }
                Wish::Swap(to, j) => {
                    self.swap(i, k, lane, to, j);
                    changed.extend([(i as u32, to), (j as u32, lane)]);
                }
            }
            asks.drain(..).for_each(|ask| self.heed(&ask));
        }
        self.pick_lanes_of(&changed);
        self.wishes = wishes;
    }

    /// What the drivers on these lanes want, where there is a lane beside.
    fn ask(&self, lanes: Range<usize>, wishes: &mut Wishes) {
        wishes.moods.clear();
        wishes.asks.clear();
        wishes.goes.clear();
        // Who slows down does not forget at once how fast it was.
        let keep = (1.0 - LOOK_FADES * self.dt()) as f32;
        let v = &self.vehicles;
        let is_wide = |lane: &usize| self.road.link_lanes[self.road.link[*lane] as usize].len() > 1;
        for lane in self.rows.taken(lanes).filter(is_wide) {
            // Front first: whoever goes opens the place for the next.
            for (k, &row) in self.rows[lane].iter().enumerate().rev() {
                let i = row as usize;
                if v.mind[i].dwell > 0.0 {
                    continue;
                }
                let now = v.motion[i].v as f32;
                let before = self.mood(i);
                let look = if now > before.look { now } else { keep * before.look + (1.0 - keep) * now };
                let mut mood = Mood { look, ..before };
                let asked = wishes.asks.len();
                if !matches!(self.consider(i, k, lane as u32, &mut mood, &mut wishes.asks), Wish::Stay) {
                    // It will ask again, and think of it again.
                    wishes.asks.truncate(asked);
                    wishes.goes.push((row, lane as u32));
                    mood = Mood { look, ..before };
                }
                if mood != before {
                    wishes.moods.push((row, mood));
                }
            }
        }
    }

    fn mood(&self, i: usize) -> Mood {
        let v = &self.vehicles;
        Mood { look: v.mind[i].look, urge: v.mind[i].urge, kerb: v.mind[i].kerb }
    }

    fn set_mood(&mut self, i: usize, mood: Mood) {
        let v = &mut self.vehicles;
        (v.mind[i].look, v.mind[i].urge, v.mind[i].kerb) = (mood.look, mood.urge, mood.kerb);
    }

    fn heed(&mut self, ask: &Ask) {
        let v = &mut self.vehicles;
        if !ask.by_itself || v.mind[ask.whom].lets_in == NONE {
            v.mind[ask.whom].lets_in = ask.leader as u32;
            v.mind[ask.whom].lets_in_gap = ask.metres;
        }
    }

    /// What a driver decides.
    fn consider(&self, i: usize, k: usize, lane: u32, mood: &mut Mood, asks: &mut Vec<Ask>) -> Wish {
        let v = &self.vehicles;
        let link = self.road.link[lane as usize];
        let lanes = self.road.link_lanes[link as usize].clone();
        let (here, lanes) = ((lane - lanes.start) as usize, lanes.len());
        let x = v.motion[i].x;
        let mut best = here;
        let most = (0..lanes).map(|l| v.reach(i, l)).fold(f64::NEG_INFINITY, f64::max);
        let good = |l: usize| v.reach(i, l) > most - 1.0;
        if v.mind[i].halt_link == link && v.mind[i].halt_at >= x - 1.0 {
            // A halt is at the kerb.
            best = (0..lanes).find(|l| v.reach(i, *l) >= 0.0).unwrap_or(here);
        } else if !good(here) {
            best = (0..lanes).filter(|l| good(*l)).min_by_key(|l| l.abs_diff(here)).unwrap_or(here);
        }
        if best != here {
            let left = best > here;
            let look_s = if left { LOOK_LEFT_S } else { LOOK_RIGHT_S };
            let driver = self.driver(i);
            let needed = best.abs_diff(here) as f64
                * (f64::from(mood.look) * look_s + 2.0 * (driver.length + driver.min_gap));
            let usable = v.reach(i, here) - x;
            // A queue on the lane where it must go makes the way shorter: it joins at its end.
            let needed = needed + v.crowd(i, best) * (driver.length + driver.min_gap);
            if usable < needed || v.mind[i].halt_link == link {
                let towards = if left { lane + 1 } else { lane - 1 };
                return self.change_for_route(i, lane, towards, usable, asks);
            }
        }
        self.change_for_speed(i, k, lane, lanes, best, mood)
    }

    fn change_for_route(&self, i: usize, lane: u32, towards: u32, usable: f64, asks: &mut Vec<Ask>) -> Wish {
        let mode = self.driver(i).mode;
        if !self.road.allows(towards, mode) && self.vehicles.reach(i, self.road.lane_number(towards)) < 0.0 {
            return Wish::Stay;
        }
        let beside = self.beside(i, towards);
        if self.fits(i, &beside) {
            return Wish::Go(towards);
        }
        if self.vehicles.motion[i].waiting > SWAP_AFTER_S
            && let Some(j) = self.to_swap_with(i, lane, towards, &beside)
        {
            return Wish::Swap(towards, j);
        }
        // Ask those behind to open a gap; in a hurry, or when all crawl, they will. Whoever stands beside us
        // already cannot: it must pass first.
        let v = self.vehicles.motion[i].v;
        if usable < 60.0 || v < 3.0 {
            let asked = beside.behind.iter().chain(&beside.second);
            for &(j, metres) in asked.filter(|(_, metres)| *metres < 25.0) {
                let kind = |i: usize| usize::from(self.vehicles.motion[i].kind);
                let room = metres - self.drivers[kind(i)].length - self.drivers[kind(j)].min_gap;
                if room >= 0.0 || v > 1.0 {
                    asks.push(Ask { whom: j, leader: i, metres, by_itself: false });
                }
            }
        }
        // And fall back behind the one ahead, moving or not, rather than race it to the lane's end.
        if let Some((j, metres)) = beside.ahead.filter(|(_, metres)| *metres < 15.0 && usable < 60.0) {
            asks.push(Ask { whom: i, leader: j, metres, by_itself: true });
        }
        Wish::Stay
    }

    /// Somebody side by side with it, each in the other's lane: they would stand for ever.
    fn to_swap_with(&self, i: usize, lane: u32, towards: u32, beside: &Beside) -> Option<usize> {
        let v = &self.vehicles;
        let (there, here) = (self.road.lane_number(towards), self.road.lane_number(lane));
        let wants = |j: usize| v.reach(j, there) + 1.0 < v.reach(j, here);
        let length = |i: usize| self.driver(i).length;
        let close_by = beside.ahead.iter().chain(&beside.behind).map(|b| b.0);
        close_by.filter(|j| v.motion[*j].way == towards).find(|&j| {
            let close = (v.motion[i].x - v.motion[j].x).abs() < length(i).max(length(j));
            let same = (length(i) - length(j)).abs() < 0.01;
            same && close && wants(j) && v.motion[j].waiting > SWAP_AFTER_S
        })
    }

    /// Two change places, and the change is counted.
    fn swap(&mut self, i: usize, k: usize, lane: u32, towards: u32, j: usize) {
        let Some(there) = self.rows[towards as usize].iter().position(|&o| o as usize == j) else { return };
        self.rows.replace(lane as usize, k, j as u32);
        self.rows.replace(towards as usize, there, i as u32);
        let [a, b] = [self.vehicles.motion[i], self.vehicles.motion[j]];
        (self.vehicles.motion[i].x, self.vehicles.motion[i].way) = (b.x, b.way);
        (self.vehicles.motion[j].x, self.vehicles.motion[j].way) = (a.x, a.way);
        self.totals.swaps += 1;
    }

    /// A change that nobody needs: to the side where it goes faster, or back to the right.
    fn change_for_speed(
        &self,
        i: usize,
        k: usize,
        lane: u32,
        lanes: usize,
        best: usize,
        mood: &mut Mood,
    ) -> Wish {
        let v = &self.vehicles;
        if v.mind[i].settle > 0 {
            return Wish::Stay;
        }
        let dt = self.dt();
        let driver = self.driver(i);
        let wish = (self.road.speed[lane as usize] * v.mind[i].factor).min(driver.max_speed);
        let here = self.road.lane_number(lane);
        let serves = |l: usize| {
            let (reach, space) = (v.reach(i, l), driver.length + driver.min_gap);
            let towards = best.abs_diff(l) < best.abs_diff(here);
            if reach > v.reach(i, best) - 1.0 || towards {
                return reach >= 0.0;
            }
            let look_s = if l > here { LOOK_LEFT_S } else { LOOK_RIGHT_S };
            let changes = best.abs_diff(here) + 2;
            let queue = v.crowd(i, l).max(v.crowd(i, here));
            let left = reach - v.motion[i].x - queue * space;
            (best != here || reach >= TURN_LANE_M)
                && left > changes as f64 * (f64::from(mood.look) * look_s + 2.0 * space)
        };
        let worth_while = |l: usize| v.reach(i, l) > WORTH_WHILE_S * v.motion[i].v;
        let fades = |wish: f32, share: f64| wish * (1.0 - share).powf(dt) as f32;
        let right = here.checked_sub(1).filter(|l| serves(*l));
        let left = Some(here + 1).filter(|l| *l < lanes && serves(*l));
        if right.is_none() && left.is_none() {
            return Wish::Stay;
        }
        let leader = self.rows[lane as usize]
            .get(k + 1)
            .map(|j| (*j as usize, v.motion[*j as usize].x - v.motion[i].x));
        let now = self.promise(i, leader, wish);
        if let Some(right) = right {
            let beside = self.beside(i, lane - 1);
            let then = self.promise(i, beside.ahead, wish);
            if now - MUCH_FASTER_MPS > then {
                mood.urge = if mood.urge < 0.0 { fades(mood.urge, FADES_WORSE) } else { mood.urge };
            } else {
                let gain = (then - now) / then.max(GAIN_OF_MPS);
                if mood.urge < 0.0 || gain > 0.0 {
                    mood.urge -= (gain * dt) as f32;
                }
                mood.kerb += (self.freedom(i, &beside, v.reach(i, right), wish) * dt / KEEP_RIGHT_S) as f32;
                let goes = mood.kerb > 1.0 || mood.urge < -WISH_RIGHT && worth_while(right);
                if goes && self.fits(i, &beside) {
                    return Wish::Go(lane - 1);
                }
            }
        }
        if let Some(left) = left {
            // Whoever has free road ahead has nothing to gain.
            let beside = (now < wish).then(|| self.beside(i, lane + 1));
            let then = beside.as_ref().map_or(wish, |b| self.promise(i, b.ahead, wish));
            if then > now {
                mood.urge += ((then - now) / then.max(GAIN_OF_MPS) * dt) as f32;
                let goes = mood.urge > WISH_LEFT && worth_while(left);
                if goes && beside.is_some_and(|b| self.fits(i, &b)) {
                    return Wish::Go(lane + 1);
                }
            } else if mood.urge > 0.0 {
                mood.urge = fades(mood.urge, if then < now { FADES_WORSE } else { FADES_ALIKE });
            }
        }
        Wish::Stay
    }

    /// For how much of the time that a driver accepts to be back on the right it could drive there as it likes, 0 to 1.
    fn freedom(&self, i: usize, beside: &Beside, reach: f64, wish: f64) -> f64 {
        let v = &self.vehicles;
        let driver = self.driver(i);
        let accepts_s = ACCEPTS_S * v.mind[i].factor * v.motion[i].v.max(1.0);
        let free = (reach - driver.brake_gap(wish)).max(0.0);
        let mut free_s = accepts_s.min(free / wish.max(0.1));
        if let Some((j, metres)) = beside.ahead.filter(|(j, _)| v.motion[*j].v < wish) {
            let foe = self.driver(j);
            let gap = metres - foe.length - driver.min_gap - driver.secure_gap(wish, v.motion[j].v, foe);
            free_s = free_s.min(gap.clamp(0.0, free) / (wish - v.motion[j].v));
        }
        free_s / accepts_s
    }

    /// Speed that a lane promises for the next seconds, behind that leader.
    fn promise(&self, i: usize, leader: Option<(usize, f64)>, wish: f64) -> f64 {
        let Some((j, metres)) = leader else { return wish };
        let v = &self.vehicles;
        let me = self.driver(i);
        let foe = self.driver(j);
        let gap = metres - foe.length - me.min_gap;
        me.at_most_behind(wish, gap.max(0.0), v.motion[j].v, foe)
    }

    fn beside(&self, i: usize, lane: u32) -> Beside {
        let x = self.vehicles.motion[i].x;
        let row = &self.rows[lane as usize];
        let place = row.partition_point(|j| self.vehicles.motion[*j as usize].x < x);
        let ahead = row.get(place).map(|j| (*j as usize, self.vehicles.motion[*j as usize].x - x));
        let ahead = ahead.or_else(|| self.just_left(lane, x));
        let mut behind = Neighbours::new();
        let mut second = None;
        if let Some(p) = place.checked_sub(1) {
            let j = row[p] as usize;
            behind.push((j, x - self.vehicles.motion[j].x));
            let own = self.driver(i).length;
            if x - self.vehicles.motion[j].x < own {
                second =
                    p.checked_sub(1).map(|p| row[p] as usize).map(|j| (j, x - self.vehicles.motion[j].x));
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
        last.map(|j| (j, end + self.vehicles.motion[j].x)).min_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// Who comes towards the start of a lane: the first on each movement into it, and on the lanes before.
    fn coming(&self, lane: u32, x: f64, behind: &mut Neighbours) {
        for &m in self.road.entering(lane) {
            let turn = self.road.way(m);
            if let Some(&j) = self.rows[turn].last() {
                let j = j as usize;
                behind.push((j, x + self.road.length[turn] - self.vehicles.motion[j].x));
                continue;
            }
            let from = self.road.from[m as usize] as usize;
            let Some(&j) = self.rows[from].last() else { continue };
            let j = j as usize;
            if self.vehicles.mind[j].path[0] == m {
                let metres = x + self.road.length[turn] + self.road.length[from] - self.vehicles.motion[j].x;
                behind.push((j, metres));
            }
        }
    }

    /// Whether there is a safe gap.
    fn fits(&self, i: usize, beside: &Beside) -> bool {
        let v = &self.vehicles;
        let driver = |i: usize| self.driver(i);
        let me = driver(i);
        // Nobody comes over while its tail is still inside the junction, unless the link is too short for
        // anything else.
        if v.motion[i].x < me.length && self.road.length[v.motion[i].way as usize] > SHORT_LINK * me.length {
            return false;
        }
        let ahead = beside.ahead.is_none_or(|(j, metres)| {
            let gap = metres - driver(j).length - me.min_gap;
            gap >= 0.0 && gap >= me.secure_gap(v.motion[i].v, v.motion[j].v, driver(j))
        });
        ahead
            && beside.behind.iter().all(|&(j, metres)| {
                let gap = metres - me.length - driver(j).min_gap;
                gap >= 0.0 && gap >= driver(j).secure_gap(v.motion[j].v, v.motion[i].v, me)
            })
    }

    fn change(&mut self, i: usize, k: usize, lane: u32, to: u32) {
        self.rows.remove(lane as usize, k);
        // Lanes of one link differ in length where their stop lines do.
        let motion = &mut self.vehicles.motion[i];
        motion.x = motion.x.min(self.road.length[to as usize]);
        motion.way = to;
        motion.stopped_at_line = false;
        self.stand_in_row(i, to);
        self.set_mood(i, Mood { look: 0.0, urge: 0.0, kerb: 0.0 });
        self.vehicles.mind[i].settle = (SETTLE_S / self.dt()) as u8;
        self.totals.lane_changes += 1;
    }
}
