//! A realtime feed made by the format's own Python package changes an answer over HTTP, and its end changes it back.

mod common;

use common::{NOW, program, routing};
use routing::{
    api,
    realtime::poll::{FeedConfig, Feeds, Place},
    service::Routing,
};
use std::{process::Command, sync::Arc, time::Duration};
use tower::ServiceExt;

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
    vehicle.position.latitude, vehicle.position.longitude, vehicle.position.bearing = 55.75, 37.6, 90
    vehicle.timestamp, vehicle.vehicle.id, vehicle.vehicle.label = now - 30, "42", "А 042"
    vehicle.occupancy_status = rt.VehiclePosition.FEW_SEATS_AVAILABLE
    far = feed.entity.add(id="4").vehicle
    far.position.latitude, far.position.longitude = 59.9, 30.3
else:
    entity = feed.entity.add(id="1")
    entity.trip_update.trip.trip_id = "t1"
    entity.trip_update.trip.schedule_relationship = rt.TripDescriptor.CANCELED
open(out, "wb").write(feed.SerializeToString())
"#;

async fn ask(routing: &Arc<Routing>) -> serde_json::Value {
    get(routing, "/api/v1/plan?fromPlace=x_a&toPlace=x_h&directModes=&numItineraries=1&language=en").await
}

async fn get(routing: &Arc<Routing>, path: &str) -> serde_json::Value {
    let request = axum::http::Request::get(path).body(axum::body::Body::empty()).unwrap();
    let response = api::standalone(routing.clone()).oneshot(request).await.unwrap();
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    serde_json::from_slice(&body).unwrap()
}

#[tokio::test]
async fn a_feed_of_the_formats_own_package_changes_an_answer() {
    let python = program("python");
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
    assert_eq!(leg["occupancy"], "FEW_SEATS_AVAILABLE");
    let shown = get(&routing, "/api/v1/map/vehicles?min=55.7,37.5&max=55.8,37.7").await;
    let [vehicle] = &shown["vehicles"].as_array().unwrap()[..] else { panic!("one vehicle: {shown:#}") };
    assert_eq!((&vehicle["id"], &vehicle["label"]), (&"x_42".into(), &"А 042".into()));
    assert_eq!((&vehicle["displayName"], &vehicle["mode"]), (&"7".into(), &"BUS".into()));
    assert_eq!((&vehicle["tripId"], &vehicle["time"]), (&leg["tripId"], &"2026-06-12T07:59:30Z".into()));
    assert_eq!(routing.realtime.get()[0].counts.vehicles, 2);

    write("cancelled");
    feeds.look(&routing, NOW);
    assert_eq!(start(&ask(&routing).await), "2026-06-12T08:30:00Z");

    // The feed is gone: the timetable holds again, and health says why.
    std::fs::remove_file(&file).unwrap();
    feeds.look(&routing, NOW);
    assert_eq!(start(&ask(&routing).await), "2026-06-12T08:05:00Z");
    assert!(routing.realtime.get()[0].error.as_ref().is_some_and(|error| error.contains("could not read")));
}
