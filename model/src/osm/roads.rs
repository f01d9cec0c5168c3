//! Ways become links: cut where they meet, one for each direction, and trimmed to what cars can use.

use super::{
    read::{ById, Map},
    tags::{Oneway, Tags},
};
use crate::{
    geo::{self, LonLat},
    ids::{LinkId, LinkIx, NodeId, NodeIx},
    network::{Going, Lane, Limits, Link, Modes, Network, Node, RoadClass, STEEPEST_PERCENT},
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Shorter pieces than this are drawn as if they were so long: a vehicle must fit its front bumper in.
const SHORTEST_M: f64 = 0.5;
/// A ferry whose duration nobody says, m/s: 10 km/h, with what it takes to cast off and to moor.
const FERRY_MPS: f64 = 10.0 / 3.6;
/// Ferries whose durations make them slower or quicker than these are mistakes of the map, m/s.
const SLOWEST_FERRY_MPS: f64 = 0.2;
const FASTEST_FERRY_MPS: f64 = 25.0;
/// Heights are told to the metre, so that a shorter way between two of them has no slope that means anything, m.
const SLOPE_OVER_M: f64 = 100.0;
/// Usual width of a lane in a city, m.
const LANE_WIDTH_M: f64 = 3.25;

/// A link before it has an index.
pub(super) struct Drawn<'m> {
    tags: &'m Tags,
    id: LinkId,
    way: i64,
    from: usize,
    to: usize,
    shape: Vec<LonLat>,
    pub(super) access: Modes,
    lanes: usize,
    speed_mps: f64,
    going: Going,
    limits: Limits,
}

/// All links and the nodes that they join.
pub(super) struct Roads<'m> {
    map: &'m Map,
    pub(super) links: Vec<Drawn<'m>>,
    /// Source ids of nodes, by index.
    pub(super) nodes: Vec<i64>,
    /// How many of what was left out, for the notes.
    pub(super) left_out: Vec<(usize, &'static str)>,
}

/// Cuts all ways into links.
pub(super) fn draw(map: &Map) -> Roads<'_> {
    // A node is a place where ways meet, one begins or ends, lights stand, or nobody gets through.
    let mut uses: ById<u32> = ById::default();
    for way in &map.ways {
        let last = way.nodes.len().saturating_sub(1);
        for (i, n) in way.nodes.iter().enumerate() {
            *uses.entry(*n).or_default() += if i == 0 || i == last { 2 } else { 1 };
        }
    }
    let is_node = |n: &i64| {
        uses.get(n).is_some_and(|u| *u > 1)
            || [&map.signals, &map.barriers, &map.kerbs].iter().any(|special| special.contains(n))
    };
    let mut roads = Roads { map, links: Vec::new(), nodes: Vec::new(), left_out: Vec::new() };
    let mut index: ById<usize> = ById::default();
    let (mut missing, mut short) = (0, 0);
    for way in &map.ways {
        let known: Vec<i64> = way.nodes.iter().copied().filter(|n| map.places.contains_key(n)).collect();
        missing += usize::from(known.len() != way.nodes.len());
        short += usize::from(known.len() < 2);
        let mut cuts: Vec<usize> =
            (0..known.len()).filter(|&i| i == 0 || i + 1 == known.len() || is_node(&known[i])).collect();
        // A piece that comes back to where it began needs a node half way.
        let rings: Vec<usize> = cuts
            .windows(2)
            .filter(|c| known[c[0]] == known[c[1]] && c[1] - c[0] >= 2)
            .map(|c| (c[0] + c[1]) / 2)
            .collect();
        cuts.extend(rings);
        cuts.sort_unstable();
        cuts.dedup();
        let speed_mps = if way.tags.is_ferry() {
            let whole_m = geo::length_m(&known.iter().map(|n| map.places[n]).collect::<Vec<_>>());
            way.tags
                .duration_s()
                .map_or(FERRY_MPS, |s| (whole_m / s).clamp(SLOWEST_FERRY_MPS, FASTEST_FERRY_MPS))
        } else {
            way.tags.speed_mps()
        };
        for (k, cut) in cuts.windows(2).enumerate() {
            let mut node = |n: i64| {
                *index.entry(n).or_insert_with(|| {
                    roads.nodes.push(n);
                    roads.nodes.len() - 1
                })
            };
            let (from, to) = (node(known[cut[0]]), node(known[cut[1]]));
            let shape: Vec<LonLat> = known[cut[0]..=cut[1]].iter().map(|n| map.places[n]).collect();
            if from == to {
                continue;
            }
            let on_the_way = known[cut[0]..=cut[1]].iter().filter_map(|n| map.limits.get(n));
            let limits = on_the_way.fold(way.tags.limits(), |all, more| all.and(*more));
            roads.both_ways((&way.tags, limits), (way.id, k), (from, to), speed_mps, shape);
        }
    }
    let cut_off = roads.keep_connected();
    roads.left_out = [
        (missing, "ways lost nodes that the file does not hold"),
        (short, "ways have fewer than two nodes and are left out"),
        (
            map.stray_restrictions(),
            "turn restrictions are of roads that do not meet there and are not followed",
        ),
        (cut_off, "links lead nowhere by car and are for walking only"),
        (map.other_restrictions, "turn restrictions through ways, or of unknown kinds, are not followed"),
    ]
    .into_iter()
    .filter(|l| l.0 > 0)
    .collect();
    roads
}

