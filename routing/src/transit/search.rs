//! RAPTOR: the best connections by arrival and number of rides, for one departure or for all in a window.
//!
//! Delling, Pajor, Werneck: Round-Based Public Transit Routing (2012). Round *k* finds everything that *k* rides
//! reach: it rides from each stop that became better in round *k*−1, then walks from where somebody got off. A
//! window is searched from its latest departure to its earliest, keeping all labels (rRAPTOR): what a later
//! departure reaches sooner need not be looked at again. As in Witt's Trip-Based routing (2015) each part of a trip
//! is ridden once for a number of rides: who catches it farther along, or a later trip behind it, gains nothing.
//! To arrive by a time, the same search runs on the day turned round ([`DayTable::turned`]).

use super::{
    changes::Changes,
    day::{At, Boarding, DayTable, Modes, NEVER},
    walks::Footpaths,
};

/// A stop, and the seconds to it or from it on foot.
pub type Walk = (u32, u32);

/// A way between a place and a stop that one can make at some times only: in a vehicle that comes on demand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timed {
    /// The stop.
    pub stop: u32,
    /// How long it takes, s.
    pub takes: u32,
    /// One comes to the stop (or goes from it) between these times, as the table counts.
    pub window: [u32; 2],
}

impl Timed {
    /// The same as a table sees it whose time runs backwards.
    pub(crate) fn turned(self, day: &DayTable) -> Option<Timed> {
        let [from, until] = self.window;
        Some(Timed { window: [day.turned_time(until)?, day.turned_time(from)?], ..self })
    }

    /// When one is at the stop who sets out then or later.
    fn there(&self, start: u32) -> Option<u32> {
        Some(start.saturating_add(self.takes).max(self.window[0])).filter(|there| *there <= self.window[1])
    }

    /// When one goes from the stop who is there then.
    pub(crate) fn leaves(&self, time: u32) -> Option<u32> {
        Some(time.max(self.window[0])).filter(|leaves| *leaves <= self.window[1])
    }

    /// When one sets out at the latest to be at the stop by then.
    pub(crate) fn sets_out(&self, by: u32) -> Option<u32> {
        (by >= self.window[0]).then(|| by.min(self.window[1]).checked_sub(self.takes)).flatten()
    }
}

/// What is looked for, in the direction in which the table is seen.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The day.
    pub day: &'a DayTable,
    /// Ways between rides, in the same direction.
    pub between: Between<'a>,
    /// Ways from the start to stops; each stop at most once.
    pub access: &'a [Walk],
    /// Ways from stops to the goal; each stop at most once.
    pub egress: &'a [Walk],
    /// More ways from the start to stops, any number to each, and from stops to the goal. By stop.
    pub timed: [&'a [Timed]; 2],
    /// Not before this time.
    pub start: u32,
    /// Most rides in one connection, 1 to [`MOST_RIDES`].
    pub rides: usize,
    /// What may be ridden.
    pub modes: Modes,
    /// Connections that take as long as this are of no interest, s: one could walk. [`NEVER`] if one cannot.
    pub longest: u32,
    /// Walking times between stops are so many times the usual ones.
    pub slowness: f64,
    /// By stop: how long it takes at least from there to the goal, s ([`super::bounds`]); empty if that is not known.
    pub rest: &'a [u32],
    /// A search the other way ([`Search::one_and_its_like`]), of which `start` is an arrival with as many rides: nobody need be
    /// looked for where that one did not come in time.
    pub met: Option<&'a Search>,
}

/// Those of a stop.
fn timed_at(timed: &[Timed], stop: u32) -> &[Timed] {
    let (from, until) =
        (timed.partition_point(|one| one.stop < stop), timed.partition_point(|one| one.stop <= stop));
    &timed[from..until]
}

