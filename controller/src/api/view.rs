//! What the API says, as plain data: the contract with the dashboard and anybody else. Times are
//! milliseconds since the epoch (`*_at`, `since`, `until`), durations seconds (`*_s`), speeds km/h
//! (`*_kmh`), places `[lon, lat]`. `null` means "not known", never zero.

mod access;
mod cameras;
mod corridor;
mod forecast;
mod incidents;
mod measures;
mod plans;
mod tickets;
mod what_if;

pub use access::*;
pub use cameras::*;
pub use corridor::*;
pub use forecast::*;
pub use incidents::*;
pub use measures::*;
pub use plans::*;
pub use tickets::*;
pub use what_if::*;

use crate::config::SpeedBase;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A name in the language of the place, and in English.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Name {
    /// As the signs say it.
    pub local: String,
    /// In English, or the same.
    pub en: String,
}

impl Name {
    /// From the model's words.
    pub fn of(name: &model::network::Name) -> Name {
        Name { local: name.local.clone(), en: name.english().to_owned() }
    }
}

/// `GET /api/v1/health`, and the stream's `health` event.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok`, or `degraded` when something below is wrong.
    pub status: String,
    /// The program's version.
    pub version: String,
    /// The city's clock. In the demo it is the simulated one, and may run faster than yours.
    pub now: i64,
    /// How fast the city's clock runs: 1 is real time.
    pub clock_speed: f64,
    /// IANA zone of the place.
    pub time_zone: String,
    /// The city.
    pub city: CityView,
    /// Junction counts.
    pub junctions: JunctionCounts,
    /// Age of the newest state over all junctions online, s.
    pub data_age_s: AgeView,
    /// The broker link.
    pub broker: PartHealth,
    /// The store.
    pub store: StoreHealth,
    /// Speed over free-flow speed, network-wide, weighted by length, %; null while unknown.
    pub speed_index: Option<f64>,
    /// Another year's index by the same method, to hold it against; null if none is configured.
    pub speed_base: Option<SpeedBase>,
    /// The same over the last three hours, one point a minute, oldest first: `[at, value]`; gaps are gaps.
    pub speed_history: Vec<(i64, f64)>,
    /// Mean speed by named road.
    pub corridors: Vec<CorridorSpeed>,
    /// Counted rejections of bad input since the start, by name: `mqtt.malformed.tlc.groups` → 3.
    pub rejected: std::collections::BTreeMap<String, u64>,
}

/// The city.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct CityView {
    /// What people call it.
    pub name: Name,
    /// Where the map opens.
    pub centre: [f64; 2],
    /// At which zoom.
    pub zoom: f64,
    /// South-west and north-east.
    pub bounds: [[f64; 2]; 2],
}

impl CityView {
    /// From the model's words. A city without roads is as large as its centre.
    pub fn of(city: &model::city::City) -> CityView {
        let [sw, ne] = city.network.bounds().unwrap_or([city.centre, city.centre]);
        CityView {
            name: Name::of(&city.name),
            centre: city.centre.into(),
            zoom: city.zoom,
            bounds: [sw.into(), ne.into()],
        }
    }
}

/// How many junctions are how.
#[derive(Clone, PartialEq, Debug, Default, Serialize, ToSchema)]
pub struct JunctionCounts {
    /// All.
    pub total: usize,
    /// Heard from within three intervals.
    pub online: usize,
    /// Online, and doing what is wanted.
    pub matching: usize,
    /// By what they do: keys are the values of [`JunctionState::actual`].
    pub by_mode: std::collections::BTreeMap<String, usize>,
}

/// Ages, s.
#[derive(Clone, PartialEq, Debug, Default, Serialize, ToSchema)]
pub struct AgeView {
    /// Median.
    pub median: Option<f64>,
    /// 95th percentile.
    pub p95: Option<f64>,
}

/// One part of the system.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct PartHealth {
    /// `up` or `down`.
    pub state: String,
    /// Since when.
    pub since: i64,
    /// What is wrong, or empty.
    pub detail: String,
}

/// The store.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct StoreHealth {
    /// `embedded`, `postgres` or `timescale`.
    pub kind: String,
    /// `up` or `down`; control goes on either way.
    pub state: String,
    /// Rows written.
    pub written: u64,
    /// Rows waiting.
    pub waiting: u64,
    /// Rows lost because the waiting room was full.
    pub dropped: u64,
}

