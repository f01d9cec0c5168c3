//! Sets our own traffic beside SUMO's: the same scenarios, the net's own fixed plans, the same seeds, SUMO by itself
//! and without moving anybody by hand. The table says by how much the means differ, and whether that is close enough.

use crate::{
    compare::tripinfo,
    input::{self, InputError},
};
use anyhow::{Context, bail};
use model::{config::Source, demand::Demand, detection::Tier, sumo::Scenario};
use simulator::{scenario::Run, sumo, world::Options};
use std::{
    collections::BTreeMap,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// `city fidelity`.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    /// Scenarios: SUMO configurations.
    #[arg(value_name = "F.sumocfg", required = true)]
    scenarios: Vec<PathBuf>,
    /// Seeds from 1 to this.
    #[arg(long, default_value_t = 5, value_name = "N")]
    seeds: u64,
}

/// Means may differ by so much.
const CLOSE: f64 = 0.05;
/// The same where the network cannot take its demand: small differences grow in a jam.
const CLOSE_IN_A_JAM: f64 = 0.10;
/// A network cannot take its demand if in SUMO more than this share never finds room to depart.
const JAM: f64 = 0.05;
/// Arrivals per minute correlate at least so well.
const CORRELATED: f64 = 0.95;

/// What one engine made of a scenario, over all seeds.
#[derive(Clone, Default, Debug)]
struct Outcome {
    runs: usize,
    trips: usize,
    departed: usize,
    travel_s: f64,
    stopped_s: f64,
    depart_delay_s: f64,
    delay_s: f64,
    /// Arrivals in each minute since the begin.
    arrivals: BTreeMap<i64, f64>,
}

impl Outcome {
    fn departed(&mut self, travel_s: f64, stopped_s: f64, lost_s: f64, depart_delay_s: f64) {
        self.departed += 1;
        self.travel_s += travel_s;
        self.stopped_s += stopped_s;
        self.depart_delay_s += depart_delay_s;
        self.delay_s += lost_s + depart_delay_s;
    }
    fn arrived(&mut self, since_begin_s: f64) {
        *self.arrivals.entry((since_begin_s / 60.0) as i64).or_default() += 1.0;
    }
    fn never_departed(&self) -> f64 {
        (self.trips - self.departed) as f64 / self.trips.max(1) as f64
    }
    /// Travel, delay and stopped time, s, as means over vehicles.
    fn means(&self) -> [f64; 3] {
        let departed = self.departed.max(1) as f64;
        [self.travel_s / departed, self.delay_s / self.trips.max(1) as f64, self.stopped_s / departed]
    }
}

/// Runs it; an error says how many cells missed.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let binary = sumo::find()?;
    let mut out = std::io::stdout();
    writeln!(
        out,
        "{:16} {:>22} {:>22} {:>22} {:>9} {:>15}",
        "own/SUMO", "travel s", "delay s", "stopped s", "arrivals", "departDelay s"
    )?;
    let mut missed = 0;
    for file in &arguments.scenarios {
        let text = input::text(file)?;
        let name = file.display().to_string();
        let scenario = model::sumo::scenario(Source::new(&name, &text)).map_err(InputError::from)?.value;
        let (own, theirs) = both(file, &scenario, &binary, arguments.seeds)?;
        let stem = file.file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned());
        let (line, misses) = row(&stem, &own, &theirs);
        writeln!(out, "{line}")?;
        missed += misses;
    }
    writeln!(
        out,
        "{} seeds; a mean misses (!) if it differs by more than {:.0} % ({:.0} % where more than {:.0} % never depart), \
         arrivals per minute if they correlate below {CORRELATED}",
        arguments.seeds,
        CLOSE * 100.0,
        CLOSE_IN_A_JAM * 100.0,
        JAM * 100.0
    )?;
    if missed > 0 {
        bail!("{missed} of {} cells miss their bar", arguments.scenarios.len() * 4);
    }
    Ok(())
}

/// A scenario's line, and how many of its cells miss.
fn row(name: &str, own: &Outcome, theirs: &Outcome) -> (String, usize) {
    let close = if theirs.never_departed() > JAM { CLOSE_IN_A_JAM } else { CLOSE };
    let mut line = format!("{name:16}");
    let mut missed = 0;
    for (ours, sumo) in own.means().into_iter().zip(theirs.means()) {
        let ratio = ours / sumo.max(1e-9);
        let misses = (ratio - 1.0).abs() > close;
        missed += usize::from(misses);
        let mark = if misses { '!' } else { ' ' };
        line += &format!(" {:>21}{mark}", format!("{ours:.1}/{sumo:.1} {ratio:.3}"));
    }
    let correlation = correlation(own, theirs);
    let misses = correlation < CORRELATED;
    missed += usize::from(misses);
    line += &format!(" {correlation:>8.3}{}", if misses { '!' } else { ' ' });
    let waited = |r: &Outcome| r.depart_delay_s / r.departed.max(1) as f64;
    line += &format!(" {:>15}", format!("{:.1}/{:.1}", waited(own), waited(theirs)));
    (line, missed)
}

