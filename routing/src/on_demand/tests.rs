//! Zones drawn on streets, as lines; and ways on demand against driving there.

use super::*;
use crate::{
    drawing::{NOW, draw, place},
    feeder::Feeder,
    gtfs::{self, archive::Archive, report::Report},
    planner::{Planner, Query, STREET_WITHIN_M},
    prepare::prepare_timetable,
    transit::drawing::{query, tables},
};
use model::{city::City, geo::LonLat};
use proptest::prelude::*;
use std::{fmt::Write as _, sync::Arc};

/// A village (A, B, C), a station far from it (D), and a town at the other end of the line (E, F).
const STREETS: &str = "
    A 0 0
    B 1000 0
    C 1000 1000
    D 5000 0
    E 20000 0
    F 21000 0
    G 25000 0
    A-B
    B-C
    B-D
    D-E
    E-F
    F-G";

const TRAIN: &str = "
    BUS 7   D      E
            08:20  08:40
            09:20  09:40
            10:20  10:40";

/// A box around some nodes.
fn around(city: &City, nodes: &[&str]) -> String {
    let all: Vec<LonLat> = nodes.iter().map(|name| place(city, name).at).collect();
    let fold = |of: fn(&LonLat) -> f64, pick: fn(f64, f64) -> f64| all.iter().map(of).reduce(pick).unwrap();
    let (west, east) = (fold(|at| at.lon, f64::min) - 0.001, fold(|at| at.lon, f64::max) + 0.001);
    let (south, north) = (fold(|at| at.lat, f64::min) - 0.001, fold(|at| at.lat, f64::max) + 0.001);
    format!("[[[{west},{south}],[{east},{south}],[{east},{north}],[{west},{north}],[{west},{south}]]]")
}

/// The feed of a drawing with what comes on demand: rows of `stop_times.txt` and of `booking_rules.txt`.
fn feed(city: &City, stays: &str, rules: &str) -> (Timetable, String) {
    let mut tables = tables(city, TRAIN);
    let zones = [("village", vec!["A", "B", "C"]), ("town", vec!["E", "F"])].map(|(id, nodes)| {
        let area = around(city, &nodes);
        format!(
            r#"{{"type":"Feature","id":"{id}","properties":{{"stop_name":"The {id}"}},
                "geometry":{{"type":"Polygon","coordinates":{area}}}}}"#
        )
    });
    let zones = format!(r#"{{"type":"FeatureCollection","features":[{}]}}"#, zones.join(","));
    tables.push(("locations.geojson", zones));
    tables.push((
        "location_groups.txt",
        "location_group_id,location_group_name\nstation,Station\n".to_string(),
    ));
    tables.push(("location_group_stops.txt", "location_group_id,stop_id\nstation,D\n".to_string()));
    let heads = "booking_rule_id,booking_type,prior_notice_duration_min,prior_notice_last_day,prior_notice_last_time,phone_number";
    tables.push(("booking_rules.txt", format!("{heads}\n{rules}")));
    let mut add = |table: &str, text: &str| {
        let (_, known) = tables.iter_mut().find(|(name, _)| *name == table).expect("a table of the drawing");
        known.push_str(text);
    };
    add("routes.txt", "dial,Dial,3\n");
    let table = tables.iter_mut().find(|(name, _)| *name == "trips.txt").expect("trips");
    let mut lines = table.1.lines();
    let head = lines.next().expect("a head");
    let rest: String = lines.map(|line| format!("{line},,\n")).collect();
    table.1 = format!("{head},safe_duration_factor,safe_duration_offset\n{rest}dial,daily,ride,1,,1.5,60\n");
    if stays.contains("back ") {
        table.1.push_str("dial,daily,back,2,,,\n");
    }
    let table = tables.iter_mut().find(|(name, _)| *name == "stop_times.txt").expect("times");
    let mut lines = table.1.lines();
    let head = lines.next().expect("a head");
    let rest: String = lines.map(|line| format!("{line},,,,,,\n")).collect();
    let more = "location_id,location_group_id,start_pickup_drop_off_window,end_pickup_drop_off_window,pickup_booking_rule_id,drop_off_booking_rule_id";
    table.1 = format!("{head},{more}\n{rest}");
    for row in stays.lines().filter(|row| !row.trim().is_empty()) {
        // trip, number, place, from, until, pickup, drop-off, rule
        let words: Vec<&str> = row.split_whitespace().collect();
        let [trip, number, at, from, until, on, off, ref rule @ ..] = words[..] else {
            panic!("what is {row:?}?")
        };
        let (location, group) = if at == "station" { ("", at) } else { (at, "") };
        let rule = rule.first().unwrap_or(&"");
        let [asked_on, asked_off] = [on, off].map(|rules| if rules == "1" { "" } else { *rule });
        let _ = writeln!(
            table.1,
            "{trip},,,,{number},{on},{off},{location},{group},{from}:00,{until}:00,{asked_on},{asked_off}"
        );
    }
    let mut report = Report::default();
    let archive = Archive::of_tables(tables.iter().map(|(name, text)| (*name, text.as_str())));
    let feed = gtfs::read(archive, "f", &mut report).unwrap_or_else(|refused| panic!("{refused}"));
    (Timetable::join(vec![feed]), report.to_string())
}

