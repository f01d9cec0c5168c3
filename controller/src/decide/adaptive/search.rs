//! The search: which stage to run now so that the next half minute costs least.
//!
//! Each lane is a queue that leaves in order. A vehicle crosses the stop line at the latest of its own arrival,
//! its leader's departure and a headway, and the start of green with its start-up loss; a red signal, a stream to
//! which it must give way, or a full receiving lane holds it, and with it everybody behind. Over that model a beam
//! search walks through stage sequences: from every situation it tries each stage that the minimum green allows,
//! lives through the interstage, and keeps the few best of each stage.
//!
//! Plain numbers in, plain numbers out: no clock, no allocation once [`Scratch`] has grown, and the same
//! [`Situation`] always gives the same [`Answer`].

use serde::{Deserialize, Serialize};

/// Most lanes with traffic that one search can follow; junctions with more leave out the emptiest.
pub(crate) const MOST_LANES: usize = 48;
/// Most receiving lanes with a bound on their room.
pub(crate) const MOST_OUTS: usize = 48;
/// Most stages looked at in one search.
pub(crate) const MOST_STAGES: usize = 16;
/// No prediction is worth anything beyond this, s.
const LONGEST_HORIZON_S: u8 = 120;
/// A turn on red first stops for so long, s.
const STOP_S: f32 = 1.5;
/// Nobody gives way to vehicles that are less likely to come than this.
const LIKELY: f32 = 0.5;
/// No receiving lane.
pub(crate) const NO_OUT: u8 = u8::MAX;
/// A change that must not happen.
pub(crate) const NEVER: u8 = u8::MAX;

/// What a head shows to its movement.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[repr(u8)]
pub(crate) enum Aspect {
    Red = 0,
    /// Green, giving way to others that are green.
    Yielding = 1,
    Green = 2,
    /// Red, but a turn may go after a stop.
    TurnOnRed = 3,
}

impl Aspect {
    pub(super) fn is_go(self) -> bool {
        matches!(self, Aspect::Yielding | Aspect::Green)
    }
}

/// A vehicle that is here or will be soon.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Vehicle {
    /// Seconds from now at which it could cross the stop line if nothing held it.
    pub arrives_s: f32,
    /// What a second of its waiting costs.
    pub weight: f32,
    /// Seconds after it in which nobody else of its lane can cross.
    pub headway_s: f32,
    /// How likely it comes, 0 to 1.
    pub likely: f32,
    /// Its head, as a place in [`Situation::heads`].
    pub head: u8,
    /// It has stopped already: no further stop is charged.
    pub stands: bool,
    /// It is too near and too fast to stop for an amber that comes now, and so is everybody before it.
    #[serde(default)]
    pub passes: bool,
}

/// A lane with traffic.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Queue {
    /// Its vehicles in [`Situation::vehicles`], nearest first.
    pub from: u16,
    pub to: u16,
    /// Its queue is moving already: no start-up loss.
    pub flowing: bool,
    /// By how much dearer a vehicle is that is still there at the end.
    pub left: f32,
}

/// A head that somebody wants to pass.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct HeadWanted {
    /// Its receiving lane in [`Situation::outs`], or [`NO_OUT`].
    pub out: u8,
    /// Heads (places in [`Situation::heads`]) that go before it, with the queue that holds their traffic.
    pub yields_to: Vec<(u8, u8)>,
    /// By stage looked at: what it shows.
    pub shows: Vec<Aspect>,
}

/// Room in a receiving lane.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Room {
    /// Vehicles that it can take now.
    pub free: f32,
    /// Vehicles that it can take when it is empty; the greatest number where that is no bound.
    pub holds: f32,
    /// By how many a second it empties, while those on it may leave.
    pub grows: f32,
    /// By stage looked at: whether they may. Always where it does not end at this same signal.
    pub open: Vec<bool>,
}

