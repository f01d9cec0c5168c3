//! Lamps, and the rules that keep them safe.
//!
//! A [`Junction`] is what a cabinet knows of itself. [`interstage`] computes the way from one stage to the
//! next; [`rules`] says whether a stage may be asked for now, and watches what the lamps really did. The
//! centre and the cabinet each keep their own copy of the data and run the same rules over it.

pub mod design;
pub mod further;
pub mod interstage;
pub mod rules;
pub mod stretch;
pub mod webster;

use crate::{
    detection::Detector,
    geo::LonLat,
    ids::{DistrictId, GroupNumber, JunctionId, PlanNumber, StageNumber},
    network::Name,
    time::Tenths,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a group's lamps show.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lamp {
    /// Stop.
    Red,
    /// About to become green.
    RedAmber,
    /// Go.
    Green,
    /// Go, but not for long (3 s before amber in Russia; pedestrian clearance).
    FlashingGreen,
    /// Stop if you can.
    Amber,
    /// No control: give way by the signs.
    FlashingAmber,
    /// No power.
    Dark,
}

impl Lamp {
    /// All lamps, in register order: `Lamp::ALL[n]` is the lamp that registers call `n`.
    pub const ALL: [Lamp; 7] = [
        Lamp::Red,
        Lamp::RedAmber,
        Lamp::Green,
        Lamp::FlashingGreen,
        Lamp::Amber,
        Lamp::FlashingAmber,
        Lamp::Dark,
    ];
    /// Whether traffic may go: green or flashing green.
    pub fn is_go(self) -> bool {
        matches!(self, Lamp::Green | Lamp::FlashingGreen)
    }
    /// Its number in registers.
    pub fn code(self) -> u16 {
        Lamp::ALL.iter().position(|&l| l == self).expect("ALL lists every lamp") as u16
    }
    /// The lamp that registers call `code`.
    pub fn from_code(code: u16) -> Option<Lamp> {
        Lamp::ALL.get(code as usize).copied()
    }
}

/// For whom a group's lamps are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupKind {
    /// Everything with tyres.
    Vehicles,
    /// People on foot.
    Pedestrians,
    /// Trams.
    Trams,
    /// Bicycles.
    Cyclists,
}

/// Lamps that always show the same thing.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignalGroup {
    /// Its number; groups stand in order, from 1, without gaps.
    pub number: GroupNumber,
    /// For whom.
    pub kind: GroupKind,
    /// For people: the street or the turn.
    #[serde(default)]
    pub name: Name,
    /// Steady green lasts at least this long.
    pub min_green: Tenths,
    /// Red with a call waiting lasts at most this long; zero means no limit.
    #[serde(default)]
    pub max_red: Tenths,
    /// Flashing green after steady green; for pedestrians the clearance. Counts as green for conflicts.
    pub flashing_green: Tenths,
    /// Amber after green; zero for pedestrians.
    pub amber: Tenths,
    /// Red-amber before green.
    pub red_amber: Tenths,
    /// Its red allows a turn after a full stop (SUMO's `s`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub turn_on_red: bool,
}

/// A set of groups that are green together.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Its number; stages stand in order, from 1, without gaps.
    pub number: StageNumber,
    /// Groups that are green, ascending.
    pub green: Vec<GroupNumber>,
    /// Those of `green` that must give way to others of the stage (SUMO's `g`), ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permissive: Vec<GroupNumber>,
}

impl Stage {
    /// Whether the group is green in it.
    pub fn has(&self, group: GroupNumber) -> bool {
        self.green.contains(&group)
    }
}

/// Seconds from the end of one group's green (flashing included) to the start of another's.
/// Two groups conflict if either order is listed; groups that are not listed may be green together.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Intergreens(BTreeMap<(GroupNumber, GroupNumber), Tenths>);

