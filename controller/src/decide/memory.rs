//! What deciding must remember of a junction from tick to tick.

use super::site::{Area, Site};
use crate::coordinator::{ChannelLive, Live};
use model::{
    detection::DetectorKind,
    ids::{GroupNumber, StageNumber},
    signal::{GroupKind, Junction, Lamp, Plan},
    time::{Moment, Tenths},
};
use std::{collections::VecDeque, time::Duration};

/// Greens kept for each stage, for forecasts.
const GREENS_KEPT: usize = 20;
/// A reading older than this says nothing of now, s.
const READING_FRESH_S: u64 = 3;

/// One junction's memory.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    /// By group: since when it has been red with somebody waiting.
    pub waiting: Vec<Option<Moment>>,
    /// By area channel of the site: vehicles that the next seconds of green can serve; `None` unknown.
    pub near: Vec<Option<f64>>,
    /// By group: vehicles waiting by the loops' balance, where no area channel counts it; `None` unknown.
    pub balance: Vec<Option<f64>>,
    /// By stage: how long its last greens were, oldest first.
    pub greens: Vec<VecDeque<Tenths>>,
    /// When max-pressure last compared.
    pub instant: Option<Moment>,
    /// Webster's plan in use where the junction has none, and since when.
    pub webster: Option<(Moment, Plan)>,
}

impl Memory {
    pub(crate) fn new(junction: &Junction) -> Memory {
        Memory {
            waiting: vec![None; junction.groups.len()],
            near: Vec::new(),
            balance: vec![None; junction.groups.len()],
            greens: vec![VecDeque::new(); junction.stages.len()],
            instant: None,
            webster: None,
        }
    }

    /// A green of that stage ended after so long.
    pub(crate) fn green_lasted(&mut self, stage: StageNumber, lasted: Tenths) {
        let Some(greens) = usize::from(stage.0).checked_sub(1).and_then(|i| self.greens.get_mut(i)) else {
            return;
        };
        greens.push_back(lasted);
        if greens.len() > GREENS_KEPT {
            greens.pop_front();
        }
    }

    /// Brings queues and waiting up to date.
    pub(crate) fn tick(&mut self, now: Moment, junction: &Junction, site: &Site, live: &Live) {
        self.near.clear();
        self.near.extend(site.areas.iter().map(|area| near(now, area, live)));
        for (i, group) in junction.groups.iter().enumerate() {
            let lamp = live.groups.get(i).map(|s| s.lamp);
            let wanting = self.wants(now, site, live, group.number, group.kind);
            self.waiting[i] = match lamp {
                Some(Lamp::Red | Lamp::Amber | Lamp::RedAmber) if wanting => self.waiting[i].or(Some(now)),
                _ => None,
            };
        }
    }

    /// Whether somebody wants this group's green. A group that no working detector calls always does: nobody
    /// may wait for ever because nobody looks.
    pub(crate) fn wants(
        &self,
        now: Moment,
        site: &Site,
        live: &Live,
        group: GroupNumber,
        kind: GroupKind,
    ) -> bool {
        let Some(callers) = usize::from(group.0).checked_sub(1).and_then(|i| site.callers.get(i)) else {
            return false;
        };
        let mut seen = false;
        for caller in callers {
            let Some(channel) = live.detectors.get(&caller.channel).filter(|c| usable(now, c)) else {
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
        let _ = kind;
        !seen
    }
}

/// Whether a channel's newest reading says something of now.
pub(crate) fn usable(now: Moment, channel: &ChannelLive) -> bool {
    !channel.last.fault
        && !channel.implausible
        && channel.at.is_some_and(|at| now.since(at) <= Duration::from_secs(READING_FRESH_S))
}

/// Vehicles that stand, or are within [`super::NEAR_M`] of the stop line. What came into view less than the
/// drive to there ago is still farther.
fn near(now: Moment, area: &Area, live: &Live) -> Option<f64> {
    let channel = live.detectors.get(&area.channel).filter(|c| usable(now, c))?;
    let standing = channel.last.queue;
    let Some(in_view) = channel.last.vehicles else { return standing.map(f64::from) };
    let from = now - area.lag;
    let fresh: u32 = channel.minute.iter().rev().take_while(|m| m.0 > from).map(|m| u32::from(m.1)).sum();
    let near = u32::from(in_view).saturating_sub(fresh).max(u32::from(standing.unwrap_or(0)));
    Some(f64::from(near))
}
