//! The search against the plainest that finds the same: for each number of rides look at every trip there is.

use crate::{
    gtfs::{
        self,
        archive::Archive,
        calendar::{Day, Service},
        records::{Agency, Call, Feed, Mode, Route, Stop, StopKind, Trip, Wheelchair},
        report::Report,
    },
    transit::{
        bounds::Bounds,
        changes::Changes,
        day::{DayTable, Modes, NEVER, Traveller},
        next::{Next, next},
        search::{Between, Request, Search, Timed, Walk},
        timetable::Timetable,
        walks::Footpaths,
    },
};
use model::geo::LonLat;
use proptest::prelude::*;
use std::{collections::BTreeMap, path::PathBuf};

/// Times of all trips of three days: stop, arrival, departure, whether one may get on or off.
pub(super) type Hops = Vec<Vec<Hop>>;
pub(super) type Hop = (u32, i64, i64, bool, bool);

/// What was asked, without any of the search's own structures.
struct Plain<'a> {
    trips: Hops,
    ways: &'a [(u32, u32, u32)],
    change: &'a [u32],
    access: BTreeMap<u32, u32>,
    egress: BTreeMap<u32, u32>,
    /// More ways to stops and from them, which can be made between two times.
    timed: [Vec<Timed>; 2],
    longest: i64,
}

/// Departure, arrival, rides.
type Front = Vec<(i64, i64, usize)>;

impl Plain<'_> {
    /// Least arrivals at the goal by number of rides for one who sets out at `start`; each less than the one before.
    fn arrivals(&self, start: i64, rides: usize) -> Vec<(i64, usize)> {
        self.arrivals_within(start, rides, self.longest)
    }

    /// The same where only what takes less than `longest` is of interest.
    fn arrivals_within(&self, start: i64, rides: usize, longest: i64) -> Vec<(i64, usize)> {
        let mut ready: BTreeMap<u32, i64> =
            self.access.iter().map(|(&stop, &s)| (stop, start + i64::from(s))).collect();
        for Timed { stop, takes, window } in &self.timed[0] {
            let there = (start + i64::from(*takes)).max(i64::from(window[0]));
            if there <= i64::from(window[1]) {
                let known = ready.entry(*stop).or_insert(there);
                *known = (*known).min(there);
            }
        }
        let (mut best, mut front) = (start.saturating_add(longest), Vec::new());
        for k in 1..=rides {
            let mut arrived = BTreeMap::<u32, i64>::new();
            for trip in &self.trips {
                let mut on_board = false;
                for &(stop, arrival, departure, boards, alights) in trip {
                    if on_board && alights {
                        let known = arrived.entry(stop).or_insert(i64::MAX);
                        *known = (*known).min(arrival);
                    }
                    on_board |= boards && ready.get(&stop).is_some_and(|&ready| ready <= departure);
                }
            }
            let walked =
                arrived.iter().filter_map(|(stop, at)| Some(at + i64::from(*self.egress.get(stop)?)));
            let timed = self.timed[1].iter().filter_map(|Timed { stop, takes, window }| {
                let leaves = (*arrived.get(stop)?).max(i64::from(window[0]));
                (leaves <= i64::from(window[1])).then_some(leaves + i64::from(*takes))
            });
            let there = walked.chain(timed).min();
            if let Some(there) = there.filter(|&there| there < best) {
                best = there;
                front.push((there, k));
            }
            ready.clear();
            let mut offer = |stop: u32, at: i64| {
                let known = ready.entry(stop).or_insert(i64::MAX);
                *known = (*known).min(at);
            };
            for (&stop, &at) in &arrived {
                if self.change[stop as usize] != NEVER {
                    offer(stop, at + i64::from(self.change[stop as usize]));
                }
            }
            for &(from, to, s) in self.ways {
                if let Some(&at) = arrived.get(&from) {
                    offer(to, at + i64::from(s));
                }
            }
        }
        front
    }

    /// The Pareto front of all departures from `start` on, as far as they lie within `window`.
    fn range(&self, start: i64, window: i64, rides: usize) -> Front {
        let mut times: Vec<i64> = Vec::new();
        for &(stop, _, departure, ..) in self.trips.iter().flatten() {
            times.extend(self.access.get(&stop).map(|&s| departure - i64::from(s)));
            for timed in self.timed[0].iter().filter(|timed| timed.stop == stop) {
                let [from, until] = timed.window.map(i64::from);
                times.extend((departure >= from).then(|| departure.min(until) - i64::from(timed.takes)));
            }
        }
        times.retain(|time| (start..=start + window).contains(time));
        times.sort_unstable();
        times.dedup();
        let after = start + window + 1;
        times.push(after);
        let from = |t: i64| self.arrivals(t, rides).into_iter().map(move |(at, k)| (t, at, k));
        let all: Front = times.into_iter().flat_map(from).collect();
        let beats =
            |a: &(i64, i64, usize), b: &(i64, i64, usize)| a != b && a.0 >= b.0 && a.1 <= b.1 && a.2 <= b.2;
        let best = all.iter().filter(|one| !all.iter().any(|other| beats(other, one)));
        best.filter(|one| one.0 < after).copied().collect()
    }
}

