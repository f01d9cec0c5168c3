//! The quickest way along the streets: A* on the edge-expanded graph.
//!
//! Costs are whole milliseconds, so that sums are exact and two ways of adding them agree. The estimate of
//! the rest of the way is the straight line at [`StreetGraph::top_speed_mps`]; every cost is rounded up
//! and the estimate down, so it stays a lower bound and no arc is settled twice (Hart, Nilsson, Raphael 1968).

pub mod alternatives;

use crate::{
    foot::Direction,
    graph::{Arc, ArcIx, StreetGraph, TransitionIx, distance, rounded_up, whole_ms},
    nearest::OnArc,
    snapshot::View,
};
use model::ids::LinkIx;
use petgraph::visit::EdgeRef;
use std::{cmp::Reverse, collections::BinaryHeap};

/// Stands in the times of a lorry for a link that it may not use.
pub(crate) const BARRED: u32 = u32::MAX;

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
    /// By link: how long a lorry takes without traffic, ms, or [`BARRED`]; `None` for everybody else.
    hauled: Option<&'a [u32]>,
}

impl<'a> Costs<'a> {
    /// Costs on `graph`. Traffic is looked at for motors only; `speed_mps` replaces the usual speed of the others.
    pub fn new(graph: &'a StreetGraph, traffic: View<'a>, speed_mps: Option<f64>) -> Costs<'a> {
        let traffic = Some(traffic).filter(|traffic| graph.profile.is_motor() && !traffic.is_blank());
        let slowness = match (graph.profile.usual_speed_mps(), speed_mps) {
            (Some(usual), Some(wanted)) => usual / wanted,
            _ => 1.0,
        };
        Costs { graph, traffic, slowness, is_plain: slowness == 1.0, hauled: None }
    }

    /// Costs on `graph` on empty roads.
    pub fn without_traffic(graph: &'a StreetGraph, speed_mps: Option<f64>) -> Costs<'a> {
        let slowness = graph.profile.usual_speed_mps().zip(speed_mps).map_or(1.0, |(usual, own)| usual / own);
        Costs { graph, traffic: None, slowness, is_plain: slowness == 1.0, hauled: None }
    }

    /// The same for a lorry, which takes so long without traffic, by link in ms, and keeps off what is [`BARRED`].
    pub(crate) fn hauled(self, free_ms: &'a [u32]) -> Costs<'a> {
        Costs { hauled: Some(free_ms), ..self }
    }

    /// Time to pass the arc without traffic, ms; `None` where it is barred.
    fn free_ms(&self, arc: &Arc) -> Option<u32> {
        match self.hauled {
            None => Some(arc.free_ms),
            Some(free_ms) => Some(free_ms[arc.link().ix()]).filter(|ms| *ms != BARRED),
        }
    }

    /// Seconds to pass the arc; `None` where it is closed.
    pub fn arc_s(&self, arc: &Arc) -> Option<f64> {
        self.pass_ms(arc).map(|ms| ms / 1000.0)
    }

    /// The same in ms, not rounded.
    fn pass_ms(&self, arc: &Arc) -> Option<f64> {
        let slowness = if arc.is_ferried() { 1.0 } else { self.slowness };
        let own_ms = self.free_ms(arc)?;
        let free_ms = f64::from(own_ms) * slowness;
        let Some(traffic) = &self.traffic else { return Some(free_ms) };
        if traffic.closed(arc.link()) {
            return None;
        }
        let slow = |(slow_s, weight): (f64, f64)| free_ms + weight * (slow_s * 1000.0 - free_ms);
        let ms = traffic.expected(arc.link()).map_or(free_ms, slow);
        // Where cars are quicker than a lorry may be, it is not.
        Some(if own_ms > arc.free_ms { ms.max(free_ms) } else { ms })
    }

    /// Seconds from the end of one arc to the beginning of the next.
    pub fn transition_s(&self, from: &Arc, transition: TransitionIx) -> f64 {
        let transition = self.graph.transition(transition);
        // An expected time holds the wait at the signal already, to the degree that it counts.
        let expected =
            self.traffic.and_then(|traffic| traffic.expected(from.link())).map_or(0.0, |(_, weight)| weight);
        let signal_s = transition.signal_s() * (1.0 - expected);
        self.graph.profile.turn_s(transition.turn) + transition.inside_s() * self.slowness + signal_s
    }

    /// As [`Self::arc_s`] for a share of the arc, in ms.
    pub fn part_ms(&self, arc: &Arc, share: f64) -> Option<u32> {
        self.pass_ms(arc).map(|ms| rounded_up(ms * share))
    }

    /// As [`Self::arc_s`], in ms.
    pub fn arc_ms(&self, arc: &Arc) -> Option<u32> {
        if self.is_plain && !self.traffic.is_some_and(|traffic| traffic.knows(arc.link())) {
            return self.free_ms(arc);
        }
        self.part_ms(arc, 1.0)
    }

    /// As [`Self::transition_s`], in ms.
    pub fn transition_ms(&self, from: &Arc, transition: TransitionIx) -> u32 {
        if self.is_plain && !self.traffic.is_some_and(|traffic| traffic.knows(from.link())) {
            return self.graph.transition(transition).free_ms;
        }
        whole_ms(self.transition_s(from, transition))
    }

    /// Whether measured times have any say on the arc.
    pub fn is_live(&self, arc: &Arc) -> bool {
        self.traffic.is_some_and(|t| t.measured(arc.link()).is_some())
    }

    /// Whether who travels so may not drive along the link.
    pub fn closed(&self, link: LinkIx) -> bool {
        let barred = self.hauled.is_some_and(|free_ms| free_ms[link.ix()] == BARRED);
        barred || self.traffic.is_some_and(|traffic| traffic.closed(link))
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

/// A place where a way may begin or end, and the ms before or after it that count too.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Foot {
    /// The place.
    pub on: OnArc,
    /// The ms.
    pub ms: u32,
}

/// The quickest way from any of `from` to any of `to`; `None` if there is none.
pub fn quickest(costs: &Costs<'_>, from: &[OnArc], to: &[OnArc], scratch: &mut Scratch) -> Option<Path> {
    let foot = |on: &OnArc| Foot { on: *on, ms: 0 };
    let [from, to] = [from, to].map(|feet| feet.iter().map(foot).collect::<Vec<_>>());
    quickest_of(costs, &from, &to, scratch).map(|(path, _)| path)
}

/// The same where some places are nearer than others, and which two it joins. What lies before and after counts in the
/// path's cost.
pub fn quickest_of(
    costs: &Costs<'_>,
    from: &[Foot],
    to: &[Foot],
    scratch: &mut Scratch,
) -> Option<(Path, [usize; 2])> {
    let street = costs.graph;
    scratch.begin(street.graph.node_count());
    let mut best: Option<(Path, [usize; 2])> = None;
    let cost = |best: &Option<(Path, [usize; 2])>| best.as_ref().map_or(UNREACHED, |(path, _)| path.cost_ms);

    // Targets lie on arcs; any of them bounds the rest of the way once the greatest distance between two of them is
    // taken off.
    let goal = to.first()?.on.at;
    let spread_m = to.iter().map(|foot| distance(goal, foot.on.at)).fold(0.0, f64::max);
    // A touch more than the top speed: positions are rounded too.
    let slowness = if street.has_ferries { costs.slowness.min(1.0) } else { costs.slowness };
    let ms_per_m = 1000.0 * slowness / (street.top_speed_mps * 1.0001);
    let estimate_ms =
        |arc: &Arc| ((distance(street.end_of(arc), goal) - spread_m).max(0.0) * ms_per_m) as u32;

    for (i, Foot { on: start, ms }) in from.iter().enumerate() {
        let arc = street.arc(start.arc);
        for (k, Foot { on: end, ms: after_ms }) in to.iter().enumerate() {
            if end.arc == start.arc
                && end.along >= start.along
                && let Some(cost_ms) = costs.part_ms(arc, end.along - start.along)
            {
                let cost_ms = cost_ms.saturating_add(*ms).saturating_add(*after_ms);
                if cost_ms < cost(&best) {
                    let (begins, ends) = (start.along, end.along);
                    best = Some((Path { arcs: vec![start.arc], begins, ends, cost_ms }, [i, k]));
                }
            }
        }
        if let Some(cost_ms) = first_ms(costs, &from[i]) {
            let ix = start.arc.index() as u32;
            scratch.improve(ix, cost_ms, ix, || estimate_ms(arc));
        }
    }

    // (cost, which end, the arc before)
    let mut arrival: Option<(u32, usize, u32)> = None;
    while let Some(Reverse((bound_ms, cost_ms, ix))) = scratch.queue.pop() {
        let known = arrival.map_or(UNREACHED, |a| a.0).min(cost(&best));
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
            let entered_ms = cost_ms.saturating_add(costs.transition_ms(from_arc, *edge.weight()));
            for (k, end) in to.iter().enumerate().filter(|(_, end)| end.on.arc == next) {
                let part_ms = costs.part_ms(arc, end.on.along).unwrap_or(UNREACHED);
                let there = entered_ms.saturating_add(part_ms).saturating_add(end.ms);
                if there < arrival.map_or(UNREACHED, |a| a.0) {
                    arrival = Some((there, k, ix));
                }
            }
            scratch.improve(next.index() as u32, entered_ms.saturating_add(pass_ms), ix, || estimate_ms(arc));
        }
    }

    if let Some((cost_ms, end, before)) = arrival.filter(|a| a.0 < cost(&best)) {
        let mut arcs = vec![to[end].on.arc];
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
        let on_first = (0..from.len()).filter(|&i| from[i].on.arc == arcs[0]);
        let start = on_first.min_by_key(|&i| first_ms(costs, &from[i]).unwrap_or(UNREACHED))?;
        let (begins, ends) = (from[start].on.along, to[end].on.along);
        best = Some((Path { arcs, begins, ends, cost_ms }, [start, end]));
    }
    best
}

/// From a place to the end of its arc, with what lies before it, ms.
fn first_ms(costs: &Costs<'_>, from: &Foot) -> Option<u32> {
    let arc = costs.graph.arc(from.on.arc);
    Some(costs.part_ms(arc, 1.0 - from.on.along)?.saturating_add(from.ms))
}

/// Everything within `limit_ms` of any of `feet`: from there, or to there (Dijkstra).
pub(crate) fn reach<'a>(
    costs: &'a Costs<'a>,
    feet: &'a [Foot],
    direction: Direction,
    limit_ms: u32,
    scratch: &'a mut Scratch,
) -> Reached<'a> {
    let street = costs.graph;
    scratch.begin(street.graph.node_count());
    for foot in feet {
        let share = beyond(direction, foot.on.along);
        if let Some(ms) = costs.part_ms(street.arc(foot.on.arc), share) {
            let ix = foot.on.arc.index() as u32;
            scratch.improve(ix, ms.saturating_add(foot.ms), ix, || 0);
        }
    }
    let onwards = match direction {
        Direction::Away => petgraph::Outgoing,
        Direction::Towards => petgraph::Incoming,
    };
    while let Some(Reverse((_, cost_ms, ix))) = scratch.queue.pop() {
        if cost_ms > limit_ms {
            break;
        }
        if cost_ms > scratch.cost(ix) {
            continue;
        }
        let here = ArcIx::new(ix as usize);
        for edge in street.graph.edges_directed(here, onwards) {
            let next = if direction == Direction::Away { edge.target() } else { edge.source() };
            let Some(pass_ms) = costs.arc_ms(street.arc(next)) else { continue };
            let turn_ms = costs.transition_ms(street.arc(edge.source()), *edge.weight());
            let there = cost_ms.saturating_add(turn_ms).saturating_add(pass_ms);
            scratch.improve(next.index() as u32, there, ix, || 0);
        }
    }
    Reached { costs, feet, direction, limit_ms, scratch }
}

