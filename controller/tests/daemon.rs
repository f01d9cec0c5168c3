//! The centre as a daemon: a real broker, a real port, a real process. A hand-made cabinet stands in for the
//! street. Skipped, with a word, where mosquitto is not installed.

use model::{city::City, signal::Lamp, time::Moment};
use std::{
    io::Write,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::Instant,
};
use uuid::Uuid;
use wire::{
    clock::Clock,
    codec,
    command::Body,
    link::{self, Inbox, Incoming, LinkConfig, Outgoing, Publisher},
    message::{Entry, Groups, Mode, Presence, PresenceState, Rung, Status, letter},
    result::{CommandResult, ResultState},
    topic::{Kind, Node, StatusCode},
};

const CONTROLLER: &str = env!("CARGO_BIN_EXE_controller");

/// Long enough for a loaded machine; every wait ends as soon as its state is there.
const PATIENCE: Duration = Duration::from_secs(60);

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A process that ends with the test.
struct Ours(Child);

impl Drop for Ours {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn broker(port: u16) -> Option<Ours> {
    let started = Command::new("mosquitto")
        .args(["-p", &port.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    match started {
        Ok(child) => Some(Ours(child)),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "skipped: mosquitto could not be started: {error}");
            None
        }
    }
}

fn city() -> City {
    model::sketch::city("W---C---E\n    |\n    |\n    |\n    |\n    S", "C")
}

fn config(folder: &Path, mqtt: u16, http: u16) -> String {
    let (city, store) = (folder.join("city.json"), folder.join("data/centre.sqlite"));
    format!(
        r#"
instance = "centre-1"
[city]
file = "{}"
time_zone = "Europe/Moscow"
[broker]
host = "127.0.0.1"
port = {mqtt}
keep_alive_s = 5
[http]
listen = "127.0.0.1:{http}"
[access]
nobody_signs_in = "yes_anybody_may_give_orders"
[store.embedded]
path = "{}"
keep_days = 1
[control]
kind = "fixed"
lease_s = 15
[measures]
interval_s = 20
level_of_service = [0.80, 0.67, 0.50, 0.40, 0.30]

[tickets]
accept_within_min = [5, 60, 480]
mend_within_h = [4, 24, 72]
proof_min = 10
"#,
        city.display(),
        store.display()
    )
}

fn start(folder: &Path, text: &str) -> Ours {
    let file = folder.join("controller.toml");
    std::fs::write(&file, text).unwrap();
    std::fs::write(folder.join("city.json"), serde_json::to_vec(&city()).unwrap()).unwrap();
    let logs = std::fs::File::create(folder.join("controller.log")).unwrap();
    Ours(Command::new(CONTROLLER).arg("--config").arg(file).stderr(logs).spawn().unwrap())
}

/// One answer over a real socket: status line and body.
async fn http(port: u16, request: &str) -> Option<(u16, String)> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut socket = tokio::net::TcpStream::connect(address).await.ok()?;
    socket.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.ok()?;
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    Some((status, answer.split_once("\r\n\r\n")?.1.to_owned()))
}

async fn get(port: u16, path: &str) -> Option<serde_json::Value> {
    let request = format!("GET {path} HTTP/1.0\r\nHost: centre\r\n\r\n");
    let (status, body) = http(port, &request).await?;
    (status == 200).then(|| serde_json::from_str(&body).ok()).flatten()
}

