//! The store on a server: PostgreSQL 15 or newer. With the timescaledb extension the tables are
//! hypertables, without it native partitions by day. Rows go in by binary COPY, a batch a transaction.
//!
//! Connections are made when they are needed and made anew after a failure, so the server may come later
//! than the centre and go away at any time.

mod copy;

use super::{
    AuditRow, Batch, Counted, DecisionRow, DocumentKind, DocumentRow, EventRow, IntervalRow, Page, Started,
    StoreError,
    audit::{self, AuditEntry},
};
use copy::{Copy, from_micros, micros};
use model::{
    ids::{JunctionId, JunctionIx},
    time::Moment,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::{Mutex, MutexGuard};
use tokio_postgres::{Client, Connection, NoTls, Transaction};
use tokio_postgres_rustls::MakeRustlsConnect;
use uuid::Uuid;
use wire::link::tls::TlsFiles;

/// How long one connect, batch or query may take before the connection is given up.
const PATIENCE: Duration = Duration::from_secs(30);
/// Names our migrations among the advisory locks of the database ("svetofor" in ASCII).
const MIGRATION_LOCK: i64 = 0x7376_6574_6f66_6f72;
/// The tables that are partitioned by time.
const SERIES: [&str; 3] = ["hires_event", "detector_obs", "decision"];
/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// A PostgreSQL server.
#[derive(Clone, Debug)]
pub struct Postgres(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    connection: tokio_postgres::Config,
    tls: Option<TlsFiles>,
    junctions: Vec<JunctionId>,
    instance: String,
    hypertables: AtomicBool,
    // Two connections, so that a person's long question does not make the rows wait.
    writer: Mutex<Option<Session>>,
    reader: Mutex<Option<Session>>,
}

/// A connection with what was learned over it.
#[derive(Debug)]
struct Session {
    client: Client,
    devices: Vec<i32>,
    hypertables: bool,
    /// Days whose partitions are there.
    days: BTreeSet<i64>,
    /// How many rows of each kind that run of the centre has written.
    written: Option<(Uuid, [u64; 5])>,
}

type Failure = tokio_postgres::Error;

impl Postgres {
    /// A server that nobody has spoken to yet; with `tls`, over an encrypted line.
    pub fn new(
        connection: tokio_postgres::Config,
        tls: Option<TlsFiles>,
        junctions: Vec<JunctionId>,
        instance: &str,
    ) -> Postgres {
        Postgres(Arc::new(Inner {
            connection,
            tls,
            junctions,
            instance: instance.to_owned(),
            hypertables: AtomicBool::new(false),
            writer: Mutex::new(None),
            reader: Mutex::new(None),
        }))
    }

    /// `timescale` once hypertables have been seen, else `postgres`.
    pub fn kind(&self) -> &'static str {
        if self.0.hypertables.load(Ordering::Relaxed) { "timescale" } else { "postgres" }
    }

    /// See [`super::Store::start`].
    pub async fn start(&self, at_least: u64) -> Result<Started, StoreError> {
        self.with(&self.0.writer, async |session, _| {
            let rows = session
                .client
                .query(
                    "INSERT INTO counter(name, value) VALUES ('epoch', $1)
                     ON CONFLICT (name) DO UPDATE SET value = greatest(counter.value + 1, $1) RETURNING value",
                    &[&(at_least.max(1) as i64)],
                )
                .await?;
            let epoch = rows[0].get::<_, i64>(0) as u64;
            let rows = session.client.query("SELECT value FROM counter WHERE name = 'decision'", &[]).await?;
            let decisions = rows.first().map_or(0, |r| r.get::<_, i64>(0)) as u64;
            Ok(Started { epoch, decisions })
        })
        .await
    }

    /// See [`super::Store::write`].
    pub async fn write(&self, batch: &Batch) -> Result<(), StoreError> {
        self.with(&self.0.writer, async |session, instance| {
            if !session.hypertables {
                session.make_partitions(batch).await?;
            }
            let [skip, up_to] = session.places(instance, batch).await?;
            let tx = session.client.transaction().await?;
            let device = |j: JunctionIx| session.devices[j.ix()];
            let events = &batch.events[skip[0]..];
            if !events.is_empty() {
                let mut copy =
                    Copy::begin(&tx, "COPY hires_event(ts, device, code, param) FROM STDIN BINARY").await?;
                for e in events {
                    copy.row(4)
                        .timestamp(e.at)
                        .int4(device(e.junction))
                        .int2(e.code as i16)
                        .int2(e.param as i16);
                    copy.flush().await?;
                }
                copy.finish().await?;
            }
            let intervals = &batch.intervals[skip[1]..];
            if !intervals.is_empty() {
                let sql =
                    "COPY detector_obs(ts, device, channel, count, occ, speed, flags) FROM STDIN BINARY";
                let mut copy = Copy::begin(&tx, sql).await?;
                for i in intervals {
                    copy.row(7)
                        .timestamp(i.at)
                        .int4(device(i.junction))
                        .int2(i.channel as i16)
                        .int2(i.count as i16)
                        .real(Some(i.occupancy))
                        .real(i.speed_mps)
                        .int2(i16::from(i.flags));
                    copy.flush().await?;
                }
                copy.finish().await?;
            }
            let decisions = &batch.decisions[skip[2]..];
            if !decisions.is_empty() {
                let mut copy =
                    Copy::begin(&tx, "COPY decision(number, ts, device, json) FROM STDIN BINARY").await?;
                for d in decisions {
                    copy.row(4).int8(d.number as i64).timestamp(d.at).int4(device(d.junction)).text(&d.json);
                    copy.flush().await?;
                }
                copy.finish().await?;
                let last = decisions.iter().map(|d| d.number).max().unwrap_or(0) as i64;
                tx.execute(
                    "INSERT INTO counter(name, value) VALUES ('decision', $1)
                     ON CONFLICT (name) DO UPDATE SET value = greatest(counter.value, $1)",
                    &[&last],
                )
                .await?;
            }
            append_audit(&tx, instance, &batch.audit[skip[3]..]).await?;
            for d in &batch.documents[skip[4]..] {
                let sql = "INSERT INTO document(instance, kind, id, ts, closed, json)
                           VALUES ($1, $2, $3, 'epoch'::timestamptz + $4 * interval '1 microsecond', $5, $6::text::jsonb)
                           ON CONFLICT (instance, kind, id) DO UPDATE
                           SET ts = excluded.ts, closed = excluded.closed, json = excluded.json";
                let at = micros(d.at) as f64;
                tx.execute(sql, &[&instance, &d.kind.as_str(), &d.id, &at, &d.closed, &d.json]).await?;
            }
            if let Some(place) = batch.place {
                let numbers = up_to.map(|rows| rows as i64).to_vec();
                let sql = "INSERT INTO written(instance, run, up_to) VALUES ($1, $2, $3)
                           ON CONFLICT (instance) DO UPDATE SET run = excluded.run, up_to = excluded.up_to";
                tx.execute(sql, &[&instance, &place.run.to_string(), &numbers]).await?;
            }
            tx.commit().await?;
            session.written = batch.place.map(|place| (place.run, up_to.map(|rows| rows as u64)));
            Ok(())
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
        self.with(&self.0.reader, async |session, _| {
            let sql = format!(
                "SELECT DISTINCT {TS}, code, param FROM hires_event WHERE device = $1 AND {RANGE}
                 ORDER BY 1, code, param LIMIT $4"
            );
            let rows = session.select(&sql, junction, &range, limit).await?;
            let rows = rows.iter().map(|r| EventRow {
                at: from_micros(r.get(0)),
                junction,
                code: r.get::<_, i16>(1) as u16,
                param: r.get::<_, i16>(2) as u16,
            });
            Ok(Page::cut(rows.collect(), limit))
        })
        .await
    }

    /// See [`super::Store::intervals`].
    pub async fn intervals(
        &self,
        junction: JunctionIx,
        range: Range<Moment>,
        limit: usize,
    ) -> Result<Page<IntervalRow>, StoreError> {
        self.with(&self.0.reader, async |session, _| {
            let sql = format!(
                "SELECT {TS}, channel, count, occ, speed, flags FROM detector_obs WHERE device = $1 AND {RANGE}
                 ORDER BY ts, channel, flags, count LIMIT $4"
            );
            let rows = session.select(&sql, junction, &range, limit).await?;
            let rows = rows.iter().map(|r| IntervalRow {
                at: from_micros(r.get(0)),
                junction,
                channel: r.get::<_, i16>(1) as u16,
                count: r.get::<_, i16>(2) as u16,
                occupancy: r.get(3),
                speed_mps: r.get(4),
                flags: r.get::<_, i16>(5) as u8,
            });
            Ok(Page::cut(rows.collect(), limit))
        })
        .await
    }

    /// See [`super::Store::volumes`].
    pub async fn volumes(
        &self,
        junction: JunctionIx,
        range: Range<Moment>,
        counted: Counted,
    ) -> Result<BTreeMap<u16, u64>, StoreError> {
        self.with(&self.0.reader, async |session, _| {
            let sql = match counted {
                Counted::Actuations => format!(
                    "SELECT param, count(DISTINCT ts) FROM hires_event WHERE device = $1 AND {RANGE} AND code = 82
                     GROUP BY param ORDER BY param LIMIT $4"
                ),
                Counted::Vehicles => format!(
                    "SELECT channel, sum(count::int8 & 65535)::int8 FROM detector_obs WHERE device = $1 AND {RANGE}
                     AND count <> 0 GROUP BY channel ORDER BY channel LIMIT $4"
                ),
            };
            // There are 65,536 channels at most.
            let rows = session.select(&sql, junction, &range, 1 << 16).await?;
            Ok(rows.iter().map(|r| (r.get::<_, i16>(0) as u16, r.get::<_, i64>(1) as u64)).collect())
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
        self.with(&self.0.reader, async |session, _| {
            let sql = format!(
                "SELECT {TS}, number, json::text FROM decision WHERE device = $1 AND {RANGE}
                 ORDER BY ts, number LIMIT $4"
            );
            let rows = session.select(&sql, junction, &range, limit).await?;
            let rows = rows.iter().map(|r| DecisionRow {
                number: r.get::<_, i64>(1) as u64,
                at: from_micros(r.get(0)),
                junction,
                json: r.get(2),
            });
            Ok(Page::cut(rows.collect(), limit))
        })
        .await
    }

    /// See [`super::Store::audit`].
    pub async fn audit(&self, after: u64, limit: usize) -> Result<Page<AuditEntry>, StoreError> {
        self.with(&self.0.reader, async |session, instance| {
            let sql = format!(
                "SELECT number, {TS}, entry, hash FROM audit WHERE instance = $1 AND number > $2 ORDER BY number LIMIT $3"
            );
            let rows = session.client.query(&sql, &[&instance, &(after as i64), &(limit as i64 + 1)]).await?;
            let rows = rows.iter().map(|r| AuditEntry {
                number: r.get::<_, i64>(0) as u64,
                at: from_micros(r.get(1)),
                entry: r.get(2),
                hash: hash_of(r.get(3)),
            });
            Ok(Page::cut(rows.collect(), limit))
        })
        .await
    }

    /// See [`super::Store::documents`].
    pub async fn documents(&self, kind: DocumentKind) -> Result<Vec<DocumentRow>, StoreError> {
        self.with(&self.0.reader, async |session, instance| {
            let sql = format!(
                "SELECT id, {TS}, closed, json::text FROM document WHERE instance = $1 AND kind = $2
                 ORDER BY id COLLATE \"C\""
            );
            let rows = session.client.query(&sql, &[&instance, &kind.as_str()]).await?;
            let row = |r: &tokio_postgres::Row| DocumentRow {
                kind,
                id: r.get(0),
                at: from_micros(r.get(1)),
                closed: r.get(2),
                json: r.get(3),
            };
            Ok(rows.iter().map(row).collect())
        })
        .await
    }

    /// See [`super::Store::forget_before`]. Whole days (or chunks) go at once.
    pub async fn forget_before(&self, first: Moment) -> Result<(), StoreError> {
        self.with(&self.0.writer, async |session, _| {
            let sql = format!("DELETE FROM document WHERE closed AND ts < '{}'::timestamptz", iso(first));
            session.client.batch_execute(&sql).await?;
            for table in SERIES {
                if session.hypertables {
                    let sql = format!("SELECT drop_chunks('{table}', '{}'::timestamptz)", iso(first));
                    session.client.batch_execute(&sql).await?;
                    continue;
                }
                let parts = session
                    .client
                    .query("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = $1::text::regclass", &[&table])
                    .await?;
                let first_kept = partition(table, first.0.div_euclid(DAY_MS));
                for part in parts.iter().map(|r| r.get::<_, String>(0)).filter(|p| *p < first_kept) {
                    session.client.batch_execute(&format!("DROP TABLE IF EXISTS {part}")).await?;
                }
                session.days.retain(|&day| day >= first.0.div_euclid(DAY_MS));
            }
            Ok(())
        })
        .await
    }

    /// Does `work` over a connection, which is made first if there is none. After a failure of the line the
    /// connection is given up; the caller decides whether to come again.
    async fn with<T>(
        &self,
        seat: &Mutex<Option<Session>>,
        work: impl AsyncFnOnce(&mut Session, &str) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        let attempt = async {
            let mut seat = seat.lock().await;
            if seat.as_ref().is_none_or(|s| s.client.is_closed()) {
                *seat = Some(self.connect().await?);
            }
            let done = Seated { seat, whole: false };
            done.work(work, &self.0.instance).await
        };
        match tokio::time::timeout(PATIENCE, attempt).await {
            Ok(answer) => answer,
            Err(_) => Err(unavailable(format!("no answer within {} s", PATIENCE.as_secs()))),
        }
    }

    async fn connect(&self) -> Result<Session, StoreError> {
        let mut client = match &self.0.tls {
            None => {
                let (client, connection) = self.0.connection.connect(NoTls).await.map_err(into_error)?;
                watch(connection);
                client
            }
            // Read anew each time, so that a renewal needs no restart.
            Some(files) => {
                let tls = files.load().map_err(|error| unavailable(error.to_string()))?;
                let tls = MakeRustlsConnect::new(Arc::unwrap_or_clone(tls));
                let (client, connection) = self.0.connection.connect(tls).await.map_err(into_error)?;
                watch(connection);
                client
            }
        };
        let hypertables = migrate(&mut client).await.map_err(into_error)?;
        self.0.hypertables.store(hypertables, Ordering::Relaxed);
        let devices = devices(&mut client, &self.0.junctions).await.map_err(into_error)?;
        // What nobody waits for any more must not keep the server busy.
        let timeout = format!("SET statement_timeout = '{}s'", PATIENCE.as_secs());
        client.batch_execute(&timeout).await.map_err(into_error)?;
        Ok(Session { client, devices, hypertables, days: BTreeSet::new(), written: None })
    }
}

/// Drives a line until its client is dropped or it breaks; the client then says so.
fn watch<S, T>(connection: Connection<S, T>)
where
    Connection<S, T>: Future<Output = Result<(), Failure>> + Send + 'static,
{
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "the store's connection ended");
        }
    });
}

