//! Measurements that a scenario asks for in its additional files: detectors and mean values of roads.
//!
//! The formats: <https://sumo.dlr.de/docs/Simulation/Output/index.html>.

use super::{
    ledger::Ledger,
    scenario::seconds,
    xml::{Element, Xml},
};
use crate::{
    config::{Complaint, Complaints, Read, Source},
    ids::LaneIx,
    network::Network,
};
use std::collections::HashMap;

/// Everything that is measured, in file order.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Measuring {
    /// Induction loops (`e1Detector`, `inductionLoop`).
    pub loops: Vec<LoopDetector>,
    /// Areas of lanes (`e2Detector`, `laneAreaDetector`).
    pub areas: Vec<AreaDetector>,
    /// Ways between entries and exits (`e3Detector`, `entryExitDetector`).
    pub gates: Vec<GateDetector>,
    /// Mean values of all roads (`edgeData`, `laneData`).
    pub means: Vec<MeanData>,
}

/// Where a measurement writes, and how often.
#[derive(Clone, PartialEq, Debug)]
pub struct Report {
    /// The measurement's name.
    pub id: String,
    /// The file that asks for it: the place of the output is relative to its folder.
    pub asked_in: String,
    /// The output as named there.
    pub file: String,
    /// Length of an interval, s; `None` is the whole run.
    pub period_s: Option<f64>,
    /// Only vehicles of these types count; all if there are none.
    pub types: Vec<String>,
}

/// A loop without length across one lane.
#[derive(Clone, PartialEq, Debug)]
pub struct LoopDetector {
    /// Where and how often it reports.
    pub report: Report,
    /// Its lane.
    pub lane: LaneIx,
    /// From the lane's start, m.
    pub at_m: f64,
}

/// A stretch of one lane, or of several that follow one another.
#[derive(Clone, PartialEq, Debug)]
pub struct AreaDetector {
    /// Where and how often it reports.
    pub report: Report,
    /// Lanes in driving order.
    pub lanes: Vec<LaneIx>,
    /// On the first lane, m from its start.
    pub from_m: f64,
    /// On the last lane, m from its start.
    pub to_m: f64,
    /// Slower than this stands, m/s.
    pub halting_mps: f64,
    /// Standing this long is a halt, s.
    pub halting_s: f64,
    /// Standing vehicles with less than this between them are one jam, m.
    pub jam_gap_m: f64,
}

/// A region with entries and exits.
#[derive(Clone, PartialEq, Debug)]
pub struct GateDetector {
    /// Where and how often it reports.
    pub report: Report,
    /// Lanes and positions.
    pub entries: Vec<(LaneIx, f64)>,
    /// Lanes and positions.
    pub exits: Vec<(LaneIx, f64)>,
    /// Slower than this stands, m/s.
    pub halting_mps: f64,
    /// Standing this long is a halt, s.
    pub halting_s: f64,
}

/// Mean values over a time, of each road or each lane.
#[derive(Clone, PartialEq, Debug)]
pub struct MeanData {
    /// Where and how often it reports.
    pub report: Report,
    /// Lanes apart.
    pub by_lane: bool,
    /// Nothing is counted before, s.
    pub begin_s: Option<f64>,
    /// Nor after, s.
    pub end_s: Option<f64>,
    /// Roads that saw nobody are left out.
    pub exclude_empty: bool,
}

/// Tags that this module reads; readers of demand pass over them.
pub(super) const TAGS: [&str; 10] = [
    "e1Detector",
    "inductionLoop",
    "e2Detector",
    "laneAreaDetector",
    "e3Detector",
    "entryExitDetector",
    "edgeData",
    "laneData",
    "instantInductionLoop",
    "routeProbe",
];

/// SUMO's defaults of what stands: below 5 km/h for a second; a jam has gaps below 10 m.
const HALTING_MPS: f64 = 5.0 / 3.6;
const HALTING_S: f64 = 1.0;
const JAM_GAP_M: f64 = 10.0;

