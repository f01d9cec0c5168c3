//! From a TOML file to [`Escorts`], or all that is wrong with it.

use super::{Escort, Escorts, Period};
use crate::{
    gtfs::{
        flex::{DayBefore, Notice},
        records::PathwayKind,
    },
    reader::Reader,
};
use model::{
    config::{Complaint, Complaints, parse},
    network::Name,
};
use serde::Deserialize;
use serde_spanned::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEscorts {
    escort: Vec<Spanned<RawEscort>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEscort {
    name: Name,
    #[serde(default)]
    agencies: Vec<String>,
    #[serde(default)]
    routes: Vec<String>,
    #[serde(default)]
    stops: Vec<String>,
    passes: Vec<Spanned<String>>,
    boards: bool,
    meet_minutes: Spanned<u32>,
    meeting_point: Option<Name>,
    notice: RawNotice,
    phone: Option<String>,
    url: Option<String>,
    period: Vec<Spanned<RawPeriod>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawNotice {
    minutes: Option<Spanned<u32>>,
    days: Option<Spanned<u16>>,
    by: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPeriod {
    from: Spanned<String>,
    until: Option<Spanned<String>>,
    days: Vec<Spanned<String>>,
    between: [Spanned<String>; 2],
}

/// What an escort may help over, by its name in the file.
const PASSES: [(&str, PathwayKind); 3] = [
    ("STAIRS", PathwayKind::Stairs),
    ("ESCALATOR", PathwayKind::Escalator),
    ("TRAVELATOR", PathwayKind::Travelator),
];

const WEEKDAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

/// Nobody waits longer for an escort, min: more is a slip of the units.
const LONGEST_MEETING_MIN: u32 = 120;
/// Nobody asks longer before, min and days.
const LONGEST_NOTICE: (u32, u16) = (14 * 24 * 60, 60);

pub(super) fn read(file: &str, text: &str) -> Result<Escorts, Complaints> {
    let raw: RawEscorts = parse(file, text)?;
    let mut reader = Reader::new(file, text);
    if raw.escort.is_empty() {
        reader.complaints.push(Complaint::whole(file, "there is no [[escort]]"));
    }
    let all: Vec<_> = raw.escort.into_iter().filter_map(|raw| reader.escort(raw)).collect();
    reader.complaints.or(Escorts(all))
}

impl Reader<'_> {
    /// `None` if it is not sound, which was complained of.
    fn escort(&mut self, raw: Spanned<RawEscort>) -> Option<Escort> {
        let span = raw.span();
        let raw = raw.into_inner();
        let whole = Spanned::new(span, ());
        if raw.agencies.is_empty() && raw.routes.is_empty() && raw.stops.is_empty() {
            self.complain(&whole, "an escort is of some agencies, routes or stops".to_string());
        }
        let meet = *raw.meet_minutes.get_ref();
        if meet > LONGEST_MEETING_MIN {
            self.complain(&raw.meet_minutes, format!("meet_minutes = {meet} is above {LONGEST_MEETING_MIN}"));
        }
        let mut passes = Vec::new();
        for name in &raw.passes {
            match PASSES.iter().find(|(known, _)| known == name.get_ref()) {
                Some((_, kind)) => passes.push(*kind),
                None => {
                    let known = PASSES.map(|(known, _)| known).join(", ");
                    self.complain(
                        name,
                        format!("nobody is helped over {:?}; there are {known}", name.get_ref()),
                    );
                }
            }
        }
        let notice = self.notice(&raw.notice, &whole);
        let mut periods: Vec<_> = raw.period.into_iter().filter_map(|period| self.period(period)).collect();
        if periods.is_empty() {
            self.complain(&whole, "an escort has no period in which anybody works".to_string());
        }
        periods.sort_by_key(|period| (period.from, period.between_s));
        Some(Escort {
            name: raw.name,
            agencies: raw.agencies,
            routes: raw.routes,
            stops: raw.stops,
            passes,
            boards: raw.boards,
            meet_s: meet.saturating_mul(60),
            point: raw.meeting_point,
            notice: notice?,
            phone: raw.phone,
            url: raw.url,
            periods,
        })
    }

    fn notice<T>(&mut self, raw: &RawNotice, escort: &Spanned<T>) -> Option<Notice> {
        let (most_min, most_days) = LONGEST_NOTICE;
        match (&raw.minutes, &raw.days, &raw.by) {
            (Some(minutes), None, None) => {
                let said = *minutes.get_ref();
                if said > most_min {
                    self.complain(minutes, format!("minutes = {said} is above {most_min}"));
                }
                Some(Notice::Minutes(said, None))
            }
            (None, Some(days), Some(by)) => {
                let said = *days.get_ref();
                if said > most_days {
                    self.complain(days, format!("days = {said} is above {most_days}"));
                }
                let at_s = self.clock(by)?;
                Some(Notice::Days(DayBefore { days: said, at_s, service: None }, None))
            }
            _ => {
                let says = "a notice has minutes, or days and by";
                self.complain(escort, says.to_string());
                None
            }
        }
    }

    fn period(&mut self, raw: Spanned<RawPeriod>) -> Option<Period> {
        let raw = raw.into_inner();
        let from = self.day(&raw.from);
        let until = raw.until.as_ref().map(|until| self.day(until));
        if let (Some(from), Some(Some(until)), Some(at)) = (from, until, &raw.until)
            && until < from
        {
            self.complain(at, format!("until = {until} is before from = {from}"));
        }
        let mut weekdays = [false; 7];
        for name in &raw.days {
            match WEEKDAYS.iter().position(|known| known == name.get_ref()) {
                Some(day) => weekdays[day] = true,
                None => {
                    let known = WEEKDAYS.join(", ");
                    self.complain(name, format!("{:?} is no day; there are {known}", name.get_ref()));
                }
            }
        }
        let [begin, end] = raw.between.each_ref().map(|time| self.clock(time));
        if let (Some(begin), Some(end)) = (begin, end)
            && begin >= end
        {
            let [_, until] = &raw.between;
            self.complain(until, format!("between ends at {} and begins then or later", until.get_ref()));
        }
        let until = match until {
            Some(until) => Some(until?),
            None => None,
        };
        Some(Period { from: from?, until, weekdays, between_s: [begin?, end?] })
    }
}
