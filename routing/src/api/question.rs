//! From a query string to a question that makes sense, or a problem that says why it does not.

use super::problem::{Code, Problem};
use crate::{
    api::view::{Language, Telling},
    gtfs::records::Mode,
    itinerary::Place,
    planner::{Planner, STREET_WITHIN_M, When},
    profile::Profile,
    transit::{day::Modes, search::MOST_RIDES},
};
use model::{geo::LonLat, time::Moment};
use std::{collections::BTreeMap, time::Duration};
use utoipa::IntoParams;

/// Street modes of MOTIS that we know by name and cannot plan yet.
const NOT_YET: [&str; 8] =
    ["RENTAL", "CAR_PARKING", "CAR_DROPOFF", "ODM", "RIDE_SHARING", "FLEX", "HGV", "BIKE_SHARING"];

/// Speeds that a person on foot or on a bicycle may name, m/s.
const SPEEDS_MPS: std::ops::RangeInclusive<f64> = 0.3..=15.0;

/// Moments that a journey may be planned for: 2000-01-01 to 2100-01-01.
const TIMES: std::ops::Range<i64> = 946_684_800_000..4_102_444_800_000;

/// The parameters of `GET /api/v1/plan` that have an effect. All others of MOTIS are accepted, and the
/// answer's `notes` say that they were not used.
#[derive(Clone, Debug, Default, IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "this struct is the document of the parameters; `Question::read` reads them")]
pub(crate) struct PlanParameters {
    /// `latitude,longitude[,level]` in degrees, or the id of a stop.
    #[param(required = true, example = "55.7522,37.6156")]
    from_place: String,
    /// `latitude,longitude[,level]` in degrees, or the id of a stop.
    #[param(required = true, example = "55.7601,37.6186")]
    to_place: String,
    /// Departure, or arrival with `arriveBy=true`: ISO 8601 with `Z` or an offset. Default: now.
    #[param(required = false)]
    time: String,
    /// Whether `time` is the arrival. Default: false.
    #[param(required = false)]
    arrive_by: bool,
    /// Means for journeys by one means all the way, separated by commas: `WALK`, `BIKE`, `CAR`, `TAXI`.
    /// Default: `WALK`.
    #[param(required = false, example = "CAR,WALK")]
    direct_modes: String,
    /// `FOOT` or `WHEELCHAIR`. Default: `FOOT`.
    #[param(required = false)]
    pedestrian_profile: String,
    /// m/s, 0.3 to 15. Default: 1.39 on foot, 1.0 in a wheelchair.
    #[param(required = false)]
    pedestrian_speed: f64,
    /// m/s, 0.3 to 15. Default: 4.17.
    #[param(required = false)]
    cycling_speed: f64,
    /// How far a street may be from a place, m; at most 1000, which is the default.
    #[param(required = false)]
    max_matching_distance: f64,
    /// Longest duration of a journey, s. Default: no limit (MOTIS: 1800).
    #[param(required = false)]
    max_direct_time: u32,
    /// Whether to send `legGeometry` and `steps`. Default: true.
    #[param(required = false)]
    detailed_legs: bool,
    /// Language tags, first one first; `en…` gives English street names where there are any. Default: the
    /// language of the place.
    #[param(required = false)]
    language: String,
    /// Modes of public transport, separated by commas: `TRANSIT` (all of them, the default), `RAIL` (all kinds of
    /// trains), `TRAM`, `SUBWAY`, `SUBURBAN`, `BUS`, `COACH`, `FERRY`, `FUNICULAR`, `AERIAL_LIFT` and so on. An
    /// empty list asks for none.
    #[param(required = false, example = "BUS,SUBWAY")]
    transit_modes: String,
    /// Most changes of vehicle, 0 to 11. Default: 5.
    #[param(required = false)]
    max_transfers: u32,
    /// Journeys by public transport wanted: if there are fewer in the search window, it is made wider, up to a
    /// day. 0 to 50. Default: 5.
    #[param(required = false)]
    num_itineraries: u32,
    /// Departures up to so many seconds after `time` (arrivals before it with `arriveBy=true`) belong to the answer;
    /// at most 86400. Default: 900.
    #[param(required = false)]
    search_window: u32,
    /// Longest way on foot to the first stop, s. Default: 900. Between stops it is always 900 at the usual speed.
    #[param(required = false)]
    max_pre_transit_time: u32,
    /// Longest way on foot from the last stop, s. Default: 900.
    #[param(required = false)]
    max_post_transit_time: u32,
}

