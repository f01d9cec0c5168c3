//! Fetches the feeds again and again, and hands each new picture over whole.

use super::{Counts, Reader};
use crate::{service::Routing, transit::live::Live};
use model::time::Moment;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// A feed is not larger than this, bytes; those of whole countries have some 20 MB.
const LARGEST: u64 = 64 << 20;
/// A server has so long to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where a feed is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// A file, which somebody else keeps writing.
    File(PathBuf),
    /// `http://…`.
    Url(String),
}

impl Place {
    /// Reads what a person wrote: an address, or a file's name.
    pub fn parse(text: &str) -> Result<Place, String> {
        if text.starts_with("https://") {
            // The city's gateway ends TLS; this program holds no list of authorities.
            return Err(format!(
                "{text} needs TLS, which is not spoken here: fetch it by a proxy over http://"
            ));
        }
        Ok(if text.starts_with("http://") { Place::Url(text.into()) } else { Place::File(text.into()) })
    }

    /// All of it, as it is now.
    pub(crate) fn fetch(&self) -> Result<Vec<u8>, String> {
        match self {
            Place::File(file) => {
                let large = std::fs::metadata(file).is_ok_and(|about| about.len() > LARGEST);
                if large {
                    return Err(format!("{} is larger than {} MiB", file.display(), LARGEST >> 20));
                }
                std::fs::read(file).map_err(|e| format!("could not read {}: {e}", file.display()))
            }
            Place::Url(url) => {
                let agent: ureq::Agent =
                    ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).build().into();
                let answer = agent.get(url).call().map_err(|e| format!("could not fetch {url}: {e}"))?;
                let mut body = answer.into_body();
                body.with_config()
                    .limit(LARGEST)
                    .read_to_vec()
                    .map_err(|e| format!("could not read {url}: {e}"))
            }
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::File(file) => file.display().fmt(f),
            Place::Url(url) => url.fmt(f),
        }
    }
}

/// A feed to follow.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FeedConfig {
    /// The tag of the timetable's feed whose ids it uses.
    pub tag: String,
    /// Where it is.
    pub place: Place,
    /// How long after one look the next one follows.
    pub every: Duration,
}

/// How a feed does.
#[derive(Clone, PartialEq, Debug)]
pub struct FeedState {
    /// The feed.
    pub tag: String,
    /// Where it is.
    pub place: String,
    /// When it was read last.
    pub read: Option<Moment>,
    /// What became of it then.
    pub counts: Counts,
    /// Why it is of no use now.
    pub error: Option<String>,
}

/// The states of all feeds, as their one writer and its readers share them.
#[derive(Clone, Debug, Default)]
pub struct States(Arc<Mutex<Vec<FeedState>>>);

impl States {
    /// As they are now.
    pub fn get(&self) -> Vec<FeedState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
    fn set(&self, states: Vec<FeedState>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = states;
    }
}

/// The feeds with what they said last.
#[derive(Debug)]
pub struct Feeds {
    feeds: Vec<(FeedConfig, Result<Vec<u8>, String>)>,
}

impl Feeds {
    /// Feeds of which nothing was read yet.
    pub fn new(configs: Vec<FeedConfig>) -> Feeds {
        let unread = |config| (config, Err("was not read yet".to_string()));
        Feeds { feeds: configs.into_iter().map(unread).collect() }
    }

    /// Looks at all feeds, and hands over what they say. A feed that cannot be read says nothing, and the timetable holds again
    /// for its trips.
    pub fn look(&mut self, routing: &Routing, now: Moment) {
        let Some(transit) = routing.planner.transit() else { return };
        let fetched: Vec<_> = self.feeds.iter().map(|(config, _)| config.place.fetch()).collect();
        for ((_, kept), fetched) in self.feeds.iter_mut().zip(fetched) {
            *kept = fetched;
        }
        let reader = Reader::new(transit.timetable());
        let mut live = Live::default();
        let mut states = Vec::new();
        for (config, kept) in &self.feeds {
            let read = match kept {
                Ok(bytes) => reader.read(&config.tag, bytes, now, &mut live).map_err(|e| e.to_string()),
                Err(error) => Err(error.clone()),
            };
            if let Err(error) = &read {
                tracing::warn!(feed = config.tag, place = %config.place, error, "no realtime from this feed");
            }
            states.push(FeedState {
                tag: config.tag.clone(),
                place: config.place.to_string(),
                read: read.is_ok().then_some(now),
                counts: read.clone().unwrap_or_default(),
                error: read.err(),
            });
        }
        transit.set_live(live);
        routing.realtime.set(states);
    }
}

/// Follows feeds until `shutdown`: all of them as often as the most eager one asks.
pub async fn follow(routing: Arc<Routing>, configs: Vec<FeedConfig>, shutdown: CancellationToken) {
    let Some(every) = configs.iter().map(|config| config.every).min() else { return };
    let mut feeds = Feeds::new(configs);
    loop {
        let (now, shared) = (routing.clock.now(), routing.clone());
        let looked = tokio::task::spawn_blocking(move || {
            feeds.look(&shared, now);
            feeds
        });
        feeds = match looked.await {
            Ok(feeds) => feeds,
            Err(_) => return tracing::error!("following realtime feeds ended with a fault of ours"),
        };
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(every) => {}
        }
    }
}
