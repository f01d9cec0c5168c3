//! Detectors: what stands where, and what one channel says of an interval.

use crate::ids::{ChannelNumber, GroupNumber, LaneIx};
use serde::{Deserialize, Serialize};

/// What a channel can see.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DetectorKind {
    /// A loop at the stop line.
    StopLine,
    /// A loop upstream, for gaps and arrivals.
    Advance,
    /// A camera or radar that watches the approach and counts, per movement, the vehicles that stand and those that come.
    Area,
    /// A push-button for people on foot.
    PushButton,
}

/// One detector channel of a junction.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Detector {
    /// Its number in the cabinet.
    pub channel: ChannelNumber,
    /// What it can see.
    pub kind: DetectorKind,
    /// The lane it watches; none for a push-button.
    pub lane: Option<LaneIx>,
    /// The signal groups it calls.
    pub groups: Vec<GroupNumber>,
    /// The head (see `network::Head::index`) whose movement an area channel counts; none counts all of its lane.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<u16>,
    /// From the stop line to its downstream edge, m.
    pub distance_m: f64,
    /// Along the road, m; an area channel sees this far upstream, beyond its own lane where need be.
    pub length_m: f64,
}

/// What one channel said of one interval. Absent values were not measured, which is not the same as zero.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Reading {
    /// Vehicles that came in.
    pub count: u16,
    /// Share of the time that it was covered, 0 to 1.
    pub occupancy: f32,
    /// Mean speed, m/s.
    pub speed_mps: Option<f32>,
    /// Covered (or pressed) at the end of the interval.
    pub occupied: bool,
    /// Vehicles that stand, at the end of the interval (area channels).
    pub queue: Option<u16>,
    /// All vehicles in view, standing or moving, at the end of the interval (area channels).
    pub vehicles: Option<u16>,
    /// The channel says of itself that it is broken.
    pub fault: bool,
}

/// A vehicle that an area channel follows. Integers, because registers carry them; ordered by distance.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Sighting {
    /// From its front to the stop line, 0.1 m.
    pub distance_dm: u16,
    /// Its speed, 0.01 m/s.
    pub speed_cmps: u16,
    /// Bumper to bumper, 0.1 m.
    pub length_dm: u16,
}

impl Sighting {
    /// Rounds to what registers can hold.
    pub fn new(distance_m: f64, speed_mps: f64, length_m: f64) -> Sighting {
        let rounded = |value: f64| value.round() as u16;
        Sighting {
            distance_dm: rounded(distance_m * 10.0),
            speed_cmps: rounded(speed_mps * 100.0),
            length_dm: rounded(length_m * 10.0),
        }
    }
}

/// How far an area channel sees, m: what a camera on a mast resolves, and what published learners assume.
pub const AREA_VIEW_M: f64 = 250.0;
/// Where an advance loop lies before the stop line, m, if the lane is long enough.
pub const ADVANCE_M: f64 = 50.0;
/// Length of a loop along the road, m.
pub const LOOP_M: f64 = 2.0;
/// Most channels that one cabinet has room for.
pub const MOST_CHANNELS: usize = 120;

/// Gives every junction that has no detectors the full set: for each head an area channel, for each inbound
/// lane a stop-line and an advance loop, for each pedestrian group a push-button. Where a cabinet has no
/// room for all, the loops that lie farthest out are left away first.
pub fn equip(city: &mut crate::city::City) {
    let network = &city.network;
    let mut heads = vec![Vec::new(); city.junctions.len()];
    for movement in &network.movements {
        if let Some(head) = movement.head {
            heads[head.junction.ix()].push((head.index, head.group, movement.from));
        }
    }
    for (junction, mut heads) in city.junctions.iter_mut().zip(heads) {
        if !junction.detectors.is_empty() {
            continue;
        }
        heads.sort();
        let mut lanes: Vec<(LaneIx, Vec<GroupNumber>)> = Vec::new();
        for &(_, group, lane) in &heads {
            match lanes.iter_mut().find(|(at, _)| *at == lane) {
                Some((_, groups)) if groups.contains(&group) => {}
                Some((_, groups)) => groups.push(group),
                None => lanes.push((lane, vec![group])),
            }
        }
        // Several movements may share a head; one channel counts for all of them.
        let mut areas = heads.clone();
        areas.dedup_by_key(|(index, ..)| *index);
        let area = areas.into_iter().map(|(index, group, lane)| Detector {
            channel: ChannelNumber(0),
            kind: DetectorKind::Area,
            lane: Some(lane),
            groups: vec![group],
            head: Some(index),
            distance_m: 0.0,
            length_m: AREA_VIEW_M,
        });
        let loops = |kind: DetectorKind, wanted_m: f64| {
            lanes.iter().map(move |(lane, groups)| Detector {
                channel: ChannelNumber(0),
                kind,
                lane: Some(*lane),
                groups: groups.clone(),
                head: None,
                distance_m: wanted_m.min((network.lane(*lane).length_m - LOOP_M).max(0.0)),
                length_m: LOOP_M,
            })
        };
        let pedestrians = junction.groups.iter().filter(|g| g.kind == crate::signal::GroupKind::Pedestrians);
        let buttons = pedestrians.map(|g| Detector {
            channel: ChannelNumber(0),
            kind: DetectorKind::PushButton,
            lane: None,
            groups: vec![g.number],
            head: None,
            distance_m: 0.0,
            length_m: 0.0,
        });
        let all = buttons
            .chain(area)
            .chain(loops(DetectorKind::StopLine, 0.0))
            .chain(loops(DetectorKind::Advance, ADVANCE_M))
            .take(MOST_CHANNELS);
        junction.detectors = all
            .enumerate()
            .map(|(i, detector)| Detector { channel: ChannelNumber(i as u16 + 1), ..detector })
            .collect();
    }
}
