//! What to draw of a junction: lanes in and out, and the ways across, in metres around it.
//!
//! A link is drawn along its centre line. How far beside it a lane lies is read off the paths inside the
//! junction where the source has them (they begin and end on lanes); else lanes are laid out by width: to
//! the right of a line that both directions share, about the line of a one-way street.

use super::view::{Drawing, LaneDrawing, MovementDrawing, Name};
use model::{
    city::City,
    geo::LocalPlane,
    ids::{JunctionIx, LaneIx, LinkIx, MovementIx},
    network::{Link, Turn},
};

type Point = [f64; 2];

/// How much of each road is drawn, m: the detectors that call a stage lie within it.
const REACH_M: f64 = 70.0;
/// A centre line that ends nearer to its node than this has not been cut at the stop line, m.
const UNCUT_M: f64 = 2.0;
/// From the outermost crossing lane to a stop line: a pedestrian crossing and a little, m.
const BEFORE_CROSSING_M: f64 = 4.0;
/// Shortest and longest way from a node to its stop lines, m.
const SETBACK_M: (f64, f64) = (6.0, 25.0);
/// Two lines whose ends are nearer than this are one street's centre line, m.
const SHARED_M: f64 = 1.0;
/// Pieces of a drawn turn.
const TURN_PIECES: usize = 8;

/// Which movements each junction governs, found once.
#[derive(Clone, Debug)]
pub(crate) struct Drawings {
    movements: Vec<Vec<MovementIx>>,
    /// By node: links that touch it.
    touching: Vec<Vec<LinkIx>>,
}

/// A drawing, and where each lane stands in it.
pub(crate) struct Drawn {
    pub(crate) drawing: Drawing,
    lanes: Vec<LaneIx>,
}

impl Drawn {
    /// The place of a lane in the drawing.
    pub(crate) fn place(&self, lane: LaneIx) -> Option<usize> {
        self.lanes.iter().position(|l| *l == lane)
    }
}

impl Drawings {
    pub(crate) fn new(city: &City) -> Drawings {
        let mut movements = vec![Vec::new(); city.junctions.len()];
        for (i, m) in city.network.movements.iter().enumerate() {
            if let Some(of_it) = m.head.and_then(|h| movements.get_mut(h.junction.ix())) {
                of_it.push(MovementIx::from(i));
            }
        }
        let mut touching = vec![Vec::new(); city.network.nodes.len()];
        for (i, link) in city.network.links.iter().enumerate() {
            touching[link.from.ix()].push(LinkIx::from(i));
            touching[link.to.ix()].push(LinkIx::from(i));
        }
        Drawings { movements, touching }
    }

    /// Draws one junction.
    pub(crate) fn draw(&self, city: &City, ix: JunctionIx) -> Drawn {
        let (network, junction) = (&city.network, &city.junctions[ix.ix()]);
        let plane = LocalPlane::around(junction.at);
        let movements: Vec<_> = self.movements[ix.ix()].iter().map(|&m| network.movement(m)).collect();

        // (link, inbound), each once, in order of first use.
        let mut roads: Vec<(LinkIx, bool)> = Vec::new();
        for m in &movements {
            for road in [(network.lane(m.from).link, true), (network.lane(m.to).link, false)] {
                if !roads.contains(&road) {
                    roads.push(road);
                }
            }
        }
        let (mut lanes, mut drawn) = (Vec::new(), Vec::new());
        for &(link_ix, inbound) in &roads {
            let link = network.link(link_ix);
            // Where paths inside the junction say that lanes end or begin.
            let anchor = |lane: LaneIx| -> Option<Point> {
                let m = movements
                    .iter()
                    .find(|m| !m.shape.is_empty() && lane == if inbound { m.from } else { m.to })?;
                let end = if inbound { m.shape.first() } else { m.shape.last() };
                end.map(|p| plane.to_metres(*p))
            };
            let lines = self.lay_out(city, plane, link_ix, inbound, &anchor);
            for (lane_ix, line) in link.lane_ixs().zip(lines) {
                let mut groups: Vec<u16> = Vec::new();
                let mut turns: Vec<String> = Vec::new();
                for m in movements.iter().filter(|m| inbound && m.from == lane_ix) {
                    groups.extend(m.head.map(|h| h.group.0).filter(|g| !groups.contains(g)));
                    let turn = turn_name(m.turn).to_owned();
                    if !turns.contains(&turn) {
                        turns.push(turn);
                    }
                }
                lanes.push(lane_ix);
                drawn.push(LaneDrawing {
                    link: link.id.as_str().to_owned(),
                    name: link.name.as_ref().map(Name::of).unwrap_or_default(),
                    inbound,
                    line,
                    width_m: network.lane(lane_ix).width_m,
                    groups,
                    turns,
                });
            }
        }
        let place = |lane: LaneIx, inbound: bool| {
            lanes.iter().zip(&drawn).position(|(l, d)| *l == lane && d.inbound == inbound)
        };
        let ways = movements.iter().filter_map(|m| {
            let (from, to) = (place(m.from, true)?, place(m.to, false)?);
            let line = match m.shape.is_empty() {
                true => turn(&drawn[from].line, &drawn[to].line),
                false => m.shape.iter().map(|p| round(plane.to_metres(*p))).collect(),
            };
            let group = m.head.map(|h| h.group.0);
            Some(MovementDrawing { from, to, group, turn: turn_name(m.turn).to_owned(), line })
        });
        let movements = ways.collect();
        Drawn { drawing: Drawing { lanes: drawn, movements }, lanes }
    }

