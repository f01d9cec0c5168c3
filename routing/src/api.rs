//! The public API: `GET /api/v1/plan` in the shape of MOTIS 2's OpenAPI, and the service's health.

pub mod problem;
mod guard;
mod parameters;
mod question;
mod places;
mod board;
mod fares;
mod reachable;
mod vehicles;
mod osrm;
#[cfg(test)]
mod tests;
pub mod view;
pub mod rental;
pub mod flex;
pub mod escort;

use crate::{
    intermodal::TransitQuery,
    itinerary::Itinerary,
    planner::{NoJourney, Query, When},
    profile::Profile,
    service::{EDGES_S, Routing},
    snapshot::{Freshness, Snapshot},
    transit::live::Live,
};
use axum::{
    Json, Router,
    extract::State,
    http::{Method, header},
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use model::time::Moment;
use parameters::{Pairs, Parameters};
use problem::{Code, Problem};
use question::{PlanParameters, Question};
use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};
use tokio::time::Instant;
use tower_http::{
    compression::CompressionLayer,
    cors::{Any, CorsLayer},
};
use utoipa::{
    OpenApi,
    openapi::{
        ContentBuilder, Ref, RefOr, ResponseBuilder,
        schema::{AnyOfBuilder, Object, Schema},
    },
};
use view::{
    BrokerView, FareView, GraphView, ItineraryView, Language, PRECISION, PRECISION_V6, PlaceView, PlanView,
    RealtimeFeedView, RealtimeView, RoutingHealthView, TrafficView, iso,
};

/// The pages that belong to the city's API, whoever serves them: mergeable into any other router.
pub fn router(routing: Arc<Routing>) -> Router {
    Router::new()
        .route("/api/v1/plan", get(plan))
        .route("/api/v1/fares", get(fares::fares))
        .route("/api/v1/stoptimes", get(board::stoptimes))
        .route("/api/v1/map/stops", get(places::stops))
        .route("/api/v1/map/vehicles", get(vehicles::vehicles))
        .route("/api/v1/one-to-all", get(reachable::one_to_all))
        .route("/api/v1/isochrone", get(reachable::isochrone))
        .route("/api/v1/geocode", get(places::geocode))
        .route("/api/v1/reverse-geocode", get(places::reverse_geocode))
        // What newer MOTIS clients ask for: the same but for the precision of lines.
        .route("/api/v6/plan", get(plan_v6))
        .route("/api/v6/stoptimes", get(board::stoptimes))
        .route("/api/v6/map/stops", get(places::stops))
        .route("/api/v6/one-to-all", get(reachable::one_to_all))
        // What clients of OSRM ask for.
        .route("/route/v1/{profile}/{coordinates}", get(osrm::route))
        .route("/table/v1/{profile}/{coordinates}", get(osrm::table))
        .route("/nearest/v1/{profile}/{coordinates}", get(osrm::nearest))
        .route("/match/v1/{profile}/{coordinates}", get(osrm::match_))
        .route("/trip/v1/{profile}/{coordinates}", get(osrm::trip))
        .route("/api/v1/routing/health", get(health))
        .layer(from_fn(guard::tagged))
        .with_state(routing)
}

/// The same for a server of its own: with its OpenAPI document, `/metrics`, and a problem for unknown pages.
pub fn standalone(routing: Arc<Routing>) -> Router {
    let document = openapi().to_pretty_json().expect("the document always serialises");
    let document = ([(header::CONTENT_TYPE, "application/json")], document);
    Router::new()
        .route("/api/openapi.json", get(move || std::future::ready(document.clone())))
        .route("/metrics", get(metrics))
        .with_state(routing.clone())
        .merge(router(routing.clone()))
        .fallback(|uri: axum::http::Uri| async move {
            Problem::new(Code::NotFound, format!("there is no page {}", uri.path()))
        })
        .layer(from_fn_with_state(routing, guard::guard))
        .layer(CompressionLayer::new())
        // The answers hold nothing private, and city apps ask from pages of their own.
        .layer(
            CorsLayer::new()
                .allow_origin(Any)
                .allow_methods([Method::GET])
                .allow_headers([header::AUTHORIZATION, header::IF_NONE_MATCH, guard::KEY])
                .expose_headers([header::ETAG, header::RETRY_AFTER]),
        )
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Svetofor routing",
        description = "Journeys on the live road network, in the shape of MOTIS 2's API. Errors are application/problem+json (RFC 9457) with stable codes in `type`.",
        license(name = "MIT OR Apache-2.0"),
    ),
    paths(plan, plan_v6, fares::fares, board::stoptimes, reachable::one_to_all, reachable::isochrone, places::stops, vehicles::vehicles, places::geocode, places::reverse_geocode, osrm::route, osrm::table, osrm::nearest, osrm::match_, osrm::trip, health),
    components(schemas(Problem)),
    tags((name = "routing", description = "Journeys"))
)]
struct Document;

