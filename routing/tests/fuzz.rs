//! Damaged feeds and settings, and questions that nobody would ask: reading and answering them is a value or sentences, never a crash.
//!
//! A case is a sound file or question and a few damages to it, all drawn from a seed, so that a failure is replayed by the line that it
//! prints and is made as small as it gets. `cargo test` runs some hundred cases; `cargo xtask fuzz --minutes N` goes on for so long,
//! with ever new seeds (`SVETOFOR_FUZZ_MINUTES`, `SVETOFOR_FUZZ_SEED`).

#![expect(clippy::print_stderr, reason = "how far it came is the word of a long run")]

#[path = "../../tests/fuzz/damage.rs"]
mod damage;

use axum::{body::Body, http::Request};
use damage::{Damage, Tongue, damages, fuzz};
use model::{city::City, time::Moment};
use proptest::prelude::*;
use routing::{
    config::Config,
    escort::Escorts,
    fare::Fares,
    gtfs::{self, archive::Archive, report::Report},
    intermodal::Prepared,
    planner::Planner,
    prepare,
    realtime::Reader,
    service::{Limits, Routing},
    sharing::read,
    streets::Streets,
    transit::{live::Live, timetable::Timetable},
    typical::Typical,
};
use std::sync::Arc;
use tower::ServiceExt as _;
use wire::clock::Clock;

/// A sound feed with every table that is read.
const FEED: &str = include_str!("../src/gtfs/tests/full.txt");
const SETTINGS: &str = include_str!("../../configs/routing.toml");
const TARIFF: &str = include_str!("../../configs/fares/moscow.toml");
const ESCORTS: &str = include_str!("../../configs/escorts/moscow.toml");
const STREETS: &str = "
A-------------------B-------------------C
|                   |                   |
|                   |                   |
|                   |                   |
E-------------------F-------------------D";
const GBFS: [(&str, &str); 3] = [
    (
        "system_information",
        r#"{"last_updated":1,"ttl":0,"version":"2.3","data":{"system_id":"bikes","language":"en","name":"Bikes","timezone":"Europe/Moscow"}}"#,
    ),
    (
        "station_information",
        r#"{"last_updated":1,"ttl":0,"version":"2.3","data":{"stations":[{"station_id":"1","name":"One","lat":55.75,"lon":37.62},{"station_id":"2","name":"Two","lat":55.7486,"lon":37.6264}]}}"#,
    ),
    (
        "station_status",
        r#"{"last_updated":1,"ttl":0,"version":"2.3","data":{"stations":[{"station_id":"1","num_bikes_available":3,"num_docks_available":2,"is_installed":true,"is_renting":true,"is_returning":true,"last_reported":1},{"station_id":"2","num_bikes_available":0,"num_docks_available":9,"is_installed":true,"is_renting":true,"is_returning":true,"last_reported":1}]}}"#,
    ),
];
const TYPICAL: &str =
    "link,days,from,time_s\nAB,workday,07:00,60\nAB,workday,10:00,30\nBC,saturday,00:00,40\n";
