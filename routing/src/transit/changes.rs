//! Changes that are worth making: from where one gets off a course, on foot to where one could get on another.
//!
//! Most ways between stops serve nobody who comes by a certain course: he had better ride on and walk less, or have the
//! other vehicle one stop farther down its line. Whatever can be done as well so is left out here, for every place of
//! every course by itself. As in Trip-Based routing (Witt 2015), but for all trips of a course at once: the day's own times
//! decide, live ones too, so that nothing is wrong when trips are late, and a day is made ready in a tenth of a second.
//!
//! That nothing is lost: what takes a change's place lets one board the same trips, and comes strictly sooner, or as soon from
//! farther along the first course after some time more aboard. A stop is left by the change of whichever place one came there by
//! first; so stand-ins must lead somewhere: each is strictly sooner or strictly later under way than what it stands in for. A ride
//! that takes no time leads nowhere: a circular line that is at a stop twice in one minute would lose both its changes.

use super::{
    day::{At, DayTable},
    search::Walk,
    walks::Footpaths,
};

/// By place of a course: stops to which it is worth to walk from there, that stop itself among them, and the seconds.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Changes {
    first: Vec<u32>,
    to: Vec<Walk>,
}

/// A place where one could get on.
#[derive(Clone, Copy)]
struct Boarding {
    /// The place's number among all places of the day.
    place: u32,
    course: u32,
    /// The stop, and the seconds to it.
    to: Walk,
}

impl Changes {
    /// Those of a day, out of all ways between stops in the direction in which the day is seen.
    pub fn new(day: &DayTable, footpaths: &Footpaths) -> Changes {
        let boardings = Boardings::new(day, footpaths);
        let mut first = vec![0_u32; day.place_count() + 1];
        let mut to = Vec::new();
        let mut best = Best { keys: vec![NEVER_SO_SOON; day.place_count()], touched: Vec::new() };
        let mut mine = Vec::new();
        for course in 0..day.course_count() as u32 {
            let length = day.course(course).length;
            let ridden_s = longest_rides(day, course);
            // From the last place to the first, as what is farther along counts more; so the rows come backwards too.
            let mut rows = Vec::with_capacity(length as usize);
            for index in (1..length).rev() {
                let at = At { course, index };
                if !day.alights(at) {
                    continue;
                }
                mine.clear();
                for boarding in boardings.of(day.stop(at)) {
                    let ridden = ridden_s[index as usize];
                    let key = ridden + boarding.ahead_s(day);
                    let (soonest, farther) = best.keys[boarding.place as usize];
                    if soonest < key || soonest == key && farther > ridden {
                        continue;
                    }
                    best.lower(day, boarding, (key, ridden));
                    if !goes_back(day, at, boarding) && !mine.contains(&boarding.to) {
                        mine.push(boarding.to);
                    }
                }
                mine.sort_unstable_by_key(|&(stop, walk_s)| (walk_s, stop));
                rows.push((day.place_ix(at), mine.clone()));
            }
            best.clear(day);
            for index in 0..length as usize {
                let place = day.place_ix(At { course, index: 0 }) + index;
                if rows.last().is_some_and(|row| row.0 == place) {
                    to.extend(rows.pop().map(|row| row.1).unwrap_or_default());
                }
                first[place + 1] = to.len() as u32;
            }
        }
        to.shrink_to_fit();
        Changes { first, to }
    }

    /// Where it is worth to walk for one who gets off there, nearest first.
    pub(super) fn from(&self, place: usize) -> &[Walk] {
        &self.to[self.first[place] as usize..self.first[place + 1] as usize]
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.to.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.to.is_empty()
    }
}

impl Boarding {
    /// How long before a trip leaves its course's first stop one has to set out to ride it from here, at worst, s.
    fn ahead_s(&self, day: &DayTable) -> i64 {
        i64::from(self.to.1) - i64::from(day.longest_at(self.place as usize))
    }
}

