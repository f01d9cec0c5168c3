//! Small streets between the large ones: blocks that are too big are halved, again and again, by a street across
//! their shorter way. What grows so follows the rings and radials around it, as old towns do.

use super::{
    atlas::{Place, Street, distance, length},
    plane::{Edge, Graph, Knot, at_length, between, cells_of, crossing, is_express},
};
use model::network::{Name, RoadClass};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// A new street meets an old one no nearer than this to its crossings, m; nearer ones run into the crossing.
const CLEAR_M: f64 = 62.0;
/// The same on main roads: who turns in must have room to get into lane before the next crossing.
const CLEAR_OF_MAIN_M: f64 = 105.0;
/// No street is shorter.
const SHORTEST_M: f64 = 70.0;

/// What may not be built over, by square.
pub(super) struct Obstacles {
    cells: BTreeMap<(i64, i64), Vec<[Place; 2]>>,
}

impl Obstacles {
    const CELL_M: f64 = 250.0;

    pub(super) fn new() -> Self {
        Self { cells: BTreeMap::new() }
    }

    pub(super) fn add_line(&mut self, line: &[Place]) {
        for w in line.windows(2) {
            for cell in cells_of(w[0], w[1], Self::CELL_M) {
                self.cells.entry(cell).or_default().push([w[0], w[1]]);
            }
        }
    }

    fn hit(&self, a: Place, b: Place) -> bool {
        cells_of(a, b, Self::CELL_M)
            .filter_map(|cell| self.cells.get(&cell))
            .flatten()
            .any(|[c, d]| crossing(a, b, *c, *d).is_some())
    }
}

/// A face of the graph: half-edges, each with its direction.
struct Face {
    halves: Vec<(usize, bool)>,
    ring: Vec<Place>,
    /// For each segment of `ring`, its place in `halves`.
    of: Vec<usize>,
    area: f64,
}

/// One end of a street to be: on an edge, so far along it, or at a knot.
#[derive(Clone, Copy)]
enum End {
    On(usize, f64),
    At(usize),
}

struct Chord {
    ends: [End; 2],
    places: [Place; 2],
    bend: Place,
    area: f64,
}

/// Halves faces until none is larger than `largest` says for its middle, m², or none can be cut.
pub(super) fn fill(
    graph: &mut Graph,
    border: &[Place],
    obstacles: &Obstacles,
    blocked: impl Fn(Place) -> bool,
    largest: impl Fn(Place) -> f64,
    seed: u64,
) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x5eed_f111);
    let fence_street = fence(graph, border);
    for _pass in 0..24 {
        let chords: Vec<Chord> = faces(graph)
            .iter()
            .filter_map(|face| {
                let target = largest(middle(&face.ring));
                (face.area > target).then(|| chord(graph, face, obstacles, &blocked, &mut rng)).flatten()
            })
            .collect();
        if chords.is_empty() {
            break;
        }
        build(graph, &chords, &largest, &mut rng);
    }
    graph.retain_edges(|_, e| e.street != fence_street);
}

/// Joins the gateways around the border, so that the outermost faces close. Returns the street that the fence is.
fn fence(graph: &mut Graph, border: &[Place]) -> usize {
    let no_name = Name::only("");
    let street = Street {
        name: no_name,
        class: RoadClass::Path,
        lanes: [0, 0],
        speed_mps: 1.0,
        bridge: false,
        tunnel: false,
        ramp: false,
    };
    graph.streets.push(street);
    let fence_street = graph.streets.len() - 1;
    let centre = middle(border);
    let angle = |p: Place| (p[1] - centre[1]).atan2(p[0] - centre[0]);
    let mut posts: Vec<(f64, Option<usize>, Place)> = graph
        .knots
        .iter()
        .enumerate()
        .filter(|(_, k)| k.gateway)
        .map(|(i, k)| (angle(k.at), Some(i), k.at))
        .chain(border.iter().skip(1).map(|p| (angle(*p), None, *p)))
        .collect();
    posts.sort_by(|a, b| a.0.total_cmp(&b.0));
    let gates: Vec<usize> = (0..posts.len()).filter(|&i| posts[i].1.is_some()).collect();
    for (n, &i) in gates.iter().enumerate() {
        let j = gates[(n + 1) % gates.len()];
        let mut shape = vec![posts[i].2];
        let mut k = (i + 1) % posts.len();
        while k != j {
            shape.push(posts[k].2);
            k = (k + 1) % posts.len();
        }
        shape.push(posts[j].2);
        if let (Some(from), Some(to)) = (posts[i].1, posts[j].1)
            && from != to
        {
            graph.edges.push(Edge { from, to, shape, street: fence_street, road: None });
        }
    }
    fence_street
}

