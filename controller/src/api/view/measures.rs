//! What the API says of measures.

use crate::measures::cells::Cell;
use serde::Serialize;
use utoipa::ToSchema;

/// `GET /api/v1/measures`: what can be asked of any junction.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct Measures {
    /// Tables.
    pub measures: Vec<MeasureInfo>,
    /// Pictures.
    pub charts: Vec<ChartInfo>,
    /// What may be asked for.
    pub options: MeasureOptions,
}

/// One measure.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct MeasureInfo {
    /// Its name in paths: `arrival_on_green`.
    pub name: String,
    /// For people, English.
    pub title: String,
    /// What a row says, English.
    pub about: String,
    /// Who defined it, and where one can read it.
    pub source: String,
    /// `bins`, `quarters` (of an hour, whatever the bin), `happenings` or `sums` (over all that is looked at).
    pub rows: String,
    /// It is empty without a detector for this: `presence`, `advance`, `yellow_red`; null if it needs none.
    pub detector: Option<String>,
    /// What the device must tell besides lamps and detectors, or empty.
    pub told: String,
    /// Its columns, but the device's name, which the CSV has too.
    pub columns: Vec<ColumnInfo>,
}

/// One column.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct ColumnInfo {
    /// Its name: the reference package's.
    pub name: String,
    /// `time` (ms since the epoch), `group` (signal group), `channel`, `number`, `label` (a number that only names: a
    /// code, a plan), `word`, `flag`.
    pub kind: String,
    /// `s`, `share` (0 to 1), `vehicles`, …; empty for none.
    pub unit: String,
}

/// One picture.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct ChartInfo {
    /// Its name in paths: `coordination_diagram`.
    pub name: String,
    /// For people, English.
    pub title: String,
    /// What the ordinate is, English.
    pub ordinate: String,
    /// Its unit, or empty.
    pub unit: String,
    /// The measures that it is drawn from; the first of them says what is needed.
    pub measures: Vec<String>,
}

/// What may be asked for.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct MeasureOptions {
    /// Shortest and longest bin, min.
    pub bin_min: (u16, u16),
    /// The bin if none is given, min.
    pub usual_bin_min: u16,
    /// Longest range, s.
    pub longest_range_s: u64,
    /// The range if none is given, s.
    pub usual_range_s: u64,
    /// Most rows in an answer.
    pub most_rows: usize,
    /// Most events that are read for an answer.
    pub most_events: usize,
    /// The time zone if none is given: the city's.
    pub time_zone: String,
}

/// `GET /api/v1/junctions/{id}/measures`: what can be measured here, and from which detectors.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct JunctionMeasures {
    /// The TLC's id.
    pub junction: String,
    /// Detectors as measures take them, by channel.
    pub detectors: Vec<MeasureDetector>,
    /// Measures that have a detector here, or need none.
    pub available: Vec<String>,
    /// The others.
    pub unavailable: Vec<String>,
}

/// A detector as measures take it.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct MeasureDetector {
    /// The channel.
    pub channel: u16,
    /// The signal group that its traffic goes by.
    pub group: u16,
    /// `presence` (at the stop line), `advance` (upstream), `ped_button`.
    pub function: String,
}

/// What was looked at for an answer.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct Looked {
    /// The TLC's id.
    pub junction: String,
    /// From then on: the beginning of a bin.
    pub from: i64,
    /// And before then; what is later than the city's clock has not happened yet.
    pub to: i64,
    /// Length of a bin, min.
    pub bin_min: u16,
    /// The zone by which days and bins are cut.
    pub time_zone: String,
    /// Its offset, s, as at the beginning; it holds throughout, also where clocks change within.
    pub utc_offset_s: i32,
    /// Events that were read, with those of the half hour before that put the measures into step.
    pub events: usize,
}

/// `GET /api/v1/junctions/{id}/measures/{measure}`: a table, column by column.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct MeasureTable {
    /// The measure.
    pub measure: String,
    /// What was looked at.
    #[serde(flatten)]
    pub looked: Looked,
    /// Rows that there are.
    pub total: usize,
    /// Number of the first row here.
    pub offset: usize,
    /// Ask for this `offset` next; null when these were the last rows.
    pub next: Option<usize>,
    /// Columns, each with a value for each row.
    pub columns: Vec<ColumnValues>,
}

/// `GET /api/v1/junctions/{id}/comparison/{measure}`: days before a change beside days after it.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct ComparisonView {
    /// The TLC's id.
    pub junction: String,
    /// The measure.
    pub measure: String,
    /// The column whose mean is compared.
    pub column: String,
    /// Its unit, or empty.
    pub unit: String,
    /// Length of a bin, min.
    pub bin_min: u16,
    /// The zone by which days and bins are cut.
    pub time_zone: String,
    /// Mean of the days before.
    pub before: f64,
    /// Mean of the days after.
    pub after: f64,
    /// `after - before`.
    pub difference: f64,
    /// The 95 % confidence interval is the difference plus and minus this; null for one pair of days.
    pub half_width: Option<f64>,
    /// Whether that interval leaves out zero.
    pub significant: bool,
    /// Days without a fellow on the other side.
    pub left_out: usize,
    /// The days that were compared.
    pub pairs: Vec<PairView>,
}

/// Two days of the same name.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct PairView {
    /// The day before the change, `2026-03-02`.
    pub before: String,
    /// The day after it.
    pub after: String,
    /// Bins that both have.
    pub bins: usize,
    /// Mean over those, before.
    pub mean_before: f64,
    /// And after.
    pub mean_after: f64,
}

/// A column's values.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct ColumnValues {
    /// Which column.
    #[serde(flatten)]
    pub column: ColumnInfo,
    /// Numbers (times too), words, flags; null is "not told".
    #[schema(value_type = Vec<serde_json::Value>)]
    pub values: Vec<Cell>,
}

/// `GET /api/v1/junctions/{id}/charts/{chart}`: a picture, ready to draw. Time runs along the abscissa.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct ChartView {
    /// Which picture.
    #[serde(flatten)]
    pub chart: ChartInfo,
    /// What was looked at.
    #[serde(flatten)]
    pub looked: Looked,
    /// Lines first, dots last: draw them in this order.
    pub series: Vec<SeriesView>,
}

/// What is drawn alike.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct SeriesView {
    /// What it shows, as a key the page translates: `arrival`, `green`, `amber`, `cycle_end`, `gap_out`, `max_out`,
    /// `force_off`, `not_told`, `volume`, `delay`, ….
    pub key: String,
    /// Of which signal group.
    pub group: Option<u16>,
    /// Of which detector channel.
    pub channel: Option<u16>,
    /// `dots`, `steps` (each value holds until the next, or for a bin), `bars`.
    pub mark: String,
    /// Times, ms since the epoch, ascending.
    pub x: Vec<i64>,
    /// A value for each time.
    pub y: Vec<f64>,
}
