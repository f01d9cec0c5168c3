//! People on foot: they walk to a crossing, wait there until they may go, and cross. Drivers stop for them.
//!
//! At a signal people start on steady green; at a marked crossing without one, or where the lamps are dark or flash amber,
//! as soon as whoever comes can stop for them, or, where people give way, in a gap. Drivers stop before a crossing for whoever is
//! on it, or is about to enter it and may, if that person will be in their lane before they have cleared it. Nobody keeps
//! to a side or walks around anybody: people do not hinder each other.

use super::{
    Lamps, TripFault, World,
    follow::time_to_cover,
    right_of_way::{STANDING, Scene, Why},
    rights::lamp_at,
    road::Meeting,
};
use crate::vehicles::NONE;
use model::{demand::Walk, signal::Lamp};
use std::collections::BTreeMap;

/// Somebody who will be at the kerb within this time is about to enter, s.
const ABOUT_TO_ENTER_S: f64 = 2.0;
/// Time between somebody on foot and a vehicle in the same place, s.
const APART_S: f64 = 1.0;
/// Whoever waits on a crossing for a vehicle to pass stands so far from its way, m.
const ELBOW_ROOM: f64 = 0.05;
/// Whoever stops for a crossing that begins nearer than this to the line, m, stops at the line.
const AT_LINE: f64 = 1.5;
/// Whoever is further than this past the place where it should have stopped, m, goes on.
const PAST: f64 = 0.3;

/// A report of somebody's way on foot, with the meanings of SUMO's tripinfo.
#[derive(Clone, PartialEq, Debug)]
pub struct WalkInfo {
    /// The person's name.
    pub id: String,
    /// When it set out, s.
    pub depart_s: f64,
    /// When it arrived, s; `None` while it is under way.
    pub arrival_s: Option<f64>,
    /// On its way, s.
    pub duration_s: f64,
    /// Length of its way, m.
    pub length_m: f64,
    /// Lost against walking on without a stop, s.
    pub time_loss_s: f64,
    /// Standing at crossings, s.
    pub waiting_s: f64,
    /// How fast it walks, m/s.
    pub speed_mps: f64,
}

/// Where a walker is.
#[derive(Clone, Copy, PartialEq, Debug)]
enum At {
    /// So many metres before the next crossing, or before its end.
    Pavement(f64),
    /// At the kerb.
    Kerb,
    /// So many metres from the kerb.
    Crossing(f64),
}

#[derive(Clone, Debug)]
struct Walker {
    walk: Walk,
    depart_ms: i64,
    /// The next crossing of the walk, or the one that it is on.
    next: usize,
    at: At,
    waiting_s: f64,
}

/// Somebody on a crossing, or about to enter it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Afoot {
    /// Metres from the kerb where it enters; below zero before it.
    walked: f64,
    /// From the crossing's beginning.
    forward: bool,
    speed: f64,
}

impl Afoot {
    /// Seconds until it comes to a piece of a crossing of that length, and until it has left it.
    fn there(&self, length: f64, meeting: &Meeting) -> (f64, f64) {
        let (from, to) = match self.forward {
            true => (meeting.from, meeting.to),
            false => (length - meeting.to, length - meeting.from),
        };
        ((from - self.walked) / self.speed, (to - self.walked) / self.speed)
    }
}

/// Everybody on foot.
#[derive(Clone, Debug, Default)]
pub(crate) struct People {
    /// By departure in ms, then by order of arrival here.
    future: BTreeMap<(i64, u64), Walk>,
    planned: u64,
    walkers: Vec<Walker>,
    /// Per crossing: who is on it, or about to enter it and may.
    near: Vec<Vec<Afoot>>,
    /// Crossings at which there is anybody.
    used: Vec<u32>,
    /// Who arrived in this step.
    pub(super) finished: Vec<WalkInfo>,
}

impl People {
    pub(super) fn new(crossings: usize) -> People {
        People { near: vec![Vec::new(); crossings], ..People::default() }
    }

    /// Whether nobody walks or will.
    pub(super) fn is_empty(&self) -> bool {
        self.future.is_empty() && self.walkers.is_empty()
    }

