//! `fast_paths`, another contraction hierarchy in Rust, on the arcs and turns that ours has.

use crate::{
    gauge::{self, Goal, Table},
    roads::{NOW, feet},
};
use fast_paths::InputGraph;
use model::geo::LonLat;
use petgraph::{Incoming, visit::EdgeRef};
use routing::{hierarchy::Memory, planner::Planner, snapshot::Snapshot, street::Costs};

/// Distances and paths between all pairs, and how long new costs take.
pub(crate) fn measure(planner: &Planner, pairs: &[[LonLat; 2]], table: &mut Table) -> anyhow::Result<()> {
    let roads = planner.roads();
    let empty = Snapshot::empty();
    let costs = Costs::new(&roads.street, empty.view(NOW, NOW), None);
    let graph = &roads.street.graph;
    let mut input = InputGraph::new();
    for edge in graph.edge_references() {
        let turn_ms = costs.transition_ms(&graph[edge.source()], *edge.weight());
        if let Some(pass_ms) = costs.arc_ms(&graph[edge.target()]) {
            // It knows no ways that take no time.
            let ms = (turn_ms + pass_ms).max(1);
            input.add_edge(edge.source().index(), edge.target().index(), ms as usize);
        }
    }
    input.freeze();
    let (fast, made) = gauge::process(|| fast_paths::prepare(&input));
    table.figure("fast_paths, new costs, CPU ms", made.as_secs_f64() * 1000.0, Goal::None);
    let mut calculator = fast_paths::create_calculator(&fast);
    let (mut took, mut memory, mut different) = (Vec::new(), Memory::default(), 0);
    for [from, to] in pairs.iter().filter_map(|pair| feet(planner, pair)) {
        let starts = from.iter().filter_map(|start| {
            Some((start.arc.index(), costs.part_ms(&graph[start.arc], 1.0 - start.along)? as usize))
        });
        let known = |place: &(usize, usize)| place.0 < input.get_num_nodes();
        let starts: Vec<(usize, usize)> = starts.filter(known).collect();
        let mut ends = Vec::new();
        for end in &to {
            let Some(part_ms) = costs.part_ms(&graph[end.arc], end.along) else { continue };
            for edge in graph.edges_directed(end.arc, Incoming) {
                let turn_ms = costs.transition_ms(&graph[edge.source()], *edge.weight());
                ends.push((edge.source().index(), (turn_ms + part_ms) as usize));
            }
        }
        ends.retain(known);
        let (path, cpu) = gauge::thread(|| {
            calculator.calc_path_multiple_sources_and_targets(&fast, starts.clone(), ends.clone())
        });
        took.push(cpu);
        let ours = roads.hierarchy.quickest_ms(&roads.empty, &costs, &from, &to, &mut memory);
        let theirs = path.map(|path| path.get_weight());
        // A way along one arc alone is none of its.
        different += usize::from(theirs.is_some() && theirs < ours.map(|ms| ms as usize));
    }
    table.times("fast_paths, distance and path with turns", took, Goal::None);
    table.figure("  of its ways quicker than ours", different as f64, Goal::Most(0.0));
    Ok(())
}
