//! What-if questions that were put to a simulator, and what was heard of them. No clock, no socket: a question is open
//! until an answer ends it, somebody cancels it, or nobody says anything of it for too long.

use model::time::Moment;
use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;
use uuid::Uuid;
use wire::what_if::{Answer, Change, Failure, Outcome, State};

/// Questions that are open at once: as many as a simulator takes, and some that it refuses plainly.
pub(crate) const MOST_OPEN: usize = 8;
/// Questions that are remembered; beyond them the oldest that is over is forgotten.
const KEPT: usize = 50;
/// A question of which nothing was heard for so long has no simulator: several of its heartbeats
/// ([`wire::what_if::HEARTBEAT_S`]), and a connection that is made anew.
const SILENCE: Duration = Duration::from_secs(15);

/// A question.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) id: Uuid,
    /// By the city's clock.
    pub(crate) at: Moment,
    pub(crate) who: String,
    pub(crate) reason: String,
    pub(crate) horizon_s: u32,
    pub(crate) seeds: u16,
    pub(crate) trial: Vec<Change>,
}

/// How far it is.
#[derive(Clone, Debug)]
pub(crate) enum Stand {
    /// Nobody has answered, or others are before it: so many, if that is known.
    Waiting(Option<u16>),
    /// Share done.
    Running(f32),
    Done(Box<Outcome>),
    /// Why, as a stable word and for people.
    Failed(&'static str, String),
}

impl Stand {
    pub(crate) fn is_open(&self) -> bool {
        matches!(self, Stand::Waiting(_) | Stand::Running(_))
    }
}

/// A question and what was heard of it.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) asked: Asked,
    /// The simulator that took it.
    pub(crate) by: Option<String>,
    pub(crate) stand: Stand,
    heard: Instant,
}

/// All of them, newest last. Shared by the centre's task, which hears, and the API, which shows.
#[derive(Debug, Default)]
pub(crate) struct Board(Mutex<VecDeque<Entry>>);

impl Board {
    /// Puts a question up; false if too many are open.
    pub(crate) fn begin(&self, now: Instant, asked: Asked) -> bool {
        let mut all = self.lock();
        if all.iter().filter(|e| e.stand.is_open()).count() >= MOST_OPEN {
            return false;
        }
        all.push_back(Entry { asked, by: None, stand: Stand::Waiting(None), heard: now });
        if all.len() > KEPT
            && let Some(oldest) = all.iter().position(|e| !e.stand.is_open())
        {
            all.remove(oldest);
        }
        true
    }

    /// A simulator said something. What is over stays as it is, and of two simulators the first one counts.
    pub(crate) fn hear(&self, now: Instant, answer: Answer) {
        let mut all = self.lock();
        let Some(entry) = all.iter_mut().find(|e| e.asked.id == answer.id && e.stand.is_open()) else {
            return;
        };
        if *entry.by.get_or_insert_with(|| answer.from.clone()) != answer.from {
            return;
        }
        entry.heard = now;
        entry.stand = match answer.state {
            State::Waiting { before } => Stand::Waiting(Some(before)),
            State::Running { done } => Stand::Running(done.clamp(0.0, 1.0)),
            State::Done(outcome) => Stand::Done(outcome),
            State::Failed { reason, detail } => Stand::Failed(word(reason), detail),
        };
    }

    /// Time passed: what nobody speaks of is over.
    pub(crate) fn tick(&self, now: Instant) {
        for entry in self.lock().iter_mut().filter(|e| e.stand.is_open()) {
            if now.duration_since(entry.heard) >= SILENCE {
                let detail = match &entry.by {
                    None => "no simulator answers: is `city what-if` running at this broker?".to_owned(),
                    Some(name) => format!("no simulator answers: {name} fell silent"),
                };
                entry.stand = Stand::Failed("no_simulator", detail);
            }
        }
    }

