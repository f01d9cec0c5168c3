//! The files of a data folder: the city, made from a map, and the timetable, made from feeds for that city.

use crate::{
    fare::Fares,
    graph::StreetGraph,
    gtfs::{self, archive::Archive, report::Report},
    hierarchy::Hierarchy,
    intermodal::Prepared,
    nearest::StreetIndex,
    planner::Planner,
    profile::Profile,
    transit::timetable::Timetable,
};
use model::{
    city::City,
    config::{Complaint, Complaints, Source},
};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use std::{error::Error, path::Path, sync::Arc};

/// The city file's name in a data folder.
pub const CITY_FILE: &str = "city.json";

/// The timetable's name in a data folder.
pub const TIMETABLE_FILE: &str = "timetable.bin";

/// The name of the report on the feeds in a data folder.
pub const REPORT_FILE: &str = "timetable-report.txt";

/// The name of the file that says which streets matter most, in a data folder.
pub const STREETS_FILE: &str = "streets.bin";

/// The tag of a feed that was given none: its file's name without its ending. What may not stand in a tag becomes `-`.
pub fn tag_of(file: &Path) -> String {
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    stem.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).collect()
}

/// Reads feeds, each by a tag of its own; what is wrong with them and does not stop us is in `report`.
pub fn read_feeds<'a>(
    feeds: impl IntoIterator<Item = (&'a str, &'a Path)>,
    report: &mut Report,
) -> Result<Timetable, Complaints> {
    let (mut complaints, mut read) = (Complaints::default(), Vec::<gtfs::Feed>::new());
    for (tag, path) in feeds {
        if read.iter().any(|feed| feed.tag == tag) {
            complaints.push(Complaint::whole(
                path.display().to_string(),
                format!("another feed has the tag {tag}"),
            ));
            continue;
        }
        let archive = Archive::open(path).map_err(|e| {
            let cause = e.source().map_or(String::new(), |cause| format!(": {cause}"));
            Complaints::from(Complaint::whole(path.display().to_string(), format!("{e}{cause}")))
        });
        match archive.and_then(|archive| gtfs::read(archive, tag, report)) {
            Ok(feed) => read.push(feed),
            Err(more) => complaints.extend(more.0),
        }
    }
    complaints.or(Timetable::join(read))
}

/// Works out the ways on foot between a timetable's stops on a city's streets.
pub fn prepare_timetable(city: &City, timetable: Timetable) -> Prepared {
    let index = StreetIndex::build(city);
    let [walk, roll] = [Profile::Walk, Profile::Wheelchair].map(|profile| StreetGraph::build(city, profile));
    Prepared::new(city, &index, [&walk, &roll], timetable)
}

/// Writes a prepared timetable into a data folder. The file appears whole or not at all.
pub fn store_timetable(prepared: &Prepared, city: &City, folder: &Path) -> Result<(), Complaints> {
    TIMETABLE.store(prepared, city, folder)
}

/// Reads a prepared timetable, which must have been made for this city.
pub fn load_timetable(file: &Path, city: &City) -> Result<Prepared, Complaints> {
    TIMETABLE.load(file, city)
}

/// Works out which streets matter most to cars, and writes that into a data folder, so that a start need not.
pub fn store_streets(city: &City, folder: &Path) -> Result<(), Complaints> {
    let street = StreetGraph::build(city, Profile::Car);
    STREETS.store(&Hierarchy::new(city, &street).order(), city, folder)
}

/// A city, ready for questions about streets. What was worked out of it beforehand is read if it lies beside the city
/// file, and must then have been made for this city; otherwise it is worked out now.
pub fn load_planner(city_file: &Path, city: Arc<City>) -> Result<Planner, Complaints> {
    let file = city_file.with_file_name(STREETS_FILE);
    if !file.exists() {
        return Ok(Planner::new(city));
    }
    let order: Vec<u32> = STREETS.load(&file, &city)?;
    Planner::with_order(city, order).ok_or_else(|| {
        let says = "it does not fit the city's streets; prepare it anew";
        Complaint::whole(file.display().to_string(), says.to_string()).into()
    })
}

/// A kind of file that is made for one city: what it is, a fingerprint of the city, a checksum, and the body.
struct Kind {
    /// How it begins. Another version is read by another program; prepare the file anew.
    magic: [u8; 8],
    name: &'static str,
    what: &'static str,
}