/// A junction as one search sees it. Stages are places in [`Situation::stages`]; the first is the one that runs.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Situation {
    pub vehicles: Vec<Vehicle>,
    pub queues: Vec<Queue>,
    pub heads: Vec<HeadWanted>,
    pub outs: Vec<Room>,
    /// Stage numbers.
    pub stages: Vec<u16>,
    /// By stage looked at: seconds that it must be green from now on before it may end. For the running one what
    /// is left of it.
    pub min_green: Vec<u8>,
    /// By stage and stage: seconds from asking for the second to its green; [`NEVER`] if it may not follow.
    pub change: Vec<u8>,
    /// By stage: whether it may follow the running one at once; of the running one, whether it may go on.
    pub open: Vec<bool>,
}

/// What control aims at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Objective {
    /// Little waiting; a stop counts a little.
    #[default]
    Delay,
    /// Few stops; waiting counts a little.
    Stops,
    /// Little fuel: standing burns it slowly, and each stop burns what it takes to be at speed again.
    Emissions,
}

impl Objective {
    /// What a stop costs, in seconds of standing. An engine that idles burns about 0.8 l of petrol an hour (7 kW);
    /// 1.4 t at 50 km/h are 135 kJ, so by physics a stop is worth far more than this. But only the next stop of those
    /// in view is foreseen: dearer than ten seconds, and queues grow until stops and fuel grow with them (measured
    /// under SUMO on two networks).
    fn stop_s(self, usual: f32) -> f32 {
        match self {
            Objective::Delay => usual,
            Objective::Stops => 10.0,
            Objective::Emissions => 6.0,
        }
    }
}

/// Numbers of the method. Defaults are chosen under SUMO (`docs/decisions/0007`).
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tuning {
    /// What it aims at.
    pub objective: Objective,
    /// How many cars a bus or tram counts for.
    pub transit: f32,
    /// How many cars a cyclist counts for.
    pub cyclists: f32,
    /// How many cars the people who wait at a crossing count for.
    pub on_foot: f32,
    /// What waiting counts in a street of a lower class than the junction's greatest.
    pub side_streets: f32,
    /// How far it looks ahead, s.
    pub horizon_s: u8,
    /// Seconds between two places at which a stage may end in the search.
    pub step_s: u8,
    /// How many situations of each stage are kept.
    pub beam: u8,
    /// How many stages are looked at.
    pub stages: u8,
    /// Start-up loss, s.
    pub startup_s: f32,
    /// Saturation headway on a straight lane at 50 km/h, s.
    pub headway_s: f32,
    /// Gap in the stream ahead that a driver who gives way accepts, s.
    pub gap_s: f32,
    /// Cost of a vehicle that is left behind a red light at the end, s.
    pub left_red_s: f32,
    /// The same behind green.
    pub left_green_s: f32,
    /// Cost of each place in the queue of a vehicle that is left, in headways.
    pub left_place: f32,
    /// Cost of a stop, s.
    pub stop_s: f32,
    /// Cost of a change, s.
    pub change_s: f32,
    /// How much dearer waiting in a full lane is, where the junction is saturated.
    pub storage: f32,
    /// How much dearer being left in a full lane is.
    pub storage_left: f32,
    /// Saturation (share of the fullest lane, smoothed) from which and up to which those prices come in.
    pub gate_from: f32,
    /// See `gate_from`.
    pub gate_to: f32,
    /// Time constant of that smoothing, s.
    pub gate_s: f32,
    /// Longest red of a standing vehicle, s.
    pub max_red_s: f32,
    /// A long vehicle that stands alone far from the queue is at a stop: it arrives so much later, s.
    pub dwell_s: f32,
    /// Vehicles a second that leave a receiving lane that is full.
    pub drain: f32,
    /// So many turners waiting inside do not get out in an interstage.
    pub several: u8,
    /// Slower than this inside, though nobody goes before it, a vehicle is held up, m/s.
    pub crawl_mps: f32,
    /// Who would have to brake harder than this for an amber goes on, m/s².
    pub brakes_mps2: f32,
    /// Saturation up to which somebody is counted on to go on at amber.
    pub calm: f32,
}

