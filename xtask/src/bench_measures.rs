//! `cargo xtask bench measures`: the measures beside the `atspm` package, on the same log in the same session.
//!
//! What counts is CPU time, reading and writing included, since other work on the machine changes wall time. Goals: a
//! million events a CPU-second, 300 MiB, and every row equal.

use crate::{cargo, root, shared, step};
use anyhow::{Context, bail};
use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

const EVENTS_A_CPU_SECOND: f64 = 1e6;
const MOST_MIB: f64 = 300.0;
/// At least so many events are measured.
const EVENTS: usize = 2_000_000;

/// What a run took.
struct Took {
    cpu_s: f64,
    peak_mib: f64,
}

pub(crate) fn run() -> anyhow::Result<()> {
    step("build the controller", cargo(["build", "--release", "--package", "controller"]))?;
    let input = shared().join("data/atspm/input");
    if !input.exists() {
        bail!("{} is not there; set SVETOFOR_SHARED to the folder of data/atspm", input.display());
    }
    let folder = root().join("target/bench-measures");
    std::fs::create_dir_all(&folder)?;
    let events = repeat(&input, &folder)?;
    let (log, config) = (folder.join("events.csv"), folder.join("detectors.csv"));

    let mut ours = Command::new(root().join("target/release/controller"));
    ours.arg("measures").arg("--events").arg(&log).arg("--config").arg(&config);
    ours.arg("--out").arg(folder.join("ours"));
    let ours = timed(ours, &folder)?;
    let per_s = |took: &Took| events as f64 / took.cpu_s.max(1e-9);
    println!("\n{events} events         events a CPU-second     peak MiB");
    println!(
        "svetofor         {:>19.0} {:>12.0}   (goals {EVENTS_A_CPU_SECOND:.0}, {MOST_MIB:.0})",
        per_s(&ours),
        ours.peak_mib
    );
    let mut failed = Vec::new();
    if per_s(&ours) < EVENTS_A_CPU_SECOND {
        failed.push(format!("{:.0} events a CPU-second", per_s(&ours)));
    }
    if ours.peak_mib > MOST_MIB {
        failed.push(format!("{:.0} MiB", ours.peak_mib));
    }
    match package(&folder) {
        Err(error) => println!("the atspm package could not be run here, NOT COMPARED: {error:#}"),
        Ok(python) => {
            let mut theirs = Command::new(python);
            theirs.arg("-c").arg(PACKAGE).arg(&log).arg(&config).arg(folder.join("theirs"));
            let theirs = timed(theirs, &folder)?;
            println!("atspm 2.6.1      {:>19.0} {:>12.0}", per_s(&theirs), theirs.peak_mib);
            println!(
                "ratio            {:>19.1} {:>12.2}",
                per_s(&ours) / per_s(&theirs),
                ours.peak_mib / theirs.peak_mib
            );
            let mut compare = Command::new("python3");
            compare.arg(shared().join("harness/atspm/compare.py"));
            compare.arg(folder.join("theirs")).arg(folder.join("ours"));
            if step("every row beside the package's", compare).is_err() {
                failed.push("rows differ".to_owned());
            }
        }
    }
    if !failed.is_empty() {
        bail!("missed: {}", failed.join("; "));
    }
    Ok(())
}

