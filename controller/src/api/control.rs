//! Orders: what an operator may ask for, checked here against the city's data, then by the core, then by the
//! cabinet.

use super::{
    Api, junction,
    problem::{Body, Code, Path},
    view::{CommandView, ControlAccepted, ControlRequest, Problem},
};
use crate::{
    centre::Ask,
    coordinator::{Order, OrderInForce, OrderKind},
    decide::Kind,
};
use axum::{Json, extract::State, http::StatusCode};
use model::{
    ids::{JunctionIx, PlanNumber, StageNumber},
    signal::Junction,
};
use std::time::Duration;
use uuid::Uuid;

/// Longest hold of a stage, s: nobody should be able to forget one.
const LONGEST_HOLD_S: u32 = 600;
/// Longest other order, s: a day.
const LONGEST_ORDER_S: u32 = 86_400;
/// Longest name or reason, characters; both go into the audit.
const LONGEST_TEXT: usize = 200;

type Answer = Result<(StatusCode, Json<ControlAccepted>), Problem>;

/// Orders a kind of control, a held stage, a plan or flashing amber at one junction, until it expires.
#[utoipa::path(post, path = "/api/v1/junctions/{id}/control", tag = "centre",
    params(("id" = String, Path, description = "The TLC's id")),
    request_body = ControlRequest,
    responses(
        (status = 202, description = "Under way; the stream tells the rest", body = ControlAccepted),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Wrong, or not safe", body = Problem, content_type = "application/problem+json"),
        (status = 503, body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn post_junction(
    State(api): State<Api>,
    Path(id): Path<String>,
    Body(request): Body<ControlRequest>,
) -> Answer {
    let ix = api.junction(&id)?;
    let what = what(&request, Some(&api.0.city.junctions[ix.ix()]))?;
    order(api, Some(ix), what, request).await
}

/// Orders a kind of control for the whole city, until it expires.
#[utoipa::path(post, path = "/api/v1/control", tag = "centre",
    request_body = ControlRequest,
    responses(
        (status = 202, description = "Under way; the stream tells the rest", body = ControlAccepted),
        (status = 422, description = "Wrong", body = Problem, content_type = "application/problem+json"),
        (status = 503, body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn post_city(State(api): State<Api>, Body(request): Body<ControlRequest>) -> Answer {
    let what = what(&request, None)?;
    order(api, None, what, request).await
}

async fn order(api: Api, junction: Option<JunctionIx>, what: OrderKind, request: ControlRequest) -> Answer {
    let since = api.0.clock.now();
    let order = Order {
        id: Uuid::now_v7(),
        junction,
        what,
        who: request.who.trim().to_owned(),
        reason: request.reason.trim().to_owned(),
        until: since + Duration::from_secs(u64::from(request.expires_in_s)),
    };
    let refused = api.ask(|reply| Ask::Order(order.clone(), reply)).await?;
    if let Some(why) = refused {
        return Err(Problem::new(Code::Unsafe, StatusCode::UNPROCESSABLE_ENTITY, why));
    }
    // A kind of control is in force with the next decision; everything else begins on the street.
    let state = if matches!(what, OrderKind::Kind(_) | OrderKind::Default) { "applied" } else { "sent" };
    let id = junction.map_or("", |ix| api.0.city.junctions[ix.ix()].id.as_str());
    let command: CommandView =
        junction::order(id, &OrderInForce { order, since, state, detail: String::new() });
    Ok((StatusCode::ACCEPTED, Json(ControlAccepted { command })))
}

/// What a request asks for, or what is wrong with it. `junction` is `None` for the whole city.
fn what(request: &ControlRequest, junction: Option<&Junction>) -> Result<OrderKind, Problem> {
    let given = usize::from(request.kind.is_some())
        + usize::from(request.stage.is_some())
        + usize::from(request.plan.is_some())
        + usize::from(request.flash);
    if given != 1 {
        return Err(Problem::invalid("give exactly one of kind, stage, plan and flash"));
    }
    signed("who", &request.who)?;
    signed("reason", &request.reason)?;
    let longest = if request.stage.is_some() { LONGEST_HOLD_S } else { LONGEST_ORDER_S };
    if !(1..=longest).contains(&request.expires_in_s) {
        let asked = request.expires_in_s;
        return Err(Problem::invalid(format!(
            "expires_in_s is {asked}; this order may last 1 to {longest} s"
        )));
    }
    if let Some(kind) = &request.kind {
        if kind == "default" {
            return Ok(OrderKind::Default);
        }
        return named_kind(kind).map(OrderKind::Kind).ok_or_else(|| {
            let names: Vec<_> = Kind::ALL.iter().map(|k| k.as_str()).collect();
            Problem::invalid(format!(
                "there is no kind of control {kind:?}; there are default, {}",
                names.join(", ")
            ))
        });
    }
    let Some(junction) = junction else {
        return Err(Problem::invalid("the whole city can be ordered a kind of control only"));
    };
    let id = &junction.id;
    if let Some(stage) = request.stage {
        let known = junction.stage(StageNumber(stage)).map(|s| OrderKind::Hold(s.number));
        return known.ok_or_else(|| Problem::invalid(format!("junction {id} has no stage {stage}")));
    }
    if let Some(plan) = request.plan {
        let known = junction.plan(PlanNumber(plan)).map(|p| OrderKind::Plan(p.number));
        return known.ok_or_else(|| Problem::invalid(format!("junction {id} has no plan {plan}")));
    }
    if request.confirm.as_deref() != Some(id.as_str()) {
        let detail = format!("flashing amber needs confirm to repeat the junction's id, {id:?}");
        return Err(Problem::new(Code::Unsafe, StatusCode::UNPROCESSABLE_ENTITY, detail));
    }
    Ok(OrderKind::Flash)
}

/// A name or a reason as it goes into the audit, or what is wrong with it.
pub(super) fn signed(name: &str, text: &str) -> Result<String, Problem> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Problem::invalid(format!("{name} is empty")));
    }
    if text.chars().count() > LONGEST_TEXT || text.chars().any(char::is_control) {
        return Err(Problem::invalid(format!(
            "{name} must be one line of at most {LONGEST_TEXT} characters"
        )));
    }
    Ok(text.to_owned())
}

/// The kind of control of that name.
pub(super) fn named_kind(name: &str) -> Option<Kind> {
    Kind::ALL.into_iter().find(|k| k.as_str() == name)
}
