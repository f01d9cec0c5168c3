//! The timetable of one day in rows of numbers, for the search.
//!
//! A day here is three service days: the day itself, the one before (whose trips run past midnight), and the one
//! after (for journeys that do). Times are seconds since the day before began, so that none is negative.

use super::{
    live::{AS_PLANNED, Change, Live},
    timetable::{Timetable, zone},
};
use crate::{
    escort::Escorting,
    gtfs::{calendar::Day, records::Mode},
};
use model::time::Moment;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// A time that never comes.
pub const NEVER: u32 = u32::MAX;

/// No time of a [`DayTable`] is as late: three days, and the longest trip's week after them, and some hours for
/// time zones. Looking backwards, times are counted down from here.
const HORIZON_S: u32 = 12 * 86_400;

/// Trips that call at the same stops, none of which overtakes another: each column of times goes up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Course {
    /// Where its stops begin in [`DayTable::stops`].
    stops: u32,
    /// How many stops it has.
    pub length: u32,
    /// Where its trips begin in [`DayTable::runs`].
    runs: u32,
    /// How many trips it has.
    pub trips: u32,
    /// Where its departures begin: stop by stop, as somebody who waits meets them. With [`THEIRS`] they stand in another table.
    departures: u32,
    /// Its mode, as a set of one.
    modes: Modes,
}

/// A set of [`Mode`]s.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Modes(u16);

impl Modes {
    /// Every mode.
    pub const ALL: Modes = Modes(u16::MAX);
    /// No mode.
    pub const NONE: Modes = Modes(0);

    /// The set with one more.
    pub fn with(self, mode: Mode) -> Modes {
        Modes(self.0 | 1 << mode as u16)
    }
    /// Whether all of another set are in it.
    pub fn holds(self, other: Modes) -> bool {
        other.0 & !self.0 == 0
    }
    /// Whether the two sets share a mode.
    pub fn any(self, other: Modes) -> bool {
        self.0 & other.0 != 0
    }
}

/// A trip on one day.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Run {
    /// The trip.
    pub trip: u32,
    /// Its service day.
    pub day: Day,
    /// What is added to the trip's own times.
    pub shift_s: i64,
    /// When its service day begins, in the table's seconds.
    pub(super) day_s: i64,
    /// What is known of it now: its place among the changes of the table's [`Live`], or [`AS_PLANNED`].
    pub(super) change: u32,
}

/// A course, and the place of a stop in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct At {
    /// The course.
    pub course: u32,
    /// The stop's place.
    pub index: u32,
}

/// A place where one may get on, with all that it takes to see what one catches there, side by side.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Boarding {
    /// The place.
    pub(super) at: At,
    /// Its number among all places.
    pub(super) place: u32,
    /// Where its departures begin.
    departures: u32,
    /// How many there are.
    pub(super) trips: u32,
    /// The course's mode, as a set of one.
    pub(super) modes: Modes,
}

/// Who may travel: trips without are not in the table at all.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Traveller {
    /// Anybody on foot.
    OnFoot,
    /// Somebody in a wheelchair.
    InWheelchair,
    /// Somebody who takes a bicycle along.
    WithBicycle,
    /// Somebody in a wheelchair who is escorted where he needs it, and asks for that at this moment.
    Escorted(Moment),
}

/// Stands beside the place of departures that another table of the day has too.
const THEIRS: u32 = 1 << 31;

/// When a run comes where: trips that take the same time from stop to stop share a row, and most trips of a day do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Timing {
    /// When it comes to the first stop.
    starts: u32,
    /// Where in [`DayTable::rows`] the times begin that it takes from there to each stop.
    row: u32,
}

/// A [`DayTable`]'s times while it is made.
struct Times<'a> {
    timings: Vec<Timing>,
    rows: Vec<u32>,
    known: HashMap<Vec<u32>, u32>,
    departures: Vec<u32>,
    /// By the runs of a course: where another table of the day has its departures. To most operators a wheelchair is welcome in
    /// nearly all vehicles.
    theirs: HashMap<&'a [Run], u32>,
    other: Arc<[u32]>,
}

