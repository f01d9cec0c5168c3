//! Corridors, as a time-space diagram has them.

use super::{ForecastError, Name};
use serde::Serialize;
use utoipa::ToSchema;

/// `GET /api/v1/corridors`.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct Corridors {
    /// Those that pass at least two signals; of the two directions of a street only the first.
    pub corridors: Vec<CorridorSummary>,
}

/// A corridor in a list.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct CorridorSummary {
    /// Its id.
    pub id: String,
    /// The street and the direction of the way out.
    pub name: Name,
    /// Signals that the way out passes.
    pub junctions: usize,
    /// From the first stop line to the last one.
    pub length_m: f64,
    /// The same road is driven the other way too.
    pub both_ways: bool,
}

/// `GET /api/v1/corridors/{id}`: its plan, or what would pass with other offsets.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct CorridorDetail {
    /// As in the list.
    #[serde(flatten)]
    pub summary: CorridorSummary,
    /// The city's clock.
    pub now: i64,
    /// The cycle that most of its junctions' first plans have; the others are brought to it.
    pub cycle_s: f64,
    /// Its junctions in driving order of the way out.
    pub stops: Vec<CorridorStop>,
    /// What passes unstopped on the way out.
    pub band: BandView,
    /// And back; null for a one-way street.
    pub band_back: Option<BandView>,
    /// Why there are no bands, or empty.
    pub no_wave: String,
}

/// A junction on a corridor.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct CorridorStop {
    /// The TLC's id.
    pub junction: String,
    /// Its name.
    pub name: Name,
    /// Its district.
    pub district: String,
    /// How far its stop line is from the first one, on the way out.
    pub at_m: f64,
    /// The offset of its first plan, brought to the corridor's cycle.
    pub planned_offset_s: f64,
    /// The offset that was asked about, or the plan's.
    pub offset_s: f64,
    /// Groups of the way out, and of the way back.
    pub groups: Vec<u16>,
    /// See `groups`.
    pub groups_back: Vec<u16>,
    /// Its green for the way out within its own cycle: `[begins, lasts]`, s; null if there are no bands.
    pub green: Option<[f64; 2]>,
    /// And for the way back.
    pub green_back: Option<[f64; 2]>,
    /// Time from the first stop line on the way out at the speed limit, s.
    pub along_s: f64,
    /// Time from the last junction's stop line on the way back, s; null if the way back does not pass it.
    pub along_back_s: Option<f64>,
    /// When the front of the band out passes it, s on the corridor's clock, modulo the cycle; null if there is none.
    pub front_s: Option<f64>,
    /// And that of the band back.
    pub front_back_s: Option<f64>,
    /// Its first plan, brought to the corridor's cycle, as a what-if takes it: `[stage, split]`.
    pub steps: Vec<(u16, f64)>,
}

/// What passes unstopped.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, ToSchema)]
pub struct BandView {
    /// When its front passes the first junction of its direction, s.
    pub begins_s: f64,
    /// Bandwidth, s; 0 where nothing passes unstopped.
    pub lasts_s: f64,
}

/// `GET /api/v1/corridors/{id}/lamps?from=&to=`: what the lamps showed, out of the store.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct CorridorLamps {
    /// From then on.
    pub from: i64,
    /// Until then.
    pub to: i64,
    /// In the order of `CorridorDetail::stops`.
    pub stops: Vec<StopLamps>,
}

/// What the lamps of one junction showed to the corridor.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct StopLamps {
    /// The TLC's id.
    pub junction: String,
    /// Changes for the way out, oldest first: `[at, lamp]` with `green`, `amber`, `red`. The first may lie before `from`;
    /// without one that does, nothing is known until it.
    pub out: Vec<(i64, String)>,
    /// And for the way back.
    pub back: Vec<(i64, String)>,
}

