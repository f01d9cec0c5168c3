//! The speed that each driver chooses: from the vehicle ahead to the last line that it may have to stop at.

use super::{
    chance,
    change::SHORT_LINK,
    follow::Driver,
    right_of_way::{Approach, LINE_GAP, STANDING, Scene, Why},
};
use crate::vehicles::{NONE, UNKNOWN};
use std::ops::Range;

/// How far ahead, in time, others can see that somebody comes, s: the longest gap that a turning driver looks for.
const SEEN_AHEAD_S: f64 = 8.0;

/// What a driver decided.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice {
    /// Speed before dawdling.
    pub(crate) speed: f64,
    /// For the first vehicle of a way: who is ahead beyond the way's end, and the metres to its rear.
    pub(crate) ahead: Option<(u32, f64)>,
}

/// What the drivers on some ways chose.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chosen {
    /// Vehicles and their speeds, m/s.
    pub(crate) speeds: Vec<(u32, f64)>,
    pub(crate) approaches: Vec<Approach>,
    /// Those whose choice depends on somebody beyond their way: (vehicle, ahead, metres to its rear).
    pub(crate) ahead: Vec<(u32, u32, f64)>,
    /// Ways whose end the first vehicle means to pass; it may come to drive slower, never faster.
    pub(crate) over: Vec<u32>,
}

