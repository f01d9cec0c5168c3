//! Beside what Utah's own tests expect, where their data is at hand.

use crate::measures::{
    bin::Bin,
    device::Device,
    event::{Detector, Event, Function},
    indiana::Code,
    read,
    report::{Report, Whole},
    tests::{detector, measured, reference},
    utah::{coming, ped_service, watchdog::Finding},
};
use model::time::Moment;
use serde_json::Value;
use std::collections::BTreeMap;

/// One of their files, which begin with a mark of the byte order.
fn theirs(name: &str) -> Option<Value> {
    let text = std::fs::read_to_string(reference()?.join("utah_v5").join(name)).unwrap();
    Some(serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap())
}

fn list(value: &Value) -> &[Value] {
    value.get("$values").unwrap_or(value).as_array().unwrap()
}

fn time(value: &Value) -> Moment {
    read::time(value.as_str().unwrap()).unwrap()
}

fn number(value: &Value) -> u16 {
    value.as_u64().unwrap() as u16
}

fn report(mut events: Vec<Event>, detectors: &[Detector]) -> Report {
    events.sort();
    let mut device = Device::new("7115".into(), detectors, Bin::QUARTER);
    events.iter().for_each(|event| {
        device.take(*event);
    });
    device.report(Whole { first: events[0].at, last: events[events.len() - 1].at })
}

fn events(input: &Value) -> Vec<Event> {
    let event = |event: &Value| Event {
        at: time(&event["Timestamp"]),
        code: Code(number(&event["EventCode"])),
        param: number(&event["EventParam"]),
    };
    list(input).iter().map(event).collect()
}

#[test]
fn cycles_go_from_red_to_red_as_theirs() {
    let Some(data) = theirs("CreateRedToRedCyclesTestData1.json") else { return };
    let expected = list(&data["Output"]);
    let mut log = events(&data["Input"]);
    // A vehicle at the beginning of each cycle makes it show up in the diagram.
    log.extend(expected.iter().map(|cycle| Event {
        at: time(&cycle["Start"]),
        code: Code::DETECTOR_ON,
        param: 1,
    }));
    let report = report(log, &[detector(1, 2, Function::Advance)]);
    assert_eq!(report.coordination_diagram.len(), expected.len());
    for (row, cycle) in report.coordination_diagram.iter().zip(expected) {
        assert_eq!((row.cycle_start.0, row.cycle_end.0), (time(&cycle["Start"]), time(&cycle["End"])));
        let seconds = |name: &str| cycle[name].as_f64().unwrap();
        assert!((row.green_at - seconds("TotalRedTime")).abs() < 1e-9);
        assert!((row.yellow_at - row.green_at - seconds("TotalGreenTime")).abs() < 1e-9);
    }
}

#[test]
fn volumes_are_theirs() {
    for (file, group) in
        [("CalculatePhaseVolumeTestData1.json", 2), ("CalculatePhaseVolumeTestData2.json", 6)]
    {
        let Some(data) = theirs(file) else { return };
        let vehicle = |event: &Value| Event {
            at: time(&event["Timestamp"]),
            code: Code::DETECTOR_ON,
            param: number(&event["DetectorChannel"]),
        };
        let log: Vec<Event> = list(&data["Input"]).iter().map(vehicle).collect();
        let mut channels: Vec<u16> = log.iter().map(|event| event.param).collect();
        channels.sort();
        channels.dedup();
        let detectors: Vec<Detector> =
            channels.into_iter().map(|channel| detector(channel, group, Function::Advance)).collect();
        let report = report(log, &detectors);
        let volumes: Vec<_> = report.approach_volume.iter().map(|row| (row.at.0, row.volume)).collect();
        let expected: Vec<_> = list(&data["Output"]["Segments"])
            .iter()
            .map(|segment| (time(&segment["Start"]), segment["DetectorCount"].as_u64().unwrap() as u32))
            .collect();
        assert_eq!(volumes, expected, "{file}");
    }
}

#[test]
fn preemptions_dwell_as_theirs() {
    let Some(data) = theirs("CalculateDwellTimeTestData1.json") else { return };
    let report = report(events(&data["Input"]), &[]);
    let dwell: Vec<_> = report.preempt_detail.iter().map(|row| (row.preempt, row.dwell.unwrap())).collect();
    let expected: Vec<_> = list(&data["Output"])
        .iter()
        .map(|dwell| {
            (number(&dwell["PreemptNumber"]), time(&dwell["End"]).since(time(&dwell["Start"])).as_secs_f64())
        })
        .collect();
    assert_eq!(dwell, expected);
}

