//! What happens where links meet, worked out from their geometry: which lane leads where, whose path crosses
//! whose, and who goes first. For sources that do not say (OpenStreetMap, our own generator); SUMO's files do.
//!
//! Traffic keeps to the right.

use super::{Movement, Network, Turn};
use crate::{
    geo::{LocalPlane, LonLat},
    ids::{LaneIx, LinkIx, MovementIx, NodeIx},
    network::Modes,
};
use std::collections::{BTreeMap, BTreeSet};

/// What a source does say about turning.
#[derive(Clone, Debug, Default)]
pub struct TurnRules {
    /// Turns from the first link into the second that may not be made.
    pub banned: BTreeSet<(LinkIx, LinkIx)>,
    /// Links of a roundabout: who is on it goes first.
    pub circulating: BTreeSet<LinkIx>,
}

/// How far off straight still counts as straight on, degrees. Wider than a lane's bend, narrower than the
/// flattest turn that drivers signal for.
const STRAIGHT_WITHIN: f64 = 35.0;
/// Sharper than this is a way back.
const U_TURN_BEYOND: f64 = 165.0;
/// Approaches whose headings differ from opposite by less than this face one another.
const FACING_WITHIN: f64 = 40.0;
/// Length over which a link's heading at its end is taken, m: shorter, and a kink of the drawing turns it.
const HEADING_OVER_M: f64 = 15.0;

/// Derives all movements of the network anew, replacing those that are there: lanes to lanes, turns,
/// paths, `crosses` and `yields_to`. At real junctions (three or more neighbours) links and lanes are cut
/// back to their stop lines, so `length_m` becomes shorter than the drawn shape.
///
/// No U-turns, except at the ends of roads that would otherwise be traps, and into roads that nothing else
/// leads into.
pub fn join(network: &mut Network, rules: &TurnRules) {
    let picture = Picture::of(network, |link| !link.lanes.is_empty());
    cut_back(network, &picture);
    let mut movements: Vec<Movement> = Vec::new();
    for node in 0..network.nodes.len() {
        for &from in &picture.inbound[node] {
            movements.extend(turns(network, &picture, rules, from));
        }
    }
    movements.sort_by_key(|m| (m.from, m.to));
    network.movements = movements;
    let by_node = movements_by_node(network);
    for here in by_node.values() {
        right_of_way(network, &picture, here, |network, a, b| first_unsignalised(network, rules, a, b));
    }
}

/// Sets who goes first among the movements of these nodes for the times when signals are on and a green is
/// permissive: then only the turn and the right hand count, not the size of the road.
pub fn signalled_right_of_way(network: &mut Network, nodes: &[NodeIx]) {
    let mut here = vec![false; network.nodes.len()];
    nodes.iter().for_each(|node| here[node.ix()] = true);
    let picture = Picture::of(network, |link| here[link.from.ix()] || here[link.to.ix()]);
    let by_node = movements_by_node(network);
    for node in nodes {
        if let Some(here) = by_node.get(node) {
            right_of_way(network, &picture, here, |_, _, _| None);
        }
    }
}

