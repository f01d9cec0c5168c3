//! Plans, schedules, and drafts of plans.

use super::{Name, PlanView, WhatIfPlan};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `GET /api/v1/junctions/{id}/plans`: the junction's library.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct PlansView {
    /// The junction.
    pub junction: String,
    /// Its name.
    pub name: Name,
    /// Its district.
    pub district: String,
    /// The plans that it has, as the city's data say.
    pub plans: Vec<PlanView>,
    /// Which plan when; empty means the first one always.
    pub schedule: Vec<ScheduleView>,
    /// Days that count as Sundays in schedules, and as holidays in drafts: `YYYY-MM-DD`.
    pub holidays: Vec<String>,
    /// How the cabinet's own copy compares.
    pub cabinet: CabinetCopy,
    /// The stages that a plan may use, with the least that each needs after each other.
    pub stages: Vec<u16>,
    /// The draft that the centre runs here; null if none.
    pub draft: Option<u64>,
    /// The open drafts of this junction, newest first.
    pub drafts: Vec<DraftView>,
}

/// How the cabinet's own copy of groups, clearances, stages and plans compares with the city's data. A cabinet tells only a
/// fingerprint of it.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct CabinetCopy {
    /// `same`, `differs`, or `unknown` while the cabinet has not told.
    pub state: String,
    /// The fingerprint of the city's data.
    pub ours: u32,
    /// The cabinet's; null while it has not told.
    pub theirs: Option<u32>,
    /// The plan that the cabinet says it runs by itself; null if none.
    pub runs: Option<u16>,
}

/// A line of a schedule.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct ScheduleView {
    /// Bit 0 is Monday, bit 6 Sunday.
    pub days: u8,
    /// From then on, minutes after local midnight.
    pub from_minute: u16,
    /// The plan.
    pub plan: u16,
}

/// `POST /api/v1/junctions/{id}/plans/check`: how a plan fits. Nothing is kept.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct PlanCheck {
    /// The sum of the splits.
    pub cycle_s: f64,
    /// Step by step.
    pub steps: Vec<StepCheck>,
    /// What is wrong, in words, English; empty means that it can run.
    pub faults: Vec<String>,
}

/// How a step of a plan fits.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct StepCheck {
    /// The interstage into it: clearances, amber, flashing green.
    pub interstage_s: f64,
    /// The longest minimum green of the groups that begin and end with it.
    pub min_green_s: f64,
    /// The least that its split can be.
    pub shortest_s: f64,
    /// The split holds it.
    pub fits: bool,
}

/// When a draft runs.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoursView {
    /// Bit 0 is Monday, bit 6 Sunday, bit 7 a holiday, which is no day of the week.
    pub days: u8,
    /// From then on, minutes after local midnight.
    pub from_minute: u16,
    /// And before then, at most 1440.
    pub until_minute: u16,
}

/// `GET /api/v1/drafts`.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct DraftsView {
    /// Newest first, without their histories. Withdrawn ones are left out.
    pub drafts: Vec<DraftView>,
}

/// A draft of a junction's plan. The centre runs it stage by stage; cabinets take plans by number only.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct DraftView {
    /// Its number.
    pub number: u64,
    /// The junction.
    pub junction: String,
    /// Its name.
    pub name: Name,
    /// Its district.
    pub district: String,
    /// `draft`, `proposed` (waits for a second person), `approved`, `canary` (runs, and ends by itself), `rolled_out`
    /// (runs), `withdrawn`.
    pub state: String,
    /// When the canary ends; null unless one runs.
    pub until: Option<i64>,
    /// It ran as a canary since it was approved.
    pub canaried: bool,
    /// The plan; its number is that of the plan that it was made from.
    pub plan: PlanView,
    /// When it runs; empty means always.
    pub hours: Vec<HoursView>,
    /// What it is for.
    pub reason: String,
    /// Who changed it last.
    pub author: String,
    /// It is the asker's own, so that somebody else has to approve it.
    pub mine: bool,
    /// Who approved it; null if nobody has.
    pub approved_by: Option<String>,
    /// What a what-if said of it as it is; null if none was asked.
    pub tried: Option<TriedView>,
    /// Its history, oldest first; empty in lists.
    pub lines: Vec<DraftLine>,
}

/// What a what-if said of a draft.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct TriedView {
    /// The question's id.
    pub what_if: String,
    /// When it was asked.
    pub at: i64,
    /// How far it looked ahead, min.
    pub minutes: u32,
    /// Mean delay before the junction as it is, s per vehicle.
    pub before_s: f64,
    /// And with the draft.
    pub after_s: f64,
    /// The 95 % interval of the difference.
    pub difference_s: (f64, f64),
    /// `better`, `worse` or `no difference shown`.
    pub verdict: String,
}

/// A line of a draft's history.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct DraftLine {
    /// When.
    pub at: i64,
    /// Who; null where it went by itself.
    pub who: Option<String>,
    /// `made`, `edited`, `tried`, `proposed`, `approved`, `refused`, `canary`, `canary_over`, `rolled_out`, `rolled_back`,
    /// `withdrawn`.
    pub what: String,
    /// The reason, or empty.
    pub text: String,
}

/// `POST /api/v1/junctions/{id}/drafts`, and the `edit` of a [`DraftAct`].
#[derive(Clone, PartialEq, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftRequest {
    /// The plan that it is made from; 1 where the junction has none.
    pub base: u16,
    /// The plan.
    pub plan: WhatIfPlan,
    /// When it runs; empty means always.
    #[serde(default)]
    pub hours: Vec<HoursView>,
    /// What it is for. One line.
    pub reason: String,
    /// Who, where nobody signs in.
    pub who: Option<String>,
}

/// `POST /api/v1/drafts/{number}`: exactly one of them.
#[derive(Clone, PartialEq, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftAct {
    /// Change it; what was approved is so no longer.
    pub edit: Option<DraftRequest>,
    /// The id of a what-if that is done and tried just this plan at just this junction: what it said is noted.
    pub tried: Option<String>,
    /// Ask a second person.
    #[serde(default)]
    pub propose: bool,
    /// Be the second person, who manages.
    #[serde(default)]
    pub approve: bool,
    /// Be the second person, and say no for that reason.
    pub refuse: Option<String>,
    /// Run it for so many minutes, 5 to 120.
    pub canary_min: Option<u32>,
    /// Run it until it is taken back; a canary must have run.
    #[serde(default)]
    pub roll_out: bool,
    /// Take it back for that reason. The usual control goes on.
    pub roll_back: Option<String>,
    /// Give it up for that reason.
    pub withdraw: Option<String>,
    /// Who, where nobody signs in.
    pub who: Option<String>,
}
