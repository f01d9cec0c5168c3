//! Places with lights. The map draws them on the stop lines, on the crossings of carriageways, or on both;
//! to a cabinet it is one junction.

use super::roads::Roads;
use crate::{
    geo::LonLat,
    ids::{DistrictId, JunctionId, NodeIx},
    network::{Modes, Name, Network, junctions::Merged},
    signal::design::Site,
};
use std::collections::{BTreeMap, BTreeSet};

/// A light belongs to the crossing that is at most so far ahead, m.
const REACH_M: f64 = 35.0;
/// Crossings of divided roads that are this near belong together, m.
const TOGETHER_M: f64 = 40.0;
/// No junction is larger than this from end to end, m.
const WIDEST_M: f64 = 90.0;

/// Nodes that make one signalised junction.
pub(super) struct Place {
    id: i64,
    pub(super) nodes: Vec<NodeIx>,
}

impl Place {
    /// The site, once its nodes are one.
    pub(super) fn site(self, merged: &Merged, district: &DistrictId) -> Site {
        let mut nodes: Vec<NodeIx> = self.nodes.iter().map(|n| merged.nodes[n.ix()]).collect();
        nodes.dedup();
        Site {
            id: JunctionId::new(format!("osm-{}", self.id)),
            name: Name::default(),
            district: district.clone(),
            nodes,
        }
    }
}

/// Groups lights and crossings into junctions.
pub(super) fn places(network: &Network, roads: &Roads<'_>) -> Vec<Place> {
    let lights = roads.lights();
    let mut neighbours: Vec<BTreeMap<NodeIx, f64>> = vec![BTreeMap::new(); network.nodes.len()];
    for link in network.links.iter().filter(|l| l.access.any(Modes::MOTOR) && !l.lanes.is_empty()) {
        for (a, b) in [(link.from, link.to), (link.to, link.from)] {
            let shortest = neighbours[a.ix()].entry(b).or_insert(f64::INFINITY);
            *shortest = shortest.min(link.length_m);
        }
    }
    let is_crossing = |n: NodeIx| neighbours[n.ix()].len() >= 3;
    let mut clusters = Clusters::new(network);
    // Each light joins what it is for: the first crossing along the road, and lights on the way.
    for &light in &lights {
        if is_crossing(light) {
            continue;
        }
        let mut queue = vec![(light, 0.0)];
        let mut seen = BTreeSet::from([light]);
        while let Some((node, far)) = queue.pop() {
            for (&next, &length) in &neighbours[node.ix()] {
                if far + length > REACH_M || !seen.insert(next) {
                    continue;
                }
                if is_crossing(next) {
                    clusters.join(light, next);
                } else {
                    queue.push((next, far + length));
                }
            }
        }
    }
    // Lit crossings that are near one another along a road are parts of one.
    let mut lit: BTreeSet<NodeIx> = lights.iter().copied().chain(clusters.members()).collect();
    for &a in &lit {
        for (&b, &length) in &neighbours[a.ix()] {
            if lit.contains(&b) && length <= TOGETHER_M {
                clusters.join(a, b);
            }
        }
    }
    // So are crossings without lights of their own between two of them.
    let between: Vec<(NodeIx, Vec<NodeIx>)> = (0..network.nodes.len())
        .map(NodeIx::from)
        .filter(|n| !lit.contains(n) && is_crossing(*n))
        .map(|n| {
            (
                n,
                neighbours[n.ix()]
                    .iter()
                    .filter(|(b, d)| **d <= TOGETHER_M && lit.contains(b))
                    .map(|(b, _)| *b)
                    .collect(),
            )
        })
        .filter(|(_, near): &(_, Vec<NodeIx>)| near.len() >= 2)
        .collect();
    for (node, near) in between {
        for other in near {
            clusters.join(node, other);
        }
        lit.insert(node);
    }
    clusters.groups(&lit).into_iter().map(|nodes| place(roads, nodes, &lights)).collect()
}

fn place(roads: &Roads<'_>, nodes: Vec<NodeIx>, lights: &BTreeSet<NodeIx>) -> Place {
    let named =
        nodes.iter().filter(|n| lights.contains(n)).chain(&nodes).next().map_or(0, |n| roads.nodes[n.ix()]);
    Place { id: named, nodes }
}

/// Disjoint sets of nodes that never grow wider than [`WIDEST_M`].
struct Clusters<'n> {
    network: &'n Network,
    of: BTreeMap<NodeIx, usize>,
    sets: Vec<Vec<NodeIx>>,
}

impl<'n> Clusters<'n> {
    fn new(network: &'n Network) -> Self {
        Self { network, of: BTreeMap::new(), sets: Vec::new() }
    }

    fn set(&mut self, node: NodeIx) -> usize {
        *self.of.entry(node).or_insert_with(|| {
            self.sets.push(vec![node]);
            self.sets.len() - 1
        })
    }

    fn join(&mut self, a: NodeIx, b: NodeIx) {
        let (a, b) = (self.set(a), self.set(b));
        if a == b {
            return;
        }
        let at = |n: &NodeIx| -> LonLat { self.network.node(*n).at };
        let wide =
            self.sets[a].iter().any(|x| self.sets[b].iter().any(|y| at(x).distance_m(at(y)) > WIDEST_M));
        if !wide {
            let moved = std::mem::take(&mut self.sets[b]);
            for n in &moved {
                self.of.insert(*n, a);
            }
            self.sets[a].extend(moved);
        }
    }

    fn members(&self) -> impl Iterator<Item = NodeIx> {
        self.of.keys().copied()
    }

    /// All sets of lit nodes, each sorted; those never joined to anything stand alone.
    fn groups(mut self, lit: &BTreeSet<NodeIx>) -> Vec<Vec<NodeIx>> {
        for &n in lit {
            self.set(n);
        }
        let mut groups: Vec<Vec<NodeIx>> = self.sets.into_iter().filter(|s| !s.is_empty()).collect();
        for g in &mut groups {
            g.sort();
        }
        groups.sort();
        groups
    }
}
