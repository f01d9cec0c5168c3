//! Who wants to travel: vehicle types, and trips with their times and routes.

use crate::ids::{CrossingIx, LinkIx};
use serde::{Deserialize, Serialize};

/// How a kind of vehicle drives.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct VehicleType {
    /// Its name in the source.
    pub id: String,
    /// Which [`crate::network::Modes`] it counts as.
    pub mode: crate::network::Modes,
    /// Bumper to bumper, m.
    pub length_m: f64,
    /// To the vehicle ahead, standing, m.
    pub min_gap_m: f64,
    /// m/s².
    pub accel_mps2: f64,
    /// Comfortable, m/s².
    pub decel_mps2: f64,
    /// What it could drive at all, m/s.
    pub max_speed_mps: f64,
    /// Krauss driver imperfection, 0 to 1.
    pub sigma: f64,
    /// Desired headway, s.
    pub tau_s: f64,
    /// Mean of desired speed over the limit.
    pub speed_factor: f64,
    /// Its standard deviation.
    pub speed_dev: f64,
}

impl VehicleType {
    /// SUMO's default passenger car, which is what its scenarios assume when they say nothing.
    pub fn car() -> Self {
        Self {
            id: "car".into(),
            mode: crate::network::Modes::CAR,
            length_m: 5.0,
            min_gap_m: 2.5,
            accel_mps2: 2.6,
            decel_mps2: 4.5,
            max_speed_mps: 55.55,
            sigma: 0.5,
            tau_s: 1.0,
            speed_factor: 1.0,
            speed_dev: 0.1,
        }
    }

    /// SUMO's default bus.
    pub fn bus() -> Self {
        Self {
            id: "bus".into(),
            mode: crate::network::Modes::BUS,
            length_m: 12.0,
            min_gap_m: 2.5,
            accel_mps2: 1.2,
            decel_mps2: 4.0,
            max_speed_mps: 23.6,
            sigma: 0.5,
            tau_s: 1.0,
            speed_factor: 1.0,
            speed_dev: 0.0,
        }
    }
}

/// A halt on the way.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Halt {
    /// Where: the link, and the position of the front bumper on it, m from its start.
    pub link: LinkIx,
    /// Metres from the start of the link.
    pub position_m: f64,
    /// How long it stands at least, s.
    pub dwell_s: f64,
    /// It does not go on before this, seconds on the scenario's own clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_s: Option<f64>,
    /// It stands beside the road, in nobody's way.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub parking: bool,
}

impl Halt {
    /// A halt on the road of so many seconds.
    pub fn of(link: LinkIx, position_m: f64, dwell_s: f64) -> Halt {
        Halt { link, position_m, dwell_s, until_s: None, parking: false }
    }
}

/// The lane on which a vehicle departs, by SUMO's names. Lanes that it may not use are never meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DepartLane {
    /// The one nearest the kerb.
    First,
    /// Of those that lead furthest along the route, the freest.
    Best,
    /// Of those that lead furthest along the route any, and rather one with more room: what SUMO does where nothing is said.
    #[default]
    BestProb,
    /// The freest of all.
    Free,
    /// The freest of those that lead to the route's next link.
    Allowed,
    /// Any.
    Random,
    /// That one, from the kerb.
    Number(u16),
}

/// Where on its lane a vehicle departs, by SUMO's names: the place of its front bumper.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DepartPos {
    /// Its tail at the lane's start; not beyond the first halt.
    #[default]
    Base,
    /// Anywhere, drawn anew until there is room.
    Random,
    /// Anywhere if there is room at one of ten places, else as [`DepartPos::Free`].
    RandomFree,
    /// At the first gap that is long enough.
    Free,
    /// As close behind the last vehicle as is safe; at the lane's end if there is none.
    Last,
    /// At the first halt.
    Stop,
    /// So many metres from the lane's start; below zero, from its end.
    Metres(f64),
}

/// How fast a vehicle departs, by SUMO's names.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DepartSpeed {
    /// As fast as the others on the lane on average, if that is safe, or slower.
    #[default]
    Avg,
    /// As fast as the last vehicle on the lane, if that is safe, or slower.
    Last,
    /// As fast as the driver would drive there, if that is safe, or slower.
    Max,
    /// Any speed up to that, if it is safe, or slower.
    Random,
    /// As fast as the driver would drive there: it waits until that is safe.
    Desired,
    /// At the lane's limit: it waits until that is safe.
    SpeedLimit,
    /// At so many m/s: it waits until that is safe.
    Mps(f64),
}

