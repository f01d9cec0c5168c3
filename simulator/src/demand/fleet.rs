//! Buses and trams, by the timetable of their lines.

use super::timetable::{CRUISE_MPS, departures, run_id};
use model::{
    city::City,
    demand::{Halt, Trip},
    geo::LocalPlane,
    transit::{Line, TransitMode},
};

/// A stop farther than this from every link of its line is not served by it, m.
const BESIDE_M: f64 = 60.0;
/// Time at a stop, s.
pub(super) const DWELL_S: f64 = 18.0;
/// A vehicle begins on a link no shorter than itself, m.
const LONGEST_VEHICLE_M: f64 = 28.0;
const DAY_S: f64 = 86_400.0;

#[derive(Clone, Debug)]
pub(super) struct Fleet {
    runs: Vec<Run>,
    begin_s: f64,
    opened: bool,
}

#[derive(Clone, Debug)]
struct Run {
    line: Line,
    vehicle_type: u32,
    metres: Vec<f64>,
    halts: Vec<(usize, Halt)>,
    /// Seconds after midnight, on any day.
    departures: Vec<f64>,
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
            runs.push(Run {
                vehicle_type,
                metres: line.links.iter().map(|l| city.network.link(*l).length_m).collect(),
                halts: halts(city, line).into_iter().map(|(_, k, halt)| (k, halt)).collect(),
                departures: departures(line, i),
                line: Line { shape: Vec::new(), ..line.clone() },
            });
        }
        Fleet { runs, begin_s, opened: false }
    }

    /// Departures in `[from_s, until_s)`. The first call also brings out those already on their way.
    pub(super) fn trips(&mut self, from_s: f64, until_s: f64) -> Vec<Trip> {
        let mut trips = Vec::new();
        let opening = !std::mem::replace(&mut self.opened, true) && from_s <= self.begin_s;
        for run in &self.runs {
            if opening {
                run.on_their_way(from_s, &mut trips);
            }
            // A service day's last departures are on the next day.
            for day in (from_s / DAY_S).floor() as i64 - 1..=(until_s / DAY_S).floor() as i64 {
                let midnight_s = day as f64 * DAY_S;
                for (number, departure_s) in run.departures.iter().enumerate() {
                    let depart_s = midnight_s + departure_s;
                    if (from_s..until_s).contains(&depart_s) {
                        trips.push(run.trip(day, number, 0, depart_s));
                    }
                }
            }
        }
        trips
    }
}

impl Run {
    /// Vehicles that set out before `now_s` and have not arrived, each where the timetable sees it.
    fn on_their_way(&self, now_s: f64, trips: &mut Vec<Trip>) {
        let whole_m: f64 = self.metres.iter().sum();
        for day in (now_s / DAY_S).floor() as i64 - 1..=(now_s / DAY_S).floor() as i64 {
            let mut taken = None;
            for (number, departure_s) in self.departures.iter().enumerate() {
                let gone_m = (now_s - day as f64 * DAY_S - departure_s) * CRUISE_MPS;
                if gone_m <= 0.0 || gone_m >= whole_m {
                    continue;
                }
                let mut along_m = 0.0;
                let there = self.metres.iter().position(|m| {
                    along_m += m;
                    along_m > gone_m
                });
                // From the beginning of a link that has room for it, and on which nobody else begins.
                let room = |k: &usize| self.metres[*k] > LONGEST_VEHICLE_M && taken != Some(*k);
                let Some(k) = there.filter(|k| k + 1 < self.metres.len()).filter(room) else { continue };
                taken = Some(k);
                trips.push(self.trip(day, number, k, now_s));
            }
        }
    }

    fn trip(&self, day: i64, number: usize, first: usize, depart_s: f64) -> Trip {
        // `line#run`: whoever shows vehicles on a map tells the line by what stands before the sign, and whoever has
        // the timetable finds the trip. On other days than the first the day is named too.
        let id = run_id(&self.line, number + 1);
        Trip {
            id: if day == 0 { id } else { format!("{id}/{day}") },
            vehicle_type: self.vehicle_type,
            depart_s,
            links: self.line.links[first..].to_vec(),
            routed: true,
            halts: self.halts.iter().filter(|(k, _)| *k > first).map(|(_, halt)| halt.clone()).collect(),
            ..Trip::default()
        }
    }
}

/// Where a line halts: its stops in order, each with its place among the links, on the nearest one that is not behind the
/// one before. A stop for which no link has room is passed.
pub(super) fn halts(city: &City, line: &Line) -> Vec<(u32, usize, Halt)> {
    let mut found: Vec<(u32, usize, Halt)> = Vec::new();
    let mut first = 0;
    for &stop_ix in &line.stops {
        let Some(stop) = city.transit.stops.get(stop_ix as usize) else { continue };
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
        if found.last().is_some_and(|(_, last, _)| *last == k) {
            continue;
        }
        found.push((stop_ix, k, Halt::of(line.links[k], position_m, DWELL_S)));
        first = k + 1;
    }
    found
}
