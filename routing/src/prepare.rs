//! The city file: made from a map, and read back.

use model::{
    city::City,
    config::{Complaint, Complaints, Source},
};
use std::path::Path;

/// The city file's name in a data folder.
pub const CITY_FILE: &str = "city.json";

/// Reads a city file and checks all of it; every fault is a complaint.
pub fn load_city(file: &Path) -> Result<City, Complaints> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file)
        .map_err(|e| Complaint::whole(&name, format!("could not read the city: {e}")))?;
    City::parse(Source::new(&name, &text))
}

/// Writes a city into a data folder, which is made if need be. The file appears whole or not at all.
pub fn store_city(city: &City, folder: &Path) -> Result<(), Complaints> {
    let file = folder.join(CITY_FILE);
    let draft = folder.join(format!("{CITY_FILE}.new"));
    let write = || {
        std::fs::create_dir_all(folder)?;
        let mut out = std::io::BufWriter::new(std::fs::File::create(&draft)?);
        serde_json::to_writer(&mut out, city)?;
        std::io::Write::flush(&mut out)?;
        std::fs::rename(&draft, &file)
    };
    write().map_err(|e| {
        Complaint::whole(file.display().to_string(), format!("could not write the city: {e}")).into()
    })
}
