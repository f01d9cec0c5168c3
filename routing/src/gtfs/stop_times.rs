//! `stop_times.txt`: by far the largest table, and the one with most to put right.

use super::{
    archive::Archive,
    flex,
    read::Ids,
    records::{Call, Feed, HeadsignIx, Trip},
    report::{
        Remedy::{LeftOut, Repaired},
        Report,
    },
    table::Table,
};
use std::collections::HashMap;

/// No trip takes longer: times of more are slips of a pen. A week, since sleepers cross continents.
const LATEST_S: u32 = 7 * 86_400;

/// A row, before its trip is whole.
struct Row {
    trip: u32,
    sequence: u32,
    line: u64,
    stop: u32,
    arrival_s: Option<u32>,
    departure_s: Option<u32>,
    boards: bool,
    alights: bool,
    headsign: Option<HeadsignIx>,
    /// Along the shape, in the feed's own unit.
    travelled: Option<f64>,
}

/// Reads `H:MM:SS` or `HH:MM:SS`, past midnight as `25:10:00`.
pub(crate) fn seconds(text: &str) -> Option<u32> {
    let mut parts = text.trim().split(':');
    let mut part = |longest: usize| {
        let digits = parts.next()?;
        let sound =
            !digits.is_empty() && digits.len() <= longest && digits.bytes().all(|b| b.is_ascii_digit());
        if sound { digits.parse::<u32>().ok() } else { None }
    };
    let (h, m, s) = (part(3)?, part(2)?, part(2)?);
    let time = h * 3600 + m * 60 + s;
    (parts.next().is_none() && m < 60 && s < 60 && time <= LATEST_S).then_some(time)
}

/// Reads the table and gives every trip its calls. Trips that have less than two are left out; the ids of those
/// that stay are returned.
pub(super) fn read(
    feed: &mut Feed,
    archive: &mut Archive,
    ids: [&Ids; 2],
    (mut demand, durations): (flex::Reader, &[[Option<f64>; 2]]),
    report: &mut Report,
) -> Ids {
    let rows = read_rows(feed, archive, ids, &mut demand, report);
    let file = format!("{}/stop_times.txt", feed.tag);
    let mut calls = Vec::with_capacity(rows.len());
    let mut rest = rows.as_slice();
    for (i, trip) in feed.trips.iter_mut().enumerate() {
        let own = rest.partition_point(|row| row.trip as usize == i);
        let (rows, others) = rest.split_at(own);
        rest = others;
        let first = calls.len();
        if let Err((line, fault)) = put_in_order(rows, &mut calls) {
            calls.truncate(first);
            if !(rows.is_empty() && demand.knows(i as u32)) {
                report.add(&file, line, format!("trip {:?}", trip.id), fault, LeftOut);
            }
        }
        trip.calls = first as u32..calls.len() as u32;
    }
    feed.calls = calls;
    demand.finish(feed, durations, report);
    feed.trips.retain(|trip| !trip.calls.is_empty());
    feed.trips.iter().enumerate().map(|(i, trip): (usize, &Trip)| (trip.id.clone(), i as u32)).collect()
}

