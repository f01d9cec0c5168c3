//! The file of tuned plans, and a city that runs them.

use super::Engine;
use crate::{compare::sample::Estimate, input, input::InputError};
use model::{
    city::City,
    config::{Complaint, Complaints},
    ids::JunctionId,
    signal::Plan,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::Path};

/// What `city tune` writes. Readers need `junctions` alone; the rest says where the plans come from.
#[derive(Debug, Serialize)]
pub(super) struct PlansFile {
    pub(super) scenario: String,
    /// Seeds on which the plans were tried.
    pub(super) seeds: Vec<u64>,
    /// How many sets of plans were tried.
    pub(super) tried: u32,
    pub(super) gain: Gain,
    pub(super) junctions: BTreeMap<JunctionId, Plan>,
}

/// What tuning brought, on seeds that it had not seen.
#[derive(Debug, Serialize)]
pub(super) struct Gain {
    pub(super) engine: Engine,
    pub(super) seeds: Vec<u64>,
    pub(super) own_delay_s: Estimate,
    pub(super) tuned_delay_s: Estimate,
    /// Tuned minus own, seed by seed.
    pub(super) change_s: Estimate,
}

/// The plans of a file that `city tune` wrote, or of one written by hand: `{"junctions": {"ID": PLAN}}`.
pub fn read_plans(path: &Path) -> Result<BTreeMap<JunctionId, Plan>, InputError> {
    #[derive(Deserialize)]
    struct Plans {
        junctions: BTreeMap<JunctionId, Plan>,
    }
    let plans: Plans = serde_json::from_str(&input::text(path)?).map_err(|e| {
        Complaint::at(path.display().to_string(), e.line() as u32, format!("these are no plans: {e}"))
    })?;
    Ok(plans.junctions)
}

/// Puts each plan in the place of its junction's first; junctions without one keep their own. A plan that
/// cannot run is refused: the complaint names `file`, which the plans are from, the junction and the cause.
pub fn apply(city: &mut City, plans: &BTreeMap<JunctionId, Plan>, file: &Path) -> Result<(), InputError> {
    let file = file.display().to_string();
    let mut complaints = Complaints::default();
    for (id, plan) in plans {
        let Some(at) = city.junction_ix(id) else {
            complaints.push(Complaint::whole(&file, format!("junction {id} is not in the city")));
            continue;
        };
        let mut junction = city.junctions[at.ix()].clone();
        match junction.plans.first_mut() {
            Some(first) => *first = plan.clone(),
            None => junction.plans.push(plan.clone()),
        }
        let twice = junction.plans.iter().skip(1).any(|p| p.number == plan.number);
        let doubt = twice.then(|| format!("it already has another plan {}", plan.number));
        let faults: Vec<String> = junction.faults().into_iter().chain(doubt).collect();
        if faults.is_empty() {
            city.junctions[at.ix()] = junction;
        }
        complaints.extend(faults.into_iter().map(|f| Complaint::whole(&file, format!("junction {id}: {f}"))));
    }
    Ok(complaints.or(())?)
}
