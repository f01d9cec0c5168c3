//! A graph that does not change any more, in rows: what is onward of each arc lies side by side.
//!
//! Streets are drawn into petgraph's [`DiGraph`], which takes arcs and transitions in any order. What is searched then is this: half as
//! many bytes, and one line of the processor's cache for all that is onward of an arc. It has petgraph's traits, so that its algorithms,
//! above all those by which ours are judged, run on the very same arcs.

use super::{Arc, ArcIx, TransitionIx};
use crate::columns;
use petgraph::{
    Direction,
    graph::{DiGraph, EdgeIndex},
    visit::{
        Data, EdgeCount, EdgeRef, GraphBase, IntoEdgeReferences, IntoEdges, IntoEdgesDirected, IntoNeighbors,
        IntoNeighborsDirected, IntoNodeIdentifiers, NodeCompactIndexable, NodeCount, NodeIndexable,
        Visitable,
    },
};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashSet,
    iter::Map,
    ops::{self, Range},
    sync::{self, OnceLock},
};

/// Arcs and the transitions between them.
#[derive(Clone, Debug)]
pub struct ArcGraph {
    arcs: sync::Arc<[Arc]>,
    onward: Onward,
    /// From the first time that anybody searches backwards: on foot few do.
    before: OnceLock<Before>,
}

/// Arcs from which one comes to others. The transitions stand with what is onward of them.
#[derive(Clone, Debug)]
struct Before {
    /// By arc: where its row begins.
    first: Vec<u32>,
    from: Vec<u32>,
}

impl PartialEq for ArcGraph {
    fn eq(&self, other: &ArcGraph) -> bool {
        (&self.arcs, &self.onward) == (&other.arcs, &other.onward)
    }
}

/// Transitions by the arc that they leave, as they are kept in a file too.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub(super) struct Onward {
    /// By arc: where its row begins.
    #[serde(with = "columns")]
    first: Vec<u32>,
    /// The arcs to which they lead; no two of a row to the same.
    #[serde(with = "columns")]
    to: Vec<u32>,
    /// Which transition it is: most are among the first. [`RARE`] for the others, which stand in `rare`.
    #[serde(with = "columns")]
    by: Vec<u16>,
    /// By place in `to`.
    #[serde(with = "columns")]
    rare: Vec<[u32; 2]>,
}

/// Transitions from this one on take more than two bytes.
const RARE: u16 = u16::MAX;

impl Onward {
    fn row(&self, arc: usize) -> Range<usize> {
        self.first[arc] as usize..self.first[arc + 1] as usize
    }

    /// Whether they lead from so many arcs to one of them, by one of so many transitions.
    fn is_sound(&self, arcs: usize, transitions: usize) -> bool {
        self.first.len() == arcs + 1
            && self.first[0] == 0
            && self.first.is_sorted()
            && self.first[arcs] as usize == self.to.len()
            && self.by.len() == self.to.len()
            && self.to.iter().all(|to| (*to as usize) < arcs)
            && (0..arcs).all(|arc| self.to[self.row(arc)].is_sorted_by(|a, b| a < b))
            && self.by.iter().all(|by| *by == RARE || usize::from(*by) < transitions)
            && self.rare.iter().all(|[_, transition]| (*transition as usize) < transitions)
            && (0..self.to.len() as u32)
                .filter(|at| self.by[*at as usize] == RARE)
                .eq(self.rare.iter().map(|[at, _]| *at))
    }

    fn transition(&self, at: usize) -> TransitionIx {
        match self.by[at] {
            RARE => {
                let rare = self.rare.binary_search_by_key(&(at as u32), |[at, _]| *at);
                TransitionIx(rare.map_or(0, |rare| self.rare[rare][1]))
            }
            by => TransitionIx(u32::from(by)),
        }
    }
}

