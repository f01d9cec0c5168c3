//! Ways for motors in microseconds: a customisable contraction hierarchy over arcs and turns.
//!
//! Dibbelt, Strasser and Wagner (Customizable Contraction Hierarchies, 2014), with turns as Buchhold, Wagner, Zeitz and
//! Zündorf have them (2020): the hierarchy is built on the edge-expanded graph. What a map allows decides once which ways
//! could ever matter ([`Hierarchy::new`]); a picture of the traffic only says what they cost ([`Hierarchy::customise`]), so
//! a new one is in use soon, and a question touches a few hundred arcs instead of all ([`Hierarchy::quickest`]).
//!
//! In reading order: [`order`] finds which arcs matter most, [`topology`] the ways between them, [`customise`] what these
//! cost, [`query`] the quickest, [`climb`] ways between places that are asked for again and again. Costs are whole milliseconds and the sums are those of [`crate::street`], which stays the
//! oracle and answers what is asked too seldom to prepare for.

mod climb;
mod customise;
mod order;
mod query;
mod topology;

use crate::{
    columns,
    foot::Direction,
    graph::{ArcIx, Edge, StreetGraph},
    nearest::OnArc,
    street::{Costs, Path},
};
pub(crate) use climb::Climbed;
use customise::NO_WAY;
use model::{city::City, geo::LocalPlane, ids::LinkIx, network::Link, time::Moment};
use order::Dissection;
pub(crate) use order::nodes_by_importance;
use petgraph::{Incoming, visit::EdgeRef};
pub use query::Memory;
use serde::{Deserialize, Serialize};
use std::{
    borrow::Cow,
    sync::{Arc, Mutex, PoisonError},
};
use topology::Topology;
pub(crate) use topology::above;

/// Neither a vertex nor a way.
const NONE: u32 = u32::MAX;

/// What a map allows, made ready for any costs.
#[derive(Debug, Serialize, Deserialize)]
pub struct Hierarchy {
    topology: Topology,
    /// By arc: its place in the order of importance.
    #[serde(with = "columns")]
    vertex_of: Vec<u32>,
    /// By vertex: its arc.
    #[serde(with = "columns")]
    arc_of: Vec<u32>,
    /// By transition: twice the number of the way that it is, and one more for a way down.
    #[serde(with = "columns")]
    way_of: Vec<u32>,
}

/// What all ways cost in one picture of the traffic.
#[derive(Debug)]
pub struct Customised {
    costs: customise::Costs,
    /// The moment at which the picture was looked at: what fades with time is as it was then.
    pub(crate) seen: Moment,
}

/// Driving in one picture of the traffic.
#[derive(Clone, Debug)]
pub(crate) struct Driving<'a> {
    /// The streets.
    pub roads: &'a Roads,
    /// What they cost.
    pub costs: Costs<'a>,
    /// What all ways on them cost, if that was worked out beforehand.
    pub ready: Option<Cow<'a, Arc<Customised>>>,
}

/// The streets of motors, ready for questions.
#[derive(Debug)]
pub struct Roads {
    /// The streets.
    pub street: StreetGraph,
    /// Ways on them.
    pub hierarchy: Arc<Hierarchy>,
    /// What they cost when the roads are empty.
    pub empty: Arc<Customised>,
    /// Working memory between questions.
    idle: Mutex<Vec<Memory>>,
}

impl Roads {
    /// Joins streets and their hierarchy.
    pub fn new(street: StreetGraph, hierarchy: Arc<Hierarchy>) -> Roads {
        let empty = crate::snapshot::Snapshot::empty();
        let costs = Costs::new(&street, empty.view(Moment(0), Moment(0)), None);
        let empty = Arc::new(hierarchy.customise(&costs, Moment(0)));
        Roads { street, hierarchy, empty, idle: Mutex::default() }
    }

    /// The quickest way, as [`Hierarchy::quickest`] finds it.
    pub(crate) fn quickest(
        &self,
        customised: &Customised,
        costs: &Costs<'_>,
        [from, to]: [&[OnArc]; 2],
    ) -> Option<Path> {
        self.with_memory(|memory| self.hierarchy.quickest(customised, costs, from, to, memory))
    }

    /// The half of all ways away from some feet, or towards them.
    pub(crate) fn half(
        &self,
        customised: &Customised,
        costs: &Costs<'_>,
        half: (&[OnArc], Direction),
    ) -> Climbed {
        self.with_memory(|memory| self.hierarchy.climb(customised, costs, half, memory))
    }

    /// Lends working memory.
    fn with_memory<T>(&self, work: impl FnOnce(&mut Memory) -> T) -> T {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let mut memory = idle().pop().unwrap_or_default();
        let done = work(&mut memory);
        idle().push(memory);
        done
    }
}

