//! Which arcs matter most: those by which the streets fall apart into halves, and so on in each half.
//!
//! Buchhold, Wagner, Zeitz and Zündorf (Customizable Contraction Hierarchies with Turn Costs, 2020): what cuts the
//! network's nodes in two is a set of streets, and their arcs are what separates all others; so the order of arcs follows
//! from dissecting nodes, without a look at turns. Cuts are found by inertial flow (Schild and Sommer, On Balanced
//! Separators in Road Networks, 2015): the quarter of the nodes that lies farthest one way is pulled apart from the
//! quarter that lies farthest the other way, in four directions, and the best of the smallest cuts is taken.

/// Share of a cell's nodes that lie on either side of a cut for certain.
const PULLED: f64 = 0.25;
/// Directions in which a cell is pulled apart: east, north, and between them.
const DIRECTIONS: [[f32; 2]; 4] = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, -1.0]];
/// A cell of fewer nodes is cut in the middle: there is nothing to choose.
const SMALL: usize = 4;
/// Cells of at least so many nodes are worth a thread of their own.
const WORTH_A_THREAD: usize = 20_000;

/// Nodes on a plane, and arcs between them.
pub(super) struct Dissection<'a> {
    pub(super) nodes: &'a [[f32; 2]],
    /// Tail and head of each arc.
    pub(super) arcs: &'a [[u32; 2]],
}

impl Dissection<'_> {
    /// All arcs, the least important first.
    pub(super) fn order(&self) -> Vec<u32> {
        let nodes: Vec<u32> = (0..self.nodes.len() as u32).collect();
        let arcs: Vec<u32> = (0..self.arcs.len() as u32).collect();
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let mut scratch = Scratch::default();
        let mut order = Vec::with_capacity(arcs.len());
        self.dissect(nodes, arcs, threads, &mut scratch, &mut order);
        order.reverse();
        order
    }

    /// Appends a cell's arcs, the most important first.
    fn dissect(
        &self,
        nodes: Vec<u32>,
        arcs: Vec<u32>,
        threads: usize,
        scratch: &mut Scratch,
        order: &mut Vec<u32>,
    ) {
        if nodes.len() <= 1 || arcs.is_empty() {
            order.extend(arcs);
            return;
        }
        let far = self.cut(&nodes, &arcs, scratch);
        let mut sides = [Vec::new(), Vec::new()];
        for (&node, &far) in nodes.iter().zip(&far) {
            scratch.side[node as usize] = far;
            sides[usize::from(far)].push(node);
        }
        let mut inside = [Vec::new(), Vec::new()];
        for &arc in &arcs {
            let [a, b] = self.arcs[arc as usize].map(|node| scratch.side[node as usize]);
            if a == b { inside[usize::from(a)].push(arc) } else { order.push(arc) }
        }
        drop((nodes, arcs, far));
        let ([near, far], [near_arcs, far_arcs]) = (sides, inside);
        if threads > 1 && near.len() + far.len() >= WORTH_A_THREAD {
            let half = threads / 2;
            let others = std::thread::scope(|scope| {
                let other = scope.spawn(move || {
                    let (mut scratch, mut order) = (Scratch::default(), Vec::with_capacity(far_arcs.len()));
                    self.dissect(far, far_arcs, threads - half, &mut scratch, &mut order);
                    order
                });
                self.dissect(near, near_arcs, half.max(1), scratch, order);
                other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            });
            order.extend(others);
        } else {
            self.dissect(near, near_arcs, 1, scratch, order);
            self.dissect(far, far_arcs, 1, scratch, order);
        }
    }

    /// For each node of a cell, on which side of the best cut it lies.
    fn cut(&self, nodes: &[u32], arcs: &[u32], scratch: &mut Scratch) -> Vec<bool> {
        let all = self.nodes.len();
        scratch.side.resize(all, false);
        scratch.local.resize(all, 0);
        let mut by_place: Vec<u32> = (0..nodes.len() as u32).collect();
        let along = |local: &u32, [x, y]: [f32; 2]| {
            let at = self.nodes[nodes[*local as usize] as usize];
            at[0] * x + at[1] * y
        };
        if nodes.len() < SMALL {
            by_place.sort_unstable_by(|a, b| along(a, DIRECTIONS[0]).total_cmp(&along(b, DIRECTIONS[0])));
            let mut far = vec![false; nodes.len()];
            by_place[nodes.len() / 2..].iter().for_each(|&i| far[i as usize] = true);
            return far;
        }
        scratch.take_cell(self, nodes, arcs);
        let pulled = ((nodes.len() as f64 * PULLED) as usize).max(1);
        let mut best: Option<(f64, Vec<bool>)> = None;
        for direction in DIRECTIONS {
            let last = by_place.len() - pulled;
            let order = |a: &u32, b: &u32| along(a, direction).total_cmp(&along(b, direction)).then(a.cmp(b));
            by_place.select_nth_unstable_by(pulled, order);
            by_place[pulled..].select_nth_unstable_by(last - pulled, order);
            let most =
                best.as_ref().map_or(u32::MAX, |(score, _)| (*score * nodes.len() as f64 / 2.0) as u32 + 1);
            let Some((flow, far)) = scratch.flow(&by_place[..pulled], &by_place[last..], most) else {
                continue;
            };
            let small = far.iter().filter(|far| **far).count();
            let small = small.min(nodes.len() - small);
            // A cut is as good as it is small beside what it cuts off.
            let score = f64::from(flow) / small as f64;
            if best.as_ref().is_none_or(|(known, _)| score < *known) {
                best = Some((score, far));
            }
        }
        best.map(|(_, far)| far).unwrap_or_else(|| (0..nodes.len()).map(|i| i % 2 == 0).collect())
    }
}

