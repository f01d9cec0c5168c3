//! Timetables as tables, for tests, and the one way to ask them for journeys.
//!
//! Streets are drawn as in [`crate::drawing`]; a stop stands at each node that a table names. The rest is read
//! as GTFS, so each test goes through the reader too. The clock is UTC, and everything runs daily in June 2026.
//!
//! ```text
//! BUS 1   A      B       C          a route and its stops
//!         08:00  08:05   08:15      a trip; 08:05/08:07 arrives and departs, 08:05- lets nobody on, 08:05+ nobody off
//!         08:20  08:25   08:35 wheelchair bicycle
//! every 300 from 06:00 until 09:00  the trip above runs every five minutes instead
//! transfer A B 120                  changing from A to B takes so long; also `timed` and `no`
//! ```

use crate::{
    drawing::{NOW, draw, node, place},
    feeder::Feeder,
    gtfs::{self, archive::Archive, records::Mode, report::Report},
    intermodal::TransitQuery,
    planner::{Planner, STREET_WITHIN_M, When},
    prepare::prepare_timetable,
    profile::Profile,
    transit::{day::Modes, timetable::Timetable},
};
use model::{city::City, time::Moment};
use std::{collections::BTreeSet, fmt::Write as _, sync::Arc, time::Duration};

/// The tables of a feed that a drawing stands for.
pub(crate) fn tables(city: &City, drawing: &str) -> Vec<(&'static str, String)> {
    let mut routes = "route_id,route_short_name,route_type\n".to_string();
    let mut trips = "route_id,service_id,trip_id,wheelchair_accessible,bikes_allowed\n".to_string();
    let mut times =
        "trip_id,arrival_time,departure_time,stop_id,stop_sequence,pickup_type,drop_off_type\n".to_string();
    let mut frequencies = "trip_id,start_time,end_time,headway_secs\n".to_string();
    let mut transfers = "from_stop_id,to_stop_id,transfer_type,min_transfer_time\n".to_string();
    let mut stops: Vec<&str> = Vec::new();
    let (mut all, mut trip) = (BTreeSet::new(), 0);
    let clock =
        |time: &str| if time.matches(':').count() == 1 { format!("{time}:00") } else { time.to_string() };
    for line in drawing.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        // Writing into a string cannot fail.
        let _ = match words[..] {
            [] => continue,
            ["every", headway, "from", from, "until", until] => {
                writeln!(frequencies, "t{trip},{},{},{headway}", clock(from), clock(until))
            }
            ["transfer", from, to, "timed"] => writeln!(transfers, "{from},{to},1,"),
            ["transfer", from, to, "no"] => writeln!(transfers, "{from},{to},3,"),
            ["transfer", from, to, seconds] => writeln!(transfers, "{from},{to},2,{seconds}"),
            [mode, name, ..] if !mode.contains(':') => {
                let kind = match mode {
                    "TRAM" => 0,
                    "METRO" => 1,
                    "BUS" => 3,
                    other => panic!("what runs as {other}?"),
                };
                stops = words[2..].to_vec();
                all.extend(stops.iter().copied());
                writeln!(routes, "{name},{name},{kind}")
            }
            _ => {
                trip += 1;
                let route =
                    routes.lines().last().and_then(|route| route.split(',').next()).expect("a route above");
                let code = |word: &str| if words.contains(&word) { 1 } else { 2 };
                let (wheelchair, bicycle) = (code("wheelchair"), code("bicycle"));
                let _ = writeln!(trips, "{route},daily,t{trip},{wheelchair},{bicycle}");
                for (i, (stop, time)) in stops.iter().zip(&words).enumerate() {
                    let rules = (u8::from(time.ends_with('-')), u8::from(time.ends_with('+')));
                    let time = time.trim_end_matches(['-', '+']);
                    let (arrival, departure) = time.split_once('/').unwrap_or((time, time));
                    let (arrival, departure) = (clock(arrival), clock(departure));
                    let _ =
                        writeln!(times, "t{trip},{arrival},{departure},{stop},{i},{},{}", rules.0, rules.1);
                }
                Ok(())
            }
        };
    }
    let mut places = "stop_id,stop_name,stop_lat,stop_lon\n".to_string();
    for stop in all {
        let at = city.network.node(node(&city.network, stop)).at;
        let _ = writeln!(places, "{stop},{stop},{},{}", at.lat, at.lon);
    }
    let calendar = "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n\
                    daily,1,1,1,1,1,1,1,20260601,20260630\n";
    let agency = "agency_name,agency_url,agency_timezone\nDrawn,https://example.org,Etc/UTC\n";
    vec![
        ("agency.txt", agency.to_string()),
        ("stops.txt", places),
        ("routes.txt", routes),
        ("trips.txt", trips),
        ("stop_times.txt", times),
        ("calendar.txt", calendar.to_string()),
        ("frequencies.txt", frequencies),
        ("transfers.txt", transfers),
    ]
}

