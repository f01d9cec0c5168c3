//! From a set of plans to a better one, until nothing near is better or the budget is spent.

use super::{
    Engine, change,
    trial::{Plans, Trial},
};
use model::{
    signal::{Junction, Plan, webster},
    time::Tenths,
};
use std::io::{IsTerminal, Write};

/// One kind of step, its size in percent of the cycle.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A junction's offset, later or earlier.
    Offset(u32),
    /// One change of stage at a junction, later or earlier.
    Split(u32),
    /// The cycle of all junctions, longer or shorter.
    Cycle(u32),
}

/// One pass. Offsets go by TRANSYT's own list: 15, 40, 15, 40 and at last 1, where the large steps leave a local
/// optimum and the small one settles. Its single size of split, 1, is joined by larger ones, since what one
/// second does is lost in what drivers do.
const PASS: [Step; 9] = [
    Step::Offset(15),
    Step::Offset(40),
    Step::Split(8),
    Step::Cycle(10),
    Step::Offset(15),
    Step::Offset(40),
    Step::Split(3),
    Step::Offset(1),
    Step::Split(1),
];

/// A smaller gain in mean delay than this share is luck, and not worth another plan.
const WORTHWHILE: f64 = 0.001;

/// The climb, its best plans so far, and what is left to spend.
pub(super) struct Climb<'a> {
    trial: &'a Trial,
    engine: Engine,
    seeds: &'a [u64],
    budget: u32,
    tried: u32,
    first_s: f64,
    best_s: f64,
    best: Plans,
    terminal: bool,
}

impl<'a> Climb<'a> {
    /// Begins at `plans`, each step judged in `engine`.
    pub(super) fn new(
        trial: &'a Trial,
        engine: Engine,
        seeds: &'a [u64],
        budget: u32,
        plans: Plans,
    ) -> anyhow::Result<Climb<'a>> {
        let first_s = mean(&trial.delays_s(engine, std::slice::from_ref(&plans), seeds)?[0]);
        Ok(Climb {
            trial,
            engine,
            seeds,
            budget,
            tried: 1,
            first_s,
            best_s: first_s,
            best: plans,
            terminal: std::io::stderr().is_terminal(),
        })
    }

    /// Begins elsewhere if that is better.
    pub(super) fn begin(&mut self, starts: Vec<Plans>) -> anyhow::Result<()> {
        self.take_best(starts).map(drop)
    }

    /// Climbs until a whole pass brings nothing, or the budget is spent.
    pub(super) fn run(&mut self) -> anyhow::Result<()> {
        loop {
            let before_s = self.best_s;
            for step in PASS {
                match step {
                    Step::Cycle(percent) => while self.step_cycle(percent)? {},
                    Step::Offset(percent) => self.each_junction(|_, plan| {
                        let by_s = i64::from(change::seconds_of(plan, percent));
                        vec![change::shifted(plan, by_s), change::shifted(plan, -by_s)]
                    })?,
                    Step::Split(percent) => self.each_junction(|junction, plan| {
                        change::with_changes_moved(junction, plan, change::seconds_of(plan, percent))
                    })?,
                }
            }
            if self.best_s >= before_s || self.tried >= self.budget {
                return Ok(());
            }
        }
    }

    /// The best plans, and how many sets were tried.
    pub(super) fn done(self) -> (Plans, u32) {
        if self.terminal {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
        (self.best, self.tried)
    }

    /// Junction by junction, takes the best of its `near` plans for as long as that helps.
    fn each_junction(&mut self, near: impl Fn(&Junction, &Plan) -> Vec<Plan>) -> anyhow::Result<()> {
        for (j, junction) in self.trial.city().junctions.iter().enumerate() {
            loop {
                let with = |plan: Plan| {
                    let mut plans = self.best.clone();
                    plans[j] = plan;
                    plans
                };
                let candidates = near(junction, &self.best[j]).into_iter().map(with).collect();
                if !self.take_best(candidates)? {
                    break;
                }
            }
        }
        Ok(())
    }

    fn step_cycle(&mut self, percent: u32) -> anyhow::Result<bool> {
        let longest = self.best.iter().map(Plan::cycle).max().unwrap_or(Tenths::ZERO);
        let by = Tenths::seconds((longest.as_seconds() * f64::from(percent) / 100.0).round() as u32);
        let cycles = [longest.saturating_sub(by), longest + by].map(|c| Tenths::seconds(c.0 / 10));
        // A longer cycle than people on foot bear is kept only where the scenario has it already.
        let most = longest.max(webster::LONGEST_CYCLE);
        let junctions = &self.trial.city().junctions;
        let bearable = cycles.iter().filter(|c| **c <= most);
        let candidates = bearable.filter_map(|c| change::with_cycle(junctions, &self.best, *c)).collect();
        self.take_best(candidates)
    }

    /// Tries the candidates, as far as the budget goes; whether the best of them is now the best of all.
    fn take_best(&mut self, mut candidates: Vec<Plans>) -> anyhow::Result<bool> {
        candidates.truncate((self.budget - self.tried.min(self.budget)) as usize);
        candidates.retain(|c| *c != self.best);
        self.tried += candidates.len() as u32;
        let delays = self.trial.delays_s(self.engine, &candidates, self.seeds)?;
        let best = candidates
            .into_iter()
            .zip(delays.iter().map(|d| mean(d)))
            .min_by(|(_, a), (_, b)| a.total_cmp(b))
            .filter(|(_, delay_s)| *delay_s < self.best_s * (1.0 - WORTHWHILE));
        let found = best.is_some();
        if let Some((plans, delay_s)) = best {
            (self.best, self.best_s) = (plans, delay_s);
        }
        self.show();
        Ok(found)
    }

    /// Where the climb is, on a terminal.
    fn show(&self) {
        if self.terminal {
            let (tried, budget) = (self.tried, self.budget);
            let _ = write!(
                std::io::stderr(),
                "\r\x1b[K{tried} of {budget} tried: delay {:.1} s, {:.1} s with the scenario's own plans ",
                self.best_s,
                self.first_s
            );
            let _ = std::io::stderr().flush();
        }
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
