//! From a place on the map to the street beside it.

use crate::graph::{ArcIx, StreetGraph, between, distance, twins};
use model::{
    city::City,
    geo::{LocalPlane, LonLat},
    ids::LinkIx,
};
use rstar::{
    RTree,
    primitives::{GeomWithData, Line},
};
use std::collections::BTreeSet;

/// One straight piece of a link's line, and which: the link, and the piece's place in its shape.
type Piece = GeomWithData<Line<[f32; 2]>, (LinkIx, u32)>;

/// Every link's line, by where it is.
#[derive(Debug)]
pub struct StreetIndex {
    plane: LocalPlane,
    pieces: RTree<Piece>,
    twins: Vec<Option<LinkIx>>,
}

/// A place on an arc.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct OnArc {
    /// The arc.
    pub arc: ArcIx,
    /// How far along it, 0 at its beginning to 1 at its end.
    pub along: f64,
    /// Where that is, on [`StreetGraph::plane`], m.
    pub at: [f64; 2],
}

/// Where a traveller may join or leave the streets near a place.
#[derive(Clone, PartialEq, Debug)]
pub struct Access {
    /// On the nearest street, or those that meet there, in each direction that may be travelled; never empty.
    pub nearest: Vec<OnArc>,
    /// The same on the nearest street that is part of the main network; empty if `nearest` is.
    pub main: Vec<OnArc>,
    /// Metres from the place to the nearest street.
    pub distance_m: f64,
}

impl Access {
    fn is_main(&self, graph: &StreetGraph) -> bool {
        self.nearest.iter().any(|foot| graph.is_main(foot.arc))
    }
}

/// How much farther than the nearest street the main network may be for a traveller to be sent there, m. What
/// is cut off from it is a yard, a car park or the map's edge, and those are seldom wider.
const ISLAND_M: f64 = 150.0;

/// Streets whose distances differ by less than this are equally near, m: those that meet at a corner.
const SAME_PLACE_M: f64 = 1.0;

impl StreetIndex {
    /// Indexes all links of a city.
    pub fn build(city: &City) -> StreetIndex {
        let plane = LocalPlane::around(city.centre);
        let flat = |p: LonLat| plane.to_metres(p).map(|m| m as f32);
        let pieces = city.network.links.iter().enumerate().flat_map(|(i, link)| {
            let pairs = link.shape.windows(2).enumerate();
            pairs
                .map(move |(k, w)| Piece::new(Line::new(flat(w[0]), flat(w[1])), (LinkIx::from(i), k as u32)))
        });
        StreetIndex { plane, pieces: RTree::bulk_load(pieces.collect()), twins: twins(&city.network) }
    }

    /// The way onto the streets of `graph` from `place`, over links that are `open`; `None` if there is no
    /// street within `limit_m`.
    pub fn access(
        &self,
        city: &City,
        graph: &StreetGraph,
        place: LonLat,
        limit_m: f64,
        open: impl Fn(LinkIx) -> bool,
    ) -> Option<Access> {
        let at = self.plane.to_metres(place);
        let near = self.pieces.nearest_neighbor_iter_with_distance_2([at[0] as f32, at[1] as f32]);
        let near =
            near.map(|(piece, d2)| (piece.data.0, f64::from(d2).sqrt())).take_while(|(_, d)| *d <= limit_m);
        let mut found: Option<Access> = None;
        let (mut seen, mut until_m) = (BTreeSet::new(), f64::INFINITY);
        for (link, distance_m) in near {
            let settled =
                found.as_ref().is_some_and(|access| access.is_main(graph) || !access.main.is_empty());
            let island_m = found.as_ref().map_or(f64::INFINITY, |access| access.distance_m + ISLAND_M);
            if distance_m > if settled { until_m } else { island_m } {
                break;
            }
            if !open(link) || graph.arcs_of(link) == [None; 2] || !seen.insert(link) {
                continue;
            }
            let feet = self.feet(city, graph, link, at, &open, &mut seen);
            match &mut found {
                None => {
                    until_m = distance_m + SAME_PLACE_M;
                    found = Some(Access { nearest: feet, main: Vec::new(), distance_m });
                }
                Some(access) if distance_m <= until_m && access.main.is_empty() => {
                    access.nearest.extend(feet)
                }
                Some(access) => {
                    if !access.is_main(graph) && feet.iter().any(|foot| graph.is_main(foot.arc)) {
                        if access.main.is_empty() {
                            until_m = distance_m + SAME_PLACE_M;
                        }
                        access.main.extend(feet);
                    }
                }
            }
        }
        found
    }

    /// The place's foot on a link: on each of its arcs, and on those of its twin.
    fn feet(
        &self,
        city: &City,
        graph: &StreetGraph,
        link: LinkIx,
        at: [f64; 2],
        open: &impl Fn(LinkIx) -> bool,
        seen: &mut BTreeSet<LinkIx>,
    ) -> Vec<OnArc> {
        let twin = self.twins[link.ix()].filter(|&twin| open(twin) && seen.insert(twin));
        let mut feet = Vec::new();
        for link in [Some(link), twin].into_iter().flatten() {
            let (along, foot) = self.foot_on(city, link, at);
            let arcs = graph.arcs_of(link).into_iter().zip([along, 1.0 - along]);
            feet.extend(arcs.filter_map(|(arc, along)| Some(OnArc { arc: arc?, along, at: foot })));
        }
        feet
    }

    /// The point of the link's line that is nearest to `at`: how far along it is, 0 to 1, and where.
    fn foot_on(&self, city: &City, link: LinkIx, at: [f64; 2]) -> (f64, [f64; 2]) {
        let line: Vec<_> = city.network.link(link).shape.iter().map(|&p| self.plane.to_metres(p)).collect();
        let (mut nearest_m, mut along_m, mut point, mut passed_m) = (f64::INFINITY, 0.0, line[0], 0.0);
        for w in line.windows(2) {
            let length_m = distance(w[0], w[1]);
            let t = foot(w[0], w[1], at);
            let here = between(w[0], w[1], t);
            if distance(here, at) < nearest_m {
                (nearest_m, along_m, point) = (distance(here, at), passed_m + t * length_m, here);
            }
            passed_m += length_m;
        }
        (if passed_m > 0.0 { (along_m / passed_m).clamp(0.0, 1.0) } else { 0.0 }, point)
    }
}

/// The share of the way from `a` to `b` at which the straight line between them comes nearest to `p`.
fn foot(a: [f64; 2], b: [f64; 2], p: [f64; 2]) -> f64 {
    let [dx, dy] = [b[0] - a[0], b[1] - a[1]];
    let square = dx * dx + dy * dy;
    if square == 0.0 { 0.0 } else { (((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / square).clamp(0.0, 1.0) }
}
