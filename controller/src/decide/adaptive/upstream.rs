//! What the signals before have sent and no detector here has seen yet.
//!
//! Where loops lie near the line, all but a few seconds of the horizon are blind. But whoever crossed a stop line upstream
//! is on the way. How many of them arrive, and by which lane, is learned: some turn off or stop before.

use super::{
    forecast::{CAR_M, Lane, Seen},
    layout::Inflow,
};
use crate::decide::Problem;
use model::time::Moment;
use std::{collections::VecDeque, time::Duration};

/// Lost by a vehicle that gets up to speed, s.
const START_S: f32 = 2.0;
/// So much before and after its time somebody may come.
const EARLY: Duration = Duration::from_secs(5);
const LATE: Duration = Duration::from_secs(3);
/// How fast what is learned follows: one vehicle in so many.
const MEMORY: f32 = 50.0;
/// No road holds more of them, vehicles.
const MOST: usize = 60;
/// Whoever comes with less likelihood is not worth a place in the picture.
const LEAST_LIKELY: f32 = 0.1;

/// One road.
#[derive(Clone, Debug, Default)]
pub(super) struct Upstream {
    /// When each would be at the line if nothing held it.
    coming: VecDeque<Moment>,
    /// By lane: its share of the arrivals, smoothed.
    shares: Vec<f32>,
    /// Arrivals counted and expected, both fading.
    counted: f32,
    expected: f32,
}

impl Upstream {
    /// Takes what the signals before sent in the last second. `came` says by lane of the layout how many came into view
    /// here, `view_m` from where.
    pub(super) fn tick(&mut self, problem: &Problem, road: &Inflow, came: &[u16], view_m: &[f32]) {
        if self.shares.is_empty() {
            self.shares = vec![1.0 / road.lanes.len() as f32; road.lanes.len()];
        }
        for source in &road.sources {
            let Some(live) = problem.city_live.get(source.junction.ix()) else { continue };
            for _ in live.sent.iter().filter(|head| **head == source.head) {
                let after = Duration::from_secs_f32(source.to_line_m / road.speed_mps + START_S);
                let due = problem.now + after;
                let place = self.coming.partition_point(|at| *at <= due);
                self.coming.insert(place, due);
            }
        }
        self.coming.truncate(MOST);
        for (place, &lane) in road.lanes.iter().enumerate() {
            let counted = f32::from(came[lane]);
            if counted > 0.0 {
                self.counted += counted;
                for (other, share) in self.shares.iter_mut().enumerate() {
                    *share += (f32::from(u8::from(other == place)) - *share) * (counted / MEMORY).min(1.0);
                }
            }
        }
        // Whoever comes into view is the next of them, if one is about due; who is overdue has gone elsewhere.
        let nearest_m = road.lanes.iter().map(|&l| view_m[l]).fold(f32::INFINITY, f32::min);
        let edge = problem.now + Duration::from_secs_f32(nearest_m / road.speed_mps);
        let arrived: u16 = road.lanes.iter().map(|&l| came[l]).sum();
        for _ in 0..arrived {
            if self.coming.front().is_some_and(|due| *due <= edge + EARLY) {
                self.coming.pop_front();
                self.expected += 1.0;
            }
        }
        while self.coming.front().is_some_and(|due| *due + LATE <= edge) {
            self.coming.pop_front();
            self.expected += 1.0;
        }
        let fade = 1.0 - 1.0 / MEMORY;
        while self.counted.max(self.expected) > MEMORY {
            (self.counted, self.expected) = (self.counted * fade, self.expected * fade);
        }
    }

    /// How likely one of them arrives.
    fn likely(&self) -> f32 {
        ((self.counted + 1.0) / (self.expected + 1.0)).min(1.0)
    }

    /// Puts those on the lanes who are not in view yet, on each as likely as they take it. `head_of` says by lane where
    /// the next one is bound.
    pub(super) fn hand_over(
        &self,
        now: Moment,
        road: &Inflow,
        lanes: &mut [Lane],
        view_m: &[f32],
        mut head_of: impl FnMut(usize, usize) -> u16,
    ) {
        for (place, &lane) in road.lanes.iter().enumerate() {
            let likely = self.likely() * self.shares[place];
            if likely < LEAST_LIKELY {
                continue;
            }
            for (i, due) in self.coming.iter().enumerate() {
                let distance_m = due.since(now).as_secs_f32() * road.speed_mps;
                if distance_m > view_m[lane] {
                    let (head, speed_mps) = (head_of(lane, i), road.speed_mps);
                    lanes[lane].vehicles.push(Seen { head, distance_m, speed_mps, length_m: CAR_M, likely });
                }
            }
        }
    }
}
