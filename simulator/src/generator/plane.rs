//! Roads that cross become a graph: streets between crossings.

use super::atlas::{Place, Point, Road, Street, distance, length};
use model::network::{Name, RoadClass};
use std::collections::BTreeMap;

/// Crossings nearer than this to each other are one.
const MERGE_M: f64 = 42.0;
/// A road that ends this near to another one meets it.
const SNAP_M: f64 = 75.0;
/// Half the length of an interchange along a road without level crossings, m.
const RAMP_ALONG_M: f64 = 210.0;
/// And along the road that it crosses.
const RAMP_ACROSS_M: f64 = 110.0;

/// A crossing, a bend with a change of name, or a gateway.
#[derive(Clone)]
pub(super) struct Knot {
    pub(super) at: Place,
    /// The square's name, if it has one.
    pub(super) name: Option<Name>,
    pub(super) junction_id: Option<String>,
    /// On the edge of the world: traffic comes and goes here.
    pub(super) gateway: bool,
}

/// A piece of street between two knots.
#[derive(Clone)]
pub(super) struct Edge {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) shape: Vec<Place>,
    /// Index into [`Graph::streets`].
    pub(super) street: usize,
    /// The road of the atlas, and how far along it the edge begins, m.
    pub(super) road: Option<(usize, f64)>,
}

impl Edge {
    pub(super) fn length(&self) -> f64 {
        length(&self.shape)
    }
}

#[derive(Clone, Default)]
pub(super) struct Graph {
    pub(super) knots: Vec<Knot>,
    pub(super) edges: Vec<Edge>,
    pub(super) streets: Vec<Street>,
}

impl Graph {
    pub(super) fn street(&self, edge: &Edge) -> &Street {
        &self.streets[edge.street]
    }

    /// For each knot, the edges that touch it.
    pub(super) fn edges_at(&self) -> Vec<Vec<usize>> {
        let mut at = vec![Vec::new(); self.knots.len()];
        for (i, edge) in self.edges.iter().enumerate() {
            at[edge.from].push(i);
            if edge.to != edge.from {
                at[edge.to].push(i);
            }
        }
        at
    }

    /// Drops edges that `keep` refuses, then knots that nothing touches.
    pub(super) fn retain_edges(&mut self, mut keep: impl FnMut(usize, &Edge) -> bool) {
        let mut i = 0;
        self.edges.retain(|e| {
            i += 1;
            keep(i - 1, e)
        });
        let mut used = vec![false; self.knots.len()];
        for e in &self.edges {
            used[e.from] = true;
            used[e.to] = true;
        }
        let mut new_ix = vec![usize::MAX; used.len()];
        let mut next = 0;
        for (i, used) in used.iter().enumerate() {
            if *used {
                new_ix[i] = next;
                next += 1;
            }
        }
        let mut i = 0;
        self.knots.retain(|_| {
            i += 1;
            used[i - 1]
        });
        for e in &mut self.edges {
            (e.from, e.to) = (new_ix[e.from], new_ix[e.to]);
        }
    }

    /// Drops streets that lead nowhere, again and again, and pieces that are not joined to the largest one.
    pub(super) fn prune(&mut self) {
        loop {
            let at = self.edges_at();
            let before = self.edges.len();
            let dead = |k: usize| at[k].len() == 1 && !self.knots[k].gateway;
            let drop: Vec<bool> = self.edges.iter().map(|e| dead(e.from) || dead(e.to)).collect();
            self.retain_edges(|i, _| !drop[i]);
            if self.edges.len() == before {
                break;
            }
        }
        let mut part = vec![usize::MAX; self.knots.len()];
        let at = self.edges_at();
        let mut sizes = Vec::new();
        for start in 0..self.knots.len() {
            if part[start] != usize::MAX {
                continue;
            }
            let (mut open, mut size) = (vec![start], 0);
            part[start] = sizes.len();
            while let Some(k) = open.pop() {
                size += 1;
                for &e in &at[k] {
                    for other in [self.edges[e].from, self.edges[e].to] {
                        if part[other] == usize::MAX {
                            part[other] = sizes.len();
                            open.push(other);
                        }
                    }
                }
            }
            sizes.push(size);
        }
        if let Some(largest) = (0..sizes.len()).max_by_key(|&i| (sizes[i], std::cmp::Reverse(i))) {
            let keep: Vec<bool> = self.edges.iter().map(|e| part[e.from] == largest).collect();
            self.retain_edges(|i, _| keep[i]);
        }
    }
}