impl<'a> Times<'a> {
    /// None yet; `other` is a table of the same day, seen the same way.
    fn beside(other: Option<&'a DayTable>) -> Times<'a> {
        let own = |course: &&Course| course.departures & THEIRS == 0;
        let courses = other.map_or(&[][..], |other| other.courses.as_slice()).iter().filter(own);
        let of = |course: &Course| Some((other?.runs_of(course), course.departures));
        Times {
            timings: Vec::new(),
            rows: Vec::new(),
            known: HashMap::new(),
            departures: Vec::new(),
            theirs: courses.filter_map(of).collect(),
            other: other.map_or_else(Default::default, |other| other.departures[0].clone()),
        }
    }

    /// Where a course's departures stand, which were added from `first` on: in the other table, if they are there too.
    fn kept(&mut self, first: usize, runs: &[Run]) -> u32 {
        let mine = &self.departures[first..];
        let there = self.theirs.get(runs).copied();
        let there =
            there.filter(|&there| self.other.get(there as usize..there as usize + mine.len()) == Some(mine));
        if there.is_some() {
            self.departures.truncate(first);
        }
        there.map_or(first as u32, |there| there | THEIRS)
    }

    /// A run's arrivals.
    fn arrives(&mut self, arrivals: impl Iterator<Item = u32>) {
        let mut row: Vec<u32> = arrivals.collect();
        let starts = row.first().copied().unwrap_or(0);
        row.iter_mut().for_each(|time| *time = time.wrapping_sub(starts));
        let row = match self.known.get(&row) {
            Some(&known) => known,
            None => {
                let new = self.rows.len() as u32;
                self.rows.extend_from_slice(&row);
                self.known.insert(row, new);
                new
            }
        };
        self.timings.push(Timing { starts, row });
    }
}

/// One day's trips as numbers, seen forwards or backwards.
#[derive(Clone, PartialEq, Debug)]
pub struct DayTable {
    /// The moment that is 0 seconds, whichever way one looks.
    begins_s: i64,
    backwards: bool,
    courses: Vec<Course>,
    stops: Vec<u32>,
    /// By place: how long the slowest trips take from the course's beginning to there.
    longest: Vec<u32>,
    boards: Vec<bool>,
    alights: Vec<bool>,
    /// By run.
    timings: Vec<Timing>,
    rows: Vec<u32>,
    /// Its own, and those of another table of the same day.
    departures: [Arc<[u32]>; 2],
    runs: Vec<Run>,
    by_stop: Vec<At>,
    first_of_stop: Vec<u32>,
    /// By stop: where one may get on.
    boardings: Vec<Boarding>,
    first_boarding: Vec<u32>,
    live: Arc<Live>,
    gain_s: u32,
}

impl DayTable {
    /// Prepares a day, as far as its trips are known to run.
    pub fn build(
        timetable: &Timetable,
        patterns: &[super::timetable::Pattern],
        day: Day,
        traveller: Traveller,
        live: &Arc<Live>,
    ) -> DayTable {
        DayTable::with(timetable, patterns, day, (traveller, None), live, None)
    }

