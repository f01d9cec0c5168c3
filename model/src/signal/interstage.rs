//! The safe way from one stage to the next.

use super::{Junction, Lamp};
use crate::{
    ids::{GroupNumber, StageNumber},
    time::Tenths,
};

/// What happens to the lamps between two stages, from the moment that the new stage is asked for.
///
/// Groups that lose green begin at once: flashing green, amber, red. Groups that gain it all become green
/// together at the end, red-amber first. Groups green in both stages stay green.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Interstage {
    /// From the request to the new stage's green.
    pub duration: Tenths,
    /// Groups that end, ascending.
    pub losing: Vec<GroupNumber>,
    /// Groups that begin, ascending.
    pub gaining: Vec<GroupNumber>,
}

impl Interstage {
    /// The way from `from` to `to`. An unknown stage counts as one with no green (all red).
    pub fn between(junction: &Junction, from: StageNumber, to: StageNumber) -> Interstage {
        let green = |stage| junction.stage(stage).map_or(&[][..], |s| &s.green[..]);
        Self::between_greens(junction, green(from), green(to))
    }

    /// The way from one set of green groups to another.
    pub fn between_greens(junction: &Junction, from: &[GroupNumber], to: &[GroupNumber]) -> Interstage {
        let losing: Vec<_> = from.iter().copied().filter(|g| !to.contains(g)).collect();
        let gaining: Vec<_> = to.iter().copied().filter(|g| !from.contains(g)).collect();
        let mut duration = Tenths::ZERO;
        for &i in &losing {
            let Some(group) = junction.group(i) else { continue };
            duration = duration.max(group.flashing_green + group.amber);
            for &j in &gaining {
                if let Some(clearance) = junction.intergreens.get(i, j) {
                    duration = duration.max(group.flashing_green + clearance);
                }
            }
        }
        for red_amber in gaining.iter().filter_map(|g| junction.group(*g)).map(|g| g.red_amber) {
            duration = duration.max(red_amber);
        }
        Interstage { duration, losing, gaining }
    }

    /// What a group shows `elapsed` after the request, if the whole way takes `duration` (a controller may
    /// stretch it, never shorten it). `None` for a group that does not change.
    pub fn lamp(
        &self,
        junction: &Junction,
        number: GroupNumber,
        elapsed: Tenths,
        duration: Tenths,
    ) -> Option<Lamp> {
        let group = junction.group(number)?;
        if self.losing.contains(&number) {
            return Some(if elapsed < group.flashing_green {
                Lamp::FlashingGreen
            } else if elapsed < group.flashing_green + group.amber {
                Lamp::Amber
            } else {
                Lamp::Red
            });
        }
        self.gaining.contains(&number).then(|| {
            if elapsed >= duration {
                Lamp::Green
            } else if elapsed + group.red_amber >= duration {
                Lamp::RedAmber
            } else {
                Lamp::Red
            }
        })
    }
}
