//! The centre's core: it hears what the street says, decides, and hands out commands. Pure: time is handed
//! in, the same input gives the same output, and nothing here waits.
//!
//! One `handle` call takes one [`Event`]; the [`Action`]s it returns are for the shell to carry out, in order.

mod forecast;
pub(crate) mod orders;
pub(crate) mod picture;
pub(crate) mod upkeep;

pub use crate::supervisor::Returned;
pub use forecast::{Change, Expected};

use crate::{
    decide::{
        self, Choice, Decision, Kind, Memory, Problem, Scratch, Tuning,
        site::{Roads, Site},
    },
    dispatch::{Dispatch, Wish},
    drafts::Drafted,
    estimate::{Estimate, Rates, Stalled, Stalls, Volumes, plausible::Health},
    supervisor::{Supervisor, Verdict},
};
use model::{
    city::City,
    ids::{ChannelNumber, JunctionIx, LinkIx, PlanNumber, StageNumber},
    signal::{Lamp, rules::GroupState},
    time::Moment,
};
use rayon::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};
use uuid::Uuid;
use wire::{
    command::Command,
    message::{Alarms, ChannelState, Counts, Events, Groups, Mode, Presence, PresenceState, Rung, Vehicles},
    result::{CommandResult, Reason as CommandReason},
    topic::StatusCode,
};

/// Vehicles and when they were there.
pub type Fleet = (Moment, Vehicles);

/// Everything that can ever happen to the centre.
#[derive(Clone, Debug)]
pub enum Event {
    /// Time passed. The shell sends one each second of the city's time; decisions are taken here, in
    /// junction order, and nowhere else.
    Tick,
    /// A cabinet came, left, or restarted.
    Presence(JunctionIx, Presence),
    /// What its lamps show.
    Groups(JunctionIx, Moment, Groups),
    /// Which rung it stands on.
    Mode(JunctionIx, Mode),
    /// Hi-res events.
    HiRes(JunctionIx, Events),
    /// Detector readings of one window that ended then.
    Counts(JunctionIx, Moment, Counts),
    /// Alarms of one code.
    Alarms(JunctionIx, String, Alarms),
    /// Where vehicles are.
    Vehicles(Arc<Fleet>),
    /// Whether a channel of it runs.
    Channel(JunctionIx, StatusCode, ChannelState),
    /// What became of a command.
    Result(JunctionIx, CommandResult),
    /// An operator's order.
    Order(Order),
    /// A draft of a plan runs at a junction from now on, or none does any longer.
    Draft(JunctionIx, Option<Arc<Drafted>>),
    /// The lease on the districts was won anew: commands carry this epoch from now on.
    Epoch(u64),
}

impl Event {
    /// The junction that it is about, if it is about one.
    pub fn junction(&self) -> Option<JunctionIx> {
        match self {
            Event::Tick | Event::Vehicles(_) | Event::Epoch(_) => None,
            Event::Presence(ix, _)
            | Event::Groups(ix, ..)
            | Event::Mode(ix, _)
            | Event::HiRes(ix, _)
            | Event::Counts(ix, ..)
            | Event::Alarms(ix, ..)
            | Event::Channel(ix, ..)
            | Event::Result(ix, _)
            | Event::Draft(ix, _) => Some(*ix),
            Event::Order(order) => order.junction,
        }
    }
}

/// What the shell is to do.
#[derive(Clone, PartialEq, Debug)]
pub enum Action {
    /// Send it to that junction's cabinet.
    Send(JunctionIx, Command),
    /// Keep it in the store, and show it.
    Decided(Decision),
    /// Tell `routing` and the map about link times; once every [`LINK_PERIOD_S`].
    Links(Vec<LinkSpeed>),
    /// Keep in the audit: an order was taken, ended or refused.
    Audit(String),
}

/// Seconds between two pictures of link times.
pub const LINK_PERIOD_S: u64 = 5;

/// Traffic on one link.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LinkSpeed {
    /// The link.
    pub link: LinkIx,
    /// Mean speed over its length, signals included, m/s.
    pub speed_mps: f64,
    /// Seconds to drive it.
    pub time_s: f64,
}

