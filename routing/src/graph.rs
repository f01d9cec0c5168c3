//! The streets that one kind of traveller may use, as a directed petgraph.
//!
//! The graph is edge-expanded: its nodes are [`Arc`]s (a link, travelled in one direction) and its edges
//! the allowed [`Transition`]s from one to the next, so that a forbidden turn is simply not there and a
//! costly one costs. Where both links have lanes, the network's movements say what is allowed; links
//! without lanes (footways) join whatever meets them at a node. [`rows`] is the graph when it is drawn.

mod rows;

use crate::{
    columns::{self, Entry},
    map::Map,
    profile::Profile,
};
use model::{
    city::City,
    geo::{LocalPlane, LonLat},
    ids::LinkIx,
    network::{Head, Link, Network, Turn},
    signal::Junction,
};
use petgraph::{algo::kosaraju_scc, graph::DiGraph, unionfind::UnionFind, visit::IntoNodeReferences};
use rows::Onward;
pub use rows::{ArcGraph, Edge};
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, sync};

/// Index of an [`Arc`] in [`StreetGraph::graph`].
pub type ArcIx = petgraph::graph::NodeIndex<u32>;

/// Wait at a signal whose plan is not known, s: Webster's uniform delay of a 90 s cycle that is green for 45 %.
const UNKNOWN_SIGNAL_WAIT_S: f64 = 13.6;

/// A link travelled in one direction. There are millions in a large city, so it holds what differs by profile and no more.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Arc {
    /// The link, [`AGAINST`] if it is travelled from its end to its beginning, and [`FERRIED`].
    way: u32,
    /// Time to pass it without traffic, whole ms, rounded up.
    pub free_ms: u32,
}

/// Stands in [`Arc::way`] beside the link.
const AGAINST: u32 = 1 << 31;
/// The same: one is carried, and one's own speed counts for nothing.
const FERRIED: u32 = 1 << 30;

impl Entry for Arc {
    const BYTES: usize = <[u32; 2]>::BYTES;

    fn write(self, bytes: &mut Vec<u8>) {
        [self.way, self.free_ms].write(bytes);
    }

    fn read(bytes: &[u8]) -> Self {
        let [way, free_ms] = Entry::read(bytes);
        Arc { way, free_ms }
    }
}

impl Arc {
    /// The link.
    pub fn link(&self) -> LinkIx {
        LinkIx(self.way & !(AGAINST | FERRIED))
    }
    /// Whether it is travelled from its end to its beginning. Only on foot.
    pub fn is_reverse(&self) -> bool {
        self.way & AGAINST != 0
    }
    /// Whether it is a ferry.
    pub fn is_ferried(&self) -> bool {
        self.way & FERRIED != 0
    }
    /// Time to pass it without traffic, s.
    pub fn free_s(&self) -> f64 {
        f64::from(self.free_ms) / 1000.0
    }
}

/// Index of a [`Transition`]; many pairs of arcs share one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TransitionIx(u32);

/// The way from one arc to the next across a node.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Transition {
    /// Which way it turns.
    pub turn: Turn,
    length_m: f32,
    inside_s: f32,
    signal_s: f32,
    /// Turn, way and wait together without traffic, in whole ms, rounded up.
    pub free_ms: u32,
}

impl Transition {
    fn new(profile: Profile, turn: Turn, length_m: f64, speed_mps: f64, signal_s: f64) -> Transition {
        // To the centimetre, so that many are alike: on foot there is nothing else by which they differ.
        let length_m = (length_m * 100.0).round() / 100.0;
        let (length_m, inside_s) = (length_m as f32, (length_m / speed_mps) as f32);
        let mut transition = Transition { turn, length_m, inside_s, signal_s: signal_s as f32, free_ms: 0 };
        transition.free_ms = whole_ms(profile.turn_s(turn) + transition.inside_s() + transition.signal_s());
        transition
    }
    /// Metres between the two arcs, inside the node.
    pub fn length_m(&self) -> f64 {
        f64::from(self.length_m)
    }
    /// Time to pass them, s.
    pub fn inside_s(&self) -> f64 {
        f64::from(self.inside_s)
    }
    /// Expected wait at the signal, s; 0 where there is none. Measured link times include it already.
    pub fn signal_s(&self) -> f64 {
        f64::from(self.signal_s)
    }
}

