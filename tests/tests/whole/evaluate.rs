//! Control judged by the real SUMO, with the judges' own scripts.

use end_to_end::{
    places::{ours, python_tools, shared},
    program::run,
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Judges one run: mean delay, as `score.py` gives it; `audit.py` must find nothing.
fn judge(shared: &Path, scenario: &str, options: &[&str], seconds: Option<u32>, out: &Path) -> f64 {
    let harness = shared.join("harness/signals");
    let python = python_tools().join("bin/python");
    let script = |name: &str| {
        let mut command = Command::new(&python);
        command.current_dir(&harness).arg("-B").arg(name).arg(scenario);
        command
    };
    let (code, said) = run(script("wrap.py").arg(out));
    assert_eq!(code, Some(0), "wrap.py: {said}");
    let config = PathBuf::from(said.trim());
    if let Some(seconds) = seconds {
        let text = fs::read_to_string(&config).unwrap();
        let begin: u32 =
            text.split("<begin value=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap();
        let (before, after) = text.split_once("<end value=\"").unwrap();
        let after = after.split_once('"').unwrap().1;
        fs::write(&config, format!("{before}<end value=\"{}\"{after}", begin + seconds)).unwrap();
    }
    let mut evaluate = Command::new(ours("city"));
    evaluate.args(["evaluate", "--engine", "sumo", "--seed", "1"]).args(options);
    evaluate.arg("--scenario").arg(&config).arg("--out").arg(out).env("SVETOFOR_TOOLS", python_tools());
    let (code, said) = run(&mut evaluate);
    assert_eq!(code, Some(0), "city evaluate: {said}");
    let (code, said) = run(script("audit.py").arg(out.join("tls_states.xml")));
    assert_eq!(code, Some(0), "audit.py: {said}");
    println!("{scenario} {}: {}", options.join(" "), said.trim());
    let (code, said) = run(script("score.py").arg(out.join("tripinfo.xml")).arg("--json"));
    assert_eq!(code, Some(0), "score.py: {said}");
    let score: serde_json::Value = serde_json::from_str(said.trim()).unwrap();
    let summary: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(out.join("summary.json")).unwrap()).unwrap();
    assert_eq!(summary["violations"], 0);
    score["delay"].as_f64().unwrap()
}

#[test]
fn max_pressure_beats_its_bars_on_real_scenarios() {
    let Some(shared) = shared() else { return };
    for (scenario, bar) in [("cologne3", 24.0), ("ingolstadt7", 32.0)] {
        let out = tempfile::tempdir().unwrap();
        let delay = judge(&shared, scenario, &["--control", "max-pressure"], None, out.path());
        println!("{scenario}: mean delay {delay:.2} s, bar {bar} s");
        assert!(delay <= bar, "{scenario}: mean delay {delay} s is above {bar} s");
    }
}

/// The more it sees, the less delay, with the own plan's 49 s and SUMO actuated's 44 s far behind. For cameras that
/// follow vehicles the aim is 12.5 s, which is not reached yet: mean 12.8 s, and 13.5 s holds with every seed.
#[test]
fn adaptive_control_needs_less_the_more_it_sees() {
    let Some(shared) = shared() else { return };
    for (tier, bar) in [("full", 13.5), ("lane", 16.0), ("loops", 22.0)] {
        let out = tempfile::tempdir().unwrap();
        let options = ["--control", "adaptive", "--tier", tier];
        let delay = judge(&shared, "cologne8", &options, None, out.path());
        println!("{tier}: mean delay {delay:.2} s, bar {bar} s");
        assert!(delay <= bar, "{tier}: mean delay {delay} s is above {bar} s");
    }
}

/// A fifth of all detectors lie and do not say so; SUMO's actuated control with sound ones is the bar.
#[test]
fn broken_detectors_cost_less_than_actuated_control() {
    let Some(shared) = shared() else { return };
    for (scenario, bar) in [("cologne8", 44.0), ("ingolstadt1", 19.0)] {
        let out = tempfile::tempdir().unwrap();
        let options = ["--control", "adaptive", "--tier", "lane", "--failed-detectors", "0.2"];
        let delay = judge(&shared, scenario, &options, None, out.path());
        println!("{scenario}: mean delay {delay:.2} s, bar {bar} s");
        assert!(delay <= bar, "{scenario}: mean delay {delay} s is above {bar} s");
    }
}

#[test]
fn a_run_replays_to_the_same_decisions() {
    let Some(shared) = shared() else { return };
    let out = tempfile::tempdir().unwrap();
    judge(&shared, "cologne3", &["--control", "adaptive", "--set", "transit=5"], Some(600), out.path());
    let replay = || run(Command::new(ours("city")).arg("replay").arg(out.path()));
    let (code, said) = replay();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(" 0 different") && !said.starts_with("0 decisions"), "{said}");
    // Other numbers are other reasons.
    let file = out.path().join("summary.json");
    let summary = fs::read_to_string(&file).unwrap();
    fs::write(&file, summary.replace("\"startup_s\": 1.2", "\"startup_s\": 4.0")).unwrap();
    let (code, said) = replay();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("decisions.jsonl:") && said.contains("comes out as"), "{said}");
}

#[test]
fn the_pace_of_a_city_is_measured() {
    let (code, said) = run(Command::new(ours("city")).args([
        "pace",
        "--junctions",
        "60",
        "--seconds",
        "5",
        "--vehicles",
        "5",
    ]));
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("60 junctions, ") && said.contains("decision step: p50 "), "{said}");
}

#[test]
fn both_paths_decide_the_same_stages() {
    let Some(shared) = shared() else { return };
    for control in ["max-pressure", "adaptive"] {
        let decisions = |path: &str| {
            let out = tempfile::tempdir().unwrap();
            judge(&shared, "cologne3", &["--control", control, "--path", path], Some(600), out.path());
            fs::read_to_string(out.path().join("decisions.jsonl")).unwrap()
        };
        let (core, field) = (decisions("core"), decisions("field"));
        assert!(core.lines().count() > 20, "{control}: {core}");
        assert!(core == field, "{control}: the field path decided otherwise");
    }
}
