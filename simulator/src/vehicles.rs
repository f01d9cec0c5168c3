//! Every vehicle on the road, as columns: one vector per property, one row per vehicle.
//!
//! A row is reused when its vehicle has left. Whatever the step touches is a plain number in a column; names
//! and routes lie apart and are only looked at when a vehicle comes, turns or goes.

use crate::world::{LanePlan, LaneSums};
use model::{demand::Halt, ids::LinkIx};

/// How many movements ahead a vehicle has picked.
pub(crate) const PATH: usize = 8;
/// No vehicle, no way, no movement.
pub(crate) const NONE: u32 = u32::MAX;

/// A movement further ahead than anybody has looked yet.
pub(crate) const UNKNOWN: u32 = u32::MAX - 1;

/// A row of [`Vehicles`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct VehicleIx(pub(crate) u32);

/// What a vehicle has been through, for its trip report.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    pub(crate) depart_ms: i64,
    pub(crate) depart_pos_m: f64,
    pub(crate) depart_speed_mps: f64,
    pub(crate) depart_delay_s: f64,
    pub(crate) route_length: f64,
    pub(crate) waiting_s: f64,
    pub(crate) waiting_count: u32,
    pub(crate) stop_s: f64,
    pub(crate) reroutes: u32,
}

/// What is only needed at the ends and turns of a trip.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cold {
    pub(crate) id: String,
    /// The route: a slice of the world's route arena.
    pub(crate) route: std::ops::Range<u32>,
    pub(crate) halts: std::collections::VecDeque<Halt>,
    pub(crate) log: Log,
    /// First lane, for the trip report.
    pub(crate) depart_lane: u32,
    pub(crate) arrival: Arrival,
}

/// Where on its last link a trip arrives, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    /// From the kerb; `None` for whichever it is on.
    pub(crate) lane: Option<u16>,
    /// Metres from the link's start; infinite for its end.
    pub(crate) at_m: f64,
    /// At most, m/s; infinite if nothing is asked for.
    pub(crate) speed: f64,
}

impl Default for Arrival {
    fn default() -> Arrival {
        Arrival { lane: None, at_m: f64::INFINITY, speed: f64::INFINITY }
    }
}

/// All vehicles.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vehicles {
    /// Lane or movement that the front bumper is on; [`NONE`] in a free row.
    pub(crate) way: Vec<u32>,
    /// Front bumper, m from the start of the way.
    pub(crate) x: Vec<f64>,
    /// Speed, m/s.
    pub(crate) v: Vec<f64>,
    /// Speed chosen for the step.
    pub(crate) v_next: Vec<f64>,
    /// Desired speed over the limit.
    pub(crate) factor: Vec<f64>,
    /// Row of the driver table.
    pub(crate) kind: Vec<u16>,
    /// Position of the current link in the route.
    pub(crate) leg: Vec<u32>,
    /// Movements ahead; [`NONE`] ends the list.
    pub(crate) path: Vec<[u32; PATH]>,
    /// Whether the path ends because the trip ends there, and not because the lane leads elsewhere.
    pub(crate) path_arrives: Vec<bool>,
    /// Movement that the tail still lies on, after the front has left it.
    pub(crate) tail: Vec<u32>,
    /// Step in which it passed the line of the junction that it is in, or the place inside where it waited; [`NONE`] before.
    pub(crate) entered: Vec<u32>,
    /// Seconds lost against the desired speed so far.
    pub(crate) time_loss: Vec<f64>,
    /// Seconds of standing at a stretch.
    pub(crate) waiting: Vec<f32>,
    /// Standing in a queue: below 0.1 m/s, until above 1.4 m/s.
    pub(crate) queued: Vec<bool>,
    /// Has come to a stop at the line that it is at (stop signs, turns on red).
    pub(crate) stopped_at_line: Vec<bool>,
    /// Seconds still to stand at a halt; 0 when driving.
    pub(crate) dwell: Vec<f32>,
    /// Link and position of the next halt; link [`NONE`] without one.
    pub(crate) halt_link: Vec<u32>,
    pub(crate) halt_at: Vec<f64>,
    /// On the last link, if its trip says where on it: that place, m. Infinite otherwise: the trip ends with the link.
    pub(crate) ends_at: Vec<f64>,
    /// Somebody who wants in before us: drive as if it were our leader.
    pub(crate) lets_in: Vec<u32>,
    /// Metres from our front to theirs.
    pub(crate) lets_in_gap: Vec<f64>,
    /// Grown wish to overtake: positive to the left, negative to the right.
    pub(crate) urge: Vec<f32>,
    /// How far the wish has grown to go back to the right, 0 to 1.
    pub(crate) kerb: Vec<f32>,
    /// Steps until the next voluntary lane change.
    pub(crate) settle: Vec<u8>,
    /// Metres that each lane of the current link leads on along the route, `stride` per vehicle.
    pub(crate) reach: Vec<f32>,
    /// Vehicles that stood or drove on each of these ways when they were picked, like `reach`.
    pub(crate) crowd: Vec<f32>,
    /// Speed by which a driver looks ahead for its lane, m/s: its own, which falls slowly.
    pub(crate) look: Vec<f32>,
    pub(crate) stride: usize,
    pub(crate) cold: Vec<Cold>,
    free: Vec<u32>,
    /// Vehicles on the road.
    pub(crate) count: usize,
}

