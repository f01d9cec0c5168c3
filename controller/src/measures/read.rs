//! Logs and detector configurations out of files.
//!
//! A log is CSV with or without a header, Parquet, what an Econolite cabinet keeps (`.dat`, `.datZ`), or what a MAXTIME one hands out (`.xml`). A line that
//! makes no sense is bad weather: it is named with its number and its cause, counted, and the rest is read. A file that
//! cannot be read at all, or has nothing in it that makes sense, is an error.

mod econolite;
mod maxtime;
mod parquet_file;
mod text;

use super::{
    detector_health::Count,
    event::{Detector, Event, Function, Speed, Turns},
    indiana::Code,
    utah::coming::later_ms,
};
use model::time::Moment;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

/// The largest code and parameter that a log may have: the package reads both as 16-bit integers.
const LARGEST: i64 = 32_767;
/// Lines that make no sense are named until so many; the rest is only counted.
pub const NAMED: usize = 20;

/// The logs of the devices in one file.
#[derive(Debug, Default)]
pub struct Log {
    /// Each device's events, sorted and without repetitions.
    pub devices: BTreeMap<Arc<str>, Vec<Event>>,
    /// What made no sense.
    pub rejected: Rejections,
    /// Events that were in the file more than once.
    pub repeated: usize,
}

/// Lines that made no sense.
#[derive(Debug, Default)]
pub struct Rejections {
    /// The first [`NAMED`] of them: the line and the cause.
    pub named: Vec<(u64, String)>,
    /// All of them.
    pub count: usize,
}

impl Rejections {
    fn add(&mut self, line: u64, cause: String) {
        self.count += 1;
        if self.named.len() < NAMED {
            self.named.push((line, cause));
        }
    }
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}:{}{cause}", .file.display(), .line.map(|line| format!("{line}: ")).unwrap_or_else(|| " ".into()))]
pub struct ReadError {
    /// Which file.
    pub file: PathBuf,
    /// In which line, if the cause is in one. Rows of Parquet are counted as lines, from 1.
    pub line: Option<u64>,
    /// Why.
    pub cause: String,
}

impl ReadError {
    fn new(file: &Path, line: Option<u64>, cause: impl ToString) -> ReadError {
        ReadError { file: file.to_owned(), line, cause: cause.to_string() }
    }
}

/// Reads a log.
pub fn events(file: &Path) -> Result<Log, ReadError> {
    let mut collected = Collected::default();
    match ending(file).as_str() {
        "parquet" => parquet_file::events(file, &mut collected)?,
        "dat" | "datz" => econolite::events(file, &mut collected)?,
        "xml" => maxtime::events(file, &mut collected)?,
        _ => text::events(file, &mut collected)?,
    }
    let log = collected.sorted();
    if log.devices.is_empty() {
        let (line, cause) = log.rejected.named.into_iter().next().unzip();
        return Err(ReadError::new(
            file,
            line,
            cause.unwrap_or_else(|| "there is no event in it".to_owned()),
        ));
    }
    Ok(log)
}

/// Reads which detectors each device has. Here every line must make sense.
pub fn detectors(file: &Path) -> Result<BTreeMap<Arc<str>, Vec<Detector>>, ReadError> {
    let turns = optional(file, MOVEMENT, |turns| {
        Turns::named(turns)
            .ok_or_else(|| format!("{turns:?} is no movement; one is of the letters L, T and R"))
    })?;
    let positive = |what: &'static str| {
        move |text: &str| {
            let value = number::<f64>(text, what)?;
            if value.is_finite() && value >= 0.0 { Ok(value) } else { Err(format!("{text:?} is no {what}")) }
        }
    };
    let distances = optional(file, DISTANCE, positive("distance"))?;
    let speeds = optional(file, SPEED, positive("speed"))?;
    let latencies = optional(file, LATENCY, positive("latency"))?;
    let mut detectors: BTreeMap<Arc<str>, Vec<Detector>> = BTreeMap::new();
    let mut line = 0;
    rows(file, &DETECTOR_COLUMNS, |[device, group, channel, function]| {
        fn of<T: Copy>(values: &[Option<T>], line: usize) -> Option<T> {
            values.get(line).copied().flatten()
        }
        let later_ms = match (of(&distances, line), of(&speeds, line)) {
            (Some(feet), Some(mph)) if mph > 0.0 => later_ms(feet, mph, of(&latencies, line).unwrap_or(0.0)),
            _ => 0,
        };
        let detector = Detector {
            group: number(group, "phase")?,
            channel: number(channel, "parameter (detector channel)")?,
            function: Function::named(function),
            turns: of(&turns, line),
            later_ms,
        };
        detectors.entry(device.into()).or_default().push(detector);
        line += 1;
        Ok(())
    })?;
    Ok(detectors)
}

