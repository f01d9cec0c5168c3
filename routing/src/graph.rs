//! The streets that one kind of traveller may use, as a directed petgraph.
//!
//! The graph is edge-expanded: its nodes are [`Arc`]s (a link, travelled in one direction) and its edges
//! the allowed [`Transition`]s from one to the next, so that a forbidden turn is simply not there and a
//! costly one costs. Where both links have lanes, the network's movements say what is allowed; links
//! without lanes (footways) join whatever meets them at a node.

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
use petgraph::{algo::kosaraju_scc, graph::DiGraph, visit::IntoNodeReferences};
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, sync};

/// Index of an [`Arc`] in [`StreetGraph::graph`].
pub type ArcIx = petgraph::graph::NodeIndex<u32>;

/// Wait at a signal whose plan is not known, s: Webster's uniform delay of a 90 s cycle that is green for 45 %.
const UNKNOWN_SIGNAL_WAIT_S: f64 = 13.6;

/// A link travelled in one direction. There are millions in a large city, so it holds what differs by profile and no more.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Arc {
    /// The link, and [`AGAINST`] if it is travelled from its end to its beginning.
    way: u32,
    /// Time to pass it without traffic, whole ms, rounded up.
    pub free_ms: u32,
}

/// Stands in [`Arc::way`] beside the link.
const AGAINST: u32 = 1 << 31;

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
        LinkIx(self.way & !AGAINST)
    }
    /// Whether it is travelled from its end to its beginning. Only on foot.
    pub fn is_reverse(&self) -> bool {
        self.way & AGAINST != 0
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
    pub graph: DiGraph<Arc, TransitionIx, u32>,
    transitions: Vec<Transition>,
    /// The flat picture in which ends of arcs are measured.
    pub plane: LocalPlane,
    /// No traveller gets nearer to anything by more metres in a second than this: what makes the search's
    /// estimate of the rest of the way a lower bound.
    pub top_speed_mps: f64,
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
    /// From which arc to which, and the transition.
    #[serde(with = "columns")]
    edges: Vec<[u32; 3]>,
    transitions: Vec<Transition>,
    top_speed_mps: f64,
    #[serde(with = "columns")]
    main: Vec<bool>,
}

impl StreetGraph {
    /// Builds the graph of a city that has no [`City::faults`].
    pub fn build(city: &City, profile: Profile) -> StreetGraph {
        StreetGraph::on(ends(city), city, profile)
    }

    /// The same with the ends of links that were found before.
    pub(crate) fn on(ends: Ends, city: &City, profile: Profile) -> StreetGraph {
        let network = &city.network;
        let plane = LocalPlane::around(city.centre);
        let mut graph = DiGraph::<Arc, TransitionIx, u32>::default();
        let (mut begins, mut speeds_mps) = (Vec::new(), Vec::new());
        let mut top_speed_mps = 0.1_f64;
        let twins = if profile.goes_both_ways() { twins(network) } else { Vec::new() };
        let mut flat = Vec::new();
        for (i, link) in network.links.iter().enumerate() {
            if !profile.may_use(network, link) {
                continue;
            }
            flat.clear();
            flat.extend(link.shape.iter().map(|&p| plane.to_metres(p)));
            let drawn_m: f64 = flat.windows(2).map(|w| distance(w[0], w[1])).sum();
            let free_s = profile.free_time_s(link);
            let length_m = f64::from(link.length_m as f32);
            top_speed_mps = top_speed_mps.max(drawn_m.max(length_m) / free_s);
            let mut add = |reverse: bool| {
                let way = i as u32 | if reverse { AGAINST } else { 0 };
                let arc = Arc { way, free_ms: whole_ms(free_s) };
                graph.add_node(arc);
                begins.push(if reverse { flat[flat.len() - 1] } else { flat[0] });
                speeds_mps.push(link.length_m / free_s);
            };
            add(false);
            // A street drawn once per direction is walked along either drawing; one is enough.
            if profile.goes_both_ways()
                && !twins[i].is_some_and(|t| profile.may_use(network, network.link(t)))
            {
                add(true);
            }
        }
        let (transitions, main) = (Vec::new(), Vec::new());
        let mut street = StreetGraph { profile, graph, transitions, plane, top_speed_mps, main, ends };
        let building = Building { city, begins, speeds_mps };
        if profile.goes_both_ways() {
            street.join_at_nodes(&building, |_, _| true);
        } else {
            street.join_by_movements(&building);
        }
        street.share_transitions();
        street.main = street.largest_component();
        street
    }

