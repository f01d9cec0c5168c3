//! What is particular to the file: blocks, their compaction, its first version, and what a person does to it.

use super::{
    upkeep::{UpkeepError, backup, check, restore},
    *,
};
use crate::store::AuditRow;
use proptest::prelude::*;

const A: JunctionIx = JunctionIx(0);
const B: JunctionIx = JunctionIx(1);
const EVER: Range<Moment> = Moment(i64::MIN)..Moment(i64::MAX);

async fn open_at(path: &Path) -> Embedded {
    Embedded::open(path.to_owned(), vec!["a".into(), "b".into()], "centre-1").await.unwrap()
}

fn event(junction: JunctionIx, at: i64, code: u16, param: u16) -> EventRow {
    EventRow { at: Moment(at), junction, code, param }
}

fn reading(junction: JunctionIx, at: i64, channel: u16, count: u16) -> IntervalRow {
    IntervalRow { at: Moment(at), junction, channel, count, occupancy: 0.25, speed_mps: None, flags: 0 }
}

async fn write(store: &Embedded, events: &[EventRow], intervals: &[IntervalRow]) {
    let batch = Batch { events: events.to_vec(), intervals: intervals.to_vec(), ..Batch::default() };
    store.write(&batch).await.unwrap();
}

/// What is done to a store between questions.
#[derive(Clone, Debug)]
enum Step {
    Write(Vec<(bool, i64, u16, u16)>),
    Compact,
    Settle,
}

fn step() -> impl Strategy<Value = Step> {
    // Three hours around the epoch, so that hours are negative too; few values, so that much comes twice.
    let row = (any::<bool>(), (-3..3_i64, 0..40_i64), 81..83_u16, 1..3_u16)
        .prop_map(|(of, (hour, slot), code, param)| (of, hour * 3_600_000 + slot * 90_000, code, param));
    prop_oneof![
        4 => proptest::collection::vec(row, 1..20).prop_map(Step::Write),
        2 => Just(Step::Compact),
        1 => Just(Step::Settle),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Whatever was compacted when, the answers are those of a plain set of rows.
    #[test]
    fn blocks_answer_as_rows_do(
        steps in proptest::collection::vec(step(), 1..14),
        from in -4..4_i64, length in 0..4_i64, odd_ms in 0..3_600_000_i64, limit in 1..60_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let store = open_at(&folder.path().join("centre.sqlite")).await;
            let (mut events, mut readings) = (std::collections::BTreeSet::new(), Vec::new());
            for step in &steps {
                match step {
                    Step::Write(rows) => {
                        let of = |of: bool| if of { A } else { B };
                        let batch: Vec<_> = rows.iter().map(|r| event(of(r.0), r.1, r.2, r.3)).collect();
                        let read: Vec<_> = rows.iter().map(|r| reading(of(r.0), r.1, r.3, r.2)).collect();
                        write(&store, &batch, &read).await;
                        events.extend(batch);
                        readings.extend(read);
                    }
                    Step::Compact => store.compact(false).await.unwrap(),
                    Step::Settle => store.forget_before(Moment(i64::MIN)).await.unwrap(),
                }
            }
            let start = from * 3_600_000 + odd_ms;
            for range in [EVER, Moment(start)..Moment(start + length * 3_600_000)] {
                let wanted: Vec<_> =
                    events.iter().filter(|e| e.junction == A && range.contains(&e.at)).copied().collect();
                let page = store.events(A, range.clone(), limit).await.unwrap();
                assert_eq!(page.truncated, wanted.len() > limit);
                assert_eq!(page.rows, wanted[..wanted.len().min(limit)]);
                let mut sums = BTreeMap::new();
                wanted.iter().filter(|e| e.code == 82).for_each(|e| *sums.entry(e.param).or_insert(0) += 1);
                assert_eq!(store.volumes(A, range.clone(), Counted::Actuations).await.unwrap(), sums);

                let mut wanted: Vec<_> =
                    readings.iter().filter(|r| r.junction == A && range.contains(&r.at)).copied().collect();
                wanted.sort_by_key(|r| (r.at, r.channel, r.flags, r.count));
                assert_eq!(store.intervals(A, range.clone(), usize::MAX - 1).await.unwrap().rows, wanted);
                let mut sums = BTreeMap::new();
                wanted.iter().for_each(|r| *sums.entry(r.channel).or_insert(0) += u64::from(r.count));
                assert_eq!(store.volumes(A, range, Counted::Vehicles).await.unwrap(), sums);
            }
            check(&folder.path().join("centre.sqlite")).unwrap();
        });
    }
}

