//! Public transport: the search alone, journeys from door to door, and whole answers as the API gives them.

use crate::gauge::{self, Goal, Goals, Table};
use anyhow::Context;
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request as HttpRequest, StatusCode},
};
use model::{geo::LonLat, time::Moment};
use routing::{
    feeder::Feeder,
    gtfs::{calendar::Day, flex::Within},
    intermodal::TransitQuery,
    itinerary::Place,
    planner::{Planner, STREET_WITHIN_M, When},
    profile::Profile,
    service::{Limits, Routing},
    transit::{
        day::{Modes, NEVER},
        search::{Between, Request, Search, Walk},
        walks::{Looking, WalkScratch},
    },
};
use std::time::Duration;
use tower::ServiceExt as _;
use wire::clock::Clock;

/// From stop to stop and door to stop one walks for so long at most, as the peers do.
const WALK: Duration = Duration::from_secs(1200);
/// Four changes, as the peers do.
const RIDES: usize = 5;
/// Departure of every question: eight o'clock.
const HOUR: i64 = 8;

pub(crate) fn at_eight(planner: &Planner, day: Day) -> anyhow::Result<Moment> {
    let transit = planner.transit().context("the data has a timetable")?;
    Ok(Moment((day.begins_s(&transit.timetable().zone()) + HOUR * 3600) * 1000))
}

pub(crate) fn measure(
    planner: &Planner,
    pairs: &[[LonLat; 2]],
    day: Day,
    goals: &Goals,
    table: &mut Table,
) -> anyhow::Result<()> {
    let transit = planner.transit().context("the data has a timetable")?;
    let start = at_eight(planner, day)?;
    let (ready, made) = gauge::thread(|| transit.ready(day, Profile::Walk));
    table.say(&format!(
        "{} trips on {day}; the day is made ready in {:.2} s, with {} changes worth making",
        transit.timetable().trips_on(day),
        made.as_secs_f64(),
        ready.changes().len()
    ));
    let (day_table, changes, walks) = (ready.day(), ready.changes(), transit.walks(Profile::Walk));
    let (mut search, mut scratch) = (Search::default(), WalkScratch::default());
    let (mut ways, mut one, mut range) = (Vec::new(), Vec::new(), Vec::new());
    let mut rest = Vec::new();
    for [from, to] in pairs {
        let ((access, egress), took) = gauge::thread(|| {
            let mut reach = |at, looking| {
                let ms = WALK.as_millis() as u32;
                let feet = planner.access(Profile::Walk, at, STREET_WITHIN_M);
                let found = feet.map(|feet| walks.reach(&feet.nearest, looking, ms, &mut scratch));
                let walk = |(stop, ms): Walk| (stop, ms.div_ceil(1000));
                found.unwrap_or_default().into_iter().map(walk).collect::<Vec<_>>()
            };
            (reach(*from, Looking::Away), reach(*to, Looking::Towards))
        });
        ways.push(took);
        let bounded = gauge::thread(|| transit.bounds().rest(&egress, false, 0, &mut rest)).1;
        let request = Request {
            day: day_table,
            between: Between::Useful(changes),
            access: &access,
            egress: &egress,
            timed: [&[], &[]],
            start: day_table.time_of(start).context("the hour is not in the day")?,
            rides: RIDES,
            modes: Modes::ALL,
            longest: NEVER,
            slowness: 1.0,
            rest: &rest,
            met: None,
        };
        one.push(bounded + gauge::thread(|| search.one(&request)).1);
        range.push(bounded + gauge::thread(|| search.range(&request, 3600)).1);
    }
    table.times("ways on foot at both ends", ways, Goal::None);
    table.times("transit with walking, one departure", one, goals.departure);
    table.times("transit with walking, one hour", range, goals.hour);

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
            escorted: false,
            with_bicycle: false,
            before: vec![Feeder::OnFoot],
            after: vec![Feeder::OnFoot],
            walk_before: WALK,
            walk_after: WALK,
            street_within_m: STREET_WITHIN_M,
            speed_mps: None,
            cycling_mps: None,
            avoid_crowds: false,
            cheaper: None,
            asked: start,
        }
    };
    for (name, window, at_least, goal) in [
        ("next journey, door to door", Duration::ZERO, 1, goals.journey),
        ("a quarter of an hour, door to door", Duration::from_secs(900), 0, Goal::None),
    ] {
        let mut none = 0;
        let journeys = pairs.iter().map(|pair| {
            let (found, took) = gauge::thread(|| planner.by_transit(&question(pair, window, at_least)));
            none += usize::from(found.is_ok_and(|found| found.is_empty()));
            took
        });
        let journeys = journeys.collect();
        table.times(name, journeys, goal);
        table.say(&format!("  without a journey: {none} of {}", pairs.len()));
    }
    Ok(())
}

