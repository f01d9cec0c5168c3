//! Roads from signal to signal, and how long stretches of them take: what levels of service are said of.
//!
//! One waits at the end of a stretch and drives along the rest of it. A level of service is of the whole (Transportation Research
//! Board, Highway Capacity Manual, 7th edition, 2022, chapter 18: a segment's travel speed against its base free-flow speed);
//! the last metres before a stop line alone would always look jammed.

use model::{
    city::City,
    ids::LinkIx,
    network::{Network, Turn},
};
use std::collections::{BTreeMap, BTreeSet};

/// A stretch's time is known while so much of what detectors look at is heard of, by the time that it takes to drive freely.
const KNOWN: f64 = 0.8;
/// A road without signals is cut where it becomes longer than this, m: jams are shorter.
const LONGEST_M: f64 = 2_000.0;

/// The links of a city in stretches: each is in one. A stretch ends at a signal, and where no road goes on.
pub(crate) fn stretches(network: &Network) -> Vec<Vec<LinkIx>> {
    let (next, before) = joints(network);
    let goes_on = |link: LinkIx| next[link.ix()].filter(|next| before[next.ix()] == Some(link));
    let mut taken = vec![false; network.links.len()];
    let mut stretches = Vec::new();
    let all = || (0..network.links.len()).map(LinkIx::from);
    let begins = |link: &LinkIx| before[link.ix()].and_then(goes_on) != Some(*link);
    // Rings without a signal begin anywhere.
    for first in all().filter(begins).chain(all()) {
        let mut stretch = Vec::new();
        let mut length_m = 0.0;
        let mut at = Some(first);
        while let Some(link) = at.filter(|link| !std::mem::replace(&mut taken[link.ix()], true)) {
            let more_m = network.link(link).length_m;
            if length_m + more_m > LONGEST_M && !stretch.is_empty() {
                stretches.push(std::mem::take(&mut stretch));
                length_m = 0.0;
            }
            stretch.push(link);
            length_m += more_m;
            at = goes_on(link);
        }
        if !stretch.is_empty() {
            stretches.push(stretch);
        }
    }
    stretches
}

/// By link: with which the road goes on, and which it continues: the only one, or the one straight on by most lanes. Nothing goes on
/// past a signal.
fn joints(network: &Network) -> (Vec<Option<LinkIx>>, Vec<Option<LinkIx>>) {
    let mut signalled = vec![false; network.links.len()];
    // By the two links: lanes from one to the other, straight on.
    let mut ways: BTreeMap<(LinkIx, LinkIx), usize> = BTreeMap::new();
    for movement in network.movements.iter().filter(|m| m.turn != Turn::UTurn) {
        let [from, to] = [movement.from, movement.to].map(|lane| network.lane(lane).link);
        signalled[from.ix()] |= movement.head.is_some();
        *ways.entry((from, to)).or_default() += usize::from(movement.turn == Turn::Straight);
    }
    let mut after: Vec<Vec<(usize, LinkIx)>> = vec![Vec::new(); network.links.len()];
    let mut into = after.clone();
    for ((from, to), straight) in ways {
        after[from.ix()].push((straight, to));
        into[to.ix()].push((straight, from));
    }
    let chosen = |ways: &Vec<(usize, LinkIx)>| match ways.as_slice() {
        [(_, only)] => Some(*only),
        // Of several with as many lanes the first: which is no matter, if it is always the same.
        several => {
            let straight = several.iter().filter(|(straight, _)| *straight > 0);
            straight
                .max_by_key(|(straight, link)| (*straight, std::cmp::Reverse(*link)))
                .map(|(_, link)| *link)
        }
    };
    let next = after.iter().zip(&signalled).map(|(ways, signalled)| chosen(ways).filter(|_| !signalled));
    (next.collect(), into.iter().map(chosen).collect())
}

/// The links at which detectors look.
#[derive(Debug)]
pub(crate) struct Watched(BTreeSet<LinkIx>);

impl Watched {
    pub(crate) fn of(city: &City) -> Watched {
        let lanes = city.junctions.iter().flat_map(|j| &j.detectors).filter_map(|d| d.lane);
        Watched(lanes.map(|lane| city.network.lane(lane).link).collect())
    }

    /// The time that a stretch takes: as detectors and vehicles tell of its links, and driven freely between, where nobody does and
    /// nothing makes one wait. What is not heard of is as slow as what is. `None` where too little is.
    pub(crate) fn time_s(
        &self,
        network: &Network,
        stretch: &[LinkIx],
        times: &BTreeMap<LinkIx, f64>,
    ) -> Option<f64> {
        let (mut watched, mut heard, mut measured, mut between, mut told) = (0.0, 0.0, 0.0, 0.0, false);
        for link in stretch {
            let freely = network.link(*link).free_travel_time_s();
            let time_s = times.get(link);
            told |= time_s.is_some();
            if !self.0.contains(link) {
                between += time_s.copied().unwrap_or(freely);
                continue;
            }
            watched += freely;
            if let Some(time_s) = time_s {
                heard += freely;
                measured += time_s;
            }
        }
        let of_watched = if heard > 0.0 { measured * watched / heard } else { 0.0 };
        (told && heard >= KNOWN * watched).then_some(between + of_watched)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_goes_from_signal_to_signal_past_side_streets() {
        // Two signals, and a side street between them that has none.
        let city = model::sketch::city("W---C---M---D---E\n    |   |   |\n    S   T   U", "CD");
        let network = &city.network;
        let ways: BTreeSet<Vec<String>> = stretches(network)
            .iter()
            .map(|stretch| stretch.iter().map(|l| network.link(*l).id.as_str().to_owned()).collect())
            .collect();
        let all: usize = ways.iter().map(Vec::len).sum();
        assert_eq!(all, network.links.len(), "each link is in one: {ways:?}");
        let through: Vec<_> = ways.iter().filter(|way| way.len() == 2).collect();
        assert_eq!(through.len(), 2, "C to D past M, and back: {ways:?}");
    }

    #[test]
    fn a_stretch_is_known_by_what_is_heard_of_it() {
        let city = model::sketch::city("W---C---E\n    |\n    S", "C");
        let network = &city.network;
        let stretch: Vec<LinkIx> = (0..2).map(LinkIx::from).collect();
        let free: Vec<f64> = stretch.iter().map(|l| network.link(*l).free_travel_time_s()).collect();
        let watched = Watched([stretch[0]].into());
        let none = BTreeMap::new();
        assert_eq!(watched.time_s(network, &stretch, &none), None, "nobody says anything");
        let slow = BTreeMap::from([(stretch[0], free[0] * 3.0)]);
        let time_s = watched.time_s(network, &stretch, &slow).unwrap();
        assert!((time_s - (3.0 * free[0] + free[1])).abs() < 1e-9, "{time_s}");
        // A vehicle on the other link alone does not say how long one waits at the watched one.
        let other = BTreeMap::from([(stretch[1], free[1] * 2.0)]);
        assert_eq!(watched.time_s(network, &stretch, &other), None);
        let unwatched = Watched(BTreeSet::new());
        let time_s = unwatched.time_s(network, &stretch, &other).unwrap();
        assert!(
            (time_s - (free[0] + 2.0 * free[1])).abs() < 1e-9,
            "a bus tells where no detector looks: {time_s}"
        );
    }
}