#[tokio::test]
async fn a_file_of_the_first_version_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("centre.sqlite");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(MIGRATIONS[0]).unwrap();
    old.execute_batch(
        "PRAGMA user_version = 1;
         INSERT INTO device VALUES (1, 'a'), (2, 'b');
         INSERT INTO hires_event VALUES (1, 5, 82, 3), (1, 7200000, 81, -1), (2, 6, 1, 2);
         INSERT INTO detector_obs VALUES (20000, 1, 2, 7, 0.125, 8.5, 1), (20000, 1, 2, 7, 0.125, 8.5, 1),
                                         (20000, 1, 1, 0, 0.0, NULL, 0);
         INSERT INTO decision VALUES (9, 5, 1, '{}');",
    )
    .unwrap();
    drop(old);
    assert_eq!(check(&path).unwrap().events, 3, "the first version can be checked too");
    for _ in 0..2 {
        let store = open_at(&path).await;
        let events = store.events(A, EVER, 10).await.unwrap().rows;
        assert_eq!(events, [event(A, 5, 82, 3), event(A, 7_200_000, 81, u16::MAX)]);
        assert_eq!(store.events(B, EVER, 10).await.unwrap().rows, [event(B, 6, 1, 2)]);
        let busy =
            IntervalRow { occupancy: 0.125, speed_mps: Some(8.5), flags: 1, ..reading(A, 20_000, 2, 7) };
        let idle = IntervalRow { occupancy: 0.0, ..reading(A, 20_000, 1, 0) };
        assert_eq!(store.intervals(A, EVER, 10).await.unwrap().rows, [idle, busy, busy]);
        assert_eq!(store.decisions(A, EVER, 10).await.unwrap().rows.len(), 1);
        let holds = check(&path).unwrap();
        assert_eq!((holds.schema, holds.events, holds.intervals, holds.decisions), (3, 3, 3, 1));
    }
}

#[tokio::test]
async fn a_newer_file_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("centre.sqlite");
    drop(open_at(&path).await);
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = Embedded::open(path, vec![], "centre-1").await.unwrap_err().to_string();
    assert!(error.contains("newer version") && error.contains("99"), "{error}");
}

#[tokio::test]
async fn a_copy_can_be_made_at_work_and_put_back() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("centre.sqlite"), folder.path().join("copy.sqlite"));
    let store = open_at(&path).await;
    write(&store, &[event(A, 5, 82, 3)], &[reading(A, 20_000, 1, 4)]).await;
    store.compact(false).await.unwrap();
    write(&store, &[event(A, 6, 82, 3)], &[]).await;
    let audit = vec![AuditRow { at: Moment(1), entry: "one".into() }];
    store.write(&Batch { audit, ..Batch::default() }).await.unwrap();
    let holds = backup(&path, &copy).unwrap();
    assert_eq!((holds.events, holds.intervals, holds.audit), (2, 1, 1));
    assert!(matches!(backup(&path, &copy), Err(UpkeepError::There { .. })), "a copy is never written over");
    write(&store, &[event(A, 7, 82, 3)], &[]).await;

    assert!(matches!(restore(&copy, &path), Err(UpkeepError::InUse { .. })), "not under a centre that runs");
    assert_eq!(store.events(A, EVER, 10).await.unwrap().rows.len(), 3);
    drop(store);
    let (_, kept) = restore(&copy, &path).unwrap();
    assert_eq!(check(&kept.unwrap()).unwrap().events, 3, "what was there is kept");
    let store = open_at(&path).await;
    assert_eq!(store.events(A, EVER, 10).await.unwrap().rows, [event(A, 5, 82, 3), event(A, 6, 82, 3)]);
    drop(store);
    let elsewhere = folder.path().join("elsewhere.sqlite");
    assert_eq!(restore(&copy, &elsewhere).unwrap().1, None);
    assert_eq!(check(&elsewhere).unwrap().events, 2);
}

#[tokio::test]
async fn damage_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("centre.sqlite");
    let store = open_at(&path).await;
    write(&store, &[event(A, 5, 82, 3), event(B, 5, 82, 3)], &[]).await;
    store.compact(false).await.unwrap();
    drop(store);
    let db = Connection::open(&path).unwrap();
    db.execute_batch("UPDATE block SET data = x'00' WHERE device = 1").unwrap();
    drop(db);
    let error = check(&path).unwrap_err().to_string();
    assert!(error.contains("block 0/1/0/0 is damaged"), "{error}");
    assert!(matches!(backup(&path, &folder.path().join("copy")), Err(UpkeepError::Unsound { .. })));
    assert!(matches!(restore(&path, &folder.path().join("new")), Err(UpkeepError::Unsound { .. })));
    let store = open_at(&path).await;
    let error = store.events(A, EVER, 10).await.unwrap_err();
    assert!(matches!(error, StoreError::Refused { .. }), "{error}");
    assert_eq!(store.events(B, EVER, 10).await.unwrap().rows.len(), 1, "the rest can be read");

    let text = folder.path().join("text");
    std::fs::write(&text, "this is no database, but it is long enough to look at").unwrap();
    assert!(check(&text).unwrap_err().to_string().contains("not a database"));
    assert!(check(&folder.path().join("nowhere")).is_err());
    let empty = folder.path().join("empty");
    std::fs::write(&empty, "").unwrap();
    assert!(check(&empty).unwrap_err().to_string().contains("no store of a centre"));
}
