//! A load of cabinets that nobody has to build: each runs the real device's own box, says over the broker what an agent
//! says of one, and obeys the centre. For measuring brokers and centres, not for trust: there is no cable, no guard,
//! no spool, and no traffic before the signals.

use crate::signals::{Felt, LocalMode, Request, Tlc};
use model::{
    city::City,
    ids::StageNumber,
    signal::Junction,
    time::{Moment, Tenths},
};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    num::NonZero,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use wire::{
    clock::Clock,
    codec,
    command::{Body, Command},
    link::{self, Inbox, Incoming, LinkConfig, Message, Outgoing, Publisher, Will},
    message::{Entry, Events, Groups, HiRes, Mode, Presence, PresenceState, Rung, Status, letter_at},
    result::{CommandResult, ResultState},
    topic::{self, Kind, Node, StatusCode},
};

/// How often a cabinet says its lamps. Its turn within the second is its place in the city.
const EACH: Duration = Duration::from_secs(1);
/// Cabinets behind one gateway whose turns are so near speak together: a gateway has a thousand turns a second.
const TOGETHER: Duration = Duration::from_millis(5);
/// How often it says its mode, changed or not.
const MODE_EVERY: Duration = Duration::from_secs(10);
/// A cabinet says about four things a second; two seconds of them may wait.
const WAITING: usize = 8;

/// What to make.
#[derive(Clone, Debug)]
pub struct Load {
    /// Whose junctions.
    pub city: Arc<City>,
    /// The broker. Each connection adds its own client id, will and filters.
    pub link: LinkConfig,
    /// Connections that all cabinets share, each as a gateway does; `None` gives each cabinet its own.
    pub gateways: Option<NonZero<usize>>,
    /// Say hi-res events too, with QoS 1.
    pub events: bool,
    /// How long the connections may take to be made: brokers take a few thousand a second.
    pub ramp: Duration,
}

/// What it has done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Done {
    /// Cabinets that say something now.
    pub online: u64,
    /// Lamps said.
    pub states: u64,
    /// Commands obeyed.
    pub commands: u64,
    /// Messages that the links dropped: no broker, or it was too slow.
    pub dropped: u64,
    /// Turns that came more than half a second late: this machine was too slow.
    pub late: u64,
}

/// Counts of all connections.
#[derive(Debug, Default)]
pub struct Progress {
    online: AtomicU64,
    states: AtomicU64,
    commands: AtomicU64,
    dropped: AtomicU64,
    late: AtomicU64,
}

impl Progress {
    /// As they are now.
    pub fn done(&self) -> Done {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Done {
            online: of(&self.online),
            states: of(&self.states),
            commands: of(&self.commands),
            dropped: of(&self.dropped),
            late: of(&self.late),
        }
    }
}

/// Runs all of it until `shutdown`.
pub async fn run(load: Load, clock: Clock, progress: Arc<Progress>, shutdown: CancellationToken) {
    let cabinets = load.city.junctions.len();
    let connections = load.gateways.map_or(cabinets, |g| g.get().min(cabinets)).max(1);
    let mut tasks = JoinSet::new();
    for place in 0..connections {
        // Neighbours in the city are neighbours at a gateway.
        let own = place * cabinets / connections..(place + 1) * cabinets / connections;
        let link = load.link.clone();
        let (load, progress, shutdown) = (load.clone(), progress.clone(), shutdown.clone());
        let wait = load.ramp.mul_f64(place as f64 / connections as f64);
        tasks.spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = shutdown.cancelled() => return,
            }
            let own = own.map(|ix| Cabinet::new(&load, ix, clock.now())).collect();
            Connection::start(link, place, own, load.gateways.is_some(), clock, progress)
                .live(&shutdown)
                .await;
        });
    }
    while tasks.join_next().await.is_some() {}
}

/// One connection, and the cabinets that speak through it.
struct Connection {
    /// In the order of their turns within a second.
    cabinets: Vec<Cabinet>,
    /// Whose turn is next.
    next: usize,
    places: BTreeMap<Node, usize>,
    publisher: Publisher,
    inbox: Inbox,
    clock: Clock,
    progress: Arc<Progress>,
    up: bool,
}

impl Connection {
    fn start(
        link: LinkConfig,
        place: usize,
        cabinets: Vec<Cabinet>,
        gateway: bool,
        clock: Clock,
        progress: Arc<Progress>,
    ) -> Connection {
        let own = (!gateway).then(|| cabinets.first()).flatten();
        let (publisher, inbox) = link::connect(LinkConfig {
            client_id: format!("{}-{place}", link.client_id),
            will: own.map(|cabinet| Will {
                topic: cabinet.node.topic(&Kind::Presence),
                payload: codec::encode(&cabinet.presence(PresenceState::Offline)),
            }),
            filters: cabinets.iter().map(|c| format!("{}/command/#", c.node)).collect(),
            outgoing: WAITING * cabinets.len().max(WAITING),
            incoming: WAITING * cabinets.len().max(WAITING),
            in_flight: if gateway { link::MANY_IN_FLIGHT } else { link.in_flight },
            ..link
        });
        let places = cabinets.iter().enumerate().map(|(place, c)| (c.node.clone(), place)).collect();
        Connection { cabinets, next: 0, places, publisher, inbox, clock, progress, up: false }
    }