impl<'m> Roads<'m> {
    fn both_ways(
        &mut self,
        (tags, limits): (&'m Tags, Limits),
        (way, piece): (i64, usize),
        (from, to): (usize, usize),
        speed_mps: f64,
        shape: Vec<LonLat>,
    ) {
        let (forward, backward) = tags.lanes();
        let (along, against) = (tags.access(), tags.contraflow());
        let there = if tags.oneway() == Oneway::Backward { against } else { along };
        let back = if tags.oneway() == Oneway::Forward { against } else { along };
        let mut reverse = shape.clone();
        reverse.reverse();
        let going = self.going(tags, [from, to], &shape);
        for (sign, access, lanes, from, to, shape, going) in [
            ("", there, forward, from, to, shape, going),
            ("-", back, backward, to, from, reverse, going.turned()),
        ] {
            if access != Modes::NONE {
                let id = LinkId::new(format!("{sign}{way}#{piece}"));
                // On a ferry nobody drives.
                let lanes = if access.any(Modes::MOTOR) && !going.ferry { lanes } else { 0 };
                self.links.push(Drawn {
                    tags,
                    id,
                    way,
                    from,
                    to,
                    shape,
                    access,
                    lanes,
                    speed_mps,
                    going,
                    limits,
                });
            }
        }
    }

    /// How one gets along a piece: where the way does not say how steep it is, the heights of its ends may.
    fn going(&self, tags: &Tags, ends: [usize; 2], shape: &[LonLat]) -> Going {
        let going = tags.going();
        let [from_m, to_m] = ends.map(|end| self.map.heights.get(&self.nodes[end]));
        let length_m = geo::length_m(shape);
        match (from_m, to_m) {
            (Some(from_m), Some(to_m))
                if going.rise_percent == 0.0
                    && length_m >= SLOPE_OVER_M
                    && !(tags.bridge() || tags.tunnel() || tags.is_ferry()) =>
            {
                let rise_percent = ((to_m - from_m) / length_m * 100.0) as f32;
                Going { rise_percent: rise_percent.clamp(-STEEPEST_PERCENT, STEEPEST_PERCENT), ..going }
            }
            _ => going,
        }
    }

    /// Takes vehicles off the links that are not in the largest part where one can drive from anywhere to
    /// anywhere without passing a barrier; returns how many. Links that nobody can use then are dropped.
    fn keep_connected(&mut self) -> usize {
        let open = |n: usize| !self.map.barriers.contains(&self.nodes[n]);
        let driven = self.links.iter().filter(|l| l.access.any(Modes::CAR) && open(l.from) && open(l.to));
        let component = strong_components(self.nodes.len(), driven.map(|l| (l.from, l.to)));
        let mut sizes: BTreeMap<usize, usize> = BTreeMap::new();
        for &c in &component {
            *sizes.entry(c).or_default() += 1;
        }
        let largest = sizes.iter().max_by_key(|(c, n)| (**n, std::cmp::Reverse(**c))).map(|(c, _)| *c);
        let mut cut = 0;
        for link in self.links.iter_mut().filter(|l| l.access.any(Modes::MOTOR)) {
            if Some(component[link.from]) != largest || Some(component[link.to]) != largest {
                link.access = link.access.without(Modes::MOTOR);
                link.lanes = 0;
                cut += 1;
            }
        }
        self.links.retain(|l| l.access != Modes::NONE);
        cut
    }

    /// Links of roundabouts.
    pub(super) fn circulating(&self) -> impl Iterator<Item = LinkIx> {
        self.links.iter().enumerate().filter(|(_, l)| l.tags.is_roundabout()).map(|(i, _)| LinkIx::from(i))
    }

    /// Nodes with lights, of those that vehicles pass.
    pub(super) fn lights(&self) -> BTreeSet<NodeIx> {
        let driven: BTreeSet<usize> =
            self.links.iter().filter(|l| l.lanes > 0).flat_map(|l| [l.from, l.to]).collect();
        driven.into_iter().filter(|&n| self.map.signals.contains(&self.nodes[n])).map(NodeIx::from).collect()
    }

    /// The network without movements, and the turns that signs forbid.
    pub(super) fn network(&self) -> (Network, BTreeSet<(LinkIx, LinkIx)>) {
        let mut network = Network::default();
        for n in &self.nodes {
            let (at, kerb) = (self.map.places[n], self.map.kerbs.contains(n));
            network.nodes.push(Node { id: NodeId::new(n.to_string()), at, kerb });
        }
        for (i, drawn) in self.links.iter().enumerate() {
            let (first, tags) = (network.lanes.len() as u32, drawn.tags);
            let length_m = geo::length_m(&drawn.shape).max(SHORTEST_M);
            let speed_limit_mps = drawn.speed_mps;
            for _ in 0..drawn.lanes {
                network.lanes.push(Lane {
                    link: LinkIx::from(i),
                    speed_limit_mps,
                    allowed: drawn.access.without(Modes::WALK.with(Modes::WHEELCHAIR)),
                    width_m: LANE_WIDTH_M,
                    length_m,
                });
            }
            network.links.push(Link {
                id: drawn.id.clone(),
                from: NodeIx::from(drawn.from),
                to: NodeIx::from(drawn.to),
                name: tags.name(),
                class: tags.class().unwrap_or(RoadClass::Service),
                shape: drawn.shape.clone(),
                length_m,
                speed_limit_mps,
                access: drawn.access,
                lanes: first..network.lanes.len() as u32,
                bridge: tags.bridge(),
                tunnel: tags.tunnel(),
                steps: tags.steps(),
                going: drawn.going,
                limits: drawn.limits.of_link(),
            });
        }
        (network, self.banned())
    }

    fn banned(&self) -> BTreeSet<(LinkIx, LinkIx)> {
        let index: ById<usize> = self.nodes.iter().enumerate().map(|(i, n)| (*n, i)).collect();
        let (mut ending, mut starting) =
            (HashMap::<usize, Vec<usize>>::new(), HashMap::<usize, Vec<usize>>::new());
        for (i, l) in self.links.iter().enumerate().filter(|(_, l)| l.lanes > 0) {
            ending.entry(l.to).or_default().push(i);
            starting.entry(l.from).or_default().push(i);
        }
        let at = |map: &HashMap<usize, Vec<usize>>, node: &i64| -> Vec<usize> {
            index.get(node).and_then(|n| map.get(n)).cloned().unwrap_or_default()
        };
        let mut banned = BTreeSet::new();
        for r in &self.map.restrictions {
            for from in at(&ending, &r.via).into_iter().filter(|&l| self.links[l].way == r.from) {
                let exits = at(&starting, &r.via);
                // A broken `only_*` whose way does not leave here must not lock everybody in.
                if r.only && !exits.iter().any(|&l| self.links[l].way == r.to) {
                    continue;
                }
                let wrong = exits.into_iter().filter(|&to| (self.links[to].way == r.to) != r.only);
                banned.extend(wrong.map(|to| (LinkIx::from(from), LinkIx::from(to))));
            }
        }
        banned
    }
}

/// For each node the number of its strongly connected component (Kosaraju, without recursion).
pub(super) fn strong_components(nodes: usize, links: impl Iterator<Item = (usize, usize)>) -> Vec<usize> {
    let (mut out, mut into) = (vec![Vec::new(); nodes], vec![Vec::new(); nodes]);
    for (a, b) in links {
        out[a].push(b);
        into[b].push(a);
    }
    let mut order = Vec::with_capacity(nodes);
    let mut seen = vec![false; nodes];
    for start in 0..nodes {
        if std::mem::replace(&mut seen[start], true) {
            continue;
        }
        let mut stack = vec![(start, 0)];
        while let Some((node, next)) = stack.pop() {
            match out[node].get(next) {
                Some(&to) => {
                    stack.push((node, next + 1));
                    if !std::mem::replace(&mut seen[to], true) {
                        stack.push((to, 0));
                    }
                }
                None => order.push(node),
            }
        }
    }
    let mut component = vec![usize::MAX; nodes];
    for &start in order.iter().rev() {
        let mut stack = vec![start];
        while let Some(node) = stack.pop() {
            if component[node] == usize::MAX {
                component[node] = start;
                stack.extend(into[node].iter().filter(|n| component[**n] == usize::MAX));
            }
        }
    }
    component
}
