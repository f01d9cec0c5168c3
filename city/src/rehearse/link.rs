//! The broker and everybody's link to it, as MQTT behaves when things go wrong.
//!
//! QoS 1 is kept by its sender until the broker has it, and comes twice when the answer to that is lost; live state
//! and commands die with a connection. What is already in a TCP pipe arrives late, however old: only the broker
//! looks at expiry. What the broker has taken and not delivered when it dies is gone.

use bytes::Bytes;
use model::time::Moment;
use std::collections::BTreeMap;
use wire::{
    command::MESSAGE_EXPIRY_S,
    link::{Delivery, Outgoing},
};

/// Silence after which both ends call a connection lost: one and a half keep-alives of 10 s, ms.
pub(super) const SILENCE_MS: i64 = 15_000;
/// QoS 1 messages that wait at their sender, as `wire::link` has it by default.
const WAITING: usize = 256;

/// Somebody with a link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Party {
    Cabinet(usize),
    Centre(usize),
}

/// Who hears a topic.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Audience {
    Cabinet(usize),
    Centre(usize),
    AllCentres,
}

/// A message.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) topic: String,
    pub(super) payload: Bytes,
    pub(super) delivery: Delivery,
    pub(super) to: Audience,
    pub(super) response_topic: Option<String>,
    pub(super) correlation: Option<Bytes>,
    pub(super) retain: bool,
}

impl Message {
    /// What a program of ours wants sent.
    pub(super) fn new(to: Audience, outgoing: &Outgoing) -> Message {
        Message {
            topic: outgoing.topic().to_owned(),
            payload: Bytes::copy_from_slice(outgoing.payload()),
            delivery: outgoing.delivery(),
            to,
            response_topic: outgoing.response_topic().map(str::to_owned),
            correlation: outgoing.correlation().cloned(),
            retain: false,
        }
    }
}

/// One party's connection.
#[derive(Debug, Default)]
struct Line {
    /// The program runs.
    alive: bool,
    /// Connected, as both ends believe.
    linked: bool,
    /// One more with every connection: what was meant for an older one never arrives.
    session: u64,
    /// Faults that cut the network here.
    cuts: u32,
    cut_since: Moment,
    /// Nothing to be sent before it, and the time of the last, so that retained state keeps its order.
    last_out: Moment,
    last_in: Moment,
    /// QoS 1 that the broker has not acknowledged.
    unacknowledged: BTreeMap<u64, Message>,
    /// In the pipe while the network is cut.
    stuck: Vec<Moving>,
    /// What the broker says when the connection is lost.
    will: Option<Message>,
    retry_at: Moment,
}

/// Something on its way.
#[derive(Clone, Debug)]
pub(super) enum Moving {
    /// From a sender to the broker; the number is the sender's.
    Up { from: Party, session: u64, id: u64, message: Message },
    /// From the broker to a receiver.
    Down { to: Party, session: u64, message: Message },
}

/// What the rehearsal must do after the broker moved.
#[derive(Debug)]
pub(super) enum Happened {
    /// Let it move on then.
    Later(Moment, Moving),
    /// It arrived.
    Arrived(Party, Message),
    /// The connection came up or was lost.
    Linked(Party, bool),
}

/// How bad the network is now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weather {
    pub(super) loss: f64,
    pub(super) repeat: f64,
    pub(super) longest_delay_ms: i64,
    pub(super) reorder: bool,
}

impl Weather {
    pub(super) const FAIR: Weather = Weather { loss: 0.0, repeat: 0.0, longest_delay_ms: 40, reorder: false };
}

/// Counts of what really went wrong.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LinkTally {
    pub(super) sent: u64,
    pub(super) lost: u64,
    pub(super) repeated: u64,
    pub(super) expired: u64,
    pub(super) connections_lost: u64,
}

/// The broker.
#[derive(Debug)]
pub(super) struct Broker {
    cabinets: Vec<Line>,
    centres: Vec<Line>,
    retained: BTreeMap<String, Message>,
    up: bool,
    frozen: bool,
    frozen_since: Moment,
    held: Vec<Moving>,
    next_id: u64,
    pub(super) weather: Weather,
    pub(super) tally: LinkTally,
}

impl Broker {
    pub(super) fn new(cabinets: usize, centres: usize) -> Broker {
        let lines = |n| (0..n).map(|_| Line::default()).collect();
        Broker {
            cabinets: lines(cabinets),
            centres: lines(centres),
            retained: BTreeMap::new(),
            up: true,
            frozen: false,
            frozen_since: Moment(0),
            held: Vec::new(),
            next_id: 0,
            weather: Weather::FAIR,
            tally: LinkTally::default(),
        }
    }

