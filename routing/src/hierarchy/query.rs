//! The quickest way between two sets of vertices: up from the one, down to the other.
//!
//! Whoever can be above a vertex on any way is one of its ancestors (Bauer et al., Search-Space Size in Contraction
//! Hierarchies, 2016), so both searches walk from parent to parent, without a queue.

use super::{
    customise::{Costs, NO_WAY, offer},
    topology::{Below, FromBelow, NOBODY, Topology, Ways},
};
use std::cmp::Ordering;

/// Where a search begins, and what that costs, ms.
pub(super) type Start = (u32, u32);

/// Working memory: costs that all are [`NO_WAY`] between questions.
#[derive(Debug, Default)]
pub struct Memory {
    forward: Side,
    backward: Side,
}

#[derive(Debug, Default)]
struct Side {
    cost: Vec<u32>,
    /// Where the walk is: from each start, all in step.
    front: Vec<u32>,
}

impl Side {
    fn begin(&mut self, starts: &[Start], vertices: usize) {
        self.cost.resize(vertices, NO_WAY);
        self.front.clear();
        for &(vertex, cost) in starts {
            let known = &mut self.cost[vertex as usize];
            *known = (*known).min(cost);
            self.front.push(vertex);
        }
    }

    /// The least vertex at which the walk is; [`NOBODY`] at its end.
    fn here(&self) -> u32 {
        self.front.iter().copied().min().unwrap_or(NOBODY)
    }

    fn go_on(&mut self, here: u32, parent: u32) {
        self.front.iter_mut().filter(|vertex| **vertex == here).for_each(|vertex| *vertex = parent);
        // What began side by side goes on as one.
        if self.front.iter().all(|vertex| *vertex == parent) {
            self.front.truncate(1);
        }
    }

    fn relax(&mut self, ways: &Ways, costs: &[u32], here: u32) {
        let range = ways.of(here);
        offer(&ways.over[range.clone()], &costs[range], self.cost[here as usize], &mut self.cost);
    }

    /// The vertex below from which the walk came to `here`; `None` where it began. Nobody noted it on the way: most vertices lie on no
    /// quickest way, and the costs tell.
    fn before(
        &self,
        here: u32,
        starts: &[Start],
        (below, ways, costs): (&Below, &Ways, &[u32]),
    ) -> Option<u32> {
        let cost = self.cost[here as usize];
        if starts.contains(&(here, cost)) {
            return None;
        }
        let leads = |from: &&FromBelow| {
            self.cost[from.vertex as usize] + costs[ways.of(from.vertex).start + usize::from(from.way)]
                == cost
        };
        below.of(here).iter().find(leads).map(|from| from.vertex)
    }

    fn end(&mut self, starts: &[Start], topology: &Topology) {
        for &(start, _) in starts {
            let mut vertex = start;
            // Where another start's walk has passed there is nothing left to do.
            while vertex != NOBODY && self.cost[vertex as usize] != u32::MAX {
                self.cost[vertex as usize] = u32::MAX;
                vertex = topology.parent[vertex as usize];
            }
        }
        for &(start, _) in starts {
            let mut vertex = start;
            while vertex != NOBODY && self.cost[vertex as usize] == u32::MAX {
                self.cost[vertex as usize] = NO_WAY;
                vertex = topology.parent[vertex as usize];
            }
        }
    }
}

