//! `GET /api/v1/stream`: live state as server-sent events.
//!
//! On connect a client gets everything once (`health`, `junctions`, `links`, `alarms`, `vehicles`, and
//! `junction` if it asked for one); then what changed. Nothing is queued for a slow client: while it does not
//! read, nothing is written for it, and when it reads again it gets, in one event of each sort, all that
//! changed since the picture it saw last. The sum of the events it got is the full picture at any time.

mod frame;

pub(super) use frame::Frames;

use super::{
    Api,
    problem::Query,
    view::{AlarmView, JunctionState, Links, Problem, VehicleView, Vehicles},
};
use crate::{
    centre::{Ask, Fleets},
    picture::{JunctionPicture, Picture},
};
use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, Response, header},
};
use bytes::Bytes;
use frame::{Coding, Contents, Events, Frame, GZIP_HEADER};
use serde::{Deserialize, Serialize};
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};
use utoipa::IntoParams;

/// Frames written and not yet taken by the connection: the first one, and one that follows.
const AHEAD: usize = 2;
/// Shortest time between two rounds, by the machine's clock: a city that runs at 50 times real time must not
/// drown the page.
const ROUND: Duration = Duration::from_millis(150);
/// A comment is sent after so much silence, so that proxies do not hang up.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Streams at once. In a city of 5,000 junctions and 9,000 vehicles each is some 200 kB a second, compressed; more readers
/// than this want a proxy that fans out.
pub(super) const STREAMS: usize = 1_000;

/// What to stream.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Also send `junction` events (`JunctionDetail` without its drawing), at least two a second, of this one.
    junction: Option<String>,
}

/// Live state as server-sent events: `health` (`Health`, each second), `junctions` (`[JunctionState]`), `links`
/// (`Links`), `alarms` (`Alarms`, always the full list), `vehicles` (`Vehicles`, each second), `junction`
/// (`JunctionDetail`). All of it on connect, then what changed.
#[utoipa::path(get, path = "/api/v1/stream", tag = "centre", params(Wanted), responses(
    (status = 200, description = "Server-sent events", content_type = "text/event-stream", body = String),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn get_stream(
    State(api): State<Api>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Response<Body>, Problem> {
    let ix = wanted.junction.map(|id| api.junction(&id)).transpose()?;
    let seat = api.0.streams.clone().try_acquire_owned();
    let seat = seat.map_err(|_| Problem::unavailable(format!("there are {STREAMS} streams already")))?;
    let watched = match ix {
        Some(ix) => Some(api.ask(|reply| Ask::Watch(ix, reply)).await?),
        None => None,
    };
    let coding = Coding::of(&headers);
    let (out, frames) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        let client = Client { out, coding, seen: 0, fleet_seen: None };
        // An error means that the client is gone, and that is all there is to know.
        let _: Result<(), Gone> = client.serve(api, watched).await;
        drop(seat);
    });
    let frames = futures::stream::unfold(frames, async |mut frames| {
        Some((Ok::<_, Infallible>(frames.recv().await?), frames))
    });
    let mut answer = Response::new(Body::from_stream(frames));
    let out = answer.headers_mut();
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if coding == Coding::Gzip {
        out.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(answer)
}

/// One client.
struct Client {
    out: mpsc::Sender<Bytes>,
    coding: Coding,
    /// Version of the last picture that was written for it.
    seen: u64,
    fleet_seen: Option<u64>,
}

/// The client hung up.
struct Gone;

impl Client {
    async fn serve(
        mut self,
        api: Api,
        mut watched: Option<watch::Receiver<Arc<JunctionPicture>>>,
    ) -> Result<(), Gone> {
        let (mut pictures, mut fleets) = (api.0.picture.clone(), api.0.fleet.clone());
        pictures.mark_changed();
        fleets.mark_changed();
        if let Some(watched) = &mut watched {
            watched.mark_changed();
        }
        if self.coding == Coding::Gzip {
            self.write(Bytes::from_static(GZIP_HEADER)).await?;
        }
        let mut next_round = Instant::now();
        loop {
            tokio::select! {
                () = api.0.shutdown.cancelled() => return Ok(()),
                () = self.out.closed() => return Err(Gone),
                // The senders live as long as the centre.
                changed = async { tokio::time::sleep_until(next_round).await; pictures.changed().await } => {
                    if changed.is_err() { return Ok(()) }
                    let picture = pictures.borrow_and_update().clone();
                    self.round(&api, &picture).await?;
                    next_round = Instant::now() + ROUND;
                }
                changed = fleets.changed() => {
                    if changed.is_err() { return Ok(()) }
                    let shown = fleets.borrow_and_update().clone();
                    self.vehicles(&api, &shown).await?;
                }
                changed = next(&mut watched) => {
                    let Some(picture) = changed else { return Ok(()) };
                    let detail = api.detail(&picture, false);
                    self.send(&Frame::of(|events| events.add("junction", &detail))).await?;
                }
                () = tokio::time::sleep(KEEP_ALIVE) => self.send(&Frame::of(Events::add_comment)).await?,
            }
        }
    }

