//! The street's side of the centre: what arrives over MQTT becomes the core's events, what the core wants
//! becomes messages.
//!
//! [`Decoder`] is pure and looks at one message at a time; lockstep runs call it directly. [`Field`] owns the
//! broker link and does the waiting. What cannot be understood is counted under a name and stops nothing.

use crate::{config::Config, coordinator::Event, responding::LinkWord, store::receipts::Receipt};
use model::{
    city::City,
    ids::{DistrictId, JunctionIx},
    time::Moment,
};
use serde::de::DeserializeOwned;
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use wire::{
    clock::Clock,
    codec,
    command::Command,
    link::{self, Inbox, Incoming, LARGEST_PACKET, LinkCounts, Outgoing, Publisher, Will},
    message::{
        Alarms, ChannelWord, Counts, Entry, Events, Fetch, Groups, LinkTime, LinkTimes, Mode, Presence,
        PresenceState, Run, Status, Stored, Throttle, Vehicles,
    },
    result::CommandResult,
    topic::{self, CITY, Kind, Node, Question, StatusCode},
    what_if::{Answer, Cancel, Request},
};

/// Commands whose answers we can still tell apart. 40,000 junctions at one command a second for more than the
/// 4 s that a command is valid; 20 bytes each.
pub const SENT_BOUND: usize = 200_000;
/// Longest alarm code that is believed, bytes: it becomes a key in memory.
pub const ALARM_CODE_BOUND: usize = 64;
/// Messages decoded and not yet handled by the core. While it is full, the link's own bounded queue fills.
pub const HEARD_BOUND: usize = 4_096;
/// Part of the largest packet that topics and properties may take, bytes.
const HEADER_ROOM: usize = 4_096;

/// A message that was understood.
#[derive(Clone, Debug)]
pub enum Heard {
    /// For the core, oldest first.
    Live(Vec<Event>),
    /// For the core and the store, or, out of a cabinet's spool after an outage, for the store only.
    Kept(Kept),
    /// Where the vehicles behind a gateway are.
    Vehicles(Node, Moment, Vehicles),
    /// What a simulator says of a question of ours.
    Answer(Box<Answer>),
}

/// Entries that the store keeps, and that their cabinet keeps until it hears that the store has them.
#[derive(Clone, Debug)]
pub struct Kept {
    /// From before: a decision must not rest on it.
    pub replayed: bool,
    /// Oldest first; each with what its cabinet knows it by, if it says so.
    pub entries: Vec<(Option<Receipt>, Event)>,
}

/// A message that was not.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{name}: {detail}")]
pub struct Rejection {
    /// Counted under this name; one of a closed set, whatever arrives.
    pub name: String,
    /// What was wrong, for the log.
    pub detail: String,
}

impl Rejection {
    fn new(name: impl Into<String>, detail: impl Into<String>) -> Rejection {
        Rejection { name: name.into(), detail: detail.into() }
    }
}

/// Turns topics and payloads into events, and commands into messages.
#[derive(Clone, Debug)]
pub struct Decoder {
    city: Arc<City>,
    me: Node,
    by_node: HashMap<Node, JunctionIx>,
    /// Which junction a command went to: a result carries only the command's id. Shared by clones.
    sent: Arc<Mutex<Sent>>,
}

#[derive(Debug, Default)]
struct Sent {
    to: HashMap<Uuid, JunctionIx>,
    order: VecDeque<Uuid>,
}

impl Decoder {
    /// For the cabinets of those districts (`None`: all), as the centre of that name.
    pub fn new(city: Arc<City>, districts: Option<&[DistrictId]>, instance: &str) -> Decoder {
        let ours = |d: &DistrictId| districts.is_none_or(|ours| ours.contains(d));
        let by_node = city
            .junctions
            .iter()
            .enumerate()
            .filter(|(_, j)| ours(&j.district))
            .map(|(i, j)| (Node::cabinet(&j.district, &j.id), JunctionIx::from(i)))
            .collect();
        Decoder { city, me: Node::centre(instance), by_node, sent: Arc::default() }
    }

