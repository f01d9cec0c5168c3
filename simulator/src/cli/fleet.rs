//! `simulator fleet`: a load for brokers and centres.

use super::Failure;
use anyhow::Context;
use model::{
    city::City,
    config::{Complaint, Complaints, Source},
};
use simulator::load::{self, Load, Progress};
use std::{num::NonZero, path::PathBuf, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;
use wire::{broker::Broker, clock::Clock};

/// How often it says how far it is.
const REPORT_EVERY: Duration = Duration::from_secs(5);

/// `simulator fleet`.
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// The city whose cabinets these are: the centre's file.
    #[arg(long, value_name = "F.json")]
    city: PathBuf,
    /// How many cabinets; the first of the file. All of them if not given.
    #[arg(long, value_name = "N")]
    controllers: Option<usize>,
    /// How many connections they share, as gateways do. Without it each cabinet has its own: mind the limit of open files.
    #[arg(long, value_name = "N")]
    gateways: Option<NonZero<usize>>,
    /// The broker, which must let anybody in.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:1883")]
    broker: Broker,
    /// Say hi-res events too, not only lamps and modes.
    #[arg(long)]
    events: bool,
    /// Over how many seconds the connections are made.
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    ramp: u32,
    /// End after so many seconds; without it, at Ctrl-C.
    #[arg(long, value_name = "SECONDS")]
    run_for: Option<u64>,
}

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "progress and figures are what the person asked for"
)]
pub(super) fn fleet(arguments: &Arguments) -> Result<(), Failure> {
    let mut city = read(&arguments.city)?;
    let there = city.junctions.len();
    if let Some(wanted) = arguments.controllers {
        if wanted > there {
            let name = arguments.city.display();
            return Err(Failure::Input(vec![format!(
                "--controllers: {name} has {there} junctions, not {wanted}"
            )]));
        }
        city.junctions.truncate(wanted);
    }
    let mut link = arguments.broker.link("fleet").context("could not make the link ready")?;
    link.client_id = format!("fleet-{}", std::process::id());
    let load = Load {
        city: Arc::new(city),
        link,
        gateways: arguments.gateways,
        events: arguments.events,
        ramp: Duration::from_secs(arguments.ramp.into()),
    };
    let runtime = tokio::runtime::Runtime::new().context("could not start the runtime")?;
    runtime.block_on(async {
        let (shutdown, progress) = (CancellationToken::new(), Arc::new(Progress::default()));
        let running = tokio::spawn(load::run(load, Clock::real(), progress.clone(), shutdown.clone()));
        let end = async {
            match arguments.run_for {
                Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
                None => drop(tokio::signal::ctrl_c().await),
            }
        };
        tokio::pin!(end);
        let mut report = tokio::time::interval(REPORT_EVERY);
        loop {
            tokio::select! {
                () = &mut end => break,
                _ = report.tick() => {
                    let done = progress.done();
                    eprintln!(
                        "{} online, {} states, {} commands, {} dropped, {} late",
                        done.online, done.states, done.commands, done.dropped, done.late
                    );
                }
            }
        }
        let done = progress.done();
        shutdown.cancel();
        running.await.context("the load failed")?;
        println!("{}", serde_json::to_string(&done).context("figures as JSON")?);
        Ok::<_, anyhow::Error>(())
    })?;
    Ok(())
}

fn read(path: &std::path::Path) -> Result<City, Complaints> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|e| Complaint::whole(&name, format!("could not be read: {e}")))?;
    City::parse(Source::new(&name, &text))
}
