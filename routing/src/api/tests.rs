//! The API from outside, without a socket.

mod access;
mod osrm;
mod transit;

use crate::{
    api::{openapi, problem::Code, standalone, view::encode_polyline},
    drawing::{NOW, draw, lend, said, serve},
    service::{Limits, Routing},
    typical::Typical,
};
use axum::{body::Body, http::Request};
use model::geo::LonLat;
use std::{sync::Arc, time::Duration};
use tower::ServiceExt;
use transit::with_bus;
use wire::clock::Clock;

const CROSS: &str = "
    A 0 0
    B 200 0
    C 200 200
    D 0 300
    A-B
    B-C
    A-D
    D-C";

/// A and C of the drawing, as the API takes places.
const A_TO_C: &str = "fromPlace=55.75,37.6&toPlace=55.7517986,37.6031957";

async fn get(routing: &Arc<Routing>, path: &str) -> (u16, String, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = standalone(routing.clone()).oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let kind = response.headers()["content-type"].to_str().unwrap().to_string();
    let body = axum::body::to_bytes(response.into_body(), 1 << 24).await.unwrap();
    (status, kind, String::from_utf8(body.to_vec()).unwrap())
}

async fn json(routing: &Arc<Routing>, path: &str) -> serde_json::Value {
    let (status, kind, body) = get(routing, path).await;
    assert_eq!((status, kind.as_str()), (200, "application/json"), "{path}: {body}");
    serde_json::from_str(&body).unwrap()
}

#[track_caller]
fn problem_is(
    path: &str,
    (status, kind, body): (u16, String, String),
    code: Code,
    parameter: &str,
    says: &str,
) {
    assert_eq!(kind, "application/problem+json", "{path}: {body}");
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&body["type"], &body["status"]), (&code.uri().into(), &status.into()), "{path}: {body}");
    assert_eq!(body["parameter"].as_str().unwrap_or(""), parameter, "{path}: {body}");
    assert!(body["detail"].as_str().unwrap().contains(says), "{path}: {body}");
}

#[tokio::test]
async fn bad_questions_get_problems() {
    let routing = serve(CROSS, Duration::ZERO, "");
    let to = "toPlace=55.7517986,37.6031957";
    let good = A_TO_C;
    let cases = [
        (String::new(), Code::BadRequest, "fromPlace", "fromPlace is missing"),
        ("fromPlace=55.75,37.6".into(), Code::BadRequest, "toPlace", "toPlace is missing"),
        (format!("fromPlace=55.75&{to}"), Code::BadRequest, "fromPlace", "latitude,longitude"),
        (format!("fromPlace=1,2,3,4&{to}"), Code::BadRequest, "fromPlace", "latitude,longitude"),
        (format!("fromPlace=37.6,55.75&{to}"), Code::SwappedCoordinates, "fromPlace", "55.75,37.6 is"),
        (format!("fromPlace=91,181&{to}"), Code::NotAPlace, "fromPlace", "no place on the earth"),
        (format!("fromPlace=NaN,37.6&{to}"), Code::NotAPlace, "fromPlace", "no place on the earth"),
        (format!("fromPlace=inf,37.6&{to}"), Code::NotAPlace, "fromPlace", "no place on the earth"),
        (
            format!("fromPlace=59.94,30.31&{to}"),
            Code::OutsideTheMap,
            "fromPlace",
            "outside the map of Drawing",
        ),
        (format!("fromPlace=0,0&{to}"), Code::OutsideTheMap, "fromPlace", "km outside"),
        (
            format!("fromPlace=55.7607,37.6157&{to}"),
            Code::NoStreetNear,
            "fromPlace",
            "within 1000 m of START",
        ),
        (format!("fromPlace=tverskaya&{to}"), Code::UnknownStop, "fromPlace", "\"tverskaya\" is neither"),
        (format!("{good}&directModes=ROCKET"), Code::BadRequest, "directModes", "not \"ROCKET\""),
        (format!("{good}&time=tomorrow"), Code::BadRequest, "time", "ISO 8601"),
        (format!("{good}&time=2026-06-12T08:00:00"), Code::BadRequest, "time", "with a zone"),
        (
            format!("{good}&time=1812-09-07T06:00:00Z"),
            Code::BadRequest,
            "time",
            "between the years 2000 and 2100",
        ),
        (format!("{good}&arriveBy=maybe"), Code::BadRequest, "arriveBy", "true or false"),
        (
            format!("{good}&pedestrianProfile=SNAIL"),
            Code::BadRequest,
            "pedestrianProfile",
            "FOOT or WHEELCHAIR",
        ),
        (format!("{good}&pedestrianSpeed=0"), Code::BadRequest, "pedestrianSpeed", "between 0.3 and 15 m/s"),
        (format!("{good}&cyclingSpeed=fast"), Code::BadRequest, "cyclingSpeed", "is a number"),
        (format!("{good}&maxMatchingDistance=-1"), Code::BadRequest, "maxMatchingDistance", "between 0"),
        (format!("{good}&fromPlace=55.75,37.6"), Code::BadRequest, "fromPlace", "given twice"),
    ];
    for (query, code, parameter, says) in cases {
        let path = format!("/api/v1/plan?{query}");
        problem_is(&path, get(&routing, &path).await, code, parameter, says);
    }
    let path = "/api/v1/journey";
    problem_is(path, get(&routing, path).await, Code::NotFound, "", path);
}

