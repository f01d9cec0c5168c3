//! Golden messages: a change here is a change on the street. `docs/wire.md` shows the same examples.

use super::*;
use crate::{
    command::{Body, Command},
    message::{
        Alarm, Alarms, Channel, ChannelState, ChannelWord, Counts, Entry, Events, Fetch, Groups, HiRes,
        LinkTime, LinkTimes, Mode, Presence, PresenceState, Replay, Run, Rung, Status, Stored, Throttle,
        ThrottleAction, Vehicle, Vehicles,
    },
    result::{CommandResult, Reason, ResultState},
    what_if,
};
use ciborium::Value;
use model::time::Moment;
use proptest::prelude::*;
use serde::Deserialize;
use std::fmt::Debug;
use uuid::Uuid;

/// 2026-11-22T10:00:00.5Z.
const T: Moment = Moment(1_795_341_600_500);
const BOOT: Uuid = Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_00b0);
const CMD: Uuid = Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0c3d);

fn hex(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    digits.as_bytes().chunks(100).map(|c| std::str::from_utf8(c).unwrap()).collect::<Vec<_>>().join("\n")
}

/// The message keeps its bytes, reads back equal, and shows itself to people.
fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(name: &str, message: &T) {
    let bytes = encode(message);
    assert_eq!(&decode::<T>("golden", &bytes).unwrap(), message, "{name}");
    let text = format!("{} bytes\n{}\n\n{}", bytes.len(), hex(&bytes), to_text(&bytes).unwrap());
    insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, text);
    });
}

fn one<V>(seq: u64, values: V) -> Status<V> {
    Status { entries: vec![Entry::new(T, seq, values)] }
}

/// The same on a channel that is kept.
fn kept<V>(seq: u64, values: V) -> Status<V> {
    Status { entries: vec![Entry { boot_id: Some(BOOT), ..Entry::new(T, seq, values) }] }
}

