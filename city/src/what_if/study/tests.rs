//! What a traffic engineer knows without driving it, driven.

use super::*;
use crate::evaluate::lockstep::{Cores, Lockstep, Path};
use controller::coordinator::Coordinator;
use model::sketch;
use wire::register_map::RegisterMap;
use wire::what_if::{Kind as Named, LaneNow, Picture, Verdict};

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
                              |
                              |
                              S";

const NOW: Moment = Moment(1_795_341_600_000);

fn city() -> Arc<City> {
    Arc::new(sketch::city(CROSS, "C"))
}

/// A street with 500 vehicles an hour from west and east each, straight on, and hardly any from north and south.
fn request(city: &City, trial: Vec<Change>) -> Request {
    let mut picture = Picture {
        at: NOW,
        utc_offset_s: 0,
        lanes: Vec::new(),
        lane_flows: Vec::new(),
        turn_flows: Vec::new(),
        junctions: vec![Running {
            junction: "C".into(),
            kind: Named::Fixed,
            order: None,
            stage: 1,
            for_s: 5,
        }],
    };
    for (link, standing, flow) in [("WC", 4, 500), ("EC", 3, 500), ("NC", 0, 30), ("SC", 0, 30)] {
        let from = sketch::link(&city.network, link);
        let lane = LaneNow {
            lane: model::ids::LaneIx(city.network.link(from).lanes.start),
            standing,
            moving: 1,
            seen_m: 200,
        };
        picture.add_lane(lane);
        for (m, movement) in city.network.movements.iter().enumerate() {
            if city.network.lane(movement.from).link == from {
                let straight = movement.turn == model::network::Turn::Straight;
                picture.turn_flows.extend([m as u32, if straight { flow } else { 0 }]);
            }
        }
    }
    Request {
        id: Uuid::nil(),
        city: city.fingerprint(),
        within_s: 600,
        horizon_s: 600,
        seeds: 3,
        picture,
        trial,
    }
}

/// The stage in which the main street goes straight on, and one in which it does not.
fn busy_and_empty(city: &City) -> (u16, u16) {
    let from = sketch::link(&city.network, "WC");
    let straight = city
        .network
        .movements
        .iter()
        .find(|m| city.network.lane(m.from).link == from && m.turn == model::network::Turn::Straight);
    let group = straight.unwrap().head.unwrap().group;
    let plan = &city.junctions[0].plans[0];
    let has = |s: &PlanStep| city.junctions[0].stage(s.stage).unwrap().has(group);
    let of = |busy: bool| plan.steps.iter().find(|s| has(s) == busy).unwrap().stage.0;
    (of(true), of(false))
}

fn try_plan(steps: Vec<(u16, u32)>) -> Vec<Change> {
    let control = Control::Plan(what_if::Plan { offset: 0, steps });
    vec![Change { junctions: vec!["C".into()], control }]
}

fn run(city: &Arc<City>, request: &Request, threads: usize) -> Outcome {
    let study = Study::new(city, Tuning::default(), request).unwrap();
    let progress = Progress::default();
    let outcome = study.run(NonZero::new(threads).unwrap(), &progress).unwrap().unwrap();
    assert_eq!(progress.done(study.seconds()), 1.0);
    outcome
}

#[test]
fn a_plan_that_starves_the_main_street_is_worse() {
    let city = city();
    let (busy, empty) = busy_and_empty(&city);
    let outcome = run(&city, &request(&city, try_plan(vec![(busy, 200), (empty, 900)])), 2);
    let delay = outcome.measures[0];
    assert_eq!((delay.measure, delay.verdict), (Measure::DelayS, Verdict::Worse), "{outcome:?}");
    assert!(delay.trial.mean > 2.0 * delay.base.mean, "{delay:?}");
    assert_eq!(outcome.junctions.len(), 1);
    assert_eq!(outcome.junctions[0].delay.verdict, Verdict::Worse);
    let arrived = outcome.measures.iter().find(|m| m.measure == Measure::Arrived).unwrap();
    assert_eq!(arrived.verdict, Verdict::Worse);
    assert_eq!(outcome.assumptions.known, 11);
}

#[test]
fn any_number_of_threads_gives_the_same_outcome() {
    let city = city();
    let trial = vec![Change { junctions: vec!["C".into()], control: Control::Kind(Named::Actuated) }];
    let request = request(&city, trial);
    assert_eq!(run(&city, &request, 1), run(&city, &request, 3));
}

