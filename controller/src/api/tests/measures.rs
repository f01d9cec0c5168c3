//! Measures over HTTP, out of a log that is drawn here.

use super::*;
use crate::store::EventRow;
use model::detection::DetectorKind;
use serde_json::json;

const MINUTE: i64 = 60_000;
/// The log's first moment: 08:00 UTC, 11:00 in Moscow.
const BEGINS: i64 = T0.0 - 160 * MINUTE;

/// Half an hour of one-minute cycles: red, green at 20 s, amber at 50 s, red at 53 s. Somebody comes over the advance
/// loop at 10 s and at 30 s, and presses the button at 12 s; walk begins at 20 s,
/// its clearance at 27 s. Says of which group, of which
/// crossing.
async fn half_an_hour(bench: &Bench) -> (u16, u16) {
    let junction = &bench.city.junctions[0];
    let of = |kind| junction.detectors.iter().find(|d| d.kind == kind).unwrap();
    let (advance, button) = (of(DetectorKind::Advance), of(DetectorKind::PushButton));
    let (group, crossing) = (advance.groups[0].0, button.groups[0].0);
    let cycle = [
        (0, 10, group),
        (10, 82, advance.channel.0),
        (11, 81, advance.channel.0),
        (12, 82, button.channel.0),
        (13, 81, button.channel.0),
        (20, 1, group),
        (20, 21, crossing),
        (27, 22, crossing),
        (30, 82, advance.channel.0),
        (31, 81, advance.channel.0),
        (50, 7, group),
        (50, 8, group),
        (53, 9, group),
    ];
    let events = (0..30).flat_map(|minute| {
        cycle.map(|(s, code, param)| EventRow {
            at: Moment(BEGINS + minute * MINUTE + s * 1000),
            junction: JunctionIx(0),
            code,
            param,
        })
    });
    bench.store.write(&Batch { events: events.collect(), ..Batch::default() }).await.unwrap();
    (group, crossing)
}

fn over(path: &str, more: &str) -> String {
    format!("/api/v1/junctions/C/{path}?from={BEGINS}&to={}{more}", BEGINS + 30 * MINUTE)
}

/// A column of a table, by name.
fn values<'a>(table: &'a Value, name: &str) -> &'a Value {
    let columns = table["columns"].as_array().unwrap();
    &columns.iter().find(|column| column["name"] == name).unwrap_or_else(|| panic!("{name}: {table}"))["values"]
}

#[tokio::test]
async fn a_measure_is_a_table() {
    let bench = Bench::start().await;
    let (group, crossing) = half_an_hour(&bench).await;
    let table = bench.get(&over("measures/arrival_on_green", "")).await;
    assert_eq!(*values(&table, "TimeStamp"), json!([BEGINS, BEGINS + 15 * MINUTE]));
    assert_eq!(*values(&table, "Phase"), json!([group, group]));
    assert_eq!(*values(&table, "Total_Actuations"), json!([30, 30]));
    assert_eq!(*values(&table, "Percent_AOG"), json!([0.5, 0.5]));
    assert_eq!(
        (&table["total"], &table["next"], &table["utc_offset_s"]),
        (&2.into(), &Value::Null, &10_800.into())
    );
    // Shorter bins, and one whole hour.
    let table = bench.get(&over("measures/approach_volume", "&bin_min=5")).await;
    assert_eq!(*values(&table, "Volume"), json!([10, 10, 10, 10, 10, 10]));
    let table = bench.get(&over("measures/approach_volume", "&bin_min=60")).await;
    assert_eq!(*values(&table, "Volume"), json!([60]));
    // The button is a channel on the street and a press for the crossing here.
    let table = bench.get(&over("measures/ped_delay", "")).await;
    assert_eq!(*values(&table, "Phase"), json!([crossing, crossing]));
    assert_eq!(*values(&table, "AvgPedDelay"), json!([8.0, 8.0]));
    // Nobody is there of another group.
    let table = bench.get(&over("measures/arrival_on_green", "&group=99")).await;
    assert_eq!(table["total"], 0);
    bench.end().await;
}

