//! One table, walked row by row: columns by name, values as the types that they should be.

use super::{
    archive::Archive,
    report::{Remedy, Report},
};
use csv::{ByteRecord, StringRecord};
use std::{
    collections::HashSet,
    hash::{Hash as _, Hasher as _},
    ops::RangeInclusive,
    str::FromStr,
};

/// Every column that the standard knows, in order.
const STANDARD: [&str; 165] = [
    "agency_email",
    "agency_fare_url",
    "agency_id",
    "agency_lang",
    "agency_name",
    "agency_phone",
    "agency_timezone",
    "agency_url",
    "amount",
    "area_id",
    "area_name",
    "arrival_time",
    "bikes_allowed",
    "block_id",
    "booking_rule_id",
    "booking_type",
    "booking_url",
    "cars_allowed",
    "cemv_support",
    "contains_id",
    "continuous_drop_off",
    "continuous_pickup",
    "currency",
    "currency_type",
    "date",
    "departure_time",
    "destination_id",
    "direction_id",
    "drop_off_booking_rule_id",
    "drop_off_message",
    "drop_off_type",
    "duration_limit",
    "duration_limit_type",
    "eligibility_url",
    "end_date",
    "end_pickup_drop_off_window",
    "end_time",
    "exact_times",
    "exception_type",
    "fare_id",
    "fare_media_id",
    "fare_media_name",
    "fare_media_type",
    "fare_product_id",
    "fare_product_name",
    "fare_transfer_type",
    "field_name",
    "field_value",
    "friday",
    "from_area_id",
    "from_leg_group_id",
    "from_network_id",
    "from_route_id",
    "from_stop_id",
    "from_timeframe_group_id",
    "from_trip_id",
    "headway_secs",
    "info_url",
    "is_bidirectional",
    "is_default_fare_category",
    "language",
    "leg_group_id",
    "length",
    "level_id",
    "level_index",
    "level_name",
    "location_group_id",
    "location_group_name",
    "location_id",
    "location_type",
    "max_slope",
    "mean_duration_factor",
    "mean_duration_offset",
    "message",
    "min_transfer_time",
    "min_width",
    "monday",
    "network_id",
    "network_name",
    "origin_id",
    "parent_station",
    "pathway_id",
    "pathway_mode",
    "payment_method",
    "phone_number",
    "pickup_booking_rule_id",
    "pickup_message",
    "pickup_type",
    "platform_code",
    "price",
    "prior_notice_duration_max",
    "prior_notice_duration_min",
    "prior_notice_last_day",
    "prior_notice_last_time",
    "prior_notice_service_id",
    "prior_notice_start_day",
    "prior_notice_start_time",
    "record_id",
    "record_sub_id",
    "reversed_signposted_as",
    "rider_category_id",
    "rider_category_name",
    "route_color",
    "route_desc",
    "route_id",
    "route_long_name",
    "route_short_name",
    "route_sort_order",
    "route_text_color",
    "route_type",
    "route_url",
    "rule_priority",
    "safe_duration_factor",
    "safe_duration_offset",
    "saturday",
    "service_id",
    "service_name",
    "shape_dist_traveled",
    "shape_id",
    "shape_pt_lat",
    "shape_pt_lon",
    "shape_pt_sequence",
    "signposted_as",
    "stair_count",
    "start_date",
    "start_pickup_drop_off_window",
    "start_time",
    "stop_access",
    "stop_code",
    "stop_desc",
    "stop_headsign",
    "stop_id",
    "stop_lat",
    "stop_lon",
    "stop_name",
    "stop_sequence",
    "stop_timezone",
    "stop_url",
    "sunday",
    "table_name",
    "thursday",
    "timeframe_group_id",
    "timepoint",
    "to_area_id",
    "to_leg_group_id",
    "to_network_id",
    "to_route_id",
    "to_stop_id",
    "to_timeframe_group_id",
    "to_trip_id",
    "transfer_count",
    "transfer_duration",
    "transfer_type",
    "transfers",
    "translation",
    "traversal_time",
    "trip_headsign",
    "trip_id",
    "trip_short_name",
    "tts_stop_name",
    "tuesday",
    "wednesday",
    "wheelchair_accessible",
    "wheelchair_boarding",
    "zone_id",
];

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
    /// Whether its header is one: else rows are shorter or longer than it anyhow.
    has_header: bool,
    /// Hashes of the rows so far, where no two may be the same.
    seen: Option<HashSet<u64>>,
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
        let is_ours = |column: &str| !is_name(column) || STANDARD.binary_search(&column).is_ok();
        for column in columns.iter().filter(|column| !is_ours(column)) {
            report.add(
                &file,
                1,
                format!("column {column:?}"),
                "is not one of the standard's",
                Remedy::LeftOut,
            );
        }
        let has_header = columns.iter().all(is_name);
        Some(Table { file, report, rows, columns, row: StringRecord::new(), line: 1, has_header, seen: None })
    }

    /// From here on a row that stands there a second time, word for word, is left out.
    pub(super) fn each_once(mut self) -> Table<'r> {
        self.seen = Some(HashSet::new());
        self
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
            if self.has_header && self.row.len() < self.columns.len() {
                let record = self.beginning();
                let remedy = Remedy::Repaired("the rest is taken for not given");
                self.fault(record, "has fewer values than the table has columns", remedy);
            }
            let mut hash = std::hash::DefaultHasher::new();
            if self.seen.is_some() {
                self.row.iter().for_each(|field| field.hash(&mut hash));
            }
            if self.seen.as_mut().is_some_and(|seen| !seen.insert(hash.finish())) {
                let record = self.beginning();
                self.fault(record, "stands there a second time", Remedy::LeftOut);
                continue;
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

    /// A number that is not below zero; what is none is reported, and as if it were not given.
    pub(super) fn positive(&mut self, column: Column, record: &str) -> Option<f64> {
        let known = match self.number::<f64>(column) {
            Ok(None) => return None,
            Ok(known) => known.filter(|number| number.is_finite() && *number >= 0.0),
            Err(()) => None,
        };
        if known.is_none() {
            let record = format!("{record}, {:?}", self.text(column));
            self.fault(record, "has a number that is none", Remedy::Repaired("as if it were not given"));
        }
        known
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
