//! From positions that somebody measured to the way that he took: map matching.
//!
//! A hidden Markov model (Newson, Krumm: Hidden Markov Map Matching Through Noise and Sparseness, 2009): each position is on one of the streets
//! near it, the likelier the nearer that is, and from one to the next one goes along the streets, the likelier the less that way differs
//! in length from the straight line. The most likely of all ways is found step by step (Viterbi 1967).

use crate::{
    graph::StreetGraph,
    map::Map,
    nearest::{OnArc, StreetIndex},
    street::{Costs, Path, Scratch, quickest},
};
use model::geo::LonLat;

/// A position is off by so much, m, where nothing is said: a good receiver between houses.
pub const USUAL_ERROR_M: f64 = 5.0;
/// Streets within so many times its error are looked at.
const LOOKED_AT: f64 = 4.0;
/// But at least those within so many m: the middle of a wide road is off its line on the map.
const AT_LEAST_M: f64 = 30.0;
/// And so many of them.
const STREETS: usize = 5;
/// How much ways usually differ from straight lines, m (beta of the paper).
const DETOUR_M: f64 = 10.0;
/// A way that is so much longer than the straight line is none, m.
const LONGEST_DETOUR_M: f64 = 1500.0;
/// Positions that are so much longer apart do not belong to one way, s.
pub const LONGEST_SILENCE_S: i64 = 60;

/// A measured position.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Fix {
    /// Where.
    pub at: LonLat,
    /// When, s since the epoch, if that is known.
    pub time_s: Option<i64>,
    /// By how much it may be off, m.
    pub error_m: f64,
}

/// A part of the way that was taken without a gap.
#[derive(Clone, PartialEq, Debug)]
pub struct Track {
    /// Which position lies where, in order; at least two.
    pub fixes: Vec<(usize, OnArc)>,
    /// From each of them to the next.
    pub paths: Vec<Path>,
    /// How well the positions lie on it, 0 to 1: the mean likelihood of their distances.
    pub confidence: f64,
}

/// A street on which a position may be.
struct Candidate {
    on: OnArc,
    away_m: f64,
    /// The likelihood of the best way that ends here, as a logarithm; none leads here if it is minus infinity.
    score: f64,
    /// The candidate of the position before from which it comes, and the way.
    from: Option<(usize, Path)>,
}

/// Finds the way; positions far from all streets are left out. With `split`, long silences end a track.
pub(crate) fn matched(
    (map, index): (&Map, &StreetIndex),
    costs: &Costs<'_>,
    fixes: &[Fix],
    split: bool,
    scratch: &mut Scratch,
) -> Vec<Track> {
    let street = costs.graph();
    let mut tracks = Vec::new();
    let mut steps: Vec<(usize, Vec<Candidate>)> = Vec::new();
    for (i, fix) in fixes.iter().enumerate() {
        let within_m = (fix.error_m * LOOKED_AT).max(AT_LEAST_M);
        let near = index.streets_around(map, street, fix.at, within_m, STREETS);
        let mut here: Vec<Candidate> = near
            .into_iter()
            .map(|(on, away_m)| {
                let score = -0.5 * (away_m / fix.error_m).powi(2);
                Candidate { on, away_m, score, from: None }
            })
            .collect();
        if here.is_empty() {
            continue;
        }
        let Some((before_fix, before)) = steps.last() else {
            steps.push((i, here));
            continue;
        };
        let other = &fixes[*before_fix];
        let silent = fix.time_s.zip(other.time_s).is_some_and(|(a, b)| (a - b).abs() > LONGEST_SILENCE_S);
        let straight_m = fix.at.distance_m(other.at);
        let mut joined = false;
        for to in here.iter_mut().filter(|_| !(split && silent)) {
            let emitted = to.score;
            to.score = f64::NEG_INFINITY;
            for (k, from) in before.iter().enumerate().filter(|(_, from)| from.score > f64::NEG_INFINITY) {
                let Some((path, length_m)) = way(map, costs, [from.on, to.on], scratch) else { continue };
                let detour_m = (length_m - straight_m).abs();
                let score = from.score + emitted - detour_m / DETOUR_M;
                if detour_m <= LONGEST_DETOUR_M && score > to.score {
                    (to.score, to.from, joined) = (score, Some((k, path)), true);
                }
            }
        }
        if !joined {
            tracks.extend(track(fixes, std::mem::take(&mut steps)));
            for one in &mut here {
                (one.score, one.from) = (-0.5 * (one.away_m / fix.error_m).powi(2), None);
            }
        }
        steps.push((i, here));
    }
    tracks.extend(track(fixes, steps));
    tracks
}

