//! The broker as we ship it, with certificates and an access list: who is let in, and what each may say.

use end_to_end::{
    peers::{Authority, installed},
    program::{Program, free_port, run, wait_until},
    stack::Stack,
    tap::Tap,
};
use std::process::Command;

/// Publishes as somebody, and gives what the client says of it.
fn publish(port: u16, identity: &[String], topic: &str) -> String {
    let publish = installed("mosquitto_pub", "mosquitto-clients");
    let mut command = Command::new(publish);
    command.args([
        "-V",
        "5",
        "-q",
        "1",
        "-h",
        "127.0.0.1",
        "-p",
        &port.to_string(),
        "-t",
        topic,
        "-m",
        "hello",
    ]);
    let (code, said) = run(command.args(identity));
    format!("{said}{}", code.map_or(String::new(), |code| format!("exit {code}")))
}

#[test]
fn a_certificate_speaks_for_its_own_cabinet_and_nobody_without_one_is_heard() {
    let authority = Authority::start();
    let broker = free_port();
    let tap = Tap::on(broker);
    let stack = Stack::secured(&authority, broker, tap.port);
    let _simulator = stack.start("simulator", "simulator.toml");
    let _controller = stack.start("controller", "controller-postgres.toml");
    let _agent = stack.start("edge-agent", "edge-agent.toml");
    // The whole city works with certificates and no other right than the list gives.
    stack.wait_for_control();

    authority.issue(&["7", "stranger"]);
    let centre = authority.identity("centre-1");
    let mut subscribe = Command::new(installed("mosquitto_sub", "mosquitto-clients"));
    subscribe.args(["-V", "5", "-h", "127.0.0.1", "-p", &broker.to_string(), "-t", "mow/+/+/alarm/#"]);
    let listener = Program::start("mosquitto_sub", subscribe.args(["-F", "%t"]).args(&centre));
    let (cabinet, stranger) = (authority.identity("7"), authority.identity("stranger"));
    // The subscription is in force once one's own is heard.
    wait_until("an alarm of cabinet 7 to be heard", || {
        publish(broker, &cabinet, "mow/x/7/alarm/tlc.first");
        listener.output().contains("mow/x/7/alarm/tlc.first").then_some(())
    });

    let refused = |identity: &[String], topic: &str| {
        let said = publish(broker, identity, topic);
        assert!(said.contains("Not authorized"), "{topic}: {said}");
    };
    refused(&cabinet, "mow/x/8/alarm/tlc.other");
    refused(&cabinet, "mow/x/8/status/tlc.groups/live");
    refused(&cabinet, "mow/x/7/command/tlc.lease");
    refused(&cabinet, "mow/x/8/command/tlc.lease");
    refused(&cabinet, "mow/x/8/stored/tlc.events/hires");
    // Nor may it call itself a centre or a fleet: its statuses are a cabinet's.
    refused(&cabinet, "mow/centre/7/status/traffic.links/live");
    refused(&cabinet, "mow/transit/7/status/vehicle.positions/live");
    refused(&stranger, "mow/x/8/alarm/tlc.other");
    refused(&authority.identity("routing-1"), "mow/x/8/command/tlc.stage.request");
    refused(&authority.identity("fleet"), "mow/centre/centre-1/status/traffic.links/live");

    // Nobody at all without a certificate, or with one of another authority.
    let elsewhere = Authority::start();
    elsewhere.issue(&["centre-1"]);
    let mut forged = elsewhere.identity("centre-1");
    forged[1] = authority.file("ca.pem").display().to_string();
    let bare = authority.identity("7")[..2].to_vec();
    for (who, identity) in [("nobody", bare), ("a forger", forged), ("plain text", vec![])] {
        let said = publish(broker, &identity, "mow/x/7/alarm/tlc.forged");
        assert!(!said.contains("exit 0"), "{who} was let in: {said}");
    }

    publish(broker, &cabinet, "mow/x/7/alarm/tlc.last");
    wait_until("the last alarm to be heard", || listener.output().contains("tlc.last").then_some(()));
    let heard = listener.output();
    assert!(!heard.contains("tlc.other") && !heard.contains("tlc.forged"), "{heard}");

    // What went over the agents' cable was a good deal, and nothing of it could be read.
    let heard = [tap.there(), tap.back()];
    assert!(heard.iter().all(|bytes| bytes.len() > 10_000), "{:?}", heard.each_ref().map(Vec::len));
    for word in ["mow/", "presence", "tlc.", "signalgroupstatus", "MQTT"] {
        let plain = |bytes: &Vec<u8>| bytes.windows(word.len()).any(|w| w == word.as_bytes());
        assert!(!heard.iter().any(plain), "{word:?} went over the cable in plain text");
    }
}