/// The OpenAPI document of [`router`], to be merged with others.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    for schema in document.components.iter_mut().flat_map(|all| all.schemas.values_mut()) {
        if let RefOr::T(Schema::AllOf(parts)) = schema {
            parts.items.iter_mut().for_each(perhaps);
        }
    }
    for operation in document.paths.paths.values_mut().filter_map(|page| page.get.as_mut()) {
        for (status, says) in [
            ("401", "unknown-key: where whoever runs the planner asks for keys"),
            ("414", "too-long"),
            ("429", "too-often; `Retry-After` says when to ask again"),
        ] {
            let problem = RefOr::Ref(Ref::from_schema_name("RoutingProblem"));
            let content = ContentBuilder::new().schema(Some(problem)).build();
            let response = ResponseBuilder::new().description(says);
            let response = response.content("application/problem+json", content).build();
            operation.responses.responses.insert(status.to_string(), response.into());
        }
    }
    document
}

/// Fields that stand in an object or do not: described as an object of their own or null, which the object around them never is.
fn perhaps(part: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::OneOf(one)) = part {
        let own = one.items.iter().filter(|item| matches!(item, RefOr::Ref(_))).cloned();
        let any = own.fold(AnyOfBuilder::new(), |any, item| any.item(item));
        *part = any.item(Object::new()).into();
    }
}

