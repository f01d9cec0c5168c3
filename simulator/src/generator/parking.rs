//! Where those who go on by train leave cars, beside stations at the city's edge, and bicycles, beside all stations.

use model::{
    city::{BicyclePark, CarPark},
    geo::{LocalPlane, LonLat},
    network::Name,
    transit::{Transit, TransitMode},
};
use std::collections::BTreeSet;

/// Stations from this share of the way to the edge on have one: whoever lives nearer to the middle walks to the train.
const FROM_SHARE: f64 = 0.55;
/// A car park's middle lies so far from its station, m: across the street.
const BESIDE_M: f64 = 60.0;
/// The smallest has room for so many cars, and the largest for so many more, as Moscow's have.
const ROOM: [u32; 2] = [60, 240];

/// A car park beside each outer station of the underground and of the circle; `share` is 0 in the middle and 1 at the edge.
pub(super) fn at_stations(transit: &Transit, share: impl Fn(LonLat) -> f64) -> Vec<CarPark> {
    let by_rail = |mode: TransitMode| matches!(mode, TransitMode::Metro | TransitMode::Mcc);
    let mut seen = BTreeSet::new();
    let mut car_parks = Vec::new();
    for line in transit.lines.iter().filter(|line| by_rail(line.mode)) {
        for stop in line.stops.iter().map(|stop| &transit.stops[*stop as usize]) {
            // Platforms of one name are one station.
            if share(stop.at) < FROM_SHARE || !seen.insert(&stop.name.local) {
                continue;
            }
            let plane = LocalPlane::around(stop.at);
            let number = car_parks.len() as u32 + 1;
            let name = Name {
                local: format!("Перехватывающая парковка «{}»", stop.name.local),
                en: stop.name.en.as_ref().map(|name| format!("{name} park and ride")),
            };
            car_parks.push(CarPark {
                id: format!("park-{number}"),
                name: Some(name),
                at: plane.to_lonlat([BESIDE_M, 0.0]),
                capacity: Some(ROOM[0] + number * 37 % ROOM[1]),
                park_and_ride: true,
            });
        }
    }
    car_parks
}

/// A bicycle park's middle lies so far from its station's platform, m: beside the entrance.
const BICYCLES_BESIDE_M: f64 = 25.0;

/// A bicycle park beside each station of the underground and of the circle, every third under a roof.
pub(super) fn of_bicycles(transit: &Transit) -> Vec<BicyclePark> {
    let by_rail = |mode: TransitMode| matches!(mode, TransitMode::Metro | TransitMode::Mcc);
    let mut seen = BTreeSet::new();
    let mut parks = Vec::new();
    for line in transit.lines.iter().filter(|line| by_rail(line.mode)) {
        for stop in line.stops.iter().map(|stop| &transit.stops[*stop as usize]) {
            if !seen.insert(&stop.name.local) {
                continue;
            }
            let number = parks.len() as u32 + 1;
            let name = Name {
                local: format!("Велопарковка «{}»", stop.name.local),
                en: stop.name.en.as_ref().map(|name| format!("{name} bicycle parking")),
            };
            parks.push(BicyclePark {
                id: format!("bicycles-{number}"),
                name: Some(name),
                at: LocalPlane::around(stop.at).to_lonlat([0.0, BICYCLES_BESIDE_M]),
                capacity: Some(10 + number * 7 % 40),
                covered: number.is_multiple_of(3),
            });
        }
    }
    parks
}
