//! `splits`: how long the groups' splits really were (MAXTIME devices tell), by bin.
//!
//! Source: the `atspm` package, `splits`. Its range of codes takes in the cycle's length too, and so does ours.

use super::{
    bin::{Bin, Binned, Mean, Stamp},
    event::Event,
    indiana::Code,
};
use serde::Serialize;
use std::sync::Arc;

/// What one code told in a bin.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Row {
    /// When the bin begins.
    #[serde(rename = "TimeStamp")]
    pub at: Stamp,
    /// Of which device.
    pub device_id: Arc<str>,
    /// The code: [`Code::ACTUAL_SPLIT_FIRST`] and those after it.
    pub event_id: u16,
    /// How often.
    pub services: u32,
    /// The mean split, s.
    #[serde(rename = "Average_Split")]
    pub average_split: f32,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Splits(Binned<u16, Mean>);

impl Splits {
    pub(super) fn take(&mut self, bin: Bin, event: Event) {
        if (Code::ACTUAL_SPLIT_FIRST..=Code::ACTUAL_NATURAL_CYCLE).contains(&event.code) {
            self.0.at(bin.floor(event.at), event.code.0).add(event.param);
        }
    }

    pub(super) fn rows(&self, device: &Arc<str>) -> Vec<Row> {
        let row = |(&(at, event_id), mean): (_, &Mean)| Row {
            at: Stamp(at),
            device_id: device.clone(),
            event_id,
            services: mean.count,
            average_split: mean.value(),
        };
        self.0.0.iter().map(row).collect()
    }
}
