//! Who may go: signals, signs, gaps between others, and room beyond the junction.
//!
//! Everything here reads the state at the start of the step and writes nothing, so vehicles can be asked in
//! any order, or at once.

use super::{
    Lamps,
    follow::{Driver, speed_after, time_to_cover},
    people::People,
    rights::{Right, Shown},
    road::{Conflict, Road},
    rows::Rows,
};
use crate::vehicles::{NONE, UNKNOWN, Vehicles};
use model::signal::Lamp;

/// From here a driver on a side street sees who comes, m before the line (SUMO's foe visibility).
pub(crate) const SEES_FROM: f64 = 4.5;
/// How far before the line one stops at a signal, m (SUMO's `jmStoplineGap`).
pub(crate) const LINE_GAP: f64 = 1.0;
/// Air between two who cross, s.
const CROSSING_GAP_S: f64 = 1.0;
/// A wait after which drivers count on others to brake as hard as is comfortable, s (SUMO's `time-to-impatience`); before,
/// less hard in proportion.
const PATIENCE_S: f32 = 180.0;
/// Whoever could brake to a stop is taken to come so much later, s.
const STOPS_S: f64 = 30.0;
/// Slower than this, m/s, is standing.
pub(crate) const STANDING: f64 = 0.1;
/// Whoever is further than this past the place where it should have stopped, m, is in the way of others, and must get
/// out; nobody may be both held there and in the way.
const PAST: f64 = 0.3;
/// Of two who stand in each other's way inside a junction the one that entered it first goes first, past the other, once it has
/// stood for so long, s (SUMO's `MSVehicle::isLeader`, by the time at the conflict; SUMO's drivers do not stop for it).
const FINDS_OUT_S: f32 = 1.0;
/// Those whose rear still stands inside find a way past each other after so long, s: otherwise a full network
/// would stand for ever, and SUMO would move somebody by hand.
pub(super) const SQUEEZE_S: f32 = 20.0;
/// How many vehicles beyond a junction are looked at for room.
const ROOM_DEPTH: usize = 16;
/// How many lanes, one after the other.
const LANES_OF_ROOM: usize = 3;

/// Why somebody stops at a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Why {
    /// The lamp.
    Signal,
    /// No room beyond.
    Room,
    /// Others go first.
    Yield,
}

/// What a driver means to do at a movement ahead, as others see it in the next step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Approach {
    pub(crate) vehicle: u32,
    pub(crate) movement: u32,
    /// Metres to the movement's start.
    pub(crate) distance: f64,
    pub(crate) stops: Option<Why>,
    /// The next in the movement's list.
    next: u32,
}

impl Approach {
    pub(crate) fn new(vehicle: u32, movement: u32, distance: f64, stops: Option<Why>) -> Approach {
        Approach { vehicle, movement, distance, stops, next: NONE }
    }
}

/// All approaches, by movement.
#[derive(Clone, Debug, Default)]
pub(crate) struct Approaches {
    first: Vec<u32>,
    list: Vec<Approach>,
}

impl Approaches {
    pub(crate) fn new(movements: usize) -> Approaches {
        Approaches { first: vec![NONE; movements], list: Vec::new() }
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        for a in self.list.drain(..) {
            self.first[a.movement as usize] = NONE;
        }
    }

    pub(crate) fn extend(&mut self, approaches: &[Approach]) {
        for approach in approaches {
            let place = self.list.len() as u32;
            let next = std::mem::replace(&mut self.first[approach.movement as usize], place);
            self.list.push(Approach { next, ..*approach });
        }
    }

    pub(crate) fn of(&self, movement: u32) -> impl Iterator<Item = &Approach> {
        let mut at = self.first[movement as usize];
        std::iter::from_fn(move || {
            let a = self.list.get(at as usize)?;
            at = a.next;
            Some(a)
        })
    }
}

/// The state at the start of a step.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub(crate) road: &'a Road,
    pub(crate) drivers: &'a [Driver],
    pub(crate) vehicles: &'a Vehicles,
    /// Vehicles per way, the last one first.
    pub(crate) rows: &'a Rows,
    /// Per movement: vehicles with any part on it.
    pub(crate) busy: &'a [u16],
    /// What drivers meant to do in the last step.
    pub(crate) approaches: &'a Approaches,
    pub(crate) lamps: Lamps<'a>,
    /// Per movement: what signs and lamps say of it.
    pub(crate) shown: &'a [Shown],
    pub(crate) people: &'a People,
    pub(crate) dt: f64,
}