/// Eight o'clock on a Wednesday of the feed.
const NOW: Moment = Moment(1_781_067_600_000);
/// Each is one of every kind of question.
const QUESTIONS: [&str; 17] = [
    "/api/v1/plan?fromPlace=55.75,37.62&toPlace=55.7486,37.6264&time=2026-06-10T05:00:00Z&directModes=WALK,CAR,BIKE&numItineraries=3",
    "/api/v1/plan?fromPlace=f_A&toPlace=f_D&arriveBy=true&time=2026-06-10T09:00:00Z&maxTransfers=2&searchWindow=3600&cheapest=true",
    "/api/v1/plan?fromPlace=55.75,37.62&toPlace=f_C&preTransitModes=WALK,BIKE,CAR_PARKING,FLEX&postTransitModes=WALK,TAXI&maxPreTransitTime=900",
    "/api/v1/plan?fromPlace=55.75,37.62&toPlace=55.7486,37.6264&pedestrianProfile=WHEELCHAIR&pedestrianSpeed=1.1&cyclingSpeed=4&requireBikeTransport=true&directModes=FLEX,RENTAL",
    "/api/v1/plan?fromPlace=55.75,37.62&toPlace=f_D&pedestrianProfile=WHEELCHAIR&escort=true&time=2026-06-10T09:00:00Z&preTransitModes=WALK,TAXI&searchWindow=3600",
    "/api/v6/plan?fromPlace=55.75,37.62&toPlace=f_D&transitModes=BUS,SUBWAY&pageCursor=",
    "/api/v1/stoptimes?stopId=f_A&time=2026-06-10T05:00:00Z&n=10&arriveBy=false&radius=300",
    "/api/v1/map/stops?min=55.74,37.61&max=55.76,37.63",
    "/api/v1/map/vehicles?min=55.74,37.61&max=55.76,37.63",
    "/api/v1/one-to-all?one=55.75,37.62&maxTravelTime=60&time=2026-06-10T05:00:00Z",
    "/api/v1/isochrone?one=55.75,37.62&limits=300,900&mode=TRANSIT&time=2026-06-10T05:00:00Z",
    "/api/v1/geocode?text=alpha&place=55.75,37.62&placeBias=2&language=en",
    "/api/v1/reverse-geocode?place=55.75,37.62&type=STOP",
    "/route/v1/driving/37.62,55.75;37.6264,55.7486?steps=true&geometries=geojson&overview=full&alternatives=2",
    "/table/v1/walking/37.62,55.75;37.6264,55.7486;37.6232,55.75?sources=0;1&destinations=2",
    "/match/v1/driving/37.62,55.75;37.6232,55.75?timestamps=1;30&radiuses=20;20",
    "/trip/v1/cycling/37.62,55.75;37.6264,55.7486;37.6232,55.75?roundtrip=true&source=first",
];

/// Cases of one round.
const ROUND: u32 = 1_000;

/// Words that are likely to be wrong somewhere.
const WORDS: &[&str] = &[
    "",
    " ",
    "0",
    "-1",
    "1",
    "2",
    "0.5",
    "-0.0",
    "1e9",
    "1e308",
    "-1e308",
    "NaN",
    "inf",
    "-inf",
    "4294967295",
    "4294967296",
    "18446744073709551616",
    "99999999",
    "25:00:00",
    "99:59:59",
    "-1:00:00",
    "20260230",
    "99991231",
    "00010101",
    "f_A",
    "f_D",
    "A",
    "t1",
    "é",
    "\u{1F6A6}",
    "%00",
    "%F0%9F%9A%A6",
    "%ff",
    "90,180",
    "-90,-180",
    "91,181",
    "55.75,37.62",
    "37.62,55.75",
    "55.75,37.62,-2",
    "2026-06-10T05:00:00Z",
    "9999-12-31T23:59:59Z",
    "0000-00-00",
    "true",
    "WALK",
    "TRANSIT",
    "WHEELCHAIR",
    "null",
    "[]",
];

/// Bits of files and questions.
const PIECES: &[&str] = &[
    ",",
    ";",
    "\"",
    "\n",
    "\r\n",
    "&",
    "=",
    "?",
    "/",
    "{",
    "}",
    "[",
    "]",
    "\u{feff}",
    "\t",
    "\n[[access.key]]\n",
];

/// What damages know of the texts here.
const TONGUE: Tongue = Tongue { words: WORDS, pieces: PIECES, value: |text, at| Some(value(text, at)) };

