//! `route`, `table`, `nearest`, `match` and `trip` in the shape of OSRM's HTTP API (v1), for clients that were written for it.
//!
//! Errors are OSRM's too: a `code` and a `message`. `overview=simplified` gives the whole line; hints, bearings, exclusions and
//! distances in tables are not read.

mod tracks;

pub(super) use tracks::{__path_match_, __path_trip, match_, trip};

use super::{
    Routing, in_turn,
    parameters::{Pairs, Parameters},
    traffic_view,
    view::{Language, TrafficView, encode_polyline},
};
use crate::{
    itinerary::{Direction, Leg, Place, Step},
    planner::{NoJourney, Query, STREET_WITHIN_M, When},
    profile::Profile,
    snapshot::Snapshot,
};
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use model::{geo::LonLat, time::Moment};
use serde::Serialize;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use utoipa::{IntoParams, ToSchema};

/// Places of a route.
const MOST_VIA: usize = 100;
/// Other ways of a route.
const MOST_ALTERNATIVES: usize = 3;
/// Sources times destinations of a table.
const LARGEST_TABLE: usize = 10_000;

/// The parameters of `GET /route/v1/…`.
#[derive(Clone, Debug, Default, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "this struct is the document of the parameters")]
pub(crate) struct RouteParameters {
    /// `polyline` (5 digits, the default), `polyline6` or `geojson`.
    #[param(required = false)]
    geometries: String,
    /// `simplified` (the default) or `full`, both of which give the whole line, or `false`.
    #[param(required = false)]
    overview: String,
    /// Whether to say what to do on the way. Default: false.
    #[param(required = false)]
    steps: bool,
    /// How many other ways are wanted between two places: a number up to 3, `true` (2) or `false`. They take at most a quarter
    /// longer and share at most 80 % of the time with the quickest and with one another; often there are none. Default: `false`.
    #[param(required = false)]
    alternatives: String,
}

/// The parameters of `GET /table/v1/…`.
#[derive(Clone, Debug, Default, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "this struct is the document of the parameters")]
pub(crate) struct TableParameters {
    /// Places to go out from, by their numbers from 0, separated by semicolons, or `all`, the default.
    #[param(required = false)]
    sources: String,
    /// Places to go to, likewise.
    #[param(required = false)]
    destinations: String,
}

/// An error as OSRM says it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub(super) struct OsrmError {
    /// OSRM's code: `InvalidQuery`, `InvalidValue`, `InvalidOptions`, `NoSegment`, `NoRoute`, `TooBig`.
    pub code: String,
    /// What is wrong.
    pub message: String,
}

impl OsrmError {
    fn new(code: &str, message: impl Into<String>) -> OsrmError {
        OsrmError { code: code.to_string(), message: message.into() }
    }
}

impl IntoResponse for OsrmError {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, Json(self)).into_response()
    }
}

/// Routes, in the shape of OSRM.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub(super) struct RoutesView {
    /// `Ok`.
    pub code: String,
    /// The quickest, then others if they were asked for.
    #[schema(value_type = Vec<Object>)]
    pub routes: Vec<Value>,
    /// The places on their streets.
    #[schema(value_type = Vec<Object>)]
    pub waypoints: Vec<Value>,
    /// **Ours**: the traffic that it is planned in.
    pub traffic: TrafficView,
    /// **Ours**: whose data it is, to be shown with it; left out where nobody is to be named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attribution: Vec<String>,
}

/// Durations, in the shape of OSRM.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub(super) struct DurationsView {
    /// `Ok`.
    pub code: String,
    /// By source and destination, s; null where there is no way.
    pub durations: Vec<Vec<Option<f64>>>,
    /// The places to go out from on their streets.
    #[schema(value_type = Vec<Object>)]
    pub sources: Vec<Value>,
    /// The places to go to.
    #[schema(value_type = Vec<Object>)]
    pub destinations: Vec<Value>,
    /// **Ours**: the traffic that it is worked out in.
    pub traffic: TrafficView,
}

/// A street near a place, in the shape of OSRM.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub(super) struct NearestView {
    /// `Ok`.
    pub code: String,
    /// The place on its street.
    #[schema(value_type = Vec<Object>)]
    pub waypoints: Vec<Value>,
}