impl Intergreens {
    /// Sets the clearance from the end of `ending` to the start of `starting`.
    pub fn set(&mut self, ending: GroupNumber, starting: GroupNumber, clearance: Tenths) {
        self.0.insert((ending, starting), clearance);
    }
    /// The clearance, or `None` where the two do not conflict.
    pub fn get(&self, ending: GroupNumber, starting: GroupNumber) -> Option<Tenths> {
        self.0.get(&(ending, starting)).copied()
    }
    /// Whether the two may never be green together.
    pub fn conflict(&self, a: GroupNumber, b: GroupNumber) -> bool {
        self.0.contains_key(&(a, b)) || self.0.contains_key(&(b, a))
    }
    /// All pairs, in order.
    pub fn iter(&self) -> impl Iterator<Item = (GroupNumber, GroupNumber, Tenths)> + '_ {
        self.0.iter().map(|(&(a, b), &t)| (a, b, t))
    }
    /// Whether nothing conflicts with anything.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

// In files: `[[ending, starting, seconds], ...]`.
impl Serialize for Intergreens {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Intergreens {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let rows = Vec::<(GroupNumber, GroupNumber, Tenths)>::deserialize(d)?;
        Ok(Self(rows.into_iter().map(|(a, b, t)| ((a, b), t)).collect()))
    }
}

/// One line of a plan.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanStep {
    /// The stage.
    pub stage: StageNumber,
    /// From the moment that the stage is asked for to the moment that the next one is: the interstage into
    /// it, and its green.
    pub split: Tenths,
}

/// A timing plan: a fixed sequence of stages that repeats.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Its number.
    pub number: PlanNumber,
    /// For people.
    #[serde(default)]
    pub name: Name,
    /// Cycle second 0 falls on moments (seconds since the epoch of the junction's clock) that are `offset`
    /// modulo the cycle.
    pub offset: Tenths,
    /// Stages in order; the splits add up to the cycle.
    pub steps: Vec<PlanStep>,
}

impl Plan {
    /// The cycle: the sum of the splits.
    pub fn cycle(&self) -> Tenths {
        self.steps.iter().map(|s| s.split).sum()
    }

    /// Tenths since the cycle began, at `clock` tenths on the junction's clock.
    pub fn cycle_position(&self, clock: u64) -> Tenths {
        let cycle = u64::from(self.cycle().0.max(1));
        Tenths(((clock % cycle + cycle - u64::from(self.offset.0) % cycle) % cycle) as u32)
    }

    /// Which step should be running at `clock`, and how far into it we are.
    pub fn step_at(&self, clock: u64) -> Option<(usize, Tenths)> {
        let mut position = self.cycle_position(clock);
        for (i, step) in self.steps.iter().enumerate() {
            if position < step.split {
                return Some((i, position));
            }
            position = position.saturating_sub(step.split);
        }
        None
    }
}

/// From when on a plan runs, by the clock of the place.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleEntry {
    /// Days: bit 0 is Monday, bit 6 Sunday.
    pub days: u8,
    /// Minutes after local midnight.
    pub from_minute: u16,
    /// The plan.
    pub plan: PlanNumber,
}

/// Every day of the week, for [`ScheduleEntry::days`].
pub const EVERY_DAY: u8 = 0b111_1111;

/// What a cabinet knows of itself.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Junction {
    /// The TLC's id.
    pub id: JunctionId,
    /// Its id in the file it came from, where that cannot stand in a topic or differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_id: Option<String>,
    /// The crossing streets.
    pub name: Name,
    /// Who owns it.
    pub district: DistrictId,
    /// Where it is.
    pub at: LonLat,
    /// Groups, by number.
    pub groups: Vec<SignalGroup>,
    /// The group that each head shows, in the source's order of heads.
    #[serde(default)]
    pub heads: Vec<GroupNumber>,
    /// Conflicts and clearances.
    pub intergreens: Intergreens,
    /// Stages, by number.
    pub stages: Vec<Stage>,
    /// Plans, by number; the first is the one that runs when nobody says otherwise.
    pub plans: Vec<Plan>,
    /// Which plan when; empty means the first plan always.
    #[serde(default)]
    pub schedule: Vec<ScheduleEntry>,
    /// Detector channels.
    #[serde(default)]
    pub detectors: Vec<Detector>,
}

impl Junction {
    /// Its name in the file that it was read from: SUMO's traffic light id, for one.
    pub fn source_id(&self) -> &str {
        self.source_id.as_deref().unwrap_or(self.id.as_str())
    }

