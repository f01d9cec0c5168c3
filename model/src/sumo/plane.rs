//! A network's own flat coordinates: where its lanes lie on the paper that its file was drawn on.
//!
//! The city keeps places on the earth; outputs that SUMO's tools read (FCD) want the file's own metres back.

use super::xml::{Element, Xml};
use crate::{
    config::{Complaints, Source},
    network::Network,
};
use std::collections::HashMap;

/// Lanes as lines of `[x, y]`, and their names.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Plane {
    /// Per lane of the network.
    pub lanes: Vec<Line>,
    /// Per movement: the lanes inside the junction, one after the other. None where the file has none.
    pub movements: Vec<Vec<Line>>,
}

/// One lane on the plane.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Line {
    /// Its name in the file.
    pub name: String,
    /// Its length as the file says it, m.
    pub length_m: f64,
    /// `[x, y]`, m; two points at least, or none.
    pub points: Vec<[f64; 2]>,
}

impl Line {
    /// The place that is `along_m` of the lane's length from its start, and the heading there: degrees clockwise
    /// from north.
    pub fn at(&self, along_m: f64) -> ([f64; 2], f64) {
        let step = |w: &[[f64; 2]]| (w[1][0] - w[0][0]).hypot(w[1][1] - w[0][1]);
        let drawn: f64 = self.points.windows(2).map(step).sum();
        // What is drawn and what the file says may differ; SUMO stretches alike.
        let mut left = (along_m / self.length_m.max(1e-9)).clamp(0.0, 1.0) * drawn;
        let pieces = self.points.len().saturating_sub(1);
        for (k, w) in self.points.windows(2).enumerate() {
            let piece = step(w);
            if left <= piece || k + 1 == pieces {
                let t = if piece > 0.0 { (left / piece).clamp(0.0, 1.0) } else { 0.0 };
                let place = [w[0][0] + t * (w[1][0] - w[0][0]), w[0][1] + t * (w[1][1] - w[0][1])];
                let heading = (w[1][0] - w[0][0]).atan2(w[1][1] - w[0][1]).to_degrees();
                return (place, heading.rem_euclid(360.0));
            }
            left -= piece;
        }
        (self.points.first().copied().unwrap_or_default(), 0.0)
    }
}

/// Reads the plane of a network that [`network`](super::network) has read from the same text.
pub fn plane(net: Source<'_>, network: &Network) -> Result<Plane, Complaints> {
    let xml = Xml::parse(net)?;
    let root = xml.root();
    let mut lines: HashMap<&str, Line> = HashMap::new();
    for edge in root.children().filter(|e| e.name() == "edge") {
        for lane in edge.children().filter(|c| c.name() == "lane") {
            if let (Some(id), Some(line)) = (lane.get("id"), line(lane)) {
                lines.insert(id, line);
            }
        }
    }
    let mut via: HashMap<(String, String), &str> = HashMap::new();
    for c in root.children().filter(|e| e.name() == "connection") {
        let (from, to, inside) = (c.get("from"), c.get("to"), c.get("via"));
        let (Some(from), Some(to), Some(inside)) = (from, to, inside) else { continue };
        let lane = |attribute| c.get(attribute).unwrap_or("0");
        // A second lane inside the junction follows the first: it is known by where it comes from.
        let to = if from.starts_with(':') { String::new() } else { format!("{to}_{}", lane("toLane")) };
        via.insert((format!("{from}_{}", lane("fromLane")), to), inside);
    }
    let names: HashMap<crate::ids::LaneIx, String> =
        super::detectors::lanes(network).into_iter().map(|(name, ix)| (ix, name)).collect();
    let name = |ix: crate::ids::LaneIx| names.get(&ix).cloned().unwrap_or_default();
    let of_lane =
        |ix: usize| lines.get(name(crate::ids::LaneIx::from(ix)).as_str()).cloned().unwrap_or_default();
    let movements = network.movements.iter().map(|m| {
        let mut inside = Vec::new();
        let mut next = via.get(&(name(m.from), name(m.to))).copied();
        // As in the network's reader: the bound is for rings in broken files.
        for _ in 0..8 {
            let Some(id) = next else { break };
            inside.extend(lines.get(id).cloned());
            next = via.get(&(id.to_string(), String::new())).copied();
        }
        inside
    });
    Ok(Plane { lanes: (0..network.lanes.len()).map(of_lane).collect(), movements: movements.collect() })
}

fn line(lane: Element<'_>) -> Option<Line> {
    let points = lane.get("shape")?.split_whitespace().map(super::net::point).collect::<Option<Vec<_>>>()?;
    let length_m = lane.number("length").ok()?;
    (points.len() > 1).then(|| Line { name: lane.get("id").unwrap_or("").to_string(), length_m, points })
}
