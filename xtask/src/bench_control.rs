//! `cargo xtask bench control`: what each kind of control costs those who drive, under SUMO, on all scenarios that are at hand.
//!
//! Every scenario runs under its own plan, actuated, and adaptive with each of the three kinds of equipment, with the same seeds; `city compare`
//! sets them side by side. `SVETOFOR_SEEDS` says how many seeds, from 101 on (two if nothing is said).

use crate::{
    cargo, city,
    hours::{self, Hour},
    scenarios, step, tools,
};

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

pub(crate) fn run() -> anyhow::Result<()> {
    tools::install()?;
    let (seeds, scenarios) = (hours::seeds()?, scenarios()?);
    step("build the city", cargo(["build", "--release", "--package", "city"]))?;
    let folder = hours::folder("bench-control")?;
    for scenario in scenarios {
        let name = hours::name(&scenario);
        println!("▸ {name}");
        let folder = folder.join(name);
        let mut wanted = Vec::new();
        for (kind, arguments) in KINDS {
            for seed in FIRST_SEED..FIRST_SEED + seeds {
                let out = folder.join(kind).join(seed.to_string());
                wanted.push(Hour { scenario: scenario.clone(), arguments: arguments.to_vec(), seed, out });
            }
        }
        hours::drive(wanted)?;
        let mut compare = city();
        compare.arg("compare").arg(&folder).arg("--out").arg(&folder);
        step("side by side", compare)?;
    }
    Ok(())
}
