use super::*;
use crate::message::{Alarm, Channel, HiRes, Rung};
use bytes::Bytes;
use model::{detection::Reading, ids::ChannelNumber};
use serde::Serialize;

const START: Moment = Moment(1_795_341_600_000);
const NODE: &str = "mow/cao/C";

fn node() -> Node {
    topic::parse("mow/cao/C/presence").unwrap().0
}

/// A node that does all that it should, second by second; a test spoils one message.
struct Cabinet {
    junction: Junction,
    boot: Uuid,
}

impl Cabinet {
    fn new() -> Cabinet {
        let junction =
            model::sketch::city("W---C---E\n    |\n    |\n    |\n    |\n    S", "C").junctions.remove(0);
        Cabinet { junction, boot: Uuid::now_v7() }
    }

    fn first(&self) -> Vec<Message> {
        let presence = Presence {
            state: PresenceState::Online,
            boot_id: self.boot,
            config_hash: self.junction.config_hash(),
            version: "1".to_owned(),
        };
        let config = Status { entries: vec![Entry::new(START, 0, self.junction.clone())] };
        vec![message("presence", true, &presence), message("status/tlc.config/full", true, &config)]
    }

    fn second(&self, n: u64) -> Vec<Message> {
        let ts = START + Duration::from_secs(n);
        let groups = self.junction.groups.len();
        let live = Groups {
            signalgroupstatus: "B".repeat(groups),
            stage: 1,
            cyclecounter: 0,
            basecyclecounter: 0,
            ages: vec![1; groups],
            interstage: false,
            wanted: 0,
            ref_tick: 1000 * n,
        };
        let channel = Channel::new(ChannelNumber(1), &Reading::default(), &[]);
        let counts = Counts { window_s: 1.0, channels: vec![channel] };
        let events = Events { events: vec![HiRes { t: ts, code: 1, param: 1 }] };
        let mut said = vec![
            message("status/tlc.groups/live", false, &Status { entries: vec![Entry::new(ts, n, live)] }),
            message("status/traffic.count/1s", false, &self.kept(ts, n, counts)),
            message("status/tlc.events/hires", false, &self.kept(ts, n, events)),
        ];
        if n.is_multiple_of(10) {
            let mode = Mode {
                rung: Rung::Coordinated,
                since: START,
                reason: "started".into(),
                plan: 1,
                lease_until: None,
            };
            said.push(message(
                "status/tlc.mode/live",
                false,
                &Status { entries: vec![Entry::new(ts, n, mode)] },
            ));
        }
        said
    }

    fn kept<V>(&self, ts: Moment, seq: u64, values: V) -> Status<V> {
        Status { entries: vec![Entry { boot_id: Some(self.boot), ..Entry::new(ts, seq, values) }] }
    }
}

fn message(what: &str, retain: bool, said: &impl Serialize) -> Message {
    Message {
        topic: format!("{NODE}/{what}"),
        payload: codec::encode(said).into(),
        retain,
        response_topic: None,
        correlation: None,
    }
}

/// Half a minute of it, with every message passed through `spoil`: the rules that were broken, and how.
fn broken(spoil: impl Fn(&Cabinet, u64, Message) -> Vec<Message>) -> Vec<String> {
    let cabinet = Cabinet::new();
    let mut inspector = Inspector::new(node());
    for n in 0..30 {
        let said = if n == 0 { cabinet.first() } else { Vec::new() };
        for message in said.into_iter().chain(cabinet.second(n)).flat_map(|m| spoil(&cabinet, n, m)) {
            inspector.heard(START + Duration::from_secs(n), &message);
        }
    }
    let findings = inspector.report(START + Duration::from_secs(30));
    let broken = findings.into_iter().filter_map(|f| match f.verdict {
        Verdict::Broken(_, how) => Some(format!("{:?}: {how}", f.rule)),
        _ => None,
    });
    broken.collect()
}

#[test]
fn who_keeps_the_contract_is_told_so() {
    assert_eq!(broken(|_, _, m| vec![m]), Vec::<String>::new());
    // Once more what QoS 1 may repeat.
    let twice =
        |_: &Cabinet, _, m: Message| if m.topic.ends_with("hires") { vec![m.clone(), m] } else { vec![m] };
    assert_eq!(broken(twice), Vec::<String>::new());
}

