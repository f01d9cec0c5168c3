//! Peers that the tests run against: installed by their own package managers, into the system when we
//! may, and into the project's own folder otherwise.

use crate::{root, step};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// A Debian package, and the program by which we know that it is there.
struct Package {
    name: &'static str,
    program: &'static str,
}

const PACKAGES: [Package; 6] = [
    Package { name: "mosquitto", program: "mosquitto" },
    Package { name: "mosquitto-clients", program: "mosquitto_sub" },
    Package { name: "postgresql", program: "/usr/lib/postgresql/*/bin/initdb" },
    Package { name: "chromium", program: "chromium" },
    Package { name: "mbpoll", program: "mbpoll" },
    Package { name: "python3", program: "python3" },
];

/// The project's own folder for Python packages.
pub(crate) fn folder() -> PathBuf {
    root().join(".tools/python")
}

/// Installs what is missing; gives back the names of what could not be installed.
pub(crate) fn install() -> anyhow::Result<Vec<String>> {
    let wanted: Vec<_> = PACKAGES.iter().filter(|p| !present(p.program)).map(|p| p.name).collect();
    if !wanted.is_empty() {
        if let Some(mut apt) = apt("update") {
            apt.arg("--quiet=2");
            // An old package list may still do.
            let _ = step("apt-get update", apt);
        }
        if let Some(mut apt) = apt("install") {
            apt.args(["--yes", "--quiet=2", "--no-install-recommends"]).args(&wanted);
            let _ = step(&format!("apt-get install {}", wanted.join(" ")), apt);
        }
    }
    let mut missing: Vec<String> =
        PACKAGES.iter().filter(|p| !present(p.program)).map(|p| p.name.to_owned()).collect();
    if python().is_err() {
        // Debian's python3 comes without what makes environments.
        if let Some(mut apt) = apt("install") {
            apt.args(["--yes", "--quiet=2", "--no-install-recommends", "python3-venv"]);
            let _ = step("apt-get install python3-venv", apt);
        }
    }
    if python().is_err() {
        missing.push("eclipse-sumo and pymodbus (PyPI)".to_owned());
    }
    Ok(missing)
}

/// A virtual environment with the packages of `tests/requirements.txt`, made anew when that file changes.
fn python() -> anyhow::Result<()> {
    let requirements = root().join("tests/requirements.txt");
    let stamp = folder().join("requirements.txt");
    let wanted = std::fs::read(&requirements)?;
    if std::fs::read(&stamp).is_ok_and(|have| have == wanted) {
        return Ok(());
    }
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv"]).arg(folder());
    step("make a Python environment", venv)?;
    let mut pip = Command::new(folder().join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check", "--requirement"]).arg(&requirements);
    step("install SUMO and pymodbus", pip)?;
    std::fs::write(stamp, wanted)?;
    Ok(())
}

fn apt(action: &str) -> Option<Command> {
    if !present("apt-get") {
        return None;
    }
    let root = Command::new("id").arg("-u").output().is_ok_and(|o| o.stdout.trim_ascii() == b"0");
    let mut command = if root {
        Command::new("apt-get")
    } else if present("sudo") {
        let mut sudo = Command::new("sudo");
        sudo.args(["--non-interactive", "apt-get"]);
        sudo
    } else {
        return None;
    };
    command.arg(action).env("DEBIAN_FRONTEND", "noninteractive");
    Some(command)
}

/// Whether a program is on PATH or in Debian's places; one `*` stands for any version folder.
fn present(program: &str) -> bool {
    if let Some((before, after)) = program.split_once('*') {
        let versions = std::fs::read_dir(before).into_iter().flatten().flatten();
        return versions.map(|v| v.path().join(after.trim_start_matches('/'))).any(|p| p.is_file());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin", "/usr/bin"].map(PathBuf::from))
        .any(|folder| folder.join(program).is_file())
        || Path::new(program).is_absolute() && Path::new(program).is_file()
}
