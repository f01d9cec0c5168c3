//! How long corridors take to drive: kept slot by slot while the city lives, and summed up as distributions.
//!
//! A corridor's time is the sum of its links' times at one moment ([`crate::stretches`]). A slot keeps the mean of five minutes.
//! Distributions are over slots, so a quiet hour weighs as much as a busy one. Indices are those of the US Federal Highway
//! Administration (Travel Time Reliability: Making It There On Time, All The Time, FHWA-HOP-06-070, 2006).
//! What was kept also tells of the next hour ([`crate::estimate::forecast`]), a slot after the other.

use crate::{
    coordinator::LinkSpeed,
    estimate::forecast::{Ahead, Errors, Forecaster, HORIZONS, SLOT},
    store::{DocumentKind, DocumentRow, Store, room::Room},
    stretches::Watched,
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use model::{city::City, ids::LinkIx, time::Moment};
use serde::{Deserialize, Serialize};
use statrs::statistics::{Data, OrderStatistics, Statistics};
use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// Length of a slot, min; divides an hour.
pub const SLOT_MIN: u16 = (SLOT.as_secs() / 60) as u16;
const SLOTS: usize = 24 * 60 / SLOT_MIN as usize;
/// One direction of a corridor.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Way {
    /// The corridor's id.
    pub corridor: u32,
    /// The way back.
    pub back: bool,
}

/// A time that was kept.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Kept {
    /// The day, by the place's calendar.
    pub day: Date,
    /// When its slot begins, minute of the day.
    pub minute: u16,
    /// Seconds to drive the corridor.
    pub time_s: f64,
}

/// What times are spread like.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Distribution {
    /// How many.
    pub slots: usize,
    /// Their mean, s.
    pub mean_s: f64,
    /// The times that 5, 15, 50, 85 and 95 of a hundred do not exceed, s.
    pub quantiles_s: [f64; 5],
}

/// The shares whose times [`Distribution::quantiles_s`] has.
pub const SHARES: [f64; 5] = [0.05, 0.15, 0.50, 0.85, 0.95];

impl Distribution {
    /// Of those times; `None` if there are none.
    pub fn of(times_s: impl IntoIterator<Item = f64>) -> Option<Distribution> {
        let mut times = Data::new(times_s.into_iter().collect::<Vec<f64>>());
        (!times.is_empty()).then(|| Distribution {
            slots: times.len(),
            mean_s: times.iter().mean(),
            quantiles_s: SHARES.map(|share| times.quantile(share)),
        })
    }

    fn p95_s(&self) -> f64 {
        self.quantiles_s[4]
    }

    /// How many times as long as freely one drives in the mean.
    pub fn travel_time_index(&self, free_s: f64) -> f64 {
        self.mean_s / free_s
    }

    /// How many times the free time one must allow to be late once in twenty times.
    pub fn planning_time_index(&self, free_s: f64) -> f64 {
        self.p95_s() / free_s
    }

    /// And which share of the mean time that is on top of it.
    pub fn buffer_index(&self) -> f64 {
        (self.p95_s() - self.mean_s) / self.mean_s
    }
}

/// A day of a way, as the store has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Day {
    corridor: u32,
    back: bool,
    /// `YYYY-MM-DD`.
    day: String,
    /// By slot, s.
    times_s: Vec<Option<f32>>,
}

/// The slot that is being filled.
#[derive(Clone, Copy, Debug)]
struct Open {
    day: Date,
    slot: usize,
    sum_s: f64,
    count: u32,
}

#[derive(Debug)]
struct Inner {
    /// Before the store has said what there was, nothing is written over it.
    days: Option<BTreeMap<(Way, Date), Day>>,
    open: BTreeMap<Way, Open>,
    /// Of the ways in their order.
    forecaster: Forecaster,
}

/// How long a way will take in the next hour.
#[derive(Clone, PartialEq, Debug)]
pub struct Coming {
    /// When the first of the slots to come begins.
    pub from: Moment,
    /// Slot by slot, s; `None` where nothing is known at all.
    pub ahead: [Option<Ahead>; HORIZONS],
    /// How far off forecasts were lately, by horizon, s.
    pub errors: [Errors; HORIZONS],
}

/// How much of the present speed all ways together will have.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Together {
    /// When the first of the slots to come begins.
    pub(crate) from: Moment,
    /// Slot by slot: the share, and by what part of it such forecasts were off lately, if that is known. `None` where nothing is.
    pub(crate) ahead: [Option<(f64, Option<f64>)>; HORIZONS],
    /// They are learned, all of them; else last values go on.
    pub(crate) learned: bool,
}

