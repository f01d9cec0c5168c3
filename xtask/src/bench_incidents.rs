//! `cargo xtask bench incidents`: how many lanes that are blocked the centre notices, how soon, and how often it is wrong.
//!
//! SUMO drives real scenarios with loops that miss some vehicles, and the centre controls adaptively. First nothing happens:
//! whatever it concludes then is a false alarm. Then a vehicle stops for a quarter of an hour where a lane comes to a signal,
//! ten metres before the stop line; one run has several such places, far apart in time. What counts as noticed is a conclusion
//! about that lane, or one beside it in the same street, while the vehicle stands there. Where other lanes take all its traffic
//! no queue shows it.

use crate::{bench_sim, cargo, city, root, shared, step, tools};
use anyhow::{Context, bail};
use roxmltree::{Document, Node};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    fmt::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Where is driven: real cities that are busy and not jammed.
const SCENARIOS: [&str; 4] = ["cologne3", "cologne8", "ingolstadt1", "ingolstadt7"];
/// A vehicle stands for so long, and the first one so long after the beginning: first the centre learns what is usual.
const STANDS_S: u32 = 900;
const FIRST_S: u32 = 1_200;
/// Blocked lanes in one run: the busiest ones, so that somebody comes to be noticed.
const BLOCKED: usize = 4;
/// A lane is blocked only if it is so long: its detectors lie within.
const LEAST_M: f64 = 60.0;
const RUNS: [u32; 3] = [101, 102, 103];

#[derive(Deserialize)]
struct Summary {
    begin_s: f64,
    end_s: f64,
    junctions: usize,
    stalled: Vec<Standstill>,
}

#[derive(Deserialize)]
struct Standstill {
    link: String,
    concluded_s: f64,
}

/// A lane that is blocked from then on.
struct Blocked {
    edge: String,
    from_s: u32,
}

pub(crate) fn run() -> anyhow::Result<()> {
    tools::install()?;
    step("build", cargo(["build", "--release", "--package", "city"]))?;
    let folder = root().join("target/bench-incidents");
    let (mut wrong, mut junction_hours) = (0, 0.0);
    let (mut noticed, mut blocked, mut after) = (0, 0, Vec::new());
    for name in SCENARIOS {
        let from = shared().join("data/signals").join(name);
        if !from.exists() {
            println!("{} is not there: {name} is NOT MEASURED", from.display());
            continue;
        }
        for seed in RUNS {
            let quiet = evaluate(&from.join(format!("{name}.sumocfg")), seed, &folder.join("quiet"))?;
            wrong += quiet.stalled.len();
            junction_hours += quiet.junctions as f64 * (quiet.end_s - quiet.begin_s) / 3600.0;
            let (scenario, lanes) = block(&from, name, seed, &folder)?;
            let said = evaluate(&scenario, seed, &folder.join("blocked"))?;
            for lane in &lanes {
                blocked += 1;
                let span = f64::from(lane.from_s)..f64::from(lane.from_s + STANDS_S);
                let first =
                    said.stalled.iter().find(|s| s.link == lane.edge && span.contains(&s.concluded_s));
                if let Some(first) = first {
                    noticed += 1;
                    after.push(first.concluded_s - span.start);
                }
            }
        }
    }
    if blocked == 0 {
        bail!("no scenario is there");
    }
    after.sort_by(f64::total_cmp);
    println!(
        "{noticed} of {blocked} blocked lanes noticed, half of them within {:.0} s; {wrong} false alarms in {junction_hours:.0} junction-hours without incidents",
        after.get(after.len() / 2).copied().unwrap_or(f64::NAN)
    );
    Ok(())
}

fn evaluate(scenario: &Path, seed: u32, out: &Path) -> anyhow::Result<Summary> {
    let mut evaluate = city();
    evaluate.args(["evaluate", "--control", "adaptive", "--tier", "loops", "--seed", &seed.to_string()]);
    evaluate.arg("--scenario").arg(scenario).arg("--out").arg(out).stderr(Stdio::null());
    step(&format!("{} with seed {seed}", scenario.display()), evaluate)?;
    let text = std::fs::read_to_string(out.join("summary.json"))?;
    serde_json::from_str(&text).context("summary.json is not what it should be")
}

