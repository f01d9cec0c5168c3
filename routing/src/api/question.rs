//! From a query string to a question that makes sense, or a problem that says why it does not.

use super::{
    parameters::{Given, Parameters, bad, flag, number, place, time, transit_modes},
    problem::Problem,
};
use crate::{
    api::view::{PRECISION, Telling},
    feeder::Feeder,
    intermodal::Cheaper,
    itinerary::Place,
    planner::{Planner, STREET_WITHIN_M, When},
    profile::Profile,
    transit::{day::Modes, search::MOST_RIDES},
};
use model::time::Moment;
use std::{collections::BTreeMap, time::Duration};
use utoipa::IntoParams;

/// Street modes of MOTIS that we know by name and cannot plan yet.
const NOT_YET: [&str; 2] = ["RIDE_SHARING", "HGV"];

/// Speeds that a person on foot or on a bicycle may name, m/s.
pub(super) const SPEEDS_MPS: std::ops::RangeInclusive<f64> = 0.3..=15.0;

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
    /// Means for journeys by one means all the way, separated by commas: `WALK`, `BIKE`, `RENTAL`, `FLEX` (a vehicle
    /// that comes when one asks for it), `CAR`, `CAR_DROPOFF` (the same: somebody drives), `CAR_PARKING` (one's own car to a car park
    /// that is open to all, and on foot from there), `TAXI` or `ODM`, `HGV` (a lorry). Default: `WALK`.
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
    /// Means of getting to the first stop, separated by commas: `WALK`, `BIKE` (one's own, which stays there: in a
    /// bicycle park if one is known within four minutes on foot of the stop, else at the stop itself; or with `requireBikeTransport=true`
    /// comes along), `RENTAL` (a shared vehicle, with ways on foot to it and from it), `FLEX` (a vehicle
    /// that comes when one asks for it), `CAR_PARKING` (one's own car to a car park for those who go on by public transport),
    /// `CAR_DROPOFF` or `CAR` (somebody drives one to the stop and goes on), `TAXI` or `ODM`. To each stop it is the quickest of them;
    /// cars drive in the traffic of `time`, and only to stops that are worth it: where driving counts three times, and none from which
    /// one could walk to the end. Default: `WALK`.
    #[param(required = false, example = "WALK,RENTAL")]
    pre_transit_modes: String,
    /// The same from the last stop; `BIKE` is a bicycle of one's own that waits there or came along, `CAR_PARKING` a car that waits
    /// in its car park.
    #[param(required = false, example = "WALK,RENTAL")]
    post_transit_modes: String,
    /// Whether one takes a bicycle along: all vehicles must be known to allow it. Default: false.
    #[param(required = false)]
    require_bike_transport: bool,
    /// Longest way to the first stop, s. Default: 900. Between stops it is always 900 on foot at the usual speed.
    #[param(required = false)]
    max_pre_transit_time: u32,
    /// Longest way from the last stop, s. Default: 900.
    #[param(required = false)]
    max_post_transit_time: u32,
    /// **Ours**: whether the best journeys without crowded vehicles are wanted too, where feeds say how full vehicles are: none that
    /// has `CRUSHED_STANDING_ROOM_ONLY`, `FULL`, `NOT_ACCEPTING_PASSENGERS` or `NOT_BOARDABLE` for `occupancy`. Default: false.
    #[param(required = false)]
    avoid_crowds: bool,
    /// **Ours**, with `pedestrianProfile=WHEELCHAIR`: whether one is escorted where one cannot go alone, at the stations and hours that the
    /// city's escorts have. The time to meet is counted, and nobody is met sooner than the notice allows (counted from the next quarter of an
    /// hour); `escort` of a leg says where one is met, when to book by and whom to call. Default: false.
    #[param(required = false)]
    escort: bool,
    /// **Ours**: how one pays, by the ids of `/api/v1/fares`; `fare` of each journey is the least that its rides cost so.
    /// Default: the tariff's first card.
    #[param(required = false, example = "wallet")]
    card: String,
    /// **Ours**: whether journeys by public transport that cost less are wanted too: of all within `cheapestWithin` those
    /// that cost less than any of the others, as far as none leaves earlier, arrives later, changes as often and costs as
    /// much as another. `fare.cheapest` is true for what costs least. Default: false.
    #[param(required = false)]
    cheapest: bool,
    /// **Ours**: such a journey arrives at most so many seconds after the soonest; with `arriveBy=true` it leaves at
    /// most so many before the last that is in time. At most 14400. Default: 1800.
    #[param(required = false)]
    cheapest_within: u32,
}

/// What is asked of public transport.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct TransitWish {
    pub(crate) modes: Modes,
    pub(crate) escorted: bool,
    pub(crate) with_bicycle: bool,
    pub(crate) transfers: usize,
    pub(crate) at_least: usize,
    pub(crate) window: Duration,
    pub(crate) before: Vec<Feeder>,
    pub(crate) after: Vec<Feeder>,
    pub(crate) walk_before: Duration,
    pub(crate) walk_after: Duration,
    pub(crate) avoid_crowds: bool,
    pub(crate) cheaper: Option<Cheaper>,
}

