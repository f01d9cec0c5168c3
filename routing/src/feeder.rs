//! Ways to the first stop and from the last on wheels: by one's own bicycle, by a shared vehicle with ways on foot at both
//! its ends, by car to a car park near the stop, and in a car whose driver goes on.
//!
//! One search along the streets goes out from the place to wherever a vehicle may be left (or taken), and from all those one
//! search on foot to the stops. What it finds is told again leg by leg for the few stops that journeys use.

use crate::{
    foot::Direction,
    hierarchy::Driving,
    itinerary::{Leg, Means, Parked, Place},
    map::Map,
    nearest::{OnArc, StreetIndex},
    parking::{CarParks, LEAVING_MS, PARKING_MS, Rack, Racks},
    profile::Profile,
    sharing::{Handling, Sharing, System},
    street::{Costs, Foot, Path, Scratch, quickest, quickest_of, reach},
    transit::{
        search::scaled,
        walks::{Door, Looking, WalkScratch, Walks},
    },
};
use model::{geo::LonLat, time::Moment};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// By which means one gets to the first stop, or from the last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Feeder {
    /// On foot, or in a wheelchair.
    OnFoot,
    /// By one's own bicycle, which stays at the stop (or waits there): in a bicycle park where one is at it.
    Bicycle,
    /// By a shared vehicle.
    Rental,
    /// In a vehicle that comes when one asks for it.
    OnDemand,
    /// By one's own car, which stays in a car park near the stop (or waits there).
    ParkAndRide,
    /// In somebody's car, who goes on.
    DropOff,
    /// In a taxi.
    Taxi,
}

impl Feeder {
    /// Whether one goes by car.
    pub fn is_driven(self) -> bool {
        matches!(self, Feeder::ParkAndRide | Feeder::DropOff | Feeder::Taxi)
    }
}

/// To pay and get out of somebody's car takes so long, and to find it and get in, ms.
const GETTING_OUT_MS: u32 = 30_000;

/// What one rides between a place and stops.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Vehicle {
    /// One's own bicycle, left in a bicycle park at the stop, or at the stop's door where none is known.
    Bicycle,
    /// A vehicle of that system of shared ones.
    Shared(usize),
    /// One's own car, left in a car park.
    Parked,
    /// A car whose driver goes on.
    Driven(Profile),
}

impl Vehicle {
    /// Whether it is a car.
    fn is_car(self) -> bool {
        matches!(self, Vehicle::Parked | Vehicle::Driven(_))
    }

    /// How long it takes to do that with it where one goes on or comes from, ms.
    fn handling_ms(self, handling: Handling) -> u32 {
        match (self, handling) {
            // One locks a bicycle, and unlocks it as quickly.
            (Vehicle::Bicycle, _) => Handling::Leave.ms(),
            (Vehicle::Shared(_), handling) => handling.ms(),
            (Vehicle::Parked, Handling::Leave) => PARKING_MS,
            (Vehicle::Parked, Handling::Take) => LEAVING_MS,
            (Vehicle::Driven(_), _) => GETTING_OUT_MS,
        }
    }
}

/// Shared vehicles, and where they stand on the streets.
#[derive(Debug, Default)]
pub(crate) struct Lent {
    /// The vehicles.
    pub sharing: Arc<Sharing>,
    /// By system and spot: beside it on the streets of those on foot, and of bicycles.
    pub feet: Vec<Vec<[Vec<OnArc>; 2]>>,
}

/// Streets and vehicles for one question.
#[derive(Clone, Debug)]
pub(crate) struct Wheels<'a> {
    /// The map.
    pub map: &'a Map,
    /// Where its streets are.
    pub index: &'a StreetIndex,
    /// What walking costs.
    pub walking: Costs<'a>,
    /// What riding costs.
    pub cycling: Costs<'a>,
    /// Driving in the traffic of the question.
    pub driving: Driving<'a>,
    /// Car parks, on the streets of those who walk on from there.
    pub parks: &'a CarParks,
    /// Shared vehicles.
    pub lent: Arc<Lent>,
}

