//! Detectors: what stands where, and what one channel says of an interval.

use crate::{
    ids::{ChannelNumber, GroupNumber, LaneIx, MovementIx},
    network::{MOST_PIECES, Network, Turn},
};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// What a channel can see.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DetectorKind {
    /// A loop at the stop line.
    StopLine,
    /// A loop upstream, for gaps and arrivals.
    Advance,
    /// A camera or radar that watches the approach and counts, per movement or per lane, the vehicles that stand
    /// and those that come.
    Area,
    /// A push-button for people on foot.
    PushButton,
}

/// One detector channel of a junction.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Detector {
    /// Its number in the cabinet.
    pub channel: ChannelNumber,
    /// What it can see.
    pub kind: DetectorKind,
    /// The lane it watches; none for a push-button.
    pub lane: Option<LaneIx>,
    /// The signal groups it calls.
    pub groups: Vec<GroupNumber>,
    /// The head (see `network::Head::index`) whose movement an area channel counts; none counts all who come to
    /// the signal by its lane.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<u16>,
    /// From the stop line to its downstream edge, m; on a lane that is shorter than that, a loop lies farther back (see
    /// [`Detector::lies`]).
    pub distance_m: f64,
    /// Along the road, m; an area channel sees this far upstream, beyond its own lane where need be.
    pub length_m: f64,
}

impl Detector {
    /// Whether it follows the vehicles of that head one by one.
    pub fn follows(&self, head: u16) -> bool {
        self.kind == DetectorKind::Area && self.head == Some(head)
    }

    /// Where it begins: in its own lane or, if it is a loop and that lane is too short, in one that alone leads there; and how
    /// far before the end of that one, m. `into` is of [`Network::movements_into_lanes`].
    pub fn lies(&self, network: &Network, into: &[Vec<MovementIx>]) -> Option<(LaneIx, f64)> {
        let lane = self.lane.filter(|lane| lane.ix() < network.lanes.len())?;
        if self.kind == DetectorKind::Area {
            return Some((lane, self.distance_m));
        }
        let back = || std::iter::once((lane, 0.0)).chain(before(network, into, lane));
        let fits = |&(lane, end_m): &(LaneIx, f64)| {
            end_m + network.lane(lane).length_m >= self.distance_m + self.length_m
        };
        let (lane, end_m) = back().find(fits).or_else(|| back().last())?;
        let most_m = (network.lane(lane).length_m - self.length_m).max(0.0);
        Some((lane, (self.distance_m - end_m).clamp(0.0, most_m)))
    }
}

/// What one channel said of one interval. Absent values were not measured, which is not the same as zero.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Reading {
    /// Vehicles that came in.
    pub count: u16,
    /// Share of the time that it was covered, 0 to 1.
    pub occupancy: f32,
    /// Mean speed, m/s; of an area channel, of those in view.
    pub speed_mps: Option<f32>,
    /// Covered (or pressed) at the end of the interval.
    pub occupied: bool,
    /// Vehicles that stand, at the end of the interval (area channels).
    pub queue: Option<u16>,
    /// All vehicles in view, standing or moving, at the end of the interval (area channels).
    pub vehicles: Option<u16>,
    /// The channel says of itself that it is broken.
    pub fault: bool,
}

/// A vehicle that an area channel follows. Integers, because registers carry them; ordered by distance.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Sighting {
    /// From its front to the stop line, 0.1 m; negative once it is over the line, until it has left the junction.
    pub distance_dm: i16,
    /// Its speed, 0.01 m/s.
    pub speed_cmps: u16,
    /// Bumper to bumper, 0.1 m.
    pub length_dm: u16,
}

impl Sighting {
    /// Rounds to what registers can hold.
    pub fn new(distance_m: f64, speed_mps: f64, length_m: f64) -> Sighting {
        let rounded = |value: f64| value.round() as u16;
        Sighting {
            distance_dm: (distance_m * 10.0).round() as i16,
            speed_cmps: rounded(speed_mps * 100.0),
            length_dm: rounded(length_m * 10.0),
        }
    }
}

/// How far an area channel sees, m: what a camera on a mast resolves, and what published learners assume.
pub const AREA_VIEW_M: f64 = 250.0;
/// How far a camera at the stop line can tell lanes apart, m.
pub const LANE_VIEW_M: f64 = 100.0;
/// Where an advance loop lies before the stop line, m, if the lane is long enough. Seven seconds ahead are worth more to adaptive
/// control than a queue that is counted more exactly: a saturated network had 761 s of delay with 50 m, and 653 s with this.
pub const ADVANCE_M: f64 = 100.0;
/// Length of a loop along the road, m.
pub const LOOP_M: f64 = 2.0;
/// Most channels that one cabinet has room for.
pub const MOST_CHANNELS: usize = 120;

/// A lane shorter than this has no stop-line loop of its own: whoever stops at its end stands on the lane before, m.
const SHORTEST_WITH_STOP_LINE_M: f64 = 5.0;
/// On a lane shorter than this an advance loop would lie under the queue of one car, m.
const SHORTEST_WITH_ADVANCE_M: f64 = 10.0;

