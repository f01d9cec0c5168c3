//! Judges a kind of control over a scenario: a simulator drives the street, our devices show the lamps, the
//! centre decides, second by second under one clock.

mod driver;
pub(crate) mod lockstep;
mod progress;

use crate::{
    input::{self, InputError},
    tune,
};
use anyhow::Context;
use clap::ValueEnum;
use controller::{
    coordinator::{Coordinator, Settings},
    decide::{Decision, Kind, Tuning},
};
use driver::Driver;
use lockstep::{Cores, FieldPath, Lockstep};
use model::{
    city::City,
    config::Source,
    detection::Tier,
    ids::LaneIx,
    signal::{Lamp, rules::Watch},
    time::Tenths,
};
use progress::Progress;
use serde::Serialize;
use simulator::worn_detectors::Wear;
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};
use wire::register_map::RegisterMap;

/// `city evaluate`.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    /// The scenario: a SUMO configuration.
    #[arg(long, value_name = "F.sumocfg")]
    scenario: PathBuf,
    /// The kind of control.
    #[arg(long, value_enum)]
    control: Control,
    /// Who drives the street.
    #[arg(long, value_enum, default_value = "sumo")]
    engine: Engine,
    /// What the junctions are equipped with.
    #[arg(long, value_enum, default_value = "full")]
    tier: Equipment,
    /// Share of the loops and cameras, 0 to 1, that are broken for the whole run: in turn stuck on, stuck off,
    /// silent and chattering.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    failed_detectors: f64,
    /// Share of the vehicles, 0 to 1, that working loops miss; they count half as many twice. Where nothing is
    /// said, loops miss 2 % and count 1 % twice with `--tier loops`, and make no mistakes otherwise.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    detector_noise: Option<f64>,
    /// Seed of the traffic, and of what is wrong with detectors.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Plans in the place of the scenario's own: a file of `city tune`.
    #[arg(long, value_name = "plans.json")]
    plans: Option<PathBuf>,
    /// Seconds of amber in the place of those that the scenario's programs show, as benchmarks that give every signal
    /// the same amber have it. Intergreens become shorter or longer by as much.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u8).range(1..=10))]
    amber: Option<u8>,
    /// Where the results go; made if it is not there.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Whether the cores talk directly, or through Modbus, MQTT and the real programs' shells.
    #[arg(long, value_enum, default_value = "core")]
    path: Way,
    /// Changes a number of adaptive control for this run; may be repeated.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = setting)]
    set: Vec<String>,
}

fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    (0.0..=1.0).contains(&share).then_some(share).ok_or_else(|| "not within 0 to 1".to_owned())
}

impl Arguments {
    fn wear(&self) -> Wear {
        let missed = self.detector_noise.unwrap_or(match self.tier {
            Equipment::Full | Equipment::Lane => 0.0,
            Equipment::Loops => 0.02,
        });
        Wear { failed: self.failed_detectors, missed, doubled: missed / 2.0 }
    }
}

/// Kinds of control that can be judged.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Control {
    /// The scenario's own plan.
    Fixed,
    /// Actuated with gap-out.
    Actuated,
    /// Max-pressure.
    MaxPressure,
    /// A rolling horizon over predicted arrivals.
    Adaptive,
}

impl Control {
    fn kind(self) -> Kind {
        match self {
            Control::Fixed => Kind::Fixed,
            Control::Actuated => Kind::Actuated,
            Control::MaxPressure => Kind::MaxPressure,
            Control::Adaptive => Kind::Adaptive,
        }
    }
}

/// Who drives the street.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Engine {
    /// The real SUMO, by TraCI.
    Sumo,
    /// Our own.
    Own,
}

/// What the junctions are equipped with, from a radar at every approach down to loops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Equipment {
    /// Every vehicle followed over the last 250 m, loops at the stop line and upstream.
    Full,
    /// Vehicles counted by lane over the last 100 m, loops at the stop line.
    Lane,
    /// Loops at the stop line and upstream.
    Loops,
}

impl Equipment {
    fn tier(self) -> Tier {
        match self {
            Equipment::Full => Tier::Full,
            Equipment::Lane => Tier::Lane,
            Equipment::Loops => Tier::Loops,
        }
    }
}

/// How the parts talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Way {
    /// Core to core.
    Core,
    /// Through Modbus TCP, the agents and MQTT.
    Field,
}