/// What is asked of public transport.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct TransitWish {
    pub(crate) modes: Modes,
    pub(crate) transfers: usize,
    pub(crate) at_least: usize,
    pub(crate) window: Duration,
    pub(crate) walk_before: Duration,
    pub(crate) walk_after: Duration,
}

/// What is asked.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Question {
    pub(crate) from: Place,
    pub(crate) to: Place,
    pub(crate) when: When,
    pub(crate) profiles: Vec<Profile>,
    pub(crate) on_foot: Profile,
    /// Public transport, if it is wanted and there is any.
    pub(crate) transit: Option<TransitWish>,
    pub(crate) pedestrian_mps: Option<f64>,
    pub(crate) cycling_mps: Option<f64>,
    pub(crate) street_within_m: f64,
    pub(crate) longest: Option<Duration>,
    pub(crate) telling: Telling,
    /// What was asked and cannot be done.
    pub(crate) notes: Vec<String>,
    /// As it came.
    pub(crate) parameters: BTreeMap<String, String>,
}

impl Question {
    /// Reads the parameters; `now` is when the journey begins if nothing is said.
    pub(crate) fn read(
        pairs: Vec<(String, String)>,
        planner: &Planner,
        now: Moment,
    ) -> Result<Question, Problem> {
        let mut parameters = BTreeMap::new();
        for (name, value) in pairs {
            if parameters.insert(name.clone(), value).is_some() {
                return Err(bad(&name, format!("{name} is given twice")));
            }
        }
        let mut unread = parameters.clone();
        let mut take = |name: &str| unread.remove(name).map(|value| (name.to_string(), value));
        let mut notes = Vec::new();

        let from = place(planner, "fromPlace", "START", take("fromPlace"))?;
        let to = place(planner, "toPlace", "END", take("toPlace"))?;
        let moment = take("time").map(time).transpose()?.unwrap_or(now);
        let when = match take("arriveBy").map(flag).transpose()?.unwrap_or(false) {
            true => When::ArriveBy(moment),
            false => When::DepartAt(moment),
        };
        let on_foot = match take("pedestrianProfile") {
            None => Profile::Walk,
            Some((name, value)) => match value.as_str() {
                "FOOT" => Profile::Walk,
                "WHEELCHAIR" => Profile::Wheelchair,
                _ => return Err(bad(&name, format!("{name} is FOOT or WHEELCHAIR, not {value:?}"))),
            },
        };
        let profiles = match take("directModes") {
            None => vec![on_foot],
            Some(given) => modes(given, on_foot, &mut notes)?,
        };
        let pedestrian_mps = take("pedestrianSpeed").map(|g| number(g, SPEEDS_MPS, "m/s")).transpose()?;
        let cycling_mps = take("cyclingSpeed").map(|g| number(g, SPEEDS_MPS, "m/s")).transpose()?;
        let street_within_m = take("maxMatchingDistance").map(|g| number(g, 0.0..=1e9, "m")).transpose()?;
        let longest = take("maxDirectTime").map(|g| number(g, 0.0..=1e9, "s")).transpose()?;
        let detailed = take("detailedLegs").map(flag).transpose()?.unwrap_or(true);
        let language = match take("language") {
            Some((_, tags)) if tags.starts_with("en") => Language::English,
            _ => Language::Local,
        };
        let mut whole = |name: &str, range: std::ops::RangeInclusive<f64>, unit: &str, usual: f64| {
            take(name).map(|g| number(g, range, unit)).transpose().map(|given| given.unwrap_or(usual))
        };
        let transfers = whole("maxTransfers", 0.0..=(MOST_RIDES - 1) as f64, "", 5.0)? as usize;
        let at_least = whole("numItineraries", 0.0..=50.0, "", 5.0)? as usize;
        let window = Duration::from_secs_f64(whole("searchWindow", 0.0..=86_400.0, "s", 900.0)?);
        let walk_before = Duration::from_secs_f64(whole("maxPreTransitTime", 0.0..=86_400.0, "s", 900.0)?);
        let walk_after = Duration::from_secs_f64(whole("maxPostTransitTime", 0.0..=86_400.0, "s", 900.0)?);
        let modes = match take("transitModes") {
            None => Modes::ALL,
            Some(given) => transit_modes(given)?,
        };
        let wish = TransitWish { modes, transfers, at_least, window, walk_before, walk_after };
        let wanted = modes != Modes::NONE;
        if wanted && planner.transit().is_none() {
            notes.push(
                "no timetable is loaded, so `itineraries` (public transport) is always empty".to_string(),
            );
        }
        let transit = Some(wish).filter(|_| wanted && planner.transit().is_some());
        notes.extend(unread.keys().map(|name| format!("{name} has no effect yet")));

        Ok(Question {
            from,
            to,
            when,
            profiles,
            on_foot,
            transit,
            pedestrian_mps,
            cycling_mps,
            street_within_m: street_within_m.unwrap_or(STREET_WITHIN_M).min(STREET_WITHIN_M),
            longest: longest.map(Duration::from_secs_f64),
            telling: Telling { language, detailed },
            notes,
            parameters,
        })
    }
}