#[tokio::test]
async fn what_was_just_before_is_known_at_the_beginning() {
    let bench = Bench::start().await;
    half_an_hour(&bench).await;
    let whole = bench.get(&over("measures/arrival_on_green", "&bin_min=5")).await;
    let from = BEGINS + 10 * MINUTE;
    let path = format!("/api/v1/junctions/C/measures/arrival_on_green?bin_min=5&from={}", from + 1);
    let part = bench.get(&path).await;
    assert_eq!(part["from"], from, "it goes back to the beginning of its bin");
    assert_eq!(
        values(&part, "TimeStamp").as_array().unwrap()[..],
        values(&whole, "TimeStamp").as_array().unwrap()[2..]
    );
    assert_eq!(
        values(&part, "Percent_AOG").as_array().unwrap()[..],
        values(&whole, "Percent_AOG").as_array().unwrap()[2..]
    );
    bench.end().await;
}

#[tokio::test]
async fn days_after_a_change_stand_beside_days_before_it() {
    let bench = Bench::start().await;
    let loop_ = bench.city.junctions[0].detectors.iter().find(|d| d.kind == DetectorKind::Advance).unwrap();
    let (channel, group) = (loop_.channel.0, loop_.groups[0].0);
    // Two weeks, each with three days of one hour: 60 vehicles, then 90, 84 and 81.
    let day = 24 * 60 * MINUTE;
    let first = BEGINS - 20 * day;
    let vehicles = |at: i64, n: i64| {
        (0..n).map(move |i| EventRow {
            at: Moment(at + i * 60 * MINUTE / n),
            junction: JunctionIx(0),
            code: 82,
            param: channel,
        })
    };
    let week = |day_of: i64, n: i64| vehicles(first + day_of * day, n);
    let events = (0..3).flat_map(|d| week(d, 60).chain(week(7 + d, [90, 84, 81][d as usize])));
    bench.store.write(&Batch { events: events.collect(), ..Batch::default() }).await.unwrap();
    let (before, between, after) = (first - 60 * MINUTE, first + 5 * day, first + 11 * day);
    let path = |more: &str| {
        let range = format!("before_from={before}&before_to={between}&after_from={between}&after_to={after}");
        format!("/api/v1/junctions/C/comparison/approach_volume?{range}&bin_min=60&group={group}{more}")
    };
    let found = bench.get(&path("&from_minute=660&to_minute=720")).await;
    let means = (&found["before"], &found["after"], &found["difference"]);
    assert_eq!(means, (&60.0.into(), &85.0.into(), &25.0.into()), "{found}");
    // Differences 30, 24 and 21: deviation 4.58, t(2) = 4.303.
    let half = found["half_width"].as_f64().unwrap();
    assert!((half - 11.38).abs() < 0.02 && found["significant"] == true, "{found}");
    assert_eq!((found["pairs"].as_array().unwrap().len(), &found["left_out"]), (3, &0.into()));
    let check = async |more: &str, says: &str| {
        let (status, _, problem) = bench.ask("GET", &path(more), "").await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{more}");
        assert!(problem["detail"].as_str().unwrap().contains(says), "{more}: {problem}");
    };
    check("&column=Nothing", "column is one of Volume").await;
    check("&from_minute=600&to_minute=600", "part of a day").await;
    check("&from_minute=0&to_minute=60", "no two days can be compared").await;
    bench.end().await;
}

#[tokio::test]
async fn pages_follow_one_another() {
    let bench = Bench::start().await;
    half_an_hour(&bench).await;
    let mut path = over("measures/coordination_diagram", "&limit=25");
    let mut arrivals = Vec::new();
    loop {
        let request = Request::get(&path).body(Body::empty()).unwrap();
        let response = bench.app.clone().oneshot(request).await.unwrap();
        let link = response.headers().get(header::LINK).map(|link| link.to_str().unwrap().to_owned());
        let bytes = axum::body::to_bytes(response.into_body(), 10_000_000).await.unwrap();
        let page: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(page["offset"], arrivals.len());
        arrivals.extend(values(&page, "TimeStamp").as_array().unwrap().clone());
        let Some(link) = link else { break };
        assert_eq!(page["next"], arrivals.len());
        path = link.strip_prefix('<').unwrap().split_once('>').unwrap().0.to_owned();
    }
    let all = bench.get(&over("measures/coordination_diagram", "")).await;
    assert_eq!(Value::from(arrivals), *values(&all, "TimeStamp"));
    // Two in each of the 29 cycles that are complete, and the first one's before amber has ended once are not.
    assert_eq!(all["total"], 58);
    bench.end().await;
}

