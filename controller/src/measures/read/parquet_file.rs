//! Parquet, a few thousand rows at a time. Rows are counted as lines, from 1.

use super::{self as read, Collected, LOG_COLUMNS, ReadError, find, text};
use crate::measures::bin::Stamp;
use model::time::Moment;
use parquet::{
    basic::{ConvertedType, LogicalType, TimeUnit},
    column::reader::{ColumnReader, ColumnReaderImpl},
    data_type::DataType,
    errors::ParquetError,
    file::reader::{FileReader, RowGroupReader, SerializedFileReader},
    schema::types::ColumnDescriptor,
};
use std::{fs::File, path::Path};

/// Rows that are read at once; more only takes more memory.
const ROWS: usize = 8192;

pub(super) fn events(file: &Path, into: &mut Collected) -> Result<(), ReadError> {
    let mut line = 0;
    rows(file, &LOG_COLUMNS, |row| {
        line += 1;
        let mut read = || -> Result<(), String> {
            let [at, device, code, param] = row;
            let at = at.time().ok_or_else(|| format!("{at} is no time"))?;
            let code = code.whole().ok_or_else(|| format!("{code} is no event code"))?;
            let param = param.whole().ok_or_else(|| format!("{param} is no parameter"))?;
            match device {
                Value::Missing => return Err("there is no device".to_owned()),
                Value::Text(name) => into.add(line, name, at, code, param),
                other => into.add(line, &other.to_string(), at, code, param),
            }
            Ok(())
        };
        if let Err(cause) = read() {
            into.rejected.add(line, cause);
        }
        Ok(())
    })
}

/// Hands the wanted columns of each row to `take` as text; see [`text::rows`].
pub(super) fn texts<const N: usize>(
    file: &Path,
    wanted: &[read::Column; N],
    mut take: impl FnMut([&str; N]) -> Result<(), String>,
) -> Result<(), ReadError> {
    let mut line = 0;
    rows(file, wanted, |row| {
        line += 1;
        let cells = row.each_ref().map(|cell| match cell {
            Value::Missing => String::new(),
            there => there.to_string(),
        });
        take(cells.each_ref().map(String::as_str)).map_err(|cause| ReadError::new(file, Some(line), cause))
    })
}

/// A cell.
enum Value {
    Missing,
    Number(i64),
    Fraction(f64),
    Time(Moment),
    Text(String),
}

impl Value {
    fn whole(&self) -> Option<i64> {
        match self {
            Value::Number(number) => Some(*number),
            Value::Fraction(number) if number.fract() == 0.0 && number.abs() < 1e9 => Some(*number as i64),
            Value::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    fn time(&self) -> Option<Moment> {
        match self {
            Value::Time(at) => Some(*at),
            Value::Text(text) => text::time(text.as_bytes()),
            _ => None,
        }
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::Missing => write!(f, "an empty cell"),
            Value::Number(number) => write!(f, "{number}"),
            Value::Fraction(number) => write!(f, "{number}"),
            Value::Time(at) => write!(f, "{}", Stamp(*at)),
            Value::Text(text) => write!(f, "{text}"),
        }
    }
}

/// The names of its columns.
pub(super) fn names(file: &Path) -> Result<Vec<String>, ReadError> {
    open(file).map(|(_, names)| names)
}

fn open(file: &Path) -> Result<(SerializedFileReader<File>, Vec<String>), ReadError> {
    let bad = |cause: &dyn ToString| ReadError::new(file, None, cause.to_string());
    let opened = File::open(file).map_err(|error| bad(&format!("could not be read: {error}")))?;
    let reader = SerializedFileReader::new(opened).map_err(|error| bad(&error))?;
    let schema = reader.metadata().file_metadata().schema_descr();
    let names = schema.columns().iter().map(|column| column.name().to_owned()).collect();
    Ok((reader, names))
}

/// Hands the wanted columns of each row to `take`.
fn rows<const N: usize>(
    file: &Path,
    wanted: &[read::Column; N],
    mut take: impl FnMut(&[Value; N]) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let bad = |cause: &dyn ToString| ReadError::new(file, None, cause.to_string());
    let (reader, names) = open(file)?;
    let columns = find(wanted, &names).map_err(|cause| bad(&cause))?;
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(|error| bad(&error))?;
        let mut cells = Vec::with_capacity(N);
        for column in columns {
            cells.push(Column::open(group.as_ref(), column).map_err(|error| bad(&error))?);
        }
        let mut cells: [Column; N] = cells.try_into().map_err(|_| bad(&"a column is missing"))?;
        for _ in 0..group.metadata().num_rows() {
            let mut row = [const { Value::Missing }; N];
            for (cell, column) in row.iter_mut().zip(&mut cells) {
                *cell = column.next().map_err(|error| bad(&error))?;
            }
            take(&row)?;
        }
    }
    Ok(())
}