/// The quickest way, if it is quicker than `longest`: what it costs, and its vertices in `path`.
pub(super) fn quickest(
    topology: &Topology,
    costs: &Costs,
    [from, to]: [&[Start]; 2],
    longest: u32,
    memory: &mut Memory,
    path: Option<&mut Vec<u32>>,
) -> Option<u32> {
    let Memory { forward, backward } = memory;
    forward.begin(from, topology.vertices());
    backward.begin(to, topology.vertices());
    let (mut best, mut top) = (longest.min(NO_WAY), NOBODY);
    loop {
        let (f, b) = (forward.here(), backward.here());
        let here = f.min(b);
        if here == NOBODY {
            break;
        }
        let parent = topology.parent[here as usize];
        if f == here && b == here {
            let there = forward.cost[here as usize] + backward.cost[here as usize];
            if there < best {
                (best, top) = (there, here);
            }
        }
        if f == here {
            if forward.cost[here as usize] < best {
                forward.relax(&topology.up, &costs.up, here);
            }
            forward.go_on(here, parent);
        }
        if b == here {
            if backward.cost[here as usize] < best {
                backward.relax(&topology.down, &costs.down, here);
            }
            backward.go_on(here, parent);
        }
    }
    if let (Some(path), true) = (path, top != NOBODY) {
        path.clear();
        let mut ups = vec![top];
        let mut vertex = top;
        while let Some(before) = forward.before(vertex, from, (&topology.up_below, &topology.up, &costs.up)) {
            vertex = before;
            ups.push(vertex);
        }
        ups.reverse();
        path.push(ups[0]);
        for pair in ups.windows(2) {
            topology.unpack(costs, pair[0], pair[1], path);
        }
        let mut vertex = top;
        let down = (&topology.down_below, &topology.down, costs.down.as_slice());
        while let Some(after) = backward.before(vertex, to, down) {
            topology.unpack(costs, vertex, after, path);
            vertex = after;
        }
    }
    forward.end(from, topology);
    backward.end(to, topology);
    (top != NOBODY).then_some(best)
}

/// All vertices above some, least first, and what it costs up to them: by ways up, or back along ways down.
pub(super) fn climb(
    topology: &Topology,
    ways: &Ways,
    costs: &[u32],
    starts: &[Start],
    memory: &mut Memory,
) -> Vec<(u32, u32)> {
    let side = &mut memory.forward;
    side.begin(starts, topology.vertices());
    let mut above = Vec::new();
    loop {
        let here = side.here();
        if here == NOBODY {
            break;
        }
        let cost = side.cost[here as usize];
        if cost < NO_WAY {
            above.push((here, cost));
            side.relax(ways, costs, here);
        }
        side.go_on(here, topology.parent[here as usize]);
    }
    side.end(starts, topology);
    above
}

impl Topology {
    /// Appends the vertices of a way, without its first.
    fn unpack(&self, costs: &Costs, from: u32, to: u32, path: &mut Vec<u32>) {
        let mut open = vec![(from, to)];
        while let Some((from, to)) = open.pop() {
            match self.middle(costs, from, to) {
                Some(middle) => open.extend([(middle, to), (from, middle)]),
                None => path.push(to),
            }
        }
    }

    /// The lesser vertex over which a way leads; `None` where it is a transition.
    fn middle(&self, costs: &Costs, from: u32, to: u32) -> Option<u32> {
        let cost = match from < to {
            true => costs.up[self.up.find(from, to)?],
            false => costs.down[self.down.find(to, from)?],
        };
        // Down from the one and up to the other: both rows are sorted by the vertex below.
        let (there, on) = (self.down_below.of(from), self.up_below.of(to));
        let over = |there: &FromBelow, on: &FromBelow| {
            let way = |ways: &Ways, from: &FromBelow| ways.of(from.vertex).start + usize::from(from.way);
            let fits = costs.down[way(&self.down, there)] + costs.up[way(&self.up, on)] == cost;
            fits.then_some(there.vertex)
        };
        let (mut i, mut k) = (0, 0);
        while i < there.len() && k < on.len() {
            match there[i].vertex.cmp(&on[k].vertex) {
                Ordering::Less => i += 1,
                Ordering::Greater => k += 1,
                Ordering::Equal => {
                    if let Some(vertex) = over(&there[i], &on[k]) {
                        return Some(vertex);
                    }
                    (i, k) = (i + 1, k + 1);
                }
            }
        }
        None
    }
}
