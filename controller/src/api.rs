//! What people and programs see of the centre over HTTP: [`view`] is the contract, `/api/openapi.json` its
//! document. Readers take the newest [`Picture`] and never wait for the core; the few questions that only
//! the core can answer go through a bounded queue.

pub mod problem;
pub mod view;

mod access;
mod audit;
mod cameras;
mod comparison;
mod control;
mod corridor;
mod drawing;
mod forecast;
mod history;
mod incidents;
mod journeys;
pub(crate) mod junction;
mod map;
mod measures;
mod metrics;
mod open_data;
mod plans;
mod streets;
mod stream;
mod tickets;
mod tiles;
mod what_if;

#[cfg(test)]
mod tests;

use crate::{
    access::Gate,
    cameras::Cameras,
    centre::{Ask, Fleets, Gauges},
    config::OpenData,
    drafting::DraftBoard,
    forecasting::Forecasts,
    journeys::Planner,
    picture::{JunctionPicture, Picture},
    responding::IncidentBoard,
    store::{Store, room::Room},
    ticketing::TicketBoard,
    travel_times::TravelTimes,
    what_if::Board,
};
use axum::{
    Json, Router,
    extract::State,
    http::HeaderMap,
    middleware,
    response::Response,
    routing::{any, delete, get, post},
};
use drawing::Drawings;
use map::FileOnce;
use model::{city::City, ids::JunctionIx, time::Moment};
use problem::{Path, no_such_method, no_such_path};
use std::{collections::HashMap, ops::Range, sync::Arc, time::Duration};
use tiles::Tiles;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tower_http::compression::CompressionLayer;
use utoipa::OpenApi;
use view::{Alarms, Health, JunctionDetail, Junctions, Links, MapView, Problem, Vehicles};
use wire::{clock::Clock, link::LinkCounts};

/// What handlers share. Cheap to clone.
#[derive(Clone)]
pub struct Api(Arc<Shared>);

/// What never changes, worked out once: seconds of work for a large city.
pub(crate) struct Drawn {
    tiles: Tiles,
    drawings: Drawings,
    pub(crate) roads: corridor::Roads,
}

impl Drawn {
    pub(crate) fn new(city: &City) -> Drawn {
        let (drawings, (roads, tiles)) = rayon::join(
            || Drawings::new(city),
            || {
                let roads = corridor::Roads::new(city);
                let tiles = Tiles::new(city, &roads);
                (roads, tiles)
            },
        );
        Drawn { tiles, drawings, roads }
    }
}

struct Shared {
    city: Arc<City>,
    /// Junctions that this centre commands, by id.
    ids: HashMap<String, JunctionIx>,
    map: FileOnce,
    pub(crate) tiles: Tiles,
    drawings: Drawings,
    roads: corridor::Roads,
    clock: Clock,
    store: Arc<Store>,
    room: Arc<Room>,
    asks: mpsc::Sender<Ask>,
    picture: watch::Receiver<Arc<Picture>>,
    fleet: watch::Receiver<Arc<Fleets>>,
    link_counts: watch::Receiver<LinkCounts>,
    gauges: Arc<Gauges>,
    what_ifs: Arc<Board>,
    forecasts: watch::Receiver<Arc<Forecasts>>,
    tickets: Arc<TicketBoard>,
    drafts: Arc<DraftBoard>,
    incidents: Arc<IncidentBoard>,
    holidays: Vec<jiff::civil::Date>,
    /// Length of a stored detector window.
    interval: Duration,
    travel_times: Arc<TravelTimes>,
    open_data: Option<OpenData>,
    cameras: Arc<Cameras>,
    planner: Option<Planner>,
    gate: Arc<Gate>,
    /// Seats for streams; bounded by [`stream::STREAMS`].
    streams: Arc<Semaphore>,
    /// What the streams send to all alike.
    frames: stream::Frames,
    /// Seats for those who measure, or look for the widest bands; bounded by [`measures::SEATS`].
    measuring: Arc<Semaphore>,
    /// Streams end when the program does.
    shutdown: CancellationToken,
}

