//! Every vehicle on the road, in columns by who reads them: one row per vehicle.
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

/// Where a vehicle is and how it moves: what others look at, in half a cache line, so that a look at somebody is one fetch.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(32))]
pub(crate) struct Motion {
    /// Front bumper, m from the start of the way.
    pub(crate) x: f64,
    /// Speed, m/s.
    pub(crate) v: f64,
    /// Lane or movement that the front bumper is on; [`NONE`] in a free row.
    pub(crate) way: u32,
    /// Movement that the tail still lies on, after the front has left it.
    pub(crate) tail: u32,
    /// Seconds of standing at a stretch.
    pub(crate) waiting: f32,
    /// Row of the driver table.
    pub(crate) kind: u16,
    /// Standing in a queue: below 0.1 m/s, until above 1.4 m/s.
    pub(crate) queued: bool,
    /// Has come to a stop at the line that it is at (stop signs, turns on red).
    pub(crate) stopped_at_line: bool,
}

impl Default for Motion {
    fn default() -> Motion {
        Motion {
            x: 0.0,
            v: 0.0,
            way: NONE,
            tail: NONE,
            waiting: 0.0,
            kind: 0,
            queued: false,
            stopped_at_line: false,
        }
    }
}

/// What a driver has in mind, and its books: of others hardly anybody asks. Two cache lines, of which the first is all that most
/// drivers need to choose a speed.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(crate) struct Mind {
    /// Movements ahead; [`NONE`] ends the list.
    pub(crate) path: [u32; PATH],
    /// Desired speed over the limit.
    pub(crate) factor: f64,
    /// On the last link, if its trip says where on it: that place, m. Infinite otherwise: the trip ends with the link.
    pub(crate) ends_at: f64,
    /// Link of the next halt; [`NONE`] without one.
    pub(crate) halt_link: u32,
    /// Somebody who wants in before us: drive as if it were our leader, for a step.
    pub(crate) lets_in: u32,
    /// Seconds still to stand at a halt; 0 when driving.
    pub(crate) dwell: f32,
    /// Whether the path ends because the trip ends there, and not because the lane leads elsewhere.
    pub(crate) path_arrives: bool,
    /// Where on its link the next halt is, m.
    pub(crate) halt_at: f64,
    /// Metres from our front to that of whoever wants in.
    pub(crate) lets_in_gap: f64,
    /// Seconds lost against the desired speed so far.
    pub(crate) time_loss: f64,
    /// Seconds stood so far, without halts.
    pub(crate) waited_s: f64,
    /// Speed by which a driver looks ahead for its lane, m/s: its own, which falls slowly.
    pub(crate) look: f32,
    /// Grown wish to overtake: positive to the left, negative to the right.
    pub(crate) urge: f32,
    /// How far the wish has grown to go back to the right, 0 to 1.
    pub(crate) kerb: f32,
    /// Step in which it passed the line of the junction that it is in, or the place inside where it waited; [`NONE`] before.
    pub(crate) entered: u32,
    /// Position of the current link in the route.
    pub(crate) leg: u32,
    /// Steps until the next voluntary lane change.
    pub(crate) settle: u8,
}

impl Default for Mind {
    fn default() -> Mind {
        Mind {
            path: [NONE; PATH],
            factor: 1.0,
            ends_at: f64::INFINITY,
            halt_link: NONE,
            lets_in: NONE,
            dwell: 0.0,
            look: 0.0,
            halt_at: 0.0,
            lets_in_gap: 0.0,
            time_loss: 0.0,
            waited_s: 0.0,
            urge: 0.0,
            kerb: 0.0,
            entered: NONE,
            leg: 0,
            settle: 0,
            path_arrives: false,
        }
    }
}

// Two to a cache line, and two cache lines.
const _: () = assert!(size_of::<Motion>() == 32 && size_of::<Mind>() == 128);

/// What a driver found of a lane of its link when it picked its way.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Outlook {
    /// Metres that the lane leads on along the route.
    reach: f32,
    /// Vehicles that stood or drove on that way.
    crowd: f32,
}

