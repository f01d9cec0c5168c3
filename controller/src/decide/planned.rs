//! Control by plans: the first one always, or the one that the schedule wants. The centre asks for each stage
//! when its split begins; the cabinet makes the interstage.

use super::{Choice, Kind, Memory, Problem, Reason, Unit, facts};
use model::{signal::Plan, time::Tenths};
use std::collections::BTreeSet;

/// Days from 1970-01-01, a Thursday, to a Monday.
const EPOCH_WEEKDAY: i64 = 3;
/// As schedules count days.
const SUNDAY: u8 = 6;

pub(super) fn decide(problem: &Problem, memory: &Memory) -> Option<Choice> {
    by_plan(problem, plan_in_use(problem, memory))
}

/// The plan of the hour, for a junction whose own control did badly.
pub(super) fn returned(problem: &Problem, memory: &Memory) -> Option<Choice> {
    let mut choice = by_plan(problem, plan_in_use(problem, memory))?;
    let returned = problem.live.returned?;
    choice.reason = Reason::Returned;
    choice.facts.insert("served".into(), f64::from(returned.served));
    choice.facts.insert("best".into(), f64::from(returned.best));
    choice.facts.insert("until_s".into(), returned.until.since(problem.now).as_secs_f64().round());
    Some(choice)
}

/// The plan that the kind of control in use follows: the scheduled one, or the first.
pub(crate) fn plan_in_use<'a>(problem: &Problem<'a>, memory: &'a Memory) -> &'a Plan {
    if let Some(drafted) = problem.live.drafted.as_deref().filter(|_| problem.live.by_draft) {
        return &drafted.plan;
    }
    let scheduled = || {
        let Local { holiday, weekday, minute } =
            local_time(problem.now.0, problem.utc_offset_s, problem.holidays);
        problem.junction.scheduled_plan(if holiday { SUNDAY } else { weekday }, minute)
    };
    let own = match problem.live.kind {
        Kind::Schedule | Kind::Adaptive => scheduled(),
        _ => problem.junction.plans.first(),
    };
    // A junction without plans runs Webster's, from what was measured.
    own.or(memory.webster.as_ref().map(|(_, plan)| plan)).unwrap_or(&problem.site.base)
}

/// A moment by the calendar of the place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Local {
    pub(crate) holiday: bool,
    /// 0 is Monday.
    pub(crate) weekday: u8,
    /// Minutes after local midnight.
    pub(crate) minute: u16,
}

/// The calendar of the place. Holidays are days since 1970-01-01.
pub(crate) fn local_time(now_ms: i64, utc_offset_s: i32, holidays: &BTreeSet<i64>) -> Local {
    let local_s = now_ms.div_euclid(1000) + i64::from(utc_offset_s);
    let (day, second) = (local_s.div_euclid(86_400), local_s.rem_euclid(86_400));
    Local {
        holiday: holidays.contains(&day),
        weekday: (day + EPOCH_WEEKDAY).rem_euclid(7) as u8,
        minute: (second / 60) as u16,
    }
}

fn by_plan(problem: &Problem, plan: &Plan) -> Option<Choice> {
    let clock = u64::try_from(problem.now.0 / 100).unwrap_or(0);
    let (step, into) = plan.step_at(clock)?;
    let stage = plan.steps[step].stage;
    let split = plan.steps[step].split;
    // Seconds until the plan comes to each stage; the running step's is zero.
    let mut until = Tenths::ZERO;
    let mut alternatives = vec![problem.alternative(stage, 0.0, Unit::S)];
    for k in 0..plan.steps.len() - 1 {
        let here = plan.steps[(step + k) % plan.steps.len()].split;
        until += if k == 0 { here.saturating_sub(into) } else { here };
        let next = plan.steps[(step + k + 1) % plan.steps.len()].stage;
        if alternatives.iter().all(|a| a.stage != next) {
            alternatives.push(problem.alternative(next, until.as_seconds(), Unit::S));
        }
    }
    Some(Choice {
        stage,
        reason: Reason::PlanStep,
        facts: facts([
            ("plan", f64::from(plan.number.0)),
            ("cycle_s", plan.cycle().as_seconds()),
            ("position_s", plan.cycle_position(clock).as_seconds()),
            ("split_s", split.as_seconds()),
            ("left_s", split.saturating_sub(into).as_seconds()),
        ]),
        alternatives,
        limits: problem.limits_towards(stage),
        search: None,
    })
}

#[cfg(test)]
mod tests {
    use super::{Local, local_time};
    use std::collections::BTreeSet;

    #[test]
    fn local_time_is_the_time_of_the_place() {
        let check = |now_ms: i64, offset_s: i32, expected: (u8, u16)| {
            let Local { weekday, minute, holiday } = local_time(now_ms, offset_s, &BTreeSet::from([2]));
            assert_eq!((weekday, minute), expected, "{now_ms} ms, {offset_s} s");
            assert_eq!(holiday, now_ms / 86_400_000 == 2);
        };
        // The third of January 1970 is a holiday here.
        check(2 * 86_400_000, 0, (5, 0));
        // 1970-01-01 was a Thursday.
        check(0, 0, (3, 0));
        check(0, 3 * 3600, (3, 180));
        check(0, -3600, (2, 23 * 60));
        // 2024-06-12 08:00 in Moscow, a Wednesday.
        check(1_718_168_400_000, 3 * 3600, (2, 480));
    }
}