const TIMETABLE: Kind = Kind { magic: *b"SVTTAB\x00\x03", name: TIMETABLE_FILE, what: "timetable" };
const STREETS: Kind = Kind { magic: *b"SVSTRT\x00\x01", name: STREETS_FILE, what: "order of streets" };

impl Kind {
    fn store(&self, body: &impl Serialize, city: &City, folder: &Path) -> Result<(), Complaints> {
        let file = folder.join(self.name);
        let draft = folder.join(format!("{}.new", self.name));
        let write = || -> Result<(), Box<dyn Error>> {
            let body = postcard::to_stdvec(body)?;
            let mut bytes = self.magic.to_vec();
            bytes.extend(city.fingerprint().to_le_bytes());
            bytes.extend(Sha256::digest(&body));
            bytes.extend(body);
            std::fs::write(&draft, bytes)?;
            Ok(std::fs::rename(&draft, &file)?)
        };
        write().map_err(|e| {
            let says = format!("could not write the {}: {e}", self.what);
            Complaint::whole(file.display().to_string(), says).into()
        })
    }

    fn load<T: DeserializeOwned>(&self, file: &Path, city: &City) -> Result<T, Complaints> {
        let read = || {
            let bytes = std::fs::read(file).map_err(|e| format!("could not read the {}: {e}", self.what))?;
            let rest = bytes
                .strip_prefix(&self.magic)
                .ok_or_else(|| format!("it is no {} of this version; prepare it anew", self.what))?;
            let (made_for, rest) = rest.split_first_chunk::<8>().ok_or("the file is cut short")?;
            let (digest, body) = rest.split_first_chunk::<32>().ok_or("the file is cut short")?;
            if Sha256::digest(body).as_slice() != digest {
                return Err("the file is damaged: its checksum does not fit; prepare it anew".to_string());
            }
            if u64::from_le_bytes(*made_for) != city.fingerprint() {
                return Err("it was made for another city file; prepare it anew".to_string());
            }
            postcard::from_bytes(body).map_err(|e| format!("it cannot be read: {e}"))
        };
        read().map_err(|says: String| Complaint::whole(file.display().to_string(), says).into())
    }
}

/// Reads a city file and checks all of it; every fault is a complaint.
pub fn load_city(file: &Path) -> Result<City, Complaints> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file)
        .map_err(|e| Complaint::whole(&name, format!("could not read the city: {e}")))?;
    City::parse(Source::new(&name, &text))
}

/// Reads a file of tariffs.
pub fn load_fares(file: &Path) -> Result<Fares, Complaints> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file)
        .map_err(|e| Complaint::whole(&name, format!("could not read the tariff: {e}")))?;
    Fares::parse(&name, &text)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{drawing::draw, transit::drawing::timetable};

    #[test]
    fn a_timetable_is_read_as_it_was_written_or_refused() {
        let streets = "
            A 0 0
            B 3000 0
            A-B";
        let city = draw(streets);
        let table = "
            BUS 1  A      B
                   08:00  08:10";
        let prepared = prepare_timetable(&city, timetable(&city, table));
        let folder = tempfile::tempdir().unwrap();
        store_timetable(&prepared, &city, folder.path()).unwrap();
        let file = folder.path().join(TIMETABLE_FILE);
        assert_eq!(load_timetable(&file, &city).unwrap(), prepared);

        let other = draw("A 0 0\nB 3000 0\nA>B");
        let refused = |city: &City| load_timetable(&file, city).unwrap_err().to_string();
        assert!(refused(&other).contains("made for another city file"));
        let sound = std::fs::read(&file).unwrap();
        for cut in [0, 4, 12, 40, sound.len() / 2, sound.len() - 1] {
            std::fs::write(&file, &sound[..cut]).unwrap();
            refused(&city);
        }
        let mut damaged = sound.clone();
        damaged[60] ^= 1;
        std::fs::write(&file, damaged).unwrap();
        assert!(refused(&city).contains("its checksum does not fit"));
        let mut older = sound;
        older[7] = 0;
        std::fs::write(&file, older).unwrap();
        assert!(refused(&city).contains("no timetable of this version"));
    }
}