#[test]
fn what_is_tried_and_is_there_already_makes_no_difference() {
    let city = city();
    let trial = vec![Change { junctions: vec!["C".into()], control: Control::Kind(Named::Fixed) }];
    let outcome = run(&city, &request(&city, trial), 1);
    for measured in outcome.measures {
        assert_eq!(measured.verdict, Verdict::NoDifferenceShown, "{measured:?}");
        assert_eq!(measured.base, measured.trial);
    }
}

#[test]
fn a_stopped_study_has_no_outcome() {
    let city = city();
    let request = request(&city, try_plan(vec![(1, 300), (2, 300)]));
    let study = Study::new(&city, Tuning::default(), &request).unwrap();
    let progress = Progress::default();
    progress.stop();
    assert!(study.run(NonZero::<usize>::MIN, &progress).unwrap().is_none());
}

#[test]
fn what_cannot_be_tried_is_refused_with_the_reason() {
    let city = city();
    let check = |change: &dyn Fn(&mut Request), expected: &str| {
        let mut asked = request(&city, try_plan(vec![(1, 300), (2, 300)]));
        change(&mut asked);
        let said = Study::new(&city, Tuning::default(), &asked).unwrap_err();
        assert!(said.contains(expected), "{said}");
    };
    check(&|r| r.horizon_s = 10, "horizon_s is 10");
    check(&|r| r.seeds = 1, "seeds is 1");
    check(&|r| r.trial[0].junctions = vec!["Z".into()], "there is no junction \"Z\"");
    check(&|r| r.trial[0].junctions.push("C".into()), "junction C is changed twice");
    check(&|r| r.trial.clear(), "nothing is to be tried");
    check(&|r| r.trial = try_plan(vec![(1, 20), (2, 300)]), "cannot hold interstage");
    check(&|r| r.trial = try_plan(vec![(9, 200)]), "stage 9, which does not exist");
    check(&|r| r.trial = try_plan(vec![]), "has no stages");
    check(&|r| r.picture.lanes[0] = 9_999, "no lane number 9999");
    check(&|r| r.picture.junctions[0].junction = "Q".into(), "there is no junction \"Q\"");
}

/// A generated city is lived through with its real cores; then the centre's picture of it is driven ahead beside the city
/// itself, of which the picture knows only what detectors told. What it cannot know: who waits at give-way lines where
/// nobody looks (of 480 vehicles about 100 do), and that one who leaves a detected road here and one who comes onto another
/// there are the same (a fifth too many trips).
#[test]
fn the_street_of_a_picture_goes_on_as_the_one_that_it_was_taken_of() {
    let (city, mut live) = crate::demo::generated(20, 560, 1, Moment(NOW.0));
    let cores = Cores::new(&city, Arc::new(RegisterMap::svetofor()), live.street().now());
    let settings = crate::evaluate::settings(Kind::Adaptive, Tuning::default());
    let mut lockstep = Lockstep::new(Coordinator::new(city.clone(), settings), Path::Core(cores));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut live_for = |seconds: u64| {
        for _ in 0..seconds {
            live.step();
            runtime.block_on(lockstep.second(live.street().now(), live.street().devices())).unwrap();
        }
        let world = live.street().world();
        let picture = lockstep.centre().what_if_picture(live.street().now());
        (world.on_road() as f64, world.totals().arrived as f64, picture)
    };
    let (there, arrived_before, picture) = live_for(600);
    let (left, arrived, _) = live_for(300);
    let trial = vec![Change { junctions: vec!["1001".into()], control: Control::Kind(Named::Adaptive) }];
    let asked = Request {
        id: Uuid::nil(),
        city: city.fingerprint(),
        within_s: 600,
        horizon_s: 300,
        seeds: 2,
        picture,
        trial,
    };
    let outcome = run(&city, &asked, 2);
    let of = |measure| outcome.measures.iter().find(|m| m.measure == measure).unwrap().base.mean;
    let told = [
        ("there at the beginning", f64::from(outcome.assumptions.known) + outcome.assumptions.assumed, there),
        ("arrived", of(Measure::Arrived), arrived - arrived_before),
        ("left at the end", of(Measure::LeftAtEnd), left),
    ];
    for (what, predicted, really) in told {
        let share = predicted / really;
        assert!((0.6..1.4).contains(&share), "{what}: {predicted} predicted, {really} in truth; {told:?}");
    }
}