/// Every run of the three days around `day`, as the table counts; `may` says what of a trip's call may be done.
pub(super) fn hops(timetable: &Timetable, day: Day, may: impl Fn(u32, Hop) -> Hop) -> Hops {
    let mut trips = Vec::new();
    let zone = timetable.zone();
    for d in [-1, 0, 1] {
        let begin = day.plus(d).begins_s(&zone) - day.plus(-1).begins_s(&zone);
        for (i, trip) in timetable.trips.iter().enumerate() {
            if timetable.services[trip.service as usize].runs_on(day.plus(d)) {
                let call = |c: Call| {
                    let (arrival, departure) =
                        (begin + i64::from(c.arrival_s), begin + i64::from(c.departure_s));
                    may(i as u32, (c.stop, arrival, departure, c.boards, c.alights))
                };
                trips.push(timetable.calls_of(i as u32).iter().map(call).collect());
            }
        }
    }
    trips
}

/// Time runs backwards: `t` becomes `zero - t`.
fn turned(trips: &Hops, zero: i64) -> Hops {
    let call = |&(stop, arrival, departure, boards, alights): &(u32, i64, i64, bool, bool)| {
        (stop, zero - departure, zero - arrival, alights, boards)
    };
    trips.iter().map(|trip| trip.iter().rev().map(call).collect()).collect()
}

pub(super) struct Asked<'a> {
    pub(super) timetable: &'a Timetable,
    pub(super) ways: &'a [(u32, u32, u32)],
    pub(super) change: &'a [u32],
    pub(super) access: &'a [Walk],
    pub(super) egress: &'a [Walk],
    pub(super) timed: [&'a [Timed]; 2],
    pub(super) rides: usize,
    pub(super) longest: u32,
}

