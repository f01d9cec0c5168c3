//! People who come along with passengers of reduced mobility, by appointment: who they are, at which stations, and when.
//!
//! Who escorts, and what he helps over, is data of the city ([`Escorts`], a TOML file); [`Served`] is that joined with a timetable, and
//! [`Escorting`] the hours of one day for one who asks at a certain moment. Where steps are in the way only escorted
//! passengers get on and off, between those hours and no sooner than an escort can be there.

mod read;
#[cfg(test)]
mod tests;

use crate::{
    gtfs::{
        calendar::Day,
        flex::Notice,
        records::{Pathway, PathwayKind},
    },
    itinerary::Place,
    transit::{inside::Inside, timetable::Timetable},
};
use jiff::tz::TimeZone;
use model::{config::Complaints, network::Name, time::Moment};
use std::{collections::HashMap, time::Duration};

/// Who escorts passengers in a city.
#[derive(Clone, PartialEq, Debug)]
pub struct Escorts(Vec<Escort>);

/// Somebody who escorts passengers.
#[derive(Clone, PartialEq, Debug)]
pub struct Escort {
    /// What they are called.
    pub name: Name,
    /// At the stops of these agencies.
    agencies: Vec<String>,
    /// Of these routes, by their ids in the timetable.
    routes: Vec<String>,
    /// At these stops, and at all of these stations.
    stops: Vec<String>,
    /// What they help over.
    passes: Vec<PathwayKind>,
    /// Whether they help into vehicles that no wheelchair gets into alone.
    boards: bool,
    /// To meet takes so long, s.
    pub meet_s: u32,
    /// Where at an entrance they wait.
    pub point: Option<Name>,
    /// How long before one asks.
    notice: Notice,
    /// Whom to call.
    pub phone: Option<String>,
    /// Where more is written.
    pub url: Option<String>,
    periods: Vec<Period>,
}

/// When they work.
#[derive(Clone, PartialEq, Debug)]
struct Period {
    from: Day,
    until: Option<Day>,
    /// Monday first.
    weekdays: [bool; 7],
    /// Seconds after midnight.
    between_s: [u32; 2],
}

/// An escort of one ride, as it is told.
#[derive(Clone, PartialEq, Debug)]
pub struct Appointment {
    /// Who comes.
    pub name: Name,
    /// Where one is met: an entrance, or a platform.
    pub meets: Place,
    /// Where exactly.
    pub point: Option<Name>,
    /// When.
    pub at: Moment,
    /// Until where one is escorted.
    pub until: Place,
    /// When it is too late to ask.
    pub book_by: Moment,
    /// Whom to call.
    pub phone: Option<String>,
    /// Where more is written.
    pub url: Option<String>,
}

impl Escorts {
    /// Reads a file of them; every fault is a complaint.
    pub fn parse(file: &str, text: &str) -> Result<Escorts, Complaints> {
        read::read(file, text)
    }
}

impl Escort {
    /// The first moment at which one is met who asks at `asked`.
    pub(crate) fn soonest(&self, asked: Moment, zone: &TimeZone) -> Moment {
        match self.notice {
            Notice::None => asked,
            Notice::Minutes(least, _) => asked + minutes(least),
            Notice::Days(last, _) => {
                let mut day = day_of(asked, zone).plus(i32::from(last.days));
                if asked > self.book_by(Moment(day.begins_s(zone) * 1000), zone) {
                    day = day.plus(1);
                }
                Moment(day.begins_s(zone) * 1000)
            }
        }
    }

    /// When it is too late to ask for being met at that moment.
    fn book_by(&self, met: Moment, zone: &TimeZone) -> Moment {
        match self.notice {
            Notice::None => met,
            Notice::Minutes(least, _) => met - minutes(least),
            Notice::Days(last, _) => {
                let day = day_of(met, zone).plus(-i32::from(last.days));
                Moment((day.begins_s(zone) + i64::from(last.at_s)) * 1000)
            }
        }
    }

    /// When they work on a day.
    pub(crate) fn hours(&self, day: Day, zone: &TimeZone) -> impl Iterator<Item = [Moment; 2]> {
        let begins_s = day.begins_s(zone);
        let holds = move |period: &&Period| {
            period.from <= day
                && period.until.is_none_or(|until| day <= until)
                && period.weekdays[day.weekday()]
        };
        self.periods
            .iter()
            .filter(holds)
            .map(move |period| period.between_s.map(|after_s| Moment((begins_s + i64::from(after_s)) * 1000)))
    }
}

fn minutes(minutes: u32) -> Duration {
    Duration::from_secs(60 * u64::from(minutes))
}

