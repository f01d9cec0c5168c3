//! The field's measures of a junction, out of what the store remembers of it.

use super::{
    Api,
    problem::{Path, Query},
    stretch,
    view::{
        ChartInfo, ChartView, ColumnInfo, ColumnValues, JunctionMeasures, Looked, MeasureDetector,
        MeasureInfo, MeasureOptions, MeasureTable, Measures, Problem, SeriesView,
    },
};
use crate::measures::{
    bin::Bin,
    catalogue::{Column, Kind, MEASURES, Measure, Rows, SPEED},
    cells::{Cell, cells},
    charts::{CHARTS, Chart, Mark, Series},
    columns_file::{arrow, parquet},
    device::Device,
    event::Function,
    report::{Report, Tables, Whole},
    street::Street,
    utah::{coordination_diagram, link_pivot::Arrival},
};
use axum::{
    Json,
    extract::State,
    http::{HeaderName, HeaderValue, Uri, header},
    response::{IntoResponse, Response},
};
use jiff::{Timestamp, tz::TimeZone};
use model::{ids::JunctionIx, time::Moment};
use serde::{Deserialize, Serialize};
use std::{convert::Infallible, ops::Range, time::Duration};
use utoipa::IntoParams;

/// How many measure at a time; others wait. Each takes a processor, and memory for its events.
pub(super) const SEATS: usize = 2;
/// Most events that an answer is made of: some 60 MB, and more than a busy junction says in a week.
const MOST_EVENTS: usize = 2_000_000;
/// Rows in an answer when nobody says how many.
const USUAL_ROWS: usize = 10_000;
/// Most rows in an answer: a few megabytes.
const MOST_ROWS: usize = 100_000;
/// How far back an answer goes when nobody says.
const USUAL_RANGE: Duration = Duration::from_secs(24 * 3600);
/// And at most: a month.
const LONGEST_RANGE: Duration = Duration::from_secs(31 * 24 * 3600);
/// So much before the range is read too: lamps and waits are then known when it begins.
const LEAD_IN: Duration = Duration::from_secs(1800);

/// What to look at, and how.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// From then on, ms since the epoch; goes back to the beginning of its bin. A day before `to` if not given.
    from: Option<i64>,
    /// And before then, ms since the epoch. Now if not given.
    to: Option<i64>,
    /// Length of a bin, 1 to 1,440 min. 15 if not given.
    bin_min: Option<u16>,
    /// IANA zone by which days and bins are cut. The city's if not given.
    tz: Option<String>,
    /// Only of that signal group.
    group: Option<u16>,
    /// Leave out so many rows (tables).
    offset: Option<usize>,
    /// At most so many rows, 1 to 100,000 (tables). 10,000 if not given.
    limit: Option<usize>,
    /// `json`, `csv`, `parquet` or `arrow` (tables). `json` if not given.
    format: Option<Format>,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Json,
    Csv,
    Parquet,
    Arrow,
}

/// What to look at as a whole.
pub(super) struct Span {
    pub(super) from: i64,
    pub(super) to: i64,
    pub(super) bin_min: Option<u16>,
    pub(super) tz: Option<String>,
    pub(super) group: Option<u16>,
}

/// All rows of a table, as cells, column by column; moments are UTC.
pub(super) struct WholeTable {
    pub(super) looked: Looked,
    pub(super) columns: Vec<Vec<Cell>>,
}

/// What is meant by a [`Which`].
struct Wanted {
    range: Range<Moment>,
    bin: Bin,
    zone: String,
    /// The zone's clock is so far ahead of UTC.
    ahead_s: i32,
    group: Option<u16>,
    page: Range<usize>,
    format: Format,
}

