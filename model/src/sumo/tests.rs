//! Against real networks, where they are at hand.

use super::*;
use crate::{
    city::City,
    config::{Read, Source},
    ids::GroupNumber,
    signal::{Junction, interstage::Interstage},
    time::Tenths,
};
use std::path::PathBuf;

/// Real files stand beside the project, not in it; without them these tests say so and pass.
fn shared(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("SVETOFOR_SHARED").map(PathBuf::from);
    let root = root.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"));
    let file = root.join(path);
    if !file.exists() {
        #[expect(clippy::print_stderr, reason = "a skipped test must be heard")]
        {
            eprintln!(
                "SKIPPED: {} is not here; set SVETOFOR_SHARED to the folder of shared data",
                file.display()
            );
        }
        return None;
    }
    Some(file)
}

fn read(path: &str) -> Option<String> {
    Some(std::fs::read_to_string(shared(path)?).expect("a readable file"))
}

fn city(net: &str, additional: &[&str]) -> Option<Read<City>> {
    let text = read(net)?;
    let more: Vec<(String, String)> =
        additional.iter().map(|a| Some((a.to_string(), read(a)?))).collect::<Option<_>>()?;
    let more: Vec<Source<'_>> = more.iter().map(|(f, t)| Source::new(f, t)).collect();
    Some(network(Source::new(net, &text), &more).unwrap_or_else(|e| panic!("{e}")))
}

const NETS: [(&str, &[&str]); 9] = [
    ("data/signals/cologne1/cologne1.net.xml", &[]),
    ("data/signals/cologne3/cologne3.net.xml", &[]),
    ("data/signals/cologne8/cologne8.net.xml", &[]),
    ("data/signals/ingolstadt1/ingolstadt1.net.xml", &[]),
    ("data/signals/ingolstadt7/ingolstadt7.net.xml", &[]),
    ("data/signals/ingolstadt21/ingolstadt21.net.xml", &[]),
    ("data/signals/grid4x4/grid4x4.net.xml", &[]),
    ("data/signals/arterial4x4/arterial4x4.net.xml", &[]),
    ("data/signals/pasubio/pasubio_buslanes.net.xml", &["data/signals/pasubio/pasubio_tls.add.xml"]),
];

/// Greens that a cabinet shows, second by second, when it follows the first plan to the letter.
fn greens_of_plan(junction: &Junction, seconds: std::ops::Range<u64>) -> Vec<Vec<GroupNumber>> {
    let plan = &junction.plans[0];
    let stage_at = |clock: u64| {
        junction.stage(plan.steps[plan.step_at(clock).expect("a cycle").0].stage).expect("a stage")
    };
    let mut from = stage_at(0).green.clone();
    let mut to = from.clone();
    let mut asked = 0;
    let mut shown = Vec::new();
    for clock in 0..seconds.end * 10 {
        let wanted = &stage_at(clock).green;
        let way = Interstage::between_greens(junction, &from, &to);
        if *wanted != to && Tenths((clock - asked) as u32) >= way.duration {
            (from, to, asked) = (to, wanted.clone(), clock);
        }
        if clock % 10 == 0 && clock / 10 >= seconds.start {
            let way = Interstage::between_greens(junction, &from, &to);
            let elapsed = Tenths((clock - asked) as u32);
            let green = |g: &GroupNumber| match way.lamp(junction, *g, elapsed, way.duration) {
                Some(lamp) => lamp.is_go(),
                None => to.contains(g),
            };
            shown.push(junction.groups.iter().map(|g| g.number).filter(green).collect());
        }
    }
    shown
}

/// Greens that SUMO shows: row 0 begins at times that are `offset` modulo the cycle.
fn greens_of_rows(
    junction: &Junction,
    offset: i64,
    rows: &[(i64, &str)],
    seconds: std::ops::Range<u64>,
) -> Vec<Vec<GroupNumber>> {
    let cycle: i64 = rows.iter().map(|r| r.0).sum();
    seconds
        .map(|second| {
            let mut at = (second as i64 - offset).rem_euclid(cycle);
            let row = rows.iter().find(|r| {
                at -= r.0;
                at < 0
            });
            let letters = row.expect("inside the cycle").1.as_bytes();
            let heads = junction.heads.iter().zip(letters).filter(|(_, l)| matches!(l, b'G' | b'g'));
            let mut green: Vec<GroupNumber> = heads.map(|(g, _)| *g).collect();
            green.sort();
            green.dedup();
            green
        })
        .collect()
}

