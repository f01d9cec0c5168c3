//! What will be measured in the next hour: what detectors count, how long corridors take.
//!
//! A detector's day looks like its other days, and what today differs by lasts for a while. So a forecast is the usual
//! value of that time plus a part of the present deviations: Chrobok, Kaumann, Wahle & Schreckenberg 2004, Different
//! methods of traffic forecast based on real data (European Journal of Operational Research 155). Which part, of which
//! deviations, is learned for each detector and horizon by recursive least squares with forgetting (Ljung & Söderström
//! 1983). Deviations are taken in units of the square root of the usual value, since counts scatter so.
//!
//! Each forecast is held against what came, and against two simple ones: the last value goes on, and the usual value
//! comes. The errors are part of the answer. Time comes in slots of five minutes, counted from midnight, 1 January 1970,
//! of the place.

use ndarray::{Array1, Array2, Axis};
use std::{collections::VecDeque, time::Duration};

/// A slot.
pub const SLOT: Duration = Duration::from_secs(300);
/// Slots ahead that are told: an hour.
pub const HORIZONS: usize = 12;

const SLOTS_A_DAY: usize = 288;
const SLOTS_A_WEEK: usize = 7 * SLOTS_A_DAY;
/// The usual value of a time of the week is the mean of about so many weeks, and that of a time of the day of so many days.
const WEEKS: f32 = 6.0;
const DAYS: f32 = 5.0;
/// Beside the weeks that are known (up to [`FULL_WEEKS`]), the days count as so many.
const DAYS_WEIGH: f32 = 2.0;
const FULL_WEEKS: f32 = 4.0;
/// Days that must be known before parts are learned; until then the usual value is not usual.
const DAYS_KNOWN: f32 = 2.0;
/// How much a slot's lesson weighs against the next one's: a week later it is a third.
const FORGETTING: f64 = 0.9995;
/// While nothing comes, forgetting would make the next lesson weigh without bound.
const MOST_UNSURE: f64 = 1e3;
/// Counts below this scatter as if they were so many.
const FEWEST: f32 = 5.0;
/// Errors are means over about so many forecasts: a week.
const ERRORS_OVER: f32 = SLOTS_A_WEEK as f32;
/// What a forecast looks at: a constant; the deviations of this slot, of the two before, of the three before those, of
/// the rest of the hour; those of the neighbours now; and those at this time yesterday.
const FEATURES: usize = 8;
/// Deviations that are remembered for that: a day and half an hour, slots.
const REMEMBERED: usize = SLOTS_A_DAY + 6;

/// Detectors whose deviations tell of one another, such as those of one junction.
#[derive(Clone, Debug)]
pub struct Forecaster {
    /// The slot that was taken last.
    last: Option<i64>,
    /// A detector of which nothing was ever heard has none: a week of slots takes 20 kB.
    series: Vec<Option<Box<Series>>>,
}

/// One forecast.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Ahead {
    /// What will be measured in the slot, in the unit of what was.
    pub value: f32,
    /// It is learned; else too few days are known, and the last values go on.
    pub learned: bool,
}

/// How far forecasts of one horizon were off lately, in the unit of what is measured; means of the absolute.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Errors {
    /// Forecasts that have been held against what came.
    pub count: u32,
    /// Of the forecast.
    pub forecast: f32,
    /// Had the last value gone on.
    pub persistence: f32,
    /// Had the usual value come.
    pub usual: f32,
}

/// One detector.
#[derive(Clone, Debug)]
struct Series {
    /// By time of the week and of the day: the usual value, and how many it is made of.
    week: Vec<(f32, f32)>,
    day: Vec<(f32, f32)>,
    /// Oldest first; a slot without a value deviates by nothing.
    deviations: VecDeque<f64>,
    /// Recursive least squares: the inverse correlation of the features, and the parts by horizon and feature.
    unsure: Array2<f64>,
    parts: Array2<f64>,
    /// What was looked at in the last slots, newest first.
    past: VecDeque<Look>,
    errors: [Errors; HORIZONS],
}

/// What was looked at, and said, in one slot.
#[derive(Clone, Debug)]
struct Look {
    features: Array1<f64>,
    /// How far a lesson of this slot moves the parts.
    gain: Array1<f64>,
    value: Option<f32>,
    said: [Option<Ahead>; HORIZONS],
}

