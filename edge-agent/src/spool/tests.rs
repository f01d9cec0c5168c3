use super::*;
use model::{ids::DistrictId, time::Moment};
use std::collections::BTreeSet;
use std::ops::Range;
use wire::message::{Events, HiRes};

fn node() -> Node {
    Node::cabinet(&DistrictId::new("d"), &"перекрёсток 1".into())
}

const NOW: Moment = Moment(1_000_000);
const BOOT: Uuid = Uuid::from_u128(7);

fn record(seq: u64) -> Record {
    let event = HiRes { t: Moment(seq as i64 * 1000), code: 1, param: 2 };
    let values = Events { events: vec![event; 20] };
    Record::of(StatusCode::Events, &Entry { ts: Moment(seq as i64), seq, boot_id: Some(BOOT), values })
}

fn run(first: u64, last: u64) -> Run {
    Run { boot_id: BOOT, first, last }
}

fn open(folder: Option<&Path>, most_bytes: u64) -> Spool {
    let config = SpoolConfig { folder: folder.map(Path::to_owned), most_bytes, kept_bytes: 0 };
    Spool::open(config, &node()).unwrap()
}

/// Takes all that waits, a centre answering for it in time.
fn drain(spool: &mut Spool) -> Vec<u64> {
    let mut seqs = Vec::new();
    while let Some(record) = spool.take(NOW) {
        let (code, boot, seq) = record.key();
        seqs.push(seq);
        spool.stored(NOW, code, &[Run::of(boot, seq)]);
    }
    seqs
}

#[test]
fn first_in_first_out_in_memory_and_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    for folder in [None, Some(folder.path())] {
        let mut spool = open(folder, 10_000_000);
        (0..3000).for_each(|n| spool.push(&record(n), None));
        assert_eq!(spool.len(), 3000);
        assert_eq!(
            (0..10).map(|_| spool.take(NOW).unwrap().key().2).collect::<Vec<_>>(),
            (0..10).collect::<Vec<_>>()
        );
        spool.stored(NOW, StatusCode::Events, &[run(0, 9)]);
        // What comes during a replay goes behind it.
        (3000..3100).for_each(|n| spool.push(&record(n), None));
        assert_eq!((spool.len(), spool.under_way()), (3090, 0));
        assert_eq!(drain(&mut spool), (10..3100).collect::<Vec<_>>());
        assert!(spool.is_empty() && spool.peek().is_none());
        spool.push(&record(7), None);
        assert_eq!(drain(&mut spool), [7]);
    }
    let files: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|f| f.unwrap().path()).collect();
    let size: u64 = files.iter().map(|f| fs::metadata(f).unwrap().len()).sum();
    assert!(size < 2 * SEGMENT_BYTES, "what is stored is gone from the disk, but for the newest segment");
    assert!(open(Some(folder.path()), 10_000_000).is_empty(), "and a restart sends none of it again");
}

#[test]
fn what_was_sent_live_waits_for_a_centre_and_not_for_its_replay() {
    let mut spool = open(None, 10_000_000);
    (0..10).for_each(|n| spool.push(&record(n), Some(NOW)));
    assert_eq!((spool.len(), spool.under_way(), spool.peek()), (0, 10, None));
    spool.stored(NOW, StatusCode::Counts, &[run(0, 9)]);
    assert_eq!(spool.under_way(), 10, "another channel's numbers are not these");
    spool.stored(NOW, StatusCode::Events, &[Run { boot_id: Uuid::nil(), ..run(0, 9) }]);
    assert_eq!(spool.under_way(), 10, "nor are another start's");
    spool.stored(NOW, StatusCode::Events, &[run(0, 3), run(6, 9), run(5, 4)]);
    assert_eq!((spool.len(), spool.under_way()), (0, 2));
    // A centre that goes on naming others had its time for these two.
    spool.push(&record(10), Some(NOW));
    let later = NOW + STORING + Duration::from_millis(1);
    spool.push(&record(11), Some(later));
    spool.stored(later, StatusCode::Events, &[run(10, 10)]);
    assert_eq!(drain(&mut spool), [4, 5]);
    assert_eq!(spool.under_way(), 1);
}

