//! Adaptive control: a rolling horizon. Each second the traffic that is near is predicted to the stop lines, the
//! cheapest sequence of stages for the next half minute is searched, and its first stage is asked for.
//!
//! The method is that of OPAC (Gartner 1983) and PRODYN (Henry, Farges and Tuffal 1983) with the forward search of
//! Sen and Head's COP (1997): only the beginning of each sequence is carried out, then everything is seen anew.
//! [`forecast`] says what is coming, [`overdue`], [`inside`] and [`close`] what must or must not be, and [`search`] what is
//! cheapest of the rest.

mod believed;
mod close;
mod discharge;
mod drift;
mod forecast;
mod inside;
mod layout;
mod overdue;
mod search;
mod upstream;

pub(crate) use layout::Layout;
pub(crate) use search::Scratch;
pub use search::Tuning;

use super::{Choice, Limit, Problem, Reason, Unit, facts, rounded};
use forecast::Lane;
use layout::Sight;
use model::{
    ids::{GroupNumber, StageNumber},
    signal::{Lamp, Stage, rules::Refusal},
    time::Moment,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// For so long a cabinet may take to begin what it was asked for.
const UNDER_WAY: Duration = Duration::from_secs(3);

/// What it must remember of a junction from second to second.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// Share of the fullest lane, smoothed.
    saturation: f32,
    /// By head: seconds that somebody has stood before its red.
    red_s: Vec<u16>,
    /// By lane on a short road between signals: seconds that somebody has stood before its green.
    stuck_s: Vec<u8>,
    /// By lane that no camera follows: who is on it.
    believed: Vec<believed::Believed>,
    /// By lane: who changes over to it or away from it.
    drift: Vec<drift::Drift>,
    /// By head: whether somebody may wait there whom nobody sees.
    unproven: Vec<forecast::Unproven>,
    /// By head: whether its channel follows vehicles.
    follows: Vec<bool>,
    /// By road before the junction: who is on the way from other signals.
    upstream: Vec<upstream::Upstream>,
    /// See [`crate::coordinator::Live::sent`].
    sent: Vec<u16>,
    /// How many of those sent by signals close by come here.
    shares: close::Shares,
    /// By lane: how quickly queues leave.
    discharge: Vec<discharge::Discharge>,
    /// Who waits inside.
    inside: inside::Inside,
}

impl Memory {
    /// Heads that somebody passed in the last second.
    pub(crate) fn sent(&mut self) -> &mut Vec<u16> {
        &mut self.sent
    }

    /// What is known of the vehicles here.
    fn sight(&self, layout: &Layout) -> Sight {
        if self.follows.contains(&true) { Sight::Followed } else { layout.sight_of_counts() }
    }

    pub(crate) fn saturation(&self) -> f32 {
        self.saturation
    }

    /// How much of what holds for saturated junctions holds for this one, 0 to 1.
    fn saturated(&self, tuning: &Tuning) -> f32 {
        let gate = (self.saturation - tuning.gate_from) / (tuning.gate_to - tuning.gate_from).max(0.01);
        gate.clamp(0.0, 1.0)
    }
}

/// What one decision searched. The same numbers give the same answer, so it can be searched again.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Searched(search::Situation);

impl Searched {
    /// Searches again: every stage that was looked at with what it costs, the chosen one first, then best first;
    /// `None` for one that might not be asked for.
    pub fn again(&self, tuning: &Tuning) -> Vec<(StageNumber, Option<f64>)> {
        let mut scratch = Scratch::default();
        let answer = search::search(&self.0, tuning, None, &mut scratch);
        self.costs(answer, tuning, &mut scratch)
    }

    fn costs(
        &self,
        best: search::Answer,
        tuning: &Tuning,
        scratch: &mut Scratch,
    ) -> Vec<(StageNumber, Option<f64>)> {
        let Searched(situation) = self;
        let mut costs = vec![(StageNumber(situation.stages[best.stage]), Some(f64::from(best.cost)))];
        for (place, &number) in situation.stages.iter().enumerate().filter(|(p, _)| *p != best.stage) {
            let cost =
                situation.open[place].then(|| search::search(situation, tuning, Some(place), scratch).cost);
            costs.push((StageNumber(number), cost.map(f64::from)));
        }
        let last = |cost: Option<f64>| cost.unwrap_or(f64::INFINITY);
        costs[1..].sort_by(|a, b| last(a.1).total_cmp(&last(b.1)));
        costs
    }
}