    async fn live(mut self, shutdown: &CancellationToken) {
        let mut dropped = 0;
        loop {
            // Thousands of these run side by side: each sleeps until somebody has something to say.
            let due = self.cabinets.get(self.next).map_or(Moment::default(), |c| c.due) + TOGETHER;
            tokio::select! {
                () = shutdown.cancelled() => break,
                incoming = self.inbox.next() => match incoming {
                    Some(incoming) => self.take(incoming),
                    None => break,
                },
                () = self.clock.sleep_until(due), if self.up => self.say(),
            }
            let counts = self.publisher.counts();
            let now = counts.dropped_live + counts.dropped_kept;
            self.progress.dropped.fetch_add(now - dropped, Ordering::Relaxed);
            dropped = now;
        }
        self.turn(false);
        for cabinet in &self.cabinets {
            self.publisher.publish(cabinet.said_of_presence(PresenceState::Shutdown));
        }
        self.publisher.close().await;
    }

    fn turn(&mut self, up: bool) {
        if self.up != up {
            let (cabinets, online) = (self.cabinets.len() as u64, &self.progress.online);
            if up {
                online.fetch_add(cabinets, Ordering::Relaxed)
            } else {
                online.fetch_sub(cabinets, Ordering::Relaxed)
            };
        }
        self.up = up;
    }

    fn take(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::Connected => {
                self.turn(true);
                let now = self.clock.now();
                for cabinet in &mut self.cabinets {
                    self.publisher.publish(cabinet.said_of_presence(PresenceState::Online));
                    // What it did not say while nobody listened is not made up for.
                    cabinet.due = next_turn(now, cabinet.turn);
                }
                let first = self.cabinets.iter().enumerate().min_by_key(|(_, c)| c.due);
                self.next = first.map_or(0, |(place, _)| place);
            }
            Incoming::Disconnected(reason) => {
                tracing::debug!(error = reason, "connection lost");
                self.turn(false);
            }
            Incoming::Message(message) => {
                let Some((node, Kind::Command(_))) = topic::parse(&message.topic) else { return };
                let Some(cabinet) = self.places.get(&node).map(|place| &mut self.cabinets[*place]) else {
                    return;
                };
                if let Some(answers) = cabinet.obey(self.clock.now(), &message) {
                    self.progress.commands.fetch_add(1, Ordering::Relaxed);
                    answers.into_iter().for_each(|answer| self.publisher.publish(answer));
                }
            }
        }
    }

    fn say(&mut self) {
        let now = self.clock.now();
        while let Some(cabinet) = self.cabinets.get_mut(self.next).filter(|c| c.due <= now) {
            if now.since(cabinet.due) > EACH / 2 {
                self.progress.late.fetch_add(1, Ordering::Relaxed);
            }
            cabinet.due = next_turn(now, cabinet.turn);
            cabinet.say(now, &self.publisher);
            self.progress.states.fetch_add(1, Ordering::Relaxed);
            self.next = (self.next + 1) % self.cabinets.len();
        }
    }
}

/// The first moment after `now` that is so far into a second.
fn next_turn(now: Moment, turn: Duration) -> Moment {
    let (each, turn) = (EACH.as_millis() as i64, turn.as_millis() as i64);
    Moment((now.0 - turn).div_euclid(each) * each + each + turn)
}

struct Cabinet {
    node: Node,
    junction: Arc<Junction>,
    boot: Uuid,
    started: Moment,
    tlc: Tlc,
    request: Request,
    lease_until: Option<Moment>,
    /// How far into each second it speaks.
    turn: Duration,
    due: Moment,
    events: bool,
    last_event: u16,
    seq: u64,
    events_seq: u64,
    mode: Option<(Moment, Rung)>,
}

impl Cabinet {
    fn new(load: &Load, ix: usize, now: Moment) -> Cabinet {
        let junction = Arc::new(load.city.junctions[ix].clone());
        let turn = EACH.mul_f64(ix as f64 / load.city.junctions.len() as f64);
        Cabinet {
            node: Node::cabinet(&junction.district, &junction.id),
            tlc: Tlc::new(junction.clone(), now),
            junction,
            boot: Uuid::now_v7(),
            started: now,
            request: Request::default(),
            lease_until: None,
            turn,
            due: next_turn(now, turn),
            events: load.events,
            last_event: 0,
            seq: 0,
            events_seq: 0,
            mode: None,
        }
    }

