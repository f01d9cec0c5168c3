//! The city's clock, for shells only: cores get `now` handed in.

use model::time::Moment;
use std::time::Duration;
use tokio::time::Instant;

/// Where `now` comes from: the machine, or a city that started at some moment and runs at some speed.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Instant,
    at: Moment,
    speed: f64,
}

impl Clock {
    /// The machine's clock.
    #[expect(clippy::disallowed_methods, reason = "this is the shell's one door to the wall clock")]
    pub fn real() -> Clock {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Clock { started: Instant::now(), at: Moment(now.as_millis() as i64), speed: 1.0 }
    }

    /// A clock that stands at `at` now and runs `speed` times as fast as the machine's; `speed` > 0.
    pub fn scaled(at: Moment, speed: f64) -> Clock {
        Clock { started: Instant::now(), at, speed }
    }

    /// The city's time.
    pub fn now(&self) -> Moment {
        self.at + self.started.elapsed().mul_f64(self.speed)
    }

    /// How fast it runs.
    pub fn speed(&self) -> f64 {
        self.speed
    }

    /// How long a stretch of the city's time takes on the machine.
    pub fn real_duration(&self, city: Duration) -> Duration {
        city.div_f64(self.speed)
    }

    /// Sleeps until the city's time is `moment`; returns at once if it is past.
    pub async fn sleep_until(&self, moment: Moment) {
        let city = Duration::from_millis((moment.0 - self.at.0).max(0) as u64);
        tokio::time::sleep_until(self.started + self.real_duration(city)).await;
    }
}