/// Each bin's row of a day of theirs.
fn on_foot() -> Option<BTreeMap<Moment, ped_service::Row>> {
    let data = theirs("AggregatePedestrianPhasesTestData1.json")?;
    let report = report(events(&data["Input"]), &[]);
    Some(report.ped_service.into_iter().map(|row| (row.at.0, row)).collect())
}

fn figures(row: Option<&ped_service::Row>) -> [f64; 9] {
    row.map_or([0.0; 9], |row| {
        [
            f64::from(row.ped_cycles),
            row.ped_delay,
            row.min_ped_delay,
            row.max_ped_delay,
            f64::from(row.ped_requests),
            f64::from(row.imputed_ped_calls_registered),
            f64::from(row.unique_ped_detections),
            f64::from(row.ped_begin_walk_count),
            f64::from(row.ped_calls_registered_count),
        ]
        .map(|figure| (figure * 10.0).round() / 10.0)
    })
}

#[test]
fn people_on_foot_are_served_as_theirs() {
    const NAMES: [&str; 9] = [
        "PedCycles",
        "PedDelay",
        "MinPedDelay",
        "MaxPedDelay",
        "PedRequests",
        "ImputedPedCallsRegistered",
        "UniquePedDetections",
        "PedBeginWalkCount",
        "PedCallsRegisteredCount",
    ];
    let (Some(data), Some(rows)) = (theirs("AggregatePedestrianPhasesTestData1.json"), on_foot()) else {
        return;
    };
    let expected = list(&data["Output"]);
    assert_eq!(expected.len(), 96);
    // In the bin of the first walk of the day this file has a cycle and nobody in it; their other file has them.
    let first = time(&Value::from("2023-05-16T01:15:00"));
    for bin in expected.iter().filter(|bin| time(&bin["Start"]) != first) {
        let theirs = NAMES.map(|name| bin[name].as_f64().unwrap());
        assert_eq!(figures(rows.get(&time(&bin["Start"]))), theirs, "{}", bin["Start"]);
    }
}

#[test]
fn people_on_foot_are_served_as_in_their_table() {
    let (Some(folder), Some(rows)) = (reference(), on_foot()) else { return };
    let mut table = csv::Reader::from_path(folder.join("utah_v5/pedaggresultdata.csv")).unwrap();
    let mut lines = 0;
    for line in table.records().map(Result::unwrap) {
        // Their dates are one after another, as when a cell is dragged down; the day is the 16th.
        let (_, clock) = line[2].split_once(' ').unwrap();
        let (hour, minute) = clock.split_once(':').unwrap();
        let bin = format!("2023-05-16T{hour:0>2}:{}:00", &minute[..2]);
        let theirs: Vec<f64> = line.iter().skip(3).map(|figure| figure.parse().unwrap()).collect();
        assert_eq!(figures(rows.get(&time(&Value::from(bin.as_str())))).to_vec(), theirs, "{bin}");
        lines += 1;
    }
    assert_eq!(lines, 95);
}

/// Where the detectors of an approach lie, and how late they tell, moves their vehicles.
#[test]
fn vehicles_come_to_the_stop_line_as_theirs() {
    for file in 1..=3 {
        let Some(data) = theirs(&format!("IdentifyandAdjustVehicleActivationsTestData{file}.json")) else {
            return;
        };
        let approach = &data["Configuration"];
        let felt = events(&data["Input"]);
        let channel = felt[0].param;
        let lies = list(&approach["Detectors"]).iter().find(|d| d["DetectorChannel"] == channel).unwrap();
        let number = |value: &Value| value.as_f64().unwrap();
        let later_ms = coming::later_ms(
            number(&lies["DistanceFromStopBar"]),
            number(&approach["Mph"]),
            number(&lies["LatencyCorrection"]),
        );
        let mut coming =
            coming::Coming::new(&[Detector { later_ms, ..detector(channel, 2, Function::Advance) }]);
        let mut there = Vec::new();
        let end = Event { at: Moment(i64::MAX), code: Code(0), param: 0 };
        felt.iter().chain([&end]).for_each(|event| coming.take(*event, |event| there.push(event)));
        let expected: Vec<(Moment, u16)> = list(&data["Output"])
            .iter()
            .map(|event| (time(&event["Timestamp"]), event["DetectorChannel"].as_u64().unwrap() as u16))
            .collect();
        let there: Vec<(Moment, u16)> =
            there.iter().filter(|e| e.code == Code::DETECTOR_ON).map(|e| (e.at, e.param)).collect();
        assert_eq!(there, expected, "{file}");
    }
}

