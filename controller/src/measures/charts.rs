//! The pictures that engineers look at, as points to draw: time runs along the abscissa of all of them.

use super::{
    bin::{Bin, Stamp},
    report::Report,
    terminations::Why,
};
use model::time::Moment;
use std::collections::BTreeMap;

/// One picture.
#[derive(Clone, Copy, Debug)]
pub struct Chart {
    /// Its name in the API.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// What the ordinate is.
    pub ordinate: &'static str,
    /// Its unit; empty if it has none.
    pub unit: &'static str,
    /// The measures that it is drawn from.
    pub measures: &'static [&'static str],
    draw: fn(&Report, Bin) -> Vec<Series>,
}

/// What is drawn alike: one line, one cloud of dots.
#[derive(Clone, PartialEq, Debug)]
pub struct Series {
    /// What it shows, as a key that the page translates.
    pub key: &'static str,
    /// Of which signal group.
    pub group: Option<u16>,
    /// Of which detector channel.
    pub channel: Option<u16>,
    /// How to draw it.
    pub mark: Mark,
    /// In the order of time.
    pub points: Vec<(Moment, f64)>,
}

/// How a series is drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mark {
    /// Dots.
    Dots,
    /// Each value holds for a bin, or for a cycle, from its moment on.
    Steps,
    /// A bar for each point.
    Bars,
}

impl Chart {
    /// The picture of that name.
    pub fn named(name: &str) -> Option<&'static Chart> {
        CHARTS.iter().find(|chart| chart.name == name)
    }

    /// Draws it from what was measured; what was before `from` is left out.
    pub fn draw(&self, report: &Report, bin: Bin, from: Moment) -> Vec<Series> {
        let mut series = (self.draw)(report, bin);
        for one in &mut series {
            one.points.retain(|(at, _)| *at >= from);
            one.points.sort_by_key(|(at, _)| *at);
        }
        series.retain(|one| !one.points.is_empty());
        series
    }
}

/// All of them.
pub const CHARTS: [Chart; 16] = [
    Chart {
        name: "coordination_diagram",
        title: "Purdue coordination diagram",
        ordinate: "time in cycle",
        unit: "s",
        measures: &["coordination_diagram", "cycles"],
        draw: coordination_diagram,
    },
    Chart {
        name: "split_monitor",
        title: "Split monitor",
        ordinate: "green",
        unit: "s",
        measures: &["split_monitor"],
        draw: |report, _| {
            let green = report.split_monitor.iter();
            dots(green.map(|row| (ended(row.termination), row.phase, row.at, row.green)))
        },
    },
    Chart {
        name: "phase_termination",
        title: "Purdue phase termination",
        ordinate: "signal group",
        unit: "",
        measures: &["split_monitor"],
        draw: |report, _| {
            let greens = report.split_monitor.iter();
            dots(greens.map(|row| (ended(row.termination), row.phase, row.at, f64::from(row.phase))))
        },
    },
    Chart {
        name: "approach_volume",
        title: "Approach volume",
        ordinate: "flow",
        unit: "vehicles/h",
        measures: &["approach_volume"],
        draw: |report, bin| {
            let hourly = 60.0 / f64::from(bin.as_minutes());
            let rows = report.approach_volume.iter();
            steps("volume", rows.map(|row| (row.phase, row.at, f64::from(row.volume) * hourly)))
        },
    },
    Chart {
        name: "arrivals_on_green",
        title: "Arrivals on green",
        ordinate: "share of arrivals",
        unit: "%",
        measures: &["arrival_on_green"],
        draw: |report, _| {
            let rows = report.arrival_on_green.iter();
            steps(
                "arrivals_on_green",
                rows.map(|row| (row.phase, row.at, 100.0 * f64::from(row.percent_aog))),
            )
        },
    },
    Chart {
        name: "platoon_ratio",
        title: "Platoon ratio",
        ordinate: "platoon ratio",
        unit: "",
        measures: &["platoon_ratio"],
        draw: |report, _| {
            let rows = report.platoon_ratio.iter();
            steps("platoon_ratio", rows.map(|row| (row.phase, row.at, f64::from(row.platoon_ratio))))
        },
    },
    Chart {
        name: "approach_delay",
        title: "Approach delay",
        ordinate: "mean delay",
        unit: "s",
        measures: &["approach_delay"],
        draw: |report, _| {
            let rows = report.approach_delay.iter();
            steps("delay", rows.map(|row| (row.phase, row.at, row.average_delay)))
        },
    },
    Chart {
        name: "turning_counts",
        title: "Turning counts",
        ordinate: "flow",
        unit: "vehicles/h",
        measures: &["turning_counts"],
        draw: |report, bin| {
            let hourly = 60.0 / f64::from(bin.as_minutes());
            let rows = report.turning_counts.iter();
            let way = |row: &super::utah::turning_counts::Row| match row.movement.as_str() {
                "L" => "left",
                "T" => "through",
                "R" => "right",
                "LT" => "left_through",
                "TR" => "through_right",
                "LR" => "left_right",
                _ => "all_ways",
            };
            gathered(
                Mark::Steps,
                rows.map(|row| (way(row), row.phase, row.at, f64::from(row.volume) * hourly)),
            )
        },
    },
    Chart {
        name: "approach_speed",
        title: "Approach speed on green",
        ordinate: "speed",
        unit: "km/h",
        measures: &["approach_speed"],
        draw: |report, _| {
            let rows = report.approach_speed.iter();
            let mean = rows.clone().map(|row| (row.phase, row.at, row.average_speed));
            let fast = rows.clone().map(|row| (row.phase, row.at, row.speed85));
            let slow = rows.map(|row| (row.phase, row.at, row.speed15));
            [steps("mean_speed", mean), steps("speed_85", fast), steps("speed_15", slow)].concat()
        },
    },
    Chart {
        name: "left_turn_gap",
        title: "Green in gaps long enough to turn left",
        ordinate: "share of green",
        unit: "%",
        measures: &["left_turn_gap"],
        draw: |report, _| {
            let rows = report.left_turn_gap.iter();
            steps("turnable", rows.map(|row| (row.phase, row.at, 100.0 * row.percent_turnable)))
        },
    },
    Chart {
        name: "split_failures",
        title: "Split failures",
        ordinate: "failed cycles",
        unit: "cycles",
        measures: &["split_failures"],
        draw: |report, _| {
            let rows = report.split_failures.iter();
            let failed = rows.map(|row| (row.phase, row.at, f64::from(row.split_failure)));
            by_group("split_failures", Mark::Bars, failed)
        },
    },
    Chart {
        name: "green_utilisation",
        title: "Occupancy of green and of the first 5 s of red",
        ordinate: "share occupied",
        unit: "%",
        measures: &["split_failures"],
        draw: |report, _| {
            let rows = report.split_failures.iter();
            let green = rows.clone().map(|row| (row.phase, row.at, 100.0 * f64::from(row.green_occupancy)));
            let red = rows.map(|row| (row.phase, row.at, 100.0 * f64::from(row.red_occupancy)));
            [steps("green_occupancy", green), steps("red_occupancy", red)].concat()
        },
    },
    Chart {
        name: "red_actuations",
        title: "Actuations on red",
        ordinate: "vehicles after the beginning of red",
        unit: "vehicles",
        measures: &["yellow_red"],
        draw: |report, _| {
            let mut sums: BTreeMap<(u16, Moment), f64> = BTreeMap::new();
            for row in report.yellow_red.iter().filter(|row| row.red_offset > 0.0) {
                *sums.entry((row.phase, row.at.0)).or_default() += f64::from(row.count);
            }
            let rows = sums.into_iter().map(|((phase, at), count)| (phase, Stamp(at), count));
            by_group("red_actuations", Mark::Bars, rows)
        },
    },
    Chart {
        name: "phase_wait",
        title: "Waits for green",
        ordinate: "wait",
        unit: "s",
        measures: &["phase_wait"],
        draw: |report, _| {
            let rows = report.phase_wait.iter();
            let mean = rows.clone().map(|row| (row.phase, row.at, row.avg_phase_wait));
            let longest = rows.map(|row| (row.phase, row.at, f64::from(row.max_phase_wait)));
            [steps("mean_wait", mean), steps("longest_wait", longest)].concat()
        },
    },
    Chart {
        name: "ped_delay",
        title: "Pedestrian delay",
        ordinate: "mean wait from button to walk",
        unit: "s",
        measures: &["ped_delay"],
        draw: |report, _| {
            let rows = report.ped_delay.iter();
            steps("ped_delay", rows.map(|row| (row.phase, row.at, row.avg_ped_delay)))
        },
    },
    Chart {
        name: "detector_volume",
        title: "Detector volume",
        ordinate: "flow",
        unit: "actuations/h",
        measures: &["actuations"],
        draw: |report, bin| {
            let hourly = 60.0 / f64::from(bin.as_minutes());
            let rows = report.actuations.iter();
            let by_channel = by_group(
                "volume",
                Mark::Steps,
                rows.map(|row| (row.detector, row.at, f64::from(row.total) * hourly)),
            );
            let of_channel = |one: Series| Series { channel: one.group, group: None, ..one };
            by_channel.into_iter().map(of_channel).collect()
        },
    },
];