impl Scene<'_> {
    pub(crate) fn driver(&self, i: usize) -> &Driver {
        &self.drivers[usize::from(self.vehicles.motion[i].kind)]
    }

    fn right(&self, movement: u32) -> Right {
        self.shown[movement as usize].right
    }

    /// Whether vehicle `i`, `distance` metres before the movement, must stop at its line, and why.
    pub(crate) fn must_stop(&self, i: usize, movement: u32, distance: f64) -> Option<Why> {
        let right = self.right(movement);
        let can_stop = distance >= self.driver(i).brake_gap(self.vehicles.motion[i].v);
        match right {
            Right::Closed => return Some(Why::Signal),
            Right::Ending if can_stop => return Some(Why::Signal),
            _ => {}
        }
        if can_stop && !self.has_room(i, movement) {
            return Some(Why::Room);
        }
        if can_stop && self.people_before_line(i, movement, distance) {
            return Some(Why::Yield);
        }
        let all = match right {
            // It waits inside.
            Right::GiveWay if self.road.wait_at[movement as usize] > 0.0 => return None,
            Right::GiveWay => false,
            Right::AfterStop { all } => {
                if !self.vehicles.motion[i].stopped_at_line {
                    return Some(if all { Why::Signal } else { Why::Yield });
                }
                all
            }
            Right::Protected | Right::Ending | Right::Closed => return None,
        };
        let blind = distance > SEES_FROM && can_stop;
        let comes = || self.any_comes(i, movement, distance, distance, |c| c.yields || all);
        (blind || comes()).then_some(Why::Yield)
    }

    /// Whether vehicle `i` must wait inside the junction, `distance` metres before the waiting place (its
    /// front is `before` metres before the movement's start; negative once it is on it).
    pub(crate) fn must_wait_inside(&self, i: usize, movement: u32, before: f64, distance: f64) -> bool {
        let blind = distance > SEES_FROM && distance >= self.driver(i).brake_gap(self.vehicles.motion[i].v);
        // A protected turn has nobody to wait for: its foes are held by their own red.
        blind && self.right(movement) != Right::Protected
            // Whose green comes after its own must let it out.
            || self.any_comes(i, movement, before, distance, |c| c.yields && c.together)
    }

    /// Whether one of those comes too close.
    fn any_comes(
        &self,
        i: usize,
        movement: u32,
        before: f64,
        gate: f64,
        of: impl Fn(&Conflict) -> bool,
    ) -> bool {
        let mut conflicts = self.road.conflicts(movement).iter().filter(|c| of(c));
        conflicts.any(|c| self.foe_comes(i, movement, before, gate, c))
    }

    /// Whether somebody on the other movement is too close for vehicle `i`, which would pass its line, or the place
    /// where it waits inside, in `gate` metres: one must have left the junction before the other enters it (SUMO's
    /// `MSLink::blockedByFoe`). Whoever is inside already is seen by [`Scene::among_crossing`].
    fn foe_comes(&self, i: usize, movement: u32, before: f64, gate: f64, c: &Conflict) -> bool {
        let (road, vehicles) = (self.road, self.vehicles);
        let mut approaching = self.approaches.of(c.foe).peekable();
        if approaching.peek().is_none() || self.shown[c.foe as usize].is_held() {
            return false;
        }
        let (own_way, foe_way) = (road.way(movement), road.way(c.foe));
        let (me, v) = (self.driver(i), vehicles.motion[i].v);
        let top = road.speed[own_way] * vehicles.mind[i].factor;
        let way_out = before + road.length[own_way] + me.length;
        let arrive = time_to_cover(gate, v, me.accel, top);
        let leave = time_to_cover(way_out, v, me.accel, top);
        let hurry = f64::from((vehicles.motion[i].waiting / PATIENCE_S).min(1.0));
        // How far somebody rolls until it stands.
        let runs_on = |speed: f64, who: &Driver| speed * speed / who.decel;
        approaching.any(|a| {
            let j = a.vehicle as usize;
            // Past its line it is among those inside.
            if j == i || vehicles.motion[j].way == NONE || a.distance <= 0.0 {
                return false;
            }
            match a.stops {
                Some(Why::Signal) if !self.starts(a) => return false,
                // Where both go to the same lane the room may come for both at once.
                Some(Why::Room) if !c.joins || vehicles.motion[j].v < STANDING => return false,
                Some(Why::Yield) if vehicles.motion[j].v < STANDING && self.waits_longer(i, j) => {
                    return false;
                }
                _ => {}
            }
            let (foe, vf) = (self.driver(j), vehicles.motion[j].v);
            let foe_speed = road.speed[road.from[c.foe as usize] as usize].min(road.speed[foe_way]);
            let foe_top = (foe_speed * vehicles.mind[j].factor).max(vf);
            let free_s = time_to_cover(a.distance, vf, foe.accel, foe_top);
            let (foe_arrives, braked) = match hurry > 0.0 && arrive < free_s {
                true => made_to_brake(a.distance, free_s, arrive, foe.decel, hurry),
                false => (free_s, (vf * vf - 2.0 * foe.decel * a.distance).max(0.0).sqrt()),
            };
            if leave + CROSSING_GAP_S < foe_arrives {
                // Before it; it must be able to brake behind us if we go the same way.
                let out = speed_after(way_out, v, me.accel, top);
                return c.joins && runs_on(out, me) <= runs_on(braked, foe);
            }
            let foe_out = a.distance + road.length[foe_way] + foe.length;
            let foe_leaves = time_to_cover(foe_out, vf, foe.accel, foe_top);
            if a.stops.is_none() && foe_leaves < arrive {
                // After it; now we must be able to.
                let out = speed_after(foe_out, vf, foe.accel, foe_top);
                let close = arrive - foe_leaves < CROSSING_GAP_S;
                return c.joins
                    && (close || runs_on(out, foe) <= runs_on(speed_after(gate, v, me.accel, top), me));
            }
            true
        })
    }

    /// Whether a driver who stopped in the last step goes in this one, because its lamp has changed; a lamp that
    /// just ends has been obeyed.
    fn starts(&self, a: &Approach) -> bool {
        match a.stops {
            Some(Why::Signal) => self.shown[a.movement as usize].lamp.is_some_and(Lamp::is_go),
            Some(Why::Yield) => self.right(a.movement) == Right::Protected,
            Some(Why::Room) | None => false,
        }
    }

    /// Between two who stand and give way to each other the one that waits longer goes.
    fn waits_longer(&self, i: usize, j: usize) -> bool {
        let (a, b) = (self.vehicles.motion[i].waiting, self.vehicles.motion[j].waiting);
        self.vehicles.motion[i].v < STANDING && (a, j) > (b, i)
    }

    /// Whether there is room for vehicle `i` beyond a movement, so that its tail does not block others (keep clear).
    /// Those who drive there leave room behind them only as far as their own way goes on.
    fn has_room(&self, i: usize, movement: u32) -> bool {
        let road = self.road;
        if road.conflicts(movement).is_empty() {
            return true;
        }
        let takes = |j: u32| self.driver(j as usize).length + self.driver(j as usize).min_gap;
        let needed = takes(i as u32);
        let mut room = -self.rows[road.way(movement)].iter().map(|j| takes(*j)).sum::<f64>();
        // Metres to the rear of whoever stands, or all of the way, without those who drive.
        let free = |way: usize| {
            let mut moving = 0.0;
            for &j in self.rows[way].iter().take(ROOM_DEPTH) {
                if self.vehicles.motion[j as usize].v < STANDING {
                    return (
                        true,
                        self.vehicles.motion[j as usize].x - self.driver(j as usize).length - moving,
                    );
                }
                moving += takes(j);
            }
            (false, road.length[way] - moving)
        };
        let mut path = self.vehicles.mind[i].path.iter().skip_while(|m| **m != movement).take(LANES_OF_ROOM);
        let mut at = path.next().copied().unwrap_or(movement);
        loop {
            let (full, metres) = free(road.to[at as usize] as usize);
            room += metres;
            if full || room >= needed {
                return room >= needed;
            }
            match path.next() {
                Some(&m) if m < UNKNOWN => {
                    if matches!(self.right(m), Right::Closed | Right::Ending) {
                        return false;
                    }
                    if road.conflicts(m).is_empty() {
                        // Where nobody crosses one may stand.
                        let (full, metres) = free(road.way(m));
                        room += metres;
                        if full {
                            return room >= needed;
                        }
                    } else {
                        room -= self.rows[road.way(m)].iter().map(|j| takes(*j)).sum::<f64>();
                    }
                    at = m;
                }
                // Nobody stands as far as one sees.
                _ => return true,
            }
        }
    }

    /// Fastest speed that respects who is inside the junction: on crossing paths, and on joining ones ahead.
    /// `before` metres lie between the front and the movement's start; negative inside.
    pub(crate) fn among_crossing(&self, i: usize, movement: u32, before: f64) -> f64 {
        let (road, vehicles) = (self.road, self.vehicles);
        let me = self.driver(i);
        let v = vehicles.motion[i].v;
        let mut safe = f64::INFINITY;
        for c in road.conflicts(movement).iter().filter(|c| c.touches) {
            let foe_way = road.way(c.foe);
            if c.joins {
                let left = before + road.length[road.way(movement)];
                // Those who are about to enter and get there first are followed already: two streams that are
                // both let go would meet on the lane beyond. Whoever gives way has seen to it that we need not brake.
                let protected = || self.right(c.foe) == Right::Protected;
                let goes = |a: &&Approach| a.stops.is_none() || self.starts(a) && protected();
                let seen = (!c.foe_yields).then(|| self.approaches.of(c.foe));
                for a in seen.into_iter().flatten().filter(goes) {
                    let (j, foe_left) = (a.vehicle as usize, a.distance + road.length[foe_way]);
                    let on_its_way = vehicles.motion[j].way != NONE && a.distance > 0.0 && j != i;
                    if on_its_way && (foe_left, j) < (left, i) {
                        let gap = left - foe_left - self.driver(j).length - me.min_gap;
                        safe = me.at_most_behind(safe, gap, vehicles.motion[j].v, self.driver(j));
                    }
                }
                if self.busy[c.foe as usize] == 0 {
                    continue;
                }
                for &j in &self.rows[foe_way] {
                    let j = j as usize;
                    let foe_left = road.length[foe_way] - vehicles.motion[j].x;
                    let wait_at = road.wait_at[c.foe as usize];
                    let waits = vehicles.motion[j].x < wait_at + 0.5
                        && (wait_at > 0.0 || vehicles.motion[j].v < STANDING);
                    if (foe_left, j) < (left, i) && (c.yields || !waits) {
                        let gap = left - foe_left - self.driver(j).length - me.min_gap;
                        safe = me.at_most_behind(safe, gap, vehicles.motion[j].v, self.driver(j));
                    }
                }
                continue;
            }
            let room = before + c.stop_at;
            // Whoever is in already must get out.
            if room < -PAST || self.busy[c.foe as usize] == 0 {
                continue;
            }
            let first = |j: usize| {
                let order = |i: usize| (vehicles.mind[i].entered, i);
                before < 0.0
                    && order(i) < order(j)
                    && vehicles.motion[i].waiting >= FINDS_OUT_S
                    && vehicles.motion[j].v < STANDING
            };
            let blocks = |j: usize, x: f64| {
                let rear = x - self.driver(j).length;
                // Whoever goes first blocks from the line on, unless it is held up itself.
                let comes = c.yields && vehicles.motion[j].v >= STANDING;
                let inside = (comes || x > c.foe_enters + PAST) && rear < c.foe_clears;
                let stand =
                    before < 0.0 && vehicles.motion[i].waiting.min(vehicles.motion[j].waiting) > SQUEEZE_S;
                if !inside || stand {
                    return false;
                }
                let soon = (c.foe_clears - rear) / vehicles.motion[j].v.max(0.1);
                vehicles.motion[j].v < 1.0
                    || soon + 0.2 > time_to_cover(room, v, me.accel, road.speed[road.way(movement)])
            };
            let on_it = self.rows[foe_way].iter().any(|&j| {
                let j = j as usize;
                blocks(j, vehicles.motion[j].x) && !first(j)
            });
            let blocked = on_it || {
                let row = &self.rows[road.to[c.foe as usize] as usize];
                row.iter().take(2).any(|&j| {
                    let j = j as usize;
                    vehicles.motion[j].tail == c.foe && blocks(j, road.length[foe_way] + vehicles.motion[j].x)
                })
            };
            if blocked {
                safe = me.at_most_to_stop_within(safe, room.max(0.0));
            }
        }
        safe
    }
}