/// Roads without level crossings: others pass under them, and ramps lead on and off.
pub(super) fn is_express(class: RoadClass) -> bool {
    matches!(class, RoadClass::Motorway | RoadClass::Trunk)
}

struct Segment {
    road: usize,
    part: usize,
    along: f64,
    a: Place,
    b: Place,
}

/// A place where a road is cut: metres along it, and where.
struct Cut {
    road: usize,
    along: f64,
    at: Place,
    /// The larger of the two roads, which the other one follows where both give way a little.
    class: RoadClass,
}

/// Crosses all roads with each other. Ends that nearly touch a road meet it; bridges meet others at their ends
/// only; express roads get a diamond interchange wherever a main road crosses them.
pub(super) fn planarise(roads: &[Road], points: &BTreeMap<String, Point>) -> Graph {
    let lines: Vec<Vec<Place>> = roads.iter().map(whole_line).collect();
    let lengths: Vec<f64> = lines.iter().map(|l| length(l)).collect();
    let segments = segments(roads);
    let class_of = |s: &Segment| roads[s.road].parts[s.part].street.class;
    let express = |s: &Segment| is_express(roads[s.road].parts[s.part].street.class);
    let bridge = |s: &Segment| roads[s.road].parts[s.part].street.bridge;
    let mut cuts = Vec::new();
    let mut interchanges: Vec<(usize, f64, usize, f64)> = Vec::new();
    let grid = Grid::of(&segments);
    for (i, j) in grid.pairs() {
        let (s, t) = (&segments[i], &segments[j]);
        if s.road == t.road && (s.along - t.along).abs() < 400.0 {
            continue;
        }
        let Some((u, _)) = crossing(s.a, s.b, t.a, t.b) else { continue };
        let at = [s.a[0] + (s.b[0] - s.a[0]) * u, s.a[1] + (s.b[1] - s.a[1]) * u];
        let (along_s, along_t) = (s.along + distance(s.a, at), t.along + distance(t.a, at));
        match (express(s), express(t)) {
            (true, true) => {}
            (true, false) => interchanges.push((s.road, along_s, t.road, along_t)),
            (false, true) => interchanges.push((t.road, along_t, s.road, along_s)),
            // Ends of bridges are cuts already; anything between passes above or below.
            (false, false) if bridge(s) || bridge(t) => {}
            (false, false) => {
                let class = class_of(s).min(class_of(t));
                cuts.push(Cut { road: s.road, along: along_s, at, class });
                cuts.push(Cut { road: t.road, along: along_t, at, class });
            }
        }
    }
    // Ends that stop just short of another road go on to it.
    let mut snapped = std::collections::BTreeSet::new();
    for road in 0..roads.len() {
        if roads[road].ring {
            continue;
        }
        let ends = [(false, 0.0, lines[road][0]), (true, lengths[road], lines[road][lines[road].len() - 1])];
        for (far, along, end) in ends {
            let near = segments
                .iter()
                .filter(|s| s.road != road && !express(s))
                .map(|s| (project(end, s.a, s.b), s))
                .filter(|((d, _, _), s)| *d < if bridge(s) { 5.0 } else { SNAP_M })
                .min_by(|a, b| a.0.0.total_cmp(&b.0.0));
            if let Some(((d, t, at), s)) = near
                && d > 0.5
            {
                let class = class_of(s);
                cuts.push(Cut { road: s.road, along: s.along + t * distance(s.a, s.b), at, class });
                cuts.push(Cut { road, along, at, class });
                snapped.insert((road, far));
            }
        }
    }
    for (road, r) in roads.iter().enumerate() {
        let mut along = 0.0;
        for (i, part) in r.parts.iter().enumerate() {
            let class = part.street.class;
            if i == 0 && !snapped.contains(&(road, false)) {
                cuts.push(Cut { road, along, at: lines[road][0], class });
            }
            along += length(&part.shape);
            if i + 1 < r.parts.len() || !snapped.contains(&(road, true)) {
                cuts.push(Cut { road, along, at: *part.shape.last().unwrap_or(&lines[road][0]), class });
            }
        }
    }
    // Large roads first: where crossings are merged, the small ones come to them.
    cuts.sort_by_key(|cut| cut.class);
    let mut knots = Clusters::default();
    let squares: Vec<usize> = points.values().map(|point| knots.add(point.at)).collect();
    // Where an interchange comes, the two roads pass each other; the ramps' feet are cuts.
    let mut ramps: Vec<[Cut; 2]> = Vec::new();
    interchanges.sort_by(|a, b| (a.0, a.2).cmp(&(b.0, b.2)).then(a.1.total_cmp(&b.1)));
    let mut done: Vec<Place> = Vec::new();
    for (express_road, x, road, y) in interchanges {
        let class = part_at(&roads[road], y).class;
        let centre = at_length(&lines[express_road], x);
        if class > RoadClass::Secondary || done.iter().any(|p| distance(*p, centre) < 3.0 * RAMP_ALONG_M) {
            continue;
        }
        done.push(centre);
        let foot = |road: usize, along: f64| -> Cut {
            let total = lengths[road];
            let along = if roads[road].ring { along.rem_euclid(total) } else { along.clamp(0.0, total) };
            Cut { road, along, at: at_length(&lines[road], along), class: RoadClass::Secondary }
        };
        let feet = |d: f64, e: f64| [foot(express_road, x + d), foot(road, y + e)];
        let (before, after) = (-RAMP_ALONG_M, RAMP_ALONG_M);
        // Which side of the express road the crossing road's farther part lies on.
        let [p, q] =
            [at_length(&lines[express_road], (x - 5.0).max(0.0)), at_length(&lines[express_road], x + 5.0)];
        let [r, s] = [at_length(&lines[road], (y - 5.0).max(0.0)), at_length(&lines[road], y + 5.0)];
        let left = (q[0] - p[0]) * (s[1] - r[1]) - (q[1] - p[1]) * (s[0] - r[0]) > 0.0;
        // The right-hand foot serves the carriageway that runs with the drawing, the left-hand one the other.
        let (right_foot, left_foot) =
            if left { (-RAMP_ACROSS_M, RAMP_ACROSS_M) } else { (RAMP_ACROSS_M, -RAMP_ACROSS_M) };
        let turned = |[a, b]: [Cut; 2]| [b, a];
        ramps.push(feet(before, right_foot));
        ramps.push(turned(feet(after, right_foot)));
        ramps.push(feet(after, left_foot));
        ramps.push(turned(feet(before, left_foot)));
    }
    let mut order: Vec<Vec<(f64, usize)>> = vec![Vec::new(); roads.len()];
    for cut in cuts.iter().chain(ramps.iter().flatten()) {
        let knot = knots.add(cut.at);
        order[cut.road].push((cut.along, knot));
    }
    let ramp_ends: Vec<[usize; 2]> = ramps.iter().map(|[a, b]| [knots.add(a.at), knots.add(b.at)]).collect();
    let mut graph = Graph::default();
    for at in &knots.centres {
        graph.knots.push(Knot { at: *at, name: None, junction_id: None, gateway: false });
    }
    for (point, knot) in points.values().zip(squares) {
        let knot = &mut graph.knots[knot];
        knot.name = knot.name.take().or(point.name.clone());
        knot.junction_id = knot.junction_id.take().or(point.junction_id.clone());
    }
    let mut seen: BTreeMap<(usize, usize), Vec<Place>> = BTreeMap::new();
    for (road, cuts) in order.iter_mut().enumerate() {
        cuts.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut part_street: BTreeMap<usize, usize> = BTreeMap::new();
        for pair in cuts.windows(2) {
            let [(a, from), (b, to)] = [pair[0], pair[1]];
            if from == to {
                continue;
            }
            let middle = f64::midpoint(a, b);
            let part = part_ix(&roads[road], middle);
            let street = *part_street.entry(part).or_insert_with(|| {
                graph.streets.push(roads[road].parts[part].street.clone());
                graph.streets.len() - 1
            });
            let shape = between(&lines[road], a, b, graph.knots[from].at, graph.knots[to].at);
            let half_way = at_length(&shape, length(&shape) / 2.0);
            let twins = seen.entry((from.min(to), from.max(to))).or_default();
            if twins.iter().any(|t| distance(*t, half_way) < MERGE_M) {
                continue;
            }
            twins.push(half_way);
            graph.edges.push(Edge { from, to, shape, street, road: Some((road, a)) });
        }
    }
    for [from, to] in ramp_ends {
        if from == to {
            continue;
        }
        graph.streets.push(Street {
            name: Name::new("Съезд", "Ramp"),
            class: RoadClass::Secondary,
            lanes: [2, 0],
            speed_mps: 50.0 / 3.6,
            bridge: false,
            tunnel: false,
            ramp: true,
        });
        let shape = vec![graph.knots[from].at, graph.knots[to].at];
        graph.edges.push(Edge { from, to, shape, street: graph.streets.len() - 1, road: None });
    }
    graph
}

