//! A plan brought to another cycle.

use super::{Junction, Plan};
use crate::time::Tenths;

/// The plan with that cycle, or `None` if its interstages and minimum greens do not fit into it. What is above
/// the shortest splits is shared as before, in whole seconds, and the remainder goes to the longest; the
/// offset keeps its place in the cycle. Every stage of the plan must exist.
pub fn to_cycle(junction: &Junction, plan: &Plan, cycle: Tenths) -> Option<Plan> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sketch;

    #[test]
    fn a_plan_stretches_and_shrinks_as_far_as_its_minimums() {
        let city = sketch::city("    N\n    |\nW---C---E\n    |\n    S", "C");
        let (junction, plan) = (&city.junctions[0], &city.junctions[0].plans[0]);
        for seconds in [50, 77, 90, 120] {
            let cycle = Tenths::seconds(seconds);
            let stretched = to_cycle(junction, plan, cycle).expect("it fits");
            assert_eq!(stretched.cycle(), cycle);
            assert_eq!(junction.plan_faults(&stretched), Vec::<String>::new());
        }
        assert_eq!(to_cycle(junction, plan, Tenths::seconds(15)), None);
    }
}
