//! The bridge to SUMO: the real simulator drives the street in lockstep, our devices show the lamps and
//! feel the detectors.

mod senses;
mod traci;

pub use traci::TraciError;

use crate::signals::{Felt, Tlc};
use model::{city::City, ids::JunctionIx, signal::Lamp};
use senses::Senses;
use std::{
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};
use traci::Traci;

/// How long a starting SUMO may take to load its network and answer.
const START_PATIENCE: Duration = Duration::from_secs(120);

/// Why SUMO could not be used.
#[derive(Debug, thiserror::Error)]
pub enum SumoError {
    /// No binary anywhere.
    #[error("SUMO was not found on PATH, in SUMO_HOME/bin or in {0}; `cargo xtask tools` installs it")]
    NotFound(String),
    /// It did not start.
    #[error("could not start {0}")]
    Start(PathBuf, #[source] std::io::Error),
    /// It ended before it answered.
    #[error("SUMO ended at once: {0}")]
    Ended(String),
    /// It did not answer in time.
    #[error("SUMO did not answer within {} s", START_PATIENCE.as_secs())]
    Silent,
    /// The conversation failed.
    #[error(transparent)]
    Traci(#[from] TraciError),
}

/// Finds SUMO: `PATH`, then `SUMO_HOME/bin`, then the project's tools: where `SVETOFOR_TOOLS` says, otherwise `.tools/python` of this folder or of one
/// above it.
pub fn find() -> Result<PathBuf, SumoError> {
    const TOOLS: &str = ".tools/python";
    let on_path =
        std::env::var_os("PATH").into_iter().flat_map(|p| std::env::split_paths(&p).collect::<Vec<_>>());
    let home = std::env::var_os("SUMO_HOME").map(|home| PathBuf::from(home).join("bin"));
    let tools = std::env::var_os("SVETOFOR_TOOLS").map_or_else(
        || {
            let here = std::env::current_dir().unwrap_or_default();
            here.ancestors().map(|folder| folder.join(TOOLS)).find(|t| t.is_dir()).unwrap_or(TOOLS.into())
        },
        PathBuf::from,
    );
    let its_bin = tools.join("bin");
    on_path
        .chain(home)
        .chain([its_bin.clone()])
        .map(|folder| folder.join("sumo"))
        .find(|sumo| sumo.is_file())
        .ok_or_else(|| SumoError::NotFound(its_bin.display().to_string()))
}

/// A running SUMO.
#[derive(Debug)]
pub struct Sumo {
    child: Child,
    traci: Option<Traci>,
    /// SUMO's signal id of each junction.
    signals: Vec<String>,
    senses: Senses,
    time_s: f64,
    expected: i32,
}

impl Sumo {
    /// Starts `binary` with `arguments` (configuration, seed, outputs) and takes its signals over.
    pub fn start(
        binary: &Path,
        arguments: &[String],
        city: Arc<City>,
        begin_s: f64,
    ) -> Result<Sumo, SumoError> {
        // SUMO listens itself, so a port must be found first; between finding and taking it somebody else
        // may come, which shows as a refused start and is said so.
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|l| l.local_addr())
            .map_err(|e| SumoError::Start(binary.to_owned(), e))?
            .port();
        let mut child = Command::new(binary)
            .args(arguments)
            .args(["--remote-port", &port.to_string(), "--num-clients", "1"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| SumoError::Start(binary.to_owned(), e))?;
        let mut waited = Duration::ZERO;
        let stream = loop {
            if let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) {
                break stream;
            }
            if let Ok(Some(_)) = child.try_wait() {
                return Err(SumoError::Ended(last_words(&mut child)));
            }
            if waited > START_PATIENCE {
                let _ = child.kill();
                return Err(SumoError::Silent);
            }
            let pause = Duration::from_millis(20);
            std::thread::sleep(pause);
            waited += pause;
        };
        let traci = match Traci::new(stream) {
            Ok(traci) => traci,
            Err(_) => return Err(SumoError::Ended(last_words(&mut child))),
        };
        drain_errors(&mut child);
        let signals: Vec<String> = city
            .junctions
            .iter()
            .map(|j| j.source_id.clone().unwrap_or_else(|| j.id.as_str().to_owned()))
            .collect();
        let senses = Senses::new(city, &signals);
        Ok(Sumo { child, traci: Some(traci), signals, senses, time_s: begin_s, expected: 1 })
    }

    /// Simulated time, s.
    pub fn time_s(&self) -> f64 {
        self.time_s
    }

    /// Vehicles on the road or still to come.
    pub fn expected(&self) -> i32 {
        self.expected
    }

    /// What the channels of a junction feel.
    pub fn felt(&self, junction: JunctionIx) -> &Felt {
        self.senses.felt(junction)
    }

    /// Shows `letters` (see [`letters`], one text per junction) and simulates up to `until_s`.
    pub fn step(&mut self, until_s: f64, letters: &[String]) -> Result<(), SumoError> {
        let states: Vec<(String, String)> =
            self.signals.iter().cloned().zip(letters.iter().cloned()).collect();
        let traci = self.traci.as_mut().ok_or(TraciError::Protocol("the simulation is closed already"))?;
        let step = traci.step(until_s, &states)?;
        let passed_s = step.time_s - self.time_s;
        self.time_s = step.time_s;
        self.expected = step.expected;
        self.senses.feel(&step.vehicles, passed_s);
        Ok(())
    }

    /// Ends the simulation and waits until SUMO has written its files.
    pub fn close(mut self) -> Result<(), SumoError> {
        if let Some(traci) = self.traci.take() {
            traci.close()?;
        }
        let ended = self.child.wait().map_err(TraciError::from)?;
        if ended.success() { Ok(()) } else { Err(SumoError::Ended(format!("exit status {ended}"))) }
    }
}

impl Drop for Sumo {
    fn drop(&mut self) {
        // Losing the connection ends SUMO by itself; this only makes sure, and collects it.
        drop(self.traci.take());
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// What SUMO said before it went.
fn last_words(child: &mut Child) -> String {
    use std::io::Read;
    let mut words = String::new();
    let _ = child.wait();
    if let Some(stderr) = child.stderr.as_mut() {
        let _ = stderr.take(64 * 1024).read_to_string(&mut words);
    }
    let said: Vec<_> = words.lines().filter(|l| !l.trim().is_empty()).collect();
    if said.is_empty() { "it said nothing".to_owned() } else { said.join("; ") }
}

/// Passes on what SUMO warns of, so that its pipe never fills.
fn drain_errors(child: &mut Child) {
    if let Some(stderr) = child.stderr.take() {
        std::thread::spawn(move || {
            use std::io::BufRead;
            for line in std::io::BufReader::new(stderr).lines().map_while(Result::ok) {
                tracing::warn!(sumo = %line, "SUMO says");
            }
        });
    }
}

/// SUMO's letters for what a device shows, one per head.
pub fn letters(tlc: &Tlc) -> String {
    let junction = tlc.junction();
    let governing = tlc.governing().and_then(|s| junction.stage(s));
    junction
        .heads
        .iter()
        .map(|&number| {
            let Some(group) = junction.group(number) else { return 'r' };
            let permissive = governing.is_some_and(|s| s.permissive.contains(&number));
            match tlc.groups()[usize::from(number.0) - 1].lamp {
                Lamp::Green | Lamp::FlashingGreen if permissive => 'g',
                Lamp::Green | Lamp::FlashingGreen => 'G',
                Lamp::Amber => 'y',
                Lamp::RedAmber => 'u',
                Lamp::Red if group.turn_on_red => 's',
                Lamp::Red => 'r',
                Lamp::FlashingAmber => 'o',
                Lamp::Dark => 'O',
            }
        })
        .collect()
}
