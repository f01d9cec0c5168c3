//! Detectors and push-buttons: what each channel of each junction feels.
//!
//! Loops are read between steps as well: a vehicle drives at one speed through a step, so the moments when its
//! front reaches the loop and its tail leaves it are known to a fraction of the step.

use crate::{
    vehicles::{NONE, UNKNOWN, Vehicles},
    world::{Lamps, Rows, chance, follow::Driver, road::Road},
};
use model::{
    city::City,
    detection::{DetectorKind, Sighting},
    ids::{GroupNumber, JunctionIx},
    signal::Lamp,
};
use std::{collections::HashMap, ops::Range};

/// What a channel has felt. Counters only grow; a reader takes differences.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct DetectorState {
    /// Vehicles whose front came in (presses, of a push-button).
    pub count: u32,
    /// Tenths of a second covered.
    pub occupied_tenths: u32,
    /// Sum of the speeds of the counted vehicles, m/s: the mean over an interval is the difference of this by
    /// the difference of `count`.
    pub speed_sum_mps: f64,
    /// Covered now (of a push-button: pressed and not yet served).
    pub occupied: bool,
    /// Area channels: vehicles in view that stand (below 0.1 m/s, until above 1.4 m/s).
    pub queue: u16,
    /// Area channels: all vehicles in view.
    pub vehicles: u16,
    /// Area channels of a lane: mean speed of those in view, m/s.
    pub view_speed_mps: Option<f64>,
    /// Covered time below a tenth, s.
    rest_s: f64,
}

/// What detectors look at.
pub(crate) struct Street<'a> {
    pub(crate) road: &'a Road,
    pub(crate) drivers: &'a [Driver],
    pub(crate) vehicles: &'a Vehicles,
    pub(crate) rows: &'a Rows,
    pub(crate) lamps: &'a Lamps<'a>,
    pub(crate) dt: f64,
    pub(crate) step: u64,
}

impl Street<'_> {
    fn driver(&self, i: usize) -> &Driver {
        &self.drivers[usize::from(self.vehicles.motion[i].kind)]
    }
}

/// A loop.
#[derive(Clone, Copy, Debug)]
struct Loop {
    state: u32,
    lane: u32,
    /// Its edges, m from the lane's start.
    from: f64,
    to: f64,
}

/// An area channel that counts a lane: who comes to the lane's end, seen from farther up than the lane begins.
#[derive(Clone, Copy, Debug)]
struct LaneArea {
    state: u32,
    /// Its edges, m back from the lane's end.
    from: f64,
    to: f64,
}

impl LaneArea {
    fn sees(&self, line: Option<(u32, f64)>, lane: u32) -> bool {
        line.is_some_and(|(at, m)| at == lane && (self.from..=self.to).contains(&m))
    }
}

/// A head that area channels watch.
#[derive(Clone, Copy, Debug)]
struct Watched {
    state: u32,
    junction: u32,
    /// The channel's place in `Junction::detectors`.
    place: u16,
    length: f64,
}

#[derive(Clone, Debug)]
struct Button {
    state: u32,
    junction: u32,
    groups: Vec<GroupNumber>,
}

/// All channels of a city.
#[derive(Clone, Debug, Default)]
pub(crate) struct Detectors {
    states: Vec<DetectorState>,
    of: Vec<Range<u32>>,
    loops: Vec<Loop>,
    /// Their places in `loops`, by lane.
    loops_of: HashMap<u32, Vec<usize>>,
    /// Per lane: area channels that count it.
    lane_areas: Vec<Vec<LaneArea>>,
    /// Per movement: area channels that count it.
    watched: Vec<Vec<Watched>>,
    /// Area channels of both kinds, and how far the farthest sees.
    areas: Vec<u32>,
    furthest: f64,
    /// Per vehicle, after the step before: the lane by which it comes to its next signal, and how far that lane's
    /// end is.
    lines: Vec<Option<(u32, f64)>>,
    /// Per junction.
    sightings: Vec<Vec<(u16, Sighting)>>,
    buttons: Vec<Button>,
    seed: u64,
    pedestrians_per_hour: f64,
}

