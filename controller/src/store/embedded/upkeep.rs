//! What a person does to the embedded store's file: look whether it is sound, copy it while the centre runs, put a copy
//! in its place.

use super::{
    super::audit::{self, AuditEntry},
    BUSY, MIGRATIONS, history,
};
use model::time::Moment;
use rusqlite::{Connection, OpenFlags};
use std::{
    ffi::OsString,
    fs::{self, File},
    path::{Path, PathBuf},
};

/// What a file holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Holds {
    /// Its version.
    pub schema: usize,
    /// Hi-res events; those that came twice may count twice until they are compacted.
    pub events: u64,
    /// Detector readings.
    pub intervals: u64,
    /// Decisions.
    pub decisions: u64,
    /// Audit lines.
    pub audit: u64,
    /// Its size, bytes, without what its write-ahead log holds.
    pub bytes: u64,
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum UpkeepError {
    /// A file cannot be read, or is no store.
    #[error("{}: {cause}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// Why.
        cause: String,
    },
    /// A file is not sound.
    #[error("{}: {}", file.display(), faults.join("; "))]
    Unsound {
        /// Which.
        file: PathBuf,
        /// What is wrong with it.
        faults: Vec<String>,
    },
    /// A file is there that would be lost.
    #[error("{} is there already", file.display())]
    There {
        /// Which.
        file: PathBuf,
    },
    /// A program has the file open.
    #[error("{} is in use: stop the centre first", file.display())]
    InUse {
        /// Which.
        file: PathBuf,
    },
}

/// Reads all of a file, which may be in use: SQLite's own check, each block, the chain of the audit.
pub fn check(file: &Path) -> Result<Holds, UpkeepError> {
    let fault = |cause: String| UpkeepError::File { file: file.to_owned(), cause };
    let db = open(file)?;
    let (holds, faults) = look(&db).map_err(|error| fault(error.to_string()))?;
    if !faults.is_empty() {
        return Err(UpkeepError::Unsound { file: file.to_owned(), faults });
    }
    let bytes = fs::metadata(file).map_err(|error| fault(error.to_string()))?.len();
    Ok(Holds { bytes, ..holds })
}

/// Copies a file that may be in use, as it is at one moment, and checks the copy.
pub fn backup(from: &Path, to: &Path) -> Result<Holds, UpkeepError> {
    if to.exists() {
        return Err(UpkeepError::There { file: to.to_owned() });
    }
    let part = beside(to, ".part");
    let fault = |cause: String| UpkeepError::File { file: part.clone(), cause };
    // What an earlier attempt left.
    remove(&part)?;
    let db = open(from)?;
    let name = part.to_str().ok_or_else(|| fault("the name is no UTF-8".into()))?;
    // Readers and the writer go on meanwhile: it copies one state of the write-ahead log.
    db.execute("VACUUM INTO ?", [name]).map_err(|error| fault(error.to_string()))?;
    let holds = check(&part)?;
    settle(&part, to)?;
    Ok(holds)
}

/// Puts a checked copy in the place of a store that no program has open. What was there is kept beside it, under the
/// second path that comes back, if there was one.
pub fn restore(from: &Path, to: &Path) -> Result<(Holds, Option<PathBuf>), UpkeepError> {
    let holds = check(from)?;
    let kept = if to.exists() {
        alone(to)?;
        let kept = (0..)
            .map(|n| beside(to, &format!(".before-restore-{n}")))
            .find(|file| !file.exists())
            .unwrap_or_else(|| beside(to, ".before-restore"));
        fs::rename(to, &kept)
            .map_err(|error| UpkeepError::File { file: to.to_owned(), cause: error.to_string() })?;
        Some(kept)
    } else {
        None
    };
    let part = beside(to, ".part");
    remove(&part)?;
    fs::copy(from, &part)
        .map_err(|error| UpkeepError::File { file: part.clone(), cause: error.to_string() })?;
    settle(&part, to)?;
    Ok((holds, kept))
}