impl Tuning {
    /// What cannot be searched with, in words; empty means it can.
    pub fn faults(&self) -> Vec<String> {
        let within = |name: &str, value: u8, least: u8, most: u8| {
            let fault = || format!("{name} = {value} is not within {least} to {most}");
            (!(least..=most).contains(&value)).then(fault)
        };
        let counts = [
            within("horizon_s", self.horizon_s, self.step_s.max(1), LONGEST_HORIZON_S),
            within("step_s", self.step_s, 1, 10),
            within("beam", self.beam, 1, 50),
            within("stages", self.stages, 2, MOST_STAGES as u8),
            within("several", self.several, 1, u8::MAX),
        ];
        let numbers = [
            ("transit", self.transit),
            ("cyclists", self.cyclists),
            ("on_foot", self.on_foot),
            ("side_streets", self.side_streets),
            ("startup_s", self.startup_s),
            ("headway_s", self.headway_s),
            ("gap_s", self.gap_s),
            ("left_red_s", self.left_red_s),
            ("left_green_s", self.left_green_s),
            ("left_place", self.left_place),
            ("stop_s", self.stop_s),
            ("change_s", self.change_s),
            ("storage", self.storage),
            ("storage_left", self.storage_left),
            ("gate_from", self.gate_from),
            ("gate_to", self.gate_to),
            ("gate_s", self.gate_s),
            ("max_red_s", self.max_red_s),
            ("dwell_s", self.dwell_s),
            ("drain", self.drain),
            ("crawl_mps", self.crawl_mps),
            ("calm", self.calm),
        ];
        let never = (!(self.brakes_mps2.is_finite() && self.brakes_mps2 > 0.0))
            .then(|| format!("brakes_mps2 = {} is not a number above 0", self.brakes_mps2));
        let negative = numbers.into_iter().filter(|(_, value)| !(value.is_finite() && *value >= 0.0));
        let negative =
            negative.map(|(name, value)| format!("{name} = {value} is not a number from 0 upwards"));
        counts.into_iter().flatten().chain(negative).chain(never).collect()
    }
}

impl Default for Tuning {
    fn default() -> Tuning {
        Tuning {
            objective: Objective::Delay,
            transit: 1.0,
            cyclists: 1.0,
            on_foot: 1.0,
            side_streets: 1.0,
            horizon_s: 30,
            step_s: 2,
            beam: 3,
            stages: 12,
            startup_s: 1.2,
            headway_s: 1.8,
            gap_s: 5.0,
            left_red_s: 20.0,
            left_green_s: 3.0,
            left_place: 0.5,
            stop_s: 1.0,
            change_s: 0.0,
            storage: 3.0,
            storage_left: 2.0,
            gate_from: 0.35,
            gate_to: 0.65,
            gate_s: 120.0,
            max_red_s: 100.0,
            dwell_s: 10.0,
            drain: 0.1,
            several: 5,
            crawl_mps: 2.5,
            brakes_mps2: 4.5,
            calm: 0.2,
        }
    }
}

/// What the search found.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Answer {
    /// The stage to run or ask for now, as a place in [`Situation::stages`].
    pub stage: usize,
    /// What the best sequence costs, s of waiting, weighted.
    pub cost: f32,
}

/// One way through the horizon so far.
#[derive(Clone, Copy)]
struct Node {
    cost: f32,
    /// `cost` and what is left behind.
    key: f32,
    /// Seconds of green of `stage` still owed.
    owed: u8,
    /// Seconds until `target` is green.
    rem: u8,
    stage: u8,
    /// The stage that an interstage leads to.
    target: u8,
    /// The first stage of this way.
    first: u8,
    /// By queue: green has begun for its first vehicle.
    flowing: u64,
    /// By queue: its first vehicle.
    next: [u16; MOST_LANES],
    /// By queue: seconds from now until the next may cross.
    free: [f32; MOST_LANES],
    /// By receiving lane: taken so far.
    taken: [f32; MOST_OUTS],
}

