//! Traffic alone: a city, its demand, its fixed plans, and the files that SUMO would have written.
//!
//! No field devices and no centre: [`FixedPlans`] plays each junction's plan by the clock, as a cabinet
//! without a guest would, and [`Run`] drives the world under it step by step.

pub mod fcd;
pub mod measuring;
pub mod output;
pub mod picture;
pub mod series;
pub(crate) mod xml;

use crate::{
    demand::DemandStream,
    world::{Lamps, Options, Totals, TripFault, TripInfo, World},
};
use model::{
    city::City,
    demand::Demand,
    ids::StageNumber,
    signal::{Junction, Lamp, interstage::Interstage},
};
use serde::Serialize;

/// Plays every junction's first plan by the clock.
#[derive(Clone, Debug)]
pub struct FixedPlans {
    groups: Vec<Vec<Lamp>>,
    stages: Vec<Option<StageNumber>>,
    /// Per junction: the step of its plan that it shows, once the change to it is over.
    settled: Vec<Option<usize>>,
    /// Per junction and step of its plan: the way there from the step before.
    ways: Vec<Vec<Interstage>>,
}

impl FixedPlans {
    /// Nothing shown yet.
    pub fn new(city: &City) -> FixedPlans {
        let ways = |junction: &Junction| -> Vec<Interstage> {
            let steps = junction.plans.first().map_or(&[][..], |plan| &plan.steps[..]);
            let before = steps.iter().cycle().skip(steps.len().saturating_sub(1));
            before.zip(steps).map(|(a, b)| Interstage::between(junction, a.stage, b.stage)).collect()
        };
        FixedPlans {
            groups: city.junctions.iter().map(|j| vec![Lamp::Dark; j.groups.len()]).collect(),
            stages: vec![None; city.junctions.len()],
            settled: vec![None; city.junctions.len()],
            ways: city.junctions.iter().map(ways).collect(),
        }
    }

    /// Shows what the plans of the city that it was made for say at `now_ms` on the scenario's clock. A junction without
    /// a plan flashes amber.
    pub fn set(&mut self, city: &City, now_ms: i64) {
        let clock = u64::try_from(now_ms / 100).unwrap_or(0);
        let shown = self.groups.iter_mut().zip(&mut self.stages).zip(&mut self.settled);
        for ((junction, ways), ((groups, stage), settled)) in city.junctions.iter().zip(&self.ways).zip(shown)
        {
            *stage = show_plan(junction, ways, clock, groups, settled);
        }
    }

    /// What the street sees.
    pub fn lamps(&self) -> Lamps<'_> {
        Lamps { groups: &self.groups, stages: &self.stages }
    }
}

fn show_plan(
    junction: &Junction,
    ways: &[Interstage],
    clock: u64,
    groups: &mut [Lamp],
    settled: &mut Option<usize>,
) -> Option<StageNumber> {
    let running = junction.plans.first().and_then(|plan| Some((plan, plan.step_at(clock)?)));
    let Some((plan, (step, elapsed))) = running else {
        groups.fill(Lamp::FlashingAmber);
        return None;
    };
    let stage = plan.steps[step].stage;
    let way = &ways[step];
    let now_settled = (elapsed >= way.duration).then_some(step);
    if now_settled.is_some() && *settled == now_settled {
        return Some(stage);
    }
    *settled = now_settled;
    let green = junction.stage(stage);
    for (group, lamp) in junction.groups.iter().zip(groups) {
        let settled = if green.is_some_and(|s| s.has(group.number)) { Lamp::Green } else { Lamp::Red };
        let changing =
            (elapsed < way.duration).then(|| way.lamp(junction, group.number, elapsed, way.duration));
        *lamp = changing.flatten().unwrap_or(settled);
    }
    // Until the change is over, what stays green keeps the right of way that it had.
    let before = plan.steps[(step + plan.steps.len() - 1) % plan.steps.len()].stage;
    Some(if elapsed < way.duration { before } else { stage })
}