/// Both directions of a street by the quarter, and together.
#[test]
fn volumes_of_both_directions_are_theirs() {
    let Some(data) = theirs("CalculateTotalVolumesTestData1.json") else { return };
    let mut log = Vec::new();
    let mut detectors = Vec::new();
    for volumes in list(&data["Input"]) {
        let group = number(&volumes["PhaseNumber"]);
        for vehicle in list(&volumes["Segments"]).iter().flat_map(|segment| list(&segment["DetectorEvents"]))
        {
            let channel = number(&vehicle["DetectorChannel"]);
            log.push(Event { at: time(&vehicle["Timestamp"]), code: Code::DETECTOR_ON, param: channel });
            detectors.push((channel, group));
        }
    }
    detectors.sort();
    detectors.dedup();
    let detectors: Vec<Detector> =
        detectors.into_iter().map(|(channel, group)| detector(channel, group, Function::Advance)).collect();
    let volumes = report(log, &detectors).approach_volume;
    let expected = list(&data["Output"]["Segments"]);
    for segment in expected {
        let of = |group: &Value| {
            let rows = volumes.iter().filter(|row| row.at.0 == time(&segment["Start"]));
            rows.filter(|row| group.is_null() || row.phase == number(group))
                .map(|row| u64::from(row.volume))
                .sum::<u64>()
        };
        for side in ["Primary", "Opposing"] {
            let theirs = &segment[side];
            assert_eq!(of(&theirs["PhaseNumber"]), theirs["DetectorCount"].as_u64().unwrap(), "{side}");
        }
        assert_eq!(of(&Value::Null), segment["DetectorCount"].as_u64().unwrap());
    }
    let all: u64 = volumes.iter().map(|row| u64::from(row.volume)).sum();
    assert_eq!(all, data["Output"]["DetectorCount"].as_u64().unwrap());
}

#[test]
fn who_arrives_on_red_stands_until_green() {
    let log = "
        12:00:00 ended 2
        12:00:10 on 10
        12:00:30 green 2
        12:00:40 on 10
        12:00:50 amber 2
        12:00:54 ended 2";
    let report = measured(log, &[detector(10, 2, Function::Advance)]);
    let [row] = &report.approach_delay[..] else { panic!("{:?}", report.approach_delay) };
    assert_eq!((row.arrivals, row.arrivals_on_red, row.average_delay), (2, 1, 10.0));
}

#[test]
fn gaps_go_from_vehicle_to_vehicle_within_green() {
    let log = "
        12:00:00 ended 2
        12:00:10 on 10
        12:00:30 green 2
        12:00:33 on 10
        12:00:33 on 11
        12:00:36.5 on 10
        12:00:41 on 10
        12:00:50 amber 2
        12:00:52 on 10
        12:00:54 ended 2";
    let report = measured(log, &[detector(10, 2, Function::Advance), detector(11, 2, Function::Advance)]);
    let [row] = &report.left_turn_gap[..] else { panic!("{:?}", report.left_turn_gap) };
    assert_eq!([row.gap1, row.gap2, row.gap3, row.gap4], [1, 1, 1, 1]);
    assert_eq!((row.turnable_time, row.percent_turnable), (9.0, 0.45));
}

#[test]
fn a_split_says_how_long_it_was_and_why_it_ended() {
    let log = "
        12:00:00 plan 4
        12:00:30 green 2
        12:00:31 walk 2
        12:00:50 gap-out 2
        12:00:50 amber 2
        12:00:56 cleared 2";
    let report = measured(log, &[]);
    let [row] = &report.split_monitor[..] else { panic!("{:?}", report.split_monitor) };
    assert_eq!((row.pattern, row.green, row.split), (Some(4), 20.0, Some(26.0)));
    assert_eq!((row.termination, row.ped), (Some(crate::measures::terminations::Why::GapOut), true));
}

