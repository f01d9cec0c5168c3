//! Rows of one device as columns in a blob, and back.
//!
//! Rows come sorted. Times are differences in the largest unit that all of them have (real logs: 100 ms); an event's code
//! and parameter are one symbol of a dictionary, since a device says some hundred different things; numbers are
//! variable-length, 7 bits a byte. [`pack`] squeezes that further (zlib, whose checksum also finds a damaged block).
//! On real hi-res logs it comes to 1.2 B an event.

use super::super::{EventRow, IntervalRow};
use flate2::{Compression, bufread::ZlibDecoder, write::ZlibEncoder};
use model::{ids::JunctionIx, time::Moment};
use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
    io::{Read, Write},
};

/// A blob that is not what [`Row::encode`] or [`pack`] made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a block of the store is damaged")]
pub(super) struct Damaged;

/// Something that the store keeps in column blocks.
pub(super) trait Row: Copy {
    /// `kind` in the tables.
    const KIND: i64;
    /// When it was.
    fn at(&self) -> Moment;
    /// Of which junction.
    fn junction(&self) -> JunctionIx;
    /// Puts rows of one device in order; drops those that are there twice, where that means that they came twice.
    fn sort(rows: &mut Vec<Self>);
    /// The vehicles that it tells of, and over which channel.
    fn volume(&self) -> Option<(u16, u32)>;
    /// Sorted rows of one device as bytes.
    fn encode(rows: &[Self]) -> Vec<u8>;
    /// And back.
    fn decode(bytes: &[u8], junction: JunctionIx) -> Result<Vec<Self>, Damaged>;
}

/// Somebody comes over a detector.
const DETECTOR_ON: u16 = 82;

impl Row for EventRow {
    const KIND: i64 = 0;

    fn at(&self) -> Moment {
        self.at
    }
    fn junction(&self) -> JunctionIx {
        self.junction
    }
    fn sort(rows: &mut Vec<EventRow>) {
        rows.sort_unstable();
        rows.dedup();
    }
    fn volume(&self) -> Option<(u16, u32)> {
        (self.code == DETECTOR_ON).then_some((self.param, 1))
    }

    fn encode(rows: &[EventRow]) -> Vec<u8> {
        let mut out = Vec::with_capacity(rows.len() * 3 + 32);
        put_times(&mut out, rows);
        let mut symbols: HashMap<u32, u64, BuildHasherDefault<WordHasher>> = HashMap::default();
        let mut spoken = Vec::with_capacity(rows.len());
        let mut words = Vec::new();
        for row in rows {
            let word = (u32::from(row.code) << 16) | u32::from(row.param);
            let next = symbols.len() as u64;
            spoken.push(*symbols.entry(word).or_insert_with(|| {
                words.push(word);
                next
            }));
        }
        put(&mut out, words.len() as u64);
        words.into_iter().for_each(|word| put(&mut out, u64::from(word)));
        spoken.into_iter().for_each(|symbol| put(&mut out, symbol));
        out
    }

    fn decode(mut bytes: &[u8], junction: JunctionIx) -> Result<Vec<EventRow>, Damaged> {
        let bytes = &mut bytes;
        let times = times(bytes)?;
        let words = (0..take(bytes)?).map(|_| take(bytes)).collect::<Result<Vec<u64>, _>>()?;
        let row = |at| {
            let word = *words.get(take(bytes)? as usize).ok_or(Damaged)?;
            Ok(EventRow { at, junction, code: (word >> 16) as u16, param: word as u16 })
        };
        times.into_iter().map(row).collect()
    }
}

impl Row for IntervalRow {
    const KIND: i64 = 1;

    fn at(&self) -> Moment {
        self.at
    }
    fn junction(&self) -> JunctionIx {
        self.junction
    }
    fn sort(rows: &mut Vec<IntervalRow>) {
        rows.sort_by_key(|row| (row.junction, row.at, row.channel, row.flags, row.count));
    }
    fn volume(&self) -> Option<(u16, u32)> {
        (self.count > 0).then_some((self.channel, u32::from(self.count)))
    }

    fn encode(rows: &[IntervalRow]) -> Vec<u8> {
        let mut out = Vec::with_capacity(rows.len() * 12 + 32);
        put_times(&mut out, rows);
        rows.iter().for_each(|row| put(&mut out, u64::from(row.channel)));
        rows.iter().for_each(|row| put(&mut out, u64::from(row.count)));
        out.extend(rows.iter().map(|row| row.flags));
        put_floats(&mut out, rows.iter().map(|row| row.occupancy));
        out.extend(rows.iter().map(|row| u8::from(row.speed_mps.is_some())));
        put_floats(&mut out, rows.iter().filter_map(|row| row.speed_mps));
        out
    }

    fn decode(mut bytes: &[u8], junction: JunctionIx) -> Result<Vec<IntervalRow>, Damaged> {
        let bytes = &mut bytes;
        let times = times(bytes)?;
        let n = times.len();
        let channels = numbers(bytes, n)?;
        let counts = numbers(bytes, n)?;
        let flags = split(bytes, n)?;
        let occupancies = floats(bytes, n)?;
        let timed = split(bytes, n)?;
        let mut speeds = floats(bytes, timed.iter().filter(|told| **told != 0).count())?.into_iter();
        let rows = (0..n).map(|i| IntervalRow {
            at: times[i],
            junction,
            channel: channels[i] as u16,
            count: counts[i] as u16,
            occupancy: occupancies[i],
            speed_mps: if timed[i] != 0 { speeds.next() } else { None },
            flags: flags[i],
        });
        Ok(rows.collect())
    }
}

