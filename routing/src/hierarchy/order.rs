//! Which arcs matter most: those by which the streets fall apart into halves, and so on in each half.
//!
//! Buchhold, Wagner, Zeitz and Zündorf (Customizable Contraction Hierarchies with Turn Costs, 2020): what cuts the
//! network's nodes in two is a set of streets, and their arcs are what separates all others; so the order of arcs follows
//! from dissecting nodes, without a look at turns. Cuts are found by inertial flow (Schild and Sommer, On Balanced
//! Separators in Road Networks, 2015): the quarter of the nodes that lies farthest one way is pulled apart from the
//! quarter that lies farthest the other way, in four directions, and the best of the smallest cuts is taken.
//!
//! Most nodes need no such search. Dead ends hang on what they lead to, and a chain of nodes between two real junctions can only be cut once,
//! best in its middle; so cuts are sought among junctions at which three ways or more meet ([`skeleton`]), and what hangs on a junction in the end
//! is a tree, of which each street cuts off one half.

mod skeleton;

use skeleton::{Skeleton, Way};

/// Share of a cell's nodes that lie on either side of a cut for certain.
const PULLED: f64 = 0.25;
/// Directions in which a cell is pulled apart: east, north, and between them.
const DIRECTIONS: [[f32; 2]; 4] = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, -1.0]];
/// Cells of at least so many junctions are worth a thread of their own.
const WORTH_A_THREAD: usize = 10_000;

/// Nodes on a plane, and arcs between them.
pub(super) struct Dissection<'a> {
    pub(super) nodes: &'a [[f32; 2]],
    /// Tail and head of each arc.
    pub(super) arcs: &'a [[u32; 2]],
}

impl Dissection<'_> {
    /// All arcs, the least important first.
    pub(super) fn order(&self) -> Vec<u32> {
        let skeleton = Skeleton::new(self);
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let mut order = Vec::with_capacity(self.arcs.len());
        Cell::whole(&skeleton).dissect(&skeleton, threads, &mut Flow::default(), &mut order);
        order.extend(skeleton.loops());
        order.reverse();
        order
    }
}

/// Nodes by importance, the least first: of each street that cuts the others apart one end, so that they fall apart without it.
/// `streets` are from node to node, the most important first.
pub(crate) fn nodes_by_importance(nodes: usize, streets: &[[u32; 2]]) -> Vec<u32> {
    let mut meet = vec![0_u32; nodes];
    streets.iter().flatten().for_each(|&node| meet[node as usize] += 1);
    let (mut cut, mut order) = (vec![false; nodes], Vec::with_capacity(nodes));
    for &[a, b] in streets {
        if a != b && !cut[a as usize] && !cut[b as usize] {
            let node = if (meet[a as usize], b) >= (meet[b as usize], a) { a } else { b };
            cut[node as usize] = true;
            order.push(node);
        }
    }
    order.extend((0..nodes as u32).filter(|&node| !cut[node as usize]));
    order.reverse();
    order
}

/// Junctions between which nothing has been cut yet, in numbers of their own.
struct Cell {
    junctions: Vec<u32>,
    /// For each direction: the junctions in the order in which they lie that way.
    by_place: [Vec<u32>; 4],
    ways: Vec<Way>,
}

/// How the junctions of a cell fall apart.
struct Cut {
    /// For each junction, whether it lies on the far side.
    far: Vec<bool>,
    /// Across which direction.
    direction: [f32; 2],
}

