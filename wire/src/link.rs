//! The broker link: MQTT 5, and the one module that names the client library.
//!
//! What the library does not do, and a link to the street must (measured, see the comments on the bounds):
//! keep a QoS 1 message until the broker has acknowledged it, across reconnections; notice a broker that is
//! there but says nothing; wait a random while before connecting again; never let a slow reader or a slow
//! broker grow a queue without bound.
//!
//! A [`Publisher`] takes messages at any time and never blocks; an [`Inbox`] yields what arrives. Between
//! them one task owns the connection. Everything that a bound costs is counted in [`LinkCounts`].

mod queue;
mod session;
pub mod tls;

use crate::command::MESSAGE_EXPIRY_S;
use bytes::Bytes;
use queue::{Received, Waiting};
use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Shortest keep-alive that the client library takes.
pub const SHORTEST_KEEP_ALIVE: Duration = Duration::from_secs(5);
/// Largest packet that we send or accept: a cabinet of 96 groups describes itself in about 200 KB, and the
/// library's own default of 10 KiB would drop the connection.
pub const LARGEST_PACKET: u32 = 1024 * 1024;
/// QoS 1 messages of one cabinet that are under way at once.
const IN_FLIGHT: usize = 20;
/// The same of a link that speaks for many: at twenty, a round trip of 20 ms would let a centre send a thousand commands a
/// second. No more, since these stand before the next live state: a busy broker takes a thousand packets a second of each
/// connection. The library reserves 212 bytes for each of twice as many.
pub const MANY_IN_FLIGHT: usize = 250;
/// Requests handed to the library and not yet on the wire. Small: they are the ones that a lost connection
/// makes us hand over again.
const HANDED: usize = 32;
/// Filters in one SUBSCRIBE packet; keeps a gateway of 2,000 cabinets below any broker's packet limit.
const FILTERS_PER_PACKET: usize = 100;
/// First and longest wait before connecting again; the wait itself is random up to the limit of the try (full
/// jitter), so that 40,000 cabinets do not come back in one second. The longest leaves ten seconds for the rest: a street is
/// to be heard again within half a minute of its broker's return.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(20));
/// How long the broker may take to let us in. Long, because a try that is given up half-way is work for a broker
/// that is slow already: 40,000 cabinets may be asking at once.
const CONNECT_PATIENCE: Duration = Duration::from_secs(15);
/// How often the files of certificates are looked at.
const RENEWAL_EVERY: Duration = Duration::from_secs(10);
/// How long an orderly end may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// How to reach the broker, and as whom.
#[derive(Clone, Debug)]
pub struct LinkConfig {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Unique at the broker: a second connection with the same id ends the first. `/`, `+`, `#` and `$`, which
    /// some brokers refuse, are sent as dots.
    pub client_id: String,
    /// At least [`SHORTEST_KEEP_ALIVE`]. Silence of 1.5 of it counts as a lost connection.
    pub keep_alive: Duration,
    /// User and password.
    pub credentials: Option<Credentials>,
    /// Where the certificates are; the link is not encrypted without.
    pub tls: Option<tls::TlsFiles>,
    /// What the broker says, retained, when we vanish.
    pub will: Option<Will>,
    /// Filters to subscribe to on every connection.
    pub filters: BTreeSet<String>,
    /// Whether the broker waits for our acknowledgement of what it hands us. It then holds back what follows, in a queue with a
    /// bound, and repeats nothing over a new connection either: sessions end with it.
    pub acknowledge: bool,
    /// Messages that may wait to be sent. At the bound the oldest live state goes first, then the oldest
    /// reading; commands have their own place ([`queue::URGENT`]) and are not touched.
    pub outgoing: usize,
    /// Messages that may wait to be read. At the bound the oldest reading goes; commands, results and presences stay.
    pub incoming: usize,
    /// QoS 1 messages under way at once; a broker may allow fewer.
    pub in_flight: usize,
}

