//! What deciding must remember of a junction from tick to tick.

use super::site::{Area, LoopLane, SPACING_M, Site};
use crate::{
    coordinator::{ChannelLive, Live},
    estimate::Volumes,
};
use model::{
    detection::DetectorKind,
    ids::{ChannelNumber, GroupNumber, StageNumber},
    signal::{Junction, Lamp, Plan, webster},
    time::{Moment, Tenths},
};
use std::{collections::VecDeque, time::Duration};

/// Greens kept for each stage, for forecasts.
const GREENS_KEPT: usize = 20;
/// Minutes of volumes that a plan is designed from, and for how long it then runs.
const DESIGN_MIN: u32 = 15;
/// A stop line that nobody touched for this long under green has no queue.
const EMPTY: Duration = Duration::from_secs(4);
/// A reading older than this says nothing of now, s.
const READING_FRESH_S: u64 = 3;

/// One junction's memory.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    /// By group: since when it has been red with somebody waiting.
    pub waiting: Vec<Option<Moment>>,
    /// By area channel of the site: vehicles that the next seconds of green can serve; `None` unknown.
    pub near: Vec<Option<f64>>,
    /// By area channel of the site: who came into view lately.
    arrivals: Vec<Arrivals>,
    /// By lane of [`Site::loops`]: vehicles waiting by its loops.
    pub balance: Vec<Balance>,
    /// By stage: how long its last greens were, oldest first.
    greens: Vec<Vec<Tenths>>,
    /// When max-pressure last compared.
    pub instant: Option<Moment>,
    /// What the rolling horizon keeps.
    pub adaptive: super::adaptive::Memory,
    /// Webster's plan in use where the junction has none, and since when.
    pub webster: Option<(Moment, Plan)>,
}

impl Memory {
    pub(crate) fn new(junction: &Junction, site: &Site) -> Memory {
        Memory {
            waiting: vec![None; junction.groups.len()],
            near: vec![None; site.areas.len()],
            arrivals: vec![Arrivals::default(); site.areas.len()],
            balance: vec![Balance::default(); site.loops.len()],
            greens: vec![Vec::new(); junction.stages.len()],
            instant: None,
            adaptive: super::adaptive::Memory::default(),
            webster: None,
        }
    }

    /// Share of the fullest lane, smoothed; 0 where adaptive control does not look.
    pub(crate) fn saturation(&self) -> f32 {
        self.adaptive.saturation()
    }

    /// A green of that stage ended after so long.
    pub(crate) fn green_lasted(&mut self, stage: StageNumber, lasted: Tenths) {
        let Some(greens) = usize::from(stage.0).checked_sub(1).and_then(|i| self.greens.get_mut(i)) else {
            return;
        };
        if greens.len() == GREENS_KEPT {
            greens.remove(0);
        }
        greens.push(lasted);
    }

    /// How long the last greens of that stage were, oldest first.
    pub(crate) fn greens(&self, stage: StageNumber) -> &[Tenths] {
        usize::from(stage.0).checked_sub(1).and_then(|i| self.greens.get(i)).map_or(&[], Vec::as_slice)
    }

    /// Brings queues and waiting up to date.
    pub(crate) fn tick(&mut self, now: Moment, junction: &Junction, site: &Site, live: &Live) {
        for ((area, arrivals), near) in site.areas.iter().zip(&mut self.arrivals).zip(&mut self.near) {
            *near = arrivals.near(now, area, live);
        }
        for (lane, balance) in site.loops.iter().zip(&mut self.balance) {
            balance.tick(now, lane, live);
        }
        for (i, group) in junction.groups.iter().enumerate() {
            let lamp = live.groups.get(i).map(|s| s.lamp);
            let wanting = self.wants(now, site, live, group.number);
            self.waiting[i] = match lamp {
                Some(Lamp::Red | Lamp::Amber | Lamp::RedAmber) if wanting => self.waiting[i].or(Some(now)),
                _ => None,
            };
        }
    }

    /// Designs a plan from what was measured, where the junction has none: first after [`DESIGN_MIN`], then as
    /// often.
    pub(crate) fn design(&mut self, now: Moment, junction: &Junction, site: &Site, volumes: &Volumes) {
        let due = match &self.webster {
            None => volumes.minutes() >= DESIGN_MIN,
            Some((at, _)) => now.since(*at) >= Duration::from_secs(60 * u64::from(DESIGN_MIN)),
        };
        if !due {
            return;
        }
        let order: Vec<StageNumber> = site.base.steps.iter().map(|s| s.stage).collect();
        let ratios = volumes.flow_ratios(junction, site, &order);
        self.webster = Some((now, webster::plan(junction, site.base.number, &order, &ratios)));
    }

