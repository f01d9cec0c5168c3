//! The streets as those on foot use them, for searches that go out in all directions.
//!
//! [`crate::street`] finds one way; timetables need the way to every stop around. On foot no turn costs
//! anything, so arcs that end at the same place are one vertex here, and a street is one edge: the same costs
//! to the millisecond as on [`StreetGraph`], with half the vertices. [`contraction`] says which of them matter.

mod contraction;

use crate::{
    columns,
    graph::{Arc, ArcIx, StreetGraph, rounded_up},
    hierarchy,
    nearest::OnArc,
    profile::Profile,
};
pub(crate) use contraction::Climb;
use contraction::Ways;
use model::{city::City, ids::LinkIx};
use petgraph::visit::EdgeRef;
use serde::{Deserialize, Serialize};
use std::sync;

/// A vertex of [`FootWays`], by importance.
pub(crate) type Vertex = u32;

const UNREACHED: u32 = u32::MAX;

/// Where somebody joins or leaves the streets: a vertex, and the ms to it or from it.
pub(crate) type Ends = Vec<(Vertex, u32)>;

/// Which way one looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Direction {
    /// From the start to everywhere.
    Away,
    /// From everywhere to the start.
    Towards,
}

/// Ways on foot, ready for searches.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct FootWays {
    /// By arc of the street graph: the vertices where it begins and ends.
    #[serde(with = "columns")]
    ends: Vec<[Vertex; 2]>,
    /// The street graph's own arcs, which say how long they take.
    #[serde(skip, default = "no_arcs")]
    arcs: sync::Arc<[Arc]>,
    /// Ways up in the direction of travel.
    up: Ways,
    /// Ways up against it, where these are others: most take as long there as back.
    down: Option<Ways>,
}

fn no_arcs() -> sync::Arc<[Arc]> {
    sync::Arc::new([])
}

/// What those on foot and those in a wheelchair share of a city.
#[derive(Debug)]
pub(crate) struct Walkable {
    /// Links that either may use, by importance. Both follow one order: most of what one may use the other may too.
    by_importance: Vec<LinkIx>,
    /// By link: the same line the other way.
    mirrors: Vec<Option<LinkIx>>,
}

impl Walkable {
    /// That of a city whose links have those [`mirrors`].
    pub(crate) fn new(city: &City, mirrors: Vec<Option<LinkIx>>) -> Walkable {
        let network = &city.network;
        let by_importance = hierarchy::links_by_importance(city, |link| {
            [Profile::Walk, Profile::Wheelchair].iter().any(|profile| profile.may_use(network, link))
        });
        Walkable { by_importance, mirrors }
    }
}