impl LinkConfig {
    /// With a keep-alive of 10 s, no credentials, no encryption, no will, no filters, and queues for one cabinet: 256
    /// messages are a minute of its telemetry.
    pub fn new(host: impl Into<String>, port: u16, client_id: impl Into<String>) -> LinkConfig {
        LinkConfig {
            host: host.into(),
            port,
            client_id: client_id.into(),
            keep_alive: Duration::from_secs(10),
            credentials: None,
            tls: None,
            will: None,
            filters: BTreeSet::new(),
            acknowledge: true,
            outgoing: 256,
            incoming: 256,
            in_flight: IN_FLIGHT,
        }
    }
}

/// User and password; read from a file or the environment, never from the configuration itself.
#[derive(Clone)]
pub struct Credentials {
    /// User.
    pub username: String,
    /// Password.
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credentials {{ username: {:?}, .. }}", self.username)
    }
}

/// Said by the broker when we vanish without a word: QoS 1, retained.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Will {
    /// Where.
    pub topic: String,
    /// What.
    pub payload: Vec<u8>,
}

/// A message to send.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outgoing {
    topic: String,
    payload: Bytes,
    delivery: Delivery,
    response_topic: Option<String>,
    correlation: Option<Bytes>,
}

/// How a message is treated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Delivery {
    /// QoS 0; worthless once it is old, so dropped while there is no connection.
    Live,
    /// QoS 1, kept until the broker has it.
    Kept,
    /// QoS 1 and retained; a newer one on the same topic replaces one that waits.
    Retained,
    /// QoS 1 with message expiry; dropped when it is too old to be obeyed, and when the connection is lost.
    Command,
    /// QoS 1, sent ahead of readings.
    Result,
}

impl Outgoing {
    fn new(topic: impl Into<String>, payload: Vec<u8>, delivery: Delivery) -> Outgoing {
        Outgoing {
            topic: topic.into(),
            payload: payload.into(),
            delivery,
            response_topic: None,
            correlation: None,
        }
    }
    /// Live state: QoS 0.
    pub fn live(topic: impl Into<String>, payload: Vec<u8>) -> Outgoing {
        Self::new(topic, payload, Delivery::Live)
    }
    /// Events, aggregates, alarms: QoS 1.
    pub fn kept(topic: impl Into<String>, payload: Vec<u8>) -> Outgoing {
        Self::new(topic, payload, Delivery::Kept)
    }
    /// State that a newcomer must find: QoS 1, retained.
    pub fn retained(topic: impl Into<String>, payload: Vec<u8>) -> Outgoing {
        Self::new(topic, payload, Delivery::Retained)
    }
    /// A command: QoS 1, never retained, gone from the broker after [`MESSAGE_EXPIRY_S`]; the answer goes to
    /// `response_topic` and carries `correlation`.
    pub fn command(
        topic: impl Into<String>,
        payload: Vec<u8>,
        response_topic: impl Into<String>,
        correlation: impl Into<Bytes>,
    ) -> Outgoing {
        Outgoing {
            response_topic: Some(response_topic.into()),
            correlation: Some(correlation.into()),
            ..Self::new(topic, payload, Delivery::Command)
        }
    }
    /// The answer to a command: QoS 1, with the command's correlation data.
    pub fn result(topic: impl Into<String>, payload: Vec<u8>, correlation: Option<Bytes>) -> Outgoing {
        Outgoing { correlation, ..Self::new(topic, payload, Delivery::Result) }
    }
    /// Where it goes.
    pub fn topic(&self) -> &str {
        &self.topic
    }
    /// What it says.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// How it is treated.
    pub fn delivery(&self) -> Delivery {
        self.delivery
    }
    /// Where the answer to it goes.
    pub fn response_topic(&self) -> Option<&str> {
        self.response_topic.as_deref()
    }
    /// What the answer to it must carry, or what the question to it carried.
    pub fn correlation(&self) -> Option<&Bytes> {
        self.correlation.as_ref()
    }

