//! Who may ask how often: apps that show a key, and everybody else by the address from which he asks.
//!
//! Rates are kept by the generic cell rate algorithm (ITU-T I.371), a token bucket that needs one number for each who asks.

use governor::{
    DefaultDirectRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    state::keyed::HashMapStateStore,
};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    net::IpAddr,
    num::NonZeroU32,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Addresses are forgotten that have asked for little lately, whenever so many questions have come: an hour's worth of strangers takes
/// a few MB.
const FORGET_EVERY: u64 = 10_000;

/// How often somebody may ask.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    /// On the whole.
    pub per_minute: NonZeroU32,
    /// After a pause, at once.
    pub at_once: NonZeroU32,
}

/// An app that may ask.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyConfig {
    /// What people call it.
    pub name: String,
    /// SHA-256 of its key.
    pub hash: [u8; 32],
    /// How often.
    pub rate: Rate,
}

/// Who may ask.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccessConfig {
    /// Whoever shows no key, each address by itself; `None` lets nobody ask without one.
    pub anonymous: Option<Rate>,
    /// Whether a proxy of ours stands before us and says in `X-Forwarded-For` who asks.
    pub behind_proxy: bool,
    /// Apps with keys.
    pub keys: Vec<KeyConfig>,
}

/// What becomes of a question.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It may be answered.
    Allowed,
    /// It came too soon; after this time another may come.
    TooSoon(Duration),
    /// Nobody has that key.
    UnknownKey,
    /// Only who shows a key may ask.
    NoKey,
}

/// Keeps count of who asks.
#[derive(Debug)]
pub struct Access {
    keys: HashMap<[u8; 32], DefaultDirectRateLimiter>,
    anonymous: Option<RateLimiter<IpAddr, HashMapStateStore<IpAddr>, DefaultClock>>,
    behind_proxy: bool,
    clock: DefaultClock,
    asked: AtomicU64,
    refused: AtomicU64,
}

impl Rate {
    fn quota(self) -> Quota {
        Quota::per_minute(self.per_minute).allow_burst(self.at_once)
    }
}

impl Access {
    /// Nobody has asked yet.
    pub fn new(config: &AccessConfig) -> Access {
        let limiter = |key: &KeyConfig| (key.hash, RateLimiter::direct(key.rate.quota()));
        Access {
            keys: config.keys.iter().map(limiter).collect(),
            anonymous: config.anonymous.map(|rate| RateLimiter::hashmap(rate.quota())),
            behind_proxy: config.behind_proxy,
            clock: DefaultClock::default(),
            asked: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }

    /// Judges a question of one who shows that key, or none, and asks from there.
    pub fn ask(&self, key: Option<&str>, from: IpAddr) -> Verdict {
        if self.asked.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1
            && let Some(anonymous) = &self.anonymous
        {
            anonymous.retain_recent();
            anonymous.shrink_to_fit();
        }
        let verdict = match (key, &self.anonymous) {
            (Some(key), _) => match self.keys.get(&hash(key)) {
                Some(limiter) => self.verdict(limiter.check()),
                None => Verdict::UnknownKey,
            },
            (None, Some(anonymous)) => self.verdict(anonymous.check_key(&from)),
            (None, None) => Verdict::NoKey,
        };
        if verdict != Verdict::Allowed {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        verdict
    }

    fn verdict(&self, checked: Result<(), governor::NotUntil<<DefaultClock as Clock>::Instant>>) -> Verdict {
        match checked {
            Ok(()) => Verdict::Allowed,
            Err(until) => Verdict::TooSoon(until.wait_time_from(self.clock.now())),
        }
    }

    /// From where somebody asks: the connection's other end, or what our proxy says of it.
    pub fn address(&self, connected: IpAddr, forwarded: Option<&str>) -> IpAddr {
        // The last is the one that our proxy has seen itself; what stands before it anybody may have written.
        let said = forwarded.filter(|_| self.behind_proxy).and_then(|all| all.rsplit(',').next());
        said.and_then(|address| address.trim().parse().ok()).unwrap_or(connected)
    }

    /// Questions that were refused.
    pub fn refusals(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

/// A key's hash.
pub fn hash(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

/// A fresh key: 24 bytes of the system's randomness in hexadecimal digits.
pub fn fresh_key() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 24];
    getrandom::fill(&mut bytes)?;
    Ok(hexadecimal(&bytes))
}

/// Bytes in hexadecimal digits.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// 32 bytes from 64 hexadecimal digits.
pub fn read_hash(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut hash = [0; 32];
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(per_minute: u32, at_once: u32) -> Rate {
        let number = |n| NonZeroU32::new(n).expect("above zero");
        Rate { per_minute: number(per_minute), at_once: number(at_once) }
    }

    fn access(anonymous: Option<Rate>, behind_proxy: bool) -> Access {
        let app = KeyConfig { name: "app".to_string(), hash: hash("secret"), rate: rate(1, 3) };
        Access::new(&AccessConfig { anonymous, behind_proxy, keys: vec![app] })
    }

    #[test]
    fn each_has_a_rate_of_his_own() {
        let access = access(Some(rate(1, 2)), false);
        let [here, there] = ["192.0.2.1", "2001:db8::1"].map(|text| text.parse::<IpAddr>().unwrap());
        let ask = |key: Option<&str>, from| match access.ask(key, from) {
            Verdict::TooSoon(wait) => {
                assert!(wait > Duration::from_secs(1) && wait <= Duration::from_secs(60), "{wait:?}");
                "too soon"
            }
            Verdict::Allowed => "yes",
            Verdict::UnknownKey => "unknown",
            Verdict::NoKey => "no key",
        };
        assert_eq!([(); 3].map(|()| ask(None, here)), ["yes", "yes", "too soon"]);
        assert_eq!(ask(None, there), "yes");
        assert_eq!([(); 4].map(|()| ask(Some("secret"), here)), ["yes", "yes", "yes", "too soon"]);
        assert_eq!(ask(Some("guess"), here), "unknown");
        assert_eq!(access.refusals(), 3);
    }

    #[test]
    fn without_a_rate_for_strangers_a_key_is_needed() {
        let here = "192.0.2.1".parse().unwrap();
        assert_eq!(access(None, false).ask(None, here), Verdict::NoKey);
        assert_eq!(access(None, false).ask(Some("secret"), here), Verdict::Allowed);
    }

    #[test]
    fn only_our_proxy_says_who_asks() {
        let [proxy, far]: [IpAddr; 2] = ["192.0.2.1", "198.51.100.7"].map(|text| text.parse().unwrap());
        let said = Some("203.0.113.9, 198.51.100.7");
        assert_eq!(access(None, false).address(proxy, said), proxy);
        assert_eq!(access(None, true).address(proxy, said), far);
        assert_eq!(access(None, true).address(proxy, Some("unknown")), proxy);
        assert_eq!(access(None, true).address(proxy, None), proxy);
    }

    #[test]
    fn hashes_are_read_as_they_are_written() {
        assert_eq!(read_hash(&hexadecimal(&hash("x"))), Some(hash("x")));
        assert_eq!([read_hash("12"), read_hash(&"g".repeat(64)), read_hash(&"\u{e4}".repeat(32))], [None; 3]);
        assert_ne!(fresh_key().unwrap(), fresh_key().unwrap());
    }
}
