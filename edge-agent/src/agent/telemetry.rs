//! What the agent tells: live state, events and counts, each with its own running number.

use super::{Action, Publication, SETTLING};
use crate::{
    device::{DetectorReport, DeviceReport, LogPlace},
    fallback::Why,
    guard::{self, Seen},
};
use model::{
    detection::Reading,
    ids::ChannelNumber,
    signal::Junction,
    time::{Moment, Tenths},
};
use std::time::Duration;
use uuid::Uuid;
use wire::message::{self, Channel, Counts, Entry, Events, Groups, HiRes, Mode, Rung};

/// Once a second, less a little: polls come on a grid of half a second with some jitter.
const EACH_SECOND: Duration = Duration::from_millis(900);
/// How often the mode is repeated when nothing changes.
const MODE_EVERY: Duration = Duration::from_secs(10);
/// Beyond this the device's clock and ours are fitted anew: the device restarted, or the street stood still.
const CLOCK_JUMP_MS: i64 = 1_000;
/// How much two good clocks may drift apart between two readings, ms; crystals keep 100 ppm.
const DRIFT_MS: i64 = 1;
/// More closed intervals than this between two readings are an outage; their counts have no time.
const LONGEST_WINDOW: u16 = 60;

#[derive(Debug)]
pub(super) struct Telemetry {
    boot: Uuid,
    /// Our clock minus the device's, ms.
    offset_ms: Option<i64>,
    events: Vec<HiRes>,
    events_seq: u64,
    events_at: Moment,
    log: LogPlace,
    baseline: Option<(Tenths, DetectorReport)>,
    counts: Option<Entry<Counts>>,
    counts_seq: u64,
    said: Option<(Rung, Why, u16)>,
    said_at: Moment,
    rung_since: Moment,
    unsettled_since: Option<Moment>,
    mode_seq: u64,
    last_groups: Option<(Moment, Groups)>,
    groups_seq: u64,
    config_seq: u64,
}

impl Telemetry {
    pub(super) fn new(boot: Uuid, now: Moment) -> Telemetry {
        Telemetry {
            boot,
            offset_ms: None,
            events: Vec::new(),
            events_seq: 0,
            events_at: now,
            log: LogPlace::default(),
            baseline: None,
            counts: None,
            counts_seq: 0,
            said: None,
            said_at: now,
            rung_since: now,
            unsettled_since: None,
            mode_seq: 0,
            last_groups: None,
            groups_seq: 0,
            config_seq: 0,
        }
    }

    /// The device started anew: its clock and its counters begin again.
    pub(super) fn restart(&mut self) {
        self.offset_ms = None;
        self.baseline = None;
    }

    /// Takes what a reading has for the log and the counters.
    pub(super) fn take(&mut self, now: Moment, junction: &Junction, report: &DeviceReport) {
        self.fit_clock(now, report.tick);
        self.take_log(now, report);
        if let Some(detectors) = &report.detectors {
            self.take_detectors(now, junction, report.tick, detectors);
        }
    }

    /// Takes the lines of the device's log alone, which may be new though its picture is not.
    pub(super) fn take_log(&mut self, now: Moment, report: &DeviceReport) {
        let offset = self.offset_ms.unwrap_or(now.0 - i64::from(report.tick.0) * 100);
        self.log = report.log;
        let events = report.events.iter();
        self.events.extend(events.map(|e| HiRes {
            t: Moment(offset + i64::from(e.tick.0) * 100),
            code: e.code,
            param: e.param,
        }));
    }

    /// A reading is always a little late, so the smallest difference seen is the best estimate.
    fn fit_clock(&mut self, now: Moment, tick: Tenths) {
        let measured = now.0 - i64::from(tick.0) * 100;
        let offset = match self.offset_ms {
            Some(offset) if (measured - offset).abs() <= CLOCK_JUMP_MS => measured.min(offset + DRIFT_MS),
            _ => measured,
        };
        self.offset_ms = Some(offset);
    }