#[test]
fn an_even_hour_has_a_factor_of_one() {
    let quarter = |quarter: i64, vehicles: i64| {
        (0..vehicles).map(move |i| Event {
            at: Moment((quarter * 900 + i) * 1000),
            code: Code::DETECTOR_ON,
            param: 10,
        })
    };
    let log: Vec<Event> =
        [5, 10, 10, 10, 10, 5].into_iter().enumerate().flat_map(|(i, n)| quarter(i as i64, n)).collect();
    let report = report(log, &[detector(10, 2, Function::Advance)]);
    let [peak] = &report.peak_hour[..] else { panic!("{:?}", report.peak_hour) };
    assert_eq!((peak.at.0, peak.volume, peak.phf, peak.k), (Moment(900_000), 40, 1.0, 0.8));
}

#[test]
fn a_priority_goes_from_check_in_to_check_out() {
    let log = "
        12:00:00 check-in 4
        12:00:01 held 4
        12:00:02 served 4
        12:00:20 unserved 4
        12:00:25 check-out 4";
    let report = measured(log, &[]);
    let [row] = &report.priority_detail[..] else { panic!("{:?}", report.priority_detail) };
    assert_eq!((row.seconds, row.early_green, row.extend_green, row.service), (Some(25.0), 0, 1, 18.0));
}

#[test]
fn the_watchdog_barks_only_at_hours_that_it_saw() {
    let mut log = "16:59:00 on 9\n17:01:00 on 10\n".to_owned();
    let detectors = [detector(10, 2, Function::Presence)];
    assert_eq!(measured(&log, &detectors).watchdog, []);
    log += "18:00:00 on 9\n";
    let report = measured(&log, &detectors);
    let [row] = &report.watchdog[..] else { panic!("{:?}", report.watchdog) };
    assert_eq!((row.finding, row.of, row.value), (Finding::LowDetectorHits, Some(10), 1));
}

/// What cabinets keep, with how many events are in it, whose and when the first is.
#[test]
fn the_files_of_cabinets_are_read() {
    let Some(folder) = reference() else { return };
    for (file, events, device, first) in [
        ("1210_ECON_10.204.7.239_2021_08_09_1841.datZ", 275, "1210", "2021-08-09 18:42:06.7"),
        ("4895_ECON_10.210.8.179_2024_02_21_1115.dat", 1914, "4895", "2024-02-21 11:15:01"),
        ("ECON_10.204.9.227_2024_07_22_1332.dat", 765, "", "2024-07-22 13:32:15.8"),
        ("638548149067839806.xml", 10_001, "638548149067839806", "2024-06-23 22:47:07.3"),
        ("638572533917628534.xml", 3_001, "1015", "2024-07-22 13:33:19.3"),
    ] {
        let log = read::events(&folder.join("utah_v5").join(file)).unwrap();
        assert_eq!(log.rejected.count, 0, "{file}");
        let [(name, found)] = &log.devices.iter().collect::<Vec<_>>()[..] else { panic!("{file}") };
        assert!(device.is_empty() || &***name == device, "{file}: {name}");
        assert_eq!(found.len() + log.repeated, events, "{file}");
        let begins = found.iter().map(|event| event.at).min().unwrap();
        assert_eq!(begins, time(&Value::from(first)), "{file}: {begins:?}");
    }
}

/// A broken export says where, and what can be read of it is not lost.
#[test]
fn a_broken_export_says_where() {
    let folder = tempfile::tempdir().unwrap();
    let read = |text: &str| {
        let file = folder.path().join("7.xml");
        std::fs::write(&file, text).unwrap();
        read::events(&file)
    };
    let event = r#"<Event ID="1" TimeStamp="06-23-2024 22:47:07.3" EventTypeID="81" Parameter="41" />"#;
    let log =
        read(&format!(r#"<R>{event}<Event TimeStamp="soon" EventTypeID="1" Parameter="2"/></R>"#)).unwrap();
    assert_eq!(log.devices["7"].len(), 1);
    assert_eq!(log.rejected.named, [(2, "\"soon\" is no time".to_owned())]);
    let cut = read(&format!("<R>{event}<Event TimeStamp=\"06-23")).unwrap_err().to_string();
    assert!(cut.contains("7.xml") && cut.contains("at byte"), "{cut}");
    let none = read("<R></R>").unwrap_err().to_string();
    assert!(none.contains("there is no event in it"), "{none}");
}
