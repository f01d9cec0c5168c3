//! One run: who acts when, under one virtual clock.

use super::{
    Plant,
    cabinet::{Cabinet, Crystal, Done},
    centre::{Centre, NAMES, Store},
    link::{Audience, Broker, Happened, Message, Moving, Party, Weather},
    mischief,
    promises::{Broken, FenceBook, LampBook, LeaseBook, Verdict, broken},
    script::{self, Fault, What},
    street::Street,
    town,
};
use controller::{
    coordinator::{Order, OrderKind, Settings},
    decide::Kind,
};
use edge_agent::agent::Arrived;
use model::{city::City, ids::JunctionIx, time::Moment};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    sync::Arc,
};
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;
use wire::{
    codec,
    command::Command,
    link::Delivery,
    register_map::{DeviceMode, RegisterMap},
    topic::{self, Kind as TopicKind},
};

/// When a run begins, in the city's time.
const START: Moment = Moment(1_795_341_600_000);
/// Time after which a junction with which nothing is wrong is under control again: the longest waits between two
/// tries on broker and cable (30 s each), the all-red of a start, and a lease.
const RETURNS_MS: i64 = 90_000;
/// How long a junction may be away all the same: a request and the plan's own change may meet, and the guard then
/// refuses until the device has settled.
const AWAY_MS: i64 = 15_000;
/// How long a lease may outlive itself, ms.
const LATE_MS: i64 = 2_000;
/// Lease that centres give, s.
const LEASE_S: u32 = 10;
/// Epoch of the first centre.
const FIRST_EPOCH: u64 = 10;

/// What a run showed.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// The promise that broke, and when, ms since the start.
    pub(crate) broken: Option<(i64, Broken)>,
    /// Hash of all that happened, in order.
    pub(crate) transcript: u64,
    /// What was done, and what went wrong.
    pub(crate) tally: BTreeMap<String, u64>,
}

#[derive(Debug)]
enum Step {
    Device(usize),
    Poll(usize),
    Tick(usize),
    Broker,
    Move(Box<Moving>),
    Begin(usize),
    End(usize),
    Mischief(usize),
}

struct Waiting {
    at: Moment,
    order: u64,
    step: Step,
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.order) == (other.at, other.order)
    }
}
impl Eq for Waiting {}
impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

struct Books {
    lamps: LampBook,
    fence: FenceBook,
    lease: LeaseBook,
    /// Faults in force here, those everywhere included, that may keep the centre from steering.
    troubles: u32,
    /// The agent may have been told what is not so, until then.
    fooled_until: Moment,
    /// Lines that the core had read and not told at the last look.
    told: u64,
    newest: Option<Command>,
}

/// A run.
pub(crate) struct Rehearsal {
    rng: fastrand::Rng,
    now: Moment,
    end: Moment,
    queue: BinaryHeap<Reverse<Waiting>>,
    order: u64,
    step_ms: i64,
    broker: Broker,
    cabinets: Vec<Cabinet>,
    centres: Vec<Centre>,
    store: Store,
    store_up: bool,
    streets: Vec<Street>,
    books: Vec<Books>,
    script: Vec<Fault>,
    settings: Settings,
    newest_epoch: u64,
    transcript: u64,
    tally: BTreeMap<&'static str, u64>,
    sabotage: bool,
}

/// Runs one seed.
///
/// # Errors
/// If the runtime for the agents' cables cannot be made.
pub(crate) fn run(seed: u64, minutes: u32, plant: Option<Plant>) -> std::io::Result<Outcome> {
    let mut rehearsal = Rehearsal::new(seed, minutes, plant)?;
    let broken = rehearsal.play().err().map(|b| (rehearsal.now.0 - START.0, b));
    Ok(rehearsal.outcome(broken))
}

