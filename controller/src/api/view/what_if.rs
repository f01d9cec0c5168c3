//! What-if questions and their answers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `POST /api/v1/what-if`: try this from the street as it is now. Nothing of it reaches the street.
#[derive(Clone, PartialEq, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WhatIfRequest {
    /// What is to be tried; all other junctions go on as they are. At least one, no junction twice.
    pub changes: Vec<WhatIfChange>,
    /// How far ahead to look, 5 to 60; 30 where nothing is said.
    pub minutes: Option<u32>,
    /// How many times, with other chances each time: 2 to 20; 5 where nothing is said.
    pub seeds: Option<u16>,
    /// Who asks, where nobody signs in. Whoever has an account is named by it, whatever stands here.
    pub who: Option<String>,
    /// Why. Not empty.
    pub reason: String,
}

/// One change to try: at some junctions or in a district, a kind of control or a plan.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WhatIfChange {
    /// The junctions' ids. Either these or `district`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub junctions: Vec<String>,
    /// All junctions of that district that this centre commands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub district: Option<String>,
    /// Kind of control: `fixed`, `schedule`, `actuated`, `max-pressure`, `adaptive`. Either this or `plan`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// A plan, run by the clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<WhatIfPlan>,
}

/// A plan to try. The rules for plans hold for it: stages must exist, splits must hold interstage and minimum green.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WhatIfPlan {
    /// Cycle: the sum of the splits.
    pub cycle_s: f64,
    /// Offset against the common clock, less than the cycle.
    pub offset_s: f64,
    /// Stages in order, with splits: `[stage, seconds]`.
    pub steps: Vec<(u16, f64)>,
}

/// `GET /api/v1/what-if`.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct WhatIfs {
    /// Newest first, without their results. The last 50 are kept while the centre runs.
    pub what_ifs: Vec<WhatIf>,
}

/// `GET /api/v1/what-if/{id}`: a question and how far it is.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct WhatIf {
    /// Its id.
    pub id: String,
    /// `waiting`, `running`, `done`, `failed`.
    pub state: String,
    /// Share done, 0 to 1.
    pub done: f64,
    /// While it waits: how many are before it; null while no simulator has said so.
    pub before: Option<u16>,
    /// If it failed, why, as a word: `no_simulator`, `other_city`, `full`, `cancelled`, `late`, `refused`, `broken`.
    pub failure: Option<String>,
    /// The same for people, English; empty unless it failed.
    pub detail: String,
    /// The simulator that took it; null before.
    pub simulator: Option<String>,
    /// The city's time that it starts from.
    pub asked_at: i64,
    /// How far ahead.
    pub minutes: u32,
    /// How many times.
    pub seeds: u16,
    /// Who asked.
    pub who: String,
    /// Why.
    pub reason: String,
    /// Junctions at which something is tried.
    pub junctions: Vec<String>,
    /// What would come of it; null until it is done, and in lists.
    pub result: Option<WhatIfResult>,
}

/// What would come of it. The street as it is (`base`) and with the changes (`trial`) were driven with the same seeds: the
/// same vehicles at the same places, and the same ones to come.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct WhatIfResult {
    /// What it rests on.
    pub assumptions: WhatIfAssumptions,
    /// Over the whole street: `delay_s`, `travel_time_s` and `stops` per vehicle that was or came there; `arrived`,
    /// `longest_queue` (vehicles on one link), `left_at_end`, `waiting_at_edges`.
    pub measures: Vec<WhatIfMeasure>,
    /// Delay before each junction at which something was tried, s per vehicle that was there.
    pub junctions: Vec<WhatIfJunction>,
}

/// What a result rests on; means over the seeds.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct WhatIfAssumptions {
    /// Vehicles at the beginning that detectors saw.
    pub vehicles_known: u32,
    /// Vehicles at the beginning that were assumed where nobody looks.
    pub vehicles_assumed: f64,
    /// Vehicles that come later, by the flows of the last ten minutes.
    pub vehicles_to_come: f64,
    /// Turns whose flow was measured.
    pub turns_measured: u32,
    /// Turns whose flow was guessed from those around.
    pub turns_assumed: u32,
}

/// One measure.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct WhatIfMeasure {
    /// Which.
    pub measure: String,
    /// The street as it is.
    pub base: WhatIfSpread,
    /// With the changes.
    pub trial: WhatIfSpread,
    /// With the changes less without, seed by seed.
    pub difference: WhatIfSpread,
    /// `better`, `worse`, or `no difference shown` where the difference's interval holds zero.
    pub verdict: String,
}

/// One junction.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct WhatIfJunction {
    /// Its id.
    pub junction: String,
    /// Its delay.
    pub delay: WhatIfMeasure,
}

/// A mean over seeds and how sure it is.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct WhatIfSpread {
    /// Mean.
    pub mean: f64,
    /// Standard deviation from seed to seed.
    pub sd: f64,
    /// Lower end of the 95 % confidence interval of the mean (Student's t).
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}