impl Forecaster {
    /// So many detectors, of which nothing is known.
    pub fn new(detectors: usize) -> Forecaster {
        Forecaster { last: None, series: vec![None; detectors] }
    }

    /// Takes what was counted in a slot, a value for each detector; `None` where nothing was measured. Slots come in
    /// order; those that are left out were not measured.
    pub fn take(&mut self, slot: i64, values: &[Option<f32>]) {
        if self.last.is_some_and(|last| slot <= last) {
            return;
        }
        // After an hour of silence nothing of before says anything of now; the loop has a bound with it.
        let missed = self.last.map_or(0, |last| (slot - last - 1).min(HORIZONS as i64));
        for back in (1..=missed).rev() {
            self.step(slot - back, &vec![None; self.series.len()]);
        }
        self.step(slot, values);
        self.last = Some(slot);
    }

    fn step(&mut self, slot: i64, values: &[Option<f32>]) {
        let deviations: Vec<Option<f64>> = self
            .series
            .iter()
            .zip(values)
            .map(|(series, value)| Some(deviation((*value)?, series.as_ref()?.usual(slot)?)))
            .collect();
        let known = deviations.iter().flatten();
        let count = known.clone().count();
        let together = if count == 0 { 0.0 } else { known.sum::<f64>() / count as f64 };
        for ((series, value), deviation) in self.series.iter_mut().zip(values).zip(deviations) {
            if series.is_none() && value.is_none() {
                continue;
            }
            let series = series.get_or_insert_with(|| Box::new(Series::new()));
            series.learn(slot, *value, deviation);
            series.look(slot, *value, deviation, together);
            series.get_used(slot, *value);
        }
    }

    /// What a detector will count in each of the next slots; nothing where it is not known at all.
    pub fn ahead(&self, detector: usize) -> [Option<Ahead>; HORIZONS] {
        let newest = self.series[detector].as_ref().and_then(|series| series.past.front());
        newest.map_or([None; HORIZONS], |look| look.said)
    }

    /// How far off that was lately, by horizon.
    pub fn errors(&self, detector: usize) -> [Errors; HORIZONS] {
        self.series[detector].as_ref().map_or_else(Default::default, |series| series.errors)
    }

    /// The same over all detectors.
    pub fn all_errors(&self) -> [Errors; HORIZONS] {
        let mut all = [Errors::default(); HORIZONS];
        for (horizon, sum) in all.iter_mut().enumerate() {
            for series in self.series.iter().flatten() {
                sum.join(&series.errors[horizon]);
            }
        }
        all
    }

    /// The slot that was taken last.
    pub fn last(&self) -> Option<i64> {
        self.last
    }
}

impl Errors {
    /// Takes others' errors in, each by its count.
    pub fn join(&mut self, other: &Errors) {
        let count = self.count + other.count;
        if count == 0 {
            return;
        }
        let share = other.count as f32 / count as f32;
        let mean = |mine: f32, others: f32| mine + share * (others - mine);
        *self = Errors {
            count,
            forecast: mean(self.forecast, other.forecast),
            persistence: mean(self.persistence, other.persistence),
            usual: mean(self.usual, other.usual),
        };
    }

    fn add(&mut self, forecast: f32, persistence: f32, usual: f32) {
        self.count = self.count.saturating_add(1);
        let share = 1.0 / (self.count as f32).min(ERRORS_OVER);
        self.forecast += share * (forecast.abs() - self.forecast);
        self.persistence += share * (persistence.abs() - self.persistence);
        self.usual += share * (usual.abs() - self.usual);
    }
}

fn scatter(usual: f32) -> f32 {
    usual.max(FEWEST).sqrt()
}

fn deviation(value: f32, usual: f32) -> f64 {
    f64::from((value - usual) / scatter(usual))
}

fn time_of_week(slot: i64) -> usize {
    slot.rem_euclid(SLOTS_A_WEEK as i64) as usize
}

fn time_of_day(slot: i64) -> usize {
    slot.rem_euclid(SLOTS_A_DAY as i64) as usize
}