/// Where a city's nodes lie, m.
fn places(city: &City) -> Vec<[f32; 2]> {
    let plane = LocalPlane::around(city.centre);
    city.network.nodes.iter().map(|node| plane.to_metres(node.at).map(|m| m as f32)).collect()
}

/// Those of a city's links that `may_use` says, by importance, the most important first: without the first of them the others
/// fall apart into halves, and so on.
pub(crate) fn links_by_importance(city: &City, may_use: impl Fn(&Link) -> bool) -> Vec<LinkIx> {
    let links: Vec<u32> = (0..city.network.links.len() as u32)
        .filter(|&link| may_use(city.network.link(LinkIx(link))))
        .collect();
    let ends = |&link: &u32| {
        let link = city.network.link(LinkIx(link));
        [link.from.0, link.to.0]
    };
    let arcs: Vec<[u32; 2]> = links.iter().map(ends).collect();
    let order = Dissection { nodes: &places(city), arcs: &arcs }.order();
    order.into_iter().rev().map(|i| LinkIx(links[i as usize])).collect()
}

impl Hierarchy {
    /// Finds which ways could matter; takes seconds for a large city.
    pub fn new(city: &City, street: &StreetGraph) -> Hierarchy {
        let ends = |arc: ArcIx| {
            let link = city.network.link(street.arc(arc).link());
            if street.arc(arc).is_reverse() { [link.to.0, link.from.0] } else { [link.from.0, link.to.0] }
        };
        let arcs: Vec<[u32; 2]> = street.graph.node_indices().map(ends).collect();
        let order = Dissection { nodes: &places(city), arcs: &arcs }.order();
        Hierarchy::ordered(street, order).unwrap_or_else(|| unreachable!("each arc is cut once"))
    }

    /// The same with an order that was found before, the least important arc first; `None` if it does not have each arc once.
    fn ordered(street: &StreetGraph, arc_of: Vec<u32>) -> Option<Hierarchy> {
        let arcs = street.graph.node_count();
        let mut vertex_of = vec![NONE; arcs];
        for (vertex, &arc) in arc_of.iter().enumerate() {
            let slot = vertex_of.get_mut(arc as usize).filter(|slot| **slot == NONE)?;
            *slot = vertex as u32;
        }
        if arc_of.len() != arcs {
            return None;
        }
        let ends = |edge: Edge| [edge.source(), edge.target()].map(|arc| vertex_of[arc.index()]);
        let pairs: Vec<[u32; 2]> = street.graph.edge_references().map(ends).collect();
        let topology = Topology::new(arc_of.len(), &pairs);
        let way = |&[from, to]: &[u32; 2]| {
            let way = match from < to {
                true => topology.up.find(from, to)? << 1,
                false => (topology.down.find(to, from)? << 1) | 1,
            };
            Some(way as u32)
        };
        let way_of = pairs.iter().map(|pair| way(pair).unwrap_or(NONE)).collect();
        Some(Hierarchy { topology, vertex_of, arc_of, way_of })
    }

    /// Whether it is of those streets.
    pub(crate) fn fits(&self, street: &StreetGraph) -> bool {
        let arcs = street.graph.node_count();
        [&self.vertex_of, &self.arc_of, &self.topology.parent].iter().all(|column| column.len() == arcs)
            && self.way_of.len() == street.graph.edge_count()
            && self.topology.is_sound()
    }

    /// What all ways cost; `seen` is the moment at which `costs` look at the traffic.
    pub fn customise(&self, costs: &Costs<'_>, seen: Moment) -> Customised {
        let graph = &costs.graph().graph;
        let pass: Vec<u32> =
            graph.arcs().iter().map(|arc| costs.arc_ms(arc).map_or(NO_WAY, |ms| ms.min(NO_WAY))).collect();
        let none = |ways: usize| vec![NO_WAY; ways];
        let mut all = customise::Costs {
            up: none(self.topology.up.over.len()),
            down: none(self.topology.down.over.len()),
        };
        // In the graph's order: an arc's transitions lie side by side.
        for (edge, &way) in graph.edge_references().zip(&self.way_of).filter(|(_, way)| **way != NONE) {
            let turn_ms = costs.transition_ms(&graph[edge.source()], *edge.weight());
            let ms = turn_ms.saturating_add(pass[edge.target().index()]).min(NO_WAY);
            let ways = if way & 1 == 0 { &mut all.up } else { &mut all.down };
            let known = &mut ways[(way >> 1) as usize];
            *known = (*known).min(ms);
        }
        self.topology.customise(&mut all);
        Customised { costs: all, seen }
    }

