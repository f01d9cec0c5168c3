//! Before and after: what a change did to a measure, with how sure one can be of it.
//!
//! Traffic differs more between a Monday and a Saturday, and between eight and eleven o'clock, than most changes alter it. So the first
//! Monday before is set beside the first Monday after, the second beside the second, and of each pair only those bins that both days
//! have. Bins of one day go up and down together; what is drawn independently is the day. The mean of the pairs' differences has the
//! interval of a paired sample (Student's t, NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.5.2 and 7.3.1).

use jiff::civil::{Date, Weekday};
use statrs::distribution::{ContinuousCDF, StudentsT};
use std::collections::BTreeMap;

/// A day's bins: by place in the day, and whatever else tells one row from another (signal group, channel).
type Day = BTreeMap<(u32, Vec<i64>), f64>;

/// Values of one measure, by day.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Days(BTreeMap<Date, Day>);

impl Days {
    /// Takes the value of one bin: on which day, how many seconds into it, and of what.
    pub fn take(&mut self, day: Date, second: u32, of: Vec<i64>, value: f64) {
        self.0.entry(day).or_default().insert((second, of), value);
    }

    /// How many days have any value.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none has.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn by_weekday(&self) -> BTreeMap<u8, Vec<(Date, &Day)>> {
        let mut weekdays: BTreeMap<u8, Vec<(Date, &Day)>> = BTreeMap::new();
        for (date, day) in &self.0 {
            weekdays.entry(place(date.weekday())).or_default().push((*date, day));
        }
        weekdays
    }
}

/// Monday is 0.
fn place(weekday: Weekday) -> u8 {
    weekday.to_monday_zero_offset().unsigned_abs()
}

/// Two days of the same name.
#[derive(Clone, PartialEq, Debug)]
pub struct Pair {
    /// The day before the change.
    pub before: Date,
    /// The day after it.
    pub after: Date,
    /// Bins that both have.
    pub bins: usize,
    /// Mean over those, before.
    pub mean_before: f64,
    /// And after.
    pub mean_after: f64,
}

/// What came of it.
#[derive(Clone, PartialEq, Debug)]
pub struct Comparison {
    /// Days that were compared, in the order of the days before.
    pub pairs: Vec<Pair>,
    /// Days without a fellow on the other side, or without a bin in common with it.
    pub left_out: usize,
    /// Mean of the days before.
    pub before: f64,
    /// Mean of the days after.
    pub after: f64,
    /// `after - before`.
    pub difference: f64,
    /// Half the width of the 95 % confidence interval of the difference; none of fewer than two pairs.
    pub half_width: Option<f64>,
}

impl Comparison {
    /// Of two sets of days; `None` if no two of them can be compared.
    pub fn of(before: &Days, after: &Days) -> Option<Comparison> {
        let (earlier, later) = (before.by_weekday(), after.by_weekday());
        let mut pairs: Vec<Pair> = earlier
            .iter()
            .filter_map(|(weekday, earlier)| Some(earlier.iter().zip(later.get(weekday)?)))
            .flatten()
            .filter_map(|(&(before, a), &(after, b))| pair(before, a, after, b))
            .collect();
        pairs.sort_by_key(|pair| pair.before);
        let n = pairs.len() as f64;
        let mean = |of: fn(&Pair) -> f64| pairs.iter().map(of).sum::<f64>() / n;
        let (earlier, later) = (mean(|p| p.mean_before), mean(|p| p.mean_after));
        let difference = later - earlier;
        let half_width = (pairs.len() > 1).then(|| {
            let squares = pairs.iter().map(|p| (p.mean_after - p.mean_before - difference).powi(2));
            let deviation = (squares.sum::<f64>() / (n - 1.0)).sqrt();
            student_975(n - 1.0) * deviation / n.sqrt()
        });
        let left_out = before.len() + after.len() - 2 * pairs.len();
        (!pairs.is_empty()).then_some(Comparison {
            pairs,
            left_out,
            before: earlier,
            after: later,
            difference,
            half_width,
        })
    }

