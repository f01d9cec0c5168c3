//! The demo: a small city, lived through from outside.

use end_to_end::{
    http::{get, post, post_text, wait_for},
    peers::{installed, listen},
    places::{ours, python_tools},
    program::{Program, run, wait_until},
};
use serde_json::{Value, json};
use std::process::Command;
use wire::message::{Mode, Rung, Status};

/// A running demo and where it is.
pub(crate) struct Demo {
    pub(crate) program: Program,
    pub(crate) url: String,
    pub(crate) mqtt: u16,
    pub(crate) modbus: u16,
    /// Who may give orders, with the passwords that this start has made.
    people: Vec<(String, String)>,
}

impl Demo {
    pub(crate) fn start(arguments: &[&str]) -> Demo {
        let mut command = Command::new(ours("city"));
        command.args(["demo", "--listen", "127.0.0.1:0"]).args(arguments);
        let mut program = Program::start("city demo", &mut command);
        let url = program
            .wait_for_line("  page ")
            .split_whitespace()
            .last()
            .unwrap()
            .trim_end_matches('/')
            .to_owned();
        let port = |line: &str| {
            line.split_whitespace().find_map(|w| w.strip_prefix("127.0.0.1:")?.parse().ok()).unwrap()
        };
        let mqtt = port(&program.wait_for_line("  MQTT 5 "));
        let modbus = port(&program.wait_for_line("  Modbus TCP "));
        program.wait_for_line("Ctrl-C ends it");
        let output = program.output();
        let people = output.lines().filter_map(|l| {
            let (login, password) = l.split_once("curl -u ")?.1.trim_end_matches(')').split_once(':')?;
            Some((login.to_owned(), password.to_owned()))
        });
        let people: Vec<(String, String)> = people.collect();
        assert_eq!(people.len(), 3, "{output}");
        Demo { program, url, mqtt, modbus, people }
    }

    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// All of them, as `curl -u` takes each.
    pub(crate) fn people(&self) -> String {
        let all: Vec<String> =
            self.people.iter().map(|(login, password)| format!("{login}:{password}")).collect();
        all.join(",")
    }

    fn person(&self, login: &str) -> &(String, String) {
        self.people.iter().find(|(name, _)| name == login).expect("somebody of the demo")
    }

    /// The same, asked as somebody with an account.
    pub(crate) fn as_(&self, login: &str, path: &str) -> String {
        let (login, password) = self.person(login);
        format!("{}{path}", self.url.replacen("://", &format!("://{login}:{password}@"), 1))
    }

    /// Waits until every junction does what the centre wants.
    pub(crate) fn wait_until_adaptive(&self) -> Value {
        wait_for(&self.at("/api/v1/health"), "every junction adaptive", |health| {
            let total = health["junctions"]["total"].as_u64().unwrap_or(0);
            total > 0 && health["junctions"]["by_mode"]["adaptive"].as_u64() == Some(total)
        })
    }
}

