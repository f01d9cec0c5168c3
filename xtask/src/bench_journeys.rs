//! `cargo xtask bench journeys`: what journeys cost in Porto and in a drawn city of Moscow's size, beside the goals and beside
//! peers that answer the same questions on the same day.

mod zones;

use crate::{cargo, root, shared, step};
use anyhow::{Context, bail};
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// What RoutingKit and the Karlsruhe prototypes took on a machine of their own (PEERS, section 3): they do not install here.
const ELSEWHERE: &str = "
peers that do not install, as measured elsewhere, CPU ms, p50 / p99
  car distance         RoutingKit CCH without turn costs 0.015 / 0.033, with path 0.039 / 0.102; at Moscow's size 0.031 / 0.075
  traffic everywhere   RoutingKit CCH 12.6, Valhalla 28.6, OSRM MLD 1380; RoutingKit at Moscow's size 120
  one departure        KIT ULTRA-TB mean 0.372, ULTRA-RAPTOR mean 0.419";

/// The day on which both of Porto's feeds run.
const PORTO_DAY: &str = "20240612";
/// A Wednesday of the drawn city's timetable, which is the same on all days.
const MOSCOW_DAY: &str = "20260610";
/// As many signalised junctions as make 1.4 million links with the yards between them.
const MOSCOW_JUNCTIONS: &str = "40000";

/// What was asked of ours and of theirs: the row of our table, and of theirs.
const BESIDE: [(&str, &str); 7] = [
    ("car distance with turns", "fast_paths, distance and path with turns"),
    ("traffic of every link: ready to be used", "fast_paths, new costs, CPU ms"),
    ("car answer as JSON", "OSRM MLD, with geometry and steps"),
    ("car answer as JSON", "Valhalla, with geometry and steps"),
    ("transit with walking, one departure", "ferrobus, one departure"),
    ("next journey, door to door", "ferrobus, whole journey"),
    ("transit with walking, one hour", "ferrobus, one hour"),
];

/// Prepares both cities, measures, and fails where a goal is missed or an answer is wrong.
pub(crate) fn run() -> anyhow::Result<()> {
    let porto = shared().join("data/routing/porto");
    if !porto.exists() {
        bail!("there is no {}; set SVETOFOR_SHARED to the folder that has data/", porto.display());
    }
    let mut build = cargo(["build", "--release", "--package", "routing"]);
    build.args(["--bin", "routing", "--example", "bench_journeys"]);
    step("build the planner", build)?;
    step("build what draws cities", cargo(["build", "--release", "--package", "simulator"]))?;
    let folder = root().join("target/bench-journeys");
    let mut sheet = Sheet::default();

    let data = folder.join("porto");
    sheet.city = "Porto";
    sheet.add(prepare_porto(&porto, &data));
    let bench = |task: &str| {
        let mut bench = program(task, &data, "porto", PORTO_DAY);
        bench.arg("--car").arg(porto.join("pairs_1000.csv"));
        bench.arg("--transit").arg(porto.join("pairs_pt_1000.csv"));
        bench
    };
    sheet.take("journeys", bench("ask"));
    sheet.take("many at once over HTTP, also while the traffic changes", bench("serve"));
    sheet.check("10,000 ways beside A*'s, after each of 20 pictures of the traffic", bench("compare"));
    sheet.check("2,000 fronts by public transport beside a plain search's", bench("compare-transit"));
    let zoned = folder.join("porto-zones");
    match prepare_zones(&porto, &zoned) {
        Ok(()) => {
            let mut ask = program("on-demand", &zoned, "porto", PORTO_DAY);
            ask.arg("--transit").arg(porto.join("pairs_pt_1000.csv"));
            sheet.take("buses on demand", ask);
        }
        Err(error) => sheet.failed.push(format!("Porto, buses on demand: {error:#}")),
    }
    println!("{ELSEWHERE}\n");
    sheet.take("a peer: fast_paths", bench("peer"));
    for (name, peer) in
        [("OSRM", osrm as fn(&Path, &Path, &Path) -> _), ("Valhalla", valhalla), ("ferrobus", ferrobus)]
    {
        match python(&folder).and_then(|python| peer(&python, &porto, &folder)) {
            Ok(theirs) => sheet.beside(theirs),
            Err(error) => println!("NOT MEASURED: {name}: {error:#}"),
        }
    }

    let data = folder.join("moscow");
    sheet.city = "Moscow's size";
    sheet.add(prepare_moscow(&data));
    let moscow = |task: &str| program(task, &data, "moscow", MOSCOW_DAY);
    sheet.take("journeys", moscow("ask"));
    sheet.take("buses on demand", moscow("on-demand"));
    sheet.take("many at once over HTTP, also while the traffic changes", moscow("serve"));
    sheet.close()
}

