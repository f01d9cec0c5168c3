//! What is reached within some time: all stops in the shape of MOTIS' `one-to-all`, and the ground as GeoJSON.

use super::{
    in_turn,
    parameters::{Given, Pairs, Parameters, bad, number, place, time, transit_modes},
    problem::{Code, Problem},
    question::{SPEEDS_MPS, feeders},
    traffic_view,
    view::{Language, PlaceView, TrafficView},
};
use crate::{
    feeder::Feeder,
    intermodal::TransitQuery,
    isochrone::Isochrone,
    itinerary::Place,
    planner::{NoJourney, STREET_WITHIN_M, When},
    profile::Profile,
    service::Routing,
    transit::{day::Modes, search::MOST_RIDES},
};
use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use geojson::{Feature, Geometry, GeometryValue, JsonObject};
use model::time::Moment;
use serde::Serialize;
use serde_json::json;
use std::{sync::Arc, time::Duration};
use utoipa::{IntoParams, ToSchema};

/// Longest journeys that are looked at, min.
const LONGEST_MIN: f64 = 240.0;
/// Times of one question.
const MOST_TIMES: usize = 10;

/// The parameters of `GET /api/v1/one-to-all` and `GET /api/v1/isochrone` that have an effect.
#[derive(Clone, Debug, Default, IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "this struct is the document of the parameters")]
pub(crate) struct ReachParameters {
    /// `latitude,longitude[,level]` in degrees, or the id of a stop.
    #[param(required = true, example = "55.7522,37.6156")]
    one: String,
    /// Departure from there, or arrival there with `arriveBy=true`: ISO 8601 with `Z` or an offset. Default: now.
    #[param(required = false)]
    time: String,
    /// Whether one wants to be there by `time`. Default: false.
    #[param(required = false)]
    arrive_by: bool,
    /// `FOOT` or `WHEELCHAIR`. Default: `FOOT`.
    #[param(required = false)]
    pedestrian_profile: String,
    /// m/s, 0.3 to 15. Default: 1.39 on foot, 1.0 in a wheelchair.
    #[param(required = false)]
    pedestrian_speed: f64,
    /// m/s, 0.3 to 15. Default: 4.17.
    #[param(required = false)]
    cycling_speed: f64,
    /// How far a street may be from the place, m; at most 1000, which is the default.
    #[param(required = false)]
    max_matching_distance: f64,
    /// Modes of public transport, as in `plan`. Default: `TRANSIT`.
    #[param(required = false, example = "BUS,SUBWAY")]
    transit_modes: String,
    /// Most changes of vehicle, 0 to 11. Default: 5.
    #[param(required = false)]
    max_transfers: u32,
    /// Means of getting from the place to the first stop, as in `plan`. Default: `WALK`.
    #[param(required = false)]
    pre_transit_modes: String,
    /// With `arriveBy=true`: means of getting from the last stop to the place.
    #[param(required = false)]
    post_transit_modes: String,
    /// Longest way to the first stop, s. Default: 900.
    #[param(required = false)]
    max_pre_transit_time: u32,
    /// With `arriveBy=true`: longest way from the last stop, s. Default: 900.
    #[param(required = false)]
    max_post_transit_time: u32,
    /// Whether one takes a bicycle along, as in `plan`. Default: false.
    #[param(required = false)]
    require_bike_transport: bool,
    /// Language tags, first one first; `en…` gives English names where there are any.
    #[param(required = false)]
    language: String,
}

/// What one of the two pages has beside the rest.
#[derive(Clone, Debug, Default, IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "this struct is the document of the parameters")]
pub(crate) struct AllParameters {
    /// Longest journeys, min, 1 to 240.
    #[param(required = true, example = 30)]
    max_travel_time: u32,
}

/// What the other has.
#[derive(Clone, Debug, Default, IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "this struct is the document of the parameters")]
pub(crate) struct IsochroneParameters {
    /// Times, min, 1 to 240, separated by commas; at most 10. Default: `15,30`.
    #[param(required = false, example = "15,30")]
    contours: String,
    /// `TRANSIT` (with ways on foot), `WALK`, `BIKE`, `CAR` or `HGV`. Default: `TRANSIT`.
    #[param(required = false)]
    mode: String,
}

/// What is reached, in the shape of MOTIS.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub(super) struct ReachableView {
    /// The place.
    pub one: PlaceView,
    /// All stops that are reached, in the order of their time.
    pub all: Vec<ReachedView>,
    /// **Ours**: what was asked and not done, and why, in English sentences.
    pub notes: Vec<String>,
}

/// A stop that is reached.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub(super) struct ReachedView {
    /// The stop.
    pub place: PlaceView,
    /// How long it takes, min, to the second.
    pub duration: f64,
    /// With how few rides it takes so long; 0 is without any.
    pub k: usize,
}

