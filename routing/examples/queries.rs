//! Times queries on a prepared city: `cargo run -p routing --example queries -- DATA_DIR PAIRS.csv`.
//!
//! `PAIRS.csv` has a header and lines `from_lon,from_lat,to_lon,to_lat`. One thread; the whole answer with its
//! line and steps. Milliseconds are of CPU, which a busy machine does not falsify.
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a stopwatch for people")]

use model::{geo::LonLat, time::Moment};
use routing::{
    itinerary::Place,
    planner::{NoJourney, Planner, Query, STREET_WITHIN_M, When},
    prepare::{CITY_FILE, load_city},
    profile::Profile,
    snapshot::Snapshot,
};
use std::{path::Path, process::ExitCode, sync::Arc, time::Instant};

/// CPU time of this thread so far, as Linux counts it.
fn cpu_ms() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1e6
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, data, pairs] = &arguments[..] else {
        println!("usage: queries DATA_DIR PAIRS.csv");
        return ExitCode::from(64);
    };
    let began = Instant::now();
    let city = match load_city(&Path::new(data).join(CITY_FILE)) {
        Ok(city) => Arc::new(city),
        Err(complaints) => {
            println!("{complaints}");
            return ExitCode::from(64);
        }
    };
    println!("city read in {:.2} s", began.elapsed().as_secs_f64());
    let began = Instant::now();
    let planner = Planner::new(city.clone());
    println!("graphs built in {:.2} s", began.elapsed().as_secs_f64());
    for profile in [Profile::Car, Profile::Bicycle, Profile::Walk] {
        let graph = &planner.graph(profile).graph;
        println!("{profile:?}: {} arcs, {} turns", graph.node_count(), graph.edge_count());
    }
    let text = std::fs::read_to_string(pairs).unwrap_or_default();
    let place =
        |name: &str, lon: f64, lat: f64| Place { name: name.into(), stop: None, at: LonLat { lon, lat } };
    let pairs: Vec<_> = text
        .lines()
        .skip(1)
        .filter_map(|line| {
            let n: Vec<f64> = line.split(',').filter_map(|n| n.trim().parse().ok()).collect();
            let [a, b, c, d] = n[..] else { return None };
            Some((place("from", a, b), place("to", c, d)))
        })
        .collect();
    let traffic = Snapshot::empty(city.network.links.len());
    let now = Moment(1_781_251_200_000);
    for profile in [Profile::Car, Profile::Bicycle, Profile::Walk] {
        let (mut millis, mut no_street, mut no_way, mut km, mut hours) = (Vec::new(), 0, 0, 0.0, 0.0);
        for (from, to) in &pairs {
            let (from, to) = (from.clone(), to.clone());
            let when = When::DepartAt(now);
            let query = Query { from, to, profile, when, street_within_m: STREET_WITHIN_M, speed_mps: None };
            let began = cpu_ms();
            let answer = planner.direct(&query, &traffic, now);
            millis.push(cpu_ms() - began);
            match answer {
                Ok(journey) => {
                    km += journey.distance_m() / 1000.0;
                    hours += journey.duration().as_secs_f64() / 3600.0;
                }
                Err(NoJourney::NoStreet { .. }) => no_street += 1,
                Err(NoJourney::NoWay { .. }) => no_way += 1,
            }
        }
        millis.sort_by(f64::total_cmp);
        let at = |share: f64| millis.get((millis.len() as f64 * share) as usize).copied().unwrap_or(f64::NAN);
        println!(
            "{profile:?}: {} pairs, p50 {:.2} ms, p95 {:.2} ms, p99 {:.2} ms of CPU; {no_street} without street, {no_way} without way; mean {:.1} km/h",
            pairs.len(),
            at(0.5),
            at(0.95),
            at(0.99),
            km / hours,
        );
    }
    ExitCode::SUCCESS
}
