//! How a run went over time: a line a minute, for the picture and for machines.

use crate::world::World;
use serde::Serialize;

/// Means over one interval of the run, or less at its end.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Point {
    /// Start of the interval, s on the scenario's clock.
    pub begin_s: f64,
    /// Its end, s.
    pub end_s: f64,
    /// Vehicles on the road, mean over the steps.
    pub on_road: f64,
    /// Of them, those that stand (below 0.1 m/s).
    pub standing: f64,
    /// Trips that are due and find no room to enter.
    pub waiting_to_enter: f64,
    /// Mean speed of all vehicles, m/s; none when the road is empty.
    pub mean_speed_mps: Option<f64>,
    /// Trips that ended in the interval.
    pub arrived: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    begin_s: f64,
    steps: f64,
    on_road: f64,
    standing: f64,
    waiting: f64,
    speed: f64,
    arrived_before: u64,
}

/// Gathers points.
#[derive(Clone, Debug)]
pub struct Series {
    period_s: f64,
    points: Vec<Point>,
    sums: Sums,
}

impl Series {
    /// A point every `period_s`, from `begin_s` on.
    pub fn new(begin_s: f64, period_s: f64) -> Series {
        Series { period_s, points: Vec::new(), sums: Sums { begin_s, ..Sums::default() } }
    }

    /// Takes the state after a step.
    pub fn step(&mut self, world: &World) {
        let s = &mut self.sums;
        s.steps += 1.0;
        let on_road = world.on_road() as f64;
        s.on_road += on_road;
        s.standing += world.halting() as f64;
        s.waiting += world.waiting_to_enter() as f64;
        s.speed += world.mean_speed_mps().unwrap_or(0.0) * on_road;
        let now_s = world.now_ms() as f64 / 1000.0;
        if now_s >= s.begin_s + self.period_s - 1e-6 {
            self.close(now_s, world.totals().arrived);
        }
    }

    fn close(&mut self, end_s: f64, arrived: u64) {
        let s = self.sums;
        let mean = |sum: f64| sum / s.steps.max(1.0);
        self.points.push(Point {
            begin_s: s.begin_s,
            end_s,
            on_road: mean(s.on_road),
            standing: mean(s.standing),
            waiting_to_enter: mean(s.waiting),
            mean_speed_mps: (s.on_road > 0.0).then(|| s.speed / s.on_road),
            arrived: arrived - s.arrived_before,
        });
        self.sums = Sums { begin_s: end_s, arrived_before: arrived, ..Sums::default() };
    }

    /// All points, the last of which the run's end may have cut short.
    pub fn finish(mut self, world: &World) -> Vec<Point> {
        if self.sums.steps > 0.0 {
            self.close(world.now_ms() as f64 / 1000.0, world.totals().arrived);
        }
        self.points
    }
}