/// All times, for whoever asks.
#[derive(Debug)]
pub(crate) struct TravelTimes {
    city: Arc<City>,
    zone: TimeZone,
    ways: BTreeMap<Way, Vec<LinkIx>>,
    /// Links that detectors look at.
    watched: Watched,
    los: [f64; 5],
    keep: Duration,
    inner: Mutex<Inner>,
    room: Arc<Room>,
}

impl TravelTimes {
    pub(crate) fn new(
        city: Arc<City>,
        zone: TimeZone,
        ways: BTreeMap<Way, Vec<LinkIx>>,
        los: [f64; 5],
        keep: Duration,
        room: Arc<Room>,
    ) -> TravelTimes {
        let watched = Watched::of(&city);
        let inner = Inner { days: None, open: BTreeMap::new(), forecaster: Forecaster::new(ways.len()) };
        TravelTimes { city, zone, ways, watched, los, keep, inner: Mutex::new(inner), room }
    }

    /// The shares of the free speed from which levels of service begin.
    pub(crate) fn los(&self) -> [f64; 5] {
        self.los
    }

    /// Length and free time of a way: m, s. `None` if there is no such way.
    pub(crate) fn free(&self, way: Way) -> Option<(f64, f64)> {
        let links = self.ways.get(&way)?.iter().map(|link| self.city.network.link(*link));
        Some(links.fold((0.0, 0.0), |(m, s), link| (m + link.length_m, s + link.free_travel_time_s())))
    }

    /// Takes a picture of the links' times.
    pub(crate) fn take(&self, now: Moment, speeds: &[LinkSpeed]) {
        let Ok(now) = Timestamp::from_millisecond(now.0) else { return };
        let here = self.zone.to_datetime(now);
        let (day, minute) = (here.date(), here.hour() as usize * 60 + here.minute() as usize);
        let slot = minute / usize::from(SLOT_MIN);
        let times: BTreeMap<LinkIx, f64> = speeds.iter().map(|s| (s.link, s.time_s)).collect();
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let Inner { days, open, forecaster } = &mut *inner;
        let mut closed: BTreeMap<i64, Vec<Option<f32>>> = BTreeMap::new();
        for (place, (way, links)) in self.ways.iter().enumerate() {
            let Some(time_s) = self.watched.time_s(&self.city.network, links, &times) else { continue };
            let fresh = Open { day, slot, sum_s: 0.0, count: 0 };
            let current = open.entry(*way).or_insert(fresh);
            if (current.day, current.slot) != (day, slot) {
                let done = std::mem::replace(current, fresh);
                let values = closed.entry(number(done.day, done.slot)).or_insert_with(|| self.unknown());
                values[place] = Some((done.sum_s / f64::from(done.count.max(1))) as f32);
                if let Some(days) = days {
                    self.keep(now, days, *way, done);
                }
            }
            current.sum_s += time_s;
            current.count += 1;
        }
        // Until the store has said what there was, nothing may come before it.
        if days.is_some() {
            closed.into_iter().for_each(|(slot, values)| forecaster.take(slot, &values));
        }
    }

    fn unknown(&self) -> Vec<Option<f32>> {
        vec![None; self.ways.len()]
    }

    /// What is to come on a way; `None` before anything was kept, and if there is no such way.
    pub(crate) fn coming(&self, way: Way) -> Option<Coming> {
        let place = self.ways.keys().position(|one| *one == way)?;
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let next = inner.forecaster.last()? + 1;
        let days = jiff::Span::new().try_days(next.div_euclid(SLOTS as i64)).ok()?;
        let minute = next.rem_euclid(SLOTS as i64) as u16 * SLOT_MIN;
        let begins = EPOCH.checked_add(days).ok()?.at((minute / 60) as i8, (minute % 60) as i8, 0, 0);
        let from = self.zone.to_ambiguous_timestamp(begins).compatible().ok()?;
        Some(Coming {
            from: Moment(from.as_millisecond()),
            ahead: inner.forecaster.ahead(place),
            errors: inner.forecaster.errors(place),
        })
    }

    /// What is to come on all ways whose present time is known, weighted by how long they take.
    pub(crate) fn together(&self) -> Option<Together> {
        let from = self.ways.keys().find_map(|way| self.coming(*way))?.from;
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let mut learned = true;
        let mut sums = [(0.0, 0.0, 0.0, 0.0); HORIZONS];
        for (place, way) in self.ways.keys().enumerate() {
            let Some(open) = inner.open.get(way).filter(|open| open.count > 0) else { continue };
            let now_s = open.sum_s / f64::from(open.count);
            let (ahead, errors) = (inner.forecaster.ahead(place), inner.forecaster.errors(place));
            for ((sum, ahead), errors) in sums.iter_mut().zip(ahead).zip(errors) {
                let Some(ahead) = ahead.filter(|ahead| ahead.value > 0.0) else { continue };
                learned &= ahead.learned;
                sum.0 += now_s;
                sum.1 += f64::from(ahead.value);
                if errors.count > 0 {
                    sum.2 += f64::from(errors.forecast);
                    sum.3 += f64::from(ahead.value);
                }
            }
        }
        let ahead = sums.map(|(now, then, off, judged)| {
            (then > 0.0).then(|| (now / then, (judged > 0.0).then(|| off / judged)))
        });
        Some(Together { from, ahead, learned })
    }

