//! What we know by heart of Moscow's map, read from the tables beside this file.

use model::{
    geo::{LocalPlane, LonLat},
    network::{Name, RoadClass},
    transit::TransitMode,
};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Metres east and north of the Kremlin.
pub(super) type Place = [f64; 2];

/// The Kremlin: the middle of the map and of its plane.
pub(super) const KREMLIN: LonLat = LonLat { lon: 37.6175, lat: 55.7520 };

/// All tables, in metres.
pub(super) struct Atlas {
    pub(super) plane: LocalPlane,
    pub(super) points: BTreeMap<String, Point>,
    pub(super) roads: Vec<Road>,
    pub(super) rivers: Vec<River>,
    pub(super) parks: Vec<(Name, Vec<Place>)>,
    pub(super) blocks: Vec<(Name, Vec<Place>)>,
    pub(super) rails: Vec<Rail>,
    pub(super) road_lines: Vec<RoadLine>,
    /// Names for streets that nobody drew, and where they belong.
    pub(super) small_streets: Vec<(Name, Place)>,
}

/// A square, or a crossing that several roads name.
pub(super) struct Point {
    pub(super) at: Place,
    pub(super) name: Option<Name>,
    pub(super) junction_id: Option<String>,
}

/// A road from end to end, its name changing on the way.
#[derive(Clone)]
pub(super) struct Road {
    pub(super) corridor: Option<Name>,
    pub(super) ring: bool,
    pub(super) embankment: bool,
    pub(super) parts: Vec<Part>,
}

/// A piece of road with one name.
#[derive(Clone)]
pub(super) struct Part {
    pub(super) street: Street,
    pub(super) shape: Vec<Place>,
}

/// What is the same along a part.
#[derive(Clone, PartialEq)]
pub(super) struct Street {
    pub(super) name: Name,
    pub(super) class: RoadClass,
    /// Lanes in drawing direction, and against it.
    pub(super) lanes: [u32; 2],
    pub(super) speed_mps: f64,
    pub(super) bridge: bool,
    pub(super) tunnel: bool,
    /// Turns off a road without level crossings.
    pub(super) ramp: bool,
}

pub(super) struct River {
    pub(super) name: Name,
    pub(super) width_m: f64,
    pub(super) path: Vec<Place>,
}

pub(super) struct Rail {
    pub(super) id: String,
    pub(super) mode: TransitMode,
    pub(super) name: Name,
    pub(super) colour: String,
    pub(super) headway_s: u32,
    pub(super) closed: bool,
    pub(super) stations: Vec<(Name, Place)>,
}

