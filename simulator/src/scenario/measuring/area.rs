//! Areas of lanes (e2).

use super::{Interval, Moved, Past, Time, Who};
use crate::scenario::xml::XmlFile;
use model::{
    ids::{LaneIx, LinkIx},
    network::Network,
    sumo::AreaDetector,
};
use std::{collections::BTreeMap, io};

#[derive(Debug)]
pub(super) struct Area {
    /// Its lanes, and where each begins on the line that they make together, m; with their links.
    lanes: Vec<(LaneIx, LinkIx, f64)>,
    from_m: f64,
    to_m: f64,
    halting_mps: f64,
    halting_s: f64,
    jam_gap_m: f64,
    on: BTreeMap<Who, On>,
    sums: Sums,
}

/// A vehicle of which some part lies on the area.
#[derive(Clone, Copy, Debug, Default)]
struct On {
    /// Its front on the area's line, m.
    front_m: f64,
    /// Since it came to stand, s; none while it drives.
    stood_s: Option<f64>,
    /// Of that, in this interval.
    stood_now_s: f64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    steps: f64,
    sampled_s: f64,
    metres: f64,
    entered: u64,
    left: u64,
    /// On the area at the start of the interval.
    there: u64,
    loss_s: f64,
    occupancy: f64,
    most_occupancy: f64,
    jam_vehicles_each_step: f64,
    jam_metres_each_step: f64,
    jam_vehicles_most: usize,
    jam_metres_most: f64,
    jam_vehicles: usize,
    jam_metres: f64,
    halts: u64,
    /// Halts that ended: number, sum and longest, whole and within the interval.
    ended: u64,
    ended_s: f64,
    ended_most_s: f64,
    ended_now_s: f64,
    ended_now_most_s: f64,
    vehicles: usize,
    most_vehicles: usize,
}

impl Sums {
    fn end_halt(&mut self, on: &On) {
        if let Some(stood_s) = on.stood_s {
            self.ended += 1;
            self.ended_s += stood_s;
            self.ended_most_s = self.ended_most_s.max(stood_s);
            self.ended_now_s += on.stood_now_s;
            self.ended_now_most_s = self.ended_now_most_s.max(on.stood_now_s);
        }
    }
}

impl Area {
    pub(super) fn new(wanted: &AreaDetector, network: &Network) -> Area {
        let mut lanes: Vec<(LaneIx, LinkIx, f64)> = Vec::new();
        let mut start = 0.0;
        for (k, &lane) in wanted.lanes.iter().enumerate() {
            lanes.push((lane, network.lane(lane).link, start));
            start += network.lane(lane).length_m;
            let next = wanted.lanes.get(k + 1);
            let between = network.movements.iter().find(|m| m.from == lane && Some(&m.to) == next);
            start += between.map_or(0.0, |m| m.length_m);
        }
        let last = lanes.last().map_or(0.0, |l| l.2);
        Area {
            from_m: wanted.from_m,
            to_m: last + wanted.to_m,
            halting_mps: wanted.halting_mps,
            halting_s: wanted.halting_s,
            jam_gap_m: wanted.jam_gap_m,
            lanes,
            on: BTreeMap::new(),
            sums: Sums::default(),
        }
    }