/// A session at work. If the work ends badly, or is abandoned half way, the session is thrown away: nobody
/// knows in what state its transaction is.
struct Seated<'a> {
    seat: MutexGuard<'a, Option<Session>>,
    whole: bool,
}

impl Seated<'_> {
    async fn work<T>(
        mut self,
        work: impl AsyncFnOnce(&mut Session, &str) -> Result<T, Failure>,
        instance: &str,
    ) -> Result<T, StoreError> {
        let session = self.seat.as_mut().expect("the caller put it there");
        let answer = work(session, instance).await.map_err(into_error);
        self.whole = answer.is_ok();
        answer
    }
}

impl Drop for Seated<'_> {
    fn drop(&mut self) {
        if !self.whole {
            *self.seat = None;
        }
    }
}

/// Microseconds since 1970 of column `ts`, as an integer: the crate's own date types are not needed.
const TS: &str = "(extract(epoch FROM ts) * 1000000)::int8";
/// `ts` lies between parameters 2 and 3, microseconds since 1970.
const RANGE: &str = "ts >= 'epoch'::timestamptz + $2 * interval '1 microsecond' \
                     AND ts < 'epoch'::timestamptz + $3 * interval '1 microsecond'";

impl Session {
    async fn select(
        &self,
        sql: &str,
        junction: JunctionIx,
        range: &Range<Moment>,
        limit: usize,
    ) -> Result<Vec<tokio_postgres::Row>, Failure> {
        let (from, to) = (micros(range.start) as f64, micros(range.end) as f64);
        // One more than asked for tells whether there are more.
        let most = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
        self.client.query(sql, &[&self.devices[junction.ix()], &from, &to, &most]).await
    }

