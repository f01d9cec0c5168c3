//! `terminations`: why greens ended, by group and bin. With it one draws the Purdue termination diagram.
//!
//! Source: the `atspm` package, `terminations`.

use super::{
    bin::{Bin, Binned, Stamp},
    event::Event,
    indiana::Code,
};
use serde::Serialize;
use std::sync::Arc;

/// Why a green ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub enum Why {
    /// Nobody came for a gap's length.
    GapOut,
    /// It had lasted as long as it may.
    MaxOut,
    /// Coordination wanted the time.
    ForceOff,
}

/// How often a group's green ended so in a bin.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Row {
    /// When the bin begins.
    #[serde(rename = "TimeStamp")]
    pub at: Stamp,
    /// Of which device.
    pub device_id: Arc<str>,
    /// The signal group.
    pub phase: u16,
    /// Why.
    #[serde(rename = "PerformanceMeasure")]
    pub why: Why,
    /// How often.
    pub total: u32,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Terminations(Binned<(u16, Why), u32>);

impl Terminations {
    pub(super) fn take(&mut self, bin: Bin, event: Event) {
        let why = match event.code {
            Code::GAP_OUT => Why::GapOut,
            Code::MAX_OUT => Why::MaxOut,
            Code::FORCE_OFF => Why::ForceOff,
            _ => return,
        };
        *self.0.at(bin.floor(event.at), (event.param, why)) += 1;
    }

    pub(super) fn rows(&self, device: &Arc<str>) -> Vec<Row> {
        let row = |(&(at, (phase, why)), &total)| Row {
            at: Stamp(at),
            device_id: device.clone(),
            phase,
            why,
            total,
        };
        self.0.0.iter().map(row).collect()
    }
}
