//! What stands before the pages: who may ask how often and how much, and answers that need not be sent again.

use super::problem::{Code, Problem};
use crate::{
    access::{Verdict, hexadecimal},
    service::Routing,
};
use axum::{
    body::{Body, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

/// Longest path and query: 500 positions of a track and what else is said of them.
const LONGEST_QUESTION: usize = 32 << 10;
/// Longest answer that gets an `ETag`.
const LONGEST_TAGGED: usize = 16 << 20;

/// Where an app shows its key, beside `Authorization: Bearer …`.
pub(super) const KEY: HeaderName = HeaderName::from_static("x-api-key");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Pages that those ask who run the planner: no rate holds for them.
const OF_OPERATORS: [&str; 2] = ["/metrics", "/api/v1/routing/health"];

/// Refuses questions that are too long, or come too often.
pub(super) async fn guard(State(routing): State<Arc<Routing>>, request: Request, next: Next) -> Response {
    let path_and_query = request.uri().path_and_query().map_or(0, |text| text.as_str().len());
    if path_and_query > LONGEST_QUESTION {
        let detail =
            format!("path and query have {path_and_query} bytes; at most {LONGEST_QUESTION} are read");
        return Problem::new(Code::TooLong, detail).into_response();
    }
    let access = routing.access.get().filter(|_| !OF_OPERATORS.contains(&request.uri().path()));
    let Some(access) = access else { return next.run(request).await };
    let headers = request.headers();
    let connected = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let connected = connected.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |from| from.0.ip());
    let from = access.address(connected, text(headers, &FORWARDED_FOR));
    match access.ask(key(headers), from) {
        Verdict::Allowed => next.run(request).await,
        Verdict::TooSoon(wait) => {
            let seconds = wait.as_secs_f64().ceil() as u64;
            let detail = format!("more questions than the rate allows; another may come in {seconds} s");
            again_in(Problem::new(Code::TooOften, detail), seconds)
        }
        Verdict::UnknownKey => Problem::new(Code::UnknownKey, "nobody has this key").into_response(),
        Verdict::NoKey => {
            let detail = "questions need a key: X-Api-Key, or Authorization: Bearer";
            Problem::new(Code::UnknownKey, detail).into_response()
        }
    }
}

/// A problem that may be gone after some seconds.
pub(super) fn again_in(problem: Problem, seconds: u64) -> Response {
    let mut response = problem.into_response();
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    response
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The key that is shown.
fn key(headers: &HeaderMap) -> Option<&str> {
    let bearer = text(headers, &header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
    text(headers, &KEY).or(bearer).map(str::trim)
}

/// Gives what is asked for again and again a tag, and answers who has it already that it is the same.
pub(super) async fn tagged(request: Request, next: Next) -> Response {
    const TAGGED: [&str; 5] = ["/map/stops", "/stoptimes", "/geocode", "/reverse-geocode", "/fares"];
    if !TAGGED.iter().any(|page| request.uri().path().ends_with(page)) {
        return next.run(request).await;
    }
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let response = next.run(request).await;
    if response.status() != StatusCode::OK {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, LONGEST_TAGGED).await else {
        return Problem::new(Code::Internal, "the answer is too long").into_response();
    };
    // A weak one: compressed or not, it is the same answer.
    let tag = format!("W/\"{}\"", hexadecimal(&Sha256::digest(&body)[..12]));
    let same = known.as_ref().and_then(|known| known.to_str().ok()).is_some_and(|known| {
        known.split(',').map(str::trim).any(|one| one == "*" || one == tag || one == &tag[2..])
    });
    parts.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        parts.headers.insert(header::ETAG, tag);
    }
    if !same {
        return Response::from_parts(parts, Body::from(body));
    }
    parts.status = StatusCode::NOT_MODIFIED;
    parts.headers.remove(header::CONTENT_TYPE);
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::empty())
}
