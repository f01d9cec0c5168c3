//! Alarms: what stands, what changed, and the full list every five minutes.

use super::{Action, Publication};
use crate::{
    device::{DeviceAlarm, DeviceReport},
    guard,
};
use model::{signal::rules::Violation, time::Moment};
use std::{collections::BTreeMap, time::Duration};
use wire::message::{Alarm, Alarms};

/// Every alarm code that a cabinet sends.
pub const CODES: [&str; 10] = [
    "tlc.lamp",
    "tlc.door",
    "tlc.conflict",
    "tlc.power",
    "tlc.manual",
    "tlc.detector",
    "tlc.clock",
    "tlc.config",
    "tlc.comm.field",
    "tlc.spool",
];

/// How often all alarms are sent again, for whoever missed a change.
const FULL_EVERY: Duration = Duration::from_secs(300);
/// How long a violation of the lamps stands after it was last seen.
const VIOLATION_STANDS: Duration = Duration::from_secs(60);

/// How long entries that could not be kept stand after the last of them.
const LOSS_STANDS: Duration = Duration::from_secs(600);

/// Code and component: what makes an alarm the same alarm.
type Key = (&'static str, String);

#[derive(Debug, Default)]
pub(super) struct AlarmTable {
    standing: BTreeMap<Key, Alarm>,
    /// Violations seen by the guard, and when last.
    violations: BTreeMap<String, (Moment, String)>,
    /// Entries that could not be kept, and when the last of them was lost.
    lost: Option<(Moment, u64)>,
    last_full: Option<Moment>,
    /// Channels that said at their last reading that they are broken; not every report has one.
    broken: Vec<usize>,
}

impl AlarmTable {
    /// The lamps did what they must not.
    pub(super) fn violation(&mut self, now: Moment, violation: &Violation) {
        let group = match violation {
            Violation::BothGreen(a, _) => *a,
            Violation::IntergreenCut { began, .. } => *began,
            Violation::GreenCut { group, .. } | Violation::AmberCut { group, .. } => *group,
        };
        self.violations.insert(format!("sg/{group}"), (now, violation.to_string()));
    }

    /// Entries that were never sent are gone, so many since the start.
    pub(super) fn lost(&mut self, now: Moment, entries: u64) {
        self.lost = Some((now, entries));
    }

    /// Compares what should stand with what stands. `report` is the last reading if it is fresh.
    pub(super) fn observe(
        &mut self,
        now: Moment,
        config_hash: u32,
        report: Option<&DeviceReport>,
        booted: Moment,
        actions: &mut Vec<Action>,
    ) {
        self.violations.retain(|_, (seen, _)| now.since(*seen) < VIOLATION_STANDS);
        let mut wanted: BTreeMap<Key, (u8, String)> = BTreeMap::new();
        for (component, (_, text)) in &self.violations {
            wanted.insert(("tlc.conflict", component.clone()), (1, text.clone()));
        }
        self.lost.take_if(|(at, _)| now.since(*at) >= LOSS_STANDS);
        match report {
            Some(report) => {
                if let Some(detectors) = &report.detectors {
                    let channels = detectors.channels.iter().enumerate();
                    self.broken = channels.filter(|(_, c)| c.fault).map(|(i, _)| i + 1).collect();
                }
                complaints(report, config_hash, &self.broken, &mut wanted);
            }
            // What the device last complained of still stands; its silence comes on top of it.
            None => {
                for (key, alarm) in self.standing.iter().filter(|(key, _)| key.0 != "tlc.spool") {
                    wanted.entry(key.clone()).or_insert((alarm.severity, alarm.message.clone()));
                }
                if now.since(booted) > guard::FRESH {
                    wanted
                        .insert(("tlc.comm.field", String::new()), (2, "the device does not answer".into()));
                }
            }
        }
        if let Some((_, entries)) = self.lost {
            let message = format!("the spool is full or its disk is: {entries} entries are lost");
            wanted.insert(("tlc.spool", String::new()), (2, message));
        }
        let mut changes: BTreeMap<&'static str, Vec<Alarm>> = BTreeMap::new();
        self.standing.retain(|key, alarm| {
            let stays = wanted.contains_key(key);
            if !stays {
                let cleared = Alarm { active: false, since: now, ..alarm.clone() };
                changes.entry(key.0).or_default().push(cleared);
            }
            stays
        });
        for (key, (severity, message)) in wanted {
            if self.standing.contains_key(&key) {
                continue;
            }
            let alarm = Alarm { component: key.1.clone(), severity, active: true, since: now, message };
            changes.entry(key.0).or_default().push(alarm.clone());
            self.standing.insert(key, alarm);
        }
        for (code, alarms) in changes {
            actions.push(publish(code, Alarms { full: false, alarms }));
            // The retained list must not lie to whoever subscribes next.
            actions.push(publish(code, self.full(code)));
        }
        if self.last_full.is_some_and(|at| now.since(at) >= FULL_EVERY) {
            self.repeat(now, actions);
        }
    }

    /// Sends all lists, empty ones too: a retained alarm of an earlier life must not stand for ever.
    pub(super) fn repeat(&mut self, now: Moment, actions: &mut Vec<Action>) {
        self.last_full = Some(now);
        actions.extend(CODES.iter().map(|&code| publish(code, self.full(code))));
    }

    fn full(&self, code: &str) -> Alarms {
        let of_code = self.standing.iter().filter(|(key, _)| key.0 == code);
        Alarms { full: true, alarms: of_code.map(|(_, alarm)| alarm.clone()).collect() }
    }
}

fn publish(code: &'static str, alarms: Alarms) -> Action {
    Action::Publish(Publication::Alarms { code, alarms })
}

fn complaints(
    report: &DeviceReport,
    config_hash: u32,
    broken: &[usize],
    wanted: &mut BTreeMap<Key, (u8, String)>,
) {
    let mut raise = |code, component: String, severity, message: String| {
        wanted.entry((code, component)).or_insert((severity, message));
    };
    let cabinet = String::new;
    for alarm in &report.alarms {
        match alarm {
            DeviceAlarm::Lamp => match report.lamp_fault {
                0 => raise("tlc.lamp", cabinet(), 2, "a lamp is out".into()),
                group => {
                    raise("tlc.lamp", format!("sg/{group}"), 2, format!("a lamp of group {group} is out"))
                }
            },
            DeviceAlarm::Door => raise("tlc.door", cabinet(), 3, "the door is open".into()),
            DeviceAlarm::Conflict => {
                raise("tlc.conflict", cabinet(), 1, "the conflict monitor tripped".into())
            }
            DeviceAlarm::Power => raise("tlc.power", cabinet(), 1, "power is failing".into()),
            DeviceAlarm::Manual => raise("tlc.manual", cabinet(), 3, "the manual panel is in use".into()),
            DeviceAlarm::Clock => raise("tlc.clock", cabinet(), 2, "the clock is not synchronised".into()),
            // Channels say it of themselves; the bit alone tells when none does.
            DeviceAlarm::Detector if broken.is_empty() => {
                raise("tlc.detector", cabinet(), 3, "a detector is broken".into());
            }
            DeviceAlarm::Detector => {}
        }
    }
    for channel in broken {
        raise("tlc.detector", format!("dl/{channel}"), 3, format!("detector channel {channel} is broken"));
    }
    if report.config_hash != config_hash {
        let theirs = report.config_hash;
        let message =
            format!("the device's configuration is {theirs:#010x}, the cabinet's copy {config_hash:#010x}");
        raise("tlc.config", cabinet(), 1, message);
    }
}
