//! How many commands a second the way to the street bears: found by trying, since nobody tells.
//!
//! A broker that is busy takes our commands late; three answers to each stand before the next lamps of its gateway; and a
//! command that waits for seconds speaks of a street that is gone. So the room grows while answers are quick, and shrinks when
//! they are not.

use std::time::Duration;

/// Of these any link takes many in a second.
const LEAST: usize = 100;
/// To begin with.
const FIRST: usize = 400;
/// What a second's room grows or shrinks by: one part of so many.
const STEP: usize = 8;
/// Answers are quick below the first and slow beyond the second. A tick's commands leave in one burst, so half of their answers
/// take some tenths of a second in a great city even if nothing is wrong.
const QUICK: Duration = Duration::from_millis(250);
const SLOW: Duration = Duration::from_millis(400);

/// The room for commands.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    room: usize,
    /// Commands of the last tick.
    gave: usize,
    /// Messages that the broker had not taken before the last tick, and now.
    before: usize,
    backlog: usize,
    /// How long cabinets took to say that they received a command, since the last tick.
    answers: Vec<Duration>,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace { room: FIRST, gave: 0, before: 0, backlog: 0, answers: Vec::new() }
    }
}

impl Pace {
    pub(super) fn set_backlog(&mut self, messages: usize) {
        self.before = std::mem::replace(&mut self.backlog, messages);
    }

    pub(super) fn answered(&mut self, after: Duration) {
        self.answers.push(after);
    }

    /// The room for this tick.
    pub(super) fn room(&mut self) -> usize {
        let half = self.answers.len() / 2;
        let typical = (!self.answers.is_empty()).then(|| *self.answers.select_nth_unstable(half).1);
        self.answers.clear();
        let used = self.room.min(self.gave);
        self.room = if self.backlog > LEAST.max(self.room / STEP) {
            // It passed that many; what still waits must pass as well.
            (self.before + used).saturating_sub(2 * self.backlog)
        } else if typical.is_some_and(|typical| typical > SLOW) {
            used - used / STEP
        } else if used > self.room / 2 && typical.is_some_and(|typical| typical < QUICK) {
            self.room + self.room / STEP
        } else {
            self.room
        }
        .max(LEAST);
        self.room
    }

    /// So many were sent.
    pub(super) fn gave(&mut self, commands: usize) {
        self.gave = commands;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A way to the street that takes so many commands a second, and lets the others wait in the link or, beyond it, at a busy
    /// broker.
    struct Street {
        pace: Pace,
        waits: usize,
    }

    impl Street {
        fn second(&mut self, takes: usize, in_the_link: bool) -> usize {
            self.pace.set_backlog(if in_the_link { self.waits } else { 0 });
            let room = self.pace.room();
            self.pace.gave(room);
            self.waits += room;
            let after = Duration::from_secs_f64(self.waits as f64 / takes as f64 / 2.0);
            self.waits -= self.waits.min(takes);
            (0..room).for_each(|_| self.pace.answered(after));
            room
        }
    }

    #[test]
    fn as_many_as_the_street_takes() {
        for in_the_link in [true, false] {
            let mut street = Street { pace: Pace::default(), waits: 0 };
            let slow: Vec<_> =
                (0..60).map(|_| (street.second(700, in_the_link), street.waits)).skip(20).collect();
            let mean = slow.iter().map(|(room, _)| room).sum::<usize>() / slow.len();
            assert!((350..=700).contains(&mean), "{mean} of 700: {slow:?}");
            assert!(slow.iter().all(|(_, waits)| *waits < 350), "longer than half a second: {slow:?}");
            let quick: Vec<_> = (0..60).map(|_| street.second(5000, in_the_link)).skip(40).collect();
            assert!(quick.iter().all(|room| (2000..=6000).contains(room)), "{quick:?}");
        }
    }

    #[test]
    fn room_that_nobody_needs_does_not_grow() {
        let mut pace = Pace::default();
        for _ in 0..1000 {
            pace.room();
            pace.gave(40);
            (0..40).for_each(|_| pace.answered(Duration::from_millis(5)));
        }
        assert_eq!(pace.room(), FIRST);
    }

    /// Whoever does not answer at all is no reason to ask others less: their leases would lapse.
    #[test]
    fn silence_is_no_slowness() {
        let mut pace = Pace::default();
        for _ in 0..100 {
            pace.gave(40);
            assert_eq!(pace.room(), FIRST);
        }
    }
}
