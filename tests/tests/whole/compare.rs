//! The comparison of runs says what the judges' own script says, and tuned plans are for SUMO what they are for us.

use end_to_end::{
    places::{ours, python_tools, shared},
    program::run,
};
use std::{fs, path::PathBuf, process::Command};

/// Ten minutes of cologne3: long enough for queues, short enough for a test.
const SECONDS: u32 = 600;

#[test]
fn a_run_scores_as_the_judges_say_and_tuned_plans_can_be_read() {
    let Some(shared) = shared() else { return };
    let (harness, out) = (shared.join("harness/signals"), tempfile::tempdir().unwrap());
    let out = out.path();
    let script = |name: &str| {
        let mut command = Command::new(python_tools().join("bin/python"));
        command.current_dir(&harness).arg("-B").arg(name);
        command
    };
    let city = |arguments: &[&str]| {
        let (code, said) =
            run(Command::new(ours("city")).args(arguments).env("SVETOFOR_TOOLS", python_tools()));
        assert_eq!(code, Some(0), "city {arguments:?}: {said}");
        said
    };
    let (code, said) = run(script("wrap.py").arg("cologne3").arg(out));
    assert_eq!(code, Some(0), "wrap.py: {said}");
    let config = PathBuf::from(said.trim());
    let text = fs::read_to_string(&config).unwrap();
    let begin = 25_200;
    let text = text.replace("value=\"28800\"", &format!("value=\"{}\"", begin + SECONDS));
    fs::write(&config, text).unwrap();
    // The script's own list of scenarios has the whole hour; this is the same one, as short as ours.
    let list = fs::read_to_string(harness.join("scenarios.json")).unwrap();
    let mut list: serde_json::Value = serde_json::from_str(&list).unwrap();
    let data = shared.join("data/signals/cologne3").canonicalize().unwrap();
    let short = &mut list["cologne3"];
    short["end"] = (begin + SECONDS).into();
    short["net"] = data.join("cologne3.net.xml").display().to_string().into();
    short["routes"] = vec![data.join("cologne3.rou.xml").display().to_string()].into();
    fs::write(out.join("short.json"), list.to_string()).unwrap();

    let (config, folder) = (config.display().to_string(), out.display().to_string());
    city(&["evaluate", "--scenario", &config, "--control", "fixed", "--seed", "5", "--out", &folder]);
    let compared: serde_json::Value = serde_json::from_str(&city(&["compare", &folder, "--json"])).unwrap();
    let ours = &compared["scenarios"][0]["controls"][0]["measures"];
    let name = format!("{}#cologne3", out.join("short.json").display());
    let (code, said) = run(script("score.py").arg(name).arg(out.join("tripinfo.xml")).arg("--json"));
    assert_eq!(code, Some(0), "score.py: {said}");
    let theirs: serde_json::Value = serde_json::from_str(said.trim()).unwrap();
    for (measure, key) in [
        ("delay_s", "delay"),
        ("travel_time_s", "duration"),
        ("waiting_s", "wait"),
        ("stops", "stops"),
        ("delay_p95_s", "p95"),
        ("worst_delay_s", "max"),
        ("unfinished", "unfinished"),
        ("never_departed", "never_departed"),
    ] {
        let (ours, theirs) = (ours[measure]["mean"].as_f64().unwrap(), theirs[key].as_f64().unwrap());
        assert!(
            (ours - theirs).abs() < 1e-6 * theirs.max(1.0),
            "{measure}: {ours}, the script says {theirs}"
        );
    }

    let plans = out.join("plans.json").display().to_string();
    let said = city(&[
        "tune",
        "--engine",
        "sumo",
        "--scenario",
        &config,
        "--out",
        &plans,
        "--seeds",
        "5..5",
        "--budget",
        "8",
    ]);
    assert!(said.contains("in SUMO"), "{said}");
    let tuned: serde_json::Value = serde_json::from_str(&fs::read_to_string(&plans).unwrap()).unwrap();
    assert_eq!(tuned["junctions"].as_object().unwrap().len(), 3);
    assert!(tuned["gain"]["change_s"]["mean"].as_f64().unwrap() < 0.0, "{tuned}");
}