/// Where stops are, for those who come on foot and for those who come by bicycle.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stops<'a> {
    /// Ways on foot.
    pub walks: &'a Walks,
    /// By stop: where one comes to it by bicycle.
    pub doors: &'a [Vec<Door>],
    /// Where one's own bicycle stays at stops; `None` if it comes along.
    pub racks: Option<&'a Racks>,
    /// By stop: where one comes to it by car; empty if nobody asked for it.
    pub driven_to: &'a [Vec<Door>],
    /// Walking takes so many times the usual time.
    pub slowness: f64,
}

/// One vehicle's ways between a place and stops.
#[derive(Debug)]
pub(crate) struct Ridden {
    place: Place,
    /// The place on the streets of those on foot; only for shared vehicles, to which one walks.
    on_foot: Vec<OnArc>,
    looking: Looking,
    vehicle: Vehicle,
    /// Where riding begins (or ends) near the place, with the ms to there; and at which spot, if it is one.
    near: Vec<(Foot, Option<usize>)>,
    /// Where walking goes on to stops, with all ms so far; and from which spot.
    far: Vec<(Foot, usize)>,
    /// Whether one rides to a stop's door and leaves the vehicle there.
    by_door: bool,
}

/// A stretch of a way: a leg that begins at the epoch, or some ms in which nobody moves.
enum Stretch {
    Leg(Box<Leg>),
    Pause(u32),
}

