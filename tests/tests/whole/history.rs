//! What the street said is in the store, whoever died meanwhile: asked in SQL, of the programs as they are shipped.

use end_to_end::{
    http::{post, wait_for},
    peers::{Postgres, installed},
    program::{Program, wait_until},
    stack::Stack,
};
use serde_json::json;
use std::{fmt::Write, process::Command, thread::sleep, time::Duration};

/// An outage: long enough that every cabinet has something to say of it. `SVETOFOR_OUTAGE_S` makes it longer.
fn outage() -> Duration {
    let asked = std::env::var("SVETOFOR_OUTAGE_S").ok().and_then(|s| s.parse().ok());
    Duration::from_secs(asked.unwrap_or(15))
}

/// Places where a group's green began or ended twice in a row between two moments: something between them is missing.
fn holes(postgres: &Postgres, from: &str, to: &str) -> String {
    postgres.ask(&format!(
        "select coalesce(string_agg(concat_ws(' ', id, param, code, at), '; '), '') from (
           select device, param, code, at, lag(code) over (partition by device, param order by at, code desc) before
           from (select distinct device, param, code, ts at from hires_event
                 where code in (1, 7) and ts between '{from}' and '{to}') told) pairs
         join device on number = device where code = before"
    ))
}

#[test]
fn nothing_that_the_street_said_is_lost() {
    let mut stack = Stack::install();
    let _street = stack.start("simulator", "simulator.toml");
    let agents = stack.start("edge-agent", "edge-agent.toml");
    let mut controller = stack.start("controller", "controller-postgres.toml");
    stack.wait_for_control();
    let now = |stack: &Stack| stack.postgres.ask("select now()");
    let count = |stack: &Stack, what: &str, from: &str, to: &str| -> u64 {
        stack
            .postgres
            .ask(&format!("select count(*) from {what} ts between '{from}' and '{to}'"))
            .parse()
            .unwrap()
    };
    sleep(outage());
    let began = now(&stack);

    // Nobody listens, and the broker says thank you to every cabinet all the same.
    controller.signal("KILL");
    drop(controller);
    sleep(outage());
    let centre_back = now(&stack);
    controller = stack.start("controller", "controller-postgres.toml");
    stack.wait_for_control();

    // The broker dies, with whatever it had taken and not delivered.
    stack.mosquitto.restart(outage());
    stack.wait_for_control();
    let broker_back = now(&stack);

    // What the cabinets were told to keep is heard of in the end.
    let expected = "hires_event where code in (1, 7) and";
    wait_until("the centre's absence to be told", || {
        (count(&stack, expected, &began, &centre_back) > 0).then_some(())
    });
    wait_until("no hole in what the lamps did", || {
        holes(&stack.postgres, &began, &broker_back).is_empty().then_some(())
    });
    let flagged = count(&stack, "detector_obs where flags & 2 = 2 and", &began, &broker_back);
    assert!(flagged > 0, "what came late is marked as such");

    // The agents die while the broker is frozen: what they had not got rid of is on their disk.
    let frozen = now(&stack);
    stack.mosquitto.signal("STOP");
    sleep(outage());
    let killed = now(&stack);
    agents.signal("KILL");
    drop(agents);
    stack.mosquitto.signal("CONT");
    let _agents = stack.start("edge-agent", "edge-agent.toml");
    wait_until("no hole in what the lamps did while the broker was frozen", || {
        let told = count(&stack, expected, &frozen, &killed) > 10;
        (told && holes(&stack.postgres, &frozen, &killed).is_empty()).then_some(())
    });

    // The store is lost for a while of the past: whoever runs the centre asks the cabinets for it.
    controller.signal("INT");
    controller.wait();
    stack.postgres.ask(&format!("delete from hires_event where ts between '{began}' and '{centre_back}'"));
    assert_eq!(count(&stack, expected, &began, &centre_back), 0);
    let password = stack.account("duty", "operate");
    let _controller = stack.start("controller", "controller-postgres.toml");
    let health = stack.wait_for_control();
    assert_eq!(health["junctions"]["total"], 20, "{health}");
    let ms = |text: &str| -> i64 {
        stack
            .postgres
            .ask(&format!("select (extract(epoch from '{text}'::timestamptz) * 1000)::int8"))
            .parse()
            .unwrap()
    };
    let asked =
        json!({ "from": ms(&began) - 5_000, "to": ms(&centre_back) + 5_000, "reason": "the store was lost" });
    let junctions = stack.postgres.ask("select id from device");
    for id in junctions.lines() {
        let url = format!("http://duty:{password}@127.0.0.1:{}/api/v1/junctions/{id}/fetch", stack.api);
        let answer = post(&url, &asked);
        assert_eq!(answer.status, 202, "{}", answer.json);
    }
    wait_until("what was lost to be told again", || {
        let told = count(&stack, expected, &began, &centre_back) > 10;
        (told && holes(&stack.postgres, &began, &centre_back).is_empty()).then_some(())
    });

    // A channel is stopped for some seconds: everybody sees it, and what it would have said comes afterwards.
    let id = junctions.lines().next().expect("there are junctions");
    let junction = format!("http://duty:{password}@127.0.0.1:{}/api/v1/junctions/{id}", stack.api);
    let stop =
        json!({ "channel": "tlc.events/hires", "action": "stop", "timeout_s": 8, "reason": "a dear link" });
    let stopped_at = now(&stack);
    assert_eq!(post(&format!("{junction}/throttle"), &stop).status, 202);
    wait_for(&junction, "the channel stops", |j| j["stopped"] == json!(["tlc.events/hires"]));
    wait_for(&junction, "it runs again by itself", |j| j["stopped"].is_null());
    let run_again = now(&stack);
    wait_until("no hole where it was stopped", || {
        let told = count(&stack, expected, &stopped_at, &run_again) > 10;
        (told && holes(&stack.postgres, &stopped_at, &run_again).is_empty()).then_some(())
    });
}

