//! `cargo xtask bench journeys`: what journeys cost in Porto, beside the goals and the peers.

use crate::{cargo, root, shared, step};
use anyhow::bail;
use std::{path::Path, process::Command};

/// What peers took on a machine of their own, CPU ms on one thread, p50 / p99 (PEERS, section 3).
const PEERS: &str = "
peers, as measured elsewhere, CPU ms, p50 / p99
  car distance         RoutingKit CCH without turn costs 0.015 / 0.033, with path 0.039 / 0.102
  car answer           OSRM MLD with geometry and steps 1.82 / 3.69, Valhalla 11.2 / 23.1
  traffic everywhere   RoutingKit CCH 12.6, Valhalla 28.6, OSRM MLD 1380
  one departure        KIT ULTRA-TB mean 0.372, ULTRA-RAPTOR mean 0.419, ferrobus 0.354 / 0.967
  journey              ferrobus 1.55 / 3.86, Valhalla 22.8 / 77
  one hour             ferrobus 4.1 / 21.9";

/// The day on which both feeds run.
const DAY: &str = "20240612";

/// Prepares Porto, measures, and fails where a goal is missed or a way is not exact.
pub(crate) fn run() -> anyhow::Result<()> {
    let porto = shared().join("data/routing/porto");
    if !porto.exists() {
        bail!("there is no {}; set SVETOFOR_SHARED to the folder that has data/", porto.display());
    }
    let mut build = cargo(["build", "--release", "--package", "routing"]);
    build.args(["--bin", "routing", "--example", "bench_journeys"]);
    step("build the planner", build)?;
    let data = root().join("target/bench-journeys");
    prepare(&porto, &data)?;
    let bench = || {
        let mut bench = Command::new(root().join("target/release/examples/bench_journeys"));
        bench.arg(&data).arg(porto.join("pairs_1000.csv")).arg(porto.join("pairs_pt_1000.csv")).arg(DAY);
        bench
    };
    let mut exact = bench();
    exact.arg("exact");
    step("compare 10,000 ways with A*", exact)?;
    println!("{PEERS}\n");
    step("journeys in Porto", bench())
}

fn prepare(porto: &Path, data: &Path) -> anyhow::Result<()> {
    let mut prepare = Command::new(root().join("target/release/routing"));
    prepare.arg("prepare").arg("--osm").arg(porto.join("porto.osm.pbf")).arg("--gtfs");
    for tag in ["stcp", "metro"] {
        prepare.arg(format!("{tag}={}", porto.join(format!("gtfs_{tag}_calendar_extended.zip")).display()));
    }
    prepare.arg("--out").arg(data);
    step("prepare Porto", prepare)
}
