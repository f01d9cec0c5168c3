//! Detector readings come each second; the store keeps windows of some tens of seconds, aligned to the clock.

use super::{FLAG_FAULT, IntervalRow};
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

/// The window of one junction that is being filled.
#[derive(Clone, Debug)]
struct Open {
    end: Moment,
    newest: Moment,
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

    /// Adds the readings of a short window that ended `at`. When they belong to the next long window, the rows
    /// of the one before are complete. Readings not newer than the newest one are left out: they were
    /// delivered twice. False if so.
    pub fn add(
        &mut self,
        junction: JunctionIx,
        at: Moment,
        counts: &Counts,
        rows: &mut Vec<IntervalRow>,
    ) -> bool {
        // A window that ends at 12:00:20 belongs to 12:00:00 to 12:00:20.
        let end = Moment((at.0 - 1).div_euclid(self.window_ms) * self.window_ms + self.window_ms);
        let open = self.open.entry(junction).or_insert_with(|| Open {
            end,
            newest: Moment(i64::MIN),
            channels: BTreeMap::new(),
        });
        if at <= open.newest {
            return false;
        }
        open.newest = at;
        if end != open.end {
            close(junction, open, self.flags, rows);
            open.end = end;
        }
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
        true
    }

    /// Closes windows that ended before `moment`: their junctions have fallen silent.
    pub fn close_before(&mut self, moment: Moment, rows: &mut Vec<IntervalRow>) {
        for (&junction, open) in self.open.iter_mut().filter(|(_, open)| open.end < moment) {
            close(junction, open, self.flags, rows);
        }
    }
}

fn close(junction: JunctionIx, open: &mut Open, flags: u8, rows: &mut Vec<IntervalRow>) {
    for (channel, sum) in std::mem::take(&mut open.channels) {
        rows.push(IntervalRow {
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
    use wire::message::Channel;

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
        let mut rows = Vec::new();
        let j = JunctionIx(0);
        for s in 1..=20 {
            intervals.add(j, Moment(s * 1000), &reading(1, 0.5, Some(10.0)), &mut rows);
        }
        assert!(!intervals.add(j, Moment(20_000), &reading(9, 1.0, None), &mut rows), "twice the same");
        assert!(rows.is_empty());
        intervals.add(j, Moment(21_000), &reading(3, 0.0, Some(2.0)), &mut rows);
        let row = IntervalRow {
            at: Moment(20_000),
            junction: j,
            channel: 3,
            count: 20,
            occupancy: 0.5,
            speed_mps: Some(10.0),
            flags: 0,
        };
        assert_eq!(rows, [row]);
        intervals.close_before(Moment(40_000), &mut rows);
        assert_eq!(rows.len(), 1, "still open");
        intervals.close_before(Moment(40_001), &mut rows);
        assert_eq!(
            rows[1],
            IntervalRow { at: Moment(40_000), count: 3, occupancy: 0.0, speed_mps: Some(2.0), ..row }
        );
        intervals.close_before(Moment(99_000), &mut rows);
        assert_eq!(rows.len(), 2, "once only");
    }
}