    /// Keeps one of those transitions that are alike.
    fn share_transitions(&mut self) {
        let mut known = HashMap::new();
        let all = std::mem::take(&mut self.transitions);
        for edge in self.graph.edge_weights_mut() {
            let transition = all[edge.0 as usize];
            let Transition { turn, length_m, inside_s, signal_s, free_ms } = transition;
            let key = (turn, [length_m, inside_s, signal_s].map(f32::to_bits), free_ms);
            *edge = *known.entry(key).or_insert_with(|| {
                self.transitions.push(transition);
                TransitionIx(self.transitions.len() as u32 - 1)
            });
        }
        self.transitions.shrink_to_fit();
    }

    /// What a file keeps of it.
    pub(crate) fn keep(&self) -> Kept {
        let edge = |edge: &petgraph::graph::Edge<TransitionIx, u32>| {
            [edge.source().index() as u32, edge.target().index() as u32, edge.weight.0]
        };
        Kept {
            profile: self.profile,
            arcs: self.graph.node_weights().copied().collect(),
            edges: self.graph.raw_edges().iter().map(edge).collect(),
            transitions: self.transitions.clone(),
            top_speed_mps: self.top_speed_mps,
            main: self.main.clone(),
        }
    }

    /// The graph that was kept, on the map with which it was; `None` if they do not fit together.
    pub(crate) fn of_kept(kept: Kept, profile: Profile, map: &Map, ends: Ends) -> Option<StreetGraph> {
        let Kept { arcs, edges, mut transitions, top_speed_mps, main, .. } = kept;
        let in_order = arcs.is_sorted_by_key(|arc| (arc.link(), arc.is_reverse()));
        let on_the_map = arcs.last().is_none_or(|arc| arc.link().ix() < map.len()) && ends.len() == map.len();
        if kept.profile != profile || main.len() != arcs.len() || !in_order || !on_the_map {
            return None;
        }
        let mut graph = DiGraph::with_capacity(arcs.len(), edges.len());
        let count = arcs.len() as u32;
        for arc in arcs {
            graph.add_node(arc);
        }
        for [from, to, transition] in edges {
            if from >= count || to >= count || transition as usize >= transitions.len() {
                return None;
            }
            graph.add_edge(ArcIx::new(from as usize), ArcIx::new(to as usize), TransitionIx(transition));
        }
        transitions.shrink_to_fit();
        let plane = LocalPlane::around(map.centre);
        Some(StreetGraph { profile, graph, transitions, plane, top_speed_mps, main, ends })
    }

