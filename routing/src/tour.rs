//! In which order to visit places: the shortest round, or the shortest way from the first to the last.
//!
//! Up to [`EXACT`] places exactly (Held, Karp: A Dynamic Programming Approach to Sequencing Problems, 1962); more of them by inserting the one that is
//! farthest from the tour where it costs least, then moving pieces of it while that helps (Or-opt: Or 1976), as ways differ by direction.

/// So many places are ordered exactly.
const EXACT: usize = 11;
/// Pieces that are moved together.
const LONGEST_PIECE: usize = 3;
/// A way that is not there, ms.
const NONE: u64 = 1 << 40;

/// What kind of tour.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kind {
    /// Whether it comes back to where it began.
    pub round: bool,
    /// Whether it begins at the first place.
    pub from_first: bool,
    /// Whether it ends at the last place (or, if it is a round, passes it last).
    pub to_last: bool,
}

/// The order in which all places are visited soonest, by the ms from each to each; `None` if there is no such way.
pub fn tour(ms: &[Vec<Option<u32>>], kind: Kind) -> Option<Vec<usize>> {
    let times = Times { ms, kind };
    let order = match ms.len() {
        0 => return None,
        1 => vec![0],
        n if n <= EXACT => times.exact(),
        _ => times.improved(times.inserted()),
    };
    (times.length(&order) < NONE).then_some(order)
}

struct Times<'a> {
    ms: &'a [Vec<Option<u32>>],
    kind: Kind,
}

