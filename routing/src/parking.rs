//! Where vehicles of one's own are left: car parks and bicycle parks on the streets of those who drive or ride there and of those who walk on.

use crate::{
    graph::StreetGraph,
    itinerary::Place,
    map::{Map, MapCarPark},
    nearest::{Access, OnArc, StreetIndex},
    transit::walks::{Door, Looking, STOP_WITHIN_M, WalkScratch, Walks},
};
use model::geo::LonLat;
use std::collections::HashMap;

/// To find a place in a car park and get out takes so long, ms.
pub(crate) const PARKING_MS: u32 = 120_000;
/// To get in and drive out of it, ms.
pub(crate) const LEAVING_MS: u32 = 60_000;

/// One walks so far from a car park, m in a straight line.
const WALKED_WITHIN_M: f64 = 1000.0;
/// So many of the nearest are looked at.
const NEAREST: usize = 16;

/// Car parks, and where they are on the streets.
#[derive(Debug, Default)]
pub(crate) struct CarParks {
    pub(crate) all: Vec<CarPark>,
}

/// A car park.
#[derive(Debug)]
pub(crate) struct CarPark {
    /// The car park as a place.
    pub(crate) place: Place,
    /// On the streets of those who walk on from there, and on those of cars.
    pub(crate) feet: [Vec<OnArc>; 2],
}

impl CarParks {
    /// Some of the map's car parks; `streets` are those of who walks on, and those of cars.
    pub(crate) fn new<'a>(
        map: &Map,
        index: &StreetIndex,
        streets: [&StreetGraph; 2],
        parks: impl IntoIterator<Item = &'a MapCarPark>,
    ) -> CarParks {
        let beside = |park: &MapCarPark| CarPark {
            place: Place { name: park.name.local.clone(), stop: None, at: park.at },
            feet: streets.map(|street| {
                let access = index.access(map, street, park.at, STOP_WITHIN_M, |_| true);
                access.map(Access::feet).unwrap_or_default()
            }),
        };
        CarParks { all: parks.into_iter().map(beside).collect() }
    }

    /// The car parks nearest to a place.
    pub(crate) fn near(map: &Map, at: LonLat) -> impl Iterator<Item = &MapCarPark> {
        let mut near: Vec<(f64, &MapCarPark)> = map
            .car_parks
            .iter()
            .map(|park| (park.at.distance_m(at), park))
            .filter(|(away_m, _)| *away_m <= WALKED_WITHIN_M)
            .collect();
        near.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.id.cmp(&b.1.id)));
        near.into_iter().take(NEAREST).map(|(_, park)| park)
    }
}

/// From a bicycle park one walks for so long at most to a stop that it is at, at the usual speed: some 300 m.
const AT_STOP_MS: u32 = 240_000;
/// So many of those nearest to a stop are of use there.
const NEAREST_RACKS: usize = 3;

/// Bicycle parks at stops. Whoever comes to such a stop by a bicycle of his own leaves it in one of them, and nowhere else.
#[derive(Debug, Default)]
pub(crate) struct Racks {
    /// The parks.
    all: Vec<Rack>,
    /// By stop: the ways by those at it, nearest first; none where no park is known, and one locks a bicycle at the stop itself.
    bays: Vec<Vec<Bay>>,
}

/// A bicycle park.
#[derive(Debug)]
pub(crate) struct Rack {
    /// The park as a place; without a name where it has none.
    pub(crate) place: Place,
    /// On the streets of those who walk on from there.
    pub(crate) feet: Vec<OnArc>,
    /// For how many bicycles it has room, if that is known.
    pub(crate) capacity: Option<u32>,
    /// Whether it is known to have a roof.
    pub(crate) covered: bool,
}

impl Rack {
    /// The park at a stop as a place: one without a name is called as the stop is.
    pub(crate) fn place_at(&self, stop: &Place) -> Place {
        let unnamed = self.place.name.is_empty().then(|| stop.name.clone());
        Place { name: unnamed.unwrap_or_else(|| self.place.name.clone()), ..self.place.clone() }
    }
}

/// The way to a stop by a bicycle park at it: that is the door for those who ride.
#[derive(Debug)]
pub(crate) struct Bay {
    pub(crate) door: Door,
    rack: usize,
}

impl Racks {
    /// Those of the map that are at a stop; `streets` are those of who walks on from there, and those of bicycles.
    pub(crate) fn new(map: &Map, index: &StreetIndex, streets: [&StreetGraph; 2], walks: &Walks) -> Racks {
        let (mut all, mut bays, mut scratch) = (Vec::new(), Vec::<Vec<Bay>>::new(), WalkScratch::default());
        bays.resize_with(walks.stops(), Vec::new);
        for park in &map.bicycle_parks {
            let [on_foot, by_wheel] = streets.map(|street| {
                let access = index.access(map, street, park.at, STOP_WITHIN_M, |_| true);
                access.map(Access::feet).unwrap_or_default()
            });
            if by_wheel.is_empty() {
                continue;
            }
            let mut to = |looking| walks.reach(&on_foot, looking, AT_STOP_MS, &mut scratch);
            let (into, out_of) = (to(Looking::Away), to(Looking::Towards));
            let back: HashMap<u32, u32> = out_of.into_iter().collect();
            for (stop, in_ms) in into {
                if let Some(&out_ms) = back.get(&stop) {
                    let door = Door { stop, feet: by_wheel.clone(), out_ms, in_ms };
                    bays[stop as usize].push(Bay { door, rack: all.len() });
                }
            }
            all.push(Rack {
                place: Place { name: park.name.local.clone(), stop: None, at: park.at },
                feet: on_foot,
                capacity: park.capacity,
                covered: park.covered,
            });
        }
        for bays in &mut bays {
            bays.sort_by_key(|bay| (bay.door.in_ms, bay.rack));
            bays.truncate(NEAREST_RACKS);
            bays.shrink_to_fit();
        }
        Racks { all, bays }
    }

    /// The ways to a stop by the parks at it.
    pub(crate) fn at(&self, stop: u32) -> &[Bay] {
        self.bays.get(stop as usize).map_or(&[], Vec::as_slice)
    }

    /// The park of a way.
    pub(crate) fn of(&self, bay: &Bay) -> &Rack {
        &self.all[bay.rack]
    }
}
