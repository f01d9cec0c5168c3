//! A stopwatch of CPU time, and a table of figures beside their goals.

#![expect(clippy::print_stdout, reason = "figures for people, each as soon as it is known")]

use std::{process::ExitCode, time::Duration};

/// What was wished for.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    None,
    /// The median and the 99th percentile, ms.
    Median(f64, f64),
    /// The mean and the 99th percentile, ms.
    Mean(f64, f64),
    /// The figure itself.
    Most(f64),
    /// The figure, or more.
    Least(f64),
}

/// What is wished for a city of some size.
pub(crate) struct Goals {
    pub(crate) start_s: f64,
    pub(crate) memory_mb: f64,
    pub(crate) distance: Goal,
    pub(crate) car_answer: Goal,
    pub(crate) traffic: Goal,
    pub(crate) departure: Goal,
    pub(crate) hour: Goal,
    pub(crate) journey: Goal,
    /// Bicycles, cars and minibuses beside public transport.
    pub(crate) joined: Goal,
    /// Over HTTP on two cores, a second: answers for cars, and journeys by public transport.
    pub(crate) over_http: [Goal; 2],
}

impl Goals {
    /// Porto: 190,000 links, 2,600 stops.
    pub(crate) const PORTO: Goals = Goals {
        start_s: 1.5,
        memory_mb: 150.0,
        distance: Goal::Median(0.045, 0.110),
        car_answer: Goal::Median(0.6, 1.5),
        traffic: Goal::Most(45.0),
        departure: Goal::Mean(0.37, 1.5),
        hour: Goal::Median(4.0, 15.0),
        journey: Goal::Median(1.2, 3.5),
        joined: Goal::Median(3.0, 10.0),
        over_http: [Goal::Least(2500.0), Goal::Least(1400.0)],
    };
    /// Moscow's size: 1.4 million links, 14,000 stops.
    pub(crate) const MOSCOW: Goals = Goals {
        start_s: 15.0,
        memory_mb: 1500.0,
        distance: Goal::Median(0.090, 0.220),
        car_answer: Goal::Median(1.0, 3.0),
        traffic: Goal::Most(400.0),
        departure: Goal::Mean(4.0, 12.0),
        hour: Goal::Median(30.0, 80.0),
        journey: Goal::Median(8.0, 25.0),
        joined: Goal::Median(20.0, 60.0),
        over_http: [Goal::None; 2],
    };
}

/// Figures in rows, and which of them missed their goals.
#[derive(Default)]
pub(crate) struct Table {
    missed: Vec<String>,
}

impl Table {
    pub(crate) fn say(&self, line: &str) {
        println!("{line}");
    }

    /// Many measurements of one thing.
    pub(crate) fn times(&mut self, name: &str, mut took: Vec<Duration>, goal: Goal) {
        took.sort();
        let ms = |d: Duration| d.as_secs_f64() * 1000.0;
        let at = |share: usize| ms(took[(took.len() - 1) * share / 100]);
        let mean = took.iter().copied().map(ms).sum::<f64>() / took.len() as f64;
        let (p50, p99) = (at(50), at(99));
        let (met, wished) = match goal {
            Goal::Median(middle, tail) => (p50 <= middle && p99 <= tail, format!("p50 {middle} p99 {tail}")),
            Goal::Mean(middle, tail) => (mean <= middle && p99 <= tail, format!("mean {middle} p99 {tail}")),
            Goal::Most(most) => (mean <= most, format!("{most}")),
            Goal::Least(least) => (mean >= least, format!("at least {least}")),
            Goal::None => (true, String::new()),
        };
        self.row(name, format!("p50 {p50:.3}  p99 {p99:.3}  mean {mean:.3}"), met, &wished);
    }

    /// One figure.
    pub(crate) fn figure(&mut self, name: &str, value: f64, goal: Goal) {
        let (met, wished) = match goal {
            Goal::Most(most) => (value <= most, format!("{most}")),
            Goal::Least(least) => (value >= least, format!("at least {least}")),
            _ => (true, String::new()),
        };
        self.row(name, format!("{value:.2}"), met, &wished);
    }

    fn row(&mut self, name: &str, figures: String, met: bool, wished: &str) {
        let verdict = match (wished.is_empty(), met) {
            (true, _) => String::new(),
            (false, true) => format!("   (goal {wished})"),
            (false, false) => format!("   (goal {wished}: MISSED)"),
        };
        println!("{name:<52} {figures}{verdict}");
        if !met {
            self.missed.push(name.to_string());
        }
    }

    /// What could not be asked has met no goal.
    pub(crate) fn not_asked(&mut self, name: &str, why: &str) {
        self.row(name, format!("NOT MEASURED: {why}"), false, "to be measured");
    }

    /// A goal that was missed is a failure.
    pub(crate) fn verdict(self) -> ExitCode {
        if self.missed.is_empty() {
            return ExitCode::SUCCESS;
        }
        println!("goals missed: {}", self.missed.join("; "));
        ExitCode::FAILURE
    }
}

fn now(clock: rustix::time::ClockId) -> Duration {
    let now = rustix::time::clock_gettime(clock);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

/// CPU time that `work` took on this thread.
pub(crate) fn thread<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let before = now(rustix::time::ClockId::ThreadCPUTime);
    let done = work();
    (done, now(rustix::time::ClockId::ThreadCPUTime) - before)
}

/// CPU time that `work` took on all threads.
pub(crate) fn process<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let before = now(rustix::time::ClockId::ProcessCPUTime);
    let done = work();
    (done, now(rustix::time::ClockId::ProcessCPUTime) - before)
}

/// CPU time of the program up to now, s.
pub(crate) fn so_far_s() -> f64 {
    now(rustix::time::ClockId::ProcessCPUTime).as_secs_f64()
}

/// What the program holds in memory now.
pub(crate) fn memory_mb() -> f64 {
    status("VmRSS:")
}

/// What it held at most.
pub(crate) fn most_memory_mb() -> f64 {
    status("VmHWM:")
}

fn status(key: &str) -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
    line.split_whitespace().next().and_then(|kb| kb.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1000.0
}
