//! Departures and arrivals at a stop, in the shape of MOTIS.

use super::{
    in_turn,
    parameters::{Pairs, Parameters, bad, coordinates, number, time, transit_modes},
    problem::{Code, Problem},
    view::{Language, PlaceView, trip_id},
};
use crate::{
    intermodal::Transit,
    itinerary::Ride,
    service::Routing,
    transit::{board::Board, day::Modes},
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

/// Platforms of one name that are nearer to each other than this are one stop to those who wait there, m.
const SAME_STOP_M: f64 = 400.0;

/// The parameters of `GET /api/v1/stoptimes` that have an effect.
#[derive(Clone, Debug, Default, IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "this struct is the document of the parameters")]
pub(crate) struct StopTimesParameters {
    /// The id of a stop or station. It or `center` is needed.
    #[param(required = false)]
    stop_id: String,
    /// `latitude,longitude`, with `radius`.
    #[param(required = false)]
    center: String,
    /// Also stops within so many metres, at most 2000.
    #[param(required = false)]
    radius: u32,
    /// Without the other platforms of the station, or those of the same name nearby. Default: false.
    #[param(required = false)]
    exact_radius: bool,
    /// From when on: ISO 8601 with `Z` or an offset. Default: now.
    #[param(required = false)]
    time: String,
    /// Arrivals instead of departures. Default: false.
    #[param(required = false)]
    arrive_by: bool,
    /// `LATER` than `time` or `EARLIER`. Default: `EARLIER` with `arriveBy=true`, else `LATER`.
    #[param(required = false)]
    direction: String,
    /// How many at least, 1 to 200; all of the last second are shown. Default: 20.
    #[param(required = false)]
    n: u32,
    /// Modes of public transport, separated by commas. Default: all.
    #[param(required = false)]
    mode: String,
    /// Whether to send `previousStops` and `nextStops`. Default: false.
    #[param(required = false)]
    fetch_stops: bool,
    /// `previousPageCursor` or `nextPageCursor` of another answer, in place of `time` and `direction`.
    #[param(required = false)]
    page_cursor: String,
    /// Language tags, first one first; `en…` gives English names where there are any.
    #[param(required = false)]
    language: String,
}

/// `GET /api/v1/stoptimes`.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct StopTimesView {
    /// Departures or arrivals by time.
    pub stop_times: Vec<StopTimeView>,
    /// The stop that was asked for.
    pub place: PlaceView,
    /// For `pageCursor`: what is before these.
    pub previous_page_cursor: String,
    /// For `pageCursor`: what is after these.
    pub next_page_cursor: String,
}

/// A vehicle calls at a stop.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct StopTimeView {
    /// The stop, with the times.
    pub place: PlaceView,
    /// `BUS`, `TRAM`, `SUBWAY` and so on.
    pub mode: String,
    /// Whether the times are more than the timetable's.
    pub real_time: bool,
    /// What the vehicle's front says.
    pub headsign: String,
    /// Where the trip begins.
    pub trip_from: PlaceView,
    /// Where the trip ends.
    pub trip_to: PlaceView,
    /// Who runs it.
    pub agency_id: String,
    /// Its name.
    pub agency_name: String,
    /// Its page.
    pub agency_url: String,
    /// The route's id.
    pub route_id: String,
    /// `rrggbb`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_color: Option<String>,
    /// `rrggbb`, for letters on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_text_color: Option<String>,
    /// GTFS' `route_type`.
    pub route_type: u16,
    /// The line's number.
    pub route_short_name: String,
    /// The line's name.
    pub route_long_name: String,
    /// Always empty: trips have no names of their own.
    pub trip_short_name: String,
    /// What to call the line.
    pub display_name: String,
    /// `<service day>_<departure from the first stop>_<feed>_<trip>`.
    pub trip_id: String,
    /// Calls before this one, with `fetchStops=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_stops: Option<Vec<PlaceView>>,
    /// Calls after it, with `fetchStops=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_stops: Option<Vec<PlaceView>>,
    /// `NORMAL`, or `NOT_ALLOWED` if one may not get on (off, for arrivals).
    pub pickup_dropoff_type: String,
    /// Whether the vehicle does not call.
    pub cancelled: bool,
    /// Whether the whole trip does not run.
    pub trip_cancelled: bool,
    /// **Ours**: seconds between vehicles where they run every so often; the times are then examples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every_seconds: Option<u32>,
    /// The feed.
    pub source: String,
}