#[tokio::test]
async fn an_answer_in_the_shape_of_motis() {
    let routing = serve(CROSS, Duration::from_secs(7), "AB 30 s, BC 25 s, nowhere 5 s");
    let answer = json(&routing, &format!("/api/v1/plan?{A_TO_C}&directModes=CAR,WALK&withFares=true")).await;
    insta::assert_snapshot!(serde_json::to_string_pretty(&answer).unwrap());
}

#[tokio::test]
async fn an_answer_says_how_old_its_traffic_is() {
    let seconds = Duration::from_secs;
    for (ago, traffic, state, age, live, text) in [
        (seconds(0), "", "free_flow", None, 0.0, "no link times have arrived: empty roads"),
        (seconds(7), "AB 30 s", "live", Some(7), 0.125, "link times 7 s old"),
        (seconds(300), "AB 30 s, BA closed", "fading", Some(300), 0.25, "link times 300 s old count in part"),
        (
            seconds(1000),
            "AB 30 s",
            "free_flow",
            Some(1000),
            0.0,
            "link times 1000 s old count no more: empty roads",
        ),
    ] {
        let routing = serve(CROSS, ago, traffic);
        let answer = json(&routing, &format!("/api/v1/plan?{A_TO_C}&directModes=CAR")).await;
        let said = &answer["traffic"];
        assert_eq!(said["state"], state, "{said}");
        assert_eq!(said["ageSeconds"].as_i64(), age, "{said}");
        assert_eq!(said["linksLive"], live, "{said}");
        assert_eq!(said["text"], text, "{said}");
        assert_eq!(
            answer["direct"][0]["legs"][0]["realTime"],
            state == "live" || state == "fading",
            "{answer}"
        );
    }
    let routing = serve(CROSS, Duration::ZERO, "AB 30 s");
    let later =
        json(&routing, &format!("/api/v1/plan?{A_TO_C}&directModes=CAR&time=2026-06-12T10:00:00Z")).await;
    assert_eq!(later["traffic"]["text"], "the departure is too far ahead for link times of now: empty roads");
}

#[tokio::test]
async fn an_answer_says_which_usual_traffic_it_is_built_on() {
    let city = Arc::new(draw(CROSS));
    let (routing, mut feed) = Routing::new(city, Clock::scaled(NOW, 1e-9), Limits::default());
    let rows = "link,days,from,time_s\nAB,workday,10:00,30\nAB,workday,12:15,90\n";
    let zone = jiff::tz::TimeZone::get("Europe/Moscow").unwrap();
    feed.set_typical(Typical::parse(routing.planner.map(), zone, "t.csv", rows).unwrap().typical);
    let traffic = async |time: &str| {
        let path = format!("/api/v1/plan?{A_TO_C}&directModes=CAR&time={time}");
        let answer = json(&routing, &path).await;
        let said = &answer["traffic"];
        format!("{} {} ({})", said["state"], said["typical"], said["text"]).replace('"', "")
    };
    let usual = "link times of now do not count: what is usual on workday";
    assert_eq!(traffic("2026-06-12T08:00:00Z").await, format!("typical workday 10:00 ({usual} 10:00)"));
    assert_eq!(traffic("2026-06-12T12:00:00Z").await, format!("typical workday 12:15 ({usual} 12:15)"));
    let unknown = "no link times have arrived: empty roads";
    assert_eq!(traffic("2026-06-13T12:00:00Z").await, format!("free_flow null ({unknown})"));
    let status = wire::message::Status { entries: vec![said(NOW, "AB 40 s")] };
    feed.take(NOW, "mow/centre/one/status/traffic.links/live", &wire::codec::encode(&status));
    let live = "link times 0 s old, else what is usual on workday 10:00";
    assert_eq!(traffic("2026-06-12T08:00:00Z").await, format!("live workday 10:00 ({live})"));
}