impl Scene<'_> {
    /// Lets everybody on those ways choose. It reads the state at the start of the step, so ways may be taken in any order,
    /// or at once.
    pub(crate) fn choose_rows(&self, ways: Range<usize>, seed: u64, step: u64, chosen: &mut Chosen) {
        let (vehicles, dt) = (self.vehicles, self.dt);
        chosen.speeds.clear();
        chosen.approaches.clear();
        chosen.ahead.clear();
        chosen.over.clear();
        for way in self.rows.taken(ways) {
            // The one ahead on this way, and what it chose.
            let mut leader: Option<(usize, f64)> = None;
            for &i in self.rows[way].iter().rev() {
                let i = i as usize;
                let speed = if vehicles.mind[i].dwell > 0.0 {
                    0.0
                } else {
                    let first = chosen.approaches.len();
                    let choice = self.choose(i, way as u32, leader.map(|l| l.0), &mut chosen.approaches);
                    let driver = self.driver(i);
                    let random = chance(seed, u64::from(i as u32) | 1 << 40, step);
                    // Dawdling never makes anybody brake harder than is comfortable.
                    let least = choice.speed.min((vehicles.motion[i].v - driver.decel * dt).max(0.0));
                    let mut speed = driver.dawdle(choice.speed.max(0.0), random).max(least);
                    if let Some((j, foe_speed)) = leader {
                        // However hard the leader brakes in this very step, nobody runs into it.
                        let free = vehicles.motion[j].x + foe_speed * dt
                            - self.driver(j).length
                            - vehicles.motion[i].x;
                        speed = speed.min((free / dt).max(0.0));
                    }
                    if let Some((j, metres)) = choice.ahead {
                        chosen.ahead.push((i as u32, j, metres));
                    }
                    for approach in &mut chosen.approaches[first..] {
                        approach.distance -= speed * dt;
                    }
                    speed
                };
                chosen.speeds.push((i as u32, speed));
                if leader.is_none() && vehicles.motion[i].x + speed * dt > self.road.length[way] {
                    chosen.over.push(way as u32);
                }
                leader = Some((i, speed));
            }
        }
    }

    /// Chooses the speed of vehicle `i` on `way`; `leader` is the vehicle ahead on the same way.
    pub(crate) fn choose(
        &self,
        i: usize,
        way: u32,
        leader: Option<usize>,
        approaches: &mut Vec<Approach>,
    ) -> Choice {
        let (road, vehicles, dt) = (self.road, self.vehicles, self.dt);
        let me = self.driver(i);
        let (x, v) = (vehicles.motion[i].x, vehicles.motion[i].v);
        let wish = (road.speed[way as usize] * vehicles.mind[i].factor).min(me.max_speed);
        // A lower limit is reached by braking comfortably, not at once.
        let mut safe = (v + me.accel * dt).min(wish.max(v - me.decel * dt));
        if let Some(j) = leader {
            let foe = self.driver(j);
            let gap = vehicles.motion[j].x - foe.length - x - me.min_gap;
            safe = me.at_most_behind(safe, gap, vehicles.motion[j].v, foe);
        }
        if vehicles.mind[i].lets_in != NONE {
            safe = safe.min(self.courtesy(i, me));
        }
        if vehicles.mind[i].halt_link == road.link[way as usize] && road.movement(way).is_none() {
            let left = vehicles.mind[i].halt_at - x;
            if left > -1.0 {
                safe = me.at_most_to_stop_within(safe, left.max(0.0));
            }
        }
        if vehicles.mind[i].ends_at < f64::INFINITY {
            safe = safe.min(self.slow_down_to_arrive(i, me));
        }
        let to_end = road.length[way as usize] - x;
        let mut choice = Choice { speed: safe, ahead: None };
        // Behind somebody who stands on the same way there is nothing to see.
        if leader.is_some_and(|j| vehicles.motion[j].v < STANDING && v < 2.0) {
            return choice;
        }
        let fastest = v + me.accel * dt;
        let look =
            (me.brake_gap(fastest) + fastest * dt + LINE_GAP + 1.0).max(me.covered_in(SEEN_AHEAD_S, v, wish));
        // Inside a junction one looks at the others however slowly one goes.
        if to_end < look || road.movement(way).is_some() {
            self.look_ahead(i, way, to_end, look, leader, &mut choice, approaches);
        }
        choice
    }

    /// Walks along the path beyond the end of the way, `to_end` metres ahead.
    #[expect(clippy::too_many_arguments, reason = "one walk, its start and its two outputs")]
    fn look_ahead(
        &self,
        i: usize,
        way: u32,
        to_end: f64,
        look: f64,
        leader: Option<usize>,
        choice: &mut Choice,
        approaches: &mut Vec<Approach>,
    ) {
        let (road, vehicles) = (self.road, self.vehicles);
        let me = self.driver(i);
        let mut distance = to_end;
        // A leader on our own way hides those beyond only if it goes where we go.
        let same_way = leader.is_some_and(|j| vehicles.mind[j].path[0] == vehicles.mind[i].path[0]);
        let mut following = same_way;
        if let Some(m) = road.movement(way) {
            let before = -vehicles.motion[i].x;
            choice.speed = choice.speed.min(self.inside(i, m, before).0);
            self.beside_inside(i, m, choice);
            let lane = road.to[m as usize];
            following |= leader.is_some();
            self.enter_lane(i, lane, distance, &mut following, choice);
            distance += road.length[lane as usize];
        } else if leader.is_none() {
            self.tails_at_end(i, way, to_end, choice);
        }
        for (k, &m) in vehicles.mind[i].path.iter().enumerate() {
            if distance >= look || m == UNKNOWN {
                return;
            }
            if m == NONE {
                if !vehicles.mind[i].path_arrives {
                    // The lane leads elsewhere: wait at its end to be let over.
                    let lane = if k == 0 {
                        road.movement(way).map_or(way, |m| road.to[m as usize])
                    } else {
                        road.to[vehicles.mind[i].path[k - 1] as usize]
                    };
                    let gap = LINE_GAP.min(0.5 * road.length[lane as usize]);
                    choice.speed = me.at_most_to_stop_within(choice.speed, distance - gap);
                }
                return;
            }
            if k == 0 && road.movement(way).is_none() && self.dead_end_beyond(i, m) {
                choice.speed = me.at_most_to_stop_within(choice.speed, distance - LINE_GAP);
                return;
            }
            let stops = self.must_stop(i, m, distance);
            approaches.push(Approach::new(i as u32, m, distance, stops));
            if let Some(why) = stops {
                let gap = if why == Why::Yield { 0.1 } else { LINE_GAP };
                choice.speed = me.at_most_to_stop_within(choice.speed, distance - gap);
                return;
            }
            let turn = road.way(m);
            choice.speed = self.slow_down_to(i, choice.speed, turn, distance);
            if let Some(&j) = self.rows[turn].first().filter(|_| !following) {
                self.follow_beyond(i, j as usize, distance, choice);
                following = true;
            }
            let (speed, waits) = self.inside(i, m, distance);
            choice.speed = choice.speed.min(speed);
            if let Some(approach) = approaches.last_mut().filter(|_| waits) {
                // Past the line, but not in anybody's way.
                approach.stops = Some(Why::Yield);
            }
            distance += road.length[turn];
            let lane = road.to[m as usize];
            if distance >= look {
                return;
            }
            self.enter_lane(i, lane, distance, &mut following, choice);
            distance += road.length[lane as usize];
        }
    }

    /// Whether the lane beyond a movement leads elsewhere and is too short to change lanes on, while another
    /// lane here would do: then the change must happen before.
    fn dead_end_beyond(&self, i: usize, movement: u32) -> bool {
        let (road, v) = (self.road, self.vehicles);
        if v.mind[i].path[1] != NONE || v.mind[i].path_arrives {
            return false;
        }
        let here = v.motion[i].way;
        let lanes = road.link_lanes[road.link[here as usize] as usize].len();
        let own = v.reach(i, road.lane_number(here));
        let short = road.length[road.to[movement as usize] as usize] < SHORT_LINK * self.driver(i).length;
        short && (0..lanes).any(|l| v.reach(i, l) > own + 1.0)
    }

    /// What a lane that begins `distance` metres ahead asks for: its limit, its last vehicle, a halt.
    fn enter_lane(&self, i: usize, lane: u32, distance: f64, following: &mut bool, choice: &mut Choice) {
        let me = self.driver(i);
        choice.speed = self.slow_down_to(i, choice.speed, lane as usize, distance);
        if let Some(&j) = self.rows[lane as usize].first().filter(|_| !*following) {
            self.follow_beyond(i, j as usize, distance, choice);
            *following = true;
        }
        if self.vehicles.mind[i].halt_link == self.road.link[lane as usize] {
            let left = distance + self.vehicles.mind[i].halt_at;
            choice.speed = me.at_most_to_stop_within(choice.speed, left);
        }
    }

    /// Inside the junction: crossing and joining traffic, and the place where a turn waits. Says too whether it must wait there.
    fn inside(&self, i: usize, movement: u32, before: f64) -> (f64, bool) {
        let people = self.among_people(i, movement, before);
        if self.road.conflicts(movement).is_empty() {
            return (people, false);
        }
        let mut safe = self.among_crossing(i, movement, before).min(people);
        let wait_at = self.road.wait_at[movement as usize];
        let left = before + wait_at;
        // Past the waiting place (by more than rounding) a driver goes on.
        let waits = wait_at > 0.0 && left > -0.2 && self.must_wait_inside(i, movement, before, left);
        if waits {
            safe = self.driver(i).at_most_to_stop_within(safe, left.max(0.0));
        }
        (safe, waits)
    }

    fn follow_beyond(&self, i: usize, j: usize, distance: f64, choice: &mut Choice) {
        let (me, foe) = (self.driver(i), self.driver(j));
        let to_rear = distance + self.vehicles.motion[j].x - foe.length;
        choice.speed = me.at_most_behind(choice.speed, to_rear - me.min_gap, self.vehicles.motion[j].v, foe);
        if choice.ahead.is_none_or(|(_, metres)| to_rear < metres) {
            choice.ahead = Some((j as u32, to_rear));
        }
    }

    /// Vehicles that left this lane for other movements, and whose tails still hang back over its end, or are where the
    /// ways have not parted yet.
    fn tails_at_end(&self, i: usize, lane: u32, to_end: f64, choice: &mut Choice) {
        let own = self.vehicles.mind[i].path[0];
        let siblings = if own < UNKNOWN { self.road.siblings(own) } else { &[] };
        for m in self.road.leaving[lane as usize].clone().filter(|m| self.busy[*m as usize] > 0) {
            let turn = self.road.way(m);
            let clear = siblings.iter().find(|s| s.other == m).map_or(0.0, |s| s.other_parts_at);
            let in_the_way = |j: usize, x: f64| x < self.driver(j).length + clear;
            if let Some(&j) = self.rows[turn].first() {
                if in_the_way(j as usize, self.vehicles.motion[j as usize].x) {
                    self.follow_beyond(i, j as usize, to_end, choice);
                }
                continue;
            }
            if let Some(&j) = self.rows[self.road.to[m as usize] as usize].first() {
                let (j, beyond) = (j as usize, self.road.length[turn]);
                if self.vehicles.motion[j].tail == m && in_the_way(j, self.vehicles.motion[j].x + beyond) {
                    self.follow_beyond(i, j, to_end + beyond, choice);
                }
            }
        }
    }

    /// Those ahead on other movements from the same lane, until the ways have parted.
    fn beside_inside(&self, i: usize, movement: u32, choice: &mut Choice) {
        let x = self.vehicles.motion[i].x;
        for s in self.road.siblings(movement) {
            if self.busy[s.other as usize] == 0 || x >= s.parts_at {
                continue;
            }
            for &j in &self.rows[self.road.way(s.other)] {
                let j = j as usize;
                let rear = self.vehicles.motion[j].x - self.driver(j).length;
                if (self.vehicles.motion[j].x, j) > (x, i) && rear < s.other_parts_at {
                    self.follow_beyond(i, j, -x, choice);
                }
            }
        }
    }

    /// Fastest speed now, no more than `most`, from which the limit of a way `distance` metres ahead is kept by comfortable braking.
    fn slow_down_to(&self, i: usize, most: f64, way: usize, distance: f64) -> f64 {
        let limit = self.road.speed[way] * self.vehicles.mind[i].factor;
        if limit >= most {
            return most;
        }
        let me = self.driver(i);
        let b = me.decel * self.dt;
        let fast = (b * b + limit * limit + 2.0 * me.decel * distance.max(0.0)).sqrt() - b;
        most.min(fast.max(limit))
    }

    /// Fastest speed from which vehicle `i`, on its last link, comes to its trip's end as slowly as it shall, as far as that is
    /// comfortable braking.
    fn slow_down_to_arrive(&self, i: usize, me: &Driver) -> f64 {
        let last = self.vehicles.cold[i].arrival.speed;
        let (b, left) =
            (me.decel * self.dt, (self.vehicles.mind[i].ends_at - self.vehicles.motion[i].x).max(0.0));
        let fast = (b * b + last * last + 2.0 * me.decel * left).sqrt() - b;
        fast.max(last).max(self.vehicles.motion[i].v - b)
    }

    /// Opens a gap for somebody who must come over, braking no harder than is comfortable.
    fn courtesy(&self, i: usize, me: &Driver) -> f64 {
        let j = self.vehicles.mind[i].lets_in as usize;
        if self.vehicles.motion[j].way == NONE {
            return f64::INFINITY;
        }
        let foe = self.driver(j);
        let gap = self.vehicles.mind[i].lets_in_gap - foe.length - me.min_gap;
        let gentle = self.vehicles.motion[i].v - me.decel * self.dt;
        me.behind(gap, self.vehicles.motion[j].v, foe).max(gentle).max(0.0)
    }
}
