//! The network as the step wants it: one table of *ways*, flat lists, and where paths cross.
//!
//! A way is a lane or a movement. Lanes keep their index; movement `m` is way `lanes + m`, so that vehicles
//! inside a junction stand in rows like those on a lane.

use model::{
    geo::LocalPlane,
    ids::{LaneIx, LinkIx, MovementIx},
    network::{Head, Network, Turn},
    signal::Junction,
};
use std::ops::Range;

/// How far before the point where two paths cross a vehicle must stop to let the other pass, m: half a
/// lane, half a vehicle and some air.
const CLEAR_BEFORE: f64 = 2.8;
/// How far beyond that point its tail must be, m.
const CLEAR_AFTER: f64 = 1.8;
/// A turn waits inside the junction only if there is this much room before the first oncoming path, m.
const LEAST_WAITING_ROOM: f64 = 4.0;
/// Centre lines nearer than this, m, cannot both be driven at once: less than a lane's width.
const TOUCHES: f64 = 2.0;
/// Ways from one lane have parted where their centre lines are this far from each other, m (SUMO: `DIVERGENCE_MIN_WIDTH`).
const APART: f64 = 2.5;
/// How closely the place is looked for where they part, m.
const PARTING_STEP: f64 = 0.5;
/// How far before a crossing for people a front stops, m.
const BEFORE_CROSSING: f64 = 0.5;
/// To either side of its middle line a vehicle needs so much of a crossing, m: half a lane and somebody's elbow.
const IN_THE_LANE: f64 = 1.9;
/// Shortest way, m: sources join lanes with movements of no length.
const SHORTEST: f64 = 0.1;

/// Another movement that crosses or joins this one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Conflict {
    /// The other movement.
    pub(crate) foe: u32,
    /// Where a vehicle of ours must stop to stay clear, m from the movement's start; may be negative.
    pub(crate) stop_at: f64,
    /// The same on the other movement.
    pub(crate) foe_enters: f64,
    /// Where the tail of somebody on the other movement has cleared it.
    pub(crate) foe_clears: f64,
    /// Both end on the same lane.
    pub(crate) joins: bool,
    /// The paths really meet; sources also list foes whose paths only run close.
    pub(crate) touches: bool,
    /// The other goes first.
    pub(crate) yields: bool,
    /// We go first.
    pub(crate) foe_yields: bool,
    /// Both are green in some stage, or one has no signal.
    pub(crate) together: bool,
}

/// Where the path of a movement meets a crossing for people.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meeting {
    pub(crate) crossing: u32,
    /// Where a front must stop to stay clear of it, m from the movement's start; at the line if that is 0 or less.
    pub(crate) stop_at: f64,
    /// Beyond this a tail has cleared it.
    pub(crate) clear_at: f64,
    /// The piece of the crossing that the path takes, m from its beginning.
    pub(crate) from: f64,
    pub(crate) to: f64,
}

/// Another movement from the same lane.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sibling {
    pub(crate) other: u32,
    /// Where the two are a lane apart, m from the start of ours and of the other.
    pub(crate) parts_at: f64,
    pub(crate) other_parts_at: f64,
}

