//! The audit's chain: each line carries a hash of itself and of the line before, so that a line that was
//! changed, taken out or slipped in later shows.

use super::AuditRow;
use model::time::Moment;
use sha2::{Digest, Sha256};

/// SHA-256.
pub type Hash = [u8; 32];

/// What the first line follows.
pub const GENESIS: Hash = [0; 32];

/// A line as it stands in the store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuditEntry {
    /// Counts this instance's lines, from 1.
    pub number: u64,
    /// When.
    pub at: Moment,
    /// Who did what, why, and what came of it.
    pub entry: String,
    /// See [`hash`].
    pub hash: Hash,
}

/// SHA-256 over the hash of the line before, this line's number and time (8 bytes each, big endian), and its text.
pub fn hash(before: &Hash, number: u64, row: &AuditRow) -> Hash {
    let mut sha = Sha256::new();
    sha.update(before);
    sha.update(number.to_be_bytes());
    sha.update(row.at.0.to_be_bytes());
    sha.update(row.entry.as_bytes());
    sha.finalize().into()
}

/// Numbers and hashes lines so that they follow on `(number, hash)` of the last one.
pub fn chain(last: (u64, Hash), rows: &[AuditRow]) -> Vec<AuditEntry> {
    let (mut number, mut before) = last;
    let entries = rows.iter().map(|row| {
        number += 1;
        before = hash(&before, number, row);
        AuditEntry { number, at: row.at, entry: row.entry.clone(), hash: before }
    });
    entries.collect()
}

/// Follows a chain from its first line on, in as many steps as one likes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chain {
    number: u64,
    hash: Hash,
}

impl Default for Chain {
    fn default() -> Self {
        Chain { number: 0, hash: GENESIS }
    }
}

impl Chain {
    /// Takes the lines that come next. The number of the first that does not follow on the one before, if there is one.
    pub fn follow(&mut self, entries: &[AuditEntry]) -> Option<u64> {
        for e in entries {
            let row = AuditRow { at: e.at, entry: e.entry.clone() };
            if e.number != self.number + 1 || e.hash != hash(&self.hash, e.number, &row) {
                return Some(self.number + 1);
            }
            *self = Chain { number: e.number, hash: e.hash };
        }
        None
    }

    /// How many lines were followed.
    pub fn followed(&self) -> u64 {
        self.number
    }

    /// The hash of the last of them: whoever keeps it elsewhere can tell later whether the end was cut off.
    pub fn hash(&self) -> Hash {
        self.hash
    }
}

/// The number of the first line that does not follow on the one before, if there is one. `entries` begins
/// at number 1.
pub fn first_broken(entries: &[AuditEntry]) -> Option<u64> {
    Chain::default().follow(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_lost_or_swapped_line_shows() {
        let rows = ["a", "b", "c", "d"].map(|t| AuditRow { at: Moment(7), entry: t.to_string() });
        let sound = chain((0, GENESIS), &rows);
        assert_eq!(first_broken(&sound), None);
        assert_eq!(chain((2, sound[1].hash), &rows[2..]), sound[2..]);

        let check = |spoil: fn(&mut Vec<AuditEntry>), broken: u64| {
            let mut entries = sound.clone();
            spoil(&mut entries);
            assert_eq!(first_broken(&entries), Some(broken));
        };
        check(|e| e[1].entry = "B".into(), 2);
        check(|e| e[2].at = Moment(8), 3);
        check(|e| drop(e.remove(0)), 1);
        check(|e| e.swap(1, 2), 2);
        check(|e| e[3].hash = GENESIS, 4);

        // In steps as at once; a tail that was cut off shows by the hash that somebody kept.
        let mut chain = Chain::default();
        assert_eq!((chain.follow(&sound[..3]), chain.followed()), (None, 3));
        assert_eq!(chain.follow(&sound[3..]), None);
        assert_eq!(chain.hash(), sound[3].hash);
    }
}