/// One departure and a window, forwards and backwards, against the oracle.
pub(super) fn check(
    asked: &Asked<'_>,
    tables: [&DayTable; 2],
    trips: &Hops,
    search: &mut Search,
    start: u32,
    window: Option<u32>,
) -> Result<(), TestCaseError> {
    let footpaths = Footpaths::new(asked.ways.iter().copied(), asked.change.to_vec());
    let back: Vec<_> = asked.ways.iter().map(|&(from, to, s)| (to, from, s)).collect();
    let longest = if asked.longest == NEVER { i64::MAX / 2 } else { i64::from(asked.longest) };
    let forwards = Plain {
        trips: trips.clone(),
        ways: asked.ways,
        change: asked.change,
        access: asked.access.iter().copied().collect(),
        egress: asked.egress.iter().copied().collect(),
        timed: asked.timed.map(<[Timed]>::to_vec),
        longest,
    };
    let turn = |timed: &[Timed]| {
        let turned = timed.iter().map(|one| one.turned(tables[0]).expect("a window in the table"));
        turned.collect::<Vec<Timed>>()
    };
    let turned_ways = [turn(asked.timed[1]), turn(asked.timed[0])];
    let zero = i64::from(tables[1].time_of(tables[0].moment(1)).expect("a time in the table")) + 1;
    let backwards = Plain {
        trips: turned(trips, zero),
        ways: &back,
        access: forwards.egress.clone(),
        egress: forwards.access.clone(),
        timed: turned_ways.clone(),
        ..forwards
    };
    let turned_paths = footpaths.turned();
    let cases = [
        (
            tables[0],
            asked.access,
            asked.egress,
            Plain {
                trips: trips.clone(),
                ways: asked.ways,
                access: backwards.egress.clone(),
                egress: backwards.access.clone(),
                timed: asked.timed.map(<[Timed]>::to_vec),
                ..backwards
            },
            start,
        ),
        (tables[1], asked.egress, asked.access, backwards, (zero as u32).saturating_sub(start)),
    ];
    let bounds = Bounds::by_zones_of(2, asked.timetable, std::slice::from_ref(&footpaths));
    let changes = [Changes::new(tables[0], &footpaths), Changes::new(tables[1], &turned_paths)];
    let rest = [false, true].map(|backwards| {
        let mut rest = Vec::new();
        let (egress, timed) = match backwards {
            true => (asked.access, asked.timed[0]),
            false => (asked.egress, asked.timed[1]),
        };
        let ends: Vec<Walk> =
            egress.iter().copied().chain(timed.iter().map(|timed| (timed.stop, timed.takes))).collect();
        bounds.rest(&ends, backwards, tables[0].gain_s(), &mut rest);
        rest
    });
    let timed = [asked.timed, [&turned_ways[0], &turned_ways[1]]];
    for (i, (day, access, egress, plain, start)) in cases.into_iter().enumerate() {
        let request = Request {
            day,
            between: Between::Useful(&changes[i]),
            access,
            egress,
            timed: timed[i],
            start,
            rides: asked.rides,
            modes: Modes::ALL,
            longest: asked.longest,
            slowness: 1.0,
            rest: &rest[i],
            met: None,
        };
        let turned = Request {
            day: tables[1 - i],
            between: Between::Useful(&changes[1 - i]),
            access: egress,
            egress: access,
            timed: timed[1 - i],
            rest: &rest[1 - i],
            ..request
        };
        if window.is_some() {
            check_next(&plain, request, turned, search)?;
        }
        let one = search.one(&request);
        let found: Vec<_> = one.iter().map(|f| (i64::from(f.arrival), f.rides.len())).collect();
        prop_assert_eq!(found, plain.arrivals(i64::from(start), asked.rides), "from {}", start);
        let range = window.map_or(Vec::new(), |window| search.range(&request, window));
        if let Some(window) = window {
            let mut found: Front =
                range.iter().map(|f| (i64::from(f.departure), i64::from(f.arrival), f.rides.len())).collect();
            let mut expected = plain.range(i64::from(start), i64::from(window), asked.rides);
            found.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(found, expected, "window of {} from {}", window, start);
        }
        for found in one.iter().chain(&range) {
            let connection = day.connection(asked.timetable, found);
            prop_assert!(connection.start < connection.end);
            for (ride, next) in connection.rides.iter().zip(&connection.rides[1..]) {
                prop_assert!(ride.departure <= ride.arrival && ride.arrival <= next.departure);
            }
        }
    }
    Ok(())
}