#[test]
fn golden_messages() {
    check(
        "tlc.groups",
        &one(
            4711,
            Groups {
                signalgroupstatus: "3BB3B".into(),
                stage: 1,
                cyclecounter: 37,
                basecyclecounter: 12,
                ages: vec![123, 456, 456, 123, 70],
                interstage: false,
                wanted: 1,
                ref_tick: 90_500,
            },
        ),
    );
    check(
        "tlc.mode",
        &one(
            3,
            Mode {
                rung: Rung::Adaptive,
                since: T,
                reason: "lease held".into(),
                plan: 0,
                lease_until: Some(Moment(T.0 + 30_000)),
            },
        ),
    );
    check(
        "tlc.mode-without-lease",
        &one(
            4,
            Mode {
                rung: Rung::Coordinated,
                since: T,
                reason: "lease lapsed".into(),
                plan: 2,
                lease_until: None,
            },
        ),
    );
    let event = HiRes { t: Moment(T.0 - 400), code: crate::message::code::GREEN_BEGIN, param: 4 };
    check("tlc.events", &kept(88, Events { events: vec![event] }));
    let channel = Channel {
        dl: 3,
        vehicles_sum: 1,
        occupancy_avg: 0.25,
        speed_avg: Some(8.5),
        occupied: false,
        queue_last: Some(2),
        vehicles_last: Some(5),
        sightings_last: vec![],
        fault: false,
    };
    let blind = Channel {
        dl: 4,
        vehicles_sum: 0,
        occupancy_avg: 0.0,
        speed_avg: None,
        occupied: true,
        queue_last: None,
        vehicles_last: None,
        sightings_last: vec![],
        fault: true,
    };
    let counts = |channel| Counts { window_s: 1.0, channels: vec![channel, blind.clone()] };
    let followed = vec![12, 0, 48, 655, 830, 120];
    check("traffic.count", &kept(90, counts(Channel { sightings_last: followed, ..channel.clone() })));
    let entries = kept(90, counts(channel)).entries;
    let raw: Vec<Vec<u8>> = entries.iter().map(encode).collect();
    for (next_ts, done) in [(None, true), (Some(T), false), (Some(T), true), (None, false)] {
        let whole = encode(&Replay { entries: entries.clone(), next_ts, done });
        assert_eq!(replay_of(raw.iter().map(Vec::as_slice), next_ts, done), whole);
    }
    assert_eq!(status_of(&raw[0]), encode(&Status { entries: entries.clone() }));
    check("traffic.count-replay", &Replay { entries, next_ts: None, done: true });
    check("fetch", &Fetch { from: Moment(T.0 - 3_600_000), to: T });
    check("throttle", &Throttle { action: ThrottleAction::Stop, timeout: Some(600) });
    check("channel", &ChannelWord { state: ChannelState::Stopped });
    let run = Run { boot_id: BOOT, first: 90, last: 99 };
    check("stored", &Stored { runs: vec![run] });
    check(
        "presence",
        &Presence {
            state: PresenceState::Online,
            boot_id: BOOT,
            config_hash: 0xDEAD_BEEF,
            version: "0.1.0".into(),
        },
    );
    check(
        "alarm",
        &Alarms {
            full: false,
            alarms: vec![Alarm {
                component: "sg/3".into(),
                severity: 2,
                active: true,
                since: T,
                message: "a lamp is out".into(),
            }],
        },
    );
    check(
        "traffic.links",
        &one(1, LinkTimes { links: vec![LinkTime { link: "a-b".into(), time_s: 31.5, closed: false }] }),
    );
    check(
        "vehicle.positions",
        &one(
            1,
            Vehicles {
                vehicles: vec![Vehicle {
                    id: "t39-2".into(),
                    line: Some("39".into()),
                    lon: 37.618,
                    lat: 55.751,
                    heading: 90.0,
                    speed: 8.0,
                }],
            },
        ),
    );
    let command = Command {
        cmd_id: CMD,
        epoch: 7,
        seq: 1041,
        boot_id: BOOT,
        config_hash: 0xDEAD_BEEF,
        ref_tick: 90_500,
        expires_at: Moment(T.0 + 5_000),
        lease_s: 30,
        body: Body::Stage(2),
    };
    for (name, body) in [
        ("tlc.stage.request", Body::Stage(2)),
        ("tlc.plan.set", Body::Plan(4)),
        ("tlc.mode.set", Body::Mode(Rung::LocalActuated)),
        ("tlc.lease", Body::Lease),
    ] {
        check(name, &Command { body, ..command.clone() });
    }
    let applied =
        CommandResult { cmd_id: CMD, state: ResultState::Applied, reason: None, detail: String::new() };
    check("result-applied", &applied);
    let detail = "group 3 has 4.5 s of its minimum green to go".into();
    let refused =
        CommandResult { state: ResultState::Rejected, reason: Some(Reason::Unsafe), detail, ..applied };
    check("result-rejected", &refused);
}

/// What a centre asks of a simulator, and what it hears.
fn what_if_request() -> what_if::Request {
    use what_if::{Change, Control, Kind, LaneNow, Order, Ordered, Picture, Plan, Running};
    let mut picture = Picture {
        at: T,
        utc_offset_s: 10_800,
        lanes: Vec::new(),
        lane_flows: vec![17, 640],
        turn_flows: vec![40, 480, 41, 160],
        junctions: vec![
            Running { junction: "12".into(), kind: Kind::Adaptive, order: None, stage: 1, for_s: 8 },
            Running {
                junction: "13".into(),
                kind: Kind::Adaptive,
                order: Some(Order { what: Ordered::Plan(2), left_s: 840 }),
                stage: 3,
                for_s: 20,
            },
        ],
    };
    picture.add_lane(LaneNow { lane: model::ids::LaneIx(17), standing: 6, moving: 2, seen_m: 250 });
    what_if::Request {
        id: CMD,
        city: 0x1122_3344_5566_7788,
        within_s: 900,
        horizon_s: 1800,
        seeds: 5,
        picture,
        trial: vec![
            Change { junctions: vec!["13".into()], control: Control::Kind(Kind::MaxPressure) },
            Change {
                junctions: vec!["12".into()],
                control: Control::Plan(Plan { offset: 100, steps: vec![(1, 450), (2, 350)] }),
            },
        ],
    }
}

