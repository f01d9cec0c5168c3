//! One cabinet: the simulated device, its cable, and the real agent's core with the real Modbus client, under a clock
//! of its own.
//!
//! Its uplink is a model of `edge_agent::uplink` over the real spool, because the real one needs a connection: live
//! while the link is up, kept while it is down, replayed behind.

use super::{
    cable::Cable,
    link::{Audience, Class, Message},
    plant::Plant,
};
use bytes::Bytes;
use edge_agent::{
    agent::{Action, Agent, AgentConfig, Arrived, Event, Publication},
    device::{
        DeviceReport,
        modbus::{ModbusConfig, ModbusDevice},
    },
    spool::{Record, Spool, SpoolConfig},
};
use model::{signal::Junction, time::Moment};
use simulator::{
    modbus_field::FieldDevice,
    signals::{Felt, Tlc, Troubles},
};
use std::{collections::VecDeque, net::SocketAddr, sync::Arc, time::Duration};
use tokio::runtime::Runtime;
use uuid::Uuid;
use wire::{
    codec,
    message::{Entry, PresenceState, Replay, Status},
    register_map::RegisterMap,
    result::CommandResult,
    topic::{Kind, Node, StatusCode},
};

/// Usual time between two readings, as `edge-agent.toml` has it.
const POLL: Duration = Duration::from_millis(500);
/// Bound of the spool: more than any outage of a rehearsal needs.
const SPOOL_BYTES: u64 = 4 << 20;
/// Entries replayed at one poll.
const REPLAYED: usize = 10;

/// A clock that is ahead of the right one by so much, and runs too fast.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Crystal {
    pub(super) ahead_ms: i64,
    pub(super) ppm: i64,
}

impl Crystal {
    /// What it shows, `since` having been when it was last set.
    pub(super) fn show(self, now: Moment, since: Moment) -> Moment {
        Moment(now.0 + self.ahead_ms + (now.0 - since.0) * self.ppm / 1_000_000)
    }
}

/// What a running agent is.
struct Running {
    agent: Agent,
    modbus: ModbusDevice,
    boot: u64,
    started: Moment,
    crystal: Crystal,
    linked: bool,
}

/// What became of something that was fed to the agent.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub(super) messages: Vec<Message>,
    pub(super) results: Vec<CommandResult>,
}

/// What an agent read and told, by its own account: the books of promise 4.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct EventBook {
    /// Lines of the device's log that its client handed on or counted as lost, since this boot's first reading.
    pub(super) read: u64,
    /// Of those, counted as lost.
    pub(super) lost: u64,
    /// Lines that the core published.
    pub(super) published: u64,
}

/// The cabinet.
pub(super) struct Cabinet {
    pub(super) index: usize,
    pub(super) junction: Arc<Junction>,
    map: Arc<RegisterMap>,
    pub(super) cable: Cable,
    running: Option<Running>,
    spool: Spool,
    /// Boot and number of the event entries that the spool holds, in its order.
    pub(super) waiting: VecDeque<(u64, u64)>,
    /// Kept in a file across restarts.
    pub(super) epoch: u64,
    boots: u64,
    plant: Option<Plant>,
    runtime: Arc<Runtime>,
    pub(super) book: EventBook,
    /// The device's newest log line at the last reading that succeeded.
    ring_at: Option<u16>,
    missing: Option<u64>,
    pub(super) counts: std::collections::BTreeMap<String, u64>,
    node: Node,
}

impl Cabinet {
    pub(super) fn new(
        index: usize,
        junction: Arc<Junction>,
        map: Arc<RegisterMap>,
        now: Moment,
        seed: u64,
        plant: Option<Plant>,
        runtime: Arc<Runtime>,
    ) -> std::io::Result<Cabinet> {
        let device = FieldDevice::new(Tlc::new(junction.clone(), now), map.clone());
        let node = Node::cabinet(&junction.district, &junction.id);
        Ok(Cabinet {
            index,
            cable: Cable::new(device, map.command.first, map.unit, seed),
            spool: Spool::open(SpoolConfig { folder: None, most_bytes: SPOOL_BYTES }, &node)?,
            waiting: VecDeque::new(),
            junction,
            map,
            running: None,
            epoch: 0,
            boots: 0,
            plant,
            runtime,
            book: EventBook::default(),
            ring_at: None,
            missing: None,
            counts: std::collections::BTreeMap::new(),
            node,
        })
    }

