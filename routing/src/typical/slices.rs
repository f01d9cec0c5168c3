//! What driving costs on roads of which nobody keeps the costs at hand: usual ones slice by slice of the week, and for lorries the
//! picture of the moment too. A slice is worked out when somebody asks for it.

use super::Slot;
use crate::{
    hierarchy::{Customised, Roads},
    street::Costs,
};
use arc_swap::ArcSwap;
use model::time::Moment;
use std::sync::{Arc, Mutex, TryLockError};

/// Slices that are kept. Most who leave later do so this evening or tomorrow morning; a slice takes as much memory as
/// the picture of the moment.
const SLICES_KEPT: usize = 3;

/// Which roads a slice is of.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Of {
    /// Empty ones.
    Empty,
    /// Those of the usual traffic of that number, in that slot of the week.
    Usual(u64, Slot),
    /// Those of the picture of that number, as it looked then.
    Picture(u64, Moment),
}

impl Of {
    /// Whether nobody asks for it any more who asks for `newer`: what was usual before it was learned anew, and a picture before the
    /// present one.
    fn is_past(self, newer: Of) -> bool {
        match (self, newer) {
            (Of::Usual(number, _), Of::Usual(newer, _)) => number != newer,
            (Of::Picture(..), Of::Picture(..)) => true,
            _ => false,
        }
    }
}

/// The slices at hand, the one that was made last at the end.
#[derive(Debug, Default)]
pub(crate) struct Slices {
    made: ArcSwap<Vec<(Of, Arc<Customised>)>>,
    making: Mutex<()>,
}

impl Slices {
    /// What driving costs, of which `costs` look at the roads `of`, at the moment `seen`. While somebody makes another slice there is
    /// none at hand for who needs a new one: he searches the streets themselves, so no number of odd departures stops the rest.
    pub(crate) fn get(
        &self,
        roads: &Roads,
        costs: &Costs<'_>,
        seen: Moment,
        of: Of,
    ) -> Option<Arc<Customised>> {
        let at_hand = || {
            let made = self.made.load();
            made.iter().find(|(known, _)| *known == of).map(|(_, slice)| slice.clone())
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
        let slice = Arc::new(roads.hierarchy.customise(costs, seen));
        let mut made = Vec::clone(&self.made.load());
        made.retain(|(known, _)| !known.is_past(of));
        if made.len() >= SLICES_KEPT {
            made.remove(0);
        }
        made.push((of, slice.clone()));
        self.made.store(Arc::new(made));
        Some(slice)
    }
}