/// Spreads a word of code and parameter by one multiplication (Knuth's golden ratio). Nobody can choose words to collide
/// for more than a device's own block, and the usual hash takes a third of the time of a batch.
#[derive(Default)]
struct WordHasher(u64);

impl Hasher for WordHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u32(u32::from(*byte)));
    }
    fn write_u32(&mut self, word: u32) {
        let mixed = (self.0 ^ u64::from(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }
}

/// How many rows, and when they were.
fn put_times<R: Row>(out: &mut Vec<u8>, rows: &[R]) {
    put(out, rows.len() as u64);
    let Some(first) = rows.first() else { return };
    out.extend(first.at().0.to_le_bytes());
    let steps = || rows.windows(2).map(|pair| pair[1].at().0.wrapping_sub(pair[0].at().0) as u64);
    let unit = steps().fold(0, common_divisor).max(1);
    put(out, unit);
    steps().for_each(|step| put(out, step / unit));
}

fn times(bytes: &mut &[u8]) -> Result<Vec<Moment>, Damaged> {
    let n = take(bytes)? as usize;
    if n == 0 {
        return Ok(Vec::new());
    }
    let first: [u8; 8] = split(bytes, 8)?.try_into().map_err(|_| Damaged)?;
    let unit = take(bytes)?;
    let mut at = i64::from_le_bytes(first);
    // A damaged length must not ask for memory that nobody has: each further row is a byte at least.
    let mut times = Vec::with_capacity(n.min(bytes.len() + 1));
    times.push(Moment(at));
    for _ in 1..n {
        at = at.wrapping_add(take(bytes)?.wrapping_mul(unit) as i64);
        times.push(Moment(at));
    }
    Ok(times)
}

fn common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Floats as four planes of bytes: those of the same weight are alike.
fn put_floats(out: &mut Vec<u8>, floats: impl Iterator<Item = f32> + Clone) {
    for plane in 0..4 {
        out.extend(floats.clone().map(|float| float.to_le_bytes()[plane]));
    }
}

fn floats(bytes: &mut &[u8], n: usize) -> Result<Vec<f32>, Damaged> {
    let planes = split(bytes, n.checked_mul(4).ok_or(Damaged)?)?;
    let float = |i| f32::from_le_bytes([planes[i], planes[n + i], planes[2 * n + i], planes[3 * n + i]]);
    Ok((0..n).map(float).collect())
}

fn numbers(bytes: &mut &[u8], n: usize) -> Result<Vec<u64>, Damaged> {
    (0..n).map(|_| take(bytes)).collect()
}

/// Appends a number, 7 bits a byte, low ones first.
pub(super) fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Takes a number off the front.
pub(super) fn take(bytes: &mut &[u8]) -> Result<u64, Damaged> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first().ok_or(Damaged)?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(number);
        }
    }
    Err(Damaged)
}

fn split<'a>(bytes: &mut &'a [u8], n: usize) -> Result<&'a [u8], Damaged> {
    let (front, rest) = bytes.split_at_checked(n).ok_or(Damaged)?;
    *bytes = rest;
    Ok(front)
}

/// Squeezes an encoded block.
pub(super) fn pack(bytes: &[u8]) -> Vec<u8> {
    let mut packer = ZlibEncoder::new(Vec::with_capacity(bytes.len() / 2), Compression::default());
    // Writing to memory does not fail.
    let _ = packer.write_all(bytes);
    packer.finish().unwrap_or_default()
}

/// And back.
pub(super) fn unpack(bytes: &[u8]) -> Result<Vec<u8>, Damaged> {
    let mut out = Vec::with_capacity(bytes.len() * 3);
    ZlibDecoder::new(bytes).read_to_end(&mut out).map_err(|_| Damaged)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HERE: JunctionIx = JunctionIx(3);

    fn event() -> impl Strategy<Value = EventRow> {
        let near = 1_700_000_000_000_i64..1_700_000_100_000;
        let at = prop_oneof![4 => near.clone(), 2 => near.prop_map(|at| at / 100 * 100), 1 => any::<i64>()];
        (at, any::<u16>(), any::<u16>()).prop_map(|(at, code, param)| EventRow {
            at: Moment(at),
            junction: HERE,
            code,
            param,
        })
    }

    fn interval() -> impl Strategy<Value = IntervalRow> {
        (any::<i64>(), any::<u16>(), any::<u16>(), 0_f32..1.0, proptest::option::of(0_f32..50.0), any::<u8>())
            .prop_map(|(at, channel, count, occupancy, speed_mps, flags)| IntervalRow {
                at: Moment(at),
                junction: HERE,
                channel,
                count,
                occupancy,
                speed_mps,
                flags,
            })
    }

    fn comes_back<R: Row + PartialEq + std::fmt::Debug>(mut rows: Vec<R>) {
        R::sort(&mut rows);
        let packed = pack(&R::encode(&rows));
        assert_eq!(R::decode(&unpack(&packed).unwrap(), HERE).unwrap(), rows);
    }

    proptest! {
        #[test]
        fn any_events_come_back(rows in proptest::collection::vec(event(), 0..200)) {
            comes_back(rows);
        }

        #[test]
        fn any_readings_come_back(rows in proptest::collection::vec(interval(), 0..200)) {
            comes_back(rows);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = EventRow::decode(&bytes, HERE);
            let _ = IntervalRow::decode(&bytes, HERE);
            let _ = unpack(&bytes);
        }
    }

    #[test]
    fn a_damaged_block_is_found() {
        let rows: Vec<_> =
            (0..100).map(|i| EventRow { at: Moment(i * 700), junction: HERE, code: 82, param: 1 }).collect();
        let mut packed = pack(&EventRow::encode(&rows));
        let middle = packed.len() / 2;
        packed[middle] ^= 0x40;
        assert!(unpack(&packed).is_err());
    }
}
