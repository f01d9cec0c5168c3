//! Events and counts, kept in order on disk until a centre says that its store has them.
//!
//! Every entry is written here before it is sent, whether there is a link or not: a broker's acknowledgement is no proof
//! of delivery. An entry is then *under way* until a centre names it on `stored/…`; what was under way when the link
//! broke, and what a centre has passed over, waits for its replay again.
//!
//! A folder of segment files; each frame in them is a length, a checksum and CBOR. Frames are only appended, and say
//! either what was made or what has since been stored, so that a restart does not begin the replay anew. A segment goes
//! when all of it is stored or when the spool is over its bound (oldest first, counted). What a crash cut off in the
//! middle of a frame is cut off on the next start. Writes go to the operating system at once, so a killed agent loses
//! nothing; a machine that loses power may lose what its disk had not taken yet.

use crate::device::LogPlace;
use model::time::Moment;
use serde::{Deserialize, Serialize};
use std::{
    borrow::Cow,
    collections::{BTreeMap, VecDeque},
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};
use uuid::Uuid;
use wire::{
    codec,
    message::{Counts, Entry, Events, Run},
    topic::{Node, StatusCode},
};

/// Size at which a new segment begins: a quarter of an hour of one cabinet, so that dropping one segment
/// loses little, and one fits into memory without being felt.
const SEGMENT_BYTES: u64 = 256 * 1024;
/// Most entries under way at once: many times what a centre needs to answer for, so that one that never answers costs a
/// gateway of 2,000 cabinets some 200 MB at most. What is sent beyond it counts as not sent.
const MOST_UNDER_WAY: usize = 1_000;
/// A centre may take so long to store what it heard: a window of counts, a batch, and the period in which it answers.
const STORING: Duration = Duration::from_secs(60);
/// Records read back from a segment at once.
const READ_AHEAD: usize = 100;

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

    /// When its entry was made.
    pub fn ts(&self) -> Moment {
        match self {
            Record::Events(entry) => entry.ts,
            Record::Counts(entry) => entry.ts,
        }
    }

    fn key(&self) -> Key {
        let (boot_id, seq) = match self {
            Record::Events(entry) => (entry.boot_id, entry.seq),
            Record::Counts(entry) => (entry.boot_id, entry.seq),
        };
        (self.code(), boot_id.unwrap_or_default(), seq)
    }
}

/// What an entry is known by.
type Key = (StatusCode, Uuid, u64);

/// A frame of a segment file.
#[derive(Debug, Serialize, Deserialize)]
enum Frame {
    Events(Entry<Events>),
    Counts(Entry<Counts>),
    /// Records that a centre has: of that segment, from and to, both included.
    Stored(Vec<(u64, u32, u32)>),
    /// How far the device's log has been read with all that stands before.
    Log(LogPlace),
}

/// Where a record stands: its segment, and its number there.
type Place = (u64, u32);

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
    /// Every record before this place is under way or stored.
    cursor: Place,
    /// How far a segment has been read: its next record, and where that begins in it.
    read_to: (Place, usize),
    /// Records from the cursor on that have been read back.
    ahead: VecDeque<(Place, Record)>,
    under_way: BTreeMap<Key, (Place, Moment)>,
    dropped: u64,
    unconfirmed: u64,
    broken: u64,
    /// How far the device's log has been read.
    log: Option<LogPlace>,
}

