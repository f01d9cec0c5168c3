//! Kinds of control, and what a decision is.

use model::{
    ids::{JunctionIx, StageNumber},
    time::Moment,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Kinds of control. One closed set; `match` on it and the compiler finds every place that must know.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The first plan, always.
    #[default]
    Fixed,
    /// The plan that the time-of-day schedule wants.
    Schedule,
    /// Actuated with gap-out over the plan's stages.
    Actuated,
    /// Max-pressure (Varaiya 2013).
    MaxPressure,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 4] = [Kind::Fixed, Kind::Schedule, Kind::Actuated, Kind::MaxPressure];
    /// As it is typed and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Fixed => "fixed",
            Kind::Schedule => "schedule",
            Kind::Actuated => "actuated",
            Kind::MaxPressure => "max-pressure",
        }
    }
}

/// Which stage was chosen, why, and what else could have been.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Decision {
    /// Counts decisions of this centre, from 1.
    pub number: u64,
    /// The junction.
    pub junction: JunctionIx,
    /// When.
    pub at: Moment,
    /// By which kind of control.
    pub kind: Kind,
    /// The stage that ran.
    pub before: Option<StageNumber>,
    /// The stage that was chosen.
    pub stage: StageNumber,
    /// Why: one of the keys listed at `api::view::DecisionView::reason`.
    pub reason: Reason,
    /// Numbers that belong to the reason.
    pub facts: BTreeMap<String, f64>,
    /// Every stage with what speaks for it; the chosen one first, then best first.
    pub alternatives: Vec<Alternative>,
    /// What bound the choice.
    pub limits: Vec<Limit>,
}

/// Why a stage was chosen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The plan says so.
    PlanStep,
    /// No vehicle for a gap's length.
    GapOut,
    /// The longest green is over.
    MaxOut,
    /// The highest pressure.
    MaxPressure,
    /// The running stage still has the highest pressure.
    KeepPressure,
    /// A minimum green is not over.
    MinGreen,
    /// A waiting group has been red as long as it may.
    MaxRed,
    /// Nobody wants anything else.
    NoDemand,
    /// An operator holds it.
    OperatorHold,
    /// An interstage is running.
    Interstage,
    /// Nothing ran before.
    First,
}

/// One stage that could have run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Alternative {
    /// The stage.
    pub stage: StageNumber,
    /// What the method compared.
    pub score: f64,
    /// Its unit.
    pub unit: Unit,
    /// Why it could not run now.
    pub refused: Option<String>,
}

/// The unit of a score.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Vehicles of pressure: more is better.
    Vehicles,
    /// Seconds until the plan runs it: less is better.
    S,
}

/// What can bind a choice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Minimum green.
    MinGreen,
    /// Longest green.
    MaxGreen,
    /// Longest red.
    MaxRed,
    /// An intergreen.
    Intergreen,
}
