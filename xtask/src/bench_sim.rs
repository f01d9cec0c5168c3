//! `cargo xtask bench sim`: our simulator beside SUMO, on the same files in the same session.
//!
//! What counts is CPU time, since other work on the machine changes wall time, and of that only what the steps take: a run that
//! ends sooner is subtracted, after its first step or, on the grid, when it is full. Goals: 30 times SUMO on one thread; two threads 1.7 times one on the larger
//! network; the same bytes for any number of threads. And a whole region, faster than it happens.

use crate::{cargo, root, shared, step, tools};
use anyhow::{Context, bail};
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const FASTER_THAN_SUMO: f64 = 30.0;
const TWO_THREADS: f64 = 1.7;
/// The clock is read so often, and the quickest run counts: others disturb it, never help it.
const CLOCKED: u32 = 3;
/// Clock ticks a second in `/proc`: the same on every Linux of today.
const TICKS: f64 = 100.0;

/// Files that both read.
struct Scenario {
    name: &'static str,
    net: PathBuf,
    routes: PathBuf,
    begin_s: u32,
    /// From here on what the steps take counts.
    from_s: u32,
    end_s: u32,
}

/// What the steps of a run took.
#[derive(Clone, Copy)]
struct Took {
    updates: f64,
    cpu_s: f64,
    wall_s: f64,
}

pub(crate) fn run() -> anyhow::Result<()> {
    tools::install()?;
    step("build the simulator", cargo(["build", "--release", "--package", "simulator"]))?;
    let folder = root().join("target/bench-sim");
    std::fs::create_dir_all(&folder)?;
    let mut failed = Vec::new();
    if let Some(scenario) = ingolstadt21() {
        compare(&scenario, &mut failed)?;
    }
    let grid = grid(&folder)?;
    compare(&grid, &mut failed)?;
    threads(&grid, &folder, &mut failed)?;
    region(&folder, &mut failed)?;
    if !failed.is_empty() {
        bail!("missed: {}", failed.join("; "));
    }
    Ok(())
}

/// The benchmark network of 21 junctions, where it is at hand.
fn ingolstadt21() -> Option<Scenario> {
    let folder = shared().join("data/signals/ingolstadt21");
    if !folder.exists() {
        println!("{} is not there: ingolstadt21 is NOT MEASURED", folder.display());
        return None;
    }
    let file = |ending: &str| folder.join(format!("ingolstadt21.{ending}"));
    let (net, routes) = (file("net.xml"), file("rou.xml"));
    Some(Scenario { name: "ingolstadt21", net, routes, begin_s: 57_600, from_s: 57_601, end_s: 61_200 })
}

/// A grid of 20 by 20 signalised junctions with three lanes everywhere, made by SUMO's own tools. From 540 s on some 10,000
/// vehicles drive there.
fn grid(folder: &Path) -> anyhow::Result<Scenario> {
    let (net, routes) = (folder.join("grid.net.xml"), folder.join("grid.rou.xml"));
    if !routes.exists() {
        let mut make = Command::new(tools::folder().join("bin/netgenerate"));
        make.args(["--grid", "--grid.number=20", "--grid.length=200", "--default.lanenumber=3"]);
        make.args(["--default-junction-type=traffic_light", "--output-file"]).arg(&net);
        step("make the grid", quiet(make))?;
        let home = Command::new(tools::folder().join("bin/python"))
            .args(["-c", "import sumo; print(sumo.SUMO_HOME)"])
            .output()?;
        let home = PathBuf::from(String::from_utf8(home.stdout)?.trim());
        let mut trips = Command::new(tools::folder().join("bin/python"));
        trips.env("SUMO_HOME", &home).arg(home.join("tools/randomTrips.py")).arg("-n").arg(&net);
        trips.args(["-b", "0", "-e", "700", "-p", "0.04", "--fringe-factor", "2", "--seed", "3", "-o"]);
        trips.arg(folder.join("grid.trips.xml")).arg("-r").arg(&routes);
        step("make its traffic", quiet(trips))?;
    }
    Ok(Scenario { name: "grid 20 x 20", net, routes, begin_s: 0, from_s: 540, end_s: 700 })
}