#[tokio::test]
async fn what_cannot_be_done_is_said_and_is_no_error() {
    let routing = serve(CROSS, Duration::ZERO, "BC closed, DC closed");
    for (query, note) in [
        ("", "no timetable is loaded, so `itineraries` (public transport) is always empty"),
        (
            "&transitModes=SUBWAY",
            "no timetable is loaded, so `itineraries` (public transport) is always empty",
        ),
        ("&directModes=WALK,RIDE_SHARING", "directModes: RIDE_SHARING cannot be planned yet"),
        ("&withFares=true", "withFares has no effect yet"),
        ("&directModes=CAR", "CAR: no way to drive from START to END"),
        ("&maxDirectTime=60", "WALK: takes longer than maxDirectTime"),
    ] {
        let answer = json(&routing, &format!("/api/v1/plan?{A_TO_C}{query}")).await;
        let notes = answer["notes"].as_array().unwrap();
        assert!(notes.iter().any(|n| n == note), "{query}: {notes:?}");
    }
    let quiet = json(&routing, &format!("/api/v1/plan?{A_TO_C}&transitModes=")).await;
    assert_eq!(quiet["notes"], serde_json::json!([]));
}

#[tokio::test]
async fn parameters_have_their_effect() {
    let routing = serve(CROSS, Duration::ZERO, "");
    let leg = async |query: &str| {
        let mut answer = json(&routing, &format!("/api/v1/plan?{A_TO_C}{query}")).await;
        answer["direct"][0]["legs"][0].take()
    };
    assert_eq!(leg("").await["mode"], "WALK");
    assert_eq!(leg("&directModes=BIKE").await["mode"], "BIKE");
    assert_eq!(leg("&directModes=TAXI,CAR").await["mode"], "TAXI");
    assert_eq!(leg("").await["duration"], 288);
    assert_eq!(leg("&pedestrianSpeed=2").await["duration"], 200);
    assert_eq!(leg("&pedestrianProfile=WHEELCHAIR").await["duration"], 400);
    let plain = leg("&detailedLegs=false").await;
    assert_eq!((&plain["legGeometry"]["points"], plain.get("steps")), (&"".into(), None));
    let by = leg("&arriveBy=true&time=2026-06-12T11:00:00%2B03:00").await;
    assert_eq!(
        (&by["startTime"], &by["endTime"]),
        (&"2026-06-12T07:55:12Z".into(), &"2026-06-12T08:00:00Z".into())
    );
    // A bare plus is a blank in a query string, and people write it all the same.
    let plus = leg("&time=2026-06-12T11:00:00+03:00").await;
    assert_eq!(plus["startTime"], "2026-06-12T08:00:00Z");
}

#[tokio::test]
async fn health_and_metrics() {
    let routing = serve(CROSS, Duration::from_secs(7), "AB 30 s, nowhere 5 s");
    json(&routing, &format!("/api/v1/plan?{A_TO_C}")).await;
    get(&routing, "/api/v1/plan").await;
    let health = json(&routing, "/api/v1/routing/health").await;
    insta::assert_snapshot!(serde_json::to_string_pretty(&health).unwrap());
    let (_, kind, text) = get(&routing, "/metrics").await;
    assert!(kind.starts_with("text/plain"));
    for line in [
        "routing_plan_seconds_count 1",
        "routing_plan_problems_total 1",
        "routing_traffic_age_seconds 7",
        "routing_received_total{what=\"link_times.unknown_link\"} 1",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} in\n{text}");
    }
}

#[test]
fn the_document_is_published() {
    insta::assert_snapshot!(openapi().to_pretty_json().unwrap());
}

