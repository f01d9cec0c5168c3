//! The store in a file: SQLite, write-ahead log, synchronous=FULL, so that an acknowledged batch survives
//! kill -9 and a power cut. Events and readings are column blocks ([`history`], encoded by [`codec`]); decisions and
//! the audit are rows. [`upkeep`] is what a person does to such a file.

mod codec;
mod history;
pub mod upkeep;

#[cfg(test)]
mod tests;

use super::{
    Batch, Counted, DecisionRow, DocumentKind, DocumentRow, EventRow, IntervalRow, Page, Started, StoreError,
    audit::{self, AuditEntry},
};
use model::{
    ids::{JunctionId, JunctionIx},
    time::Moment,
};
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use std::{
    collections::BTreeMap,
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

/// How long SQLite itself waits for another process's lock.
const BUSY: Duration = Duration::from_secs(5);

/// Each entry brings the file from the version before to the next; never edited, only added to.
const MIGRATIONS: [&str; 3] =
    [include_str!("embedded/1.sql"), include_str!("embedded/2.sql"), include_str!("embedded/3.sql")];
/// The version from which events and readings are blocks.
const BLOCKS: usize = 2;

/// A SQLite file.
#[derive(Clone, Debug)]
pub struct Embedded {
    writer: Arc<Mutex<Connection>>,
    // Readers do not wait for the writer: that is what the write-ahead log is for.
    reader: Arc<Mutex<Connection>>,
    // Blocks are made by one at a time, who reads over this and writes over the writer's.
    maker: Arc<Mutex<Connection>>,
    devices: Arc<[i64]>,
    instance: Arc<str>,
}

impl Embedded {
    /// Opens or makes the file, and its folder.
    pub async fn open(
        path: PathBuf,
        junctions: Vec<JunctionId>,
        instance: &str,
    ) -> Result<Embedded, StoreError> {
        let instance: Arc<str> = instance.into();
        blocking(move || {
            open(&path, &junctions)
                .map(|([writer, reader, maker], devices)| Embedded {
                    writer: Arc::new(Mutex::new(writer)),
                    reader: Arc::new(Mutex::new(reader)),
                    maker: Arc::new(Mutex::new(maker)),
                    devices: devices.into(),
                    instance,
                })
                .map_err(|cause| unavailable(format!("{}: {cause}", path.display())))
        })
        .await
    }

    /// `embedded`.
    pub fn kind(&self) -> &'static str {
        "embedded"
    }

    /// See [`super::Store::start`].
    pub async fn start(&self, at_least: u64) -> Result<Started, StoreError> {
        self.write_with(move |db, _| {
            let db = db.transaction()?;
            let epoch = counter(&db, "epoch")?.saturating_add(1).max(at_least);
            set_counter(&db, "epoch", epoch)?;
            let decisions = counter(&db, "decision")?;
            db.commit()?;
            Ok(Started { epoch, decisions })
        })
        .await
    }

    /// See [`super::Store::write`].
    pub async fn write(&self, batch: &Batch) -> Result<(), StoreError> {
        let (batch, devices) = (batch.clone(), self.devices.clone());
        let long = self.write_with(move |connection, instance| {
            let db = connection.transaction()?;
            {
                history::append(&db, &batch.events, &devices)?;
                history::append(&db, &batch.intervals, &devices)?;
                let mut insert =
                    db.prepare_cached("INSERT INTO decision(number, ts, device, json) VALUES (?,?,?,?)")?;
                for d in &batch.decisions {
                    insert.execute(params![d.number as i64, d.at.0, devices[d.junction.ix()], d.json])?;
                }
                if let Some(last) = batch.decisions.iter().map(|d| d.number).max() {
                    set_counter(&db, "decision", counter(&db, "decision")?.max(last))?;
                }
                if !batch.audit.is_empty() {
                    let last = db
                        .prepare_cached("SELECT number, hash FROM audit WHERE instance = ? ORDER BY number DESC LIMIT 1")?
                        .query_row([instance], |r| Ok((r.get::<_, i64>(0)? as u64, r.get(1)?)))
                        .optional()?
                        .unwrap_or((0, audit::GENESIS));
                    let mut insert = db
                        .prepare_cached("INSERT INTO audit(instance, number, ts, entry, hash) VALUES (?,?,?,?,?)")?;
                    for e in audit::chain(last, &batch.audit) {
                        insert.execute(params![instance, e.number as i64, e.at.0, e.entry, e.hash])?;
                    }
                }
            }
            let mut put = db.prepare_cached(
                "INSERT OR REPLACE INTO document(instance, kind, id, ts, closed, json) VALUES (?,?,?,?,?,?)",
            )?;
            for d in &batch.documents {
                put.execute(params![instance, d.kind.as_str(), d.id, d.at.0, d.closed, d.json])?;
            }
            drop(put);
            db.commit()?;
            history::is_long(connection)
        })
        .await?;
        if long {
            // Nobody waits for it: the batch is acknowledged meanwhile.
            let store = self.clone();
            tokio::spawn(async move {
                if let Err(error) = store.compact(true).await {
                    tracing::warn!(%error, "the store's tail was not compacted");
                }
            });
        }
        Ok(())
    }

    /// Makes blocks of what was written; `if_long` leaves it while it is little. Batches are written meanwhile.
    pub async fn compact(&self, if_long: bool) -> Result<(), StoreError> {
        self.make(move |maker, write| {
            if if_long && !history::is_long(maker)? {
                return Ok(());
            }
            let ready = history::compact(maker)?;
            write(&mut |db| history::put_blocks(db, &ready))
        })
        .await
    }

    /// See [`super::Store::events`].
    pub async fn events(
        &self,
        junction: JunctionIx,
        range: Range<Moment>,
        limit: usize,
    ) -> Result<Page<EventRow>, StoreError> {
        let device = self.devices[junction.ix()];
        self.read_with(move |db| Ok(Page::cut(history::read(db, device, junction, &range, limit)?, limit)))
            .await
    }

    /// See [`super::Store::intervals`].
    pub async fn intervals(
        &self,
        junction: JunctionIx,
        range: Range<Moment>,
        limit: usize,
    ) -> Result<Page<IntervalRow>, StoreError> {
        let device = self.devices[junction.ix()];
        self.read_with(move |db| Ok(Page::cut(history::read(db, device, junction, &range, limit)?, limit)))
            .await
    }

    /// See [`super::Store::volumes`].
    pub async fn volumes(
        &self,
        junction: JunctionIx,
        range: Range<Moment>,
        counted: Counted,
    ) -> Result<BTreeMap<u16, u64>, StoreError> {
        let device = self.devices[junction.ix()];
        self.read_with(move |db| match counted {
            Counted::Actuations => history::volumes::<EventRow>(db, device, junction, &range),
            Counted::Vehicles => history::volumes::<IntervalRow>(db, device, junction, &range),
        })
        .await
    }

    /// See [`super::Store::decisions`].
    pub async fn decisions(
        &self,
        junction: JunctionIx,
        range: Range<Moment>,
        limit: usize,
    ) -> Result<Page<DecisionRow>, StoreError> {
        let device = self.devices[junction.ix()];
        self.read_with(move |db| {
            let mut select = db.prepare_cached(
                "SELECT number, ts, json FROM decision WHERE device = ? AND ts >= ? AND ts < ?
                 ORDER BY ts, number LIMIT ?",
            )?;
            let rows =
                select.query_map(params![device, range.start.0, range.end.0, limit as i64 + 1], |r| {
                    let number = r.get::<_, i64>(0)? as u64;
                    Ok(DecisionRow { number, at: Moment(r.get(1)?), junction, json: r.get(2)? })
                })?;
            Ok(Page::cut(rows.collect::<Result<_, _>>()?, limit))
        })
        .await
    }

    /// See [`super::Store::audit`].
    pub async fn audit(&self, after: u64, limit: usize) -> Result<Page<AuditEntry>, StoreError> {
        let instance = self.instance.clone();
        self.read_with(move |db| {
            let mut select = db.prepare_cached(
                "SELECT number, ts, entry, hash FROM audit WHERE instance = ? AND number > ? ORDER BY number LIMIT ?",
            )?;
            let rows = select.query_map(params![&*instance, after as i64, limit as i64 + 1], |r| {
                let number = r.get::<_, i64>(0)? as u64;
                Ok(AuditEntry { number, at: Moment(r.get(1)?), entry: r.get(2)?, hash: r.get(3)? })
            })?;
            Ok(Page::cut(rows.collect::<Result<_, _>>()?, limit))
        })
        .await
    }

    /// See [`super::Store::documents`].
    pub async fn documents(&self, kind: DocumentKind) -> Result<Vec<DocumentRow>, StoreError> {
        let instance = self.instance.clone();
        self.read_with(move |db| {
            let mut select = db.prepare_cached(
                "SELECT id, ts, closed, json FROM document WHERE instance = ? AND kind = ? ORDER BY id",
            )?;
            let rows = select.query_map(params![&*instance, kind.as_str()], |r| {
                Ok(DocumentRow {
                    kind,
                    id: r.get(0)?,
                    at: Moment(r.get(1)?),
                    closed: r.get(2)?,
                    json: r.get(3)?,
                })
            })?;
            rows.collect()
        })
        .await
    }

    /// See [`super::Store::forget_before`].
    pub async fn forget_before(&self, first: Moment) -> Result<(), StoreError> {
        self.make(move |maker, write| {
            let ready = history::compact(maker)?;
            write(&mut |db| {
                history::put_blocks(db, &ready)?;
                history::forget_before(db, first)?;
                db.execute("DELETE FROM decision WHERE ts < ?", [first.0])?;
                db.execute("DELETE FROM document WHERE closed AND ts < ?", [first.0]).map(drop)
            })?;
            // Hours that are over become one part each.
            loop {
                let ready = history::settle(maker)?;
                if ready.is_empty() {
                    return Ok(());
                }
                write(&mut |db| history::put_blocks(db, &ready))?;
            }
        })
        .await
    }

    /// Makes blocks: `work` reads over the maker's connection for as long as it likes, and writes what came of it in
    /// short transactions between batches.
    async fn make(
        &self,
        work: impl FnOnce(
            &Connection,
            &mut dyn FnMut(&mut dyn FnMut(&Connection) -> rusqlite::Result<()>) -> rusqlite::Result<()>,
        ) -> rusqlite::Result<()>
        + Send
        + 'static,
    ) -> Result<(), StoreError> {
        let (maker, writer) = (self.maker.clone(), self.writer.clone());
        blocking(move || {
            let maker = maker.lock().unwrap_or_else(|e| e.into_inner());
            let mut write = |change: &mut dyn FnMut(&Connection) -> rusqlite::Result<()>| {
                let mut db = writer.lock().unwrap_or_else(|e| e.into_inner());
                let db = db.transaction()?;
                change(&db)?;
                db.commit()
            };
            work(&maker, &mut write).map_err(into_error)
        })
        .await
    }

    async fn write_with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection, &str) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (db, instance) = (self.writer.clone(), self.instance.clone());
        blocking(move || {
            work(&mut db.lock().unwrap_or_else(|e| e.into_inner()), &instance).map_err(into_error)
        })
        .await
    }

    async fn read_with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let db = self.reader.clone();
        blocking(move || work(&db.lock().unwrap_or_else(|e| e.into_inner())).map_err(into_error)).await
    }
}