const RIDES: &str = "
    ride 1 village 06:00 09:00 2 1 call
    ride 2 station 06:00 09:00 1 2 call
    back 1 town 09:00 12:00 2 1
    back 2 town 09:00 12:00 1 2";

const RULES: &str = "call,1,30,,,+7 495\n";

fn planner(stays: &str, rules: &str) -> Planner {
    let city = Arc::new(draw(STREETS));
    let (timetable, report) = feed(&city, stays, rules);
    assert_eq!(report, "");
    Planner::new(city.clone()).with_timetable(prepare_timetable(&city, timetable))
}

#[track_caller]
fn check(planner: &Planner, [now, when]: [&str; 2], question: &str, expected: &[&str]) {
    let city = draw(STREETS);
    let mut query = query(&city, &format!("{question} {when}"));
    let midnight = NOW.0.div_euclid(86_400_000) * 86_400_000;
    let minutes = |clock: &str| -> i64 {
        let (hours, minutes) = clock.split_once(':').expect("a time");
        hours.parse::<i64>().unwrap() * 60 + minutes.parse::<i64>().unwrap()
    };
    query.asked = Moment(midnight + minutes(now) * 60_000);
    (query.before, query.after) =
        (vec![Feeder::OnFoot, Feeder::OnDemand], vec![Feeder::OnFoot, Feeder::OnDemand]);
    query.walk_before = Duration::from_secs(1800);
    let journeys = planner.by_transit(&query).unwrap();
    for journey in &journeys {
        assert_eq!(
            (journey.start, journey.end),
            (journey.legs[0].start, journey.legs[journey.legs.len() - 1].end)
        );
        for pair in journey.legs.windows(2) {
            assert!(pair[0].end <= pair[1].start && pair[0].to == pair[1].from, "{journey}");
        }
    }
    let clock = |moment: Moment| {
        let minute = (moment.0 - midnight) / 60_000;
        format!("{:02}:{:02}", minute / 60, minute % 60)
    };
    let lines: Vec<String> = journeys
        .iter()
        .filter(|j| j.end.0 < midnight + 86_400_000)
        .map(|j| format!("{} {j} {}", clock(j.start), clock(j.end)))
        .collect();
    assert_eq!(lines, expected, "{question} asked at {now}");
}

#[test]
fn from_the_door_to_the_station_and_on() {
    let planner = planner(RIDES, RULES);
    // Driving from A to the station takes ten minutes, the ride half as much more and a minute.
    check(
        &planner,
        ["06:00", "08:00"],
        "A to E at",
        &["08:04 A ~ on demand Dial 5.00 km ~ D ~ BUS 7 08:20 08:40 ~ E [36 min] 08:40"],
    );
    // Who sets out at 8:10 waits at the station until the windows end: the last ride gets there at nine.
    check(
        &planner,
        ["06:00", "08:10"],
        "A to E at",
        &["08:44 A ~ on demand Dial 5.00 km ~ D ~ BUS 7 09:20 09:40 ~ E [56 min] 09:40"],
    );
    // Half an hour's notice.
    check(
        &planner,
        ["07:40", "08:00"],
        "A to E at",
        &["08:44 A ~ on demand Dial 5.00 km ~ D ~ BUS 7 09:20 09:40 ~ E [56 min] 09:40"],
    );
    check(&planner, ["08:20", "08:20"], "A to E at", &[]);
    check(&planner, ["06:00", "09:00"], "A to E at", &[]);
    check(
        &planner,
        ["06:00", "09:45"],
        "A to E by",
        &["08:44 A ~ on demand Dial 5.00 km ~ D ~ BUS 7 09:20 09:40 ~ E [56 min] 09:40"],
    );
    check(
        &planner,
        ["06:00", "07:30 within 7200 s"],
        "C to E at",
        &[
            "08:03 C ~ on demand Dial 5.00 km ~ D ~ BUS 7 08:20 08:40 ~ E [36 min 7 s] 08:40",
            "08:43 C ~ on demand Dial 5.00 km ~ D ~ BUS 7 09:20 09:40 ~ E [56 min 7 s] 09:40",
        ],
    );
}

