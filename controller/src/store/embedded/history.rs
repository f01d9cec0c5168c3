//! Events and readings as column blocks in SQLite.
//!
//! A batch goes into one blob, device by device: the *tail*, which costs a transaction little. Before the tail grows long
//! it is *compacted* into blocks, each what one device said within an hour. Parts of an hour never overlap in time, so
//! their volumes add up, and what came twice is found where it is. What is asked is answered from both, in one state of the
//! file.

use super::{
    super::{EventRow, IntervalRow},
    codec::{Damaged, Row, pack, put, take, unpack},
};
use model::{ids::JunctionIx, time::Moment};
use rusqlite::{Connection, OptionalExtension, params};
use std::{collections::BTreeMap, ops::Range};

/// A block's length, ms. A junction says 4,000 to 20,000 things in an hour: enough to squeeze, and read in a millisecond.
const HOUR_MS: i64 = 3_600_000;
/// Most rows in the tail, about: 2 MB that each reader has to look through, and half a minute of 5,000 junctions.
const TAIL_ROWS: i64 = 500_000;
/// Most batches in it: two minutes, at a batch a second.
const TAIL_BATCHES: i64 = 128;
/// An hour in so many parts becomes one: written anew some three times, rather than with each compaction.
const MOST_PARTS: usize = 8;
/// Hours that are made one part in one go: some megabytes.
const SETTLE_AT_ONCE: usize = 256;

/// Where a device's rows are in a batch's blob.
struct Place {
    offset: u32,
    length: u32,
}

/// Bytes of an entry of a directory: device, offset, length, little-endian, ordered by device.
const ENTRY: usize = 12;

/// Appends a batch's rows. `devices` are the numbers of junctions in this file.
pub(super) fn append<R: Row>(db: &Connection, rows: &[R], devices: &[i64]) -> rusqlite::Result<()> {
    let first = rows.iter().map(|row| row.at().0).min();
    let Some((first, last)) = first.zip(rows.iter().map(|row| row.at().0).max()) else { return Ok(()) };
    let mut by_junction: Vec<Vec<R>> = vec![Vec::new(); devices.len()];
    for row in rows {
        by_junction[row.junction().ix()].push(*row);
    }
    let by_junction = devices.iter().zip(by_junction).filter(|(_, rows)| !rows.is_empty());
    let mut by_device: Vec<(i64, Vec<R>)> = by_junction.map(|(device, rows)| (*device, rows)).collect();
    by_device.sort_by_key(|(device, _)| *device);
    let (mut directory, mut data, mut count) = (Vec::new(), Vec::new(), 0);
    for (device, mut rows) in by_device {
        R::sort(&mut rows);
        count += rows.len();
        let bytes = R::encode(&rows);
        for number in [device as u32, data.len() as u32, bytes.len() as u32] {
            directory.extend(number.to_le_bytes());
        }
        data.extend(bytes);
    }
    db.prepare_cached("INSERT INTO tail(kind, first, last, rows, directory, data) VALUES (?,?,?,?,?,?)")?
        .execute(params![R::KIND, first, last, count as i64, directory, data])
        .map(drop)
}

/// Whether the tail should be compacted now.
pub(super) fn is_long(db: &Connection) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT count(*), coalesce(sum(rows), 0) FROM tail")?
        .query_row([], |r| Ok(r.get::<_, i64>(0)? >= TAIL_BATCHES || r.get::<_, i64>(1)? >= TAIL_ROWS))
}

/// Blocks that are ready to be written, and what they stand for.
#[derive(Default)]
pub(super) struct Ready {
    blocks: Vec<Block>,
    /// Batches of the tail up to that number, by kind, are in them.
    batches: Vec<(i64, i64)>,
}

impl Ready {
    /// Whether there is nothing to do.
    pub(super) fn is_empty(&self) -> bool {
        self.blocks.is_empty() && self.batches.is_empty()
    }
}

/// One part of an hour, packed.
struct Block {
    kind: i64,
    device: i64,
    hour: i64,
    part: i64,
    first: i64,
    last: i64,
    rows: i64,
    volumes: Vec<u8>,
    data: Vec<u8>,
}

/// Makes blocks of the whole tail. Only reads, so that writers need not wait for it; until they are written
/// ([`put_blocks`]), nobody else may change any.
pub(super) fn compact(db: &Connection) -> rusqlite::Result<Ready> {
    let state = db.unchecked_transaction()?;
    let mut ready = Ready::default();
    compact_kind::<EventRow>(&state, &mut ready)?;
    compact_kind::<IntervalRow>(&state, &mut ready)?;
    Ok(ready)
}