/// Edges that lie in the plane without crossing another one.
fn is_flat(street: &Street) -> bool {
    !street.bridge && !street.tunnel && !street.ramp && !is_express(street.class)
}

fn faces(graph: &Graph) -> Vec<Face> {
    // Half-edges leaving each knot, by angle.
    let mut leaving: Vec<Vec<(f64, usize, bool)>> = vec![Vec::new(); graph.knots.len()];
    for (i, e) in graph.edges.iter().enumerate() {
        if !is_flat(graph.street(e)) {
            continue;
        }
        let n = e.shape.len();
        let angle = |a: Place, b: Place| (b[1] - a[1]).atan2(b[0] - a[0]);
        leaving[e.from].push((angle(e.shape[0], e.shape[1]), i, true));
        leaving[e.to].push((angle(e.shape[n - 1], e.shape[n - 2]), i, false));
    }
    for list in &mut leaving {
        list.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    }
    let mut used = vec![[false; 2]; graph.edges.len()];
    let mut out = Vec::new();
    for start in 0..graph.edges.len() {
        for forward in [true, false] {
            if used[start][usize::from(forward)] || !is_flat(graph.street(&graph.edges[start])) {
                continue;
            }
            let mut halves = Vec::new();
            let (mut edge, mut dir) = (start, forward);
            while !used[edge][usize::from(dir)] {
                used[edge][usize::from(dir)] = true;
                halves.push((edge, dir));
                let e = &graph.edges[edge];
                let knot = if dir { e.to } else { e.from };
                let list = &leaving[knot];
                // Turn as far right as possible: the face stays on the left.
                let Some(here) = list.iter().position(|&(_, i, d)| i == edge && d != dir) else { break };
                let (_, next, next_dir) = list[(here + list.len() - 1) % list.len()];
                (edge, dir) = (next, next_dir);
            }
            let mut ring: Vec<Place> = Vec::new();
            let mut of = Vec::new();
            for (k, &(edge, dir)) in halves.iter().enumerate() {
                let shape = &graph.edges[edge].shape;
                let points: Vec<Place> =
                    if dir { shape.clone() } else { shape.iter().rev().copied().collect() };
                of.extend(std::iter::repeat_n(k, points.len() - 1));
                ring.extend(&points[..points.len() - 1]);
            }
            let area = signed_area(&ring);
            if area > 0.0 {
                out.push(Face { halves, ring, of, area });
            }
        }
    }
    out
}

/// Twice nothing: the shoelace formula; positive counter-clockwise.
pub(super) fn signed_area(ring: &[Place]) -> f64 {
    let n = ring.len();
    (0..n).map(|i| ring[i][0] * ring[(i + 1) % n][1] - ring[(i + 1) % n][0] * ring[i][1]).sum::<f64>() / 2.0
}

pub(super) fn middle(ring: &[Place]) -> Place {
    let n = ring.len().max(1) as f64;
    [ring.iter().map(|p| p[0]).sum::<f64>() / n, ring.iter().map(|p| p[1]).sum::<f64>() / n]
}

/// The centre of gravity of a face.
fn centroid(ring: &[Place], area: f64) -> Place {
    let n = ring.len();
    let [mut x, mut y] = [0.0, 0.0];
    for i in 0..n {
        let (p, q) = (ring[i], ring[(i + 1) % n]);
        let cross = p[0] * q[1] - q[0] * p[1];
        x += (p[0] + q[0]) * cross;
        y += (p[1] + q[1]) * cross;
    }
    [x / (6.0 * area), y / (6.0 * area)]
}

