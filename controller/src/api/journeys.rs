//! The journey planner's part of the page: its questions go on to the planner, which is a program of its own.

use super::{Api, problem::Code, view::Problem};
use crate::journeys::Trouble;
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};

/// What a page asks the planner; the rest of its API is for those who ask it itself.
pub(super) const PATHS: [&str; 9] = [
    "/api/v1/plan",
    "/api/v1/fares",
    "/api/v1/stoptimes",
    "/api/v1/map/stops",
    "/api/v1/map/vehicles",
    "/api/v1/isochrone",
    "/api/v1/geocode",
    "/api/v1/reverse-geocode",
    "/api/v1/routing/health",
];

/// Hands a question on. Not in the document of this API: the planner publishes its own.
pub(super) async fn hand_on(
    State(api): State<Api>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let planner = api.0.planner.as_ref().ok_or_else(|| {
        Problem::not_found("this centre knows no journey planner; [planner] in its configuration names one")
    })?;
    let asked = uri.path_and_query().map_or(uri.path(), |asked| asked.as_str());
    let answer = planner.ask(asked, &headers).await.map_err(|trouble| {
        if let Trouble::Silent(Some(error)) = &trouble {
            tracing::info!(%error, "the journey planner does not answer");
        }
        let status = match trouble {
            Trouble::Silent(_) | Trouble::Key => StatusCode::BAD_GATEWAY,
            Trouble::Busy => StatusCode::SERVICE_UNAVAILABLE,
        };
        Problem::new(Code::Unavailable, status, trouble.to_string())
    })?;
    Ok(answer.into_response())
}
