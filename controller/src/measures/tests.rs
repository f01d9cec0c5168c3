//! Small logs, drawn a line an event: time, what, of which group or channel.

use super::{
    bin::{Bin, moment},
    catalogue::{Kind, MEASURES, Measure},
    cells::{Cell, cells},
    command::{self, MeasureError, Wanted},
    device::{Device, Taken},
    event::{Detector, Event, Function, Speed, Turns},
    indiana::Code,
    report::{Report, Tables, Whole},
    timeline::Class,
};
use model::time::Moment;
use proptest::prelude::*;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

const WORDS: [(&str, Code); 22] = [
    ("green", Code::GREEN_BEGIN),
    ("ends", Code::GREEN_END),
    ("amber", Code::AMBER_BEGIN),
    ("red", Code::RED_CLEARANCE_BEGIN),
    ("walk", Code::WALK_BEGIN),
    ("clearance", Code::PED_CLEARANCE_BEGIN),
    ("call", Code::CALL_ON),
    ("dropped", Code::CALL_OFF),
    ("on", Code::DETECTOR_ON),
    ("off", Code::DETECTOR_OFF),
    ("button", Code::PED_BUTTON_ON),
    ("plan", Code::PLAN_CHANGE),
    ("clock", Code::CLOCK_UPDATED),
    ("cycle", Code::ACTUAL_CYCLE_LENGTH),
    ("ended", Code::AMBER_END),
    ("cleared", Code::RED_CLEARANCE_END),
    ("gap-out", Code::GAP_OUT),
    ("check-in", Code::PRIORITY_CHECK_IN),
    ("check-out", Code::PRIORITY_CHECK_OUT),
    ("held", Code::PRIORITY_EXTEND_GREEN),
    ("served", Code::PRIORITY_SERVICE_BEGIN),
    ("unserved", Code::PRIORITY_SERVICE_END),
];

/// `12:00:05.5 green 2`, on a Monday in April 2024.
fn drawn(line: &str) -> Event {
    let [time, word, param] = line.split_whitespace().collect::<Vec<_>>()[..] else { panic!("{line}") };
    let code = WORDS.iter().find(|(known, _)| *known == word).unwrap_or_else(|| panic!("{line}")).1;
    let parts: Vec<f64> = time.split(':').map(|part| part.parse().unwrap()).collect();
    let ms = ((parts[0] * 60.0 + parts[1]) * 60.0 + parts[2]) * 1000.0;
    Event { at: moment(2024, 4, 15, ms.round() as i64).unwrap(), code, param: param.parse().unwrap() }
}

pub(super) fn measured(log: &str, detectors: &[Detector]) -> Report {
    let events: Vec<Event> = log.lines().filter(|line| !line.trim().is_empty()).map(drawn).collect();
    report(&events, detectors)
}

fn report(events: &[Event], detectors: &[Detector]) -> Report {
    let mut device = Device::new("7".into(), detectors, Bin::QUARTER);
    for event in events {
        assert_eq!(device.take(*event), Taken::Counted, "{event:?}");
        drives(&mut device, *event);
    }
    device.report(whole(events))
}

/// Whoever is felt drives.
fn drives(device: &mut Device, event: Event) {
    if event.code == Code::DETECTOR_ON {
        device.tell(Speed { at: event.at, channel: event.param, kmh: 40.0, vehicles: 1 });
    }
}

fn whole(events: &[Event]) -> Whole {
    Whole { first: events[0].at, last: events[events.len() - 1].at }
}

pub(super) fn detector(channel: u16, group: u16, function: Function) -> Detector {
    Detector { channel, group, function, turns: None, later_ms: 0 }
}

#[test]
fn arrivals_on_green_are_those_between_green_and_amber() {
    let log = "
        12:00:01 on 10
        12:00:10 green 2
        12:00:15 on 10
        12:00:20 on 10
        12:00:30 amber 2
        12:00:31 on 10
        12:00:34 red 2";
    let report = measured(log, &[detector(10, 2, Function::Advance)]);
    let [row] = &report.arrival_on_green[..] else { panic!("{:?}", report.arrival_on_green) };
    assert_eq!((row.phase, row.total_actuations, row.percent_aog), (2, 4, 0.5));
    let [row] = &report.platoon_ratio[..] else { panic!("{:?}", report.platoon_ratio) };
    assert_eq!((row.green_seconds, row.green_actuations), (20.0, 2));
    assert_eq!(row.arrival_type, 6, "half of the arrivals in 2 % of the time");
}

