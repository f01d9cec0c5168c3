//! From where to where is asked: pairs of a file, or drawn ones.

use anyhow::Context;
use model::geo::{LocalPlane, LonLat};
use routing::planner::Planner;
use std::path::Path;

/// How many are drawn, as many as the files have.
const PAIRS: usize = 1000;
/// People begin and end so near a stop at most, m.
const NEAR_M: f64 = 300.0;

/// A file with a header and lines `from_lon,from_lat,to_lon,to_lat`.
pub(crate) fn read(file: &Path) -> anyhow::Result<Vec<[LonLat; 2]>> {
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

/// A number without a pattern, the same each time (Fibonacci hashing), 0 to 1.
pub(crate) fn drawn(i: usize) -> f64 {
    ((i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Between any two streets that cars may use.
pub(crate) fn between_streets(planner: &Planner) -> Vec<[LonLat; 2]> {
    let links: Vec<_> = planner.driven_links().collect();
    let place = |i: usize| {
        let link = planner.map().link(links[(drawn(i) * links.len() as f64) as usize]);
        let middle = link.shape().len() / 2;
        link.shape().nth(middle)
    };
    (0..PAIRS).filter_map(|i| Some([place(2 * i)?, place(2 * i + 1)?])).collect()
}

/// Between places near any two stops.
pub(crate) fn between_stops(planner: &Planner) -> anyhow::Result<Vec<[LonLat; 2]>> {
    let timetable = planner.transit().context("the data has a timetable")?.timetable();
    let stops: Vec<u32> =
        (0..timetable.stops.len() as u32).filter(|&stop| timetable.is_platform(stop)).collect();
    let place = |i: usize| {
        let stop = stops[(drawn(3 * i) * stops.len() as f64) as usize];
        let aside = [drawn(3 * i + 1), drawn(3 * i + 2)].map(|share| (2.0 * share - 1.0) * NEAR_M);
        LocalPlane::around(timetable.stops[stop as usize].at).to_lonlat(aside)
    };
    Ok((0..PAIRS).map(|i| [place(2 * i), place(2 * i + 1)]).collect())
}