#[test]
fn plans_show_the_programs_greens() {
    let mut report = String::new();
    for (net, additional) in NETS {
        let Some(read_city) = city(net, additional) else { return };
        let city = read_city.value;
        let last = additional.first().copied().unwrap_or(net);
        let text = read(last).expect("it was there a moment ago");
        let document = roxmltree::Document::parse(&text).unwrap();
        for junction in &city.junctions {
            let logic = document.descendants().filter(|n| n.has_tag_name("tlLogic"));
            let logic = logic.filter(|n| n.attribute("id") == Some(junction.source_id())).last().unwrap();
            let offset: f64 = logic.attribute("offset").unwrap_or("0").parse().unwrap();
            let rows: Vec<(i64, &str)> = logic
                .children()
                .filter(|n| n.has_tag_name("phase"))
                .map(|p| {
                    (
                        p.attribute("duration").unwrap().parse::<f64>().unwrap() as i64,
                        p.attribute("state").unwrap(),
                    )
                })
                .collect();
            let cycle = rows.iter().map(|r| r.0).sum::<i64>() as u64;
            let window = 2 * cycle..4 * cycle;
            let (ours, theirs) = (
                greens_of_plan(junction, window.clone()),
                greens_of_rows(junction, offset as i64, &rows, window.clone()),
            );
            let wrong = ours.iter().zip(&theirs).filter(|(a, b)| a != b).count();
            if wrong > 0 {
                let (t, (a, b)) = ours.iter().zip(&theirs).enumerate().find(|(_, (a, b))| a != b).unwrap();
                report += &format!(
                    "{} {}: {wrong} of {} seconds differ, first at {t}: {a:?} for {b:?}\n",
                    city.name.local,
                    junction.id,
                    2 * cycle
                );
            }
        }
        for note in &read_city.notes {
            report += &format!("  note {note}\n");
        }
        report += &format!(
            "{}: {} junctions, stages {:?}\n",
            city.name.local,
            city.junctions.len(),
            city.junctions.iter().map(|j| j.stages.len()).collect::<Vec<_>>()
        );
    }
    eprintln!("{report}");
}

#[test]
fn scenarios_and_their_demand_are_read() {
    let expected = [
        ("cologne1/cologne1", 2015, 25200.0),
        ("cologne3/cologne3", 4494, 25200.0),
        ("cologne8/cologne8", 2046, 25200.0),
        ("ingolstadt1/ingolstadt1", 1716, 57600.0),
        ("ingolstadt7/ingolstadt7", 3031, 57600.0),
        ("ingolstadt21/ingolstadt21", 4283, 57600.0),
        ("grid4x4/grid4x4", 1473, 0.0),
        ("arterial4x4/arterial4x4", 2484, 0.0),
        ("pasubio/run", 8664 + 112, 0.0),
    ];
    for (name, trips, begin_s) in expected {
        let path = format!("data/signals/{name}.sumocfg");
        let Some(text) = read(&path) else { return };
        let scenario = scenario(Source::new(&path, &text)).unwrap_or_else(|e| panic!("{e}")).value;
        assert_eq!(scenario.begin_s, begin_s, "{name}");
        let folder = path.rsplit_once('/').unwrap().0;
        let load = |f: &String| (f.clone(), read(&format!("{folder}/{f}")).expect("the scenario's file"));
        let (net_file, net) = load(&scenario.net);
        let city = network(Source::new(&net_file, &net), &[]).unwrap_or_else(|e| panic!("{e}")).value;
        let files: Vec<(String, String)> =
            scenario.additional.iter().chain(&scenario.routes).map(load).collect();
        let files: Vec<Source<'_>> = files.iter().map(|(f, t)| Source::new(f, t)).collect();
        let read = demand(&city.network, &files).unwrap_or_else(|e| panic!("{name}: {e}"));
        for note in &read.notes {
            eprintln!("{note}");
        }
        assert_eq!(read.value.trips.len(), trips, "{name}");
        assert!(read.value.trips.is_sorted_by(|a, b| a.depart_s <= b.depart_s), "{name}");
    }
}
