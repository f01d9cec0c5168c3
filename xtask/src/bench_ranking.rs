//! `cargo xtask bench ranking`: does control that is better in our engine turn out better in SUMO?
//!
//! Every scenario at hand runs under four kinds of control in both engines, with the same seeds. Goals: the same order everywhere, and what each gains
//! over the scenario's own plan within ten points. `SVETOFOR_SEEDS` says how many seeds, from 1 on (two if nothing is said).

use crate::{
    cargo, city,
    hours::{self, Hour},
    scenarios, step, tools,
};
use anyhow::{Context, bail};
use serde::Deserialize;
use std::{collections::BTreeMap, path::Path};

const ENGINES: [&str; 2] = ["sumo", "own"];
/// The first is what the others gain over.
const CONTROLS: [&str; 4] = ["fixed", "actuated", "max-pressure", "adaptive"];
/// Gains may differ by so much, percentage points.
const POINTS: f64 = 10.0;

/// What `city compare --json` says, as far as it matters here.
#[derive(Deserialize)]
struct Compared {
    scenarios: Vec<Setting>,
}

#[derive(Deserialize)]
struct Setting {
    engine: String,
    controls: Vec<Group>,
    differences: Vec<Difference>,
}

#[derive(Deserialize)]
struct Group {
    control: String,
    measures: BTreeMap<String, Estimate>,
}

#[derive(Deserialize)]
struct Difference {
    control: String,
    against: String,
    measures: BTreeMap<String, Estimate>,
}

#[derive(Clone, Copy, Deserialize)]
struct Estimate {
    mean: f64,
    /// Of its 95 % interval; none for a single seed.
    half_width: Option<f64>,
}

/// What one engine says of a scenario: by control the mean delay, s, and by pair of controls the difference.
struct Verdict {
    delays: [f64; CONTROLS.len()],
    differences: BTreeMap<(usize, usize), Estimate>,
}

pub(crate) fn run() -> anyhow::Result<()> {
    tools::install()?;
    let (seeds, scenarios) = (hours::seeds()?, scenarios()?);
    step("build the city", cargo(["build", "--release", "--package", "city"]))?;
    let folder = hours::folder("bench-ranking")?;
    println!("mean delay, s, and what is gained over the scenario's own plan; {seeds} seeds");
    let mut failed = Vec::new();
    for scenario in scenarios {
        let name = hours::name(&scenario);
        let folder = folder.join(&name);
        let mut wanted = Vec::new();
        for engine in ENGINES {
            for control in CONTROLS {
                for seed in 1..=seeds {
                    let out = folder.join(engine).join(control).join(seed.to_string());
                    let arguments = vec!["--engine", engine, "--control", control];
                    wanted.push(Hour { scenario: scenario.clone(), arguments, seed, out });
                }
            }
        }
        hours::drive(wanted)?;
        let compared = compare(&folder)?;
        let [theirs, ours] = ENGINES.map(|engine| Verdict::of(&compared, engine));
        failed.extend(set_beside(&name, &theirs?, &ours?));
    }
    if !failed.is_empty() {
        bail!("missed: {}", failed.join("; "));
    }
    Ok(())
}

fn compare(folder: &Path) -> anyhow::Result<Compared> {
    let said =
        city().arg("compare").arg("--json").arg(folder).output().context("could not start the city")?;
    if !said.status.success() {
        bail!("{}", String::from_utf8_lossy(&said.stderr));
    }
    serde_json::from_slice(&said.stdout).context("what `city compare` says")
}

impl Verdict {
    fn of(compared: &Compared, engine: &str) -> anyhow::Result<Verdict> {
        let found = compared.scenarios.iter().find(|s| s.engine == engine);
        let setting = found.with_context(|| format!("no run of the engine {engine}"))?;
        // What it could see stands behind the control's name.
        let place = |said: &str| CONTROLS.iter().position(|c| said.split(' ').next() == Some(c));
        let mut delays = [f64::NAN; CONTROLS.len()];
        for group in &setting.controls {
            let delay = group.measures.get("delay_s").context("no delay")?;
            delays[place(&group.control).with_context(|| group.control.clone())?] = delay.mean;
        }
        let pair =
            |d: &Difference| Some(((place(&d.control)?, place(&d.against)?), *d.measures.get("delay_s")?));
        Ok(Verdict { delays, differences: setting.differences.iter().filter_map(pair).collect() })
    }

    /// Percent of the delay under the scenario's own plan.
    fn gains(&self) -> [f64; CONTROLS.len()] {
        self.delays.map(|delay| 100.0 * (1.0 - delay / self.delays[0]))
    }

    fn line(&self) -> String {
        let cells = CONTROLS.iter().zip(self.delays).zip(self.gains());
        cells
            .map(|((control, delay), gain)| format!("{control} {delay:.1} ({gain:+.0} %)"))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// Whether the seeds tell two controls apart.
    fn tells_apart(&self, a: usize, b: usize) -> bool {
        let of = |pair| self.differences.get(&pair);
        let difference = of((a, b)).or_else(|| of((b, a)));
        difference.is_some_and(|d| d.half_width.is_none_or(|half| d.mean.abs() > half))
    }
}

/// Prints both, and says what misses.
fn set_beside(name: &str, theirs: &Verdict, ours: &Verdict) -> Vec<String> {
    println!("{name}\n    SUMO: {}\n    ours: {}", theirs.line(), ours.line());
    let mut missed = Vec::new();
    for (a, one) in CONTROLS.iter().enumerate() {
        for (b, other) in CONTROLS.iter().enumerate().take(a) {
            let worse = |v: &Verdict| v.delays[a] > v.delays[b];
            if worse(theirs) == worse(ours) {
                continue;
            }
            let sure = theirs.tells_apart(a, b) && ours.tells_apart(a, b);
            let why = if sure { "" } else { ", within the spread of the seeds" };
            missed.push(format!("{name}: {one} and {other} change places{why}"));
        }
    }
    let gains = theirs.gains().into_iter().zip(ours.gains()).map(|(theirs, ours)| (theirs - ours).abs());
    let far = CONTROLS.iter().zip(gains).filter(|(_, points)| *points > POINTS);
    missed.extend(
        far.map(|(control, points)| format!("{name}: gains of {control} are {points:.0} points apart")),
    );
    missed.iter().for_each(|miss| println!("    ! {miss}"));
    missed
}
