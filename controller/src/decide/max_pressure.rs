//! Max-pressure: Varaiya, P. (2013), *Max pressure control of a network of signalized intersections*,
//! Transportation Research Part C 36. Each instant the stage runs whose green would relieve the most pressure.
//!
//! The paper's pressure of a movement is its queue less the queues it would feed. Here the queue is everything
//! that the next seconds of green can serve (standing or within [`super::NEAR_M`]), and the queues it feeds
//! matter when they fill their link. Lanes that no camera watches count by the balance of their loops. A group that waited as long as it may goes first.

use super::{
    Choice, Limit, Memory, Problem, Reason, Unit, facts,
    site::{Area, Caller},
};
use model::{
    detection::DetectorKind,
    ids::{GroupNumber, StageNumber},
    signal::{SignalGroup, Stage, rules::Refusal},
    time::{Moment, Tenths},
};
use std::time::Duration;

/// Seconds between two comparisons. More often costs more interstages than it saves waiting (measured).
pub(crate) const INSTANT_S: u64 = 5;
/// A green in which somebody gives way is first compared after this long, s. Turners who wait inside the
/// junction leave it in the interstage; stages that follow each other faster fill it until nobody can move. Chosen on one
/// small network under SUMO, where it made locking rarer; fresh seeds have shown that it does not rule it out.
pub(crate) const YIELDING_S: u64 = 10;
/// So many standing turners, who must give way, are let out by a stage of their own before another stage crosses
/// their way: else they fill the junction together with those of the next stage. Under SUMO on one small network,
/// with unequal sets of seeds, one run in 20 locked with 1, two in 16 with 2, four in 12 without the rule.
const TURNERS: u32 = 1;
/// Somebody on foot who waits so long weighs one vehicle more, s.
const WAIT_WORTH_S: f64 = 20.0;
/// The share of a link's room below which it counts as filling up.
const TIGHT: f64 = 0.3;
/// Longest red of a waiting group where the cabinet gives no limit.
pub(crate) const MAX_RED: Tenths = Tenths::seconds(120);

pub(super) fn decide(problem: &Problem, memory: &mut Memory) -> Option<Choice> {
    if problem.live.interstage {
        return problem.ride_along();
    }
    let running = problem.running();
    let passed = |at: Moment| problem.now.since(at);
    if problem.live.wanted.is_some() && running.is_some() {
        let first = Duration::from_secs(if yields(problem) { YIELDING_S } else { INSTANT_S });
        if problem.live.stage_since.is_some_and(|began| passed(began) < first) {
            return None;
        }
    }
    if memory.instant.is_some_and(|at| passed(at) < Duration::from_secs(INSTANT_S)) {
        return None;
    }
    // Stages that no plan shows are for kinds that know who is left in the middle.
    let planned = problem.junction.stages.iter().filter(|s| problem.junction.in_plans(s.number));
    let mut scored: Vec<(StageNumber, f64)> =
        planned.map(|s| (s.number, pressure(problem, memory, s.number))).collect();
    // A tie keeps what runs, then prefers the lower number.
    scored.sort_by(|a, b| b.1.total_cmp(&a.1).then((Some(b.0) == running).cmp(&(Some(a.0) == running))));
    let starved = starved(problem, memory);
    let urgent = starved.and_then(|(group, _)| {
        scored.iter().position(|(s, _)| problem.junction.stage(*s).is_some_and(|s| s.has(group)))
    });
    let turners = if urgent.is_none() { let_out(problem, &scored) } else { None };
    let best = scored.remove(urgent.or(turners).unwrap_or(0));
    let blocked = match problem.refusal(best.0) {
        Some(Refusal::MinimumGreen { .. }) => running.filter(|r| *r != best.0),
        _ => None,
    };
    if let Some(running) = blocked {
        // Looked at again next tick: the change comes as soon as the minimum allows it.
        scored.push(best);
        let place = scored.iter().position(|(s, _)| *s == running).unwrap_or(0);
        let kept = scored.remove(place);
        scored.sort_by(|a, b| b.1.total_cmp(&a.1));
        return Some(choice(
            problem,
            memory,
            kept,
            &scored,
            Reason::MinGreen,
            vec![Limit::MinGreen],
            starved,
        ));
    }
    memory.instant = Some(problem.now);
    let (reason, limits) = match (running, urgent) {
        (None, _) => (Reason::First, vec![]),
        (_, Some(_)) => (Reason::MaxRed, vec![Limit::MaxRed]),
        (Some(r), None) if r == best.0 && best.1 <= 0.0 => (Reason::NoDemand, vec![]),
        (Some(r), None) if r == best.0 => (Reason::KeepPressure, vec![]),
        (Some(_), None) => (Reason::MaxPressure, vec![]),
    };
    Some(choice(problem, memory, best, &scored, reason, limits, starved))
}

/// Whether somebody must give way in the running stage.
fn yields(problem: &Problem) -> bool {
    problem.running().and_then(|s| problem.junction.stage(s)).is_some_and(|s| !s.permissive.is_empty())
}

/// Where among the scored stages (best first) the one stands that lets waiting turners out before the best one
/// crosses their way, if there is such a stage.
fn let_out(problem: &Problem, scored: &[(StageNumber, f64)]) -> Option<usize> {
    let stage = |number| problem.junction.stage(number);
    let running = stage(problem.running()?)?;
    let best = stage(scored.first()?.0).filter(|s| s.number != running.number)?;
    let stuck = |g: &&GroupNumber| !best.has(**g) && problem.standing(**g) >= TURNERS;
    let freed = |s: &Stage, g: GroupNumber| s.has(g) && !s.permissive.contains(&g);
    let places = running.permissive.iter().filter(stuck).filter_map(|&g| {
        scored.iter().position(|(s, _)| *s != running.number && stage(*s).is_some_and(|s| freed(s, g)))
    });
    places.min()
}

