//! A city: roads, junctions, lines and the map behind them. This is the one file that every program reads.

use crate::{
    geo::LonLat,
    ids::{DistrictId, JunctionId, JunctionIx},
    network::{Name, Network},
    signal::Junction,
    transit::Transit,
};
use serde::{Deserialize, Serialize};

/// What a patch of the map's background is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AreaKind {
    /// River, canal, pond.
    Water,
    /// Park or wood.
    Park,
    /// Buildings, squares, the Kremlin.
    Block,
}

/// A patch of the map's background: a closed ring.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Area {
    /// What it is.
    pub kind: AreaKind,
    /// Its name, if it is worth a label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// Outer ring; first and last point are the same.
    pub ring: Vec<LonLat>,
}

/// A named group of roads that people speak of as one: a ring, a radial, an embankment.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Corridor {
    /// Its name.
    pub name: Name,
    /// Links in driving order, one direction.
    pub links: Vec<crate::ids::LinkIx>,
}

/// Everything that does not change while the city runs.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct City {
    /// What people call it.
    pub name: Name,
    /// Where the map opens.
    pub centre: LonLat,
    /// Map zoom that shows it well.
    pub zoom: f64,
    /// The roads.
    pub network: Network,
    /// Signalised junctions.
    pub junctions: Vec<Junction>,
    /// Lines and stops.
    #[serde(default)]
    pub transit: Transit,
    /// Water, parks, blocks.
    #[serde(default)]
    pub areas: Vec<Area>,
    /// Named roads.
    #[serde(default)]
    pub corridors: Vec<Corridor>,
}

impl City {
    /// The junction of that name.
    pub fn junction_ix(&self, id: &JunctionId) -> Option<JunctionIx> {
        self.junctions.iter().position(|j| &j.id == id).map(JunctionIx::from)
    }

    /// All districts, each once, in order.
    pub fn districts(&self) -> Vec<DistrictId> {
        let mut all: Vec<_> = self.junctions.iter().map(|j| j.district.clone()).collect();
        all.sort();
        all.dedup();
        all
    }

    /// Checks the network, every junction, and that each head and detector points at something real.
    /// All faults found, in words; empty means the city may be trusted.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if let Err(fault) = self.network.validate() {
            faults.push(fault.to_string());
            return faults;
        }
        let mut seen = std::collections::BTreeSet::new();
        for junction in &self.junctions {
            if !seen.insert(&junction.id) {
                faults.push(format!("junction {}: the name is used twice", junction.id));
            }
            faults.extend(junction.faults().into_iter().map(|f| format!("junction {}: {f}", junction.id)));
            for detector in &junction.detectors {
                if detector.lane.is_some_and(|lane| lane.ix() >= self.network.lanes.len()) {
                    faults.push(format!(
                        "junction {}: detector {} watches a lane that does not exist",
                        junction.id, detector.channel
                    ));
                }
            }
        }
        for (i, movement) in self.network.movements.iter().enumerate() {
            let Some(head) = movement.head else { continue };
            let shown = self.junctions.get(head.junction.ix()).and_then(|j| j.heads.get(head.index as usize));
            if shown != Some(&head.group) {
                faults.push(format!("movement {i}: its signal head does not show group {}", head.group));
            }
        }
        faults
    }
}