/// A run of traffic alone.
#[derive(Clone, Debug)]
pub struct Run {
    city: City,
    world: World,
    plans: FixedPlans,
    /// Where trips come from that are not in the world from the start.
    stream: Option<DemandStream>,
    end_ms: i64,
    kpis: Kpis,
    vehicle_updates: u64,
    most_at_once: u64,
    due: u64,
    refused: Vec<(String, TripFault)>,
}

/// What a run comes to, for machines.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Summary {
    /// Trips due within the run.
    pub vehicles: u64,
    /// Mean of time loss and departure delay of those that departed, and of the wait of those that never did,
    /// s (the delay of RESCO).
    pub delay_s: f64,
    /// Mean time on the road of those that arrived, s.
    pub duration_s: f64,
    /// Mean time loss of those that arrived, s.
    pub time_loss_s: f64,
    /// Mean standing time of those that arrived, s.
    pub waiting_s: f64,
    /// Still driving at the end.
    pub unfinished: u64,
    /// Due, and never on the road.
    pub never_departed: u64,
    /// Trips left out because they cannot be driven.
    pub refused: u64,
    /// Simulated, s.
    pub simulated_s: f64,
    /// Vehicles times steps.
    pub vehicle_updates: u64,
    /// Most vehicles on the road in one step.
    pub most_at_once: u64,
    /// People who arrived on foot.
    pub people: u64,
    /// Mean time that they lost at crossings and on the way, s.
    pub people_delay_s: f64,
    /// Mean time that they stood at crossings, s.
    pub people_waiting_s: f64,
    /// People still on foot at the end.
    pub people_under_way: u64,
    /// Counts.
    pub totals: Totals,
}

#[derive(Clone, Copy, Debug, Default)]
struct Kpis {
    arrived: u64,
    delay: f64,
    duration: f64,
    time_loss: f64,
    waiting: f64,
    people: u64,
    people_delay: f64,
    people_waiting: f64,
}

impl Run {
    /// Ready to drive from `options.begin_ms` to `end_ms`. Trips that depart outside are not driven, as in SUMO.
    pub fn new(city: City, demand: Demand, seed: u64, options: Options, end_ms: i64) -> Run {
        let mut world = World::with_options(&city, demand.types, seed, options);
        let mut refused = Vec::new();
        let (begin, end) = (options.begin_ms as f64 / 1000.0, end_ms as f64 / 1000.0);
        let mut due = 0;
        for trip in demand.trips.into_iter().filter(|t| t.depart_s >= begin && t.depart_s < end) {
            let id = trip.id.clone();
            match world.insert(trip) {
                Ok(()) => due += 1,
                Err(fault) => refused.push((id, fault)),
            }
        }
        for walk in demand.walks.into_iter().filter(|w| w.depart_s >= begin && w.depart_s < end) {
            let id = walk.id.clone();
            if let Err(fault) = world.insert_walk(walk) {
                refused.push((id, fault));
            }
        }
        Run { due, refused, ..Run::of(city, world, None, end_ms) }
    }

    /// Ready to drive from `options.begin_ms` to `end_ms` what comes out of a stream for that city.
    pub fn endless(city: City, stream: DemandStream, seed: u64, options: Options, end_ms: i64) -> Run {
        let world = World::with_options(&city, stream.types().to_vec(), seed, options);
        Run::of(city, world, Some(stream), end_ms)
    }

    fn of(city: City, world: World, stream: Option<DemandStream>, end_ms: i64) -> Run {
        let plans = FixedPlans::new(&city);
        Run {
            city,
            world,
            plans,
            stream,
            end_ms,
            kpis: Kpis::default(),
            vehicle_updates: 0,
            most_at_once: 0,
            due: 0,
            refused: Vec::new(),
        }
    }

