//! `arrival_on_green`: which share of the vehicles over advance detectors came while their group showed green.
//!
//! Only bins in which somebody arrived on green have a row. Nothing counts as green before a green has been seen to
//! begin. Source: the `atspm` package, `arrival_on_green`, with no latency; the measure is that of Day et al. 2014,
//! doi:10.5703/1288284315333.

use super::{
    bin::{Bin, Binned, Stamp},
    event::{Detector, Event, Function},
    indiana::Code,
    lamps::{Assigned, Lamps},
};
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc};

/// A group's arrivals in a bin.
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
    /// Vehicles.
    #[serde(rename = "Total_Actuations")]
    pub total_actuations: u32,
    /// Share of those that came on green, 0 to 1.
    #[serde(rename = "Percent_AOG")]
    pub percent_aog: f32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    total: u32,
    on_green: u32,
}

#[derive(Clone, Debug)]
pub(super) struct Arrivals {
    detectors: Assigned,
    lamps: BTreeMap<u16, Lamps>,
    counts: Binned<u16, Count>,
}

impl Arrivals {
    pub(super) fn new(detectors: &[Detector]) -> Arrivals {
        let detectors = Assigned::new(detectors, Function::Advance);
        let lamps = detectors.groups().iter().map(|&group| (group, Lamps::default())).collect();
        Arrivals { detectors, lamps, counts: Binned::default() }
    }

    pub(super) fn take(&mut self, bin: Bin, event: Event) {
        match event.code {
            Code::GREEN_BEGIN | Code::AMBER_BEGIN | Code::RED_CLEARANCE_BEGIN => {
                if let Some(lamps) = self.lamps.get_mut(&event.param) {
                    lamps.take(event.code);
                }
            }
            Code::DETECTOR_ON => {
                for group in self.detectors.groups_of(event.param) {
                    let count = self.counts.at(bin.floor(event.at), *group);
                    count.total += 1;
                    count.on_green += u32::from(self.lamps[group].is_green());
                }
            }
            _ => {}
        }
    }

    pub(super) fn rows(&self, device: &Arc<str>) -> Vec<Row> {
        let row = |(&(at, phase), count): (_, &Count)| Row {
            at: Stamp(at),
            device_id: device.clone(),
            phase,
            total_actuations: count.total,
            percent_aog: count.on_green as f32 / count.total as f32,
        };
        self.counts.0.iter().filter(|(_, count)| count.on_green > 0).map(row).collect()
    }
}