/// Compiled network.
#[derive(Clone, Debug)]
pub(crate) struct Road {
    pub(crate) lanes: usize,
    /// Per way.
    pub(crate) length: Vec<f64>,
    /// Per way, m/s.
    pub(crate) speed: Vec<f64>,
    /// Per way: its link; of a movement, the link it leaves.
    pub(crate) link: Vec<u32>,
    /// Per lane: who may use it.
    pub(crate) allowed: Vec<u16>,
    /// Per lane: movements that leave it.
    pub(crate) leaving: Vec<Range<u32>>,
    /// Per lane: movements that enter it (`entering_list[range]`).
    entering: Vec<Range<u32>>,
    entering_list: Vec<u32>,
    /// Per movement.
    pub(crate) from: Vec<u32>,
    pub(crate) to: Vec<u32>,
    pub(crate) head: Vec<Option<Head>>,
    pub(crate) stop_sign: Vec<bool>,
    /// Per movement, for those who look for a way: how long it takes at its speed, s, and whether it gives way to anybody.
    pub(crate) turn_s: Vec<f64>,
    pub(crate) gives_way: Vec<bool>,
    pub(crate) turns_back: Vec<bool>,
    /// Per movement: where it waits inside the junction for oncoming traffic, m from its start; 0 when it
    /// waits at the line.
    pub(crate) wait_at: Vec<f64>,
    conflicts: Vec<Range<u32>>,
    conflict_list: Vec<Conflict>,
    siblings: Vec<Range<u32>>,
    sibling_list: Vec<Sibling>,
    meetings: Vec<Range<u32>>,
    meeting_list: Vec<Meeting>,
    /// Per crossing, m.
    pub(crate) crossing_length: Vec<f64>,
    pub(crate) crossing_head: Vec<Option<Head>>,
    /// Per crossing: where no lamp decides, people wait for gaps.
    pub(crate) people_yield: Vec<bool>,
    /// Per crossing: movements that meet it.
    met_by: Vec<Range<u32>>,
    met_by_list: Vec<(u32, Meeting)>,
    /// Per link.
    pub(crate) link_lanes: Vec<Range<u32>>,
    pub(crate) link_length: Vec<f64>,
    pub(crate) link_speed: Vec<f64>,
    /// Per link: links that can follow, each with its first movement.
    next_links: Vec<Range<u32>>,
    next_list: Vec<(u32, u32)>,
    pub(crate) most_lanes: usize,
}

impl Road {
    pub(crate) fn new(network: &Network, junctions: &[Junction]) -> Road {
        let lanes = network.lanes.len();
        let mut length: Vec<f64> = network.lanes.iter().map(|l| l.length_m.max(SHORTEST)).collect();
        let mut speed: Vec<f64> = network.lanes.iter().map(|l| l.speed_limit_mps).collect();
        let mut link: Vec<u32> = network.lanes.iter().map(|l| l.link.0).collect();
        for m in &network.movements {
            let (a, b) = (network.lane(m.from), network.lane(m.to));
            length.push(m.length_m.max(SHORTEST));
            speed.push(
                m.speed_limit_mps
                    .unwrap_or_else(|| turn_speed(m.turn, m.length_m, a.speed_limit_mps, b.speed_limit_mps)),
            );
            link.push(a.link.0);
        }
        let mut entering_of = vec![Vec::new(); lanes];
        for (i, m) in network.movements.iter().enumerate() {
            entering_of[m.to.ix()].push(i as u32);
        }
        let (entering, entering_list) = flatten(entering_of);
        let drawn = Drawn::new(network, junctions, &length[lanes..]);
        let (conflicts, conflict_list) = flatten(drawn.conflicts());
        let leaving = network.movements_by_lane();
        let (siblings, sibling_list) = flatten(drawn.siblings(&leaving));
        let meetings_of = drawn.meetings();
        let mut met_by_of = vec![Vec::new(); network.crossings.len()];
        for (m, meetings) in (0..).zip(&meetings_of) {
            for meeting in meetings {
                met_by_of[meeting.crossing as usize].push((m, *meeting));
            }
        }
        let (meetings, meeting_list) = flatten(meetings_of);
        let (met_by, met_by_list) = flatten(met_by_of);
        let turn_s =
            length[lanes..].iter().zip(&speed[lanes..]).map(|(length, speed)| length / speed).collect();
        let yields = |range: &Range<u32>| conflict_list[as_usize(range)].iter().any(|c| c.yields);
        let gives_way = conflicts.iter().map(yields).collect();
        let wait_at = network
            .movements
            .iter()
            .zip(&conflicts)
            .map(|(m, range)| {
                // Whoever is held by a red while this one goes does not mind who stands in its way.
                let first = conflict_list[as_usize(range)]
                    .iter()
                    .filter(|c| c.yields && c.touches && c.together)
                    .map(|c| c.stop_at)
                    .fold(f64::INFINITY, f64::min);
                if let Some(metres) = m.waits_at_m {
                    // Where the source lets it wait it may still be in somebody's way.
                    return if m.head.is_some() { metres.min(first).max(0.0) } else { 0.0 };
                }
                let waits = m.head.is_some() && matches!(m.turn, Turn::Left | Turn::UTurn);
                if waits && first.is_finite() && first >= LEAST_WAITING_ROOM { first } else { 0.0 }
            })
            .collect();
        let mut next_of: Vec<Vec<(u32, u32)>> = vec![Vec::new(); network.links.len()];
        for (i, m) in network.movements.iter().enumerate() {
            let (a, b) = (network.lane(m.from).link.ix(), network.lane(m.to).link.0);
            if !next_of[a].iter().any(|(link, _)| *link == b) {
                next_of[a].push((b, i as u32));
            }
        }
        let (next_links, next_list) = flatten(next_of);
        let link_lanes: Vec<Range<u32>> = network.links.iter().map(|l| l.lanes.clone()).collect();
        Road {
            lanes,
            length,
            speed,
            link,
            allowed: network.lanes.iter().map(|l| l.allowed.0).collect(),
            leaving,
            entering,
            entering_list,
            from: network.movements.iter().map(|m| m.from.0).collect(),
            to: network.movements.iter().map(|m| m.to.0).collect(),
            head: network.movements.iter().map(|m| m.head).collect(),
            stop_sign: network.movements.iter().map(|m| m.stop_sign).collect(),
            turn_s,
            gives_way,
            turns_back: network.movements.iter().map(|m| m.turn == Turn::UTurn).collect(),
            wait_at,
            conflicts,
            conflict_list,
            siblings,
            sibling_list,
            meetings,
            meeting_list,
            crossing_length: network.crossings.iter().map(|c| c.length_m).collect(),
            crossing_head: network.crossings.iter().map(|c| c.head).collect(),
            people_yield: network.crossings.iter().map(|c| c.people_yield).collect(),
            met_by,
            met_by_list,
            most_lanes: link_lanes.iter().map(|l| l.len()).max().unwrap_or(1),
            link_length: network.links.iter().map(|l| l.length_m).collect(),
            link_speed: network.links.iter().map(|l| l.speed_limit_mps).collect(),
            link_lanes,
            next_links,
            next_list,
        }
    }