#[test]
fn a_broken_link_sends_what_was_under_way_again() {
    let mut spool = open(None, 10_000_000);
    (0..4).for_each(|n| spool.push(&record(n), Some(NOW)));
    spool.stored(NOW, StatusCode::Events, &[run(0, 1)]);
    spool.link_lost();
    (4..6).for_each(|n| spool.push(&record(n), None));
    assert_eq!(drain(&mut spool), [2, 3, 4, 5]);
}

#[test]
fn a_centre_that_never_answers_costs_bounded_memory_and_no_count_of_losses() {
    let mut spool = open(None, 2 * SEGMENT_BYTES);
    (0..20_000).for_each(|n| spool.push(&record(n), Some(NOW)));
    assert!(spool.under_way() <= MOST_UNDER_WAY as u64);
    assert!(spool.bytes() <= 2 * SEGMENT_BYTES);
    assert!(spool.unconfirmed() >= MOST_UNDER_WAY as u64, "{} unconfirmed", spool.unconfirmed());
}

#[test]
fn the_oldest_go_at_the_bound() {
    let mut spool = open(None, 4 * SEGMENT_BYTES);
    (0..20_000).for_each(|n| spool.push(&record(n), None));
    let left = drain(&mut spool);
    assert_eq!(left.len() as u64 + spool.dropped(), 20_000);
    assert_eq!(*left.last().unwrap(), 19_999);
    assert!(left.windows(2).all(|w| w[1] == w[0] + 1), "no hole in the middle");
    assert!(left.len() > 1_500, "{} records in 1 MiB", left.len());
}

/// Killed between any two bytes of what it wrote, an agent finds all that was whole, and sends nothing that is stored.
#[test]
fn a_restart_finds_everything_but_the_torn_frame() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = open(Some(folder.path()), 10_000_000);
    (0..6).for_each(|n| spool.push(&record(n), Some(NOW)));
    spool.stored(NOW, StatusCode::Events, &[run(1, 2)]);
    (6..8).for_each(|n| spool.push(&record(n), None));
    drop(spool);
    let file = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    let whole = fs::read(&file).unwrap();
    let ends: Vec<usize> = frames(&whole).map(|(_, end)| end).collect();
    for cut in 0..=whole.len() {
        fs::read_dir(folder.path()).unwrap().for_each(|f| fs::remove_file(f.unwrap().path()).unwrap());
        fs::write(&file, &whole[..cut]).unwrap();
        let mut spool = open(Some(folder.path()), 10_000_000);
        let kept = ends.iter().filter(|end| **end <= cut).count() as u64;
        // The seventh frame is the note.
        let expected = (0..kept.min(6)).filter(|n| kept < 7 || !(1..=2).contains(n));
        let expected: Vec<u64> = expected.chain((6..8).take((kept.max(7) - 7) as usize)).collect();
        assert_eq!(spool.broken(), u64::from(cut > 0 && !ends.contains(&cut)), "cut at {cut}");
        spool.push(&record(100), None);
        assert_eq!(drain(&mut spool), [&expected[..], &[100]].concat(), "cut at {cut}");
    }
}

#[test]
fn the_place_in_the_devices_log_outlives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = open(Some(folder.path()), 1 << 20);
    assert_eq!(spool.log(), None);
    let mut told = None;
    // Far enough for several segments, of which all but the newest go.
    for seq in 0..20_000 {
        spool.push(&record(seq), None);
        told = Some(LogPlace { newest: seq as u16, tick: seq as u32 });
        spool.read_of_log(told.unwrap());
    }
    drain(&mut spool);
    spool.stored(Moment(0), StatusCode::Events, &[run(0, 19_999)]);
    drop(spool);
    let spool = open(Some(folder.path()), 1 << 20);
    assert_eq!((spool.log(), spool.len()), (told, 0));
}

