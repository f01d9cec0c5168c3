//! `cargo xtask bench control`: what each kind of control costs those who drive, under SUMO, on all scenarios that are at hand.
//!
//! Every scenario runs under its own plan, actuated, and adaptive with each of the three kinds of equipment, with the same seeds; `city compare`
//! sets them side by side. `SVETOFOR_SEEDS` says how many seeds, from 101 on (two if nothing is said).

use crate::{cargo, city, root, scenarios, step, tools};
use anyhow::{Context, bail};
use std::{path::PathBuf, sync::Mutex};

/// What runs: its folder's name, and how `city evaluate` is asked for it.
const KINDS: [(&str, &[&str]); 5] = [
    ("fixed", &["--control", "fixed"]),
    ("actuated", &["--control", "actuated"]),
    ("full", &["--control", "adaptive", "--tier", "full"]),
    ("lane", &["--control", "adaptive", "--tier", "lane"]),
    ("loops", &["--control", "adaptive", "--tier", "loops"]),
];
/// Seeds with which nothing was tuned.
const FIRST_SEED: u32 = 101;

/// One hour to be driven.
struct Run {
    scenario: PathBuf,
    kind: &'static [&'static str],
    seed: u32,
    out: PathBuf,
}

pub(crate) fn run() -> anyhow::Result<()> {
    tools::install()?;
    let seeds: u32 = match std::env::var("SVETOFOR_SEEDS") {
        Ok(seeds) => seeds.parse().with_context(|| format!("SVETOFOR_SEEDS = {seeds} is not a number"))?,
        Err(_) => 2,
    };
    let scenarios = scenarios()?;
    step("build the city", cargo(["build", "--release", "--package", "city"]))?;
    let folder = root().join("target/bench-control");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).context("could not clear what the last one left")?;
    }
    for scenario in scenarios {
        let name = scenario.file_stem().unwrap_or_default();
        let folder = folder.join(name);
        println!("▸ {}", name.display());
        let mut runs = Vec::new();
        for (kind, arguments) in KINDS {
            for seed in FIRST_SEED..FIRST_SEED + seeds {
                let out = folder.join(kind).join(seed.to_string());
                runs.push(Run { scenario: scenario.clone(), kind: arguments, seed, out });
            }
        }
        all(runs)?;
        let mut compare = city();
        compare.arg("compare").arg(&folder).arg("--out").arg(&folder);
        step("side by side", compare)?;
    }
    Ok(())
}

/// Drives them, as many at once as there are cores.
fn all(runs: Vec<Run>) -> anyhow::Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let left = Mutex::new(runs.into_iter());
    let next = || left.lock().ok()?.next();
    std::thread::scope(|scope| {
        let drive = || -> anyhow::Result<()> {
            while let Some(run) = next() {
                run.drive()?;
            }
            Ok(())
        };
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(drive)).collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().unwrap_or_else(|_| bail!("a run ended badly")))
    })
}

impl Run {
    fn drive(&self) -> anyhow::Result<()> {
        let mut evaluate = city();
        evaluate.arg("evaluate").arg("--scenario").arg(&self.scenario).args(self.kind);
        evaluate.args(["--seed", &self.seed.to_string()]).arg("--out").arg(&self.out);
        let done = evaluate.output().context("could not start the city")?;
        if !done.status.success() {
            bail!("{}: {}", self.out.display(), String::from_utf8_lossy(&done.stderr));
        }
        Ok(())
    }
}
