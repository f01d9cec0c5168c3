//! From the core's publications to messages, and to the spool what must not be lost. Pure: whoever holds it sends what
//! it returns.

use crate::{
    agent::Publication,
    spool::{Place, Record, Spool},
};
use model::time::Moment;
use std::{
    collections::{BTreeSet, VecDeque},
    ops::Range,
};
use wire::{
    codec,
    link::Outgoing,
    message::{Entry, Fetch, Stored},
    topic::{Kind, Node, StatusCode},
};

/// Entries in one replay message: half a minute of one channel, some 10 KB.
const REPLAY_BATCH: usize = 30;
/// Questions about the past that wait at once.
const MOST_FETCHES: usize = 8;
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
    /// What a centre asks of the past, in the order of its questions.
    fetches: VecDeque<Fetching>,
}

/// A question about the past, and how far its answer has come.
#[derive(Debug)]
struct Fetching {
    code: StatusCode,
    time: Range<Moment>,
    at: Place,
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
            fetches: VecDeque::new(),
        }
    }

    /// The link came up or went down.
    pub fn link(&mut self, up: bool) {
        self.up = up;
        self.replaying = if up { KEPT.into() } else { BTreeSet::new() };
        if !up {
            self.spool.link_lost();
            // Whoever asked asks again.
            self.fetches.clear();
        }
    }

    /// The message that says it, if it can be said now; what is worth keeping is kept first.
    pub fn publish(&mut self, now: Moment, publication: Publication) -> Option<Outgoing> {
        let status = |code| self.node.topic(&Kind::Status(code));
        let sent = self.up.then_some(now);
        let message = match publication {
            Publication::Groups(entry) => Outgoing::live(status(StatusCode::Groups), one(&entry)),
            Publication::Events(entry, log) => {
                let record = Record::of(StatusCode::Events, &entry);
                self.spool.push(&record, sent);
                // After them: whoever dies in between reads them again, and tells them twice.
                self.spool.read_of_log(log);
                Outgoing::kept(status(StatusCode::Events), codec::status_of(record.cbor()))
            }
            Publication::Counts(mut entry) => {
                let with_sightings = entry.values.channels.iter().any(|c| !c.sightings_last.is_empty());
                let live = with_sightings.then(|| one(&entry));
                // Where a vehicle was helps nobody by the time of a replay, and would fill the spool many times
                // faster than the counts do.
                entry.values.channels.iter_mut().for_each(|channel| channel.sightings_last.clear());
                let record = Record::of(StatusCode::Counts, &entry);
                self.spool.push(&record, sent);
                let live = live.unwrap_or_else(|| codec::status_of(record.cbor()));
                Outgoing::kept(status(StatusCode::Counts), live)
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
            Publication::Mode(entry) => Outgoing::retained(status(StatusCode::Mode), one(&entry)),
            Publication::Config(entry) => Outgoing::retained(status(StatusCode::Config), one(&*entry)),
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

    /// A centre asks what was between two moments. False if too many questions wait already.
    pub fn fetch(&mut self, code: StatusCode, fetch: &Fetch) -> bool {
        let room = self.fetches.len() < MOST_FETCHES;
        if room {
            self.fetches.push_back(Fetching { code, time: fetch.from..fetch.to, at: (0, 0) });
        }
        room
    }

    /// The next part of what waits in the spool, at its own pace; when nothing waits, of what was asked for.
    pub fn replay(&mut self, now: Moment) -> Vec<Outgoing> {
        let rate = f64::from(self.replay_per_s);
        let earned = now.since(self.counted_at).as_secs_f64() * rate;
        self.counted_at = now;
        if self.up && !self.spool.is_empty() {
            self.replaying = KEPT.into();
        }
        if self.replaying.is_empty() && self.fetches.is_empty() {
            self.allowance = 0.0;
            return Vec::new();
        }
        // At most a second's worth at once, however long the last poll took.
        self.allowance = (self.allowance + earned).min(rate);
        if self.replaying.is_empty() {
            return self.history().into_iter().collect();
        }
        let mut records = Vec::new();
        while self.allowance >= 1.0 && records.len() < REPLAY_BATCH && self.spool.has_room() {
            let Some(record) = self.spool.take(now) else { break };
            records.push(record);
            self.allowance -= 1.0;
        }
        let done = self.spool.is_empty();
        if done {
            self.replaying.clear();
        }
        KEPT.into_iter().filter_map(|code| self.part(code, &records, done)).collect()
    }

    /// The next part of the answer to the oldest question.
    fn history(&mut self) -> Option<Outgoing> {
        let most = (self.allowance as usize).min(REPLAY_BATCH);
        let fetching = self.fetches.front_mut().filter(|_| most > 0)?;
        let found = self.spool.find(fetching.code, &fetching.time, fetching.at, most);
        // A part without any was work too.
        self.allowance -= found.records.len().max(1) as f64;
        let (code, done) = (fetching.code, found.next.is_none());
        match found.next {
            Some(next) => fetching.at = next,
            None => drop(self.fetches.pop_front()),
        }
        if found.records.is_empty() && !done {
            return None;
        }
        let message = codec::replay_of(found.records.iter().map(Record::cbor), None, done);
        Some(Outgoing::kept(self.node.topic(&Kind::History(code)), message))
    }

    /// What of the records belongs to a channel.
    fn part(&mut self, code: StatusCode, records: &[Record], done: bool) -> Option<Outgoing> {
        let own: Vec<&[u8]> = records.iter().filter(|r| r.code() == code).map(Record::cbor).collect();
        if own.is_empty() && !done {
            return None;
        }
        let next_ts = self.spool.peek().filter(|record| record.code() == code).map(Record::ts);
        let message = codec::replay_of(own.into_iter(), next_ts, done);
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

fn one<V: serde::Serialize>(entry: &Entry<V>) -> Vec<u8> {
    codec::status_of(&codec::encode(entry))
}
