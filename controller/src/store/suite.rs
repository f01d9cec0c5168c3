//! One suite over every store: the same rows in, the same answers out. PostgreSQL is a private cluster in a
//! temporary folder, on a socket of its own. With SVETOFOR_TIMESCALE_URL the suite also runs there.

use super::{
    audit,
    cluster::{BINARIES, Cluster},
    receipts::Receipt,
    room::{Room, write_down},
    *,
};
use crate::config::StoreConfig;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use wire::{clock::Clock, link::tls::TlsFiles, topic::StatusCode};

const T0: i64 = 1_770_000_000_000;
const A: JunctionIx = JunctionIx(0);
const B: JunctionIx = JunctionIx(1);

fn junctions() -> Vec<JunctionId> {
    ["tverskaya-1", "tverskaya-2"].map(JunctionId::new).to_vec()
}

fn receipt(seq: u64) -> Option<Receipt> {
    Some(Receipt { junction: A, code: StatusCode::Events, boot_id: Uuid::nil(), seq })
}

fn event(junction: JunctionIx, ms: i64, code: u16, param: u16) -> EventRow {
    EventRow { at: Moment(T0 + ms), junction, code, param }
}

fn interval(junction: JunctionIx, ms: i64, channel: u16, count: u16) -> IntervalRow {
    let speed_mps = (count > 0).then_some(11.1);
    IntervalRow {
        at: Moment(T0 + ms),
        junction,
        channel,
        count,
        occupancy: 0.123,
        speed_mps,
        flags: FLAG_FAULT,
    }
}

fn decision(number: u64, ms: i64) -> DecisionRow {
    let json = format!("{{\"number\":{number},\"facts\":{{\"gap_s\":1.5}}}}");
    DecisionRow { number, at: Moment(T0 + ms), junction: A, json }
}

fn audit_line(text: &str) -> AuditRow {
    AuditRow { at: Moment(T0), entry: text.to_owned() }
}

fn from(ms: i64) -> Moment {
    Moment(T0 + ms)
}