/// What the API needs of the running centre.
pub(crate) struct Doors {
    pub(crate) asks: mpsc::Sender<Ask>,
    pub(crate) picture: watch::Receiver<Arc<Picture>>,
    pub(crate) fleet: watch::Receiver<Arc<Fleets>>,
    pub(crate) link_counts: watch::Receiver<LinkCounts>,
    pub(crate) gauges: Arc<Gauges>,
    pub(crate) what_ifs: Arc<Board>,
    pub(crate) forecasts: watch::Receiver<Arc<Forecasts>>,
    pub(crate) tickets: Arc<TicketBoard>,
    pub(crate) drafts: Arc<DraftBoard>,
    pub(crate) incidents: Arc<IncidentBoard>,
    pub(crate) holidays: Vec<jiff::civil::Date>,
    pub(crate) interval: Duration,
    pub(crate) travel_times: Arc<TravelTimes>,
    pub(crate) open_data: Option<OpenData>,
    pub(crate) cameras: Arc<Cameras>,
    pub(crate) planner: Option<Planner>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) room: Arc<Room>,
}

impl Api {
    pub(crate) fn new(
        city: Arc<City>,
        drawn: Drawn,
        owned: &[JunctionIx],
        clock: Clock,
        store: Arc<Store>,
        doors: Doors,
        shutdown: CancellationToken,
    ) -> Api {
        let id = |ix: &JunctionIx| (city.junctions[ix.ix()].id.as_str().to_owned(), *ix);
        Api(Arc::new(Shared {
            ids: owned.iter().map(id).collect(),
            map: FileOnce::default(),
            tiles: drawn.tiles,
            drawings: drawn.drawings,
            roads: drawn.roads,
            city,
            clock,
            store,
            room: doors.room,
            asks: doors.asks,
            picture: doors.picture,
            fleet: doors.fleet,
            link_counts: doors.link_counts,
            gauges: doors.gauges,
            what_ifs: doors.what_ifs,
            forecasts: doors.forecasts,
            tickets: doors.tickets,
            drafts: doors.drafts,
            incidents: doors.incidents,
            holidays: doors.holidays,
            interval: doors.interval,
            travel_times: doors.travel_times,
            open_data: doors.open_data,
            cameras: doors.cameras,
            planner: doors.planner,
            gate: doors.gate,
            streams: Arc::new(Semaphore::new(stream::STREAMS)),
            frames: stream::Frames::default(),
            measuring: Arc::new(Semaphore::new(measures::SEATS)),
            shutdown,
        }))
    }

    /// The newest picture.
    pub fn picture(&self) -> Arc<Picture> {
        self.0.picture.borrow().clone()
    }

    fn junction(&self, id: &str) -> Result<JunctionIx, Problem> {
        let known = self.0.ids.get(id).copied();
        known.ok_or_else(|| Problem::not_found(format!("there is no junction {id:?}")))
    }

