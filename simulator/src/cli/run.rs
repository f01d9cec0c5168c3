//! `simulator run`: a SUMO network and its demand, or a city of ours and its own, without a centre.

use super::{
    Failure, VEHICLES_PER_JUNCTION,
    input::{Text, heard, say},
};
use anyhow::Context;
use clap::Args;
use model::{
    city::City,
    config::{Complaints, Source},
    demand::Demand,
    sumo::{self, Measuring, Plane, Scenario},
};
use serde::Serialize;
use simulator::{
    demand::DemandStream,
    scenario::{
        Run, Summary,
        measuring::Measures,
        output::{Files, Outputs},
        picture,
        series::{Point, Series},
    },
    world::{DepartLane, Options},
};
use std::{
    io::{IsTerminal, Write},
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// Scenario: a SUMO .sumocfg. What else is given here goes before what stands in it.
    #[arg(value_name = "F.sumocfg", required_unless_present_any = ["net", "city"])]
    scenario: Option<PathBuf>,
    /// Road network: a SUMO .net.xml.
    #[arg(long, value_name = "F.net.xml")]
    net: Option<PathBuf>,
    /// Instead of a SUMO network: a city as `simulator generate` writes it.
    #[arg(long, value_name = "F.json", conflicts_with_all = ["scenario", "net", "routes", "additional", "fcd_output"])]
    city: Option<PathBuf>,
    /// The city's trips, as `simulator generate` writes them. Without them it makes its own as time goes on.
    #[arg(long, value_name = "F.json", requires = "city")]
    demand: Option<PathBuf>,
    /// Vehicles that the city brings out at once at the peak. [default: 33 for each junction]
    #[arg(long, value_name = "N", requires = "city", conflicts_with_all = ["demand", "scale"])]
    vehicles: Option<usize>,
    /// Demand: SUMO .rou.xml files, in loading order.
    #[arg(long, value_name = "F.rou.xml", value_delimiter = ',')]
    routes: Vec<PathBuf>,
    /// Further SUMO files (types, stops, traffic light programs, detectors), loaded before the demand.
    #[arg(long, value_name = "F.add.xml", value_delimiter = ',')]
    additional: Vec<PathBuf>,
    /// Start, seconds on the demand's own clock; a city's counts from midnight. [default: the scenario's, 0, or a city's 8:00]
    #[arg(long, value_name = "SECONDS")]
    begin: Option<f64>,
    /// End, seconds. Without it the run ends when everybody has arrived, or after a day; a city's own trips after an hour.
    #[arg(long, value_name = "SECONDS")]
    end: Option<f64>,
    /// Same seed, same run. [default: the scenario's, or 42]
    #[arg(long)]
    seed: Option<u64>,
    /// Share of the demand that is driven; above 1, vehicles have doubles. [default: the scenario's, or 1]
    #[arg(long, value_name = "FACTOR")]
    scale: Option<f64>,
    /// Length of a step, seconds: 1 or 0.5. [default: the scenario's, or 1]
    #[arg(long, value_name = "SECONDS", value_parser = step_ms)]
    step: Option<u32>,
    /// Lane on which vehicles enter that do not say it: the best for the route (as SUMO chooses), or the one at the kerb.
    #[arg(long, default_value = "best", value_name = "first|best", value_parser = depart_lane)]
    depart_lane: DepartLane,
    /// Threads that drive: any number gives the same run. [default: one per core]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Folder for tripinfo.xml, summary.xml, statistics.xml, tls_states.xml, kpis.json, summary.json and picture.svg,
    /// and for the files that detectors of the scenario write; made if missing.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Reports of all trips, as SUMO writes them.
    #[arg(long, value_name = "F.xml")]
    tripinfo_output: Option<PathBuf>,
    /// Counts of each step, as SUMO writes them.
    #[arg(long, value_name = "F.xml")]
    summary_output: Option<PathBuf>,
    /// Counts and means of the whole run, as SUMO writes them.
    #[arg(long, value_name = "F.xml")]
    statistic_output: Option<PathBuf>,
    /// Position of every vehicle at every step (FCD), as SUMO writes it.
    #[arg(long, value_name = "F.xml")]
    fcd_output: Option<PathBuf>,
    /// Seconds between positions of --fcd-output. [default: each step]
    #[arg(long, value_name = "SECONDS")]
    fcd_period: Option<f64>,
    /// The run for replay, in our own compact form; `simulator trace` reads it.
    #[arg(long, value_name = "F.trace")]
    trace: Option<PathBuf>,
    /// Speeds and queues over time, as a picture.
    #[arg(long, value_name = "F.svg")]
    picture: Option<PathBuf>,
}