/// What is asked.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Question {
    pub(crate) from: Place,
    pub(crate) to: Place,
    pub(crate) when: When,
    pub(crate) profiles: Vec<Profile>,
    /// Whether a journey by a shared vehicle is wanted.
    pub(crate) hire: bool,
    /// Whether a journey by a vehicle on demand is wanted.
    pub(crate) on_demand: bool,
    /// Whether a journey by one's own car to a car park is wanted.
    pub(crate) parked: bool,
    pub(crate) on_foot: Profile,
    /// Public transport, if it is wanted and there is any.
    pub(crate) transit: Option<TransitWish>,
    pub(crate) pedestrian_mps: Option<f64>,
    pub(crate) cycling_mps: Option<f64>,
    pub(crate) street_within_m: f64,
    pub(crate) longest: Option<Duration>,
    pub(crate) telling: Telling,
    /// How one pays.
    pub(crate) card: Option<String>,
    /// What was asked and cannot be done.
    pub(crate) notes: Vec<String>,
    /// As it came.
    pub(crate) parameters: BTreeMap<String, String>,
}

impl Question {
    /// Reads the parameters; `now` is when the journey begins if nothing is said.
    pub(crate) fn read(mut given: Parameters, planner: &Planner, now: Moment) -> Result<Question, Problem> {
        let mut notes = Vec::new();

        let from = place(planner, "fromPlace", "START", given.take("fromPlace"))?;
        let to = place(planner, "toPlace", "END", given.take("toPlace"))?;
        let moment = given.take("time").map(time).transpose()?.unwrap_or(now);
        let when = match given.take("arriveBy").map(flag).transpose()?.unwrap_or(false) {
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
        let Direct { profiles, hire, on_demand, parked } = match given.take("directModes") {
            None => Direct { profiles: vec![on_foot], ..Direct::default() },
            Some(given) => modes(given, on_foot, &mut notes)?,
        };
        let mut feeders = |name: &str| match given.take(name) {
            None => Ok(vec![Feeder::OnFoot]),
            Some(given) => feeders(given, on_foot, &mut notes),
        };
        let (before, after) = (feeders("preTransitModes")?, feeders("postTransitModes")?);
        let rental = hire || before.iter().chain(&after).any(|feeder| *feeder == Feeder::Rental);
        if rental && planner.sharing().systems.is_empty() {
            notes.push("RENTAL: no shared vehicles are known now".to_string());
        }
        let parks = before.iter().chain(&after).any(|feeder| *feeder == Feeder::ParkAndRide);
        if parks && !planner.map().car_parks.iter().any(|park| park.park_and_ride) {
            notes.push("CAR_PARKING: no car parks for those who go on by train are known".to_string());
        }
        let flex = on_demand || before.iter().chain(&after).any(|feeder| *feeder == Feeder::OnDemand);
        let known = planner.transit().is_some_and(|transit| !transit.timetable().on_demand.trips.is_empty());
        if flex && !known {
            notes.push("FLEX: no vehicles on demand are known".to_string());
        }
        let pedestrian_mps =
            given.take("pedestrianSpeed").map(|g| number(g, SPEEDS_MPS, "m/s")).transpose()?;
        let cycling_mps = given.take("cyclingSpeed").map(|g| number(g, SPEEDS_MPS, "m/s")).transpose()?;
        let street_within_m =
            given.take("maxMatchingDistance").map(|g| number(g, 0.0..=1e9, "m")).transpose()?;
        let longest = given.take("maxDirectTime").map(|g| number(g, 0.0..=1e9, "s")).transpose()?;
        let detailed = given.take("detailedLegs").map(flag).transpose()?.unwrap_or(true);
        let language = given.language();
        let card = given.take("card").map(|(_, card)| card);
        let avoid_crowds = given.flag("avoidCrowds", false)?;
        let cheapest = given.flag("cheapest", false)?;
        let mut escorted = given.flag("escort", false)?;
        if escorted && on_foot != Profile::Wheelchair {
            notes.push("escort: it is for journeys with pedestrianProfile=WHEELCHAIR".to_string());
            escorted = false;
        } else if escorted && planner.transit().is_none_or(|transit| transit.escorts().is_none()) {
            notes.push("escort: nobody is known who escorts passengers".to_string());
            escorted = false;
        }
        if (cheapest || card.is_some()) && planner.fares().is_none() {
            notes.push("no tariff is loaded, so no fares are told".to_string());
        }
        let mut whole = |name: &str, range: std::ops::RangeInclusive<f64>, unit: &str, usual: f64| {
            given.whole(name, range, unit, usual)
        };
        let transfers = whole("maxTransfers", 0.0..=(MOST_RIDES - 1) as f64, "", 5.0)? as usize;
        let at_least = whole("numItineraries", 0.0..=50.0, "", 5.0)? as usize;
        let window = Duration::from_secs_f64(whole("searchWindow", 0.0..=86_400.0, "s", 900.0)?);
        let walk_before = Duration::from_secs_f64(whole("maxPreTransitTime", 0.0..=86_400.0, "s", 900.0)?);
        let walk_after = Duration::from_secs_f64(whole("maxPostTransitTime", 0.0..=86_400.0, "s", 900.0)?);
        let within = Duration::from_secs_f64(whole("cheapestWithin", 0.0..=14_400.0, "s", 1800.0)?);
        let cheaper = cheapest.then(|| Cheaper { card: card.clone(), within });
        let modes = match given.take("transitModes") {
            None => Modes::ALL,
            Some(given) => transit_modes(given)?,
        };
        let mut with_bicycle = given.flag("requireBikeTransport", false)?;
        if with_bicycle && on_foot == Profile::Wheelchair {
            notes.push("requireBikeTransport: nobody in a wheelchair takes a bicycle along".to_string());
            with_bicycle = false;
        }
        let wish = TransitWish {
            modes,
            escorted,
            with_bicycle,
            transfers,
            at_least,
            window,
            before,
            after,
            walk_before,
            walk_after,
            avoid_crowds,
            cheaper,
        };
        let wanted = modes != Modes::NONE;
        if wanted && planner.transit().is_none() {
            notes.push(
                "no timetable is loaded, so `itineraries` (public transport) is always empty".to_string(),
            );
        }
        let transit = Some(wish).filter(|_| wanted && planner.transit().is_some());
        notes.extend(given.left().map(|name| format!("{name} has no effect yet")));

        Ok(Question {
            from,
            to,
            when,
            profiles,
            hire,
            on_demand,
            parked,
            on_foot,
            transit,
            pedestrian_mps,
            cycling_mps,
            street_within_m: street_within_m.unwrap_or(STREET_WITHIN_M).min(STREET_WITHIN_M),
            longest: longest.map(Duration::from_secs_f64),
            card,
            telling: Telling { language, detailed, precision: PRECISION },
            notes,
            parameters: given.all,
        })
    }
}

/// Means for direct journeys: by oneself, by a shared vehicle, in one on demand, by car to a car park.
#[derive(Default)]
struct Direct {
    profiles: Vec<Profile>,
    hire: bool,
    on_demand: bool,
    parked: bool,
}

fn modes((name, value): Given, on_foot: Profile, notes: &mut Vec<String>) -> Result<Direct, Problem> {
    let Direct { mut profiles, mut hire, mut on_demand, mut parked } = Direct::default();
    for mode in value.split(',').map(str::trim).filter(|mode| !mode.is_empty()) {
        let profile = match mode {
            "WALK" => on_foot,
            "BIKE" => Profile::Bicycle,
            "CAR" | "CAR_DROPOFF" => Profile::Car,
            "TAXI" | "ODM" => Profile::Taxi,
            "HGV" => Profile::Truck,
            "CAR_PARKING" => {
                parked = true;
                continue;
            }
            // BIKE_SHARING is what MOTIS called it before.
            "RENTAL" | "BIKE_SHARING" => {
                hire = true;
                continue;
            }
            "FLEX" => {
                on_demand = true;
                continue;
            }
            known if NOT_YET.contains(&known) => {
                notes.push(format!("{name}: {known} cannot be planned yet"));
                continue;
            }
            _ => {
                return Err(bad(
                    &name,
                    format!("{name} knows WALK, BIKE, RENTAL, FLEX, CAR, CAR_PARKING and TAXI, not {mode:?}"),
                ));
            }
        };
        if !profiles.contains(&profile) {
            profiles.push(profile);
        }
    }
    Ok(Direct { profiles, hire, on_demand, parked })
}

/// Means of getting to stops, or from them.
pub(super) fn feeders(
    (name, value): Given,
    on_foot: Profile,
    notes: &mut Vec<String>,
) -> Result<Vec<Feeder>, Problem> {
    let mut feeders = Vec::new();
    for mode in value.split(',').map(str::trim).filter(|mode| !mode.is_empty()) {
        let feeder = match mode {
            "WALK" => Feeder::OnFoot,
            "BIKE" => Feeder::Bicycle,
            "RENTAL" | "BIKE_SHARING" => Feeder::Rental,
            "FLEX" => Feeder::OnDemand,
            "CAR_PARKING" => Feeder::ParkAndRide,
            "CAR" | "CAR_DROPOFF" => Feeder::DropOff,
            "TAXI" | "ODM" => Feeder::Taxi,
            known if NOT_YET.contains(&known) => {
                notes.push(format!("{name}: {known} cannot be planned yet"));
                continue;
            }
            _ => {
                let says = "knows WALK, BIKE, RENTAL, FLEX, CAR, CAR_PARKING and TAXI";
                return Err(bad(&name, format!("{name} {says}, not {mode:?}")));
            }
        };
        if matches!(feeder, Feeder::Bicycle | Feeder::Rental) && on_foot == Profile::Wheelchair {
            notes.push(format!("{name}: {mode} is not for those in a wheelchair"));
        } else if !feeders.contains(&feeder) {
            feeders.push(feeder);
        }
    }
    Ok(feeders)
}
