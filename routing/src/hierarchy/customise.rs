//! What the ways cost, for one picture of the traffic.

use super::topology::{Below, Topology, Ways};

/// There is no way, or not now. Two of them still fit, with a sign too.
pub(super) const NO_WAY: u32 = u32::MAX / 4;

/// Costs of all ways, ms.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Costs {
    /// Of the ways up.
    pub(super) up: Vec<u32>,
    /// Of the ways down.
    pub(super) down: Vec<u32>,
}

/// Rows of costs by the vertex above, for the vertex that is being looked at.
struct Rows {
    up: Vec<u32>,
    down: Vec<u32>,
}

impl Topology {
    /// Lets every way cost what the quickest way over lesser vertices costs, where that is less. `costs` are those of
    /// transitions alone, [`NO_WAY`] where there is none.
    pub(super) fn customise(&self, costs: &mut Costs) {
        let mut rows = Rows { up: vec![NO_WAY; self.vertices()], down: vec![NO_WAY; self.vertices()] };
        for vertex in 0..self.vertices() as u32 {
            // Only ways that are there can get quicker, so rows need no cleaning: whatever else is written in them is
            // overwritten before it is read.
            spread(&self.up, vertex, &costs.up, &mut rows.up);
            spread(&self.down, vertex, &costs.down, &mut rows.down);
            relax((&self.down_below, vertex), (&self.down, &costs.down), (&self.up, &costs.up), &mut rows.up);
            relax((&self.up_below, vertex), (&self.up, &costs.up), (&self.down, &costs.down), &mut rows.down);
            gather(&self.up, vertex, &mut costs.up, &rows.up);
            gather(&self.down, vertex, &mut costs.down, &rows.down);
        }
    }
}

fn spread(ways: &Ways, vertex: u32, costs: &[u32], row: &mut [u32]) {
    for way in ways.of(vertex) {
        row[ways.over[way] as usize] = costs[way];
    }
}

fn gather(ways: &Ways, vertex: u32, costs: &mut [u32], row: &[u32]) {
    for way in ways.of(vertex) {
        costs[way] = row[ways.over[way] as usize];
    }
}

/// Over each lesser vertex: from `vertex` down to it and on up (or from above down to it and up to `vertex`).
fn relax(
    (below, vertex): (&Below, u32),
    (there, costs): (&Ways, &[u32]),
    (across, on): (&Ways, &[u32]),
    row: &mut [u32],
) {
    for from in below.of(vertex) {
        let cost = costs[there.first[from.vertex as usize] as usize + usize::from(from.way)];
        let ways = across.of(from.vertex);
        let ways = ways.start + usize::from(from.above)..ways.end;
        offer(&across.over[ways.clone()], &on[ways], cost, row);
    }
}

/// As many numbers as are looked at in one step.
const STEP: usize = 8;

/// Lets the entries of `row` at `over` be no more than `cost` and what stands `on` the ways there.
///
/// Whoever is above a vertex often has its neighbours there too, numbered one after another, and for these the processor looks at
/// several at a time. As signed numbers: those it compares in one step everywhere, and all of them fit ([`NO_WAY`]).
pub(super) fn offer(over: &[u32], on: &[u32], cost: u32, row: &mut [u32]) {
    let one = |known: &mut u32, on: u32| *known = (*known as i32).min((cost + on) as i32) as u32;
    let (steps, others) = (over.chunks_exact(STEP), on.chunks_exact(STEP));
    let rest = steps.remainder().iter().zip(others.remainder());
    for (over, on) in steps.zip(others) {
        let first = over[0] as usize;
        if over[STEP - 1] as usize - first == STEP - 1 {
            row[first..first + STEP].iter_mut().zip(on).for_each(|(known, &on)| one(known, on));
        } else {
            over.iter().zip(on).for_each(|(&over, &on)| one(&mut row[over as usize], on));
        }
    }
    rest.for_each(|(&over, &on)| one(&mut row[over as usize], on));
}