    /// The same for one who is escorted, if there is anybody who does so. What another table of the day has too is not kept twice.
    pub(crate) fn with(
        timetable: &Timetable,
        patterns: &[super::timetable::Pattern],
        day: Day,
        (traveller, escorting): (Traveller, Option<&Escorting<'_>>),
        live: &Arc<Live>,
        other: Option<&DayTable>,
    ) -> DayTable {
        let begins_s = day.plus(-1).begins_s(&timetable.zone());
        let mut begins = HashMap::new();
        for (i, agency) in timetable.agencies.iter().enumerate() {
            let zone = zone(agency);
            begins
                .insert(i as u32, [-1, 0, 1].map(|d| (day.plus(d), day.plus(d).begins_s(&zone) - begins_s)));
        }
        let (mut table, mut times) = (DayTable::empty(begins_s, live.clone()), Times::beside(other));
        for pattern in patterns {
            let route = &timetable.routes[pattern.route as usize];
            let mut runs = Vec::new();
            for &trip in &pattern.trips {
                let takes = match traveller {
                    Traveller::OnFoot => true,
                    Traveller::InWheelchair | Traveller::Escorted(_) => {
                        timetable.takes_wheelchairs(trip)
                            || escorting.is_some_and(|escorting| escorting.boards(pattern.route))
                    }
                    Traveller::WithBicycle => timetable.trips[trip as usize].takes_bicycles,
                };
                if !takes {
                    continue;
                }
                let service = &timetable.services[timetable.trips[trip as usize].service as usize];
                for &(day, begin_s) in begins[&route.agency].iter().filter(|(day, _)| service.runs_on(*day)) {
                    table.add_runs(timetable, trip, day, begin_s, &mut runs);
                }
            }
            let calls = timetable.calls_of(pattern.trips[0]);
            let on_wheels = matches!(traveller, Traveller::InWheelchair | Traveller::Escorted(_));
            let usable = |stop: u32| {
                !on_wheels
                    || timetable.admits_wheelchairs(stop)
                    || escorting.is_some_and(|escorting| escorting.admits(stop))
            };
            let stops: Vec<_> = calls
                .iter()
                .map(|c| (c.stop, c.boards && usable(c.stop), c.alights && usable(c.stop)))
                .collect();
            // Trips that pass a stop have rows of their own, in which nobody gets on or off there; and so have those that come when nobody
            // is there who would escort one.
            let mut by_doors = BTreeMap::<Vec<(usize, [bool; 2])>, Vec<Run>>::new();
            for run in runs {
                let mut doors: Vec<_> = table.skips(run).into_iter().map(|call| (call, [false; 2])).collect();
                if let Some(escorting) = escorting {
                    doors.extend(table.escorted(timetable, run, escorting));
                }
                by_doors.entry(doors).or_default().push(run);
            }
            for (doors, runs) in by_doors {
                let mut stops = stops.clone();
                for (call, [boards, alights]) in doors {
                    let stop = &mut stops[call];
                    (stop.1, stop.2) = (stop.1 && boards, stop.2 && alights);
                }
                for course in table.without_overtaking(timetable, runs) {
                    let modes = Modes::NONE.with(route.mode);
                    table.add_course(timetable, &stops, &course, modes, &mut times);
                }
            }
        }
        table.index(times, timetable.stops.len());
        table
    }

    fn empty(begins_s: i64, live: Arc<Live>) -> DayTable {
        DayTable {
            begins_s,
            backwards: false,
            courses: Vec::new(),
            stops: Vec::new(),
            longest: Vec::new(),
            boards: Vec::new(),
            alights: Vec::new(),
            timings: Vec::new(),
            rows: Vec::new(),
            departures: Default::default(),
            runs: Vec::new(),
            by_stop: Vec::new(),
            first_of_stop: Vec::new(),
            boardings: Vec::new(),
            first_boarding: vec![0],
            live,
            gain_s: 0,
        }
    }

    fn add_course(
        &mut self,
        timetable: &Timetable,
        stops: &[(u32, bool, bool)],
        runs: &[Run],
        modes: Modes,
        times: &mut Times<'_>,
    ) {
        let first = times.departures.len();
        for index in 0..stops.len() {
            times
                .departures
                .extend(runs.iter().map(|run| expected(&self.live, timetable, *run, index)[1] as u32));
        }
        self.courses.push(Course {
            stops: self.stops.len() as u32,
            length: stops.len() as u32,
            runs: self.runs.len() as u32,
            trips: runs.len() as u32,
            departures: times.kept(first, runs),
            modes,
        });
        self.stops.extend(stops.iter().map(|s| s.0));
        self.boards.extend(stops.iter().map(|s| s.1));
        self.alights.extend(stops.iter().map(|s| s.2));
        let live = self.live.clone();
        for run in runs {
            times.arrives((0..stops.len()).map(|call| expected(&live, timetable, *run, call)[0] as u32));
            self.gain_s = self.gain_s.max(gain_s(&live, timetable, *run));
        }
        self.runs.extend_from_slice(runs);
    }

    /// Takes its times, and makes what is found by them and by the stops of its courses.
    fn index(&mut self, times: Times<'_>, stops: usize) {
        let Times { timings, rows, departures, other, .. } = times;
        (self.timings, self.rows, self.departures) = (timings, rows, [departures.into(), other]);
        self.timings.shrink_to_fit();
        self.rows.shrink_to_fit();
        self.stops.shrink_to_fit();
        self.boards.shrink_to_fit();
        self.alights.shrink_to_fit();
        self.runs.shrink_to_fit();
        self.longest.reserve_exact(self.stops.len());
        let mut first = vec![0_u32; stops + 1];
        for &stop in &self.stops {
            first[stop as usize + 1] += 1;
        }
        for i in 0..stops {
            first[i + 1] += first[i];
        }
        let mut next = first.clone();
        let mut by_stop = vec![At { course: 0, index: 0 }; self.stops.len()];
        for (course, c) in self.courses.iter().enumerate() {
            for index in 0..c.length {
                let slot = &mut next[self.stops[(c.stops + index) as usize] as usize];
                by_stop[*slot as usize] = At { course: course as u32, index };
                *slot += 1;
            }
        }
        (self.by_stop, self.first_of_stop) = (by_stop, first);
        for stop in 0..stops as u32 {
            for i in self.first_of_stop[stop as usize]..self.first_of_stop[stop as usize + 1] {
                let at = self.by_stop[i as usize];
                let course = self.courses[at.course as usize];
                if self.boards(at) && at.index + 1 < course.length {
                    self.boardings.push(Boarding {
                        at,
                        place: self.place_ix(at) as u32,
                        departures: course.departures + at.index * course.trips,
                        trips: course.trips,
                        modes: course.modes,
                    });
                }
            }
            self.first_boarding.push(self.boardings.len() as u32);
        }
        for (course, c) in self.courses.iter().enumerate() {
            let mut longest = 0;
            for index in 0..c.length {
                let at = At { course: course as u32, index };
                if index > 0 {
                    let before = At { index: index - 1, ..at };
                    let takes =
                        (0..c.trips).map(|trip| self.departure(at, trip) - self.departure(before, trip));
                    longest += takes.max().unwrap_or(0);
                }
                self.longest.push(longest);
            }
        }
    }

    /// The same day as one sees it who looks back from its end: vehicles run backwards, and what was early is late.
    pub fn turned(&self) -> DayTable {
        self.turned_beside(None)
    }

    /// The same; what another table that was turned has too is not kept twice.
    pub(crate) fn turned_beside(&self, other: Option<&DayTable>) -> DayTable {
        let mut turned =
            DayTable { backwards: !self.backwards, ..DayTable::empty(self.begins_s, self.live.clone()) };
        let count: usize = self.courses.iter().map(|course| (course.length * course.trips) as usize).sum();
        let mut times = Times::beside(other);
        if other.is_none() {
            times.departures.reserve_exact(count);
        }
        turned.gain_s = self.gain_s;
        for (ix, course) in self.courses.iter().enumerate() {
            let stops = course.stops as usize..(course.stops + course.length) as usize;
            turned.stops.extend(self.stops[stops.clone()].iter().rev());
            turned.boards.extend(self.alights[stops.clone()].iter().rev());
            turned.alights.extend(self.boards[stops].iter().rev());
            let (course_ix, trips) = (ix as u32, (0..course.trips).rev());
            let places = (0..course.length).rev().map(|index| At { course: course_ix, index });
            for trip in trips.clone() {
                times.arrives(places.clone().map(|at| HORIZON_S - self.departure(at, trip)));
                turned.runs.push(self.runs[(course.runs + trip) as usize]);
            }
            let first = times.departures.len();
            for at in places {
                times.departures.extend(trips.clone().map(|trip| HORIZON_S - self.arrival(at, trip)));
            }
            let runs = &turned.runs[course.runs as usize..];
            turned.courses.push(Course { departures: times.kept(first, runs), ..*course });
        }
        turned.index(times, self.first_of_stop.len() - 1);
        turned
    }

    fn runs_of(&self, course: &Course) -> &[Run] {
        &self.runs[course.runs as usize..(course.runs + course.trips) as usize]
    }

    fn departures_from(&self, place: u32, trips: u32) -> &[u32] {
        let departures = &self.departures[usize::from(place & THEIRS != 0)];
        let first = (place & !THEIRS) as usize;
        &departures[first..first + trips as usize]
    }

    /// A time of this table as the table seen the other way has it; none if that does not reach so far.
    pub(crate) fn turned_time(&self, time: u32) -> Option<u32> {
        HORIZON_S.checked_sub(time)
    }
    /// Whether it is seen backwards.
    pub fn is_turned(&self) -> bool {
        self.backwards
    }
    /// How many stops there are, with or without trips.
    pub fn stop_count(&self) -> usize {
        self.first_of_stop.len() - 1
    }
    /// How many courses.
    pub fn course_count(&self) -> usize {
        self.courses.len()
    }
    /// A course.
    pub fn course(&self, course: u32) -> &Course {
        &self.courses[course as usize]
    }
    /// Whether a course's mode is one of `modes`.
    pub fn runs_as(&self, course: u32, modes: Modes) -> bool {
        self.courses[course as usize].modes.any(modes)
    }
    /// Where a stop stands in courses.
    pub fn courses_at(&self, stop: u32) -> &[At] {
        let stop = stop as usize;
        &self.by_stop[self.first_of_stop[stop] as usize..self.first_of_stop[stop + 1] as usize]
    }
    /// Where one may get on at a stop.
    pub(super) fn boardings_at(&self, stop: u32) -> &[Boarding] {
        let stop = stop as usize;
        &self.boardings[self.first_boarding[stop] as usize..self.first_boarding[stop + 1] as usize]
    }
    /// When trips leave there, the earliest first.
    pub(super) fn departures_of(&self, boarding: &Boarding) -> &[u32] {
        self.departures_from(boarding.departures, boarding.trips)
    }
    /// The stop at a place.
    pub fn stop(&self, at: At) -> u32 {
        self.stops[self.place_ix(at)]
    }
    /// Whether one may get on there.
    pub fn boards(&self, at: At) -> bool {
        self.boards[self.place_ix(at)]
    }
    /// Whether one may get off there.
    pub fn alights(&self, at: At) -> bool {
        self.alights[self.place_ix(at)]
    }
    /// When a course's trip comes there.
    pub fn arrival(&self, at: At, trip: u32) -> u32 {
        let (starts, row) = self.ridden(at.course, trip);
        starts.wrapping_add(row[at.index as usize])
    }
    /// When a course's trip comes to its first stop, and how long it takes from there to each.
    pub(super) fn ridden(&self, course: u32, trip: u32) -> (u32, &[u32]) {
        let course = &self.courses[course as usize];
        let Timing { starts, row } = self.timings[(course.runs + trip) as usize];
        (starts, &self.rows[row as usize..(row + course.length) as usize])
    }
    /// When it goes.
    pub fn departure(&self, at: At, trip: u32) -> u32 {
        let course = &self.courses[at.course as usize];
        self.departures_from(course.departures + at.index * course.trips, course.trips)[trip as usize]
    }
    /// The first of a course's trips that goes there at `time` or later; the number of trips if there is none.
    pub fn first_trip(&self, at: At, time: u32) -> u32 {
        let course = &self.courses[at.course as usize];
        let departures = self.departures_from(course.departures + at.index * course.trips, course.trips);
        departures.partition_point(|&departure| departure < time) as u32
    }
    /// Where a place stands among all places of courses.
    pub(super) fn place_ix(&self, at: At) -> usize {
        (self.courses[at.course as usize].stops + at.index) as usize
    }
    /// By a place's number: how long trips take at most from their course's first stop until they leave there, s; between two
    /// places no trip takes longer than the difference.
    pub(super) fn longest_at(&self, place: usize) -> u32 {
        self.longest[place]
    }
    /// How many places there are.
    pub(super) fn place_count(&self) -> usize {
        self.stops.len()
    }
    /// By how much the quickest live run is quicker between any two of its calls than planned, s.
    pub fn gain_s(&self) -> u32 {
        self.gain_s
    }
    /// Which trip on which day it is.
    pub fn run(&self, course: u32, trip: u32) -> Run {
        self.runs[(self.courses[course as usize].runs + trip) as usize]
    }

    /// A moment as this table counts; `None` if it is outside.
    pub fn time_of(&self, moment: Moment) -> Option<u32> {
        let seconds = match self.backwards {
            // Whoever must be there by half past the second must be there by the second.
            true => i64::from(HORIZON_S) - (moment.0.div_euclid(1000) - self.begins_s),
            false => (moment.0 + 999).div_euclid(1000) - self.begins_s,
        };
        (0..i64::from(HORIZON_S)).contains(&seconds).then_some(seconds as u32)
    }

    /// The moment that this table's time stands for.
    pub fn moment(&self, time: u32) -> Moment {
        let seconds = if self.backwards { i64::from(HORIZON_S) - i64::from(time) } else { i64::from(time) };
        Moment((self.begins_s + seconds) * 1000)
    }

    /// The moment of a time that a trip has on a day by the timetable.
    pub fn moment_of_run(&self, run: Run, time_s: u32) -> Moment {
        Moment((self.begins_s + run.shift_s + i64::from(time_s)) * 1000)
    }

    /// When a run comes to one of its calls and when it goes, as far as is known.
    pub fn expected(&self, timetable: &Timetable, run: Run, call: usize) -> [Moment; 2] {
        expected(&self.live, timetable, run, call).map(|s| Moment((self.begins_s + s) * 1000))
    }

    /// When a run of a trip that runs every so often begins, seconds since the service day began; `None` of others.
    pub(crate) fn begins_s(&self, timetable: &Timetable, run: Run) -> Option<u32> {
        let first_s = i64::from(timetable.calls_of(run.trip).first().departure_s);
        let repeated = !timetable.frequencies_of(run.trip).is_empty();
        repeated.then(|| (run.shift_s - run.day_s + first_s) as u32)
    }

    /// Whether more is known of a run than its timetable.
    pub fn is_live(&self, run: Run) -> bool {
        run.change != AS_PLANNED
    }

    /// Whether a run passes a call without a stop.
    pub fn skips_call(&self, run: Run, call: usize) -> bool {
        matches!(self.live.change(run.change), Some(Change::Runs(calls)) if calls[call].skipped)
    }

    /// What the table knows of trips now.
    pub fn live(&self) -> &Arc<Live> {
        &self.live
    }

    /// The calls of a run at which one who is escorted may not get on, or not off; and which of the two he may.
    fn escorted<'a>(
        &'a self,
        timetable: &'a Timetable,
        run: Run,
        escorting: &'a Escorting<'_>,
    ) -> impl Iterator<Item = (usize, [bool; 2])> + 'a {
        let alone = timetable.takes_wheelchairs(run.trip);
        let calls = timetable.calls_of(run.trip).iter().enumerate();
        let may = move |(i, call): (usize, crate::gtfs::records::Call)| {
            (i, escorting.may(call.stop, alone, self.expected(timetable, run, i)))
        };
        calls.map(may).filter(|(_, may)| *may != [true; 2])
    }

