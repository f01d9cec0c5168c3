//! Judges a kind of control over a scenario: a simulator drives the street, our devices show the lamps, the
//! centre decides, second by second under one clock.

mod lockstep;

use crate::input::{self, InputError};
use anyhow::{Context, bail};
use clap::ValueEnum;
use controller::{
    coordinator::{Coordinator, Settings},
    decide::{Decision, Kind},
};
use lockstep::{Cores, FieldPath, Lockstep};
use model::{
    city::City,
    config::Source,
    ids::JunctionIx,
    signal::{Lamp, rules::Watch},
    sumo::Scenario,
    time::{Moment, Tenths},
};
use serde::Serialize;
use simulator::{
    modbus_field::FieldDevice,
    signals::Tlc,
    sumo::{self, Sumo},
};
use std::{
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
    /// Seed of the traffic.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the results go; made if it is not there.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Whether the cores talk directly, or through Modbus, MQTT and the real programs' shells.
    #[arg(long, value_enum, default_value = "core")]
    path: Way,
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
}

impl Control {
    fn kind(self) -> Kind {
        match self {
            Control::Fixed => Kind::Fixed,
            Control::Actuated => Kind::Actuated,
            Control::MaxPressure => Kind::MaxPressure,
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
    seed: u64,
    begin_s: f64,
    end_s: f64,
    junctions: usize,
    decisions: u64,
    commands: u64,
    /// Lamps that did what they must not, by our own watch: always 0.
    violations: u64,
    rejected: std::collections::BTreeMap<String, u64>,
}

/// Runs it.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("could not start the runtime")?;
    runtime.block_on(judge(arguments))
}

async fn judge(arguments: &Arguments) -> anyhow::Result<()> {
    if arguments.engine == Engine::Own {
        bail!("--engine own is not joined to the centre yet; --engine sumo is");
    }
    let scenario_text = input::text(&arguments.scenario)?;
    let scenario_name = arguments.scenario.display().to_string();
    let scenario = model::sumo::scenario(Source::new(&scenario_name, &scenario_text)).map_err(InputError::from)?.value;
    let folder = arguments.scenario.parent().unwrap_or(Path::new("."));
    let net = folder.join(&scenario.net);
    let additional: Vec<PathBuf> = scenario.additional.iter().map(|f| folder.join(f)).collect();
    let city = Arc::new(input::sumo_city(&net, &additional)?);
    if city.junctions.is_empty() {
        return Err(InputError::about(&net, "has no signals to control").into());
    }
    std::fs::create_dir_all(&arguments.out)
        .with_context(|| format!("could not make the folder {}", arguments.out.display()))?;

    let at = |s: f64| Moment((s * 1000.0).round() as i64);
    let begin_s = scenario.begin_s;
    let mut street = start_sumo(arguments, &scenario, &city)?;
    let map = Arc::new(RegisterMap::svetofor());
    let devices: Vec<FieldDevice> = city
        .junctions
        .iter()
        .map(|j| FieldDevice::new(Tlc::new(Arc::new(j.clone()), at(begin_s)), map.clone()))
        .collect();
    let mut watches: Vec<Watch> = city.junctions.iter().map(|j| Watch::new(j, Tenths::ZERO)).collect();
    let settings = Settings {
        kind: arguments.control.kind(),
        kinds: Default::default(),
        lease_s: LEASE_S,
        epoch: 1,
        utc_offset_s: 0,
    };
    let centre = Coordinator::new(city.clone(), settings);
    let way = match arguments.path {
        Way::Core => lockstep::Path::Core(Cores::new(&city, map, at(begin_s))),
        Way::Field => lockstep::Path::Field(Box::new(FieldPath::start(&city, &devices, &map, at(begin_s)).await?)),
    };
    let mut lockstep = Lockstep::new(centre, way);
    let mut log = Decisions::create(&arguments.out.join("decisions.jsonl"))?;
    let mut violations = 0;
    let end_s = scenario.end_s.unwrap_or(f64::MAX);
    while street.time_s() < end_s && street.expected() > 0 {
        let letters: Vec<String> = devices.iter().map(|d| d.look(sumo::letters)).collect();
        street.step(street.time_s() + 1.0, &letters)?;
        let now = at(street.time_s());
        for (i, device) in devices.iter().enumerate() {
            device.step(now, street.sensed(JunctionIx::from(i)));
        }
        for decision in lockstep.second(now, &devices).await? {
            log.write(&decision)?;
        }
        // The box acts on a request at its next tick, a tenth of a second later; to the street that is now.
        for (i, device) in devices.iter().enumerate() {
            device.step(now, street.sensed(JunctionIx::from(i)));
            let lamps: Vec<Lamp> = device.look(|tlc| tlc.groups().iter().map(|g| g.lamp).collect());
            for violation in watches[i].observe(&city.junctions[i], now, &lamps) {
                violations += 1;
                tracing::error!(signal = %city.junctions[i].id, at = street.time_s(), %violation, "unsafe lamps");
            }
        }
    }
    let summary = Summary {
        scenario: scenario_name,
        control: arguments.control.kind().as_str(),
        engine: "sumo",
        path: match arguments.path {
            Way::Core => "core",
            Way::Field => "field",
        },
        seed: arguments.seed,
        begin_s,
        end_s: street.time_s(),
        junctions: city.junctions.len(),
        decisions: log.written,
        commands: lockstep.commands(),
        violations,
        rejected: lockstep.rejected(),
    };
    street.close()?;
    lockstep.close().await;
    keep_tripinfo(arguments, &scenario, folder)?;
    let file = arguments.out.join("summary.json");
    std::fs::write(&file, serde_json::to_string_pretty(&summary)? + "\n")
        .with_context(|| format!("could not write {}", file.display()))?;
    log.finish()
}

/// Lease of a command, s.
const LEASE_S: u32 = 10;

/// Starts SUMO on the scenario as it stands, with our seed, and trip reports where it asks for none itself.
fn start_sumo(arguments: &Arguments, scenario: &Scenario, city: &Arc<City>) -> anyhow::Result<Sumo> {
    let tools = std::env::var_os("SVETOFOR_TOOLS").map_or_else(|| PathBuf::from(".tools/python"), PathBuf::from);
    let binary = sumo::find(&tools)?;
    let mut options = vec![
        "--configuration-file".to_owned(),
        arguments.scenario.display().to_string(),
        "--seed".into(),
        arguments.seed.to_string(),
        "--no-step-log".into(),
        "--no-warnings".into(),
        "--duration-log.disable".into(),
    ];
    if scenario.tripinfo_output.is_none() {
        options.extend(["--tripinfo-output".into(), arguments.out.join("tripinfo.xml").display().to_string()]);
        options.push("--tripinfo-output.write-unfinished".into());
    }
    Ok(Sumo::start(&binary, &options, city.clone(), scenario.begin_s)?)
}

/// A scenario that writes its own trip reports does so where it says; ours is a copy.
fn keep_tripinfo(arguments: &Arguments, scenario: &Scenario, folder: &Path) -> anyhow::Result<()> {
    let Some(own) = &scenario.tripinfo_output else { return Ok(()) };
    let (own, ours) = (folder.join(own), arguments.out.join("tripinfo.xml"));
    let same = matches!((own.canonicalize(), ours.canonicalize()), (Ok(a), Ok(b)) if a == b);
    if !same {
        std::fs::copy(&own, &ours)
            .with_context(|| format!("could not copy {} to {}", own.display(), ours.display()))?;
    }
    Ok(())
}

/// `decisions.jsonl`: one decision a line, oldest first.
struct Decisions {
    file: std::io::BufWriter<std::fs::File>,
    written: u64,
}

impl Decisions {
    fn create(path: &Path) -> anyhow::Result<Decisions> {
        let file = std::fs::File::create(path).with_context(|| format!("could not write {}", path.display()))?;
        Ok(Decisions { file: std::io::BufWriter::new(file), written: 0 })
    }
    fn write(&mut self, decision: &Decision) -> anyhow::Result<()> {
        serde_json::to_writer(&mut self.file, decision)?;
        self.file.write_all(b"\n")?;
        self.written += 1;
        Ok(())
    }
    fn finish(mut self) -> anyhow::Result<()> { Ok(self.file.flush()?) }
}
