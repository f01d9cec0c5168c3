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
