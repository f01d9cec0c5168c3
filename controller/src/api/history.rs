//! What the store remembers of a junction.

use super::{
    Api,
    access::Caller,
    control::signed,
    problem::{Body, Path, Query},
    stretch,
    view::{
        DecisionView, FetchAccepted, FetchRequest, Problem, StoredDecisions, StoredEvents, StoredInterval,
        StoredIntervals, ThrottleRequest,
    },
};
use crate::{
    access::{Place, Role},
    centre::Ask,
    coordinator::orders::utc,
    store::{FLAG_FAULT, StoreError},
};
use axum::{Json, extract::State, http::StatusCode};
use model::{ids::JunctionIx, time::Moment};
use serde::Deserialize;
use std::{ops::Range, time::Duration};
use utoipa::IntoParams;
use wire::{
    message::{LONGEST_STOP_S, Throttle, ThrottleAction},
    topic::StatusCode as Channel,
};

/// Rows in an answer when nobody says how many.
const USUAL_LIMIT: usize = 1_000;
/// Most rows in an answer: about a megabyte.
const LARGEST_LIMIT: usize = 20_000;
/// How far back an answer goes when nobody says.
const USUAL_RANGE: Duration = Duration::from_secs(3600);

/// Which rows.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// From then on, ms since the epoch. An hour before `to` if not given.
    from: Option<i64>,
    /// And before then, ms since the epoch. Now if not given.
    to: Option<i64>,
    /// At most so many rows, 1 to 20,000. 1,000 if not given.
    limit: Option<usize>,
}

impl Which {
    fn meant(&self, now: Moment) -> Result<(Range<Moment>, usize), Problem> {
        let range = stretch(self.from, self.to, now, USUAL_RANGE)?;
        let limit = self.limit.unwrap_or(USUAL_LIMIT);
        if !(1..=LARGEST_LIMIT).contains(&limit) {
            return Err(Problem::invalid(format!("limit is {limit}; it may be 1 to {LARGEST_LIMIT}")));
        }
        Ok((range, limit))
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        Problem::unavailable(error.to_string())
    }
}

/// Which junction somebody asks something of who may do so there, and what the audit says of him.
fn sign(
    api: &Api,
    caller: &Caller,
    id: &str,
    what: &str,
    who: Option<&str>,
    reason: &str,
) -> Result<(JunctionIx, String), Problem> {
    let ix = api.junction(id)?;
    let district = &api.0.city.junctions[ix.ix()].district;
    api.permit(caller, Role::Operate, Place::District(district), what)?;
    let who = caller.signature(who)?;
    let reason = signed("reason", reason)?;
    Ok((ix, format!("by {who} ({reason})")))
}

/// The longest time that a cabinet is asked for at once.
const LONGEST_FETCH: Duration = Duration::from_secs(48 * 3600);

