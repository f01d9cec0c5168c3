//! `simulator --config F.toml`.

use super::Failure;
use anyhow::Context;
use model::config::Complaints;
use simulator::daemon::{self, Config};
use std::path::Path;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

impl From<Complaints> for Failure {
    fn from(complaints: Complaints) -> Self {
        Failure::Input(complaints.0.iter().map(ToString::to_string).collect())
    }
}

pub(super) fn run(file: &Path) -> Result<(), Failure> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file)
        .map_err(|e| Failure::Input(vec![format!("{name}: could not be read: {e}")]))?;
    let config = Config::parse(&name, &text)?;
    let (city, map) = config.open()?;
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("SVETOFOR_LOG")
                .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info")),
        )
        .with_writer(std::io::stderr)
        .init();
    tracing::info!(version = env!("CARGO_PKG_VERSION"), config = name, "the street starts");
    let runtime = tokio::runtime::Runtime::new().context("could not start the runtime")?;
    let outcome = runtime.block_on(async {
        let shutdown = CancellationToken::new();
        let mut term = signal(SignalKind::terminate()).context("could not listen for SIGTERM")?;
        let ended = shutdown.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = term.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            ended.cancel();
        });
        daemon::run(&config, city, map, shutdown).await.context("the street stopped")
    });
    Ok(outcome?)
}
