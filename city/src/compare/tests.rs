use super::*;

const NET: &str = r#"<net>
    <edge id="W" from="a" to="b"><lane id="W_0" index="0" speed="10" length="100" shape="0,0 100,0"/></edge>
    <edge id="E" from="b" to="c"><lane id="E_0" index="0" speed="10" length="100" shape="100,0 200,0"/></edge>
    <junction id="a" type="dead_end" x="0" y="0"/><junction id="b" type="priority" x="100" y="0"/>
    <junction id="c" type="dead_end" x="200" y="0"/>
    <connection from="W" to="E" fromLane="0" toLane="0" dir="s" state="M"/>
</net>"#;

const ROUTES: &str = r#"<routes>
    <vehicle id="a" depart="0"><route edges="W E"/></vehicle>
    <vehicle id="late" depart="500"><route edges="W E"/></vehicle>
    <flow id="f" begin="10" end="30" period="10"><route edges="W E"/></flow>
</routes>"#;

const SCENARIO: &str = r#"<configuration><input><net-file value="x.net.xml"/><route-files value="x.rou.xml"/></input>
    <time><begin value="0"/><end value="100"/></time></configuration>"#;

/// Writes a scenario, and one run of it per control and seed, each trip losing `loss_s`.
fn runs(folder: &Path, each: &[(&str, u64, f64)]) {
    let put = |path: PathBuf, text: &str| {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    };
    for (name, text) in [("x.net.xml", NET), ("x.rou.xml", ROUTES), ("x.sumocfg", SCENARIO)] {
        put(folder.join(name), text);
    }
    for (control, seed, loss_s) in each {
        let run = folder.join(control).join(seed.to_string());
        let scenario = folder.join("x.sumocfg");
        let summary = serde_json::json!({
            "scenario": scenario, "control": control, "engine": "sumo", "path": "core", "seed": seed,
        });
        put(run.join("summary.json"), &summary.to_string());
        let trips: String = ["a", "f.0"]
            .iter()
            .map(|id| {
                format!(
                    "<tripinfo id=\"{id}\" depart=\"10\" departDelay=\"0\" arrival=\"60\" duration=\"50\" \
                     timeLoss=\"{loss_s}\" waitingTime=\"5\" waitingCount=\"1\"/>"
                )
            })
            .collect();
        put(run.join("tripinfo.xml"), &format!("<tripinfos>{trips}</tripinfos>"));
    }
}

#[test]
fn folders_of_folders_become_a_table() {
    let folder = tempfile::tempdir().expect("a folder");
    runs(
        folder.path(),
        &[("fixed", 1, 20.0), ("fixed", 2, 23.0), ("max-pressure", 1, 10.0), ("max-pressure", 2, 14.0)],
    );
    std::fs::create_dir(folder.path().join("broken")).expect("a folder");
    std::fs::write(folder.path().join("broken/decisions.jsonl"), "").expect("a file");
    // The third planned vehicle, f.1, never got in: 80 s from its departure to the end.
    let given = [folder.path().to_path_buf(), folder.path().join("fixed")];
    let text = table::text(&read(&given).expect("sound results"));
    let text = text.replace(&folder.path().display().to_string(), "FOLDER");
    insta::assert_snapshot!(text);
}

#[test]
fn the_picture_has_a_bar_and_an_interval_for_each_control() {
    let folder = tempfile::tempdir().expect("a folder");
    runs(folder.path(), &[("fixed", 1, 20.0), ("fixed", 2, 23.0), ("max-pressure", 1, 10.0)]);
    let out = folder.path().join("out");
    let arguments = Arguments { folders: vec![folder.path().into()], out: Some(out.clone()), json: true };
    run(&arguments).expect("sound results");
    let picture = std::fs::read_to_string(out.join("compare.svg")).expect("the picture");
    assert!(picture.contains("<title>fixed: 41.0 ± 12.7</title>"), "{picture}");
    assert!(picture.contains("<title>max-pressure: 33.3</title>"), "{picture}");
    let json: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(out.join("compare.json")).expect("the JSON"))
            .expect("JSON");
    assert_eq!(json["scenarios"][0]["controls"][1]["measures"]["delay_s"]["seeds"], 1);
}

#[test]
fn complaints_name_the_file_and_the_cause() {
    let folder = tempfile::tempdir().expect("a folder");
    runs(folder.path(), &[("fixed", 1, 20.0)]);
    let check = |expected: &str| {
        let error = read(&[folder.path().into()]).expect_err("a fault").to_string();
        assert_eq!(error.replace(&folder.path().display().to_string(), "FOLDER"), expected);
    };
    let put = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("a file");
    put("fixed/1/tripinfo.xml", "<tripinfos>\n");
    check("FOLDER/fixed/1/tripinfo.xml:2: the file breaks off: the run did not end well");
    std::fs::remove_file(folder.path().join("fixed/1/tripinfo.xml")).expect("a file");
    check("FOLDER/fixed/1/tripinfo.xml: could not be read: No such file or directory (os error 2)");
    put("fixed/1/summary.json", "{\"seed\": 1}");
    check(
        "FOLDER/fixed/1/summary.json:1: this is not a summary of city evaluate: missing field `scenario` at line 1 column 11",
    );
    std::fs::remove_dir_all(folder.path().join("fixed")).expect("a folder");
    check("FOLDER: holds no results of city evaluate (no summary.json)");
}
