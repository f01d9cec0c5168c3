//! Adaptive control: a rolling horizon. Each second the traffic that is near is predicted to the stop lines, the
//! cheapest sequence of stages for the next half minute is searched, and its first stage is asked for.
//!
//! The method is that of OPAC (Gartner 1983) and PRODYN (Henry, Farges and Tuffal 1983) with the forward search of
//! Sen and Head's COP (1997): only the beginning of each sequence is carried out, then everything is seen anew.
//! [`forecast`] says what is coming, [`search`] what to do about it.

mod believed;
mod close;
mod forecast;
mod inside;
mod layout;
mod search;
mod upstream;

pub(crate) use layout::Layout;
pub(crate) use search::Scratch;
pub use search::Tuning;

use super::{Choice, Limit, Problem, Reason, Unit, facts, rounded};
use model::{
    ids::{GroupNumber, StageNumber},
    signal::{GroupKind, Lamp, Stage, rules::Refusal},
    time::{Moment, Tenths},
};
use serde::{Deserialize, Serialize};
use std::{cmp::Reverse, time::Duration};

/// People on foot wait no longer than this once they have called: beyond it many cross on red (HCM 2010, 18.4).
const ON_FOOT_S: f32 = 60.0;

/// A green that somebody starving ends has lasted so long, or a saturated junction would serve nobody but the starving,
/// in greens that are all interstage, s.
const LEAST_GREEN_S: f64 = 15.0;

/// For so long a cabinet may take to begin what it was asked for.
const UNDER_WAY: Duration = Duration::from_secs(3);

/// What it must remember of a junction from second to second.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// Share of the fullest lane, smoothed.
    saturation: f32,
    /// By head: seconds that somebody has stood before its red.
    red_s: Vec<u16>,
    /// By lane that no camera follows: who is on it.
    believed: Vec<believed::Believed>,
    /// By head: whether somebody may wait there whom nobody sees.
    unproven: Vec<forecast::Unproven>,
    /// By head: whether its channel follows vehicles.
    follows: Vec<bool>,
    /// By road before the junction: who is on the way from other signals.
    upstream: Vec<upstream::Upstream>,
    /// See [`crate::coordinator::Live::sent`].
    sent: Vec<u16>,
    /// Who waits inside.
    inside: inside::Inside,
    /// For how long a neighbour has kept it from the stage that it wants, s.
    held_back_s: u8,
}

impl Memory {
    /// Heads that somebody passed in the last second.
    pub(crate) fn sent(&mut self) -> &mut Vec<u16> {
        &mut self.sent
    }

