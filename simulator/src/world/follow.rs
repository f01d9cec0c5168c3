//! Car following: Krauss (1998), in the collision-free form that SUMO uses (`MSCFModel_Krauss`, Euler steps).
//!
//! A driver keeps a speed from which, after a reaction time, it can stop behind a leader that brakes as hard
//! as it can. Symbols: `g` gap (m), `b` deceleration (m/s²), `tau` headway (s), `dt` step (s).

use model::demand::VehicleType;

/// Distances below this are taken for zero: rounding, not road.
const EPS: f64 = 0.001;

/// What following needs of a vehicle type, for steps of one length.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Driver {
    pub(crate) length: f64,
    pub(crate) min_gap: f64,
    pub(crate) accel: f64,
    pub(crate) decel: f64,
    pub(crate) max_speed: f64,
    pub(crate) sigma: f64,
    pub(crate) tau: f64,
    pub(crate) mode: u16,
    /// Length of a step, s.
    dt: f64,
    /// By how much it brakes in a step, m/s.
    slows: f64,
    /// One by `slows`, by `dt` and by `accel`: divisions are slow, and these stand in every vehicle's every step.
    by_slows: f64,
    by_dt: f64,
    by_accel: f64,
}

impl Driver {
    /// `dt` is the length of a step, s.
    pub(crate) fn of(kind: &VehicleType, dt: f64) -> Driver {
        let slows = kind.decel_mps2 * dt;
        Driver {
            length: kind.length_m,
            min_gap: kind.min_gap_m,
            accel: kind.accel_mps2,
            decel: kind.decel_mps2,
            max_speed: kind.max_speed_mps,
            sigma: kind.sigma,
            tau: kind.tau_s,
            // A type that belongs to no mode that we know (SUMO's `ignoring`) may drive anywhere.
            mode: if kind.mode.0 == 0 { u16::MAX } else { kind.mode.0 },
            dt,
            slows,
            by_slows: 1.0 / slows,
            by_dt: 1.0 / dt,
            by_accel: 1.0 / kind.accel_mps2,
        }
    }

    /// Fastest safe speed behind a leader `gap` metres ahead (minimum gap taken off already).
    pub(crate) fn behind(&self, gap: f64, leader_speed: f64, leader: &Driver) -> f64 {
        self.stop_speed(gap + self.runs_out(leader_speed, leader), self.tau)
    }

    /// The same, and no more than `most`.
    pub(crate) fn at_most_behind(&self, most: f64, gap: f64, leader_speed: f64, leader: &Driver) -> f64 {
        self.at_most(most, gap + self.runs_out(leader_speed, leader), self.tau)
    }

    /// As [`Self::stop_within`], and no more than `most`.
    pub(crate) fn at_most_to_stop_within(&self, most: f64, gap: f64) -> f64 {
        self.at_most(most, gap, self.dt)
    }

    /// Fastest speed from which it can still stop within `gap`.
    pub(crate) fn stop_within(&self, gap: f64) -> f64 {
        self.stop_speed(gap, self.dt)
    }

    /// Metres it needs to stop, braking comfortably from the next step on.
    pub(crate) fn brake_gap(&self, speed: f64) -> f64 {
        let steps = whole(speed * self.by_slows);
        (steps * speed - self.slows * steps * (steps + 1.0) * 0.5) * self.dt
    }

    /// Gap (minimum gap taken off) at which it can safely follow a leader; for lane changes.
    pub(crate) fn secure_gap(&self, speed: f64, leader_speed: f64, leader: &Driver) -> f64 {
        let own = self.brake_gap(speed) + speed * self.tau;
        (own - self.runs_out(leader_speed, leader)).max(0.0)
    }

    /// Dawdling: drivers do not keep the speed that they could (Krauss 1998, sigma). `random` is in [0, 1).
    pub(crate) fn dawdle(&self, speed: f64, random: f64) -> f64 {
        // Whoever starts is not held back as much: otherwise a queue would never dissolve.
        let lost = if speed < self.accel { speed } else { self.accel };
        (speed - self.sigma * lost * random * self.dt).max(0.0)
    }

    /// Metres that it covers in so many seconds when it speeds up to `top`.
    pub(crate) fn covered_in(&self, seconds: f64, v: f64, top: f64) -> f64 {
        let speeding_s = ((top - v) * self.by_accel).clamp(0.0, seconds);
        v * seconds + self.accel * speeding_s * (seconds - speeding_s / 2.0)
    }

    /// Metres until a leader that brakes as hard as either of them can stands.
    fn runs_out(&self, speed: f64, leader: &Driver) -> f64 {
        let harder = if leader.decel > self.decel { leader } else { self };
        harder.brake_gap(speed)
    }

    /// The lesser of `most` and the speed from which it stops within `gap`. Whether it can stop from `most` needs no root, and
    /// most drivers can most of the time.
    fn at_most(&self, most: f64, gap: f64, reacts_s: f64) -> f64 {
        if most * reacts_s + self.brake_gap(most) <= gap - EPS {
            return most;
        }
        most.min(self.stop_speed(gap, reacts_s))
    }

