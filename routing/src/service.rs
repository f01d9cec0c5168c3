//! The planner as it serves many: the newest traffic, the clock, bounds on work, and counts.

use crate::{
    access::Access,
    feed::{Feed, SharedFeedState},
    planner::Planner,
    realtime::poll::States,
    snapshot::{Snapshot, Traffic, TrafficWriter},
};
use model::{city::City, time::Moment};
use std::{
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::Semaphore;
use wire::clock::Clock;

/// Bounds on the work that questions may cause.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Questions worked on at once; more of them wait. As many as there are cores is right.
    pub at_once: usize,
    /// How long a question may wait for its turn before it is refused as `busy`.
    pub patience: Duration,
    /// How long its answer may take then. It is worked out to the end all the same, in its turn.
    pub answer_within: Duration,
}

impl Default for Limits {
    /// One question per core, 5 s of patience and 20 s for an answer: nobody looks at one that comes later.
    fn default() -> Self {
        let at_once = std::thread::available_parallelism().map_or(1, usize::from);
        Limits { at_once, patience: Duration::from_secs(5), answer_within: Duration::from_secs(20) }
    }
}

/// Everything that the API's handlers share.
#[derive(Debug)]
pub struct Routing {
    /// The streets.
    pub planner: Planner,
    /// The traffic.
    pub traffic: Traffic,
    /// What the feed has seen.
    pub feed: SharedFeedState,
    /// How the realtime feeds do.
    pub realtime: States,
    /// The city's time.
    pub clock: Clock,
    /// Bounds.
    pub limits: Limits,
    /// How often, and how fast.
    pub meter: Meter,
    /// Who may ask how often; everybody, if nothing is said.
    pub access: OnceLock<Access>,
    /// Whose data it is: what whoever shows an answer has to show with it.
    pub attribution: OnceLock<Vec<String>>,
    pub(crate) gate: Arc<Semaphore>,
    share: Mutex<Share>,
}

/// The share of live links, worked out at most once per second and picture: it looks at every link.
#[derive(Debug, Default)]
struct Share {
    of: Option<(u64, i64, bool)>,
    value: f64,
}

impl Routing {
    /// Prepares a city that has no [`City::faults`]; takes a second or two for a city of 100,000 links.
    /// The feed is to be handed to [`crate::feed::follow`]; without it traffic stays that of empty roads.
    pub fn new(city: Arc<City>, clock: Clock, limits: Limits) -> (Arc<Routing>, Feed) {
        Self::serving(Planner::new(city), clock, limits)
    }

    /// The same for a planner that is prepared already.
    pub fn serving(planner: Planner, clock: Clock, limits: Limits) -> (Arc<Routing>, Feed) {
        let (writer, traffic): (TrafficWriter, Traffic) =
            TrafficWriter::new(planner.map().clone(), Some(planner.roads().clone()));
        planner.names(); // The first who asks for a name need not wait.
        let feed = SharedFeedState::default();
        let routing = Routing {
            planner,
            traffic,
            feed: feed.clone(),
            realtime: States::default(),
            clock,
            limits,
            meter: Meter::default(),
            access: OnceLock::new(),
            attribution: OnceLock::new(),
            gate: Arc::new(Semaphore::new(limits.at_once.max(1))),
            share: Mutex::default(),
        };
        (Arc::new(routing), Feed::new(writer, feed))
    }

    /// Whose data it is.
    pub fn attribution(&self) -> Vec<String> {
        self.attribution.get().cloned().unwrap_or_default()
    }

    /// The share of driven links whose measured time counts at `now` for one who leaves at `departure`.
    pub fn share_live(&self, traffic: &Snapshot, now: Moment, departure: Moment) -> f64 {
        let view = traffic.view(now, departure);
        if view.at().is_none() {
            return 0.0;
        }
        let wanted = (view.number(), now.0.div_euclid(1000), view.counts_at_departure());
        let mut share = self.share.lock().unwrap_or_else(PoisonError::into_inner);
        if share.of != Some(wanted) {
            *share = Share { of: Some(wanted), value: view.share_live(self.planner.driven_links()) };
        }
        share.value
    }
}

/// Upper edges of the histogram's bins, s.
pub const EDGES_S: [f64; 10] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0];

/// Counts of questions and how long they took.
#[derive(Debug, Default)]
pub struct Meter {
    answered: AtomicU64,
    refused: AtomicU64,
    micros: AtomicU64,
    bins: [AtomicU64; EDGES_S.len()],
}

impl Meter {
    /// One question that was answered, and the time from its arrival.
    pub(crate) fn answered(&self, took: Duration) {
        self.answered.fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(took.as_micros() as u64, Ordering::Relaxed);
        for (bin, edge) in self.bins.iter().zip(EDGES_S) {
            if took.as_secs_f64() <= edge {
                bin.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
    /// One question that got a problem for an answer.
    pub(crate) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Questions answered so far.
    pub fn answers(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }
    /// Questions answered with a problem.
    pub fn refusals(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
    /// Seconds of all answered questions together, and how many took at most each of [`EDGES_S`].
    pub fn durations(&self) -> (f64, [u64; EDGES_S.len()]) {
        let bins = std::array::from_fn(|i| self.bins[i].load(Ordering::Relaxed));
        (self.micros.load(Ordering::Relaxed) as f64 / 1e6, bins)
    }
}
