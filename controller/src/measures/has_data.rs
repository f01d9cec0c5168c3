//! `has_data`: the bins in which a device told enough to be believed to be there.
//!
//! A bin counts when each of its five-minute slots has at least three events with standard codes; what vendors add of
//! their own does not show that the street is seen. Source: the `atspm` package, `has_data`.

use super::{
    bin::{Bin, Stamp},
    event::Event,
    indiana::Code,
};
use model::time::Moment;
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Length of a slot.
const SLOT: Bin = Bin::minutes(5).unwrap();
/// Fewer events in a slot than this are silence.
const ENOUGH: u32 = 3;

/// A bin with data.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Row {
    /// When the bin begins.
    #[serde(rename = "TimeStamp")]
    pub at: Stamp,
    /// Of which device.
    pub device_id: Arc<str>,
}

#[derive(Clone, Debug)]
pub(super) struct HasData {
    bin: Bin,
    /// The slot that is being counted.
    slot: Option<(Moment, u32)>,
    /// Slots with enough events, by bin.
    slots: BTreeMap<Moment, u16>,
}

impl HasData {
    pub(super) fn new(bin: Bin) -> HasData {
        HasData { bin, slot: None, slots: BTreeMap::new() }
    }

    pub(super) fn take(&mut self, event: Event) {
        if event.code > Code::LAST_STANDARD {
            return;
        }
        if let Some((slot, count)) = &mut self.slot
            && event.at.since(*slot) < SLOT.length()
        {
            *count += 1;
            return;
        }
        if let Some((slot, ENOUGH..)) = self.slot.replace((SLOT.floor(event.at), 1)) {
            *self.slots.entry(self.bin.floor(slot)).or_default() += 1;
        }
    }

    /// The bins with data.
    pub(super) fn bins(&self) -> BTreeSet<Moment> {
        let mut slots = self.slots.clone();
        if let Some((slot, ENOUGH..)) = self.slot {
            *slots.entry(self.bin.floor(slot)).or_default() += 1;
        }
        // A bin that is no multiple of a slot never has all of them.
        let full =
            |slots: u16| u32::from(slots) * u32::from(SLOT.as_minutes()) == u32::from(self.bin.as_minutes());
        slots.into_iter().filter(|(_, slots)| full(*slots)).map(|(bin, _)| bin).collect()
    }

    pub(super) fn rows(bins: &BTreeSet<Moment>, device: &Arc<str>) -> Vec<Row> {
        bins.iter().map(|&at| Row { at: Stamp(at), device_id: device.clone() }).collect()
    }
}
