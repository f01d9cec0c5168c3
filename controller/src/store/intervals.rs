//! Detector readings come each second; the store keeps windows of some tens of seconds, aligned to the clock.

use super::{FLAG_FAULT, IntervalRow, receipts::Receipt};
use model::{ids::JunctionIx, time::Moment};
use std::{collections::BTreeMap, time::Duration};
use wire::message::Counts;

/// Adds up readings per junction and channel.
#[derive(Clone, Debug)]
pub struct Intervals {
    window_ms: i64,
    flags: u8,
    open: BTreeMap<JunctionIx, Open>,
}

/// Windows that are over.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Closed {
    /// Their rows.
    pub rows: Vec<IntervalRow>,
    /// For the readings in them.
    pub receipts: Vec<Receipt>,
}

/// The window of one junction that is being filled.
#[derive(Clone, Debug)]
struct Open {
    end: Moment,
    /// For the readings in it.
    receipts: Vec<Receipt>,
    channels: BTreeMap<u16, Sum>,
}

#[derive(Clone, Debug, Default)]
struct Sum {
    count: u32,
    seconds: f64,
    covered_s: f64,
    /// Σ speed × vehicles, and those vehicles.
    speed: f64,
    timed: f64,
    fault: bool,
}

impl Intervals {
    /// Windows of that length; every row carries `flags`.
    pub fn new(window: Duration, flags: u8) -> Intervals {
        Intervals { window_ms: (window.as_millis() as i64).max(1), flags, open: BTreeMap::new() }
    }

    /// Adds the readings of a short window that ended `at`. When they belong to another long window, the rows of the one
    /// before are complete.
    pub fn add(
        &mut self,
        junction: JunctionIx,
        at: Moment,
        counts: &Counts,
        receipt: Option<Receipt>,
        closed: &mut Closed,
    ) {
        // A window that ends at 12:00:20 belongs to 12:00:00 to 12:00:20.
        let end = Moment((at.0 - 1).div_euclid(self.window_ms) * self.window_ms + self.window_ms);
        let open = self.open.entry(junction).or_insert_with(|| Open {
            end,
            receipts: Vec::new(),
            channels: BTreeMap::new(),
        });
        if end != open.end {
            close(junction, open, self.flags, closed);
            open.end = end;
        }
        open.receipts.extend(receipt);
        let seconds = if counts.window_s.is_finite() { counts.window_s.max(0.0) } else { 0.0 };
        for c in &counts.channels {
            let sum = open.channels.entry(c.dl).or_default();
            sum.count += u32::from(c.vehicles_sum);
            sum.seconds += seconds;
            sum.covered_s += f64::from(c.occupancy_avg.clamp(0.0, 1.0)) * seconds;
            if let Some(speed) = c.speed_avg.filter(|s| s.is_finite()) {
                // A speed without a count is still a reading; it weighs as one vehicle.
                let vehicles = f64::from(c.vehicles_sum.max(1));
                sum.speed += f64::from(speed) * vehicles;
                sum.timed += vehicles;
            }
            sum.fault |= c.fault;
        }
    }

    /// Closes windows that ended before `moment`: their junctions have fallen silent.
    pub fn close_before(&mut self, moment: Moment, closed: &mut Closed) {
        for (&junction, open) in self.open.iter_mut().filter(|(_, open)| open.end < moment) {
            close(junction, open, self.flags, closed);
        }
    }
}

fn close(junction: JunctionIx, open: &mut Open, flags: u8, closed: &mut Closed) {
    closed.receipts.append(&mut open.receipts);
    for (channel, sum) in std::mem::take(&mut open.channels) {
        closed.rows.push(IntervalRow {
            at: open.end,
            junction,
            channel,
            count: u16::try_from(sum.count).unwrap_or(u16::MAX),
            occupancy: if sum.seconds > 0.0 { (sum.covered_s / sum.seconds) as f32 } else { 0.0 },
            speed_mps: (sum.timed > 0.0).then(|| (sum.speed / sum.timed) as f32),
            flags: flags | if sum.fault { FLAG_FAULT } else { 0 },
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;
    use wire::{message::Channel, topic::StatusCode};

    fn reading(count: u16, occupancy: f32, speed: Option<f32>) -> Counts {
        let channel = Channel {
            dl: 3,
            vehicles_sum: count,
            occupancy_avg: occupancy,
            speed_avg: speed,
            occupied: false,
            queue_last: None,
            vehicles_last: None,
            sightings_last: vec![],
            fault: false,
        };
        Counts { window_s: 1.0, channels: vec![channel] }
    }

    #[test]
    fn seconds_add_up_to_aligned_windows() {
        let mut intervals = Intervals::new(Duration::from_secs(20), 0);
        let mut closed = Closed::default();
        let j = JunctionIx(0);
        let add = |intervals: &mut Intervals, s: u64, counts: Counts, closed: &mut Closed| {
            let receipt = Receipt { junction: j, code: StatusCode::Counts, boot_id: Uuid::nil(), seq: s };
            intervals.add(j, Moment(s as i64 * 1000), &counts, Some(receipt), closed);
        };
        for s in 1..=20 {
            add(&mut intervals, s, reading(1, 0.5, Some(10.0)), &mut closed);
        }
        assert_eq!(closed, Closed::default());
        add(&mut intervals, 21, reading(3, 0.0, Some(2.0)), &mut closed);
        let row = IntervalRow {
            at: Moment(20_000),
            junction: j,
            channel: 3,
            count: 20,
            occupancy: 0.5,
            speed_mps: Some(10.0),
            flags: 0,
        };
        assert_eq!((&closed.rows[..], closed.receipts.len()), (&[row][..], 20));
        intervals.close_before(Moment(40_000), &mut closed);
        assert_eq!(closed.rows.len(), 1, "still open");
        intervals.close_before(Moment(40_001), &mut closed);
        let short = IntervalRow { at: Moment(40_000), count: 3, occupancy: 0.0, speed_mps: Some(2.0), ..row };
        assert_eq!((closed.rows[1], closed.receipts.len()), (short, 21));
        intervals.close_before(Moment(99_000), &mut closed);
        assert_eq!(closed.rows.len(), 2, "once only");
        // What comes late, as a replay may, has a row of its own in its own window.
        add(&mut intervals, 105, reading(1, 0.5, None), &mut closed);
        add(&mut intervals, 22, reading(2, 0.5, None), &mut closed);
        intervals.close_before(Moment(200_000), &mut closed);
        let late: Vec<_> = closed.rows[2..].iter().map(|r| (r.at.0, r.count)).collect();
        assert_eq!(late, [(120_000, 1), (40_000, 2)]);
    }
}
