//! Isochrones against what each place on the streets takes, and one-to-all against journeys.

use super::*;
use crate::{
    drawing::{NOW, draw, place},
    itinerary::Place,
    planner::{Planner, Query, When},
    profile::Profile,
    snapshot::Snapshot,
    transit::drawing::{planner, query},
};
use model::city::City;
use proptest::prelude::*;

const SIDE: usize = 6;

fn name(corner: usize) -> String {
    format!("{}{}", char::from(b'A' + (corner % SIDE) as u8), char::from(b'a' + (corner / SIDE) as u8))
}

/// A crooked grid whose streets are partly one way or for feet only, with a bus along its diagonal.
fn streets(kinds: &[u8], crooked: &[(u32, u32)]) -> String {
    let mut streets = String::new();
    for (corner, (dx, dy)) in crooked.iter().enumerate() {
        let (x, y) = (corner as u32 % SIDE as u32, corner as u32 / SIDE as u32);
        streets += &format!("{} {} {}\n", name(corner), x * 400 + dx, y * 400 + dy);
    }
    for corner in 0..SIDE * SIDE {
        let (right, down) = (corner % SIDE + 1 < SIDE, corner + SIDE < SIDE * SIDE);
        let pairs = [(corner + 1, right, kinds[corner]), (corner + SIDE, down, kinds[SIDE * SIDE + corner])];
        for (other, _, kind) in pairs.into_iter().filter(|(_, there, _)| *there) {
            let sign = ["-", "-", "-", ">", "="][usize::from(kind)];
            streets += &format!("{}{sign}{}\n", name(corner), name(other));
        }
    }
    streets
}

const BUSES: &str = "
    BUS 1 Aa     Cc     Ff
          08:02  08:04  08:07
          08:12  08:14  08:17
    BUS 2 Fa     Cc     Af
          08:01  08:06  08:11";

/// Whether a place lies within polygons: it crosses their rings an odd number of times on its way east.
fn inside(isochrone: &Isochrone, at: LonLat) -> bool {
    let rings = isochrone.polygons.iter().flatten();
    let crosses = |a: &LonLat, b: &LonLat| {
        (a.lat > at.lat) != (b.lat > at.lat)
            && at.lon < a.lon + (at.lat - a.lat) / (b.lat - a.lat) * (b.lon - a.lon)
    };
    rings.flat_map(|ring| ring.windows(2)).filter(|ends| crosses(&ends[0], &ends[1])).count() % 2 == 1
}

/// Places along all streets, and beside the city.
fn places(city: &City) -> Vec<LonLat> {
    let along = |shape: &Vec<LonLat>| {
        let [a, b] = [shape[0], shape[shape.len() - 1]];
        [0.1, 0.35, 0.6, 0.85]
            .map(|t| LonLat { lon: a.lon + t * (b.lon - a.lon), lat: a.lat + t * (b.lat - a.lat) })
    };
    city.network.links.iter().flat_map(|link| along(&link.shape)).collect()
}

fn agrees(kinds: &[u8], crooked: &[(u32, u32)], minutes: u64) -> Result<(), TestCaseError> {
    let streets = streets(kinds, crooked);
    let (city, planner) = (draw(&streets), planner(&streets, BUSES));
    let traffic = Snapshot::empty();
    let limit = Duration::from_secs(60 * minutes);
    for (from, profile) in [("Cc", Profile::Walk), ("Aa", Profile::Bicycle), ("Dd", Profile::Car)] {
        let from = place(&city, from);
        // Whoever stands beside a street that leads nowhere sets out from another, and journeys try both.
        if planner.access(profile, from.at, 1000.0).is_some_and(|access| !access.main.is_empty()) {
            continue;
        }
        let when = When::DepartAt(NOW);
        let all = planner.isochrones(&from, profile, when, &[limit], (&traffic, NOW)).unwrap();
        let far = Isochrone { polygons: all[0].polygons.clone(), within: limit };
        for at in places(&city) {
            let to = Place { name: String::new(), stop: None, at };
            let query =
                Query { from: from.clone(), to, profile, when, street_within_m: 5.0, speed_mps: None };
            let Ok(journey) = planner.direct(&query, &traffic, NOW) else { continue };
            if journey.duration() + Duration::from_secs(1) <= limit {
                prop_assert!(inside(&far, at), "{at:?} by {profile:?} takes {:?}", journey.duration());
            }
        }
        // Nobody gets off the map.
        let beyond = LonLat { lon: 37.6 - 0.01, lat: 55.75 - 0.01 };
        prop_assert!(!inside(&far, beyond));
    }
    Ok(())
}

