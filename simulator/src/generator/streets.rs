//! The street graph becomes a road network, and its main crossings signalised junctions.

use super::{
    atlas::{Atlas, Place},
    plane::{Graph, is_express},
};
use model::{
    ids::{LinkId, LinkIx, NodeId, NodeIx},
    network::{
        Lane, Link, Modes, Name, Network, Node, RoadClass,
        junctions::{self, TurnRules},
    },
};
use std::collections::BTreeSet;

/// Width of a lane in Moscow, m (3.25 to 3.5 on the rings).
const LANE_WIDTH_M: f64 = 3.25;

/// The network, and what it was made of.
pub(super) struct Streets {
    pub(super) network: Network,
    /// For each edge of the graph its links, with the drawing and against it.
    pub(super) links: Vec<[Option<LinkIx>; 2]>,
    /// Nodes that shall have signals, best first.
    pub(super) signalised: Vec<NodeIx>,
}

/// Lays links and lanes along the graph's edges, picks about `wanted` crossings for signals, joins lanes across nodes,
/// and sees to it that every link can be reached from every other.
pub(super) fn lay(atlas: &Atlas, graph: &mut Graph, wanted: usize) -> Streets {
    spare_stages(graph, &pick(graph, wanted));
    loop {
        let mut streets = links(atlas, graph);
        streets.signalised = pick(graph, wanted);
        let signalised: BTreeSet<NodeIx> = streets.signalised.iter().copied().collect();
        let rules = TurnRules { banned: banned(graph, &streets, &signalised), ..TurnRules::default() };
        junctions::join(&mut streets.network, &rules);
        let lost = outside_largest_component(&streets.network);
        if lost.is_empty() {
            return streets;
        }
        // One-way streets that lead out of the city, or into it, for ever become two-way; what is lost then goes.
        let mut changed = false;
        let mut gone = BTreeSet::new();
        for (i, edge) in graph.edges.iter().enumerate() {
            let is_lost = streets.links[i].iter().flatten().any(|l| lost.contains(l));
            if !is_lost {
                continue;
            }
            let street = &mut graph.streets[edge.street];
            let most = street.lanes[0].max(street.lanes[1]);
            if street.lanes.contains(&0) && !street.ramp {
                street.lanes = [most, most];
                changed = true;
            } else {
                gone.insert(i);
            }
        }
        if !changed {
            graph.retain_edges(|i, _| !gone.contains(&i));
            graph.prune();
        }
    }
}

fn links(atlas: &Atlas, graph: &Graph) -> Streets {
    let mut network = Network::default();
    let lonlat = |p: &Place| atlas.plane.to_lonlat(*p);
    for (i, knot) in graph.knots.iter().enumerate() {
        network.nodes.push(Node { id: NodeId::new(format!("n{i}")), at: lonlat(&knot.at), kerb: false });
    }
    let mut of_edge = Vec::new();
    for (i, edge) in graph.edges.iter().enumerate() {
        let street = graph.street(edge);
        let mut both = [None, None];
        for (side, lanes) in street.lanes.into_iter().enumerate() {
            if lanes == 0 {
                continue;
            }
            let ix = LinkIx::from(network.links.len());
            let first = network.lanes.len() as u32;
            let length_m = edge.length().max(5.0);
            // Beside the lanes of a street that is no motorway people walk.
            let [access, allowed] = match is_express(street.class) {
                true => [Modes::MOTOR; 2],
                false => [Modes::STREET, Modes::MOTOR.with(Modes::BICYCLE)],
            };
            for _ in 0..lanes {
                network.lanes.push(Lane {
                    link: ix,
                    speed_limit_mps: street.speed_mps,
                    allowed,
                    width_m: LANE_WIDTH_M,
                    length_m,
                });
            }
            let mut shape: Vec<_> = edge.shape.iter().map(lonlat).collect();
            let (from, to) = if side == 0 { (edge.from, edge.to) } else { (edge.to, edge.from) };
            if side == 1 {
                shape.reverse();
            }
            network.links.push(Link {
                id: LinkId::new(format!("{i}{}", if side == 0 { "" } else { "r" })),
                from: NodeIx::from(from),
                to: NodeIx::from(to),
                name: Some(street.name.clone()).filter(|name| !name.local.is_empty()),
                class: street.class,
                shape,
                length_m,
                speed_limit_mps: street.speed_mps,
                access,
                lanes: first..network.lanes.len() as u32,
                bridge: street.bridge,
                tunnel: street.tunnel,
                steps: false,
                going: Default::default(),
                limits: None,
            });
            both[side] = Some(ix);
        }
        of_edge.push(both);
    }
    Streets { network, links: of_edge, signalised: Vec::new() }
}