/// Plans journeys.
///
/// `direct` has one journey for each of `directModes` that gets there, all in one picture of the traffic, which
/// `traffic` names. `itineraries` has those by public transport: of all departures in the search window none
/// leaves earlier, arrives later and changes as often as another, and each is quicker than walking all the way.
/// Whoever parks and rides is told the car park's name, as the end of the leg by `CAR`.
/// Ways on foot between two vehicles take at most 15 minutes at the usual speed; those to the first stop and from
/// the last what the parameters allow. What was asked and not done stands in `notes`.
#[utoipa::path(
    get, path = "/api/v1/plan", tag = "routing", operation_id = "plan",
    params(PlanParameters),
    responses(
        (status = 200, description = "Journeys; perhaps none, then `notes` says why", body = PlanView),
        (status = 400, description = "bad-request, not-a-place, swapped-coordinates", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "unknown-stop", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "outside-the-map, no-street-near", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "busy, took-too-long", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn plan(State(routing): State<Arc<Routing>>, pairs: Pairs) -> Response {
    plan_with(&routing, pairs, PRECISION).await
}

/// The same as `/api/v1/plan` for newer MOTIS clients.
///
/// Lines have 6 digits after the point instead of 7.
#[utoipa::path(
    get, path = "/api/v6/plan", tag = "routing", operation_id = "planV6",
    params(PlanParameters),
    responses(
        (status = 200, description = "Journeys; perhaps none, then `notes` says why", body = PlanView),
        (status = 400, description = "bad-request, not-a-place, swapped-coordinates", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "unknown-stop", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "outside-the-map, no-street-near", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "busy, took-too-long", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn plan_v6(State(routing): State<Arc<Routing>>, pairs: Pairs) -> Response {
    plan_with(&routing, pairs, PRECISION_V6).await
}

async fn plan_with(routing: &Arc<Routing>, pairs: Pairs, precision: u32) -> Response {
    let now = routing.clock.now();
    in_turn(routing, move |routing| {
        let mut question = Question::read(Parameters::of(pairs)?, &routing.planner, now)?;
        question.telling.precision = precision;
        Ok(Json(answer(routing, question, now)?).into_response())
    })
    .await
}

/// Works on a question when there is a free place for it, and counts it.
async fn in_turn(
    routing: &Arc<Routing>,
    work: impl FnOnce(&Routing) -> Result<Response, Problem> + Send + 'static,
) -> Response {
    let arrived = Instant::now();
    let turn = tokio::time::timeout(routing.limits.patience, routing.gate.clone().acquire_owned()).await;
    let answer = match turn {
        Ok(Ok(turn)) => {
            let (routing, within) = (routing.clone(), routing.limits.answer_within);
            let work = tokio::task::spawn_blocking(move || {
                let _turn = turn;
                work(&routing)
            });
            let stopped =
                |_| Err(Problem::new(Code::Internal, "the planner stopped in the middle of this question"));
            match tokio::time::timeout(within, work).await {
                Ok(answer) => answer.unwrap_or_else(stopped),
                Err(_) => {
                    let detail = format!("no answer within {} s; ask for less", within.as_secs());
                    Err(Problem::new(Code::TookTooLong, detail))
                }
            }
        }
        _ => {
            let detail = format!("no free place within {} s; try again", routing.limits.patience.as_secs());
            Err(Problem::new(Code::Busy, detail))
        }
    };
    match answer {
        Ok(response) => {
            routing.meter.answered(arrived.elapsed());
            response
        }
        Err(problem) => {
            routing.meter.refused();
            match problem.status {
                503 => guard::again_in(problem, 1),
                _ => problem.into_response(),
            }
        }
    }
}

fn answer(routing: &Routing, question: Question, now: Moment) -> Result<PlanView, Problem> {
    let traffic = routing.traffic.now();
    let live = routing.planner.transit().map(|transit| transit.live()).unwrap_or_default();
    let realtime = RealtimeView::new(&live, now);
    let Question { from, to, when, mut notes, .. } = question.clone();
    let (mut direct, mut no_street) = (Vec::new(), Vec::new());
    for &profile in &question.profiles {
        let query = Query {
            from: from.clone(),
            to: to.clone(),
            profile,
            when,
            street_within_m: question.street_within_m,
            speed_mps: match profile {
                Profile::Walk | Profile::Wheelchair => question.pedestrian_mps,
                Profile::Bicycle => question.cycling_mps,
                Profile::Car | Profile::Taxi | Profile::Truck => None,
            },
        };
        match routing.planner.direct(&query, &traffic, now) {
            Ok(journey) if question.longest.is_some_and(|longest| journey.duration() > longest) => {
                notes.push(format!("{}: takes longer than maxDirectTime", view::mode(profile)));
            }
            Ok(journey) => {
                notes.extend(off_street_notes(profile, &journey));
                direct.push(ItineraryView::new(&journey, question.telling));
            }
            Err(reason) => {
                notes.push(format!("{}: {reason}", view::mode(profile)));
                if matches!(reason, NoJourney::NoStreet { .. }) {
                    no_street.push(reason);
                }
            }
        }
    }
    if question.hire {
        let query = Query {
            from: from.clone(),
            to: to.clone(),
            profile: Profile::Bicycle,
            when,
            street_within_m: question.street_within_m,
            speed_mps: question.cycling_mps,
        };
        match routing.planner.hired(&query) {
            Some(journey) if question.longest.is_none_or(|longest| journey.duration() <= longest) => {
                direct.push(ItineraryView::new(&journey, question.telling));
            }
            Some(_) => notes.push("RENTAL: takes longer than maxDirectTime".to_string()),
            None => notes.push("RENTAL: no shared vehicle makes the way quicker than walking".to_string()),
        }
    }
    if question.on_demand {
        let query = Query {
            from: from.clone(),
            to: to.clone(),
            profile: question.on_foot,
            when,
            street_within_m: question.street_within_m,
            speed_mps: question.pedestrian_mps,
        };
        match routing.planner.on_demand(&query, now) {
            Some(journey) if question.longest.is_none_or(|longest| journey.duration() <= longest) => {
                direct.push(ItineraryView::new(&journey, question.telling));
            }
            Some(_) => notes.push("FLEX: takes longer than maxDirectTime".to_string()),
            None => notes
                .push("FLEX: no vehicle that can still be asked for goes from there to there".to_string()),
        }
    }
    if question.parked {
        let query = Query {
            from: from.clone(),
            to: to.clone(),
            profile: question.on_foot,
            when,
            street_within_m: question.street_within_m,
            speed_mps: question.pedestrian_mps,
        };
        match routing.planner.parked(&query, &traffic, now) {
            Some(journey) if question.longest.is_none_or(|longest| journey.duration() <= longest) => {
                direct.push(ItineraryView::new(&journey, question.telling));
            }
            Some(_) => notes.push("CAR_PARKING: takes longer than maxDirectTime".to_string()),
            None => notes.push("CAR_PARKING: no car park near the end that one can drive to".to_string()),
        }
    }
    let mut itineraries = by_transit(routing, &question, (&live, &traffic), now, &mut notes);
    if question.telling.language == Language::English {
        let say = |local: &str| routing.planner.english(local);
        for leg in itineraries.iter_mut().chain(&mut direct).flat_map(|itinerary| &mut itinerary.legs) {
            leg.translate(say);
        }
    }
    // A place without streets is the asker's mistake if nobody at all can get there.
    if itineraries.is_empty()
        && direct.is_empty()
        && no_street.len() == question.profiles.len()
        && let Some(reason) = no_street.into_iter().next()
    {
        let NoJourney::NoStreet { end, .. } = &reason else { unreachable!("only these were gathered") };
        let parameter = match end {
            crate::planner::End::From => "fromPlace",
            crate::planner::End::To => "toPlace",
        };
        return Err(Problem::new(Code::NoStreetNear, reason.to_string()).with(parameter));
    }
    let departure = match when {
        When::DepartAt(at) | When::ArriveBy(at) => at,
    };
    Ok(PlanView {
        request_parameters: question.parameters,
        debug_output: BTreeMap::from([("trafficSnapshot".to_string(), traffic.number)]),
        from: PlaceView::new(&from),
        to: PlaceView::new(&to),
        direct,
        itineraries,
        previous_page_cursor: String::new(),
        next_page_cursor: String::new(),
        traffic: traffic_view(routing, &traffic, now, departure),
        realtime,
        attribution: routing.attribution(),
        notes,
    })
}

fn by_transit(
    routing: &Routing,
    question: &Question,
    (live, traffic): (&Arc<Live>, &Snapshot),
    now: Moment,
    notes: &mut Vec<String>,
) -> Vec<ItineraryView> {
    let (Some(wish), Some(transit)) = (&question.transit, routing.planner.transit()) else {
        return Vec::new();
    };
    let query = TransitQuery {
        from: question.from.clone(),
        to: question.to.clone(),
        on_foot: question.on_foot,
        when: question.when,
        window: wish.window,
        at_least: wish.at_least,
        transfers: wish.transfers,
        modes: wish.modes,
        escorted: wish.escorted,
        with_bicycle: wish.with_bicycle,
        before: wish.before.clone(),
        after: wish.after.clone(),
        walk_before: wish.walk_before,
        walk_after: wish.walk_after,
        street_within_m: question.street_within_m,
        speed_mps: question.pedestrian_mps,
        cycling_mps: question.cycling_mps,
        avoid_crowds: wish.avoid_crowds,
        cheaper: wish.cheaper.clone(),
        asked: now,
    };
    let journeys = routing.planner.by_transit_as(&query, live, traffic).unwrap_or_else(|reason| {
        notes.push(format!("transit: {reason}"));
        Vec::new()
    });
    if let Some(escorts) = transit.escorts().filter(|_| wish.escorted) {
        let (When::DepartAt(at) | When::ArriveBy(at)) = question.when;
        notes.extend(escorts.refusals(at, now));
    }
    if journeys.is_empty() {
        let (When::DepartAt(at) | When::ArriveBy(at)) = question.when;
        let day = transit.day_of(at);
        match transit.timetable().span() {
            Some((first, last)) if day < first || day > last => {
                notes.push(format!("transit: the timetable is of {first} to {last}, and {day} is not in it"));
            }
            _ => notes
                .push("transit: no connection within the limits that is quicker than walking".to_string()),
        }
    }
    let zone = transit.timetable().zone();
    let mut views = Vec::new();
    for journey in &journeys {
        let mut view = ItineraryView::new(journey, question.telling);
        if let Some(fares) = routing.planner.fares() {
            match fares.price(journey, question.card.as_deref(), &zone) {
                Ok(fare) => {
                    view.fare = Some(FareView::new(&fare, &fares.currency, question.telling.language));
                }
                Err(reason) => {
                    let note = format!("fare: {reason}");
                    if !notes.contains(&note) {
                        notes.push(note);
                    }
                }
            }
        }
        views.push(view);
    }
    if wish.cheaper.is_some() {
        let amounts = views.iter().filter_map(|view| view.fare.as_ref()).map(|fare| fare.amount);
        let least = amounts.fold(f64::INFINITY, f64::min);
        for fare in views.iter_mut().filter_map(|view| view.fare.as_mut()) {
            fare.cheapest = fare.amount <= least;
        }
    }
    views
}

/// A gap between place and street that is worth mentioning, m.
const WORTH_MENTIONING_M: f64 = 50.0;

fn off_street_notes(profile: Profile, journey: &Itinerary) -> Vec<String> {
    let (Some(first), Some(last)) = (journey.legs.first(), journey.legs.last()) else { return Vec::new() };
    let (Some(out), Some(home)) = (first.street(), last.street()) else { return Vec::new() };
    let ends = [("begins", out.off_street_m[0], &first.from), ("ends", home.off_street_m[1], &last.to)];
    let far = ends.into_iter().filter(|(_, gap_m, _)| *gap_m > WORTH_MENTIONING_M);
    far.map(|(what, gap_m, place)| {
        format!("{}: {what} on a street {gap_m:.0} m from {}", view::mode(profile), place.name)
    })
    .collect()
}

fn traffic_view(routing: &Routing, traffic: &Snapshot, now: Moment, departure: Moment) -> TrafficView {
    let view = traffic.view(now, departure);
    let links_live = (routing.share_live(traffic, now, departure) * 1000.0).round() / 1000.0;
    let age_s = view.age().map(|age| age.as_secs() as i64);
    let old = age_s.map_or(String::new(), |age| format!("{age} s old"));
    let usual = view.usual().map(|(_, slot)| slot.to_string());
    let else_usual = usual.as_ref().map_or(String::new(), |slot| format!(", else what is usual on {slot}"));
    let (state, text) = match (view.freshness(), age_s) {
        (Freshness::Live, _) => ("live", format!("link times {old}{else_usual}")),
        (Freshness::Fading, _) => ("fading", format!("link times {old} count in part{else_usual}")),
        (Freshness::Typical, _) => (
            "typical",
            format!(
                "link times of now do not count: what is usual on {}",
                usual.as_deref().unwrap_or_default()
            ),
        ),
        (Freshness::FreeFlow, None) => ("free_flow", "no link times have arrived: empty roads".to_string()),
        (Freshness::FreeFlow, _) if !view.counts_at_departure() => {
            ("free_flow", "the departure is too far ahead for link times of now: empty roads".to_string())
        }
        (Freshness::FreeFlow, _) => ("free_flow", format!("link times {old} count no more: empty roads")),
    };
    TrafficView {
        snapshot: view.number(),
        at: view.at().map(iso),
        age_seconds: age_s,
        links_live,
        typical: usual,
        state: state.to_string(),
        text,
    }
}

/// How the planner is.
#[utoipa::path(
    get, path = "/api/v1/routing/health", tag = "routing", operation_id = "routingHealth",
    responses((status = 200, description = "Its health", body = RoutingHealthView))
)]
async fn health(State(routing): State<Arc<Routing>>) -> Json<RoutingHealthView> {
    let now = routing.clock.now();
    let traffic = traffic_view(&routing, &routing.traffic.now(), now, now);
    let feed = routing.feed.get();
    let starved = feed.broker.as_ref().is_some_and(|broker| !broker.up)
        || (feed.broker.is_some() && traffic.state != "live");
    let graph = |profile: Profile| {
        let graph = &routing.planner.graph(profile).graph;
        GraphView { arcs: graph.node_count(), turns: graph.edge_count() }
    };
    let graphs = [
        ("car", Profile::Car),
        ("bike", Profile::Bicycle),
        ("walk", Profile::Walk),
        ("wheelchair", Profile::Wheelchair),
    ];
    let received = received(&feed);
    Json(RoutingHealthView {
        status: if starved { "degraded" } else { "ok" }.to_string(),
        version: env!("CARGO_PKG_VERSION").to_string(),
        now: iso(now),
        traffic,
        graphs: graphs.into_iter().map(|(name, profile)| (name.to_string(), graph(profile))).collect(),
        broker: feed.broker.map(|broker| BrokerView {
            state: if broker.up { "up" } else { "down" }.to_string(),
            since: iso(broker.since),
            detail: broker.detail,
        }),
        realtime: routing.realtime.get().into_iter().map(|state| RealtimeFeedView::new(&state)).collect(),
        received: received.into_iter().map(|(name, count)| (name.to_string(), count)).collect(),
        answered: routing.meter.answers(),
        refused: routing.meter.refusals(),
    })
}

fn received(feed: &crate::feed::FeedState) -> [(&'static str, u64); 6] {
    [
        ("messages", feed.messages),
        ("malformed", feed.malformed),
        ("link_times.used", feed.used),
        ("link_times.unknown_link", feed.unknown),
        ("link_times.absurd", feed.absurd),
        ("link_times.late", feed.late),
    ]
}

async fn metrics(State(routing): State<Arc<Routing>>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], metrics_text(&routing)).into_response()
}

/// The counts in Prometheus' text format.
pub fn metrics_text(routing: &Routing) -> String {
    let now = routing.clock.now();
    let traffic = traffic_view(routing, &routing.traffic.now(), now, now);
    let feed = routing.feed.get();
    let (sum_s, bins) = routing.meter.durations();
    let answers = routing.meter.answers();
    let mut text = String::new();
    // Writing into a string cannot fail.
    let _ = (|| {
        writeln!(text, "# HELP routing_plan_seconds Time from a question's arrival to its answer.")?;
        writeln!(text, "# TYPE routing_plan_seconds histogram")?;
        for (edge, count) in EDGES_S.iter().zip(bins) {
            writeln!(text, "routing_plan_seconds_bucket{{le=\"{edge}\"}} {count}")?;
        }
        writeln!(text, "routing_plan_seconds_bucket{{le=\"+Inf\"}} {answers}")?;
        writeln!(text, "routing_plan_seconds_sum {sum_s}")?;
        writeln!(text, "routing_plan_seconds_count {answers}")?;
        writeln!(text, "# HELP routing_plan_problems_total Questions answered with a problem.")?;
        writeln!(text, "# TYPE routing_plan_problems_total counter")?;
        writeln!(text, "routing_plan_problems_total {}", routing.meter.refusals())?;
        if let Some(access) = routing.access.get() {
            writeln!(
                text,
                "# HELP routing_refused_total Questions of those who may not ask, or not so often."
            )?;
            writeln!(text, "# TYPE routing_refused_total counter")?;
            writeln!(text, "routing_refused_total {}", access.refusals())?;
        }
        writeln!(text, "# HELP routing_received_total What arrived from the centre.")?;
        writeln!(text, "# TYPE routing_received_total counter")?;
        for (what, count) in received(&feed) {
            writeln!(text, "routing_received_total{{what=\"{what}\"}} {count}")?;
        }
        writeln!(text, "# HELP routing_traffic_snapshot Number of the picture of the traffic in use.")?;
        writeln!(text, "# TYPE routing_traffic_snapshot gauge")?;
        writeln!(text, "routing_traffic_snapshot {}", traffic.snapshot)?;
        if let Some(age) = traffic.age_seconds {
            writeln!(text, "# HELP routing_traffic_age_seconds Age of that picture.")?;
            writeln!(text, "# TYPE routing_traffic_age_seconds gauge")?;
            writeln!(text, "routing_traffic_age_seconds {age}")?;
        }
        writeln!(
            text,
            "# HELP routing_traffic_links_live_ratio Share of driven links whose measured time counts."
        )?;
        writeln!(text, "# TYPE routing_traffic_links_live_ratio gauge")?;
        writeln!(text, "routing_traffic_links_live_ratio {}", traffic.links_live)
    })();
    text
}
