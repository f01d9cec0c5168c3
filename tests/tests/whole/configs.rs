//! `city check` over all that we ship, and over what is wrong with it.

use end_to_end::{
    places::{ours, repository},
    program::run,
};
use std::{fs, path::Path, process::Command};

fn check(folder: &Path) -> (Option<i32>, String) {
    run(Command::new(ours("city")).arg("check").arg(folder))
}

#[test]
fn what_we_ship_is_right() {
    let (code, said) = check(&repository().join("configs"));
    assert_eq!(code, Some(0), "{said}");
    assert!(said.starts_with("yes: "), "{said}");
}

#[test]
fn every_planted_fault_is_listed_with_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    copy(&repository().join("configs"), folder.path());
    let plant = |file: &str, from: &str, to: &str| {
        let path = folder.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} has no {from:?}");
        let line = text[..text.find(from).unwrap()].lines().count().max(1);
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
        line
    };
    let planted = [
        ("controller.toml", plant("controller.toml", "lease_s = 15", "lease_s = 0")),
        ("controller-postgres.toml", plant("controller-postgres.toml", "keep_days = 400", "keep_dayz = 400")),
        ("edge-agent.toml", plant("edge-agent.toml", "poll_ms = 500", "poll_ms = 5000")),
        ("routing.toml", plant("routing.toml", "listen = \"127.0.0.1:8090\"", "listen = \"nowhere\"")),
        ("simulator.toml", plant("simulator.toml", "first = \"127.0.0.1:15020\"", "first = 15020")),
        ("fares/moscow.toml", plant("fares/moscow.toml", "price = 67", "price = -67")),
        ("svetofor-tlc.toml", plant("devices/svetofor-tlc.toml", "stage = 5", "stage = 4")),
    ];
    let (code, said) = check(folder.path());
    assert_eq!(code, Some(64), "{said}");
    for (file, line) in planted {
        // Some faults are named at their table's head or one line on; the file must be named with a line near.
        let named = said.lines().filter(|l| l.contains(&format!("{file}:"))).any(|l| {
            let rest = l.split(&format!("{file}:")).nth(1).unwrap_or_default();
            let at: usize = rest.split(':').next().and_then(|n| n.parse().ok()).unwrap_or(0);
            at.abs_diff(line) <= 8
        });
        assert!(named, "no line near {file}:{line} in\n{said}");
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
