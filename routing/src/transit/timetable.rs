//! Feeds joined into one timetable.

use crate::columns;
use crate::gtfs::{
    calendar::{Day, Service},
    fares::FareTables,
    flex::{Booking, DayBefore, DemandTrip, Notice, OnDemand, Stay, Within, Zone},
    records::{
        Agency, Call, Feed, Frequency, HeadsignIx, Pathway, Route, Stop, StopKind, Transfer, Trip, Wheelchair,
    },
};
use jiff::tz::TimeZone;
use model::geo::LonLat;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// All feeds together. Ids are `<tag>_<id in the feed>`, as MOTIS has them; indices point into the vectors.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Timetable {
    /// The feeds' tags.
    pub feeds: Vec<String>,
    /// Who runs the vehicles.
    pub agencies: Vec<Agency>,
    /// Stops, stations, entrances.
    pub stops: Vec<Stop>,
    /// Lines.
    pub routes: Vec<Route>,
    /// Days of running.
    pub services: Vec<Service>,
    /// Runs of vehicles.
    pub trips: Vec<Trip>,
    /// Calls at stops in running order. Trips that call at the same stops after the same times share theirs: of a day's trips most do.
    #[serde(with = "columns")]
    calls: Vec<Call>,
    /// Headsigns that [`Call::headsign`] names.
    pub headsigns: Vec<String>,
    /// Lines on the map.
    pub shapes: Vec<Vec<LonLat>>,
    /// Trips that run every so often, by trip.
    pub frequencies: Vec<Frequency>,
    /// What the operators say of changing.
    pub transfers: Vec<Transfer>,
    /// Ways inside stations.
    pub pathways: Vec<Pathway>,
    /// English for names and headsigns that are in another language.
    pub english: BTreeMap<String, String>,
    /// What the feeds say of fares.
    pub fares: Vec<FeedFares>,
    /// Vehicles that come when they are asked for.
    pub on_demand: OnDemand,
}

/// What a feed says of fares.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct FeedFares {
    /// The feed's tag.
    pub tag: String,
    /// Its first stop among [`Timetable::stops`].
    pub first_stop: u32,
    /// Its first route among [`Timetable::routes`].
    pub first_route: u32,
    /// What it says.
    pub tables: FareTables,
}

/// Trips of one route that call at the same stops under the same rules.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pattern {
    /// The route.
    pub route: u32,
    /// Its trips.
    pub trips: Vec<u32>,
}

/// A trip's calls, in running order. Their times are seconds since the service day began.
#[derive(Clone, Copy, Debug)]
pub struct Calls<'a> {
    row: &'a [Call],
    starts_s: u32,
}

impl<'a> Calls<'a> {
    /// How many there are, at least two.
    #[expect(clippy::len_without_is_empty, reason = "a trip calls somewhere")]
    pub fn len(self) -> usize {
        self.row.len()
    }

    /// The call at a place, which must be one of the trip's.
    pub fn at(self, place: usize) -> Call {
        self.row[place].later_by(self.starts_s)
    }

    /// The call at a place, if the trip has so many.
    pub fn get(self, place: usize) -> Option<Call> {
        self.row.get(place).map(|call| call.later_by(self.starts_s))
    }

    /// Where the trip begins.
    pub fn first(self) -> Call {
        self.at(0)
    }

    /// Where it ends.
    pub fn last(self) -> Call {
        self.at(self.len() - 1)
    }

    /// All of them.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = Call> + ExactSizeIterator + use<'a> {
        self.row.iter().map(move |call| call.later_by(self.starts_s))
    }

    /// Some of them.
    pub fn part(self, part: std::ops::RangeInclusive<usize>) -> Calls<'a> {
        Calls { row: &self.row[part], ..self }
    }
}

impl Timetable {
    /// Joins feeds; their tags differ.
    pub fn join(feeds: Vec<Feed>) -> Timetable {
        let mut all = Timetable::default();
        for feed in feeds {
            all.append(feed);
        }
        all
    }