/// What comes next is what all best arrivals allow to wait for, and no longer.
fn check_next(
    plain: &Plain<'_>,
    request: Request<'_>,
    turned: Request<'_>,
    search: &mut Search,
) -> Result<(), TestCaseError> {
    let best = |start: u32| plain.arrivals_within(i64::from(start), request.rides, i64::MAX / 2);
    let soonest = best(request.start);
    // Beyond the table's last second there is nothing to search back from.
    if soonest
        .iter()
        .any(|&(at, _)| u32::try_from(at).ok().and_then(|at| request.day.turned_time(at)).is_none())
    {
        return Ok(());
    }
    match next(search, &mut Search::default(), request, turned, NEVER) {
        Next::None => prop_assert!(soonest.is_empty(), "nothing comes, and yet {:?}", soonest),
        Next::SlowerThanWalking => prop_assert!(request.longest != NEVER && !soonest.is_empty()),
        Next::Found(all) => {
            let mut told = Vec::new();
            for found in &all {
                let [departure, arrival] =
                    [found.arrival, found.departure].map(|t| request.day.turned_time(t).unwrap());
                prop_assert!(arrival - departure < request.longest);
                let one = (i64::from(arrival), found.rides.len());
                prop_assert!(soonest.contains(&one), "{:?} of {:?}", found, soonest);
                prop_assert_eq!(&best(departure), &soonest, "who leaves at {} misses something", departure);
                told.push((departure, one));
            }
            let departure = told[0].0;
            let later = best(departure + 1);
            let waits = |one: &(i64, usize)| later.iter().any(|l| l.0 <= one.0 && l.1 <= one.1);
            prop_assert!(told.iter().all(|one| one.0 == departure && !waits(&one.1)), "{:?}", later);
            if departure == request.start {
                let all: Vec<_> = soonest.iter().copied().filter(|one| !waits(one)).collect();
                prop_assert_eq!(told.into_iter().map(|one| one.1).collect::<Vec<_>>(), all);
            } else {
                prop_assert_eq!(told.len(), 1);
            }
        }
    }
    Ok(())
}

/// A timetable that nobody would draw: few stops, trips in all directions and some by night, vehicles that
/// overtake, stops called at twice, and some where one may not get on or off.
#[derive(Clone, Debug)]
pub(super) struct Wild {
    /// Calls, and the days on which they are made as three bits.
    pub(super) trips: Vec<(Vec<WildCall>, u8)>,
    pub(super) ways: Vec<(u32, u32, u32)>,
    pub(super) change: Vec<u32>,
    pub(super) access: Vec<Walk>,
    pub(super) egress: Vec<Walk>,
    /// By stop.
    pub(super) timed: [Vec<Timed>; 2],
    pub(super) start: u32,
    pub(super) window: u32,
    pub(super) rides: usize,
    pub(super) longest: Option<u32>,
}

/// Stop, arrival, departure, and whether one may get on and off.
pub(super) type WildCall = (u32, u32, u32, u8);

const STOPS: u32 = 7;

/// What runs: trips with so many calls by the one mode, with one more by the next.
pub(super) const MODES: [Mode; 3] = [Mode::Bus, Mode::Tram, Mode::Subway];

pub(super) fn wild() -> impl Strategy<Value = Wild> {
    let call = (0..STOPS, 0..400_u32, 0..60_u32, 0..12_u8);
    // Few different trips, some of them repeated later, make patterns with several trips.
    let trip =
        (prop::collection::vec(call, 2..6), 0..1_200_u32, prop::collection::vec(0..600_u32, 1..4), 0..8_u8);
    let one = (0..STOPS, 0..300_u32, 0..2_000_u32, 0..1_500_u32).prop_map(|(stop, takes, from, long)| {
        let from = 86_400 + from;
        Timed { stop, takes, window: [from, from + long] }
    });
    let timed = move || {
        prop::collection::vec(one.clone(), 0..4).prop_map(|mut all| {
            all.sort_by_key(|one| one.stop);
            all
        })
    };
    let walk = || prop::collection::btree_map(0..STOPS, 0..300_u32, 1..4);
    (
        prop::collection::vec(trip, 1..12),
        prop::collection::btree_map((0..STOPS, 0..STOPS), 0..300_u32, 0..10),
        prop::collection::vec(prop_oneof![0..120_u32, Just(NEVER)], STOPS as usize),
        ((walk(), walk()), (timed(), timed())),
        (0..1_500_u32, 0..1_500_u32),
        (1..5_usize, prop::option::of(0..2_000_u32)),
    )
        .prop_map(
            |(
                drawn,
                ways,
                change,
                ((access, egress), (before, after)),
                (start, window),
                (rides, longest),
            )| {
                let mut trips = Vec::new();
                for (calls, begin, again, days) in drawn {
                    // Half of them run around midnight.
                    let mut at = if days % 2 == 0 { 86_400 } else { 0 } + begin;
                    for later in again {
                        at += later;
                        let mut time = at;
                        let timed = calls.iter().map(|&(stop, run, stay, rules)| {
                            let arrival = time + run;
                            time = arrival + stay;
                            (stop, arrival, time, rules)
                        });
                        trips.push((timed.collect(), days));
                    }
                }
                let ways =
                    ways.into_iter().map(|((from, to), s)| (from, to, s)).filter(|w| w.0 != w.1).collect();
                let (access, egress) = (access.into_iter().collect(), egress.into_iter().collect());
                let timed = [before, after];
                Wild { trips, ways, change, access, egress, timed, start, window, rides, longest }
            },
        )
}