#[test]
fn golden_what_if() {
    use what_if::{
        Answer, Assumptions, Failure, JunctionMeasured, Measure, Measured, Outcome, Spread, State,
    };
    check("whatif.run", &what_if_request());
    check("whatif.cancel", &what_if::Cancel { id: CMD });
    let say = |name: &str, state: State| {
        check(&format!("whatif-{name}"), &Answer { id: CMD, from: "what-if-1".into(), state });
    };
    say("waiting", State::Waiting { before: 1 });
    say("running", State::Running { done: 0.25 });
    let detail = "stopped by who asked".to_owned();
    say("failed", State::Failed { reason: Failure::Cancelled, detail });
    let spread = |mean, sd, half| Spread { mean, sd, half };
    let measured = |measure, verdict| Measured {
        measure,
        base: spread(41.5, 2.0, 2.5),
        trial: spread(38.0, 1.5, 1.875),
        difference: spread(-3.5, 1.0, 1.25),
        verdict,
    };
    say(
        "done",
        State::Done(Box::new(Outcome {
            seeds: 5,
            horizon_s: 1800,
            assumptions: Assumptions {
                known: 812,
                assumed: 240.5,
                to_come: 4100.25,
                turns_measured: 480,
                turns_assumed: 96,
            },
            measures: vec![measured(Measure::DelayS, what_if::Verdict::Better)],
            junctions: vec![JunctionMeasured {
                junction: "12".into(),
                delay: measured(Measure::DelayS, what_if::Verdict::NoDifferenceShown),
            }],
        })),
    );
}

