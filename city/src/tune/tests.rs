use super::*;
use model::{
    city::City,
    demand::{Demand, Trip, VehicleType},
    sketch,
    time::Tenths,
};

const TOWN: &str = "
                    N         M
                    |         |
                    |         |
                    |         |
                    |         |
W-------------------A---------B-------------------E
                    |         |
                    |         |
                    |         |
                    |         |
                    S         T";

/// Two junctions 100 m apart; `main_h` vehicles an hour from west to east, `side_h` across each junction.
fn town(main_h: f64, side_h: f64) -> Trial {
    let city = sketch::city(TOWN, "AB");
    let flows = [(main_h, vec!["WA", "AB", "BE"]), (side_h, vec!["NA", "AS"]), (side_h, vec!["MB", "BT"])];
    let mut trips = Vec::new();
    for (n, (per_hour, links)) in flows.iter().enumerate() {
        let links: Vec<_> = links.iter().map(|name| sketch::link(&city.network, name)).collect();
        let many = (per_hour / 4.0) as usize;
        trips.extend((0..many).map(|i| Trip {
            id: format!("{n}.{i}"),
            depart_s: i as f64 * 3600.0 / per_hour,
            links: links.clone(),
            routed: true,
            ..Trip::default()
        }));
    }
    trips.sort_by(|a, b| a.depart_s.total_cmp(&b.depart_s));
    Trial::new(city, Demand { types: vec![VehicleType::car()], trips, ..Demand::default() }, 0.0, 900.0)
}

fn tuned(trial: &Trial, seeds: &[u64], budget: u32) -> Plans {
    let own = start::own(trial);
    let starts = start::around(trial, &own, seeds[0]);
    let (plans, tried) = climbed(trial, Engine::Own, seeds, budget, &own, starts).expect("runs");
    assert!(tried <= budget, "{tried} of {budget}");
    plans
}

#[test]
fn tuned_plans_are_better_on_traffic_that_they_have_not_seen() {
    let trial = town(900.0, 200.0);
    let plans = tuned(&trial, &[1, 2], 80);
    for (junction, plan) in trial.city().junctions.iter().zip(&plans) {
        assert_eq!(junction.plan_faults(plan), Vec::<String>::new());
    }
    let delays = trial.delays_s(Engine::Own, &[start::own(&trial), plans], &[11, 12, 13]).expect("runs");
    for (own, tuned) in delays[0].iter().zip(&delays[1]) {
        assert!(tuned < &(0.8 * own), "own {own:.1} s, tuned {tuned:.1} s");
    }
}

#[test]
fn the_same_seeds_give_the_same_plans() {
    let trial = town(600.0, 300.0);
    assert_eq!(tuned(&trial, &[1, 2], 30), tuned(&trial, &[1, 2], 30));
}

#[test]
fn moving_one_change_of_stage_leaves_the_others_on_the_clock() {
    let trial = town(1.0, 1.0);
    let (junction, own) = (&trial.city().junctions[0], &start::own(&trial)[0]);
    let plan = change::with_cycle(&trial.city().junctions, &start::own(&trial), Tenths::seconds(90))
        .expect("90 s are enough")[0]
        .clone();
    assert_eq!(plan.cycle(), Tenths::seconds(90));
    let changes = |plan: &model::signal::Plan| -> std::collections::BTreeSet<u32> {
        let mut at = plan.offset.0;
        let mut next = |split: Tenths| {
            at = (at + split.0) % 900;
            at
        };
        plan.steps.iter().map(|s| next(s.split)).collect()
    };
    for near in change::with_changes_moved(junction, &plan, 3) {
        assert_eq!(changes(&near).intersection(&changes(&plan)).count(), own.steps.len() - 1, "{near:?}");
        assert_eq!(junction.plan_faults(&near), Vec::<String>::new());
    }
}

#[test]
fn plans_come_back_from_their_file_and_faulty_ones_are_refused() {
    let trial = town(1.0, 1.0);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("plans.json");
    let check = |text: &str, expected: Result<(), &str>| -> City {
        std::fs::write(&file, text).expect("a file");
        let mut city = trial.city().clone();
        let done = read_plans(&file).and_then(|plans| apply(&mut city, &plans, &file));
        let done = done.map_err(|e| e.to_string().replace(&file.display().to_string(), "plans.json"));
        assert_eq!(done, expected.map_err(str::to_owned));
        city
    };
    let mut plan = start::own(&trial)[0].clone();
    plan.offset = Tenths::seconds(7);
    let json = |id: &str, plan: &model::signal::Plan| {
        serde_json::json!({"scenario": "x", "junctions": {id: plan}}).to_string()
    };
    let city = check(&json("A", &plan), Ok(()));
    assert_eq!((&city.junctions[0].plans[0], &city.junctions[1]), (&plan, &trial.city().junctions[1]));
    check(&json("Q", &plan), Err("plans.json: junction Q is not in the city"));
    check("{}", Err("plans.json:1: these are no plans: missing field `junctions` at line 1 column 2"));
    plan.steps[0].split = Tenths::seconds(2);
    let cause = "plan 1, stage 1: split 2 s cannot hold interstage 7 + minimum green 7 s";
    check(&json("A", &plan), Err(&format!("plans.json: junction A: {cause}")));
}

#[test]
fn seeds_are_a_range_with_both_ends() {
    let check = |text: &str, expected: Option<(u64, u64)>| {
        assert_eq!(text.parse::<Seeds>().ok().map(|s| (s.first, s.last)), expected, "{text}");
    };
    check("1..3", Some((1, 3)));
    check("7..7", Some((7, 7)));
    check("3..1", None);
    check("1..1000", None);
    check("3", None);
}
