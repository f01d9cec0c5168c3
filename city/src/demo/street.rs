//! The simulated street of the demo: which city, and which traffic.

use super::Arguments;
use crate::input;
use model::{city::City, demand::Demand, detection::Tier, time::Moment};
use simulator::{
    demand::DemandStream,
    generator,
    live::LiveStreet,
    street::Street,
    world::{Options, World},
};
use std::sync::Arc;
use wire::{clock::Clock, register_map::RegisterMap};

/// The zone of the built-in city.
pub(super) const MOSCOW: &str = generator::ZONE;
/// Generated traffic begins in the morning peak, s after local midnight.
const MORNING_S: f64 = 8.0 * 3600.0;
/// Simulated before the doors open, so that the first picture is of a city and not of empty streets, s.
const WARM_UP_S: f64 = 600.0;
/// Where nobody says how many vehicles: what a busy centre has at each junction.
const VEHICLES_PER_JUNCTION: usize = 18;

/// A street that is ready to be driven.
pub(super) struct Scene {
    pub(super) city: Arc<City>,
    pub(super) live: LiveStreet,
    /// The moment at which the city's clock begins.
    pub(super) starts: Moment,
    pub(super) time_zone: &'static str,
}

/// Builds it from what the person gave.
pub(super) fn scene(arguments: &Arguments) -> anyhow::Result<Scene> {
    let city = Arc::new(match (&arguments.net, &arguments.osm) {
        (Some(net), _) => input::sumo_city(net, &arguments.additional, Tier::Full)?,
        (None, Some(osm)) => input::osm_city(osm)?,
        (None, None) => generator::moscow(arguments.junctions, arguments.seed),
    });
    let given = (!arguments.routes.is_empty())
        .then(|| {
            input::sumo_demand(&city.network, &[&arguments.additional[..], &arguments.routes[..]].concat())
        })
        .transpose()?;
    // Everything that is not ours is shown by UTC: the file does not say which zone it lies in.
    let moscow = arguments.net.is_none() && arguments.osm.is_none();
    let (time_zone, zone_ms) = if moscow { (MOSCOW, 3 * 3_600_000) } else { ("UTC", 0) };
    let midnight = Moment((Clock::real().now().0 + zone_ms).div_euclid(86_400_000) * 86_400_000 - zone_ms);
    let world = match given {
        Some(demand) => of_scenario(&city, &demand, arguments.seed),
        None => {
            let wanted = arguments.vehicles.unwrap_or(city.junctions.len() * VEHICLES_PER_JUNCTION);
            let live = morning(&city, wanted, arguments.seed, midnight);
            return Ok(Scene { city, starts: live.street().now(), live, time_zone });
        }
    };
    let street = Street::new(city.clone(), world, Arc::new(RegisterMap::svetofor()), midnight);
    let live = LiveStreet::new(street, None);
    Ok(Scene { city, starts: live.street().now(), live, time_zone })
}

/// The built-in city of that size, in its morning.
pub(crate) fn generated(
    junctions: usize,
    vehicles: usize,
    seed: u64,
    midnight: Moment,
) -> (Arc<City>, LiveStreet) {
    let city = Arc::new(generator::moscow(junctions, seed));
    let live = morning(&city, vehicles, seed, midnight);
    (city, live)
}

/// A morning with about so many vehicles on the road, warmed up.
fn morning(city: &Arc<City>, vehicles: usize, seed: u64, midnight: Moment) -> LiveStreet {
    let begin_s = MORNING_S - WARM_UP_S;
    let stream = DemandStream::new(city, vehicles, seed, begin_s);
    let options = Options { begin_ms: (begin_s * 1000.0) as i64, ..Options::default() };
    let world = World::with_options(city, stream.types().to_vec(), seed, options);
    let street = Street::new(city.clone(), world, Arc::new(RegisterMap::svetofor()), midnight);
    let mut live = LiveStreet::new(street, Some(stream));
    for _ in 0..WARM_UP_S as u64 {
        live.step();
    }
    live
}

fn of_scenario(city: &City, demand: &Demand, seed: u64) -> World {
    // The first trip's minute is where the scenario begins: routes files do not say.
    let first_s = demand.trips.first().map_or(0.0, |t| (t.depart_s / 60.0).floor() * 60.0);
    let options = Options { begin_ms: (first_s * 1000.0) as i64, ..Options::default() };
    let mut world = World::with_options(city, demand.types.clone(), seed, options);
    for (trip, fault) in world.insert_all(demand) {
        tracing::warn!(trip, %fault, "a trip was left out");
    }
    world
}
