//! The files of a data folder: the streets, made from a map, and the timetable, made from feeds for those streets.

use crate::{
    config::TypicalConfig,
    escort::Escorts,
    fare::Fares,
    foot::{FootWays, Walkable},
    graph::{StreetGraph, mirrors},
    gtfs::{self, archive::Archive, report::Report},
    intermodal::Prepared,
    map::Map,
    nearest::StreetIndex,
    profile::Profile,
    streets::{Kept, Streets},
    transit::timetable::Timetable,
    typical::Typical,
};
use mmap_io::MemoryMappedFile;
use model::{
    city::City,
    config::{Complaint, Complaints, Source},
};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use std::{
    error::Error,
    fs::File,
    io::{BufWriter, Read as _, Seek as _, SeekFrom, Write},
    path::Path,
    sync::Arc,
};

/// The city file's name in a data folder.
pub const CITY_FILE: &str = "city.json";

/// The name of the streets in a data folder, ready for a start.
pub const STREETS_FILE: &str = "streets.bin";

/// The timetable's name in a data folder.
pub const TIMETABLE_FILE: &str = "timetable.bin";

/// The name of the report on the feeds in a data folder.
pub const REPORT_FILE: &str = "timetable-report.txt";

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
    let map = Map::new(city);
    let [walk, roll] = [Profile::Walk, Profile::Wheelchair].map(|profile| StreetGraph::build(city, profile));
    let walkable = Walkable::new(city, mirrors(&city.network));
    let [on_foot, on_wheels] = [&walk, &roll].map(|street| Arc::new(FootWays::new(street, &walkable)));
    let streets = [(&walk, &on_foot), (&roll, &on_wheels)];
    Prepared::new(&map, &StreetIndex::build(&map), streets, timetable)
}

/// The same on streets that were worked out before.
pub fn prepare_timetable_on(streets: &Streets, timetable: Timetable) -> Prepared {
    let index = StreetIndex::build(&streets.map);
    let [walk, roll] = &streets.feet;
    Prepared::new(&streets.map, &index, [(&streets.walk, walk), (&streets.roll, roll)], timetable)
}

/// Writes a prepared timetable into a data folder. The file appears whole or not at all.
pub fn store_timetable(prepared: &Prepared, map: &Map, folder: &Path) -> Result<(), Complaints> {
    TIMETABLE.store(prepared, map.fingerprint, folder)
}

/// Reads a prepared timetable, which must have been made for the city of this map.
pub fn load_timetable(file: &Path, map: &Map) -> Result<Prepared, Complaints> {
    let (made_for, prepared) = TIMETABLE.load(file)?;
    if made_for == map.fingerprint {
        Ok(prepared)
    } else {
        let says = "it was made for another city; prepare it anew";
        Err(Complaint::whole(file.display().to_string(), says.to_string()).into())
    }
}

/// Writes streets into a data folder, so that a start need not work them out.
pub fn store_streets(streets: &Streets, folder: &Path) -> Result<(), Complaints> {
    STREETS.store(&streets.keep(), streets.map.fingerprint, folder)
}

/// The streets of a file: those that were prepared, or of a city file, from which they are worked out now.
pub fn load_streets(file: &Path) -> Result<Streets, Complaints> {
    if !STREETS.is(file) {
        return Ok(Streets::new(&load_city(file)?));
    }
    let (_, kept): (_, Kept) = STREETS.load(file)?;
    Streets::of_kept(kept).ok_or_else(|| {
        let says = "its parts do not fit together; prepare it anew";
        Complaint::whole(file.display().to_string(), says.to_string()).into()
    })
}

/// A kind of file that is made for one city: what it is, a fingerprint of the city, a checksum, and the body.
struct Kind {
    /// How it begins; its last byte counts the versions. Another version is read by another program.
    magic: [u8; 8],
    name: &'static str,
    what: &'static str,
}

const TIMETABLE: Kind = Kind { magic: *b"SVTTAB\x00\x07", name: TIMETABLE_FILE, what: "timetable" };
const STREETS: Kind = Kind { magic: *b"SVSTRT\x00\x08", name: STREETS_FILE, what: "file of streets" };

/// A file of which a checksum is made while it is written: a large city's would not fit into memory a second time.
struct Checked<'a> {
    out: &'a mut File,
    digest: Sha256,
}

impl Write for Checked<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.digest.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

impl Kind {
    /// Whether a file begins like one of this kind, of whatever version.
    fn is(&self, file: &Path) -> bool {
        let mut begin = [0; 7];
        let read = File::open(file).and_then(|mut file| file.read_exact(&mut begin));
        read.is_ok() && begin == self.magic[..7]
    }

    fn store(&self, body: &impl Serialize, fingerprint: u64, folder: &Path) -> Result<(), Complaints> {
        let file = folder.join(self.name);
        let draft = folder.join(format!("{}.new", self.name));
        let write = || -> Result<(), Box<dyn Error>> {
            std::fs::create_dir_all(folder)?;
            let mut out = File::create(&draft)?;
            out.write_all(&self.magic)?;
            out.write_all(&fingerprint.to_le_bytes())?;
            // The checksum stands before the body, and is known after it.
            let at = out.stream_position()?;
            out.write_all(&[0; 32])?;
            let body_out = BufWriter::new(Checked { out: &mut out, digest: Sha256::new() });
            let written =
                postcard::to_io(body, body_out)?.into_inner().map_err(std::io::IntoInnerError::into_error)?;
            let digest = written.digest.finalize();
            out.seek(SeekFrom::Start(at))?;
            out.write_all(&digest)?;
            Ok(std::fs::rename(&draft, &file)?)
        };
        write().map_err(|e| {
            let says = format!("could not write the {}: {e}", self.what);
            Complaint::whole(file.display().to_string(), says).into()
        })
    }

