//! Orders: what an operator may ask for, checked here against the city's data, then by the core, then by the
//! cabinet.

use super::{
    Api,
    access::Caller,
    junction,
    problem::{Body, Code, Path},
    view::{CommandView, ControlAccepted, ControlRequest, Problem, ProposalView, ProposalsView},
};
use crate::{
    access::{
        Place, Role,
        proposals::{self, NotAgreed, Proposal},
    },
    centre::Ask,
    coordinator::{Order, OrderInForce, OrderKind, orders::words},
    decide::Kind,
};
use axum::{Json, extract::State, http::StatusCode};
use model::{
    ids::{JunctionIx, PlanNumber, StageNumber},
    signal::Junction,
};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// Longest hold of a stage, s: nobody should be able to forget one.
pub(super) const LONGEST_HOLD_S: u32 = 600;
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
        (status = 401, description = "Nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Whoever asks may not", body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Wrong, or not safe", body = Problem, content_type = "application/problem+json"),
        (status = 503, body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn post_junction(
    State(api): State<Api>,
    Path(id): Path<String>,
    caller: Caller,
    Body(request): Body<ControlRequest>,
) -> Answer {
    let ix = api.junction(&id)?;
    let junction = &api.0.city.junctions[ix.ix()];
    api.permit(&caller, Role::Operate, Place::District(&junction.district), &format!("an order for {id}"))?;
    let who = caller.signature(request.who.as_deref())?;
    let what = what(&request, Some(junction))?;
    order(&api, Some(ix), what, who, request.reason, request.expires_in_s).await
}

/// Orders a kind of control for the whole city, until it expires. Where people sign in it is only proposed: it takes
/// effect once a second person has agreed to it (`/api/v1/proposals`).
#[utoipa::path(post, path = "/api/v1/control", tag = "centre",
    request_body = ControlRequest,
    responses(
        (status = 202, description = "Proposed, or under way", body = ControlAccepted),
        (status = 401, description = "Nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Whoever asks may not", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Wrong", body = Problem, content_type = "application/problem+json"),
        (status = 503, body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn post_city(
    State(api): State<Api>,
    caller: Caller,
    Body(request): Body<ControlRequest>,
) -> Answer {
    api.permit(&caller, Role::Operate, Place::City, "an order for the city")?;
    let who = caller.signature(request.who.as_deref())?;
    let what = what(&request, None)?;
    let Some(login) = caller.login() else {
        return order(&api, None, what, who, request.reason, request.expires_in_s).await;
    };
    let proposal = Proposal {
        id: Uuid::now_v7(),
        what,
        login: login.to_owned(),
        who,
        reason: request.reason.trim().to_owned(),
        expires_in_s: request.expires_in_s,
        at: api.0.clock.now(),
        until: Instant::now() + proposals::OPEN_FOR,
    };
    let command = proposed(&proposal);
    let entry = format!("city: {} proposed by {} ({})", words(what), proposal.who, proposal.reason);
    if !api.0.gate.proposals().add(Instant::now(), proposal) {
        let most = proposals::MOST;
        return Err(Problem::unavailable(format!("{most} area orders wait for a second person already")));
    }
    api.note(entry);
    Ok((StatusCode::ACCEPTED, Json(ControlAccepted { command })))
}

/// Area orders that wait for a second person.
#[utoipa::path(get, path = "/api/v1/proposals", tag = "access", responses((status = 200, body = ProposalsView)))]
pub(super) async fn get_proposals(State(api): State<Api>) -> Json<ProposalsView> {
    let now = Instant::now();
    let view = |p: &Proposal| ProposalView {
        id: p.id.to_string(),
        login: p.login.clone(),
        command: proposed(p),
        left_s: p.until.saturating_duration_since(now).as_secs(),
    };
    Json(ProposalsView { proposals: api.0.gate.proposals().open(now).map(view).collect() })
}

/// Agrees to an area order of somebody else: it is in force from now on.
#[utoipa::path(post, path = "/api/v1/proposals/{id}", tag = "access",
    params(("id" = String, Path, description = "The proposal's id")),
    responses(
        (status = 202, description = "Under way", body = ControlAccepted),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Whoever asks may not, or has proposed it", body = Problem,
            content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn post_proposal(State(api): State<Api>, Path(id): Path<String>, caller: Caller) -> Answer {
    api.permit(&caller, Role::Manage, Place::City, "an agreement to an order for the city")?;
    let second = caller.signature(None)?;
    let agreed =
        api.0.gate.proposals().agree(Instant::now(), number(&id)?, caller.login().unwrap_or_default());
    let proposal = agreed.map_err(|why| match why {
        NotAgreed::Gone => gone(&id),
        NotAgreed::Same => {
            let detail = "an order for an area needs a second person; you have proposed this one yourself";
            Problem::new(Code::Forbidden, StatusCode::FORBIDDEN, detail)
        }
    })?;
    let who = format!("{}, agreed to by {second}", proposal.who);
    let reason = proposal.reason.clone();
    let answer = order(&api, None, proposal.what, who, reason, proposal.expires_in_s).await;
    if answer.is_err() {
        api.0.gate.proposals().put_back(proposal);
    }
    answer
}

/// Takes a proposal back, or turns it down.
#[utoipa::path(delete, path = "/api/v1/proposals/{id}", tag = "access",
    params(("id" = String, Path, description = "The proposal's id")),
    responses(
        (status = 200, description = "Those that are left", body = ProposalsView),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn delete_proposal(
    State(api): State<Api>,
    Path(id): Path<String>,
    caller: Caller,
) -> Result<Json<ProposalsView>, Problem> {
    api.permit(&caller, Role::Operate, Place::City, "an end to a proposal")?;
    let who = caller.signature(None)?;
    let proposal = api.0.gate.proposals().withdraw(number(&id)?).ok_or_else(|| gone(&id))?;
    api.note(format!("city: {} proposed by {} turned down by {who}", words(proposal.what), proposal.who));
    Ok(get_proposals(State(api)).await)
}

fn number(id: &str) -> Result<Uuid, Problem> {
    id.parse().map_err(|_| gone(id))
}

fn gone(id: &str) -> Problem {
    Problem::not_found(format!("no proposal {id:?} waits for a second person"))
}

fn proposed(proposal: &Proposal) -> CommandView {
    let order = Order {
        id: proposal.id,
        junction: None,
        what: proposal.what,
        who: proposal.who.clone(),
        reason: proposal.reason.clone(),
        until: proposal.at + Duration::from_secs(u64::from(proposal.expires_in_s)),
    };
    junction::order("", &OrderInForce { order, since: proposal.at, state: "proposed", detail: String::new() })
}

async fn order(
    api: &Api,
    junction: Option<JunctionIx>,
    what: OrderKind,
    who: String,
    reason: String,
    expires_in_s: u32,
) -> Answer {
    let since = api.0.clock.now();
    let order = Order {
        id: Uuid::now_v7(),
        junction,
        what,
        who,
        reason: reason.trim().to_owned(),
        until: since + Duration::from_secs(u64::from(expires_in_s)),
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
