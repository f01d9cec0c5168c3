//! Time, handed in and never fetched.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{
    fmt,
    iter::Sum,
    ops::{Add, AddAssign, Sub},
    time::Duration,
};

/// An instant: milliseconds since 1970-01-01T00:00:00Z. Under a virtual clock it is the simulated one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Moment(pub i64);

impl Moment {
    /// Whole and fractional seconds since the epoch, for charts and JSON.
    pub fn as_seconds(self) -> f64 {
        self.0 as f64 / 1000.0
    }
    /// Time since `earlier`; zero when `earlier` is in fact later.
    pub fn since(self, earlier: Moment) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl Add<Duration> for Moment {
    type Output = Moment;
    fn add(self, d: Duration) -> Moment {
        Moment(self.0 + d.as_millis() as i64)
    }
}

impl Sub<Duration> for Moment {
    type Output = Moment;
    fn sub(self, d: Duration) -> Moment {
        Moment(self.0 - d.as_millis() as i64)
    }
}

impl Add<Tenths> for Moment {
    type Output = Moment;
    fn add(self, d: Tenths) -> Moment {
        Moment(self.0 + i64::from(d.0) * 100)
    }
}

/// A duration in tenths of a second: the grain of signal timing and of the hi-res event log, kept whole
/// so that a cycle adds up exactly. In text it is seconds (`3`, `4.5`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Tenths(pub u32);

impl Tenths {
    /// No time at all.
    pub const ZERO: Tenths = Tenths(0);

    /// Whole seconds.
    pub const fn seconds(s: u32) -> Tenths {
        Tenths(s * 10)
    }
    /// The nearest tenth; negative or absurd input is clamped into range.
    pub fn from_seconds_f64(s: f64) -> Tenths {
        Tenths((s * 10.0).round().clamp(0.0, f64::from(u32::MAX)) as u32)
    }
    /// Seconds, for arithmetic outside the timing itself.
    pub fn as_seconds(self) -> f64 {
        f64::from(self.0) / 10.0
    }
    /// As a standard duration.
    pub fn as_duration(self) -> Duration {
        Duration::from_millis(u64::from(self.0) * 100)
    }
    /// `self - other`, or zero.
    pub fn saturating_sub(self, other: Tenths) -> Tenths {
        Tenths(self.0.saturating_sub(other.0))
    }
}

impl From<Duration> for Tenths {
    fn from(d: Duration) -> Tenths {
        Tenths(u32::try_from(d.as_millis() / 100).unwrap_or(u32::MAX))
    }
}

impl Add for Tenths {
    type Output = Tenths;
    fn add(self, o: Tenths) -> Tenths {
        Tenths(self.0 + o.0)
    }
}

impl AddAssign for Tenths {
    fn add_assign(&mut self, o: Tenths) {
        self.0 += o.0;
    }
}

impl Sum for Tenths {
    fn sum<I: Iterator<Item = Tenths>>(all: I) -> Tenths {
        all.fold(Tenths::ZERO, Add::add)
    }
}

impl fmt::Display for Tenths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 % 10 {
            0 => write!(f, "{}", self.0 / 10),
            tenth => write!(f, "{}.{tenth}", self.0 / 10),
        }
    }
}

impl Serialize for Tenths {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_f64(self.as_seconds())
    }
}

impl<'de> Deserialize<'de> for Tenths {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Tenths, D::Error> {
        let s = f64::deserialize(d)?;
        if (0.0..=100_000.0).contains(&s) {
            Ok(Tenths::from_seconds_f64(s))
        } else {
            Err(serde::de::Error::custom(format!("{s} is not a duration in seconds")))
        }
    }
}
