//! A* against petgraph's plain Dijkstra, on networks that nobody would draw.

use crate::{
    drawing::{NOW, draw, picture},
    graph::{ArcIx, StreetGraph},
    nearest::OnArc,
    profile::Profile,
    snapshot::Snapshot,
    street::{Costs, Path, Scratch, quickest},
};
use model::city::City;
use petgraph::{algo::dijkstra, visit::EdgeRef};
use proptest::prelude::*;
use std::fmt::Write as _;

/// The least cost by Dijkstra's algorithm: from each start to the end of every arc, then onto the target.
fn oracle_ms(costs: &Costs<'_>, from: &[OnArc], to: &[OnArc]) -> Option<u32> {
    let street = costs.graph();
    let mut best = None::<u32>;
    let mut offer = |cost: u32| best = Some(best.map_or(cost, |b| b.min(cost)));
    for start in from {
        let arc = street.arc(start.arc);
        for end in to.iter().filter(|end| end.arc == start.arc && end.along >= start.along) {
            if let Some(cost) = costs.part_ms(arc, end.along - start.along) {
                offer(cost);
            }
        }
        let Some(first_ms) = costs.part_ms(arc, 1.0 - start.along) else { continue };
        const CLOSED: u64 = 1 << 40;
        let step = |a: ArcIx, b: ArcIx| {
            let edge = street.graph.find_edge(a, b).expect("an edge");
            u64::from(costs.transition_ms(street.arc(a), &street.graph[edge]))
        };
        let pass = |b: ArcIx| costs.arc_ms(street.arc(b)).map_or(CLOSED, u64::from);
        let reached =
            dijkstra(&street.graph, start.arc, None, |e| step(e.source(), e.target()) + pass(e.target()));
        for (&arc, &cost) in reached.iter().filter(|&(_, &cost)| cost < CLOSED) {
            for end in to.iter().filter(|end| street.graph.find_edge(arc, end.arc).is_some()) {
                if let Some(last_ms) = costs.part_ms(street.arc(end.arc), end.along) {
                    offer((u64::from(first_ms) + cost + step(arc, end.arc)) as u32 + last_ms);
                }
            }
        }
    }
    best
}

/// What the path's own arcs and transitions cost, added up.
fn added_up_ms(costs: &Costs<'_>, path: &Path) -> u32 {
    let street = costs.graph();
    let last = path.arcs.len() - 1;
    let mut sum = 0;
    for (i, &arc) in path.arcs.iter().enumerate() {
        let begin = if i == 0 { path.begins } else { 0.0 };
        let end = if i == last { path.ends } else { 1.0 };
        sum += costs.part_ms(street.arc(arc), end - begin).expect("a path keeps to open arcs");
        if i > 0 {
            let before = path.arcs[i - 1];
            let edge = street.graph.find_edge(before, arc).expect("a path keeps to allowed turns");
            sum += costs.transition_ms(street.arc(before), &street.graph[edge]);
        }
    }
    sum
}

/// A network of up to 14 crooked nodes, some streets one way, some without lanes, some turns forbidden or
/// signalled, some links slow or closed.
#[derive(Clone, Debug)]
struct Wild {
    drawing: String,
    traffic: String,
    ends: Vec<(prop::sample::Index, f64)>,
}

fn wild() -> impl Strategy<Value = Wild> {
    let place = (-1500..1500_i32, -1500..1500_i32);
    let street = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..10_u8);
    let turn = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<bool>());
    let slow = (any::<prop::sample::Index>(), 0..400_u32);
    let end = (any::<prop::sample::Index>(), 0.0..1.0_f64);
    (
        prop::collection::vec(place, 2..14),
        prop::collection::vec(street, 1..40),
        prop::collection::vec(turn, 0..12),
        prop::collection::vec(slow, 0..12),
        prop::collection::vec(end, 8),
    )
        .prop_map(|(places, streets, turns, slows, ends)| {
            let name = |i: usize| char::from(b'A' + i as u8);
            let mut drawing = String::new();
            for (i, (x, y)) in places.iter().enumerate() {
                let _ = writeln!(drawing, "{} {x} {y}", name(i));
            }
            let mut drawn = Vec::new();
            for (a, b, kind) in streets {
                let (a, b) = (a.index(places.len()), b.index(places.len()));
                if a == b || places[a] == places[b] || drawn.contains(&(a, b)) || drawn.contains(&(b, a)) {
                    continue;
                }
                let sign = match kind {
                    0..4 => '-',
                    4..8 => '>',
                    8 => '=',
                    _ => '#',
                };
                let _ = writeln!(drawing, "{}{sign}{}", name(a), name(b));
                drawn.push((a, b));
            }
            let onward = |first: usize, last: usize| {
                let (a, b) = drawn[first];
                let (c, d) = drawn[last];
                (b == c && a != d).then(|| format!("{}>{}>{}", name(a), name(b), name(d)))
            };
            let mut traffic = Vec::new();
            if !drawn.is_empty() {
                for (first, last, banned) in turns {
                    if let Some(turn) = onward(first.index(drawn.len()), last.index(drawn.len())) {
                        let _ = writeln!(drawing, "{} {turn}", if banned { "no" } else { "signal" });
                    }
                }
                for (link, seconds) in slows {
                    let (a, b) = drawn[link.index(drawn.len())];
                    let (a, b) = (name(a), name(b));
                    traffic.push(match seconds {
                        0..60 => format!("{a}{b} closed"),
                        s => format!("{a}{b} {s} s"),
                    });
                }
            }
            Wild { drawing, traffic: traffic.join(", "), ends }
        })
}

fn check_wild(wild: &Wild, city: &City, picture: &Snapshot, profile: Profile) -> Result<(), TestCaseError> {
    let street = StreetGraph::build(city, profile);
    let arcs = street.graph.node_count();
    if arcs == 0 {
        return Ok(());
    }
    let costs = Costs::new(&street, picture.view(NOW, NOW), None);
    let on_arc = |(index, along): &(prop::sample::Index, f64)| {
        let arc = ArcIx::new(index.index(arcs));
        let shape = street.shape(city, arc);
        OnArc { arc, along: *along, at: crate::graph::between(shape[0], shape[1], *along) }
    };
    let mut scratch = Scratch::default();
    for pair in wild.ends.chunks(2) {
        let (from, to) = ([on_arc(&pair[0])], [on_arc(&pair[1])]);
        let path = quickest(&costs, &from, &to, &mut scratch);
        prop_assert_eq!(
            path.as_ref().map(|p| p.cost_ms),
            oracle_ms(&costs, &from, &to),
            "{:?} to {:?}",
            from,
            to
        );
        if let Some(path) = path {
            prop_assert_eq!(path.cost_ms, added_up_ms(&costs, &path));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// The estimate never overshoots, and no turn, closure or traffic makes A* and Dijkstra differ.
    #[test]
    fn a_star_equals_dijkstra(wild in wild()) {
        let city = draw(&wild.drawing);
        let picture = picture(&city, NOW, &wild.traffic);
        for profile in Profile::ALL {
            check_wild(&wild, &city, &picture, profile)?;
        }
    }
}