    fn skips(&self, run: Run) -> Vec<usize> {
        match self.live.change(run.change) {
            Some(Change::Runs(calls)) => (0..calls.len()).filter(|&call| calls[call].skipped).collect(),
            _ => Vec::new(),
        }
    }
}

/// By how much a run is quicker between any two of its calls than planned, s: how much later it leaves the one than it is late
/// at the other.
fn gain_s(live: &Live, timetable: &Timetable, run: Run) -> u32 {
    if run.change == AS_PLANNED {
        return 0;
    }
    let (mut gain, mut latest) = (0, i64::MIN);
    for (i, call) in timetable.calls_of(run.trip).iter().enumerate() {
        let [arrives, departs] = expected(live, timetable, run, i);
        let late = |at: i64, planned_s: u32| at - run.shift_s - i64::from(planned_s);
        gain = gain.max(latest.saturating_sub(late(arrives, call.arrival_s)));
        latest = latest.max(late(departs, call.departure_s));
    }
    gain as u32
}

/// When a run comes to one of its calls and when it goes, in seconds of the table seen forwards.
fn expected(live: &Live, timetable: &Timetable, run: Run, call: usize) -> [i64; 2] {
    match live.change(run.change) {
        Some(Change::Runs(calls)) => {
            let call = calls[call];
            [call.arrival_s, call.departure_s].map(|s| i64::from(s) + run.day_s)
        }
        _ => {
            let call = timetable.calls_of(run.trip).at(call);
            [call.arrival_s, call.departure_s].map(|s| i64::from(s) + run.shift_s)
        }
    }
}

