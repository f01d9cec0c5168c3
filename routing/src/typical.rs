//! The usual traffic: how long links take on a kind of day at a time of it.
//!
//! A file says it ([`Typical::parse`]), the stream of live link times teaches it ([`Learning`]), or both: what was learned
//! is written as the same file. [`slices`] has what driving costs on usual roads, for the times that somebody asked about.

pub(crate) mod slices;
#[cfg(test)]
mod tests;

use crate::map::Map;
use jiff::{civil::Weekday, tz::TimeZone};
use model::{
    config::{Complaint, Complaints},
    ids::LinkIx,
    time::Moment,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, ops::Range, str::FromStr, time::Duration};

/// Usual times change this often at most. All time zones are whole quarters of an hour from each other.
pub const SLOT: Duration = Duration::from_secs(15 * 60);
/// Slots of a day.
const SLOTS: u16 = 96;
/// The newest day counts this much among those before it of its kind: after ten of them an old habit is forgotten.
const NEWEST_COUNTS: f32 = 0.2;
/// More faults of a file than this are not listed.
const FAULTS_SHOWN: usize = 20;

/// Days that are alike. Holidays count as the weekday that they are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DayKind {
    /// Monday to Friday.
    Workday,
    /// Saturday.
    Saturday,
    /// Sunday.
    Sunday,
}

impl DayKind {
    const ALL: [DayKind; 3] = [DayKind::Workday, DayKind::Saturday, DayKind::Sunday];

    fn name(self) -> &'static str {
        match self {
            DayKind::Workday => "workday",
            DayKind::Saturday => "saturday",
            DayKind::Sunday => "sunday",
        }
    }
}

/// A quarter of an hour of a kind of day.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Slot(u16);

impl Slot {
    fn new(days: DayKind, quarter: u16) -> Slot {
        Slot(days as u16 * SLOTS + quarter)
    }

    /// The one in which a moment lies.
    pub fn of(moment: Moment, zone: &TimeZone) -> Slot {
        let at = jiff::Timestamp::from_millisecond(moment.0).unwrap_or_default().to_zoned(zone.clone());
        let days = match at.weekday() {
            Weekday::Saturday => DayKind::Saturday,
            Weekday::Sunday => DayKind::Sunday,
            _ => DayKind::Workday,
        };
        Slot::new(days, at.hour() as u16 * 4 + at.minute() as u16 / 15)
    }

    fn days(self) -> DayKind {
        DayKind::ALL[usize::from(self.0 / SLOTS)]
    }

    /// The first of its day.
    fn midnight(self) -> Slot {
        Slot(self.0 / SLOTS * SLOTS)
    }

    /// The next of its day.
    fn next(self) -> Option<Slot> {
        Some(Slot(self.0 + 1)).filter(|next| !next.0.is_multiple_of(SLOTS))
    }

    fn clock(self) -> String {
        let minutes = self.0 % SLOTS * 15;
        format!("{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

/// `workday 08:15`.
impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.days().name(), self.clock())
    }
}

/// From a slot on until the next of its day a link takes so long.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Usual {
    from: Slot,
    /// With the wait at its end; 0 where nothing is known.
    time_s: f32,
}

/// The usual traffic. It takes memory for what it says, not for what it could say.
#[derive(Clone, Debug)]
pub struct Typical {
    /// Counts what was learned: two of the same number say the same.
    pub number: u64,
    zone: TimeZone,
    /// By link: where its part of `usual` begins.
    first: Vec<u32>,
    /// By link and slot.
    usual: Vec<Usual>,
    /// Slots from which on anything is another, in order.
    changes: Vec<Slot>,
}

/// A row of the file.
#[derive(Debug, Serialize, Deserialize)]
struct Row {
    link: String,
    days: DayKind,
    from: String,
    time_s: Option<f32>,
}

impl Row {
    /// The link, the slot, and how long it takes.
    fn meant(self) -> Result<(String, Slot, Option<f32>), String> {
        let quarter = quarter(&self.from)
            .ok_or_else(|| format!("from = {:?} is no quarter of an hour, such as 08:15", self.from))?;
        match self.time_s {
            Some(time_s) if !(time_s.is_finite() && time_s > 0.0) => {
                Err(format!("time_s = {time_s} is no time above zero"))
            }
            time_s => Ok((self.link, Slot::new(self.days, quarter), time_s)),
        }
    }
}

