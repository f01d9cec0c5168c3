//! People on foot and those who drive, on a crossing of the usual kind.

use super::*;
use model::{config::Source, demand::Walk, ids::CrossingIx, sumo};

const NET: &str = include_str!("../../../tests/fuzz/cross.net.xml");

fn cross() -> City {
    sumo::network(Source::new("cross.net.xml", NET), &[]).unwrap().value
}

fn read(city: &City, text: &str) -> Demand {
    let text = format!("<routes>{text}</routes>");
    let read = sumo::demand(&city.network, &[Source::new("people.rou.xml", &text)], 1).unwrap();
    assert_eq!(read.notes, []);
    read.value
}

/// The crossing over that road.
fn over(city: &City, road: &str) -> CrossingIx {
    let link = sketch::link(&city.network, road);
    let place = city.network.crossings.iter().position(|c| c.links.contains(&link));
    CrossingIx::from(place.expect("there is one"))
}

/// A walk over one crossing that comes to it after so many seconds.
fn walk(id: &str, crossing: CrossingIx, after_s: f64, forward: bool) -> Walk {
    let across = model::demand::Across { after_m: after_s * 1.4, crossing, forward };
    Walk { id: id.into(), depart_s: 0.0, speed_mps: 1.4, crossings: vec![across], rest_m: 5.0 }
}

/// Green for a turn, and for people on a crossing if they are to have it; red for all others.
fn green(city: &City, from: &str, to: &str, people: Option<CrossingIx>) -> Hand {
    let mut hand = Hand::all(city, Lamp::Red);
    hand.show(group(city, from, to), Lamp::Green);
    if let Some(crossing) = people {
        hand.show(city.network.crossings[crossing.ix()].head.expect("it has a lamp").group, Lamp::Green);
    }
    hand
}

/// Whether a vehicle drives where somebody walks: both on the same piece of a crossing.
fn run_over(world: &World) -> Option<String> {
    let (road, v) = (&world.road, &world.vehicles);
    v.rows().find_map(|i| {
        let m = road.movement(v.motion[i].way)?;
        let length = world.drivers[usize::from(v.motion[i].kind)].length;
        road.meetings(m).iter().find_map(|meeting| {
            let on_it = v.motion[i].x > meeting.stop_at + 1.0
                && v.motion[i].x - length < meeting.clear_at
                && v.motion[i].v > 0.5;
            let who = world.people.on_piece(road.crossing_length[meeting.crossing as usize], meeting);
            (on_it && who > 0).then(|| format!("at {} s {i} on {m}: {meeting:?}", world.now_ms() / 1000))
        })
    })
}

#[test]
fn people_wait_for_their_green() {
    let city = cross();
    let crossing = over(&city, "CS");
    let mut world = World::new(&city, vec![VehicleType::car()], 1);
    world.insert_walk(walk("p", crossing, 5.0, true)).unwrap();
    let red = Hand::all(&city, Lamp::Red);
    (0..30).for_each(|_| world.step(&red.lamps()));
    assert_eq!((world.on_foot(), world.walked().len()), (1, 0), "it stands at the kerb");
    let green = green(&city, "WC", "CE", Some(crossing));
    let mut walked = Vec::new();
    while world.on_foot() > 0 {
        world.step(&green.lamps());
        walked.extend_from_slice(world.walked());
        assert!(world.now_ms() < 100_000, "it never crosses");
    }
    let info = &walked[0];
    assert!((24.0..=26.0).contains(&info.waiting_s), "came after 5 s, green after 30: {info:?}");
    let over_m = city.network.crossings[crossing.ix()].length_m;
    assert!((info.length_m - 7.0 - over_m - 5.0).abs() < 1e-6, "{info:?}");
    assert!((info.time_loss_s - info.waiting_s).abs() < 1.1, "{info:?}");
}

