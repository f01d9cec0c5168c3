//! SUMO under plans, at its own speed: the plans become SUMO's programs, and nobody talks to it while it runs.

use crate::{
    compare::{
        score::{Measure, Planned, Tally},
        tripinfo,
    },
    input::InputError,
};
use anyhow::{Context, bail};
use model::{city::City, sumo::Scenario};
use quick_xml::{events::Event, reader::Reader};
use simulator::scenario::{FixedPlans, state_letters};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

/// The real SUMO on one scenario.
#[derive(Debug)]
pub(super) struct Sumo {
    binary: PathBuf,
    configuration: PathBuf,
    /// The scenario's additional files that do more than record.
    additional: Vec<PathBuf>,
    planned: BTreeMap<String, Planned>,
    end_s: f64,
}

/// What only records: the runs of a search must not write over what the scenario's owner keeps.
const RECORDERS: [&str; 10] = [
    "timedEvent",
    "edgeData",
    "laneData",
    "inductionLoop",
    "e1Detector",
    "laneAreaDetector",
    "e2Detector",
    "entryExitDetector",
    "e3Detector",
    "instantInductionLoop",
];

impl Sumo {
    /// Finds SUMO as `city evaluate` does. `additional` are the scenario's files of that kind.
    pub(super) fn find(
        configuration: &Path,
        scenario: &Scenario,
        additional: &[PathBuf],
        planned: BTreeMap<String, Planned>,
    ) -> anyhow::Result<Sumo> {
        let mut kept = Vec::new();
        for file in additional {
            if !only_records(file)? {
                kept.push(std::path::absolute(file)?);
            }
        }
        Ok(Sumo {
            binary: simulator::sumo::find()?,
            configuration: configuration.to_path_buf(),
            additional: kept,
            planned,
            end_s: scenario.end_s.unwrap_or(scenario.begin_s),
        })
    }

    /// Mean delay, s, with each junction's first plan.
    pub(super) fn delay_s(&self, city: &City, seed: u64) -> anyhow::Result<f64> {
        let folder = tempfile::tempdir().context("could not make a folder for SUMO")?;
        let [programs, trips] = ["programs.add.xml", "tripinfo.xml"].map(|name| folder.path().join(name));
        std::fs::write(&programs, self::programs(city))
            .with_context(|| format!("could not write {}", programs.display()))?;
        let additional: Vec<String> =
            self.additional.iter().chain([&programs]).map(|f| f.display().to_string()).collect();
        let output = Command::new(&self.binary)
            .arg("--configuration-file")
            .arg(&self.configuration)
            .args(["--additional-files", &additional.join(",")])
            .args(["--seed", &seed.to_string()])
            .args(["--no-step-log", "--no-warnings", "--duration-log.disable"])
            .arg("--tripinfo-output")
            .arg(&trips)
            .arg("--tripinfo-output.write-unfinished")
            .arg("--statistic-output")
            .arg(folder.path().join("statistics.xml"))
            .output()
            .with_context(|| format!("could not start {}", self.binary.display()))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let cause = said.lines().find(|l| l.starts_with("Error")).unwrap_or("it gave no cause");
            bail!("SUMO refused {}: {cause}", self.configuration.display());
        }
        let mut tally = Tally::new(&self.planned, self.end_s);
        tripinfo::read(&trips, |trip| tally.take(trip))?;
        let score = tally.score();
        let score = score.with_context(|| format!("nobody departs in {}", self.configuration.display()))?;
        Ok(score.measures[&Measure::DelayS])
    }
}

