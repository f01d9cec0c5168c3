//! What signs and lamps say of each movement, worked out again only where a junction shows something else than before.

use super::{Lamps, road::Road};
use model::{
    ids::{GroupNumber, StageNumber},
    network::Head,
    signal::{Junction, Lamp},
};

/// What signs and lamps say of a movement now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Right {
    /// Go; the others wait.
    Protected,
    /// Go, but give way.
    GiveWay,
    /// Stop first, then give way; to everybody if `all`.
    AfterStop { all: bool },
    /// Stop if you can.
    Ending,
    /// Stop.
    Closed,
}

/// What a movement is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Shown {
    /// The lamp that it obeys; `None` where no signal stands, or where nobody says what it shows.
    pub(crate) lamp: Option<Lamp>,
    pub(crate) right: Right,
}

impl Shown {
    /// Whether its own red holds it.
    pub(crate) fn is_held(self) -> bool {
        matches!(self.lamp, Some(Lamp::Red | Lamp::RedAmber))
    }
}

/// All movements.
#[derive(Clone, Debug)]
pub(super) struct Rights {
    permissive: Permissive,
    /// Per junction: what it showed when its movements were looked at.
    seen: Vec<(Vec<Lamp>, Option<StageNumber>)>,
    /// Per junction: movements that obey its lamps, and those that give way to one of them.
    concerned: Vec<Vec<u32>>,
    /// Per movement.
    shown: Vec<Shown>,
}

impl Rights {
    /// As they are while no lamp is known.
    pub(super) fn new(road: &Road, junctions: &[Junction]) -> Rights {
        let movements = 0..road.head.len() as u32;
        let mut concerned = vec![Vec::new(); junctions.len()];
        for m in movements.clone() {
            let foes = road.conflicts(m).iter().filter(|c| c.yields).map(|c| c.foe);
            let heads = foes.chain([m]).filter_map(|m| road.head[m as usize]);
            let mut of: Vec<usize> = heads.map(|head| head.junction.ix()).collect();
            of.sort_unstable();
            of.dedup();
            of.into_iter().for_each(|j| concerned[j].push(m));
        }
        let mut rights = Rights {
            permissive: Permissive::of(junctions),
            seen: vec![(Vec::new(), None); junctions.len()],
            concerned,
            shown: vec![Shown { lamp: None, right: Right::Protected }; road.head.len()],
        };
        for m in movements {
            rights.shown[m as usize].right = rights.right(road, m);
        }
        rights
    }

    pub(super) fn of(&self) -> &[Shown] {
        &self.shown
    }

    /// Takes in what the junctions show now.
    pub(super) fn look(&mut self, road: &Road, lamps: &Lamps<'_>) {
        let mut changed = Vec::new();
        for (j, (groups, stage)) in self.seen.iter_mut().enumerate() {
            let now = lamps.groups.get(j).map_or(&[][..], Vec::as_slice);
            let stage_now = lamps.stages.get(j).copied().flatten();
            if groups.as_slice() == now && *stage == stage_now {
                continue;
            }
            groups.clear();
            groups.extend_from_slice(now);
            *stage = stage_now;
            changed.push(j);
        }
        for &j in &changed {
            for &m in &self.concerned[j] {
                self.shown[m as usize].lamp = road.head[m as usize].and_then(|head| lamp_at(lamps, head));
            }
        }
        for j in changed {
            for k in 0..self.concerned[j].len() {
                let m = self.concerned[j][k];
                self.shown[m as usize].right = self.right(road, m);
            }
        }
    }

    fn right(&self, road: &Road, movement: u32) -> Right {
        let by_signs = || {
            if road.stop_sign[movement as usize] {
                Right::AfterStop { all: false }
            } else if self.has_priority_foes(road, movement) {
                Right::GiveWay
            } else {
                Right::Protected
            }
        };
        let head = road.head[movement as usize];
        let (Some(head), Some(lamp)) = (head, self.shown[movement as usize].lamp) else { return by_signs() };
        let j = head.junction.ix();
        match lamp {
            Lamp::Green | Lamp::FlashingGreen => {
                let gives_way = self.permissive.gives_way(j, head.group, self.seen[j].1)
                    && self.has_priority_foes(road, movement);
                if gives_way { Right::GiveWay } else { Right::Protected }
            }
            Lamp::Amber => Right::Ending,
            Lamp::Red | Lamp::RedAmber => {
                let turns = self.permissive.turn_on_red[j].get(usize::from(head.group.0) - 1);
                let turns = turns.copied().unwrap_or(false) && lamp == Lamp::Red;
                if turns { Right::AfterStop { all: true } } else { Right::Closed }
            }
            Lamp::FlashingAmber | Lamp::Dark => by_signs(),
        }
    }