    /// The group of that number.
    pub fn group(&self, number: GroupNumber) -> Option<&SignalGroup> {
        self.groups.get(usize::from(number.0).checked_sub(1)?)
    }
    /// The stage of that number.
    pub fn stage(&self, number: StageNumber) -> Option<&Stage> {
        self.stages.get(usize::from(number.0).checked_sub(1)?)
    }
    /// The plan of that number.
    pub fn plan(&self, number: PlanNumber) -> Option<&Plan> {
        self.plans.iter().find(|p| p.number == number)
    }

    /// Whether a plan names that stage. Where there are no plans, every stage counts.
    pub fn in_plans(&self, stage: StageNumber) -> bool {
        self.plans.is_empty() || self.plans.iter().any(|p| p.steps.iter().any(|s| s.stage == stage))
    }

    /// The plan that the schedule wants at a local time: `weekday` 0 is Monday.
    pub fn scheduled_plan(&self, weekday: u8, minute: u16) -> Option<&Plan> {
        let today = |e: &&ScheduleEntry| e.days & (1 << weekday) != 0 && e.from_minute <= minute;
        let entry = self.schedule.iter().filter(today).max_by_key(|e| e.from_minute);
        // Before the day's first entry yesterday's last one goes on.
        let yesterday = |e: &&ScheduleEntry| e.days & (1 << ((weekday + 6) % 7)) != 0;
        let entry = entry.or_else(|| self.schedule.iter().filter(yesterday).max_by_key(|e| e.from_minute));
        entry.and_then(|e| self.plan(e.plan)).or(self.plans.first())
    }

    /// Gives every group of vehicles the same amber; clearances from it change by as much.
    pub fn show_amber_for(&mut self, amber: Tenths) {
        for group in self.groups.iter_mut().filter(|g| g.kind != GroupKind::Pedestrians) {
            let before = std::mem::replace(&mut group.amber, amber);
            for ((ending, _), clearance) in &mut self.intergreens.0 {
                if *ending == group.number {
                    *clearance = clearance.saturating_sub(before) + amber;
                }
            }
        }
    }

    /// A fingerprint of all that safety depends on (groups, intergreens, stages), so that the centre and the
    /// cabinet can tell that they speak of the same junction. FNV-1a, 32 bits, to fit two registers.
    pub fn config_hash(&self) -> u32 {
        let text = serde_json::to_vec(&(&self.groups, &self.intergreens, &self.stages, &self.plans))
            .expect("plain data always serialises");
        text.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
    }

