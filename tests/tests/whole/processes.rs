//! The daemons as separate programs, from the configurations that we ship.

use end_to_end::{
    http::{get, wait_for},
    peers::installed,
    places::repository,
    program::{run, wait_until},
    stack::Stack,
};
use std::process::Command;

#[test]
fn the_daemons_run_as_the_operating_page_says() {
    let stack = Stack::install();
    // In an order that the page does not promise to be needed: the centre first.
    let controller = stack.start("controller", "controller-postgres.toml");
    let mut routing = stack.start("routing", "routing.toml");
    let mut agents = stack.start("edge-agent", "edge-agent.toml");
    let mut street = stack.start("simulator", "simulator.toml");

    let lived = stack.wait_for_control();
    assert!(lived["store"]["kind"].as_str().is_some_and(|k| k == "postgres" || k == "timescale"), "{lived}");
    let events = || stack.postgres.ask("select count(*) from hires_event").parse::<u64>().unwrap();
    wait_until("events in the database", || (events() > 50).then_some(()));
    let journey = format!(
        "http://127.0.0.1:{}/api/v1/plan?fromPlace=55.7575,37.6146&toPlace=55.7485,37.6216&directModes=CAR",
        stack.journeys
    );
    wait_for(&journey, "a journey on traffic that came over the broker", |p| {
        p["traffic"]["ageSeconds"].is_number()
    });

    // People open the centre's own page, and its journeys come from the planner beside it.
    let mut walk = Command::new("node");
    walk.current_dir(repository().join("dashboards/web"))
        .arg("e2e/by-itself.mjs")
        .env("SVETOFOR_URL", format!("http://127.0.0.1:{}", stack.api))
        .env("FROM", "55.7575, 37.6146")
        .env("TO", "55.7485, 37.6216")
        .env("SVETOFOR_SHOTS", repository().join("target/screenshots"))
        .env("CHROMIUM", installed("chromium", "chromium"));
    let (code, said) = run(&mut walk);
    println!("{said}");
    assert_eq!(code, Some(0), "the centre's own page fails:\n{said}");

    // The centre dies without a word; the street goes on, and obeys the next centre.
    controller.signal("KILL");
    drop(controller);
    wait_until("nobody to answer", || get(&stack.health()).is_none().then_some(()));
    let mut again = stack.start("controller", "controller-postgres.toml");
    stack.wait_for_control();
    assert!(events() > 50);

    for (program, name) in [
        (&mut routing, "routing"),
        (&mut agents, "edge-agent"),
        (&mut street, "simulator"),
        (&mut again, "controller"),
    ] {
        program.signal("TERM");
        assert_eq!(program.wait().code(), Some(0), "{name} ends cleanly on SIGTERM");
    }
}
