//! Links are short pieces; a name needs a long line to stand on, and a search one answer for a street. Joins the pieces of
//! each street end to end.

use model::{
    geo::LonLat,
    network::{Link, Name, Network, RoadClass},
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    f64::consts::{PI, TAU},
};

/// A street does not turn sharper than that into itself.
const SHARPEST: f64 = PI / 3.0;

/// A line under one name.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Street {
    pub(super) name: Name,
    pub(super) class: RoadClass,
    pub(super) line: Vec<LonLat>,
}

/// Ends closer than about a metre are one place.
type Place = (i64, i64);

fn place(p: LonLat) -> Place {
    ((p.lon * 1e5).round() as i64, (p.lat * 1e5).round() as i64)
}

fn bearing(a: LonLat, b: LonLat) -> f64 {
    ((b.lon - a.lon) * a.lat.to_radians().cos()).atan2(b.lat - a.lat)
}

/// The smaller angle between two bearings.
fn turn(a: f64, b: f64) -> f64 {
    let d = (a - b).abs() % TAU;
    if d > PI { TAU - d } else { d }
}

/// All streets that have a name, in the order of their names.
pub(super) fn streets(network: &Network) -> Vec<Street> {
    let mut by_name: BTreeMap<&str, Vec<&Link>> = BTreeMap::new();
    let mut seen = HashSet::new();
    for link in &network.links {
        let (Some(name), Some(first), Some(last)) = (&link.name, link.shape.first(), link.shape.last())
        else {
            continue;
        };
        if name.local.is_empty() {
            continue;
        }
        // Both directions of one carriageway are one line for a name.
        let (a, b) = (place(*first), place(*last));
        if seen.insert((a.min(b), a.max(b), name.local.as_str())) {
            by_name.entry(&name.local).or_default().push(link);
        }
    }
    by_name.into_values().flat_map(|pieces| joined(&pieces)).collect()
}

/// The lines that pieces of one name make.
fn joined(pieces: &[&Link]) -> Vec<Street> {
    let mut at: HashMap<Place, Vec<usize>> = HashMap::new();
    for (i, piece) in pieces.iter().enumerate() {
        for end in [piece.shape.first(), piece.shape.last()].into_iter().flatten() {
            at.entry(place(*end)).or_default().push(i);
        }
    }
    let mut used = vec![false; pieces.len()];
    let mut lines = Vec::new();
    for i in 0..pieces.len() {
        if std::mem::replace(&mut used[i], true) {
            continue;
        }
        let mut line = pieces[i].shape.clone();
        for _ in 0..2 {
            grow(&mut line, pieces, &at, &mut used);
            line.reverse();
        }
        let name = pieces[i].name.clone();
        lines.extend(name.map(|name| Street { name, class: pieces[0].class, line }));
    }
    lines
}

/// Carries a line on from its last point as long as a piece goes on without a sharp turn.
fn grow(line: &mut Vec<LonLat>, pieces: &[&Link], at: &HashMap<Place, Vec<usize>>, used: &mut [bool]) {
    while let [.., before, end] = line[..] {
        let along = bearing(before, end);
        let onwards = at.get(&place(end)).into_iter().flatten().filter(|i| !used[**i]).filter_map(|&i| {
            let shape = &pieces[i].shape;
            let forward = shape.first().is_some_and(|p| place(*p) == place(end));
            let (p, q) = match forward {
                true => (shape.first()?, shape.get(1)?),
                false => (shape.last()?, shape.get(shape.len().checked_sub(2)?)?),
            };
            Some((turn(along, bearing(*p, *q)), i, forward))
        });
        let best = onwards.filter(|(angle, ..)| *angle < SHARPEST).min_by(|a, b| a.0.total_cmp(&b.0));
        let Some((_, i, forward)) = best else { return };
        used[i] = true;
        let shape = pieces[i].shape.iter();
        match forward {
            true => line.extend(shape.skip(1)),
            false => line.extend(shape.rev().skip(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_a_street_are_one_line_and_a_sharp_turn_ends_it() {
        let mut network = model::sketch::city(
            "
            A---B---C---D
                    |
                    E
            ",
            "",
        )
        .network;
        let lit = |name: &str| Some(Name { local: name.to_owned(), en: None });
        for link in &mut network.links {
            link.name = lit("Садовая");
        }
        let found = streets(&network);
        let mut sizes: Vec<usize> = found.iter().map(|street| street.line.len()).collect();
        sizes.sort_unstable();
        // A to D, and the side street by itself.
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(sizes[1] >= 4 && sizes[0] >= 2, "{sizes:?}");
        let long = found.iter().max_by_key(|street| street.line.len()).unwrap();
        let ends = [long.line[0].lat, long.line[long.line.len() - 1].lat];
        assert!((ends[0] - ends[1]).abs() < 1e-6, "from A to D: {ends:?}");
    }
}