    /// Understands one message.
    pub fn hear(&self, topic: &str, payload: &[u8]) -> Result<Heard, Rejection> {
        let (node, kind) = topic::parse(topic)
            .ok_or_else(|| Rejection::new("mqtt.unknown-topic", format!("topic {topic}")))?;
        let junction = || {
            let known = self.by_node.get(&node).copied();
            known.ok_or_else(|| Rejection::new("mqtt.unknown-node", format!("node {node}")))
        };
        match kind {
            Kind::Presence => Ok(Heard::Live(vec![Event::Presence(junction()?, read("presence", payload)?)])),
            Kind::Status(StatusCode::Vehicles) if !node.is_fleet() => {
                Err(Rejection::new("mqtt.unexpected", format!("vehicle positions from {node}")))
            }
            Kind::Status(StatusCode::Vehicles) => {
                let status: Status<Vehicles> = read(StatusCode::Vehicles.as_str(), payload)?;
                let newest = status.entries.into_iter().next_back();
                let Entry { ts, values, .. } = newest
                    .ok_or_else(|| Rejection::new(malformed(StatusCode::Vehicles.as_str()), "no entries"))?;
                Ok(Heard::Vehicles(node, ts, values))
            }
            Kind::Status(code @ (StatusCode::Events | StatusCode::Counts)) => {
                Ok(Heard::Kept(kept(junction()?, code, false, payload)?))
            }
            Kind::Replay(code @ (StatusCode::Events | StatusCode::Counts))
            | Kind::History(code @ (StatusCode::Events | StatusCode::Counts)) => {
                Ok(Heard::Kept(kept(junction()?, code, true, payload)?))
            }
            Kind::Status(code) => Ok(Heard::Live(status(junction()?, code, payload)?)),
            Kind::Replay(code) | Kind::History(code) => {
                Err(Rejection::new("mqtt.unexpected", format!("{} replayed by {node}", code.as_str())))
            }
            Kind::Fetch(code) => {
                Err(Rejection::new("mqtt.unexpected", format!("{} asked of {node}", code.as_str())))
            }
            Kind::Channel(code) => {
                let word: ChannelWord = read("channel", payload)?;
                Ok(Heard::Live(vec![Event::Channel(junction()?, code, word.state)]))
            }
            Kind::Throttle(code) => {
                Err(Rejection::new("mqtt.unexpected", format!("{} throttled at {node}", code.as_str())))
            }
            Kind::Stored(code) => {
                Err(Rejection::new("mqtt.unexpected", format!("{} stored for {node}", code.as_str())))
            }
            Kind::Alarm(code) => {
                if code.len() > ALARM_CODE_BOUND {
                    return Err(Rejection::new(
                        malformed("alarm"),
                        format!("an alarm code of {} bytes", code.len()),
                    ));
                }
                let alarms: Alarms = read("alarm", payload)?;
                Ok(Heard::Live(vec![Event::Alarms(junction()?, code, alarms)]))
            }
            Kind::Result(code) => {
                if node != self.me {
                    return Err(Rejection::new("mqtt.unknown-node", format!("a result for {node}")));
                }
                let result: CommandResult = read(code.as_str(), payload)?;
                let ix = lock(&self.sent).to.get(&result.cmd_id).copied().ok_or_else(|| {
                    Rejection::new("mqtt.unknown-command", format!("a result for command {}", result.cmd_id))
                })?;
                Ok(Heard::Live(vec![Event::Result(ix, result)]))
            }
            Kind::Answer(question) => {
                if node != self.me {
                    return Err(Rejection::new("mqtt.unknown-node", format!("an answer for {node}")));
                }
                Ok(Heard::Answer(Box::new(read(question.as_str(), payload)?)))
            }
            Kind::Ask(question) => {
                Err(Rejection::new("mqtt.unexpected", format!("{} from {node}", question.as_str())))
            }
            Kind::Command(code) => {
                Err(Rejection::new("mqtt.unexpected", format!("a command {} to {node}", code.as_str())))
            }
        }
    }

    /// The events in one message, for callers that have no store: replays and vehicles are left out.
    pub fn events(&self, topic: &str, payload: &[u8]) -> Result<Vec<Event>, Rejection> {
        Ok(match self.hear(topic, payload)? {
            Heard::Live(events) => events,
            Heard::Kept(kept) if !kept.replayed => kept.entries.into_iter().map(|(_, event)| event).collect(),
            Heard::Kept(_) | Heard::Vehicles(..) | Heard::Answer(_) => Vec::new(),
        })
    }