fn compact_kind<R: Row>(db: &Connection, ready: &mut Ready) -> rusqlite::Result<()> {
    let mut by_device: BTreeMap<u32, Vec<R>> = BTreeMap::new();
    let mut select =
        db.prepare_cached("SELECT number, directory, data FROM tail WHERE kind = ? ORDER BY number")?;
    let mut batches = select.query([R::KIND])?;
    let mut up_to = None;
    while let Some(batch) = batches.next()? {
        up_to = Some(batch.get(0)?);
        let data = batch.get_ref(2)?.as_blob()?;
        for (device, place) in entries(batch.get_ref(1)?.as_blob()?) {
            let bytes = data.get(place.range()).ok_or(Damaged)?;
            by_device.entry(device).or_default().extend(R::decode(bytes, NOBODY)?);
        }
    }
    ready.batches.extend(up_to.map(|number| (R::KIND, number)));
    for (device, mut rows) in by_device {
        R::sort(&mut rows);
        for rows in rows.chunk_by(|a, b| hour(a.at()) == hour(b.at())) {
            ready.blocks.extend(added(db, i64::from(device), rows)?);
        }
    }
    Ok(())
}

/// Writes blocks, and takes what they stand for away.
pub(super) fn put_blocks(db: &Connection, ready: &Ready) -> rusqlite::Result<()> {
    for block in &ready.blocks {
        // What has no number of its own is all of its hour.
        if block.part == 0 {
            db.prepare_cached("DELETE FROM block WHERE kind = ? AND device = ? AND hour = ?")?
                .execute(params![block.kind, block.device, block.hour])?;
        }
        insert(db, block)?;
    }
    for (kind, number) in &ready.batches {
        db.execute("DELETE FROM tail WHERE kind = ? AND number <= ?", [kind, number])?;
    }
    Ok(())
}

/// Rows in a file belong to a device, and not to a junction of this city.
const NOBODY: JunctionIx = JunctionIx(0);

fn hour(at: Moment) -> i64 {
    at.0.div_euclid(HOUR_MS)
}