/// A drawn timetable, read as a feed without faults.
pub(crate) fn timetable(city: &City, drawing: &str) -> Timetable {
    let tables = tables(city, drawing);
    let mut report = Report::default();
    let archive = Archive::of_tables(tables.iter().map(|(name, text)| (*name, text.as_str())));
    let feed = gtfs::read(archive, "f", &mut report).unwrap_or_else(|refused| panic!("{refused}"));
    assert_eq!(report.count(), 0, "{report}");
    Timetable::join(vec![feed])
}

/// A planner over drawn streets and a drawn timetable.
pub(crate) fn planner(streets: &str, drawing: &str) -> Planner {
    let city = Arc::new(draw(streets));
    let prepared = prepare_timetable(&city, timetable(&city, drawing));
    Planner::new(city).with_timetable(prepared)
}

/// A time of day on the day of [`NOW`].
fn time(text: &str) -> Moment {
    let parts: Vec<i64> = text.split(':').map(|part| part.parse().expect("a time")).collect();
    let midnight = NOW.0.div_euclid(86_400_000) * 86_400_000;
    Moment(midnight + (parts[0] * 60 + parts[1]) * 60_000)
}

/// `A to C at 08:00`, or `by` a time; then perhaps `within 900 s`, `by BUS`, `with 0 transfers`, `in a wheelchair`,
/// `with a bicycle`.
/// Without a window it asks for one departure only, and for what else is as good.
pub(crate) fn query(city: &City, text: &str) -> TransitQuery {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [from, "to", to, sense, at, ref rest @ ..] = words[..] else {
        panic!("ask `A to C at 08:00`, not {text:?}")
    };
    let mut query = TransitQuery {
        from: place(city, from),
        to: place(city, to),
        on_foot: Profile::Walk,
        when: if sense == "by" { When::ArriveBy(time(at)) } else { When::DepartAt(time(at)) },
        window: Duration::ZERO,
        at_least: 1,
        transfers: 5,
        modes: Modes::ALL,
        escorted: false,
        with_bicycle: false,
        before: vec![Feeder::OnFoot],
        after: vec![Feeder::OnFoot],
        walk_before: Duration::from_secs(900),
        walk_after: Duration::from_secs(900),
        street_within_m: STREET_WITHIN_M,
        speed_mps: None,
        cycling_mps: None,
        avoid_crowds: false,
        cheaper: None,
        asked: NOW,
    };
    match *rest {
        [] => {}
        ["within", seconds, "s"] => {
            query.window = Duration::from_secs(seconds.parse().expect("seconds"));
            query.at_least = 0;
        }
        ["by", "BUS"] => query.modes = Modes::NONE.with(Mode::Bus),
        ["with", transfers, "transfers"] => query.transfers = transfers.parse().expect("a number"),
        ["in", "a", "wheelchair"] => query.on_foot = Profile::Wheelchair,
        ["with", "a", "bicycle"] => query.with_bicycle = true,
        _ => panic!("what is {rest:?}?"),
    }
    query
}

/// Draws a city and a timetable, asks for journeys, and compares the lines that a person would read. Places are
/// beside the streets' nodes and not stops by name. `none` is for no journey that day.
#[track_caller]
pub(crate) fn check_journeys(streets: &str, drawing: &str, question: &str, expected: &str) {
    let planner = planner(streets, drawing);
    let query = query(&draw(streets), question);
    let journeys = planner.by_transit(&query).unwrap_or_else(|none| panic!("{question}: {none}"));
    let day = |moment: Moment| moment.0.div_euclid(86_400_000);
    let lines: Vec<String> = journeys.iter().map(ToString::to_string).collect();
    let today = |line: &str| expected.contains(line);
    let found = match &query.when {
        // Tomorrow's first bus is an answer as well, and no test's concern unless it names it.
        When::DepartAt(at) | When::ArriveBy(at) => journeys
            .iter()
            .zip(&lines)
            .filter(|(journey, line)| day(journey.start) == day(*at) || today(line))
            .map(|(_, line)| line.as_str())
            .collect::<Vec<_>>(),
    };
    let found = if found.is_empty() { "none".to_string() } else { found.join("\n") };
    let expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(found, expected.join("\n"), "{question}");
}
