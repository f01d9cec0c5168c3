//! What journeys cost on one thread, beside the goals.
//!
//! The data folder was made by `routing prepare`. Milliseconds are of CPU time, since other work on the machine changes wall
//! time. Exit code 1: a goal was missed, or an answer was wrong.

mod gauge;
mod load;
mod pairs;
mod peer;
mod plain;
mod roads;
mod transit;

use anyhow::Context;
use clap::{Parser, ValueEnum};
use gauge::{Goal, Goals, Table};
use routing::{
    gtfs::calendar::Day,
    planner::Planner,
    prepare::{self, STREETS_FILE, TIMETABLE_FILE},
};
use std::{path::PathBuf, process::ExitCode, sync::Arc};

/// Measures a planner of journeys.
#[derive(Parser)]
struct Command {
    /// What to do.
    task: Task,
    /// The data folder.
    #[arg(long)]
    data: PathBuf,
    /// The day of questions, as `20240612`.
    #[arg(long)]
    date: String,
    /// Whose goals count.
    #[arg(long)]
    goals: City,
    /// From where to where by car: a header and lines `from_lon,from_lat,to_lon,to_lat`. Without it pairs are drawn.
    #[arg(long)]
    car: Option<PathBuf>,
    /// The same by public transport.
    #[arg(long)]
    transit: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Task {
    /// Questions of each kind, one after another.
    Ask,
    /// Ways by the hierarchy beside those by A*, on 500 pairs after each of 20 pictures of the traffic.
    Compare,
    /// Journeys that begin on a bus on demand: the data have zones of such.
    OnDemand,
    /// Fronts by public transport beside those of a plain search, on all pairs in two hours of the day.
    CompareTransit,
    /// Ways of cars by the crate `fast_paths`, on the same arcs and turns.
    Peer,
    /// Many questions at once over HTTP, also while the traffic changes.
    Serve,
}

#[derive(Clone, Copy, ValueEnum)]
enum City {
    Porto,
    Moscow,
}

fn main() -> anyhow::Result<ExitCode> {
    let command = Command::parse();
    let day = Day::parse(&command.date).context("the date is no date")?;
    let goals = match command.goals {
        City::Porto => Goals::PORTO,
        City::Moscow => Goals::MOSCOW,
    };
    let mut table = Table::default();
    let file = command.data.join(STREETS_FILE);
    let (streets, read) = gauge::process(|| prepare::load_streets(&file));
    let streets = streets?;
    let file = command.data.join(TIMETABLE_FILE);
    let (prepared, joined) = gauge::process(|| prepare::load_timetable(&file, &streets.map));
    let prepared = prepared?;
    let footpaths = matches!(command.task, Task::CompareTransit).then(|| prepared.footpaths[0].clone());
    let (planner, made) = gauge::process(|| Planner::on(streets).with_timetable(prepared));
    let memory_mb = gauge::memory_mb();
    let car = match &command.car {
        Some(file) => pairs::read(file)?,
        None => pairs::between_streets(&planner),
    };
    let near = match &command.transit {
        Some(file) => pairs::read(file)?,
        None => pairs::between_stops(&planner)?,
    };
    match command.task {
        Task::Compare => return roads::compare(&planner, &car),
        Task::CompareTransit => {
            let footpaths = footpaths.unwrap_or_default();
            return plain::compare(&planner, &footpaths, &near, day);
        }
        Task::Peer => peer::measure(&planner, &car, &mut table)?,
        Task::OnDemand => transit::on_demand(planner, &near, day, &goals, &mut table)?,
        Task::Serve => load::measure(planner, [&car, &near], day, &goals, &mut table)?,
        Task::Ask => {
            let s = |took: std::time::Duration| took.as_secs_f64();
            table.say(&format!(
                "{} links, {} arcs of cars, {} turns, {} stops",
                planner.map().len(),
                planner.roads().street.graph.node_count(),
                planner.roads().street.graph.edge_count(),
                planner.transit().map_or(0, |transit| transit.timetable().stops.len()),
            ));
            table.say(&format!(
                "start from prepared files, CPU s: the streets {:.2}, the timetable {:.2}, made ready {:.2}",
                s(read),
                s(joined),
                s(made)
            ));
            table.figure(
                "start from prepared files, CPU s",
                s(read + made + joined),
                Goal::Most(goals.start_s),
            );
            table.figure("memory after the start, MB", memory_mb, Goal::Most(goals.memory_mb));
            let planner = Arc::new(planner);
            roads::measure(&planner, &car, &goals, &mut table);
            transit::measure(&planner, &near, day, &goals, &mut table)?;
            let planner = Arc::into_inner(planner).context("nobody else holds the planner")?;
            transit::whole_answers(planner, [&car, &near], day, &goals, &mut table)?;
            table.figure("memory at the most, MB", gauge::most_memory_mb(), Goal::None);
        }
    }
    Ok(table.verdict())
}
