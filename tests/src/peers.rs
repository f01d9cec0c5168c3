//! Programs that are not ours: broker and database.

use crate::program::{Program, free_port, run, wait_until};
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
    /// Starts it with the broker configuration that we ship for trials, on its own port.
    pub fn start() -> Mosquitto {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = free_port();
        let text = format!("listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n");
        std::fs::write(folder.path().join(CONFIG), text).expect("a file in a temporary folder");
        Mosquitto { port, program: Self::run(&folder, port), folder }
    }

    fn run(folder: &TempDir, port: u16) -> Program {
        let binary = installed("mosquitto", "mosquitto");
        let program =
            Program::start("mosquitto", Command::new(binary).arg("-c").arg(folder.path().join(CONFIG)));
        wait_until("mosquitto to listen", || TcpStream::connect(("127.0.0.1", port)).ok());
        program
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
    _folder: TempDir,
}

impl Postgres {
    /// Makes and starts one. PostgreSQL refuses to run as root, so root steps down to `postgres`.
    pub fn start() -> Postgres {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let bin = newest_version(Path::new("/usr/lib/postgresql"))
            .expect("PostgreSQL is not installed (Debian package postgresql); `cargo xtask tools`")
            .join("bin");
        let root = run(Command::new("id").arg("-u")).1.trim() == "0";
        if root {
            let (code, said) = run(Command::new("chown").arg("postgres").arg(folder.path()));
            assert_eq!(code, Some(0), "{said}");
        }
        let as_postgres = |program: &str| {
            let mut command;
            if root {
                command = Command::new("setpriv");
                command
                    .args(["--reuid=postgres", "--regid=postgres", "--clear-groups"])
                    .arg(bin.join(program));
            } else {
                command = Command::new(bin.join(program));
            }
            command.current_dir(folder.path());
            command
        };
        let data = folder.path().join("data");
        let mut init = as_postgres("initdb");
        init.args(["--auth=trust", "--username=svetofor", "--no-sync", "-D"]).arg(&data);
        let (code, said) = run(&mut init);
        assert_eq!(code, Some(0), "initdb: {said}");
        let port = free_port();
        let mut server = as_postgres("postgres");
        server.arg("-D").arg(&data).args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1", "-k"]);
        server.arg(folder.path());
        let mut program = Program::start("postgres", &mut server);
        program.wait_for_line("ready to accept connections");
        let url = format!("postgresql://svetofor@127.0.0.1:{port}/postgres");
        Postgres { url, port, program, _folder: folder }
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

fn newest_version(folder: &Path) -> Option<PathBuf> {
    let versions = std::fs::read_dir(folder).ok()?.flatten();
    versions.map(|v| v.path()).max_by_key(|p| p.file_name()?.to_str()?.parse::<u32>().ok())
}
