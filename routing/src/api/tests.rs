//! The API from outside, without a socket.

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
async fn a_huge_matrix_is_refused_and_a_large_one_is_not() {
    let routing = serve(CROSS, Duration::ZERO, "");
    let places = |count: usize| vec!["37.6,55.75"; count].join(";");
    let (status, _, body) = get(&routing, &format!("/table/v1/driving/{}", places(101))).await;
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, body["code"].as_str()), (400, Some("TooBig")), "{body}");
    let answer = json(&routing, &format!("/table/v1/driving/{}", places(100))).await;
    assert_eq!(answer["durations"].as_array().unwrap().len(), 100);
    let (status, _, _) = get(&routing, &format!("/route/v1/driving/{}", places(101))).await;
    assert_eq!(status, 400);
}

/// Streets with a bus between two ends that are too far apart to walk.
fn with_bus() -> Arc<Routing> {
    let clock = wire::clock::Clock::scaled(crate::drawing::NOW, 1e-9);
    Routing::serving(bus_planner(), clock, crate::service::Limits::default()).0
}

fn bus_planner() -> crate::planner::Planner {
    let table = "
        BUS 7   B      D      C
                08:05  08:09  08:15
                08:20  08:24  08:30 wheelchair
                08:35  08:39  08:45";
    crate::transit::drawing::planner(BUS_STREETS, table)
}

const BUS_STREETS: &str = "
    A 0 0
    B 100 0
    C 4000 0
    D 4100 0
    A-B
    B-C
    C-D";

/// A and C of that drawing.
const BY_BUS: &str = "fromPlace=55.75,37.6&toPlace=55.75,37.66391&directModes=&time=2026-06-12T08:00:00Z";

#[tokio::test]
async fn journeys_by_bus_in_the_shape_of_motis() {
    let routing = with_bus();
    let answer = json(&routing, &format!("/api/v1/plan?{BY_BUS}&numItineraries=1")).await;
    insta::assert_snapshot!(serde_json::to_string_pretty(&answer).unwrap());
}