/// The share of an arc that lies beyond a place on it.
fn beyond(direction: Direction, along: f64) -> f64 {
    match direction {
        Direction::Away => 1.0 - along,
        Direction::Towards => along,
    }
}

/// What [`reach`] found.
#[derive(Debug)]
pub(crate) struct Reached<'a> {
    costs: &'a Costs<'a>,
    feet: &'a [Foot],
    direction: Direction,
    limit_ms: u32,
    scratch: &'a Scratch,
}

impl Reached<'_> {
    /// All arcs that are entered on a way (looking backwards: left), and the ms at their far end (near end), which of the last ones are
    /// beyond the limit. Those on which ways begin are among them if one comes to them again.
    pub(crate) fn entered(&self) -> impl Iterator<Item = (ArcIx, u32)> + '_ {
        let labels = self.scratch.labels.iter().enumerate();
        let reached = labels.filter(|(_, label)| label.round == self.scratch.round);
        reached.filter_map(|(ix, label)| {
            let arc = ArcIx::new(ix);
            if label.parent as usize != ix {
                return Some((arc, label.cost_ms));
            }
            let entered_ms = self.entered_ms(arc)?;
            Some((arc, entered_ms.saturating_add(self.costs.arc_ms(self.costs.graph.arc(arc))?)))
        })
    }

    /// When one enters an arc (looking backwards: leaves it) on the quickest way to it; `None` if none leads there within the limit.
    fn entered_ms(&self, arc: ArcIx) -> Option<u32> {
        let label = self.scratch.labels[arc.index()];
        if label.round != self.scratch.round {
            return None;
        }
        let street = self.costs.graph;
        // It was come to by the quickest of all ways, unless ways begin on it: those may be quicker than any that comes to it again.
        if label.parent as usize != arc.index() {
            return label.cost_ms.checked_sub(self.costs.arc_ms(street.arc(arc))?);
        }
        let back = match self.direction {
            Direction::Away => petgraph::Incoming,
            Direction::Towards => petgraph::Outgoing,
        };
        let edges = street.graph.edges_directed(arc, back).map(|edge| {
            let before = if self.direction == Direction::Away { edge.source() } else { edge.target() };
            let turn_ms = self.costs.transition_ms(street.arc(edge.source()), *edge.weight());
            self.scratch.cost(before.index() as u32).saturating_add(turn_ms)
        });
        edges.min().filter(|ms| *ms < UNREACHED)
    }

    /// How long it takes to the nearest of some places (or from it), as long as [`quickest_of`] says; `None` beyond the limit.
    pub(crate) fn ms(&self, places: &[OnArc]) -> Option<u32> {
        let street = self.costs.graph;
        let mut best = UNREACHED;
        for place in places {
            let arc = street.arc(place.arc);
            for foot in self.feet.iter().filter(|foot| foot.on.arc == place.arc) {
                let on_the_way = match self.direction {
                    Direction::Away => place.along - foot.on.along,
                    Direction::Towards => foot.on.along - place.along,
                };
                if on_the_way >= 0.0
                    && let Some(ms) = self.costs.part_ms(arc, on_the_way)
                {
                    best = best.min(ms.saturating_add(foot.ms));
                }
            }
            let Some(entered_ms) = self.entered_ms(place.arc) else { continue };
            let share = 1.0 - beyond(self.direction, place.along);
            if let Some(part_ms) = self.costs.part_ms(arc, share) {
                best = best.min(entered_ms.saturating_add(part_ms));
            }
        }
        (best <= self.limit_ms).then_some(best)
    }
}
