//! A load of cabinets, as those use it who measure brokers and centres.

use end_to_end::{places::ours, program::Program, stack::Stack};
use std::process::Command;

#[test]
fn a_load_of_cabinets_is_steered_like_a_street() {
    let stack = Stack::install();
    let _controller = stack.start("controller", "controller-postgres.toml");
    let broker = format!("127.0.0.1:{}", stack.mosquitto.port);
    let mut fleet = Command::new(ours("simulator"));
    fleet.current_dir(stack.folder());
    fleet.args(["fleet", "--city", "data/city.json", "--gateways", "3", "--events", "--ramp", "1"]);
    let mut fleet = Program::start("simulator", fleet.args(["--broker", &broker]));
    let health = stack.wait_for_control();
    assert_eq!(health["junctions"]["total"], 20, "{health}");
    fleet.signal("INT");
    assert_eq!(fleet.wait().code(), Some(0));
    let said = fleet.output();
    let figures: serde_json::Value =
        serde_json::from_str(said.lines().find(|line| line.starts_with('{')).expect(&said)).unwrap();
    assert_eq!((&figures["online"], &figures["dropped"]), (&20.into(), &0.into()), "{figures}");
    assert!(figures["states"].as_u64() >= Some(20) && figures["commands"].as_u64() >= Some(20), "{figures}");
}
