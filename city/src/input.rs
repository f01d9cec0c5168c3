//! From a person's files to a city and its demand.

use model::{
    city::City,
    config::{Complaint, Complaints, Read, Source},
    demand::Demand,
    detection::Tier,
    network::Network,
};
use std::path::{Path, PathBuf};

/// Something is wrong with what was given, not with us: exit 64.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct InputError(#[from] pub Complaints);

impl From<Complaint> for InputError {
    fn from(complaint: Complaint) -> Self {
        Self(complaint.into())
    }
}

impl InputError {
    /// About a file as a whole.
    pub fn about(path: &Path, message: impl Into<String>) -> InputError {
        Complaint::whole(path.display().to_string(), message).into()
    }
}

/// A text file, whole.
pub fn text(path: &Path) -> Result<String, InputError> {
    std::fs::read_to_string(path).map_err(|e| InputError::about(path, format!("could not be read: {e}")))
}

/// Text files, each under its name.
struct Texts(Vec<(String, String)>);

impl Texts {
    fn read(paths: &[PathBuf]) -> Result<Texts, InputError> {
        paths
            .iter()
            .map(|path| Ok((path.display().to_string(), text(path)?)))
            .collect::<Result<_, _>>()
            .map(Texts)
    }
    fn sources(&self) -> Vec<Source<'_>> {
        self.0.iter().map(|(name, text)| Source::new(name, text)).collect()
    }
}

/// A SUMO network with its additional files, as a city with the detectors of a tier.
pub fn sumo_city(net: &Path, additional: &[PathBuf], tier: Tier) -> Result<City, InputError> {
    let net_text = text(net)?;
    let additional = Texts::read(additional)?;
    let name = net.display().to_string();
    let mut city = tell(model::sumo::network(Source::new(&name, &net_text), &additional.sources())?);
    model::signal::further::add(&mut city);
    model::detection::equip(&mut city, tier);
    sound(city, net)
}

/// The demand of a SUMO scenario: additional files first, since types and routes may stand there.
pub fn sumo_demand(network: &Network, files: &[PathBuf]) -> Result<Demand, InputError> {
    // One demand for all seeds, so that runs compare: what is due must not depend on who drives it.
    const SEED: u64 = 42;
    let texts = Texts::read(files)?;
    let measuring = model::sumo::measuring(network, &texts.sources())?.value;
    let detectors =
        measuring.loops.len() + measuring.areas.len() + measuring.gates.len() + measuring.means.len();
    if detectors > 0 {
        tracing::info!(detectors, "the files' own detectors are not used: a tier of ours measures");
    }
    Ok(tell(model::sumo::demand(network, &texts.sources(), SEED)?))
}

/// An OpenStreetMap extract, as a city with generated signals.
pub fn osm_city(path: &Path) -> Result<City, InputError> {
    let bytes =
        std::fs::read(path).map_err(|e| InputError::about(path, format!("could not be read: {e}")))?;
    let habits = model::signal::design::SignalHabits::russian();
    sound(tell(model::osm::city(&path.display().to_string(), &bytes, &habits)?), path)
}

/// What a loader mentions goes to the log, so that nothing is left out in silence.
fn tell<T>(read: Read<T>) -> T {
    for note in &read.notes {
        tracing::info!("{note}");
    }
    read.value
}

fn sound(city: City, path: &Path) -> Result<City, InputError> {
    let faults = city.faults();
    let complaints =
        faults.into_iter().map(|fault| Complaint::whole(path.display().to_string(), fault)).collect();
    Ok(Complaints(complaints).or(city)?)
}
