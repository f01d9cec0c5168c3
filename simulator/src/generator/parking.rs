//! Where those who go on by train leave cars, beside stations at the city's edge, and bicycles, beside all stations.

use model::{
    city::{BicyclePark, CarPark},
    geo::{LocalPlane, LonLat},
    network::Name,
    transit::{Stop, Transit, TransitMode},
};
use std::collections::BTreeSet;

/// Stations from this share of the way to the farthest on have one: whoever lives nearer to the middle walks to the train.
const FROM_SHARE: f64 = 0.55;
/// A car park's middle lies so far from its station, m: across the street.
const BESIDE_M: f64 = 60.0;
/// The smallest has room for so many cars, and the largest for so many more, as Moscow's have.
const ROOM: [u32; 2] = [60, 240];

/// A car park beside each outer station of the underground and of the circle; `share` is 0 in the middle and 1 at the edge, wherever
/// that is: trains do not go as far as the streets.
pub(super) fn at_stations(transit: &Transit, share: impl Fn(LonLat) -> f64) -> Vec<CarPark> {
    let stations = stations(transit);
    let farthest = stations.iter().map(|stop| share(stop.at)).fold(0.0, f64::max);
    let outer = stations.into_iter().filter(|stop| share(stop.at) >= FROM_SHARE * farthest);
    let beside = |(number, stop): (u32, &Stop)| CarPark {
        id: format!("park-{number}"),
        name: Some(Name {
            local: format!("Перехватывающая парковка «{}»", stop.name.local),
            en: stop.name.en.as_ref().map(|name| format!("{name} park and ride")),
        }),
        at: LocalPlane::around(stop.at).to_lonlat([BESIDE_M, 0.0]),
        capacity: Some(ROOM[0] + number * 37 % ROOM[1]),
        park_and_ride: true,
    };
    (1..).zip(outer).map(beside).collect()
}

/// A bicycle park's middle lies so far from its station's platform, m: beside the entrance.
const BICYCLES_BESIDE_M: f64 = 25.0;

/// A bicycle park beside each station of the underground and of the circle, every third under a roof.
pub(super) fn of_bicycles(transit: &Transit) -> Vec<BicyclePark> {
    let beside = |(number, stop): (u32, &Stop)| BicyclePark {
        id: format!("bicycles-{number}"),
        name: Some(Name {
            local: format!("Велопарковка «{}»", stop.name.local),
            en: stop.name.en.as_ref().map(|name| format!("{name} bicycle parking")),
        }),
        at: LocalPlane::around(stop.at).to_lonlat([0.0, BICYCLES_BESIDE_M]),
        capacity: Some(10 + number * 7 % 40),
        covered: number.is_multiple_of(3),
    };
    (1..).zip(stations(transit)).map(beside).collect()
}

/// Stations of the underground and of the circle. Platforms of one name are one station: the first of them stands for it.
fn stations(transit: &Transit) -> Vec<&Stop> {
    let by_rail = |mode: TransitMode| matches!(mode, TransitMode::Metro | TransitMode::Mcc);
    let lines = transit.lines.iter().filter(|line| by_rail(line.mode));
    let stops = lines.flat_map(|line| &line.stops).map(|stop| &transit.stops[*stop as usize]);
    let mut seen = BTreeSet::new();
    stops.filter(|stop| seen.insert(&stop.name.local)).collect()
}
