//! `simulator run`: a SUMO network and its demand, without a centre.

use super::Failure;
use anyhow::Context;
use clap::Args;
use model::{
    config::{Complaints, Read, Source},
    sumo,
};
use simulator::{
    scenario::{Run, output::Outputs},
    world::{DepartLane, Options},
};
use std::{
    io::{IsTerminal, Write},
    path::PathBuf,
};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// Road network: a SUMO .net.xml.
    #[arg(long, value_name = "F.net.xml")]
    net: PathBuf,
    /// Demand: SUMO .rou.xml files, in loading order.
    #[arg(long, value_name = "F.rou.xml", value_delimiter = ',', required = true)]
    routes: Vec<PathBuf>,
    /// Further SUMO files (types, stops, traffic light programs), loaded before the demand.
    #[arg(long, value_name = "F.add.xml", value_delimiter = ',')]
    additional: Vec<PathBuf>,
    /// Start, seconds on the demand's own clock.
    #[arg(long, default_value_t = 0.0, value_name = "SECONDS")]
    begin: f64,
    /// End, seconds. Without it the run ends when everybody has arrived, or after a day.
    #[arg(long, value_name = "SECONDS")]
    end: Option<f64>,
    /// Same seed, same run.
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Length of a step, seconds: 1 or 0.5.
    #[arg(long, default_value = "1", value_name = "SECONDS", value_parser = step_ms)]
    step: u32,
    /// Lane on which vehicles enter: the best for the route (as SUMO chooses), or the one at the kerb.
    #[arg(long, default_value = "best", value_name = "first|best", value_parser = depart_lane)]
    depart_lane: DepartLane,
    /// Folder for tripinfo.xml, summary.xml, statistics.xml, tls_states.xml and summary.json; made if missing.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// A run without an end stops here at the latest, s after its begin.
const LONGEST_S: f64 = 86_400.0;

fn step_ms(text: &str) -> Result<u32, String> {
    match text {
        "1" | "1.0" => Ok(1000),
        "0.5" => Ok(500),
        _ => Err("a step is 1 or 0.5 seconds long".to_string()),
    }
}

fn depart_lane(text: &str) -> Result<DepartLane, String> {
    match text {
        "first" => Ok(DepartLane::First),
        "best" => Ok(DepartLane::Best),
        _ => Err("it is first or best".to_string()),
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let end_s = arguments.end.unwrap_or(arguments.begin + LONGEST_S);
    if end_s <= arguments.begin {
        return Err(Failure::Input(vec![format!("--end {end_s} is not after --begin {}", arguments.begin)]));
    }
    let net = Text::read(&arguments.net)?;
    let additional = arguments.additional.iter().map(Text::read).collect::<Result<Vec<_>, _>>()?;
    let routes = arguments.routes.iter().map(Text::read).collect::<Result<Vec<_>, _>>()?;
    let additional: Vec<Source<'_>> = additional.iter().map(Text::source).collect();
    let city = heard(sumo::network(net.source(), &additional))?;
    let sources: Vec<Source<'_>> = additional.into_iter().chain(routes.iter().map(Text::source)).collect();
    let demand = heard(sumo::demand(&city.network, &sources))?;
    let options = Options {
        step_ms: arguments.step,
        begin_ms: (arguments.begin * 1000.0).round() as i64,
        depart_lane: arguments.depart_lane,
        ..Options::default()
    };
    let junctions = city.junctions.len();
    let mut run = Run::new(city, demand, arguments.seed, options, (end_s * 1000.0).round() as i64);
    for (id, fault) in run.refused() {
        say(&format!("trip {id} is left out: {fault}"));
    }
    let mut outputs = match &arguments.out {
        Some(folder) => {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("could not make {}", folder.display()))?;
            Some(
                Outputs::create(folder, junctions)
                    .with_context(|| format!("could not write into {}", folder.display()))?,
            )
        }
        None => None,
    };
    let mut progress = Progress::new(arguments.begin, end_s);
    let started = now();
    loop {
        let at_ms = run.world().now_ms();
        let idle = run.world().on_road() + run.world().waiting_to_enter() + run.world().still_to_come() == 0;
        if arguments.end.is_none() && idle {
            break;
        }
        let Some(finished) = run.step() else { break };
        if let Some(outputs) = &mut outputs {
            outputs
                .step(run.city(), run.world(), &run.plans().lamps(), at_ms, &finished)
                .context("could not write the outputs")?;
        }
        progress.show(&run);
    }
    let wall_s = started.elapsed().as_secs_f64();
    progress.done();
    let summary = run.summary();
    if let Some(outputs) = outputs {
        outputs.finish(run.city(), run.world()).context("could not write the outputs")?;
    }
    if let Some(folder) = &arguments.out {
        let text = serde_json::to_string_pretty(&summary).context("could not write the summary")?;
        std::fs::write(folder.join("summary.json"), text + "\n").context("could not write the summary")?;
    }
    let mut answer = serde_json::to_value(&summary).context("could not write the summary")?;
    answer["wall_s"] = wall_s.into();
    answer["updates_per_s"] = (summary.vehicle_updates as f64 / wall_s.max(1e-9)).round().into();
    let text = serde_json::to_string_pretty(&answer).context("could not write the summary")?;
    // Whoever closed the pipe has read enough.
    let _ = writeln!(std::io::stdout(), "{text}");
    Ok(())
}