impl FootWays {
    /// Makes them of the streets of one who goes both ways (on foot, or in a wheelchair).
    pub(crate) fn new(street: &StreetGraph, walkable: &Walkable) -> FootWays {
        let arcs = street.graph.node_count();
        // Union-find over the ends of arcs: joined where one leads to the next without any cost.
        let mut of = (0..2 * arcs as u32).collect::<Vec<_>>();
        fn root(of: &mut [u32], mut i: u32) -> u32 {
            while of[i as usize] != i {
                of[i as usize] = of[of[i as usize] as usize];
                i = of[i as usize];
            }
            i
        }
        let (begin, end) = (|arc: ArcIx| 2 * arc.index() as u32, |arc: ArcIx| 2 * arc.index() as u32 + 1);
        let mut costly = Vec::new();
        for edge in street.graph.edge_references() {
            let (from, to) = (end(edge.source()), begin(edge.target()));
            match street.transition(*edge.weight()).free_ms {
                0 => {
                    let (from, to) = (root(&mut of, from), root(&mut of, to));
                    of[from.max(to) as usize] = from.min(to);
                }
                ms => costly.push((from, to, ms)),
            }
        }
        // Anybody may turn round at a corner, though nobody gains by it; so all that begins or ends there is one vertex, and every way
        // takes as long there as back.
        for arc in street.graph.node_indices() {
            let link = street.arc(arc).link();
            let [along, against] = street.arcs_of(link);
            let mirror = || walkable.mirrors[link.ix()].and_then(|twin| street.arcs_of(twin)[0]);
            let Some(back) = (if Some(arc) == along { against.or_else(mirror) } else { along }) else {
                continue;
            };
            for (a, b) in [(end(arc), begin(back)), (begin(arc), end(back))] {
                let (a, b) = (root(&mut of, a), root(&mut of, b));
                of[a.max(b) as usize] = a.min(b);
            }
        }
        let mut number = vec![UNREACHED; of.len()];
        let mut vertices = 0;
        let mut vertex = |i: u32| {
            let root = root(&mut of, i) as usize;
            if number[root] == UNREACHED {
                number[root] = vertices;
                vertices += 1;
            }
            number[root]
        };
        let ends: Vec<[Vertex; 2]> =
            street.graph.node_indices().map(|arc| [vertex(begin(arc)), vertex(end(arc))]).collect();
        let mut edges: Vec<_> =
            costly.into_iter().map(|(from, to, ms)| (vertex(from), vertex(to), ms)).collect();
        let arcs = street.graph.shared_arcs();
        edges.extend(ends.iter().zip(&*arcs).map(|(&[from, to], arc)| (from, to, arc.free_ms)));
        // A corner for each street that cuts the city apart; that corners of one place meet there does not join its halves.
        let in_order = walkable.by_importance.iter().flat_map(|&link| street.arcs_of(link)).flatten();
        let streets: Vec<[Vertex; 2]> = in_order.map(|arc| ends[arc.index()]).collect();
        let order = hierarchy::nodes_by_importance(vertices as usize, &streets);
        let (rank, up, down) = contraction::contract(&edges, &order);
        let ends = ends.into_iter().map(|ends| ends.map(|vertex| rank[vertex as usize])).collect();
        let down = (up != down).then_some(down);
        FootWays { ends, arcs, up, down }
    }

    /// Puts them on the streets of which they are; `None` if they are of others, or something within them points nowhere.
    pub(crate) fn on(mut self, street: &StreetGraph) -> Option<FootWays> {
        self.arcs = street.graph.shared_arcs();
        self.is_sound().then_some(self)
    }

    fn is_sound(&self) -> bool {
        let vertices = self.vertices() as u32;
        self.ends.len() == self.arcs.len()
            && self.ends.iter().flatten().all(|&vertex| vertex < vertices)
            && [&self.up, self.down()].iter().all(|ways| ways.are_sound(vertices as usize))
    }

    fn down(&self) -> &Ways {
        self.down.as_ref().unwrap_or(&self.up)
    }

    /// Whether every way takes as long there as back.
    pub(crate) fn alike_both_ways(&self) -> bool {
        self.down.is_none()
    }

    /// How many vertices there are.
    pub(crate) fn vertices(&self) -> usize {
        self.up.vertices()
    }

    /// From a place on the streets to their vertices, or from vertices to it.
    pub(crate) fn ends_of(&self, feet: &[OnArc], direction: Direction) -> Ends {
        let end = |foot: &OnArc| {
            let arc = foot.arc.index();
            let (vertex, share) = match direction {
                Direction::Away => (self.ends[arc][1], 1.0 - foot.along),
                Direction::Towards => (self.ends[arc][0], foot.along),
            };
            (vertex, rounded_up(f64::from(self.arcs[arc].free_ms) * share))
        };
        feet.iter().map(end).collect()
    }

    /// Time along one arc from one foot to another, if both lie on it in that order.
    pub(crate) fn along_ms(&self, from: &[OnArc], to: &[OnArc]) -> Option<u32> {
        let pairs = from.iter().flat_map(|a| to.iter().map(move |b| (a, b)));
        let on_one = pairs.filter(|(a, b)| a.arc == b.arc && b.along >= a.along);
        on_one
            .map(|(a, b)| rounded_up(f64::from(self.arcs[a.arc.index()].free_ms) * (b.along - a.along)))
            .min()
    }