/// Mean speed on one named road.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct CorridorSpeed {
    /// Its name.
    pub name: Name,
    /// Now, or null.
    pub speed_kmh: Option<f64>,
    /// On an empty road.
    pub free_kmh: f64,
}

/// `GET /api/v1/map`: all that does not change while the city runs; fetched once. GeoJSON inside.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct MapView {
    /// LineStrings; properties: `id` (link id), `class` (`motorway` … `path`), `name`, `name_en`, `lanes`,
    /// `free_kmh`, `bridge`, `tunnel`. Each direction is its own feature. Feature `id` is the link's index.
    #[schema(value_type = Object)]
    pub links: serde_json::Value,
    /// Polygons; properties: `kind` (`water`, `park`, `block`), `name`, `name_en`.
    #[schema(value_type = Object)]
    pub areas: serde_json::Value,
    /// LineStrings; properties: `id`, `mode` (`metro`, `mcc`, `tram`, `bus`), `name`, `name_en`, `colour`.
    #[schema(value_type = Object)]
    pub lines: serde_json::Value,
    /// Points; properties: `id`, `name`, `name_en`, `modes`.
    #[schema(value_type = Object)]
    pub stops: serde_json::Value,
}

/// `GET /api/v1/junctions`.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct Junctions {
    /// The city's clock.
    pub now: i64,
    /// All junctions, by id.
    pub junctions: Vec<JunctionSummary>,
}

/// One junction in a list.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct JunctionSummary {
    /// The TLC's id.
    pub id: String,
    /// The crossing streets.
    pub name: Name,
    /// The district that owns it.
    pub district: String,
    /// Where.
    pub at: [f64; 2],
    /// How it is.
    pub state: JunctionState,
}

/// How one junction is: what the map shows, and what the stream's `junctions` event carries (changed ones
/// only, full on connect).
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct JunctionState {
    /// The TLC's id.
    pub id: String,
    /// The kind of control that is wanted (see [`ControlRequest::kind`]).
    pub kind: String,
    /// The rung that is wanted: `adaptive`, `coordinated`, `local_actuated`, `fixed`, `flashing`, `dark`.
    pub wanted: String,
    /// The rung read back, or `no_contact`.
    pub actual: String,
    /// Why it stands there, in the agent's words (`lease held`, `lease lapsed`, …).
    pub rung_reason: String,
    /// The stage asked for; null if none is.
    pub stage_wanted: Option<u16>,
    /// The stage read back; null in no contact or flashing.
    pub stage: Option<u16>,
    /// An interstage is running.
    pub interstage: bool,
    /// The plan in use, null if none.
    pub plan: Option<u16>,
    /// The draft of a plan that the centre runs here now; null if none.
    pub draft: Option<u64>,
    /// Time of the newest reading; null if there never was one. In the stream a newer time alone is no change
    /// for 5 s, so a junction that is not `late` may have been heard since.
    pub seen_at: Option<i64>,
    /// The newest reading is more than two intervals (2 s) old, or there never was one.
    pub late: bool,
    /// The junction does what is wanted.
    pub matches: bool,
    /// An operator holds it.
    pub hold: bool,
    /// Highest open alarm priority, 1 to 3.
    pub alarm: Option<u8>,
}

/// `GET /api/v1/junctions/{id}`, and the stream's `junction` event (with `?junction=ID`).
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct JunctionDetail {
    /// As in the list.
    #[serde(flatten)]
    pub summary: JunctionSummary,
    /// The city's clock when this was written.
    pub now: i64,
    /// Groups, by number.
    pub groups: Vec<GroupView>,
    /// Stages, by number.
    pub stages: Vec<StageView>,
    /// Pairs that conflict, with clearance: `[ending, starting, seconds]`.
    pub intergreens: Vec<(u16, u16, f64)>,
    /// Plans it has.
    pub plans: Vec<PlanView>,
    /// Seconds into the cycle by this junction's offset, if a plan runs or is the base.
    pub cycle_s: Option<f64>,
    /// Seconds into the cycle by the common clock.
    pub base_cycle_s: Option<f64>,
    /// Detector channels, by number.
    pub detectors: Vec<DetectorView>,
    /// Lanes and movements to draw, in metres east and north of `at`. The same in every message; only `GET` has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drawing: Option<Drawing>,
    /// The last decision; null until there is one.
    pub decision: Option<DecisionView>,
    /// What the groups showed over the last 60 s, and stages, for the bars; newest last.
    pub history: Vec<LampChange>,
    /// What is expected next.
    pub forecast: Vec<ForecastView>,
    /// Commands in force, newest first.
    pub commands: Vec<CommandView>,
    /// Open alarms of this junction.
    pub alarms: Vec<AlarmView>,
    /// Channels that somebody has stopped, such as `tlc.events/hires`: what they would say is not known for a while.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stopped: Vec<String>,
}

