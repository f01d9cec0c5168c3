//! Max-pressure: Varaiya, P. (2013), *Max pressure control of a network of signalized intersections*,
//! Transportation Research Part C 36. Each instant the stage runs whose green would relieve the most pressure.
//!
//! The paper's pressure of a movement is its queue less the queues it would feed. Here the queue is everything
//! that the next seconds of green can serve (standing or within [`super::NEAR_M`]).
//! A group that waited as long as it may goes first.

use super::{Choice, Limit, Memory, Problem, Reason, Unit, facts};
use model::{
    ids::{GroupNumber, StageNumber},
    signal::rules::Refusal,
    time::{Moment, Tenths},
};
use std::time::Duration;

/// Seconds between two comparisons. More often costs more interstages than it saves waiting (measured).
pub const INSTANT_S: u64 = 5;
/// Longest red of a waiting group where the cabinet gives no limit.
pub const MAX_RED: Tenths = Tenths::seconds(120);

pub(super) fn decide(problem: &Problem, memory: &mut Memory) -> Option<Choice> {
    if problem.live.interstage {
        return problem.ride_along();
    }
    let running = problem.running();
    // The first comparison of a green is a full interval after it began.
    let last = memory.instant.max(problem.live.stage_since.filter(|_| problem.live.wanted.is_some()));
    if last.is_some_and(|at| problem.now.since(at) < Duration::from_secs(INSTANT_S)) {
        return None;
    }
    let mut scored: Vec<(StageNumber, f64)> =
        problem.junction.stages.iter().map(|s| (s.number, pressure(problem, memory, s.number))).collect();
    // A tie keeps what runs, then prefers the lower number.
    scored.sort_by(|a, b| b.1.total_cmp(&a.1).then((Some(b.0) == running).cmp(&(Some(a.0) == running))));
    let starved = starved(problem, memory);
    let urgent = starved.and_then(|(group, _)| {
        scored.iter().position(|(s, _)| problem.junction.stage(*s).is_some_and(|s| s.has(group)))
    });
    let best = scored.remove(urgent.unwrap_or(0));
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
        return Some(choice(problem, kept, &scored, Reason::MinGreen, vec![Limit::MinGreen], starved));
    }
    memory.instant = Some(problem.now);
    let (reason, limits) = match (running, urgent) {
        (None, _) => (Reason::First, vec![]),
        (_, Some(_)) => (Reason::MaxRed, vec![Limit::MaxRed]),
        (Some(r), None) if r == best.0 && best.1 <= 0.0 => (Reason::NoDemand, vec![]),
        (Some(r), None) if r == best.0 => (Reason::KeepPressure, vec![]),
        (Some(_), None) => (Reason::MaxPressure, vec![]),
    };
    Some(choice(problem, best, &scored, reason, limits, starved))
}

fn choice(
    problem: &Problem,
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
    if problem.site.areas.is_empty() {
        facts.insert("without_area".to_string(), 1.0);
    }
    let alternatives = std::iter::once(&chosen)
        .chain(others)
        .map(|&(s, p)| problem.alternative(s, p, Unit::Vehicles))
        .collect();
    Choice { stage: chosen.0, reason, facts, alternatives, limits }
}

/// What a stage's green would relieve, vehicles.
fn pressure(problem: &Problem, memory: &Memory, stage: StageNumber) -> f64 {
    let Some(worth) = usize::from(stage.0).checked_sub(1).and_then(|i| problem.site.worth.get(i)) else {
        return 0.0;
    };
    let value =
        |g: &GroupNumber| usize::from(g.0).checked_sub(1).and_then(|i| worth.get(i)).copied().unwrap_or(0.0);
    let by_area: f64 = problem
        .site
        .areas
        .iter()
        .zip(&memory.near)
        .map(|(area, near)| {
            // A channel that serves several groups shares its vehicles evenly among them.
            let share = area.groups.iter().map(value).sum::<f64>() / area.groups.len().max(1) as f64;
            share * near.unwrap_or(0.0)
        })
        .sum();
    let by_loops: f64 = memory.balance.iter().zip(worth).map(|(q, w)| w * q.unwrap_or(0.0)).sum();
    by_area + by_loops
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
            let limit = if group.max_red == Tenths::ZERO { MAX_RED } else { group.max_red };
            let waited = red((*since)?);
            (waited >= limit).then_some((group.number, waited))
        })
        .max_by_key(|(group, waited)| (*waited, std::cmp::Reverse(*group)))
}
