//! How dense traffic is where a loop lies, which is how slow it is for what passes: density is flow over speed.
//!
//! A loop that measures speeds says it outright. One that does not is covered by each vehicle for its effective length (the
//! vehicle's and the loop's) over its speed, so its occupancy over that length is the density (Athol 1965,
//! Interdependence of certain operational characteristics within a moving traffic stream, Highway Research Record 72).
//! The length differs by loop, amplifier and traffic, and is learned while traffic is light and its speed therefore known
//! (Jia, Chen, Coifman & Varaiya 2001, The PeMS algorithms for accurate, real-time estimates of g-factors and speeds from
//! single-loop detectors, IEEE Intelligent Transportation Systems).

use model::detection::Reading;

/// A car and a loop, m: what is believed before anything was learned.
const USUAL_M: f64 = 4.5 + model::detection::LOOP_M;
/// And what a length can be at all.
const POSSIBLE_M: std::ops::RangeInclusive<f64> = 2.0..=20.0;
/// A minute in which a loop was covered for no more than this share is a light one.
const LIGHT: f64 = 0.08;
/// A lesson counts for one of so many in the end.
const LESSONS: f64 = 60.0;
/// Nothing is denser than a queue, veh/m.
const DENSEST: f64 = 1.0 / 6.5;

/// One loop.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Spot {
    effective_m: f64,
    lessons: f64,
    /// The minute under way.
    seconds: f64,
    covered_s: f64,
    vehicles: f64,
}

impl Spot {
    pub(super) fn new() -> Spot {
        Spot { effective_m: USUAL_M, lessons: 0.0, seconds: 0.0, covered_s: 0.0, vehicles: 0.0 }
    }

    /// Takes a reading of so many seconds, on a road that is driven at `free_mps` where nothing is in the way; says how many
    /// vehicles there are on a metre.
    pub(super) fn density(&mut self, reading: &Reading, seconds: f64, free_mps: f64) -> f64 {
        if let Some(speed) = reading.speed_mps.filter(|mps| *mps > 0.0) {
            return (f64::from(reading.count) / (f64::from(speed) * seconds)).min(DENSEST);
        }
        let occupancy = f64::from(reading.occupancy);
        self.seconds += seconds;
        self.covered_s += occupancy * seconds;
        self.vehicles += f64::from(reading.count);
        if self.seconds >= 60.0 {
            self.learn(free_mps);
        }
        (occupancy / self.effective_m).min(DENSEST)
    }

    fn learn(&mut self, free_mps: f64) {
        let told_m = free_mps * self.covered_s / self.vehicles;
        if self.vehicles > 0.0 && self.covered_s <= LIGHT * self.seconds && POSSIBLE_M.contains(&told_m) {
            self.lessons = (self.lessons + self.vehicles).min(LESSONS);
            // What was believed before weighs as one of the lessons.
            self.effective_m += (told_m - self.effective_m) * (self.vehicles / (self.lessons + 1.0)).min(1.0);
        }
        (self.seconds, self.covered_s, self.vehicles) = (0.0, 0.0, 0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The speed, m/s, that is made of an hour of dense traffic at `mps`, after one of free traffic in which a vehicle,
    /// `length` long with the loop, passed every `gap` seconds.
    fn speed(gap: u64, length: f64, mps: f64) -> f64 {
        let mut spot = Spot::new();
        let (mut density, mut flow) = (0.0, 0.0);
        for s in 0..7200 {
            let (now, gap) = if s < 3600 { (13.9, gap) } else { (mps, 4) };
            let passes = s % gap == 0;
            let occupancy = if passes { (length / now).min(1.0) } else { 0.0 };
            let reading = Reading { count: passes.into(), occupancy: occupancy as f32, ..Reading::default() };
            let there = spot.density(&reading, 1.0, 13.9);
            if s >= 3600 {
                density += there;
                flow += f64::from(reading.count);
            }
        }
        flow / density
    }

    #[test]
    fn the_length_is_learned_while_traffic_is_light() {
        for (length, mps) in [(4.0, 7.0), (6.5, 7.0), (6.5, 10.0), (10.0, 10.0)] {
            let told = speed(20, length, mps);
            assert!((told / mps - 1.0).abs() < 0.05, "{length} m at {mps} m/s: {told} m/s");
        }
        // Never light: what is usual is believed.
        let told = speed(3, 6.5, 7.0);
        assert!((told / 7.0 - 1.0).abs() < 0.15, "{told}");
    }

    #[test]
    fn what_is_measured_is_believed() {
        let reading = Reading { count: 1, speed_mps: Some(5.0), occupancy: 0.2, ..Reading::default() };
        assert_eq!(Spot::new().density(&reading, 1.0, 13.9), 0.2_f64.min(DENSEST));
        let stands = Reading { occupancy: 1.0, occupied: true, ..Reading::default() };
        assert_eq!(Spot::new().density(&stands, 1.0, 13.9), DENSEST);
    }
}