#[test]
fn who_goes_is_seen_from_the_beginning_of_red() {
    let log = "
        12:00:10 green 2
        12:00:15 on 10
        12:00:30 amber 2
        12:00:32 on 10
        12:00:34 red 2
        12:00:34.7 on 10
        12:01:10 green 2
        12:01:12 on 10";
    let report = measured(log, &[detector(10, 2, Function::YellowRed)]);
    let seen: Vec<_> =
        report.yellow_red.iter().map(|row| (row.signal_state, row.red_offset, row.count)).collect();
    assert_eq!(seen, [(1, -19.0, 1.0), (8, -2.0, 1.0), (10, 0.5, 1.0)], "a cycle without red is not counted");
}

#[test]
fn a_green_with_a_queue_that_it_does_not_clear_is_a_split_failure() {
    let queue = "
        11:59:50 on 20
        12:00:10 green 2
        12:00:30 amber 2
        12:00:34 red 2
        12:00:50 off 20
        12:01:10 green 2";
    let report = measured(queue, &[detector(20, 2, Function::Presence)]);
    let [row] = &report.split_failures[..] else { panic!("{:?}", report.split_failures) };
    assert_eq!(
        (row.green_time, row.green_occupancy, row.red_occupancy, row.split_failure),
        (20.0, 1.0, 1.0, 1)
    );

    let cleared =
        queue.replace("green 2\n        12:00:30", "green 2\n        12:00:15 off 20\n        12:00:30");
    let report =
        measured(&cleared.replace("12:00:50 off", "12:00:50 on"), &[detector(20, 2, Function::Presence)]);
    let [row] = &report.split_failures[..] else { panic!("{:?}", report.split_failures) };
    assert_eq!((row.green_occupancy, row.red_occupancy, row.split_failure), (0.25, 0.0, 0));
}

#[test]
fn a_forgotten_off_is_put_half_way() {
    let log = "
        12:00:05 on 20
        12:00:10 green 2
        12:00:25 on 20
        12:00:30 amber 2
        12:00:34 red 2
        12:00:50 off 20
        12:01:10 green 2";
    let report = measured(log, &[detector(20, 2, Function::Presence)]);
    assert_eq!(report.split_failures[0].green_occupancy, 0.5, "free from 12:00:15 to 12:00:25");
}

#[test]
fn a_detector_of_two_groups_counts_for_the_last_of_them() {
    let log = "
        11:59:50 on 20
        12:00:10 green 2
        12:00:10 green 4
        12:00:30 amber 2
        12:00:30 amber 4
        12:00:34 red 2
        12:00:34 red 4
        12:00:50 off 20";
    let report = measured(log, &[detector(20, 2, Function::Presence), detector(20, 4, Function::Presence)]);
    let occupied: Vec<_> = report.split_failures.iter().map(|row| (row.phase, row.green_occupancy)).collect();
    assert_eq!(occupied, [(2, 0.0), (4, 1.0)]);
}

#[test]
fn a_call_waits_until_green_and_a_dropped_call_waits_for_nothing() {
    let log = "
        12:00:00 call 4
        12:00:05 dropped 4
        12:00:10 call 4
        12:00:40.5 green 4
        12:00:45 dropped 4
        12:00:50 ends 4";
    let report = measured(log, &[]);
    let waits: Vec<f32> =
        report.timeline.iter().filter(|row| row.class == Class::PhaseWait).map(|row| row.duration).collect();
    assert_eq!(waits, [30.5]);
    assert!(report.phase_wait.is_empty(), "a bin of which so little is known is not believed");
}

