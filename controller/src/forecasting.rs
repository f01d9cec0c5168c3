//! Keeps the forecast of volumes going: first over what the store remembers, then slot by slot as they are over.
//!
//! It reads what is stored rather than what is heard, so that after a restart, and with readings that came late, it knows
//! what it would have known without; control does not wait for it.

use crate::{
    estimate::forecast::{Ahead, Errors, Forecaster, HORIZONS, SLOT},
    store::{FLAG_FAULT, IntervalRow, Store, StoreError},
};
use model::{
    city::City,
    detection::{Detector, DetectorKind},
    ids::JunctionIx,
    signal::Junction,
    time::Moment,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
    time::Duration,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use wire::clock::Clock;

/// How far back it reads when it starts: usual values are means of some weeks, and older ones have no weight.
const LOOK_BACK: Duration = Duration::from_secs(28 * 86_400);
/// A junction's readings that are read at a time: a day of 120 channels each 20 s would be 500,000 rows.
const AT_ONCE: Duration = Duration::from_secs(6 * 3600);
/// After a slot's end its last readings are on their way to the store for so long.
const SETTLED: Duration = Duration::from_secs(45);
/// A slot counts if at least this share of its windows was heard without a fault.
const ENOUGH: f64 = 0.8;
/// Between two attempts while the store is down.
const AGAIN: Duration = Duration::from_secs(30);
const SLOT_MS: i64 = SLOT.as_millis() as i64;

/// What is expected, as of one moment.
#[derive(Clone, Debug, Default)]
pub struct Forecasts {
    /// By junction.
    pub junctions: BTreeMap<JunctionIx, JunctionForecast>,
    /// How far off all of them were lately, by slots ahead.
    pub errors: [Errors; HORIZONS],
}

/// What is expected at a junction.
#[derive(Clone, Debug)]
pub struct JunctionForecast {
    /// The end of the last slot that is known: forecasts count from here.
    pub from: Moment,
    /// Its detectors that are forecast.
    pub detectors: Vec<DetectorForecast>,
}

/// What a detector is expected to count.
#[derive(Clone, Debug)]
pub struct DetectorForecast {
    /// Its channel.
    pub channel: u16,
    /// In the next slots.
    pub ahead: [Option<Ahead>; HORIZONS],
    /// How far off that was lately.
    pub errors: [Errors; HORIZONS],
}

/// What the task needs.
pub(crate) struct Forecasting {
    pub(crate) city: Arc<City>,
    pub(crate) owned: Vec<JunctionIx>,
    pub(crate) store: Arc<Store>,
    pub(crate) clock: Clock,
    /// Length of a window of readings.
    pub(crate) window: Duration,
    /// The place's clock is so far ahead of UTC, s: days are the place's.
    pub(crate) ahead_s: i32,
    pub(crate) said: watch::Sender<Arc<Forecasts>>,
}

/// A junction under forecast.
struct Watched {
    ix: JunctionIx,
    channels: Vec<u16>,
    forecaster: Forecaster,
    /// The slot after the last that was taken.
    next: i64,
}

impl Forecasting {
    /// Goes on until `shutdown`.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let first = self.slot(self.clock.now() - LOOK_BACK);
        let watched = self.owned.iter().map(|&ix| {
            let channels = channels(&self.city.junctions[ix.ix()]);
            Watched { ix, forecaster: Forecaster::new(channels.len()), channels, next: first }
        });
        let mut watched: Vec<Watched> = watched.filter(|watched| !watched.channels.is_empty()).collect();
        loop {
            let wake = tokio::select! {
                () = shutdown.cancelled() => return,
                wake = self.round(&mut watched) => wake,
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.clock.sleep_until(wake) => {}
            }
        }
    }

    /// Takes all slots that are over; says when to come again.
    async fn round(&self, watched: &mut [Watched]) -> Moment {
        let now = self.clock.now();
        let open = self.slot(now - SETTLED);
        for one in &mut *watched {
            if let Err(error) = self.catch_up(one, open).await {
                tracing::warn!(%error, "the forecast waits for the store");
                return now + AGAIN;
            }
        }
        let mut all = Forecasts::default();
        for one in watched {
            let errors = one.forecaster.all_errors();
            all.errors.iter_mut().zip(&errors).for_each(|(sum, errors)| sum.join(errors));
            let detectors = one.channels.iter().enumerate().map(|(i, &channel)| DetectorForecast {
                channel,
                ahead: one.forecaster.ahead(i),
                errors: one.forecaster.errors(i),
            });
            let junction = JunctionForecast { from: self.begins(one.next), detectors: detectors.collect() };
            all.junctions.insert(one.ix, junction);
        }
        self.said.send_replace(Arc::new(all));
        self.begins(open + 1) + SETTLED
    }

    /// Takes a junction's slots before `open`.
    async fn catch_up(&self, one: &mut Watched, open: i64) -> Result<(), StoreError> {
        let at_once = AT_ONCE.as_millis() as i64 / SLOT_MS;
        while one.next < open {
            let until = (one.next + at_once).min(open);
            // A window belongs to the slot in which it ended, a slot's very end included.
            let range = self.begins(one.next) + Duration::from_millis(1)
                ..self.begins(until) + Duration::from_millis(1);
            let rows = self.store.intervals(one.ix, range, usize::MAX >> 1).await?.rows;
            let counts = counts(&rows, |at| self.slot(Moment(at.0 - 1)), self.window);
            for slot in one.next..until {
                let value = |channel: &u16| counts.get(&(slot, *channel)).copied();
                let values: Vec<Option<f32>> = one.channels.iter().map(value).collect();
                // Before the first reading of all there is nothing to take.
                if one.forecaster.last().is_some() || values.iter().any(Option::is_some) {
                    one.forecaster.take(slot, &values);
                }
            }
            one.next = until;
        }
        Ok(())
    }

    fn slot(&self, at: Moment) -> i64 {
        (at.0 + i64::from(self.ahead_s) * 1000).div_euclid(SLOT_MS)
    }

    fn begins(&self, slot: i64) -> Moment {
        Moment(slot * SLOT_MS - i64::from(self.ahead_s) * 1000)
    }
}