/// The quickest way over all places in order, as OSRM tells it.
#[utoipa::path(
    get, path = "/route/v1/{profile}/{coordinates}", tag = "routing", operation_id = "osrmRoute",
    params(
        ("profile" = String, Path, description = "`driving` or `car`, `truck` or `hgv`, `cycling` or `bike`, `walking` or `foot`"),
        ("coordinates" = String, Path, description = "`longitude,latitude` of 2 to 100 places, separated by semicolons"),
        RouteParameters,
    ),
    responses(
        (status = 200, description = "The route", body = RoutesView),
        (status = 400, description = "InvalidQuery, InvalidValue, InvalidOptions, NoSegment, NoRoute, TooBig", body = OsrmError),
        (status = 503, description = "busy, took-too-long", body = super::Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn route(
    State(routing): State<Arc<Routing>>,
    Path(path): Path<(String, String)>,
    pairs: Pairs,
) -> Response {
    service(routing, path, pairs, route_of).await
}

/// How long the quickest ways take between places, as OSRM tells it.
#[utoipa::path(
    get, path = "/table/v1/{profile}/{coordinates}", tag = "routing", operation_id = "osrmTable",
    params(
        ("profile" = String, Path, description = "`driving` or `car`, `truck` or `hgv`, `cycling` or `bike`, `walking` or `foot`"),
        ("coordinates" = String, Path, description = "`longitude,latitude` of places, separated by semicolons; at most 10000 pairs"),
        TableParameters,
    ),
    responses(
        (status = 200, description = "The durations", body = DurationsView),
        (status = 400, description = "InvalidQuery, InvalidValue, InvalidOptions, NoSegment, TooBig", body = OsrmError),
        (status = 503, description = "busy, took-too-long", body = super::Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn table(
    State(routing): State<Arc<Routing>>,
    Path(path): Path<(String, String)>,
    pairs: Pairs,
) -> Response {
    service(routing, path, pairs, table_of).await
}

/// The street near a place, as OSRM tells it.
#[utoipa::path(
    get, path = "/nearest/v1/{profile}/{coordinates}", tag = "routing", operation_id = "osrmNearest",
    params(
        ("profile" = String, Path, description = "`driving` or `car`, `truck` or `hgv`, `cycling` or `bike`, `walking` or `foot`"),
        ("coordinates" = String, Path, description = "`longitude,latitude` of one place"),
    ),
    responses(
        (status = 200, description = "The street", body = NearestView),
        (status = 400, description = "InvalidQuery, InvalidValue, NoSegment", body = OsrmError),
    )
)]
pub(super) async fn nearest(
    State(routing): State<Arc<Routing>>,
    Path((profile, coordinates)): Path<(String, String)>,
) -> Response {
    let answer = || {
        let (profile, places) = (profile_of(&profile)?, places(&coordinates)?);
        let [place] = places[..] else {
            return Err(OsrmError::new("InvalidQuery", "nearest takes one place"));
        };
        let waypoints = vec![waypoint(&routing, profile, 0, place)?];
        Ok(NearestView { code: "Ok".to_string(), waypoints })
    };
    answer().map_or_else(IntoResponse::into_response, |view| Json(view).into_response())
}

/// Answers one of the services in its turn, as `of` has it of a profile and coordinates.
async fn service<V: Serialize + 'static>(
    routing: Arc<Routing>,
    (profile, coordinates): (String, String),
    pairs: Pairs,
    of: fn(&Routing, &str, &str, Pairs, Moment) -> Result<V, OsrmError>,
) -> Response {
    let now = routing.clock.now();
    in_turn(&routing, move |routing| {
        let answer = of(routing, &profile, &coordinates, pairs, now);
        Ok(answer.map_or_else(IntoResponse::into_response, |view| Json(view).into_response()))
    })
    .await
}

fn profile_of(name: &str) -> Result<Profile, OsrmError> {
    match name {
        "driving" | "car" => Ok(Profile::Car),
        "truck" | "hgv" => Ok(Profile::Truck),
        "cycling" | "bike" | "bicycle" => Ok(Profile::Bicycle),
        "walking" | "foot" => Ok(Profile::Walk),
        _ => Err(OsrmError::new("InvalidValue", format!("there is no profile {name:?}"))),
    }
}

/// `longitude,latitude;…`
fn places(text: &str) -> Result<Vec<LonLat>, OsrmError> {
    let place = |text: &str| {
        let (lon, lat) = text.split_once(',')?;
        let at = LonLat { lon: lon.parse().ok()?, lat: lat.parse().ok()? };
        at.is_valid().then_some(at)
    };
    let all = text.trim_end_matches(".json").split(';').map(|one| {
        let says = || format!("{one:?} is no place: it is longitude,latitude in degrees");
        place(one).ok_or_else(|| OsrmError::new("InvalidQuery", says()))
    });
    all.collect()
}

fn parameters(pairs: Pairs) -> Result<Parameters, OsrmError> {
    Parameters::of(pairs).map_err(|problem| OsrmError::new("InvalidQuery", problem.detail))
}

fn no_segment(i: usize) -> OsrmError {
    OsrmError::new("NoSegment", format!("no street within {STREET_WITHIN_M:.0} m of coordinate {i}"))
}

/// A place on its nearest street.
fn waypoint(routing: &Routing, profile: Profile, i: usize, at: LonLat) -> Result<Value, OsrmError> {
    let access = routing.planner.access(profile, at, STREET_WITHIN_M).ok_or_else(|| no_segment(i))?;
    let distance = access.distance_m;
    let street = routing.planner.graph(profile);
    let foot = access.feet().into_iter().next().ok_or_else(|| no_segment(i))?;
    let name = routing.planner.map().link(street.arc(foot.arc).link()).name();
    let name = name.map_or("", |name| Language::Local.name(name));
    Ok(
        json!({ "name": name, "location": lonlat(street.plane.to_lonlat(foot.at)), "distance": tenths(distance) }),
    )
}

fn lonlat(at: LonLat) -> [f64; 2] {
    [at.lon, at.lat].map(|degrees| (degrees * 1e6).round() / 1e6)
}

fn tenths(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

/// How lines are written.
#[derive(Clone, Copy)]
enum Geometries {
    Polyline(u32),
    GeoJson,
}

impl Geometries {
    fn of(self, line: &[LonLat]) -> Value {
        match self {
            Geometries::Polyline(precision) => encode_polyline(line, precision).into(),
            Geometries::GeoJson => {
                json!({ "type": "LineString", "coordinates": line.iter().map(|at| lonlat(*at)).collect::<Vec<_>>() })
            }
        }
    }
}

fn route_of(
    routing: &Routing,
    profile: &str,
    coordinates: &str,
    pairs: Pairs,
    now: Moment,
) -> Result<RoutesView, OsrmError> {
    let (profile, places, mut given) = (profile_of(profile)?, places(coordinates)?, parameters(pairs)?);
    let told = Told::read(&mut given)?;
    let most = match given.take("alternatives").map(|(_, value)| value).as_deref() {
        None | Some("false") => 0,
        Some("true") => 2,
        Some(number) => match number.parse() {
            Ok(most @ 0..=MOST_ALTERNATIVES) => most,
            _ => {
                let says =
                    format!("alternatives is true, false or 0 to {MOST_ALTERNATIVES}, never {number:?}");
                return Err(OsrmError::new("InvalidOptions", says));
            }
        },
    };
    match places.len() {
        0 | 1 => return Err(OsrmError::new("InvalidQuery", "a route takes two places or more")),
        2..=MOST_VIA => {}
        more => return Err(OsrmError::new("TooBig", format!("{more} places are more than {MOST_VIA}"))),
    }
    let traffic = routing.traffic.now();
    let (mut ways, mut at) = (vec![Vec::new()], now);
    for (i, pair) in places.windows(2).enumerate() {
        let place = |at: LonLat| Place { name: String::new(), stop: None, at };
        let query = Query {
            from: place(pair[0]),
            to: place(pair[1]),
            profile,
            when: When::DepartAt(at),
            street_within_m: STREET_WITHIN_M,
            speed_mps: None,
        };
        let found = match (most, places.len()) {
            (1.., 2) => routing.planner.alternatives(&query, most, &traffic, now),
            _ => routing.planner.direct(&query, &traffic, now).map(|journey| vec![journey]),
        };
        let found = found.map_err(|none| match none {
            NoJourney::NoStreet { end, .. } => no_segment(i + usize::from(end == crate::planner::End::To)),
            NoJourney::NoWay { .. } => OsrmError::new("NoRoute", "there is no way between the places"),
        })?;
        at = found[0].end;
        let mut found = found.into_iter();
        ways[0].extend(found.next().into_iter().flat_map(|journey| journey.legs));
        ways.extend(found.map(|journey| journey.legs));
    }
    let waypoints = places.iter().enumerate().map(|(i, place)| waypoint(routing, profile, i, *place));
    Ok(RoutesView {
        code: "Ok".to_string(),
        routes: ways.iter().map(|legs| route_view(legs, told)).collect(),
        waypoints: waypoints.collect::<Result<_, _>>()?,
        traffic: traffic_view(routing, &traffic, now, now),
        attribution: routing.attribution(),
    })
}

/// How ways are told.
#[derive(Clone, Copy)]
struct Told {
    geometries: Geometries,
    overview: bool,
    steps: bool,
}

impl Told {
    fn read(given: &mut Parameters) -> Result<Told, OsrmError> {
        let mut option =
            |name: &str, usual: &str| given.take(name).map_or(usual.to_string(), |(_, value)| value);
        let wrong = |name: &str, value: &str| {
            Err(OsrmError::new("InvalidOptions", format!("{name} is never {value:?}")))
        };
        let geometries = match option("geometries", "polyline").as_str() {
            "polyline" => Geometries::Polyline(5),
            "polyline6" => Geometries::Polyline(6),
            "geojson" => Geometries::GeoJson,
            other => return wrong("geometries", other),
        };
        let overview = match option("overview", "simplified").as_str() {
            "simplified" | "full" => true,
            "false" => false,
            other => return wrong("overview", other),
        };
        let steps = match option("steps", "false").as_str() {
            "true" => true,
            "false" => false,
            other => return wrong("steps", other),
        };
        Ok(Told { geometries, overview, steps })
    }
}

/// A way of one leg or more.
fn route_view(legs: &[Leg], told: Told) -> Value {
    let mut line: Vec<LonLat> = legs.iter().flat_map(|leg| leg.shape.iter().copied()).collect();
    line.dedup();
    let duration = tenths(legs.iter().map(|leg| leg.duration().as_secs_f64()).sum());
    let mut route = json!({
        "distance": tenths(legs.iter().map(|leg| leg.distance_m).sum()),
        "duration": duration,
        "weight": duration,
        "weight_name": "duration",
        "legs": legs.iter().map(|leg| leg_view(leg, told.geometries, told.steps)).collect::<Vec<_>>(),
    });
    if told.overview {
        route["geometry"] = told.geometries.of(&line);
    }
    route
}

fn leg_view(leg: &Leg, geometries: Geometries, with_steps: bool) -> Value {
    let all = leg.street().map_or(&[][..], |way| way.steps.as_slice());
    let mut names: Vec<&Step> = all.iter().filter(|step| step.street.is_some()).collect();
    names.sort_by(|a, b| b.distance_m.total_cmp(&a.distance_m));
    let summary: Vec<&str> = names.iter().take(2).map(|step| name(step)).collect();
    let duration = tenths(leg.duration().as_secs_f64());
    let mut steps = Vec::new();
    if with_steps {
        let mode = leg.street().map_or("driving", |way| mode(way.profile));
        let mut before = None;
        for step in all {
            let mode = if step.ferried { "ferry" } else { mode };
            steps.push(step_view(step, before, geometries, mode));
            before =
                step.shape.len().checked_sub(2).map(|last| bearing(step.shape[last], step.shape[last + 1]));
        }
        steps.extend(leg.shape.last().map(|end| arrival(*end, before.unwrap_or(0), geometries, mode)));
    }
    json!({
        "distance": tenths(leg.distance_m), "duration": duration, "weight": duration,
        "summary": summary.join(", "), "steps": steps,
    })
}

fn name(step: &Step) -> &str {
    step.street.as_ref().map_or("", |name| Language::Local.name(name))
}

fn mode(profile: Profile) -> &'static str {
    match profile {
        Profile::Car | Profile::Taxi | Profile::Truck => "driving",
        Profile::Bicycle => "cycling",
        Profile::Walk | Profile::Wheelchair => "walking",
    }
}

fn step_view(step: &Step, before: Option<u32>, geometries: Geometries, mode: &str) -> Value {
    let (kind, modifier) = match step.direction {
        Direction::Depart => ("depart", "straight"),
        Direction::HardLeft => ("turn", "sharp left"),
        Direction::Left => ("turn", "left"),
        Direction::SlightlyLeft => ("turn", "slight left"),
        Direction::Continue | Direction::Stairs => ("new name", "straight"),
        Direction::SlightlyRight => ("turn", "slight right"),
        Direction::Right => ("turn", "right"),
        Direction::HardRight => ("turn", "sharp right"),
        Direction::UturnLeft => ("turn", "uturn"),
    };
    let after = step.shape.windows(2).next().map_or(0, |ends| bearing(ends[0], ends[1]));
    let location = step.shape.first().map(|at| lonlat(*at));
    let duration = tenths(step.duration.as_secs_f64());
    json!({
        "distance": tenths(step.distance_m), "duration": duration, "weight": duration, "name": name(step), "mode": mode,
        "driving_side": "right", "geometry": geometries.of(&step.shape),
        "maneuver": {
            "type": kind, "modifier": modifier, "location": location,
            "bearing_before": before.unwrap_or(0), "bearing_after": after,
        },
        "intersections": [{ "location": location, "bearings": [after], "entry": [true], "out": 0 }],
    })
}

fn arrival(end: LonLat, before: u32, geometries: Geometries, mode: &str) -> Value {
    let back = (before + 180) % 360;
    json!({
        "distance": 0.0, "duration": 0.0, "weight": 0.0, "name": "", "mode": mode, "driving_side": "right",
        "geometry": geometries.of(&[end, end]),
        "maneuver": { "type": "arrive", "location": lonlat(end), "bearing_before": before, "bearing_after": 0 },
        "intersections": [{ "location": lonlat(end), "bearings": [back], "entry": [true], "in": 0 }],
    })
}

/// Clockwise from north, whole degrees, 0 to 359.
fn bearing(from: LonLat, to: LonLat) -> u32 {
    let east = (to.lon - from.lon) * from.lat.to_radians().cos();
    (east.atan2(to.lat - from.lat).to_degrees().round() as i32).rem_euclid(360) as u32
}

fn table_of(
    routing: &Routing,
    profile: &str,
    coordinates: &str,
    pairs: Pairs,
    now: Moment,
) -> Result<DurationsView, OsrmError> {
    let (profile, places, mut given) = (profile_of(profile)?, places(coordinates)?, parameters(pairs)?);
    if given.take("annotations").is_some_and(|(_, value)| value != "duration") {
        return Err(OsrmError::new("NotImplemented", "tables are of durations only"));
    }
    let mut chosen = |name: &str| -> Result<Vec<usize>, OsrmError> {
        match given.take(name) {
            None => Ok((0..places.len()).collect()),
            Some((_, all)) if all == "all" => Ok((0..places.len()).collect()),
            Some((_, numbers)) => numbers
                .split(';')
                .map(|number| {
                    let known = number.parse().ok().filter(|number| *number < places.len());
                    let says = || format!("{name}: there is no coordinate {number:?}");
                    known.ok_or_else(|| OsrmError::new("InvalidOptions", says()))
                })
                .collect(),
        }
    };
    let (from, to) = (chosen("sources")?, chosen("destinations")?);
    if from.len() * to.len() > LARGEST_TABLE {
        let says = format!("{} times {} places are more than {LARGEST_TABLE} pairs", from.len(), to.len());
        return Err(OsrmError::new("TooBig", says));
    }
    let waypoints: Vec<Value> = places
        .iter()
        .enumerate()
        .map(|(i, place)| waypoint(routing, profile, i, *place))
        .collect::<Result<_, _>>()?;
    let traffic: Arc<Snapshot> = routing.traffic.now();
    let of = |numbers: &[usize]| numbers.iter().map(|i| places[*i]).collect::<Vec<LonLat>>();
    let table = routing.planner.table(profile, [&of(&from), &of(&to)], &traffic, now);
    let seconds = |ms: Option<Duration>| ms.map(|ms| tenths(ms.as_secs_f64()));
    let ends = |numbers: &[usize]| numbers.iter().map(|i| waypoints[*i].clone()).collect();
    Ok(DurationsView {
        code: "Ok".to_string(),
        durations: table.into_iter().map(|row| row.into_iter().map(seconds).collect()).collect(),
        sources: ends(&from),
        destinations: ends(&to),
        traffic: traffic_view(routing, &traffic, now, now),
    })
}
