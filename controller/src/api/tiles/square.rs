//! Lines, areas and points as a tile draws them: in its own units, cut at its edge, thinned to what can be seen.

use model::geo::LonLat;
use mvt::{GeomEncoder, GeomType};
use rstar::AABB;

/// Units along a tile's edge.
pub(super) const EXTENT: f64 = 4096.0;
/// So much beyond its edge is in a tile too, units: half of the widest line that is drawn.
const BEYOND: f64 = 128.0;

/// In the unit square of web Mercator: from the north-west.
pub(in crate::api) fn mercator(p: LonLat) -> [f64; 2] {
    let lat = p.lat.clamp(-85.0511, 85.0511).to_radians();
    [(p.lon + 180.0) / 360.0, 0.5 - lat.tan().asinh() / std::f64::consts::TAU]
}

/// A tile's place in the world.
pub(super) struct Square {
    pub scale: f64,
    pub x: f64,
    pub y: f64,
}

impl Square {
    /// With what is drawn into it from beyond.
    pub(super) fn around(&self) -> AABB<[f64; 2]> {
        let beyond = BEYOND / EXTENT;
        let corner = |d: f64| [(self.x + d) / self.scale, (self.y + d) / self.scale];
        AABB::from_corners(corner(-beyond), corner(1.0 + beyond))
    }

    /// In units of the tile.
    pub(super) fn place(&self, p: LonLat) -> [f64; 2] {
        let [x, y] = mercator(p);
        [(x * self.scale - self.x) * EXTENT, (y * self.scale - self.y) * EXTENT]
    }
}

/// The longer side of the box around points.
pub(super) fn size(points: &[[f64; 2]]) -> f64 {
    let side = |axis: usize| {
        let values = points.iter().map(|p| p[axis]);
        values.clone().fold(f64::MIN, f64::max) - values.fold(f64::MAX, f64::min)
    };
    side(0).max(side(1))
}

/// Leaves out points that lie nearer than `off` to the line through the others (Douglas and Peucker 1973).
pub(super) fn thin(line: &[[f64; 2]], off: f64) -> Vec<[f64; 2]> {
    if off <= 0.0 || line.len() < 3 {
        return line.to_vec();
    }
    let mut keep = vec![false; line.len()];
    keep[0] = true;
    keep[line.len() - 1] = true;
    let mut open = vec![(0, line.len() - 1)];
    while let Some((a, b)) = open.pop() {
        let far = (a + 1..b).map(|i| (away(line[i], line[a], line[b]), i));
        let Some((farthest, i)) = far.max_by(|p, q| p.0.total_cmp(&q.0)) else { continue };
        if farthest > off {
            keep[i] = true;
            open.extend([(a, i), (i, b)]);
        }
    }
    line.iter().zip(keep).filter_map(|(p, keep)| keep.then_some(*p)).collect()
}

/// From a point to a piece of line.
fn away(p: [f64; 2], a: [f64; 2], b: [f64; 2]) -> f64 {
    let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
    let length = dx * dx + dy * dy;
    let t = if length > 0.0 { ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / length } else { 0.0 };
    let t = t.clamp(0.0, 1.0);
    (p[0] - a[0] - t * dx).hypot(p[1] - a[1] - t * dy)
}

const LEAST: f64 = -BEYOND;
const MOST: f64 = EXTENT + BEYOND;

/// The pieces of a line within a tile (Liang and Barsky 1984, piece by piece).
pub(super) fn clip_line(line: &[[f64; 2]]) -> Vec<Vec<[f64; 2]>> {
    let mut pieces: Vec<Vec<[f64; 2]>> = Vec::new();
    let mut whole = false;
    for pair in line.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        let d = [b[0] - a[0], b[1] - a[1]];
        let (mut from, mut to) = (0.0_f64, 1.0_f64);
        for axis in 0..2 {
            for (p, q) in [(-d[axis], a[axis] - LEAST), (d[axis], MOST - a[axis])] {
                if p == 0.0 {
                    if q < 0.0 {
                        to = -1.0;
                    }
                } else if p < 0.0 {
                    from = from.max(q / p);
                } else {
                    to = to.min(q / p);
                }
            }
        }
        if from > to {
            whole = false;
            continue;
        }
        let at = |t: f64| [a[0] + t * d[0], a[1] + t * d[1]];
        match pieces.last_mut().filter(|_| whole && from == 0.0) {
            Some(piece) => piece.push(at(to)),
            None => pieces.push(vec![at(from), at(to)]),
        }
        whole = to == 1.0;
    }
    pieces
}

/// What of a ring is within a tile (Sutherland and Hodgman 1974).
pub(super) fn clip_ring(ring: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let mut points = ring.to_vec();
    if points.len() > 1 && points.first() == points.last() {
        points.pop();
    }
    for (axis, limit, below) in [(0, LEAST, true), (0, MOST, false), (1, LEAST, true), (1, MOST, false)] {
        let inside = |p: &[f64; 2]| if below { p[axis] >= limit } else { p[axis] <= limit };
        let mut kept = Vec::with_capacity(points.len() + 4);
        for (i, p) in points.iter().enumerate() {
            let before = &points[(i + points.len() - 1) % points.len()];
            if inside(p) != inside(before) {
                let t = (limit - before[axis]) / (p[axis] - before[axis]);
                kept.push([before[0] + t * (p[0] - before[0]), before[1] + t * (p[1] - before[1])]);
            }
            if inside(p) {
                kept.push(*p);
            }
        }
        points = kept;
    }
    points
}

