//! Public transport as a map shows it: lines, stops, and the way between them. Timetables are `routing`'s.

use crate::{
    geo::LonLat,
    ids::{LineId, LinkIx, StopId},
    network::Name,
};
use serde::{Deserialize, Serialize};

/// What runs on a line.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransitMode {
    /// Underground.
    Metro,
    /// Moscow Central Circle.
    Mcc,
    /// Tram.
    Tram,
    /// Bus.
    Bus,
}

/// A stop or station.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Stop {
    /// Its name in the source.
    pub id: StopId,
    /// What the signs say.
    pub name: Name,
    /// Where it is.
    pub at: LonLat,
}

/// A line in one direction.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Line {
    /// Its name in the source.
    pub id: LineId,
    /// Number and name, as on the vehicle.
    pub name: Name,
    /// What runs on it.
    pub mode: TransitMode,
    /// `#rrggbb`, as the city paints it.
    pub colour: String,
    /// Indices into [`Transit::stops`], in running order.
    pub stops: Vec<u32>,
    /// Where it runs, for the map.
    pub shape: Vec<LonLat>,
    /// The links it drives, for lines on the road; empty for rails of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<LinkIx>,
    /// Seconds between departures at the peak.
    pub headway_s: u32,
}

/// All lines and stops.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Transit {
    /// Stops and stations.
    pub stops: Vec<Stop>,
    /// Lines.
    pub lines: Vec<Line>,
}
