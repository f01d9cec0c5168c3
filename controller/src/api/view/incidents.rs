//! Incidents and response plans.

use super::Name;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `GET /api/v1/incidents`.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct IncidentsView {
    /// Newest first; those in force, or all that are remembered.
    pub incidents: Vec<IncidentView>,
    /// Response plans that can be ordered for them.
    pub responses: Vec<ResponseView>,
}

/// An incident: what people know of a road that no detector tells. Route planners hear of it with the link times.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct IncidentView {
    /// Its number.
    pub number: u64,
    /// The links.
    pub links: Vec<IncidentLink>,
    /// Nobody drives there.
    pub closed: bool,
    /// Nobody drives faster there; null if it is closed.
    pub slow_to_kmh: Option<f64>,
    /// What has happened.
    pub what: String,
    /// Since when.
    pub since: i64,
    /// It is over by itself then.
    pub until: i64,
    /// When it was over; null while it is in force.
    pub over_at: Option<i64>,
    /// Its history, oldest first.
    pub lines: Vec<IncidentLine>,
}

/// A link of an incident.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct IncidentLink {
    /// Its id.
    pub id: String,
    /// Its index: the feature id in the map's links; null if the city has it no more.
    pub ix: Option<u32>,
    /// The street.
    pub name: Name,
    /// A place on it; null if the city has it no more.
    pub at: Option<[f64; 2]>,
}

/// A line of an incident's history.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct IncidentLine {
    /// When.
    pub at: i64,
    /// Who; null where it went by itself.
    pub who: Option<String>,
    /// `reported`, `prolonged`, `responded`, `ended`, `over`.
    pub what: String,
    /// More of it, or empty.
    pub text: String,
}

/// `POST /api/v1/incidents`.
#[derive(Clone, PartialEq, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IncidentRequest {
    /// The links' ids.
    pub links: Vec<String>,
    /// Nobody drives there. Either this or `slow_to_kmh`.
    #[serde(default)]
    pub closed: bool,
    /// Nobody drives faster there, 1 to 100.
    pub slow_to_kmh: Option<f64>,
    /// What has happened. One line.
    pub what: String,
    /// It is over by itself after so many minutes, 1 to 10,080.
    pub minutes: u32,
    /// Who, where nobody signs in.
    pub who: Option<String>,
}

/// `POST /api/v1/incidents/{number}`: exactly one of prolong, respond and end.
#[derive(Clone, PartialEq, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IncidentAct {
    /// It lasts so many minutes from now.
    pub prolong_min: Option<u32>,
    /// Order that response plan: each of its orders, with this incident as the reason.
    pub respond: Option<u64>,
    /// It is over, for that reason.
    pub end: Option<String>,
    /// Who, where nobody signs in.
    pub who: Option<String>,
}

/// A response plan: prepared orders.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct ResponseView {
    /// Its number.
    pub number: u64,
    /// What it is called.
    pub name: String,
    /// How long its orders stand.
    pub minutes: u32,
    /// They.
    pub orders: Vec<PreparedView>,
    /// Who prepared it.
    pub by: String,
}

/// A prepared order: exactly one of kind, plan and stage.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreparedView {
    /// The junction.
    pub junction: String,
    /// Control by that kind.
    #[serde(default)]
    pub kind: Option<String>,
    /// Run that plan, by the cabinet's own clock.
    #[serde(default)]
    pub plan: Option<u16>,
    /// Hold that stage.
    #[serde(default)]
    pub stage: Option<u16>,
}

/// `POST /api/v1/response-plans`.
#[derive(Clone, PartialEq, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResponseRequest {
    /// What it is called. One line.
    pub name: String,
    /// How long its orders stand, 1 to 240; holds end after 10 all the same.
    pub minutes: u32,
    /// They; no junction twice.
    pub orders: Vec<PreparedView>,
    /// Who, where nobody signs in.
    pub who: Option<String>,
}
