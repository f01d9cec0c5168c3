//! The pure core: everything that the cabinet decides, with time handed in.
//!
//! One command's way through here: [`Event::Command`] ▸ [`fence`] (is it meant for us, now, and new?) ▸
//! [`crate::guard`] (is it safe, by our own limits and our own reading?) ▸ [`Action::Write`] ▸
//! [`Event::Written`] (does the device have it?) ▸ a lease. When the lease lapses, [`crate::fallback`]
//! says which rung to stand on.

mod alarms;
mod fence;
mod telemetry;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;

use crate::{
    device::{DeviceMode, DeviceReport, LocalMode, LogPlace, Settings},
    fallback::{Fallback, Why},
    guard::{self, LampWatch, Objection, Seen},
};
use alarms::AlarmTable;
pub use alarms::CODES as ALARM_CODES;
use bytes::Bytes;
use fence::Fence;
use model::{
    ids::{PlanNumber, StageNumber},
    signal::Junction,
    time::Moment,
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use telemetry::Telemetry;
use uuid::Uuid;
use wire::{
    codec,
    command::{Body, Command},
    message::{Alarms, Counts, Entry, Events, Groups, Mode, Presence, PresenceState, Rung},
    result::{CommandResult, Reason, ResultState},
    topic::{self, CommandCode, Kind, Node},
};

/// A device that shows the same heartbeat for longer hangs; its readings are then not believed.
const HEARTBEAT_STUCK: Duration = Duration::from_secs(3);
/// How long a device may take to do what it has taken: its own tick, and one poll of ours.
const SETTLING: Duration = Duration::from_secs(3);

/// What the core must know from the start.
#[derive(Clone, Debug)]
pub struct AgentConfig {
    /// The cabinet's own copy of its limits.
    pub junction: Arc<Junction>,
    /// One per start of the program.
    pub boot: Uuid,
    /// Usual time between two readings.
    pub poll: Duration,
    /// Longest countdown that the device takes, s; no lease on a stage is longer.
    pub longest_countdown_s: u16,
    /// Highest epoch that an earlier run of this agent obeyed, 0 if none: a centre that lost its lease must not
    /// get the junction back because we restarted.
    pub epoch: u64,
}

/// Everything that can happen to a cabinet's agent.
#[derive(Clone, Debug)]
pub enum Event {
    /// The device was read.
    Report(DeviceReport),
    /// The device could not be read.
    DeviceFailed(String),
    /// A command arrived.
    Command(Arrived),
    /// A write was tried: what the device had afterwards, or why we do not know.
    Written {
        /// Which write.
        id: u64,
        /// Read back.
        outcome: Result<Settings, String>,
    },
    /// The broker link came up (true) or went down.
    Link(bool),
    /// Entries that no centre has heard were lost for want of room, so many since the start.
    Lost(u64),
    /// Some time has passed; comes after every reading.
    Tick,
}

/// A command as it came off the wire.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// From its topic.
    pub code: CommandCode,
    /// CBOR.
    pub payload: Bytes,
    /// Whether the broker had kept it; commands must never be.
    pub retain: bool,
    /// Where the answer goes.
    pub response_topic: Option<String>,
    /// What the answer must carry.
    pub correlation: Option<Bytes>,
}

/// What the agent wants done, in order.
#[derive(Clone, PartialEq, Debug)]
pub enum Action {
    /// Write to the device, read back, and say [`Event::Written`].
    Write {
        /// Names the write.
        id: u64,
        /// What.
        settings: Settings,
    },
    /// Tell the centre.
    Publish(Publication),
    /// Answer a command.
    Answer {
        /// The asking centre's result topic.
        topic: String,
        /// The command's correlation data.
        correlation: Option<Bytes>,
        /// The answer.
        result: CommandResult,
    },
    /// Keep this epoch across restarts, see [`AgentConfig::epoch`].
    RememberEpoch(u64),
}

