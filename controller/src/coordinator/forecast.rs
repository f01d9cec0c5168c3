//! What the lamps will do next, with bounds: exact under a plan, and between what the rules allow and what the
//! last greens did under adaptive control.

use super::{Coordinator, Live, OrderKind};
use crate::decide::{self, Kind, Problem};
use model::{
    ids::{GroupNumber, JunctionIx, StageNumber},
    signal::{Lamp, Plan, rules},
    time::{Moment, Tenths},
};
use std::time::Duration;

/// An expected change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Change {
    /// Likeliest.
    pub at: Moment,
    /// Hardly before.
    pub earliest: Moment,
    /// Hardly after.
    pub latest: Moment,
}

/// A stage that is green or will be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Expected {
    /// The stage.
    pub stage: StageNumber,
    /// When its green begins, or began.
    pub begins: Change,
    /// When its green ends.
    pub ends: Change,
}

/// A stage is asked for at a tick and read back at a poll: so much is never known, s.
const GRAIN_S: u64 = 1;
/// Fewer past greens than this say nothing of the next one.
const ENOUGH_GREENS: usize = 5;
/// Steps ahead that are told.
const STEPS: usize = 4;

impl Change {
    fn exactly(at: Moment) -> Change {
        Change { at, earliest: at, latest: at }
    }

    fn within(at: Moment, grain: Duration) -> Change {
        Change { at, earliest: at - grain, latest: at + grain }
    }

    fn later(self, by: Tenths) -> Change {
        Change { at: self.at + by, earliest: self.earliest + by, latest: self.latest + by }
    }

    fn not_before(self, now: Moment) -> Change {
        Change { at: self.at.max(now), earliest: self.earliest.max(now), latest: self.latest.max(now) }
    }
}

impl Coordinator {
    /// The stage that runs and those expected after it, in order; empty while nothing can be said (no contact,
    /// flashing, dark). Under a plan several steps; under adaptive control the running stage and the likeliest
    /// next one, with 90 % bounds from the last greens where there are enough.
    pub fn forecast(&self, ix: JunctionIx, now: Moment) -> Vec<Expected> {
        let live = &self.live[ix.ix()];
        let out = |lamp| matches!(lamp, Lamp::Dark | Lamp::FlashingAmber);
        if self.ready(ix, now).is_err() || live.groups.iter().any(|g| out(g.lamp)) {
            return Vec::new();
        }
        let problem = self.problem(ix, now);
        match (live.order_in_force().map(|o| o.order.what), live.kind) {
            (Some(OrderKind::Flash), _) => Vec::new(),
            (Some(OrderKind::Plan(plan)), _) => {
                problem.junction.plan(plan).map_or(Vec::new(), |plan| by_plan(&problem, plan))
            }
            (Some(OrderKind::Hold(stage)), _) => {
                let until = live.order_in_force().map_or(now, |o| o.order.until);
                held(&problem, stage, until)
            }
            (_, Kind::Fixed | Kind::Schedule) => {
                by_plan(&problem, decide::plan_in_use(&problem, &self.memories[ix.ix()]))
            }
            (_, Kind::Actuated | Kind::MaxPressure | Kind::Adaptive) => self.by_demand(&problem, ix),
        }
    }

    /// By group, in group order: when what it shows now is expected to change; `None` where it cannot be said.
    pub fn next_changes(&self, ix: JunctionIx, now: Moment) -> Vec<Option<Change>> {
        let junction = &self.city.junctions[ix.ix()];
        let live = &self.live[ix.ix()];
        let expected = self.forecast(ix, now);
        let has = |stage: StageNumber, group| junction.stage(stage).is_some_and(|s| s.has(group));
        let grain = Duration::from_secs(GRAIN_S);
        let next_change = |group: GroupNumber, shown: &rules::GroupState| {
            let timing = junction.group(group)?;
            let after = |t: Tenths| Some(Change::within(shown.since + t, grain).not_before(now));
            match shown.lamp {
                // Lamps under way keep their own time.
                Lamp::FlashingGreen => after(timing.flashing_green),
                Lamp::Amber => after(timing.amber),
                Lamp::RedAmber => after(timing.red_amber),
                Lamp::Green => {
                    let at = expected.iter().position(|e| has(e.stage, group))?;
                    let last = expected[at..].windows(2).find(|pair| !has(pair[1].stage, group));
                    Some(
                        last.map(|pair| pair[0].ends)
                            .or(expected[at..].last().map(|e| e.ends))?
                            .not_before(now),
                    )
                }
                Lamp::Red => {
                    let next = expected.iter().find(|e| has(e.stage, group))?;
                    let begins = next.begins;
                    // Red-amber comes before green.
                    let early = |m: Moment| m - timing.red_amber.as_duration();
                    let change = Change {
                        at: early(begins.at),
                        earliest: early(begins.earliest),
                        latest: early(begins.latest),
                    };
                    Some(change.not_before(now))
                }
                Lamp::Dark | Lamp::FlashingAmber => None,
            }
        };
        junction.groups.iter().zip(&live.groups).map(|(g, shown)| next_change(g.number, shown)).collect()
    }

