//! Who has waited for so long that their stage comes next, whatever the search says.

use super::{
    Memory, Picture, close,
    forecast::Lane,
    is_go,
    layout::{Approach, Sight},
    plain,
    search::Aspect,
};
use crate::decide::{Choice, Limit, Problem, Reason};
use model::{
    ids::{GroupNumber, StageNumber},
    signal::{GroupKind, Stage},
    time::Tenths,
};
use std::{cmp::Reverse, time::Duration};

/// People on foot wait no longer than this once they have called: beyond it many cross on red (HCM 2010, 18.4).
const ON_FOOT_S: f32 = 60.0;
/// A green that somebody starving ends has lasted so long, or a saturated junction would serve nobody but the starving,
/// in greens that are all interstage: usually, and where the junction is saturated and each vehicle is followed, s. Where cameras only count,
/// a saturated city had 165.6 s of delay with 25 s and has 155.6 with 15 (four hours).
const LEAST_GREEN_S: [f32; 2] = [15.0, 25.0];

/// Whoever is seen to stand on a road so short that it belongs to two junctions waits no longer than this: they soon stand in
/// the way of both, and with turners on both sides for ever. Where cameras count lanes, four of six hours of a network
/// of 21 junctions locked without it, and two of eight do with it; with 20 s, 30 s or 60 s more did. With loops, which
/// only guess for whom somebody stands, three of eight locked with it and two of ten without: see [`close::stands`].
const SHORT_ROAD_S: f32 = 40.0;

/// Somebody who has stood for so long before their green on such a road, while nobody left, is not where they must go, or is kept there by who
/// stands in the lane beside, s.
const STUCK_S: u8 = 4;
/// So many who stand in a lane of it soon reach back into the junction before.
const FULL: u16 = 2;

/// A stage that is overdue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Overdue {
    pub stage: StageNumber,
    /// The group for which somebody waits, and for how long.
    group: GroupNumber,
    red_s: u16,
}

impl Overdue {
    pub(super) fn choice(self, problem: &Problem) -> Choice {
        let mut choice = plain(problem, self.stage, Reason::MaxRed, vec![Limit::MaxRed]);
        choice.facts.insert("group".into(), f64::from(self.group.0));
        choice.facts.insert("red_s".into(), f64::from(self.red_s));
        choice
    }
}

/// Counts for how long somebody has stood before each red head.
pub(super) fn count_red(problem: &Problem, lanes: &[Lane], red_s: &mut Vec<u16>) {
    let heads = &problem.site.layout.heads;
    red_s.resize(heads.len(), 0);
    let shows = problem.running().map(|s| &problem.site.layout.shows[usize::from(s.0) - 1]);
    for (index, head) in heads.iter().enumerate() {
        let Some(head) = head else { continue };
        let waits = lanes[head.lane].vehicles.iter().any(|v| usize::from(v.head) == index && v.stopped());
        // A green in which somebody waits in the middle for ever is none to them.
        let yields = shows.is_some_and(|s| s[index] == Aspect::Yielding);
        let stuck =
            yields && lanes[head.lane].inside.iter().any(|v| usize::from(v.head) == index && v.stopped());
        let red = waits && !is_go(problem, head.group);
        red_s[index] = if stuck || red { red_s[index].saturating_add(1) } else { 0 };
    }
}

/// Counts for how long somebody has stood before the green of each lane of a short road between signals.
pub(super) fn count_stuck(problem: &Problem, stuck_s: &mut Vec<u8>) {
    let layout = &problem.site.layout;
    stuck_s.resize(layout.lanes.len(), 0);
    for (lane, stuck_s) in layout.lanes.iter().zip(stuck_s) {
        let green = |&head: &u16| {
            let head = layout.heads[usize::from(head)].as_ref();
            head.is_some_and(|h| !h.fed_by.is_empty() && is_go(problem, h.group))
        };
        let stop_line = lane.stop_line.and_then(|c| problem.live.working(problem.now, c));
        let left = stop_line.is_some_and(|c| c.last.count > 0);
        let stuck = lane.heads.iter().all(green) && standing(problem, lane) > 0 && !left;
        *stuck_s = if stuck { stuck_s.saturating_add(1) } else { 0 };
    }
}

/// How many a lane's camera counts that stand.
fn standing(problem: &Problem, lane: &Approach) -> u16 {
    let area = lane.area.and_then(|c| problem.live.working(problem.now, c));
    area.and_then(|c| c.last.queue).unwrap_or(0)
}

/// How long a group may be red with somebody waiting: `usual`, or what the cabinet says if that is less.
fn longest_red_s(problem: &Problem, group: GroupNumber, usual: f32) -> f32 {
    let own = problem.junction.group(group).map(|g| g.max_red).filter(|t| *t > Tenths::ZERO);
    own.map_or(usual, |t| usual.min(t.as_seconds() as f32))
}

