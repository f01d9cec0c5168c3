//! `detector_health`: which detectors counted so differently from what is usual for them that they are to be looked at.
//!
//! A count is taken apart into the detector's median, what is usual at the time of day, what is usual at that time on
//! that day of the week, and a rest, each by medians. The rest is scored by GEH (√(2(p − x)² / (p + x)) for a prediction p
//! and a count x, with its sign), too few counting for more than too many. A count is odd when its score is beyond 6,
//! and, where devices are judged in groups, beyond 3 standard deviations of its group's scores at that time, too: what
//! happens to all of them is weather or a holiday. Source: the `traffic-anomaly` package 2.5, `decompose` and `anomaly`,
//! as `atspm` calls it.

use super::bin::{Bin, Stamp};
use model::time::Moment;
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// Beyond this score a count is odd for its detector.
const ODD: f64 = 6.0;
/// Beyond so many standard deviations it is odd in its group.
const ODD_IN_GROUP: f64 = 3.0;
/// Keeps divisions by nothing finite.
const EPSILON: f64 = 1e-8;
/// Times of day are told apart by this.
const TIME_OF_DAY: Bin = Bin::QUARTER;
const DAY: Duration = Duration::from_secs(86_400);

/// What a detector counted in a bin.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Count {
    /// When the bin begins.
    pub at: Moment,
    /// Of which device.
    pub device_id: Arc<str>,
    /// The channel.
    pub detector: u16,
    /// How much.
    pub total: u32,
}

/// How a count was judged.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Row {
    /// When the bin begins.
    #[serde(rename = "TimeStamp")]
    pub at: Stamp,
    /// Of which device.
    #[serde(rename = "DeviceId")]
    pub device_id: Arc<str>,
    /// The channel.
    #[serde(rename = "Detector")]
    pub detector: u16,
    /// What it counted.
    #[serde(rename = "Total")]
    pub total: u32,
    /// The score: how far the count is from the prediction; positive where it is below.
    pub resid: f64,
    /// What is usual.
    pub prediction: f32,
    /// It is odd.
    pub anomaly: bool,
}

/// How counts are judged.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The median is of so many days until then; without it, of all days.
    pub rolling: Option<Rolling>,
    /// Times of day with fewer counts are not judged.
    pub same_time_at_least: usize,
    /// Only the last days are told.
    pub last_days: u32,
}

/// A median of the last days.
#[derive(Clone, Copy, Debug)]
pub struct Rolling {
    /// So many.
    pub days: u32,
    /// The first days of all are not judged.
    pub drop_days: u32,
    /// Nor is a count with fewer counts in those days.
    pub at_least: usize,
}

/// A detector.
type Entity = (Arc<str>, u16);

/// Judges counts; `groups` are those of the devices. A device without a group is left out where there are groups.
pub fn judge(
    counts: &[Count],
    groups: Option<&BTreeMap<Arc<str>, Arc<str>>>,
    settings: &Settings,
) -> Vec<Row> {
    let Some(first) = counts.iter().map(|count| count.at).min() else { return Vec::new() };
    let last = counts.iter().map(|count| count.at).max().unwrap_or(first);
    let mut by_entity: BTreeMap<Entity, Vec<&Count>> = BTreeMap::new();
    for count in counts {
        by_entity.entry((count.device_id.clone(), count.detector)).or_default().push(count);
    }
    let mut rows: Vec<Row> =
        by_entity.into_values().flat_map(|counts| decompose(counts, first, settings)).collect();
    if let Some(groups) = groups {
        rows.retain(|row| groups.contains_key(&row.device_id));
        spare_whole_groups(&mut rows, groups);
    }
    let today = Moment(last.0 - last.0.rem_euclid(DAY.as_millis() as i64));
    let from = today - DAY * settings.last_days.saturating_sub(1);
    rows.retain(|row| row.at.0 >= from);
    rows
}

