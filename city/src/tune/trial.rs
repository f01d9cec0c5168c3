//! A scenario, driven under plans.

use super::{Engine, sumo::Sumo};
use crate::{
    compare::score,
    input::{self, InputError},
};
use model::{city::City, config::Source, demand::Demand, detection::Tier, ids::MovementIx, signal::Plan};
use simulator::{
    scenario::Run,
    world::{DepartLane, Options},
};
use std::{
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

/// One plan for each junction, in the city's order.
pub(super) type Plans = Vec<Plan>;

/// A scenario without an end is over when everybody has arrived, or after so long, s.
const LONGEST_S: f64 = 86_400.0;

/// A scenario, ready to be driven. Each cabinet plays its first plan by the clock, and nobody else decides.
#[derive(Debug)]
pub(super) struct Trial {
    city: City,
    demand: Demand,
    options: Options,
    end_ms: i64,
    /// The real SUMO, where it judges.
    sumo: Option<Sumo>,
}

impl Trial {
    /// A scenario of vehicles that depart and count until `end_s`.
    pub(super) fn new(city: City, demand: Demand, begin_s: f64, end_s: f64) -> Trial {
        let ms = |s: f64| (s * 1000.0).round() as i64;
        let options = Options { begin_ms: ms(begin_s), depart_lane: DepartLane::First, ..Options::default() };
        Trial { city, demand, options, end_ms: ms(end_s), sumo: None }
    }

    /// Reads a SUMO configuration with its files, and finds SUMO if it is to judge.
    pub(super) fn read(path: &Path, engine: Engine) -> anyhow::Result<Trial> {
        let (text, name) = (input::text(path)?, path.display().to_string());
        let scenario = model::sumo::scenario(Source::new(&name, &text)).map_err(InputError::from)?.value;
        let folder = path.parent().unwrap_or(Path::new("."));
        let files = |names: &[String]| names.iter().map(|f| folder.join(f)).collect::<Vec<_>>();
        let additional = files(&scenario.additional);
        // Plans ask no detector; the fewest are the quickest to drive.
        let city = input::sumo_city(&folder.join(&scenario.net), &additional, Tier::Loops)?;
        let demand =
            input::sumo_demand(&city.network, &[&additional[..], &files(&scenario.routes)].concat())?;
        let sumo = match engine {
            Engine::Own => None,
            Engine::Sumo => {
                let planned = score::planned(&city.network, &demand, scenario.begin_s, scenario.end_s);
                Some(Sumo::find(path, &scenario, &additional, planned)?)
            }
        };
        let end_s = scenario.end_s.unwrap_or(scenario.begin_s + LONGEST_S);
        Ok(Trial { sumo, ..Trial::new(city, demand, scenario.begin_s, end_s) })
    }

    /// The city, with the scenario's own plans.
    pub(super) fn city(&self) -> &City {
        &self.city
    }

    /// Mean delay of each candidate with each seed, s: time lost, time waited to enter, and the whole wait of
    /// those who never got in. All processors share the work; what comes out does not depend on how.
    pub(super) fn delays_s(
        &self,
        engine: Engine,
        candidates: &[Plans],
        seeds: &[u64],
    ) -> anyhow::Result<Vec<Vec<f64>>> {
        let tasks = candidates.len() * seeds.len();
        let next = AtomicUsize::new(0);
        let work = || {
            let mut done = Vec::new();
            loop {
                let task = next.fetch_add(1, Ordering::Relaxed);
                if task >= tasks {
                    return done;
                }
                let (candidate, seed) = (&candidates[task / seeds.len()], seeds[task % seeds.len()]);
                let delay_s = match (engine, &self.sumo) {
                    (Engine::Sumo, Some(sumo)) => sumo.delay_s(&self.city_with(candidate), seed),
                    _ => Ok(self.drive(candidate, seed, |_| ()).summary().delay_s),
                };
                done.push((task, delay_s));
            }
        };
        let workers = std::thread::available_parallelism().map_or(1, usize::from).min(tasks);
        let mut delays = vec![vec![0.0; seeds.len()]; candidates.len()];
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            for (task, delay_s) in workers.into_iter().flat_map(|w| w.join().expect("a run does not panic")) {
                delays[task / seeds.len()][task % seeds.len()] = delay_s?;
            }
            Ok(delays)
        })
    }

    /// Vehicles per hour that pass each movement under `plans`.
    pub(super) fn volumes(&self, plans: &Plans, seed: u64) -> Vec<f64> {
        let mut passed = vec![0_usize; self.city.network.movements.len()];
        let run = self.drive(plans, seed, |run| {
            for (i, passed) in passed.iter_mut().enumerate() {
                *passed += run.world().entered(MovementIx::from(i));
            }
        });
        let hours = run.world().simulated_s().max(1.0) / 3600.0;
        passed.into_iter().map(|n| n as f64 / hours).collect()
    }

    /// The city under these plans.
    pub(super) fn city_with(&self, plans: &Plans) -> City {
        let mut city = self.city.clone();
        for (junction, plan) in city.junctions.iter_mut().zip(plans) {
            junction.plans = vec![plan.clone()];
        }
        city
    }

    fn drive(&self, plans: &Plans, seed: u64, mut each_step: impl FnMut(&Run)) -> Run {
        let mut run = Run::new(self.city_with(plans), self.demand.clone(), seed, self.options, self.end_ms);
        while run.step().is_some() {
            each_step(&run);
            let world = run.world();
            if world.on_road() + world.waiting_to_enter() + world.still_to_come() == 0 {
                break;
            }
        }
        run
    }
}