    fn cabinet(&self, ix: JunctionIx) -> Node {
        let junction = &self.city.junctions[ix.ix()];
        Node::cabinet(&junction.district, &junction.id)
    }

    /// The message that tells a cabinet what it need not keep any longer.
    pub fn stored(&self, ix: JunctionIx, code: StatusCode, runs: Vec<Run>) -> Outgoing {
        Outgoing::kept(self.cabinet(ix).topic(&Kind::Stored(code)), codec::encode(&Stored { runs }))
    }

    /// The message that asks a cabinet what it still has of a channel and a time.
    pub fn fetch(&self, ix: JunctionIx, code: StatusCode, time: &Range<Moment>) -> Outgoing {
        let fetch = Fetch { from: time.start, to: time.end };
        Outgoing::kept(self.cabinet(ix).topic(&Kind::Fetch(code)), codec::encode(&fetch))
    }

    /// The message that stops a channel of a cabinet or lets it run again.
    pub fn throttle(&self, ix: JunctionIx, code: StatusCode, throttle: &Throttle) -> Outgoing {
        Outgoing::kept(self.cabinet(ix).topic(&Kind::Throttle(code)), codec::encode(throttle))
    }

    /// The message that carries a command to a junction; its answer will be understood from now on.
    pub fn command(&self, ix: JunctionIx, command: &Command) -> Outgoing {
        let mut sent = lock(&self.sent);
        if sent.to.insert(command.cmd_id, ix).is_none() {
            sent.order.push_back(command.cmd_id);
            if sent.order.len() > SENT_BOUND
                && let Some(oldest) = sent.order.pop_front()
            {
                sent.to.remove(&oldest);
            }
        }
        let code = command.body.code();
        Outgoing::command(
            self.cabinet(ix).topic(&Kind::Command(code)),
            codec::encode(command),
            self.me.topic(&Kind::Result(code)),
            command.cmd_id.as_bytes().to_vec(),
        )
    }

    /// The message that puts a what-if question. The error says that it does not fit into one.
    pub(crate) fn what_if(&self, request: &Request) -> Result<Outgoing, String> {
        let payload = codec::encode(request);
        let most = LARGEST_PACKET as usize - HEADER_ROOM;
        if payload.len() > most {
            let size = payload.len();
            return Err(format!("the picture of the street takes {size} bytes; a message holds {most}"));
        }
        Ok(self.question(Question::WhatIf, request.id, payload))
    }

    fn question(&self, question: Question, id: Uuid, payload: Vec<u8>) -> Outgoing {
        Outgoing::command(
            self.me.topic(&Kind::Ask(question)),
            payload,
            self.me.topic(&Kind::Answer(Question::WhatIf)),
            id.as_bytes().to_vec(),
        )
    }

    /// The message that tells the others how long links take. Not retained: whoever comes later hears the next
    /// one within seconds, and nobody finds an old picture that a dead centre left behind.
    pub fn links(&self, at: Moment, seq: u64, words: &[LinkWord]) -> Outgoing {
        let link = |s: &LinkWord| LinkTime {
            link: self.city.network.link(s.link).id.as_str().to_owned(),
            time_s: s.time_s as f32,
            closed: s.closed,
        };
        let values = LinkTimes { links: words.iter().map(link).collect() };
        let status = Status { entries: vec![Entry::new(at, seq, values)] };
        Outgoing::kept(self.me.topic(&Kind::Status(StatusCode::Links)), codec::encode(&status))
    }

