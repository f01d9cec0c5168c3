//! `split_failures`: greens that ended with somebody still waiting, by group.
//!
//! A cycle fails when the presence detectors of the approach, taken together, were occupied for at least 80 % of the
//! green and for at least 80 % of the first five seconds of red. Cycles count in which amber began once, in which five
//! seconds of red clearance passed once, and in which the detectors' state was known throughout. Source: Freije et al.
//! 2014, doi:10.3141/2463-02; the `atspm` package, `split_failures` by approach.
//!
//! Detectors forget to tell. Two *on* in a row have an *off* put between them, at the second one if they are at most two
//! seconds apart and half-way otherwise; two *off* have an *on* half-way; a first *off* has an *on* just before it. So an
//! event may change what was half-way back to the one before: an approach keeps its steps until each of its detectors has
//! spoken after them, and only then adds them up for good.
//!
//! A detector that the configuration gives to several groups counts for the last of them; the others take it for one on
//! which nobody ever is, as the package does.

use super::{
    bin::{Bin, Binned, Stamp},
    event::{Detector, Event, Function},
    indiana::Code,
    lamps::{Assigned, Lamps},
};
use model::time::Moment;
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// So much of red is looked at.
const RED: Duration = Duration::from_secs(5);
/// Occupied for this share of green and of [`RED`] is a failure.
const FULL: f32 = 0.80;
/// Two *on* so close together are two vehicles with no gap to be seen.
const CLOSE: Duration = Duration::from_millis(2000);
/// A first *off* has an *on* so long before it.
const JUST_BEFORE: Duration = Duration::from_millis(1);
/// Steps are settled when so many have come together, or twice as many as the last time left over.
const SETTLE_FROM: usize = 512;
/// Stands for the end of [`RED`], which is no event of the log; the number is what sorts it after the lamps.
const RED_SEEN: Code = Code(11);

/// A group's greens in a bin.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Row {
    /// When the bin begins in which the cycles' first seconds of red ended.
    #[serde(rename = "TimeStamp")]
    pub at: Stamp,
    /// Of which device.
    #[serde(rename = "DeviceId")]
    pub device_id: Arc<str>,
    /// The signal group.
    #[serde(rename = "Phase")]
    pub phase: u16,
    /// Mean green, s.
    #[serde(rename = "Green_Time")]
    pub green_time: f32,
    /// Mean share of green that was occupied.
    #[serde(rename = "Green_Occupancy")]
    pub green_occupancy: f32,
    /// Mean share of the first five seconds of red that was occupied.
    #[serde(rename = "Red_Occupancy")]
    pub red_occupancy: f32,
    /// Cycles that failed.
    #[serde(rename = "Split_Failure")]
    pub split_failure: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    cycles: u32,
    green_time: f64,
    green_occupancy: f64,
    red_occupancy: f64,
    failures: u32,
}

/// Something that changes an approach. Steps sort as the package sorts them: at one moment the lamps first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Step {
    at: Moment,
    code: Code,
    /// How many more detectors are occupied.
    more: i32,
}

/// One cycle, as far as it has come.
#[derive(Clone, Copy, Debug, Default)]
struct Cycle {
    ambers: u32,
    reds_seen: u32,
    seen_at: Moment,
    /// For a part of it nobody knew of the detectors.
    blind: bool,
    green_on_ms: i64,
    green_off_ms: i64,
    red_on_ms: i64,
}

/// An approach whose steps are added up in order.
#[derive(Clone, Debug, Default)]
struct Progress {
    lamps: Lamps,
    occupied_by: i32,
    occupied: Option<bool>,
    since: Moment,
    cycle: Cycle,
    sums: BTreeMap<Moment, Sums>,
}

impl Progress {
    fn go(&mut self, bin: Bin, step: Step) {
        self.pass(step.at);
        match step.code {
            Code::GREEN_BEGIN => {
                self.close(bin);
                self.lamps.take(step.code);
            }
            Code::DETECTOR_ON => {
                self.occupied_by += step.more;
                self.occupied = Some(self.occupied_by > 0);
            }
            _ => {
                self.lamps.take(step.code);
                self.cycle.ambers += u32::from(step.code == Code::AMBER_BEGIN);
                if step.code == RED_SEEN {
                    self.cycle.reds_seen += 1;
                    self.cycle.seen_at = step.at;
                }
            }
        }
        self.cycle.blind |= self.occupied.is_none();
    }

    /// Time goes on with everything as it is.
    fn pass(&mut self, until: Moment) {
        let ms = until.0 - self.since.0;
        self.since = until;
        match (self.lamps.farthest, self.occupied) {
            (Some(Code::GREEN_BEGIN), Some(true)) => self.cycle.green_on_ms += ms,
            (Some(Code::GREEN_BEGIN), Some(false)) => self.cycle.green_off_ms += ms,
            (Some(Code::RED_CLEARANCE_BEGIN), Some(true)) => self.cycle.red_on_ms += ms,
            _ => {}
        }
    }