/// All that a store promises, but for outages.
async fn check(open: impl AsyncFn() -> Store) {
    let store = open().await;
    let first = store.start(5).await.unwrap();
    assert_eq!(first, Started { epoch: 5, decisions: 0 });

    let day = 86_400_000;
    let batch = Batch {
        place: None,
        events: vec![
            event(A, 200, 82, 3),
            event(A, 100, 1, 2),
            event(A, 100, 1, 2), // delivered twice
            event(A, 100, 0xffff, 0xfffe),
            event(B, 100, 1, 9),
            event(A, 3 * day, 7, 2), // another partition
        ],
        intervals: vec![interval(A, 20_000, 2, 7), interval(A, 20_000, 1, 0), interval(B, 20_000, 1, 5)],
        decisions: vec![decision(1, 0), decision(2, 500)],
        audit: vec![audit_line("one"), audit_line("two")],
        documents: Vec::new(),
    };
    store.write(&batch).await.unwrap();
    store.write(&Batch { audit: vec![audit_line("three")], ..Batch::default() }).await.unwrap();
    store.write(&Batch::default()).await.unwrap();

    let page = store.events(A, from(0)..from(1000), 10).await.unwrap();
    let mut rows = page.rows.clone();
    rows.sort();
    // Codes past 32,767 are stored as they fit; they come back whole, in either order.
    assert_eq!(rows, [event(A, 100, 1, 2), event(A, 100, 0xffff, 0xfffe), event(A, 200, 82, 3)]);
    assert!(!page.truncated);
    let page = store.events(A, from(0)..from(4 * day), 3).await.unwrap();
    assert_eq!((page.rows.len(), page.truncated), (3, true));
    // The range takes its start in and leaves its end out.
    let page = store.events(A, from(200)..from(3 * day), 10).await.unwrap();
    assert_eq!(page.rows, [event(A, 200, 82, 3)]);

    let all = store.intervals(A, from(0)..from(day), usize::MAX >> 1).await.unwrap();
    let page = store.intervals(A, from(0)..from(day), 10).await.unwrap();
    assert_eq!(all.rows, page.rows, "as much as there is may be asked for");
    assert_eq!(
        page,
        Page { rows: vec![interval(A, 20_000, 1, 0), interval(A, 20_000, 2, 7)], truncated: false }
    );
    let page = store.decisions(A, from(0)..from(501), 10).await.unwrap();
    assert_eq!(page, Page { rows: vec![decision(1, 0), decision(2, 500)], truncated: false });
    assert_eq!(store.decisions(B, from(0)..from(501), 10).await.unwrap().rows, []);

    let entries = store.audit(0, 10).await.unwrap().rows;
    assert_eq!(entries.iter().map(|e| e.entry.as_str()).collect::<Vec<_>>(), ["one", "two", "three"]);
    assert_eq!(audit::first_broken(&entries), None);
    let page = store.audit(1, 1).await.unwrap();
    assert_eq!((page.rows[0].number, page.truncated), (2, true));

    // Volumes: what came twice counts once, and a range is a range.
    let ever = from(0)..from(4 * day);
    let actuations = store.volumes(A, ever.clone(), Counted::Actuations).await.unwrap();
    let (mut wanted, events) = (BTreeMap::new(), store.events(A, ever.clone(), 1000).await.unwrap().rows);
    events.iter().filter(|e| e.code == 82).for_each(|e| *wanted.entry(e.param).or_insert(0) += 1);
    assert_eq!(actuations, wanted);
    assert!(!actuations.is_empty());
    assert_eq!(store.volumes(A, from(0)..from(day), Counted::Vehicles).await.unwrap(), [(2, 7)].into());
    assert_eq!(store.volumes(B, ever, Counted::Vehicles).await.unwrap(), [(1, 5)].into());

    // Of a document the newest state is kept.
    let document = |id: &str, ms: i64, closed: bool, n: u8| DocumentRow {
        kind: DocumentKind::Ticket,
        id: id.to_owned(),
        at: from(ms),
        closed,
        json: format!("{{\"n\": {n}}}"),
    };
    let written = [document("2", 0, false, 1), document("1", 5, true, 2), document("2", 9, false, 3)];
    store.write(&Batch { documents: written.to_vec(), ..Batch::default() }).await.unwrap();
    let newest = [document("1", 5, true, 2), document("2", 9, false, 3)];
    assert_eq!(store.documents(DocumentKind::Ticket).await.unwrap(), newest);
    assert_eq!(store.documents(DocumentKind::Draft).await.unwrap(), []);

    // A second start has a higher epoch, goes on counting, and finds the devices under their names.
    drop(store);
    let store = open().await;
    assert_eq!(store.start(1).await.unwrap(), Started { epoch: 6, decisions: 2 });
    assert_eq!(store.start(100).await.unwrap().epoch, 100);
    assert_eq!(store.events(B, from(0)..from(1000), 10).await.unwrap().rows, [event(B, 100, 1, 9)]);
    store.write(&Batch { audit: vec![audit_line("four")], ..Batch::default() }).await.unwrap();
    assert_eq!(audit::first_broken(&store.audit(0, 10).await.unwrap().rows), None);

    // Old rows go, newer ones and the audit stay.
    store.forget_before(from(2 * day)).await.unwrap();
    assert_eq!(store.events(A, from(0)..from(1000), 10).await.unwrap().rows, []);
    assert_eq!(store.events(A, from(0)..from(4 * day), 10).await.unwrap().rows.len(), 1);
    assert_eq!(store.audit(0, 10).await.unwrap().rows.len(), 4);
    assert_eq!(store.documents(DocumentKind::Ticket).await.unwrap(), newest[1..], "open ones stay");
}

fn embedded(path: &Path) -> StoreConfig {
    StoreConfig::Embedded { path: path.to_owned(), keep: Duration::from_secs(86_400) }
}

async fn open(config: &StoreConfig) -> Store {
    Store::open(config, &junctions(), "centre-1").await.unwrap()
}

#[tokio::test]
async fn the_embedded_store_keeps_its_promises() {
    let folder = tempfile::tempdir().unwrap();
    let config = embedded(&folder.path().join("new/folder/centre.sqlite"));
    check(async || open(&config).await).await;
}

#[tokio::test]
async fn a_file_that_cannot_be_opened_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("centre.sqlite");
    std::fs::write(&path, "this is no database, but it is long enough to look at").unwrap();
    let error = Store::open(&embedded(&path), &junctions(), "centre-1").await.unwrap_err().to_string();
    assert!(error.contains("centre.sqlite") && error.contains("not a database"), "{error}");
}

/// Says so past the test harness, which would swallow it.
fn skipped(why: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}

/// `None` where PostgreSQL is not installed. Nothing of it outlives the test, so it need not wait for the disk.
fn cluster() -> Option<Cluster> {
    let cluster = Cluster::start("-c fsync=off");
    if cluster.is_none() {
        skipped(&format!("no PostgreSQL in {BINARIES}"));
    }
    cluster
}

fn of(cluster: &Cluster) -> StoreConfig {
    let keep = Duration::from_secs(86_400);
    StoreConfig::Postgres { connection: Box::new(cluster.connection()), tls: None, password: None, keep }
}