fn open(
    path: &Path,
    junctions: &[JunctionId],
) -> Result<([Connection; 3], Vec<i64>), Box<dyn std::error::Error>> {
    if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let mut writer = Connection::open(path)?;
    writer.busy_timeout(BUSY)?;
    writer.pragma_update(None, "journal_mode", "wal")?;
    writer.pragma_update(None, "synchronous", "full")?;
    let version: i64 = writer.pragma_query_value(None, "user_version", |r| r.get(0))?;
    let version = version as usize;
    if version > MIGRATIONS.len() {
        return Err(format!("written by a newer version of this program (schema {version})").into());
    }
    let db = writer.transaction()?;
    for (number, migration) in (1..).zip(MIGRATIONS).skip(version) {
        db.execute_batch(migration)?;
        if number == BLOCKS {
            history::from_rows(&db)?;
        }
    }
    db.pragma_update(None, "user_version", MIGRATIONS.len() as i64)?;
    let mut devices = Vec::with_capacity(junctions.len());
    {
        let mut insert = db.prepare("INSERT OR IGNORE INTO device(id) VALUES (?)")?;
        let mut select = db.prepare("SELECT number FROM device WHERE id = ?")?;
        for junction in junctions {
            insert.execute([junction.as_str()])?;
            devices.push(select.query_row([junction.as_str()], |r| r.get(0))?);
        }
    }
    db.commit()?;
    let reader = || -> rusqlite::Result<Connection> {
        let reader = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        reader.busy_timeout(BUSY)?;
        Ok(reader)
    };
    Ok(([writer, reader()?, reader()?], devices))
}

fn counter(db: &Connection, name: &str) -> rusqlite::Result<u64> {
    let value: Option<i64> =
        db.query_row("SELECT value FROM counter WHERE name = ?", [name], |r| r.get(0)).optional()?;
    Ok(value.unwrap_or(0) as u64)
}

fn set_counter(db: &Connection, name: &str, value: u64) -> rusqlite::Result<()> {
    db.execute("INSERT OR REPLACE INTO counter(name, value) VALUES (?,?)", params![name, value as i64])
        .map(drop)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.map_err(|e| unavailable(e.to_string()))?
}

fn unavailable(cause: String) -> StoreError {
    StoreError::Unavailable { kind: "embedded", cause }
}

fn into_error(error: rusqlite::Error) -> StoreError {
    // What is damaged, and what a constraint forbids, will be so the next time.
    let refused = matches!(error.sqlite_error_code(), Some(rusqlite::ErrorCode::ConstraintViolation))
        || matches!(error, rusqlite::Error::FromSqlConversionFailure(..));
    match refused {
        true => StoreError::Refused { kind: "embedded", cause: error.to_string() },
        false => unavailable(error.to_string()),
    }
}
