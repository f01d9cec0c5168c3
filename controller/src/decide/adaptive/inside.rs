//! Who is still inside the junction. A turner who gives way passes the stop line and waits in the middle for a gap,
//! and whoever comes behind it in its lane waits there too. If the next stage's traffic comes while they stand in
//! each other's way, nobody can move any more. So a stage that crosses them waits until they are out, or a stage
//! comes first in which they need not give way.

use super::{
    forecast::{HELD_MPS, Lane, Seen},
    search::Aspect,
};
use crate::decide::Problem;

/// After so long waiting does not help: the way out is blocked from beyond the junction, s.
const PATIENCE_S: u8 = 30;
/// Nor does a stage that lets turners out.
const LONGEST_S: u8 = 60;

/// For how long the middle has not been clear.
#[derive(Clone, Debug, Default)]
pub(super) struct Inside {
    /// Seconds for which somebody has been held up.
    held_s: u8,
    /// Heads whose turners must be let out.
    turners: Vec<u16>,
}

impl Inside {
    /// Takes one second's picture.
    pub(super) fn tick(&mut self, problem: &Problem, lanes: &[Lane]) {
        self.turners.clear();
        let Some(shows) = problem.running().map(|s| &problem.site.layout.shows[usize::from(s.0) - 1]) else {
            return;
        };
        let mut held = false;
        let mut yielding: u8 = 0;
        // Whoever brakes now comes to stand beyond the line.
        let beyond_line = |v: &Seen| v.distance_m < v.stops_over_m(problem.tuning.brakes_mps2);
        for lane in lanes {
            for v in lane.inside.iter().filter(|v| v.speed_mps < HELD_MPS) {
                yielding += u8::from(shows[usize::from(v.head)] == Aspect::Yielding);
                // Traffic without conflict that stands, or whose green is over, is in somebody's way.
                held |= match shows[usize::from(v.head)] {
                    Aspect::Yielding => yielding >= problem.tuning.several,
                    _ => v.speed_mps < problem.tuning.crawl_mps,
                };
                // Whoever is still moving behind a turner will stand there in a moment, and so will who cannot stop at the line
                // any more.
                let behind = |o: &Seen| o.head != v.head && o.distance_m > v.distance_m;
                held |= shows[usize::from(v.head)] == Aspect::Yielding
                    && (lane.inside.iter().any(behind)
                        || lane.vehicles.iter().any(|o| behind(o) && beyond_line(o)));
                if !self.turners.contains(&v.head) {
                    self.turners.push(v.head);
                }
            }
        }
        self.held_s = if held { self.held_s.saturating_add(1) } else { 0 };
    }

    /// Whether a stage that crosses those inside must wait.
    pub(super) fn holds(&self) -> bool {
        (1..=LONGEST_S).contains(&self.held_s)
    }

    /// Whether waiting is still worth while.
    pub(super) fn patient(&self) -> bool {
        self.held_s <= PATIENCE_S
    }

    /// Heads of those who are held up inside.
    pub(super) fn heads(&self) -> &[u16] {
        &self.turners
    }
}
