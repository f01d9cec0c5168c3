//! Who waits: vehicles for their group's green, pedestrians for walk.

use super::{Class, Doubt, Span};
use crate::measures::{event::Event, indiana::Code};
use model::time::Moment;
use std::collections::BTreeMap;

/// Waits for green.
///
/// Somebody waits from a call to green; a call that is dropped before green was nobody. A call that lasts through a green
/// waits again from that green's end. A wait is believed if its call ended as calls do, and if no lamps of the device are
/// in doubt meanwhile.
#[derive(Clone, Debug, Default)]
pub(super) struct Calls {
    groups: BTreeMap<u16, Group>,
    /// From when until when, and of which group.
    waits: Vec<(Moment, Moment, u16)>,
    /// How calls lasted, by group: from, until, and whether they can be believed.
    lasted: BTreeMap<u16, Vec<(Moment, Moment, bool)>>,
}

#[derive(Clone, Copy, Debug)]
struct Group {
    last: Event,
    called: bool,
}

impl Calls {
    pub(super) fn take(&mut self, event: Event) {
        let called = match event.code {
            Code::CALL_ON => Some(true),
            Code::CALL_OFF => Some(false),
            // MAXTIME's codes for barriers are what the package notes waits by; it does not tell them apart.
            Code::GREEN_BEGIN
            | Code::GREEN_END
            | Code::CALL_PENDING
            | Code::GREEN_ENDED_CALLED
            | Code::GREEN_CALLED => None,
            _ => return,
        };
        let group = self.groups.entry(event.param).or_insert(Group { last: event, called: false });
        let waited = match group.last.code {
            Code::CALL_ON | Code::CALL_PENDING => true,
            Code::GREEN_END | Code::GREEN_ENDED_CALLED => group.called,
            _ => false,
        };
        if waited && event.code == Code::GREEN_BEGIN {
            self.waits.push((group.last.at, event.at, event.param));
        }
        group.last = event;
        group.called = called.unwrap_or(group.called);
    }

    /// A call lasted from then until then.
    pub(super) fn lasted(&mut self, group: u16, from: Moment, until: Moment, valid: bool) {
        self.lasted.entry(group).or_default().push((from, until, valid));
    }

    /// The waits, given when lamps are in doubt.
    pub(super) fn waits(&self, odd_lamps: &Doubt, spans: &mut Vec<Span>) {
        for &(start, end, param) in &self.waits {
            let calls = self.lasted.get(&param).map_or(&[][..], Vec::as_slice);
            let call = calls[..calls.partition_point(|(from, ..)| *from <= start)].last();
            let doubted = call.is_some_and(|(_, until, valid)| start < *until && !valid);
            let valid = !doubted && !odd_lamps.touches(start, end);
            spans.push(Span { start, end, class: Class::PhaseWait, param, valid });
        }
    }

    /// Those who wait now, or would if a green ended, in the package's codes.
    pub(super) fn waiting(&self) -> impl Iterator<Item = Event> {
        self.groups.values().filter_map(|Group { last, called }| {
            let code = match last.code {
                Code::CALL_ON | Code::CALL_PENDING => Code::CALL_PENDING,
                Code::GREEN_END | Code::GREEN_ENDED_CALLED if *called => Code::GREEN_ENDED_CALLED,
                Code::GREEN_BEGIN if *called => Code::GREEN_CALLED,
                _ => return None,
            };
            Some(Event { code, ..*last })
        })
    }
}

/// Waits for walk: from the first press after a pedestrian clearance began to the next walk.
#[derive(Clone, Debug, Default)]
pub(super) struct PedDelays(BTreeMap<u16, Crossing>);

#[derive(Clone, Debug, Default)]
struct Crossing {
    /// The last of walk and clearance.
    last: Option<Event>,
    /// Presses since then.
    presses: Vec<Event>,
}

impl PedDelays {
    pub(super) fn take(&mut self, event: Event, spans: &mut Vec<Span>) {
        match event.code {
            Code::PED_BUTTON_ON => self.0.entry(event.param).or_default().presses.push(event),
            Code::WALK_BEGIN | Code::PED_CLEARANCE_BEGIN => {
                let crossing = self.0.entry(event.param).or_default();
                // Who presses during walk need not wait.
                let waits = crossing.last.is_none_or(|last| last.code == Code::PED_CLEARANCE_BEGIN);
                if let Some(first) = crossing.presses.first().filter(|_| waits) {
                    spans.push(super::span(*first, event.at, Class::PedDelay, true));
                }
                crossing.presses.clear();
                crossing.last = Some(event);
            }
            _ => {}
        }
    }

    /// Presses that no walk has answered, and clearances that none has followed.
    pub(super) fn waiting(&self) -> impl Iterator<Item = Event> {
        self.0.values().flat_map(|crossing| {
            let clearance = crossing.last.filter(|last| last.code == Code::PED_CLEARANCE_BEGIN);
            clearance.into_iter().chain(crossing.presses.iter().copied())
        })
    }
}
