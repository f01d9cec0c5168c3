//! Which corners matter to those on foot: a contraction hierarchy.
//!
//! Geisberger, Sanders, Schultes, Delling (Contraction Hierarchies, 2008): corner after corner is taken out of the streets,
//! the least important first, and a shortcut joins its neighbours where the quickest way between them led over it. What a
//! street takes on foot never changes, so this is done once. Whoever goes from a place then looks at the few dozen
//! corners of more and more importance that can lie on a way from there.
//!
//! On foot no street is quicker than another, so none stands out, and corners are ordered by where the city falls apart, as for
//! motors (Dibbelt, Strasser, Wagner 2014). Shortcuts that are no quickest way are dropped at the end (their perfect
//! customisation).

use super::{UNREACHED, Vertex};
use crate::{columns, hierarchy};
use serde::{Deserialize, Serialize};
use std::{cmp::Reverse, collections::BinaryHeap};

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

    /// Of ways by the vertex that they leave.
    fn new(vertices: usize, ways: impl Iterator<Item = (Vertex, Vertex, u32)>) -> Ways {
        let (mut first, mut to) = (vec![0; vertices + 1], Vec::new());
        for (from, over, ms) in ways {
            first[from as usize + 1] += 1;
            to.push((over, ms));
        }
        for i in 0..vertices {
            first[i + 1] += first[i];
        }
        to.shrink_to_fit();
        Ways { first, to }
    }
}

/// Corners, and those above each that a way may lead to over lesser ones.
struct Corners {
    first: Vec<u32>,
    over: Vec<Vertex>,
    /// By pair: the ms up, and the ms down. [`UNREACHED`] where there is no way.
    up: Vec<u32>,
    down: Vec<u32>,
}

/// By old number: the importance of each corner; and the ways up, in the direction of travel and against it, by importance.
/// `edges` are streets from corner to corner with their ms, `order` is all corners, the least important first.
pub(super) fn contract(edges: &[(Vertex, Vertex, u32)], order: &[Vertex]) -> (Vec<u32>, Ways, Ways) {
    let vertices = order.len();
    let mut rank = vec![0; vertices];
    for (i, &vertex) in order.iter().enumerate() {
        rank[vertex as usize] = i as u32;
    }
    let edges = edges.iter().map(|&(from, to, ms)| (rank[from as usize], rank[to as usize], ms));
    let mut corners = Corners::new(vertices, edges.clone().map(|(from, to, _)| [from, to]));
    edges.for_each(|(from, to, ms)| corners.offer(from, to, ms));
    corners.take_out();
    let (up, down) = corners.quickest();
    (rank, up, down)
}

impl Corners {
    fn new(vertices: usize, pairs: impl Iterator<Item = [Vertex; 2]>) -> Corners {
        let above = hierarchy::above(vertices, pairs);
        let mut first = vec![0_u32; vertices + 1];
        for (vertex, above) in above.iter().enumerate() {
            first[vertex + 1] = first[vertex] + above.len() as u32;
        }
        let over: Vec<Vertex> = above.into_iter().flatten().collect();
        let none = vec![UNREACHED; over.len()];
        Corners { first, over, up: none.clone(), down: none }
    }

    fn row(&self, vertex: usize) -> std::ops::Range<usize> {
        self.first[vertex] as usize..self.first[vertex + 1] as usize
    }

    /// A street between two corners.
    fn offer(&mut self, from: Vertex, to: Vertex, ms: u32) {
        let row = self.row(from.min(to) as usize);
        let Ok(at) = self.over[row.clone()].binary_search(&from.max(to)) else { return };
        let known = if from < to { &mut self.up } else { &mut self.down };
        known[row.start + at] = known[row.start + at].min(ms);
    }

    /// All pairs of corners above `vertex`: the places of its ways to the lesser and to the greater of them, and of the way
    /// between those two.
    fn triangles(&self, vertex: usize, mut each: impl FnMut(usize, usize, usize)) {
        let row = self.row(vertex);
        for low in row.clone() {
            let mut between = self.row(self.over[low] as usize);
            for high in low + 1..row.end {
                // Few others stand between: all that is above `vertex` is above `low` too.
                between.start +=
                    self.over[between.clone()].iter().take_while(|over| **over < self.over[high]).count();
                each(low, high, between.start);
            }
        }
    }

    /// Takes corner after corner out.
    fn take_out(&mut self) {
        let (mut up, mut down) = (std::mem::take(&mut self.up), std::mem::take(&mut self.down));
        for vertex in 0..self.first.len() - 1 {
            self.triangles(vertex, |low, high, between| {
                up[between] = up[between].min(down[low].saturating_add(up[high]));
                down[between] = down[between].min(down[high].saturating_add(up[low]));
            });
        }
        (self.up, self.down) = (up, down);
    }

    /// Those ways that are quickest ones; where another is quicker, nobody takes them.
    fn quickest(mut self) -> (Ways, Ways) {
        let (mut up, mut down) = (self.up.clone(), self.down.clone());
        for vertex in (0..self.first.len() - 1).rev() {
            self.triangles(vertex, |low, high, between| {
                up[low] = up[low].min(self.up[high].saturating_add(down[between]));
                up[high] = up[high].min(self.up[low].saturating_add(up[between]));
                down[low] = down[low].min(up[between].saturating_add(self.down[high]));
                down[high] = down[high].min(down[between].saturating_add(self.down[low]));
            });
        }
        for (known, least) in [(&mut self.up, up), (&mut self.down, down)] {
            known
                .iter_mut()
                .zip(least)
                .filter(|(known, least)| *least < **known)
                .for_each(|(known, _)| *known = UNREACHED);
        }
        let vertices = self.first.len() - 1;
        let ways = |ms: &[u32]| {
            let row = |vertex: usize| self.row(vertex).map(move |at| (vertex as u32, at));
            let all = (0..vertices).flat_map(row).filter(|(_, at)| ms[*at] != UNREACHED);
            Ways::new(vertices, all.map(|(vertex, at)| (vertex, self.over[at], ms[at])))
        };
        (ways(&self.up), ways(&self.down))
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
