//! From a person's files to a city and its demand.

use model::config::{Complaint, Complaints, Read, Source};
use std::path::Path;

/// Something is wrong with what was given, not with us: exit 64.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct InputError(#[from] pub Complaints);

impl From<Complaint> for InputError {
    fn from(complaint: Complaint) -> Self { Self(complaint.into()) }
}

/// A text file, whole.
pub fn text(path: &Path) -> Result<String, InputError> {
    std::fs::read_to_string(path)
        .map_err(|e| Complaint::whole(path.display().to_string(), format!("could not be read: {e}")).into())
}

/// A SUMO network with its additional files, as a city with detectors.
pub fn sumo_city(net: &Path, additional: &[&Path]) -> Result<Read<model::city::City>, InputError> {
    let name = net.display().to_string();
    let net_text = text(net)?;
    let extra = additional
        .iter()
        .map(|path| Ok((path.display().to_string(), text(path)?)))
        .collect::<Result<Vec<_>, InputError>>()?;
    let extra: Vec<_> = extra.iter().map(|(name, text)| Source::new(name, text)).collect();
    let mut read = model::sumo::network(Source::new(&name, &net_text), &extra)?;
    model::detection::equip(&mut read.value);
    Ok(read)
}