/// The value around a place: between commas, or behind a sign of equality.
fn value(text: &[u8], at: usize) -> std::ops::Range<usize> {
    let ends = |b: &u8| b",=;&\n/".contains(b);
    let open = text[..at].iter().rposition(ends).map_or(0, |i| i + 1);
    let close = text[at..].iter().position(ends).map_or(text.len(), |i| at + i);
    open..close
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Target {
    /// A table of the feed.
    Table(usize),
    Settings,
    Tariff,
    Escorts,
    Sharing(usize),
    Typical,
    /// Protobuf of a realtime feed.
    Realtime,
    Question(usize),
}

fn case() -> impl Strategy<Value = (Target, Vec<Damage>)> {
    let target = prop_oneof![
        8 => (0..tables().len()).prop_map(Target::Table),
        1 => Just(Target::Settings),
        1 => Just(Target::Tariff),
        1 => Just(Target::Escorts),
        1 => (0..GBFS.len()).prop_map(Target::Sharing),
        1 => Just(Target::Typical),
        2 => Just(Target::Realtime),
        8 => (0..QUESTIONS.len()).prop_map(Target::Question),
    ];
    (target, damages(&TONGUE))
}

/// The feed's tables by their names.
fn tables() -> Vec<(&'static str, &'static str)> {
    let parts = FEED.split("=== ").filter(|text| !text.is_empty());
    parts.map(|text| text.split_once('\n').expect("a name and rows")).collect()
}

fn city() -> City {
    model::sketch::city(STREETS, "B")
}

/// A planner on the drawing, with a timetable.
fn planner(city: &City, timetable: Timetable) -> Planner {
    let prepared: Prepared = prepare::prepare_timetable(city, timetable);
    // At whatever stops: the drawing's agencies have other names.
    let everywhere = ESCORTS.replace("agencies = [\"metro\"]", "agencies = [\"a\", \"b\"]");
    let escorts = Escorts::parse("e.toml", &everywhere).expect("they are sound");
    Planner::on(Streets::new(city)).with_timetable(prepared).with_escorts(escorts)
}

/// What is there for all cases.
struct Sound {
    city: City,
    runtime: tokio::runtime::Runtime,
    routing: Arc<Routing>,
    /// Bytes of a realtime feed that changes a trip, says where a vehicle is, and has an alert.
    realtime: Vec<u8>,
}

/// A message of protobuf by hand: field, and bytes or a number.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, bytes.len() as u8], bytes].concat()
}

fn sound() -> Sound {
    let city = city();
    let mut report = Report::default();
    let feed = gtfs::read(Archive::of_tables(tables()), "f", &mut report).expect("the feed is sound");
    assert_eq!(report.count(), 0, "{report}");
    let planner = planner(&city, Timetable::join(vec![feed]));
    let (routing, _) = Routing::serving(planner, Clock::scaled(NOW, 1e-9), Limits::default());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    // Header, then an entity whose trip is late by two minutes at its second stop, and one with a position.
    let trip = field(1, b"t1");
    let late = [field(2, &[8, 120]), vec![8, 2]].concat();
    let update = [field(1, &trip), field(2, &late)].concat();
    let first = field(2, &[field(1, b"1"), field(3, &update)].concat());
    let position = [&[0x0d][..], &55.75_f32.to_le_bytes(), &[0x15], &37.62_f32.to_le_bytes()].concat();
    let vehicle = [field(1, &trip), field(2, &position)].concat();
    let second = field(2, &[field(1, b"2"), field(4, &vehicle)].concat());
    let header = field(1, &field(1, b"2.0"));
    let realtime = [header, first, second].concat();
    Sound { city, runtime, routing, realtime }
}

fn check(target: Target, damages: &[Damage], sound: &Sound) -> Result<(), TestCaseError> {
    let mut bytes: Vec<u8> = match target {
        Target::Table(i) => tables()[i].1.into(),
        Target::Settings => SETTINGS.into(),
        Target::Tariff => TARIFF.into(),
        Target::Escorts => ESCORTS.into(),
        Target::Sharing(i) => GBFS[i].1.into(),
        Target::Typical => TYPICAL.into(),
        Target::Realtime => sound.realtime.clone(),
        Target::Question(i) => QUESTIONS[i].into(),
    };
    damages.iter().for_each(|damage| damage.apply(&TONGUE, &mut bytes));
    match target {
        Target::Table(i) => return travel(i, bytes, sound),
        Target::Realtime => {
            let transit = sound.routing.planner.transit().expect("it has a timetable");
            let mut live = Live::default();
            if Reader::new(transit.timetable()).read("f", &bytes, NOW, &mut live).is_ok() {
                transit.set_live(live);
                for question in &QUESTIONS[..2] {
                    ask(&sound.runtime, &sound.routing, question)?;
                }
            }
            return Ok(());
        }
        _ => {}
    }
    // What is no text at all is refused before any reader sees it.
    let Ok(text) = String::from_utf8(bytes) else { return Ok(()) };
    match target {
        Target::Settings => spoken(Config::read("f.toml", &text)),
        Target::Tariff => spoken(Fares::parse("f.toml", &text)),
        Target::Escorts => spoken(Escorts::parse("f.toml", &text)),
        Target::Sharing(i) => spoken(read::read(|name| {
            let file = GBFS.iter().position(|(known, _)| *known == name);
            Ok(file.map(|k| (name.to_string(), if k == i { text.clone() } else { GBFS[k].1.to_string() })))
        })),
        Target::Typical => {
            let map = sound.routing.planner.map();
            spoken(Typical::parse(map, jiff::tz::TimeZone::UTC, "f.csv", &text))
        }
        _ => ask(&sound.runtime, &sound.routing, &text),
    }
}