    /// Whether the interval leaves out zero: the change did something, by all likelihood.
    pub fn is_significant(&self) -> bool {
        self.half_width.is_some_and(|half| self.difference.abs() > half)
    }
}

fn pair(before: Date, a: &Day, after: Date, b: &Day) -> Option<Pair> {
    let both: Vec<(f64, f64)> = a.iter().filter_map(|(bin, a)| Some((*a, *b.get(bin)?))).collect();
    let n = both.len() as f64;
    (!both.is_empty()).then(|| Pair {
        before,
        after,
        bins: both.len(),
        mean_before: both.iter().map(|(a, _)| a).sum::<f64>() / n,
        mean_after: both.iter().map(|(_, b)| b).sum::<f64>() / n,
    })
}

/// 97.5th percentile of Student's t.
fn student_975(freedom: f64) -> f64 {
    StudentsT::new(0.0, 1.0, freedom).map_or(f64::INFINITY, |t| t.inverse_cdf(0.975))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    /// Days of the month, each with a value at eight and one at nine.
    fn days(month: i8, values: &[(i8, [f64; 2])]) -> Days {
        let mut days = Days::default();
        for (day, [eight, nine]) in values {
            days.take(date(2026, month, *day), 28_800, vec![3], *eight);
            days.take(date(2026, month, *day), 32_400, vec![3], *nine);
        }
        days
    }

    #[test]
    fn mondays_stand_beside_mondays() {
        // 2 and 9 February and 2 and 9 March 2026 are Mondays, 3 February is a Tuesday, 7 March a Saturday.
        let before = days(2, &[(2, [10.0, 20.0]), (3, [90.0, 90.0]), (9, [12.0, 22.0])]);
        let after = days(3, &[(2, [8.0, 16.0]), (7, [1.0, 1.0]), (9, [8.0, 20.0])]);
        let found = Comparison::of(&before, &after).unwrap();
        assert_eq!((found.pairs.len(), found.left_out), (2, 2));
        assert_eq!((found.before, found.after, found.difference), (16.0, 13.0, -3.0));
        // Both pairs differ by 3: there is no spread.
        assert_eq!(found.half_width, Some(0.0));
        assert!(found.is_significant());
    }

    #[test]
    fn only_bins_that_both_days_have_are_compared() {
        let before = days(2, &[(2, [10.0, 20.0])]);
        let mut after = Days::default();
        after.take(date(2026, 3, 2), 28_800, vec![3], 9.0);
        // Another group is another thing.
        after.take(date(2026, 3, 2), 32_400, vec![4], 99.0);
        let found = Comparison::of(&before, &after).unwrap();
        assert_eq!((found.pairs[0].bins, found.before, found.after), (1, 10.0, 9.0));
        assert_eq!((found.half_width, found.is_significant()), (None, false));
    }

    #[test]
    fn the_interval_is_the_textbooks() {
        // Differences 1, 2 and 6: mean 3, deviation √7, t(2) = 4.303.
        let before = days(2, &[(2, [0.0, 0.0]), (3, [0.0, 0.0]), (4, [0.0, 0.0])]);
        let after = days(3, &[(2, [1.0, 1.0]), (3, [2.0, 2.0]), (4, [6.0, 6.0])]);
        let found = Comparison::of(&before, &after).unwrap();
        let expected = 4.303 * 7f64.sqrt() / 3f64.sqrt();
        assert!((found.half_width.unwrap() - expected).abs() < 0.01, "{found:?}");
        assert!(!found.is_significant());
    }

    #[test]
    fn a_weekend_says_nothing_of_a_week() {
        let before = days(2, &[(2, [1.0, 1.0])]);
        assert_eq!(Comparison::of(&before, &days(3, &[(7, [1.0, 1.0])])), None);
        assert_eq!(Comparison::of(&before, &Days::default()), None);
    }
}
