//! Journeys by public transport, boards, and what is reached.

use super::*;

/// Streets with a bus between two ends that are too far apart to walk.
pub(super) fn with_bus() -> Arc<Routing> {
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
async fn an_answer_says_what_it_costs() {
    let fares =
        crate::fare::Fares::parse("f", include_str!("../../../../configs/fares/moscow.toml")).unwrap();
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
    let fares =
        crate::fare::Fares::parse("f", include_str!("../../../../configs/fares/moscow.toml")).unwrap();
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