impl Cell {
    fn whole(skeleton: &Skeleton<'_>) -> Cell {
        let count = skeleton.junctions.len();
        // Numbered from west to east, so that neighbours are near one another in memory.
        let mut junctions: Vec<u32> = (0..count as u32).collect();
        let x = |junction: &u32| skeleton.junctions[*junction as usize].at[0];
        junctions.sort_unstable_by(|a, b| x(a).total_cmp(&x(b)).then(a.cmp(b)));
        let mut number = vec![0; count];
        junctions.iter().enumerate().for_each(|(i, &junction)| number[junction as usize] = i as u32);
        let by_place = DIRECTIONS.map(|[x, y]| {
            let along: Vec<f32> = junctions
                .iter()
                .map(|&junction| skeleton.junctions[junction as usize].at)
                .map(|at| at[0] * x + at[1] * y)
                .collect();
            let mut order: Vec<u32> = (0..count as u32).collect();
            order.sort_unstable_by(|&a, &b| along[a as usize].total_cmp(&along[b as usize]).then(a.cmp(&b)));
            order
        });
        let way = |way: &Way| Way { ends: way.ends.map(|end| number[end as usize]), street: way.street };
        let ways = skeleton.ways.iter().map(way).collect();
        Cell { junctions, by_place, ways }
    }

    /// Appends its arcs, the most important first.
    fn dissect(self, skeleton: &Skeleton<'_>, threads: usize, flow: &mut Flow, order: &mut Vec<u32>) {
        if self.ways.is_empty() {
            self.junctions.iter().for_each(|&junction| skeleton.take_apart(junction, order));
            return;
        }
        let Cut { far, direction: [x, y] } = self.cut(skeleton, flow);
        let large = self.junctions.len() >= WORTH_A_THREAD;
        // Arcs that lead one way, along the cut, and then those that lead the other way: whoever is near some of them is near
        // neighbours, and rows of ways to neighbours are quick to look at.
        let mut arcs = Vec::new();
        let [near, far] = self.split(&far, |Way { ends, street }| {
            for (arc, forward) in skeleton.arcs_of(street) {
                let [east, north] = skeleton.middle(street);
                arcs.push((forward == far[ends[0] as usize], north * x - east * y, arc));
            }
        });
        arcs.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.cmp(&b.2)));
        order.extend(arcs.into_iter().map(|(.., arc)| arc));
        if threads > 1 && large {
            let half = threads / 2;
            let others = std::thread::scope(|scope| {
                let other = scope.spawn(move || {
                    let mut order = Vec::new();
                    far.dissect(skeleton, threads - half, &mut Flow::default(), &mut order);
                    order
                });
                near.dissect(skeleton, half.max(1), flow, order);
                other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            });
            order.extend(others);
        } else {
            near.dissect(skeleton, 1, flow, order);
            far.dissect(skeleton, 1, flow, order);
        }
    }

    /// The best cut.
    fn cut(&self, skeleton: &Skeleton<'_>, flow: &mut Flow) -> Cut {
        let count = self.junctions.len();
        let mut best = Cut { far: (0..count).map(|i| i % 2 == 1).collect(), direction: DIRECTIONS[0] };
        if count == 2 {
            return best;
        }
        let weight = |junction: &u32| skeleton.junctions[*junction as usize].weight;
        let weights: Vec<u32> = self.junctions.iter().map(weight).collect();
        let all: u32 = weights.iter().sum();
        let pulled = (f64::from(all) * PULLED) as u32;
        flow.take(count, &self.ways);
        let mut least = f64::INFINITY;
        for (by_place, direction) in self.by_place.iter().zip(DIRECTIONS) {
            let most = (least * f64::from(all) / 2.0) as u32;
            let sources = first_of(by_place.iter(), &weights, pulled, count - 1);
            let sinks = first_of(by_place.iter().rev(), &weights, pulled, count - sources);
            let ends = [&by_place[..sources], &by_place[count - sinks..]];
            let Some((size, far)) = flow.smallest_cut(ends, &weights, most) else { continue };
            let beyond = weight_of(&weights, &far);
            // A cut is as good as it is small beside what it cuts off.
            let score = f64::from(size) / f64::from(beyond.min(all - beyond));
            if score < least {
                (least, best) = (score, Cut { far, direction });
            }
        }
        best
    }

    /// Both sides of a cut; `cut` gets the ways across.
    fn split(self, far: &[bool], mut cut: impl FnMut(Way)) -> [Cell; 2] {
        let mut counts = [0_u32; 2];
        let number: Vec<u32> = far
            .iter()
            .map(|&far| {
                let count = &mut counts[usize::from(far)];
                *count += 1;
                *count - 1
            })
            .collect();
        let mut cells = counts.map(|count| {
            let count = count as usize;
            Cell {
                junctions: Vec::with_capacity(count),
                by_place: std::array::from_fn(|_| Vec::with_capacity(count)),
                ways: Vec::new(),
            }
        });
        let side = |i: u32| usize::from(far[i as usize]);
        for (i, &junction) in self.junctions.iter().enumerate() {
            cells[side(i as u32)].junctions.push(junction);
        }
        for (direction, by_place) in self.by_place.iter().enumerate() {
            for &i in by_place {
                cells[side(i)].by_place[direction].push(number[i as usize]);
            }
        }
        for way in self.ways {
            let [a, b] = way.ends.map(side);
            match a == b {
                true => {
                    cells[a].ways.push(Way { ends: way.ends.map(|i| number[i as usize]), street: way.street })
                }
                false => cut(way),
            }
        }
        cells
    }
}