/// How one changes.
#[derive(Clone, Copy, Debug)]
pub enum Between<'a> {
    /// By the ways that are of use: for whoever walks at the usual speed or slower.
    Useful(&'a Changes),
    /// By any: who walks faster than usual may overtake a vehicle.
    Any(&'a Footpaths),
}

impl Request<'_> {
    /// How long it takes at least from a stop to the goal, s.
    fn rest(&self, stop: u32) -> u32 {
        self.rest.get(stop as usize).copied().unwrap_or(0)
    }

    /// When one sets out at the latest to be at a stop by a time.
    fn sets_out(&self, stop: u32, by: u32) -> u32 {
        let walk = self.access.iter().find(|walk| walk.0 == stop).and_then(|walk| by.checked_sub(walk.1));
        let timed = timed_at(self.timed[0], stop).iter().filter_map(|timed| timed.sets_out(by));
        timed.chain(walk).max().unwrap_or(by)
    }

    /// Everybody who sets out at a time or later: when they are at which stop.
    fn there(&self, start: u32) -> impl Iterator<Item = Walk> {
        let walks = self.access.iter().map(move |&(stop, walk_s)| (stop, start.saturating_add(walk_s)));
        walks.chain(self.timed[0].iter().filter_map(move |timed| Some((timed.stop, timed.there(start)?))))
    }

    /// Whether those whom the search the other way followed get off at a stop by then, with all rides but `k`.
    fn is_met(&self, k: usize, stop: u32, time: u32) -> bool {
        self.met.is_none_or(|other| {
            let arrived = other.arrived[stop as usize * other.levels + self.rides - k];
            self.day.turned_time(time).is_some_and(|time| arrived <= time)
        })
    }
}

/// More rides than this nobody takes; it bounds what a question may cost.
pub const MOST_RIDES: usize = 12;

/// Part of a connection in one vehicle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ride {
    /// The course.
    pub course: u32,
    /// The trip in the course.
    pub trip: u32,
    /// Where one gets on.
    pub board: u32,
    /// Where one gets off.
    pub alight: u32,
}

/// A connection, as the table counts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// When one sets out: as late as the first ride allows.
    pub departure: u32,
    /// When one is there.
    pub arrival: u32,
    /// Rides in order; at least one.
    pub rides: Vec<Ride>,
}

const NOBODY: Ride = Ride { course: NEVER, trip: 0, board: 0, alight: 0 };

/// Working memory, kept between searches.
#[derive(Debug, Default)]
pub struct Search {
    /// By stop and number of rides: when one gets off there at the earliest, with so many rides or fewer.
    arrived: Vec<u32>,
    /// The same for when one could get on there, after changing or walking.
    ready: Vec<u32>,
    /// By stop and number of rides: the ride that came there.
    rode: Vec<Ride>,
    /// By stop and number of rides: the stop from which one came on foot; itself for those who stayed.
    walked: Vec<u32>,
    /// By stop: the way from there to the goal.
    egress: Vec<u32>,
    egress_of: Vec<u32>,
    /// Stops whose `ready` became better in this round.
    marked: Vec<u32>,
    is_marked: Vec<bool>,
    /// Stops where somebody got off in this round.
    left: Vec<u32>,
    has_left: Vec<bool>,
    /// By place in a course and number of rides: the earliest trip that was ridden past there. Where one departure is looked
    /// for, rides are counted upwards, and one number for each place is enough.
    ridden: Vec<u32>,
    ridden_levels: usize,
    /// 1 if what is no better than what is known is followed too, else 0.
    ties: u32,
    /// Parts of trips to be ridden in this round: from where, which trip, and to where.
    parts: Vec<(At, u32, u32)>,
    /// By number of rides: arrival at the goal, the stop before it, and whether this departure made it better.
    goal: Vec<(u32, u32, bool)>,
    levels: usize,
}

impl Search {
    /// The best connections for somebody who sets out at `start`: each takes more rides than the one before and
    /// arrives earlier.
    pub fn one(&mut self, request: &Request<'_>) -> Vec<Found> {
        self.begin(request, 1);
        let limit = request.start.saturating_add(request.longest);
        self.goal.fill((limit, NEVER, false));
        for (stop, there) in request.there(request.start) {
            self.get_ready(0, stop, stop, there);
        }
        self.rounds(request, 1);
        let mut found = Vec::new();
        self.take_found(request, &mut found);
        found
    }

    /// The same, following all ways that lead to those arrivals, so that a search back from one of them can keep to where this
    /// one was ([`Request::met`]).
    pub fn one_and_its_like(&mut self, request: &Request<'_>) -> Vec<Found> {
        self.ties = 1;
        let found = self.one(request);
        self.ties = 0;
        found
    }