    fn line(&mut self, party: Party) -> &mut Line {
        match party {
            Party::Cabinet(i) => &mut self.cabinets[i],
            Party::Centre(i) => &mut self.centres[i],
        }
    }

    fn parties(&self) -> Vec<Party> {
        let cabinets = (0..self.cabinets.len()).map(Party::Cabinet);
        cabinets.chain((0..self.centres.len()).map(Party::Centre)).collect()
    }

    /// A program starts: it connects soon.
    pub(super) fn start(&mut self, now: Moment, party: Party, will: Option<Message>) {
        let line = self.line(party);
        (line.alive, line.will, line.retry_at) = (true, will, now);
    }

    /// A program dies: what it had not sent dies with it.
    pub(super) fn kill(&mut self, party: Party, rng: &mut fastrand::Rng, now: Moment) -> Vec<Happened> {
        let line = self.line(party);
        line.alive = false;
        line.unacknowledged.clear();
        self.disconnect(party, rng, now)
    }

    fn disconnect(&mut self, party: Party, rng: &mut fastrand::Rng, now: Moment) -> Vec<Happened> {
        let line = self.line(party);
        line.stuck.clear();
        line.retry_at = now + std::time::Duration::from_millis(rng.u64(200..5_000));
        if !std::mem::replace(&mut line.linked, false) {
            return Vec::new();
        }
        line.session += 1;
        let will = line.will.clone();
        self.tally.connections_lost += 1;
        let mut happened = vec![Happened::Linked(party, false)];
        if let Some(will) = will.filter(|_| self.up) {
            self.route(now, rng, will, &mut happened);
        }
        happened
    }

    /// The network around a party is cut, or whole again.
    pub(super) fn cut(
        &mut self,
        now: Moment,
        rng: &mut fastrand::Rng,
        party: Party,
        cut: bool,
    ) -> Vec<Happened> {
        let line = self.line(party);
        if cut {
            line.cuts += 1;
            if line.cuts == 1 {
                line.cut_since = now;
            }
            return Vec::new();
        }
        line.cuts = line.cuts.saturating_sub(1);
        if line.cuts > 0 {
            return Vec::new();
        }
        // TCP sends again what was under way.
        let stuck = std::mem::take(&mut line.stuck);
        let soon = |k: usize| now + std::time::Duration::from_millis(20 + k as u64 + rng.u64(0..2));
        let mut soon = soon;
        stuck.into_iter().enumerate().map(|(k, moving)| Happened::Later(soon(k), moving)).collect()
    }

    /// The broker stops answering, or goes on with all that has come meanwhile.
    pub(super) fn freeze(&mut self, now: Moment, frozen: bool) -> Vec<Happened> {
        self.frozen = frozen;
        self.frozen_since = now;
        if frozen {
            return Vec::new();
        }
        std::mem::take(&mut self.held).into_iter().map(|moving| Happened::Later(now, moving)).collect()
    }

    /// The broker dies, or is started again, with what it retained or without.
    pub(super) fn restart(
        &mut self,
        now: Moment,
        rng: &mut fastrand::Rng,
        up: bool,
        forgets: bool,
    ) -> Vec<Happened> {
        self.up = up;
        self.held.clear();
        if forgets {
            self.retained.clear();
        }
        if up {
            return Vec::new();
        }
        self.parties().into_iter().flat_map(|party| self.disconnect(party, rng, now)).collect()
    }

    /// Looks after connections; call it a few times a second.
    pub(super) fn tick(&mut self, now: Moment, rng: &mut fastrand::Rng) -> Vec<Happened> {
        let mut happened = Vec::new();
        let silent = |since: Moment| now.0 - since.0 >= SILENCE_MS;
        let hangs = self.frozen && silent(self.frozen_since);
        let reachable = self.up && !self.frozen;
        for party in self.parties() {
            let line = self.line(party);
            if line.linked && (hangs || (line.cuts > 0 && silent(line.cut_since))) {
                happened.extend(self.disconnect(party, rng, now));
            } else if line.alive && !line.linked && line.cuts == 0 && reachable && line.retry_at <= now {
                self.connect(now, party, rng, &mut happened);
            }
        }
        happened
    }