/// The streets that one kind of traveller may use.
#[derive(Debug)]
pub struct StreetGraph {
    /// For whom.
    pub profile: Profile,
    /// Arcs and transitions.
    pub graph: ArcGraph,
    transitions: Vec<Transition>,
    /// The flat picture in which ends of arcs are measured.
    pub plane: LocalPlane,
    /// No traveller gets nearer to anything by more metres in a second than this: what makes the search's
    /// estimate of the rest of the way a lower bound.
    pub top_speed_mps: f64,
    /// Whether there are ferries, on which one's own speed counts for nothing.
    pub(crate) has_ferries: bool,
    /// By arc: whether it is part of the largest set of arcs that all reach one another.
    main: Vec<bool>,
    ends: Ends,
}

/// By link: where it begins and where it ends, m. All graphs of a city share them.
pub(crate) type Ends = sync::Arc<Vec<[[f32; 2]; 2]>>;

/// The ends of a city's links.
pub(crate) fn ends(city: &City) -> Ends {
    let plane = LocalPlane::around(city.centre);
    let end = |at: Option<&LonLat>| at.map_or([0.0; 2], |&at| plane.to_metres(at).map(|m| m as f32));
    let ends = city.network.links.iter().map(|link| [end(link.shape.first()), end(link.shape.last())]);
    sync::Arc::new(ends.collect())
}

/// A [`StreetGraph`] as it is kept in a file.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Kept {
    profile: Profile,
    #[serde(with = "columns")]
    arcs: Vec<Arc>,
    onward: Onward,
    transitions: Vec<Transition>,
    top_speed_mps: f64,
    #[serde(with = "columns")]
    main: Vec<bool>,
}

impl StreetGraph {
    /// Builds the graph of a city that has no [`City::faults`].
    pub fn build(city: &City, profile: Profile) -> StreetGraph {
        StreetGraph::on(ends(city), city, profile, &mirrors(&city.network))
    }

    /// The same with the ends of links and their [`mirrors`] that were found before.
    pub(crate) fn on(ends: Ends, city: &City, profile: Profile, mirrors: &[Option<LinkIx>]) -> StreetGraph {
        let mut drawing = Drawing::new(city, profile, mirrors);
        if profile.goes_both_ways() {
            drawing.join_at_nodes(|_, _| true);
        } else {
            drawing.join_by_movements();
        }
        drawing.sort_transitions();
        let Drawing { plane, graph, transitions, top_speed_mps, .. } = drawing;
        let main = match profile.goes_both_ways() {
            true => largest_piece(&graph),
            false => largest_component(&graph),
        };
        let graph = ArcGraph::new(graph);
        let has_ferries = graph.arcs().iter().any(Arc::is_ferried);
        StreetGraph { profile, graph, transitions, plane, top_speed_mps, has_ferries, main, ends }
    }

    /// What a file keeps of it.
    pub(crate) fn keep(&self) -> Kept {
        let (arcs, onward) = self.graph.keep();
        Kept {
            profile: self.profile,
            arcs,
            onward,
            transitions: self.transitions.clone(),
            top_speed_mps: self.top_speed_mps,
            main: self.main.clone(),
        }
    }

    /// The graph that was kept, on the map with which it was; `None` if they do not fit together.
    pub(crate) fn of_kept(kept: Kept, profile: Profile, map: &Map, ends: Ends) -> Option<StreetGraph> {
        let Kept { arcs, onward, mut transitions, top_speed_mps, main, .. } = kept;
        let in_order = arcs.is_sorted_by_key(|arc| (arc.link(), arc.is_reverse()));
        let on_the_map = arcs.last().is_none_or(|arc| arc.link().ix() < map.len()) && ends.len() == map.len();
        if kept.profile != profile || main.len() != arcs.len() || !in_order || !on_the_map {
            return None;
        }
        let graph = ArcGraph::of_kept(arcs, onward, transitions.len())?;
        transitions.shrink_to_fit();
        let plane = LocalPlane::around(map.centre);
        let has_ferries = graph.arcs().iter().any(Arc::is_ferried);
        Some(StreetGraph { profile, graph, transitions, plane, top_speed_mps, has_ferries, main, ends })
    }

    /// The arcs of a link: in driving direction, and against it.
    pub fn arcs_of(&self, link: LinkIx) -> [Option<ArcIx>; 2] {
        // Arcs are in the order of their links.
        let all = self.graph.arcs();
        let first = all.partition_point(|arc| arc.link() < link);
        let mut arcs = [None; 2];
        for (i, arc) in all.iter().enumerate().skip(first).take(2) {
            if arc.link() == link {
                arcs[usize::from(arc.is_reverse())] = Some(ArcIx::new(i));
            }
        }
        arcs
    }

