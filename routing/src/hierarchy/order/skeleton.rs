//! Streets without what hangs on them: junctions at which three ways or more meet, and the ways between these.

use super::Dissection;

const NONE: u32 = u32::MAX;

/// A node at which three ways or more meet; also the last one of a tree, and one of a ring.
pub(super) struct Junction {
    pub(super) at: [f32; 2],
    /// How many nodes it stands for.
    pub(super) weight: u32,
}

/// A chain of streets from junction to junction.
pub(super) struct Way {
    /// The junction beyond the first end of the street in the middle, and that beyond its second end.
    pub(super) ends: [u32; 2],
    /// The street in the middle, at which the way is cut.
    pub(super) street: u32,
}

/// What is left of streets when dead ends and chains are taken in.
pub(super) struct Skeleton<'a> {
    of: &'a Dissection<'a>,
    pub(super) junctions: Vec<Junction>,
    pub(super) ways: Vec<Way>,
    /// Chains from a junction back to itself: the junction, and the street in the middle. In order.
    rings: Vec<(u32, u32)>,
    /// What hangs on each junction once all ways and rings are cut: trees, in rows.
    hanging: Vec<Hanging>,
    hanging_first: Vec<u32>,
    streets: Streets,
}

/// A node of a tree, in the order of a walk that comes to all that hangs on a node before it goes on.
#[derive(Clone, Copy)]
struct Hanging {
    /// The street that leads to it; [`NONE`] for the root.
    street: u32,
    /// How many nodes hang on it, itself among them.
    size: u32,
}

/// Pairs of nodes that arcs join, whichever way these lead.
struct Streets {
    /// The lesser node, and the greater one.
    ends: Vec<[u32; 2]>,
    /// By street: where its row of arcs begins; the last row has arcs that lead back to where they begin.
    first: Vec<u32>,
    arcs: Vec<u32>,
}

impl Streets {
    fn new(arcs: &[[u32; 2]]) -> Streets {
        let mut all: Vec<([u32; 2], u32)> = Vec::with_capacity(arcs.len());
        let mut loops = Vec::new();
        for (arc, &[a, b]) in arcs.iter().enumerate() {
            match a == b {
                true => loops.push(arc as u32),
                false => all.push(([a.min(b), a.max(b)], arc as u32)),
            }
        }
        all.sort_unstable();
        let (mut ends, mut first) = (Vec::new(), Vec::new());
        for (i, (nodes, _)) in all.iter().enumerate() {
            if ends.last() != Some(nodes) {
                ends.push(*nodes);
                first.push(i as u32);
            }
        }
        first.push(all.len() as u32);
        Streets { ends, first, arcs: all.into_iter().map(|(_, arc)| arc).chain(loops).collect() }
    }
}

/// Streets by node, and which of them are left.
struct Thinning {
    first: Vec<u32>,
    /// The node at the other end, and the street.
    at: Vec<(u32, u32)>,
    /// By node: how many nodes it stands for; 0 once it hangs on another.
    weight: Vec<u32>,
    /// By node: how many streets lead on from it that are not dead ends.
    left: Vec<u32>,
    /// By street: whether it is part of a chain that was followed.
    followed: Vec<bool>,
}

impl Thinning {
    fn new(nodes: usize, ends: &[[u32; 2]]) -> Thinning {
        let mut left = vec![0; nodes];
        ends.iter().flatten().for_each(|&node| left[node as usize] += 1);
        let mut first = vec![0; nodes + 1];
        for node in 0..nodes {
            first[node + 1] = first[node] + left[node];
        }
        let mut next = first.clone();
        let mut at = vec![(0, 0); 2 * ends.len()];
        for (street, &[a, b]) in ends.iter().enumerate() {
            for (from, to) in [(a, b), (b, a)] {
                at[next[from as usize] as usize] = (to, street as u32);
                next[from as usize] += 1;
            }
        }
        Thinning { first, at, weight: vec![1; nodes], left, followed: vec![false; ends.len()] }
    }