/// A column that is read cell by cell.
struct Column {
    source: ColumnReader,
    /// Nanoseconds, microseconds or milliseconds to a millisecond, if the column holds times.
    per_ms: Option<i64>,
    /// Cells that can be missing have a level above 0 where they are not.
    may_miss: bool,
    cells: std::vec::IntoIter<Value>,
}

impl Column {
    fn open(group: &dyn RowGroupReader, column: usize) -> Result<Column, ParquetError> {
        let described = group.metadata().column(column).column_descr_ptr();
        Ok(Column {
            source: group.get_column_reader(column)?,
            per_ms: per_ms(&described),
            may_miss: described.max_def_level() > 0,
            cells: Vec::new().into_iter(),
        })
    }

    fn next(&mut self) -> Result<Value, ParquetError> {
        if let Some(cell) = self.cells.next() {
            return Ok(cell);
        }
        let (per_ms, may_miss) = (self.per_ms, self.may_miss);
        let number = |number: i64| match per_ms {
            Some(per_ms) => Value::Time(Moment(number.div_euclid(per_ms))),
            None => Value::Number(number),
        };
        let text = |bytes: &[u8]| Value::Text(String::from_utf8_lossy(bytes).into_owned());
        let cells = match &mut self.source {
            ColumnReader::Int64ColumnReader(source) => read(source, may_miss, |n| number(*n))?,
            ColumnReader::Int32ColumnReader(source) => read(source, may_miss, |n| number(i64::from(*n)))?,
            ColumnReader::Int96ColumnReader(source) => {
                read(source, may_miss, |n| Value::Time(Moment(n.to_millis())))?
            }
            ColumnReader::DoubleColumnReader(source) => read(source, may_miss, |n| Value::Fraction(*n))?,
            ColumnReader::FloatColumnReader(source) => {
                read(source, may_miss, |n| Value::Fraction(f64::from(*n)))?
            }
            ColumnReader::ByteArrayColumnReader(source) => {
                read(source, may_miss, |bytes| text(bytes.data()))?
            }
            ColumnReader::FixedLenByteArrayColumnReader(source) => {
                read(source, may_miss, |bytes| text(bytes.data()))?
            }
            ColumnReader::BoolColumnReader(source) => {
                read(source, may_miss, |b| Value::Number(i64::from(*b)))?
            }
        };
        self.cells = cells.into_iter();
        Ok(self.cells.next().unwrap_or(Value::Missing))
    }
}

fn read<T: DataType>(
    source: &mut ColumnReaderImpl<T>,
    may_miss: bool,
    value: impl Fn(&T::T) -> Value,
) -> Result<Vec<Value>, ParquetError> {
    let (mut values, mut levels) = (Vec::with_capacity(ROWS), Vec::new());
    source.read_records(ROWS, may_miss.then_some(&mut levels), None, &mut values)?;
    if !may_miss {
        return Ok(values.iter().map(value).collect());
    }
    let mut there = values.iter();
    let cell = |level: &i16| (*level > 0).then(|| there.next()).flatten().map_or(Value::Missing, &value);
    Ok(levels.iter().map(cell).collect())
}

fn per_ms(column: &ColumnDescriptor) -> Option<i64> {
    match (column.logical_type_ref(), column.converted_type()) {
        (Some(LogicalType::Timestamp(timestamp)), _) => Some(match timestamp.unit {
            TimeUnit::MILLIS => 1,
            TimeUnit::MICROS => 1_000,
            TimeUnit::NANOS => 1_000_000,
        }),
        (_, ConvertedType::TIMESTAMP_MILLIS) => Some(1),
        (_, ConvertedType::TIMESTAMP_MICROS) => Some(1_000),
        _ => None,
    }
}
