//! `yellow_red`: who crosses the stop line when, seen from the moment at which red clearance begins.
//!
//! Only cycles count in which green, amber and red clearance began exactly once. Offsets are rounded to half a second,
//! halves away from zero. The bins are quarters of an hour whatever the bin of the other measures: the package's are.
//! Source: the `atspm` package, `yellow_red`, with no latency.

use super::{
    bin::{Bin, Binned, Stamp},
    event::{Detector, Event, Function},
    indiana::Code,
    lamps::{Assigned, Lamps},
};
use model::time::Moment;
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc};

/// How many went at an offset from red.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Row {
    /// When the quarter of an hour begins in which red clearance did.
    #[serde(rename = "TimeStamp")]
    pub at: Stamp,
    /// Of which device.
    #[serde(rename = "DeviceId")]
    pub device_id: Arc<str>,
    /// The signal group.
    #[serde(rename = "Phase")]
    pub phase: u16,
    /// What the lamps showed: the code that began it.
    #[serde(rename = "Signal_State")]
    pub signal_state: u16,
    /// Since red clearance began, s; negative before it.
    #[serde(rename = "Red_Offset")]
    pub red_offset: f32,
    /// How many.
    #[serde(rename = "Count")]
    pub count: f32,
}

/// What one row counts by: group, lamps, and half-seconds since red clearance began.
type Key = (u16, u16, i32);

#[derive(Clone, Debug, Default)]
struct Cycle {
    lamps: Lamps,
    ambers: u32,
    reds: u32,
    red_at: Moment,
    gone: Vec<(Moment, Code)>,
}

impl Cycle {
    fn count_into(&self, group: u16, counts: &mut Binned<Key, u32>) {
        if !self.lamps.begun || self.ambers != 1 || self.reds != 1 {
            return;
        }
        let bin = Bin::QUARTER.floor(self.red_at);
        for (at, shown) in &self.gone {
            let halves = ((at.0 - self.red_at.0) as f32 * 2.0 / 1000.0).round();
            *counts.at(bin, (group, shown.0, halves as i32)) += 1;
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct YellowRed {
    detectors: Assigned,
    cycles: BTreeMap<u16, Cycle>,
    counts: Binned<Key, u32>,
}

impl YellowRed {
    pub(super) fn new(detectors: &[Detector]) -> YellowRed {
        let detectors = Assigned::new(detectors, Function::YellowRed);
        let cycles = detectors.groups().iter().map(|&group| (group, Cycle::default())).collect();
        YellowRed { detectors, cycles, counts: Binned::default() }
    }

    pub(super) fn take(&mut self, event: Event) {
        match event.code {
            Code::GREEN_BEGIN | Code::AMBER_BEGIN | Code::RED_CLEARANCE_BEGIN => {
                let Some(cycle) = self.cycles.get_mut(&event.param) else { return };
                match event.code {
                    Code::GREEN_BEGIN => {
                        cycle.count_into(event.param, &mut self.counts);
                        *cycle = Cycle::default();
                    }
                    Code::AMBER_BEGIN => cycle.ambers += 1,
                    _ => (cycle.reds, cycle.red_at) = (cycle.reds + 1, event.at),
                }
                cycle.lamps.take(event.code);
            }
            Code::DETECTOR_ON => {
                for group in self.detectors.groups_of(event.param) {
                    if let Some(cycle) = self.cycles.get_mut(group)
                        && cycle.lamps.begun
                        && let Some(shown) = cycle.lamps.farthest
                    {
                        cycle.gone.push((event.at, shown));
                    }
                }
            }
            _ => {}
        }
    }

    pub(super) fn rows(&self, device: &Arc<str>) -> Vec<Row> {
        let mut counts = self.counts.clone();
        for (&group, cycle) in &self.cycles {
            cycle.count_into(group, &mut counts);
        }
        let row = |((at, (phase, signal_state, halves)), count)| Row {
            at: Stamp(at),
            device_id: device.clone(),
            phase,
            signal_state,
            red_offset: halves as f32 / 2.0,
            count: count as f32,
        };
        counts.0.into_iter().map(row).collect()
    }
}
