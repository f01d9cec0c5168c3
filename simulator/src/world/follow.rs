//! Car following: Krauss (1998), in the collision-free form that SUMO uses (`MSCFModel_Krauss`, Euler steps).
//!
//! A driver keeps a speed from which, after a reaction time, it can stop behind a leader that brakes as hard
//! as it can. Symbols: `g` gap (m), `b` deceleration (m/s²), `tau` headway (s), `dt` step (s).

use model::demand::VehicleType;

/// Distances below this are taken for zero: rounding, not road.
const EPS: f64 = 0.001;

/// What following needs of a vehicle type, per step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Driver {
    pub(crate) length: f64,
    pub(crate) min_gap: f64,
    pub(crate) accel: f64,
    pub(crate) decel: f64,
    /// Half of one by `decel`.
    half_by_decel: f64,
    pub(crate) max_speed: f64,
    pub(crate) sigma: f64,
    pub(crate) tau: f64,
    pub(crate) mode: u16,
}

impl Driver {
    pub(crate) fn of(kind: &VehicleType) -> Driver {
        Driver {
            length: kind.length_m,
            min_gap: kind.min_gap_m,
            accel: kind.accel_mps2,
            decel: kind.decel_mps2,
            half_by_decel: 0.5 / kind.decel_mps2,
            max_speed: kind.max_speed_mps,
            sigma: kind.sigma,
            tau: kind.tau_s,
            // A type that belongs to no mode that we know (SUMO's `ignoring`) may drive anywhere.
            mode: if kind.mode.0 == 0 { u16::MAX } else { kind.mode.0 },
        }
    }

    /// Fastest safe speed behind a leader `gap` metres ahead (minimum gap taken off already).
    pub(crate) fn behind(&self, gap: f64, leader_speed: f64, leader_decel: f64, dt: f64) -> f64 {
        let run_out = brake_gap(leader_speed, leader_decel.max(self.decel), dt);
        stop_speed(gap + run_out, self.decel, self.tau, dt)
    }

    /// The same, and no more than `most`.
    pub(crate) fn at_most_behind(
        &self,
        most: f64,
        gap: f64,
        (leader_speed, leader_decel): (f64, f64),
        dt: f64,
    ) -> f64 {
        if self.can_stop(most, gap, self.tau) {
            return most;
        }
        most.min(self.behind(gap, leader_speed, leader_decel, dt))
    }

    /// As [`Self::stop_within`], and no more than `most`.
    pub(crate) fn at_most_to_stop_within(&self, most: f64, gap: f64, dt: f64) -> f64 {
        if self.can_stop(most, gap, dt) { most } else { most.min(self.stop_within(gap, dt)) }
    }

    /// Whether it can stop within `gap` for sure: a bound that needs no root, since braking in steps takes no longer than braking
    /// evenly. Most drivers most of the time have so much room that they need not know how much.
    fn can_stop(&self, speed: f64, gap: f64, reacts_s: f64) -> bool {
        gap > speed * (speed * self.half_by_decel + reacts_s) + 2.0 * EPS
    }

    /// Fastest speed from which it can still stop within `gap`.
    pub(crate) fn stop_within(&self, gap: f64, dt: f64) -> f64 {
        stop_speed(gap, self.decel, dt, dt)
    }

    /// Metres it needs to stop, braking comfortably from the next step on.
    pub(crate) fn brake_gap(&self, speed: f64, dt: f64) -> f64 {
        brake_gap(speed, self.decel, dt)
    }

    /// Gap (minimum gap taken off) at which it can safely follow a leader; for lane changes.
    pub(crate) fn secure_gap(&self, speed: f64, leader_speed: f64, leader_decel: f64, dt: f64) -> f64 {
        let own = brake_gap(speed, self.decel, dt) + speed * self.tau;
        (own - brake_gap(leader_speed, leader_decel.max(self.decel), dt)).max(0.0)
    }