/// Loops upstream that lie nearer than this say little of who comes, m.
const SHORTEST_ROW_M: f64 = 30.0;

/// The lanes that alone lead to a lane, nearest first, each with the metres from its end to that lane's. A map cuts the last
/// metres before a stop line into pieces; what is behind a signal, or where several roads meet, is another road, and at the
/// end of a network only the road back leads into one.
fn before<'a>(
    network: &'a Network,
    into: &'a [Vec<MovementIx>],
    lane: LaneIx,
) -> impl Iterator<Item = (LaneIx, f64)> + 'a {
    let step = move |&(here, end_m): &(LaneIx, f64)| {
        let [before] = into[here.ix()][..] else { return None };
        let before = network.movement(before);
        let end_m = end_m + network.lane(here).length_m + before.length_m;
        let goes_on = before.head.is_none() && before.turn != Turn::UTurn;
        goes_on.then_some((before.from, end_m))
    };
    std::iter::successors(step(&(lane, 0.0)), step).take(MOST_PIECES)
}

/// How far before the stop line a loop of a lane can lie, m: where it is wanted, if the road goes so far without a fork, or else
/// at the beginning of what is this lane's alone. But a lane too short for one shares a loop with those beside it.
fn loop_distance_m(network: &Network, roads: &Joins, lane: LaneIx, kind: DetectorKind) -> f64 {
    let (wanted_m, shortest_m) = match kind {
        DetectorKind::Advance => (ADVANCE_M, SHORTEST_WITH_ADVANCE_M),
        _ => (0.0, SHORTEST_WITH_STOP_LINE_M),
    };
    let enough_m = shortest_m.max(wanted_m + LOOP_M);
    let mut reach_m = network.lane(lane).length_m;
    let mut nearest_m = 0.0;
    for (before, end_m) in before(network, &roads.into, lane) {
        let forks = roads.onward[before.ix()].len() > 1;
        if reach_m >= enough_m || forks && reach_m >= shortest_m {
            break;
        }
        if reach_m < shortest_m {
            nearest_m = end_m;
        }
        reach_m = end_m + network.lane(before).length_m;
        if forks {
            break;
        }
    }
    wanted_m.max(nearest_m).min((reach_m - LOOP_M).max(0.0))
}

/// How the lanes of a network hang together.
struct Joins {
    into: Vec<Vec<MovementIx>>,
    onward: Vec<Range<u32>>,
}

/// What the junctions of a city are equipped with. Every tier has a push-button for each pedestrian group.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// Cameras or radars that follow each vehicle over [`AREA_VIEW_M`] and count by movement, a loop at the stop
    /// line and one upstream.
    #[default]
    Full,
    /// Cameras that count by lane over [`LANE_VIEW_M`], and a loop at the stop line.
    Lane,
    /// A loop at the stop line and one upstream, for each lane.
    Loops,
}

