//! Runs by scenario, engine and control, with the seeds as the sample.

use super::{
    run::{Run, Setting, Variant},
    sample::Estimate,
    score::{Measure, Score},
};
use crate::input::InputError;
use serde::Serialize;
use std::collections::BTreeMap;

/// One estimate per measure that all runs have.
pub(super) type Estimates = BTreeMap<Measure, Estimate>;

/// All of it: the stable form of `--json` and `compare.json`.
#[derive(Debug, Serialize)]
pub(super) struct Comparison {
    pub(super) scenarios: Vec<ScenarioResults>,
    /// What a reader should know of the files, such as runs left out.
    pub(super) notes: Vec<String>,
}

/// What was tried on one scenario.
#[derive(Debug, Serialize)]
pub(super) struct ScenarioResults {
    /// The scenario's file name.
    pub(super) scenario: String,
    /// Who drove: `sumo`, or our `own`.
    pub(super) engine: String,
    /// Both, as tables and pictures call it.
    #[serde(skip)]
    pub(super) title: String,
    /// Vehicles that it plans.
    pub(super) vehicles: usize,
    pub(super) controls: Vec<Group>,
    /// Each control against each that stands before it, on the seeds that both have.
    pub(super) differences: Vec<Difference>,
}

/// One kind of control on one scenario.
#[derive(Debug, Serialize)]
pub(super) struct Group {
    /// The kind, with the choices that set it apart.
    pub(super) control: String,
    pub(super) seeds: Vec<u64>,
    pub(super) measures: Estimates,
    /// The road whose vehicles lost most, as most seeds have it.
    pub(super) worst_origin: Option<String>,
}

/// `control` minus `against`, seed by seed: what the traffic of a seed does to both drops out.
#[derive(Debug, Serialize)]
pub(super) struct Difference {
    pub(super) control: String,
    pub(super) against: String,
    pub(super) seeds: Vec<u64>,
    pub(super) measures: Estimates,
    /// Difference of the mean delays in percent of `against`'s, over the shared seeds.
    pub(super) delay_percent: f64,
}

type Scores = BTreeMap<u64, Score>;

/// Puts runs together. Two runs of the same seed, or of different demand under one name, are a mistake.
pub(super) fn compare(runs: Vec<Run>, mut notes: Vec<String>) -> Result<Comparison, InputError> {
    let mut first: BTreeMap<Setting, (usize, String)> = BTreeMap::new();
    let mut folders: BTreeMap<(Setting, Variant, u64), String> = BTreeMap::new();
    let mut scenarios: BTreeMap<Setting, BTreeMap<Variant, Scores>> = BTreeMap::new();
    for run in runs {
        let (folder, planned) = (run.folder.display().to_string(), run.score.planned);
        let (vehicles, elsewhere) =
            first.entry(run.setting.clone()).or_insert_with(|| (planned, folder.clone()));
        if *vehicles != planned {
            let cause = format!(
                "its {} plans {planned} vehicles, that of {elsewhere} {vehicles}; they cannot be compared",
                run.setting
            );
            return Err(InputError::about(&run.folder, cause));
        }
        if run.score.strangers > 0 {
            let strangers = run.score.strangers;
            notes.push(format!(
                "{folder}: {strangers} vehicles are not in the scenario's files, and are left out"
            ));
        }
        let key = (run.setting.clone(), run.variant.clone(), run.seed);
        if let Some(other) = folders.insert(key, folder) {
            let cause = format!(
                "{} with seed {} on {} is also in {other}; give one of them",
                run.variant, run.seed, run.setting
            );
            return Err(InputError::about(&run.folder, cause));
        }
        scenarios.entry(run.setting).or_default().entry(run.variant).or_default().insert(run.seed, run.score);
    }
    let scenarios = scenarios
        .into_iter()
        .map(|(setting, variants)| ScenarioResults {
            title: setting.to_string(),
            vehicles: first[&setting].0,
            scenario: setting.scenario,
            engine: setting.engine,
            controls: variants.iter().map(|(variant, scores)| group(variant, scores)).collect(),
            differences: differences(&variants),
        })
        .collect();
    Ok(Comparison { scenarios, notes })
}

fn group(variant: &Variant, scores: &Scores) -> Group {
    let mut votes: BTreeMap<&String, usize> = BTreeMap::new();
    for origin in scores.values().filter_map(|s| s.worst_origin.as_ref()) {
        *votes.entry(origin).or_default() += 1;
    }
    Group {
        control: variant.to_string(),
        seeds: scores.keys().copied().collect(),
        measures: estimates(scores.values().map(|s| s.measures.clone()).collect()),
        worst_origin: votes.into_iter().max_by_key(|(_, votes)| *votes).map(|(name, _)| name.clone()),
    }
}

