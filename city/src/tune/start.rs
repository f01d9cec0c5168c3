//! Where the climb may begin: the scenario's own plans, and Webster's from its volumes, at every common cycle, with the
//! offsets that they have and with those of green waves.

use super::{
    change,
    trial::{Plans, Trial},
    wave,
};
use model::{
    ids::{GroupNumber, JunctionIx, LaneIx, PlanNumber, StageNumber},
    network::Network,
    signal::{Junction, Plan, webster},
    time::Tenths,
};
use std::collections::BTreeMap;

/// Vehicles per hour that a lane discharges while it is green: HCM 2010, 18.3, rounded to what our engine shows.
const SATURATION: f64 = 1_850.0;

/// Step between common cycles that are tried, s.
const CYCLE_STEP_S: u32 = 10;

/// The scenario's own plans. A junction without one shows its stages in order, each as short as may be.
pub(super) fn own(trial: &Trial) -> Plans {
    let shortest = |junction: &Junction| {
        let order: Vec<StageNumber> = junction.stages.iter().map(|s| s.number).collect();
        webster::plan(junction, PlanNumber(1), &order, &vec![0.0; order.len()])
    };
    trial.city().junctions.iter().map(|j| j.plans.first().cloned().unwrap_or_else(|| shortest(j))).collect()
}

/// Webster's plans, and both kinds brought to each common cycle that the junctions can keep.
pub(super) fn around(trial: &Trial, own: &Plans, seed: u64) -> Vec<Plans> {
    let volumes = trial.volumes(own, seed);
    let junctions = &trial.city().junctions;
    let webster: Plans = junctions
        .iter()
        .zip(own)
        .enumerate()
        .map(|(i, (junction, plan))| {
            let ratios = flow_ratios(&trial.city().network, JunctionIx::from(i), junction, plan, &volumes);
            let order: Vec<StageNumber> = plan.steps.iter().map(|s| s.stage).collect();
            let split = webster::plan(junction, plan.number, &order, &ratios);
            Plan { offset: plan.offset, ..split }
        })
        .collect();
    // The junction that needs the longest cycle sets it for all, as in Webster's own advice for networks.
    let critical = webster.iter().map(Plan::cycle).max().unwrap_or(webster::SHORTEST_CYCLE);
    let steps = (webster::SHORTEST_CYCLE.0..=webster::LONGEST_CYCLE.0).step_by(10 * CYCLE_STEP_S as usize);
    let cycles = std::iter::once(critical).chain(steps.map(Tenths));
    cycles
        .flat_map(|cycle| [&webster, own].map(|plans| change::with_cycle(junctions, plans, cycle)))
        .flatten()
        .flat_map(|plans| {
            let waved = wave::along_the_busiest(&trial.city_with(&plans), &plans, &volumes);
            std::iter::once(plans).chain(waved)
        })
        .collect()
}

/// Per step of the plan, the largest flow over saturation flow among the groups that are green in it. A group
/// that is green in several steps shares its flow among them.
fn flow_ratios(
    network: &Network,
    at: JunctionIx,
    junction: &Junction,
    plan: &Plan,
    volumes: &[f64],
) -> Vec<f64> {
    let mut lanes: BTreeMap<(GroupNumber, LaneIx), f64> = BTreeMap::new();
    for (movement, volume) in network.movements.iter().zip(volumes) {
        if let Some(head) = movement.head.filter(|h| h.junction == at) {
            *lanes.entry((head.group, movement.from)).or_default() += volume / SATURATION;
        }
    }
    let mut groups: BTreeMap<GroupNumber, f64> = BTreeMap::new();
    for ((group, _), ratio) in lanes {
        let largest = groups.entry(group).or_default();
        *largest = largest.max(ratio);
    }
    let has = |stage: StageNumber, group| junction.stage(stage).is_some_and(|s| s.has(group));
    let share = |group: GroupNumber| plan.steps.iter().filter(|s| has(s.stage, group)).count().max(1) as f64;
    plan.steps
        .iter()
        .map(|step| {
            let green = groups.iter().filter(|(group, _)| has(step.stage, **group));
            green.map(|(group, ratio)| ratio / share(*group)).fold(0.0, f64::max)
        })
        .collect()
}