/// The soonest that any journey gets there, ms, and with how few rides.
fn soonest(
    planner: &Planner,
    from: &Place,
    stop: u32,
    limit: Duration,
    on_foot: bool,
) -> Option<(u64, usize)> {
    let transit = planner.transit().unwrap();
    let to = transit.place(stop);
    let mut asked = query(&draw("A 0 0\nB 9 0\nA-B"), "A to B at 08:00");
    (asked.from, asked.to) = (from.clone(), to.clone());
    (asked.walk_before, asked.walk_after) = (limit, limit);
    asked.transfers = 3;
    let mut all: Vec<(u64, usize)> = Vec::new();
    for journey in planner.by_transit(&asked).unwrap() {
        all.push((journey.end.since(NOW).as_millis() as u64, journey.transfers() + 1));
    }
    let walk = Query {
        from: from.clone(),
        to,
        profile: Profile::Walk,
        when: When::DepartAt(NOW),
        street_within_m: 1000.0,
        speed_mps: None,
    };
    if on_foot && let Ok(journey) = planner.direct(&walk, &Snapshot::empty(), NOW) {
        all.push((journey.duration().as_millis() as u64, 0));
    }
    all.into_iter().filter(|(ms, _)| u128::from(*ms) <= limit.as_millis()).min()
}

fn everywhere_agrees(kinds: &[u8], crooked: &[(u32, u32)], minutes: u64) -> Result<(), TestCaseError> {
    let streets = streets(kinds, crooked);
    let (city, planner) = (draw(&streets), planner(&streets, BUSES));
    let limit = Duration::from_secs(60 * minutes);
    for from in ["Ba", "Cc", "Fe"] {
        let from = place(&city, from);
        let mut asked = query(&city, "Aa to Aa at 08:00");
        (asked.from, asked.walk_before, asked.transfers) = (from.clone(), limit, 3);
        let live = planner.transit().unwrap().live();
        let found = planner.everywhere(&asked, limit, &live, &Snapshot::empty()).unwrap();
        let stops = &planner.transit().unwrap().timetable().stops;
        for stop in (0..stops.len() as u32).filter(|stop| stops[*stop as usize].parent.is_none()) {
            let reached = found.iter().find(|one| one.stop == stop).map(|one| (one.ms, one.rides));
            let expected = soonest(&planner, &from, stop, limit, true);
            // Journeys are told to the second of their last arrival, and ways on foot after it are rounded up.
            let near = |a: u32, b: u64| u64::from(a).abs_diff(b) <= 1000;
            match (reached, expected) {
                (Some((ms, rides)), Some((expected_ms, expected_rides))) => {
                    prop_assert!(near(ms, expected_ms), "stop {stop}: {ms} and not {expected_ms}");
                    prop_assert!(rides <= expected_rides.max(1), "stop {stop}: {rides} rides");
                }
                (None, Some((ms, _))) => {
                    prop_assert!(ms + 1000 > limit.as_millis() as u64, "stop {stop}: {ms}")
                }
                (Some((ms, _)), None) => {
                    prop_assert!(
                        ms + 1000 > limit.as_millis() as u32,
                        "stop {stop}: {ms} and nobody gets there"
                    );
                }
                (None, None) => {}
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_place_that_is_reached_lies_inside(
        kinds in prop::collection::vec(0..5_u8, 2 * SIDE * SIDE),
        crooked in prop::collection::vec((0..90_u32, 0..90_u32), SIDE * SIDE),
        minutes in 1..12_u64,
    ) {
        agrees(&kinds, &crooked, minutes)?;
    }

    #[test]
    fn every_stop_is_reached_as_soon_as_journeys_get_there(
        kinds in prop::collection::vec(0..5_u8, 2 * SIDE * SIDE),
        crooked in prop::collection::vec((0..90_u32, 0..90_u32), SIDE * SIDE),
        minutes in 3..30_u64,
    ) {
        everywhere_agrees(&kinds, &crooked, minutes)?;
    }
}

#[test]
fn what_is_far_from_all_streets_that_are_reached_lies_outside() {
    // One long street, so that it is plain what is reached: 83 m a minute on foot.
    let streets = "
        A 0 0
        B 2000 0
        A-B";
    let (city, planner) = (draw(streets), Planner::new(draw(streets).into()));
    let (a, traffic) = (place(&city, "A"), Snapshot::empty());
    let minutes = [10, 5].map(|minutes| Duration::from_secs(60 * minutes));
    let all = planner.isochrones(&a, Profile::Walk, When::DepartAt(NOW), &minutes, (&traffic, NOW)).unwrap();
    let plane = model::geo::LocalPlane::around(city.centre);
    let is_inside = |isochrone: &Isochrone, x: f64, y: f64| inside(isochrone, plane.to_lonlat([x, y]));
    for (isochrone, reached_m) in all.iter().zip([833.0, 416.0]) {
        assert!(is_inside(isochrone, 5.0, 3.0) && is_inside(isochrone, reached_m - 20.0, 0.0));
        assert!(!is_inside(isochrone, reached_m + 150.0, 0.0) && !is_inside(isochrone, 200.0, 150.0));
        assert!(isochrone.polygons.iter().flatten().all(|ring| ring.first() == ring.last()));
    }
    // In traffic a car gets less far.
    let picture = crate::drawing::picture(&city, NOW, "AB 600 s");
    let by_car = |traffic: &Snapshot| {
        let limit = [Duration::from_secs(120)];
        planner.isochrones(&a, Profile::Car, When::DepartAt(NOW), &limit, (traffic, NOW)).unwrap()
    };
    assert!(is_inside(&by_car(&traffic)[0], 900.0, 0.0));
    assert!(is_inside(&by_car(&picture)[0], 300.0, 0.0) && !is_inside(&by_car(&picture)[0], 600.0, 0.0));
}