/// A column that a file need not have, line by line; nothing where a cell is empty, or all are.
fn optional<T>(
    file: &Path,
    wanted: Column,
    meant: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<Option<T>>, ReadError> {
    let mut values = Vec::new();
    if has_column(file, wanted)? {
        rows(file, &[wanted], |[text]| {
            values.push(if text.is_empty() { None } else { Some(meant(text)?) });
            Ok(())
        })?;
    }
    Ok(values)
}

/// Reads vehicles' speeds. Here every line must make sense. Without a column for the device, detectors have Utah's names: the
/// device's, and two digits of the channel.
pub fn speeds(file: &Path) -> Result<BTreeMap<Arc<str>, Vec<Speed>>, ReadError> {
    const UNITS: [(Column, f64); 2] =
        [(("Kph", &["kph", "kmh", "speedkph", "speed"]), 1.0), (("Mph", &["mph"]), 1.609_344)];
    let mut speeds: BTreeMap<Arc<str>, Vec<Speed>> = BTreeMap::new();
    let mut unit = UNITS[0];
    for other in &UNITS[1..] {
        if !has_column(file, unit.0)? {
            unit = *other;
        }
    }
    let mut take = |at: &str, device: &str, channel: &str, speed: &str| {
        let kmh = number::<f64>(speed, "speed")? * unit.1;
        if !kmh.is_finite() || kmh < 0.0 {
            return Err(format!("{speed:?} is no speed"));
        }
        let at = text::time(at.as_bytes()).ok_or_else(|| format!("{at:?} is no time"))?;
        let channel = number(channel, "detector channel")?;
        speeds.entry(device.into()).or_default().push(Speed { at, channel, kmh, vehicles: 1 });
        Ok(())
    };
    let [time, device, ..] = LOG_COLUMNS;
    let (time, detector) =
        ((time.0, &["timestamp", "ts"][..]), ("Detector", &["detector", "detectorid", "channel"][..]));
    if has_column(file, device)? {
        rows(file, &[time, device, detector, unit.0], |[at, device, detector, speed]| {
            take(at, device, detector, speed)
        })?;
    } else {
        rows(file, &[time, detector, unit.0], |[at, detector, speed]| {
            let place =
                detector.len().checked_sub(2).filter(|place| *place > 0 && detector.is_char_boundary(*place));
            let (device, channel) =
                detector.split_at(place.ok_or_else(|| format!("{detector:?} does not begin with a device"))?);
            take(at, device, channel, speed)
        })?;
    }
    Ok(speeds)
}

/// Reads detectors' counts by bin, such as `actuations` gives.
pub fn counts(file: &Path) -> Result<Vec<Count>, ReadError> {
    let mut counts = Vec::new();
    rows(file, &COUNT_COLUMNS, |[at, device, detector, total]| {
        counts.push(Count {
            at: text::time(at.as_bytes()).ok_or_else(|| format!("{at:?} is no time"))?,
            device_id: device.into(),
            detector: number(detector, "detector channel")?,
            total: number(total, "count")?,
        });
        Ok(())
    })?;
    Ok(counts)
}

/// Reads which devices are judged together.
pub fn groups(file: &Path) -> Result<BTreeMap<Arc<str>, Arc<str>>, ReadError> {
    let mut groups = BTreeMap::new();
    rows(file, &GROUP_COLUMNS, |[device, group]| {
        groups.insert(device.into(), group.into());
        Ok(())
    })?;
    Ok(groups)
}

fn number<T: FromStr>(text: &str, what: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text:?} is no {what}"))
}

/// Whether a file has that column.
fn has_column(file: &Path, wanted: Column) -> Result<bool, ReadError> {
    let names = match ending(file).as_str() {
        "parquet" => parquet_file::names(file)?,
        _ => text::header(file)?,
    };
    Ok(find(&[wanted], &names).is_ok())
}

/// Hands the wanted columns of each line to `take`, which says what is wrong with them.
fn rows<const N: usize>(
    file: &Path,
    wanted: &[Column; N],
    take: impl FnMut([&str; N]) -> Result<(), String>,
) -> Result<(), ReadError> {
    match ending(file).as_str() {
        "parquet" => parquet_file::texts(file, wanted, take),
        _ => text::rows(file, wanted, take),
    }
}