/// Pearson's correlation of arrivals per minute.
fn correlation(own: &Outcome, theirs: &Outcome) -> f64 {
    let last = own.arrivals.keys().chain(theirs.arrivals.keys()).copied().max().unwrap_or(0);
    let per_minute = |r: &Outcome| -> Vec<f64> {
        (0..=last).map(|m| r.arrivals.get(&m).copied().unwrap_or(0.0) / r.runs.max(1) as f64).collect()
    };
    let (a, b) = (per_minute(own), per_minute(theirs));
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let (ma, mb) = (mean(&a), mean(&b));
    let sum = |f: &dyn Fn(f64, f64) -> f64| -> f64 { a.iter().zip(&b).map(|(x, y)| f(x - ma, y - mb)).sum() };
    let spread = (sum(&|x, _| x * x) * sum(&|_, y| y * y)).sqrt();
    if spread > 0.0 { sum(&|x, y| x * y) / spread } else { 1.0 }
}

fn both(file: &Path, scenario: &Scenario, binary: &Path, seeds: u64) -> anyhow::Result<(Outcome, Outcome)> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let of = |names: &[String]| -> Vec<PathBuf> { names.iter().map(|f| folder.join(f)).collect() };
    let city = input::sumo_city(&folder.join(&scenario.net), &of(&scenario.additional), Tier::Loops)?;
    let files: Vec<PathBuf> = of(&scenario.additional).into_iter().chain(of(&scenario.routes)).collect();
    let demand = input::sumo_demand(&city.network, &files)?;
    let end_s = scenario
        .end_s
        .ok_or_else(|| InputError::about(file, "names no end, so the two could not be set side by side"))?;
    let due: BTreeMap<&str, f64> = demand
        .trips
        .iter()
        .filter(|t| (scenario.begin_s..end_s).contains(&t.depart_s))
        .map(|t| (t.id.as_str(), t.depart_s))
        .collect();
    let (mut own, mut theirs) = (Outcome::default(), Outcome::default());
    for seed in 1..=seeds {
        let reports = tempfile::NamedTempFile::new().context("could not make a file for SUMO's reports")?;
        let mut sumo = Command::new(binary)
            .arg("--configuration-file")
            .arg(file)
            .args(["--seed", &seed.to_string(), "--time-to-teleport", "-1"])
            .args(["--no-step-log", "--no-warnings", "--duration-log.disable"])
            .args(["--tripinfo-output.write-unfinished", "--tripinfo-output"])
            .arg(reports.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("could not start {}", binary.display()))?;
        drive(&city, &demand, seed, scenario.begin_s, end_s, &mut own);
        let ended = sumo.wait().context("could not wait for SUMO")?;
        if !ended.success() {
            bail!("SUMO could not run {}: {ended}", file.display());
        }
        hear(reports.path(), &due, scenario.begin_s, end_s, &mut theirs)?;
    }
    Ok((own, theirs))
}

/// Drives one seed with our own engine.
fn drive(
    city: &model::city::City,
    demand: &Demand,
    seed: u64,
    begin_s: f64,
    end_s: f64,
    result: &mut Outcome,
) {
    let options = Options { begin_ms: (begin_s * 1000.0).round() as i64, ..Options::default() };
    let mut run = Run::new(city.clone(), demand.clone(), seed, options, (end_s * 1000.0).round() as i64);
    let mut trips = Vec::new();
    while let Some(finished) = run.step() {
        trips.extend(finished);
    }
    trips.extend(run.world().unfinished());
    result.runs += 1;
    result.trips += run.due() as usize;
    for trip in &trips {
        result.departed(trip.duration_s, trip.waiting_s, trip.time_loss_s, trip.depart_delay_s);
        if let Some(at) = trip.arrival_s {
            result.arrived(at - begin_s);
        }
    }
    result.delay_s += run.world().never_departed_waits_s().iter().sum::<f64>();
}

/// Reads what SUMO reports of one seed.
fn hear(
    reports: &Path,
    due: &BTreeMap<&str, f64>,
    begin_s: f64,
    end_s: f64,
    result: &mut Outcome,
) -> anyhow::Result<()> {
    let mut waiting = due.clone();
    result.runs += 1;
    result.trips += due.len();
    tripinfo::read(reports, |trip| {
        if waiting.remove(trip.id.as_str()).is_none() {
            return;
        }
        result.departed(trip.duration_s, trip.waiting_s, trip.time_loss_s, trip.depart_delay_s);
        if let Some(at) = trip.arrival_s {
            result.arrived(at - begin_s);
        }
    })?;
    result.delay_s += waiting.values().map(|depart_s| end_s - depart_s).sum::<f64>();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(travel_s: f64, minutes: &[f64]) -> Outcome {
        let mut r = Outcome { runs: 1, trips: 1, ..Outcome::default() };
        r.departed(travel_s, 10.0, 20.0, 0.0);
        r.arrivals = minutes.iter().enumerate().map(|(m, n)| (m as i64, *n)).collect();
        r
    }

    #[test]
    fn a_mean_that_differs_too_much_is_a_miss() {
        let sumo = result(100.0, &[1.0, 2.0, 3.0]);
        assert_eq!(row("same", &sumo, &sumo).1, 0);
        assert_eq!(row("near", &result(104.0, &[1.0, 2.0, 3.0]), &sumo).1, 0);
        let (line, misses) = row("far", &result(107.0, &[3.0, 2.0, 1.0]), &sumo);
        assert_eq!(misses, 2, "travel time, and arrivals that run the other way");
        assert!(line.contains("107.0/100.0 1.070!") && line.contains("-1.000!"), "{line}");
    }
}