/// `summary.json`.
#[derive(Debug, Serialize)]
struct Summary {
    scenario: String,
    control: &'static str,
    engine: &'static str,
    path: &'static str,
    tier: Tier,
    failed_detectors: f64,
    detector_noise: f64,
    /// The file of plans in the place of the scenario's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    plans: Option<String>,
    /// Seconds of amber in the place of the scenario's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    amber: Option<u8>,
    /// Numbers of the control that were changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    set: Vec<String>,
    /// Numbers that adaptive control worked with, all of them: `city replay` needs them.
    #[serde(skip_serializing_if = "Option::is_none")]
    tuning: Option<Tuning>,
    seed: u64,
    begin_s: f64,
    end_s: f64,
    junctions: usize,
    decisions: u64,
    commands: u64,
    /// Lamps that did what they must not, by our own watch: always 0.
    violations: u64,
    rejected: BTreeMap<String, u64>,
    /// Queues that greens did not move, as the centre concluded: incidents, if it is right.
    stalled: Vec<Standstill>,
}

/// A lane whose queue the centre thought did not move.
#[derive(Clone, Debug, Serialize)]
struct Standstill {
    junction: String,
    link: String,
    /// From the kerb, from 1.
    lane: usize,
    /// When the first of the greens began.
    since_s: f64,
    /// When the centre concluded it.
    concluded_s: f64,
    /// When it thought so no longer; none if it did to the end.
    until_s: Option<f64>,
}

/// What the centre concludes of queues, second by second.
#[derive(Default)]
struct Standstills {
    all: Vec<Standstill>,
    /// The place of each lane that is thought to be stalled now.
    open: BTreeMap<LaneIx, usize>,
}

impl Standstills {
    fn note(&mut self, city: &City, centre: &Coordinator, now_s: f64) {
        let mut there = BTreeSet::new();
        for (junction, live) in city.junctions.iter().zip(centre.live()) {
            for stalled in &live.stalled {
                there.insert(stalled.lane);
                self.open.entry(stalled.lane).or_insert_with(|| {
                    let link = city.network.link(city.network.lane(stalled.lane).link);
                    let place = link.lane_ixs().position(|lane| lane == stalled.lane);
                    self.all.push(Standstill {
                        junction: junction.id.to_string(),
                        link: link.id.to_string(),
                        lane: place.map_or(0, |place| place + 1),
                        since_s: stalled.since.as_seconds(),
                        concluded_s: now_s,
                        until_s: None,
                    });
                    self.all.len() - 1
                });
            }
        }
        let all = &mut self.all;
        self.open.retain(|lane, place| {
            let stays = there.contains(lane);
            if !stays {
                all[*place].until_s = Some(now_s);
            }
            stays
        });
    }
}

/// One `NAME=VALUE` that can be set.
fn setting(text: &str) -> Result<String, String> {
    tuning(text).map(|_| text.to_owned())
}

/// The defaults with these lines in the place of theirs: TOML, in which a word needs no quotation marks.
fn tuning(lines: &str) -> Result<Tuning, String> {
    let word = |value: &str| value.starts_with(|c: char| c.is_ascii_lowercase());
    let quoted = |line: &str| match line.split_once('=') {
        Some((name, value)) if word(value) => format!("{name}={value:?}"),
        _ => line.to_owned(),
    };
    let lines: Vec<String> = lines.lines().map(quoted).collect();
    let tuning: Tuning = toml::from_str(&lines.join("\n")).map_err(|e| e.message().to_owned())?;
    let faults = tuning.faults();
    if faults.is_empty() { Ok(tuning) } else { Err(faults.join("; ")) }
}

/// Runs it.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("could not start the runtime")?;
    runtime.block_on(judge(arguments))
}

