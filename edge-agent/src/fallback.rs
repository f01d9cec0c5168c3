//! The ladder: what a junction does when nobody steers it.
//!
//! Adaptive (the centre asks for stages) → coordinated plan by the clock → local actuated → fixed plan →
//! flashing amber. The agent stands on the best rung whose conditions hold, goes down at once, and climbs
//! only when the better conditions have held for a while.

use crate::device::{DeviceAlarm, DeviceReport, LocalMode};
use model::time::Moment;
use std::{fmt, time::Duration};

/// How long a better rung's conditions must hold before we climb: a clock that comes and goes must not make
/// the junction's plan jump.
const STEADY: Duration = Duration::from_secs(10);

/// Why the junction stands on its rung. The words stand in `tlc.mode`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Why {
    /// The agent started a moment ago, and nobody has asked for anything.
    Started,
    /// A lease of the centre's holds.
    LeaseHeld,
    /// The centre has fallen silent.
    LeaseLapsed,
    /// The device dropped what it had been asked for.
    DeviceReverted,
    /// The device started anew.
    DeviceRestarted,
    /// The device did not take what was written.
    WriteFailed,
    /// The device does not answer; this is what it did last.
    DeviceLost,
    /// No common clock to coordinate by.
    ClockLost,
    /// Neither a clock nor detectors.
    DetectorsLost,
    /// The device's conflict monitor tripped.
    Conflict,
    /// No power.
    PowerLost,
    /// Somebody's hand is on the manual panel.
    ManualPanel,
}

impl Why {
    /// Every reason.
    pub const ALL: [Why; 12] = [
        Why::Started,
        Why::LeaseHeld,
        Why::LeaseLapsed,
        Why::DeviceReverted,
        Why::DeviceRestarted,
        Why::WriteFailed,
        Why::DeviceLost,
        Why::ClockLost,
        Why::DetectorsLost,
        Why::Conflict,
        Why::PowerLost,
        Why::ManualPanel,
    ];
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Why::Started => "started",
            Why::LeaseHeld => "lease held",
            Why::LeaseLapsed => "lease lapsed",
            Why::DeviceReverted => "device reverted",
            Why::DeviceRestarted => "device restarted",
            Why::WriteFailed => "write failed",
            Why::DeviceLost => "device lost",
            Why::ClockLost => "clock not synchronised",
            Why::DetectorsLost => "clock not synchronised, detectors broken",
            Why::Conflict => "conflict monitor tripped",
            Why::PowerLost => "power lost",
            Why::ManualPanel => "manual panel",
        })
    }
}

/// The rung to stand on without a lease.
#[derive(Clone, Debug)]
pub struct Fallback {
    local: LocalMode,
    why: Option<Why>,
    better_since: Option<Moment>,
}

impl Default for Fallback {
    fn default() -> Self {
        Fallback { local: LocalMode::Coordinated, why: None, better_since: None }
    }
}

impl Fallback {
    /// Takes a reading and chooses.
    pub fn observe(&mut self, now: Moment, report: &DeviceReport) {
        let (best, why) = best(report);
        if best > self.local {
            (self.local, self.why, self.better_since) = (best, why, None);
        } else if best == self.local {
            (self.why, self.better_since) = (why, None);
        } else {
            let since = *self.better_since.get_or_insert(now);
            if now.since(since) >= STEADY {
                (self.local, self.why, self.better_since) = (best, why, None);
            }
        }
    }

    /// What the device should do on its own.
    pub fn local(&self) -> LocalMode {
        self.local
    }

    /// Why not the coordinated plan, if it is not.
    pub fn why(&self) -> Option<Why> {
        self.why
    }
}

/// The best rung whose conditions hold now; `LocalMode` is ordered from the top of the ladder down.
fn best(report: &DeviceReport) -> (LocalMode, Option<Why>) {
    let complains = |alarm| report.alarms.contains(&alarm);
    if complains(DeviceAlarm::Conflict) {
        (LocalMode::Flashing, Some(Why::Conflict))
    } else if !complains(DeviceAlarm::Clock) {
        (LocalMode::Coordinated, None)
    } else if !complains(DeviceAlarm::Detector) {
        (LocalMode::Actuated, Some(Why::ClockLost))
    } else {
        (LocalMode::Fixed, Some(Why::DetectorsLost))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::fixture::report;

    #[test]
    fn goes_down_at_once_and_climbs_slowly() {
        use DeviceAlarm::{Clock, Conflict, Detector};
        let mut fallback = Fallback::default();
        let mut check = |at_s: i64, alarms: &[DeviceAlarm], expected: LocalMode| {
            let report = DeviceReport { alarms: alarms.to_vec(), ..report() };
            fallback.observe(Moment(at_s * 1000), &report);
            assert_eq!(fallback.local(), expected, "at {at_s} s with {alarms:?}");
        };
        check(0, &[], LocalMode::Coordinated);
        check(1, &[Clock], LocalMode::Actuated);
        check(2, &[Clock, Detector], LocalMode::Fixed);
        check(3, &[Clock], LocalMode::Fixed);
        check(12, &[Clock], LocalMode::Fixed);
        check(13, &[Clock], LocalMode::Actuated);
        check(14, &[], LocalMode::Actuated);
        check(20, &[Clock], LocalMode::Actuated);
        check(24, &[], LocalMode::Actuated);
        check(34, &[], LocalMode::Coordinated);
        check(35, &[Conflict], LocalMode::Flashing);
        check(36, &[], LocalMode::Flashing);
        check(46, &[], LocalMode::Coordinated);
        check(47, &[Detector], LocalMode::Coordinated);
    }
}
