//! What the run measured: links over the last minute, trips, and totals.

use super::{World, road::Road, rows::Rows};
use crate::vehicles::Motion;
use model::ids::LinkIx;
use serde::Serialize;

/// Links are measured in slots this long, ms, and reported over the last [`SLOTS`] of them: one minute.
const SLOT_MS: i64 = 10_000;
const SLOTS: usize = 6;
/// Drivers without a route are told the mean of so many looks at the speeds on each link, so many ms apart: three
/// minutes (SUMO's `device.rerouting.adaptation-steps`, which looks every second).
const LOOKS: usize = 36;
const LOOK_MS: i64 = 5_000;
/// Nobody is reported slower than this, m/s: a standing link still has a travel time.
const CRAWL: f64 = 0.5;

/// A trip's report, with the meanings of SUMO's tripinfo.
#[derive(Clone, PartialEq, Debug)]
pub struct TripInfo {
    /// The trip's name.
    pub id: String,
    /// Index of its vehicle type.
    pub vehicle_type: u32,
    /// When it entered the road, s.
    pub depart_s: f64,
    /// Index of the lane that it entered on.
    pub depart_lane: u32,
    /// Where its front was then, m from the lane's start.
    pub depart_pos_m: f64,
    /// How fast it came in, m/s.
    pub depart_speed_mps: f64,
    /// How long it waited to enter, s.
    pub depart_delay_s: f64,
    /// When it arrived, s; `None` while it is under way.
    pub arrival_s: Option<f64>,
    /// Index of the lane that it arrived on; where it is now while it is under way.
    pub arrival_lane: u32,
    /// Where on it, m from its start.
    pub arrival_pos_m: f64,
    /// How fast it was at last, m/s.
    pub arrival_speed_mps: f64,
    /// On the road, s.
    pub duration_s: f64,
    /// Length of its route, m.
    pub route_length_m: f64,
    /// Lost against its own desired speed, without planned stops, s.
    pub time_loss_s: f64,
    /// Slower than 0.1 m/s, without planned stops, s.
    pub waiting_s: f64,
    /// How often it came to stand.
    pub waiting_count: u32,
    /// At planned stops, s.
    pub stop_s: f64,
    /// How often it took another route on the way.
    pub reroutes: u32,
    /// Its driver's share of the limit.
    pub speed_factor: f64,
}

/// Counts since the start of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Totals {
    /// Entered the road.
    pub inserted: u64,
    /// Arrived.
    pub arrived: u64,
    /// Lane changes.
    pub lane_changes: u64,
    /// Vehicles that ended up overlapping another; must stay 0.
    pub collisions: u64,
    /// Braked harder than 9 m/s².
    pub emergency_brakings: u64,
    /// Pairs that stood side by side in each other's lane and were swapped.
    pub swaps: u64,
    /// Vehicles that stood 20 s inside a junction. Two of them in each other's way pass through each other
    /// then: real drivers back off and wave, which nobody here can.
    pub held_inside: u64,
    /// Vehicles that stood two minutes at the end of a lane that leads elsewhere, and took another route.
    pub rerouted: u64,
}

/// What a link measured over the last minute. Time inside a junction counts for the link before it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LinkMeasure {
    /// Vehicles on it now, those inside the junction at its end not among them.
    pub vehicles: u32,
    /// Of them, those that stand in a queue.
    pub queued: u32,
    /// Mean speed over space and time (metres driven by seconds spent), m/s; `None` when nobody came.
    pub mean_speed_mps: Option<f64>,
    /// Travel time at that speed, s; at the limit when nobody came.
    pub travel_time_s: f64,
    /// Vehicles that drove onto it from another link, since the start.
    pub entered: u64,
    /// Vehicles that drove off it onto another, since the start.
    pub left: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Links {
    metres: Vec<[f32; SLOTS]>,
    seconds: Vec<[f32; SLOTS]>,
    entered: Vec<u64>,
    left: Vec<u64>,
    slot: i64,
    begin_ms: i64,
    /// Mean speed at each look, m/s, `LOOKS` per link, and their sum.
    looks: Vec<f32>,
    looked: Vec<f32>,
    look: i64,
}

