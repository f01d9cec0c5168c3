//! Several threads that drive one step.
//!
//! A step is a row of parts that all threads share, with short work for one of them in between. Rayon's threads fall asleep
//! in those gaps, and to wake them takes as long as many a part: so they stay awake for as long as a gap usually lasts.

use rayon::prelude::*;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Nobody waits longer than this for the next part.
const AWAKE: Duration = Duration::from_micros(300);

/// The threads of the pool that it is used in.
#[derive(Debug, Default)]
pub(super) struct Team {
    /// How many parts have begun.
    parts: Arc<AtomicU64>,
}

impl Team {
    /// Runs all tasks of one part, `together` or one after the other.
    pub(super) fn each<T: Send>(
        &self,
        together: bool,
        tasks: &mut [T],
        task: impl Fn(usize, &mut T) + Sync + Send,
    ) {
        if !together {
            return tasks.iter_mut().enumerate().for_each(|(place, one)| task(place, one));
        }
        self.parts.fetch_add(1, Ordering::Release);
        tasks.par_iter_mut().with_max_len(1).enumerate().for_each(|(place, one)| task(place, one));
        self.stay_awake();
    }

    /// Keeps all other threads busy until the next part begins.
    fn stay_awake(&self) {
        let now = self.parts.load(Ordering::Relaxed);
        for _ in 1..rayon::current_num_threads() {
            let parts = self.parts.clone();
            rayon::spawn(move || wait(&parts, now));
        }
    }
}

/// The same street with a team of its own.
impl Clone for Team {
    fn clone(&self) -> Team {
        Team::default()
    }
}

#[expect(clippy::disallowed_methods, reason = "how long a thread waits changes nothing that it computes")]
fn wait(parts: &AtomicU64, now: u64) {
    let began = Instant::now();
    while parts.load(Ordering::Acquire) == now && began.elapsed() < AWAKE {
        std::hint::spin_loop();
    }
}
