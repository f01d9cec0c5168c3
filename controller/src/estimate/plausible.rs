//! Which detectors are not to be believed, though they do not say so themselves.
//!
//! The faults that the field knows well: stuck on or off, hanging (the last reading over and over), and chattering.
//! A channel that never stirs while those of its lane tell of traffic is dead, whatever it says; so is one whose vehicle
//! does not go under green. One that tells of more vehicles than a lane can carry chatters. A channel that behaves again
//! is believed again.
//!
//! What a single loop's own signal gives away (covered for too long, never, or without a change; more than can be) is
//! tested as by Jacobson, Nihan & Bender 1990 (Transportation Research Record 1287) and Chen, Kwon, Rice, Skabardonis &
//! Varaiya 2003 (Transportation Research Record 1855); but by the second rather than by the day, and against the lane's
//! other channels and its lamps, which they did not have.

use crate::coordinator::ChannelLive;
use model::time::{Moment, Tenths};
use std::time::Duration;

/// A loop covered without a break for this long is stuck, s: no red lasts so long under any control here.
pub(crate) const STUCK_ON_S: u64 = 300;
/// So many went by unseen: it is dead, vehicles.
pub(crate) const DEAF_AFTER: f32 = 20.0;
/// Nobody stays for so long under green, s: if the lane's other channel knows of nobody, and if it does not deny it.
const DENIED_S: f32 = 45.0;
const STAYS_S: f32 = 90.0;
/// Whoever stood for so long, s, before going by counts for several: a lane is not green for nobody.
const STOOD_S: u8 = 5;
const WORTH_STOOD: f32 = 4.0;
/// A lane carries no more than this in the long run, veh/s (saturation is about 0.53), and it is out of the question
/// when so many more than that have come: over a loop, and into a camera's view, to which several lanes may lead.
const MOST_OVER_A_LOOP: [f32; 2] = [0.7, 10.0];
const MOST_INTO_A_VIEW: [f32; 2] = [1.0, 20.0];

/// What is remembered of one channel.
#[derive(Clone, Debug, Default)]
pub(crate) struct Health {
    at: Option<Moment>,
    covered_since: Option<Moment>,
    /// Seconds for which somebody stood on it until now.
    stood_s: u8,
    /// Vehicles that the lane's other channels told of since this one last stirred.
    missed: f32,
    /// Vehicles that it told of beyond what a lane carries.
    excess: f32,
}

impl Health {
    /// Takes the channel's newest reading, how many lanes come to it, whether the reading differs from the one before, and whether
    /// its traffic cannot go for the jam ahead; says whether it is to be disbelieved. In a jam nothing stirs, and nothing is wrong.
    pub(crate) fn judge(&mut self, channel: &ChannelLive, lanes: u16, stirred: bool, jammed: bool) -> bool {
        let Some(at) = channel.at else { return false };
        let passed = self.at.replace(at).map_or(Tenths::ZERO, |before| Tenths::from(at.since(before)));
        if stirred || jammed {
            self.missed = 0.0;
        }
        let is_area = channel.last.vehicles.or(channel.last.queue).is_some();
        let [flow, most] = if is_area { MOST_INTO_A_VIEW } else { MOST_OVER_A_LOOP };
        let flow = flow * f32::from(lanes) * passed.as_seconds() as f32;
        self.excess = (self.excess + f32::from(channel.last.count) - flow).clamp(0.0, 2.0 * most);
        if channel.last.occupied && channel.last.occupancy >= 0.99 && !jammed {
            self.covered_since.get_or_insert(at);
        } else {
            self.covered_since = None;
        }
        let stuck =
            !is_area && self.covered_since.is_some_and(|s| at.since(s) >= Duration::from_secs(STUCK_ON_S));
        stuck || self.excess >= most || self.missed >= DEAF_AFTER
    }

    /// How many went by in the newest reading, as a witness; `None` from one that is not believed.
    pub(crate) fn passed(&mut self, channel: &ChannelLive) -> Option<f32> {
        let stood = self.stood_s >= STOOD_S;
        self.stood_s = if channel.last.occupied { self.stood_s.saturating_add(1) } else { 0 };
        if channel.implausible {
            return None;
        }
        Some(f32::from(channel.last.count) * if stood { WORTH_STOOD } else { 1.0 })
    }