    /// Whether somebody wants this group's green. A group that no working detector calls always does: nobody
    /// may wait for ever because nobody looks.
    pub(crate) fn wants(&self, now: Moment, site: &Site, live: &Live, group: GroupNumber) -> bool {
        let Some(callers) = usize::from(group.0).checked_sub(1).and_then(|i| site.callers.get(i)) else {
            return false;
        };
        let mut seen = false;
        for caller in callers {
            let Some(channel) = live.working(now, caller.channel) else {
                continue;
            };
            seen = true;
            let calls = match caller.kind {
                DetectorKind::Area => channel.last.vehicles.or(channel.last.queue).unwrap_or(0) > 0,
                _ => channel.call || channel.last.occupied,
            };
            if calls {
                return true;
            }
        }
        !seen
    }
}

/// Whether a channel's newest reading says something of now.
pub(crate) fn usable(now: Moment, channel: &ChannelLive) -> bool {
    channel.is_believed()
        && channel.at.is_some_and(|at| now.since(at) <= Duration::from_secs(READING_FRESH_S))
}

/// Who came into an area channel's view, and when.
#[derive(Clone, Debug, Default)]
struct Arrivals {
    /// End of the newest window taken, and how many were in view then.
    before: Option<(Moment, u32)>,
    /// `(when, how many)` of the last [`Area::lag`], oldest first.
    lately: VecDeque<(Moment, u32)>,
    /// The channel itself counts those who come in.
    counts: bool,
}

impl Arrivals {
    /// Vehicles that stand, or are within [`super::NEAR_M`] of the stop line: those in view less those who came
    /// into view so lately that they must be farther away.
    fn near(&mut self, now: Moment, area: &Area, live: &Live) -> Option<f64> {
        let Some(channel) = live.working(now, area.channel) else {
            *self = Arrivals::default();
            return None;
        };
        let standing = u32::from(channel.last.queue.unwrap_or(0));
        let Some(in_view) = channel.last.vehicles.map(u32::from) else {
            return channel.last.queue.map(|_| self.stored(standing, area));
        };
        if let Some(at) = channel.at.filter(|at| self.before.is_none_or(|(before, _)| *at > before)) {
            self.counts |= channel.last.count > 0;
            let came = if self.counts {
                u32::from(channel.last.count)
            } else if let Some((_, before)) = self.before {
                // Whoever left over the stop line makes room in the view for one who came.
                (in_view + self.left(area, live)).saturating_sub(before)
            } else {
                0
            };
            if came > 0 {
                self.lately.push_back((at, came));
            }
            self.before = Some((at, in_view));
        }
        let from = now - area.lag;
        while self.lately.front().is_some_and(|(at, _)| *at <= from) {
            self.lately.pop_front();
        }
        let far: u32 = self.lately.iter().map(|(_, n)| n).sum();
        Some(self.stored(in_view.saturating_sub(far).max(standing), area))
    }

    /// Vehicles that crossed the stop line in the newest window, of those that the channel counts.
    fn left(&self, area: &Area, live: &Live) -> u32 {
        let go = area.groups.iter().any(|g| lamp(live, *g).is_some_and(|l| l != Lamp::Red));
        let crossed =
            area.stop_line.and_then(|channel| live.detectors.get(&channel)).map_or(0, |c| c.last.count);
        if go { u32::from(crossed) } else { 0 }
    }

    /// No more than one lane of [`super::NEAR_M`] can hold: what stands farther back must wait for another green.
    fn stored(&self, vehicles: u32, area: &Area) -> f64 {
        f64::from(vehicles).min(area.room)
    }
}

/// The queue of one lane by its loops: who came over the advance loop less who left over the stop line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Balance {
    taken: Option<Moment>,
    /// Vehicles between the loops and standing back over the first; `None` unknown.
    pub queue: Option<f64>,
}

impl Balance {
    fn tick(&mut self, now: Moment, lane: &LoopLane, live: &Live) {
        let channel = |c: Option<ChannelNumber>| c.and_then(|c| live.working(now, c));
        let (line, ahead) = (channel(lane.stop_line), channel(lane.advance));
        let Some(at) = line.or(ahead).and_then(|c| c.at) else {
            *self = Balance::default();
            return;
        };
        if self.taken.is_some_and(|taken| at <= taken) {
            return;
        }
        self.taken = Some(at);
        let waits = |c: &ChannelLive| f64::from(u8::from(c.call || c.last.occupied));
        self.queue = Some(match (line, ahead) {
            (Some(line), Some(ahead)) => {
                let go = lane.groups.iter().any(|g| lamp(live, *g) == Some(Lamp::Green));
                // Loops miss vehicles, so the sum drifts: an empty stop line under green sets it right.
                let gap = line.last_actuated.is_none_or(|t| at.since(t) >= EMPTY);
                if go && gap {
                    0.0
                } else {
                    let change = f64::from(ahead.last.count) - f64::from(line.last.count);
                    (self.queue.unwrap_or(0.0) + change).clamp(waits(line), super::NEAR_M / SPACING_M)
                }
            }
            // One loop says only that somebody is there.
            (Some(only), None) | (None, Some(only)) => waits(only),
            (None, None) => 0.0,
        });
    }
}

fn lamp(live: &Live, group: GroupNumber) -> Option<Lamp> {
    live.groups.get(usize::from(group.0).checked_sub(1)?).map(|s| s.lamp)
}
