//! The city's clock, for shells only: cores get `now` handed in.

use model::time::Moment;
use std::time::Duration;
use tokio::time::Instant;

/// A machine's clock that is set by more than this stands elsewhere, ms; what a good clock is corrected by is far less.
const STEP_MS: i64 = 1_000;
/// How often that is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Where `now` comes from: the machine, or a city that started at some moment and runs at some speed.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Instant,
    at: Moment,
    speed: f64,
}

impl Clock {
    /// The machine's clock.
    pub fn real() -> Clock {
        Clock { started: Instant::now(), at: machine(), speed: 1.0 }
    }

    /// Waits until the machine's clock has been set to another time: by its first synchronisation after a start, or because the
    /// machine slept. This one goes on as it was, evenly, so whoever tells times to others begins anew with a new one.
    /// Gives by how much, ms.
    pub async fn outdated(&self) -> i64 {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let off = machine().0 - self.now().0;
            if off.abs() > STEP_MS {
                return off;
            }
        }
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

#[expect(clippy::disallowed_methods, reason = "this is the shell's one door to the wall clock")]
fn machine() -> Moment {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Moment(now.as_millis() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_clock_that_was_set_is_noticed() {
        let early = Clock::scaled(machine() - Duration::from_secs(60), 1.0);
        let off = early.outdated().await;
        assert!((59_000..=61_000).contains(&off), "{off}");
    }
}
