//! The web app, built by npm into `dashboards/web/dist`.

use crate::{root, step};
use anyhow::Context;
use std::{
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

fn folder() -> PathBuf {
    root().join("dashboards/web")
}

fn npm(arguments: &[&str]) -> Command {
    let mut command = Command::new("npm");
    command.args(arguments).current_dir(folder());
    command
}

/// Installs packages when the lock file is newer than they are.
fn packages() -> anyhow::Result<()> {
    let lock = newest(&folder().join("package-lock.json"));
    // npm writes this file when it is done; a half-made node_modules has none.
    let installed = newest(&folder().join("node_modules/.package-lock.json"));
    if installed.is_some() && installed >= lock {
        return Ok(());
    }
    step("install the web app's packages", npm(&["ci", "--no-audit", "--no-fund", "--loglevel=error"]))
        .context("npm could not install; is Node 20 or later here?")
}

/// Builds the app unless what is built is newer than every source.
pub(crate) fn build() -> anyhow::Result<()> {
    let sources = ["src", "public", "index.html", "package-lock.json", "vite.config.ts"];
    let changed = sources.iter().filter_map(|s| newest(&folder().join(s))).max();
    let built = newest(&folder().join("dist/index.html"));
    if built.is_some() && built >= changed {
        return Ok(());
    }
    packages()?;
    step("build the web app", npm(&["run", "--silent", "build"]))
}

/// Types, unit tests, and a build for the end-to-end tests.
pub(crate) fn check() -> anyhow::Result<()> {
    packages()?;
    step("web: types", npm(&["run", "--silent", "check"]))?;
    step("web: unit tests", npm(&["run", "--silent", "test"]))?;
    build()
}

/// The newest change of a file or of anything under a folder.
fn newest(path: &Path) -> Option<SystemTime> {
    let of_file = std::fs::metadata(path).ok()?.modified().ok()?;
    let inside = std::fs::read_dir(path).into_iter().flatten().flatten().filter_map(|e| newest(&e.path()));
    inside.max().map_or(Some(of_file), |newest| Some(newest.max(of_file)))
}
