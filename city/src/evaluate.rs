//! Judges a kind of control over a scenario: a simulator drives the street, our devices show the lamps, the
//! centre decides, second by second under one clock.

mod core_path;

use crate::input::{self, InputError};
use anyhow::{bail, Context};
use clap::ValueEnum;
use controller::{
    coordinator::{Action, Coordinator, Event, Settings},
    decide::{Decision, Kind},
};
use model::{
    config::Complaint,
    ids::JunctionIx,
    signal::{rules::Watch, Lamp},
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
    path: Path_,
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
enum Path_ {
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
    engine: String,
    path: String,
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
    if arguments.engine == Engine::Own {
        bail!("--engine own is not joined to the centre yet; --engine sumo is");
    }
    if arguments.path == Path_::Field {
        bail!("--path field is not there yet; --path core is");
    }
    let scenario_text = input::text(&arguments.scenario)?;
    let scenario_name = arguments.scenario.display().to_string();
    let scenario = model::sumo::scenario(model::config::Source::new(&scenario_name, &scenario_text))
        .map_err(InputError::from)?
        .value;
    let folder = arguments.scenario.parent().unwrap_or(Path::new("."));
    let net = folder.join(&scenario.net);
    let additional: Vec<PathBuf> = scenario.additional.iter().map(|f| folder.join(f)).collect();
    let additional: Vec<&Path> = additional.iter().map(PathBuf::as_path).collect();
    let city = input::sumo_city(&net, &additional)?;
    for note in &city.notes {
        tracing::info!("{note}");
    }
    let city = Arc::new(city.value);
    if city.junctions.is_empty() {
        return Err(InputError::from(Complaint::whole(net.display().to_string(), "has no signals to control")).into());
    }
    let begin_s = scenario.begin_s;
    let end_s = scenario.end_s.unwrap_or(f64::MAX);
    std::fs::create_dir_all(&arguments.out)
        .with_context(|| format!("could not make the folder {}", arguments.out.display()))?;

    let tools = std::env::var_os("SVETOFOR_TOOLS").map_or_else(|| PathBuf::from(".tools/python"), PathBuf::from);
    let binary = sumo::find(&tools)?;
    let tripinfo = arguments.out.join("tripinfo.xml");
    let mut options = vec![
        "--configuration-file".to_owned(),
        scenario_name.clone(),
        "--seed".into(),
        arguments.seed.to_string(),
        "--no-step-log".into(),
        "--no-warnings".into(),
        "--duration-log.disable".into(),
    ];
    if scenario.tripinfo_output.is_none() {
        options.extend(["--tripinfo-output".into(), tripinfo.display().to_string()]);
        options.push("--tripinfo-output.write-unfinished".into());
    }
    let mut street = Sumo::start(&binary, &options, city.clone(), begin_s)?;

    let at = |s: f64| Moment((s * 1000.0).round() as i64);
    let map = Arc::new(RegisterMap::svetofor());
    let devices: Vec<FieldDevice> = city
        .junctions
        .iter()
        .map(|j| FieldDevice::new(Tlc::new(Arc::new(j.clone()), at(begin_s)), map.clone()))
        .collect();
    let mut watches: Vec<Watch> = city.junctions.iter().map(|j| Watch::new(j, Tenths::ZERO)).collect();
    let mut centre = core_path::Centre::new(
        Coordinator::new(
            city.clone(),
            Settings {
                kind: arguments.control.kind(),
                kinds: Default::default(),
                lease_s: 10,
                epoch: 1,
                utc_offset_s: 0,
            },
        ),
        at(begin_s),
    );
    let mut log = Decisions::create(&arguments.out.join("decisions.jsonl"))?;
    let mut violations = 0;
    while street.time_s() < end_s && street.expected() > 0 {
        let letters: Vec<String> = devices.iter().map(|d| d.look(sumo::letters)).collect();
        street.step(street.time_s() + 1.0, &letters)?;
        let now = at(street.time_s());
        for (i, device) in devices.iter().enumerate() {
            device.step(now, street.sensed(JunctionIx::from(i)));
        }
        for decision in centre.second(now, &devices) {
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
    let end_s = street.time_s();
    street.close()?;
    if let Some(own) = &scenario.tripinfo_output {
        let own = folder.join(own);
        if own != tripinfo {
            std::fs::copy(&own, &tripinfo)
                .with_context(|| format!("could not copy {} to {}", own.display(), tripinfo.display()))?;
        }
    }
    let summary = Summary {
        scenario: scenario_name,
        control: arguments.control.kind().as_str(),
        engine: "sumo".into(),
        path: "core".into(),
        seed: arguments.seed,
        begin_s,
        end_s,
        junctions: city.junctions.len(),
        decisions: log.written,
        commands: centre.commands(),
        violations,
        rejected: centre.rejected(),
    };
    let file = arguments.out.join("summary.json");
    std::fs::write(&file, serde_json::to_string_pretty(&summary)? + "\n")
        .with_context(|| format!("could not write {}", file.display()))?;
    log.finish()
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
