//! The ends of journeys: by which means one gets between a place and stops, and how long it takes.

use super::{Memory, Streets, Transit, TransitQuery, worth::Driven};
use crate::{
    feeder::{Feeder, Ridden},
    itinerary::Place,
    nearest::OnArc,
    on_demand::{Asked, Brought},
    planner::{End, NoJourney, When},
    profile::Profile,
    street::Scratch,
    transit::{
        search::{Walk, scaled},
        walks::Looking,
    },
};
use std::{collections::HashMap, time::Duration};

/// What is found of one of a question's two ends, while it is looked for.
#[derive(Debug, Default)]
pub(super) struct Side {
    /// The place on the streets of those on foot.
    pub(super) feet: Vec<OnArc>,
    /// By stop: the ms to it or from it, and by which of the ways on wheels, if by any.
    pub(super) ways: HashMap<u32, (u32, Option<usize>)>,
    /// Ways on wheels.
    pub(super) ridden: Vec<Ridden>,
    /// Ways by car, not yet among the others.
    pub(super) driven: Vec<Driven>,
    /// Ways on demand.
    pub(super) brought: Vec<Brought>,
}

impl Side {
    /// Takes a way on wheels if none to that stop is as quick.
    pub(super) fn offer(&mut self, stop: u32, ms: u32, way: usize) {
        let known = self.ways.entry(stop).or_insert((u32::MAX, None));
        if ms < known.0 {
            *known = (ms, Some(way));
        }
    }

    /// By stop, the s.
    pub(super) fn walks(&self) -> Vec<Walk> {
        let mut walks: Vec<Walk> =
            self.ways.iter().map(|(&stop, way)| (stop, way.0.div_ceil(1000))).collect();
        walks.sort_unstable();
        walks
    }
}

impl Transit {
    /// What is found of one of a question's ends: by which means so long at most between the place and stops.
    pub(super) fn side(
        &self,
        streets: &Streets<'_>,
        query: &TransitQuery,
        (end, place, longest, feeders): (End, &Place, Duration, &[Feeder]),
        memory: &mut Memory,
        scratch: &mut Scratch,
    ) -> Result<Side, NoJourney> {
        if feeders.iter().any(|feeder| feeder.is_driven()) {
            self.find_driven_to(streets, query);
        }
        if feeders.contains(&Feeder::Bicycle) && query.on_foot == Profile::Walk {
            self.find_racks(streets);
        }
        let (When::DepartAt(moment) | When::ArriveBy(moment)) = query.when;
        let looking = if end == End::From { Looking::Away } else { Looking::Towards };
        let stops = self.stops(query);
        let slowness = stops.slowness;
        let feet = self.feet(streets, query, end, place)?;
        let longest_ms = longest.as_millis().min(u128::from(u32::MAX / 4)) as u32;
        let mut side = Side { feet, ..Side::default() };
        if feeders.contains(&Feeder::OnFoot) {
            let limit_ms = (f64::from(longest_ms) / slowness).min(f64::from(u32::MAX / 4)) as u32;
            let reached = stops.walks.reach(&side.feet, looking, limit_ms, &mut memory.walk);
            side.ways.extend(reached.into_iter().map(|(stop, ms)| (stop, (scaled(ms, slowness), None))));
        }
        // Nobody in a wheelchair is sent to a bicycle.
        let riders = feeders.iter().filter(|feeder| query.on_foot == Profile::Walk || feeder.is_driven());
        for &feeder in riders {
            let from = (place, query.street_within_m);
            let memory = (&mut *scratch, &mut memory.walk);
            for (way, reached) in streets.wheels.ways(feeder, from, (looking, longest_ms), stops, memory) {
                let number = side.ridden.len();
                for (stop, ms) in reached {
                    match feeder.is_driven() {
                        true => side.driven.push(Driven { stop, ms, way: number }),
                        false => side.offer(stop, ms, number),
                    }
                }
                side.ridden.push(way);
            }
        }
        if feeders.contains(&Feeder::OnDemand) {
            let around = self.around(streets, stops, query.speed_mps);
            let walked = around.walked(&side.feet, looking, longest_ms, &mut memory.walk);
            side.brought = self.on_demand.ways(
                &around,
                &Asked {
                    place,
                    within_m: query.street_within_m,
                    looking,
                    limit_ms: longest_ms,
                    walked: &walked,
                    day: self.day_of(moment),
                    now: query.asked,
                },
            );
        }
        let here = place.stop.as_ref().and_then(|id| self.stop(id));
        for stop in here.map(|stop| self.timetable.platforms_of(stop)).unwrap_or_default() {
            side.ways.insert(stop, (0, None));
        }
        Ok(side)
    }

    /// A place's feet on the streets; none for a stop to which no street leads.
    pub(super) fn feet(
        &self,
        streets: &Streets<'_>,
        query: &TransitQuery,
        end: End,
        place: &Place,
    ) -> Result<Vec<OnArc>, NoJourney> {
        let within_m = query.street_within_m;
        let access = streets.index.access(streets.map, streets.street, place.at, within_m, |_| true);
        match access {
            Some(access) => Ok(access.feet()),
            None if place.stop.as_ref().is_some_and(|id| self.by_id.contains_key(id)) => Ok(Vec::new()),
            None => Err(NoJourney::NoStreet { end, place: place.clone(), profile: query.on_foot, within_m }),
        }
    }
}
