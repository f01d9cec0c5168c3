//! Small cities for tests, and the one way to ask them for a route.
//!
//! A picture is read by [`model::sketch`]; below it may stand `no A>B>C` (a forbidden turn) and `signals BC`
//! (signals with their generated plans at those nodes). What it cannot show (crooked streets, footways, steps, a signal on
//! one turn) is said instead, one statement a line:
//!
//! ```text
//! A 0 0              node A, metres east and north
//! A-B                street, both ways, 30 km/h, one lane each
//! A>B                the same one way
//! A=B                footway, without lanes
//! A#B                steps
//! A~B                ferry for all, both ways, 4 m/s
//! A:B                footway of cobbles
//! A/B                the same as A-B, rising by 8 % from A to B
//! kerb A             a raised kerb at that node
//! no A>B>C           no car may go from A over B to C
//! signal A>B>C       that turn has a signal
//! park A             a car park for those who go on by train, at that node
//! ```

use crate::{
    itinerary::Place,
    map::Map,
    planner::{Planner, Query, STREET_WITHIN_M, When},
    profile::Profile,
    service::{Limits, Routing},
    sharing::{Sharing, Spot, System},
    snapshot::{Snapshot, TrafficWriter},
};
use model::{
    city::{BicyclePark, CarPark, City},
    geo::{LocalPlane, LonLat},
    ids::{GroupNumber, JunctionIx, LaneIx, LinkId, LinkIx, NodeId, NodeIx},
    network::{self, Going, Head, Lane, Link, Modes, Movement, Name, Network, Node, RoadClass, Turn},
    time::Moment,
    transit::Transit,
};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use wire::{
    clock::Clock,
    message::{Entry, LinkTime, LinkTimes},
};

/// When the tests' questions are asked: 2026-06-12T08:00:00Z.
pub(crate) const NOW: Moment = Moment(1_781_251_200_000);
const CENTRE: LonLat = LonLat { lon: 37.6, lat: 55.75 };
const SPEED_MPS: f64 = 30.0 / 3.6;
const FERRY_MPS: f64 = 4.0;

/// Shared bicycles at nodes of a city: how many stand there, and for how many there is room.
pub(crate) fn lend(city: &City, left_anywhere: bool, spots: &[(&str, u32, u32)]) -> Sharing {
    let spot = |&(node, vehicles, room): &(&str, u32, u32)| Spot {
        id: node.to_string(),
        name: format!("Station {node}"),
        at: place(city, node).at,
        vehicles,
        room,
    };
    let system = System {
        id: "velo".to_string(),
        name: "Velo".to_string(),
        url: None,
        form: "BICYCLE".to_string(),
        left_anywhere,
        spots: spots.iter().map(spot).collect(),
        faults: Vec::new(),
    };
    Sharing { systems: vec![system] }
}

/// Draws a city.
pub(crate) fn draw(text: &str) -> City {
    let is_statement = |line: &str| line.split_whitespace().nth(2).is_some_and(|y| y.parse::<f64>().is_ok());
    match text.lines().find(|line| !line.trim().is_empty()) {
        Some(first) if is_statement(first) => draw_statements(text),
        _ => draw_picture(text),
    }
}

fn draw_picture(text: &str) -> City {
    let is_word = |line: &&str| ["no ", "signals "].iter().any(|word| line.trim().starts_with(word));
    let (statements, picture): (Vec<_>, Vec<_>) = text.lines().partition(is_word);
    if let Some(nodes) = statements.iter().find_map(|line| line.trim().strip_prefix("signals ")) {
        return model::sketch::city(&picture.join("\n"), nodes);
    }
    let turn = |line: &&str| {
        let nodes: Vec<&str> = line.trim().strip_prefix("no ")?.split('>').collect();
        Some((format!("{}{}", nodes[0], nodes[1]), format!("{}{}", nodes[1], nodes[2])))
    };
    let turns: Vec<_> = statements.iter().filter_map(turn).collect();
    let turns: Vec<(&str, &str)> = turns.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let network = model::sketch::sketch_without_turns(&picture.join("\n"), &turns);
    City { network, ..model::sketch::city("A-B", "") }
}

