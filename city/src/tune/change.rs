//! Plans that lie near another plan, all of them such that the cabinet can run them.

use super::trial::Plans;
use model::{
    signal::{Junction, Plan, stretch},
    time::Tenths,
};

/// All plans brought to one cycle; `None` if a junction's interstages and minimum greens do not fit into it.
pub(super) fn with_cycle(junctions: &[Junction], plans: &Plans, cycle: Tenths) -> Option<Plans> {
    junctions.iter().zip(plans).map(|(junction, plan)| stretch::to_cycle(junction, plan, cycle)).collect()
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