/// What the centre is told.
#[derive(Clone, PartialEq, Debug)]
pub enum Publication {
    /// `presence`.
    Presence(Presence),
    /// `tlc.config`.
    Config(Box<Entry<Junction>>),
    /// `tlc.groups`.
    Groups(Entry<Groups>),
    /// `tlc.mode`.
    Mode(Entry<Mode>),
    /// `tlc.events`, and how far the device's log has been read with it.
    Events(Entry<Events>, LogPlace),
    /// `traffic.count`.
    Counts(Entry<Counts>),
    /// `alarm/<code>`.
    Alarms {
        /// The code.
        code: &'static str,
        /// The alarms.
        alarms: Alarms,
    },
}

/// What a lease lets the device do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Hold {
    Stage(u16),
    Plan(u16),
    Local(LocalMode),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Lease {
    hold: Hold,
    until: Moment,
}

/// A write under way, and the order that it carries out if it is not our own.
#[derive(Clone, PartialEq, Debug)]
struct Pending {
    id: u64,
    settings: Settings,
    order: Option<Order>,
}

#[derive(Clone, PartialEq, Debug)]
struct Order {
    cmd_id: Uuid,
    answer_to: AnswerTo,
    lease: Lease,
}

#[derive(Clone, PartialEq, Debug)]
struct AnswerTo {
    topic: String,
    correlation: Option<Bytes>,
}

/// Why a command is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Refusal {
    state: ResultState,
    reason: Option<Reason>,
    detail: String,
}

impl Refusal {
    fn new(reason: Reason, detail: impl Into<String>) -> Refusal {
        Refusal { state: ResultState::Rejected, reason: Some(reason), detail: detail.into() }
    }
}

impl From<Objection> for Refusal {
    fn from(objection: Objection) -> Refusal {
        let reason = match objection {
            Objection::Unavailable(_) => Reason::DeviceUnavailable,
            Objection::Unsafe(_) => Reason::Unsafe,
        };
        Refusal::new(reason, objection.to_string())
    }
}

/// The cabinet's agent.
#[derive(Debug)]
pub struct Agent {
    config: AgentConfig,
    config_hash: u32,
    booted: Moment,
    latest: Moment,
    fence: Fence,
    seen: Option<Seen>,
    lease: Option<Lease>,
    /// Why nobody steers, when nobody does.
    why: Why,
    fallback: Fallback,
    /// What the device is known to have.
    applied: Option<Settings>,
    pending: Option<Pending>,
    next_write: u64,
    /// Since when the device has not done what it was asked for.
    missing_since: Option<Moment>,
    watch: LampWatch,
    alarms: AlarmTable,
    telemetry: Telemetry,
    counts: BTreeMap<String, u64>,
}

impl Agent {
    /// Begins at `now`, which is tick 0.
    pub fn new(config: AgentConfig, now: Moment) -> Agent {
        let config_hash = config.junction.config_hash();
        Agent {
            config_hash,
            booted: now,
            latest: now,
            fence: Fence::new(config.boot, config_hash, config.epoch),
            seen: None,
            lease: None,
            why: Why::Started,
            fallback: Fallback::default(),
            applied: None,
            pending: None,
            next_write: 1,
            missing_since: None,
            watch: LampWatch::new(&config.junction, config.poll),
            alarms: AlarmTable::default(),
            telemetry: Telemetry::new(config.boot, now),
            counts: BTreeMap::new(),
            config,
        }
    }

    /// The cabinet's node on the wire.
    pub fn node(&self) -> Node {
        Node::cabinet(&self.config.junction.district, &self.config.junction.id)
    }

    /// Counted rejections and losses since the start, by name.
    pub fn counts(&self) -> &BTreeMap<String, u64> {
        &self.counts
    }