impl ArcGraph {
    /// The same graph in rows. Of several transitions between two arcs the first stands for all.
    pub(super) fn new(drawn: DiGraph<Arc, TransitionIx, u32>) -> ArcGraph {
        let (nodes, edges) = drawn.into_nodes_edges();
        let mut all: Vec<([u32; 2], TransitionIx)> = edges
            .into_iter()
            .map(|edge| ([edge.source(), edge.target()].map(|arc| arc.index() as u32), edge.weight))
            .collect();
        all.sort_by_key(|(ends, _)| *ends);
        all.dedup_by_key(|(ends, _)| *ends);
        let rare = all.iter().zip(0..).filter(|((_, by), _)| by.0 >= u32::from(RARE));
        let onward = Onward {
            first: rows(nodes.len(), all.iter().map(|([from, _], _)| *from)),
            to: all.iter().map(|([_, to], _)| *to).collect(),
            by: all.iter().map(|(_, by)| by.0.min(u32::from(RARE)) as u16).collect(),
            rare: rare.map(|((_, by), at)| [at, by.0]).collect(),
        };
        ArcGraph::joined(nodes.into_iter().map(|node| node.weight).collect(), onward)
    }

    /// The graph of a file; `None` if its parts do not fit together.
    pub(super) fn of_kept(arcs: Vec<Arc>, onward: Onward, transitions: usize) -> Option<ArcGraph> {
        onward.is_sound(arcs.len(), transitions).then(|| ArcGraph::joined(arcs, onward))
    }

    fn joined(arcs: Vec<Arc>, onward: Onward) -> ArcGraph {
        ArcGraph { arcs: arcs.into(), onward, before: OnceLock::new() }
    }

    fn before(&self) -> &Before {
        self.before.get_or_init(|| {
            let first = rows(self.arcs.len(), self.onward.to.iter().copied());
            let (mut next, mut before) = (first.clone(), vec![0; self.onward.to.len()]);
            for from in 0..self.arcs.len() {
                for to in &self.onward.to[self.onward.row(from)] {
                    let slot = &mut next[*to as usize];
                    before[*slot as usize] = from as u32;
                    *slot += 1;
                }
            }
            Before { first, from: before }
        })
    }

    /// What a file keeps of it.
    pub(super) fn keep(&self) -> (Vec<Arc>, Onward) {
        (self.arcs.to_vec(), self.onward.clone())
    }

    /// All arcs, in order of their links.
    pub fn arcs(&self) -> &[Arc] {
        &self.arcs
    }

    /// The same for whoever keeps them too.
    pub(crate) fn shared_arcs(&self) -> sync::Arc<[Arc]> {
        self.arcs.clone()
    }

    /// The transition that an edge is.
    pub fn transition(&self, edge: EdgeIndex<u32>) -> TransitionIx {
        self.onward.transition(edge.index())
    }

    /// How many arcs there are.
    pub fn node_count(&self) -> usize {
        self.arcs.len()
    }

    /// How many transitions.
    pub fn edge_count(&self) -> usize {
        self.onward.to.len()
    }

    /// All arcs' indices.
    pub fn node_indices(&self) -> impl ExactSizeIterator<Item = ArcIx> + use<> {
        (0..self.arcs.len()).map(ArcIx::new)
    }

    /// The transition from one arc to another, if there is one.
    pub fn find_edge(&self, from: ArcIx, to: ArcIx) -> Option<EdgeIndex<u32>> {
        let row = self.onward.row(from.index());
        let at = self.onward.to[row.clone()].iter().position(|other| *other == to.index() as u32)?;
        Some(EdgeIndex::new(row.start + at))
    }

    /// What is onward of an arc.
    pub fn edges(&self, arc: ArcIx) -> Edges<'_> {
        self.edges_directed(arc, Direction::Outgoing)
    }

    /// What is onward of an arc, or before it.
    pub fn edges_directed(&self, arc: ArcIx, direction: Direction) -> Edges<'_> {
        let ix = arc.index();
        let row = match direction {
            Direction::Outgoing => self.onward.row(ix),
            Direction::Incoming => {
                let first = &self.before().first;
                first[ix] as usize..first[ix + 1] as usize
            }
        };
        Edges { graph: self, arc, direction, row }
    }

    /// All transitions, by the arc that they leave.
    pub fn edge_references(&self) -> AllEdges<'_> {
        AllEdges { graph: self, from: 0, at: 0 }
    }

    fn edge(&self, from: ArcIx, ix: usize) -> Edge {
        let ends = [from, ArcIx::new(self.onward.to[ix] as usize)];
        Edge { ix: EdgeIndex::new(ix), ends, transition: self.onward.transition(ix) }
    }
}