/// Gives every junction that has no detectors those of a tier. Where a cabinet has no room for all, the loops that
/// lie farthest out are left away first.
pub fn equip(city: &mut crate::city::City, tier: Tier) {
    let network = &city.network;
    let roads = &Joins { into: network.movements_into_lanes(), onward: network.movements_by_lane() };
    let mut heads = vec![Vec::new(); city.junctions.len()];
    for movement in &network.movements {
        if let Some(head) = movement.head {
            heads[head.junction.ix()].push((head.index, head.group, movement.from));
        }
    }
    for (junction, mut heads) in city.junctions.iter_mut().zip(heads) {
        if !junction.detectors.is_empty() {
            continue;
        }
        heads.sort();
        let mut lanes: Vec<(LaneIx, Vec<GroupNumber>)> = Vec::new();
        for &(_, group, lane) in &heads {
            match lanes.iter_mut().find(|(at, _)| *at == lane) {
                Some((_, groups)) if groups.contains(&group) => {}
                Some((_, groups)) => groups.push(group),
                None => lanes.push((lane, vec![group])),
            }
        }
        let on_lane = |kind, lane: LaneIx, groups: &[GroupNumber], distance_m: f64, length_m: f64| Detector {
            channel: ChannelNumber(0),
            kind,
            lane: Some(lane),
            groups: groups.to_vec(),
            head: None,
            distance_m,
            length_m,
        };
        let pedestrians = junction.groups.iter().filter(|g| g.kind == crate::signal::GroupKind::Pedestrians);
        let buttons = pedestrians.map(|g| Detector {
            channel: ChannelNumber(0),
            kind: DetectorKind::PushButton,
            lane: None,
            groups: vec![g.number],
            head: None,
            distance_m: 0.0,
            length_m: 0.0,
        });
        // Several movements may share a head; one channel counts for all of them.
        let mut movements = heads.clone();
        movements.dedup_by_key(|(index, ..)| *index);
        let movements = movements.into_iter().map(|(index, group, lane)| Detector {
            head: Some(index),
            ..on_lane(DetectorKind::Area, lane, &[group], 0.0, AREA_VIEW_M)
        });
        let by_lane = |kind, length_m| {
            lanes.iter().map(move |(lane, groups)| on_lane(kind, *lane, groups, 0.0, length_m))
        };
        // In a row across the road, since whoever changes lanes between two rows is counted in both; but a lane in which a loop can
        // only lie where a queue soon covers it does not keep those beside it from seeing farther.
        let row_m = |kind, lane: LaneIx| {
            let beside =
                lanes.iter().filter(|(other, _)| network.lane(*other).link == network.lane(lane).link);
            let distances_m = beside.map(|(lane, _)| loop_distance_m(network, roads, *lane, kind));
            let row_m = distances_m.filter(|m| *m >= SHORTEST_ROW_M).fold(f64::INFINITY, f64::min);
            row_m.min(loop_distance_m(network, roads, lane, kind))
        };
        let loops = |kind| {
            let row_m = &row_m;
            let lane = move |(lane, groups): &(LaneIx, Vec<GroupNumber>)| {
                on_lane(kind, *lane, groups, row_m(kind, *lane), LOOP_M)
            };
            lanes.iter().map(lane)
        };
        let stop_lines = loops(DetectorKind::StopLine);
        let advances = loops(DetectorKind::Advance);
        let mut all: Vec<Detector> = match tier {
            Tier::Full => buttons.chain(movements).chain(stop_lines).chain(advances).collect(),
            Tier::Lane => buttons.chain(by_lane(DetectorKind::Area, LANE_VIEW_M)).chain(stop_lines).collect(),
            Tier::Loops => buttons.chain(stop_lines).chain(advances).collect(),
        };
        all.truncate(MOST_CHANNELS);
        for (detector, number) in all.iter_mut().zip(1..) {
            detector.channel = ChannelNumber(number);
        }
        junction.detectors = all;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CROSS: &str = "
        N
        |
        |
        |
W-------C---E
        |
        |
        |
        S";

    /// How many channels of each kind a crossing gets, in the order of their numbers.
    fn check(tier: Tier, expected: &str) {
        let mut city = crate::sketch::city(CROSS, "C");
        city.junctions[0].detectors.clear();
        equip(&mut city, tier);
        let detectors = &city.junctions[0].detectors;
        let mut kinds: Vec<(String, u16)> = Vec::new();
        for d in detectors {
            let counts = if d.head.is_some() { " by movement" } else { "" };
            let kind = format!("{:?} over {} m{counts}", d.kind, d.length_m);
            match kinds.last_mut() {
                Some((last, n)) if *last == kind => *n += 1,
                _ => kinds.push((kind, 1)),
            }
        }
        let said: Vec<String> = kinds.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
        assert_eq!(said.join(", "), expected);
        assert!(detectors.iter().zip(1..).all(|(d, n)| d.channel == ChannelNumber(n)));
        assert_eq!(city.faults(), Vec::<String>::new());
    }

    #[test]
    fn each_tier_sees_what_it_says() {
        check(
            Tier::Full,
            "4 PushButton over 0 m, 12 Area over 250 m by movement, 4 StopLine over 2 m, 4 Advance over 2 m",
        );
        check(Tier::Lane, "4 PushButton over 0 m, 4 Area over 100 m, 4 StopLine over 2 m");
        check(Tier::Loops, "4 PushButton over 0 m, 4 StopLine over 2 m, 4 Advance over 2 m");
    }

    /// Where the loop upstream lies on the road from the west: the link, and metres before its end.
    #[track_caller]
    fn check_advance(drawing: &str, expected: (&str, f64)) {
        let mut city = crate::sketch::city(drawing, "C");
        city.junctions[0].detectors.clear();
        equip(&mut city, Tier::Loops);
        let network = &city.network;
        let into = network.movements_into_lanes();
        let last = crate::sketch::link(network, if drawing.contains('M') { "MC" } else { "WC" });
        let mut loops = city.junctions[0].detectors.iter().filter(|d| d.kind == DetectorKind::Advance);
        let found = loops.find(|d| network.lane(d.lane.unwrap()).link == last).expect("a loop");
        let (lane, before_end_m) = found.lies(network, &into).unwrap();
        let link = crate::sketch::link(network, expected.0);
        assert_eq!((network.lane(lane).link, before_end_m.round()), (link, expected.1), "{found:?}");
    }

    #[test]
    fn a_loop_upstream_lies_beyond_a_road_in_pieces() {
        check_advance("W--------------C------E", ("WC", 100.0));
        check_advance("W----------M---C------E", ("WM", 60.0));
        check_advance("W---M---C------E", ("WM", 38.0));
    }

    #[test]
    fn a_loop_upstream_stays_behind_a_fork() {
        check_advance(
            "
      N
      |
W-----M---C------E",
            ("MC", 32.0),
        );
    }
}