/// By stop: places where one who is there could get on, none of which is as good by an earlier place of the same course.
struct Boardings {
    first: Vec<u32>,
    all: Vec<Boarding>,
}

impl Boardings {
    fn new(day: &DayTable, footpaths: &Footpaths) -> Boardings {
        let (mut first, mut all) = (vec![0_u32], Vec::new());
        let mut places: Vec<Boarding> = Vec::new();
        for stop in 0..day.stop_count() as u32 {
            places.clear();
            if !day.courses_at(stop).is_empty() {
                let stays = Some((stop, footpaths.change(stop))).filter(|stay| stay.1 != u32::MAX);
                for to in stays.into_iter().chain(footpaths.from(stop).iter().copied()) {
                    let there = day.boardings_at(to.0).iter();
                    places.extend(there.map(|b| Boarding { place: b.place, course: b.at.course, to }));
                }
            }
            places.sort_unstable_by_key(|boarding| (boarding.place, boarding.to.1));
            for places in places.chunk_by(|a, b| a.course == b.course) {
                let mut soonest = i64::MAX;
                for boarding in places {
                    let ahead = boarding.ahead_s(day);
                    if ahead < soonest {
                        soonest = ahead;
                        all.push(*boarding);
                    }
                }
            }
            first.push(all.len() as u32);
        }
        Boardings { first, all }
    }

    fn of(&self, stop: u32) -> &[Boarding] {
        &self.all[self.first[stop as usize] as usize..self.first[stop as usize + 1] as usize]
    }
}

/// Before anything is known.
const NEVER_SO_SOON: (i64, i64) = (i64::MAX, 0);

/// By place of all courses: how soon one can be aboard there or farther up, coming from farther along the present course, and for
/// how long one has ridden on it then.
struct Best {
    keys: Vec<(i64, i64)>,
    touched: Vec<u32>,
}

impl Best {
    fn lower(&mut self, day: &DayTable, boarding: &Boarding, key: (i64, i64)) {
        self.touched.push(boarding.course);
        let end = day.place_ix(At { course: boarding.course, index: 0 })
            + day.course(boarding.course).length as usize;
        for known in &mut self.keys[boarding.place as usize..end] {
            if known.0 <= key.0 {
                break;
            }
            *known = key;
        }
    }

    fn clear(&mut self, day: &DayTable) {
        self.touched.sort_unstable();
        self.touched.dedup();
        for course in self.touched.drain(..) {
            let begin = day.place_ix(At { course, index: 0 });
            self.keys[begin..begin + day.course(course).length as usize].fill(NEVER_SO_SOON);
        }
    }
}

/// By place of a course: how long trips ride at most from its first stop until they come there, s. Between two places no trip
/// takes longer than the difference.
fn longest_rides(day: &DayTable, course: u32) -> Vec<i64> {
    let c = day.course(course);
    let mut all = vec![0_i64];
    for index in 1..c.length {
        let (here, before) = (At { course, index }, At { course, index: index - 1 });
        let takes = (0..c.trips).map(|trip| i64::from(day.arrival(here, trip) - day.arrival(before, trip)));
        all.push(all[index as usize - 1] + takes.max().unwrap_or(0));
    }
    all
}

/// Whether a change only leads back to the same course, no farther back, and no earlier trip of it can be caught: one had better stay
/// aboard. A place farther back on the same course is another matter: on a circular line one rides on from there.
fn goes_back(day: &DayTable, at: At, boarding: &Boarding) -> bool {
    let begin = day.place_ix(At { course: boarding.course, index: 0 });
    let there = At { course: boarding.course, index: boarding.place - begin as u32 };
    let earlier =
        |trip: u32| day.arrival(at, trip).saturating_add(boarding.to.1) <= day.departure(there, trip - 1);
    there.course == at.course && there.index >= at.index && !(1..day.course(at.course).trips).any(earlier)
}
