//! Whether a stage may be asked for now, and whether the lamps did what is safe.
//!
//! The centre runs [`may_ask`] before it sends; the cabinet runs it again, on its own copy of the
//! limits and its own reading of the lamps, before it writes. [`Watch`] follows what the lamps really
//! showed; tests, rehearsal and the agent use it. It claims no safety function: the hardware conflict
//! monitor stays the last word.

use super::{Junction, Lamp, interstage::Interstage};
use crate::{
    ids::{GroupNumber, StageNumber},
    time::{Moment, Tenths},
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What one group shows, and since when.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct GroupState {
    /// The lamp.
    pub lamp: Lamp,
    /// When it began to show it.
    pub since: Moment,
}

/// Why a stage may not be asked for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// No such stage here.
    UnknownStage(StageNumber),
    /// The stage itself has two conflicting groups.
    ConflictingGreens(GroupNumber, GroupNumber),
    /// A group that would end has not been green long enough.
    MinimumGreen {
        /// The group.
        group: GroupNumber,
        /// How much is missing.
        missing: Tenths,
    },
    /// The junction is on its way to another stage; it must arrive first.
    InterstageRunning,
    /// The lamps are dark or flashing: nobody may ask for a stage.
    NotUnderControl,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::UnknownStage(s) => write!(f, "stage {s} does not exist"),
            Refusal::ConflictingGreens(a, b) => write!(f, "groups {a} and {b} conflict"),
            Refusal::MinimumGreen { group, missing } => {
                write!(f, "group {group} has {missing} s of its minimum green to go")
            }
            Refusal::InterstageRunning => write!(f, "an interstage is running"),
            Refusal::NotUnderControl => write!(f, "the lamps are dark or flashing"),
        }
    }
}

/// Where a junction stands by its device's own word.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Heading {
    /// The stage that is green, or the one that the interstage leads to.
    pub stage: Option<StageNumber>,
    /// Whether an interstage runs.
    pub interstage: bool,
}

/// Whether a device that stands there may be asked for `stage` now. The stage in which it is, or to which it is on its
/// way, only makes it stay, and may be asked for whenever the stage itself may. Any other waits until it has arrived,
/// which the lamps alone do not show: between two stages all may be red.
pub fn may_ask(
    junction: &Junction,
    shown: &[GroupState],
    heading: Heading,
    stage: StageNumber,
    now: Moment,
) -> Result<(), Refusal> {
    let there = heading.stage == Some(stage);
    match may_request(junction, shown, stage, now) {
        Err(Refusal::InterstageRunning | Refusal::MinimumGreen { .. }) if there => Ok(()),
        Ok(()) if heading.interstage && heading.stage.is_some() && !there => Err(Refusal::InterstageRunning),
        outcome => outcome,
    }
}