/// Makes one node of each group, at the middle of its members: the several crossings of divided roads are
/// one junction to a driver. Links inside a group disappear; a turn that no path inside allowed becomes a
/// banned one in the answer. Nodes lose their indices: the second answer maps old to new.
///
/// Call it before [`join`], on a network without movements.
pub fn merge_nodes(network: &mut Network, groups: &[Vec<NodeIx>]) -> (BTreeSet<(LinkIx, LinkIx)>, Merged) {
    let mut group_of: BTreeMap<NodeIx, usize> = BTreeMap::new();
    for (g, nodes) in groups.iter().enumerate() {
        for &n in nodes {
            group_of.entry(n).or_insert(g);
        }
    }
    let inside = |link: &super::Link| {
        let (a, b) = (group_of.get(&link.from), group_of.get(&link.to));
        a.is_some() && a == b
    };
    // Which way through a group is there, before its inner links go.
    let mut onward: BTreeMap<NodeIx, Vec<NodeIx>> = BTreeMap::new();
    for link in network.links.iter().filter(|l| !l.lanes.is_empty() && inside(l)) {
        onward.entry(link.from).or_default().push(link.to);
    }
    let reach = |from: NodeIx| {
        let mut seen = BTreeSet::from([from]);
        let mut queue = vec![from];
        while let Some(n) = queue.pop() {
            for &next in onward.get(&n).into_iter().flatten() {
                if seen.insert(next) {
                    queue.push(next);
                }
            }
        }
        seen
    };
    let mut leaving: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (k, b) in network.links.iter().enumerate().filter(|(_, l)| !l.lanes.is_empty() && !inside(l)) {
        if let Some(&g) = group_of.get(&b.from) {
            leaving.entry(g).or_default().push(k);
        }
    }
    let mut refused = Vec::new();
    for (i, a) in network.links.iter().enumerate().filter(|(_, l)| !l.lanes.is_empty() && !inside(l)) {
        let Some(g) = group_of.get(&a.to) else { continue };
        let reached = reach(a.to);
        let ways = leaving.get(g).into_iter().flatten();
        refused.extend(ways.filter(|&&k| !reached.contains(&network.links[k].from)).map(|&k| (i, k)));
    }
    let mut nodes = Vec::new();
    let mut node_map = vec![NodeIx(0); network.nodes.len()];
    let mut merged: BTreeMap<usize, NodeIx> = BTreeMap::new();
    for (i, node) in network.nodes.iter().enumerate() {
        let ix = match group_of.get(&NodeIx::from(i)) {
            None => None,
            Some(g) => merged.get(g).copied(),
        };
        node_map[i] = ix.unwrap_or_else(|| {
            let new = NodeIx::from(nodes.len());
            let mut node = node.clone();
            if let Some(&g) = group_of.get(&NodeIx::from(i)) {
                merged.insert(g, new);
                let members = &groups[g];
                let n = members.len() as f64;
                let at =
                    |f: fn(LonLat) -> f64| members.iter().map(|m| f(network.node(*m).at)).sum::<f64>() / n;
                node.at = LonLat { lon: at(|p| p.lon), lat: at(|p| p.lat) };
                node.kerb = false;
            }
            nodes.push(node);
            new
        });
    }
    let mut link_map = vec![None; network.links.len()];
    let (mut links, mut lanes) = (Vec::new(), Vec::new());
    for (i, link) in network.links.iter().enumerate() {
        if inside(link) {
            continue;
        }
        let ix = LinkIx::from(links.len());
        link_map[i] = Some(ix);
        let first = lanes.len() as u32;
        for lane in link.lane_ixs() {
            let mut lane = network.lane(lane).clone();
            lane.link = ix;
            lanes.push(lane);
        }
        let mut link = link.clone();
        link.from = node_map[link.from.ix()];
        link.to = node_map[link.to.ix()];
        link.lanes = first..lanes.len() as u32;
        links.push(link);
    }
    let refused = refused.into_iter().filter_map(|(a, b)| Some((link_map[a]?, link_map[b]?))).collect();
    network.nodes = nodes;
    network.links = links;
    network.lanes = lanes;
    network.movements.clear();
    (refused, Merged { nodes: node_map, links: link_map })
}

/// Where parts of a network went when nodes were merged.
#[derive(Clone, Debug)]
pub struct Merged {
    /// New index of each old node.
    pub nodes: Vec<NodeIx>,
    /// New index of each old link; `None` for those that lay inside a group.
    pub links: Vec<Option<LinkIx>>,
}

/// The movements that start at each node.
pub fn movements_by_node(network: &Network) -> BTreeMap<NodeIx, Vec<MovementIx>> {
    let starts =
        |(i, m): (usize, &Movement)| (network.link(network.lane(m.from).link).to, MovementIx::from(i));
    let mut all: Vec<(NodeIx, MovementIx)> = network.movements.iter().enumerate().map(starts).collect();
    all.sort_unstable();
    let here =
        |here: &[(NodeIx, MovementIx)]| (here[0].0, here.iter().map(|(_, movement)| *movement).collect());
    all.chunk_by(|a, b| a.0 == b.0).map(here).collect()
}

/// Direction of travel at the end of a link, degrees counter-clockwise from east.
pub fn heading_in(network: &Network, link: LinkIx) -> f64 {
    let [dx, dy] = first_stretch(network.link(link).shape.iter().rev());
    (-dy).atan2(-dx).to_degrees()
}

/// Direction of travel at the start of a link, degrees counter-clockwise from east.
pub fn heading_out(network: &Network, link: LinkIx) -> f64 {
    let [dx, dy] = first_stretch(network.link(link).shape.iter());
    dy.atan2(dx).to_degrees()
}

/// By how much a driver turns from one heading to the other: -180 to 180, left is positive.
pub fn turned(from: f64, to: f64) -> f64 {
    let d = (to - from).rem_euclid(360.0);
    if d > 180.0 { d - 360.0 } else { d }
}

