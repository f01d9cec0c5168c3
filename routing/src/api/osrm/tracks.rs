//! `match`: the way that somebody took; `trip`: the order in which to visit places.

use super::{
    MOST_VIA, OsrmError, Told, lonlat, no_segment, parameters, places, profile_of, route_view, service,
    tenths, waypoint,
};
use crate::{
    api::{
        Problem,
        parameters::{Pairs, Parameters},
        traffic_view,
        view::TrafficView,
    },
    itinerary::{Leg, Place},
    matching::{Fix, Track, USUAL_ERROR_M},
    planner::{Query, STREET_WITHIN_M, When},
    profile::Profile,
    service::Routing,
    tour::{Kind, tour},
};
use axum::{
    extract::{Path, State},
    response::Response,
};
use model::{geo::LonLat, time::Moment};
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Positions of one trace.
const LONGEST_TRACE: usize = 500;
/// Errors of a position that make sense, m.
const ERRORS_M: std::ops::RangeInclusive<f64> = 1.0..=100.0;

/// The parameters of `GET /match/v1/…`.
#[derive(Clone, Debug, Default, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "this struct is the document of the parameters")]
pub(crate) struct MatchParameters {
    /// `polyline` (5 digits, the default), `polyline6` or `geojson`.
    #[param(required = false)]
    geometries: String,
    /// `simplified` (the default) or `full`, both of which give the whole line, or `false`.
    #[param(required = false)]
    overview: String,
    /// Whether to say what to do on the way. Default: false.
    #[param(required = false)]
    steps: bool,
    /// When each position was measured, s since 1970, separated by semicolons.
    #[param(required = false)]
    timestamps: String,
    /// By how much each position may be off, m, 1 to 100, separated by semicolons; left out between two of them: 5.
    #[param(required = false)]
    radiuses: String,
    /// `split` (the default): what is more than a minute apart belongs to two ways; or `ignore`.
    #[param(required = false)]
    gaps: String,
}

/// The parameters of `GET /trip/v1/…`.
#[derive(Clone, Debug, Default, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "this struct is the document of the parameters")]
pub(crate) struct TripParameters {
    /// `polyline` (5 digits, the default), `polyline6` or `geojson`.
    #[param(required = false)]
    geometries: String,
    /// `simplified` (the default) or `full`, both of which give the whole line, or `false`.
    #[param(required = false)]
    overview: String,
    /// Whether to say what to do on the way. Default: false.
    #[param(required = false)]
    steps: bool,
    /// Whether one comes back to where one began. Default: true.
    #[param(required = false)]
    roundtrip: bool,
    /// Where one begins: at `any` place (the default), or at the `first`.
    #[param(required = false)]
    source: String,
    /// Where one ends: at `any` place (the default), or at the `last`.
    #[param(required = false)]
    destination: String,
}

/// Ways that somebody took, in the shape of OSRM.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub(crate) struct MatchingsView {
    /// `Ok`.
    pub code: String,
    /// The ways, with the `confidence` that they are right.
    #[schema(value_type = Vec<Object>)]
    pub matchings: Vec<Value>,
    /// The positions on their streets; null for those that are left out.
    #[schema(value_type = Vec<Option<Object>>)]
    pub tracepoints: Vec<Value>,
}

/// The order in which to visit places, in the shape of OSRM.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub(crate) struct TripsView {
    /// `Ok`.
    pub code: String,
    /// One way over all places.
    #[schema(value_type = Vec<Object>)]
    pub trips: Vec<Value>,
    /// The places as they came, with their `waypoint_index` on the way.
    #[schema(value_type = Vec<Object>)]
    pub waypoints: Vec<Value>,
    /// **Ours**: the traffic that it is planned in.
    pub traffic: TrafficView,
}