    fn row(&self, node: u32) -> &[(u32, u32)] {
        &self.at[self.first[node as usize] as usize..self.first[node as usize + 1] as usize]
    }

    fn hangs(&self, node: u32) -> bool {
        self.weight[node as usize] == 0
    }

    /// Takes dead ends in, again and again.
    fn take_in_dead_ends(&mut self) {
        let mut ends: Vec<u32> =
            (0..self.left.len() as u32).filter(|&node| self.left[node as usize] == 1).collect();
        while let Some(node) = ends.pop() {
            // The last of a tree, from which nothing leads on, stays.
            let onward =
                self.row(node).iter().find(|(to, _)| self.left[node as usize] == 1 && !self.hangs(*to));
            let Some(&(to, _)) = onward else { continue };
            self.weight[to as usize] += std::mem::take(&mut self.weight[node as usize]);
            self.left[node as usize] = 0;
            self.left[to as usize] -= 1;
            if self.left[to as usize] == 1 {
                ends.push(to);
            }
        }
    }

    /// The chain that begins at a node with a street that was not followed yet, up to the next node that `ends` it: nodes, and
    /// the streets to them. Empty if there is none.
    fn follow(&mut self, from: u32, ends: impl Fn(&Self, u32) -> bool, chain: &mut Vec<(u32, u32)>) {
        chain.clear();
        let mut node = from;
        loop {
            let mut onward = self.row(node).iter();
            let is_new = |(to, street): &&(u32, u32)| !self.hangs(*to) && !self.followed[*street as usize];
            let Some(&(to, street)) = onward.find(is_new) else { return };
            self.followed[street as usize] = true;
            chain.push((to, street));
            if ends(self, to) {
                return;
            }
            node = to;
        }
    }
}