/// Whether two links arrive at a node from opposite sides.
pub fn facing(network: &Network, a: LinkIx, b: LinkIx) -> bool {
    is_opposite(turned(heading_in(network, a), heading_in(network, b)))
}

fn is_opposite(angle: f64) -> bool {
    180.0 - angle.abs() < FACING_WITHIN
}

/// From the beginning of a line to the place on it a little farther on, m; nowhere if it has no points.
fn first_stretch<'a>(mut line: impl Iterator<Item = &'a LonLat>) -> [f64; 2] {
    let mut last = [0.0, 0.0];
    let Some(&begin) = line.next() else { return last };
    let plane = LocalPlane::around(begin);
    for p in line {
        let next = plane.to_metres(*p);
        if next[0].hypot(next[1]) >= HEADING_OVER_M {
            // The point on this piece at that distance, near enough: the piece's own end if it is short.
            let d = [next[0] - last[0], next[1] - last[1]];
            let piece = d[0].hypot(d[1]);
            let need = (HEADING_OVER_M - last[0].hypot(last[1])).max(0.0).min(piece);
            return [last[0] + d[0] * need / piece, last[1] + d[1] * need / piece];
        }
        last = next;
    }
    last
}

/// What the geometry functions need to know of the network, gathered once.
struct Picture {
    plane: LocalPlane,
    /// Links with lanes that end at a node.
    inbound: Vec<Vec<LinkIx>>,
    /// Links with lanes that start at a node.
    outbound: Vec<Vec<LinkIx>>,
    /// Whether the road also runs the other way, so that lanes lie to the right of its line.
    two_way: Vec<bool>,
    /// Stop lines stand this far from each node, m; zero where there is no junction.
    setback: Vec<f64>,
    /// By link: [`heading_in`] and [`heading_out`].
    headings: Vec<[f64; 2]>,
    /// By link: its length as drawn, m.
    drawn_m: Vec<f64>,
}

impl Picture {
    /// That of the links that `wanted` says; of the others nobody may ask where they head or how long they are.
    fn of(network: &Network, wanted: impl Fn(&super::Link) -> bool) -> Picture {
        let n = network.nodes.len();
        let (mut inbound, mut outbound) = (vec![Vec::new(); n], vec![Vec::new(); n]);
        for (i, link) in network.links.iter().enumerate().filter(|(_, l)| !l.lanes.is_empty()) {
            inbound[link.to.ix()].push(LinkIx::from(i));
            outbound[link.from.ix()].push(LinkIx::from(i));
        }
        let comes_back =
            |link: &super::Link| outbound[link.to.ix()].iter().any(|l| network.link(*l).to == link.from);
        let two_way = network.links.iter().map(comes_back).collect();
        let mut neighbours: Vec<NodeIx> = Vec::new();
        let mut setback = vec![0.0; n];
        for node in 0..n {
            let here = || inbound[node].iter().chain(&outbound[node]).map(|l| network.link(*l));
            neighbours.clear();
            for link in here() {
                let other = if link.to.ix() == node { link.from } else { link.to };
                if other.ix() != node && !neighbours.contains(&other) {
                    neighbours.push(other);
                }
            }
            if neighbours.len() >= 3 {
                // Half of the widest road that comes in, and room for a crossing.
                let widest = here().map(|l| l.lanes.len() as f64 * 3.5).fold(0.0, f64::max);
                setback[node] = widest.min(20.0) + 3.0;
            }
        }
        let plane = LocalPlane::around(network.nodes.first().map_or(LonLat { lon: 0.0, lat: 0.0 }, |n| n.at));
        let (mut headings, mut drawn_m) =
            (vec![[0.0; 2]; network.links.len()], vec![0.0; network.links.len()]);
        for (i, link) in network.links.iter().enumerate().filter(|(_, link)| wanted(link)) {
            headings[i] = [heading_in(network, LinkIx::from(i)), heading_out(network, LinkIx::from(i))];
            drawn_m[i] = crate::geo::length_m(&link.shape);
        }
        Picture { plane, inbound, outbound, two_way, setback, headings, drawn_m }
    }

    /// Setbacks at both ends of a link; a short link keeps at least half of itself.
    fn cuts(&self, link: &super::Link, drawn_m: f64) -> (f64, f64) {
        let (a, b) = (self.setback[link.from.ix()], self.setback[link.to.ix()]);
        let scale = (drawn_m * 0.5 / (a + b).max(1e-9)).min(1.0);
        (a * scale, b * scale)
    }
}