/// The direction in which a face is longest, by the box around it that is smallest.
fn long_axis(ring: &[Place]) -> f64 {
    let mut best = (f64::MAX, 0.0);
    for k in 0..18 {
        let angle = f64::from(k) * std::f64::consts::PI / 18.0;
        let (sin, cos) = angle.sin_cos();
        let span = |f: &dyn Fn(&Place) -> f64| {
            let (low, high) = ring.iter().map(f).fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(v), h.max(v)));
            high - low
        };
        let (along, across) = (span(&|p| p[0] * cos + p[1] * sin), span(&|p| p[1] * cos - p[0] * sin));
        let box_area = along * across;
        if box_area < best.0 {
            best = (box_area, if along >= across { angle } else { angle + std::f64::consts::FRAC_PI_2 });
        }
    }
    best.1
}

/// The best street across a face, if there is one.
fn chord(
    graph: &Graph,
    face: &Face,
    obstacles: &Obstacles,
    blocked: &impl Fn(Place) -> bool,
    rng: &mut ChaCha8Rng,
) -> Option<Chord> {
    let centre = centroid(&face.ring, face.area);
    let axis = long_axis(&face.ring);
    let size = face.area.sqrt();
    let jitter = rng.random_range(-0.10..0.10);
    let bend = rng.random_range(-0.05..0.05);
    let mut best: Option<(f64, Chord)> = None;
    for side_ways in [false, true] {
        let axis = if side_ways { axis + std::f64::consts::FRAC_PI_2 } else { axis };
        for turn in [0.0, 0.16, -0.16, 0.35, -0.35] {
            for offset in [jitter, jitter + 0.18, jitter - 0.18, jitter + 0.36, jitter - 0.36] {
                let through =
                    [centre[0] + axis.cos() * offset * size, centre[1] + axis.sin() * offset * size];
                let direction = axis + std::f64::consts::FRAC_PI_2 + turn;
                let Some(c) = cut_through(graph, face, through, direction, bend, 0.16) else { continue };
                let long = distance(c.places[0], c.places[1]);
                let score = long / size + offset.abs() + 0.6 * turn.abs() + c.area;
                if best.as_ref().is_some_and(|(s, _)| *s <= score) {
                    continue;
                }
                let clear = [c.places[0], c.bend, c.places[1]]
                    .windows(2)
                    .all(|w| !obstacles.hit(w[0], w[1]) && !blocked(lerp(w[0], w[1], 0.5)));
                if clear && inside_only(face, &c) {
                    best = Some((score, c));
                }
            }
        }
        if best.is_some() {
            break;
        }
    }
    if best.is_none() {
        // Faces that bend around water or a motorway: straight across from the longest streets on their border.
        let n = face.ring.len();
        let mut sides: Vec<(f64, usize)> =
            (0..n).map(|i| (distance(face.ring[i], face.ring[(i + 1) % n]), i)).collect();
        sides.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        'sides: for &(long, i) in sides.iter().take(12).filter(|(long, _)| *long > 3.0 * CLEAR_M) {
            let (a, b) = (face.ring[i], face.ring[(i + 1) % n]);
            for share in [0.5 + jitter, 0.75 + jitter, 0.25 + jitter] {
                let foot = lerp(a, b, share);
                // The face lies on the left of its border.
                let inwards = [-(b[1] - a[1]) / long, (b[0] - a[0]) / long];
                let through = [foot[0] + inwards[0], foot[1] + inwards[1]];
                let direction = inwards[1].atan2(inwards[0]);
                let Some(c) = cut_through(graph, face, through, direction, bend, 0.015) else { continue };
                let clear = [c.places[0], c.bend, c.places[1]]
                    .windows(2)
                    .all(|w| !obstacles.hit(w[0], w[1]) && !blocked(lerp(w[0], w[1], 0.5)));
                if clear && inside_only(face, &c) {
                    best = Some((0.0, c));
                    break 'sides;
                }
            }
        }
    }
    best.map(|(_, mut c)| {
        c.area = face.area;
        c
    })
}

fn lerp(a: Place, b: Place, t: f64) -> Place {
    [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t]
}