fn agency() -> Agency {
    Agency { id: String::new(), name: String::new(), url: String::new(), zone: "Etc/UTC".to_string() }
}

pub(super) fn of_wild(wild: &Wild, day: Day) -> Timetable {
    let stop = |i: u32| Stop {
        id: i.to_string(),
        code: None,
        name: i.to_string(),
        at: LonLat { lon: 0.0, lat: 0.0 },
        kind: StopKind::Platform,
        parent: None,
        platform: None,
        level: 0.0,
        zone: Some(if i.is_multiple_of(3) { "B" } else { "A" }.to_string()),
        wheelchair: Wheelchair::Unknown,
    };
    let route = |mode: Mode| Route {
        id: mode.name().to_string(),
        agency: 0,
        short_name: String::new(),
        long_name: String::new(),
        mode,
        route_type: 3,
        colour: None,
        text_colour: None,
    };
    let routes = MODES.map(route).to_vec();
    let mut feed = Feed { tag: "w".to_string(), agencies: vec![agency()], routes, ..Feed::default() };
    feed.stops = (0..STOPS).map(stop).collect();
    for (i, (calls, days)) in wild.trips.iter().enumerate() {
        let mut service = Service::default();
        for (bit, d) in [-1, 0, 1].into_iter().enumerate() {
            service.set(day.plus(d), days & (1 << bit) != 0);
        }
        feed.services.push(service);
        let first = feed.calls.len() as u32;
        feed.calls.extend(calls.iter().map(|&(stop, arrival_s, departure_s, rules)| Call {
            stop,
            arrival_s,
            departure_s,
            sequence: 0,
            boards: rules != 0,
            alights: rules != 1,
            headsign: None,
        }));
        feed.trips.push(Trip {
            id: i.to_string(),
            // What is drawn again later is the same trip again, for most of them.
            route: (calls.len() % MODES.len()) as u32,
            service: i as u32,
            headsign: String::new(),
            shape: None,
            wheelchair: Wheelchair::Unknown,
            takes_bicycles: false,
            calls: first..feed.calls.len() as u32,
            starts_s: 0,
        });
    }
    Timetable::join(vec![feed])
}

/// The question of a drawn case.
pub(super) fn question<'a>(wild: &'a Wild, timetable: &'a Timetable) -> Asked<'a> {
    Asked {
        timetable,
        ways: &wild.ways,
        change: &wild.change,
        access: &wild.access,
        egress: &wild.egress,
        timed: [&wild.timed[0], &wild.timed[1]],
        rides: wild.rides,
        longest: wild.longest.unwrap_or(NEVER),
    }
}

fn agrees(wild: &Wild) -> Result<(), TestCaseError> {
    let day = Day(20_000);
    let timetable = of_wild(wild, day);
    let forwards =
        DayTable::build(&timetable, &timetable.patterns(), day, Traveller::OnFoot, &Default::default());
    let backwards = forwards.turned();
    let asked = question(wild, &timetable);
    let trips = hops(&timetable, day, |_, hop| hop);
    let start = 86_400 + wild.start;
    check(&asked, [&forwards, &backwards], &trips, &mut Search::default(), start, Some(wild.window))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_front_is_the_oracles(wild in wild()) {
        agrees(&wild)?;
    }
}