/// `GET /api/v1/corridors/{id}/travel-times`: how long it takes to drive, out of slots of five minutes.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct TravelTimesView {
    /// As in the list.
    #[serde(flatten)]
    pub summary: CorridorSummary,
    /// The way back.
    pub back: bool,
    /// From then on, ms since the epoch.
    pub from: i64,
    /// And before then.
    pub to: i64,
    /// Days and hours are by this zone.
    pub time_zone: String,
    /// Its whole length, m.
    pub way_m: f64,
    /// Driving freely, s.
    pub free_s: f64,
    /// Of all slots; null if there are none.
    pub spread: Option<SpreadView>,
    /// Mean time over free time.
    pub travel_time_index: Option<f64>,
    /// The time that nineteen of twenty slots do not exceed, over free time.
    pub planning_time_index: Option<f64>,
    /// What to allow on top of the mean time to be late once in twenty times, as a share of it.
    pub buffer_index: Option<f64>,
    /// `A` to `F`, of the mean speed.
    pub level_of_service: Option<String>,
    /// By hour of the day; only those that have slots.
    pub hours: Vec<HourView>,
    /// Day by day.
    pub days: Vec<DayView>,
    /// How many slots took how long: ten stretches of equal width from the shortest to the longest.
    pub histogram: Vec<StretchView>,
    /// What is to come, by slots of five minutes for an hour; empty before anything was kept.
    pub ahead: Vec<TimeAhead>,
    /// How far off such forecasts were lately, by horizon, s.
    pub errors: Vec<ForecastError>,
}

/// A time to come.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, ToSchema)]
pub struct TimeAhead {
    /// When its slot begins, ms since the epoch.
    pub from: i64,
    /// s.
    pub time_s: f64,
    /// From the days before; else too few are known, and the last times go on.
    pub learned: bool,
}

/// How times are spread, s.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, ToSchema)]
pub struct SpreadView {
    /// How many slots.
    pub slots: usize,
    /// Their mean.
    pub mean_s: f64,
    /// 5 of a hundred take no longer.
    pub p5_s: f64,
    /// 15 of a hundred.
    pub p15_s: f64,
    /// Half of them.
    pub p50_s: f64,
    /// 85 of a hundred.
    pub p85_s: f64,
    /// 95 of a hundred.
    pub p95_s: f64,
}

/// An hour of the day.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, ToSchema)]
pub struct HourView {
    /// 0 to 23.
    pub hour: u16,
    /// Its times.
    #[serde(flatten)]
    pub spread: SpreadView,
}

/// A day.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct DayView {
    /// `YYYY-MM-DD`.
    pub day: String,
    /// Its times.
    #[serde(flatten)]
    pub spread: SpreadView,
}

/// Times of a like length.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, ToSchema)]
pub struct StretchView {
    /// From so many seconds on.
    pub from_s: f64,
    /// Up to so many.
    pub to_s: f64,
    /// How many slots.
    pub slots: usize,
}

/// `GET /api/v1/corridors/{id}/link-pivot`: which offsets would bring more of those who came on green. Nothing is changed.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct LinkPivotView {
    /// As in the list.
    #[serde(flatten)]
    pub summary: CorridorSummary,
    /// From then on, ms since the epoch.
    pub from: i64,
    /// And before then.
    pub to: i64,
    /// The cycle within which offsets move, s.
    pub cycle_s: f64,
    /// From each junction to the next.
    pub links: Vec<PivotLink>,
}

/// From one junction of a corridor to the next.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct PivotLink {
    /// The one.
    pub from: String,
    /// The next.
    pub to: String,
    /// By how much the next one's greens should come later than now, measured against the one's, s.
    pub shift_s: i64,
    /// And so by how much its own offset should be greater, once all before it have moved too, s.
    pub offset_by_s: i64,
    /// Who comes to the next one on the way out.
    pub out: PivotHits,
    /// Who comes back to the one.
    pub back: PivotHits,
}

/// Arrivals.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct PivotHits {
    /// All of them; none where nobody counts.
    pub arrivals: usize,
    /// Those that came on green.
    pub on_green: usize,
    /// Those that would.
    pub would_be: usize,
}
