//! Detectors and mean values that a scenario's additional files ask for, measured as SUMO measures them.
//!
//! Nothing here looks into the traffic: each step hands in all vehicles as an outsider sees them ([`Seen`]), and what
//! happened between two steps follows from where a vehicle was before and how fast it drove. What the numbers mean:
//! <https://sumo.dlr.de/docs/Simulation/Output/index.html> and SUMO's `MSInductLoop`, `MSE2Collector`,
//! `MSE3Collector` and `MSMeanData_Net`.

mod area;
mod gate;
mod induction;
mod means;

use super::xml::XmlFile;
use crate::world::{Place, Seen};
use model::{
    ids::{LaneIx, LinkIx},
    network::Network,
    sumo::{Measuring, Report},
};
use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
};

/// A vehicle of the run.
pub(crate) type Who = (u32, i64);

/// Where a vehicle was at the end of the step before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Past {
    depart_ms: i64,
    pub(crate) place: Place,
    pub(crate) link: LinkIx,
    pub(crate) x_m: f64,
    pub(crate) length_m: f64,
}

/// A vehicle now and before.
#[derive(Clone, Copy)]
pub(crate) struct Moved<'a> {
    pub(crate) now: Seen<'a>,
    /// None for one that has just entered the road.
    pub(crate) before: Option<Past>,
    /// Driven in this step, m.
    pub(crate) metres: f64,
}

impl Moved<'_> {
    pub(crate) fn who(&self) -> Who {
        (self.now.row, self.now.depart_ms)
    }

    /// The lane that the front is on.
    pub(crate) fn lane(&self) -> Option<LaneIx> {
        match self.now.place {
            Place::Lane(lane) => Some(lane),
            Place::Movement(_) => None,
        }
    }

    /// Where the front was at the start of the step, if that was on this lane: m from the lane's start, below zero
    /// before it. None for one that came from a lane beside, or from somewhere else altogether.
    fn start_on(&self, lane: LaneIx) -> Option<f64> {
        let before = self.before?;
        match (before.place, self.now.place) {
            (Place::Lane(was), _) if was == lane => Some(before.x_m),
            (Place::Lane(_), Place::Lane(is)) if is == lane && before.link == self.now.link => None,
            (_, Place::Lane(is)) if is == lane => Some(self.now.x_m - self.metres),
            _ => None,
        }
    }

    /// Seconds from the start of the step until the front crossed a point of a lane, if it did.
    pub(crate) fn crosses(&self, lane: LaneIx, at_m: f64) -> Option<f64> {
        let ahead = at_m - self.start_on(lane)?;
        (self.metres > 0.0 && (0.0..self.metres).contains(&ahead)).then(|| ahead / self.now.speed_mps)
    }

    /// It came over from a lane beside, at the end of the step.
    pub(crate) fn changed_from(&self) -> Option<LaneIx> {
        let before = self.before?;
        match (before.place, self.now.place) {
            (Place::Lane(was), Place::Lane(is)) if was != is && before.link == self.now.link => Some(was),
            _ => None,
        }
    }
}

/// When a step was.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time {
    /// Its start, s.
    pub(crate) at_s: f64,
    /// Its length, s.
    pub(crate) dt_s: f64,
}

/// One interval of a report.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interval {
    pub(crate) begin_s: f64,
    pub(crate) end_s: f64,
}

impl Interval {
    pub(crate) fn length_s(self) -> f64 {
        (self.end_s - self.begin_s).max(1e-9)
    }
}

#[derive(Debug)]
enum Kind {
    Loop(induction::InductionLoop),
    Area(area::Area),
    Gate(gate::Gate),
    Means(means::Means),
}

#[derive(Debug)]
struct Measure {
    kind: Kind,
    report: Report,
    /// Indices of types that count; all if there are none.
    types: Option<Vec<u32>>,
    file: Option<usize>,
    interval_began_s: f64,
}

/// All measurements of a run, and the files that they write; none by default.
#[derive(Debug, Default)]
pub struct Measures {
    measures: Vec<Measure>,
    files: Vec<XmlFile>,
    before: Vec<Option<Past>>,
}

