//! From the core's publications to messages, and to the spool what must not be lost. Pure: whoever holds it sends what
//! it returns.

use crate::{
    agent::Publication,
    spool::{Place, Record, Spool},
};
use model::time::Moment;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    ops::Range,
    time::Duration,
};
use wire::{
    codec,
    link::Outgoing,
    message::{ChannelState, ChannelWord, Entry, Fetch, LONGEST_STOP_S, Stored, Throttle, ThrottleAction},
    topic::{Kind, Node, StatusCode},
};

/// Entries in one replay message: half a minute of one channel, some 10 KB.
const REPLAY_BATCH: usize = 30;
/// Questions about the past that wait at once.
const MOST_FETCHES: usize = 8;
/// Channels that are kept through an outage.
const KEPT: [StatusCode; 2] = [StatusCode::Events, StatusCode::Counts];
/// Channels that may be stopped: all but the cabinet's own copy, which is said once.
const CHANNELS: [StatusCode; 4] =
    [StatusCode::Groups, StatusCode::Mode, StatusCode::Events, StatusCode::Counts];

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
    /// Channels that a centre has stopped, and until when.
    stopped: BTreeMap<StatusCode, Moment>,
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
            stopped: BTreeMap::new(),
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
        let runs = |code| self.up && !self.stopped.contains_key(&code);
        let sent = |code| runs(code).then_some(now);
        let message = match publication {
            Publication::Groups(_) if !runs(StatusCode::Groups) => return None,
            Publication::Mode(_) if !runs(StatusCode::Mode) => return None,
            Publication::Groups(entry) => Outgoing::live(status(StatusCode::Groups), one(&entry)),
            Publication::Events(entry, log) => {
                let record = Record::of(StatusCode::Events, &entry);
                let sent = sent(StatusCode::Events);
                self.spool.push(&record, sent);
                // After them: whoever dies in between reads them again, and tells them twice.
                self.spool.read_of_log(log);
                sent?;
                Outgoing::kept(status(StatusCode::Events), codec::status_of(record.cbor()))
            }
            Publication::Counts(mut entry) => {
                let with_sightings = entry.values.channels.iter().any(|c| !c.sightings_last.is_empty());
                let live = with_sightings.then(|| one(&entry));
                // Where a vehicle was helps nobody by the time of a replay, and would fill the spool many times
                // faster than the counts do.
                entry.values.channels.iter_mut().for_each(|channel| channel.sightings_last.clear());
                let record = Record::of(StatusCode::Counts, &entry);
                let sent = sent(StatusCode::Counts);
                self.spool.push(&record, sent);
                sent?;
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

    /// A centre stops a channel, or lets it run again: the word of what it does now. What a kept channel would have said
    /// waits in the spool until it runs. `None` if there is no such channel to stop.
    pub fn throttle(&mut self, now: Moment, code: StatusCode, throttle: &Throttle) -> Option<Outgoing> {
        if !CHANNELS.contains(&code) {
            return None;
        }
        match throttle.action {
            ThrottleAction::Start => drop(self.stopped.remove(&code)),
            ThrottleAction::Stop => {
                let timeout = throttle.timeout.unwrap_or(LONGEST_STOP_S).min(LONGEST_STOP_S);
                self.stopped.insert(code, now + Duration::from_secs(timeout.into()));
            }
        }
        Some(self.channel(code))
    }

    /// Lets those run again whose time is over, and says so.
    pub fn resume(&mut self, now: Moment) -> Vec<Outgoing> {
        let over: Vec<_> =
            self.stopped.extract_if(.., |_, until| *until <= now).map(|(code, _)| code).collect();
        over.into_iter().map(|code| self.channel(code)).collect()
    }

    /// What every channel does.
    pub fn channels(&self) -> impl Iterator<Item = Outgoing> {
        CHANNELS.into_iter().map(|code| self.channel(code))
    }

    fn channel(&self, code: StatusCode) -> Outgoing {
        let state =
            if self.stopped.contains_key(&code) { ChannelState::Stopped } else { ChannelState::Running };
        Outgoing::retained(self.node.topic(&Kind::Channel(code)), codec::encode(&ChannelWord { state }))
    }

    /// The next part of what waits in the spool, at its own pace; when nothing waits, of what was asked for.
    pub fn replay(&mut self, now: Moment) -> Vec<Outgoing> {
        let rate = f64::from(self.replay_per_s);
        let earned = now.since(self.counted_at).as_secs_f64() * rate;
        self.counted_at = now;
        if self.up && !self.spool.is_empty() {
            self.replaying = KEPT.into();
        }
        // The spool is one line: nothing in it passes what a stopped channel left there.
        let held = KEPT.iter().any(|code| self.stopped.contains_key(code));
        if held || self.replaying.is_empty() && self.fetches.is_empty() {
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
