//! How many vehicles go where, over the last ten minutes: for what-if questions, which look half an hour ahead and must
//! not take one cycle for the rule.

use crate::coordinator::{ChannelLive, Live};
use model::{detection::DetectorKind, signal::Junction, time::Moment};
use std::time::Duration;

/// Time constant, s: several cycles, and still this half hour and not the last one.
const SMOOTH_S: f64 = 600.0;
/// What was measured for less than this says nothing yet, s.
const LEAST_S: f64 = 60.0;
/// Readings farther apart than this have a gap between them that is not counted, s.
const LONGEST_WINDOW_S: f64 = 10.0;

/// One junction's channels.
#[derive(Clone, Debug)]
pub(crate) struct Rates(Vec<Rate>);

/// One channel: vehicles and seconds, both fading alike, so that their ratio is right from the start.
#[derive(Clone, Copy, Debug, Default)]
struct Rate {
    taken: Option<Moment>,
    vehicles: f64,
    seconds: f64,
}

impl Rates {
    pub(crate) fn new(junction: &Junction) -> Rates {
        Rates(vec![Rate::default(); junction.detectors.len()])
    }

    /// Takes the newest readings.
    pub(crate) fn tick(&mut self, junction: &Junction, live: &Live) {
        for (detector, rate) in junction.detectors.iter().zip(&mut self.0) {
            let channel = live.detectors.get(&detector.channel);
            let Some(channel) = channel.filter(|c| c.is_believed()) else { continue };
            let Some(at) = channel.at.filter(|at| rate.taken.is_none_or(|taken| *at > taken)) else {
                continue;
            };
            let window = rate.taken.map(|taken| at.since(taken)).unwrap_or_default();
            rate.taken = Some(at);
            if window == Duration::ZERO || window.as_secs_f64() > LONGEST_WINDOW_S {
                continue;
            }
            let passed = match (detector.kind, detector.head) {
                // What follows a movement's vehicles one by one does not count them.
                (DetectorKind::Area, Some(_)) => crossed(channel, window) as f64,
                _ => f64::from(channel.last.count),
            };
            let keep = (-window.as_secs_f64() / SMOOTH_S).exp();
            rate.vehicles = rate.vehicles * keep + passed;
            rate.seconds = rate.seconds * keep + window.as_secs_f64();
        }
    }

    /// Vehicles an hour over the channel at that place; `None` while it was not measured for long enough.
    pub(crate) fn per_hour(&self, place: usize) -> Option<f64> {
        self.0.get(place).filter(|r| r.seconds >= LEAST_S).map(|r| 3600.0 * r.vehicles / r.seconds)
    }
}

/// Vehicles that went over the stop line within the window: they are no farther beyond it than they have driven since.
fn crossed(channel: &ChannelLive, window: Duration) -> usize {
    let driven_dm = |s: &model::detection::Sighting| f64::from(s.speed_cmps) / 10.0 * window.as_secs_f64();
    let just =
        |s: &&model::detection::Sighting| s.distance_dm < 0 && -f64::from(s.distance_dm) <= driven_dm(s);
    channel.sightings.iter().filter(just).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{
        detection::{Reading, Sighting},
        sketch,
    };

    const T: &str = "W---C---E\n    |\n    |\n    |\n    S";

    /// After so many seconds in which `channel` says of second `s` what it says.
    fn check(kind: DetectorKind, seconds: i64, channel: impl Fn(i64) -> ChannelLive, expected: Option<f64>) {
        let city = sketch::city(T, "C");
        let junction = &city.junctions[0];
        let place = junction.detectors.iter().position(|d| d.kind == kind).unwrap();
        let mut rates = Rates::new(junction);
        let mut live = Live::default();
        for s in 0..seconds {
            let at = Some(Moment(1_000 * s));
            live.detectors.insert(junction.detectors[place].channel, ChannelLive { at, ..channel(s) });
            rates.tick(junction, &live);
            // The same reading once more counts once.
            rates.tick(junction, &live);
        }
        assert_eq!(rates.per_hour(place).map(f64::round), expected);
    }

    #[test]
    fn loops_count_and_followed_vehicles_are_counted_as_they_cross() {
        let every_six = |s: i64| ChannelLive {
            last: Reading { count: u16::from(s % 6 == 0), ..Reading::default() },
            ..ChannelLive::default()
        };
        check(DetectorKind::StopLine, 60, every_six, None);
        check(DetectorKind::StopLine, 1201, every_six, Some(603.0));
        // One vehicle in ten seconds at 10 m/s: it is seen 4 m and then 14 m beyond the line, and crosses once.
        let passing = |s: i64| ChannelLive {
            sightings: match s % 10 {
                0 => vec![Sighting { distance_dm: -40, speed_cmps: 1000, length_dm: 50 }],
                1 => vec![Sighting { distance_dm: -140, speed_cmps: 1000, length_dm: 50 }],
                _ => vec![Sighting { distance_dm: 500, speed_cmps: 0, length_dm: 50 }],
            },
            ..ChannelLive::default()
        };
        check(DetectorKind::Area, 1201, passing, Some(363.0));
        let broken = |_| ChannelLive {
            last: Reading { count: 1, fault: true, ..Reading::default() },
            ..ChannelLive::default()
        };
        check(DetectorKind::StopLine, 1201, broken, None);
    }
}