    pub(crate) fn saturation(&self) -> f32 {
        self.saturation
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
    let lanes = forecast::see(problem, memory);
    count_red(problem, &lanes, &mut memory.red_s);
    forecast::smooth(problem, &lanes, &mut memory.saturation);
    memory.inside.tick(problem, &lanes);
    if problem.live.interstage {
        return problem.ride_along();
    }
    let Some(running) = problem.running() else {
        let first = problem.site.base.steps.first()?.stage;
        return Some(plain(problem, first, Reason::First, vec![]));
    };
    // An order is on its way to the cabinet: another one now would only be refused there.
    let under_way = problem.live.wanted.is_some_and(|w| w != running && problem.refusal(w).is_none());
    let asked = problem.live.decision.as_ref().map(|d| d.at);
    if under_way && asked.is_some_and(|at| problem.now.since(at) <= UNDER_WAY) {
        return None;
    }
    let stages = &problem.junction.stages;
    let layout = &problem.site.layout;
    let ways = &layout.change[usize::from(running.0) - 1];
    let may = |(place, s): (usize, &Stage)| {
        ways[place] != search::NEVER
            && !close::blocks(problem, &lanes, s.number, false)
            && problem.refusal(s.number).is_none()
    };
    let mut open: Vec<bool> = stages.iter().enumerate().map(may).collect();
    if !stages.iter().zip(&open).any(|(s, open)| *open && s.number != running) {
        let minimum = |s: &model::signal::Stage| {
            matches!(problem.refusal(s.number), Some(Refusal::MinimumGreen { .. }))
        };
        let limits = if stages.iter().any(minimum) { vec![Limit::MinGreen] } else { vec![] };
        return Some(plain(problem, running, Reason::MinGreen, limits));
    }
    let long_enough = problem.green_for().is_some_and(|g| g.as_seconds() >= LEAST_GREEN_S);
    let patient = memory.held_back_s <= close::PATIENCE_S;
    let waits = if patient { close::waits(problem, &lanes, running) } else { vec![false; stages.len()] };
    let starved = starved(problem, &lanes, memory, &open, running).filter(|_| long_enough);
    let mut held_back = None;
    if let Some((stage, group, red_s)) = starved.or_else(|| on_foot(problem, waiting, &open, running)) {
        if waits[usize::from(stage.0) - 1] {
            held_back = Some(stage);
        } else {
            memory.held_back_s = 0;
            let mut choice = plain(problem, stage, Reason::MaxRed, vec![Limit::MaxRed]);
            choice.facts.insert("group".into(), f64::from(group.0));
            choice.facts.insert("red_s".into(), f64::from(red_s));
            return Some(choice);
        }
    }
    let let_out = let_out(problem, memory, running, &mut open);
    let mut situation = forecast::situation(problem, &lanes, memory.saturation, waiting, running, &open);
    if situation.stages.len() < 2 {
        return Some(plain(problem, running, Reason::NoDemand, vec![]));
    }
    let tuning = problem.tuning;
    let mut answer = search::search(&situation, tuning, None, scratch);
    let number = |place: usize| StageNumber(situation.stages[place]);
    if held_back.is_none() && waits[usize::from(number(answer.stage).0) - 1] {
        held_back = Some(number(answer.stage));
    }
    let stop =
        patient && (close::must_stop(problem, running) || close::blocks(problem, &lanes, running, true));
    if held_back.is_some() || stop {
        for (place, open) in situation.open.iter_mut().enumerate() {
            *open &= !waits[usize::from(situation.stages[place]) - 1];
        }
        // Whoever must stop sending does, as soon as there is another stage to go to.
        situation.open[0] = !(stop && situation.open[1..].contains(&true));
        answer = search::search(&situation, tuning, None, scratch);
    }
    memory.held_back_s = if held_back.is_some() { memory.held_back_s.saturating_add(1) } else { 0 };
    let stage = StageNumber(situation.stages[answer.stage]);
    let unchanged = problem.live.wanted == Some(stage);
    // What the others would have cost is worth a search each only where somebody will ask: at a change.
    let searched = (!unchanged).then(|| Box::new(Searched(situation.clone())));
    let costs = match &searched {
        Some(searched) => searched.costs(answer, tuning, scratch),
        None => vec![(stage, Some(f64::from(answer.cost)))],
    };
    let alternatives =
        costs.into_iter().map(|(s, cost)| problem.alternative(s, cost, Unit::VehicleS)).collect();
    let facts = facts([
        ("cost", f64::from(answer.cost)),
        ("vehicles", situation.vehicles.len() as f64),
        ("saturation", f64::from(memory.saturation)),
        ("green_s", problem.green_for().map_or(0.0, |g| g.as_seconds())),
    ]);
    let limits = [(let_out, Limit::Turners), (held_back.is_some() || stop, Limit::Neighbour)];
    let limits = limits.into_iter().filter(|(binds, _)| *binds).map(|(_, limit)| limit).collect();
    let reason = if stage == running { Reason::KeepHorizon } else { Reason::Horizon };
    Some(Choice { stage, reason, facts, alternatives, limits, held_back, search: searched })
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
        held_back: None,
        search: None,
    }
}

fn is_go(problem: &Problem, group: GroupNumber) -> bool {
    let lamp = usize::from(group.0).checked_sub(1).and_then(|i| problem.live.groups.get(i)).map(|s| s.lamp);
    lamp.is_some_and(Lamp::is_go)
}

fn count_red(problem: &Problem, lanes: &[forecast::Lane], red_s: &mut Vec<u16>) {
    let heads = &problem.site.layout.heads;
    red_s.resize(heads.len(), 0);
    let shows = problem.running().map(|s| &problem.site.layout.shows[usize::from(s.0) - 1]);
    for (index, head) in heads.iter().enumerate() {
        let Some(head) = head else { continue };
        let waits = lanes[head.lane].vehicles.iter().any(|v| usize::from(v.head) == index && v.stopped());
        // A green in which somebody waits in the middle for ever is none to them.
        let yields = shows.is_some_and(|s| s[index] == search::Aspect::Yielding);
        let stuck =
            yields && lanes[head.lane].inside.iter().any(|v| usize::from(v.head) == index && v.stopped());
        let red = waits && !is_go(problem, head.group);
        red_s[index] = if stuck || red { red_s[index].saturating_add(1) } else { 0 };
    }
}