fn differences(variants: &BTreeMap<Variant, Scores>) -> Vec<Difference> {
    let all: Vec<(&Variant, &Scores)> = variants.iter().collect();
    let pairs = (0..all.len()).flat_map(|b| (0..b).map(move |a| (a, b)));
    pairs
        .filter_map(|(a, b)| {
            let ((against, theirs), (control, ours)) = (all[a], all[b]);
            let both: Vec<(u64, &Score, &Score)> =
                ours.iter().filter_map(|(seed, score)| Some((*seed, score, theirs.get(seed)?))).collect();
            let minus = |ours: &Score, theirs: &Score| -> BTreeMap<Measure, f64> {
                let of = |(m, v): (&Measure, &f64)| Some((*m, v - theirs.measures.get(m)?));
                ours.measures.iter().filter_map(of).collect()
            };
            let delay = |of: fn(&(u64, &Score, &Score)) -> f64| both.iter().map(of).sum::<f64>();
            let base = delay(|(_, _, theirs)| theirs.measures[&Measure::DelayS]);
            let gain = delay(|(_, ours, theirs)| {
                ours.measures[&Measure::DelayS] - theirs.measures[&Measure::DelayS]
            });
            (!both.is_empty()).then(|| Difference {
                control: control.to_string(),
                against: against.to_string(),
                seeds: both.iter().map(|(seed, ..)| *seed).collect(),
                measures: estimates(both.iter().map(|(_, ours, theirs)| minus(ours, theirs)).collect()),
                delay_percent: 100.0 * gain / base.max(f64::MIN_POSITIVE),
            })
        })
        .collect()
}

/// Over the measures that every one of the runs has.
fn estimates(runs: Vec<BTreeMap<Measure, f64>>) -> Estimates {
    let Some(first) = runs.first() else { return Estimates::new() };
    let values = |m: &Measure| runs.iter().map(|r| r.get(m).copied()).collect::<Option<Vec<f64>>>();
    first.keys().filter_map(|m| Some((*m, Estimate::of(&values(m)?)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(scenario: &str, control: &str, seed: u64, delay_s: f64) -> Run {
        Run {
            folder: format!("{control}-{seed}").into(),
            setting: Setting { scenario: scenario.into(), engine: "sumo".into() },
            variant: Variant { control: control.into(), choices: Vec::new() },
            seed,
            score: Score {
                measures: BTreeMap::from([(Measure::DelayS, delay_s)]),
                worst_origin: None,
                planned: 10,
                strangers: 0,
            },
        }
    }

    #[test]
    fn differences_are_taken_seed_by_seed() {
        // Seed 3 is a bad day for both; the gain is still 10 s to within a second.
        let runs = vec![
            run("x.sumocfg", "fixed", 1, 30.0),
            run("x.sumocfg", "fixed", 2, 32.0),
            run("x.sumocfg", "fixed", 3, 90.0),
            run("x.sumocfg", "fixed", 4, 31.0),
            run("x.sumocfg", "max-pressure", 1, 20.0),
            run("x.sumocfg", "max-pressure", 2, 22.1),
            run("x.sumocfg", "max-pressure", 3, 79.9),
        ];
        let found = compare(runs, Vec::new()).expect("sound runs");
        let difference = &found.scenarios[0].differences[0];
        assert_eq!((difference.control.as_str(), difference.against.as_str()), ("max-pressure", "fixed"));
        assert_eq!(difference.seeds, [1, 2, 3]);
        assert_eq!(difference.measures[&Measure::DelayS].text(1), "-10.0 ± 0.2");
        assert_eq!(format!("{:.1}", difference.delay_percent), "-19.7");
        assert_eq!(found.scenarios[0].controls[0].measures[&Measure::DelayS].seeds, 4);
    }

    #[test]
    fn engines_are_not_set_against_each_other() {
        let mut own = run("x.sumocfg", "max-pressure", 1, 20.0);
        own.setting.engine = "own".into();
        let found = compare(vec![run("x.sumocfg", "fixed", 1, 30.0), own], Vec::new()).expect("sound runs");
        let titles: Vec<&str> = found.scenarios.iter().map(|s| s.title.as_str()).collect();
        assert_eq!(titles, ["x.sumocfg, own engine", "x.sumocfg"]);
        assert!(found.scenarios.iter().all(|s| s.differences.is_empty()));
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        let check = |other: Run, expected: &str| {
            let runs = vec![run("x.sumocfg", "fixed", 1, 30.0), other];
            assert_eq!(compare(runs, Vec::new()).unwrap_err().to_string(), expected);
        };
        let mut twice = run("x.sumocfg", "fixed", 1, 31.0);
        twice.folder = "again".into();
        check(twice, "again: fixed with seed 1 on x.sumocfg is also in fixed-1; give one of them");
        let mut larger = run("x.sumocfg", "fixed", 2, 31.0);
        larger.score.planned = 20;
        let cause = "its x.sumocfg plans 20 vehicles, that of fixed-1 10; they cannot be compared";
        check(larger, &format!("fixed-2: {cause}"));
    }
}
