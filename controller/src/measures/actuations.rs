//! `actuations`: how often each detector felt somebody come, by bin.
//!
//! Detectors without an actuation in a bin have no row in it. Source: the `atspm` package, `actuations`.

use super::{
    bin::{Bin, Binned, Stamp},
    event::Event,
    indiana::Code,
};
use serde::Serialize;
use std::sync::Arc;

/// A detector's actuations in a bin.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Row {
    /// When the bin begins.
    #[serde(rename = "TimeStamp")]
    pub at: Stamp,
    /// Of which device.
    pub device_id: Arc<str>,
    /// The channel.
    pub detector: u16,
    /// How often.
    pub total: u32,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Actuations(Binned<u16, u32>);

impl Actuations {
    pub(super) fn take(&mut self, bin: Bin, event: Event) {
        if event.code == Code::DETECTOR_ON {
            *self.0.at(bin.floor(event.at), event.param) += 1;
        }
    }

    pub(super) fn rows(&self, device: &Arc<str>) -> Vec<Row> {
        let row =
            |(&(at, detector), &total)| Row { at: Stamp(at), device_id: device.clone(), detector, total };
        self.0.0.iter().map(row).collect()
    }
}
