//! The centre as a daemon.

use anyhow::Context;
use clap::Parser;
use model::{city::City, config::Source};
use std::{path::PathBuf, process::ExitCode, sync::Arc};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// Exit code for a wrong command line or configuration (sysexits.h, EX_USAGE).
const USAGE: u8 = 64;

/// Runs the centre: hears the street over MQTT, decides stages, sends commands, keeps history, serves the API.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    /// The configuration; configs/controller.toml explains each key.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Say whether the configuration and the city can be used, and end.
    #[arg(long)]
    check: bool,
    /// Write logs as JSON lines. RUST_LOG says how much is logged (default: info).
    #[arg(long)]
    log_json: bool,
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
    start_logs(arguments.log_json);
    let (daemon, city) = match load(&arguments.config) {
        Ok(loaded) => loaded,
        Err(faults) => return complain(&faults, USAGE),
    };
    if arguments.check {
        return ExitCode::SUCCESS;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let ended = runtime
        .context("could not start the runtime")
        .and_then(|runtime| runtime.block_on(run(daemon, city)));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&format!("{error:#}"), 1),
    }
}

fn start_logs(json: bool) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
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
fn load(file: &std::path::Path) -> Result<(controller::config::Daemon, City), String> {
    let name = file.display();
    let text =
        std::fs::read_to_string(file).map_err(|error| format!("{name}: could not be read: {error}"))?;
    let daemon = controller::config::parse(&name.to_string(), &text).map_err(|faults| faults.to_string())?;
    let name = daemon.city.display().to_string();
    let text = std::fs::read_to_string(&daemon.city)
        .map_err(|error| format!("{name}: could not be read: {error}"))?;
    let city = City::parse(Source::new(&name, &text)).map_err(|faults| faults.to_string())?;
    Ok((daemon, city))
}

async fn run(daemon: controller::config::Daemon, city: City) -> anyhow::Result<()> {
    tracing::info!(version = env!("CARGO_PKG_VERSION"), city = %daemon.city.display(), "controller");
    let listener = tokio::net::TcpListener::bind(daemon.listen)
        .await
        .with_context(|| format!("could not listen on {}", daemon.listen))?;
    let shutdown = CancellationToken::new();
    let on_signal = shutdown.clone();
    tokio::spawn(async move {
        wait_for_signal().await;
        tracing::info!("ending");
        on_signal.cancel();
    });
    controller::run(daemon.config, Arc::new(city), Some(listener), wire::clock::Clock::real(), shutdown).await
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
