//! `approach_speed`: how fast those drive who need not stop: mean, and the speeds that 85 and 15 of a hundred do not exceed.
//!
//! Only who passes while the group shows green counts, so that a queue's creeping is no speed of the street. A hi-res log has no
//! speeds; they come beside it, vehicle by vehicle or, from detector stations, as the mean of those of a window, which then count
//! as so many vehicles of that speed. Between two vehicles percentiles are interpolated (Hazen's rule). Source: Utah's ATSPM 5,
//! approach speed.

use super::super::{
    bin::{Bin, Binned, Stamp},
    event::{Detector, Event, Speed},
    indiana::Code,
};
use model::time::Moment;
use serde::Serialize;
use std::{collections::BTreeMap, ops::Range, sync::Arc};

/// Slower than this is no driving, km/h (Utah leaves out what is below 5 mph).
const LEAST_KMH: f64 = 8.0;

/// Those who passed on green in a bin.
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
    /// Vehicles whose speed is known.
    pub vehicles: u32,
    /// Their mean, km/h.
    pub average_speed: f64,
    /// 85 of a hundred drive no faster, km/h.
    pub speed85: f64,
    /// 15 of a hundred, km/h.
    pub speed15: f64,
}

#[derive(Clone, Debug)]
pub(in crate::measures) struct Speeds {
    by_channel: BTreeMap<u16, Vec<u16>>,
    /// When green began, for groups that show it.
    green_since: BTreeMap<u16, Option<Moment>>,
    greens: BTreeMap<u16, Vec<Range<Moment>>>,
    told: Vec<Speed>,
}

impl Speeds {
    pub(in crate::measures) fn new(detectors: &[Detector]) -> Speeds {
        let mut by_channel: BTreeMap<u16, Vec<u16>> = BTreeMap::new();
        for detector in detectors {
            let groups = by_channel.entry(detector.channel).or_default();
            if !groups.contains(&detector.group) {
                groups.push(detector.group);
            }
        }
        let green_since = by_channel.values().flatten().map(|group| (*group, None)).collect();
        Speeds { by_channel, green_since, greens: BTreeMap::new(), told: Vec::new() }
    }

    pub(in crate::measures) fn take(&mut self, event: Event) {
        match event.code {
            Code::GREEN_BEGIN => {
                if let Some(since) = self.green_since.get_mut(&event.param) {
                    *since = Some(event.at);
                }
            }
            Code::AMBER_BEGIN => {
                if let Some(since) = self.green_since.get_mut(&event.param).and_then(Option::take) {
                    self.greens.entry(event.param).or_default().push(since..event.at);
                }
            }
            _ => {}
        }
    }

    pub(in crate::measures) fn tell(&mut self, speed: Speed) {
        if speed.kmh >= LEAST_KMH && speed.vehicles > 0 {
            self.told.push(speed);
        }
    }

    pub(in crate::measures) fn rows(&self, bin: Bin, device: &Arc<str>) -> Vec<Row> {
        let mut sums: Binned<u16, Vec<(f64, u32)>> = Binned::default();
        for speed in &self.told {
            for group in self.by_channel.get(&speed.channel).into_iter().flatten() {
                if self.is_green(*group, speed.at) {
                    sums.at(bin.floor(speed.at), *group).push((speed.kmh, speed.vehicles));
                }
            }
        }
        let row = |((at, phase), mut told): ((Moment, u16), Vec<(f64, u32)>)| {
            told.sort_by(|a, b| a.0.total_cmp(&b.0));
            let vehicles: u32 = told.iter().map(|(_, n)| n).sum();
            let sum: f64 = told.iter().map(|(kmh, n)| kmh * f64::from(*n)).sum();
            Row {
                at: Stamp(at),
                device_id: device.clone(),
                phase,
                vehicles,
                average_speed: sum / f64::from(vehicles),
                speed85: quantile(&told, vehicles, 0.85),
                speed15: quantile(&told, vehicles, 0.15),
            }
        };
        sums.0.into_iter().map(row).collect()
    }

    fn is_green(&self, group: u16, at: Moment) -> bool {
        let Some(greens) = self.greens.get(&group) else { return false };
        let after = greens.partition_point(|green| green.start <= at);
        after.checked_sub(1).is_some_and(|place| greens[place].contains(&at))
    }
}

/// The speed at `share` of so many vehicles, which are sorted by it.
fn quantile(told: &[(f64, u32)], vehicles: u32, share: f64) -> f64 {
    let place = (share * f64::from(vehicles) - 0.5).clamp(0.0, f64::from(vehicles.max(1) - 1));
    let of = |place: f64| {
        let mut before = 0.0;
        let one = told.iter().find(|(_, n)| {
            before += f64::from(*n);
            place < before
        });
        one.or(told.last()).map_or(f64::NAN, |(kmh, _)| *kmh)
    };
    let (low, high) = (of(place.floor()), of(place.ceil()));
    low + (high - low) * place.fract()
}