/// What an operator asks for.
#[derive(Clone, PartialEq, Debug)]
pub struct Order {
    /// Unique.
    pub id: Uuid,
    /// One junction, or all.
    pub junction: Option<JunctionIx>,
    /// What.
    pub what: OrderKind,
    /// Who.
    pub who: String,
    /// Why.
    pub reason: String,
    /// It ends by itself then.
    pub until: Moment,
}

/// What can be ordered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OrderKind {
    /// Control by that kind.
    Kind(Kind),
    /// Hold that stage.
    Hold(StageNumber),
    /// Run that plan, by the cabinet's own clock.
    Plan(PlanNumber),
    /// Flash amber.
    Flash,
    /// End whatever was ordered before.
    Default,
}

/// An order in force, or one that ended badly and waits to be seen.
#[derive(Clone, PartialEq, Debug)]
pub struct OrderInForce {
    /// The order.
    pub order: Order,
    /// Since when.
    pub since: Moment,
    /// `sent`, `accepted`, `applied`, `rejected`, `expired`.
    pub state: &'static str,
    /// Why it was rejected, or empty.
    pub detail: String,
}

/// What the centre knows of one junction, for decisions and for the page.
#[derive(Clone, Debug, Default)]
pub struct Live {
    /// Why the cabinet refused the last command that it did not take; `None` once it has taken one.
    pub refused: Option<CommandReason>,
    /// The last presence.
    pub presence: Option<Presence>,
    /// Time of the newest `tlc.groups`.
    pub seen_at: Option<Moment>,
    /// What each group shows, in group order; empty before the first reading.
    pub groups: Vec<GroupState>,
    /// The stage read back: green, or where the interstage leads.
    pub stage: Option<StageNumber>,
    /// When that stage's greens began (or the interstage into it, while it runs).
    pub stage_since: Option<Moment>,
    /// An interstage is running.
    pub interstage: bool,
    /// The stage that the device holds for us.
    pub device_wanted: Option<StageNumber>,
    /// Cycle counters as reported, s: by offset, and by the common clock.
    pub cycle: Option<(u32, u32)>,
    /// The cabinet's monotonic tick with the newest reading, ms.
    pub ref_tick: u64,
    /// The rung and why.
    pub mode: Option<Mode>,
    /// The stage that we want.
    pub wanted: Option<StageNumber>,
    /// Heads over whose stop lines vehicles went in the last second, once for each.
    pub sent: Vec<u16>,
    /// Adaptive control did badly here: the plan runs instead.
    pub returned: Option<Returned>,
    /// The kind of control in use.
    pub kind: Kind,
    /// The draft of a plan that runs here at its hours, unless somebody orders otherwise.
    pub drafted: Option<Arc<Drafted>>,
    /// It is what decides now.
    pub by_draft: bool,
    /// The last decision.
    pub decision: Option<Decision>,
    /// Orders for this junction, newest first.
    pub orders: Vec<OrderInForce>,
    /// The newest reading of each channel.
    pub detectors: BTreeMap<ChannelNumber, ChannelLive>,
    /// Lamp and stage changes of the last [`HISTORY_S`], oldest first: group 0 is the stage.
    pub history: VecDeque<(Moment, u16, Shown)>,
    /// Open alarms: code, component → alarm.
    pub alarms: BTreeMap<(String, String), wire::message::Alarm>,
    /// Its lanes whose queue does not move.
    pub stalled: Vec<Stalled>,
    /// Channels that somebody has stopped.
    pub stopped: BTreeSet<StatusCode>,
    /// The last command we sent and how far it came.
    pub last_command: Option<(Command, Option<CommandResult>)>,
}

impl Live {
    /// A channel whose newest reading says something of now.
    pub(crate) fn working(&self, now: Moment, channel: ChannelNumber) -> Option<&ChannelLive> {
        self.detectors.get(&channel).filter(|c| decide::usable(now, c))
    }
    /// The newest order that was not refused.
    pub fn order_in_force(&self) -> Option<&OrderInForce> {
        self.orders.iter().find(|o| o.state != "rejected")
    }
}

/// How much lamp history is kept for the page, s.
pub const HISTORY_S: u64 = 90;

/// What a history line shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shown {
    /// A lamp.
    Lamp(Lamp),
    /// A stage.
    Stage(StageNumber),
}

