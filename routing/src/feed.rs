//! Link times from the centre: messages in, pictures of the traffic out.
//!
//! [`Feed`] is the core and takes bytes and a time; [`follow`] is the shell that holds the broker link, and looks at files of link times.

mod file;

pub use file::FileConfig;

use crate::{
    map::Map,
    snapshot::{LOOKED_AT_EVERY, TrafficWriter},
    typical::{Learning, Typical},
};
use file::FileTimes;
use model::time::Moment;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};
use tokio_util::sync::CancellationToken;
use wire::{
    clock::Clock,
    codec,
    link::{Incoming, LinkConfig},
    message::{Entry, LinkTimes, Status},
    topic::{self, Kind, Node, StatusCode},
};

/// Where every centre publishes its link times.
pub fn filter() -> String {
    Node::centre("+").topic(&Kind::Status(StatusCode::Links))
}

/// What the feed has seen since the start. Nothing in it stops anything; it is for `/health` and `/metrics`.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct FeedState {
    /// The broker link: `None` where none is configured.
    pub broker: Option<BrokerState>,
    /// Messages that were read.
    pub messages: u64,
    /// Messages that were no link times.
    pub malformed: u64,
    /// Link times used.
    pub used: u64,
    /// Link times of links that our map does not have.
    pub unknown: u64,
    /// Times that are no times.
    pub absurd: u64,
    /// Times older than what we had.
    pub late: u64,
}

/// The broker link.
#[derive(Clone, PartialEq, Debug)]
pub struct BrokerState {
    /// Connected and subscribed.
    pub up: bool,
    /// Since when it is so.
    pub since: Moment,
    /// Why it is down; empty when it is up.
    pub detail: String,
}

/// [`FeedState`] as its one writer and its readers share it.
#[derive(Clone, Debug, Default)]
pub struct SharedFeedState(Arc<Mutex<FeedState>>);

