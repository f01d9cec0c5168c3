//! How good the forecast is: `bench_forecast FILE.csv…`, each file a detector a column and five minutes a row, from
//! midnight on, as PeMS publishes it.
//!
//! The last fifth of the days is held out: errors are of forecasts for it, each made from what was known at its time. Beside
//! it stand the last value going on, and the historical average, the mean of the same time of the week in the days before.

use anyhow::{Context, ensure};
use controller::estimate::forecast::{Forecaster, HORIZONS, SLOT};
use std::{io::Write as _, path::Path};

const SLOTS_A_DAY: usize = 288;
const SLOTS_A_WEEK: usize = 7 * SLOTS_A_DAY;
/// Slots ahead that count, and those that are printed: 15, 30 and 60 minutes, and 5.
const GOALS: [usize; 3] = [3, 6, 12];
const PRINTED: [usize; 4] = [1, 3, 6, 12];

/// Sums over forecasts of one horizon: of the forecast, of persistence, of the historical average.
#[derive(Clone, Copy, Default)]
struct Sums {
    count: f64,
    absolute: [f64; 3],
    squared: [f64; 3],
}

fn main() -> anyhow::Result<()> {
    let files: Vec<String> = std::env::args().skip(1).collect();
    ensure!(!files.is_empty(), "bench_forecast FILE.csv…");
    let mut out = std::io::stdout().lock();
    let mut missed = Vec::new();
    for file in &files {
        let rows = read(Path::new(file))?;
        let days = rows.len() / SLOTS_A_DAY;
        let held_out = days - days * 4 / 5;
        let sums = forecast(&rows, (days - held_out) * SLOTS_A_DAY);
        writeln!(out, "{file}: {} detectors, {days} days, the last {held_out} held out", rows[0].len())?;
        writeln!(
            out,
            "{:>10}{:>38}{:>38}",
            "", "mean absolute error, vehicles/5 min", "root mean square error"
        )?;
        let heads = ["forecast", "last value", "average"];
        let [a, b, c] = heads;
        writeln!(out, "{:>10}{a:>14}{b:>12}{c:>12}{a:>14}{b:>12}{c:>12}", "ahead")?;
        for ahead in PRINTED {
            let sums = sums[ahead - 1];
            let mean = sums.absolute.map(|sum| sum / sums.count);
            let root = sums.squared.map(|sum| (sum / sums.count).sqrt());
            writeln!(
                out,
                "{:>6} min{:>14.2}{:>12.2}{:>12.2}{:>14.2}{:>12.2}{:>12.2}",
                ahead as u64 * SLOT.as_secs() / 60,
                mean[0],
                mean[1],
                mean[2],
                root[0],
                root[1],
                root[2]
            )?;
            let best = |errors: [f64; 3]| errors[0] < errors[1] && errors[0] < errors[2];
            if GOALS.contains(&ahead) && !(best(mean) && best(root)) {
                missed.push(format!("{file} {ahead} slots ahead"));
            }
        }
        writeln!(out)?;
    }
    ensure!(missed.is_empty(), "the forecast is not the best: {}", missed.join(", "));
    Ok(())
}

/// Sums by horizon over what lies at `begins` or later.
fn forecast(rows: &[Vec<Option<f32>>], begins: usize) -> Vec<Sums> {
    let detectors = rows[0].len();
    let mut average = vec![vec![(0.0_f64, 0.0_f64); detectors]; SLOTS_A_WEEK];
    for (slot, row) in rows[..begins].iter().enumerate() {
        for (value, (sum, count)) in row.iter().zip(&mut average[slot % SLOTS_A_WEEK]) {
            if let Some(value) = value {
                *sum += f64::from(*value);
                *count += 1.0;
            }
        }
    }
    let mut forecaster = Forecaster::new(detectors);
    let mut said: Vec<Vec<[Option<f32>; HORIZONS]>> = Vec::with_capacity(rows.len());
    let mut sums = vec![Sums::default(); HORIZONS];
    for (slot, row) in rows.iter().enumerate() {
        for ahead in 1..=HORIZONS {
            let Some(then) = slot.checked_sub(ahead).filter(|_| slot >= begins) else { continue };
            for detector in 0..detectors {
                let told: [Option<f32>; HORIZONS] = said[then][detector];
                let (usual, days) = average[slot % SLOTS_A_WEEK][detector];
                if let (Some(value), Some(told), Some(last)) =
                    (row[detector], told[ahead - 1], rows[then][detector])
                    && days > 0.0
                {
                    let sums = &mut sums[ahead - 1];
                    sums.count += 1.0;
                    for (i, said) in [f64::from(told), f64::from(last), usual / days].into_iter().enumerate()
                    {
                        let error = said - f64::from(value);
                        sums.absolute[i] += error.abs();
                        sums.squared[i] += error * error;
                    }
                }
            }
        }
        forecaster.take(slot as i64, row);
        let told = |detector| forecaster.ahead(detector).map(|ahead| ahead.map(|ahead| ahead.value));
        said.push((0..detectors).map(told).collect());
    }
    sums
}

fn read(file: &Path) -> anyhow::Result<Vec<Vec<Option<f32>>>> {
    let mut reader = csv::Reader::from_path(file).with_context(|| format!("{}", file.display()))?;
    let rows = reader.records().map(|record| {
        let record = record?;
        Ok(record.iter().map(|cell| cell.trim().parse().ok().filter(|v: &f32| v.is_finite())).collect())
    });
    let rows: Vec<Vec<Option<f32>>> =
        rows.collect::<Result<_, csv::Error>>().with_context(|| format!("{}", file.display()))?;
    ensure!(rows.len() >= 10 * SLOTS_A_DAY, "{}: fewer than ten days", file.display());
    Ok(rows)
}