impl Rehearsal {
    fn new(seed: u64, minutes: u32, plant: Option<Plant>) -> std::io::Result<Rehearsal> {
        let mut rng = fastrand::Rng::with_seed(seed);
        let truth = town::draw(&mut rng);
        let believed = plant.map_or_else(|| truth.clone(), |plant| plant.believed(truth.clone()));
        let city: Arc<City> = Arc::new(believed);
        let map = Arc::new(RegisterMap::svetofor());
        let runtime: Arc<Runtime> = Arc::new(Builder::new_current_thread().enable_time().build()?);
        let kind = match rng.u8(0..8) {
            0 | 1 => Kind::Fixed,
            2 | 3 => Kind::Actuated,
            4 => Kind::Schedule,
            5 => Kind::Adaptive,
            _ => Kind::MaxPressure,
        };
        let settings = Settings {
            kind,
            kinds: BTreeMap::new(),
            lease_s: LEASE_S,
            epoch: FIRST_EPOCH,
            utc_offset_s: 0,
            holidays: Default::default(),
            tuning: Default::default(),
        };
        let count = city.junctions.len();
        let mut cabinets = Vec::with_capacity(count);
        for (i, junction) in city.junctions.iter().enumerate() {
            let junction = Arc::new(junction.clone());
            let cabinet = Cabinet::new(i, junction, map.clone(), START, rng.u64(..), plant, runtime.clone())?;
            cabinet.device().drift(rng.f64() * 400.0 - 200.0);
            cabinets.push(cabinet);
        }
        let books = truth.junctions.iter().map(|junction| Books {
            lamps: LampBook::new(Arc::new(junction.clone())),
            fence: FenceBook::default(),
            lease: LeaseBook::default(),
            troubles: 0,
            fooled_until: Moment(0),
            told: 0,
            newest: None,
        });
        let length_ms = i64::from(minutes) * 60_000;
        let script = script::draw(&mut rng, length_ms, count);
        let mut rehearsal = Rehearsal {
            now: START,
            end: Moment(START.0 + length_ms),
            queue: BinaryHeap::new(),
            order: 0,
            step_ms: if rng.bool() { 500 } else { 1_000 },
            broker: Broker::new(count, NAMES.len()),
            streets: city.junctions.iter().map(|j| Street::new(j.detectors.len())).collect(),
            centres: (0..NAMES.len()).map(|i| Centre::new(i, city.clone())).collect(),
            cabinets,
            store: Store::new(),
            store_up: true,
            books: books.collect(),
            script,
            settings,
            newest_epoch: FIRST_EPOCH,
            transcript: 0xcbf2_9ce4_8422_2325,
            tally: BTreeMap::new(),
            sabotage: plant.is_some(),
            rng,
        };
        rehearsal.raise_curtain();
        Ok(rehearsal)
    }

    fn raise_curtain(&mut self) {
        for i in 0..self.cabinets.len() {
            self.start_agent(i);
            let offset = self.rng.i64(0..500);
            self.later(Moment(START.0 + 1), Step::Device(i));
            self.later(Moment(START.0 + 2 + offset), Step::Poll(i));
        }
        self.start_centre(0, FIRST_EPOCH);
        for i in 0..self.centres.len() {
            let offset = self.rng.i64(0..1_000);
            self.later(Moment(START.0 + offset), Step::Tick(i));
        }
        self.later(START, Step::Broker);
        for k in 0..self.script.len() {
            let during = self.script[k].during.clone();
            self.later(Moment(START.0 + during.start), Step::Begin(k));
            self.later(Moment(START.0 + during.end), Step::End(k));
        }
    }

    fn play(&mut self) -> Result<(), Broken> {
        while let Some(Reverse(Waiting { at, step, .. })) = self.queue.pop() {
            if at > self.end {
                break;
            }
            self.now = at;
            match step {
                Step::Device(i) => self.step_device(i)?,
                Step::Poll(i) => self.poll(i)?,
                Step::Tick(i) => self.tick(i)?,
                Step::Broker => {
                    let happened = self.broker.tick(self.now, &mut self.rng);
                    self.later(Moment(self.now.0 + 250), Step::Broker);
                    self.happen(happened)?;
                }
                Step::Move(moving) => {
                    let happened = self.broker.moved(self.now, &mut self.rng, *moving);
                    self.happen(happened)?;
                }
                Step::Begin(k) => self.begin(k)?,
                Step::End(k) => self.end(k)?,
                Step::Mischief(k) => self.mischief(k)?,
            }
        }
        Ok(())
    }