    /// The way of a movement.
    pub(crate) fn way(&self, movement: u32) -> usize {
        self.lanes + movement as usize
    }
    /// The movement that a way is, if it is one.
    pub(crate) fn movement(&self, way: u32) -> Option<u32> {
        (way as usize).checked_sub(self.lanes).map(|m| m as u32)
    }
    pub(crate) fn conflicts(&self, movement: u32) -> &[Conflict] {
        &self.conflict_list[as_usize(&self.conflicts[movement as usize])]
    }
    /// The other movements from the lane that a movement leaves.
    pub(crate) fn siblings(&self, movement: u32) -> &[Sibling] {
        &self.sibling_list[as_usize(&self.siblings[movement as usize])]
    }
    /// Crossings that a movement meets.
    pub(crate) fn meetings(&self, movement: u32) -> &[Meeting] {
        &self.meeting_list[as_usize(&self.meetings[movement as usize])]
    }
    /// Movements that meet a crossing.
    pub(crate) fn met_by(&self, crossing: u32) -> &[(u32, Meeting)] {
        &self.met_by_list[as_usize(&self.met_by[crossing as usize])]
    }
    pub(crate) fn entering(&self, lane: u32) -> &[u32] {
        &self.entering_list[as_usize(&self.entering[lane as usize])]
    }
    /// Links that can follow a link, each with one movement that leads there.
    pub(crate) fn next_links(&self, link: u32) -> &[(u32, u32)] {
        &self.next_list[as_usize(&self.next_links[link as usize])]
    }
    /// Whether one link leads to another.
    pub(crate) fn joined(&self, a: LinkIx, b: LinkIx) -> bool {
        self.next_links(a.0).iter().any(|(link, _)| *link == b.0)
    }
    /// Which lane of its link a lane is, from the kerb.
    pub(crate) fn lane_number(&self, lane: u32) -> usize {
        (lane - self.link_lanes[self.link[lane as usize] as usize].start) as usize
    }
    /// Whether a vehicle of that mode may use the lane.
    pub(crate) fn allows(&self, lane: u32, mode: u16) -> bool {
        self.allowed[lane as usize] & mode != 0
    }
}

