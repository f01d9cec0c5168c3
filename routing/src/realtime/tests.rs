use super::{
    message::{
        Alert as AlertMessage, EntitySelector, FeedEntity, FeedHeader, FeedMessage, Position, StopTimeEvent,
        StopTimeUpdate, TranslatedString, Translation, TripDescriptor, TripUpdate, VehiclePosition,
    },
    *,
};
use crate::{
    feeder::Feeder,
    intermodal::TransitQuery,
    itinerary::{Itinerary, Leg, Place},
    planner::{Planner, When},
    profile::Profile,
    transit::day::Modes,
};
use std::time::Duration;

const STREETS: &str = "
    A 0 0
    B 100 0
    C 4000 0
    D 8000 0
    A-B
    B-C
    C-D";

const TABLE: &str = "
    BUS 7   B      C      D
            08:05  08:15  08:25
            08:20  08:30  08:40
    TRAM 9  C      D
            08:27  08:33";

/// 2026-06-12, a Friday, 08:00 UTC.
const EIGHT: Moment = Moment(1_781_251_200_000);

fn planner() -> Planner {
    crate::transit::drawing::planner(STREETS, TABLE)
}

/// The rides of journeys, each as it prints.
fn rides(found: &[Itinerary]) -> Vec<String> {
    let rides =
        |said: String| said.split(" ~ ").filter(|part| part.contains(':')).collect::<Vec<_>>().join(", ");
    found.iter().map(|journey| rides(journey.to_string())).collect()
}

/// Those of the hour after eight.
fn journeys(planner: &Planner) -> Vec<String> {
    rides(&found(planner, false))
}

/// The journeys of that hour.
fn found(planner: &Planner, avoid_crowds: bool) -> Vec<Itinerary> {
    let at = |lon: f64| LonLat { lon, lat: 55.75 };
    let place = |name: &str, lon: f64| Place { name: name.into(), stop: None, at: at(lon) };
    let query = TransitQuery {
        from: place("A", 37.6),
        to: place("D", 37.72782),
        on_foot: Profile::Walk,
        when: When::DepartAt(EIGHT),
        window: Duration::from_secs(3600),
        at_least: 0,
        transfers: 3,
        modes: Modes::ALL,
        escorted: false,
        with_bicycle: false,
        before: vec![Feeder::OnFoot],
        after: vec![Feeder::OnFoot],
        walk_before: Duration::from_secs(900),
        walk_after: Duration::from_secs(900),
        street_within_m: 300.0,
        speed_mps: None,
        cycling_mps: None,
        avoid_crowds,
        cheaper: None,
        asked: crate::drawing::NOW,
    };
    planner.by_transit(&query).unwrap()
}

fn feed(entities: Vec<FeedEntity>) -> Vec<u8> {
    let header = FeedHeader {
        gtfs_realtime_version: "2.0".into(),
        incrementality: Some(0),
        timestamp: Some(EIGHT.0 as u64 / 1000 - 20),
    };
    FeedMessage { header, entity: entities }.encode_to_vec()
}

fn trip(id: &str, relationship: i32, updates: Vec<StopTimeUpdate>) -> FeedEntity {
    let trip = TripDescriptor {
        trip_id: Some(id.into()),
        schedule_relationship: Some(relationship),
        ..TripDescriptor::default()
    };
    let update = TripUpdate { trip, stop_time_update: updates, timestamp: None, delay: None };
    FeedEntity { id: id.into(), trip_update: Some(update), ..FeedEntity::default() }
}

fn late(stop: &str, by_s: i32) -> StopTimeUpdate {
    let event = Some(StopTimeEvent { delay: Some(by_s), time: None });
    StopTimeUpdate {
        stop_id: Some(stop.into()),
        arrival: event.clone(),
        departure: event,
        ..StopTimeUpdate::default()
    }
}

/// Reads a feed into a planner, as the shell does.
fn hear(planner: &Planner, entities: Vec<FeedEntity>) -> Counts {
    let transit = planner.transit().unwrap();
    let mut live = Live::default();
    let counts = Reader::new(transit.timetable()).read("f", &feed(entities), EIGHT, &mut live).unwrap();
    transit.set_live(live);
    counts
}