impl Times<'_> {
    fn of(&self, from: usize, to: usize) -> u64 {
        self.ms[from][to].map_or(NONE, u64::from)
    }

    fn begins(&self, place: usize) -> bool {
        !self.kind.from_first || place == 0
    }

    fn ends(&self, place: usize) -> bool {
        !self.kind.to_last || place + 1 == self.ms.len()
    }

    /// What an order takes; at least [`NONE`] if it is not allowed.
    fn length(&self, order: &[usize]) -> u64 {
        let (first, last) = (order[0], order[order.len() - 1]);
        let allowed = if self.begins(first) && (self.ends(last) || order.len() == 1) { 0 } else { NONE };
        let back = if self.kind.round && order.len() > 1 { self.of(last, first) } else { 0 };
        order.windows(2).map(|pair| self.of(pair[0], pair[1])).sum::<u64>() + back + allowed
    }

    fn exact(&self) -> Vec<usize> {
        let n = self.ms.len();
        let mut best: Option<(u64, Vec<usize>)> = None;
        // A round is the same from wherever it begins, so that any place of it may be the last.
        let free = self.kind.round && !self.kind.from_first;
        let starts = if self.kind.round || self.kind.from_first { 0..1 } else { 0..n };
        for start in starts {
            // By the set of visited places and the last of them.
            let mut least = vec![NONE; n << n];
            let mut before = vec![usize::MAX; n << n];
            least[(1 << start) * n + start] = 0;
            for set in 0..1_usize << n {
                for last in (0..n).filter(|last| set >> last & 1 == 1) {
                    let known = least[set * n + last];
                    if known >= NONE {
                        continue;
                    }
                    for next in (0..n).filter(|next| set >> next & 1 == 0) {
                        let there = (set | 1 << next) * n + next;
                        let sum = known + self.of(last, next);
                        if sum < least[there] {
                            (least[there], before[there]) = (sum, last);
                        }
                    }
                }
            }
            let all = (1_usize << n) - 1;
            for last in (0..n).filter(|&last| last != start && (free || self.ends(last))) {
                let back = if self.kind.round { self.of(last, start) } else { 0 };
                let sum = least[all * n + last].saturating_add(back);
                if sum < NONE && best.as_ref().is_none_or(|(known, _)| sum < *known) {
                    let (mut order, mut set, mut at) = (vec![last], all, last);
                    while at != start {
                        (set, at) = (set & !(1 << at), before[set * n + at]);
                        order.push(at);
                    }
                    order.reverse();
                    if free && self.kind.to_last {
                        let at = order.iter().position(|&place| place + 1 == n).unwrap_or(0);
                        order.rotate_left((at + 1) % n);
                    }
                    best = Some((sum, order));
                }
            }
        }
        best.map_or_else(|| (0..n).collect(), |(_, order)| order)
    }

    /// Farthest insertion: between the first and the last place, where one of them is fixed.
    fn inserted(&self) -> Vec<usize> {
        let n = self.ms.len();
        let mut order = vec![0];
        if self.kind.to_last {
            order.push(n - 1);
        }
        let mut left: Vec<usize> = (1..n).filter(|place| !order.contains(place)).collect();
        while !left.is_empty() {
            let away = |place: usize| order.iter().map(|&known| self.of(known, place)).min().unwrap_or(0);
            let farthest = (0..left.len()).max_by_key(|&i| (away(left[i]), std::cmp::Reverse(left[i])));
            let place = left.swap_remove(farthest.unwrap_or(0));
            let with = |at: usize| {
                let mut order = order.clone();
                order.insert(at, place);
                (self.length(&order), at)
            };
            let (_, at) = (0..=order.len()).map(with).min().unwrap_or((0, 0));
            order.insert(at, place);
        }
        order
    }

    /// Moves pieces elsewhere, as they are or turned round, as long as that helps.
    fn improved(&self, mut order: Vec<usize>) -> Vec<usize> {
        let mut length = self.length(&order);
        let n = order.len();
        loop {
            let before = length;
            for size in 1..=LONGEST_PIECE {
                for begin in 0..=n - size {
                    let mut rest = order.clone();
                    let piece: Vec<usize> = rest.drain(begin..begin + size).collect();
                    for at in 0..=rest.len() {
                        for turned in [false, true] {
                            let mut other = rest.clone();
                            let piece = piece.iter().copied();
                            match turned {
                                true => drop(other.splice(at..at, piece.rev())),
                                false => drop(other.splice(at..at, piece)),
                            }
                            let sum = self.length(&other);
                            if sum < length {
                                (length, order) = (sum, other);
                            }
                        }
                    }
                }
            }
            if length == before {
                return order;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn orders(n: usize) -> Vec<Vec<usize>> {
        match n {
            0 => vec![Vec::new()],
            _ => orders(n - 1)
                .into_iter()
                .flat_map(|order| {
                    (0..n).map(move |at| {
                        let mut order = order.clone();
                        order.insert(at, n - 1);
                        order
                    })
                })
                .collect(),
        }
    }

    fn kinds() -> impl Strategy<Value = Kind> {
        any::<[bool; 3]>().prop_map(|[round, from_first, to_last]| Kind { round, from_first, to_last })
    }

    proptest! {
        /// Few places are ordered as no order of all is shorter.
        #[test]
        fn few_places_are_ordered_exactly(
            n in 1..7_usize,
            all in prop::collection::vec(prop::option::weighted(0.9, 1..1000_u32), 49),
            kind in kinds(),
        ) {
            let ms: Vec<Vec<Option<u32>>> = (0..n).map(|i| all[i * 7..i * 7 + n].to_vec()).collect();
            let times = Times { ms: &ms, kind };
            let least = orders(n).iter().map(|order| times.length(order)).min().unwrap();
            let found = tour(&ms, kind);
            prop_assert_eq!(found.map_or(NONE, |order| times.length(&order)), least.min(NONE));
        }

        /// Many are all visited, and their order is no worse than the one in which they came.
        #[test]
        fn many_places_are_ordered_well(
            n in EXACT + 1..20,
            all in prop::collection::vec(1..1000_u32, 400),
            kind in kinds(),
        ) {
            let ms: Vec<Vec<Option<u32>>> =
                (0..n).map(|i| all[i * 20..i * 20 + n].iter().map(|ms| Some(*ms)).collect()).collect();
            let times = Times { ms: &ms, kind };
            let order = tour(&ms, kind).unwrap();
            let mut sorted = order.clone();
            sorted.sort_unstable();
            let as_given: Vec<usize> = (0..n).collect();
            prop_assert_eq!(&sorted, &as_given);
            prop_assert!(times.length(&order) <= times.length(&as_given));
        }
    }
}
