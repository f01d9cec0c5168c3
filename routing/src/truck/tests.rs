//! Lorries on drawings: alone, and against Dijkstra where all is closed to cars that they may not use.

use super::*;
use crate::{
    drawing::{NOW, check_route, draw, picture, query},
    nearest::OnArc,
    planner::Planner,
    snapshot::Snapshot,
    street::Costs,
    tests::oracle::{Wild, oracle_ms, roads, wild},
    typical::slices::Of,
};
use model::network::Modes;
use proptest::prelude::*;
use std::sync::Arc;

/// Short over B, long over D.
const FORK: &str = "
    A 0 0
    B 100 10
    C 200 0
    D 100 -200
    X -100 0
    Y 300 0
    A-B
    B-C
    A-D
    D-C
    A-X
    C-Y";

const OVER_B: &str = "A ~ haul 201 m ~ C [24 s]";
const OVER_D: &str = "A ~ haul 447 m ~ C [58 s]";

#[test]
fn lorries_keep_off_what_is_too_low_too_weak_or_forbidden() {
    check_route(FORK, "A to C by truck", OVER_B);
    for (limit, expected) in [
        ("limit BC height 3.9", OVER_D),
        ("limit BC height 4.0", OVER_B),
        ("limit BC weight 11.5", OVER_D),
        ("limit BC weight 12", OVER_B),
        ("limit BC length 9", OVER_D),
        ("limit BC axle 6", OVER_D),
        ("no-trucks AB", OVER_D),
        ("limit CB height 2", OVER_B),
        ("no-hazmat BC", OVER_B),
    ] {
        let drawing = format!("{FORK}\n{limit}");
        check_route(&drawing, "A to C by truck", expected);
        check_route(&drawing, "A to C by car", "A ~ drive 201 m ~ C [24 s]");
    }
}

#[test]
fn another_lorry_goes_other_ways() {
    let drawing = format!("{FORK}\nlimit BC height 3.5\nlimit BC weight 7.5\nno-hazmat DC");
    let city = Arc::new(draw(&drawing));
    let check = |truck: Truck, expected: &str| {
        let planner = Planner::new(city.clone()).with_truck(truck);
        let answer = planner.direct(&query(&city, "A to C by truck"), &Snapshot::empty(), NOW);
        assert_eq!(answer.map_or_else(|none| none.to_string(), |way| way.to_string()), expected, "{truck:?}");
    };
    let van = Truck { height_m: 2.8, weight_t: 3.5, axle_load_t: 2.0, ..Truck::default() };
    check(Truck::default(), OVER_D);
    check(van, OVER_B);
    // Neither way leads there, so it is taken as near as it gets.
    check(Truck { hazmat: true, ..Truck::default() }, "A ~ haul 100 m ~ C [12 s]");
}

#[test]
fn lorries_have_speeds_of_their_own() {
    // 30 km/h on a drawing are 8.3 m/s.
    let street = "A 0 0\nB 1000 0\nA-B";
    check_route(street, "A to B by truck", "A ~ haul 1.00 km ~ B [2 min]");
    let slow = format!("{street}\nlimit AB speed 4");
    check_route(&slow, "A to B by truck", "A ~ haul 1.00 km ~ B [4 min 10 s]");
    check_route(&slow, "A to B by car", "A ~ drive 1.00 km ~ B [2 min]");
    let city = Arc::new(draw(street));
    let planner = Planner::new(city.clone()).with_truck(Truck { top_speed_mps: 5.0, ..Truck::default() });
    let answer = planner.direct(&query(&city, "A to B by truck"), &Snapshot::empty(), NOW).unwrap();
    assert_eq!(answer.to_string(), "A ~ haul 1.00 km ~ B [3 min 20 s]");
}