fn whole_line(road: &Road) -> Vec<Place> {
    let mut line: Vec<Place> = Vec::new();
    for part in &road.parts {
        line.extend(part.shape.iter().skip(usize::from(!line.is_empty())));
    }
    line
}

fn part_ix(road: &Road, along: f64) -> usize {
    let mut end = 0.0;
    for (i, part) in road.parts.iter().enumerate() {
        end += length(&part.shape);
        if along < end {
            return i;
        }
    }
    road.parts.len() - 1
}

fn part_at(road: &Road, along: f64) -> &Street {
    &road.parts[part_ix(road, along)].street
}

fn segments(roads: &[Road]) -> Vec<Segment> {
    let mut out = Vec::new();
    for (road, r) in roads.iter().enumerate() {
        let mut along = 0.0;
        for (part, p) in r.parts.iter().enumerate() {
            for w in p.shape.windows(2) {
                out.push(Segment { road, part, along, a: w[0], b: w[1] });
                along += distance(w[0], w[1]);
            }
        }
    }
    out
}

/// The place so far along a line.
pub(super) fn at_length(line: &[Place], along: f64) -> Place {
    let mut left = along.max(0.0);
    for w in line.windows(2) {
        let d = distance(w[0], w[1]);
        if left <= d && d > 0.0 {
            let t = left / d;
            return [w[0][0] + (w[1][0] - w[0][0]) * t, w[0][1] + (w[1][1] - w[0][1]) * t];
        }
        left -= d;
    }
    line[line.len() - 1]
}