#[test]
fn what_a_set_clock_meets_is_not_believed() {
    let green = |log: &str| {
        let report = measured(log, &[]);
        report.timeline.iter().find(|row| row.class == Class::Green).map(|row| (row.duration, row.is_valid))
    };
    // Three events in each five minutes: the bin has data.
    let mut log = String::new();
    for minute in 0..16 {
        log += &format!("12:{minute:02}:00 on 9\n12:{minute:02}:01 on 9\n");
    }
    let before = log.clone() + "12:16:10 green 2\n12:16:30 ends 2\n";
    assert_eq!(green(&before), Some((20.0, false)), "its bin has not enough data");
    let within = log
        .replace("12:05:00 on 9\n", "12:05:00 on 9\n12:05:00.5 green 2\n")
        .replace("12:06:00 on 9\n", "12:06:00 on 9\n12:06:00.5 ends 2\n");
    assert_eq!(green(&within), Some((60.0, true)));
    let set = within.replace("12:06:01 on 9\n", "12:06:01 on 9\n12:06:04 clock 1\n");
    assert_eq!(green(&set), Some((60.0, false)));
}

#[test]
fn presses_of_one_person_count_once() {
    let log = "
        12:00:00 button 6
        12:00:02 button 6
        12:01:00 button 6
        12:01:14 button 6
        12:01:40 walk 6
        12:02:00 clearance 6";
    let report = measured(log, &[]);
    assert_eq!((report.ped[0].ped_services, report.ped[0].ped_actuation), (1, 4));
    assert_eq!(report.unique_ped[0].unique_actuations, 1);
    let [delay] = &report.timeline[..] else { panic!("{:?}", report.timeline) };
    assert_eq!((delay.class, delay.duration), (Class::PedDelay, 100.0));
}

#[test]
fn what_comes_twice_or_late_is_told_apart() {
    let mut device = Device::new("7".into(), &[], Bin::QUARTER);
    let (first, second) = (drawn("12:00:00 on 1"), drawn("12:00:01 on 1"));
    assert_eq!(device.take(second), Taken::Counted);
    assert_eq!(device.take(second), Taken::Repeated);
    assert_eq!(device.take(first), Taken::Late);
}

fn any_log() -> impl Strategy<Value = Vec<Event>> {
    let codes: Vec<u16> = (0..=12)
        .chain(21..=23)
        .chain(31..=49)
        .chain(55..=94)
        .chain(102..=119)
        .chain(131..=133)
        .chain(150..=151)
        .chain(173..=184)
        .chain([202, 300, 316, 318, 400, 502, 503, 902])
        .collect();
    let event = (0..3_000_000i64, prop::sample::select(codes), 0..5u16);
    prop::collection::vec(event, 1..400).prop_map(|events| {
        let noon = moment(2024, 4, 15, 43_200_000).unwrap();
        let event =
            |(ms, code, param)| Event { at: Moment(noon.0 + ms / 100 * 100), code: Code(code), param };
        let mut events: Vec<Event> = events.into_iter().map(event).collect();
        events.sort();
        events.dedup();
        events
    })
}

fn all_functions() -> Vec<Detector> {
    let of = |function| (0..5).map(move |channel| detector(channel, channel, function));
    [Function::Presence, Function::Advance, Function::YellowRed].into_iter().flat_map(of).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A report in the middle of a log is that of a log that ends there, and disturbs nothing.
    #[test]
    fn a_live_report_is_that_of_the_log_until_then(events in any_log(), cut in 0.0..1.0f64) {
        let cut = 1 + ((events.len() - 1) as f64 * cut) as usize;
        let mut live = Device::new("7".into(), &all_functions(), Bin::QUARTER);
        for event in &events[..cut] {
            live.take(*event);
            drives(&mut live, *event);
        }
        let rows = |report: &Report| format!("{report:?}");
        prop_assert_eq!(rows(&live.report(whole(&events[..cut]))), rows(&report(&events[..cut], &all_functions())));
        for event in &events[cut..] {
            live.take(*event);
            drives(&mut live, *event);
        }
        prop_assert_eq!(rows(&live.report(whole(&events))), rows(&report(&events, &all_functions())));
    }

    /// Nothing lasts a negative time, and no share is beyond 1; but the package's share of green, which counts a last green to the log's
    /// end, may be so.
    #[test]
    fn numbers_are_within_bounds(events in any_log()) {
        let report = report(&events, &all_functions());
        prop_assert!(report.timeline.iter().all(|row| row.duration >= 0.2 && row.start_time < row.end_time));
        prop_assert!(report.arrival_on_green.iter().all(|row| row.percent_aog > 0.0 && row.percent_aog <= 1.0));
        prop_assert!(report.split_failures.iter().all(|row| row.green_occupancy <= 1.0 || row.green_occupancy.is_nan()));
    }
}

