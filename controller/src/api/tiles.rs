//! `GET /api/v1/tiles/{z}/{x}/{y}`: what does not change, as Mapbox Vector Tiles in web Mercator. A page gets what it looks at,
//! however large the city is.
//!
//! A tile is cut when somebody asks for it first, and kept, compressed. From afar only the greater roads are in it, and lines
//! have no more points than can be seen.

mod square;

pub(super) use square::mercator;

use super::{
    Api,
    corridor::Roads,
    map::{FileOnce, mode, takes_gzip},
    problem::{Path, Query},
    streets::{Street, streets},
    view::{Name as NameView, Problem},
};
use crate::stretches::stretches;
use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, Response, header},
};
use bytes::Bytes;
use model::{
    city::{AreaKind, City},
    detection::DetectorKind,
    geo::{self, LonLat},
    ids::{JunctionIx, LinkIx},
    network::{Name, Network, RoadClass},
};
use mvt::Tile;
use rstar::{AABB, RTree, RTreeObject};
use serde::{Deserialize, Serialize};
use serde_json::json;
use square::{EXTENT, Square, area, clip_line, clip_ring, dot, lines, size, thin};
use std::{
    collections::{BTreeSet, HashMap},
    io::Write,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::Semaphore;

/// From this zoom on nothing is finer: a unit of a tile is then 17 cm, and the map stretches tiles beyond.
const FINEST: u8 = 15;
/// From farther off a city is a dot.
const COARSEST: u8 = 8;
/// Lines may be off by so much where tiles are stretched no further, units: a tenth of a pixel.
const OFF: f64 = 0.8;
/// Areas and lines that are smaller than this are not seen, units.
const UNSEEN: f64 = 4.0;
/// Areas that are smaller than this bear no name, units: 20 pixels.
const NAMED: f64 = 160.0;
/// Links that the tiles of a zoom may hold together: of more, the lesser ones wait for the next zoom.
const LINKS_AT_ZOOM: [(u8, usize); 3] = [(8, 40_000), (9, 80_000), (10, 160_000)];
/// Streets with houses, yards and paths are not shown from farther off.
const LESSER_FROM: u8 = 12;
/// Compressed tiles that are kept, bytes; then all are forgotten and cut anew when asked for.
const KEPT: usize = 96 << 20;
/// Tiles that are cut at once.
const AT_ONCE: usize = 2;

/// A thing that may be in a tile: its place in the city.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Thing {
    Area(u32),
    /// Where the name of an area stands: in one tile alone, however many the area lies in.
    Place(u32),
    Link(u32),
    Line(u32),
    Corridor(u32),
    Stop(u32),
    /// Where the letter of a stretch stands: on the link in its middle.
    Middle(u32),
    Street(u32),
    Detector(u32),
}

impl Thing {
    fn layer(self) -> &'static str {
        match self {
            Thing::Area(_) => "areas",
            Thing::Place(_) => "places",
            Thing::Link(_) => "links",
            Thing::Line(_) => "lines",
            Thing::Corridor(_) => "corridors",
            Thing::Stop(_) => "stops",
            Thing::Middle(_) => "middles",
            Thing::Street(_) => "streets",
            Thing::Detector(_) => "detectors",
        }
    }
}

/// A thing, from which zoom on it is shown, and the box around it in the unit square of web Mercator.
struct Placed {
    thing: Thing,
    from: u8,
    around: AABB<[f64; 2]>,
}

impl RTreeObject for Placed {
    type Envelope = AABB<[f64; 2]>;
    fn envelope(&self) -> Self::Envelope {
        self.around
    }
}

/// A detector on the map.
struct Spot {
    junction: JunctionIx,
    channel: u16,
    kind: String,
    at: LonLat,
}

/// Compressed tiles by zoom, column and row, and how many bytes they are together.
#[derive(Default)]
struct Kept {
    tiles: HashMap<(u8, u32, u32), Bytes>,
    bytes: usize,
}

