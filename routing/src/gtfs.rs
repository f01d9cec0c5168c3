//! GTFS: a timetable as its operator published it, read, checked and put in order.
//!
//! In reading order: [`archive`] opens a zip file or a folder, [`table`] walks a table row by row,
//! [`report`] remembers what was wrong and what was done about it, [`calendar`] says on which days a service
//! runs, [`records`] are the rows as types, [`fares`] those of fares, [`flex`] those of vehicles on demand, and [`read`] makes a [`Feed`] of all of it.
//!
//! Each fault is either repaired or costs its row, and either way it is in the report with file, line and
//! record. What a feed cannot do without (a missing table, a time zone that nobody knows) refuses it whole.

pub mod archive;
pub mod report;
mod table;
pub mod calendar;
pub mod records;
pub mod fares;
pub mod flex;
mod read;
mod stop_times;
#[cfg(test)]
mod tests;

pub use read::read;
pub use records::Feed;
pub(crate) use stop_times::seconds;
