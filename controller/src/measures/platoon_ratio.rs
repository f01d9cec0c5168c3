//! `platoon_ratio`: how well arrivals meet green, whatever the share of green.
//!
//! R = P / (g/C): the share of arrivals on green over the share of time that was green; 1 for arrivals at random. The
//! share of green is that of the bin, greens cut at its ends; a green that is open at the end of the log goes to the end
//! of its bin, and an amber without a green before it ends one that lasted since its bin began. Source: Highway Capacity
//! Manual, 7th edition, arrival types; the `atspm` package, `platoon_ratio`.

use super::{
    arrival_on_green,
    bin::{Bin, Binned, Stamp},
    event::{Detector, Event, Function},
    indiana::Code,
    lamps::Assigned,
};
use model::time::Moment;
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc};

/// The manual's arrival types 1 (very poor) to 5 have ratios up to these; 6 (exceptional) is above.
const ARRIVAL_TYPES: [f32; 5] = [0.50, 0.85, 1.15, 1.50, 2.00];

/// How a group's arrivals met its green in a bin.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Row {
    /// When the bin begins.
    #[serde(rename = "TimeStamp")]
    pub at: Stamp,
    /// Of which device.
    #[serde(rename = "DeviceId")]
    pub device_id: Arc<str>,
    /// The signal group.
    #[serde(rename = "Phase")]
    pub phase: u16,
    /// Vehicles.
    #[serde(rename = "Total_Actuations")]
    pub total_actuations: u32,
    /// Those that came on green.
    #[serde(rename = "Green_Actuations")]
    pub green_actuations: u32,
    /// Their share, 0 to 1.
    #[serde(rename = "Percent_AOG")]
    pub percent_aog: f32,
    /// Green, s.
    #[serde(rename = "Green_Seconds")]
    pub green_seconds: f32,
    /// Share of the bin that was green.
    #[serde(rename = "Green_Ratio")]
    pub green_ratio: f32,
    /// One share over the other.
    #[serde(rename = "Platoon_Ratio")]
    pub platoon_ratio: f32,
    /// 1 (very poor) to 6 (exceptional).
    #[serde(rename = "Arrival_Type")]
    pub arrival_type: u8,
}

#[derive(Clone, Debug)]
pub(super) struct Greens {
    /// The last that each group's lamps told.
    last: BTreeMap<u16, Option<(Moment, Code)>>,
    /// Green in each bin, ms.
    green_ms: Binned<u16, u64>,
}

impl Greens {
    pub(super) fn new(detectors: &[Detector]) -> Greens {
        let groups = Assigned::new(detectors, Function::Advance);
        let last = groups.groups().iter().map(|&group| (group, None)).collect();
        Greens { last, green_ms: Binned::default() }
    }

    pub(super) fn take(&mut self, bin: Bin, event: Event) {
        if !matches!(event.code, Code::GREEN_BEGIN | Code::AMBER_BEGIN) {
            return;
        }
        let Some(last) = self.last.get_mut(&event.param) else { return };
        match (last.replace((event.at, event.code)), event.code) {
            (Some((begun, Code::GREEN_BEGIN)), _) => {
                spread(&mut self.green_ms, bin, event.param, begun, event.at)
            }
            (_, Code::AMBER_BEGIN) => {
                spread(&mut self.green_ms, bin, event.param, bin.floor(event.at), event.at);
            }
            _ => {}
        }
    }

    pub(super) fn rows(&self, bin: Bin, arrivals: &[arrival_on_green::Row]) -> Vec<Row> {
        let mut green_ms = self.green_ms.clone();
        for (&group, last) in &self.last {
            if let Some((begun, Code::GREEN_BEGIN)) = *last {
                spread(&mut green_ms, bin, group, begun, bin.floor(begun) + bin.length());
            }
        }
        let row = |arrived: &arrival_on_green::Row| {
            let green_s = *green_ms.0.get(&(arrived.at.0, arrived.phase))? as f64 / 1000.0;
            (green_s > 0.0).then(|| judge(bin, arrived, green_s))
        };
        arrivals.iter().filter_map(row).collect()
    }
}

/// Adds a green to the bins that it touches.
fn spread(green_ms: &mut Binned<u16, u64>, bin: Bin, group: u16, mut from: Moment, until: Moment) {
    while from < until {
        let end = (bin.floor(from) + bin.length()).min(until);
        *green_ms.at(bin.floor(from), group) += end.since(from).as_millis() as u64;
        from = end;
    }
}

fn judge(bin: Bin, arrived: &arrival_on_green::Row, green_s: f64) -> Row {
    let green_ratio = green_s / bin.length().as_secs_f64();
    let platoon_ratio = (f64::from(arrived.percent_aog) / green_ratio) as f32;
    let arrival_type =
        ARRIVAL_TYPES.iter().position(|most| platoon_ratio <= *most).unwrap_or(ARRIVAL_TYPES.len());
    Row {
        at: arrived.at,
        device_id: arrived.device_id.clone(),
        phase: arrived.phase,
        total_actuations: arrived.total_actuations,
        green_actuations: (f64::from(arrived.percent_aog) * f64::from(arrived.total_actuations)).round()
            as u32,
        percent_aog: arrived.percent_aog,
        green_seconds: green_s as f32,
        green_ratio: green_ratio as f32,
        platoon_ratio,
        arrival_type: arrival_type as u8 + 1,
    }
}