impl Detectors {
    pub(crate) fn new(city: &City, seed: u64, pedestrians_per_hour: f64) -> Detectors {
        let network = &city.network;
        let mut all = Detectors { seed, pedestrians_per_hour, ..Detectors::default() };
        all.lane_areas = vec![Vec::new(); network.lanes.len()];
        all.watched = vec![Vec::new(); network.movements.len()];
        all.sightings = vec![Vec::new(); city.junctions.len()];
        let into = network.movements_into_lanes();
        let mut behind: HashMap<_, Vec<usize>> = HashMap::new();
        for (m, head) in network.movements.iter().enumerate().filter_map(|(m, of)| Some((m, of.head?))) {
            behind.entry((head.junction.ix(), head.index)).or_default().push(m);
        }
        for (j, junction) in city.junctions.iter().enumerate() {
            let start = all.states.len() as u32;
            for detector in &junction.detectors {
                let state = all.states.len() as u32;
                all.states.push(DetectorState::default());
                match (detector.kind, detector.lane, detector.head) {
                    (DetectorKind::PushButton, ..) => {
                        let groups = detector.groups.clone();
                        all.buttons.push(Button { state, junction: j as u32, groups });
                    }
                    (DetectorKind::Area, _, Some(head)) => {
                        all.areas.push(state);
                        all.furthest = all.furthest.max(detector.length_m);
                        for &m in behind.get(&(j, head)).into_iter().flatten() {
                            all.watched[m].push(Watched {
                                state,
                                junction: j as u32,
                                place: (state - start) as u16,
                                length: detector.length_m,
                            });
                        }
                    }
                    (DetectorKind::Area, Some(lane), None) => {
                        let (from, to) = (detector.distance_m, detector.distance_m + detector.length_m);
                        all.areas.push(state);
                        all.furthest = all.furthest.max(to);
                        all.lane_areas[lane.ix()].push(LaneArea { state, from, to });
                    }
                    (DetectorKind::StopLine | DetectorKind::Advance, ..) => {
                        // A channel that watches nothing stays silent.
                        all.loops.extend(detector.lies(network, &into).map(|(lane, before_end_m)| {
                            let to = network.lane(lane).length_m - before_end_m;
                            Loop { state, lane: lane.0, from: (to - detector.length_m).max(0.0), to }
                        }));
                    }
                    (DetectorKind::Area, None, None) => {}
                }
            }
            all.of.push(start..all.states.len() as u32);
        }
        for (place, l) in all.loops.iter().enumerate() {
            all.loops_of.entry(l.lane).or_default().push(place);
        }
        all
    }

    pub(crate) fn of(&self, junction: JunctionIx) -> &[DetectorState] {
        let range = &self.of[junction.ix()];
        &self.states[range.start as usize..range.end as usize]
    }

    pub(crate) fn sightings(&self, junction: JunctionIx) -> &[(u16, Sighting)] {
        &self.sightings[junction.ix()]
    }

    /// Somebody begins a trip at `x` of a lane, and has come over what lies behind: a trip begins where the map does.
    pub(crate) fn begun(&mut self, lane: u32, x: f64, speed: f64) {
        for &place in self.loops_of.get(&lane).into_iter().flatten() {
            let l = self.loops[place];
            if l.from < x {
                let state = &mut self.states[l.state as usize];
                state.count += 1;
                state.speed_sum_mps += speed;
            }
        }
    }

    /// Reads the step that has just been driven.
    pub(crate) fn update(&mut self, street: &Street<'_>) {
        for l in &self.loops {
            self.states[l.state as usize].feel(l, street);
        }
        if !self.areas.is_empty() {
            self.watch(street);
        }
        for button in &self.buttons {
            let state = &mut self.states[button.state as usize];
            let shows = |g: &GroupNumber| {
                let groups = street.lamps.groups.get(button.junction as usize)?;
                groups.get(usize::from(g.0).checked_sub(1)?).copied()
            };
            if button.groups.iter().any(|g| shows(g) == Some(Lamp::Green)) {
                state.occupied = false;
            }
            // Presses come as a Poisson process; one per step is enough to call.
            let rate = self.pedestrians_per_hour / 3600.0 * street.dt;
            if chance(self.seed, u64::from(button.state) | 1 << 52, street.step) < 1.0 - (-rate).exp() {
                state.count += 1;
                state.occupied = true;
            }
            if state.occupied {
                state.cover(street.dt);
            }
        }
    }

