//! CSV, and how times are written in it.

use super::{Collected, Column, LOG_COLUMNS, ReadError, find};
use crate::measures::bin;
use csv::{ByteRecord, Reader, ReaderBuilder};
use model::time::Moment;
use std::{fs::File, path::Path};

/// What a log without a header has in its columns: Utah's order, device, time, code, parameter.
const HEADERLESS: [usize; 4] = [1, 0, 2, 3];
/// No log is older; what looks so has its date in an order that is not known here.
const FIRST_YEAR: i64 = 1970;

pub(super) fn events(file: &Path, into: &mut Collected) -> Result<(), ReadError> {
    let (mut reader, first) = open(file)?;
    let mut record = ByteRecord::new();
    let headerless = first.get(HEADERLESS[0]).and_then(time).is_some();
    let columns = match headerless {
        true => HEADERLESS,
        false => find(&LOG_COLUMNS, &names(&first)).map_err(|cause| ReadError::new(file, Some(1), cause))?,
    };
    if headerless {
        line(&first, columns, into);
    }
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(true) => line(&record, columns, into),
            Ok(false) => return Ok(()),
            Err(error) => return Err(ReadError::new(file, Some(reader.position().line()), error)),
        }
    }
}

fn line(record: &ByteRecord, columns: [usize; 4], into: &mut Collected) {
    let number = record.position().map_or(0, csv::Position::line);
    match fields(record, columns) {
        Ok((device, at, code, param)) => into.add(number, device, at, code, param),
        Err(cause) => into.rejected.add(number, cause),
    }
}

fn fields(record: &ByteRecord, columns: [usize; 4]) -> Result<(&str, Moment, i64, i64), String> {
    let [at, device, code, param] = columns.map(|column| record.get(column));
    let field = |value: Option<&'_ [u8]>, name: &str| match value.map(<[u8]>::trim_ascii) {
        None | Some(b"") => Err(format!("there is no {name}")),
        Some(_) => Ok(()),
    };
    field(at, "time")?;
    field(device, "device")?;
    field(code, "event code")?;
    field(param, "parameter")?;
    let shown = |value: Option<&[u8]>| String::from_utf8_lossy(value.unwrap_or_default()).into_owned();
    let moment = at.and_then(time).ok_or_else(|| format!("{:?} is no time", shown(at)))?;
    let name = device.and_then(|name| str::from_utf8(name.trim_ascii()).ok());
    let name = name.ok_or_else(|| format!("{:?} is no device", shown(device)))?;
    let code = code.and_then(whole).ok_or_else(|| format!("{:?} is no event code", shown(code)))?;
    let param = param.and_then(whole).ok_or_else(|| format!("{:?} is no parameter", shown(param)))?;
    Ok((name, moment, code, param))
}

/// Hands the wanted columns of each line to `take`, which says what is wrong with them.
pub(super) fn rows<const N: usize>(
    file: &Path,
    wanted: &[Column; N],
    mut take: impl FnMut([&str; N]) -> Result<(), String>,
) -> Result<(), ReadError> {
    let (mut reader, first) = open(file)?;
    let columns = find(wanted, &names(&first)).map_err(|cause| ReadError::new(file, Some(1), cause))?;
    let mut record = ByteRecord::new();
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(error) => return Err(ReadError::new(file, Some(reader.position().line()), error)),
        }
        let cells = columns.map(|column| String::from_utf8_lossy(record.get(column).unwrap_or_default()));
        let line = record.position().map(csv::Position::line);
        take(cells.each_ref().map(|cell| cell.trim())).map_err(|cause| ReadError::new(file, line, cause))?;
    }
}

/// The names of its columns.
pub(super) fn header(file: &Path) -> Result<Vec<String>, ReadError> {
    open(file).map(|(_, first)| names(&first))
}

/// Opens the file and reads its first line.
fn open(file: &Path) -> Result<(Reader<File>, ByteRecord), ReadError> {
    let opened = File::open(file)
        .map_err(|error| ReadError::new(file, None, format!("could not be read: {error}")))?;
    let mut reader =
        ReaderBuilder::new().has_headers(false).flexible(true).buffer_capacity(1 << 16).from_reader(opened);
    let mut first = ByteRecord::new();
    match reader.read_byte_record(&mut first) {
        Ok(true) => Ok((reader, first)),
        Ok(false) => Err(ReadError::new(file, None, "it is empty")),
        Err(error) => Err(ReadError::new(file, Some(1), error)),
    }
}

fn names(first: &ByteRecord) -> Vec<String> {
    let name = |field: &[u8]| String::from_utf8_lossy(field).trim_start_matches('\u{feff}').trim().to_owned();
    first.iter().map(name).collect()
}