impl Picture<'_> {
    /// The stage that is most overdue, if one is.
    pub(super) fn overdue(&self, memory: &Memory) -> Option<Overdue> {
        let [usual_s, saturated_s] = LEAST_GREEN_S;
        let saturated = match self.sight {
            Sight::Followed => memory.saturated(self.problem.tuning),
            Sight::Counted | Sight::Felt => 0.0,
        };
        let least_s = usual_s + (saturated_s - usual_s) * saturated;
        let long_enough = self.problem.green_for().is_some_and(|g| g.as_seconds() as f32 >= least_s);
        let jammed = self.jammed(&memory.red_s, &memory.stuck_s);
        let starved = || if long_enough { self.starved(&memory.red_s) } else { None };
        jammed.or_else(starved).or_else(|| self.on_foot())
    }

    /// The stage that empties a short road between signals before it locks both: its lane is full, so that whoever comes next stops in
    /// the junction before, or somebody in the lane beside is stuck. Where vehicles are followed, nobody is sent there in time.
    fn jammed(&self, red_s: &[u16], stuck_s: &[u8]) -> Option<Overdue> {
        let layout = &self.problem.site.layout;
        if !layout.is_close {
            return None;
        }
        self.longest_waiting(red_s, |index| {
            let Some(head) = layout.heads[index].as_ref().filter(|h| !h.fed_by.is_empty()) else {
                return false;
            };
            let lane = &layout.lanes[head.lane];
            match self.sight {
                Sight::Followed => false,
                Sight::Counted => {
                    let beside = layout.roads.iter().filter(|road| road.contains(&head.lane)).flatten();
                    let stuck = |lane: usize| lane != head.lane && stuck_s[lane] >= STUCK_S;
                    let full = standing(self.problem, lane) >= FULL;
                    red_s[index] > 0 && (full || beside.copied().any(stuck))
                }
                Sight::Felt => !is_go(self.problem, head.group) && close::stands(self.problem, lane),
            }
        })
    }

    /// The stage for people who have waited as long as they do before they cross on red.
    fn on_foot(&self) -> Option<Overdue> {
        let problem = self.problem;
        let junction = problem.junction;
        let people =
            junction.groups.iter().zip(self.waiting).filter(|(g, _)| g.kind == GroupKind::Pedestrians);
        let waited = people.filter_map(|(g, since)| Some((problem.now.since((*since)?), g.number)));
        let due = |(w, g): &(Duration, GroupNumber)| w.as_secs_f32() >= longest_red_s(problem, *g, ON_FOOT_S);
        let (waited, group) = waited.filter(due).max_by_key(|(w, g)| (*w, Reverse(*g)))?;
        let serves = |s: &&Stage| s.number != self.running && s.has(group) && self.is_open(s.number);
        let stage =
            junction.stages.iter().filter(serves).max_by_key(|s| (s.green.len(), Reverse(s.number)))?;
        Some(Overdue { stage: stage.number, group, red_s: waited.as_secs() as u16 })
    }

    /// The stage that lets out whoever has stood at red for too long.
    fn starved(&self, red_s: &[u16]) -> Option<Overdue> {
        let problem = self.problem;
        let layout = &problem.site.layout;
        self.longest_waiting(red_s, |index| {
            let head = layout.heads[index].as_ref();
            head.is_some_and(|h| {
                let seen = h.channel.is_some() || layout.lanes[h.lane].area.is_some();
                let short = !h.fed_by.is_empty() && seen;
                let usual = if short { SHORT_ROAD_S } else { problem.tuning.max_red_s };
                f32::from(red_s[index]) > longest_red_s(problem, h.group, usual.min(problem.tuning.max_red_s))
            })
        })
    }

    /// The stage that frees whoever has stood longest of those heads that are `due`.
    fn longest_waiting(&self, red_s: &[u16], due: impl Fn(usize) -> bool) -> Option<Overdue> {
        let layout = &self.problem.site.layout;
        let all = red_s.iter().enumerate().filter(|(index, _)| due(*index));
        let (index, &longest_s) = all.max_by_key(|(i, red)| (**red, Reverse(*i)))?;
        // Of the stages that let it go, the one that lets most of the others go that wait long too.
        let worth = |stage: usize| -> (bool, bool, u32) {
            let freely = layout.shows[stage][index] == Aspect::Green;
            let goes = |i: usize| layout.shows[stage][i].is_go();
            let standing = |i: usize| {
                layout.heads[i].as_ref().is_some_and(|h| {
                    let mut all = self.lanes[h.lane].vehicles.iter().chain(&self.lanes[h.lane].inside);
                    all.any(|v| usize::from(v.head) == i && v.stopped())
                })
            };
            let all = (0..layout.heads.len()).filter(|&i| goes(i) && standing(i));
            (goes(index), freely, all.map(|i| u32::from(red_s[i])).sum())
        };
        let stages = &self.problem.junction.stages;
        let places = (0..stages.len()).filter(|&p| self.open[p] || stages[p].number == self.running);
        let best = places.max_by_key(|&p| (worth(p), Reverse(p)))?;
        let (stage, group) = (stages[best].number, layout.heads[index].as_ref()?.group);
        let frees = worth(best).0 && stage != self.running;
        frees.then_some(Overdue { stage, group, red_s: longest_s })
    }
}