/// Reads the measurements that additional files ask for. Kinds and options that we do not have are notes.
pub fn measuring(network: &Network, additional: &[Source<'_>]) -> Result<Read<Measuring>, Complaints> {
    let mut complaints = Complaints::default();
    let mut reader =
        Reader { lanes: lanes(network), network, value: Measuring::default(), ledger: Ledger::default() };
    for source in additional {
        let Some(xml) = complaints.take(Xml::parse(*source)) else { continue };
        for e in xml.root().children() {
            let result = reader.measurement(e);
            complaints.take(result);
        }
    }
    complaints.or(Read { value: reader.value, notes: reader.ledger.into_notes() })
}

/// Lanes by SUMO's names.
pub(super) fn lanes(network: &Network) -> HashMap<String, LaneIx> {
    let of = |(i, lane): (usize, &crate::network::Lane)| {
        let link = network.link(lane.link);
        (format!("{}_{}", link.id, i as u32 - link.lanes.start), LaneIx::from(i))
    };
    network.lanes.iter().enumerate().map(of).collect()
}

struct Reader<'n> {
    network: &'n Network,
    lanes: HashMap<String, LaneIx>,
    value: Measuring,
    ledger: Ledger,
}

const OF_REPORT: [&str; 6] = ["id", "file", "period", "freq", "vTypes", "friendlyPos"];