/// All tiles.
pub(crate) struct Tiles {
    placed: RTree<Placed>,
    streets: Vec<Street>,
    spots: Vec<Spot>,
    /// Corridors that are shown: the id, which is the place in the city, and the line.
    corridors: Vec<(u32, Vec<LonLat>)>,
    kept: Mutex<Kept>,
    turns: Arc<Semaphore>,
    /// What the search knows of streets.
    pub(super) list: FileOnce,
}

impl Tiles {
    pub(super) fn new(city: &City, roads: &Roads) -> Tiles {
        let network = &city.network;
        let streets = streets(network);
        let into = network.movements_into_lanes();
        let mut spots = Vec::new();
        for (i, junction) in city.junctions.iter().enumerate() {
            for detector in junction.detectors.iter().filter(|d| d.kind != DetectorKind::PushButton) {
                let Some((lane, before_end_m)) = detector.lies(network, &into) else { continue };
                let link = network.link(network.lane(lane).link);
                let share = 1.0 - before_end_m / link.length_m;
                spots.push(Spot {
                    junction: JunctionIx::from(i),
                    channel: detector.channel.0,
                    kind: super::junction::snake(detector.kind),
                    at: geo::along(&link.shape, share * geo::length_m(&link.shape)).0,
                });
            }
        }
        let corridors: Vec<(u32, Vec<LonLat>)> = roads
            .shown()
            .map(|id| {
                let links = city.corridors[id as usize].links.iter();
                let mut line: Vec<LonLat> =
                    links.flat_map(|l| network.link(*l).shape.iter().copied()).collect();
                line.dedup();
                (id, line)
            })
            .collect();

        let mut placed = Vec::new();
        let mut place = |thing, from, line: &mut dyn Iterator<Item = LonLat>| {
            let corners: Vec<[f64; 2]> = line.map(mercator).collect();
            if !corners.is_empty() {
                placed.push(Placed { thing, from, around: AABB::from_points(&corners) });
            }
        };
        let from = first_zooms(city);
        for (i, link) in network.links.iter().enumerate() {
            let first = from(link.class);
            place(Thing::Link(i as u32), first, &mut link.shape.iter().copied());
        }
        for ix in stretches(network).iter().filter_map(|stretch| midway(network, stretch)) {
            let link = network.link(ix);
            if !is_lesser(link.class) {
                let first = from(link.class).max(LESSER_FROM);
                place(Thing::Middle(ix.0), first, &mut std::iter::once(middle(&link.shape).0));
            }
        }
        for (i, area) in city.areas.iter().enumerate() {
            place(Thing::Area(i as u32), COARSEST, &mut area.ring.iter().copied());
            // A river's name goes with the river.
            if area.name.is_some() && area.kind != AreaKind::Water {
                place(Thing::Place(i as u32), COARSEST, &mut std::iter::once(centre(&area.ring)));
            }
        }
        for (i, line) in city.transit.lines.iter().enumerate() {
            place(Thing::Line(i as u32), COARSEST, &mut line.shape.iter().copied());
        }
        for (i, stop) in city.transit.stops.iter().enumerate() {
            place(Thing::Stop(i as u32), 11, &mut std::iter::once(stop.at));
        }
        for (i, street) in streets.iter().enumerate() {
            let first = if rank(street.class) <= 4 { from(street.class).max(10) } else { 14 };
            place(Thing::Street(i as u32), first, &mut street.line.iter().copied());
        }
        for (i, spot) in spots.iter().enumerate() {
            place(Thing::Detector(i as u32), 13, &mut std::iter::once(spot.at));
        }
        for (i, (_, line)) in corridors.iter().enumerate() {
            place(Thing::Corridor(i as u32), COARSEST, &mut line.iter().copied());
        }
        Tiles {
            placed: RTree::bulk_load(placed),
            streets,
            spots,
            corridors,
            kept: Mutex::default(),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            list: FileOnce::default(),
        }
    }