#[test]
fn what_is_heard_changes_answers_and_what_is_not_heard_any_more_changes_them_back() {
    let planner = planner();
    let as_planned = ["BUS 7 08:05 08:25", "BUS 7 08:20 08:40"];
    assert_eq!(journeys(&planner), as_planned);

    // Three minutes late from the second stop on; and the stops before it as planned.
    let counts = hear(&planner, vec![trip("t1", 0, vec![late("C", 180)])]);
    assert_eq!(counts, Counts { trips: 1, ..Counts::default() });
    assert_eq!(journeys(&planner), ["BUS 7 08:05 08:28", "BUS 7 08:20 08:40"]);

    // So late that changing to the tram is quicker, and the next bus does not run.
    hear(&planner, vec![trip("t1", 0, vec![late("B", 600)]), trip("t2", 3, Vec::new())]);
    assert_eq!(journeys(&planner), ["BUS 7 08:15 08:25, TRAM 9 08:27 08:33", "BUS 7 08:15 08:35"]);

    // A tram that is late is caught by one who could not have.
    hear(&planner, vec![trip("t2", 0, vec![late("D", 900)]), trip("t3", 0, vec![late("C", 300)])]);
    let by_tram = "BUS 7 08:20 08:30, TRAM 9 08:32 08:38";
    assert_eq!(journeys(&planner), ["BUS 7 08:05 08:25", by_tram, "BUS 7 08:20 08:55"]);

    // A skipped stop is passed: nobody gets off there.
    let skip = StopTimeUpdate {
        stop_id: Some("D".into()),
        schedule_relationship: Some(1),
        ..StopTimeUpdate::default()
    };
    let counts = hear(&planner, vec![trip("t1", 0, vec![skip])]);
    assert_eq!(counts.skipped, 1);
    assert_eq!(journeys(&planner), ["BUS 7 08:05 08:15, TRAM 9 08:27 08:33", "BUS 7 08:20 08:40"]);

    hear(&planner, Vec::new());
    assert_eq!(journeys(&planner), as_planned);
}

#[test]
fn who_began_in_one_picture_ends_in_it() {
    let planner = planner();
    let before = planner.transit().unwrap().live();
    journeys(&planner);
    hear(&planner, vec![trip("t1", 3, Vec::new()), trip("t2", 3, Vec::new())]);
    assert_eq!(journeys(&planner), Vec::<String>::new());
    assert_eq!((before.number, planner.transit().unwrap().live().number), (0, 1));
}

#[test]
fn times_may_be_given_as_moments_and_never_go_back() {
    let planner = planner();
    let at = |clock_s: i64| Some(StopTimeEvent { delay: None, time: Some(EIGHT.0 / 1000 + clock_s) });
    let early = StopTimeUpdate { stop_sequence: Some(1), arrival: at(180), ..StopTimeUpdate::default() };
    // Two minutes before it left the stop before: it is there when it left there, and early from then on.
    hear(&planner, vec![trip("t1", 0, vec![early])]);
    assert_eq!(journeys(&planner)[0], "BUS 7 08:05 08:13");
}

#[test]
fn what_cannot_be_used_is_counted() {
    let planner = planner();
    let nowhere = StopTimeUpdate { stop_id: Some("X".into()), ..StopTimeUpdate::default() };
    let counts = hear(
        &planner,
        vec![
            trip("nobody", 0, Vec::new()),
            trip("t1", 1, Vec::new()),
            trip("t2", 0, vec![nowhere, late("C", 1_000_000)]),
        ],
    );
    assert_eq!(counts, Counts { trips: 1, unknown: 2, not_ridden: 1, absurd: 1, ..Counts::default() });
    let reader = Reader::new(planner.transit().unwrap().timetable());
    let mut live = Live::default();
    let read = |bytes: &[u8], now: Moment, live: &mut Live| reader.read("f", bytes, now, live).unwrap_err();
    assert!(matches!(read(b"<html>", EIGHT, &mut live), FeedError::Malformed(_)));
    let later = EIGHT + Duration::from_secs(3600);
    assert_eq!(read(&feed(Vec::new()), later, &mut live), FeedError::Stale(3620));
    assert_eq!(live, Live::default());
}

