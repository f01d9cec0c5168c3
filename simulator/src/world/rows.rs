//! Who stands where: by way, from the last to the first.

use std::ops::{Index, Range};

/// Ways whose marks lie in one word.
const WORD: usize = u64::BITS as usize;

/// Vehicles by way, ascending by position. Most ways of a city are empty at any moment, so those that are not are marked, and a
/// step looks at no others.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    rows: Vec<Vec<u32>>,
    /// A bit for each way on which there is somebody.
    taken: Vec<u64>,
}

impl Rows {
    pub(crate) fn new(ways: usize) -> Rows {
        Rows { rows: vec![Vec::new(); ways], taken: vec![0; ways.div_ceil(WORD)] }
    }

    /// How many ways there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// All ways, also those on which there is nobody.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u32]> {
        self.rows.iter().map(Vec::as_slice)
    }

    /// Those of the ways on which there is somebody, in order.
    pub(crate) fn taken(&self, ways: Range<usize>) -> impl Iterator<Item = usize> + '_ {
        let words = ways.start / WORD..ways.end.div_ceil(WORD).min(self.taken.len());
        words.flat_map(move |word| {
            let from = ways.start.saturating_sub(word * WORD);
            let beyond = ((word + 1) * WORD).saturating_sub(ways.end);
            let mut bits = self.taken[word] & (u64::MAX << from) & (u64::MAX >> beyond);
            std::iter::from_fn(move || {
                let bit = bits.trailing_zeros() as usize;
                bits &= bits.wrapping_sub(1);
                (bit < WORD).then_some(word * WORD + bit)
            })
        })
    }

    /// Puts somebody at a place of a row.
    pub(crate) fn insert(&mut self, way: usize, place: usize, vehicle: u32) {
        self.rows[way].insert(place, vehicle);
        self.taken[way / WORD] |= 1 << (way % WORD);
    }

    /// Takes away who is at a place of a row.
    pub(crate) fn remove(&mut self, way: usize, place: usize) {
        self.rows[way].remove(place);
        self.look_again(way);
    }

    /// Takes away the first of a row: the farthest on.
    pub(crate) fn pop(&mut self, way: usize) {
        self.rows[way].pop();
        self.look_again(way);
    }

    /// Takes somebody out of a row, wherever in it.
    pub(crate) fn take_out(&mut self, way: usize, vehicle: u32) {
        self.rows[way].retain(|other| *other != vehicle);
        self.look_again(way);
    }

    /// Puts somebody in the place of somebody else.
    pub(crate) fn replace(&mut self, way: usize, place: usize, vehicle: u32) {
        self.rows[way][place] = vehicle;
    }

    fn look_again(&mut self, way: usize) {
        if self.rows[way].is_empty() {
            self.taken[way / WORD] &= !(1 << (way % WORD));
        }
    }
}

impl Index<usize> for Rows {
    type Output = [u32];

    fn index(&self, way: usize) -> &[u32] {
        &self.rows[way]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ways_with_somebody_are_those_that_are_not_empty(
            deeds in prop::collection::vec((0..200usize, 0..5u32, 0..4u8), 0..300),
            (from, until) in (0..200usize, 0..=200usize),
        ) {
            let mut rows = Rows::new(200);
            for (way, vehicle, deed) in deeds {
                match deed {
                    0 | 1 => rows.insert(way, 0, vehicle),
                    2 => rows.take_out(way, vehicle),
                    _ if !rows[way].is_empty() => rows.pop(way),
                    _ => {}
                }
            }
            let expected: Vec<usize> = (from..until).filter(|way| !rows[*way].is_empty()).collect();
            prop_assert_eq!(rows.taken(from..until).collect::<Vec<_>>(), expected);
        }
    }
}