pub(super) struct RoadLine {
    pub(super) id: String,
    pub(super) mode: TransitMode,
    pub(super) name: Name,
    pub(super) headway_s: u32,
    pub(super) night: bool,
    pub(super) there: Vec<Place>,
    pub(super) back: Vec<Place>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRoads {
    points: BTreeMap<String, Vec<String>>,
    road: Vec<RawRoad>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRoad {
    kind: String,
    corridor: Option<[String; 2]>,
    #[serde(default)]
    smooth: bool,
    #[serde(default)]
    closed: bool,
    #[serde(default)]
    inbound: bool,
    #[serde(default)]
    embankment: bool,
    parts: Vec<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLand {
    river: Vec<RawRiver>,
    park: Vec<RawPatch>,
    block: Vec<RawPatch>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRiver {
    name: [String; 2],
    width_m: f64,
    path: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPatch {
    name: [String; 2],
    ring: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTransit {
    rail: Vec<RawRail>,
    road_line: Vec<RawRoadLine>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRail {
    id: String,
    #[serde(default)]
    mode: Option<String>,
    name: [String; 2],
    colour: String,
    headway_s: u32,
    #[serde(default)]
    closed: bool,
    stations: Vec<[String; 3]>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRoadLine {
    id: String,
    name: [String; 2],
    mode: String,
    headway_s: u32,
    #[serde(default)]
    night: bool,
    via: String,
    back: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawNames {
    neighbourhood: Vec<RawNeighbourhood>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawNeighbourhood {
    near: String,
    names: Vec<[String; 2]>,
}

fn name([local, en]: &[String; 2]) -> Name {
    Name::new(local, en)
}

impl Atlas {
    /// Reads the tables that are built in. A test reads them too, so an error here is a bug of ours.
    pub(super) fn read() -> Result<Atlas, String> {
        let plane = LocalPlane::around(KREMLIN);
        let toml_error = |file: &'static str| move |e: toml::de::Error| format!("{file}: {e}");
        let roads: RawRoads =
            toml::from_str(include_str!("moscow/roads.toml")).map_err(toml_error("roads.toml"))?;
        let land: RawLand =
            toml::from_str(include_str!("moscow/land.toml")).map_err(toml_error("land.toml"))?;
        let transit: RawTransit =
            toml::from_str(include_str!("moscow/transit.toml")).map_err(toml_error("transit.toml"))?;
        let names: RawNames =
            toml::from_str(include_str!("moscow/names.toml")).map_err(toml_error("names.toml"))?;

        let mut points = BTreeMap::new();
        for (key, row) in &roads.points {
            let place =
                row.first().and_then(|text| decimals(text)).ok_or(format!("point {key}: it has no place"))?;
            let name = row.get(1).map(|local| Name::new(local, row.get(2).unwrap_or(local)));
            let junction_id = row.get(3).cloned();
            points.insert(key.clone(), Point { at: plane.to_metres(place), name, junction_id });
        }
        let places = Places { plane, points: &points };
        let read_roads = roads.road.iter().map(|raw| road(raw, &places)).collect::<Result<_, _>>()?;
        let patches = |raw: &[RawPatch]| -> Result<Vec<_>, String> {
            raw.iter().map(|p| Ok((name(&p.name), ring(places.path(&p.ring)?)))).collect()
        };
        let rivers = land
            .river
            .iter()
            .map(|r| {
                Ok(River {
                    name: name(&r.name),
                    width_m: r.width_m,
                    path: smooth(&places.path(&r.path)?, false).0,
                })
            })
            .collect::<Result<_, String>>()?;
        let rails = transit
            .rail
            .iter()
            .map(|r| {
                let stations =
                    r.stations.iter().map(|[local, en, at]| Ok((Name::new(local, en), places.place(at)?)));
                Ok(Rail {
                    id: r.id.clone(),
                    mode: if r.mode.as_deref() == Some("mcc") {
                        TransitMode::Mcc
                    } else {
                        TransitMode::Metro
                    },
                    name: name(&r.name),
                    colour: r.colour.clone(),
                    headway_s: r.headway_s,
                    closed: r.closed,
                    stations: stations.collect::<Result<_, String>>()?,
                })
            })
            .collect::<Result<_, String>>()?;
        let road_lines = transit
            .road_line
            .iter()
            .map(|r| {
                let there = places.path(&r.via)?;
                let back = match &r.back {
                    Some(back) => places.path(back)?,
                    None => there.iter().rev().copied().collect(),
                };
                Ok(RoadLine {
                    id: r.id.clone(),
                    mode: if r.mode == "tram" { TransitMode::Tram } else { TransitMode::Bus },
                    name: name(&r.name),
                    headway_s: r.headway_s,
                    night: r.night,
                    there,
                    back,
                })
            })
            .collect::<Result<_, String>>()?;
        let (parks, blocks) = (patches(&land.park)?, patches(&land.block)?);
        let mut small_streets = Vec::new();
        for n in &names.neighbourhood {
            let near = places.place(&n.near)?;
            small_streets.extend(n.names.iter().map(|pair| (name(pair), near)));
        }
        Ok(Atlas {
            plane,
            points,
            roads: read_roads,
            rivers,
            parks,
            blocks,
            rails,
            road_lines,
            small_streets,
        })
    }
}

struct Places<'a> {
    plane: LocalPlane,
    points: &'a BTreeMap<String, Point>,
}

impl Places<'_> {
    fn place(&self, text: &str) -> Result<Place, String> {
        let text = text.trim();
        if let Some(point) = self.points.get(text) {
            return Ok(point.at);
        }
        decimals(text)
            .map(|p| self.plane.to_metres(p))
            .ok_or(format!("`{text}` is neither a point nor a place"))
    }

    fn path(&self, text: &str) -> Result<Vec<Place>, String> {
        text.split(',').filter(|t| !t.trim().is_empty()).map(|t| self.place(t)).collect()
    }
}

/// `7698 5962` is 55.7698 N 37.5962 E. A first number below 5000 cannot be: Moscow lies between 55.55 and 56.
fn decimals(text: &str) -> Option<LonLat> {
    let (lat, lon) = text.trim().split_once(' ')?;
    let degrees =
        |t: &str| t.trim().parse::<u32>().ok().filter(|d| *d < 10_000).map(|d| f64::from(d) / 10_000.0);
    Some(LonLat { lat: 55.0 + degrees(lat)?, lon: 37.0 + degrees(lon)? })
}

fn road(raw: &RawRoad, places: &Places<'_>) -> Result<Road, String> {
    let kind: Vec<&str> = raw.kind.split(' ').collect();
    let fault = |what: &str| format!("road {:?}: {what}", raw.parts.first().and_then(|p| p.first()));
    let class = match kind.first().copied() {
        Some("motorway") => RoadClass::Motorway,
        Some("trunk") => RoadClass::Trunk,
        Some("primary") => RoadClass::Primary,
        Some("secondary") => RoadClass::Secondary,
        Some("tertiary") => RoadClass::Tertiary,
        Some("residential") => RoadClass::Residential,
        _ => return Err(fault("unknown class")),
    };
    let lanes: u32 = kind.get(1).and_then(|t| t.parse().ok()).ok_or_else(|| fault("no lanes"))?;
    let kmh: f64 = kind.get(2).and_then(|t| t.parse().ok()).ok_or_else(|| fault("no speed"))?;
    let oneway = kind.get(3) == Some(&"oneway");
    let mut line: Vec<Place> = Vec::new();
    // Where each part ends in `line`.
    let mut ends = Vec::new();
    for part in &raw.parts {
        line.extend(places.path(part.get(2).ok_or_else(|| fault("a part without path"))?)?);
        ends.push(line.len() - 1);
    }
    if raw.closed && line.first() != line.last() {
        line.push(line[0]);
        *ends.last_mut().ok_or_else(|| fault("no parts"))? = line.len() - 1;
    }
    let (line, kept): (Vec<Place>, Vec<usize>) =
        if raw.smooth { smooth(&line, raw.closed) } else { (line.clone(), (0..line.len()).collect()) };
    let mut start = 0;
    let mut parts = Vec::new();
    for (part, end) in raw.parts.iter().zip(ends) {
        let flags = part.get(3..).unwrap_or_default();
        let has = |flag: &str| flags.iter().any(|f| f == flag);
        let lanes = flags.iter().find_map(|f| f.strip_prefix("lanes=")?.parse().ok()).unwrap_or(lanes);
        let forth = has("forth") || (oneway && !raw.inbound && !has("twoway"));
        let back = has("back") || (oneway && raw.inbound && !has("twoway"));
        let lanes = [if back { 0 } else { lanes }, if forth { 0 } else { lanes }];
        let street = Street {
            name: Name::new(&part[0], &part[1]),
            class,
            lanes,
            speed_mps: kmh / 3.6,
            bridge: has("bridge"),
            tunnel: has("tunnel"),
            ramp: false,
        };
        let end = kept[end];
        parts.push(Part { street, shape: line[start..=end].to_vec() });
        start = end;
    }
    Ok(Road {
        corridor: raw.corridor.as_ref().map(name),
        ring: raw.closed,
        embankment: raw.embankment,
        parts,
    })
}

/// A centripetal Catmull-Rom curve through all points, and where each of them stands in it.
pub(super) fn smooth(line: &[Place], closed: bool) -> (Vec<Place>, Vec<usize>) {
    const STEP_M: f64 = 70.0;
    let n = line.len();
    if n < 3 {
        return (line.to_vec(), (0..n).collect());
    }
    let at = |i: isize| -> Place {
        let last = n as isize - 1;
        if closed {
            line[i.rem_euclid(last) as usize]
        } else if i < 0 {
            mirrored(line[0], line[1])
        } else if i > last {
            mirrored(line[n - 1], line[n - 2])
        } else {
            line[i as usize]
        }
    };
    let mut out = vec![line[0]];
    let mut kept = vec![0];
    for i in 0..n as isize - 1 {
        let (p0, p1, p2, p3) = (at(i - 1), at(i), at(i + 1), at(i + 2));
        let pieces = (distance(p1, p2) / STEP_M).ceil().clamp(1.0, 40.0) as usize;
        // Knots by the square root of the chord: no loops where points stand unevenly (Yuksel et al. 2011).
        let knot = |a, b| distance(a, b).sqrt().max(1e-3);
        let (t1, t2, t3) = {
            let t1 = knot(p0, p1);
            let t2 = t1 + knot(p1, p2);
            (t1, t2, t2 + knot(p2, p3))
        };
        for k in 1..=pieces {
            let t = t1 + (t2 - t1) * k as f64 / pieces as f64;
            let mix = |a: Place, b: Place, ta: f64, tb: f64| -> Place {
                let w = (t - ta) / (tb - ta);
                [a[0] + (b[0] - a[0]) * w, a[1] + (b[1] - a[1]) * w]
            };
            let (a1, a2, a3) = (mix(p0, p1, 0.0, t1), mix(p1, p2, t1, t2), mix(p2, p3, t2, t3));
            let (b1, b2) = (mix(a1, a2, 0.0, t2), mix(a2, a3, t1, t3));
            out.push(if k == pieces { p2 } else { mix(b1, b2, t1, t2) });
        }
        kept.push(out.len() - 1);
    }
    (out, kept)
}

fn mirrored(end: Place, next: Place) -> Place {
    [2.0 * end[0] - next[0], 2.0 * end[1] - next[1]]
}

fn ring(mut line: Vec<Place>) -> Vec<Place> {
    if line.first() != line.last() {
        line.extend(line.first().copied());
    }
    line
}

pub(super) fn distance(a: Place, b: Place) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

/// Length of a line, m.
pub(super) fn length(line: &[Place]) -> f64 {
    line.windows(2).map(|w| distance(w[0], w[1])).sum()
}