/// Opens a file that must be there, to read.
fn open(file: &Path) -> Result<Connection, UpkeepError> {
    let fault =
        |error: rusqlite::Error| UpkeepError::File { file: file.to_owned(), cause: error.to_string() };
    let db = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(fault)?;
    db.busy_timeout(BUSY).map_err(fault)?;
    Ok(db)
}

fn look(db: &Connection) -> rusqlite::Result<(Holds, Vec<String>)> {
    let state = db.unchecked_transaction()?;
    let mut faults: Vec<String> =
        state.prepare("PRAGMA integrity_check")?.query_map([], |r| r.get(0))?.collect::<Result<_, _>>()?;
    faults.retain(|said| said != "ok");
    let schema = state.pragma_query_value(None, "user_version", |r| r.get::<_, i64>(0))? as usize;
    if schema == 0 {
        return Ok((Holds::default(), vec!["this is no store of a centre".into()]));
    }
    if schema > MIGRATIONS.len() {
        faults.push(format!("written by a newer version of this program (schema {schema})"));
        return Ok((Holds::default(), faults));
    }
    let count = |table: &str| -> rusqlite::Result<u64> {
        state
            .query_row(&format!("SELECT count(*) FROM {table}"), [], |r| r.get::<_, i64>(0))
            .map(|n| n as u64)
    };
    let [events, intervals] = match schema {
        1 => [count("hires_event")?, count("detector_obs")?],
        _ => history::check(&state, &mut faults)?,
    };
    let mut instances = state.prepare("SELECT DISTINCT instance FROM audit ORDER BY instance")?;
    for instance in instances.query_map([], |r| r.get::<_, String>(0))? {
        let instance = instance?;
        let mut select = state
            .prepare_cached("SELECT number, ts, entry, hash FROM audit WHERE instance = ? ORDER BY number")?;
        let lines = select.query_map([&instance], |r| {
            let number = r.get::<_, i64>(0)? as u64;
            Ok(AuditEntry { number, at: Moment(r.get(1)?), entry: r.get(2)?, hash: r.get(3)? })
        })?;
        if let Some(line) = audit::first_broken(&lines.collect::<Result<Vec<_>, _>>()?) {
            faults.push(format!("the audit of {instance} is broken at line {line}"));
        }
    }
    let holds =
        Holds { schema, events, intervals, decisions: count("decision")?, audit: count("audit")?, bytes: 0 };
    Ok((holds, faults))
}

/// Makes sure that nobody has a file open, and that all of it is in the one file.
fn alone(file: &Path) -> Result<(), UpkeepError> {
    let in_use = || UpkeepError::InUse { file: file.to_owned() };
    let db = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(|_| in_use())?;
    // Leaving the write-ahead log needs the file for oneself, and moves what is in the log into it.
    let mode = db.pragma_update_and_check(None, "journal_mode", "delete", |r| r.get::<_, String>(0));
    match mode.as_deref() {
        Ok("delete") => Ok(()),
        // A file that is no database is in nobody's use.
        Err(rusqlite::Error::SqliteFailure(error, _)) if error.code == rusqlite::ErrorCode::NotADatabase => {
            Ok(())
        }
        _ => Err(in_use()),
    }
}

/// Brings a finished file to its place, so that it is there whole or not at all.
fn settle(part: &Path, to: &Path) -> Result<(), UpkeepError> {
    let fault = |error: std::io::Error| UpkeepError::File { file: to.to_owned(), cause: error.to_string() };
    File::open(part).and_then(|file| file.sync_all()).map_err(fault)?;
    fs::rename(part, to).map_err(fault)?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(fault)
}

fn remove(file: &Path) -> Result<(), UpkeepError> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(UpkeepError::File { file: file.to_owned(), cause: error.to_string() })
        }
        _ => Ok(()),
    }
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(ending);
    name.into()
}