/// A time as logs write it.
#[cfg(test)]
pub(super) fn time(text: &str) -> Option<Moment> {
    text::time(text.as_bytes())
}

fn ending(file: &Path) -> String {
    file.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default()
}

/// Events as they come, by device.
#[derive(Debug, Default)]
struct Collected {
    devices: Vec<(Arc<str>, Vec<Event>)>,
    numbers: BTreeMap<Arc<str>, usize>,
    /// The device of the last line: most often that of the next one, too.
    last: usize,
    rejected: Rejections,
}

impl Collected {
    /// Adds what a line says, or why it makes no sense.
    fn add(&mut self, line: u64, device: &str, at: Moment, code: i64, param: i64) {
        let range = 0..=LARGEST;
        if !range.contains(&code) {
            return self.rejected.add(line, format!("event code {code} is not between 0 and {LARGEST}"));
        }
        if !range.contains(&param) {
            return self.rejected.add(line, format!("parameter {param} is not between 0 and {LARGEST}"));
        }
        let event = Event { at, code: Code(code as u16), param: param as u16 };
        let number = self.number(device);
        self.devices[number].1.push(event);
    }

    fn number(&mut self, device: &str) -> usize {
        if self.devices.get(self.last).is_none_or(|(name, _)| **name != *device) {
            self.last = match self.numbers.get(device) {
                Some(number) => *number,
                None => {
                    let name: Arc<str> = device.into();
                    self.devices.push((name.clone(), Vec::new()));
                    self.numbers.insert(name, self.devices.len() - 1);
                    self.devices.len() - 1
                }
            };
        }
        self.last
    }

    fn sorted(self) -> Log {
        let mut log = Log { rejected: self.rejected, ..Log::default() };
        for (name, mut events) in self.devices {
            let before = events.len();
            if !events.is_sorted() {
                events.sort_unstable();
            }
            events.dedup();
            log.repeated += before - events.len();
            log.devices.insert(name, events);
        }
        log
    }
}

/// A column, and the names that files have for it.
type Column = (&'static str, &'static [&'static str]);

/// The columns of a log.
const LOG_COLUMNS: [Column; 4] = [
    ("TimeStamp", &["timestamp"]),
    (
        "DeviceId",
        &[
            "deviceid",
            "device",
            "signal",
            "signalid",
            "location",
            "locationid",
            "locationidentifier",
            "intersection",
            "trafficsignal",
            "name",
            "devicename",
        ],
    ),
    ("EventId", &["eventid", "eventcode"]),
    ("Parameter", &["parameter", "eventparameter", "eventparam"]),
];

/// The columns of a configuration.
const DETECTOR_COLUMNS: [Column; 4] = [
    ("DeviceId", &["deviceid"]),
    ("Phase", &["phase"]),
    ("Parameter", &["parameter"]),
    ("Function", &["function"]),
];

/// And those that it may have, which the reference package's has not: which way the lane goes; how far before the stop line a
/// detector lies, ft, how fast one drives there, mph, and how late it tells, s.
const MOVEMENT: Column = ("Movement", &["movement", "movementtype"]);
const DISTANCE: Column = ("DistanceFromStopBar", &["distancefromstopbar"]);
const SPEED: Column = ("Mph", &["mph"]);
const LATENCY: Column = ("LatencyCorrection", &["latencycorrection"]);

/// The columns of counts.
const COUNT_COLUMNS: [Column; 4] = [
    ("TimeStamp", &["timestamp"]),
    ("DeviceId", &["deviceid"]),
    ("Detector", &["detector"]),
    ("Total", &["total"]),
];

/// The columns of a list of groups.
const GROUP_COLUMNS: [Column; 2] =
    [("DeviceId", &["deviceid"]), ("Group", &["group", "groupname", "devicegroup"])];

/// Where the wanted columns are among those that there are. Case, spaces and underscores make no difference.
fn find<const N: usize>(wanted: &[Column; N], there: &[String]) -> Result<[usize; N], String> {
    let plain = |name: &String| name.replace([' ', '_'], "").to_lowercase();
    let there_plain: Vec<String> = there.iter().map(plain).collect();
    let mut found = [0; N];
    for (i, (name, aliases)) in wanted.iter().enumerate() {
        let at = aliases.iter().find_map(|alias| there_plain.iter().position(|column| column == alias));
        found[i] = at.ok_or_else(|| format!("there is no column {name}; there are {}", there.join(", ")))?;
    }
    Ok(found)
}