    /// Dawdling: drivers do not keep the speed that they could (Krauss 1998, sigma). `random` is in [0, 1).
    pub(crate) fn dawdle(&self, speed: f64, random: f64, dt: f64) -> f64 {
        // Whoever starts is not held back as much: otherwise a queue would never dissolve.
        let lost = if speed < self.accel { speed } else { self.accel };
        (speed - self.sigma * lost * random * dt).max(0.0)
    }
}

/// What is whole of a number that is not negative: a conversion, where `floor` is a call without SSE 4.1.
fn whole(x: f64) -> f64 {
    f64::from(x as i32)
}

/// Metres covered while braking from `speed` with `decel` in steps of `dt`.
pub(crate) fn brake_gap(speed: f64, decel: f64, dt: f64) -> f64 {
    let reduction = decel * dt;
    let steps = whole(speed / reduction);
    (steps * speed - reduction * steps * (steps + 1.0) * 0.5) * dt
}

/// Fastest speed for the next `tau` seconds from which braking at `b` every step stops within `gap`
/// (SUMO's `maximumSafeStopSpeedEuler`).
pub(crate) fn stop_speed(gap: f64, b: f64, tau: f64, dt: f64) -> f64 {
    let g = gap - EPS;
    if g <= 0.0 {
        return 0.0;
    }
    let b = b * dt;
    let root = (dt * dt + 4.0 * (dt * (2.0 * g / b - tau) + tau * tau)).sqrt();
    let n = whole(0.5 - (tau - 0.5 * root) / dt);
    let h = 0.5 * n * (n - 1.0) * b * dt + n * b * tau;
    let r = (g - h) / (n * dt + tau);
    n * b + r
}

/// Metres that a vehicle covers in so many seconds when it speeds up to `top`.
pub(crate) fn covered_in(seconds: f64, v: f64, accel: f64, top: f64) -> f64 {
    let speeding_s = ((top - v) / accel).clamp(0.0, seconds);
    v * seconds + accel * speeding_s * (seconds - speeding_s / 2.0)
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
            let driver = Driver::of(&VehicleType::car());
            let (mut gap, mut speed) = (100.0, 13.9);
            for _ in 0..200 {
                speed = driver.stop_within(gap, dt).min(speed + driver.accel * dt).min(13.9);
                gap -= speed * dt;
                assert!(gap >= 0.0, "ran {gap} m through the wall, dt {dt}");
            }
            assert!(gap < 0.5, "stands {gap} m before the wall, dt {dt}");
        }
    }

    #[test]
    fn brake_gap_sums_the_steps() {
        assert_eq!(brake_gap(0.0, 4.5, 1.0), 0.0);
        assert_eq!(brake_gap(9.0, 4.5, 1.0), 4.5);
        assert!((brake_gap(13.9, 4.5, 1.0) - (9.4 + 4.9 + 0.4)).abs() < 1e-9);
    }

    proptest! {
        /// Whatever the gap and speeds, a follower that obeys never needs to brake harder than it can.
        #[test]
        fn following_stays_safe(gap in 0.0f64..80.0, leader in 0.0f64..20.0, seed in 0u64..1000) {
            let dt = 1.0;
            let driver = Driver::of(&VehicleType::car());
            let mut gap = gap;
            let mut v = driver.behind(gap, leader, driver.decel, dt);
            let mut leader = leader;
            let mut state = seed;
            for _ in 0..60 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let change = ((state >> 33) % 80) as f64 / 10.0 - 4.5;
                let safe = driver.behind(gap, leader, driver.decel, dt);
                prop_assert!(v - safe <= driver.decel * dt + 1e-6 , "must brake {} m/s²", v - safe);
                v = safe.min(v + driver.accel * dt);
                leader = (leader + change.clamp(-4.5, 2.6)).clamp(0.0, 20.0);
                gap += (leader - v) * dt;
                prop_assert!(gap >= -1e-6, "gap {gap}");
            }
        }
    }
}