/// A small street that comes in sideways where two roads already cross would cost a stage of its own: it becomes
/// one-way, away from there, as engineers do.
fn spare_stages(graph: &mut Graph, signalised: &[NodeIx]) {
    const FACING_COS: f64 = -0.766;
    let at = graph.edges_at();
    for node in signalised {
        let knot = node.ix();
        // Approaches: the edge, and the unit vector from the knot along it.
        let mut approaches: Vec<(usize, Place)> = Vec::new();
        for &e in &at[knot] {
            let edge = &graph.edges[e];
            let inbound = graph.street(edge).lanes[if edge.to == knot { 0 } else { 1 }] > 0;
            let n = edge.shape.len();
            let (a, b) = if edge.from == knot {
                (edge.shape[0], edge.shape[1])
            } else {
                (edge.shape[n - 1], edge.shape[n - 2])
            };
            let long = super::atlas::distance(a, b).max(1e-6);
            if inbound {
                approaches.push((e, [(b[0] - a[0]) / long, (b[1] - a[1]) / long]));
            }
        }
        let faces = |a: Place, b: Place| a[0] * b[0] + a[1] * b[1] < FACING_COS;
        for &(e, along) in &approaches {
            let street = &graph.streets[graph.edges[e].street];
            let small =
                graph.edges[e].road.is_none() && !street.ramp && street.class == RoadClass::Residential;
            let two_way = !street.lanes.contains(&0);
            if !small || !two_way || approaches.iter().any(|(_, other)| faces(along, *other)) {
                continue;
            }
            // Roads that cross here without it.
            let others: Vec<Place> = approaches.iter().filter(|(o, _)| *o != e).map(|(_, d)| *d).collect();
            let axes = others.len()
                - (0..others.len()).filter(|&i| others[..i].iter().any(|o| faces(*o, others[i]))).count();
            if axes >= 2 {
                let inbound_side = if graph.edges[e].to == knot { 0 } else { 1 };
                graph.streets[graph.edges[e].street].lanes[inbound_side] = 0;
            }
        }
    }
}

/// How much a crossing asks for signals: the classes of the streets that meet there.
fn importance(graph: &Graph, arms: &[usize]) -> f64 {
    let mut weights: Vec<f64> = arms
        .iter()
        .map(|&e| match graph.street(&graph.edges[e]).class {
            RoadClass::Motorway | RoadClass::Trunk => 0.0,
            RoadClass::Primary => 10.0,
            RoadClass::Secondary => 6.0,
            RoadClass::Tertiary => 2.5,
            _ => 1.0,
        })
        .collect();
    weights.sort_by(|a, b| b.total_cmp(a));
    // The third arm is what makes it a crossing; the first two are the road itself.
    weights.iter().take(2).sum::<f64>()
        + 4.0 * weights.get(2).copied().unwrap_or(0.0)
        + weights.get(3).copied().unwrap_or(0.0) * 2.0
}

/// Two signals nearer than this to each other would fill the road between them, m.
const LEAST_APART_M: f64 = 125.0;

