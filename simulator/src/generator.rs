//! Cities made here: a Moscow of any size, from what everybody knows of its map.
//!
//! In reading order: `atlas` is what we know by heart, `plane` crosses the roads with each other, `trim` cuts the
//! world's edge, `fill` puts small streets between them, `names` names those and `yards` opens yards along them; `sprawl` does all that for a city of
//! the wanted size. `streets` makes links, lanes and movements of it, `lines` the public transport, `parking` the car parks at its outer stations, `town` the signals
//! and `timing` their plans; [`picture`] draws it.

mod atlas;
mod plane;
mod trim;
mod fill;
mod names;
mod yards;
mod sprawl;
mod streets;
mod lines;
mod parking;
mod town;
mod timing;
pub mod picture;

use atlas::Atlas;
use model::{
    city::{Area, AreaKind, City},
    network::Name,
};
use sprawl::World;

/// The time zone of the cities made here.
pub const ZONE: &str = "Europe/Moscow";

/// How much of a city is drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Detail {
    /// The streets on which traffic is simulated, and the lines that everybody knows.
    Streets,
    /// Yards and the buses of every district too: what planners of journeys have to bear.
    Yards,
}

/// A city with the shape of Moscow and about so many signalised junctions: 150 fill the Garden Ring, 4,000 the MKAD.
/// The same arguments give the same city.
pub fn moscow(junctions: usize, seed: u64) -> City {
    moscow_in(Detail::Streets, junctions, seed)
}

/// The same in more or less detail.
pub fn moscow_in(detail: Detail, junctions: usize, seed: u64) -> City {
    let atlas = Atlas::read().expect("the built-in tables are read by a test");
    let world = World::for_junctions(junctions);
    let (roads, mut graph) = sprawl::grow(&atlas, world, detail, seed);
    let mut streets = streets::lay(&atlas, &mut graph, junctions);
    let buses = if detail == Detail::Yards { world.bus_lines() } else { 0 };
    let transit = lines::lay(&atlas, &mut streets.network, |p| world.depth(p) > -400.0, buses, seed);
    let car_parks = parking::at_stations(&transit, |at| world.share(atlas.plane.to_metres(at)));
    let bicycle_parks = parking::of_bicycles(&transit);
    let signals = town::signals(&graph, &mut streets);
    let corridors = town::corridors(&roads, &graph, &streets);
    let mut city = City {
        name: Name::new("Москва", "Moscow"),
        centre: atlas::KREMLIN,
        // One step out for each doubling of the world.
        zoom: (13.0 - (world.radius() / 3700.0).log2()).clamp(8.0, 15.0),
        network: streets.network,
        junctions: signals,
        transit,
        areas: areas(&atlas, world),
        corridors,
        car_parks,
        bicycle_parks,
    };
    model::detection::equip(&mut city, model::detection::Tier::Full);
    timing::plan(&mut city, seed);
    model::signal::further::add(&mut city);
    city
}

fn areas(atlas: &Atlas, world: World) -> Vec<Area> {
    let place = |p: &atlas::Place| atlas.plane.to_lonlat(*p);
    let mut areas = Vec::new();
    let mut add = |kind, name: &Name, ring: &[atlas::Place]| {
        areas.push(Area { kind, name: Some(name.clone()), ring: ring.iter().map(place).collect() });
    };
    let reach = world.radius() * 1.3;
    let near = |ring: &[atlas::Place]| ring.iter().any(|p| atlas::distance(*p, [0.0, 0.0]) < reach);
    for (name, ring) in atlas.parks.iter().filter(|(_, r)| near(r)) {
        add(AreaKind::Park, name, ring);
    }
    for river in &atlas.rivers {
        // Only what lies near; a river goes on, the map does not.
        for run in river.path.chunk_by(|a, b| {
            (atlas::distance(*a, [0.0; 2]) < reach) == (atlas::distance(*b, [0.0; 2]) < reach)
        }) {
            if run.len() > 1 && near(run) {
                add(AreaKind::Water, &river.name, &sprawl::banks(run, river.width_m));
            }
        }
    }
    for (name, ring) in atlas.blocks.iter().filter(|(_, r)| near(r)) {
        add(AreaKind::Block, name, ring);
    }
    areas
}

#[cfg(test)]
mod tests;