#[test]
fn vehicles_are_where_they_can_be_and_of_late() {
    let planner = planner();
    let vehicle = |id: &str, trip: &str, [latitude, longitude]: [f32; 2], ago_s: u64| {
        let trip = TripDescriptor { trip_id: Some(trip.into()), ..TripDescriptor::default() };
        let position = Position { latitude, longitude, bearing: Some(500.0), speed: None };
        let vehicle = VehiclePosition {
            trip: Some(trip),
            position: Some(position),
            timestamp: Some(EIGHT.0 as u64 / 1000 - ago_s),
            vehicle: None,
            occupancy_status: Some(7),
            occupancy_percentage: Some(120),
        };
        FeedEntity { id: id.into(), vehicle: Some(vehicle), ..FeedEntity::default() }
    };
    let counts = hear(
        &planner,
        vec![
            vehicle("a", "t1", [55.75, 37.6], 60),
            vehicle("b", "nobody", [55.76, 37.6], 5),
            vehicle("c", "t2", [f32::NAN, 37.6], 5),
            vehicle("d", "t2", [95.0, 37.6], 5),
            vehicle("e", "t2", [55.75, 37.6], 1000),
        ],
    );
    assert_eq!(counts, Counts { vehicles: 2, unknown: 1, absurd: 2, ..Counts::default() });
    let live = planner.transit().unwrap().live();
    let ids: Vec<_> = live.vehicles.iter().map(|one| (one.id.as_str(), one.run.is_some())).collect();
    assert_eq!(ids, [("f_a", true), ("f_b", false)]);
    // What is said of it and cannot be is not told, and its share of places says how full it is.
    let first = &live.vehicles[0];
    assert_eq!((first.bearing, first.occupancy, first.occupancy_percentage), (None, Some("FULL"), Some(120)));
}

#[test]
fn alerts_are_told_of_the_rides_that_they_are_about() {
    let planner = planner();
    let alert = |about: EntitySelector, text: &str| {
        let translation = vec![Translation { text: text.into(), language: Some("ru".into()) }];
        let header_text = Some(TranslatedString { translation });
        let alert = AlertMessage {
            informed_entity: vec![about],
            header_text,
            effect: Some(4),
            ..AlertMessage::default()
        };
        FeedEntity { id: text.into(), alert: Some(alert), ..FeedEntity::default() }
    };
    let stop = EntitySelector { stop_id: Some("C".into()), ..EntitySelector::default() };
    let nobody = EntitySelector { stop_id: Some("X".into()), ..EntitySelector::default() };
    let tram = EntitySelector { route_type: Some(0), ..EntitySelector::default() };
    let all = vec![alert(stop, "Объезд"), alert(nobody, "Нигде"), alert(tram, "Трамвай")];
    let counts = hear(&planner, all);
    assert_eq!((counts.alerts, counts.unknown), (2, 1));
    let transit = planner.transit().unwrap();
    let (live, timetable) = (transit.live(), transit.timetable());
    let of = |trip: u32| {
        let calls = timetable.calls_of(trip);
        live.alerts_of(timetable, trip, calls, [EIGHT; 2]).map(|a| a.header.local.clone()).collect::<Vec<_>>()
    };
    assert_eq!(of(0), ["Объезд"]);
    assert_eq!(of(2), ["Объезд", "Трамвай"]);
}

/// Buses that overtake one another, and a tram to change to.
const BUSY: &str = "
    BUS 7   B      C      D
            08:05  08:15  08:25
            08:10  08:22  08:34
            08:20  08:30  08:40
    BUS 8   B      D
            08:06  08:38
            08:21  08:36
    TRAM 9  C      D
            08:16  08:20";

fn full(trip: &str, status: Option<i32>, percentage: Option<u32>) -> FeedEntity {
    let vehicle = VehiclePosition {
        trip: Some(TripDescriptor { trip_id: Some(trip.into()), ..TripDescriptor::default() }),
        position: Some(Position { latitude: 55.75, longitude: 37.6, bearing: None, speed: None }),
        occupancy_status: status,
        occupancy_percentage: percentage,
        ..VehiclePosition::default()
    };
    FeedEntity { id: format!("of {trip}"), vehicle: Some(vehicle), ..FeedEntity::default() }
}