    /// Asks the core. Its task answers between two messages; when too many ask, the answer is 503.
    async fn ask<T>(&self, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Result<T, Problem> {
        let (reply, answer) = oneshot::channel();
        self.tell(ask(reply))?;
        answer.await.map_err(|_| Problem::unavailable("the centre is shutting down"))
    }

    /// The same where no answer is waited for.
    fn tell(&self, ask: Ask) -> Result<(), Problem> {
        let told = self.0.asks.try_send(ask);
        told.map_err(|_| Problem::unavailable("the core has too many questions to answer"))
    }
}

/// The stretch of time that a question is about: until now if it does not say, and from so long before.
fn stretch(
    from: Option<i64>,
    to: Option<i64>,
    now: Moment,
    usual: Duration,
) -> Result<Range<Moment>, Problem> {
    // What happens in this very millisecond is part of now.
    let to = to.map_or(now + Duration::from_millis(1), Moment);
    let from = from.map_or(Moment(to.0.saturating_sub(usual.as_millis() as i64)), Moment);
    for (name, at) in [("from", from), ("to", to)] {
        if jiff::Timestamp::from_millisecond(at.0).is_err() {
            return Err(Problem::invalid(format!("{name} ({}) is beyond all calendars", at.0)));
        }
    }
    match from > to {
        true => Err(Problem::invalid(format!("from ({}) is later than to ({})", from.0, to.0))),
        false => Ok(from..to),
    }
}

/// The minutes of a day that somebody asks for; all if they do not say.
fn part_of_day(from: Option<u16>, to: Option<u16>) -> Result<Range<u16>, Problem> {
    const DAY: u16 = 1_440;
    let minutes = from.unwrap_or(0)..to.unwrap_or(DAY);
    match minutes.is_empty() || minutes.end > DAY {
        true => Err(Problem::invalid("from_minute and to_minute are a part of a day, 0 to 1440")),
        false => Ok(minutes),
    }
}

/// `/api/v1/…`: to be merged with others' routes on one port. It brings no fallback; see [`standalone`].
pub fn router(api: Api) -> Router {
    let asks = |router: Router<Api>, path| router.route(path, get(journeys::hand_on));
    let journeys = journeys::PATHS.into_iter().fold(Router::new(), asks);
    Router::new()
        .route("/api/v1/health", get(get_health))
        .route("/api/v1/map", get(get_map))
        .route("/api/v1/map/links/{id}", get(get_map_link))
        .route("/api/v1/tiles", get(tiles::get_tiles))
        .route("/api/v1/tiles/{z}/{x}/{y}", get(tiles::get_tile))
        .route("/api/v1/streets", get(tiles::get_streets))
        .route("/api/v1/junctions", get(get_junctions))
        .route("/api/v1/junctions/{id}", get(get_junction))
        .route("/api/v1/junctions/{id}/control", post(control::post_junction))
        .route("/api/v1/junctions/{id}/events", get(history::get_events))
        .route("/api/v1/junctions/{id}/intervals", get(history::get_intervals))
        .route("/api/v1/junctions/{id}/fetch", post(history::post_fetch))
        .route("/api/v1/junctions/{id}/throttle", post(history::post_throttle))
        .route("/api/v1/junctions/{id}/decisions", get(history::get_decisions))
        .route("/api/v1/junctions/{id}/measures", get(measures::get_junction_measures))
        .route("/api/v1/junctions/{id}/measures/{measure}", get(measures::get_measure))
        .route("/api/v1/junctions/{id}/charts/{chart}", get(measures::get_chart))
        .route("/api/v1/junctions/{id}/comparison/{measure}", get(comparison::get_comparison))
        .route("/api/v1/junctions/{id}/forecast", get(forecast::get_forecast))
        .route("/api/v1/forecast", get(forecast::get_quality))
        .route("/api/v1/speed-index/ahead", get(forecast::get_index_ahead))
        .route("/api/v1/measures", get(measures::get_measures))
        .route("/api/v1/control", post(control::post_city))
        .route("/api/v1/proposals", get(control::get_proposals))
        .route("/api/v1/proposals/{id}", post(control::post_proposal).delete(control::delete_proposal))
        .route("/api/v1/what-if", get(what_if::get_what_ifs).post(what_if::post_what_if))
        .route("/api/v1/what-if/{id}", get(what_if::get_what_if).delete(what_if::delete_what_if))
        .route("/api/v1/corridors", get(corridor::get_corridors))
        .route("/api/v1/corridors/{id}", get(corridor::get_corridor))
        .route("/api/v1/corridors/{id}/lamps", get(corridor::get_lamps))
        .route("/api/v1/corridors/{id}/link-pivot", get(corridor::get_link_pivot))
        .route("/api/v1/corridors/{id}/travel-times", get(corridor::get_travel_times))
        .route("/api/v1/links", get(get_links))
        .route("/api/v1/alarms", get(get_alarms))
        .route("/api/v1/cameras", get(cameras::get_cameras))
        .route("/api/v1/cameras/{id}/picture", get(cameras::get_picture))
        .route(open_data::CATALOGUE, get(open_data::get_catalogue))
        .route("/api/v1/open-data/{dataset}", get(open_data::get_dataset))
        .route("/api/v1/junctions/{id}/plans", get(plans::get_plans))
        .route("/api/v1/junctions/{id}/plans/check", post(plans::post_check))
        .route("/api/v1/junctions/{id}/drafts", post(plans::post_drafts))
        .route("/api/v1/drafts", get(plans::get_drafts))
        .route("/api/v1/drafts/{number}", get(plans::get_draft).post(plans::post_draft))
        .route("/api/v1/incidents", get(incidents::get_incidents).post(incidents::post_incidents))
        .route("/api/v1/incidents/{number}", post(incidents::post_incident))
        .route("/api/v1/response-plans", post(incidents::post_response))
        .route("/api/v1/response-plans/{number}", delete(incidents::delete_response))
        .route("/api/v1/tickets", get(tickets::get_tickets).post(tickets::post_tickets))
        .route("/api/v1/tickets/{number}", get(tickets::get_ticket).post(tickets::post_ticket))
        .route("/api/v1/stream", get(stream::get_stream))
        .route(
            "/api/v1/session",
            get(access::get_session).post(access::post_session).delete(access::delete_session),
        )
        .route("/api/v1/session/provider", get(access::get_provider))
        .route(crate::access::provider::BACK, get(access::get_back))
        .route("/api/v1/people", get(access::get_people))
        .route("/api/v1/audit", get(audit::get_audit))
        .route("/api/v1/audit/check", get(audit::get_check))
        .merge(journeys)
        .method_not_allowed_fallback(no_such_method)
        .layer(middleware::from_fn_with_state(api.clone(), access::guard))
        .layer(CompressionLayer::new().gzip(true))
        .with_state(api)
}

/// `/metrics`, in Prometheus's text form.
pub fn metrics(api: Api) -> Router {
    Router::new().route("/metrics", get(metrics::get_metrics)).with_state(api)
}

/// Everything that the daemon serves by itself: [`router`], [`metrics`], `/api/openapi.json`, problems for other paths of the API,
/// and the page for the rest.
pub fn standalone(api: Api) -> Router {
    let document = Arc::new(openapi());
    router(api.clone())
        .merge(metrics(api))
        .route("/api/openapi.json", get(async move || Json((*document).clone())))
        .method_not_allowed_fallback(no_such_method)
        .merge(Router::new().route("/api/{*rest}", any(no_such_path)).route("/api", any(no_such_path)))
        .fallback_service(dashboards::router())
}

/// The API's document, OpenAPI 3.1; may be merged with others' (`utoipa::openapi::OpenApi::merge`).
pub fn openapi() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Svetofor: the centre",
        description = "State of the junctions and the traffic, and control of them. Times are milliseconds since the \
                       epoch by the city's clock, durations seconds, speeds km/h, places [lon, lat]; null means not \
                       known.\n\nEvery error is an RFC 9457 problem. Codes: `/problems/not-found`, \
                       `/problems/bad-request`, `/problems/unsafe`, `/problems/sign-in`, `/problems/forbidden`, \
                       `/problems/unavailable`.\n\nPrograms sign in with HTTP Basic in each request; pages at \
                       `/api/v1/session`.",
        license(name = "MIT OR Apache-2.0"),
    ),
    paths(
        get_health,
        get_map,
        get_map_link,
        tiles::get_tiles,
        tiles::get_tile,
        tiles::get_streets,
        get_junctions,
        get_junction,
        control::post_junction,
        control::post_city,
        control::get_proposals,
        control::post_proposal,
        control::delete_proposal,
        access::get_session,
        access::post_session,
        access::delete_session,
        access::get_provider,
        access::get_back,
        access::get_people,
        audit::get_audit,
        audit::get_check,
        what_if::post_what_if,
        what_if::get_what_ifs,
        what_if::get_what_if,
        what_if::delete_what_if,
        history::get_events,
        history::get_intervals,
        history::post_fetch,
        history::post_throttle,
        history::get_decisions,
        corridor::get_corridors,
        corridor::get_corridor,
        corridor::get_lamps,
        corridor::get_travel_times,
        open_data::get_catalogue,
        open_data::get_dataset,
        corridor::get_link_pivot,
        measures::get_measures,
        measures::get_junction_measures,
        measures::get_measure,
        measures::get_chart,
        comparison::get_comparison,
        forecast::get_forecast,
        forecast::get_quality,
        forecast::get_index_ahead,
        get_links,
        get_alarms,
        cameras::get_cameras,
        cameras::get_picture,
        plans::get_plans,
        plans::post_check,
        plans::post_drafts,
        plans::get_drafts,
        plans::get_draft,
        plans::post_draft,
        incidents::get_incidents,
        incidents::post_incidents,
        incidents::post_incident,
        incidents::post_response,
        incidents::delete_response,
        tickets::get_tickets,
        tickets::post_tickets,
        tickets::get_ticket,
        tickets::post_ticket,
        stream::get_stream,
    ),
    components(schemas(Vehicles))
)]
struct Document;

