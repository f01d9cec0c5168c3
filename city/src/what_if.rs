//! What-if: answers a centre what would come of another control, by driving the street that it sends ahead of time,
//! with the change and without.
//!
//! It stands here since only this room has the real cores of centre, agents and devices; it speaks to the centre over
//! the broker alone, also within the demo. In reading order: `config` is what a person writes, `service` the shell on the
//! broker, `desk` who is served when, `study` one question, `drive` one street with one seed, `spread` what the seeds
//! show together.

mod config;
mod desk;
mod drive;
mod service;
mod spread;
mod study;

pub use config::Config;
pub(crate) use service::{Service, serve};

use crate::input::{self, InputError};
use anyhow::Context;
use model::{city::City, config::Source};
use std::{num::NonZero, path::PathBuf, sync::Arc};
use tokio_util::sync::CancellationToken;
use wire::broker::Broker;

/// `city what-if`.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    /// The configuration; configs/what-if.toml explains each key.
    #[arg(long, value_name = "F.toml", required_unless_present = "broker", conflicts_with_all = ["broker", "city"])]
    config: Option<PathBuf>,
    /// The broker, in the place of a configuration: without a login, by the name `what-if`.
    #[arg(long, value_name = "HOST:PORT", requires = "city")]
    broker: Option<Broker>,
    /// The city's file, the same as the centre's.
    #[arg(long, value_name = "F.json", requires = "broker")]
    city: Option<PathBuf>,
}

/// Threads that may simulate: one core is left to whatever else runs here.
pub(crate) fn spare_threads() -> NonZero<usize> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    NonZero::new(cores - 1).unwrap_or(NonZero::<usize>::MIN)
}

/// Answers until Ctrl-C or SIGTERM.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let config = match (&arguments.config, &arguments.broker, &arguments.city) {
        (Some(file), ..) => {
            Config::parse(&file.display().to_string(), &input::text(file)?).map_err(InputError)?
        }
        (None, Some(broker), Some(city)) => Config::of_command_line(broker.clone(), city),
        _ => unreachable!("clap asks for one or the other"),
    };
    let city = Arc::new(read_city(&config)?);
    let link = config.link()?;
    let service =
        Service { name: config.instance.clone(), city, tuning: config.adaptive, threads: config.threads };
    say(&config, &service);
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
        serve(service, link, shutdown).await;
        Ok(())
    })
}

#[expect(clippy::print_stdout, reason = "a person who starts it sees for whom it waits")]
fn say(config: &Config, service: &Service) {
    println!(
        "what-if {}: answers at the broker {}:{} for {} with {} junctions, on {} threads; Ctrl-C ends it",
        env!("CARGO_PKG_VERSION"),
        config.broker.host,
        config.broker.port,
        config.city.display(),
        service.city.junctions.len(),
        service.threads
    );
}

fn read_city(config: &Config) -> Result<City, InputError> {
    let file = config.city.display().to_string();
    let text = input::text(&config.city)?;
    Ok(City::parse(Source::new(&file, &text))?)
}
