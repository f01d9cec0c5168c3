//! Bad input gets a sentence with file and cause, and exit code 64.

use end_to_end::{places::ours, program::run};
use std::{fs, process::Command};

#[test]
fn broken_files_are_refused_with_file_line_and_cause() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let net = put("broken.net.xml", b"<net>\n  <edge id=\"a\">\n</net>\n");
    let osm = put("broken.osm.pbf", b"this is no map");
    let cfg = put("broken.sumocfg", b"<configuration>\n<time><begin value=\"soon\"/></time></configuration>");
    let out = folder.path().join("out").display().to_string();
    let missing = folder.path().join("missing.net.xml").display().to_string();
    let check = |arguments: &[&str], expected: &[&str]| {
        let (code, said) = run(Command::new(ours("city")).args(arguments));
        assert_eq!(code, Some(64), "{arguments:?}: {said}");
        for part in expected {
            assert!(said.contains(part), "{arguments:?} said\n{said}\nwithout {part:?}");
        }
        assert!(!said.contains("panicked"), "{said}");
    };
    check(&["demo", "--net", &net], &["city: ", "broken.net.xml:", "not well-formed XML"]);
    check(&["demo", "--net", &missing], &["missing.net.xml: could not be read"]);
    check(&["demo", "--osm", &osm], &["broken.osm.pbf"]);
    check(&["demo", "--speed", "fast"], &["--speed"]);
    check(&["demo", "--listen", "here"], &["--listen"]);
    check(
        &["evaluate", "--scenario", &cfg, "--control", "fixed", "--out", &out],
        &["broken.sumocfg:2:", "\"soon\""],
    );
    check(&["evaluate", "--scenario", &cfg, "--control", "magic", "--out", &out], &["magic"]);
    check(&["tune", "--scenario", &cfg, "--out", &out], &["broken.sumocfg:2:", "\"soon\""]);
    check(&["tune", "--scenario", &cfg, "--out", &out, "--seeds", "3..1"], &["--seeds"]);
    check(&["compare", &folder.path().display().to_string()], &["no results of city evaluate"]);
    check(&["check", &missing], &["missing.net.xml"]);
    check(&["fly"], &["fly"]);
}

#[test]
fn a_port_in_use_is_said() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, said) =
        run(Command::new(ours("city")).args(["demo", "--junctions", "20", "--listen", &address]));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&format!("could not listen on {address} (--listen)")), "{said}");
}