fn choice(
    problem: &Problem,
    memory: &Memory,
    chosen: (StageNumber, f64),
    others: &[(StageNumber, f64)],
    reason: Reason,
    limits: Vec<Limit>,
    starved: Option<(GroupNumber, Tenths)>,
) -> Choice {
    let mut facts = facts([("pressure", chosen.1)]);
    if let Some(green) = problem.green_for() {
        facts.insert("green_s".to_string(), green.as_seconds());
    }
    if let Some((group, red)) = starved {
        facts.insert("group".to_string(), f64::from(group.0));
        facts.insert("red_s".to_string(), red.as_seconds());
    }
    let by_loops = by_loops(problem, memory).count();
    if by_loops > 0 {
        facts.insert("lanes_by_loops".to_string(), by_loops as f64);
    }
    let alternatives = std::iter::once(&chosen)
        .chain(others)
        .map(|&(s, p)| problem.alternative(s, p, Unit::Vehicles))
        .collect();
    Choice { stage: chosen.0, reason, facts, alternatives, limits, search: None }
}

/// What a stage's green would relieve, vehicles.
fn pressure(problem: &Problem, memory: &Memory, stage: StageNumber) -> f64 {
    let Some(worth) = usize::from(stage.0).checked_sub(1).and_then(|i| problem.site.worth.get(i)) else {
        return 0.0;
    };
    let value =
        |g: &GroupNumber| usize::from(g.0).checked_sub(1).and_then(|i| worth.get(i)).copied().unwrap_or(0.0);
    // What serves several groups shares its vehicles evenly among them.
    let share = |groups: &[GroupNumber]| groups.iter().map(value).sum::<f64>() / groups.len().max(1) as f64;
    let by_area: f64 = problem
        .site
        .areas
        .iter()
        .zip(&memory.near)
        .map(|(area, near)| share(&area.groups) * near.unwrap_or(0.0) * outlet(problem, area))
        .sum();
    let by_loops: f64 = by_loops(problem, memory).map(|(groups, queue)| share(groups) * queue).sum();
    let on_foot: f64 = people(problem, memory).map(|(group, vehicles)| value(&group) * vehicles).sum();
    by_area + by_loops + on_foot
}

/// Lanes that no working camera watches, with their queues.
fn by_loops<'a>(problem: &'a Problem, memory: &'a Memory) -> impl Iterator<Item = (&'a [GroupNumber], f64)> {
    let blind = |areas: &[usize]| areas.iter().all(|&a| memory.near.get(a).copied().flatten().is_none());
    let lanes = problem.site.loops.iter().zip(&memory.balance).filter(move |(lane, _)| blind(&lane.areas));
    lanes.filter_map(|(lane, balance)| Some((&lane.groups[..], balance.queue?)))
}

/// Groups that somebody called by button, with the vehicles that their wait is worth: one, and one more for each
/// [`WAIT_WORTH_S`]. Nobody counts people here, and a queue of one must not wait for the longest red.
fn people<'a>(problem: &'a Problem, memory: &'a Memory) -> impl Iterator<Item = (GroupNumber, f64)> + 'a {
    let by_button = |callers: &[Caller]| callers.iter().any(|c| c.kind == DetectorKind::PushButton);
    let groups = problem.junction.groups.iter().zip(&problem.site.callers).zip(&memory.waiting);
    groups.filter(move |((_, callers), _)| by_button(callers)).filter_map(|((group, _), since)| {
        let waited = problem.now.since((*since)?).as_secs_f64();
        Some((group.number, 1.0 + waited / WAIT_WORTH_S))
    })
}

/// How much of a movement's queue the link behind the junction can take, 0 to 1. The paper subtracts the queue
/// downstream; under SUMO that did worse than leaving it out, because a short queue at the next signal is no
/// reason to hold anybody back. A full link is (Gregoire et al. 2014, *Capacity-aware
/// backpressure*): its movements count less as its last [`TIGHT`] fills. Unmeasured links count as empty.
fn outlet(problem: &Problem, area: &Area) -> f64 {
    let free = area.downstream.and_then(|link| problem.estimate.free_room(link)).unwrap_or(1.0);
    (free / TIGHT).min(1.0)
}

/// How long a green may last before somebody who waits must have one.
pub(super) fn longest_green(problem: &Problem, memory: &Memory, stage: StageNumber) -> Tenths {
    let green = problem.junction.stage(stage).map_or(&[][..], |s| &s.green[..]);
    let begun = problem.live.stage_since.filter(|_| problem.live.stage == Some(stage)).unwrap_or(problem.now);
    let others =
        problem.junction.groups.iter().zip(&memory.waiting).filter(|(g, _)| !green.contains(&g.number));
    others
        .filter_map(|(group, since)| {
            let due = (*since)? + limit(group);
            Some(Tenths::from(due.since(begun)))
        })
        .min()
        .unwrap_or(MAX_RED)
}

fn limit(group: &SignalGroup) -> Tenths {
    if group.max_red == Tenths::ZERO { MAX_RED } else { group.max_red }
}

/// The group that has waited longest past what it may, given the time to get there.
fn starved(problem: &Problem, memory: &Memory) -> Option<(GroupNumber, Tenths)> {
    let red = |since: Moment| Tenths::from(problem.now.since(since));
    problem
        .junction
        .groups
        .iter()
        .zip(&memory.waiting)
        .filter_map(|(group, since)| {
            let waited = red((*since)?);
            (waited >= limit(group)).then_some((group.number, waited))
        })
        .max_by_key(|(group, waited)| (*waited, std::cmp::Reverse(*group)))
}