    /// How many rows of each kind are there already, of this batch and of all; the latter once it is written.
    async fn places(&mut self, instance: &str, batch: &Batch) -> Result<[[usize; 5]; 2], Failure> {
        let Some(place) = batch.place else { return Ok([[0; 5]; 2]) };
        let before = match self.written.filter(|(run, _)| *run == place.run) {
            Some((_, before)) => before,
            // The line is new: the batch may be one that it was lost with.
            None => {
                let sql = "SELECT up_to FROM written WHERE instance = $1 AND run = $2";
                let rows = self.client.query(sql, &[&instance, &place.run.to_string()]).await?;
                let told: Vec<i64> = rows.first().map_or_else(Vec::new, |row| row.get(0));
                std::array::from_fn(|kind| told.get(kind).map_or(0, |rows| *rows as u64))
            }
        };
        let lengths = batch.lengths();
        let skip = std::array::from_fn(|kind| {
            (before[kind].saturating_sub(place.first[kind]) as usize).min(lengths[kind])
        });
        let up_to = std::array::from_fn(|kind| match lengths[kind] {
            0 => before[kind] as usize,
            rows => before[kind].max(place.first[kind] + rows as u64) as usize,
        });
        Ok([skip, up_to])
    }

    async fn make_partitions(&mut self, batch: &Batch) -> Result<(), Failure> {
        let moments = (batch.events.iter().map(|e| e.at))
            .chain(batch.intervals.iter().map(|i| i.at))
            .chain(batch.decisions.iter().map(|d| d.at));
        let days: BTreeSet<i64> = moments.map(|m| m.0.div_euclid(DAY_MS)).collect();
        for day in days.into_iter().filter(|d| !self.days.contains(d)).collect::<Vec<_>>() {
            let tx = self.client.transaction().await?;
            // Two centres may come to the same new day at the same moment.
            tx.execute("SELECT pg_advisory_xact_lock($1)", &[&MIGRATION_LOCK]).await?;
            for table in SERIES {
                let (from, to) = (iso(Moment(day * DAY_MS)), iso(Moment((day + 1) * DAY_MS)));
                let name = partition(table, day);
                let sql = format!(
                    "CREATE TABLE IF NOT EXISTS {name} PARTITION OF {table} FOR VALUES FROM ('{from}') TO ('{to}')"
                );
                tx.batch_execute(&sql).await?;
            }
            tx.commit().await?;
            self.days.insert(day);
        }
        Ok(())
    }
}

