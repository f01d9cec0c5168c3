//! Rehearsal: the real cores of centre, agents and devices under a virtual clock, with all that can go wrong between
//! them. One seed is one whole history; a promise that breaks is printed with the line that plays it again.
//!
//! In reading order: `script` draws what goes wrong and when, `town` the junctions, `street` what their detectors
//! feel, `mischief` commands that nobody may obey; `link` is the broker, `cable` the Modbus line, `cabinet` an agent
//! with its device, `centre` a centre; `promises` are the books that say what broke, and `rehearsal` is the loop.
//! `plant` has the faults that are planted to see that they are found.

mod cabinet;
mod cable;
mod centre;
mod link;
mod mischief;
mod plant;
mod promises;
mod rehearsal;
mod script;
mod street;
mod town;

use anyhow::{Context, bail};
use plant::Plant;
use promises::{Broken, broken};
use rayon::prelude::*;
use rehearsal::Outcome;
use std::{
    collections::BTreeMap,
    io::{IsTerminal, Write},
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicU64, Ordering},
};

/// `city rehearse`.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    /// The one seed to play.
    #[arg(long, value_name = "N", conflicts_with = "seeds", required_unless_present = "seeds")]
    seed: Option<u64>,
    /// All seeds from A up to, but not including, B.
    #[arg(long, value_name = "A..B", value_parser = seeds)]
    seeds: Option<Range<u64>>,
    /// Minutes of the city's time in each run.
    #[arg(long, value_name = "M", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=1440))]
    minutes: u32,
    /// Plants a fault, to see that it is found.
    #[arg(long, value_name = "NAME", hide = true)]
    plant: Option<Plant>,
}

impl Arguments {
    /// Whether many runs are played, of which only the counts are looked at.
    pub(crate) fn is_many(&self) -> bool {
        self.seeds.is_some()
    }
}

fn seeds(text: &str) -> Result<Range<u64>, String> {
    let (from, to) = text.split_once("..").ok_or("say A..B")?;
    let number = |s: &str| s.parse::<u64>().map_err(|e| format!("{s:?}: {e}"));
    let range = number(from)?..number(to)?;
    if range.is_empty() { Err("the first seed must be below the last".to_owned()) } else { Ok(range) }
}

/// Plays all seeds, and says what broke or how much went wrong without anything breaking.
///
/// # Errors
/// If a promise broke.
#[expect(clippy::print_stdout, reason = "a command for people: its words are its work")]
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let seeds = match (&arguments.seeds, arguments.seed) {
        (Some(seeds), _) => seeds.clone(),
        (None, Some(seed)) => seed..seed + 1,
        (None, None) => bail!("say which seeds"),
    };
    let runs = seeds.end - seeds.start;
    let show = Progress { runs, done: AtomicU64::new(0), terminal: std::io::stderr().is_terminal() };
    let outcomes: Vec<(u64, Outcome)> = seeds
        .into_par_iter()
        .map(|seed| {
            let outcome = play(seed, arguments.minutes, arguments.plant);
            show.one_more();
            outcome.map(|outcome| (seed, outcome))
        })
        .collect::<std::io::Result<_>>()
        .context("could not begin")?;
    show.end();
    let mut tally: BTreeMap<String, u64> = BTreeMap::new();
    let mut bad = 0;
    for (seed, outcome) in outcomes {
        for (name, n) in outcome.tally {
            *tally.entry(name).or_default() += n;
        }
        if let Some((at_ms, broken)) = outcome.broken {
            bad += 1;
            let minutes = if arguments.minutes == 60 {
                String::new()
            } else {
                format!(" --minutes {}", arguments.minutes)
            };
            let plant = arguments.plant.map_or(String::new(), |p| format!(" --plant {}", p.as_str()));
            println!("seed {seed}: promise {} broken at {}: {}", broken.promise, clock(at_ms), broken.what);
            println!("replay: city rehearse --seed {seed}{minutes}{plant}");
        } else if runs == 1 {
            println!("seed {seed}: transcript {:016x}", outcome.transcript);
        }
    }
    for (name, n) in &tally {
        println!("{n:>12}  {name}");
    }
    let hours = runs as f64 * f64::from(arguments.minutes) / 60.0;
    println!("{runs} runs, {hours:.1} simulated hours, {bad} with a broken promise");
    if bad > 0 { bail!("{bad} of {runs} runs broke a promise") } else { Ok(()) }
}

/// One run; a panic in it is promise 5 broken.
fn play(seed: u64, minutes: u32, plant: Option<Plant>) -> std::io::Result<Outcome> {
    catch_unwind(AssertUnwindSafe(|| rehearsal::run(seed, minutes, plant))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("no words");
        let broken: Broken = broken(5, format!("a panic: {text}"));
        Ok(Outcome { broken: Some((0, broken)), ..Outcome::default() })
    })
}

fn clock(ms: i64) -> String {
    let (s, ms) = (ms / 1000, ms % 1000);
    format!("{:02}:{:02}:{:02}.{ms:03}", s / 3600, s / 60 % 60, s % 60)
}

/// One line that moves on a terminal; nothing in a pipe.
struct Progress {
    runs: u64,
    done: AtomicU64,
    terminal: bool,
}

impl Progress {
    fn one_more(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if self.terminal && done.is_multiple_of(8) {
            let _ = write!(std::io::stderr(), "\r{done} of {} ", self.runs);
            let _ = std::io::stderr().flush();
        }
    }

    fn end(&self) {
        if self.terminal {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

#[cfg(test)]
mod tests;
