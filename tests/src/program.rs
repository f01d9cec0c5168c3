//! One running program: its output kept, its states waited for, its end made sure of.

use std::{
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

/// How long a state may be waited for before the test fails. Generous: two busy cores, not a promise.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// A program that ends with the test.
#[derive(Debug)]
pub struct Program {
    name: String,
    child: Child,
    output: Arc<Mutex<String>>,
}

impl Program {
    /// Starts it; what it prints is kept.
    pub fn start(name: &str, command: &mut Command) -> Program {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("could not start {name} ({:?}): {e}", command.get_program()));
        let output = Arc::new(Mutex::new(String::new()));
        let pipes: [Box<dyn Read + Send>; 2] =
            [Box::new(child.stdout.take().expect("piped")), Box::new(child.stderr.take().expect("piped"))];
        for pipe in pipes {
            let output = output.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                    let mut all = output.lock().expect("no reader panics");
                    all.push_str(&line);
                    all.push('\n');
                }
            });
        }
        Program { name: name.into(), child, output }
    }

    /// All that it printed so far.
    pub fn output(&self) -> String {
        self.output.lock().expect("no reader panics").clone()
    }

    /// Waits until it has printed a line with `text`, and gives that line.
    pub fn wait_for_line(&mut self, text: &str) -> String {
        let what = format!("{} to print {text:?}", self.name);
        let output = self.output.clone();
        let mut ended = None;
        wait_until(&what, || {
            let found = output
                .lock()
                .expect("no reader panics")
                .lines()
                .find(|l| l.contains(text))
                .map(str::to_owned);
            if found.is_none() && ended.is_none() {
                ended = self.child.try_wait().ok().flatten();
                if let Some(status) = ended {
                    panic!("{} ended ({status}) before it printed {text:?}:\n{}", self.name, self.output());
                }
            }
            found
        })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by name (`INT`, `KILL`, `STOP`, `CONT`).
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.is_ok_and(|s| s.success()), "could not send {name} to {}", self.name);
    }

    /// Waits for it to end by itself.
    pub fn wait(&mut self) -> ExitStatus {
        let what = format!("{} to end", self.name);
        wait_until(&what, || self.child.try_wait().expect("a child can be asked"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- {} printed:\n{}---", self.name, self.output());
        }
    }
}

/// Runs a program to its end; gives its exit code and all it printed.
pub fn run(command: &mut Command) -> (Option<i32>, String) {
    let done =
        command.stdin(Stdio::null()).output().unwrap_or_else(|e| panic!("could not start {command:?}: {e}"));
    let text = [&done.stdout[..], &done.stderr[..]].concat();
    (done.status.code(), String::from_utf8_lossy(&text).into_owned())
}

/// Asks again and again until there is an answer; fails the test after [`PATIENCE`].
#[expect(
    clippy::print_stdout,
    reason = "what a test prints is shown where it is asked for, or where it fails"
)]
pub fn wait_until<T>(what: &str, mut answer: impl FnMut() -> Option<T>) -> T {
    let pause = Duration::from_millis(50);
    let mut waited = Duration::ZERO;
    loop {
        if let Some(answer) = answer() {
            // How soon things are back is for people to read (`--nocapture`); no test asserts a time.
            if waited >= Duration::from_secs(1) {
                println!("waited {:.0} s for {what}", waited.as_secs_f64());
            }
            return answer;
        }
        assert!(waited < PATIENCE, "waited {} s in vain for {what}", PATIENCE.as_secs());
        std::thread::sleep(pause);
        waited += pause;
    }
}

/// A port that nobody listens on now.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("loopback has a free port").port()
}
