//! Departures and arrivals at stops, as a board shows them.

use super::{
    day::{At, DayTable, Modes, Run},
    timetable::Timetable,
};
use model::time::Moment;

/// A vehicle that calls at a stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Calling {
    /// The trip, and its day.
    pub run: Run,
    /// Which of its calls.
    pub call: usize,
    /// When it goes, or comes if arrivals were asked for.
    pub at: Moment,
}

/// Which events a board shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Board {
    /// From here on, or back from here.
    pub at: Moment,
    /// Whether it shows what was before `at`.
    pub earlier: bool,
    /// Arrivals instead of departures.
    pub arrivals: bool,
    /// So many at least, if the day has them; all of the last second are shown.
    pub at_least: usize,
    /// What is shown.
    pub modes: Modes,
}

impl Board {
    /// The events at `stops`, by time. `day` is seen forwards.
    pub fn read(&self, timetable: &Timetable, day: &DayTable, stops: &[u32]) -> Vec<Calling> {
        let mut all = Vec::new();
        for &stop in stops {
            for &at in day.courses_at(stop) {
                let course = day.course(at.course);
                let last = at.index + 1 == course.length;
                // Nobody leaves from where a trip ends, and nobody arrives where it begins.
                let shown = if self.arrivals { at.index > 0 } else { !last };
                if shown && day.runs_as(at.course, self.modes) {
                    self.take(timetable, day, at, &mut all);
                }
            }
        }
        all.sort_by_key(|calling| (calling.at, calling.run, calling.call));
        if self.earlier {
            all.reverse();
        }
        let last = self.at_least.checked_sub(1).and_then(|last| all.get(last)).map(|calling| calling.at);
        if let Some(last) = last {
            let shown = if self.earlier {
                all.partition_point(|calling| calling.at >= last)
            } else {
                all.partition_point(|calling| calling.at <= last)
            };
            all.truncate(shown);
        }
        if self.earlier {
            all.reverse();
        }
        all
    }

    /// The events of one course at one of its places: as many as could be shown.
    fn take(&self, timetable: &Timetable, day: &DayTable, at: At, all: &mut Vec<Calling>) {
        let trips = day.course(at.course).trips;
        let time = |trip: u32| match self.arrivals {
            true => day.moment(day.arrival(at, trip)),
            false => day.moment(day.departure(at, trip)),
        };
        let (mut low, mut high) = (0, trips);
        while low < high {
            let middle = low + (high - low) / 2;
            let before = if self.earlier { time(middle) <= self.at } else { time(middle) < self.at };
            if before { low = middle + 1 } else { high = middle }
        }
        let show = |trip: u32| {
            let run = day.run(at.course, trip);
            debug_assert!(timetable.calls_of(run.trip).len() > at.index as usize);
            Calling { run, call: at.index as usize, at: time(trip) }
        };
        let most = self.at_least.max(1) as u32;
        // Those of one second together may be more than were asked for.
        let tied = |trip: u32, edge: u32| time(trip) == time(edge);
        if self.earlier {
            let first = low.saturating_sub(most);
            all.extend((0..low).rev().take_while(|&trip| trip >= first || tied(trip, first)).map(show));
        } else {
            let last = (low + most).min(trips);
            all.extend((low..trips).take_while(|&trip| trip < last || tied(trip, last - 1)).map(show));
        }
    }
}