/// A signal group.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct GroupView {
    /// Its number.
    pub number: u16,
    /// `vehicles`, `pedestrians`, `trams`, `cyclists`.
    pub kind: String,
    /// The street or turn.
    pub name: Name,
    /// `red`, `red_amber`, `green`, `flashing_green`, `amber`, `flashing_amber`, `dark`; null if not known.
    pub lamp: Option<String>,
    /// Since when.
    pub since: Option<i64>,
    /// Minimum green.
    pub min_green_s: f64,
    /// Flashing green.
    pub flashing_green_s: f64,
    /// Amber.
    pub amber_s: f64,
    /// Expected end of what it shows now, with its 90 % bounds; null if it cannot be said.
    pub next_change: Option<ChangeView>,
}

/// An expected change.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct ChangeView {
    /// Likeliest.
    pub at: i64,
    /// Hardly before.
    pub earliest: i64,
    /// Hardly after.
    pub latest: i64,
}

/// A stage.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct StageView {
    /// Its number.
    pub number: u16,
    /// Green groups.
    pub green: Vec<u16>,
    /// Those that give way.
    pub permissive: Vec<u16>,
}

/// A plan.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct PlanView {
    /// Its number.
    pub number: u16,
    /// Its name.
    pub name: Name,
    /// Cycle.
    pub cycle_s: f64,
    /// Offset.
    pub offset_s: f64,
    /// Stages in order, with splits: `[stage, seconds]`.
    pub steps: Vec<(u16, f64)>,
}

/// A detector channel.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct DetectorView {
    /// Its number.
    pub channel: u16,
    /// `stop_line`, `advance`, `area`, `push_button`.
    pub kind: String,
    /// Groups that it calls.
    pub groups: Vec<u16>,
    /// Index into [`Drawing::lanes`]; null for push-buttons and lanes out of the picture.
    pub lane: Option<usize>,
    /// Metres before the stop line.
    pub distance_m: f64,
    /// `free`, `occupied`, `call` (waiting for green), `fault`, `unknown`.
    pub state: String,
    /// Vehicles in the last minute.
    pub count_1m: Option<u32>,
    /// Share of the last minute covered, 0 to 1.
    pub occupancy_1m: Option<f64>,
    /// Standing vehicles (area).
    pub queue: Option<u16>,
    /// Vehicles in view (area).
    pub vehicles: Option<u16>,
    /// Time of the last reading.
    pub seen_at: Option<i64>,
}

/// What to draw of a junction.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct Drawing {
    /// Lanes near the junction, in and out.
    pub lanes: Vec<LaneDrawing>,
    /// Ways across.
    pub movements: Vec<MovementDrawing>,
}

/// A lane to draw.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct LaneDrawing {
    /// The link's id.
    pub link: String,
    /// The street's name.
    pub name: Name,
    /// True if it leads to the junction.
    pub inbound: bool,
    /// Centre line, metres east and north; inbound ones end at the stop line.
    pub line: Vec<[f64; 2]>,
    /// Width, m.
    pub width_m: f64,
    /// Groups whose heads stand at its stop line.
    pub groups: Vec<u16>,
    /// Turns allowed from it: `left`, `straight`, `right`, `u_turn`.
    pub turns: Vec<String>,
}

/// A movement to draw.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct MovementDrawing {
    /// From that lane of the drawing.
    pub from: usize,
    /// To that lane of the drawing.
    pub to: usize,
    /// Its group.
    pub group: Option<u16>,
    /// `left`, `straight`, `right`, `u_turn`.
    pub turn: String,
    /// Path, metres east and north.
    pub line: Vec<[f64; 2]>,
}

/// A change of lamps or stage.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct LampChange {
    /// When.
    pub at: i64,
    /// The group; 0 means that the stage changed.
    pub group: u16,
    /// The lamp; for the stage, its number as text.
    pub lamp: String,
}

/// An expected stage.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct ForecastView {
    /// The stage.
    pub stage: u16,
    /// When its green begins.
    pub begins: ChangeView,
    /// When it ends.
    pub ends: ChangeView,
}

