//! A result folder of `city evaluate`, and how to find them.

use super::{
    score::{self, Planned, Score, Tally},
    tripinfo,
};
use crate::input::{self, InputError};
use model::{
    config::{Complaint, Source},
    detection::Tier,
};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// How deep folders of folders are searched: scenario, control, tier, engine and seed, and room for a date.
const DEEPEST: usize = 8;

/// What was judged: runs that differ only in their seed have the same one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Variant {
    pub(super) control: String,
    /// What else was chosen: what it could see and how well, plans of its own, the way through the field.
    pub(super) choices: Vec<String>,
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.choices[..] {
            [] => f.write_str(&self.control),
            choices => write!(f, "{} ({})", self.control, choices.join(", ")),
        }
    }
}

/// Where it was judged. Delays of two engines are not of one kind, and are never set against each other.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Setting {
    /// The scenario's file name.
    pub(super) scenario: String,
    pub(super) engine: String,
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.engine.as_str() {
            "sumo" => f.write_str(&self.scenario),
            engine => write!(f, "{}, {engine} engine", self.scenario),
        }
    }
}

/// One run, judged.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) folder: PathBuf,
    pub(super) setting: Setting,
    pub(super) variant: Variant,
    pub(super) seed: u64,
    pub(super) score: Score,
}

/// `summary.json`, as far as a comparison needs it.
#[derive(Deserialize)]
struct Summary {
    scenario: PathBuf,
    control: String,
    engine: String,
    seed: u64,
    #[serde(default)]
    path: Option<String>,
    /// What the control was allowed to see.
    #[serde(default)]
    tier: Option<String>,
    /// Share of the detectors that were broken.
    #[serde(default)]
    failed_detectors: f64,
    /// Share of the vehicles that working loops missed.
    #[serde(default)]
    detector_noise: f64,
    /// Numbers of the control that were changed, `NAME=VALUE`.
    #[serde(default)]
    set: Vec<String>,
    /// The file of plans that replaced the scenario's own.
    #[serde(default)]
    plans: Option<String>,
}

impl Summary {
    fn variant(self) -> Variant {
        let percent = |share: f64, what: &str| (share > 0.0).then(|| format!("{} % {what}", share * 100.0));
        let choices = [
            self.tier,
            percent(self.failed_detectors, "of detectors broken"),
            percent(self.detector_noise, "of vehicles missed"),
            self.plans,
            self.path.filter(|p| p != "core"),
        ];
        Variant { control: self.control, choices: choices.into_iter().flatten().chain(self.set).collect() }
    }
}

/// All result folders at or below `folder`, in order of their names, and notes on runs that did not end.
pub(super) fn find(folder: &Path, notes: &mut Vec<Complaint>) -> Result<Vec<PathBuf>, InputError> {
    let mut found = Vec::new();
    search(folder, 0, &mut found, notes)?;
    if found.is_empty() {
        return Err(InputError::about(folder, "holds no results of city evaluate (no summary.json)"));
    }
    Ok(found)
}

fn search(
    folder: &Path,
    depth: usize,
    found: &mut Vec<PathBuf>,
    notes: &mut Vec<Complaint>,
) -> Result<(), InputError> {
    if folder.join("summary.json").is_file() {
        found.push(folder.to_path_buf());
        return Ok(());
    }
    let unreadable = |e: std::io::Error| InputError::about(folder, format!("could not be read: {e}"));
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        if entry.file_type().map_err(unreadable)?.is_dir() {
            folders.push(entry.path());
        } else if entry.file_name() == "decisions.jsonl" {
            let name = folder.display().to_string();
            notes.push(Complaint::whole(name, "this run did not end (no summary.json), and is left out"));
        }
    }
    folders.sort();
    match depth < DEEPEST {
        true => folders.iter().try_for_each(|inner| search(inner, depth + 1, found, notes)),
        false => Ok(()),
    }
}

/// Who was to travel in a scenario, and until when.
#[derive(Debug)]
struct Schedule {
    planned: BTreeMap<String, Planned>,
    end_s: f64,
}

/// Reads result folders; runs of one scenario share its demand.
#[derive(Debug, Default)]
pub(super) struct Results {
    /// By what the configuration names: each run may have a configuration of its own over the same files.
    schedules: BTreeMap<String, Arc<Schedule>>,
}

impl Results {
    /// Reads and judges one run.
    pub(super) fn read(&mut self, folder: &Path) -> Result<Run, InputError> {
        let file = folder.join("summary.json");
        let summary: Summary = serde_json::from_str(&input::text(&file)?).map_err(|e| {
            let cause = format!("this is not a summary of city evaluate: {e}");
            Complaint::at(file.display().to_string(), e.line() as u32, cause)
        })?;
        let schedule = self.schedule(&summary.scenario)?;
        let mut tally = Tally::new(&schedule.planned, schedule.end_s);
        tripinfo::read(&folder.join("tripinfo.xml"), |trip| tally.take(trip))?;
        let score = tally
            .score()
            .ok_or_else(|| InputError::about(&summary.scenario, "nobody departs between begin and end"))?;
        Ok(Run {
            folder: folder.to_path_buf(),
            setting: Setting {
                scenario: summary
                    .scenario
                    .file_name()
                    .map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
                engine: summary.engine.clone(),
            },
            seed: summary.seed,
            variant: summary.variant(),
            score,
        })
    }

    fn schedule(&mut self, path: &Path) -> Result<Arc<Schedule>, InputError> {
        let (text, name) = (input::text(path)?, path.display().to_string());
        let scenario = model::sumo::scenario(Source::new(&name, &text)).map_err(InputError::from)?.value;
        let folder = path.parent().unwrap_or(Path::new("."));
        let files: Vec<PathBuf> =
            scenario.additional.iter().chain(&scenario.routes).map(|f| folder.join(f)).collect();
        // What this configuration has for itself, such as where SUMO records the lamps, changes no demand.
        let key = format!("{:?} {} {:?}", folder.join(&scenario.net), scenario.begin_s, scenario.end_s)
            + &scenario.routes.iter().map(|f| format!(" {:?}", folder.join(f))).collect::<String>();
        if let Some(known) = self.schedules.get(&key) {
            return Ok(known.clone());
        }
        let city = input::sumo_city(&folder.join(&scenario.net), &[], Tier::default())?;
        let demand = input::sumo_demand(&city.network, &files)?;
        let planned = score::planned(&city.network, &demand, scenario.begin_s, scenario.end_s);
        // Without an end the run ends with its last vehicle.
        let end_s = scenario.end_s.unwrap_or(scenario.begin_s);
        let schedule = Arc::new(Schedule { planned, end_s });
        self.schedules.insert(key, schedule.clone());
        Ok(schedule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_judged_is_named_by_what_sets_it_apart() {
        let check = |more: &str, expected: &str| {
            let text =
                format!(r#"{{"scenario": "x", "control": "adaptive", "engine": "sumo", "seed": 1{more}}}"#);
            let summary: Summary = serde_json::from_str(&text).expect("a summary");
            assert_eq!(summary.variant().to_string(), expected);
        };
        check("", "adaptive");
        check(r#", "tier": "lane", "path": "core", "failed_detectors": 0.0"#, "adaptive (lane)");
        check(
            r#", "tier": "loops", "path": "field", "failed_detectors": 0.1, "detector_noise": 0.02"#,
            "adaptive (loops, 10 % of detectors broken, 2 % of vehicles missed, field)",
        );
        check(r#", "plans": "plans.json", "set": ["horizon_s=40"]"#, "adaptive (plans.json, horizon_s=40)");
    }
}
