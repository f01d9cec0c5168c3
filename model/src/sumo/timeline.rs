//! A program as green sets over time, and the stages and the plan that show the same.
//!
//! Each moment at which some group ends its green is where a cabinet would be asked for the next stage.

use super::program::{Column, Program};
use crate::{
    ids::{GroupNumber, PlanNumber, StageNumber},
    network::Name,
    signal::{GroupKind, Junction, Plan, PlanStep, Stage, interstage::Interstage},
    time::Tenths,
};
use std::collections::{BTreeMap, BTreeSet};

/// Longest clearance of a crossing on foot that is taken from the gaps of a program: 15 m at a walk.
const LONGEST_WALK: Tenths = Tenths::seconds(12);
/// Longer without any green than this is not clearance any more: the program has left a stage out there.
const LONGEST_ALL_RED: Tenths = Tenths::seconds(5);
/// The same while another group, one that goes on, is green.
const LONGEST_PARTIAL_RED: Tenths = Tenths::seconds(3);
/// A stretch of the cycle in which the same groups are green, with the same of them permissive.
#[derive(Clone, PartialEq, Debug)]
struct Stretch {
    /// Since the start of row 0.
    from: Tenths,
    green: Vec<GroupNumber>,
    permissive: Vec<GroupNumber>,
    /// Some row of it shows no amber: the program rests here.
    stable: bool,
}

/// The program as green sets over time.
pub(super) struct Timeline<'p> {
    pub(super) program: &'p Program,
    cycle: Tenths,
    stretches: Vec<Stretch>,
    /// Groups that are green all the time.
    always: Vec<GroupNumber>,
}

/// One request that a cabinet would get to show what the program shows.
#[derive(Clone, Debug)]
pub(super) struct Request {
    at: Tenths,
    green: Vec<GroupNumber>,
    permissive: Vec<GroupNumber>,
    stable: bool,
}