/// The way that somebody took who was measured at these places, as OSRM tells it.
#[utoipa::path(
    get, path = "/match/v1/{profile}/{coordinates}", tag = "routing", operation_id = "osrmMatch",
    params(
        ("profile" = String, Path, description = "`driving` or `car`, `truck` or `hgv`, `cycling` or `bike`, `walking` or `foot`"),
        ("coordinates" = String, Path, description = "`longitude,latitude` of 2 to 500 positions in their order, separated by semicolons"),
        MatchParameters,
    ),
    responses(
        (status = 200, description = "The ways", body = MatchingsView),
        (status = 400, description = "InvalidQuery, InvalidValue, InvalidOptions, NoMatch, TooBig", body = OsrmError),
        (status = 503, description = "busy, took-too-long", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn match_(
    State(routing): State<Arc<Routing>>,
    Path(path): Path<(String, String)>,
    pairs: Pairs,
) -> Response {
    service(routing, path, pairs, match_of).await
}

/// The order in which places are visited soonest, as OSRM tells it.
#[utoipa::path(
    get, path = "/trip/v1/{profile}/{coordinates}", tag = "routing", operation_id = "osrmTrip",
    params(
        ("profile" = String, Path, description = "`driving` or `car`, `truck` or `hgv`, `cycling` or `bike`, `walking` or `foot`"),
        ("coordinates" = String, Path, description = "`longitude,latitude` of 2 to 100 places, separated by semicolons"),
        TripParameters,
    ),
    responses(
        (status = 200, description = "The way", body = TripsView),
        (status = 400, description = "InvalidQuery, InvalidValue, InvalidOptions, NoSegment, NoTrips, TooBig", body = OsrmError),
        (status = 503, description = "busy, took-too-long", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn trip(
    State(routing): State<Arc<Routing>>,
    Path(path): Path<(String, String)>,
    pairs: Pairs,
) -> Response {
    service(routing, path, pairs, trip_of).await
}

/// One value for each position, separated by semicolons; an empty one where nothing is said.
fn each<T>(
    given: &mut Parameters,
    name: &str,
    count: usize,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Vec<Option<T>>, OsrmError> {
    let Some((_, text)) = given.take(name) else { return Ok((0..count).map(|_| None).collect()) };
    let all: Vec<&str> = text.split(';').collect();
    if all.len() != count {
        let says = format!("{name} has {} values for {count} positions", all.len());
        return Err(OsrmError::new("InvalidOptions", says));
    }
    let one = |text: &str| match text {
        "" => Ok(None),
        text => {
            let says = || OsrmError::new("InvalidOptions", format!("{name} is never {text:?}"));
            read(text).map(Some).ok_or_else(says)
        }
    };
    all.into_iter().map(one).collect()
}

fn match_of(
    routing: &Routing,
    profile: &str,
    coordinates: &str,
    pairs: Pairs,
    now: Moment,
) -> Result<MatchingsView, OsrmError> {
    let (profile, places, mut given) = (profile_of(profile)?, places(coordinates)?, parameters(pairs)?);
    let told = Told::read(&mut given)?;
    match places.len() {
        0 | 1 => return Err(OsrmError::new("InvalidQuery", "a trace has two positions or more")),
        2..=LONGEST_TRACE => {}
        more => {
            return Err(OsrmError::new("TooBig", format!("{more} positions are more than {LONGEST_TRACE}")));
        }
    }
    let times = each(&mut given, "timestamps", places.len(), |text| text.parse::<i64>().ok())?;
    let errors = each(&mut given, "radiuses", places.len(), |text| {
        text.parse::<f64>().ok().filter(|error_m| ERRORS_M.contains(error_m))
    })?;
    let split = match given.take("gaps").map(|(_, value)| value).as_deref() {
        None | Some("split") => true,
        Some("ignore") => false,
        Some(other) => return Err(OsrmError::new("InvalidOptions", format!("gaps is never {other:?}"))),
    };
    let fix = |((at, time_s), error_m): ((&LonLat, Option<i64>), Option<f64>)| Fix {
        at: *at,
        time_s,
        error_m: error_m.unwrap_or(USUAL_ERROR_M),
    };
    let fixes: Vec<Fix> = places.iter().zip(times).zip(errors).map(fix).collect();
    let tracks = routing.planner.matched(profile, &fixes, split);
    if tracks.is_empty() {
        return Err(OsrmError::new("NoMatch", "no way along the streets leads from any position to another"));
    }
    let mut tracepoints = vec![Value::Null; places.len()];
    let mut matchings = Vec::new();
    for (number, track) in tracks.iter().enumerate() {
        let legs: Vec<Leg> =
            track.paths.iter().map(|path| routing.planner.told(profile, path, now)).collect();
        let mut way = route_view(&legs, told);
        way["confidence"] = ((track.confidence * 1000.0).round() / 1000.0).into();
        matchings.push(way);
        for (at, (i, _)) in track.fixes.iter().enumerate() {
            tracepoints[*i] = tracepoint(routing, profile, track, (number, at), places[*i]);
        }
    }
    Ok(MatchingsView { code: "Ok".to_string(), matchings, tracepoints })
}

fn tracepoint(
    routing: &Routing,
    profile: Profile,
    track: &Track,
    (matching, at): (usize, usize),
    measured: LonLat,
) -> Value {
    let street = routing.planner.graph(profile);
    let on = track.fixes[at].1;
    let place = street.plane.to_lonlat(on.at);
    let link = routing.planner.map().link(street.arc(on.arc).link());
    json!({
        "name": link.name().map_or("", |name| name.local.as_str()), "location": lonlat(place),
        "distance": tenths(place.distance_m(measured)), "matchings_index": matching, "waypoint_index": at,
        "alternatives_count": 0,
    })
}

fn trip_of(
    routing: &Routing,
    profile: &str,
    coordinates: &str,
    pairs: Pairs,
    now: Moment,
) -> Result<TripsView, OsrmError> {
    let (profile, places, mut given) = (profile_of(profile)?, places(coordinates)?, parameters(pairs)?);
    let told = Told::read(&mut given)?;
    let mut choice = |name: &str, choices: [&str; 2]| match given.take(name).map(|(_, value)| value) {
        None => Ok(false),
        Some(value) => match choices.iter().position(|choice| *choice == value) {
            Some(at) => Ok(at == 1),
            None => Err(OsrmError::new("InvalidOptions", format!("{name} is never {value:?}"))),
        },
    };
    let kind = Kind {
        round: !choice("roundtrip", ["true", "false"])?,
        from_first: choice("source", ["any", "first"])?,
        to_last: choice("destination", ["any", "last"])?,
    };
    match places.len() {
        0 | 1 => return Err(OsrmError::new("InvalidQuery", "a trip takes two places or more")),
        2..=MOST_VIA => {}
        more => return Err(OsrmError::new("TooBig", format!("{more} places are more than {MOST_VIA}"))),
    }
    let on_streets = places.iter().enumerate().map(|(i, place)| waypoint(routing, profile, i, *place));
    let mut waypoints: Vec<Value> = on_streets.collect::<Result<_, _>>()?;
    let traffic = routing.traffic.now();
    let table = routing.planner.table(profile, [&places, &places], &traffic, now);
    let ms: Vec<Vec<Option<u32>>> = table
        .iter()
        .map(|row| row.iter().map(|took| took.map(|took| took.as_millis() as u32)).collect())
        .collect();
    let none = || OsrmError::new("NoTrips", "there is no way over all the places");
    let order = tour(&ms, kind).ok_or_else(none)?;
    let mut visited: Vec<usize> = order.clone();
    if kind.round {
        visited.push(order[0]);
    }
    let (mut legs, mut at) = (Vec::new(), now);
    for pair in visited.windows(2) {
        let place = |i: usize| Place { name: String::new(), stop: None, at: places[i] };
        let query = Query {
            from: place(pair[0]),
            to: place(pair[1]),
            profile,
            when: When::DepartAt(at),
            street_within_m: STREET_WITHIN_M,
            speed_mps: None,
        };
        let journey = routing.planner.direct(&query, &traffic, now).map_err(|_| no_segment(pair[0]))?;
        at = journey.end;
        legs.extend(journey.legs);
    }
    for (at, &place) in order.iter().enumerate() {
        waypoints[place]["waypoint_index"] = at.into();
        waypoints[place]["trips_index"] = 0.into();
    }
    Ok(TripsView {
        code: "Ok".to_string(),
        trips: vec![route_view(&legs, told)],
        waypoints,
        traffic: traffic_view(routing, &traffic, now, now),
    })
}