    /// Starts the agent.
    pub(super) fn start(&mut self, now: Moment, crystal: Crystal) {
        self.boots += 1;
        let cable = self.cable.clone();
        let config = ModbusConfig {
            address: SocketAddr::from(([127, 0, 0, 1], 502)),
            unit: self.map.unit,
            map: self.map.clone(),
            timeout: Duration::from_secs(1),
        };
        let modbus = ModbusDevice::over(config, Box::new(move || cable.connect()));
        let agent = AgentConfig {
            junction: self.junction.clone(),
            boot: self.boot_id(),
            poll: POLL,
            longest_countdown_s: modbus.longest_countdown_s(),
            epoch: self.epoch,
        };
        let agent = Agent::new(agent, crystal.show(now, now));
        self.book = EventBook::default();
        self.ring_at = None;
        self.running =
            Some(Running { agent, modbus, boot: self.boots, started: now, crystal, linked: false });
    }

    /// Ends it without a word.
    pub(super) fn kill(&mut self) {
        self.keep_counts();
        self.running = None;
    }

    pub(super) fn keep_counts(&mut self) {
        if let Some(running) = &self.running {
            for (name, n) in running.agent.counts() {
                *self.counts.entry(name.clone()).or_default() += n;
            }
        }
    }

    pub(super) fn boot_id(&self) -> Uuid {
        Uuid::from_u64_pair(self.index as u64 + 1, self.boots)
    }

    pub(super) fn runs(&self) -> bool {
        self.running.is_some()
    }

    /// The running agent's clock, and its tick.
    pub(super) fn clock(&self, now: Moment) -> Option<(Moment, u64)> {
        let running = self.running.as_ref()?;
        let shows = running.crystal.show(now, running.started);
        let booted = running.crystal.show(running.started, running.started);
        Some((shows, shows.since(booted).as_millis() as u64))
    }

    /// What the broker says of it when it vanishes.
    pub(super) fn will(&self) -> Option<Message> {
        let presence = self.running.as_ref()?.agent.presence(PresenceState::Offline);
        Some(self.message(&Kind::Presence, codec::encode(&presence), Class::Retained))
    }

    /// The device lives on.
    pub(super) fn step(&self, now: Moment, felt: &Felt) {
        self.device().step(now, felt);
    }

    pub(super) fn device(&self) -> FieldDevice {
        self.cable.wire().device.clone()
    }

    pub(super) fn node(&self) -> &Node {
        &self.node
    }

    /// Somebody takes the panel, or leaves it.
    pub(super) fn manual(&self, on: bool) {
        let power_lost = self.device().look(|tlc| tlc.troubles.power_lost);
        self.device().trouble(Troubles { manual: on, power_lost, ..Troubles::default() });
    }

    /// The box loses its power; with `forgets` it is another one that comes back, with a new clock and an empty log.
    pub(super) fn power(&mut self, now: Moment, off: bool, forgets: bool) {
        if off && forgets {
            let mut tlc = Tlc::new(self.junction.clone(), now);
            tlc.troubles.power_lost = true;
            let mut wire = self.cable.wire();
            wire.device = FieldDevice::new(tlc, self.map.clone());
            wire.settings = [0; 4];
            self.ring_at = None;
        }
        let manual = self.device().look(|tlc| tlc.troubles.manual);
        self.device().trouble(Troubles { power_lost: off, manual, ..Troubles::default() });
    }

    /// One round of the agent.
    pub(super) fn poll(&mut self, now: Moment) -> Done {
        let mut done = Done::default();
        let Some(running) = &mut self.running else { return done };
        let at = running.crystal.show(now, running.started);
        let read = self.runtime.clone().block_on(running.modbus.read(at));
        let event = match read {
            Ok(report) => {
                self.book.read += report.events.len() as u64 + u64::from(report.events_lost);
                self.book.lost += u64::from(report.events_lost);
                self.check_ring(&report);
                Event::Report(self.seen_by_agent(report))
            }
            Err(error) => Event::DeviceFailed(error.to_string()),
        };
        self.feed(now, event, &mut done);
        self.feed(now, Event::Tick, &mut done);
        self.replay(&mut done);
        done
    }

    /// Compares what was read of the log with the log itself.
    fn check_ring(&mut self, report: &DeviceReport) {
        let newest = self.device().look(|tlc| tlc.events().next_back().map_or(0, |e| e.seq));
        self.missing = None;
        if let Some(before) = self.ring_at.replace(newest).filter(|before| *before <= newest) {
            let made = u64::from(newest - before);
            let read = report.events.len() as u64 + u64::from(report.events_lost);
            self.missing = made.checked_sub(read).filter(|missing| *missing > 0);
        }
    }

    /// Lines of the device's log that the last reading should have had, and had not.
    pub(super) fn missing_events(&self) -> Option<u64> {
        self.missing
    }

    fn seen_by_agent(&self, mut report: DeviceReport) -> DeviceReport {
        if let Some(plant) = self.plant {
            plant.tamper_report(&self.junction, &mut report);
        }
        report
    }

    /// The link came up or went down.
    pub(super) fn linked(&mut self, now: Moment, up: bool) -> Done {
        let mut done = Done::default();
        if let Some(running) = &mut self.running {
            running.linked = up;
        }
        self.feed(now, Event::Link(up), &mut done);
        done
    }

