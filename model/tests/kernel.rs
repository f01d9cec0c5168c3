//! The safety kernel, model-checked: every state that a junction can reach, whatever stage is asked for in whatever second.
//!
//! The device here is blind: it does what it is asked for by the [`Interstage`], and nothing but [`rules::may_ask`] stands before
//! it. What its lamps may never do is told by bookkeeping of the test's own. All conflict graphs of up to five groups are
//! walked through, and of six to eight groups real junctions and drawn ones. Times are a few whole seconds, so that the states
//! can be counted; they differ from group to group and from pair to pair, as they do in the street.

use model::{
    geo::LonLat,
    ids::{DistrictId, GroupNumber, JunctionId, StageNumber},
    signal::{
        GroupKind, Intergreens, Junction, Lamp, SignalGroup, Stage,
        interstage::Interstage,
        rules::{self, GroupState, Heading},
    },
    time::{Moment, Tenths},
};
use std::collections::HashSet;

/// Nothing depends on what happened longer ago, s.
const LONG_AGO: u8 = 7;
const NOW: Moment = Moment(1_000_000_000);

/// Whether a stage may be asked for.
type Guard = fn(&Junction, &[GroupState], Heading, StageNumber) -> bool;

fn guard(junction: &Junction, shown: &[GroupState], heading: Heading, stage: StageNumber) -> bool {
    rules::may_ask(junction, shown, heading, stage, NOW).is_ok()
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Shown {
    lamp: Lamp,
    /// For how long, s.
    age: u8,
    /// Since the group last went, s.
    since_go: u8,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct State {
    groups: Vec<Shown>,
    stage: StageNumber,
    /// The way to that stage: who was green when it began, and for how long it has run, s.
    way: Option<(Vec<GroupNumber>, u8)>,
}

impl State {
    fn resting(junction: &Junction, stage: &Stage) -> State {
        let shown = |group: &SignalGroup| {
            let lamp = if stage.has(group.number) { Lamp::Green } else { Lamp::Red };
            Shown { lamp, age: 0, since_go: LONG_AGO }
        };
        State { groups: junction.groups.iter().map(shown).collect(), stage: stage.number, way: None }
    }

    /// A second later, after asking for a stage if the guard lets it; or what went wrong.
    fn next(&self, junction: &Junction, guard: Guard, asked: Option<StageNumber>) -> Result<State, String> {
        let mut next = self.clone();
        let since = |age: u8| Moment(NOW.0 - i64::from(age) * 1000);
        let lamps: Vec<GroupState> =
            self.groups.iter().map(|s| GroupState { lamp: s.lamp, since: since(s.age) }).collect();
        let heading = Heading { stage: Some(self.stage), interstage: self.way.is_some() };
        if let Some(stage) = asked.filter(|s| *s != self.stage && guard(junction, &lamps, heading, *s)) {
            let going = junction.groups.iter().zip(&self.groups).filter(|(_, s)| s.lamp.is_go());
            next.way = Some((going.map(|(g, _)| g.number).collect(), 0));
            next.stage = stage;
            next.show(junction)?;
        }
        for shown in &mut next.groups {
            shown.age = (shown.age + 1).min(LONG_AGO);
            if !shown.lamp.is_go() {
                shown.since_go = (shown.since_go + 1).min(LONG_AGO);
            }
        }
        if let Some((_, elapsed)) = &mut next.way {
            *elapsed += 1;
        }
        next.show(junction)?;
        Ok(next)
    }

    /// Brings the lamps where the way has come to.
    fn show(&mut self, junction: &Junction) -> Result<(), String> {
        let Some((from, elapsed)) = &self.way else { return Ok(()) };
        let to = &junction.stage(self.stage).expect("only stages that exist are asked for").green;
        let way = Interstage::between_greens(junction, from, to);
        let elapsed = Tenths(u32::from(*elapsed) * 10);
        for group in &junction.groups {
            if let Some(lamp) = way.lamp(junction, group.number, elapsed, way.duration) {
                self.change(junction, group, lamp)?;
            }
        }
        if elapsed >= way.duration {
            self.way = None;
        }
        Ok(())
    }

    /// A lamp changes: everything that must be over is over.
    fn change(&mut self, junction: &Junction, group: &SignalGroup, lamp: Lamp) -> Result<(), String> {
        let index = usize::from(group.number.0) - 1;
        let Shown { lamp: before, age, since_go } = self.groups[index];
        if before == lamp {
            return Ok(());
        }
        let least = match before {
            Lamp::Green => group.min_green,
            Lamp::FlashingGreen => group.flashing_green,
            Lamp::Amber => group.amber,
            _ => Tenths::ZERO,
        };
        if Tenths(u32::from(age) * 10) < least {
            return Err(format!("group {}: {before:?} for {age} s, then {lamp:?}", group.number));
        }
        if lamp.is_go() && !before.is_go() {
            for (other, shown) in junction.groups.iter().zip(&self.groups) {
                if !junction.intergreens.conflict(group.number, other.number) {
                    continue;
                }
                let clearance = junction.intergreens.get(other.number, group.number).unwrap_or(Tenths::ZERO);
                if shown.lamp.is_go() || Tenths(u32::from(shown.since_go) * 10) < clearance {
                    let (a, b) = (group.number, other.number);
                    return Err(format!("group {a} begins {} s after {b}, {shown:?}", shown.since_go));
                }
            }
        }
        let since_go = if before.is_go() && !lamp.is_go() { 0 } else { since_go };
        self.groups[index] = Shown { lamp, age: 0, since_go };
        Ok(())
    }
}

/// Walks through all states; gives their number, or how something went wrong.
fn walk(junction: &Junction, guard: Guard) -> Result<usize, String> {
    let mut known: HashSet<State> = junction.stages.iter().map(|s| State::resting(junction, s)).collect();
    let mut ahead: Vec<State> = known.iter().cloned().collect();
    let choices: Vec<Option<StageNumber>> =
        [None].into_iter().chain(junction.stages.iter().map(|s| Some(s.number))).collect();
    while let Some(state) = ahead.pop() {
        for &asked in &choices {
            let next = state
                .next(junction, guard, asked)
                .map_err(|what| format!("{what}; asked for {asked:?} in {state:?}"))?;
            if known.insert(next.clone()) {
                ahead.push(next);
            }
        }
    }
    Ok(known.len())
}

/// Groups with different times; stages are all largest sets that do not conflict, and each group alone if `alone`.
fn junction(groups: u16, conflict: impl Fn(u16, u16) -> bool, alone: bool) -> Junction {
    let seconds = |s: u16| Tenths(u32::from(s) * 10);
    let group = |n: u16| SignalGroup {
        number: GroupNumber(n),
        kind: if n.is_multiple_of(4) { GroupKind::Pedestrians } else { GroupKind::Vehicles },
        name: Default::default(),
        min_green: seconds(1 + n % 2),
        max_red: Tenths::ZERO,
        flashing_green: seconds(u16::from(!n.is_multiple_of(3))),
        amber: seconds(u16::from(!n.is_multiple_of(4))),
        red_amber: seconds(n % 2),
        turn_on_red: false,
    };
    let mut intergreens = Intergreens::default();
    let sees = |set: u16, n: u16| set >> (n - 1) & 1 == 1;
    for (a, b) in (1..=groups).flat_map(|a| (1..=groups).map(move |b| (a, b))).filter(|(a, b)| a != b) {
        if conflict(a.min(b), a.max(b)) {
            intergreens.set(GroupNumber(a), GroupNumber(b), seconds(1 + (3 * a + 2 * b) % 4));
        }
    }
    let fits = |set: u16| {
        (1..=groups).all(|a| !sees(set, a) || (a + 1..=groups).all(|b| !sees(set, b) || !conflict(a, b)))
    };
    let sets = 1u16..1 << groups;
    let largest = |set: &u16| (1..=groups).all(|n| sees(*set, n) || !fits(set | 1 << (n - 1)));
    let stages = sets.filter(|s| fits(*s)).filter(|s| largest(s) || alone && s.count_ones() == 1);
    let stages = stages.enumerate().map(|(i, set)| Stage {
        number: StageNumber(i as u16 + 1),
        green: (1..=groups).filter(|n| sees(set, *n)).map(GroupNumber).collect(),
        permissive: Vec::new(),
    });
    Junction {
        id: JunctionId::new("drawn"),
        source_id: None,
        name: Default::default(),
        district: DistrictId::new("d"),
        at: LonLat { lon: 37.6, lat: 55.7 },
        groups: (1..=groups).map(group).collect(),
        heads: Vec::new(),
        intergreens,
        stages: stages.collect(),
        plans: Vec::new(),
        schedule: Vec::new(),
        detectors: Vec::new(),
    }
}

/// Which pairs of groups conflict, by the bits of `graph`.
fn drawn(groups: u16, graph: u64) -> Junction {
    let place = |a: u16, b: u16| (b - 1) * (b - 2) / 2 + (a - 1);
    junction(groups, |a, b| graph >> place(a, b) & 1 == 1, groups < 5)
}

fn is_safe(junction: &Junction) -> usize {
    walk(junction, guard).unwrap_or_else(|what| panic!("{what}\n{:?}", junction.intergreens))
}

#[test]
fn every_junction_of_up_to_five_groups_is_safe() {
    for groups in 1..=5 {
        let pairs = groups * (groups - 1) / 2;
        for graph in 0..1u64 << pairs {
            is_safe(&drawn(groups, graph));
        }
    }
}

#[test]
fn junctions_of_up_to_eight_groups_are_safe() {
    // Four arms with a left turn of its own each (1 to 4 and 5 to 8): opposing arms go together, lefts give way to nobody.
    let arms = |a: u16, b: u16| {
        let ((arm_a, left_a), (arm_b, left_b)) = ((a % 4, a > 4), (b % 4, b > 4));
        let opposite = arm_a.abs_diff(arm_b) == 2;
        arm_a != arm_b && !(opposite && left_a == left_b)
    };
    // Four arms and the crossings over them (5 to 8): people cross an arm while its own traffic stands.
    let crossings = |a: u16, b: u16| match (a > 4, b > 4) {
        (false, false) => a.abs_diff(b) != 2,
        (false, true) => a == b - 4 || a.abs_diff(b - 4) == 2,
        _ => false,
    };
    for junction in [junction(8, arms, false), junction(8, crossings, false)] {
        let states = is_safe(&junction);
        assert!(states > 200, "{states} states are not all");
    }
    // Others as they come: a fixed sequence that looks like none (Weyl).
    for n in 1..=12u64 {
        let graph = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        is_safe(&drawn(6 + (n % 3) as u16, graph >> 7 | graph << 40));
    }
}

/// The walk finds what a guard forgets: each of its rules is needed.
#[test]
fn a_guard_that_forgets_a_rule_is_found_out() {
    use rules::Refusal;
    fn but(what: fn(&Refusal) -> bool, j: &Junction, s: &[GroupState], h: Heading, n: StageNumber) -> bool {
        rules::may_ask(j, s, h, n, NOW).err().is_none_or(|refusal| what(&refusal))
    }
    let no_minimum: Guard = |j, s, h, n| but(|r| matches!(r, Refusal::MinimumGreen { .. }), j, s, h, n);
    let no_interstage: Guard = |j, s, h, n| but(|r| matches!(r, Refusal::InterstageRunning), j, s, h, n);
    // Two streets that cross, and a third group that only one of them conflicts with.
    let junction = drawn(3, 0b011);
    assert!(walk(&junction, guard).is_ok());
    assert!(walk(&junction, no_minimum).unwrap_err().contains("Green for"));
    assert!(walk(&junction, no_interstage).is_err());
}
