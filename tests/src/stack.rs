//! The daemons as separate programs with mosquitto and PostgreSQL, from the configurations that we ship, as
//! `docs/operating.md` describes.

use crate::{
    http::wait_for,
    peers::{Authority, Mosquitto, Postgres},
    places::{ours, repository},
    program::{Program, free_port, run, wait_until},
};
use serde_json::Value;
use std::{fs, path::Path, process::Command};
use tempfile::TempDir;

/// A folder with everything that the daemons read, and what they talk to.
#[derive(Debug)]
pub struct Stack {
    /// The broker.
    pub mosquitto: Mosquitto,
    /// The store.
    pub postgres: Postgres,
    /// Port of the centre's API.
    pub api: u16,
    /// Port of the journey planner.
    pub journeys: u16,
    /// Port of the first junction's device.
    pub modbus: u16,
    folder: TempDir,
}

impl Stack {
    /// A small city, and the shipped files with nothing changed but ports, the database and the traffic.
    pub fn install() -> Stack {
        let mosquitto = Mosquitto::start();
        let port = mosquitto.port;
        Stack::around(&[("port = 1883", format!("port = {port}"))], |_| mosquitto)
    }

    /// The same with certificates: each program has its own, the broker and its access list are those that we ship. The
    /// agents reach the broker by way of `agents_port`.
    pub fn secured(authority: &Authority, broker_port: u16, agents_port: u16) -> Stack {
        authority.issue(&["centre-1", "edge-1", "routing-1", "what-if-1", "fleet"]);
        let folder = authority.file("").display().to_string();
        let changes = [
            // The agents' own way to the broker; theirs is the one file with a connection.
            (
                "connection = \"per-cabinet\"\n\n[broker]\nhost = \"127.0.0.1\"\nport = 1883",
                format!(
                    "connection = \"per-cabinet\"\n\n[broker]\nhost = \"127.0.0.1\"\nport = {agents_port}"
                ),
            ),
            ("port = 1883", format!("port = {broker_port}")),
            ("# [broker.tls]", "[broker.tls]".to_owned()),
            ("# ca = \"", "ca = \"".to_owned()),
            ("# certificate = \"", "certificate = \"".to_owned()),
            ("# key = \"", "key = \"".to_owned()),
            ("/etc/svetofor/", folder),
        ];
        Stack::around(&changes, |here| {
            let asked = ["--config", "configs/edge-agent.toml", "--acl"];
            let (code, list) = run(Command::new(ours("edge-agent")).current_dir(here).args(asked));
            assert_eq!(code, Some(0), "{list}");
            Mosquitto::secured(broker_port, authority, &list)
        })
    }

    fn around(broker: &[(&str, String)], mosquitto: impl FnOnce(&Path) -> Mosquitto) -> Stack {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (postgres, api, journeys) = (Postgres::start(), free_port(), free_port());
        let here = folder.path();
        fs::create_dir_all(here.join("data")).expect("a folder in a temporary folder");
        let city = ["generate", "--junctions", "20", "--seed", "1", "--out", "data/city.json"];
        let (code, said) = run(Command::new(ours("simulator")).current_dir(here).args(city));
        assert_eq!(code, Some(0), "{said}");
        let first_modbus = first_of_free_ports(40);
        let mut changes = vec![
            ("127.0.0.1:8081", format!("127.0.0.1:{api}")),
            ("127.0.0.1:8090", format!("127.0.0.1:{journeys}")),
            ("127.0.0.1:15020", format!("127.0.0.1:{first_modbus}")),
            ("first_port = 15020", format!("first_port = {first_modbus}")),
            (
                "host=127.0.0.1 port=5432 user=svetofor dbname=svetofor",
                format!("host=127.0.0.1 port={} user=svetofor dbname=postgres", postgres.port),
            ),
            ("vehicles = 5000", "vehicles = 400".to_owned()),
        ];
        changes.extend_from_slice(broker);
        install(&repository().join("configs"), &here.join("configs"), &changes);
        let mosquitto = mosquitto(here);
        Stack { mosquitto, postgres, api, journeys, modbus: first_modbus, folder }
    }

    /// Starts a daemon of ours with one of the files.
    pub fn start(&self, program: &str, config: &str) -> Program {
        self.run(program, config, Command::new(ours(program)))
    }

    /// The same, with a disk of so many bytes for its spool: memory that nobody else sees.
    pub fn start_on_small_disk(&self, program: &str, config: &str, bytes: u32) -> Program {
        let spool = self.folder.path().join("data/spool");
        fs::create_dir_all(&spool).expect("a folder in a temporary folder");
        let mut command = Command::new("unshare");
        let mount = format!("mount -t tmpfs -o size={bytes} none data/spool && exec \"$0\" \"$@\"");
        command.args(["--map-root-user", "--mount", "sh", "-c", &mount]).arg(ours(program));
        self.run(program, config, command)
    }

    fn run(&self, program: &str, config: &str, mut command: Command) -> Program {
        command
            .current_dir(self.folder.path())
            .args(["--config", &format!("configs/{config}")])
            .env("SVETOFOR_STORE_PASSWORD", "unused: the server trusts");
        Program::start(program, &mut command)
    }

    /// Makes an account at the centre, and gives its password.
    pub fn account(&self, login: &str, role: &str) -> String {
        let mut make = Command::new(ours("controller"));
        make.args(["account", "--login", login, "--name", login, "--role", role]);
        let made = make.output().expect("the centre's program makes accounts");
        let [entry, said] =
            [made.stdout, made.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
        let file = self.folder.path().join("configs/accounts.toml");
        let accounts = fs::read_to_string(&file).expect("the shipped accounts");
        fs::write(file, accounts + "\n" + &entry).expect("a file in a temporary folder");
        said.split_whitespace().last().expect("the password is the last word").to_owned()
    }

    /// Its folder, in which the programs are started.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where the centre says how it is.
    pub fn health(&self) -> String {
        format!("http://127.0.0.1:{}/api/v1/health", self.api)
    }

    /// Waits until the centre steers every junction, and gives what it says of itself then.
    pub fn wait_for_control(&self) -> Value {
        wait_for(&self.health(), "every junction adaptive", |health| {
            let total = health["junctions"]["total"].as_u64().unwrap_or(0);
            total > 0 && health["junctions"]["by_mode"]["adaptive"].as_u64() == Some(total)
        })
    }
}

fn install(from: &Path, to: &Path, changes: &[(&str, String)]) {
    fs::create_dir_all(to).expect("a folder in a temporary folder");
    for entry in fs::read_dir(from).expect("the shipped files").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            install(&entry.path(), &target, changes);
        } else {
            let mut text = fs::read_to_string(entry.path()).expect("a shipped file");
            for (from, to) in changes {
                text = text.replace(from, to);
            }
            fs::write(target, text).expect("a file in a temporary folder");
        }
    }
}

/// The first of so many ports in a row that nobody listens on now.
fn first_of_free_ports(count: u16) -> u16 {
    wait_until("a row of free ports", || {
        // Below those that the system gives to whoever connects to somebody (32,768 and up), or one of the row is taken
        // by a connection before the street listens.
        let first = 12_000 + free_port() % 20_000;
        let last = first.checked_add(count)?;
        (first..last).all(|port| std::net::TcpListener::bind(("127.0.0.1", port)).is_ok()).then_some(first)
    })
}