/// What was read of a file.
#[derive(Debug)]
pub struct Read {
    /// The usual traffic.
    pub typical: Typical,
    /// Rows about links that the map does not have.
    pub unknown: u32,
}

impl Typical {
    /// Nothing is known of any of `links` links. Days begin at midnight in `zone`.
    pub fn empty(links: usize, zone: TimeZone) -> Typical {
        Typical { number: 0, zone, first: vec![0; links + 1], usual: Vec::new(), changes: Vec::new() }
    }

    /// Reads a file (CSV) of `link,days,from,time_s`: on `workday`, `saturday` or `sunday` the link takes so long
    /// from that time of the day on, until another row of it says something else. A row without `time_s` ends what is known.
    pub fn parse(map: &Map, zone: TimeZone, file: &str, text: &str) -> Result<Read, Complaints> {
        let (mut complaints, mut faults, mut unknown) = (Complaints::default(), 0, 0);
        let (links, mut rows) = (map.by_id(), BTreeMap::<(LinkIx, Slot), f32>::new());
        let mut reader =
            csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(text.as_bytes());
        let columns = reader.headers().cloned().unwrap_or_default();
        for record in reader.records() {
            let line = |at: Option<&csv::Position>| at.map_or(0, |at| at.line() as u32);
            let (line, row) = match &record {
                Ok(record) => (line(record.position()), record.deserialize::<Row>(Some(&columns))),
                Err(error) => {
                    (line(error.position()), Err(csv::Error::from(std::io::Error::other("it is not UTF-8"))))
                }
            };
            let read = row.map_err(|error| says(&error)).and_then(Row::meant);
            match read {
                Ok((link, slot, time_s)) => match links.find(map, &link) {
                    // Whoever goes quicker than the road is free is not to be planned with.
                    Some(link) => {
                        let free_s = map.link(link).free_travel_time_s() as f32;
                        let time_s = time_s.map_or(0.0, |time_s| time_s.max(free_s));
                        rows.insert((link, slot), time_s);
                    }
                    None => unknown += 1,
                },
                Err(message) => {
                    faults += 1;
                    if faults <= FAULTS_SHOWN {
                        complaints.push(Complaint::at(file, line, message));
                    }
                }
            }
        }
        if faults > FAULTS_SHOWN {
            complaints.push(Complaint::whole(file, format!("{} more faults", faults - FAULTS_SHOWN)));
        }
        let mut typical = Typical::empty(map.len(), zone);
        typical.say(rows);
        complaints.or(Read { typical, unknown })
    }

