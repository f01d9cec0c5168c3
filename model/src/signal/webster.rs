//! Fixed plans from volumes: Webster, F. V. (1958), *Traffic signal settings*, Road Research Technical
//! Paper 39. Symbols as there: `y` flow ratio, `Y` their sum, `L` lost time a cycle, `C` cycle.

use super::{Junction, Plan, PlanStep, interstage::Interstage};
use crate::{
    ids::{PlanNumber, StageNumber},
    network::Name,
    time::Tenths,
};

/// Shortest cycle that Webster's formula may give here: below it interstages eat the green.
pub const SHORTEST_CYCLE: Tenths = Tenths::seconds(40);
/// Longest: beyond it people on foot stop waiting for green (HCM 2010, 18.4).
pub const LONGEST_CYCLE: Tenths = Tenths::seconds(120);

/// A plan over `order`, with `flow_ratio[i]` the largest flow over saturation flow among the groups that
/// stage `order[i]` serves. The optimum cycle is `C = (1.5 L + 5) / (1 - Y)`, green shared in proportion to
/// `y`; no green falls below its minimum, and the cycle stays within its bounds.
pub fn plan(junction: &Junction, number: PlanNumber, order: &[StageNumber], flow_ratio: &[f64]) -> Plan {
    let ways: Vec<Tenths> = (0..order.len())
        .map(|i| {
            let before = order[(i + order.len() - 1) % order.len()];
            Interstage::between(junction, before, order[i]).duration
        })
        .collect();
    let minimum: Vec<Tenths> = order
        .iter()
        .map(|&stage| {
            let groups = junction.stage(stage).map_or(&[][..], |s| &s.green[..]);
            groups
                .iter()
                .filter_map(|g| junction.group(*g))
                .map(|g| g.min_green)
                .max()
                .unwrap_or(Tenths::seconds(5))
        })
        .collect();
    let lost: Tenths = ways.iter().copied().sum();
    let flow_sum: f64 = flow_ratio.iter().sum();
    let optimum = if flow_sum < 0.95 {
        Tenths::from_seconds_f64((1.5 * lost.as_seconds() + 5.0) / (1.0 - flow_sum))
    } else {
        LONGEST_CYCLE
    };
    let needed: Tenths = lost + minimum.iter().copied().sum();
    let cycle = optimum.clamp(SHORTEST_CYCLE, LONGEST_CYCLE).max(needed);
    let spare = cycle.saturating_sub(needed);
    let share = |i: usize| {
        let even = 1.0 / order.len() as f64;
        let y = if flow_sum > 0.0 { flow_ratio[i] / flow_sum } else { even };
        // Whole seconds, as cabinets are set; the remainder goes to the first stage below.
        Tenths::seconds((spare.as_seconds() * y).floor() as u32)
    };
    let mut steps: Vec<PlanStep> = (0..order.len())
        .map(|i| PlanStep { stage: order[i], split: ways[i] + minimum[i] + share(i) })
        .collect();
    let given: Tenths = steps.iter().map(|s| s.split).sum();
    if let Some(first) = steps.first_mut() {
        first.split += cycle.saturating_sub(given);
    }
    Plan { number, name: Name::default(), offset: Tenths::ZERO, steps }
}
