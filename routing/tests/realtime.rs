//! A realtime feed made by the format's own Python package changes an answer over HTTP, and its end changes it back.
//! The package is in `tests/requirements.txt`; where it is not installed, that is said loudly.

#![expect(clippy::print_stderr, reason = "a test talks to whoever runs it")]

use model::{sketch, time::Moment};
use routing::{
    api,
    gtfs::{self, archive::Archive, report::Report},
    planner::Planner,
    prepare,
    realtime::poll::{FeedConfig, Feeds, Place},
    service::{Limits, Routing},
    transit::timetable::Timetable,
};
use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};
use tower::ServiceExt;
use wire::clock::Clock;

/// 2026-06-12, a Friday, 08:00 UTC.
const NOW: Moment = Moment(1_781_251_200_000);

const FEED: &str = r#"
import sys
from google.transit import gtfs_realtime_pb2 as rt
out, now, kind = sys.argv[1], int(sys.argv[2]), sys.argv[3]
feed = rt.FeedMessage()
feed.header.gtfs_realtime_version = "2.0"
feed.header.timestamp = now - 12
if kind == "late":
    entity = feed.entity.add(id="1")
    entity.trip_update.trip.trip_id = "t1"
    entity.trip_update.trip.start_date = "20260612"
    update = entity.trip_update.stop_time_update.add(stop_id="a")
    update.departure.delay = 240
    entity = feed.entity.add(id="2")
    entity.alert.informed_entity.add(route_id="7")
    entity.alert.effect = rt.Alert.SIGNIFICANT_DELAYS
    entity.alert.header_text.translation.add(text="Опаздываем", language="ru")
    entity.alert.header_text.translation.add(text="We are late", language="en")
    vehicle = feed.entity.add(id="3").vehicle
    vehicle.trip.trip_id = "t1"
    vehicle.position.latitude, vehicle.position.longitude = 55.75, 37.6
else:
    entity = feed.entity.add(id="1")
    entity.trip_update.trip.trip_id = "t1"
    entity.trip_update.trip.schedule_relationship = rt.TripDescriptor.CANCELED
open(out, "wb").write(feed.SerializeToString())
"#;

fn python() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?;
    let tools = std::env::var_os("SVETOFOR_TOOLS").map_or_else(|| root.join(".tools/python"), PathBuf::from);
    let python = tools.join("bin/python");
    let known = Command::new(&python).args(["-c", "import google.transit.gtfs_realtime_pb2"]).output();
    known.is_ok_and(|said| said.status.success()).then_some(python)
}

fn routing() -> Arc<Routing> {
    let city = Arc::new(sketch::city("A---B---C---D---E---F---G---H", "B"));
    let at = |name: &str| {
        let node = city.network.nodes.iter().find(|node| node.id.as_str() == name);
        let at = node.unwrap_or(&city.network.nodes[0]).at;
        format!("{},{}", at.lat, at.lon)
    };
    let stops = format!("stop_id,stop_name,stop_lat,stop_lon\na,First,{}\nh,Last,{}\n", at("A"), at("H"));
    let tables = [
        ("agency.txt", "agency_name,agency_url,agency_timezone\nX,https://example.org,Etc/UTC\n"),
        ("stops.txt", stops.as_str()),
        ("routes.txt", "route_id,route_short_name,route_type\n7,7,3\n"),
        ("trips.txt", "route_id,service_id,trip_id\n7,d,t1\n7,d,t2\n"),
        (
            "stop_times.txt",
            "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n\
             t1,08:05:00,08:05:00,a,1\nt1,08:06:00,08:06:00,h,2\n\
             t2,08:30:00,08:30:00,a,1\nt2,08:31:00,08:31:00,h,2\n",
        ),
        ("calendar_dates.txt", "service_id,date,exception_type\nd,20260612,1\n"),
    ];
    let mut report = Report::default();
    let feed = gtfs::read(Archive::of_tables(tables), "x", &mut report).unwrap();
    let prepared = prepare::prepare_timetable(&city, Timetable::join(vec![feed]));
    let planner = Planner::new(city).with_timetable(prepared);
    Routing::serving(planner, Clock::scaled(NOW, 1e-9), Limits::default()).0
}

async fn ask(routing: &Arc<Routing>) -> serde_json::Value {
    let path = "/api/v1/plan?fromPlace=x_a&toPlace=x_h&directModes=&numItineraries=1&language=en";
    let request = axum::http::Request::get(path).body(axum::body::Body::empty()).unwrap();
    let response = api::standalone(routing.clone()).oneshot(request).await.unwrap();
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    serde_json::from_slice(&body).unwrap()
}

#[tokio::test]
async fn a_feed_of_the_formats_own_package_changes_an_answer() {
    let Some(python) = python() else {
        eprintln!("NOT TESTED: no Python with gtfs-realtime-bindings; `cargo xtask tools` installs it");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("feed.pb");
    let write = |kind: &str| {
        let now = (NOW.0 / 1000).to_string();
        let mut command = Command::new(&python);
        let done = command.args(["-c", FEED]).arg(&file).args([&now, kind]).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    let routing = routing();
    let place = Place::parse(&file.display().to_string()).unwrap();
    let config = FeedConfig { tag: "x".into(), place, every: Duration::from_secs(1) };
    let mut feeds = Feeds::new(vec![config]);

    let start = |answer: &serde_json::Value| answer["itineraries"][0]["legs"][0]["startTime"].clone();
    let answer = ask(&routing).await;
    assert_eq!(start(&answer), "2026-06-12T08:05:00Z");
    assert_eq!((&answer["realtime"]["snapshot"], &answer["realtime"]["ageSeconds"]), (&0.into(), &().into()));

    write("late");
    feeds.look(&routing, NOW);
    let answer = ask(&routing).await;
    let leg = &answer["itineraries"][0]["legs"][0];
    assert_eq!(start(&answer), "2026-06-12T08:09:00Z");
    assert_eq!(
        (&leg["realTime"], &leg["scheduledStartTime"]),
        (&true.into(), &"2026-06-12T08:05:00Z".into())
    );
    assert_eq!(
        (&leg["alerts"][0]["headerText"], &leg["alerts"][0]["effect"]),
        (&"We are late".into(), &"SIGNIFICANT_DELAYS".into())
    );
    assert_eq!(answer["realtime"]["ageSeconds"], 12);

    write("cancelled");
    feeds.look(&routing, NOW);
    assert_eq!(start(&ask(&routing).await), "2026-06-12T08:30:00Z");

    // The feed is gone: the timetable holds again, and health says why.
    std::fs::remove_file(&file).unwrap();
    feeds.look(&routing, NOW);
    assert_eq!(start(&ask(&routing).await), "2026-06-12T08:05:00Z");
    assert!(routing.realtime.get()[0].error.as_ref().is_some_and(|error| error.contains("could not read")));
}