impl Series {
    fn new() -> Series {
        Series {
            week: vec![(0.0, 0.0); SLOTS_A_WEEK],
            day: vec![(0.0, 0.0); SLOTS_A_DAY],
            deviations: VecDeque::with_capacity(REMEMBERED + 1),
            unsure: Array2::eye(FEATURES),
            parts: Array2::zeros((HORIZONS, FEATURES)),
            past: VecDeque::with_capacity(HORIZONS + 1),
            errors: [Errors::default(); HORIZONS],
        }
    }

    /// The usual value of a slot; `None` where that time of the day is not known.
    fn usual(&self, slot: i64) -> Option<f32> {
        let ((weekly, weeks), (daily, days)) = (self.week[time_of_week(slot)], self.day[time_of_day(slot)]);
        let weeks = weeks.min(FULL_WEEKS);
        (days > 0.0).then(|| (weeks * weekly + DAYS_WEIGH * daily) / (weeks + DAYS_WEIGH))
    }

    /// Holds what was said of this slot against what came, and learns from it.
    fn learn(&mut self, slot: i64, value: Option<f32>, deviation: Option<f64>) {
        let Some(value) = value else { return };
        let usual = self.usual(slot);
        let known = self.day[time_of_day(slot)].1 >= DAYS_KNOWN;
        for (horizon, look) in self.past.iter().enumerate().take(HORIZONS) {
            if let (Some(said), Some(usual), Some(last)) = (look.said[horizon], usual, look.value)
                && said.learned
            {
                self.errors[horizon].add(said.value - value, last - value, usual - value);
            }
            if let (Some(deviation), true) = (deviation, known) {
                let mut parts = self.parts.index_axis_mut(Axis(0), horizon);
                let missed = deviation - parts.dot(&look.features);
                parts.scaled_add(missed, &look.gain);
            }
        }
    }

    /// Looks at how things are, and says what comes.
    fn look(&mut self, slot: i64, value: Option<f32>, deviation: Option<f64>, together: f64) {
        if self.deviations.len() == REMEMBERED {
            self.deviations.pop_front();
        }
        self.deviations.push_back(deviation.unwrap_or(0.0));
        let features = self.features(together);
        let gain = self.correlate(&features);
        let by_parts = self.parts.dot(&features);
        let recent = self.past.iter().take(2).filter_map(|look| look.value).chain(value);
        let (sum, count) = recent.fold((0.0, 0), |(sum, count), value| (sum + value, count + 1));
        let said = std::array::from_fn(|horizon| {
            let then = slot + horizon as i64 + 1;
            let learned = self.day[time_of_day(then)].1 >= DAYS_KNOWN;
            match self.usual(then).filter(|_| learned) {
                Some(usual) => {
                    let value = (usual + scatter(usual) * by_parts[horizon] as f32).max(0.0);
                    Some(Ahead { value, learned })
                }
                None => (count > 0).then(|| Ahead { value: sum / count as f32, learned }),
            }
        });
        self.past.truncate(HORIZONS - 1);
        self.past.push_front(Look { features, gain, value, said });
    }

    fn features(&self, together: f64) -> Array1<f64> {
        let back =
            |slots: usize| self.deviations.len().checked_sub(1 + slots).map_or(0.0, |at| self.deviations[at]);
        let mean = |from: usize, to: usize| (from..to).map(back).sum::<f64>() / (to - from) as f64;
        let yesterday = mean(SLOTS_A_DAY - 4, SLOTS_A_DAY + 2);
        Array1::from_vec(vec![1.0, back(0), back(1), back(2), mean(3, 6), mean(6, 12), together, yesterday])
    }

    /// One step of recursive least squares in the features; says how far a lesson of this slot moves the parts.
    fn correlate(&mut self, features: &Array1<f64>) -> Array1<f64> {
        let seen = self.unsure.dot(features);
        let gain = &seen / (FORGETTING + features.dot(&seen));
        let taken = gain.view().insert_axis(Axis(1)).dot(&seen.view().insert_axis(Axis(0)));
        self.unsure -= &taken;
        if self.unsure.diag().sum() < MOST_UNSURE {
            self.unsure /= FORGETTING;
        }
        // It is symmetric; rounding must not make it otherwise, or it grows without bound after weeks.
        let turned = self.unsure.t().to_owned();
        self.unsure = (&self.unsure + &turned) / 2.0;
        gain
    }