const NONE: u8 = u8::MAX;

/// Room for a search, kept from one to the next.
#[derive(Clone, Default)]
pub(crate) struct Scratch {
    now: Vec<Node>,
    next: Vec<Node>,
    /// By stage: how many of `next` stand there.
    kept: Vec<u8>,
}

impl std::fmt::Debug for Scratch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scratch").finish_non_exhaustive()
    }
}

/// Searches. `only` restricts the first stage, to learn what an alternative would cost.
pub(crate) fn search(s: &Situation, tuning: &Tuning, only: Option<usize>, scratch: &mut Scratch) -> Answer {
    debug_assert!(s.queues.len() <= MOST_LANES && s.outs.len() <= MOST_OUTS && s.stages.len() <= MOST_STAGES);
    let mut root = Node {
        cost: 0.0,
        key: 0.0,
        owed: s.min_green[0],
        rem: 0,
        stage: 0,
        target: NONE,
        first: NONE,
        flowing: 0,
        next: [0; MOST_LANES],
        free: [0.0; MOST_LANES],
        taken: [0.0; MOST_OUTS],
    };
    for (l, queue) in s.queues.iter().enumerate() {
        root.next[l] = queue.from;
        root.flowing |= u64::from(queue.flowing) << l;
    }
    let beam = usize::from(tuning.beam.max(1));
    let stages = s.stages.len();
    scratch.now.clear();
    scratch.now.push(root);
    let mut t = 0;
    while t < tuning.horizon_s {
        scratch.next.clear();
        scratch.next.resize(stages * beam, root);
        scratch.kept.clear();
        scratch.kept.resize(stages, 0);
        for node in &scratch.now {
            let free = node.target == NONE && (node.owed == 0 || t == 0);
            for stage in 0..stages {
                let allowed = if t == 0 {
                    s.open[stage] && only.is_none_or(|o| o == stage)
                } else if free {
                    stage == usize::from(node.stage)
                        || s.change[usize::from(node.stage) * stages + stage] != NEVER
                } else {
                    stage == usize::from(node.stage)
                };
                if !allowed {
                    continue;
                }
                let mut node = *node;
                if t == 0 {
                    node.first = stage as u8;
                }
                if free && stage != usize::from(node.stage) {
                    node.leave_for(s, tuning, stage);
                }
                for second in 0..tuning.step_s {
                    node.second(s, tuning, f32::from(t + second));
                }
                node.key = node.cost + node.left(s, tuning, f32::from(t + tuning.step_s));
                let at = usize::from(if node.target == NONE { node.stage } else { node.target });
                keep(&mut scratch.next[at * beam..(at + 1) * beam], &mut scratch.kept[at], &node);
            }
        }
        scratch.now.clear();
        for stage in 0..stages {
            let kept = usize::from(scratch.kept[stage]);
            scratch.now.extend_from_slice(&scratch.next[stage * beam..stage * beam + kept]);
        }
        t += tuning.step_s;
    }
    let best = scratch.now.iter().min_by(|a, b| a.key.total_cmp(&b.key));
    // The running stage is always allowed, so somebody arrives, unless an alternative was asked for that is not.
    best.map_or(Answer { stage: 0, cost: f32::INFINITY }, |b| Answer {
        stage: usize::from(b.first),
        cost: b.key,
    })
}

/// Puts a node among the best of its stage, best first; an equal one that came earlier stays before it.
fn keep(best: &mut [Node], kept: &mut u8, node: &Node) {
    let n = usize::from(*kept);
    let place = best[..n].iter().position(|b| node.key < b.key).unwrap_or(n);
    if place == best.len() {
        return;
    }
    let end = (n + 1).min(best.len());
    best.copy_within(place..end - 1, place + 1);
    best[place] = *node;
    *kept = end as u8;
}

