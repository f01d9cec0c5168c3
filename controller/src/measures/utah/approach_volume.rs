//! `approach_volume` and `peak_hour`: how many come by each approach, and how the busiest hour stands out.
//!
//! PHF, the peak hour factor, is the hour's volume over four times that of its busiest quarter: 1 when it comes evenly. K
//! is the hour's share of all that was counted, which is a day's if the log is a day. The hour begins at a quarter of an
//! hour. Vehicles count when they are felt. D, the share of the busier direction, asks which approaches are opposite, which the configuration does not say.
//! Source: Highway Capacity Manual, 7th edition, chapter 3; Utah's ATSPM 5.

use super::super::{
    bin::{Bin, Binned, Stamp},
    event::{Detector, Event, Function},
    indiana::Code,
    lamps::Assigned,
};
use model::time::Moment;
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// Quarters of an hour in an hour.
const QUARTERS: u32 = 4;
const HOUR: Duration = Duration::from_secs(3600);

/// An approach's volume in a bin.
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
    pub volume: u32,
}

/// An approach's busiest hour.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PeakRow {
    /// When it begins.
    #[serde(rename = "TimeStamp")]
    pub at: Stamp,
    /// Of which device.
    pub device_id: Arc<str>,
    /// The signal group.
    pub phase: u16,
    /// Vehicles in it.
    pub volume: u32,
    /// How evenly they come, 0.25 to 1.
    #[serde(rename = "PHF")]
    pub phf: f64,
    /// Its share of all vehicles.
    #[serde(rename = "K")]
    pub k: f64,
}

#[derive(Clone, Debug)]
pub(in crate::measures) struct Volumes {
    detectors: Assigned,
    counts: Binned<u16, u32>,
    quarters: Binned<u16, u32>,
}

impl Volumes {
    pub(in crate::measures) fn new(detectors: &[Detector]) -> Volumes {
        let detectors = Assigned::new(detectors, Function::Advance);
        Volumes { detectors, counts: Binned::default(), quarters: Binned::default() }
    }

    pub(in crate::measures) fn take(&mut self, bin: Bin, event: Event) {
        if event.code == Code::DETECTOR_ON {
            for group in self.detectors.groups_of(event.param) {
                *self.counts.at(bin.floor(event.at), *group) += 1;
                *self.quarters.at(Bin::QUARTER.floor(event.at), *group) += 1;
            }
        }
    }

    pub(in crate::measures) fn rows(&self, device: &Arc<str>) -> Vec<Row> {
        let row = |(&(at, phase), &volume)| Row { at: Stamp(at), device_id: device.clone(), phase, volume };
        self.counts.0.iter().map(row).collect()
    }

    pub(in crate::measures) fn peaks(&self, device: &Arc<str>) -> Vec<PeakRow> {
        let mut by_group: BTreeMap<u16, Vec<(Moment, u32)>> = BTreeMap::new();
        for (&(at, group), &count) in &self.quarters.0 {
            by_group.entry(group).or_default().push((at, count));
        }
        let peak = |(phase, quarters): (u16, Vec<(Moment, u32)>)| {
            // The first of equally busy hours.
            let hours = quarters.iter().map(|&(from, _)| {
                let within = quarters.iter().filter(move |(at, _)| *at >= from && *at < from + HOUR);
                (from, within.map(|(_, count)| *count).collect::<Vec<u32>>())
            });
            let (at, hour) = hours.rev().max_by_key(|(_, hour)| hour.iter().sum::<u32>())?;
            let volume: u32 = hour.iter().sum();
            let busiest = hour.iter().max().copied().unwrap_or(1);
            let all: u32 = quarters.iter().map(|(_, count)| count).sum();
            Some(PeakRow {
                at: Stamp(at),
                device_id: device.clone(),
                phase,
                volume,
                phf: f64::from(volume) / f64::from(QUARTERS * busiest),
                k: f64::from(volume) / f64::from(all),
            })
        };
        by_group.into_iter().filter_map(peak).collect()
    }
}