/// Whole units, none twice in a row.
fn whole(points: &[[f64; 2]]) -> Vec<(i32, i32)> {
    let mut points: Vec<_> = points.iter().map(|p| (p[0].round() as i32, p[1].round() as i32)).collect();
    points.dedup();
    points
}

pub(super) fn lines(pieces: &[Vec<[f64; 2]>]) -> Option<mvt::GeomData> {
    let mut encoder = GeomEncoder::new(GeomType::Linestring);
    let mut any = false;
    for piece in pieces.iter().map(|piece| whole(piece)).filter(|piece| piece.len() > 1) {
        if any {
            encoder.complete_geom().ok()?;
        }
        any = true;
        for (x, y) in piece {
            encoder.add_point(x, y).ok()?;
        }
    }
    any.then(|| encoder.encode().ok())?
}

pub(super) fn area(ring: &[[f64; 2]]) -> Option<mvt::GeomData> {
    let mut points = whole(ring);
    if points.len() > 1 && points.first() == points.last() {
        points.pop();
    }
    let pairs = points.iter().zip(points.iter().cycle().skip(1));
    let twice: i64 =
        pairs.map(|(a, b)| i64::from(a.0) * i64::from(b.1) - i64::from(b.0) * i64::from(a.1)).sum();
    if points.len() < 3 || twice == 0 {
        return None;
    }
    // An outer ring goes around clockwise as one sees it (MVT 2.1, 4.3.4.4).
    if twice < 0 {
        points.reverse();
    }
    let mut encoder = GeomEncoder::new(GeomType::Polygon);
    for (x, y) in points {
        encoder.add_point(x, y).ok()?;
    }
    encoder.encode().ok()
}

/// A point belongs to one tile alone, or its sign would be drawn twice.
pub(super) fn dot(p: [f64; 2]) -> Option<mvt::GeomData> {
    let within = p.iter().all(|v| (0.0..EXTENT).contains(v));
    within
        .then(|| GeomEncoder::new(GeomType::Point).point(p[0].floor() as i32, p[1].floor() as i32))?
        .ok()?
        .encode()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn inside(p: &[f64; 2]) -> bool {
        p.iter().all(|v| (LEAST - 1e-6..=MOST + 1e-6).contains(v))
    }

    fn length(line: &[[f64; 2]]) -> f64 {
        line.windows(2).map(|w| (w[1][0] - w[0][0]).hypot(w[1][1] - w[0][1])).sum()
    }

    proptest! {
        /// No piece leaves the tile, and as much of the line is in the pieces as lies within: what fine steps along it count.
        #[test]
        fn a_clipped_line_is_what_lies_within(line in prop::collection::vec([-9e3..9e3, -9e3..9e3], 2..8)) {
            let pieces = clip_line(&line);
            prop_assert!(pieces.iter().flatten().all(inside));
            const STEPS: usize = 20_000;
            let within: f64 = line.windows(2).map(|w| {
                let at = |i: usize| {
                    let t = (i as f64 + 0.5) / STEPS as f64;
                    [w[0][0] + t * (w[1][0] - w[0][0]), w[0][1] + t * (w[1][1] - w[0][1])]
                };
                length(w) * (0..STEPS).filter(|i| inside(&at(*i))).count() as f64 / STEPS as f64
            }).sum();
            let kept: f64 = pieces.iter().map(|piece| length(piece)).sum();
            prop_assert!((kept - within).abs() < 0.001 * length(&line) + 1.0, "{kept} of {within}");
        }

        #[test]
        fn a_clipped_ring_stays_within(ring in prop::collection::vec([-9e3..9e3, -9e3..9e3], 3..9)) {
            prop_assert!(clip_ring(&ring).iter().all(inside));
        }

        #[test]
        fn a_thinned_line_is_nowhere_farther_off_than_said(line in prop::collection::vec([0.0..4e3, 0.0..4e3], 2..30)) {
            let thinned = thin(&line, 50.0);
            for p in &line {
                let off = thinned.windows(2).map(|w| away(*p, w[0], w[1])).fold(f64::MAX, f64::min);
                prop_assert!(off <= 50.0, "{off}");
            }
        }
    }

    #[test]
    fn a_square_around_the_tile_covers_it() {
        let ring = [[-9e3, -9e3], [9e3, -9e3], [9e3, 9e3], [-9e3, 9e3], [-9e3, -9e3]];
        let mut kept = clip_ring(&ring);
        kept.sort_by(|a, b| a.partial_cmp(b).unwrap());
        assert_eq!(kept, [[LEAST, LEAST], [LEAST, MOST], [MOST, LEAST], [MOST, MOST]]);
    }
}