impl<'a> Skeleton<'a> {
    pub(super) fn new(of: &'a Dissection<'a>) -> Skeleton<'a> {
        let streets = Streets::new(of.arcs);
        let mut thinning = Thinning::new(of.nodes.len(), &streets.ends);
        thinning.take_in_dead_ends();
        let is_junction = |thinning: &Thinning, node: u32| thinning.left[node as usize] != 2;
        let joined = |thinning: &Thinning, node: u32| !thinning.hangs(node) && !thinning.row(node).is_empty();
        let (mut number, mut roots) = (vec![NONE; of.nodes.len()], Vec::new());
        for node in 0..of.nodes.len() as u32 {
            if joined(&thinning, node) && is_junction(&thinning, node) {
                number[node as usize] = roots.len() as u32;
                roots.push(node);
            }
        }
        let mut weights: Vec<u32> = roots.iter().map(|&root| thinning.weight[root as usize]).collect();
        let (mut ways, mut rings, mut cut) = (Vec::new(), Vec::new(), vec![false; streets.ends.len()]);
        let mut chain = Vec::new();
        for from in 0..roots.len() as u32 {
            let root = roots[from as usize];
            loop {
                thinning.follow(root, is_junction, &mut chain);
                let Some((&(last, _), inside)) = chain.split_last() else { break };
                // As much of what is inside as weighs no more than half belongs to where the chain begins.
                let weight = |&(node, _): &(u32, u32)| thinning.weight[node as usize];
                let all: u32 = inside.iter().map(weight).sum();
                let (mut middle, mut near) = (0, 0);
                while middle < inside.len() && 2 * (near + weight(&inside[middle])) <= all {
                    near += weight(&inside[middle]);
                    middle += 1;
                }
                let (beyond, street) = chain[middle];
                let to = number[last as usize];
                weights[from as usize] += near;
                weights[to as usize] += all - near;
                cut[street as usize] = true;
                if from == to {
                    rings.push((from, street));
                } else {
                    let forward = streets.ends[street as usize][1] == beyond;
                    ways.push(Way { ends: if forward { [from, to] } else { [to, from] }, street });
                }
            }
        }
        // Rings of which no street leads anywhere else.
        for node in 0..of.nodes.len() as u32 {
            if joined(&thinning, node) && !is_junction(&thinning, node) {
                thinning.follow(node, |_, to| to == node, &mut chain);
                if let Some(&(_, street)) = chain.get(chain.len() / 2) {
                    rings.push((roots.len() as u32, street));
                    cut[street as usize] = true;
                    roots.push(node);
                    weights.push(chain.iter().map(|&(node, _)| thinning.weight[node as usize]).sum());
                }
            }
        }
        let (mut hanging, mut hanging_first) = (Vec::new(), vec![0]);
        for &root in &roots {
            hang(&thinning, &cut, root, &mut hanging);
            hanging_first.push(hanging.len() as u32);
        }
        let junction = |(&root, weight): (&u32, u32)| Junction { at: of.nodes[root as usize], weight };
        let junctions = roots.iter().zip(weights).map(junction).collect();
        Skeleton { of, junctions, ways, rings, hanging, hanging_first, streets }
    }

    /// The arcs of a street, and whether they lead from its first end to its second.
    pub(super) fn arcs_of(&self, street: u32) -> impl Iterator<Item = (u32, bool)> {
        let first = &self.streets.first;
        let arcs = &self.streets.arcs[first[street as usize] as usize..first[street as usize + 1] as usize];
        arcs.iter().map(|&arc| (arc, self.of.arcs[arc as usize].is_sorted()))
    }

    /// A place on a street.
    pub(super) fn middle(&self, street: u32) -> [f32; 2] {
        let [[a, b], [c, d]] = self.streets.ends[street as usize].map(|node| self.of.nodes[node as usize]);
        [(a + c) / 2.0, (b + d) / 2.0]
    }

    /// Arcs that lead back to where they begin.
    pub(super) fn loops(&self) -> &[u32] {
        &self.streets.arcs[self.streets.first[self.streets.ends.len()] as usize..]
    }

    /// Appends the arcs of all that hangs on a junction, the most important first.
    pub(super) fn take_apart(&self, junction: u32, order: &mut Vec<u32>) {
        let first = self.rings.partition_point(|ring| ring.0 < junction);
        for &(_, street) in self.rings[first..].iter().take_while(|ring| ring.0 == junction) {
            order.extend(self.arcs_of(street).map(|(arc, _)| arc));
        }
        let [first, end] = [junction, junction + 1].map(|i| self.hanging_first[i as usize] as usize);
        let mut trees = vec![self.hanging[first..end].to_vec()];
        while let Some(mut tree) = trees.pop() {
            // The street that cuts the tree into halves, as far as one can.
            let nodes = tree.len() as u32;
            let halves = |i: &usize| (2 * tree[*i].size).abs_diff(nodes);
            let Some(cut) = (1..tree.len()).min_by_key(halves) else { continue };
            let Hanging { street, size } = tree[cut];
            order.extend(self.arcs_of(street).map(|(arc, _)| arc));
            for (i, above) in tree[..cut].iter_mut().enumerate() {
                if i + above.size as usize > cut {
                    above.size -= size;
                }
            }
            let beyond = tree.drain(cut..cut + size as usize).collect();
            trees.extend([tree, beyond]);
        }
    }
}

/// Appends the tree of all that hangs on a node.
fn hang(thinning: &Thinning, cut: &[bool], root: u32, hanging: &mut Vec<Hanging>) {
    let mut open = vec![(root, NONE, 0)];
    // Where the nodes above stand.
    let mut above: Vec<usize> = Vec::new();
    while let Some((node, street, depth)) = open.pop() {
        above.truncate(depth);
        above.iter().for_each(|&i| hanging[i].size += 1);
        above.push(hanging.len());
        hanging.push(Hanging { street, size: 1 });
        let onward = thinning.row(node).iter().filter(|&&(_, to)| to != street && !cut[to as usize]);
        open.extend(onward.map(|&(to, street)| (to, street, depth + 1)));
    }
}
