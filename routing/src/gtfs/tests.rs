//! Feeds that are broken in many ways: each fault is reported with file, line and record, and costs no more than
//! it must.

mod damage;

use super::{archive::Archive, read, records::Feed, report::Report};
use proptest::prelude::*;
use std::io::{Cursor, Write as _};

/// A sound feed of one bus that goes twice.
const SOUND: [(&str, &str); 7] = [
    (
        "agency.txt",
        "agency_id,agency_name,agency_url,agency_timezone\na,City,https://example.org,Europe/Lisbon\n",
    ),
    (
        "stops.txt",
        "stop_id,stop_name,stop_lat,stop_lon\nA,Alpha,41.1,-8.6\nB,Beta,41.2,-8.6\nC,Gamma,41.3,-8.6\n",
    ),
    ("routes.txt", "route_id,agency_id,route_short_name,route_type\n1,a,One,3\n"),
    ("trips.txt", "route_id,service_id,trip_id\n1,week,t1\n1,week,t2\n"),
    (
        "stop_times.txt",
        "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n\
         t1,6:40:00,6:40:00,A,1\nt1,06:50:00,06:51:00,B,2\nt1,7:00:00,7:00:00,C,3\n\
         t2,25:40:00,25:40:00,A,1\nt2,25:50:00,25:50:00,B,2\nt2,26:00:00,26:00:00,C,3\n",
    ),
    (
        "calendar.txt",
        "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n\
         week,1,1,1,1,1,0,0,20240101,20241231\n",
    ),
    ("calendar_dates.txt", "service_id,date,exception_type\nweek,20240101,2\n"),
];

fn broken(table: &str, from: &str, to: &str) -> (Result<Feed, String>, Report) {
    let tables = SOUND.map(|(name, text)| {
        assert!(name != table || text.contains(from), "{from:?} is not in {table}");
        (name, if name == table { text.replacen(from, to, 1) } else { text.to_string() })
    });
    read_tables(tables.iter().map(|(name, text)| (*name, text.as_str())))
}

fn read_tables<'a>(tables: impl IntoIterator<Item = (&'a str, &'a str)>) -> (Result<Feed, String>, Report) {
    let mut report = Report::default();
    let feed = read(Archive::of_tables(tables), "f", &mut report).map_err(|refused| refused.to_string());
    (feed, report)
}

/// Breaks one table and compares what is reported, and how many trips and calls remain.
#[track_caller]
fn check(table: &str, from: &str, to: &str, reported: &str, (trips, calls): (usize, usize)) {
    let (feed, report) = broken(table, from, to);
    let feed = feed.unwrap_or_else(|refused| panic!("{refused}"));
    assert_eq!(report.to_string().trim_end(), reported);
    assert_eq!((feed.trips.len(), feed.calls.len()), (trips, calls), "{report}");
}

#[test]
fn a_sound_feed_has_no_faults() {
    check("stops.txt", "", "", "", (2, 6));
    // A mark of byte order, blanks, empty lines, the other line end, and quotation marks are no faults.
    check("stops.txt", "stop_id", "\u{feff}stop_id", "", (2, 6));
    check("stops.txt", "A,Alpha", " A ,\"Alpha, \"\"the\"\" first\"", "", (2, 6));
    check("stop_times.txt", "\nt1", "\r\n\r\nt1", "", (2, 6));
}

#[test]
fn a_second_agency_of_an_id_leaves_the_first() {
    let again = "Europe/Lisbon\na,Town,https://example.org,Europe/Lisbon\n";
    let (feed, report) = broken("agency.txt", "Europe/Lisbon\n", again);
    let feed = feed.unwrap();
    assert!(report.to_string().contains("stands there a second time"), "{report}");
    assert_eq!((feed.agencies.len(), feed.agencies[0].name.as_str(), feed.routes[0].agency), (1, "City", 0));
}

#[test]
fn times_are_read_as_they_are_written() {
    let feed = broken("stops.txt", "", "").0.unwrap();
    let times: Vec<_> = feed.calls.iter().map(|call| (call.arrival_s, call.departure_s)).collect();
    assert_eq!(times[..2], [(24_000, 24_000), (24_600, 24_660)]);
    assert_eq!(times[5], (93_600, 93_600));
    for (text, expected) in [
        ("6:40:00", Some(24_000)),
        ("06:40:00", Some(24_000)),
        ("25:00:01", Some(90_001)),
        ("100:00:00", Some(360_000)),
        ("6:40", None),
        ("6:60:00", None),
        ("-1:00:00", None),
        ("999:00:00", None),
        ("noon", None),
        ("", None),
    ] {
        assert_eq!(super::stop_times::seconds(text), expected, "{text}");
    }
}

