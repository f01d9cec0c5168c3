//! A run as a picture: speed, queues and arrivals over time.

use super::{series::Point, xml::escape};
use std::fmt::Write as _;

// Pixels.
const WIDTH: f64 = 900.0;
const PANEL_HEIGHT: f64 = 170.0;
const MARGIN: f64 = 56.0;
/// Colours that people with any colour vision can tell apart: Okabe and Ito (2008).
const BLUE: &str = "#0072b2";
const ORANGE: &str = "#e69f00";
const GREEN: &str = "#009e73";
const GREY: &str = "#999999";

/// One line of a panel: what it is called, its colour, and its values; where there is none the line breaks.
struct Curve<'a> {
    label: &'a str,
    colour: &'a str,
    value: fn(&Point) -> Option<f64>,
}

/// The picture as SVG.
pub fn svg(title: &str, points: &[Point]) -> String {
    let panels: [(&str, &[Curve<'_>]); 3] = [
        (
            "speed, km/h",
            &[Curve { label: "mean speed", colour: BLUE, value: |p| p.mean_speed_mps.map(|v| v * 3.6) }],
        ),
        (
            "vehicles",
            &[
                Curve { label: "on the road", colour: GREY, value: |p| Some(p.on_road) },
                Curve { label: "standing", colour: ORANGE, value: |p| Some(p.standing) },
                Curve { label: "waiting to enter", colour: BLUE, value: |p| Some(p.waiting_to_enter) },
            ],
        ),
        (
            "arrivals, vehicles/h",
            &[Curve {
                label: "arrivals",
                colour: GREEN,
                value: |p| Some(p.arrived as f64 * 3600.0 / (p.end_s - p.begin_s).max(1e-9)),
            }],
        ),
    ];
    let height = MARGIN + panels.len() as f64 * (PANEL_HEIGHT + MARGIN);
    let mut out = String::new();
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {WIDTH:.0} {height:.0}\" font-family=\"sans-serif\" font-size=\"11\" fill=\"#222\">\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\
         <text x=\"{MARGIN}\" y=\"22\" font-size=\"14\" font-weight=\"bold\">{}</text>",
        escape(title)
    );
    for (i, (label, curves)) in panels.into_iter().enumerate() {
        panel(&mut out, MARGIN + i as f64 * (PANEL_HEIGHT + MARGIN), label, curves, points);
    }
    out.push_str("</svg>\n");
    out
}

fn panel(out: &mut String, y: f64, label: &str, curves: &[Curve<'_>], points: &[Point]) {
    let (begin, end) = match (points.first(), points.last()) {
        (Some(first), Some(last)) => (first.begin_s, last.end_s.max(first.begin_s + 1.0)),
        _ => (0.0, 1.0),
    };
    let most = points.iter().flat_map(|p| curves.iter().filter_map(|c| (c.value)(p))).fold(0.0, f64::max);
    let (step_y, step_x) = (round_step(most / 4.0), round_time((end - begin) / 8.0));
    let top = (most / step_y).ceil().max(1.0) * step_y;
    let (width, bottom) = (WIDTH - 2.0 * MARGIN, y + PANEL_HEIGHT);
    let at = |t: f64, v: f64| (MARGIN + (t - begin) / (end - begin) * width, bottom - v / top * PANEL_HEIGHT);
    let _ = writeln!(out, "<text x=\"{MARGIN}\" y=\"{:.1}\" font-weight=\"bold\">{label}</text>", y - 8.0);
    for k in 0..=(top / step_y).round() as usize {
        let value = k as f64 * step_y;
        let (x, y) = at(begin, value);
        let _ = writeln!(
            out,
            "<path d=\"M{x:.1} {y:.1}H{:.1}\" stroke=\"#ddd\"/><text x=\"{:.1}\" y=\"{:.1}\" \
             text-anchor=\"end\">{value}</text>",
            x + width,
            x - 6.0,
            y + 4.0
        );
    }
    let mut t = (begin / step_x).ceil() * step_x;
    while t <= end {
        let (x, _) = at(t, 0.0);
        let (hours, minutes) = ((t / 3600.0).floor(), (t % 3600.0 / 60.0).floor());
        let _ = writeln!(
            out,
            "<path d=\"M{x:.1} {bottom:.1}v4\" stroke=\"#222\"/><text x=\"{x:.1}\" y=\"{:.1}\" \
             text-anchor=\"middle\">{hours:02.0}:{minutes:02.0}</text>",
            bottom + 16.0
        );
        t += step_x;
    }
    for (k, curve) in curves.iter().enumerate() {
        let mut path = String::new();
        let mut pen_down = false;
        for p in points {
            let Some(value) = (curve.value)(p) else {
                pen_down = false;
                continue;
            };
            let (x, y) = at((p.begin_s + p.end_s) / 2.0, value);
            let _ = write!(path, "{}{x:.1} {y:.1}", if pen_down { 'L' } else { 'M' });
            pen_down = true;
        }
        let x = MARGIN + 160.0 + 150.0 * k as f64;
        let _ = writeln!(
            out,
            "<path d=\"{path}\" fill=\"none\" stroke=\"{c}\" stroke-width=\"1.8\"/>\
             <path d=\"M{x:.1} {:.1}h18\" stroke=\"{c}\" stroke-width=\"3\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            y - 12.0,
            x + 24.0,
            y - 8.0,
            curve.label,
            c = curve.colour,
        );
    }
}

/// A round number that is not below `least`: 1, 2 or 5 by a power of ten.
fn round_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.max(0.01).log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|k| k * power).find(|s| *s >= least).unwrap_or(10.0 * power)
}

/// Seconds between marks of the time axis: a round number of minutes.
fn round_time(least: f64) -> f64 {
    const MINUTES: [f64; 11] = [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 180.0, 360.0, 720.0];
    MINUTES.into_iter().map(|m| m * 60.0).find(|s| *s >= least).unwrap_or(86_400.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_has_its_curves_and_breaks_where_the_road_is_empty() {
        let point = |k: usize| Point {
            begin_s: 60.0 * k as f64,
            end_s: 60.0 * (k + 1) as f64,
            on_road: 10.0,
            standing: 4.0,
            waiting_to_enter: 0.0,
            mean_speed_mps: (k != 3).then_some(8.0),
            arrived: 5,
        };
        let points: Vec<Point> = (0..8).map(point).collect();
        let picture = svg("a <run>", &points);
        assert!(closed(&picture), "{picture}");
        assert!(picture.contains("a &lt;run&gt;") && picture.contains("28.8") || picture.contains("30"));
        let speed = picture.lines().find(|l| l.contains(BLUE)).unwrap();
        assert_eq!(
            speed.split(" fill").next().unwrap().matches('M').count(),
            2,
            "two strokes around the gap"
        );
        assert!(svg("nothing", &[]).contains("</svg>"));
    }

    /// Each element that opens also ends.
    fn closed(picture: &str) -> bool {
        let opened = picture.matches('<').count() - picture.matches("</").count();
        opened == picture.matches("/>").count() + picture.matches("</").count()
    }
}
