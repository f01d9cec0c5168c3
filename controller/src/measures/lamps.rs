//! What a group's lamps show, as measures of arrivals read it.

use super::{
    event::{Detector, Function},
    indiana::Code,
};
use std::collections::{BTreeMap, BTreeSet};

/// The lamps since green last began.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lamps {
    /// Green has begun at least once: before that nothing is known of the cycle.
    pub(super) begun: bool,
    /// The farthest that they have come since: green, amber, red clearance, in the order of the codes.
    pub(super) farthest: Option<Code>,
}

impl Lamps {
    /// Takes an event that begins one of them.
    pub(super) fn take(&mut self, code: Code) {
        if code == Code::GREEN_BEGIN {
            *self = Lamps { begun: true, farthest: Some(code) };
        } else {
            self.farthest = self.farthest.max(Some(code));
        }
    }

    /// They show green, and it was seen to begin.
    pub(super) fn is_green(self) -> bool {
        self.farthest == Some(Code::GREEN_BEGIN)
    }
}

/// The detectors of one function: which groups each goes with, once for each line of the configuration.
#[derive(Clone, Debug, Default)]
pub(super) struct Assigned {
    by_channel: BTreeMap<u16, Vec<u16>>,
    groups: BTreeSet<u16>,
}

impl Assigned {
    pub(super) fn new(detectors: &[Detector], function: Function) -> Assigned {
        let mut assigned = Assigned::default();
        for detector in detectors.iter().filter(|d| d.function == function) {
            assigned.by_channel.entry(detector.channel).or_default().push(detector.group);
            assigned.groups.insert(detector.group);
        }
        assigned
    }

    /// The groups of a channel.
    pub(super) fn groups_of(&self, channel: u16) -> &[u16] {
        self.by_channel.get(&channel).map_or(&[], Vec::as_slice)
    }

    /// All groups that have such a detector.
    pub(super) fn groups(&self) -> &BTreeSet<u16> {
        &self.groups
    }
}
