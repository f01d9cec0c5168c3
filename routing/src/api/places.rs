//! Places by name, names by place, and the stops that a map shows, in the shape of MOTIS.

use super::{
    in_turn,
    parameters::{Given, Pairs, Parameters, bad, coordinates},
    problem::Problem,
    view::{Language, PlaceView},
};
use crate::{
    geocode::{Kind, Match, Named, Wish},
    profile::Profile,
    service::Routing,
};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use model::geo::LonLat;
use serde::Serialize;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Answers to one question at most.
const MOST_ANSWERS: f64 = 50.0;
/// How far from a place the stops and the street are that say where it is, m.
const HERE_M: f64 = 500.0;

/// The parameters of `GET /api/v1/geocode` that have an effect.
#[derive(Clone, Debug, Default, IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "this struct is the document of the parameters")]
pub(crate) struct GeocodeParameters {
    /// What was typed, in Cyrillic or Latin letters; the last word may be unfinished, and slips are forgiven.
    #[param(required = true, example = "tverskaya")]
    text: String,
    /// `STOP` and `ADDRESS` (streets), separated by commas. Default: both. There are no other places yet.
    #[param(required = false, rename = "type")]
    kind: String,
    /// `latitude,longitude`: what is near here comes first among equals.
    #[param(required = false)]
    place: String,
    /// How strongly, 0 to 10. Default: 1.
    #[param(required = false)]
    place_bias: f64,
    /// Answers wanted, 1 to 50. Default: 10.
    #[param(required = false)]
    num_results: u32,
    /// Language tags, first one first; `en…` gives English names where there are any.
    #[param(required = false)]
    language: String,
}

/// The parameters of `GET /api/v1/reverse-geocode` that have an effect.
#[derive(Clone, Debug, Default, IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "this struct is the document of the parameters")]
pub(crate) struct ReverseParameters {
    /// `latitude,longitude`.
    #[param(required = true, example = "55.7522,37.6156")]
    place: String,
    /// `STOP` and `ADDRESS` (the street), separated by commas. Default: both.
    #[param(required = false, rename = "type")]
    kind: String,
    /// Answers wanted, 1 to 50. Default: 5.
    #[param(required = false)]
    num_results: u32,
    /// Language tags, first one first; `en…` gives English names where there are any.
    #[param(required = false)]
    language: String,
}

/// The parameters of `GET /api/v1/map/stops`.
#[derive(Clone, Debug, Default, IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "this struct is the document of the parameters")]
pub(crate) struct StopsParameters {
    /// `latitude,longitude` of one corner.
    #[param(required = true, example = "55.74,37.60")]
    min: String,
    /// `latitude,longitude` of the opposite corner.
    #[param(required = true, example = "55.77,37.65")]
    max: String,
    /// Language tags, first one first; `en…` gives English names where there are any.
    #[param(required = false)]
    language: String,
}

/// A place that answers a question.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MatchView {
    /// `STOP`, or `ADDRESS` for streets.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where the words that were found begin in the name, and how many characters they have.
    pub tokens: Vec<[usize; 2]>,
    /// What it is called.
    pub name: String,
    /// The stop's id, with which journeys and boards can be asked for; for streets `latitude,longitude`, likewise.
    pub id: String,
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lon: f64,
    /// The street, for streets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street: Option<String>,
    /// The city.
    pub areas: Vec<AreaView>,
    /// How well it answers, higher is better.
    pub score: f64,
    /// What stops there, for stops.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub modes: Vec<String>,
    /// How much of the city's life is there, 0 to 1.
    pub importance: f64,
}

/// What a place lies in.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AreaView {
    /// What it is called.
    pub name: String,
    /// OpenStreetMap's level of a city.
    pub admin_level: u32,
    /// Always false: areas are not searched.
    pub matched: bool,
    /// Whether it is what to say with the name.
    pub default: bool,
}