/// The ground that is reached: a GeoJSON `FeatureCollection`.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub(super) struct IsochronesView {
    /// `FeatureCollection`.
    #[serde(rename = "type")]
    pub kind: String,
    /// A `Feature` for each of `contours`, the longest first: its `MultiPolygon`, with `minutes` and `mode` among its `properties`.
    #[schema(value_type = Vec<Object>)]
    pub features: Vec<Feature>,
    /// The traffic that cars drive in.
    pub traffic: TrafficView,
    /// **Ours**: whose data it is, to be shown with it; left out where nobody is to be named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attribution: Vec<String>,
    /// What was asked and not done, and why, in English sentences.
    pub notes: Vec<String>,
}

/// A question for what is reached.
struct Reach {
    place: Place,
    query: TransitQuery,
    language: Language,
    notes: Vec<String>,
}

impl Reach {
    fn read(given: &mut Parameters, routing: &Routing, now: Moment) -> Result<Reach, Problem> {
        let mut notes = Vec::new();
        let place = place(&routing.planner, "one", "ONE", given.take("one"))?;
        let moment = given.take("time").map(time).transpose()?.unwrap_or(now);
        let when = match given.flag("arriveBy", false)? {
            true => When::ArriveBy(moment),
            false => When::DepartAt(moment),
        };
        let on_foot = match given.take("pedestrianProfile") {
            None => Profile::Walk,
            Some((name, value)) => match value.as_str() {
                "FOOT" => Profile::Walk,
                "WHEELCHAIR" => Profile::Wheelchair,
                _ => return Err(bad(&name, format!("{name} is FOOT or WHEELCHAIR, not {value:?}"))),
            },
        };
        let mut by = |name: &str| match given.take(name) {
            None => Ok(vec![Feeder::OnFoot]),
            Some(given) => feeders(given, on_foot, &mut notes),
        };
        let (before, after) = (by("preTransitModes")?, by("postTransitModes")?);
        let mut speed = |name: &str| given.take(name).map(|g| number(g, SPEEDS_MPS, "m/s")).transpose();
        let (speed_mps, cycling_mps) = (speed("pedestrianSpeed")?, speed("cyclingSpeed")?);
        let street_within_m =
            given.take("maxMatchingDistance").map(|g| number(g, 0.0..=1e9, "m")).transpose()?;
        let modes = given.take("transitModes").map(transit_modes).transpose()?.unwrap_or(Modes::ALL);
        let transfers = given.whole("maxTransfers", 0.0..=(MOST_RIDES - 1) as f64, "", 5.0)? as usize;
        let mut seconds =
            |name: &str| given.whole(name, 0.0..=86_400.0, "s", 900.0).map(Duration::from_secs_f64);
        let (walk_before, walk_after) = (seconds("maxPreTransitTime")?, seconds("maxPostTransitTime")?);
        let with_bicycle = given.flag("requireBikeTransport", false)? && on_foot == Profile::Walk;
        let query = TransitQuery {
            from: place.clone(),
            to: place.clone(),
            on_foot,
            when,
            window: Duration::ZERO,
            at_least: 1,
            transfers,
            modes,
            escorted: false,
            with_bicycle,
            before,
            after,
            walk_before,
            walk_after,
            street_within_m: street_within_m.unwrap_or(STREET_WITHIN_M).min(STREET_WITHIN_M),
            speed_mps,
            cycling_mps,
            avoid_crowds: false,
            cheaper: None,
            asked: now,
        };
        Ok(Reach { place, query, language: given.language(), notes })
    }
}

fn no_street(reason: NoJourney) -> Problem {
    Problem::new(Code::NoStreetNear, reason.to_string()).with("one")
}