    /// Centre lines of a link's lanes, kerb first.
    fn lay_out(
        &self,
        city: &City,
        plane: LocalPlane,
        link_ix: LinkIx,
        inbound: bool,
        anchor: &dyn Fn(LaneIx) -> Option<Point>,
    ) -> Vec<Vec<Point>> {
        let network = &city.network;
        let link = network.link(link_ix);
        let centre: Vec<Point> = link.shape.iter().map(|p| plane.to_metres(*p)).collect();
        let length = length(&centre);
        let widths: Vec<f64> = link.lane_ixs().map(|l| network.lane(l).width_m).collect();
        // By width alone: how far to the right of the leftmost lane's left edge.
        let total: f64 = widths.iter().sum();
        let mut right = total;
        let by_width: Vec<f64> = widths
            .iter()
            .map(|w| {
                right -= w;
                right + w / 2.0
            })
            .collect();
        let anchors: Vec<Option<(f64, f64)>> =
            link.lane_ixs().map(|lane| anchor(lane).map(|p| project(&centre, p))).collect();
        let shift = match anchors.iter().zip(&by_width).find_map(|(a, own)| Some(a.as_ref()?.1 - own)) {
            Some(shift) => shift,
            None if self.shares_its_line(city, plane, link_ix) => 0.0,
            None => -total / 2.0,
        };
        let setback = self.setback(city, plane, link, &centre, inbound);
        let end = if inbound { length - setback } else { setback };
        let end = anchors.iter().flatten().map(|a| a.0).reduce(f64::max).unwrap_or(end).clamp(0.0, length);
        let (from, to) =
            if inbound { ((end - REACH_M).max(0.0), end) } else { (end, (end + REACH_M).min(length)) };
        // A road shorter than its setbacks is drawn whole rather than as a point.
        let (from, to) = if to - from < 1.0 { (0.0, length) } else { (from, to) };
        let piece = cut(&centre, from, to);
        let lateral = anchors.iter().zip(&by_width).map(|(a, own)| a.as_ref().map_or(own + shift, |a| a.1));
        lateral.map(|t| beside(&piece, t).into_iter().map(round).collect()).collect()
    }

    /// Whether the opposite direction is drawn along the same line.
    fn shares_its_line(&self, city: &City, plane: LocalPlane, link_ix: LinkIx) -> bool {
        let link = city.network.link(link_ix);
        let (Some(first), Some(last)) = (link.shape.first(), link.shape.last()) else { return false };
        let near = |a: &model::geo::LonLat, b: &model::geo::LonLat| {
            distance(plane.to_metres(*a), plane.to_metres(*b)) < SHARED_M
        };
        self.touching[link.from.ix()].iter().map(|l| city.network.link(*l)).any(|other| {
            other.from == link.to
                && other.to == link.from
                && !other.lanes.is_empty()
                && other.shape.first().is_some_and(|p| near(p, last))
                && other.shape.last().is_some_and(|p| near(p, first))
        })
    }

    /// How far before (or after) the end of its line a road's stop line lies.
    fn setback(&self, city: &City, plane: LocalPlane, link: &Link, centre: &[Point], inbound: bool) -> f64 {
        let node = if inbound { link.to } else { link.from };
        let at = plane.to_metres(city.network.node(node).at);
        let end = if inbound { centre.last() } else { centre.first() };
        if end.is_none_or(|end| distance(*end, at) > UNCUT_M) {
            return 0.0;
        }
        let width = |l: &LinkIx| {
            let other = city.network.link(*l);
            other.lane_ixs().map(|lane| city.network.lane(lane).width_m).sum::<f64>()
        };
        let widest = self.touching[node.ix()].iter().map(width).fold(0.0, f64::max);
        (widest + BEFORE_CROSSING_M).clamp(SETBACK_M.0, SETBACK_M.1)
    }
}

fn turn_name(turn: Turn) -> &'static str {
    match turn {
        Turn::UTurn => "u_turn",
        Turn::Left => "left",
        Turn::Straight => "straight",
        Turn::Right => "right",
    }
}

fn sub(a: Point, b: Point) -> Point {
    [a[0] - b[0], a[1] - b[1]]
}

fn along(a: Point, d: Point, t: f64) -> Point {
    [a[0] + d[0] * t, a[1] + d[1] * t]
}

fn distance(a: Point, b: Point) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

fn length(line: &[Point]) -> f64 {
    line.windows(2).map(|w| distance(w[0], w[1])).sum()
}

