//! Rules of the project that a machine can check.

use end_to_end::places::repository;
use std::collections::{BTreeMap, BTreeSet};

/// `model ◀ wire ◀ {edge-agent, controller, routing, simulator} ◀ city ◀ tests`; `dashboards` knows only JSON, and the centre hands
/// it out.
#[test]
fn rooms_depend_on_one_another_only_as_the_design_says() {
    let allowed: BTreeMap<&str, BTreeSet<&str>> = [
        ("model", vec![]),
        ("wire", vec!["model"]),
        ("edge-agent", vec!["model", "wire"]),
        ("controller", vec!["model", "wire", "dashboards"]),
        ("routing", vec!["model", "wire"]),
        ("simulator", vec!["model", "wire"]),
        ("dashboards", vec![]),
        ("city", vec!["model", "wire", "edge-agent", "controller", "routing", "simulator", "dashboards"]),
        ("end-to-end", vec!["model", "wire", "city"]),
        ("xtask", vec![]),
    ]
    .into_iter()
    .map(|(room, on)| (room, on.into_iter().collect()))
    .collect();
    let workspace = manifest("Cargo.toml");
    let members = workspace["workspace"]["members"].as_array().expect("a list of members");
    for member in members.iter().filter_map(|m| m.as_str()) {
        let manifest = manifest(&format!("{member}/Cargo.toml"));
        let name = manifest["package"]["name"].as_str().expect("a name");
        let may = allowed
            .get(name)
            .unwrap_or_else(|| panic!("{name} is a new room: say here what it may depend on"));
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let table = manifest.get(kind).and_then(|t| t.as_table());
            for on in table.into_iter().flat_map(|t| t.keys()).filter(|d| allowed.contains_key(d.as_str())) {
                assert!(may.contains(on.as_str()), "{name} must not depend on {on} ({kind})");
            }
        }
    }
}

fn manifest(path: &str) -> toml::Table {
    let path = repository().join(path);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.parse().unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Each invariant in ARCHITECTURE.md names the test that keeps it; the test must be there.
#[test]
fn every_invariant_names_a_test_that_exists() {
    let text = std::fs::read_to_string(repository().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let section = text.split("## Invariants").nth(1).expect("a section on invariants");
    let names: Vec<&str> = section
        .lines()
        .filter_map(|l| l.split_once("kept by `").and_then(|(_, rest)| rest.split('`').next()))
        .collect();
    assert!(names.len() >= 6, "only {} invariants name a test", names.len());
    let mut sources = String::new();
    collect(repository(), &mut sources);
    for name in names {
        let function = name.rsplit("::").next().expect("a path has an end");
        assert!(
            sources.contains(&format!("fn {function}(")),
            "ARCHITECTURE.md names {name}, which is no test"
        );
    }
}

fn collect(folder: &std::path::Path, into: &mut String) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir() {
            if !["target", "node_modules", ".git", "dist", ".tools"]
                .contains(&name.to_string_lossy().as_ref())
            {
                collect(&path, into);
            }
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push_str(&std::fs::read_to_string(&path).unwrap_or_default());
        }
    }
}