#[test]
fn times_between_are_spread() {
    let feed = broken("stop_times.txt", "06:50:00,06:51:00,B", ",,B").0.unwrap();
    assert_eq!((feed.calls[1].arrival_s, feed.calls[1].departure_s), (24_600, 24_600));
}

#[test]
fn a_fault_costs_its_row_and_no_more() {
    let lost = |line: u32, what: &str| format!("f/stop_times.txt:{line}: {what}: left out");
    check(
        "stop_times.txt",
        "B,2",
        "X,2",
        &lost(3, "trip \"t1\", stop \"X\" calls at a stop that is not there"),
        (2, 5),
    );
    check("stop_times.txt", "t1,06", "tx,06", &lost(3, "trip \"tx\" is of a trip that is not there"), (2, 5));
    check(
        "stop_times.txt",
        "B,2",
        "B,two",
        &lost(3, "trip \"t1\", stop \"B\" has no number in its trip"),
        (2, 5),
    );
    check(
        "stop_times.txt",
        "B,2",
        "B,1",
        &lost(3, "trip \"t1\", number 1 stands there a second time"),
        (2, 5),
    );
    check(
        "stop_times.txt",
        "7:00:00,7:00:00",
        "6:45:00,6:45:00",
        &lost(4, "trip \"t1\" arrives before it left the stop before"),
        (1, 3),
    );
    check(
        "stop_times.txt",
        "06:50:00,06:51",
        "06:50:00,06:49",
        &lost(3, "trip \"t1\" departs before it arrives"),
        (1, 3),
    );
    check(
        "stop_times.txt",
        "7:00:00,7:00:00",
        ",",
        &lost(4, "trip \"t1\" has no time at its first or last stop"),
        (1, 3),
    );
    check(
        "stop_times.txt",
        "06:50:00,06:51:00",
        "soon,06:51:00",
        "f/stop_times.txt:3: trip \"t1\", stop \"B\", \"soon\" has a time that is none: as if it were not given",
        (2, 6),
    );
    check(
        "trips.txt",
        "1,week,t1",
        "9,week,t1",
        "f/stop_times.txt:2: trip \"t1\" is of a trip that is not there: left out
f/stop_times.txt:3: trip \"t1\" is of a trip that is not there: left out
f/stop_times.txt:4: trip \"t1\" is of a trip that is not there: left out
f/trips.txt:2: \"t1\" is of a route that routes.txt does not have: left out",
        (1, 3),
    );
    check(
        "trips.txt",
        "t2",
        "t1",
        "f/stop_times.txt:5: trip \"t2\" is of a trip that is not there: left out
f/stop_times.txt:6: trip \"t2\" is of a trip that is not there: left out
f/stop_times.txt:7: trip \"t2\" is of a trip that is not there: left out
f/trips.txt:3: \"t1\" stands there a second time: left out",
        (1, 3),
    );
    check(
        "routes.txt",
        "One,3",
        "One,9999",
        "f/routes.txt:2: \"1\" has no route_type that is known: shown as OTHER",
        (2, 6),
    );
    check(
        "routes.txt",
        "1,a",
        "1,z",
        "f/routes.txt:2: \"1\" has no agency that agency.txt has: the first agency's",
        (2, 6),
    );
    check(
        "calendar_dates.txt",
        "20240101",
        "20240199",
        "f/calendar_dates.txt:2: \"week\" has no day, or says neither 1 nor 2 of it: left out",
        (2, 6),
    );
    check(
        "stops.txt",
        "Beta,41.2,-8.6",
        "Beta,0,0",
        "f/stop_times.txt:3: trip \"t1\", stop \"B\" calls at a stop that is not there: left out
f/stop_times.txt:6: trip \"t2\", stop \"B\" calls at a stop that is not there: left out
f/stops.txt:3: \"B\" has no coordinates: left out",
        (2, 4),
    );
}

#[test]
fn an_unclosed_quotation_mark_swallows_nothing_in_silence() {
    let (feed, report) = broken("stops.txt", "A,Alpha", "A,\"Alpha");
    assert!(
        report.to_string().contains("f/stops.txt:2: \"A,Alpha,41.1,-8.6\\nB,Beta,41.2,-8.6\\nC,Gamma,41.3,"),
        "{report}"
    );
    assert!(feed.unwrap_err().contains("f/stops.txt: the table is missing or holds no usable row"));
}