/// Whichever vehicles are full, who keeps off them is told what he could ride if they did not run, and the best of those that do.
#[test]
fn who_avoids_crowds_is_told_the_best_with_and_without_them() {
    let busy = crate::transit::drawing::planner(STREETS, BUSY);
    let mut longer = 0;
    for full_ones in 0..(1_u32 << 6) - 1 {
        let is_full = |trip: usize| full_ones & 1 << trip != 0;
        let ids: Vec<String> = (0..6).filter(|&i| is_full(i)).map(|i| format!("t{}", i + 1)).collect();
        hear(&busy, ids.iter().map(|id| full(id, Some(5), None)).collect());
        let mut trips = 0;
        let left = BUSY.lines().filter(|line| {
            let is_trip = line.trim_start().starts_with("08");
            trips += usize::from(is_trip);
            !(is_trip && is_full(trips - 1))
        });
        let left = crate::transit::drawing::planner(STREETS, &left.collect::<Vec<_>>().join("\n"));
        let crowded = |journey: &Itinerary| {
            let mut rides = journey.legs.iter().filter_map(Leg::ride);
            rides.any(|ride| ids.iter().any(|id| ride.trip_id == format!("f_{id}")))
        };
        let all = found(&busy, false);
        let with: Vec<Itinerary> = all.iter().filter(|journey| crowded(journey)).cloned().collect();
        let mut expected = [rides(&with), rides(&found(&left, false))].concat();
        let answer = found(&busy, true);
        assert!(answer.iter().all(|journey| journey.is_crowded() == crowded(journey)));
        longer += usize::from(answer.len() > all.len());
        let mut answer = rides(&answer);
        answer.sort();
        expected.sort();
        assert_eq!(answer, expected, "full: {ids:?}");
    }
    assert!(longer >= 10, "keeping off crowds is a choice more: {longer}");
}

/// A vehicle of a trip that runs every so often is one of its runs, and no other.
#[test]
fn a_crowd_in_one_of_many_runs_is_kept_off() {
    const OFTEN: &str = "
        BUS 7   B      C      D
                08:05  08:15  08:25
        every 600 from 08:05 until 08:35";
    let planner = crate::transit::drawing::planner(STREETS, OFTEN);
    let begins = |time: &str| {
        let mut entity = full("t1", Some(5), None);
        let trip = entity.vehicle.as_mut().and_then(|vehicle| vehicle.trip.as_mut()).unwrap();
        trip.start_time = Some(time.into());
        entity
    };
    hear(&planner, vec![begins("08:15:00")]);
    let all = found(&planner, false);
    assert_eq!(all.iter().map(Itinerary::is_crowded).collect::<Vec<_>>(), [false, true, false]);
    // The best in a crowd and the best without one are the same three.
    assert_eq!(rides(&found(&planner, true)), rides(&all));
    let uncrowded = planner.transit().unwrap().live().uncrowded.clone().unwrap();
    let without: Vec<_> = rides(&all).into_iter().filter(|ride| !ride.contains("08:15")).collect();
    planner.transit().unwrap().set_live(Live::clone(&uncrowded));
    assert_eq!(journeys(&planner), without);
    // Of which run nobody says, of that nothing is known.
    hear(&planner, vec![full("t1", Some(5), None)]);
    assert!(found(&planner, false).iter().all(|journey| !journey.is_crowded()));
}

#[test]
fn a_share_of_all_places_says_how_full_a_vehicle_is_too() {
    let planner = planner();
    for (status, percentage, expected) in [
        (None, Some(79), Some("STANDING_ROOM_ONLY")),
        (None, Some(80), Some("CRUSHED_STANDING_ROOM_ONLY")),
        (None, Some(120), Some("FULL")),
        (Some(1), Some(120), Some("MANY_SEATS_AVAILABLE")),
        (Some(7), Some(2), Some("EMPTY")),
        (None, None, None),
        (Some(77), Some(5000), None),
    ] {
        hear(&planner, vec![full("t1", status, percentage)]);
        let vehicles = &planner.transit().unwrap().live().vehicles;
        assert_eq!(vehicles[0].occupancy, expected, "{status:?} {percentage:?}");
    }
}
