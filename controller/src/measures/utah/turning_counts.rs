//! `turning_counts`: how many go which way, by the lanes that detectors count.
//!
//! Lanes of one group that turn alike are counted together; how evenly they are used says the lane utilisation factor, the volume
//! over as many times that of the busiest lane. Source: Utah's ATSPM 5, turning movement counts; the factor is the Highway Capacity
//! Manual's (7th edition, chapter 19).

use super::super::{
    bin::{Bin, Binned, Stamp},
    event::{Detector, Event, Turns},
    indiana::Code,
};
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc};

/// Those of a group who turn alike, in a bin.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Row {
    /// When the bin begins.
    #[serde(rename = "TimeStamp")]
    pub at: Stamp,
    /// Of which device.
    pub device_id: Arc<str>,
    /// The signal group by which they go.
    pub phase: u16,
    /// `L`, `T`, `R`, or several: the ways that the lanes go.
    pub movement: String,
    /// How many lanes are counted.
    pub lanes: u32,
    /// Vehicles.
    pub volume: u32,
    /// 1 if all lanes are used alike.
    pub lane_utilization: f64,
}

#[derive(Clone, Debug)]
pub(in crate::measures) struct Turning {
    /// Each channel's group and turns: those of its first line.
    lanes: BTreeMap<u16, (u16, Turns)>,
    counts: Binned<u16, u32>,
}

impl Turning {
    pub(in crate::measures) fn new(detectors: &[Detector]) -> Turning {
        let mut lanes = BTreeMap::new();
        for detector in detectors {
            if let Some(turns) = detector.turns {
                lanes.entry(detector.channel).or_insert((detector.group, turns));
            }
        }
        Turning { lanes, counts: Binned::default() }
    }

    pub(in crate::measures) fn take(&mut self, bin: Bin, event: Event) {
        if event.code == Code::DETECTOR_ON && self.lanes.contains_key(&event.param) {
            *self.counts.at(bin.floor(event.at), event.param) += 1;
        }
    }

    pub(in crate::measures) fn rows(&self, device: &Arc<str>) -> Vec<Row> {
        let mut lanes: BTreeMap<(u16, Turns), u32> = BTreeMap::new();
        self.lanes.values().for_each(|alike| *lanes.entry(*alike).or_default() += 1);
        // The sum, and the busiest lane.
        let mut sums: Binned<(u16, Turns), (u32, u32)> = Binned::default();
        for (&(at, channel), &count) in &self.counts.0 {
            let (sum, most) = sums.at(at, self.lanes[&channel]);
            (*sum, *most) = (*sum + count, count.max(*most));
        }
        let row = |((at, (phase, turns)), (volume, most))| {
            let lanes = lanes[&(phase, turns)];
            Row {
                at: Stamp(at),
                device_id: device.clone(),
                phase,
                movement: turns.to_string(),
                lanes,
                volume,
                lane_utilization: f64::from(volume) / f64::from(lanes * most),
            }
        };
        sums.0.into_iter().map(row).collect()
    }
}