/// A city's morning, s after midnight, and how long it lasts where nothing is said.
const MORNING_S: f64 = 8.0 * 3600.0;
const HOUR_S: f64 = 3600.0;
/// A run without an end stops here at the latest, s after its begin.
const LONGEST_S: f64 = 86_400.0;
/// No run begins or ends later than this, s: thirty years of a clock that counts from some midnight.
const LATEST_S: f64 = 1e9;
/// A point of the picture, s.
const POINT_S: f64 = 60.0;

/// What `kpis.json` holds. Names and units stay; a change of either is another schema.
#[derive(Serialize)]
struct Kpis {
    schema: &'static str,
    scenario: String,
    seed: u64,
    begin_s: f64,
    end_s: f64,
    #[serde(flatten)]
    summary: Summary,
    minutes: Vec<Point>,
}

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
        "best" => Ok(DepartLane::BestProb),
        _ => Err("it is first or best".to_string()),
    }
}

/// The scenario that the arguments and the file that they name come to.
struct Meant {
    scenario: Scenario,
    /// The folder to which the scenario's names are relative.
    folder: PathBuf,
    title: String,
    step_ms: u32,
    net: PathBuf,
    routes: Vec<PathBuf>,
    additional: Vec<PathBuf>,
}

impl Meant {
    fn of(arguments: &Arguments) -> Result<Meant, Failure> {
        let mut scenario = Scenario { step_s: 1.0, scale: 1.0, ..Scenario::default() };
        let mut folder = PathBuf::new();
        if let Some(path) = &arguments.scenario {
            let text = Text::read(path)?;
            scenario = heard(sumo::scenario(text.source()))?;
            folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
        }
        if arguments.city.is_some() {
            scenario.begin_s = MORNING_S;
        }
        scenario.begin_s = arguments.begin.unwrap_or(scenario.begin_s);
        scenario.end_s = arguments.end.or(scenario.end_s);
        if arguments.city.is_some() && arguments.demand.is_none() {
            scenario.end_s = scenario.end_s.or(Some(scenario.begin_s + HOUR_S));
        }
        scenario.scale = arguments.scale.unwrap_or(scenario.scale);
        if !(scenario.scale.is_finite() && (0.0..=100.0).contains(&scenario.scale)) {
            return Err(Failure::Input(vec![format!("scale {} is not between 0 and 100", scenario.scale)]));
        }
        let times = [Some(scenario.begin_s), scenario.end_s];
        if let Some(wrong) = times.into_iter().flatten().find(|t| !(0.0..=LATEST_S).contains(t)) {
            return Err(Failure::Input(vec![format!("{wrong} s is no time of a run: 0 to {LATEST_S} are")]));
        }
        if let Some(end) = scenario.end_s.filter(|end| *end <= scenario.begin_s) {
            return Err(Failure::Input(vec![format!("end {end} is not after begin {}", scenario.begin_s)]));
        }
        let step_ms = match arguments.step {
            Some(step) => step,
            None if (scenario.step_s - 0.5).abs() < 1e-9 => 500,
            None => {
                if (scenario.step_s - 1.0).abs() > 1e-9 {
                    say(&format!("step-length {} s is not one of ours: steps are 1 s long", scenario.step_s));
                }
                1000
            }
        };
        let within = |names: &[String]| names.iter().map(|n| folder.join(n)).collect::<Vec<_>>();
        let or =
            |given: &[PathBuf], named: Vec<PathBuf>| if given.is_empty() { named } else { given.to_vec() };
        let net = arguments.net.clone().unwrap_or_else(|| folder.join(&scenario.net));
        let title = arguments.scenario.as_ref().or(arguments.city.as_ref()).unwrap_or(&net);
        let title = title.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        let routes = or(&arguments.routes, within(&scenario.routes));
        if routes.is_empty() && arguments.city.is_none() {
            say("there are no route files: nobody will drive");
        }
        Ok(Meant {
            routes,
            additional: or(&arguments.additional, within(&scenario.additional)),
            title,
            step_ms,
            net,
            scenario,
            folder,
        })
    }