#[test]
fn what_a_lorry_cannot_leave_again_it_does_not_enter() {
    // The way back from D is under a bridge; the yard there is left to cars.
    let drawing = "
        A 0 0
        B 100 0
        C 200 0
        D 100 100
        E 120 200
        A-B
        B-C
        B>D
        D-E
        D>C
        limit DC height 3";
    check_route(drawing, "A to E by car", "A ~ drive 302 m ~ E [41 s]");
    let city = Arc::new(draw(drawing));
    let planner = Planner::new(city.clone());
    let way = planner.direct(&query(&city, "A to E by truck"), &Snapshot::empty(), NOW).unwrap();
    let end = *way.legs[0].shape.last().unwrap();
    let b_to_c = city.network.nodes[1].at.distance_m(end) + city.network.nodes[2].at.distance_m(end);
    assert!(b_to_c < 101.0, "it ends between B and C: {way}");
}

fn check_wild(wild: &Wild, limits: &[(prop::sample::Index, usize, f32)]) -> Result<(), TestCaseError> {
    let mut city = draw(&wild.drawing);
    if city.network.links.is_empty() {
        return Ok(());
    }
    for (link, kind, most) in limits {
        let ix = link.index(city.network.links.len());
        let link = &mut city.network.links[ix];
        let limits = link.limits.as_deref().copied().unwrap_or_default();
        let most = Some(*most);
        link.limits = match kind {
            0 => Limits { height_m: most, ..limits },
            1 => Limits { weight_t: most, ..limits },
            2 => Limits { axle_load_t: most, ..limits },
            _ => {
                link.access = link.access.without(Modes::TRUCK);
                limits
            }
        }
        .of_link();
    }
    // Limits are drawn from 0 to 10.
    let truck = Truck { height_m: 4.0, weight_t: 5.0, axle_load_t: 3.0, ..Truck::default() };
    let (roads, map) = (roads(&city), Map::new(&city));
    let haulage = Haulage::new(&truck, &Narrow::all(&city), &roads.street, &map);
    let barred = Narrow::all(&city).into_iter().filter(|narrow| narrow.speed_mps(&truck).is_none());
    let closed = barred.map(|narrow| format!("{} closed", map.link(LinkIx(narrow.link)).id()));
    let shut: Vec<String> = std::iter::once(wild.traffic.clone()).chain(closed).collect();
    let pictures = [wild.traffic.clone(), shut.join(", ")].map(|traffic| picture(&city, NOW, &traffic));
    let [own, shut] = &pictures;
    let costs = Costs::new(&roads.street, own.view(NOW, NOW), None).hauled(&haulage.free_ms);
    let expected = Costs::new(&roads.street, shut.view(NOW, NOW), None);
    let customised = haulage.slices.get(&roads, &costs, NOW, Of::Empty).expect("nobody else makes one");
    let usable: Vec<ArcIx> = (roads.street.graph.node_indices())
        .filter(|arc| roads.street.is_main(*arc) && haulage.is_open(roads.street.arc(*arc).link()))
        .collect();
    if usable.is_empty() {
        return Ok(());
    }
    let mut memory = crate::hierarchy::Memory::default();
    for pair in wild.ends.chunks(2) {
        let [from, to] = [&pair[0], &pair[1]].map(|(index, along)| {
            let arc = usable[index.index(usable.len())];
            let shape = roads.street.shape(&map, arc);
            OnArc { arc, along: *along, at: crate::graph::between(shape[0], shape[1], *along) }
        });
        let path = roads.hierarchy.quickest(&customised, &costs, &[from], &[to], &mut memory);
        let oracle = oracle_ms(&expected, &[from], &[to]);
        prop_assert_eq!(path.as_ref().map(|path| path.cost_ms), oracle, "{:?} to {:?}", from, to);
        for arc in path.iter().flat_map(|path| &path.arcs) {
            prop_assert!(haulage.is_open(roads.street.arc(*arc).link()));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// The lorry's customisation of the cars' hierarchy finds what Dijkstra finds for cars to which all is closed that bars it.
    #[test]
    fn the_lorrys_hierarchy_equals_dijkstra(
        wild in wild(),
        limits in prop::collection::vec((any::<prop::sample::Index>(), 0..4_usize, 0.5_f32..10.0), 0..10),
    ) {
        check_wild(&wild, &limits)?;
    }
}