/// All vehicles.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vehicles {
    pub(crate) motion: Vec<Motion>,
    pub(crate) mind: Vec<Mind>,
    /// Speed chosen for the step, m/s.
    pub(crate) v_next: Vec<f64>,
    /// Of each lane of the current link, `stride` per vehicle.
    outlook: Vec<Outlook>,
    stride: usize,
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
            self.motion[i] = Motion::default();
            self.mind[i] = Mind::default();
            self.v_next[i] = 0.0;
            return i;
        }
        let i = self.motion.len();
        self.motion.push(Motion::default());
        self.mind.push(Mind::default());
        self.v_next.push(0.0);
        self.outlook.resize(self.outlook.len() + self.stride, Outlook::default());
        self.cold.push(Cold::default());
        i
    }

    /// Gives a row back and hands out what it was.
    pub(crate) fn remove(&mut self, i: usize) -> Cold {
        self.motion[i].way = NONE;
        self.count -= 1;
        self.free.push(i as u32);
        std::mem::take(&mut self.cold[i])
    }

    /// Rows in use, ascending.
    pub(crate) fn rows(&self) -> impl Iterator<Item = usize> + '_ {
        self.motion.iter().enumerate().filter(|(_, m)| m.way != NONE).map(|(i, _)| i)
    }

    /// Metres that lane `k` of the current link leads on along the route.
    pub(crate) fn reach(&self, i: usize, k: usize) -> f64 {
        f64::from(self.outlook[i * self.stride + k].reach)
    }

    /// Takes a plan over: the lanes ahead, and what it found of the lanes beside.
    pub(crate) fn follow(&mut self, i: usize, plan: &LanePlan, lanes: impl Iterator<Item = LaneSums>) {
        self.mind[i].path = plan.path;
        self.mind[i].path_arrives = plan.arrives;
        for (outlook, (metres, vehicles)) in self.outlook[i * self.stride..].iter_mut().zip(lanes) {
            *outlook = Outlook { reach: metres as f32, crowd: vehicles as f32 };
        }
    }

    /// Vehicles that were there when the way was picked.
    pub(crate) fn crowd(&self, i: usize, k: usize) -> f64 {
        f64::from(self.outlook[i * self.stride + k].crowd)
    }

    /// Makes the place where its trip ends known to the step, once it has come to its last link.
    pub(crate) fn aim_at_end(&mut self, i: usize) {
        let cold = &self.cold[i];
        let last = self.mind[i].leg as usize + 1 == cold.route.len();
        self.mind[i].ends_at = if last { cold.arrival.at_m } else { f64::INFINITY };
    }

    /// Whether it has come to where its trip ends; halts come first.
    pub(crate) fn has_arrived(&self, i: usize) -> bool {
        arrived(self.motion[i].x, &self.mind[i])
    }

    /// Makes the next halt known to the step.
    pub(crate) fn aim_at_halt(&mut self, i: usize) {
        self.mind[i].aim_at_halt(&self.cold[i]);
    }
}

/// Whether a front at `x` has come to the end of its trip, up to rounding.
pub(crate) fn arrived(x: f64, mind: &Mind) -> bool {
    const NEARLY: f64 = 0.1;
    x >= mind.ends_at - NEARLY && mind.halt_link == NONE
}

impl Mind {
    /// Makes the next halt known to the step.
    pub(crate) fn aim_at_halt(&mut self, cold: &Cold) {
        match cold.halts.front() {
            Some(halt) => (self.halt_link, self.halt_at) = (halt.link.0, halt.position_m),
            None => self.halt_link = NONE,
        }
    }
}

/// Vehicles that one thread moves at a time.
const PART: usize = 512;

/// Some vehicles in a row, to be moved. No two parts have a vehicle in common.
pub(crate) struct Part<'a> {
    /// The row of the first.
    pub(crate) first: usize,
    pub(crate) motion: &'a mut [Motion],
    pub(crate) mind: &'a mut [Mind],
    pub(crate) v_next: &'a [f64],
    pub(crate) cold: &'a mut [Cold],
}

impl Vehicles {
    /// All of them, in parts.
    pub(crate) fn parts(&mut self) -> Vec<Part<'_>> {
        let motion = self.motion.chunks_mut(PART).zip(self.mind.chunks_mut(PART));
        let rest = self.v_next.chunks(PART).zip(self.cold.chunks_mut(PART));
        let part =
            |(k, ((motion, mind), (v_next, cold)))| Part { first: k * PART, motion, mind, v_next, cold };
        motion.zip(rest).enumerate().map(part).collect()
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
