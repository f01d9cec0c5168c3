//! The centre as a daemon.

use anyhow::Context;
use clap::{Parser, Subcommand};
use controller::access::{Person, Role, accounts};
use controller::measures::{
    bin::Bin,
    command::{self as measures, MeasureError},
    detector_health::{Rolling, Settings},
};
use controller::store::embedded::upkeep::{self, Holds, UpkeepError};
use model::{city::City, config::Source, ids::DistrictId};
use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// Pictures and messages are made on one thread and let go on another, which the C library's allocator answers by keeping twice
/// the memory: 3.1 GB for 40,000 junctions instead of 1.5.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Exit code for a wrong command line or configuration (sysexits.h, EX_USAGE).
const USAGE: u8 = 64;

/// Runs the centre: hears the street over MQTT, decides stages, sends commands, keeps history, serves the API.
#[derive(Parser)]
#[command(version, about, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// The configuration; configs/controller.toml explains each key.
    #[arg(long, value_name = "FILE", required = true)]
    config: Option<PathBuf>,
    /// Say whether the configuration and the city can be used, and end.
    #[arg(long)]
    check: bool,
    /// Write logs as JSON lines. SVETOFOR_LOG says how much is logged (default: info).
    #[arg(long)]
    log_json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Makes an account: its entry for the file of accounts on standard output, its new password on standard error.
    Account {
        /// What the person signs in with.
        #[arg(long)]
        login: String,
        /// What others call them.
        #[arg(long)]
        name: String,
        /// What they may do: view, operate, manage or configure.
        #[arg(long, value_parser = role)]
        role: Role,
        /// Where; may be given several times. Without it: in the whole city.
        #[arg(long = "district", value_name = "DISTRICT")]
        districts: Vec<String>,
    },
    /// Computes the traffic engineers' measures from a hi-res log (Indiana enumeration), a CSV for each.
    ///
    /// Columns, rows and numbers are those of the atspm package. Lines of the log that make no sense are named on
    /// standard error and left out.
    Measures {
        /// The log: CSV (TimeStamp, DeviceId, EventId, Parameter, in any order and under the names that ATSPM systems give
        /// them; or without a header, device first), Parquet with such columns, an Econolite .dat or .datZ,
        /// or a MAXTIME .xml.
        #[arg(long, value_name = "FILE")]
        events: PathBuf,
        /// The detectors: CSV or Parquet with DeviceId, Phase, Parameter (the channel) and Function (Presence, Advance,
        /// Yellow_Red), and, for those that count turns, Movement (L, T, R or several). Without it arrivals, platoons, split
        /// failures, yellow-red and turns are empty.
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// Vehicles' speeds: CSV or Parquet with TimeStamp, DeviceId, Detector (the channel; or both in one, as Utah has them) and
        /// Kph or Mph. Without it approach speeds are empty.
        #[arg(long, value_name = "FILE", requires = "config")]
        speeds: Option<PathBuf>,
        /// The folder for the results; made if it is not there.
        #[arg(long, value_name = "FOLDER")]
        out: PathBuf,
        /// Length of a bin in minutes.
        #[arg(long, value_name = "MINUTES", default_value = "15", value_parser = bin)]
        bin: Bin,
    },
    /// Looks after the embedded store's file.
    #[command(subcommand)]
    Store(Upkeep),
    /// Judges which detectors count oddly, out of weeks of counts such as `measures` writes to actuations.csv.
    DetectorHealth {
        /// The counts: CSV or Parquet with TimeStamp, DeviceId, Detector, Total.
        #[arg(long, value_name = "FILE")]
        counts: PathBuf,
        /// Devices that are judged together: CSV or Parquet with DeviceId, Group. What is odd in all of a group is not odd.
        #[arg(long, value_name = "FILE")]
        groups: Option<PathBuf>,
        /// The folder for detector_health.csv; made if it is not there.
        #[arg(long, value_name = "FOLDER")]
        out: PathBuf,
        /// Compare with the median of so many days until then, rather than of all counts; the first so many days are
        /// then not judged.
        #[arg(long, value_name = "DAYS")]
        rolling_days: Option<u32>,
        /// With --rolling-days: do not judge a count with fewer counts in those days.
        #[arg(long, value_name = "COUNTS", default_value = "480")]
        at_least: usize,
        /// Do not judge times of day with fewer counts.
        #[arg(long, value_name = "COUNTS", default_value = "0")]
        same_time_at_least: usize,
        /// Tell only of the last days.
        #[arg(long, value_name = "DAYS", default_value = "1")]
        last_days: u32,
    },
}