/// A circular line that is at a stop twice in one minute: whoever changes there may be told to come from either visit, but not from
/// the other one each time.
#[test]
fn a_stop_called_at_twice_at_once_is_still_changed_at() {
    let calls =
        |all: &[(u32, u32)]| all.iter().map(|&(stop, at)| (stop, at, at, 2)).collect::<Vec<WildCall>>();
    let wild = Wild {
        trips: vec![
            (calls(&[(0, 100), (1, 200), (1, 200), (3, 900)]), 0b111),
            (calls(&[(1, 260), (2, 300)]), 0b111),
        ],
        ways: Vec::new(),
        change: vec![60; STOPS as usize],
        access: vec![(0, 0)],
        egress: vec![(2, 0)],
        timed: Default::default(),
        start: 0,
        window: 600,
        rides: 3,
        longest: None,
    };
    agrees(&wild).unwrap();
}

/// Real feeds: every front of many questions between stops of Porto, with ways in straight lines.
#[test]
fn porto_is_the_oracles() {
    let shared = std::env::var_os("SVETOFOR_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let folder = shared.join("data/routing/porto");
    if !folder.exists() {
        let mut err = std::io::stderr();
        let _ = std::io::Write::write_fmt(
            &mut err,
            format_args!(
                "NOT TESTED: no timetables at {}; set SVETOFOR_SHARED to the folder that has data/\n",
                folder.display()
            ),
        );
        return;
    }
    let mut report = Report::default();
    let feeds = ["stcp", "metro"].map(|tag| {
        let archive = Archive::open(&folder.join(format!("gtfs_{tag}_calendar_extended.zip"))).unwrap();
        gtfs::read(archive, tag, &mut report).unwrap()
    });
    let timetable = Timetable::join(feeds.into());
    let day = Day::parse("20240612").unwrap();
    assert_eq!((timetable.stops.len(), timetable.trips_on(day)), (2589, 6904), "{report}");
    let forwards =
        DayTable::build(&timetable, &timetable.patterns(), day, Traveller::OnFoot, &Default::default());
    let backwards = forwards.turned();
    let trips = hops(&timetable, day, |_, hop| hop);
    let stops = &timetable.stops;
    let near = |a: u32| {
        let apart = move |b: u32| stops[a as usize].at.distance_m(stops[b as usize].at);
        (0..stops.len() as u32).map(move |b| (b, apart(b))).filter(|(_, m)| *m < 500.0)
    };
    let seconds = |m: f64| (m / 1.2) as u32;
    let all = 0..timetable.stops.len() as u32;
    let ways: Vec<_> = all
        .flat_map(|a| near(a).filter(move |(b, _)| *b != a).map(move |(b, m)| (a, b, 60 + seconds(m))))
        .collect();
    let change = vec![60; timetable.stops.len()];
    let mut search = Search::default();
    // A fixed sequence: Knuth's multiplicative hashing.
    let mut state = 1_u32;
    let mut draw = |below: u32| {
        state = state.wrapping_mul(2_654_435_761).wrapping_add(12_345);
        ((u64::from(state) * u64::from(below)) >> 32) as u32
    };
    for question in 0..40 {
        let walks = |stop: u32| near(stop).map(|(b, m)| (b, seconds(m))).collect::<Vec<_>>();
        let (from, to) = (draw(timetable.stops.len() as u32), draw(timetable.stops.len() as u32));
        let asked = Asked {
            timetable: &timetable,
            ways: &ways,
            change: &change,
            access: &walks(from),
            egress: &walks(to),
            timed: [&[], &[]],
            rides: 1 + question % 5,
            longest: NEVER,
        };
        let start = 86_400 + draw(86_400);
        let window = (question % 10 == 0).then_some(60);
        check(&asked, [&forwards, &backwards], &trips, &mut search, start, window).unwrap();
    }
}
