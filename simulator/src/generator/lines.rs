//! Metro, MCC, trams and buses: stations from the atlas, routes along the streets, stops on the way.

use super::atlas::{Atlas, Place, Rail, RoadLine, distance, smooth};
use model::{
    geo::{self, LonLat, length_m},
    ids::{LineId, LinkIx, StopId},
    network::{Modes, Name, Network, RoadClass},
    transit::{Line, Stop, Transit, TransitMode},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap},
};

/// Between stops of a bus or tram in Moscow, m.
const STOP_EVERY_M: f64 = 420.0;
/// A stop stands so far behind a crossing, m.
const BEHIND_CROSSING_M: f64 = 35.0;
/// A square of a line that is farther than this from any road lies outside of the world.
const ON_THE_MAP_M: f64 = 160.0;
/// Colours of the city's own maps: trams red, buses blue, night buses dark blue.
const TRAM: &str = "#B4191D";
const BUS: &str = "#00A3E0";
const NIGHT: &str = "#2A4B9B";

/// How far apart, in a straight line, a bus of a district begins and ends, m, and how often it goes, s.
const DISTRICT_M: std::ops::Range<f64> = 4000.0..9000.0;
const DISTRICT_HEADWAYS_S: std::ops::Range<u32> = 360..900;

/// All lines of the atlas that the world holds, with streets of trams opened to them, and so many lines of buses of its
/// districts.
pub(super) fn lay(
    atlas: &Atlas,
    network: &mut Network,
    inside: impl Fn(Place) -> bool,
    buses: usize,
    seed: u64,
) -> Transit {
    let mut transit = Transit::default();
    for rail in &atlas.rails {
        add_rail(atlas, rail, &inside, &mut transit);
    }
    let ways = Ways::of(network);
    let mut stops_at: BTreeMap<(LinkIx, u32), u32> = BTreeMap::new();
    for line in &atlas.road_lines {
        for (back, via) in [(false, &line.there), (true, &line.back)] {
            add_road_line(atlas, network, &ways, line, back, via, &mut transit, &mut stops_at);
        }
    }
    for line in district_lines(&ways, buses, seed) {
        for (back, via) in [(false, &line.there), (true, &line.back)] {
            add_road_line(atlas, network, &ways, &line, back, via, &mut transit, &mut stops_at);
        }
    }
    // Rails lie in the street: cars share the lanes.
    for line in transit.lines.iter().filter(|l| l.mode == TransitMode::Tram) {
        for link in &line.links {
            let link = &mut network.links[link.ix()];
            link.access = link.access.with(Modes::TRAM);
            for lane in link.lanes.clone() {
                let lane = &mut network.lanes[lane as usize];
                lane.allowed = lane.allowed.with(Modes::TRAM);
            }
        }
    }
    transit
}

/// Buses between two crossings a few kilometres apart, anywhere.
fn district_lines(ways: &Ways, buses: usize, seed: u64) -> Vec<RoadLine> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x5eed_b050);
    let crossings: Vec<Place> = ways.crossings().collect();
    let mut lines = Vec::new();
    while lines.len() < buses && crossings.len() > 1 {
        let from = crossings[rng.random_range(0..crossings.len())];
        // Of a few places the first that lies well; a small world has none, and any will do.
        let to = (0..200).map(|_| crossings[rng.random_range(0..crossings.len())]);
        let to = to.into_iter().find(|to| DISTRICT_M.contains(&distance(from, *to)));
        let number = lines.len() + 1;
        let there = vec![from, to.unwrap_or(crossings[number % crossings.len()])];
        lines.push(RoadLine {
            id: format!("bus-d{number}"),
            mode: TransitMode::Bus,
            name: Name::new(format!("д{number}"), format!("d{number}")),
            headway_s: rng.random_range(DISTRICT_HEADWAYS_S),
            night: false,
            back: there.iter().rev().copied().collect(),
            there,
        });
    }
    lines
}

fn add_rail(atlas: &Atlas, rail: &Rail, inside: &impl Fn(Place) -> bool, transit: &mut Transit) {
    let mut stations: Vec<&(Name, Place)> = rail.stations.iter().collect();
    if rail.closed {
        stations.push(&rail.stations[0]);
    }
    // A line that leaves the map and comes back is cut there.
    let runs: Vec<&[&(Name, Place)]> = stations
        .chunk_by(|a, b| inside(a.1) == inside(b.1))
        .filter(|run| run.len() > 1 && inside(run[0].1))
        .collect();
    for (part, run) in runs.iter().enumerate() {
        let whole_ring = rail.closed && runs.len() == 1 && run.len() == stations.len();
        let places: Vec<Place> = run.iter().map(|s| s.1).collect();
        let (curve, _) = smooth(&places, whole_ring);
        let shape: Vec<LonLat> = curve.iter().map(|p| atlas.plane.to_lonlat(*p)).collect();
        let mut stops: Vec<u32> = Vec::new();
        for (i, (name, at)) in run.iter().enumerate() {
            if whole_ring && i + 1 == run.len() {
                stops.push(stops[0]);
                continue;
            }
            let id = StopId::new(format!("{}-{}", rail.id, transit.stops.len() + 1));
            stops.push(transit.stops.len() as u32);
            transit.stops.push(Stop { id, name: name.clone(), at: atlas.plane.to_lonlat(*at) });
        }
        let mut there = Line {
            id: LineId::new(format!("{}-{}", rail.id, 2 * part + 1)),
            name: rail.name.clone(),
            mode: rail.mode,
            colour: rail.colour.clone(),
            stops,
            shape,
            links: Vec::new(),
            headway_s: rail.headway_s,
        };
        transit.lines.push(there.clone());
        there.id = LineId::new(format!("{}-{}", rail.id, 2 * part + 2));
        there.stops.reverse();
        there.shape.reverse();
        transit.lines.push(there);
    }
}