/// A figure of ours that was wished for, or of a peer.
struct Row {
    city: &'static str,
    what: String,
    figures: String,
    /// What was wished for; empty for a peer.
    goal: String,
    met: bool,
}

/// All that was found.
#[derive(Default)]
struct Sheet {
    city: &'static str,
    rows: Vec<Row>,
    /// What could not be done, or went wrong.
    failed: Vec<String>,
}

impl Sheet {
    fn add(&mut self, row: anyhow::Result<Row>) {
        match row {
            Ok(row) => self.rows.push(Row { city: self.city, ..row }),
            Err(error) => self.failed.push(format!("{}: {error:#}", self.city)),
        }
    }

    /// Runs a part of the bench, shows what it says as it says it, and keeps its rows.
    fn take(&mut self, what: &str, mut part: Command) {
        println!("▸ {}: {what}", self.city);
        let said = (|| {
            let mut child = part.stdout(Stdio::piped()).spawn().context("it could not be started")?;
            let lines = BufReader::new(child.stdout.take().context("it has an output")?).lines();
            let mut rows = Vec::new();
            for line in lines {
                let line = line?;
                println!("{line}");
                rows.extend(Row::read(self.city, &line));
            }
            child.wait()?;
            anyhow::Ok(rows)
        })();
        match said {
            Ok(rows) if rows.is_empty() => self.failed.push(format!("{}, {what}: it broke off", self.city)),
            Ok(rows) => self.rows.extend(rows),
            Err(error) => self.failed.push(format!("{}, {what}: {error:#}", self.city)),
        }
    }

    /// Runs a part that compares answers: one that differs is a failure.
    fn check(&mut self, what: &str, part: Command) {
        let ended = step(&format!("{}: {what}", self.city), part);
        let (figures, met) = if ended.is_ok() { ("all equal", true) } else { ("NOT all equal", false) };
        let (what, figures, goal) = (what.to_string(), figures.to_string(), "all equal".to_string());
        self.rows.push(Row { city: self.city, what, figures, goal, met });
    }

    /// What peers took.
    fn beside(&mut self, theirs: Theirs) {
        for (what, mut took) in theirs {
            took.sort_by(f64::total_cmp);
            let at = |share: f64| {
                took.get((took.len().saturating_sub(1) as f64 * share) as usize).copied().unwrap_or(f64::NAN)
            };
            let figures = format!("p50 {:.3}  p99 {:.3}", at(0.5), at(0.99));
            println!("{what:<52} {figures}");
            self.rows.push(Row { city: self.city, what, figures, goal: String::new(), met: true });
        }
    }

    /// The table of goals, what we have, and what peers have; an error where a goal was missed.
    fn close(self) -> anyhow::Result<()> {
        println!("\nCPU ms on one thread where nothing else is said");
        println!("{:<14} {:<52} {:<26} {:<38} met  peers", "city", "what", "goal", "ours");
        let mut missed = self.failed;
        for row in self.rows.iter().filter(|row| !row.goal.is_empty()) {
            let theirs = |(_, name): &(&str, &str)| {
                let peer = self.rows.iter().find(|peer| peer.city == row.city && peer.what == *name)?;
                Some(format!("{name}: {}", peer.figures))
            };
            let beside: Vec<String> =
                BESIDE.iter().filter(|(ours, _)| *ours == row.what).filter_map(theirs).collect();
            let met = if row.met { "yes" } else { "NO" };
            println!(
                "{:<14} {:<52} {:<26} {:<38} {met:<4} {}",
                row.city,
                row.what,
                row.goal,
                row.figures,
                beside.join("; ")
            );
            if !row.met {
                missed.push(format!("{}: {}: {} (goal {})", row.city, row.what, row.figures, row.goal));
            }
        }
        if missed.is_empty() { Ok(()) } else { bail!("{}", missed.join("\n")) }
    }
}

impl Row {
    /// A row as a part of the bench prints it: what, figures, and the goal in brackets.
    fn read(city: &'static str, line: &str) -> Option<Row> {
        let (what, rest) = line.trim_start().split_once("  ").filter(|(what, _)| !what.is_empty())?;
        let (figures, goal) = rest.split_once("(goal ").unwrap_or((rest, ""));
        let goal = goal.trim_end_matches(')');
        let met = !goal.ends_with(": MISSED");
        let goal = goal.trim_end_matches(": MISSED").to_string();
        Some(Row { city, what: what.to_string(), figures: figures.trim().to_string(), goal, met })
    }
}

fn program(task: &str, data: &Path, goals: &str, day: &str) -> Command {
    let mut bench = Command::new(root().join("target/release/examples/bench_journeys"));
    bench.arg(task).arg("--data").arg(data).args(["--goals", goals, "--date", day]);
    bench
}

