//! All that is worked out of a city's streets beforehand, and how a file keeps it.

use crate::{
    columns,
    foot::{FootWays, Walkable},
    graph::{self, StreetGraph},
    hierarchy::{Hierarchy, Roads},
    map::Map,
    profile::Profile,
    truck::Narrow,
};
use model::city::City;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The streets of a city, for everybody who may use them.
#[derive(Debug)]
pub struct Streets {
    /// Where they run and what they are called.
    pub map: Map,
    /// For motors.
    pub drive: Roads,
    /// For bicycles.
    pub cycle: StreetGraph,
    /// On foot.
    pub walk: StreetGraph,
    /// In a wheelchair.
    pub roll: StreetGraph,
    /// Ways on foot and in a wheelchair in all directions.
    pub(crate) feet: [Arc<FootWays>; 2],
    /// Links of cars that not every lorry may use.
    pub(crate) narrow: Vec<Narrow>,
}

/// Profiles in the order in which a file has their graphs. Taxis and lorries drive where cars do.
const PROFILES: [Profile; 4] = [Profile::Car, Profile::Bicycle, Profile::Walk, Profile::Wheelchair];

/// What a file keeps of [`Streets`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Kept {
    map: Map,
    #[serde(with = "columns")]
    ends: Vec<[[f32; 2]; 2]>,
    graphs: [graph::Kept; 4],
    feet: [Arc<FootWays>; 2],
    hierarchy: Arc<Hierarchy>,
    #[serde(with = "columns")]
    narrow: Vec<Narrow>,
}

#[cfg(test)]
impl Kept {
    pub(crate) fn swap_map(&mut self, map: Map) {
        self.map = map;
    }
}

impl Streets {
    /// Works them out of a city that has no [`City::faults`]; takes seconds for a large one.
    pub fn new(city: &City) -> Streets {
        let mirrors = graph::mirrors(&city.network);
        let [drive, cycle, walk, roll] = {
            let ends = graph::ends(city);
            PROFILES.map(|profile| StreetGraph::on(ends.clone(), city, profile, &mirrors))
        };
        let hierarchy = Arc::new(Hierarchy::new(city, &drive));
        let walkable = Walkable::new(city, mirrors);
        let feet = [&walk, &roll].map(|street| Arc::new(FootWays::new(street, &walkable)));
        let narrow = Narrow::all(city);
        Streets { map: Map::new(city), drive: Roads::new(drive, hierarchy), cycle, walk, roll, feet, narrow }
    }

    pub(crate) fn keep(&self) -> Kept {
        let graphs = [&self.drive.street, &self.cycle, &self.walk, &self.roll].map(StreetGraph::keep);
        let (feet, ends) = (self.feet.clone(), self.walk.ends().to_vec());
        let (hierarchy, narrow) = (self.drive.hierarchy.clone(), self.narrow.clone());
        Kept { map: self.map.clone(), ends, graphs, feet, hierarchy, narrow }
    }

    /// What was kept; `None` if its parts do not fit together.
    pub(crate) fn of_kept(kept: Kept) -> Option<Streets> {
        let Kept { map, ends, graphs, feet, hierarchy, narrow } = kept;
        let ends = Arc::new(ends);
        if !map.is_sound() || !Narrow::fit(&narrow, &map) {
            return None;
        }
        let mut graphs = graphs.into_iter().zip(PROFILES);
        let mut next = || {
            let (kept, profile) = graphs.next()?;
            StreetGraph::of_kept(kept, profile, &map, ends.clone())
        };
        let (drive, cycle, walk, roll) = (next()?, next()?, next()?, next()?);
        let [on_foot, on_wheels] = feet.map(Arc::unwrap_or_clone);
        let feet = [on_foot.on(&walk)?, on_wheels.on(&roll)?].map(Arc::new);
        if !hierarchy.fits(&drive) {
            return None;
        }
        Some(Streets { drive: Roads::new(drive, hierarchy), cycle, walk, roll, feet, narrow, map })
    }
}
