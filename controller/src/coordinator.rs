//! The centre's core: it hears what the street says, decides, and hands out commands. Pure: time is handed
//! in, the same input gives the same output, and nothing here waits.
//!
//! One `handle` call takes one [`Event`]; the [`Action`]s it returns are for the shell to carry out, in order.

use crate::decide::{Decision, Kind};
use model::{
    city::City,
    ids::{ChannelNumber, JunctionIx, LinkIx, PlanNumber, StageNumber},
    signal::{rules::GroupState, Lamp},
    time::Moment,
};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};
use uuid::Uuid;
use wire::{
    command::Command,
    message::{Alarms, Counts, Events, Groups, Mode, Presence, Rung},
    result::CommandResult,
};

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
    /// What became of a command.
    Result(JunctionIx, CommandResult),
    /// An operator's order.
    Order(Order),
    /// The lease on the districts was won anew: commands carry this epoch from now on.
    Epoch(u64),
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
    /// The kind of control in use.
    pub kind: Kind,
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
    /// The last command we sent and how far it came.
    pub last_command: Option<(Command, Option<CommandResult>)>,
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
    /// When its window ended.
    pub at: Option<Moment>,
    /// `(end of window, count, occupancy)` over the last minute.
    pub minute: VecDeque<(Moment, u16, f32)>,
    /// A call waits: something came over it on red and has not seen green since.
    pub call: bool,
    /// Last time that it was covered or counted, for gap-out.
    pub last_actuated: Option<Moment>,
    /// Judged broken by plausibility (stuck on, chattering, silent), though it does not say so itself.
    pub implausible: bool,
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
}

/// The rung that a kind of control wants the cabinet to stand on.
pub fn wanted_rung(live: &Live) -> Rung {
    match live.orders.first().map(|o| o.order.what) {
        Some(OrderKind::Flash) => Rung::Flashing,
        Some(OrderKind::Plan(_)) => Rung::Coordinated,
        _ => Rung::Adaptive,
    }
}

/// The centre's core.
#[derive(Debug)]
pub struct Coordinator {
    city: Arc<City>,
    settings: Settings,
    live: Vec<Live>,
}

impl Coordinator {
    /// A centre that has heard nothing yet.
    pub fn new(city: Arc<City>, settings: Settings) -> Self {
        let live = (0..city.junctions.len())
            .map(|i| Live {
                kind: settings.kinds.get(&JunctionIx::from(i)).copied().unwrap_or(settings.kind),
                ..Live::default()
            })
            .collect();
        Self { city, settings, live }
    }

    /// The city.
    pub fn city(&self) -> &Arc<City> { &self.city }

    /// How it is set.
    pub fn settings(&self) -> &Settings { &self.settings }

    /// What is known of each junction, in junction order.
    pub fn live(&self) -> &[Live] { &self.live }
}
