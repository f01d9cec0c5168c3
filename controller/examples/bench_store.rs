//! What the embedded store costs: `bench_store FOLDER [LOG]`, where FOLDER takes files of some 300 MB and LOG is a real
//! hi-res log. Beside it the same rows go into an indexed table of the same SQLite, a row a row, in the same run.
//!
//! Rows go to PostgreSQL too, over two connections, into tables of a schema of their own: to the server that SVETOFOR_POSTGRES_URL
//! names, else to one that is made for it where PostgreSQL is installed; and to the TimescaleDB that SVETOFOR_TIMESCALE_URL names.
//!
//! Batches are those of the centre: 100,000 rows of all devices as time goes by, each on disk before the next.

#![expect(clippy::disallowed_methods, reason = "a benchmark looks at the clock")]

#[expect(dead_code, reason = "tests also stop it and start it again")]
#[path = "../src/store/cluster.rs"]
mod cluster;

use anyhow::{Context, ensure};
use cluster::Cluster;
use controller::{
    measures::read,
    store::{
        Batch, Counted, EventRow,
        embedded::{Embedded, upkeep},
        postgres::Postgres,
        room::BATCH_ROWS,
    },
};
use model::{
    ids::{JunctionId, JunctionIx},
    time::Moment,
};
use rusqlite::{Connection, params};
use std::{
    io::Write as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

const DEVICES: u32 = 100;
const ROWS: usize = 5_000_000;
/// The table of rows takes a tenth; it would take minutes for all.
const PLAIN_ROWS: usize = 500_000;
const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;
/// The real log is written so many days over, so that what a file costs by itself does not show.
const DAYS: i64 = 28;

/// Rows for PostgreSQL.
const SERVER_ROWS: usize = 2_000_000;
const GOAL_SERVER_ROWS_A_SECOND: f64 = 5e5;

const GOAL_HYPERTABLE_ROWS_A_SECOND: f64 = 6.5e5;
const GOAL_HYPERTABLE_DAY: Duration = Duration::from_millis(80);

const GOAL_ROWS_A_SECOND: f64 = 2e6;
const GOAL_BYTES: f64 = 2.4;
const GOAL_HOUR: Duration = Duration::from_millis(1);
const GOAL_DAY: Duration = Duration::from_millis(5);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let (folder, log) = match args.as_slice() {
        [folder] => (folder, None),
        [folder, log] => (folder, Some(log)),
        _ => anyhow::bail!("bench_store FOLDER [LOG]"),
    };
    std::fs::create_dir_all(folder)?;
    let rows = drawn();
    let store = open(&folder.join("bench.sqlite"), DEVICES).await?;
    let cpu_before = cpu_s()?;
    let took = write(&store, &rows).await?;
    let cpu_rate = rows.len() as f64 / (cpu_s()? - cpu_before).max(1e-9);
    let rate = rows.len() as f64 / took.as_secs_f64();
    let compacted = {
        let begun = Instant::now();
        store.compact(false).await?;
        store.forget_before(Moment(i64::MIN)).await?;
        rows.len() as f64 / (took + begun.elapsed()).as_secs_f64()
    };
    let plain = plain(&folder.join("plain.sqlite"), &rows[..PLAIN_ROWS])?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{:<44}{:>14}{:>14}{:>14}", "", "blocks", "goal", "a row a row")?;
    writeln!(out, "{:<44}{rate:>14.0}{GOAL_ROWS_A_SECOND:>14.0}{plain:>14.0}", "rows/s, synchronous=FULL")?;
    writeln!(out, "{:<44}{cpu_rate:>14.0}", "rows a CPU-second, blocks made meanwhile")?;
    writeln!(out, "{:<44}{compacted:>14.0}", "rows/s, until all is compacted")?;

    let begins = rows[0].at.0;
    let hour = median(200, async |i| {
        let from = begins + i64::from(i) % 24 * HOUR_MS;
        let page = store.events(JunctionIx(i % DEVICES), Moment(from)..Moment(from + HOUR_MS), ROWS).await?;
        ensure!(page.rows.len() > 1000, "an hour has {} rows", page.rows.len());
        Ok(())
    });
    let hour = hour.await?;
    let day = Moment(begins)..Moment(begins + DAY_MS);
    let volumes = median(200, async |i| {
        let volumes = store.volumes(JunctionIx(i % DEVICES), day.clone(), Counted::Actuations).await?;
        ensure!(volumes.len() > 10, "a day has {} channels", volumes.len());
        Ok(())
    });
    let volumes = volumes.await?;
    writeln!(out, "{:<44}{:>14.3}{:>14}", "a device's hour, ms", ms(hour), ms(GOAL_HOUR))?;
    writeln!(
        out,
        "{:<44}{:>14.3}{:>14}",
        "a device's day, volume by detector, ms",
        ms(volumes),
        ms(GOAL_DAY)
    )?;
    writeln!(
        out,
        "{:<44}{:>14.2}",
        "bytes a row (random, in order of time)",
        bytes_a_row(folder, "bench.sqlite")?
    )?;

    let mut missed = vec![
        (rate < GOAL_ROWS_A_SECOND, "rows/s"),
        (hour > GOAL_HOUR, "a device's hour"),
        (volumes > GOAL_DAY, "a device's day"),
    ];
    match log {
        Some(log) => {
            let bytes = real(folder, log).await?;
            writeln!(out, "{:<44}{bytes:>14.2}{GOAL_BYTES:>14}", "bytes a real event")?;
            missed.push((bytes > GOAL_BYTES, "bytes a real event"));
        }
        None => writeln!(out, "bytes a real event: NOT MEASURED, no log was given")?,
    }
    let own = match std::env::var("SVETOFOR_POSTGRES_URL") {
        Ok(url) => Some((url.parse().context("SVETOFOR_POSTGRES_URL")?, None)),
        Err(_) => Cluster::start("-c max_wal_size=4GB").map(|cluster| (cluster.connection(), Some(cluster))),
    };
    match own {
        Some((connection, _cluster)) => {
            for indexed in [false, true] {
                let rate = server(&connection, indexed, &rows[..SERVER_ROWS]).await?;
                let with = if indexed { "with its index" } else { "without index" };
                let what = format!("PostgreSQL {with}, two connections, rows/s");
                write!(out, "{what:<58}{rate:>8.0}")?;
                if !indexed {
                    write!(out, "{GOAL_SERVER_ROWS_A_SECOND:>14.0}")?;
                    missed.push((rate < GOAL_SERVER_ROWS_A_SECOND, "PostgreSQL rows/s"));
                }
                writeln!(out)?;
            }
        }
        None => writeln!(
            out,
            "PostgreSQL: NOT MEASURED, it is not installed and SVETOFOR_POSTGRES_URL is not set"
        )?,
    }
    match std::env::var("SVETOFOR_TIMESCALE_URL") {
        Ok(url) => {
            let connection = url.parse().context("SVETOFOR_TIMESCALE_URL")?;
            let (rate, day) = hypertables(&connection, &rows).await?;
            let what = "TimescaleDB, two connections, rows/s";
            writeln!(out, "{what:<58}{rate:>8.0}{GOAL_HYPERTABLE_ROWS_A_SECOND:>14.0}")?;
            let what = "TimescaleDB, a device's day, volume by detector, ms";
            writeln!(out, "{what:<58}{:>8.1}{:>14.0}", ms(day), ms(GOAL_HYPERTABLE_DAY))?;
            missed.push((rate < GOAL_HYPERTABLE_ROWS_A_SECOND, "TimescaleDB rows/s"));
            missed.push((day > GOAL_HYPERTABLE_DAY, "TimescaleDB, a device's day"));
        }
        Err(_) => writeln!(out, "TimescaleDB: NOT MEASURED, SVETOFOR_TIMESCALE_URL is not set")?,
    }
    for file in ["bench.sqlite", "plain.sqlite", "real.sqlite"] {
        remove(&folder.join(file))?;
    }
    let missed: Vec<&str> = missed.into_iter().filter_map(|(is, what)| is.then_some(what)).collect();
    ensure!(missed.is_empty(), "missed the goal: {}", missed.join(", "));
    Ok(())
}