#[tokio::test]
async fn parquet_has_the_same_rows_and_times_in_utc() {
    use parquet::{
        file::reader::{FileReader, SerializedFileReader},
        record::RowAccessor,
    };
    let bench = Bench::start().await;
    let (group, _) = half_an_hour(&bench).await;
    let path = over("measures/approach_volume", "&format=parquet");
    let response = bench.app.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/vnd.apache.parquet");
    let bytes = axum::body::to_bytes(response.into_body(), 1_000_000).await.unwrap();
    let file = SerializedFileReader::new(bytes).unwrap();
    let rows = file.get_row_iter(None).unwrap().map(|row| {
        let row = row.unwrap();
        let at = jiff::Timestamp::from_millisecond(row.get_timestamp_millis(0).unwrap()).unwrap();
        let device = row.get_string(1).unwrap().clone();
        (at.to_string(), device, row.get_long(2).unwrap(), row.get_double(3).unwrap())
    });
    let row = |at: &str| (at.to_owned(), "C".to_owned(), i64::from(group), 30.0);
    assert_eq!(rows.collect::<Vec<_>>(), [row("2026-02-01T08:00:00Z"), row("2026-02-01T08:15:00Z")]);
    bench.end().await;
}

#[tokio::test]
async fn a_stream_of_arrow_has_them_too() {
    use arrow_array::{
        cast::AsArray,
        types::{Float64Type, TimestampMillisecondType},
    };
    let bench = Bench::start().await;
    let _ = half_an_hour(&bench).await;
    let path = over("measures/approach_volume", "&format=arrow");
    let response = bench.app.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/vnd.apache.arrow.stream");
    let bytes = axum::body::to_bytes(response.into_body(), 1_000_000).await.unwrap();
    let mut batches = arrow_ipc::reader::StreamReader::try_new(&bytes[..], None).unwrap();
    let batch = batches.next().unwrap().unwrap();
    let schema = batch.schema();
    let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["TimeStamp", "DeviceId", "Phase", "Volume"]);
    let times = batch.column(0).as_primitive::<TimestampMillisecondType>();
    assert_eq!((times.timezone(), times.value(0)), (Some("UTC"), 1_769_932_800_000));
    assert_eq!(batch.column(1).as_string::<i32>().value(0), "C");
    assert_eq!(batch.column(3).as_primitive::<Float64Type>().values().to_vec(), [30.0, 30.0]);
    assert!(batches.next().is_none());
    bench.end().await;
}

#[tokio::test]
async fn csv_has_the_packages_columns_and_local_time() {
    let bench = Bench::start().await;
    let (group, _) = half_an_hour(&bench).await;
    let text = async |more: &str| {
        let path = over("measures/approach_volume", &format!("&format=csv{more}"));
        let response =
            bench.app.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/csv; charset=utf-8");
        let bytes = axum::body::to_bytes(response.into_body(), 1_000_000).await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    };
    assert_eq!(
        text("").await,
        format!(
            "TimeStamp,DeviceId,Phase,Volume\n2026-02-01 11:00:00,C,{group},30\n2026-02-01 11:15:00,C,{group},30\n"
        )
    );
    let there = text("&tz=America/Denver&offset=1").await;
    assert_eq!(there, format!("TimeStamp,DeviceId,Phase,Volume\n2026-02-01 01:15:00,C,{group},30\n"));
    bench.end().await;
}

