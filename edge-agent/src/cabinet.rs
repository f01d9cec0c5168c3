//! The shell around the core for one cabinet: it carries out what the core wants, and has no timer of its
//! own. Whoever holds it says when it is time, so that a lockstep run can drive it under any clock.

use crate::{
    agent::{Action, Agent, AgentConfig, Arrived, Event, Publication},
    device::modbus::{ModbusConfig, ModbusDevice},
    spool::{self, Spool, SpoolConfig},
    uplink::Uplink,
};
use model::{signal::Junction, time::Moment};
use std::{
    collections::{BTreeMap, VecDeque},
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use uuid::Uuid;
use wire::{
    codec,
    link::{Incoming, Message, Outgoing, Publisher, Will},
    message::{Presence, PresenceState},
    topic::{self, CommandCode, Kind, Node, StatusCode},
};

/// One cabinet.
#[derive(Clone, Debug)]
pub struct CabinetConfig {
    /// Its own copy of its limits.
    pub junction: Arc<Junction>,
    /// Its device.
    pub device: ModbusConfig,
    /// Usual time between two readings, on the city's clock.
    pub poll: Duration,
    /// What it keeps through an outage.
    pub spool: SpoolConfig,
    /// Entries replayed per second of the city's time.
    pub replay_per_s: u32,
}

impl CabinetConfig {
    /// Its node on the wire.
    pub fn node(&self) -> Node {
        Node::cabinet(&self.junction.district, &self.junction.id)
    }

    /// All that an agent subscribes to.
    pub fn filters(&self) -> [String; 4] {
        ["command", "stored", "fetch", "throttle"].map(|kind| format!("{}/{kind}/#", self.node()))
    }

    /// What the broker says of it when its connection is lost.
    pub fn will(&self, boot: Uuid) -> Will {
        let presence = Presence {
            state: PresenceState::Offline,
            boot_id: boot,
            config_hash: self.junction.config_hash(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        Will { topic: self.node().topic(&Kind::Presence), payload: codec::encode(&presence) }
    }
}

/// One cabinet's agent with its device and its link.
#[derive(Debug)]
pub struct Cabinet {
    node: Node,
    agent: Agent,
    device: ModbusDevice,
    uplink: Uplink,
    publisher: Publisher,
    epoch_file: Option<PathBuf>,
    malformed_topics: u64,
    malformed_stored: u64,
    malformed_fetches: u64,
    refused_fetches: u64,
    malformed_throttles: u64,
    /// Losses that the core has heard of.
    lost: u64,
}

impl Cabinet {
    /// Nothing is connected yet; `boot` is new at every start, and `now` is tick 0 of this boot.
    ///
    /// # Errors
    /// When the spool's folder cannot be made or listed.
    pub fn new(config: CabinetConfig, publisher: Publisher, boot: Uuid, now: Moment) -> io::Result<Cabinet> {
        let node = config.node();
        let spool = Spool::open(config.spool.clone(), &node)?;
        let epoch_file = config.spool.folder.map(|f| f.join(format!("{}.epoch", spool::file_name(&node))));
        let epoch = epoch_file.as_deref().map_or(0, remembered);
        let mut device = ModbusDevice::new(config.device);
        device.resume(spool.log());
        let agent = AgentConfig {
            junction: config.junction,
            boot,
            poll: config.poll,
            longest_countdown_s: device.longest_countdown_s(),
            epoch,
        };
        Ok(Cabinet {
            agent: Agent::new(agent, now),
            uplink: Uplink::new(node.clone(), spool, config.replay_per_s, now),
            publisher,
            device,
            node,
            epoch_file,
            malformed_topics: 0,
            malformed_stored: 0,
            malformed_fetches: 0,
            refused_fetches: 0,
            malformed_throttles: 0,
            lost: 0,
        })
    }

    /// Its node on the wire.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// One full round: reads the device, decides, writes, publishes.
    pub async fn poll(&mut self, now: Moment) {
        let event = match self.device.read(now).await {
            Ok(report) => Event::Report(report),
            Err(error) => Event::DeviceFailed(with_causes(&error)),
        };
        self.feed(now, event).await;
        let lost = self.uplink.spool().dropped();
        if lost > std::mem::replace(&mut self.lost, lost) {
            self.feed(now, Event::Lost(lost)).await;
        }
        self.uplink.resume(now).into_iter().for_each(|word| self.publisher.publish(word));
        self.feed(now, Event::Tick).await;
        self.uplink.replay(now).into_iter().for_each(|part| self.publisher.publish(part));
    }

    /// Takes what arrived over the link.
    pub async fn incoming(&mut self, now: Moment, incoming: Incoming) {
        match incoming {
            Incoming::Connected => {
                self.uplink.link(true);
                self.uplink.channels().for_each(|word| self.publisher.publish(word));
                self.feed(now, Event::Link(true)).await;
            }
            Incoming::Disconnected(_) => {
                self.uplink.link(false);
                self.feed(now, Event::Link(false)).await;
            }
            Incoming::Message(message) => match topic::parse(&message.topic) {
                Some((node, Kind::Command(code))) if node == self.node => {
                    self.feed(now, Event::Command(arrived(code, message))).await;
                }
                Some((node, Kind::Stored(code))) if node == self.node && !message.retain => {
                    match codec::decode("stored", &message.payload) {
                        Ok(stored) => self.uplink.stored(now, code, &stored),
                        Err(error) => {
                            tracing::warn!(signal = %self.node, %error, "unreadable word of what is stored");
                            self.malformed_stored += 1;
                        }
                    }
                }
                Some((node, Kind::Fetch(code @ (StatusCode::Events | StatusCode::Counts))))
                    if node == self.node && !message.retain =>
                {
                    match codec::decode("fetch", &message.payload) {
                        Ok(fetch) if self.uplink.fetch(code, &fetch) => {}
                        Ok(_) => self.refused_fetches += 1,
                        Err(error) => {
                            tracing::warn!(signal = %self.node, %error, "unreadable question about the past");
                            self.malformed_fetches += 1;
                        }
                    }
                }
                Some((node, Kind::Throttle(code))) if node == self.node && !message.retain => {
                    match codec::decode("throttle", &message.payload) {
                        Ok(throttle) => match self.uplink.throttle(now, code, &throttle) {
                            Some(word) => {
                                tracing::info!(signal = %self.node, channel = code.as_str(), action = ?throttle.action, "throttled");
                                self.publisher.publish(word);
                            }
                            None => self.malformed_topics += 1,
                        },
                        Err(error) => {
                            tracing::warn!(signal = %self.node, %error, "unreadable throttle");
                            self.malformed_throttles += 1;
                        }
                    }
                }
                _ => self.malformed_topics += 1,
            },
        }
    }

    /// Says goodbye; closing the link is its owner's part.
    pub fn stop(&mut self, now: Moment) {
        self.say(now, Publication::Presence(self.agent.presence(PresenceState::Shutdown)));
    }

    fn say(&mut self, now: Moment, publication: Publication) {
        if let Some(message) = self.uplink.publish(now, publication) {
            self.publisher.publish(message);
        }
    }

    /// Counted rejections and losses since the start, by name.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        let mut counts = self.agent.counts().clone();
        let link = self.publisher.counts();
        let spool = self.uplink.spool();
        for (name, n) in [
            ("mqtt.malformed.topic", self.malformed_topics),
            ("mqtt.malformed.stored", self.malformed_stored),
            ("mqtt.malformed.fetch", self.malformed_fetches),
            ("fetch.refused", self.refused_fetches),
            ("mqtt.malformed.throttle", self.malformed_throttles),
            ("link.dropped.live", link.dropped_live),
            ("link.dropped.kept", link.dropped_kept),
            ("link.dropped.urgent", link.dropped_urgent),
            ("link.dropped.incoming", link.dropped_incoming),
            ("link.refused", link.refused),
            ("spool.dropped", spool.dropped()),
            ("spool.unconfirmed", spool.unconfirmed()),
            ("spool.broken", spool.broken()),
        ] {
            if n > 0 {
                counts.insert(name.to_owned(), n);
            }
        }
        counts
    }

    async fn feed(&mut self, now: Moment, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for action in self.agent.handle(now, event) {
                match action {
                    Action::Write { id, settings } => {
                        let outcome = self.device.write(now, &settings).await.map_err(|e| with_causes(&e));
                        events.push_back(Event::Written { id, outcome });
                    }
                    Action::Publish(publication) => self.say(now, publication),
                    Action::Answer { topic, correlation, result } => {
                        self.publisher.publish(Outgoing::result(topic, codec::encode(&result), correlation));
                    }
                    Action::RememberEpoch(epoch) => self.remember(epoch),
                }
            }
        }
    }

    /// Replaces the file as a whole: half a number must never be read back.
    fn remember(&self, epoch: u64) {
        let Some(file) = &self.epoch_file else { return };
        let fresh = file.with_extension("epoch-new");
        let written = File::create(&fresh)
            .and_then(|mut new| new.write_all(epoch.to_string().as_bytes()).and_then(|()| new.sync_all()))
            .and_then(|()| std::fs::rename(&fresh, file));
        if let Err(error) = written {
            tracing::warn!(file = %file.display(), %error, "the epoch cannot be kept across a restart");
        }
    }
}

/// The epoch that an earlier run of this cabinet's agent obeyed last; 0 if there was none.
fn remembered(file: &Path) -> u64 {
    let epoch = match std::fs::read_to_string(file) {
        Ok(text) => text.trim().parse().map_err(|e: std::num::ParseIntError| e.to_string()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error.to_string()),
    };
    epoch.unwrap_or_else(|error| {
        tracing::warn!(file = %file.display(), error, "the last epoch is lost; the first centre that asks is believed");
        0
    })
}

fn arrived(code: CommandCode, message: Message) -> Arrived {
    Arrived {
        code,
        payload: message.payload,
        retain: message.retain,
        response_topic: message.response_topic,
        correlation: message.correlation,
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests;