fn draw_statements(text: &str) -> City {
    let plane = LocalPlane::around(CENTRE);
    let mut network = Network::default();
    let (mut banned, mut signals) = (BTreeSet::new(), BTreeSet::new());
    let (mut parks, mut racks) = (Vec::new(), Vec::new());
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["no", turn] => drop(banned.insert(turn.to_string())),
            ["signal", turn] => drop(signals.insert(turn.to_string())),
            ["park", node] => parks.push(node),
            ["rack", node] => racks.push(node),
            ["kerb", name] => {
                let node = node(&network, name);
                network.nodes[node.ix()].kerb = true;
            }
            ["limit", link, what, most] => {
                let most = Some(most.parse().expect("metres, tonnes or m/s"));
                let limits = match what {
                    "height" => network::Limits { height_m: most, ..network::Limits::default() },
                    "weight" => network::Limits { weight_t: most, ..network::Limits::default() },
                    "length" => network::Limits { length_m: most, ..network::Limits::default() },
                    "axle" => network::Limits { axle_load_t: most, ..network::Limits::default() },
                    "speed" => network::Limits { truck_speed_mps: most, ..network::Limits::default() },
                    other => panic!("cannot limit {other}"),
                };
                link_of(&mut network, link).limits = limits.of_link();
            }
            ["no-trucks", link] => {
                let link = link_of(&mut network, link);
                link.access = link.access.without(Modes::TRUCK);
            }
            ["no-hazmat", link] => {
                let limits = network::Limits { no_hazmat: true, ..network::Limits::default() };
                link_of(&mut network, link).limits = limits.of_link();
            }
            [name, x, y] => {
                let at = plane.to_lonlat([x.parse().expect("metres"), y.parse().expect("metres")]);
                network.nodes.push(Node { id: NodeId::new(name), at, kerb: false });
            }
            [street] => draw_street(&mut network, street),
            _ => panic!("cannot draw {line:?}"),
        }
    }
    join(&mut network, &banned, &signals);
    let park = |name: &str| CarPark {
        id: format!("park {name}"),
        name: Some(Name::new(format!("Парковка {name}"), format!("Park {name}"))),
        at: network.node(node(&network, name)).at,
        capacity: Some(100),
        park_and_ride: true,
    };
    let car_parks = parks.into_iter().map(park).collect();
    let rack = |name: &str| BicyclePark {
        id: format!("rack {name}"),
        name: Some(Name::new(format!("Велопарковка {name}"), format!("Rack {name}"))),
        at: network.node(node(&network, name)).at,
        capacity: Some(10),
        covered: true,
    };
    let bicycle_parks = racks.into_iter().map(rack).collect();
    let name = Name::new("Чертёж", "Drawing");
    let city = City {
        name,
        centre: CENTRE,
        zoom: 14.0,
        network,
        junctions: Vec::new(),
        transit: Transit::default(),
        areas: Vec::new(),
        corridors: Vec::new(),
        car_parks,
        bicycle_parks,
    };
    city.network.validate().expect("drawings are sound");
    city
}

fn draw_street(network: &mut Network, street: &str) {
    let sign = street.find(['-', '>', '=', '#', '~', ':', '/']).expect("a street joins two nodes");
    let (from, to) = (&street[..sign], &street[sign + 1..]);
    let kind = &street[sign..=sign];
    let mut add = |from: &str, to: &str, access: Modes, rise_percent: f32| {
        let (a, b) = (node(network, from), node(network, to));
        let shape = vec![network.node(a).at, network.node(b).at];
        let first = network.lanes.len() as u32;
        let driven = access.any(Modes::CAR) && kind != "~";
        let link = LinkIx::from(network.links.len());
        let length_m = model::geo::length_m(&shape);
        if driven {
            let lane = Lane { link, speed_limit_mps: SPEED_MPS, allowed: access, width_m: 3.0, length_m };
            network.lanes.push(lane);
        }
        network.links.push(Link {
            id: LinkId::new(format!("{from}{to}")),
            from: a,
            to: b,
            // The street is named after its ends in the order of the alphabet, so both ways have one name.
            name: Some(Name::only(if from < to { format!("{from}{to}") } else { format!("{to}{from}") })),
            class: if driven { RoadClass::Residential } else { RoadClass::Path },
            shape,
            length_m,
            speed_limit_mps: if kind == "~" { FERRY_MPS } else { SPEED_MPS },
            access,
            lanes: first..network.lanes.len() as u32,
            bridge: false,
            tunnel: false,
            steps: kind == "#",
            limits: None,
            going: Going { rough: kind == ":", rise_percent, ferry: kind == "~" },
        });
    };
    match kind {
        "-" | "~" => {
            add(from, to, Modes::STREET, 0.0);
            add(to, from, Modes::STREET, 0.0);
        }
        "/" => {
            add(from, to, Modes::STREET, 8.0);
            add(to, from, Modes::STREET, -8.0);
        }
        ">" => add(from, to, Modes::STREET, 0.0),
        "=" | ":" => add(from, to, Modes::WALK.with(Modes::WHEELCHAIR), 0.0),
        _ => add(from, to, Modes::WALK, 0.0),
    }
}

fn link_of<'a>(network: &'a mut Network, name: &str) -> &'a mut Link {
    let link = network.links.iter_mut().find(|link| link.id.as_str() == name);
    link.unwrap_or_else(|| panic!("no link {name}"))
}

pub(crate) fn node(network: &Network, name: &str) -> NodeIx {
    let position = network.nodes.iter().position(|node| node.id.as_str() == name);
    NodeIx::from(position.unwrap_or_else(|| panic!("no node {name}")))
}

