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