fn measure(folder: &Path, log: &str, config: &str) -> Result<command::Done, MeasureError> {
    let (events, detectors) = (folder.join("events.csv"), folder.join("detectors.csv"));
    std::fs::write(&events, log).unwrap();
    std::fs::write(&detectors, config).unwrap();
    command::run(&Wanted {
        events,
        config: Some(detectors),
        speeds: None,
        out: folder.join("out"),
        bin: Bin::QUARTER,
    })
}

const CONFIG: &str = "DeviceId,Phase,Parameter,Function\n7,2,10,Advance\n";

#[test]
fn a_line_that_makes_no_sense_is_named_and_the_rest_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let log = "Signal Id,Timestamp,Event Code,Event Param\n7,4/15/2024 12:00:0.5,82,10\n7,noon,82,10\n\
               7,4/15/2024 12:00:1,40000,10\n7,4/15/2024 12:00:2,82\n7,4/15/2024 12:00:0.5,82,10\n";
    let done = measure(folder.path(), log, CONFIG).unwrap();
    assert_eq!((done.events, done.repeated, done.rejected.count), (1, 1, 3));
    let named: Vec<String> =
        done.rejected.named.iter().map(|(line, cause)| format!("{line}: {cause}")).collect();
    insta::assert_snapshot!(named.join("\n"), @"
    3: \"noon\" is no time
    4: event code 40000 is not between 0 and 32767
    5: there is no parameter
    ");
    let counts = std::fs::read_to_string(folder.path().join("out/actuations.csv")).unwrap();
    assert_eq!(counts, "TimeStamp,DeviceId,Detector,Total\n2024-04-15 12:00:00,7,10,1\n");
}