    /// What the centre listens to: the cabinets of each of its districts, public transport, and answers to itself.
    pub fn filters(&self) -> Vec<String> {
        let mut districts: Vec<_> =
            self.by_node.values().map(|ix| &self.city.junctions[ix.ix()].district).collect();
        districts.sort();
        districts.dedup();
        let mut filters = Vec::new();
        for district in districts {
            for kind in ["presence", "status/#", "channel/#", "alarm/#", "replay/#", "history/#"] {
                filters.push(format!("{CITY}/{district}/+/{kind}"));
            }
        }
        filters.push(format!("{CITY}/transit/+/status/{}", StatusCode::Vehicles.as_str()));
        filters.push(format!("{}/result/#", self.me));
        filters.push(format!("{}/answer/#", self.me));
        filters
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn malformed(code: &str) -> String {
    // `tlc.groups/live` is counted as `tlc.groups`.
    format!("mqtt.malformed.{}", code.split('/').next().unwrap_or(code))
}

fn read<T: DeserializeOwned>(code: &'static str, payload: &[u8]) -> Result<T, Rejection> {
    codec::decode(code, payload).map_err(|error| Rejection::new(malformed(code), error.to_string()))
}

fn entries<V: DeserializeOwned>(code: StatusCode, payload: &[u8]) -> Result<Vec<Entry<V>>, Rejection> {
    read(code.as_str(), payload).map(|status: Status<V>| status.entries)
}

fn kept(ix: JunctionIx, code: StatusCode, replayed: bool, payload: &[u8]) -> Result<Kept, Rejection> {
    let receipt =
        |boot_id: Option<Uuid>, seq: u64| Some(Receipt { junction: ix, code, boot_id: boot_id?, seq });
    let entries = match code {
        StatusCode::Counts => {
            let counts = |e: Entry<Counts>| (receipt(e.boot_id, e.seq), Event::Counts(ix, e.ts, e.values));
            entries(code, payload)?.into_iter().map(counts).collect()
        }
        _ => {
            let events = |e: Entry<Events>| (receipt(e.boot_id, e.seq), Event::HiRes(ix, e.values));
            entries(code, payload)?.into_iter().map(events).collect()
        }
    };
    Ok(Kept { replayed, entries })
}

fn status(ix: JunctionIx, code: StatusCode, payload: &[u8]) -> Result<Vec<Event>, Rejection> {
    fn each<V: DeserializeOwned>(
        code: StatusCode,
        payload: &[u8],
        event: impl Fn(Moment, V) -> Event,
    ) -> Result<Vec<Event>, Rejection> {
        Ok(entries(code, payload)?.into_iter().map(|e| event(e.ts, e.values)).collect())
    }
    match code {
        StatusCode::Groups => each(code, payload, |at, v: Groups| Event::Groups(ix, at, v)),
        StatusCode::Mode => each(code, payload, |_, v: Mode| Event::Mode(ix, v)),
        // The cabinet's own copy of its limits: the presence's hash already says whether it is ours.
        StatusCode::Config => Ok(Vec::new()),
        StatusCode::Events | StatusCode::Counts | StatusCode::Links | StatusCode::Vehicles => {
            Err(Rejection::new("mqtt.unexpected", format!("{} from a cabinet", code.as_str())))
        }
    }
}

/// Whether the broker is there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BrokerState {
    /// Connected, with all subscriptions.
    pub up: bool,
    /// Since when, by the city's clock.
    pub since: Moment,
    /// Why not, or empty.
    pub detail: String,
}

/// The running link to the street.
pub(crate) struct Field {
    pub(crate) decoder: Decoder,
    publisher: Publisher,
    /// What the street said. Bounded by [`HEARD_BOUND`].
    pub(crate) heard: mpsc::Receiver<Heard>,
    pub(crate) broker: watch::Receiver<BrokerState>,
    rejected: Arc<Mutex<BTreeMap<String, u64>>>,
    presence: Presence,
}

impl Field {
    /// Asks the broker for what it keeps of one cabinet's presence.
    pub(crate) fn ask_presence(&self, ix: JunctionIx) {
        self.publisher.subscribe(self.decoder.cabinet(ix).topic(&Kind::Presence));
    }

    /// Gives that filter back; the wide one goes on.
    pub(crate) fn stop_asking_presence(&self, ix: JunctionIx) {
        self.publisher.unsubscribe(&self.decoder.cabinet(ix).topic(&Kind::Presence));
    }

