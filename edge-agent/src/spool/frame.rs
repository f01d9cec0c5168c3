//! How a spool's files are written: one frame after another, each a length, a checksum, a kind and what it says.
//!
//! An entry stands in its frame as the CBOR that goes over the wire, behind what it is known by: it is made into bytes once, and a
//! replay copies them.

use super::{Key, Record};
use crate::device::LogPlace;
use bytes::Bytes;
use model::time::Moment;
use uuid::Uuid;
use wire::{codec, topic::StatusCode};

/// The kinds; numbers are never given anew.
const EVENTS: u8 = 1;
const COUNTS: u8 = 2;
const STORED: u8 = 3;
const LOG: u8 = 4;

/// What a frame says.
#[derive(Debug)]
pub(super) enum Frame<'a> {
    /// An entry, not yet copied out of the file.
    Entry(Entry<'a>),
    /// Records that a centre has: of that segment, from and to, both included.
    Stored(Vec<(u64, u32, u32)>),
    /// How far the device's log has been read with all that stands before.
    Log(LogPlace),
}

/// An entry in its frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    pub(super) code: StatusCode,
    pub(super) ts: Moment,
    boot_id: Uuid,
    seq: u64,
    cbor: &'a [u8],
}

impl<'a> Frame<'a> {
    pub(super) fn entry(self) -> Option<Entry<'a>> {
        match self {
            Frame::Entry(entry) => Some(entry),
            Frame::Stored(_) | Frame::Log(_) => None,
        }
    }
}

impl Entry<'_> {
    pub(super) fn key(&self) -> Key {
        (self.code, self.boot_id, self.seq)
    }

    pub(super) fn record(self) -> Record {
        let Entry { code, ts, boot_id, seq, cbor } = self;
        Record { code, ts, boot_id, seq, cbor: Bytes::copy_from_slice(cbor) }
    }
}

/// The frame of an entry.
pub(super) fn entry(record: &Record) -> Vec<u8> {
    let kind = if record.code == StatusCode::Counts { COUNTS } else { EVENTS };
    let parts =
        [record.boot_id.as_bytes(), &record.seq.to_le_bytes()[..], &record.ts.0.to_le_bytes(), &record.cbor];
    framed(kind, &parts)
}

pub(super) fn stored(marks: &[(u64, u32, u32)]) -> Vec<u8> {
    framed(STORED, &[&codec::encode(&marks)])
}

pub(super) fn log(place: LogPlace) -> Vec<u8> {
    framed(LOG, &[&codec::encode(&place)])
}

/// Length, checksum, kind, and the rest; the numbers little-endian.
fn framed(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length = 1 + parts.iter().map(|p| p.len()).sum::<usize>();
    let mut framed = Vec::with_capacity(8 + length);
    framed.extend_from_slice(&(length as u32).to_le_bytes());
    framed.extend_from_slice(&[0; 4]);
    framed.push(kind);
    parts.iter().for_each(|part| framed.extend_from_slice(part));
    let sum = checksum(&framed[8..]).to_le_bytes();
    framed[4..8].copy_from_slice(&sum);
    framed
}

/// FNV-1a: enough to tell a frame from the rubbish of a torn write; nobody forges a cabinet's spool.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

/// The whole frames at the head of some bytes, each with the place where it ends.
pub(super) fn frames(bytes: &[u8]) -> impl Iterator<Item = (Frame<'_>, usize)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (head, rest) = bytes[at..].split_first_chunk::<8>()?;
        let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let body = rest.get(..word(0) as usize)?;
        if checksum(body) != word(4) {
            return None;
        }
        let frame = read(body)?;
        at += 8 + body.len();
        Some((frame, at))
    })
}

fn read(body: &[u8]) -> Option<Frame<'_>> {
    let (kind, rest) = body.split_first()?;
    let code = match *kind {
        EVENTS => StatusCode::Events,
        COUNTS => StatusCode::Counts,
        STORED => return codec::decode("spool", rest).ok().map(Frame::Stored),
        LOG => return codec::decode("spool", rest).ok().map(Frame::Log),
        _ => return None,
    };
    let (boot_id, rest) = rest.split_first_chunk::<16>()?;
    let (seq, rest) = rest.split_first_chunk::<8>()?;
    let (ts, cbor) = rest.split_first_chunk::<8>()?;
    let (boot_id, seq) = (Uuid::from_bytes(*boot_id), u64::from_le_bytes(*seq));
    Some(Frame::Entry(Entry { code, ts: Moment(i64::from_le_bytes(*ts)), boot_id, seq, cbor }))
}
