//! What-if from outside: a question to a running city, and an answer from its simulator over the broker.

use crate::demo::Demo;
use end_to_end::{
    http::{delete, get, post, wait_for},
    program::wait_until,
};
use serde_json::{Value, json};

/// Asks, as soon as the centre has measured long enough to be asked; gives the question's address.
fn ask(demo: &Demo, minutes: u32, seeds: u32, changes: &Value) -> String {
    let body = json!({"changes": changes, "minutes": minutes, "seeds": seeds, "reason": "check"});
    let accepted = wait_until("a what-if to be taken", || {
        let answer = post(&demo.as_("duty", "/api/v1/what-if"), &body);
        // Without flows it is not available yet; whatever else is wrong with it would stay wrong.
        assert!([202, 503].contains(&answer.status), "{answer:?}");
        (answer.status == 202).then_some(answer.json)
    });
    assert_eq!(accepted["state"], "waiting", "{accepted}");
    demo.as_("duty", &format!("/api/v1/what-if/{}", accepted["id"].as_str().unwrap()))
}

/// Of each junction a plan that gives its busiest stage as little as it may have, and its emptiest one 90 s; all others
/// none at all.
fn starving(demo: &Demo) -> Vec<Value> {
    let list = get(&demo.at("/api/v1/junctions")).unwrap().json;
    let plan = |summary: &Value| {
        let id = summary["id"].as_str()?;
        let junction = get(&demo.at(&format!("/api/v1/junctions/{id}"))).unwrap().json;
        let passed = |stage: &Value| {
            let green = stage["green"].as_array().unwrap();
            let of_it = |d: &&Value| {
                d["kind"] == "stop_line" && d["groups"].as_array().unwrap().iter().any(|g| green.contains(g))
            };
            let loops = junction["detectors"].as_array().unwrap().iter().filter(of_it);
            loops.map(|d| d["count_1m"].as_u64().unwrap_or(0)).sum::<u64>()
        };
        let mut stages: Vec<(u64, u64)> = junction["stages"]
            .as_array()?
            .iter()
            .map(|s| (passed(s), s["number"].as_u64().unwrap()))
            .collect();
        stages.sort_unstable();
        let (empty, busy) = (stages.first()?, stages.last()?);
        (busy.0 > empty.0).then(|| (id.to_owned(), busy.1, empty.1))
    };
    let shortest = |(id, busy, empty): (String, u64, u64)| {
        // The rules say from where on a split holds its interstage and minimum green.
        (10..40).find_map(|split| {
            let plan = json!({"cycle_s": split + 90, "offset_s": 0, "steps": [[busy, split], [empty, 90]]});
            let change = json!({"junctions": [id], "plan": plan});
            fits(demo, &change).then_some(change)
        })
    };
    list["junctions"].as_array().unwrap().iter().filter_map(plan).filter_map(shortest).collect()
}

/// Whether the rules take a change: it is asked beside one that they never take.
fn fits(demo: &Demo, change: &Value) -> bool {
    let never = json!({"junctions": ["nowhere"], "kind": "fixed"});
    let body = json!({"changes": [change, never], "reason": "check"});
    let answer = post(&demo.as_("duty", "/api/v1/what-if"), &body);
    assert_eq!(answer.status, 422, "{answer:?}");
    answer.json["detail"].as_str().unwrap().contains("nowhere")
}

fn measure<'a>(result: &'a Value, name: &str) -> &'a Value {
    result["measures"].as_array().unwrap().iter().find(|m| m["measure"] == name).unwrap()
}

#[test]
fn a_running_city_is_asked_what_would_be() {
    let demo = Demo::start(&["--junctions", "20", "--speed", "4"]);
    demo.wait_until_adaptive();

    // A plan that starves the busiest streets, everywhere: nobody needs to drive it to know, and driving it shows it.
    let first = ask(&demo, 5, 2, &json!([{"district": "cao", "kind": "fixed"}]));
    let fixed = wait_for(&first, "the outcome of fixed plans", |w| w["state"] == "done");
    let changes = starving(&demo);
    assert!(changes.len() > 5, "{changes:?}");
    let starved = ask(&demo, 5, 3, &json!(changes));
    let starved = wait_for(&starved, "the outcome of starving", |w| w["state"] == "done");
    for (name, outcome) in [("fixed", &fixed), ("starved", &starved)] {
        let delay = measure(&outcome["result"], "delay_s");
        println!("what if {name}: {delay} {}", outcome["result"]["assumptions"]);
    }
    let result = &starved["result"];
    assert_eq!(measure(result, "delay_s")["verdict"], "worse", "{result}");
    assert_eq!(measure(result, "longest_queue")["base"]["mean"].as_f64().map(|q| q > 0.0), Some(true));
    assert_eq!(result["junctions"].as_array().map(Vec::len), Some(changes.len()));
    let assumptions = &result["assumptions"];
    assert!(assumptions["vehicles_known"].as_u64().is_some_and(|n| n > 50), "{assumptions}");
    assert!(assumptions["vehicles_to_come"].as_f64().is_some_and(|n| n > 50.0), "{assumptions}");
    assert!(assumptions["turns_measured"].as_u64().is_some_and(|n| n > 50), "{assumptions}");

    // One that takes long is taken back, and makes room for the next.
    let id = changes[0]["junctions"][0].as_str().unwrap();
    let tried = json!([{"junctions": [id], "kind": "actuated"}]);
    let long = ask(&demo, 60, 20, &tried);
    wait_for(&long, "it to be driven", |w| w["state"] == "running" && w["done"].as_f64() > Some(0.0));
    let next = ask(&demo, 5, 2, &tried);
    wait_for(&next, "it to wait behind the other", |w| w["before"] == 1);
    let gone = delete(&long);
    assert_eq!((gone.status, &gone.json["failure"]), (200, &json!("cancelled")));
    wait_for(&next, "its turn", |w| w["state"] == "done");
    let list = get(&demo.as_("duty", "/api/v1/what-if")).unwrap().json;
    assert_eq!(list["what_ifs"].as_array().map(Vec::len), Some(4), "{list}");

    // Whoever is nobody asks nothing of the simulator.
    let anybody = post(&demo.at("/api/v1/what-if"), &json!({"changes": tried, "reason": "check"}));
    assert_eq!((anybody.status, &anybody.json["type"]), (401, &json!("/problems/sign-in")));

    // Mistakes are problems, and nothing of all that has reached the street.
    let refused = |change: Value, says: &str| {
        let body = json!({"changes": [change], "reason": "check"});
        let answer = post(&demo.as_("duty", "/api/v1/what-if"), &body);
        assert_eq!((answer.status, answer.kind.as_str()), (422, "application/problem+json"), "{answer:?}");
        assert!(answer.json["detail"].as_str().is_some_and(|d| d.contains(says)), "{answer:?}");
    };
    refused(json!({"junctions": ["nowhere"], "kind": "fixed"}), "no junction \"nowhere\"");
    let hasty = json!({"cycle_s": 3, "offset_s": 0, "steps": [[1, 1], [2, 2]]});
    refused(json!({"junctions": [id], "plan": hasty}), "cannot hold interstage");
    demo.wait_until_adaptive();
}