/// How many junctions, one at least and `most` at most, weigh so much together.
fn first_of<'a>(
    junctions: impl Iterator<Item = &'a u32>,
    weights: &[u32],
    enough: u32,
    most: usize,
) -> usize {
    let (mut sum, mut count) = (0, 0);
    for &junction in junctions.take(most) {
        sum += weights[junction as usize];
        count += 1;
        if sum >= enough {
            break;
        }
    }
    count
}

/// How much lies on the far side.
fn weight_of(weights: &[u32], far: &[bool]) -> u32 {
    weights.iter().zip(far).filter(|(_, far)| **far).map(|(weight, _)| weight).sum()
}

/// Flow through a cell's ways, of which each can take one unit, and working memory.
#[derive(Default)]
struct Flow {
    first: Vec<u32>,
    /// By half way: where it leads.
    to: Vec<u32>,
    /// By half way: its other half.
    twin: Vec<u32>,
    /// What can still flow along a half way.
    free: Vec<u8>,
    ends: Vec<u8>,
    /// By junction: how many ways from the sinks.
    level: Vec<u32>,
    next: Vec<u32>,
    queue: Vec<u32>,
    path: Vec<u32>,
}

const UNSEEN: u32 = u32::MAX;
const SOURCE: u8 = 1;
const SINK: u8 = 2;

impl Flow {
    fn take(&mut self, junctions: usize, ways: &[Way]) {
        self.first.clear();
        self.first.resize(junctions + 1, 0);
        for &junction in ways.iter().flat_map(|way| &way.ends) {
            self.first[junction as usize + 1] += 1;
        }
        for i in 0..junctions {
            self.first[i + 1] += self.first[i];
        }
        self.next.clear();
        self.next.extend_from_slice(&self.first[..junctions]);
        self.to.resize(2 * ways.len(), 0);
        self.twin.resize(2 * ways.len(), 0);
        for &Way { ends: [a, b], .. } in ways {
            let (there, back) = (self.next[a as usize], self.next[b as usize]);
            (self.to[there as usize], self.to[back as usize]) = (b, a);
            (self.twin[there as usize], self.twin[back as usize]) = (back, there);
            self.next[a as usize] += 1;
            self.next[b as usize] += 1;
        }
    }