#[test]
fn nobody_starts_to_cross_when_green_is_about_to_end() {
    let city = cross();
    let crossing = over(&city, "CS");
    let mut world = World::new(&city, vec![VehicleType::car()], 1);
    world.insert_walk(walk("p", crossing, 1.0, false)).unwrap();
    let flashing = Hand::all(&city, Lamp::FlashingGreen);
    (0..60).for_each(|_| world.step(&flashing.lamps()));
    assert_eq!(world.walking()[0].waiting_s.round(), 59.0);
}

/// Seconds that a car loses on a turn, with so many people on the crossing beyond it; nobody is run over.
fn turner_loses_s(people: usize, lamps: impl Fn(&City, CrossingIx) -> Hand) -> f64 {
    let city = cross();
    let crossing = over(&city, "CS");
    let car = VehicleType { sigma: 0.0, speed_dev: 0.0, ..VehicleType::car() };
    let mut world = World::new(&city, vec![car], 1);
    world.insert(trip(&city.network, "car", 0.0, &["WC", "CS"])).unwrap();
    for k in 0..people {
        world.insert_walk(walk(&format!("{k}"), crossing, 6.0 + k as f64, k % 2 == 0)).unwrap();
    }
    let hand = lamps(&city, crossing);
    loop {
        world.step(&hand.lamps());
        assert_eq!(run_over(&world), None);
        assert!(world.now_ms() < 300_000, "the car never turns");
        if let Some(car) = world.take_finished().pop() {
            assert_eq!(world.totals().emergency_brakings, 0);
            return car.time_loss_s;
        }
    }
}

#[test]
fn a_turner_lets_people_go_who_have_green_beside_it() {
    let both = |city: &City, crossing| green(city, "WC", "CS", Some(crossing));
    let alone = turner_loses_s(0, both);
    let few = turner_loses_s(6, both);
    let many = turner_loses_s(25, both);
    assert!(few > alone + 4.0 && many > few + 10.0, "lost {alone:.1} s, {few:.1} s, {many:.1} s");
    // People who are held by their red are in nobody's way.
    let held = turner_loses_s(25, |city, _| green(city, "WC", "CS", None));
    assert!((held - alone).abs() < 0.1, "lost {alone:.1} s, {held:.1} s");
}

#[test]
fn where_no_lamp_decides_drivers_wait_for_people_or_people_for_gaps() {
    let run = |people_yield: bool| {
        let mut city = cross();
        let crossing = over(&city, "WC");
        city.network.crossings[crossing.ix()].people_yield = people_yield;
        let car = VehicleType { sigma: 0.0, speed_dev: 0.0, ..VehicleType::car() };
        let mut world = World::new(&city, vec![car], 1);
        for k in 0..10 {
            world.insert(trip(&city.network, &format!("{k}"), f64::from(k) * 2.5, &["WC", "CE"])).unwrap();
        }
        for k in 0..4 {
            world.insert_walk(walk(&format!("{k}"), crossing, 8.0 + 3.0 * f64::from(k), k % 2 == 0)).unwrap();
        }
        let dark = Hand::all(&city, Lamp::FlashingAmber);
        let (mut lost_s, mut waited_s) = (0.0, 0.0);
        for _ in 0..200 {
            world.step(&dark.lamps());
            assert_eq!(run_over(&world), None, "people yield: {people_yield}");
            lost_s += world.take_finished().iter().map(|t| t.time_loss_s).sum::<f64>();
            waited_s += world.walked().iter().map(|w| w.waiting_s).sum::<f64>();
        }
        assert_eq!((world.on_road(), world.on_foot()), (0, 0), "people yield: {people_yield}");
        assert_eq!(world.totals().emergency_brakings, 0);
        (lost_s, waited_s)
    };
    let (drivers_wait, people_walk) = run(false);
    let (drivers_go, people_wait) = run(true);
    assert!(drivers_wait > drivers_go + 5.0, "drivers lost {drivers_wait:.1} s and {drivers_go:.1} s");
    assert!(people_wait > people_walk + 20.0, "people stood {people_walk:.1} s and {people_wait:.1} s");
}

