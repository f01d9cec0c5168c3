//! What the measures say of one device.

use super::{
    actuations, arrival_on_green, communications, coordination, has_data, ped_delay, pedestrians, phase_wait,
    platoon_ratio, split_failures, splits, terminations, timeline, utah, yellow_red,
};
use model::time::Moment;

/// From when until when the whole log goes, all devices together. Some measures depend on it: pedestrian volumes have
/// rows for all of it, and no cycle is complete that runs out of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Whole {
    /// The first event of all.
    pub first: Moment,
    /// The last one.
    pub last: Moment,
}

/// The rows of all measures: the package's, named as it names them, and Utah's.
#[derive(Clone, PartialEq, Debug)]
#[expect(missing_docs, reason = "each is described by the module of its rows")]
pub struct Report {
    pub has_data: Vec<has_data::Row>,
    pub actuations: Vec<actuations::Row>,
    pub arrival_on_green: Vec<arrival_on_green::Row>,
    pub platoon_ratio: Vec<platoon_ratio::Row>,
    pub communications: Vec<communications::Row>,
    pub coordination: Vec<coordination::Row>,
    pub coordination_agg: Vec<coordination::StandingRow>,
    pub ped: Vec<pedestrians::Row>,
    pub unique_ped: Vec<pedestrians::UniqueRow>,
    pub full_ped: Vec<pedestrians::FullRow>,
    pub split_failures: Vec<split_failures::Row>,
    pub splits: Vec<splits::Row>,
    pub terminations: Vec<terminations::Row>,
    pub yellow_red: Vec<yellow_red::Row>,
    pub timeline: Vec<timeline::Row>,
    pub unmatched_events: Vec<timeline::UnmatchedRow>,
    pub phase_wait: Vec<phase_wait::Row>,
    pub ped_delay: Vec<ped_delay::Row>,
    pub coordination_diagram: Vec<utah::coordination_diagram::Row>,
    pub approach_delay: Vec<utah::approach_delay::Row>,
    pub approach_volume: Vec<utah::approach_volume::Row>,
    pub peak_hour: Vec<utah::approach_volume::PeakRow>,
    pub split_monitor: Vec<utah::split_monitor::Row>,
    pub preempt_detail: Vec<utah::preempt_detail::Row>,
    pub priority_detail: Vec<utah::priority_detail::Row>,
    pub watchdog: Vec<utah::watchdog::Row>,
}
