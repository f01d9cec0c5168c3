//! What files of dated rules have in common: tariffs, and those who escort.

use crate::gtfs::calendar::Day;
use jiff::civil;
use model::config::{Complaint, Complaints, Source};
use serde_spanned::Spanned;

/// Reads a TOML file to its end, and complains of all that is wrong with it.
pub(crate) struct Reader<'a> {
    source: Source<'a>,
    pub(crate) complaints: Complaints,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(file: &'a str, text: &'a str) -> Reader<'a> {
        Reader { source: Source::new(file, text), complaints: Complaints::default() }
    }

    pub(crate) fn complain<T>(&mut self, at: &Spanned<T>, message: String) {
        self.complaints.push(Complaint::spanned(self.source, at, message));
    }

    /// `2026-01-02`; `None` if it is not, which was complained of.
    pub(crate) fn day(&mut self, text: &Spanned<String>) -> Option<Day> {
        let day = text.get_ref().parse::<civil::Date>().ok().map(Day::of);
        if day.is_none() {
            self.complain(text, format!("{:?} is no day, such as 2026-01-02", text.get_ref()));
        }
        day
    }

    /// As [`read_clock`].
    pub(crate) fn clock(&mut self, text: &Spanned<String>) -> Option<u32> {
        let read = read_clock(text.get_ref());
        if read.is_none() {
            self.complain(text, format!("{:?} is no time of the day, such as 09:30", text.get_ref()));
        }
        read
    }
}

/// `09:30` or `24:00`, as seconds after midnight.
fn read_clock(text: &str) -> Option<u32> {
    let (hours, minutes) = text.split_once(':')?;
    match (hours.parse().ok()?, minutes.parse().ok()?) {
        (hours @ 0..24, minutes @ 0..60) => Some(hours * 3600 + minutes * 60),
        (24, 0) => Some(86_400),
        _ => None,
    }
}