/// Where rows begin, by what stands in front of each entry.
pub(super) fn rows(count: usize, of: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut first = vec![0; count + 1];
    of.for_each(|row| first[row as usize + 1] += 1);
    for i in 0..count {
        first[i + 1] += first[i];
    }
    first
}

impl ops::Index<ArcIx> for ArcGraph {
    type Output = Arc;

    fn index(&self, arc: ArcIx) -> &Arc {
        &self.arcs[arc.index()]
    }
}

/// A transition from one arc to another.
#[derive(Clone, Copy, Debug)]
pub struct Edge {
    ix: EdgeIndex<u32>,
    ends: [ArcIx; 2],
    transition: TransitionIx,
}

impl EdgeRef for Edge {
    type NodeId = ArcIx;
    type EdgeId = EdgeIndex<u32>;
    type Weight = TransitionIx;

    fn source(&self) -> ArcIx {
        self.ends[0]
    }

    fn target(&self) -> ArcIx {
        self.ends[1]
    }

    fn weight(&self) -> &TransitionIx {
        &self.transition
    }

    fn id(&self) -> EdgeIndex<u32> {
        self.ix
    }
}

/// Transitions at one arc.
#[derive(Clone, Debug)]
pub struct Edges<'a> {
    graph: &'a ArcGraph,
    arc: ArcIx,
    direction: Direction,
    row: Range<usize>,
}

impl<'a> Iterator for Edges<'a> {
    type Item = Edge;

    fn next(&mut self) -> Option<Edge> {
        let at = self.row.next()?;
        match self.direction {
            Direction::Outgoing => Some(self.graph.edge(self.arc, at)),
            Direction::Incoming => {
                let from = ArcIx::new(self.graph.before().from[at] as usize);
                Some(self.graph.edge(from, self.graph.find_edge(from, self.arc)?.index()))
            }
        }
    }
}

/// All transitions.
#[derive(Clone, Debug)]
pub struct AllEdges<'a> {
    graph: &'a ArcGraph,
    from: usize,
    at: usize,
}

impl<'a> Iterator for AllEdges<'a> {
    type Item = Edge;

    fn next(&mut self) -> Option<Edge> {
        let at = self.at;
        if at == self.graph.edge_count() {
            return None;
        }
        while self.graph.onward.first[self.from + 1] as usize <= at {
            self.from += 1;
        }
        self.at += 1;
        Some(self.graph.edge(ArcIx::new(self.from), at))
    }
}

impl GraphBase for ArcGraph {
    type NodeId = ArcIx;
    type EdgeId = EdgeIndex<u32>;
}

impl Data for ArcGraph {
    type NodeWeight = Arc;
    type EdgeWeight = TransitionIx;
}

impl NodeCount for ArcGraph {
    fn node_count(&self) -> usize {
        self.arcs.len()
    }
}

impl EdgeCount for ArcGraph {
    fn edge_count(&self) -> usize {
        self.onward.to.len()
    }
}

impl NodeIndexable for ArcGraph {
    fn node_bound(&self) -> usize {
        self.arcs.len()
    }

    fn to_index(&self, arc: ArcIx) -> usize {
        arc.index()
    }

    fn from_index(&self, ix: usize) -> ArcIx {
        ArcIx::new(ix)
    }
}

impl NodeCompactIndexable for ArcGraph {}

impl Visitable for ArcGraph {
    type Map = HashSet<ArcIx>;

    fn visit_map(&self) -> Self::Map {
        HashSet::new()
    }

    fn reset_map(&self, map: &mut Self::Map) {
        map.clear();
    }
}

impl IntoNodeIdentifiers for &ArcGraph {
    type NodeIdentifiers = Map<Range<usize>, fn(usize) -> ArcIx>;

    fn node_identifiers(self) -> Self::NodeIdentifiers {
        (0..self.arcs.len()).map(ArcIx::new)
    }
}

impl<'a> IntoEdgeReferences for &'a ArcGraph {
    type EdgeRef = Edge;
    type EdgeReferences = AllEdges<'a>;