/// A parameter's name and value.
type Given = (String, String);

fn bad(parameter: &str, detail: impl Into<String>) -> Problem {
    Problem::new(Code::BadRequest, detail).with(parameter)
}

fn flag((name, value): Given) -> Result<bool, Problem> {
    value.parse().map_err(|_| bad(&name, format!("{name} is true or false, not {value:?}")))
}

fn number((name, value): Given, range: std::ops::RangeInclusive<f64>, unit: &str) -> Result<f64, Problem> {
    match value.parse::<f64>() {
        Ok(number) if range.contains(&number) => Ok(number),
        Ok(_) => {
            let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
            Err(bad(
                &name,
                format!("{name} is between {} and {}{unit}, not {value}", range.start(), range.end()),
            ))
        }
        Err(_) => Err(bad(&name, format!("{name} is a number, not {value:?}"))),
    }
}

fn time((name, value): Given) -> Result<Moment, Problem> {
    // In a query string a bare `+` is a blank; nobody writes a blank into a time.
    let read: Result<jiff::Timestamp, _> = value.replace(' ', "+").parse();
    match read {
        Ok(t) if TIMES.contains(&t.as_millisecond()) => Ok(Moment(t.as_millisecond())),
        Ok(_) => Err(bad(&name, format!("{name} is between the years 2000 and 2100, not {value}"))),
        Err(_) => {
            let example = "2026-06-12T08:00:00+03:00";
            Err(bad(
                &name,
                format!("{name} is an ISO 8601 time with a zone, such as {example}, not {value:?}"),
            ))
        }
    }
}

fn modes((name, value): Given, on_foot: Profile, notes: &mut Vec<String>) -> Result<Vec<Profile>, Problem> {
    let mut profiles = Vec::new();
    for mode in value.split(',').map(str::trim).filter(|mode| !mode.is_empty()) {
        let profile = match mode {
            "WALK" => on_foot,
            "BIKE" => Profile::Bicycle,
            "CAR" => Profile::Car,
            "TAXI" => Profile::Taxi,
            known if NOT_YET.contains(&known) => {
                notes.push(format!("{name}: {known} cannot be planned yet"));
                continue;
            }
            _ => return Err(bad(&name, format!("{name} knows WALK, BIKE, CAR and TAXI, not {mode:?}"))),
        };
        if !profiles.contains(&profile) {
            profiles.push(profile);
        }
    }
    Ok(profiles)
}

