//! Damaged files of every kind: reading them, and driving what was read, is a value or sentences, never a crash.
//!
//! A case is a small sound file and a few damages to it, all drawn from a seed, so that a failure is replayed by the
//! line that it prints and is made as small as it gets. `cargo test` runs a few thousand cases; `cargo xtask fuzz
//! --minutes N` goes on for so long, with ever new seeds (`SVETOFOR_FUZZ_MINUTES`, `SVETOFOR_FUZZ_SEED`).

#![expect(clippy::print_stderr, reason = "how far it came is the word of a long run")]

#[path = "../../tests/fuzz/damage.rs"]
mod damage;

use damage::{Damage, Tongue, damages, fuzz};
use model::{
    city::City,
    config::{Complaints, Read, Source},
    demand::VehicleType,
    sumo,
};
use proptest::prelude::*;
use simulator::{
    scenario::{FixedPlans, Run},
    trace,
    world::{DepartLane, Options, World},
};

const NET: &str = include_str!("fuzz/cross.net.xml");
const ROUTES: &str = include_str!("fuzz/cross.rou.xml");
const ADDITIONAL: &str = include_str!("fuzz/cross.add.xml");
const SCENARIO: &str = include_str!("fuzz/cross.sumocfg");
const DAEMON: &str = include_str!("../../configs/simulator.toml");
const FAULTS: &str = "\n[[faults]]\njunction = \"C\"\nafter_s = 3\nwhat = { clock_drift = { ppm = 5 } }\n";
const DEVICE: &str = include_str!("../../configs/devices/svetofor-tlc.toml");

/// Cases of one round.
const ROUND: u32 = 3_000;
/// Steps that are driven of a scenario that could be read.
const DRIVEN: usize = 40;
/// Vehicles at most in a case that is driven: a damaged flow may be long, and that is no fault.
const MOST_DRIVEN: usize = 5_000;

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
    "1e-308",
    "NaN",
    "inf",
    "-inf",
    "4294967295",
    "4294967296",
    "18446744073709551616",
    "99999",
    "WC",
    "CE",
    "WC_0",
    "CE_0",
    "C",
    "C/1",
    ":C_0_0",
    ":C",
    "é",
    "\u{1F6A6}",
    "\0",
    "exp(0)",
    "exp(0.5)",
    "exp(1e300)",
    "norm(1,0)",
    "normc(1,0.1,0.2,2)",
    "true",
    "all",
    "pedestrian",
    "tram",
    "GG",
    "rr",
    "yu",
    "1,2",
    "0,0 0,0",
    "random",
    "random_free",
    "free",
    "best",
    "allowed",
    "first",
    "last",
    "stop",
    "max",
    "desired",
    "speedLimit",
    "center",
];

/// Bits of files.
const PIECES: &[&str] = &[
    "<",
    ">",
    "/>",
    "\"",
    "'",
    "=",
    "&",
    "&amp;",
    "&#0;",
    "<!--",
    "-->",
    "<![CDATA[",
    "<?xml?>",
    "</net>",
    "<edge/>",
    "<vehicle id=\"v9\" depart=\"0\"><route edges=\"WC CE\"/></vehicle>",
    "<lane/>",
    "\n[[faults]]\n",
    "[",
    "]",
    "{",
    "}",
];

/// What damages know of the texts here.
const TONGUE: Tongue = Tongue { words: WORDS, pieces: PIECES, value };

