//! Events and counts that could not be sent, kept in order on disk until they can.
//!
//! A folder of segment files; each record is a length, a checksum and CBOR. Records are appended, and a
//! segment is removed when all of it has been replayed or when the spool is over its bound (oldest first,
//! counted). What a crash cut off in the middle of a record is cut off on the next start. Writes go to the
//! operating system at once, so a killed agent loses nothing; a machine that loses power may lose what its disk
//! had not taken yet. After a crash in the middle of a replay the rest of that segment comes again, under its
//! old sequence numbers.

use serde::{Deserialize, Serialize};
use std::{
    collections::VecDeque,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};
use wire::{
    codec,
    message::{Counts, Entry, Events},
    topic::{Node, StatusCode},
};

/// Size at which a new segment begins: a quarter of an hour of one cabinet, so that dropping one segment
/// loses little, and one fits into memory without being felt.
const SEGMENT_BYTES: u64 = 256 * 1024;

/// What is kept.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Record {
    /// `tlc.events`.
    Events(Entry<Events>),
    /// `traffic.count`.
    Counts(Entry<Counts>),
}

impl Record {
    /// The channel that it belongs to.
    pub fn code(&self) -> StatusCode {
        match self {
            Record::Events(_) => StatusCode::Events,
            Record::Counts(_) => StatusCode::Counts,
        }
    }
}

/// Where a spool keeps its records, and how many.
#[derive(Clone, Debug)]
pub struct SpoolConfig {
    /// A folder, made if it is missing; without one the records are kept in memory and die with the program.
    pub folder: Option<PathBuf>,
    /// Bound of all segments together, at least two segments. Beyond it the oldest segment goes.
    pub most_bytes: u64,
}

/// The spool of one cabinet.
#[derive(Debug)]
pub struct Spool {
    config: SpoolConfig,
    name: String,
    segments: VecDeque<Segment>,
    next: u64,
    /// The oldest segment's records that are still to be replayed.
    front: VecDeque<Record>,
    dropped: u64,
    broken: u64,
}

#[derive(Debug)]
struct Segment {
    number: u64,
    records: u64,
    bytes: u64,
    body: Body,
}

#[derive(Debug)]
enum Body {
    Memory(Vec<u8>),
    /// Open while it is the newest.
    Disk(PathBuf, Option<File>),
}

impl Spool {
    /// Opens what an earlier run left. What cannot be read is left out and counted, never an error: the spool
    /// must not keep an agent from starting.
    ///
    /// # Errors
    /// When the folder cannot be made or listed: that is a configuration fault.
    pub fn open(config: SpoolConfig, node: &Node) -> io::Result<Spool> {
        let mut spool = Spool {
            name: file_name(node),
            segments: VecDeque::new(),
            next: 0,
            front: VecDeque::new(),
            dropped: 0,
            broken: 0,
            config,
        };
        let Some(folder) = spool.config.folder.clone() else { return Ok(spool) };
        fs::create_dir_all(&folder)?;
        let mut found: Vec<(u64, PathBuf)> = Vec::new();
        for file in fs::read_dir(&folder)? {
            let path = file?.path();
            if let Some(number) = spool.number_of(&path) {
                found.push((number, path));
            }
        }
        found.sort();
        for (number, path) in found {
            spool.next = number + 1;
            match fs::read(&path) {
                Ok(bytes) => spool.adopt(number, path, &bytes),
                Err(error) => {
                    spool.broken += 1;
                    tracing::warn!(file = %path.display(), %error, "a spool segment cannot be read");
                }
            }
        }
        Ok(spool)
    }

    fn adopt(&mut self, number: u64, path: PathBuf, bytes: &[u8]) {
        let (records, good) = records(bytes).fold((0, 0), |(n, _), (_, end)| (n + 1, end));
        if good < bytes.len() {
            // The half record of a crash: nothing after it can be told from noise.
            self.broken += 1;
            let cut = OpenOptions::new().write(true).open(&path).and_then(|f| f.set_len(good as u64));
            if let Err(error) = cut {
                tracing::warn!(file = %path.display(), %error, "a broken spool segment cannot be cut");
            }
        }
        if records == 0 {
            let _ = fs::remove_file(&path);
            return;
        }
        self.segments.push_back(Segment {
            number,
            records,
            bytes: good as u64,
            body: Body::Disk(path, None),
        });
    }

    fn number_of(&self, path: &Path) -> Option<u64> {
        let rest = path.file_name()?.to_str()?.strip_prefix(&self.name)?;
        rest.strip_prefix('.')?.strip_suffix(".spool")?.parse().ok()
    }

    /// Keeps a record. If the disk refuses, the oldest segment makes room; if that does not help, the record
    /// is lost and counted.
    pub fn push(&mut self, record: &Record) {
        let frame = frame(record);
        let full = |s: &Segment| s.bytes >= SEGMENT_BYTES || s.sealed();
        let begun = if self.segments.back().is_none_or(full) { self.begin_segment() } else { Ok(()) };
        while self.bytes() + frame.len() as u64 > self.config.most_bytes && self.segments.len() > 1 {
            self.drop_oldest();
        }
        let mut outcome = begun.and_then(|()| self.append(&frame));
        if outcome.is_err() && self.segments.len() > 1 {
            // Most likely the disk is full: the oldest segment makes room.
            self.drop_oldest();
            outcome = self.append(&frame);
        }
        if let Err(error) = outcome {
            if self.dropped.is_multiple_of(1000) {
                tracing::warn!(%error, "the spool cannot write; a record is lost");
            }
            self.dropped += 1;
        }
    }

