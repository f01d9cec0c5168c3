//! Every vehicle as an outsider sees it after a step: for outputs and measurements, which change nothing.

use super::World;
use crate::vehicles::NONE;
use model::ids::{LaneIx, LinkIx, MovementIx};

/// What the front bumper of a vehicle is on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Place {
    /// A lane of a road.
    Lane(LaneIx),
    /// Inside a junction.
    Movement(MovementIx),
}

/// One vehicle on the road.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Its row: no two vehicles on the road share one, but a row is used again when its vehicle has left.
    pub row: u32,
    /// When it entered the road, ms. Together with `row` it names one vehicle of the whole run.
    pub depart_ms: i64,
    /// How long it waited to enter, s.
    pub depart_delay_s: f64,
    /// The trip's name.
    pub id: &'a str,
    /// Index of its vehicle type.
    pub vehicle_type: u32,
    /// Where its front is.
    pub place: Place,
    /// The road that it is on; inside a junction the one that it has left.
    pub link: LinkIx,
    /// Its front, m from the start of `place`.
    pub x_m: f64,
    /// m/s; it has driven at this speed through the whole step.
    pub speed_mps: f64,
    /// What it would like to drive here, m/s.
    pub wish_mps: f64,
    /// Limit of `place`, m/s.
    pub limit_mps: f64,
    /// Bumper to bumper, m.
    pub length_m: f64,
    /// At a planned stop.
    pub at_stop: bool,
    /// Beside the road: no detector feels it.
    pub parked: bool,
}

impl World {
    /// All vehicles on the road, in row order.
    pub fn seen(&self) -> impl Iterator<Item = Seen<'_>> {
        self.vehicles.rows().map(|i| self.look_at(i))
    }

    fn look_at(&self, i: usize) -> Seen<'_> {
        let (road, v) = (&self.road, &self.vehicles);
        let way = v.motion[i].way;
        debug_assert_ne!(way, NONE, "rows in use only");
        let driver = self.driver(i);
        let limit_mps = road.speed[way as usize];
        let place = road.movement(way).map_or(Place::Lane(LaneIx(way)), |m| Place::Movement(MovementIx(m)));
        Seen {
            row: i as u32,
            depart_ms: v.cold[i].log.depart_ms,
            depart_delay_s: v.cold[i].log.depart_delay_s,
            id: &v.cold[i].id,
            vehicle_type: u32::from(v.motion[i].kind),
            place,
            link: LinkIx(road.link[way as usize]),
            x_m: v.motion[i].x,
            speed_mps: v.motion[i].v,
            wish_mps: (limit_mps * v.mind[i].factor).min(driver.max_speed),
            limit_mps,
            length_m: driver.length,
            at_stop: v.mind[i].dwell > 0.0,
            parked: self.parked.contains(&(i as u32)),
        }
    }
}