    /// What presence says of us.
    pub fn presence(&self, state: PresenceState) -> Presence {
        Presence {
            state,
            boot_id: self.config.boot,
            config_hash: self.config_hash,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// The one door.
    pub fn handle(&mut self, now: Moment, event: Event) -> Vec<Action> {
        // The clock that commands echo must never run backwards, whatever the machine's does.
        let now = now.max(self.latest);
        self.latest = now;
        let mut actions = Vec::new();
        match event {
            Event::Report(report) => self.on_report(now, report),
            Event::DeviceFailed(cause) => {
                self.count("device.read_failed");
                tracing::debug!(signal = %self.config.junction.id, error = cause, "device not read");
            }
            Event::Command(arrived) => self.on_command(now, arrived, &mut actions),
            Event::Written { id, outcome } => self.on_written(id, outcome, &mut actions),
            Event::Link(true) => self.introduce(now, &mut actions),
            Event::Link(false) => {}
            Event::Lost(entries) => self.alarms.lost(now, entries),
            Event::Tick => self.on_tick(now, &mut actions),
        }
        actions
    }

    /// The node's monotonic clock, ms: what `ref_tick` counts.
    fn tick(&self, at: Moment) -> u64 {
        at.since(self.booted).as_millis() as u64
    }

    fn count(&mut self, name: impl Into<String>) {
        *self.counts.entry(name.into()).or_default() += 1;
    }

    // Readings.

    fn on_report(&mut self, now: Moment, report: DeviceReport) {
        if report.events_lost > 0 {
            *self.counts.entry("device.events_lost".into()).or_default() += u64::from(report.events_lost);
        }
        let restarted = self.seen.as_ref().is_some_and(|s| report.tick < s.report.tick);
        if restarted {
            self.count("device.restarted");
            self.drop_lease(Why::DeviceRestarted);
            self.applied = None;
            self.telemetry.restart();
        }
        // A report with the last heartbeat is the last picture again, not a new one: keeping its old date lets
        // the guard see how old it is.
        let stuck = !restarted && self.seen.as_ref().is_some_and(|s| s.report.heartbeat == report.heartbeat);
        if stuck {
            if self.seen.as_ref().is_some_and(|s| now.since(s.at) > HEARTBEAT_STUCK) {
                self.count("device.stuck");
            }
            // The log moves on by itself: what was read of it is read no second time.
            self.telemetry.take_log(now, &report);
            return;
        }
        for violation in self.watch.observe(&self.config.junction, &report) {
            tracing::error!(signal = %self.config.junction.id, error = %violation, "the lamps did what they must not");
            self.count("device.violation");
            self.alarms.violation(now, &violation);
        }
        self.fallback.observe(now, &report);
        self.telemetry.take(now, &self.config.junction, &report);
        self.seen = Some(Seen { at: now, report });
        self.watch_request(now);
    }

    /// Notices a device that has dropped what it was asked for: its countdown ran out, its power failed.
    fn watch_request(&mut self, now: Moment) {
        let (Some(Lease { hold: Hold::Stage(stage), .. }), Some(seen)) = (self.lease, &self.seen) else {
            self.missing_since = None;
            return;
        };
        let away = matches!(seen.report.mode, DeviceMode::Dark | DeviceMode::Manual);
        if away || seen.report.requested == stage {
            self.missing_since = None;
        } else if now.since(*self.missing_since.get_or_insert(now)) > SETTLING {
            self.drop_lease(Why::DeviceReverted);
        }
    }

    fn drop_lease(&mut self, why: Why) {
        self.missing_since = None;
        if self.lease.take().is_some() {
            self.why = why;
            tracing::info!(signal = %self.config.junction.id, reason = %why, "nobody steers this junction now");
        }
    }

    // Commands.

    fn on_command(&mut self, now: Moment, arrived: Arrived, actions: &mut Vec<Action>) {
        let code = arrived.code;
        if arrived.retain {
            // A command of unknown age; the broker, or whoever retained it, is misconfigured.
            return self.count(format!("mqtt.retained.{}", code.as_str()));
        }
        let command: Command = match codec::decode("command", &arrived.payload) {
            Ok(command) => command,
            Err(error) => {
                tracing::warn!(signal = %self.config.junction.id, %error, "unreadable command");
                return self.count(format!("mqtt.malformed.{}", code.as_str()));
            }
        };
        // The answer may only go to a result topic: a command must not make us speak elsewhere.
        let topic = arrived
            .response_topic
            .filter(|t| matches!(topic::parse(t), Some((_, Kind::Result(c))) if c == code));
        let Some(topic) = topic else {
            return self.count(format!("mqtt.malformed.{}.response_topic", code.as_str()));
        };
        let answer_to = AnswerTo { topic, correlation: arrived.correlation };
        let cmd_id = command.cmd_id;
        if let Some(result) = self.fence.answered(cmd_id).cloned() {
            self.count("command.repeated");
            return actions.push(answer_to.action(result));
        }
        self.answer(cmd_id, &answer_to, ResultState::Received, actions);
        let verdict = self.consider(now, code, &command);
        if let Some(epoch) = self.fence.new_epoch() {
            actions.push(Action::RememberEpoch(epoch));
        }
        match verdict {
            Ok(Verdict::Write(settings, lease)) => {
                self.answer(cmd_id, &answer_to, ResultState::Accepted, actions);
                self.write(settings, Some(Order { cmd_id, answer_to, lease }), actions);
            }
            Ok(Verdict::Prolong(lease)) => {
                self.answer(cmd_id, &answer_to, ResultState::Accepted, actions);
                self.lease = Some(lease);
                self.answer(cmd_id, &answer_to, ResultState::Applied, actions);
            }
            Err(refusal) => {
                let name = refusal.reason.map_or("expired".into(), |r| format!("{r:?}"));
                self.count(format!("command.refused.{name}"));
                let signal = &self.config.junction.id;
                // The street moves while a command is under way; all else is somebody's fault.
                match refusal.reason {
                    Some(Reason::Unsafe | Reason::StaleTick) => {
                        tracing::debug!(%signal, command = %cmd_id, seq = command.seq, reason = name, "command refused");
                    }
                    _ => {
                        tracing::info!(%signal, command = %cmd_id, seq = command.seq, reason = name, "command refused")
                    }
                }
                let Refusal { state, reason, detail } = refusal;
                let result = CommandResult { cmd_id, state, reason, detail };
                self.fence.remember(result.clone());
                actions.push(answer_to.action(result));
            }
        }
    }

    /// All refusal rules, in the order of `docs/wire.md`.
    fn consider(&mut self, now: Moment, code: CommandCode, command: &Command) -> Result<Verdict, Refusal> {
        self.fence.check(now, self.tick(now), code, command)?;
        if self.seen.as_ref().is_some_and(|s| s.report.config_hash != self.config_hash) {
            let detail = "the device's configuration is not the cabinet's";
            return Err(Refusal::new(Reason::ConfigMismatch, detail));
        }
        self.fence.pass(command);
        if self.pending.is_some() {
            return Err(Refusal::new(Reason::DeviceUnavailable, "a write is under way"));
        }
        let granted_s = command.lease_s.min(u32::from(self.config.longest_countdown_s));
        let lease = |hold| Lease { hold, until: now + Duration::from_secs(u64::from(granted_s)) };
        let seen = self.seen.as_ref();
        let junction = &*self.config.junction;
        let hold = match command.body {
            Body::Stage(stage) => Hold::Stage(stage),
            Body::Plan(plan) if junction.plan(PlanNumber(plan)).is_some() => Hold::Plan(plan),
            Body::Plan(plan) => {
                return Err(Refusal::new(Reason::Unsupported, format!("plan {plan} does not exist")));
            }
            Body::Mode(rung) => Hold::Local(local(rung).ok_or_else(|| {
                Refusal::new(Reason::Unsupported, format!("nobody can be put into {rung:?}"))
            })?),
            Body::Lease => match self.lease {
                Some(running) => running.hold,
                None => return Err(Refusal::new(Reason::BadLease, "no lease runs that could be prolonged")),
            },
        };
        if matches!(hold, Hold::Plan(_) | Hold::Local(LocalMode::Coordinated))
            && let Some(why) = self.fallback.why()
        {
            return Err(Refusal::new(Reason::Unsynchronised, format!("no plan can run by the clock: {why}")));
        }
        // What the device holds already is asked for by nobody anew: while it waits for its turn, behind a minimum green or an
        // interstage, its lease may be prolonged.
        let in_force = |stage| seen.is_some_and(|s| s.report.requested == stage);
        match hold {
            Hold::Stage(stage) if command.body == Body::Lease && in_force(stage) => {
                guard::device(junction, seen, now)?;
            }
            Hold::Stage(stage) => guard::stage(junction, seen, StageNumber(stage), now)?,
            Hold::Plan(_) | Hold::Local(_) => guard::device(junction, seen, now)?,
        }
        let settings = Settings {
            countdown_s: if matches!(hold, Hold::Stage(_)) { granted_s as u16 } else { 0 },
            ..self.settings(hold)
        };
        match hold {
            Hold::Plan(_) | Hold::Local(_) if self.applied == Some(settings) => {
                Ok(Verdict::Prolong(lease(hold)))
            }
            _ => Ok(Verdict::Write(settings, lease(hold))),
        }
    }

    fn answer(&mut self, cmd_id: Uuid, to: &AnswerTo, state: ResultState, actions: &mut Vec<Action>) {
        let result = CommandResult { cmd_id, state, reason: None, detail: String::new() };
        self.fence.remember(result.clone());
        actions.push(to.action(result));
    }

    // Writes.

    /// What a hold means for the device; the countdown is the caller's. No hold may lift the junction above
    /// the rung whose conditions hold.
    fn settings(&self, hold: Hold) -> Settings {
        let floor = self.fallback.local();
        match hold {
            Hold::Stage(stage) => Settings { stage, local: floor, ..Settings::default() },
            Hold::Plan(plan) => Settings { plan, local: floor, ..Settings::default() },
            Hold::Local(local) => Settings { local: local.max(floor), ..Settings::default() },
        }
    }

    fn write(&mut self, settings: Settings, order: Option<Order>, actions: &mut Vec<Action>) {
        let id = self.next_write;
        self.next_write += 1;
        self.pending = Some(Pending { id, settings, order });
        actions.push(Action::Write { id, settings });
    }

    fn on_written(&mut self, id: u64, outcome: Result<Settings, String>, actions: &mut Vec<Action>) {
        let Some(pending) = self.pending.take_if(|p| p.id == id) else { return };
        let failure = match outcome {
            Ok(read) if pending.settings.held_by(&read) => None,
            Ok(read) => Some(format!("wrote {:?}, read {read:?}", pending.settings)),
            Err(cause) => Some(cause),
        };
        let Some(detail) = failure else {
            self.applied = Some(pending.settings);
            let Some(order) = pending.order else { return };
            self.lease = Some(order.lease);
            self.missing_since = None;
            return self.answer(order.cmd_id, &order.answer_to, ResultState::Applied, actions);
        };
        self.count("device.write_failed");
        tracing::warn!(signal = %self.config.junction.id, error = detail, "the device did not take a write");
        // Nobody knows what the device has now: the next tick writes our own settings until they are read back.
        self.applied = None;
        if let Some(order) = pending.order {
            // Whatever lease ran, what it held may be gone; the centre will see the refusal and ask again.
            self.drop_lease(Why::WriteFailed);
            self.why = Why::WriteFailed;
            let result = CommandResult {
                cmd_id: order.cmd_id,
                state: ResultState::Rejected,
                reason: Some(Reason::ReadBackFailed),
                detail,
            };
            self.fence.remember(result.clone());
            actions.push(order.answer_to.action(result));
        }
    }

    // Time.

    fn on_tick(&mut self, now: Moment, actions: &mut Vec<Action>) {
        if self.lease.is_some_and(|lease| lease.until <= now) {
            self.drop_lease(Why::LeaseLapsed);
        }
        self.reconcile(now, actions);
        self.telemetry.flush(now, actions);
        let (rung, why) = self.rung(now);
        let plan = self.seen.as_ref().map_or(0, |s| s.report.plan);
        let settled = rung == self.wanted_rung() || matches!(why, Why::PowerLost | Why::ManualPanel);
        let lease_until = self.lease.map(|l| l.until);
        self.telemetry.mode(now, (rung, why, plan), settled, lease_until, actions);
        let fresh = self.seen.as_ref().filter(|s| now.since(s.at) <= guard::FRESH);
        self.alarms.observe(now, self.config_hash, fresh.map(|s| &s.report), self.booted, actions);
        let wanted = match self.lease {
            Some(Lease { hold: Hold::Stage(stage), .. }) => stage,
            _ => 0,
        };
        if let Some(seen) = &self.seen {
            let tick = self.tick(seen.at);
            self.telemetry.groups(now, &self.config.junction, seen, wanted, tick, actions);
        }
    }

    /// Brings the device to what we want it to have, unless a stage request holds it: those are written once,
    /// when the guard has let them through, and never again on our own.
    fn reconcile(&mut self, now: Moment, actions: &mut Vec<Action>) {
        let wanted = match self.lease {
            Some(Lease { hold: Hold::Stage(_), .. }) => return,
            Some(Lease { hold, .. }) => self.settings(hold),
            None => Settings { local: self.fallback.local(), ..Settings::default() },
        };
        let reachable = guard::device(&self.config.junction, self.seen.as_ref(), now).is_ok();
        if self.pending.is_none() && reachable && self.applied != Some(wanted) {
            self.write(wanted, None, actions);
        }
    }

    /// What the device is doing, and why.
    fn rung(&self, now: Moment) -> (Rung, Why) {
        let Some(seen) = &self.seen else { return (Rung::Coordinated, Why::DeviceLost) };
        let steered = self.lease.map(|_| Why::LeaseHeld);
        let local = || steered.or(self.fallback.why()).unwrap_or(self.why);
        let (rung, why) = match seen.report.mode {
            DeviceMode::Central => (Rung::Adaptive, steered.unwrap_or(self.why)),
            DeviceMode::Coordinated => (Rung::Coordinated, local()),
            DeviceMode::LocalActuated => (Rung::LocalActuated, local()),
            DeviceMode::Fixed => (Rung::Fixed, local()),
            DeviceMode::Flashing => (Rung::Flashing, local()),
            DeviceMode::Dark => (Rung::Dark, Why::PowerLost),
            // The ladder has no rung for a hand on the panel; the lamps stand still as under a fixed plan.
            DeviceMode::Manual => (Rung::Fixed, Why::ManualPanel),
        };
        (rung, if now.since(seen.at) > guard::FRESH { Why::DeviceLost } else { why })
    }

    fn wanted_rung(&self) -> Rung {
        let local = match self.lease {
            Some(Lease { hold: Hold::Stage(_), .. }) => return Rung::Adaptive,
            Some(Lease { hold, .. }) => self.settings(hold).local,
            None => self.fallback.local(),
        };
        match local {
            LocalMode::Coordinated => Rung::Coordinated,
            LocalMode::Actuated => Rung::LocalActuated,
            LocalMode::Fixed => Rung::Fixed,
            LocalMode::Flashing => Rung::Flashing,
        }
    }

    /// Everything that a centre must know of a node that has just come up.
    fn introduce(&mut self, now: Moment, actions: &mut Vec<Action>) {
        actions.push(Action::Publish(Publication::Presence(self.presence(PresenceState::Online))));
        self.telemetry.config(now, &self.config.junction, actions);
        self.telemetry.repeat_mode();
        self.alarms.repeat(now, actions);
    }
}

enum Verdict {
    /// Write it, and the lease begins when it has been read back.
    Write(Settings, Lease),
    /// The device has it already.
    Prolong(Lease),
}

impl AnswerTo {
    fn action(&self, result: CommandResult) -> Action {
        Action::Answer { topic: self.topic.clone(), correlation: self.correlation.clone(), result }
    }
}

/// What a rung is for the device, if the centre may ask for it.
fn local(rung: Rung) -> Option<LocalMode> {
    match rung {
        Rung::Coordinated => Some(LocalMode::Coordinated),
        Rung::LocalActuated => Some(LocalMode::Actuated),
        Rung::Fixed => Some(LocalMode::Fixed),
        Rung::Flashing => Some(LocalMode::Flashing),
        Rung::Adaptive | Rung::Dark => None,
    }
}
