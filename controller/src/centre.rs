//! The one task that owns the core. What the street says, what operators order and the city's clock come
//! in; commands, link times, rows for the store and pictures for readers go out. It never waits for any
//! of those.

use crate::{
    api::junction,
    coordinator::{
        Action, Coordinator, Event, Fleet, LINK_PERIOD_S, LinkSpeed, Order, upkeep::OCCUPANCY_SLACK,
    },
    drafting::DraftBoard,
    field::{Field, Heard, Kept},
    picture::{JunctionPicture, Painter, Picture, Surroundings},
    responding::{IncidentBoard, LinkWord},
    store::{
        AuditRow, DecisionRow, EventRow, Store,
        intervals::{Closed, Intervals},
        receipts::{Ledger, Receipt},
        room::Room,
    },
    ticketing::TicketBoard,
    travel_times::TravelTimes,
    what_if::{Asked, Board, MOST_OPEN},
};
use model::{city::City, detection::Detector, ids::JunctionIx, time::Moment};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use wire::{
    clock::Clock,
    link::LinkCounts,
    message::{Channel, Counts, HiRes, PresenceState, Throttle},
    topic::{Node, StatusCode},
    what_if::Request,
};

/// The core is asked to decide so often, by the city's clock.
pub const TICK: Duration = Duration::from_secs(1);
/// Questions and orders that wait for the core. It answers within milliseconds; when the bound is met, the
/// API says 503 rather than wait.
pub const ASK_BOUND: usize = 256;
/// How often those who look at one junction get to see what changed there, by the machine's clock.
pub const WATCH_PERIOD: Duration = Duration::from_millis(400);
/// How often all who look get to see what changed between two ticks, by the machine's clock.
pub const SHOW_PERIOD: Duration = Duration::from_millis(200);
/// Pictures between two ticks take at most one part in so many of the core's time: those of a very large city are left to the
/// ticks, so that no message waits for them.
const SHOW_SHARE: u32 = 20;
/// Messages that are taken at once before the clock is looked at again.
pub const HEARD_AT_ONCE: usize = 256;
/// Readings that claim to be from later than this are not kept: no clock is that wrong, and a partition for
/// the year 2200 would be made for them.
pub const LATEST: Duration = Duration::from_secs(86_400);

/// Vehicles behind a gateway that was silent for so long are not shown any more.
const GATEWAY_SILENCE: Duration = Duration::from_secs(30);

/// How often cabinets without presence are asked for it, s.
const STRANGERS_PERIOD_S: i64 = 5;

/// A what-if answer that comes later than this is worth nothing, s of the machine's time: the picture that it starts from
/// is then older than most horizons.
const WHAT_IF_WITHIN_S: u32 = 3600;

/// What the API wants of the core.
#[derive(Debug)]
pub(crate) enum Ask {
    /// Carry out an order; the answer says why not, if so.
    Order(Order, oneshot::Sender<Option<String>>),
    /// One junction as it is now.
    Look(JunctionIx, oneshot::Sender<Arc<JunctionPicture>>),
    /// One junction as it changes.
    Watch(JunctionIx, oneshot::Sender<watch::Receiver<Arc<JunctionPicture>>>),
    /// Put a question to a simulator; the answer says why not, if so.
    WhatIf(Box<Asked>, oneshot::Sender<Result<(), String>>),
    /// Ask a cabinet for what it still has of a time. Said for the audit: by whom, why.
    Fetch(JunctionIx, Range<Moment>, Vec<StatusCode>, String),
    /// Stop a channel of a cabinet or let it run again. Said for the audit: by whom, why.
    Throttle(JunctionIx, StatusCode, Throttle, String),
    /// Take a question back.
    CancelWhatIf(Uuid, String, oneshot::Sender<()>),
}

/// Figures for `/metrics`.
#[derive(Debug, Default)]
pub(crate) struct Gauges {
    pub(crate) ticks: AtomicU64,
    pub(crate) ticks_skipped: AtomicU64,
    /// Junctions that run their own plans only because the broker takes no more commands.
    pub(crate) waiting: AtomicU64,
    pub(crate) tick_us: AtomicU64,
    pub(crate) events: AtomicU64,
    pub(crate) commands: AtomicU64,
}

/// Where vehicles are, gateway by gateway.
#[derive(Debug, Default)]
pub(crate) struct Fleets {
    /// Another one for each picture.
    pub(crate) version: u64,
    pub(crate) heard: Vec<Arc<Fleet>>,
}

