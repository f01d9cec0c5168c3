//! `controller store …` as a person types it: what it says, and its exit codes.

use controller::store::{AuditRow, Batch, embedded::Embedded};
use model::time::Moment;
use std::{path::Path, process::Command};

/// Runs it in a folder; the exit code, and what was said.
fn store(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_controller"))
        .arg("store")
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(said).unwrap().trim_end().to_owned())
}

#[tokio::test]
async fn a_store_is_looked_after_from_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let check = |arguments: &[&str], code: i32, says: &str| {
        let (got, said) = store(folder.path(), arguments);
        assert!(got == code && said.contains(says), "{arguments:?}: {got}: {said}");
    };
    let centre = Embedded::open(folder.path().join("centre.sqlite"), vec![], "centre-1").await.unwrap();
    let audit = vec![AuditRow { at: Moment(1), entry: "one".into() }];
    centre.write(&Batch { audit, ..Batch::default() }).await.unwrap();
    check(
        &["check", "centre.sqlite"],
        0,
        "centre.sqlite is sound: 0 events, 0 readings, 0 decisions, 1 audit lines",
    );
    check(&["backup", "centre.sqlite", "--to", "copy.sqlite"], 0, "copy.sqlite is a copy");
    check(&["backup", "centre.sqlite", "--to", "copy.sqlite"], 1, "controller: copy.sqlite is there already");
    check(
        &["restore", "--from", "copy.sqlite", "centre.sqlite"],
        1,
        "centre.sqlite is in use: stop the centre first",
    );
    drop(centre);
    check(
        &["restore", "--from", "copy.sqlite", "centre.sqlite"],
        0,
        "what was there is centre.sqlite.before-restore-0",
    );
    check(&["check", "nowhere.sqlite"], 64, "controller: nowhere.sqlite: ");
    std::fs::write(folder.path().join("text"), "this is no database, but it is long enough to look at")
        .unwrap();
    check(&["check", "text"], 64, "controller: text: ");
    check(&["restore", "--from", "text", "centre.sqlite"], 64, "controller: text: ");
    check(&["check", "centre.sqlite"], 0, "is sound");
    check(&["mend", "centre.sqlite"], 64, "unrecognized subcommand");
}