/// Brings the database to this program's schema. True if its tables are hypertables.
async fn migrate(client: &mut Client) -> Result<bool, Failure> {
    let tx = client.transaction().await?;
    tx.execute("SELECT pg_advisory_xact_lock($1)", &[&MIGRATION_LOCK]).await?;
    tx.batch_execute(
        "CREATE TABLE IF NOT EXISTS migration(version int4 PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())",
    )
    .await?;
    let rows = tx.query("SELECT coalesce(max(version), 0) FROM migration", &[]).await?;
    let version = rows[0].get::<_, i32>(0);
    if version < 1 {
        let timescale = tx.query("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'", &[]).await?;
        tx.batch_execute(include_str!("postgres/1.sql")).await?;
        if timescale.is_empty() {
            tx.batch_execute(include_str!("postgres/1-partitions.sql")).await?;
        } else {
            tx.batch_execute(include_str!("postgres/1-hypertables.sql")).await?;
            let licence = tx.query_one("SELECT current_setting('timescaledb.license')", &[]).await?;
            tx.batch_execute(match licence.get::<_, &str>(0) {
                "timescale" => include_str!("postgres/1-columnstore.sql"),
                _ => include_str!("postgres/1-rowstore.sql"),
            })
            .await?;
        }
        tx.execute("INSERT INTO migration(version) VALUES (1)", &[]).await?;
    }
    for (number, sql) in [(2, include_str!("postgres/2.sql")), (3, include_str!("postgres/3.sql"))] {
        if version < number {
            tx.batch_execute(sql).await?;
            tx.execute("INSERT INTO migration(version) VALUES ($1)", &[&number]).await?;
        }
    }
    // What the tables were made as, not what is installed now: an extension that came later changes nothing.
    let rows = tx.query("SELECT value = 1 FROM counter WHERE name = 'hypertables'", &[]).await?;
    let hypertables = rows.first().is_some_and(|r| r.get(0));
    tx.commit().await?;
    Ok(hypertables)
}

