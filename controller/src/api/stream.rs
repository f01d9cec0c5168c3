//! `GET /api/v1/stream`: live state as server-sent events.
//!
//! On connect a client gets everything once (`health`, `junctions`, `links`, `alarms`, `vehicles`, and
//! `junction` if it asked for one); then what changed. Nothing is queued for a slow client: while it does not
//! read, nothing is written for it, and when it reads again it gets, in one event of each sort, all that
//! changed since the picture it saw last. The sum of the events it got is the full picture at any time.

use super::{
    Api,
    problem::Query,
    view::{Alarms, JunctionState, Links, Problem, VehicleView, Vehicles},
};
use crate::{
    centre::{Ask, Fleet},
    picture::{JunctionPicture, Picture},
};
use axum::{
    extract::State,
    response::{
        Sse,
        sse::{Event, KeepAlive},
    },
};
use futures::Stream;
use serde::{Deserialize, Serialize};
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};
use utoipa::IntoParams;

/// Events written and not yet taken by the connection: one round of them.
const AHEAD: usize = 8;
/// Shortest time between two rounds, by the machine's clock: a city that runs at 50 times real time must not
/// drown the page.
const ROUND: Duration = Duration::from_millis(250);
/// A comment is sent after so much silence, so that proxies do not hang up.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Streams at once. A round for each is some kilobytes of JSON a second; more readers than this want a proxy
/// that fans out.
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
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let ix = wanted.junction.map(|id| api.junction(&id)).transpose()?;
    let seat = api.0.streams.clone().try_acquire_owned();
    let seat = seat.map_err(|_| Problem::unavailable(format!("there are {STREAMS} streams already")))?;
    let watched = match ix {
        Some(ix) => Some(api.ask(|reply| Ask::Watch(ix, reply)).await?),
        None => None,
    };
    let (out, events) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        let client = Client { out, seen: 0, fleet_seen: None };
        // An error means that the client is gone, and that is all there is to know.
        let _: Result<(), Gone> = client.serve(api, watched).await;
        drop(seat);
    });
    let events = futures::stream::unfold(events, async |mut events| Some((Ok(events.recv().await?), events)));
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// One client.
struct Client {
    out: mpsc::Sender<Event>,
    /// Version of the last picture that was written for it.
    seen: u64,
    fleet_seen: Option<i64>,
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
        let mut next_round = Instant::now();
        loop {
            tokio::select! {
                () = api.0.shutdown.cancelled() => return Ok(()),
                () = self.out.closed() => return Err(Gone),
                // The senders live as long as the centre.
                changed = async { tokio::time::sleep_until(next_round).await; pictures.changed().await } => {
                    if changed.is_err() { return Ok(()) }
                    let picture = pictures.borrow_and_update().clone();
                    self.round(&picture).await?;
                    next_round = Instant::now() + ROUND;
                }
                changed = fleets.changed() => {
                    if changed.is_err() { return Ok(()) }
                    let fleet = fleets.borrow_and_update().clone();
                    self.vehicles(&fleet).await?;
                }
                changed = next(&mut watched) => {
                    let Some(picture) = changed else { return Ok(()) };
                    self.send("junction", &api.detail(&picture, false)).await?;
                }
            }
        }
    }

    /// All that changed since the last picture that this client got.
    async fn round(&mut self, picture: &Picture) -> Result<(), Gone> {
        let first = self.seen == 0;
        self.send("health", &*picture.health).await?;
        let states: Vec<&JunctionState> = picture
            .junctions
            .iter()
            .filter(|(_, s)| first || s.version > self.seen)
            .map(|(_, s)| &s.value)
            .collect();
        if first || !states.is_empty() {
            self.send("junctions", &states).await?;
        }
        let links = picture
            .links
            .iter()
            .filter(|l| (first && l.value.speed_kmh.is_some()) || (!first && l.version > self.seen));
        let links: Vec<_> = links.map(|l| l.value.clone()).collect();
        if first || !links.is_empty() {
            self.send("links", &Links { at: picture.links_at.0, links }).await?;
        }
        if first || picture.alarms.version > self.seen {
            self.send("alarms", &Alarms { alarms: picture.alarms.value.clone() }).await?;
        }
        self.seen = picture.version;
        Ok(())
    }

    async fn vehicles(&mut self, fleet: &Fleet) -> Result<(), Gone> {
        let (at, fleet) = (fleet.0.0, &fleet.1);
        if self.fleet_seen.replace(at) == Some(at) {
            return Ok(());
        }
        let vehicles = fleet.vehicles.iter().map(|v| VehicleView {
            id: v.id.clone(),
            line: v.line.clone(),
            at: [v.lon, v.lat],
            heading: f64::from(v.heading),
            speed_kmh: f64::from(v.speed) * 3.6,
            seen_at: at,
        });
        self.send("vehicles", &Vehicles { now: at, vehicles: vehicles.collect() }).await
    }

    /// Waits until the client has taken what was written before: that is what keeps a slow one from growing a queue.
    async fn send(&self, name: &str, data: &impl Serialize) -> Result<(), Gone> {
        let event = Event::default().event(name).json_data(data).expect("plain data always serialises");
        self.out.send(event).await.map_err(|_| Gone)
    }
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