/// Whether two heads are green together in any stage; so they are if one has no signal, or they have none in common.
fn together(junctions: &[Junction], a: Option<Head>, b: Option<Head>) -> bool {
    let (Some(a), Some(b)) = (a, b) else { return true };
    let junction = junctions.get(a.junction.ix()).filter(|_| a.junction == b.junction);
    junction.is_none_or(|j| j.stages.iter().any(|s| s.has(a.group) && s.has(b.group)))
}

fn as_usize(range: &Range<u32>) -> Range<usize> {
    range.start as usize..range.end as usize
}

fn flatten<T>(lists: Vec<Vec<T>>) -> (Vec<Range<u32>>, Vec<T>) {
    let mut ranges = Vec::with_capacity(lists.len());
    let mut flat = Vec::new();
    for list in lists {
        let start = flat.len() as u32;
        flat.extend(list);
        ranges.push(start..flat.len() as u32);
    }
    (ranges, flat)
}

/// Speed on a turn of which the source says nothing: 5.5 m/s² sideways (SUMO's default for
/// `junctions.limit-turn-speed`) on a quarter circle as long as the movement.
fn turn_speed(turn: Turn, length: f64, before: f64, after: f64) -> f64 {
    let along = before.min(after);
    let angle = match turn {
        Turn::Straight => return along,
        Turn::Left | Turn::Right => std::f64::consts::FRAC_PI_2,
        Turn::UTurn => std::f64::consts::PI,
    };
    // Drawn networks have turns of no length; nobody drives those slower than this.
    const SLOWEST: f64 = 3.6;
    (5.5 * length / angle).sqrt().clamp(SLOWEST, along.max(SLOWEST))
}

/// The movements of a network as lines on a plane.
struct Drawn<'a> {
    network: &'a Network,
    junctions: &'a [Junction],
    plane: LocalPlane,
    /// Per movement, m.
    length: &'a [f64],
    lines: Vec<Vec<[f64; 2]>>,
}

