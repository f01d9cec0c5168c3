//! What a person sees who starts the program.

use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_edge-agent")).args(arguments).output().unwrap()
}

#[track_caller]
fn check(arguments: &[&str], code: i32, expected: &str) {
    let output = run(arguments);
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains(expected), "{said}");
}

#[test]
fn bad_usage_and_bad_files_are_64_with_the_reason() {
    check(&[], 64, "--config <F.toml>");
    check(&["--config"], 64, "a value is required");
    check(&["--surprise"], 64, "unexpected argument '--surprise'");
    check(&["--config", "/no/such.toml"], 64, "edge-agent: /no/such.toml: could not read it: No such file");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("e.toml");
    std::fs::write(&file, "[broker]\nhost = 3\n").unwrap();
    let file = file.display().to_string();
    check(
        &["--config", &file],
        64,
        &format!("edge-agent: {file}:2: invalid type: integer `3`, expected a string"),
    );
}

#[test]
fn help_and_version_are_no_errors() {
    check(&["--help"], 0, "Which cabinets, which broker");
    check(&["--version"], 0, "edge-agent 0.");
}