/// A decision and why.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct DecisionView {
    /// Its number in the store.
    pub number: u64,
    /// The junction.
    pub junction: String,
    /// When.
    pub at: i64,
    /// The kind of control that took it.
    pub kind: String,
    /// The stage that was chosen.
    pub stage: u16,
    /// The stage that ran.
    pub before: u16,
    /// Why, as a key the page translates: `plan_step`, `gap_out`, `max_out`, `max_pressure`, `keep_pressure`,
    /// `horizon`, `keep_horizon`, `min_green`, `max_red`, `no_demand`, `returned` (to its plan,
    /// since its own control locked traffic up), `operator_hold`, `interstage`, `first`.
    pub reason: String,
    /// Numbers that belong to the reason: `gap_s`, `pressure`, `split_s`, `red_s`, `group`, `cost` (weighted
    /// seconds of waiting), `vehicles`, `saturation` (0 to 1), `green_s`, ….
    pub facts: std::collections::BTreeMap<String, f64>,
    /// All stages that could have run, with what speaks for each; the chosen one first.
    pub alternatives: Vec<AlternativeView>,
    /// What bound the choice: `min_green`, `max_green`, `max_red`, `intergreen`, `turners` (those
    /// who wait inside the junction go first), `neighbour` (a signal close by must stop sending or let out first), ….
    pub limits: Vec<String>,
}

/// One stage that could have run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct AlternativeView {
    /// The stage.
    pub stage: u16,
    /// Whether it was chosen.
    pub chosen: bool,
    /// What the method maximised or minimised, in its own unit. `null` for a stage that could not run and was not
    /// looked at.
    pub score: Option<f64>,
    /// The unit: `vehicles` (pressure), `s` (until the plan runs it), `vehicle_s` (cost over the horizon), `person_s`.
    pub unit: String,
    /// Why it could not run now, or empty.
    pub refused: String,
}

/// A command and its end.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct CommandView {
    /// `cmd_id` on the wire, or the operator order's id.
    pub id: String,
    /// The junction.
    pub junction: String,
    /// `lease` (the centre's own, prolonged by itself), `hold`, `kind`, `plan`, `flash`.
    pub what: String,
    /// The stage, kind or plan, as text.
    pub value: String,
    /// Who.
    pub who: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: i64,
    /// It ends by itself then.
    pub until: i64,
    /// `proposed` (an area order that waits for a second person), `sent`, `accepted`, `applied`, `rejected`, `expired`.
    pub state: String,
    /// Why it was rejected, or empty.
    pub detail: String,
}

/// `GET /api/v1/alarms`, and the stream's `alarms` event (always the full list).
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct Alarms {
    /// Open alarms, worst and newest first.
    pub alarms: Vec<AlarmView>,
}

/// An open alarm.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct AlarmView {
    /// Stable while it is open.
    pub id: String,
    /// The junction, if it is one's.
    pub junction: Option<String>,
    /// Its name.
    pub name: Name,
    /// `tlc.comm.field`, `tlc.detector`, `tlc.lamp`, `tlc.door`, `tlc.conflict`, `tlc.power`, `no_contact`, `lease_lapsed`, ….
    pub code: String,
    /// `sg/3`, `dl/7` or empty.
    pub component: String,
    /// 1 act now, 2 within the hour, 3 this shift.
    pub priority: u8,
    /// Since when.
    pub since: i64,
    /// What the system already did about it, as a key: `local_plan`, `retrying`, `imputed`, `none`.
    pub done: String,
    /// For people, English.
    pub message: String,
}

/// `GET /api/v1/links`, and the stream's `links` event (changed ones only, full on connect).
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct Links {
    /// When the picture was made.
    pub at: i64,
    /// Links with something to say.
    pub links: Vec<LinkView>,
}

/// One link's traffic.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct LinkView {
    /// Index of the link: the feature id in [`MapView::links`].
    pub ix: u32,
    /// The link's id.
    pub id: String,
    /// Mean speed; null if not known.
    pub speed_kmh: Option<f64>,
    /// Seconds to drive it now.
    pub travel_time_s: Option<f64>,
    /// `A` to `F` by share of free-flow speed from the signal before the link to the one after; null if not known.
    pub los: Option<String>,
}

/// The stream's `vehicles` event: public-transport vehicles in view, 1 Hz.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct Vehicles {
    /// The city's clock.
    pub now: i64,
    /// Vehicles.
    pub vehicles: Vec<VehicleView>,
}

