//! Damage for the fuzz tests of several rooms: what may happen to a text, and the loop that tries it. Each room brings its own
//! words; a case that fails is shrunk, and printed with the seed that plays it again.

use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner},
};
use std::{
    fmt::Debug,
    ops::Range,
    time::{Duration, Instant},
};

/// What a kind of text is made of.
pub(crate) struct Tongue {
    /// Values that somebody might write, and that nobody should.
    pub words: &'static [&'static str],
    /// What may stand anywhere.
    pub pieces: &'static [&'static str],
    /// The value at or after a place.
    pub value: fn(&[u8], usize) -> Option<Range<usize>>,
}

/// A damage; places are shares of the text's length, so that they stay within whatever it has become.
#[derive(Clone, Debug)]
pub(crate) enum Damage {
    Cut(f64),
    Remove(f64, usize),
    Insert(f64, usize),
    Value(f64, usize),
    /// A whole line goes, or comes twice.
    RemoveLine(f64),
    RepeatLine(f64),
    SwapLines(f64, f64),
    Byte(f64, u8),
}

/// One to four damages.
pub(crate) fn damages(tongue: &'static Tongue) -> impl Strategy<Value = Vec<Damage>> {
    let place = || 0.0..1.0_f64;
    let one = prop_oneof![
        1 => place().prop_map(Damage::Cut),
        2 => (place(), 1..40_usize).prop_map(|(p, n)| Damage::Remove(p, n)),
        2 => (place(), 0..tongue.pieces.len()).prop_map(|(p, k)| Damage::Insert(p, k)),
        8 => (place(), 0..tongue.words.len()).prop_map(|(p, k)| Damage::Value(p, k)),
        2 => place().prop_map(Damage::RemoveLine),
        2 => place().prop_map(Damage::RepeatLine),
        1 => (place(), place()).prop_map(|(a, b)| Damage::SwapLines(a, b)),
        2 => (place(), any::<u8>()).prop_map(|(p, b)| Damage::Byte(p, b)),
    ];
    prop::collection::vec(one, 1..5)
}

impl Damage {
    pub(crate) fn apply(&self, tongue: &Tongue, text: &mut Vec<u8>) {
        let at = |share: f64, length: usize| ((share * length as f64) as usize).min(length.saturating_sub(1));
        let length = text.len();
        if length == 0 {
            return;
        }
        let lines =
            |text: &[u8]| -> Vec<Vec<u8>> { text.split(|b| *b == b'\n').map(<[u8]>::to_vec).collect() };
        match *self {
            Damage::Cut(p) => text.truncate(at(p, length)),
            Damage::Remove(p, n) => {
                let from = at(p, length);
                text.drain(from..(from + n).min(length));
            }
            Damage::Insert(p, k) => {
                let from = at(p, length);
                text.splice(from..from, tongue.pieces[k].bytes());
            }
            Damage::Value(p, k) => {
                if let Some(value) = (tongue.value)(text, at(p, length)) {
                    text.splice(value, tongue.words[k].bytes());
                }
            }
            Damage::RemoveLine(p) => {
                let mut all = lines(text);
                all.remove(at(p, all.len()));
                *text = all.join(&b'\n');
            }
            Damage::RepeatLine(p) => {
                let mut all = lines(text);
                let k = at(p, all.len());
                all.insert(k, all[k].clone());
                *text = all.join(&b'\n');
            }
            Damage::SwapLines(p, q) => {
                let mut all = lines(text);
                let (a, b) = (at(p, all.len()), at(q, all.len()));
                all.swap(a, b);
                *text = all.join(&b'\n');
            }
            Damage::Byte(p, b) => {
                let k = at(p, length);
                text[k] = b;
            }
        }
    }
}

/// Checks `quick` cases, or round after round of `round` for `SVETOFOR_FUZZ_MINUTES`, from `SVETOFOR_FUZZ_SEED` on.
pub(crate) fn fuzz<S: Strategy>(
    [quick, round]: [u32; 2],
    case: impl Fn() -> S,
    check: impl Fn(S::Value) -> Result<(), TestCaseError>,
) where
    S::Value: Debug,
{
    let number = |name: &str| std::env::var(name).ok().and_then(|v| v.parse::<u64>().ok());
    let minutes = number("SVETOFOR_FUZZ_MINUTES");
    let mut seed = number("SVETOFOR_FUZZ_SEED").unwrap_or(1);
    #[expect(clippy::disallowed_methods, reason = "a test that is told how long to go on")]
    let started = Instant::now();
    loop {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let config = Config {
            cases: if minutes.is_some() { round } else { quick },
            failure_persistence: None,
            max_shrink_time: 60_000,
            ..Config::default()
        };
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let outcome = TestRunner::new_with_rng(config, rng).run(&case(), &check);
        if let Err(TestError::Fail(reason, failed)) = outcome {
            panic!("{reason}\n{failed:?}\nreplay with SVETOFOR_FUZZ_SEED={seed}");
        }
        let Some(minutes) = minutes else { return };
        eprintln!("seed {seed}: {round} cases, {:.0} s", started.elapsed().as_secs_f64());
        if started.elapsed() > Duration::from_secs(60 * minutes) {
            return;
        }
        seed += 1;
    }
}