impl Which {
    fn meant(self, now: Moment, city_zone: &str) -> Result<Wanted, Problem> {
        let Range { start: from, end: to } = stretch(self.from, self.to, now, USUAL_RANGE)?;
        let length = to.since(from);
        if length > LONGEST_RANGE {
            return Err(Problem::invalid(format!(
                "from and to are {} days apart; measures look at 31 at most",
                length.as_secs() / 86_400
            )));
        }
        let minutes = self.bin_min.unwrap_or(Bin::QUARTER.as_minutes());
        let bin = Bin::minutes(minutes).ok_or_else(|| {
            Problem::invalid(format!("bin_min is {minutes}; it may be 1 to {}", Bin::LONGEST))
        })?;
        let zone = self.tz.unwrap_or_else(|| city_zone.to_owned());
        let place = TimeZone::get(&zone).map_err(|_| {
            Problem::invalid(format!("tz is {zone:?}, which is no zone of the IANA database"))
        })?;
        let begins = Timestamp::from_millisecond(from.0)
            .map_err(|_| Problem::invalid(format!("from ({}) is beyond all calendars", from.0)))?;
        let ahead_s = place.to_offset(begins).seconds();
        let limit = self.limit.unwrap_or(USUAL_ROWS);
        if !(1..=MOST_ROWS).contains(&limit) {
            return Err(Problem::invalid(format!("limit is {limit}; it may be 1 to {MOST_ROWS}")));
        }
        let offset = self.offset.unwrap_or(0);
        let ahead_ms = i64::from(ahead_s) * 1000;
        let first = bin.floor(Moment(from.0 + ahead_ms));
        Ok(Wanted {
            range: Moment(first.0 - ahead_ms)..to,
            bin,
            zone,
            ahead_s,
            group: self.group,
            page: offset..offset.saturating_add(limit),
            format: self.format.unwrap_or_default(),
        })
    }
}

impl Wanted {
    fn ahead_ms(&self) -> i64 {
        i64::from(self.ahead_s) * 1000
    }
    /// The range by the zone's clock.
    fn local(&self) -> Range<Moment> {
        let local = |at: Moment| Moment(at.0 + self.ahead_ms());
        local(self.range.start)..local(self.range.end)
    }
    fn looked(&self, junction: &str, events: usize) -> Looked {
        Looked {
            junction: junction.to_owned(),
            from: self.range.start.0,
            to: self.range.end.0,
            bin_min: self.bin.as_minutes(),
            time_zone: self.zone.clone(),
            utc_offset_s: self.ahead_s,
            events,
        }
    }
}

/// What measures there are, with their sources, columns and units, and the pictures.
#[utoipa::path(get, path = "/api/v1/measures", tag = "measures", responses((status = 200, body = Measures)))]
pub(super) async fn get_measures(State(api): State<Api>) -> Json<Measures> {
    Json(Measures {
        measures: MEASURES.iter().map(measure_info).collect(),
        charts: CHARTS.iter().map(chart_info).collect(),
        options: MeasureOptions {
            bin_min: (1, Bin::LONGEST),
            usual_bin_min: Bin::QUARTER.as_minutes(),
            longest_range_s: LONGEST_RANGE.as_secs(),
            usual_range_s: USUAL_RANGE.as_secs(),
            most_rows: MOST_ROWS,
            most_events: MOST_EVENTS,
            time_zone: api.picture().health.value.time_zone.clone(),
        },
    })
}

