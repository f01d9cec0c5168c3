//! How the planner does.

use super::{TrafficView, iso};
use crate::realtime::poll::FeedState;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// `GET /api/v1/routing/health`.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoutingHealthView {
    /// `ok`, or `degraded` when link times should arrive and do not. Journeys are planned either way.
    pub status: String,
    /// The program's version.
    pub version: String,
    /// The city's clock.
    #[schema(format = DateTime)]
    pub now: String,
    /// The traffic.
    pub traffic: TrafficView,
    /// Arcs and turns of each graph: `car`, `bike`, `walk`, `wheelchair`.
    pub graphs: BTreeMap<String, GraphView>,
    /// The broker link; null where none is configured.
    pub broker: Option<BrokerView>,
    /// The realtime feeds that are followed.
    pub realtime: Vec<RealtimeFeedView>,
    /// What arrived so far, by name; see `docs/wire.md` for `traffic.links`.
    pub received: BTreeMap<String, u64>,
    /// Questions answered.
    pub answered: u64,
    /// Questions answered with a problem.
    pub refused: u64,
}

/// A realtime feed.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RealtimeFeedView {
    /// The timetable's feed.
    pub feed: String,
    /// Where it comes from.
    pub from: String,
    /// When it was read; null if it is of no use now.
    #[schema(format = DateTime)]
    pub read: Option<String>,
    /// Why it is of no use now.
    pub error: Option<String>,
    /// Trips whose times are used, cancelled ones among them.
    pub trips: u64,
    /// Trips that do not run.
    pub cancelled: u64,
    /// Calls that are passed.
    pub skipped: u64,
    /// Alerts used.
    pub alerts: u64,
    /// Vehicles of which it is known where they are.
    pub vehicles: u64,
    /// Trips, stops and routes that the timetable does not have.
    pub unknown: u64,
    /// Added and duplicated trips, which nobody is sent to.
    pub not_ridden: u64,
    /// Times that are none.
    pub absurd: u64,
}

impl RealtimeFeedView {
    pub(crate) fn new(state: &FeedState) -> RealtimeFeedView {
        let counts = state.counts;
        RealtimeFeedView {
            feed: state.tag.clone(),
            from: state.place.clone(),
            read: state.read.map(iso),
            error: state.error.clone(),
            trips: counts.trips,
            cancelled: counts.cancelled,
            skipped: counts.skipped,
            alerts: counts.alerts,
            vehicles: counts.vehicles,
            unknown: counts.unknown,
            not_ridden: counts.not_ridden,
            absurd: counts.absurd,
        }
    }
}

/// Size of a graph.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct GraphView {
    /// Links, each direction of travel counted.
    pub arcs: usize,
    /// Allowed ways from one to another.
    pub turns: usize,
}

/// The broker link.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct BrokerView {
    /// `up` or `down`.
    pub state: String,
    /// Since when.
    #[schema(format = DateTime)]
    pub since: String,
    /// Why it is down.
    pub detail: String,
}
