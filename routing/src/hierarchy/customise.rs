//! What the ways cost, for one picture of the traffic.

use super::topology::{Below, Topology, Ways};

/// There is no way, or not now. Two of them still fit.
pub(super) const NO_WAY: u32 = u32::MAX / 2;

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
        for (over, on) in across.over[ways.clone()].iter().zip(&on[ways]) {
            let known = &mut row[*over as usize];
            *known = (*known).min(cost + on);
        }
    }
}
