//! How one may pay.

use super::{
    parameters::{Pairs, Parameters, time},
    problem::Problem,
};
use crate::{gtfs::calendar::Day, service::Routing};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use jiff::tz::TimeZone;
use serde::Serialize;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// The parameters of `GET /api/v1/fares`.
#[derive(Clone, Debug, Default, IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "this struct is the document of the parameters")]
pub(crate) struct FaresParameters {
    /// On whose day: ISO 8601 with `Z` or an offset. Default: now.
    #[param(required = false)]
    time: String,
    /// Language tags, first one first; `en…` gives English names where there are any.
    #[param(required = false)]
    language: String,
}

/// `GET /api/v1/fares`.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct FaresView {
    /// Whose tariff it is; null if none is loaded.
    pub name: Option<String>,
    /// ISO 4217; null if none is loaded.
    pub currency: Option<String>,
    /// How one may pay, the usual way first; empty if no tariff is loaded.
    pub cards: Vec<CardView>,
}

/// A way to pay.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CardView {
    /// What `card` of `/api/v1/plan` takes.
    pub id: String,
    /// What it is called.
    pub name: String,
}

/// How one may pay.
#[utoipa::path(
    get, path = "/api/v1/fares", tag = "routing", operation_id = "fares",
    params(FaresParameters),
    responses(
        (status = 200, description = "The cards of the day's tariff", body = FaresView),
        (status = 400, description = "bad-request", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn fares(State(routing): State<Arc<Routing>>, pairs: Pairs) -> Response {
    answer(&routing, pairs).map_or_else(IntoResponse::into_response, |view| Json(view).into_response())
}

fn answer(routing: &Routing, pairs: Pairs) -> Result<FaresView, Problem> {
    let mut given = Parameters::of(pairs)?;
    let moment = given.take("time").map(time).transpose()?.unwrap_or_else(|| routing.clock.now());
    let language = given.language();
    let Some(fares) = routing.planner.fares() else {
        return Ok(FaresView { name: None, currency: None, cards: Vec::new() });
    };
    let zone = routing.planner.transit().map_or(TimeZone::UTC, |transit| transit.timetable().zone());
    let at = jiff::Timestamp::from_millisecond(moment.0).unwrap_or_default().to_zoned(zone);
    let card = |card: &crate::fare::Card| CardView {
        id: card.id.clone(),
        name: language.name(&card.name).to_string(),
    };
    Ok(FaresView {
        name: Some(language.name(&fares.name).to_string()),
        currency: Some(fares.currency.clone()),
        cards: fares.cards(Day::of(at.date())).iter().map(card).collect(),
    })
}
