//! `ped_delay`: how long pedestrians wait from the button to walk.
//!
//! Source: the `atspm` package, `ped_delay`.

use super::{
    bin::{Bin, Binned, Stamp},
    timeline::{Class, Span},
};
use model::time::Moment;
use serde::Serialize;
use std::sync::Arc;

/// The waits at a crossing that ended in a bin.
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
    /// The mean wait, s.
    pub avg_ped_delay: f64,
    /// How many.
    pub samples: u32,
}

pub(super) fn rows(bin: Bin, spans: &[Span], device: &Arc<str>) -> Vec<Row> {
    let mut waits: Binned<u16, (u32, f64)> = Binned::default();
    for wait in spans.iter().filter(|span| span.valid && span.class == Class::PedDelay) {
        let (count, sum_s) = waits.at(bin.floor(wait.end), wait.param);
        *count += 1;
        *sum_s += f64::from(wait.seconds());
    }
    let row = |((at, phase), (samples, sum_s)): ((Moment, u16), (u32, f64))| Row {
        at: Stamp(at),
        device_id: device.clone(),
        phase,
        avg_ped_delay: sum_s / f64::from(samples),
        samples,
    };
    waits.0.into_iter().map(row).collect()
}