pub(crate) fn quiet(mut command: Command) -> Command {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn compare(scenario: &Scenario, failed: &mut Vec<String>) -> anyhow::Result<()> {
    let theirs = steps(scenario, |end_s| sumo(scenario, end_s))?;
    let ours = steps(scenario, |end_s| svetofor(scenario, end_s, 1, None))?;
    let per_s = |took: Took| took.updates / took.cpu_s.max(1e-9);
    let ratio = per_s(ours) / per_s(theirs);
    println!(
        "{}: SUMO {:.0} vehicle-updates a CPU-second ({:.0} in all), ours {:.0} ({:.0} in all): {ratio:.1} times (goal {FASTER_THAN_SUMO})",
        scenario.name,
        per_s(theirs),
        theirs.updates,
        per_s(ours),
        ours.updates
    );
    if ratio < FASTER_THAN_SUMO {
        failed.push(format!("{ratio:.1} times SUMO on {}", scenario.name));
    }
    Ok(())
}

/// More threads: faster by the clock, and not another byte.
fn threads(scenario: &Scenario, folder: &Path, failed: &mut Vec<String>) -> anyhow::Result<()> {
    // The quickest of each, and only then the difference: of single differences the least would be that with the slowest start.
    let quickest = |threads: u32, end_s: u32| -> anyhow::Result<f64> {
        let runs = (0..CLOCKED).map(|_| svetofor(scenario, end_s, threads, Some(folder)));
        runs.map(|took| Ok(took?.wall_s))
            .try_fold(f64::INFINITY, |best, s: anyhow::Result<f64>| Ok(best.min(s?)))
    };
    let steps_s = |threads: u32| -> anyhow::Result<f64> {
        let start = quickest(threads, scenario.from_s)?;
        Ok(quickest(threads, scenario.end_s)? - start)
    };
    let ratio = steps_s(1)? / steps_s(2)?.max(1e-9);
    println!("two threads: {ratio:.2} times one by the clock (goal {TWO_THREADS})");
    if ratio < TWO_THREADS {
        failed.push(format!("two threads {ratio:.2} times one"));
    }
    svetofor(scenario, scenario.end_s, 4, Some(folder))?;
    let report = |threads: u32| std::fs::read(tripinfo(folder, threads));
    let same = report(1)? == report(2)? && report(1)? == report(4)?;
    println!("reports of 1, 2 and 4 threads: {}", if same { "identical" } else { "DIFFERENT" });
    if !same {
        failed.push("threads change the reports".to_owned());
    }
    Ok(())
}

/// The region around Moscow with half a million vehicles on the road, on two threads.
fn region(folder: &Path, failed: &mut Vec<String>) -> anyhow::Result<()> {
    const VEHICLES: f64 = 500_000.0;
    const MOST_MIB: u64 = 4096;
    /// Half past eight, the busiest time, and when everybody is out, s after midnight.
    const BEGIN_S: u32 = 30_600;
    const OUT_S: u32 = BEGIN_S + 240;
    const END_S: u32 = OUT_S + 300;
    let city = folder.join("region.json");
    let simulator = root().join("target/release/simulator");
    if !city.exists() {
        let mut generate = Command::new(&simulator);
        generate.args(["generate", "--junctions", "40000", "--out"]).arg(&city);
        step("generate 40,000 junctions", generate)?;
    }
    let run = |end_s: u32| -> anyhow::Result<serde_json::Value> {
        let mut command = Command::new(&simulator);
        // Buses and trams come on top.
        command.args(["run", "--vehicles", "480000", "--threads", "2", "--city"]).arg(&city);
        command.args(["--begin", &BEGIN_S.to_string(), "--end", &end_s.to_string()]);
        serde_json::from_str(&timed(command)?.0).context("the simulator's summary")
    };
    let (filled, whole) = (run(OUT_S)?, run(END_S)?);
    let number = |said: &serde_json::Value, name: &str| said[name].as_f64().unwrap_or(0.0);
    let at_once = number(&whole, "most_at_once").min(number(&filled, "unfinished"));
    let faster = f64::from(END_S - OUT_S) / (number(&whole, "wall_s") - number(&filled, "wall_s")).max(1e-9);
    let mib = whole["peak_mib"].as_u64().unwrap_or(u64::MAX);
    println!(
        "40,000 junctions: {at_once:.0} vehicles at once, {faster:.2} times real time on two threads, {mib} MiB \
         (goals {VEHICLES:.0}, 1, {MOST_MIB})"
    );
    if at_once < VEHICLES || faster < 1.0 || mib > MOST_MIB {
        failed.push(format!("{at_once:.0} vehicles at {faster:.2} times real time in {mib} MiB"));
    }
    Ok(())
}

/// What the steps that count took: a whole run, less one that ends before them.
fn steps(scenario: &Scenario, run: impl Fn(u32) -> anyhow::Result<Took>) -> anyhow::Result<Took> {
    let (start, whole) = (run(scenario.from_s)?, run(scenario.end_s)?);
    let updates = whole.updates - start.updates;
    Ok(Took { updates, cpu_s: whole.cpu_s - start.cpu_s, wall_s: whole.wall_s - start.wall_s })
}

fn sumo(scenario: &Scenario, end_s: u32) -> anyhow::Result<Took> {
    let mut command = Command::new(tools::folder().join("bin/sumo"));
    command.arg("-n").arg(&scenario.net).arg("-r").arg(&scenario.routes);
    command.args(["-b", &scenario.begin_s.to_string(), "-e", &end_s.to_string()]);
    command.args(["--time-to-teleport=-1", "--no-step-log", "--no-warnings", "--duration-log.statistics"]);
    let (said, cpu_s, wall_s) = timed(command)?;
    let number = |name: &str| -> Option<f64> {
        let rest = said.lines().find_map(|l| l.trim().strip_prefix(name))?;
        rest.trim().trim_end_matches('s').parse().ok()
    };
    let updates = number("UPS:").zip(number("Duration:")).map_or(0.0, |(per_s, s)| per_s * s);
    Ok(Took { updates, cpu_s, wall_s })
}

fn tripinfo(folder: &Path, threads: u32) -> PathBuf {
    folder.join(format!("tripinfo-{threads}.xml"))
}

/// Ours, with trip reports if there is a `folder` for them.
fn svetofor(scenario: &Scenario, end_s: u32, threads: u32, folder: Option<&Path>) -> anyhow::Result<Took> {
    let mut command = Command::new(root().join("target/release/simulator"));
    command.arg("run").arg("--net").arg(&scenario.net).arg("--routes").arg(&scenario.routes);
    command.args(["--begin", &scenario.begin_s.to_string(), "--end", &end_s.to_string()]);
    command.args(["--threads", &threads.to_string()]);
    if let Some(folder) = folder {
        command.arg("--tripinfo-output").arg(tripinfo(folder, threads));
    }
    let (said, cpu_s, wall_s) = timed(command)?;
    let said: serde_json::Value = serde_json::from_str(&said).context("the simulator's summary")?;
    Ok(Took { updates: said["vehicle_updates"].as_f64().unwrap_or(0.0), cpu_s, wall_s })
}

/// Runs a command to its end: what it said, its CPU time and its wall time, s.
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn timed(mut command: Command) -> anyhow::Result<(String, f64, f64)> {
    let (before, started) = (children_cpu_s()?, Instant::now());
    let output = command.stderr(Stdio::null()).output().with_context(|| format!("{command:?}"))?;
    let wall: Duration = started.elapsed();
    if !output.status.success() {
        bail!("{command:?} failed");
    }
    Ok((String::from_utf8_lossy(&output.stdout).into_owned(), children_cpu_s()? - before, wall.as_secs_f64()))
}

/// CPU time of all children that have ended, s (proc(5): fields 16 and 17 of `/proc/self/stat`).
fn children_cpu_s() -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").context("CPU time is read from /proc")?;
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(13).take(2).filter_map(|t| t.parse::<f64>().ok());
    Ok(ticks.sum::<f64>() / TICKS)
}
