//! Vehicles that are on the road already when a street begins: put where somebody saw them.

use super::{World, insertion::speed_factor};
use crate::vehicles::Cold;
use model::{demand::Trip, ids::LaneIx};

/// Where a vehicle is put.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Spot {
    /// The lane; the trip's first link is its link.
    pub(crate) lane: LaneIx,
    /// Front bumper, m from the lane's start. The whole vehicle lies on the lane.
    pub(crate) x_m: f64,
    /// Stands in a queue; otherwise it drives as fast as it safely can.
    pub(crate) stands: bool,
}

impl World {
    /// Puts a vehicle on the road, behind all that are on its lane already. Its links must follow one another; the trip
    /// counts as departed now.
    pub(crate) fn place(&mut self, trip: Trip, spot: Spot) {
        let (lane, x) = (spot.lane.0, spot.x_m);
        let kind = trip.vehicle_type as usize;
        self.gate.seq += 1;
        let factor = speed_factor(&self.types[kind], self.seed, self.gate.seq);
        let speed = if spot.stands { 0.0 } else { self.safe_speed(kind, factor, lane, x) };
        let i = self.vehicles.add();
        let start = self.routes.len() as u32;
        self.routes.extend(trip.links.iter().map(|l| l.0));
        let route = start..self.routes.len() as u32;
        self.routes_in_use += route.len();
        let v = &mut self.vehicles;
        v.cold[i] = Cold { id: trip.id, route, depart_lane: lane, ..Cold::default() };
        v.cold[i].log.depart_ms = self.now_ms;
        (v.cold[i].log.depart_pos_m, v.cold[i].log.depart_speed_mps) = (x, speed);
        v.motion[i].kind = kind as u16;
        v.mind[i].factor = factor;
        (v.motion[i].x, v.motion[i].v, v.motion[i].way) = (x, speed, lane);
        v.motion[i].queued = spot.stands;
        let metres = self.route_metres(i) - x;
        self.vehicles.cold[i].log.route_length = metres;
        self.vehicles.aim_at_halt(i);
        self.pick_lanes(i, lane);
        self.stand_in_row(i, lane);
        self.totals.inserted += 1;
    }

    /// The fastest speed at `x` from which it can stop behind whoever is ahead on the lane, or at its end: what lies
    /// beyond, lamps too, is not known yet.
    fn safe_speed(&self, kind: usize, factor: f64, lane: u32, x: f64) -> f64 {
        let me = &self.drivers[kind];
        let wish = (self.road.speed[lane as usize] * factor).min(me.max_speed);
        let safe = match self.rows[lane as usize].first() {
            Some(&j) => {
                let j = j as usize;
                let foe = self.driver(j);
                let gap = self.vehicles.motion[j].x - foe.length - x - me.min_gap;
                me.behind(gap, self.vehicles.motion[j].v, foe)
            }
            None => me.stop_within(self.road.length[lane as usize] - x),
        };
        safe.clamp(0.0, wish)
    }
}
