//! Small networks drawn in text, for tests; the idea is Valhalla's `gurka`.
//!
//! ```text
//!     N
//!     |
//! W---C===E      letters and digits are nodes; - and | are roads with one lane each way,
//!     ^          = and ‖ have two; > < ^ v anywhere in a road make it one-way
//!     S
//! ```
//!
//! A character is ten metres, across and down. The link from `W` to `C` is named `WC`.

use crate::{
    city::City,
    detection,
    geo::{LocalPlane, LonLat},
    ids::{DistrictId, JunctionId, JunctionIx, LinkId, LinkIx, NodeId, NodeIx},
    network::{
        Lane, Link, Modes, Name, Network, Node, RoadClass,
        junctions::{self, TurnRules},
    },
    signal::design::{self, SignalHabits, Site},
    transit::Transit,
};
use std::collections::BTreeMap;

/// Metres that a character stands for.
pub const METRES_PER_CHARACTER: f64 = 10.0;
/// Speed on every road, m/s (50 km/h).
pub const SPEED_MPS: f64 = 50.0 / 3.6;

/// The network that a drawing shows, its first node of the first row near Moscow's middle.
///
/// # Panics
/// If the drawing is not one: a road that ends nowhere, a name used twice. Only tests draw.
pub fn sketch(drawing: &str) -> Network {
    sketch_with(drawing, &TurnRules::default())
}

/// The same, with turns that are banned: `[("WC", "CN")]`.
///
/// # Panics
/// As [`sketch`], and if a link is not in the drawing.
pub fn sketch_without_turns(drawing: &str, banned: &[(&str, &str)]) -> Network {
    let network = sketch(drawing);
    let banned = banned.iter().map(|(a, b)| (link(&network, a), link(&network, b))).collect();
    sketch_with(drawing, &TurnRules { banned, ..TurnRules::default() })
}

/// A city with signals at the named nodes, each with generated stages, a plan and detectors.
///
/// # Panics
/// As [`sketch`], and if a node is not in the drawing.
pub fn city(drawing: &str, signals: &str) -> City {
    let mut network = sketch(drawing);
    let sites: Vec<Site> = signals
        .chars()
        .map(|name| Site {
            id: JunctionId::new(name.to_string()),
            name: Name::default(),
            district: DistrictId::new("sketch"),
            nodes: vec![node(&network, name)],
        })
        .collect();
    let junctions = design::signalise(&mut network, &sites, &SignalHabits::russian(), JunctionIx(0));
    let centre = network.nodes[0].at;
    let mut city = City {
        name: Name::only("sketch"),
        centre,
        zoom: 16.0,
        network,
        junctions,
        transit: Transit::default(),
        areas: Vec::new(),
        corridors: Vec::new(),
        car_parks: Vec::new(),
        bicycle_parks: Vec::new(),
    };
    detection::equip(&mut city, detection::Tier::Full);
    city
}

/// The link of that name.
///
/// # Panics
/// If there is none.
pub fn link(network: &Network, name: &str) -> LinkIx {
    let found = network.links.iter().position(|l| l.id.as_str() == name);
    LinkIx::from(found.unwrap_or_else(|| panic!("the sketch has no link {name}")))
}

/// The node of that name.
///
/// # Panics
/// If there is none.
pub fn node(network: &Network, name: char) -> NodeIx {
    let found = network.nodes.iter().position(|n| n.id.as_str().chars().eq([name]));
    NodeIx::from(found.unwrap_or_else(|| panic!("the sketch has no node {name}")))
}

fn sketch_with(drawing: &str, rules: &TurnRules) -> Network {
    let rows: Vec<Vec<char>> = drawing.lines().map(|l| l.chars().collect()).collect();
    let at = |row: usize, column: usize| rows.get(row).and_then(|r| r.get(column)).copied().unwrap_or(' ');
    let is_node = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
    let plane = LocalPlane::around(LonLat { lon: 37.62, lat: 55.75 });
    let mut network = Network::default();
    let mut nodes: BTreeMap<(usize, usize), NodeIx> = BTreeMap::new();
    for (row, line) in rows.iter().enumerate() {
        for (column, &c) in line.iter().enumerate().filter(|(_, c)| is_node(**c)) {
            let id = NodeId::new(c.to_string());
            assert!(!network.nodes.iter().any(|n| n.id == id), "node {c} is in the sketch twice");
            nodes.insert((row, column), NodeIx::from(network.nodes.len()));
            let place = [column as f64 * METRES_PER_CHARACTER, -(row as f64) * METRES_PER_CHARACTER];
            network.nodes.push(Node { id, at: plane.to_lonlat(place), kerb: false });
        }
    }
    for (&(row, column), &from) in &nodes {
        for (down, across, single, double, forth, back) in
            [(0, 1, '-', '=', '>', '<'), (1, 0, '|', '‖', 'v', '^')]
        {
            let (mut r, mut c) = (row + down, column + across);
            let is_road = |x: char| [single, double, forth, back].contains(&x);
            if !is_road(at(r, c)) {
                continue;
            }
            let mut drawn = Vec::new();
            while is_road(at(r, c)) {
                drawn.push(at(r, c));
                (r, c) = (r + down, c + across);
            }
            let name = &network.nodes[from.ix()].id;
            let to = *nodes
                .get(&(r, c))
                .unwrap_or_else(|| panic!("a road from {name} ends nowhere, at row {r}, column {c}"));
            let lanes = if drawn.contains(&double) { 2 } else { 1 };
            if !drawn.contains(&back) {
                add_link(&mut network, from, to, lanes);
            }
            if !drawn.contains(&forth) {
                add_link(&mut network, to, from, lanes);
            }
        }
    }
    junctions::join(&mut network, rules);
    network.validate().expect("a sketch makes a sound network");
    network
}

fn add_link(network: &mut Network, from: NodeIx, to: NodeIx, lanes: usize) {
    let (a, b) = (network.node(from).clone(), network.node(to).clone());
    let length_m = a.at.distance_m(b.at);
    let link = LinkIx::from(network.links.len());
    let first = network.lanes.len() as u32;
    for _ in 0..lanes {
        let allowed = Modes::STREET;
        network.lanes.push(Lane { link, speed_limit_mps: SPEED_MPS, allowed, width_m: 3.5, length_m });
    }
    network.links.push(Link {
        id: LinkId::new(format!("{}{}", a.id, b.id)),
        from,
        to,
        name: None,
        class: if lanes > 1 { RoadClass::Primary } else { RoadClass::Tertiary },
        shape: vec![a.at, b.at],
        length_m,
        speed_limit_mps: SPEED_MPS,
        access: Modes::STREET,
        lanes: first..first + lanes as u32,
        bridge: false,
        tunnel: false,
        steps: false,
        going: Default::default(),
        limits: None,
    });
}
