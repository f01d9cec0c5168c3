//! Programs that are not ours: broker and database.

use crate::{
    places::repository,
    program::{Program, free_port, run, wait_until},
};
use std::{
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};
use tempfile::TempDir;

/// A program of a Debian package; fails the test with the package's name where it is absent.
pub fn installed(program: &str, package: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/bin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|p| p.is_file())
        .unwrap_or_else(|| {
            panic!("{program} is not installed (Debian package {package}); `cargo xtask tools`")
        })
}

/// Its configuration, in its folder.
const CONFIG: &str = "mosquitto.conf";

/// A mosquitto on a free port of loopback.
#[derive(Debug)]
pub struct Mosquitto {
    /// Its port.
    pub port: u16,
    program: Program,
    folder: TempDir,
}

impl Mosquitto {
    /// Starts one that lets anybody in, on its own port.
    pub fn start() -> Mosquitto {
        let port = free_port();
        Self::with(port, &format!("listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n"), "")
    }

    /// Starts it on that port with the configuration and the access list that we ship, and `more` of such a list.
    pub fn secured(port: u16, authority: &Authority, more: &str) -> Mosquitto {
        let shipped = |file: &str| {
            std::fs::read_to_string(repository().join("configs/mosquitto").join(file))
                .expect("a shipped file")
        };
        let config = shipped(CONFIG)
            .replace("listener 8883", &format!("listener {port} 127.0.0.1"))
            // It steps down to a user who must be able to read the temporary folder.
            .replace("persistence false", "persistence false\nuser root")
            .replace("/etc/mosquitto/svetofor/access.acl", "access.acl")
            .replace("/etc/mosquitto/svetofor", &authority.folder.path().display().to_string());
        Self::with(port, &config, &format!("{}\n{more}", shipped("access.acl")))
    }

    fn with(port: u16, config: &str, access: &str) -> Mosquitto {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (file, text) in [(CONFIG, config), ("access.acl", access)] {
            std::fs::write(folder.path().join(file), text).expect("a file in a temporary folder");
        }
        Mosquitto { port, program: Self::run(&folder, port), folder }
    }

    fn run(folder: &TempDir, port: u16) -> Program {
        let binary = installed("mosquitto", "mosquitto");
        let mut command = Command::new(binary);
        command.current_dir(folder.path()).arg("-c").arg(CONFIG);
        let program = Program::start("mosquitto", &mut command);
        wait_until("mosquitto to listen", || TcpStream::connect(("127.0.0.1", port)).ok());
        program
    }

    /// What it said so far of who came and went.
    pub fn output(&self) -> String {
        self.program.output()
    }

    /// Sends it a signal by name.
    pub fn signal(&self, name: &str) {
        self.program.signal(name);
    }

    /// Kills it without a word, and starts it again after `pause`: it remembers nothing.
    pub fn restart(&mut self, pause: Duration) {
        self.program.signal("KILL");
        self.program.wait();
        std::thread::sleep(pause);
        self.program = Self::run(&self.folder, self.port);
    }
}

/// Certificates as `configs/mosquitto/certificates.sh` makes them, for a broker on this machine.
#[derive(Debug)]
pub struct Authority {
    folder: TempDir,
}

impl Authority {
    /// A new authority, and the broker's certificate.
    pub fn start() -> Authority {
        let authority = Authority { folder: tempfile::tempdir().expect("a temporary folder") };
        authority.certify("broker", &["localhost", "127.0.0.1"]);
        authority
    }

    /// Certificates for those names, in the place of any that they have.
    pub fn issue(&self, names: &[&str]) {
        self.certify("client", names);
    }

    fn certify(&self, kind: &str, names: &[&str]) {
        let mut script = Command::new(repository().join("configs/mosquitto/certificates.sh"));
        let (code, said) = run(script.arg(self.folder.path()).arg(kind).args(names));
        assert_eq!(code, Some(0), "{said}");
    }