    fn connect(&mut self, now: Moment, party: Party, rng: &mut fastrand::Rng, happened: &mut Vec<Happened>) {
        let line = self.line(party);
        line.linked = true;
        line.session += 1;
        (line.last_in, line.last_out) = (now, now);
        happened.push(Happened::Linked(party, true));
        let again = std::mem::take(&mut line.unacknowledged);
        for message in again.into_values() {
            self.send(now, rng, party, message, happened);
        }
        if let Party::Centre(_) = party {
            let session = self.line(party).session;
            for message in self.retained.values().cloned().collect::<Vec<_>>() {
                let message = Message { retain: true, ..message };
                happened.push(Happened::Later(now, Moving::Down { to: party, session, message }));
            }
        }
    }

    /// Sends for a party, or keeps what must be kept.
    pub(super) fn send(
        &mut self,
        now: Moment,
        rng: &mut fastrand::Rng,
        from: Party,
        message: Message,
        happened: &mut Vec<Happened>,
    ) {
        self.tally.sent += 1;
        let id = self.next_id;
        self.next_id += 1;
        let weather = self.weather;
        let line = self.line(from);
        let kept = matches!(message.delivery, Delivery::Kept | Delivery::Retained | Delivery::Result);
        if kept {
            line.unacknowledged.insert(id, message.clone());
            if line.unacknowledged.len() > WAITING {
                line.unacknowledged.pop_first();
            }
        }
        let line = self.line(from);
        if !line.linked {
            return;
        }
        let session = line.session;
        let at = delay(now, rng, weather, message.delivery, &mut line.last_out);
        // QoS 1 that is lost is sent again by TCP: late, not never. The rest is gone.
        let lost = rng.f64() < weather.loss;
        let at = if lost && kept { at + std::time::Duration::from_millis(rng.u64(200..3_000)) } else { at };
        if lost && !kept {
            self.tally.lost += 1;
            return;
        }
        let moving = Moving::Up { from, session, id, message };
        if rng.f64() < weather.repeat
            && !matches!(&moving, Moving::Up { message, .. } if message.delivery == Delivery::Retained)
        {
            self.tally.repeated += 1;
            let again = at + std::time::Duration::from_millis(rng.u64(1..4_000));
            happened.push(Happened::Later(again, moving.clone()));
        }
        happened.push(Happened::Later(at, moving));
    }

    /// Something comes to the end of its way.
    pub(super) fn moved(&mut self, now: Moment, rng: &mut fastrand::Rng, moving: Moving) -> Vec<Happened> {
        let mut happened = Vec::new();
        let (party, session) = match &moving {
            Moving::Up { from, session, .. } => (*from, *session),
            Moving::Down { to, session, .. } => (*to, *session),
        };
        let line = self.line(party);
        if line.session != session {
            return happened;
        }
        if line.cuts > 0 {
            line.stuck.push(moving);
            return happened;
        }
        match moving {
            Moving::Down { to, message, .. } => happened.push(Happened::Arrived(to, message)),
            up if self.frozen => self.held.push(up),
            Moving::Up { from, id, message, .. } => {
                self.line(from).unacknowledged.remove(&id);
                self.route(now, rng, message, &mut happened);
            }
        }
        happened
    }

    fn route(
        &mut self,
        now: Moment,
        rng: &mut fastrand::Rng,
        message: Message,
        happened: &mut Vec<Happened>,
    ) {
        if message.delivery == Delivery::Retained {
            self.retained.insert(message.topic.clone(), message.clone());
        }
        let all = (0..self.centres.len()).map(Party::Centre);
        let audience: Vec<Party> = match message.to {
            Audience::Cabinet(i) => vec![Party::Cabinet(i)],
            Audience::Centre(i) => vec![Party::Centre(i)],
            Audience::AllCentres => all.collect(),
        };
        let weather = self.weather;
        for to in audience {
            let line = self.line(to);
            if !line.linked {
                continue;
            }
            let session = line.session;
            let at = delay(now, rng, weather, message.delivery, &mut line.last_in);
            if at.0 - now.0 > i64::from(MESSAGE_EXPIRY_S) * 1000 && message.delivery == Delivery::Command {
                self.tally.expired += 1;
                continue;
            }
            happened.push(Happened::Later(at, Moving::Down { to, session, message: message.clone() }));
        }
    }
}

/// When something sent now arrives. Retained state never overtakes; in fair weather nothing does.
fn delay(
    now: Moment,
    rng: &mut fastrand::Rng,
    weather: Weather,
    delivery: Delivery,
    last: &mut Moment,
) -> Moment {
    let at = Moment(now.0 + 2 + rng.i64(0..weather.longest_delay_ms.max(1)));
    if weather.reorder && delivery != Delivery::Retained {
        return at;
    }
    *last = at.max(*last);
    *last
}
