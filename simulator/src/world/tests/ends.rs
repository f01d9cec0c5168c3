//! Where, on which lane and how fast trips begin and end.

use super::*;
use model::demand::{ArrivalLane, ArrivalPos, DepartPos, DepartSpeed, Ends};

/// Two lanes for 300 m, then two more of the same; nobody crosses.
const ROAD: &str = "A==============================B==============================C";
const LENGTH_M: f64 = 310.0;

/// A street, and a kind of car without chance.
fn street() -> (City, World) {
    let city = sketch::city(ROAD, "");
    let car = VehicleType { sigma: 0.0, speed_dev: 0.0, ..VehicleType::car() };
    let world = World::new(&city, vec![car], 1);
    (city, world)
}

fn with(city: &City, id: &str, depart_s: f64, links: &[&str], ends: Ends) -> Trip {
    Trip { ends, ..trip(&city.network, id, depart_s, links) }
}

/// Reports of all who are on the road after so many steps, by name.
fn after(world: &mut World, steps: usize) -> Vec<TripInfo> {
    (0..steps).for_each(|_| world.step(&Lamps::default()));
    let mut all = world.unfinished();
    all.sort_by(|a, b| a.id.cmp(&b.id));
    all
}

#[test]
fn a_trip_departs_where_and_as_fast_as_it_says() {
    let limit = sketch::SPEED_MPS;
    let check = |ends: Ends, lane: u32, pos_m: f64, speed_mps: f64| {
        let (city, mut world) = street();
        world.insert(with(&city, "a", 0.0, &["AB", "BC"], ends)).unwrap();
        let all = after(&mut world, 1);
        assert_eq!(all.len(), 1, "{ends:?}: it waits");
        let first = city.network.link(sketch::link(&city.network, "AB")).lanes.start;
        let got = (all[0].depart_lane - first, all[0].depart_pos_m, all[0].depart_speed_mps);
        let near = |a: f64, b: f64| (a - b).abs() < 0.02;
        assert!(got.0 == lane && near(got.1, pos_m) && near(got.2, speed_mps), "{ends:?}: {got:?}");
    };
    let lane = |lane| Ends { depart_lane: Some(lane), ..Ends::default() };
    let first = lane(DepartLane::First);
    check(first, 0, 5.1, limit);
    check(lane(DepartLane::Number(1)), 1, 5.1, limit);
    // Both lead on as far: the freest is the one at the kerb.
    check(lane(DepartLane::Best), 0, 5.1, limit);
    check(lane(DepartLane::Free), 0, 5.1, limit);
    check(lane(DepartLane::Allowed), 0, 5.1, limit);
    let at = |depart_pos| Ends { depart_pos, ..first };
    check(at(DepartPos::Metres(100.0)), 0, 100.0, limit);
    check(at(DepartPos::Metres(0.0)), 0, 0.0, limit);
    check(at(DepartPos::Metres(-150.0)), 0, LENGTH_M - 150.0, limit);
    check(at(DepartPos::Free), 0, 0.0, limit);
    let fast = |depart_speed| Ends { depart_speed, ..first };
    check(fast(DepartSpeed::Mps(3.0)), 0, 5.1, 3.0);
    check(fast(DepartSpeed::Desired), 0, 5.1, limit);
    check(fast(DepartSpeed::SpeedLimit), 0, 5.1, limit);
    check(fast(DepartSpeed::Last), 0, 5.1, limit);
    // On an empty lane the last is at its end; whoever insists on its speed sees that the road goes on.
    let last = Ends { depart_speed: DepartSpeed::Desired, ..at(DepartPos::Last) };
    check(last, 0, LENGTH_M - 0.1, limit);
}

#[test]
fn who_insists_on_its_speed_waits_until_it_is_safe() {
    let entered_s = |depart_speed: DepartSpeed| {
        let (city, mut world) = street();
        let lane = Ends { depart_lane: Some(DepartLane::First), ..Ends::default() };
        let mut broken = with(&city, "a", 0.0, &["AB", "BC"], lane);
        let link = sketch::link(&city.network, "AB");
        broken.halts = vec![Halt::of(link, 30.0, 40.0)];
        world.insert(broken).unwrap();
        world.insert(with(&city, "b", 10.0, &["AB", "BC"], Ends { depart_speed, ..lane })).unwrap();
        let mut all = after(&mut world, 12);
        while all.len() < 2 {
            assert!(world.now_ms() < 100_000, "{depart_speed:?} never gets in");
            all = after(&mut world, 1);
        }
        assert_eq!(world.totals().emergency_brakings, 0, "{depart_speed:?}");
        (all[1].depart_s, all[1].depart_speed_mps)
    };
    // One stands 25 m ahead until 45 s or so.
    for slower in [DepartSpeed::Avg, DepartSpeed::Last, DepartSpeed::Max, DepartSpeed::Random] {
        let (at_s, speed) = entered_s(slower);
        assert!(at_s == 10.0 && speed < 11.0, "{slower:?} at {at_s} s with {speed} m/s");
    }
    for exact in [DepartSpeed::Desired, DepartSpeed::SpeedLimit, DepartSpeed::Mps(13.0)] {
        let (at_s, speed) = entered_s(exact);
        assert!(at_s > 40.0 && speed >= 13.0, "{exact:?} at {at_s} s with {speed} m/s");
    }
    assert_eq!(entered_s(DepartSpeed::Mps(2.0)), (10.0, 2.0), "slow enough to be safe at once");
}