/// The piece of a line between two lengths, with its ends moved to `first` and `last`.
pub(super) fn between(line: &[Place], a: f64, b: f64, first: Place, last: Place) -> Vec<Place> {
    // Bends nearer to an end than this would fold back when the end moves.
    const CLEAR_M: f64 = 25.0;
    let mut out = vec![first];
    let mut along = 0.0;
    for w in line.windows(2) {
        along += distance(w[0], w[1]);
        let clear = distance(w[1], first) > CLEAR_M && distance(w[1], last) > CLEAR_M;
        if along > a + CLEAR_M && along < b - CLEAR_M && clear {
            out.push(w[1]);
        }
    }
    out.push(last);
    out
}

/// Where two segments cross, as shares of each; touching counts.
pub(super) fn crossing(a: Place, b: Place, c: Place, d: Place) -> Option<(f64, f64)> {
    let (r, s) = ([b[0] - a[0], b[1] - a[1]], [d[0] - c[0], d[1] - c[1]]);
    let cross = r[0] * s[1] - r[1] * s[0];
    if cross.abs() < 1e-9 {
        return None;
    }
    let q = [c[0] - a[0], c[1] - a[1]];
    let t = (q[0] * s[1] - q[1] * s[0]) / cross;
    let u = (q[0] * r[1] - q[1] * r[0]) / cross;
    let unit = -1e-9..=1.0 + 1e-9;
    (unit.contains(&t) && unit.contains(&u)).then_some((t, u))
}