    fn begin_segment(&mut self) -> io::Result<()> {
        let number = self.next;
        if let Some(Segment { body: Body::Disk(_, file), .. }) = self.segments.back_mut() {
            *file = None;
        }
        let body = match &self.config.folder {
            None => Body::Memory(Vec::new()),
            Some(folder) => {
                let path = folder.join(format!("{}.{number:010}.spool", self.name));
                let file = OpenOptions::new().create_new(true).append(true).open(&path)?;
                Body::Disk(path, Some(file))
            }
        };
        self.next += 1;
        self.segments.push_back(Segment { number, records: 0, bytes: 0, body });
        Ok(())
    }

    fn append(&mut self, frame: &[u8]) -> io::Result<()> {
        let Some(segment) = self.segments.back_mut() else { return Err(io::ErrorKind::NotFound.into()) };
        match &mut segment.body {
            Body::Memory(bytes) => bytes.extend_from_slice(frame),
            Body::Disk(_, file) => {
                let Some(file) = file else { return Err(io::ErrorKind::NotFound.into()) };
                if let Err(error) = file.write_all(frame) {
                    // Half a record must not stand in front of whole ones.
                    let _ = file.set_len(segment.bytes);
                    return Err(error);
                }
            }
        }
        segment.bytes += frame.len() as u64;
        segment.records += 1;
        Ok(())
    }

    fn drop_oldest(&mut self) {
        let Some(segment) = self.segments.pop_front() else { return };
        // Of a segment that is being replayed only the rest is lost.
        let lost = if self.front.is_empty() { segment.records } else { self.front.len() as u64 };
        self.front.clear();
        self.dropped += lost;
        segment.remove();
    }

    fn bytes(&self) -> u64 {
        self.segments.iter().map(|s| s.bytes).sum()
    }

    /// The oldest record that waits, if any; it stays until [`Spool::pop`].
    pub fn peek(&mut self) -> Option<&Record> {
        self.fill();
        self.front.front()
    }

    /// Takes the oldest record.
    pub fn pop(&mut self) -> Option<Record> {
        self.fill();
        let record = self.front.pop_front();
        if self.front.is_empty()
            && record.is_some()
            && let Some(segment) = self.segments.pop_front()
        {
            segment.remove();
        }
        record
    }

    fn fill(&mut self) {
        while self.front.is_empty() {
            // A segment under replay takes no more records, or they would be missed.
            let Some(segment) = self.segments.front_mut() else { return };
            let bytes = match &mut segment.body {
                Body::Memory(bytes) => Ok(std::mem::take(bytes)),
                Body::Disk(path, file) => {
                    *file = None;
                    fs::read(path)
                }
            };
            if let Ok(bytes) = bytes {
                self.front = records(&bytes).map(|(record, _)| record).collect();
            }
            segment.records = self.front.len() as u64;
            if self.front.is_empty()
                && let Some(segment) = self.segments.pop_front()
            {
                self.broken += u64::from(segment.bytes > 0);
                segment.remove();
            } else if self.segments.len() == 1
                && let Err(error) = self.begin_segment()
            {
                tracing::warn!(%error, "the spool cannot begin a segment");
            }
        }
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Records that wait.
    pub fn len(&self) -> u64 {
        let stored: u64 = self.segments.iter().map(|s| s.records).sum();
        match (self.front.len() as u64, self.segments.front()) {
            (0, _) | (_, None) => stored,
            (front, Some(first)) => stored - first.records + front,
        }
    }

    /// Records lost at the bound or to the disk.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Segments that were damaged.
    pub fn broken(&self) -> u64 {
        self.broken
    }
}

impl Segment {
    /// Left by an earlier run: it may end in the middle of something, so nothing is added to it.
    fn sealed(&self) -> bool {
        matches!(self.body, Body::Disk(_, None))
    }

    fn remove(self) {
        if let Body::Disk(path, file) = self.body {
            drop(file);
            if let Err(error) = fs::remove_file(&path) {
                tracing::warn!(file = %path.display(), segment = self.number, %error, "a spool segment cannot be removed");
            }
        }
    }
}

/// A node's name as a file name: `%` and two digits for all that is not plain.
pub fn file_name(node: &Node) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    node.as_str()
        .bytes()
        .map(|b| if plain(b) { (b as char).to_string() } else { format!("%{b:02x}") })
        .collect()
}

/// Length, checksum, record; the numbers little-endian.
fn frame(record: &Record) -> Vec<u8> {
    let body = codec::encode(record);
    let mut frame = Vec::with_capacity(body.len() + 8);
    frame.extend_from_slice(&(body.len() as u32).to_le_bytes());
    frame.extend_from_slice(&checksum(&body).to_le_bytes());
    frame.extend_from_slice(&body);
    frame
}