#[test]
fn from_the_station_to_the_door_and_from_door_to_door() {
    let planner = planner(RIDES, RULES);
    // Nobody asks before: the town's vehicles come until noon, and the first window begins at nine.
    check(
        &planner,
        ["09:00", "09:00"],
        "D to F at",
        &["09:20 D ~ BUS 7 09:20 09:40 ~ E ~ on demand Dial 1.00 km ~ F [22 min] 09:42"],
    );
    check(
        &planner,
        ["08:00", "08:15"],
        "D to F at",
        &["08:20 D ~ BUS 7 08:20 08:40 ~ E ~ walk 1.00 km ~ F [32 min] 08:52"],
    );
    let city = draw(STREETS);
    let direct = |from: &str, to: &str, when: When, now: Moment| {
        let (from, to) = (place(&city, from), place(&city, to));
        let query = Query {
            from,
            to,
            profile: Profile::Walk,
            when,
            street_within_m: STREET_WITHIN_M,
            speed_mps: None,
        };
        planner
            .on_demand(&query, now)
            .map(|journey| format!("{journey} from {}", journey.start.0 / 60_000 % 1440))
    };
    let ten = NOW + Duration::from_secs(2 * 3600);
    let line = |minute: i64| Some(format!("E ~ on demand Dial 1.00 km ~ F [2 min] from {minute}"));
    assert_eq!(direct("E", "F", When::DepartAt(ten), NOW), line(600));
    assert_eq!(direct("E", "F", When::DepartAt(NOW), NOW), line(540), "the window begins at nine");
    assert_eq!(direct("E", "F", When::ArriveBy(ten), NOW), line(598));
    assert_eq!(direct("E", "F", When::DepartAt(NOW), ten), line(600), "nobody is picked up before asking");
    assert_eq!(direct("E", "A", When::DepartAt(ten), NOW), None);
    // To a stop of a group one walks.
    let (from, to) = (place(&city, "A"), place(&city, "D"));
    let query = Query {
        from,
        to,
        profile: Profile::Walk,
        when: When::DepartAt(NOW),
        street_within_m: STREET_WITHIN_M,
        speed_mps: None,
    };
    let journey = planner.on_demand(&query, NOW).expect("until nine");
    assert_eq!(journey.to_string(), "A ~ on demand Dial 5.00 km ~ D [16 min]");
    let booked = journey.legs[0].street().and_then(|way| way.on_demand.as_deref()).expect("on demand");
    let told = booked
        .ends
        .each_ref()
        .map(|end| (end.zone.as_str(), end.booking.as_ref().and_then(|rule| rule.phone.as_deref())));
    assert_eq!(told, [("The village", Some("+7 495")), ("Station", Some("+7 495"))]);
    let notice = Duration::from_secs(1800);
    assert_eq!(
        booked.ends.each_ref().map(|end| end.book_by),
        [journey.start - notice, journey.end - notice].map(Some),
        "half an hour before"
    );
}