    fn urgent(&self) -> bool {
        matches!(self.delivery, Delivery::Command | Delivery::Result)
    }
    fn expiry_s(&self) -> Option<u32> {
        (self.delivery == Delivery::Command).then_some(MESSAGE_EXPIRY_S)
    }
}

/// What an [`Inbox`] yields.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Incoming {
    /// The broker took us and all our filters. Publish presence now.
    Connected,
    /// The connection is gone, for the reason given; the link tries again by itself.
    Disconnected(String),
    /// Something arrived.
    Message(Message),
}

/// A message that arrived.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// Where it was sent.
    pub topic: String,
    /// What it says.
    pub payload: Bytes,
    /// Whether it was kept by the broker from before we subscribed.
    pub retain: bool,
    /// Where the sender wants an answer.
    pub response_topic: Option<String>,
    /// What the answer must carry.
    pub correlation: Option<Bytes>,
}

/// What a link has done since it began.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LinkCounts {
    /// Connections made.
    pub connected: u64,
    /// Messages put on the wire, repetitions included.
    pub sent: u64,
    /// QoS 1 messages that the broker acknowledged.
    pub acknowledged: u64,
    /// QoS 1 messages that the broker refused (no right, over quota).
    pub refused: u64,
    /// Messages that arrived.
    pub received: u64,
    /// Live state dropped: no connection, or the queue was full.
    pub dropped_live: u64,
    /// Readings dropped: the queue was full.
    pub dropped_kept: u64,
    /// Commands and results dropped: too old, or the queue was full of newer ones.
    pub dropped_urgent: u64,
    /// Arrived messages dropped: nobody read them in time.
    pub dropped_incoming: u64,
}

#[derive(Default)]
struct Counters {
    connected: AtomicU64,
    sent: AtomicU64,
    acknowledged: AtomicU64,
    refused: AtomicU64,
    received: AtomicU64,
    dropped_live: AtomicU64,
    dropped_kept: AtomicU64,
    dropped_urgent: AtomicU64,
    dropped_incoming: AtomicU64,
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// What publisher, inbox and the connection's task share.
struct Shared {
    waiting: Mutex<Waiting>,
    /// Something waits to be sent, or the link is to end.
    wake: Notify,
    received: Mutex<Received>,
    /// Something waits to be read.
    arrived: Notify,
    /// Nothing waits to be sent or acknowledged.
    settled: Notify,
    up: AtomicBool,
    counters: Counters,
    closing: CancellationToken,
    closed: CancellationToken,
}

/// A poisoned queue is still a queue: its invariants hold between statements.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn arrive(&self, incoming: Incoming) {
        if lock(&self.received).push(incoming) {
            count(&self.counters.dropped_incoming);
        }
        self.arrived.notify_one();
    }
}

/// Starts the link. It connects, and connects again, until [`Publisher::close`] is called or the inbox is
/// dropped; must be called within a tokio runtime.
///
/// # Panics
/// If the keep-alive is shorter than [`SHORTEST_KEEP_ALIVE`]: configurations check that first.
pub fn connect(config: LinkConfig) -> (Publisher, Inbox) {
    assert!(config.keep_alive >= SHORTEST_KEEP_ALIVE, "keep-alive below {SHORTEST_KEEP_ALIVE:?}");
    let shared = Arc::new(Shared {
        waiting: Mutex::new(Waiting::new(config.outgoing, config.filters.clone())),
        wake: Notify::new(),
        received: Mutex::new(Received::new(config.incoming)),
        arrived: Notify::new(),
        settled: Notify::new(),
        up: AtomicBool::new(false),
        counters: Counters::default(),
        closing: CancellationToken::new(),
        closed: CancellationToken::new(),
    });
    tokio::spawn(session::run(config, shared.clone()));
    (Publisher(shared.clone()), Inbox(shared))
}