/// The next value of an attribute or a key.
fn value(text: &[u8], at: usize) -> Option<std::ops::Range<usize>> {
    let begins = |w: &[u8]| w == b"=\"" || w == b"= " || w == b": ";
    let open = text[at..].windows(2).position(begins).map(|i| at + i + 2)?;
    let close = text[open..].iter().position(|b| matches!(b, b'"' | b'\n' | b','));
    Some(open..close.map_or(text.len(), |i| open + i))
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Target {
    Net,
    Routes,
    Additional,
    Scenario,
    Daemon,
    Device,
    Trace,
    /// Our own `city.json`, which the daemon reads.
    City,
}

fn case() -> impl Strategy<Value = (Target, Vec<Damage>)> {
    let target = prop_oneof![
        5 => Just(Target::Net),
        4 => Just(Target::Routes),
        3 => Just(Target::Additional),
        2 => Just(Target::Scenario),
        2 => Just(Target::Daemon),
        2 => Just(Target::Device),
        3 => Just(Target::Trace),
        3 => Just(Target::City),
    ];
    (target, damages(&TONGUE))
}

/// Reads, drives and measures a damaged file among sound ones.
fn check(target: Target, damages: &[Damage], sound: &Sound) -> Result<(), TestCaseError> {
    let mut bytes = match target {
        Target::Net => NET.into(),
        Target::Routes => ROUTES.into(),
        Target::Additional => ADDITIONAL.into(),
        Target::Scenario => SCENARIO.into(),
        Target::Daemon => (DAEMON.to_owned() + FAULTS).into_bytes(),
        Target::Device => DEVICE.into(),
        Target::Trace => sound.trace.clone(),
        Target::City => sound.city.clone(),
    };
    damages.iter().for_each(|d| d.apply(&TONGUE, &mut bytes));
    if target == Target::Trace {
        if let Ok(mut reader) = trace::Reader::new(&bytes[..]) {
            while let Ok(Some(moment)) = reader.step() {
                prop_assert!(moment.vehicles.len() < 10_000_000);
            }
        }
        return Ok(());
    }
    // What is no text at all is refused before any reader sees it.
    let Ok(text) = String::from_utf8(bytes) else { return Ok(()) };
    match target {
        Target::Net => drive(&text, ROUTES, ADDITIONAL),
        Target::Routes => drive(NET, &text, ADDITIONAL),
        Target::Additional => drive(NET, ROUTES, &text),
        Target::Scenario => sentences("f.sumocfg", sumo::scenario(Source::new("f.sumocfg", &text))).map(drop),
        Target::Daemon => {
            let config = simulator::daemon::Config::parse("f.toml", &text);
            spoken("f.toml", config).map(drop)
        }
        Target::Device => spoken("f.toml", wire::register_map::RegisterMap::parse("f.toml", &text)).map(drop),
        Target::City => live(&text),
        Target::Trace => Ok(()),
    }
}

/// What the daemon does with a city's file; a city without faults must also be one that can be driven in.
fn live(text: &str) -> Result<(), TestCaseError> {
    let Ok(city) = serde_json::from_str::<City>(text) else { return Ok(()) };
    if city.faults().is_empty() {
        let mut world = World::new(&city, vec![VehicleType::car()], 1);
        let plans = FixedPlans::new(&city);
        (0..3).for_each(|_| world.step(&plans.lamps()));
    }
    Ok(())
}

fn drive(net: &str, routes: &str, additional: &str) -> Result<(), TestCaseError> {
    let (net, routes) = (Source::new("f.net.xml", net), Source::new("f.rou.xml", routes));
    let additional = Source::new("f.add.xml", additional);
    let Some(city) = sentences("f.", sumo::network(net, &[additional]))? else { return Ok(()) };
    prop_assert_eq!(city.faults(), Vec::<String>::new());
    let measuring = sentences("f.", sumo::measuring(&city.network, &[additional]))?;
    let Some(demand) = sentences("f.", sumo::demand(&city.network, &[additional, routes], 1))? else {
        return Ok(());
    };
    let plane = sumo::plane(net, &city.network);
    prop_assert!(plane.is_ok());
    if demand.trips.len() + demand.walks.len() > MOST_DRIVEN {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let types: Vec<&str> = demand.types.iter().map(|t| t.id.as_str()).collect();
    let place = |_: &str, name: &str| {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        // Never outside the folder, whatever the file says.
        folder.path().join(name.chars().take(40).map(plain).chain(['_']).collect::<String>())
    };
    let measuring = measuring.unwrap_or_default();
    let mut measures =
        simulator::scenario::measuring::Measures::create(&measuring, &city.network, &types, 0.0, place)?;
    let options = Options { depart_lane: DepartLane::BestProb, ..Options::default() };
    let mut run = Run::new(city, demand, 1, options, 3_600_000);
    for k in 0..DRIVEN {
        run.step();
        let world = run.world();
        measures.step(&run.city().network, k as f64, 1.0, world.seen())?;
        prop_assert!(world.seen().all(|s| s.x_m.is_finite() && s.speed_mps.is_finite()), "nobody is nowhere");
    }
    measures.finish(&run.city().network, DRIVEN as f64)?;
    Ok(())
}

/// The value, or nothing if it was refused in words: each complaint a sentence that names a file.
fn sentences<T>(file: &str, read: Result<Read<T>, Complaints>) -> Result<Option<T>, TestCaseError> {
    spoken(file, read).map(|read| read.map(|r| r.value))
}

fn spoken<T>(file: &str, read: Result<T, Complaints>) -> Result<Option<T>, TestCaseError> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(complaints) => {
            prop_assert!(!complaints.is_empty(), "refused without a word");
            for complaint in &complaints.0 {
                prop_assert!(
                    complaint.file.starts_with(file) && complaint.message.len() > 3,
                    "{}",
                    complaint
                );
                prop_assert!(!complaint.message.contains('\n'), "one line each: {}", complaint);
            }
            Ok(None)
        }
    }
}