    /// A tile, compressed.
    fn tile(&self, city: &City, z: u8, x: u32, y: u32) -> Bytes {
        if let Some(tile) = self.kept.lock().unwrap_or_else(PoisonError::into_inner).tiles.get(&(z, x, y)) {
            return tile.clone();
        }
        let plain = self.cut(city, z, x, y);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        let gzip = gzip.write_all(&plain).and_then(|()| gzip.finish()).expect("a vector takes all bytes");
        let tile = Bytes::from(gzip);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.bytes + tile.len() > KEPT {
            *kept = Kept::default();
        }
        kept.bytes += tile.len();
        kept.tiles.insert((z, x, y), tile.clone());
        tile
    }

    fn cut(&self, city: &City, z: u8, x: u32, y: u32) -> Vec<u8> {
        let frame = Square { scale: 2f64.powi(z.into()), x: x.into(), y: y.into() };
        let found = self.placed.locate_in_envelope_intersecting(frame.around());
        // In the order of the layers, and of the city within each: the same tile is the same bytes.
        let found: BTreeSet<Thing> = found.filter(|p| p.from <= z).map(|p| p.thing).collect();
        let mut tile = Tile::new(EXTENT as u32);
        let mut layer = None;
        for thing in found {
            let Some(geometry) = self.geometry(city, thing, &frame, z) else { continue };
            let before = layer.take();
            let of_it = match before {
                Some(layer) if named(&layer, thing.layer()) => layer,
                other => {
                    other.into_iter().for_each(|done| add(&mut tile, done));
                    tile.create_layer(thing.layer())
                }
            };
            let mut feature = of_it.into_feature(geometry);
            self.describe(city, thing, &mut feature);
            layer = Some(feature.into_layer());
        }
        layer.into_iter().for_each(|done| add(&mut tile, done));
        tile.to_bytes().expect("a vector takes all bytes")
    }

    fn geometry(&self, city: &City, thing: Thing, frame: &Square, z: u8) -> Option<mvt::GeomData> {
        let off = if z == FINEST { 0.0 } else { OFF };
        let line = |shape: &[LonLat]| {
            let line: Vec<[f64; 2]> = shape.iter().map(|p| frame.place(*p)).collect();
            (size(&line) >= UNSEEN).then(|| lines(&clip_line(&thin(&line, off))))?
        };
        match thing {
            Thing::Link(i) => line(&city.network.links[i as usize].shape),
            Thing::Line(i) => line(&city.transit.lines[i as usize].shape),
            Thing::Street(i) => line(&self.streets[i as usize].line),
            Thing::Corridor(i) => line(&self.corridors[i as usize].1),
            Thing::Area(i) => {
                let ring: Vec<[f64; 2]> =
                    city.areas[i as usize].ring.iter().map(|p| frame.place(*p)).collect();
                (size(&ring) >= UNSEEN).then(|| area(&clip_ring(&thin(&ring, off))))?
            }
            Thing::Place(i) => {
                let ring = &city.areas[i as usize].ring;
                let corners: Vec<[f64; 2]> = ring.iter().map(|p| frame.place(*p)).collect();
                (size(&corners) >= NAMED).then(|| dot(frame.place(centre(ring))))?
            }
            Thing::Stop(i) => dot(frame.place(city.transit.stops[i as usize].at)),
            Thing::Middle(i) => dot(frame.place(middle(&city.network.links[i as usize].shape).0)),
            Thing::Detector(i) => dot(frame.place(self.spots[i as usize].at)),
        }
    }

