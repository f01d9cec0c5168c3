//! A group's time, cut from the end of amber to the end of the next.
//!
//! A cycle is amber's end, green's beginning, amber's beginning and amber's end, one after the other; where one of them is
//! missing there is no cycle. Source: Utah's ATSPM 5, red-to-red cycles.

use super::super::{
    event::{Detector, Event, Function},
    indiana::Code,
    lamps::Assigned,
};
use model::time::Moment;
use std::{collections::BTreeMap, time::Duration};

/// One cycle of one group, with who arrived in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::measures) struct Cycle {
    pub(super) group: u16,
    /// Amber ended: red begins.
    pub(super) begins: Moment,
    pub(super) green: Moment,
    pub(super) amber: Moment,
    /// Amber ended again.
    pub(super) ends: Moment,
    /// From `begins` on, before `ends`.
    pub(super) arrivals: Vec<Moment>,
}

impl Cycle {
    /// How long somebody who arrived then stood until green; nothing for those who came on green or amber.
    pub(super) fn delay(&self, arrival: Moment) -> Duration {
        self.green.since(arrival)
    }
}

/// How far a cycle has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Step {
    #[default]
    Lost,
    Red,
    Green,
    Amber,
}

#[derive(Clone, Debug, Default)]
struct Group {
    step: Step,
    begins: Moment,
    green: Moment,
    amber: Moment,
    arrivals: Vec<Moment>,
}

#[derive(Clone, Debug)]
pub(in crate::measures) struct Cycles {
    detectors: Assigned,
    groups: BTreeMap<u16, Group>,
    done: Vec<Cycle>,
}

impl Cycles {
    pub(in crate::measures) fn new(detectors: &[Detector]) -> Cycles {
        let detectors = Assigned::new(detectors, Function::Advance);
        let groups = detectors.groups().iter().map(|&group| (group, Group::default())).collect();
        Cycles { detectors, groups, done: Vec::new() }
    }

    pub(in crate::measures) fn take(&mut self, event: Event) {
        match event.code {
            Code::AMBER_END => {
                let Some(group) = self.groups.get_mut(&event.param) else { return };
                let next = Group { step: Step::Red, begins: event.at, ..Group::default() };
                let before = std::mem::replace(group, next);
                if before.step == Step::Amber {
                    let Group { begins, green, amber, arrivals, .. } = before;
                    self.done.push(Cycle {
                        group: event.param,
                        begins,
                        green,
                        amber,
                        ends: event.at,
                        arrivals,
                    });
                }
            }
            Code::GREEN_BEGIN => {
                let Some(group) = self.groups.get_mut(&event.param) else { return };
                (group.step, group.green) = (group.step.then(Step::Red, Step::Green), event.at);
            }
            Code::AMBER_BEGIN => {
                let Some(group) = self.groups.get_mut(&event.param) else { return };
                (group.step, group.amber) = (group.step.then(Step::Green, Step::Amber), event.at);
            }
            Code::DETECTOR_ON => {
                for group in self.detectors.groups_of(event.param) {
                    if let Some(group) = self.groups.get_mut(group)
                        && group.step != Step::Lost
                    {
                        group.arrivals.push(event.at);
                    }
                }
            }
            _ => {}
        }
    }

    /// The cycles that are complete, in the order in which they ended.
    pub(super) fn done(&self) -> &[Cycle] {
        &self.done
    }
}

impl Step {
    /// The next step if it comes after the right one.
    fn then(self, after: Step, next: Step) -> Step {
        if self == after { next } else { Step::Lost }
    }
}