    /// Drives one step and hands out the trips that it completed; `None` when the end has come.
    pub fn step(&mut self) -> Option<Vec<TripInfo>> {
        if self.world.now_ms() >= self.end_ms {
            return None;
        }
        if let Some(stream) = &mut self.stream {
            let before = self.world.planned();
            let step_s = self.world.dt();
            self.refused.extend(stream.feed(&mut self.world, step_s));
            self.due += self.world.planned() - before;
        }
        self.plans.set(&self.city, self.world.now_ms());
        let on_road = self.world.on_road() as u64;
        self.vehicle_updates += on_road;
        self.most_at_once = self.most_at_once.max(on_road);
        self.world.step(&self.plans.lamps());
        for walk in self.world.walked() {
            self.kpis.people += 1;
            self.kpis.people_delay += walk.time_loss_s;
            self.kpis.people_waiting += walk.waiting_s;
        }
        let finished = self.world.take_finished();
        for trip in &finished {
            self.kpis.arrived += 1;
            self.kpis.delay += trip.time_loss_s + trip.depart_delay_s;
            self.kpis.duration += trip.duration_s;
            self.kpis.time_loss += trip.time_loss_s;
            self.kpis.waiting += trip.waiting_s;
        }
        Some(finished)
    }

    /// The street.
    pub fn world(&self) -> &World {
        &self.world
    }
    /// The city.
    pub fn city(&self) -> &City {
        &self.city
    }
    /// What the lamps showed in the last step.
    pub fn plans(&self) -> &FixedPlans {
        &self.plans
    }
    /// Trips that were left out, and why.
    pub fn refused(&self) -> &[(String, TripFault)] {
        &self.refused
    }
    /// Vehicles times steps so far.
    pub fn vehicle_updates(&self) -> u64 {
        self.vehicle_updates
    }
    /// Trips that are due within the run.
    pub fn due(&self) -> u64 {
        self.due
    }

    /// What it came to so far.
    pub fn summary(&self) -> Summary {
        let open = self.world.unfinished();
        let totals = self.world.totals();
        let never = self.world.never_departed_waits_s();
        let delay = self.kpis.delay
            + open.iter().map(|t| t.time_loss_s + t.depart_delay_s).sum::<f64>()
            + never.iter().sum::<f64>();
        let each = |sum: f64| sum / (self.kpis.arrived.max(1)) as f64;
        Summary {
            vehicles: self.due,
            delay_s: delay / self.due.max(1) as f64,
            duration_s: each(self.kpis.duration),
            time_loss_s: each(self.kpis.time_loss),
            waiting_s: each(self.kpis.waiting),
            unfinished: open.len() as u64,
            never_departed: never.len() as u64,
            refused: self.refused.len() as u64,
            simulated_s: self.world.simulated_s(),
            vehicle_updates: self.vehicle_updates,
            most_at_once: self.most_at_once,
            people: self.kpis.people,
            people_delay_s: self.kpis.people_delay / self.kpis.people.max(1) as f64,
            people_waiting_s: self.kpis.people_waiting / self.kpis.people.max(1) as f64,
            people_under_way: self.world.on_foot() as u64,
            totals,
        }
    }
}

/// SUMO's letter for each head of a junction: `G` protected, `g` permissive, `y`, `r`, `s` (turn on red), `u`
/// (red-amber), `o` flashing, `O` dark. `before` is the last state, from which a green that is about to end
/// keeps its kind.
pub fn state_letters(
    junction: &Junction,
    lamps: &[Lamp],
    stage: Option<StageNumber>,
    before: &str,
) -> String {
    let stage = stage.and_then(|s| junction.stage(s));
    let letter = |(k, number): (usize, &model::ids::GroupNumber)| {
        let Some(lamp) = usize::from(number.0).checked_sub(1).and_then(|g| lamps.get(g)) else { return 'O' };
        match lamp {
            Lamp::Green | Lamp::FlashingGreen => match stage.filter(|s| s.has(*number)) {
                Some(s) if s.permissive.contains(number) => 'g',
                Some(_) => 'G',
                None if before.as_bytes().get(k) == Some(&b'g') => 'g',
                None => 'G',
            },
            Lamp::Amber => 'y',
            Lamp::RedAmber => 'u',
            Lamp::Red if junction.group(*number).is_some_and(|g| g.turn_on_red) => 's',
            Lamp::Red => 'r',
            Lamp::FlashingAmber => 'o',
            Lamp::Dark => 'O',
        }
    };
    junction.heads.iter().enumerate().map(letter).collect()
}
