//! Who wants to travel: vehicle types, and trips with their times and routes.

use crate::ids::LinkIx;
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
    /// How long it stands, s.
    pub dwell_s: f64,
}

/// One vehicle's journey.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
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
}

/// All trips of a scenario, ordered by departure.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Demand {
    /// Kinds of vehicle.
    pub types: Vec<VehicleType>,
    /// Trips, earliest first.
    pub trips: Vec<Trip>,
}

impl Demand {
    /// Keeps a share of the trips, evenly through the day; above 1, each trip has doubles with numbered names.
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
            routed: false,
            halts: Vec::new(),
        };
        for (factor, left) in [(0.0, 0), (0.3, 30), (1.0, 100), (2.5, 250)] {
            let mut demand = Demand { types: Vec::new(), trips: (0..100).map(trip).collect() };
            demand.scale(factor);
            let names: std::collections::BTreeSet<&str> =
                demand.trips.iter().map(|t| t.id.as_str()).collect();
            assert_eq!((demand.trips.len(), names.len()), (left, left), "{factor}");
            assert!(demand.trips.is_sorted_by(|a, b| a.depart_s <= b.depart_s));
        }
    }
}