/// All stops that are reached within some time, in the shape of MOTIS.
///
/// Each with how long it takes, by the fastest way of all that set out at `time`, and with how few rides. One walks on from
/// stops to others for as long as time is left.
#[utoipa::path(
    get, path = "/api/v1/one-to-all", tag = "routing", operation_id = "oneToAll",
    params(ReachParameters, AllParameters),
    responses(
        (status = 200, description = "The stops; none without a timetable", body = ReachableView),
        (status = 400, description = "bad-request, not-a-place, swapped-coordinates", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "unknown-stop", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "outside-the-map, no-street-near", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "busy, took-too-long", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn one_to_all(State(routing): State<Arc<Routing>>, pairs: Pairs) -> Response {
    let now = routing.clock.now();
    in_turn(&routing, move |routing| {
        let mut given = Parameters::of(pairs)?;
        let Reach { place, query, language, mut notes } = Reach::read(&mut given, routing, now)?;
        let limit = match given.take("maxTravelTime") {
            Some(given) => number(given, 1.0..=LONGEST_MIN, "min")?,
            None => return Err(bad("maxTravelTime", "maxTravelTime is missing; it is minutes")),
        };
        notes.extend(given.left().map(|name| format!("{name} has no effect yet")));
        let Some(transit) = routing.planner.transit() else {
            notes.push("no timetable is loaded, so there are no stops to reach".to_string());
            let view = ReachableView { one: PlaceView::new(&place), all: Vec::new(), notes };
            return Ok(Json(view).into_response());
        };
        let limit = Duration::from_secs_f64(limit * 60.0);
        let found = routing.planner.everywhere(&query, limit, &transit.live(), &routing.traffic.now());
        let say = |local: &str| routing.planner.english(local);
        let mut all: Vec<ReachedView> = found
            .map_err(no_street)?
            .into_iter()
            .map(|reached| {
                let mut place = PlaceView::new(&transit.place(reached.stop));
                place.translate(language, say);
                let duration = f64::from(reached.ms.div_ceil(1000)) / 60.0;
                ReachedView { place, duration: (duration * 1000.0).round() / 1000.0, k: reached.rides }
            })
            .collect();
        all.sort_by(|a, b| a.duration.total_cmp(&b.duration));
        Ok(Json(ReachableView { one: PlaceView::new(&place), all, notes }).into_response())
    })
    .await
}

/// The ground that is reached within some times, as GeoJSON. **Ours.**
///
/// All streets that are reached in time lie inside, with what is some 60 m beside them. Cars drive in the traffic of `time`.
#[utoipa::path(
    get, path = "/api/v1/isochrone", tag = "routing", operation_id = "isochrone",
    params(ReachParameters, IsochroneParameters),
    responses(
        (status = 200, description = "Polygons", body = IsochronesView, content_type = "application/geo+json"),
        (status = 400, description = "bad-request, not-a-place, swapped-coordinates", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "unknown-stop", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "outside-the-map, no-street-near", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "busy, took-too-long", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn isochrone(State(routing): State<Arc<Routing>>, pairs: Pairs) -> Response {
    let now = routing.clock.now();
    in_turn(&routing, move |routing| {
        let mut given = Parameters::of(pairs)?;
        let Reach { place, query, mut notes, .. } = Reach::read(&mut given, routing, now)?;
        let limits = match given.take("contours") {
            Some(given) => times(given)?,
            None => [15, 30].map(|minutes| Duration::from_secs(60 * minutes)).to_vec(),
        };
        let (name, mode) = given.take("mode").unwrap_or(("mode".to_string(), "TRANSIT".to_string()));
        let profile = match mode.as_str() {
            "TRANSIT" => None,
            "WALK" => Some(query.on_foot),
            "BIKE" => Some(Profile::Bicycle),
            "CAR" => Some(Profile::Car),
            "HGV" => Some(Profile::Truck),
            _ => {
                let says = format!("{name} is TRANSIT, WALK, BIKE, CAR or HGV, not {mode:?}");
                return Err(bad(&name, says));
            }
        };
        notes.extend(given.left().map(|name| format!("{name} has no effect yet")));
        let traffic = routing.traffic.now();
        let found = match (profile, routing.planner.transit()) {
            (None, Some(transit)) => {
                routing.planner.transit_isochrones(&query, &limits, &transit.live(), &traffic)
            }
            (None, None) => {
                notes.push("no timetable is loaded, so it is what is reached on foot".to_string());
                routing.planner.isochrones(&place, query.on_foot, query.when, &limits, (&traffic, now))
            }
            (Some(profile), _) => {
                routing.planner.isochrones(&place, profile, query.when, &limits, (&traffic, now))
            }
        };
        let (When::DepartAt(at) | When::ArriveBy(at)) = query.when;
        let view = IsochronesView {
            kind: "FeatureCollection".to_string(),
            features: features(found.map_err(no_street)?, &mode),
            traffic: traffic_view(routing, &traffic, now, at),
            attribution: routing.attribution(),
            notes,
        };
        let body = serde_json::to_vec(&view).expect("plain data always serialises");
        Ok(([(header::CONTENT_TYPE, "application/geo+json")], body).into_response())
    })
    .await
}

/// The times asked for, longest first.
fn times((name, value): Given) -> Result<Vec<Duration>, Problem> {
    let mut all = Vec::new();
    for one in value.split(',').map(str::trim).filter(|one| !one.is_empty()) {
        let minutes = number((name.clone(), one.to_string()), 1.0..=LONGEST_MIN, "min")?;
        all.push(Duration::from_secs_f64(minutes * 60.0));
    }
    if all.is_empty() || all.len() > MOST_TIMES {
        return Err(bad(&name, format!("{name} has 1 to {MOST_TIMES} times")));
    }
    all.sort_unstable_by(|a, b| b.cmp(a));
    all.dedup();
    Ok(all)
}

fn features(isochrones: Vec<Isochrone>, mode: &str) -> Vec<Feature> {
    let point = |at: &model::geo::LonLat| {
        let degrees = [at.lon, at.lat].map(|degrees| (degrees * 1e6).round() / 1e6);
        geojson::Position::from(degrees)
    };
    let feature = |isochrone: Isochrone| {
        let rings = |polygon: &Vec<Vec<model::geo::LonLat>>| {
            polygon.iter().map(|ring| ring.iter().map(point).collect()).collect()
        };
        let polygons = isochrone.polygons.iter().map(rings).collect();
        let properties = json!({ "minutes": isochrone.within.as_secs_f64() / 60.0, "mode": mode });
        let properties: Option<JsonObject> = properties.as_object().cloned();
        let geometry = Some(Geometry::new(GeometryValue::MultiPolygon { coordinates: polygons }));
        Feature { geometry, properties, ..Feature::default() }
    };
    isochrones.into_iter().map(feature).collect()
}
