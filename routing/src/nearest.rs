//! From a place on the map to the street beside it.

use crate::{
    graph::{ArcIx, StreetGraph},
    map::Map,
};
use model::{
    geo::{LocalPlane, LonLat},
    ids::LinkIx,
};
use rstar::{
    RTree,
    primitives::{GeomWithData, Line},
};
use std::collections::BTreeSet;

/// One straight piece of a link's line, and which link.
type Piece = GeomWithData<Line<[f32; 2]>, LinkIx>;

/// Every link's line, by where it is.
#[derive(Debug)]
pub struct StreetIndex {
    plane: LocalPlane,
    pieces: RTree<Piece>,
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
    /// On the main network if that is near, else on the nearest street: whoever is in a yard that streets do not reach on the
    /// map leaves it all the same.
    pub fn feet(self) -> Vec<OnArc> {
        if self.main.is_empty() { self.nearest } else { self.main }
    }

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
    /// Indexes all links of a map.
    pub fn build(map: &Map) -> StreetIndex {
        let plane = LocalPlane::around(map.centre);
        let mut pieces = Vec::new();
        for (i, link) in map.links().enumerate() {
            let line: Vec<[f32; 2]> = link.on(plane).map(|at| at.map(|m| m as f32)).collect();
            pieces.extend(line.windows(2).map(|w| Piece::new(Line::new(w[0], w[1]), LinkIx::from(i))));
        }
        StreetIndex { plane, pieces: RTree::bulk_load(pieces) }
    }

    /// The way onto the streets of `graph` from `place`, over links that are `open`; `None` if there is no
    /// street within `limit_m`.
    pub fn access(
        &self,
        map: &Map,
        graph: &StreetGraph,
        place: LonLat,
        limit_m: f64,
        open: impl Fn(LinkIx) -> bool,
    ) -> Option<Access> {
        let at = self.plane.to_metres(place);
        let near = self.pieces.nearest_neighbor_iter_with_distance_2([at[0] as f32, at[1] as f32]);
        let near =
            near.map(|(piece, d2)| (piece.data, f64::from(d2).sqrt())).take_while(|(_, d)| *d <= limit_m);
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
            let feet = self.feet(map, graph, link, at, &open, &mut seen);
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
        map: &Map,
        graph: &StreetGraph,
        link: LinkIx,
        at: [f64; 2],
        open: &impl Fn(LinkIx) -> bool,
        seen: &mut BTreeSet<LinkIx>,
    ) -> Vec<OnArc> {
        let twin = map.link(link).twin().filter(|&twin| open(twin) && seen.insert(twin));
        let mut feet = Vec::new();
        for link in [Some(link), twin].into_iter().flatten() {
            let (along, foot) = map.link(link).foot(self.plane, at);
            let arcs = graph.arcs_of(link).into_iter().zip([along, 1.0 - along]);
            feet.extend(arcs.filter_map(|(arc, along)| Some(OnArc { arc: arc?, along, at: foot })));
        }
        feet
    }
}