    /// The cycle is over: counts it if it can be.
    fn close(&mut self, bin: Bin) {
        let cycle = std::mem::take(&mut self.cycle);
        if !self.lamps.begun || cycle.ambers != 1 || cycle.reds_seen != 1 || cycle.blind {
            return;
        }
        let green_ms = cycle.green_on_ms + cycle.green_off_ms;
        let green_occupancy = cycle.green_on_ms as f32 / green_ms as f32;
        let red_occupancy = cycle.red_on_ms as f32 / RED.as_millis() as f32;
        // A green of no length has no share of anything; the package's database calls that more than all numbers.
        let failed = red_occupancy >= FULL && (green_occupancy >= FULL || green_occupancy.is_nan());
        let sums = self.sums.entry(bin.floor(cycle.seen_at)).or_default();
        sums.cycles += 1;
        sums.green_time += f64::from(green_ms as f32 / 1000.0);
        sums.green_occupancy += f64::from(green_occupancy);
        sums.red_occupancy += f64::from(red_occupancy);
        sums.failures += u32::from(failed);
    }
}

#[derive(Clone, Debug, Default)]
struct Approach {
    /// What each detector told last.
    told: BTreeMap<u16, (Moment, bool)>,
    /// Steps that are not settled.
    steps: Vec<Step>,
    /// How many the last settling left over.
    left: usize,
    progress: Progress,
}

impl Approach {
    fn lamp(&mut self, event: Event) {
        self.steps.push(Step { at: event.at, code: event.code, more: 0 });
        if event.code == Code::RED_CLEARANCE_BEGIN {
            self.steps.push(Step { at: event.at + RED, code: RED_SEEN, more: 0 });
        }
    }

    fn detector(&mut self, event: Event) {
        let is_on = event.code == Code::DETECTOR_ON;
        let before = self.told.insert(event.param, (event.at, is_on));
        let more = if is_on { 1 } else { -1 };
        let forgotten = match before {
            Some((_, was_on)) if was_on != is_on => None,
            Some((then, true)) if event.at.since(then) <= CLOSE => Some(event.at),
            Some((then, _)) => Some(Moment(then.0 + (event.at.0 - then.0) / 2)),
            None if is_on => None,
            None => Some(event.at - JUST_BEFORE),
        };
        let step = |at, more| Step { at, code: Code::DETECTOR_ON, more };
        self.steps.extend(forgotten.map(|at| step(at, -more)));
        self.steps.push(step(event.at, more));
    }

    /// Adds up what nothing can come before any more.
    fn settle(&mut self, bin: Bin, now: Moment) {
        let heard = self.told.values().map(|(at, _)| *at).min().unwrap_or(now);
        // One that has never spoken may yet have been occupied just before its first word.
        let settled = heard.min(now - JUST_BEFORE);
        // Nearly in order already, which this sort makes use of.
        self.steps.sort();
        let until = self.steps.partition_point(|step| step.at < settled);
        for step in self.steps.drain(..until) {
            self.progress.go(bin, step);
        }
        self.left = self.steps.len();
    }
}

#[derive(Clone, Debug)]
pub(super) struct SplitFailures {
    detectors: Assigned,
    approaches: BTreeMap<u16, Approach>,
}

impl SplitFailures {
    pub(super) fn new(detectors: &[Detector]) -> SplitFailures {
        let detectors = Assigned::new(detectors, Function::Presence);
        let approaches = detectors.groups().iter().map(|&group| (group, Approach::default())).collect();
        SplitFailures { detectors, approaches }
    }

    pub(super) fn take(&mut self, bin: Bin, event: Event) {
        match event.code {
            Code::GREEN_BEGIN | Code::AMBER_BEGIN | Code::RED_CLEARANCE_BEGIN => {
                if let Some(approach) = self.approaches.get_mut(&event.param) {
                    approach.lamp(event);
                }
            }
            Code::DETECTOR_ON | Code::DETECTOR_OFF => {
                let groups = self.detectors.groups_of(event.param);
                for (i, group) in groups.iter().enumerate() {
                    let Some(approach) = self.approaches.get_mut(group) else { continue };
                    if i + 1 == groups.len() {
                        approach.detector(event);
                    } else {
                        approach.steps.push(Step { at: event.at, code: Code::DETECTOR_ON, more: 0 });
                    }
                    if approach.steps.len() >= SETTLE_FROM.max(2 * approach.left) {
                        approach.settle(bin, event.at);
                    }
                }
            }
            _ => {}
        }
    }

    /// `log_ends` is when the whole log does: no red is seen beyond the end of its bin.
    pub(super) fn rows(&self, bin: Bin, log_ends: Moment, device: &Arc<str>) -> Vec<Row> {
        let end = bin.floor(log_ends) + bin.length();
        let mut all: Binned<u16, Sums> = Binned::default();
        for (&group, approach) in &self.approaches {
            let (mut progress, mut steps) = (approach.progress.clone(), approach.steps.clone());
            steps.sort_unstable();
            for step in steps.into_iter().filter(|step| step.code != RED_SEEN || step.at < end) {
                progress.go(bin, step);
            }
            progress.close(bin);
            all.0.extend(progress.sums.into_iter().map(|(at, sums)| ((at, group), sums)));
        }
        let row = |((at, phase), sums): ((Moment, u16), Sums)| {
            let mean = |sum: f64| (sum / f64::from(sums.cycles)) as f32;
            Row {
                at: Stamp(at),
                device_id: device.clone(),
                phase,
                green_time: mean(sums.green_time),
                green_occupancy: mean(sums.green_occupancy),
                red_occupancy: mean(sums.red_occupancy),
                split_failure: sums.failures,
            }
        };
        all.0.into_iter().map(row).collect()
    }
}