    /// The smallest cut between two sets of junctions, and who lies beyond it; `None` if it is larger than `most`.
    /// Dinic's algorithm, with levels from the sinks, up to where the sources are.
    fn smallest_cut(
        &mut self,
        [sources, sinks]: [&[u32]; 2],
        weights: &[u32],
        most: u32,
    ) -> Option<(u32, Vec<bool>)> {
        let junctions = weights.len();
        self.free.clear();
        self.free.resize(self.to.len(), 1);
        self.ends.clear();
        self.ends.resize(junctions, 0);
        sources.iter().for_each(|&source| self.ends[source as usize] = SOURCE);
        sinks.iter().for_each(|&sink| self.ends[sink as usize] = SINK);
        // Flow leaves the sources, and reaches the sinks, only where others are near.
        let rim = |ends: &[u8], set: &[u32], kind: u8| -> Vec<u32> {
            let out = |&&i: &&u32| self.row(i).any(|way| ends[self.to[way] as usize] != kind);
            set.iter().filter(out).copied().collect()
        };
        let (sources, sinks) = (rim(&self.ends, sources, SOURCE), rim(&self.ends, sinks, SINK));
        let mut size = 0;
        while self.layer(&sinks) {
            self.next.clear();
            self.next.extend_from_slice(&self.first[..junctions]);
            for &source in &sources {
                while self.augment(source) {
                    size += 1;
                    if size > most {
                        return None;
                    }
                }
            }
        }
        // Whoever still reaches a sink is on the far side; or, seen from the other end, everybody whom the flow still
        // reaches is on the near side. The more even of the two is taken.
        let far: Vec<bool> =
            (0..junctions).map(|i| self.level[i] != UNSEEN || self.ends[i] == SINK).collect();
        let beyond: Vec<bool> = self.reached(&sources).into_iter().map(|near| !near).collect();
        let all: u32 = weights.iter().sum();
        let uneven = |far: &[bool]| weight_of(weights, far).abs_diff(all - weight_of(weights, far));
        Some((size, if uneven(&beyond) <= uneven(&far) { beyond } else { far }))
    }

    fn row(&self, junction: u32) -> std::ops::Range<usize> {
        self.first[junction as usize] as usize..self.first[junction as usize + 1] as usize
    }

    /// Levels from the sinks back, up to the first at which there is a source; whether there is one.
    fn layer(&mut self, sinks: &[u32]) -> bool {
        self.level.clear();
        self.level.resize(self.first.len() - 1, UNSEEN);
        self.queue.clear();
        self.queue.extend_from_slice(sinks);
        sinks.iter().for_each(|&sink| self.level[sink as usize] = 0);
        let (mut head, mut last) = (0, UNSEEN);
        while head < self.queue.len() {
            let junction = self.queue[head];
            head += 1;
            let level = self.level[junction as usize] + 1;
            if level > last {
                break;
            }
            for way in self.row(junction) {
                let from = self.to[way] as usize;
                if self.level[from] == UNSEEN
                    && self.ends[from] != SINK
                    && self.free[self.twin[way] as usize] > 0
                {
                    self.level[from] = level;
                    match self.ends[from] {
                        SOURCE => last = level,
                        _ => self.queue.push(from as u32),
                    }
                }
            }
        }
        last != UNSEEN
    }

    /// Sends one unit from a source to any sink down the levels.
    fn augment(&mut self, source: u32) -> bool {
        self.path.clear();
        let mut here = source as usize;
        while self.level[here] != 0 {
            if self.next[here] == self.first[here + 1] {
                // A dead end: back, and never here again.
                let Some(way) = self.path.pop() else { return false };
                here = self.to[self.twin[way as usize] as usize] as usize;
                self.next[here] += 1;
                continue;
            }
            let way = self.next[here];
            let to = self.to[way as usize] as usize;
            if self.free[way as usize] > 0
                && self.level[to] == self.level[here].wrapping_sub(1)
                && self.ends[to] != SOURCE
            {
                self.path.push(way);
                here = to;
            } else {
                self.next[here] += 1;
            }
        }
        for &way in &self.path {
            self.free[way as usize] -= 1;
            self.free[self.twin[way as usize] as usize] += 1;
        }
        true
    }

    /// Whom the sources can still send something to.
    fn reached(&mut self, sources: &[u32]) -> Vec<bool> {
        let mut near: Vec<bool> = self.ends.iter().map(|end| *end == SOURCE).collect();
        self.queue.clear();
        self.queue.extend_from_slice(sources);
        let mut head = 0;
        while head < self.queue.len() {
            let junction = self.queue[head];
            head += 1;
            for way in self.row(junction) {
                let to = self.to[way] as usize;
                if self.free[way] > 0 && !near[to] {
                    near[to] = true;
                    self.queue.push(to as u32);
                }
            }
        }
        near
    }
}