#[test]
fn each_fault_is_named() {
    let check = |topic: &str, at: u64, spoiled: fn(&Cabinet, Message) -> Vec<Message>, expected: &str| {
        let said = broken(|cabinet, n, m| match m.topic.ends_with(topic) && n == at {
            true => spoiled(cabinet, m),
            false => vec![m],
        });
        assert!(said.len() == 1 && said[0].starts_with(expected), "{topic}: {said:?}");
    };
    check("hires", 5, |_, _| vec![], "Sequence: tlc.events/hires: 6 where 5 was to come");
    check(
        "live",
        5,
        |_, m| vec![Message { retain: true, ..m }],
        "Retained: mow/cao/C/status/tlc.groups/live",
    );
    check(
        "1s",
        5,
        |_, m| vec![m.clone(), Message { payload: Bytes::from_static(b"\xff"), ..m }],
        "Payloads: mow/cao/C/status/traffic.count/1s",
    );
    check(
        "1s",
        5,
        |_, m| vec![m.clone(), Message { topic: format!("{NODE}/status/own.thing/live"), ..m }],
        "Topics: mow/cao/C/status/own.thing/live",
    );
    check(
        "presence",
        0,
        |c, m| {
            vec![
                m,
                alarm(9),
                message(
                    "presence",
                    true,
                    &Presence {
                        state: PresenceState::Online,
                        boot_id: c.boot,
                        config_hash: c.junction.config_hash(),
                        version: "1".into(),
                    },
                ),
            ]
        },
        "Alarms: mow/cao/C/alarm/tlc.lamp: severity 9",
    );
    check(
        "presence",
        0,
        |c, _| {
            let presence = Presence {
                state: PresenceState::Online,
                boot_id: c.boot,
                config_hash: 7,
                version: "1".into(),
            };
            vec![message("presence", true, &presence)]
        },
        "Config: its hash is ",
    );
    check(
        "1s",
        29,
        |c, _| {
            vec![message(
                "status/traffic.count/1s",
                false,
                &c.kept(START + Duration::from_secs(3600), 29, Counts::default()),
            )]
        },
        "Clock: mow/cao/C/status/traffic.count/1s: 3571.0 s apart",
    );
    check(
        "1s",
        29,
        |_, _| {
            vec![message(
                "status/traffic.count/1s",
                false,
                &Status { entries: vec![Entry::new(START + Duration::from_secs(29), 0, Counts::default())] },
            )]
        },
        "Boot: traffic.count/1s: None",
    );
}

#[test]
fn silence_is_heard() {
    let said = broken(|_, n, m| if n > 10 && m.topic.contains("tlc.groups") { vec![] } else { vec![m] });
    assert_eq!(said, ["GroupsEachSecond: 20.0 s of silence"]);
    let said = broken(|_, n, m| if n > 0 && m.topic.contains("tlc.mode") { vec![] } else { vec![m] });
    assert_eq!(said, ["ModeEachTenSeconds: 30.0 s of silence"]);
}

fn alarm(severity: u8) -> Message {
    let alarm = Alarm { component: String::new(), severity, active: true, since: START, message: "x".into() };
    message("alarm/tlc.lamp", false, &Alarms { full: false, alarms: vec![alarm] })
}

#[test]
fn what_must_be_refused_is() {
    let answer = |spoil: fn(&Probe, CommandResult) -> Vec<CommandResult>| {
        let cabinet = Cabinet::new();
        let mut inspector = Inspector::new(node());
        assert_eq!(inspector.probes(START), [], "nothing is known of it yet");
        for message in cabinet.first().into_iter().chain(cabinet.second(0)) {
            inspector.heard(START, &message);
        }
        let probes = inspector.probes(START);
        for (place, probe) in probes.iter().enumerate() {
            let (state, reason) = probe.expected;
            let result = CommandResult { cmd_id: probe.command.cmd_id, state, reason, detail: String::new() };
            for _ in 0..if place == 0 { 2 } else { 1 } {
                for said in spoil(probe, result.clone()) {
                    let correlation = Some(Bytes::copy_from_slice(said.cmd_id.as_bytes()));
                    inspector.answered(&Message { correlation, ..message("result", false, &said) });
                }
            }
        }
        let findings = inspector.report(START);
        let of = |rule| findings.iter().find(|f| f.rule == rule).map(|f| f.verdict.clone()).unwrap();
        (of(Rule::Answers), of(Rule::Repeated))
    };
    assert_eq!(answer(|_, right| vec![right]), (Verdict::Kept(9), Verdict::Kept(1)));
    let obeyed = answer(|probe, right| match probe.fault {
        "run out" => vec![CommandResult { state: ResultState::Applied, reason: None, ..right }],
        _ => vec![right],
    });
    let how = "run out: (Applied, None) instead of (Expired, None)".to_owned();
    assert_eq!(obeyed, (Verdict::Broken(1, how), Verdict::Kept(1)));
    let silent = answer(|_, _| vec![]);
    assert!(matches!(silent, (Verdict::Broken(9, _), Verdict::Unseen)), "{silent:?}");
}