    /// Starts the link; it connects, and connects again, until [`Field::close`] or until `shutdown`.
    pub(crate) fn start(
        config: &Config,
        decoder: Decoder,
        clock: Clock,
        shutdown: CancellationToken,
    ) -> anyhow::Result<Field> {
        let presence = Presence {
            state: PresenceState::Online,
            boot_id: Uuid::now_v7(),
            config_hash: 0,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let junctions = decoder.by_node.len();
        let mut link = config.broker.link(format!("svetofor-centre-{}", config.instance))?;
        let gone = Presence { state: PresenceState::Offline, ..presence.clone() };
        link.will = Some(Will { topic: decoder.me.topic(&Kind::Presence), payload: codec::encode(&gone) });
        link.filters = decoder.filters().into_iter().collect();
        // A cabinet says about four things a second: two seconds of them, so that a pause of the core loses
        // nothing and a long one loses the oldest.
        link.incoming = 8 * junctions + 1_024;
        // Every ten seconds each is told at once what is stored, of two channels.
        link.outgoing = 2 * junctions + 1_024;
        link.in_flight = link::MANY_IN_FLIGHT;
        // A busy broker reads a thousand packets a second of each connection: thousands of acknowledgements would stand before
        // our commands. What must not be lost its cabinet keeps until the store has it, and says again.
        link.acknowledge = false;
        let (publisher, inbox) = link::connect(link);

        let (heard_in, heard) = mpsc::channel(HEARD_BOUND);
        let down = BrokerState { up: false, since: clock.now(), detail: "not connected yet".to_owned() };
        let (broker_in, broker) = watch::channel(down);
        let rejected = Arc::<Mutex<BTreeMap<String, u64>>>::default();
        let listener = Listener {
            decoder: decoder.clone(),
            publisher: publisher.clone(),
            presence: presence.clone(),
            clock,
            heard: heard_in,
            broker: broker_in,
            rejected: rejected.clone(),
        };
        tokio::spawn(async move {
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = listener.listen(inbox) => {}
            }
        });
        Ok(Field { decoder, publisher, heard, broker, rejected, presence })
    }

    /// Sends a command; never waits.
    pub(crate) fn command(&self, ix: JunctionIx, command: &Command) {
        self.publisher.publish(self.decoder.command(ix, command));
    }

    /// Sends a question; never waits.
    pub(crate) fn ask(&self, question: Outgoing) {
        self.publisher.publish(question);
    }

    /// Takes a question back; never waits.
    pub(crate) fn cancel_what_if(&self, id: Uuid) {
        let payload = codec::encode(&Cancel { id });
        self.publisher.publish(self.decoder.question(Question::Cancel, id, payload));
    }

    /// Tells a cabinet what is stored; never waits.
    pub(crate) fn stored(&self, ix: JunctionIx, code: StatusCode, runs: Vec<Run>) {
        self.publisher.publish(self.decoder.stored(ix, code, runs));
    }

    /// Asks a cabinet what it still has; never waits.
    pub(crate) fn fetch(&self, ix: JunctionIx, code: StatusCode, time: &Range<Moment>) {
        self.publisher.publish(self.decoder.fetch(ix, code, time));
    }

    /// Stops a channel of a cabinet or lets it run again; never waits.
    pub(crate) fn throttle(&self, ix: JunctionIx, code: StatusCode, throttle: &Throttle) {
        self.publisher.publish(self.decoder.throttle(ix, code, throttle));
    }

    /// Sends link times; never waits.
    pub(crate) fn links(&self, at: Moment, seq: u64, words: &[LinkWord]) {
        self.publisher.publish(self.decoder.links(at, seq, words));
    }

    /// Messages that were not understood, by name.
    pub(crate) fn rejected(&self) -> BTreeMap<String, u64> {
        lock(&self.rejected).clone()
    }

    /// What the link has done.
    pub(crate) fn counts(&self) -> LinkCounts {
        self.publisher.counts()
    }

    /// Messages that the broker has not taken yet.
    pub(crate) fn backlog(&self) -> usize {
        self.publisher.backlog()
    }