    /// Ends an open question; false if it was over already, `None` if there is none.
    pub(crate) fn cancel(&self, id: Uuid) -> Option<bool> {
        let mut all = self.lock();
        let entry = all.iter_mut().find(|e| e.asked.id == id)?;
        let open = entry.stand.is_open();
        if open {
            entry.stand = Stand::Failed(word(Failure::Cancelled), "it was cancelled".to_owned());
        }
        Some(open)
    }

    pub(crate) fn get(&self, id: Uuid) -> Option<Entry> {
        self.lock().iter().find(|e| e.asked.id == id).cloned()
    }

    /// All, newest first.
    pub(crate) fn all(&self) -> Vec<Entry> {
        self.lock().iter().rev().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As the API says it.
fn word(reason: Failure) -> &'static str {
    match reason {
        Failure::OtherCity => "other_city",
        Failure::Full => "full",
        Failure::Cancelled => "cancelled",
        Failure::Late => "late",
        Failure::Refused => "refused",
        Failure::Broken => "broken",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(id: u128) -> Asked {
        Asked {
            id: Uuid::from_u128(id),
            at: Moment(0),
            who: "w".into(),
            reason: "r".into(),
            horizon_s: 300,
            seeds: 2,
            trial: Vec::new(),
        }
    }

    fn answer(id: u128, from: &str, state: State) -> Answer {
        Answer { id: Uuid::from_u128(id), from: from.into(), state }
    }

    fn stand(board: &Board, id: u128) -> String {
        match board.get(Uuid::from_u128(id)).unwrap().stand {
            Stand::Waiting(before) => format!("waiting {before:?}"),
            Stand::Running(done) => format!("running {done}"),
            Stand::Done(_) => "done".to_owned(),
            Stand::Failed(word, detail) => format!("{word}: {detail}"),
        }
    }

    #[tokio::test]
    async fn a_question_is_open_until_something_ends_it() {
        let (board, now) = (Board::default(), Instant::now());
        let at = |s| now + Duration::from_secs(s);
        assert!(board.begin(now, asked(1)));
        assert!(board.begin(now, asked(2)));
        board.hear(at(1), answer(1, "a", State::Waiting { before: 2 }));
        assert_eq!(stand(&board, 1), "waiting Some(2)");
        board.hear(at(10), answer(1, "a", State::Running { done: 0.5 }));
        // Another simulator is late, and a stranger's answer is for nobody.
        board.hear(at(10), answer(1, "b", State::Running { done: 0.9 }));
        board.hear(at(10), answer(9, "b", State::Running { done: 0.9 }));
        board.tick(at(15));
        assert_eq!(stand(&board, 1), "running 0.5");
        assert_eq!(
            stand(&board, 2),
            "no_simulator: no simulator answers: is `city what-if` running at this broker?"
        );
        board.tick(at(25));
        assert_eq!(stand(&board, 1), "no_simulator: no simulator answers: a fell silent");
        // What is over stays so.
        board.hear(at(26), answer(1, "a", State::Running { done: 0.6 }));
        assert!(stand(&board, 1).starts_with("no_simulator"));
        assert!(board.begin(at(30), asked(3)));
        assert_eq!(board.cancel(Uuid::from_u128(3)), Some(true));
        assert_eq!(board.cancel(Uuid::from_u128(3)), Some(false));
        assert_eq!(board.cancel(Uuid::from_u128(4)), None);
        assert_eq!(stand(&board, 3), "cancelled: it was cancelled");
        let newest_first: Vec<u128> = board.all().iter().map(|e| e.asked.id.as_u128()).collect();
        assert_eq!(newest_first, [3, 2, 1]);
    }

    #[tokio::test]
    async fn the_board_is_bounded() {
        let (board, now) = (Board::default(), Instant::now());
        for id in 0..MOST_OPEN as u128 {
            assert!(board.begin(now, asked(id)));
        }
        assert!(!board.begin(now, asked(100)));
        for id in 0..200 {
            board.cancel(Uuid::from_u128(id));
            board.begin(now, asked(1000 + id));
            board.cancel(Uuid::from_u128(1000 + id));
        }
        assert_eq!(board.all().len(), KEPT);
    }
}