    fn take_detectors(&mut self, now: Moment, junction: &Junction, tick: Tenths, new: &DetectorReport) {
        let Some((then, old)) = &self.baseline else {
            self.baseline = Some((tick, new.clone()));
            return;
        };
        let closed = new.intervals.wrapping_sub(old.intervals);
        if closed == 0 {
            return;
        }
        let window = tick.saturating_sub(*then);
        let whole =
            closed <= LONGEST_WINDOW && new.channels.len() == old.channels.len() && window > Tenths::ZERO;
        if whole {
            let channels = new.channels.iter().zip(&old.channels).enumerate().map(|(i, (new, old))| {
                let covered = new.covered.wrapping_sub(old.covered);
                let reading = Reading {
                    count: new.count.wrapping_sub(old.count),
                    occupancy: (f32::from(covered) / window.0 as f32).min(1.0),
                    speed_mps: new.speed_mps,
                    occupied: new.occupied,
                    queue: new.queue,
                    vehicles: new.vehicles,
                    fault: new.fault,
                };
                let number = junction.detectors.get(i).map_or(ChannelNumber(i as u16 + 1), |d| d.channel);
                Channel::new(number, &reading, &new.sightings)
            });
            let values = Counts { window_s: window.as_seconds(), channels: channels.collect() };
            let boot_id = Some(self.boot);
            self.counts = Some(Entry { ts: now, seq: self.counts_seq, boot_id, values });
            self.counts_seq += 1;
        }
        self.baseline = Some((tick, new.clone()));
    }

    /// Sends the log's last second, and the counts if an interval closed.
    pub(super) fn flush(&mut self, now: Moment, actions: &mut Vec<Action>) {
        if !self.events.is_empty() && now.since(self.events_at) >= EACH_SECOND {
            let values = Events { events: std::mem::take(&mut self.events) };
            let entry = Entry { ts: now, seq: self.events_seq, boot_id: Some(self.boot), values };
            self.events_seq += 1;
            self.events_at = now;
            actions.push(Action::Publish(Publication::Events(entry, self.log)));
        }
        if let Some(entry) = self.counts.take() {
            actions.push(Action::Publish(Publication::Counts(entry)));
        }
    }

    /// Sends the mode when it changed, and every ten seconds. While the device is still on its way to the rung
    /// that we want, the last word stands for a while.
    pub(super) fn mode(
        &mut self,
        now: Moment,
        is: (Rung, Why, u16),
        settled: bool,
        lease_until: Option<Moment>,
        actions: &mut Vec<Action>,
    ) {
        let (rung, why, plan) = is;
        if settled || why == Why::DeviceLost {
            self.unsettled_since = None;
        } else if now.since(*self.unsettled_since.get_or_insert(now)) < SETTLING && self.said.is_some() {
            return;
        }
        if self.said == Some(is) && now.since(self.said_at) < MODE_EVERY {
            return;
        }
        if self.said.map(|(rung, why, _)| (rung, why)) != Some((rung, why)) {
            self.rung_since = now;
            tracing::info!(rung = ?rung, reason = %why, plan, "on another rung");
        }
        self.said = Some(is);
        self.said_at = now;
        let values = Mode { rung, since: self.rung_since, reason: why.to_string(), plan, lease_until };
        let entry = Entry::new(now, self.mode_seq, values);
        self.mode_seq += 1;
        actions.push(Action::Publish(Publication::Mode(entry)));
    }

    /// The next tick sends the mode again.
    pub(super) fn repeat_mode(&mut self) {
        self.said_at = Moment(i64::MIN / 2);
    }

    /// Sends the lamps on every change and once a second, as long as there is a fresh picture: silence must
    /// never look like health.
    pub(super) fn groups(
        &mut self,
        now: Moment,
        junction: &Junction,
        seen: &Seen,
        wanted: u16,
        ref_tick: u64,
        actions: &mut Vec<Action>,
    ) {
        if now.since(seen.at) > guard::FRESH {
            return;
        }
        let report = &seen.report;
        let letters = report.groups.iter().zip(&junction.groups);
        let groups = Groups {
            signalgroupstatus: letters
                .map(|((lamp, age), g)| message::letter_at(*lamp, *age, g.min_green))
                .collect(),
            stage: report.stage,
            cyclecounter: report.cycle_s.into(),
            basecyclecounter: report.base_cycle_s.into(),
            ages: report.groups.iter().map(|(_, age)| age.0).collect(),
            interstage: report.interstage,
            wanted,
            ref_tick,
        };
        if let Some((at, last)) = &self.last_groups {
            let same = groups.signalgroupstatus == last.signalgroupstatus
                && (groups.stage, groups.interstage, groups.wanted)
                    == (last.stage, last.interstage, last.wanted);
            if same && now.since(*at) < EACH_SECOND {
                return;
            }
        }
        let entry = Entry::new(seen.at, self.groups_seq, groups.clone());
        self.groups_seq += 1;
        self.last_groups = Some((now, groups));
        actions.push(Action::Publish(Publication::Groups(entry)));
    }

    /// Sends the cabinet's own copy of its limits.
    pub(super) fn config(&mut self, now: Moment, junction: &Junction, actions: &mut Vec<Action>) {
        let entry = Entry::new(now, self.config_seq, junction.clone());
        self.config_seq += 1;
        actions.push(Action::Publish(Publication::Config(Box::new(entry))));
    }
}