/// The channels that are forecast: those that count arrivals best.
fn channels(junction: &Junction) -> Vec<u16> {
    let of = |kind: DetectorKind| -> Vec<u16> {
        let such = junction.detectors.iter().filter(|detector: &&Detector| detector.kind == kind);
        such.map(|detector| detector.channel.0).collect()
    };
    let kinds = [DetectorKind::Advance, DetectorKind::StopLine, DetectorKind::Area];
    kinds.into_iter().map(of).find(|channels| !channels.is_empty()).unwrap_or_default()
}

/// Vehicles by slot and channel, where enough of the slot was heard; what is missing of it is like the rest.
fn counts(rows: &[IntervalRow], slot: impl Fn(Moment) -> i64, window: Duration) -> BTreeMap<(i64, u16), f32> {
    // A window that an outage cut has two rows, whose counts add up.
    let mut heard: BTreeMap<(i64, u16), (u32, BTreeSet<Moment>)> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.flags & FLAG_FAULT == 0) {
        let (count, windows) = heard.entry((slot(row.at), row.channel)).or_default();
        *count += u32::from(row.count);
        windows.insert(row.at);
    }
    let of_slot = |windows: usize| (windows as f64 * window.as_secs_f64() / SLOT.as_secs_f64()).min(1.0);
    let value = |(key, (count, windows)): (_, (u32, BTreeSet<Moment>))| {
        let share = of_slot(windows.len());
        (share >= ENOUGH).then(|| (key, (f64::from(count) / share) as f32))
    };
    heard.into_iter().filter_map(value).collect()
}

/// When a forecast's slot begins and ends.
pub fn slot_ahead(from: Moment, horizon: usize) -> Range<Moment> {
    let begins = from + SLOT * horizon as u32;
    begins..begins + SLOT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_counts_if_most_of_it_was_heard() {
        let row = |s: i64, count: u16, flags: u8| IntervalRow {
            at: Moment(s * 1000),
            junction: JunctionIx(0),
            channel: 7,
            count,
            occupancy: 0.0,
            speed_mps: None,
            flags,
        };
        let slot = |at: Moment| (at.0 - 1).div_euclid(SLOT_MS);
        let minute = Duration::from_secs(60);
        let check = |rows: &[IntervalRow], expected: Option<f32>| {
            assert_eq!(counts(rows, slot, minute).get(&(0, 7)).copied(), expected, "{rows:?}");
        };
        let full: Vec<_> = (1..=5).map(|n| row(60 * n, 2, 0)).collect();
        check(&full, Some(10.0));
        check(&full[1..], Some(10.0));
        check(&full[2..], None);
        // A fault is no reading, and a window in two rows is one.
        check(&[&full[2..], &[row(60, 9, FLAG_FAULT), row(120, 9, FLAG_FAULT)]].concat(), None);
        check(&[&full[..], &[row(300, 3, 2)]].concat(), Some(13.0));
        check(&[&full[2..], &[row(300, 3, 2)]].concat(), None);
    }
}