/// Distance from a place to a segment, the share along it, and the nearest place.
pub(super) fn project(p: Place, a: Place, b: Place) -> (f64, f64, Place) {
    let r = [b[0] - a[0], b[1] - a[1]];
    let long = r[0] * r[0] + r[1] * r[1];
    let t =
        if long > 0.0 { (((p[0] - a[0]) * r[0] + (p[1] - a[1]) * r[1]) / long).clamp(0.0, 1.0) } else { 0.0 };
    let q = [a[0] + r[0] * t, a[1] + r[1] * t];
    (distance(p, q), t, q)
}

/// Places, gathered into knots as they come.
#[derive(Default)]
struct Clusters {
    centres: Vec<Place>,
    cells: BTreeMap<(i64, i64), Vec<usize>>,
}

impl Clusters {
    fn cell(at: Place) -> (i64, i64) {
        ((at[0] / MERGE_M).floor() as i64, (at[1] / MERGE_M).floor() as i64)
    }

    fn add(&mut self, at: Place) -> usize {
        let (x, y) = Self::cell(at);
        let near = (x - 1..=x + 1)
            .flat_map(|x| (y - 1..=y + 1).map(move |y| (x, y)))
            .filter_map(|cell| self.cells.get(&cell))
            .flatten()
            .copied()
            .filter(|&k| distance(self.centres[k], at) < MERGE_M)
            .min_by(|&a, &b| distance(self.centres[a], at).total_cmp(&distance(self.centres[b], at)));
        near.unwrap_or_else(|| {
            self.centres.push(at);
            self.cells.entry((x, y)).or_default().push(self.centres.len() - 1);
            self.centres.len() - 1
        })
    }
}

/// Segments by square, to find pairs that may cross.
struct Grid {
    cells: BTreeMap<(i64, i64), Vec<usize>>,
}

impl Grid {
    const CELL_M: f64 = 400.0;

    fn of(segments: &[Segment]) -> Grid {
        let mut cells: BTreeMap<(i64, i64), Vec<usize>> = BTreeMap::new();
        for (i, s) in segments.iter().enumerate() {
            for cell in cells_of(s.a, s.b, Self::CELL_M) {
                cells.entry(cell).or_default().push(i);
            }
        }
        Grid { cells }
    }

    fn pairs(&self) -> Vec<(usize, usize)> {
        let mut pairs: Vec<(usize, usize)> = Vec::new();
        for list in self.cells.values() {
            for (k, &i) in list.iter().enumerate() {
                pairs.extend(list[k + 1..].iter().map(|&j| (i.min(j), i.max(j))));
            }
        }
        pairs.sort_unstable();
        pairs.dedup();
        pairs
    }
}

/// The squares that a segment's box touches.
pub(super) fn cells_of(a: Place, b: Place, size: f64) -> impl Iterator<Item = (i64, i64)> {
    let range = |p: f64, q: f64| (p.min(q) / size).floor() as i64..=(p.max(q) / size).floor() as i64;
    let ys = range(a[1], b[1]);
    range(a[0], b[0]).flat_map(move |x| ys.clone().map(move |y| (x, y)))
}

/// Places, to ask whether one is near.
pub(super) struct Near {
    within_m: f64,
    cells: BTreeMap<(i64, i64), Vec<Place>>,
}

impl Near {
    pub(super) fn new(within_m: f64) -> Near {
        Near { within_m, cells: BTreeMap::new() }
    }

    fn cell(&self, p: Place) -> (i64, i64) {
        let size = self.within_m.max(1.0);
        ((p[0] / size).floor() as i64, (p[1] / size).floor() as i64)
    }

    pub(super) fn add(&mut self, p: Place) {
        self.cells.entry(self.cell(p)).or_default().push(p);
    }

    pub(super) fn any(&self, p: Place) -> bool {
        let (x, y) = self.cell(p);
        (x - 1..=x + 1)
            .flat_map(|x| (y - 1..=y + 1).map(move |y| (x, y)))
            .filter_map(|cell| self.cells.get(&cell))
            .flatten()
            .any(|q| distance(*q, p) < self.within_m)
    }
}
