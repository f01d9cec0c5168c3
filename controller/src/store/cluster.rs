//! A PostgreSQL server for a test, and for the benchmark of stores.

use std::{
    path::Path,
    process::{Command, Stdio},
};

/// A PostgreSQL cluster of our own. Dropping it stops the server.
#[derive(Debug)]
pub(super) struct Cluster {
    folder: tempfile::TempDir,
    options: &'static str,
}

/// Where Debian puts its programs.
pub(super) const BINARIES: &str = "/usr/lib/postgresql/15/bin";

impl Cluster {
    /// With those options; `None` where PostgreSQL is not installed.
    ///
    /// # Panics
    /// If it is and does not start.
    pub(super) fn start(options: &'static str) -> Option<Cluster> {
        if !Path::new(BINARIES).join("initdb").exists() {
            return None;
        }
        let folder = tempfile::Builder::new().prefix("svpg").tempdir_in("/tmp").unwrap();
        let cluster = Cluster { folder, options };
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

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let program = format!("{BINARIES}/{program}");
        let data = self.folder.path().join("data");
        let root = Command::new("id").arg("-u").output().is_ok_and(|o| o.stdout == b"0\n");
        let mut command = match root {
            true => {
                let mut command = Command::new("runuser");
                command.args(["-u", "postgres", "--", &program]);
                command
            }
            false => Command::new(&program),
        };
        command.arg("-D").arg(data).args(arguments).current_dir("/tmp");
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
