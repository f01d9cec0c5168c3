//! A question made ready, and driven: the street as it is and the street with the changes, with the same seeds, on
//! some of the machine's cores and behind everything else that runs there.

use super::{
    drive::{Came, Scene, drive},
    spread::measured,
};
use controller::{
    coordinator::{Order, OrderKind},
    decide::{Kind, Tuning},
};
use model::{
    city::City,
    ids::{JunctionId, JunctionIx, PlanNumber, StageNumber},
    signal::{Plan, PlanStep},
    time::{Moment, Tenths},
};
use simulator::snapshot::Snapshot;
use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZero,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tracing::subscriber::NoSubscriber;
use uuid::Uuid;
use wire::what_if::{
    self, Assumptions, Change, Control, HORIZON_S, JunctionMeasured, Measure, Outcome, Request, Running,
    SEEDS,
};

/// How much a thread that simulates steps back behind others (`nice`): the demo's own street, agents and centre go first.
const NICE: i32 = 10;

/// A question, read against the city and ready to be driven.
#[derive(Clone, Debug)]
pub(super) struct Study {
    base: Scene,
    trial: Scene,
    snapshot: Snapshot,
    seeds: u16,
    horizon_s: u32,
    /// Junctions that a change names.
    touched: Vec<JunctionIx>,
}

/// How far a study is; shared with whoever drives it.
#[derive(Debug, Default)]
pub(super) struct Progress {
    seconds: AtomicU64,
    stop: AtomicBool,
}

impl Progress {
    /// Share done, 0 to 1.
    pub(super) fn done(&self, study_s: u64) -> f32 {
        (self.seconds.load(Ordering::Relaxed) as f64 / study_s.max(1) as f64).min(1.0) as f32
    }
    /// Ends it within a simulated second.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Study {
    /// Reads a question; the error says what is wrong with it.
    pub(super) fn new(city: &Arc<City>, tuning: Tuning, request: &Request) -> Result<Study, String> {
        if !HORIZON_S.contains(&request.horizon_s) || !SEEDS.contains(&request.seeds) {
            return Err(format!(
                "horizon_s is {} and may be {} to {}, seeds is {} and may be {} to {}",
                request.horizon_s,
                HORIZON_S.start(),
                HORIZON_S.end(),
                request.seeds,
                SEEDS.start(),
                SEEDS.end()
            ));
        }
        let picture = &request.picture;
        let snapshot = Snapshot::new(city, picture).map_err(|fault| fault.to_string())?;
        let mut base = Scene {
            city: city.clone(),
            kinds: BTreeMap::new(),
            orders: Vec::new(),
            stages: vec![None; city.junctions.len()],
            utc_offset_s: picture.utc_offset_s,
            tuning,
        };
        for running in &picture.junctions {
            base.add(running, picture.at)?;
        }
        let (trial, touched) = base.with(&request.trial)?;
        let (seeds, horizon_s) = (request.seeds, request.horizon_s);
        Ok(Study { base, trial, snapshot, seeds, horizon_s, touched: touched.into_iter().collect() })
    }

    /// Seconds of street that it drives in all.
    pub(super) fn seconds(&self) -> u64 {
        2 * u64::from(self.seeds) * u64::from(self.horizon_s)
    }

    /// Drives it on so many threads. `None` if it was stopped. Blocks.
    pub(super) fn run(
        &self,
        threads: NonZero<usize>,
        progress: &Progress,
    ) -> anyhow::Result<Option<Outcome>> {
        let tasks = 2 * usize::from(self.seeds);
        let next = AtomicUsize::new(0);
        let each_second = || {
            progress.seconds.fetch_add(1, Ordering::Relaxed);
            !progress.stop.load(Ordering::Relaxed)
        };
        let work = || {
            let mut done: Vec<(usize, Came)> = Vec::new();
            loop {
                let task = next.fetch_add(1, Ordering::Relaxed);
                if task >= tasks {
                    return anyhow::Ok(Some(done));
                }
                let scene = if task.is_multiple_of(2) { &self.base } else { &self.trial };
                let seed = task as u64 / 2 + 1;
                match drive(scene, &self.snapshot, seed, self.horizon_s, &self.touched, each_second)? {
                    Some(came) => done.push((task, came)),
                    None => return Ok(None),
                }
            }
        };
        let mut came: Vec<(usize, Came)> = Vec::new();
        let parts = std::thread::scope(|scope| {
            let workers: Vec<_> =
                (0..threads.get().min(tasks)).map(|_| scope.spawn(|| behind_others(work))).collect();
            workers.into_iter().map(|w| w.join()).collect::<Vec<_>>()
        });
        for part in parts {
            match part.map_err(|_| anyhow::anyhow!("a thread that simulates failed"))?? {
                Some(part) => came.extend(part),
                None => return Ok(None),
            }
        }
        came.sort_by_key(|(task, _)| *task);
        Ok(Some(self.outcome(&came.into_iter().map(|(_, came)| came).collect::<Vec<_>>())))
    }

