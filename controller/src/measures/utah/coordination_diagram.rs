//! `coordination_diagram` and `cycles`: the dots of a Purdue coordination diagram, one for each arrival in a complete
//! cycle, and its lines, which are there without arrivals too.
//!
//! The abscissa is when the vehicle arrived, the ordinate how far into the cycle; green begins at `GreenAt` of it and
//! amber at `YellowAt`. Source: Day et al. 2014, doi:10.5703/1288284315333.

use super::{super::bin::Stamp, Cycles, cycles::Cycle};
use serde::Serialize;
use std::sync::Arc;

/// One arrival.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Row {
    /// When it was.
    #[serde(rename = "TimeStamp")]
    pub at: Stamp,
    /// Of which device.
    pub device_id: Arc<str>,
    /// The signal group.
    pub phase: u16,
    /// When red began.
    pub cycle_start: Stamp,
    /// When the cycle ended.
    pub cycle_end: Stamp,
    /// When the vehicle arrived, s into the cycle.
    pub arrival_at: f64,
    /// When green began, s into the cycle.
    pub green_at: f64,
    /// When amber began, s into the cycle.
    pub yellow_at: f64,
}

/// One complete cycle.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CycleRow {
    /// When red began.
    #[serde(rename = "TimeStamp")]
    pub at: Stamp,
    /// Of which device.
    pub device_id: Arc<str>,
    /// The signal group.
    pub phase: u16,
    /// When the cycle ended.
    pub cycle_end: Stamp,
    /// When green began, s into the cycle.
    pub green_at: f64,
    /// When amber began, s into the cycle.
    pub yellow_at: f64,
    /// Its length, s.
    pub cycle: f64,
    /// Vehicles that arrived.
    pub arrivals: u32,
    /// Those that came on green.
    pub arrivals_on_green: u32,
}

pub(in crate::measures) fn cycle_rows(cycles: &Cycles, device: &Arc<str>) -> Vec<CycleRow> {
    let row = |cycle: &Cycle| CycleRow {
        at: Stamp(cycle.begins),
        device_id: device.clone(),
        phase: cycle.group,
        cycle_end: Stamp(cycle.ends),
        green_at: cycle.green.since(cycle.begins).as_secs_f64(),
        yellow_at: cycle.amber.since(cycle.begins).as_secs_f64(),
        cycle: cycle.ends.since(cycle.begins).as_secs_f64(),
        arrivals: cycle.arrivals.len() as u32,
        arrivals_on_green: cycle.arrivals.iter().filter(|at| (cycle.green..cycle.amber).contains(at)).count()
            as u32,
    };
    cycles.done().iter().map(row).collect()
}

pub(in crate::measures) fn rows(cycles: &Cycles, device: &Arc<str>) -> Vec<Row> {
    let mut rows = Vec::new();
    for cycle in cycles.done() {
        for &at in &cycle.arrivals {
            rows.push(Row {
                at: Stamp(at),
                device_id: device.clone(),
                phase: cycle.group,
                cycle_start: Stamp(cycle.begins),
                cycle_end: Stamp(cycle.ends),
                arrival_at: at.since(cycle.begins).as_secs_f64(),
                green_at: cycle.green.since(cycle.begins).as_secs_f64(),
                yellow_at: cycle.amber.since(cycle.begins).as_secs_f64(),
            });
        }
    }
    rows
}
