use super::*;
use crate::{
    drawing::{NOW, draw},
    gtfs::{self, archive::Archive, records::StopKind, report::Report},
    intermodal::TransitQuery,
    planner::Planner,
    prepare::prepare_timetable,
    profile::Profile,
    transit::drawing::{query, tables},
};
use model::city::City;
use proptest::prelude::*;
use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

const SHIPPED: &str = include_str!("../../../configs/escorts/moscow.toml");

/// A bus that takes everybody goes a long way round; the underground is quick, and below ground.
const STREETS: &str = "
    A 0 0
    M 100 0
    N 6000 0
    B 6100 0
    A-M
    M-N
    N-B";
const LINES: &str = "
    METRO 1  M      N
             06:30  06:38 wheelchair
             08:30  08:38 wheelchair
             09:10  09:18
             21:00  21:08 wheelchair
    BUS 7    M      N
             06:35  07:35 wheelchair
             08:35  09:35 wheelchair
             21:05  22:05 wheelchair";

fn escorts(boards: bool, notice: &str) -> Escorts {
    let text = SHIPPED
        .replace("agencies = [\"metro\"]", "agencies = []")
        .replace("routes = []", "routes = [\"f_1\"]")
        .replace("boards = true", &format!("boards = {boards}"))
        .replace("notice = { minutes = 60 }", &format!("notice = {notice}"));
    Escorts::parse("escorts.toml", &text).unwrap()
}

/// The drawn lines, with escalators between the street and all platforms; in `lift`, a lift instead.
fn feed(city: &City, lift: &str) -> Timetable {
    let mut tables = tables(city, LINES);
    let mut pathways =
        "pathway_id,from_stop_id,to_stop_id,pathway_mode,is_bidirectional,traversal_time\n".to_string();
    for (name, text) in &mut tables {
        match *name {
            "stops.txt" => {
                let mut stops =
                    "stop_id,stop_name,stop_lat,stop_lon,location_type,parent_station\n".to_string();
                for row in text.lines().skip(1) {
                    let cells: Vec<&str> = row.split(',').collect();
                    let [id, lat, lon] = [cells[0], cells[2], cells[3]];
                    let kind = if id == lift { 5 } else { 4 };
                    let _ = writeln!(stops, "bus-{id},{id},{lat},{lon},0,");
                    let _ = writeln!(stops, "station-{id},{id},{lat},{lon},1,");
                    let _ = writeln!(stops, "entrance-{id},Entrance {id},{lat},{lon},2,station-{id}");
                    let _ = writeln!(stops, "{id},{id},{lat},{lon},0,station-{id}");
                    let _ = writeln!(pathways, "{id},entrance-{id},{id},{kind},1,120");
                }
                *text = stops;
            }
            "stop_times.txt" => {
                // Buses stop above ground.
                let bus = |row: &str| ["t5,", "t6,", "t7,"].iter().any(|trip| row.starts_with(trip));
                let moved = |row: &str| match bus(row) {
                    true => row.replace(",M,", ",bus-M,").replace(",N,", ",bus-N,"),
                    false => row.to_string(),
                };
                *text = text.lines().map(|row| moved(row) + "\n").collect();
            }
            _ => {}
        }
    }
    tables.push(("pathways.txt", pathways));
    let mut report = Report::default();
    let archive = Archive::of_tables(tables.iter().map(|(name, text)| (*name, text.as_str())));
    let feed = gtfs::read(archive, "f", &mut report).unwrap_or_else(|refused| panic!("{refused}"));
    assert_eq!(report.count(), 0, "{report}");
    Timetable::join(vec![feed])
}

fn planner(escorts: Escorts, lift: &str) -> Planner {
    let city = Arc::new(draw(STREETS));
    let prepared = prepare_timetable(&city, feed(&city, lift));
    Planner::new(city).with_timetable(prepared).with_escorts(escorts)
}

fn wheeled(at: &str, asked: Moment) -> TransitQuery {
    let city = draw(STREETS);
    let walked = Duration::from_secs(900);
    TransitQuery {
        on_foot: Profile::Wheelchair,
        escorted: true,
        walk_before: walked,
        walk_after: walked,
        asked,
        ..query(&city, &format!("A to B {at}"))
    }
}