    /// Says goodbye. Gives up after some seconds.
    pub(crate) async fn close(&self) {
        let gone = Presence { state: PresenceState::Shutdown, ..self.presence.clone() };
        let topic = self.decoder.me.topic(&Kind::Presence);
        self.publisher.publish(Outgoing::retained(topic, codec::encode(&gone)));
        self.publisher.close().await;
    }
}

/// The task that reads the link.
struct Listener {
    decoder: Decoder,
    publisher: Publisher,
    presence: Presence,
    clock: Clock,
    heard: mpsc::Sender<Heard>,
    broker: watch::Sender<BrokerState>,
    rejected: Arc<Mutex<BTreeMap<String, u64>>>,
}

impl Listener {
    async fn listen(self, mut inbox: Inbox) {
        while let Some(incoming) = inbox.next().await {
            match incoming {
                Incoming::Connected => {
                    tracing::info!("connected to the broker");
                    let topic = self.decoder.me.topic(&Kind::Presence);
                    self.publisher.publish(Outgoing::retained(topic, codec::encode(&self.presence)));
                    self.set_broker(true, String::new());
                }
                Incoming::Disconnected(error) => {
                    if self.broker.borrow().detail != error {
                        tracing::warn!(error, "no broker; trying again");
                    }
                    self.set_broker(false, error);
                }
                Incoming::Message(message) => match self.decoder.hear(&message.topic, &message.payload) {
                    Ok(heard) => {
                        if self.heard.send(heard).await.is_err() {
                            return;
                        }
                    }
                    Err(rejection) => {
                        tracing::debug!(
                            name = rejection.name,
                            detail = rejection.detail,
                            "a message was not understood"
                        );
                        *lock(&self.rejected).entry(rejection.name).or_default() += 1;
                    }
                },
            }
        }
    }