/// Sound files that are made, not written.
struct Sound {
    trace: Vec<u8>,
    city: Vec<u8>,
}

/// A trace and a city of the sound scenario.
fn sound() -> Sound {
    let city = sumo::network(Source::new("n", NET), &[]).expect("the network is sound").value;
    let json = serde_json::to_string_pretty(&city).expect("a city is JSON");
    let sources = [Source::new("a", ADDITIONAL), Source::new("r", ROUTES)];
    let demand = sumo::demand(&city.network, &sources, 1).expect("the demand is sound").value;
    let header = trace::Header {
        network: "cross".into(),
        lanes: city.network.lanes.len() as u32,
        movements: city.network.movements.len() as u32,
        types: demand.types.iter().map(|t| (t.id.clone(), 500)).collect(),
        junctions: city.junctions.iter().map(|j| j.id.to_string()).collect(),
        step_ms: 1000,
    };
    let lamps = vec!["Gr".to_owned(); city.junctions.len()];
    let mut run = Run::new(city, demand, 1, Options::default(), 60_000);
    let mut writer = trace::Writer::new(Vec::new(), &header).expect("a vector takes everything");
    while run.step().is_some() {
        let now = run.world().now_ms();
        writer.moment(now, run.world().seen(), &lamps).expect("a vector takes everything");
    }
    Sound { trace: writer.finish().expect("a vector takes everything"), city: json.into_bytes() }
}

#[test]
fn the_sound_files_are_sound() {
    for (file, text) in [("net", NET), ("routes", ROUTES), ("additional", ADDITIONAL)] {
        assert!(text.len() > 300, "{file}");
    }
    let city = sumo::network(Source::new("n", NET), &[Source::new("a", ADDITIONAL)]).unwrap();
    assert_eq!(city.value.junctions.len(), 1);
    let sources = [Source::new("a", ADDITIONAL), Source::new("r", ROUTES)];
    let demand = sumo::demand(&city.value.network, &sources, 1).unwrap();
    assert!(demand.value.trips.len() > 50, "{}", demand.value.trips.len());
    assert!(demand.value.walks.len() > 10, "{}", demand.value.walks.len());
    let measuring = sumo::measuring(&city.value.network, &sources[..1]).unwrap().value;
    assert_eq!(
        [measuring.loops.len(), measuring.areas.len(), measuring.gates.len(), measuring.means.len()],
        [1; 4]
    );
    assert!(sumo::scenario(Source::new("s", SCENARIO)).is_ok());
    assert!(simulator::daemon::Config::parse("d", &(DAEMON.to_owned() + FAULTS)).is_ok());
    assert!(drive(NET, ROUTES, ADDITIONAL).is_ok());
}

#[test]
fn damaged_files_are_sentences_never_a_crash() {
    let sound = sound();
    fuzz([ROUND / 2, ROUND], case, |(target, damages)| check(target, &damages, &sound));
}
