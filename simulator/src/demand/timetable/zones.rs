//! Buses that come when one asks for them, around stations where trains end and few lines go on: Moscow's "On the Way".

use super::Feed;
use model::{
    city::City,
    geo::{LocalPlane, LonLat},
    network::Name,
};
use serde_json::json;

/// A zone reaches so far from its station, m: as far as the districts that are served so.
const REACH_M: f64 = 1500.0;
/// In a small city zones reach so far at least, and so great a share of the distance between its outer stations.
const LEAST_REACH_M: f64 = 500.0;
const SHARE_OF_CITY: f64 = 0.125;
/// The corners of a zone.
const CORNERS: usize = 8;
/// Buses come in these hours.
const HOURS: [&str; 2] = ["06:00:00", "23:00:00"];
/// One asks for one so many minutes before.
const NOTICE_MIN: &str = "15";
/// A ride takes so many times as long as driving there, and so long more, s: others get on and off on the way.
const DETOURS: &str = "1.4";
const STOPPING_S: &str = "180";

/// A district in which one is driven from any door to any other.
struct Zone {
    id: String,
    name: Name,
    middle: LonLat,
    reach_m: f64,
}

/// One zone around each car park for those who go on by train, unless another lies there already: that is where trains end.
fn zones(city: &City) -> Vec<Zone> {
    let stations: Vec<LonLat> =
        city.car_parks.iter().filter(|park| park.park_and_ride).map(|park| park.at).collect();
    let apart = stations.iter().flat_map(|a| stations.iter().map(|b| a.distance_m(*b))).fold(0.0, f64::max);
    let reach_m = (apart * SHARE_OF_CITY).clamp(LEAST_REACH_M, REACH_M);
    let mut zones: Vec<Zone> = Vec::new();
    for at in stations {
        if zones.iter().any(|zone| zone.middle.distance_m(at) < 2.0 * reach_m) {
            continue;
        }
        let away = |stop: &&model::transit::Stop| stop.at.distance_m(at);
        let Some(stop) = city.transit.stops.iter().min_by(|a, b| away(a).total_cmp(&away(b))) else {
            continue;
        };
        let name = Name {
            local: format!("По пути: {}", stop.name.local),
            en: stop.name.en.as_ref().map(|name| format!("On the Way: {name}")),
        };
        zones.push(Zone { id: format!("zone-{}", zones.len() + 1), name, middle: at, reach_m });
    }
    zones
}

impl Zone {
    fn feature(&self) -> serde_json::Value {
        let plane = LocalPlane::around(self.middle);
        let corner = |i: usize| {
            let angle = (i % CORNERS) as f64 / CORNERS as f64 * std::f64::consts::TAU;
            let at = plane.to_lonlat([angle.cos(), angle.sin()].map(|m| m * self.reach_m));
            [at.lon, at.lat].map(|degrees| (degrees * 1e6).round() / 1e6)
        };
        let ring: Vec<_> = (0..=CORNERS).map(corner).collect();
        json!({
            "type": "Feature",
            "id": self.id,
            "properties": { "stop_name": self.name.local },
            "geometry": { "type": "Polygon", "coordinates": [ring] },
        })
    }
}

impl Feed {
    /// Writes where buses come on demand, and when; a city without outer stations has none.
    pub(super) fn on_demand(&mut self, city: &City, zone: &str) {
        let zones = zones(city);
        if zones.is_empty() {
            return;
        }
        self.agency.row(["on-the-way", "По пути", "https://example.org/", zone, "ru"]);
        self.bookings.row(["ahead", "1", NOTICE_MIN]);
        for zone in &zones {
            self.routes.row([&zone.id, "on-the-way", "", &zone.name.local, "3", "00A88E", "FFFFFF"]);
            self.translate(["routes", "route_long_name"], &zone.name);
            self.trips.row([&zone.id, "daily", &zone.id, "", "", "", "1", DETOURS, STOPPING_S]);
            for sequence in ["1", "2"] {
                let [from, until] = HOURS;
                self.stop_times
                    .row([&zone.id, "", "", "", sequence, &zone.id, from, until, "2", "2", "ahead", "ahead"]);
            }
        }
        self.locations.extend(zones.iter().map(Zone::feature));
    }
}