impl Drawn<'_> {
    fn new<'a>(network: &'a Network, junctions: &'a [Junction], length: &'a [f64]) -> Drawn<'a> {
        let origin = network.nodes.first().map_or(model::geo::LonLat { lon: 0.0, lat: 0.0 }, |n| n.at);
        let plane = LocalPlane::around(origin);
        let line = |m: &model::network::Movement| -> Vec<[f64; 2]> {
            if m.shape.len() >= 2 {
                return m.shape.iter().map(|p| plane.to_metres(*p)).collect();
            }
            let (a, b) = (network.link(network.lane(m.from).link), network.link(network.lane(m.to).link));
            let ends = [a.shape.last(), b.shape.first()];
            ends.into_iter().flatten().map(|p| plane.to_metres(*p)).collect()
        };
        let lines = network.movements.iter().map(line).collect();
        Drawn { network, junctions, plane, length, lines }
    }

    fn conflict(&self, a: usize, b: MovementIx) -> Conflict {
        let (ours, theirs) = (&self.network.movements[a], self.network.movement(b));
        let joins = ours.to == theirs.to;
        let (share, foe_share, apart) =
            if joins { (1.0, 1.0, 0.0) } else { meeting(&self.lines[a], &self.lines[b.ix()]) };
        let (at, foe_at) = (share * self.length[a], foe_share * self.length[b.ix()]);
        Conflict {
            foe: b.0,
            stop_at: at - CLEAR_BEFORE,
            foe_enters: foe_at - CLEAR_BEFORE,
            foe_clears: foe_at + CLEAR_AFTER,
            joins,
            touches: apart < TOUCHES,
            yields: ours.yields_to.contains(&b),
            foe_yields: theirs.yields_to.contains(&MovementIx(a as u32)),
            together: together(self.junctions, ours.head, theirs.head),
        }
    }

    /// Every movement's conflicts.
    fn conflicts(&self) -> Vec<Vec<Conflict>> {
        let of = |(a, m): (usize, &model::network::Movement)| {
            // Some sources list a foe only under the one that gives way.
            let mut foes: Vec<MovementIx> = m.crosses.iter().chain(&m.yields_to).copied().collect();
            foes.sort();
            foes.dedup();
            let ours = |b: &MovementIx| b.ix() != a && self.network.movement(*b).from != m.from;
            foes.into_iter().filter(ours).map(|b| self.conflict(a, b)).collect()
        };
        self.network.movements.iter().enumerate().map(of).collect()
    }

    /// The crossings that every movement meets: those over the road that it leaves, at its start, and over the one that it
    /// enters, at its end.
    fn meetings(&self) -> Vec<Vec<Meeting>> {
        let mut all = vec![Vec::new(); self.lines.len()];
        if self.network.crossings.is_empty() {
            return all;
        }
        let link_of = |lane: LaneIx| self.network.lane(lane).link;
        for (k, crossing) in (0..).zip(&self.network.crossings) {
            let line: Vec<[f64; 2]> = crossing.shape.iter().map(|p| self.plane.to_metres(*p)).collect();
            for (m, movement) in self.network.movements.iter().enumerate() {
                let (a, b) = (link_of(movement.from), link_of(movement.to));
                let here = self.network.link(a).to == crossing.node;
                if !here || !crossing.links.iter().any(|l| *l == a || *l == b) {
                    continue;
                }
                let (share, across, _) = meeting(&self.lines[m], &line);
                let (at, half) = (share * self.length[m], crossing.width_m / 2.0);
                let across = across * crossing.length_m;
                all[m].push(Meeting {
                    crossing: k,
                    stop_at: at - half - BEFORE_CROSSING,
                    clear_at: at + half,
                    from: across - IN_THE_LANE,
                    to: across + IN_THE_LANE,
                });
            }
        }
        all
    }

    /// Every movement's siblings.
    fn siblings(&self, leaving: &[Range<u32>]) -> Vec<Vec<Sibling>> {
        let parts_at = |a: u32, b: u32| {
            let (a, b) = (a as usize, b as usize);
            parting(&self.lines[a], &self.lines[b]) * self.length[a]
        };
        let of = |(a, m): (u32, &model::network::Movement)| {
            let others = leaving[m.from.ix()].clone().filter(|b| *b != a);
            others
                .map(|b| Sibling { other: b, parts_at: parts_at(a, b), other_parts_at: parts_at(b, a) })
                .collect()
        };
        (0..).zip(&self.network.movements).map(of).collect()
    }
}

/// From which share of its length on line `a` stays clear of line `b`, which begins where it does.
fn parting(a: &[[f64; 2]], b: &[[f64; 2]]) -> f64 {
    let along = stations(a);
    let total = along.last().copied().unwrap_or(0.0);
    if total < SHORTEST || b.len() < 2 {
        return 1.0;
    }
    let near = |p: [f64; 2]| b.windows(2).any(|w| distance(p, w[0], w[1]) < APART);
    let mut at = 0.0;
    while at < total && near(place(a, &along, at)) {
        at += PARTING_STEP;
    }
    (at / total).min(1.0)
}

/// The place so many metres along a line.
fn place(line: &[[f64; 2]], along: &[f64], at: f64) -> [f64; 2] {
    let k = along.partition_point(|s| *s <= at).clamp(1, line.len() - 1);
    let (p, q) = (line[k - 1], line[k]);
    let t = (at - along[k - 1]) / (along[k] - along[k - 1]).max(1e-9);
    [p[0] + t * (q[0] - p[0]), p[1] + t * (q[1] - p[1])]
}

/// From a point to the piece of a line between two others.
fn distance(p: [f64; 2], a: [f64; 2], b: [f64; 2]) -> f64 {
    let (d, e) = ([b[0] - a[0], b[1] - a[1]], [p[0] - a[0], p[1] - a[1]]);
    let t = ((d[0] * e[0] + d[1] * e[1]) / (d[0] * d[0] + d[1] * d[1]).max(1e-9)).clamp(0.0, 1.0);
    (e[0] - t * d[0]).hypot(e[1] - t * d[1])
}