fn day_of(moment: Moment, zone: &TimeZone) -> Day {
    let at = jiff::Timestamp::from_millisecond(moment.0).unwrap_or_default();
    Day::of(at.to_zoned(zone.clone()).date())
}

/// Where in a timetable passengers are escorted.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) all: Vec<Escort>,
    zone: TimeZone,
    /// By stop, and by route: which of them.
    by_stop: Vec<Option<usize>>,
    by_route: Vec<Option<usize>>,
    /// Platforms that nobody in a wheelchair gets to alone, and how long it takes there and back at best.
    platforms: HashMap<u32, Led>,
}

/// The way to a platform where one is met.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Led {
    escort: usize,
    /// From the entrance, and meeting there, s.
    in_s: u32,
    /// To the exit, s.
    out_s: u32,
}

impl Served {
    pub(crate) fn new(escorts: Escorts, timetable: &Timetable) -> Served {
        let Escorts(all) = escorts;
        let first = |of: &dyn Fn(&Escort) -> bool| all.iter().position(of);
        let by_route: Vec<Option<usize>> = timetable
            .routes
            .iter()
            .map(|route| {
                let agency = &timetable.agencies[route.agency as usize].id;
                first(&|escort| escort.agencies.contains(agency) || escort.routes.contains(&route.id))
            })
            .collect();
        let mut by_stop: Vec<Option<usize>> =
            timetable.stops.iter().map(|stop| first(&|escort| escort.stops.contains(&stop.id))).collect();
        for (trip, route) in timetable.trips.iter().enumerate().map(|(i, trip)| (i as u32, trip.route)) {
            if let Some(escort) = by_route[route as usize] {
                for call in timetable.calls_of(trip).iter() {
                    // A station is served where one of its platforms is.
                    let parent = timetable.stops[call.stop as usize].parent.unwrap_or(call.stop);
                    for stop in [call.stop, parent] {
                        by_stop[stop as usize].get_or_insert(escort);
                    }
                }
            }
        }
        for (stop, parent) in timetable.stops.iter().enumerate().map(|(i, stop)| (i, stop.parent)) {
            by_stop[stop] = by_stop[stop].or(parent.and_then(|parent| by_stop[parent as usize]));
        }
        let mut served = Served { all, zone: timetable.zone(), by_stop, by_route, platforms: HashMap::new() };
        served.platforms = served.led(timetable);
        served
    }

    fn led(&self, timetable: &Timetable) -> HashMap<u32, Led> {
        let inside = Inside::escorted(timetable, self);
        let led = |stop: u32| {
            inside.escort(stop)?;
            let entrances = inside.entrances(stop);
            let led = Led {
                escort: self.by_stop[stop as usize]?,
                in_s: entrances.iter().map(|entrance| entrance.in_s).min().unwrap_or(0),
                out_s: entrances.iter().map(|entrance| entrance.out_s).min().unwrap_or(0),
            };
            Some((stop, led))
        };
        (0..timetable.stops.len() as u32)
            .filter(|&stop| timetable.is_platform(stop))
            .filter_map(led)
            .collect()
    }

    /// Whoever serves a stop.
    pub(crate) fn escort_at(&self, stop: u32) -> Option<&Escort> {
        self.by_stop[stop as usize].map(|escort| &self.all[escort])
    }

    /// Whether one is helped over a way inside a station.
    pub(crate) fn passes(&self, pathway: &Pathway) -> bool {
        let [from, to] = [pathway.from, pathway.to].map(|stop| self.by_stop[stop as usize]);
        from.is_some_and(|escort| to == from && self.all[escort].passes.contains(&pathway.kind))
    }

    /// Whether one is helped into the vehicles of a route.
    fn boards(&self, route: u32) -> bool {
        self.by_route[route as usize].is_some_and(|escort| self.all[escort].boards)
    }

    /// A moment at which is asked, as one day's table counts it: to the quarter of an hour after it, so that who asks a minute later
    /// needs no other table; and any that is long before as one.
    pub(crate) fn counted(&self, asked: Moment, day: Day) -> Moment {
        const QUARTER_MS: i64 = 15 * 60_000;
        let counted = Moment((asked.0 + QUARTER_MS - 1).div_euclid(QUARTER_MS) * QUARTER_MS);
        let begins = Moment(day.plus(-1).begins_s(&self.zone) * 1000);
        let long_before = self.all.iter().all(|escort| escort.soonest(counted, &self.zone) <= begins);
        if long_before { Moment(0) } else { counted }
    }