#[test]
fn free_places_are_found_between_others() {
    let (city, mut world) = street();
    let standing = |pos: f64| Ends {
        depart_lane: Some(DepartLane::First),
        depart_pos: DepartPos::Metres(pos),
        depart_speed: DepartSpeed::Mps(0.0),
        ..Ends::default()
    };
    let link = sketch::link(&city.network, "AB");
    // Two who stand: one with its tail at the road's start, one at its middle.
    for (id, pos) in [("a", 5.0), ("b", 150.0)] {
        let mut trip = with(&city, id, 0.0, &["AB", "BC"], standing(pos));
        trip.halts = vec![Halt::of(link, pos, 1000.0)];
        world.insert(trip).unwrap();
    }
    after(&mut world, 3);
    let ends = |depart_pos| Ends { depart_lane: Some(DepartLane::First), depart_pos, ..Ends::default() };
    world.insert(with(&city, "base", 3.0, &["AB", "BC"], ends(DepartPos::Base))).unwrap();
    world.insert(with(&city, "c free", 3.0, &["AB", "BC"], ends(DepartPos::Free))).unwrap();
    world.insert(with(&city, "d taken", 3.0, &["AB", "BC"], ends(DepartPos::Metres(149.0)))).unwrap();
    for k in 0..8 {
        let id = format!("random {k}");
        world.insert(with(&city, &id, 3.0, &["AB", "BC"], ends(DepartPos::RandomFree))).unwrap();
    }
    let all = after(&mut world, 1);
    let named = |id: &str| all.iter().find(|t| t.id == id);
    assert!(named("base").is_none(), "somebody stands there");
    assert!(named("d taken").is_none(), "somebody stands there too");
    let free = named("c free").expect("there is room between the two").depart_pos_m;
    assert!((12.0..20.0).contains(&free), "close before the first: {free}");
    let places: Vec<f64> =
        all.iter().filter(|t| t.id.starts_with("random")).map(|t| t.depart_pos_m).collect();
    assert!(places.len() >= 4 && places.iter().any(|x| *x > 155.0), "{places:?}");
    assert_eq!(world.overlap(), None);
    assert_eq!(world.totals().collisions, 0);
}

#[test]
fn a_lane_that_is_not_there_or_not_for_it_is_refused() {
    let (city, mut world) = street();
    let on = |number| Ends { depart_lane: Some(DepartLane::Number(number)), ..Ends::default() };
    let refused = world.insert(with(&city, "a", 0.0, &["AB", "BC"], on(2)));
    assert_eq!(refused, Err(TripFault::NoLane(sketch::link(&city.network, "AB"), 2)));
    let mut city = city;
    let first = city.network.link(sketch::link(&city.network, "AB")).lanes.start as usize;
    city.network.lanes[first].allowed = Modes::BUS;
    let mut world = World::new(&city, vec![VehicleType::car()], 1);
    assert!(world.insert(with(&city, "a", 0.0, &["AB", "BC"], on(0))).is_err());
    assert!(world.insert(with(&city, "b", 0.0, &["AB", "BC"], on(1))).is_ok());
}

#[test]
fn a_trip_arrives_where_and_as_slowly_as_it_says() {
    let arrived = |ends: Ends| {
        let (city, mut world) = street();
        world.insert(with(&city, "a", 0.0, &["AB", "BC"], ends)).unwrap();
        while world.totals().arrived == 0 {
            world.step(&Lamps::default());
            assert!(world.now_ms() < 200_000, "{ends:?}: it never arrives");
        }
        assert_eq!(world.totals().emergency_brakings, 0, "{ends:?}");
        let first = city.network.link(sketch::link(&city.network, "BC")).lanes.start;
        let trip = world.take_finished().remove(0);
        (trip.arrival_lane - first, trip.arrival_pos_m, trip.arrival_speed_mps, trip.route_length_m)
    };
    let plain = arrived(Ends::default());
    assert!((plain.1 - LENGTH_M).abs() < 0.1 && plain.2 > 13.0, "{plain:?}");
    let at = |arrival_pos| Ends { arrival_pos, ..Ends::default() };
    for (pos, metres) in [
        (ArrivalPos::Metres(40.0), 40.0),
        (ArrivalPos::Metres(-10.0), LENGTH_M - 10.0),
        (ArrivalPos::Center, LENGTH_M / 2.0),
    ] {
        let got = arrived(at(pos));
        let driven = got.3 - (plain.3 - LENGTH_M + metres);
        assert!((got.1 - metres).abs() < 0.1 && driven.abs() < 0.2, "{pos:?}: {got:?}");
    }
    for lane in [0, 1] {
        let got = arrived(Ends { arrival_lane: ArrivalLane::Number(lane), ..at(ArrivalPos::Metres(-5.0)) });
        assert_eq!(got.0, u32::from(lane), "{got:?}");
    }
    let slow = Ends { arrival_speed_mps: Some(2.0), ..at(ArrivalPos::Metres(200.0)) };
    let got = arrived(slow);
    assert!(got.2 <= 2.5 && (got.1 - 200.0).abs() < 0.1, "{got:?}");
    let stands = arrived(Ends { arrival_speed_mps: Some(0.0), ..Ends::default() });
    assert!(stands.2 < 1.0, "{stands:?}");
}
