//! A street filled from what a centre knows of a real one: queues at the stop lines, moving vehicles behind them, and
//! those who come later. Pure: the same picture and seed give the same street to the bit.
//!
//! A picture has counts and flows, but nobody's destination. `flows` makes of the flows one for every turn, so that
//! routes can be drawn link by link; `placing` puts vehicles where they were seen, and assumes the usual number where
//! nobody looks. Arrivals are Poisson streams wherever more traffic leaves a link than comes to it: at the edges of the
//! map, and within. All are cars: detectors do not tell buses from lorries.

mod flows;
mod placing;
#[cfg(test)]
mod tests;

use crate::world::{Options, World};
use flows::Flows;
use model::{
    city::City,
    demand::{Trip, VehicleType},
    ids::{LinkIx, MovementIx},
};
use placing::Placing;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use wire::what_if::{LaneNow, Picture};

/// A route ends after so many links at the latest: nobody drives farther within the longest horizon, and a drawn route
/// could go round a block for ever.
const MOST_LINKS: usize = 80;

/// As many as the largest city has on its roads, so that a broken picture does not fill the memory.
const MOST_VEHICLES: u64 = 1_000_000;

/// Why a picture cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PictureFault {
    /// A list of numbers breaks off.
    #[error("a list of the picture breaks off in the middle of an entry")]
    Torn,
    /// It names a lane that the city does not have.
    #[error("the city has no lane number {0}")]
    NoLane(u32),
    /// It names a movement that the city does not have.
    #[error("the city has no movement number {0}")]
    NoMovement(u32),
    /// It claims more vehicles than [`MOST_VEHICLES`], now or within an hour.
    #[error("it has more vehicles than any city")]
    TooMany,
}

/// A picture, read and made ready for any number of seeds.
#[derive(Clone, Debug)]
pub struct Snapshot {
    begin_ms: i64,
    lanes: Vec<LaneNow>,
    flows: Flows,
}

/// A street as it may be now.
#[derive(Debug)]
pub struct Filled {
    /// The street. Its clock stands at the picture's moment; who comes within the horizon is planned.
    pub world: World,
    /// Vehicles that were seen.
    pub known: u32,
    /// Vehicles that nobody saw, where nobody looks.
    pub assumed: u32,
    /// Vehicles that will come.
    pub to_come: u32,
}

impl Snapshot {
    /// Reads a picture of that city.
    pub fn new(city: &City, picture: &Picture) -> Result<Snapshot, PictureFault> {
        let network = &city.network;
        let lanes = picture.lanes().ok_or(PictureFault::Torn)?;
        let lane_flows = picture.lane_flows().ok_or(PictureFault::Torn)?;
        let turn_flows = picture.turn_flows().ok_or(PictureFault::Torn)?;
        let named = lanes.iter().map(|l| l.lane).chain(lane_flows.iter().map(|f| f.0));
        for lane in named {
            if lane.ix() >= network.lanes.len() {
                return Err(PictureFault::NoLane(lane.0));
            }
        }
        if let Some((MovementIx(m), _)) = turn_flows.iter().find(|f| f.0.ix() >= network.movements.len()) {
            return Err(PictureFault::NoMovement(*m));
        }
        let vehicles: u64 = lanes.iter().map(|l| u64::from(l.standing) + u64::from(l.moving)).sum();
        let flows = Flows::new(network, &lane_flows, &turn_flows);
        if vehicles > MOST_VEHICLES || flows.begins().map(|(_, n)| n).sum::<f64>() > MOST_VEHICLES as f64 {
            return Err(PictureFault::TooMany);
        }
        // Streets are driven in whole seconds.
        Ok(Snapshot { begin_ms: picture.at.0.div_euclid(1000) * 1000, lanes, flows })
    }

    /// Movements whose flow was measured, and those for which it was guessed from the flows around.
    pub fn turns(&self) -> (u32, u32) {
        self.flows.measured_and_assumed()
    }

    /// A street by that seed, with those who come within `horizon_s`. `city` must be the picture's, but for its plans.
    pub fn fill(&self, city: &City, seed: u64, horizon_s: u32) -> Filled {
        let options = Options { begin_ms: self.begin_ms, ..Options::default() };
        let world = World::with_options(city, vec![VehicleType::car()], seed, options);
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x5a50_5107);
        let mut placing = Placing::new(city, &self.flows, world, self.begin_ms);
        let known = placing.put_seen(&self.lanes, &mut rng);
        let assumed = placing.put_unseen(&mut rng);
        let (mut world, mut names) = placing.done();
        let mut to_come = 0;
        let begin_s = self.begin_ms as f64 / 1000.0;
        for (link, per_hour) in self.flows.begins() {
            let mut at_s = 0.0;
            loop {
                at_s += exponential(per_hour / 3600.0, &mut rng);
                if at_s >= f64::from(horizon_s) {
                    break;
                }
                let links = self.flows.way(&city.network, vec![link], None, &mut rng);
                // Its links are joined by the movements that they were drawn by.
                if world.insert(car(&mut names, begin_s + at_s, links)).is_ok() {
                    to_come += 1;
                }
            }
        }
        Filled { world, known, assumed, to_come }
    }
}

/// A trip without a name from outside.
fn car(names: &mut u64, depart_s: f64, links: Vec<LinkIx>) -> Trip {
    *names += 1;
    Trip { id: format!("s{names}"), depart_s, links, routed: true, ..Trip::default() }
}

/// Time to the next of a Poisson stream.
fn exponential(per_s: f64, rng: &mut ChaCha8Rng) -> f64 {
    let u: f64 = rng.random_range(1e-12..1.0);
    -u.ln() / per_s.max(1e-12)
}

/// How many come in a time in which `mean` do on average (Knuth 1969, 3.4.1, with long waits instead of small products).
fn poisson(mean: f64, rng: &mut ChaCha8Rng) -> u32 {
    let (mut count, mut gone) = (0, exponential(1.0, rng));
    while gone < mean {
        count += 1;
        gone += exponential(1.0, rng);
    }
    count
}