    /// Fastest speed for the next `reacts_s` seconds from which braking every step stops within `gap`
    /// (SUMO's `maximumSafeStopSpeedEuler`).
    fn stop_speed(&self, gap: f64, reacts_s: f64) -> f64 {
        let g = gap - EPS;
        if g <= 0.0 {
            return 0.0;
        }
        let (dt, b) = (self.dt, self.slows);
        let root = (dt * dt + 4.0 * (dt * (2.0 * g * self.by_slows - reacts_s) + reacts_s * reacts_s)).sqrt();
        let n = whole(0.5 - (reacts_s - 0.5 * root) * self.by_dt);
        let h = 0.5 * n * (n - 1.0) * b * dt + n * b * reacts_s;
        let r = (g - h) / (n * dt + reacts_s);
        n * b + r
    }
}

/// What is whole of a number that is not negative: a conversion, where `floor` is a call without SSE 4.1.
fn whole(x: f64) -> f64 {
    f64::from(x as i32)
}

/// Seconds until `distance` is covered, accelerating at `accel` from `speed` up to `top`.
pub(crate) fn time_to_cover(distance: f64, speed: f64, accel: f64, top: f64) -> f64 {
    if distance <= 0.0 {
        return 0.0;
    }
    let top = top.max(0.5);
    if speed >= top {
        return distance / speed.max(0.5);
    }
    let until_top = (top * top - speed * speed) / (2.0 * accel);
    if distance <= until_top {
        ((speed * speed + 2.0 * accel * distance).sqrt() - speed) / accel
    } else {
        (top - speed) / accel + (distance - until_top) / top
    }
}

/// Speed once `distance` is covered, accelerating at `accel` from `speed` up to `top`.
pub(crate) fn speed_after(distance: f64, speed: f64, accel: f64, top: f64) -> f64 {
    (speed * speed + 2.0 * accel * distance.max(0.0)).sqrt().min(top.max(speed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_driver_stops_before_a_wall_and_close_to_it() {
        for dt in [1.0, 0.5] {
            let driver = Driver::of(&VehicleType::car(), dt);
            let (mut gap, mut speed) = (100.0, 13.9);
            for _ in 0..200 {
                speed = driver.stop_within(gap).min(speed + driver.accel * dt).min(13.9);
                gap -= speed * dt;
                assert!(gap >= 0.0, "ran {gap} m through the wall, dt {dt}");
            }
            assert!(gap < 0.5, "stands {gap} m before the wall, dt {dt}");
        }
    }

    #[test]
    fn brake_gap_sums_the_steps() {
        let car = Driver::of(&VehicleType::car(), 1.0);
        assert_eq!(car.brake_gap(0.0), 0.0);
        assert_eq!(car.brake_gap(9.0), 4.5);
        assert!((car.brake_gap(13.9) - (9.4 + 4.9 + 0.4)).abs() < 1e-9);
    }

    proptest! {
        /// No root is taken for whoever can stop from `most`, and nobody is let go faster for it.
        #[test]
        fn the_lesser_speed_is_found_either_way(
            gap in -5.0f64..120.0, leader in 0.0f64..20.0, most in 0.0f64..20.0, half in any::<bool>(),
        ) {
            let driver = Driver::of(&VehicleType::car(), if half { 0.5 } else { 1.0 });
            let (a, b) = (driver.at_most_behind(most, gap, leader, &driver), driver.behind(gap, leader, &driver));
            prop_assert!((a - most.min(b)).abs() < 1e-9, "{} and {}", a, b);
            let (a, b) = (driver.at_most_to_stop_within(most, gap), driver.stop_within(gap));
            prop_assert!((a - most.min(b)).abs() < 1e-9, "{} and {}", a, b);
        }

        /// Whatever the gap and speeds, a follower that obeys never needs to brake harder than it can.
        #[test]
        fn following_stays_safe(gap in 0.0f64..80.0, leader in 0.0f64..20.0, seed in 0u64..1000) {
            let dt = 1.0;
            let driver = Driver::of(&VehicleType::car(), dt);
            let mut gap = gap;
            let mut v = driver.behind(gap, leader, &driver);
            let mut leader = leader;
            let mut state = seed;
            for _ in 0..60 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let change = ((state >> 33) % 80) as f64 / 10.0 - 4.5;
                let safe = driver.behind(gap, leader, &driver);
                prop_assert!(v - safe <= driver.decel * dt + 1e-6 , "must brake {} m/s²", v - safe);
                v = safe.min(v + driver.accel * dt);
                leader = (leader + change.clamp(-4.5, 2.6)).clamp(0.0, 20.0);
                gap += (leader - v) * dt;
                prop_assert!(gap >= -1e-6, "gap {gap}");
            }
        }
    }
}