/// The sending end. Cheap to clone.
#[derive(Clone)]
pub struct Publisher(Arc<Shared>);

impl std::fmt::Debug for Publisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Publisher").field("up", &self.is_up()).field("counts", &self.counts()).finish()
    }
}

impl Publisher {
    /// Queues a message; never blocks. What the queue's bound costs is counted.
    pub fn publish(&self, message: Outgoing) {
        let up = self.is_up();
        let dropped = lock(&self.0.waiting).push(message, up);
        self.0.drop_counted(dropped);
        self.0.wake.notify_one();
    }
    /// Adds a filter, now and on every connection to come.
    pub fn subscribe(&self, filter: impl Into<String>) {
        lock(&self.0.waiting).subscribe(filter.into());
        self.0.wake.notify_one();
    }
    /// Takes a filter away.
    pub fn unsubscribe(&self, filter: &str) {
        lock(&self.0.waiting).unsubscribe(filter);
        self.0.wake.notify_one();
    }
    /// Whether there is a connection with all its subscriptions.
    pub fn is_up(&self) -> bool {
        self.0.up.load(Ordering::Acquire)
    }
    /// Messages that wait, or that the broker has not acknowledged.
    pub fn backlog(&self) -> usize {
        lock(&self.0.waiting).backlog()
    }
    /// What the link has done so far.
    pub fn counts(&self) -> LinkCounts {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let c = &self.0.counters;
        LinkCounts {
            connected: of(&c.connected),
            sent: of(&c.sent),
            acknowledged: of(&c.acknowledged),
            refused: of(&c.refused),
            received: of(&c.received),
            dropped_live: of(&c.dropped_live),
            dropped_kept: of(&c.dropped_kept),
            dropped_urgent: of(&c.dropped_urgent),
            dropped_incoming: of(&c.dropped_incoming),
        }
    }
    /// Waits until everything published so far is on the wire and, where QoS 1, acknowledged. Lockstep runs
    /// use it; it waits for as long as there is no connection.
    pub async fn settled(&self) {
        loop {
            let notified = self.0.settled.notified();
            if lock(&self.0.waiting).is_settled() {
                return;
            }
            notified.await;
        }
    }
    /// Sends what waits, says goodbye (so that the broker does not publish the will), and ends the link. Gives
    /// up after 5 s.
    pub async fn close(&self) {
        let _ = tokio::time::timeout(PATIENCE, async {
            if self.is_up() {
                self.settled().await;
            }
        })
        .await;
        self.0.closing.cancel();
        self.0.wake.notify_one();
        let _ = tokio::time::timeout(PATIENCE, self.0.closed.cancelled()).await;
    }
}

impl Shared {
    fn drop_counted(&self, dropped: Option<Outgoing>) {
        let Some(dropped) = dropped else { return };
        count(match dropped.delivery {
            Delivery::Live => &self.counters.dropped_live,
            Delivery::Kept | Delivery::Retained => &self.counters.dropped_kept,
            Delivery::Command | Delivery::Result => &self.counters.dropped_urgent,
        });
    }
}

/// The receiving end. Dropping it ends the link.
pub struct Inbox(Arc<Shared>);

impl Inbox {
    /// What arrives next, or `None` once the link has been closed and everything read. Cancel safe.
    pub async fn next(&mut self) -> Option<Incoming> {
        loop {
            if let Some(incoming) = self.try_next() {
                return Some(incoming);
            }
            tokio::select! {
                () = self.0.arrived.notified() => {}
                () = self.0.closed.cancelled() => return self.try_next(),
            }
        }
    }
    /// What has arrived already, if anything.
    pub fn try_next(&mut self) -> Option<Incoming> {
        lock(&self.0.received).pop()
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.0.closing.cancel();
        self.0.wake.notify_one();
    }
}
