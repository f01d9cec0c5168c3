//! Public transport: timetables, and the search for the best connections in them.
//!
//! In reading order: [`timetable`] joins feeds into one; `inside` is the ways inside stations, [`walks`] those on foot to stops, from stops, and
//! between them; [`day`] is the timetable of one day in rows of numbers; [`changes`] which of those ways are of use on it; [`bounds`] says how long the rest
//! of a connection takes at least; [`search`] is RAPTOR on those rows, [`next`] what leaves first, [`cheaper`] what costs less;
//! [`connection`] is what it finds, in the timetable's words.
//!
//! **Walking is bounded**: from stop to stop by [`walks::FOOTPATH_LIMIT`], to the first stop and from the last by
//! what the question allows. All of it follows streets and the ways inside stations.

pub mod timetable;
pub(crate) mod inside;
pub mod walks;
pub mod live;
pub mod day;
pub mod changes;
pub mod bounds;
pub mod search;
pub(crate) mod next;
pub(crate) mod cheaper;
pub mod connection;
pub mod board;
#[cfg(test)]
pub(crate) mod drawing;
#[cfg(test)]
mod tests;
