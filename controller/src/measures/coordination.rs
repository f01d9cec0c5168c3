//! `coordination` and `coordination_agg`: which plan ran, and how its cycles turned out.
//!
//! The first lists what the device told; the second says how things stood at the end of each bin with data, carried on
//! from bin to bin while nothing changes, and 0 where nothing is known yet. What was told in a bin without enough data
//! is not carried on. Source: the `atspm` package, `coordination` and `coordination_agg`.

use super::{
    bin::{Bin, Stamp},
    event::Event,
    indiana::Code,
};
use model::time::Moment;
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// One word of the device about its coordination.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Row {
    /// When the bin begins.
    #[serde(rename = "TimeStamp")]
    pub bin: Stamp,
    /// When it was told.
    #[serde(rename = "Raw_TimeStamp")]
    pub at: Stamp,
    /// Of which device.
    pub device_id: Arc<str>,
    /// The code.
    pub event_id: u16,
    /// The plan, or seconds.
    pub parameter: u16,
}

/// How coordination stood at the end of a bin.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct StandingRow {
    /// When the bin begins.
    #[serde(rename = "TimeStamp")]
    pub at: Stamp,
    /// Of which device.
    pub device_id: Arc<str>,
    /// The plan.
    pub pattern: u16,
    /// The cycle that was wanted, s.
    pub cycle_length: u16,
    /// The cycle as it was, s.
    pub actual_cycle_length: u16,
    /// The offset as it was, s.
    pub actual_offset: u16,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Coordination(Vec<Event>);

impl Coordination {
    pub(super) fn take(&mut self, event: Event) {
        if let Code::PLAN_CHANGE
        | Code::CYCLE_LENGTH_CHANGE
        | Code::ACTUAL_CYCLE_LENGTH
        | Code::ACTUAL_OFFSET = event.code
        {
            self.0.push(event);
        }
    }

    pub(super) fn rows(&self, bin: Bin, device: &Arc<str>) -> Vec<Row> {
        let row = |event: &Event| Row {
            bin: Stamp(bin.floor(event.at)),
            at: Stamp(event.at),
            device_id: device.clone(),
            event_id: event.code.0,
            parameter: event.param,
        };
        self.0.iter().map(row).collect()
    }

    /// How it stood in each of the bins with data.
    pub(super) fn standing(
        &self,
        bin: Bin,
        with_data: &BTreeSet<Moment>,
        device: &Arc<str>,
    ) -> Vec<StandingRow> {
        let mut told: BTreeMap<Moment, Vec<Event>> = BTreeMap::new();
        for event in &self.0 {
            told.entry(bin.floor(event.at)).or_default().push(*event);
        }
        let mut stands = StandingRow {
            at: Stamp(Moment(0)),
            device_id: device.clone(),
            pattern: 0,
            cycle_length: 0,
            actual_cycle_length: 0,
            actual_offset: 0,
        };
        let mut rows = Vec::with_capacity(with_data.len());
        for bin in with_data {
            for event in told.get(bin).into_iter().flatten() {
                match event.code {
                    Code::PLAN_CHANGE => stands.pattern = event.param,
                    Code::CYCLE_LENGTH_CHANGE => stands.cycle_length = event.param,
                    Code::ACTUAL_CYCLE_LENGTH => stands.actual_cycle_length = event.param,
                    _ => stands.actual_offset = event.param,
                }
            }
            stands.at = Stamp(*bin);
            rows.push(stands.clone());
        }
        rows
    }

    /// When the device told how long a cycle had been, and how long, s.
    pub(super) fn cycle_lengths(&self) -> Vec<(Moment, u16)> {
        let told = self.0.iter().filter(|event| event.code == Code::ACTUAL_CYCLE_LENGTH);
        told.map(|event| (event.at, event.param)).collect()
    }
}