/// Where two lines cross, as shares of their lengths; where they come closest, if they do not. And how far
/// apart they are there, m.
fn meeting(a: &[[f64; 2]], b: &[[f64; 2]]) -> (f64, f64, f64) {
    let (along_a, along_b) = (stations(a), stations(b));
    let (total_a, total_b) = (along_a.last().copied().unwrap_or(0.0), along_b.last().copied().unwrap_or(0.0));
    if total_a < SHORTEST || total_b < SHORTEST {
        return (0.5, 0.5, 0.0);
    }
    for (i, p) in a.windows(2).enumerate() {
        for (k, q) in b.windows(2).enumerate() {
            if let Some((s, t)) = crossing(p[0], p[1], q[0], q[1]) {
                let at_a = along_a[i] + s * (along_a[i + 1] - along_a[i]);
                let at_b = along_b[k] + t * (along_b[k + 1] - along_b[k]);
                return (at_a / total_a, at_b / total_b, 0.0);
            }
        }
    }
    let mut closest = (f64::INFINITY, 0.5, 0.5);
    for (i, p) in a.iter().enumerate() {
        for (k, q) in b.iter().enumerate() {
            let d = (p[0] - q[0]).powi(2) + (p[1] - q[1]).powi(2);
            if d < closest.0 {
                closest = (d, along_a[i] / total_a, along_b[k] / total_b);
            }
        }
    }
    (closest.1, closest.2, closest.0.sqrt())
}

fn stations(line: &[[f64; 2]]) -> Vec<f64> {
    let mut along = vec![0.0];
    for w in line.windows(2) {
        along.push(along[along.len() - 1] + (w[1][0] - w[0][0]).hypot(w[1][1] - w[0][1]));
    }
    along
}

/// Shares along `p0 p1` and `q0 q1` at which the two pieces cross.
fn crossing(p0: [f64; 2], p1: [f64; 2], q0: [f64; 2], q1: [f64; 2]) -> Option<(f64, f64)> {
    let (r, s) = ([p1[0] - p0[0], p1[1] - p0[1]], [q1[0] - q0[0], q1[1] - q0[1]]);
    let cross = r[0] * s[1] - r[1] * s[0];
    if cross.abs() < 1e-9 {
        return None;
    }
    let d = [q0[0] - p0[0], q0[1] - p0[1]];
    let (t, u) = ((d[0] * s[1] - d[1] * s[0]) / cross, (d[0] * r[1] - d[1] * r[0]) / cross);
    ((0.0..=1.0).contains(&t) && (0.0..=1.0).contains(&u)).then_some((t, u))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_meet_where_they_cross_or_come_closest() {
        let check = |a: &[[f64; 2]], b: &[[f64; 2]], want: (f64, f64, f64)| {
            let got = meeting(a, b);
            assert!(
                (got.0 - want.0).abs() < 1e-9
                    && (got.1 - want.1).abs() < 1e-9
                    && (got.2 - want.2).abs() < 1e-9,
                "{a:?} {b:?}: {got:?}"
            );
        };
        check(&[[0.0, 0.0], [10.0, 0.0]], &[[5.0, -5.0], [5.0, 5.0]], (0.5, 0.5, 0.0));
        check(&[[0.0, 0.0], [4.0, 0.0], [4.0, 4.0]], &[[0.0, 3.0], [8.0, 3.0]], (7.0 / 8.0, 0.5, 0.0));
        check(&[[0.0, 0.0], [10.0, 0.0]], &[[10.0, 1.0], [20.0, 5.0]], (1.0, 0.0, 1.0));
        check(&[[0.0, 0.0], [0.0, 0.0]], &[[10.0, 1.0], [20.0, 5.0]], (0.5, 0.5, 0.0));
    }

    #[test]
    fn ways_part_where_they_are_apart() {
        let straight = [[0.0, 0.0], [20.0, 0.0]];
        // At 45 degrees: 2.5 m apart after 3.54 m.
        let aside = [[0.0, 0.0], [14.1, 14.1]];
        let at = parting(&aside, &straight) * 14.1 * 2.0_f64.sqrt();
        assert!((3.5..4.1).contains(&at), "parts after {at} m");
        assert_eq!(parting(&straight, &straight), 1.0, "never");
    }
}
