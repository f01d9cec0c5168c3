//! Who travels: which streets they may use, how fast they are, and what a turn costs them.

use model::network::{Link, Modes, Network, Turn};
use serde::{Deserialize, Serialize};

/// A way to travel on streets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Profile {
    /// A private car.
    Car,
    /// A taxi: drives as a car does. Bus lanes open to taxis are not used yet.
    Taxi,
    /// A lorry: drives where cars do, if nothing keeps one of its measures off ([`crate::truck`]).
    Truck,
    /// A bicycle, ridden all the way: by access, never against a one-way street, never over steps.
    Bicycle,
    /// On foot, both ways on every street that allows it.
    Walk,
    /// On foot in a wheelchair: no steps, and only where the map says wheels can go.
    Wheelchair,
}

/// The steepest ramp that a wheelchair takes by itself: 1 in 12.
const STEEPEST_ON_WHEELS_PERCENT: f32 = 100.0 / 12.0;
/// Cobbles and gravel leave wheels about this share of their speed (OSRM's bicycle profile: 9 and 8 of 15 km/h).
const ROUGH: f64 = 0.6;
/// Each hundredth of rise takes so much longer by bicycle: at twice the power of riding on the level, which is what people give
/// for a while, a hill of 5 % takes one and a half times as long, one of 10 % twice as long.
const SLOWER_UPHILL: f64 = 0.1;
/// On foot speed falls by this power with the slope, from its best on a slight way down (Tobler, Three presentations on geographical
/// analysis and modeling, 1993).
const TOBLER: f64 = 3.5;
const TOBLER_BEST: f64 = 0.05;
/// Whoever would be slower than this gets off and pushes.
const SLOWEST_UPHILL_MPS: f64 = 4.0 / 3.6;

impl Profile {
    /// Every profile.
    pub const ALL: [Profile; 6] =
        [Profile::Car, Profile::Taxi, Profile::Truck, Profile::Bicycle, Profile::Walk, Profile::Wheelchair];

    /// The access that a link must grant.
    pub fn access(self) -> Modes {
        match self {
            Profile::Car | Profile::Taxi => Modes::CAR,
            Profile::Truck => Modes::TRUCK,
            Profile::Bicycle => Modes::BICYCLE,
            Profile::Walk => Modes::WALK,
            Profile::Wheelchair => Modes::WHEELCHAIR,
        }
    }

    /// What they do, for [`crate::itinerary::Itinerary`]'s line.
    pub fn verb(self) -> &'static str {
        match self {
            Profile::Car => "drive",
            Profile::Taxi => "taxi",
            Profile::Truck => "haul",
            Profile::Bicycle => "cycle",
            Profile::Walk => "walk",
            Profile::Wheelchair => "roll",
        }
    }

    /// Whether the streets' traffic holds them up: link times and closures count.
    pub fn is_motor(self) -> bool {
        matches!(self, Profile::Car | Profile::Taxi | Profile::Truck)
    }

    /// Whether one-way signs do not bind them.
    pub fn goes_both_ways(self) -> bool {
        matches!(self, Profile::Walk | Profile::Wheelchair)
    }

    /// Usual speed in m/s of those who do not depend on the speed limit; `None` for motors.
    ///
    /// Walking 5 km/h and cycling 15 km/h are what city planners take; a wheelchair 3.6 km/h.
    pub fn usual_speed_mps(self) -> Option<f64> {
        match self {
            Profile::Car | Profile::Taxi | Profile::Truck => None,
            Profile::Bicycle => Some(15.0 / 3.6),
            Profile::Walk => Some(5.0 / 3.6),
            Profile::Wheelchair => Some(1.0),
        }
    }

    /// Whether they may use the link at all.
    pub fn may_use(self, network: &Network, link: &Link) -> bool {
        let allowed = link.access.any(self.access());
        match self {
            Profile::Walk => allowed,
            Profile::Wheelchair => {
                allowed && !link.steps && link.going.rise_percent.abs() <= STEEPEST_ON_WHEELS_PERCENT
            }
            // A link may name a mode that none of its lanes takes: a cycleway beside a bus lane, say.
            Profile::Car | Profile::Taxi | Profile::Truck | Profile::Bicycle => {
                let lane_for_us = |lane| network.lane(lane).allowed.any(self.access());
                allowed && !link.steps && (link.lanes.is_empty() || link.lane_ixs().any(lane_for_us))
            }
        }
    }

    /// Seconds to pass the link on an ordinary day without traffic or signals; > 0.
    pub fn free_time_s(self, link: &Link) -> f64 {
        match self.usual_speed_mps() {
            _ if link.going.ferry => link.free_travel_time_s(),
            None => link.free_travel_time_s(),
            // Stairs take about twice as long per metre as the flat, and are as steep as stairs are.
            Some(speed) if link.steps => link.length_m / (speed / 2.0),
            Some(speed) if self == Profile::Bicycle => {
                let uphill = 1.0 + SLOWER_UPHILL * f64::from(link.going.rise_percent.max(0.0));
                let speed = (speed / uphill).max(SLOWEST_UPHILL_MPS).min(link.speed_limit_mps);
                link.length_m / (speed * self.on(link))
            }
            Some(speed) => link.length_m * climbing(link.going.rise_percent) / (speed * self.on(link)),
        }
    }

    /// The share of their speed that the surface leaves them.
    fn on(self, link: &Link) -> f64 {
        match self {
            Profile::Bicycle | Profile::Wheelchair if link.going.rough => ROUGH,
            _ => 1.0,
        }
    }

    /// Seconds that a turn costs beside the way itself, signals apart.
    ///
    /// Slowing from 50 to 20 km/h for the corner and back at 2 m/s² loses (8.3 m/s)² / (2 m/s² · 13.9 m/s)
    /// ≈ 2.5 s; a left turn also waits for a gap.
    pub fn turn_s(self, turn: Turn) -> f64 {
        match (self, turn) {
            (Profile::Walk | Profile::Wheelchair, _) | (_, Turn::Straight) => 0.0,
            (Profile::Bicycle, Turn::Right) => 1.0,
            (Profile::Bicycle, Turn::Left) => 3.0,
            (Profile::Bicycle, Turn::UTurn) => 5.0,
            (_, Turn::Right) => 2.5,
            (_, Turn::Left) => 4.5,
            (_, Turn::UTurn) => 15.0,
        }
    }
}

/// How many times as long as on the level a slope takes on foot: the mean of up and down, since ways on foot take as long there as back.
fn climbing(rise_percent: f32) -> f64 {
    let slope = f64::from(rise_percent.abs()) / 100.0;
    let against_level = |slope: f64| (TOBLER * ((slope + TOBLER_BEST).abs() - TOBLER_BEST)).exp();
    (against_level(slope) + against_level(-slope)) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hills_take_longer_on_foot_both_ways() {
        let check = |percent: f32, times: f64| {
            assert!((climbing(percent) - times).abs() < 0.01, "{percent} %: {}", climbing(percent));
            assert_eq!(climbing(percent), climbing(-percent));
        };
        check(0.0, 1.0);
        check(5.0, 1.02);
        check(10.0, 1.21);
        check(20.0, 1.72);
    }
}
