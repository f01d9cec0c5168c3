//! Where vehicles are now, for maps.

use super::{
    in_turn,
    parameters::{Pairs, Parameters, coordinates},
    problem::Problem,
    view::{Language, RealtimeView, iso, trip_id_of},
};
use crate::{
    service::Routing,
    transit::{
        live::Vehicle,
        timetable::{Timetable, zone},
    },
};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use model::{geo::LonLat, time::Moment};
use serde::Serialize;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// The parameters of `GET /api/v1/map/vehicles`.
#[derive(Clone, Debug, Default, IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "this struct is the document of the parameters")]
pub(crate) struct VehiclesParameters {
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

/// `GET /api/v1/map/vehicles`.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub(super) struct VehiclesView {
    /// Vehicles between the corners.
    pub vehicles: Vec<VehicleView>,
    /// How fresh that is.
    pub realtime: RealtimeView,
}

/// A vehicle. Names are those of MOTIS' legs.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct VehicleView {
    /// Its id, with its feed's tag.
    pub id: String,
    /// What passengers see on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lon: f64,
    /// Clockwise from north, degrees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bearing: Option<f32>,
    /// m/s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed: Option<f32>,
    /// When it was there.
    #[schema(format = DateTime)]
    pub time: String,
    /// How full it is, in GTFS-Realtime's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub occupancy: Option<String>,
    /// The same per cent; more than 100 where people stand close.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub occupancy_percentage: Option<u32>,
    /// Its trip, as legs name it; left out with the rest where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trip_id: Option<String>,
    /// `BUS`, `TRAM` and so on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// The route's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_id: Option<String>,
    /// What to call the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// `rrggbb`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_color: Option<String>,
    /// What its front says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headsign: Option<String>,
}

/// Where vehicles are now that a map shows. **Ours.**
///
/// What the realtime feeds say of them (GTFS-Realtime `VehiclePosition`); positions older than 15 minutes are left out.
#[utoipa::path(
    get, path = "/api/v1/map/vehicles", tag = "routing", operation_id = "vehicles",
    params(VehiclesParameters),
    responses(
        (status = 200, description = "The vehicles", body = VehiclesView),
        (status = 400, description = "bad-request, not-a-place", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "busy, took-too-long", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn vehicles(State(routing): State<Arc<Routing>>, pairs: Pairs) -> Response {
    let now = routing.clock.now();
    in_turn(&routing, move |routing| {
        let mut given = Parameters::of(pairs)?;
        let [a, b] = ["min", "max"].map(|name| coordinates(name, given.take(name)));
        let (a, b) = (a?, b?);
        let language = given.language();
        let between = |at: LonLat| {
            (a.lat.min(b.lat)..=a.lat.max(b.lat)).contains(&at.lat)
                && (a.lon.min(b.lon)..=a.lon.max(b.lon)).contains(&at.lon)
        };
        let live = routing.planner.transit().map(|transit| transit.live()).unwrap_or_default();
        let shown = live.vehicles.iter().filter(|vehicle| between(vehicle.at));
        let timetable = routing.planner.transit().map(|transit| transit.timetable());
        let vehicles = shown.map(|vehicle| VehicleView::new(vehicle, timetable, language)).collect();
        Ok(Json(VehiclesView { vehicles, realtime: RealtimeView::new(&live, now) }).into_response())
    })
    .await
}

impl VehicleView {
    fn new(vehicle: &Vehicle, timetable: Option<&Timetable>, language: Language) -> VehicleView {
        let mut view = VehicleView {
            id: vehicle.id.clone(),
            label: vehicle.label.clone(),
            lat: vehicle.at.lat,
            lon: vehicle.at.lon,
            bearing: vehicle.bearing,
            speed: vehicle.speed_mps,
            time: iso(vehicle.said),
            occupancy: vehicle.occupancy.map(str::to_string),
            occupancy_percentage: vehicle.occupancy_percentage,
            trip_id: None,
            mode: None,
            route_id: None,
            display_name: None,
            route_color: None,
            headsign: None,
        };
        if let (Some(timetable), Some((number, day, begins_s))) = (timetable, vehicle.run) {
            let trip = &timetable.trips[number as usize];
            let route = &timetable.routes[trip.route as usize];
            let agency = timetable.agency_of(number);
            let first_s = begins_s.unwrap_or_else(|| timetable.calls_of(number).first().departure_s);
            let starts_s = day.begins_s(&zone(agency)) + i64::from(first_s);
            let english = |local: &str| timetable.english(local).filter(|_| language == Language::English);
            let say = |local: &str| english(local).unwrap_or(local).to_string();
            view.trip_id = Some(trip_id_of(&agency.zone, day, Moment(starts_s * 1000), &trip.id));
            view.mode = Some(route.mode.to_string());
            view.route_id = Some(route.id.clone());
            view.display_name = Some(say(route.sign()));
            view.route_color = route.colour.clone();
            view.headsign = Some(say(timetable.headsign_at(number, 0)));
        }
        view
    }
}
