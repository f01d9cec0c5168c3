//! What turns streets into a city: signals with names and numbers, districts, and roads that people speak of as one.

use super::{
    atlas::{Place, Road, distance},
    plane::{Graph, is_express},
    streets::{Streets, junction_name},
};
use model::{
    city::Corridor,
    ids::{DistrictId, JunctionId, JunctionIx, LinkIx},
    network::{Name, Network},
    signal::{
        GroupKind, Junction,
        design::{SignalHabits, Site, signalise},
    },
    time::Tenths,
};
use std::collections::{BTreeMap, BTreeSet};

/// Junctions are numbered from here on, from the Kremlin outwards.
const FIRST_NUMBER: usize = 1001;
/// A pace that nearly everybody keeps, m/s.
const WALKING_MPS: f64 = 1.3;
/// Crossings longer than this have a refuge in the middle, m, and clear half of themselves at a time.
const REFUGE_FROM_M: f64 = 18.0;

/// Designs signals at the chosen crossings. A place that turns out to need no second stage gets none.
pub(super) fn signals(graph: &Graph, streets: &mut Streets) -> Vec<Junction> {
    let arms = graph.edges_at();
    let mut chosen: Vec<usize> = streets.signalised.iter().map(|n| n.ix()).collect();
    chosen.sort_by(|a, b| {
        let far = |k: usize| distance(graph.knots[k].at, [0.0, 0.0]);
        far(*a).total_cmp(&far(*b)).then(a.cmp(b))
    });
    let ids = numbers(graph, &chosen);
    let sites: Vec<Site> = chosen
        .iter()
        .zip(ids)
        .map(|(&knot, id)| Site {
            id,
            name: junction_name(graph, knot, &arms[knot]),
            district: district(graph.knots[knot].at),
            nodes: vec![model::ids::NodeIx::from(knot)],
        })
        .collect();
    let habits = SignalHabits { walking_mps: WALKING_MPS, ..SignalHabits::russian() };
    let mut junctions = signalise(&mut streets.network, &sites, &habits, JunctionIx(0));
    for junction in &mut junctions {
        refuges(junction);
    }
    let idle: BTreeSet<usize> = (0..junctions.len()).filter(|&i| junctions[i].stages.len() < 2).collect();
    without(junctions, &mut streets.network, &idle)
}

/// Shortens the clearance of long crossings to that of their longer half.
fn refuges(junction: &mut Junction) {
    let longest = Tenths::seconds((REFUGE_FROM_M / WALKING_MPS).ceil() as u32);
    for group in junction.groups.iter_mut().filter(|g| g.kind == GroupKind::Pedestrians) {
        if group.flashing_green > longest {
            group.flashing_green = longest.max(Tenths(group.flashing_green.0 / 2));
        }
    }
}

/// Takes some junctions' signals away.
fn without(junctions: Vec<Junction>, network: &mut Network, idle: &BTreeSet<usize>) -> Vec<Junction> {
    if idle.is_empty() {
        return junctions;
    }
    let mut new_ix = BTreeMap::new();
    let mut kept = Vec::new();
    for (i, junction) in junctions.into_iter().enumerate() {
        if !idle.contains(&i) {
            new_ix.insert(i, JunctionIx::from(kept.len()));
            kept.push(junction);
        }
    }
    for movement in &mut network.movements {
        movement.head = movement.head.and_then(|mut head| {
            head.junction = *new_ix.get(&head.junction.ix())?;
            Some(head)
        });
    }
    kept
}

/// Numbers as text; a crossing that is known by its number has it, whatever its place in the count.
fn numbers(graph: &Graph, chosen: &[usize]) -> Vec<JunctionId> {
    let known: BTreeSet<String> = chosen.iter().filter_map(|&k| graph.knots[k].junction_id.clone()).collect();
    let mut next = FIRST_NUMBER;
    chosen
        .iter()
        .map(|&knot| {
            if let Some(id) = &graph.knots[knot].junction_id {
                return JunctionId::new(id);
            }
            while known.contains(&next.to_string()) {
                next += 1;
            }
            next += 1;
            JunctionId::new((next - 1).to_string())
        })
        .collect()
}

/// The administrative district (округ): the centre is what lies within the Third Ring, the others are sectors
/// around it, near enough.
fn district(at: Place) -> DistrictId {
    const CENTRE_M: f64 = 4300.0;
    if distance(at, [200.0, -400.0]) < CENTRE_M {
        return DistrictId::new("cao");
    }
    // Degrees clockwise from north, as a compass shows it.
    let bearing = at[0].atan2(at[1]).to_degrees().rem_euclid(360.0);
    let slug = match bearing {
        b if b < 38.0 => "svao",
        b if b < 108.0 => "vao",
        b if b < 153.0 => "yuvao",
        b if b < 195.0 => "yuao",
        b if b < 232.0 => "yuzao",
        b if b < 282.0 => "zao",
        b if b < 318.0 => "szao",
        b if b < 350.0 => "sao",
        _ => "svao",
    };
    DistrictId::new(slug)
}

/// Rings both ways, radials to and from the centre, embankments with and against the river.
pub(super) fn corridors(roads: &[Road], graph: &Graph, streets: &Streets) -> Vec<Corridor> {
    let mut found = Vec::new();
    for (road_ix, road) in roads.iter().enumerate() {
        let Some(name) = &road.corridor else { continue };
        let mut edges: Vec<(f64, usize)> = graph
            .edges
            .iter()
            .enumerate()
            .filter_map(|(i, e)| e.road.filter(|(r, _)| *r == road_ix).map(|(_, along)| (along, i)))
            .collect();
        edges.sort_by(|a, b| a.0.total_cmp(&b.0));
        let ring = road.ring
            || name.local.contains("кольцо")
            || road.parts.iter().any(|p| is_express(p.street.class));
        let both = if ring {
            [("внутренняя сторона", "inner side"), ("внешняя сторона", "outer side")]
        } else if road.embankment {
            [("по течению", "downstream"), ("против течения", "upstream")]
        } else {
            [("из центра", "outbound"), ("к центру", "inbound")]
        };
        for (side, (local, en)) in both.into_iter().enumerate() {
            let mut links: Vec<LinkIx> = edges.iter().filter_map(|(_, e)| streets.links[*e][side]).collect();
            if side == 1 {
                links.reverse();
            }
            // Driving order without gaps: of several pieces the longest counts.
            let piece = links
                .chunk_by(|a, b| streets.network.link(*a).to == streets.network.link(*b).from)
                .max_by(|a, b| {
                    let long =
                        |p: &[LinkIx]| p.iter().map(|l| streets.network.link(*l).length_m).sum::<f64>();
                    long(a).total_cmp(&long(b))
                });
            let links: Vec<LinkIx> = piece.map(<[LinkIx]>::to_vec).unwrap_or_default();
            if links.len() >= 2 {
                let name = Name::new(format!("{}, {local}", name.local), format!("{}, {en}", name.english()));
                found.push(Corridor { name, links });
            }
        }
    }
    found
}