    /// Area channels: each vehicle is looked at once, along its own path.
    fn watch(&mut self, street: &Street<'_>) {
        for &state in &self.areas {
            let state = &mut self.states[state as usize];
            (state.vehicles, state.queue, state.view_speed_mps) = (0, 0, None);
        }
        self.sightings.iter_mut().for_each(Vec::clear);
        let (road, vehicles) = (street.road, street.vehicles);
        let mut lines = vec![None; vehicles.motion.len()];
        for way in street.rows.taken(0..street.rows.len()) {
            for &i in &street.rows[way] {
                let i = i as usize;
                let mut to_line = road.length[way] - vehicles.motion[i].x;
                // On a lane that is watched itself, that lane counts, wherever the vehicle wants to go from there.
                let mut line = match self.lane_areas.get(way) {
                    Some(areas) if !areas.is_empty() => Some((way as u32, to_line)),
                    _ => None,
                };
                if way >= road.lanes {
                    for w in &self.watched[way - road.lanes] {
                        let length = street.driver(i).length;
                        let sighting =
                            Sighting::new(-vehicles.motion[i].x.max(0.1), vehicles.motion[i].v, length);
                        self.sightings[w.junction as usize].push((w.place, sighting));
                    }
                    to_line += road.length[road.to[way - road.lanes] as usize];
                }
                // Only the camera at its next signal looks at a vehicle.
                for &m in &vehicles.mind[i].path {
                    if m == NONE || m == UNKNOWN || to_line > self.furthest {
                        break;
                    }
                    for w in self.watched[m as usize].iter().filter(|w| to_line <= w.length) {
                        self.states[w.state as usize].count_in_view(vehicles.motion[i].queued);
                        let length = street.driver(i).length;
                        let sighting = Sighting::new(to_line, vehicles.motion[i].v, length);
                        self.sightings[w.junction as usize].push((w.place, sighting));
                    }
                    if road.head[m as usize].is_some() {
                        line = line.or(Some((road.from[m as usize], to_line)));
                        break;
                    }
                    to_line += road.length[road.way(m)] + road.length[road.to[m as usize] as usize];
                }
                lines[i] = line;
                let Some((lane, _)) = line else { continue };
                let before = self.lines.get(i).copied().flatten();
                for area in self.lane_areas[lane as usize].iter().filter(|area| area.sees(line, lane)) {
                    let state = &mut self.states[area.state as usize];
                    state.count_in_view(vehicles.motion[i].queued);
                    let mean = state.view_speed_mps.unwrap_or(0.0);
                    let seen = f64::from(state.vehicles);
                    state.view_speed_mps = Some(mean + (vehicles.motion[i].v - mean) / seen);
                    state.count = state.count.wrapping_add(u32::from(!area.sees(before, lane)));
                }
            }
        }
        self.lines = lines;
        self.sightings.iter_mut().for_each(|of| of.sort_unstable());
        for &state in &self.areas {
            let state = &mut self.states[state as usize];
            state.occupied = state.vehicles > 0;
            if state.occupied {
                state.cover(street.dt);
            }
        }
    }
}

impl DetectorState {
    /// One more in an area's view.
    fn count_in_view(&mut self, queued: bool) {
        self.vehicles += 1;
        self.queue += u16::from(queued);
    }

    /// Adds covered time.
    fn cover(&mut self, seconds: f64) {
        self.rest_s += seconds;
        let tenths = (self.rest_s * 10.0 + 1e-9).floor();
        self.occupied_tenths = self.occupied_tenths.wrapping_add(tenths as u32);
        self.rest_s -= tenths / 10.0;
    }

    /// Feels one loop through a step.
    fn feel(&mut self, l: &Loop, street: &Street<'_>) {
        let (road, vehicles) = (street.road, street.vehicles);
        self.occupied = false;
        let mut covered = 0.0;
        let mut pass = |i: usize, x: f64, state: &mut DetectorState| {
            let length = street.driver(i).length;
            let v = vehicles.motion[i].v;
            let before = x - v * street.dt;
            if before <= l.from && x > l.from && v > 0.0 {
                state.count += 1;
                state.speed_sum_mps += v;
            }
            let on = |x: f64| x > l.from && x - length < l.to;
            state.occupied |= on(x);
            if v <= 0.0 {
                covered += if on(x) { street.dt } else { 0.0 };
                return;
            }
            // Times within the step at which the front reaches the loop and the tail leaves it.
            let enters = ((l.from - before) / v).clamp(0.0, street.dt);
            let leaves = ((l.to + length - before) / v).clamp(0.0, street.dt);
            covered += leaves - enters;
        };
        for &i in &street.rows[l.lane as usize] {
            pass(i as usize, vehicles.motion[i as usize].x, self);
        }
        // Those that have left the lane, and whose tails, or whose way through this very step, lie on it.
        let lane_length = road.length[l.lane as usize];
        let near =
            |i: usize, x: f64| x - street.driver(i).length - vehicles.motion[i].v * street.dt < lane_length;
        for m in road.leaving[l.lane as usize].clone() {
            let turn = road.way(m);
            for &i in &street.rows[turn] {
                let x = lane_length + vehicles.motion[i as usize].x;
                if near(i as usize, x) {
                    pass(i as usize, x, self);
                }
            }
            for &i in street.rows[road.to[m as usize] as usize].iter().take(2) {
                let i = i as usize;
                let x = lane_length + road.length[turn] + vehicles.motion[i].x;
                if vehicles.motion[i].tail == m && near(i, x) {
                    pass(i, x, self);
                }
            }
        }
        self.cover(covered.min(street.dt));
    }
}
