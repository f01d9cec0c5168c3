//! A city: roads, junctions, lines and the map behind them. This is the one file that every program reads.

use crate::{
    config::{Complaint, Complaints, Source},
    geo::LonLat,
    ids::{DistrictId, JunctionId, JunctionIx},
    network::{Head, Name, Network},
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

/// A place where anybody may leave a car.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct CarPark {
    /// Its name in the source.
    pub id: String,
    /// What it is called, if it has a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// Where it is.
    pub at: LonLat,
    /// For how many cars it has room, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<u32>,
    /// Whether it is meant for those who go on by public transport.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub park_and_ride: bool,
}

/// A place where anybody may leave a bicycle.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct BicyclePark {
    /// Its name in the source.
    pub id: String,
    /// What it is called, if it has a name: few have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// Where it is.
    pub at: LonLat,
    /// For how many bicycles it has room, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<u32>,
    /// Whether it is known to have a roof.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub covered: bool,
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
    /// Where cars may be left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub car_parks: Vec<CarPark>,
    /// Where bicycles may be left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bicycle_parks: Vec<BicyclePark>,
}

impl City {
    /// Reads a city file and checks all of it.
    pub fn parse(source: Source<'_>) -> Result<City, Complaints> {
        let city: City = serde_json::from_str(source.text)
            .map_err(|e| Complaint::at(source.file, e.line() as u32, format!("not a city file: {e}")))?;
        let faults = city.faults().into_iter().map(|fault| Complaint::whole(source.file, fault)).collect();
        Complaints(faults).or(city)
    }

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

    /// A fingerprint of what traffic meets: roads, turns, signals and detectors, but no names and no map behind them.
    /// Two programs whose cities agree in it mean the same by an index of a lane or a movement. FNV-1a, 64 bits;
    /// metres are taken to the centimetre, so that writing a city down and reading it again changes nothing.
    pub fn fingerprint(&self) -> u64 {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut take = |bytes: &[u8]| {
            for byte in bytes {
                hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            }
        };
        let whole = |value: f64| ((value * 100.0).round() as i64).to_le_bytes();
        for link in &self.network.links {
            take(link.id.as_str().as_bytes());
            take(&link.lanes.end.to_le_bytes());
        }
        for lane in &self.network.lanes {
            take(&whole(lane.length_m));
            take(&whole(lane.speed_limit_mps));
            take(&lane.allowed.0.to_le_bytes());
        }
        for movement in &self.network.movements {
            take(&movement.from.0.to_le_bytes());
            take(&movement.to.0.to_le_bytes());
            take(&whole(movement.length_m));
            if let Some(head) = movement.head {
                take(&head.junction.0.to_le_bytes());
                take(&head.index.to_le_bytes());
            }
        }
        for junction in &self.junctions {
            take(junction.id.as_str().as_bytes());
            take(&junction.config_hash().to_le_bytes());
            for detector in &junction.detectors {
                take(&detector.channel.0.to_le_bytes());
                take(&detector.lane.map_or(u32::MAX, |lane| lane.0).to_le_bytes());
                take(&whole(detector.distance_m));
                take(&whole(detector.length_m));
            }
        }
        hash
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
        let shows = |head: &Head| {
            let shown = self.junctions.get(head.junction.ix()).and_then(|j| j.heads.get(head.index as usize));
            shown == Some(&head.group)
        };
        for (i, movement) in self.network.movements.iter().enumerate() {
            if let Some(head) = movement.head.filter(|head| !shows(head)) {
                faults.push(format!("movement {i}: its signal head does not show group {}", head.group));
            }
        }
        for crossing in &self.network.crossings {
            if let Some(head) = crossing.head.filter(|head| !shows(head)) {
                let group = head.group;
                faults.push(format!("crossing {}: its signal head does not show group {group}", crossing.id));
            }
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Tenths;

    #[test]
    fn the_fingerprint_is_of_what_traffic_meets() {
        let city = crate::sketch::city("W---C---E\n    |\n    |\n    S", "C");
        let text = serde_json::to_string(&city).expect("a city can be written down");
        let read: City = serde_json::from_str(&text).expect("and read again");
        assert_eq!(read.fingerprint(), city.fingerprint());
        let check = |what: &str, change: fn(&mut City), same: bool| {
            let mut other = city.clone();
            change(&mut other);
            assert_eq!(other.fingerprint() == city.fingerprint(), same, "{what}");
        };
        check("the map behind", |c| c.zoom = 3.0, true);
        check("a lane", |c| c.network.lanes[0].length_m += 1.0, false);
        check("a plan", |c| c.junctions[0].plans[0].offset = Tenths(77), false);
        check("a detector", |c| c.junctions[0].detectors[0].length_m += 1.0, false);
        check("a turn", |c| drop(c.network.movements.pop()), false);
    }
}
