//! Other ways that are worth a look beside the quickest.
//!
//! One search goes out from the start and one back from the end. Where the two run along the same streets for a while they leave a
//! plateau: the quickest way over it is the quickest in all its parts as long as the plateau (Camvit: Choice Routing, 2005). Of
//! these those are taken that are little longer than the quickest, share little with it and with one another, and have a long
//! plateau (Abraham, Delling, Goldberg, Werneck: Alternative Routes in Road Networks, 2013, with their bounds and order).

use super::{Costs, Foot, Path, Scratch, first_ms, quickest, reach};
use crate::{
    foot::Direction,
    graph::{ArcIx, StreetGraph},
    nearest::OnArc,
};
use std::collections::HashSet;

/// Another way takes at most so many times as long as the quickest.
const STRETCH: f64 = 1.25;
/// At most this share of the quickest way's time is spent on streets that are known from others.
const SHARED: f64 = 0.8;
/// Its plateau is at least this share of the quickest way's time.
const PLATEAU: f64 = 0.25;
/// So many of the best plateaus are looked at.
const LOOKED_AT: usize = 64;

/// A stretch on which the two searches agree.
struct Plateau {
    first: u32,
    last: u32,
    /// The quickest way over it, ms.
    total_ms: u32,
    ms: u32,
}

/// The quickest way, then up to `most` others, the best first; empty if there is no way at all.
pub fn alternatives(
    costs: &Costs<'_>,
    [from, to]: [&[OnArc]; 2],
    most: usize,
    [out, back]: [&mut Scratch; 2],
) -> Vec<Path> {
    let Some(best) = quickest(costs, from, to, out) else { return Vec::new() };
    let longest_ms = (f64::from(best.cost_ms) * STRETCH) as u32;
    let feet = |places: &[OnArc]| places.iter().map(|&on| Foot { on, ms: 0 }).collect::<Vec<Foot>>();
    let [from, to] = [feet(from), feet(to)];
    reach(costs, &from, Direction::Away, longest_ms, out);
    reach(costs, &to, Direction::Towards, longest_ms, back);
    let best_ms = f64::from(best.cost_ms);
    let share = |share: f64| (best_ms * share) as u32;
    let mut plateaus = plateaus(costs, [out, back], longest_ms);
    plateaus.retain(|plateau| plateau.ms >= share(PLATEAU));
    plateaus.sort_by_key(|plateau| (2 * plateau.total_ms - plateau.ms.min(plateau.total_ms), plateau.first));
    let mut known: HashSet<ArcIx> = best.arcs.iter().copied().collect();
    let mut found = vec![best];
    for plateau in plateaus.iter().take(LOOKED_AT) {
        if found.len() > most {
            break;
        }
        let Some(path) = over(costs, plateau, [&from, &to], [out, back]) else { continue };
        let shared_ms: u64 = path
            .arcs
            .iter()
            .filter(|arc| known.contains(arc))
            .filter_map(|&arc| costs.arc_ms(costs.graph.arc(arc)))
            .map(u64::from)
            .sum();
        if shared_ms <= u64::from(share(SHARED)) {
            known.extend(&path.arcs);
            found.push(path);
        }
    }
    found
}

fn plateaus(costs: &Costs<'_>, [out, back]: [&Scratch; 2], longest_ms: u32) -> Vec<Plateau> {
    let street: &StreetGraph = costs.graph;
    let known = |scratch: &Scratch, arc: u32| scratch.labels[arc as usize].round == scratch.round;
    let both = |arc: u32| known(out, arc) && known(back, arc);
    let before = |arc: u32| Some(out.labels[arc as usize].parent).filter(|&before| before != arc);
    let after = |arc: u32| Some(back.labels[arc as usize].parent).filter(|&after| after != arc);
    let pass_ms = |arc: u32| costs.arc_ms(street.arc(ArcIx::new(arc as usize))).unwrap_or(u32::MAX / 4);
    // The next arc of both searches.
    let next = |arc: u32| after(arc).filter(|&next| both(next) && before(next) == Some(arc));
    let mut all = Vec::new();
    for arc in (0..street.graph.node_count() as u32).filter(|&arc| both(arc)) {
        if before(arc).is_some_and(|before| both(before) && after(before) == Some(arc)) {
            continue;
        }
        let total_ms = out.cost(arc).saturating_add(back.cost(arc)).saturating_sub(pass_ms(arc));
        if total_ms > longest_ms {
            continue;
        }
        let mut last = arc;
        while let Some(next) = next(last) {
            last = next;
        }
        let begins_ms = out.cost(arc).saturating_sub(pass_ms(arc));
        all.push(Plateau { first: arc, last, total_ms, ms: out.cost(last).saturating_sub(begins_ms) });
    }
    all
}