/// FNV-1a: enough to tell a record from the rubbish of a torn write; nobody forges a cabinet's spool.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

/// The whole records at the head of some bytes, each with the place where it ends.
fn records(bytes: &[u8]) -> impl Iterator<Item = (Record, usize)> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (head, rest) = bytes[at..].split_first_chunk::<8>()?;
        let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let body = rest.get(..word(0) as usize)?;
        if checksum(body) != word(4) {
            return None;
        }
        let record = codec::decode("spool record", body).ok()?;
        at += 8 + body.len();
        Some((record, at))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{ids::DistrictId, time::Moment};
    use std::collections::BTreeSet;
    use wire::message::HiRes;

    fn node() -> Node {
        Node::cabinet(&DistrictId::new("d"), &"перекрёсток 1".into())
    }

    fn record(seq: u64) -> Record {
        let event = HiRes { t: Moment(seq as i64 * 1000), code: 1, param: 2 };
        Record::Events(Entry { ts: Moment(seq as i64), seq, values: Events { events: vec![event; 20] } })
    }

    fn seq(record: &Record) -> u64 {
        match record {
            Record::Events(entry) => entry.seq,
            Record::Counts(entry) => entry.seq,
        }
    }

    fn open(folder: Option<&Path>, most_bytes: u64) -> Spool {
        Spool::open(SpoolConfig { folder: folder.map(Path::to_owned), most_bytes }, &node()).unwrap()
    }

    fn drain(spool: &mut Spool) -> Vec<u64> {
        std::iter::from_fn(|| spool.pop()).map(|r| seq(&r)).collect()
    }

    #[test]
    fn first_in_first_out_in_memory_and_on_disk() {
        let folder = tempfile::tempdir().unwrap();
        for folder in [None, Some(folder.path())] {
            let mut spool = open(folder, 10_000_000);
            (0..3000).for_each(|n| spool.push(&record(n)));
            assert_eq!(spool.len(), 3000);
            assert_eq!(
                (0..10).map(|_| seq(&spool.pop().unwrap())).collect::<Vec<_>>(),
                (0..10).collect::<Vec<_>>()
            );
            // What comes during a replay goes behind it.
            (3000..3100).for_each(|n| spool.push(&record(n)));
            assert_eq!(spool.len(), 3090);
            assert_eq!(drain(&mut spool), (10..3100).collect::<Vec<_>>());
            assert!(spool.is_empty() && spool.peek().is_none());
            spool.push(&record(7));
            assert_eq!(drain(&mut spool), [7]);
        }
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            0,
            "what was replayed is gone from the disk"
        );
    }

    #[test]
    fn the_oldest_go_at_the_bound() {
        let mut spool = open(None, 4 * SEGMENT_BYTES);
        (0..20_000).for_each(|n| spool.push(&record(n)));
        let left = drain(&mut spool);
        assert_eq!(left.len() as u64 + spool.dropped(), 20_000);
        assert_eq!(*left.last().unwrap(), 19_999);
        assert!(left.windows(2).all(|w| w[1] == w[0] + 1), "no hole in the middle");
        assert!(left.len() > 2_000, "{} records in 1 MiB", left.len());
    }

    #[test]
    fn a_restart_finds_everything_but_the_torn_record() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = open(Some(folder.path()), 10_000_000);
        (0..100).for_each(|n| spool.push(&record(n)));
        drop(spool);
        let file = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
        let length = fs::metadata(&file).unwrap().len();
        OpenOptions::new().write(true).open(&file).unwrap().set_len(length - 3).unwrap();
        let mut spool = open(Some(folder.path()), 10_000_000);
        assert_eq!((spool.len(), spool.broken()), (99, 1));
        (100..110).for_each(|n| spool.push(&record(n)));
        assert_eq!(drain(&mut spool), (0..99).chain(100..110).collect::<Vec<_>>());
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
        spool.push(&record(1));
        assert_eq!(drain(&mut spool), [1]);
        assert!(folder.path().join("other%2fnode.0000000001.spool").exists());
    }

    #[test]
    fn a_folder_that_vanishes_loses_counted_records_only() {
        let folder = tempfile::tempdir().unwrap();
        let sub = folder.path().join("spool");
        let mut spool = open(Some(&sub), 10_000_000);
        fs::remove_dir_all(&sub).unwrap();
        (0..5).for_each(|n| spool.push(&record(n)));
        assert_eq!((spool.len(), spool.dropped()), (0, 5));
    }

    #[test]
    fn names_of_nodes_are_safe_and_distinct() {
        let names: BTreeSet<_> = ["a/b", "a%2fb", "a.b", "..", "я"]
            .map(|id| file_name(&Node::cabinet(&DistrictId::new("d"), &id.into())))
            .into();
        assert_eq!(names.len(), 5);
        assert!(names.iter().all(|n| n.bytes().all(|b| b.is_ascii_alphanumeric() || b"%-_".contains(&b))));
    }
}