/// What the centre knows of one detector channel.
#[derive(Clone, Debug, Default)]
pub struct ChannelLive {
    /// The newest reading.
    pub last: model::detection::Reading,
    /// The vehicles that it follows, by that reading, the nearest first.
    pub sightings: Vec<model::detection::Sighting>,
    /// When its window ended.
    pub at: Option<Moment>,
    /// `(end of window, count, occupancy)` over the last minute.
    pub minute: VecDeque<(Moment, u16, f32)>,
    /// A call waits: something came over it on red and has not seen green since.
    pub call: bool,
    /// Last time that it was covered or counted, for gap-out.
    pub last_actuated: Option<Moment>,
    /// Last time that its reading differed from the one before.
    pub stirred: Option<Moment>,
    /// Judged broken by plausibility (stuck on, chattering, silent), though it does not say so itself.
    pub implausible: bool,
}

impl ChannelLive {
    /// Neither the channel itself nor anybody else says that it is broken.
    pub fn is_believed(&self) -> bool {
        !self.last.fault && !self.implausible
    }
    /// Since when it has told nothing new, s.
    pub(crate) fn quiet_s(&self, now: Moment) -> u64 {
        self.stirred.map_or(u64::MAX, |at| now.since(at).as_secs())
    }
}

/// How the centre is set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Kind of control where nobody ordered another.
    pub kind: Kind,
    /// Kinds per junction that differ from it.
    pub kinds: BTreeMap<JunctionIx, Kind>,
    /// Lease of a command, s.
    pub lease_s: u32,
    /// The first epoch.
    pub epoch: u64,
    /// UTC offset of the place, s, for schedules.
    pub utc_offset_s: i32,
    /// Days that schedules take for Sundays, as days since 1970-01-01.
    pub holidays: BTreeSet<i64>,
    /// Numbers of adaptive control.
    pub tuning: Tuning,
}

/// State older than this is no ground for a decision or a command, s. An agent refuses commands made from a
/// picture older than [`wire::command::REF_TICK_LIMIT_MS`], so deciding on one would be idle.
pub const FRESH_S: u64 = 3;

/// The rung that the orders in force want the cabinet to stand on.
pub fn wanted_rung(live: &Live) -> Rung {
    match live.order_in_force().map(|o| o.order.what) {
        Some(OrderKind::Flash) => Rung::Flashing,
        Some(OrderKind::Plan(_)) => Rung::Coordinated,
        _ => Rung::Adaptive,
    }
}

/// Why a junction is not controlled now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unready {
    /// Its agent is not connected, or was never heard.
    Offline,
    /// The cabinet's configuration is not the one we have.
    ConfigMismatch,
    /// No lamps were heard for [`FRESH_S`].
    Stale,
    /// A centre with a newer epoch commands it.
    Fenced,
}

/// The centre's core.
#[derive(Debug)]
pub struct Coordinator {
    city: Arc<City>,
    settings: Settings,
    live: Vec<Live>,
    /// What each junction's data means for deciding, in junction order.
    sites: Vec<Site>,
    /// What each junction's deciding must remember.
    memories: Vec<Memory>,
    /// Volumes at each junction.
    volumes: Vec<Volumes>,
    /// How many vehicles went over each channel lately.
    rates: Vec<Rates>,
    /// By junction and detector.
    health: Vec<Vec<Health>>,
    estimate: Estimate,
    stalls: Stalls,
    supervisor: Supervisor,
    links_sent: Option<Moment>,
    /// Numbers and leases of commands.
    dispatch: Dispatch,
    /// Decisions so far.
    decided: u64,
    scratch: Scratch,
    rejected: BTreeMap<String, u64>,
}