#[tokio::test]
async fn plain_postgresql_gives_the_same_answers() {
    let Some(cluster) = cluster() else { return };
    let config = of(&cluster);
    check(async || open(&config).await).await;
}

/// The server took a batch and the line broke before it could say so: what is written again is not there twice.
#[tokio::test]
async fn a_batch_whose_answer_was_lost_is_written_once() {
    let Some(cluster) = cluster() else { return };
    let config = of(&cluster);
    let store = open(&config).await;
    let place = |run: u128, events: u64, intervals: u64| {
        Some(Place { run: Uuid::from_u128(run), first: [events, intervals, 0, 0, 0] })
    };
    let line = |n: i64| AuditRow { at: Moment(T0 + n), entry: format!("line {n}") };
    let first = Batch {
        events: vec![event(A, 1, 1, 1), event(A, 2, 1, 1)],
        intervals: vec![interval(A, 1, 1, 3)],
        audit: vec![line(1)],
        place: place(1, 0, 0),
        ..Batch::default()
    };
    store.write(&first).await.unwrap();
    // It comes again over a new line, with what came meanwhile.
    let mut again = first.clone();
    again.events.push(event(A, 3, 1, 1));
    again.audit.push(line(2));
    let store = open(&config).await;
    store.write(&again).await.unwrap();
    // And the next one over the same line; another life of the program begins to count anew.
    let next = Batch {
        events: vec![event(A, 4, 1, 1)],
        intervals: vec![interval(A, 2, 1, 4)],
        place: place(1, 3, 1),
        ..Batch::default()
    };
    store.write(&next).await.unwrap();
    let other_life = Batch { events: vec![event(A, 5, 1, 1)], place: place(2, 0, 0), ..Batch::default() };
    store.write(&other_life).await.unwrap();

    let (client, task) = cluster.connection().connect(tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(task);
    let count = async |table: &str| -> i64 {
        client.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await.unwrap().get(0)
    };
    assert_eq!((count("hires_event").await, count("detector_obs").await, count("audit").await), (5, 2, 2));
    let volumes = store.volumes(A, from(0)..from(9), Counted::Vehicles).await.unwrap();
    assert_eq!(volumes, BTreeMap::from([(1, 7)]));
}

/// A server that speaks over TLS alone is reached with its authority's certificate, and not otherwise.
#[tokio::test]
async fn the_line_to_a_server_is_encrypted() {
    let Some(mut cluster) = cluster() else { return };
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let ca = cluster.over_tls(port);
    let connection: tokio_postgres::Config =
        format!("host=127.0.0.1 port={port} user=svetofor dbname=postgres sslmode=require").parse().unwrap();
    let with = async |ca: Option<PathBuf>, connection: &tokio_postgres::Config| {
        let tls = ca.map(|ca| TlsFiles { ca, own: None });
        let keep = Duration::from_secs(86_400);
        let config =
            StoreConfig::Postgres { connection: Box::new(connection.clone()), tls, password: None, keep };
        let answer = open(&config).await.start(1).await;
        answer.map(|started| started.epoch).map_err(|error| error.to_string())
    };
    assert_eq!(with(Some(ca), &connection).await, Ok(1));
    let mut plain = connection.clone();
    plain.ssl_mode(tokio_postgres::config::SslMode::Disable);
    let refused = with(None, &plain).await.unwrap_err();
    assert!(refused.contains("no encryption"), "{refused}");
    // Another city's authority.
    let folder = tempfile::tempdir().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/mosquitto/certificates.sh");
    let made = Command::new("sh").arg(script).arg(folder.path()).args(["client", "x"]).status().unwrap();
    assert!(made.success());
    let refused = with(Some(folder.path().join("ca.pem")), &connection).await.unwrap_err();
    assert!(refused.contains("certificate"), "{refused}");
}

#[tokio::test]
async fn timescaledb_gives_the_same_answers() {
    let Ok(url) = std::env::var("SVETOFOR_TIMESCALE_URL") else {
        skipped("SVETOFOR_TIMESCALE_URL is not set");
        return;
    };
    // A schema of its own each time, so that the server may be anybody's.
    let mut connection: tokio_postgres::Config = url.parse().unwrap();
    let schema = format!("svetofor_test_{}", std::process::id());
    let (client, task) = connection.connect(tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(task);
    client
        .batch_execute(&format!("CREATE EXTENSION IF NOT EXISTS timescaledb; CREATE SCHEMA {schema}"))
        .await
        .unwrap();
    connection.options(format!("-c search_path={schema},public"));
    let keep = Duration::from_secs(86_400);
    let config = StoreConfig::Postgres { connection: Box::new(connection), tls: None, password: None, keep };
    check(async || open(&config).await).await;
    let store = open(&config).await;
    store.start(1).await.unwrap();
    assert_eq!(store.kind(), "timescale");
    client.batch_execute(&format!("DROP SCHEMA {schema} CASCADE")).await.unwrap();
}

async fn until(what: &str, mut there: impl FnMut() -> bool) {
    for _ in 0..600 {
        if there() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("waited 30 s for {what}");
}

#[tokio::test]
async fn a_server_that_goes_and_comes_back_loses_no_row() {
    let Some(cluster) = cluster() else { return };
    let store = Arc::new(open(&of(&cluster)).await);
    let (room, shutdown) = (Arc::new(Room::default()), CancellationToken::new());
    let keep = Duration::from_secs(86_400 * 365 * 100);
    let writer = tokio::spawn(write_down(store.clone(), room.clone(), Clock::real(), keep, shutdown.clone()));
    room.events(vec![event(A, 1, 1, 1)], receipt(1));
    until("the first row", || room.state().written == 1).await;
    cluster.down();
    room.events(vec![event(A, 2, 1, 1)], receipt(2));
    until("the outage to be noticed", || room.state().down.is_some()).await;
    assert_eq!(room.state().waiting, 1);
    assert!(matches!(store.events(A, from(0)..from(9), 9).await, Err(StoreError::Unavailable { .. })));
    cluster.up();
    until("the store to be back", || room.state().down.is_none()).await;
    assert_eq!(
        store.events(A, from(0)..from(9), 9).await.unwrap().rows,
        [event(A, 1, 1, 1), event(A, 2, 1, 1)]
    );
    // The last rows are written on the way out.
    room.events(vec![event(A, 3, 1, 1)], receipt(3));
    shutdown.cancel();
    writer.await.unwrap();
    assert_eq!(store.events(A, from(0)..from(9), 9).await.unwrap().rows.len(), 3);
    assert_eq!(room.state().dropped, 0);
    let told: Vec<_> = room.settled().into_iter().map(|(receipt, lost)| (receipt.seq, lost)).collect();
    assert_eq!(told, [(1, false), (2, false), (3, false)]);
}

/// Not a test by itself: the program that [`kill_minus_nine_keeps_acknowledged_rows`] starts and kills. It
/// writes batches of 100 events, numbered by their times, and says after each how many there are.
#[tokio::test]
async fn writes_until_it_is_killed() {
    let Ok(path) = std::env::var("SVETOFOR_TEST_WRITE_TO") else { return };
    let store = open(&embedded(&PathBuf::from(path))).await;
    let there = store.events(A, from(0)..from(i64::MAX / 2), 1_000_000_000).await.unwrap().rows.len() as i64;
    for batch in there / 100.. {
        let events = (0..100).map(|i| event(A, batch * 100 + i, 82, 1)).collect();
        store.write(&Batch { events, ..Batch::default() }).await.unwrap();
        use std::io::Write;
        writeln!(std::io::stdout().lock(), "\nacknowledged {}", (batch + 1) * 100).unwrap();
    }
}

#[tokio::test]
async fn kill_minus_nine_keeps_acknowledged_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("centre.sqlite");
    let mut there = 0;
    // After so many rows each time: among the first batches, about when the tail is compacted, and well after.
    for more in [2_000, 12_800, 12_900, 700, 20_000] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::suite::writes_until_it_is_killed", "--nocapture"])
            .env("SVETOFOR_TEST_WRITE_TO", &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        use std::io::{BufRead, BufReader};
        let mut acknowledged = 0;
        for line in BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok) {
            let Some(n) = line.strip_prefix("acknowledged ") else { continue };
            acknowledged = n.parse().unwrap();
            if acknowledged >= there + more {
                // SIGKILL, while it is on its way to the next batches.
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(acknowledged >= there + more, "it ended by itself at {acknowledged}");
        let holds = embedded::upkeep::check(&path).unwrap();
        let store = open(&embedded(&path)).await;
        let rows = store.events(A, from(0)..from(i64::MAX / 2), 1_000_000_000).await.unwrap().rows;
        assert!(rows.len() >= acknowledged, "{} rows of {acknowledged} acknowledged", rows.len());
        assert_eq!(rows.len() % 100, 0, "a batch is there whole or not at all");
        assert_eq!(holds.events, rows.len() as u64);
        let numbers = rows.iter().map(|row| row.at.0 - T0);
        assert!(numbers.eq(0..rows.len() as i64), "none is missing, and none is there twice");
        there = rows.len();
    }
}