    /// For a second it told of somebody who does not go though nobody goes first, and whom the lane's other channel
    /// denies or does not.
    pub(crate) fn stays(&mut self, denied: bool) {
        self.missed += DEAF_AFTER / if denied { DENIED_S } else { STAYS_S };
    }

    /// Another channel of the lane told of so many; of nobody, and nobody before, if it is not believed.
    pub(crate) fn fellow_saw(&mut self, vehicles: Option<f32>) {
        self.missed = vehicles.map_or(0.0, |vehicles| self.missed + vehicles);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::detection::Reading;

    /// Seconds until a channel is disbelieved when each second reads like that, up to a quarter of an hour.
    #[track_caller]
    fn check(reading: Reading, fellow: u16, expected: Option<u64>) {
        let (mut health, mut channel) = (Health::default(), ChannelLive::default());
        let found = (1..=900).find(|&s| {
            channel.at = Some(Moment(s * 1000));
            let stirred = reading.count > 0 || reading != channel.last;
            channel.last = reading;
            health.fellow_saw(Some(fellow.into()));
            health.judge(&channel, 1, stirred, false)
        });
        assert_eq!(found.map(|s| s as u64), expected, "{reading:?}");
    }

    #[test]
    fn detectors_that_lie_are_found() {
        let still = Reading::default();
        let camera = Reading { vehicles: Some(3), queue: Some(3), occupied: true, occupancy: 1.0, ..still };
        check(still, 0, None);
        check(still, 1, Some(20));
        check(Reading { occupied: true, occupancy: 1.0, ..still }, 0, Some(301));
        check(Reading { count: 2, occupancy: 0.3, ..still }, 0, Some(8));
        check(Reading { count: 1, occupancy: 0.3, occupied: true, ..still }, 1, Some(31));
        // A queue may stand in a camera's view for ever; but not while others of its lane drive.
        check(camera, 0, None);
        check(camera, 1, Some(21));
        check(Reading { count: 1, ..camera }, 0, None);
        check(Reading { count: 2, ..camera }, 0, Some(19));
    }

    #[test]
    fn nothing_stirs_in_a_jam() {
        let (mut health, mut channel) = (Health::default(), ChannelLive::default());
        channel.last = Reading { occupied: true, occupancy: 1.0, ..Reading::default() };
        let found = |health: &mut Health, channel: &mut ChannelLive, s: i64, jammed: bool| {
            channel.at = Some(Moment(s * 1000));
            health.fellow_saw(Some(1.0));
            health.judge(channel, 1, false, jammed)
        };
        assert!(!(1..=900).any(|s| found(&mut health, &mut channel, s, true)), "as long as it lasts");
        assert_eq!((901..=1300).find(|&s| found(&mut health, &mut channel, s, false)), Some(920));
    }

    #[test]
    fn who_stays_under_green_is_nobody() {
        let check = |denied: bool, expected: i64| {
            let (mut health, channel) = (Health::default(), ChannelLive::default());
            let found = (1..=900).find(|&s| {
                health.stays(denied);
                health.judge(&ChannelLive { at: Some(Moment(s * 1000)), ..channel.clone() }, 1, false, false)
            });
            assert_eq!(found, Some(expected), "{denied}");
        };
        check(true, 45);
        check(false, 91);
    }

    #[test]
    fn who_stood_and_went_unseen_tells_more() {
        let (mut witness, mut loops) = (Health::default(), ChannelLive::default());
        let mut told = |occupied, count| {
            loops.last = Reading { occupied, count, ..Reading::default() };
            witness.passed(&loops)
        };
        assert_eq!(told(false, 1), Some(1.0));
        for _ in 0..6 {
            assert_eq!(told(true, 0), Some(0.0));
        }
        assert_eq!(told(false, 1), Some(4.0));
        assert_eq!(told(false, 1), Some(1.0));
    }
}
