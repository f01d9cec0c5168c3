//! Who is felt upstream comes to the stop line later: where a detector lies, how fast one drives there and how late it
//! tells say by how much. Source: Utah's ATSPM 5, which moves its vehicle activations so.

use super::super::{
    event::{Detector, Event, Function},
    indiana::Code,
};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
};

/// Feet a second in a mile an hour, with as many digits as Utah takes.
const FEET_A_SECOND: f64 = 1.467;

/// How much later one comes to the stop line, ms: whoever is told of late is there no earlier than when he is told of.
pub fn later_ms(distance_ft: f64, mph: f64, latency_s: f64) -> u32 {
    ((distance_ft / (mph * FEET_A_SECOND) - latency_s) * 1000.0).round().max(0.0) as u32
}

/// Those who were felt and are not there yet.
#[derive(Clone, Debug)]
pub(in crate::measures) struct Coming {
    later_ms: BTreeMap<u16, u32>,
    under_way: BinaryHeap<Reverse<Event>>,
}

impl Coming {
    pub(in crate::measures) fn new(detectors: &[Detector]) -> Coming {
        let later = detectors.iter().filter(|d| d.function == Function::Advance && d.later_ms > 0);
        Coming { later_ms: later.map(|d| (d.channel, d.later_ms)).collect(), under_way: BinaryHeap::new() }
    }

    /// Takes the next event, and hands on, in their order, those that are there before it, and itself if it is.
    pub(in crate::measures) fn take(&mut self, event: Event, mut arrived: impl FnMut(Event)) {
        while let Some(Reverse(first)) = self.under_way.peek().copied().filter(|first| first.0 < event) {
            self.under_way.pop();
            arrived(first);
        }
        let later_ms = match event.code {
            Code::DETECTOR_ON => self.later_ms.get(&event.param),
            _ => None,
        };
        match later_ms {
            Some(&later_ms) => {
                let at = event.at + std::time::Duration::from_millis(u64::from(later_ms));
                self.under_way.push(Reverse(Event { at, ..event }));
            }
            None => arrived(event),
        }
    }
}
