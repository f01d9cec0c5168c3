//! The audit: who did what, newest first, and whether the chain of lines is whole.

use super::{
    Api,
    access::Caller,
    problem::Query,
    view::{AuditCheck, AuditLine, AuditLines, Problem},
};
use crate::{
    access::{Place, Role},
    store::{
        Store, StoreError,
        audit::{AuditEntry, Chain},
    },
};
use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa::IntoParams;

/// Lines in an answer when nobody says how many.
const USUAL_LIMIT: usize = 100;
/// Most lines in an answer.
const LARGEST_LIMIT: usize = 2_000;
/// Lines that are read at once while the chain is followed.
const STRIDE: usize = 10_000;
/// Most lines that one question looks through for what it asks.
const FARTHEST: u64 = 200_000;

/// Which lines.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Lines with smaller numbers than this; the newest if not given.
    before: Option<u64>,
    /// At most so many lines, 1 to 2,000. 100 if not given.
    limit: Option<usize>,
    /// Only lines that have this in them, in whatever case.
    contains: Option<String>,
}

/// Who did what, newest first.
#[utoipa::path(get, path = "/api/v1/audit", tag = "access", params(Which), responses(
    (status = 200, body = AuditLines),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "The store is down", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn get_audit(
    State(api): State<Api>,
    caller: Caller,
    Query(which): Query<Which>,
) -> Result<Json<AuditLines>, Problem> {
    api.permit(&caller, Role::Operate, Place::Nowhere, "a look at the audit")?;
    let limit = which.limit.unwrap_or(USUAL_LIMIT);
    if !(1..=LARGEST_LIMIT).contains(&limit) {
        return Err(Problem::invalid(format!("limit is {limit}; it may be 1 to {LARGEST_LIMIT}")));
    }
    let wanted = which.contains.unwrap_or_default().to_lowercase();
    let last = last(&api.0.store).await?;
    let newest = which.before.map_or(last, |before| last.min(before.saturating_sub(1)));
    let (mut lines, mut end) = (Vec::new(), newest);
    while end > 0 && lines.len() < limit && newest - end < FARTHEST {
        // Without a filter one stride is what was asked for.
        let stride = if wanted.is_empty() { limit } else { STRIDE };
        let begin = end.saturating_sub(stride as u64);
        let rows = api.0.store.audit(begin, (end - begin) as usize).await?.rows;
        let fits = |row: &&AuditEntry| wanted.is_empty() || row.entry.to_lowercase().contains(&wanted);
        lines.extend(rows.iter().rev().filter(fits).take(limit - lines.len()).map(line));
        end = begin;
    }
    let earliest = lines.last().map_or(end + 1, |line: &AuditLine| line.number);
    let next = if lines.len() == limit { earliest } else { end + 1 };
    Ok(Json(AuditLines { lines, total: last, next: (next > 1).then_some(next) }))
}

fn line(entry: &AuditEntry) -> AuditLine {
    AuditLine {
        number: entry.number,
        at: entry.at.0,
        entry: entry.entry.clone(),
        hash: entry.hash.iter().map(|b| format!("{b:02x}")).collect(),
    }
}

/// Follows the chain from its first line to its last.
#[utoipa::path(get, path = "/api/v1/audit/check", tag = "access", responses(
    (status = 200, body = AuditCheck),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "The store is down", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn get_check(State(api): State<Api>, caller: Caller) -> Result<Json<AuditCheck>, Problem> {
    api.permit(&caller, Role::Operate, Place::Nowhere, "a check of the audit")?;
    let mut chain = Chain::default();
    loop {
        let page = api.0.store.audit(chain.followed(), STRIDE).await?;
        let broken = chain.follow(&page.rows);
        if broken.is_some() || !page.truncated {
            let hash = chain.hash().iter().map(|b| format!("{b:02x}")).collect();
            return Ok(Json(AuditCheck { lines: chain.followed(), hash, broken }));
        }
    }
}

/// The number of the last line, 0 if there is none: doubled until nothing follows, then halved in between. The lines are
/// numbered without gaps.
async fn last(store: &Store) -> Result<u64, StoreError> {
    let follows = async |number: u64| Ok::<_, StoreError>(!store.audit(number, 1).await?.rows.is_empty());
    let (mut there, mut beyond) = (0, 1);
    while follows(beyond - 1).await? {
        there = beyond;
        beyond *= 2;
    }
    while beyond - there > 1 {
        let middle = there + (beyond - there) / 2;
        if follows(middle - 1).await? { there = middle } else { beyond = middle }
    }
    Ok(there)
}
