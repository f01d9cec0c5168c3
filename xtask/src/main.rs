//! The developer's commands. `cargo xtask demo` shows the city, `cargo xtask test` is the whole truth, and
//! each installs what it needs and says plainly what it could not install.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command for people: its words are its work"
)]

mod bench_control;
mod bench_fleet;
mod bench_incidents;
mod bench_journeys;
mod bench_measures;
mod bench_page;
mod bench_ranking;
mod bench_sim;
mod hours;
mod package;
mod supply;
mod tools;
mod web;

use anyhow::{Context, bail};
use clap::{Parser, Subcommand};
use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The developer's commands", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Builds the web app if it is stale, then runs the whole city in one process and prints its addresses.
    Demo {
        /// Passed to `city demo`, such as --listen 0.0.0.0:8080, --speed 5, --junctions 300.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Formatting, lints, unit and end-to-end tests with a real broker, database, SUMO and browser.
    Test,
    /// Installs what the tests need: a broker, a database, a browser, SUMO, Modbus peers.
    Tools,
    /// Builds the web app if it is stale.
    Web,
    /// Makes the agent's Debian package: a static program, a systemd unit, settings, register maps.
    Package {
        /// This program instead of one built for it.
        #[arg(long, value_name = "FILE")]
        binary: Option<PathBuf>,
        /// Where the package goes.
        #[arg(long, value_name = "FOLDER", default_value = "target/package")]
        out: PathBuf,
    },
    /// Prints the software bill of materials (CycloneDX JSON) of the whole, or of one program.
    Sbom {
        /// The program: edge-agent, controller, routing, simulator, city.
        #[arg(long, value_name = "NAME")]
        package: Option<String>,
    },
    /// Damages small sound files of every kind and reads them, and asks the planner damaged questions, with ever new seeds: no crash
    /// may come of it.
    Fuzz {
        /// How long for each of the programs.
        #[arg(long, default_value_t = 10)]
        minutes: u64,
        /// Where to begin; the line of a failure says which seed replays it.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// The benchmarks: `decisions` measures the centre's decision step for 5,000 and 40,000 junctions, `sim` the simulator
    /// beside SUMO, `fidelity` how close its traffic is to SUMO's, `control` what each kind of control costs those who drive, under SUMO, `ranking` whether what is better
    /// in our engine is better in SUMO,
    /// `measures` those of a log beside the `atspm` package, `journeys` what journeys cost in Porto and in a city of Moscow's size, beside the goals and peers, `store` what the embedded store costs,
    /// `forecast` how far forecasts are off, `incidents` how many blocked lanes are noticed, `fleet` how many cabinets a broker and a centre bear, `page` what the page makes of
    /// 5,000 junctions and 9,000 vehicles, and what 200 viewers cost the centre.
    Bench {
        /// Which one; all of them if none is named.
        name: Option<String>,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> anyhow::Result<()> {
    match task {
        Task::Demo { arguments } => demo(&arguments),
        Task::Test => test(),
        Task::Tools => tools::install().map(|missing| report_missing(&missing)),
        Task::Web => web::build(),
        Task::Package { binary, out } => package::run(binary, &out),
        Task::Sbom { package } => {
            println!("{:#}", supply::bill(package.as_deref())?);
            Ok(())
        }
        Task::Fuzz { minutes, seed } => fuzz(minutes, seed),
        Task::Bench { name } => match name.as_deref() {
            None => {
                bench_decisions()?;
                bench_sim::run()?;
                bench_fidelity()?;
                bench_control::run()?;
                bench_ranking::run()?;
                bench_measures::run()?;
                bench_store()?;
                bench_forecast()?;
                bench_journeys::run()?;
                bench_incidents::run()?;
                bench_fleet::run()?;
                bench_page::run()
            }
            Some("decisions") => bench_decisions(),
            Some("sim") => bench_sim::run(),
            Some("fidelity") => bench_fidelity(),
            Some("control") => bench_control::run(),
            Some("ranking") => bench_ranking::run(),
            Some("measures") => bench_measures::run(),
            Some("store") => bench_store(),
            Some("forecast") => bench_forecast(),
            Some("journeys") => bench_journeys::run(),
            Some("incidents") => bench_incidents::run(),
            Some("fleet") => bench_fleet::run(),
            Some("page") => bench_page::run(),
            Some(other) => {
                bail!(
                    "there is no benchmark {other} yet; there are: decisions, sim, fidelity, control, ranking, measures, store, \
                     forecast, journeys, incidents, fleet, page"
                )
            }
        },
    }
}

fn demo(arguments: &[String]) -> anyhow::Result<()> {
    web::build()?;
    step("build the city", cargo(["build", "--release", "--package", "city"]))?;
    // The city prints its own addresses, and gets Ctrl-C itself, being in our process group.
    let status = Command::new(root().join("target/release/city"))
        .arg("demo")
        .args(arguments)
        .status()
        .context("could not start target/release/city")?;
    match status.code() {
        Some(0) => Ok(()),
        Some(code) => std::process::exit(code),
        None => bail!("the city was ended by a signal"),
    }
}

fn fuzz(minutes: u64, seed: u64) -> anyhow::Result<()> {
    for package in ["simulator", "routing"] {
        let mut fuzz =
            cargo(["test", "--release", "--package", package, "--test", "fuzz", "--", "--nocapture"]);
        fuzz.env("SVETOFOR_FUZZ_MINUTES", minutes.to_string()).env("SVETOFOR_FUZZ_SEED", seed.to_string());
        step(&format!("fuzz: what the {package} reads"), fuzz)?;
    }
    Ok(())
}

/// Goals on two cores: p99 below 100 ms for 5,000 junctions, and below 800 ms for 40,000.
fn bench_decisions() -> anyhow::Result<()> {
    step("build the city", cargo(["build", "--release", "--package", "city"]))?;
    for (junctions, vehicles) in [("5000", "28"), ("40000", "10")] {
        let mut pace = Command::new(root().join("target/release/city"));
        pace.args(["pace", "--junctions", junctions, "--vehicles", vehicles]);
        step(&format!("{junctions} junctions"), pace)?;
    }
    Ok(())
}

/// Writes five million rows into the embedded store and asks for some; fails where a goal is missed.
fn bench_store() -> anyhow::Result<()> {
    step(
        "build the bench",
        cargo(["build", "--release", "--package", "controller", "--example", "bench_store"]),
    )?;
    let mut bench = Command::new(root().join("target/release/examples/bench_store"));
    bench.arg(root().join("target/bench-store"));
    let log = shared().join("data/atspm/input/sample_raw_data.csv");
    if log.exists() {
        bench.arg(log);
    }
    step("the store", bench)
}

/// Errors of the forecast beside those of the last value and of the historical average; fails where it is not the best.
fn bench_forecast() -> anyhow::Result<()> {
    let folder = shared().join("data/detectors/doem");
    if !folder.exists() {
        bail!("there is no {}; set SVETOFOR_SHARED to the folder that has data/", folder.display());
    }
    step(
        "build the bench",
        cargo(["build", "--release", "--package", "controller", "--example", "bench_forecast"]),
    )?;
    let mut bench = Command::new(root().join("target/release/examples/bench_forecast"));
    bench.args(["PeMSD3.csv", "PeMSD7.csv"].map(|file| folder.join(file)));
    step("the forecast", bench)
}

/// Means of travel time, delay and stopped time within 5 % of SUMO's, arrivals per minute correlated at 0.95; fails
/// where they are not.
fn bench_fidelity() -> anyhow::Result<()> {
    let files = scenarios()?;
    step("build the city", cargo(["build", "--release", "--package", "city"]))?;
    let mut fidelity = city();
    fidelity.arg("fidelity").args(files);
    step("our traffic beside SUMO's", fidelity)
}

/// The configurations of all benchmark scenarios: each is a folder with one of its own name. They are no part of the repository.
fn scenarios() -> anyhow::Result<Vec<PathBuf>> {
    let folder = shared().join("data/signals");
    let named = |entry: std::fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        Some(entry.path().join(format!("{name}.sumocfg"))).filter(|f| f.is_file())
    };
    let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.filter_map(named).collect();
    files.sort();
    if files.is_empty() {
        bail!(
            "there are no scenarios in {}; set SVETOFOR_SHARED to the folder of data/signals",
            folder.display()
        );
    }
    Ok(files)
}

/// The release build of the city, with the peers that it calls.
fn city() -> Command {
    let mut city = Command::new(root().join("target/release/city"));
    if std::env::var_os("SVETOFOR_TOOLS").is_none() {
        city.env("SVETOFOR_TOOLS", tools::folder());
    }
    city
}

fn test() -> anyhow::Result<()> {
    let missing = tools::install()?;
    report_missing(&missing);
    step("format", cargo(["fmt", "--all", "--check"]))?;
    println!("▸ licences and sources");
    supply::check()?;
    web::check()?;
    step("lints", cargo(["clippy", "--quiet", "--workspace", "--all-targets", "--", "--deny", "warnings"]))?;
    // Programs and tests together: alone, the programs would be built with fewer features of tokio, and all that stands on it twice.
    step("build", cargo(["build", "--quiet", "--workspace", "--all-targets"]))?;
    let mut tests = cargo(["test", "--workspace", "--no-fail-fast"]);
    tests.env("SVETOFOR_TOOLS", tools::folder());
    if !missing.is_empty() {
        // The end-to-end tests fail, rather than skip, without their peers; this names which.
        tests.env("SVETOFOR_MISSING", missing.join(", "));
    }
    step("tests", tests)
}

fn report_missing(missing: &[String]) {
    if !missing.is_empty() {
        println!("could not install: {}. The tests that need them will fail and say so.", missing.join(", "));
    }
}

/// Real data, which is no part of the repository.
fn shared() -> PathBuf {
    std::env::var_os("SVETOFOR_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from)
}

/// The repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(1).expect("xtask has a parent").into()
}

fn cargo<const N: usize>(arguments: [&str; N]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    // What cargo told us of ourselves: the build scripts of some libraries look at it, and would build them anew each time.
    let ours = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(ours)) {
        command.env_remove(name);
    }
    command
}

/// Runs one step with its name before it; its failure is ours.
fn step(name: &str, mut command: Command) -> anyhow::Result<()> {
    println!("▸ {name}");
    let status = command.status().with_context(|| format!("could not start {:?}", command.get_program()))?;
    if !status.success() {
        bail!("{name} failed");
    }
    Ok(())
}
