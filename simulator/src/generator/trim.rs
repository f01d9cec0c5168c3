//! The street graph cut to size: crossings that are one made one, and the world's edge.

use super::{
    atlas::{Place, distance, length},
    plane::{Graph, Knot, at_length, is_express},
};
use model::network::RoadClass;

/// A road that leaves the world goes on for so long behind its last crossing, m.
const SHORTEST_EXIT_M: f64 = 180.0;
/// Makes one crossing of two that lie so close together that a bus could not stand between them: side streets that come
/// from left and right, the corners of a square.
pub(super) fn contract(graph: &mut Graph) {
    const SHORT_M: f64 = 75.0;
    loop {
        let at = graph.edges_at();
        let rank = |k: usize| {
            let best = at[k].iter().map(|&e| graph.street(&graph.edges[e]).class).min();
            (graph.knots[k].name.is_none(), best, k)
        };
        let short = graph.edges.iter().position(|e| {
            let street = graph.street(e);
            let plain = |k: usize| {
                !graph.knots[k].gateway
                    && at[k].len() >= 3
                    && at[k].iter().all(|&e| {
                        let s = graph.street(&graph.edges[e]);
                        !is_express(s.class) && !s.ramp
                    })
            };
            let both_named = graph.knots[e.from].name.is_some() && graph.knots[e.to].name.is_some();
            let quay = |k: usize| at[k].iter().any(|&e| graph.street(&graph.edges[e]).bridge);
            let keeps = street.bridge || both_named || e.from == e.to || (quay(e.from) && quay(e.to));
            !keeps && e.length() < SHORT_M && plain(e.from) && plain(e.to)
        });
        let Some(short) = short else { return };
        let (a, b) = (graph.edges[short].from, graph.edges[short].to);
        let (stays, goes) = if rank(a) <= rank(b) { (a, b) } else { (b, a) };
        let place = graph.knots[stays].at;
        for edge in &mut graph.edges {
            let n = edge.shape.len();
            if edge.from == goes {
                edge.from = stays;
                edge.shape[0] = place;
            }
            if edge.to == goes {
                edge.to = stays;
                edge.shape[n - 1] = place;
            }
        }
        if graph.knots[stays].junction_id.is_none() {
            graph.knots[stays].junction_id = graph.knots[goes].junction_id.take();
        }
        // What ran between the two is gone; bends close to the new crossing would fold back.
        graph.retain_edges(|_, e| e.from != e.to || e.length() > 4.0 * SHORT_M);
        for edge in &mut graph.edges {
            let (first, last) = (edge.shape[0], edge.shape[edge.shape.len() - 1]);
            let n = edge.shape.len();
            let mut i = 0;
            edge.shape.retain(|p| {
                i += 1;
                i == 1 || i == n || (distance(*p, first) > 30.0 && distance(*p, last) > 30.0)
            });
        }
    }
}

/// Cuts the graph at the edge of the world: `inside` is negative outwards, positive inwards. Main roads that leave
/// end in a gateway; smaller ones are cut off.
pub(super) fn clip(graph: &mut Graph, inside: impl Fn(Place) -> f64) {
    let is_in: Vec<bool> = graph.knots.iter().map(|k| inside(k.at) > 0.0).collect();
    let mut dropped = Vec::new();
    for i in 0..graph.edges.len() {
        let edge = &graph.edges[i];
        let (from_in, to_in) = (is_in[edge.from], is_in[edge.to]);
        let main = graph.street(edge).class <= RoadClass::Secondary && !graph.street(edge).ramp;
        if from_in && to_in {
            dropped.push(false);
            continue;
        }
        if !from_in && !to_in || !main {
            dropped.push(true);
            continue;
        }
        let mut line = edge.shape.clone();
        if to_in {
            line.reverse();
        }
        let mut kept = vec![line[0]];
        for w in line.windows(2) {
            if inside(w[1]) > 0.0 {
                kept.push(w[1]);
                continue;
            }
            let (mut low, mut high) = (0.0, 1.0);
            for _ in 0..30 {
                let t = f64::midpoint(low, high);
                let p = [w[0][0] + (w[1][0] - w[0][0]) * t, w[0][1] + (w[1][1] - w[0][1]) * t];
                if inside(p) > 0.0 { low = t } else { high = t }
            }
            kept.push([w[0][0] + (w[1][0] - w[0][0]) * low, w[0][1] + (w[1][1] - w[0][1]) * low]);
            break;
        }
        let bridge = graph.street(edge).bridge;
        if bridge {
            dropped.push(true);
            continue;
        }
        if length(&kept) < SHORTEST_EXIT_M {
            // Queues need room in front of the gate, even if it then stands a little outside.
            kept.clear();
            kept.push(line[0]);
            let end = at_length(&line, SHORTEST_EXIT_M);
            let mut along = 0.0;
            for w in line.windows(2) {
                along += distance(w[0], w[1]);
                if along < SHORTEST_EXIT_M {
                    kept.push(w[1]);
                }
            }
            if distance(kept[kept.len() - 1], end) > 1.0 {
                kept.push(end);
            }
        }
        let gate = graph.knots.len();
        let at = *kept.last().unwrap_or(&line[0]);
        graph.knots.push(Knot { at, name: None, junction_id: None, gateway: true });
        if to_in {
            kept.reverse();
        }
        let edge = &mut graph.edges[i];
        edge.shape = kept;
        if to_in {
            edge.from = gate
        } else {
            edge.to = gate
        }
        dropped.push(false);
    }
    graph.retain_edges(|i, _| !dropped[i]);
}
