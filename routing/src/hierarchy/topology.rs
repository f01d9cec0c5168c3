//! What could ever matter: every pair of arcs between which a way may lead over lesser arcs only, whatever things cost.

use crate::columns::{self, Entry};
use serde::{Deserialize, Serialize};

/// A way from one vertex to another that stands for transitions, or for a way over lesser vertices, or both.
///
/// Vertices are arcs of the street graph, numbered by importance. A way leads up to its head, or down from it; each vertex
/// keeps both kinds that join it to vertices of more importance, sorted by these.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Ways {
    /// By vertex: where its ways begin.
    #[serde(with = "columns")]
    pub(super) first: Vec<u32>,
    /// The vertex of more importance at the other end.
    #[serde(with = "columns")]
    pub(super) over: Vec<u32>,
}

impl Ways {
    pub(super) fn of(&self, vertex: u32) -> std::ops::Range<usize> {
        self.first[vertex as usize] as usize..self.first[vertex as usize + 1] as usize
    }

    /// The way between a vertex and one of more importance.
    pub(super) fn find(&self, vertex: u32, over: u32) -> Option<usize> {
        let ways = self.of(vertex);
        self.over[ways.clone()].binary_search(&over).ok().map(|i| ways.start + i)
    }

    fn new(mut pairs: Vec<(u32, u32)>, vertices: usize) -> Ways {
        pairs.sort_unstable();
        let mut first = vec![0; vertices + 1];
        for &(vertex, _) in &pairs {
            first[vertex as usize + 1] += 1;
        }
        for i in 0..vertices {
            first[i + 1] += first[i];
        }
        // A copy: to collect what one takes from a vector keeps the memory of all of it.
        Ways { first, over: pairs.iter().map(|&(_, over)| over).collect() }
    }
}

/// A way from below, as its upper vertex sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct FromBelow {
    /// The lower vertex.
    pub(super) vertex: u32,
    /// The way's place among the lower vertex's ways of its kind.
    pub(super) way: u16,
    /// Where, among the lower vertex's ways of the other kind, those begin that lead to vertices above the upper one.
    pub(super) above: u16,
}

impl Entry for FromBelow {
    const BYTES: usize = <(u32, [u16; 2])>::BYTES;

    fn write(self, bytes: &mut Vec<u8>) {
        (self.vertex, [self.way, self.above]).write(bytes);
    }

    fn read(bytes: &[u8]) -> Self {
        let (vertex, [way, above]) = Entry::read(bytes);
        FromBelow { vertex, way, above }
    }
}

/// A place in a row of ways from one vertex up. All of them lead to one another, so a row of thousands would be a city whose streets
/// all meet all others.
fn place(at: usize) -> u16 {
    u16::try_from(at).expect("streets can be cut apart by fewer than 65,536 of them")
}

/// By vertex: the ways of one kind that come from below.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Below {
    #[serde(with = "columns")]
    pub(super) first: Vec<u32>,
    #[serde(with = "columns")]
    pub(super) ways: Vec<FromBelow>,
}

impl Below {
    fn new(ways: &Ways, others: &Ways, vertices: usize) -> Below {
        let mut first = vec![0_u32; vertices + 1];
        for &over in &ways.over {
            first[over as usize + 1] += 1;
        }
        for i in 0..vertices {
            first[i + 1] += first[i];
        }
        let mut next = first.clone();
        let mut from = vec![FromBelow { vertex: 0, way: 0, above: 0 }; ways.over.len()];
        for vertex in 0..vertices as u32 {
            let across = others.of(vertex);
            for way in ways.of(vertex) {
                let over = ways.over[way];
                let above = others.over[across.clone()].partition_point(|&other| other <= over);
                let slot = &mut next[over as usize];
                let way = way - ways.of(vertex).start;
                from[*slot as usize] = FromBelow { vertex, way: place(way), above: place(above) };
                *slot += 1;
            }
        }
        Below { first, ways: from }
    }

    pub(super) fn of(&self, vertex: u32) -> &[FromBelow] {
        &self.ways[self.first[vertex as usize] as usize..self.first[vertex as usize + 1] as usize]
    }
}

/// No vertex.
pub(super) const NOBODY: u32 = u32::MAX;

/// All that holds for any costs.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Topology {
    /// Ways from each vertex up.
    pub(super) up: Ways,
    /// Ways down to each vertex.
    pub(super) down: Ways,
    /// The ways up that come to a vertex from below.
    pub(super) up_below: Below,
    /// The ways down that leave a vertex.
    pub(super) down_below: Below,
    /// By vertex: the least of those above it; all others above it are above that one too. [`NOBODY`] at the top.
    #[serde(with = "columns")]
    pub(super) parent: Vec<u32>,
}

