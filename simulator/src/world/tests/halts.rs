//! Halts that last until a time, and halts beside the road.

use super::*;

const ROAD: &str = "A------------------------------B------------------------------C";

/// When a car that halts stood for the first and for the last time, s, and the world after 200 s; a second one follows it.
fn drive(halt: impl Fn(LinkIx) -> Halt) -> (f64, f64, Vec<TripInfo>) {
    let city = sketch::city(ROAD, "");
    let car = VehicleType { sigma: 0.0, speed_dev: 0.0, ..VehicleType::car() };
    let mut world = World::new(&city, vec![car], 1);
    let mut first = trip(&city.network, "first", 0.0, &["AB", "BC"]);
    first.halts = vec![halt(sketch::link(&city.network, "AB"))];
    world.insert(first).unwrap();
    world.insert(trip(&city.network, "second", 4.0, &["AB", "BC"])).unwrap();
    let (mut stood, mut finished) = (Vec::new(), Vec::new());
    for _ in 0..200 {
        world.step(&Lamps::default());
        assert_eq!(world.overlap(), None);
        let at_s = world.now_ms() as f64 / 1000.0;
        assert_eq!(world.seen().filter(|s| s.parked).count(), world.parked.len());
        stood
            .extend(world.seen().filter(|s| s.id == "first" && s.at_stop && s.speed_mps < 0.1).map(|_| at_s));
        finished.extend(world.take_finished());
    }
    assert_eq!(world.totals().collisions + world.totals().emergency_brakings, 0);
    assert_eq!((finished.len(), world.parked.len()), (2, 0));
    (stood[0], stood[stood.len() - 1], finished)
}

#[test]
fn a_halt_lasts_for_its_duration_and_until_its_time() {
    let lasts = |dwell_s: f64, until_s: Option<f64>| {
        let (from, to, _) = drive(|link| Halt { until_s, ..Halt::of(link, 150.0, dwell_s) });
        (from, to)
    };
    let (from, to) = lasts(20.0, None);
    assert!((to - from - 20.0).abs() <= 1.0, "{from} to {to}");
    let (_, to) = lasts(20.0, Some(90.0));
    assert!((to - 90.0).abs() <= 1.0, "until {to}");
    let (from, to) = lasts(20.0, Some(16.0));
    assert!((to - from - 20.0).abs() <= 1.0, "its time comes first: {from} to {to}");
    let (_, to) = lasts(0.0, Some(60.0));
    assert!((to - 60.0).abs() <= 1.0, "until {to}");
    let (from, to) = lasts(0.0, Some(1.0));
    assert!(to - from <= 1.0, "too late to stay: {from} to {to}");
}

#[test]
fn who_parks_is_in_nobodys_way() {
    let second = |parking: bool| {
        let (_, _, trips) = drive(|link| Halt { parking, ..Halt::of(link, 150.0, 60.0) });
        let of = |id: &str| trips.iter().find(|t| t.id == id).unwrap().clone();
        (of("first"), of("second"))
    };
    let (_, behind) = second(false);
    assert!(behind.waiting_s > 30.0, "it stands behind the first: {behind:?}");
    let (first, passes) = second(true);
    assert!(passes.waiting_s == 0.0 && passes.time_loss_s < 10.0, "it passes: {passes:?}");
    assert!((59.0..=61.0).contains(&first.stop_s), "{first:?}");
}

#[test]
fn who_parked_comes_back_when_there_is_room() {
    let city = sketch::city(ROAD, "");
    let mut world = World::new(&city, vec![VehicleType::car()], 1);
    let link = sketch::link(&city.network, "AB");
    let mut parks = trip(&city.network, "parks", 0.0, &["AB", "BC"]);
    parks.halts = vec![Halt { parking: true, ..Halt::of(link, 150.0, 30.0) }];
    world.insert(parks).unwrap();
    // Another stands beside it from 35 s on, until 100 s.
    let mut blocks = trip(&city.network, "blocks", 20.0, &["AB", "BC"]);
    blocks.halts = vec![Halt { until_s: Some(100.0), ..Halt::of(link, 152.0, 0.0) }];
    world.insert(blocks).unwrap();
    let mut left_s = 0.0;
    for _ in 0..200 {
        world.step(&Lamps::default());
        assert_eq!(world.overlap(), None);
        if world.parked.is_empty() && left_s == 0.0 && world.now_ms() > 30_000 {
            left_s = world.now_ms() as f64 / 1000.0;
        }
    }
    assert!((100.0..115.0).contains(&left_s), "it was back at {left_s} s");
    assert_eq!((world.totals().arrived, world.totals().collisions), (2, 0));
}