/// Travels by a feed of which one table is damaged, if it is not refused.
fn travel(table: usize, bytes: Vec<u8>, sound: &Sound) -> Result<(), TestCaseError> {
    let all = tables()
        .into_iter()
        .enumerate()
        .map(|(i, (name, text))| (name, if i == table { bytes.clone() } else { text.as_bytes().to_vec() }));
    let mut report = Report::default();
    let feed = gtfs::read(Archive::of_bytes(all), "f", &mut report);
    for line in report.lines(3) {
        prop_assert!(line.starts_with("f/") && line.len() > 10, "{}", line);
    }
    let feed = match feed {
        Ok(feed) => feed,
        Err(refused) => return spoken::<()>(Err(refused)),
    };
    let planner = planner(&sound.city, Timetable::join(vec![feed]));
    let (routing, _) = Routing::serving(planner, Clock::scaled(NOW, 1e-9), Limits::default());
    for question in QUESTIONS.iter().filter(|question| question.starts_with("/api")) {
        ask(&sound.runtime, &routing, question)?;
    }
    Ok(())
}

/// Asks, and looks whether the answer is one: JSON, and a problem where it is refused.
fn ask(runtime: &tokio::runtime::Runtime, routing: &Arc<Routing>, uri: &str) -> Result<(), TestCaseError> {
    // What no client can send is not asked.
    let Ok(request) = Request::get(uri).body(Body::empty()) else { return Ok(()) };
    if !uri.starts_with('/') {
        return Ok(());
    }
    let api = routing::api::standalone(routing.clone());
    let (status, kind, body) = runtime.block_on(async {
        let response = api.oneshot(request).await.expect("it always answers");
        let status = response.status().as_u16();
        let kind = response.headers().get("content-type").map(|kind| kind.to_str().unwrap_or("").to_string());
        let body = axum::body::to_bytes(response.into_body(), 1 << 26).await.expect("a whole answer");
        (status, kind.unwrap_or_default(), body)
    });
    prop_assert!(status < 500, "{}: {} {}", uri, status, String::from_utf8_lossy(&body));
    if kind.contains("json") {
        prop_assert!(serde_json::from_slice::<serde_json::Value>(&body).is_ok(), "{}", uri);
    }
    Ok(())
}

/// The value, or words.
fn spoken<T>(read: Result<T, model::config::Complaints>) -> Result<(), TestCaseError> {
    if let Err(complaints) = read {
        prop_assert!(!complaints.is_empty(), "refused without a word");
        for complaint in &complaints.0 {
            prop_assert!(complaint.message.len() > 3 && !complaint.message.contains('\n'), "{}", complaint);
        }
    }
    Ok(())
}

#[test]
fn sound_questions_get_answers() {
    let sound = sound();
    for question in QUESTIONS {
        ask(&sound.runtime, &sound.routing, question).unwrap();
    }
    assert!(check(Target::Realtime, &[], &sound).is_ok());
    let transit = sound.routing.planner.transit().unwrap();
    assert_eq!((transit.live().trips(), transit.live().vehicles.len()), (1, 1));
    for (target, what) in
        [(Target::Settings, "settings"), (Target::Tariff, "tariff"), (Target::Typical, "usual times")]
    {
        assert!(check(target, &[], &sound).is_ok(), "{what}");
    }
    assert!(Config::read("f", SETTINGS).is_ok() && Fares::parse("f", TARIFF).is_ok());
}

#[test]
fn damaged_feeds_and_questions_are_sentences_never_a_crash() {
    let sound = sound();
    fuzz([ROUND / 4, ROUND], case, |(target, damages)| check(target, &damages, &sound));
}