    /// The quickest way from any of `from` to any of `to`, as [`crate::street::quickest`] finds it. `costs` are those
    /// of which `customised` was made.
    pub fn quickest(
        &self,
        customised: &Customised,
        costs: &Costs<'_>,
        from: &[OnArc],
        to: &[OnArc],
        memory: &mut Memory,
    ) -> Option<Path> {
        let mut found = Vec::new();
        Some(match self.search(customised, costs, from, to, memory, Some(&mut found))? {
            Way::Along(start, ends, cost_ms) => {
                Path { arcs: vec![start.arc], begins: start.along, ends, cost_ms }
            }
            Way::Over(cost_ms) => {
                let mut arcs = Vec::with_capacity(found.len() + 1);
                arcs.extend(found.iter().map(|vertex| self.arc(*vertex)));
                let on_first = from.iter().filter(|start| start.arc == arcs[0]).map(|start| start.along);
                let begins = on_first.fold(0.0, f64::max);
                let end = last(costs, arcs[arcs.len() - 1], to)?;
                arcs.push(end.arc);
                Path { arcs, begins, ends: end.along, cost_ms }
            }
        })
    }

    /// How long the quickest way takes, ms.
    pub fn quickest_ms(
        &self,
        customised: &Customised,
        costs: &Costs<'_>,
        from: &[OnArc],
        to: &[OnArc],
        memory: &mut Memory,
    ) -> Option<u32> {
        self.search(customised, costs, from, to, memory, None).map(|way| match way {
            Way::Along(_, _, cost_ms) | Way::Over(cost_ms) => cost_ms,
        })
    }

    fn search(
        &self,
        customised: &Customised,
        costs: &Costs<'_>,
        from: &[OnArc],
        to: &[OnArc],
        memory: &mut Memory,
        path: Option<&mut Vec<u32>>,
    ) -> Option<Way> {
        let along = along(costs, from, to);
        let (starts, ends) = (self.starts(costs, from), self.ends(costs, to));
        let longest = along.map_or(NO_WAY, |(ms, ..)| ms);
        let over =
            query::quickest(&self.topology, &customised.costs, [&starts, &ends], longest, memory, path);
        over.map(Way::Over).or(along.map(|(ms, start, end)| Way::Along(start, end, ms)))
    }

    /// Where a search from places on arcs begins.
    fn starts(&self, costs: &Costs<'_>, from: &[OnArc]) -> Vec<(u32, u32)> {
        let start = |start: &OnArc| {
            let arc = costs.graph().arc(start.arc);
            Some((self.vertex(start.arc), costs.part_ms(arc, 1.0 - start.along)?))
        };
        from.iter().filter_map(start).collect()
    }

    /// Where a search back from places on arcs begins. The way ends on one of these arcs, not at its end: the search leads to those
    /// before it.
    fn ends(&self, costs: &Costs<'_>, to: &[OnArc]) -> Vec<(u32, u32)> {
        let (street, mut ends) = (costs.graph(), Vec::new());
        for end in to {
            let Some(part_ms) = costs.part_ms(street.arc(end.arc), end.along) else { continue };
            for edge in street.graph.edges_directed(end.arc, Incoming) {
                let turn_ms = costs.transition_ms(street.arc(edge.source()), *edge.weight());
                ends.push((self.vertex(edge.source()), turn_ms.saturating_add(part_ms).min(NO_WAY)));
            }
        }
        ends
    }

    fn vertex(&self, arc: ArcIx) -> u32 {
        self.vertex_of[arc.index()]
    }

    fn arc(&self, vertex: u32) -> ArcIx {
        ArcIx::new(self.arc_of[vertex as usize] as usize)
    }
}

/// A quickest way.
enum Way {
    /// Along one arc, from a place on it to a share of its length.
    Along(OnArc, f64, u32),
    /// Over arcs.
    Over(u32),
}

/// The quickest way that keeps to one arc: what it costs, where it begins, and how far along it ends.
fn along(costs: &Costs<'_>, from: &[OnArc], to: &[OnArc]) -> Option<(u32, OnArc, f64)> {
    let mut best: Option<(u32, OnArc, f64)> = None;
    for start in from {
        for end in to.iter().filter(|end| end.arc == start.arc && end.along >= start.along) {
            if let Some(ms) = costs.part_ms(costs.graph().arc(start.arc), end.along - start.along)
                && best.is_none_or(|known| ms < known.0)
            {
                best = Some((ms, *start, end.along));
            }
        }
    }
    best
}

/// Where a way ends that leads over `before`: the place that is reached soonest from there.
fn last(costs: &Costs<'_>, before: ArcIx, to: &[OnArc]) -> Option<OnArc> {
    let street = costs.graph();
    let there = |end: &OnArc| {
        let edge = street.graph.find_edge(before, end.arc)?;
        let turn_ms = costs.transition_ms(street.arc(before), street.graph.transition(edge));
        Some((turn_ms.saturating_add(costs.part_ms(street.arc(end.arc), end.along)?), *end))
    };
    to.iter().filter_map(there).min_by_key(|(ms, _)| *ms).map(|(_, end)| end)
}