    /// The best connections of all departures from `start` to `start + window`. None of them leaves no later,
    /// arrives no earlier and takes no fewer rides than another, be that one in the window or after it. In order of
    /// departure, latest first.
    pub fn range(&mut self, request: &Request<'_>, window: u32) -> Vec<Found> {
        self.begin(request, request.rides.clamp(1, MOST_RIDES) + 1);
        // Who would rather wait until after the window is not told to leave in it.
        let after = request.start.saturating_add(window).saturating_add(1);
        self.goal.fill((after.saturating_add(request.longest), NEVER, false));
        for (stop, there) in request.there(after) {
            self.get_ready(0, stop, stop, there);
        }
        self.rounds(request, 1);
        let mut found = Vec::new();
        let departures = departures(request, window);
        for together in departures.chunk_by(|a, b| a.at == b.at) {
            let limit = together[0].at.saturating_add(request.longest);
            for goal in &mut self.goal {
                *goal = (goal.0.min(limit), goal.1, false);
            }
            for departure in together {
                self.board(request, 1, departure.place, departure.trip);
            }
            self.ride(request, 1);
            self.walk(request, 1);
            self.rounds(request, 2);
            self.take_found(request, &mut found);
        }
        found
    }

    /// When one gets off where, who sets out at `start` and is there before `start + longest`: the number of rides, the stop and the time,
    /// each where no fewer rides are as soon; in order of the number of rides. Nothing is looked for at the other end.
    pub fn everywhere(&mut self, request: &Request<'_>) -> Vec<(usize, u32, u32)> {
        self.begin(request, 1);
        self.goal.fill((request.start.saturating_add(request.longest), NEVER, false));
        for (stop, there) in request.there(request.start) {
            self.get_ready(0, stop, stop, there);
        }
        self.rounds(request, 1);
        let mut all = Vec::new();
        for k in 1..self.levels {
            for stop in 0..request.day.stop_count() {
                let label = stop * self.levels + k;
                if self.arrived[label] < self.arrived[label - 1] {
                    all.push((k, stop as u32, self.arrived[label]));
                }
            }
        }
        all
    }

    fn begin(&mut self, request: &Request<'_>, ridden_levels: usize) {
        let stops = request.day.stop_count();
        self.levels = request.rides.clamp(1, MOST_RIDES) + 1;
        let labels = stops * self.levels;
        let renew = |row: &mut Vec<u32>| {
            row.clear();
            row.resize(labels, NEVER);
        };
        renew(&mut self.arrived);
        renew(&mut self.ready);
        // These are only read where the above say that they were written.
        self.rode.resize(labels, NOBODY);
        self.walked.resize(labels, NEVER);
        self.is_marked.resize(stops, false);
        self.has_left.resize(stops, false);
        self.ridden.clear();
        self.ridden_levels = ridden_levels;
        self.ridden.resize(request.day.place_count() * ridden_levels, NEVER);
        self.goal.resize(self.levels, (NEVER, NEVER, false));
        for stop in self.egress_of.drain(..) {
            self.egress[stop as usize] = NEVER;
        }
        self.egress.resize(stops, NEVER);
        for &(stop, walk_s) in request.egress {
            self.egress[stop as usize] = walk_s;
            self.egress_of.push(stop);
        }
        for stop in self.marked.drain(..) {
            self.is_marked[stop as usize] = false;
        }
    }

    fn rounds(&mut self, request: &Request<'_>, first: usize) {
        for k in first..self.levels {
            if self.marked.is_empty() {
                break;
            }
            self.board_everywhere(request, k);
            self.ride(request, k);
            self.walk(request, k);
        }
        for stop in self.marked.drain(..) {
            self.is_marked[stop as usize] = false;
        }
    }

    /// From every marked stop, the earliest trip of each course, unless it or one before it was ridden already.
    fn board_everywhere(&mut self, request: &Request<'_>, k: usize) {
        let day = request.day;
        let mut marked = std::mem::take(&mut self.marked);
        for stop in marked.drain(..) {
            self.is_marked[stop as usize] = false;
            let ready = self.ready[stop as usize * self.levels + k - 1];
            for boarding in day.boardings_at(stop) {
                if boarding.modes.any(request.modes) {
                    self.catch(request, k, boarding, ready);
                }
            }
        }
        self.marked = marked;
    }