    /// How long it takes to every vertex, or from it: first up, and then down to all (Delling, Goldberg, Nowatzyk, Werneck: PHAST,
    /// 2011). Tens of milliseconds in a large city.
    pub(crate) fn everywhere(&self, starts: &[(Vertex, u32)], direction: Direction) -> Vec<u32> {
        let [up, down] = match direction {
            Direction::Away => [&self.up, self.down()],
            Direction::Towards => [self.down(), &self.up],
        };
        let mut all = vec![UNREACHED; self.vertices()];
        for &(vertex, ms) in starts {
            all[vertex as usize] = all[vertex as usize].min(ms);
        }
        for vertex in 0..self.vertices() as u32 {
            let here = all[vertex as usize];
            for &(over, ms) in up.of(vertex).iter().filter(|_| here != UNREACHED) {
                all[over as usize] = all[over as usize].min(here.saturating_add(ms));
            }
        }
        for vertex in (0..self.vertices() as u32).rev() {
            let above = down.of(vertex).iter().map(|&(over, ms)| all[over as usize].saturating_add(ms));
            all[vertex as usize] = above.fold(all[vertex as usize], u32::min);
        }
        all
    }

    /// Visits vertices of more and more importance that may lie on a quickest way from the starts (or to them), up to
    /// `limit_ms`. Every quickest way from one place to another has a vertex that is visited from both its ends.
    pub(crate) fn climb(
        &self,
        starts: &[(Vertex, u32)],
        direction: Direction,
        limit_ms: u32,
        climb: &mut Climb,
        reached: impl FnMut(Vertex, u32),
    ) {
        let ways = match direction {
            Direction::Away => [&self.up, self.down()],
            Direction::Towards => [self.down(), &self.up],
        };
        climb.up(ways, starts, limit_ms, reached);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        drawing::{NOW, draw},
        snapshot::Snapshot,
        street::{Costs, Scratch, quickest},
    };

    /// A square with a diagonal, steps, a dead end, and an island.
    const STREETS: &str = "
        A 0 0
        B 200 0
        C 200 180
        D 0 160
        E 90 300
        F 900 900
        G 990 900
        A-B
        B-C
        C-D
        D>A
        A=C
        D#E
        F-G";

    #[test]
    fn distances_are_those_of_the_single_way() {
        let city = draw(STREETS);
        for profile in [Profile::Walk, Profile::Wheelchair] {
            let street = StreetGraph::build(&city, profile);
            let walkable = Walkable::new(&city, crate::graph::mirrors(&city.network));
            let foot = FootWays::new(&street, &walkable);
            assert!(foot.alike_both_ways(), "{profile:?}");
            let snapshot = Snapshot::empty();
            let costs = Costs::new(&street, snapshot.view(NOW, NOW), None);
            let (mut climb, mut single) = (Climb::default(), Scratch::default());
            let map = crate::map::Map::new(&city);
            let index = crate::nearest::StreetIndex::build(&map);
            let centre = model::geo::LocalPlane::around(city.centre);
            let feet = |x: f64, y: f64| {
                let at = centre.to_lonlat([x, y]);
                index.access(&map, &street, at, 500.0, |_| true).map(|access| access.nearest)
            };
            let grid = (0..6)
                .flat_map(|x| (0..6).map(move |y| (f64::from(x) * 60.0 - 20.0, f64::from(y) * 61.0 - 10.0)));
            let places: Vec<_> = grid.chain([(950.0, 890.0)]).filter_map(|(x, y)| feet(x, y)).collect();
            assert_eq!(places.len(), 37);
            for a in &places {
                for b in &places {
                    let mut best = foot.along_ms(a, b);
                    let mut there = std::collections::HashMap::new();
                    let ends = foot.ends_of(b, Direction::Towards);
                    foot.climb(&ends, Direction::Towards, u32::MAX - 1, &mut climb, |vertex, ms| {
                        there.insert(vertex, ms);
                    });
                    let starts = foot.ends_of(a, Direction::Away);
                    foot.climb(&starts, Direction::Away, u32::MAX - 1, &mut climb, |vertex, ms| {
                        if let Some(more) = there.get(&vertex) {
                            best = Some(best.map_or(ms + more, |known: u32| known.min(ms + more)));
                        }
                    });
                    let expected = quickest(&costs, a, b, &mut single).map(|path| path.cost_ms);
                    assert_eq!(best, expected, "{profile:?} from {a:?} to {b:?}");
                }
            }
        }
    }
}