    /// The file of it.
    pub fn to_csv(&self, map: &Map) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        for link in (0..self.first.len() as u32 - 1).map(LinkIx) {
            for usual in &self.usual[self.of(link)] {
                let row = Row {
                    link: map.link(link).id().to_string(),
                    days: usual.from.days(),
                    from: usual.from.clock(),
                    // A tenth is what a traveller notices; none at all would be no time.
                    time_s: (usual.time_s > 0.0).then(|| (usual.time_s * 10.0).round().max(1.0) / 10.0),
                };
                // Writing into memory cannot fail.
                let _ = writer.serialize(row);
            }
        }
        String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
    }

    /// Takes rows for what is known.
    fn say(&mut self, rows: BTreeMap<(LinkIx, Slot), f32>) {
        let mut changes: Vec<Slot> = rows.keys().map(|(_, slot)| *slot).collect();
        changes.sort_unstable();
        changes.dedup();
        self.changes = changes;
        let mut first = vec![0; self.first.len()];
        for (link, _) in rows.keys() {
            first[link.ix() + 1] += 1;
        }
        for link in 1..first.len() {
            first[link] += first[link - 1];
        }
        self.first = first;
        self.usual = rows.into_iter().map(|((_, from), time_s)| Usual { from, time_s }).collect();
    }

    /// The slot from which on all is as it is in `slot`; `None` if nothing is known then.
    fn since(&self, slot: Slot) -> Option<Slot> {
        let at = self.changes.partition_point(|change| *change <= slot).checked_sub(1)?;
        Some(self.changes[at]).filter(|since| *since >= slot.midnight())
    }

    /// What counts for one who leaves then; `None` if nothing is known.
    pub fn slot(&self, departure: Moment) -> Option<Slot> {
        self.since(Slot::of(departure, &self.zone))
    }

    /// How long a link usually takes, s.
    pub fn time_s(&self, link: LinkIx, slot: Slot) -> Option<f64> {
        let own = &self.usual[self.of(link)];
        let at = own.partition_point(|usual| usual.from <= slot).checked_sub(1)?;
        let known = own[at].time_s > 0.0 && own[at].from >= slot.midnight();
        known.then(|| f64::from(own[at].time_s))
    }

    /// Whether anything is known of a link at any time.
    pub fn knows(&self, link: LinkIx) -> bool {
        !self.of(link).is_empty()
    }

    fn of(&self, link: LinkIx) -> Range<usize> {
        self.first[link.ix()] as usize..self.first[link.ix() + 1] as usize
    }

    /// The same after one more day of a slot, on which links took so long.
    fn after(&self, slot: Slot, seen: &BTreeMap<LinkIx, f32>) -> Typical {
        let mut rows = BTreeMap::new();
        for link in (0..self.first.len() as u32 - 1).map(LinkIx) {
            rows.extend(self.usual[self.of(link)].iter().map(|usual| ((link, usual.from), usual.time_s)));
        }
        for (&link, &seen_s) in seen {
            let before = self.time_s(link, slot).map(|time_s| time_s as f32);
            // What is learned of a quarter says nothing of the next.
            if let Some(next) = slot.next() {
                rows.entry((link, next)).or_insert(before.unwrap_or(0.0));
            }
            let now = before.map_or(seen_s, |before| before + NEWEST_COUNTS * (seen_s - before));
            rows.insert((link, slot), now);
        }
        let mut after = Typical { number: self.number + 1, ..Typical::empty(0, self.zone.clone()) };
        after.first = vec![0; self.first.len()];
        after.say(rows);
        after
    }
}

/// Gathers what is said of links until a slot is over.
#[derive(Clone, Debug)]
pub struct Learning {
    /// Slots since the epoch.
    slot: i64,
    /// By link: the sum of its times, and how many.
    said: BTreeMap<LinkIx, (f64, u32)>,
}

impl Learning {
    /// Begins with the slot of `now`.
    pub fn new(now: Moment) -> Learning {
        Learning { slot: number(now), said: BTreeMap::new() }
    }

    /// A link took so long at a moment of this slot; of others it is too late to learn.
    pub fn take(&mut self, at: Moment, link: LinkIx, time_s: f32) {
        if number(at) == self.slot {
            let (sum_s, count) = self.said.entry(link).or_default();
            *sum_s += f64::from(time_s);
            *count += 1;
        }
    }

    /// Once the slot is over: what is usual after it.
    pub fn finish(&mut self, now: Moment, typical: &Typical) -> Option<Typical> {
        if number(now) <= self.slot {
            return None;
        }
        let begun = Moment(self.slot * SLOT.as_millis() as i64);
        let Learning { said, .. } = std::mem::replace(self, Learning::new(now));
        let mean = |(link, (sum_s, count)): (LinkIx, (f64, u32))| (link, (sum_s / f64::from(count)) as f32);
        let seen: BTreeMap<LinkIx, f32> = said.into_iter().map(mean).collect();
        (!seen.is_empty()).then(|| typical.after(Slot::of(begun, &typical.zone), &seen))
    }
}

/// Slots since the epoch.
fn number(moment: Moment) -> i64 {
    moment.0.div_euclid(SLOT.as_millis() as i64)
}

/// `08:15` as quarters of an hour since midnight.
fn quarter(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes) = (u16::from_str(hours).ok()?, u16::from_str(minutes).ok()?);
    (hours < 24 && minutes < 60 && minutes.is_multiple_of(15)).then_some(hours * 4 + minutes / 15)
}

/// What is wrong with a row, without where it is.
fn says(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => err.kind().to_string(),
        _ => error.to_string(),
    }
}