/// CPU time of this program, s: other work on the machine changes wall time only.
fn cpu_s() -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The name, in parentheses, may hold anything; the 14th and 15th fields are ticks in user and in system, 100 a second.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks =
        |field: usize| fields.get(field).and_then(|f| f.parse::<f64>().ok()).context("/proc/self/stat");
    Ok((ticks(11)? + ticks(12)?) / 100.0)
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// A day of all devices as time goes by: half of it detectors.
fn drawn() -> Vec<EventRow> {
    let mut random = 1_u64;
    let mut below = |n: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % n
    };
    let begins = 1_770_000_000_000 / DAY_MS * DAY_MS;
    let row = |i: usize| {
        let at = Moment(begins + (i as i64 * DAY_MS / ROWS as i64) / 100 * 100);
        let code = if below(2) == 0 { 81 + below(2) } else { below(12) } as u16;
        let param = 1 + if code > 80 { below(40) } else { below(8) } as u16;
        EventRow { at, junction: JunctionIx(below(u64::from(DEVICES)) as u32), code, param }
    };
    (0..ROWS).map(row).collect()
}

async fn open(path: &Path, devices: u32) -> anyhow::Result<Embedded> {
    remove(path)?;
    let ids = (0..devices).map(|n| JunctionId::new(format!("device-{n}"))).collect();
    Ok(Embedded::open(path.to_owned(), ids, "bench").await?)
}

