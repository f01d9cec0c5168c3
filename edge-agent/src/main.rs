//! `edge-agent --config F.toml`: the daemon in the cabinet, or in the gateway of up to 2,000 of them.

use anyhow::Context;
use clap::Parser;
use edge_agent::Config;
use std::{path::PathBuf, process::ExitCode};
use tokio_util::sync::CancellationToken;
use wire::clock::Clock;

/// Bad usage or configuration (`EX_USAGE` of sysexits.h).
const USAGE: u8 = 64;

/// The daemon in the cabinet: polls the device, guards it, reports, obeys.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    /// Which cabinets, which broker; see configs/edge-agent.toml.
    #[arg(long, value_name = "F.toml")]
    config: PathBuf,
    /// Check the configuration and all files that it names, and end.
    #[arg(long)]
    check: bool,
    /// Print what these cabinets need in the broker's access list, and end; see configs/mosquitto/access.acl.
    #[arg(long)]
    acl: bool,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
        }
    };
    let log = tracing_subscriber::EnvFilter::try_from_env("SVETOFOR_LOG").unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt().with_env_filter(log).with_writer(std::io::stderr).init();
    let file = arguments.config.display().to_string();
    let config = match load(&arguments.config) {
        Ok(config) => config,
        Err(complaints) => {
            for line in complaints.lines() {
                complain(line);
            }
            return ExitCode::from(USAGE);
        }
    };
    if arguments.acl {
        print(&config.access_list());
        return ExitCode::SUCCESS;
    }
    if arguments.check {
        return ExitCode::SUCCESS;
    }
    match start(config, &file) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn load(path: &std::path::Path) -> Result<edge_agent::Opened, String> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|e| format!("{file}: could not read it: {e}"))?;
    let config = Config::parse(&file, &text).map_err(|c| c.to_string())?;
    config.open().map_err(|c| c.to_string())
}

fn start(config: edge_agent::Opened, file: &str) -> anyhow::Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    let cabinets = config.cabinets.len();
    let (broker, port) = (&config.link.host, config.link.port);
    tracing::info!(version, config = file, cabinets, broker, port, connection = ?config.connection, "edge-agent starts");
    let runtime = tokio::runtime::Runtime::new().context("could not start the runtime")?;
    runtime.block_on(async {
        let shutdown = CancellationToken::new();
        let signalled = shutdown.clone();
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
            .context("could not listen for signals")?;
        tokio::spawn(async move {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            signalled.cancel();
        });
        while !shutdown.is_cancelled() {
            let (clock, round) = (Clock::real(), shutdown.child_token());
            let cabinets = edge_agent::run(config.clone(), clock, round.clone());
            tokio::pin!(cabinets);
            tokio::select! {
                ended = &mut cabinets => ended?,
                off_ms = clock.outdated() => {
                    tracing::warn!(off_ms, "the machine's clock was set: begins anew");
                    round.cancel();
                    cabinets.await?;
                }
            }
        }
        tracing::info!("edge-agent ends");
        Ok(())
    })
}

#[expect(clippy::print_stdout, reason = "the list is what the person asked for")]
fn print(list: &str) {
    print!("{list}");
}

#[expect(clippy::print_stderr, reason = "complaints are for the person who started us, log or no log")]
fn complain(line: &str) {
    eprintln!("edge-agent: {line}");
}