/// What can be measured at a junction, and from which detectors.
#[utoipa::path(get, path = "/api/v1/junctions/{id}/measures", tag = "measures",
    params(("id" = String, Path, description = "The TLC's id")),
    responses(
        (status = 200, body = JunctionMeasures),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn get_junction_measures(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Json<JunctionMeasures>, Problem> {
    let ix = api.junction(&id)?;
    let street = Street::of(&api.0.city.junctions[ix.ix()], &api.0.city.network);
    let (available, unavailable): (Vec<&Measure>, Vec<&Measure>) =
        MEASURES.iter().partition(|measure| measure.detector.is_none_or(|function| street.has(function)));
    let names = |measures: Vec<&Measure>| measures.iter().map(|m| m.name.to_owned()).collect();
    let lines = street.detectors.iter().filter_map(|d| Some((d.channel, d.group, function_key(d.function)?)));
    let buttons = street
        .buttons
        .iter()
        .flat_map(|(&channel, groups)| groups.iter().map(move |&group| (channel, group, "ped_button")));
    let mut detectors: Vec<MeasureDetector> = lines
        .chain(buttons)
        .map(|(channel, group, function)| MeasureDetector { channel, group, function: function.to_owned() })
        .collect();
    detectors.sort_by_key(|detector| (detector.channel, detector.group));
    Ok(Json(JunctionMeasures {
        junction: id,
        detectors,
        available: names(available),
        unavailable: names(unavailable),
    }))
}

/// A measure of a junction, as a table: JSON column by column, CSV with the reference package's columns and local
/// times, or Parquet or a stream of Arrow with the same columns and times in UTC. A `Link` header leads to the next page.
#[utoipa::path(get, path = "/api/v1/junctions/{id}/measures/{measure}", tag = "measures",
    params(
        ("id" = String, Path, description = "The TLC's id"),
        ("measure" = String, Path, description = "A name out of /api/v1/measures"),
        Which,
    ),
    responses(
        (status = 200, content((MeasureTable = "application/json"), (String = "text/csv"), (Vec<u8> = "application/vnd.apache.parquet"), (Vec<u8> = "application/vnd.apache.arrow.stream"))),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The store is down", body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn get_measure(
    State(api): State<Api>,
    Path((id, name)): Path<(String, String)>,
    Query(which): Query<Which>,
    uri: Uri,
) -> Result<Response, Problem> {
    let ix = api.junction(&id)?;
    let measure = measure_named(&name)?;
    let wanted = which.meant(api.0.clock.now(), &api.picture().health.value.time_zone)?;
    let (table, wanted, events) = api.table(ix, measure, wanted).await?;
    let next = (table.total > wanted.page.end).then_some(wanted.page.end);
    let unwritten = |error: &dyn std::fmt::Display| Problem::unavailable(format!("the table: {error}"));
    let mut response = match wanted.format {
        Format::Csv => {
            let text = table.csv.into_inner().map_err(|error| unwritten(&error))?;
            file(&format!("{name}.csv"), "text/csv; charset=utf-8", text)
        }
        Format::Parquet => {
            let bytes = parquet(measure.columns, &table.columns).map_err(|error| unwritten(&error))?;
            file(&format!("{name}.parquet"), "application/vnd.apache.parquet", bytes)
        }
        Format::Arrow => {
            let bytes = arrow(measure.columns, &table.columns).map_err(|error| unwritten(&error))?;
            file(&format!("{name}.arrows"), "application/vnd.apache.arrow.stream", bytes)
        }
        Format::Json => {
            let columns = measure.columns.iter().zip(table.columns);
            let columns = columns.filter(|(column, _)| column.kind != Kind::Device);
            Json(MeasureTable {
                measure: name,
                looked: wanted.looked(&id, events),
                total: table.total,
                offset: wanted.page.start,
                next,
                columns: columns
                    .map(|(column, values)| ColumnValues { column: column_info(column), values })
                    .collect(),
            })
            .into_response()
        }
    };
    if let Some(next) = next {
        set(&mut response, header::LINK, &next_page(&uri, next));
    }
    Ok(response)
}

/// A picture of a junction: the points of each line and cloud of dots.
#[utoipa::path(get, path = "/api/v1/junctions/{id}/charts/{chart}", tag = "measures",
    params(
        ("id" = String, Path, description = "The TLC's id"),
        ("chart" = String, Path, description = "A name out of /api/v1/measures"),
        Which,
    ),
    responses(
        (status = 200, body = ChartView),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The store is down", body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn get_chart(
    State(api): State<Api>,
    Path((id, name)): Path<(String, String)>,
    Query(which): Query<Which>,
) -> Result<Json<ChartView>, Problem> {
    let ix = api.junction(&id)?;
    let chart = Chart::named(&name).ok_or_else(|| {
        Problem::not_found(format!("there is no chart {name:?}; /api/v1/measures lists them"))
    })?;
    if which.offset.is_some()
        || which.limit.is_some()
        || which.format.is_some_and(|format| format != Format::Json)
    {
        return Err(Problem::invalid(
            "offset, limit and format are for tables; a chart comes whole, as JSON",
        ));
    }
    let wanted = which.meant(api.0.clock.now(), &api.picture().health.value.time_zone)?;
    let (series, wanted, events) = api
        .measure(ix, wanted, LEAD_IN, chart.measures.contains(&SPEED), |report, wanted| {
            let mut series = chart.draw(report, wanted.bin, wanted.local().start);
            series.retain(|one| wanted.group.is_none_or(|group| one.group == Some(group)));
            series
        })
        .await?;
    let points: usize = series.iter().map(|one| one.points.len()).sum();
    if points > MOST_ROWS {
        return Err(Problem::invalid(format!(
            "{points} points are too many for a picture; ask for a shorter range or for one group (at most {MOST_ROWS})"
        )));
    }
    Ok(Json(ChartView {
        chart: chart_info(chart),
        looked: wanted.looked(&id, events),
        series: series.into_iter().map(|one| series_view(one, wanted.ahead_ms())).collect(),
    }))
}

/// A measure that somebody asks for by its name.
pub(super) fn measure_named(name: &str) -> Result<&'static Measure, Problem> {
    Measure::named(name).ok_or_else(|| {
        Problem::not_found(format!("there is no measure {name:?}; /api/v1/measures lists them"))
    })
}

impl Api {
    /// The whole of a table.
    pub(super) async fn whole_table(
        &self,
        ix: JunctionIx,
        measure: &'static Measure,
        span: Span,
    ) -> Result<WholeTable, Problem> {
        let Span { from, to, bin_min, tz, group } = span;
        let (from, to) = (Some(from), Some(to));
        let which =
            Which { from, to, bin_min, tz, group, offset: None, limit: Some(MOST_ROWS), format: None };
        let wanted = which.meant(self.0.clock.now(), &self.picture().health.value.time_zone)?;
        let (table, wanted, events) = self.table(ix, measure, wanted).await?;
        if table.total > MOST_ROWS {
            let total = table.total;
            return Err(Problem::invalid(format!(
                "{total} rows are too many; ask for longer bins or for one group (at most {MOST_ROWS})"
            )));
        }
        let looked = wanted.looked(self.0.city.junctions[ix.ix()].id.as_str(), events);
        Ok(WholeTable { looked, columns: table.columns })
    }

    /// Who arrived when in which complete cycle, by signal group.
    pub(super) async fn arrivals(
        &self,
        ix: JunctionIx,
        range: Range<Moment>,
    ) -> Result<Vec<(u16, Arrival)>, Problem> {
        let which = Which {
            from: Some(range.start.0),
            to: Some(range.end.0),
            bin_min: None,
            tz: None,
            group: None,
            offset: None,
            limit: None,
            format: None,
        };
        let wanted = which.meant(self.0.clock.now(), &self.picture().health.value.time_zone)?;
        let say = |report: &Report, wanted: &Wanted| {
            let there = wanted.local();
            let rows = report.coordination_diagram.iter().filter(|row| there.contains(&row.at.0));
            let arrival = |row: &coordination_diagram::Row| {
                let arrival = Arrival {
                    at_s: row.arrival_at,
                    green_s: row.green_at,
                    amber_s: row.yellow_at,
                    cycle_s: row.cycle_end.0.since(row.cycle_start.0).as_secs_f64(),
                };
                (row.phase, arrival)
            };
            rows.map(arrival).collect()
        };
        self.measure(ix, wanted, LEAD_IN, false, say).await.map(|(arrivals, ..)| arrivals)
    }

    async fn table(
        &self,
        ix: JunctionIx,
        measure: &'static Measure,
        wanted: Wanted,
    ) -> Result<(Table, Wanted, usize), Problem> {
        if wanted.group.is_some() && measure.column(Kind::Group).is_none() {
            return Err(Problem::invalid(format!("{} is not measured by signal group", measure.name)));
        }
        let lead_in = if measure.rows == Rows::Sums { Duration::ZERO } else { LEAD_IN };
        self.measure(ix, wanted, lead_in, measure.name == SPEED, |report, wanted| {
            let mut table = Table::new(measure, wanted);
            match report.tables(&mut table) {
                Ok(()) => table,
                Err(never) => match never {},
            }
        })
        .await
    }

    /// Measures a junction, with the speeds that detector stations told if they are wanted, and hands what comes of it to `say`,
    /// away from the tasks that answer others.
    async fn measure<T: Send + 'static>(
        &self,
        ix: JunctionIx,
        wanted: Wanted,
        lead_in: Duration,
        with_speeds: bool,
        say: impl FnOnce(&Report, &Wanted) -> T + Send + 'static,
    ) -> Result<(T, Wanted, usize), Problem> {
        let seat = self.0.measuring.clone().acquire_owned().await;
        let seat = seat.map_err(|_| Problem::unavailable("the centre is shutting down"))?;
        let range = wanted.range.start - lead_in..wanted.range.end;
        let page = self.0.store.events(ix, range.clone(), MOST_EVENTS).await?;
        if page.truncated {
            return Err(Problem::invalid(format!(
                "the range has more than {MOST_EVENTS} events; ask for a shorter one"
            )));
        }
        let speeds = match with_speeds {
            true => self.0.store.intervals(ix, range.clone(), MOST_EVENTS).await?.rows,
            false => Vec::new(),
        };
        let (city, now) = (self.0.city.clone(), self.0.clock.now());
        let window_ms = self.0.interval.as_millis() as i64;
        let work = move || {
            let junction = &city.junctions[ix.ix()];
            let street = Street::of(junction, &city.network);
            let log = street.log(&page.rows, wanted.ahead_ms());
            let local = |at: Moment| Moment(at.0 + wanted.ahead_ms());
            let whole = Whole { first: local(range.start), last: local(range.end.min(now)) };
            let mut device = Device::new(junction.id.as_str().into(), &street.detectors, wanted.bin);
            for event in log {
                device.take(event);
            }
            for speed in street.speeds(&speeds, window_ms, wanted.ahead_ms()) {
                device.tell(speed);
            }
            let said = say(&device.report(whole), &wanted);
            drop(seat);
            (said, wanted, page.rows.len())
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| Problem::unavailable(format!("measuring failed: {error}")))
    }
}