/// Each junction's first plan as a program that SUMO runs by the clock: its letters, tenth by tenth, joined
/// where they stay.
fn programs(city: &City) -> String {
    let mut shown = FixedPlans::new(city);
    let mut letters = vec![String::new(); city.junctions.len()];
    let mut phases: Vec<Vec<(String, u32)>> = vec![Vec::new(); city.junctions.len()];
    let cycles: Vec<u32> =
        city.junctions.iter().map(|j| j.plans.first().map_or(0, |p| p.cycle().0)).collect();
    let longest = cycles.iter().copied().max().unwrap_or(0);
    // Which greens give way at the end of a stage is seen in the stage before: the first cycle is for that.
    for tenth in 0..2 * longest {
        shown.set(city, i64::from(tenth) * 100);
        let lamps = shown.lamps();
        for (j, junction) in city.junctions.iter().enumerate() {
            letters[j] = state_letters(junction, &lamps.groups[j], lamps.stages[j], &letters[j]);
            if !(cycles[j]..2 * cycles[j]).contains(&tenth) {
                continue;
            }
            match phases[j].last_mut() {
                Some((same, tenths)) if *same == letters[j] => *tenths += 1,
                _ => phases[j].push((letters[j].clone(), 1)),
            }
        }
    }
    let mut text = String::from("<additional>\n");
    for (junction, phases) in city.junctions.iter().zip(&phases).filter(|(_, phases)| !phases.is_empty()) {
        let id = junction.source_id().replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
        let _ = writeln!(text, "<tlLogic id=\"{id}\" type=\"static\" programID=\"tried\" offset=\"0\">");
        for (state, tenths) in phases {
            let _ = writeln!(text, "<phase duration=\"{}\" state=\"{state}\"/>", f64::from(*tenths) / 10.0);
        }
        text.push_str("</tlLogic>\n");
    }
    text + "</additional>\n"
}

/// Whether nothing in an additional file changes the traffic.
fn only_records(file: &Path) -> Result<bool, InputError> {
    let text = crate::input::text(file)?;
    let mut reader = Reader::from_str(&text);
    let (mut depth, mut records) = (0, true);
    loop {
        let event = reader.read_event().map_err(|e| InputError::about(file, format!("is not XML: {e}")))?;
        let (name, deeper) = match &event {
            Event::Start(e) => (Some(e.name()), true),
            Event::Empty(e) => (Some(e.name()), false),
            Event::End(_) => {
                depth -= 1;
                (None, false)
            }
            Event::Eof => return Ok(records),
            _ => (None, false),
        };
        if depth == 1
            && let Some(name) = name
        {
            records &= RECORDERS.contains(&name.as_ref());
        }
        depth += i32::from(deeper);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{sketch, time::Tenths};

    #[test]
    fn a_plan_becomes_the_program_that_shows_it() {
        let mut city = sketch::city("    N\n    |\nW---C---E\n    |\n    S", "C");
        city.junctions[0].plans[0].offset = Tenths::seconds(10);
        let text = programs(&city);
        let durations: f64 = text
            .split("duration=\"")
            .skip(1)
            .map(|p| p.split('"').next().and_then(|d| d.parse::<f64>().ok()).expect("a number"))
            .sum();
        assert_eq!(durations, city.junctions[0].plans[0].cycle().as_seconds());
        // What the lamps show at any moment is what the program says of it.
        let mut lamps = FixedPlans::new(&city);
        lamps.set(&city, 0);
        let first = state_letters(&city.junctions[0], &lamps.lamps().groups[0], lamps.lamps().stages[0], "");
        let state = text.split("state=\"").nth(1).and_then(|s| s.split('"').next()).expect("a phase");
        assert_eq!(state.to_lowercase(), first.to_lowercase());
    }

    #[test]
    fn files_that_only_record_are_told_from_those_that_steer() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("x.add.xml");
        let check = |text: &str, expected: bool| {
            std::fs::write(&file, text).expect("a file");
            assert_eq!(only_records(&file).expect("XML"), expected, "{text}");
        };
        check("<additional><timedEvent type=\"SaveTLSStates\" dest=\"x\"/></additional>", true);
        check("<additional><e1Detector id=\"d\"><param/></e1Detector><vType id=\"t\"/></additional>", false);
        check("<additional><tlLogic id=\"t\"><phase/></tlLogic></additional>", false);
    }
}