#[expect(clippy::too_many_arguments, reason = "one caller, and what it holds is borrowed in parts")]
fn add_road_line(
    atlas: &Atlas,
    network: &Network,
    ways: &Ways,
    line: &RoadLine,
    back: bool,
    via: &[Place],
    transit: &mut Transit,
    stops_at: &mut BTreeMap<(LinkIx, u32), u32>,
) {
    let on_map: Vec<usize> = via
        .chunk_by(|a, b| ways.near(*a).is_some() == ways.near(*b).is_some())
        .filter(|run| ways.near(run[0]).is_some())
        .max_by_key(|run| run.len())
        .map(|run| run.iter().filter_map(|p| ways.near(*p)).collect())
        .unwrap_or_default();
    if on_map.len() < 2 {
        return;
    }
    let Some(links) = ways.through(network, &on_map) else { return };
    if links.is_empty() {
        return;
    }
    let mut shape: Vec<LonLat> = Vec::new();
    for link in &links {
        let points = &network.link(*link).shape;
        shape.extend(points.iter().skip(usize::from(!shape.is_empty())));
    }
    let stops = stops_along(network, ways, &links, transit, stops_at, atlas);
    if stops.len() < 2 {
        return;
    }
    let colour = match (line.mode, line.night) {
        (TransitMode::Tram, _) => TRAM,
        (_, true) => NIGHT,
        _ => BUS,
    };
    transit.lines.push(Line {
        id: LineId::new(format!("{}-{}", line.id, if back { 2 } else { 1 })),
        name: line.name.clone(),
        mode: line.mode,
        colour: colour.into(),
        stops,
        shape,
        links,
        headway_s: line.headway_s,
    });
}

/// Stops behind crossings, about every [`STOP_EVERY_M`]; lines that pass the same place share them.
fn stops_along(
    network: &Network,
    ways: &Ways,
    links: &[LinkIx],
    transit: &mut Transit,
    stops_at: &mut BTreeMap<(LinkIx, u32), u32>,
    atlas: &Atlas,
) -> Vec<u32> {
    let mut stops = Vec::new();
    let mut since = STOP_EVERY_M * 0.6;
    for (i, &link_ix) in links.iter().enumerate() {
        let link = network.link(link_ix);
        let long = length_m(&link.shape);
        let fits = long > 2.0 * BEHIND_CROSSING_M && !link.bridge && !link.tunnel;
        let shared = stops_at.get(&(link_ix, 0)).copied().filter(|_| since > 180.0);
        if fits && (shared.is_some() || since >= STOP_EVERY_M) {
            let stop = shared.unwrap_or_else(|| {
                let (at, _) = geo::along(&link.shape, BEHIND_CROSSING_M);
                let before = i.checked_sub(1).map(|k| links[k]);
                let name = stop_name(network, ways, link_ix, before, at, atlas);
                transit.stops.push(Stop {
                    id: StopId::new(format!("S{}", transit.stops.len() + 1)),
                    name,
                    at,
                });
                let ix = transit.stops.len() as u32 - 1;
                stops_at.insert((link_ix, 0), ix);
                ix
            });
            if stops.last() != Some(&stop) {
                stops.push(stop);
            }
            since = long - BEHIND_CROSSING_M;
        } else {
            since += long;
        }
    }
    stops
}

/// The metro station beside it, the square, or the street that was crossed.
fn stop_name(
    network: &Network,
    ways: &Ways,
    link: LinkIx,
    before: Option<LinkIx>,
    at: LonLat,
    atlas: &Atlas,
) -> Name {
    const BESIDE_M: f64 = 190.0;
    let here = atlas.plane.to_metres(at);
    let station = atlas
        .rails
        .iter()
        .filter(|r| r.mode == TransitMode::Metro)
        .flat_map(|r| &r.stations)
        .map(|(name, p)| (distance(*p, here), name))
        .filter(|(d, _)| *d < BESIDE_M)
        .min_by(|a, b| a.0.total_cmp(&b.0));
    if let Some((_, name)) = station {
        return Name::new(format!("Метро «{}»", name.local), format!("{} Metro", name.english()));
    }
    let square = atlas
        .points
        .values()
        .filter_map(|p| Some((distance(p.at, here), p.name.as_ref()?)))
        .filter(|(d, name)| *d < BESIDE_M && !name.local.contains('×'))
        .min_by(|a, b| a.0.total_cmp(&b.0));
    if let Some((_, name)) = square {
        return name.clone();
    }
    let own = network.link(link).name.clone().unwrap_or_default();
    let node = network.link(link).from;
    let crossed = ways.at[node.ix()]
        .iter()
        .filter(|link| Some(LinkIx::from(**link)) != before)
        .map(|&link| &network.links[link])
        .filter(|link| link.class < RoadClass::Service)
        .filter_map(|link| Some((link.class, link.name.clone()?)))
        .filter(|(_, name)| *name != own)
        .min_by_key(|(class, name)| (*class, name.local.clone()));
    crossed.map_or(own, |(_, name)| name)
}