#[test]
fn a_file_that_cannot_be_used_says_where_and_why() {
    let folder = tempfile::tempdir().unwrap();
    let complaint = |log: &str, config: &str| {
        let error = measure(folder.path(), log, config).unwrap_err().to_string();
        error.replace(&format!("{}/", folder.path().display()), "")
    };
    let log = "TimeStamp,DeviceId,EventId,Parameter\n2024-04-15 12:00:00,7,82,10\n";
    insta::assert_snapshot!(complaint("Time,Device\n", CONFIG),
        @"events.csv:1: there is no column TimeStamp; there are Time, Device");
    insta::assert_snapshot!(complaint("", CONFIG), @"events.csv: it is empty");
    insta::assert_snapshot!(complaint("TimeStamp,DeviceId,EventId,Parameter\n1,2,3,4\n", CONFIG),
        @r#"events.csv:2: "1" is no time"#);
    insta::assert_snapshot!(complaint(log, "DeviceId,Phase,Parameter,Function\n7,two,10,Advance\n"),
        @r#"detectors.csv:2: "two" is no phase"#);
}

/// The folder of shared data, or nothing where it is not.
pub(super) fn reference() -> Option<PathBuf> {
    let root = std::env::var_os("SVETOFOR_SHARED").map(PathBuf::from);
    let root = root.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"));
    let folder = root.join("data/atspm");
    if folder.exists() {
        return Some(folder);
    }
    use std::io::Write;
    // Past the capture of the test harness, so that nobody takes this for a success.
    let _ = writeln!(
        std::io::stderr(),
        "SKIPPED: {} is not here; set SVETOFOR_SHARED to the folder of shared data",
        folder.display()
    );
    None
}

/// A table's rows as the reference compares them: without order, numbers to a millionth.
fn rows(
    file: &Path,
    columns: Option<&csv::StringRecord>,
) -> (csv::StringRecord, BTreeMap<Vec<String>, usize>) {
    let mut reader = csv::Reader::from_path(file).unwrap();
    let there = reader.headers().unwrap().clone();
    let wanted = columns.unwrap_or(&there);
    let order: Vec<usize> =
        wanted.iter().map(|name| there.iter().position(|column| column == name).unwrap()).collect();
    let plain = |cell: &str| match cell.parse::<f64>() {
        Ok(number) => format!("{:.0}", number * 1e6),
        Err(_) => cell.to_lowercase(),
    };
    let mut rows = BTreeMap::new();
    for record in reader.records() {
        let record = record.unwrap();
        *rows.entry(order.iter().map(|column| plain(&record[*column])).collect()).or_default() += 1;
    }
    (there, rows)
}

#[test]
fn all_measures_equal_the_reference_row_for_row() {
    let Some(data) = reference() else { return };
    let folder = tempfile::tempdir().unwrap();
    for ending in ["csv", "parquet"] {
        let out = folder.path().join(ending);
        let input = |name: &str| data.join("input").join(name).with_extension(ending);
        let (events, config) = (input("sample_raw_data"), Some(input("sample_config")));
        command::run(&Wanted { events, config, speeds: None, out: out.clone(), bin: Bin::QUARTER }).unwrap();
        let mut compared = 0;
        for file in std::fs::read_dir(data.join("reference/sample_1136/csv")).unwrap() {
            let file = file.unwrap().path();
            let (columns, wants) = rows(&file, None);
            let (_, has) = rows(&out.join(file.file_name().unwrap()), Some(&columns));
            assert!(wants == has, "{} differs from {}", out.display(), file.display());
            compared += 1;
        }
        assert_eq!(compared, 18);
    }
}

#[test]
fn detector_health_equals_the_reference() {
    let Some(data) = reference() else { return };
    let wants = data.join("reference/detector_health/detector_health.csv");
    let folder = tempfile::tempdir().unwrap();
    let settings = super::detector_health::Settings { rolling: None, same_time_at_least: 0, last_days: 1 };
    command::detector_health(&wants, None, folder.path(), &settings).unwrap();
    let (columns, expected) = rows(&wants, None);
    let (_, has) = rows(&folder.path().join("detector_health.csv"), Some(&columns));
    assert!(expected == has);
}

/// Checks each row that it is handed against the catalogue.
struct Checked(Vec<(&'static str, usize)>);

impl Tables for Checked {
    type Error = std::convert::Infallible;

    fn table<R: serde::Serialize>(&mut self, name: &'static str, rows: &[R]) -> Result<(), Self::Error> {
        let measure = Measure::named(name).unwrap_or_else(|| panic!("{name} is not in the catalogue"));
        for row in rows {
            let cells = cells(row);
            assert_eq!(cells.len(), measure.columns.len(), "{name}: {cells:?}");
            for (column, cell) in measure.columns.iter().zip(&cells) {
                let fits = match column.kind {
                    Kind::Time | Kind::Group | Kind::Channel => matches!(cell, Cell::Whole(_)),
                    Kind::Label => matches!(cell, Cell::Whole(_) | Cell::None),
                    Kind::Number => cell.number().is_some() || *cell == Cell::None,
                    Kind::Device => matches!(cell, Cell::Word(_)),
                    Kind::Word => matches!(cell, Cell::Word(_) | Cell::None),
                    Kind::Flag => matches!(cell, Cell::Flag(_)),
                };
                assert!(fits, "{name}: {} is {cell:?}", column.name);
            }
        }
        self.0.push((name, rows.len()));
        Ok(())
    }
}

#[test]
fn each_measure_has_the_cells_of_its_columns() {
    // Any codes for any groups in any order, for two days: something of everything.
    let mut random = 7_u64;
    let mut drawn = |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    let begins = moment(2024, 4, 15, 0).unwrap();
    let mut events: Vec<Event> = (0..200_000)
        .map(|_| {
            let code = match drawn(230) {
                code @ 0..=218 => code as u16,
                code @ 219..=226 => 300 + (drawn(20) + code - 219) as u16,
                227 => 400,
                228 => 502,
                _ => 503,
            };
            let at = Moment(begins.0 + drawn(2 * 86_400_000) as i64);
            Event { at, code: Code(code), param: drawn(4) as u16 }
        })
        .collect();
    events.sort();
    events.dedup();
    let functions = [Function::Presence, Function::Advance, Function::YellowRed];
    let turns = Turns::named("T");
    let lane = |n, function| Detector { turns, ..detector(n, n, function) };
    let detectors: Vec<Detector> = (0..4).flat_map(|n| functions.map(|function| lane(n, function))).collect();
    let mut checked = Checked(Vec::new());
    report(&events, &detectors).tables(&mut checked).unwrap();
    // Among all that nothing can be believed; here all can.
    let sound = (0..30).map(|minute| {
        format!(
            "12:{minute:02}:05 call 1\n12:{minute:02}:10 green 1\n12:{minute:02}:10 dropped 1\n12:{minute:02}:12 on 1
             12:{minute:02}:20 ends 1\n12:{minute:02}:20 amber 1\n12:{minute:02}:21 on 1\n12:{minute:02}:23 ended 1
             12:{minute:02}:23 red 1\n12:{minute:02}:25 cleared 1\n12:{minute:02}:40 on 1\n"
        )
    });
    measured(&sound.collect::<String>(), &detectors).tables(&mut checked).unwrap();
    let sound = checked.0.split_off(MEASURES.len());
    let names: Vec<&str> = checked.0.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        names,
        MEASURES.map(|measure| measure.name),
        "each measure is there, in the order of the catalogue"
    );
    let both = checked.0.iter().zip(&sound);
    let empty: Vec<_> = both.filter(|((_, any), (_, sound))| any + sound == 0).collect();
    assert!(empty.is_empty(), "{empty:?}");
}

#[test]
fn turns_are_counted_by_lanes_that_turn_alike() {
    let log = "
        12:00:01 on 1
        12:00:02 on 1
        12:00:03 on 1
        12:00:04 on 2
        12:00:05 on 3
        12:00:06 on 4";
    let lane = |channel, turns: &str| Detector {
        turns: Turns::named(turns),
        ..detector(channel, 2, Function::Presence)
    };
    // Channel 1 also belongs to another group, which does not make it two lanes; channel 4 counts nothing.
    let lanes = [
        lane(1, "T"),
        Detector { group: 6, ..lane(1, "T") },
        lane(2, "Thru"),
        lane(3, "TL"),
        detector(4, 2, Function::Presence),
    ];
    let report = measured(log, &lanes);
    let said: Vec<_> = report
        .turning_counts
        .iter()
        .map(|row| (row.phase, row.movement.as_str(), row.lanes, row.volume, row.lane_utilization))
        .collect();
    assert_eq!(said, [(2, "T", 2, 4, 4.0 / 6.0), (2, "LT", 1, 1, 1.0)]);
    assert_eq!(Turns::named("no way"), None);
}

#[test]
fn a_speed_counts_while_its_group_is_green() {
    let folder = tempfile::tempdir().unwrap();
    let log = "DeviceId,TimeStamp,EventId,Parameter\n\
               7,2024-04-15 12:00:10,1,2\n7,2024-04-15 12:00:40,8,2\n";
    // On red, on green one to four, creeping, and of a detector that nobody knows.
    let speeds = "detector,mph,ts\n710,10,2024-04-15T12:00:05\n710,10,2024-04-15T12:00:11\n710,20,2024-04-15T12:00:12\n\
                  710,30,2024-04-15T12:00:13\n710,40,2024-04-15T12:00:14\n710,2,2024-04-15T12:00:15\n711,50,2024-04-15T12:00:16\n";
    let file = |name: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        file
    };
    let wanted = |speeds: &str| Wanted {
        events: file("events.csv", log),
        config: Some(file("detectors.csv", CONFIG)),
        speeds: Some(file("speeds.csv", speeds)),
        out: folder.path().join("out"),
        bin: Bin::QUARTER,
    };
    command::run(&wanted(speeds)).unwrap();
    let said = std::fs::read_to_string(folder.path().join("out/approach_speed.csv")).unwrap();
    let row: Vec<&str> = said.lines().nth(1).unwrap().split(',').collect();
    assert_eq!(row[1..4], ["7", "2", "4"], "{said}");
    let mph = |column: usize| row[column].parse::<f64>().unwrap() / 1.609_344;
    // Hazen: 85 of 100 is the vehicle 0.85 · 4 - 0.5 = 2.9 places after the first.
    assert!(
        (mph(4) - 25.0).abs() < 1e-9 && (mph(5) - 39.0).abs() < 1e-9 && (mph(6) - 11.0).abs() < 1e-9,
        "{said}"
    );
    let fault =
        command::run(&wanted("detector,mph,ts\n710,fast,2024-04-15T12:00:05\n")).unwrap_err().to_string();
    assert!(fault.ends_with("speeds.csv:2: \"fast\" is no speed"), "{fault}");
}
