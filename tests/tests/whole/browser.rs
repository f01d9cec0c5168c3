//! The page in a real browser, over a city that lives.

use crate::demo::Demo;
use end_to_end::{peers::installed, places::repository, program::run};
use std::process::Command;

#[test]
fn an_engineer_walks_the_page() {
    let demo = Demo::start(&["--junctions", "40", "--speed", "2"]);
    demo.wait_until_adaptive();
    let pictures = repository().join("target/screenshots");
    std::fs::create_dir_all(&pictures).unwrap();
    let mut walk = Command::new("node");
    walk.current_dir(repository().join("dashboards/web"))
        .arg("e2e/walk.mjs")
        .env("SVETOFOR_URL", &demo.url)
        .env("SVETOFOR_PEOPLE", demo.people())
        .env("SVETOFOR_SHOTS", &pictures)
        .env("CHROMIUM", installed("chromium", "chromium"));
    let (code, said) = run(&mut walk);
    println!("{said}");
    assert_eq!(code, Some(0), "the walk failed:\n{said}");
}