/// A whole number; `82.0` is one too, since tables with gaps come with such.
fn whole(text: &[u8]) -> Option<i64> {
    let text = str::from_utf8(text.trim_ascii()).ok()?;
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let number: f64 = text.parse().ok()?;
    (number.fract() == 0.0 && number.abs() < 1e9).then_some(number as i64)
}

/// A time as logs write it: `2024-04-15 12:00:00.4`, `2024-04-15T12:00:00.4Z`, `4/15/2024 12:00:0.4`,
/// `04-15-2024 12:00:00.4`. It is local time, whatever its zone says; finer digits than milliseconds are cut off.
pub(super) fn time(text: &[u8]) -> Option<Moment> {
    let mut scan = Scan { text: text.trim_ascii() };
    let (a, separator) = (scan.number()?, scan.next()?);
    let (b, again) = (scan.number()?, scan.next()?);
    let c = scan.number()?;
    if separator != again || !matches!(separator, b'-' | b'/') {
        return None;
    }
    let (year, month, day) = if a > 31 { (a, b, c) } else { (c, a, b) };
    if year < FIRST_YEAR {
        return None;
    }
    let date = (i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    if scan.text.is_empty() {
        return bin::moment(date.0, date.1, date.2, 0);
    }
    if !matches!(scan.next()?, b' ' | b'T') {
        return None;
    }
    let (hour, _) = (scan.number()?, scan.colon()?);
    let minute = scan.number()?;
    let (mut second, mut ms) = (0, 0);
    if scan.text.first() == Some(&b':') {
        scan.colon()?;
        second = scan.number()?;
        if scan.text.first() == Some(&b'.') {
            scan.next()?;
            ms = scan.milliseconds()?;
        }
    }
    scan.zone()?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    bin::moment(date.0, date.1, date.2, ((hour * 60 + minute) * 60 + second) * 1000 + ms)
}

/// A text that is read from its beginning.
struct Scan<'a> {
    text: &'a [u8],
}

impl Scan<'_> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.text.split_first()?;
        self.text = rest;
        Some(*first)
    }

    fn colon(&mut self) -> Option<()> {
        (self.next()? == b':').then_some(())
    }

    fn digits(&mut self) -> Option<&[u8]> {
        let count = self.text.iter().take_while(|c| c.is_ascii_digit()).count();
        let (digits, rest) = self.text.split_at(count);
        self.text = rest;
        (1..=9).contains(&count).then_some(digits)
    }

    fn number(&mut self) -> Option<i64> {
        Some(self.digits()?.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')))
    }

    fn milliseconds(&mut self) -> Option<i64> {
        let digits = self.digits()?;
        let digit = |i: usize| i64::from(digits.get(i).map_or(0, |digit| digit - b'0'));
        Some(digit(0) * 100 + digit(1) * 10 + digit(2))
    }

    /// Nothing more, or a zone: `Z`, `+03:00`.
    fn zone(&self) -> Option<()> {
        match self.text {
            [] | [b'Z'] => Some(()),
            [b'+' | b'-', rest @ ..] if rest.iter().all(|c| c.is_ascii_digit() || *c == b':') => Some(()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measures::bin::Stamp;

    #[track_caller]
    fn check(text: &str, wants: Option<&str>) {
        let read = time(text.as_bytes()).map(|at| Stamp(at).to_string());
        assert_eq!(read.as_deref(), wants, "{text}");
    }

    #[test]
    fn times_as_logs_write_them() {
        check("2024-04-15 12:00:00", Some("2024-04-15 12:00:00"));
        check("2024-04-15 12:00:00.4", Some("2024-04-15 12:00:00.4"));
        check("2022-06-05 00:00:02.2000000", Some("2022-06-05 00:00:02.2"));
        check("2024-04-15T12:00:00.450Z", Some("2024-04-15 12:00:00.450"));
        check("2024-04-15 12:00:00+03:00", Some("2024-04-15 12:00:00"));
        check("4/17/2023 8:00:0.20", Some("2023-04-17 08:00:00.2"));
        check("4/17/2023 8:00", Some("2023-04-17 08:00:00"));
        check("06-23-2024 22:47:07.3", Some("2024-06-23 22:47:07.3"));
        check("2024-04-15", Some("2024-04-15 00:00:00"));
        for bad in
            ["", "noon", "2024-13-15 12:00:00", "2024-04-15 25:00:00", "2024-04-15 12:00:00 or so", "1/2/3"]
        {
            check(bad, None);
        }
    }
}
