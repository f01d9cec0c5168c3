//! `city check`: says yes, or lists every fault of every file as `program: file:line: what is wrong`.

use crate::input::{self, InputError};
use model::config::{Complaint, Complaints};
use std::path::{Path, PathBuf};

/// `city check`.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    /// Files, or folders that are searched for `*.toml`.
    #[arg(required = true, value_name = "FILE|FOLDER")]
    paths: Vec<PathBuf>,
}

/// Reads the text of a file under its name.
type Reader = fn(&str, &str) -> Result<(), Complaints>;

/// Which program reads a file. The file's name says so: `controller-postgres.toml` is the controller's.
const READERS: [(&str, Reader); 7] = [
    ("accounts", |file, text| controller::access::accounts::parse(file, text).map(drop)),
    ("cameras", |file, text| controller::cameras::parse(file, text).map(drop)),
    ("controller", |file, text| controller::config::parse(file, text).map(drop)),
    ("edge-agent", |file, text| edge_agent::Config::parse(file, text).map(drop)),
    ("routing", |file, text| routing::config::Config::read(file, text).map(drop)),
    ("simulator", |file, text| simulator::daemon::Config::parse(file, text).map(drop)),
    ("what-if", |file, text| crate::what_if::Config::parse(file, text).map(drop)),
];

/// Checks all of it. Every fault is printed on a line of its own.
#[expect(clippy::print_stdout, reason = "the verdict is what the command is for")]
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut files = Vec::new();
    for path in &arguments.paths {
        find(path, &mut files)?;
    }
    files.sort();
    let mut faults = 0;
    for file in &files {
        let (program, verdict) = check(file);
        if let Err(complaints) = verdict {
            faults += complaints.0.len();
            for complaint in complaints.0 {
                println!("{program}: {complaint}");
            }
        }
    }
    if faults > 0 {
        let word = if faults == 1 { "fault" } else { "faults" };
        return Err(InputError::from(Complaint::whole(
            format!("{} files", files.len()),
            format!("{faults} {word}"),
        ))
        .into());
    }
    println!("yes: {} files are right", files.len());
    Ok(())
}

fn check(file: &Path) -> (&'static str, Result<(), Complaints>) {
    let name = file.display().to_string();
    let text = match input::text(file) {
        Ok(text) => text,
        Err(InputError(complaints)) => return ("city", Err(complaints)),
    };
    // Maps of devices stand in a folder of their own.
    if file.parent().and_then(Path::file_name).is_some_and(|folder| folder == "devices") {
        return ("devices", wire::register_map::RegisterMap::parse(&name, &text).map(drop));
    }
    // So do tariffs.
    if file.parent().and_then(Path::file_name).is_some_and(|folder| folder == "fares") {
        return ("fares", routing::fare::Fares::parse(&name, &text).map(drop));
    }
    // And those who escort passengers.
    if file.parent().and_then(Path::file_name).is_some_and(|folder| folder == "escorts") {
        return ("escorts", routing::escort::Escorts::parse(&name, &text).map(drop));
    }
    let stem = file.file_stem().and_then(|s| s.to_str()).unwrap_or_default();
    match READERS.iter().find(|(program, _)| stem == *program || stem.starts_with(&format!("{program}-"))) {
        Some((program, read)) => (program, read(&name, &text)),
        None => {
            let known: Vec<_> = READERS.iter().map(|(program, _)| format!("{program}.toml")).collect();
            let message = format!("no program reads a file of this name; known are {}", known.join(", "));
            ("city", Err(Complaint::whole(name, message).into()))
        }
    }
}

fn find(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), InputError> {
    if path.is_file() {
        files.push(path.to_owned());
        return Ok(());
    }
    let folder =
        std::fs::read_dir(path).map_err(|e| InputError::about(path, format!("could not be read: {e}")))?;
    for entry in folder {
        let entry = entry.map_err(|e| InputError::about(path, format!("could not be read: {e}")))?.path();
        if entry.is_dir() {
            find(&entry, files)?;
        } else if entry.extension().is_some_and(|e| e == "toml") {
            files.push(entry);
        }
    }
    Ok(())
}