    pub(super) fn step<'m>(
        &mut self,
        time: Time,
        moved: impl Iterator<Item = &'m Moved<'m>>,
        gone: &[(Who, Past)],
    ) {
        let (mut occupied_m, mut vehicles, mut standing) = (0.0, 0, Vec::new());
        for m in moved {
            let (who, length) = (m.who(), m.now.length_m);
            let ours = m.lane().and_then(|lane| self.lanes.iter().find(|l| l.0 == lane));
            let known = self.on.get(&who).copied();
            let Some(front_m) = ours.map(|l| l.2 + m.now.x_m).or(known.map(|on| on.front_m + m.metres))
            else {
                continue;
            };
            let aside = ours.is_none() && m.lane().is_some() && self.lanes.iter().any(|l| l.1 == m.now.link);
            let inside = front_m > self.from_m && front_m - length < self.to_m;
            // Whoever enters the road here, or comes over from beside, counts once it has driven here.
            let drove_here = m.before.is_some() && m.changed_from().is_none();
            if known.is_none() && !(inside && drove_here) {
                continue;
            }
            let mut on = known.unwrap_or_else(|| {
                self.sums.entered += 1;
                On::default()
            });
            // Within the step: how long it was there, and what it drove meanwhile.
            let v = m.now.speed_mps;
            let late = if known.is_none() && m.metres > 0.0 {
                ((m.metres - (front_m - self.from_m)) / v.max(1e-9)).clamp(0.0, time.dt_s)
            } else {
                0.0
            };
            let early = if inside {
                0.0
            } else {
                ((front_m - length - self.to_m) / v.max(1e-9)).clamp(0.0, time.dt_s)
            };
            let there_s = (time.dt_s - late - early).max(0.0);
            self.sums.sampled_s += there_s;
            self.sums.metres += v * there_s;
            let loss_s = there_s * (1.0 - v / m.now.wish_mps.max(1e-9)).max(0.0);
            self.sums.loss_s += loss_s;
            on.front_m = front_m;
            if v < self.halting_mps {
                self.sums.halts += u64::from(on.stood_s.is_none());
                on.stood_s = Some(on.stood_s.unwrap_or(0.0) + time.dt_s);
                on.stood_now_s += time.dt_s;
            } else {
                self.sums.end_halt(&on);
                (on.stood_s, on.stood_now_s) = (None, 0.0);
            }
            vehicles += 1;
            occupied_m += (front_m.min(self.to_m) - (front_m - length).max(self.from_m)).max(0.0);
            let halts = on.stood_s.is_some_and(|s| s > self.halting_s);
            if halts {
                standing.push((front_m.min(self.to_m), (front_m - length).max(self.from_m)));
            }
            if inside && !aside {
                self.on.insert(who, on);
            } else {
                // As in SUMO, a halt that ends with a change of lanes is forgotten.
                self.sums.left += 1;
                self.on.remove(&who);
            }
        }
        for (who, _) in gone {
            self.sums.left += u64::from(self.on.remove(who).is_some());
        }
        let occupancy = occupied_m / (self.to_m - self.from_m).max(1e-9) * 100.0;
        self.sums.occupancy += occupancy;
        self.sums.most_occupancy = self.sums.most_occupancy.max(occupancy);
        self.jams(standing);
        self.sums.vehicles += vehicles;
        self.sums.most_vehicles = self.sums.most_vehicles.max(vehicles);
        self.sums.steps += 1.0;
    }

    /// Standing vehicles close behind one another are a jam: from the first one's front to the last one's tail.
    /// `standing` has the front and the tail of each, m.
    fn jams(&mut self, mut standing: Vec<(f64, f64)>) {
        standing.sort_by(|a, b| b.0.total_cmp(&a.0));
        // Vehicles, front and tail of each jam.
        let mut jams: Vec<(usize, f64, f64)> = Vec::new();
        for (front, tail) in standing {
            match jams.last_mut() {
                Some(jam) if jam.2 - front <= self.jam_gap_m => (jam.0, jam.2) = (jam.0 + 1, tail),
                _ => jams.push((1, front, tail)),
            }
        }
        let s = &mut self.sums;
        let longest = jams.iter().map(|j| j.1 - j.2).fold(0.0, f64::max);
        let most = jams.iter().map(|j| j.0).max().unwrap_or(0);
        s.jam_vehicles_each_step += most as f64;
        s.jam_metres_each_step += longest;
        s.jam_vehicles_most = s.jam_vehicles_most.max(most);
        s.jam_metres_most = s.jam_metres_most.max(longest);
        s.jam_vehicles += jams.iter().map(|j| j.0).sum::<usize>();
        s.jam_metres += jams.iter().map(|j| j.1 - j.2).sum::<f64>();
    }

    pub(super) fn write(
        &mut self,
        id: &str,
        interval: Interval,
        file: Option<&mut XmlFile>,
    ) -> io::Result<()> {
        let s = self.sums;
        let standing: Vec<(f64, f64)> =
            self.on.values().filter_map(|on| Some((on.stood_s?, on.stood_now_s))).collect();
        let halts = s.ended as f64 + standing.len() as f64;
        let mean = |sum: f64| if halts > 0.0 { sum / halts } else { 0.0 };
        let whole_s = s.ended_s + standing.iter().map(|h| h.0).sum::<f64>();
        let now_s = s.ended_now_s + standing.iter().map(|h| h.1).sum::<f64>();
        let most = |k: fn(&(f64, f64)) -> f64, ended: f64| standing.iter().map(k).fold(ended, f64::max);
        let steps = s.steps.max(1.0);
        let seen = s.there + s.entered;
        let by = |sum: f64, n: f64| if n > 0.0 { sum / n } else { -1.0 };
        if let Some(file) = file {
            file.line(
                1,
                format_args!(
                    "<interval begin=\"{:.2}\" end=\"{:.2}\" id=\"{id}\" sampledSeconds=\"{:.2}\" \
                     nVehEntered=\"{}\" nVehLeft=\"{}\" nVehSeen=\"{seen}\" meanSpeed=\"{:.2}\" \
                     meanTimeLoss=\"{:.2}\" meanOccupancy=\"{:.2}\" maxOccupancy=\"{:.2}\" \
                     meanMaxJamLengthInVehicles=\"{:.2}\" meanMaxJamLengthInMeters=\"{:.2}\" \
                     maxJamLengthInVehicles=\"{}\" maxJamLengthInMeters=\"{:.2}\" jamLengthInVehiclesSum=\"{}\" \
                     jamLengthInMetersSum=\"{:.2}\" meanHaltingDuration=\"{:.2}\" maxHaltingDuration=\"{:.2}\" \
                     haltingDurationSum=\"{whole_s:.2}\" meanIntervalHaltingDuration=\"{:.2}\" \
                     maxIntervalHaltingDuration=\"{:.2}\" intervalHaltingDurationSum=\"{now_s:.2}\" \
                     startedHalts=\"{}\" meanVehicleNumber=\"{:.2}\" maxVehicleNumber=\"{}\"/>",
                    interval.begin_s,
                    interval.end_s,
                    s.sampled_s,
                    s.entered,
                    s.left,
                    by(s.metres, s.sampled_s),
                    by(s.loss_s, seen as f64),
                    s.occupancy / steps,
                    s.most_occupancy,
                    s.jam_vehicles_each_step / steps,
                    s.jam_metres_each_step / steps,
                    s.jam_vehicles_most,
                    s.jam_metres_most,
                    s.jam_vehicles,
                    s.jam_metres,
                    mean(whole_s),
                    most(|h| h.0, s.ended_most_s),
                    mean(now_s),
                    most(|h| h.1, s.ended_now_most_s),
                    s.halts,
                    s.vehicles as f64 / steps,
                    s.most_vehicles,
                ),
            )?;
        }
        self.sums = Sums { there: self.on.len() as u64, ..Sums::default() };
        self.on.values_mut().for_each(|on| on.stood_now_s = 0.0);
        Ok(())
    }
}