/// The database dies and comes back: control goes on as if nothing were, and what came meanwhile is there afterwards, once.
#[test]
fn a_killed_database_stops_nothing_and_loses_nothing() {
    let mut stack = Stack::install();
    let _street = stack.start("simulator", "simulator.toml");
    let _agents = stack.start("edge-agent", "edge-agent.toml");
    let _controller = stack.start("controller", "controller-postgres.toml");
    stack.wait_for_control();
    sleep(outage());
    let began = stack.postgres.ask("select now()");
    stack.postgres.kill();
    wait_for(&stack.health(), "the store to be said to be down", |health| health["store"]["state"] == "down");
    sleep(outage());
    stack.wait_for_control();
    stack.postgres.start_again();
    wait_for(&stack.health(), "the store to be back", |health| {
        health["store"]["state"] == "up" && health["store"]["waiting"].as_u64() < Some(5_000)
    });
    let back = stack.postgres.ask("select now()");
    wait_until("no hole in what the lamps did", || {
        let told = format!(
            "select count(*) > 10 from hires_event where code in (1, 7) and ts between '{began}' and '{back}'"
        );
        (stack.postgres.ask(&told) == "t" && holes(&stack.postgres, &began, &back).is_empty()).then_some(())
    });
    for (table, of) in [
        ("hires_event", "device, ts, code, param"),
        ("detector_obs", "device, ts, channel"),
        ("decision", "number"),
        ("audit", "instance, number"),
    ] {
        let twice = format!("select count(*) - count(distinct ({of})) from {table}");
        assert_eq!(stack.postgres.ask(&twice), "0", "{table}");
    }
    // Decisions are numbered, so none is missing either.
    assert_eq!(stack.postgres.ask("select max(number) - min(number) + 1 - count(*) from decision"), "0");
}

/// Memory for the spools of twenty cabinets: full in half a minute.
const SMALL_DISK: u32 = 300_000;

#[test]
fn a_full_disk_is_said_and_stops_nothing() {
    let stack = Stack::install();
    let _street = stack.start("simulator", "simulator.toml");
    let mut agents = stack.start_on_small_disk("edge-agent", "edge-agent.toml", SMALL_DISK);
    let _controller = stack.start("controller", "controller-postgres.toml");
    stack.wait_for_control();
    let mut listen = Command::new(installed("mosquitto_sub", "mosquitto-clients"));
    listen.args(["-V", "5", "-p", &stack.mosquitto.port.to_string(), "-F", "%t %x"]);
    let alarms = Program::start("mosquitto_sub", listen.args(["-t", "mow/+/+/alarm/tlc.spool"]));

    agents.wait_for_line("the spool cannot write");
    stack.wait_for_control();
    // With nobody to tell it to, what cannot be kept is lost: once the links know that nobody listens, which takes 15 s.
    stack.mosquitto.signal("STOP");
    sleep(outage() * 2);
    stack.mosquitto.signal("CONT");
    stack.wait_for_control();

    let lost = "entries are lost".bytes().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a string takes it");
        hex
    });
    wait_until("the loss to be said", || {
        alarms.output().lines().any(|line| line.to_lowercase().contains(&lost)).then_some(())
    });
    let since = stack.postgres.ask("select now()");
    wait_until("history to go on", || {
        let told = format!("select count(*) from hires_event where code = 1 and ts > '{since}'");
        (stack.postgres.ask(&told) != "0").then_some(())
    });
}
