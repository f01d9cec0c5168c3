//! Who drives the street: the real SUMO by TraCI, or our own engine. Both feel our devices' detectors and
//! obey our devices' lamps.

use super::Arguments;
use crate::input;
use anyhow::Context;
use model::{city::City, ids::JunctionIx, sumo::Scenario, time::Moment};
use simulator::{
    modbus_field::FieldDevice,
    scenario::{
        measuring::Measures,
        output::{Files, Outputs},
    },
    signals::Tlc,
    street::Street,
    sumo::{self, Sumo},
    world::{DepartLane, Options, World},
    worn_detectors::WornDetectors,
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use wire::register_map::RegisterMap;

/// A street that somebody drives.
pub(super) enum Driver {
    Sumo { sumo: Box<Sumo>, devices: Vec<FieldDevice>, worn: WornDetectors },
    Own { street: Box<Street>, outputs: Box<Outputs> },
}

fn at(s: f64) -> Moment {
    Moment((s * 1000.0).round() as i64)
}

impl Driver {
    /// Starts SUMO on the scenario as it stands, with our seed, and trip reports where it asks for none itself.
    pub(super) fn sumo(
        arguments: &Arguments,
        scenario: &Scenario,
        city: &Arc<City>,
        map: &Arc<RegisterMap>,
    ) -> anyhow::Result<Driver> {
        let binary = sumo::find()?;
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
            options.extend([
                "--tripinfo-output".into(),
                arguments.out.join("tripinfo.xml").display().to_string(),
            ]);
            options.push("--tripinfo-output.write-unfinished".into());
        }
        let sumo = Box::new(Sumo::start(&binary, &options, city.clone(), scenario.begin_s)?);
        let devices = city
            .junctions
            .iter()
            .map(|j| FieldDevice::new(Tlc::new(Arc::new(j.clone()), at(scenario.begin_s)), map.clone()))
            .collect();
        Ok(Driver::Sumo { sumo, devices, worn: WornDetectors::new(city, arguments.wear(), arguments.seed) })
    }

    /// Puts the scenario's demand into our own engine.
    pub(super) fn own(
        arguments: &Arguments,
        scenario: &Scenario,
        folder: &Path,
        city: &Arc<City>,
        map: &Arc<RegisterMap>,
    ) -> anyhow::Result<Driver> {
        let files: Vec<PathBuf> =
            scenario.additional.iter().chain(&scenario.routes).map(|f| folder.join(f)).collect();
        let mut demand = input::sumo_demand(&city.network, &files)?;
        let end_s = scenario.end_s.unwrap_or(f64::INFINITY);
        demand.trips.retain(|t| (scenario.begin_s..end_s).contains(&t.depart_s));
        let options = Options {
            begin_ms: at(scenario.begin_s).0,
            depart_lane: DepartLane::BestProb,
            ..Options::default()
        };
        let mut world = World::with_options(city, demand.types.clone(), arguments.seed, options);
        for (trip, fault) in world.insert_all(&demand) {
            tracing::warn!(trip, %fault, "a trip was left out");
        }
        // The files' own detectors are left to the simulator: here a tier of ours measures.
        let files = Files::within(&arguments.out);
        let outputs = Outputs::create(files, Measures::default(), city, &world, None)
            .with_context(|| format!("could not write into {}", arguments.out.display()))?;
        let mut street = Street::new(city.clone(), world, map.clone(), Moment(0));
        street.wear(WornDetectors::new(city, arguments.wear(), arguments.seed));
        Ok(Driver::Own { street: Box::new(street), outputs: Box::new(outputs) })
    }

    /// The devices, in junction order.
    pub(super) fn devices(&self) -> &[FieldDevice] {
        match self {
            Driver::Sumo { devices, .. } => devices,
            Driver::Own { street, .. } => street.devices(),
        }
    }

    /// The scenario's time.
    pub(super) fn now(&self) -> Moment {
        match self {
            Driver::Sumo { sumo, .. } => at(sumo.time_s()),
            Driver::Own { street, .. } => street.now(),
        }
    }

    /// Nobody is on the road, and nobody is to come.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Driver::Sumo { sumo, .. } => sumo.expected() == 0,
            Driver::Own { street, .. } => {
                let world = street.world();
                world.on_road() + world.waiting_to_enter() + world.still_to_come() == 0
            }
        }
    }

    /// Traffic drives a second under the lamps that show; then the devices live until then.
    pub(super) fn step(&mut self) -> anyhow::Result<()> {
        match self {
            Driver::Sumo { sumo, devices, .. } => {
                let letters: Vec<String> = devices.iter().map(|d| d.look(sumo::letters)).collect();
                sumo.step(sumo.time_s() + 1.0, &letters)?;
            }
            Driver::Own { street, outputs } => {
                let began = street.world().now_ms();
                street.step();
                let finished = street.world_mut().take_finished();
                outputs
                    .step(street.city(), street.world(), &street.lamps(), began, &finished)
                    .context("could not write the outputs")?;
                return Ok(());
            }
        }
        self.tick();
        Ok(())
    }

    /// The devices live at the present moment once more.
    pub(super) fn tick(&mut self) {
        let now = self.now();
        match self {
            Driver::Sumo { sumo, devices, worn } => {
                for (i, device) in devices.iter().enumerate() {
                    let junction = JunctionIx::from(i);
                    device.step(now, worn.tell(junction, now, sumo.felt(junction)));
                }
            }
            Driver::Own { street, .. } => street.tick(),
        }
    }

    /// Ends the run; all files are written then.
    pub(super) fn close(
        self,
        arguments: &Arguments,
        scenario: &Scenario,
        folder: &Path,
    ) -> anyhow::Result<()> {
        match self {
            Driver::Sumo { sumo, .. } => {
                sumo.close()?;
                keep_tripinfo(arguments, scenario, folder)
            }
            Driver::Own { street, outputs } => {
                outputs.finish(street.city(), street.world()).context("could not write the outputs")
            }
        }
    }
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
