//! From the core's publications to the broker, or to the spool while there is none.

use crate::{
    agent::Publication,
    spool::{Record, Spool},
};
use bytes::Bytes;
use model::time::Moment;
use std::collections::BTreeSet;
use wire::{
    codec,
    link::{Outgoing, Publisher},
    message::{Entry, Replay, Status},
    result::CommandResult,
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
    publisher: Publisher,
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
    /// Over a link that several cabinets may share.
    pub fn new(node: Node, publisher: Publisher, spool: Spool, replay_per_s: u32, now: Moment) -> Uplink {
        Uplink {
            node,
            publisher,
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
    }

    /// Sends, or keeps for later what is worth keeping.
    pub fn publish(&mut self, publication: Publication) {
        let node = &self.node;
        let status = |code| node.topic(&Kind::Status(code));
        let message = match publication {
            Publication::Groups(entry) => Outgoing::live(status(StatusCode::Groups), one(entry)),
            Publication::Events(entry) if self.up => Outgoing::kept(status(StatusCode::Events), one(entry)),
            Publication::Counts(entry) if self.up => Outgoing::kept(status(StatusCode::Counts), one(entry)),
            Publication::Events(entry) => return self.spool.push(&Record::Events(entry)),
            Publication::Counts(mut entry) => {
                // Where a vehicle was helps nobody by the time of a replay, and would fill the spool many times
                // faster than the counts do.
                entry.values.channels.iter_mut().for_each(|channel| channel.sightings_last.clear());
                return self.spool.push(&Record::Counts(entry));
            }
            Publication::Alarms { code, alarms } => {
                let topic = node.topic(&Kind::Alarm(code.to_owned()));
                let bytes = codec::encode(&alarms);
                match (alarms.full, self.up) {
                    (true, false) => return,
                    (true, true) => Outgoing::retained(topic, bytes),
                    (false, _) => Outgoing::kept(topic, bytes),
                }
            }
            // What is retained is said anew on every connection.
            _ if !self.up => return,
            Publication::Mode(entry) => Outgoing::retained(status(StatusCode::Mode), one(entry)),
            Publication::Config(entry) => Outgoing::retained(status(StatusCode::Config), one(*entry)),
            Publication::Presence(presence) => {
                Outgoing::retained(node.topic(&Kind::Presence), codec::encode(&presence))
            }
        };
        self.publisher.publish(message);
    }

    /// Answers a command.
    pub fn answer(&self, topic: String, correlation: Option<Bytes>, result: &CommandResult) {
        self.publisher.publish(Outgoing::result(topic, codec::encode(result), correlation));
    }

    /// Sends the next part of what was kept, at its own pace.
    pub fn replay(&mut self, now: Moment) {
        let rate = f64::from(self.replay_per_s);
        let earned = now.since(self.counted_at).as_secs_f64() * rate;
        self.counted_at = now;
        if self.replaying.is_empty() {
            self.allowance = 0.0;
            return;
        }
        // At most a second's worth at once, however long the last poll took.
        self.allowance = (self.allowance + earned).min(rate);
        let (mut events, mut counts) = (Vec::new(), Vec::new());
        while self.allowance >= 1.0 && events.len() + counts.len() < REPLAY_BATCH {
            match self.spool.pop() {
                Some(Record::Events(entry)) => events.push(entry),
                Some(Record::Counts(entry)) => counts.push(entry),
                None => break,
            }
            self.allowance -= 1.0;
        }
        let done = self.spool.is_empty();
        self.send_replay(StatusCode::Events, events, done);
        self.send_replay(StatusCode::Counts, counts, done);
        if done {
            self.replaying.clear();
        }
    }

    fn send_replay<V: serde::Serialize>(&mut self, code: StatusCode, entries: Vec<Entry<V>>, done: bool) {
        if entries.is_empty() && !done {
            return;
        }
        let next_ts = match self.spool.peek() {
            Some(Record::Events(entry)) if code == StatusCode::Events => Some(entry.ts),
            Some(Record::Counts(entry)) if code == StatusCode::Counts => Some(entry.ts),
            _ => None,
        };
        let message = codec::encode(&Replay { entries, next_ts, done });
        self.publisher.publish(Outgoing::kept(self.node.topic(&Kind::Replay(code)), message));
    }

    /// What waits, and what was lost.
    pub fn spool(&self) -> &Spool {
        &self.spool
    }

    /// The link itself.
    pub fn publisher(&self) -> &Publisher {
        &self.publisher
    }
}

fn one<V: serde::Serialize>(entry: Entry<V>) -> Vec<u8> {
    codec::encode(&Status { entries: vec![entry] })
}