/// The quickest way between two places, and its length, m. Whoever seems to go back a little on his street stands still.
fn way(map: &Map, costs: &Costs<'_>, [from, to]: [OnArc; 2], scratch: &mut Scratch) -> Option<(Path, f64)> {
    let street = costs.graph();
    let whole_m = map.link(street.arc(from.arc).link()).length_m();
    if from.arc == to.arc && to.along < from.along && (from.along - to.along) * whole_m < AT_LEAST_M {
        let path = Path { arcs: vec![from.arc], begins: from.along, ends: from.along, cost_ms: 0 };
        return Some((path, 0.0));
    }
    let path = quickest(costs, &[from], &[to], scratch)?;
    let length_m = length_m(map, street, &path);
    Some((path, length_m))
}

fn length_m(map: &Map, street: &StreetGraph, path: &Path) -> f64 {
    let last = path.arcs.len() - 1;
    let part = |(i, &ix): (usize, &crate::graph::ArcIx)| {
        let begin = if i == 0 { path.begins } else { 0.0 };
        let end = if i == last { path.ends } else { 1.0 };
        let inside = i.checked_sub(1).and_then(|before| street.graph.find_edge(path.arcs[before], ix));
        let inside_m = inside.map_or(0.0, |edge| street.transition(street.graph.transition(edge)).length_m());
        map.link(street.arc(ix).link()).length_m() * (end - begin) + inside_m
    };
    path.arcs.iter().enumerate().map(part).sum()
}