fn cut_back(network: &mut Network, picture: &Picture) {
    for i in 0..network.links.len() {
        let link = &network.links[i];
        if link.lanes.is_empty() {
            continue;
        }
        let drawn = picture.drawn_m[i];
        if drawn < 0.1 {
            continue;
        }
        let (a, b) = picture.cuts(link, drawn);
        let length = (drawn - a - b).max(0.1);
        network.links[i].length_m = length;
        for lane in network.links[i].lanes.clone() {
            network.lanes[lane as usize].length_m = length;
        }
    }
}

/// All movements that leave one link.
fn turns(network: &Network, picture: &Picture, rules: &TurnRules, from: LinkIx) -> Vec<Movement> {
    let link = network.link(from);
    let mut outs: Vec<(f64, LinkIx, Turn)> = Vec::new();
    let mut back: Option<LinkIx> = None;
    for &to in &picture.outbound[link.to.ix()] {
        match way_on(network, picture, rules, from, to) {
            Some((_, Turn::UTurn)) if network.link(to).to == link.from => back = Some(to),
            Some((angle, turn)) if turn != Turn::UTurn => outs.push((angle, to, turn)),
            _ => {}
        }
    }
    // Without a way back whoever comes to the end of a road is trapped, and nobody gets to its other side.
    let fed = |to: LinkIx| {
        let others = picture.inbound[link.to.ix()].iter().filter(|f| **f != from);
        others.filter_map(|&f| way_on(network, picture, rules, f, to)).any(|(_, turn)| turn != Turn::UTurn)
    };
    outs.extend(back.filter(|&to| outs.is_empty() || !fed(to)).map(|to| (180.0, to, Turn::UTurn)));
    if let [only] = &mut outs[..] {
        // A bend is not a turn where only one road passes.
        if picture.setback[link.to.ix()] == 0.0 && only.2 != Turn::UTurn {
            only.2 = Turn::Straight;
        }
    }
    // From the kerb inwards: rightmost way out first.
    outs.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let lanes = driven(network, from);
    let mut movements = Vec::new();
    for (out, source) in assign(&lanes, &outs) {
        let (_, to, turn) = outs[out];
        let targets = driven(network, to);
        let m = targets.len();
        for (k, &lane) in source.iter().enumerate() {
            let from_left = source.len() - 1 - k;
            let target = match turn {
                Turn::Left | Turn::UTurn => targets[m - 1 - from_left.min(m - 1)],
                _ => targets[k.min(m - 1)],
            };
            let allowed = network.lane(lane).allowed.0 & network.lane(target).allowed.0;
            if allowed == 0 {
                continue;
            }
            let path = path(network, picture, lane, target);
            let length_m = path.windows(2).map(|w| (w[1][0] - w[0][0]).hypot(w[1][1] - w[0][1])).sum();
            let drawn = picture.setback[link.to.ix()] > 0.0;
            movements.push(Movement {
                from: lane,
                to: target,
                turn,
                length_m: if drawn { length_m } else { 0.0 },
                speed_limit_mps: turning_speed(turn),
                head: None,
                crosses: Vec::new(),
                yields_to: Vec::new(),
                waits_at_m: None,
                stop_sign: false,
                shape: if drawn {
                    path.iter().map(|p| picture.plane.to_lonlat(*p)).collect()
                } else {
                    Vec::new()
                },
            });
        }
    }
    movements
}

/// How a driver gets from one link to the next, if that may be done: the angle, and what it is called.
fn way_on(
    network: &Network,
    picture: &Picture,
    rules: &TurnRules,
    from: LinkIx,
    to: LinkIx,
) -> Option<(f64, Turn)> {
    let (a, b) = (network.link(from), network.link(to));
    if rules.banned.contains(&(from, to)) || !a.access.any(b.access) {
        return None;
    }
    let angle = turned(picture.headings[from.ix()][0], picture.headings[to.ix()][1]);
    let turn = match angle {
        _ if b.to == a.from && angle.abs() > 120.0 || angle.abs() > U_TURN_BEYOND => Turn::UTurn,
        _ if angle.abs() <= STRAIGHT_WITHIN => Turn::Straight,
        _ if angle > 0.0 => Turn::Left,
        _ => Turn::Right,
    };
    Some((angle, turn))
}

