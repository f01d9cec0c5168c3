//! `communications`: how well the device is heard (MAXVIEW logs it), by bin.
//!
//! Source: the `atspm` package, `communications`.

use super::{
    bin::{Bin, Binned, Mean, Stamp},
    event::Event,
    indiana::Code,
};
use serde::Serialize;
use std::sync::Arc;

/// The mean of what one code told in a bin.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Row {
    /// When the bin begins.
    #[serde(rename = "TimeStamp")]
    pub at: Stamp,
    /// Of which device.
    pub device_id: Arc<str>,
    /// [`Code::CLOCK_DRIFT`], [`Code::TELEGRAMS_LOST`] or [`Code::ANSWER_TIME`].
    pub event_id: u16,
    /// The mean.
    pub average: f32,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Communications(Binned<u16, Mean>);

impl Communications {
    pub(super) fn take(&mut self, bin: Bin, event: Event) {
        if matches!(event.code, Code::CLOCK_DRIFT | Code::TELEGRAMS_LOST | Code::ANSWER_TIME) {
            self.0.at(bin.floor(event.at), event.code.0).add(event.param);
        }
    }

    pub(super) fn rows(&self, device: &Arc<str>) -> Vec<Row> {
        let row = |(&(at, event_id), mean): (_, &Mean)| Row {
            at: Stamp(at),
            device_id: device.clone(),
            event_id,
            average: mean.value(),
        };
        self.0.0.iter().map(row).collect()
    }
}
