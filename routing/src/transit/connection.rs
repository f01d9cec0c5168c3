//! What a search found, in the timetable's words and the clock's time.

use super::{
    day::{At, DayTable, Run},
    search::{Found, Ride},
    timetable::Timetable,
};
use model::time::Moment;

/// A connection by public transport: rides, and when one sets out and is there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Connection {
    /// When one sets out.
    pub start: Moment,
    /// When one is there.
    pub end: Moment,
    /// Rides in order; at least one.
    pub rides: Vec<RunPart>,
}

/// A part of one vehicle's run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RunPart {
    /// The run.
    pub run: Run,
    /// The call at which one gets on, counted from 0 in the trip.
    pub board: usize,
    /// The call at which one gets off.
    pub alight: usize,
    /// When it departs.
    pub departure: Moment,
    /// When it arrives.
    pub arrival: Moment,
    /// Where one gets on.
    pub from: u32,
    /// Where one gets off.
    pub to: u32,
}

impl DayTable {
    /// What was found in this table.
    pub fn connection(&self, timetable: &Timetable, found: &Found) -> Connection {
        let mut rides: Vec<RunPart> = found.rides.iter().map(|ride| self.part(timetable, ride)).collect();
        let (mut start, mut end) = (self.moment(found.departure), self.moment(found.arrival));
        if self.is_turned() {
            rides.reverse();
            (start, end) = (end, start);
        }
        Connection { start, end, rides }
    }

    fn part(&self, timetable: &Timetable, ride: &Ride) -> RunPart {
        let last = self.course(ride.course).length - 1;
        let (board, alight) = match self.is_turned() {
            true => (last - ride.alight, last - ride.board),
            false => (ride.board, ride.alight),
        };
        let run = self.run(ride.course, ride.trip);
        let calls = timetable.calls_of(run.trip);
        let (from, to) = (calls.at(board as usize), calls.at(alight as usize));
        debug_assert_eq!(
            self.stop(At { course: ride.course, index: ride.board }),
            if self.is_turned() { to.stop } else { from.stop }
        );
        RunPart {
            run,
            board: board as usize,
            alight: alight as usize,
            departure: self.expected(timetable, run, board as usize)[1],
            arrival: self.expected(timetable, run, alight as usize)[0],
            from: from.stop,
            to: to.stop,
        }
    }
}

impl Connection {
    /// Changes of vehicle.
    pub fn transfers(&self) -> usize {
        self.rides.len() - 1
    }
}
