//! Cars: distances, whole ways, and new traffic; and whether all of it is exact.

use crate::gauge::{self, Goal, Goals, Table};
use model::{geo::LonLat, time::Moment};
use routing::{
    hierarchy::Memory,
    itinerary::Place,
    nearest::OnArc,
    planner::{Planner, Query, STREET_WITHIN_M, When},
    profile::Profile,
    snapshot::{Snapshot, TrafficWriter},
    street::{Costs, Scratch, quickest},
};
use std::process::ExitCode;
use wire::message::{Entry, LinkTime, LinkTimes};

/// When all of it happens.
pub(crate) const NOW: Moment = Moment(1_781_251_200_000);
/// Pictures of the traffic.
const UPDATES: usize = 20;
/// Pairs that are compared after each of them.
const COMPARED: usize = 500;

pub(crate) fn measure(planner: &Planner, pairs: &[[LonLat; 2]], goals: &Goals, table: &mut Table) {
    let roads = planner.roads();
    let empty = Snapshot::empty();
    let costs = Costs::new(&roads.street, empty.view(NOW, NOW), None);
    let feet: Vec<[Vec<OnArc>; 2]> = pairs.iter().filter_map(|pair| feet(planner, pair)).collect();
    let mut memory = Memory::default();
    let ask = |[from, to]: &[Vec<OnArc>; 2], memory: &mut Memory| {
        gauge::thread(|| roads.hierarchy.quickest_ms(&roads.empty, &costs, from, to, memory)).1
    };
    for pair in feet.iter().take(50) {
        ask(pair, &mut memory);
    }
    let took = feet.iter().map(|pair| ask(pair, &mut memory)).collect();
    table.times("car distance with turns", took, goals.distance);
    let took = feet.iter().map(|[from, to]| {
        gauge::thread(|| roads.hierarchy.quickest(&roads.empty, &costs, from, to, &mut memory)).1
    });
    table.times("car distance and path with turns", took.collect(), Goal::None);
    let place = |at: LonLat| Place { name: String::new(), stop: None, at };
    let took = pairs.iter().map(|&[from, to]| {
        let query = Query {
            from: place(from),
            to: place(to),
            profile: Profile::Car,
            when: When::DepartAt(NOW),
            street_within_m: STREET_WITHIN_M,
            speed_mps: None,
        };
        gauge::thread(|| planner.direct(&query, &empty, NOW)).1
    });
    table.times("car journey from place to place, with steps", took.collect(), Goal::None);

    let (mut writer, _) = TrafficWriter::new(planner.map().clone(), Some(roads.clone()));
    let (mut read, mut shown) = (Vec::new(), Vec::new());
    for update in 0..UPDATES {
        let entry = traffic(planner, NOW, update);
        read.push(gauge::thread(|| writer.apply(NOW, &entry)).1);
        shown.push(gauge::thread(|| writer.publish(NOW)).1);
    }
    table.times("traffic of every link: reading it", read, Goal::None);
    table.times("traffic of every link: ready to be used", shown, goals.traffic);
}

pub(crate) fn feet(planner: &Planner, pair: &[LonLat; 2]) -> Option<[Vec<OnArc>; 2]> {
    let [from, to] = pair.map(|at| planner.access(Profile::Car, at, STREET_WITHIN_M));
    Some([from?, to?].map(|access| if access.main.is_empty() { access.nearest } else { access.main }))
}

/// Times of all links, slower than on empty roads, and some of them closed; others with each update.
pub(crate) fn traffic(planner: &Planner, at: Moment, update: usize) -> Entry<LinkTimes> {
    let links = planner.map().links().enumerate().map(|(i, link)| {
        // Fibonacci hashing: numbers without a pattern, the same each time.
        let drawn = (i + update * 1_000_003).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        let slower = 1.0 + (drawn % 1000) as f64 / 400.0;
        let time_s = (link.free_travel_time_s() * slower) as f32;
        LinkTime { link: link.id().to_string(), time_s, closed: drawn.is_multiple_of(997) }
    });
    Entry::new(at, 0, LinkTimes { links: links.collect() })
}

/// Compares the hierarchy with A* on many pairs after each of many pictures of the traffic.
#[expect(clippy::print_stdout, reason = "what the command is for")]
pub(crate) fn compare(planner: &Planner, pairs: &[[LonLat; 2]]) -> anyhow::Result<ExitCode> {
    let roads = planner.roads();
    let feet: Vec<[Vec<OnArc>; 2]> = pairs.iter().filter_map(|pair| feet(planner, pair)).collect();
    let (mut writer, seen) = TrafficWriter::new(planner.map().clone(), Some(roads.clone()));
    let (mut memory, mut scratch) = (Memory::default(), Scratch::default());
    let (mut same, mut different, mut no_way) = (0, 0, 0);
    for update in 0..UPDATES {
        writer.apply(NOW, &traffic(planner, NOW, update));
        writer.publish(NOW);
        let picture = seen.now();
        let view = picture.view(NOW, NOW);
        let costs = Costs::new(&roads.street, view, None);
        let ready = view.driving().ok_or_else(|| anyhow::anyhow!("the picture is not ready"))?;
        for [from, to] in feet.iter().cycle().skip(update * COMPARED).take(COMPARED) {
            let ours = roads.hierarchy.quickest(ready, &costs, from, to, &mut memory);
            let plain = quickest(&costs, from, to, &mut scratch);
            match ours.map(|path| path.cost_ms) == plain.as_ref().map(|path| path.cost_ms) {
                true => same += 1,
                false => different += 1,
            }
            no_way += usize::from(plain.is_none());
        }
        println!(
            "after {} pictures of the traffic: {same} ways equal to A*'s, {different} not; {no_way} pairs without a way",
            update + 1
        );
    }
    Ok(if different == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
