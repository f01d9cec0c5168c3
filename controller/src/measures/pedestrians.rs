//! `ped`, `unique_ped` and `full_ped`: pedestrian services, presses of the button, and how many people that makes.
//!
//! Presses within 15 s of the one before are the same person's. Volumes are a quadratic in the presses of an hour (four
//! bins of 15 minutes, this one first), after Kothuri et al. / Singleton et al. 2021, doi:10.1177/0361198121994126.
//! Source: the `atspm` package, `ped`, `unique_ped` and `full_ped`.

use super::{
    bin::{Bin, Binned, Stamp},
    event::Event,
    indiana::Code,
    report::Whole,
};
use model::time::Moment;
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

/// A press so soon after another one is the same person's.
const SAME_PERSON: Duration = Duration::from_secs(15);
/// Bins that are added up to an hour: this one and those after it.
const HOUR_BINS: usize = 4;
/// Presses an hour, A, make `LINEAR · A + SQUARE · A² + BASE` pedestrians an hour.
const LINEAR: f64 = 0.7167;
const SQUARE: f64 = 0.0599;
const BASE: f64 = 1.1063;

/// Services and presses in a bin.
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
    /// How often walk began.
    pub ped_services: u32,
    /// How often the button was pressed.
    pub ped_actuation: u32,
}

/// Different people's presses in a bin.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UniqueRow {
    /// When the bin begins.
    #[serde(rename = "TimeStamp")]
    pub at: Stamp,
    /// Of which device.
    pub device_id: Arc<str>,
    /// The signal group.
    pub phase: u16,
    /// How many.
    #[serde(rename = "Unique_Actuations")]
    pub unique_actuations: u32,
}

/// Everything about a crossing in a bin; there are rows without pedestrians too.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct FullRow {
    /// When the bin begins.
    #[serde(rename = "TimeStamp")]
    pub at: Stamp,
    /// Of which device.
    pub device_id: Arc<str>,
    /// The signal group.
    pub phase: u16,
    /// How often walk began.
    pub ped_services: u32,
    /// How often the button was pressed.
    pub ped_actuation: u32,
    /// By how many different people.
    #[serde(rename = "Unique_Actuations")]
    pub unique_actuations: u32,
    /// How many people that makes.
    #[serde(rename = "Estimated_Volumes")]
    pub estimated_volumes: f32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    services: u32,
    presses: u32,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Pedestrians {
    counts: Binned<u16, Count>,
    unique: Binned<u16, u32>,
    last_press: BTreeMap<u16, Moment>,
}

impl Pedestrians {
    pub(super) fn take(&mut self, bin: Bin, event: Event) {
        let group = event.param;
        match event.code {
            Code::WALK_BEGIN | Code::OVERLAP_WALK_BEGIN => {
                self.counts.at(bin.floor(event.at), group).services += 1;
            }
            Code::PED_BUTTON_ON => {
                self.counts.at(bin.floor(event.at), group).presses += 1;
                // Who presses first in a log may be somebody whose first press was before it: not counted.
                let before = self.last_press.insert(group, event.at);
                if before.is_some_and(|before| event.at.since(before) > SAME_PERSON) {
                    *self.unique.at(bin.floor(event.at), group) += 1;
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
            ped_services: count.services,
            ped_actuation: count.presses,
        };
        self.counts.0.iter().map(row).collect()
    }

    pub(super) fn unique_rows(&self, device: &Arc<str>) -> Vec<UniqueRow> {
        let row = |(&(at, phase), &unique_actuations)| UniqueRow {
            at: Stamp(at),
            device_id: device.clone(),
            phase,
            unique_actuations,
        };
        self.unique.0.iter().map(row).collect()
    }

    /// All bins of the whole log, for each crossing that it knows. The rows begin at a quarter of an hour whatever the
    /// bin, as the package's do; the last three bins lack the presses that come after them.
    pub(super) fn full_rows(&self, bin: Bin, whole: Whole, device: &Arc<str>) -> Vec<FullRow> {
        let groups: BTreeSet<u16> = self.counts.0.keys().map(|&(_, group)| group).collect();
        let last = Bin::QUARTER.floor(whole.last);
        let begin = Bin::QUARTER.floor(whole.first);
        let bins: Vec<Moment> = std::iter::successors(Some(begin), |at| Some(*at + bin.length()))
            .take_while(|at| *at <= last)
            .collect();
        let mut rows = Vec::with_capacity(groups.len() * bins.len());
        for group in groups {
            let of = |at: &Moment| self.unique.0.get(&(*at, group)).copied().unwrap_or(0);
            let unique: Vec<u32> = bins.iter().map(of).collect();
            for (i, &at) in bins.iter().enumerate() {
                let count = self.counts.0.get(&(at, group)).copied().unwrap_or_default();
                let hour = unique[i..].iter().take(HOUR_BINS).sum();
                rows.push(FullRow {
                    at: Stamp(at),
                    device_id: device.clone(),
                    phase: group,
                    ped_services: count.services,
                    ped_actuation: count.presses,
                    unique_actuations: unique[i],
                    estimated_volumes: volume(unique[i], hour),
                });
            }
        }
        rows
    }
}

/// Pedestrians in a bin with `here` of the presses of `hour`.
fn volume(here: u32, hour: u32) -> f32 {
    let a = f64::from(hour);
    let hourly = (LINEAR * a + SQUARE * a * a) as f32;
    let share = if hour == 0 { 0.0 } else { f64::from(here) / a };
    (f64::from(hourly) * share + BASE / HOUR_BINS as f64) as f32
}
