//! Kinds of control, and what a decision is.
//!
//! A decision is only which stage is wanted. Whether it may be asked for now, and the way there, belong to
//! [`crate::dispatch`] and to the cabinet.

mod actuated;
pub(crate) mod adaptive;
mod max_pressure;
mod memory;
mod planned;
pub(crate) mod site;

pub(crate) use adaptive::Scratch;
pub use adaptive::{Searched, Tuning};
pub(crate) use memory::Memory;
pub(crate) use memory::usable;
pub(crate) use planned::{Local, local_time, plan_in_use};
pub use site::NEAR_M;

use crate::{coordinator::Live, estimate::Estimate};
use model::{
    detection::DetectorKind,
    ids::{GroupNumber, JunctionIx, StageNumber},
    signal::{Junction, rules},
    time::{Moment, Tenths},
};
use serde::{Deserialize, Serialize};
use site::Site;
use std::collections::{BTreeMap, BTreeSet};

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
    /// A rolling horizon over predicted arrivals.
    Adaptive,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 5] =
        [Kind::Fixed, Kind::Schedule, Kind::Actuated, Kind::MaxPressure, Kind::Adaptive];
    /// As it is typed and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Fixed => "fixed",
            Kind::Schedule => "schedule",
            Kind::Actuated => "actuated",
            Kind::MaxPressure => "max-pressure",
            Kind::Adaptive => "adaptive",
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
    /// What was searched, so that it can be searched again; `None` where a rule decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<Box<Searched>>,
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
    /// The cheapest sequence of stages over the horizon begins with it.
    Horizon,
    /// The cheapest sequence goes on with the running stage for now.
    KeepHorizon,
    /// A minimum green is not over.
    MinGreen,
    /// A waiting group has been red as long as it may.
    MaxRed,
    /// Nobody wants anything else.
    NoDemand,
    /// Its own control locked traffic up, so that it runs its plan for a while.
    Returned,
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
    /// What the method compared; `None` for a stage that could not run and was not looked at.
    pub score: Option<f64>,
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
    /// Seconds of vehicles' waiting, weighted, over the horizon and after it: less is better.
    VehicleS,
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
    /// Turners who wait inside the junction must be let out first.
    Turners,
    /// A stage would lock the short road to a junction close by.
    Neighbour,
}

/// All that a decision is made from.
pub(crate) struct Problem<'a> {
    pub now: Moment,
    pub junction: &'a Junction,
    pub site: &'a Site,
    pub live: &'a Live,
    /// All junctions, in order: what stands behind this one is seen by the next.
    pub city_live: &'a [Live],
    pub tuning: &'a Tuning,
    pub estimate: &'a Estimate,
    pub utc_offset_s: i32,
    pub holidays: &'a BTreeSet<i64>,
}

/// A decision before it has a number.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Choice {
    pub stage: StageNumber,
    pub reason: Reason,
    pub facts: BTreeMap<String, f64>,
    pub alternatives: Vec<Alternative>,
    pub limits: Vec<Limit>,
    /// What was searched.
    pub search: Option<Box<Searched>>,
}

/// Chooses by the kind of control in use, or by the operator's hold. `None` leaves what was wanted before: an
/// interstage runs, or it is not the time to think again.
pub(crate) fn decide(
    problem: &Problem,
    memory: &mut Memory,
    hold: Option<StageNumber>,
    scratch: &mut Scratch,
) -> Option<Choice> {
    if let Some(stage) = hold {
        let limits = problem.limits_towards(stage);
        return Some(Choice {
            stage,
            reason: Reason::OperatorHold,
            facts: BTreeMap::new(),
            alternatives: Vec::new(),
            limits,
            search: None,
        });
    }
    match problem.live.kind {
        Kind::Fixed | Kind::Schedule => planned::decide(problem, memory),
        Kind::Actuated => actuated::decide(problem, memory),
        Kind::MaxPressure => max_pressure::decide(problem, memory),
        Kind::Adaptive if problem.live.returned.is_some() => planned::returned(problem, memory),
        Kind::Adaptive => adaptive::decide(problem, &mut memory.adaptive, &memory.waiting, scratch),
    }
}

impl Problem<'_> {
    /// The stage that is green, or that the interstage leads to.
    fn running(&self) -> Option<StageNumber> {
        self.live.stage
    }

    /// How long the running stage has been green; `None` during an interstage.
    fn green_for(&self) -> Option<Tenths> {
        let since = self.live.stage_since.filter(|_| !self.live.interstage && self.live.stage.is_some())?;
        Some(Tenths::from(self.now.since(since)))
    }

    /// Why a stage may not be asked for now.
    pub(crate) fn refusal(&self, stage: StageNumber) -> Option<rules::Refusal> {
        rules::may_request(self.junction, &self.live.groups, stage, self.now).err()
    }

    fn limits_towards(&self, stage: StageNumber) -> Vec<Limit> {
        match self.refusal(stage) {
            Some(rules::Refusal::MinimumGreen { .. }) => vec![Limit::MinGreen],
            Some(rules::Refusal::InterstageRunning) => vec![Limit::Intergreen],
            _ => Vec::new(),
        }
    }

    /// Vehicles of a group that cameras see standing.
    fn standing(&self, group: GroupNumber) -> u32 {
        let callers = usize::from(group.0).checked_sub(1).and_then(|i| self.site.callers.get(i));
        let areas = callers.into_iter().flatten().filter(|c| c.kind == DetectorKind::Area);
        let channels =
            areas.filter_map(|c| self.live.detectors.get(&c.channel)).filter(|c| usable(self.now, c));
        channels.map(|c| u32::from(c.last.queue.unwrap_or(0))).sum()
    }

    /// A stage among the alternatives.
    fn alternative(&self, stage: StageNumber, score: impl Into<Option<f64>>, unit: Unit) -> Alternative {
        let refused = if Some(stage) == self.running() { None } else { self.refusal(stage) };
        Alternative { stage, score: score.into().map(rounded), unit, refused: refused.map(|r| r.to_string()) }
    }

    /// Keeps going where the interstage leads, when nothing was wanted before.
    fn ride_along(&self) -> Option<Choice> {
        let stage = self.running().filter(|_| self.live.wanted.is_none())?;
        let limits = vec![Limit::Intergreen];
        let (facts, alternatives) = (BTreeMap::new(), Vec::new());
        Some(Choice { stage, reason: Reason::Interstage, facts, alternatives, limits, search: None })
    }
}

/// How long a stage's green may last at most while somebody else waits.
pub(crate) fn longest_green(problem: &Problem, memory: &Memory, stage: StageNumber) -> Tenths {
    match problem.live.kind {
        Kind::Actuated => actuated::max_green(problem, stage),
        _ => max_pressure::longest_green(problem, memory, stage),
    }
}

/// How long a stage's green lasts at least: the longest minimum of its groups.
pub(crate) fn min_green(junction: &Junction, stage: StageNumber) -> Tenths {
    let groups = junction.stage(stage).map_or(&[][..], |s| &s.green[..]);
    groups.iter().filter_map(|g| junction.group(*g)).map(|g| g.min_green).max().unwrap_or(Tenths::ZERO)
}

/// Facts and scores are read by people: two places are enough.
pub fn rounded(x: f64) -> f64 {
    (x * 100.0).round() / 100.0
}

/// Facts by name.
fn facts<const N: usize>(facts: [(&str, f64); N]) -> BTreeMap<String, f64> {
    facts.into_iter().map(|(name, value)| (name.to_string(), rounded(value))).collect()
}
