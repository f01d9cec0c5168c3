use super::*;
use crate::sketch::{sketch, sketch_without_turns};

/// `WC0>CE0 Straight, after SC0>CE0`: each movement with what it gives way to.
fn show(network: &Network) -> String {
    let lane = |l: LaneIx| {
        let link = network.link(network.lane(l).link);
        format!("{}{}", link.id, l.0 - link.lanes.start)
    };
    let name = |m: MovementIx| {
        let m = network.movement(m);
        format!("{}>{}", lane(m.from), lane(m.to))
    };
    let mut lines: Vec<String> = (0..network.movements.len())
        .map(MovementIx::from)
        .map(|m| {
            let movement = network.movement(m);
            let first: Vec<String> = movement.yields_to.iter().map(|x| name(*x)).collect();
            let after = if first.is_empty() { String::new() } else { format!(" after {}", first.join(" ")) };
            format!("{} {:?}{after}", name(m), movement.turn)
        })
        .collect();
    lines.sort();
    lines.join("\n")
}

#[test]
fn a_road_that_only_bends() {
    insta::assert_snapshot!(show(&sketch("A---B\n    |\n    |\n    C")));
}

#[test]
fn a_side_street_gives_way_to_the_wider_road() {
    insta::assert_snapshot!(show(&sketch("W======C======E\n       |\n       |\n       |\n       S")));
}

#[test]
fn equal_streets_give_way_to_the_right() {
    insta::assert_snapshot!(show(&sketch(
        "       N\n       |\n       |\n       |\nW------C------E\n       |\n       |\n       |\n       S"
    )));
}

#[test]
fn one_way_roads_merge() {
    insta::assert_snapshot!(show(&sketch("W-->---C--->--E\n       ^\n       |\n       |\n       S")));
}

#[test]
fn a_banned_turn_is_not_there() {
    let network =
        sketch_without_turns("W------C------E\n       |\n       |\n       |\n       S", &[("WC", "CS")]);
    assert!(!show(&network).contains("WC0>CS0"));
}

#[test]
fn stop_lines_stand_before_the_junction() {
    let network = sketch("W---------C---------E\n          |\n          |\n          |\n          S");
    let link = network.link(crate::sketch::link(&network, "WC"));
    let drawn = crate::geo::length_m(&link.shape);
    assert!(
        (drawn - 100.0).abs() < 0.5 && (link.length_m - (drawn - 6.5)).abs() < 0.01,
        "{drawn} {}",
        link.length_m
    );
}

#[test]
fn crossings_of_a_divided_road_become_one() {
    // Two one-way roads side by side, crossed by a street: two nodes, C and D, are one junction.
    let mut network = sketch(
        "       N\n       |\n       |\nV--<---C---<--F\n       |\nW-->---D--->--E\n       |\n       |\n       S",
    );
    let (c, d) = (crate::sketch::node(&network, 'C'), crate::sketch::node(&network, 'D'));
    let (refused, merged) = merge_nodes(&mut network, &[vec![c, d]]);
    assert!(refused.is_empty(), "every way through C and D exists: {refused:?}");
    assert_eq!(merged.nodes[c.ix()], merged.nodes[d.ix()]);
    join(&mut network, &TurnRules::default());
    network.validate().unwrap();
    insta::assert_snapshot!(show(&network));
}

proptest::proptest! {
    /// Of two movements that cross exactly one goes first, whatever the roads look like.
    #[test]
    fn exactly_one_goes_first(arms in proptest::collection::vec((0..360u32, 1..4usize, 0..3u8), 2..6)) {
        let network = star(&arms);
        for (i, m) in network.movements.iter().enumerate() {
            let me = MovementIx::from(i);
            for &x in &m.crosses {
                let other = network.movement(x);
                proptest::prop_assert!(other.crosses.contains(&me));
                proptest::prop_assert!(m.yields_to.contains(&x) != other.yields_to.contains(&me));
            }
        }
    }

    /// Signals of any junction are without fault, and every group is green some time.
    #[test]
    fn designed_signals_are_safe(arms in proptest::collection::vec((0..360u32, 1..4usize, 0..3u8), 2..6)) {
        use crate::{ids::{DistrictId, JunctionId, JunctionIx}, network::Name, signal::design::{SignalHabits, Site, signalise}};
        let mut network = star(&arms);
        let site = Site { id: JunctionId::new("x"), name: Name::default(), district: DistrictId::new("d"), nodes: vec![NodeIx(0)] };
        for junction in signalise(&mut network, &[site], &SignalHabits::russian(), JunctionIx(0)) {
            proptest::prop_assert_eq!(junction.faults(), Vec::<String>::new());
            for group in &junction.groups {
                proptest::prop_assert!(junction.stages.iter().any(|s| s.has(group.number)), "group {} is never green", group.number);
            }
        }
    }
}

/// A junction in the middle of roads that leave at any angles, with any lanes, both ways or one.
fn star(arms: &[(u32, usize, u8)]) -> Network {
    use crate::{
        ids::{LinkId, NodeId},
        network::{Lane, Link, Node, RoadClass},
    };
    let middle = LonLat { lon: 37.6, lat: 55.7 };
    let plane = LocalPlane::around(middle);
    let mut network = Network {
        nodes: vec![Node { id: NodeId::new("middle"), at: middle, kerb: false }],
        ..Network::default()
    };
    for (i, &(angle, lanes, direction)) in arms.iter().enumerate() {
        let (sin, cos) = f64::from(angle).to_radians().sin_cos();
        let end = NodeIx::from(network.nodes.len());
        network.nodes.push(Node {
            id: NodeId::new(i.to_string()),
            at: plane.to_lonlat([cos * 120.0, sin * 120.0]),
            kerb: false,
        });
        for (from, to, wanted) in [(NodeIx(0), end, 1), (end, NodeIx(0), 2)] {
            // Direction 0 is both ways, 1 and 2 are one of them.
            if direction != 0 && direction != wanted {
                continue;
            }
            let (link, first) = (LinkIx::from(network.links.len()), network.lanes.len() as u32);
            for _ in 0..lanes {
                let (width_m, length_m) = (3.5, 120.0);
                network.lanes.push(Lane {
                    link,
                    speed_limit_mps: 14.0,
                    allowed: Modes::STREET,
                    width_m,
                    length_m,
                });
            }
            network.links.push(Link {
                id: LinkId::new(format!("{from:?}{to:?}")),
                from,
                to,
                name: None,
                class: if lanes > 2 { RoadClass::Primary } else { RoadClass::Tertiary },
                shape: vec![network.node(from).at, network.node(to).at],
                length_m: 120.0,
                speed_limit_mps: 14.0,
                access: Modes::STREET,
                lanes: first..first + lanes as u32,
                bridge: false,
                tunnel: false,
                steps: false,
                going: Default::default(),
                limits: None,
            });
        }
    }
    join(&mut network, &TurnRules::default());
    network.validate().expect("a sound network");
    network
}