/// How the system is.
#[utoipa::path(get, path = "/api/v1/health", tag = "centre", responses((status = 200, body = Health)))]
async fn get_health(State(api): State<Api>) -> Json<Health> {
    Json(api.picture().health.value.clone())
}

/// All that does not change while the city runs, in one file. Compressed, with an ETag. Maps want `/api/v1/tiles`.
#[utoipa::path(get, path = "/api/v1/map", tag = "centre", responses(
    (status = 200, body = MapView),
    (status = 304, description = "You have it already"),
))]
async fn get_map(State(api): State<Api>, headers: HeaderMap) -> Result<Response, Problem> {
    // Seconds, in a large city, for whoever asks first.
    let written = tokio::task::spawn_blocking(move || api.0.map.answer(&headers, || map::view(&api.0.city)));
    written.await.map_err(|_| Problem::unavailable("the map could not be written"))
}

/// One link of the map, by id: a GeoJSON feature.
#[utoipa::path(get, path = "/api/v1/map/links/{id}", tag = "centre",
    params(("id" = String, Path, description = "The link's id")),
    responses(
        (status = 200, body = Object),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    ))]
async fn get_map_link(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Json<serde_json::Value>, Problem> {
    let links = &api.0.city.network.links;
    let found = links.iter().position(|link| link.id.as_str() == id);
    let ix = found.ok_or_else(|| Problem::not_found(format!("there is no link {id:?}")))?;
    Ok(Json(map::link_view(ix, &links[ix])))
}

/// All junctions, by id.
#[utoipa::path(get, path = "/api/v1/junctions", tag = "centre", responses((status = 200, body = Junctions)))]
async fn get_junctions(State(api): State<Api>) -> Json<Junctions> {
    let picture = api.picture();
    let summary = |(ix, state): &(JunctionIx, Arc<crate::picture::Stamped<view::JunctionState>>)| {
        junction::summary(&api.0.city, *ix, state.value.clone())
    };
    Json(Junctions { now: picture.now.0, junctions: picture.junctions.iter().map(summary).collect() })
}

/// One junction: groups, stages, mode, plan, detectors, the reason for its stage, and what to draw of it.
#[utoipa::path(get, path = "/api/v1/junctions/{id}", tag = "centre",
    params(("id" = String, Path, description = "The TLC's id")),
    responses(
        (status = 200, body = JunctionDetail),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 503, body = Problem, content_type = "application/problem+json"),
    ))]