    /// Everything that a step changes, as bits.
    pub(super) fn columns(&self) -> impl Iterator<Item = u64> {
        self.walkers.iter().flat_map(|w| {
            let (place, metres) = match w.at {
                At::Pavement(metres) => (0, metres),
                At::Kerb => (1, 0.0),
                At::Crossing(metres) => (2, metres),
            };
            [w.next as u64, place, metres.to_bits(), w.waiting_s.to_bits()]
        })
    }

    /// How many are on a piece of a crossing of that length now.
    #[cfg(test)]
    pub(super) fn on_piece(&self, length: f64, meeting: &Meeting) -> usize {
        let there = |who: &&Afoot| {
            let (comes_s, gone_s) = who.there(length, meeting);
            who.walked > 0.0 && comes_s < 0.0 && gone_s > 0.0
        };
        self.near[meeting.crossing as usize].iter().filter(there).count()
    }

    /// Whether nobody is near any crossing: then no driver has to look.
    pub(super) fn nobody_near(&self) -> bool {
        self.used.is_empty()
    }
}

impl World {
    /// Plans somebody's way on foot.
    pub fn insert_walk(&mut self, walk: Walk) -> Result<(), TripFault> {
        let metres = |m: f64| m >= 0.0 && m.is_finite();
        let sound = walk
            .crossings
            .iter()
            .all(|c| metres(c.after_m) && c.crossing.ix() < self.road.crossing_length.len());
        if !(sound && metres(walk.rest_m) && walk.speed_mps > 0.0 && walk.depart_s.is_finite()) {
            return Err(TripFault::NoWalk);
        }
        self.people.planned += 1;
        let at_ms = (walk.depart_s * 1000.0).round() as i64;
        self.people.future.insert((at_ms, self.people.planned), walk);
        Ok(())
    }

    /// People on foot now.
    pub fn on_foot(&self) -> usize {
        self.people.walkers.len()
    }

    /// People whose departure has not come.
    pub fn walks_to_come(&self) -> usize {
        self.people.future.len()
    }

    /// Reports of those who arrived on foot in the last step.
    pub fn walked(&self) -> &[WalkInfo] {
        &self.people.finished
    }

    /// Reports of those still on foot.
    pub fn walking(&self) -> Vec<WalkInfo> {
        self.people.walkers.iter().map(|w| self.report_walk(w, None)).collect()
    }

    /// Everybody on foot takes a step. Whether they may enter a crossing they decide by where vehicles are as it begins.
    pub(super) fn walk(&mut self, lamps: &Lamps<'_>) {
        let mut people = std::mem::take(&mut self.people);
        while let Some(entry) = people.future.first_entry().filter(|e| e.key().0 <= self.now_ms) {
            let walk = entry.remove();
            let first_m = walk.crossings.first().map_or(walk.rest_m, |c| c.after_m);
            people.walkers.push(Walker {
                walk,
                depart_ms: self.now_ms,
                next: 0,
                at: At::Pavement(first_m),
                waiting_s: 0.0,
            });
        }
        for crossing in people.used.drain(..) {
            people.near[crossing as usize].clear();
        }
        let scene = self.scene(lamps);
        let mut arrived = Vec::new();
        let end_ms = self.now_ms + i64::from(self.options.step_ms);
        people.walkers.retain_mut(|walker| {
            let goes_on = scene.step_on_foot(walker);
            if !goes_on {
                arrived.push(self.report_walk(walker, Some(end_ms)));
            }
            goes_on
        });
        for walker in &people.walkers {
            let Some((crossing, afoot)) = scene.near_crossing(walker) else { continue };
            if people.near[crossing as usize].is_empty() {
                people.used.push(crossing);
            }
            people.near[crossing as usize].push(afoot);
        }
        people.finished = arrived;
        self.people = people;
    }

    fn report_walk(&self, walker: &Walker, at_ms: Option<i64>) -> WalkInfo {
        let walk = &walker.walk;
        let across = walk.crossings.iter().map(|c| c.after_m + self.road.crossing_length[c.crossing.ix()]);
        let length_m = across.sum::<f64>() + walk.rest_m;
        let duration_s = (at_ms.unwrap_or(self.now_ms) - walker.depart_ms) as f64 / 1000.0;
        WalkInfo {
            id: walk.id.clone(),
            depart_s: walker.depart_ms as f64 / 1000.0,
            arrival_s: at_ms.map(|ms| ms as f64 / 1000.0),
            duration_s,
            length_m,
            time_loss_s: match at_ms {
                Some(_) => (duration_s - length_m / walk.speed_mps).max(0.0),
                None => walker.waiting_s,
            },
            waiting_s: walker.waiting_s,
            speed_mps: walk.speed_mps,
        }
    }
}

