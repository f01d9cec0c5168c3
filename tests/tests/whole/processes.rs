//! The daemons as separate programs with mosquitto and PostgreSQL, from the configurations that we ship, as
//! `docs/operating.md` describes.

use end_to_end::{
    http::{get, wait_for},
    peers::{Mosquitto, Postgres},
    places::{ours, repository},
    program::{Program, free_port, run, wait_until},
};
use std::{fs, path::Path, process::Command};

#[test]
fn the_daemons_run_as_the_operating_page_says() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let (mosquitto, postgres) = (Mosquitto::start(), Postgres::start());
    let (api, journeys) = (free_port(), free_port());
    fs::create_dir_all(here.join("data")).unwrap();
    let mut generate = Command::new(ours("simulator"));
    generate.current_dir(here).args([
        "generate",
        "--junctions",
        "20",
        "--seed",
        "1",
        "--out",
        "data/city.json",
    ]);
    let (code, said) = run(&mut generate);
    assert_eq!(code, Some(0), "{said}");

    // The shipped files, with nothing changed but ports and the database.
    let first_modbus = first_of_free_ports(40);
    let changes = [
        ("port = 1883", format!("port = {}", mosquitto.port)),
        ("127.0.0.1:8081", format!("127.0.0.1:{api}")),
        ("127.0.0.1:8090", format!("127.0.0.1:{journeys}")),
        ("127.0.0.1:15020", format!("127.0.0.1:{first_modbus}")),
        ("first_port = 15020", format!("first_port = {first_modbus}")),
        (
            "host=127.0.0.1 port=5432 user=svetofor dbname=svetofor",
            format!("host=127.0.0.1 port={} user=svetofor dbname=postgres", postgres.port),
        ),
        ("vehicles = 5000", "vehicles = 400".to_owned()),
    ];
    install(&repository().join("configs"), &here.join("configs"), &changes);

    let start = |program: &str, config: &str| {
        let mut command = Command::new(ours(program));
        command
            .current_dir(here)
            .args(["--config", config])
            .env("SVETOFOR_STORE_PASSWORD", "unused: the server trusts");
        Program::start(program, &mut command)
    };
    // In an order that the page does not promise to be needed: the centre first.
    let controller = start("controller", "configs/controller-postgres.toml");
    let mut routing = start("routing", "configs/routing.toml");
    let mut agents = start("edge-agent", "configs/edge-agent.toml");
    let mut street = start("simulator", "configs/simulator.toml");

    let health = format!("http://127.0.0.1:{api}/api/v1/health");
    let adaptive = |h: &serde_json::Value| {
        let total = h["junctions"]["total"].as_u64().unwrap_or(0);
        total > 0 && h["junctions"]["by_mode"]["adaptive"].as_u64() == Some(total)
    };
    let lived = wait_for(&health, "every junction adaptive", adaptive);
    assert!(lived["store"]["kind"].as_str().is_some_and(|k| k == "postgres" || k == "timescale"), "{lived}");
    wait_until("events in the database", || {
        postgres.ask("select count(*) from hires_event").parse::<u64>().ok().filter(|n| *n > 50)
    });
    let journey = format!(
        "http://127.0.0.1:{journeys}/api/v1/plan?fromPlace=55.7575,37.6146&toPlace=55.7485,37.6216&directModes=CAR"
    );
    wait_for(&journey, "a journey on traffic that came over the broker", |p| {
        p["traffic"]["ageSeconds"].is_number()
    });

    // The centre dies without a word; the street goes on, and obeys the next centre.
    controller.signal("KILL");
    drop(controller);
    wait_until("nobody to answer", || get(&health).is_none().then_some(()));
    let again = start("controller", "configs/controller-postgres.toml");
    wait_for(&health, "every junction adaptive again", adaptive);
    let epochs = postgres.ask("select count(*) from hires_event");
    assert!(epochs.parse::<u64>().unwrap() > 50);

    for (program, name) in
        [(&mut routing, "routing"), (&mut agents, "edge-agent"), (&mut street, "simulator")]
    {
        program.signal("TERM");
        assert_eq!(program.wait().code(), Some(0), "{name} ends cleanly on SIGTERM");
    }
    let mut again = again;
    again.signal("TERM");
    assert_eq!(again.wait().code(), Some(0), "controller ends cleanly on SIGTERM");
}

fn install(from: &Path, to: &Path, changes: &[(&str, String)]) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            install(&entry.path(), &target, changes);
        } else {
            let mut text = fs::read_to_string(entry.path()).unwrap();
            for (from, to) in changes {
                text = text.replace(from, to);
            }
            fs::write(target, text).unwrap();
        }
    }
}

/// The first of so many ports in a row that nobody listens on now.
fn first_of_free_ports(count: u16) -> u16 {
    wait_until("a row of free ports", || {
        let first = free_port();
        let last = first.checked_add(count)?;
        (first..last).all(|port| std::net::TcpListener::bind(("127.0.0.1", port)).is_ok()).then_some(first)
    })
}