/// The quickest way over a plateau; `None` if it passes a street twice.
fn over(
    costs: &Costs<'_>,
    plateau: &Plateau,
    [from, to]: [&[Foot]; 2],
    [out, back]: [&Scratch; 2],
) -> Option<Path> {
    let walk = |scratch: &Scratch, mut arc: u32| {
        let mut arcs = Vec::new();
        loop {
            arcs.push(ArcIx::new(arc as usize));
            let next = scratch.labels[arc as usize].parent;
            if next == arc {
                return arcs;
            }
            arc = next;
        }
    };
    let mut arcs = walk(out, plateau.last);
    arcs.reverse();
    arcs.extend(&walk(back, plateau.last)[1..]);
    let mut seen = HashSet::new();
    if !arcs.iter().all(|arc| seen.insert(*arc)) {
        return None;
    }
    let on = |feet: &'_ [Foot], arc: ArcIx| {
        feet.iter().copied().filter(|foot| foot.on.arc == arc).collect::<Vec<_>>()
    };
    let start = on(from, arcs[0]).into_iter().min_by_key(|foot| first_ms(costs, foot))?;
    let end = on(to, *arcs.last()?).into_iter().min_by(|a, b| a.on.along.total_cmp(&b.on.along))?;
    if arcs.len() == 1 && end.on.along < start.on.along {
        return None;
    }
    Some(Path { arcs, begins: start.on.along, ends: end.on.along, cost_ms: plateau.total_ms })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        drawing::{draw, place},
        planner::Planner,
        profile::Profile,
    };
    use proptest::prelude::*;

    const SIDE: usize = 6;

    fn name(corner: usize) -> String {
        format!("{}{}", char::from(b'A' + (corner % SIDE) as u8), char::from(b'a' + (corner / SIDE) as u8))
    }

    /// All the time of a way, added up arc by arc.
    fn sum(costs: &Costs<'_>, path: &Path) -> Option<u32> {
        let street = costs.graph();
        let arc = |i: usize| street.arc(path.arcs[i]);
        if path.arcs.len() == 1 {
            return costs.part_ms(arc(0), path.ends - path.begins);
        }
        let mut ms = costs.part_ms(arc(0), 1.0 - path.begins)?;
        for i in 1..path.arcs.len() {
            let edge = street.graph.find_edge(path.arcs[i - 1], path.arcs[i])?;
            let share = if i + 1 == path.arcs.len() { path.ends } else { 1.0 };
            ms += costs.transition_ms(arc(i - 1), street.graph.transition(edge));
            ms += if share == 1.0 { costs.arc_ms(arc(i))? } else { costs.part_ms(arc(i), share)? };
        }
        Some(ms)
    }

    fn agrees(kinds: &[u8], crooked: &[(u32, u32)], ends: [usize; 2]) -> Result<(), TestCaseError> {
        let mut streets = String::new();
        for (corner, (dx, dy)) in crooked.iter().enumerate() {
            let (x, y) = (corner as u32 % SIDE as u32, corner as u32 / SIDE as u32);
            streets += &format!("{} {} {}\n", name(corner), x * 400 + dx, y * 400 + dy);
        }
        for corner in 0..SIDE * SIDE {
            let (right, down) = (corner % SIDE + 1 < SIDE, corner + SIDE < SIDE * SIDE);
            let pairs =
                [(corner + 1, right, kinds[corner]), (corner + SIDE, down, kinds[SIDE * SIDE + corner])];
            for (other, _, kind) in pairs.into_iter().filter(|(_, there, _)| *there) {
                streets +=
                    &format!("{}{}{}\n", name(corner), ["-", "-", ">"][usize::from(kind)], name(other));
            }
        }
        let city = draw(&streets);
        let planner = Planner::new(city.clone().into());
        let costs = Costs::without_traffic(planner.graph(Profile::Car), None);
        let feet = |corner: usize| planner.access(Profile::Car, place(&city, &name(corner)).at, 100.0);
        let (Some(from), Some(to)) = (feet(ends[0]), feet(ends[1])) else { return Ok(()) };
        let (from, to) = (from.feet(), to.feet());
        let (mut out, mut back) = (Scratch::default(), Scratch::default());
        let found = alternatives(&costs, [&from, &to], 3, [&mut out, &mut back]);
        let best = quickest(&costs, &from, &to, &mut out);
        prop_assert_eq!(found.first(), best.as_ref());
        prop_assert!(found.len() <= 4);
        let mut known = HashSet::new();
        for path in &found {
            let best_ms = f64::from(found[0].cost_ms);
            // Where a way ends on its first street, or begins on its last, a part is counted from both sides.
            let told = sum(&costs, path).map(|ms| ms.abs_diff(path.cost_ms));
            prop_assert!(
                told.is_some_and(|apart| apart <= 2),
                "{:?} instead of {}",
                sum(&costs, path),
                path.cost_ms
            );
            prop_assert!(f64::from(path.cost_ms) <= best_ms * STRETCH);
            let shared = path.arcs.iter().filter(|arc| known.contains(*arc));
            let shared_ms: u32 = shared.filter_map(|&arc| costs.arc_ms(costs.graph().arc(arc))).sum();
            prop_assert!(f64::from(shared_ms) <= best_ms * SHARED);
            known.extend(path.arcs.iter().copied());
        }
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn other_ways_are_ways_little_longer_and_other_ones(
            kinds in prop::collection::vec(0..3_u8, 2 * SIDE * SIDE),
            crooked in prop::collection::vec((0..90_u32, 0..90_u32), SIDE * SIDE),
            from in 0..SIDE * SIDE,
            to in 0..SIDE * SIDE,
        ) {
            agrees(&kinds, &crooked, [from, to])?;
        }
    }

    #[test]
    fn the_second_of_three_roads_is_offered_and_the_long_one_is_not() {
        let streets = "
            A 0 0
            B 500 300
            C 500 -350
            D 500 900
            E 1000 0
            A-B
            B-E
            A-C
            C-E
            A-D
            D-E";
        let city = draw(streets);
        let planner = Planner::new(city.clone().into());
        let costs = Costs::without_traffic(planner.graph(Profile::Car), None);
        let [a, e] =
            ["A", "E"].map(|name| planner.access(Profile::Car, place(&city, name).at, 100.0).unwrap().feet());
        let (mut out, mut back) = (Scratch::default(), Scratch::default());
        let found = alternatives(&costs, [&a, &e], 3, [&mut out, &mut back]);
        let links = |path: &Path| {
            let ids = path.arcs.iter().map(|&arc| planner.map().link(costs.graph().arc(arc).link()).id());
            ids.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(found.iter().map(links).collect::<Vec<_>>(), ["AB BE", "AC CE"]);
    }
}