impl Node {
    fn leave_for(&mut self, s: &Situation, tuning: &Tuning, stage: usize) {
        self.cost += tuning.change_s;
        let change = s.change[usize::from(self.stage) * s.stages.len() + stage];
        if change == 0 {
            self.begin(s, stage as u8);
        } else {
            (self.target, self.rem) = (stage as u8, change);
        }
    }

    fn begin(&mut self, s: &Situation, stage: u8) {
        (self.stage, self.target) = (stage, NONE);
        self.owed = s.min_green[usize::from(stage)];
    }

    /// What a head shows now.
    fn aspect(&self, head: &HeadWanted) -> Aspect {
        let here = head.shows[usize::from(self.stage)];
        if self.target == NONE {
            return here;
        }
        let there = head.shows[usize::from(self.target)];
        match here {
            Aspect::Yielding | Aspect::Green if !there.is_go() => Aspect::Red,
            Aspect::TurnOnRed if there == Aspect::Red => Aspect::Red,
            _ => here,
        }
    }

    /// Lives through the second that begins at `t`.
    fn second(&mut self, s: &Situation, tuning: &Tuning, t: f32) {
        for l in 0..s.queues.len() {
            self.discharge(s, tuning, t, l);
        }
        for (place, room) in s.outs.iter().enumerate() {
            if self.is_open(room) {
                self.taken[place] = (self.taken[place] - room.grows).max(room.free - room.holds);
            }
        }
        if self.target != NONE {
            self.rem -= 1;
            if self.rem == 0 {
                self.begin(s, self.target);
            }
        } else {
            self.owed = self.owed.saturating_sub(1);
        }
    }

    /// Lets those of one queue go who can, and charges those who wait.
    fn discharge(&mut self, s: &Situation, tuning: &Tuning, t: f32, l: usize) {
        let end = s.queues[l].to;
        while self.next[l] < end {
            let v = &s.vehicles[usize::from(self.next[l])];
            let head = &s.heads[usize::from(v.head)];
            // Who cannot stop for the amber goes as if the stage were still green.
            let aspect = if v.passes { head.shows[usize::from(self.stage)] } else { self.aspect(head) };
            if aspect == Aspect::Red {
                self.flowing &= !(1 << l);
                break;
            }
            if self.flowing & (1 << l) == 0 {
                self.flowing |= 1 << l;
                if v.arrives_s < t {
                    self.free[l] = self.free[l].max(t + tuning.startup_s);
                }
            }
            let mut departs = v.arrives_s.max(self.free[l]);
            if aspect == Aspect::TurnOnRed {
                departs = departs.max(v.arrives_s + STOP_S);
            }
            if departs >= t + 1.0 {
                break;
            }
            departs = departs.max(t);
            if aspect != Aspect::Green && self.must_wait(s, head, departs + tuning.gap_s) {
                self.free[l] = self.free[l].max(t + 1.0);
                break;
            }
            if let Some(room) = s.outs.get(usize::from(head.out)) {
                if self.is_full(head.out, room) {
                    break;
                }
                self.taken[usize::from(head.out)] += v.likely;
            }
            self.free[l] = departs + v.headway_s;
            self.next[l] += 1;
        }
        let stop_s = tuning.objective.stop_s(tuning.stop_s);
        for v in &s.vehicles[usize::from(self.next[l])..usize::from(end)] {
            if v.arrives_s >= t + 1.0 {
                break;
            }
            self.cost += v.weight * (t + 1.0 - v.arrives_s.max(t)).min(1.0);
            if v.arrives_s >= t && !v.stands {
                self.cost += stop_s * v.weight;
            }
        }
    }

    /// Whether those on a receiving lane may leave it.
    fn is_open(&self, room: &Room) -> bool {
        room.open[usize::from(self.stage)] && (self.target == NONE || room.open[usize::from(self.target)])
    }