/// Ways for buses over the network: by links, since turns are between links.
struct Ways {
    next: Vec<Vec<usize>>,
    nodes: Vec<Place>,
    leaving: Vec<Vec<usize>>,
    /// By node: links that begin or end there, in order.
    at: Vec<Vec<usize>>,
}

impl Ways {
    fn of(network: &Network) -> Ways {
        let mut next: Vec<Vec<usize>> = vec![Vec::new(); network.links.len()];
        // Buses keep out of yards.
        let is_street = |link: LinkIx| network.link(link).class < RoadClass::Service;
        for m in &network.movements {
            let (from, to) = (network.lane(m.from).link, network.lane(m.to).link);
            if is_street(to) {
                next[from.ix()].push(to.ix());
            }
        }
        for list in &mut next {
            list.sort_unstable();
            list.dedup();
        }
        let plane = model::geo::LocalPlane::around(super::atlas::KREMLIN);
        let nodes = network.nodes.iter().map(|n| plane.to_metres(n.at)).collect();
        let mut leaving = vec![Vec::new(); network.nodes.len()];
        let mut at = leaving.clone();
        for (i, l) in network.links.iter().enumerate() {
            if is_street(LinkIx::from(i)) {
                leaving[l.from.ix()].push(i);
            }
            at[l.from.ix()].push(i);
            if l.to != l.from {
                at[l.to.ix()].push(i);
            }
        }
        Ways { next, nodes, leaving, at }
    }

    /// Where three streets meet or more.
    fn crossings(&self) -> impl Iterator<Item = Place> {
        self.leaving.iter().zip(&self.nodes).filter(|(leaving, _)| leaving.len() >= 3).map(|(_, at)| *at)
    }

    /// The node there, if the map reaches so far.
    fn near(&self, at: Place) -> Option<usize> {
        (0..self.nodes.len())
            .map(|i| (distance(self.nodes[i], at), i))
            .filter(|(d, _)| *d < ON_THE_MAP_M)
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, i)| i)
    }

    /// The way past all these nodes in turn, on large streets where it can.
    fn through(&self, network: &Network, nodes: &[usize]) -> Option<Vec<LinkIx>> {
        let mut way: Vec<usize> = Vec::new();
        for pair in nodes.windows(2) {
            let starts = match way.last() {
                Some(last) => self.next[*last].clone(),
                None => self.leaving[pair[0]].clone(),
            };
            way.extend(self.between(network, &starts, pair[1])?);
        }
        Some(way.into_iter().map(LinkIx::from).collect())
    }

    fn between(&self, network: &Network, starts: &[usize], goal: usize) -> Option<Vec<usize>> {
        let cost = |i: usize| -> u64 {
            let link = &network.links[i];
            let dislike = match link.class {
                RoadClass::Primary | RoadClass::Secondary => 1.0,
                RoadClass::Tertiary => 1.6,
                RoadClass::Motorway | RoadClass::Trunk => 3.0,
                _ => 3.0,
            };
            (link.length_m * dislike * 10.0) as u64 + 100
        };
        // No way is shorter than the straight line to the goal (A*: Hart, Nilsson, Raphael 1968).
        let rest = |i: usize| {
            let end = self.nodes[network.links[i].to.ix()];
            (distance(end, self.nodes[goal]) * 0.99 * 10.0) as u64
        };
        let mut best: HashMap<usize, (u64, Option<usize>)> = HashMap::new();
        let mut open = BinaryHeap::new();
        for &s in starts {
            best.insert(s, (cost(s), None));
            open.push(Reverse((cost(s) + rest(s), cost(s), s)));
        }
        while let Some(Reverse((_, so_far, link))) = open.pop() {
            if best[&link].0 < so_far {
                continue;
            }
            if network.links[link].to.ix() == goal {
                let mut way = vec![link];
                while let Some(before) = best[&way[way.len() - 1]].1 {
                    way.push(before);
                }
                way.reverse();
                return Some(way);
            }
            for &n in &self.next[link] {
                let total = so_far + cost(n);
                if best.get(&n).is_none_or(|(b, _)| total < *b) {
                    best.insert(n, (total, Some(link)));
                    open.push(Reverse((total + rest(n), total, n)));
                }
            }
        }
        None
    }
}