/// To the centimetre.
fn round(p: Point) -> Point {
    p.map(|v| (v * 100.0).round() / 100.0)
}

/// Direction of length 1; east for a point.
fn direction(a: Point, b: Point) -> Point {
    let length = distance(a, b);
    if length < 1e-9 { [1.0, 0.0] } else { [(b[0] - a[0]) / length, (b[1] - a[1]) / length] }
}

/// Where a point stands by a line: metres along it, and to its right.
fn project(line: &[Point], p: Point) -> (f64, f64) {
    let mut best = (f64::INFINITY, 0.0, 0.0);
    let mut before = 0.0;
    for w in line.windows(2) {
        let (d, length) = (direction(w[0], w[1]), distance(w[0], w[1]));
        let v = sub(p, w[0]);
        let station = (v[0] * d[0] + v[1] * d[1]).clamp(0.0, length);
        let off = distance(along(w[0], d, station), p);
        if off < best.0 {
            best = (off, before + station, v[0] * d[1] - v[1] * d[0]);
        }
        before += length;
    }
    (best.1, best.2)
}

/// The part of a line between two stations, `from` < `to`.
fn cut(line: &[Point], from: f64, to: f64) -> Vec<Point> {
    let mut piece = Vec::new();
    let mut before = 0.0;
    for w in line.windows(2) {
        let length = distance(w[0], w[1]);
        let (a, b) = ((from - before).max(0.0), (to - before).min(length));
        if a < b {
            let d = direction(w[0], w[1]);
            if piece.is_empty() {
                piece.push(along(w[0], d, a));
            }
            piece.push(along(w[0], d, b));
        }
        before += length;
    }
    piece
}

/// The line so many metres to the right of another.
fn beside(line: &[Point], right: f64) -> Vec<Point> {
    let normal = |a: Point, b: Point| {
        let d = direction(a, b);
        [d[1], -d[0]]
    };
    (0..line.len())
        .map(|i| {
            let before = i.checked_sub(1).map(|h| normal(line[h], line[i]));
            let after = line.get(i + 1).map(|next| normal(line[i], *next));
            let (n, stretch) = match (before, after) {
                (Some(a), Some(b)) => {
                    let sum = [a[0] + b[0], a[1] + b[1]];
                    let half = sum[0].hypot(sum[1]) / 2.0;
                    // A sharp bend would throw the corner far out; it is cut off instead.
                    (direction([0.0, 0.0], sum), 1.0 / half.max(0.5))
                }
                (Some(n), None) | (None, Some(n)) => (n, 1.0),
                (None, None) => ([0.0, 0.0], 0.0),
            };
            along(line[i], n, right * stretch)
        })
        .collect()
}

/// A smooth way from the end of one line to the begin of another (quadratic Bézier).
fn turn(from: &[Point], to: &[Point]) -> Vec<Point> {
    let (Some(&a), Some(&b)) = (from.last(), to.first()) else { return Vec::new() };
    let out = from.len().checked_sub(2).map_or([1.0, 0.0], |i| direction(from[i], a));
    let into = to.get(1).map_or([1.0, 0.0], |next| direction(b, *next));
    // Where the two headings meet; half way where they never do.
    let cross = out[0] * into[1] - out[1] * into[0];
    let v = sub(b, a);
    let t = if cross.abs() > 0.2 { (v[0] * into[1] - v[1] * into[0]) / cross } else { distance(a, b) / 2.0 };
    let control = along(a, out, t.clamp(0.0, distance(a, b)));
    let point = |k: usize| {
        let t = k as f64 / TURN_PIECES as f64;
        let (u, v, w) = ((1.0 - t) * (1.0 - t), 2.0 * t * (1.0 - t), t * t);
        round([u * a[0] + v * control[0] + w * b[0], u * a[1] + v * control[1] + w * b[1]])
    };
    (0..=TURN_PIECES).map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_and_shifted() {
        let line = [[0.0, 0.0], [10.0, 0.0], [10.0, 10.0]];
        assert_eq!(cut(&line, 5.0, 15.0), [[5.0, 0.0], [10.0, 0.0], [10.0, 5.0]]);
        assert_eq!(cut(&line, 0.0, 20.0), line);
        // Right of eastward is south, right of northward is east.
        let shifted: Vec<_> = beside(&line, 2.0).into_iter().map(round).collect();
        assert_eq!(shifted, [[0.0, -2.0], [12.0, -2.0], [12.0, 10.0]]);
        let (station, right) = project(&line, [12.0, 4.0]);
        assert_eq!((station, right), (14.0, 2.0));
    }

    #[test]
    fn a_turn_begins_and_ends_on_its_lanes() {
        let way = turn(&[[-20.0, 0.0], [-10.0, 0.0]], &[[0.0, 10.0], [0.0, 20.0]]);
        assert_eq!((way[0], way[TURN_PIECES]), ([-10.0, 0.0], [0.0, 10.0]));
        assert_eq!(way[TURN_PIECES / 2], [-2.5, 2.5]);
    }
}
