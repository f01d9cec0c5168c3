//! Where cars are left: car parks on the streets of cars and of those who walk on from there.

use crate::{
    graph::StreetGraph,
    itinerary::Place,
    map::{Map, MapCarPark},
    nearest::{Access, OnArc, StreetIndex},
    transit::walks::STOP_WITHIN_M,
};
use model::geo::LonLat;

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