/// A busy quarter of an hour under the net's own plan: vehicles on all ways, people on all corners.
fn busy(threads: usize, parallel_from: usize) -> World {
    let city = cross();
    let mut text = String::new();
    let ends = ["W", "E", "N", "S"];
    for (a, b) in (0..4).flat_map(|a| (0..4).map(move |b| (ends[a], ends[b]))).filter(|(a, b)| a != b) {
        text += &format!(
            "<flow id=\"{a}{b}\" begin=\"0\" end=\"800\" period=\"exp(0.04)\" from=\"{a}C\" to=\"C{b}\"/>"
        );
        text += &format!(
            "<personFlow id=\"p{a}{b}\" begin=\"0\" end=\"800\" period=\"15\"><walk from=\"{a}C\" to=\"C{b}\"/></personFlow>"
        );
    }
    let demand = read(&city, &text);
    let mut world = World::new(&city, demand.types.clone(), 3);
    assert_eq!(world.insert_all(&demand), []);
    world.parallel_from = parallel_from;
    let mut plans = crate::scenario::FixedPlans::new(&city);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        while world.now_ms() < 900_000 {
            plans.set(&city, world.now_ms());
            world.step(&plans.lamps());
            assert_eq!(run_over(&world), None);
            assert_eq!(world.overlap(), None);
        }
    });
    world
}

#[test]
fn a_busy_junction_with_people_is_safe_and_the_same_on_any_number_of_threads() {
    let alone = busy(1, usize::MAX);
    let totals = alone.totals();
    assert!(totals.arrived > 250, "{totals:?}");
    assert_eq!(totals.collisions, 0);
    assert!(alone.on_foot() < 100, "{} are still on foot", alone.on_foot());
    for threads in [2, 4] {
        assert_eq!(busy(threads, 0).fingerprint(), alone.fingerprint(), "{threads} threads");
    }
}

#[test]
fn a_walk_that_cannot_be_walked_is_refused() {
    let city = cross();
    let mut world = World::new(&city, vec![VehicleType::car()], 1);
    let sound = walk("p", CrossingIx(0), 1.0, true);
    for bad in [
        walk("p", CrossingIx(99), 1.0, true),
        walk("p", CrossingIx(0), f64::NAN, true),
        Walk { speed_mps: 0.0, ..sound.clone() },
        Walk { rest_m: -1.0, ..sound.clone() },
        Walk { depart_s: f64::INFINITY, ..sound.clone() },
    ] {
        assert_eq!(world.insert_walk(bad), Err(TripFault::NoWalk));
    }
    assert_eq!(world.insert_walk(sound), Ok(()));
}

#[test]
fn the_way_on_foot_goes_over_the_crossings() {
    let city = cross();
    let demand = read(
        &city,
        "<person id=\"p\" depart=\"3\" departPos=\"10\"><walk edges=\"WC CE\"/></person>\
         <person id=\"q\" depart=\"4\"><walk from=\"WC\" to=\"CN\" arrivalPos=\"50\"/></person>\
         <person id=\"r\" depart=\"5\" departPos=\"20\"><walk edges=\"WC\" arrivalPos=\"50\"/></person>",
    );
    let metres = |k: usize| {
        let walk = &demand.walks[k];
        let over: f64 =
            walk.crossings.iter().map(|c| c.after_m + city.network.crossings[c.crossing.ix()].length_m).sum();
        (walk.crossings.len(), over + walk.rest_m)
    };
    // SUMO 1.28 walks 174 m and 190 m.
    let ((p, p_m), (q, q_m), (r, r_m)) = (metres(0), metres(1), metres(2));
    assert!(p >= 1 && (165.0..185.0).contains(&p_m), "{p} crossings, {p_m} m");
    assert!(q >= 1 && (180.0..200.0).contains(&q_m), "{q} crossings, {q_m} m");
    assert_eq!((r, r_m), (0, 30.0));
}