impl Vehicles {
    pub(crate) fn new(stride: usize) -> Vehicles {
        Vehicles { stride: stride.max(1), ..Vehicles::default() }
    }

    /// A fresh row.
    pub(crate) fn add(&mut self) -> usize {
        self.count += 1;
        if let Some(row) = self.free.pop() {
            let i = row as usize;
            self.clear(i);
            return i;
        }
        let i = self.way.len();
        self.way.push(NONE);
        self.x.push(0.0);
        self.v.push(0.0);
        self.v_next.push(0.0);
        self.factor.push(1.0);
        self.kind.push(0);
        self.leg.push(0);
        self.path.push([NONE; PATH]);
        self.path_arrives.push(false);
        self.tail.push(NONE);
        self.entered.push(NONE);
        self.time_loss.push(0.0);
        self.waiting.push(0.0);
        self.queued.push(false);
        self.stopped_at_line.push(false);
        self.dwell.push(0.0);
        self.halt_link.push(NONE);
        self.halt_at.push(0.0);
        self.ends_at.push(f64::INFINITY);
        self.lets_in.push(NONE);
        self.lets_in_gap.push(0.0);
        self.urge.push(0.0);
        self.kerb.push(0.0);
        self.settle.push(0);
        self.reach.resize(self.reach.len() + self.stride, 0.0);
        self.crowd.resize(self.crowd.len() + self.stride, 0.0);
        self.look.push(0.0);
        self.cold.push(Cold::default());
        i
    }

    fn clear(&mut self, i: usize) {
        self.v[i] = 0.0;
        self.v_next[i] = 0.0;
        self.leg[i] = 0;
        self.tail[i] = NONE;
        self.entered[i] = NONE;
        self.time_loss[i] = 0.0;
        self.waiting[i] = 0.0;
        self.queued[i] = false;
        self.stopped_at_line[i] = false;
        self.dwell[i] = 0.0;
        self.halt_link[i] = NONE;
        self.ends_at[i] = f64::INFINITY;
        self.lets_in[i] = NONE;
        self.urge[i] = 0.0;
        self.kerb[i] = 0.0;
        self.look[i] = 0.0;
        self.settle[i] = 0;
    }

    /// Gives a row back and hands out what it was.
    pub(crate) fn remove(&mut self, i: usize) -> Cold {
        self.way[i] = NONE;
        self.count -= 1;
        self.free.push(i as u32);
        std::mem::take(&mut self.cold[i])
    }

    /// Rows in use, ascending.
    pub(crate) fn rows(&self) -> impl Iterator<Item = usize> + '_ {
        self.way.iter().enumerate().filter(|(_, way)| **way != NONE).map(|(i, _)| i)
    }

    /// Metres that lane `k` of the current link leads on along the route.
    pub(crate) fn reach(&self, i: usize, k: usize) -> f64 {
        f64::from(self.reach[i * self.stride + k])
    }

    /// Takes a plan over: the lanes ahead, and what it found of the lanes beside.
    pub(crate) fn follow(&mut self, i: usize, plan: &LanePlan, lanes: impl Iterator<Item = LaneSums>) {
        self.path[i] = plan.path;
        self.path_arrives[i] = plan.arrives;
        for (k, (metres, vehicles)) in lanes.enumerate() {
            self.reach[i * self.stride + k] = metres as f32;
            self.crowd[i * self.stride + k] = vehicles as f32;
        }
    }

    /// Vehicles that were there when the way was picked.
    pub(crate) fn crowd(&self, i: usize, k: usize) -> f64 {
        f64::from(self.crowd[i * self.stride + k])
    }

    /// Makes the place where its trip ends known to the step, once it has come to its last link.
    pub(crate) fn aim_at_end(&mut self, i: usize) {
        let cold = &self.cold[i];
        let last = self.leg[i] as usize + 1 == cold.route.len();
        self.ends_at[i] = if last { cold.arrival.at_m } else { f64::INFINITY };
    }

    /// Whether it has come to where its trip ends; halts come first.
    pub(crate) fn has_arrived(&self, i: usize) -> bool {
        arrived(self.x[i], self.ends_at[i], self.halt_link[i])
    }

    /// Makes the next halt known to the step.
    pub(crate) fn aim_at_halt(&mut self, i: usize) {
        aim_at_halt(&self.cold[i], &mut self.halt_link[i], &mut self.halt_at[i]);
    }
}