async fn write(store: &Embedded, rows: &[EventRow]) -> anyhow::Result<Duration> {
    let batches: Vec<Batch> =
        rows.chunks(BATCH_ROWS).map(|events| Batch { events: events.to_vec(), ..Batch::default() }).collect();
    let begun = Instant::now();
    for batch in &batches {
        store.write(batch).await?;
    }
    Ok(begun.elapsed())
}

/// Rows a second of an indexed table.
fn plain(path: &Path, rows: &[EventRow]) -> anyhow::Result<f64> {
    remove(path)?;
    let mut db = Connection::open(path)?;
    db.pragma_update(None, "journal_mode", "wal")?;
    db.pragma_update(None, "synchronous", "full")?;
    db.execute_batch(
        "CREATE TABLE event(device INTEGER, ts INTEGER, code INTEGER, param INTEGER,
         PRIMARY KEY (device, ts, code, param)) WITHOUT ROWID",
    )?;
    let begun = Instant::now();
    for batch in rows.chunks(BATCH_ROWS) {
        let db = db.transaction()?;
        {
            let mut insert = db.prepare_cached("INSERT OR IGNORE INTO event VALUES (?,?,?,?)")?;
            for row in batch {
                insert.execute(params![row.junction.0, row.at.0, row.code, row.param])?;
            }
        }
        db.commit()?;
    }
    Ok(rows.len() as f64 / begun.elapsed().as_secs_f64())
}

/// The median time that something takes.
async fn median(
    times: u32,
    mut what: impl AsyncFnMut(u32) -> anyhow::Result<()>,
) -> anyhow::Result<Duration> {
    let mut took = Vec::new();
    for i in 0..times {
        let begun = Instant::now();
        what(i).await?;
        took.push(begun.elapsed());
    }
    took.sort();
    Ok(took[took.len() / 2])
}

/// Rows a second that a server takes over two connections.
async fn server(
    connection: &tokio_postgres::Config,
    indexed: bool,
    rows: &[EventRow],
) -> anyhow::Result<f64> {
    let schema = Schema::new(connection).await?;
    schema.begin(&rows[..1]).await?;
    if !indexed {
        schema.client.batch_execute(&format!("DROP INDEX {}.hires_event_device_ts", schema.name)).await?;
    }
    let rate = schema.write(rows).await?;
    schema.end().await?;
    Ok(rate)
}

/// The same where TimescaleDB is there, and how long a device's day takes.
async fn hypertables(
    connection: &tokio_postgres::Config,
    rows: &[EventRow],
) -> anyhow::Result<(f64, Duration)> {
    let schema = Schema::new(connection).await?;
    let store = schema.begin(&rows[..1]).await?;
    ensure!(store.kind() == "timescale", "the database has no extension timescaledb");
    let rate = schema.write(rows).await?;
    // As the policy does with what is two hours old, so with all of a day but its last hours.
    let compress = format!(
        "SELECT count(compress_chunk(chunk)) FROM show_chunks('{}.hires_event') AS chunk",
        schema.name
    );
    schema.client.batch_execute(&format!("SET search_path = {}, public; {compress}", schema.name)).await?;
    let begins = rows[0].at.0.div_euclid(DAY_MS) * DAY_MS;
    let day = median(20, async |i| {
        let device = JunctionIx(i % DEVICES);
        let volumes =
            store.volumes(device, Moment(begins)..Moment(begins + DAY_MS), Counted::Actuations).await?;
        ensure!(volumes.len() == 40, "{} detectors", volumes.len());
        Ok(())
    })
    .await?;
    schema.end().await?;
    Ok((rate, day))
}