pub(super) fn decide(
    problem: &Problem,
    memory: &mut Memory,
    waiting: &[Option<Moment>],
    scratch: &mut Scratch,
) -> Option<Choice> {
    let lanes = look(problem, memory);
    if problem.live.interstage {
        return problem.ride_along();
    }
    let Some(running) = problem.running() else {
        let first = problem.site.base.steps.first()?.stage;
        return Some(plain(problem, first, Reason::First, vec![]));
    };
    if order_under_way(problem, running) {
        return None;
    }
    let mut picture = Picture::new(problem, &lanes, waiting, running, memory);
    if !picture.may_change() {
        return Some(picture.stay());
    }
    match picture.overdue(memory) {
        Some(overdue) => Some(overdue.choice(problem)),
        None => Some(picture.cheapest(memory, scratch)),
    }
}

/// Brings what is remembered up to this second: who is on the lanes.
fn look(problem: &Problem, memory: &mut Memory) -> Vec<Lane> {
    let lanes = forecast::see(problem, memory);
    overdue::count_red(problem, &lanes, &mut memory.red_s);
    overdue::count_stuck(problem, &mut memory.stuck_s);
    forecast::smooth(problem, &lanes, &mut memory.saturation);
    memory.inside.tick(problem, &lanes);
    discharge::tick(problem, &lanes, &mut memory.discharge);
    lanes
}

/// Whether an order is on its way to the cabinet: another one now would only be refused there.
fn order_under_way(problem: &Problem, running: StageNumber) -> bool {
    let asked = problem.live.decision.as_ref().map(|d| d.at);
    problem.live.wanted.is_some_and(|w| w != running && problem.refusal(w).is_none())
        && asked.is_some_and(|at| problem.now.since(at) <= UNDER_WAY)
}

/// A junction in one second, with a stage running that may be changed.
struct Picture<'a> {
    problem: &'a Problem<'a>,
    lanes: &'a [Lane],
    /// By group: since when somebody has waited at red.
    waiting: &'a [Option<Moment>],
    running: StageNumber,
    sight: Sight,
    /// By stage: it may be asked for now.
    open: Vec<bool>,
    /// By stage: it would lock a short road between signals, and that alone speaks against it.
    locks: Vec<bool>,
}