impl Topology {
    /// `transitions` are pairs of vertices.
    pub(super) fn new(vertices: usize, transitions: &[[u32; 2]]) -> Topology {
        let above = above(vertices, transitions.iter().copied());
        let parent = above.iter().map(|above| above.first().copied().unwrap_or(NOBODY)).collect();
        let (up, down) = directed(&above, transitions);
        let up_below = Below::new(&up, &down, vertices);
        let down_below = Below::new(&down, &up, vertices);
        Topology { up, down, up_below, down_below, parent }
    }

    /// Whether its rows are as long as each other says.
    pub(super) fn is_sound(&self) -> bool {
        let rows = |first: &[u32], entries: usize| {
            first.len() == self.vertices() + 1 && first.is_sorted() && first.last() == Some(&(entries as u32))
        };
        [&self.up, &self.down].iter().all(|ways| rows(&ways.first, ways.over.len()))
            && [&self.up_below, &self.down_below].iter().all(|below| rows(&below.first, below.ways.len()))
    }

    pub(super) fn vertices(&self) -> usize {
        self.parent.len()
    }
}

/// By vertex: those of more importance to which a way may lead over lesser ones, whatever things cost; in order.
pub(crate) fn above(vertices: usize, pairs: impl Iterator<Item = [u32; 2]>) -> Vec<Vec<u32>> {
    // Whoever is joined through a lesser vertex is joined (Dibbelt, Strasser, Wagner 2014): the neighbours above a vertex
    // are handed to the least of them.
    let mut above: Vec<Vec<u32>> = vec![Vec::new(); vertices];
    for [a, b] in pairs.filter(|[a, b]| a != b) {
        above[a.min(b) as usize].push(a.max(b));
    }
    for vertex in 0..vertices {
        let mut mine = std::mem::take(&mut above[vertex]);
        mine.sort_unstable();
        mine.dedup();
        if let Some((&least, rest)) = mine.split_first() {
            above[least as usize].extend_from_slice(rest);
        }
        mine.shrink_to_fit();
        above[vertex] = mine;
    }
    above
}

/// Kinds of ways that join a pair.
const UP: u8 = 1;
const DOWN: u8 = 2;

/// Many pairs are joined in one direction only: streets lead somewhere. Of each pair, whether there is a way up and whether
/// there is one down.
fn directed(above: &[Vec<u32>], transitions: &[[u32; 2]]) -> (Ways, Ways) {
    let mut first = vec![0_usize; above.len() + 1];
    for (vertex, above) in above.iter().enumerate() {
        first[vertex + 1] = first[vertex] + above.len();
    }
    let mut kinds = vec![0_u8; first[above.len()]];
    for &[a, b] in transitions.iter().filter(|[a, b]| a != b) {
        let (low, high, kind) = if a < b { (a, b, UP) } else { (b, a, DOWN) };
        let at = above[low as usize].binary_search(&high).unwrap_or_else(|_| unreachable!("put there above"));
        kinds[first[low as usize] + at] |= kind;
    }
    for vertex in 0..above.len() {
        let mine = &above[vertex];
        for (i, &low) in mine.iter().enumerate() {
            let there = kinds[first[vertex] + i];
            let row = &above[low as usize];
            let mut at = 0;
            for (k, &high) in mine.iter().enumerate().skip(i + 1) {
                let on = kinds[first[vertex] + k];
                let kind = way_through(there, on);
                if kind == 0 {
                    continue;
                }
                at += row[at..].partition_point(|&other| other < high);
                kinds[first[low as usize] + at] |= kind;
            }
        }
    }
    let pairs = |kind: u8| {
        let mut pairs = Vec::new();
        for (vertex, above) in above.iter().enumerate() {
            let mine = above.iter().enumerate().filter(|(i, _)| kinds[first[vertex] + i] & kind != 0);
            pairs.extend(mine.map(|(_, &over)| (vertex as u32, over)));
        }
        pairs
    };
    (Ways::new(pairs(UP), above.len()), Ways::new(pairs(DOWN), above.len()))
}

/// Ways between two vertices through a lesser one: up from `low` to `high` where a way leads from `low` down to it and on
/// up to `high`, and down the other way.
fn way_through(low: u8, high: u8) -> u8 {
    let up = if low & DOWN != 0 && high & UP != 0 { UP } else { 0 };
    let down = if high & DOWN != 0 && low & UP != 0 { DOWN } else { 0 };
    up | down
}