#[test]
fn polylines_are_googles() {
    // The example of the format's own page.
    let line = [[-120.2, 38.5], [-120.95, 40.7], [-126.453, 43.252]].map(LonLat::from);
    assert_eq!(encode_polyline(&line, 5), "_p~iF~ps|U_ulLnnqC_mqNvxq`@");
    assert_eq!(encode_polyline(&[], 7), "");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 256, failure_persistence: None, ..Default::default() })]

    /// Whatever stands in a query, reading it ends in a question or a problem.
    #[test]
    fn no_question_stops_us(
        from in "(-?[0-9.e]{0,6},?){0,4}|NaN,inf|\\PC{0,12}",
        extra in proptest::collection::vec(
            ("(time|directModes|pedestrianSpeed|maxDirectTime|language|\\PC{0,6})", "-?[0-9]{0,9}e?[0-9]{0,3}|\\PC{0,20}"), 0..4,
        ),
    ) {
        let routing = serve(CROSS, Duration::ZERO, "");
        let mut pairs = vec![("fromPlace".to_string(), from), ("toPlace".to_string(), "55.75,37.6".to_string())];
        pairs.extend(extra);
        let now = routing.clock.now();
        let read = super::parameters::Parameters::read(pairs)
            .and_then(|given| super::question::Question::read(given, &routing.planner, now));
        if let Ok(question) = read {
            let _ = super::answer(&routing, question, now);
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 192, failure_persistence: None, ..Default::default() })]

    /// Whatever is asked of the pages for other clients, the answer is one of theirs.
    #[test]
    fn no_path_stops_us(
        page in "/(route|table|nearest|match|trip)/v1/(driving|walking|rocket)/",
        places in proptest::collection::vec("(37\\.60[0-9]{0,3}|-?[0-9]{1,4}|1e9|NaN|),(55\\.75[0-9]{0,3}|-?[0-9]{1,4}|inf|x)", 0..6),
        query in "(\\?(sources|destinations|alternatives|timestamps|radiuses|roundtrip|source|gaps|overview|steps)=([0-9;.-]{0,6}|all|true|false|last|first))?",
    ) {
        let path = format!("{page}{}{query}", places.join(";"));
        let routing = serve(CROSS, Duration::ZERO, "");
        let (status, kind, body) = tokio::runtime::Runtime::new().unwrap().block_on(get(&routing, &path));
        proptest::prop_assert!([200, 400, 404].contains(&status), "{path}: {status} {body}");
        proptest::prop_assert!(kind.ends_with("json"), "{path}: {kind}");
    }

    /// The same of what is reached.
    #[test]
    fn no_question_of_what_is_reached_stops_us(
        page in "(one-to-all|isochrone)",
        one in "55\\.75[0-9]{0,3},37\\.60[0-9]{0,3}|-?[0-9.e]{0,6},?[0-9.]{0,6}|f_B",
        more in "(&(maxTravelTime|contours|mode|time|maxTransfers|preTransitModes)=([0-9,]{0,5}|WALK|CAR|TRANSIT|2026-06-12T08:00:00Z|[A-Z]{0,4})){0,3}",
    ) {
        let path = format!("/api/v1/{page}?one={one}{more}");
        let (status, kind, body) = tokio::runtime::Runtime::new().unwrap().block_on(get(&with_bus(), &path));
        proptest::prop_assert!([200, 400, 404, 422].contains(&status), "{path}: {status} {body}");
        proptest::prop_assert!(kind.ends_with("json"), "{path}: {kind}");
    }
}

#[tokio::test]
async fn stops_are_found_by_name_by_place_and_on_the_map() {
    let routing = with_bus();
    let names = |found: &serde_json::Value| {
        found
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["name"].as_str().unwrap().to_string())
            .collect::<Vec<_>>()
    };
    let found = json(&routing, "/api/v1/geocode?text=b&type=STOP").await;
    assert_eq!(names(&found), ["B"]);
    assert_eq!((&found[0]["id"], &found[0]["type"]), (&"f_B".into(), &"STOP".into()));
    assert_eq!(found[0]["modes"], serde_json::json!(["BUS"]));
    let near = json(&routing, "/api/v1/reverse-geocode?place=55.75,37.6&type=STOP").await;
    assert_eq!(names(&near), ["B"]);
    let west = "/api/v1/map/stops?min=55.74,37.60&max=55.76,37.61";
    assert_eq!(names(&json(&routing, west).await), ["B"]);
    let (status, ..) = get(&routing, "/api/v1/map/stops?min=55.74,37.60").await;
    assert_eq!(status, 400);
    assert_eq!(json(&routing, "/api/v1/geocode?text=%F0%9F%9A%87").await, serde_json::json!([]));
    let (status, ..) = get(&routing, "/api/v1/geocode").await;
    assert_eq!(status, 400);
}
