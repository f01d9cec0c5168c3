//! Plans that lie near another plan, all of them such that the cabinet can run them.

use super::trial::Plans;
use model::{
    signal::{Junction, Plan},
    time::Tenths,
};

/// All plans brought to one cycle; `None` if a junction's interstages and minimum greens do not fit into it.
pub(super) fn with_cycle(junctions: &[Junction], plans: &Plans, cycle: Tenths) -> Option<Plans> {
    junctions.iter().zip(plans).map(|(junction, plan)| stretched(junction, plan, cycle)).collect()
}

/// The plan with another cycle. What is above the shortest splits is shared as before, in whole seconds, and
/// the remainder goes to the longest; the offset keeps its place in the cycle.
fn stretched(junction: &Junction, plan: &Plan, cycle: Tenths) -> Option<Plan> {
    let shortest: Vec<Tenths> = (0..plan.steps.len()).map(|i| junction.shortest_split(plan, i)).collect();
    let needed: Tenths = shortest.iter().copied().sum();
    let spare = f64::from(cycle.0.checked_sub(needed.0)?);
    let spares: Vec<u32> =
        plan.steps.iter().zip(&shortest).map(|(s, least)| s.split.saturating_sub(*least).0).collect();
    let before = f64::from(spares.iter().sum::<u32>());
    let mut changed = plan.clone();
    for ((step, least), had) in changed.steps.iter_mut().zip(&shortest).zip(&spares) {
        let share = if before > 0.0 { f64::from(*had) / before } else { 1.0 / shortest.len() as f64 };
        step.split = *least + Tenths::seconds((spare * share / 10.0).floor() as u32);
    }
    let left = cycle.saturating_sub(changed.cycle());
    let longest = changed.steps.iter_mut().max_by_key(|s| s.split)?;
    longest.split += left;
    let place = plan.offset.as_seconds() / plan.cycle().as_seconds().max(0.1);
    changed.offset = Tenths::seconds((place * cycle.as_seconds()).round() as u32 % (cycle.0 / 10).max(1));
    Some(changed)
}

/// A percentage of the plan's cycle in whole seconds, one at least.
pub(super) fn seconds_of(plan: &Plan, percent: u32) -> u32 {
    ((plan.cycle().as_seconds() * f64::from(percent) / 100.0).round() as u32).max(1)
}

/// The plan begun later by so many seconds, or earlier.
pub(super) fn shifted(plan: &Plan, by_s: i64) -> Plan {
    let cycle = i64::from(plan.cycle().0.max(1));
    let offset = (i64::from(plan.offset.0) + by_s * 10).rem_euclid(cycle);
    Plan { offset: Tenths(offset as u32), ..plan.clone() }
}

/// The plan with each change of stage moved by up to `by_s` seconds, once earlier and once later, every other
/// change staying where it is on the clock.
pub(super) fn with_changes_moved(junction: &Junction, plan: &Plan, by_s: u32) -> Vec<Plan> {
    let n = plan.steps.len();
    if n < 2 {
        return Vec::new();
    }
    let pairs = (0..n).flat_map(|i| [(i, (i + 1) % n), ((i + 1) % n, i)]);
    pairs
        .filter_map(|(from, to)| {
            let room = plan.steps[from].split.saturating_sub(junction.shortest_split(plan, from));
            let moved = Tenths::seconds(by_s.min(room.0 / 10));
            if moved == Tenths::ZERO {
                return None;
            }
            let mut changed = plan.clone();
            changed.steps[from].split = changed.steps[from].split.saturating_sub(moved);
            changed.steps[to].split += moved;
            // The first step gains at its front when it takes from the last, and loses there when it gives.
            let seconds = i64::from(moved.0 / 10);
            Some(match (from, to) {
                (from, 0) if from == n - 1 => shifted(&changed, -seconds),
                (0, to) if to == n - 1 => shifted(&changed, seconds),
                _ => changed,
            })
        })
        .collect()
}