    fn presence(&self, state: PresenceState) -> Presence {
        Presence {
            state,
            boot_id: self.boot,
            config_hash: self.junction.config_hash(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    fn said_of_presence(&self, state: PresenceState) -> Outgoing {
        Outgoing::retained(self.node.topic(&Kind::Presence), codec::encode(&self.presence(state)))
    }

    fn say(&mut self, now: Moment, publisher: &Publisher) {
        if self.lease_until.is_some_and(|until| until <= now) {
            self.lease_until = None;
            self.request = Request::default();
        }
        self.tlc.step(now, &self.request, &Felt::default());
        let node = self.node.clone();
        let topic = |code| node.topic(&Kind::Status(code));
        let groups = Status { entries: vec![Entry::new(now, self.seq, self.groups(now))] };
        publisher.publish(Outgoing::live(topic(StatusCode::Groups), codec::encode(&groups)));
        if let Some(mode) = self.mode_to_say(now) {
            let said = Status { entries: vec![Entry::new(now, self.seq, mode)] };
            publisher.publish(Outgoing::retained(topic(StatusCode::Mode), codec::encode(&said)));
        }
        self.seq += 1;
        let newest = self.tlc.events().next_back().map_or(0, |e| e.seq);
        if self.events && newest != self.last_event {
            let last = std::mem::replace(&mut self.last_event, newest);
            let new = self.tlc.events().rev().take_while(|e| e.seq != last);
            let mut events: Vec<_> = new.map(|e| HiRes { t: e.at, code: e.code, param: e.param }).collect();
            events.reverse();
            let boot_id = Some(self.boot);
            let entry = Entry { boot_id, ..Entry::new(now, self.events_seq, Events { events }) };
            self.events_seq += 1;
            let said = Status { entries: vec![entry] };
            publisher.publish(Outgoing::kept(topic(StatusCode::Events), codec::encode(&said)));
        }
    }

    fn groups(&self, now: Moment) -> Groups {
        let age = |since: Moment| Tenths((now.since(since).as_millis() / 100) as u32);
        let shown = || self.tlc.groups().iter().map(|g| (g.lamp, age(g.since)));
        let letters =
            shown().zip(&self.junction.groups).map(|((lamp, age), g)| letter_at(lamp, age, g.min_green));
        let cycle_s = self.tlc.plan().map_or(1, |plan| (plan.cycle().0 / 10).max(1));
        let base = now.0.div_euclid(1000).rem_euclid(i64::from(cycle_s)) as u32;
        Groups {
            signalgroupstatus: letters.collect(),
            stage: self.tlc.governing().map_or(0, |s| s.0),
            cyclecounter: base,
            basecyclecounter: base,
            ages: shown().map(|(_, age)| age.0).collect(),
            interstage: self.tlc.in_interstage(),
            wanted: self.request.stage.map_or(0, |s| s.0),
            ref_tick: now.since(self.started).as_millis() as u64,
        }
    }

    fn mode_to_say(&mut self, now: Moment) -> Option<Mode> {
        let rung = match (self.request.stage, self.request.local) {
            (Some(_), _) => Rung::Adaptive,
            (None, LocalMode::Coordinated) => Rung::Coordinated,
            (None, LocalMode::Actuated) => Rung::LocalActuated,
            (None, LocalMode::Fixed) => Rung::Fixed,
            (None, LocalMode::Flashing) => Rung::Flashing,
        };
        let news = self.mode.is_none_or(|(at, said)| said != rung || now.since(at) >= MODE_EVERY);
        news.then(|| {
            self.mode = Some((now, rung));
            let held = self.lease_until.is_some();
            Mode {
                rung,
                since: now,
                reason: if held { "lease held" } else { "started" }.to_owned(),
                plan: self.tlc.plan().map_or(0, |plan| plan.number.0),
                lease_until: self.lease_until,
            }
        })
    }

    /// Does what it is told, whoever tells it, and answers as an agent does; `None` if that is no command.
    fn obey(&mut self, now: Moment, message: &Message) -> Option<Vec<Outgoing>> {
        let command: Command = codec::decode("a command", &message.payload).ok()?;
        let topic = message.response_topic.clone()?;
        let until = now + Duration::from_secs(command.lease_s.into());
        match command.body {
            Body::Stage(stage) => {
                self.request = Request { stage: Some(StageNumber(stage)), until, ..Request::default() };
            }
            Body::Plan(plan) => self.request = Request { plan, ..Request::default() },
            Body::Mode(rung) => {
                let local = match rung {
                    Rung::LocalActuated => LocalMode::Actuated,
                    Rung::Fixed => LocalMode::Fixed,
                    Rung::Flashing | Rung::Dark => LocalMode::Flashing,
                    Rung::Adaptive | Rung::Coordinated => LocalMode::Coordinated,
                };
                self.request = Request { local, ..Request::default() };
            }
            Body::Lease => self.request.until = until,
        }
        self.lease_until = Some(until);
        let answer = |state| {
            let result = CommandResult { cmd_id: command.cmd_id, state, reason: None, detail: String::new() };
            Outgoing::result(topic.clone(), codec::encode(&result), message.correlation.clone())
        };
        Some([ResultState::Received, ResultState::Accepted, ResultState::Applied].map(answer).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_turn_once_a_second() {
        let turn = Duration::from_millis(250);
        let check =
            |now: i64, expected: i64| assert_eq!(next_turn(Moment(now), turn), Moment(expected), "{now}");
        check(0, 250);
        check(249, 250);
        check(250, 1250);
        check(1000, 1250);
        check(1300, 2250);
    }
}