#[derive(Subcommand)]
enum Upkeep {
    /// Reads all of a store and says whether it is sound: the file, each block, the chain of the audit.
    ///
    /// The centre may run meanwhile.
    Check {
        /// The store: [store.embedded] path of the configuration.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Copies a store as it is at this moment, and checks the copy. The centre may run meanwhile.
    Backup {
        /// The store: [store.embedded] path of the configuration.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The copy; it must not be there yet.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
    /// Puts a copy in the place of a store, once it is found sound. The centre must not run.
    ///
    /// What was there is kept beside it, as FILE.before-restore-N.
    Restore {
        /// The copy.
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
        /// The store: [store.embedded] path of the configuration.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

fn role(text: &str) -> Result<Role, String> {
    [Role::View, Role::Operate, Role::Manage, Role::Configure]
        .into_iter()
        .find(|role| role.as_str() == text)
        .ok_or_else(|| "a role is view, operate, manage or configure".to_owned())
}

fn bin(text: &str) -> Result<Bin, String> {
    let minutes = text.parse().ok().and_then(Bin::minutes);
    minutes.ok_or_else(|| format!("a bin has 1 to {} minutes", Bin::LONGEST))
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version come this way too, and are no errors.
            let code = if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
            let _ = error.print();
            return code;
        }
    };
    let config = match (arguments.command, arguments.config) {
        (Some(Command::Account { login, name, role, districts }), _) => {
            let districts = (!districts.is_empty()).then(|| districts.iter().map(DistrictId::new).collect());
            return account(&Person { login, name, role, districts });
        }
        (Some(Command::Measures { events, config, speeds, out, bin }), _) => {
            return measure(&measures::Wanted { events, config, speeds, out, bin });
        }
        (Some(Command::Store(wanted)), _) => return look_after(&wanted),
        (
            Some(Command::DetectorHealth {
                counts,
                groups,
                out,
                rolling_days,
                at_least,
                same_time_at_least,
                last_days,
            }),
            _,
        ) => {
            let rolling = rolling_days.map(|days| Rolling { days, drop_days: days, at_least });
            let settings = Settings { rolling, same_time_at_least, last_days };
            return detector_health(&counts, groups.as_deref(), &out, &settings);
        }
        (None, Some(config)) => config,
        (None, None) => return complain("--config is missing", USAGE),
    };
    start_logs(arguments.log_json);
    let (daemon, city) = match load(&config) {
        Ok(loaded) => loaded,
        Err(faults) => return complain(&faults, USAGE),
    };
    if arguments.check {
        return ExitCode::SUCCESS;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let ended = runtime
        .context("could not start the runtime")
        .and_then(|runtime| runtime.block_on(run(&config, daemon, city)));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&format!("{error:#}"), 1),
    }
}

/// Computes measures; says what was left out, and how much there was.
fn measure(wanted: &measures::Wanted) -> ExitCode {
    match measures::run(wanted) {
        Ok(done) => {
            let rejected = &done.rejected;
            let file = wanted.events.display();
            let mut faults: Vec<String> =
                rejected.named.iter().map(|(line, cause)| format!("{file}:{line}: {cause}")).collect();
            if rejected.count > rejected.named.len() {
                faults.push(format!("{file}: {} more such lines", rejected.count - rejected.named.len()));
            }
            complain(&faults.join("\n"), 0);
            say(&format!(
                "{} events of {} devices; {} repeated and {} rejected lines left out",
                done.events, done.devices, done.repeated, rejected.count
            ));
            ExitCode::SUCCESS
        }
        Err(error) => refuse(&error),
    }
}

/// Makes an account, and makes sure that the centre will take it.
fn account(person: &Person) -> ExitCode {
    let (entry, password) = match accounts::entry(person) {
        Ok(made) => made,
        Err(error) => return complain(&format!("{error:#}"), 1),
    };
    if let Err(faults) = accounts::parse("the new entry", &entry) {
        return complain(&faults.to_string(), USAGE);
    }
    say(&format!("\n{}", entry.trim_end()));
    complain(&format!("the password of {}, shown this once: {}", person.login, password.reveal()), 0)
}

fn detector_health(counts: &Path, groups: Option<&Path>, out: &Path, settings: &Settings) -> ExitCode {
    match measures::detector_health(counts, groups, out, settings) {
        Ok((odd, all)) => {
            say(&format!("{odd} of {all} counts are odd"));
            ExitCode::SUCCESS
        }
        Err(error) => refuse(&error),
    }
}

/// Looks after a store's file; 1 if it is not sound or not free, 64 if it cannot be used at all.
fn look_after(wanted: &Upkeep) -> ExitCode {
    let done = match wanted {
        Upkeep::Check { file } => {
            upkeep::check(file).map(|holds| format!("{} is sound: {}", file.display(), holding(&holds)))
        }
        Upkeep::Backup { file, to } => {
            upkeep::backup(file, to).map(|holds| format!("{} is a copy: {}", to.display(), holding(&holds)))
        }
        Upkeep::Restore { from, file } => upkeep::restore(from, file).map(|(holds, kept)| {
            let kept = kept.map(|kept| format!("; what was there is {}", kept.display())).unwrap_or_default();
            format!("{} is restored: {}{kept}", file.display(), holding(&holds))
        }),
    };
    match done {
        Ok(said) => {
            say(&said);
            ExitCode::SUCCESS
        }
        Err(error @ UpkeepError::File { .. }) => complain(&error.to_string(), USAGE),
        Err(UpkeepError::Unsound { file, faults }) => {
            let faults: Vec<String> =
                faults.iter().map(|fault| format!("{}: {fault}", file.display())).collect();
            complain(&faults.join("\n"), 1)
        }
        Err(error) => complain(&error.to_string(), 1),
    }
}

fn holding(holds: &Holds) -> String {
    let Holds { schema, events, intervals, decisions, audit, bytes } = holds;
    format!(
        "{events} events, {intervals} readings, {decisions} decisions, {audit} audit lines in {bytes} bytes, schema {schema}"
    )
}

fn refuse(error: &MeasureError) -> ExitCode {
    let code = match error {
        MeasureError::Input(_) => USAGE,
        MeasureError::Output(_) => 1,
    };
    complain(&error.to_string(), code)
}

fn say(what: &str) {
    // Whoever reads it may have gone away.
    let _ = writeln!(std::io::stdout(), "{what}");
}

fn start_logs(json: bool) {
    let filter = EnvFilter::try_from_env("SVETOFOR_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if json { logs.json().init() } else { logs.init() }
}

#[expect(clippy::print_stderr, reason = "the program's last words are for whoever started it")]
fn complain(faults: &str, code: u8) -> ExitCode {
    for fault in faults.lines() {
        eprintln!("controller: {fault}");
    }
    ExitCode::from(code)
}

/// The configuration and the city, or what is wrong with them, a fault a line.
fn load(file: &Path) -> Result<(controller::config::Daemon, City), String> {
    let name = file.display();
    let text =
        std::fs::read_to_string(file).map_err(|error| format!("{name}: could not be read: {error}"))?;
    let daemon = controller::config::parse(&name.to_string(), &text).map_err(|faults| faults.to_string())?;
    let name = daemon.city.display().to_string();
    let text = std::fs::read_to_string(&daemon.city)
        .map_err(|error| format!("{name}: could not be read: {error}"))?;
    let city = City::parse(Source::new(&name, &text)).map_err(|faults| faults.to_string())?;
    controller::examine(&daemon.config, &city).map_err(|error| format!("{}: {error:#}", file.display()))?;
    Ok((daemon, city))
}

async fn run(file: &Path, daemon: controller::config::Daemon, city: City) -> anyhow::Result<()> {
    tracing::info!(version = env!("CARGO_PKG_VERSION"), config = %file.display(), city = %daemon.city.display(), "controller starts");
    let shutdown = CancellationToken::new();
    let on_signal = shutdown.clone();
    tokio::spawn(async move {
        wait_for_signal().await;
        tracing::info!("ending");
        on_signal.cancel();
    });
    let city = Arc::new(city);
    while !shutdown.is_cancelled() {
        let listener = tokio::net::TcpListener::bind(daemon.listen)
            .await
            .with_context(|| format!("could not listen on {}", daemon.listen))?;
        let (clock, round) = (wire::clock::Clock::real(), shutdown.child_token());
        let centre =
            controller::run(daemon.config.clone(), city.clone(), Some(listener), clock, round.clone());
        tokio::pin!(centre);
        tokio::select! {
            ended = &mut centre => ended?,
            off_ms = clock.outdated() => {
                tracing::warn!(off_ms, "the machine's clock was set: begins anew");
                round.cancel();
                centre.await?;
            }
        }
    }
    Ok(())
}

async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}
