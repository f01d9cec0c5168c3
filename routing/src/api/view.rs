//! What the API says, as plain data, in the shape of MOTIS 2's OpenAPI. Times are ISO 8601 in UTC to the
//! second, durations seconds, distances metres. What MOTIS does not have is marked **ours**.

mod health;
mod journey;

pub use health::{BrokerView, GraphView, RealtimeFeedView, RoutingHealthView};
pub use journey::{
    AlertView, FareView, ItineraryView, LegView, ParkingView, PaymentView, PlaceView, PolylineView, RideView,
    StepView,
};

use crate::{gtfs::calendar::Day, itinerary::Ride, profile::Profile, transit::live::Live};
use jiff::tz::TimeZone;
use model::{geo::LonLat, network::Name, time::Moment};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Digits after the point in polylines: 7, as MOTIS has it under `/api/v1`.
pub const PRECISION: u32 = 7;

/// The same under `/api/v6`.
pub const PRECISION_V6: u32 = 6;

/// `GET /api/v1/plan`.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanView {
    /// The question, as it was understood.
    pub request_parameters: BTreeMap<String, String>,
    /// Figures for those who debug.
    pub debug_output: BTreeMap<String, u64>,
    /// Where the journeys begin.
    pub from: PlaceView,
    /// Where they end.
    pub to: PlaceView,
    /// Journeys by one means all the way, one for each of `directModes` that gets there.
    pub direct: Vec<ItineraryView>,
    /// Journeys by public transport, by departure.
    pub itineraries: Vec<ItineraryView>,
    /// Empty: there are no pages of direct journeys.
    pub previous_page_cursor: String,
    /// Empty: there are no pages of direct journeys.
    pub next_page_cursor: String,
    /// **Ours**: the picture of the traffic that all journeys of the answer were planned in.
    pub traffic: TrafficView,
    /// **Ours**: what was known of trips.
    pub realtime: RealtimeView,
    /// **Ours**: whose data it is, to be shown with the journeys; left out where nobody is to be named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attribution: Vec<String>,
    /// **Ours**: what was asked and not done, and why, in English sentences.
    pub notes: Vec<String>,
}

/// How fresh the knowledge of trips is. **Ours.**
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RealtimeView {
    /// Number of the picture that all journeys of the answer are planned in; 0 is the timetable alone.
    pub snapshot: u64,
    /// When the newest of its feeds was said; null if there is none.
    #[schema(format = DateTime)]
    pub at: Option<String>,
    /// Its age when the question was answered, s.
    pub age_seconds: Option<i64>,
    /// Trips of which more is known than the timetable.
    pub trips: usize,
}

impl RealtimeView {
    pub(crate) fn new(live: &Live, now: Moment) -> RealtimeView {
        let said = live.said();
        RealtimeView {
            snapshot: live.number,
            at: said.map(iso),
            age_seconds: said.map(|said| (now.0 - said.0) / 1000),
            trips: live.trips(),
        }
    }
}

/// How fresh the traffic is. **Ours.**
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrafficView {
    /// Number of the picture; 0 is the empty one.
    pub snapshot: u64,
    /// Time of its newest entry; null if there never was one.
    #[schema(format = DateTime)]
    pub at: Option<String>,
    /// Its age when the question was answered; null if there never was an entry.
    pub age_seconds: Option<i64>,
    /// Share of the links open to cars whose measured time counts, 0 to 1.
    pub links_live: f64,
    /// Since when in the week the usual times hold that count where measured ones do not, such as `workday 08:15`; null
    /// where none are known.
    pub typical: Option<String>,
    /// `live`, `fading` (measured times count in part), `typical` (they do not count: usual times) or `free_flow` (they do not
    /// count, and nobody knows what is usual: empty roads).
    pub state: String,
    /// The same as a sentence.
    pub text: String,
}

/// Which of a name's forms to say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Language {
    /// That of the place.
    Local,
    /// English where there is an English form.
    English,
}

impl Language {
    pub(crate) fn name(self, name: &Name) -> &str {
        match self {
            Language::Local => &name.local,
            Language::English => name.english(),
        }
    }
}

/// How to say a journey.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Telling {
    /// In which language.
    pub language: Language,
    /// With lines and steps.
    pub detailed: bool,
    /// Digits after the point in polylines.
    pub precision: u32,
}

/// `<service day>_<departure from the first stop>_<feed>_<trip>`, as MOTIS has it.
pub(crate) fn trip_id(ride: &Ride) -> String {
    trip_id_of(&ride.agency.zone, ride.day, ride.trip_start, &ride.trip_id)
}

/// The same of a trip in its agency's time zone.
pub(crate) fn trip_id_of(zone: &str, day: Day, starts: Moment, trip: &str) -> String {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let at = jiff::Timestamp::from_second(second(starts)).unwrap_or_default().to_zoned(zone);
    format!("{}_{}_{trip}", day.date().strftime("%Y%m%d"), at.strftime("%H:%M"))
}

/// The mode's name in MOTIS.
pub fn mode(profile: Profile) -> &'static str {
    match profile {
        Profile::Car => "CAR",
        Profile::Truck => "HGV",
        Profile::Taxi => "TAXI",
        Profile::Bicycle => "BIKE",
        Profile::Walk | Profile::Wheelchair => "WALK",
    }
}

/// The second that is nearest, so that the difference of two shown times is the shown duration.
fn second(m: Moment) -> i64 {
    (m.0 + 500).div_euclid(1000)
}

/// ISO 8601 in UTC, to the second.
pub fn iso(m: Moment) -> String {
    jiff::Timestamp::from_second(second(m)).map_or_else(|_| String::new(), |t| t.to_string())
}

/// Google's polyline algorithm: differences of rounded degrees, latitude first, five bits a character.
pub fn encode_polyline(line: &[LonLat], precision: u32) -> String {
    let scale = 10_f64.powi(precision as i32);
    let mut text = String::with_capacity(line.len() * 8);
    let mut last = [0_i64; 2];
    for point in line {
        let here = [(point.lat * scale).round() as i64, (point.lon * scale).round() as i64];
        for (value, before) in here.iter().zip(last) {
            let difference = value - before;
            let mut bits = ((difference << 1) ^ (difference >> 63)) as u64;
            while bits >= 0x20 {
                text.push(char::from((0x20 | (bits & 0x1f)) as u8 + 63));
                bits >>= 5;
            }
            text.push(char::from(bits as u8 + 63));
        }
        last = here;
    }
    text
}