/// Whether the lamps alone (in group order) let `stage` be asked for now. Asking for the stage that already runs is
/// always allowed: it only prolongs it.
pub fn may_request(
    junction: &Junction,
    shown: &[GroupState],
    stage: StageNumber,
    now: Moment,
) -> Result<(), Refusal> {
    let wanted = junction.stage(stage).ok_or(Refusal::UnknownStage(stage))?;
    for (k, &a) in wanted.green.iter().enumerate() {
        if let Some(&b) = wanted.green[k + 1..].iter().find(|&&b| junction.intergreens.conflict(a, b)) {
            return Err(Refusal::ConflictingGreens(a, b));
        }
    }
    if shown.iter().any(|s| matches!(s.lamp, Lamp::FlashingAmber | Lamp::Dark)) {
        return Err(Refusal::NotUnderControl);
    }
    let settled = junction.groups.iter().zip(shown).all(|(g, s)| s.lamp.is_go() == wanted.has(g.number));
    if settled && shown.iter().all(|s| matches!(s.lamp, Lamp::Green | Lamp::Red)) {
        return Ok(());
    }
    if shown.iter().any(|s| matches!(s.lamp, Lamp::Amber | Lamp::RedAmber | Lamp::FlashingGreen)) {
        return Err(Refusal::InterstageRunning);
    }
    // A clearance may reach back beyond the interstage that would run now: from a group that ended one or two
    // stages ago, while others stayed green.
    let green: Vec<GroupNumber> =
        junction.groups.iter().zip(shown).filter(|(_, s)| s.lamp.is_go()).map(|(g, _)| g.number).collect();
    let way = Interstage::between_greens(junction, &green, &wanted.green);
    for (ended, state) in junction.groups.iter().zip(shown).filter(|(_, s)| s.lamp == Lamp::Red) {
        let cleared = Tenths::from(now.since(state.since)) + ended.amber + way.duration;
        let clearance = |began: &GroupNumber| junction.intergreens.get(ended.number, *began);
        if way.gaining.iter().filter_map(clearance).any(|required| cleared < required) {
            return Err(Refusal::InterstageRunning);
        }
    }
    for (group, state) in junction.groups.iter().zip(shown) {
        if state.lamp == Lamp::Green && !wanted.has(group.number) {
            let shown_for = Tenths::from(now.since(state.since));
            if shown_for < group.min_green {
                return Err(Refusal::MinimumGreen {
                    group: group.number,
                    missing: group.min_green.saturating_sub(shown_for),
                });
            }
        }
    }
    Ok(())
}

/// Something that lamps must never do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Violation {
    /// Two conflicting groups were green at once.
    BothGreen(GroupNumber, GroupNumber),
    /// The second became green before the first's clearance was over.
    IntergreenCut {
        /// The group that ended.
        ended: GroupNumber,
        /// The group that began.
        began: GroupNumber,
        /// Clearance shown.
        shown: Tenths,
        /// Clearance required.
        required: Tenths,
    },
    /// Green ended before its minimum.
    GreenCut {
        /// The group.
        group: GroupNumber,
        /// Green shown.
        shown: Tenths,
    },
    /// Amber (or flashing green) was shorter than it must be, or missing.
    AmberCut {
        /// The group.
        group: GroupNumber,
        /// Time from the end of steady green to red.
        shown: Tenths,
    },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Violation::BothGreen(a, b) => write!(f, "groups {a} and {b} conflict and are both green"),
            Violation::IntergreenCut { ended, began, shown, required } => {
                write!(
                    f,
                    "group {began} became green {shown} s after group {ended}, {required} s are required"
                )
            }
            Violation::GreenCut { group, shown } => write!(f, "group {group} was green for only {shown} s"),
            Violation::AmberCut { group, shown } => write!(f, "group {group} cleared in only {shown} s"),
        }
    }
}

/// Follows the lamps of one junction and says what was unsafe. `slack` forgives the grain of the
/// observation (a lamp polled at 2 Hz is known to half a second).
#[derive(Clone, Debug)]
pub struct Watch {
    slack: Tenths,
    groups: Vec<Watched>,
}

#[derive(Clone, Copy, Debug)]
struct Watched {
    lamp: Lamp,
    /// When steady green began; `None` if we were not there to see it.
    green_from: Option<Moment>,
    /// When steady green ended, for the amber check.
    steady_until: Option<Moment>,
    /// When go (steady or flashing) ended, for intergreens.
    go_until: Option<Moment>,
}

impl Watch {
    /// Begins with the first observation.
    pub fn new(junction: &Junction, slack: Tenths) -> Watch {
        let unseen = Watched { lamp: Lamp::Dark, green_from: None, steady_until: None, go_until: None };
        Watch { slack, groups: vec![unseen; junction.groups.len()] }
    }