impl Coordinator {
    /// A centre that has heard nothing yet.
    pub fn new(city: Arc<City>, settings: Settings) -> Self {
        let roads = Roads::new(&city);
        let ixs = || (0..city.junctions.len()).map(JunctionIx::from);
        let live = ixs()
            .map(|ix| Live {
                kind: settings.kinds.get(&ix).copied().unwrap_or(settings.kind),
                ..Live::default()
            })
            .collect();
        let sites: Vec<Site> = ixs().map(|ix| Site::new(&city, ix, &roads)).collect();
        let memories = city.junctions.iter().zip(&sites).map(|(j, site)| Memory::new(j, site)).collect();
        let dispatch = Dispatch::new(city.junctions.len(), settings.epoch, settings.lease_s);
        let volumes = city.junctions.iter().map(Volumes::new).collect();
        let rates = city.junctions.iter().map(Rates::new).collect();
        let health = city.junctions.iter().map(|j| vec![Health::default(); j.detectors.len()]).collect();
        let estimate = Estimate::new(&city, &sites);
        let stalls = Stalls::new(&city);
        let supervisor = Supervisor::new(&city, &roads, &sites);
        Self {
            city,
            settings,
            live,
            sites,
            memories,
            volumes,
            rates,
            health,
            estimate,
            stalls,
            supervisor,
            links_sent: None,
            dispatch,
            decided: 0,
            scratch: Scratch::default(),
            rejected: BTreeMap::new(),
        }
    }

    /// The city.
    pub fn city(&self) -> &Arc<City> {
        &self.city
    }

    /// How it is set.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The city's clocks show another time now: summer time has come, or gone.
    pub fn set_utc_offset(&mut self, seconds: i32) {
        self.settings.utc_offset_s = seconds;
    }

    /// So many messages were sent and not yet taken by the broker.
    pub fn set_backlog(&mut self, messages: usize) {
        self.dispatch.set_backlog(messages);
    }

    /// Junctions that run their own plans only because the last tick had no room for a command.
    pub fn waiting(&self) -> usize {
        self.dispatch.waiting()
    }

    /// What is known of each junction, in junction order.
    pub fn live(&self) -> &[Live] {
        &self.live
    }

    /// Traffic by link, in link order; `None` where no detector that works looks and no vehicle was.
    pub fn link_speeds(&self) -> &[Option<LinkSpeed>] {
        self.estimate.speeds()
    }

    /// Input that was not believed, counted by what was wrong with it: `groups.count` → 3.
    pub fn rejected(&self) -> &BTreeMap<String, u64> {
        &self.rejected
    }

