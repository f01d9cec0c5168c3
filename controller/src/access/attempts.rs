//! Slows down whoever tries passwords: after some wrong ones in a row a login must wait, longer each time.

use std::{collections::HashMap, time::Duration};
use tokio::time::Instant;

/// Wrong passwords in a row that cost no wait: people mistype.
const FREE: u32 = 5;
/// The longest wait, so that nobody can keep somebody else out for long.
const LONGEST: Duration = Duration::from_secs(60);
/// Logins that are remembered; past it those whose wait is over are forgotten.
const MOST: usize = 10_000;

/// Wrong passwords by login.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    wrong: HashMap<String, (u32, Instant)>,
}

impl Attempts {
    /// How long this login still has to wait, if so.
    pub(crate) fn wait(&self, now: Instant, login: &str) -> Option<Duration> {
        let (_, until) = self.wrong.get(login)?;
        until.checked_duration_since(now).filter(|left| !left.is_zero())
    }

    /// A password was tried.
    pub(crate) fn note(&mut self, now: Instant, login: &str, right: bool) {
        if right {
            self.wrong.remove(login);
            return;
        }
        if self.wrong.len() >= MOST {
            self.wrong.retain(|_, (_, until)| *until > now);
        }
        let (count, until) = self.wrong.entry(login.to_owned()).or_insert((0, now));
        *count = count.saturating_add(1);
        let wait = match count.checked_sub(FREE) {
            None => Duration::ZERO,
            Some(more) => Duration::from_secs(1 << more.min(6)).min(LONGEST),
        };
        *until = now + wait;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessing_gets_slower_and_the_right_password_ends_it() {
        let (mut attempts, now) = (Attempts::default(), Instant::now());
        for _ in 0..FREE - 1 {
            attempts.note(now, "a", false);
        }
        assert_eq!(attempts.wait(now, "a"), None);
        attempts.note(now, "a", false);
        assert_eq!(attempts.wait(now, "a"), Some(Duration::from_secs(1)));
        assert_eq!(attempts.wait(now, "b"), None);
        for _ in 0..40 {
            attempts.note(now, "a", false);
        }
        assert_eq!(attempts.wait(now, "a"), Some(LONGEST));
        assert_eq!(attempts.wait(now + LONGEST, "a"), None);
        attempts.note(now, "a", true);
        attempts.note(now, "a", false);
        assert_eq!(attempts.wait(now, "a"), None);
    }
}