/// Asks the cabinet for what it still has of a time that the store has lost. What it has comes within minutes, behind live data,
/// and is marked as replayed. Events that the store has already are not stored twice; detector readings are only asked for where
/// the store has none of that time.
#[utoipa::path(post, path = "/api/v1/junctions/{id}/fetch", tag = "centre",
    params(("id" = String, Path, description = "The TLC's id")),
    request_body = FetchRequest,
    responses(
        (status = 202, body = FetchAccepted),
        (status = 401, description = "Nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Whoever asks may not", body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The store or the broker is down", body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn post_fetch(
    State(api): State<Api>,
    Path(id): Path<String>,
    caller: Caller,
    Body(request): Body<FetchRequest>,
) -> Result<(StatusCode, Json<FetchAccepted>), Problem> {
    let what = format!("a question about the past of {id}");
    let (ix, by) = sign(&api, &caller, &id, &what, request.who.as_deref(), &request.reason)?;
    let time = stretch(Some(request.from), Some(request.to), api.0.clock.now(), Duration::ZERO)?;
    if time.end.since(time.start) > LONGEST_FETCH {
        let most = LONGEST_FETCH.as_secs() / 3600;
        return Err(Problem::invalid(format!("from and to are more than {most} hours apart")));
    }
    let mut codes = vec![Channel::Events];
    if api.0.store.intervals(ix, time.clone(), 1).await?.rows.is_empty() {
        codes.push(Channel::Counts);
    }
    let asked = codes.iter().map(|c| c.as_str().to_owned()).collect::<Vec<_>>();
    let (from, to) = (utc(time.start), utc(time.end));
    let said = format!("junction {id}: asked for its {} of {from} to {to} {by}", asked.join(", "));
    let ask = Ask::Fetch(ix, time, codes, said);
    api.tell(ask)?;
    Ok((StatusCode::ACCEPTED, Json(FetchAccepted { asked })))
}

/// Stops a channel of history of a cabinet for a while, or lets it run again: where a link is dear or a detector says too
/// much. What a stopped channel would have said stays on the cabinet's disk and comes when it runs again.
#[utoipa::path(post, path = "/api/v1/junctions/{id}/throttle", tag = "centre",
    params(("id" = String, Path, description = "The TLC's id")),
    request_body = ThrottleRequest,
    responses(
        (status = 202, description = "The cabinet is asked; the junction's `stopped` shows when it obeys"),
        (status = 401, description = "Nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Whoever asks may not", body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The broker is down", body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn post_throttle(
    State(api): State<Api>,
    Path(id): Path<String>,
    caller: Caller,
    Body(request): Body<ThrottleRequest>,
) -> Result<StatusCode, Problem> {
    let ThrottleRequest { channel, action, timeout_s, .. } = &request;
    let what = format!("{action} of {channel} at {id}");
    let (ix, by) = sign(&api, &caller, &id, &what, request.who.as_deref(), &request.reason)?;
    let code = [Channel::Events, Channel::Counts]
        .into_iter()
        .find(|code| code.as_str() == channel)
        .ok_or_else(|| Problem::invalid("channel is tlc.events/hires or traffic.count/1s".to_owned()))?;
    let action = match action.as_str() {
        "start" => ThrottleAction::Start,
        "stop" => ThrottleAction::Stop,
        _ => return Err(Problem::invalid("action is start or stop".to_owned())),
    };
    if timeout_s.is_some_and(|s| !(1..=LONGEST_STOP_S).contains(&s)) {
        return Err(Problem::invalid(format!("timeout_s is 1 to {LONGEST_STOP_S}")));
    }
    let throttle = Throttle { action, timeout: *timeout_s };
    let ask = Ask::Throttle(ix, code, throttle, format!("junction {id}: {what} {by}"));
    api.tell(ask)?;
    Ok(StatusCode::ACCEPTED)
}

/// The hi-res log of a junction, out of the store.
#[utoipa::path(get, path = "/api/v1/junctions/{id}/events", tag = "centre",
    params(("id" = String, Path, description = "The TLC's id"), Which),
    responses(
        (status = 200, body = StoredEvents),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The store is down", body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn get_events(
    State(api): State<Api>,
    Path(id): Path<String>,
    Query(which): Query<Which>,
) -> Result<Json<StoredEvents>, Problem> {
    let ix = api.junction(&id)?;
    let (range, limit) = which.meant(api.0.clock.now())?;
    let page = api.0.store.events(ix, range, limit).await?;
    let events = page.rows.iter().map(|e| (e.at.0, e.code, e.param)).collect();
    Ok(Json(StoredEvents { events, truncated: page.truncated }))
}

/// Detector readings of a junction, out of the store.
#[utoipa::path(get, path = "/api/v1/junctions/{id}/intervals", tag = "centre",
    params(("id" = String, Path, description = "The TLC's id"), Which),
    responses(
        (status = 200, body = StoredIntervals),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The store is down", body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn get_intervals(
    State(api): State<Api>,
    Path(id): Path<String>,
    Query(which): Query<Which>,
) -> Result<Json<StoredIntervals>, Problem> {
    let ix = api.junction(&id)?;
    let (range, limit) = which.meant(api.0.clock.now())?;
    let page = api.0.store.intervals(ix, range, limit).await?;
    let thousandth = |v: f32| (f64::from(v) * 1000.0).round() / 1000.0;
    let intervals = page.rows.iter().map(|i| StoredInterval {
        at: i.at.0,
        channel: i.channel,
        count: i.count,
        occupancy: thousandth(i.occupancy),
        speed_kmh: i.speed_mps.map(|v| (f64::from(v) * 36.0).round() / 10.0),
        fault: i.flags & FLAG_FAULT != 0,
    });
    Ok(Json(StoredIntervals { intervals: intervals.collect(), truncated: page.truncated }))
}

/// Decisions for a junction, out of the store.
#[utoipa::path(get, path = "/api/v1/junctions/{id}/decisions", tag = "centre",
    params(("id" = String, Path, description = "The TLC's id"), Which),
    responses(
        (status = 200, body = StoredDecisions),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The store is down", body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn get_decisions(
    State(api): State<Api>,
    Path(id): Path<String>,
    Query(which): Query<Which>,
) -> Result<Json<StoredDecisions>, Problem> {
    let ix = api.junction(&id)?;
    let (range, limit) = which.meant(api.0.clock.now())?;
    let page = api.0.store.decisions(ix, range, limit).await?;
    let decisions: Result<Vec<DecisionView>, _> =
        page.rows.iter().map(|d| serde_json::from_str(&d.json)).collect();
    let decisions = decisions
        .map_err(|e| Problem::unavailable(format!("the store has a decision that cannot be read: {e}")))?;
    Ok(Json(StoredDecisions { decisions, truncated: page.truncated }))
}
