//! How time is cut into bins, and how a moment is written.

use jiff::civil::{Date, date};
use model::time::Moment;
use serde::{Serialize, Serializer};
use std::{collections::BTreeMap, fmt, time::Duration};

/// Bins are counted from Monday, 3 January 2000, 00:00, as the package's database does. It shows only with bins that do
/// not divide a day.
const ORIGIN: Moment = Moment(946_857_600_000);
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;

/// The length of a bin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bin {
    minutes: u16,
}

impl Bin {
    /// The longest bin: a day, min.
    pub const LONGEST: u16 = 1440;
    /// A quarter of an hour, which most measures are published in.
    pub const QUARTER: Bin = Bin { minutes: 15 };

    /// A bin of so many minutes; `None` for none and for more than a day.
    pub const fn minutes(minutes: u16) -> Option<Bin> {
        if minutes == 0 || minutes > Bin::LONGEST { None } else { Some(Bin { minutes }) }
    }
    /// Its length in minutes.
    pub fn as_minutes(self) -> u16 {
        self.minutes
    }
    /// Its length.
    pub fn length(self) -> Duration {
        Duration::from_millis(self.length_ms() as u64)
    }
    /// The beginning of the bin that a moment is in.
    pub fn floor(self, at: Moment) -> Moment {
        Moment(at.0 - (at.0 - ORIGIN.0).rem_euclid(self.length_ms()))
    }
    fn length_ms(self) -> i64 {
        i64::from(self.minutes) * MINUTE_MS
    }
}

/// Something kept for each bin and each group, channel, code: whatever a measure counts by.
#[derive(Clone, Debug)]
pub(super) struct Binned<K, V>(pub(super) BTreeMap<(Moment, K), V>);

impl<K, V> Default for Binned<K, V> {
    fn default() -> Self {
        Binned(BTreeMap::new())
    }
}

impl<K: Ord, V: Default> Binned<K, V> {
    /// What is kept for a key in the bin that begins then.
    pub(super) fn at(&mut self, bin: Moment, key: K) -> &mut V {
        self.0.entry((bin, key)).or_default()
    }
}

/// The mean of whole numbers that come one by one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mean {
    pub(super) count: u32,
    sum: u64,
}

impl Mean {
    pub(super) fn add(&mut self, number: u16) {
        self.count += 1;
        self.sum += u64::from(number);
    }
    /// Their mean; there is at least one.
    pub(super) fn value(self) -> f32 {
        (self.sum as f64 / f64::from(self.count)) as f32
    }
}

/// A moment as a column: `2024-04-15 12:00:00.4`, with no more digits than it needs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Stamp(pub Moment);

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (day, ms) = (self.0.0.div_euclid(DAY_MS), self.0.0.rem_euclid(DAY_MS));
        let date = civil(day);
        let (s, ms) = (ms / 1000, ms % 1000);
        let (year, month, day) = (date.year(), date.month(), date.day());
        write!(f, "{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)?;
        match ms {
            0 => Ok(()),
            _ if ms % 100 == 0 => write!(f, ".{}", ms / 100),
            _ => write!(f, ".{ms:03}"),
        }
    }
}

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Text for files; a number where a program reads it.
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_i64(self.0.0)
        }
    }
}

/// Days since 1970 as a date; the calendar's end for what is beyond it.
fn civil(day: i64) -> Date {
    let since = jiff::Span::new().try_days(day);
    since.and_then(|span| date(1970, 1, 1).checked_add(span)).unwrap_or(Date::MAX)
}

/// The moment of a date and a time of day; `None` if there is no such date.
pub(super) fn moment(year: i16, month: i8, day: i8, ms_of_day: i64) -> Option<Moment> {
    let date = Date::new(year, month, day).ok()?;
    let days = date.since(date_1970()).ok()?.get_days();
    Some(Moment(i64::from(days) * DAY_MS + ms_of_day))
}

const fn date_1970() -> Date {
    date(1970, 1, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(minutes: u16, at: [i64; 3], begins: [i64; 3]) {
        let on_that_day = |[h, m, s]: [i64; 3]| moment(2024, 4, 15, ((h * 60 + m) * 60 + s) * 1000).unwrap();
        assert_eq!(Bin::minutes(minutes).unwrap().floor(on_that_day(at)), on_that_day(begins));
    }

    #[test]
    fn a_bin_begins_at_a_multiple_of_its_length() {
        check(15, [12, 14, 59], [12, 0, 0]);
        check(15, [12, 15, 0], [12, 15, 0]);
        check(60, [12, 59, 59], [12, 0, 0]);
        check(7, [12, 34, 56], [12, 29, 0]);
        assert_eq!(Bin::minutes(0), None);
        assert_eq!(Bin::minutes(1441), None);
    }

    #[test]
    fn a_stamp_has_the_digits_that_it_needs() {
        let at = moment(2024, 2, 29, 0).unwrap();
        assert_eq!(Stamp(at).to_string(), "2024-02-29 00:00:00");
        assert_eq!(Stamp(Moment(at.0 + 400)).to_string(), "2024-02-29 00:00:00.4");
        assert_eq!(Stamp(Moment(at.0 + 86_399_050)).to_string(), "2024-02-29 23:59:59.050");
        assert_eq!(moment(2023, 2, 29, 0), None);
    }
}
