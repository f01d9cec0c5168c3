//! Volumes by signal group, for fixed plans where a junction has none of its own.

use super::SATURATION;
use crate::{coordinator::Live, decide::site::Site};
use model::{detection::DetectorKind, ids::StageNumber, signal::Junction, time::Moment};
use ndarray::Array1;
use std::time::Duration;

/// Minutes over which volumes are smoothed.
const SMOOTH_MIN: f64 = 15.0;

/// One junction's volumes.
#[derive(Clone, Debug)]
pub(crate) struct Volumes {
    /// By group, veh/s.
    flow: Array1<f64>,
    /// Minutes measured so far.
    minutes: u32,
    at: Option<Moment>,
}

impl Volumes {
    pub(crate) fn new(junction: &Junction) -> Volumes {
        Volumes { flow: Array1::zeros(junction.groups.len()), minutes: 0, at: None }
    }

    /// Minutes measured so far.
    pub(crate) fn minutes(&self) -> u32 {
        self.minutes
    }

    /// Takes the last minute's counts, once a minute.
    pub(crate) fn tick(&mut self, now: Moment, junction: &Junction, live: &Live) {
        if self.at.is_some_and(|at| now.since(at) < Duration::from_secs(60)) {
            return;
        }
        let first = self.at.is_none();
        self.at = Some(now);
        if first {
            return;
        }
        // Loops at the stop line count best; a junction without them is counted by what it has.
        let kind = [DetectorKind::StopLine, DetectorKind::Advance, DetectorKind::Area]
            .into_iter()
            .find(|k| junction.detectors.iter().any(|d| d.kind == *k));
        let mut minute = Array1::<f64>::zeros(self.flow.len());
        let mut heard = false;
        for detector in junction.detectors.iter().filter(|d| Some(d.kind) == kind) {
            let channel = live.detectors.get(&detector.channel);
            let Some(channel) = channel.filter(|c| c.is_believed() && c.at.is_some()) else { continue };
            heard = true;
            let from = now - Duration::from_secs(60);
            let count: u32 = channel.minute.iter().filter(|m| m.0 > from).map(|m| u32::from(m.1)).sum();
            for group in &detector.groups {
                if let Some(flow) = usize::from(group.0).checked_sub(1).and_then(|i| minute.get_mut(i)) {
                    *flow += f64::from(count) / 60.0 / detector.groups.len() as f64;
                }
            }
        }
        if !heard {
            return;
        }
        self.minutes += 1;
        let weight = (1.0 / f64::from(self.minutes)).max(1.0 / SMOOTH_MIN);
        self.flow = &self.flow * (1.0 - weight) + minute * weight;
    }

    /// Webster's flow ratio of each stage: the busiest of its groups, over what its lanes can serve.
    pub(crate) fn flow_ratios(&self, junction: &Junction, site: &Site, order: &[StageNumber]) -> Vec<f64> {
        let ratio = |i: usize| self.flow[i] / (SATURATION * f64::from(site.lanes[i]));
        order
            .iter()
            .map(|&s| {
                let groups = junction.stage(s).map_or(&[][..], |s| &s.green[..]);
                groups
                    .iter()
                    .filter_map(|g| usize::from(g.0).checked_sub(1).filter(|i| *i < self.flow.len()))
                    .map(ratio)
                    .fold(0.0, f64::max)
            })
            .collect()
    }
}
