//! Mean values of all roads (`edgeData`) or all lanes (`laneData`).

use super::{Interval, Moved, Past, Time, Who};
use crate::{
    scenario::xml::{XmlFile, escape, lane_name},
    world::Place,
};
use model::{
    ids::LaneIx,
    network::{Modes, Network},
    sumo::MeanData,
};
use std::{
    collections::BTreeMap,
    io,
    ops::{AddAssign, Range},
};

#[derive(Debug)]
pub(super) struct Means {
    by_lane: bool,
    exclude_empty: bool,
    counted: Range<f64>,
    lanes: Vec<Sums>,
    /// Tails that still lie on a lane whose front has left it: the lane, and how much of the vehicle, m.
    tails: BTreeMap<Who, (LaneIx, f64)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    /// With fronts on the lane, s.
    front_s: f64,
    /// With any part on the lane, s.
    any_s: f64,
    /// Metres of vehicle on the lane by seconds.
    covered: f64,
    metres: f64,
    /// The same of any part of a vehicle: its speed by the time that it is there.
    any_metres: f64,
    length_by_s: f64,
    waiting_s: f64,
    loss_s: f64,
    departed: u64,
    arrived: u64,
    entered: u64,
    left: u64,
    changed_from: u64,
    changed_to: u64,
}

impl AddAssign for Sums {
    fn add_assign(&mut self, o: Sums) {
        self.front_s += o.front_s;
        self.any_s += o.any_s;
        self.covered += o.covered;
        self.metres += o.metres;
        self.any_metres += o.any_metres;
        self.length_by_s += o.length_by_s;
        self.waiting_s += o.waiting_s;
        self.loss_s += o.loss_s;
        self.departed += o.departed;
        self.arrived += o.arrived;
        self.entered += o.entered;
        self.left += o.left;
        self.changed_from += o.changed_from;
        self.changed_to += o.changed_to;
    }
}

/// Slower than this waits, m/s.
const WAITING_MPS: f64 = 0.1;

impl Means {
    pub(super) fn new(wanted: &MeanData, network: &Network) -> Means {
        Means {
            by_lane: wanted.by_lane,
            exclude_empty: wanted.exclude_empty,
            counted: wanted.begin_s.unwrap_or(f64::NEG_INFINITY)..wanted.end_s.unwrap_or(f64::INFINITY),
            lanes: vec![Sums::default(); network.lanes.len()],
            tails: BTreeMap::new(),
        }
    }