/// How long a group may be red with somebody waiting: `usual`, or what the cabinet says if that is less.
fn longest_red_s(problem: &Problem, group: GroupNumber, usual: f32) -> f32 {
    let own = problem.junction.group(group).map(|g| g.max_red).filter(|t| *t > Tenths::ZERO);
    own.map_or(usual, |t| usual.min(t.as_seconds() as f32))
}

/// The stage for people who have waited as long as they do before they cross on red. Nobody counts them, so the
/// search does not know of them.
fn on_foot(
    problem: &Problem,
    waiting: &[Option<Moment>],
    open: &[bool],
    running: StageNumber,
) -> Option<(StageNumber, GroupNumber, u16)> {
    let junction = problem.junction;
    let people = junction.groups.iter().zip(waiting).filter(|(g, _)| g.kind == GroupKind::Pedestrians);
    let waited = people.filter_map(|(g, since)| Some((problem.now.since((*since)?), g.number)));
    let due = |(w, g): &(Duration, GroupNumber)| w.as_secs_f32() >= longest_red_s(problem, *g, ON_FOOT_S);
    let (waited, group) = waited.filter(due).max_by_key(|(w, g)| (*w, Reverse(*g)))?;
    let serves = |s: &&Stage| s.number != running && s.has(group) && open[usize::from(s.number.0) - 1];
    let stage = junction.stages.iter().filter(serves).max_by_key(|s| (s.green.len(), Reverse(s.number)))?;
    Some((stage.number, group, waited.as_secs() as u16))
}

/// The stage that lets out whoever has stood at red for too long.
fn starved(
    problem: &Problem,
    lanes: &[forecast::Lane],
    memory: &Memory,
    open: &[bool],
    running: StageNumber,
) -> Option<(StageNumber, GroupNumber, u16)> {
    let layout = &problem.site.layout;
    let due = |&(index, red_s): &(usize, &u16)| {
        let head = layout.heads[index].as_ref();
        head.is_some_and(|h| f32::from(*red_s) > longest_red_s(problem, h.group, problem.tuning.max_red_s))
    };
    let (index, &red_s) =
        memory.red_s.iter().enumerate().filter(due).max_by_key(|(i, red)| (**red, Reverse(*i)))?;
    // Of the stages that let it go, the one that lets most of the others go that wait long too.
    let worth = |stage: usize| -> (bool, bool, u32) {
        let freely = layout.shows[stage][index] == search::Aspect::Green;
        let goes =
            |i: usize| matches!(layout.shows[stage][i], search::Aspect::Green | search::Aspect::Yielding);
        let standing = |i: usize| {
            layout.heads[i].as_ref().is_some_and(|h| {
                let mut all = lanes[h.lane].vehicles.iter().chain(&lanes[h.lane].inside);
                all.any(|v| usize::from(v.head) == i && v.stopped())
            })
        };
        let all = (0..layout.heads.len()).filter(|&i| goes(i) && standing(i));
        (goes(index), freely, all.map(|i| u32::from(memory.red_s[i])).sum())
    };
    let stages = &problem.junction.stages;
    let places = (0..stages.len()).filter(|&p| open[p] || stages[p].number == running);
    let best = places.max_by_key(|&p| (worth(p), Reverse(p)))?;
    let group = layout.heads[index].as_ref()?.group;
    (worth(best).0 && stages[best].number != running).then_some((stages[best].number, group, red_s))
}

/// While somebody is held up inside the junction, only a stage may follow that lets them out; if there is none, the
/// running one goes on for as long as that may help. Says whether this bound the choice.
fn let_out(problem: &Problem, memory: &Memory, running: StageNumber, open: &mut [bool]) -> bool {
    let inside = &memory.inside;
    if !inside.holds() {
        return false;
    }
    let layout = &problem.site.layout;
    let frees = |stage: usize| {
        inside.heads().iter().any(|&h| layout.shows[stage][usize::from(h)] == search::Aspect::Green)
    };
    let stages = &problem.junction.stages;
    let way_out = (0..stages.len()).any(|p| stages[p].number != running && open[p] && frees(p));
    if !way_out && !inside.patient() {
        return false;
    }
    for (place, open) in open.iter_mut().enumerate() {
        *open &= stages[place].number == running || frees(place);
    }
    true
}