/// Answers of `/api/v1/plan` as bytes of JSON, everything from reading the question on.
pub(crate) fn whole_answers(
    planner: Planner,
    [car, near]: [&[[LonLat; 2]]; 2],
    day: Day,
    goals: &Goals,
    table: &mut Table,
) -> anyhow::Result<()> {
    let has_parks = planner.map().car_parks.iter().any(|park| park.park_and_ride);
    let (near_by, joined) =
        (|name, asked, leg, goal| Question { name, pairs: near, asked, leg, goal }, goals.joined);
    let cars = "directModes=CAR&transitModes=".to_string();
    let mut questions = vec![
        Question { name: "car answer as JSON", pairs: car, asked: cars, leg: "CAR", goal: goals.car_answer },
        near_by("journey answer as JSON", ONE.to_string(), "WALK", Goal::None),
        near_by("bicycle + transit as JSON", to_stops_by("WALK,BIKE"), "BIKE", joined),
        near_by(
            "journey in a wheelchair as JSON",
            format!("{ONE}&pedestrianProfile=WHEELCHAIR"),
            "WALK",
            Goal::None,
        ),
    ];
    let park_and_ride = near_by("park and ride as JSON", to_stops_by("CAR_PARKING"), "CAR", joined);
    match has_parks {
        true => questions.push(park_and_ride),
        false => table.not_asked(park_and_ride.name, "no car parks here"),
    }
    let _still_there = answers(planner, &questions, day, table)?;
    table.figure("memory after all questions, MB", gauge::memory_mb(), Goal::Most(goals.memory_mb));
    Ok(())
}

/// Answers with buses on demand: each question begins in a zone, where it is itself or at one of the stops in zones.
pub(crate) fn on_demand(
    planner: Planner,
    near: &[[LonLat; 2]],
    day: Day,
    goals: &Goals,
    table: &mut Table,
) -> anyhow::Result<()> {
    let timetable = planner.transit().context("the data has a timetable")?.timetable();
    let zones = &timetable.on_demand.zones;
    let served = |at: LonLat| {
        zones.iter().any(
            |zone| matches!(&zone.within, Within::Areas(areas) if areas.iter().any(|area| area.holds(at))),
        )
    };
    let stops: Vec<LonLat> = timetable.stops.iter().map(|stop| stop.at).filter(|at| served(*at)).collect();
    let name = "on demand + transit as JSON";
    if stops.is_empty() {
        table.not_asked(name, "no zones here");
        return Ok(());
    }
    table.say(&format!("{} zones of buses on demand with {} stops", zones.len(), stops.len()));
    let begun = stops.iter().cycle().step_by(7);
    let near: Vec<[LonLat; 2]> = near
        .iter()
        .zip(begun)
        .map(|(&[from, to], stop)| [if served(from) { from } else { *stop }, to])
        .collect();
    let near = near.as_slice();
    let question =
        Question { name, pairs: near, asked: to_stops_by("FLEX"), leg: "FLEX", goal: goals.joined };
    answers(planner, &[question], day, table).map(drop)
}

/// One journey, and nothing by one means all the way.
const ONE: &str = "directModes=&numItineraries=1&searchWindow=0";

fn to_stops_by(modes: &str) -> String {
    format!("{ONE}&preTransitModes={modes}&postTransitModes=WALK")
}

/// What is asked of `/api/v1/plan` between some places.
struct Question<'a> {
    name: &'static str,
    pairs: &'a [[LonLat; 2]],
    /// The parameters but for the places.
    asked: String,
    /// The mode of the leg that it is about.
    leg: &'static str,
    goal: Goal,
}

/// Asks, and hands back what answered.
fn answers(
    planner: Planner,
    questions: &[Question<'_>],
    day: Day,
    table: &mut Table,
) -> anyhow::Result<Router> {
    let start = at_eight(&planner, day)?;
    let (routing, _feed) = Routing::serving(planner, Clock::scaled(start, 1e-9), Limits::default());
    let api = routing::api::router(routing);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    for Question { name, pairs, asked, leg, goal } in questions {
        let (mut took, mut bytes, mut with_leg) = (Vec::new(), 0, 0);
        let leg = format!(r#""mode":"{leg}""#);
        for [from, to] in *pairs {
            let uri = format!(
                "/api/v1/plan?fromPlace={},{}&toPlace={},{}&{asked}",
                from.lat, from.lon, to.lat, to.lon
            );
            let request = HttpRequest::get(uri).body(Body::empty())?;
            let (answer, cpu) = gauge::process(|| {
                runtime.block_on(async {
                    let response = api.clone().oneshot(request).await?;
                    anyhow::Ok((response.status(), to_bytes(response.into_body(), usize::MAX).await?))
                })
            });
            let (status, body) = answer?;
            // No street near is an answer too.
            let answered = [StatusCode::OK, StatusCode::UNPROCESSABLE_ENTITY].contains(&status);
            anyhow::ensure!(answered, "{status}: {}", String::from_utf8_lossy(&body));
            bytes += body.len();
            with_leg += usize::from(String::from_utf8_lossy(&body).contains(&leg));
            took.push(cpu);
        }
        let mean_ms = took.iter().map(Duration::as_secs_f64).sum::<f64>() * 1000.0 / took.len() as f64;
        table.times(name, took, *goal);
        table.say(&format!(
            "  {} kB each, {with_leg} of {} with such a leg; {:.0} a second on two cores by this",
            bytes / 1000 / pairs.len(),
            pairs.len(),
            2000.0 / mean_ms
        ));
    }
    Ok(api)
}