/// Every turn that is not banned, and back only at dead ends.
fn join(network: &mut Network, banned: &BTreeSet<String>, signals: &BTreeSet<String>) {
    let plane = LocalPlane::around(CENTRE);
    let name = |ix: NodeIx| network.node(ix).id.as_str();
    let flat = |link: &Link| link.shape.iter().map(|&p| plane.to_metres(p)).collect::<Vec<_>>();
    let mut movements = Vec::new();
    for (i, lane) in network.lanes.iter().enumerate() {
        let from = network.link(lane.link);
        let onward: Vec<_> =
            network.lanes.iter().enumerate().filter(|(_, l)| network.link(l.link).from == from.to).collect();
        let dead_end = onward.iter().all(|(_, l)| network.link(l.link).to == from.from);
        for (k, lane) in onward {
            let to = network.link(lane.link);
            let turn = format!("{}>{}>{}", name(from.from), name(from.to), name(to.to));
            let back = to.to == from.from;
            if banned.contains(&turn) || (back && !dead_end) {
                continue;
            }
            let degrees = crate::graph::turn_degrees(&flat(from), &flat(to));
            movements.push(Movement {
                from: LaneIx::from(i),
                to: LaneIx::from(k),
                turn: match degrees {
                    _ if back => Turn::UTurn,
                    d if d > 45.0 => Turn::Right,
                    d if d < -45.0 => Turn::Left,
                    _ => Turn::Straight,
                },
                length_m: 0.0,
                speed_limit_mps: None,
                head: signals.contains(&turn).then_some(Head {
                    junction: JunctionIx(0),
                    group: GroupNumber(1),
                    index: 0,
                }),
                crosses: Vec::new(),
                yields_to: Vec::new(),
                waits_at_m: None,
                stop_sign: false,
                shape: Vec::new(),
            });
        }
    }
    network.movements = movements;
}

/// What the centre says: `AB 60 s` or `AB closed`, separated by commas.
pub(crate) fn said(ts: Moment, text: &str) -> Entry<LinkTimes> {
    let one = |said: &str| {
        let (link, what) = said.trim().split_once(' ').expect("a link and what is said of it");
        let closed = what == "closed";
        let time_s = if closed { 0.0 } else { what.trim_end_matches(" s").parse().expect("seconds") };
        LinkTime { link: link.to_string(), time_s, closed }
    };
    let links = text.split(',').filter(|t| !t.trim().is_empty()).map(one).collect();
    Entry::new(ts, 0, LinkTimes { links })
}

/// The picture after the centre said `text` at `ts`, received at [`NOW`].
pub(crate) fn picture(city: &City, ts: Moment, text: &str) -> Arc<Snapshot> {
    let (mut writer, traffic) = TrafficWriter::new(Arc::new(Map::new(city)), None);
    writer.apply(NOW, &said(ts, text));
    writer.publish(NOW);
    traffic.now()
}

/// A node of the drawing as a place.
pub(crate) fn place(city: &City, name: &str) -> Place {
    Place { name: name.to_string(), stop: None, at: city.network.node(node(&city.network, name)).at }
}

/// `A to C by car`, leaving at [`NOW`].
pub(crate) fn query(city: &City, text: &str) -> Query {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [from, "to", to, _, means] = words[..] else { panic!("ask `A to C by car`, not {text:?}") };
    let profile = match means {
        "car" => Profile::Car,
        "taxi" => Profile::Taxi,
        "truck" => Profile::Truck,
        "bicycle" => Profile::Bicycle,
        "foot" => Profile::Walk,
        "wheelchair" => Profile::Wheelchair,
        other => panic!("by {other}?"),
    };
    let (from, to) = (place(city, from), place(city, to));
    Query { from, to, profile, when: When::DepartAt(NOW), street_within_m: STREET_WITHIN_M, speed_mps: None }
}

/// Draws a city, asks it for a route on empty roads, and compares the line that a person would read.
#[track_caller]
pub(crate) fn check_route(drawing: &str, question: &str, expected: &str) {
    check_route_in(drawing, Duration::ZERO, "", question, expected);
}

/// The same after the centre said `traffic`, `ago`.
#[track_caller]
pub(crate) fn check_route_in(drawing: &str, ago: Duration, traffic: &str, question: &str, expected: &str) {
    let city = Arc::new(draw(drawing));
    let picture = picture(&city, NOW - ago, traffic);
    let query = query(&city, question);
    let answer = Planner::new(city).direct(&query, &picture, NOW);
    let answer = answer.map_or_else(|none| none.to_string(), |journey| journey.to_string());
    assert_eq!(answer, expected, "{question}");
}

/// A service over a drawing, with a clock that stands at [`NOW`], after the centre said `traffic`, `ago`.
pub(crate) fn serve(drawing: &str, ago: Duration, traffic: &str) -> Arc<Routing> {
    let clock = Clock::scaled(NOW, 1e-9);
    let (routing, mut feed) = Routing::new(Arc::new(draw(drawing)), clock, Limits::default());
    if !traffic.is_empty() {
        let status = wire::message::Status { entries: vec![said(NOW - ago, traffic)] };
        feed.take(NOW, "mow/centre/one/status/traffic.links/live", &wire::codec::encode(&status));
    }
    routing
}
