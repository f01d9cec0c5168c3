//! `cargo xtask bench page`: 5,000 junctions and 9,000 vehicles, live, on the page in Chromium and before 200 viewers of the
//! stream. The scene itself is `dashboards/web/bench/scene.mjs`, which starts the programs that are built here.

use crate::{cargo, root, step, web};
use std::process::Command;

pub(crate) fn run() -> anyhow::Result<()> {
    web::build()?;
    step("build simulator and controller", cargo(["build", "--release"]))?;
    let mut scene = Command::new("node");
    scene.arg("bench/scene.mjs").current_dir(root().join("dashboards/web"));
    step("the scene", scene)
}