/// Comfortable speed on the curve, m/s: about 2 m/s² sideways on radii of 10 and 15 m.
fn turning_speed(turn: Turn) -> Option<f64> {
    match turn {
        Turn::Straight => None,
        Turn::Left => Some(7.0),
        Turn::Right => Some(5.0),
        Turn::UTurn => Some(3.5),
    }
}

/// Lanes of a link that vehicles with tyres or trams use; if there are none, all of them.
fn driven(network: &Network, link: LinkIx) -> Vec<LaneIx> {
    let all: Vec<LaneIx> = network.link(link).lane_ixs().collect();
    let used: Vec<LaneIx> = all
        .iter()
        .copied()
        .filter(|l| network.lane(*l).allowed.any(Modes::MOTOR.with(Modes::TRAM)))
        .collect();
    if used.is_empty() { all } else { used }
}

/// Shares a link's lanes among its ways out, so that paths of one approach never cross: rights from the
/// kerb, lefts from the middle of the road, with a lane of their own where there are three.
fn assign(lanes: &[LaneIx], outs: &[(f64, LinkIx, Turn)]) -> Vec<(usize, Vec<LaneIx>)> {
    let n = lanes.len();
    let of =
        |turns: &[Turn]| -> Vec<usize> { (0..outs.len()).filter(|&k| turns.contains(&outs[k].2)).collect() };
    let (right, straight, left) = (of(&[Turn::Right]), of(&[Turn::Straight]), of(&[Turn::Left, Turn::UTurn]));
    let (own_right, own_left);
    let middle;
    if straight.is_empty() {
        // All turn: halve the road, the middle lane may do either.
        let half = n.div_ceil(2);
        own_right = if left.is_empty() { n } else { half };
        own_left = if right.is_empty() { n } else { half };
        middle = 0..0;
    } else {
        own_right = 1;
        own_left = 1;
        middle = if !left.is_empty() && n >= 3 { 0..n - 1 } else { 0..n };
    }
    let mut shares = Vec::new();
    spread(&right, &lanes[..own_right.min(n)], &mut shares);
    spread(&straight, &lanes[middle], &mut shares);
    spread(&left, &lanes[n - own_left.min(n)..], &mut shares);
    shares
}

/// Shares lanes among ways out of the same sort, in order, without crossing.
fn spread(outs: &[usize], lanes: &[LaneIx], shares: &mut Vec<(usize, Vec<LaneIx>)>) {
    let (k, n) = (outs.len(), lanes.len());
    for (j, &out) in outs.iter().enumerate() {
        let (a, b) = (j * n / k, ((j + 1) * n).div_ceil(k));
        shares.push((out, lanes[a..b.min(n)].to_vec()));
    }
}

/// Points of a lane's path across its node, m in the picture's plane.
fn path(network: &Network, picture: &Picture, from: LaneIx, to: LaneIx) -> Vec<[f64; 2]> {
    let (p, pd) = lane_end(network, picture, from, true);
    let (q, qd) = lane_end(network, picture, to, false);
    let (dx, dy) = (q[0] - p[0], q[1] - p[1]);
    // Where the two directions meet is the curve's control point; nearly parallel ones have none worth using.
    let cross = pd[0] * qd[1] - pd[1] * qd[0];
    let reach = dx.hypot(dy);
    let along = if cross.abs() > 0.2 { (dx * qd[1] - dy * qd[0]) / cross } else { reach / 2.0 };
    let along = along.clamp(0.0, reach.max(0.01));
    let c = [p[0] + pd[0] * along, p[1] + pd[1] * along];
    const PIECES: usize = 8;
    (0..=PIECES)
        .map(|i| {
            let t = i as f64 / PIECES as f64;
            let (a, b, d) = ((1.0 - t) * (1.0 - t), 2.0 * t * (1.0 - t), t * t);
            [a * p[0] + b * c[0] + d * q[0], a * p[1] + b * c[1] + d * q[1]]
        })
        .collect()
}

