//! Buses and trams, by the headways of their lines.

use super::day;
use model::{
    city::City,
    demand::{Halt, Trip},
    geo::LocalPlane,
    ids::LinkIx,
    transit::{Line, TransitMode},
};

/// A stop farther than this from every link of its line is not served by it, m.
const BESIDE_M: f64 = 60.0;
/// Time at a stop, s.
const DWELL_S: f64 = 18.0;
/// Running speed with stops, for the vehicles that are on their way at the opening, m/s.
const CRUISE_MPS: f64 = 4.5;
/// A vehicle begins on a link no shorter than itself, m.
const LONGEST_VEHICLE_M: f64 = 28.0;

#[derive(Clone, Debug)]
pub(super) struct Fleet {
    runs: Vec<Run>,
    begin_s: f64,
}

#[derive(Clone, Debug)]
struct Run {
    line: String,
    vehicle_type: u32,
    links: Vec<LinkIx>,
    metres: Vec<f64>,
    halts: Vec<(usize, Halt)>,
    headway_s: f64,
    night: bool,
    next_s: f64,
    number: u32,
    opened: bool,
}

impl Fleet {
    pub(super) fn of(city: &City, begin_s: f64, [bus, tram]: [u32; 2]) -> Fleet {
        let mut runs = Vec::new();
        for (i, line) in city.transit.lines.iter().enumerate() {
            let vehicle_type = match line.mode {
                TransitMode::Tram => tram,
                TransitMode::Bus => bus,
                TransitMode::Metro | TransitMode::Mcc => continue,
            };
            let drivable = line
                .links
                .iter()
                .all(|l| city.network.links.get(l.ix()).is_some_and(|l| !l.lanes.is_empty()));
            if line.links.is_empty() || !drivable || line.headway_s == 0 {
                continue;
            }
            let headway_s = f64::from(line.headway_s);
            runs.push(Run {
                line: line.id.to_string(),
                vehicle_type,
                links: line.links.clone(),
                metres: line.links.iter().map(|l| city.network.link(*l).length_m).collect(),
                halts: halts(city, line),
                headway_s,
                night: line.name.local.starts_with('Н') || line.name.english().starts_with('N'),
                // Lines begin at different seconds, as drivers do.
                next_s: begin_s + headway_s * ((i as f64 * 0.618).fract()),
                number: 0,
                opened: false,
            });
        }
        Fleet { runs, begin_s }
    }

    /// Departures in `[from_s, until_s)`. The first call also brings out those already on their way.
    pub(super) fn trips(&mut self, from_s: f64, until_s: f64) -> Vec<Trip> {
        let mut trips = Vec::new();
        for run in &mut self.runs {
            let runs_at = |t: f64| day::service(t) != run.night;
            if !run.opened {
                run.opened = true;
                if from_s <= self.begin_s && runs_at(from_s) {
                    let spaced_m = run.headway_s * CRUISE_MPS;
                    let (mut along, mut due) = (0.0, spaced_m);
                    for k in 0..run.links.len() {
                        along += run.metres[k];
                        if along >= due && run.metres[k] > LONGEST_VEHICLE_M && k + 1 < run.links.len() {
                            run.number += 1;
                            trips.push(trip(run, k, from_s));
                            due = along + spaced_m;
                        }
                    }
                }
            }
            while run.next_s < until_s {
                if runs_at(run.next_s) {
                    run.number += 1;
                    trips.push(trip(run, 0, run.next_s));
                }
                // Fewer in the evening.
                let busy = day::share(run.next_s).clamp(0.4, 1.0);
                run.next_s += if run.night { run.headway_s } else { run.headway_s / busy };
            }
        }
        trips
    }
}

fn trip(run: &Run, first: usize, depart_s: f64) -> Trip {
    Trip {
        // `line#run`: whoever shows vehicles on a map tells the line by what stands before the sign.
        id: format!("{}#{}", run.line, run.number),
        vehicle_type: run.vehicle_type,
        depart_s,
        links: run.links[first..].to_vec(),
        routed: true,
        halts: run.halts.iter().filter(|(k, _)| *k > first).map(|(_, halt)| halt.clone()).collect(),
    }
}

/// Where a line halts: its stops in order, each on the nearest link that is not behind the one before.
fn halts(city: &City, line: &Line) -> Vec<(usize, Halt)> {
    let mut found = Vec::new();
    let mut first = 0;
    for stop in &line.stops {
        let Some(stop) = city.transit.stops.get(*stop as usize) else { continue };
        let plane = LocalPlane::around(stop.at);
        let mut best: Option<(f64, usize, f64)> = None;
        for (k, link) in line.links.iter().enumerate().skip(first) {
            let shape = &city.network.link(*link).shape;
            let mut along = 0.0;
            for w in shape.windows(2) {
                let (a, b) = (plane.to_metres(w[0]), plane.to_metres(w[1]));
                let d = [b[0] - a[0], b[1] - a[1]];
                let long = d[0].hypot(d[1]);
                let t = if long > 0.0 {
                    (-(a[0] * d[0] + a[1] * d[1]) / (long * long)).clamp(0.0, 1.0)
                } else {
                    0.0
                };
                let far = (a[0] + d[0] * t).hypot(a[1] + d[1] * t);
                if best.is_none_or(|(least, ..)| far + 1.0 < least) {
                    best = Some((far, k, along + long * t));
                }
                along += long;
            }
            // The first good place will do: a line that comes by again halts on its first pass.
            if best.is_some_and(|(far, at, _)| far < 8.0 && k > at) {
                break;
            }
        }
        let Some((_, k, along)) = best.filter(|(far, ..)| *far < BESIDE_M) else { continue };
        let link = city.network.link(line.links[k]);
        if link.length_m < LONGEST_VEHICLE_M + 10.0 {
            continue;
        }
        let drawn = model::geo::length_m(&link.shape).max(1.0);
        // The front stands a vehicle's length further on than the sign.
        let position_m = (along * link.length_m / drawn + 15.0).clamp(LONGEST_VEHICLE_M, link.length_m - 5.0);
        if found.last().is_some_and(|(last, _)| *last == k) {
            continue;
        }
        found.push((k, Halt { link: line.links[k], position_m, dwell_s: DWELL_S }));
        first = k + 1;
    }
    found
}
