//! What a command may do to a device, seen on the device's own cable.

use end_to_end::{
    peers::installed,
    places::ours,
    program::{Program, run, wait_until},
    stack::Stack,
    tap::Tap,
};
use serde::de::DeserializeOwned;
use std::{fs, process::Command as Process, time::Duration};
use uuid::Uuid;
use wire::{
    clock::Clock,
    codec,
    command::{Body, Command},
    message::{Groups, Presence, Status},
    result::{CommandResult, Reason, ResultState},
};

const RESULTS: &str = "mow/centre/by-hand/result/tlc.stage.request";

/// How often the settings of the device were written, by the questions on its cable (Modbus TCP: transaction, protocol 0,
/// length, unit, function, register).
fn settings_written(tap: &Tap) -> usize {
    const WRITE: u8 = 16;
    const STAGE: u16 = wire::register_map::CommandBlock::STAGE;
    let bytes = tap.there();
    let (mut at, mut writes) = (0, 0);
    while let Some(head) = bytes.get(at..at + 10) {
        assert_eq!(head[2..4], [0, 0], "no Modbus TCP");
        let register = u16::from_be_bytes([head[8], head[9]]);
        writes += usize::from(head[7] == WRITE && register == STAGE);
        at += 6 + usize::from(u16::from_be_bytes([head[4], head[5]]));
    }
    writes
}

/// The next message on a topic, as mosquitto's client sees it.
fn next<M: DeserializeOwned>(port: u16, topic: &str) -> M {
    let mut command = Process::new(installed("mosquitto_sub", "mosquitto-clients"));
    command.args(["-V", "5", "-p", &port.to_string(), "-t", topic, "-C", "1", "-W", "60", "-F", "%x"]);
    let (code, said) = run(&mut command);
    assert_eq!(code, Some(0), "{topic}: {said}");
    decode(said.trim())
}

fn decode<M: DeserializeOwned>(hex: &str) -> M {
    let byte = |i: usize| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).expect("hexadecimal");
    let bytes: Vec<u8> = (0..hex.len() / 2).map(byte).collect();
    codec::decode("a message", &bytes).expect("our own message")
}

#[test]
fn the_same_command_three_times_is_one_write_and_what_must_be_refused_is_none() {
    let stack = Stack::install();
    let here = stack.folder();
    let city: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(here.join("data/city.json")).unwrap()).unwrap();
    let of = |key: &str| city["junctions"][0][key].as_str().unwrap().to_owned();
    let (junction, district) = (of("id"), of("district"));
    let node = format!("mow/{district}/{junction}");

    // The agent of the first junction alone, its cable tapped. No centre is there.
    let tap = Tap::on(stack.modbus);
    let shipped = fs::read_to_string(here.join("configs/edge-agent.toml")).unwrap();
    let head = shipped.split("[fleet]").next().unwrap();
    let cabinet = format!(
        "[[cabinet]]\njunction = \"{junction}\"\naddress = \"127.0.0.1:{}\"\nmap = \"configs/devices/svetofor-tlc.toml\"\nlimits = \"data/city.json\"\n",
        tap.port
    );
    fs::write(here.join("configs/edge-agent-one.toml"), format!("{head}{cabinet}")).unwrap();
    let _simulator = stack.start("simulator", "simulator.toml");
    let _agent = stack.start("edge-agent", "edge-agent-one.toml");
    let broker = stack.mosquitto.port;
    let groups = format!("{node}/status/tlc.groups/live");
    next::<Status<Groups>>(broker, &groups);
    let at_rest = settings_written(&tap);

    // Ten commands of nine kinds that must be refused, and the contract besides.
    let mut check = Process::new(ours("wire"));
    check.args(["check", "--broker", &format!("127.0.0.1:{broker}"), "--node", &node, "--seconds", "13"]);
    let (code, said) = run(check.args(["--commands", "this_node_is_not_on_the_street"]));
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(" 0 broken"), "{said}");
    assert!(
        said.contains("asking 9 times") && !said.contains("unseen  a command that must be refused"),
        "{said}"
    );
    assert_eq!(settings_written(&tap), at_rest, "a refused command was written: {said}");

    // And one that is good: the stage in which the device is may always be asked for.
    let mut hear = Process::new(installed("mosquitto_sub", "mosquitto-clients"));
    hear.args(["-V", "5", "-p", &broker.to_string(), "-t", RESULTS, "-F", "%x"]);
    let answers = Program::start("mosquitto_sub", &mut hear);
    let final_answers = |id: Uuid| -> Vec<CommandResult> {
        let all = answers.output();
        let all = all.lines().map(decode::<CommandResult>);
        all.filter(|r| r.cmd_id == id && !matches!(r.state, ResultState::Received | ResultState::Accepted))
            .collect()
    };
    let presence: Presence = next(broker, &format!("{node}/presence"));
    let message = here.join("command.cbor");
    let send = || {
        let mut publish = Process::new(installed("mosquitto_pub", "mosquitto-clients"));
        publish.args(["-V", "5", "-q", "1", "-p", &broker.to_string()]);
        publish.args(["-t", &format!("{node}/command/tlc.stage.request"), "-f"]).arg(&message);
        publish.args(["-D", "PUBLISH", "response-topic", RESULTS]);
        let (code, said) = run(publish.args(["-D", "PUBLISH", "correlation-data", "by hand"]));
        assert_eq!(code, Some(0), "{said}");
    };
    let made = |epoch: u64, seq: u64, groups: &Groups, stage: u16| {
        let command = Command {
            cmd_id: Uuid::now_v7(),
            epoch,
            seq,
            boot_id: presence.boot_id,
            config_hash: presence.config_hash,
            ref_tick: groups.ref_tick,
            expires_at: Clock::real().now() + Duration::from_secs(5),
            lease_s: 100,
            body: Body::Stage(stage),
        };
        fs::write(&message, codec::encode(&command)).unwrap();
        send();
        let answer = wait_until("its answer", || final_answers(command.cmd_id).pop());
        (command.cmd_id, answer)
    };
    let seen = || next::<Status<Groups>>(broker, &groups).entries.pop().map(|entry| entry.values);
    // A request may come in the wrong moment, within an interstage, and is refused then; a fresh one is made.
    let mut seq = 0;
    let id = wait_until("a stage request to be applied", || {
        let live = seen()?;
        seq += 1;
        let (id, answer) = made(1, seq, &live, live.stage);
        (answer.state == ResultState::Applied).then_some(id)
    });
    let written = settings_written(&tap);
    assert_eq!(written, at_rest + 1);
    send();
    send();
    let answers = wait_until("three answers", || Some(final_answers(id)).filter(|all| all.len() == 3));
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(settings_written(&tap), written, "a repetition was written");
    // Three kinds more that must be refused, now that a good one went before.
    let live = seen().unwrap();
    for (what, (_, answer), reason) in [
        ("of another epoch", made(0, seq + 1, &live, live.stage), Reason::StaleEpoch),
        ("of a number that was used", made(1, seq, &live, live.stage), Reason::StaleSeq),
        ("for a stage that is not there", made(1, seq + 2, &live, 999), Reason::Unsafe),
    ] {
        assert_eq!(answer.reason, Some(reason), "{what}: {answer:?}");
    }
    assert_eq!(settings_written(&tap), written, "a refused command was written");
}
