//! `coordination_diagram`: the dots of a Purdue coordination diagram, one for each arrival in a complete cycle.
//!
//! The abscissa is when the vehicle arrived, the ordinate how far into the cycle; green begins at `GreenAt` of it and
//! amber at `YellowAt`. Source: Day et al. 2014, doi:10.5703/1288284315333.

use super::{super::bin::Stamp, Cycles};
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