/// The store's number for each junction, in their order.
async fn devices(client: &mut Client, junctions: &[JunctionId]) -> Result<Vec<i32>, Failure> {
    let ids: Vec<&str> = junctions.iter().map(JunctionId::as_str).collect();
    client
        .execute("INSERT INTO device(id) SELECT unnest($1::text[]) ON CONFLICT (id) DO NOTHING", &[&ids])
        .await?;
    let rows = client.query("SELECT id, number FROM device WHERE id = ANY($1::text[])", &[&ids]).await?;
    let numbers: std::collections::BTreeMap<String, i32> =
        rows.iter().map(|r| (r.get(0), r.get(1))).collect();
    Ok(ids.iter().map(|id| numbers[*id]).collect())
}

async fn append_audit(tx: &Transaction<'_>, instance: &str, rows: &[AuditRow]) -> Result<(), Failure> {
    if rows.is_empty() {
        return Ok(());
    }
    let last = tx
        .query(
            "SELECT number, hash FROM audit WHERE instance = $1 ORDER BY number DESC LIMIT 1",
            &[&instance],
        )
        .await?;
    let last = last.first().map_or((0, audit::GENESIS), |r| (r.get::<_, i64>(0) as u64, hash_of(r.get(1))));
    let chain = audit::chain(last, rows);
    let numbers: Vec<i64> = chain.iter().map(|e| e.number as i64).collect();
    let at: Vec<f64> = chain.iter().map(|e| micros(e.at) as f64).collect();
    let entries: Vec<&str> = chain.iter().map(|e| e.entry.as_str()).collect();
    let hashes: Vec<&[u8]> = chain.iter().map(|e| e.hash.as_slice()).collect();
    // An order for the whole city is a line for each junction: one statement for all of them.
    let sql = "INSERT INTO audit(instance, number, ts, entry, hash)
               SELECT $1, number, 'epoch'::timestamptz + us * interval '1 microsecond', entry, hash
               FROM unnest($2::int8[], $3::float8[], $4::text[], $5::bytea[]) AS line(number, us, entry, hash)";
    tx.execute(sql, &[&instance, &numbers, &at, &entries, &hashes]).await?;
    Ok(())
}