    /// The arcs of a link: in driving direction, and against it.
    pub fn arcs_of(&self, link: LinkIx) -> [Option<ArcIx>; 2] {
        // Arcs are in the order of their links.
        let first = self.graph.raw_nodes().partition_point(|arc| arc.weight.link() < link);
        let mut arcs = [None; 2];
        for (i, arc) in self.graph.raw_nodes().iter().enumerate().skip(first).take(2) {
            if arc.weight.link() == link {
                arcs[usize::from(arc.weight.is_reverse())] = Some(ArcIx::new(i));
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

    fn join_by_movements(&mut self, building: &Building<'_>) {
        let city = building.city;
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
            let length_m = movement.length_m.max(building.gap(self, from, to));
            let speed_mps = match movement.speed_limit_mps {
                Some(limit) if self.profile.is_motor() => limit,
                _ => building.speeds_mps[to.index()],
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
        self.join_at_nodes(building, |from, to| !(lanes(from) && lanes(to)));
    }

    fn join_at_nodes(&mut self, building: &Building<'_>, joins: impl Fn(LinkIx, LinkIx) -> bool) {
        let network = &building.city.network;
        let ends = |arc: &Arc| {
            let link = network.link(arc.link());
            if arc.is_reverse() { (link.to, link.from) } else { (link.from, link.to) }
        };
        let mut leaving = vec![Vec::new(); network.nodes.len()];
        for ix in self.graph.node_indices() {
            leaving[ends(&self.graph[ix]).0.ix()].push(ix);
        }
        for from in self.graph.node_indices() {
            let arc = self.graph[from];
            let (begin, end) = ends(&arc);
            let onward = |to: &ArcIx| joins(arc.link(), self.graph[*to].link());
            let candidates: Vec<_> = leaving[end.ix()].iter().copied().filter(onward).collect();
            let goes_back = |to: ArcIx| ends(&self.graph[to]).1 == begin;
            let dead_end =
                candidates.iter().all(|&to| goes_back(to)) && self.graph.edges(from).next().is_none();
            let onward = candidates.into_iter().filter(|&to| dead_end || !goes_back(to)).map(|to| {
                let turn = if goes_back(to) { Turn::UTurn } else { building.turn(self, from, to) };
                let speed_mps = building.speeds_mps[to.index()];
                (to, Transition::new(self.profile, turn, building.gap(self, from, to), speed_mps, 0.0))
            });
            for (to, transition) in onward.collect::<Vec<_>>() {
                self.join(from, to, transition);
            }
        }
    }

    fn join(&mut self, from: ArcIx, to: ArcIx, transition: Transition) {
        if transition.inside_s > 0.0 {
            self.top_speed_mps = self.top_speed_mps.max(transition.length_m() / transition.inside_s());
        }
        self.graph.add_edge(from, to, TransitionIx(self.transitions.len() as u32));
        self.transitions.push(transition);
    }

    /// The arc's line on the plane, in the direction of travel.
    pub(crate) fn shape(&self, map: &Map, ix: ArcIx) -> Vec<[f64; 2]> {
        let arc = self.arc(ix);
        let points = map.link(arc.link()).on(self.plane);
        if arc.is_reverse() { points.rev().collect() } else { points.collect() }
    }

    fn largest_component(&self) -> Vec<bool> {
        let mut main = vec![false; self.graph.node_count()];
        let components = kosaraju_scc(&self.graph);
        // Of two that are equally large, the one that begins first in the network.
        let largest = components.iter().max_by_key(|c| (c.len(), std::cmp::Reverse(c.iter().min().copied())));
        for arc in largest.into_iter().flatten() {
            main[arc.index()] = true;
        }
        main
    }
}

/// What is needed of a city while its graph is built.
struct Building<'a> {
    city: &'a City,
    /// By arc: where it begins.
    begins: Vec<[f64; 2]>,
    /// By arc: its speed without traffic.
    speeds_mps: Vec<f64>,
}

impl Building<'_> {
    /// Metres from the end of one arc to the beginning of the next, as drawn.
    fn gap(&self, street: &StreetGraph, from: ArcIx, to: ArcIx) -> f64 {
        let line = &self.city.network.link(street.arc(from).link()).shape;
        let end = if street.arc(from).is_reverse() { line[0] } else { line[line.len() - 1] };
        distance(street.plane.to_metres(end), self.begins[to.index()])
    }

    fn turn(&self, street: &StreetGraph, from: ArcIx, to: ArcIx) -> Turn {
        if street.profile.goes_both_ways() {
            return Turn::Straight; // On foot a corner costs nothing.
        }
        let line = |ix: ArcIx| {
            let arc = street.arc(ix);
            let points = self.city.network.link(arc.link()).shape.iter().map(|&p| street.plane.to_metres(p));
            if arc.is_reverse() { points.rev().collect::<Vec<_>>() } else { points.collect() }
        };
        match turn_degrees(&line(from), &line(to)) {
            d if d > 45.0 => Turn::Right,
            d if d < -45.0 => Turn::Left,
            _ => Turn::Straight,
        }
    }
}

/// For each link, the link between the same two nodes the other way whose length is nearest to its own, if
/// that is within a tenth: the other half of a two-way street.
pub(crate) fn twins(network: &Network) -> Vec<Option<LinkIx>> {
    let leaving = network.links_from();
    let twin = |link: &Link| {
        let back = leaving[link.to.ix()].iter().copied().filter(|&other| network.link(other).to == link.from);
        let difference = |&other: &LinkIx| (network.link(other).length_m - link.length_m).abs();
        back.filter(|other| difference(other) <= 0.1 * link.length_m)
            .min_by(|a, b| difference(a).total_cmp(&difference(b)))
    };
    network.links.iter().map(twin).collect()
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

/// The same for what is counted in ms already.
pub(crate) fn rounded_up(ms: f64) -> u32 {
    ms.ceil().min(LONGEST_MS) as u32
}

/// Metres between two places on the plane.
pub(crate) fn distance(a: [f64; 2], b: [f64; 2]) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

/// The place a share `t` of the way from `a` to `b`.
pub(crate) fn between(a: [f64; 2], b: [f64; 2], t: f64) -> [f64; 2] {
    [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])]
}

/// By how many degrees one turns from the end of one line to the beginning of another; right is positive.
pub(crate) fn turn_degrees(from: &[[f64; 2]], to: &[[f64; 2]]) -> f64 {
    let heading = |a: [f64; 2], b: [f64; 2]| (b[0] - a[0]).atan2(b[1] - a[1]).to_degrees();
    let differ = |w: &&[[f64; 2]]| distance(w[0], w[1]) > 0.01;
    let last = from.windows(2).rev().find(differ).map(|w| heading(w[0], w[1]));
    let first = to.windows(2).find(differ).map(|w| heading(w[0], w[1]));
    let (Some(last), Some(first)) = (last, first) else { return 0.0 };
    (first - last + 540.0).rem_euclid(360.0) - 180.0
}