#[test]
fn a_time_is_read_in_every_form() {
    #[derive(Deserialize, Serialize, PartialEq, Debug)]
    struct Timed {
        #[serde(with = "timestamp")]
        ts: Moment,
    }
    let check = |value: Value, expected: Option<i64>| {
        let bytes = encode(&Value::Map(vec![("ts".into(), value.clone())]));
        let read = decode::<Timed>("time", &bytes).ok().map(|t| t.ts.0);
        assert_eq!(read, expected, "{value:?}");
    };
    let tag = |n, v: Value| Value::Tag(n, Box::new(v));
    check(tag(1, 1_795_341_600.5.into()), Some(T.0));
    check(tag(1, 1_795_341_600.into()), Some(T.0 - 500));
    check(tag(1, (-1).into()), Some(-1000));
    check(tag(1, Value::Float(0.25)), Some(250));
    check(1_795_341_600.5.into(), Some(T.0));
    check(1_795_341_600.into(), Some(T.0 - 500));
    check("2026-11-22T10:00:00.5Z".into(), Some(T.0));
    check("2026-11-22T13:00:00.5+03:00".into(), Some(T.0));
    check(tag(0, "2026-11-22T10:00:00.5Z".into()), Some(T.0));
    check("yesterday".into(), None);
    check(tag(2, 1.into()), None);
    check(tag(1, Value::Bool(true)), None);
    check(f64::NAN.into(), None);
    check(f64::INFINITY.into(), None);
    check(1e18.into(), None);
    check(Value::Null, None);
    assert_eq!(serde_json::to_string(&Timed { ts: T }).unwrap(), r#"{"ts":"2026-11-22T10:00:00.5Z"}"#);
    assert_eq!(serde_json::from_str::<Timed>(r#"{"ts":"2026-11-22T10:00:00.5Z"}"#).unwrap(), Timed { ts: T });
}

#[test]
fn what_follows_a_message_is_a_fault() {
    let mut bytes = encode(&7u8);
    bytes.push(0);
    assert_eq!(
        decode::<u8>("number", &bytes).unwrap_err().to_string(),
        "not a number message in CBOR: 1 bytes follow it"
    );
}

#[test]
fn fields_of_tomorrow_are_passed_over() {
    let mut value: Value = decode("any", &encode(&one(1, Events::default()))).unwrap();
    let Value::Map(entries) = &mut value else { panic!("a status is a map") };
    entries.push(("surprise".into(), Value::Tag(77, Box::new(1.into()))));
    assert!(decode::<Status<Events>>("tlc.events", &encode(&value)).is_ok());
}

proptest! {
    /// Nothing that the wire carries can make a reader panic.
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode::<Status<Groups>>("a", &bytes);
        let _ = decode::<Status<Events>>("a", &bytes);
        let _ = decode::<Status<Counts>>("a", &bytes);
        let _ = decode::<Command>("a", &bytes);
        let _ = decode::<CommandResult>("a", &bytes);
        let _ = decode::<Presence>("a", &bytes);
        let _ = decode::<what_if::Request>("a", &bytes);
        let _ = decode::<what_if::Answer>("a", &bytes);
        let _ = to_text(&bytes);
    }

    /// Nor can a message of ours with a few bytes broken.
    #[test]
    fn a_damaged_command_is_read_or_refused(at in 0usize..200, to in any::<u8>(), cut in 0usize..200) {
        let mut bytes = encode(&Command {
            cmd_id: CMD, epoch: 7, seq: 1041, boot_id: BOOT, config_hash: 1, ref_tick: 2,
            expires_at: T, lease_s: 30, body: Body::Stage(2),
        });
        let at = at % bytes.len();
        bytes[at] = to;
        let _ = decode::<Command>("a", &bytes);
        bytes.truncate(cut);
        let _ = decode::<Command>("a", &bytes);
    }

    #[test]
    fn moments_keep_their_millisecond(ms in -2_000_000_000_000i64..7_000_000_000_000) {
        let message = Events { events: vec![HiRes { t: Moment(ms), code: 1, param: 2 }] };
        prop_assert_eq!(decode::<Events>("events", &encode(&message)).unwrap(), message);
    }
}

const PAGE: &str = include_str!("../../../docs/wire.md");

/// `docs/wire.md` is the normative text: what the code has, it must have.
#[test]
fn the_page_has_every_topic_code_reason_and_example() {
    use crate::topic::{CommandCode, Kind, Question, StatusCode};
    let has = |what: &str| assert!(PAGE.contains(what), "docs/wire.md does not have {what:?}");
    for code in StatusCode::ALL {
        has(&format!("`{}", Kind::Status(code)));
        has(&format!("### {}", code.as_str().split('/').next().unwrap()));
    }
    for code in CommandCode::ALL {
        has(&format!("`{}", Kind::Command(code)));
        has(&format!("| `{}` |", code.as_str()));
    }
    for question in Question::ALL {
        has(&format!("`{}`", Kind::Ask(question)));
        has(&format!("| `{}` |", question.as_str()));
    }
    has("`answer/whatif.run`");
    for reason in what_if::Failure::ALL {
        let word: String = decode("reason", &encode(&reason)).unwrap();
        has(&format!("| `{word}` |"));
    }
    for measure in what_if::Measure::ALL {
        let word: String = decode("measure", &encode(&measure)).unwrap();
        has(&format!("| `{word}` |"));
    }
    for reason in Reason::ALL {
        let word: String = decode("reason", &encode(&reason)).unwrap();
        has(&format!("| `{word}` |"));
    }
    for lamp in model::signal::Lamp::ALL {
        has(&format!("`{}`", crate::message::letter(lamp)));
    }
    let snapshots = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/codec/snapshots")).unwrap();
    let mut examples = 0;
    for file in snapshots {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let (_, example) = text.trim_end().rsplit_once("\n\n").unwrap();
        has(&format!("```cbor\n{example}\n```"));
        examples += 1;
    }
    assert!(examples >= 16);
}