    /// Whether anybody could come who goes first: a movement that its own red holds does not count.
    fn has_priority_foes(&self, road: &Road, movement: u32) -> bool {
        road.conflicts(movement).iter().any(|c| c.yields && !self.shown[c.foe as usize].is_held())
    }
}

/// Which groups give way in which stage, per junction.
#[derive(Clone, Debug)]
struct Permissive {
    /// Per junction and stage number: (green, permissive) per group.
    stages: Vec<Vec<Vec<(bool, bool)>>>,
    /// Per junction and group: permissive in any stage.
    ever: Vec<Vec<bool>>,
    /// Per junction and group.
    turn_on_red: Vec<Vec<bool>>,
}

impl Permissive {
    fn of(junctions: &[Junction]) -> Permissive {
        let stage = |j: &Junction, s: &model::signal::Stage| {
            j.groups.iter().map(|g| (s.has(g.number), s.permissive.contains(&g.number))).collect()
        };
        let ever = |j: &Junction| {
            j.groups.iter().map(|g| j.stages.iter().any(|s| s.permissive.contains(&g.number))).collect()
        };
        Permissive {
            stages: junctions.iter().map(|j| j.stages.iter().map(|s| stage(j, s)).collect()).collect(),
            ever: junctions.iter().map(ever).collect(),
            turn_on_red: junctions.iter().map(|j| j.groups.iter().map(|g| g.turn_on_red).collect()).collect(),
        }
    }

    /// Whether a green group must give way. While its green ends in an interstage, or no stage is known, a
    /// group that is permissive in any stage gives way.
    fn gives_way(&self, junction: usize, group: GroupNumber, stage: Option<StageNumber>) -> bool {
        let g = usize::from(group.0).wrapping_sub(1);
        let of_stage = stage.and_then(|s| self.stages[junction].get(usize::from(s.0).wrapping_sub(1)));
        match of_stage.and_then(|groups| groups.get(g)) {
            Some((true, permissive)) => *permissive,
            _ => self.ever[junction].get(g).copied().unwrap_or(false),
        }
    }
}

/// What a head shows; `None` where nobody says it.
pub(super) fn lamp_at(lamps: &Lamps<'_>, head: Head) -> Option<Lamp> {
    let groups = lamps.groups.get(head.junction.ix())?;
    groups.get(usize::from(head.group.0).checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::chance;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        /// Whatever junctions showed before, each movement is shown what it would be if nobody had looked yet.
        #[test]
        fn what_was_shown_before_is_forgotten(seed in 0u64..1000) {
            let city = crate::generator::moscow(60, seed);
            let road = Road::new(&city.network, &city.junctions);
            let mut rights = Rights::new(&road, &city.junctions);
            for step in 0..20 {
                let pick = |j: usize, g: usize| chance(seed, (j * 64 + g) as u64, step);
                // Some junctions go dark, and say of no group what it shows.
                let groups = |(j, junction): (usize, &Junction)| match pick(j, 0) < 0.1 {
                    true => Vec::new(),
                    false => (1..=junction.groups.len()).map(|g| Lamp::ALL[(pick(j, g) * 7.0) as usize]).collect(),
                };
                let groups: Vec<Vec<Lamp>> = city.junctions.iter().enumerate().map(groups).collect();
                let stages: Vec<Option<StageNumber>> = (0..city.junctions.len())
                    .map(|j| (pick(j, 63) < 0.8).then_some(StageNumber(1 + (pick(j, 62) * 4.0) as u16)))
                    .collect();
                let lamps = Lamps { groups: &groups, stages: &stages };
                rights.look(&road, &lamps);
                let mut afresh = Rights::new(&road, &city.junctions);
                afresh.look(&road, &lamps);
                prop_assert_eq!(rights.of(), afresh.of());
            }
        }
    }
}
