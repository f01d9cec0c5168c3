//! Hours of traffic under one kind of control: `city evaluate`, as often as a benchmark asks for it.

use crate::{city, root};
use anyhow::{Context, bail};
use std::{
    path::{Path, PathBuf},
    sync::Mutex,
};

/// One hour to be driven.
pub(crate) struct Hour {
    pub(crate) scenario: PathBuf,
    /// What `city evaluate` is asked for besides.
    pub(crate) arguments: Vec<&'static str>,
    pub(crate) seed: u32,
    pub(crate) out: PathBuf,
}

/// How many seeds `SVETOFOR_SEEDS` asks for, two if it says nothing.
pub(crate) fn seeds() -> anyhow::Result<u32> {
    match std::env::var("SVETOFOR_SEEDS") {
        Ok(seeds) => seeds.parse().with_context(|| format!("SVETOFOR_SEEDS = {seeds} is not a number")),
        Err(_) => Ok(2),
    }
}

/// An empty folder for the results of a benchmark.
pub(crate) fn folder(name: &str) -> anyhow::Result<PathBuf> {
    let folder = root().join("target").join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).context("could not clear what the last one left")?;
    }
    Ok(folder)
}

/// What a scenario is called: its file's name.
pub(crate) fn name(scenario: &Path) -> String {
    scenario.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// Drives them, as many at once as there are cores.
pub(crate) fn drive(hours: Vec<Hour>) -> anyhow::Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let left = Mutex::new(hours.into_iter());
    let next = || left.lock().ok()?.next();
    std::thread::scope(|scope| {
        let drive = || -> anyhow::Result<()> {
            while let Some(hour) = next() {
                hour.drive()?;
            }
            Ok(())
        };
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(drive)).collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().unwrap_or_else(|_| bail!("a run ended badly")))
    })
}

impl Hour {
    fn drive(&self) -> anyhow::Result<()> {
        let mut evaluate = city();
        evaluate.arg("evaluate").arg("--scenario").arg(&self.scenario).args(&self.arguments);
        evaluate.args(["--seed", &self.seed.to_string()]).arg("--out").arg(&self.out);
        let done = evaluate.output().context("could not start the city")?;
        if !done.status.success() {
            bail!("{}: {}", self.out.display(), String::from_utf8_lossy(&done.stderr));
        }
        Ok(())
    }
}