impl Reader<'_> {
    fn measurement(&mut self, e: Element<'_>) -> Result<(), Complaint> {
        match e.name() {
            "e1Detector" | "inductionLoop" => {
                self.known(e, &["lane", "pos"]);
                let lane = self.lane(e, "lane")?;
                let at_m = self.position(e, "pos", lane, None)?;
                self.value.loops.push(LoopDetector { report: self.report(e)?, lane, at_m });
            }
            "e2Detector" | "laneAreaDetector" => {
                self.known(
                    e,
                    &[
                        "lane",
                        "lanes",
                        "pos",
                        "endPos",
                        "length",
                        "timeThreshold",
                        "speedThreshold",
                        "jamThreshold",
                    ],
                );
                let area = self.area(e)?;
                self.value.areas.push(area);
            }
            "e3Detector" | "entryExitDetector" => {
                self.known(e, &["timeThreshold", "speedThreshold"]);
                self.ledger.children(e, &["detEntry", "detExit"]);
                let gates = |reader: &Self, tag: &str| {
                    let of = e.children().filter(|c| c.name() == tag);
                    of.map(|c| {
                        let lane = reader.lane(c, "lane")?;
                        Ok((lane, reader.position(c, "pos", lane, None)?))
                    })
                    .collect::<Result<Vec<_>, Complaint>>()
                };
                let (entries, exits) = (gates(self, "detEntry")?, gates(self, "detExit")?);
                if entries.is_empty() || exits.is_empty() {
                    return Err(e.complaint(format!("<{}> needs an entry and an exit", e.name())));
                }
                self.value.gates.push(GateDetector {
                    report: self.report(e)?,
                    entries,
                    exits,
                    halting_mps: e.number_or("speedThreshold", HALTING_MPS)?,
                    halting_s: e.number_or("timeThreshold", HALTING_S)?,
                });
            }
            "edgeData" | "laneData" => {
                self.known(e, &["begin", "end", "excludeEmpty", "type"]);
                if e.get("type").is_some_and(|t| !matches!(t, "" | "traffic")) {
                    self.ledger
                        .leave_out(e, format!("<{}> of a type other than traffic was left out", e.name()));
                    return Ok(());
                }
                let time = |attribute: &str| -> Result<Option<f64>, Complaint> {
                    e.get(attribute).map(|text| time(e, attribute, text)).transpose()
                };
                self.value.means.push(MeanData {
                    report: self.report(e)?,
                    by_lane: e.name() == "laneData",
                    begin_s: time("begin")?,
                    end_s: time("end")?,
                    exclude_empty: matches!(e.get("excludeEmpty"), Some("true" | "1" | "yes" | "on")),
                });
            }
            name if TAGS.contains(&name) => {
                self.ledger.leave_out(e, format!("<{name}> is not supported and was left out"));
            }
            _ => {}
        }
        Ok(())
    }

    fn known(&mut self, e: Element<'_>, own: &[&str]) {
        let all: Vec<&str> = OF_REPORT.iter().chain(own).copied().collect();
        self.ledger.attributes(e, &all);
    }

    fn report(&self, e: Element<'_>) -> Result<Report, Complaint> {
        let period = e.get("period").map(|p| ("period", p)).or(e.get("freq").map(|p| ("freq", p)));
        let period_s = match period {
            Some((name, text)) => Some(time(e, name, text)?).filter(|p| *p > 0.0),
            None => None,
        };
        Ok(Report {
            id: e.text("id")?.to_string(),
            asked_in: e.file().to_string(),
            file: e.text("file")?.to_string(),
            period_s,
            types: e.get("vTypes").unwrap_or("").split_whitespace().map(str::to_string).collect(),
        })
    }

    fn lane(&self, e: Element<'_>, attribute: &str) -> Result<LaneIx, Complaint> {
        self.lane_named(e, e.text(attribute)?)
    }

    fn lane_named(&self, e: Element<'_>, name: &str) -> Result<LaneIx, Complaint> {
        let found = self.lanes.get(name).copied();
        found.ok_or_else(|| e.complaint(format!("<{}>: lane {name} does not exist", e.name())))
    }

    /// A position on a lane; below zero it counts from the lane's end. One beyond the lane is a fault, unless
    /// the file says that it does not mind (`friendlyPos`).
    fn position(
        &self,
        e: Element<'_>,
        attribute: &str,
        lane: LaneIx,
        default: Option<f64>,
    ) -> Result<f64, Complaint> {
        let length = self.network.lane(lane).length_m;
        let at = match default {
            Some(default) => e.number_or(attribute, default)?,
            None => e.number(attribute)?,
        };
        let from_start = if at < 0.0 { length + at } else { at };
        let friendly = matches!(e.get("friendlyPos"), Some("true" | "1" | "yes" | "on" | "t" | "x"));
        if (0.0..=length).contains(&from_start) || friendly {
            Ok(from_start.clamp(0.0, length))
        } else {
            Err(e.complaint(format!(
                "{attribute} of <{}> is {at}, but its lane is only {length} m long",
                e.name()
            )))
        }
    }

    fn area(&mut self, e: Element<'_>) -> Result<AreaDetector, Complaint> {
        let lanes = match e.get("lanes") {
            Some(names) => {
                names.split_whitespace().map(|n| self.lane_named(e, n)).collect::<Result<Vec<_>, _>>()?
            }
            None => vec![self.lane(e, "lane")?],
        };
        let (Some(&first), Some(&last)) = (lanes.first(), lanes.last()) else {
            return Err(e.complaint(format!("<{}> names no lane", e.name())));
        };
        let joined = |a: LaneIx, b: LaneIx| self.network.movements.iter().any(|m| (m.from, m.to) == (a, b));
        if let Some(w) = lanes.windows(2).find(|w| !joined(w[0], w[1])) {
            let link = |l: LaneIx| &self.network.link(self.network.lane(l).link).id;
            return Err(e.complaint(format!(
                "a lane of {} does not lead to the next, of {}",
                link(w[0]),
                link(w[1])
            )));
        }
        let whole = self.network.lane(last).length_m;
        let length = e.get("length").map(|_| e.positive("length")).transpose()?;
        let (from_m, to_m) = match (length, e.get("pos"), e.get("endPos")) {
            (Some(length), None, _) if lanes.len() == 1 => {
                let to = self.position(e, "endPos", last, Some(whole))?;
                ((to - length).max(0.0), to)
            }
            (Some(length), Some(_), None) if lanes.len() == 1 => {
                let from = self.position(e, "pos", first, None)?;
                (from, (from + length).min(whole))
            }
            _ => (self.position(e, "pos", first, Some(0.0))?, self.position(e, "endPos", last, Some(whole))?),
        };
        if lanes.len() == 1 && to_m <= from_m {
            return Err(
                e.complaint(format!("<{}> ends at {to_m} m, before it begins at {from_m} m", e.name()))
            );
        }
        Ok(AreaDetector {
            report: self.report(e)?,
            lanes,
            from_m,
            to_m,
            halting_mps: e.number_or("speedThreshold", HALTING_MPS)?,
            halting_s: e.number_or("timeThreshold", HALTING_S)?,
            jam_gap_m: e.number_or("jamThreshold", JAM_GAP_M)?,
        })
    }
}

fn time(e: Element<'_>, attribute: &str, text: &str) -> Result<f64, Complaint> {
    seconds(text)
        .ok_or_else(|| e.complaint(format!("{attribute} of <{}> is {text:?}, which is not a time", e.name())))
}
