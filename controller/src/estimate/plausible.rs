//! Which loops are not to be believed, though they do not say so themselves.
//!
//! Three faults that the field knows well: a loop stuck on, one that chatters, and one that is silent while
//! its neighbour on the same lane counts. A loop that behaves again is believed again.

use crate::coordinator::ChannelLive;
use model::time::Moment;
use std::time::Duration;

/// Covered without a break for this long is stuck, s: no red lasts so long under any control here.
pub(crate) const STUCK_ON_S: u64 = 300;
/// More in a minute than this no lane carries (saturation is about 32): it chatters.
pub(crate) const CHATTER_PER_MIN: u32 = 60;
/// The neighbour counted this many since the loop last said anything: it is deaf.
pub(crate) const SILENT_WHILE: u32 = 30;

/// What is remembered of one channel.
#[derive(Clone, Debug, Default)]
pub(crate) struct Health {
    covered_since: Option<Moment>,
    /// Vehicles that the neighbour counted since this one last counted.
    missed: u32,
}

impl Health {
    /// Takes the channel's newest reading; says whether it is to be disbelieved.
    pub(crate) fn judge(&mut self, channel: &ChannelLive) -> bool {
        let Some(at) = channel.at else { return false };
        if channel.last.count > 0 || channel.last.occupied {
            self.missed = 0;
        }
        if channel.last.occupied && channel.last.occupancy >= 0.99 {
            self.covered_since.get_or_insert(at);
        } else {
            self.covered_since = None;
        }
        let stuck = self.covered_since.is_some_and(|s| at.since(s) >= Duration::from_secs(STUCK_ON_S));
        let in_minute: u32 = channel.minute.iter().map(|m| u32::from(m.1)).sum();
        stuck || in_minute > CHATTER_PER_MIN || self.missed >= SILENT_WHILE
    }

    /// The neighbour on the same lane counted so many.
    pub(crate) fn neighbour_counted(&mut self, count: u16) {
        self.missed = self.missed.saturating_add(count.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::detection::Reading;

    /// Seconds until a loop is disbelieved when each second reads like that, up to a quarter of an hour.
    fn check(reading: Reading, neighbour: u16, expected: Option<u64>) {
        let (mut health, mut channel) = (Health::default(), ChannelLive::default());
        let found = (1..=900).find(|&s| {
            let at = Moment(s * 1000);
            channel.at = Some(at);
            channel.last = reading;
            channel.minute.push_back((at, reading.count, reading.occupancy));
            channel.minute.retain(|m| m.0 > at - Duration::from_secs(60));
            health.neighbour_counted(neighbour);
            health.judge(&channel)
        });
        assert_eq!(found.map(|s| s as u64), expected, "{reading:?}");
    }

    #[test]
    fn loops_that_lie_are_found() {
        let still = Reading::default();
        check(still, 0, None);
        check(still, 1, Some(30));
        check(Reading { occupied: true, occupancy: 1.0, ..still }, 0, Some(301));
        check(Reading { count: 2, occupancy: 0.3, ..still }, 0, Some(31));
        check(Reading { count: 1, occupancy: 0.3, occupied: true, ..still }, 1, None);
    }
}
