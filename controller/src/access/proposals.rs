//! The two-person rule: an order for an area takes effect once another person has agreed to it.

use crate::coordinator::OrderKind;
use model::time::Moment;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// A proposal that nobody agreed to for so long is over: by then the street is another.
pub const OPEN_FOR: Duration = Duration::from_secs(600);
/// Proposals at once: they are read by people.
pub const MOST: usize = 20;

/// An area order that waits for a second person.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Proposal {
    pub(crate) id: Uuid,
    pub(crate) what: OrderKind,
    /// Whose idea it was: the login.
    pub(crate) login: String,
    /// And the name for people.
    pub(crate) who: String,
    pub(crate) reason: String,
    /// For how long the order is to stand, s, from the agreement on.
    pub(crate) expires_in_s: u32,
    pub(crate) at: Moment,
    pub(crate) until: Instant,
}

/// Why a proposal was not agreed to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NotAgreed {
    /// There is none of that id, or its time is over.
    Gone,
    /// Whoever proposed it is not a second person.
    Same,
}

/// All that wait, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Proposals {
    waiting: Vec<Proposal>,
}

impl Proposals {
    /// Adds one; false if there are too many.
    pub(crate) fn add(&mut self, now: Instant, proposal: Proposal) -> bool {
        self.waiting.retain(|p| p.until > now);
        let room = self.waiting.len() < MOST;
        if room {
            self.waiting.push(proposal);
        }
        room
    }

    /// Those that can still be agreed to.
    pub(crate) fn open(&self, now: Instant) -> impl Iterator<Item = &Proposal> {
        self.waiting.iter().filter(move |p| p.until > now)
    }

    /// A second person agrees: it is taken out, to be carried out.
    pub(crate) fn agree(&mut self, now: Instant, id: Uuid, login: &str) -> Result<Proposal, NotAgreed> {
        let at = self.waiting.iter().position(|p| p.id == id && p.until > now).ok_or(NotAgreed::Gone)?;
        if self.waiting[at].login == login {
            return Err(NotAgreed::Same);
        }
        Ok(self.waiting.remove(at))
    }

    /// It could not be carried out after all, and waits again.
    pub(crate) fn put_back(&mut self, proposal: Proposal) {
        self.waiting.push(proposal);
    }

    /// It is taken back or turned down.
    pub(crate) fn withdraw(&mut self, id: Uuid) -> Option<Proposal> {
        let at = self.waiting.iter().position(|p| p.id == id)?;
        Some(self.waiting.remove(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_two_and_in_time() {
        let now = Instant::now();
        let proposal = |id: u128| Proposal {
            id: Uuid::from_u128(id),
            what: OrderKind::Default,
            login: "a".into(),
            who: "A (a)".into(),
            reason: "r".into(),
            expires_in_s: 60,
            at: Moment(0),
            until: now + OPEN_FOR,
        };
        let mut all = Proposals::default();
        assert!(all.add(now, proposal(1)) && all.add(now, proposal(2)));
        assert_eq!(all.agree(now, Uuid::from_u128(1), "a"), Err(NotAgreed::Same));
        assert_eq!(all.agree(now, Uuid::from_u128(1), "b"), Ok(proposal(1)));
        assert_eq!(all.agree(now, Uuid::from_u128(1), "b"), Err(NotAgreed::Gone));
        assert_eq!(all.agree(now + OPEN_FOR, Uuid::from_u128(2), "b"), Err(NotAgreed::Gone));
        assert_eq!(all.open(now + OPEN_FOR).count(), 0);
        assert!((3..=MOST as u128 + 1).all(|id| all.add(now, proposal(id))));
        assert!(!all.add(now, proposal(99)), "too many wait");
    }
}
