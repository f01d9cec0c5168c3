//! Stages that a junction's plans do not have: from the graph of what may be green together.
//!
//! A plan's stages serve both ends of a street at once, with turners who give way. Where queues are uneven or fill
//! the junction, another set is better: all of one approach, say. Every largest set of groups that the plans show
//! green in pairs, and of which nobody crosses another's way, becomes a stage. Nothing is shown together that the
//! plans never show together, and nothing goes first beside somebody beside whom it gives way in the plans.
//!
//! Between two signals that are close together, a turner who waits for a gap at the one soon stands in the way of the
//! other, and rings of such vehicles close for ever. So each stage in which somebody gives way on so short an approach
//! gets a twin in which they stay red.

use super::{GroupKind, Junction, Stage};
use crate::{
    city::City,
    ids::{GroupNumber, JunctionIx, LaneIx, MovementIx, StageNumber},
    network::Network,
};
use petgraph::graph::{NodeIndex, UnGraph};
use std::{cmp::Reverse, collections::BTreeSet};

/// A junction gets no more stages than this in all.
const MOST_STAGES: usize = 24;
/// A junction with more groups has too many sets to list.
const MOST_GROUPS: usize = 40;

/// A road that holds no more than three cars behind each other, m.
pub const SHORT_APPROACH_M: f64 = 25.0;

/// Pairs of groups of which the first has a movement that gives way to one of the second.
type Yields = BTreeSet<(GroupNumber, GroupNumber)>;

/// By junction: who gives way to whom within it.
fn yields(network: &Network, junctions: usize) -> Vec<Yields> {
    let mut all = vec![Yields::new(); junctions];
    for movement in &network.movements {
        let Some(head) = movement.head else { continue };
        let others = movement.yields_to.iter().filter_map(|&o| network.movement(o).head);
        let here = others.filter(|o| o.junction == head.junction && o.group != head.group);
        all[head.junction.ix()].extend(here.map(|o| (head.group, o.group)));
    }
    all
}

/// Adds to every junction of a city the stages that its plans do not have. What had them already stays as it is.
pub fn add(city: &mut City) {
    let yields = yields(&city.network, city.junctions.len());
    let short = on_short_approaches(city);
    for ((junction, yields), short) in city.junctions.iter_mut().zip(&yields).zip(&short) {
        let further = stages(junction, yields);
        junction.stages.extend(further);
        let twins = twins(junction, yields, short);
        junction.stages.extend(twins);
    }
}

/// By junction: groups with a movement that comes along a short road from another signal.
fn on_short_approaches(city: &City) -> Vec<BTreeSet<GroupNumber>> {
    let into = city.network.movements_into_lanes();
    let mut all = vec![BTreeSet::new(); city.junctions.len()];
    for movement in &city.network.movements {
        let Some(head) = movement.head else { continue };
        if between_signals(&city.network, &into, movement.from, head.junction) {
            all[head.junction.ix()].insert(head.group);
        }
    }
    all
}

/// Whether the road of a lane before a junction is short and comes from another signal. `into` is of
/// [`Network::movements_into_lanes`].
fn between_signals(network: &Network, into: &[Vec<MovementIx>], lane: LaneIx, junction: JunctionIx) -> bool {
    let other = |m: &MovementIx| network.movement(*m).head.is_some_and(|h| h.junction != junction);
    network.queue_room_m(into, lane) < SHORT_APPROACH_M && into[lane.ix()].iter().any(other)
}

/// Each stage again without those who come along a short approach and give way in it.
fn twins(junction: &Junction, yields: &Yields, short: &BTreeSet<GroupNumber>) -> Vec<Stage> {
    let mut all = junction.stages.clone();
    for stage in &junction.stages {
        let waits = |&g: &GroupNumber| {
            short.contains(&g)
                && stage.permissive.contains(&g)
                && stage.green.iter().any(|&o| yields.contains(&(g, o)))
        };
        let green: Vec<GroupNumber> = stage.green.iter().copied().filter(|g| !waits(g)).collect();
        if green.len() == stage.green.len() || green.is_empty() || all.len() >= MOST_STAGES {
            continue;
        }
        let permissive = stage.permissive.iter().copied().filter(|g| !waits(g)).collect();
        if !all.iter().any(|s| s.green == green) {
            all.push(Stage { number: StageNumber(all.len() as u16 + 1), green, permissive });
        }
    }
    all.split_off(junction.stages.len())
}

