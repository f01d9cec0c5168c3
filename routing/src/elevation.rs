//! How high the ground is: tiles of the Shuttle Radar Topography Mission (`.hgt`), and the hills that streets climb by them.
//!
//! A tile covers a degree each way and is named after its south-western corner (`N41W009.hgt`). It holds 1201 or 3601 rows of as many
//! samples, from north to south and from west to east, both edges included: big-endian metres, −32768 where nothing is known.

use model::{
    city::City,
    config::{Complaint, Complaints},
    geo::LonLat,
    network::STEEPEST_PERCENT,
};
use std::{collections::BTreeMap, path::Path};

/// Samples along a tile's side: every third second of a degree, and every second.
const SIDES: [usize; 2] = [1201, 3601];
/// Where nothing is known.
const VOID: i16 = i16::MIN;
/// More tiles than this are no city, but a place in the wrong hemisphere.
const MOST_TILES: usize = 64;
/// A height is the mean of nine that lie so far from one another, m: the radar is off by several metres from sample to sample, which over
/// a short street would be a cliff.
const SMOOTHED_OVER_M: f64 = 60.0;
/// Of those nine so many have to be known.
const LEAST_KNOWN: usize = 5;
/// Metres in a degree of latitude.
const DEGREE_M: f64 = 111_195.0;

/// The ground's heights in some part of the world.
#[derive(Debug)]
pub struct Heights {
    /// By the degrees of the south-western corner, east and north.
    tiles: BTreeMap<[i32; 2], Tile>,
    /// Files that would be needed too and are not there; at sea there are none.
    pub missing: Vec<String>,
}

#[derive(Debug)]
struct Tile {
    side: usize,
    metres: Vec<i16>,
}

/// What became of a city's links.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Raised {
    /// Links whose slope is known now.
    pub links: usize,
    /// Links beyond the known ground, which stay level.
    pub unknown: usize,
}

fn name([lon, lat]: [i32; 2]) -> String {
    let (north, east) = (if lat < 0 { 'S' } else { 'N' }, if lon < 0 { 'W' } else { 'E' });
    format!("{north}{:02}{east}{:03}.hgt", lat.abs(), lon.abs())
}

impl Heights {
    /// Reads the tiles of a folder that cover what lies between two corners, south-west and north-east. Some may be missing; a tile that
    /// is none, and a folder that has none of them, is refused.
    pub fn read(folder: &Path, [sw, ne]: [LonLat; 2]) -> Result<Heights, Complaints> {
        let whole = |says: String| Complaints::from(Complaint::whole(folder.display().to_string(), says));
        let corner = |at: LonLat| [at.lon.floor() as i32, at.lat.floor() as i32];
        let ([west, south], [east, north]) = (corner(sw), corner(ne));
        let corners: Vec<[i32; 2]> = (west..=east)
            .flat_map(|lon| (south..=north).map(move |lat| [lon, lat]))
            .take(MOST_TILES + 1)
            .collect();
        if corners.len() > MOST_TILES {
            return Err(whole(format!("the map reaches over more than {MOST_TILES} tiles of a degree")));
        }
        let (mut heights, mut complaints) =
            (Heights { tiles: BTreeMap::new(), missing: Vec::new() }, Complaints::default());
        for corner in corners {
            let file = folder.join(name(corner));
            match std::fs::read(&file) {
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => heights.missing.push(name(corner)),
                Err(e) => complaints.push(Complaint::whole(
                    file.display().to_string(),
                    format!("could not read the heights: {e}"),
                )),
                Ok(bytes) => match Tile::of(&bytes) {
                    Ok(tile) => drop(heights.tiles.insert(corner, tile)),
                    Err(says) => complaints.push(Complaint::whole(file.display().to_string(), says)),
                },
            }
        }
        if heights.tiles.is_empty() && complaints.is_empty() {
            return Err(whole(format!("it has no heights for this map: {}", heights.missing.join(", "))));
        }
        complaints.or(heights)
    }