    /// The fingerprint of the city for which a file was made, and its body.
    fn load<T: DeserializeOwned>(&self, file: &Path) -> Result<(u64, T), Complaints> {
        let read = || {
            let mapped = MemoryMappedFile::open_ro(file)
                .map_err(|e| format!("could not read the {}: {e}", self.what))?;
            let bytes = mapped.as_slice_bytes(0, mapped.len()).map_err(|e| e.to_string())?;
            let rest = bytes
                .strip_prefix(&self.magic)
                .ok_or_else(|| format!("it is no {} of this version; prepare it anew", self.what))?;
            let (made_for, rest) = rest.split_first_chunk::<8>().ok_or("the file is cut short")?;
            let (digest, body) = rest.split_first_chunk::<32>().ok_or("the file is cut short")?;
            if Sha256::digest(body).as_slice() != digest {
                return Err("the file is damaged: its checksum does not fit; prepare it anew".to_string());
            }
            let body = postcard::from_bytes(body).map_err(|e| format!("it cannot be read: {e}"))?;
            Ok((u64::from_le_bytes(*made_for), body))
        };
        read().map_err(|says: String| Complaint::whole(file.display().to_string(), says).into())
    }
}

/// Reads a city file and checks all of it; every fault is a complaint.
pub fn load_city(file: &Path) -> Result<City, Complaints> {
    let name = file.display().to_string();
    let bytes =
        std::fs::read(file).map_err(|e| Complaint::whole(&name, format!("could not read the city: {e}")))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| Complaint::whole(&name, "not a city file: it is not a text in UTF-8".to_string()))?;
    City::parse(Source::new(&name, &text))
}

/// Reads a file of usual link times. It need not be there if they are learned.
pub fn load_typical(config: &TypicalConfig, map: &Map) -> Result<Typical, Complaints> {
    let name = config.file.display().to_string();
    let text = match std::fs::read_to_string(&config.file) {
        Err(e) if config.learn && e.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Typical::empty(map.len(), config.zone.clone()));
        }
        read => {
            read.map_err(|e| Complaint::whole(&name, format!("could not read the usual link times: {e}")))?
        }
    };
    let read = Typical::parse(map, config.zone.clone(), &name, &text)?;
    if read.unknown > 0 {
        tracing::warn!(file = name, rows = read.unknown, "usual times of links that the map does not have");
    }
    Ok(read.typical)
}

/// Reads a file of tariffs.
pub fn load_fares(file: &Path) -> Result<Fares, Complaints> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file)
        .map_err(|e| Complaint::whole(&name, format!("could not read the tariff: {e}")))?;
    Fares::parse(&name, &text)
}

/// Reads a file of those who escort passengers.
pub fn load_escorts(file: &Path) -> Result<Escorts, Complaints> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file)
        .map_err(|e| Complaint::whole(&name, format!("could not read the escorts: {e}")))?;
    Escorts::parse(&name, &text)
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
        let map = Map::new(&city);
        store_timetable(&prepared, &map, folder.path()).unwrap();
        let file = folder.path().join(TIMETABLE_FILE);
        assert_eq!(load_timetable(&file, &map).unwrap(), prepared);

        let other = Map::new(&draw("A 0 0\nB 3000 0\nA>B"));
        let refused = |map: &Map| load_timetable(&file, map).unwrap_err().to_string();
        assert!(refused(&other).contains("made for another city"));
        let sound = std::fs::read(&file).unwrap();
        for cut in [0, 4, 12, 40, sound.len() / 2, sound.len() - 1] {
            std::fs::write(&file, &sound[..cut]).unwrap();
            refused(&map);
        }
        let mut damaged = sound.clone();
        damaged[60] ^= 1;
        std::fs::write(&file, damaged).unwrap();
        assert!(refused(&map).contains("its checksum does not fit"));
        let mut older = sound;
        older[7] = 0;
        std::fs::write(&file, older).unwrap();
        assert!(refused(&map).contains("no timetable of this version"));
    }

    #[test]
    fn streets_are_read_as_they_were_written_or_refused_by_name() {
        let city = draw("A 0 0\nB 300 40\nC 500 0\nA-B\nB>C\nB#C\nsignal A>B>C");
        let streets = Streets::new(&city);
        let folder = tempfile::tempdir().unwrap();
        store_streets(&streets, folder.path()).unwrap();
        let file = folder.path().join(STREETS_FILE);
        let bytes = |streets: &Streets| postcard::to_stdvec(&streets.keep()).unwrap();
        assert_eq!(bytes(&load_streets(&file).unwrap()), bytes(&streets));

        let check = |bytes: &[u8], says: &str| {
            std::fs::write(&file, bytes).unwrap();
            let refused = load_streets(&file).expect_err(says).to_string();
            assert!(refused.contains("streets.bin:") && refused.contains(says), "{refused}");
        };
        let sound = std::fs::read(&file).unwrap();
        check(&sound[..20], "cut short");
        check(&sound[..sound.len() - 1], "damaged");
        let mut older = sound.clone();
        older[7] = 1;
        check(&older, "no file of streets of this version");
        check(&sound[3..], "not a city file");
        check(b"PK\x03\x04", "not a city file");
        check(b"", "not a city file");
        // What was put together of two files has a checksum, and is refused all the same.
        let mut mixed = streets.keep();
        mixed.swap_map(Map::new(&draw("A 0 0\nB 300 0\nA>B")));
        STREETS.store(&mixed, 0, folder.path()).unwrap();
        assert!(load_streets(&file).unwrap_err().to_string().contains("do not fit together"));
    }
}