    /// Where an arc begins and where it ends, on [`Self::plane`], m.
    pub(crate) fn ends_of(&self, arc: &Arc) -> [[f32; 2]; 2] {
        let [begin, end] = self.ends[arc.link().ix()];
        if arc.is_reverse() { [end, begin] } else { [begin, end] }
    }

    /// Where an arc ends, on [`Self::plane`], m.
    pub fn end_of(&self, arc: &Arc) -> [f64; 2] {
        self.ends_of(arc)[1].map(f64::from)
    }

    pub(crate) fn ends(&self) -> &Ends {
        &self.ends
    }

    /// A transition.
    pub fn transition(&self, ix: TransitionIx) -> &Transition {
        &self.transitions[ix.0 as usize]
    }

    /// Whether everything else of importance can be reached from the arc, and the arc from there.
    pub fn is_main(&self, arc: ArcIx) -> bool {
        self.main[arc.index()]
    }

    /// The arc.
    pub fn arc(&self, ix: ArcIx) -> &Arc {
        &self.graph[ix]
    }

    /// The arc's line on the plane, in the direction of travel.
    pub(crate) fn shape(&self, map: &Map, ix: ArcIx) -> Vec<[f64; 2]> {
        let arc = self.arc(ix);
        let points = map.link(arc.link()).on(self.plane);
        if arc.is_reverse() { points.rev().collect() } else { points.collect() }
    }
}

/// By arc: whether it is part of the largest set of arcs that all reach one another.
fn largest_component(graph: &DiGraph<Arc, TransitionIx, u32>) -> Vec<bool> {
    let mut main = vec![false; graph.node_count()];
    let components = kosaraju_scc(graph);
    // Of two that are equally large, the one that begins first in the network.
    let largest = components.iter().max_by_key(|c| (c.len(), std::cmp::Reverse(c.iter().min().copied())));
    for arc in largest.into_iter().flatten() {
        main[arc.index()] = true;
    }
    main
}

/// The same for those who go both ways, in a fraction of the time: whatever hangs together there also reaches one another, since for each way
/// there is one back, and one turns at dead ends (Kotani, Sunada: Zeta functions of finite graphs, 2000).
fn largest_piece(graph: &DiGraph<Arc, TransitionIx, u32>) -> Vec<bool> {
    let mut pieces = UnionFind::<u32>::new(graph.node_count());
    for edge in graph.raw_edges() {
        pieces.union(edge.source().index() as u32, edge.target().index() as u32);
    }
    let piece_of = pieces.into_labeling();
    let (mut sizes, mut first) = (vec![0_u32; piece_of.len()], vec![u32::MAX; piece_of.len()]);
    for (arc, &piece) in piece_of.iter().enumerate() {
        sizes[piece as usize] += 1;
        first[piece as usize] = first[piece as usize].min(arc as u32);
    }
    let largest = (0..sizes.len()).max_by_key(|&piece| (sizes[piece], std::cmp::Reverse(first[piece])));
    piece_of.iter().map(|&piece| Some(piece as usize) == largest).collect()
}

/// A graph while it is drawn.
struct Drawing<'a> {
    city: &'a City,
    profile: Profile,
    plane: LocalPlane,
    graph: DiGraph<Arc, TransitionIx, u32>,
    /// One of those that are alike, and by what they are known.
    transitions: Vec<Transition>,
    known: HashMap<(Turn, [u32; 3], u32), TransitionIx>,
    latest: Option<TransitionIx>,
    top_speed_mps: f64,
    lines: Vec<Line>,
}

/// What is needed of an arc's line to join it with others.
struct Line {
    /// Where it begins and where it ends, m.
    ends: [[f64; 2]; 2],
    /// Where it heads there, degrees, if anybody asks; none for a line without length.
    headings: [Option<f64>; 2],
    /// Its speed without traffic.
    speed_mps: f64,
    /// The link along which one who goes both ways comes back.
    back: LinkIx,
}