    /// `came` has base and trial of the first seed, then of the second, and so on.
    fn outcome(&self, came: &[Came]) -> Outcome {
        let bases = || came.iter().step_by(2);
        let both = |measure, of: &dyn Fn(&Came) -> f64| {
            let base: Vec<f64> = bases().map(of).collect();
            let trial: Vec<f64> = came.iter().skip(1).step_by(2).map(of).collect();
            measured(measure, &base, &trial)
        };
        let mean =
            |of: fn(&Came) -> u32| bases().map(|c| f64::from(of(c))).sum::<f64>() / f64::from(self.seeds);
        let (turns_measured, turns_assumed) = self.snapshot.turns();
        let measures = Measure::ALL.into_iter().enumerate();
        let junctions = self.touched.iter().enumerate();
        Outcome {
            seeds: self.seeds,
            horizon_s: self.horizon_s,
            assumptions: Assumptions {
                known: bases().next().map_or(0, |c| c.known),
                assumed: mean(|c| c.assumed),
                to_come: mean(|c| c.to_come),
                turns_measured,
                turns_assumed,
            },
            measures: measures.map(|(i, measure)| both(measure, &|c| c.measures[i])).collect(),
            junctions: junctions
                .map(|(i, ix)| JunctionMeasured {
                    junction: self.base.city.junctions[ix.ix()].id.as_str().to_owned(),
                    delay: both(Measure::DelayS, &|c| c.delays_s[i]),
                })
                .collect(),
        }
    }
}

/// Runs something on this thread and no other, after everybody else's work. Decisions and big streets are shared out
/// over a pool of threads where one is at hand; the process's own is the running city's, so a pool of one stands here.
fn behind_others<T: Send>(work: impl FnOnce() -> anyhow::Result<T> + Send) -> anyhow::Result<T> {
    let lower = |_| {
        if let Err(error) = rustix::process::nice(NICE) {
            tracing::debug!(%error, "a thread that simulates keeps its priority");
        }
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).start_handler(lower).build()?;
    // The cores' warnings are of a street that is not there: nobody must act on them.
    pool.install(|| tracing::subscriber::with_default(NoSubscriber::new(), work))
}

impl Scene {
    /// Takes over what a junction runs.
    fn add(&mut self, running: &Running, at: Moment) -> Result<(), String> {
        let ix = junction(&self.city, &running.junction)?;
        self.kinds.insert(ix, kind(running.kind));
        let stage = self.city.junctions[ix.ix()].stage(StageNumber(running.stage)).map(|s| s.number);
        let since = at - Duration::from_secs(running.for_s.into());
        self.stages[ix.ix()] = stage.map(|stage| (stage, since));
        if let Some(order) = &running.order {
            let what = match order.what {
                what_if::Ordered::Plan(plan) => OrderKind::Plan(PlanNumber(plan)),
                what_if::Ordered::Hold(stage) => OrderKind::Hold(StageNumber(stage)),
                what_if::Ordered::Flash => OrderKind::Flash,
            };
            self.orders.push(Order {
                id: Uuid::from_u64_pair(1, u64::from(ix.0)),
                junction: Some(ix),
                what,
                who: "what-if".to_owned(),
                reason: "in force".to_owned(),
                until: at + Duration::from_secs(order.left_s.into()),
            });
        }
        Ok(())
    }

    /// The same street with changes, and the junctions that they name.
    fn with(&self, changes: &[Change]) -> Result<(Scene, BTreeSet<JunctionIx>), String> {
        let mut scene = self.clone();
        let mut city = City::clone(&self.city);
        let mut touched = BTreeSet::new();
        for change in changes {
            for id in &change.junctions {
                let ix = junction(&self.city, id)?;
                if !touched.insert(ix) {
                    return Err(format!("junction {id} is changed twice"));
                }
                scene.orders.retain(|order| order.junction != Some(ix));
                match &change.control {
                    Control::Kind(k) => drop(scene.kinds.insert(ix, kind(*k))),
                    Control::Plan(plan) => {
                        let junction = &mut city.junctions[ix.ix()];
                        let plan = plan_of(plan);
                        if let Some(fault) = junction.plan_faults(&plan).into_iter().next() {
                            return Err(format!("junction {id}: {fault}"));
                        }
                        (junction.plans, junction.schedule) = (vec![plan], Vec::new());
                        scene.kinds.insert(ix, Kind::Fixed);
                    }
                }
            }
        }
        if touched.is_empty() {
            return Err("nothing is to be tried".to_owned());
        }
        scene.city = Arc::new(city);
        Ok((scene, touched))
    }
}

fn junction(city: &City, id: &str) -> Result<JunctionIx, String> {
    city.junction_ix(&JunctionId::new(id)).ok_or_else(|| format!("there is no junction {id:?}"))
}

fn kind(kind: what_if::Kind) -> Kind {
    match kind {
        what_if::Kind::Fixed => Kind::Fixed,
        what_if::Kind::Schedule => Kind::Schedule,
        what_if::Kind::Actuated => Kind::Actuated,
        what_if::Kind::MaxPressure => Kind::MaxPressure,
        what_if::Kind::Adaptive => Kind::Adaptive,
    }
}

fn plan_of(plan: &what_if::Plan) -> Plan {
    let step = |&(stage, split): &(u16, u32)| PlanStep { stage: StageNumber(stage), split: Tenths(split) };
    Plan {
        number: PlanNumber(1),
        name: Default::default(),
        offset: Tenths(plan.offset),
        steps: plan.steps.iter().map(step).collect(),
    }
}

#[cfg(test)]
mod tests;