impl<'p> Timeline<'p> {
    pub(super) fn of(program: &'p Program, columns: &[Column]) -> Timeline<'p> {
        let mut stretches: Vec<Stretch> = Vec::new();
        let mut now = Tenths::ZERO;
        let pick = |row: usize, is: fn(&Column, usize) -> bool| -> Vec<GroupNumber> {
            let on = columns.iter().enumerate().filter(|(_, c)| is(c, row));
            on.map(|(i, _)| GroupNumber(i as u16 + 1)).collect()
        };
        for (k, row) in program.rows.iter().enumerate() {
            let stable = !row.letters.iter().any(|l| matches!(l, b'y' | b'u'));
            let next = Stretch {
                from: now,
                green: pick(k, Column::green),
                permissive: pick(k, Column::permissive),
                stable,
            };
            now += row.duration;
            match stretches.last_mut() {
                Some(last) if last.green == next.green && last.permissive == next.permissive => {
                    last.stable |= stable
                }
                _ => stretches.push(next),
            }
        }
        // The last one may go on into the first.
        if stretches.len() > 1 {
            let (first, last) = (&stretches[0], &stretches[stretches.len() - 1]);
            if first.green == last.green && first.permissive == last.permissive {
                let stable = first.stable || last.stable;
                stretches.remove(0);
                stretches.last_mut().expect("more than one").stable = stable;
            }
        }
        let all: Vec<usize> = (0..program.rows.len()).collect();
        let always = columns.iter().enumerate().filter(|(_, c)| all.iter().all(|&r| c.green(r)));
        let always = always.map(|(i, _)| GroupNumber(i as u16 + 1)).collect();
        Timeline { program, cycle: now, stretches, always }
    }

    /// From `a` to `b` going forward around the cycle; a whole cycle if they are the same moment.
    fn between(&self, a: Tenths, b: Tenths) -> Tenths {
        let d = (b.0 + self.cycle.0 - a.0) % self.cycle.0;
        Tenths(if d == 0 { self.cycle.0 } else { d })
    }

    /// Cuts the cycle into requests, and sets the junction's intergreens on the way: which pairs are
    /// clearance, and which have a stage between them, is one question.
    pub(super) fn requests(&self, junction: &mut Junction) -> Vec<Request> {
        let n = self.stretches.len();
        let at = |k: usize| &self.stretches[k % n];
        let lost = |k: usize| minus(&at(k + n - 1).green, &at(k).green);
        let gained = |k: usize| minus(&at(k).green, &at(k + n - 1).green);
        let request = |when: Tenths, of: &Stretch| Request {
            at: when,
            green: of.green.clone(),
            permissive: of.permissive.clone(),
            stable: of.stable,
        };
        if n == 1 {
            self.intergreens(junction, &[]);
            return vec![request(Tenths::ZERO, at(0))];
        }
        let first = (0..n).find(|&k| !lost(k).is_empty()).unwrap_or(0);
        // Pairs of boundaries (a loss, then a gain) that can be one interstage.
        let mut joined: Vec<usize> = Vec::new();
        let mut k = first;
        while k < first + n {
            let d = self.between(at(k).from, at(k + 1).from);
            let clears =
                lost(k).iter().filter_map(|g| junction.group(*g)).map(|g| g.amber).max().unwrap_or_default();
            let beyond = d.saturating_sub(clears);
            let only_always = at(k).green.iter().all(|g| self.always.contains(g));
            let short = at(k).green.is_empty()
                || beyond <= if only_always { LONGEST_ALL_RED } else { LONGEST_PARTIAL_RED };
            let returns = gained(k + 1).iter().any(|g| lost(k).contains(g));
            let is_pair = k + 1 < first + n
                && !lost(k).is_empty()
                && gained(k).is_empty()
                && lost(k + 1).is_empty()
                && short
                && (!returns || at(k).green.is_empty());
            if is_pair {
                joined.push(k);
                k += 1;
            }
            k += 1;
        }
        let pairs: Vec<_> = joined.iter().map(|&k| (lost(k), gained(k + 1))).collect();
        self.intergreens(junction, &pairs);
        // One interstage shows both only if the clearances bring it to the very moment.
        joined.retain(|&k| {
            let way = Interstage::between_greens(junction, &at(k + n - 1).green, &at(k + 1).green).duration;
            at(k).green.is_empty() || way >= self.between(at(k).from, at(k + 1).from)
        });
        let mut requests = Vec::new();
        let mut k = first;
        while k < first + n {
            if joined.contains(&k) {
                requests.push(request(at(k).from, at(k + 1)));
                k += 1;
            } else if lost(k).is_empty() {
                let lead = gained(k)
                    .iter()
                    .filter_map(|g| junction.group(*g))
                    .map(|g| g.red_amber)
                    .max()
                    .unwrap_or_default();
                let room = requests.last().map_or(Tenths::ZERO, |r: &Request| self.between(r.at, at(k).from));
                let lead = if lead < room { lead } else { Tenths::ZERO };
                let asked = Tenths((at(k).from.0 + self.cycle.0 - lead.0 % self.cycle.0) % self.cycle.0);
                requests.push(request(asked, at(k)));
            } else {
                requests.push(request(at(k).from, at(k)));
            }
            k += 1;
        }
        // A stage without any green cannot be asked for: what is before it lasts until the next.
        if requests.iter().any(|r| !r.green.is_empty()) {
            requests.retain(|r| !r.green.is_empty());
        }
        // Begin with the one that is running, or being asked for, as row 0 begins.
        requests.sort_by_key(|r| r.at);
        if requests.first().is_some_and(|r| r.at > Tenths::ZERO) {
            requests.rotate_right(1);
        }
        requests
    }

    /// Two groups that no row shows green together conflict. The clearance is what the program shows between
    /// them, but no more than the ending group's amber and this junction's all-red where a stage lies between
    /// (such a gap says nothing), and never less than the amber. `pairs` are those that follow at once.
    fn intergreens(&self, junction: &mut Junction, pairs: &[(Vec<GroupNumber>, Vec<GroupNumber>)]) {
        let n = self.stretches.len();
        let groups: Vec<GroupNumber> = junction.groups.iter().map(|g| g.number).collect();
        let mut together = BTreeSet::new();
        let (mut ends, mut starts) = (BTreeMap::<_, Vec<Tenths>>::new(), BTreeMap::<_, Vec<Tenths>>::new());
        for k in 0..n {
            let (before, now) = (&self.stretches[(k + n - 1) % n], &self.stretches[k]);
            for &a in &now.green {
                together.extend(now.green.iter().map(|&b| (a, b)));
            }
            for g in minus(&before.green, &now.green) {
                ends.entry(g).or_default().push(now.from);
            }
            for g in minus(&now.green, &before.green) {
                starts.entry(g).or_default().push(now.from);
            }
        }
        let gap = |a: GroupNumber, b: GroupNumber| {
            let ends = ends.get(&a).into_iter().flatten();
            let gaps = ends.flat_map(|&e| starts.get(&b).into_iter().flatten().map(move |&s| (e, s)));
            // Ending and beginning in the same moment is a gap of nothing, not of a whole cycle.
            gaps.map(|(e, s)| if e == s { Tenths::ZERO } else { self.between(e, s) }).min()
        };
        let amber = |g: GroupNumber| junction.group(g).map_or(Tenths::ZERO, |g| g.amber);
        let direct =
            |a: GroupNumber, b: GroupNumber| pairs.iter().any(|(l, g)| l.contains(&a) && g.contains(&b));
        let mut all_red = Tenths::ZERO;
        for (lost, gained) in pairs {
            for (&a, &b) in lost.iter().flat_map(|a| gained.iter().map(move |b| (a, b))) {
                if !together.contains(&(a, b)) {
                    let shown = gap(a, b).unwrap_or_default().saturating_sub(amber(a));
                    all_red = all_red.max(shown.min(LONGEST_ALL_RED));
                }
            }
        }
        let mut rows = Vec::new();
        for &a in &groups {
            for &b in &groups {
                if a == b || together.contains(&(a, b)) {
                    continue;
                }
                // People on foot get no amber: what the program gives them is the clearance, as far as they need it.
                let on_foot = junction.group(a).is_some_and(|g| g.kind == GroupKind::Pedestrians);
                let usual = if on_foot { LONGEST_WALK } else { amber(a) + all_red };
                let shown = gap(a, b).unwrap_or(usual);
                let clearance = if direct(a, b) { shown } else { shown.min(usual) };
                rows.push((a, b, clearance.max(amber(a))));
            }
        }
        for (a, b, clearance) in rows {
            junction.intergreens.set(a, b, clearance);
        }
    }

    /// Where the plan cannot show what the program shows, in words.
    pub(super) fn inexact(&self, junction: &Junction, requests: &[Request]) -> Vec<String> {
        let n = self.stretches.len();
        let mut notes = Vec::new();
        for (k, now) in self.stretches.iter().enumerate() {
            let (before, after) = (&self.stretches[(k + n - 1) % n], &self.stretches[(k + 1) % n]);
            let lost = minus(&before.green, &now.green);
            for &g in lost.iter().filter(|g| now.green.is_empty() && after.green.contains(g)) {
                notes.push(format!("group {g} goes through amber between two stages in which it is green; here it stays green"));
            }
            for &began in &minus(&now.green, &before.green) {
                let early = |ended: &&GroupNumber| {
                    let amber = junction.group(**ended).map_or(Tenths::ZERO, |g| g.amber);
                    junction.intergreens.conflict(**ended, began)
                        && self.ended_before(**ended, now.from).is_some_and(|ago| ago < amber)
                };
                let groups: Vec<GroupNumber> = junction.groups.iter().map(|g| g.number).collect();
                if let Some(ended) = groups.iter().find(early) {
                    notes.push(format!("group {began} begins while group {ended} shows amber; here it waits for the amber to end"));
                }
            }
        }
        if requests.len() < 2 && n > 1 {
            notes.push("its rows come down to one stage".into());
        }
        notes.sort();
        notes.dedup();
        notes
    }

    /// How long before `moment` the group's last green ended.
    fn ended_before(&self, group: GroupNumber, moment: Tenths) -> Option<Tenths> {
        let n = self.stretches.len();
        let ends = (0..n).filter(|&k| {
            self.stretches[(k + n - 1) % n].green.contains(&group)
                && !self.stretches[k].green.contains(&group)
        });
        ends.map(|k| self.stretches[k].from)
            .map(|e| if e == moment { Tenths::ZERO } else { self.between(e, moment) })
            .min()
    }

    /// The distinct stages: first those in which the program rests, in its order, then those through which
    /// it only passes.
    pub(super) fn stages(&self, requests: &[Request]) -> Vec<Stage> {
        let mut stages: Vec<Stage> = Vec::new();
        let resting = requests.iter().filter(|r| r.stable);
        for r in resting.chain(requests.iter().filter(|r| !r.stable)) {
            if !stages.iter().any(|s| s.green == r.green && s.permissive == r.permissive) {
                stages.push(Stage {
                    number: StageNumber(stages.len() as u16 + 1),
                    green: r.green.clone(),
                    permissive: r.permissive.clone(),
                });
            }
        }
        stages
    }

    pub(super) fn plan(&self, requests: &[Request], stages: &[Stage], program: &Program) -> Plan {
        let n = requests.len();
        let stage = |r: &Request| {
            let found = stages.iter().find(|s| s.green == r.green && s.permissive == r.permissive);
            found.expect("every request has its stage").number
        };
        let mut steps: Vec<PlanStep> = Vec::new();
        for (k, r) in requests.iter().enumerate() {
            let split = self.between(r.at, requests[(k + 1) % n].at);
            let step = PlanStep { stage: stage(r), split };
            match steps.last_mut() {
                Some(last) if last.stage == step.stage => last.split += split,
                _ => steps.push(step),
            }
        }
        let cycle = i64::from(self.cycle.0);
        let begins = i64::from(requests.first().map_or(0, |r| r.at.0));
        let offset = Tenths((program.offset + begins).rem_euclid(cycle) as u32);
        let name = Name::only(format!("program {}", program.name));
        Plan { number: PlanNumber(1), name, offset, steps }
    }
}

/// Members of `a` that are not in `b`.
fn minus(a: &[GroupNumber], b: &[GroupNumber]) -> Vec<GroupNumber> {
    a.iter().copied().filter(|g| !b.contains(g)).collect()
}