/// The street along a straight cut through `through`; its `area` is how badly it meets the roads at its ends.
fn cut_through(
    graph: &Graph,
    face: &Face,
    through: Place,
    direction: f64,
    bend: f64,
    least_share: f64,
) -> Option<Chord> {
    let (sin, cos) = direction.sin_cos();
    const FAR_M: f64 = 30_000.0;
    let n = face.ring.len();
    // The nearest border on either side.
    let mut hits: [Option<(f64, usize, f64)>; 2] = [None, None];
    for (side, sign) in [1.0, -1.0].into_iter().enumerate() {
        let far = [through[0] + cos * sign * FAR_M, through[1] + sin * sign * FAR_M];
        for i in 0..n {
            if let Some((t, u)) = crossing(through, far, face.ring[i], face.ring[(i + 1) % n])
                && hits[side].is_none_or(|(best, _, _)| t < best)
            {
                hits[side] = Some((t, i, u));
            }
        }
    }
    let mut ends = [End::At(0); 2];
    let mut places = [[0.0; 2]; 2];
    let mut slant = 0.0;
    for side in 0..2 {
        let (_, segment, u) = hits[side]?;
        let half = face.of[segment];
        let (edge_ix, forward) = face.halves[half];
        let edge = &graph.edges[edge_ix];
        if graph.street(edge).class == RoadClass::Path {
            return None;
        }
        let (a, b) = (face.ring[segment], face.ring[(segment + 1) % n]);
        let at = lerp(a, b, u);
        // How far along the edge, in its own direction.
        let first = face.of.iter().position(|h| *h == half)?;
        let mut along: f64 = (first..segment).map(|i| distance(face.ring[i], face.ring[(i + 1) % n])).sum();
        along += distance(a, at);
        let total = edge.length();
        let along = if forward { along } else { total - along };
        let (near, far) = (edge.from, edge.to);
        let main = graph.street(edge).class <= RoadClass::Primary;
        let clear = if main { CLEAR_OF_MAIN_M } else { CLEAR_M };
        let snapped = if along < clear && along <= total / 2.0 {
            Some(near)
        } else if total - along < clear {
            Some(far)
        } else {
            None
        };
        match snapped {
            // Squares keep their arms; a new one fits only where three meet.
            Some(knot) => {
                let moved = distance(at, graph.knots[knot].at);
                if graph.knots[knot].gateway
                    || (main && graph.knots[knot].name.is_some())
                    || moved > 1.2 * clear
                {
                    return None;
                }
                ends[side] = End::At(knot);
                places[side] = graph.knots[knot].at;
            }
            None => {
                ends[side] = End::On(edge_ix, along);
                places[side] = at;
            }
        }
        let heading = (b[1] - a[1]).atan2(b[0] - a[0]);
        slant += (heading - direction).cos().abs() * 0.8;
    }
    let long = distance(places[0], places[1]);
    if long < SHORTEST_M || long > 2.4 * face.area.sqrt() {
        return None;
    }
    // Neither half may be a sliver.
    let (Some((_, from, _)), Some((_, to, _))) = (hits[0], hits[1]) else { return None };
    let mut half = vec![places[0]];
    let mut i = from;
    while i != to {
        i = (i + 1) % n;
        half.push(face.ring[i]);
    }
    half.push(places[1]);
    let share = signed_area(&half).abs() / face.area;
    if share < least_share || share > 1.0 - least_share {
        return None;
    }
    let normal = [-(places[1][1] - places[0][1]) / long, (places[1][0] - places[0][0]) / long];
    let half_way = lerp(places[0], places[1], 0.5);
    let bend = [half_way[0] + normal[0] * bend * long, half_way[1] + normal[1] * bend * long];
    Some(Chord { ends, places, bend, area: slant })
}

/// Whether a street stays within its face from end to end, and leaves its ends at a good angle.
fn inside_only(face: &Face, c: &Chord) -> bool {
    let n = face.ring.len();
    for w in [[c.places[0], c.bend], [c.bend, c.places[1]]] {
        // Ends lie on the border; look at what is between.
        let (a, b) = (lerp(w[0], w[1], 0.03), lerp(w[0], w[1], 0.97));
        if (0..n).any(|i| crossing(a, b, face.ring[i], face.ring[(i + 1) % n]).is_some()) {
            return false;
        }
    }
    contains(&face.ring, c.bend)
}

/// Whether a closed ring holds a place (even-odd).
pub(super) fn contains(ring: &[Place], p: Place) -> bool {
    let n = ring.len();
    let mut inside = false;
    for i in 0..n {
        let (a, b) = (ring[i], ring[(i + 1) % n]);
        if (a[1] > p[1]) != (b[1] > p[1]) && p[0] < (b[0] - a[0]) * (p[1] - a[1]) / (b[1] - a[1]) + a[0] {
            inside = !inside;
        }
    }
    inside
}