    fn outcome(mut self, broken: Option<(i64, Broken)>) -> Outcome {
        let mut tally: BTreeMap<String, u64> = BTreeMap::new();
        let mut add = |name: &str, n: u64| *tally.entry(name.to_owned()).or_default() += n;
        for cabinet in &mut self.cabinets {
            cabinet.keep_counts();
            cabinet.counts.iter().for_each(|(name, n)| add(&format!("agent: {name}"), *n));
            let wire = cabinet.cable.wire();
            add("settings written", wire.writes);
            add("Modbus calls without an answer", wire.unanswered);
        }
        for centre in &mut self.centres {
            centre.keep_counts();
            centre.rejected.iter().for_each(|(name, n)| add(&format!("centre: {name}"), *n));
            add("decisions", centre.decided);
        }
        let link = self.broker.tally;
        add("messages sent", link.sent);
        add("messages lost", link.lost);
        add("messages repeated", link.repeated);
        add("commands expired at the broker", link.expired);
        add("connections lost", link.connections_lost);
        self.tally.iter().for_each(|(name, n)| add(name, *n));
        add("event entries made", self.cabinets.iter().map(|c| c.made.len() as u64).sum());
        let (transcript, played_ms) = (self.transcript, self.now.0 - START.0);
        let broken = broken.or_else(|| Some((played_ms, self.look_for_entries().err()?)));
        Outcome { broken, transcript, tally }
    }

    fn later(&mut self, at: Moment, step: Step) {
        self.order += 1;
        self.queue.push(Reverse(Waiting { at, order: self.order, step }));
    }

    fn count(&mut self, name: &'static str) {
        *self.tally.entry(name).or_default() += 1;
    }