    fn append(&mut self, feed: Feed) {
        let shift = |len: usize| move |ix: u32| ix + len as u32;
        let agency = shift(self.agencies.len());
        let stop = shift(self.stops.len());
        let route = shift(self.routes.len());
        let service = shift(self.services.len());
        let trip = shift(self.trips.len());
        let headsigns = self.headsigns.len();
        let headsign = |headsign: HeadsignIx| HeadsignIx::new(headsigns + headsign.ix());
        let shape = shift(self.shapes.len());
        let tag = feed.tag;
        let name = |id: String| format!("{tag}_{id}");
        self.agencies.extend(feed.agencies);
        let renamed = |s: Stop| Stop { id: name(s.id), parent: s.parent.map(stop), ..s };
        self.stops.extend(feed.stops.into_iter().map(renamed));
        let renamed = |r: Route| Route { id: name(r.id), agency: agency(r.agency), ..r };
        self.routes.extend(feed.routes.into_iter().map(renamed));
        self.services.extend(feed.services);
        let moved = |c: &Call| Call { stop: stop(c.stop), headsign: c.headsign.map(headsign), ..*c };
        let (mut known, mut row) = (HashMap::<Vec<Call>, u32>::new(), Vec::new());
        for t in feed.trips {
            let calls = &feed.calls[t.calls.start as usize..t.calls.end as usize];
            let starts_s = calls.first().map_or(0, |first| first.arrival_s);
            row.clear();
            row.extend(calls.iter().map(moved).map(|call| call.later_by(0_u32.wrapping_sub(starts_s))));
            let first = match known.get(&row) {
                Some(&first) => first,
                None => {
                    let first = self.calls.len() as u32;
                    self.calls.extend_from_slice(&row);
                    known.insert(row.clone(), first);
                    first
                }
            };
            self.trips.push(Trip {
                id: name(t.id),
                route: route(t.route),
                service: service(t.service),
                shape: t.shape.map(shape),
                calls: first..first + row.len() as u32,
                starts_s: t.starts_s + starts_s,
                ..t
            });
        }
        self.calls.shrink_to_fit();
        self.headsigns.extend(feed.headsigns);
        self.shapes.extend(feed.shapes);
        self.frequencies.extend(feed.frequencies.into_iter().map(|f| Frequency { trip: trip(f.trip), ..f }));
        self.frequencies.sort_by_key(|f| (f.trip, f.from_s));
        let moved = |t: Transfer| Transfer { from: stop(t.from), to: stop(t.to), ..t };
        self.transfers.extend(feed.transfers.into_iter().map(moved));
        let moved = |p: Pathway| Pathway { from: stop(p.from), to: stop(p.to), ..p };
        self.pathways.extend(feed.pathways.into_iter().map(moved));
        for (local, english) in feed.english {
            self.english.entry(local).or_insert(english);
        }
        let OnDemand { zones, bookings, trips } = feed.on_demand;
        let all = &mut self.on_demand;
        let (zone, booking) = (shift(all.zones.len()), shift(all.bookings.len()));
        all.zones.extend(zones.into_iter().map(|z| {
            let within = match z.within {
                Within::Stops(stops) => Within::Stops(stops.into_iter().map(stop).collect()),
                areas => areas,
            };
            Zone { id: name(z.id), within, ..z }
        }));
        all.bookings.extend(bookings.into_iter().map(|b| Booking {
            id: name(b.id),
            notice: match b.notice {
                Notice::Days(last, first) => {
                    Notice::Days(DayBefore { service: last.service.map(service), ..last }, first)
                }
                other => other,
            },
            ..b
        }));
        all.trips.extend(trips.into_iter().map(|t| {
            DemandTrip {
                id: name(t.id),
                route: route(t.route),
                service: service(t.service),
                stays: t
                    .stays
                    .iter()
                    .map(|stay| Stay {
                        zone: zone(stay.zone),
                        picks_up: stay.picks_up.map(|rule| rule.map(booking)),
                        drops_off: stay.drops_off.map(|rule| rule.map(booking)),
                        ..*stay
                    })
                    .collect(),
                ..t
            }
        }));
        if let Some(tables) = feed.fares {
            let (first_stop, first_route) = (stop(0), route(0));
            self.fares.push(FeedFares { tag: tag.clone(), first_stop, first_route, tables });
        }
        self.feeds.push(tag);
    }

