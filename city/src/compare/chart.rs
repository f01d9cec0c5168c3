//! The comparison as a picture: a row per scenario, a bar per control, the confidence interval on top.

use super::{
    groups::{Comparison, Group, ScenarioResults},
    score::Measure,
};
use std::fmt::Write as _;

/// What is drawn, side by side.
const DRAWN: [Measure; 3] = [Measure::DelayS, Measure::DelayP95S, Measure::WorstOriginDelayS];
/// Colours that people with any colour vision can tell apart: Okabe and Ito (2008).
const COLOURS: [&str; 7] = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#999999"];

// Pixels.
const PANEL_WIDTH: f64 = 320.0;
const PANEL_HEIGHT: f64 = 200.0;
const MARGIN: f64 = 48.0;
const LEGEND_LINE: f64 = 18.0;

/// The picture as SVG. Each panel has a scale of its own, from zero: scenarios differ a hundredfold.
pub(super) fn svg(comparison: &Comparison) -> String {
    let mut controls: Vec<&str> =
        comparison.scenarios.iter().flat_map(|s| &s.controls).map(|g| g.control.as_str()).collect();
    controls.sort_unstable();
    controls.dedup();
    let legend = LEGEND_LINE * (controls.len() + 1) as f64;
    let width = DRAWN.len() as f64 * (PANEL_WIDTH + MARGIN) + MARGIN;
    let height = legend + comparison.scenarios.len() as f64 * (PANEL_HEIGHT + MARGIN) + MARGIN;
    let mut out = String::new();
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"sans-serif\" font-size=\"11\" fill=\"#222\">\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>"
    );
    for (i, control) in controls.iter().enumerate() {
        let y = LEGEND_LINE * (i as f64 + 1.0);
        let _ = writeln!(
            out,
            "<rect x=\"{MARGIN}\" y=\"{:.0}\" width=\"12\" height=\"12\" fill=\"{}\"/><text x=\"{:.0}\" y=\"{y:.0}\">{}</text>",
            y - 10.0,
            colour(i),
            MARGIN + 18.0,
            escaped(control)
        );
    }
    for (row, scenario) in comparison.scenarios.iter().enumerate() {
        for (column, measure) in DRAWN.into_iter().enumerate() {
            let x = MARGIN + column as f64 * (PANEL_WIDTH + MARGIN);
            let y = legend + MARGIN + row as f64 * (PANEL_HEIGHT + MARGIN);
            panel(&mut out, [x, y], scenario, measure, &controls);
        }
    }
    out.push_str("</svg>\n");
    out
}

/// One scenario and measure, its upper left corner at `[x, y]`.
fn panel(
    out: &mut String,
    [x, y]: [f64; 2],
    scenario: &ScenarioResults,
    measure: Measure,
    controls: &[&str],
) {
    let bars: Vec<(&Group, f64, f64)> = scenario
        .controls
        .iter()
        .filter_map(|g| g.measures.get(&measure).map(|e| (g, e.mean, e.half_width.unwrap_or(0.0))))
        .collect();
    let most = bars.iter().map(|(_, mean, half)| mean + half).fold(0.0, f64::max);
    let step = round_step(most / 4.0);
    let top = (most / step).ceil().max(1.0) * step;
    let (bottom, per_unit) = (y + PANEL_HEIGHT, PANEL_HEIGHT / top);
    let title = format!("{}: {}", scenario.title, measure.label());
    let _ = writeln!(
        out,
        "<text x=\"{x:.1}\" y=\"{:.1}\" font-weight=\"bold\">{}</text>",
        y - 8.0,
        escaped(&title)
    );
    for i in 0..=(top / step).round() as usize {
        let value = i as f64 * step;
        let at = bottom - value * per_unit;
        let _ = writeln!(
            out,
            "<path d=\"M{x:.1} {at:.1}h{PANEL_WIDTH:.1}\" stroke=\"#ddd\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{value}</text>",
            x - 4.0,
            at + 4.0
        );
    }
    let slot = PANEL_WIDTH / bars.len().max(1) as f64;
    let wide = (slot * 0.7).min(60.0);
    for (i, (group, mean, half)) in bars.iter().enumerate() {
        let number = controls.iter().position(|c| *c == group.control).unwrap_or(0);
        let middle = x + (i as f64 + 0.5) * slot;
        let at = |value: f64| bottom - value.max(0.0) * per_unit;
        let _ = writeln!(
            out,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{wide:.1}\" height=\"{:.1}\" fill=\"{}\"><title>{}: {}</title></rect>",
            middle - wide / 2.0,
            at(*mean),
            bottom - at(*mean),
            colour(number),
            escaped(&group.control),
            group.measures[&measure].text(measure.decimals()),
        );
        if *half > 0.0 {
            let (low, high) = (at(mean - half), at(mean + half));
            let _ = writeln!(
                out,
                "<path d=\"M{middle:.1} {low:.1}V{high:.1}M{:.1} {low:.1}h8M{:.1} {high:.1}h8\" stroke=\"#222\"/>",
                middle - 4.0,
                middle - 4.0
            );
        }
    }
}

fn colour(i: usize) -> &'static str {
    COLOURS[i % COLOURS.len()]
}

/// The next of 1, 2, 5, 10, 20, … at or above `rough`.
fn round_step(rough: f64) -> f64 {
    let decade = 10_f64.powf(rough.max(1e-3).log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * decade).find(|s| *s >= rough).unwrap_or(decade)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}
