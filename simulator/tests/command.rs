//! `simulator run` and `simulator trace` from outside: a scenario as it stands, what it writes, what it says.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

const FILES: [&str; 4] = ["cross.net.xml", "cross.rou.xml", "cross.add.xml", "cross.sumocfg"];

fn simulator(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_simulator")).args(arguments).output().unwrap()
}

/// A copy of the small scenario, so that outputs beside it do no harm.
fn scenario() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    for file in FILES {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz").join(file);
        std::fs::copy(from, folder.path().join(file)).unwrap();
    }
    let path = folder.path().join("cross.sumocfg");
    (folder, path)
}

fn text(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_scenario_runs_as_it_stands() {
    let (folder, path) = scenario();
    let output = simulator(&["run", path.to_str().unwrap()]);
    assert!(output.status.success(), "{}", said(&output));
    let said = said(&output);
    assert!(said.contains("cross.rou.xml:7: lcStrategic of <vType> is not followed"), "{said}");
    assert!(!said.contains('\r') && !said.contains('\x1b'), "no progress in a pipe: {said:?}");
    let file = |name: &str| text(folder.path().join(name));
    for (name, parts) in [
        ("mine_trips.xml", &["<tripinfos ", "arrivalLane=\"CE_", "vType=\"bus\"", "</tripinfos>"][..]),
        ("mine_summary.xml", &["<step time=\"0.00\"", "meanSpeedRelative=", "</summary>"]),
        ("mine_fcd.xml", &["<timestep time=\"5.00\">", "lane=\":C_", "</fcd-export>"]),
        ("mine_loops.xml", &["<detector ", "id=\"loop\" nVehContrib=", "</detector>"]),
        ("mine_areas.xml", &["id=\"area\" sampledSeconds=", "</detector>"]),
        ("mine_gates.xml", &["<e3Detector ", "id=\"gate\" meanTravelTime=", "</e3Detector>"]),
        ("mine_means.xml", &["<interval begin=\"0.00\" end=\"20.00\" id=\"means\">", "</meandata>"]),
    ] {
        let text = file(name);
        parts.iter().for_each(|part| assert!(text.contains(part), "{name} has no {part}"));
    }
    assert!(!file("mine_fcd.xml").contains("time=\"3.00\""), "positions each five seconds");
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["vehicles"], file("mine_trips.xml").matches("<tripinfo ").count());
}

#[test]
fn a_folder_takes_everything_and_a_trace_is_the_run_again() {
    let (folder, path) = scenario();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (out, trace, fcd) = (at("out"), at("run.trace"), at("all.xml"));
    let run = ["run", path.to_str().unwrap(), "--out", &out, "--trace", &trace, "--fcd-output", &fcd];
    let output = simulator(&[&run[..], &["--fcd-period", "1"]].concat());
    assert!(output.status.success(), "{}", said(&output));
    let kpis: serde_json::Value = serde_json::from_str(&text(at("out/kpis.json"))).unwrap();
    assert_eq!((kpis["schema"].as_str(), kpis["seed"].as_u64()), (Some("svetofor-run/1"), Some(7)));
    assert_eq!(kpis["minutes"].as_array().unwrap().len(), 10);
    assert!(text(at("out/picture.svg")).contains("<svg "));
    assert!(text(at("out/mine_loops.xml")).contains("</detector>"));
    let again = at("again.xml");
    let net = at("cross.net.xml");
    let output = simulator(&["trace", &trace, "--net", &net, "--fcd", &again]);
    assert!(output.status.success(), "{}", said(&output));
    let vehicles = |text: &str| -> Vec<(String, f64, f64)> {
        let of = |line: &str, key: &str| {
            line.split(&format!(" {key}=\"")).nth(1).map(|v| v.split('"').next().unwrap_or("").to_owned())
        };
        let vehicles = text.lines().filter(|l| l.contains("<vehicle "));
        let mut all: Vec<(String, f64, f64)> = vehicles
            .map(|l| {
                let number = |key| of(l, key).unwrap().parse().unwrap();
                (of(l, "id").unwrap() + &of(l, "lane").unwrap(), number("pos"), number("speed"))
            })
            .collect();
        all.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        all
    };
    let (first, second) = (vehicles(&text(&fcd)), vehicles(&text(&again)));
    assert!(first.len() == second.len() && first.len() > 1000, "{} and {}", first.len(), second.len());
    for (a, b) in first.iter().zip(&second) {
        assert!(a.0 == b.0 && (a.1 - b.1).abs() < 0.011 && (a.2 - b.2).abs() < 0.011, "{a:?} {b:?}");
    }
    let whole = std::fs::read(&trace).unwrap();
    std::fs::write(&trace, &whole[..whole.len() / 2]).unwrap();
    let output = simulator(&["trace", &trace]);
    assert_eq!(output.status.code(), Some(64));
    assert!(said(&output).contains("run.trace: the trace ends in the middle of record"), "{}", said(&output));
}

#[test]
fn broken_scenarios_are_sentences_with_file_and_line() {
    let check = |file: &str, damage: &dyn Fn(&str) -> Option<String>, expected: &str| {
        let (folder, path) = scenario();
        let at = folder.path().join(file);
        match damage(&text(&at)) {
            Some(damaged) => std::fs::write(&at, damaged).unwrap(),
            None => std::fs::remove_file(&at).unwrap(),
        }
        let output = simulator(&["run", path.to_str().unwrap()]);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(64), "{file}: {said}");
        assert!(said.contains(expected), "{file}: {said}");
        assert!(said.lines().all(|l| l.starts_with("simulator: ")), "{said}");
    };
    let half = |t: &str| Some(t[..t.len() / 2].to_owned());
    for file in FILES {
        check(file, &half, "this is not well-formed XML");
        check(file, &|_| None, &format!("{file}: could not be read"));
    }
    for file in ["cross.net.xml", "cross.sumocfg"] {
        check(file, &|_| Some("<other/>".to_owned()), ":1: this is <other>");
    }
    let replace = |from: &'static str, to: &'static str| {
        move |t: &str| {
            assert!(t.contains(from), "{from}");
            Some(t.replacen(from, to, 1))
        }
    };
    check(
        "cross.rou.xml",
        &replace("edges=\"WC CE\"", "edges=\"WC XX\""),
        "cross.rou.xml:8: edge XX does not exist in the network",
    );
    check(
        "cross.rou.xml",
        &replace("edges=\"SC CN\"", "edges=\"SC WC\""),
        "cross.rou.xml:9: edge SC does not lead to edge WC",
    );
    check(
        "cross.rou.xml",
        &replace("depart=\"4.00\"", "depart=\"four\""),
        "cross.rou.xml:21: depart of <trip> is \"four\", which is not a time",
    );
    check(
        "cross.rou.xml",
        &replace("busStop=\"halt\"", "busStop=\"hat\""),
        "cross.rou.xml:18: stop hat does not exist",
    );
    check(
        "cross.add.xml",
        &replace("lane=\"WC_1\" pos=\"-5.0\"", "lane=\"WC_9\" pos=\"-5.0\""),
        "cross.add.xml:4: <inductionLoop>: lane WC_9 does not exist",
    );
    check(
        "cross.sumocfg",
        &replace("0:10:00", "never"),
        "cross.sumocfg:17: end is \"never\", which is not a time",
    );
}