/// Sorted rows of one device and one hour: as a part of their own, or as one part with those that are there.
fn added<R: Row>(db: &Connection, device: i64, rows: &[R]) -> rusqlite::Result<Option<Block>> {
    let Some((first, last)) = rows.first().zip(rows.last()) else { return Ok(None) };
    let hour = hour(first.at());
    let mut select =
        db.prepare_cached("SELECT part, first, last FROM block WHERE kind = ? AND device = ? AND hour = ?")?;
    let parts =
        select.query_map(params![R::KIND, device, hour], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?;
    let parts: Vec<(i64, i64, i64)> = parts.collect::<Result<_, _>>()?;
    let apart = |(_, from, to): &(i64, i64, i64)| *to < first.at().0 || *from > last.at().0;
    if parts.len() + 1 < MOST_PARTS && parts.iter().all(apart) {
        let part = parts.iter().map(|(part, ..)| part + 1).max().unwrap_or(0);
        return Ok(block(device, hour, part, rows));
    }
    united(db, device, hour, rows)
}

/// One part of an hour of all that is there, and of `more`.
fn united<R: Row>(db: &Connection, device: i64, hour: i64, more: &[R]) -> rusqlite::Result<Option<Block>> {
    let mut rows = more.to_vec();
    let mut select =
        db.prepare_cached("SELECT data FROM block WHERE kind = ? AND device = ? AND hour = ?")?;
    let mut parts = select.query(params![R::KIND, device, hour])?;
    while let Some(part) = parts.next()? {
        rows.extend(R::decode(&unpack(part.get_ref(0)?.as_blob()?)?, NOBODY)?);
    }
    R::sort(&mut rows);
    Ok(block(device, hour, 0, &rows))
}

fn block<R: Row>(device: i64, hour: i64, part: i64, rows: &[R]) -> Option<Block> {
    let (first, last) = rows.first().zip(rows.last())?;
    let mut sums = BTreeMap::new();
    count(rows, &mut sums);
    let mut volumes = Vec::new();
    for (channel, volume) in sums {
        put(&mut volumes, u64::from(channel));
        put(&mut volumes, volume);
    }
    Some(Block {
        kind: R::KIND,
        device,
        hour,
        part,
        first: first.at().0,
        last: last.at().0,
        rows: rows.len() as i64,
        volumes,
        data: pack(&R::encode(rows)),
    })
}

fn insert(db: &Connection, block: &Block) -> rusqlite::Result<()> {
    let Block { kind, device, hour, part, first, last, rows, volumes, data } = block;
    db.prepare_cached(
        "INSERT INTO block(kind, device, hour, part, first, last, rows, volumes, data) VALUES (?,?,?,?,?,?,?,?,?)",
    )?
    .execute(params![kind, device, hour, part, first, last, rows, volumes, data])
    .map(drop)
}

fn count<R: Row>(rows: &[R], volumes: &mut BTreeMap<u16, u64>) {
    for (channel, vehicles) in rows.iter().filter_map(Row::volume) {
        *volumes.entry(channel).or_default() += u64::from(vehicles);
    }
}

/// Makes one part of each of some hours that have several, but of the newest. Only reads, as [`compact`].
pub(super) fn settle(db: &Connection) -> rusqlite::Result<Ready> {
    let state = db.unchecked_transaction()?;
    let mut select = state.prepare_cached(
        "SELECT DISTINCT kind, device, hour FROM block INDEXED BY block_further_parts WHERE part > 0
         AND hour < (SELECT max(hour) FROM block INDEXED BY block_further_parts WHERE part > 0) LIMIT ?",
    )?;
    let hours = select.query_map([SETTLE_AT_ONCE as i64], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?;
    let hours: Vec<(i64, i64, i64)> = hours.collect::<Result<_, _>>()?;
    let mut ready = Ready::default();
    for (kind, device, hour) in hours {
        ready.blocks.extend(match kind {
            EventRow::KIND => united::<EventRow>(&state, device, hour, &[])?,
            _ => united::<IntervalRow>(&state, device, hour, &[])?,
        });
    }
    Ok(ready)
}

/// Forgets blocks that ended before `first`.
pub(super) fn forget_before(db: &Connection, first: Moment) -> rusqlite::Result<()> {
    db.execute("DELETE FROM block WHERE hour <= ? AND last < ?", params![hour(first), first.0]).map(drop)
}

/// A device's rows of a range, in order; a few more than `limit` at most, if there are more.
pub(super) fn read<R: Row>(
    db: &Connection,
    device: i64,
    junction: JunctionIx,
    range: &Range<Moment>,
    limit: usize,
) -> rusqlite::Result<Vec<R>> {
    let state = db.unchecked_transaction()?;
    let mut waiting = tail::<R>(&state, device, junction, range)?;
    let mut found: Vec<R> = Vec::new();
    let mut select = state.prepare_cached(
        "SELECT first, last, data FROM block WHERE kind = ? AND device = ? AND hour BETWEEN ? AND ?
         AND last >= ? AND first < ? ORDER BY hour, first",
    )?;
    let end = range.end.0.saturating_sub(1);
    let hours = (hour(range.start), end.div_euclid(HOUR_MS));
    let mut parts = select.query(params![R::KIND, device, hours.0, hours.1, range.start.0, range.end.0])?;
    while let Some(part) = parts.next()? {
        let (first, last): (i64, i64) = (part.get(0)?, part.get(1)?);
        found.extend(waiting.drain(..waiting.partition_point(|row| row.at().0 < first)));
        if found.len() > limit {
            return Ok(found);
        }
        let mut rows = R::decode(&unpack(part.get_ref(2)?.as_blob()?)?, junction)?;
        rows.retain(|row| range.contains(&row.at()));
        let within = waiting.partition_point(|row| row.at().0 <= last);
        if within > 0 {
            rows.extend(waiting.drain(..within));
            R::sort(&mut rows);
        }
        found.append(&mut rows);
        if found.len() > limit {
            return Ok(found);
        }
    }
    found.append(&mut waiting);
    Ok(found)
}

/// How many vehicles came over each channel of a device.
pub(super) fn volumes<R: Row>(
    db: &Connection,
    device: i64,
    junction: JunctionIx,
    range: &Range<Moment>,
) -> rusqlite::Result<BTreeMap<u16, u64>> {
    let state = db.unchecked_transaction()?;
    let mut waiting = tail::<R>(&state, device, junction, range)?;
    let mut sums = BTreeMap::new();
    let mut select = state.prepare_cached(
        "SELECT rowid, first, last, volumes FROM block WHERE kind = ? AND device = ? AND hour BETWEEN ? AND ?
         AND last >= ? AND first < ? ORDER BY hour, first",
    )?;
    let mut whole = state.prepare_cached("SELECT data FROM block WHERE rowid = ?")?;
    let hours = (hour(range.start), range.end.0.saturating_sub(1).div_euclid(HOUR_MS));
    let mut parts = select.query(params![R::KIND, device, hours.0, hours.1, range.start.0, range.end.0])?;
    while let Some(part) = parts.next()? {
        let (first, last): (i64, i64) = (part.get(1)?, part.get(2)?);
        let same_time = |row: &R| (first..=last).contains(&row.at().0);
        let inside = range.contains(&Moment(first)) && range.contains(&Moment(last));
        if inside && !waiting.iter().any(same_time) {
            let mut bytes = part.get_ref(3)?.as_blob()?;
            while !bytes.is_empty() {
                let channel = take(&mut bytes)? as u16;
                *sums.entry(channel).or_default() += take(&mut bytes)?;
            }
            continue;
        }
        let packed: Vec<u8> = whole.query_row([part.get::<_, i64>(0)?], |r| r.get(0))?;
        let mut rows = R::decode(&unpack(&packed)?, junction)?;
        rows.retain(|row| range.contains(&row.at()));
        rows.extend(waiting.extract_if(.., |row| same_time(row)));
        R::sort(&mut rows);
        count(&rows, &mut sums);
    }
    count(&waiting, &mut sums);
    Ok(sums)
}

/// A device's rows of a range that are still in the tail, in order.
fn tail<R: Row>(
    db: &Connection,
    device: i64,
    junction: JunctionIx,
    range: &Range<Moment>,
) -> rusqlite::Result<Vec<R>> {
    let mut select = db.prepare_cached(
        "SELECT number, directory FROM tail WHERE kind = ? AND last >= ? AND first < ? ORDER BY number",
    )?;
    let mut batches = select.query(params![R::KIND, range.start.0, range.end.0])?;
    // Most batches have nothing of the device, and their data is then not read.
    let mut places = Vec::new();
    while let Some(batch) = batches.next()? {
        if let Some(place) = find(batch.get_ref(1)?.as_blob()?, device as u32) {
            places.push((batch.get::<_, i64>(0)?, place));
        }
    }
    let mut select = db.prepare_cached("SELECT substr(data, ?, ?) FROM tail WHERE number = ?")?;
    let mut found = Vec::new();
    for (number, place) in places {
        let decoded = select
            .query_row(params![i64::from(place.offset) + 1, place.length, number], |r| {
                Ok(R::decode(r.get_ref(0)?.as_blob()?, junction)?)
            })
            .optional()?;
        found.extend(decoded.into_iter().flatten().filter(|row| range.contains(&row.at())));
    }
    R::sort(&mut found);
    Ok(found)
}

impl Place {
    fn range(&self) -> Range<usize> {
        let offset = self.offset as usize;
        offset..offset.saturating_add(self.length as usize)
    }
}

fn entry(bytes: &[u8]) -> (u32, Place) {
    let number = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    (number(0), Place { offset: number(4), length: number(8) })
}

fn entries(directory: &[u8]) -> impl Iterator<Item = (u32, Place)> {
    directory.chunks_exact(ENTRY).map(entry)
}

fn find(directory: &[u8], device: u32) -> Option<Place> {
    let (entries, _) = directory.as_chunks::<ENTRY>();
    let at = entries.binary_search_by_key(&device, |bytes| entry(bytes).0).ok()?;
    Some(entry(&entries[at]).1)
}

/// Rows of the first version of this file, where a row was a row, become blocks. All of them, or an error.
pub(super) fn from_rows(db: &Connection) -> rusqlite::Result<()> {
    let events = move_rows(
        db,
        "SELECT device, ts, code, param FROM hires_event ORDER BY device, ts, code, param",
        |r| {
            Ok(EventRow {
                at: Moment(r.get(1)?),
                junction: NOBODY,
                code: r.get::<_, i16>(2)? as u16,
                param: r.get::<_, i16>(3)? as u16,
            })
        },
    )?;
    let intervals = move_rows(
        db,
        "SELECT device, ts, channel, count, occ, speed, flags FROM detector_obs
         ORDER BY device, ts, channel, flags, count",
        |r| {
            Ok(IntervalRow {
                at: Moment(r.get(1)?),
                junction: NOBODY,
                channel: r.get::<_, i16>(2)? as u16,
                count: r.get::<_, i16>(3)? as u16,
                occupancy: r.get(4)?,
                speed_mps: r.get(5)?,
                flags: r.get(6)?,
            })
        },
    )?;
    for (kind, table, moved) in
        [(EventRow::KIND, "hires_event", events), (IntervalRow::KIND, "detector_obs", intervals)]
    {
        let before: i64 = db.query_row(&format!("SELECT count(*) FROM {table}"), [], |r| r.get(0))?;
        let now: i64 =
            db.query_row("SELECT coalesce(sum(rows), 0) FROM block WHERE kind = ?", [kind], |r| r.get(0))?;
        if before != now || before != moved {
            return Err(Damaged.into());
        }
        db.execute_batch(&format!("DROP TABLE {table}"))?;
    }
    if events + intervals > 0 {
        tracing::info!(events, intervals, "the store's rows are column blocks now");
    }
    Ok(())
}

/// Moves the rows of a query, which come device by device; says how many there were.
fn move_rows<R: Row>(
    db: &Connection,
    sql: &str,
    row: impl Fn(&rusqlite::Row<'_>) -> rusqlite::Result<R>,
) -> rusqlite::Result<i64> {
    let mut select = db.prepare(sql)?;
    let mut rows = select.query([])?;
    let (mut of, mut gathered, mut moved) = ((0, 0), Vec::new(), 0);
    while let Some(next) = rows.next()? {
        let (device, next) = (next.get::<_, i64>(0)?, row(next)?);
        if of != (device, hour(next.at())) {
            block(of.0, of.1, 0, &gathered).map_or(Ok(()), |block| insert(db, &block))?;
            gathered.clear();
            of = (device, hour(next.at()));
        }
        gathered.push(next);
        moved += 1;
    }
    block(of.0, of.1, 0, &gathered).map_or(Ok(()), |block| insert(db, &block))?;
    Ok(moved)
}

/// Reads every blob; says how many rows there are of each kind, and what is wrong.
pub(super) fn check(db: &Connection, faults: &mut Vec<String>) -> rusqlite::Result<[u64; 2]> {
    Ok([check_kind::<EventRow>(db, faults)?, check_kind::<IntervalRow>(db, faults)?])
}

fn check_kind<R: Row>(db: &Connection, faults: &mut Vec<String>) -> rusqlite::Result<u64> {
    let mut total = 0;
    let mut select =
        db.prepare("SELECT device, hour, part, first, last, rows, data FROM block WHERE kind = ?")?;
    let mut blocks = select.query([R::KIND])?;
    while let Some(block) = blocks.next()? {
        let (device, hour, part): (i64, i64, i64) = (block.get(0)?, block.get(1)?, block.get(2)?);
        let bounds: (i64, i64) = (block.get(3)?, block.get(4)?);
        let rows = unpack(block.get_ref(6)?.as_blob()?).and_then(|bytes| R::decode(&bytes, NOBODY));
        let sound = rows.as_ref().is_ok_and(|rows| {
            let ends = rows.first().zip(rows.last()).map(|(first, last)| (first.at().0, last.at().0));
            ends == Some(bounds) && block.get::<_, i64>(5) == Ok(rows.len() as i64)
        });
        if !sound {
            faults.push(format!("block {}/{device}/{hour}/{part} is damaged", R::KIND));
        }
        total += rows.map_or(0, |rows| rows.len() as u64);
    }
    let mut select = db.prepare("SELECT number, rows, directory, data FROM tail WHERE kind = ?")?;
    let mut batches = select.query([R::KIND])?;
    while let Some(batch) = batches.next()? {
        let data = batch.get_ref(3)?.as_blob()?;
        let rows: Result<usize, Damaged> = entries(batch.get_ref(2)?.as_blob()?)
            .map(|(_, place)| Ok(R::decode(data.get(place.range()).ok_or(Damaged)?, NOBODY)?.len()))
            .sum();
        if rows.is_err() || batch.get::<_, i64>(1)? != rows.unwrap_or(0) as i64 {
            faults.push(format!("batch {} of the tail is damaged", batch.get::<_, i64>(0)?));
        }
        total += rows.unwrap_or(0) as u64;
    }
    Ok(total)
}

impl From<Damaged> for rusqlite::Error {
    fn from(damaged: Damaged) -> rusqlite::Error {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Blob, Box::new(damaged))
    }
}