    /// FNV-1a over words of eight bytes: every lamp and message of an hour goes through here.
    fn write_down(&mut self, bytes: &[u8]) {
        let mut take = |word: u64| self.transcript = (self.transcript ^ word).wrapping_mul(0x0100_0000_01b3);
        take(self.now.0.cast_unsigned());
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| take(u64::from_le_bytes(*word)));
        rest.iter().for_each(|byte| take(u64::from(*byte)));
    }

    // Programs.

    fn crystal(&mut self) -> Crystal {
        Crystal { ahead_ms: self.rng.i64(-300..300), ppm: self.rng.i64(-100..100) }
    }

    fn start_agent(&mut self, i: usize) {
        let crystal = self.crystal();
        let cabinet = &mut self.cabinets[i];
        cabinet.start(self.now, crystal);
        let (boot, epoch) = (cabinet.boot_id(), cabinet.epoch);
        self.books[i].fence.restart(boot, cabinet.junction.config_hash(), epoch);
        self.books[i].told = 0;
        let will = cabinet.will();
        self.broker.start(self.now, Party::Cabinet(i), will);
    }

    fn start_centre(&mut self, i: usize, epoch: u64) {
        let crystal = self.crystal();
        self.centres[i].start(self.now, Settings { epoch, ..self.settings.clone() }, crystal);
        self.broker.start(self.now, Party::Centre(i), None);
    }

    fn kill_centre(&mut self, i: usize) -> Result<(), Broken> {
        self.centres[i].kill();
        let happened = self.broker.kill(Party::Centre(i), &mut self.rng, self.now);
        self.happen(happened)
    }

    // What they do.

    fn step_device(&mut self, i: usize) -> Result<(), Broken> {
        self.later(Moment(self.now.0 + self.step_ms), Step::Device(i));
        self.live(i)
    }

    /// The device lives until now, and its lamps are looked at.
    fn live(&mut self, i: usize) -> Result<(), Broken> {
        let felt = self.streets[i].feel(self.now, self.step_ms, &mut self.rng);
        self.cabinets[i].step(self.now, felt);
        let device = self.cabinets[i].device();
        let (lamps, stage, mode) = device
            .look(|tlc| (tlc.groups().iter().map(|g| g.lamp).collect::<Vec<_>>(), tlc.stage(), tlc.mode()));
        let picture: Vec<u8> = lamps.iter().map(|l| *l as u8).collect();
        self.write_down(&picture);
        self.books[i].lamps.look(self.now, &lamps, stage)?;
        self.look_at_lease(i, mode)
    }

    fn look_at_lease(&mut self, i: usize, mode: DeviceMode) -> Result<(), Broken> {
        let (cabinet, now) = (&self.cabinets[i], self.now);
        let wire = cabinet.cable.wire();
        let [stage, _, plan, _] = wire.settings;
        let good = !wire.cut && wire.late == 0.0;
        drop(wire);
        let book = &mut self.books[i];
        let id = &cabinet.junction.id;
        let over = now.0 - book.lease.until.0;
        if mode == DeviceMode::Central && over > LATE_MS + self.step_ms + 100 {
            return Err(broken(3, format!("junction {id} obeys {over} ms after the last lease ended")));
        }
        let able = good
            && cabinet.runs()
            && now > book.fooled_until
            && !matches!(mode, DeviceMode::Dark | DeviceMode::Manual);
        let since = if able { *book.lease.able_since.get_or_insert(now) } else { now };
        if !able {
            book.lease.able_since = None;
        }
        let had_time = over > LATE_MS + 1_000 && now.0 - since.0 > 35_000;
        if had_time && (stage != 0 || plan != 0 || mode == DeviceMode::Flashing) {
            return Err(broken(
                3,
                format!(
                    "junction {id} stands on stage {stage}, plan {plan}, {mode:?} {over} ms after the last lease"
                ),
            ));
        }
        Ok(())
    }

    fn poll(&mut self, i: usize) -> Result<(), Broken> {
        let jitter = self.rng.i64(0..30);
        self.later(Moment(self.now.0 + 485 + jitter), Step::Poll(i));
        if !self.cabinets[i].runs() {
            return Ok(());
        }
        let done = self.cabinets[i].poll(self.now);
        self.balance(i)?;
        self.say(Party::Cabinet(i), done.messages)
    }

    /// Promise 4, first half: what the client read, the core tells.
    fn balance(&mut self, i: usize) -> Result<(), Broken> {
        let book = self.cabinets[i].book;
        let open = (book.read - book.lost).saturating_sub(book.published);
        let told = std::mem::replace(&mut self.books[i].told, book.published) != book.published;
        if told && open > 0 {
            let id = &self.cabinets[i].junction.id;
            return Err(broken(
                4,
                format!("junction {id}: {open} events were read and neither told nor counted"),
            ));
        }
        let missing = self.cabinets[i].missing_events();
        if let Some(missing) = missing.filter(|_| self.now > self.books[i].fooled_until) {
            let id = &self.cabinets[i].junction.id;
            return Err(broken(
                4,
                format!("junction {id}: {missing} lines of the device's log were lost in reading"),
            ));
        }
        Ok(())
    }

    fn tick(&mut self, i: usize) -> Result<(), Broken> {
        self.later(Moment(self.now.0 + 1_000), Step::Tick(i));
        let mut messages = self.centres[i].tick(self.now);
        let store = self.store_up.then_some(&mut self.store);
        messages.extend(self.centres[i].write(self.now, store));
        self.say(Party::Centre(i), messages)?;
        if i == 0 {
            for j in 0..self.cabinets.len() {
                self.look_for_return(j)?;
            }
        }
        Ok(())
    }

    /// Promise 3, second half: with nothing wrong, the centre steers.
    fn look_for_return(&mut self, j: usize) -> Result<(), Broken> {
        let book = &mut self.books[j];
        if book.troubles > 0 {
            book.lease.calm_since = None;
            return Ok(());
        }
        let since = *book.lease.calm_since.get_or_insert(self.now);
        let mode = self.cabinets[j].device().look(|tlc| tlc.mode());
        if mode == DeviceMode::Central {
            book.lease.steered_at = self.now;
        }
        let away_ms = self.now.0 - book.lease.steered_at.0;
        if self.now.0 - since.0 < RETURNS_MS || away_ms < AWAY_MS {
            return Ok(());
        }
        let id = &self.cabinets[j].junction.id;
        let view = self.centres[0].view(self.now, j);
        Err(broken(
            3,
            format!(
                "junction {id} is in {mode:?} though nothing is wrong for {RETURNS_MS} ms; centre: {view}"
            ),
        ))
    }

    // Messages.

    fn say(&mut self, from: Party, messages: Vec<Message>) -> Result<(), Broken> {
        let mut happened = Vec::new();
        for message in messages {
            self.write_down(&message.payload);
            if message.delivery == Delivery::Command {
                self.count("commands sent");
            }
            self.broker.send(self.now, &mut self.rng, from, message, &mut happened);
        }
        self.happen(happened)
    }

    fn happen(&mut self, happened: Vec<Happened>) -> Result<(), Broken> {
        for one in happened {
            match one {
                Happened::Later(at, moving) => self.later(at, Step::Move(Box::new(moving))),
                Happened::Linked(Party::Cabinet(i), up) => {
                    let done = self.cabinets[i].linked(self.now, up);
                    self.say(Party::Cabinet(i), done.messages)?;
                }
                Happened::Linked(Party::Centre(_), _) => {}
                Happened::Arrived(Party::Centre(i), message) => {
                    if self.centres[i].runs() {
                        let messages = self.centres[i].hear(self.now, &message);
                        self.say(Party::Centre(i), messages)?;
                    }
                }
                Happened::Arrived(Party::Cabinet(i), message) => self.obey(i, message)?,
            }
        }
        Ok(())
    }

    /// Promise 2: a command arrives, and we know by our own books whether it may change anything.
    fn obey(&mut self, i: usize, message: Message) -> Result<(), Broken> {
        let code = match topic::parse(&message.topic) {
            Some((_, TopicKind::Command(code))) => code,
            Some((_, TopicKind::Stored(code))) => {
                let stored = codec::decode("stored", &message.payload).expect("a centre of ours said it");
                self.cabinets[i].stored(self.now, code, &stored);
                return Ok(());
            }
            _ => return Ok(()),
        };
        let Some((clock, tick)) = self.cabinets[i].clock(self.now) else { return Ok(()) };
        let arrived = Arrived {
            code,
            payload: message.payload,
            retain: message.retain,
            response_topic: message.response_topic,
            correlation: message.correlation,
        };
        let (verdict, command) = self.books[i].fence.judge(clock, tick, &arrived);
        let before = self.cabinets[i].cable.wire().writes;
        // What the device held already, it is not asked for anew.
        let held = (self.cabinets[i].device().look(|tlc| tlc.mode()) == DeviceMode::Central)
            .then(|| self.cabinets[i].cable.wire().settings[0]);
        let Done { messages, results } = self.cabinets[i].command(self.now, arrived);
        let (after, settings) = {
            let wire = self.cabinets[i].cable.wire();
            (wire.writes, wire.settings)
        };
        let id = &self.cabinets[i].junction.id;
        if let Some(command) = &command {
            let (at_ms, body) = (self.now.0 - START.0, &command.body);
            let results: Vec<_> = results.iter().map(|r| (r.state, r.reason)).collect();
            tracing::debug!(at_ms, junction = %id, ?body, seq = command.seq, ?results, "command");
        }
        match (verdict, &command) {
            (Verdict::MustChangeNothing, _) if after != before => {
                return Err(broken(
                    2,
                    format!("junction {id}: a command that had to change nothing was written: {command:?}"),
                ));
            }
            (Verdict::MayPass, Some(command)) => {
                let book = &mut self.books[i];
                book.fence.passed(command, &results);
                let obeyed = book.lease.granted(self.now, command, &results);
                let anew = settings[0] != 0 && held != Some(settings[0]);
                if after != before && anew && self.now > book.fooled_until {
                    book.lamps.could_be_asked(self.now, model::ids::StageNumber(settings[0]))?;
                }
                book.newest = Some(command.clone());
                self.count(if obeyed { "commands applied" } else { "commands refused or only prolonging" });
            }
            _ => self.count("commands that had to change nothing"),
        }
        self.say(Party::Cabinet(i), messages)
    }

    // Faults.

    fn troubled(&mut self, k: usize, begins: bool) {
        let Fault { what, at, .. } = self.script[k];
        if what.leaves_control() {
            return;
        }
        for (i, book) in self.books.iter_mut().enumerate() {
            if what.is_local() && i != at {
                continue;
            }
            book.lease.calm_since = None;
            book.troubles = if begins { book.troubles + 1 } else { book.troubles.saturating_sub(1) };
        }
    }

    fn begin(&mut self, k: usize) -> Result<(), Broken> {
        self.troubled(k, true);
        let Fault { what, at, .. } = self.script[k].clone();
        self.count(what.name());
        tracing::info!(at_ms = self.now.0 - START.0, junction = at, ?what, "begins");
        match what {
            What::Weather(weather) => self.broker.weather = weather,
            What::BrokerFreezes => {
                let happened = self.broker.freeze(self.now, true);
                self.happen(happened)?;
            }
            What::BrokerDies { forgets } => {
                let happened = self.broker.restart(self.now, &mut self.rng, false, forgets);
                self.happen(happened)?;
            }
            What::CabinetCut | What::CentreCut => self.cut(what, at, true)?,
            What::AgentDies { forgets_epoch } => {
                self.cabinets[at].kill();
                if forgets_epoch {
                    self.cabinets[at].epoch = 0;
                }
                let happened = self.broker.kill(Party::Cabinet(at), &mut self.rng, self.now);
                self.happen(happened)?;
            }
            What::CentreDies { .. } => self.kill_centre(0)?,
            What::StoreDown => self.store_up = false,
            What::SecondCentre { newer } => {
                let epoch = if newer { self.newest_epoch + 1 } else { self.newest_epoch - 1 };
                self.newest_epoch = self.newest_epoch.max(epoch);
                self.start_centre(1, epoch);
            }
            What::NoPower { forgets } => {
                self.cabinets[at].power(self.now, true, forgets);
                // It is dark at once, not at its next tick: a box that has just been made shows its first stage.
                self.live(at)?;
            }
            What::Manual => self.cabinets[at].manual(true),
            What::CableCut => self.cabinets[at].cable.wire().cut = true,
            What::AnswersLate(share) => self.cabinets[at].cable.wire().late = share,
            What::AnswersGarbled(share) => {
                self.cabinets[at].device().garble_answers(share);
                self.books[at].fooled_until = Moment(i64::MAX);
            }
            What::Detector { chatters } => self.streets[at].wear(&mut self.rng, chatters),
            What::Mischief => self.mischief(k)?,
            What::Order => self.order(k)?,
        }
        Ok(())
    }

    fn end(&mut self, k: usize) -> Result<(), Broken> {
        let Fault { what, at, .. } = self.script[k].clone();
        tracing::info!(at_ms = self.now.0 - START.0, junction = at, ?what, "ends");
        match what {
            What::Weather(_) => self.broker.weather = Weather::FAIR,
            What::BrokerFreezes => {
                let happened = self.broker.freeze(self.now, false);
                self.happen(happened)?;
            }
            What::BrokerDies { .. } => {
                let happened = self.broker.restart(self.now, &mut self.rng, true, false);
                self.happen(happened)?;
            }
            What::CabinetCut | What::CentreCut => self.cut(what, at, false)?,
            What::AgentDies { .. } => self.start_agent(at),
            What::CentreDies { newer } => {
                if newer {
                    self.newest_epoch += 1;
                }
                self.start_centre(0, self.newest_epoch);
            }
            What::StoreDown => self.store_up = true,
            What::SecondCentre { .. } => {
                self.kill_centre(1)?;
                // The first wins the lease anew, and learns only now that it had been another's.
                self.newest_epoch += 1;
                let messages = self.centres[0].epoch(self.now, self.newest_epoch);
                self.say(Party::Centre(0), messages)?;
            }
            What::NoPower { .. } => self.cabinets[at].power(self.now, false, false),
            What::Manual => self.cabinets[at].manual(false),
            What::CableCut => self.cabinets[at].cable.wire().cut = false,
            What::AnswersLate(_) => self.cabinets[at].cable.wire().late = 0.0,
            What::AnswersGarbled(_) => {
                self.cabinets[at].device().garble_answers(0.0);
                // What was read last may be noise until it has been read again and the ladder climbed.
                self.books[at].fooled_until = Moment(self.now.0 + 60_000);
            }
            What::Detector { .. } => self.streets[at].mend(),
            What::Mischief | What::Order => {}
        }
        self.troubled(k, false);
        Ok(())
    }

    fn cut(&mut self, what: What, at: usize, cut: bool) -> Result<(), Broken> {
        let party = if matches!(what, What::CentreCut) { Party::Centre(0) } else { Party::Cabinet(at) };
        let happened = self.broker.cut(self.now, &mut self.rng, party, cut);
        self.happen(happened)
    }

    fn mischief(&mut self, k: usize) -> Result<(), Broken> {
        let Fault { at, during, .. } = self.script[k].clone();
        if self.now.0 - START.0 >= during.end {
            return Ok(());
        }
        let pause = self.rng.i64(300..1_500);
        self.later(Moment(self.now.0 + pause), Step::Mischief(k));
        let (Some((clock, tick)), Some(newest)) =
            (self.cabinets[at].clock(self.now), self.books[at].newest.clone())
        else {
            return Ok(());
        };
        let stages = self.cabinets[at].junction.stages.len() as u16;
        let arrived = mischief::draw(&mut self.rng, clock, tick, &newest, self.newest_epoch, stages);
        self.count("mischievous commands sent");
        self.obey(
            at,
            Message {
                topic: format!("{}/command/{}", self.cabinets[at].node(), arrived.code.as_str()),
                payload: arrived.payload,
                delivery: Delivery::Command,
                to: Audience::Cabinet(at),
                response_topic: arrived.response_topic,
                correlation: arrived.correlation,
                retain: arrived.retain,
            },
        )
    }

    fn order(&mut self, k: usize) -> Result<(), Broken> {
        let Fault { at, during, .. } = self.script[k].clone();
        let junction = self.cabinets[at].junction.clone();
        let stage = junction.stages[self.rng.usize(0..junction.stages.len())].number;
        let what = match (self.rng.u8(0..4), junction.plans.first()) {
            (0, Some(plan)) => OrderKind::Plan(plan.number),
            (1, _) => OrderKind::Flash,
            (2, _) => OrderKind::Kind(Kind::ALL[self.rng.usize(0..Kind::ALL.len())]),
            _ => OrderKind::Hold(stage),
        };
        let order = Order {
            id: Uuid::from_u64_pair(u64::MAX, k as u64),
            junction: Some(JunctionIx::from(at)),
            what,
            who: "rehearsal".to_owned(),
            reason: "drawn".to_owned(),
            until: Moment(START.0 + during.end),
        };
        let messages = self.centres[0].order(self.now, order);
        self.say(Party::Centre(0), messages)
    }

    /// Promise 4, second half: every event entry that was ever made is in the store or still with its cabinet, and those
    /// from before the calm at the end are in the store.
    fn look_for_entries(self) -> Result<(), Broken> {
        if self.sabotage {
            return Ok(());
        }
        let calm = Moment(self.end.0 - script::CALM_MS);
        for mut cabinet in self.cabinets {
            let id = cabinet.junction.id.clone();
            let made = std::mem::take(&mut cabinet.made);
            let kept = cabinet.into_kept();
            for (receipt, made_at) in made.into_iter().filter(|(receipt, _)| !self.store.contains(receipt)) {
                let what =
                    format!("junction {id}: event entry {} made at {} ms", receipt.seq, made_at.0 - START.0);
                if !kept.contains(&receipt) {
                    return Err(broken(4, format!("{what} is nowhere")));
                }
                if made_at < calm {
                    return Err(broken(4, format!("{what} is not stored yet")));
                }
            }
        }
        Ok(())
    }
}
