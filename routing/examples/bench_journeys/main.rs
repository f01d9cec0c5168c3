//! What journeys cost on one thread, beside the goals: `bench_journeys DATA CAR.csv TRANSIT.csv DATE [exact]`.
//!
//! DATA was made by `routing prepare`; the pairs have a header and lines `from_lon,from_lat,to_lon,to_lat`; DATE is
//! `20240612`. Milliseconds are of CPU time, since other work on the machine changes wall time. With `exact` the hierarchy
//! is compared with A* on 500 pairs after each of 20 pictures of the traffic instead. Exit code 1: a goal was missed.

mod gauge;
mod roads;
mod transit;

use anyhow::Context;
use gauge::{Goal, Table};
use model::geo::LonLat;
use routing::{
    gtfs::calendar::Day,
    planner::Planner,
    prepare::{self, STREETS_FILE, TIMETABLE_FILE},
};
use std::{path::Path, process::ExitCode, sync::Arc};

fn main() -> anyhow::Result<ExitCode> {
    let args: Vec<String> = std::env::args().collect();
    let (data, car, near, date, exact) = match &args[1..] {
        [data, car, near, date] => (Path::new(data), car, near, date, false),
        [data, car, near, date, word] if word == "exact" => (Path::new(data), car, near, date, true),
        _ => anyhow::bail!("bench_journeys DATA CAR.csv TRANSIT.csv DATE [exact]"),
    };
    let day = Day::parse(date).context("the date is no date")?;
    let (car, near) = (read_pairs(Path::new(car))?, read_pairs(Path::new(near))?);
    let mut table = Table::default();
    let file = data.join(STREETS_FILE);
    let (streets, read) = gauge::process(|| prepare::load_streets(&file));
    let streets = streets?;
    if exact {
        return roads::compare(&Planner::on(streets), &car);
    }
    let file = data.join(TIMETABLE_FILE);
    let (prepared, joined) = gauge::process(|| prepare::load_timetable(&file, &streets.map));
    let prepared = prepared?;
    let (planner, made) = gauge::process(|| Planner::on(streets).with_timetable(prepared));
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
    table.figure("start from prepared files, CPU s", s(read + made + joined), Goal::Most(1.5));
    table.figure("memory after the start, MB", gauge::memory_mb(), Goal::Most(150.0));
    let planner = Arc::new(planner);
    roads::measure(&planner, &car, &mut table);
    transit::measure(&planner, &near, day, &mut table)?;
    let planner = Arc::into_inner(planner).context("nobody else holds the planner")?;
    transit::whole_answers(planner, [&car, &near], day, &mut table)?;
    table.figure("memory at the most, MB", gauge::most_memory_mb(), Goal::None);
    Ok(table.verdict())
}

fn read_pairs(file: &Path) -> anyhow::Result<Vec<[LonLat; 2]>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("could not read {}", file.display()))?;
    let pair = |line: &str| {
        let numbers: Result<Vec<f64>, _> = line.split(',').map(str::parse).collect();
        match numbers?[..] {
            [a, b, c, d] => Ok([LonLat { lon: a, lat: b }, LonLat { lon: c, lat: d }]),
            _ => anyhow::bail!("{line:?} is not from_lon,from_lat,to_lon,to_lat"),
        }
    };
    text.lines().skip(1).map(pair).collect()
}
