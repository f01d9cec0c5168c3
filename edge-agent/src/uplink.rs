//! From the core's publications to messages, and to the spool what must not be lost. Pure: whoever holds it sends what
//! it returns.

use crate::{
    agent::Publication,
    spool::{Record, Spool},
};
use model::time::Moment;
use std::collections::BTreeSet;
use wire::{
    codec,
    link::Outgoing,
    message::{Entry, Replay, Status, Stored},
    topic::{Kind, Node, StatusCode},
};

/// Entries in one replay message: half a minute of one channel, some 10 KB.
const REPLAY_BATCH: usize = 30;
/// Channels that are kept through an outage.
const KEPT: [StatusCode; 2] = [StatusCode::Events, StatusCode::Counts];

/// One cabinet's way up.
#[derive(Debug)]
pub struct Uplink {
    node: Node,
    spool: Spool,
    up: bool,
    /// Entries replayed per second of the city's time, behind live data.
    replay_per_s: u32,
    allowance: f64,
    counted_at: Moment,
    /// Channels whose replay has not been called done since the link came up.
    replaying: BTreeSet<StatusCode>,
}

impl Uplink {
    /// No link yet.
    pub fn new(node: Node, spool: Spool, replay_per_s: u32, now: Moment) -> Uplink {
        Uplink {
            node,
            spool,
            up: false,
            replay_per_s,
            allowance: 0.0,
            counted_at: now,
            replaying: BTreeSet::new(),
        }
    }

    /// The link came up or went down.
    pub fn link(&mut self, up: bool) {
        self.up = up;
        self.replaying = if up { KEPT.into() } else { BTreeSet::new() };
        if !up {
            self.spool.link_lost();
        }
    }

    /// The message that says it, if it can be said now; what is worth keeping is kept first.
    pub fn publish(&mut self, now: Moment, publication: Publication) -> Option<Outgoing> {
        let status = |code| self.node.topic(&Kind::Status(code));
        let sent = self.up.then_some(now);
        let message = match publication {
            Publication::Groups(entry) => Outgoing::live(status(StatusCode::Groups), one(entry)),
            Publication::Events(entry, log) => {
                self.spool.push(Record::Events(entry.clone()), sent);
                // After them: whoever dies in between reads them again, and tells them twice.
                self.spool.read_of_log(log);
                Outgoing::kept(status(StatusCode::Events), one(entry))
            }
            Publication::Counts(entry) => {
                // Where a vehicle was helps nobody by the time of a replay, and would fill the spool many times
                // faster than the counts do.
                let mut kept = entry.clone();
                kept.values.channels.iter_mut().for_each(|channel| channel.sightings_last.clear());
                self.spool.push(Record::Counts(kept), sent);
                Outgoing::kept(status(StatusCode::Counts), one(entry))
            }
            Publication::Alarms { code, alarms } => {
                let topic = self.node.topic(&Kind::Alarm(code.to_owned()));
                let bytes = codec::encode(&alarms);
                match (alarms.full, self.up) {
                    (true, false) => return None,
                    (true, true) => Outgoing::retained(topic, bytes),
                    // The link keeps it until there is a broker.
                    (false, _) => return Some(Outgoing::kept(topic, bytes)),
                }
            }
            // What is retained is said anew on every connection.
            Publication::Mode(entry) => Outgoing::retained(status(StatusCode::Mode), one(entry)),
            Publication::Config(entry) => Outgoing::retained(status(StatusCode::Config), one(*entry)),
            Publication::Presence(presence) => {
                Outgoing::retained(self.node.topic(&Kind::Presence), codec::encode(&presence))
            }
        };
        self.up.then_some(message)
    }

    /// A centre's store has these.
    pub fn stored(&mut self, now: Moment, code: StatusCode, stored: &Stored) {
        self.spool.stored(now, code, &stored.runs);
    }

    /// The next part of what waits in the spool, at its own pace.
    pub fn replay(&mut self, now: Moment) -> Vec<Outgoing> {
        let rate = f64::from(self.replay_per_s);
        let earned = now.since(self.counted_at).as_secs_f64() * rate;
        self.counted_at = now;
        if self.up && !self.spool.is_empty() {
            self.replaying = KEPT.into();
        }
        if self.replaying.is_empty() {
            self.allowance = 0.0;
            return Vec::new();
        }
        // At most a second's worth at once, however long the last poll took.
        self.allowance = (self.allowance + earned).min(rate);
        let (mut events, mut counts) = (Vec::new(), Vec::new());
        while self.allowance >= 1.0 && events.len() + counts.len() < REPLAY_BATCH && self.spool.has_room() {
            match self.spool.take(now) {
                Some(Record::Events(entry)) => events.push(entry),
                Some(Record::Counts(entry)) => counts.push(entry),
                None => break,
            }
            self.allowance -= 1.0;
        }
        let done = self.spool.is_empty();
        if done {
            self.replaying.clear();
        }
        let parts =
            [self.part(StatusCode::Events, events, done), self.part(StatusCode::Counts, counts, done)];
        parts.into_iter().flatten().collect()
    }

    fn part<V: serde::Serialize>(
        &mut self,
        code: StatusCode,
        entries: Vec<Entry<V>>,
        done: bool,
    ) -> Option<Outgoing> {
        if entries.is_empty() && !done {
            return None;
        }
        let next_ts = self.spool.peek().filter(|record| record.code() == code).map(Record::ts);
        let message = codec::encode(&Replay { entries, next_ts, done });
        Some(Outgoing::kept(self.node.topic(&Kind::Replay(code)), message))
    }

    /// What waits, and what was lost.
    pub fn spool(&self) -> &Spool {
        &self.spool
    }

    /// All that no centre has named: what is left when an agent is gone.
    pub fn into_spool(self) -> Spool {
        let mut spool = self.spool;
        spool.link_lost();
        spool
    }
}

fn one<V: serde::Serialize>(entry: Entry<V>) -> Vec<u8> {
    codec::encode(&Status { entries: vec![entry] })
}