#[derive(Debug)]
struct Segment {
    number: u64,
    /// By record: whether a centre has it.
    stored: Vec<bool>,
    /// Records that no centre has.
    left: u32,
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
            cursor: (0, 0),
            read_to: ((0, 0), 0),
            ahead: VecDeque::new(),
            under_way: BTreeMap::new(),
            dropped: 0,
            unconfirmed: 0,
            broken: 0,
            log: None,
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
        spool.remove_stored();
        Ok(spool)
    }

    fn adopt(&mut self, number: u64, path: PathBuf, bytes: &[u8]) {
        let (mut records, mut good, mut marks) = (0, 0, Vec::new());
        for (frame, end) in frames(bytes) {
            good = end;
            match frame {
                Frame::Stored(more) => marks.extend(more),
                Frame::Log(log) => self.log = Some(log),
                Frame::Events(_) | Frame::Counts(_) => records += 1,
            }
        }
        if good < bytes.len() {
            // The half frame of a crash: nothing after it can be told from noise.
            self.broken += 1;
            let cut = OpenOptions::new().write(true).open(&path).and_then(|f| f.set_len(good as u64));
            if let Err(error) = cut {
                tracing::warn!(file = %path.display(), %error, "a broken spool segment cannot be cut");
            }
        }
        self.segments.push_back(Segment {
            number,
            stored: vec![false; records as usize],
            left: records,
            bytes: good as u64,
            body: Body::Disk(path, None),
        });
        for (segment, first, last) in marks {
            self.segment(segment).map(|s| s.mark(first, last));
        }
    }

    fn number_of(&self, path: &Path) -> Option<u64> {
        let rest = path.file_name()?.to_str()?.strip_prefix(&self.name)?;
        rest.strip_prefix('.')?.strip_suffix(".spool")?.parse().ok()
    }

    fn segment(&mut self, number: u64) -> Option<&mut Segment> {
        let at = self.segments.binary_search_by_key(&number, |s| s.number).ok()?;
        self.segments.get_mut(at)
    }

    /// Keeps a record; `sent` says when it went out live, if it did. If the disk refuses, the oldest segment makes room;
    /// if that does not help, the record is lost and counted.
    pub fn push(&mut self, record: Record, sent: Option<Moment>) {
        let key = record.key();
        let frame = framed(&match record {
            Record::Events(entry) => Frame::Events(entry),
            Record::Counts(entry) => Frame::Counts(entry),
        });
        match self.write(&frame) {
            Ok(()) => {
                let Some(segment) = self.segments.back_mut() else { return };
                let place = (segment.number, segment.stored.len() as u32);
                segment.stored.push(false);
                segment.left += 1;
                if let Some(at) = sent {
                    self.send(key, place, at);
                }
            }
            Err(error) => {
                if (self.dropped + self.unconfirmed).is_multiple_of(1000) {
                    tracing::warn!(%error, "the spool cannot write; a record is not kept");
                }
                *(if sent.is_some() { &mut self.unconfirmed } else { &mut self.dropped }) += 1;
            }
        }
    }

    /// The device's log has been read so far, and all of it is kept here or was before.
    pub fn read_of_log(&mut self, log: LogPlace) {
        self.log = Some(log);
        if let Err(error) = self.note(&framed(&Frame::Log(log))) {
            tracing::debug!(%error, "the place in the device's log is not kept; a restart tells some lines twice");
        }
    }

    /// How far the device's log had been read by whoever kept this spool last.
    pub fn log(&self) -> Option<LogPlace> {
        self.log
    }

    fn send(&mut self, key: Key, place: Place, at: Moment) {
        if self.under_way.len() < MOST_UNDER_WAY {
            self.under_way.insert(key, (place, at));
        }
    }

    fn write(&mut self, frame: &[u8]) -> io::Result<()> {
        let full = |s: &Segment| s.bytes >= SEGMENT_BYTES || s.sealed();
        let begun = if self.segments.back().is_none_or(full) { self.begin_segment() } else { Ok(()) };
        while self.bytes() + frame.len() as u64 > self.config.most_bytes && self.segments.len() > 1 {
            self.drop_oldest();
        }
        let outcome = begun.and_then(|()| self.append(frame));
        if outcome.is_err() && self.segments.len() > 1 {
            // Most likely the disk is full: the oldest segment makes room.
            self.drop_oldest();
            return self.append(frame);
        }
        outcome
    }

    /// Unlike a record, a note is not worth an old segment.
    fn note(&mut self, frame: &[u8]) -> io::Result<()> {
        if self.segments.back().is_none_or(Segment::sealed) {
            self.begin_segment()?;
        }
        self.append(frame)
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
        self.segments.push_back(Segment { number, stored: Vec::new(), left: 0, bytes: 0, body });
        self.remove_stored();
        // Those before it may go.
        match self.log {
            Some(log) => self.append(&framed(&Frame::Log(log))),
            None => Ok(()),
        }
    }

    fn append(&mut self, frame: &[u8]) -> io::Result<()> {
        let Some(segment) = self.segments.back_mut() else { return Err(io::ErrorKind::NotFound.into()) };
        match &mut segment.body {
            Body::Memory(bytes) => bytes.extend_from_slice(frame),
            Body::Disk(_, file) => {
                let Some(file) = file else { return Err(io::ErrorKind::NotFound.into()) };
                if let Err(error) = file.write_all(frame) {
                    // Half a frame must not stand in front of whole ones.
                    if file.set_len(segment.bytes).is_err() {
                        segment.seal();
                    }
                    return Err(error);
                }
            }
        }
        segment.bytes += frame.len() as u64;
        Ok(())
    }

    fn drop_oldest(&mut self) {
        let Some(segment) = self.segments.pop_front() else { return };
        let all = self.under_way.len();
        self.under_way.retain(|_, (place, _)| place.0 != segment.number);
        let sent = (all - self.under_way.len()) as u64;
        self.unconfirmed += sent;
        self.dropped += u64::from(segment.left) - sent;
        self.ahead.retain(|(place, _)| place.0 != segment.number);
        segment.remove();
    }

    fn bytes(&self) -> u64 {
        self.segments.iter().map(|s| s.bytes).sum()
    }

    /// A centre has these, so it is there: what it has passed over for too long waits for its replay again.
    pub fn stored(&mut self, now: Moment, code: StatusCode, runs: &[Run]) {
        let mut marks: Vec<(u64, u32, u32)> = Vec::new();
        for run in runs {
            if run.first > run.last {
                continue;
            }
            let all = (code, run.boot_id, run.first)..=(code, run.boot_id, run.last);
            for (_, ((segment, number), _)) in self.under_way.extract_if(all, |_, _| true) {
                match marks.last_mut() {
                    Some((s, _, last)) if *s == segment && *last + 1 == number => *last = number,
                    _ => marks.push((segment, number, number)),
                }
            }
        }
        for &(segment, first, last) in &marks {
            self.segment(segment).map(|s| s.mark(first, last));
        }
        if !marks.is_empty()
            && let Err(error) = self.note(&framed(&Frame::Stored(marks)))
        {
            // Then a restart sends them once more, and a centre knows them.
            tracing::debug!(%error, "the spool cannot note what is stored");
        }
        self.remove_stored();
        self.send_again(|sent| now.since(sent) > STORING);
    }

    /// The link is gone: what was under way may not have come to anybody.
    pub fn link_lost(&mut self) {
        self.send_again(|_| true);
    }

    fn send_again(&mut self, overdue: impl Fn(Moment) -> bool) {
        let again = self.under_way.extract_if(.., |_, (_, sent)| overdue(*sent));
        if let Some(first) = again.map(|(_, (place, _))| place).min() {
            self.cursor = self.cursor.min(first);
            self.ahead.clear();
        }
    }

    fn remove_stored(&mut self) {
        while self.segments.front().is_some_and(|s| s.left == 0 && (s.sealed() || self.segments.len() > 1))
            && let Some(segment) = self.segments.pop_front()
        {
            segment.remove();
        }
    }

    /// The oldest record that waits to be sent, if any; it stays until [`Spool::take`].
    pub fn peek(&mut self) -> Option<&Record> {
        while self.ahead.is_empty() {
            if self.is_empty() {
                // Whatever comes next is sent live, or comes after this.
                self.cursor = self.segments.back().map_or((self.next, 0), |s| (s.number, s.records()));
                return None;
            }
            self.read_ahead();
        }
        self.ahead.front().map(|(_, record)| record)
    }

    /// Takes the oldest record that waits; it is sent now, and under way.
    pub fn take(&mut self, now: Moment) -> Option<Record> {
        self.peek()?;
        let (place, record) = self.ahead.pop_front()?;
        self.cursor = (place.0, place.1 + 1);
        self.under_way.insert(record.key(), (place, now));
        Some(record)
    }

    /// Whether what is taken would be remembered as under way.
    pub fn has_room(&self) -> bool {
        self.under_way.len() < MOST_UNDER_WAY
    }

    /// Reads on in the segment of the cursor, or moves to the next one.
    fn read_ahead(&mut self) {
        let Some(at) = self.segments.iter().position(|s| s.number >= self.cursor.0) else {
            // Something waits, and it is not after the cursor: that would be a fault of ours. Begin again.
            self.cursor = (0, 0);
            return;
        };
        let segment = &self.segments[at];
        let number = segment.number;
        let from = if number == self.cursor.0 { self.cursor.1 } else { 0 };
        let bytes: io::Result<Cow<'_, [u8]>> = match &segment.body {
            Body::Memory(bytes) => Ok(bytes.into()),
            Body::Disk(path, _) => fs::read(path).map(Cow::from),
        };
        let Ok(bytes) = bytes else {
            self.lose(at);
            return;
        };
        // What was read before is not read again: a long replay would take time with the square of its length.
        let (mut k, begin) = match self.read_to {
            ((read, k), end) if read == number && k <= from => (k, end),
            _ => (0, 0),
        };
        let mut all = true;
        for (frame, end) in frames(bytes.get(begin..).unwrap_or_default()) {
            let Some(record) = frame.record() else { continue };
            if k >= from && !segment.stored[k as usize] && !self.under_way.contains_key(&record.key()) {
                self.ahead.push_back(((number, k), record));
            }
            k += 1;
            self.read_to = ((number, k), begin + end);
            if self.ahead.len() == READ_AHEAD {
                all = false;
                break;
            }
        }
        drop(bytes);
        if all && k < self.segments[at].records() {
            self.lose_from(at, k);
        }
        match self.ahead.front() {
            Some(&(first, _)) => self.cursor = first,
            None => self.cursor = (number + 1, 0),
        }
    }

    /// A segment cannot be read back.
    fn lose(&mut self, at: usize) {
        let Some(segment) = self.segments.remove(at) else { return };
        let all = self.under_way.len();
        self.under_way.retain(|_, (place, _)| place.0 != segment.number);
        self.broken += 1;
        self.dropped += u64::from(segment.left) - (all - self.under_way.len()) as u64;
        segment.remove();
    }

    /// The records of a segment from that one on cannot be read back: somebody cut its file, or the disk is bad.
    fn lose_from(&mut self, at: usize, first: u32) {
        let segment = &mut self.segments[at];
        segment.seal();
        let (number, all) = (segment.number, self.under_way.len());
        self.under_way.retain(|_, ((s, k), _)| *s != number || *k < first);
        let sent = (all - self.under_way.len()) as u64;
        let lost = segment.mark(first, segment.records() - 1);
        tracing::warn!(segment = number, records = lost, "a part of the spool cannot be read back");
        self.broken += 1;
        self.unconfirmed += sent;
        self.dropped += u64::from(lost) - sent;
    }

    /// Whether nothing waits to be sent.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Records that wait to be sent; those under way do not.
    pub fn len(&self) -> u64 {
        let left: u64 = self.segments.iter().map(|s| u64::from(s.left)).sum();
        left - self.under_way.len() as u64
    }

    /// Records that were sent and that no centre has named yet.
    pub fn under_way(&self) -> u64 {
        self.under_way.len() as u64
    }

    /// Records lost at the bound or to the disk before they were sent.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Records that went at the bound or to the disk after they were sent, and that no centre had named.
    pub fn unconfirmed(&self) -> u64 {
        self.unconfirmed
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

    fn records(&self) -> u32 {
        self.stored.len() as u32
    }

    /// These need not be kept; says how many were until now.
    fn mark(&mut self, first: u32, last: u32) -> u32 {
        let before = self.left;
        for stored in self.stored.iter_mut().take(last as usize + 1).skip(first as usize) {
            self.left -= u32::from(!std::mem::replace(stored, true));
        }
        before - self.left
    }

    /// Nothing may be added any more.
    fn seal(&mut self) {
        if let Body::Disk(_, file) = &mut self.body {
            *file = None;
        }
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

impl Frame {
    fn record(self) -> Option<Record> {
        match self {
            Frame::Events(entry) => Some(Record::Events(entry)),
            Frame::Counts(entry) => Some(Record::Counts(entry)),
            Frame::Stored(_) | Frame::Log(_) => None,
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

/// Length, checksum, frame; the numbers little-endian.
fn framed(frame: &Frame) -> Vec<u8> {
    let body = codec::encode(frame);
    let mut framed = Vec::with_capacity(body.len() + 8);
    framed.extend_from_slice(&(body.len() as u32).to_le_bytes());
    framed.extend_from_slice(&checksum(&body).to_le_bytes());
    framed.extend_from_slice(&body);
    framed
}

/// FNV-1a: enough to tell a frame from the rubbish of a torn write; nobody forges a cabinet's spool.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

/// The whole frames at the head of some bytes, each with the place where it ends.
fn frames(bytes: &[u8]) -> impl Iterator<Item = (Frame, usize)> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (head, rest) = bytes[at..].split_first_chunk::<8>()?;
        let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let body = rest.get(..word(0) as usize)?;
        if checksum(body) != word(4) {
            return None;
        }
        let frame = codec::decode("spool frame", body).ok()?;
        at += 8 + body.len();
        Some((frame, at))
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

    const NOW: Moment = Moment(1_000_000);
    const BOOT: Uuid = Uuid::from_u128(7);

    fn record(seq: u64) -> Record {
        let event = HiRes { t: Moment(seq as i64 * 1000), code: 1, param: 2 };
        let values = Events { events: vec![event; 20] };
        Record::Events(Entry { ts: Moment(seq as i64), seq, boot_id: Some(BOOT), values })
    }

    fn run(first: u64, last: u64) -> Run {
        Run { boot_id: BOOT, first, last }
    }

    fn open(folder: Option<&Path>, most_bytes: u64) -> Spool {
        Spool::open(SpoolConfig { folder: folder.map(Path::to_owned), most_bytes }, &node()).unwrap()
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
            (0..3000).for_each(|n| spool.push(record(n), None));
            assert_eq!(spool.len(), 3000);
            assert_eq!(
                (0..10).map(|_| spool.take(NOW).unwrap().key().2).collect::<Vec<_>>(),
                (0..10).collect::<Vec<_>>()
            );
            spool.stored(NOW, StatusCode::Events, &[run(0, 9)]);
            // What comes during a replay goes behind it.
            (3000..3100).for_each(|n| spool.push(record(n), None));
            assert_eq!((spool.len(), spool.under_way()), (3090, 0));
            assert_eq!(drain(&mut spool), (10..3100).collect::<Vec<_>>());
            assert!(spool.is_empty() && spool.peek().is_none());
            spool.push(record(7), None);
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
        (0..10).for_each(|n| spool.push(record(n), Some(NOW)));
        assert_eq!((spool.len(), spool.under_way(), spool.peek()), (0, 10, None));
        spool.stored(NOW, StatusCode::Counts, &[run(0, 9)]);
        assert_eq!(spool.under_way(), 10, "another channel's numbers are not these");
        spool.stored(NOW, StatusCode::Events, &[Run { boot_id: Uuid::nil(), ..run(0, 9) }]);
        assert_eq!(spool.under_way(), 10, "nor are another start's");
        spool.stored(NOW, StatusCode::Events, &[run(0, 3), run(6, 9), run(5, 4)]);
        assert_eq!((spool.len(), spool.under_way()), (0, 2));
        // A centre that goes on naming others had its time for these two.
        spool.push(record(10), Some(NOW));
        let later = NOW + STORING + Duration::from_millis(1);
        spool.push(record(11), Some(later));
        spool.stored(later, StatusCode::Events, &[run(10, 10)]);
        assert_eq!(drain(&mut spool), [4, 5]);
        assert_eq!(spool.under_way(), 1);
    }

    #[test]
    fn a_broken_link_sends_what_was_under_way_again() {
        let mut spool = open(None, 10_000_000);
        (0..4).for_each(|n| spool.push(record(n), Some(NOW)));
        spool.stored(NOW, StatusCode::Events, &[run(0, 1)]);
        spool.link_lost();
        (4..6).for_each(|n| spool.push(record(n), None));
        assert_eq!(drain(&mut spool), [2, 3, 4, 5]);
    }

    #[test]
    fn a_centre_that_never_answers_costs_bounded_memory_and_no_count_of_losses() {
        let mut spool = open(None, 2 * SEGMENT_BYTES);
        (0..20_000).for_each(|n| spool.push(record(n), Some(NOW)));
        assert!(spool.under_way() <= MOST_UNDER_WAY as u64);
        assert!(spool.bytes() <= 2 * SEGMENT_BYTES);
        assert!(spool.unconfirmed() >= MOST_UNDER_WAY as u64, "{} unconfirmed", spool.unconfirmed());
    }

    #[test]
    fn the_oldest_go_at_the_bound() {
        let mut spool = open(None, 4 * SEGMENT_BYTES);
        (0..20_000).for_each(|n| spool.push(record(n), None));
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
        (0..6).for_each(|n| spool.push(record(n), Some(NOW)));
        spool.stored(NOW, StatusCode::Events, &[run(1, 2)]);
        (6..8).for_each(|n| spool.push(record(n), None));
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
            spool.push(record(100), None);
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
            spool.push(record(seq), None);
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
        spool.push(record(1), None);
        assert_eq!(drain(&mut spool), [1]);
        assert!(folder.path().join("other%2fnode.0000000001.spool").exists());
    }

    #[test]
    fn a_folder_that_vanishes_loses_counted_records_only() {
        let folder = tempfile::tempdir().unwrap();
        let sub = folder.path().join("spool");
        let mut spool = open(Some(&sub), 10_000_000);
        fs::remove_dir_all(&sub).unwrap();
        (0..5).for_each(|n| spool.push(record(n), None));
        assert_eq!((spool.len(), spool.dropped()), (0, 5));
    }

    /// Somebody made room on the disk by cutting a file that the agent was using.
    #[test]
    fn a_file_that_is_cut_meanwhile_costs_counted_records_only() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = open(Some(folder.path()), 10_000_000);
        (0..4).for_each(|n| spool.push(record(n), Some(NOW)));
        (4..10).for_each(|n| spool.push(record(n), None));
        let file = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
        let length = fs::metadata(&file).unwrap().len();
        OpenOptions::new().write(true).open(&file).unwrap().set_len(length / 2 + 1).unwrap();
        spool.link_lost();
        spool.push(record(10), None);
        assert_eq!(drain(&mut spool), [0, 1, 2, 3, 4]);
        // The one that went behind the cut, before it was noticed, is lost with it.
        assert_eq!((spool.dropped(), spool.broken()), (6, 1));
        spool.push(record(11), None);
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
}