/// Crossings for signals: the most important first, and never two too near each other unless both are large.
fn pick(graph: &Graph, wanted: usize) -> Vec<NodeIx> {
    let at = graph.edges_at();
    let mut ranked: Vec<(f64, usize)> = Vec::new();
    for (knot, arms) in at.iter().enumerate() {
        // Gates of yards have no signals.
        let is_street = |e: &&usize| graph.street(&graph.edges[**e]).class < RoadClass::Service;
        let arms: Vec<usize> = arms.iter().filter(is_street).copied().collect();
        let express = arms.iter().any(|&e| is_express(graph.street(&graph.edges[e]).class));
        let inbound = arms
            .iter()
            .filter(|&&e| {
                let edge = &graph.edges[e];
                let lanes = graph.street(edge).lanes;
                (edge.to == knot && lanes[0] > 0) || (edge.from == knot && lanes[1] > 0)
            })
            .count();
        if arms.len() < 3 || inbound < 2 || express {
            continue;
        }
        let named = f64::from(u8::from(graph.knots[knot].name.is_some())) * 10.0;
        ranked.push((importance(graph, &arms) + named, knot));
    }
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut chosen: Vec<usize> = Vec::new();
    let mut taken = vec![false; graph.knots.len()];
    // Lesser crossings keep their distance at first; if that leaves too few, they come nearer.
    let mut too_near = super::plane::Near::new(LEAST_APART_M);
    for apart_m in [180.0, LEAST_APART_M] {
        let mut near = super::plane::Near::new(apart_m);
        for &k in &chosen {
            near.add(graph.knots[k].at);
        }
        for &(score, knot) in &ranked {
            if chosen.len() >= wanted {
                break;
            }
            let p = graph.knots[knot].at;
            if taken[knot] || (score < 34.0 && near.any(p)) || too_near.any(p) {
                continue;
            }
            taken[knot] = true;
            near.add(p);
            too_near.add(p);
            chosen.push(knot);
        }
    }
    chosen.into_iter().map(NodeIx::from).collect()
}

/// Turns that the signs forbid: against the run of express roads, and, where no signal helps, across the middle of
/// a wide street.
fn banned(graph: &Graph, streets: &Streets, signalised: &BTreeSet<NodeIx>) -> BTreeSet<(LinkIx, LinkIx)> {
    let network = &streets.network;
    let mut ramp = vec![false; network.links.len()];
    for (edge, links) in graph.edges.iter().zip(&streets.links) {
        for link in links.iter().flatten() {
            ramp[link.ix()] = graph.street(edge).ramp;
        }
    }
    let mut inbound = vec![Vec::new(); network.nodes.len()];
    let mut outbound = vec![Vec::new(); network.nodes.len()];
    for (i, link) in network.links.iter().enumerate() {
        inbound[link.to.ix()].push(LinkIx::from(i));
        outbound[link.from.ix()].push(LinkIx::from(i));
    }
    let mut banned = BTreeSet::new();
    for node in 0..network.nodes.len() {
        let all = || inbound[node].iter().chain(&outbound[node]);
        let express = all().any(|l| is_express(network.link(*l).class));
        // A wide street: two lanes or more in both directions.
        let wide =
            |l: LinkIx| network.link(l).lanes.len() >= 2 && network.link(l).class <= RoadClass::Secondary;
        // Squares where many roads meet have no time for left turns off wide ones; drivers go around.
        let crowded = signalised.contains(&NodeIx::from(node)) && inbound[node].len() >= 5;
        let through_wide = inbound[node].iter().filter(|l| wide(**l)).count() >= 2;
        for &from in &inbound[node] {
            for &to in &outbound[node] {
                let (a, b) = (network.link(from), network.link(to));
                let angle = junctions::turned(
                    junctions::heading_in(network, from),
                    junctions::heading_out(network, to),
                );
                let never = if express {
                    angle.abs() > 70.0
                } else if ramp[from.ix()] && ramp[to.ix()] {
                    true
                } else if signalised.contains(&NodeIx::from(node)) && angle > 35.0 && a.lanes.len() >= 3 {
                    // No left turns off a wide road into a lane, nor off the widest, but on squares with time for it.
                    let square = graph.knots[node].name.is_some() && b.class <= RoadClass::Primary;
                    crowded || b.class >= RoadClass::Tertiary || (a.lanes.len() >= 4 && !square)
                } else if !signalised.contains(&NodeIx::from(node)) && through_wide && all().count() > 4 {
                    // Right in, right out: no way across the middle of the wide street.
                    let minor = |l: LinkIx| !wide(l);
                    let left = angle > 35.0;
                    (minor(from) && (left || (minor(to) && angle.abs() <= 35.0))) || (left && minor(to))
                } else {
                    false
                };
                if never && a.from != b.to {
                    banned.insert((from, to));
                }
            }
        }
    }
    banned
}

