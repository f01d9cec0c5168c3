//! Which stops are worth driving to.
//!
//! Whoever drives gets nearly anywhere before a train does, so the soonest there of all who go on by train are those who drove
//! nearly all the way: the best by the clock, and absurd. A car is meant to spare the long way on foot or by bus to a good line,
//! so driving counts three times, as in OpenTripPlanner's usual penalty on ways by car (20 min and twice the time): it must spare
//! twice as much again of what the timetable takes at best. And who is so near that one would walk is not looking for a train.

use super::{Transit, TransitQuery, ends::Side};
use crate::transit::search::Walk;
use model::geo::LonLat;

/// Driving counts so many times as much as riding and walking.
const DRIVING_COUNTS: u32 = 3;
/// What counts so much more than the best is left to the timetable to decide, s: as long as one waits for a train.
const UNDECIDED_S: u32 = 600;
/// From stops so near to a journey's other end one walks there, m.
const WALKED_WITHIN_M: f64 = 1000.0;

/// A way by car between a place and a stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Driven {
    pub(super) stop: u32,
    /// All of it, ms.
    pub(super) ms: u32,
    /// Which of the ways on wheels it is.
    pub(super) way: usize,
}

impl Transit {
    /// Takes those ways by car among the others at both ends that are worth it.
    pub(super) fn drive_where_it_is_worth_it(
        &self,
        sides: &mut [Side; 2],
        query: &TransitQuery,
        gain_s: u32,
        rest: &mut Vec<u32>,
    ) {
        let reached = sides.each_ref().map(|side| {
            let driven = side.driven.iter().map(|driven| (driven.stop, driven.ms.div_ceil(1000)));
            side.walks().into_iter().chain(driven).collect::<Vec<Walk>>()
        });
        for (i, side) in sides.iter_mut().enumerate().filter(|(_, side)| !side.driven.is_empty()) {
            let others = side.walks();
            self.bounds().rest(&reached[1 - i], i == 1, gain_s, rest);
            let far_end = [query.to.at, query.from.at][i];
            let near = |stop: u32| self.is_near(stop, far_end);
            let driven = std::mem::take(&mut side.driven);
            for one in worth(&driven, &others, rest, near) {
                side.offer(one.stop, one.ms, one.way);
            }
        }
    }

    fn is_near(&self, stop: u32, place: LonLat) -> bool {
        self.timetable.stops[stop as usize].at.distance_m(place) < WALKED_WITHIN_M
    }
}

/// Those ways by car that are worth it, by what they and other ways take and what the rest of the journey takes at least, s.
fn worth(driven: &[Driven], others: &[Walk], rest: &[u32], near: impl Fn(u32) -> bool) -> Vec<Driven> {
    let all = |stop: u32, counted_s: u32| counted_s.saturating_add(rest[stop as usize]);
    let counted = |one: &Driven| all(one.stop, one.ms.div_ceil(1000).saturating_mul(DRIVING_COUNTS));
    let driven: Vec<&Driven> = driven.iter().filter(|one| !near(one.stop)).collect();
    let by_car = driven.iter().map(|one| counted(one));
    let least = by_car.chain(others.iter().map(|&(stop, s)| all(stop, s))).min().unwrap_or(u32::MAX);
    let most = least.saturating_add(UNDECIDED_S);
    driven.into_iter().filter(|one| counted(one) <= most).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stops along a line of trains, a minute apart by train and by car; the goal is at the last.
    #[track_caller]
    fn check(driven_s: &[u32], walked_s: &[Walk], train_s: u32, expected: &[u32]) {
        let count = driven_s.len();
        let rest: Vec<u32> = (0..count).map(|stop| (count - 1 - stop) as u32 * train_s).collect();
        let driven: Vec<Driven> = driven_s
            .iter()
            .enumerate()
            .map(|(stop, s)| Driven { stop: stop as u32, ms: s * 1000, way: 0 })
            .collect();
        let found = worth(&driven, walked_s, &rest, |stop| stop as usize + 1 == count);
        assert_eq!(found.iter().map(|one| one.stop).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn nobody_drives_all_the_way_for_the_last_stop() {
        // Ten minutes to each next stop by train, five by car: the sooner one parks the better.
        check(&[300, 600, 900, 1200, 1500, 1800], &[], 600, &[0, 1, 2]);
        // A train that takes six times as long as a car is left for as long as can be, but not for the stop at the door.
        check(&[300, 600, 900, 1200, 1500, 1800], &[], 1800, &[4]);
        // Who lives at the first stop does not drive to another.
        check(&[60, 600, 900, 1200], &[(0, 60)], 600, &[0]);
        // Who lives an hour away from all trains may drive for an hour.
        check(&[3600, 4200, 4500], &[], 600, &[0]);
    }
}
