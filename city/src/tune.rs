//! Tunes the fixed plans of a scenario: the honest opponent of any adaptive control.
//!
//! The method is TRANSYT's (D. I. Robertson, *TRANSYT: a traffic network study tool*, Road Research Laboratory
//! report LR 253, 1969): one cycle for all, then a climb over offsets and splits by a fixed list of steps. In
//! place of its platoon model every plan is driven, vehicle by vehicle, with the same seeds.
//!
//! In reading order: [`plans`] is the file that comes out, `trial` drives plans, in our engine or in `sumo`,
//! `start` says where to begin, among others with the green waves of `wave`, `change` which plans lie near another, `climb` goes from one to the next.

pub mod plans;
mod trial;
mod sumo;
mod start;
mod wave;
mod change;
mod climb;
#[cfg(test)]
mod tests;

use crate::{compare::sample::Estimate, input::InputError};
use anyhow::Context;
use clap::ValueEnum;
use climb::Climb;
use plans::{Gain, PlansFile};
use serde::Serialize;
use std::{path::PathBuf, str::FromStr};
use trial::{Plans, Trial};

pub use plans::{apply, read_plans};

/// `city tune`.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    /// The scenario: a SUMO configuration.
    #[arg(long, value_name = "F.sumocfg")]
    scenario: PathBuf,
    /// Where the plans go: JSON, a plan for each junction.
    #[arg(long, value_name = "plans.json")]
    out: PathBuf,
    /// Who drives the traffic that plans are judged by. SUMO is slower; its search begins where our engine's ends.
    #[arg(long, value_enum, default_value = "own")]
    engine: Engine,
    /// Seeds of the traffic on which plans are tried, both ends included. Five seeds after them judge the result.
    #[arg(long, default_value = "1..3", value_name = "A..B")]
    seeds: Seeds,
    /// How many sets of plans are tried at most in each engine, every one with each seed.
    #[arg(long, default_value_t = 600, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    budget: u32,
}

/// Who drives.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum Engine {
    /// Our own.
    Own,
    /// The real SUMO, under programs made of the plans.
    Sumo,
}

/// Most seeds that plans are tried on: more make it slow, and no better.
const MOST_SEEDS: u64 = 100;
/// Seeds that the climb has not seen, on which its result is judged.
const FRESH_SEEDS: u64 = 5;

/// `A..B`, both included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Seeds {
    first: u64,
    last: u64,
}

impl FromStr for Seeds {
    type Err = String;
    fn from_str(text: &str) -> Result<Seeds, String> {
        let ends = text.split_once("..").and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
        match ends {
            Some((first, last))
                if first <= last && last - first < MOST_SEEDS && last < u64::MAX - FRESH_SEEDS =>
            {
                Ok(Seeds { first, last })
            }
            Some(_) => {
                Err(format!("the last seed must not be before the first, and {MOST_SEEDS} are enough"))
            }
            None => Err("it is two numbers with two dots between, such as 1..3".to_owned()),
        }
    }
}

/// Tunes, judges the result on fresh seeds, and writes it.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let (engine, budget) = (arguments.engine, arguments.budget);
    let trial = Trial::read(&arguments.scenario, engine)?;
    if trial.city().junctions.is_empty() {
        return Err(InputError::about(&arguments.scenario, "its network has no signals to tune").into());
    }
    let seeds: Vec<u64> = (arguments.seeds.first..=arguments.seeds.last).collect();
    let own = start::own(&trial);
    let starts = start::around(&trial, &own, seeds[0]);
    let (mut tuned, mut tried) = climbed(&trial, Engine::Own, &seeds, budget, &own, starts.clone())?;
    if engine == Engine::Sumo {
        let starts = std::iter::once(tuned).chain(starts).collect();
        let (again, more) = climbed(&trial, engine, &seeds, budget, &own, starts)?;
        (tuned, tried) = (again, tried + more);
    }

    let fresh: Vec<u64> = (1..=FRESH_SEEDS).map(|i| arguments.seeds.last + i).collect();
    let judged = trial.delays_s(engine, &[own, tuned.clone()], &fresh)?;
    let change: Vec<f64> = judged[1].iter().zip(&judged[0]).map(|(tuned, own)| tuned - own).collect();
    let estimate = |of: &[f64]| Estimate::of(of).expect("there are fresh seeds");
    let gain = Gain {
        engine,
        seeds: fresh,
        own_delay_s: estimate(&judged[0]),
        tuned_delay_s: estimate(&judged[1]),
        change_s: estimate(&change),
    };
    say(&gain, &tuned, tried);
    let file = PlansFile {
        scenario: arguments.scenario.display().to_string(),
        seeds,
        tried,
        gain,
        junctions: trial.city().junctions.iter().map(|j| j.id.clone()).zip(tuned).collect(),
    };
    std::fs::write(&arguments.out, serde_json::to_string_pretty(&file)? + "\n")
        .with_context(|| format!("could not write {}", arguments.out.display()))
}

/// The best plans that a climb finds from the scenario's `own` and other `starts`, and how many sets it tried.
fn climbed(
    trial: &Trial,
    engine: Engine,
    seeds: &[u64],
    budget: u32,
    own: &Plans,
    starts: Vec<Plans>,
) -> anyhow::Result<(Plans, u32)> {
    let mut climb = Climb::new(trial, engine, seeds, budget, own.clone())?;
    climb.begin(starts)?;
    climb.run()?;
    Ok(climb.done())
}

#[expect(clippy::print_stdout, reason = "the result is what a person waited for")]
fn say(gain: &Gain, tuned: &[model::signal::Plan], tried: u32) {
    let mut cycles: Vec<String> = tuned.iter().map(|p| p.cycle().to_string()).collect();
    cycles.sort();
    cycles.dedup();
    println!("{tried} sets of plans tried; cycle {} s", cycles.join(", "));
    let engine = if gain.engine == Engine::Own { "our own engine" } else { "SUMO" };
    println!(
        "mean delay on {} other seeds in {engine}, with the 95 % confidence interval:",
        gain.seeds.len()
    );
    println!("  the scenario's own plans  {} s", gain.own_delay_s.text(1));
    println!("  the tuned plans           {} s", gain.tuned_delay_s.text(1));
    println!("  change, seed by seed      {} s", gain.change_s.text(1));
    if gain.change_s.mean + gain.change_s.half_width.unwrap_or(0.0) >= 0.0 {
        println!("this is no sure gain: try more seeds or a larger budget");
    }
}