/// The lane on which a vehicle arrives, by SUMO's names.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArrivalLane {
    /// Whichever it is on.
    #[default]
    Current,
    /// The one nearest the kerb that it may use.
    First,
    /// One of those that it may use.
    Random,
    /// That one, from the kerb.
    Number(u16),
}

/// Where on its last link a vehicle arrives, by SUMO's names.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArrivalPos {
    /// At its end.
    #[default]
    Max,
    /// Half way.
    Center,
    /// Anywhere.
    Random,
    /// So many metres from its start; below zero, from its end.
    Metres(f64),
}

/// How a trip begins and ends.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Ends {
    /// `None` leaves it to the run.
    pub depart_lane: Option<DepartLane>,
    /// Where on that lane.
    pub depart_pos: DepartPos,
    /// How fast.
    pub depart_speed: DepartSpeed,
    /// A vehicle tries to get there; if it cannot, it arrives beside it.
    pub arrival_lane: ArrivalLane,
    /// Where on the last link.
    pub arrival_pos: ArrivalPos,
    /// Most speed at the end, m/s; `None` leaves it to the driver.
    pub arrival_speed_mps: Option<f64>,
}

impl Ends {
    /// Whether nothing is asked for.
    pub fn is_plain(&self) -> bool {
        *self == Ends::default()
    }
}

/// One vehicle's journey.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Trip {
    /// Its name in the source.
    pub id: String,
    /// Index into [`Demand::types`].
    pub vehicle_type: u32,
    /// Seconds on the scenario's own clock.
    pub depart_s: f64,
    /// Links in order: the whole route, or just origin and destination when `routed` is false.
    pub links: Vec<LinkIx>,
    /// Whether `links` is the whole route; otherwise the simulator finds the way between them.
    pub routed: bool,
    /// Stops on the way, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub halts: Vec<Halt>,
    /// How it begins and ends, where its source says so.
    #[serde(default, skip_serializing_if = "Ends::is_plain")]
    pub ends: Ends,
}

/// A crossing on somebody's way.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Across {
    /// Metres on foot to it, from the crossing before or the start.
    pub after_m: f64,
    /// Which.
    pub crossing: CrossingIx,
    /// From the beginning of its shape.
    pub forward: bool,
}

/// One person's journey on foot.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Walk {
    /// Its name in the source.
    pub id: String,
    /// Seconds on the scenario's own clock.
    pub depart_s: f64,
    /// How fast it walks, m/s, > 0.
    pub speed_mps: f64,
    /// Crossings on the way, in order.
    pub crossings: Vec<Across>,
    /// Metres on foot after the last of them.
    pub rest_m: f64,
}

/// All trips of a scenario, ordered by departure.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Demand {
    /// Kinds of vehicle.
    pub types: Vec<VehicleType>,
    /// Trips, earliest first.
    pub trips: Vec<Trip>,
    /// People on foot, earliest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub walks: Vec<Walk>,
}

impl Demand {
    /// Keeps a share of the trips, evenly through the day; above 1, each trip has doubles with numbered names. People on
    /// foot stay as they are.
    pub fn scale(&mut self, factor: f64) {
        if factor == 1.0 {
            return;
        }
        let copies =
            |k: usize| ((k as f64 * factor).floor() as usize, ((k + 1) as f64 * factor).floor() as usize);
        let mut trips = Vec::new();
        for (k, trip) in std::mem::take(&mut self.trips).into_iter().enumerate() {
            let (first, end) = copies(k);
            for copy in 1..end - first {
                trips.push(Trip { id: format!("{}.{copy}", trip.id), ..trip.clone() });
            }
            if end > first {
                trips.push(trip);
            }
        }
        self.trips = trips;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scaled_demand_has_its_share_and_no_name_twice() {
        let trip = |k: usize| Trip {
            id: k.to_string(),
            vehicle_type: 0,
            depart_s: k as f64,
            links: vec![LinkIx(0)],
            ..Trip::default()
        };
        for (factor, left) in [(0.0, 0), (0.3, 30), (1.0, 100), (2.5, 250)] {
            let mut demand = Demand { trips: (0..100).map(trip).collect(), ..Demand::default() };
            demand.scale(factor);
            let names: std::collections::BTreeSet<&str> =
                demand.trips.iter().map(|t| t.id.as_str()).collect();
            assert_eq!((demand.trips.len(), names.len()), (left, left), "{factor}");
            assert!(demand.trips.is_sorted_by(|a, b| a.depart_s <= b.depart_s));
        }
    }
}