    /// One of its files: `ca.pem`, `NAME.pem`, `NAME.key`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What mosquitto's clients need to be that user.
    pub fn identity(&self, name: &str) -> Vec<String> {
        let file = |name: String| self.file(&name).display().to_string();
        let own = ["--cert".into(), file(format!("{name}.pem")), "--key".into(), file(format!("{name}.key"))];
        ["--cafile".into(), file("ca.pem".into())].into_iter().chain(own).collect()
    }
}

/// What `mosquitto_sub` sees, one line a message: retained flag, topic.
pub fn listen(port: u16, filter: &str) -> Program {
    let sub = installed("mosquitto_sub", "mosquitto-clients");
    let mut command = Command::new(sub);
    command.args([
        "-V",
        "5",
        "-h",
        "127.0.0.1",
        "-p",
        &port.to_string(),
        "-t",
        filter,
        "-F",
        "retained=%r %t",
    ]);
    Program::start("mosquitto_sub", &mut command)
}

/// A PostgreSQL cluster of its own in a temporary folder.
#[derive(Debug)]
pub struct Postgres {
    /// `postgresql://…`.
    pub url: String,
    /// Its port.
    pub port: u16,
    program: Program,
    folder: TempDir,
}

impl Postgres {
    /// Makes and starts one.
    pub fn start() -> Postgres {
        let folder = tempfile::tempdir().expect("a temporary folder");
        if is_root() {
            let (code, said) = run(Command::new("chown").arg("postgres").arg(folder.path()));
            assert_eq!(code, Some(0), "{said}");
        }
        let mut init = as_postgres(&folder, "initdb");
        init.args(["--auth=trust", "--username=svetofor", "--no-sync"]);
        let (code, said) = run(&mut init);
        assert_eq!(code, Some(0), "initdb: {said}");
        let port = free_port();
        let url = format!("postgresql://svetofor@127.0.0.1:{port}/postgres");
        Postgres { url, port, program: Self::run(&folder, port), folder }
    }

    fn run(folder: &TempDir, port: u16) -> Program {
        let mut server = as_postgres(folder, "postgres");
        server.args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1", "-k"]).arg(folder.path());
        let mut program = Program::start("postgres", &mut server);
        program.wait_for_line("ready to accept connections");
        program
    }

    /// Kills it, with whatever it was about to say.
    pub fn kill(&mut self) {
        self.program.signal("KILL");
        self.program.wait();
    }

    /// Starts it again.
    pub fn start_again(&mut self) {
        self.program = Self::run(&self.folder, self.port);
    }

    /// What a query answers, tab-separated, one row a line.
    pub fn ask(&self, sql: &str) -> String {
        let mut psql = Command::new(installed("psql", "postgresql-client"));
        psql.args(["--no-psqlrc", "--tuples-only", "--no-align", &self.url, "-c", sql]);
        let (code, said) = run(&mut psql);
        assert_eq!(code, Some(0), "{sql}: {said}");
        said.trim().to_owned()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // A fast shutdown lets it remove its shared memory; KILL would leave it.
        self.program.signal("INT");
        self.program.wait();
    }
}

fn is_root() -> bool {
    run(Command::new("id").arg("-u")).1.trim() == "0"
}

/// One of its programs, on the cluster in that folder. PostgreSQL refuses to run as root, so root steps down to `postgres`.
fn as_postgres(folder: &TempDir, program: &str) -> Command {
    let bin = newest_version(Path::new("/usr/lib/postgresql"))
        .expect("PostgreSQL is not installed (Debian package postgresql); `cargo xtask tools`")
        .join("bin");
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(bin.join(program));
        command
    } else {
        Command::new(bin.join(program))
    };
    command.current_dir(folder.path()).arg("-D").arg(folder.path().join("data"));
    command
}

fn newest_version(folder: &Path) -> Option<PathBuf> {
    let versions = std::fs::read_dir(folder).ok()?.flatten();
    versions.map(|v| v.path()).max_by_key(|p| p.file_name()?.to_str()?.parse::<u32>().ok())
}