/// A schema of its own, with the store's tables in it.
struct Schema {
    name: String,
    client: tokio_postgres::Client,
    connection: tokio_postgres::Config,
}

impl Schema {
    async fn new(connection: &tokio_postgres::Config) -> anyhow::Result<Schema> {
        let (client, task) = connection.connect(tokio_postgres::NoTls).await?;
        tokio::spawn(task);
        let name = format!("svetofor_bench_{}", std::process::id());
        client.batch_execute(&format!("CREATE SCHEMA {name}")).await?;
        let mut connection = connection.clone();
        connection.options(format!("-c search_path={name},public"));
        Ok(Schema { name, client, connection })
    }

    fn store(&self) -> Postgres {
        let ids = (0..DEVICES).map(|n| JunctionId::new(format!("device-{n}"))).collect();
        Postgres::new(self.connection.clone(), None, ids, "bench")
    }

    /// Tables are made with the first start, and partitions with the first rows.
    async fn begin(&self, rows: &[EventRow]) -> anyhow::Result<Postgres> {
        let store = self.store();
        store.start(1).await?;
        store.write(&Batch { events: rows.to_vec(), ..Batch::default() }).await?;
        Ok(store)
    }

    async fn write(&self, rows: &[EventRow]) -> anyhow::Result<f64> {
        let (one, other) = (self.store(), self.store());
        let halves = rows.split_at(rows.len() / 2);
        let begun = Instant::now();
        let into = async |store: &Postgres, rows: &[EventRow]| -> anyhow::Result<()> {
            for events in rows.chunks(BATCH_ROWS) {
                store.write(&Batch { events: events.to_vec(), ..Batch::default() }).await?;
            }
            Ok(())
        };
        tokio::try_join!(into(&one, halves.0), into(&other, halves.1))?;
        Ok(rows.len() as f64 / begun.elapsed().as_secs_f64())
    }

    async fn end(self) -> anyhow::Result<()> {
        self.client.batch_execute(&format!("DROP SCHEMA {} CASCADE", self.name)).await?;
        Ok(())
    }
}

/// Bytes that an event of a real log takes, all that the file holds included.
async fn real(folder: &Path, log: &Path) -> anyhow::Result<f64> {
    let log = read::events(log).with_context(|| format!("could not read {}", log.display()))?;
    let mut rows = Vec::new();
    for day in 0..DAYS {
        for (junction, events) in (0..).map(JunctionIx).zip(log.devices.values()) {
            rows.extend(events.iter().map(|e| EventRow {
                at: Moment(e.at.0 + day * DAY_MS),
                junction,
                code: e.code.0,
                param: e.param,
            }));
        }
    }
    rows.sort_by_key(|row| row.at);
    let store = open(&folder.join("real.sqlite"), log.devices.len() as u32).await?;
    write(&store, &rows).await?;
    store.compact(false).await?;
    store.forget_before(Moment(i64::MIN)).await?;
    drop(store);
    bytes_a_row(folder, "real.sqlite")
}

fn bytes_a_row(folder: &Path, file: &str) -> anyhow::Result<f64> {
    let path = folder.join(file);
    let holds = upkeep::check(&path)?;
    let db = Connection::open(&path)?;
    let number = |pragma: &str| db.pragma_query_value(None, pragma, |r| r.get::<_, i64>(0));
    // Pages that are free take the next rows.
    let used = (number("page_count")? - number("freelist_count")?) * number("page_size")?;
    Ok(used as f64 / holds.events as f64)
}

fn remove(path: &Path) -> anyhow::Result<()> {
    for ending in ["", "-wal", "-shm"] {
        let mut file = path.as_os_str().to_owned();
        file.push(ending);
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok(())
}