#[test]
fn what_a_feed_cannot_do_without_refuses_it() {
    for needed in ["agency.txt", "stops.txt", "routes.txt", "trips.txt", "stop_times.txt"] {
        let (feed, _) = read_tables(SOUND.into_iter().filter(|(name, _)| *name != needed));
        assert!(feed.unwrap_err().contains(&format!("f/{needed}: the table is missing")), "{needed}");
    }
    let (feed, report) = broken("agency.txt", "Europe/Lisbon", "Europe/Lisbonne");
    assert!(feed.is_err());
    assert_eq!(
        report.to_string(),
        "f/agency.txt:2: agency \"City\", zone \"Europe/Lisbonne\" has no time zone that is known: left out\n"
    );
    let (feed, _) = read_tables([]);
    assert_eq!(feed.unwrap_err().lines().count(), 3);
    assert!(Archive::from_zip(Cursor::new(b"PK\x03\x04 not a zip file")).is_err());
}

#[test]
fn a_zipped_folder_is_read_and_said() {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in SOUND {
        zip.start_file(format!("feed/{name}"), zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    let archive = Archive::from_zip(zip.finish().unwrap()).unwrap();
    let mut report = Report::default();
    let feed = read(archive, "f", &mut report).unwrap();
    assert_eq!(feed.trips.len(), 2);
    assert_eq!(report.to_string(), "f: \"feed/\" is a folder in which the tables lie: read from there\n");
}

#[test]
fn a_row_in_the_header_is_said() {
    let reported = "\
f/stop_times.txt:1: column \"A\" has a name that no column has: what stands below it is not read
f/stop_times.txt:1: column \"1\" has a name that no column has: what stands below it is not read";
    check("stop_times.txt", "\nt1,6:40:00,6:40:00", "", reported, (2, 5));
}

#[test]
fn of_two_times_one_stands_for_both() {
    check("stop_times.txt", "6:40:00,6:40:00,A", "6:40:00,,A", "", (2, 6));
}

#[test]
fn a_feed_without_a_whole_row_is_another_sound_feed() {
    check("stop_times.txt", "6:40:00,6:40:00,A,1\nt1,", "", "", (2, 5));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever bytes stand in a table, reading it ends in a feed whose indices point somewhere, or a refusal.
    #[test]
    fn no_table_stops_us(
        table in 0..SOUND.len(),
        at in any::<prop::sample::Index>(),
        cut in 0..40_usize,
        put in "([0-9,:\"\\n-]|t1|99999999999|\\PC){0,12}",
    ) {
        let tables = SOUND.map(|(name, text)| {
            if name != SOUND[table].0 {
                return (name, text.to_string());
            }
            let from = at.index(text.len());
            let until = (from + cut).min(text.len());
            (name, format!("{}{put}{}", &text[..from], &text[until..]))
        });
        let (feed, report) = read_tables(tables.iter().map(|(name, text)| (*name, text.as_str())));
        if let Ok(feed) = feed {
            for trip in &feed.trips {
                prop_assert!((trip.route as usize) < feed.routes.len() && (trip.service as usize) < feed.services.len());
                let calls = &feed.calls[trip.calls.start as usize..trip.calls.end as usize];
                prop_assert!(calls.len() >= 2);
                prop_assert!(calls.iter().all(|call| call.arrival_s <= call.departure_s && (call.stop as usize) < feed.stops.len()));
                prop_assert!(calls.windows(2).all(|w| w[0].departure_s <= w[1].arrival_s));
            }
            let whole = feed.trips.len() == 2 && feed.calls.len() == 6;
            // A feed that lacks whole rows, or has the beginning of one and the end of another for one, is another sound feed, and
            // 6:50:00 is 06:50:00. A time may be left open.
            let plain = |row: &str| row.replace(",0", ",");
            let rows = |text: &str| text.lines().map(plain).collect::<Vec<_>>();
            let known = rows(SOUND[table].1);
            let columns = known[0].split(',').count();
            let open = |column: usize| known[0].split(',').nth(column).is_some_and(|name| name.ends_with("_time"));
            let told = |(column, field): (usize, &str)| {
                field.is_empty() && open(column) || known.iter().any(|k| k.split(',').nth(column) == Some(field))
            };
            let sound = |row: &String| row.split(',').count() == columns && row.split(',').enumerate().all(told);
            let sound = rows(&tables[table].1).iter().all(sound);
            prop_assert!(whole || sound || report.count() > 0, "{:?}", feed);
        }
    }
}