/// One vehicle.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct VehicleView {
    /// Its id.
    pub id: String,
    /// Its line.
    pub line: Option<String>,
    /// Where.
    pub at: [f64; 2],
    /// Degrees clockwise from north.
    pub heading: f64,
    /// Speed.
    pub speed_kmh: f64,
    /// Time of the fix.
    pub seen_at: i64,
}

/// `POST /api/v1/junctions/{id}/control`, and `POST /api/v1/control` for the whole city (`kind` only).
/// Exactly one of `kind`, `stage`, `plan`, `flash` is given.
#[derive(Clone, PartialEq, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ControlRequest {
    /// Kind of control: `fixed`, `schedule`, `actuated`, `max-pressure`, `adaptive`. Or `default` to end an earlier order.
    pub kind: Option<String>,
    /// Hold that stage.
    pub stage: Option<u16>,
    /// Run that plan.
    pub plan: Option<u16>,
    /// Flash amber. `confirm` must repeat the junction's id.
    #[serde(default)]
    pub flash: bool,
    /// See `flash`.
    pub confirm: Option<String>,
    /// Who orders it, where nobody signs in. Whoever has an account is named by it, whatever stands here.
    pub who: Option<String>,
    /// Why. Not empty.
    pub reason: String,
    /// It ends by itself after so many seconds: 1 to 600 for a hold, 1 to 86,400 else.
    pub expires_in_s: u32,
}

/// The answer to a [`ControlRequest`]: 202, the order is under way and the stream tells the rest; or it is `proposed`.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct ControlAccepted {
    /// The order, as it will show under commands in force.
    pub command: CommandView,
}

/// `POST /api/v1/junctions/{id}/fetch`.
#[derive(Clone, PartialEq, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FetchRequest {
    /// From then on, ms since the epoch.
    pub from: i64,
    /// And before then, ms since the epoch; at most 48 hours later.
    pub to: i64,
    /// Who asks, where nobody signs in. Whoever has an account is named by it, whatever stands here.
    pub who: Option<String>,
    /// Why. Not empty.
    pub reason: String,
}

/// The answer to a [`FetchRequest`].
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct FetchAccepted {
    /// The channels that the cabinet is asked for.
    pub asked: Vec<String>,
}

/// `POST /api/v1/junctions/{id}/throttle`.
#[derive(Clone, PartialEq, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ThrottleRequest {
    /// `tlc.events/hires` or `traffic.count/1s`. The centre needs all other channels to steer.
    pub channel: String,
    /// `stop` or `start`.
    pub action: String,
    /// After so many seconds a stopped channel runs again by itself, 1 to 3600; an hour where it is not given.
    pub timeout_s: Option<u32>,
    /// Who asks, where nobody signs in. Whoever has an account is named by it, whatever stands here.
    pub who: Option<String>,
    /// Why. Not empty.
    pub reason: String,
}

/// RFC 9457 `application/problem+json`: the one shape of every error.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Stable code: `/problems/not-found`, `/problems/bad-request`, `/problems/unsafe`, `/problems/sign-in`,
    /// `/problems/forbidden`, `/problems/unavailable`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The code's meaning.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What was wrong with this request.
    pub detail: String,
}

/// `GET /api/v1/junctions/{id}/events?from=&to=&limit=`: the hi-res log out of the store.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct StoredEvents {
    /// Oldest first: `[at, code, param]`.
    pub events: Vec<(i64, u16, u16)>,
    /// The limit cut it; ask again from the last one's time.
    pub truncated: bool,
}

/// `GET /api/v1/junctions/{id}/intervals?from=&to=&limit=`: detector readings out of the store.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct StoredIntervals {
    /// Oldest first.
    pub intervals: Vec<StoredInterval>,
    /// The limit cut it.
    pub truncated: bool,
}

/// One stored detector reading.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct StoredInterval {
    /// End of the window.
    pub at: i64,
    /// The channel.
    pub channel: u16,
    /// Vehicles.
    pub count: u16,
    /// Share of time covered.
    pub occupancy: f64,
    /// Mean speed.
    pub speed_kmh: Option<f64>,
    /// The channel said it was broken.
    pub fault: bool,
}

/// `GET /api/v1/junctions/{id}/decisions?from=&to=&limit=`: decisions out of the store.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct StoredDecisions {
    /// Oldest first.
    pub decisions: Vec<DecisionView>,
    /// The limit cut it.
    pub truncated: bool,
}
