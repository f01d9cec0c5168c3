//! Incidents and response plans over HTTP.

use super::{
    Api,
    access::Caller,
    control::{LONGEST_HOLD_S, named_kind, signed},
    problem::{Body, Path, Query},
    view::{
        IncidentAct, IncidentLine, IncidentLink, IncidentRequest, IncidentView, IncidentsView, Name,
        PreparedView, Problem, ResponseRequest, ResponseView,
    },
};
use crate::{
    access::{Place, Role},
    centre::Ask,
    coordinator::Order,
    incidents::{Effect, Incident, Line, MOST_ORDERS, Prepared, Response, What},
    responding::Changed,
};
use axum::{Json, extract::State, http::StatusCode};
use model::{
    geo,
    ids::{PlanNumber, StageNumber},
};
use serde::Deserialize;
use std::{collections::BTreeSet, time::Duration};
use utoipa::IntoParams;
use uuid::Uuid;

/// Links of one incident.
const MOST_LINKS: usize = 200;
/// Longest incident, min: a week. What lasts longer belongs into the city's file.
const LONGEST_MIN: u32 = 7 * 24 * 60;
/// Longest response, min.
const LONGEST_RESPONSE_MIN: u32 = 240;

/// Which incidents.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Those that are over too.
    #[serde(default)]
    all: bool,
}