/// Links that cannot reach the rest by car, or be reached.
fn outside_largest_component(network: &Network) -> BTreeSet<LinkIx> {
    let component = components(network);
    let mut sizes = std::collections::BTreeMap::new();
    for c in &component {
        *sizes.entry(*c).or_insert(0_usize) += 1;
    }
    let Some((&largest, _)) = sizes.iter().max_by_key(|(c, size)| (**size, std::cmp::Reverse(**c))) else {
        return BTreeSet::new();
    };
    (0..component.len()).filter(|&i| component[i] != largest).map(LinkIx::from).collect()
}

/// Strongly connected components of links by their movements (Tarjan 1972, without recursion).
pub(super) fn components(network: &Network) -> Vec<usize> {
    let n = network.links.len();
    let mut next: Vec<Vec<usize>> = vec![Vec::new(); n];
    for m in &network.movements {
        next[network.lane(m.from).link.ix()].push(network.lane(m.to).link.ix());
    }
    for list in &mut next {
        list.sort_unstable();
        list.dedup();
    }
    const NEW: usize = usize::MAX;
    let (mut index, mut low, mut on_stack) = (vec![NEW; n], vec![0; n], vec![false; n]);
    let (mut stack, mut component, mut counter, mut found) = (Vec::new(), vec![0; n], 0, 0);
    for root in 0..n {
        if index[root] != NEW {
            continue;
        }
        let mut work = vec![(root, 0)];
        while let Some(&(v, i)) = work.last() {
            if i == 0 {
                (index[v], low[v]) = (counter, counter);
                counter += 1;
                stack.push(v);
                on_stack[v] = true;
            }
            if let Some(&w) = next[v].get(i) {
                if let Some(top) = work.last_mut() {
                    top.1 += 1;
                }
                if index[w] == NEW {
                    work.push((w, 0));
                } else if on_stack[w] {
                    low[v] = low[v].min(index[w]);
                }
                continue;
            }
            work.pop();
            if let Some(&(parent, _)) = work.last() {
                low[parent] = low[parent].min(low[v]);
            }
            if low[v] == index[v] {
                while let Some(w) = stack.pop() {
                    on_stack[w] = false;
                    component[w] = found;
                    if w == v {
                        break;
                    }
                }
                found += 1;
            }
        }
    }
    component
}

/// «Улица × Улица», or the square's own name.
pub(super) fn junction_name(graph: &Graph, knot: usize, arms: &[usize]) -> Name {
    if let Some(name) = &graph.knots[knot].name {
        return name.clone();
    }
    let mut streets: Vec<(RoadClass, usize)> =
        arms.iter().map(|&e| (graph.street(&graph.edges[e]).class, e)).collect();
    streets.sort_by_key(|(class, e)| (*class, *e));
    let mut names: Vec<&Name> = Vec::new();
    for (_, e) in streets {
        let street = graph.street(&graph.edges[e]);
        if !street.ramp && !names.contains(&&street.name) {
            names.push(&street.name);
        }
    }
    match names[..] {
        [] => Name::new("Съезд", "Ramp"),
        [only] => Name::new(short(&only.local), short(only.english())),
        // The road that changes its name here, and the one that crosses it.
        [first, .., last] => {
            let join = |a: &str, b: &str| format!("{} × {}", short(a), short(b));
            Name::new(join(&first.local, &last.local), join(first.english(), last.english()))
        }
    }
}

/// A street's name without the words that only say that it is one.
fn short(name: &str) -> &str {
    let name = name.strip_prefix("ул. ").unwrap_or(name);
    name.strip_suffix(" ул.").or_else(|| name.strip_suffix(" St")).unwrap_or(name)
}