/// The rows of one measure that are asked for.
struct Table {
    measure: &'static Measure,
    range: Range<Moment>,
    ahead_ms: i64,
    group: Option<u16>,
    page: Range<usize>,
    as_csv: bool,
    total: usize,
    columns: Vec<Vec<Cell>>,
    csv: csv::Writer<Vec<u8>>,
}

impl Table {
    fn new(measure: &'static Measure, wanted: &Wanted) -> Table {
        let mut csv = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
        // Writing to memory does not fail.
        let _ = csv.write_record(measure.columns.iter().map(|column| column.name));
        Table {
            measure,
            range: wanted.local(),
            ahead_ms: wanted.ahead_ms(),
            group: wanted.group,
            page: wanted.page.clone(),
            as_csv: wanted.format == Format::Csv,
            total: 0,
            columns: vec![Vec::new(); measure.columns.len()],
            csv,
        }
    }

    /// Whether a row is asked for: of the range, and of the group.
    fn takes(&self, row: &[Cell]) -> bool {
        let of = |kind| self.measure.column(kind).and_then(|column| row.get(column));
        let in_range = match of(Kind::Time) {
            Some(Cell::Whole(at)) => self.range.contains(&Moment(*at)),
            _ => true,
        };
        let of_group = match (self.group, of(Kind::Group)) {
            (Some(wanted), Some(Cell::Whole(group))) => *group == i64::from(wanted),
            _ => true,
        };
        in_range && of_group
    }
}

