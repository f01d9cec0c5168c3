//! What the measures say of one device.

use super::{
    actuations, arrival_on_green, communications, coordination, has_data, ped_delay, pedestrians, phase_wait,
    platoon_ratio, split_failures, splits, terminations, timeline, utah, yellow_red,
};
use model::time::Moment;
use serde::Serialize;

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
    pub cycles: Vec<utah::coordination_diagram::CycleRow>,
    pub approach_delay: Vec<utah::approach_delay::Row>,
    pub approach_volume: Vec<utah::approach_volume::Row>,
    pub peak_hour: Vec<utah::approach_volume::PeakRow>,
    pub turning_counts: Vec<utah::turning_counts::Row>,
    pub approach_speed: Vec<utah::approach_speed::Row>,
    pub left_turn_gap: Vec<utah::left_turn_gap::Row>,
    pub split_monitor: Vec<utah::split_monitor::Row>,
    pub ped_service: Vec<utah::ped_service::Row>,
    pub preempt_detail: Vec<utah::preempt_detail::Row>,
    pub priority_detail: Vec<utah::priority_detail::Row>,
    pub watchdog: Vec<utah::watchdog::Row>,
}

/// Something that takes the measures' tables, one after another.
pub trait Tables {
    /// Why it could not take one.
    type Error;
    /// Takes the rows of a measure.
    fn table<R: Serialize>(&mut self, name: &'static str, rows: &[R]) -> Result<(), Self::Error>;
}

impl Report {
    /// Hands out all tables, in the order of the catalogue.
    pub fn tables<T: Tables>(&self, to: &mut T) -> Result<(), T::Error> {
        to.table("has_data", &self.has_data)?;
        to.table("actuations", &self.actuations)?;
        to.table("arrival_on_green", &self.arrival_on_green)?;
        to.table("platoon_ratio", &self.platoon_ratio)?;
        to.table("communications", &self.communications)?;
        to.table("coordination", &self.coordination)?;
        to.table("coordination_agg", &self.coordination_agg)?;
        to.table("ped", &self.ped)?;
        to.table("unique_ped", &self.unique_ped)?;
        to.table("full_ped", &self.full_ped)?;
        to.table("split_failures", &self.split_failures)?;
        to.table("splits", &self.splits)?;
        to.table("terminations", &self.terminations)?;
        to.table("yellow_red", &self.yellow_red)?;
        to.table("timeline", &self.timeline)?;
        to.table("unmatched_events", &self.unmatched_events)?;
        to.table("phase_wait", &self.phase_wait)?;
        to.table("ped_delay", &self.ped_delay)?;
        to.table("coordination_diagram", &self.coordination_diagram)?;
        to.table("cycles", &self.cycles)?;
        to.table("approach_delay", &self.approach_delay)?;
        to.table("approach_volume", &self.approach_volume)?;
        to.table("peak_hour", &self.peak_hour)?;
        to.table("turning_counts", &self.turning_counts)?;
        to.table("approach_speed", &self.approach_speed)?;
        to.table("left_turn_gap", &self.left_turn_gap)?;
        to.table("split_monitor", &self.split_monitor)?;
        to.table("ped_service", &self.ped_service)?;
        to.table("preempt_detail", &self.preempt_detail)?;
        to.table("priority_detail", &self.priority_detail)?;
        to.table("watchdog", &self.watchdog)?;
        Ok(())
    }
}