    /// What is allowed on the days around one day to one who asks at `asked`.
    pub(crate) fn on(&self, day: Day, asked: Moment) -> Escorting<'_> {
        let of = |escort: &Escort| {
            let soonest = escort.soonest(asked, &self.zone);
            // Whatever leaves on one of the table's days and is under way for long.
            let days = (-1..=DAYS_AHEAD).map(|later| day.plus(later));
            let all = days.flat_map(|day| escort.hours(day, &self.zone));
            all.map(|[from, until]| [from.max(soonest), until])
                .filter(|[from, until]| from <= until)
                .collect()
        };
        Escorting { served: self, hours: self.all.iter().map(of).collect() }
    }

    /// The escort of a ride from one stop to another; `None` if none is needed. `slowness`: walking takes so many times the usual time.
    pub(crate) fn appointment(
        &self,
        timetable: &Timetable,
        trip: u32,
        [from, to]: [(u32, &Place, Moment); 2],
        meets: Option<Place>,
        slowness: f64,
    ) -> Option<Appointment> {
        let aboard = !timetable.takes_wheelchairs(trip);
        let [at_start, at_end] = [from.0, to.0].map(|stop| {
            let led = self.platforms.get(&stop).copied();
            led.or_else(|| {
                let escort = self.by_stop[stop as usize].filter(|_| aboard)?;
                Some(Led { escort, in_s: self.all[escort].meet_s, out_s: 0 })
            })
        });
        let led = at_start.or(at_end)?;
        let escort = &self.all[led.escort];
        let (meets, at) = match at_start {
            Some(led) => {
                let in_s = (f64::from(led.in_s) * slowness).ceil() as u64;
                (meets.unwrap_or_else(|| from.1.clone()), from.2 - Duration::from_secs(in_s))
            }
            // Alone to the train, and met where one gets off.
            None => (to.1.clone(), to.2),
        };
        Some(Appointment {
            name: escort.name.clone(),
            meets,
            point: escort.point.clone().filter(|_| at_start.is_some()),
            at,
            until: to.1.clone(),
            book_by: escort.book_by(at, &self.zone),
            phone: escort.phone.clone(),
            url: escort.url.clone(),
        })
    }

    /// Why nobody is escorted at a moment by one who asks at `asked`, in sentences.
    pub(crate) fn refusals(&self, at: Moment, asked: Moment) -> Vec<String> {
        let clock = |moment: Moment| {
            let at = jiff::Timestamp::from_millisecond(moment.0).unwrap_or_default();
            at.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
        };
        let day = day_of(at, &self.zone);
        let why = |escort: &Escort| {
            let name = escort.name.english();
            let soonest = escort.soonest(self.counted(asked, day), &self.zone);
            let hours: Vec<_> = escort.hours(day, &self.zone).collect();
            if hours.is_empty() {
                Some(format!("escort: nobody of {name} works on {day}"))
            } else if soonest > at {
                Some(format!(
                    "escort: {name} is asked for some time before; who asks now is met from {} on",
                    clock(soonest)
                ))
            } else if !hours.iter().any(|[from, until]| (*from..=*until).contains(&at)) {
                let said: Vec<_> = hours.iter().map(|hours| hours.map(clock).join(" to ")).collect();
                Some(format!("escort: {name} works from {}", said.join(", ")))
            } else {
                None
            }
        };
        self.all.iter().filter_map(why).collect()
    }
}

/// Trips are under way for so many days at most that anybody is escorted on.
const DAYS_AHEAD: i32 = 3;

/// When one is escorted, around one day.
#[derive(Debug)]
pub(crate) struct Escorting<'a> {
    served: &'a Served,
    /// By escort.
    hours: Vec<Vec<[Moment; 2]>>,
}

impl Escorting<'_> {
    /// Whether trips of a route are of use to one in a wheelchair who does not get into them alone.
    pub(crate) fn boards(&self, route: u32) -> bool {
        self.served.boards(route)
    }

    /// Whether one who gets to no platform alone may get to that one at times.
    pub(crate) fn admits(&self, stop: u32) -> bool {
        self.served.platforms.contains_key(&stop)
    }

    /// Whether one may get on, and off, where a vehicle comes and goes at those moments; `alone` is whether one gets into it without help.
    pub(crate) fn may(&self, stop: u32, alone: bool, [arrival, departure]: [Moment; 2]) -> [bool; 2] {
        let led = match self.served.platforms.get(&stop) {
            Some(led) => *led,
            None if alone => return [true; 2],
            None => match self.served.by_stop[stop as usize] {
                Some(escort) => Led { escort, in_s: self.served.all[escort].meet_s, out_s: 0 },
                None => return [false; 2],
            },
        };
        let seconds = |s: u32| Duration::from_secs(u64::from(s));
        let within = |from: Moment, until: Moment| {
            self.hours[led.escort].iter().any(|hours| hours[0] <= from && until <= hours[1])
        };
        [within(departure - seconds(led.in_s), departure), within(arrival, arrival + seconds(led.out_s))]
    }
}