/// Nodes by importance, the least first: of each street that cuts the others apart one end, so that they fall apart without it.
pub(crate) fn nodes_by_importance(nodes: &[[f32; 2]], streets: &[[u32; 2]]) -> Vec<u32> {
    let mut meet = vec![0_u32; nodes.len()];
    streets.iter().flatten().for_each(|&node| meet[node as usize] += 1);
    let (mut cut, mut order) = (vec![false; nodes.len()], Vec::with_capacity(nodes.len()));
    for street in (Dissection { nodes, arcs: streets }).order().into_iter().rev() {
        let [a, b] = streets[street as usize];
        if a != b && !cut[a as usize] && !cut[b as usize] {
            let node = if (meet[a as usize], b) >= (meet[b as usize], a) { a } else { b };
            cut[node as usize] = true;
            order.push(node);
        }
    }
    order.extend((0..nodes.len() as u32).filter(|&node| !cut[node as usize]));
    order.reverse();
    order
}

/// Working memory: a cell's streets as an undirected network of unit capacities, and the flow through it.
#[derive(Default)]
struct Scratch {
    side: Vec<bool>,
    /// By node: its number in the cell.
    local: Vec<u32>,
    first: Vec<u32>,
    to: Vec<u32>,
    /// By half edge: its other half.
    twin: Vec<u32>,
    /// What can still flow along a half edge.
    free: Vec<u8>,
    level: Vec<u32>,
    next: Vec<u32>,
    queue: Vec<u32>,
    ends: Vec<u8>,
}

const UNSEEN: u32 = u32::MAX;
const SOURCE: u8 = 1;
const SINK: u8 = 2;

impl Scratch {
    fn take_cell(&mut self, of: &Dissection<'_>, nodes: &[u32], arcs: &[u32]) {
        for (i, &node) in nodes.iter().enumerate() {
            self.local[node as usize] = i as u32;
        }
        let mut streets: Vec<(u32, u32)> = Vec::with_capacity(arcs.len());
        for &arc in arcs {
            let [a, b] = of.arcs[arc as usize].map(|node| self.local[node as usize]);
            if a != b {
                streets.push((a.min(b), a.max(b)));
            }
        }
        streets.sort_unstable();
        streets.dedup();
        self.first.clear();
        self.first.resize(nodes.len() + 1, 0);
        for &(a, b) in &streets {
            self.first[a as usize + 1] += 1;
            self.first[b as usize + 1] += 1;
        }
        for i in 0..nodes.len() {
            self.first[i + 1] += self.first[i];
        }
        self.next.clear();
        self.next.extend_from_slice(&self.first[..nodes.len()]);
        self.to.resize(2 * streets.len(), 0);
        self.twin.resize(2 * streets.len(), 0);
        for (a, b) in streets {
            let (there, back) = (self.next[a as usize], self.next[b as usize]);
            (self.to[there as usize], self.to[back as usize]) = (b, a);
            (self.twin[there as usize], self.twin[back as usize]) = (back, there);
            self.next[a as usize] += 1;
            self.next[b as usize] += 1;
        }
    }

