//! Actuated control over the plan's stages: a green goes on while its traffic keeps coming, and ends when a
//! gap opens (gap-out) or it has lasted as long as it may while others wait (max-out). Stages that nobody
//! calls are skipped; without any call the running one rests in green.

use super::{Choice, Limit, Memory, Problem, Reason, Unit, facts};
use model::{
    detection::DetectorKind,
    ids::{GroupNumber, StageNumber},
    signal::rules::Refusal,
    time::Tenths,
};

/// A gap this long between vehicles ends a green (HCM 2010, 18.4: 2 to 4 s).
pub(crate) const GAP: Tenths = Tenths::seconds(3);
/// So many standing turners, who must give way, call the stage in which they need not: a few find gaps, or
/// leave in the interstage.
const TURNERS: u32 = 5;
/// The longest green while others wait is the plan's, within these bounds. Letting it run to half as much again
/// was no better on three of RESCO's networks under SUMO, and worse where green time is short.
const MAX_GREEN: [Tenths; 2] = [Tenths::seconds(20), Tenths::seconds(60)];

pub(super) fn decide(problem: &Problem, memory: &Memory) -> Option<Choice> {
    if problem.live.interstage {
        return problem.ride_along();
    }
    let order: Vec<StageNumber> = problem.site.base.steps.iter().map(|s| s.stage).collect();
    let first = *order.first()?;
    let Some(running) = problem.running() else {
        return Some(choice(problem, first, Reason::First, vec![], 0.0));
    };
    // A change that was asked for and has not begun stays wanted: calls may flicker, orders may not.
    if problem.live.wanted.is_some_and(|w| w != running && problem.refusal(w).is_none()) {
        return None;
    }
    let green = problem.green_for().unwrap_or(Tenths::ZERO);
    let at = order.iter().position(|&s| s == running).unwrap_or(0);
    let calls = |stage: StageNumber| called(problem, memory, running, stage);
    let next = (1..=order.len()).map(|k| order[(at + k) % order.len()]).find(|&s| s != running && calls(s));
    let Some(next) = next else { return Some(choice(problem, running, Reason::NoDemand, vec![], 0.0)) };
    if matches!(problem.refusal(next), Some(Refusal::MinimumGreen { .. })) {
        return Some(choice(problem, running, Reason::MinGreen, vec![Limit::MinGreen], 0.0));
    }
    let gap = smallest_gap(problem, running, next);
    if gap >= GAP {
        return Some(choice(problem, next, Reason::GapOut, vec![], gap.as_seconds()));
    }
    if green >= max_green(problem, running) {
        return Some(choice(problem, next, Reason::MaxOut, vec![Limit::MaxGreen], gap.as_seconds()));
    }
    Some(choice(problem, running, Reason::PlanStep, vec![], gap.as_seconds()))
}

/// The longest green of a stage while others wait.
pub(crate) fn max_green(problem: &Problem, stage: StageNumber) -> Tenths {
    let steps = &problem.site.base.steps;
    let Some(at) = steps.iter().position(|s| s.stage == stage) else { return MAX_GREEN[0] };
    let before = steps[(at + steps.len() - 1) % steps.len()].stage;
    let planned = steps[at].split.saturating_sub(problem.site.way(before, stage));
    planned.clamp(MAX_GREEN[0], MAX_GREEN[1])
}

/// Whether somebody wants a green that this stage has and the running one has not, or has only for those who
/// give way while more than a few of them stand.
fn called(problem: &Problem, memory: &Memory, running: StageNumber, stage: StageNumber) -> bool {
    let Some(stage) = problem.junction.stage(stage) else { return false };
    let here = problem.junction.stage(running);
    stage.green.iter().any(|&g| {
        let wants = || memory.wants(problem.now, problem.site, problem.live, g);
        match here.filter(|h| h.has(g)) {
            None => wants(),
            Some(h) => {
                h.permissive.contains(&g) && !stage.permissive.contains(&g) && problem.standing(g) >= TURNERS
            }
        }
    })
}

/// Over the groups that would end: for how long nobody has come, at the busiest of them.
fn smallest_gap(problem: &Problem, running: StageNumber, next: StageNumber) -> Tenths {
    let Some(here) = problem.junction.stage(running) else { return GAP };
    let there = problem.junction.stage(next);
    let ending = here.green.iter().filter(|g| !there.is_some_and(|t| t.has(**g)));
    ending.map(|&g| gap(problem, g)).min().unwrap_or(GAP)
}

/// For how long nobody has come to a green group: by its loops, and not at all while a camera sees somebody of
/// it still standing (the loops see a gap when a queue starts late). A group that must give way may stand for
/// ever, so only its loops count. A group that nobody watches has no gap to wait for.
fn gap(problem: &Problem, group: GroupNumber) -> Tenths {
    let Some(callers) = usize::from(group.0).checked_sub(1).and_then(|i| problem.site.callers.get(i)) else {
        return GAP;
    };
    let stage = problem.running().and_then(|s| problem.junction.stage(s));
    let yields = stage.is_some_and(|s| s.permissive.contains(&group));
    let mut smallest: Option<Tenths> = None;
    for caller in callers {
        let Some(channel) = problem.live.working(problem.now, caller.channel) else {
            continue;
        };
        let gap = match caller.kind {
            DetectorKind::StopLine | DetectorKind::Advance => {
                channel.last_actuated.map_or(GAP, |at| Tenths::from(problem.now.since(at)))
            }
            DetectorKind::Area if !yields && channel.last.queue.unwrap_or(0) > 0 => Tenths::ZERO,
            DetectorKind::Area | DetectorKind::PushButton => continue,
        };
        smallest = Some(smallest.map_or(gap, |s| s.min(gap)));
    }
    smallest.unwrap_or(GAP)
}

fn choice(problem: &Problem, stage: StageNumber, reason: Reason, limits: Vec<Limit>, gap_s: f64) -> Choice {
    let green_s = problem.green_for().unwrap_or(Tenths::ZERO).as_seconds();
    Choice {
        stage,
        reason,
        facts: facts([("gap_s", gap_s), ("green_s", green_s)]),
        alternatives: vec![problem.alternative(stage, 0.0, Unit::S)],
        limits,
        search: None,
    }
}