/// Where a lane meets its junction, and its direction of travel there.
fn lane_end(network: &Network, picture: &Picture, lane: LaneIx, at_end: bool) -> ([f64; 2], [f64; 2]) {
    let link_ix = network.lane(lane).link;
    let link = network.link(link_ix);
    let [heading_in, heading_out] = picture.headings[link_ix.ix()];
    let heading = if at_end { heading_in } else { heading_out };
    let (sin, cos) = heading.to_radians().sin_cos();
    let corner =
        picture.plane.to_metres(if at_end { link.shape[link.shape.len() - 1] } else { link.shape[0] });
    let (a, b) = picture.cuts(link, picture.drawn_m[link_ix.ix()]);
    let back = if at_end { -b } else { a };
    let width = network.lane(lane).width_m;
    let (n, i) = (link.lanes.len() as f64, f64::from(lane.0 - link.lanes.start));
    let middle = if picture.two_way[link_ix.ix()] { n } else { n / 2.0 };
    let right = (middle - i - 0.5) * width;
    ([corner[0] + cos * back + sin * right, corner[1] + sin * back - cos * right], [cos, sin])
}

/// Fills `crosses` and `yields_to` among the movements of one node. `size` says which goes first by the
/// roads they are on; where it says nothing, the turn and the right hand decide.
fn right_of_way(
    network: &mut Network,
    picture: &Picture,
    here: &[MovementIx],
    size: impl Fn(&Network, MovementIx, MovementIx) -> Option<bool>,
) {
    let paths: Vec<Vec<[f64; 2]>> = here
        .iter()
        .map(|&m| path(network, picture, network.movement(m).from, network.movement(m).to))
        .collect();
    let mut crosses: Vec<Vec<MovementIx>> = vec![Vec::new(); here.len()];
    let mut yields: Vec<Vec<MovementIx>> = vec![Vec::new(); here.len()];
    for i in 0..here.len() {
        for k in i + 1..here.len() {
            let (a, b) = (here[i], here[k]);
            let (ma, mb) = (network.movement(a), network.movement(b));
            let same_road = network.lane(ma.from).link == network.lane(mb.from).link;
            let merge = ma.to == mb.to;
            if ma.from == mb.from || !(merge || !same_road && intersect(&paths[i], &paths[k])) {
                continue;
            }
            crosses[i].push(b);
            crosses[k].push(a);
            let first = size(network, a, b).unwrap_or_else(|| goes_first(network, picture, a, b));
            if first {
                yields[k].push(a);
            } else {
                yields[i].push(b);
            }
        }
    }
    for ((&m, crosses), yields) in here.iter().zip(crosses).zip(yields) {
        network.movements[m.ix()].crosses = crosses;
        network.movements[m.ix()].yields_to = yields;
    }
}

/// Whether `a` goes before `b` by the signs: a roundabout first, then the better road.
fn first_unsignalised(network: &Network, rules: &TurnRules, a: MovementIx, b: MovementIx) -> Option<bool> {
    let rank = |m: MovementIx| {
        let link = network.lane(network.movement(m).from).link;
        let l = network.link(link);
        (!rules.circulating.contains(&link), l.class, std::cmp::Reverse(l.lanes.len()))
    };
    let (a, b) = (rank(a), rank(b));
    (a != b).then_some(a < b)
}

/// Whether `a` goes before `b` between equals: turning gives way to oncoming traffic; otherwise whoever has
/// the other on the right waits; two lanes of one road zip, kerb lane first.
fn goes_first(network: &Network, picture: &Picture, a: MovementIx, b: MovementIx) -> bool {
    let (ma, mb) = (network.movement(a), network.movement(b));
    let (la, lb) = (network.lane(ma.from).link, network.lane(mb.from).link);
    let by_turn = |t: Turn| match t {
        Turn::Straight => 0,
        Turn::Right => 1,
        Turn::Left => 2,
        Turn::UTurn => 3,
    };
    if la == lb {
        return (by_turn(ma.turn), ma.from) < (by_turn(mb.turn), mb.from);
    }
    let angle = turned(picture.headings[la.ix()][0], picture.headings[lb.ix()][0]);
    if is_opposite(angle) {
        return (by_turn(ma.turn), a) < (by_turn(mb.turn), b);
    }
    // `b` comes from the right of `a` if a driver on `a` would see it heading left.
    if angle.abs() < 20.0 { a < b } else { angle < 0.0 }
}

fn intersect(a: &[[f64; 2]], b: &[[f64; 2]]) -> bool {
    let side =
        |p: [f64; 2], q: [f64; 2], r: [f64; 2]| (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]);
    a.windows(2).any(|s| {
        b.windows(2).any(|t| {
            let (c, d) = (side(s[0], s[1], t[0]), side(s[0], s[1], t[1]));
            let (e, f) = (side(t[0], t[1], s[0]), side(t[0], t[1], s[1]));
            c * d < 0.0 && e * f < 0.0
        })
    })
}

#[cfg(test)]
mod tests;