async fn until<T>(what: &str, mut there: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if let Some(value) = there().await {
            return value;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("waited {PATIENCE:?} for {what}");
}

/// A cabinet that does at once what it is asked, and says so.
struct Cabinet {
    city: City,
    node: Node,
    publisher: Publisher,
    inbox: Inbox,
    boot: Uuid,
    began: Moment,
    stage: u16,
    since: Moment,
}

impl Cabinet {
    async fn connect(port: u16) -> Cabinet {
        let city = city();
        let node = Node::cabinet(&city.junctions[0].district, &city.junctions[0].id);
        let mut config = LinkConfig::new("127.0.0.1", port, "cabinet");
        config.filters.insert(format!("{node}/command/#"));
        let (publisher, mut inbox) = link::connect(config);
        while inbox.next().await != Some(Incoming::Connected) {}
        let now = Clock::real().now();
        Cabinet { city, node, publisher, inbox, boot: Uuid::now_v7(), began: now, stage: 1, since: now }
    }

    fn speak(&self) {
        let (now, junction) = (Clock::real().now(), &self.city.junctions[0]);
        let presence = Presence {
            state: PresenceState::Online,
            boot_id: self.boot,
            config_hash: junction.config_hash(),
            version: "test".into(),
        };
        self.publisher
            .publish(Outgoing::retained(self.node.topic(&Kind::Presence), codec::encode(&presence)));
        let green = &junction.stages[usize::from(self.stage) - 1];
        let shown = |g: &model::signal::SignalGroup| {
            letter(if green.has(g.number) { Lamp::Green } else { Lamp::Red })
        };
        let groups = Groups {
            signalgroupstatus: junction.groups.iter().map(shown).collect(),
            stage: self.stage,
            cyclecounter: 0,
            basecyclecounter: 0,
            ages: vec![(now.since(self.since).as_millis() / 100) as u32; junction.groups.len()],
            interstage: false,
            wanted: self.stage,
            ref_tick: now.since(self.began).as_millis() as u64,
        };
        self.say(StatusCode::Groups, now, groups);
        let reason = "lease held".to_owned();
        let mode = Mode { rung: Rung::Adaptive, since: self.began, reason, plan: 1, lease_until: None };
        self.say(StatusCode::Mode, now, mode);
    }

    fn say<V: serde::Serialize>(&self, code: StatusCode, ts: Moment, values: V) {
        let status = Status { entries: vec![Entry::new(ts, 0, values)] };
        self.publisher.publish(Outgoing::live(self.node.topic(&Kind::Status(code)), codec::encode(&status)));
    }

    /// Obeys what has come; the bodies of the commands.
    fn obey(&mut self) -> Vec<wire::command::Command> {
        let mut obeyed = Vec::new();
        while let Some(incoming) = self.inbox.try_next() {
            let Incoming::Message(message) = incoming else { continue };
            assert!(!message.retain, "a command was retained: {}", message.topic);
            let command: wire::command::Command = codec::decode("command", &message.payload).unwrap();
            assert_eq!(message.correlation.as_deref(), Some(command.cmd_id.as_bytes().as_slice()));
            assert_eq!(command.boot_id, self.boot);
            if let Body::Stage(stage) = command.body
                && stage != self.stage
            {
                (self.stage, self.since) = (stage, Clock::real().now());
            }
            let result = CommandResult {
                cmd_id: command.cmd_id,
                state: ResultState::Applied,
                reason: None,
                detail: String::new(),
            };
            let answer = message.response_topic.expect("a command says where its answer goes");
            self.publisher.publish(Outgoing::result(answer, codec::encode(&result), message.correlation));
            obeyed.push(command);
        }
        obeyed
    }
}

#[tokio::test]
async fn a_cabinet_is_heard_commanded_and_remembered() {
    let (mqtt, port) = (free_port(), free_port());
    let folder = tempfile::tempdir().unwrap();
    // The centre comes first: no broker is ordinary, and it says so.
    let text = config(folder.path(), mqtt, port);
    let mut centre = start(folder.path(), &text);
    let health = until("the API", async || get(port, "/api/v1/health").await).await;
    assert_eq!(health["broker"]["state"], "down");
    let Some(_broker) = broker(mqtt) else { return };

    let mut cabinet = until("the broker", async || Some(Cabinet::connect(mqtt).await)).await;
    let first = until("a command", async || {
        cabinet.speak();
        cabinet.obey().pop()
    })
    .await;
    until("the junction to show what is wanted", async || {
        cabinet.speak();
        cabinet.obey();
        let detail = get(port, "/api/v1/junctions/C").await?;
        let applied =
            detail["commands"].as_array()?.iter().any(|c| c["what"] == "lease" && c["state"] == "applied");
        (detail["state"]["matches"] == true && detail["state"]["actual"] == "adaptive" && applied)
            .then_some(())
    })
    .await;

    // An operator holds the other stage; the cabinet is asked for it.
    let other = 3 - cabinet.stage;
    let body = format!(r#"{{"stage":{other},"who":"test","reason":"to see it","expires_in_s":60}}"#);
    let request = format!(
        "POST /api/v1/junctions/C/control HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(http(port, &request).await.unwrap().0, 202);
    until("the other stage", async || {
        cabinet.speak();
        cabinet.obey();
        (cabinet.stage == other).then_some(())
    })
    .await;
    until("the decision in the store", async || {
        cabinet.speak();
        cabinet.obey();
        let stored = get(port, "/api/v1/junctions/C/decisions").await?;
        stored["decisions"].as_array()?.iter().any(|d| d["stage"] == other).then_some(())
    })
    .await;

    // Garbage is counted, named, and stops nothing.
    cabinet
        .publisher
        .publish(Outgoing::kept(cabinet.node.topic(&Kind::Status(StatusCode::Groups)), vec![0xff; 9]));
    until("the garbage to be counted", async || {
        cabinet.speak();
        cabinet.obey();
        let health = get(port, "/api/v1/health").await?;
        (health["rejected"]["mqtt.malformed.tlc.groups"] == 1).then_some(())
    })
    .await;

    // kill -9, start anew: a newer epoch commands, and numbers go on.
    drop(centre);
    centre = start(folder.path(), &text);
    let second = until("a command of the new centre", async || {
        cabinet.speak();
        cabinet.obey().into_iter().find(|c| c.epoch != first.epoch)
    })
    .await;
    assert!(second.epoch > first.epoch, "{} after {}", second.epoch, first.epoch);
    let stored = until("the store", async || get(port, "/api/v1/junctions/C/decisions").await).await;
    assert!(!stored["decisions"].as_array().unwrap().is_empty());

    // An orderly end says so.
    let id = centre.0.id().to_string();
    assert!(Command::new("kill").arg(&id).status().unwrap().success());
    let code = until("the orderly end", async || centre.0.try_wait().unwrap()).await;
    let log = std::fs::read_to_string(folder.path().join("controller.log")).unwrap();
    assert!(code.success(), "{log}");
}

fn run(arguments: &[&str]) -> Output {
    Command::new(CONTROLLER).args(arguments).output().unwrap()
}

#[test]
fn wrong_usage_and_files_are_sentences_and_exit_64() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let check = |arguments: &[&str], says: &str| {
        let output = run(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}: {said}");
        assert!(said.contains(says), "{arguments:?}: {said}");
    };
    check(&[], "--config");
    check(&["--config", "/nowhere.toml"], "controller: /nowhere.toml: could not be read: ");
    let good = config(folder.path(), 1883, 0);
    let no_city = write("a.toml", &good);
    check(&["--config", &no_city], "city.json: could not be read: ");
    let bad = write("b.toml", &good.replace("port = 1883", "prot = 1883"));
    check(&["--config", &bad], "b.toml:8: unknown field `prot`");
    write("city.json", "{\n  \"name\": 7\n}");
    check(&["--config", &no_city], "city.json:2: not a city file: ");
    let mut broken = city();
    broken.junctions[0].stages[0].green = vec![model::ids::GroupNumber(1), model::ids::GroupNumber(99)];
    write("city.json", &serde_json::to_string(&broken).unwrap());
    check(&["--config", &no_city], "city.json: junction C: ");

    write("city.json", &serde_json::to_string(&city()).unwrap());
    assert!(run(&["--config", &no_city, "--check"]).status.success());
    // A port in use is no fault of the file.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let text = good.replace("127.0.0.1:0", &address.to_string());
    let in_use = run(&["--config", &write("c.toml", &text)]);
    let said = String::from_utf8_lossy(&in_use.stderr);
    assert_eq!(in_use.status.code(), Some(1), "{said}");
    assert!(
        said.contains(&format!("controller: could not listen on {address}: Address already in use")),
        "{said}"
    );
}