/// A hash of the wrong length is no hash of ours; zeros show as a broken chain.
fn hash_of(bytes: Vec<u8>) -> audit::Hash {
    bytes.try_into().unwrap_or(audit::GENESIS)
}

/// `hires_event_20261122`.
fn partition(table: &str, day: i64) -> String {
    let date = jiff::Timestamp::from_millisecond(day * DAY_MS).map(|t| t.strftime("%Y%m%d").to_string());
    format!("{table}_{}", date.unwrap_or_default())
}

fn iso(at: Moment) -> String {
    jiff::Timestamp::from_millisecond(at.0).unwrap_or_default().to_string()
}

fn unavailable(cause: String) -> StoreError {
    StoreError::Unavailable { kind: "postgres", cause }
}

fn into_error(error: Failure) -> StoreError {
    let Some(db) = error.as_db_error() else {
        let source = std::error::Error::source(&error).map(|s| format!(": {s}")).unwrap_or_default();
        return unavailable(format!("{error}{source}"));
    };
    // Classes of SQLSTATE: 22 bad data, 23 a broken constraint, 42 wrong SQL or no such table. The rest
    // (shutting down, too many connections, disk full, read only, deadlock) passes.
    match &db.code().code()[..2] {
        "22" | "23" | "42" => StoreError::Refused { kind: "postgres", cause: db.to_string() },
        _ => unavailable(db.to_string()),
    }
}
