//! Yard streets: the dead ends between houses, of which a real map has more than of all other streets. Whoever plans journeys
//! begins and ends there; simulated traffic begins on the streets outside and needs none of them.

use super::{
    atlas::{Place, Street, distance},
    plane::{Edge, Graph, Knot, at_length, between},
};
use model::network::{Name, RoadClass};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// From one gate to the next, on either side in turn, m.
const EVERY_M: f64 = 42.0;
/// No gate is nearer to a crossing than this, m.
const CLEAR_M: f64 = 55.0;
/// How far a yard reaches from its street, m.
const DEPTH_M: std::ops::Range<f64> = 25.0..75.0;
/// Nobody drives faster there, m/s: 20 km/h is the law in Russian yards.
const SPEED_MPS: f64 = 20.0 / 3.6;

/// Opens yards along all small streets, where the land is not `blocked`.
pub(super) fn lay(graph: &mut Graph, blocked: impl Fn(Place) -> bool, seed: u64) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x5eed_0a4d);
    graph.streets.push(Street {
        name: Name::default(),
        class: RoadClass::Service,
        lanes: [1, 1],
        speed_mps: SPEED_MPS,
        bridge: false,
        tunnel: false,
        ramp: false,
    });
    let yard = graph.streets.len() - 1;
    for edge in std::mem::take(&mut graph.edges) {
        let street = graph.street(&edge);
        let small = matches!(street.class, RoadClass::Tertiary | RoadClass::Residential);
        let length_m = edge.length();
        let gates = if small && !street.bridge && !street.tunnel && !street.ramp {
            ((length_m - 2.0 * CLEAR_M) / EVERY_M).floor().max(-1.0) as i64 + 1
        } else {
            0
        };
        let first_m = (length_m - (gates - 1) as f64 * EVERY_M) / 2.0;
        let mut stops = vec![(0.0, edge.from)];
        for gate in 0..gates {
            let along_m = first_m + gate as f64 * EVERY_M;
            let [before, at, after] = [-1.0, 0.0, 1.0].map(|m| at_length(&edge.shape, along_m + m));
            let long = distance(before, after).max(1e-6);
            let side = if gate % 2 == 0 { 1.0 } else { -1.0 };
            let deep = rng.random_range(DEPTH_M) * side / long;
            let end = [at[0] - (after[1] - before[1]) * deep, at[1] + (after[0] - before[0]) * deep];
            if blocked(end) {
                continue;
            }
            let [from, to] = [at, end].map(|at| {
                graph.knots.push(Knot { at, name: None, junction_id: None, gateway: false });
                graph.knots.len() - 1
            });
            graph.edges.push(Edge { from, to, shape: vec![at, end], street: yard, road: None });
            stops.push((along_m, from));
        }
        stops.push((length_m, edge.to));
        for pair in stops.windows(2) {
            let [(a, from), (b, to)] = [pair[0], pair[1]];
            let shape = between(&edge.shape, a, b, graph.knots[from].at, graph.knots[to].at);
            let road = edge.road.map(|(road, along_m)| (road, along_m + a));
            graph.edges.push(Edge { from, to, shape, street: edge.street, road });
        }
    }
}
