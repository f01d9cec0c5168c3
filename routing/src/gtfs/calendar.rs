//! Days, and the days on which a service runs.

use jiff::{ToSpan, civil, tz::TimeZone};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A day of the calendar: days since 1970-01-01.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Day(pub i32);

const EPOCH: civil::Date = civil::date(1970, 1, 1);

impl Day {
    /// The day of a civil date.
    pub fn of(date: civil::Date) -> Day {
        let days = date.since((jiff::Unit::Day, EPOCH)).map_or(0, |span| span.get_days());
        Day(days)
    }

    /// Reads `20240612`.
    pub fn parse(text: &str) -> Option<Day> {
        if text.len() != 8 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let (year, month, day) = (text[..4].parse().ok()?, text[4..6].parse().ok()?, text[6..].parse().ok()?);
        civil::Date::new(year, month, day).ok().map(Day::of)
    }

    /// The civil date.
    pub fn date(self) -> civil::Date {
        EPOCH.checked_add(self.0.days()).unwrap_or(civil::Date::MAX)
    }

    /// The day so many days later.
    pub fn plus(self, days: i32) -> Day {
        Day(self.0.saturating_add(days))
    }

    /// Monday is 0.
    pub(crate) fn weekday(self) -> usize {
        (self.0 + 3).rem_euclid(7) as usize // 1970-01-01 was a Thursday.
    }

    /// The moment from which GTFS counts a service day's times: noon minus twelve hours, which is midnight
    /// but for the days on which clocks change. Seconds since 1970-01-01T00:00:00Z.
    pub fn begins_s(self, zone: &TimeZone) -> i64 {
        let noon = self.date().at(12, 0, 0, 0);
        zone.to_ambiguous_timestamp(noon)
            .compatible()
            .map_or(i64::from(self.0) * 86_400, |noon| noon.as_second() - 43_200)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.date().fmt(f)
    }
}

/// A service may run over so many days. Real calendars cover months; 99991231 is written by those who mean "for
/// ever", and is cut here.
pub const LONGEST_SERVICE_DAYS: i32 = 20 * 366;

/// The days on which a service runs.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Service {
    first: i32,
    bits: Vec<u64>,
}

impl Service {
    /// Each of `weekdays` (Monday first) from `first` to `last`.
    pub fn weekly(weekdays: [bool; 7], first: Day, last: Day) -> Service {
        let mut service = Service::default();
        for day in (first.0..=last.0.min(first.0.saturating_add(LONGEST_SERVICE_DAYS))).map(Day) {
            if weekdays[day.weekday()] {
                service.set(day, true);
            }
        }
        service
    }

    /// Adds a day or takes it away.
    pub fn set(&mut self, day: Day, runs: bool) {
        if self.bits.is_empty() {
            self.first = day.0;
        }
        if day.0 < self.first {
            if !runs {
                return;
            }
            let words = (self.first - day.0 + 63) / 64;
            self.bits.splice(..0, std::iter::repeat_n(0, words as usize));
            self.first -= words * 64;
        }
        let at = (day.0 - self.first) as usize;
        if at / 64 >= self.bits.len() {
            if !runs {
                return;
            }
            self.bits.resize(at / 64 + 1, 0);
        }
        let bit = 1 << (at % 64);
        if runs { self.bits[at / 64] |= bit } else { self.bits[at / 64] &= !bit }
    }

    /// Whether it runs on that day.
    pub fn runs_on(&self, day: Day) -> bool {
        let at = i64::from(day.0) - i64::from(self.first);
        at >= 0 && self.bits.get(at as usize / 64).is_some_and(|word| word & (1 << (at % 64)) != 0)
    }

    /// First and last day on which it runs; `None` if it never does.
    pub fn span(&self) -> Option<(Day, Day)> {
        let low = self.bits.iter().position(|&word| word != 0)?;
        let high = self.bits.iter().rposition(|&word| word != 0)?;
        let first = self.first + low as i32 * 64 + self.bits[low].trailing_zeros() as i32;
        let last = self.first + high as i32 * 64 + 63 - self.bits[high].leading_zeros() as i32;
        Some((Day(first), Day(last)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> Day {
        Day::parse(text).expect("a day")
    }

    #[test]
    fn days_are_read_and_counted() {
        assert_eq!((day("19700101"), day("20240612").0), (Day(0), 19_886));
        assert_eq!(day("20240612").to_string(), "2024-06-12");
        for wrong in ["", "2024061", "20240631", "2024-6-1", "202406 2", "20241301"] {
            assert_eq!(Day::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn weekdays_and_exceptions() {
        let workdays = [true, true, true, true, true, false, false];
        let mut service = Service::weekly(workdays, day("20240610"), day("20240616"));
        service.set(day("20240613"), false);
        service.set(day("20240501"), true);
        service.set(day("20250101"), true);
        let runs = |text: &str| service.runs_on(day(text));
        assert!(runs("20240612") && runs("20240501") && runs("20250101"));
        assert!(!runs("20240613") && !runs("20240615") && !runs("20240609") && !runs("20991231"));
        assert_eq!(service.span(), Some((day("20240501"), day("20250101"))));
    }

    #[test]
    fn a_day_begins_twelve_hours_before_noon() {
        let lisbon = TimeZone::get("Europe/Lisbon").unwrap();
        let begins =
            |text: &str| jiff::Timestamp::from_second(day(text).begins_s(&lisbon)).unwrap().to_string();
        assert_eq!(begins("20240612"), "2024-06-11T23:00:00Z");
        // Clocks go forward at one: that day's counting begins an hour before its midnight.
        assert_eq!(begins("20240331"), "2024-03-30T23:00:00Z");
        assert_eq!(begins("20241027"), "2024-10-27T00:00:00Z");
    }

    proptest! {
        #[test]
        fn a_service_remembers_what_it_was_told(told in prop::collection::vec((-500..500_i32, any::<bool>()), 0..60)) {
            let (mut service, mut known) = (Service::default(), std::collections::BTreeSet::new());
            for (number, runs) in told {
                service.set(Day(number), runs);
                if runs { known.insert(number) } else { known.remove(&number) };
            }
            for number in -600..600 {
                prop_assert_eq!(service.runs_on(Day(number)), known.contains(&number));
            }
            let span = known.first().zip(known.last()).map(|(a, b)| (Day(*a), Day(*b)));
            prop_assert_eq!(service.span(), span);
        }
    }
}