/// Everything the task holds.
pub(crate) struct Centre {
    pub(crate) city: Arc<City>,
    pub(crate) fingerprint: u64,
    pub(crate) core: Coordinator,
    /// Of the city's clocks, by which its plans run.
    pub(crate) zone: jiff::tz::TimeZone,
    pub(crate) painter: Painter,
    pub(crate) field: Field,
    pub(crate) store: Arc<Store>,
    pub(crate) room: Arc<Room>,
    pub(crate) clock: Clock,
    /// Rows from longer ago are not kept.
    pub(crate) keep: Duration,
    pub(crate) decisions_before: u64,
    pub(crate) live: Intervals,
    pub(crate) replayed: Intervals,
    pub(crate) ledger: Ledger,
    pub(crate) links_sent: u64,
    pub(crate) rejected: BTreeMap<String, u64>,
    /// Cabinets that were asked for their presence.
    pub(crate) strangers: BTreeSet<JunctionIx>,
    pub(crate) watched: BTreeMap<JunctionIx, watch::Sender<Arc<JunctionPicture>>>,
    pub(crate) what_ifs: Arc<Board>,
    pub(crate) tickets: Arc<TicketBoard>,
    pub(crate) drafts: Arc<DraftBoard>,
    pub(crate) incidents: Arc<IncidentBoard>,
    pub(crate) travel_times: Arc<TravelTimes>,
    /// The newest link speeds.
    pub(crate) speeds: Vec<LinkSpeed>,
    /// When route planners were told of them last.
    pub(crate) links_said: Option<Moment>,
    pub(crate) gauges: Arc<Gauges>,
    pub(crate) link_counts: watch::Sender<LinkCounts>,
    pub(crate) picture: watch::Sender<Arc<Picture>>,
    /// By gateway, and when it was heard last.
    pub(crate) fleets: BTreeMap<Node, (Moment, Arc<Fleet>)>,
    pub(crate) fleet: watch::Sender<Arc<Fleets>>,
}