    /// Whether somebody who goes first comes before `until`.
    fn must_wait(&self, s: &Situation, head: &HeadWanted, until: f32) -> bool {
        head.yields_to.iter().any(|&(first, queue)| {
            if !self.aspect(&s.heads[usize::from(first)]).is_go() {
                return false;
            }
            let (from, to) = (self.next[usize::from(queue)], s.queues[usize::from(queue)].to);
            let near = &s.vehicles[usize::from(from)..usize::from(to.min(from + 2))];
            near.iter().any(|v| v.head == first && v.arrives_s < until && v.likely >= LIKELY)
        })
    }

    /// Whether a receiving lane has no room for another: less than half of what one takes.
    fn is_full(&self, out: u8, room: &Room) -> bool {
        // What emptied in tenths adds up to a half only nearly.
        const ROUNDING: f32 = 0.001;
        self.taken[usize::from(out)] + 0.5 > room.free + ROUNDING
    }

    /// Whether a head leads to a road that is full, and in that stage nobody leaves it.
    fn is_shut(&self, s: &Situation, head: &HeadWanted, stage: u8) -> bool {
        s.outs
            .get(usize::from(head.out))
            .is_some_and(|room| !room.open[usize::from(stage)] && self.is_full(head.out, room))
    }

    /// What those still here at `t` will cost after the horizon.
    fn left(&self, s: &Situation, tuning: &Tuning, t: f32) -> f32 {
        let (stage, rem) =
            if self.target == NONE { (self.stage, 0.0) } else { (self.target, f32::from(self.rem)) };
        let mut cost = 0.0;
        for (l, queue) in s.queues.iter().enumerate() {
            let mut place = 0.0;
            let mut held = false;
            for v in &s.vehicles[usize::from(self.next[l])..usize::from(queue.to)] {
                if v.arrives_s >= t {
                    break;
                }
                let head = &s.heads[usize::from(v.head)];
                held |= head.shows[usize::from(stage)] == Aspect::Red || self.is_shut(s, head, stage);
                let wait = if held { tuning.left_red_s * queue.left } else { tuning.left_green_s + rem };
                cost += v.weight * (wait + tuning.left_place * v.headway_s * place);
                place += 1.0;
            }
        }
        cost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A crossing of two one-lane roads: head 0 goes in stage 1, head 1 in stage 2; stage 1 runs.
    fn crossing(main: &[f32], side: &[f32]) -> Situation {
        let vehicle = |head: u8| {
            move |&arrives_s: &f32| Vehicle {
                arrives_s,
                weight: 1.0,
                headway_s: 2.0,
                likely: 1.0,
                head,
                stands: arrives_s == 0.0,
                passes: false,
            }
        };
        let vehicles: Vec<Vehicle> = main.iter().map(vehicle(0)).chain(side.iter().map(vehicle(1))).collect();
        let (between, end) = (main.len() as u16, vehicles.len() as u16);
        let queue = |from, to, flowing| Queue { from, to, flowing, left: 1.0 };
        let head = |shows: [Aspect; 2]| HeadWanted { out: NO_OUT, yields_to: vec![], shows: shows.to_vec() };
        Situation {
            vehicles,
            queues: vec![queue(0, between, true), queue(between, end, false)],
            heads: vec![head([Aspect::Green, Aspect::Red]), head([Aspect::Red, Aspect::Green])],
            outs: vec![],
            stages: vec![1, 2],
            min_green: vec![0, 5],
            change: vec![0, 5, 5, 0],
            open: vec![true, true],
        }
    }

    #[track_caller]
    fn check(situation: &Situation, stage: u16) -> f32 {
        let answer = search(situation, &Tuning::default(), None, &mut Scratch::default());
        assert_eq!(situation.stages[answer.stage], stage, "{answer:?}");
        answer.cost
    }

    #[test]
    fn serves_whoever_waits_alone() {
        check(&crossing(&[], &[0.0, 2.0]), 2);
        check(&crossing(&[1.0, 3.0], &[]), 1);
    }

    #[test]
    fn does_not_cut_a_platoon_for_one() {
        check(&crossing(&[0.5, 2.5, 4.5, 6.5, 8.5, 10.5], &[0.0]), 1);
        check(&crossing(&[20.0], &[0.0, 1.0, 2.0, 3.0]), 2);
    }

    #[test]
    fn a_full_road_ahead_is_no_reason_for_green() {
        let mut s = crossing(&[0.0, 1.0, 2.0, 3.0], &[0.0, 1.0]);
        check(&s, 1);
        s.outs = vec![Room { free: 0.0, holds: 3.0, grows: 0.0, open: vec![true; 2] }];
        s.heads[0].out = 0;
        check(&s, 2);
    }

    #[test]
    fn a_road_between_two_lines_of_the_signal_empties_in_the_stage_that_lets_it_out() {
        let full = |first: bool, second: bool| {
            let mut s = crossing(&[0.0, 1.0, 2.0, 3.0], &[0.0]);
            s.outs = vec![Room { free: 0.0, holds: 1.0, grows: 0.5, open: vec![first, second] }];
            s.heads[0].out = 0;
            s
        };
        check(&full(true, false), 1);
        // Four wait at green, and none of them gets anywhere before the other stage.
        check(&full(false, true), 2);
    }

    #[test]
    fn a_turner_waits_for_the_stream_that_goes_first() {
        let mut s = crossing(&[0.5, 2.5, 4.5, 6.5, 8.5, 10.5, 12.5, 14.5], &[0.0]);
        // Both go in stage 1, the second giving way; in stage 2 the second goes alone.
        s.heads[1].shows[0] = Aspect::Yielding;
        s.heads[1].yields_to = vec![(0, 0)];
        let held_up = check(&s, 1);
        s.heads[1].yields_to.clear();
        let free = check(&s, 1);
        assert!(held_up > free + 10.0, "{held_up} s against {free} s");
    }

    #[test]
    fn nobody_holds_the_green_who_goes_on_at_amber_anyway() {
        let mut s = crossing(&[0.6], &[0.0]);
        let waits = check(&s, 1);
        s.vehicles[0].passes = true;
        let passes = check(&s, 2);
        assert!(passes < waits, "{passes} s against {waits} s");
        // A second car, which could stop, is worth the green.
        s = crossing(&[0.6, 2.4], &[0.0]);
        s.vehicles[0].passes = true;
        check(&s, 1);
    }

    #[test]
    fn what_may_not_be_asked_for_is_not_chosen() {
        let mut s = crossing(&[], &[0.0, 2.0]);
        s.open[1] = false;
        check(&s, 1);
    }

    #[test]
    fn numbers_that_cannot_be_searched_with_are_named() {
        let check = |tuning: Tuning, said: &[&str]| assert_eq!(tuning.faults(), said);
        check(Tuning::default(), &[]);
        check(Tuning { step_s: 0, ..Tuning::default() }, &["step_s = 0 is not within 1 to 10"]);
        check(
            Tuning { stages: 40, gap_s: -1.0, ..Tuning::default() },
            &["stages = 40 is not within 2 to 16", "gap_s = -1 is not a number from 0 upwards"],
        );
        check(Tuning { brakes_mps2: 0.0, ..Tuning::default() }, &["brakes_mps2 = 0 is not a number above 0"]);
    }

    proptest::proptest! {
        /// Room left over from other searches changes nothing.
        #[test]
        fn the_same_situation_gives_the_same_answer(
            main in proptest::collection::vec(0.0f32..40.0, 0..12),
            side in proptest::collection::vec(0.0f32..40.0, 0..12),
            other in proptest::collection::vec(0.0f32..40.0, 0..12),
        ) {
            let sorted = |mut v: Vec<f32>| { v.sort_by(f32::total_cmp); v };
            let (main, side, other) = (sorted(main), sorted(side), sorted(other));
            let (s, tuning) = (crossing(&main, &side), Tuning::default());
            let fresh = search(&s, &tuning, None, &mut Scratch::default());
            let mut used = Scratch::default();
            search(&crossing(&other, &main), &tuning, None, &mut used);
            proptest::prop_assert_eq!(search(&s, &tuning, None, &mut used), fresh);
        }
    }
}