fn coordination_diagram(report: &Report, _: Bin) -> Vec<Series> {
    let arrivals = report.coordination_diagram.iter();
    let cycles = report.cycles.iter();
    let line = |key, of: fn(&super::utah::coordination_diagram::CycleRow) -> f64| {
        by_group(key, Mark::Steps, cycles.clone().map(|row| (row.phase, row.at, of(row))))
    };
    [
        line("green", |row| row.green_at),
        line("amber", |row| row.yellow_at),
        line("cycle_end", |row| row.cycle),
        dots(arrivals.map(|row| ("arrival", row.phase, row.at, row.arrival_at))),
    ]
    .concat()
}

/// Why a green ended, as a key.
fn ended(why: Option<Why>) -> &'static str {
    match why {
        Some(Why::GapOut) => "gap_out",
        Some(Why::MaxOut) => "max_out",
        Some(Why::ForceOff) => "force_off",
        None => "not_told",
    }
}

fn steps(key: &'static str, rows: impl Iterator<Item = (u16, Stamp, f64)>) -> Vec<Series> {
    by_group(key, Mark::Steps, rows)
}

fn by_group(key: &'static str, mark: Mark, rows: impl Iterator<Item = (u16, Stamp, f64)>) -> Vec<Series> {
    gathered(mark, rows.map(|(group, at, value)| (key, group, at, value)))
}

fn dots(rows: impl Iterator<Item = (&'static str, u16, Stamp, f64)>) -> Vec<Series> {
    gathered(Mark::Dots, rows)
}

/// A series for each group and key.
fn gathered(mark: Mark, rows: impl Iterator<Item = (&'static str, u16, Stamp, f64)>) -> Vec<Series> {
    let mut series: BTreeMap<(u16, &'static str), Vec<(Moment, f64)>> = BTreeMap::new();
    for (key, group, at, value) in rows {
        series.entry((group, key)).or_default().push((at.0, value));
    }
    let one = |((group, key), points)| Series { key, group: Some(group), channel: None, mark, points };
    series.into_iter().map(one).collect()
}