impl DayTable {
    /// A trip's runs on one day: one, or as many as its frequencies make. Those that would leave before the table
    /// begins are of no use to anybody, and those that are cancelled neither.
    fn add_runs(&self, timetable: &Timetable, trip: u32, day: Day, day_s: i64, runs: &mut Vec<Run>) {
        let calls = timetable.calls_of(trip);
        let first_s = i64::from(calls.first().departure_s);
        let mut add = |shift_s: i64, begins_s: Option<u32>| {
            let change = self.live.change_of(trip, day, begins_s);
            let run = Run { trip, day, shift_s, day_s, change };
            if self.live.change(change) == Some(&Change::Cancelled) {
                return;
            }
            let begins = expected(&self.live, timetable, run, 0)[0];
            let ends = expected(&self.live, timetable, run, calls.len() - 1)[1];
            if begins >= 0 && ends < i64::from(HORIZON_S) {
                runs.push(run);
            }
        };
        let frequencies = timetable.frequencies_of(trip);
        if frequencies.is_empty() {
            add(day_s, None);
        }
        for frequency in frequencies {
            for departure_s in (frequency.from_s..frequency.until_s).step_by(frequency.headway_s as usize) {
                add(day_s + i64::from(departure_s) - first_s, Some(departure_s));
            }
        }
    }

    /// Divides runs of one pattern into as few rows as it takes for none to overtake another in its row: each goes
    /// to the first row whose last run is nowhere later.
    fn without_overtaking(&self, timetable: &Timetable, mut runs: Vec<Run>) -> Vec<Vec<Run>> {
        let at = |run: &Run, call: usize| expected(&self.live, timetable, *run, call);
        runs.sort_by_key(|run| (at(run, 0)[1], *run));
        let follows = |before: &Run, after: &Run| {
            (0..timetable.calls_of(before.trip).len()).all(|call| {
                let (a, b) = (at(before, call), at(after, call));
                a[0] <= b[0] && a[1] <= b[1]
            })
        };
        let mut rows = Vec::<Vec<Run>>::new();
        for run in runs {
            match rows.iter_mut().find(|row| row.last().is_some_and(|last| follows(last, &run))) {
                Some(row) => row.push(run),
                None => rows.push(vec![run]),
            }
        }
        rows
    }
}