fn routing_prepare(data: &Path) -> Command {
    let mut prepare = Command::new(root().join("target/release/routing"));
    prepare.arg("prepare").arg("--out").arg(data);
    prepare
}

fn prepare_porto(porto: &Path, data: &Path) -> anyhow::Result<Row> {
    within("prepare Porto", porto_prepared(porto, data), 4.0)
}

fn porto_prepared(porto: &Path, data: &Path) -> Command {
    let mut prepare = routing_prepare(data);
    prepare.arg("--osm").arg(porto.join("porto.osm.pbf")).arg("--gtfs");
    for tag in ["stcp", "metro"] {
        prepare.arg(format!("{tag}={}", porto.join(format!("gtfs_{tag}_calendar_extended.zip")).display()));
    }
    prepare
}

/// Porto with buses on demand, of which its own feeds know nothing.
fn prepare_zones(porto: &Path, data: &Path) -> anyhow::Result<()> {
    let feed = data.join("gtfs");
    zones::write(&feed, &porto.join("pairs_pt_1000.csv"), "Europe/Lisbon")?;
    let mut prepare = porto_prepared(porto, data);
    prepare.arg(format!("dial={}", feed.display()));
    step("prepare Porto with buses on demand", prepare)
}

fn prepare_moscow(data: &Path) -> anyhow::Result<Row> {
    std::fs::create_dir_all(data)?;
    let (city, feed) = (data.join("drawn.json"), data.join("gtfs"));
    let mut draw = Command::new(root().join("target/release/simulator"));
    draw.args(["generate", "--yards", "--junctions", MOSCOW_JUNCTIONS, "--out"])
        .arg(&city)
        .arg("--gtfs")
        .arg(&feed);
    step("draw a city of Moscow's size", draw)?;
    let mut prepare = routing_prepare(data);
    prepare.arg("--city").arg(&city).arg("--gtfs").arg(format!("city={}", feed.display()));
    within("prepare it", prepare, 90.0)
}

/// Runs a command that may take so many seconds of CPU.
fn within(what: &str, command: Command, most_s: f64) -> anyhow::Result<Row> {
    let before = children_s()?;
    step(what, command)?;
    let took_s = children_s()? - before;
    println!("{what}: {took_s:.1} CPU s (goal {most_s})");
    let (what, figures, goal) = ("cold build, CPU s".to_string(), format!("{took_s:.1}"), most_s.to_string());
    Ok(Row { city: "", what, figures, goal, met: took_s <= most_s })
}

/// CPU time of all children that have ended, s: fields 16 and 17 of proc(5)'s `stat`, in hundredths.
fn children_s() -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks = |i: usize| fields.get(i).and_then(|text| text.parse::<f64>().ok()).context("it has no times");
    Ok((ticks(13)? + ticks(14)?) / 100.0)
}

/// CPU ms by what was asked.
type Theirs = BTreeMap<String, Vec<f64>>;

/// A Python with the peers, in a folder of the bench's own.
fn python(folder: &Path) -> anyhow::Result<PathBuf> {
    let venv = folder.join("peers");
    let python = venv.join("bin/python");
    let has_them = |python: &Path| {
        let mut import = Command::new(python);
        import.args(["-c", "import osrm, valhalla, ferrobus"]);
        import.output().is_ok_and(|output| output.status.success())
    };
    if has_them(&python) {
        return Ok(python);
    }
    let made_by = new_python().context("there is no Python 3.12 or newer, for which the peers are made")?;
    let mut make = Command::new(made_by);
    make.args(["-m", "venv"]).arg(&venv);
    step("make a folder for peers", make)?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "osrm-bindings", "pyvalhalla", "ferrobus"]);
    step("install the peers", pip)?;
    Ok(python)
}

/// A Python of 3.12 or newer: on the path, or among those of pyenv.
fn new_python() -> Option<PathBuf> {
    let pyenv = std::env::var_os("HOME").map(|home| Path::new(&home).join(".pyenv/versions"));
    let versions = pyenv.and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    let mut all: Vec<PathBuf> = ["python3", "python3.13", "python3.12"].map(PathBuf::from).to_vec();
    all.extend(versions.map(|version| version.path().join("bin/python3")));
    all.into_iter().find(|python| {
        let mut new = Command::new(python);
        new.args(["-c", "import sys, venv; sys.exit(sys.version_info < (3, 12))"]);
        new.output().is_ok_and(|output| output.status.success())
    })
}

/// A script beside this bench.
fn script(python: &Path, name: &str) -> Command {
    let mut ask = Command::new(python);
    ask.arg(root().join("xtask/journeys").join(name));
    ask
}

fn answers(mut ask: Command) -> anyhow::Result<Theirs> {
    let output = ask.output().context("it could not be started")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    Ok(serde_json::from_str(last)?)
}