    /// Takes one event. The actions are to be carried out in order.
    ///
    /// Events for junctions that the city does not have are counted and change nothing.
    pub fn handle(&mut self, now: Moment, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            Event::Tick => self.tick(now, &mut actions),
            Event::Epoch(epoch) => {
                if self.dispatch.take_epoch(epoch) {
                    actions.push(Action::Audit(format!("commands carry epoch {epoch} from now on")));
                } else {
                    self.reject("epoch.old");
                }
            }
            Event::Order(order) => self.take_order(now, order, &mut actions),
            Event::Draft(ix, drafted) => {
                if self.known(ix) {
                    self.take_draft(ix, drafted, &mut actions);
                }
            }
            Event::Presence(ix, presence) => {
                if self.known(ix) {
                    self.take_presence(ix, presence, &mut actions);
                }
            }
            Event::Groups(ix, at, groups) => {
                if self.known(ix) {
                    self.take_groups(now, ix, at, &groups);
                }
            }
            Event::Mode(ix, mode) => {
                if self.known(ix) {
                    self.live[ix.ix()].mode = Some(mode);
                }
            }
            Event::HiRes(ix, events) => {
                if self.known(ix) {
                    self.take_hi_res(ix, &events);
                }
            }
            Event::Counts(ix, at, counts) => {
                if self.known(ix) {
                    self.take_counts(now, ix, at, &counts);
                }
            }
            Event::Alarms(ix, code, alarms) => {
                if self.known(ix) {
                    self.take_alarms(ix, code, alarms);
                }
            }
            Event::Channel(ix, code, state) => {
                if self.known(ix) {
                    let stopped = &mut self.live[ix.ix()].stopped;
                    match state {
                        ChannelState::Stopped => stopped.insert(code),
                        ChannelState::Running => stopped.remove(&code),
                    };
                }
            }
            Event::Vehicles(fleet) => match fleet.0 > now + Duration::from_secs(upkeep::CLOCK_SLACK_S) {
                true => self.reject("vehicles.from_the_future"),
                false => self.estimate.hear(&self.city, fleet.0, &fleet.1),
            },
            Event::Result(ix, result) => {
                if self.known(ix) {
                    self.take_result(now, ix, result, &mut actions);
                }
            }
        }
        actions
    }

    /// Whether the junction may be decided for and commanded now.
    pub fn ready(&self, ix: JunctionIx, now: Moment) -> Result<(), Unready> {
        let live = &self.live[ix.ix()];
        let presence =
            live.presence.as_ref().filter(|p| p.state == PresenceState::Online).ok_or(Unready::Offline)?;
        if presence.config_hash != self.sites[ix.ix()].config_hash {
            return Err(Unready::ConfigMismatch);
        }
        if live.seen_at.is_none_or(|at| now.since(at) > Duration::from_secs(FRESH_S)) {
            return Err(Unready::Stale);
        }
        if self.dispatch.fenced(ix) {
            return Err(Unready::Fenced);
        }
        Ok(())
    }

    fn problem(&self, ix: JunctionIx, now: Moment) -> Problem<'_> {
        Problem {
            now,
            junction: &self.city.junctions[ix.ix()],
            site: &self.sites[ix.ix()],
            live: &self.live[ix.ix()],
            city_live: &self.live,
            tuning: &self.settings.tuning,
            estimate: &self.estimate,
            utc_offset_s: self.settings.utc_offset_s,
            holidays: &self.settings.holidays,
        }
    }

    fn known(&mut self, ix: JunctionIx) -> bool {
        let known = ix.ix() < self.live.len();
        if !known {
            self.reject("junction.unknown");
        }
        known
    }

    fn reject(&mut self, what: &str) {
        match self.rejected.get_mut(what) {
            Some(count) => *count += 1,
            None => drop(self.rejected.insert(what.to_string(), 1)),
        }
    }

    fn tick(&mut self, now: Moment, actions: &mut Vec<Action>) {
        self.estimate.step(now, &self.city.network, &self.live);
        self.stalls.step(now, &self.live);
        self.live.iter_mut().for_each(|live| live.stalled.clear());
        for (ix, stalled) in self.stalls.found() {
            self.live[ix.ix()].stalled.push(stalled);
        }
        for ix in (0..self.live.len()).map(JunctionIx::from) {
            self.end_orders(now, ix, actions);
            self.remember(now, ix);
        }
        self.supervise(now);
        let asks: Vec<Asks> = (0..self.live.len()).map(|i| self.asks(JunctionIx::from(i), now)).collect();
        for (live, _) in self.live.iter_mut().zip(&asks).filter(|(_, asks)| !matches!(asks, Asks::Control(_)))
        {
            // Neighbours must not count on what it no longer wants.
            live.wanted = None;
        }
        let mut choices = self.decide_apart(now, &asks);
        let mut wishes = Vec::with_capacity(asks.len());
        for (ix, asks) in (0..).map(JunctionIx).zip(asks) {
            wishes.push((
                ix,
                match asks {
                    Asks::Nothing => continue,
                    Asks::For(wish) => Some(wish),
                    Asks::Control(hold) => {
                        let choice = match choices[ix.ix()].take() {
                            Some(choice) => choice,
                            None => self.decide_next(now, ix, hold),
                        };
                        self.take_choice(now, ix, choice, actions)
                    }
                },
            ));
        }
        for (ix, command) in self.dispatch.round(now, &self.city.junctions, &self.live, &wishes) {
            self.live[ix.ix()].last_command = Some((command.clone(), None));
            actions.push(Action::Send(ix, command));
        }
        for (live, memory) in self.live.iter_mut().zip(&mut self.memories) {
            // For the next second, when every neighbour sees the same. Told once: who is not under this control sends
            // nothing new.
            live.sent.clear();
            std::mem::swap(&mut live.sent, memory.adaptive.sent());
        }
        if self.links_sent.is_none_or(|at| now.since(at) >= Duration::from_secs(LINK_PERIOD_S)) {
            self.links_sent = Some(now);
            let known: Vec<LinkSpeed> = self.estimate.speeds().iter().flatten().copied().collect();
            if !known.is_empty() {
                actions.push(Action::Links(known));
            }
        }
    }

    /// Gives areas back to their plans where adaptive control does badly, and takes them again.
    fn supervise(&mut self, now: Moment) {
        for live in &mut self.live {
            live.returned = live.returned.filter(|r| r.until > now);
        }
        for verdict in self.supervisor.tick(now, &self.city, &self.live, &self.memories) {
            match verdict {
                Verdict::Return(ix, returned) => {
                    let junction = &self.city.junctions[ix.ix()].id;
                    let Returned { served, best, .. } = returned;
                    tracing::warn!(%junction, served, best, "returned to its plan");
                    self.live[ix.ix()].returned = Some(returned);
                }
                Verdict::TakeBack(because_of) => {
                    let junction = &self.city.junctions[because_of.ix()].id;
                    tracing::warn!(%junction, "its plan serves no more: own control again");
                    for live in &mut self.live {
                        live.returned = live.returned.filter(|r| r.because_of != because_of);
                    }
                }
            }
        }
    }

    /// Decides, side by side, for all junctions that look at no other's decision of this second: by junction, `None`
    /// where nothing was decided here.
    fn decide_apart(&mut self, now: Moment, asks: &[Asks]) -> Vec<Option<Option<Choice>>> {
        let (mut memories, this) = (std::mem::take(&mut self.memories), &*self);
        let one = |scratch: &mut Scratch, (i, memory): (usize, &mut Memory)| match asks[i] {
            Asks::Control(hold) if !this.sites[i].layout.is_close => {
                Some(decide::decide(&this.problem(JunctionIx::from(i), now), memory, hold, scratch))
            }
            _ => None,
        };
        let memories_by_one = memories.par_iter_mut().with_min_len(AT_ONCE).enumerate();
        let choices = memories_by_one.map_init(Scratch::default, one).collect();
        self.memories = memories;
        choices
    }

    /// Decides for a junction that looks at what its neighbours have decided in this second.
    fn decide_next(&mut self, now: Moment, ix: JunctionIx, hold: Option<StageNumber>) -> Option<Choice> {
        let (mut memories, mut scratch) =
            (std::mem::take(&mut self.memories), std::mem::take(&mut self.scratch));
        let choice = decide::decide(&self.problem(ix, now), &mut memories[ix.ix()], hold, &mut scratch);
        (self.memories, self.scratch) = (memories, scratch);
        choice
    }

    /// Whether an order in force says what to ask of a junction, or its control may choose.
    fn asks(&self, ix: JunctionIx, now: Moment) -> Asks {
        if self.ready(ix, now).is_err() {
            return Asks::Nothing;
        }
        match self.live[ix.ix()].order_in_force().map(|o| o.order.what) {
            Some(OrderKind::Flash) => Asks::For(Wish::Flash),
            Some(OrderKind::Plan(plan)) => Asks::For(Wish::Plan(plan)),
            Some(OrderKind::Hold(stage)) => Asks::Control(Some(stage)),
            _ => Asks::Control(None),
        }
    }

    /// What is to be asked of a junction after a choice.
    fn take_choice(
        &mut self,
        now: Moment,
        ix: JunctionIx,
        choice: Option<Choice>,
        actions: &mut Vec<Action>,
    ) -> Option<Wish> {
        let live = &mut self.live[ix.ix()];
        let Some(choice) = choice else {
            return live.wanted.map(Wish::Stage);
        };
        let changed = live.wanted != Some(choice.stage);
        if changed {
            self.decided += 1;
        }
        let number = if changed { self.decided } else { live.decision.as_ref().map_or(0, |d| d.number) };
        let decision = Decision {
            number,
            junction: ix,
            at: now,
            kind: live.kind,
            before: live.stage,
            stage: choice.stage,
            reason: choice.reason,
            facts: choice.facts,
            alternatives: choice.alternatives,
            limits: choice.limits,
            search: choice.search,
        };
        live.wanted = Some(choice.stage);
        if changed {
            actions.push(Action::Decided(decision.clone()));
        }
        live.decision = Some(decision);
        Some(Wish::Stage(choice.stage))
    }
}

/// Who says what is asked of a junction.
enum Asks {
    /// Nobody: it is not ready.
    Nothing,
    /// An order.
    For(Wish),
    /// Its control, held at a stage or not.
    Control(Option<StageNumber>),
}

/// So many junctions are decided for in one go on one core: fewer cost more to hand out than they save.
const AT_ONCE: usize = 32;

#[cfg(test)]
mod tests;