    /// Everything that is wrong with it, in words; empty means it is safe to run.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if !self.id.is_topic_safe() {
            faults.push("its id cannot stand in an MQTT topic (it is empty or has / + #)".to_string());
        }
        if !self.district.is_topic_safe() {
            faults.push(format!(
                "its district {:?} cannot stand in an MQTT topic (it is empty, has / + #, or is one of {})",
                self.district.as_str(),
                DistrictId::RESERVED.join(", ")
            ));
        }
        for (i, group) in self.groups.iter().enumerate() {
            if usize::from(group.number.0) != i + 1 {
                faults.push(format!(
                    "group {} stands at place {}; groups must count from 1",
                    group.number,
                    i + 1
                ));
            }
            if group.min_green == Tenths::ZERO {
                faults.push(format!("group {} has no minimum green", group.number));
            }
        }
        for (a, b, clearance) in self.intergreens.iter() {
            let Some(ending) = self.group(a) else {
                faults.push(format!("the intergreen {a} to {b} names group {a}, which does not exist"));
                continue;
            };
            if self.group(b).is_none() {
                faults.push(format!("the intergreen {a} to {b} names group {b}, which does not exist"));
            }
            if a == b {
                faults.push(format!("group {a} conflicts with itself"));
            }
            if clearance < ending.amber {
                faults.push(format!(
                    "the intergreen {a} to {b} is {clearance} s, less than group {a}'s amber {} s",
                    ending.amber
                ));
            }
            if self.intergreens.get(b, a).is_none() {
                faults.push(format!("the intergreen {a} to {b} is given, but {b} to {a} is not"));
            }
        }
        if self.stages.is_empty() {
            faults.push("it has no stages".to_string());
        }
        for (i, stage) in self.stages.iter().enumerate() {
            if usize::from(stage.number.0) != i + 1 {
                faults.push(format!(
                    "stage {} stands at place {}; stages must count from 1",
                    stage.number,
                    i + 1
                ));
            }
            for (k, &a) in stage.green.iter().enumerate() {
                if self.group(a).is_none() {
                    faults.push(format!("stage {}: group {a} does not exist", stage.number));
                }
                for &b in &stage.green[k + 1..] {
                    if self.intergreens.conflict(a, b) {
                        faults.push(format!(
                            "groups {a} and {b} are both green in stage {}, and they conflict",
                            stage.number
                        ));
                    }
                }
            }
            if let Some(lost) = stage.permissive.iter().find(|&&g| !stage.has(g)) {
                faults.push(format!("stage {}: group {lost} is permissive but not green", stage.number));
            }
        }
        if faults.is_empty() {
            for plan in &self.plans {
                faults.extend(self.plan_faults(plan));
            }
        }
        let mut numbers = BTreeSet::new();
        if let Some(plan) = self.plans.iter().find(|p| !numbers.insert(p.number)) {
            faults.push(format!("plan {} is there twice", plan.number));
        }
        let mut channels = BTreeSet::new();
        if let Some(detector) = self.detectors.iter().find(|d| !channels.insert(d.channel)) {
            faults.push(format!("detector channel {} is there twice", detector.channel));
        }
        for entry in &self.schedule {
            if entry.days & EVERY_DAY == 0 || entry.days > EVERY_DAY || entry.from_minute >= 24 * 60 {
                faults.push(format!(
                    "the schedule's entry for plan {} has no day of the week or no minute of the day (days {}, minute {})",
                    entry.plan, entry.days, entry.from_minute
                ));
            }
            if self.plan(entry.plan).is_none() {
                faults.push(format!("the schedule asks for plan {}, which does not exist", entry.plan));
            }
        }
        faults
    }

    /// Why a plan cannot run here, in words: unknown stages, and splits too short for their interstage and
    /// minimum green.
    pub fn plan_faults(&self, plan: &Plan) -> Vec<String> {
        let mut faults = Vec::new();
        if plan.steps.is_empty() {
            return vec![format!("plan {} has no stages", plan.number)];
        }
        if let Some(step) = plan.steps.iter().find(|s| self.stage(s.stage).is_none()) {
            return vec![format!("plan {} asks for stage {}, which does not exist", plan.number, step.stage)];
        }
        for (i, step) in plan.steps.iter().enumerate() {
            let (way, need) = self.split_needs(plan, i);
            if step.split < way + need {
                faults.push(format!(
                    "plan {}, stage {}: split {} s cannot hold interstage {} + minimum green {} s",
                    plan.number, step.stage, step.split, way, need
                ));
            }
        }
        faults
    }
    /// The shortest split that the plan's step `i` can have: its interstage, and the minimum green of the
    /// groups that begin and end with it. Every stage of the plan must exist.
    pub fn shortest_split(&self, plan: &Plan, i: usize) -> Tenths {
        let (way, need) = self.split_needs(plan, i);
        way + need
    }

    fn split_needs(&self, plan: &Plan, i: usize) -> (Tenths, Tenths) {
        let n = plan.steps.len();
        let at = |i: usize| plan.steps[i % n].stage;
        let (before, now, after) = (at(i + n - 1), at(i), at(i + 1));
        let way = interstage::Interstage::between(self, before, now);
        let has = |stage, g: GroupNumber| self.stage(stage).is_some_and(|s| s.has(g));
        // Only groups that begin and end here need their minimum within this split; one that goes on has more time.
        let own = self
            .stage(now)
            .map_or(&[][..], |s| &s.green[..])
            .iter()
            .filter(|g| !has(before, **g) && !has(after, **g));
        let need = own.filter_map(|g| self.group(*g)).map(|g| g.min_green).max().unwrap_or(Tenths::ZERO);
        (way.duration, need)
    }
}