#[test]
fn rubbish_in_the_folder_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let name = file_name(&node());
    fs::write(folder.path().join(format!("{name}.0000000003.spool")), b"rubbish that is long enough")
        .unwrap();
    fs::write(folder.path().join("other%2fnode.0000000001.spool"), b"not ours").unwrap();
    let mut spool = open(Some(folder.path()), 10_000_000);
    assert_eq!((spool.len(), spool.broken()), (0, 1));
    spool.push(&record(1), None);
    assert_eq!(drain(&mut spool), [1]);
    assert!(folder.path().join("other%2fnode.0000000001.spool").exists());
}

#[test]
fn a_folder_that_vanishes_loses_counted_records_only() {
    let folder = tempfile::tempdir().unwrap();
    let sub = folder.path().join("spool");
    let mut spool = open(Some(&sub), 10_000_000);
    fs::remove_dir_all(&sub).unwrap();
    (0..5).for_each(|n| spool.push(&record(n), None));
    assert_eq!((spool.len(), spool.dropped()), (0, 5));
}

/// Somebody made room on the disk by cutting a file that the agent was using.
#[test]
fn a_file_that_is_cut_meanwhile_costs_counted_records_only() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = open(Some(folder.path()), 10_000_000);
    (0..4).for_each(|n| spool.push(&record(n), Some(NOW)));
    (4..10).for_each(|n| spool.push(&record(n), None));
    let file = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    let length = fs::metadata(&file).unwrap().len();
    OpenOptions::new().write(true).open(&file).unwrap().set_len(length / 2 + 1).unwrap();
    spool.link_lost();
    spool.push(&record(10), None);
    assert_eq!(drain(&mut spool), [0, 1, 2, 3, 4]);
    // The one that went behind the cut, before it was noticed, is lost with it.
    assert_eq!((spool.dropped(), spool.broken()), (6, 1));
    spool.push(&record(11), None);
    assert_eq!(drain(&mut spool), [11]);
}

#[test]
fn names_of_nodes_are_safe_and_distinct() {
    let names: BTreeSet<_> = ["a/b", "a%2fb", "a.b", "..", "я"]
        .map(|id| file_name(&Node::cabinet(&DistrictId::new("d"), &id.into())))
        .into();
    assert_eq!(names.len(), 5);
    assert!(names.iter().all(|n| n.bytes().all(|b| b.is_ascii_alphanumeric() || b"%-_".contains(&b))));
}

/// What a centre has is there for another one, as long as there is room, and is sent to nobody who does not ask.
#[test]
fn what_is_stored_can_be_asked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    let config = |kept_bytes| SpoolConfig {
        folder: Some(folder.path().to_owned()),
        most_bytes: 10_000_000,
        kept_bytes,
    };
    let mut spool = Spool::open(config(10 * SEGMENT_BYTES), &node()).unwrap();
    (0..3000).for_each(|n| spool.push(&record(n), None));
    drain(&mut spool);
    let ask = |spool: &Spool, code: StatusCode, time: Range<i64>| {
        let (time, mut at, mut seqs) = (Moment(time.start)..Moment(time.end), Some((0, 0)), Vec::new());
        while let Some(place) = at {
            let found = spool.find(code, &time, place, 30);
            assert!(found.records.len() <= 30);
            seqs.extend(found.records.iter().map(|r| r.key().2));
            at = found.next;
        }
        seqs
    };
    assert_eq!(ask(&spool, StatusCode::Events, 100..2900), (100..2900).collect::<Vec<_>>());
    assert!(ask(&spool, StatusCode::Counts, 0..3000).is_empty());
    spool.push(&record(3000), None);
    assert_eq!(ask(&spool, StatusCode::Events, 2999..4000), [2999, 3000], "what waits is of the past too");
    drop(spool);
    // A restart reads none of it, and has it.
    let mut spool = Spool::open(config(10 * SEGMENT_BYTES), &node()).unwrap();
    assert_eq!(drain(&mut spool), [3000]);
    assert_eq!(ask(&spool, StatusCode::Events, 0..3000), (0..3000).collect::<Vec<_>>());
    drop(spool);
    let spool = Spool::open(config(2 * SEGMENT_BYTES), &node()).unwrap();
    let left = ask(&spool, StatusCode::Events, 0..3000);
    assert!((200..2000).contains(&left.len()) && left.last() > Some(&2500), "the oldest go at the bound");
}