/// The scenario with vehicles that stop before signals, and where they do.
fn block(from: &Path, name: &str, seed: u32, folder: &Path) -> anyhow::Result<(PathBuf, Vec<Blocked>)> {
    let read = |ending: &str| std::fs::read_to_string(from.join(format!("{name}.{ending}")));
    let (config, net) = (read("sumocfg")?, read("net.xml")?);
    let xml = Document::parse(&config)?;
    let begin = xml.descendants().find(|e| e.has_tag_name("begin")).and_then(|e| number(e, "value"));
    let begin = begin.context("the scenario does not say when it begins")? as u32;
    let folder = folder.join(format!("{name}-{seed}"));
    std::fs::create_dir_all(&folder)?;
    let lanes =
        busiest(&Document::parse(&net)?, &entered(&from.join(format!("{name}.sumocfg")), &folder)?, seed);
    let mut added = String::from("<routes>\n<vType id=\"broken_down\" vClass=\"passenger\"/>\n");
    let mut blocked = Vec::new();
    for (place, (edge, lane, length)) in lanes.into_iter().enumerate() {
        let from_s = begin + FIRST_S + 300 * place as u32;
        let end = (length - 10.0).max(1.0);
        writeln!(
            added,
            "<vehicle id=\"broken_down_{place}\" type=\"broken_down\" depart=\"{from_s}\" departLane=\"best\"><route edges=\"{edge}\"/>\
             <stop lane=\"{lane}\" endPos=\"{end:.1}\" duration=\"{STANDS_S}\"/></vehicle>"
        )?;
        blocked.push(Blocked { edge, from_s });
    }
    added.push_str("</routes>\n");
    std::fs::write(folder.join("blocked.rou.xml"), added)?;
    // Paths in it are relative to where it lies.
    let absolute = config.replace(&format!("\"{name}."), &format!("\"{}/{name}.", from.display()));
    let absolute = absolute.replace(".rou.xml\"", ".rou.xml,blocked.rou.xml\"");
    let scenario = folder.join("blocked.sumocfg");
    std::fs::write(&scenario, absolute)?;
    Ok((scenario, blocked))
}

/// How many vehicles enter each edge, by SUMO with the scenario's own plans.
fn entered(scenario: &Path, folder: &Path) -> anyhow::Result<BTreeMap<String, u32>> {
    let (asked, told) = (folder.join("edges.add.xml"), folder.join("edges.xml"));
    std::fs::write(
        &asked,
        format!("<additional><edgeData id=\"all\" file=\"{}\"/></additional>", told.display()),
    )?;
    let mut sumo = Command::new(tools::folder().join("bin/sumo"));
    sumo.arg("-c").arg(scenario).arg("-a").arg(&asked).args(["--no-step-log", "--no-warnings"]);
    step("count its vehicles", bench_sim::quiet(sumo))?;
    let told = std::fs::read_to_string(told)?;
    let xml = Document::parse(&told)?;
    let edges = xml.descendants().filter(|e| e.has_tag_name("edge"));
    Ok(edges.filter_map(|e| Some((e.attribute("id")?.to_owned(), number(e, "entered")? as u32))).collect())
}

/// Lanes that come to a signal, of the busiest edges: edge, lane, length.
fn busiest(net: &Document, entered: &BTreeMap<String, u32>, seed: u32) -> Vec<(String, String, f64)> {
    let lanes = net.descendants().filter(|e| e.has_tag_name("lane"));
    let lengths: BTreeMap<&str, f64> =
        lanes.filter_map(|e| Some((e.attribute("id")?, number(e, "length")?))).collect();
    let mut found: Vec<(u32, String, String, f64)> = Vec::new();
    for connection in net.descendants().filter(|e| e.has_tag_name("connection") && e.has_attribute("tl")) {
        let (Some(edge), Some(place)) = (connection.attribute("from"), connection.attribute("fromLane"))
        else {
            continue;
        };
        let lane = format!("{edge}_{place}");
        let (Some(passing), Some(&length)) = (entered.get(edge), lengths.get(lane.as_str())) else {
            continue;
        };
        if length > LEAST_M && found.iter().all(|(_, other, ..)| other != edge) {
            found.push((*passing, edge.to_owned(), lane, length));
        }
    }
    found.sort_by(|a, b| (b.0, &b.2).cmp(&(a.0, &a.2)));
    // Other seeds block others of the busy lanes.
    let others = found.into_iter().skip(seed as usize % 3).step_by(2).take(BLOCKED);
    others.map(|(_, edge, lane, length)| (edge, lane, length)).collect()
}

fn number(element: Node, name: &str) -> Option<f64> {
    element.attribute(name)?.parse().ok()
}