    /// A command arrived.
    pub(super) fn command(&mut self, now: Moment, mut arrived: Arrived) -> Done {
        if let Some(plant) = self.plant {
            plant.tamper_command(self.epoch, &mut arrived);
        }
        let mut done = Done::default();
        self.feed(now, Event::Command(arrived), &mut done);
        done
    }

    fn feed(&mut self, now: Moment, event: Event, done: &mut Done) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let Some(running) = &mut self.running else { return };
            let at = running.crystal.show(now, running.started);
            for action in running.agent.handle(at, event) {
                match action {
                    Action::Write { id, settings } => {
                        let Some(running) = &mut self.running else { return };
                        let written = self.runtime.block_on(running.modbus.write(at, &settings));
                        let outcome = written.map_err(|e| e.to_string());
                        events.push_back(Event::Written { id, outcome });
                    }
                    Action::Publish(publication) => self.publish(publication, done),
                    Action::Answer { topic, correlation, result } => {
                        let centre = super::centre::of_topic(&topic);
                        done.messages.extend(centre.map(|to| Message {
                            topic,
                            payload: codec::encode(&result).into(),
                            class: Class::Result,
                            to: Audience::Centre(to),
                            response_topic: None,
                            correlation,
                            retain: false,
                            events: Vec::new(),
                        }));
                        done.results.push(result);
                    }
                    Action::RememberEpoch(epoch) => self.epoch = epoch,
                }
            }
        }
    }

    fn message(&self, kind: &Kind, payload: Vec<u8>, class: Class) -> Message {
        Message {
            topic: self.node.topic(kind),
            payload: Bytes::from(payload),
            class,
            to: Audience::AllCentres,
            response_topic: None,
            correlation: None,
            retain: false,
            events: Vec::new(),
        }
    }

    /// As `edge_agent::uplink` sends or keeps.
    fn publish(&mut self, publication: Publication, done: &mut Done) {
        let Some(running) = &self.running else { return };
        let (up, boot) = (running.linked, running.boot);
        let status = Kind::Status;
        let message = match publication {
            Publication::Events(entry) => {
                self.book.published += entry.values.events.len() as u64;
                let seq = entry.seq;
                if !up {
                    self.waiting.push_back((boot, seq));
                    return self.spool.push(&Record::Events(entry));
                }
                let mut message = self.message(&status(StatusCode::Events), one(entry), Class::Kept);
                message.events.push((boot, seq));
                message
            }
            Publication::Counts(mut entry) if !up => {
                entry.values.channels.iter_mut().for_each(|channel| channel.sightings_last.clear());
                return self.spool.push(&Record::Counts(entry));
            }
            Publication::Counts(entry) => self.message(&status(StatusCode::Counts), one(entry), Class::Kept),
            Publication::Alarms { code, alarms } => {
                let class = if alarms.full { Class::Retained } else { Class::Kept };
                if alarms.full && !up {
                    return;
                }
                self.message(&Kind::Alarm(code.to_owned()), codec::encode(&alarms), class)
            }
            _ if !up => return,
            Publication::Groups(entry) => self.message(&status(StatusCode::Groups), one(entry), Class::Live),
            Publication::Mode(entry) => self.message(&status(StatusCode::Mode), one(entry), Class::Retained),
            // The centre does not read it, and it is the largest of all: its place in order is what counts.
            Publication::Config(_) => return,
            Publication::Presence(presence) => {
                self.message(&Kind::Presence, codec::encode(&presence), Class::Retained)
            }
        };
        done.messages.push(message);
    }

    fn replay(&mut self, done: &mut Done) {
        if !self.running.as_ref().is_some_and(|r| r.linked) || self.spool.is_empty() {
            return;
        }
        let (mut events, mut counts, mut carried) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..REPLAYED {
            match self.spool.pop() {
                Some(Record::Events(entry)) => {
                    // The book's own order must be the spool's.
                    carried.extend(self.waiting.pop_front().filter(|&(_, seq)| seq == entry.seq));
                    events.push(entry);
                }
                Some(Record::Counts(entry)) => counts.push(entry),
                None => break,
            }
        }
        let finished = self.spool.is_empty();
        if !events.is_empty() {
            let payload = codec::encode(&Replay { entries: events, next_ts: None, done: finished });
            let mut message = self.message(&Kind::Replay(StatusCode::Events), payload, Class::Kept);
            message.events = carried;
            done.messages.push(message);
        }
        if !counts.is_empty() {
            let payload = codec::encode(&Replay { entries: counts, next_ts: None, done: finished });
            done.messages.push(self.message(&Kind::Replay(StatusCode::Counts), payload, Class::Kept));
        }
    }
}

fn one<V: serde::Serialize>(entry: Entry<V>) -> Vec<u8> {
    codec::encode(&Status { entries: vec![entry] })
}