/// Incidents, newest first, and the response plans for them.
#[utoipa::path(get, path = "/api/v1/incidents", tag = "incidents", params(Which), responses(
    (status = 200, body = IncidentsView),
    (status = 503, body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn get_incidents(
    State(api): State<Api>,
    Query(which): Query<Which>,
) -> Result<Json<IncidentsView>, Problem> {
    let seen = api.0.incidents.look(|all| IncidentsView {
        incidents: all.all().filter(|i| which.all || i.over.is_none()).map(|i| view(&api, i)).collect(),
        responses: all.responses().map(response_view).collect(),
    });
    seen.map(Json).ok_or_else(not_yet)
}

/// Says what has happened on links. It reaches route planners with the next link times.
#[utoipa::path(post, path = "/api/v1/incidents", tag = "incidents",
    request_body = IncidentRequest,
    responses(
        (status = 201, body = IncidentView),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn post_incidents(
    State(api): State<Api>,
    caller: Caller,
    Body(request): Body<IncidentRequest>,
) -> Result<(StatusCode, Json<IncidentView>), Problem> {
    // A road belongs to no district.
    api.permit(&caller, Role::Operate, Place::Nowhere, "an incident")?;
    let who = caller.signature(request.who.as_deref())?;
    let what = signed("what", &request.what)?;
    let effect = match (request.closed, request.slow_to_kmh) {
        (true, None) => Effect::Closed,
        (false, Some(kmh)) if (1.0..=100.0).contains(&kmh) => Effect::SlowTo(kmh as f32),
        (false, Some(kmh)) => {
            return Err(Problem::invalid(format!("slow_to_kmh is {kmh}; it may be 1 to 100")));
        }
        _ => return Err(Problem::invalid("give either closed or slow_to_kmh")),
    };
    if request.links.is_empty() || request.links.len() > MOST_LINKS {
        return Err(Problem::invalid(format!("give 1 to {MOST_LINKS} links")));
    }
    if let Some(unknown) = request.links.iter().find(|id| api.0.incidents.link(id).is_none()) {
        return Err(Problem::invalid(format!("there is no link {unknown:?}")));
    }
    let length = minutes("minutes", request.minutes, LONGEST_MIN)?;
    let now = api.0.clock.now();
    let words = match effect {
        Effect::Closed => "closed".to_owned(),
        Effect::SlowTo(kmh) => format!("slowed to {kmh} km/h"),
    };
    let entry = format!("{} {words} by {who} for {} min ({what})", request.links.join(", "), request.minutes);
    let mut number = None;
    let changed = api.0.incidents.change(now, |all| {
        number = all.report(now, request.links, effect, what, now + length, &who);
        number.map(Changed::Incident)
    });
    changed.ok_or_else(not_yet)?;
    let number = number.ok_or_else(|| Problem::unavailable("too many incidents are in force"))?;
    api.note(format!("incident {number}: {entry}"));
    find(&api, number).map(|incident| (StatusCode::CREATED, Json(incident)))
}

/// Prolongs an incident, orders a response plan for it, or ends it.
#[utoipa::path(post, path = "/api/v1/incidents/{number}", tag = "incidents",
    params(("number" = u64, Path, description = "The incident's number")),
    request_body = IncidentAct,
    responses(
        (status = 200, body = IncidentView),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn post_incident(
    State(api): State<Api>,
    Path(number): Path<u64>,
    caller: Caller,
    Body(request): Body<IncidentAct>,
) -> Result<Json<IncidentView>, Problem> {
    api.permit(&caller, Role::Operate, Place::Nowhere, &format!("an act on incident {number}"))?;
    let who = caller.signature(request.who.as_deref())?;
    let incident = find(&api, number)?;
    let now = api.0.clock.now();
    let (done, words) = match (request.prolong_min, request.respond, &request.end) {
        (Some(asked), None, None) => {
            let until = now + minutes("prolong_min", asked, LONGEST_MIN)?;
            let done = api.0.incidents.change(now, |all| {
                all.prolong(now, number, until, &who).then_some(Changed::Incident(number))
            });
            (done, format!("prolonged by {who} for {asked} min"))
        }
        (None, Some(response), None) => {
            if incident.over_at.is_some() {
                return Err(over(number));
            }
            let text = respond(&api, &caller, &incident, response, &who).await?;
            let words = format!("answered by {who} with {text}");
            let done = api.0.incidents.change(now, |all| {
                all.responded(now, number, &text, &who).then_some(Changed::Incident(number))
            });
            (done, words)
        }
        (None, None, Some(reason)) => {
            let reason = signed("end", reason)?;
            let done = api
                .0
                .incidents
                .change(now, |all| all.end(now, number, &reason, &who).then_some(Changed::Incident(number)));
            (done, format!("ended by {who} ({reason})"))
        }
        _ => return Err(Problem::invalid("give exactly one of prolong_min, respond and end")),
    };
    done.ok_or_else(not_yet)?.ok_or_else(|| over(number))?;
    api.note(format!("incident {number}: {words}"));
    find(&api, number).map(Json)
}

/// Gives a response plan's orders: all of them, or none where the asker may not give one.
async fn respond(
    api: &Api,
    caller: &Caller,
    incident: &IncidentView,
    number: u64,
    who: &str,
) -> Result<String, Problem> {
    let plan = api.0.incidents.look(|all| all.response(number).filter(|r| !r.gone).cloned());
    let plan = plan.ok_or_else(not_yet)?;
    let plan = plan.ok_or_else(|| Problem::not_found(format!("there is no response plan {number}")))?;
    let mut places = Vec::new();
    for order in &plan.orders {
        let ix = api.junction(&order.junction)?;
        let district = &api.0.city.junctions[ix.ix()].district;
        api.permit(caller, Role::Operate, Place::District(district), &format!("response plan {number}"))?;
        places.push(ix);
    }
    let since = api.0.clock.now();
    let mut refused = Vec::new();
    for (order, ix) in plan.orders.iter().zip(places) {
        let mut length = plan.minutes * 60;
        if matches!(order.what, What::Stage(_)) {
            length = length.min(LONGEST_HOLD_S);
        }
        let order = Order {
            id: Uuid::now_v7(),
            junction: Some(ix),
            what: order.what.order(),
            who: who.to_owned(),
            reason: format!("incident {}: {}, response plan {}", incident.number, incident.what, plan.name),
            until: since + Duration::from_secs(u64::from(length)),
        };
        if let Some(why) = api.ask(|reply| Ask::Order(order, reply)).await? {
            refused.push(format!("{}: {why}", api.0.city.junctions[ix.ix()].id));
        }
    }
    let given = plan.orders.len() - refused.len();
    let of =
        format!("{given} of {} orders of response plan {} ({})", plan.orders.len(), plan.number, plan.name);
    Ok(if refused.is_empty() { of } else { format!("{of}; refused: {}", refused.join("; ")) })
}

/// Prepares a response plan.
#[utoipa::path(post, path = "/api/v1/response-plans", tag = "incidents",
    request_body = ResponseRequest,
    responses(
        (status = 201, body = ResponseView),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn post_response(
    State(api): State<Api>,
    caller: Caller,
    Body(request): Body<ResponseRequest>,
) -> Result<(StatusCode, Json<ResponseView>), Problem> {
    api.permit(&caller, Role::Manage, Place::Nowhere, "a response plan")?;
    let who = caller.signature(request.who.as_deref())?;
    let name = signed("name", &request.name)?;
    minutes("minutes", request.minutes, LONGEST_RESPONSE_MIN)?;
    if request.orders.is_empty() || request.orders.len() > MOST_ORDERS {
        return Err(Problem::invalid(format!("give 1 to {MOST_ORDERS} orders")));
    }
    let mut taken = BTreeSet::new();
    let mut orders = Vec::new();
    for order in &request.orders {
        if !taken.insert(&order.junction) {
            return Err(Problem::invalid(format!("junction {} is ordered twice", order.junction)));
        }
        orders.push(prepared(&api, order)?);
    }
    let now = api.0.clock.now();
    let mut number = None;
    let changed = api.0.incidents.change(now, |all| {
        number = all.prepare(name.clone(), request.minutes, orders, who.clone());
        number.map(Changed::Response)
    });
    changed.ok_or_else(not_yet)?;
    let number = number.ok_or_else(|| Problem::unavailable("there are too many response plans"))?;
    api.note(format!("response plan {number} ({name}) prepared by {who}"));
    let made = api.0.incidents.look(|all| all.response(number).map(response_view)).flatten();
    made.map(|made| (StatusCode::CREATED, Json(made))).ok_or_else(not_yet)
}

/// Takes a response plan away.
#[utoipa::path(delete, path = "/api/v1/response-plans/{number}", tag = "incidents",
    params(("number" = u64, Path, description = "The response plan's number")),
    responses(
        (status = 200, description = "What is left", body = IncidentsView),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn delete_response(
    State(api): State<Api>,
    Path(number): Path<u64>,
    caller: Caller,
) -> Result<Json<IncidentsView>, Problem> {
    api.permit(&caller, Role::Manage, Place::Nowhere, "an end to a response plan")?;
    let who = caller.signature(Some("somebody without a name"))?;
    let done = api
        .0
        .incidents
        .change(api.0.clock.now(), |all| all.drop_response(number).then_some(Changed::Response(number)));
    let gone = || Problem::not_found(format!("there is no response plan {number}"));
    done.ok_or_else(not_yet)?.ok_or_else(gone)?;
    api.note(format!("response plan {number} taken away by {who}"));
    get_incidents(State(api), Query(Which { all: false })).await
}

fn prepared(api: &Api, order: &PreparedView) -> Result<Prepared, Problem> {
    let junction = &api.0.city.junctions[api.junction(&order.junction)?.ix()];
    let id = &order.junction;
    let what = match (&order.kind, order.plan, order.stage) {
        (Some(kind), None, None) => named_kind(kind)
            .map(What::Kind)
            .ok_or_else(|| Problem::invalid(format!("there is no kind of control {kind:?}")))?,
        (None, Some(plan), None) if junction.plan(PlanNumber(plan)).is_some() => What::Plan(plan),
        (None, None, Some(stage)) if junction.stage(StageNumber(stage)).is_some() => What::Stage(stage),
        (None, Some(plan), None) => {
            return Err(Problem::invalid(format!("junction {id} has no plan {plan}")));
        }
        (None, None, Some(stage)) => {
            return Err(Problem::invalid(format!("junction {id} has no stage {stage}")));
        }
        _ => return Err(Problem::invalid(format!("give exactly one of kind, plan and stage for {id}"))),
    };
    Ok(Prepared { junction: id.clone(), what })
}

fn minutes(name: &str, asked: u32, most: u32) -> Result<Duration, Problem> {
    if !(1..=most).contains(&asked) {
        return Err(Problem::invalid(format!("{name} is {asked}; it may be 1 to {most}")));
    }
    Ok(Duration::from_secs(60 * u64::from(asked)))
}

fn find(api: &Api, number: u64) -> Result<IncidentView, Problem> {
    let found = api.0.incidents.look(|all| all.get(number).map(|i| view(api, i)));
    let unknown = || Problem::not_found(format!("there is no incident {number}"));
    found.ok_or_else(not_yet)?.ok_or_else(unknown)
}

fn over(number: u64) -> Problem {
    Problem::invalid(format!("incident {number} is over"))
}

fn not_yet() -> Problem {
    Problem::unavailable("the store has not said yet what incidents there were")
}

fn view(api: &Api, incident: &Incident) -> IncidentView {
    let link = |id: &String| {
        let ix = api.0.incidents.link(id);
        let road = ix.map(|ix| api.0.city.network.link(ix));
        IncidentLink {
            id: id.clone(),
            ix: ix.map(|ix| ix.0),
            name: road.and_then(|road| road.name.as_ref()).map(Name::of).unwrap_or_default(),
            at: road.map(|road| geo::along(&road.shape, geo::length_m(&road.shape) / 2.0).0.into()),
        }
    };
    let line = |l: &Line| IncidentLine {
        at: l.at.0,
        who: l.who.clone(),
        what: l.what.clone(),
        text: l.text.clone(),
    };
    IncidentView {
        number: incident.number,
        links: incident.links.iter().map(link).collect(),
        closed: incident.effect == Effect::Closed,
        slow_to_kmh: match incident.effect {
            Effect::Closed => None,
            Effect::SlowTo(kmh) => Some(f64::from(kmh)),
        },
        what: incident.what.clone(),
        since: incident.since.0,
        until: incident.until.0,
        over_at: incident.over.map(|at| at.0),
        lines: incident.lines.iter().map(line).collect(),
    }
}

fn response_view(response: &Response) -> ResponseView {
    let order = |p: &Prepared| {
        let mut view = PreparedView { junction: p.junction.clone(), kind: None, plan: None, stage: None };
        match p.what {
            What::Kind(kind) => view.kind = Some(kind.as_str().to_owned()),
            What::Plan(plan) => view.plan = Some(plan),
            What::Stage(stage) => view.stage = Some(stage),
        }
        view
    };
    ResponseView {
        number: response.number,
        name: response.name.clone(),
        minutes: response.minutes,
        orders: response.orders.iter().map(order).collect(),
        by: response.by.clone(),
    }
}
