//! Clients that were written for others, unchanged, against the demo city: MOTIS' own, and a map's that asks OSRM.

use crate::demo::Demo;
use end_to_end::{peers::installed, places::repository, program::run};
use std::process::Command;

#[test]
fn the_client_of_motis_gets_places_journeys_and_boards() {
    let demo = Demo::start(&["--junctions", "150", "--vehicles", "100"]);
    let mut client = Command::new("node");
    client
        .current_dir(repository().join("dashboards/web"))
        .arg("e2e/motis.mjs")
        .env("SVETOFOR_URL", &demo.url);
    let (code, said) = run(&mut client);
    println!("{said}");
    assert_eq!(code, Some(0), "the client failed:\n{said}");
}

#[test]
fn maplibre_directions_draw_a_route() {
    let demo = Demo::start(&["--junctions", "150", "--vehicles", "100"]);
    let mut client = Command::new("node");
    client
        .current_dir(repository().join("dashboards/web"))
        .arg("e2e/directions.mjs")
        .env("SVETOFOR_URL", &demo.url)
        .env("CHROMIUM", installed("chromium", "chromium"));
    let (code, said) = run(&mut client);
    println!("{said}");
    assert_eq!(code, Some(0), "no route was drawn:\n{said}");
}