    fn edge_references(self) -> AllEdges<'a> {
        ArcGraph::edge_references(self)
    }
}

impl<'a> IntoNeighbors for &'a ArcGraph {
    type Neighbors = Map<Edges<'a>, fn(Edge) -> ArcIx>;

    fn neighbors(self, arc: ArcIx) -> Self::Neighbors {
        self.neighbors_directed(arc, Direction::Outgoing)
    }
}

impl<'a> IntoNeighborsDirected for &'a ArcGraph {
    type NeighborsDirected = Map<Edges<'a>, fn(Edge) -> ArcIx>;

    fn neighbors_directed(self, arc: ArcIx, direction: Direction) -> Self::NeighborsDirected {
        let other: fn(Edge) -> ArcIx = match direction {
            Direction::Outgoing => |edge| edge.ends[1],
            Direction::Incoming => |edge| edge.ends[0],
        };
        ArcGraph::edges_directed(self, arc, direction).map(other)
    }
}

impl<'a> IntoEdges for &'a ArcGraph {
    type Edges = Edges<'a>;

    fn edges(self, arc: ArcIx) -> Edges<'a> {
        ArcGraph::edges(self, arc)
    }
}

impl<'a> IntoEdgesDirected for &'a ArcGraph {
    type EdgesDirected = Edges<'a>;

    fn edges_directed(self, arc: ArcIx, direction: Direction) -> Edges<'a> {
        ArcGraph::edges_directed(self, arc, direction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use petgraph::{algo::kosaraju_scc, visit::IntoNodeReferences};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        /// Every transition is found from both its ends, and petgraph's algorithms see the same graph.
        #[test]
        fn rows_hold_what_was_drawn(pairs in prop::collection::btree_set((0..12_u32, 0..12_u32), 0..40)) {
            let mut drawn = DiGraph::<Arc, TransitionIx, u32>::default();
            for link in 0..12 {
                drawn.add_node(Arc { way: link, free_ms: link });
            }
            // Every third of them is a rare one.
            let number = |i: usize| i as u32 + if i % 3 == 2 { 70_000 } else { 0 };
            for (i, (from, to)) in pairs.iter().enumerate() {
                drawn.add_edge(ArcIx::new(*from as usize), ArcIx::new(*to as usize), TransitionIx(number(i)));
            }
            let rows = ArcGraph::new(drawn.clone());
            prop_assert!(drawn.node_references().eq(rows.node_indices().zip(rows.arcs())));
            let sorted = |edges: &mut dyn Iterator<Item = (ArcIx, ArcIx, TransitionIx)>| {
                let mut all: Vec<_> = edges.collect();
                all.sort_by_key(|edge| (edge.0, edge.1));
                all
            };
            let all = sorted(&mut drawn.edge_references().map(|e| (e.source(), e.target(), *e.weight())));
            prop_assert_eq!(&sorted(&mut rows.edge_references().map(|e| (e.source(), e.target(), *e.weight()))), &all);
            for arc in rows.node_indices() {
                for direction in [Direction::Outgoing, Direction::Incoming] {
                    let theirs = sorted(&mut drawn.edges_directed(arc, direction).map(|e| (e.source(), e.target(), *e.weight())));
                    let ours = sorted(&mut rows.edges_directed(arc, direction).map(|e| (e.source(), e.target(), *e.weight())));
                    prop_assert_eq!(ours, theirs);
                }
            }
            let parts = |mut parts: Vec<Vec<ArcIx>>| {
                parts.iter_mut().for_each(|part| part.sort());
                parts.sort();
                parts
            };
            prop_assert_eq!(parts(kosaraju_scc(&rows)), parts(kosaraju_scc(&drawn)));
            let (arcs, onward) = rows.keep();
            let most = (0..pairs.len()).map(number).max().map_or(0, |most| most as usize);
            prop_assert_eq!(ArcGraph::of_kept(arcs.clone(), onward.clone(), most + 1), Some(rows));
            if !pairs.is_empty() {
                prop_assert_eq!(ArcGraph::of_kept(arcs.clone(), onward.clone(), most), None);
                prop_assert_eq!(ArcGraph::of_kept(arcs[1..].to_vec(), onward, most + 1), None);
            }
        }
    }
}