#[tokio::test]
async fn a_coordination_diagram_can_be_drawn() {
    let bench = Bench::start().await;
    let (group, _) = half_an_hour(&bench).await;
    let chart = bench.get(&over("charts/coordination_diagram", &format!("&group={group}"))).await;
    let series = chart["series"].as_array().unwrap();
    let keys: Vec<_> =
        series.iter().map(|one| (one["key"].as_str().unwrap(), one["mark"].as_str().unwrap())).collect();
    assert_eq!(keys, [("green", "steps"), ("amber", "steps"), ("cycle_end", "steps"), ("arrival", "dots")]);
    // Red to red, from 53 s on: green comes after 27 s, amber after 57 s; vehicles are felt after 17 s and 37 s, 48 m before
    // the stop line, to which they come at 50 km/h.
    let first = BEGINS + 53_000;
    assert_eq!((&series[0]["x"][0], &series[0]["y"][0]), (&first.into(), &27.0.into()));
    assert_eq!((&series[1]["y"][0], &series[2]["y"][0]), (&57.0.into(), &60.0.into()));
    assert_eq!((&series[3]["y"][0], &series[3]["y"][1]), (&20.456.into(), &40.456.into()));
    assert_eq!(series[3]["x"].as_array().unwrap().len(), 58);
    // All charts can be asked for.
    for chart in bench.get("/api/v1/measures").await["charts"].as_array().unwrap() {
        bench.get(&over(&format!("charts/{}", chart["name"].as_str().unwrap()), "")).await;
    }
    bench.end().await;
}

#[tokio::test]
async fn what_there_is_can_be_asked() {
    let bench = Bench::start().await;
    let all = bench.get("/api/v1/measures").await;
    for measure in all["measures"].as_array().unwrap() {
        let table = bench.get(&over(&format!("measures/{}", measure["name"].as_str().unwrap()), "")).await;
        let of = |value: &Value| -> Vec<String> {
            let columns = value["columns"].as_array().unwrap().iter();
            columns.map(|column| column["name"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(of(&table), of(measure));
    }
    assert_eq!(all["options"]["time_zone"], "Europe/Moscow");
    insta::assert_snapshot!("junction-measures", text(bench.get("/api/v1/junctions/C/measures").await));
    bench.end().await;
}

#[tokio::test]
async fn measures_that_make_no_sense_are_refused() {
    let bench = Bench::start().await;
    let check = async |path: &str, status: u16, code: &str, says: &str| {
        let (got, kind, problem) = bench.ask("GET", &format!("/api/v1/junctions/{path}"), "").await;
        assert_eq!((got.as_u16(), kind.as_str()), (status, "application/problem+json"), "{path}: {problem}");
        assert_eq!(problem["type"], format!("/problems/{code}"), "{path}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(says), "{path}: {problem}");
    };
    check("Z/measures/actuations", 404, "not-found", "\"Z\"").await;
    check("C/measures/magic", 404, "not-found", "/api/v1/measures lists them").await;
    check("C/charts/magic", 404, "not-found", "/api/v1/measures lists them").await;
    check("C/measures/actuations?bin_min=0", 422, "bad-request", "it may be 1 to 1440").await;
    check("C/measures/actuations?bin_min=quarter", 400, "bad-request", "bin_min").await;
    check("C/measures/actuations?bin=15", 400, "bad-request", "bin").await;
    check("C/measures/actuations?tz=Mars", 422, "bad-request", "no zone of the IANA database").await;
    check("C/measures/actuations?from=5&to=4", 422, "bad-request", "later than").await;
    check("C/measures/actuations?from=0&to=9000000000", 422, "bad-request", "104 days apart").await;
    check(
        "C/measures/actuations?from=-9000000000000000&to=-8999999999999999",
        422,
        "bad-request",
        "calendars",
    )
    .await;
    check("C/measures/actuations?limit=0", 422, "bad-request", "limit is 0").await;
    check("C/measures/actuations?group=1", 422, "bad-request", "not measured by signal group").await;
    check("C/measures/actuations?format=xml", 400, "bad-request", "format").await;
    check("C/charts/split_monitor?limit=5", 422, "bad-request", "a chart comes whole").await;
    bench.end().await;
}