async fn get_junction(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Json<JunctionDetail>, Problem> {
    let ix = api.junction(&id)?;
    let picture = api.ask(|reply| Ask::Look(ix, reply)).await?;
    Ok(Json(api.detail(&picture, true)))
}

impl Api {
    fn detail(&self, picture: &JunctionPicture, with_drawing: bool) -> JunctionDetail {
        let drawn = self.0.drawings.draw(&self.0.city, picture.ix);
        let mut detail = junction::detail(&self.0.city, picture, |lane| drawn.place(lane));
        detail.drawing = with_drawing.then_some(drawn.drawing);
        detail
    }
}

/// Traffic on links.
#[utoipa::path(get, path = "/api/v1/links", tag = "centre", responses((status = 200, body = Links)))]
async fn get_links(State(api): State<Api>) -> Json<Links> {
    let picture = api.picture();
    let known = picture.links.iter().filter(|l| l.value.speed_kmh.is_some());
    Json(Links { at: picture.links_at.0, links: known.map(|l| l.value.clone()).collect() })
}

/// Open alarms, worst and newest first.
#[utoipa::path(get, path = "/api/v1/alarms", tag = "centre", responses((status = 200, body = Alarms)))]
async fn get_alarms(State(api): State<Api>) -> Json<Alarms> {
    Json(Alarms { alarms: api.picture().alarms.value.clone() })
}
