//! A PostgreSQL server for a test, and for the benchmark of stores.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A PostgreSQL cluster of our own. Dropping it stops the server.
#[derive(Debug)]
pub(super) struct Cluster {
    folder: tempfile::TempDir,
    options: String,
}

/// Where Debian puts its programs.
pub(super) const BINARIES: &str = "/usr/lib/postgresql/15/bin";

impl Cluster {
    /// With those options; `None` where PostgreSQL is not installed.
    ///
    /// # Panics
    /// If it is and does not start.
    pub(super) fn start(options: &str) -> Option<Cluster> {
        if !Path::new(BINARIES).join("initdb").exists() {
            return None;
        }
        let folder = tempfile::Builder::new().prefix("svpg").tempdir_in("/tmp").unwrap();
        let cluster = Cluster { folder, options: options.to_owned() };
        // The server refuses to run as root; its folder then belongs to the user that the package made.
        run(Command::new("chmod").arg("777").arg(cluster.folder.path()));
        run(&mut cluster.command("initdb", &["-A", "trust", "-U", "svetofor", "--no-sync"]));
        cluster.up();
        Some(cluster)
    }

    /// Starts the server again.
    pub(super) fn up(&self) {
        let options = format!("-k {} -c listen_addresses= {}", self.folder.path().display(), self.options);
        run(&mut self.command("pg_ctl", &["-w", "-l", "/dev/null", "-o", &options, "start"]));
    }

    /// Stops it as a power cut would.
    pub(super) fn down(&self) {
        run(&mut self.command("pg_ctl", &["-w", "-m", "immediate", "stop"]))
    }

    /// The server on that port of loopback from now on, over TLS alone; gives the file with the authority's certificate.
    pub(super) fn over_tls(&mut self, port: u16) -> PathBuf {
        self.down();
        let folder = self.folder.path().join("certificates");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/mosquitto/certificates.sh");
        let script = std::fs::read_to_string(script).unwrap();
        let mut sign = self.as_owner("sh");
        run(sign.args(["-c", &script, "certificates.sh"]).arg(&folder).args(["broker", "127.0.0.1"]));
        let rules = self.folder.path().join("pg_hba.conf");
        std::fs::write(&rules, "hostssl all all 127.0.0.1/32 trust\n").unwrap();
        let at = |file: &str| folder.join(file).display().to_string();
        self.options = format!(
            "{} -c listen_addresses=127.0.0.1 -c port={port} -c ssl=on -c ssl_cert_file={} -c ssl_key_file={} -c hba_file={}",
            self.options,
            at("broker.pem"),
            at("broker.key"),
            rules.display(),
        );
        self.up();
        folder.join("ca.pem")
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let data = self.folder.path().join("data");
        let mut command = self.as_owner(&format!("{BINARIES}/{program}"));
        command.arg("-D").arg(data).args(arguments);
        command
    }

    /// A program as the user to whom the server's files belong: root must not run one.
    fn as_owner(&self, program: &str) -> Command {
        let root = Command::new("id").arg("-u").output().is_ok_and(|o| o.stdout == b"0\n");
        let mut command = match root {
            true => {
                let mut command = Command::new("runuser");
                command.args(["-u", "postgres", "--", program]);
                command
            }
            false => Command::new(program),
        };
        command.current_dir("/tmp");
        command
    }

    /// How to reach it.
    pub(super) fn connection(&self) -> tokio_postgres::Config {
        let mut connection = tokio_postgres::Config::new();
        connection.host_path(self.folder.path()).user("svetofor").dbname("postgres");
        connection
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.command("pg_ctl", &["-m", "immediate", "stop"]).stdout(Stdio::null()).status();
        // The files belong to another user; the temporary folder itself goes with `folder`.
        let _ = std::fs::remove_dir_all(self.folder.path().join("data"));
    }
}

fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
