//! Compares kinds of control over runs of `city evaluate`: tables, differences on the same seeds, a picture.

mod run;
pub(crate) mod tripinfo;
pub(crate) mod score;
pub(crate) mod sample;
mod groups;
mod table;
mod chart;

use anyhow::Context;
use groups::Comparison;
use run::Results;
use std::path::{Path, PathBuf};

/// `city compare`.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    /// Result folders of `city evaluate`, or folders that hold such folders, however deep.
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// Also writes compare.txt, compare.json and the picture compare.svg into this folder; made if it is not there.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Prints JSON instead of tables.
    #[arg(long)]
    json: bool,
}

/// Reads, compares, prints.
#[expect(clippy::print_stdout, reason = "the tables are what the command is for")]
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let comparison = read(&arguments.folders)?;
    let (text, json) = (table::text(&comparison), serde_json::to_string_pretty(&comparison)?);
    if let Some(folder) = &arguments.out {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("could not make the folder {}", folder.display()))?;
        write(&folder.join("compare.txt"), &text)?;
        write(&folder.join("compare.json"), &(json.clone() + "\n"))?;
        write(&folder.join("compare.svg"), &chart::svg(&comparison))?;
    }
    print!("{}", if arguments.json { json + "\n" } else { text });
    Ok(())
}

fn read(folders: &[PathBuf]) -> anyhow::Result<Comparison> {
    let (mut notes, mut found) = (Vec::new(), Vec::new());
    for folder in folders {
        found.extend(run::find(folder, &mut notes)?);
    }
    // A folder and one inside it may both be given.
    found.sort();
    found.dedup();
    let mut results = Results::default();
    let runs = found.iter().map(|folder| results.read(folder)).collect::<Result<_, _>>()?;
    Ok(groups::compare(runs, notes.iter().map(ToString::to_string).collect())?)
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("could not write {}", path.display()))
}

#[cfg(test)]
mod tests;
