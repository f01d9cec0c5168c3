//! All cabinets of one process, each with its own task, until the shutdown.

use crate::{Cabinet, CabinetConfig, Connection, Opened};
use std::{collections::BTreeMap, fs::File, path::PathBuf, time::Duration};
use tokio::{sync::mpsc, task::JoinSet};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use wire::{
    clock::Clock,
    codec,
    link::{self, Inbox, Incoming, LinkConfig, Outgoing, Publisher, Will},
    message::{Presence, PresenceState},
    topic,
};

/// Messages that wait for one cabinet behind a shared link: a centre sends one command a second, and they
/// expire after five.
const ROUTED: usize = 32;
/// Messages that may wait in a shared link, for each cabinet.
const SHARED_QUEUE_PER_CABINET: usize = 64;

/// Why the daemon could not start.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The spool's folder is of no use.
    #[error("could not open the spool of {node}")]
    Spool {
        /// Whose.
        node: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Another agent keeps its spool there: two would destroy one another's.
    #[error("{} is in use by another agent", .0.display())]
    InUse(PathBuf),
}

/// Runs all cabinets until `shutdown`, on the given clock. Links and devices that are not there are waited
/// for; only what no waiting can mend is an error.
pub async fn run(config: Opened, clock: Clock, shutdown: CancellationToken) -> Result<(), RunError> {
    let count = config.cabinets.len().max(1);
    let _alone = alone(&config)?;
    let gateway = match config.connection {
        Connection::PerCabinet => None,
        Connection::Shared => Some(Gateway::start(&config)),
    };
    let mut tasks = JoinSet::new();
    let mut routes = BTreeMap::new();
    for (i, cabinet) in config.cabinets.into_iter().enumerate() {
        let boot = Uuid::now_v7();
        let node = cabinet.node();
        let (publisher, inbox) = match &gateway {
            None => {
                let (publisher, inbox) = link::connect(LinkConfig {
                    client_id: format!("{}-{node}", config.link.client_id),
                    will: Some(cabinet.will(boot)),
                    filters: cabinet.filters().into(),
                    ..config.link.clone()
                });
                (publisher.clone(), Source::Own(inbox, publisher))
            }
            Some(gateway) => {
                let (to, from) = mpsc::channel(ROUTED);
                routes.insert(node.clone(), to);
                (gateway.publisher.clone(), Source::Routed(from))
            }
        };
        // Spread over the poll, so that a gateway's line is not asked for everything at once.
        let start = clock.now() + cabinet.poll.mul_f64(i as f64 / count as f64);
        let poll = cabinet.poll;
        let cabinet = Cabinet::new(cabinet, publisher, boot, clock.now())
            .map_err(|source| RunError::Spool { node: node.to_string(), source })?;
        tasks.spawn(live(cabinet, inbox, clock, start, poll, shutdown.clone()));
    }
    if let Some(gateway) = gateway {
        tasks.spawn(gateway.route(routes, shutdown.clone()));
    }
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended
            && error.is_panic()
        {
            std::panic::resume_unwind(error.into_panic());
        }
    }
    Ok(())
}

/// Holds the spool's folder for this agent until it is dropped.
fn alone(config: &Opened) -> Result<Option<File>, RunError> {
    let Some((first, folder)) = config.cabinets.first().and_then(|c| Some((c, c.spool.folder.as_ref()?)))
    else {
        return Ok(None);
    };
    let file = std::fs::create_dir_all(folder).and_then(|()| File::create(folder.join("lock")));
    let file = file.map_err(|source| RunError::Spool { node: first.node().to_string(), source })?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(_) => Err(RunError::InUse(folder.clone())),
    }
}

enum Source {
    /// The cabinet's own link.
    Own(Inbox, Publisher),
    /// What the gateway passes on.
    Routed(mpsc::Receiver<Incoming>),
}

impl Source {
    async fn next(&mut self) -> Option<Incoming> {
        match self {
            Source::Own(inbox, _) => inbox.next().await,
            Source::Routed(from) => from.recv().await,
        }
    }
}

async fn live(
    mut cabinet: Cabinet,
    mut inbox: Source,
    clock: Clock,
    start: model::time::Moment,
    poll: Duration,
    shutdown: CancellationToken,
) {
    let mut due = start;
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            incoming = inbox.next() => match incoming {
                Some(incoming) => cabinet.incoming(clock.now(), incoming).await,
                None => break,
            },
            () = clock.sleep_until(due) => {
                cabinet.poll(clock.now()).await;
                // A slow device makes polls rarer; it does not make them pile up.
                due = (due + poll).max(clock.now());
            }
        }
    }
    cabinet.stop(clock.now());
    let counts = cabinet.counts();
    tracing::info!(signal = %cabinet.node(), ?counts, "stopped");
    if let Source::Own(_, publisher) = inbox {
        publisher.close().await;
    }
}

/// One connection for many cabinets.
struct Gateway {
    publisher: Publisher,
    inbox: Inbox,
    presence: Presence,
    topic: String,
}

impl Gateway {
    fn start(config: &Opened) -> Gateway {
        let presence = Presence {
            state: PresenceState::Online,
            boot_id: Uuid::now_v7(),
            config_hash: 0,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let topic = format!("{}/gateway/{}/presence", topic::CITY, config.link.client_id);
        let will = Presence { state: PresenceState::Offline, ..presence.clone() };
        let queue = SHARED_QUEUE_PER_CABINET * config.cabinets.len().max(1);
        let (publisher, inbox) = link::connect(LinkConfig {
            will: Some(Will { topic: topic.clone(), payload: codec::encode(&will) }),
            filters: config.cabinets.iter().flat_map(CabinetConfig::filters).collect(),
            outgoing: queue,
            incoming: queue,
            in_flight: link::MANY_IN_FLIGHT,
            ..config.link.clone()
        });
        Gateway { publisher, inbox, presence, topic }
    }

    fn say(&self, state: PresenceState) {
        let presence = Presence { state, ..self.presence.clone() };
        self.publisher.publish(Outgoing::retained(&self.topic, codec::encode(&presence)));
    }

    async fn route(
        mut self,
        routes: BTreeMap<topic::Node, mpsc::Sender<Incoming>>,
        shutdown: CancellationToken,
    ) {
        loop {
            let incoming = tokio::select! {
                () = shutdown.cancelled() => break,
                incoming = self.inbox.next() => match incoming {
                    Some(incoming) => incoming,
                    None => break,
                },
            };
            if incoming == Incoming::Connected {
                self.say(PresenceState::Online);
            }
            if let Incoming::Message(message) = incoming {
                let to = topic::parse(&message.topic).and_then(|(node, _)| routes.get(&node));
                let topic = message.topic.clone();
                // A cabinet whose device holds it up for long loses commands that would be stale anyway.
                if to.is_none_or(|to| to.try_send(Incoming::Message(message)).is_err()) {
                    tracing::warn!(topic, "a message that no cabinet takes");
                }
                continue;
            }
            // Every cabinet must hear of the link's ups and downs, so we wait for room.
            for to in routes.values() {
                let _ = to.send(incoming.clone()).await;
            }
        }
        for to in routes.values() {
            to.closed().await;
        }
        self.say(PresenceState::Shutdown);
        self.publisher.close().await;
    }
}
