//! What may be written to the device, from the cabinet's own copy of the limits and its own reading of the
//! lamps. The centre has checked the same before it sent; neither trusts the other, and the device itself and
//! its hardware conflict monitor stay behind both. We claim no safety function.

use crate::device::{DeviceMode, DeviceReport};
use model::{
    ids::StageNumber,
    signal::{
        Junction, Lamp,
        rules::{self, GroupState, Heading, Refusal, Violation, Watch},
    },
    time::{Moment, Tenths},
};
use std::{collections::BTreeMap, fmt, time::Duration};

/// Oldest reading that the guard judges by: four polls. Older, and the lamps may be anything by now.
pub const FRESH: Duration = Duration::from_secs(2);

/// Why the guard says no.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Objection {
    /// The device is not there to be asked: no fresh reading, dark, or somebody's hand is on it.
    Unavailable(&'static str),
    /// It would be unsafe now.
    Unsafe(Refusal),
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Objection::Unavailable(why) => f.write_str(why),
            Objection::Unsafe(refusal) => write!(f, "{refusal}"),
        }
    }
}

/// A reading, and when it was made.
#[derive(Clone, PartialEq, Debug)]
pub struct Seen {
    /// When.
    pub at: Moment,
    /// What.
    pub report: DeviceReport,
}

impl Seen {
    /// What each group shows, and since when on the city's clock.
    pub fn groups(&self) -> Vec<GroupState> {
        let since = |age: Tenths| self.at - age.as_duration();
        self.report.groups.iter().map(|&(lamp, age)| GroupState { lamp, since: since(age) }).collect()
    }

    /// Where the device says it is.
    fn heading(&self) -> Heading {
        let stage = Some(StageNumber(self.report.stage)).filter(|s| s.0 != 0);
        Heading { stage, interstage: self.report.interstage }
    }
}

/// Whether the device may be told anything at all now.
pub fn device(junction: &Junction, seen: Option<&Seen>, now: Moment) -> Result<(), Objection> {
    let seen = seen.ok_or(Objection::Unavailable("the device has not been read yet"))?;
    if now.since(seen.at) > FRESH {
        return Err(Objection::Unavailable("the device does not answer"));
    }
    if seen.report.groups.len() != junction.groups.len() {
        return Err(Objection::Unavailable("the device has another number of groups"));
    }
    match seen.report.mode {
        DeviceMode::Dark => Err(Objection::Unavailable("the device is dark")),
        DeviceMode::Manual => Err(Objection::Unavailable("the manual panel is in use")),
        _ => Ok(()),
    }
}

/// Whether the stage may be asked for now.
pub fn stage(
    junction: &Junction,
    seen: Option<&Seen>,
    stage: StageNumber,
    now: Moment,
) -> Result<(), Objection> {
    device(junction, seen, now)?;
    let Some(seen) = seen else { return Err(Objection::Unavailable("the device has not been read yet")) };
    rules::may_ask(junction, &seen.groups(), seen.heading(), stage, now).map_err(Objection::Unsafe)
}

/// Follows what the lamps really did, at the moments that the device itself gives them.
#[derive(Clone, Debug)]
pub struct LampWatch {
    watch: Watch,
    lamps: Vec<Lamp>,
    tick: Option<Tenths>,
    longest_gap: Tenths,
}

/// The device's ages are exact to its own tick.
const SLACK: Tenths = Tenths(2);

impl LampWatch {
    /// `poll` is the usual time between readings: after a gap of more than two of them a lamp may have changed
    /// twice unseen, and the watch begins anew rather than accuse somebody.
    pub fn new(junction: &Junction, poll: Duration) -> LampWatch {
        LampWatch {
            watch: Watch::new(junction, SLACK),
            lamps: Vec::new(),
            tick: None,
            longest_gap: Tenths::from(poll * 2) + SLACK,
        }
    }

    /// Takes a reading and says what it shows to be unsafe.
    pub fn observe(&mut self, junction: &Junction, report: &DeviceReport) -> Vec<Violation> {
        // Of a torn reading nobody can say when its lamps changed.
        if report.torn || report.groups.len() != junction.groups.len() {
            self.tick = None;
            return Vec::new();
        }
        let gap = self.tick.map(|last| report.tick.0.checked_sub(last.0));
        let fresh = matches!(gap, Some(Some(gap)) if gap <= self.longest_gap.0);
        self.tick = Some(report.tick);
        let device_time = |tick: Tenths| Moment(i64::from(tick.0) * 100);
        let shown: Vec<Lamp> = report.groups.iter().map(|g| g.0).collect();
        if !fresh {
            self.watch = Watch::new(junction, SLACK);
            self.lamps = shown;
            self.watch.observe(junction, device_time(report.tick), &self.lamps);
            return Vec::new();
        }
        // Each change at its own moment, in order.
        let mut changes: BTreeMap<Moment, Vec<usize>> = BTreeMap::new();
        for (i, (lamp, age)) in report.groups.iter().enumerate() {
            if self.lamps[i] != *lamp {
                changes.entry(device_time(report.tick.saturating_sub(*age))).or_default().push(i);
            }
        }
        let mut found = Vec::new();
        for (at, groups) in changes {
            for i in groups {
                self.lamps[i] = shown[i];
            }
            found.extend(self.watch.observe(junction, at, &self.lamps));
        }
        found
    }
}
