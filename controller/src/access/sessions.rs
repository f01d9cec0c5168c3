//! Who is signed in. Sessions live in memory: after a restart people sign in again.

use super::Person;
use sha2::{Digest, Sha256};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::time::Instant;

/// A session ends so long after it began: a shift.
pub const LONGEST: Duration = Duration::from_secs(12 * 3600);
/// And so long after it was last used.
pub const IDLE: Duration = Duration::from_secs(3600);
/// Sessions at once; past it the one that was used least lately ends.
const MOST: usize = 10_000;

/// Whose a session is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Whose {
    /// Of whoever has that login in the accounts now.
    Account(String),
    /// Of somebody whom the provider of identities knows: as it knew them when they signed in.
    Provided(Arc<Person>),
}

/// A session as others see it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Session {
    pub(crate) whose: Whose,
    /// What a change must carry besides the cookie, which browsers send by themselves.
    pub(crate) csrf: String,
    began: Instant,
    used: Instant,
}

impl Session {
    fn is_over(&self, now: Instant) -> bool {
        now >= self.began + LONGEST || now >= self.used + IDLE
    }

    /// How long it lasts without being used.
    pub(crate) fn left(&self, now: Instant) -> Duration {
        let end = (self.began + LONGEST).min(self.used + IDLE);
        end.saturating_duration_since(now)
    }
}

/// All sessions, under the digests of their tokens: whoever reads our memory's dump cannot use it.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    open: HashMap<[u8; 32], Session>,
}

impl Sessions {
    /// Begins one; the token goes into the cookie. `None` if the machine has no randomness.
    pub(crate) fn begin(&mut self, now: Instant, whose: Whose) -> Option<(String, Session)> {
        self.open.retain(|_, session| !session.is_over(now));
        if self.open.len() >= MOST
            && let Some(oldest) = self.open.iter().min_by_key(|(_, s)| s.used).map(|(digest, _)| *digest)
        {
            self.open.remove(&oldest);
        }
        let (token, csrf) = (random()?, random()?);
        let session = Session { whose, csrf, began: now, used: now };
        self.open.insert(digest(&token), session.clone());
        Some((token, session))
    }

    /// The session of that token, which is used now.
    pub(crate) fn using(&mut self, now: Instant, token: &str) -> Option<Session> {
        let digest = digest(token);
        let session = self.open.get_mut(&digest)?;
        if session.is_over(now) {
            self.open.remove(&digest);
            return None;
        }
        session.used = now;
        Some(session.clone())
    }

    /// Ends one; says whose it was.
    pub(crate) fn end(&mut self, token: &str) -> Option<Whose> {
        self.open.remove(&digest(token)).map(|session| session.whose)
    }

    /// Those who came by the provider's word and are here now.
    pub(crate) fn provided(&mut self, now: Instant) -> Vec<Arc<Person>> {
        self.open.retain(|_, session| !session.is_over(now));
        let mut people: Vec<Arc<Person>> = Vec::new();
        for session in self.open.values() {
            if let Whose::Provided(person) = &session.whose
                && people.iter().all(|known| known.login != person.login)
            {
                people.push(person.clone());
            }
        }
        people.sort_by(|a, b| a.login.cmp(&b.login));
        people
    }

    /// Ends all.
    pub(crate) fn clear(&mut self) {
        self.open.clear();
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// 256 bits in hexadecimal.
fn random() -> Option<String> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes).ok()?;
    Some(bytes.iter().map(|b| format!("{b:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_by_age_by_idleness_and_by_leaving() {
        let mut sessions = Sessions::default();
        let begin = Instant::now();
        let of = |login: &str| Whose::Account(login.into());
        let (token, session) = sessions.begin(begin, of("a")).unwrap();
        let (other, _) = sessions.begin(begin, of("b")).unwrap();
        assert_ne!(token, session.csrf);
        assert_eq!(sessions.using(begin, "forged"), None);
        let later = begin + IDLE - Duration::from_secs(1);
        assert_eq!(sessions.using(later, &token).unwrap().whose, of("a"));
        // Unused since the beginning.
        assert_eq!(sessions.using(begin + IDLE, &other), None);
        let mut at = later;
        while at + Duration::from_secs(1800) < begin + LONGEST {
            at += Duration::from_secs(1800);
            assert!(sessions.using(at, &token).is_some());
        }
        assert_eq!(sessions.using(begin + LONGEST, &token), None);
        let (token, _) = sessions.begin(begin, of("c")).unwrap();
        assert_eq!(sessions.end(&token), Some(of("c")));
        assert_eq!(sessions.using(begin, &token), None);
    }
}