#[test]
fn a_city_lives_and_can_be_asked_ordered_and_ended() {
    let mut demo = Demo::start(&["--junctions", "20", "--speed", "2"]);
    demo.wait_until_adaptive();

    // The street speaks RSMP 4 on the broker, and no command is retained.
    let heard = listen(demo.mqtt, "#");
    for topic in [
        "/presence",
        "/status/tlc.groups/live",
        "/status/traffic.count/1s",
        "/status/tlc.events/hires",
        "/command/tlc.",
    ] {
        wait_until(&format!("a message on …{topic}"), || heard.output().contains(topic).then_some(()));
    }
    let retained_command = heard
        .output()
        .lines()
        .find(|l| l.starts_with("retained=1") && l.contains("/command/"))
        .map(str::to_owned);
    assert_eq!(retained_command, None);

    // A decision is explained, stored, and comes back.
    let list = get(&demo.at("/api/v1/junctions")).unwrap().json;
    let id = list["junctions"][3]["id"].as_str().unwrap().to_owned();
    let junction = demo.at(&format!("/api/v1/junctions/{id}"));
    let detail = wait_for(&junction, "a decision with alternatives", |j| {
        j["decision"]["alternatives"].as_array().is_some_and(|a| a.len() > 1)
    });
    assert!(
        detail["groups"]
            .as_array()
            .is_some_and(|g| g.iter().any(|g| g["lamp"] == "green" || g["lamp"] == "red"))
    );
    assert!(detail["drawing"]["lanes"].as_array().is_some_and(|l| !l.is_empty()));
    wait_for(&format!("{junction}/events"), "stored hi-res events", |e| {
        !e["events"].as_array().unwrap().is_empty()
    });
    wait_for(&format!("{junction}/decisions"), "stored decisions", |d| {
        !d["decisions"].as_array().unwrap().is_empty()
    });
    wait_for(&format!("{junction}/intervals"), "stored readings", |i| {
        !i["intervals"].as_array().unwrap().is_empty()
    });

    // An operator holds a stage; it is in force, and ends by itself.
    let order = json!({"stage": 1, "reason": "check", "expires_in_s": 30});
    let control = demo.as_("duty", &format!("/api/v1/junctions/{id}/control"));
    let nobodys = post(&format!("{junction}/control"), &order);
    assert_eq!((nobodys.status, &nobodys.json["type"]), (401, &json!("/problems/sign-in")));
    let answer = post(&control, &order);
    assert_eq!(answer.status, 202, "{answer:?}");
    wait_for(&junction, "stage 1 held", |j| j["state"]["hold"] == true && j["state"]["stage"] == 1);
    wait_for(&junction, "the hold over", |j| j["state"]["hold"] == false);

    // Another kind of control, city-wide: it takes two.
    let order = json!({"kind": "actuated", "reason": "check", "expires_in_s": 600});
    let proposed = post(&demo.as_("duty", "/api/v1/control"), &order);
    assert_eq!((proposed.status, &proposed.json["command"]["state"]), (202, &json!("proposed")));
    let proposal = format!("/api/v1/proposals/{}", proposed.json["command"]["id"].as_str().unwrap());
    assert_eq!(post(&demo.as_("duty", &proposal), &json!({})).status, 403);
    assert_eq!(post(&demo.as_("chief", &proposal), &json!({})).status, 202);
    wait_for(&demo.at("/api/v1/junctions"), "actuated everywhere", |list| {
        list["junctions"].as_array().unwrap().iter().all(|j| j["state"]["kind"] == "actuated")
    });

    // A journey on live link times says how old they are.
    let place = |i: usize| {
        let at = &list["junctions"][i]["at"];
        format!("{},{}", at[1], at[0])
    };
    let journey = format!("/api/v1/plan?fromPlace={}&toPlace={}&directModes=CAR,WALK", place(0), place(7));
    let plan =
        wait_for(&demo.at(&journey), "a journey with traffic", |p| p["traffic"]["ageSeconds"].is_number());
    assert_eq!(plan["direct"].as_array().unwrap().len(), 2, "{plan}");

    // What was done stands in the audit under the names of those who did it, and its chain is whole.
    wait_for(&demo.as_("duty", "/api/v1/audit?contains=agreed"), "the second person in the audit", |a| {
        a["lines"].as_array().is_some_and(|l| {
            l.iter().any(|l| {
                let entry = l["entry"].as_str().unwrap();
                entry.contains("(duty), agreed to by") && entry.contains("(chief)")
            })
        })
    });
    let checked = get(&demo.as_("chief", "/api/v1/audit/check")).unwrap().json;
    assert!(checked["broken"].is_null() && checked["lines"].as_u64() > Some(2), "{checked}");

    // A corridor: what its plan lets pass, what the widest bands are, and what its lamps did.
    let corridors = get(&demo.at("/api/v1/corridors")).unwrap().json;
    let corridor =
        demo.at(&format!("/api/v1/corridors/{}", corridors["corridors"][0]["id"].as_str().unwrap()));
    let planned = get(&corridor).unwrap().json;
    let stops = planned["stops"].as_array().unwrap();
    assert!(stops.len() >= 2 && stops.iter().all(|s| s["at_m"].is_number()), "{planned}");
    let widest = get(&format!("{corridor}?design=widest")).unwrap().json;
    let both = |c: &Value| {
        c["band"]["lasts_s"].as_f64().unwrap() + c["band_back"]["lasts_s"].as_f64().unwrap_or(0.0)
    };
    assert!(both(&widest) >= both(&planned) - 0.2, "{} {}", both(&widest), both(&planned));
    wait_for(&format!("{corridor}/lamps"), "stored lamps", |l| {
        l["stops"]
            .as_array()
            .unwrap()
            .iter()
            .any(|s| s["out"].as_array().unwrap().iter().any(|c| c[1] == "green"))
    });
    assert_eq!(get(&format!("{corridor}?offsets=1")).unwrap().status, 422);

    // Mistakes are problems.
    for (what, answer) in [
        ("no such junction", get(&demo.at("/api/v1/junctions/nowhere")).unwrap()),
        ("no such page", get(&demo.at("/api/v1/nothing")).unwrap()),
        ("no reason", post(&control, &json!({"stage": 1, "reason": "", "expires_in_s": 9}))),
        ("no such stage", post(&control, &json!({"stage": 99, "reason": "r", "expires_in_s": 9}))),
        ("wrong JSON", post_text(&control, "{\"stage\": ")),
        ("no place", get(&demo.at("/api/v1/plan?fromPlace=here&toPlace=there")).unwrap()),
    ] {
        assert!((400..500).contains(&answer.status), "{what}: {answer:?}");
        assert_eq!(answer.kind, "application/problem+json", "{what}");
        assert!(answer.json["detail"].as_str().is_some_and(|d| !d.is_empty()), "{what}: {answer:?}");
    }
    let document = get(&demo.at("/api/openapi.json")).unwrap().json;
    assert!(
        document["paths"]["/api/v1/plan"].is_object() && document["paths"]["/api/v1/junctions"].is_object()
    );

    // Other programs read the devices.
    let (code, said) = run(Command::new(installed("mbpoll", "mbpoll")).args([
        "-m",
        "tcp",
        "-a",
        "1",
        "-0",
        "-t",
        "3",
        "-r",
        "0",
        "-c",
        "5",
        "-1",
        "-p",
        &demo.modbus.to_string(),
        "127.0.0.1",
    ]));
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.lines().any(|l| l.starts_with("[0]:") && l.trim_end().ends_with('1')),
        "layout version 1 in\n{said}"
    );
    pymodbus_reads(demo.modbus);

    // Rubbish stops nothing.
    let publish = installed("mosquitto_pub", "mosquitto-clients");
    let topic = format!("mow/cao/{id}/status/tlc.groups/live");
    run(Command::new(publish).args([
        "-V",
        "5",
        "-h",
        "127.0.0.1",
        "-p",
        &demo.mqtt.to_string(),
        "-t",
        &topic,
        "-m",
        "rubbish",
    ]));
    wait_for(&demo.at("/api/v1/health"), "the rubbish counted by name", |h| {
        h["rejected"].as_object().is_some_and(|r| r.keys().any(|k| k.contains("malformed")))
    });

    demo.program.signal("INT");
    assert_eq!(demo.program.wait().code(), Some(0), "Ctrl-C ends it cleanly");
}

