//! Where a feed's tables lie: in a zip file or in a folder.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read},
    path::Path,
};

/// A table may be this large, bytes. The national feeds of Europe have `stop_times.txt` of under 2 GiB; what is
/// larger is a mistake or a zip bomb, and is refused.
pub const LARGEST_TABLE: u64 = 4 << 30;

/// Why a feed could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The file or folder cannot be read.
    #[error("could not read it")]
    Io(#[from] io::Error),
    /// It is not a zip file.
    #[error("it is neither a folder nor a sound zip file")]
    Zip(#[from] zip::result::ZipError),
    /// A table is absurdly large.
    #[error("{0} is larger than {gib} GiB", gib = LARGEST_TABLE >> 30)]
    TooLarge(String),
}

/// The tables of a feed by their names, as bytes.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Archive {
    tables: BTreeMap<String, Vec<u8>>,
    /// The folder inside the zip file in which the tables lay, if they did not lie at its root.
    pub inner_folder: Option<String>,
}

impl Archive {
    /// Opens a feed: all tables (`*.txt` and `locations.geojson`) of a zip file or a folder.
    pub fn open(path: &Path) -> Result<Archive, ArchiveError> {
        if path.is_dir() { Self::open_folder(path) } else { Self::from_zip(io::Cursor::new(fs::read(path)?)) }
    }

    /// Reads a zip file. Some publishers zip the folder and not the files in it; then the outermost folder
    /// that has a `stops.txt` is taken, and [`Archive::inner_folder`] says so.
    pub fn from_zip(bytes: impl io::Read + io::Seek) -> Result<Archive, ArchiveError> {
        let mut zip = zip::ZipArchive::new(bytes)?;
        let names: Vec<String> = zip.file_names().flatten().map(|name| name.into_owned()).collect();
        let folders = names.iter().filter_map(|name| name.strip_suffix("stops.txt"));
        let folders = folders.filter(|folder| folder.is_empty() || folder.ends_with('/')).map(str::to_string);
        let folder = folders.min_by_key(|folder| folder.matches('/').count()).unwrap_or_default();
        let mut tables = BTreeMap::new();
        for i in 0..zip.len() {
            let file = zip.by_index(i)?;
            let Some(name) = file.name()?.strip_prefix(&folder).map(str::to_string) else { continue };
            if !is_table(&name) {
                continue;
            }
            let bytes = bounded(file, &name)?;
            tables.insert(name, bytes);
        }
        Ok(Archive { tables, inner_folder: Some(folder).filter(|folder| !folder.is_empty()) })
    }

    /// Tables that are at hand already.
    pub fn of_tables<'a>(tables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Archive {
        Archive::of_bytes(tables.into_iter().map(|(name, text)| (name, text.as_bytes().to_vec())))
    }

    /// The same, whatever bytes they are.
    pub fn of_bytes<'a>(tables: impl IntoIterator<Item = (&'a str, Vec<u8>)>) -> Archive {
        let own = |(name, bytes): (&str, Vec<u8>)| (name.to_string(), bytes);
        Archive { tables: tables.into_iter().map(own).collect(), inner_folder: None }
    }

    fn open_folder(path: &Path) -> Result<Archive, ArchiveError> {
        let mut tables = BTreeMap::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if is_table(&name) {
                let bytes = bounded(fs::File::open(entry.path())?, &name)?;
                tables.insert(name, bytes);
            }
        }
        Ok(Archive { tables, inner_folder: None })
    }

    /// A table's bytes, if the feed has it. It is taken out: each table is read once.
    pub(super) fn take(&mut self, name: &str) -> Option<Vec<u8>> {
        self.tables.remove(name)
    }

    /// Tables that nobody has taken.
    pub(super) fn left(&self) -> impl Iterator<Item = &str> {
        self.tables.keys().map(String::as_str)
    }
}

fn is_table(name: &str) -> bool {
    (name.ends_with(".txt") || name == "locations.geojson") && !name.contains('/')
}

fn bounded(file: impl Read, name: &str) -> Result<Vec<u8>, ArchiveError> {
    let mut bytes = Vec::new();
    let read = file.take(LARGEST_TABLE + 1).read_to_end(&mut bytes)?;
    if read as u64 > LARGEST_TABLE { Err(ArchiveError::TooLarge(name.to_string())) } else { Ok(bytes) }
}
