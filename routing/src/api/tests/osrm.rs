//! What clients of OSRM ask.

use super::*;

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

#[tokio::test]
async fn lorries_are_asked_for_by_their_profile() {
    let drawing = format!("{CROSS}\nlimit BC height 3\nA-E\nC-F").replace("A-B", "E -100 0\nF 200 300\nA-B");
    let routing = serve(&drawing, Duration::ZERO, "");
    let takes = async |profile: &str| {
        let path = format!("/route/v1/{profile}/{}", on_the_cross("AC"));
        json(&routing, &path).await["routes"][0]["distance"].as_f64().unwrap()
    };
    let [car, truck] = [takes("car").await, takes("truck").await];
    assert!(truck > car + 50.0, "{car} m by car, {truck} m by lorry");
    assert_eq!(takes("hgv").await, truck);
    let table = json(&routing, &format!("/table/v1/truck/{}", on_the_cross("AC"))).await;
    let path = format!("/route/v1/truck/{}", on_the_cross("AC"));
    let route = json(&routing, &path).await["routes"][0]["duration"].clone();
    assert_eq!(table["durations"][0][1], route);
    let plan = json(&routing, &format!("/api/v1/plan?{A_TO_C}&directModes=HGV")).await;
    assert_eq!(plan["direct"][0]["legs"][0]["mode"], "HGV", "{plan}");
}