fn transit_modes((name, value): Given) -> Result<Modes, Problem> {
    const TRAINS: [Mode; 7] = [
        Mode::Rail,
        Mode::HighspeedRail,
        Mode::LongDistance,
        Mode::NightRail,
        Mode::RegionalFastRail,
        Mode::RegionalRail,
        Mode::Suburban,
    ];
    let mut modes = Modes::NONE;
    for mode in value.split(',').map(str::trim).filter(|mode| !mode.is_empty()) {
        modes = match mode {
            "TRANSIT" => Modes::ALL,
            "RAIL" => TRAINS.into_iter().fold(modes, Modes::with),
            // The name that MOTIS had before.
            "METRO" => modes.with(Mode::Subway),
            _ => match Mode::ALL.into_iter().find(|known| known.name() == mode) {
                Some(known) => modes.with(known),
                None => {
                    return Err(bad(
                        &name,
                        format!("{name} knows TRANSIT, BUS, TRAM, SUBWAY, RAIL and more, not {mode:?}"),
                    ));
                }
            },
        };
    }
    Ok(modes)
}

fn place(planner: &Planner, name: &str, call_it: &str, given: Option<Given>) -> Result<Place, Problem> {
    let Some((_, value)) = given else {
        return Err(bad(name, format!("{name} is missing; it is latitude,longitude or the id of a stop")));
    };
    let parts: Vec<&str> = value.split(',').map(str::trim).collect();
    let numbers: Option<Vec<f64>> = parts.iter().map(|part| part.parse().ok()).collect();
    match numbers.as_deref() {
        Some([lat, lon] | [lat, lon, _]) => {
            let at = LonLat { lon: *lon, lat: *lat };
            on_the_map(planner, name, at)?;
            Ok(Place { name: call_it.to_string(), stop: None, at })
        }
        Some(_) => Err(bad(name, format!("{name} is latitude,longitude, not {value:?}"))),
        None => {
            if let Some(transit) = planner.transit()
                && let Some(stop) = transit.stop(&value)
            {
                return Ok(transit.place(stop));
            }
            let stop = planner.city().transit.stops.iter().find(|stop| stop.id.as_str() == value);
            let unknown = || {
                let detail =
                    format!("{name}: {value:?} is neither latitude,longitude nor the id of a stop we know");
                Problem::new(Code::UnknownStop, detail).with(name)
            };
            let stop = stop.ok_or_else(unknown)?;
            let (name, id) = (stop.name.local.clone(), stop.id.as_str().to_string());
            Ok(Place { name, stop: Some(id), at: stop.at })
        }
    }
}

fn on_the_map(planner: &Planner, name: &str, at: LonLat) -> Result<(), Problem> {
    let swapped = LonLat { lon: at.lat, lat: at.lon };
    let valid = |p: LonLat| p.lon.is_finite() && p.lat.is_finite() && p.is_valid();
    let Some([sw, ne]) = planner.bounds() else {
        return Err(Problem::new(Code::OutsideTheMap, "the map has no streets at all").with(name));
    };
    // As far beyond the outermost street as a place may be from any street.
    let margin_lat = STREET_WITHIN_M / 111_000.0;
    let margin_lon = margin_lat / sw.lat.to_radians().cos().max(0.01);
    let inside = |p: LonLat| {
        (sw.lat - margin_lat..=ne.lat + margin_lat).contains(&p.lat)
            && (sw.lon - margin_lon..=ne.lon + margin_lon).contains(&p.lon)
    };
    if valid(at) && inside(at) {
        return Ok(());
    }
    if valid(swapped) && inside(swapped) {
        let detail = format!(
            "{name} is latitude,longitude; {},{} is not on this map, but {},{} is",
            at.lat, at.lon, at.lon, at.lat
        );
        return Err(Problem::new(Code::SwappedCoordinates, detail).with(name));
    }
    if !valid(at) {
        let detail =
            format!("{name}: latitude {} and longitude {} are no place on the earth", at.lat, at.lon);
        return Err(Problem::new(Code::NotAPlace, detail).with(name));
    }
    let nearest = LonLat { lon: at.lon.clamp(sw.lon, ne.lon), lat: at.lat.clamp(sw.lat, ne.lat) };
    let city = planner.city().name.english();
    let km = at.distance_m(nearest) / 1000.0;
    let detail = format!("{name} {},{} is {km:.1} km outside the map of {city}", at.lat, at.lon);
    Err(Problem::new(Code::OutsideTheMap, detail).with(name))
}
