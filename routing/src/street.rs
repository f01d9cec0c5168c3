//! The quickest way along the streets: A* on the edge-expanded graph.
//!
//! Costs are whole milliseconds, so that sums are exact and two ways of adding them agree. The estimate of
//! the rest of the way is the straight line at [`StreetGraph::top_speed_mps`]; every cost is rounded up
//! and the estimate down, so it stays a lower bound and no arc is settled twice (Hart, Nilsson, Raphael 1968).

use crate::{
    graph::{Arc, ArcIx, StreetGraph, Transition, distance, whole_ms},
    nearest::OnArc,
    snapshot::View,
};
use petgraph::visit::EdgeRef;
use std::{cmp::Reverse, collections::BinaryHeap};

/// No way has been found to an arc.
const UNREACHED: u32 = u32::MAX;

/// What everything costs to one traveller in one picture of the traffic.
#[derive(Clone, Copy, Debug)]
pub struct Costs<'a> {
    graph: &'a StreetGraph,
    traffic: Option<View<'a>>,
    /// Times the usual time; below 1 for the fleet of foot.
    slowness: f64,
    /// The usual speed, so that times worked out beforehand hold.
    is_plain: bool,
}

impl<'a> Costs<'a> {
    /// Costs on `graph`. Traffic is looked at for motors only; `speed_mps` replaces the usual speed of the others.
    pub fn new(graph: &'a StreetGraph, traffic: View<'a>, speed_mps: Option<f64>) -> Costs<'a> {
        let traffic = Some(traffic).filter(|traffic| graph.profile.is_motor() && traffic.at().is_some());
        let slowness = match (graph.profile.usual_speed_mps(), speed_mps) {
            (Some(usual), Some(wanted)) => usual / wanted,
            _ => 1.0,
        };
        Costs { graph, traffic, slowness, is_plain: slowness == 1.0 }
    }

    /// Seconds to pass the arc; `None` where it is closed.
    pub fn arc_s(&self, arc: &Arc) -> Option<f64> {
        let free_s = arc.free_s * self.slowness;
        let Some(traffic) = &self.traffic else { return Some(free_s) };
        if traffic.closed(arc.link) {
            return None;
        }
        Some(
            traffic.measured(arc.link).map_or(free_s, |(live_s, weight)| free_s + weight * (live_s - free_s)),
        )
    }

    /// Seconds from the end of one arc to the beginning of the next.
    pub fn transition_s(&self, from: &Arc, transition: &Transition) -> f64 {
        // A measured time holds the wait at the signal already, to the degree that it counts.
        let measured =
            self.traffic.and_then(|traffic| traffic.measured(from.link)).map_or(0.0, |(_, weight)| weight);
        let signal_s = transition.signal_s * (1.0 - measured);
        self.graph.profile.turn_s(transition.turn) + transition.inside_s * self.slowness + signal_s
    }

    /// As [`Self::arc_s`] for a share of the arc, in ms.
    pub fn part_ms(&self, arc: &Arc, share: f64) -> Option<u32> {
        self.arc_s(arc).map(|s| whole_ms(s * share))
    }

    /// As [`Self::arc_s`], in ms.
    pub fn arc_ms(&self, arc: &Arc) -> Option<u32> {
        if self.is_plain && !self.traffic.is_some_and(|traffic| traffic.knows(arc.link)) {
            return Some(arc.free_ms);
        }
        self.part_ms(arc, 1.0)
    }

    /// As [`Self::transition_s`], in ms.
    pub fn transition_ms(&self, from: &Arc, transition: &Transition) -> u32 {
        if self.is_plain && !self.traffic.is_some_and(|traffic| traffic.knows(from.link)) {
            return transition.free_ms;
        }
        whole_ms(self.transition_s(from, transition))
    }

    /// Whether measured times have any say on the arc.
    pub fn is_live(&self, arc: &Arc) -> bool {
        self.traffic.is_some_and(|t| t.measured(arc.link).is_some())
    }

    /// The graph.
    pub fn graph(&self) -> &'a StreetGraph {
        self.graph
    }
}

/// A way along the streets.
#[derive(Clone, PartialEq, Debug)]
pub struct Path {
    /// Arcs in order, at least one.
    pub arcs: Vec<ArcIx>,
    /// How far along the first arc it begins.
    pub begins: f64,
    /// How far along the last arc it ends.
    pub ends: f64,
    /// How long it takes.
    pub cost_ms: u32,
}