    fn keep(&self, now: Timestamp, days: &mut BTreeMap<(Way, Date), Day>, way: Way, done: Open) {
        let Way { corridor, back } = way;
        let day = days.entry((way, done.day)).or_insert_with(|| Day {
            corridor,
            back,
            day: done.day.to_string(),
            times_s: vec![None; SLOTS],
        });
        if let Some(time_s) = day.times_s.get_mut(done.slot) {
            *time_s = Some((done.sum_s / f64::from(done.count.max(1))) as f32);
        }
        let side = if back { "back" } else { "out" };
        self.room.document(DocumentRow {
            kind: DocumentKind::TravelTimes,
            id: format!("{corridor:06}/{side}/{}", done.day),
            at: Moment(now.as_millisecond()),
            closed: true,
            json: serde_json::to_string(day).expect("plain data always serialises"),
        });
        let keep_days = i64::try_from(self.keep.as_secs() / 86_400).unwrap_or(i64::MAX);
        if let Ok(first) = done.day.checked_sub(jiff::Span::new().try_days(keep_days).unwrap_or_default()) {
            days.retain(|(_, day), _| *day >= first);
        }
    }

    /// The times of a way whose slots begin in that range, oldest first; `None` before the store has said what there was.
    pub(crate) fn between(&self, way: Way, range: &Range<Moment>) -> Option<Vec<Kept>> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let days = inner.days.as_ref()?;
        let of_way = days.range((way, Date::MIN)..=(way, Date::MAX));
        let kept = of_way.flat_map(|((_, day), times)| {
            let slots = (0u16..).zip(&times.times_s);
            slots.filter_map(|(slot, time_s)| {
                let minute = slot * SLOT_MIN;
                let begins = day.at((minute / 60) as i8, (minute % 60) as i8, 0, 0);
                let begins = self.zone.to_ambiguous_timestamp(begins).compatible().ok()?;
                let inside = range.contains(&Moment(begins.as_millisecond()));
                let time_s = f64::from((*time_s).filter(|_| inside)?);
                Some(Kept { day: *day, minute, time_s })
            })
        });
        Some(kept.collect())
    }

    /// Recalls them.
    pub(crate) async fn recall(self: Arc<Self>, store: Arc<Store>, shutdown: CancellationToken) {
        let Some(recalled) = store.recall::<Day>(DocumentKind::TravelTimes, &shutdown).await else { return };
        let dated = recalled.into_iter().filter_map(|day| {
            let way = Way { corridor: day.corridor, back: day.back };
            Some(((way, day.day.parse().ok()?), day))
        });
        let days: BTreeMap<(Way, Date), Day> = dated.collect();
        let forecaster = self.learned(&days);
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        (inner.days, inner.forecaster) = (Some(days), forecaster);
    }

    /// What all those days teach.
    fn learned(&self, days: &BTreeMap<(Way, Date), Day>) -> Forecaster {
        let mut slots: BTreeMap<i64, Vec<Option<f32>>> = BTreeMap::new();
        for ((way, date), day) in days {
            let Some(place) = self.ways.keys().position(|one| one == way) else { continue };
            for (slot, time_s) in day.times_s.iter().enumerate().filter(|(_, time_s)| time_s.is_some()) {
                slots.entry(number(*date, slot)).or_insert_with(|| self.unknown())[place] = *time_s;
            }
        }
        let mut forecaster = Forecaster::new(self.ways.len());
        slots.into_iter().for_each(|(slot, values)| forecaster.take(slot, &values));
        forecaster
    }
}

const EPOCH: Date = jiff::civil::date(1970, 1, 1);