async fn judge(arguments: &Arguments) -> anyhow::Result<()> {
    let tuning = tuning(&arguments.set.join("\n")).map_err(|e| anyhow::anyhow!("--set: {e}"))?;
    let scenario_text = input::text(&arguments.scenario)?;
    let scenario_name = arguments.scenario.display().to_string();
    let scenario =
        model::sumo::scenario(Source::new(&scenario_name, &scenario_text)).map_err(InputError::from)?.value;
    let folder = arguments.scenario.parent().unwrap_or(Path::new("."));
    let net = folder.join(&scenario.net);
    let additional: Vec<PathBuf> = scenario.additional.iter().map(|f| folder.join(f)).collect();
    let mut city = input::sumo_city(&net, &additional, arguments.tier.tier())?;
    if let Some(seconds) = arguments.amber {
        city.junctions.iter_mut().for_each(|j| j.show_amber_for(Tenths::seconds(seconds.into())));
    }
    if let Some(file) = &arguments.plans {
        tune::apply(&mut city, &tune::read_plans(file)?, file)?;
    }
    let city = Arc::new(city);
    if city.junctions.is_empty() {
        return Err(InputError::about(&net, "has no signals to control").into());
    }
    std::fs::create_dir_all(&arguments.out)
        .with_context(|| format!("could not make the folder {}", arguments.out.display()))?;

    let map = Arc::new(RegisterMap::svetofor());
    let mut street = match arguments.engine {
        Engine::Sumo => Driver::sumo(arguments, &scenario, &city, &map)?,
        Engine::Own => Driver::own(arguments, &scenario, folder, &city, &map)?,
    };
    let begin = street.now();
    let mut watches: Vec<Watch> = city.junctions.iter().map(|j| Watch::new(j, Tenths::ZERO)).collect();
    let settings = settings(arguments.control.kind(), tuning);
    let centre = Coordinator::new(city.clone(), settings);
    let way = match arguments.path {
        Way::Core => lockstep::Path::Core(Cores::new(&city, map, begin)),
        Way::Field => {
            lockstep::Path::Field(Box::new(FieldPath::start(&city, street.devices(), &map, begin).await?))
        }
    };
    let mut lockstep = Lockstep::new(centre, way);
    let mut log = Decisions::create(&arguments.out.join("decisions.jsonl"))?;
    let mut violations = 0;
    let mut standstills = Standstills::default();
    let mut progress = Progress::new(begin.as_seconds(), scenario.end_s);
    while scenario.end_s.is_none_or(|end| street.now().as_seconds() < end) && !street.is_empty() {
        street.step()?;
        let now = street.now();
        for decision in lockstep.second(now, street.devices()).await? {
            log.write(&decision)?;
        }
        // The box acts on a request at its next tick, a tenth of a second later; to the street that is now.
        street.tick();
        for ((device, watch), junction) in street.devices().iter().zip(&mut watches).zip(&city.junctions) {
            let lamps: Vec<Lamp> = device.look(|tlc| tlc.groups().iter().map(|g| g.lamp).collect());
            for violation in watch.observe(junction, now, &lamps) {
                violations += 1;
                tracing::error!(signal = %junction.id, at = now.as_seconds(), %violation, "unsafe lamps");
            }
        }
        standstills.note(&city, lockstep.centre(), now.as_seconds());
        progress.show(now.as_seconds());
    }
    progress.done();
    let summary = Summary {
        scenario: scenario_name,
        control: arguments.control.kind().as_str(),
        engine: match arguments.engine {
            Engine::Sumo => "sumo",
            Engine::Own => "own",
        },
        path: match arguments.path {
            Way::Core => "core",
            Way::Field => "field",
        },
        tier: arguments.tier.tier(),
        failed_detectors: arguments.failed_detectors,
        detector_noise: arguments.wear().missed,
        plans: arguments.plans.as_ref().map(|f| f.display().to_string()),
        amber: arguments.amber,
        set: arguments.set.clone(),
        tuning: (arguments.control.kind() == Kind::Adaptive).then_some(tuning),
        seed: arguments.seed,
        begin_s: begin.as_seconds(),
        end_s: street.now().as_seconds(),
        junctions: city.junctions.len(),
        decisions: log.written,
        commands: lockstep.commands(),
        violations,
        rejected: lockstep.rejected(),
        stalled: standstills.all,
    };
    street.close(arguments, &scenario, folder)?;
    lockstep.close().await;
    let file = arguments.out.join("summary.json");
    std::fs::write(&file, serde_json::to_string_pretty(&summary)? + "\n")
        .with_context(|| format!("could not write {}", file.display()))?;
    log.finish()
}

/// How the centre is set for a run of its own.
pub(crate) fn settings(kind: Kind, tuning: Tuning) -> Settings {
    Settings {
        kind,
        kinds: Default::default(),
        lease_s: LEASE_S,
        epoch: 1,
        utc_offset_s: 0,
        holidays: Default::default(),
        tuning,
    }
}

/// Lease of a command, s.
const LEASE_S: u32 = 10;

/// `decisions.jsonl`: one decision a line, oldest first.
struct Decisions {
    file: std::io::BufWriter<std::fs::File>,
    written: u64,
}

impl Decisions {
    fn create(path: &Path) -> anyhow::Result<Decisions> {
        let file =
            std::fs::File::create(path).with_context(|| format!("could not write {}", path.display()))?;
        Ok(Decisions { file: std::io::BufWriter::new(file), written: 0 })
    }
    fn write(&mut self, decision: &Decision) -> anyhow::Result<()> {
        serde_json::to_writer(&mut self.file, decision)?;
        self.file.write_all(b"\n")?;
        self.written += 1;
        Ok(())
    }
    fn finish(mut self) -> anyhow::Result<()> {
        Ok(self.file.flush()?)
    }
}