fn osrm(python: &Path, porto: &Path, folder: &Path) -> anyhow::Result<Theirs> {
    let own = folder.join("osrm");
    std::fs::create_dir_all(&own)?;
    let mut find = Command::new(python);
    find.args(["-c", "import osrm, os; print(os.path.dirname(osrm.__file__))"]);
    let package = PathBuf::from(String::from_utf8(find.output()?.stdout)?.trim());
    let (map, base) = (own.join("porto.osm.pbf"), own.join("porto.osrm"));
    std::fs::copy(porto.join("porto.osm.pbf"), &map)?;
    let part = |name: &str| {
        let mut part = Command::new(package.join("bin").join(name));
        part.args(["-t", "1", "--verbosity", "WARNING"]);
        part
    };
    let mut extract = part("osrm-extract");
    extract.arg("-p").arg(package.join("share/profiles/car.lua")).arg(&map);
    step("OSRM: extract", extract)?;
    for name in ["osrm-partition", "osrm-customize"] {
        let mut next = part(name);
        next.arg(&base);
        step(&format!("OSRM: {name}"), next)?;
    }
    let mut ask = script(python, "ask_osrm.py");
    ask.arg(&base).arg("MLD").arg(porto.join("pairs_1000.csv"));
    answers(ask)
}

fn valhalla(python: &Path, porto: &Path, folder: &Path) -> anyhow::Result<Theirs> {
    let own = folder.join("valhalla");
    std::fs::create_dir_all(own.join("tiles"))?;
    let bin = python.parent().context("a program lies in a folder")?;
    let mut config = Command::new(bin.join("valhalla_build_config"));
    config.arg("--mjolnir-tile-dir").arg(own.join("tiles"));
    let config = config.output().context("valhalla_build_config")?;
    std::fs::write(own.join("config.json"), config.stdout)?;
    let mut build = Command::new(bin.join("valhalla_build_tiles"));
    // It looks for itself on the path.
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(bin.to_path_buf()).chain(std::env::split_paths(&path));
    build.env("PATH", std::env::join_paths(path)?).args(["-j", "1", "-c"]).arg(own.join("config.json"));
    build
        .arg(porto.join("porto.osm.pbf"))
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null());
    step("Valhalla: build tiles", build)?;
    let mut ask = script(python, "ask_valhalla.py");
    ask.arg(own.join("config.json")).arg(porto.join("pairs_1000.csv")).arg("300");
    answers(ask)
}

fn ferrobus(python: &Path, porto: &Path, folder: &Path) -> anyhow::Result<Theirs> {
    let own = folder.join("ferrobus");
    std::fs::create_dir_all(&own)?;
    let feeds = ["gtfs_stcp_calendar_extended", "gtfs_metro_calendar_extended"];
    let mut hours = script(python, "hours.py");
    hours.arg(&own).args(feeds.map(|feed| porto.join(format!("{feed}.zip"))));
    step("ferrobus: unpack feeds", hours)?;
    let mut ask = script(python, "ask_ferrobus.py");
    ask.env("RAYON_NUM_THREADS", "1").arg(porto.join("porto.osm.pbf"));
    ask.arg(feeds.map(|feed| own.join(feed).display().to_string()).join(","));
    ask.arg("2024-06-12").arg(porto.join("pairs_pt_1000.csv"));
    answers(ask)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_the_bench_are_read_and_remarks_are_not() {
        let read = |line| Row::read("Porto", line).map(|row| (row.what, row.figures, row.goal, row.met));
        let row = |what: &str, figures: &str, goal: &str, met| {
            Some((what.to_string(), figures.to_string(), goal.to_string(), met))
        };
        let times = "car distance with turns                              p50 0.019  p99 0.035  mean 0.019   (goal p50 0.045 p99 0.11)";
        let figures = "p50 0.019  p99 0.035  mean 0.019";
        assert_eq!(read(times), row("car distance with turns", figures, "p50 0.045 p99 0.11", true));
        let missed = "memory after all questions, MB                       202.77   (goal 150: MISSED)";
        assert_eq!(read(missed), row("memory after all questions, MB", "202.77", "150", false));
        let wrong = "  of its ways quicker than ours                      0.00   (goal 0)";
        assert_eq!(read(wrong), row("of its ways quicker than ours", "0.00", "0", true));
        let no_goal = "ways on foot at both ends                            p50 0.091  p99 0.221  mean 0.094";
        assert_eq!(
            read(no_goal),
            row("ways on foot at both ends", "p50 0.091  p99 0.221  mean 0.094", "", true)
        );
        for remark in
            ["  without a journey: 4 of 1000", "  11 kB each; 6985 a second on two cores by this", ""]
        {
            assert_eq!(read(remark), None, "{remark}");
        }
    }
}