/// Whether a front at `x` has come to the end of its trip, up to rounding.
pub(crate) fn arrived(x: f64, ends_at: f64, halt_link: u32) -> bool {
    const NEARLY: f64 = 0.1;
    x >= ends_at - NEARLY && halt_link == NONE
}

/// Vehicles that one thread moves at a time.
const PART: usize = 512;

/// Some vehicles in a row, and of each what moving it changes. No two parts have a vehicle in common.
pub(crate) struct Part<'a> {
    /// The row of the first.
    pub(crate) first: usize,
    pub(crate) x: &'a mut [f64],
    pub(crate) v: &'a mut [f64],
    pub(crate) tail: &'a mut [u32],
    pub(crate) entered: &'a mut [u32],
    pub(crate) time_loss: &'a mut [f64],
    pub(crate) waiting: &'a mut [f32],
    pub(crate) queued: &'a mut [bool],
    pub(crate) stopped_at_line: &'a mut [bool],
    pub(crate) dwell: &'a mut [f32],
    pub(crate) halt_link: &'a mut [u32],
    pub(crate) halt_at: &'a mut [f64],
    pub(crate) settle: &'a mut [u8],
    pub(crate) cold: &'a mut [Cold],
    pub(crate) fixed: Fixed<'a>,
}

/// What moving does not change, of all vehicles.
#[derive(Clone, Copy)]
pub(crate) struct Fixed<'a> {
    pub(crate) way: &'a [u32],
    pub(crate) v_next: &'a [f64],
    pub(crate) factor: &'a [f64],
    pub(crate) kind: &'a [u16],
    pub(crate) path: &'a [[u32; PATH]],
    pub(crate) path_arrives: &'a [bool],
    pub(crate) ends_at: &'a [f64],
}

impl Vehicles {
    /// All of them, in parts.
    pub(crate) fn parts(&mut self) -> Vec<Part<'_>> {
        let Vehicles { way, v_next, factor, kind, path, path_arrives, ends_at, .. } = self;
        let fixed = Fixed { way, v_next, factor, kind, path, path_arrives, ends_at };
        let (mut x, mut v, mut tail) = (&mut self.x[..], &mut self.v[..], &mut self.tail[..]);
        let mut entered = &mut self.entered[..];
        let (mut time_loss, mut waiting) = (&mut self.time_loss[..], &mut self.waiting[..]);
        let (mut queued, mut stopped_at_line) = (&mut self.queued[..], &mut self.stopped_at_line[..]);
        let (mut dwell, mut settle) = (&mut self.dwell[..], &mut self.settle[..]);
        let (mut halt_link, mut halt_at) = (&mut self.halt_link[..], &mut self.halt_at[..]);
        let mut cold = &mut self.cold[..];
        let part = |first| Part {
            first,
            x: next_part(&mut x),
            v: next_part(&mut v),
            tail: next_part(&mut tail),
            entered: next_part(&mut entered),
            time_loss: next_part(&mut time_loss),
            waiting: next_part(&mut waiting),
            queued: next_part(&mut queued),
            stopped_at_line: next_part(&mut stopped_at_line),
            dwell: next_part(&mut dwell),
            halt_link: next_part(&mut halt_link),
            halt_at: next_part(&mut halt_at),
            settle: next_part(&mut settle),
            cold: next_part(&mut cold),
            fixed,
        };
        (0..fixed.way.len()).step_by(PART).map(part).collect()
    }
}

/// The next [`PART`] of what is left of a column.
fn next_part<'a, T>(rest: &mut &'a mut [T]) -> &'a mut [T] {
    let length = rest.len().min(PART);
    rest.split_off_mut(..length).unwrap_or_default()
}

impl Part<'_> {
    /// Makes the next halt of its `k`-th vehicle known to the step.
    pub(crate) fn aim_at_halt(&mut self, k: usize) {
        aim_at_halt(&self.cold[k], &mut self.halt_link[k], &mut self.halt_at[k]);
    }
}

fn aim_at_halt(cold: &Cold, link: &mut u32, at: &mut f64) {
    match cold.halts.front() {
        Some(halt) => (*link, *at) = (halt.link.0, halt.position_m),
        None => *link = NONE,
    }
}

/// A vehicle as seen from above.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Body {
    /// Where its front is, on the line of its road.
    pub at: model::geo::LonLat,
    /// Degrees clockwise from north.
    pub heading_deg: f64,
    /// Bumper to bumper, m.
    pub length_m: f64,
}

/// Where a public-transport vehicle is, for the map.
#[derive(Clone, PartialEq, Debug)]
pub struct TransitVehicle {
    /// The trip's name.
    pub id: String,
    /// What it is: bus or tram, as its type says.
    pub mode: model::network::Modes,
    /// Where its front is.
    pub at: model::geo::LonLat,
    /// Degrees clockwise from north.
    pub heading_deg: f64,
    /// m/s.
    pub speed_mps: f64,
    /// The link that it is on, or has just left.
    pub link: LinkIx,
    /// Whether it stands at a stop.
    pub at_stop: bool,
}
