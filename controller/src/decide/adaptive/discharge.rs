//! How quickly each lane's queue really leaves: its saturation headway, learned while it does.
//!
//! Whoever stood when green began follows closely; from the third of them on (the first ones get up to speed, HCM 2010,
//! 31.2) the seconds between two who cross the line are the lane's headway. Road, turn and drivers are all in it.

use super::{forecast::Lane, search::Aspect};
use crate::decide::Problem;
use model::time::Moment;

/// The first of a queue that say something of the headway.
const FIRST: u16 = 3;
/// A longer pause is not a headway: somebody was held up, s.
const LONGEST_S: f32 = 5.0;
/// Who stands farther from the one before is not of the same queue, m.
const APART_M: f32 = 15.0;
/// What is assumed weighs as many vehicles; and what was learned longer ago fades, vehicles.
const ASSUMED: f32 = 20.0;
const MEMORY: f32 = 200.0;

/// One lane.
#[derive(Clone, Debug, Default)]
pub(super) struct Discharge {
    /// It was green before.
    green: bool,
    /// Of those who stood when green began, how many have not left; and how many have.
    still: u16,
    left: u16,
    /// When the last of them crossed.
    last: Option<Moment>,
    /// Vehicles and the seconds that they took, fading.
    vehicles: f32,
    seconds: f32,
}

impl Discharge {
    /// Its headway, s, if `assumed_s` is what one takes it for.
    pub(super) fn headway_s(&self, assumed_s: f32) -> f32 {
        (self.seconds + assumed_s * ASSUMED) / (self.vehicles + ASSUMED)
    }

    fn tick(&mut self, now: Moment, green: bool, stood: u16, crossed: u16) {
        if green && !self.green {
            (self.still, self.left, self.last) = (stood, 0, None);
        }
        self.green = green;
        if !green {
            self.still = 0;
        }
        let crossed = crossed.min(self.still);
        if crossed == 0 {
            return;
        }
        self.still -= crossed;
        self.left += crossed;
        if let Some(last) = self.last {
            let took_s = now.since(last).as_secs_f32();
            if took_s / f32::from(crossed) > LONGEST_S {
                self.still = 0;
                return;
            }
            self.vehicles += f32::from(crossed);
            self.seconds += took_s;
            if self.vehicles > MEMORY {
                self.seconds *= MEMORY / self.vehicles;
                self.vehicles = MEMORY;
            }
        }
        if self.left >= FIRST {
            self.last = Some(now);
        }
    }
}

/// Brings all lanes of a junction up to this second.
pub(super) fn tick(problem: &Problem, lanes: &[Lane], all: &mut Vec<Discharge>) {
    let layout = &problem.site.layout;
    all.resize_with(lanes.len(), Discharge::default);
    let running = problem.running().filter(|_| !problem.live.interstage);
    let shows = running.map(|s| &layout.shows[usize::from(s.0) - 1]);
    for ((lane, approach), discharge) in lanes.iter().zip(&layout.lanes).zip(all) {
        let line = approach.stop_line.and_then(|c| problem.live.working(problem.now, c));
        let Some(line) = line else {
            *discharge = Discharge { green: true, still: 0, ..*discharge };
            continue;
        };
        let fresh = line.at.is_some_and(|at| problem.now.since(at).as_millis() < 500);
        let crossed = if fresh { line.last.count } else { 0 };
        // Only a green that gives way to nobody, for all who stood, tells of the lane.
        let green = shows.is_some_and(|s| approach.heads.iter().all(|&h| s[usize::from(h)] == Aspect::Green));
        let mut reach_m = APART_M;
        let stood = lane.vehicles.iter().take_while(|v| {
            let in_queue = v.speed_mps < 3.0 && v.distance_m < reach_m;
            reach_m = v.distance_m + APART_M;
            in_queue
        });
        discharge.tick(problem.now, green, stood.count() as u16, crossed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Greens for queues of ten, of whom one leaves every so many seconds; the `held`th waits ten seconds more.
    #[track_caller]
    fn check(every_s: f32, held: Option<u16>, expected_s: f32) {
        let mut lane = Discharge::default();
        let mut second = 0;
        for _ in 0..30 {
            lane.tick(Moment(second * 1000), true, 10, 0);
            let (mut next_s, mut left) = (2.0, 0);
            for s in 1..60 {
                let mut crossed = 0;
                while next_s <= s as f32 && left < 10 {
                    left += 1;
                    crossed += 1;
                    next_s += every_s + if held == Some(left) { 10.0 } else { 0.0 };
                }
                lane.tick(Moment((second + s) * 1000), true, 0, crossed);
            }
            second += 60;
            lane.tick(Moment(second * 1000), false, 0, 0);
            second += 30;
        }
        let got = lane.headway_s(1.8);
        assert!((got - expected_s).abs() < 0.08, "{got} s for {every_s} s");
    }

    #[test]
    fn a_slow_lane_and_a_quick_one_are_told_apart() {
        check(2.4, None, 2.37);
        check(1.6, None, 1.62);
    }

    #[test]
    fn who_is_held_up_tells_nothing_of_the_lane() {
        check(2.0, Some(6), 1.98);
    }

    #[test]
    fn nobody_who_left_leaves_what_was_assumed() {
        assert_eq!(Discharge::default().headway_s(1.9), 1.9);
    }
}
