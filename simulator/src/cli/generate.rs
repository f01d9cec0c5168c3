//! `simulator generate`: a city of any size with the shape of Moscow, and its demand.

use super::{Failure, VEHICLES_PER_JUNCTION};
use anyhow::Context;
use clap::Args;
use simulator::{
    demand,
    generator::{self, Detail},
};
use std::{
    fs::File,
    io::{BufWriter, IsTerminal, Write},
    path::{Path, PathBuf},
};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// Signalised junctions, about: 150 fill the Garden Ring, 4000 the MKAD, 40000 the region around.
    #[arg(long, default_value_t = 150, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    junctions: u32,
    /// Same seed, same city and trips.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Also yard streets, and lines of buses in every district: what planners of journeys have to bear.
    #[arg(long)]
    yards: bool,
    /// Where the city goes, as JSON that every program reads.
    #[arg(long, value_name = "F.json")]
    out: PathBuf,
    /// Also write trips of a weekday's morning, as JSON.
    #[arg(long, value_name = "F.json")]
    demand: Option<PathBuf>,
    /// Vehicles on the road at once at the peak. Default: 33 for each junction.
    #[arg(long, value_name = "N", requires = "demand")]
    vehicles: Option<usize>,
    /// First departure, hours after midnight.
    #[arg(long, default_value_t = 7.0, value_name = "HOURS", requires = "demand")]
    begin: f64,
    /// For how long trips depart, seconds.
    #[arg(long, default_value_t = 3600.0, value_name = "SECONDS", requires = "demand")]
    duration: f64,
    /// Also write the timetable of its lines, as the tables of a GTFS feed. The folder is made if it is not there.
    #[arg(long, value_name = "DIR")]
    gtfs: Option<PathBuf>,
    /// Also write its shared bicycles, as the files of a GBFS feed. The folder is made if it is not there.
    #[arg(long, value_name = "DIR")]
    gbfs: Option<PathBuf>,
    /// Also draw the city.
    #[arg(long, value_name = "F.svg")]
    svg: Option<PathBuf>,
}

pub(super) fn generate(arguments: &Arguments) -> Result<(), Failure> {
    let hours = 0.0..24.0;
    if !hours.contains(&arguments.begin) {
        return Err(Failure::Input(vec![format!("--begin {} is not an hour of the day", arguments.begin)]));
    }
    if !(arguments.duration > 0.0 && arguments.duration <= 7.0 * 86_400.0) {
        return Err(Failure::Input(vec![format!(
            "--duration {} is not between 0 and a week",
            arguments.duration
        )]));
    }
    let detail = if arguments.yards { Detail::Yards } else { Detail::Streets };
    let city = generator::moscow_in(detail, arguments.junctions as usize, arguments.seed);
    write(&arguments.out, |file| Ok(serde_json::to_writer(file, &city)?))?;
    if let Some(svg) = &arguments.svg {
        write(svg, |file| Ok(file.write_all(generator::picture::svg(&city).as_bytes())?))?;
    }
    let feeds = [
        (&arguments.gtfs, demand::timetable::gtfs(&city, generator::ZONE)),
        (&arguments.gbfs, demand::sharing::gbfs(&city)),
    ];
    for (folder, files) in &feeds {
        let Some(folder) = folder else { continue };
        std::fs::create_dir_all(folder)
            .with_context(|| format!("could not make the folder {}", folder.display()))?;
        for (name, text) in files {
            write(&folder.join(name), |file| Ok(file.write_all(text.as_bytes())?))?;
        }
    }
    let mut trips = 0;
    if let Some(path) = &arguments.demand {
        let vehicles = arguments.vehicles.unwrap_or(city.junctions.len() * VEHICLES_PER_JUNCTION);
        let begin_s = arguments.begin * 3600.0;
        let demand = demand::generate(&city, vehicles, arguments.seed, begin_s, arguments.duration);
        trips = demand.trips.len();
        write(path, |file| Ok(serde_json::to_writer(file, &demand)?))?;
    }
    if std::io::stderr().is_terminal() {
        let (links, junctions) = (city.network.links.len(), city.junctions.len());
        say(&format!("{junctions} junctions, {links} links, {trips} trips"));
    }
    Ok(())
}

#[expect(clippy::print_stderr, reason = "this is the program's own voice")]
fn say(text: &str) {
    eprintln!("simulator: {text}");
}

fn write(path: &Path, fill: impl FnOnce(&mut BufWriter<File>) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let could_not = || format!("could not write {}", path.display());
    let mut file = BufWriter::new(File::create(path).with_context(could_not)?);
    fill(&mut file).with_context(could_not)?;
    file.flush().with_context(could_not)
}