    fn by_demand(&self, problem: &Problem, ix: JunctionIx) -> Vec<Expected> {
        let (live, now) = (problem.live, problem.now);
        let memory = &self.memories[ix.ix()];
        let grain = Duration::from_secs(GRAIN_S);
        let (Some(stage), Some(since)) = (live.stage, live.stage_since) else { return Vec::new() };
        let green_of = |stage: StageNumber, begins: Change, elapsed: Tenths| {
            let longest = decide::longest_green(problem, memory, stage);
            let lasts =
                lasting(memory.greens(stage), elapsed, decide::min_green(problem.junction, stage), longest);
            Change {
                at: begins.at + lasts[1],
                earliest: begins.earliest + lasts[0],
                latest: begins.latest + lasts[2],
            }
        };
        if live.interstage {
            let way = live.interstage_way(problem);
            let begins = Change::within(since + way, grain).not_before(now);
            return vec![Expected { stage, begins, ends: green_of(stage, begins, Tenths::ZERO) }];
        }
        let begins = Change::exactly(since);
        let wanted = live.wanted.filter(|w| *w != stage);
        let ends = if wanted.is_some() {
            // Asked for, or held back by a minimum green alone.
            let missing = match wanted.and_then(|w| problem.refusal(w)) {
                Some(rules::Refusal::MinimumGreen { missing, .. }) => missing,
                _ => Tenths::ZERO,
            };
            Change::within(now + missing, grain).not_before(now)
        } else {
            green_of(stage, begins, Tenths::from(now.since(since))).not_before(now)
        };
        let mut expected = vec![Expected { stage, begins, ends }];
        // The likeliest next one is the best that did not run.
        let second = live.decision.as_ref().and_then(|d| d.alternatives.iter().find(|a| a.stage != stage));
        if let Some(next) = wanted.or(second.map(|a| a.stage)) {
            let begins = ends.later(problem.site.way(stage, next));
            expected.push(Expected { stage: next, begins, ends: green_of(next, begins, Tenths::ZERO) });
        }
        expected
    }
}

impl Live {
    /// How long the running interstage takes, as far as the stage before it is known.
    fn interstage_way(&self, problem: &Problem) -> Tenths {
        let Some(to) = self.stage else { return Tenths::ZERO };
        let before = self.history.iter().rev().filter_map(|h| match h.2 {
            super::Shown::Stage(stage) => Some(stage),
            super::Shown::Lamp(_) => None,
        });
        before.skip_while(|s| *s == to).map(|from| problem.site.way(from, to)).next().unwrap_or(Tenths::ZERO)
    }
}

/// Shortest likely, likeliest and longest likely duration of a green that has lasted `elapsed` already.
fn lasting(past: &[Tenths], elapsed: Tenths, shortest: Tenths, longest: Tenths) -> [Tenths; 3] {
    let least = elapsed.max(shortest);
    let longest = longest.max(least);
    // Of the greens so far, those that were still going on at this age.
    let mut alike: Vec<Tenths> = past.iter().copied().filter(|g| *g >= elapsed).collect();
    if alike.len() < ENOUGH_GREENS {
        let middle = Tenths((least.0 + longest.0) / 2);
        return [least, middle, longest];
    }
    alike.sort();
    let quantile =
        |share: f64| alike[((alike.len() - 1) as f64 * share).round() as usize].clamp(least, longest);
    [quantile(0.05), quantile(0.5), quantile(0.95)]
}

/// A held stage: it ends when the hold does, and nobody says what comes then.
fn held(problem: &Problem, stage: StageNumber, until: Moment) -> Vec<Expected> {
    let Some(running) = problem.live.stage else { return Vec::new() };
    let now = Change::exactly(problem.now);
    let begins = if running == stage {
        problem.live.stage_since.map_or(now, Change::exactly)
    } else {
        now.later(problem.site.way(running, stage))
    };
    vec![Expected {
        stage,
        begins,
        ends: Change { latest: until + Duration::from_secs(60), ..Change::exactly(until) },
    }]
}

fn by_plan(problem: &Problem, plan: &Plan) -> Vec<Expected> {
    let clock = u64::try_from(problem.now.0 / 100).unwrap_or(0);
    let Some((step, into)) = plan.step_at(clock) else { return Vec::new() };
    let n = plan.steps.len();
    let grain = Duration::from_secs(GRAIN_S);
    let mut asked = Moment(clock as i64 * 100) - into.as_duration();
    let mut expected: Vec<Expected> = Vec::new();
    for k in 0..=STEPS.min(n) {
        let this = plan.steps[(step + k) % n];
        let before = plan.steps[(step + k + n - 1) % n].stage;
        let begins = Change::within(asked + problem.site.way(before, this.stage), grain);
        asked = asked + this.split;
        let ends = Change::within(asked, grain);
        match expected.last_mut().filter(|e| e.stage == this.stage) {
            Some(same) => same.ends = ends,
            None => expected.push(Expected { stage: this.stage, begins, ends }),
        }
    }
    expected
}