/// Departures from a stop, or arrivals at it.
#[utoipa::path(
    get, path = "/api/v1/stoptimes", tag = "routing", operation_id = "stoptimes",
    params(StopTimesParameters),
    responses(
        (status = 200, description = "Departures or arrivals by time", body = StopTimesView),
        (status = 400, description = "bad-request, not-a-place", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "unknown-stop", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "busy, took-too-long", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn stoptimes(State(routing): State<Arc<Routing>>, pairs: Pairs) -> Response {
    let now = routing.clock.now();
    in_turn(&routing, move |routing| Ok(Json(answer(routing, Parameters::of(pairs)?, now)?).into_response()))
        .await
}

fn answer(routing: &Routing, mut given: Parameters, now: Moment) -> Result<StopTimesView, Problem> {
    let Some(transit) = routing.planner.transit() else {
        return Err(Problem::new(Code::UnknownStop, "no timetable is loaded, so there are no stops"));
    };
    let radius_m = given.take("radius").map(|given| number(given, 0.0..=2000.0, "m")).transpose()?;
    let exact = given.flag("exactRadius", false)?;
    let centre = given.take("center").map(|at| coordinates("center", Some(at))).transpose()?;
    let stop_id = given.take("stopId").map(|(_, id)| id);
    let (place, stops) = match (&stop_id, centre) {
        (Some(id), _) => {
            let stop = transit.stop(id).ok_or_else(|| {
                Problem::new(Code::UnknownStop, format!("stopId: there is no stop {id:?}")).with("stopId")
            })?;
            (PlaceView::new(&transit.place(stop)), stops_of(transit, stop, radius_m, exact))
        }
        (None, Some(at)) => {
            let name = String::new();
            let place = crate::itinerary::Place { name, stop: None, at };
            (PlaceView::new(&place), within(transit, at, radius_m.unwrap_or(SAME_STOP_M)))
        }
        (None, None) => return Err(bad("stopId", "stopId is missing, and center too")),
    };
    let moment = given.take("time").map(time).transpose()?.unwrap_or(now);
    let arrivals = given.flag("arriveBy", false)?;
    let earlier = match given.take("direction") {
        None => arrivals,
        Some((_, value)) if value == "EARLIER" => true,
        Some((_, value)) if value == "LATER" => false,
        Some((name, value)) => return Err(bad(&name, format!("{name} is EARLIER or LATER, not {value:?}"))),
    };
    let at_least = given.whole("n", 1.0..=200.0, "", 20.0)? as usize;
    let modes = given.take("mode").map(transit_modes).transpose()?.unwrap_or(Modes::ALL);
    let fetch_stops = given.flag("fetchStops", false)?;
    let (at, earlier) = match given.take("pageCursor") {
        None => (moment, earlier),
        Some((name, value)) if value.is_empty() => {
            return Err(bad(&name, format!("{name} is empty")));
        }
        Some((name, value)) => {
            let read = |text: &str| text.parse::<i64>().ok().map(|s| Moment(s.saturating_mul(1000)));
            match value.split_once('|') {
                Some(("LATER", at)) => read(at).map(|at| (at, false)),
                Some(("EARLIER", at)) => read(at).map(|at| (at, true)),
                _ => None,
            }
            .ok_or_else(|| bad(&name, format!("{name} is none of ours: {value:?}")))?
        }
    };
    let language = given.language();
    let board = Board { at, earlier, arrivals, at_least, modes };
    let events = transit.board(&stops, &board);
    let edge = |moment: Option<Moment>, by_s: i64| moment.map_or(at, |m| m).0.div_euclid(1000) + by_s;
    let (first, last) = (events.first().map(|e| e.0.at), events.last().map(|e| e.0.at));
    let mut view = StopTimesView {
        previous_page_cursor: format!("EARLIER|{}", edge(first, -1)),
        next_page_cursor: format!("LATER|{}", edge(last, 1)),
        stop_times: events
            .iter()
            .map(|(calling, ride)| StopTimeView::new(transit, calling.call, ride, arrivals, fetch_stops))
            .collect(),
        place,
    };
    let english = |local: &str| transit.timetable().english(local);
    view.place.translate(language, english);
    for one in &mut view.stop_times {
        one.translate(language, english);
    }
    Ok(view)
}

/// The platforms that a board of a stop is about.
fn stops_of(transit: &Transit, stop: u32, radius_m: Option<f64>, exact: bool) -> Vec<u32> {
    let timetable = transit.timetable();
    let row = &timetable.stops[stop as usize];
    let mut stops = timetable.platforms_of(stop);
    if !exact {
        if let Some(station) = row.parent {
            stops.extend(timetable.platforms_of(station));
        }
        let same = |other: &u32| {
            let other = &timetable.stops[*other as usize];
            other.name == row.name && other.at.distance_m(row.at) < SAME_STOP_M
        };
        stops.extend((0..timetable.stops.len() as u32).filter(|&s| timetable.is_platform(s)).filter(same));
    }
    if let Some(radius_m) = radius_m {
        stops.extend(within(transit, row.at, radius_m));
    }
    stops.sort_unstable();
    stops.dedup();
    stops
}

fn within(transit: &Transit, at: LonLat, radius_m: f64) -> Vec<u32> {
    let timetable = transit.timetable();
    let near = |stop: &u32| timetable.stops[*stop as usize].at.distance_m(at) <= radius_m;
    (0..timetable.stops.len() as u32).filter(|&stop| timetable.is_platform(stop)).filter(near).collect()
}

impl StopTimeView {
    fn new(transit: &Transit, call: usize, ride: &Ride, arrivals: bool, fetch_stops: bool) -> StopTimeView {
        let places = |calls: &[crate::itinerary::RideCall]| calls.iter().map(PlaceView::of_call).collect();
        let (first, last) = (&ride.calls[0], &ride.calls[ride.calls.len() - 1]);
        let here = &ride.calls[call];
        let allowed = if arrivals { here.alights } else { here.boards };
        let mut place = PlaceView::of_call(here);
        // A trip has not come to where it begins, and does not go on from where it ends.
        if call == 0 {
            (place.arrival, place.scheduled_arrival) = (None, None);
        }
        if call + 1 == ride.calls.len() {
            (place.departure, place.scheduled_departure) = (None, None);
        }
        let feed =
            transit.timetable().feeds.iter().find(|feed| {
                ride.trip_id.strip_prefix(feed.as_str()).is_some_and(|rest| rest.starts_with('_'))
            });
        StopTimeView {
            place,
            mode: ride.mode.to_string(),
            real_time: ride.live,
            headsign: ride.headsign.clone(),
            trip_from: PlaceView::new(&first.place),
            trip_to: PlaceView::new(&last.place),
            agency_id: ride.agency.id.clone(),
            agency_name: ride.agency.name.clone(),
            agency_url: ride.agency.url.clone(),
            route_id: ride.route_id.clone(),
            route_color: ride.route.colour.clone(),
            route_text_color: ride.route.text_colour.clone(),
            route_type: ride.route.route_type,
            route_short_name: ride.route.short_name.clone(),
            route_long_name: ride.route.long_name.clone(),
            trip_short_name: String::new(),
            display_name: ride.route.sign().to_string(),
            trip_id: trip_id(ride),
            previous_stops: fetch_stops.then(|| places(&ride.calls[..call])),
            next_stops: fetch_stops.then(|| places(&ride.calls[call + 1..])),
            pickup_dropoff_type: if allowed { "NORMAL" } else { "NOT_ALLOWED" }.to_string(),
            cancelled: here.skipped,
            trip_cancelled: false,
            every_seconds: ride.every_s,
            source: feed.cloned().unwrap_or_default(),
        }
    }

    fn translate<'a>(&mut self, language: Language, say: impl Fn(&str) -> Option<&'a str>) {
        if language != Language::English {
            return;
        }
        let calls = self.previous_stops.iter_mut().chain(&mut self.next_stops).flatten();
        for place in [&mut self.place, &mut self.trip_from, &mut self.trip_to].into_iter().chain(calls) {
            place.translate(language, &say);
        }
        for text in
            [&mut self.headsign, &mut self.route_long_name, &mut self.display_name, &mut self.agency_name]
        {
            if let Some(words) = say(text) {
                *text = words.to_string();
            }
        }
    }
}