impl Tables for Table {
    type Error = Infallible;

    fn table<R: Serialize>(&mut self, name: &'static str, rows: &[R]) -> Result<(), Infallible> {
        if name != self.measure.name {
            return Ok(());
        }
        for row in rows {
            let row_cells = cells(row);
            if !self.takes(&row_cells) {
                continue;
            }
            self.total += 1;
            if !self.page.contains(&(self.total - 1)) {
                continue;
            }
            if self.as_csv {
                let _ = self.csv.serialize(row);
                continue;
            }
            for ((cell, values), column) in
                row_cells.into_iter().zip(&mut self.columns).zip(self.measure.columns)
            {
                values.push(match (column.kind, cell) {
                    (Kind::Time, Cell::Whole(at)) => Cell::Whole(at - self.ahead_ms),
                    (_, cell) => cell,
                });
            }
        }
        Ok(())
    }
}

/// The same request for the next page.
fn next_page(uri: &Uri, offset: usize) -> String {
    let others = uri.query().unwrap_or_default().split('&');
    let mut query: Vec<String> =
        others.filter(|pair| !pair.is_empty() && !pair.starts_with("offset=")).map(str::to_owned).collect();
    query.push(format!("offset={offset}"));
    format!("<{}?{}>; rel=\"next\"", uri.path(), query.join("&"))
}