    /// A trip's calls.
    pub fn calls_of(&self, trip: u32) -> Calls<'_> {
        let Trip { calls, starts_s, .. } = &self.trips[trip as usize];
        Calls { row: &self.calls[calls.start as usize..calls.end as usize], starts_s: *starts_s }
    }

    /// How a trip is repeated; empty if it runs at its own times.
    pub fn frequencies_of(&self, trip: u32) -> &[Frequency] {
        let from = self.frequencies.partition_point(|f| f.trip < trip);
        let until = self.frequencies.partition_point(|f| f.trip <= trip);
        &self.frequencies[from..until]
    }

    /// Who runs a trip.
    pub fn agency_of(&self, trip: u32) -> &Agency {
        &self.agencies[self.routes[self.trips[trip as usize].route as usize].agency as usize]
    }

    /// What a trip's front says at a call.
    pub fn headsign_at(&self, trip: u32, call: usize) -> &str {
        let other = self.calls_of(trip).get(call).and_then(|call| call.headsign);
        other.map_or(&self.trips[trip as usize].headsign, |h| &self.headsigns[h.ix()])
    }

    /// English for a name or headsign, if the feeds have any.
    pub fn english(&self, local: &str) -> Option<&str> {
        self.english.get(local).map(String::as_str)
    }

    /// Whether vehicles stop there, as opposed to a station's other parts.
    pub fn is_platform(&self, stop: u32) -> bool {
        self.stops[stop as usize].kind == StopKind::Platform
    }

    /// The platforms that a stop's name stands for: itself, or those of a station.
    pub fn platforms_of(&self, stop: u32) -> Vec<u32> {
        if self.is_platform(stop) {
            return vec![stop];
        }
        let part = |s: &(usize, &Stop)| s.1.kind == StopKind::Platform && s.1.parent == Some(stop);
        self.stops.iter().enumerate().filter(part).map(|(i, _)| i as u32).collect()
    }

    /// Trips by pattern, in order of their first trip.
    pub fn patterns(&self) -> Vec<Pattern> {
        let mut known = HashMap::<(u32, Vec<(u32, bool, bool)>), usize>::new();
        let mut patterns = Vec::<Pattern>::new();
        for (trip, Trip { route, .. }) in self.trips.iter().enumerate() {
            let calls = self.calls_of(trip as u32).iter().map(|c| (c.stop, c.boards, c.alights)).collect();
            let pattern = *known.entry((*route, calls)).or_insert_with(|| {
                patterns.push(Pattern { route: *route, trips: Vec::new() });
                patterns.len() - 1
            });
            patterns[pattern].trips.push(trip as u32);
        }
        patterns
    }

    /// The time zone by which days are told apart: the first agency's. Every trip still keeps its own.
    pub fn zone(&self) -> TimeZone {
        self.agencies.first().map_or(TimeZone::UTC, zone)
    }

    /// First and last day on which anything runs.
    pub fn span(&self) -> Option<(Day, Day)> {
        let spans = self.trips.iter().filter_map(|trip| self.services[trip.service as usize].span());
        spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }

    /// How many trips run on a day, each repetition counted as one.
    pub fn trips_on(&self, day: Day) -> usize {
        self.trips.iter().filter(|trip| self.services[trip.service as usize].runs_on(day)).count()
    }

    /// Whether all vehicles of a trip can be boarded in a wheelchair. What is not known is not promised.
    pub fn takes_wheelchairs(&self, trip: u32) -> bool {
        self.trips[trip as usize].wheelchair == Wheelchair::Possible
    }

    /// Whether a stop may be used in a wheelchair, as far as is known: of most stops nothing is, and then the
    /// streets around decide.
    pub fn admits_wheelchairs(&self, stop: u32) -> bool {
        self.stops[stop as usize].wheelchair != Wheelchair::Impossible
    }
}

/// An agency's time zone. Its name was checked when the feed was read.
pub fn zone(agency: &Agency) -> TimeZone {
    TimeZone::get(&agency.zone).unwrap_or(TimeZone::UTC)
}
