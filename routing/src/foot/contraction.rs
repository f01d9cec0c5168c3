//! Which corners matter to those on foot: a contraction hierarchy.
//!
//! Geisberger, Sanders, Schultes, Delling (Contraction Hierarchies, 2008): corner after corner is taken out of the streets,
//! the least important first, and a shortcut joins its neighbours where the quickest way between them led over it. What a
//! street takes on foot never changes, so this is done once. Whoever goes from a place then looks at the few dozen
//! corners of more and more importance that can lie on a way from there.

use super::{Edges, UNREACHED, Vertex};
use crate::columns;
use serde::{Deserialize, Serialize};
use std::{cmp::Reverse, collections::BinaryHeap};

/// So many corners are looked at to find whether a way leads around the one that is taken out. A shortcut too many costs a
/// little time in each question, and nothing else.
const LOOKED_AT: usize = 40;

/// Ways to corners of more importance. Corners are numbered by importance.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(super) struct Ways {
    #[serde(with = "columns")]
    first: Vec<u32>,
    #[serde(with = "columns")]
    to: Vec<(Vertex, u32)>,
}

impl Ways {
    pub(super) fn of(&self, vertex: Vertex) -> &[(Vertex, u32)] {
        &self.to[self.first[vertex as usize] as usize..self.first[vertex as usize + 1] as usize]
    }

    pub(super) fn vertices(&self) -> usize {
        self.first.len() - 1
    }

    /// Whether all ways of so many corners lead up to one of them.
    pub(super) fn are_sound(&self, vertices: usize) -> bool {
        let rows = self.first.len() == vertices + 1
            && self.first.is_sorted()
            && self.first[0] == 0
            && self.first[vertices] as usize == self.to.len();
        rows && (0..vertices as u32)
            .all(|from| self.of(from).iter().all(|way| way.0 > from && (way.0 as usize) < vertices))
    }

    fn new(by_vertex: Vec<Row>) -> Ways {
        let mut ways = Ways { first: vec![0], to: Vec::new() };
        for row in by_vertex {
            ways.to.extend(row);
            ways.first.push(ways.to.len() as u32);
        }
        ways
    }
}

/// A corner's ways in one direction: to which corner or from which, and the ms.
type Row = Vec<(Vertex, u32)>;

/// The streets while corners are taken out of them.
struct Streets {
    away: Vec<Row>,
    towards: Vec<Row>,
    /// By corner: how many were taken out below it, one above the other.
    depth: Vec<u32>,
    labels: Vec<(u32, u32)>,
    round: u32,
    queue: BinaryHeap<Reverse<(u32, Vertex)>>,
}

/// By old number: the importance of each corner; and the ways up, in the direction of travel and against it, by importance.
pub(super) fn contract(away: &Edges, towards: &Edges, vertices: usize) -> (Vec<u32>, Ways, Ways) {
    let rows = |edges: &Edges| {
        (0..vertices as u32)
            .map(|v| edges.of(v).iter().copied().filter(|way| way.0 != v).collect())
            .collect::<Vec<Row>>()
    };
    let mut streets = Streets {
        away: rows(away),
        towards: rows(towards),
        depth: vec![0; vertices],
        labels: vec![(0, 0); vertices],
        round: 0,
        queue: BinaryHeap::new(),
    };
    let mut shortcuts = Vec::new();
    let mut order: BinaryHeap<Reverse<(i64, Vertex)>> = BinaryHeap::with_capacity(vertices);
    for vertex in 0..vertices as u32 {
        order.push(Reverse((streets.cost(vertex, &mut shortcuts), vertex)));
    }
    let mut rank = vec![0; vertices];
    let (mut up, mut down) = (Vec::with_capacity(vertices), Vec::with_capacity(vertices));
    while let Some(Reverse((_, vertex))) = order.pop() {
        // What was worked out for it before may have changed since: if others come first now, it waits.
        let cost = streets.cost(vertex, &mut shortcuts);
        if order.peek().is_some_and(|Reverse(next)| (cost, vertex) > *next) {
            order.push(Reverse((cost, vertex)));
            continue;
        }
        rank[vertex as usize] = up.len() as u32;
        let (mine, back) = streets.take_out(vertex, &shortcuts);
        up.push(mine);
        down.push(back);
    }
    for row in up.iter_mut().chain(&mut down) {
        row.iter_mut().for_each(|way| way.0 = rank[way.0 as usize]);
        row.sort_unstable();
    }
    (rank, Ways::new(up), Ways::new(down))
}

