//! What is put into a picture is on the street.

use super::*;
use crate::street::Street;
use model::{ids::LaneIx, sketch, time::Moment};
use std::sync::Arc;
use wire::register_map::RegisterMap;

const CROSS: &str = "
                              N
                              |
                              |
                              |
                              |
                              |
                              |
                              |
                              |
W-----------------------------C------------------------------E
                              |
                              |
                              |
                              |
                              |
                              |
                              |
                              |
                              S";

/// 2026-11-22T10:00:00Z.
const NOW: Moment = Moment(1_795_341_600_000);

fn lane(city: &City, link: &str) -> LaneIx {
    LaneIx(city.network.link(sketch::link(&city.network, link)).lanes.start)
}

/// `link standing moving` for each approach, and 360 vehicles an hour over each of its turns.
fn picture(city: &City, approaches: &str) -> Picture {
    let mut picture = Picture {
        at: NOW,
        utc_offset_s: 0,
        lanes: Vec::new(),
        lane_flows: Vec::new(),
        turn_flows: Vec::new(),
        junctions: Vec::new(),
    };
    for approach in approaches.split(", ").filter(|a| !a.is_empty()) {
        let words: Vec<&str> = approach.split(' ').collect();
        let lane = lane(city, words[0]);
        let (standing, moving) = (words[1].parse().unwrap(), words[2].parse().unwrap());
        picture.add_lane(LaneNow { lane, standing, moving, seen_m: 200 });
        for (m, movement) in city.network.movements.iter().enumerate() {
            if movement.from == lane {
                picture.turn_flows.extend([m as u32, 360]);
            }
        }
    }
    picture
}

/// What stands and moves on each approach of the filled street, in the words of [`picture`].
fn on_street(city: &City, world: &World, links: &[&str]) -> String {
    let count = |name: &&str| {
        let there = world.link(sketch::link(&city.network, name));
        format!("{name} {} {}", there.queued, there.vehicles - there.queued)
    };
    links.iter().map(count).collect::<Vec<_>>().join(", ")
}

#[test]
fn a_filled_street_holds_the_counts_that_it_was_given() {
    let city = sketch::city(CROSS, "C");
    let check = |approaches: &str, links: &[&str]| {
        for seed in 1..20 {
            let mut given = picture(&city, approaches);
            // Without flows nobody is assumed.
            given.turn_flows.clear();
            let filled = Snapshot::new(&city, &given).unwrap().fill(&city, seed, 300);
            assert_eq!(on_street(&city, &filled.world, links), approaches, "seed {seed}");
            assert_eq!(filled.world.on_road(), filled.known as usize);
            assert_eq!((filled.assumed, filled.to_come), (0, 0));
            assert_eq!(filled.world.overlap(), None);
        }
    };
    check("WC 6 3, EC 0 4, NC 1 0, SC 0 0", &["WC", "EC", "NC", "SC"]);
    check("WC 20 0", &["WC"]);
}

#[test]
fn who_finds_no_room_waits_outside_and_is_still_counted() {
    let city = sketch::city(CROSS, "C");
    let mut given = picture(&city, "NC 30 5");
    given.turn_flows.clear();
    let filled = Snapshot::new(&city, &given).unwrap().fill(&city, 1, 300);
    assert_eq!(filled.known, 35);
    assert_eq!(filled.world.on_road() + filled.world.still_to_come(), 35);
    assert!(filled.world.still_to_come() > 15);
    assert_eq!(filled.world.overlap(), None);
}

#[test]
fn the_same_seed_gives_the_same_street_and_another_one_another() {
    let city = Arc::new(sketch::city(CROSS, "C"));
    let snapshot = Snapshot::new(&city, &picture(&city, "WC 6 3, EC 2 4, NC 1 1, SC 0 2")).unwrap();
    let print = |seed: u64| {
        let world = snapshot.fill(&city, seed, 600).world;
        let now = world.fingerprint();
        let map = Arc::new(RegisterMap::svetofor());
        let mut street = Street::new(city.clone(), world, map, Moment(0));
        assert_eq!(street.now(), NOW);
        for _ in 0..300 {
            street.step();
        }
        assert_eq!(street.world().totals().collisions, 0);
        assert!(street.world().totals().arrived > 20, "{:?}", street.world().totals());
        (now, street.world().fingerprint())
    };
    assert_eq!(print(1), print(1));
    assert_ne!(print(1).0, print(2).0);
    assert_ne!(print(1).1, print(2).1);
}

#[test]
fn arrivals_and_turns_follow_the_flows() {
    let city = sketch::city(CROSS, "C");
    let given = picture(&city, "WC 0 0, EC 0 0, NC 0 0, SC 0 0");
    let turns = given.turn_flows().unwrap();
    let (horizon_s, seeds) = (3600, 20);
    let snapshot = Snapshot::new(&city, &given).unwrap();
    let came: u32 = (0..seeds).map(|seed| snapshot.fill(&city, seed, horizon_s).to_come).sum();
    let expected = turns.iter().map(|(_, flow)| f64::from(*flow)).sum::<f64>() * seeds as f64;
    // Three standard deviations of a Poisson count.
    assert!((f64::from(came) - expected).abs() < 3.0 * expected.sqrt(), "{came}, not {expected}");
    // Drawn ways leave by each arm as often as the turns say.
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let from = sketch::link(&city.network, "WC");
    let mut left: std::collections::BTreeMap<LinkIx, u32> = Default::default();
    for _ in 0..3000 {
        let way = snapshot.flows.way(&city.network, vec![from], None, &mut rng);
        *left.entry(way[1]).or_default() += 1;
    }
    let arms = turns.iter().filter(|(m, _)| city.network.movement(*m).from == lane(&city, "WC")).count();
    let each = 3000 / arms as u32;
    assert!(left.values().all(|n| n.abs_diff(each) < 150), "{left:?}");
}

#[test]
fn where_nobody_looks_the_usual_number_is_assumed() {
    let city = sketch::city(CROSS, "C");
    let mut given = picture(&city, "WC 0 0");
    // 290 m of the road of which the last 40 are seen; 1,080 an hour at 13.9 m/s are 5.4 vehicles on the rest of
    // it, and as many as 21 beyond the junction.
    given.lanes[3] = 40;
    let snapshot = Snapshot::new(&city, &given).unwrap();
    let mean = (0..200).map(|seed| f64::from(snapshot.fill(&city, seed, 300).assumed)).sum::<f64>() / 200.0;
    assert!((5.0..28.0).contains(&mean), "{mean}");
    let known = (0..50).map(|seed| snapshot.fill(&city, seed, 300).known).max();
    assert_eq!(known, Some(0));
}

#[test]
fn a_picture_of_another_street_is_refused() {
    let city = sketch::city(CROSS, "C");
    let check = |change: fn(&mut Picture), expected: &str| {
        let mut given = picture(&city, "WC 1 1");
        change(&mut given);
        assert_eq!(Snapshot::new(&city, &given).unwrap_err().to_string(), expected);
    };
    check(|p| p.lanes[0] = 999, "the city has no lane number 999");
    check(|p| p.lanes.push(1), "a list of the picture breaks off in the middle of an entry");
    check(|p| p.turn_flows[0] = 9999, "the city has no movement number 9999");
    check(|p| p.lane_flows = vec![777, 1], "the city has no lane number 777");
    check(|p| p.lanes[1] = u32::MAX, "it has more vehicles than any city");
    check(|p| p.turn_flows[1] = u32::MAX, "it has more vehicles than any city");
}