    /// All that changed since the last picture that this client got.
    async fn round(&mut self, api: &Api, picture: &Picture) -> Result<(), Gone> {
        let seen = std::mem::replace(&mut self.seen, picture.version);
        let contents = Contents::Round { seen, version: picture.version };
        let frame = api.0.frames.get(contents, |events| round(events, picture, seen));
        self.send(&frame).await
    }

    async fn vehicles(&mut self, api: &Api, fleets: &Fleets) -> Result<(), Gone> {
        if self.fleet_seen.replace(fleets.version) == Some(fleets.version) {
            return Ok(());
        }
        let frame = api.0.frames.get(Contents::Vehicles(fleets.version), |events| vehicles(events, fleets));
        self.send(&frame).await
    }

    async fn send(&self, frame: &Frame) -> Result<(), Gone> {
        if frame.is_empty() { Ok(()) } else { self.write(frame.body(self.coding)).await }
    }

    /// Waits until the client has taken what was written before: that is what keeps a slow one from growing a queue.
    async fn write(&self, bytes: Bytes) -> Result<(), Gone> {
        self.out.send(bytes).await.map_err(|_| Gone)
    }
}

/// All that changed since the picture of version `seen`; all there is, if that is 0.
fn round(events: &mut Events, picture: &Picture, seen: u64) {
    let first = seen == 0;
    if first || picture.health.version > seen {
        events.add("health", &picture.health.value);
    }
    let states: Vec<&JunctionState> =
        picture.junctions.iter().filter(|(_, s)| first || s.version > seen).map(|(_, s)| &s.value).collect();
    if first || !states.is_empty() {
        events.add("junctions", &states);
    }
    let links = picture
        .links
        .iter()
        .filter(|l| (first && l.value.speed_kmh.is_some()) || (!first && l.version > seen));
    let links: Vec<_> = links.map(|l| l.value.clone()).collect();
    if first || !links.is_empty() {
        events.add("links", &Links { at: picture.links_at.0, links });
    }
    if first || picture.alarms.version > seen {
        #[derive(Serialize)]
        struct Alarms<'a> {
            alarms: &'a [AlarmView],
        }
        events.add("alarms", &Alarms { alarms: &picture.alarms.value });
    }
}

/// Rounded to what can be seen: a decimetre, a degree, a tenth of a km/h.
fn vehicles(events: &mut Events, fleets: &Fleets) {
    let rounded = |x: f64, per_unit: f64| (x * per_unit).round() / per_unit;
    let each = fleets.heard.iter().flat_map(|fleet| fleet.1.vehicles.iter().map(|v| (fleet.0, v)));
    let vehicles = each.map(|(at, v)| VehicleView {
        id: v.id.clone(),
        line: v.line.clone(),
        at: [rounded(v.lon, 1e6), rounded(v.lat, 1e6)],
        heading: rounded(f64::from(v.heading), 1.0),
        speed_kmh: rounded(f64::from(v.speed) * 3.6, 10.0),
        seen_at: at.0,
    });
    let now = fleets.heard.iter().map(|fleet| fleet.0.0).max().unwrap_or_default();
    events.add("vehicles", &Vehicles { now, vehicles: vehicles.collect() });
}

/// The next picture of a watched junction; never, if none is watched.
async fn next(watched: &mut Option<watch::Receiver<Arc<JunctionPicture>>>) -> Option<Arc<JunctionPicture>> {
    match watched {
        Some(watched) => {
            watched.changed().await.ok()?;
            Some(watched.borrow_and_update().clone())
        }
        None => std::future::pending().await,
    }
}