impl Measures {
    /// Opens all files. `place` says where an output goes that a file asks for: (the asking file, the name in it);
    /// `types` are the names of the vehicle types.
    pub fn create(
        wanted: &Measuring,
        network: &Network,
        types: &[&str],
        begin_s: f64,
        place: impl Fn(&str, &str) -> PathBuf,
    ) -> io::Result<Measures> {
        let mut all = Measures::default();
        let mut opened: HashMap<PathBuf, usize> = HashMap::new();
        let mut add = |all: &mut Measures, report: &Report, kind: Kind| -> io::Result<()> {
            let (root, schema) = kind.root();
            // SUMO's ways to say: nowhere.
            let nowhere = matches!(report.file.as_str(), "NUL" | "/dev/null");
            let file = if nowhere {
                None
            } else {
                let path = place(&report.asked_in, &report.file);
                Some(match opened.get(&path) {
                    Some(file) => *file,
                    None => {
                        all.files.push(XmlFile::create(Path::new(&path), root, schema)?);
                        opened.insert(path, all.files.len() - 1);
                        all.files.len() - 1
                    }
                })
            };
            let named = |t: &String| types.iter().position(|k| k == t).map(|i| i as u32);
            let of_types =
                (!report.types.is_empty()).then(|| report.types.iter().filter_map(named).collect());
            all.measures.push(Measure {
                kind,
                report: report.clone(),
                types: of_types,
                file,
                interval_began_s: begin_s,
            });
            Ok(())
        };
        for d in &wanted.loops {
            add(&mut all, &d.report, Kind::Loop(induction::InductionLoop::new(d, network)))?;
        }
        for d in &wanted.areas {
            add(&mut all, &d.report, Kind::Area(area::Area::new(d, network)))?;
        }
        for d in &wanted.gates {
            add(&mut all, &d.report, Kind::Gate(gate::Gate::new(d, network)))?;
        }
        for d in &wanted.means {
            add(&mut all, &d.report, Kind::Means(means::Means::new(d, network)))?;
        }
        Ok(all)
    }

    /// Whether there is nothing to measure.
    pub fn is_empty(&self) -> bool {
        self.measures.is_empty()
    }

    /// Takes a step that began at `at_s` and took `dt_s`: everybody who is on the road at its end. The network is
    /// the one with which the measures were made.
    pub fn step<'s>(
        &mut self,
        network: &Network,
        at_s: f64,
        dt_s: f64,
        seen: impl Iterator<Item = Seen<'s>>,
    ) -> io::Result<()> {
        let time = Time { at_s, dt_s };
        let mut now: Vec<Option<Past>> = Vec::with_capacity(self.before.len());
        let mut moved = Vec::new();
        for seen in seen {
            let row = seen.row as usize;
            if now.len() <= row {
                now.resize(row + 1, None);
            }
            let before = self.before.get(row).copied().flatten().filter(|b| b.depart_ms == seen.depart_ms);
            let metres = if before.is_some() { seen.speed_mps * dt_s } else { 0.0 };
            moved.push(Moved { now: seen, before, metres });
            now[row] = Some(Past {
                depart_ms: seen.depart_ms,
                place: seen.place,
                link: seen.link,
                x_m: seen.x_m,
                length_m: seen.length_m,
            });
        }
        let gone: Vec<(Who, Past)> = self
            .before
            .iter()
            .enumerate()
            .filter_map(|(row, past)| past.map(|past| ((row as u32, past.depart_ms), past)))
            .filter(|((row, depart_ms), _)| {
                now.get(*row as usize).copied().flatten().is_none_or(|n| n.depart_ms != *depart_ms)
            })
            .collect();
        self.before = now;
        for measure in &mut self.measures {
            let counts =
                |m: &&Moved<'_>| measure.types.as_ref().is_none_or(|t| t.contains(&m.now.vehicle_type));
            let these = moved.iter().filter(counts);
            match &mut measure.kind {
                Kind::Loop(d) => d.step(time, these, &gone),
                Kind::Area(d) => d.step(time, these, &gone),
                Kind::Gate(d) => d.step(time, these, &gone),
                Kind::Means(d) => d.step(network, time, these, &gone),
            }
        }
        let end_s = at_s + dt_s;
        for measure in &mut self.measures {
            let period = measure.report.period_s.unwrap_or(f64::INFINITY);
            if end_s - measure.interval_began_s >= period - 1e-6 {
                measure.write(network, &mut self.files, end_s)?;
            }
        }
        Ok(())
    }

    /// Writes intervals that the end of the run cut short, and closes the files.
    pub fn finish(mut self, network: &Network, end_s: f64) -> io::Result<()> {
        for measure in &mut self.measures {
            if end_s > measure.interval_began_s + 1e-6 {
                measure.write(network, &mut self.files, end_s)?;
            }
        }
        self.files.into_iter().try_for_each(XmlFile::finish)
    }
}

impl Kind {
    /// The root of its file and the name of the file's schema.
    fn root(&self) -> (&'static str, &'static str) {
        match self {
            Kind::Loop(_) => ("detector", "det_e1_file"),
            Kind::Area(_) => ("detector", "det_e2_file"),
            Kind::Gate(_) => ("e3Detector", "det_e3_file"),
            Kind::Means(_) => ("meandata", "meandata_file"),
        }
    }
}

impl Measure {
    fn write(&mut self, network: &Network, files: &mut [XmlFile], end_s: f64) -> io::Result<()> {
        let interval = Interval { begin_s: self.interval_began_s, end_s };
        self.interval_began_s = end_s;
        let id = super::xml::escape(&self.report.id);
        let file = self.file.and_then(|f| files.get_mut(f));
        match &mut self.kind {
            Kind::Loop(d) => d.write(&id, interval, file),
            Kind::Area(d) => d.write(&id, interval, file),
            Kind::Gate(d) => d.write(&id, interval, file),
            Kind::Means(d) => d.write(&id, interval, network, file),
        }
    }
}
