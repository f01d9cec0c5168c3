//! What public transport costs on one thread: `bench_transit DATA PAIRS.csv DATE`, where DATA was made by
//! `routing prepare` and DATE is `20240612`. CPU time in ms, since other work on the machine changes wall time.
//!
//! Stop to stop is the search alone, between places whose ways on foot (up to 20 minutes) are known; door to door
//! is the whole answer with its lines on the map.

use anyhow::Context;
use model::{geo::LonLat, time::Moment};
use routing::{
    gtfs::calendar::Day,
    intermodal::TransitQuery,
    itinerary::Place,
    nearest::StreetIndex,
    planner::{Planner, STREET_WITHIN_M, When},
    prepare::{self, CITY_FILE, TIMETABLE_FILE},
    profile::Profile,
    transit::{
        day::{DayTable, Modes, NEVER, Traveller},
        search::{Request, Search, Walk},
        walks::{Looking, WalkScratch, Walks},
    },
};
use std::{fmt::Write as _, io::Write as _, path::Path, sync::Arc, time::Duration};

/// From stop to stop and door to stop one walks for so long at most, as the peers do.
const WALK: Duration = Duration::from_secs(1200);
/// Four changes, as the peers do.
const RIDES: usize = 5;
/// Departure of every question: eight o'clock.
const HOUR: i64 = 8;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let [_, data, pairs, date] = args.as_slice() else { anyhow::bail!("bench_transit DATA PAIRS.csv DATE") };
    let day = Day::parse(date).context("the date is no date")?;
    let pairs = read_pairs(Path::new(pairs))?;
    let city = Arc::new(prepare::load_city(&Path::new(data).join(CITY_FILE))?);
    let prepared = prepare::load_timetable(&Path::new(data).join(TIMETABLE_FILE), &city)?;
    let start = Moment((day.begins_s(&prepared.timetable.zone()) + HOUR * 3600) * 1000);
    let mut text = format!(
        "{} stops, {} trips on {day}\n",
        prepared.timetable.stops.len(),
        prepared.timetable.trips_on(day)
    );
    let forwards = DayTable::build(
        &prepared.timetable,
        &prepared.timetable.patterns(),
        day,
        Traveller::OnFoot,
        &Default::default(),
    );
    let index = StreetIndex::build(&city);
    let timetable = prepared.timetable.clone();
    let footpaths = prepared.footpaths[0].useful_on(&forwards);
    let _ = writeln!(
        text,
        "{} ways between stops, of use on that day {}",
        prepared.footpaths[0].len(),
        footpaths.len()
    );
    let planner = Planner::new(city.clone()).with_timetable(prepared);
    let street = planner.graph(Profile::Walk);
    let walks = Walks::new(&city, &index, street, &timetable);

    let (mut search, mut scratch) = (Search::default(), WalkScratch::default());
    let (mut ways, mut one, mut range) = (Vec::new(), Vec::new(), Vec::new());
    for [from, to] in &pairs {
        let feet =
            |at| index.access(&city, street, at, STREET_WITHIN_M, |_| true).map(|access| access.nearest);
        let ((access, egress), took) = timed(|| {
            let mut reach = |at, looking| {
                let ms = WALK.as_millis() as u32;
                let found = feet(at).map(|feet| walks.reach(&feet, looking, ms, &mut scratch));
                let walk = |(stop, ms): Walk| (stop, ms.div_ceil(1000));
                found.unwrap_or_default().into_iter().map(walk).collect::<Vec<_>>()
            };
            (reach(*from, Looking::Away), reach(*to, Looking::Towards))
        });
        ways.push(took);
        let request = Request {
            day: &forwards,
            footpaths: &footpaths,
            access: &access,
            egress: &egress,
            start: forwards.time_of(start).context("the hour is not in the day")?,
            rides: RIDES,
            modes: Modes::ALL,
            longest: NEVER,
            slowness: 1.0,
        };
        one.push(timed(|| search.one(&request)).1);
        range.push(timed(|| search.range(&request, 3600)).1);
    }
    show(&mut text, "ways on foot, both ends", ways);
    show(&mut text, "one departure, stop to stop", one);
    show(&mut text, "one hour, stop to stop", range);

    let question = |[from, to]: &[LonLat; 2], window: Duration, at_least: usize| {
        let place = |at: LonLat| Place { name: String::new(), stop: None, at };
        TransitQuery {
            from: place(*from),
            to: place(*to),
            on_foot: Profile::Walk,
            when: When::DepartAt(start),
            window,
            at_least,
            transfers: RIDES - 1,
            modes: Modes::ALL,
            walk_before: WALK,
            walk_after: WALK,
            street_within_m: STREET_WITHIN_M,
            speed_mps: None,
        }
    };
    for (name, window, at_least) in [
        ("next journey, door to door", Duration::ZERO, 1),
        ("a quarter of an hour, door to door", Duration::from_secs(900), 0),
        ("five journeys, door to door", Duration::from_secs(900), 5),
    ] {
        planner.by_transit(&question(&pairs[0], window, at_least)).ok();
        let mut none = 0;
        let journeys = pairs.iter().map(|pair| {
            let (found, took) = timed(|| planner.by_transit(&question(pair, window, at_least)));
            none += usize::from(found.is_ok_and(|found| found.is_empty()));
            took
        });
        let journeys = journeys.collect();
        show(&mut text, name, journeys);
        let _ = writeln!(text, "  without a journey: {none} of {}", pairs.len());
    }
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}

fn read_pairs(file: &Path) -> anyhow::Result<Vec<[LonLat; 2]>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("could not read {}", file.display()))?;
    let pair = |line: &str| {
        let numbers: Result<Vec<f64>, _> = line.split(',').map(str::parse).collect();
        match numbers?[..] {
            [a, b, c, d] => Ok([LonLat { lon: a, lat: b }, LonLat { lon: c, lat: d }]),
            _ => anyhow::bail!("{line:?} is not from_lon,from_lat,to_lon,to_lat"),
        }
    };
    text.lines().skip(1).map(pair).collect()
}

/// CPU time of this thread.
fn cpu() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let before = cpu();
    let done = work();
    (done, cpu() - before)
}

fn show(text: &mut String, name: &str, mut took: Vec<Duration>) {
    took.sort();
    let ms = |d: Duration| d.as_secs_f64() * 1000.0;
    let at = |share: usize| ms(took[(took.len() - 1) * share / 100]);
    let mean = took.iter().copied().map(ms).sum::<f64>() / took.len() as f64;
    let _ = writeln!(text, "{name}: mean {mean:.3}, p50 {:.3}, p99 {:.3} ms", at(50), at(99));
}