/// The sample log for as many devices as it takes, each with its detectors; says how many events that is.
fn repeat(input: &Path, folder: &Path) -> anyhow::Result<usize> {
    let lines = |name: &str| -> anyhow::Result<Vec<[String; 4]>> {
        let text =
            std::fs::read_to_string(input.join(name)).with_context(|| format!("could not read {name}"))?;
        let cells = |line: &str| {
            let cells: Vec<String> = line.split(',').map(str::to_owned).collect();
            <[String; 4]>::try_from(cells).ok()
        };
        Ok(text.lines().skip(1).filter_map(cells).collect())
    };
    let (log, detectors) = (lines("sample_raw_data.csv")?, lines("sample_config.csv")?);
    let devices = EVENTS.div_ceil(log.len().max(1));
    let mut text = "TimeStamp,DeviceId,EventId,Parameter\n".to_owned();
    let mut config = "DeviceId,Phase,Parameter,Function\n".to_owned();
    for device in 1..=devices {
        for [at, _, code, param] in &log {
            writeln!(text, "{at},{device},{code},{param}")?;
        }
        for [_, group, channel, function] in &detectors {
            writeln!(config, "{device},{group},{channel},{function}")?;
        }
    }
    std::fs::write(folder.join("events.csv"), text)?;
    std::fs::write(folder.join("detectors.csv"), config)?;
    Ok(devices * log.len())
}

/// A Python with the package.
fn package(folder: &Path) -> anyhow::Result<PathBuf> {
    let venv = folder.join("python");
    let python = venv.join("bin/python");
    let has_it = |python: &Path| {
        Command::new(python).args(["-c", "import atspm"]).output().is_ok_and(|output| output.status.success())
    };
    if !has_it(&python) {
        let mut make = Command::new("python3");
        make.args(["-m", "venv"]).arg(&venv);
        step("make a Python environment", make)?;
        let mut pip = Command::new(venv.join("bin/pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check", "atspm==2.6.1", "duckdb<2"]);
        step("install atspm", pip)?;
    }
    Ok(python)
}

/// Runs the package with the settings that the reference was made with.
const PACKAGE: &str = r#"
import os, sys
from atspm import SignalDataProcessor
events, config, out = sys.argv[1:]
os.makedirs(out, exist_ok=True)
wanted = {
    "has_data": {"no_data_min": 5, "min_data_points": 3}, "actuations": {}, "platoon_ratio": {},
    "arrival_on_green": {"latency_offset_seconds": 0}, "yellow_red": {"latency_offset_seconds": 0},
    "communications": {"event_codes": "400,503,502"}, "coordination": {}, "coordination_agg": {}, "ped": {},
    "unique_ped": {"seconds_between_actuations": 15}, "splits": {}, "terminations": {},
    "full_ped": {"seconds_between_actuations": 15, "return_volumes": True},
    "split_failures": {"red_time": 5, "red_occupancy_threshold": 0.80, "green_occupancy_threshold": 0.80,
                       "by_approach": True, "by_cycle": False},
    "timeline": {"min_duration": 0.2, "cushion_time": 1, "maxtime": True}, "phase_wait": {}, "ped_delay": {},
}
aggregations = [{"name": name, "params": params} for name, params in wanted.items()]
with SignalDataProcessor(raw_data=events, detector_config=config, bin_size=15, verbose=0,
                         aggregations=aggregations, controller_type="maxtime") as processor:
    processor.load()
    processor.aggregate()
    for name in [*wanted, "unmatched_events"]:
        processor.conn.execute(f"COPY {name} TO '{out}/{name}.csv' (HEADER)")
"#;

/// Runs a command to its end, with what it took of the processor and of memory.
fn timed(command: Command, folder: &Path) -> anyhow::Result<Took> {
    let said = folder.join("time.txt");
    let mut timed = Command::new("python3");
    timed.arg("-c").arg(TIMED).arg(&said).arg(command.get_program()).args(command.get_args());
    step(&format!("{}", command.get_program().display()), timed)?;
    let text = std::fs::read_to_string(&said)?;
    let mut numbers = text.split_whitespace().filter_map(|number| number.parse::<f64>().ok());
    let mut number = || numbers.next().context("what the run took");
    Ok(Took { cpu_s: number()?, peak_mib: number()? })
}

/// Runs the rest of its arguments; writes CPU seconds and peak MiB.
const TIMED: &str = r"
import resource, subprocess, sys
code = subprocess.run(sys.argv[2:]).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
open(sys.argv[1], 'w').write(f'{used.ru_utime + used.ru_stime} {used.ru_maxrss / 1024}')
sys.exit(code)
";