/// Slots since midnight, 1 January 1970, of the place.
fn number(day: Date, slot: usize) -> i64 {
    crate::days_since_1970(day) * SLOTS as i64 + slot as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::StoreConfig, store::room};
    use model::ids::JunctionId;
    use wire::clock::Clock;

    #[test]
    fn a_distribution_of_times() {
        let spread = Distribution::of((0..=100).map(f64::from)).unwrap();
        assert_eq!((spread.slots, spread.mean_s), (101, 50.0));
        let near = |a: f64, b: f64| (a - b).abs() < 0.7;
        assert!(
            spread.quantiles_s.iter().zip([5.0, 15.0, 50.0, 85.0, 95.0]).all(|(a, b)| near(*a, b)),
            "{spread:?}"
        );
        assert_eq!(spread.travel_time_index(25.0), 2.0);
        assert!(
            near(25.0 * spread.planning_time_index(25.0), 95.0) && near(50.0 * spread.buffer_index(), 45.0)
        );
        assert_eq!(Distribution::of([]), None);
    }

    /// What is kept outlives the centre, by the place's calendar, and a corridor of which too little is heard has no time.
    #[tokio::test]
    async fn times_are_kept_by_slots_and_outlive_the_centre() {
        let city = Arc::new(model::sketch::city("W---A-----B---E", "AB"));
        let links = ["WA", "AB"].map(|name| model::sketch::link(&city.network, name));
        let folder = tempfile::tempdir().unwrap();
        let keep = Duration::from_secs(14 * 86_400);
        let config = StoreConfig::Embedded { path: folder.path().join("centre.sqlite"), keep };
        let ids: Vec<JunctionId> = city.junctions.iter().map(|j| j.id.clone()).collect();
        let way = Way { corridor: 0, back: false };
        let zone = TimeZone::get("Europe/Moscow").unwrap();
        let board = |waiting: &Arc<Room>| {
            let ways = [(way, links.to_vec())].into();
            Arc::new(TravelTimes::new(
                city.clone(),
                zone.clone(),
                ways,
                [0.8, 0.67, 0.5, 0.4, 0.3],
                keep,
                waiting.clone(),
            ))
        };
        let free: Vec<f64> = links.map(|l| city.network.link(l).free_travel_time_s()).to_vec();
        let speed = |place: usize, times: f64| LinkSpeed {
            link: links[place],
            speed_mps: 1.0,
            time_s: times * free[place],
        };

        let shutdown = CancellationToken::new();
        let store = Arc::new(Store::open(&config, &ids, "test").await.unwrap());
        let waiting = Arc::new(Room::default());
        let first = board(&waiting);
        assert_eq!(first.between(way, &(Moment(0)..Moment(i64::MAX))), None, "the store was not asked yet");
        // A road that no detector looks at takes as long as vehicles tell, or as driving freely.
        let beyond = model::sketch::link(&city.network, "BE");
        let all = [links[0], links[1], beyond];
        let mut told: BTreeMap<LinkIx, f64> = [(links[0], 20.0), (links[1], 30.0)].into();
        let freely = city.network.link(beyond).free_travel_time_s();
        let seconds = |told: &_| first.watched.time_s(&city.network, &all, told).map(f64::round);
        assert_eq!(seconds(&told), Some((50.0 + freely).round()));
        told.insert(beyond, 40.0);
        assert_eq!(seconds(&told), Some(90.0));
        first.clone().recall(store.clone(), shutdown.clone()).await;
        // 23:55 in Moscow, and then the next day.
        let evening = Moment(1_764_190_500_000);
        for second in 0..600u64 {
            let pace = if second < 300 { 2.0 } else { 3.0 };
            first.take(evening + Duration::from_secs(second), &[speed(0, pace), speed(1, pace)]);
        }
        let total: f64 = free.iter().sum();
        // Of a tenth of the way nothing can be concluded.
        first.take(evening + Duration::from_secs(601), &[speed(0, 1.0)]);
        first.take(evening + Duration::from_secs(900), &[speed(0, 3.0), speed(1, 3.0)]);
        let writer = tokio::spawn(room::write_down(
            store.clone(),
            waiting.clone(),
            Clock::scaled(evening, 1.0),
            keep,
            shutdown.clone(),
        ));
        shutdown.cancel();
        writer.await.unwrap();

        let again = board(&Arc::new(Room::default()));
        again.clone().recall(store, CancellationToken::new()).await;
        let kept = again.between(way, &(Moment(0)..Moment(i64::MAX))).unwrap();
        let said: Vec<_> = kept.iter().map(|k| (k.day.to_string(), k.minute, k.time_s.round())).collect();
        let expected = [
            ("2025-11-26".to_owned(), 1435, (2.0 * total).round()),
            ("2025-11-27".to_owned(), 0, (3.0 * total).round()),
        ];
        assert_eq!(said, expected);
        // The two are not enough to learn from: the last times go on, from 00:05 on.
        let coming = again.coming(way).unwrap();
        assert_eq!(coming.from, evening + Duration::from_secs(600));
        let ahead = coming.ahead.map(|ahead| ahead.map(|a| (f64::from(a.value).round(), a.learned)));
        assert_eq!(ahead, [Some(((2.5 * total).round(), false)); HORIZONS]);
        let tomorrow = again.between(way, &(evening + Duration::from_secs(300)..Moment(i64::MAX))).unwrap();
        assert_eq!(tomorrow.len(), 1);
    }
}
