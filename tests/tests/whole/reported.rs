//! What somebody reports of roads reaches those who are about to drive: the car's way, and where one parks to go on by train.

use crate::demo::Demo;
use end_to_end::http::{get, post, wait_for};
use serde_json::{Value, json};
use std::time::Instant;

/// Links that pass a car park nearer than this lead to it, m.
const BESIDE_M: f64 = 130.0;
/// So many of the outermost junctions are asked from.
const HOMES: usize = 40;

type At = [f64; 2];

fn metres(a: At, b: At) -> f64 {
    ((a[0] - b[0]) * a[1].to_radians().cos()).hypot(a[1] - b[1]) * 111_195.0
}

fn points(coordinates: &Value) -> Vec<At> {
    let all = coordinates.as_array().into_iter().flatten();
    all.filter_map(|at| Some([at[0].as_f64()?, at[1].as_f64()?])).collect()
}

/// A city, and journeys from its edge into its middle.
struct City {
    demo: Demo,
    links: Vec<(String, Vec<At>)>,
}

/// A journey by car to a train: from where to where, and the car park with its place.
#[derive(Debug)]
struct ParkAndRide {
    home: At,
    goal: At,
    park: String,
    at: At,
}

impl City {
    fn start() -> City {
        let demo = Demo::start(&["--junctions", "150", "--vehicles", "100"]);
        wait_for(&demo.at("/api/v1/routing/health"), "link times at the planner", |health| {
            health["traffic"]["ageSeconds"].is_number()
        });
        let map = get(&demo.at("/api/v1/map")).unwrap().json;
        let link = |link: &Value| {
            let id = link["properties"]["id"].as_str()?.to_owned();
            Some((id, points(&link["geometry"]["coordinates"])))
        };
        let links = map["links"]["features"].as_array().unwrap().iter().filter_map(link).collect();
        City { demo, links }
    }

    fn park_and_ride(&self, home: At, goal: At) -> String {
        let place = |at: At| format!("{},{}", at[1], at[0]);
        self.demo.at(&format!(
            "/api/v1/plan?fromPlace={}&toPlace={}&directModes=&preTransitModes=CAR_PARKING&maxPreTransitTime=3600",
            place(home),
            place(goal)
        ))
    }

    fn car(&self, home: At, goal: At) -> String {
        let place = |at: At| format!("{},{}", at[0], at[1]);
        let ends = format!("{};{}", place(home), place(goal));
        self.demo.at(&format!("/route/v1/driving/{ends}?geometries=geojson&overview=full"))
    }

    /// The first home from which one drives to a car park.
    fn found(&self) -> ParkAndRide {
        let list = get(&self.demo.at("/api/v1/junctions")).unwrap().json;
        let mut homes: Vec<At> = list["junctions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|junction| [junction["at"][0].as_f64().unwrap(), junction["at"][1].as_f64().unwrap()])
            .collect();
        let middle = [0, 1].map(|axis| homes.iter().map(|at| at[axis]).sum::<f64>() / homes.len() as f64);
        homes.sort_by(|a, b| metres(*b, middle).total_cmp(&metres(*a, middle)));
        let goal = *homes.last().unwrap();
        let of = |home: At| {
            let plan = get(&self.park_and_ride(home, goal)).unwrap().json;
            let (park, at) = parked(&plan)?;
            (metres(home, at) > 500.0).then_some(ParkAndRide { home, goal, park, at })
        };
        homes.into_iter().take(HOMES).find_map(of).expect("from somewhere one drives to a train")
    }

    fn report(&self, links: Vec<&str>, effect: (&str, Value)) {
        let mut incident = json!({ "links": links, "minutes": 30, "what": "check" });
        incident[effect.0] = effect.1;
        let answer = post(&self.demo.as_("duty", "/api/v1/incidents"), &incident);
        assert_eq!(answer.status, 201, "{answer:?}");
    }
}

/// Where one parks on the first journey of an answer, if one does.
fn parked(plan: &Value) -> Option<(String, At)> {
    let leg = &plan["itineraries"][0]["legs"][0];
    let to = &leg["to"];
    let by_car = leg["mode"] == "CAR";
    by_car.then(|| Some((to["name"].as_str()?.to_owned(), [to["lon"].as_f64()?, to["lat"].as_f64()?])))?
}

#[test]
#[expect(clippy::disallowed_methods, reason = "what somebody waits for is timed by the clock")]
fn what_is_reported_of_roads_changes_car_routes_and_where_one_parks() {
    let city = City::start();
    let journey = city.found();

    // In the middle of the car's way somebody reports a queue.
    let car = city.car(journey.home, journey.goal);
    let route = points(&get(&car).unwrap().json["routes"][0]["geometry"]["coordinates"]);
    let middle = route[route.len() / 2];
    let on_the_way = |at: &At| route.iter().any(|other| metres(*at, *other) < 2.0);
    let passed = city.links.iter().filter(|(_, shape)| {
        shape.iter().filter(|at| on_the_way(at)).count() >= 2
            && shape.iter().any(|at| metres(*at, middle) < 150.0)
    });
    let slow: Vec<&str> = passed.map(|(id, _)| id.as_str()).collect();
    assert!(!slow.is_empty(), "the route runs along links of the map");
    let begun = Instant::now();
    city.report(slow, ("slow_to_kmh", json!(1)));
    wait_for(&car, "a way around the queue", |answer| {
        points(&answer["routes"][0]["geometry"]["coordinates"]) != route
    });
    println!("the car's way changed after {:.1} s", begun.elapsed().as_secs_f64());

    // All streets beside the car park are closed.
    let closed =
        city.links.iter().filter(|(_, shape)| shape.iter().any(|at| metres(*at, journey.at) < BESIDE_M));
    let closed: Vec<&str> = closed.map(|(id, _)| id.as_str()).collect();
    let begun = Instant::now();
    city.report(closed, ("closed", json!(true)));
    let changed = wait_for(&city.park_and_ride(journey.home, journey.goal), "another car park", |plan| {
        parked(plan).is_none_or(|(park, _)| park != journey.park)
    });
    let now = parked(&changed).map(|(park, _)| park);
    println!(
        "instead of {} one parks at {} after {:.1} s",
        journey.park,
        now.as_deref().unwrap_or("no car park"),
        begun.elapsed().as_secs_f64()
    );
    assert!(now.is_some(), "there are other car parks: {changed}");
}