impl<'a> Drawing<'a> {
    /// All arcs, and nothing that joins them.
    fn new(city: &'a City, profile: Profile, mirrors: &[Option<LinkIx>]) -> Drawing<'a> {
        let network = &city.network;
        let plane = LocalPlane::around(city.centre);
        let mut drawing = Drawing {
            city,
            profile,
            plane,
            graph: DiGraph::default(),
            transitions: Vec::new(),
            known: HashMap::new(),
            latest: None,
            top_speed_mps: 0.1,
            lines: Vec::new(),
        };
        let mirrors = if profile.goes_both_ways() { mirrors } else { &[] };
        let mut flat = Vec::new();
        for (i, link) in network.links.iter().enumerate() {
            if !profile.may_use(network, link) {
                continue;
            }
            flat.clear();
            flat.extend(link.shape.iter().map(|&p| plane.to_metres(p)));
            let drawn_m: f64 = flat.windows(2).map(|w| distance(w[0], w[1])).sum();
            let mirror = mirrors.get(i).copied().flatten();
            let mirror = mirror.filter(|twin| profile.may_use(network, network.link(*twin)));
            // Both halves take as long on foot, to the bit: lengths of one line there and back differ in the last ones.
            let free_s = profile.free_time_s(&network.links[mirror.map_or(i, |twin| twin.ix().min(i))]);
            let length_m = f64::from(link.length_m as f32);
            drawing.top_speed_mps = drawing.top_speed_mps.max(drawn_m.max(length_m) / free_s);
            let (ends, speed_mps) = ([flat[0], flat[flat.len() - 1]], link.length_m / free_s);
            let back = mirror.unwrap_or(LinkIx::from(i));
            // On foot a corner costs nothing.
            let headings = if profile.goes_both_ways() { [None; 2] } else { headings(&flat) };
            let ferried = if link.going.ferry { FERRIED } else { 0 };
            let mut add = |against: u32, ends| {
                drawing.graph.add_node(Arc { way: i as u32 | against | ferried, free_ms: whole_ms(free_s) });
                drawing.lines.push(Line { ends, headings, speed_mps, back });
            };
            add(0, ends);
            // A street drawn once per direction is walked along either drawing; one is enough.
            if profile.goes_both_ways() && mirror.is_none() {
                add(AGAINST, [ends[1], ends[0]]);
            }
        }
        drawing
    }

    fn join_by_movements(&mut self) {
        let city = self.city;
        let network = &city.network;
        let access = self.profile.access();
        let mut along = vec![None; network.links.len()];
        for (ix, arc) in self.graph.node_references().filter(|(_, arc)| !arc.is_reverse()) {
            along[arc.link().ix()] = Some(ix);
        }
        let mut all: Vec<((ArcIx, ArcIx), Transition)> = Vec::new();
        for movement in &network.movements {
            let (from_lane, to_lane) = (network.lane(movement.from), network.lane(movement.to));
            if !from_lane.allowed.any(access) || !to_lane.allowed.any(access) {
                continue;
            }
            let [from, to] = [from_lane, to_lane].map(|lane| along[lane.link.ix()]);
            let (Some(from), Some(to)) = (from, to) else { continue };
            let length_m = movement.length_m.max(self.gap_m(from, to));
            let speed_mps = match movement.speed_limit_mps {
                Some(limit) if self.profile.is_motor() => limit,
                _ => self.lines[to.index()].speed_mps,
            };
            let signal_s = movement.head.map_or(0.0, |head| expected_wait_s(city, head));
            let transition = Transition::new(self.profile, movement.turn, length_m, speed_mps, signal_s);
            all.push(((from, to), transition));
        }
        // Several movements may join the same two links; the cheapest for us stands for all.
        all.sort_by_key(|(pair, transition)| (*pair, transition.free_ms));
        all.dedup_by_key(|(pair, _)| *pair);
        for ((from, to), transition) in all {
            self.join(from, to, transition);
        }
        // Where lanes say nothing the node joins; a way back is only for dead ends.
        let lanes = |link: LinkIx| !network.link(link).lanes.is_empty();
        self.join_at_nodes(|from, to| !(lanes(from) && lanes(to)));
    }

    fn join_at_nodes(&mut self, joins: impl Fn(LinkIx, LinkIx) -> bool) {
        let network = &self.city.network;
        let ends = |arc: &Arc| {
            let link = network.link(arc.link());
            if arc.is_reverse() { (link.to, link.from) } else { (link.from, link.to) }
        };
        let begins: Vec<u32> = self.graph.node_weights().map(|arc| ends(arc).0.0).collect();
        let first = rows::rows(network.nodes.len(), begins.iter().copied());
        let (mut next, mut leaving) = (first.clone(), vec![ArcIx::default(); begins.len()]);
        for (ix, node) in self.graph.node_indices().zip(&begins) {
            leaving[next[*node as usize] as usize] = ix;
            next[*node as usize] += 1;
        }
        let (mut candidates, both_ways) = (Vec::new(), self.profile.goes_both_ways());
        for from in self.graph.node_indices() {
            let arc = self.graph[from];
            let (begin, end) = ends(&arc);
            let onward = |to: &ArcIx| joins(arc.link(), self.graph[*to].link());
            candidates.clear();
            let there = first[end.ix()] as usize..first[end.ix() + 1] as usize;
            candidates.extend(leaving[there].iter().copied().filter(onward));
            // Nobody gets over a raised kerb in a wheelchair, nor along it.
            if self.profile == Profile::Wheelchair && network.node(end).kerb {
                candidates
                    .retain(|to| self.graph[*to].link() == self.lines[from.index()].back && *to != from);
            }
            // Wheels do not go round a block by the parallel road; on foot that is a way like any other.
            let goes_back = |drawing: &Self, to: ArcIx| match both_ways {
                true => to != from && drawing.graph[to].link() == drawing.lines[from.index()].back,
                false => ends(&drawing.graph[to]).1 == begin,
            };
            let dead_end = candidates.iter().all(|&to| goes_back(self, to))
                && self.graph.first_edge(from, petgraph::Outgoing).is_none();
            for &to in &candidates {
                let back = goes_back(self, to);
                if back && !dead_end {
                    continue;
                }
                let turn = if back { Turn::UTurn } else { self.turn(from, to) };
                let speed_mps = self.lines[to.index()].speed_mps;
                let transition = Transition::new(self.profile, turn, self.gap_m(from, to), speed_mps, 0.0);
                self.join(from, to, transition);
            }
        }
    }

    fn join(&mut self, from: ArcIx, to: ArcIx, transition: Transition) {
        if transition.inside_s > 0.0 {
            self.top_speed_mps = self.top_speed_mps.max(transition.length_m() / transition.inside_s());
        }
        // Most are like the one before.
        let before = self.latest.filter(|ix| self.transitions[ix.0 as usize] == transition);
        let ix = before.unwrap_or_else(|| {
            let Transition { turn, length_m, inside_s, signal_s, free_ms } = transition;
            let key = (turn, [length_m, inside_s, signal_s].map(f32::to_bits), free_ms);
            *self.known.entry(key).or_insert_with(|| {
                self.transitions.push(transition);
                TransitionIx(self.transitions.len() as u32 - 1)
            })
        });
        self.latest = Some(ix);
        self.graph.add_edge(from, to, ix);
    }

    /// Numbers transitions by how many there are of each: small numbers for those that are frequent.
    fn sort_transitions(&mut self) {
        let mut uses = vec![0_u32; self.transitions.len()];
        self.graph.edge_weights().for_each(|ix| uses[ix.0 as usize] += 1);
        let mut order: Vec<u32> = (0..uses.len() as u32).collect();
        order.sort_by_key(|ix| std::cmp::Reverse(uses[*ix as usize]));
        let mut number = vec![TransitionIx(0); order.len()];
        for (new, old) in order.iter().enumerate() {
            number[*old as usize] = TransitionIx(new as u32);
        }
        self.transitions = order.iter().map(|ix| self.transitions[*ix as usize]).collect();
        self.graph.edge_weights_mut().for_each(|ix| *ix = number[ix.0 as usize]);
    }

    /// Metres from the end of one arc to the beginning of the next, as drawn.
    fn gap_m(&self, from: ArcIx, to: ArcIx) -> f64 {
        distance(self.lines[from.index()].ends[1], self.lines[to.index()].ends[0])
    }

    fn turn(&self, from: ArcIx, to: ArcIx) -> Turn {
        if self.profile.goes_both_ways() {
            return Turn::Straight; // On foot a corner costs nothing.
        }
        let [from, to] = [&self.lines[from.index()].headings[1], &self.lines[to.index()].headings[0]];
        match from.zip(*to).map_or(0.0, |(from, to)| turn_between(from, to)) {
            d if d > 45.0 => Turn::Right,
            d if d < -45.0 => Turn::Left,
            _ => Turn::Straight,
        }
    }
}

/// For each link, the link between the same two nodes the other way whose length is nearest to its own, if
/// that is within a tenth: the other half of a two-way street.
pub(crate) fn twins(network: &Network) -> Vec<Option<LinkIx>> {
    let first = rows::rows(network.nodes.len(), network.links.iter().map(|link| link.from.0));
    let (mut next, mut leaving) = (first.clone(), vec![LinkIx(0); network.links.len()]);
    for (i, link) in network.links.iter().enumerate() {
        let slot = &mut next[link.from.ix()];
        leaving[*slot as usize] = LinkIx::from(i);
        *slot += 1;
    }
    let twin = |link: &Link| {
        let there = first[link.to.ix()] as usize..first[link.to.ix() + 1] as usize;
        let back = leaving[there].iter().copied().filter(|&other| network.link(other).to == link.from);
        let difference = |&other: &LinkIx| (network.link(other).length_m - link.length_m).abs();
        back.filter(|other| difference(other) <= 0.1 * link.length_m)
            .min_by(|a, b| difference(a).total_cmp(&difference(b)))
    };
    network.links.iter().map(twin).collect()
}

/// For each link, the one that is the same line the other way, if there is one.
pub(crate) fn mirrors(network: &Network) -> Vec<Option<LinkIx>> {
    let twins = twins(network);
    let alike = |link: &Link, twin: &Link| {
        (link.length_m - twin.length_m).abs() < 1e-6 * link.length_m
            && link.steps == twin.steps
            && link.going == twin.going.turned()
            && link.shape.iter().eq(twin.shape.iter().rev())
    };
    let mirror = |ix: usize| {
        let twin = twins[ix].filter(|twin| twins[twin.ix()] == Some(LinkIx::from(ix)))?;
        alike(&network.links[ix], network.link(twin)).then_some(twin)
    };
    (0..network.links.len()).map(mirror).collect()
}

/// Webster's uniform delay C (1 − λ)² / 2 of the head's group under the junction's first plan.
fn expected_wait_s(city: &City, head: Head) -> f64 {
    let wait = |junction: &Junction| {
        let plan = junction.plans.first()?;
        let cycle = plan.cycle().as_seconds();
        let green: f64 = plan
            .steps
            .iter()
            .filter(|step| junction.stage(step.stage).is_some_and(|stage| stage.has(head.group)))
            .map(|step| step.split.as_seconds())
            .sum();
        (cycle > 0.0 && green > 0.0).then(|| cycle * (1.0 - (green / cycle).min(1.0)).powi(2) / 2.0)
    };
    city.junctions.get(head.junction.ix()).and_then(wait).unwrap_or(UNKNOWN_SIGNAL_WAIT_S)
}

/// The longest time that counts, ms: thirteen days. Sums of a few of them still fit.
const LONGEST_MS: f64 = (u32::MAX / 4) as f64;

/// Whole milliseconds, rounded up.
pub(crate) fn whole_ms(seconds: f64) -> u32 {
    rounded_up(seconds * 1000.0)
}

/// The same for what is counted in ms already. What is over by less than ten nanoseconds was only reckoned in another order.
pub(crate) fn rounded_up(ms: f64) -> u32 {
    (ms - 1e-5).ceil().max(ms.min(1.0).ceil()).min(LONGEST_MS) as u32
}

/// Metres between two places on the plane.
pub(crate) fn distance(a: [f64; 2], b: [f64; 2]) -> f64 {
    // Nothing in a city is so far or so near that a square overflows: four times as quick as `hypot`.
    let [x, y] = [a[0] - b[0], a[1] - b[1]];
    (x * x + y * y).sqrt()
}

/// The place a share `t` of the way from `a` to `b`.
pub(crate) fn between(a: [f64; 2], b: [f64; 2], t: f64) -> [f64; 2] {
    [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])]
}

/// By how many degrees one turns from the end of one line to the beginning of another; right is positive.
pub(crate) fn turn_degrees(from: &[[f64; 2]], to: &[[f64; 2]]) -> f64 {
    headings(from)[1].zip(headings(to)[0]).map_or(0.0, |(from, to)| turn_between(from, to))
}

/// Where a line heads at its beginning and at its end, degrees clockwise from north; none if it has no length.
fn headings(line: &[[f64; 2]]) -> [Option<f64>; 2] {
    let heading = |w: &[[f64; 2]]| (w[1][0] - w[0][0]).atan2(w[1][1] - w[0][1]).to_degrees();
    let differ = |w: &&[[f64; 2]]| distance(w[0], w[1]) > 0.01;
    [line.windows(2).find(differ).map(heading), line.windows(2).rev().find(differ).map(heading)]
}

fn turn_between(from: f64, to: f64) -> f64 {
    (to - from + 540.0).rem_euclid(360.0) - 180.0
}
