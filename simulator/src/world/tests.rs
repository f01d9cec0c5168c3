//! The street on drawn networks: what a traffic engineer would check with a stopwatch.

use super::*;
use model::{
    city::City,
    demand::Halt,
    ids::GroupNumber,
    network::{Network, Turn},
    sketch,
};
use proptest::prelude::*;

const CROSS: &str = "\
                              N
                              |
                              |
                              |
                              |
                              |
                              |
                              |
                              |
                              |
                              |
W-----------------------------C------------------------------E
                              |
                              |
                              |
                              |
                              |
                              |
                              |
                              |
                              |
                              |
                              S";

fn trip(network: &Network, id: &str, depart_s: f64, links: &[&str]) -> Trip {
    Trip {
        id: id.into(),
        vehicle_type: 0,
        depart_s,
        links: links.iter().map(|name| sketch::link(network, name)).collect(),
        routed: true,
        halts: Vec::new(),
    }
}

/// Lamps of one junction, set by hand.
struct Hand {
    groups: Vec<Vec<Lamp>>,
    stages: Vec<Option<StageNumber>>,
}

impl Hand {
    fn all(city: &City, lamp: Lamp) -> Hand {
        Hand {
            groups: city.junctions.iter().map(|j| vec![lamp; j.groups.len()]).collect(),
            stages: vec![None; city.junctions.len()],
        }
    }
    fn show(&mut self, group: GroupNumber, lamp: Lamp) { self.groups[0][usize::from(group.0) - 1] = lamp; }
    fn lamps(&self) -> Lamps<'_> { Lamps { groups: &self.groups, stages: &self.stages } }
}

fn movement(city: &City, from: &str, to: &str) -> MovementIx {
    let network = &city.network;
    let (a, b) = (sketch::link(network, from), sketch::link(network, to));
    let ours = |m: &model::network::Movement| network.lane(m.from).link == a && network.lane(m.to).link == b;
    MovementIx::from(network.movements.iter().position(ours).expect("the sketch has that turn"))
}

fn group(city: &City, from: &str, to: &str) -> GroupNumber {
    city.network.movement(movement(city, from, to)).head.expect("it has a head").group
}

/// Steps at which vehicles crossed the line from `WC` to `CE`, with their queue built up behind red first.
fn discharge(seed: u64) -> Vec<i64> {
    let city = sketch::city(CROSS, "C");
    let mut world = World::new(&city, vec![VehicleType::car()], seed);
    for k in 0..40 {
        world.insert(trip(&city.network, &format!("{k}"), 0.0, &["WC", "CE"])).unwrap();
    }
    let mut hand = Hand::all(&city, Lamp::Red);
    while world.on_road() < 36 {
        world.step(&hand.lamps());
        assert!(world.now_ms() < 400_000, "the queue does not fill: {}", world.on_road());
    }
    for _ in 0..20 {
        world.step(&hand.lamps());
    }
    hand.show(group(&city, "WC", "CE"), Lamp::Green);
    let start = world.now_ms();
    let line = movement(&city, "WC", "CE");
    let mut crossed = Vec::new();
    while crossed.len() < 30 {
        world.step(&hand.lamps());
        crossed.extend(std::iter::repeat_n(world.now_ms() - start, world.entered(line)));
        assert!(world.now_ms() - start < 200_000, "the queue does not discharge");
    }
    crossed
}

#[test]
fn a_queue_discharges_at_the_flow_of_a_real_one() {
    let (mut flow, mut lost) = (0.0, 0.0);
    let seeds = 10;
    for seed in 0..seeds {
        let crossed = discharge(seed);
        // HCM 2016, 31-102: saturation headway from the fourth vehicle on.
        let headway = (crossed[29] - crossed[3]) as f64 / 26.0 / 1000.0;
        flow += 3600.0 / headway / seeds as f64;
        lost += (crossed[3] as f64 / 1000.0 - 4.0 * headway) / seeds as f64;
    }
    println!("saturation flow {flow:.0} veh/h, start-up loss {lost:.1} s");
    assert!((1750.0..1960.0).contains(&flow), "saturation flow {flow:.0} veh/h/lane");
    assert!((0.5..3.5).contains(&lost), "start-up loss {lost:.1} s");
}
