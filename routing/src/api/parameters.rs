//! Parameters of a query string, read one by one, with a problem for each that cannot be.

use super::{
    problem::{Code, Problem},
    view::Language,
};
use crate::{
    gtfs::records::Mode,
    itinerary::Place,
    planner::{Planner, STREET_WITHIN_M},
    transit::day::Modes,
};
use axum::extract::{Query as UrlQuery, rejection::QueryRejection};
use model::{geo::LonLat, time::Moment};
use std::collections::BTreeMap;

/// A query string as axum hands it over.
pub(crate) type Pairs = Result<UrlQuery<Vec<(String, String)>>, QueryRejection>;

/// Moments that a journey may be planned for: 2000-01-01 to 2100-01-01.
const TIMES: std::ops::Range<i64> = 946_684_800_000..4_102_444_800_000;

/// All parameters of a question; what nobody takes is left over.
#[derive(Debug)]
pub(crate) struct Parameters {
    /// As they came.
    pub(crate) all: BTreeMap<String, String>,
    unread: BTreeMap<String, String>,
}

impl Parameters {
    /// Each parameter once.
    pub(crate) fn read(pairs: Vec<(String, String)>) -> Result<Parameters, Problem> {
        let mut all = BTreeMap::new();
        for (name, value) in pairs {
            if all.insert(name.clone(), value).is_some() {
                return Err(bad(&name, format!("{name} is given twice")));
            }
        }
        Ok(Parameters { unread: all.clone(), all })
    }

    /// The same from a request.
    pub(crate) fn of(pairs: Pairs) -> Result<Parameters, Problem> {
        let UrlQuery(pairs) = pairs.map_err(|e| Problem::new(Code::BadRequest, e.body_text()))?;
        Parameters::read(pairs)
    }

    /// A parameter, if it was given.
    pub(crate) fn take(&mut self, name: &str) -> Option<Given> {
        self.unread.remove(name).map(|value| (name.to_string(), value))
    }

    /// A whole number, or the usual one.
    pub(crate) fn whole(
        &mut self,
        name: &str,
        range: std::ops::RangeInclusive<f64>,
        unit: &str,
        usual: f64,
    ) -> Result<f64, Problem> {
        self.take(name)
            .map(|given| number(given, range, unit))
            .transpose()
            .map(|given| given.unwrap_or(usual))
    }

    /// A flag, or what is usual.
    pub(crate) fn flag(&mut self, name: &str, usual: bool) -> Result<bool, Problem> {
        self.take(name).map(flag).transpose().map(|given| given.unwrap_or(usual))
    }

    /// The language asked for.
    pub(crate) fn language(&mut self) -> Language {
        match self.take("language") {
            Some((_, tags)) if tags.starts_with("en") => Language::English,
            _ => Language::Local,
        }
    }

    /// Names that nobody took.
    pub(crate) fn left(&self) -> impl Iterator<Item = &str> {
        self.unread.keys().map(String::as_str)
    }
}

/// A parameter's name and value.
pub(crate) type Given = (String, String);

pub(crate) fn bad(parameter: &str, detail: impl Into<String>) -> Problem {
    Problem::new(Code::BadRequest, detail).with(parameter)
}

pub(crate) fn flag((name, value): Given) -> Result<bool, Problem> {
    value.parse().map_err(|_| bad(&name, format!("{name} is true or false, not {value:?}")))
}

pub(crate) fn number(
    (name, value): Given,
    range: std::ops::RangeInclusive<f64>,
    unit: &str,
) -> Result<f64, Problem> {
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

pub(crate) fn time((name, value): Given) -> Result<Moment, Problem> {
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

pub(crate) fn transit_modes((name, value): Given) -> Result<Modes, Problem> {
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

pub(crate) fn place(
    planner: &Planner,
    name: &str,
    call_it: &str,
    given: Option<Given>,
) -> Result<Place, Problem> {
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
            let stop = planner.map().stops.iter().find(|stop| stop.id == value);
            let unknown = || {
                let detail =
                    format!("{name}: {value:?} is neither latitude,longitude nor the id of a stop we know");
                Problem::new(Code::UnknownStop, detail).with(name)
            };
            let stop = stop.ok_or_else(unknown)?;
            let (name, id) = (stop.name.local.clone(), stop.id.clone());
            Ok(Place { name, stop: Some(id), at: stop.at })
        }
    }
}

pub(crate) fn on_the_map(planner: &Planner, name: &str, at: LonLat) -> Result<(), Problem> {
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
    let city = planner.map().name.english();
    let km = at.distance_m(nearest) / 1000.0;
    let detail = format!("{name} {},{} is {km:.1} km outside the map of {city}", at.lat, at.lon);
    Err(Problem::new(Code::OutsideTheMap, detail).with(name))
}

/// Coordinates in a parameter that must be there, wherever on the earth they are.
pub(crate) fn coordinates(name: &str, given: Option<Given>) -> Result<LonLat, Problem> {
    let Some((_, value)) = given else {
        return Err(bad(name, format!("{name} is missing; it is latitude,longitude")));
    };
    let numbers: Option<Vec<f64>> = value.split(',').map(|part| part.trim().parse().ok()).collect();
    match numbers.as_deref() {
        Some([lat, lon]) => {
            let at = LonLat { lon: *lon, lat: *lat };
            if at.lat.is_finite() && at.lon.is_finite() && at.is_valid() {
                return Ok(at);
            }
            let detail = format!("{name}: latitude {lat} and longitude {lon} are no place on the earth");
            Err(Problem::new(Code::NotAPlace, detail).with(name))
        }
        _ => Err(bad(name, format!("{name} is latitude,longitude, not {value:?}"))),
    }
}
