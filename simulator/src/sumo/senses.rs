//! What detectors feel of SUMO's vehicles.

use super::traci::Vehicle;
use crate::signals::{Felt, Sensed};
use model::{
    city::City,
    detection::{DetectorKind, Sighting},
    ids::{JunctionIx, LaneIx},
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// Slower than this a vehicle stands (SUMO's own threshold for waiting), m/s.
const STANDING_MPS: f64 = 0.1;

/// The detectors of a city, and what each vehicle was to them after the step before.
#[derive(Debug)]
pub(super) struct Senses {
    city: Arc<City>,
    /// By SUMO's id of the signal.
    junction_of: HashMap<String, JunctionIx>,
    lane_of: HashMap<String, LaneIx>,
    /// By junction and head: the lanes that end at it.
    lanes_at: Vec<Vec<Vec<LaneIx>>>,
    /// Loops, by lane: from the lane's start.
    loops: BTreeMap<LaneIx, Vec<Zone>>,
    /// Areas that count a lane, by lane: back from the lane's end.
    views: BTreeMap<LaneIx, Vec<Zone>>,
    /// Per junction.
    felt: Vec<Felt>,
    before: HashMap<String, Place>,
}

/// A stretch of road that a channel watches.
#[derive(Clone, Copy, Debug)]
struct Zone {
    junction: usize,
    channel: usize,
    from_m: f64,
    to_m: f64,
}

impl Zone {
    fn sees(&self, line: Option<(LaneIx, f64)>, lane: LaneIx) -> bool {
        line.is_some_and(|(at, m)| at == lane && (self.from_m..=self.to_m).contains(&m))
    }
}

/// Where a vehicle is.
#[derive(Clone, Copy, Debug)]
struct Place {
    lane: Option<LaneIx>,
    position_m: f64,
    /// The lane by which it comes to its next signal, and how far that lane's end is.
    line: Option<(LaneIx, f64)>,
    /// The head that it comes to.
    head: Option<(JunctionIx, u16)>,
    /// The head that it has passed, and by how far, while it is inside the junction.
    inside: Option<(JunctionIx, u16, f64)>,
    /// The lane that its front has left, and by how far, while its tail may still be there.
    left: Option<(LaneIx, f64)>,
    /// It has driven here, not only departed.
    driven: bool,
}

impl Senses {
    /// `signals` are SUMO's ids of the city's junctions, in their order.
    pub(super) fn new(city: Arc<City>, signals: &[String]) -> Senses {
        let network = &city.network;
        let junction_of = signals.iter().enumerate().map(|(i, s)| (s.clone(), JunctionIx::from(i))).collect();
        let lane_of = network
            .links
            .iter()
            .flat_map(|l| l.lane_ixs().enumerate().map(|(k, lane)| (format!("{}_{k}", l.id), lane)))
            .collect();
        let mut lanes_at: Vec<Vec<Vec<LaneIx>>> =
            city.junctions.iter().map(|j| vec![Vec::new(); j.heads.len()]).collect();
        for movement in &network.movements {
            let Some(head) = movement.head else { continue };
            if let Some(lanes) = lanes_at[head.junction.ix()].get_mut(usize::from(head.index)) {
                lanes.push(movement.from);
            }
        }
        let into = network.movements_into_lanes();
        let mut loops: BTreeMap<LaneIx, Vec<Zone>> = BTreeMap::new();
        let mut views: BTreeMap<LaneIx, Vec<Zone>> = BTreeMap::new();
        for (junction, j) in city.junctions.iter().enumerate() {
            for (channel, d) in j.detectors.iter().enumerate() {
                let Some(lane) = d.lane else { continue };
                match (d.kind, d.head) {
                    (DetectorKind::StopLine | DetectorKind::Advance, _) => {
                        let Some((lane, before_end_m)) = d.lies(network, &into) else { continue };
                        let to_m = network.lane(lane).length_m - before_end_m;
                        let from_m = (to_m - d.length_m).max(0.0);
                        loops.entry(lane).or_default().push(Zone { junction, channel, from_m, to_m });
                    }
                    (DetectorKind::Area, None) => {
                        let (from_m, to_m) = (d.distance_m, d.distance_m + d.length_m);
                        views.entry(lane).or_default().push(Zone { junction, channel, from_m, to_m });
                    }
                    (DetectorKind::Area, Some(_)) | (DetectorKind::PushButton, _) => {}
                }
            }
        }
        let felt = city
            .junctions
            .iter()
            .map(|j| Felt { channels: vec![Sensed::default(); j.detectors.len()], sightings: Vec::new() })
            .collect();
        Senses { city, junction_of, lane_of, lanes_at, loops, views, felt, before: HashMap::new() }
    }

    pub(super) fn felt(&self, junction: JunctionIx) -> &Felt {
        &self.felt[junction.ix()]
    }

    /// Takes the vehicles as they are after a step of so many seconds.
    pub(super) fn feel(&mut self, vehicles: &[Vehicle], passed_s: f64) {
        for (junction, felt) in self.city.junctions.iter().zip(&mut self.felt) {
            felt.sightings.clear();
            for (detector, sensed) in junction.detectors.iter().zip(&mut felt.channels) {
                let area = detector.kind == DetectorKind::Area;
                let none = area.then_some(0);
                *sensed = Sensed { occupied: false, speed_mps: None, queue: none, vehicles: none, ..*sensed };
            }
        }
        let tenths = (passed_s * 10.0).round() as u16;
        let mut now_at = HashMap::with_capacity(vehicles.len());
        for v in vehicles {
            let lane = self.lane_of.get(&v.lane).copied();
            let before = self.before.get(&v.id).copied();
            let head = self.head(v);
            let inside = before.filter(|_| lane.is_none()).and_then(|b| match (b.inside, b.head) {
                (Some((junction, passed, m)), _) => Some((junction, passed, m + v.speed * passed_s)),
                (None, passed) if passed != head => passed.map(|(j, h)| (j, h, v.position)),
                (None, _) => None,
            });
            let left = before.and_then(|b| self.left(v, lane, b, passed_s));
            let line = self.line(v, lane);
            let now =
                Place { lane, position_m: v.position, line, head, inside, left, driven: before.is_some() };
            self.follow(v);
            self.follow_inside(v, now);
            self.view(v, now, before);
            // Who departs has not come over any loop yet. With the first second of driving it has, also over one behind it.
            if now.driven {
                self.cross(v, now, before.filter(|b| b.driven), tenths);
            }
            now_at.insert(v.id.clone(), now);
        }
        for felt in &mut self.felt {
            for sensed in felt.channels.iter_mut().filter(|s| s.occupied) {
                sensed.covered = sensed.covered.wrapping_add(tenths);
            }
            felt.sightings.sort_unstable();
        }
        self.before = now_at;
    }

    fn left(&self, v: &Vehicle, lane: Option<LaneIx>, before: Place, passed_s: f64) -> Option<(LaneIx, f64)> {
        let driven_m = v.speed * passed_s;
        match before.lane.filter(|_| before.lane != lane) {
            Some(left) => {
                let to_end_m = self.city.network.lane(left).length_m - before.position_m;
                Some((left, (driven_m - to_end_m).max(0.0)))
            }
            None => before.left.map(|(left, m)| (left, m + driven_m)).filter(|(_, m)| *m < v.length),
        }
    }

    /// On a lane that is watched itself, that lane counts, wherever SUMO wants the vehicle to go from there;
    /// farther up, the lane by which it will come.
    fn line(&self, v: &Vehicle, lane: Option<LaneIx>) -> Option<(LaneIx, f64)> {
        if let Some(lane) = lane.filter(|lane| self.views.contains_key(lane)) {
            return Some((lane, (self.city.network.lane(lane).length_m - v.position).max(0.0)));
        }
        let (signal, link, distance) = v.next_signal.as_ref()?;
        let junction = self.junction_of.get(signal)?;
        let lanes = self.lanes_at[junction.ix()].get(usize::from(*link))?;
        let own = lanes.iter().find(|at| Some(**at) == lane);
        own.or(lanes.first()).map(|at| (*at, *distance))
    }

    /// Whether both lanes are of the same link.
    fn on_one_link(&self, a: Option<LaneIx>, b: Option<LaneIx>) -> bool {
        let link = |lane: LaneIx| self.city.network.lane(lane).link;
        a.is_some() && a.map(link) == b.map(link)
    }

    fn head(&self, v: &Vehicle) -> Option<(JunctionIx, u16)> {
        let (signal, link, _) = v.next_signal.as_ref()?;
        Some((*self.junction_of.get(signal)?, *link))
    }

    /// Areas of heads see the middle of their junction too.
    fn follow_inside(&mut self, v: &Vehicle, now: Place) {
        let Some((junction, head, beyond_m)) = now.inside else { return };
        let detectors = &self.city.junctions[junction.ix()].detectors;
        for (place, _) in (0..).zip(detectors).filter(|(_, d)| d.follows(head)) {
            // Never 0: that would be at the line, before it.
            let sighting = Sighting::new(-beyond_m.max(0.1), v.speed, v.length);
            self.felt[junction.ix()].sightings.push((place, sighting));
        }
    }

    /// Areas of heads: SUMO itself knows under which head a vehicle will pass.
    fn follow(&mut self, v: &Vehicle) {
        let Some((signal, link, distance)) = &v.next_signal else { return };
        let Some(junction) = self.junction_of.get(signal) else { return };
        let detectors = &self.city.junctions[junction.ix()].detectors;
        let Felt { channels, sightings } = &mut self.felt[junction.ix()];
        for ((detector, sensed), place) in detectors.iter().zip(channels).zip(0..) {
            if detector.follows(*link) && *distance <= detector.length_m {
                sensed.count_in_view(v);
                sightings.push((place, Sighting::new(*distance, v.speed, v.length)));
            }
        }
    }

    /// Areas of lanes.
    fn view(&mut self, v: &Vehicle, now: Place, before: Option<Place>) {
        let Some((lane, _)) = now.line else { return };
        for zone in self.views.get(&lane).into_iter().flatten().filter(|zone| zone.sees(now.line, lane)) {
            let sensed = &mut self.felt[zone.junction].channels[zone.channel];
            sensed.count_in_view(v);
            sensed.occupied = true;
            let seen = f32::from(sensed.vehicles.unwrap_or(1));
            let mean = sensed.speed_mps.unwrap_or(0.0);
            sensed.speed_mps = Some(mean + (v.speed as f32 - mean) / seen);
            if !zone.sees(before.and_then(|b| b.line), lane) {
                sensed.count = sensed.count.wrapping_add(1);
            }
        }
    }

    /// Loops.
    fn cross(&mut self, v: &Vehicle, now: Place, before: Option<Place>, tenths: u16) {
        // Whoever changes lanes beyond a loop has not come over it, nor over the one in the lane that it left.
        let before_m = before.filter(|b| self.on_one_link(b.lane, now.lane)).map(|b| b.position_m);
        if let Some(zones) = now.lane.and_then(|lane| self.loops.get(&lane)) {
            for zone in zones {
                let sensed = &mut self.felt[zone.junction].channels[zone.channel];
                let over = v.position >= zone.from_m && v.position - v.length <= zone.to_m;
                let was_before = before_m.is_none_or(|m| m < zone.from_m);
                if over {
                    sensed.occupied = true;
                    sensed.speed_mps = Some(v.speed as f32);
                }
                if was_before && v.position >= zone.from_m {
                    sensed.count = sensed.count.wrapping_add(1);
                }
            }
        }
        if let Some((lane, beyond_m)) = now.left {
            let tail_m = self.city.network.lane(lane).length_m + beyond_m - v.length;
            for zone in self.loops.get(&lane).into_iter().flatten().filter(|zone| tail_m <= zone.to_m) {
                let sensed = &mut self.felt[zone.junction].channels[zone.channel];
                sensed.occupied = true;
                sensed.speed_mps = Some(v.speed as f32);
            }
        }
        // A quick one may cross a loop and leave the lane within one step.
        if let Some(Place { lane: Some(left), position_m, .. }) = before.filter(|_| before_m.is_none()) {
            for zone in self.loops.get(&left).into_iter().flatten() {
                if position_m < zone.from_m {
                    let sensed = &mut self.felt[zone.junction].channels[zone.channel];
                    sensed.count = sensed.count.wrapping_add(1);
                    let cover = v.length / v.speed.max(1.0) * 10.0;
                    sensed.covered = sensed.covered.wrapping_add((cover as u16).min(tenths));
                }
            }
        }
    }
}

impl Sensed {
    fn count_in_view(&mut self, v: &Vehicle) {
        self.vehicles = self.vehicles.map(|n| n + 1);
        self.queue = self.queue.map(|n| n + u16::from(v.speed < STANDING_MPS));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{detection::Tier, sketch};

    /// `BC` is short, so whoever watches its end must look into `AB` as well.
    const ROAD: &str = "
                    N
                    |
                    |
A---------------B---C---E
                    |
                    |
                    S";

    struct Street {
        senses: Senses,
        /// Under which a vehicle goes straight on at `C`.
        head: u16,
        channel: usize,
    }

    impl Street {
        fn new(tier: Tier) -> Street {
            let mut city = sketch::city(ROAD, "C");
            city.junctions[0].detectors.clear();
            model::detection::equip(&mut city, tier);
            let network = &city.network;
            let (from, to) = (sketch::link(network, "BC"), sketch::link(network, "CE"));
            let link = |lane| network.lane(lane).link;
            let ahead = network.movements.iter().find(|m| link(m.from) == from && link(m.to) == to).unwrap();
            let head = ahead.head.unwrap().index;
            let ours = |d: &model::detection::Detector| {
                d.kind == DetectorKind::Area && d.lane == Some(ahead.from) && d.head.is_none_or(|h| h == head)
            };
            let channel = city.junctions[0].detectors.iter().position(ours).unwrap();
            Street { senses: Senses::new(Arc::new(city), &["C".to_owned()]), head, channel }
        }

        /// A car on its way straight on, so far from the line at `C`.
        fn car(&self, id: &str, to_line_m: f64, speed: f64) -> Vehicle {
            let network = &self.senses.city.network;
            let length = |name| {
                network.lane(network.link(sketch::link(network, name)).lane_ixs().next().unwrap()).length_m
            };
            let (lane, end_m) = match to_line_m <= length("BC") {
                true => ("BC_0", length("BC")),
                false => ("AB_0", length("BC") + length("AB")),
            };
            Vehicle {
                id: id.into(),
                speed,
                length: 4.8,
                lane: lane.into(),
                position: end_m - to_line_m,
                next_signal: Some(("C".into(), self.head, to_line_m)),
            }
        }

        fn feel(&mut self, cars: &[(&str, f64, f64)]) -> (Sensed, Vec<Sighting>) {
            let cars: Vec<Vehicle> = cars.iter().map(|&(id, m, speed)| self.car(id, m, speed)).collect();
            self.senses.feel(&cars, 1.0);
            let felt = self.senses.felt(JunctionIx(0));
            (felt.channels[self.channel], felt.sightings.iter().map(|(_, s)| *s).collect())
        }
    }

    #[test]
    fn a_lane_is_counted_from_beyond_its_own_beginning() {
        let mut street = Street::new(Tier::Lane);
        let mut check = |cars: &[(&str, f64, f64)], expected: (u16, u16, u16, Option<f32>)| {
            let (sensed, sightings) = street.feel(cars);
            let seen = (sensed.count, sensed.vehicles.unwrap(), sensed.queue.unwrap(), sensed.speed_mps);
            assert_eq!(seen, expected, "count, vehicles, queue, mean speed with {cars:?}");
            assert_eq!(sightings, [], "it counts, it does not follow");
        };
        check(&[("a", 130.0, 14.0)], (0, 0, 0, None));
        check(&[("a", 90.0, 12.0)], (1, 1, 0, Some(12.0)));
        check(&[("a", 20.0, 6.0), ("b", 95.0, 14.0)], (2, 2, 0, Some(10.0)));
        check(&[("a", 1.0, 0.0), ("b", 8.0, 0.0), ("c", 101.0, 9.0)], (2, 2, 2, Some(0.0)));
        check(&[("c", 60.0, 9.0)], (3, 1, 0, Some(9.0)));
    }

    #[test]
    fn a_camera_tells_where_each_vehicle_is() {
        let mut street = Street::new(Tier::Full);
        let (sensed, sightings) =
            street.feel(&[("far", 151.26, 13.9), ("at the line", 1.0, 0.0), ("out of view", 260.0, 9.0)]);
        assert_eq!((sensed.vehicles, sensed.queue), (Some(2), Some(1)));
        assert_eq!(sightings, [Sighting::new(1.0, 0.0, 4.8), Sighting::new(151.3, 13.9, 4.8)]);
    }

    /// Two lanes to the signal; the loops of both lie in a row.
    const WIDE: &str = "
                    N
                    |
                    |
A===================C---E
                    |
                    |
                    S";

    /// Drives one car along `A` to `C`, each second to a lane and so far from `A`; gives the counts by lane, of the loops upstream and of those at
    /// the line. Negative is from the line.
    #[track_caller]
    fn check(way: &[(usize, f64)], expected: [[u16; 2]; 2]) {
        let mut city = sketch::city(WIDE, "C");
        city.junctions[0].detectors.clear();
        model::detection::equip(&mut city, Tier::Loops);
        let lanes: Vec<LaneIx> = {
            let network = &city.network;
            network.link(sketch::link(network, "AC")).lane_ixs().collect()
        };
        let rows = [DetectorKind::Advance, DetectorKind::StopLine].map(|kind| -> Vec<usize> {
            let place = |lane: &LaneIx| {
                city.junctions[0].detectors.iter().position(|d| d.kind == kind && d.lane == Some(*lane))
            };
            lanes.iter().filter_map(place).collect()
        });
        let length_m = city.network.lane(lanes[0]).length_m;
        let mut senses = Senses::new(Arc::new(city), &["C".to_owned()]);
        for &(lane, position) in way {
            let position = if position < 0.0 { length_m + position } else { position };
            let car = Vehicle {
                id: "car".into(),
                speed: 10.0,
                length: 4.8,
                lane: format!("AC_{lane}"),
                position,
                next_signal: Some(("C".into(), 0, length_m - position)),
            };
            senses.feel(&[car], 1.0);
        }
        let counts = |row: &[usize]| -> Vec<u16> {
            row.iter().map(|&place| senses.felt(JunctionIx(0)).channels[place].count).collect()
        };
        assert_eq!([counts(&rows[0]), counts(&rows[1])], expected, "{way:?}");
    }

    #[test]
    fn who_changes_lanes_comes_over_one_row_of_loops_once() {
        // Over the loop upstream on the right, over to the left beyond it, and over the line there.
        let way = [(0, 40.0), (0, 90.0), (0, 120.0), (1, 134.0), (1, 160.0), (1, -1.0)];
        check(&way, [[1, 0], [0, 1]]);
    }

    #[test]
    fn who_departs_beyond_a_loop_comes_over_it_where_they_drive() {
        let way = [(0, 134.0), (1, 146.0), (1, -1.0)];
        check(&way[..1], [[0, 0], [0, 0]]);
        check(&way[..2], [[0, 1], [0, 0]]);
        check(&way, [[0, 1], [0, 1]]);
    }
}