/// Working memory of a search, kept between searches: labels count only if their round is the present one.
#[derive(Debug, Default)]
pub struct Scratch {
    round: u32,
    labels: Vec<Label>,
    queue: BinaryHeap<Reverse<(u32, u32, u32)>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Label {
    round: u32,
    /// Cost to the end of the arc.
    cost_ms: u32,
    /// The arc before; itself for the first.
    parent: u32,
}

impl Scratch {
    fn begin(&mut self, arcs: usize) {
        self.queue.clear();
        self.labels.resize(arcs, Label::default());
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.labels.fill(Label::default());
            self.round = 1;
        }
    }
    fn cost(&self, arc: u32) -> u32 {
        let label = self.labels[arc as usize];
        if label.round == self.round { label.cost_ms } else { UNREACHED }
    }
    fn improve(&mut self, arc: u32, cost_ms: u32, parent: u32, estimate_ms: impl FnOnce() -> u32) {
        if cost_ms < self.cost(arc) {
            self.labels[arc as usize] = Label { round: self.round, cost_ms, parent };
            self.queue.push(Reverse((cost_ms.saturating_add(estimate_ms()), cost_ms, arc)));
        }
    }
}

/// The quickest way from any of `from` to any of `to`; `None` if there is none.
pub fn quickest(costs: &Costs<'_>, from: &[OnArc], to: &[OnArc], scratch: &mut Scratch) -> Option<Path> {
    let street = costs.graph;
    scratch.begin(street.graph.node_count());
    let mut best: Option<Path> = None;
    let better = |cost_ms: u32, best: &Option<Path>| best.as_ref().is_none_or(|b| cost_ms < b.cost_ms);

    // Targets lie on arcs; all of them are feet of one place, so any of them bounds the rest of the way
    // once the greatest distance between two of them is taken off.
    let goal = to.first()?.at;
    let spread_m = to.iter().map(|on| distance(goal, on.at)).fold(0.0, f64::max);
    // A touch more than the top speed: positions are rounded too.
    let ms_per_m = 1000.0 * costs.slowness / (street.top_speed_mps * 1.0001);
    let estimate_ms = |arc: &Arc| ((distance(arc.end, goal) - spread_m).max(0.0) * ms_per_m) as u32;

    for start in from {
        let arc = street.arc(start.arc);
        for end in to.iter().filter(|end| end.arc == start.arc && end.along >= start.along) {
            if let Some(cost_ms) = costs.part_ms(arc, end.along - start.along)
                && better(cost_ms, &best)
            {
                best = Some(Path { arcs: vec![start.arc], begins: start.along, ends: end.along, cost_ms });
            }
        }
        if let Some(cost_ms) = costs.part_ms(arc, 1.0 - start.along) {
            let ix = start.arc.index() as u32;
            scratch.improve(ix, cost_ms, ix, || estimate_ms(arc));
        }
    }

    // (cost, last arc, how far along it, the arc before)
    let mut arrival: Option<(u32, OnArc, u32)> = None;
    while let Some(Reverse((bound_ms, cost_ms, ix))) = scratch.queue.pop() {
        let known = arrival.map_or(UNREACHED, |a| a.0).min(best.as_ref().map_or(UNREACHED, |b| b.cost_ms));
        if bound_ms >= known {
            break;
        }
        if cost_ms > scratch.cost(ix) {
            continue;
        }
        let here = ArcIx::new(ix as usize);
        let from_arc = street.arc(here);
        for edge in street.graph.edges(here) {
            let next = edge.target();
            let arc = street.arc(next);
            let Some(pass_ms) = costs.arc_ms(arc) else { continue };
            let entered_ms = cost_ms.saturating_add(costs.transition_ms(from_arc, edge.weight()));
            for end in to.iter().filter(|end| end.arc == next) {
                let there = entered_ms.saturating_add(costs.part_ms(arc, end.along).unwrap_or(UNREACHED));
                if there < arrival.map_or(UNREACHED, |a| a.0) {
                    arrival = Some((there, *end, ix));
                }
            }
            scratch.improve(next.index() as u32, entered_ms.saturating_add(pass_ms), ix, || estimate_ms(arc));
        }
    }

    if let Some((cost_ms, end, before)) = arrival.filter(|a| better(a.0, &best)) {
        let mut arcs = vec![end.arc];
        let mut ix = before;
        loop {
            arcs.push(ArcIx::new(ix as usize));
            let parent = scratch.labels[ix as usize].parent;
            if parent == ix {
                break;
            }
            ix = parent;
        }
        arcs.reverse();
        let begins = from.iter().find(|on| on.arc == arcs[0]).map_or(0.0, |on| on.along);
        best = Some(Path { arcs, begins, ends: end.along, cost_ms });
    }
    best
}