    /// How high a place is, m above the sea; `None` where nobody knows.
    fn sampled_m(&self, at: LonLat) -> Option<f64> {
        let (west, south) = (at.lon.floor(), at.lat.floor());
        let tile = self.tiles.get(&[west as i32, south as i32])?;
        let steps = (tile.side - 1) as f64;
        let (x, y) = ((at.lon - west) * steps, (1.0 - (at.lat - south)) * steps);
        let (column, row) = ((x as usize).min(tile.side - 2), (y as usize).min(tile.side - 2));
        let (right, down) = (x - column as f64, y - row as f64);
        let sample = |row: usize, column: usize| {
            let metres = tile.metres[row * tile.side + column];
            (metres != VOID).then_some(f64::from(metres))
        };
        let between =
            |row: usize| Some(sample(row, column)? * (1.0 - right) + sample(row, column + 1)? * right);
        Some(between(row)? * (1.0 - down) + between(row + 1)? * down)
    }

    /// The same, smoothed.
    fn height_m(&self, at: LonLat) -> Option<f64> {
        let north = SMOOTHED_OVER_M / DEGREE_M;
        let east = north / at.lat.to_radians().cos().max(0.01);
        let around = [-1.0, 0.0, 1.0].into_iter().flat_map(|x| [-1.0, 0.0, 1.0].map(|y| (x, y)));
        let (mut sum_m, mut known) = (0.0, 0);
        for (x, y) in around {
            if let Some(m) = self.sampled_m(LonLat { lon: at.lon + x * east, lat: at.lat + y * north }) {
                (sum_m, known) = (sum_m + m, known + 1);
            }
        }
        (known >= LEAST_KNOWN).then(|| sum_m / known as f64)
    }

    /// Says of all links of a city how much they rise from end to end. What the map itself says of a link stays; bridges, tunnels and
    /// ferries do not follow the ground.
    pub fn raise(&self, city: &mut City) -> Raised {
        let mut raised = Raised::default();
        for link in &mut city.network.links {
            if link.bridge || link.tunnel || link.going.ferry || link.going.rise_percent != 0.0 {
                continue;
            }
            let ends = [link.shape.first(), link.shape.last()].map(|at| at.and_then(|&at| self.height_m(at)));
            let [Some(begin_m), Some(end_m)] = ends else {
                raised.unknown += 1;
                continue;
            };
            // Nobody knows it better than to a tenth of a per cent.
            let percent = ((end_m - begin_m) / link.length_m * 1000.0).round() / 10.0;
            // Not minus nothing.
            link.going.rise_percent = 0.0 + (percent as f32).clamp(-STEEPEST_PERCENT, STEEPEST_PERCENT);
            raised.links += 1;
        }
        raised
    }
}