#[test]
fn a_feed_of_zones_alone_has_no_stops() {
    let city = Arc::new(draw(STREETS));
    let area = around(&city, &["A", "B", "C"]);
    let feature = format!(
        r#"{{"type":"Feature","id":"village","geometry":{{"type":"Polygon","coordinates":{area}}}}}"#
    );
    let zones = format!(r#"{{"type":"FeatureCollection","features":[{feature}]}}"#);
    let windows = "start_pickup_drop_off_window,end_pickup_drop_off_window";
    let tables = [
        ("agency.txt", "agency_name,agency_url,agency_timezone\nDial,https://example.org/,UTC\n".to_string()),
        ("calendar_dates.txt", "service_id,date,exception_type\ntoday,20260612,1\n".to_string()),
        ("routes.txt", "route_id,route_short_name,route_type\ndial,Dial,3\n".to_string()),
        ("trips.txt", "route_id,service_id,trip_id\ndial,today,ride\n".to_string()),
        (
            "stop_times.txt",
            format!(
                "trip_id,stop_sequence,location_id,{windows}\n\
                 ride,1,village,00:00:00,24:00:00\nride,2,village,00:00:00,24:00:00\n"
            ),
        ),
        ("locations.geojson", zones),
    ];
    let mut report = Report::default();
    let archive = Archive::of_tables(tables.iter().map(|(name, text)| (*name, text.as_str())));
    let feed = gtfs::read(archive, "f", &mut report).unwrap_or_else(|refused| panic!("{refused}"));
    let timetable = Timetable::join(vec![feed]);
    let planner = Planner::new(city.clone()).with_timetable(prepare_timetable(&city, timetable));
    let mut query = query(&city, "A to C at 08:00");
    query.before = vec![Feeder::OnDemand];
    assert_eq!(planner.by_transit(&query), Ok(Vec::new()));
    let direct = Query {
        from: place(&city, "A"),
        to: place(&city, "C"),
        profile: Profile::Walk,
        when: When::DepartAt(NOW),
        street_within_m: STREET_WITHIN_M,
        speed_mps: None,
    };
    let journey = planner.on_demand(&direct, NOW).map(|journey| journey.to_string());
    assert_eq!(journey.as_deref(), Some("A ~ on demand Dial 2.00 km ~ C [4 min 5 s]"));
}

#[test]
fn days_before_are_counted() {
    let planner = planner(RIDES, "call,2,,1,17:00:00,\n");
    let city = draw(STREETS);
    let asked = |hours: i64| {
        let mut query = query(&city, "A to E at 08:10");
        query.asked = Moment(NOW.0 + hours * 3_600_000);
        (query.before, query.walk_before) = (vec![Feeder::OnDemand], Duration::from_secs(1800));
        let journeys = planner.by_transit(&query).unwrap();
        let way = journeys.first()?.legs[0].street()?;
        let book_by = way.on_demand.as_deref()?.ends[0].book_by?;
        Some([journeys[0].start, book_by].map(|at| (at.0 - NOW.0).div_euclid(3_600_000)))
    };
    assert_eq!(asked(-15), Some([0, -15]), "at five in the afternoon before");
    assert_eq!(asked(-14), Some([24, 9]), "an hour later it is too late for today's");
}

#[test]
fn what_is_broken_is_reported_and_the_rest_is_used() {
    let city = draw(STREETS);
    let reported = |stays: &str, rules: &str| feed(&city, stays, rules).1.trim_end().to_string();
    assert_eq!(reported(RIDES, RULES), "");
    assert_eq!(
        reported(&RIDES.replace("ride 2 station", "ride 2 village"), &RULES.replace("call,1", "call,7")),
        "f/booking_rules.txt:2: \"call\" does not say until when one asks: left out\n\
         f/stop_times.txt:8: trip \"ride\", at \"village\" is asked for by a rule that the feed does not have: nothing is said of asking\n\
         f/stop_times.txt:9: trip \"ride\", at \"village\" is asked for by a rule that the feed does not have: nothing is said of asking"
    );
    assert_eq!(
        reported(&RIDES.replace("ride 2 station 06:00", "ride 2 station 10:00"), RULES),
        "f/stop_times.txt:9: trip \"ride\", at \"station\" has no window in which a vehicle comes: left out\n\
         f/stop_times.txt: trip \"ride\" has one window only: nobody can get off: left out"
    );
    assert_eq!(
        reported(&RIDES.replace("back 2 town", "back 2 city"), RULES),
        "f/stop_times.txt:11: trip \"back\", at \"city\" comes to a place that the feed does not have: left out\n\
         f/stop_times.txt: trip \"back\" has one window only: nobody can get off: left out"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// For each train: the latest that one may be picked up to catch it, by the operator's own words.
    #[test]
    fn journeys_are_what_each_train_allows(
        windows in prop::array::uniform2((300..600_u32, 0..200_u32)),
        (notice, asked, start) in (0..200_u32, 300..640_u32, 400..640_u32),
    ) {
        let clock = |minutes: u32| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        let [on, off] = windows.map(|(from, long)| [from, from + long]);
        let row = |number: u32, at: &str, [from, until]: [u32; 2], rules: &str| {
            format!("ride {number} {at} {} {} {rules} call\n", clock(from), clock(until))
        };
        let stays = row(1, "village", on, "2 1") + &row(2, "station", off, "1 2");
        let planner = planner(&stays, &format!("call,1,{notice},,,\n"));
        let city = draw(STREETS);
        let mut query = query(&city, &format!("A to E at {} within 14400 s", clock(start)));
        let midnight = NOW.0.div_euclid(86_400_000) * 86_400_000;
        query.asked = Moment(midnight + i64::from(asked) * 60_000);
        (query.before, query.walk_before) = (vec![Feeder::OnDemand], Duration::from_secs(3600));
        let today = |moment: Moment| moment.0 < midnight + 86_400_000;
        let found = planner.by_transit(&query).unwrap();
        let found: Vec<[i64; 2]> =
            found.iter().filter(|j| today(j.end)).map(|j| [j.start, j.end].map(|at| (at.0 - midnight) / 1000)).collect();

        // Between A and D there are 5 km of one street, 30 km/h: ten minutes, which a ride makes sixteen.
        let (takes, s) = (960, |minutes: u32| i64::from(minutes) * 60);
        let from = s(on[0]).max(s(asked + notice)).max((s(off[0]).max(s(asked + notice))) - takes);
        let until = s(on[1]).min(s(off[1]) - takes);
        let mut expected: Vec<[i64; 2]> = Vec::new();
        for train in [500, 560, 620].map(s) {
            let picked_up = until.min(train - takes);
            let in_time = (s(start)..=s(start) + 14_400).contains(&picked_up);
            if picked_up >= from && in_time && expected.iter().all(|known| known[0] < picked_up) {
                expected.push([picked_up, train + 20 * 60]);
            }
        }
        prop_assert_eq!(found, expected);
    }
}
