//! The plainest search of a timetable that finds what ours must: for each number of rides a look at every trip there is.

use crate::gauge;
use anyhow::Context;
use model::geo::LonLat;
use routing::{
    gtfs::calendar::Day,
    planner::{Planner, STREET_WITHIN_M},
    profile::Profile,
    transit::{
        day::{Modes, NEVER},
        search::{Between, Request, Search, Walk},
        walks::{Footpaths, Looking, WalkScratch},
    },
};
use std::process::ExitCode;

/// Hours of the day at which each pair is asked.
const HOURS: [u32; 2] = [8, 18];
const RIDES: usize = 5;
const WALK_MS: u32 = 1_200_000;

/// Every run of three days: where it calls, when it comes and goes, s, and whether one may get on and off.
struct Runs {
    stops: usize,
    calls: Vec<(u32, u32, u32, bool, bool)>,
    first: Vec<usize>,
}

impl Runs {
    /// Runs around `day`, in the seconds of a day's table. Runs that left before it began are left out, as it does.
    fn new(planner: &Planner, day: Day) -> anyhow::Result<Runs> {
        let timetable = planner.transit().context("the data has a timetable")?.timetable();
        let zone = timetable.zone();
        let (mut calls, mut first) = (Vec::new(), vec![0]);
        let zero = day.plus(-1).begins_s(&zone);
        for (trip, record) in timetable.trips.iter().enumerate() {
            let trip = trip as u32;
            let planned = timetable.calls_of(trip);
            for around in [-1, 0, 1] {
                if !timetable.services[record.service as usize].runs_on(day.plus(around)) {
                    continue;
                }
                let begins_s = day.plus(around).begins_s(&zone) - zero;
                let mut shifts_s = Vec::new();
                for frequency in timetable.frequencies_of(trip) {
                    let times = (frequency.from_s..frequency.until_s).step_by(frequency.headway_s as usize);
                    shifts_s.extend(times.map(|s| i64::from(s) - i64::from(planned.first().departure_s)));
                }
                if timetable.frequencies_of(trip).is_empty() {
                    shifts_s.push(0);
                }
                for shift_s in shifts_s {
                    let at = |s: u32| u32::try_from(begins_s + shift_s + i64::from(s));
                    if at(planned.first().arrival_s).is_err() {
                        continue;
                    }
                    for call in planned.iter() {
                        let times = (at(call.arrival_s)?, at(call.departure_s)?);
                        calls.push((call.stop, times.0, times.1, call.boards, call.alights));
                    }
                    first.push(calls.len());
                }
            }
        }
        Ok(Runs { stops: timetable.stops.len(), calls, first })
    }

    /// Least arrivals by number of rides, each less than the one before.
    fn arrivals(
        &self,
        footpaths: &Footpaths,
        [access, egress]: [&[Walk]; 2],
        start: u32,
    ) -> Vec<(u32, usize)> {
        let mut ready = vec![NEVER; self.stops];
        for &(stop, s) in access {
            ready[stop as usize] = ready[stop as usize].min(start + s);
        }
        let (mut best, mut front) = (NEVER, Vec::new());
        for ride in 1..=RIDES {
            let mut arrived = vec![NEVER; self.stops];
            for run in self.first.windows(2) {
                let mut on_board = false;
                for &(stop, arrival, departure, boards, alights) in &self.calls[run[0]..run[1]] {
                    if on_board && alights {
                        arrived[stop as usize] = arrived[stop as usize].min(arrival);
                    }
                    on_board |= boards && ready[stop as usize] <= departure;
                }
            }
            let there = egress.iter().map(|&(stop, s)| arrived[stop as usize].saturating_add(s)).min();
            if let Some(there) = there.filter(|there| *there < best) {
                best = there;
                front.push((there, ride));
            }
            ready.fill(NEVER);
            for (stop, &at) in arrived.iter().enumerate().filter(|(_, at)| **at != NEVER) {
                ready[stop] = ready[stop].min(at.saturating_add(footpaths.change(stop as u32)));
                for &(to, s) in footpaths.from(stop as u32) {
                    ready[to as usize] = ready[to as usize].min(at.saturating_add(s));
                }
            }
        }
        front
    }
}

/// Compares fronts of arrivals and rides, for all pairs in two hours of a day.
#[expect(clippy::print_stdout, reason = "what the command is for")]
pub(crate) fn compare(
    planner: &Planner,
    footpaths: &Footpaths,
    pairs: &[[LonLat; 2]],
    day: Day,
) -> anyhow::Result<ExitCode> {
    let transit = planner.transit().context("the data has a timetable")?;
    let ready = transit.ready(day, Profile::Walk);
    let (table, changes, walks) = (ready.day(), ready.changes(), transit.walks(Profile::Walk));
    let runs = Runs::new(planner, day)?;
    let (mut search, mut scratch, mut rest) = (Search::default(), WalkScratch::default(), Vec::new());
    let (mut same, mut different, mut none) = (0, 0, 0);
    for (i, [from, to]) in pairs.iter().enumerate() {
        let mut reach = |at, looking| {
            let feet = planner.access(Profile::Walk, at, STREET_WITHIN_M);
            let found = feet.map(|feet| walks.reach(&feet.nearest, looking, WALK_MS, &mut scratch));
            let walk = |(stop, ms): Walk| (stop, ms.div_ceil(1000));
            found.unwrap_or_default().into_iter().map(walk).collect::<Vec<_>>()
        };
        let (access, egress) = (reach(*from, Looking::Away), reach(*to, Looking::Towards));
        for hour in HOURS {
            let moment = model::time::Moment(
                (day.begins_s(&transit.timetable().zone()) + i64::from(hour) * 3600) * 1000,
            );
            let start = table.time_of(moment).context("the hour is not in the day")?;
            transit.bounds().rest(&egress, false, 0, &mut rest);
            let found = search.one(&Request {
                day: table,
                between: Between::Useful(changes),
                access: &access,
                egress: &egress,
                timed: [&[], &[]],
                start,
                rides: RIDES,
                modes: Modes::ALL,
                longest: NEVER,
                slowness: 1.0,
                rest: &rest,
                met: None,
            });
            let mut ours: Vec<(u32, usize)> =
                found.iter().map(|found| (found.arrival, found.rides.len())).collect();
            ours.sort_by_key(|one| one.1);
            let plain = runs.arrivals(footpaths, [&access, &egress], start);
            none += usize::from(plain.is_empty());
            match ours == plain {
                true => same += 1,
                false => different += 1,
            }
        }
        if (i + 1) % 100 == 0 {
            println!(
                "after {} pairs: {same} fronts equal to the plain search's, {different} not; {none} questions without a way ({:.0} CPU s)",
                i + 1,
                gauge::so_far_s()
            );
        }
    }
    Ok(if different == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
