//! Plans that fit the traffic: splits by Webster for the flows of the peak, one cycle for main roads, and offsets
//! that let platoons through along each corridor.

use crate::demand::{DemandStream, flow_ratios};
use model::{
    city::City,
    ids::{JunctionIx, PlanNumber, StageNumber},
    network::{Name, RoadClass},
    signal::{Junction, Plan, webster},
    time::Tenths,
};

/// Vehicles at once at the peak, for each junction: 5,000 in the centre.
const VEHICLES_PER_JUNCTION: usize = 33;
/// The hour that plans are made for, s after midnight.
const PEAK_S: f64 = 8.5 * 3600.0;
/// The cycle of main roads.
const MAIN_CYCLE: Tenths = Tenths::seconds(120);
/// Pace of a platoon between signals, m/s.
const PLATOON_MPS: f64 = 12.5;
/// Cities larger than this keep plans by the size of their roads: assigning traffic to them takes too long.
const MOST_JUNCTIONS: usize = 1500;

/// Sets every junction's first plan.
pub(super) fn plan(city: &mut City, seed: u64) {
    if city.junctions.len() <= MOST_JUNCTIONS {
        // Drivers choose by the plans, plans follow the drivers.
        let rounds = if city.network.links.len() <= 5_000 { 2 } else { 1 };
        for _ in 0..rounds {
            let vehicles = city.junctions.len() * VEHICLES_PER_JUNCTION;
            let flows = DemandStream::new(city, vehicles, seed, PEAK_S).flows();
            let ratios = flow_ratios(city, &flows);
            let main = main_junctions(city);
            for ((junction, groups), main) in city.junctions.iter_mut().zip(ratios).zip(main) {
                let fitted = fit(junction, &groups, main);
                if junction.plan_faults(&fitted).is_empty() {
                    junction.plans = vec![fitted];
                }
            }
        }
    }
    coordinate(city);
}

/// Junctions on a main road.
fn main_junctions(city: &City) -> Vec<bool> {
    let mut main = vec![false; city.junctions.len()];
    for m in &city.network.movements {
        if let Some(head) = m.head {
            let class = city.network.link(city.network.lane(m.from).link).class;
            main[head.junction.ix()] |= class <= RoadClass::Primary;
        }
    }
    main
}

/// Webster's plan for flow ratios of groups, stretched to the common cycle on main roads.
fn fit(junction: &Junction, groups: &[f64], main: bool) -> Plan {
    let order: Vec<StageNumber> = junction.stages.iter().map(|s| s.number).collect();
    let stages_of = |g: usize| {
        junction.stages.iter().filter(|s| s.green.iter().any(|n| usize::from(n.0) == g + 1)).count()
    };
    let ratio: Vec<f64> = junction
        .stages
        .iter()
        .map(|stage| {
            let own = stage.green.iter().map(|n| usize::from(n.0) - 1);
            own.map(|g| groups.get(g).copied().unwrap_or(0.0) / stages_of(g).max(1) as f64)
                .fold(0.02, f64::max)
        })
        .collect();
    let mut plan = webster::plan(junction, PlanNumber(1), &order, &ratio);
    plan.name = Name::new("Пик", "Peak");
    if main && plan.cycle() < MAIN_CYCLE {
        let sum: f64 = ratio.iter().sum();
        let spare = MAIN_CYCLE.saturating_sub(plan.cycle());
        for (step, y) in plan.steps.iter_mut().zip(&ratio) {
            step.split += Tenths::seconds((spare.as_seconds() * y / sum).floor() as u32);
        }
        let rest = MAIN_CYCLE.saturating_sub(plan.cycle());
        if let Some(first) = plan.steps.first_mut() {
            first.split += rest;
        }
    }
    plan
}

/// Sets offsets so that a platoon that leaves a corridor's first signal meets green at the next ones. A junction on
/// two corridors obeys the first.
fn coordinate(city: &mut City) {
    let mut head_at = vec![None; city.network.links.len()];
    for m in &city.network.movements {
        if let Some(head) = m.head {
            let link = city.network.lane(m.from).link;
            // The group of those who go straight on is the corridor's.
            if head_at[link.ix()].is_none() || m.turn == model::network::Turn::Straight {
                head_at[link.ix()] = Some((head.junction, head.group));
            }
        }
    }
    let mut done = vec![false; city.junctions.len()];
    for corridor in &city.corridors {
        let mut along_s = 0.0;
        for link in &corridor.links {
            along_s += city.network.link(*link).length_m / PLATOON_MPS;
            let Some((JunctionIx(j), group)) = head_at[link.ix()] else { continue };
            let junction = &mut city.junctions[j as usize];
            if std::mem::replace(&mut done[j as usize], true) {
                continue;
            }
            let Some(plan) = junction.plans.first_mut() else { continue };
            let cycle = plan.cycle();
            // When in the cycle the corridor's green begins.
            let mut begins = Tenths::ZERO;
            for step in &plan.steps {
                let stage = &junction.stages[usize::from(step.stage.0) - 1];
                if stage.has(group) {
                    break;
                }
                begins += step.split;
            }
            let wanted = Tenths::seconds(along_s.round() as u32);
            plan.offset = Tenths((wanted.0 + cycle.0.max(1) - begins.0 % cycle.0.max(1)) % cycle.0.max(1));
        }
    }
}