fn told(planner: &Planner, query: &TransitQuery) -> String {
    let journeys = planner.by_transit(query).unwrap();
    journeys.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// So many hours before the day of [`NOW`] begins; negative for after.
fn hours_before(hours: i64) -> Moment {
    Moment(NOW.0.div_euclid(86_400_000) * 86_400_000 - hours * 3_600_000)
}

#[test]
fn who_is_escorted_goes_down_escalators_at_the_hours_of_the_escorts() {
    let planner = planner(escorts(false, "{ minutes = 60 }"), "");
    let check = |at: &str, asked: Moment, escorted: bool, expected: &str| {
        let query = TransitQuery { escorted, ..wheeled(at, asked) };
        assert_eq!(told(&planner, &query), expected, "{at}");
    };
    let early = hours_before(10);
    let by_bus = "A ~ roll 100 m ~ M ~ BUS 7 08:35 09:35 ~ N ~ roll 100 m ~ B [1 h 3 min]";
    check("at 08:00", early, false, by_bus);
    // 100 m, ten minutes to meet, two on the escalator, and two up again.
    let below = "A ~ roll 100 m ~ M ~ SUBWAY 1 08:30 08:38 ~ N ~ roll 100 m ~ B [25 min 20 s]";
    check("at 08:00", early, true, below);
    check("by 09:00", early, true, below);
    // There is not enough time to meet.
    check("at 08:20", early, true, by_bus);
    // Nobody works so early, or so late.
    check("at 06:00", early, true, "A ~ roll 100 m ~ M ~ BUS 7 06:35 07:35 ~ N ~ roll 100 m ~ B [1 h 3 min]");
    check("at 20:40", early, true, "A ~ roll 100 m ~ M ~ BUS 7 21:05 22:05 ~ N ~ roll 100 m ~ B [1 h 3 min]");
    // One is met at 08:18: by seventeen past seven, in whole quarters of an hour, it is late.
    check("at 08:00", hours_before(-7), true, below);
    check("at 08:00", hours_before(-7) + Duration::from_secs(17 * 60), true, by_bus);
    let appointment = |query: &TransitQuery| {
        let journeys = planner.by_transit(query).unwrap();
        let ride = journeys[0].legs.iter().find_map(|leg| leg.ride()).unwrap().clone();
        ride.escort.map(|escort| *escort)
    };
    let escort = appointment(&wheeled("at 08:00", early)).unwrap();
    let clock =
        |moment: Moment| jiff::Timestamp::from_millisecond(moment.0).unwrap().strftime("%H:%M").to_string();
    assert_eq!(escort.name.english(), "Passenger Mobility Centre");
    assert_eq!((escort.meets.name.as_str(), clock(escort.at).as_str()), ("Entrance M", "08:18"));
    assert_eq!((escort.until.name.as_str(), clock(escort.book_by).as_str()), ("N", "07:18"));
    assert_eq!(escort.phone.as_deref(), Some("+7 495 622-73-41"));
    assert_eq!(appointment(&wheeled("at 06:00", early)), None, "nobody is needed for a bus");
}

#[test]
fn who_gets_down_alone_is_met_where_he_gets_off() {
    let planner = planner(escorts(false, "{ days = 1, by = \"18:00\" }"), "M");
    let asked = |hours: i64| wheeled("at 08:20", hours_before(hours));
    // In time the day before: there is no need to meet at M, which has a lift.
    let journeys = planner.by_transit(&asked(7)).unwrap();
    assert_eq!(
        journeys[0].to_string(),
        "A ~ roll 100 m ~ M ~ SUBWAY 1 08:30 08:38 ~ N ~ roll 100 m ~ B [15 min 20 s]"
    );
    let escort = journeys[0].legs[1].ride().unwrap().escort.clone().unwrap();
    assert_eq!((escort.meets.name.as_str(), escort.point), ("N", None));
    assert_eq!(escort.book_by, hours_before(6));
    assert!(told(&planner, &asked(5)).contains("BUS"), "too late the day before");
}

#[test]
fn some_help_into_vehicles_too() {
    let after_nine = |boards: bool| {
        let planner = planner(escorts(boards, "{ minutes = 60 }"), "");
        told(&planner, &wheeled("at 08:50", hours_before(10)))
    };
    assert!(after_nine(true).contains("SUBWAY 1 09:10 09:18"), "{}", after_nine(true));
    assert!(!after_nine(false).contains("SUBWAY 1 09:10"), "{}", after_nine(false));
}

#[test]
fn what_is_refused_is_said() {
    let planner = planner(escorts(true, "{ minutes = 60 }"), "");
    let served = planner.transit().unwrap().escorts().unwrap();
    let says = |at: &str, asked: Moment| {
        let query = wheeled(at, asked);
        let crate::planner::When::DepartAt(at) = query.when else { unreachable!() };
        served.refusals(at, asked).join("\n")
    };
    assert_eq!(says("at 08:00", hours_before(1)), "");
    assert!(
        says("at 08:00", hours_before(-8)).contains("who asks now is met from"),
        "{}",
        says("at 08:00", hours_before(-8))
    );
    assert!(
        says("at 05:00", hours_before(1)).contains("works from"),
        "{}",
        says("at 05:00", hours_before(1))
    );
}

#[test]
fn complaints_name_file_line_and_cause() {
    Escorts::parse("moscow.toml", SHIPPED).unwrap();
    let check = |from: &str, to: &str, expected: &str| {
        let broken = SHIPPED.replace(from, to);
        let complaints = Escorts::parse("e.toml", &broken).expect_err(expected).to_string();
        assert!(complaints.starts_with("e.toml:") && complaints.contains(expected), "{complaints}");
    };
    check(
        "\"STAIRS\", ",
        "\"STEPS\", ",
        "nobody is helped over \"STEPS\"; there are STAIRS, ESCALATOR, TRAVELATOR",
    );
    check("{ minutes = 60 }", "{ minutes = 60, days = 1 }", "a notice has minutes, or days and by");
    check("{ minutes = 60 }", "{ days = 1, by = \"25:00\" }", "\"25:00\" is no time of the day");
    check("meet_minutes = 10", "meet_minutes = 600", "meet_minutes = 600 is above 120");
    check("\"SU\"]", "\"SO\"]", "\"SO\" is no day");
    check(
        "[\"07:00\", \"20:00\"]",
        "[\"20:00\", \"07:00\"]",
        "between ends at 07:00 and begins then or later",
    );
    check("agencies = [\"metro\"]", "agencies = []", "an escort is of some agencies, routes or stops");
    check("from = \"2025-01-01\"", "from = \"2025-13-01\"", "is no day, such as");
    check("boards = true", "boards = true\ncards = 1", "unknown field");
}

/// A station of platforms, entrances and corners, and the ways between them: from, to, kind, both ways, s.
#[derive(Clone, Debug)]
struct Wild {
    kinds: Vec<StopKind>,
    served: Vec<bool>,
    barred: Vec<bool>,
    ways: Vec<(usize, usize, PathwayKind, bool, u32)>,
}

fn wild() -> impl Strategy<Value = Wild> {
    let kind = prop_oneof![Just(StopKind::Platform), Just(StopKind::Entrance), Just(StopKind::Node)];
    let means = prop_oneof![
        Just(PathwayKind::Walkway),
        Just(PathwayKind::Lift),
        Just(PathwayKind::Stairs),
        Just(PathwayKind::Escalator),
        Just(PathwayKind::Travelator)
    ];
    (2..8_usize).prop_flat_map(move |stops| {
        (
            prop::collection::vec(kind.clone(), stops),
            prop::collection::vec(prop::bool::weighted(0.8), stops),
            prop::collection::vec(prop::bool::weighted(0.2), stops),
            prop::collection::vec((0..stops, 0..stops, means.clone(), any::<bool>(), 0..100_u32), 0..12),
        )
            .prop_map(|(kinds, served, barred, ways)| Wild { kinds, served, barred, ways })
    })
}

/// Least seconds between all stops, by Floyd and Warshall.
fn all_pairs(
    wild: &Wild,
    usable: impl Fn(&(usize, usize, PathwayKind, bool, u32)) -> bool,
) -> Vec<Vec<Option<u32>>> {
    let stops = wild.kinds.len();
    let mut least: Vec<Vec<Option<u32>>> =
        (0..stops).map(|a| (0..stops).map(|b| (a == b).then_some(0)).collect()).collect();
    let mut offer = |a: usize, b: usize, s: u32| {
        least[a][b] = Some(least[a][b].map_or(s, |known| known.min(s)));
    };
    for way in wild.ways.iter().filter(|way| usable(way)) {
        offer(way.0, way.1, way.4);
        if way.3 {
            offer(way.1, way.0, way.4);
        }
    }
    for via in 0..stops {
        for a in 0..stops {
            for b in 0..stops {
                if let (Some(there), Some(on)) = (least[a][via], least[via][b]) {
                    least[a][b] = Some(least[a][b].map_or(there + on, |known| known.min(there + on)));
                }
            }
        }
    }
    least
}

const MEETING_S: u32 = 600;

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// Entrances and ways from platform to platform are those that follow of all ways there are inside.
    #[test]
    fn ways_inside_are_the_oracles(wild in wild()) {
        let stop = |i: usize| crate::gtfs::records::Stop {
            id: i.to_string(),
            code: None,
            name: i.to_string(),
            at: model::geo::LonLat { lon: 0.0, lat: 0.0 },
            kind: wild.kinds[i],
            parent: None,
            platform: None,
            level: 0.0,
            zone: None,
            wheelchair: match wild.barred[i] {
                true => crate::gtfs::records::Wheelchair::Impossible,
                false => crate::gtfs::records::Wheelchair::Unknown,
            },
        };
        let stops = wild.kinds.len();
        let step_free = |kind: PathwayKind| !matches!(kind, PathwayKind::Stairs | PathwayKind::Escalator);
        let pathway = |&(from, to, kind, both_ways, seconds): &(usize, usize, PathwayKind, bool, u32)| Pathway {
            from: from as u32,
            to: to as u32,
            kind,
            both_ways,
            seconds,
            step_free: step_free(kind),
        };
        let mut timetable = Timetable::default();
        timetable.stops = (0..stops).map(stop).collect();
        timetable.pathways = wild.ways.iter().map(pathway).collect();
        let names: Vec<_> = (0..stops).filter(|i| wild.served[*i]).map(|i| i.to_string()).collect();
        let names: Vec<_> = names.iter().map(|name| format!("{name:?}")).collect();
        let text = SHIPPED
            .replace("agencies = [\"metro\"]", "agencies = [\"nobody\"]")
            .replace("stops = []", &format!("stops = [{}]", names.join(", ")));
        let served = Served::new(Escorts::parse("e.toml", &text).unwrap(), &timetable);
        let inside = Inside::escorted(&timetable, &served);

        let alone = all_pairs(&wild, |way| step_free(way.2));
        let led = all_pairs(&wild, |way| step_free(way.2) || (wild.served[way.0] && wild.served[way.1]));
        let has_inside = |i: usize| wild.ways.iter().any(|way| way.0 == i || way.1 == i);
        let doors = |least: &[Vec<Option<u32>>], i: usize, steps_bar: bool| -> BTreeMap<u32, (u32, u32)> {
            let itself = BTreeMap::from([(i as u32, (0, 0))]);
            if !has_inside(i) {
                return itself;
            }
            let found: BTreeMap<_, _> = (0..stops)
                .filter(|&door| wild.kinds[door] == StopKind::Entrance)
                .filter_map(|door| Some((door as u32, (least[i][door]?, least[door][i]?))))
                .collect();
            if found.is_empty() && !steps_bar { itself } else { found }
        };
        let platforms: Vec<usize> = (0..stops).filter(|&i| wild.kinds[i] == StopKind::Platform).collect();
        let met = |i: usize| wild.served[i] && (wild.barred[i] || doors(&alone, i, true).is_empty());
        for &i in &platforms {
            prop_assert_eq!(inside.escort(i as u32).is_some(), met(i), "platform {}", i);
            let mut expected = if met(i) { doors(&led, i, false) } else { doors(&alone, i, true) };
            if met(i) {
                expected.values_mut().for_each(|door| door.1 += MEETING_S);
            }
            let found: BTreeMap<_, _> =
                inside.entrances(i as u32).iter().map(|door| (door.stop, (door.out_s, door.in_s))).collect();
            prop_assert_eq!(found, expected, "entrances of {}", i);
            let mut least = BTreeMap::new();
            for (other, s) in inside.platforms(i as u32) {
                let known = least.entry(other).or_insert(s);
                *known = s.min(*known);
            }
            let ways = platforms.iter().copied().filter(|&other| other != i && has_inside(i)).filter_map(|other| {
                let with = (met(i) || met(other)).then_some(led[i][other]).flatten();
                let with = with.map(|s| s + if met(i) { 0 } else { MEETING_S });
                Some((other as u32, alone[i][other].into_iter().chain(with).min()?))
            });
            prop_assert_eq!(least, ways.collect::<BTreeMap<_, _>>(), "from {}", i);
        }
    }
}