impl<'a> Picture<'a> {
    fn new(
        problem: &'a Problem<'a>,
        lanes: &'a [Lane],
        waiting: &'a [Option<Moment>],
        running: StageNumber,
        memory: &Memory,
    ) -> Picture<'a> {
        let ways = &problem.site.layout.change[usize::from(running.0) - 1];
        let stages = &problem.junction.stages;
        let sight = memory.sight(&problem.site.layout);
        let may = |(place, s): (usize, &Stage)| {
            ways[place] != search::NEVER
                && problem.site.layout.considers(sight, s.number)
                && problem.site.layout.may_ask(sight, s.number)
                && problem.refusal(s.number).is_none()
        };
        let mut open: Vec<bool> = stages.iter().enumerate().map(may).collect();
        let locks = match sight {
            Sight::Followed => close::blocked(problem, lanes),
            // How many are on a lane does not say who stands where: `may_ask` is for them.
            Sight::Counted => vec![false; stages.len()],
            Sight::Felt => close::filled_or_blocked(problem),
        };
        let locks: Vec<bool> = open.iter().zip(locks).map(|(open, locks)| *open && locks).collect();
        open.iter_mut().zip(&locks).for_each(|(open, locks)| *open &= !locks);
        Picture { problem, lanes, waiting, running, sight, open, locks }
    }

    fn is_open(&self, stage: StageNumber) -> bool {
        self.open[usize::from(stage.0) - 1]
    }

    /// The running stage is about to lock a short road between signals.
    fn must_end(&self) -> bool {
        match self.sight {
            Sight::Followed => close::blocks(self.problem, self.lanes, self.running, true),
            Sight::Counted => false,
            Sight::Felt => {
                close::fills(self.problem, self.running) || close::blocks_now(self.problem, self.running)
            }
        }
    }

    fn may_change(&self) -> bool {
        self.problem.junction.stages.iter().any(|s| s.number != self.running && self.is_open(s.number))
    }

    /// No other stage may be asked for yet.
    fn stay(&self) -> Choice {
        let minimum =
            |s: &Stage| matches!(self.problem.refusal(s.number), Some(Refusal::MinimumGreen { .. }));
        let limits =
            if self.problem.junction.stages.iter().any(minimum) { vec![Limit::MinGreen] } else { vec![] };
        plain(self.problem, self.running, Reason::MinGreen, limits)
    }

    /// What the search finds cheapest among the stages that the rules leave.
    fn cheapest(&mut self, memory: &Memory, scratch: &mut Scratch) -> Choice {
        let (problem, running) = (self.problem, self.running);
        let let_out = self.let_out(memory);
        let mut situation =
            forecast::situation(problem, self.lanes, memory, self.waiting, running, &self.open);
        if situation.stages.len() < 2 {
            return plain(problem, running, Reason::NoDemand, vec![]);
        }
        let ends = self.must_end() && situation.open[1..].contains(&true);
        situation.open[0] = !ends;
        let tuning = problem.tuning;
        let answer = search::search(&situation, tuning, None, scratch);
        let stage = StageNumber(situation.stages[answer.stage]);
        let near = ends || situation.stages.iter().any(|s| self.locks[usize::from(*s) - 1]);
        let facts = facts([
            ("cost", f64::from(answer.cost)),
            ("vehicles", situation.vehicles.len() as f64),
            ("saturation", f64::from(memory.saturation)),
            ("green_s", problem.green_for().map_or(0.0, |g| g.as_seconds())),
        ]);
        // What the others would have cost is worth a search each only where somebody will ask: at a change.
        let changes = problem.live.wanted != Some(stage);
        let searched = changes.then(|| Box::new(Searched(situation)));
        let costs = match &searched {
            Some(searched) => searched.costs(answer, tuning, scratch),
            None => vec![(stage, Some(f64::from(answer.cost)))],
        };
        let alternatives =
            costs.into_iter().map(|(s, cost)| problem.alternative(s, cost, Unit::VehicleS)).collect();
        let limits = [(let_out, Limit::Turners), (near, Limit::Neighbour)];
        let limits = limits.into_iter().filter(|(binds, _)| *binds).map(|(_, limit)| limit).collect();
        let reason = if stage == running { Reason::KeepHorizon } else { Reason::Horizon };
        Choice { stage, reason, facts, alternatives, limits, search: searched }
    }

    /// While somebody is held up inside the junction, only a stage may follow that lets them out; if there is none, the
    /// running one goes on for as long as that may help. Says whether this bound the choice.
    fn let_out(&mut self, memory: &Memory) -> bool {
        let inside = &memory.inside;
        if !inside.holds() {
            return false;
        }
        let layout = &self.problem.site.layout;
        let frees = |stage: usize| {
            inside.heads().iter().any(|&h| layout.shows[stage][usize::from(h)] == search::Aspect::Green)
        };
        let stages = &self.problem.junction.stages;
        let others = |p: &usize| stages[*p].number != self.running;
        let way_out = (0..stages.len()).filter(others).any(|p| self.open[p] && frees(p));
        if !way_out && !inside.patient() {
            return false;
        }
        for (place, open) in self.open.iter_mut().enumerate() {
            *open &= stages[place].number == self.running || frees(place);
        }
        true
    }
}

/// A choice that nothing was searched for.
fn plain(problem: &Problem, stage: StageNumber, reason: Reason, limits: Vec<Limit>) -> Choice {
    let green_s = problem.green_for().map_or(0.0, |g| g.as_seconds());
    Choice {
        stage,
        reason,
        facts: facts([("green_s", rounded(green_s))]),
        alternatives: Vec::new(),
        limits,
        search: None,
    }
}

fn is_go(problem: &Problem, group: GroupNumber) -> bool {
    let lamp = usize::from(group.0).checked_sub(1).and_then(|i| problem.live.groups.get(i)).map(|s| s.lamp);
    lamp.is_some_and(Lamp::is_go)
}