/// Something to be kept as a file of that name.
fn file(name: &str, kind: &'static str, bytes: Vec<u8>) -> Response {
    let mut response = ([(header::CONTENT_TYPE, kind)], bytes).into_response();
    set(&mut response, header::CONTENT_DISPOSITION, &format!("attachment; filename=\"{name}\""));
    response
}

pub(super) fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

fn measure_info(measure: &Measure) -> MeasureInfo {
    let columns = measure.columns.iter().filter(|column| column.kind != Kind::Device);
    MeasureInfo {
        name: measure.name.to_owned(),
        title: measure.title.to_owned(),
        about: measure.about.to_owned(),
        source: measure.source.to_owned(),
        rows: match measure.rows {
            Rows::Bins => "bins",
            Rows::Quarters => "quarters",
            Rows::Happenings => "happenings",
            Rows::Sums => "sums",
        }
        .to_owned(),
        detector: measure.detector.and_then(function_key).map(str::to_owned),
        told: measure.told.to_owned(),
        columns: columns.map(column_info).collect(),
    }
}

fn column_info(column: &Column) -> ColumnInfo {
    ColumnInfo {
        name: column.name.to_owned(),
        kind: match column.kind {
            Kind::Time => "time",
            Kind::Device => "device",
            Kind::Group => "group",
            Kind::Channel => "channel",
            Kind::Number => "number",
            Kind::Label => "label",
            Kind::Word => "word",
            Kind::Flag => "flag",
        }
        .to_owned(),
        unit: column.unit.to_owned(),
    }
}

fn chart_info(chart: &Chart) -> ChartInfo {
    ChartInfo {
        name: chart.name.to_owned(),
        title: chart.title.to_owned(),
        ordinate: chart.ordinate.to_owned(),
        unit: chart.unit.to_owned(),
        measures: chart.measures.iter().map(|&name| name.to_owned()).collect(),
    }
}

fn series_view(series: Series, ahead_ms: i64) -> SeriesView {
    let (x, y) = series.points.iter().map(|&(at, value)| (at.0 - ahead_ms, value)).unzip();
    let mark = match series.mark {
        Mark::Dots => "dots",
        Mark::Steps => "steps",
        Mark::Bars => "bars",
    };
    SeriesView {
        key: series.key.to_owned(),
        group: series.group,
        channel: series.channel,
        mark: mark.to_owned(),
        x,
        y,
    }
}

fn function_key(function: Function) -> Option<&'static str> {
    match function {
        Function::Presence => Some("presence"),
        Function::Advance => Some("advance"),
        Function::YellowRed => Some("yellow_red"),
        Function::Other => None,
    }
}
