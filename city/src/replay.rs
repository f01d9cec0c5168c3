//! `city replay`: the decisions of a run, taken again.
//!
//! A decision of adaptive control carries what it searched. Searching it again with the run's own numbers must give
//! the same stage and the same costs; anything else would mean that an explanation is not the reason.

use crate::input::{InputError, text};
use controller::decide::{Decision, Tuning, rounded};
use model::config::Complaint;
use serde::Deserialize;
use std::path::PathBuf;

/// `city replay`.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    /// Folder of a run of `city evaluate`.
    #[arg(value_name = "DIR")]
    run: PathBuf,
}

/// What it needs of `summary.json`.
#[derive(Deserialize)]
struct Summary {
    tuning: Tuning,
}

/// Replays it.
///
/// # Errors
/// If the folder is not one of a run, or a decision comes out differently.
#[expect(clippy::print_stdout, reason = "a command for people: its words are its work")]
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let summary = arguments.run.join("summary.json");
    let Summary { tuning } = serde_json::from_str(&text(&summary)?)
        .map_err(|e| InputError::about(&summary, format!("it is not of a run of adaptive control: {e}")))?;
    let file = arguments.run.join("decisions.jsonl");
    let (mut searched, mut by_rule) = (0_u64, 0_u64);
    let mut different = Vec::new();
    for (line, json) in (1..).zip(text(&file)?.lines()) {
        let at = |message: String| Complaint::at(file.display().to_string(), line, message);
        let decision: Decision =
            serde_json::from_str(json).map_err(|e| InputError::from(at(format!("no decision: {e}"))))?;
        let Some(search) = &decision.search else {
            by_rule += 1;
            continue;
        };
        searched += 1;
        let then: Vec<_> = decision.alternatives.iter().map(|a| (a.stage, a.score)).collect();
        let now: Vec<_> = search.again(&tuning).into_iter().map(|(s, cost)| (s, cost.map(rounded))).collect();
        if decision.stage != now[0].0 || then != now {
            different
                .push(at(format!("decision {} comes out as {now:?}, and was {then:?}", decision.number)));
        }
    }
    println!(
        "{searched} decisions searched again: {} the same, {} different; {by_rule} followed a rule and were not searched",
        searched - different.len() as u64,
        different.len(),
    );
    match different.first() {
        None => Ok(()),
        Some(first) => anyhow::bail!("{first}"),
    }
}
