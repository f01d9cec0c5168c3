//! `GET /api/v1/map`: all that does not change, in one file. Pages look at tiles of it instead ([`super::tiles`]).

use super::view::MapView;
use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header},
};
use bytes::Bytes;
use model::{
    city::City,
    geo::LonLat,
    network::{Link, Name},
    transit::TransitMode,
};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{collections::BTreeSet, io::Write, sync::OnceLock};

/// A file that never changes, written and compressed when somebody asks for it first.
#[derive(Debug, Default)]
pub(crate) struct FileOnce(OnceLock<File>);

impl FileOnce {
    /// The answer for a client that says what it has and what it can read. It may take seconds.
    pub(super) fn answer<V: Serialize>(
        &self,
        headers: &HeaderMap,
        write: impl FnOnce() -> V,
    ) -> Response<Body> {
        self.0.get_or_init(|| File::new(&write())).answer(headers)
    }
}

/// A file as it is sent.
#[derive(Clone, Debug)]
struct File {
    plain: Bytes,
    gzip: Bytes,
    etag: HeaderValue,
}

impl File {
    fn new(content: &impl Serialize) -> File {
        let plain = serde_json::to_vec(content).expect("plain data always serialises");
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        let gzip = gzip.write_all(&plain).and_then(|()| gzip.finish()).expect("a vector takes all bytes");
        let hash: String = Sha256::digest(&plain).iter().take(12).map(|b| format!("{b:02x}")).collect();
        let etag = HeaderValue::from_str(&format!("\"{hash}\"")).expect("hex in quotes is a header value");
        File { plain: plain.into(), gzip: gzip.into(), etag }
    }

    fn answer(&self, headers: &HeaderMap) -> Response<Body> {
        let mut answer = Response::new(Body::empty());
        let out = answer.headers_mut();
        out.insert(header::ETAG, self.etag.clone());
        // The file changes only when the program starts anew, but then it must be noticed.
        out.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if says(headers, header::IF_NONE_MATCH, self.etag.to_str().unwrap_or_default()) {
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
            return answer;
        }
        out.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let gzip = takes_gzip(headers);
        if gzip {
            out.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        *answer.body_mut() = Body::from(if gzip { self.gzip.clone() } else { self.plain.clone() });
        answer
    }
}

/// Whether a client can read gzip.
pub(super) fn takes_gzip(headers: &HeaderMap) -> bool {
    says(headers, header::ACCEPT_ENCODING, "gzip")
}

fn says(headers: &HeaderMap, name: HeaderName, what: &str) -> bool {
    let all = headers.get_all(name).into_iter().filter_map(|v| v.to_str().ok());
    all.flat_map(|v| v.split(',')).any(|v| v.trim().trim_start_matches("W/").split(';').next() == Some(what))
}

/// One link, as in the map.
pub(super) fn link_view(ix: usize, link: &Link) -> Value {
    let mut properties = json!({
        "id": link.id.as_str(),
        "class": super::junction::snake(link.class),
        "lanes": link.lanes.len(),
        "free_kmh": (link.speed_limit_mps * 36.0).round() / 10.0,
        "bridge": link.bridge,
        "tunnel": link.tunnel,
    });
    name_it(&mut properties, link.name.as_ref());
    json!({ "type": "Feature", "id": ix, "geometry": line(&link.shape), "properties": properties })
}

pub(super) fn view(city: &City) -> MapView {
    let links = city.network.links.iter().enumerate().map(|(ix, link)| link_view(ix, link));
    let areas = city.areas.iter().map(|area| {
        let mut properties = json!({ "kind": super::junction::snake(area.kind) });
        name_it(&mut properties, area.name.as_ref());
        let ring: Vec<_> = area.ring.iter().map(|p| point(*p)).collect();
        json!({ "type": "Feature", "geometry": { "type": "Polygon", "coordinates": [ring] }, "properties": properties })
    });
    let lines = city.transit.lines.iter().map(|l| {
        let mut properties = json!({ "id": l.id.as_str(), "mode": mode(l.mode), "colour": l.colour });
        name_it(&mut properties, Some(&l.name));
        json!({ "type": "Feature", "geometry": line(&l.shape), "properties": properties })
    });
    let mut modes = vec![BTreeSet::new(); city.transit.stops.len()];
    for l in &city.transit.lines {
        for stop in &l.stops {
            if let Some(of_it) = modes.get_mut(*stop as usize) {
                of_it.insert(mode(l.mode));
            }
        }
    }
    let stops = city.transit.stops.iter().zip(modes).map(|(stop, modes)| {
        let mut properties = json!({ "id": stop.id.as_str(), "modes": modes });
        name_it(&mut properties, Some(&stop.name));
        json!({ "type": "Feature", "geometry": { "type": "Point", "coordinates": point(stop.at) }, "properties": properties })
    });
    MapView {
        links: collection(links),
        areas: collection(areas),
        lines: collection(lines),
        stops: collection(stops),
    }
}

pub(super) fn collection(features: impl Iterator<Item = Value>) -> Value {
    json!({ "type": "FeatureCollection", "features": features.collect::<Vec<_>>() })
}

pub(super) fn line(shape: &[LonLat]) -> Value {
    let points: Vec<_> = shape.iter().map(|p| point(*p)).collect();
    json!({ "type": "LineString", "coordinates": points })
}

/// Seven digits are a centimetre.
pub(super) fn point(p: LonLat) -> [f64; 2] {
    [p.lon, p.lat].map(|v| (v * 1e7).round() / 1e7)
}

pub(super) fn name_it(properties: &mut Value, name: Option<&Name>) {
    if let Some(name) = name {
        properties["name"] = json!(name.local);
        properties["name_en"] = json!(name.english());
    }
}

pub(super) fn mode(mode: TransitMode) -> &'static str {
    match mode {
        TransitMode::Metro => "metro",
        TransitMode::Mcc => "mcc",
        TransitMode::Tram => "tram",
        TransitMode::Bus => "bus",
    }
}
