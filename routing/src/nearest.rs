//! From a place on the map to the street beside it.

use crate::{
    graph::{ArcIx, StreetGraph},
    map::{EXACT_M, Map, foot},
};
use model::{
    geo::{LocalPlane, LonLat},
    ids::LinkIx,
};
use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap},
};

/// Every link's line, by where it is: a packed R-tree (Leutenegger, Lopez, Edgington: STR, 1997). What is in it never changes,
/// so the tree is a few rows of numbers in which children lie side by side.
#[derive(Debug)]
pub struct StreetIndex {
    plane: LocalPlane,
    pieces: Vec<Piece>,
    /// Boxes around [`CHILDREN`] pieces each, then around as many of those boxes, up to a single one.
    levels: Vec<Vec<Bounds>>,
}

/// One straight piece of a link's line: the link, and which of its points the piece begins with.
type Piece = (LinkIx, u32);

/// West, south, east and north end, m.
type Bounds = [f32; 4];

/// What a box of the tree holds. Eight boxes fill two lines of a processor's cache.
const CHILDREN: usize = 8;

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
        // One half of a two-way street stands for both.
        for (i, link) in map.links().enumerate().filter(|(_, link)| !link.is_drawn_by_twin()) {
            pieces.extend((1..link.shape().len() as u32).map(|second| (LinkIx::from(i), second - 1)));
        }
        let mut index = StreetIndex { plane, pieces, levels: Vec::new() };
        index.sort(map);
        index.cover(map);
        index
    }

    /// Puts pieces that are near each other side by side.
    fn sort(&mut self, map: &Map) {
        let boxes: Vec<Bounds> = self.pieces.iter().map(|piece| self.around(map, piece)).collect();
        let [west, south, east, north] = boxes.iter().copied().reduce(both).unwrap_or_default();
        let side = (east - west).max(north - south).max(1.0);
        let cell = |low: f32, high: f32, from: f32| ((low + high) / 2.0 - from) / side * 65_535.0;
        let key = |b: &Bounds| hilbert(cell(b[0], b[2], west) as u32, cell(b[1], b[3], south) as u32);
        let mut order: Vec<(u32, Piece)> = boxes.iter().map(key).zip(self.pieces.drain(..)).collect();
        order.sort_unstable();
        self.pieces.extend(order.into_iter().map(|(_, piece)| piece));
        self.pieces.shrink_to_fit();
    }

    /// Draws the boxes.
    fn cover(&mut self, map: &Map) {
        let around = |pieces: &[Piece]| pieces.iter().map(|piece| self.around(map, piece)).reduce(both);
        let mut level: Vec<Bounds> = self.pieces.chunks(CHILDREN).filter_map(around).collect();
        while level.len() > 1 {
            let above =
                level.chunks(CHILDREN).filter_map(|boxes| boxes.iter().copied().reduce(both)).collect();
            self.levels.push(std::mem::replace(&mut level, above));
        }
        self.levels.push(level);
    }

    fn ends(&self, map: &Map, &(link, first): &Piece) -> [[f64; 2]; 2] {
        let link = map.link(link);
        [first, first + 1].map(|point| self.plane.to_metres(link.point(point as usize)))
    }

    fn around(&self, map: &Map, piece: &Piece) -> Bounds {
        let [a, b] = self.ends(map, piece).map(|end| end.map(|m| m as f32));
        [a[0].min(b[0]), a[1].min(b[1]), a[0].max(b[0]), a[1].max(b[1])]
    }

    /// Links by how far the nearest piece of each is from a place, m; a link comes again with its other pieces.
    fn nearest<'a>(&'a self, map: &'a Map, at: [f64; 2]) -> Nearest<'a> {
        let mut nearest = Nearest { index: self, map, at, open: BinaryHeap::with_capacity(64) };
        let top = self.levels.len();
        nearest.look_into(top, 0..self.levels.last().map_or(0, Vec::len));
        nearest
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
        let near = self.nearest(map, at).take_while(|(_, distance_m)| *distance_m <= limit_m);
        let mut found: Option<Access> = None;
        let (mut seen, mut until_m) = (BTreeSet::new(), f64::INFINITY);
        for (link, distance_m) in near {
            let settled =
                found.as_ref().is_some_and(|access| access.is_main(graph) || !access.main.is_empty());
            let island_m = found.as_ref().map_or(f64::INFINITY, |access| access.distance_m + ISLAND_M);
            if distance_m > if settled { until_m } else { island_m } {
                break;
            }
            let mirrored = map.link(link).twin().filter(|&twin| map.link(twin).is_drawn_by_twin());
            let usable = |link: &LinkIx| open(*link) && graph.arcs_of(*link) != [None; 2];
            let Some(link) = [Some(link), mirrored].into_iter().flatten().find(usable) else { continue };
            if !seen.insert(link) {
                continue;
            }
            let feet = self.feet(map, graph, link, at, &open, &mut seen);
            match &mut found {
                None => {
                    until_m = distance_m + SAME_PLACE_M;
                    let distance_m = if distance_m < EXACT_M { 0.0 } else { distance_m };
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

    /// Streets of `graph` within so many metres of a place, at most so many, nearest first: the place's feet on them, and how far away
    /// each is.
    pub(crate) fn streets_around(
        &self,
        map: &Map,
        graph: &StreetGraph,
        place: LonLat,
        limit_m: f64,
        most: usize,
    ) -> Vec<(OnArc, f64)> {
        let at = self.plane.to_metres(place);
        let (mut found, mut seen, mut streets) = (Vec::new(), BTreeSet::new(), 0);
        for (link, away_m) in self.nearest(map, at).take_while(|(_, away_m)| *away_m <= limit_m) {
            let mirrored = map.link(link).twin().filter(|&twin| map.link(twin).is_drawn_by_twin());
            let usable = |link: &LinkIx| graph.arcs_of(*link) != [None; 2];
            let Some(link) = [Some(link), mirrored].into_iter().flatten().find(usable) else { continue };
            if !seen.insert(link) {
                continue;
            }
            let feet = self.feet(map, graph, link, at, &|_| true, &mut seen);
            found.extend(feet.into_iter().map(|foot| (foot, away_m)));
            streets += 1;
            if streets == most {
                break;
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

/// The smallest box around two.
fn both(a: Bounds, b: Bounds) -> Bounds {
    [a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])]
}

/// How far along Hilbert's curve through 65,536 x 65,536 cells one of them lies (Kamel, Faloutsos: On Packing R-trees, 1993).
fn hilbert(mut x: u32, mut y: u32) -> u32 {
    let mut along = 0;
    for side in (0..16).rev().map(|bit| 1_u32 << bit) {
        let (right, up) = (x & side != 0, y & side != 0);
        along += side * side * ((3 * u32::from(right)) ^ u32::from(up));
        if !up {
            if right {
                (x, y) = (0xffff - x, 0xffff - y);
            }
            (x, y) = (y, x);
        }
    }
    along
}

/// [`StreetIndex::nearest`] under way: the tree is opened where it may be nearest (Hjaltason, Samet 1999).
struct Nearest<'a> {
    index: &'a StreetIndex,
    map: &'a Map,
    at: [f64; 2],
    /// Boxes and pieces not yet looked at: the square of their distance, m2; the level, 0 that of pieces; and which.
    open: BinaryHeap<Reverse<(Metres2, usize, usize)>>,
}

impl Nearest<'_> {
    fn look_into(&mut self, level: usize, children: std::ops::Range<usize>) {
        for child in children {
            let square = match level.checked_sub(1) {
                None => {
                    let [a, b] = self.index.ends(self.map, &self.index.pieces[child]);
                    let at = foot(a, b, self.at).1;
                    (at[0] - self.at[0]).powi(2) + (at[1] - self.at[1]).powi(2)
                }
                Some(level) => {
                    let [west, south, east, north] = self.index.levels[level][child].map(f64::from);
                    let beyond = |low: f64, high: f64, at: f64| (low - at).max(at - high).max(0.0);
                    beyond(west, east, self.at[0]).powi(2) + beyond(south, north, self.at[1]).powi(2)
                }
            };
            self.open.push(Reverse((Metres2(square), level, child)));
        }
    }
}

impl Iterator for Nearest<'_> {
    type Item = (LinkIx, f64);

    fn next(&mut self) -> Option<(LinkIx, f64)> {
        loop {
            let Reverse((Metres2(square), level, which)) = self.open.pop()?;
            let Some(below) = level.checked_sub(1) else {
                return Some((self.index.pieces[which].0, square.sqrt()));
            };
            let all = if below == 0 { self.index.pieces.len() } else { self.index.levels[below - 1].len() };
            self.look_into(below, which * CHILDREN..((which + 1) * CHILDREN).min(all));
        }
    }
}

/// The square of a distance, in an order.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Metres2(f64);

impl Eq for Metres2 {}

impl PartialOrd for Metres2 {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Metres2 {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}