fn pymodbus_reads(port: u16) {
    let script = format!(
        "from pymodbus.client import ModbusTcpClient as C\n\
         c = C('127.0.0.1', port={port}); assert c.connect()\n\
         r = c.read_input_registers(0, count=18, device_id=1); assert not r.isError(), r\n\
         assert r.registers[0] == 1 and r.registers[4] > 0, r.registers\n\
         w = c.write_registers(1, [999, 5], device_id=1); assert w.isError(), 'an unknown stage was taken'\n\
         f = c.read_coils(0, count=1, device_id=1); assert f.isError(), 'a function that is not there'\n\
         print('right')\n"
    );
    let python = python_tools().join("bin/python");
    let (code, said) = run(Command::new(&python).args(["-c", &script]));
    assert_eq!((code, said.trim()), (Some(0), "right"), "pymodbus with {}", python.display());
}

#[test]
fn without_the_centre_junctions_run_their_plans_and_come_back() {
    let demo = Demo::start(&["--junctions", "20", "--speed", "4", "--chaos", "controller"]);
    let modes = {
        let sub = installed("mosquitto_sub", "mosquitto-clients");
        let mut command = Command::new(sub);
        command.args(["-V", "5", "-h", "127.0.0.1", "-p", &demo.mqtt.to_string()]);
        command.args(["-t", "+/+/+/status/tlc.mode/live", "-F", "%t %x"]);
        Program::start("mosquitto_sub", &mut command)
    };
    let said = |rung: Rung, reason: &str| {
        modes.output().lines().filter_map(mode_of).filter(|m| m.rung == rung && m.reason == reason).count()
    };
    demo.wait_until_adaptive();
    wait_until("the centre to be away", || (get(&demo.at("/api/v1/health"))?.status == 503).then_some(()));
    wait_until("local plans for want of a lease", || {
        (said(Rung::Coordinated, "lease lapsed") >= 20).then_some(())
    });
    demo.wait_until_adaptive();
}

fn mode_of(line: &str) -> Option<Mode> {
    let (_, hex) = line.split_once(' ')?;
    let bytes: Vec<u8> = (0..hex.len() / 2)
        .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16))
        .collect::<Result<_, _>>()
        .ok()?;
    let status: Status<Mode> = wire::codec::decode("tlc.mode", &bytes).ok()?;
    status.entries.into_iter().next_back().map(|e| e.values)
}
