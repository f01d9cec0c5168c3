//! `approach_delay`: how long vehicles stand from their arrival on red to green, by group and bin of arrival.
//!
//! A lower bound: the time to start, and queues that one green does not clear, are not seen. Source: Utah's ATSPM 5; the level of
//! service is that of the Highway Capacity Manual (6th edition, exhibit 19-8) for a control delay of as much.

use super::{
    super::bin::{Bin, Binned, Stamp},
    Cycles,
};
use model::time::Moment;
use serde::Serialize;
use std::{sync::Arc, time::Duration};

/// The arrivals of a bin.
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
    pub arrivals: u32,
    /// Those that came on red.
    pub arrivals_on_red: u32,
    /// The mean of all, s.
    pub average_delay: f64,
    /// The sum, vehicle-hours.
    pub total_delay_hours: f64,
    /// What that mean delay is to drivers, `A` to `F`.
    pub level_of_service: char,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    arrivals: u32,
    on_red: u32,
    delay: Duration,
}

/// The most that each level of service but the last allows, s.
const LEVELS: [(char, f64); 5] = [('A', 10.0), ('B', 20.0), ('C', 35.0), ('D', 55.0), ('E', 80.0)];

fn level_of_service(delay_s: f64) -> char {
    LEVELS.into_iter().find(|(_, most)| delay_s <= *most).map_or('F', |(letter, _)| letter)
}

pub(in crate::measures) fn rows(bin: Bin, cycles: &Cycles, device: &Arc<str>) -> Vec<Row> {
    let mut sums: Binned<u16, Sum> = Binned::default();
    for cycle in cycles.done() {
        for &arrival in &cycle.arrivals {
            let delay = cycle.delay(arrival);
            let sum = sums.at(bin.floor(arrival), cycle.group);
            sum.arrivals += 1;
            sum.on_red += u32::from(!delay.is_zero());
            sum.delay += delay;
        }
    }
    let row = |((at, phase), sum): ((Moment, u16), Sum)| {
        let average_delay = sum.delay.as_secs_f64() / f64::from(sum.arrivals);
        Row {
            at: Stamp(at),
            device_id: device.clone(),
            phase,
            arrivals: sum.arrivals,
            arrivals_on_red: sum.on_red,
            average_delay,
            total_delay_hours: sum.delay.as_secs_f64() / 3600.0,
            level_of_service: level_of_service(average_delay),
        }
    };
    sums.0.into_iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_of_service_are_those_of_the_manual() {
        let letters: String =
            [0.0, 10.0, 10.1, 20.0, 34.9, 36.0, 55.1, 80.0, 80.1].map(level_of_service).iter().collect();
        assert_eq!(letters, "AABBCDEEF");
    }
}
