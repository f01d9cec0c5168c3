//! Which entries of which cabinet the store has, and what the cabinets are told of it.
//!
//! A cabinet keeps every entry until it hears that it is stored. Entries come more than once: over QoS 1, after a broken
//! link, after a restart at either end. The [`Ledger`] lets each into the store once, and says once more what the
//! store has had for long. It is kept in memory: after a crash of the centre, entries that the store took in its last
//! seconds, and of which no cabinet has heard, come again. Events know themselves by their content; counts of such a
//! window then have a second row, flagged as replayed.

use model::ids::JunctionIx;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;
use wire::{message::Run, topic::StatusCode};

/// Each cabinet hears this often what is stored, s: 40,000 cabinets make 8,000 messages a second of it.
pub const PERIOD_S: u32 = 10;
/// Runs remembered of one channel. A run breaks only where an outage or a restart was, and is whole again once the gap has
/// been replayed.
const MOST_RUNS: usize = 32;

/// One entry of a channel, as its cabinet knows it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Receipt {
    /// Whose.
    pub junction: JunctionIx,
    /// Of which channel.
    pub code: StatusCode,
    /// The start of the agent in which it was made.
    pub boot_id: Uuid,
    /// Its number.
    pub seq: u64,
}

type Channel = (JunctionIx, StatusCode);

impl Receipt {
    fn channel(&self) -> Channel {
        (self.junction, self.code)
    }
}

/// The books.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// On the way to the store.
    waiting: BTreeSet<Receipt>,
    /// In the store.
    stored: BTreeMap<Channel, Vec<Run>>,
    /// To be told.
    news: BTreeMap<Channel, Vec<Run>>,
}

impl Ledger {
    /// Whether the entry is new, and now on its way to the store.
    pub fn takes(&mut self, receipt: Receipt) -> bool {
        let Receipt { boot_id, seq, .. } = receipt;
        let stored = self.stored.get(&receipt.channel());
        if stored.is_some_and(|runs| runs.iter().any(|run| run.has(boot_id, seq))) {
            // Its cabinet has not heard of it.
            add(self.news.entry(receipt.channel()).or_default(), boot_id, seq);
            return false;
        }
        self.waiting.insert(receipt)
    }

    /// The store has it.
    pub fn stored(&mut self, receipt: Receipt) {
        self.waiting.remove(&receipt);
        let Receipt { boot_id, seq, .. } = receipt;
        let runs = self.stored.entry(receipt.channel()).or_default();
        add(runs, boot_id, seq);
        if runs.len() > MOST_RUNS {
            runs.remove(0);
        }
        add(self.news.entry(receipt.channel()).or_default(), boot_id, seq);
    }

    /// It was lost on the way; its cabinet still has it, and sends it again.
    pub fn lost(&mut self, receipt: Receipt) {
        self.waiting.remove(&receipt);
    }

    /// What the cabinets whose turn it is in this second are to be told.
    pub fn news(&mut self, second: i64) -> Vec<(JunctionIx, StatusCode, Vec<Run>)> {
        let turn = second.rem_euclid(i64::from(PERIOD_S));
        let due = |channel: &Channel, _: &mut Vec<Run>| i64::from(channel.0.0 % PERIOD_S) == turn;
        self.news.extract_if(.., due).map(|((junction, code), runs)| (junction, code, runs)).collect()
    }

    /// All that is still to be told.
    pub fn last_news(&mut self) -> Vec<(JunctionIx, StatusCode, Vec<Run>)> {
        std::mem::take(&mut self.news)
            .into_iter()
            .map(|((junction, code), runs)| (junction, code, runs))
            .collect()
    }
}

/// Adds an entry to the run that it belongs to, and joins two runs if it stood between them.
fn add(runs: &mut Vec<Run>, boot_id: Uuid, seq: u64) {
    let at = runs.iter().position(|run| run.ends_before(boot_id, seq)).unwrap_or_else(|| {
        runs.push(Run::of(boot_id, seq));
        runs.len() - 1
    });
    runs[at].last = seq;
    let whole = runs[at];
    if let Some(next) = runs.iter().position(|run| whole.ends_before(run.boot_id, run.first)) {
        runs[at].last = runs[next].last;
        runs.remove(next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(junction: u32, seq: u64) -> Receipt {
        Receipt { junction: JunctionIx(junction), code: StatusCode::Events, boot_id: Uuid::nil(), seq }
    }

    fn told(ledger: &mut Ledger, second: i64) -> Vec<(u32, u64, u64)> {
        let news = ledger.news(second).into_iter();
        news.flat_map(|(j, _, runs)| runs.into_iter().map(move |r| (j.0, r.first, r.last))).collect()
    }

    #[test]
    fn each_entry_is_taken_once_and_told_when_it_is_stored() {
        let mut ledger = Ledger::default();
        for seq in 0..4 {
            assert!(ledger.takes(entry(3, seq)));
        }
        assert!(!ledger.takes(entry(3, 1)), "it waits");
        assert!(ledger.takes(entry(4, 1)), "another cabinet's is another");
        assert_eq!(told(&mut ledger, 3), [], "nothing is stored yet");
        (0..3).for_each(|seq| ledger.stored(entry(3, seq)));
        assert_eq!(told(&mut ledger, 2), [], "its turn comes in the third second of ten");
        assert_eq!(told(&mut ledger, 13), [(3, 0, 2)]);
        assert_eq!(told(&mut ledger, 23), [], "once");
        // It did not hear us, and sends one again: it is not stored twice, and is told once more.
        assert!(!ledger.takes(entry(3, 1)));
        assert_eq!(told(&mut ledger, 33), [(3, 1, 1)]);
        // Another start of the agent counts anew.
        let other = Receipt { boot_id: Uuid::max(), ..entry(3, 1) };
        assert!(ledger.takes(other));
        ledger.stored(other);
        assert_eq!(told(&mut ledger, 33), [(3, 1, 1)]);
        // What is lost on the way may come again.
        ledger.lost(entry(3, 3));
        assert!(ledger.takes(entry(3, 3)));
    }

    #[test]
    fn a_gap_that_is_filled_joins_its_runs() {
        let mut ledger = Ledger::default();
        // Live goes on while a replay fills what an outage left out.
        for seq in [0, 1, 10, 2, 11, 3, 12, 4, 5, 6, 7, 8, 9, 13] {
            assert!(ledger.takes(entry(0, seq)));
            ledger.stored(entry(0, seq));
        }
        assert_eq!(told(&mut ledger, 0), [(0, 0, 13)]);
        assert_eq!(ledger.stored[&(JunctionIx(0), StatusCode::Events)].len(), 1);
    }
}