impl Streets {
    /// How much it costs to take a corner out: the ways that there are then more than before, and how deep it lies. Leaves the
    /// shortcuts that it takes in `shortcuts`.
    fn cost(&mut self, vertex: Vertex, shortcuts: &mut Vec<(Vertex, Vertex, u32)>) -> i64 {
        shortcuts.clear();
        let (into, out) = (std::mem::take(&mut self.towards[vertex as usize]), &self.away[vertex as usize]);
        let farthest = out.iter().map(|way| way.1).max().unwrap_or(0);
        let out = out.clone();
        for &(from, there) in &into {
            if out.iter().all(|way| way.0 == from) {
                continue;
            }
            self.look(from, vertex, there.saturating_add(farthest), &out);
            for &(to, on) in out.iter().filter(|way| way.0 != from) {
                let over = there.saturating_add(on);
                let label = self.labels[to as usize];
                if label.0 != self.round || label.1 > over {
                    shortcuts.push((from, to, over));
                }
            }
        }
        let removed = into.len() + out.len();
        self.towards[vertex as usize] = into;
        2 * (shortcuts.len() as i64 - removed as i64) + i64::from(self.depth[vertex as usize])
    }

    /// How far corners are from one of them without a way over another, as far as that is soon found.
    fn look(&mut self, from: Vertex, without: Vertex, limit_ms: u32, wanted: &[(Vertex, u32)]) {
        self.round += 1;
        self.queue.clear();
        self.labels[from as usize] = (self.round, 0);
        self.queue.push(Reverse((0, from)));
        let mut missing = wanted.iter().filter(|way| way.0 != from).count();
        for _ in 0..LOOKED_AT {
            let Some(Reverse((ms, vertex))) = self.queue.pop() else { break };
            if ms > self.labels[vertex as usize].1 {
                continue;
            }
            if wanted.iter().any(|way| way.0 == vertex) && vertex != from {
                missing -= 1;
            }
            if ms >= limit_ms || missing == 0 {
                break;
            }
            for &(to, more) in &self.away[vertex as usize] {
                let there = ms.saturating_add(more);
                let label = &mut self.labels[to as usize];
                if to != without && (label.0 != self.round || there < label.1) {
                    *label = (self.round, there);
                    self.queue.push(Reverse((there, to)));
                }
            }
        }
    }

    /// Takes a corner out; its ways to those that are left, in both directions.
    fn take_out(&mut self, vertex: Vertex, shortcuts: &[(Vertex, Vertex, u32)]) -> (Row, Row) {
        let out = std::mem::take(&mut self.away[vertex as usize]);
        let into = std::mem::take(&mut self.towards[vertex as usize]);
        for &(to, _) in &out {
            self.towards[to as usize].retain(|way| way.0 != vertex);
        }
        for &(from, _) in &into {
            self.away[from as usize].retain(|way| way.0 != vertex);
        }
        let above = self.depth[vertex as usize] + 1;
        for &(neighbour, _) in out.iter().chain(&into) {
            let depth = &mut self.depth[neighbour as usize];
            *depth = (*depth).max(above);
        }
        for &(from, to, ms) in shortcuts {
            lower(&mut self.away[from as usize], to, ms);
            lower(&mut self.towards[to as usize], from, ms);
        }
        (out, into)
    }
}

/// A way that takes so long, if there was none or it took longer.
fn lower(ways: &mut Row, to: Vertex, ms: u32) {
    match ways.iter_mut().find(|way| way.0 == to) {
        Some(way) => way.1 = way.1.min(ms),
        None => ways.push((to, ms)),
    }
}

/// Working memory of a climb, kept between climbs.
#[derive(Debug, Default)]
pub(crate) struct Climb {
    round: u32,
    labels: Vec<(u32, u32)>,
    queue: BinaryHeap<Reverse<(u32, Vertex)>>,
}

impl Climb {
    /// Visits the corners of more and more importance that may lie on a quickest way from the starts, up to `limit_ms`.
    /// `ways` lead up in the direction of the climb, `back` against it.
    pub(super) fn up(
        &mut self,
        [ways, back]: [&Ways; 2],
        starts: &[(Vertex, u32)],
        limit_ms: u32,
        mut reached: impl FnMut(Vertex, u32),
    ) {
        self.queue.clear();
        self.labels.resize(ways.vertices(), (0, UNREACHED));
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.labels.fill((0, UNREACHED));
            self.round = 1;
        }
        for &(vertex, ms) in starts {
            self.improve(vertex, ms);
        }
        while let Some(Reverse((ms, vertex))) = self.queue.pop() {
            if ms > limit_ms {
                break;
            }
            if ms > self.labels[vertex as usize].1 {
                continue;
            }
            // Whoever could have come down to here sooner is on no quickest way.
            let sooner = |&(over, more): &(Vertex, u32)| {
                let label = self.labels[over as usize];
                label.0 == self.round && label.1.saturating_add(more) < ms
            };
            if back.of(vertex).iter().any(sooner) {
                continue;
            }
            reached(vertex, ms);
            for &(over, more) in ways.of(vertex) {
                self.improve(over, ms.saturating_add(more));
            }
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