    /// The smallest cut between two sets of a cell's nodes, and who lies beyond it; `None` if it is larger than `most`.
    /// Dinic's algorithm.
    fn flow(&mut self, sources: &[u32], sinks: &[u32], most: u32) -> Option<(u32, Vec<bool>)> {
        let nodes = self.first.len() - 1;
        self.free.clear();
        self.free.resize(self.to.len(), 1);
        self.ends.clear();
        self.ends.resize(nodes, 0);
        sources.iter().for_each(|&node| self.ends[node as usize] = SOURCE);
        sinks.iter().for_each(|&node| self.ends[node as usize] = SINK);
        let mut flow = 0;
        loop {
            if !self.layer(sources) {
                break;
            }
            self.next.clear();
            self.next.extend_from_slice(&self.first[..nodes]);
            for &source in sources {
                while self.augment(source) {
                    flow += 1;
                    if flow > most {
                        return None;
                    }
                }
            }
        }
        // Everybody whom the flow still reaches is on the near side; or, seen from the other end, whoever still reaches a
        // sink is on the far side. The more even of the two is taken.
        let near: Vec<bool> = self.level.iter().map(|level| *level != UNSEEN).collect();
        let far = self.reaches(sinks);
        let (a, b) = (near.iter().filter(|n| **n).count(), far.iter().filter(|f| **f).count());
        let uneven = |count: usize| count.abs_diff(nodes - count);
        Some((flow, if uneven(a) <= uneven(b) { near.into_iter().map(|near| !near).collect() } else { far }))
    }

    /// Levels from the sources on; whether a sink was reached.
    fn layer(&mut self, sources: &[u32]) -> bool {
        self.level.clear();
        self.level.resize(self.first.len() - 1, UNSEEN);
        self.queue.clear();
        self.queue.extend_from_slice(sources);
        sources.iter().for_each(|&node| self.level[node as usize] = 0);
        let (mut head, mut reached) = (0, false);
        while head < self.queue.len() {
            let node = self.queue[head] as usize;
            head += 1;
            for edge in self.first[node]..self.first[node + 1] {
                let to = self.to[edge as usize] as usize;
                if self.free[edge as usize] > 0 && self.level[to] == UNSEEN {
                    self.level[to] = self.level[node] + 1;
                    reached |= self.ends[to] == SINK;
                    self.queue.push(to as u32);
                }
            }
        }
        reached
    }

    /// Sends one unit from a source to any sink along levels.
    fn augment(&mut self, source: u32) -> bool {
        let mut path: Vec<u32> = std::mem::take(&mut self.queue);
        path.clear();
        let mut node = source as usize;
        let found = loop {
            if self.ends[node] == SINK {
                break true;
            }
            if self.next[node] == self.first[node + 1] {
                // A dead end: back, and never here again.
                self.level[node] = UNSEEN - 1;
                let Some(edge) = path.pop() else { break false };
                node = self.to[self.twin[edge as usize] as usize] as usize;
                self.next[node] += 1;
                continue;
            }
            let edge = self.next[node];
            let to = self.to[edge as usize] as usize;
            if self.free[edge as usize] > 0 && self.level[to] == self.level[node] + 1 {
                path.push(edge);
                node = to;
            } else {
                self.next[node] += 1;
            }
        };
        if found {
            for &edge in &path {
                self.free[edge as usize] -= 1;
                self.free[self.twin[edge as usize] as usize] += 1;
            }
        }
        self.queue = path;
        found
    }

    /// Who can still send something to a sink.
    fn reaches(&mut self, sinks: &[u32]) -> Vec<bool> {
        let mut far = vec![false; self.first.len() - 1];
        self.queue.clear();
        self.queue.extend_from_slice(sinks);
        sinks.iter().for_each(|&node| far[node as usize] = true);
        let mut head = 0;
        while head < self.queue.len() {
            let node = self.queue[head] as usize;
            head += 1;
            for edge in self.first[node]..self.first[node + 1] {
                let from = self.to[edge as usize] as usize;
                if self.free[self.twin[edge as usize] as usize] > 0 && !far[from] {
                    far[from] = true;
                    self.queue.push(from as u32);
                }
            }
        }
        far
    }
}