impl SharedFeedState {
    /// As it is now.
    pub fn get(&self) -> FeedState {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
    fn change(&self, change: impl FnOnce(&mut FeedState)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Turns messages into pictures.
#[derive(Debug)]
pub struct Feed {
    writer: TrafficWriter,
    state: SharedFeedState,
    /// Where what is learned is kept.
    keep: Option<Keep>,
}

/// The file of the usual traffic.
#[derive(Clone, Debug)]
struct Keep {
    file: PathBuf,
    map: Arc<Map>,
}

impl Feed {
    /// A feed that draws with `writer` and tells `state` what it saw.
    pub fn new(writer: TrafficWriter, state: SharedFeedState) -> Feed {
        Feed { writer, state, keep: None }
    }

    /// Plans with what is usual where nothing else is known.
    pub fn set_typical(&mut self, typical: Typical) {
        self.writer.set_typical(typical, None);
    }

    /// The same, and learns what is usual from what is said from `now` on; `file` is written anew after each slot.
    pub fn learn(&mut self, now: Moment, typical: Typical, map: Arc<Map>, file: PathBuf) {
        self.writer.set_typical(typical, Some(Learning::new(now)));
        self.keep = Some(Keep { file, map });
    }

    /// Writes down what was learned since the last time.
    fn keep_learned(&mut self) {
        let (Some(keep), Some(learned)) = (&self.keep, self.writer.take_learned()) else { return };
        let mut draft = keep.file.clone().into_os_string();
        draft.push(".new");
        let text = learned.to_csv(&keep.map);
        let written = std::fs::write(&draft, text).and_then(|()| std::fs::rename(&draft, &keep.file));
        if let Err(error) = written {
            let file = keep.file.display();
            tracing::warn!(%file, %error, "what was learned of usual link times is not kept");
        }
    }

    /// Takes one message and shows what it says. Anything but link times is counted as malformed and changes no picture.
    pub fn take(&mut self, now: Moment, topic: &str, payload: &[u8]) {
        self.read(now, topic, payload);
        self.writer.publish(now);
    }

    /// Takes one message, for the next picture.
    fn read(&mut self, now: Moment, topic: &str, payload: &[u8]) {
        let ours = matches!(topic::parse(topic), Some((_, Kind::Status(StatusCode::Links))));
        let status: Result<Status<LinkTimes>, String> = match ours {
            true => codec::decode("traffic.links", payload).map_err(|e| e.to_string()),
            false => Err("not a topic of link times".to_string()),
        };
        match status {
            Ok(status) => {
                for entry in &status.entries {
                    self.apply(now, entry);
                }
                self.state.change(|state| state.messages += 1);
            }
            Err(error) => {
                tracing::debug!(topic, error, "malformed link times");
                self.state.change(|state| state.malformed += 1);
            }
        }
    }

    fn apply(&mut self, now: Moment, entry: &Entry<LinkTimes>) {
        let applied = self.writer.apply(now, entry);
        self.state.change(|state| {
            state.used += u64::from(applied.used);
            state.unknown += u64::from(applied.unknown);
            state.absurd += u64::from(applied.absurd);
            state.late += u64::from(applied.late);
        });
    }

    /// Takes what a file says, for the next picture; rows that cannot be read count as malformed.
    fn take_file(&mut self, now: Moment, told: Result<FileTimes, String>) {
        match told {
            Ok(FileTimes { said, mut times, speeds, faults }) => {
                times.links.extend(speeds.into_iter().map(|(link, mps)| self.writer.at_speed(link, mps)));
                for fault in &faults {
                    tracing::debug!(fault, "a row of link times is left out");
                }
                self.apply(now, &Entry::new(said.unwrap_or(now), 0, times));
                self.state.change(|state| {
                    state.messages += 1;
                    state.malformed += faults.len() as u64;
                });
            }
            Err(error) => {
                tracing::warn!(error, "no link times from this file");
                self.state.change(|state| state.malformed += 1);
            }
        }
    }

    fn broker(&self, now: Moment, up: bool, detail: String) {
        self.state.change(|state| state.broker = Some(BrokerState { up, since: now, detail }));
    }
}

/// Follows the centre's link times, and those of files, until `shutdown`. A broker that is not there is waited for.
pub async fn follow(
    link: Option<LinkConfig>,
    files: Vec<FileConfig>,
    mut feed: Feed,
    clock: Clock,
    shutdown: CancellationToken,
) {
    let mut at = String::new();
    let (publisher, mut inbox) = match link {
        Some(mut link) => {
            link.filters.insert(filter());
            at = format!("{}:{}", link.host, link.port);
            feed.broker(clock.now(), false, format!("connecting to {at}"));
            let (publisher, inbox) = wire::link::connect(link);
            (Some(publisher), Some(inbox))
        }
        None => (None, None),
    };
    // One picture is drawn of what has come; whoever reads files faster than that waits.
    let (found, mut told) = tokio::sync::mpsc::channel(files.len().max(1));
    for config in files {
        tokio::spawn(file::look(config, found.clone(), shutdown.clone()));
    }
    let mut fading = tokio::time::interval(LOOKED_AT_EVERY);
    loop {
        let heard = async {
            match &mut inbox {
                Some(inbox) => inbox.next().await,
                None => std::future::pending().await,
            }
        };
        let incoming = tokio::select! {
            () = shutdown.cancelled() => break,
            incoming = heard => match incoming {
                Some(incoming) => Some(incoming),
                None => break,
            },
            Some(said) = told.recv() => {
                feed.take_file(clock.now(), said);
                None
            }
            _ = fading.tick() => None,
        };
        let now = clock.now();
        // Whatever has come together is one picture: a large city's takes a while to be worked out.
        let mut next = incoming;
        while let Some(incoming) = next.take() {
            match incoming {
                Incoming::Connected => {
                    tracing::info!(broker = at, "following link times");
                    feed.broker(now, true, String::new());
                }
                Incoming::Disconnected(error) => {
                    tracing::warn!(broker = at, error, "no link times: the broker is not there");
                    feed.broker(now, false, error);
                }
                Incoming::Message(message) => feed.read(now, &message.topic, &message.payload),
            }
            next = inbox.as_mut().and_then(|inbox| inbox.try_next());
        }
        if feed.writer.is_due(now) {
            let drawn = tokio::task::spawn_blocking(move || {
                feed.writer.publish(now);
                feed.keep_learned();
                feed
            });
            match drawn.await {
                Ok(drawn) => feed = drawn,
                Err(error) => {
                    tracing::error!(%error, "the traffic's picture could not be drawn; the last one fades");
                    break;
                }
            }
        }
    }
    if let Some(publisher) = publisher {
        publisher.close().await;
    }
}