/// Builds streets, cutting the edges that they meet. Ends that fall close together from both sides of an edge share
/// one crossing.
fn build(graph: &mut Graph, chords: &[Chord], largest: &impl Fn(Place) -> f64, rng: &mut ChaCha8Rng) {
    let mut by_edge: BTreeMap<usize, Vec<(f64, usize, usize)>> = BTreeMap::new();
    for (i, c) in chords.iter().enumerate() {
        for side in 0..2 {
            if let End::On(edge, along) = c.ends[side] {
                by_edge.entry(edge).or_default().push((along, i, side));
            }
        }
    }
    let mut knot_of = vec![[usize::MAX; 2]; chords.len()];
    let degree = {
        let mut degree = vec![0_usize; graph.knots.len()];
        for e in &graph.edges {
            degree[e.from] += 1;
            degree[e.to] += 1;
        }
        degree
    };
    for (knots, c) in knot_of.iter_mut().zip(chords) {
        for (knot, end) in knots.iter_mut().zip(&c.ends) {
            if let End::At(there) = end {
                *knot = *there;
            }
        }
    }
    let mut gone = vec![false; graph.edges.len()];
    for (edge_ix, mut cuts) in by_edge {
        cuts.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let edge = graph.edges[edge_ix].clone();
        let mut at: Vec<(f64, usize)> = Vec::new();
        for (along, chord, side) in cuts {
            if let Some((before, knot)) = at.last() {
                let main = graph.street(&edge).class <= RoadClass::Primary;
                if along - before < if main { CLEAR_OF_MAIN_M } else { CLEAR_M } {
                    knot_of[chord][side] = *knot;
                    continue;
                }
            }
            let place = at_length(&edge.shape, along);
            graph.knots.push(Knot { at: place, name: None, junction_id: None, gateway: false });
            knot_of[chord][side] = graph.knots.len() - 1;
            at.push((along, graph.knots.len() - 1));
        }
        gone[edge_ix] = true;
        let total = edge.length();
        let mut stops = vec![(0.0, edge.from)];
        stops.extend(at);
        stops.push((total, edge.to));
        for pair in stops.windows(2) {
            let [(a, from), (b, to)] = [pair[0], pair[1]];
            let shape = between(&edge.shape, a, b, graph.knots[from].at, graph.knots[to].at);
            let road = edge.road.map(|(road, along)| (road, along + a));
            graph.edges.push(Edge { from, to, shape, street: edge.street, road });
            gone.push(false);
        }
    }
    let mut arms = vec![0_usize; graph.knots.len()];
    for (i, c) in chords.iter().enumerate() {
        let [from, to] = knot_of[i];
        let crowded = |k: usize| arms[k] + degree.get(k).copied().unwrap_or(2) >= 4;
        if from == to || crowded(from) || crowded(to) {
            continue;
        }
        let ratio = c.area / largest(middle(&c.places));
        let long = length(&[c.places[0], c.bend, c.places[1]]);
        let (class, lanes, kmh) = if ratio > 30.0 && long > 900.0 {
            (RoadClass::Secondary, 2, 60.0)
        } else if ratio > 8.0 {
            (RoadClass::Tertiary, 1, 50.0)
        } else {
            (RoadClass::Residential, 1, 40.0)
        };
        let one_way = class == RoadClass::Residential && rng.random_bool(0.25);
        let forward = rng.random_bool(0.5);
        let lanes = match (one_way, forward) {
            (false, _) => [lanes, lanes],
            (true, true) => [lanes, 0],
            (true, false) => [0, lanes],
        };
        arms[from] += 1;
        arms[to] += 1;
        graph.streets.push(Street {
            name: Name::default(),
            class,
            lanes,
            speed_mps: kmh / 3.6,
            bridge: false,
            tunnel: false,
            ramp: false,
        });
        let shape = vec![graph.knots[from].at, c.bend, graph.knots[to].at];
        graph.edges.push(Edge { from, to, shape, street: graph.streets.len() - 1, road: None });
        gone.push(false);
    }
    graph.retain_edges(|i, _| !gone[i]);
}