    fn set_broker(&self, up: bool, detail: String) {
        self.broker.send_modify(|state| {
            let since = if state.up == up { state.since } else { self.clock.now() };
            *state = BrokerState { up, since, detail };
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::{
        command::Body,
        message::{Alarm, HiRes, Rung},
        result::ResultState,
    };

    fn decoder() -> Decoder {
        let city = model::sketch::city("W---C---E\n    |\n    |\n    |\n    S", "C");
        Decoder::new(Arc::new(city), None, "centre-1")
    }

    fn status<V: serde::Serialize>(values: V) -> Vec<u8> {
        codec::encode(&Status { entries: vec![Entry::new(Moment(5_000), 0, values)] })
    }

    fn mode() -> Vec<u8> {
        let reason = "lease held".to_owned();
        status(Mode { rung: Rung::Adaptive, since: Moment(0), reason, plan: 1, lease_until: None })
    }

    fn alarm() -> Vec<u8> {
        let component = "sg/1".to_owned();
        let alarm = Alarm { component, severity: 2, active: true, since: Moment(0), message: String::new() };
        codec::encode(&Alarms { full: true, alarms: vec![alarm] })
    }

    #[test]
    fn what_arrives_becomes_events_or_a_named_rejection() {
        let check = |topic: &str, payload: &[u8], expected: &str| {
            let heard = match decoder().hear(topic, payload) {
                Ok(Heard::Live(events)) => format!("{events:?}").chars().take(24).collect(),
                Ok(Heard::Kept(Kept { replayed, entries, .. })) => {
                    format!("{} {entries:?}", if replayed { "replayed" } else { "kept" })
                }
                Ok(Heard::Vehicles(_, at, v)) => format!("vehicles at {}: {}", at.0, v.vehicles.len()),
                Ok(Heard::Answer(answer)) => format!("answer of {}", answer.from),
                Err(rejection) => rejection.name,
            };
            assert!(heard.starts_with(expected), "{topic}: {heard}");
        };
        let events = status(Events { events: vec![HiRes { t: Moment(1), code: 82, param: 1 }] });
        check("mow/sketch/C/status/tlc.mode/live", &mode(), "[Mode(JunctionIx(0), Mod");
        check("mow/sketch/C/status/tlc.events/hires", &events, "kept [(None, HiRes(JunctionIx(0), Ev");
        check("mow/sketch/C/replay/tlc.events/hires", &events, "replayed [(None, HiRes(JunctionIx(0), Ev");
        check("mow/sketch/C/replay/tlc.mode/live", &mode(), "mqtt.unexpected");
        check("mow/sketch/C/stored/tlc.events/hires", &events, "mqtt.unexpected");
        check("mow/sketch/C/alarm/tlc.lamp", &alarm(), "[Alarms(JunctionIx(0), \"");
        check("mow/sketch/C/status/tlc.config/full", b"whatever it says", "[]");
        check(
            "mow/transit/fleet/status/vehicle.positions/live",
            &status(Vehicles::default()),
            "vehicles at 5000: 0",
        );
        // What is wrong, from the outside in.
        check("elsewhere", &mode(), "mqtt.unknown-topic");
        check("mow/sketch/C/status/tlc.weather/live", &mode(), "mqtt.unknown-topic");
        check("mow/sketch/D/status/tlc.mode/live", &mode(), "mqtt.unknown-node");
        check("mow/other/C/status/tlc.mode/live", &mode(), "mqtt.unknown-node");
        check("mow/sketch/C/status/tlc.mode/live", b"", "mqtt.malformed.tlc.mode");
        check("mow/sketch/C/status/tlc.mode/live", b"\xff\x00{}", "mqtt.malformed.tlc.mode");
        check("mow/sketch/C/status/tlc.groups/live", &mode(), "mqtt.malformed.tlc.groups");
        check("mow/sketch/C/status/traffic.count/1s", &[0x9f; 40], "mqtt.malformed.traffic.count");
        check("mow/sketch/C/presence", b"online", "mqtt.malformed.presence");
        check("mow/sketch/C/alarm/tlc.lamp", b"", "mqtt.malformed.alarm");
        check(&format!("mow/sketch/C/alarm/{}", "x".repeat(65)), &alarm(), "mqtt.malformed.alarm");
        check("mow/transit/fleet/status/vehicle.positions/live", b"", "mqtt.malformed.vehicle.positions");
        // A cabinet has no vehicles.
        check("mow/sketch/C/status/vehicle.positions/live", &status(Vehicles::default()), "mqtt.unexpected");
        check("mow/sketch/C/status/traffic.links/live", b"", "mqtt.unexpected");
        check("mow/sketch/C/command/tlc.lease", b"", "mqtt.unexpected");
        check("mow/centre/centre-2/result/tlc.lease", b"", "mqtt.unknown-node");
        check("mow/centre/centre-1/result/tlc.lease", b"", "mqtt.malformed.tlc.lease");
        let state = wire::what_if::State::Running { done: 0.5 };
        let answer = codec::encode(&Answer { id: Uuid::nil(), from: "sim".into(), state });
        check("mow/centre/centre-1/answer/whatif.run", &answer, "answer of sim");
        check("mow/centre/centre-1/answer/whatif.run", b"soon", "mqtt.malformed.whatif.run");
        check("mow/centre/centre-2/answer/whatif.run", &answer, "mqtt.unknown-node");
        check("mow/centre/centre-1/ask/whatif.run", &answer, "mqtt.unexpected");
    }

    #[test]
    fn an_answer_finds_the_junction_that_was_asked() {
        let decoder = decoder();
        let command = Command {
            cmd_id: Uuid::from_u128(7),
            epoch: 1,
            seq: 1,
            boot_id: Uuid::nil(),
            config_hash: 0,
            ref_tick: 0,
            expires_at: Moment(0),
            lease_s: 15,
            body: Body::Stage(2),
        };
        let result = CommandResult {
            cmd_id: command.cmd_id,
            state: ResultState::Applied,
            reason: None,
            detail: String::new(),
        };
        let topic = "mow/centre/centre-1/result/tlc.stage.request";
        let unknown = decoder.events(topic, &codec::encode(&result)).unwrap_err();
        assert_eq!(unknown.name, "mqtt.unknown-command");
        let sent = decoder.command(JunctionIx(0), &command);
        assert_eq!(sent.topic(), "mow/sketch/C/command/tlc.stage.request");
        let events = decoder.events(topic, &codec::encode(&result)).unwrap();
        assert!(matches!(&events[..], [Event::Result(JunctionIx(0), r)] if *r == result));
    }

    #[test]
    fn a_centre_listens_to_its_own_districts() {
        insta::assert_snapshot!(decoder().filters().join("\n"), @r"
        mow/sketch/+/presence
        mow/sketch/+/status/#
        mow/sketch/+/channel/#
        mow/sketch/+/alarm/#
        mow/sketch/+/replay/#
        mow/sketch/+/history/#
        mow/transit/+/status/vehicle.positions/live
        mow/centre/centre-1/result/#
        mow/centre/centre-1/answer/#
        ");
        let other = [DistrictId::new("other")];
        let idle = Decoder::new(decoder().city.clone(), Some(&other), "centre-1");
        assert_eq!(idle.filters().len(), 3);
        let error = idle.hear("mow/sketch/C/status/tlc.mode/live", &mode()).unwrap_err();
        assert_eq!(error.name, "mqtt.unknown-node");
    }
}
