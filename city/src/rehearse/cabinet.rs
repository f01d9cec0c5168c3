//! One cabinet: the simulated device, its cable, and the real agent's core with the real Modbus client and the real
//! uplink and spool, under a clock of its own. The spool is in memory, and outlives the agent as files would.

use super::{
    cable::Cable,
    link::{Audience, Message},
    plant::Plant,
};
use controller::store::receipts::Receipt;
use edge_agent::{
    agent::{Action, Agent, AgentConfig, Arrived, Event, Publication},
    device::{
        DeviceReport,
        modbus::{ModbusConfig, ModbusDevice, Reach},
    },
    spool::{Spool, SpoolConfig},
    uplink::Uplink,
};
use model::{ids::JunctionIx, signal::Junction, time::Moment};
use simulator::{
    modbus_field::FieldDevice,
    signals::{Felt, Tlc, Troubles},
};
use std::{
    collections::{BTreeSet, VecDeque},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};
use tokio::runtime::Runtime;
use uuid::Uuid;
use wire::{
    codec,
    link::Outgoing,
    message::{PresenceState, Stored},
    register_map::RegisterMap,
    result::CommandResult,
    topic::{Kind, Node, StatusCode},
};

/// Usual time between two readings, as `edge-agent.toml` has it.
const POLL: Duration = Duration::from_millis(500);
/// Bound of the spool: more than any outage of a rehearsal needs.
const SPOOL_BYTES: u64 = 4 << 20;
/// Entries replayed a second, as `edge-agent.toml` has it.
const REPLAYED: u32 = 20;

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
    started: Moment,
    crystal: Crystal,
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
    uplink: Uplink,
    /// Every event entry that the core has made, and when.
    pub(super) made: Vec<(Receipt, Moment)>,
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
            uplink: Uplink::new(
                node.clone(),
                Spool::open(SpoolConfig { folder: None, most_bytes: SPOOL_BYTES, kept_bytes: 0 }, &node)?,
                REPLAYED,
                now,
            ),
            made: Vec::new(),
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
            at: Reach::Tcp(SocketAddr::from(([127, 0, 0, 1], 502))),
            unit: self.map.unit,
            map: self.map.clone(),
            timeout: Duration::from_secs(1),
        };
        let mut modbus = ModbusDevice::over(config, Box::new(move || cable.connect()));
        let log = self.uplink.spool().log();
        modbus.resume(log);
        let agent = AgentConfig {
            junction: self.junction.clone(),
            boot: self.boot_id(),
            poll: POLL,
            longest_countdown_s: modbus.longest_countdown_s(),
            epoch: self.epoch,
        };
        let agent = Agent::new(agent, crystal.show(now, now));
        self.book = EventBook::default();
        // What was written while nobody ran is to be read as well.
        self.ring_at = log.map(|log| log.newest);
        self.running = Some(Running { agent, modbus, started: now, crystal });
    }

    /// Ends it without a word.
    pub(super) fn kill(&mut self) {
        self.keep_counts();
        self.uplink.link(false);
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
        Some(to_centres(&Outgoing::retained(self.node.topic(&Kind::Presence), codec::encode(&presence))))
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
        let parts = self.uplink.replay(at);
        done.messages.extend(parts.iter().map(to_centres));
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
        self.uplink.link(up && self.running.is_some());
        self.feed(now, Event::Link(up), &mut done);
        done
    }

    /// A centre says what is stored.
    pub(super) fn stored(&mut self, now: Moment, code: StatusCode, stored: &Stored) {
        if let Some((clock, _)) = self.clock(now) {
            self.uplink.stored(clock, code, stored);
        }
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
                    Action::Publish(publication) => self.publish(at, publication, done),
                    Action::Answer { topic, correlation, result } => {
                        let to = super::centre::of_topic(&topic).map(Audience::Centre);
                        let answer = Outgoing::result(topic, codec::encode(&result), correlation);
                        done.messages.extend(to.map(|to| Message::new(to, &answer)));
                        done.results.push(result);
                    }
                    Action::RememberEpoch(epoch) => self.epoch = epoch,
                }
            }
        }
    }

    fn publish(&mut self, at: Moment, publication: Publication, done: &mut Done) {
        match &publication {
            Publication::Events(entry, _) => {
                self.book.published += entry.values.events.len() as u64;
                let id = entry.boot_id.map(|boot| (boot, entry.seq));
                self.made.extend(id.map(|id| (receipt(self.index, id), at)));
            }
            // The centre does not read it, and it is the largest of all.
            Publication::Config(_) => return,
            _ => {}
        }
        done.messages.extend(self.uplink.publish(at, publication).map(|m| to_centres(&m)));
    }

    /// Ends it, and says which event entries its spool holds: those that no centre has named.
    pub(super) fn into_kept(self) -> BTreeSet<Receipt> {
        let mut spool = self.uplink.into_spool();
        let records = std::iter::from_fn(|| spool.take(Moment(0)));
        let events = records.filter(|record| record.code() == StatusCode::Events);
        events.map(|record| receipt(self.index, record.id())).collect()
    }
}

fn receipt(index: usize, (boot_id, seq): (Uuid, u64)) -> Receipt {
    Receipt { junction: JunctionIx::from(index), code: StatusCode::Events, boot_id, seq }
}

fn to_centres(outgoing: &Outgoing) -> Message {
    Message::new(Audience::AllCentres, outgoing)
}
