//! Events and counts, kept in order on disk until a centre says that its store has them.
//!
//! Every entry is written here before it is sent, whether there is a link or not: a broker's acknowledgement is no proof
//! of delivery. An entry is then *under way* until a centre names it on `stored/…`; what was under way when the link
//! broke, and what a centre has passed over, waits for its replay again.
//!
//! A folder of segment files of [`frame`]s. Frames are only appended, and say
//! either what was made or what has since been stored, so that a restart does not begin the replay anew. A segment goes
//! when all of it is stored or when the spool is over its bound (oldest first, counted). What a crash cut off in the
//! middle of a frame is cut off on the next start. Writes go to the operating system at once, so a killed agent loses
//! nothing; a machine that loses power may lose what its disk had not taken yet.

mod frame;
mod shelf;

use crate::device::LogPlace;
use bytes::Bytes;
use frame::{Frame, frames};
use model::time::Moment;
use serde::Serialize;
use shelf::{KEPT, Shelf};
use std::{
    borrow::Cow,
    collections::{BTreeMap, VecDeque},
    fs::{self, File, OpenOptions},
    io::{self, Write},
    ops::Range,
    path::{Path, PathBuf},
    time::Duration,
};
use uuid::Uuid;
use wire::{
    codec,
    message::{Entry, Run},
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

/// What is kept: an entry of a channel, as it goes over the wire.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    code: StatusCode,
    ts: Moment,
    boot_id: Uuid,
    seq: u64,
    cbor: Bytes,
}

impl Record {
    /// An entry of that channel.
    pub fn of<V: Serialize>(code: StatusCode, entry: &Entry<V>) -> Record {
        let boot_id = entry.boot_id.unwrap_or_default();
        Record { code, ts: entry.ts, boot_id, seq: entry.seq, cbor: codec::encode(entry).into() }
    }

    /// The channel that it belongs to.
    pub fn code(&self) -> StatusCode {
        self.code
    }

    /// When its entry was made.
    pub fn ts(&self) -> Moment {
        self.ts
    }

    /// The start of the program in which it was made, and its number there.
    pub fn id(&self) -> (Uuid, u64) {
        (self.boot_id, self.seq)
    }

    /// The entry, in CBOR.
    pub fn cbor(&self) -> &[u8] {
        &self.cbor
    }

    fn key(&self) -> Key {
        (self.code, self.boot_id, self.seq)
    }
}

/// What an entry is known by.
type Key = (StatusCode, Uuid, u64);

/// Where a record stands: its segment, and its number there.
pub type Place = (u64, u32);

/// A part of what a spool still has of the past.
#[derive(Debug, Default)]
pub struct Found {
    /// Oldest first.
    pub records: Vec<Record>,
    /// Where to look on; `None` at the end.
    pub next: Option<Place>,
}

/// Where a spool keeps its records, and how many.
#[derive(Clone, Debug)]
pub struct SpoolConfig {
    /// A folder, made if it is missing; without one the records are kept in memory and die with the program.
    pub folder: Option<PathBuf>,
    /// Bound of all segments together, at least two segments. Beyond it the oldest segment goes.
    pub most_bytes: u64,
    /// How much is kept of what a centre has, for one that asks again. On disk only.
    pub kept_bytes: u64,
}

/// The spool of one cabinet.
#[derive(Debug)]
pub struct Spool {
    config: SpoolConfig,
    name: String,
    segments: VecDeque<Segment>,
    /// What a centre has, of before.
    shelf: Shelf,
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
            shelf: Shelf::new(config.kept_bytes),
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
            if path.extension().is_some_and(|e| e == KEPT) {
                spool.shelf.adopt(number, path);
                continue;
            }
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
                Frame::Entry(_) => records += 1,
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
        let (number, kind) = rest.strip_prefix('.')?.split_once('.')?;
        number.parse().ok().filter(|_| kind == "spool" || kind == KEPT)
    }

    fn segment(&mut self, number: u64) -> Option<&mut Segment> {
        let at = self.segments.binary_search_by_key(&number, |s| s.number).ok()?;
        self.segments.get_mut(at)
    }

    /// Keeps a record; `sent` says when it went out live, if it did. If the disk refuses, the oldest segment makes room;
    /// if that does not help, the record is lost and counted.
    pub fn push(&mut self, record: &Record, sent: Option<Moment>) {
        let key = record.key();
        match self.write(&frame::entry(record)) {
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
        if let Err(error) = self.note(&frame::log(log)) {
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
        // Most likely the disk is full: what is only kept makes room, then the oldest segment.
        if outcome.is_err() && self.shelf.give_up_oldest() {
            return self.append(frame);
        }
        if outcome.is_err() && self.segments.len() > 1 {
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
            Some(log) => self.append(&frame::log(log)),
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
            && let Err(error) = self.note(&frame::stored(&marks))
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
            if let Body::Disk(path, _) = &segment.body
                && let Err(error) = self.shelf.put(segment.number, path, segment.bytes)
            {
                tracing::warn!(file = %path.display(), %error, "a stored spool segment cannot be put away");
            }
        }
    }

    /// What there still is of a channel and a time, stored or not, from a place on: at most so many records, out of one segment,
    /// so that nobody waits long for it.
    pub fn find(&self, code: StatusCode, time: &Range<Moment>, from: Place, most: usize) -> Found {
        let kept = self.shelf.from(from.0).map(|(number, path)| (number, fs::read(path).map(Cow::from)));
        let live = self.segments.iter().find(|s| s.number >= from.0).map(|s| (s.number, s.read()));
        let first = kept.into_iter().chain(live).min_by_key(|(number, _)| *number);
        let Some((number, bytes)) = first else { return Found::default() };
        let skip = if number == from.0 { from.1 } else { 0 };
        let mut found = Found { records: Vec::new(), next: Some((number + 1, 0)) };
        // One that went meanwhile, or is bad, has nothing more to tell.
        let bytes = bytes.unwrap_or_default();
        let entries = frames(&bytes).filter_map(|(frame, _)| frame.entry());
        for (k, entry) in entries.enumerate().skip(skip as usize) {
            if found.records.len() == most {
                found.next = Some((number, k as u32));
                break;
            }
            if entry.code == code && time.contains(&entry.ts) {
                found.records.push(entry.record());
            }
        }
        found
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
        let Ok(bytes) = segment.read() else {
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
            let Some(entry) = frame.entry() else { continue };
            if k >= from && !segment.stored[k as usize] && !self.under_way.contains_key(&entry.key()) {
                self.ahead.push_back(((number, k), entry.record()));
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

    fn read(&self) -> io::Result<Cow<'_, [u8]>> {
        match &self.body {
            Body::Memory(bytes) => Ok(bytes.into()),
            Body::Disk(path, _) => fs::read(path).map(Cow::from),
        }
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

/// A node's name as a file name: `%` and two digits for all that is not plain.
pub fn file_name(node: &Node) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    node.as_str()
        .bytes()
        .map(|b| if plain(b) { (b as char).to_string() } else { format!("%{b:02x}") })
        .collect()
}

#[cfg(test)]
mod tests;