    fn describe(&self, city: &City, thing: Thing, feature: &mut mvt::Feature) {
        match thing {
            Thing::Link(i) => {
                let link = &city.network.links[i as usize];
                feature.set_id(i.into());
                feature.add_tag_string("id", link.id.as_str());
                feature.add_tag_string("class", &super::junction::snake(link.class));
                feature.add_tag_double("free_kmh", (link.speed_limit_mps * 36.0).round() / 10.0);
                name_it(feature, link.name.as_ref());
            }
            Thing::Middle(i) => {
                feature.set_id(i.into());
                let bearing = middle(&city.network.links[i as usize].shape).1;
                feature.add_tag_sint("bearing", bearing.round() as i64);
            }
            Thing::Area(i) | Thing::Place(i) => {
                let area = &city.areas[i as usize];
                feature.add_tag_string("kind", &super::junction::snake(area.kind));
                name_it(feature, area.name.as_ref());
            }
            Thing::Line(i) => {
                let line = &city.transit.lines[i as usize];
                feature.add_tag_string("id", line.id.as_str());
                feature.add_tag_string("mode", mode(line.mode));
                name_it(feature, Some(&line.name));
            }
            Thing::Stop(i) => name_it(feature, Some(&city.transit.stops[i as usize].name)),
            Thing::Street(i) => {
                let street = &self.streets[i as usize];
                feature.add_tag_uint("rank", rank(street.class).into());
                name_it(feature, Some(&street.name));
            }
            Thing::Detector(i) => {
                let spot = &self.spots[i as usize];
                let junction = city.junctions[spot.junction.ix()].id.as_str();
                feature.set_id(i.into());
                feature.add_tag_string("junction", junction);
                feature.add_tag_uint("channel", spot.channel.into());
                feature.add_tag_string("kind", &spot.kind);
                feature.add_tag_string("key", &format!("{junction} {}", spot.channel));
            }
            Thing::Corridor(i) => {
                let (id, _) = self.corridors[i as usize];
                feature.add_tag_string("id", &id.to_string());
                name_it(feature, Some(&city.corridors[id as usize].name));
            }
        }
    }
}

/// The link in the middle of a stretch.
fn midway(network: &Network, stretch: &[LinkIx]) -> Option<LinkIx> {
    let length_m = |link: &LinkIx| network.link(*link).length_m;
    let mut left_m = stretch.iter().map(length_m).sum::<f64>() / 2.0;
    stretch.iter().copied().find(|link| {
        left_m -= length_m(link);
        left_m <= 0.0
    })
}

fn named(layer: &mvt::Layer, name: &str) -> bool {
    layer.name() == Some(name)
}

fn add(tile: &mut Tile, layer: mvt::Layer) {
    tile.add_layer(layer).expect("each layer is there once");
}

fn name_it(feature: &mut mvt::Feature, name: Option<&Name>) {
    if let Some(name) = name {
        feature.add_tag_string("name", &name.local);
        feature.add_tag_string("name_en", name.english());
    }
}

/// Where names of greater streets come first.
fn rank(class: RoadClass) -> u8 {
    match class {
        RoadClass::Motorway => 0,
        RoadClass::Trunk => 1,
        RoadClass::Primary => 2,
        RoadClass::Secondary => 3,
        RoadClass::Tertiary => 4,
        _ => 5,
    }
}

fn is_lesser(class: RoadClass) -> bool {
    rank(class) == 5
}

/// From which zoom on the links of a class are in tiles: the greatest always, and others as soon as all down to them are few enough.
fn first_zooms(city: &City) -> impl Fn(RoadClass) -> u8 + use<> {
    let mut together = [0_usize; 6];
    for link in &city.network.links {
        for all in &mut together[usize::from(rank(link.class))..] {
            *all += 1;
        }
    }
    move |class| {
        let rank = rank(class);
        let fits = LINKS_AT_ZOOM.iter().find(|(_, most)| together[usize::from(rank)] <= *most);
        match (rank, fits) {
            (5, _) => LESSER_FROM,
            (0..=2, _) => COARSEST,
            (_, Some((zoom, _))) => *zoom,
            (_, None) => 11,
        }
    }
}

/// The point half-way along a line, and the way it runs there, degrees clockwise from north.
fn middle(shape: &[LonLat]) -> (LonLat, f64) {
    geo::along(shape, geo::length_m(shape) / 2.0)
}