/// When somebody `metres` away, who would be there in `free_s`, arrives as an impatient driver sees it that enters in `enters_s`,
/// and how fast: it counts on the other to brake from then on, the harder the more of a `hurry` it is in (0 to 1).
fn made_to_brake(metres: f64, free_s: f64, enters_s: f64, decel: f64, hurry: f64) -> (f64, f64) {
    let speed = metres / free_s.max(1e-3);
    let (left, decel) = (metres - speed * enters_s, decel * hurry);
    let squared = speed * speed - 2.0 * decel * left;
    let (braked_s, then) = if squared <= 0.0 {
        (free_s + STOPS_S, 0.0)
    } else {
        (enters_s + (speed - squared.sqrt()) / decel, squared.sqrt())
    };
    ((1.0 - hurry) * free_s + hurry * braked_s, then)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(hurry: f64, expected_s: f64, expected_mps: f64) {
        // 40 m away at 10 m/s; the driver enters in 1 s, and the other then has 30 m.
        let (arrives_s, speed) = made_to_brake(40.0, 4.0, 1.0, 4.0, hurry);
        let right = (arrives_s - expected_s).abs() < 0.01 && (speed - expected_mps).abs() < 0.01;
        assert!(right, "with hurry {hurry}: in {arrives_s:.2} s at {speed:.2} m/s");
    }

    #[test]
    fn the_more_impatient_the_harder_others_are_thought_to_brake() {
        // With a quarter of 4 m/s²: t = (10 - √(100 - 60)) / 1 = 3.68 s for the 30 m, of which a quarter counts.
        check(0.25, 0.75 * 4.0 + 0.25 * 4.675, 6.325);
        // With half of it the other stops before the line.
        check(0.5, 0.5 * 4.0 + 0.5 * 34.0, 0.0);
    }
}
