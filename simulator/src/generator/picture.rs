//! A city as a drawing, to look at without a browser full of tiles.

use crate::scenario::xml::escape;
use model::{
    city::{AreaKind, City},
    geo::{LocalPlane, LonLat},
    network::RoadClass,
    transit::TransitMode,
};
use std::fmt::Write as _;

/// Pixels on the longer side.
const SIZE: f64 = 1600.0;

/// The city as SVG: water, parks, blocks, each direction of each road, lines of its own rails, and junctions.
pub fn svg(city: &City) -> String {
    let Some([sw, ne]) = city.network.bounds() else {
        return "<svg xmlns=\"http://www.w3.org/2000/svg\"/>".into();
    };
    let plane = LocalPlane::around(sw);
    let [width, height] = plane.to_metres(ne);
    let scale = SIZE / width.max(height).max(1.0);
    let at = |p: LonLat| {
        let [x, y] = plane.to_metres(p);
        (x * scale, (height - y) * scale)
    };
    let path = |line: &[LonLat], shift: f64| -> String {
        let points: Vec<(f64, f64)> = line.iter().map(|p| at(*p)).collect();
        let mut text = String::new();
        for i in 0..points.len() {
            let (a, b) = (points[i.saturating_sub(1)], points[(i + 1).min(points.len() - 1)]);
            let long = (b.0 - a.0).hypot(b.1 - a.1).max(1e-9);
            // To the right of the way that it runs; y grows downwards here.
            let (x, y) = (points[i].0 - (b.1 - a.1) / long * shift, points[i].1 + (b.0 - a.0) / long * shift);
            let _ = write!(text, "{}{x:.1} {y:.1}", if i == 0 { 'M' } else { 'L' });
        }
        text
    };
    let mut out = String::new();
    let (w, h) = (width * scale, height * scale);
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w:.0}\" height=\"{h:.0}\" viewBox=\"0 0 {w:.0} {h:.0}\" \
         fill=\"none\" stroke-linejoin=\"round\" font-family=\"sans-serif\" font-size=\"10\">\
         <rect width=\"100%\" height=\"100%\" fill=\"#14191d\"/>"
    );
    for area in &city.areas {
        let fill = match area.kind {
            AreaKind::Water => "#16324a",
            AreaKind::Park => "#17241d",
            AreaKind::Block => "#2a3238",
        };
        let _ = writeln!(out, "<path d=\"{}Z\" fill=\"{fill}\"/>", path(&area.ring, 0.0));
    }
    let mut order: Vec<usize> = (0..city.network.links.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(city.network.links[i].class));
    let mut labelled = std::collections::BTreeMap::new();
    for i in order {
        let link = &city.network.links[i];
        let (colour, line) = match link.class {
            RoadClass::Motorway | RoadClass::Trunk => ("#c9a46a", 1.8),
            RoadClass::Primary => ("#aab3b8", 1.5),
            RoadClass::Secondary => ("#8a949a", 1.2),
            RoadClass::Tertiary => ("#566068", 0.8),
            _ => ("#39434a", 0.6),
        };
        let shift = if scale > 0.1 { 1.3 } else { 0.5 };
        let _ = writeln!(
            out,
            "<path d=\"{}\" stroke=\"{colour}\" stroke-width=\"{line}\"/>",
            path(&link.shape, shift)
        );
        if let Some(name) = link.name.as_ref().filter(|_| link.class <= RoadClass::Secondary) {
            let best = labelled.entry(name.local.clone()).or_insert((0.0, i));
            if link.length_m > best.0 {
                *best = (link.length_m, i);
            }
        }
    }
    for line in city.transit.lines.iter().filter(|l| matches!(l.mode, TransitMode::Metro | TransitMode::Mcc))
    {
        let _ = writeln!(
            out,
            "<path d=\"{}\" stroke=\"{}\" stroke-width=\"1\" stroke-dasharray=\"4 3\" opacity=\"0.6\"/>",
            path(&line.shape, 0.0),
            escape(&line.colour)
        );
    }
    for junction in &city.junctions {
        let (x, y) = at(junction.at);
        let _ = writeln!(
            out,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.6\" fill=\"#dfe5e8\"><title>{} {}</title></circle>",
            escape(junction.id.as_str()),
            escape(&junction.name.local)
        );
    }
    for (name, (long, link)) in labelled {
        let shape = &city.network.links[link].shape;
        if long * scale < 26.0 {
            continue;
        }
        let (x, y) = at(shape[shape.len() / 2]);
        let _ = writeln!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" fill=\"#cfd8dc\">{}</text>", escape(&name));
    }
    out.push_str("</svg>\n");
    out
}