/// The most likely way through all steps; `None` if there is but one.
fn track(fixes: &[Fix], mut steps: Vec<(usize, Vec<Candidate>)>) -> Option<Track> {
    let (_, last) = steps.last()?;
    let mut at = (0..last.len()).max_by(|&a, &b| last[a].score.total_cmp(&last[b].score))?;
    let (mut found, mut paths, mut likelihood) = (Vec::new(), Vec::new(), 0.0);
    for (fix, candidates) in steps.iter_mut().rev() {
        let here = &mut candidates[at];
        found.push((*fix, here.on));
        likelihood += (-0.5 * (here.away_m / fixes[*fix].error_m).powi(2)).exp();
        if let Some((before, path)) = here.from.take() {
            paths.push(path);
            at = before;
        }
    }
    found.reverse();
    paths.reverse();
    let confidence = likelihood / found.len() as f64;
    (found.len() > 1).then_some(Track { fixes: found, paths, confidence })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        drawing::{draw, place, query},
        itinerary::Leg,
        planner::Planner,
        profile::Profile,
        snapshot::Snapshot,
        street::Costs,
    };
    use proptest::prelude::*;

    const BLOCKS: &str = "
        A 0 0
        B 200 0
        C 400 0
        D 0 200
        E 200 200
        F 400 200
        G 0 400
        H 200 400
        I 400 400
        A-B
        B-C
        D-E
        E-F
        G-H
        H-I
        A-D
        D-G
        B-E
        E-H
        C-F
        F-I";

    /// Positions every so often along a route, off by so much; and the links of the way that they are matched to.
    fn matched_links(question: &str, every_m: f64, off: &[(f64, f64)]) -> (Vec<String>, Vec<String>) {
        let city = draw(BLOCKS);
        let planner = Planner::new(city.clone().into());
        let journey =
            planner.direct(&query(&city, question), &Snapshot::empty(), crate::drawing::NOW).unwrap();
        let plane = planner.graph(Profile::Car).plane;
        let line: Vec<[f64; 2]> = journey.legs[0].shape.iter().map(|&at| plane.to_metres(at)).collect();
        let mut places = Vec::new();
        let mut left_m = 10.0;
        for ends in line.windows(2) {
            let length_m = crate::graph::distance(ends[0], ends[1]);
            while left_m < length_m {
                places.push(crate::graph::between(ends[0], ends[1], left_m / length_m));
                left_m += every_m;
            }
            left_m -= length_m;
        }
        let fixes: Vec<Fix> = places
            .iter()
            .zip(off.iter().cycle())
            .map(|([x, y], (dx, dy))| Fix {
                at: plane.to_lonlat([x + dx, y + dy]),
                time_s: None,
                error_m: 8.0,
            })
            .collect();
        let tracks = planner.matched(Profile::Car, &fixes, true);
        assert_eq!(tracks.len(), 1, "{question}");
        let street = planner.graph(Profile::Car);
        let ids = |arcs: &mut dyn Iterator<Item = crate::graph::ArcIx>| {
            let mut ids: Vec<String> =
                arcs.map(|arc| planner.map().link(street.arc(arc).link()).id().to_string()).collect();
            ids.dedup();
            ids
        };
        let found = ids(&mut tracks[0].paths.iter().flat_map(|path| path.arcs.iter().copied()));
        let costs = Costs::without_traffic(street, None);
        let feet = |name: &str| planner.access(Profile::Car, place(&city, name).at, 10.0).unwrap().feet();
        let words: Vec<&str> = question.split(' ').collect();
        let path = quickest(&costs, &feet(words[0]), &feet(words[2]), &mut Scratch::default()).unwrap();
        let _: &Leg = &journey.legs[0];
        (found, ids(&mut path.arcs.iter().copied()))
    }

    #[test]
    fn the_way_is_found_again() {
        for question in ["A to I by car", "C to G by car", "G to F by car"] {
            let (found, driven) = matched_links(question, 50.0, &[(3.0, -4.0), (-5.0, 2.0), (0.0, 6.0)]);
            // The ends may lie on either side of a corner.
            let inner = |ids: &[String]| ids.iter().filter(|id| driven.contains(id)).count();
            assert_eq!(inner(&found), found.len(), "{question}: {found:?} instead of {driven:?}");
            assert!(found.len() + 1 >= driven.len(), "{question}: {found:?} instead of {driven:?}");
        }
    }

    #[test]
    fn what_is_far_from_all_streets_is_left_out_and_silence_splits() {
        let city = draw(BLOCKS);
        let planner = Planner::new(city.clone().into());
        let plane = planner.graph(Profile::Car).plane;
        let fix = |x: f64, y: f64, time_s: i64| Fix {
            at: plane.to_lonlat([x, y]),
            time_s: Some(time_s),
            error_m: 5.0,
        };
        let fixes = [
            fix(20.0, 1.0, 0),
            fix(100.0, 100.0, 5),
            fix(150.0, 2.0, 10),
            fix(10.0, 398.0, 300),
            fix(190.0, 401.0, 310),
        ];
        let tracks = planner.matched(Profile::Car, &fixes, true);
        let which: Vec<Vec<usize>> =
            tracks.iter().map(|track| track.fixes.iter().map(|(i, _)| *i).collect()).collect();
        assert_eq!(which, [vec![0, 2], vec![3, 4]]);
        assert!(tracks.iter().all(|track| track.confidence > 0.8));
        assert_eq!(planner.matched(Profile::Car, &fixes, false).len(), 1);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever the receiver says, what comes out are ways along the streets that join what lies on them.
        #[test]
        fn tracks_are_ways(places in prop::collection::vec((-100.0..500.0, -100.0..500.0), 0..12)) {
            let city = draw(BLOCKS);
            let planner = Planner::new(city.into());
            let plane = planner.graph(Profile::Walk).plane;
            let fixes: Vec<Fix> = places
                .iter()
                .map(|&(x, y)| Fix { at: plane.to_lonlat([x, y]), time_s: None, error_m: 10.0 })
                .collect();
            for track in planner.matched(Profile::Walk, &fixes, true) {
                prop_assert_eq!(track.paths.len() + 1, track.fixes.len());
                prop_assert!((0.0..=1.0).contains(&track.confidence));
                let street = planner.graph(Profile::Walk);
                for (path, ends) in track.paths.iter().zip(track.fixes.windows(2)) {
                    prop_assert_eq!(path.arcs[0], ends[0].1.arc);
                    prop_assert_eq!(*path.arcs.last().unwrap(), ends[1].1.arc);
                    for pair in path.arcs.windows(2) {
                        prop_assert!(street.graph.find_edge(pair[0], pair[1]).is_some());
                    }
                }
            }
        }
    }
}