impl Links {
    pub(super) fn new(road: &Road, begin_ms: i64) -> Links {
        let links = road.link_lanes.len();
        let limits = road.link_speed.iter().map(|s| *s as f32);
        Links {
            looks: limits.clone().flat_map(|s| std::iter::repeat_n(s, LOOKS)).collect(),
            looked: limits.map(|s| s * LOOKS as f32).collect(),
            look: 0,
            metres: vec![[0.0; SLOTS]; links],
            seconds: vec![[0.0; SLOTS]; links],
            entered: vec![0; links],
            left: vec![0; links],
            slot: 0,
            begin_ms,
        }
    }

    /// Opens the slot of that time; what it held a minute ago is forgotten.
    pub(super) fn begin_step(&mut self, now_ms: i64) {
        let slot = (now_ms - self.begin_ms) / SLOT_MS;
        if slot != self.slot {
            self.slot = slot;
            let s = self.current();
            self.metres.iter_mut().for_each(|m| m[s] = 0.0);
            self.seconds.iter_mut().for_each(|m| m[s] = 0.0);
        }
    }

    fn current(&self) -> usize {
        self.slot.rem_euclid(SLOTS as i64) as usize
    }

    pub(super) fn add(&mut self, link: u32, metres: f64, seconds: f64) {
        let s = self.current();
        self.metres[link as usize][s] += metres as f32;
        self.seconds[link as usize][s] += seconds as f32;
    }

    pub(super) fn entered(&mut self, from: u32, to: u32) {
        self.left[from as usize] += 1;
        self.entered[to as usize] += 1;
    }

    fn mean_speed(&self, link: u32) -> Option<f64> {
        let seconds: f32 = self.seconds[link as usize].iter().sum();
        let metres: f32 = self.metres[link as usize].iter().sum();
        (seconds > 0.0).then(|| f64::from(metres / seconds))
    }

    /// Looks at the speeds on all links, when it is time to. A lane without vehicles counts as one at the limit, as in
    /// SUMO's `MSEdge::getMeanSpeed`.
    pub(super) fn look(&mut self, now_ms: i64, road: &Road, rows: &Rows, motion: &[Motion]) {
        let look = (now_ms - self.begin_ms) / LOOK_MS;
        if look == self.look {
            return;
        }
        self.look = look;
        let at = look.rem_euclid(LOOKS as i64) as usize;
        for (link, lanes) in road.link_lanes.iter().enumerate() {
            let (mut sum, mut count) = (0.0, 0);
            for lane in lanes.clone() {
                let row = &rows[lane as usize];
                sum += if row.is_empty() {
                    road.speed[lane as usize]
                } else {
                    row.iter().map(|i| motion[*i as usize].v).sum()
                };
                count += row.len().max(1);
            }
            let mean = (sum / count.max(1) as f64) as f32;
            let old = std::mem::replace(&mut self.looks[link * LOOKS + at], mean);
            self.looked[link] += mean - old;
        }
    }

    /// Time that a driver who looks for a way expects on a link, s.
    pub(super) fn routing_time_s(&self, road: &Road, link: u32) -> f64 {
        let speed = f64::from(self.looked[link as usize]) / LOOKS as f64;
        road.link_length[link as usize] / speed.clamp(0.1, road.link_speed[link as usize])
    }

    /// Travel time at the speed of the last minute, at the limit when nobody came.
    pub(super) fn travel_time_s(&self, road: &Road, link: u32) -> f64 {
        let limit = road.link_speed[link as usize];
        let speed = self.mean_speed(link).map_or(limit, |s| s.clamp(CRAWL, limit));
        road.link_length[link as usize] / speed
    }
}

impl World {
    pub(super) fn measure_link(&self, link: LinkIx) -> LinkMeasure {
        let lanes = self.road.link_lanes[link.ix()].clone();
        let rows = lanes.map(|l| &self.rows[l as usize]);
        let (mut vehicles, mut queued) = (0, 0);
        for row in rows {
            vehicles += row.len() as u32;
            queued += row.iter().filter(|i| self.vehicles.motion[**i as usize].queued).count() as u32;
        }
        LinkMeasure {
            vehicles,
            queued,
            mean_speed_mps: self.links.mean_speed(link.0),
            travel_time_s: self.links.travel_time_s(&self.road, link.0),
            entered: self.links.entered[link.ix()],
            left: self.links.left[link.ix()],
        }
    }
}