    /// Takes one picture of all groups, in group order, and says what it shows to be unsafe.
    pub fn observe(&mut self, junction: &Junction, now: Moment, lamps: &[Lamp]) -> Vec<Violation> {
        let mut found = Vec::new();
        let required = |t: Tenths| t.saturating_sub(self.slack);
        for ((group, watched), &lamp) in junction.groups.iter().zip(&mut self.groups).zip(lamps) {
            let before = std::mem::replace(&mut watched.lamp, lamp);
            if before == lamp {
                continue;
            }
            // Leaving control (power cut, flashing) is not a cut green: it is another state of the junction.
            if matches!(lamp, Lamp::FlashingAmber | Lamp::Dark) {
                *watched = Watched { lamp, green_from: None, steady_until: None, go_until: None };
                continue;
            }
            if lamp == Lamp::Green && !before.is_go() {
                watched.green_from = (before != Lamp::Dark).then_some(now);
            }
            if before == Lamp::Green {
                watched.steady_until = Some(now);
                if let Some(from) = watched.green_from {
                    let shown = Tenths::from(now.since(from));
                    if shown < required(group.min_green) {
                        found.push(Violation::GreenCut { group: group.number, shown });
                    }
                }
            }
            if before.is_go() && !lamp.is_go() {
                watched.go_until = Some(now);
            }
            if lamp == Lamp::Red
                && (before.is_go() || before == Lamp::Amber)
                && let Some(until) = watched.steady_until.take()
            {
                let shown = Tenths::from(now.since(until));
                if shown < required(group.flashing_green + group.amber) {
                    found.push(Violation::AmberCut { group: group.number, shown });
                }
            }
        }
        for (i, a) in self.groups.iter().enumerate().filter(|(_, w)| w.lamp.is_go()) {
            for (k, b) in self.groups.iter().enumerate() {
                let (ga, gb) = (GroupNumber(i as u16 + 1), GroupNumber(k as u16 + 1));
                if i == k || !junction.intergreens.conflict(ga, gb) {
                    continue;
                }
                if b.lamp.is_go() {
                    if i < k {
                        found.push(Violation::BothGreen(ga, gb));
                    }
                } else if a.green_from == Some(now) {
                    let clearance = junction.intergreens.get(gb, ga).unwrap_or(Tenths::ZERO);
                    if let Some(shown) = b.go_until.map(|until| Tenths::from(now.since(until)))
                        && shown < required(clearance)
                    {
                        let required = clearance;
                        found.push(Violation::IntergreenCut { ended: gb, began: ga, shown, required });
                    }
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sketch;

    /// Two stages; every lamp red for as long as no clearance lasts, as in the middle of an interstage.
    #[test]
    fn a_device_on_its_way_is_asked_for_no_other_place() {
        let city = sketch::city("W---C---E\n    |\n    |\n    |\n    S", "C");
        let junction = &city.junctions[0];
        let now = Moment(1_000_000);
        let red = GroupState { lamp: Lamp::Red, since: Moment(0) };
        let check = |lamp: Lamp, heading: Heading, stage: u16, expected: Result<(), Refusal>| {
            let shown = vec![GroupState { lamp, ..red }; junction.groups.len()];
            let asked = may_ask(junction, &shown, heading, StageNumber(stage), now);
            assert_eq!(asked, expected, "{lamp:?}, {heading:?}, stage {stage}");
        };
        let on_the_way = Heading { stage: Some(StageNumber(1)), interstage: true };
        check(Lamp::Red, on_the_way, 1, Ok(()));
        check(Lamp::Red, on_the_way, 2, Err(Refusal::InterstageRunning));
        check(Lamp::Amber, on_the_way, 1, Ok(()));
        check(Lamp::Amber, on_the_way, 2, Err(Refusal::InterstageRunning));
        check(Lamp::FlashingAmber, on_the_way, 1, Err(Refusal::NotUnderControl));
        // Nobody has gone yet after a start: any stage may be the first.
        check(Lamp::Red, Heading { stage: None, interstage: true }, 2, Ok(()));
        check(Lamp::Red, on_the_way, 9, Err(Refusal::UnknownStage(StageNumber(9))));
    }
}