fn stages(junction: &Junction, yields: &Yields) -> Vec<Stage> {
    let known = &junction.stages;
    let groups: Vec<GroupNumber> =
        junction.groups.iter().map(|g| g.number).filter(|&g| known.iter().any(|s| s.has(g))).collect();
    if groups.len() > MOST_GROUPS {
        return Vec::new();
    }
    let on_foot = |g: GroupNumber| junction.group(g).is_some_and(|g| g.kind == GroupKind::Pedestrians);
    let shown = |a, b| known.iter().any(|s| s.has(a) && s.has(b));
    let crosses = |a, b| yields.contains(&(a, b)) || yields.contains(&(b, a));
    // People on foot are never left out of a green for the sake of turners.
    let together = |a, b| shown(a, b) && (on_foot(a) || on_foot(b) || !crosses(a, b));
    let mut graph = UnGraph::<GroupNumber, ()>::default();
    let nodes: Vec<NodeIndex> = groups.iter().map(|&g| graph.add_node(g)).collect();
    for (i, &a) in groups.iter().enumerate() {
        for (j, &b) in groups.iter().enumerate().skip(i + 1) {
            if together(a, b) {
                graph.add_edge(nodes[i], nodes[j], ());
            }
        }
    }
    let sets = petgraph::algo::maximal_cliques(&graph);
    let members = sets.into_iter().map(|set| set.into_iter().map(|n| graph[n]).collect());
    let mut sets: Vec<Vec<GroupNumber>> = members.collect();
    sets.iter_mut().for_each(|green| green.sort_unstable());
    sets.sort_by_key(|green| (Reverse(green.len()), green.clone()));
    let mut all = known.clone();
    for green in sets {
        let hindered = |stage: &Stage, g: GroupNumber| stage.green.iter().any(|&o| yields.contains(&(g, o)));
        let number = StageNumber(all.len() as u16 + 1);
        let stage = Stage { number, permissive: giving_way(known, &green), green };
        let nothing_new = |other: &Stage| {
            stage.green.iter().all(|&g| other.has(g) && (hindered(&stage, g) || !hindered(other, g)))
        };
        if all.len() < MOST_STAGES && !all.iter().any(nothing_new) {
            all.push(stage);
        }
    }
    all.split_off(known.len())
}

/// Those of a set that must give way in it, as far as the known stages say.
fn giving_way(known: &[Stage], green: &[GroupNumber]) -> Vec<GroupNumber> {
    let first = |s: &Stage, g| s.has(g) && !s.permissive.contains(&g);
    let goes_first = |a: GroupNumber, b: GroupNumber| known.iter().any(|s| first(s, a) && s.has(b));
    let both_first = |a: GroupNumber, b: GroupNumber| known.iter().any(|s| first(s, a) && first(s, b));
    let mut top: Vec<GroupNumber> = green.to_vec();
    top.retain(|&a| green.iter().all(|&b| goes_first(a, b)));
    for a in top.clone() {
        if top.iter().any(|&b| !both_first(a, b)) {
            top.retain(|&g| g != a);
        }
    }
    green.iter().copied().filter(|g| !top.contains(g)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sketch;

    const CROSS: &str = "
          N
          |
          |
W---------C---------E
          |
          |
          S";

    #[test]
    fn an_approach_gets_a_stage_of_its_own_and_nobody_crosses_in_it() {
        let mut city = sketch::city(CROSS, "C");
        let before = city.junctions[0].stages.len();
        add(&mut city);
        let junction = &city.junctions[0];
        assert_eq!(junction.faults(), Vec::<String>::new());
        assert!(junction.stages.len() > before, "{:?}", junction.stages);
        let yields = &super::yields(&city.network, 1)[0];
        let on_foot = |g: GroupNumber| junction.group(g).unwrap().kind == GroupKind::Pedestrians;
        for stage in &junction.stages[before..] {
            for &(a, b) in yields {
                assert!(
                    on_foot(a) || on_foot(b) || !(stage.has(a) && stage.has(b)),
                    "{stage:?}: {a} crosses {b}"
                );
            }
        }
        // Once added, they are known: there is nothing further.
        let stages = junction.stages.clone();
        add(&mut city);
        assert_eq!(city.junctions[0].stages, stages);
    }
}