/// The centre of gravity of a ring.
fn centre(ring: &[LonLat]) -> LonLat {
    let (mut twice, mut lon, mut lat) = (0.0, 0.0, 0.0);
    let Some(first) = ring.first() else { return LonLat { lon: 0.0, lat: 0.0 } };
    for pair in ring.windows(2) {
        // About the first point, or digits are lost.
        let [a, b] = [pair[0], pair[1]].map(|p| (p.lon - first.lon, p.lat - first.lat));
        let cross = a.0 * b.1 - b.0 * a.1;
        twice += cross;
        lon += (a.0 + b.0) * cross;
        lat += (a.1 + b.1) * cross;
    }
    match twice == 0.0 {
        true => *first,
        false => LonLat { lon: first.lon + lon / (3.0 * twice), lat: first.lat + lat / (3.0 * twice) },
    }
}

/// A street, for a search.
#[derive(Serialize)]
struct Listed {
    name: NameView,
    /// South-west and north-east.
    bounds: [[f64; 2]; 2],
    /// A place on it.
    at: [f64; 2],
}

fn list(streets: &[Street]) -> Vec<Listed> {
    let mut listed: Vec<Listed> = Vec::new();
    let digits = |p: LonLat| [p.lon, p.lat].map(|v| (v * 1e5).round() / 1e5);
    // They come by name.
    for street in streets {
        let same = listed.last().is_some_and(|last| last.name == NameView::of(&street.name));
        for (i, p) in street.line.iter().map(|p| digits(*p)).enumerate() {
            if i == 0 && !same {
                let at = digits(street.line[street.line.len() / 2]);
                listed.push(Listed { name: NameView::of(&street.name), bounds: [p, p], at });
            }
            let Some(Listed { bounds: [least, most], .. }) = listed.last_mut() else { continue };
            for axis in 0..2 {
                least[axis] = least[axis].min(p[axis]);
                most[axis] = most[axis].max(p[axis]);
            }
        }
    }
    listed
}

/// Whose tiles are wanted: those of the city with that fingerprint never change.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Of {
    of: Option<String>,
}

fn stamp(city: &City) -> String {
    format!("{:016x}", city.fingerprint())
}

/// What does not change, as TileJSON 3.0: vector tiles of areas, the places of their names, links (their number is the feature's id), the middles of links,
/// transit lines and stops, streets under their names, detectors and corridors; `counts` says how many of each there are.
#[utoipa::path(get, path = "/api/v1/tiles", tag = "centre", responses((status = 200, body = Object)))]
pub(super) async fn get_tiles(State(api): State<Api>) -> Json<serde_json::Value> {
    let (city, tiles) = (&api.0.city, &api.0.tiles);
    let layer = |id: &str, fields: &[&str]| {
        let fields: serde_json::Map<_, _> = fields.iter().map(|f| ((*f).to_owned(), json!(""))).collect();
        json!({ "id": id, "fields": fields })
    };
    Json(json!({
        "tilejson": "3.0.0",
        "name": city.name.local,
        "tiles": [format!("/api/v1/tiles/{{z}}/{{x}}/{{y}}?of={}", stamp(city))],
        "minzoom": COARSEST,
        "maxzoom": FINEST,
        "vector_layers": [
            layer("areas", &["kind", "name", "name_en"]),
            layer("places", &["kind", "name", "name_en"]),
            layer("links", &["id", "class", "free_kmh", "name", "name_en"]),
            layer("middles", &["bearing"]),
            layer("lines", &["id", "mode", "name", "name_en"]),
            layer("stops", &["name", "name_en"]),
            layer("streets", &["rank", "name", "name_en"]),
            layer("detectors", &["junction", "channel", "kind", "key"]),
            layer("corridors", &["id", "name", "name_en"]),
        ],
        "counts": {
            "links": city.network.links.len(),
            "lines": city.transit.lines.len(),
            "stops": city.transit.stops.len(),
            "detectors": tiles.spots.len(),
            "corridors": tiles.corridors.len(),
        },
    }))
}

