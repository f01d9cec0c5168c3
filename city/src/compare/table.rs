//! The comparison as people read it in a terminal.

use super::{
    groups::{Comparison, Difference, ScenarioResults},
    score::Measure,
};
use std::fmt::Write as _;

/// What differences are told of; the rest is in the JSON.
const TOLD: [Measure; 4] =
    [Measure::DelayS, Measure::DelayP95S, Measure::WorstWaitingS, Measure::WorstOriginDelayS];

/// All scenarios, one table each.
pub(super) fn text(comparison: &Comparison) -> String {
    let mut out = String::new();
    for scenario in &comparison.scenarios {
        table(&mut out, scenario);
        for difference in &scenario.differences {
            told(&mut out, difference);
        }
        out.push('\n');
    }
    out.push_str("± is the 95 % confidence interval over seeds (Student's t); one seed has none.\n");
    for note in &comparison.notes {
        let _ = writeln!(out, "note: {note}");
    }
    out
}

fn table(out: &mut String, scenario: &ScenarioResults) {
    let groups = &scenario.controls;
    let mut rows: Vec<Vec<String>> = vec![
        std::iter::once(scenario.title.clone()).chain(groups.iter().map(|g| g.control.clone())).collect(),
        std::iter::once(format!("{} vehicles", scenario.vehicles))
            .chain(groups.iter().map(|g| seeds(g.seeds.len())))
            .collect(),
    ];
    let mut measures: Vec<Measure> = groups.iter().flat_map(|g| g.measures.keys().copied()).collect();
    measures.sort();
    measures.dedup();
    for measure in measures {
        let cell = |g: &super::groups::Group| {
            g.measures.get(&measure).map_or_else(String::new, |e| e.text(measure.decimals()))
        };
        rows.push(std::iter::once(measure.label().to_owned()).chain(groups.iter().map(cell)).collect());
    }
    if groups.iter().any(|g| g.worst_origin.is_some()) {
        let cells = groups.iter().map(|g| g.worst_origin.clone().unwrap_or_default());
        rows.push(std::iter::once("worst road".to_owned()).chain(cells).collect());
    }
    let width = |column: usize| rows.iter().map(|r| r[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..=groups.len()).map(width).collect();
    for row in &rows {
        let mut line = format!("{:<1$}", row[0], widths[0]);
        for (cell, width) in row.iter().zip(&widths).skip(1) {
            let _ = write!(line, "  {cell:>width$}");
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
}

fn told(out: &mut String, d: &Difference) {
    let _ = writeln!(out, "{} against {}, the same {}:", d.control, d.against, seeds(d.seeds.len()));
    let width = TOLD.iter().map(|m| m.label().len()).max().unwrap_or(0);
    for (measure, estimate) in TOLD.iter().filter_map(|m| Some((m, d.measures.get(m)?))) {
        let percent = match measure {
            Measure::DelayS => format!("  ({:+.0} %)", d.delay_percent),
            _ => String::new(),
        };
        let text = estimate.text(measure.decimals());
        let _ = writeln!(out, "  {:<width$}  {text:>12}{percent}", measure.label());
    }
}

fn seeds(n: usize) -> String {
    if n == 1 { "1 seed".to_owned() } else { format!("{n} seeds") }
}