    /// Where outputs go: beside the file that names them, as in SUMO, or into `--out`.
    fn files(&self, arguments: &Arguments) -> Files {
        let s = &self.scenario;
        let all = arguments.out.as_deref().map(Files::within).unwrap_or_default();
        let named = |name: &Option<String>| {
            name.as_ref().map(|n| place(arguments, &self.folder, &format!("{}{n}", s.output_prefix)))
        };
        let period = arguments.fcd_period.or(s.fcd_period_s);
        let pick = |given: &Option<PathBuf>, name: &Option<String>, folder: Option<PathBuf>| {
            given.clone().or_else(|| named(name)).or(folder)
        };
        Files {
            unfinished: all.unfinished || s.write_unfinished || arguments.tripinfo_output.is_some(),
            tripinfo: pick(&arguments.tripinfo_output, &s.tripinfo_output, all.tripinfo),
            summary: pick(&arguments.summary_output, &s.summary_output, all.summary),
            statistics: pick(&arguments.statistic_output, &s.statistic_output, all.statistics),
            tls_states: all.tls_states,
            fcd: pick(&arguments.fcd_output, &s.fcd_output, None),
            fcd_period_ms: period.map(|p| (p * 1000.0).round() as i64),
            trace: arguments.trace.clone(),
        }
    }
}

/// A relative name of an output that a file of `folder` gives.
fn place(arguments: &Arguments, folder: &Path, name: &str) -> PathBuf {
    arguments.out.as_deref().unwrap_or(folder).join(name)
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let meant = Meant::of(arguments)?;
    if let Some(threads) = arguments.threads {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.get());
        pool.build_global().context("could not start the threads")?;
    }
    let (begin_s, end_s) =
        (meant.scenario.begin_s, meant.scenario.end_s.unwrap_or(meant.scenario.begin_s + LONGEST_S));
    let seed = arguments.seed.or(meant.scenario.seed).unwrap_or(42);
    let options = Options {
        step_ms: meant.step_ms,
        begin_ms: (begin_s * 1000.0).round() as i64,
        depart_lane: arguments.depart_lane,
        ..Options::default()
    };
    let end_ms = (end_s * 1000.0).round() as i64;
    let files = meant.files(arguments);
    let Ready { mut run, measuring, types, plane } = match &arguments.city {
        Some(city) => own(city, arguments, &meant, seed, options, end_ms)?,
        None => sumo(&meant, files.fcd.is_some(), seed, options, end_ms)?,
    };
    tell_refused(&run);
    if let Some(folder) = &arguments.out {
        std::fs::create_dir_all(folder).with_context(|| format!("could not make {}", folder.display()))?;
    }
    let types: Vec<&str> = types.iter().map(String::as_str).collect();
    let measures = Measures::create(&measuring, &run.city().network, &types, begin_s, |asked_in, name| {
        let name = format!("{}{name}", meant.scenario.output_prefix);
        place(arguments, Path::new(asked_in).parent().unwrap_or(Path::new("")), &name)
    });
    let opened = measures.and_then(|m| Outputs::create(files, m, run.city(), run.world(), plane));
    let mut outputs = opened.context("could not open the outputs")?;
    let mut progress = Progress::new(begin_s, end_s);
    let mut series = Series::new(begin_s, POINT_S);
    let started = now();
    // On one of the threads that drive: what only one does then stays in the caches of the others' work.
    rayon::scope(|_| -> anyhow::Result<()> {
        loop {
            let at_ms = run.world().now_ms();
            let world = run.world();
            let people = world.on_foot() + world.walks_to_come();
            let idle = world.on_road() + world.waiting_to_enter() + world.still_to_come() + people == 0;
            if meant.scenario.end_s.is_none() && idle {
                return Ok(());
            }
            let Some(finished) = run.step() else { return Ok(()) };
            outputs
                .step(run.city(), run.world(), &run.plans().lamps(), at_ms, &finished)
                .context("could not write the outputs")?;
            series.step(run.world());
            progress.show(&run);
        }
    })?;
    let wall_s = started.elapsed().as_secs_f64();
    progress.done();
    let summary = run.summary();
    outputs.finish(run.city(), run.world()).context("could not write the outputs")?;
    let kpis = Kpis {
        schema: "svetofor-run/1",
        scenario: meant.title,
        seed,
        begin_s,
        end_s: run.world().now_ms() as f64 / 1000.0,
        summary: summary.clone(),
        minutes: series.finish(run.world()),
    };
    write_results(arguments, &kpis)?;
    let mut answer = serde_json::to_value(&summary).context("could not write the summary")?;
    answer["wall_s"] = wall_s.into();
    answer["peak_mib"] = peak_mib().into();
    answer["updates_per_s"] = (summary.vehicle_updates as f64 / wall_s.max(1e-9)).round().into();
    let text = serde_json::to_string_pretty(&answer).context("could not write the summary")?;
    // Whoever closed the pipe has read enough.
    let _ = writeln!(std::io::stdout(), "{text}");
    Ok(())
}