/// A vector tile (MVT 2.1).
#[utoipa::path(get, path = "/api/v1/tiles/{z}/{x}/{y}", tag = "centre",
    params(
        ("z" = u8, Path, description = "Zoom"), ("x" = u32, Path, description = "Column"), ("y" = u32, Path, description = "Row"),
        ("of" = Option<String>, Query, description = "As the TileJSON has it: a client may keep the tile for ever then"),
    ),
    responses(
        (status = 200, description = "The tile", content_type = "application/vnd.mapbox-vector-tile"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn get_tile(
    State(api): State<Api>,
    Path((z, x, y)): Path<(u8, u32, u32)>,
    Query(wanted): Query<Of>,
    headers: HeaderMap,
) -> Result<Response<Body>, Problem> {
    if !(COARSEST..=FINEST).contains(&z) || x.max(y) >> z != 0 {
        return Err(Problem::not_found(format!("tiles have zooms {COARSEST} to {FINEST}")));
    }
    let turn = api.0.tiles.turns.clone().acquire_owned().await;
    let of = stamp(&api.0.city);
    let cutting = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        api.0.tiles.tile(&api.0.city, z, x, y)
    });
    let gzip = cutting.await.map_err(|_| Problem::unavailable("the tile could not be cut"))?;
    let packed = takes_gzip(&headers);
    let body = if packed { gzip } else { unpacked(&gzip) };
    let mut answer = Response::new(Body::from(body));
    let out = answer.headers_mut();
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/vnd.mapbox-vector-tile"));
    out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if packed {
        out.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    let kept =
        if wanted.of == Some(of) { "private, max-age=31536000, immutable" } else { "private, no-cache" };
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    Ok(answer)
}

fn unpacked(gzip: &[u8]) -> Bytes {
    let mut plain = flate2::write::GzDecoder::new(Vec::new());
    plain.write_all(gzip).and_then(|()| plain.finish()).expect("we packed it ourselves").into()
}

/// All streets with a name, for a search: their names, bounds, and a place on each.
#[utoipa::path(get, path = "/api/v1/streets", tag = "centre", responses(
    (status = 200, body = Object),
    (status = 304, description = "You have it already"),
))]
pub(super) async fn get_streets(
    State(api): State<Api>,
    headers: HeaderMap,
) -> Result<Response<Body>, Problem> {
    let asked = api.clone();
    let written = tokio::task::spawn_blocking(move || {
        let tiles = &asked.0.tiles;
        tiles.list.answer(&headers, || json!({ "streets": list(&tiles.streets) }))
    });
    written.await.map_err(|_| Problem::unavailable("the list could not be written"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tile_holds_what_lies_in_it_and_is_the_same_each_time() {
        let city = model::sketch::city("W---C---E\n    |\n    |\n    |\n    S", "C");
        let tiles = Tiles::new(&city, &Roads::new(&city));
        let [x, y] = mercator(city.junctions[0].at);
        let at = |z: u8| {
            let n = 2f64.powi(z.into());
            ((x * n) as u32, (y * n) as u32)
        };
        for z in [COARSEST, 12, FINEST] {
            let (x, y) = at(z);
            let tile = tiles.cut(&city, z, x, y);
            assert_eq!(tile, tiles.cut(&city, z, x, y), "zoom {z}");
            // The id of a link is a text of the tile.
            let id = city.network.links[0].id.as_str().as_bytes();
            let there = tile.windows(id.len()).any(|w| w == id);
            assert_eq!(there, z > COARSEST, "zoom {z}: {} bytes", tile.len());
            assert!(tiles.cut(&city, z, x + 5, y).is_empty(), "nothing is far off");
        }
    }

    #[test]
    fn a_ring_has_its_name_in_the_middle() {
        let ring = [(37.6, 55.7), (37.8, 55.7), (37.8, 55.8), (37.6, 55.8), (37.6, 55.7)];
        let LonLat { lon, lat } = centre(&ring.map(|(lon, lat)| LonLat { lon, lat }));
        assert!((lon - 37.7).abs() < 1e-9 && (lat - 55.75).abs() < 1e-9, "{lon} {lat}");
    }
}