/// One detector's counts, each with what is usual.
fn decompose(mut counts: Vec<&Count>, first: Moment, settings: &Settings) -> Vec<Row> {
    counts.sort_by_key(|count| count.at);
    let total = |count: &&Count| count.total as f32;
    let medians: Vec<(f32, usize)> = match settings.rolling {
        None => {
            let all = median(counts.iter().map(total).collect());
            counts.iter().map(|_| (all, counts.len())).collect()
        }
        Some(rolling) => {
            let days = DAY * rolling.days;
            let until = |at: Moment| counts.partition_point(|count| count.at <= at);
            let from = |at: Moment| counts.partition_point(|count| count.at < at - days);
            let window = |count: &&Count| &counts[from(count.at)..until(count.at)];
            counts
                .iter()
                .map(|count| (median(window(count).iter().map(total).collect()), window(count).len()))
                .collect()
        }
    };
    let begins = settings.rolling.map_or(first, |rolling| first + DAY * rolling.drop_days);
    let at_least = settings.rolling.map_or(0, |rolling| rolling.at_least);
    let kept = counts.iter().zip(medians).filter(|(count, _)| count.at >= begins);
    let parts: Vec<Part> = kept.map(|(count, (median, window))| Part::new(count, median, window)).collect();

    let by_day = seasons(&parts, |part| (part.time_of_day, 0), |part| part.detrended);
    let day_of = |part: &Part| by_day[&(part.time_of_day, 0)].0;
    let by_week =
        seasons(&parts, |part| (part.time_of_day, part.weekday), |part| part.detrended - day_of(part));
    let judged = |part: &Part| {
        let (day, same_time) = by_day[&(part.time_of_day, 0)];
        let (week, _) = by_week[&(part.time_of_day, part.weekday)];
        let enough = same_time >= settings.same_time_at_least && part.window >= at_least;
        enough.then(|| score(part, (part.median + day + week).max(0.0)))
    };
    parts.iter().filter_map(judged).collect()
}

/// A count that is being taken apart.
struct Part<'a> {
    count: &'a Count,
    median: f32,
    /// Counts that the median is of.
    window: usize,
    detrended: f32,
    time_of_day: i64,
    weekday: i64,
}

impl Part<'_> {
    fn new(count: &Count, median: f32, window: usize) -> Part<'_> {
        let (day_ms, bin_ms) = (DAY.as_millis() as i64, TIME_OF_DAY.length().as_millis() as i64);
        Part {
            count,
            median,
            window,
            detrended: count.total as f32 - median,
            time_of_day: count.at.0.rem_euclid(day_ms) / bin_ms,
            weekday: count.at.0.div_euclid(day_ms).rem_euclid(7),
        }
    }
}

/// The median of a value for each season, and of how many.
fn seasons<'a>(
    parts: &'a [Part<'a>],
    season: impl Fn(&Part) -> (i64, i64),
    value: impl Fn(&Part) -> f32,
) -> BTreeMap<(i64, i64), (f32, usize)> {
    let mut values: BTreeMap<(i64, i64), Vec<f32>> = BTreeMap::new();
    for part in parts {
        values.entry(season(part)).or_default().push(value(part));
    }
    let middle = |values: Vec<f32>| {
        let count = values.len();
        (median(values), count)
    };
    values.into_iter().map(|(season, values)| (season, middle(values))).collect()
}

fn score(part: &Part, prediction: f32) -> Row {
    let total = part.count.total as f32;
    let difference = prediction - total;
    let geh = (2.0 * f64::from(difference).powi(2) / (f64::from(prediction + total) + EPSILON)).sqrt();
    let signed = if difference == 0.0 { 0.0 } else { geh.copysign(f64::from(difference)) };
    let share = f64::from(part.count.total) / (f64::from(prediction) + EPSILON);
    let resid = signed * ((2.0 - (share + 0.1).ln()) / 2.0).max(1.0);
    Row {
        at: Stamp(part.count.at),
        device_id: part.count.device_id.clone(),
        detector: part.count.detector,
        total: part.count.total,
        resid,
        prediction,
        anomaly: resid.abs() > ODD,
    }
}

/// What is odd for a detector is not, if its group is as odd at that time.
fn spare_whole_groups(rows: &mut [Row], groups: &BTreeMap<Arc<str>, Arc<str>>) {
    let key = |row: &Row| (groups[&row.device_id].clone(), row.at);
    let mut scores: BTreeMap<(Arc<str>, Stamp), Vec<f64>> = BTreeMap::new();
    for row in rows.iter() {
        scores.entry(key(row)).or_default().push(row.resid);
    }
    let spread: BTreeMap<_, _> = scores.into_iter().map(|(key, scores)| (key, spread(&scores))).collect();
    for row in rows {
        // One alone has no spread, and is not odd among others.
        let odd = spread[&key(row)].is_some_and(|(mean, deviation)| {
            ((row.resid - mean) / (deviation + EPSILON)).abs() > ODD_IN_GROUP
        });
        row.anomaly &= odd;
    }
}

/// Mean and standard deviation of a sample; `None` of fewer than two.
fn spread(values: &[f64]) -> Option<(f64, f64)> {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (values.len() > 1).then(|| (mean, (squares / (count - 1.0)).sqrt()))
}

/// The middle, or the mean of the two in the middle; 0 of nothing.
fn median(mut values: Vec<f32>) -> f32 {
    values.sort_by(f32::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        n if n % 2 == 1 => values[middle],
        _ => (values[middle - 1] + values[middle]) / 2.0,
    }
}
