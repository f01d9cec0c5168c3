//! `city pace`: how long the centre takes to decide for a whole city.
//!
//! A generated city drives in the simulator, agents' cores report every second as they do in the street, and the time
//! of each decision step is taken: from the moment at which all readings are in to the last command.

use crate::{
    demo,
    evaluate::{
        lockstep::{Cores, Lockstep, Path},
        settings,
    },
};
use controller::{
    coordinator::Coordinator,
    decide::{Kind, Tuning},
};
use model::time::Moment;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use wire::register_map::RegisterMap;

/// Seconds after which every agent has been heard and every junction decides.
const SETTLED_S: usize = 30;

/// `city pace`.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    /// Junctions of the generated city.
    #[arg(long, default_value_t = 5000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    junctions: u32,
    /// Seconds that are timed.
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    seconds: u32,
    /// Vehicles on the road for each junction.
    #[arg(long, default_value_t = 28)]
    vehicles: u32,
    /// Seed of the city and its traffic.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Measures it.
///
/// # Errors
/// If an agent and the centre do not understand each other.
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a command for people: its words are its work")]
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    eprintln!("growing a city of {} junctions and its morning …", arguments.junctions);
    let junctions = arguments.junctions as usize;
    let (city, mut live) =
        demo::generated(junctions, junctions * arguments.vehicles as usize, arguments.seed, Moment(0));
    let settings = settings(Kind::Adaptive, Tuning::default());
    let cores = Cores::new(&city, Arc::new(RegisterMap::svetofor()), live.street().now());
    let mut lockstep = Lockstep::new(Coordinator::new(city, settings), Path::Core(cores));
    let runtime = tokio::runtime::Runtime::new()?;
    let (mut steps, mut decided) = (Vec::new(), 0);
    for second in 0..SETTLED_S + arguments.seconds as usize {
        live.step();
        let decisions = runtime.block_on(lockstep.second(live.street().now(), live.street().devices()))?;
        if second >= SETTLED_S {
            decided += decisions.len();
            steps.push(lockstep.last_step());
        }
    }
    steps.sort_unstable();
    let quantile = |share: f64| ms(steps[((steps.len() - 1) as f64 * share).round() as usize]);
    println!(
        "{junctions} junctions, {} vehicles on the road, {} steps, {decided} changes of stage",
        live.street().world().on_road(),
        steps.len(),
    );
    println!(
        "decision step: p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms",
        quantile(0.5),
        quantile(0.99),
        quantile(1.0)
    );
    Ok(())
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Takes the time of one thing.
#[expect(clippy::disallowed_methods, reason = "real time is what is measured")]
pub(crate) fn timed<T>(what: impl FnOnce() -> T) -> (T, Duration) {
    let began = Instant::now();
    let done = what();
    (done, began.elapsed())
}
