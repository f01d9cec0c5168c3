//! The streets as those on foot use them, for searches that go out in all directions.
//!
//! [`crate::street`] finds one way; timetables need the way to every stop around. On foot no turn costs
//! anything, so arcs that end at the same place are one vertex here, and a street is one edge: the same costs
//! to the millisecond as on [`StreetGraph`], with half the vertices.

use crate::{
    graph::{ArcIx, StreetGraph},
    nearest::OnArc,
};
use petgraph::visit::EdgeRef;
use std::{cmp::Reverse, collections::BinaryHeap};

/// A vertex of a [`FootGraph`].
pub(crate) type Vertex = u32;

const UNREACHED: u32 = u32::MAX;

/// Edges by the vertex that they leave, in one row.
#[derive(Debug, Default)]
struct Edges {
    first: Vec<u32>,
    to: Vec<(Vertex, u32)>,
}

impl Edges {
    fn new(vertices: usize, mut edges: Vec<(Vertex, Vertex, u32)>) -> Edges {
        edges.sort_unstable();
        // Of several between the same two the quickest, which comes first.
        edges.dedup_by_key(|&mut (from, to, _)| (from, to));
        let mut first = vec![0; vertices + 1];
        for &(from, ..) in &edges {
            first[from as usize + 1] += 1;
        }
        for i in 0..vertices {
            first[i + 1] += first[i];
        }
        Edges { first, to: edges.into_iter().map(|(_, to, ms)| (to, ms)).collect() }
    }

    fn of(&self, vertex: Vertex) -> &[(Vertex, u32)] {
        &self.to[self.first[vertex as usize] as usize..self.first[vertex as usize + 1] as usize]
    }
}

/// Where somebody joins or leaves the streets: a vertex, and the ms to it or from it.
pub(crate) type Ends = Vec<(Vertex, u32)>;

/// Which way one looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Direction {
    /// From the start to everywhere.
    Away,
    /// From everywhere to the start.
    Towards,
}

/// Vertices and ways between them, both ways.
#[derive(Debug)]
pub(crate) struct FootGraph {
    away: Edges,
    towards: Edges,
    /// By arc of the street graph: the vertices where it begins and ends.
    ends: Vec<[Vertex; 2]>,
    free_s: Vec<f64>,
    streets: usize,
}

/// Working memory of a search, kept between searches.
#[derive(Debug, Default)]
pub(crate) struct FootScratch {
    round: u32,
    labels: Vec<(u32, u32)>,
    queue: BinaryHeap<Reverse<(u32, Vertex)>>,
}

impl FootGraph {
    /// Makes it of the streets of one who goes both ways (on foot, or in a wheelchair).
    pub(crate) fn new(street: &StreetGraph) -> FootGraph {
        let arcs = street.graph.node_count();
        // Union-find over the ends of arcs: joined where one leads to the next without any cost.
        let mut of = (0..2 * arcs as u32).collect::<Vec<_>>();
        fn root(of: &mut [u32], mut i: u32) -> u32 {
            while of[i as usize] != i {
                of[i as usize] = of[of[i as usize] as usize];
                i = of[i as usize];
            }
            i
        }
        let (begin, end) = (|arc: ArcIx| 2 * arc.index() as u32, |arc: ArcIx| 2 * arc.index() as u32 + 1);
        let mut costly = Vec::new();
        for edge in street.graph.edge_references() {
            let (from, to) = (end(edge.source()), begin(edge.target()));
            match edge.weight().free_ms {
                0 => {
                    let (from, to) = (root(&mut of, from), root(&mut of, to));
                    of[from.max(to) as usize] = from.min(to);
                }
                ms => costly.push((from, to, ms)),
            }
        }
        let mut number = vec![UNREACHED; of.len()];
        let mut streets = 0;
        let mut vertex = |i: u32| {
            let root = root(&mut of, i) as usize;
            if number[root] == UNREACHED {
                number[root] = streets;
                streets += 1;
            }
            number[root]
        };
        let ends: Vec<[Vertex; 2]> =
            street.graph.node_indices().map(|arc| [vertex(begin(arc)), vertex(end(arc))]).collect();
        let mut edges: Vec<_> =
            costly.into_iter().map(|(from, to, ms)| (vertex(from), vertex(to), ms)).collect();
        let free_ms: Vec<u32> = street.graph.node_weights().map(|arc| arc.free_ms).collect();
        edges.extend(ends.iter().zip(&free_ms).map(|(&[from, to], &ms)| (from, to, ms)));
        let free_s = street.graph.node_weights().map(|arc| arc.free_s).collect();
        let turned = edges.iter().map(|&(from, to, ms)| (to, from, ms)).collect();
        let streets = streets as usize;
        FootGraph {
            away: Edges::new(streets, edges),
            towards: Edges::new(streets, turned),
            ends,
            free_s,
            streets,
        }
    }

    /// How many vertices there are.
    pub(crate) fn vertices(&self) -> usize {
        self.streets
    }

    /// From a place on the streets to their vertices, or from vertices to it.
    pub(crate) fn ends_of(&self, feet: &[OnArc], direction: Direction) -> Ends {
        let end = |foot: &OnArc| {
            let arc = foot.arc.index();
            let (vertex, share) = match direction {
                Direction::Away => (self.ends[arc][1], 1.0 - foot.along),
                Direction::Towards => (self.ends[arc][0], foot.along),
            };
            (vertex, crate::graph::whole_ms(self.free_s[arc] * share))
        };
        feet.iter().map(end).collect()
    }

    /// Time along one arc from one foot to another, if both lie on it in that order.
    pub(crate) fn along_ms(&self, from: &[OnArc], to: &[OnArc]) -> Option<u32> {
        let pairs = from.iter().flat_map(|a| to.iter().map(move |b| (a, b)));
        let on_one = pairs.filter(|(a, b)| a.arc == b.arc && b.along >= a.along);
        on_one.map(|(a, b)| crate::graph::whole_ms(self.free_s[a.arc.index()] * (b.along - a.along))).min()
    }

    /// Visits vertices in order of their distance in ms, up to `limit_ms`.
    pub(crate) fn visit(
        &self,
        starts: &[(Vertex, u32)],
        direction: Direction,
        limit_ms: u32,
        scratch: &mut FootScratch,
        mut reached: impl FnMut(Vertex, u32),
    ) {
        let edges = match direction {
            Direction::Away => &self.away,
            Direction::Towards => &self.towards,
        };
        scratch.begin(self.streets);
        for &(vertex, ms) in starts {
            scratch.improve(vertex, ms);
        }
        while let Some(Reverse((ms, vertex))) = scratch.queue.pop() {
            if ms > limit_ms {
                break;
            }
            if ms > scratch.labels[vertex as usize].1 {
                continue;
            }
            reached(vertex, ms);
            for &(next, cost_ms) in edges.of(vertex) {
                scratch.improve(next, ms.saturating_add(cost_ms));
            }
        }
    }
}

impl FootScratch {
    fn begin(&mut self, vertices: usize) {
        self.queue.clear();
        self.labels.resize(vertices, (0, UNREACHED));
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.labels.fill((0, UNREACHED));
            self.round = 1;
        }
    }

    fn improve(&mut self, vertex: Vertex, ms: u32) {
        let label = &mut self.labels[vertex as usize];
        if label.0 != self.round || ms < label.1 {
            *label = (self.round, ms);
            self.queue.push(Reverse((ms, vertex)));
        }
    }
}
