//! The measures as files: one CSV for each, columns as the package names them.

use super::{
    catalogue::{MEASURES, Measure},
    report::{Report, Tables},
};
use anyhow::Context;
use serde::Serialize;
use std::{fs::File, path::Path};

/// The files of a folder.
pub struct Folder {
    files: Vec<csv::Writer<File>>,
}

/// Writes one table by itself.
pub fn table<R: Serialize>(folder: &Path, name: &str, rows: &[R]) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("could not make {}", folder.display()))?;
    let path = folder.join(name).with_extension("csv");
    let said = || format!("could not write {}", path.display());
    let mut file = csv::Writer::from_path(&path).with_context(said)?;
    for row in rows {
        file.serialize(row).with_context(said)?;
    }
    file.flush().with_context(said)
}

impl Folder {
    /// Makes the folder if it is not there, and an empty file with a header for each measure.
    pub fn create(folder: &Path) -> anyhow::Result<Folder> {
        std::fs::create_dir_all(folder).with_context(|| format!("could not make {}", folder.display()))?;
        let create = |measure: &Measure| {
            let path = folder.join(measure.name).with_extension("csv");
            let file = File::create(&path).with_context(|| format!("could not write {}", path.display()))?;
            let mut file = csv::WriterBuilder::new().has_headers(false).from_writer(file);
            file.write_record(measure.columns.iter().map(|column| column.name))?;
            anyhow::Ok(file)
        };
        Ok(Folder { files: MEASURES.iter().map(create).collect::<Result<_, _>>()? })
    }

    /// Adds a device's rows.
    pub fn write(&mut self, report: &Report) -> anyhow::Result<()> {
        report.tables(self)
    }

    /// Ends the files; what could not be written is said here at the latest.
    pub fn finish(self) -> anyhow::Result<()> {
        for mut file in self.files {
            file.flush()?;
        }
        Ok(())
    }
}

impl Tables for Folder {
    type Error = anyhow::Error;

    fn table<R: Serialize>(&mut self, name: &'static str, rows: &[R]) -> anyhow::Result<()> {
        let number = MEASURES.iter().position(|measure| measure.name == name).context("no such measure")?;
        for row in rows {
            self.files[number].serialize(row).with_context(|| format!("could not write {name}.csv"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measures::{
        bin::Stamp, coordination, pedestrians, phase_wait, platoon_ratio, split_failures, timeline,
        yellow_red,
    };
    use model::time::Moment;

    #[track_caller]
    fn check<R: Serialize>(name: &str, row: R) {
        let mut with_header = csv::Writer::from_writer(Vec::new());
        with_header.serialize(row).unwrap();
        let text = String::from_utf8(with_header.into_inner().unwrap()).unwrap();
        let columns: Vec<&str> = Measure::named(name).unwrap().columns.iter().map(|c| c.name).collect();
        assert_eq!(text.lines().next().unwrap(), columns.join(","));
    }

    #[test]
    fn headers_are_the_names_of_the_rows_fields() {
        let (at, device_id) = (Stamp(Moment(0)), "7".into());
        let (phase, total_actuations, percent_aog) = (2, 3, 0.5);
        check(
            "platoon_ratio",
            platoon_ratio::Row {
                at,
                device_id: std::sync::Arc::clone(&device_id),
                phase,
                total_actuations,
                green_actuations: 1,
                percent_aog,
                green_seconds: 1.0,
                green_ratio: 1.0,
                platoon_ratio: 1.0,
                arrival_type: 1,
            },
        );
        let device_id = || std::sync::Arc::clone(&device_id);
        check(
            "coordination",
            coordination::Row { bin: at, at, device_id: device_id(), event_id: 131, parameter: 1 },
        );
        check(
            "coordination_agg",
            coordination::StandingRow {
                at,
                device_id: device_id(),
                pattern: 1,
                cycle_length: 90,
                actual_cycle_length: 90,
                actual_offset: 0,
            },
        );
        check(
            "full_ped",
            pedestrians::FullRow {
                at,
                device_id: device_id(),
                phase,
                ped_services: 1,
                ped_actuation: 1,
                unique_actuations: 1,
                estimated_volumes: 1.0,
            },
        );
        check(
            "split_failures",
            split_failures::Row {
                at,
                device_id: device_id(),
                phase,
                green_time: 1.0,
                green_occupancy: 1.0,
                red_occupancy: 1.0,
                split_failure: 1,
            },
        );
        check(
            "yellow_red",
            yellow_red::Row {
                at,
                device_id: device_id(),
                phase,
                signal_state: 1,
                red_offset: 0.5,
                count: 1.0,
            },
        );
        check(
            "timeline",
            timeline::Row {
                device_id: device_id(),
                start_time: at,
                end_time: at,
                duration: 1.0,
                is_valid: true,
                class: timeline::Class::Green,
                event_value: None,
            },
        );
        check(
            "unmatched_events",
            timeline::UnmatchedRow { at, device_id: device_id(), event_id: 1, parameter: 2, is_valid: true },
        );
        check(
            "phase_wait",
            phase_wait::Row {
                at,
                device_id: device_id(),
                phase,
                avg_phase_wait: 1.0,
                max_phase_wait: 1.0,
                total_skips: 0,
            },
        );
    }
}