impl Wheels<'_> {
    /// Ways by `feeder` between a place and all stops within `limit_ms`, one vehicle after another, with the stops and the ms.
    pub(crate) fn ways(
        &self,
        feeder: Feeder,
        (place, within_m): (&Place, f64),
        (looking, limit_ms): (Looking, u32),
        stops: Stops<'_>,
        (scratch, memory): (&mut Scratch, &mut WalkScratch),
    ) -> Vec<(Ridden, BTreeMap<u32, u32>)> {
        let vehicles = match feeder {
            Feeder::OnFoot | Feeder::OnDemand => Vec::new(),
            Feeder::Bicycle => vec![Vehicle::Bicycle],
            Feeder::Rental => (0..self.lent.sharing.systems.len()).map(Vehicle::Shared).collect(),
            Feeder::ParkAndRide => vec![Vehicle::Parked],
            Feeder::DropOff => vec![Vehicle::Driven(Profile::Car)],
            Feeder::Taxi => vec![Vehicle::Driven(Profile::Taxi)],
        };
        let ways = vehicles.into_iter().map(|vehicle| {
            let mut ridden = self.set_out(vehicle, place, within_m, looking, scratch);
            let reached = self.reached(&mut ridden, limit_ms, stops, scratch, memory);
            (ridden, reached)
        });
        ways.collect()
    }

    fn system(&self, system: usize) -> &System {
        &self.lent.sharing.systems[system]
    }

    /// What riding a vehicle costs.
    fn riding(&self, vehicle: Vehicle) -> &Costs<'_> {
        if vehicle.is_car() { &self.driving.costs } else { &self.cycling }
    }

    fn feet(&self, costs: &Costs<'_>, at: LonLat, within_m: f64) -> Vec<OnArc> {
        let open = |link| !costs.closed(link);
        let access = self.index.access(self.map, costs.graph(), at, within_m, open);
        access.map(|access| access.feet()).unwrap_or_default()
    }

    /// Places far from the one that is asked about where a vehicle may be left (or taken): which they are, and their feet on the
    /// streets of those on foot and of those who ride.
    fn spots(&self, vehicle: Vehicle, looking: Looking) -> Vec<(usize, &[Vec<OnArc>; 2])> {
        match vehicle {
            Vehicle::Bicycle | Vehicle::Driven(_) => Vec::new(),
            Vehicle::Shared(number) => {
                let [_, handling] = handlings(looking);
                let spots = self.system(number).spots.iter().zip(&self.lent.feet[number]).enumerate();
                spots.filter(|(_, (spot, _))| handling.fits(spot)).map(|(i, (_, feet))| (i, feet)).collect()
            }
            Vehicle::Parked => self.parks.all.iter().map(|park| &park.feet).enumerate().collect(),
        }
    }

    /// One of these places.
    fn spot(&self, vehicle: Vehicle, spot: usize) -> Place {
        match vehicle {
            Vehicle::Shared(system) => self.system(system).spots[spot].place(),
            _ => self.parks.all[spot].place.clone(),
        }
    }

    /// The way on foot from near to far, in the direction of travel.
    fn walk(&self, looking: Looking, ends: [&[OnArc]; 2], scratch: &mut Scratch) -> Option<Path> {
        let [from, to] = looking.in_order(ends);
        quickest(&self.walking, from, to, scratch)
    }

    /// Where riding may begin (or end) near the place.
    fn set_out(
        &self,
        vehicle: Vehicle,
        place: &Place,
        within_m: f64,
        looking: Looking,
        scratch: &mut Scratch,
    ) -> Ridden {
        let here = |ms: u32| {
            let feet = self.feet(self.riding(vehicle), place.at, within_m);
            feet.into_iter().map(move |on| (Foot { on, ms }, None))
        };
        let (mut near, mut on_foot) = (Vec::<(Foot, Option<usize>)>::new(), Vec::new());
        let mut by_door = false;
        match vehicle {
            Vehicle::Bicycle | Vehicle::Driven(_) | Vehicle::Parked => {
                by_door = vehicle != Vehicle::Parked;
                near.extend(here(0));
            }
            Vehicle::Shared(number) => {
                let system = self.system(number);
                let [handling, _] = handlings(looking);
                on_foot = self.feet(&self.walking, place.at, within_m);
                for spot in system.nearest(place.at, handling) {
                    let [walked, ridden] = &self.lent.feet[number][spot];
                    let Some(walk) = self.walk(looking, [&on_foot, walked], scratch) else { continue };
                    let ms = walk.cost_ms.saturating_add(handling.ms());
                    near.extend(ridden.iter().map(|&on| (Foot { on, ms }, Some(spot))));
                }
                match looking {
                    Looking::Away => by_door = system.left_anywhere,
                    Looking::Towards if system.left_anywhere => near.extend(here(handling.ms())),
                    Looking::Towards => {}
                }
            }
        }
        Ridden { place: place.clone(), on_foot, looking, vehicle, near, far: Vec::new(), by_door }
    }

    /// Stops within the limit, and the ms.
    fn reached(
        &self,
        ridden: &mut Ridden,
        limit_ms: u32,
        stops: Stops<'_>,
        scratch: &mut Scratch,
        memory: &mut WalkScratch,
    ) -> BTreeMap<u32, u32> {
        let mut found = BTreeMap::<u32, u32>::new();
        let mut offer = |stop: u32, ms: u32| {
            if ms <= limit_ms {
                let known = found.entry(stop).or_insert(ms);
                *known = (*known).min(ms);
            }
        };
        let spots = self.spots(ridden.vehicle, ridden.looking);
        let to_spots = self.driven_to(ridden, &spots).unwrap_or_else(|| {
            let near: Vec<Foot> = ridden.near.iter().map(|(foot, _)| *foot).collect();
            let direction = ridden.looking.direction();
            let reached = reach(self.riding(ridden.vehicle), &near, direction, limit_ms, scratch);
            if ridden.by_door {
                for stop in 0..stops.doors.len() as u32 {
                    for (door, _) in ridden.vehicle.doors(stops, stop) {
                        if let Some(ms) = reached.ms(&door.feet) {
                            offer(stop, ms.saturating_add(ridden.door_ms(door, stops)));
                        }
                    }
                }
            }
            spots.iter().map(|(_, [_, by_wheel])| reached.ms(by_wheel)).collect()
        });
        if !spots.is_empty() {
            let [_, handling] = handlings(ridden.looking);
            for ((i, [walked, _]), ms) in spots.iter().zip(to_spots) {
                if let Some(ms) = ms.filter(|ms| *ms <= limit_ms) {
                    let ms = ms.saturating_add(ridden.vehicle.handling_ms(handling));
                    ridden.far.extend(walked.iter().map(|&on| (Foot { on, ms }, *i)));
                }
            }
            // Ways on foot are counted at the usual speed.
            let usual = |ms: u32| (f64::from(ms) / stops.slowness).ceil() as u32;
            let feet: Vec<Foot> =
                ridden.far.iter().map(|(foot, _)| Foot { ms: usual(foot.ms), ..*foot }).collect();
            for (stop, ms) in stops.walks.reach_of(&feet, ridden.looking, usual(limit_ms), memory) {
                offer(stop, scaled(ms, stops.slowness));
            }
        }
        found
    }

    /// How long it takes by car to each of some car parks (or from it), ms, where what driving costs was worked out beforehand: there
    /// are few, and one's own car is left nowhere else.
    fn driven_to(&self, ridden: &Ridden, parks: &[(usize, &[Vec<OnArc>; 2])]) -> Option<Vec<Option<u32>>> {
        let Driving { roads, costs, ready } = &self.driving;
        let ready = ready.as_ref().filter(|_| ridden.vehicle == Vehicle::Parked)?;
        let [here, there] = ridden.looking.in_order([Direction::Away, Direction::Towards]);
        let feet: Vec<OnArc> = ridden.near.iter().map(|(foot, _)| foot.on).collect();
        let near = roads.half(ready, costs, (&feet, here));
        let to_park = |(_, [_, by_car]): &(usize, &[Vec<OnArc>; 2])| {
            let far = roads.half(ready, costs, (by_car, there));
            let [from, to] = ridden.looking.in_order([&near, &far]);
            from.joined_ms(to, costs)
        };
        Some(parks.iter().map(to_park).collect())
    }

    /// The way by car to a car park (or from it), likewise.
    fn driven_along(&self, ridden: &Ridden, park: usize) -> Option<Path> {
        let Driving { roads, costs, ready } = &self.driving;
        let ready = ready.as_ref().filter(|_| ridden.vehicle == Vehicle::Parked)?;
        let near: Vec<OnArc> = ridden.near.iter().map(|(foot, _)| foot.on).collect();
        let park = &self.parks.all[park].feet[1];
        roads.quickest(ready, costs, ridden.looking.in_order([&near, park]))
    }

    /// The way to a stop that was reached (or from it), and how many ms it takes: legs, beginning at the epoch.
    pub(crate) fn legs(
        &self,
        ridden: &Ridden,
        (stop, at_stop): (u32, &Place),
        stops: Stops<'_>,
        scratch: &mut Scratch,
    ) -> Option<(u32, Vec<Leg>)> {
        let looking = ridden.looking;
        let near: Vec<Foot> = ridden.near.iter().map(|(foot, _)| *foot).collect();
        let far: Vec<Foot> = ridden.far.iter().map(|(foot, _)| *foot).collect();
        let feet_of =
            |door: &Door, ms: u32| door.feet.iter().map(move |&on| Foot { on, ms }).collect::<Vec<_>>();
        let walked_to = stops.walks.doors(stop).iter();
        let walked_to: Vec<Foot> =
            walked_to.flat_map(|door| feet_of(door, inside_ms(door, looking, stops))).collect();
        let mut joined = |costs: &Costs<'_>, ends: [&[Foot]; 2]| {
            let [from, to] = looking.in_order(ends);
            let (path, feet) = quickest_of(costs, from, to, scratch)?;
            Some((path, looking.in_order(feet)))
        };
        let by_spot = joined(&self.walking, [&far, &walked_to]);
        let (mut ridden_to, mut left_in) = (Vec::<Foot>::new(), Vec::<Option<&Rack>>::new());
        for (door, rack) in ridden.vehicle.doors(stops, stop).filter(|_| ridden.by_door) {
            ridden_to.extend(feet_of(door, ridden.door_ms(door, stops)));
            left_in.resize(ridden_to.len(), rack);
        }
        let riding = self.riding(ridden.vehicle);
        let by_door = joined(riding, [&near, &ridden_to]);
        let cost = |way: &Option<(Path, [usize; 2])>| way.as_ref().map_or(u32::MAX, |(path, _)| path.cost_ms);
        let (mut stretches, mut parked, mut at_door_ms) = (Vec::new(), None, 0);
        let (ride, there, spot) = if cost(&by_door) <= cost(&by_spot) {
            let (path, [i, k]) = by_door?;
            let ride = Path { cost_ms: path.cost_ms - near[i].ms - ridden_to[k].ms, ..path };
            let mut there = at_stop.clone();
            if let Some(rack) = left_in[k] {
                there = rack.place_at(at_stop);
                parked = Some(rack);
                let from: Vec<Foot> = rack.feet.iter().map(|&on| Foot { on, ms: 0 }).collect();
                let (path, [_, k]) = joined(&self.walking, [&from, &walked_to])?;
                let walk = Path { cost_ms: path.cost_ms - walked_to[k].ms, ..path };
                let mut leg = self.leg(&self.walking, &walk, looking.in_order([&there, at_stop]));
                leg.end = leg.end + Duration::from_millis(u64::from(walked_to[k].ms));
                stretches.push(Stretch::Leg(Box::new(leg)));
                stretches.push(Stretch::Pause(ridden.vehicle.handling_ms(handlings(looking)[1])));
            } else {
                at_door_ms = ridden_to[k].ms;
            }
            ((ride, i), there, None)
        } else {
            let (path, [i, k]) = by_spot?;
            let spot = ridden.far[i].1;
            let place = self.spot(ridden.vehicle, spot);
            let walk = Path { cost_ms: path.cost_ms - far[i].ms - walked_to[k].ms, ..path };
            let mut leg = self.leg(&self.walking, &walk, looking.in_order([&place, at_stop]));
            leg.end = leg.end + Duration::from_millis(u64::from(walked_to[k].ms));
            stretches.push(Stretch::Leg(Box::new(leg)));
            stretches.push(Stretch::Pause(ridden.vehicle.handling_ms(handlings(looking)[1])));
            let there = self.feet_of(ridden.vehicle, spot)[1].iter();
            let there: Vec<Foot> = there.map(|&on| Foot { on, ms: 0 }).collect();
            let (path, [i, _]) = match self.driven_along(ridden, spot) {
                // It begins at the place itself, wherever that is on the streets.
                Some(path) => (path, [0; 2]),
                None => joined(riding, [&near, &there])?,
            };
            let ride = Path { cost_ms: path.cost_ms - near[i].ms, ..path };
            ((ride, i), place, Some(spot))
        };
        let (ride, i) = ride;
        let begins = ridden.near[i].1;
        let here = begins.map_or_else(|| ridden.place.clone(), |spot| self.spot(ridden.vehicle, spot));
        let mut leg = self.leg(riding, &ride, looking.in_order([&here, &there]));
        if let Means::Street(way) = &mut leg.means {
            match ridden.vehicle {
                // One stands at the door already, and only goes in.
                _ if ride.cost_ms == 0 => {
                    way.profile = Profile::Walk;
                    leg.end = leg.end + Duration::from_millis(u64::from(std::mem::take(&mut at_door_ms)));
                }
                Vehicle::Shared(system) => {
                    let spots = &self.system(system).spots;
                    let [taken, left] = looking.in_order([begins, spot]).map(|spot| spot.map(|i| &spots[i]));
                    way.hire = Some(Box::new(self.system(system).hire(taken?, left)));
                }
                // A taxi drives on the streets of cars.
                Vehicle::Driven(profile) => way.profile = profile,
                Vehicle::Bicycle => {
                    way.parked = parked
                        .map(|rack| Box::new(Parked { capacity: rack.capacity, covered: rack.covered }));
                }
                Vehicle::Parked => {}
            }
        }
        stretches.push(Stretch::Pause(at_door_ms));
        stretches.push(Stretch::Leg(Box::new(leg)));
        if let Vehicle::Shared(system) = ridden.vehicle {
            stretches.push(Stretch::Pause(handlings(looking)[0].ms()));
            if let Some(spot) = begins {
                let there = &self.lent.feet[system][spot][0];
                let walk = self.walk(looking, [&ridden.on_foot, there], scratch)?;
                let leg = self.leg(&self.walking, &walk, looking.in_order([&ridden.place, &here]));
                stretches.push(Stretch::Leg(Box::new(leg)));
            }
        }
        // Gathered from the stop towards the place; one who sets out goes the other way.
        if looking == Looking::Away {
            stretches.reverse();
        }
        Some(in_a_row(stretches))
    }

    fn feet_of(&self, vehicle: Vehicle, spot: usize) -> &[Vec<OnArc>; 2] {
        match vehicle {
            Vehicle::Shared(system) => &self.lent.feet[system][spot],
            _ => &self.parks.all[spot].feet,
        }
    }

    fn leg(&self, costs: &Costs<'_>, path: &Path, [from, to]: [&Place; 2]) -> Leg {
        Leg::along(self.map, costs, path, from.clone(), to.clone(), Moment(0))
    }
}

