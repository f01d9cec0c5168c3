//! What a person types: `controller measures`, a log in and a folder of measures out, and `controller detector-health`.

use super::{
    bin::Bin,
    detector_health::{self, Settings},
    device::Device,
    read::{self, ReadError, Rejections},
    report::Whole,
    write::{self, Folder},
};
use std::path::{Path, PathBuf};

/// What a person asked for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The log.
    pub events: PathBuf,
    /// Which detectors there are; without it, measures that need them are empty.
    pub config: Option<PathBuf>,
    /// Vehicles' speeds, which no log has.
    pub speeds: Option<PathBuf>,
    /// Where the files go.
    pub out: PathBuf,
    /// The length of a bin.
    pub bin: Bin,
}

/// What was done.
#[derive(Debug)]
pub struct Done {
    /// Devices in the log.
    pub devices: usize,
    /// Events that count.
    pub events: usize,
    /// Events that the log had more than once.
    pub repeated: usize,
    /// Lines that made no sense.
    pub rejected: Rejections,
}

/// Why it could not be done; the variants differ in whose fault it is.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// A file that was given cannot be used.
    #[error(transparent)]
    Input(#[from] ReadError),
    /// The measures could not be written.
    #[error("{0:#}")]
    Output(anyhow::Error),
}

/// Does it. One device's measures are in memory at a time.
pub fn run(wanted: &Wanted) -> Result<Done, MeasureError> {
    let detectors = wanted.config.as_deref().map(read::detectors).transpose()?.unwrap_or_default();
    let mut speeds = wanted.speeds.as_deref().map(read::speeds).transpose()?.unwrap_or_default();
    let log = read::events(&wanted.events)?;
    let first = log.devices.values().filter_map(|events| events.first()).map(|event| event.at).min();
    let last = log.devices.values().filter_map(|events| events.last()).map(|event| event.at).max();
    let mut done =
        Done { devices: log.devices.len(), events: 0, repeated: log.repeated, rejected: log.rejected };
    let mut folder = Folder::create(&wanted.out).map_err(MeasureError::Output)?;
    if let Some((first, last)) = first.zip(last) {
        for (name, events) in log.devices {
            let mut device =
                Device::new(name.clone(), detectors.get(&name).map_or(&[], Vec::as_slice), wanted.bin);
            for event in &events {
                device.take(*event);
            }
            for speed in speeds.remove(&name).unwrap_or_default() {
                device.tell(speed);
            }
            done.events += events.len();
            drop(events);
            folder.write(&device.report(Whole { first, last })).map_err(MeasureError::Output)?;
        }
    }
    folder.finish().map_err(MeasureError::Output)?;
    Ok(done)
}

/// Judges the counts of a file; says how many were odd, and of how many.
pub fn detector_health(
    counts: &Path,
    groups: Option<&Path>,
    out: &Path,
    settings: &Settings,
) -> Result<(usize, usize), MeasureError> {
    let groups = groups.map(read::groups).transpose()?;
    let rows = detector_health::judge(&read::counts(counts)?, groups.as_ref(), settings);
    write::table(out, "detector_health", &rows).map_err(MeasureError::Output)?;
    Ok((rows.iter().filter(|row| row.anomaly).count(), rows.len()))
}