impl Tile {
    fn of(bytes: &[u8]) -> Result<Tile, String> {
        let side = SIDES.into_iter().find(|side| bytes.len() == side * side * 2).ok_or_else(|| {
            format!(
                "{} bytes are no heights: a tile has 1201 or 3601 rows of as many samples of 2 bytes",
                bytes.len()
            )
        })?;
        let samples = bytes.chunks_exact(2).map(|pair| i16::from_be_bytes([pair[0], pair[1]]));
        Ok(Tile { side, metres: samples.collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        drawing::{NOW, draw, query},
        planner::Planner,
        snapshot::Snapshot,
    };
    use std::sync::Arc;

    /// A tile whose ground is `metres` high at so many degrees from its south-western corner.
    fn tile(folder: &Path, corner: [i32; 2], metres: impl Fn(f64, f64) -> i16) {
        let side = SIDES[0];
        let degrees = |i: usize| i as f64 / (side - 1) as f64;
        let samples = (0..side).flat_map(|row| (0..side).map(move |column| (row, column)));
        let bytes =
            samples.flat_map(|(row, column)| metres(degrees(column), 1.0 - degrees(row)).to_be_bytes());
        std::fs::write(folder.join(name(corner)), bytes.collect::<Vec<u8>>()).unwrap();
    }

    const CROSS: &str = "
        A 0 0
        B 1000 0
        C 0 1000
        A-B
        A-C";

    fn bounds(city: &City) -> [LonLat; 2] {
        city.network.bounds().unwrap()
    }

    #[test]
    fn streets_climb_as_the_ground_does() {
        let mut city = draw(CROSS);
        let folder = tempfile::tempdir().unwrap();
        let corner = [bounds(&city)[0].lon.floor() as i32, bounds(&city)[0].lat.floor() as i32];
        // A slope of 5 % to the north: a degree of latitude is 111 km.
        tile(folder.path(), corner, |_, north| (north * DEGREE_M * 0.05) as i16);
        let heights = Heights::read(folder.path(), bounds(&city)).unwrap();
        assert_eq!(heights.raise(&mut city), Raised { links: 4, unknown: 0 });
        let rise = |id: &str| {
            let link = city.network.links.iter().find(|link| link.id.as_str() == id);
            link.unwrap().going.rise_percent
        };
        assert_eq!([rise("AB"), rise("BA")], [0.0, 0.0]);
        assert!((rise("AC") - 5.0).abs() < 0.15, "{}", rise("AC"));
        assert_eq!(rise("CA"), -rise("AC"));
        let city = Arc::new(city);
        let planner = Planner::new(city.clone());
        let takes = |question: &str| {
            let way = planner.direct(&query(&city, question), &Snapshot::empty(), NOW).unwrap();
            way.duration().as_secs()
        };
        assert!(takes("A to C by bicycle") > takes("A to B by bicycle") * 5 / 4);
        assert_eq!(takes("C to A by bicycle"), takes("A to B by bicycle"));
        assert!(takes("A to C by foot") > takes("A to B by foot"));
        assert_eq!(takes("A to C by foot"), takes("C to A by foot"));
        assert_eq!(takes("A to C by car"), takes("A to B by car"));
    }

    #[test]
    fn what_the_map_says_of_a_hill_stays_and_unknown_ground_is_level() {
        let mut city = draw("A 0 0\nB 1000 0\nC 0 1000\nD 0 2000\nA/B\nA-C\nC~D");
        let folder = tempfile::tempdir().unwrap();
        let corner = [bounds(&city)[0].lon.floor() as i32, bounds(&city)[0].lat.floor() as i32];
        tile(folder.path(), corner, |_, _| VOID);
        let heights = Heights::read(folder.path(), bounds(&city)).unwrap();
        assert_eq!(heights.raise(&mut city), Raised { links: 0, unknown: 2 });
        let rises: Vec<f32> = city.network.links.iter().map(|link| link.going.rise_percent).collect();
        assert_eq!(rises, [8.0, -8.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn what_is_no_tile_is_refused_by_name() {
        let city = draw(CROSS);
        let folder = tempfile::tempdir().unwrap();
        let says = || Heights::read(folder.path(), bounds(&city)).unwrap_err().to_string();
        let file = name([bounds(&city)[0].lon.floor() as i32, bounds(&city)[0].lat.floor() as i32]);
        assert!(says().contains(&format!("it has no heights for this map: {file}")), "{}", says());
        for bytes in [0, 1, 2_884_801, 2_884_803] {
            std::fs::write(folder.path().join(&file), vec![0; bytes]).unwrap();
            let says = says();
            assert!(
                says.contains(&file) && says.contains(&format!("{bytes} bytes are no heights")),
                "{says}"
            );
        }
        let world = [LonLat { lon: -170.0, lat: -80.0 }, LonLat { lon: 170.0, lat: 80.0 }];
        assert!(Heights::read(folder.path(), world).unwrap_err().to_string().contains("more than 64 tiles"));
    }

    #[test]
    fn tiles_are_named_after_their_corners() {
        assert_eq!(
            [name([-9, 41]), name([37, 55]), name([-71, -34])],
            ["N41W009.hgt", "N55E037.hgt", "S34W071.hgt"]
        );
    }
}