/// All rows that name a trip and a stop, by trip and sequence.
fn read_rows(
    feed: &mut Feed,
    archive: &mut Archive,
    [trips, stops]: [&Ids; 2],
    demand: &mut flex::Reader,
    report: &mut Report,
) -> Vec<Row> {
    let mut rows = Vec::new();
    let Some(mut table) = Table::open(archive, &feed.tag, "stop_times.txt", report) else { return rows };
    let [trip, stop, sequence, arrival, departure] =
        table.columns(["trip_id", "stop_id", "stop_sequence", "arrival_time", "departure_time"]);
    let [pickup, drop_off, headsign, travelled] =
        table.columns(["pickup_type", "drop_off_type", "stop_headsign", "shape_dist_traveled"]);
    let windows = flex::Reader::columns(&table);
    let mut headsigns = HashMap::<String, HeadsignIx>::new();
    let mut last: (String, Option<u32>) = (String::new(), None);
    while table.advance() {
        if table.text(trip) != last.0 {
            let name = table.text(trip).to_string();
            last = (name.clone(), trips.get(&name).copied());
        }
        let Some(trip) = last.1 else {
            table.fault(format!("trip {:?}", last.0), "is of a trip that is not there", LeftOut);
            continue;
        };
        if demand.takes(&mut table, &windows, ((trip, &last.0), stops)) {
            continue;
        }
        let record = |table: &Table<'_>| format!("trip {:?}, stop {:?}", last.0, table.text(stop));
        let Some(&stop_ix) = stops.get(table.text(stop)) else {
            let record = record(&table);
            table.fault(record, "calls at a stop that is not there", LeftOut);
            continue;
        };
        let Ok(Some(sequence)) = table.number::<u32>(sequence) else {
            let record = record(&table);
            table.fault(record, "has no number in its trip", LeftOut);
            continue;
        };
        let mut time = |column| {
            let text = table.text(column);
            let read = seconds(text);
            if read.is_none() && !text.is_empty() {
                let record = format!("{}, {text:?}", record(&table));
                table.fault(record, "has a time that is none", Repaired("as if it were not given"));
            }
            read
        };
        let (arrival_s, departure_s) = (time(arrival), time(departure));
        let mut may = |column, fault| match table.text(column) {
            "" | "0" => true,
            _ => {
                let record = record(&table);
                table.code(column, 0..=3, 0, &record, fault) != 1
            }
        };
        let boards = may(pickup, "has an unknown pickup_type");
        let alights = may(drop_off, "has an unknown drop_off_type");
        let travelled = match table.text(travelled) {
            "" => None,
            _ => {
                let record = record(&table);
                table.positive(travelled, &record)
            }
        };
        let headsign = match table.text(headsign) {
            "" => None,
            text => Some(headsigns.get(text).copied().unwrap_or_else(|| {
                let new = HeadsignIx::new(feed.headsigns.len());
                headsigns.insert(text.to_string(), new);
                feed.headsigns.push(text.to_string());
                new
            })),
        };
        let line = table.line();
        rows.push(Row {
            trip,
            sequence,
            line,
            stop: stop_ix,
            arrival_s,
            departure_s,
            boards,
            alights,
            headsign,
            travelled,
        });
    }
    rows.sort_by_key(|row| (row.trip, row.sequence));
    rows.dedup_by(|second, first| {
        let same = (second.trip, second.sequence) == (first.trip, first.sequence);
        if same {
            let record =
                format!("trip {:?}, number {}", feed.trips[second.trip as usize].id, second.sequence);
            table.fault_at(second.line, record, "stands there a second time", LeftOut);
        }
        same
    });
    rows
}

/// Appends the calls of one trip. Times that are not given are spread between those that are, by distance
/// along the shape where every row has it and evenly where not: GTFS allows them to be left out.
fn put_in_order(rows: &[Row], calls: &mut Vec<Call>) -> Result<(), (u64, &'static str)> {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
        return Err((0, "has no calls at stops"));
    };
    if rows.len() < 2 {
        return Err((first.line, "calls at one stop only"));
    }
    let given = |row: &Row| row.arrival_s.or(row.departure_s).is_some();
    if !given(first) || !given(last) {
        return Err((
            if given(first) { last.line } else { first.line },
            "has no time at its first or last stop",
        ));
    }
    let measured = rows.iter().all(|row| row.travelled.is_some())
        && rows.windows(2).all(|w| w[0].travelled <= w[1].travelled);
    let place = |i: usize| if measured { rows[i].travelled.unwrap_or(0.0) } else { i as f64 };
    let begin = calls.len();
    let mut before: usize = 0; // the last row whose time is given
    for (i, row) in rows.iter().enumerate() {
        let arrival_s = row.arrival_s.or(row.departure_s);
        let call = |arrival_s: u32, departure_s: u32, row: &Row| Call {
            stop: row.stop,
            arrival_s,
            departure_s,
            // Nobody numbers calls beyond that; who does is found by the stop.
            sequence: u16::try_from(row.sequence).unwrap_or(u16::MAX),
            boards: row.boards,
            alights: row.alights,
            headsign: row.headsign,
        };
        let Some(arrival_s) = arrival_s else { continue };
        let departure_s = row.departure_s.unwrap_or(arrival_s);
        if departure_s < arrival_s {
            return Err((row.line, "departs before it arrives"));
        }
        if i > 0 {
            let from_s = calls[begin + before].departure_s;
            if arrival_s < from_s {
                return Err((row.line, "arrives before it left the stop before"));
            }
            let (from, to) = (place(before), place(i));
            for (between, row) in rows.iter().enumerate().take(i).skip(before + 1) {
                let share = if to > from { (place(between) - from) / (to - from) } else { 0.0 };
                let at = from_s + (f64::from(arrival_s - from_s) * share).round() as u32;
                calls.push(call(at, at, row));
            }
        }
        calls.push(call(arrival_s, departure_s, row));
        before = i;
    }
    Ok(())
}
