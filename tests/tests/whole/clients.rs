//! A client that was written for MOTIS, unchanged, against the demo city.

use crate::demo::Demo;
use end_to_end::{places::repository, program::run};
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
