//! What driving costs on usual roads, slice by slice of the week. A slice is worked out when somebody asks for it.

use super::Slot;
use crate::{
    hierarchy::{Customised, Roads},
    snapshot::View,
    street::Costs,
};
use arc_swap::ArcSwap;
use std::sync::{Arc, Mutex, TryLockError};

/// Slices that are kept. Most who leave later do so this evening or tomorrow morning; a slice takes as much memory as
/// the picture of the moment.
const SLICES_KEPT: usize = 3;

/// What a slice is of: which usual traffic, and when in the week.
type Key = (u64, Slot);

/// The slices at hand, the one that was made last at the end.
#[derive(Debug, Default)]
pub(crate) struct Slices {
    made: ArcSwap<Vec<(Key, Arc<Customised>)>>,
    making: Mutex<()>,
}

impl Slices {
    /// What driving costs in a view of usual roads, which is of `key`. While somebody makes another slice there is none at hand
    /// for who needs a new one: he searches the streets themselves, so no number of odd departures stops the rest.
    pub(crate) fn get(&self, roads: &Roads, view: View<'_>, key: Key) -> Option<Arc<Customised>> {
        let at_hand = || {
            let made = self.made.load();
            made.iter().find(|(known, _)| *known == key).map(|(_, slice)| slice.clone())
        };
        if let Some(slice) = at_hand() {
            return Some(slice);
        }
        let _making = match self.making.try_lock() {
            Ok(making) => making,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        if let Some(slice) = at_hand() {
            return Some(slice);
        }
        let slice = Arc::new(roads.hierarchy.customise(&Costs::new(&roads.street, view, None), view.seen()));
        let mut made = Vec::clone(&self.made.load());
        // What was usual before it was learned anew is asked for no more.
        made.retain(|((number, _), _)| *number == key.0);
        if made.len() >= SLICES_KEPT {
            made.remove(0);
        }
        made.push((key, slice.clone()));
        self.made.store(Arc::new(made));
        Some(slice)
    }
}