    pub(super) fn step<'m>(
        &mut self,
        network: &Network,
        time: Time,
        moved: impl Iterator<Item = &'m Moved<'m>>,
        gone: &[(Who, Past)],
    ) {
        if !self.counted.contains(&time.at_s) {
            return;
        }
        for m in moved {
            let who = m.who();
            let Some(before) = m.before else {
                if let Some(lane) = m.lane() {
                    self.lanes[lane.ix()].departed += 1;
                }
                continue;
            };
            // The lane on which it drove: before a change, the old one.
            let was = match before.place {
                Place::Lane(lane) => Some(lane),
                Place::Movement(_) => None,
            };
            let changed_from = m.changed_from();
            let is = changed_from.or(m.lane());
            let v = m.now.speed_mps;
            let loss = |seconds: f64| seconds * (1.0 - v / m.now.wish_mps.max(1e-9)).max(0.0);
            // Metres of this step on the lane that it is on, and on the one that it left.
            let (there, gone_by) = match (was, is) {
                (Some(a), Some(b)) if a == b => (m.metres, 0.0),
                (Some(a), _) => {
                    let rest = (network.lane(a).length_m - before.x_m).clamp(0.0, m.metres);
                    (m.now.x_m.clamp(0.0, m.metres - rest), rest)
                }
                (None, _) => (m.now.x_m.min(m.metres), 0.0),
            };
            let seconds =
                |metres: f64| if m.metres > 0.0 { time.dt_s * metres / m.metres } else { time.dt_s };
            let mut count = |lane: LaneIx, metres: f64, on_m: f64| {
                let s = &mut self.lanes[lane.ix()];
                let t = if m.metres > 0.0 { seconds(metres) } else { time.dt_s };
                s.front_s += t;
                s.any_s += t;
                s.covered += on_m * t;
                s.length_by_s += m.now.length_m * t;
                s.metres += metres;
                s.any_metres += metres;
                s.loss_s += loss(t);
                if v < WAITING_MPS && !m.now.at_stop {
                    s.waiting_s += t;
                }
            };
            if let Some(lane) = is {
                count(lane, there, m.now.x_m.min(m.now.length_m));
            }
            if let Some(lane) = was.filter(|w| Some(*w) != is) {
                count(lane, gone_by, m.now.length_m);
                self.lanes[lane.ix()].left += 1;
                self.tails.insert(who, (lane, m.now.length_m));
            }
            if let Some(lane) = is.filter(|l| Some(*l) != was) {
                self.lanes[lane.ix()].entered += 1;
            }
            if let (Some(from), Some(to)) = (changed_from, m.lane()) {
                self.lanes[from.ix()].changed_from += 1;
                self.lanes[to.ix()].changed_to += 1;
            }
            if let Some((lane, left_m)) = self.tails.get_mut(&who) {
                // In the step in which the front left, only what came after that counts.
                let drove = if was == Some(*lane) { m.metres - gone_by } else { m.metres };
                let t = if m.metres > 0.0 { time.dt_s * drove.min(*left_m) / m.metres } else { time.dt_s };
                let s = &mut self.lanes[lane.ix()];
                s.any_s += t;
                s.any_metres += v * t;
                s.covered += t * (*left_m - drove / 2.0).max(0.0);
                *left_m -= drove;
                if *left_m <= 0.0 {
                    self.tails.remove(&who);
                }
            }
        }
        for (who, past) in gone {
            self.tails.remove(who);
            if let Place::Lane(lane) = past.place {
                let s = &mut self.lanes[lane.ix()];
                let metres = (network.lane(lane).length_m - past.x_m).max(0.0);
                s.metres += metres;
                s.arrived += 1;
                // How fast it was in its last step nobody has seen: as if at the lane's limit. Its tail is still on
                // the lane when the front has arrived.
                let v = network.lane(lane).speed_limit_mps.max(1e-9);
                let t = (metres / v).min(time.dt_s);
                let tail_s = (time.dt_s - t).min(past.length_m / v);
                s.front_s += t;
                s.any_s += t + tail_s;
                s.any_metres += metres + v * tail_s;
                s.length_by_s += past.length_m * t;
                s.covered += past.length_m * (t + tail_s / 2.0);
            }
        }
    }

    pub(super) fn write(
        &mut self,
        id: &str,
        interval: Interval,
        network: &Network,
        file: Option<&mut XmlFile>,
    ) -> io::Result<()> {
        let lanes = std::mem::take(&mut self.lanes);
        self.lanes = vec![Sums::default(); lanes.len()];
        let begin_s = interval.begin_s.max(self.counted.start);
        let end_s = interval.end_s.min(self.counted.end);
        let Some(file) = file.filter(|_| end_s > begin_s) else { return Ok(()) };
        let interval = Interval { begin_s, end_s };
        file.line(1, format_args!("<interval begin=\"{begin_s:.2}\" end=\"{end_s:.2}\" id=\"{id}\">"))?;
        for link in &network.links {
            let range = link.lanes.start as usize..link.lanes.end as usize;
            let mut sums = Sums::default();
            lanes[range.clone()].iter().for_each(|lane| sums += *lane);
            if self.exclude_empty && sums.any_s <= 0.0 {
                continue;
            }
            let name = escape(link.id.as_str());
            if self.by_lane {
                file.line(2, format_args!("<edge id=\"{name}\">"))?;
                for (lane, sums) in range.clone().zip(&lanes[range.clone()]) {
                    let of = [network.lanes[lane].length_m, 1.0, network.lanes[lane].speed_limit_mps];
                    let name = escape(&lane_name(network, lane as u32));
                    file.line(3, format_args!("<lane id=\"{name}\" {}/>", sums.attributes(interval, of)))?;
                }
                file.line(2, format_args!("</edge>"))?;
            } else {
                let of = [link.length_m, driven(network, range) as f64, link.speed_limit_mps];
                file.line(2, format_args!("<edge id=\"{name}\" {}/>", sums.attributes(interval, of)))?;
            }
        }
        file.line(1, format_args!("</interval>"))
    }
}

impl Sums {
    fn attributes(&self, interval: Interval, [length_m, lanes, limit_mps]: [f64; 3]) -> String {
        let s = self;
        let mut means = String::new();
        if s.any_s > 0.005 {
            let (speed, front_speed) = (s.any_metres / s.any_s, s.metres / s.front_s.max(1e-9));
            let mean_length = s.length_by_s / s.front_s.max(1e-9);
            let density = |seconds: f64| seconds / interval.length_s() * 1000.0 / length_m;
            if front_speed > 0.0 && speed > 0.0 {
                means += &format!(
                    "traveltime=\"{:.2}\" overlapTraveltime=\"{:.2}\" ",
                    length_m / front_speed,
                    (length_m + mean_length) / speed,
                );
            }
            means += &format!(
                "density=\"{:.2}\" overlapDensity=\"{:.2}\" laneDensity=\"{:.2}\" occupancy=\"{:.2}\" \
                 waitingTime=\"{:.2}\" timeLoss=\"{:.2}\" speed=\"{speed:.2}\" speedRelative=\"{:.2}\" ",
                density(s.front_s),
                density(s.any_s),
                density(s.front_s) / lanes,
                s.covered / (length_m * lanes * interval.length_s()) * 100.0,
                s.waiting_s,
                s.loss_s,
                speed / limit_mps,
            );
        }
        let flow = if s.any_s > 0.005 {
            format!("flow=\"{:.2}\" ", s.metres / length_m / interval.length_s() * 3600.0)
        } else {
            String::new()
        };
        format!(
            "sampledSeconds=\"{:.2}\" {means}departed=\"{}\" arrived=\"{}\" entered=\"{}\" left=\"{}\" \
             laneChangedFrom=\"{}\" laneChangedTo=\"{}\" {flow}distance=\"{:.2}\"",
            s.any_s, s.departed, s.arrived, s.entered, s.left, s.changed_from, s.changed_to, s.metres,
        )
    }
}

/// How many of the lanes are for more than walking; at least one.
fn driven(network: &Network, lanes: Range<usize>) -> usize {
    let on_foot = Modes::WALK.with(Modes::WHEELCHAIR);
    network.lanes[lanes].iter().filter(|l| l.allowed.without(on_foot) != Modes::NONE).count().max(1)
}
