//! `phase_wait`: how long groups wait for green once they are called, and how often they were passed over.
//!
//! Waits that meet a preemption, or the two minutes after it, do not count. A wait of more than one and a half cycles is
//! a group passed over; of more than two if priority shifted green meanwhile. The cycle is the longer of those at the
//! beginning and the end of the wait, as the device told them; where there is none, 140 s. Source: the `atspm` package,
//! `phase_wait`.

use super::{
    bin::{Bin, Binned, Stamp},
    timeline::{Class, Doubt, Span},
};
use model::time::Moment;
use serde::Serialize;
use std::{sync::Arc, time::Duration};

/// What a preemption left behind is over after this.
const RECOVERY: Duration = Duration::from_secs(120);
/// The cycle where there is none, s.
const ASSUMED_CYCLE_S: u16 = 140;
/// So many cycles without green are a group passed over; without and with priority.
const PASSED_OVER: [f32; 2] = [1.5, 2.0];

/// A group's waits that ended in a bin.
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
    /// The mean wait, s.
    pub avg_phase_wait: f64,
    /// The longest, s.
    pub max_phase_wait: f32,
    /// How often the group was passed over.
    pub total_skips: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Waits {
    count: u32,
    sum_s: f64,
    longest_s: f32,
    passed_over: u32,
}

/// `cycles` are the lengths that the device told, s, oldest first.
pub(super) fn rows(bin: Bin, spans: &[Span], cycles: &[(Moment, u16)], device: &Arc<str>) -> Vec<Row> {
    let of = |class| spans.iter().filter(move |span| span.valid && span.class == class);
    let mut adjusted: Vec<Moment> = of(Class::PriorityAdjustment).map(|span| span.start).collect();
    adjusted.sort_unstable();
    let preempted = Doubt::new(of(Class::Preempt).map(|span| (span.start, span.end + RECOVERY)).collect());
    let mut waits: Binned<u16, Waits> = Binned::default();
    for wait in of(Class::PhaseWait) {
        if preempted.touches(wait.start, wait.end) {
            continue;
        }
        let shifted = before(&adjusted, wait.end, |at| *at).is_some_and(|at| *at >= wait.start);
        let cycle_s = cycle_at(cycles, wait.start).max(cycle_at(cycles, wait.end));
        let seconds = wait.seconds();
        let waits = waits.at(bin.floor(wait.end), wait.param);
        waits.count += 1;
        waits.sum_s += f64::from(seconds);
        waits.longest_s = waits.longest_s.max(seconds);
        waits.passed_over += u32::from(seconds > f32::from(cycle_s) * PASSED_OVER[usize::from(shifted)]);
    }
    let row = |((at, phase), waits): ((Moment, u16), Waits)| Row {
        at: Stamp(at),
        device_id: device.clone(),
        phase,
        avg_phase_wait: waits.sum_s / f64::from(waits.count),
        max_phase_wait: waits.longest_s,
        total_skips: waits.passed_over,
    };
    waits.0.into_iter().map(row).collect()
}

fn cycle_at(cycles: &[(Moment, u16)], at: Moment) -> u16 {
    match before(cycles, at, |(told, _)| *told) {
        None | Some((_, 0)) => ASSUMED_CYCLE_S,
        Some((_, cycle_s)) => *cycle_s,
    }
}

/// The last that is no later than then.
fn before<T>(sorted: &[T], at: Moment, when: impl Fn(&T) -> Moment) -> Option<&T> {
    sorted[..sorted.partition_point(|one| when(one) <= at)].last()
}