    /// Finds the trip that is caught there by one who is ready at a time.
    fn catch(&mut self, request: &Request<'_>, k: usize, boarding: &Boarding, ready: u32) {
        let ridden = self.ridden[boarding.place as usize * self.ridden_levels + k % self.ridden_levels];
        let departures = request.day.departures_of(boarding);
        // Most who come there are too late for anything that was not ridden: one look is enough.
        if ridden == 0 || (ridden <= boarding.trips && ready > departures[ridden as usize - 1]) {
            return;
        }
        let trip = departures.partition_point(|&departure| departure < ready) as u32;
        if trip < boarding.trips {
            self.board(request, k, boarding.at, trip);
        }
    }

    /// Notes that a trip is to be ridden from there on, as far as neither it nor one before it was.
    fn board(&mut self, request: &Request<'_>, k: usize, at: At, trip: u32) {
        let day = request.day;
        let (first, length) = (day.place_ix(at), day.course(at.course).length);
        let mut until = at.index;
        for index in at.index..length {
            let place = (first + (index - at.index) as usize) * self.ridden_levels;
            let ridden = &mut self.ridden[place + k % self.ridden_levels..place + self.ridden_levels];
            until = index;
            if ridden[0] <= trip {
                break; // Beyond here, but perhaps nobody has got off here yet: it may be where they got on.
            }
            lower(ridden, trip);
        }
        if until > at.index {
            self.parts.push((at, trip, until));
        }
    }

    /// Rides all parts of trips that were noted.
    fn ride(&mut self, request: &Request<'_>, k: usize) {
        let day = request.day;
        let mut parts = std::mem::take(&mut self.parts);
        for (from, trip, until) in parts.drain(..) {
            let (starts, row) = day.ridden(from.course, trip);
            for index in from.index + 1..=until {
                let at = At { index, ..from };
                if day.alights(at) {
                    let ride = Ride { course: from.course, trip, board: from.index, alight: index };
                    self.get_off(request, k, day.stop(at), starts.wrapping_add(row[index as usize]), ride);
                }
            }
        }
        self.parts = parts;
    }

    fn get_off(&mut self, request: &Request<'_>, k: usize, stop: u32, time: u32, ride: Ride) {
        let label = stop as usize * self.levels;
        let until = self.goal[k].0.saturating_add(self.ties);
        if time >= self.arrived[label + k] || time.saturating_add(request.rest(stop)) >= until {
            return;
        }
        self.rode[label + k] = ride;
        lower(&mut self.arrived[label + k..label + self.levels], time);
        if !std::mem::replace(&mut self.has_left[stop as usize], true) {
            self.left.push(stop);
        }
        let mut there = time.saturating_add(self.egress[stop as usize]);
        if !request.timed[1].is_empty() {
            let timed = timed_at(request.timed[1], stop).iter();
            let ways = timed.filter_map(|timed| Some(timed.leaves(time)?.saturating_add(timed.takes)));
            there = ways.fold(there, u32::min);
        }
        if there < self.goal[k].0 {
            self.goal[k] = (there, stop, true);
            for later in &mut self.goal[k + 1..] {
                later.0 = later.0.min(there);
            }
        }
    }

    /// From where somebody got off in round `k` to where the next ride could begin.
    fn walk(&mut self, request: &Request<'_>, k: usize) {
        let mut left = std::mem::take(&mut self.left);
        for stop in left.drain(..) {
            self.has_left[stop as usize] = false;
            if k + 1 == self.levels {
                continue; // Nobody rides on from here.
            }
            let time = self.arrived[stop as usize * self.levels + k];
            match request.between {
                Between::Useful(changes) => {
                    let ride = self.rode[stop as usize * self.levels + k];
                    let place = request.day.place_ix(At { course: ride.course, index: ride.alight });
                    self.walk_on(request, k, stop, time, changes.from(place));
                }
                Between::Any(footpaths) => {
                    self.walk_on(request, k, stop, time, footpaths.from(stop));
                    self.walk_on(request, k, stop, time, &[(stop, footpaths.change(stop))]);
                }
            }
        }
        self.left = left;
    }

