//! `left_turn_gap`: how long the gaps are that a group's traffic leaves in its green, for those who turn left through it.
//!
//! A gap goes from green's beginning or a vehicle to the next vehicle or amber's beginning. Up to 3.3 s nobody turns, above 7.4 s
//! everybody can; how much of the green stands in such gaps says whether the turn needs a green of its own. Vehicles are taken when the
//! advance detectors feel them. Source: Utah's ATSPM 5, left turn gap analysis, with its default limits.

use super::{
    super::bin::{Bin, Binned, Stamp},
    Cycles,
};
use model::time::Moment;
use serde::Serialize;
use std::{sync::Arc, time::Duration};

/// The limits between the four kinds of gaps. Shorter than the first is no gap at all.
const LIMITS: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_millis(3_300),
    Duration::from_millis(3_700),
    Duration::from_millis(7_400),
];

/// The greens that began in a bin.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Row {
    /// When the bin begins.
    #[serde(rename = "TimeStamp")]
    pub at: Stamp,
    /// Of which device.
    pub device_id: Arc<str>,
    /// The signal group through whose traffic one would turn.
    pub phase: u16,
    /// Gaps of more than 1.0 s and up to 3.3 s.
    pub gap1: u32,
    /// Up to 3.7 s.
    pub gap2: u32,
    /// Up to 7.4 s.
    pub gap3: u32,
    /// Longer ones.
    pub gap4: u32,
    /// Sum of the longer ones, s.
    pub turnable_time: f64,
    /// Its share of the greens.
    pub percent_turnable: f64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    gaps: [u32; 4],
    turnable: Duration,
    green: Duration,
}

impl Sum {
    fn take(&mut self, gap: Duration) {
        let Some(kind) = LIMITS.iter().rposition(|limit| gap > *limit) else { return };
        self.gaps[kind] += 1;
        if kind == LIMITS.len() - 1 {
            self.turnable += gap;
        }
    }
}

pub(in crate::measures) fn rows(bin: Bin, cycles: &Cycles, device: &Arc<str>) -> Vec<Row> {
    let mut sums: Binned<u16, Sum> = Binned::default();
    for cycle in cycles.done() {
        let sum = sums.at(bin.floor(cycle.green), cycle.group);
        sum.green += cycle.amber.since(cycle.green);
        let in_green = cycle.arrivals.iter().copied().filter(|at| (cycle.green..cycle.amber).contains(at));
        let mut last = cycle.green;
        for at in in_green.chain([cycle.amber]) {
            sum.take(at.since(last));
            last = at;
        }
    }
    let row = |((at, phase), sum): ((Moment, u16), Sum)| {
        let [gap1, gap2, gap3, gap4] = sum.gaps;
        let (turnable_time, green) = (sum.turnable.as_secs_f64(), sum.green.as_secs_f64());
        let percent_turnable = if green > 0.0 { turnable_time / green } else { 0.0 };
        Row {
            at: Stamp(at),
            device_id: device.clone(),
            phase,
            gap1,
            gap2,
            gap3,
            gap4,
            turnable_time,
            percent_turnable,
        }
    };
    sums.0.into_iter().map(row).collect()
}
