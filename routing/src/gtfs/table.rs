//! One table, walked row by row: columns by name, values as the types that they should be.

use super::{
    archive::Archive,
    report::{Remedy, Report},
};
use csv::{ByteRecord, StringRecord};
use std::{ops::RangeInclusive, str::FromStr};

/// Where a column stands in a table, if the table has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Column(Option<usize>);

/// A table, and the row at which its reader stands.
pub(super) struct Table<'r> {
    /// Feed and table, for the report.
    pub(super) file: String,
    report: &'r mut Report,
    rows: csv::Reader<std::io::Cursor<Vec<u8>>>,
    columns: StringRecord,
    row: StringRecord,
    line: u64,
}

impl<'r> Table<'r> {
    /// Opens a table; `None` if the feed does not have it.
    pub(super) fn open(
        archive: &mut Archive,
        tag: &str,
        name: &str,
        report: &'r mut Report,
    ) -> Option<Table<'r>> {
        let bytes = archive.take(name)?;
        let mut rows = csv::ReaderBuilder::new().flexible(true).from_reader(std::io::Cursor::new(bytes));
        let file = format!("{tag}/{name}");
        let trimmed = |header: &ByteRecord| {
            header.iter().map(|c| String::from_utf8_lossy(c).trim().to_string()).collect()
        };
        // Reading from memory cannot fail, and with `flexible` no row can either.
        let columns: StringRecord = rows.byte_headers().map_or_else(|_| StringRecord::new(), trimmed);
        let is_name = |column: &str| {
            column.starts_with(|c: char| c.is_ascii_lowercase())
                && column.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        };
        // A row that lost its line's end has become a part of the header.
        for column in columns.iter().filter(|column| !column.is_empty() && !is_name(column)) {
            let remedy = Remedy::Repaired("what stands below it is not read");
            report.add(&file, 1, format!("column {column:?}"), "has a name that no column has", remedy);
        }
        Some(Table { file, report, rows, columns, row: StringRecord::new(), line: 1 })
    }

    /// Finds columns by name.
    pub(super) fn columns<const N: usize>(&self, names: [&str; N]) -> [Column; N] {
        names.map(|name| Column(self.columns.iter().position(|column| column == name)))
    }

    /// Whether the table has a column.
    pub(super) fn has(&self, column: Column) -> bool {
        column.0.is_some()
    }

    /// Goes to the next row that can be read at all; `false` at the end.
    pub(super) fn advance(&mut self) -> bool {
        loop {
            let mut bytes = std::mem::take(&mut self.row).into_byte_record();
            if !self.rows.read_byte_record(&mut bytes).unwrap_or(false) {
                return false;
            }
            self.line = bytes.position().map_or(0, csv::Position::line);
            match StringRecord::from_byte_record(bytes) {
                Ok(row) => self.row = row,
                Err(broken) => {
                    self.row = StringRecord::from_byte_record_lossy(broken.into_byte_record());
                    let record = self.beginning();
                    self.fault(
                        record,
                        "is not UTF-8",
                        Remedy::Repaired("unreadable letters are replaced by �"),
                    );
                }
            }
            if self.row.iter().any(|field| field.contains('\n')) {
                // A quotation mark that nobody closed swallows the rows after it.
                let record = self.beginning();
                self.fault(record, "has a value that runs over several lines", Remedy::LeftOut);
                continue;
            }
            if self.row.iter().all(|field| field.trim().is_empty()) {
                continue;
            }
            if self.row.len() > self.columns.len() {
                let record = self.beginning();
                let remedy = Remedy::Repaired("the surplus is not read");
                self.fault(record, "has more values than the table has columns", remedy);
            }
            return true;
        }
    }

    /// The row's first words, to recognise it by.
    fn beginning(&self) -> String {
        let text: Vec<&str> = self.row.iter().take(3).collect();
        let short: String = text.join(",").chars().take(60).collect();
        format!("{short:?}")
    }

    /// Line of the present row.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// A value as text; empty if it is not there.
    pub(super) fn text(&self, column: Column) -> &str {
        column.0.and_then(|i| self.row.get(i)).map_or("", str::trim)
    }

    /// A value as text that lives longer than the row; `None` if it is empty.
    pub(super) fn optional(&self, column: Column) -> Option<String> {
        Some(self.text(column)).filter(|text| !text.is_empty()).map(str::to_string)
    }

    /// A value as a number: `Ok(None)` if it is empty, `Err` if it is none.
    pub(super) fn number<T: FromStr>(&self, column: Column) -> Result<Option<T>, ()> {
        match self.text(column) {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| ()),
        }
    }

    /// A code out of a short list; what is empty is `default`, and what is none of them becomes it.
    pub(super) fn code(
        &mut self,
        column: Column,
        codes: RangeInclusive<u8>,
        default: u8,
        record: &str,
        fault: &'static str,
    ) -> u8 {
        match self.number::<u8>(column) {
            Ok(None) => default,
            Ok(Some(code)) if codes.contains(&code) => code,
            _ => {
                self.fault(record, fault, Remedy::Repaired("taken for not given"));
                default
            }
        }
    }

    /// Remembers a fault of the present row.
    pub(super) fn fault(&mut self, record: impl Into<String>, fault: &'static str, remedy: Remedy) {
        self.fault_at(self.line, record, fault, remedy);
    }

    /// Remembers a fault of the row on `line`.
    pub(super) fn fault_at(
        &mut self,
        line: u64,
        record: impl Into<String>,
        fault: &'static str,
        remedy: Remedy,
    ) {
        self.report.add(&self.file, line, record, fault, remedy);
    }
}