    /// The usual value takes this one in.
    fn get_used(&mut self, slot: i64, value: Option<f32>) {
        let Some(value) = value else { return };
        for (known, most) in
            [(&mut self.week[time_of_week(slot)], WEEKS), (&mut self.day[time_of_day(slot)], DAYS)]
        {
            known.1 += 1.0;
            known.0 += (value - known.0) / known.1.min(most);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A street with a rush hour in the morning, whose days differ by a factor that drifts.
    fn street(days: usize) -> impl Iterator<Item = (i64, f32)> {
        let mut random = 5_u64;
        let mut today = 1.0;
        (0..days * SLOTS_A_DAY).map(move |slot| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let noise = (random >> 33) as f32 / (1_u64 << 31) as f32 - 0.5;
            today += 0.06 * noise - 0.02 * (today - 1.0);
            let hour = (slot % SLOTS_A_DAY) as f32 / 12.0;
            let usual = 20.0 + 60.0 * (-(hour - 8.0) * (hour - 8.0) / 8.0).exp();
            (slot as i64, (usual * today + 4.0 * noise).max(0.0))
        })
    }

    #[test]
    fn it_is_better_than_the_last_value_and_the_usual_one() {
        let mut forecaster = Forecaster::new(1);
        for (slot, value) in street(21) {
            forecaster.take(slot, &[Some(value)]);
        }
        for (horizon, errors) in forecaster.errors(0).iter().enumerate() {
            assert!(errors.count > 2000, "{errors:?}");
            assert!(errors.forecast < errors.usual, "{horizon}: {errors:?}");
            // Five minutes ahead the last value is as good as any here.
            assert!(horizon < 2 || errors.forecast < 0.9 * errors.persistence, "{horizon}: {errors:?}");
        }
    }

    #[test]
    fn until_days_are_known_the_last_values_go_on() {
        let mut forecaster = Forecaster::new(2);
        assert_eq!(forecaster.ahead(0), [None; HORIZONS]);
        for (slot, value) in [(0, 6.0), (1, 9.0), (2, 12.0)] {
            forecaster.take(slot, &[Some(value), None]);
        }
        assert_eq!(forecaster.ahead(0), [Some(Ahead { value: 9.0, learned: false }); HORIZONS]);
        assert_eq!(forecaster.ahead(1), [None; HORIZONS], "nothing was ever measured");
        assert_eq!(forecaster.all_errors()[0].count, 0);
    }

    #[test]
    fn a_slot_that_comes_twice_counts_once() {
        let mut once = Forecaster::new(1);
        let mut twice = Forecaster::new(1);
        for (slot, value) in street(4) {
            once.take(slot, &[Some(value)]);
            twice.take(slot, &[Some(value)]);
            twice.take(slot, &[Some(99.0)]);
            twice.take(slot - 5, &[None]);
        }
        assert_eq!(once.ahead(0), twice.ahead(0));
        assert_eq!(once.errors(0), twice.errors(0));
    }

    #[test]
    fn a_detector_that_was_dead_for_weeks_comes_back() {
        let mut forecaster = Forecaster::new(1);
        for (slot, value) in street(60) {
            let day = slot / SLOTS_A_DAY as i64;
            forecaster.take(slot, &[(!(14..50).contains(&day)).then_some(value)]);
        }
        for ahead in forecaster.ahead(0).into_iter().flatten() {
            assert!(ahead.learned && (0.0..60.0).contains(&ahead.value), "{ahead:?}");
        }
        let errors = forecaster.errors(0)[5];
        assert!(errors.forecast < errors.usual, "{errors:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn any_counts_give_numbers(
            counts in proptest::collection::vec((proptest::option::of(0_f32..65_535.0), 1..4_i64), 900..1500),
        ) {
            let mut forecaster = Forecaster::new(1);
            let mut slot = 0;
            for (count, later) in counts {
                slot += later;
                forecaster.take(slot, &[count]);
                for ahead in forecaster.ahead(0).into_iter().flatten() {
                    prop_assert!(ahead.value.is_finite() && ahead.value >= 0.0);
                }
            }
        }
    }
}
