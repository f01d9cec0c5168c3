//! The field path: devices behind Modbus TCP, agents with their own links, a real broker between them and
//! the centre. Time is ours; the sockets are real.

use super::{Commands, cores::boot};
use crate::broker;
use anyhow::{Context, bail};
use controller::{coordinator::Event, field::Decoder};
use edge_agent::{
    Cabinet, CabinetConfig,
    device::modbus::{ModbusConfig, Reach},
    spool::SpoolConfig,
};
use model::{city::City, ids::JunctionIx, time::Moment};
use simulator::modbus_field::FieldDevice;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};
use tokio::{net::TcpListener, time::timeout};
use tokio_util::sync::CancellationToken;
use wire::{
    link::{self, Inbox, Incoming, LinkConfig, Publisher},
    register_map::RegisterMap,
    result::ResultState,
};

/// Longest real time that one step of a second may take to arrive, before the run fails rather than hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// Cabinets, centre link and broker.
pub(crate) struct FieldPath {
    cabinets: Vec<(Cabinet, Publisher, Inbox)>,
    decoder: Decoder,
    publisher: Publisher,
    inbox: Inbox,
    /// Events that came before their turn.
    early: Vec<Event>,
    /// A first reading has nothing to count from.
    first: bool,
    shutdown: CancellationToken,
}

impl FieldPath {
    /// Starts a broker on a free port, a Modbus server per device and a link per agent, and waits until all
    /// of them are connected.
    pub(crate) async fn start(
        city: &Arc<City>,
        devices: &[FieldDevice],
        map: &Arc<RegisterMap>,
        now: Moment,
    ) -> anyhow::Result<FieldPath> {
        let mqtt = broker::start(SocketAddr::from(([127, 0, 0, 1], 0)), devices.len())?;
        let shutdown = CancellationToken::new();
        let decoder = Decoder::new(city.clone(), None, "evaluate");
        let mut link = LinkConfig::new(mqtt.ip().to_string(), mqtt.port(), "evaluate");
        link.filters = decoder.filters().into_iter().collect();
        link.incoming = devices.len() * 64 + 1024;
        link.outgoing = devices.len() * 4 + 64;
        let (publisher, mut inbox) = link::connect(link);
        connected(&mut inbox).await.context("the centre's link")?;
        let mut cabinets = Vec::with_capacity(devices.len());
        for (i, device) in devices.iter().enumerate() {
            let listener =
                TcpListener::bind("127.0.0.1:0").await.context("no free port for a Modbus device")?;
            let address = listener.local_addr()?;
            tokio::spawn(device.clone().serve(listener, shutdown.clone()));
            let config = CabinetConfig {
                junction: Arc::new(city.junctions[i].clone()),
                device: ModbusConfig {
                    at: Reach::Tcp(address),
                    unit: map.unit,
                    map: map.clone(),
                    timeout: Duration::from_secs(5),
                },
                poll: Duration::from_secs(1),
                spool: SpoolConfig { folder: None, most_bytes: 1 << 20, kept_bytes: 0 },
                replay_per_s: 0,
            };
            let mut link = LinkConfig::new(mqtt.ip().to_string(), mqtt.port(), format!("agent-{i}"));
            link.filters = config.filters().into();
            let (publisher, mut inbox) = link::connect(link);
            let up = connected(&mut inbox).await.with_context(|| format!("the link of {}", config.node()))?;
            let mut cabinet = Cabinet::new(config, publisher.clone(), boot(JunctionIx::from(i)), now)?;
            cabinet.incoming(now, up).await;
            cabinets.push((cabinet, publisher, inbox));
        }
        Ok(FieldPath { cabinets, decoder, publisher, inbox, early: Vec::new(), first: true, shutdown })
    }

    /// Every agent polls its device; the second's reports are complete when each junction's lamps and counts
    /// of this very moment have come through the broker.
    pub(super) async fn reports(&mut self, now: Moment) -> anyhow::Result<Vec<Event>> {
        for (cabinet, ..) in &mut self.cabinets {
            cabinet.poll(now).await;
        }
        let first = std::mem::replace(&mut self.first, false);
        let mut missing: BTreeSet<(JunctionIx, bool)> = (0..self.cabinets.len())
            .map(JunctionIx::from)
            .flat_map(|ix| [(ix, false), (ix, true)])
            .filter(|(_, counts)| !(first && *counts))
            .collect();
        let mut told = std::mem::take(&mut self.early);
        while !missing.is_empty() {
            for event in self.hear().await? {
                match &event {
                    Event::Groups(ix, at, _) if *at == now => missing.remove(&(*ix, false)),
                    Event::Counts(ix, at, _) if *at == now => missing.remove(&(*ix, true)),
                    _ => false,
                };
                told.push(event);
            }
        }
        Ok(told)
    }

    /// Sends the commands, lets the agents obey, and waits for every final answer.
    pub(super) async fn obey(&mut self, now: Moment, commands: &Commands) -> anyhow::Result<Vec<Event>> {
        let mut open: BTreeMap<JunctionIx, usize> = BTreeMap::new();
        for (ix, command) in commands {
            self.publisher.publish(self.decoder.command(*ix, command));
            *open.entry(*ix).or_default() += 1;
        }
        for (ix, count) in &open {
            let (cabinet, _, inbox) = &mut self.cabinets[ix.ix()];
            for _ in 0..*count {
                let arrived = timeout(PATIENCE, inbox.next()).await;
                match arrived.with_context(|| format!("no command reached {}", cabinet.node()))? {
                    Some(incoming) => cabinet.incoming(now, incoming).await,
                    None => bail!("the link of {} ended", cabinet.node()),
                }
            }
        }
        let mut told = Vec::new();
        while open.values().any(|n| *n > 0) {
            for event in self.hear().await? {
                match event {
                    Event::Result(ix, result) => {
                        let last = matches!(
                            result.state,
                            ResultState::Applied | ResultState::Rejected | ResultState::Expired
                        );
                        if let Some(count) = open.get_mut(&ix).filter(|_| last) {
                            *count -= 1;
                        }
                        told.push(Event::Result(ix, result));
                    }
                    // What an order changed is reported at once; the next second takes it.
                    other => self.early.push(other),
                }
            }
        }
        Ok(told)
    }

    async fn hear(&mut self) -> anyhow::Result<Vec<Event>> {
        let incoming = timeout(PATIENCE, self.inbox.next()).await.context("the broker went silent")?;
        match incoming {
            Some(Incoming::Message(message)) => Ok(self.decoder.events(&message.topic, &message.payload)?),
            Some(Incoming::Connected) => Ok(Vec::new()),
            Some(Incoming::Disconnected(cause)) => bail!("the broker was lost: {cause}"),
            None => bail!("the centre's link ended"),
        }
    }

    pub(super) async fn close(self) {
        for (_, publisher, inbox) in self.cabinets {
            drop(inbox);
            publisher.close().await;
        }
        drop(self.inbox);
        self.publisher.close().await;
        self.shutdown.cancel();
    }
}

async fn connected(inbox: &mut Inbox) -> anyhow::Result<Incoming> {
    match timeout(PATIENCE, inbox.next()).await.context("no connection to the broker")? {
        Some(up @ Incoming::Connected) => Ok(up),
        other => bail!("no connection to the broker: {other:?}"),
    }
}