/// A run that may begin, and what its outputs need.
struct Ready {
    run: Run,
    measuring: Measuring,
    types: Vec<String>,
    plane: Option<Plane>,
}

/// From a SUMO network and its demand.
fn sumo(meant: &Meant, drawn: bool, seed: u64, options: Options, end_ms: i64) -> Result<Ready, Failure> {
    let net = Text::read(&meant.net)?;
    let additional = meant.additional.iter().map(Text::read).collect::<Result<Vec<_>, _>>()?;
    let routes = meant.routes.iter().map(Text::read).collect::<Result<Vec<_>, _>>()?;
    let additional: Vec<Source<'_>> = additional.iter().map(Text::source).collect();
    let city = heard(sumo::network(net.source(), &additional))?;
    let measuring = heard(sumo::measuring(&city.network, &additional))?;
    let sources: Vec<Source<'_>> = additional.into_iter().chain(routes.iter().map(Text::source)).collect();
    let mut demand = heard(sumo::demand(&city.network, &sources, seed))?;
    demand.scale(meant.scenario.scale);
    let plane = match drawn {
        true => Some(sumo::plane(net.source(), &city.network).map_err(input)?),
        false => None,
    };
    let types = demand.types.iter().map(|t| t.id.clone()).collect();
    Ok(Ready { run: Run::new(city, demand, seed, options, end_ms), measuring, types, plane })
}

/// From a city of ours, with trips from a file or those that it makes as time goes on.
fn own(
    path: &Path,
    arguments: &Arguments,
    meant: &Meant,
    seed: u64,
    options: Options,
    end_ms: i64,
) -> Result<Ready, Failure> {
    let mut city = City::parse(Text::read(path)?.source()).map_err(input)?;
    // There is no centre that could ask what they feel.
    city.junctions.iter_mut().for_each(|j| j.detectors.clear());
    let (run, types) = match &arguments.demand {
        Some(path) => {
            let text = Text::read(path)?;
            let no_demand =
                |e: serde_json::Error| format!("{}:{}: is no demand: {e}", path.display(), e.line());
            let mut demand: Demand =
                serde_json::from_str(text.source().text).map_err(|e| Failure::Input(vec![no_demand(e)]))?;
            demand.scale(meant.scenario.scale);
            let types = demand.types.clone();
            (Run::new(city, demand, seed, options, end_ms), types)
        }
        None => {
            let vehicles = arguments.vehicles.unwrap_or(city.junctions.len() * VEHICLES_PER_JUNCTION);
            let stream = DemandStream::new(&city, vehicles, seed, meant.scenario.begin_s);
            let types = stream.types().to_vec();
            (Run::endless(city, stream, seed, options, end_ms), types)
        }
    };
    let types = types.into_iter().map(|t| t.id).collect();
    Ok(Ready { run, measuring: Measuring::default(), types, plane: None })
}

fn input(complaints: Complaints) -> Failure {
    Failure::Input(complaints.0.iter().map(ToString::to_string).collect())
}

/// Trips that cannot be driven: the first few by name, and how many there are.
fn tell_refused(run: &Run) {
    const BY_NAME: usize = 10;
    for (id, fault) in run.refused().iter().take(BY_NAME) {
        say(&format!("trip {id} is left out: {fault}"));
    }
    if let Some(more) = run.refused().len().checked_sub(BY_NAME).filter(|more| *more > 0) {
        say(&format!("and {more} more trips are left out"));
    }
}

fn write_results(arguments: &Arguments, kpis: &Kpis) -> anyhow::Result<()> {
    let write = |path: &Path, text: String| {
        std::fs::write(path, text).with_context(|| format!("could not write {}", path.display()))
    };
    let picture = || picture::svg(&format!("{}, seed {}", kpis.scenario, kpis.seed), &kpis.minutes);
    if let Some(folder) = &arguments.out {
        write(&folder.join("summary.json"), serde_json::to_string_pretty(&kpis.summary)? + "\n")?;
        write(&folder.join("kpis.json"), serde_json::to_string_pretty(kpis)? + "\n")?;
        write(&folder.join("picture.svg"), picture())?;
    }
    if let Some(path) = &arguments.picture {
        write(path, picture())?;
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the shell times the run and paces its progress line")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

/// The most memory that this process has held, MiB, where the system says so (proc(5): `VmHWM`).
fn peak_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kib = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?.trim().strip_suffix("kB")?;
    Some(kib.trim().parse::<u64>().ok()? / 1024)
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