#[tokio::test]
async fn parameters_of_public_transport_have_their_effect() {
    let routing = with_bus();
    let starts = async |query: &str| {
        let answer = json(&routing, &format!("/api/v1/plan?{BY_BUS}{query}")).await;
        let starts = answer["itineraries"].as_array().unwrap().iter();
        let of_leg = |journey: &serde_json::Value| {
            let legs = journey["legs"].as_array().unwrap().iter();
            legs.filter(|leg| leg["mode"] != "WALK")
                .map(|leg| leg["startTime"].as_str().unwrap()[11..16].to_string())
                .collect::<String>()
        };
        starts.map(of_leg).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(starts("&numItineraries=1").await, "08:05");
    assert_eq!(starts("&numItineraries=0&searchWindow=1800").await, "08:05 08:20");
    assert_eq!(starts("&numItineraries=3").await, "08:05 08:20 08:35");
    assert_eq!(starts("&numItineraries=0&pedestrianProfile=WHEELCHAIR&searchWindow=3600").await, "08:20");
    assert_eq!(starts("&numItineraries=3&transitModes=TRAM,SUBWAY").await, "");
    assert_eq!(starts("&numItineraries=3&transitModes=").await, "");
    assert_eq!(starts("&numItineraries=0&maxPreTransitTime=60&searchWindow=86400").await, "");
    let by = "&arriveBy=true&time=2026-06-12T08:40:00Z".replace("&time", "&numItineraries=1&time");
    let path = format!("/api/v1/plan?{}{by}", BY_BUS.replace("&time=2026-06-12T08:00:00Z", ""));
    let answer = json(&routing, &path).await;
    // One gets off at D, whence it is nearer by the clock.
    assert_eq!(answer["itineraries"][0]["endTime"], "2026-06-12T08:25:12Z", "{answer:#}");
}

#[tokio::test]
async fn without_a_journey_by_bus_it_is_said_why() {
    let routing = with_bus();
    for (query, note) in [
        ("&transitModes=TRAM", "transit: no connection within the limits that is quicker than walking"),
        (
            "&arriveBy=true",
            "transit: the timetable is of 2026-06-01 to 2026-06-30, and 2026-01-12 is not in it",
        ),
    ] {
        let time = if query.contains("arriveBy") { "2026-01-12T08:00:00Z" } else { "2026-06-12T08:00:00Z" };
        let place = BY_BUS.replace("2026-06-12T08:00:00Z", time);
        let answer = json(&routing, &format!("/api/v1/plan?{place}{query}")).await;
        let notes = answer["notes"].as_array().unwrap();
        assert!(notes.iter().any(|n| n == note), "{query}: {notes:?}");
    }
    for (query, parameter) in [
        ("&transitModes=ROCKET", "transitModes"),
        ("&maxTransfers=12", "maxTransfers"),
        ("&searchWindow=90000", "searchWindow"),
        ("&numItineraries=-1", "numItineraries"),
    ] {
        let path = format!("/api/v1/plan?{BY_BUS}{query}");
        problem_is(&path, get(&routing, &path).await, Code::BadRequest, parameter, parameter);
    }
}

#[tokio::test]
async fn boards_show_what_calls_at_a_stop() {
    let routing = with_bus();
    let times = |board: &serde_json::Value| {
        let events = board["stopTimes"].as_array().unwrap().iter();
        events
            .map(|e| e["place"]["departure"].as_str().unwrap()[11..16].to_string())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let at = "/api/v1/stoptimes?stopId=f_B&time=2026-06-12T08:10:00Z";
    let board = json(&routing, &format!("{at}&n=2&fetchStops=true")).await;
    assert_eq!(times(&board), "08:20 08:35");
    assert_eq!(board["place"]["name"], "B");
    let first = &board["stopTimes"][0];
    assert_eq!((&first["displayName"], &first["mode"]), (&"7".into(), &"BUS".into()));
    assert_eq!((&first["tripFrom"]["name"], &first["tripTo"]["name"]), (&"B".into(), &"C".into()));
    let next: Vec<_> = first["nextStops"].as_array().unwrap().iter().map(|stop| &stop["name"]).collect();
    assert_eq!(next, ["D", "C"]);

    // Pages lead on and back, and nothing is shown twice.
    let earlier = board["previousPageCursor"].as_str().unwrap().replace('|', "%7C");
    let before = json(&routing, &format!("/api/v1/stoptimes?stopId=f_B&n=1&pageCursor={earlier}")).await;
    assert_eq!(times(&before), "08:05");
    let later = before["nextPageCursor"].as_str().unwrap().replace('|', "%7C");
    let after = json(&routing, &format!("/api/v1/stoptimes?stopId=f_B&n=2&pageCursor={later}")).await;
    assert_eq!(times(&after), "08:20 08:35");

    // Nobody departs from the last stop; there one arrives.
    let end = "/api/v1/stoptimes?stopId=f_C&time=2026-06-12T08:40:00Z";
    assert_eq!(times(&json(&routing, end).await), "");
    let arrivals = json(&routing, &format!("{end}&arriveBy=true&n=1")).await;
    assert_eq!(arrivals["stopTimes"][0]["place"]["arrival"], "2026-06-12T08:30:00Z");
    assert_eq!(times(&json(&routing, &format!("{at}&mode=TRAM")).await), "");
    let (status, _, body) = get(&routing, "/api/v1/stoptimes?stopId=nowhere").await;
    assert_eq!(status, 404, "{body}");
    for bad in ["", "?stopId=f_B&n=0", "?stopId=f_B&direction=UP", "?stopId=f_B&pageCursor=x", "?center=1"] {
        let (status, kind, body) = get(&routing, &format!("/api/v1/stoptimes{bad}")).await;
        assert_eq!((status, kind.as_str()), (400, "application/problem+json"), "{bad}: {body}");
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

#[tokio::test]
async fn an_answer_says_what_it_costs() {
    let fares = crate::fare::Fares::parse("f", include_str!("../../../configs/fares/moscow.toml")).unwrap();
    let planner = bus_planner().with_fares(fares);
    let clock = wire::clock::Clock::scaled(crate::drawing::NOW, 1e-9);
    let routing = Routing::serving(planner, clock, crate::service::Limits::default()).0;
    let fare = async |query: &str| {
        let answer = json(&routing, &format!("/api/v1/plan?{BY_BUS}&numItineraries=1{query}")).await;
        let notes = answer["notes"].to_string();
        (answer["itineraries"][0]["fare"]["amount"].as_f64(), notes)
    };
    assert_eq!(fare("").await.0, Some(75.0));
    assert_eq!(fare("&card=moskvich").await.0, Some(0.0));
    let (amount, notes) = fare("&card=gold").await;
    assert!(amount.is_none() && notes.contains("there is no card"), "{notes}");
    let cards = json(&routing, "/api/v1/fares?language=en&time=2026-06-12T08:00:00Z").await;
    assert_eq!(cards["cards"][0], serde_json::json!({"id": "wallet", "name": "Troika wallet"}));
}

#[tokio::test]
async fn a_shared_bicycle_is_taken_where_there_is_one_and_left_where_there_is_room() {
    let streets = "
        A 0 0
        B 100 0
        C 2100 0
        D 2200 0
        A-B
        B-C
        C-D";
    let routing = serve(streets, Duration::ZERO, "");
    let city = crate::drawing::draw(streets);
    let at = |name: &str| crate::drawing::place(&city, name).at;
    let lend = |bicycles: u32, room: u32| {
        routing.planner.set_sharing(lend(&city, false, &[("B", bicycles, 0), ("C", 0, room)]));
    };
    let [a, d] = ["A", "D"].map(|name| format!("{},{}", at(name).lat, at(name).lon));
    let path = format!("/api/v1/plan?fromPlace={a}&toPlace={d}&directModes=RENTAL&transitModes=");

    let said = json(&routing, &path).await;
    assert_eq!(said["notes"][0], "RENTAL: no shared vehicles are known now");
    lend(1, 1);
    let said = json(&routing, &path).await;
    let legs = said["direct"][0]["legs"].as_array().unwrap();
    let modes: Vec<&str> = legs.iter().map(|leg| leg["mode"].as_str().unwrap()).collect();
    assert_eq!(modes, ["WALK", "RENTAL", "WALK"]);
    let rental = &legs[1]["rental"];
    assert_eq!((&rental["systemId"], &rental["returnConstraint"]), (&"velo".into(), &"ANY_STATION".into()));
    assert_eq!(
        (&rental["fromStationName"], &rental["toStationName"]),
        (&"Station B".into(), &"Station C".into())
    );
    // 72 s on foot at either end, 480 s of riding, a minute to take it and half a minute to leave it.
    let duration = said["direct"][0]["duration"].as_i64().unwrap();
    assert!((712..=718).contains(&duration), "{duration} s");
    for (bicycles, room) in [(0, 1), (1, 0)] {
        lend(bicycles, room);
        let said = json(&routing, &path).await;
        assert_eq!(said["direct"].as_array().unwrap().len(), 0, "{bicycles} bicycles, room for {room}");
    }
}

#[tokio::test]
async fn a_shared_bicycle_leads_to_the_bus_and_away_from_it() {
    let routing = with_bus();
    let city = crate::drawing::draw(BUS_STREETS);
    let at = |name: &str| crate::drawing::place(&city, name).at;
    let spots = [("A", 2, 0), ("B", 0, 2), ("D", 1, 0), ("C", 0, 1)];
    routing.planner.set_sharing(lend(&city, false, &spots));
    let [a, c] = ["A", "C"].map(|name| format!("{},{}", at(name).lat, at(name).lon));
    let path = format!("/api/v1/plan?fromPlace={a}&toPlace={c}&directModes=&time=2026-06-12T08:00:00Z");
    let modes = async |query: &str| {
        let answer = json(&routing, &format!("{path}&numItineraries=1{query}")).await;
        let legs = answer["itineraries"][0]["legs"].as_array().cloned().unwrap_or_default();
        let modes: Vec<String> = legs.iter().map(|leg| leg["mode"].as_str().unwrap().to_string()).collect();
        (modes.join(" "), answer["notes"].to_string())
    };
    assert_eq!(modes("").await.0, "WALK BUS WALK");
    // Walking a hundred metres is quicker than to take a bicycle and leave it.
    assert_eq!(modes("&preTransitModes=WALK,RENTAL").await.0, "WALK BUS WALK");
    assert_eq!(modes("&preTransitModes=RENTAL").await.0, "RENTAL BUS WALK");
    assert_eq!(modes("&preTransitModes=BIKE&postTransitModes=RENTAL").await.0, "BIKE BUS RENTAL");
    let (none, notes) = modes("&preTransitModes=RENTAL&pedestrianProfile=WHEELCHAIR").await;
    assert!(none.is_empty() && notes.contains("RENTAL is not for those in a wheelchair"), "{none}: {notes}");
    let (_, notes) = modes("&postTransitModes=WALK,RIDE_SHARING").await;
    assert!(notes.contains("postTransitModes: RIDE_SHARING cannot be planned yet"), "{notes}");
    let (_, notes) = modes("&preTransitModes=CAR_PARKING").await;
    assert!(notes.contains("CAR_PARKING: no car parks for those who go on by train are known"), "{notes}");
    let path = format!("{path}&preTransitModes=ROCKET");
    problem_is(&path, get(&routing, &path).await, Code::BadRequest, "preTransitModes", "preTransitModes");
}

#[tokio::test]
async fn what_is_reached_is_told_as_motis_and_geojson_say_it() {
    let routing = with_bus();
    let one = "one=55.75,37.6&time=2026-06-12T08:00:00Z";
    let all = json(&routing, &format!("/api/v1/one-to-all?{one}&maxTravelTime=20")).await;
    let said = |one: &serde_json::Value| format!("{} {} {}", one["place"]["name"], one["duration"], one["k"]);
    let said: Vec<String> = all["all"].as_array().unwrap().iter().map(said).collect();
    // B is 100 m away; from D, where the bus is at 08:09, it is another 100 m to C.
    assert_eq!(said, ["\"B\" 1.2 0", "\"D\" 9.0 1", "\"C\" 10.2 1"]);
    let few = json(&routing, &format!("/api/v1/one-to-all?{one}&maxTravelTime=5&maxTransfers=0")).await;
    assert_eq!(few["all"].as_array().unwrap().len(), 1);
    for (query, parameter) in [
        ("", "maxTravelTime"),
        ("&maxTravelTime=1000", "maxTravelTime"),
        ("&maxTravelTime=x", "maxTravelTime"),
        ("&maxTravelTime=10&arriveBy=perhaps", "arriveBy"),
    ] {
        let path = format!("/api/v1/one-to-all?{one}{query}");
        problem_is(&path, get(&routing, &path).await, Code::BadRequest, parameter, parameter);
    }
    for (query, parameter) in
        [("&contours=0", "contours"), ("&contours=", "contours"), ("&mode=ROCKET", "mode")]
    {
        let path = format!("/api/v1/isochrone?{one}{query}");
        problem_is(&path, get(&routing, &path).await, Code::BadRequest, parameter, parameter);
    }
    let widest = async |query: &str| {
        let (status, kind, body) = get(&routing, &format!("/api/v1/isochrone?{one}{query}")).await;
        assert_eq!((status, kind.as_str()), (200, "application/geo+json"), "{body}");
        let answer: geojson::FeatureCollection = body.parse().unwrap();
        let first = &answer.features[0];
        let Some(geojson::GeometryValue::MultiPolygon { coordinates: all }) =
            first.geometry.as_ref().map(|one| &one.value)
        else {
            panic!("{body}")
        };
        let points = all.iter().flatten().flatten();
        let east = points.map(|at| at.as_slice()[0]).fold(f64::MIN, f64::max);
        let minutes = first.properties.as_ref().unwrap()["minutes"].as_f64().unwrap();
        (minutes, ((east - 37.6) * 62.6 * 10.0).round() / 10.0)
    };
    // How far east one gets, km: to D at 4.1 km by bus, a few hundred metres on foot.
    assert_eq!(widest("&contours=5,12").await, (12.0, 4.2));
    let (_, walked) = widest("&contours=5&mode=WALK").await;
    assert!((0.4..0.6).contains(&walked), "{walked} km");
    let (_, driven) = widest("&contours=5&mode=CAR").await;
    assert!((2.4..2.7).contains(&driven), "{driven} km");
    let (_, cycled) = widest("&contours=5&mode=BIKE").await;
    assert!((1.2..1.5).contains(&cycled), "{cycled} km");
}

/// Home is far from all buses; the only street leads past a car park to the first stop.
const OUTSKIRTS: &str = "
    A 0 0
    B 6000 0
    C 20000 0
    D 20600 0
    A-B
    B-C
    C-D
    park B
    park C";

#[tokio::test]
async fn a_car_gets_one_to_the_bus_as_motis_says_it() {
    let table = "
        BUS 7   B      C      D
                08:20  08:40  08:42 bicycle
                08:50  09:10  09:12";
    let planner = crate::transit::drawing::planner(OUTSKIRTS, table);
    let clock = Clock::scaled(NOW, 1e-9);
    let routing = Routing::serving(planner, clock, Limits::default()).0;
    let city = draw(OUTSKIRTS);
    let at = |name: &str| crate::drawing::place(&city, name).at;
    let [a, d] = ["A", "D"].map(|name| format!("{},{}", at(name).lat, at(name).lon));
    let path = format!("/api/v1/plan?toPlace={d}&time=2026-06-12T08:00:00Z&numItineraries=1");
    let path = format!("{path}&maxPreTransitTime=3600&fromPlace={a}");
    let legs = async |query: &str| {
        let answer = json(&routing, &format!("{path}{query}")).await;
        let all = [&answer["itineraries"][0], &answer["direct"][0]].map(|one| {
            let legs = one["legs"].as_array().cloned().unwrap_or_default();
            let said = |leg: &serde_json::Value| {
                format!("{} {}", leg["mode"].as_str().unwrap(), leg["to"]["name"].as_str().unwrap())
            };
            legs.iter().map(said).collect::<Vec<_>>().join(", ")
        });
        all.join(" | ")
    };
    assert_eq!(legs("&preTransitModes=CAR_PARKING&directModes=").await, "CAR Парковка B, BUS D | ");
    assert_eq!(legs("&preTransitModes=CAR_PARKING&directModes=&language=en").await, "CAR Park B, BUS D | ");
    assert_eq!(legs("&preTransitModes=WALK,CAR_DROPOFF&directModes=").await, "CAR B, BUS D | ");
    assert_eq!(legs("&preTransitModes=CAR&directModes=").await, "CAR B, BUS D | ");
    assert_eq!(legs("&preTransitModes=ODM&directModes=").await, "TAXI B, BUS D | ");
    assert_eq!(legs("&transitModes=&directModes=CAR_PARKING&language=en").await, " | CAR Park C, WALK END");
    // Whoever comes by bicycle may take it along in the bus that says so only.
    assert_eq!(legs("&preTransitModes=BIKE&directModes=").await, "BIKE B, BUS D | ");
    let answer = json(&routing, &format!("{path}&preTransitModes=BIKE&requireBikeTransport=true")).await;
    let leg = &answer["itineraries"][0]["legs"][1];
    assert_eq!(leg["startTime"].as_str().map(|time| &time[..10]), Some("2026-06-13"), "{leg:#}");
    assert_eq!(
        (&leg["scheduledStartTime"], &leg["bikesAllowed"]),
        (&"2026-06-13T08:20:00Z".into(), &true.into())
    );
}

#[tokio::test]
async fn what_costs_least_is_told_and_said_to() {
    let streets = "
        A 0 0
        B 3000 0
        C 6000 0
        A-B
        B-C";
    // Quick and by two rides that are not one to the gates, or slowly by one.
    let table = "
        BUS 1    A      C
                 08:03  08:45
        METRO 2  A      B
                 08:02  08:07
        TRAM 3   B      C
                 08:12  08:22";
    let fares = crate::fare::Fares::parse("f", include_str!("../../../configs/fares/moscow.toml")).unwrap();
    let planner = crate::transit::drawing::planner(streets, table).with_fares(fares);
    let clock = wire::clock::Clock::scaled(crate::drawing::NOW, 1e-9);
    let routing = Routing::serving(planner, clock, crate::service::Limits::default()).0;
    let asked = async |query: &str| {
        let path = "/api/v1/plan?fromPlace=f_A&toPlace=f_C&directModes=&maxTransfers=1";
        let answer =
            json(&routing, &format!("{path}&time=2026-06-12T08:00:00Z&numItineraries=0{query}")).await;
        let journeys = answer["itineraries"].as_array().unwrap().iter();
        let of = |journey: &serde_json::Value| {
            let (end, fare) = (&journey["endTime"].as_str().unwrap()[11..16], &journey["fare"]);
            let mark = if fare["cheapest"] == true { "!" } else { "" };
            format!("{end} {}{mark}", fare["amount"])
        };
        journeys.map(of).collect::<Vec<_>>().join(", ")
    };
    // Without the wish only the best by the clock and by changes; the bus is one of those.
    assert_eq!(asked("&searchWindow=300").await, "08:22 110.0, 08:45 75.0");
    assert_eq!(asked("&searchWindow=300&cheapest=true").await, "08:22 110.0, 08:45 75.0!");
    // Only what leaves in the window is told by the clock, but what costs less is told if it is there soon after.
    assert_eq!(asked("&searchWindow=120").await, "08:22 110.0");
    assert_eq!(asked("&searchWindow=120&cheapest=true").await, "08:22 110.0, 08:45 75.0!");
    assert_eq!(asked("&searchWindow=120&cheapest=true&cheapestWithin=600").await, "08:22 110.0!");
    // Whoever rides free has nothing to gain.
    assert_eq!(asked("&searchWindow=120&cheapest=true&card=moskvich").await, "08:22 0.0!");
    let late = "/api/v1/plan?fromPlace=f_A&toPlace=f_C&directModes=&cheapest=true&cheapestWithin=99999";
    problem_is(late, get(&routing, late).await, Code::BadRequest, "cheapestWithin", "cheapestWithin");
}

/// `longitude,latitude` of nodes of the cross.
fn on_the_cross(nodes: &str) -> String {
    let city = draw(CROSS);
    let at = |node: char| {
        let at = crate::drawing::place(&city, &node.to_string()).at;
        format!("{},{}", at.lon, at.lat)
    };
    nodes.chars().map(at).collect::<Vec<_>>().join(";")
}

#[tokio::test]
async fn routes_in_the_shape_of_osrm() {
    let routing = serve(CROSS, Duration::from_secs(7), "AB 30 s");
    let path = format!("/route/v1/driving/{}?steps=true&geometries=geojson", on_the_cross("ADC"));
    insta::assert_snapshot!(serde_json::to_string_pretty(&json(&routing, &path).await).unwrap());
    // A closure leads elsewhere, and the traffic says since when.
    let closed = serve(CROSS, Duration::from_secs(7), "AB closed");
    let duration = async |routing: &Arc<Routing>, profile: &str| {
        let answer = json(routing, &format!("/route/v1/{profile}/{}", on_the_cross("AC"))).await;
        assert_eq!(answer["traffic"]["ageSeconds"], 7);
        (
            answer["routes"][0]["duration"].as_f64().unwrap(),
            answer["routes"][0]["geometry"].as_str().unwrap().len(),
        )
    };
    assert_ne!(duration(&routing, "driving").await, duration(&closed, "driving").await);
    assert_eq!(duration(&routing, "foot").await, duration(&closed, "foot").await);
}

#[tokio::test]
async fn tables_say_what_routes_take() {
    for traffic in ["", "AB 30 s, DC closed"] {
        let routing = serve(CROSS, Duration::from_secs(7), traffic);
        for profile in ["driving", "cycling", "walking"] {
            let table = json(&routing, &format!("/table/v1/{profile}/{}", on_the_cross("ABCD"))).await;
            for (i, from) in "ABCD".chars().enumerate() {
                for (k, to) in "ABCD".chars().enumerate() {
                    let path = format!("/route/v1/{profile}/{}", on_the_cross(&format!("{from}{to}")));
                    let (_, _, body) = get(&routing, &path).await;
                    let route: serde_json::Value = serde_json::from_str(&body).unwrap();
                    assert_eq!(
                        table["durations"][i][k], route["routes"][0]["duration"],
                        "{path} in {traffic:?}"
                    );
                }
            }
        }
    }
    let routing = serve(CROSS, Duration::ZERO, "");
    let path = format!("/table/v1/car/{}?sources=0&destinations=1;2", on_the_cross("ABC"));
    let table = json(&routing, &path).await;
    assert_eq!(table["durations"].as_array().unwrap().len(), 1);
    assert_eq!(table["destinations"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_osrm_cannot_answer_it_says_in_its_own_words() {
    let routing = serve(CROSS, Duration::ZERO, "");
    let (both, far) = (on_the_cross("AC"), "37.6,55.75;37.7,55.75");
    for (path, code, says) in [
        (format!("/route/v1/rocket/{both}"), "InvalidValue", "there is no profile \"rocket\""),
        ("/route/v1/car/1,2,3;4,5".to_string(), "InvalidQuery", "\"1,2,3\" is no place"),
        ("/route/v1/car/37.6,95;37.6,55".to_string(), "InvalidQuery", "is no place"),
        (format!("/route/v1/car/{}", on_the_cross("A")), "InvalidQuery", "two places"),
        (format!("/route/v1/car/{both}?geometries=wkt"), "InvalidOptions", "geometries is never \"wkt\""),
        (format!("/route/v1/car/{far}"), "NoSegment", "no street within 1000 m of coordinate 1"),
        (format!("/table/v1/car/{both}?sources=7"), "InvalidOptions", "there is no coordinate \"7\""),
        (format!("/table/v1/car/{}", vec![both.as_str(); 60].join(";")), "TooBig", "more than 10000 pairs"),
        (format!("/nearest/v1/car/{both}"), "InvalidQuery", "one place"),
    ] {
        let (status, _, body) = get(&routing, &path).await;
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, body["code"].as_str().unwrap()), (400, code), "{path}: {body}");
        assert!(body["message"].as_str().unwrap().contains(says), "{path}: {body}");
    }
    let nearest = json(&routing, &format!("/nearest/v1/foot/{}", on_the_cross("A"))).await;
    assert_eq!(nearest["waypoints"].as_array().unwrap().len(), 1);
}

/// Two roads from A to D that are about as long, and a row of places on one of them.
const RING_ROADS: &str = "
    A 0 0
    B 500 300
    C 500 -350
    D 1000 0
    E 1500 0
    A-B
    B-D
    A-C
    C-D
    D-E";

#[tokio::test]
async fn other_ways_tracks_and_tours_in_the_shape_of_osrm() {
    let routing = serve(RING_ROADS, Duration::ZERO, "");
    let city = draw(RING_ROADS);
    let at = |name: &str| {
        let at = crate::drawing::place(&city, name).at;
        format!("{:.6},{:.6}", at.lon, at.lat)
    };
    let over = |names: &str| names.split(' ').map(at).collect::<Vec<_>>().join(";");
    let distances = |answer: &serde_json::Value, what: &str| {
        let ways = answer[what].as_array().unwrap().iter();
        ways.map(|way| way["distance"].as_f64().unwrap().round()).collect::<Vec<_>>()
    };
    let route = format!("/route/v1/driving/{}", over("A D"));
    assert_eq!(distances(&json(&routing, &route).await, "routes"), [1166.0]);
    for (alternatives, expected) in [
        ("true", [1166.0, 1221.0].as_slice()),
        ("1", &[1166.0, 1221.0]),
        ("0", &[1166.0]),
        ("false", &[1166.0]),
    ] {
        let answer = json(&routing, &format!("{route}?alternatives={alternatives}")).await;
        assert_eq!(distances(&answer, "routes"), expected, "{alternatives}");
    }
    // What was said of the quickest road puts the other one first.
    let slow = serve(RING_ROADS, Duration::ZERO, "AB 100 s");
    let answer = json(&slow, &format!("{route}?alternatives=3")).await;
    assert_eq!(distances(&answer, "routes")[0], 1221.0);

    let trip = json(&routing, &format!("/trip/v1/driving/{}?steps=true", over("A E B D"))).await;
    let order = |answer: &serde_json::Value| {
        let points = answer["waypoints"].as_array().unwrap().iter();
        points.map(|point| point["waypoint_index"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(trip["trips"][0]["legs"].as_array().unwrap().len(), 4);
    // There by one road and back by the other, or the same.
    assert!(distances(&trip, "trips")[0] <= 3400.0, "{trip}");
    let line = format!("/trip/v1/driving/{}?roundtrip=false&source=first", over("A E B D"));
    assert_eq!(order(&json(&routing, &line).await), [0, 3, 1, 2]);
    let last = format!("/trip/v1/driving/{}?roundtrip=false&source=first&destination=last", over("A E B D"));
    assert_eq!(order(&json(&routing, &last).await)[3], 3);

    // Somebody drove from A over B to D, a few metres beside the road.
    let plane = routing.planner.graph(crate::profile::Profile::Car).plane;
    let measured = [[20.0, 16.0], [250.0, 146.0], [480.0, 292.0], [700.0, 176.0], [950.0, 35.0]];
    let trace =
        measured.map(|at| plane.to_lonlat(at)).map(|at| format!("{:.6},{:.6}", at.lon, at.lat)).join(";");
    let found = json(&routing, &format!("/match/v1/driving/{trace}?geometries=geojson&overview=full")).await;
    assert_eq!(found["matchings"].as_array().unwrap().len(), 1);
    assert!((1080.0..1150.0).contains(&distances(&found, "matchings")[0]), "{found}");
    assert!(
        found["tracepoints"]
            .as_array()
            .unwrap()
            .iter()
            .all(|point| point["name"] == "AB" || point["name"] == "BD")
    );
    assert!(found["matchings"][0]["confidence"].as_f64().unwrap() > 0.5);
    let apart = format!("/match/v1/driving/{trace}?timestamps=1;5;9;500;505");
    assert_eq!(json(&routing, &apart).await["matchings"].as_array().unwrap().len(), 2);

    for (path, code, says) in [
        (format!("{route}?alternatives=many"), "InvalidOptions", "alternatives"),
        (format!("{route}?alternatives=9"), "InvalidOptions", "alternatives"),
        (format!("/match/v1/driving/{trace}?timestamps=1;2"), "InvalidOptions", "2 values for 5 positions"),
        (format!("/match/v1/driving/{trace}?radiuses=0;5;5;5;5"), "InvalidOptions", "radiuses"),
        (format!("/match/v1/driving/{trace}?gaps=mind"), "InvalidOptions", "gaps"),
        (format!("/match/v1/driving/{}", over("A")), "InvalidQuery", "two positions"),
        ("/match/v1/driving/30,50;30.1,50".to_string(), "NoMatch", "no way"),
        (format!("/trip/v1/driving/{}", over("A")), "InvalidQuery", "two places"),
        (format!("/trip/v1/driving/{};30,50", over("A")), "NoSegment", "coordinate 1"),
        (format!("/trip/v1/driving/{}?source=last", over("A B")), "InvalidOptions", "source"),
    ] {
        let (status, _, body) = get(&routing, &path).await;
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, body["code"].as_str()), (400, Some(code)), "{path}: {body}");
        assert!(body["message"].as_str().unwrap().contains(says), "{path}: {body}");
    }
}

/// An answer with its headers.
async fn asked(
    routing: &Arc<Routing>,
    request: axum::http::request::Builder,
) -> (u16, axum::http::HeaderMap, String) {
    let response = standalone(routing.clone()).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = axum::body::to_bytes(response.into_body(), 1 << 24).await.unwrap();
    (status, headers, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_again() {
    let routing = serve(CROSS, Duration::ZERO, "");
    let path = format!("/api/v1/plan?{A_TO_C}");
    let number = |n| std::num::NonZeroU32::new(n).unwrap();
    let rate = |at_once| crate::access::Rate { per_minute: number(1), at_once: number(at_once) };
    let app = crate::access::KeyConfig {
        name: "app".to_string(),
        hash: crate::access::hash("secret"),
        rate: rate(3),
    };
    let config =
        crate::access::AccessConfig { anonymous: Some(rate(2)), behind_proxy: false, keys: vec![app] };
    routing.access.set(crate::access::Access::new(&config)).unwrap();
    let status = async |name: &str, value: &str| {
        let mut request = Request::get(&path);
        if !name.is_empty() {
            request = request.header(name, value);
        }
        let (status, headers, body) = asked(&routing, request).await;
        let again = headers.get("retry-after").map(|s| s.to_str().unwrap().parse::<u64>().unwrap());
        assert_eq!(again.is_some_and(|s| (1..=60).contains(&s)), status == 429, "{headers:?}");
        let kind = headers["content-type"].to_str().unwrap().to_string();
        assert_eq!(kind == "application/problem+json", status != 200, "{body}");
        status
    };
    assert_eq!([status("", "").await, status("", "").await, status("", "").await], [200, 200, 429]);
    assert_eq!(status("x-api-key", "secret").await, 200);
    assert_eq!(status("authorization", "Bearer secret").await, 200);
    assert_eq!([status("x-api-key", "secret").await, status("x-api-key", "secret").await], [200, 429]);
    assert_eq!(status("x-api-key", "guess").await, 401);
    // Whoever runs the planner sees it, and is never refused.
    let (_, _, text) = get(&routing, "/metrics").await;
    assert!(text.lines().any(|line| line == "routing_refused_total 3"), "{text}");

    let long = format!("/api/v1/plan?fromPlace={}", "1".repeat(40_000));
    let (status, kind, body) = get(&routing, &long).await;
    assert_eq!((status, kind.as_str()), (414, "application/problem+json"), "{body}");
}

#[tokio::test]
async fn what_is_known_already_is_not_sent_again() {
    let routing = with_bus();
    let path = "/api/v1/map/stops?min=55.74,37.59&max=55.76,37.70";
    let (status, headers, body) = asked(&routing, Request::get(path)).await;
    assert_eq!((status, body.contains("f_B")), (200, true), "{body}");
    let tag = headers["etag"].to_str().unwrap().to_string();
    let again = async |path: &str, tag: &str| {
        let (status, headers, body) = asked(&routing, Request::get(path).header("if-none-match", tag)).await;
        assert_eq!(body.is_empty(), status == 304, "{body}");
        assert!(headers.contains_key("etag"));
        status
    };
    assert_eq!(again(path, &tag).await, 304);
    assert_eq!(again(path, &format!("\"other\", {tag}")).await, 304);
    assert_eq!(again(path, "\"other\"").await, 200);
    assert_eq!(again("/api/v1/stoptimes?stopId=f_B&time=2026-06-12T08:10:00Z&n=2", &tag).await, 200);
    // Compressed it is the same answer.
    for encoding in ["gzip", "br"] {
        let (_, headers, _) = asked(&routing, Request::get(path).header("accept-encoding", encoding)).await;
        assert_eq!([&headers["content-encoding"], &headers["etag"]], [encoding, tag.as_str()]);
    }
    let preflight = Request::options(path)
        .header("origin", "https://city.example")
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "x-api-key");
    let (status, headers, _) = asked(&routing, preflight).await;
    assert_eq!((status, &headers["access-control-allow-origin"]), (200, &"*".parse().unwrap()));
    assert!(headers["access-control-allow-headers"].to_str().unwrap().contains("x-api-key"));
}

#[tokio::test]
async fn answers_name_whose_data_it_is() {
    let routing = serve(CROSS, Duration::ZERO, "");
    let path = format!("/api/v1/plan?{A_TO_C}");
    assert_eq!(json(&routing, &path).await.get("attribution"), None);
    routing.attribution.set(vec!["© OpenStreetMap contributors".to_string()]).unwrap();
    assert_eq!(json(&routing, &path).await["attribution"][0], "© OpenStreetMap contributors");
}