    fn walk_on(&mut self, request: &Request<'_>, k: usize, from: u32, time: u32, ways: &[Walk]) {
        for &(to, walk_s) in ways {
            let ready = time.saturating_add(scaled(walk_s, request.slowness));
            let until = self.goal[k + 1].0.saturating_add(self.ties);
            if ready >= until {
                break; // The rest is farther.
            }
            if ready.saturating_add(request.rest(to)) < until && request.is_met(k, to, ready) {
                self.get_ready(k, to, from, ready);
            }
        }
    }

    fn get_ready(&mut self, k: usize, stop: u32, from: u32, time: u32) {
        let label = stop as usize * self.levels;
        if time >= self.ready[label + k] {
            return;
        }
        self.walked[label + k] = from;
        lower(&mut self.ready[label + k..label + self.levels], time);
        if !std::mem::replace(&mut self.is_marked[stop as usize], true) {
            self.marked.push(stop);
        }
    }

    /// What the present departure brought.
    fn take_found(&self, request: &Request<'_>, found: &mut Vec<Found>) {
        for k in 1..self.levels {
            let (arrival, last, better) = self.goal[k];
            if !better || arrival >= self.goal[k - 1].0 {
                continue;
            }
            let (mut rides, mut stop) = (Vec::with_capacity(k), last);
            for level in (1..=k).rev() {
                let ride = self.rode[stop as usize * self.levels + level];
                rides.push(ride);
                let board = request.day.stop(At { course: ride.course, index: ride.board });
                stop = match level {
                    1 => board,
                    _ => self.walked[board as usize * self.levels + level - 1],
                };
            }
            rides.reverse();
            let first = At { course: rides[0].course, index: rides[0].board };
            let departure = request.sets_out(stop, request.day.departure(first, rides[0].trip));
            found.push(Found { departure, arrival, rides });
        }
    }
}

/// Lowers a row that never rises to at most `time`.
fn lower(row: &mut [u32], time: u32) {
    for label in row {
        if *label <= time {
            break;
        }
        *label = time;
    }
}

/// A walking time for one who is slower or faster than usual.
pub(crate) fn scaled(walk_s: u32, slowness: f64) -> u32 {
    if slowness == 1.0 { walk_s } else { (f64::from(walk_s) * slowness).ceil() as u32 }
}

/// Somebody sets out at a time that just catches a trip.
struct Departure {
    at: u32,
    place: At,
    trip: u32,
}

/// All times in the window at which setting out just catches a trip, latest first. Who catches a trip earlier
/// on its way although he set out no earlier gains nothing from getting on farther along, and is left out there.
fn departures(request: &Request<'_>, window: u32) -> Vec<Departure> {
    let day = request.day;
    let (from, until) = (request.start, request.start.saturating_add(window));
    let always = |&(stop, takes): &Walk| Timed { stop, takes, window: [0, NEVER] };
    let ways = request.access.iter().map(always).chain(request.timed[0].iter().copied());
    let places = ways.flat_map(|way| {
        let usable = |at: &&At| day.boards(**at) && day.runs_as(at.course, request.modes);
        day.courses_at(way.stop).iter().filter(usable).map(move |&at| (at, way))
    });
    let mut places: Vec<(At, Timed)> = places.collect();
    places.sort_unstable_by_key(|(at, _)| (at.course, at.index));
    let mut departures = Vec::new();
    let mut latest: Vec<u32> = Vec::new(); // by trip of the present course, from `base` on
    for places in places.chunk_by(|a, b| a.0.course == b.0.course) {
        let course = day.course(places[0].0.course);
        latest.clear();
        latest.resize(course.trips as usize, 0);
        for &(place, way) in places.iter().filter(|(place, _)| place.index + 1 < course.length) {
            let Some(soonest) = way.there(from) else { continue };
            let mut trip = day.first_trip(place, soonest);
            while trip < course.trips {
                let departs = day.departure(place, trip);
                let Some(at) = way.sets_out(departs).filter(|at| *at <= until) else { break };
                // 0 stands for never: at time 0 nothing in a table leaves but what left the day before.
                if at + 1 > latest[trip as usize] {
                    latest[trip as usize] = at + 1;
                    departures.push(Departure { at, place, trip });
                }
                // Who has to be at the stop so soon takes the first.
                if departs >= way.window[1] {
                    break;
                }
                trip += 1;
            }
        }
    }
    departures.sort_unstable_by(|a, b| b.at.cmp(&a.at).then(a.place.course.cmp(&b.place.course)));
    departures
}