/// Finds stops and streets by what a person types.
///
/// Names are compared as they sound, so that Cyrillic may be typed in Latin letters in any usual way, with accents or
/// without, in the wrong keyboard layout, unfinished, and with a slip or two in each word.
#[utoipa::path(
    get, path = "/api/v1/geocode", tag = "routing", operation_id = "geocode",
    params(GeocodeParameters),
    responses(
        (status = 200, description = "Places, best first; perhaps none", body = Vec<MatchView>),
        (status = 400, description = "bad-request, not-a-place", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "busy, took-too-long", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn geocode(State(routing): State<Arc<Routing>>, pairs: Pairs) -> Response {
    in_turn(&routing, move |routing| {
        let mut given = Parameters::of(pairs)?;
        let Some((_, text)) = given.take("text") else {
            return Err(bad("text", "text is missing; it is what a person typed"));
        };
        let (stops, streets) = wanted(given.take("type"))?;
        let near = given.take("place").map(|place| coordinates("place", Some(place))).transpose()?;
        let bias = given.whole("placeBias", 0.0..=10.0, "", 1.0)? as f32;
        let most = given.whole("numResults", 1.0..=MOST_ANSWERS, "", 10.0)? as usize;
        let language = given.language();
        let wish = Wish { stops, streets, near, bias, most };
        let found = routing.planner.names().find(&text, &wish);
        let answer: Vec<MatchView> =
            found.into_iter().map(|found| MatchView::new(routing, &found, language)).collect();
        Ok(Json(answer).into_response())
    })
    .await
}

/// Says where a place is: stops nearby, and the street.
#[utoipa::path(
    get, path = "/api/v1/reverse-geocode", tag = "routing", operation_id = "reverseGeocode",
    params(ReverseParameters),
    responses(
        (status = 200, description = "Stops and the street within 500 m, nearest first", body = Vec<MatchView>),
        (status = 400, description = "bad-request, not-a-place", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "busy, took-too-long", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn reverse_geocode(State(routing): State<Arc<Routing>>, pairs: Pairs) -> Response {
    in_turn(&routing, move |routing| {
        let mut given = Parameters::of(pairs)?;
        let at = coordinates("place", given.take("place"))?;
        let (stops, streets) = wanted(given.take("type"))?;
        let most = given.whole("numResults", 1.0..=MOST_ANSWERS, "", 5.0)? as usize;
        let language = given.language();
        let mut found = Vec::new();
        if stops {
            let near = routing.planner.names().stops_near(at, HERE_M, most);
            found.extend(near.into_iter().map(|(place, away_m)| (place.clone(), away_m)));
        }
        found.extend(street_at(routing, at).filter(|_| streets));
        found.sort_by(|a, b| a.1.total_cmp(&b.1));
        found.truncate(most);
        let answer: Vec<MatchView> = found
            .iter()
            .map(|(place, away_m)| {
                let score = (1.0 - away_m / HERE_M) as f32;
                MatchView::new(routing, &Match { place, score, found: Vec::new() }, language)
            })
            .collect();
        Ok(Json(answer).into_response())
    })
    .await
}

/// Stops on a part of the map.
#[utoipa::path(
    get, path = "/api/v1/map/stops", tag = "routing", operation_id = "stops",
    params(StopsParameters),
    responses(
        (status = 200, description = "Every place where vehicles stop between the two corners", body = Vec<PlaceView>),
        (status = 400, description = "bad-request, not-a-place", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "busy, took-too-long", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn stops(State(routing): State<Arc<Routing>>, pairs: Pairs) -> Response {
    in_turn(&routing, move |routing| {
        let mut given = Parameters::of(pairs)?;
        let a = coordinates("min", given.take("min"))?;
        let b = coordinates("max", given.take("max"))?;
        let language = given.language();
        let between = |x: f64, a: f64, b: f64| (a.min(b)..=a.max(b)).contains(&x);
        let Some(transit) = routing.planner.transit() else {
            return Ok(Json(Vec::<PlaceView>::new()).into_response());
        };
        let timetable = transit.timetable();
        let inside = (0..timetable.stops.len() as u32).filter(|&stop| {
            let at = timetable.stops[stop as usize].at;
            timetable.is_platform(stop) && between(at.lat, a.lat, b.lat) && between(at.lon, a.lon, b.lon)
        });
        let view = |stop: u32| {
            let row = &timetable.stops[stop as usize];
            let mut view = PlaceView {
                level: f64::from(row.level),
                track: row.platform.clone(),
                stop_code: row.code.clone(),
                parent_id: row.parent.map(|parent| timetable.stops[parent as usize].id.clone()),
                ..PlaceView::new(&transit.place(stop))
            };
            view.translate(language, |local| timetable.english(local));
            view
        };
        Ok(Json(inside.map(view).collect::<Vec<_>>()).into_response())
    })
    .await
}

/// Whether stops and streets are wanted.
fn wanted(kinds: Option<Given>) -> Result<(bool, bool), Problem> {
    let Some((name, value)) = kinds else { return Ok((true, true)) };
    let (mut stops, mut streets) = (false, false);
    for kind in value.split(',').map(str::trim).filter(|kind| !kind.is_empty()) {
        match kind {
            "STOP" => stops = true,
            "ADDRESS" => streets = true,
            "PLACE" => {}
            _ => return Err(bad(&name, format!("{name} knows STOP, ADDRESS and PLACE, not {kind:?}"))),
        }
    }
    Ok((stops, streets))
}

/// The named street that is nearest, and how far it is.
fn street_at(routing: &Routing, at: LonLat) -> Option<(Named, f64)> {
    let planner = &routing.planner;
    let named = |link: model::ids::LinkIx| planner.map().link(link).name().is_some();
    let graph = planner.graph(Profile::Walk);
    let access = planner.index().access(planner.map(), graph, at, HERE_M, named)?;
    let foot = access.nearest.first()?;
    let name = planner.map().link(graph.arc(foot.arc).link()).name()?.clone();
    let at = graph.plane.to_lonlat(foot.at);
    let street = Named { kind: Kind::Street, name, at, modes: Default::default(), importance: 0.0 };
    Some((street, access.distance_m))
}

impl MatchView {
    fn new(routing: &Routing, found: &Match<'_>, language: Language) -> MatchView {
        let place = found.place;
        let name = language.name(&place.name).to_string();
        let thousandths = |value: f32| (f64::from(value) * 1000.0).round() / 1000.0;
        let city = language.name(&routing.planner.map().name).to_string();
        let (kind, id, street) = match &place.kind {
            Kind::Stop(id) => ("STOP", id.clone(), None),
            Kind::Street => {
                ("ADDRESS", format!("{:.6},{:.6}", place.at.lat, place.at.lon), Some(name.clone()))
            }
        };
        MatchView {
            kind: kind.to_string(),
            tokens: if language == Language::Local { found.found.clone() } else { Vec::new() },
            name,
            id,
            lat: place.at.lat,
            lon: place.at.lon,
            street,
            areas: vec![AreaView { name: city, admin_level: 4, matched: false, default: true }],
            score: thousandths(found.score),
            modes: place.modes.iter().map(ToString::to_string).collect(),
            importance: thousandths(place.importance),
        }
    }
}
