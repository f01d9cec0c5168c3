//! Halves of ways: what lies above a place, kept for all ways that begin or end there.
//!
//! Two halves make a way where they meet (Knopp, Sanders, Schultes, Schulz, Wagner: Computing Many-to-Many Shortest Paths Using
//! Highway Hierarchies, 2007). A half is a few hundred numbers, and joining two of them takes a microsecond.

use super::{Customised, Hierarchy, Memory, along, query};
use crate::{foot::Direction, nearest::OnArc, street::Costs};
use std::cmp::Ordering;

/// One half of the ways from a place, or to it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Climbed {
    pub feet: Vec<OnArc>,
    /// Vertices above, in order, and what it costs from the place (or to it), ms.
    above: Vec<(u32, u32)>,
}

impl Hierarchy {
    /// The half of all ways away from some feet, or towards them. `costs` are those of which `customised` was made.
    pub(crate) fn climb(
        &self,
        customised: &Customised,
        costs: &Costs<'_>,
        (feet, direction): (&[OnArc], Direction),
        memory: &mut Memory,
    ) -> Climbed {
        let (topology, all) = (&self.topology, &customised.costs);
        let above = match direction {
            Direction::Away => {
                query::climb(topology, &topology.up, &all.up, &self.starts(costs, feet), memory)
            }
            Direction::Towards => {
                query::climb(topology, &topology.down, &all.down, &self.ends(costs, feet), memory)
            }
        };
        Climbed { feet: feet.to_vec(), above }
    }
}

impl Climbed {
    /// How long the quickest way takes from one place to another, ms.
    pub(crate) fn joined_ms(&self, to: &Climbed, costs: &Costs<'_>) -> Option<u32> {
        let mut best = along(costs, &self.feet, &to.feet).map(|(ms, ..)| ms);
        let (mut i, mut k) = (0, 0);
        while let (Some((from, out)), Some((into, back))) = (self.above.get(i), to.above.get(k)) {
            match from.cmp(into) {
                Ordering::Less => i += 1,
                Ordering::Greater => k += 1,
                Ordering::Equal => {
                    let ms = out + back;
                    best = Some(best.map_or(ms, |best| best.min(ms)));
                    (i, k) = (i + 1, k + 1);
                }
            }
        }
        best.filter(|ms| *ms < super::NO_WAY)
    }
}