/// What one does with a shared vehicle near the place, and far from it.
fn handlings(looking: Looking) -> [Handling; 2] {
    looking.in_order([Handling::Take, Handling::Leave])
}

/// Between a stop's door and the stop, ms.
fn inside_ms(door: &Door, looking: Looking, stops: Stops<'_>) -> u32 {
    scaled(if looking == Looking::Away { door.in_ms } else { door.out_ms }, stops.slowness)
}

impl Vehicle {
    /// Where one gets off it at a stop, and in which bicycle park it stays.
    fn doors<'a>(self, stops: Stops<'a>, stop: u32) -> impl Iterator<Item = (&'a Door, Option<&'a Rack>)> {
        let racks = stops.racks.filter(|racks| self == Vehicle::Bicycle && !racks.at(stop).is_empty());
        let parked = racks
            .into_iter()
            .flat_map(move |racks| racks.at(stop).iter().map(move |bay| (&bay.door, Some(racks.of(bay)))));
        let all = if self.is_car() { stops.driven_to } else { stops.doors };
        let there = all.get(stop as usize).filter(|_| racks.is_none()).map_or(&[][..], Vec::as_slice);
        parked.chain(there.iter().map(|door| (door, None)))
    }
}

impl Ridden {
    /// Between a stop's door and the stop for one who leaves the vehicle at the door, or takes it there, ms.
    fn door_ms(&self, door: &Door, stops: Stops<'_>) -> u32 {
        let [_, handling] = handlings(self.looking);
        let handling_ms = match self.vehicle {
            Vehicle::Shared(_) => Handling::Leave.ms(),
            own => own.handling_ms(handling),
        };
        inside_ms(door, self.looking, stops).saturating_add(handling_ms)
    }
}

/// Stretches one after another from the epoch on, and how long they take. Ways of no length are left out.
fn in_a_row(stretches: Vec<Stretch>) -> (u32, Vec<Leg>) {
    let (mut now, mut legs) = (Moment(0), Vec::new());
    for stretch in stretches {
        match stretch {
            Stretch::Pause(ms) => now = now + Duration::from_millis(u64::from(ms)),
            Stretch::Leg(leg) => {
                let (start, end) = (now, now + leg.duration());
                now = end;
                if leg.duration() > Duration::ZERO {
                    legs.push(Leg { start, end, ..*leg });
                }
            }
        }
    }
    (now.0 as u32, legs)
}

#[cfg(test)]
mod tests;
