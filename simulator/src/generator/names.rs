//! Names for streets that nobody drew.

use super::{
    atlas::{Place, distance},
    plane::Graph,
};
use model::network::{Name, RoadClass};
use std::collections::BTreeMap;

/// Hands out names of small streets, each where it belongs; when those are through, again with ordinals, as Moscow does.
pub(super) struct SmallNames<'a> {
    list: &'a [(Name, Place)],
    given: Vec<u32>,
}

impl<'a> SmallNames<'a> {
    pub(super) fn new(list: &'a [(Name, Place)]) -> Self {
        Self { list, given: vec![0; list.len()] }
    }

    /// The nearest name that fits a small street or a large one, and has not been given too often.
    fn next(&mut self, at: Place, small: bool) -> Name {
        // A second street of the same name lies near the first, but a fresh name from not too far away is better.
        const AGAIN_M: f64 = 900.0;
        const ILL_FITTING_M: f64 = 600.0;
        let cost = |i: usize| {
            let (name, near) = &self.list[i];
            let lane = name.local.ends_with("пер.") || name.local.ends_with("тупик");
            distance(*near, at)
                + AGAIN_M * f64::from(self.given[i])
                + if lane == small { 0.0 } else { ILL_FITTING_M }
        };
        let Some(best) = (0..self.list.len()).min_by(|&a, &b| cost(a).total_cmp(&cost(b))) else {
            return Name::new("улица", "Street");
        };
        self.given[best] += 1;
        let (name, number) = (&self.list[best].0, self.given[best]);
        if number == 1 {
            return name.clone();
        }
        // «2-я Полевая ул.», «2-й Хлебный пер.»: feminine for streets and alleys, masculine for the rest.
        let feminine = ["ул.", "аллея", "Слобода"].iter().any(|end| name.local.ends_with(end))
            || name.local.starts_with("ул.");
        let local = format!("{number}-{} {}", if feminine { "я" } else { "й" }, name.local);
        let ordinal = match (number % 10, number % 100) {
            (2, n) if n != 12 => "nd",
            (3, n) if n != 13 => "rd",
            (1, n) if n != 11 => "st",
            _ => "th",
        };
        Name::new(local, format!("{number}{ordinal} {}", name.english()))
    }
}

/// Streets that run straight on across another one keep their name. Only generated ones are asked: their streets have
/// one edge each when they are born.
pub(super) fn name(graph: &mut Graph, names: &mut SmallNames<'_>) {
    const STRAIGHT_COS: f64 = 0.9;
    let generated: Vec<bool> =
        graph.streets.iter().map(|s| s.name.local.is_empty() && s.class != RoadClass::Path).collect();
    let mut parent: Vec<usize> = (0..graph.streets.len()).collect();
    fn root(parent: &mut [usize], mut i: usize) -> usize {
        while parent[i] != i {
            parent[i] = parent[parent[i]];
            i = parent[i];
        }
        i
    }
    for (knot, arms) in graph.edges_at().into_iter().enumerate() {
        let heading = |e: usize| {
            let edge = &graph.edges[e];
            let n = edge.shape.len();
            let (a, b) = if edge.from == knot {
                (edge.shape[0], edge.shape[1])
            } else {
                (edge.shape[n - 1], edge.shape[n - 2])
            };
            let long = distance(a, b).max(1e-6);
            [(b[0] - a[0]) / long, (b[1] - a[1]) / long]
        };
        for (i, &e) in arms.iter().enumerate() {
            for &f in &arms[i + 1..] {
                let (s, t) = (graph.edges[e].street, graph.edges[f].street);
                let (p, q) = (heading(e), heading(f));
                if generated[s] && generated[t] && p[0] * q[0] + p[1] * q[1] < -STRAIGHT_COS {
                    let (a, b) = (root(&mut parent, s), root(&mut parent, t));
                    parent[a.max(b)] = a.min(b);
                }
            }
        }
    }
    let mut given: BTreeMap<usize, Name> = BTreeMap::new();
    let mut places = vec![[0.0, 0.0]; graph.streets.len()];
    for edge in &graph.edges {
        places[edge.street] = edge.shape[edge.shape.len() / 2];
    }
    for i in 0..graph.streets.len() {
        if generated[i] {
            let lane = graph.streets[i].class == RoadClass::Residential;
            let first = root(&mut parent, i);
            graph.streets[i].name = given.entry(first).or_insert_with(|| names.next(places[i], lane)).clone();
        }
    }
}