/// A file's name and text.
struct Text {
    name: String,
    text: String,
}

impl Text {
    fn read(path: impl AsRef<std::path::Path>) -> Result<Text, Failure> {
        let path = path.as_ref();
        let name = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Text { name, text }),
            Err(error) => Err(Failure::Input(vec![format!("{name}: {error}")])),
        }
    }
    fn source(&self) -> Source<'_> {
        Source::new(&self.name, &self.text)
    }
}

/// Says what a reader noted, and turns its complaints into a failure.
fn heard<T>(read: Result<Read<T>, Complaints>) -> Result<T, Failure> {
    match read {
        Ok(read) => {
            read.notes.iter().for_each(|note| say(&note.to_string()));
            Ok(read.value)
        }
        Err(complaints) => Err(Failure::Input(complaints.0.iter().map(ToString::to_string).collect())),
    }
}

#[expect(clippy::print_stderr, reason = "notes for the person at the terminal")]
fn say(line: &str) {
    eprintln!("simulator: {line}");
}

#[expect(clippy::disallowed_methods, reason = "the shell times the run and paces its progress line")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

/// One line on a terminal that changes in place; nothing in a pipe.
struct Progress {
    shown: Option<std::time::Instant>,
    begin_s: f64,
    end_s: f64,
    on_terminal: bool,
}

impl Progress {
    fn new(begin_s: f64, end_s: f64) -> Progress {
        Progress { shown: None, begin_s, end_s, on_terminal: std::io::stderr().is_terminal() }
    }

    #[expect(clippy::print_stderr, reason = "the progress line")]
    fn show(&mut self, run: &Run) {
        const EVERY_MS: u128 = 200;
        if !self.on_terminal || self.shown.is_some_and(|at| at.elapsed().as_millis() < EVERY_MS) {
            return;
        }
        self.shown = Some(now());
        let world = run.world();
        let share = world.simulated_s() / (self.end_s - self.begin_s) * 100.0;
        let (driving, arrived) = (world.on_road(), world.totals().arrived);
        eprint!("\r\x1b[K{share:3.0} %  {:.0} s  {driving} driving  {arrived} arrived", world.simulated_s());
    }

    #[expect(clippy::print_stderr, reason = "the progress line")]
    fn done(&self) {
        if self.on_terminal {
            eprint!("\r\x1b[K");
        }
    }
}