impl Scene<'_> {
    /// Moves somebody on by a step; `false` if it has arrived.
    fn step_on_foot(&self, walker: &mut Walker) -> bool {
        let speed = walker.walk.speed_mps;
        let mut left = speed * self.dt;
        loop {
            match walker.at {
                At::Pavement(metres) if metres > left => {
                    walker.at = At::Pavement(metres - left);
                    return true;
                }
                At::Pavement(metres) => {
                    if walker.next == walker.walk.crossings.len() {
                        return false;
                    }
                    left -= metres;
                    walker.at = At::Kerb;
                }
                At::Kerb => {
                    let across = walker.walk.crossings[walker.next];
                    let afoot = Afoot { walked: 0.0, forward: across.forward, speed };
                    if !self.may_enter(across.crossing.0, &afoot) {
                        walker.waiting_s += left / speed;
                        return true;
                    }
                    walker.at = At::Crossing(0.0);
                }
                At::Crossing(walked) => {
                    let across = walker.walk.crossings[walker.next];
                    let afoot = Afoot { walked, forward: across.forward, speed };
                    let free = self.free_to_walk(across.crossing.0, &afoot, left);
                    if free < left {
                        walker.at = At::Crossing(walked + free);
                        walker.waiting_s += (left - free) / speed;
                        return true;
                    }
                    let length = self.road.crossing_length[across.crossing.ix()];
                    if walked + left < length {
                        walker.at = At::Crossing(walked + left);
                        return true;
                    }
                    left -= length - walked;
                    walker.next += 1;
                    let beyond = walker.walk.crossings.get(walker.next);
                    walker.at = At::Pavement(beyond.map_or(walker.walk.rest_m, |c| c.after_m));
                }
            }
        }
    }

    /// The crossing that somebody is on, or is about to enter and may.
    fn near_crossing(&self, walker: &Walker) -> Option<(u32, Afoot)> {
        let across = walker.walk.crossings.get(walker.next)?;
        let (crossing, speed) = (across.crossing.0, walker.walk.speed_mps);
        let walked = match walker.at {
            At::Crossing(walked) => walked,
            At::Kerb if self.goes_first(crossing) => 0.0,
            At::Pavement(metres) if metres < speed * ABOUT_TO_ENTER_S && self.goes_first(crossing) => -metres,
            At::Kerb | At::Pavement(_) => return None,
        };
        Some((crossing, Afoot { walked, forward: across.forward, speed }))
    }

    /// What people see at a crossing: `None` where no lamp decides.
    fn lamp_for_people(&self, crossing: u32) -> Option<Lamp> {
        let lamp = self.road.crossing_head[crossing as usize].and_then(|head| lamp_at(&self.lamps, head));
        lamp.filter(|lamp| !matches!(lamp, Lamp::Dark | Lamp::FlashingAmber))
    }

    /// Whether drivers must let people go who stand there.
    fn goes_first(&self, crossing: u32) -> bool {
        match self.lamp_for_people(crossing) {
            Some(lamp) => lamp == Lamp::Green,
            None => !self.road.people_yield[crossing as usize],
        }
    }

    /// Whether somebody at the kerb may enter now: its lamp is green, and no vehicle comes that will not stop.
    fn may_enter(&self, crossing: u32, who: &Afoot) -> bool {
        let lamp = self.lamp_for_people(crossing);
        if lamp.is_some_and(|lamp| lamp != Lamp::Green) {
            return false;
        }
        let in_a_gap = lamp.is_none() && self.road.people_yield[crossing as usize];
        let length = self.road.crossing_length[crossing as usize];
        self.road
            .met_by(crossing)
            .iter()
            .all(|(m, meeting)| self.keep_clear(*m, meeting, length, who, in_a_gap))
    }

    /// How far of `metres` somebody on a crossing can walk now: not into the way of a vehicle that will not stop.
    fn free_to_walk(&self, crossing: u32, who: &Afoot, metres: f64) -> f64 {
        let length = self.road.crossing_length[crossing as usize];
        let next = self.road.met_by(crossing).iter().filter_map(|(m, meeting)| {
            let to_piece = who.there(length, meeting).0 * who.speed;
            let enters = (0.0..metres).contains(&to_piece);
            (enters && !self.keep_clear(*m, meeting, length, who, false)).then_some(to_piece)
        });
        next.fold(metres, |free, to_piece| free.min((to_piece - ELBOW_ROOM).max(0.0)))
    }

    /// Whether all vehicles on a movement, and those that come to it, keep clear of somebody where it meets a crossing of that
    /// length: they can stop before, which does not count `in_a_gap`, or the two are not there at the same time.
    fn keep_clear(&self, movement: u32, meeting: &Meeting, length: f64, who: &Afoot, in_a_gap: bool) -> bool {
        let (road, vehicles) = (self.road, self.vehicles);
        let (way, lane) = (road.way(movement), road.to[movement as usize] as usize);
        let (comes_s, gone_s) = who.there(length, meeting);
        // Of vehicle `j`, its front at `x` on the movement.
        let clear = |j: usize, x: f64, stops: bool| {
            let (driver, v) = (self.driver(j), vehicles.motion[j].v);
            let (room, out) = (meeting.stop_at - x, meeting.clear_at + driver.length - x);
            if out <= 0.0 || v < STANDING {
                return true;
            }
            let can_stop = driver.brake_gap(v) <= room && !in_a_gap;
            if room >= 0.0 && (stops || can_stop) {
                return true;
            }
            let top = v.max(road.speed[way]);
            let arrives_s = time_to_cover(room.max(0.0), v, driver.accel, top);
            let leaves_s = time_to_cover(out, v, driver.accel, top);
            leaves_s + APART_S <= comes_s || gone_s + APART_S <= arrives_s
        };
        self.rows[way].iter().all(|&j| clear(j as usize, vehicles.motion[j as usize].x, false))
            && self.rows[lane]
                .iter()
                .take(2)
                .filter(|j| vehicles.motion[**j as usize].tail == movement)
                .all(|&j| clear(j as usize, road.length[way] + vehicles.motion[j as usize].x, false))
            && self.approaches.of(movement).all(|a| {
                let j = a.vehicle as usize;
                let comes = vehicles.motion[j].way != NONE && a.distance > 0.0;
                !comes || clear(j, -a.distance, a.stops == Some(Why::Signal))
            })
    }

    /// Whether vehicle `i`, `distance` metres before a movement, waits at its line for people on a crossing there.
    pub(crate) fn people_before_line(&self, i: usize, movement: u32, distance: f64) -> bool {
        !self.people.nobody_near()
            && self
                .road
                .meetings(movement)
                .iter()
                .any(|meeting| meeting.stop_at <= AT_LINE && self.people_stop(i, movement, distance, meeting))
    }

    /// Fastest speed at which vehicle `i`, `before` metres before a movement (negative on it), stops for people who are in
    /// its way; infinite without any, or if it cannot stop any more: then people wait.
    pub(crate) fn among_people(&self, i: usize, movement: u32, before: f64) -> f64 {
        if self.people.nobody_near() {
            return f64::INFINITY;
        }
        let me = self.driver(i);
        let meetings = self.road.meetings(movement).iter();
        let stops = meetings.filter(|meeting| self.people_stop(i, movement, before, meeting));
        stops
            .map(|meeting| me.stop_within((before + meeting.stop_at.max(0.0)).max(0.0)))
            .fold(f64::INFINITY, f64::min)
    }

    /// Whether somebody on foot is in the way of vehicle `i` where its movement meets a crossing, and it can stop before.
    fn people_stop(&self, i: usize, movement: u32, before: f64, meeting: &Meeting) -> bool {
        let near = &self.people.near[meeting.crossing as usize];
        if near.is_empty() {
            return false;
        }
        let (me, v) = (self.driver(i), self.vehicles.motion[i].v);
        let room = before + meeting.stop_at.max(0.0);
        if room < -PAST || me.brake_gap(v) > room.max(0.0) + PAST {
            return false;
        }
        let length = self.road.crossing_length[meeting.crossing as usize];
        let top = self.road.speed[self.road.way(movement)] * self.vehicles.mind[i].factor;
        let leaves_s = time_to_cover(before + meeting.clear_at + me.length, v, me.accel, top);
        near.iter().any(|who| {
            let (comes_s, gone_s) = who.there(length, meeting);
            gone_s > 0.0 && comes_s < leaves_s + APART_S
        })
    }
}
