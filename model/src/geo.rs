//! Places on the earth, and small distances between them.

use serde::{Deserialize, Serialize};

/// Mean radius of the earth, m (IUGG).
pub const EARTH_RADIUS_M: f64 = 6_371_008.8;

/// WGS 84, degrees. Serialised as `[lon, lat]`, as GeoJSON does.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(from = "[f64; 2]", into = "[f64; 2]")]
pub struct LonLat {
    /// Degrees east.
    pub lon: f64,
    /// Degrees north.
    pub lat: f64,
}

impl From<[f64; 2]> for LonLat {
    fn from([lon, lat]: [f64; 2]) -> Self {
        Self { lon, lat }
    }
}

impl From<LonLat> for [f64; 2] {
    fn from(p: LonLat) -> Self {
        [p.lon, p.lat]
    }
}

impl LonLat {
    /// Great-circle distance in metres (haversine).
    pub fn distance_m(self, other: LonLat) -> f64 {
        let (a, b) = (self.lat.to_radians(), other.lat.to_radians());
        let (dlat, dlon) = (b - a, (other.lon - self.lon).to_radians());
        let h = (dlat / 2.0).sin().powi(2) + a.cos() * b.cos() * (dlon / 2.0).sin().powi(2);
        2.0 * EARTH_RADIUS_M * h.sqrt().min(1.0).asin()
    }

    /// Whether this is a place on the earth at all.
    pub fn is_valid(self) -> bool {
        self.lon.abs() <= 180.0 && self.lat.abs() <= 90.0
    }
}

/// A flat picture of the land around `origin`: metres east and north. Good to about 0.1 % within 50 km.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LocalPlane {
    origin: LonLat,
    /// How much shorter a degree east is there than on the equator.
    narrow: f64,
}

impl LocalPlane {
    /// The plane that touches the earth at `origin`.
    pub fn around(origin: LonLat) -> Self {
        Self { origin, narrow: origin.lat.to_radians().cos() }
    }

    /// Metres east and north of the origin.
    pub fn to_metres(self, p: LonLat) -> [f64; 2] {
        let per_degree = EARTH_RADIUS_M.to_radians();
        [(p.lon - self.origin.lon) * per_degree * self.narrow, (p.lat - self.origin.lat) * per_degree]
    }

    /// The place so many metres east and north of the origin.
    pub fn to_lonlat(self, [x, y]: [f64; 2]) -> LonLat {
        let per_degree = EARTH_RADIUS_M.to_radians();
        LonLat {
            lon: self.origin.lon + x / (per_degree * self.narrow),
            lat: self.origin.lat + y / per_degree,
        }
    }
}

/// Length of a line in metres.
pub fn length_m(line: &[LonLat]) -> f64 {
    line.windows(2).map(|w| w[0].distance_m(w[1])).sum()
}

/// The place so many metres along a line, and the heading there, degrees clockwise from north; beyond either end, that end.
///
/// # Panics
/// If the line has no point.
pub fn along(line: &[LonLat], metres: f64) -> (LonLat, f64) {
    let mut left = metres.max(0.0);
    for (k, w) in line.windows(2).enumerate() {
        let piece = w[0].distance_m(w[1]);
        if left <= piece || k + 2 == line.len() {
            let t = if piece > 0.0 { (left / piece).clamp(0.0, 1.0) } else { 0.0 };
            let at = LonLat {
                lon: w[0].lon + t * (w[1].lon - w[0].lon),
                lat: w[0].lat + t * (w[1].lat - w[0].lat),
            };
            let east = (w[1].lon - w[0].lon) * w[0].lat.to_radians().cos();
            let heading = east.atan2(w[1].lat - w[0].lat).to_degrees();
            return (at, (heading + 360.0) % 360.0);
        }
        left -= piece;
    }
    (line[0], 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn a_line_is_walked_along() {
        let plane = LocalPlane::around(LonLat { lon: 37.6, lat: 55.75 });
        let line = [[0.0, 0.0], [100.0, 0.0], [100.0, 50.0]].map(|m| plane.to_lonlat(m));
        for (metres, [x, y], heading) in [
            (-5.0, [0.0, 0.0], 90.0),
            (30.0, [30.0, 0.0], 90.0),
            (120.0, [100.0, 20.0], 0.0),
            (999.0, [100.0, 50.0], 0.0),
        ] {
            let (at, there) = along(&line, metres);
            let [east, north] = plane.to_metres(at);
            assert!((east - x).abs() < 0.1 && (north - y).abs() < 0.1, "{metres}: {east}, {north}");
            assert!((there - heading).abs() < 0.5, "{metres}: {there}");
        }
        assert_eq!(along(&line[..1], 7.0), (line[0], 0.0));
    }
}