impl Centre {
    /// Runs until `shutdown`.
    pub(crate) async fn run(&mut self, mut asks: mpsc::Receiver<Ask>, shutdown: CancellationToken) {
        let mut heard = Vec::with_capacity(HEARD_AT_ONCE);
        let mut next_tick = whole_second_after(self.clock.now());
        let mut watch_timer = tokio::time::interval(WATCH_PERIOD);
        watch_timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // Each stream that somebody reads has a receiver of its own.
        let unwatched = self.picture.receiver_count();
        let mut next_show = Instant::now();
        loop {
            // In this order: the clock must not starve behind messages, nor an operator behind the clock.
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                Some(ask) = asks.recv() => self.answer(ask),
                () = self.clock.sleep_until(next_tick) => {
                    // Timers may wake a little early.
                    let now = self.clock.now().max(next_tick);
                    self.tick(now);
                    let next = whole_second_after(now);
                    let skipped = next.since(next_tick).as_secs().saturating_sub(TICK.as_secs());
                    self.gauges.ticks_skipped.fetch_add(skipped, Ordering::Relaxed);
                    next_tick = next;
                    next_show = Instant::now() + SHOW_PERIOD;
                }
                _ = watch_timer.tick() => self.show_watched(),
                () = tokio::time::sleep_until(next_show) => {
                    next_show = match self.picture.receiver_count() > unwatched {
                        true => self.show_between(),
                        false => Instant::now() + SHOW_PERIOD,
                    };
                }
                n = self.field.heard.recv_many(&mut heard, HEARD_AT_ONCE) => {
                    for message in heard.drain(..) {
                        self.hear(message);
                    }
                    if n == 0 {
                        // The link ended, which it does only at shutdown.
                        shutdown.cancelled().await;
                    }
                }
            }
        }
        self.close_windows(Moment(i64::MAX));
    }

    /// Tells the cabinets what the store took last, and says goodbye to the street.
    pub(crate) async fn leave(mut self) {
        self.settle();
        for (ix, code, runs) in self.ledger.last_news() {
            self.field.stored(ix, code, runs);
        }
        self.field.close().await;
    }

    fn tick(&mut self, now: Moment) {
        let began = Instant::now();
        // Summer time comes and goes while we run.
        if let Ok(here) = jiff::Timestamp::from_millisecond(now.0) {
            self.core.set_utc_offset(self.zone.to_offset(here).seconds());
        }
        let (news, audit) = self.drafts.tick(now);
        self.carry_out(now, audit.into_iter().map(Action::Audit).collect());
        for (ix, drafted) in news {
            let actions = self.core.handle(now, Event::Draft(ix, drafted.map(Arc::new)));
            self.carry_out(now, actions);
        }
        let over = self.incidents.tick(now);
        self.carry_out(now, over.into_iter().map(Action::Audit).collect());
        self.core.set_backlog(self.field.backlog());
        let actions = self.core.handle(now, Event::Tick);
        self.say_waiting(self.core.waiting() as u64);
        self.carry_out(now, actions);
        // The core speaks of links only while detectors do; people may know of one all the same.
        if self.links_said.is_none_or(|at| now.since(at) > Duration::from_secs(LINK_PERIOD_S)) {
            self.speeds.clear();
            self.say_links(now);
        }
        self.ask_strangers(now);
        self.what_ifs.tick(began);
        // A window is over for good once no cabinet can still be on its way with it.
        self.close_windows(now - LATE);
        self.settle();
        for (ix, code, runs) in self.ledger.news(now.0.div_euclid(1000)) {
            self.field.stored(ix, code, runs);
        }
        let mut rejected = self.field.rejected();
        for (name, count) in self.core.rejected().iter().chain(&self.rejected) {
            *rejected.entry(name.clone()).or_default() += count;
        }
        let counts = self.field.counts();
        self.link_counts.send_replace(counts);
        if counts.dropped_incoming > 0 {
            rejected.insert("mqtt.dropped".to_owned(), counts.dropped_incoming);
        }
        let around = Surroundings {
            broker: self.field.broker.borrow().clone(),
            store_kind: self.store.kind(),
            store: self.room.state(),
            rejected,
        };
        let picture = self.painter.paint(now, &self.core, around);
        self.tickets.alarms(now, &picture.alarms.value);
        self.picture.send_replace(Arc::new(picture));
        self.gauges.ticks.fetch_add(1, Ordering::Relaxed);
        self.gauges.tick_us.store(began.elapsed().as_micros() as u64, Ordering::Relaxed);
    }

    /// Says when junctions begin to wait because the link takes no more commands, and when none does any longer.
    fn say_waiting(&self, waiting: u64) {
        match (self.gauges.waiting.swap(waiting, Ordering::Relaxed), waiting) {
            (0, 1..) => tracing::warn!(
                junctions = waiting,
                "the broker takes commands too slowly: they run their own plans"
            ),
            (1.., 0) => tracing::info!("the broker takes all commands again"),
            _ => {}
        }
    }

    /// Cabinets that talk but whose presence never reached us, or that were last heard of as gone, are asked for it by name.
    /// Brokers may cut the retained messages that a wide filter brings (rumqttd sends about a hundred at QoS 1).
    fn ask_strangers(&mut self, now: Moment) {
        if now.0.div_euclid(1000) % STRANGERS_PERIOD_S != 0 {
            return;
        }
        for (i, live) in self.core.live().iter().enumerate() {
            let ix = JunctionIx::from(i);
            let talks = live.seen_at.is_some_and(|at| now.since(at) < Duration::from_secs(3));
            if live.presence.as_ref().is_some_and(|p| p.state == PresenceState::Online) {
                if self.strangers.remove(&ix) {
                    self.field.stop_asking_presence(ix);
                }
            } else if talks {
                if !self.strangers.insert(ix) {
                    self.field.stop_asking_presence(ix);
                }
                self.field.ask_presence(ix);
            }
        }
    }

    fn hear(&mut self, heard: Heard) {
        let now = self.clock.now();
        match heard {
            Heard::Live(events) => events.into_iter().for_each(|event| self.take(now, event)),
            Heard::Kept(Kept { replayed, entries }) => {
                for (receipt, event) in entries {
                    self.remember(now, receipt, &event, replayed);
                    if !replayed {
                        self.take(now, event);
                    }
                }
            }
            Heard::Answer(answer) => self.what_ifs.hear(Instant::now(), *answer),
            Heard::Vehicles(gateway, at, vehicles) => {
                let fleet = Arc::new((at, vehicles));
                self.fleets.retain(|_, (heard, _)| now.since(*heard) < GATEWAY_SILENCE);
                self.fleets.insert(gateway, (now, fleet.clone()));
                self.fleet.send_modify(|shown| {
                    let heard = self.fleets.values().map(|(_, fleet)| fleet.clone()).collect();
                    *shown = Arc::new(Fleets { version: shown.version + 1, heard });
                });
                self.take(now, Event::Vehicles(fleet));
            }
        }
    }

    fn take(&mut self, now: Moment, event: Event) {
        event.junction().into_iter().for_each(|ix| self.painter.touch(ix));
        self.gauges.events.fetch_add(1, Ordering::Relaxed);
        let actions = self.core.handle(now, event);
        self.carry_out(now, actions);
    }

    /// Hands what is worth keeping to the store's waiting room.
    fn remember(&mut self, now: Moment, receipt: Option<Receipt>, event: &Event, replayed: bool) {
        if receipt.is_some_and(|receipt| !self.ledger.takes(receipt)) {
            return self.reject("store.repeated");
        }
        match event {
            Event::Counts(junction, at, counts) if self.believable(now, *at) => {
                let detectors = &self.city.junctions[junction.ix()].detectors;
                let counts = plausible(detectors, counts);
                let mut closed = Closed::default();
                let intervals = if replayed { &mut self.replayed } else { &mut self.live };
                intervals.add(*junction, *at, &counts, receipt, &mut closed);
                self.room.intervals(closed.rows, closed.receipts);
            }
            Event::HiRes(junction, events) => {
                let row = |e: &HiRes| EventRow { at: e.t, junction: *junction, code: e.code, param: e.param };
                let believable = events.events.iter().filter(|e| self.believable(now, e.t));
                let rows = believable.map(row).collect();
                self.room.events(rows, receipt);
            }
            // Nothing of it is worth keeping, here or there.
            _ => self.room.events(Vec::new(), receipt),
        }
    }

    /// Takes note of what the store has taken, or lost.
    fn settle(&mut self) {
        for (receipt, lost) in self.room.settled() {
            if lost {
                self.ledger.lost(receipt);
            } else {
                self.ledger.stored(receipt);
            }
        }
    }

    fn believable(&mut self, now: Moment, at: Moment) -> bool {
        let believable = at >= now - self.keep && at <= now + LATEST;
        if !believable {
            self.reject("store.implausible-time");
        }
        believable
    }

    fn close_windows(&mut self, before: Moment) {
        let mut closed = Closed::default();
        self.live.close_before(before, &mut closed);
        self.replayed.close_before(before, &mut closed);
        if closed != Closed::default() {
            self.room.intervals(closed.rows, closed.receipts);
        }
    }

    fn carry_out(&mut self, now: Moment, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Send(ix, command) => {
                    self.gauges.commands.fetch_add(1, Ordering::Relaxed);
                    self.field.command(ix, &command);
                }
                Action::Decided(decision) => {
                    let view = junction::decision(&self.city, &decision, self.decisions_before);
                    let json = serde_json::to_string(&view).expect("plain data always serialises");
                    let (number, at) = (view.number, decision.at);
                    self.room.decision(DecisionRow { number, at, junction: decision.junction, json });
                }
                Action::Links(speeds) => {
                    self.painter.take_links(now, &speeds);
                    self.travel_times.take(now, &speeds);
                    self.speeds = speeds;
                    self.say_links(now);
                }
                Action::Audit(entry) => {
                    tracing::info!(entry, "audit");
                    self.room.audit(AuditRow { at: now, entry });
                }
            }
        }
    }

    /// Tells route planners of the links, with what people know of them.
    fn say_links(&mut self, now: Moment) {
        self.links_said = Some(now);
        let words: Vec<LinkWord> = self.incidents.words(now, &self.speeds);
        if !words.is_empty() {
            self.field.links(now, self.links_sent, &words);
            self.links_sent += 1;
        }
    }

    fn answer(&mut self, ask: Ask) {
        let now = self.clock.now();
        // Whoever asked may have gone away meanwhile; then nobody minds that the answer is lost.
        match ask {
            Ask::Order(order, reply) => {
                let (id, junction) = (order.id, order.junction);
                match junction {
                    Some(ix) => self.painter.touch(ix),
                    None => self.painter.touch_all(),
                }
                let actions = self.core.handle(now, Event::Order(order));
                self.carry_out(now, actions);
                let refused = junction.and_then(|ix| {
                    let taken = self.core.live()[ix.ix()].orders.iter().find(|o| o.order.id == id)?;
                    (taken.state == "rejected").then(|| taken.detail.clone())
                });
                let _ = reply.send(refused);
            }
            Ask::Look(ix, reply) => drop(reply.send(Arc::new(self.painter.look(now, ix, &self.core)))),
            Ask::Watch(ix, reply) => {
                let watched = self
                    .watched
                    .entry(ix)
                    .or_insert_with(|| watch::Sender::new(Arc::new(self.painter.look(now, ix, &self.core))));
                let _ = reply.send(watched.subscribe());
            }
            Ask::WhatIf(asked, reply) => {
                let entry = format!(
                    "what-if {} at {} junctions by {} ({})",
                    asked.id,
                    asked.trial.iter().map(|change| change.junctions.len()).sum::<usize>(),
                    asked.who,
                    asked.reason
                );
                let put = self.put(now, *asked);
                let refused = put.as_ref().err().map_or(String::new(), |why| format!(" refused: {why}"));
                self.carry_out(now, vec![Action::Audit(entry + &refused)]);
                let _ = reply.send(put);
            }
            Ask::Fetch(ix, time, codes, said) => {
                for code in codes {
                    self.field.fetch(ix, code, &time);
                }
                self.carry_out(now, vec![Action::Audit(said)]);
            }
            Ask::Throttle(ix, code, throttle, said) => {
                self.field.throttle(ix, code, &throttle);
                self.carry_out(now, vec![Action::Audit(said)]);
            }
            Ask::CancelWhatIf(id, who, reply) => {
                if self.what_ifs.cancel(id) == Some(true) {
                    self.field.cancel_what_if(id);
                    self.carry_out(now, vec![Action::Audit(format!("what-if {id} cancelled by {who}"))]);
                }
                let _ = reply.send(());
            }
        }
    }

    /// Puts a question to whoever simulates. The error says why it cannot be put now.
    fn put(&mut self, now: Moment, asked: Asked) -> Result<(), String> {
        if !self.field.broker.borrow().up {
            return Err("the broker is down, so no simulator can be asked".to_owned());
        }
        let picture = self.core.what_if_picture(now);
        if picture.turn_flows.is_empty() && picture.lane_flows.is_empty() {
            return Err("no flows were measured yet; ask again in a minute".to_owned());
        }
        let request = Request {
            id: asked.id,
            city: self.fingerprint,
            within_s: WHAT_IF_WITHIN_S,
            horizon_s: asked.horizon_s,
            seeds: asked.seeds,
            picture,
            trial: asked.trial.clone(),
        };
        let message = self.field.decoder.what_if(&request)?;
        if !self.what_ifs.begin(Instant::now(), asked) {
            return Err(format!("{MOST_OPEN} what-ifs are open already"));
        }
        self.field.ask(message);
        Ok(())
    }

    /// What people look at, between two ticks: alarms and links can wait for the next second, eyes should not. Says when it
    /// may be done again.
    fn show_between(&mut self) -> Instant {
        let began = Instant::now();
        if let Some(picture) = self.painter.repaint(self.clock.now(), &self.core) {
            self.picture.send_replace(Arc::new(picture));
        }
        Instant::now().max(began + SHOW_PERIOD).max(began + began.elapsed() * SHOW_SHARE)
    }

    fn show_watched(&mut self) {
        let now = self.clock.now();
        self.watched.retain(|_, watchers| watchers.receiver_count() > 0);
        for (&ix, watchers) in &self.watched {
            watchers.send_replace(Arc::new(self.painter.look(now, ix, &self.core)));
        }
    }

    fn reject(&mut self, name: &str) {
        *self.rejected.entry(name.to_owned()).or_default() += 1;
    }
}

/// A reading may be this late and still belong to its window.
const LATE: Duration = Duration::from_secs(5);

/// The next whole second of the city's clock, so that all centres tick together.
fn whole_second_after(now: Moment) -> Moment {
    Moment((now.0.div_euclid(1000) + 1) * 1000)
}

/// Those channels that the junction has, with numbers that there can be: the core has counted the others.
fn plausible<'a>(detectors: &[Detector], counts: &'a Counts) -> Cow<'a, Counts> {
    let good = |c: &Channel| {
        detectors.iter().any(|d| d.channel.0 == c.dl)
            && (0.0..=OCCUPANCY_SLACK).contains(&c.occupancy_avg)
            && c.speed_avg.is_none_or(f32::is_finite)
    };
    match counts.channels.iter().all(good) {
        true => Cow::Borrowed(counts),
        false => {
            let channels = counts.channels.iter().filter(|c| good(c)).cloned().collect();
            Cow::Owned(Counts { channels, ..*counts })
        }
    }
}
