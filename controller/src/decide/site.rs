//! What a junction's data means for deciding: looked up once, so that a tick only adds numbers.

use super::adaptive::Layout;
use model::{
    city::City,
    detection::{Detector, DetectorKind},
    ids::{ChannelNumber, GroupNumber, JunctionIx, LaneIx, LinkIx, MovementIx, PlanNumber, StageNumber},
    network::{Head, MOST_PIECES, Movement},
    signal::{Junction, Plan, interstage::Interstage, webster},
    time::Tenths,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    time::Duration,
};

/// How far before the stop line a vehicle counts as one that the next seconds of green can serve, m. What an
/// area channel sees beyond it is left out of pressure: counting all 250 m lets a long approach starve short
/// ones (under SUMO on a small network: 17 s of delay with 100 m, gridlock with 250 m).
pub const NEAR_M: f64 = 100.0;

/// Road that a standing vehicle takes, gap included, m (HCM 2010, 31.2: 25 ft).
pub(crate) const SPACING_M: f64 = 7.5;

/// One junction, prepared.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    /// [`Junction::config_hash`].
    pub config_hash: u32,
    /// The plan that its cycle follows when nothing else is said: its own first plan, or Webster's with equal
    /// volumes when it has none.
    pub base: Plan,
    /// Area channels.
    pub areas: Vec<Area>,
    /// Lanes with loops.
    pub loops: Vec<LoopLane>,
    /// By group: every channel that calls it.
    pub callers: Vec<Vec<Caller>>,
    /// By stage: what each group's green is worth in it, group order (see [`worth`]).
    pub worth: Vec<Vec<f64>>,
    /// `ways[a][b]`: how long the interstage from stage `a + 1` to stage `b + 1` lasts.
    pub ways: Vec<Vec<Tenths>>,
    /// By group: vehicle lanes that it governs, for saturation flow.
    pub lanes: Vec<u16>,
    /// By detector: the channels that should have seen who comes over it.
    pub fellows: Vec<Vec<Fellow>>,
    /// By detector: the one that must agree with it on whether somebody stands at the line.
    pub partner: Vec<Option<usize>>,
    /// By detector: lanes that lead to it.
    pub led_to: Vec<u16>,
    /// By detector: the links that its traffic goes to.
    pub ahead: Vec<Vec<LinkIx>>,
    /// What the rolling horizon looks at.
    pub layout: Layout,
    /// Channel → place among the detectors, by channel.
    places: BTreeMap<ChannelNumber, usize>,
}

/// An area channel.
#[derive(Clone, Debug)]
pub(crate) struct Area {
    /// The channel.
    pub channel: ChannelNumber,
    /// Groups whose traffic it counts.
    pub groups: Vec<GroupNumber>,
    /// From when a vehicle comes into view to when it is within [`NEAR_M`] on an empty road.
    pub lag: Duration,
    /// How far it sees upstream, m: to the signal before, or as far as it can.
    pub view_m: f64,
    /// Vehicles that fit into [`NEAR_M`] of the lanes that it watches.
    pub room: f64,
    /// The stop-line loop of its lane, if no other area channel watches the lane: who crosses it left this view.
    pub stop_line: Option<ChannelNumber>,
    /// Where its traffic goes, if that is one link.
    pub downstream: Option<LinkIx>,
}

/// A lane that loops look at.
#[derive(Clone, Debug)]
pub(crate) struct LoopLane {
    pub groups: Vec<GroupNumber>,
    pub stop_line: Option<ChannelNumber>,
    pub advance: Option<ChannelNumber>,
    /// Places among [`Site::areas`] of the channels that watch it too; while one of them works, loops are not
    /// asked for the queue.
    pub areas: Vec<usize>,
}

fn loop_lanes(junction: &Junction) -> Vec<LoopLane> {
    let mut lanes: BTreeMap<LaneIx, LoopLane> = BTreeMap::new();
    for d in &junction.detectors {
        let Some(lane) = d.lane else { continue };
        let entry =
            || LoopLane { groups: d.groups.clone(), stop_line: None, advance: None, areas: Vec::new() };
        match d.kind {
            DetectorKind::StopLine => lanes.entry(lane).or_insert_with(entry).stop_line = Some(d.channel),
            DetectorKind::Advance => lanes.entry(lane).or_insert_with(entry).advance = Some(d.channel),
            DetectorKind::Area | DetectorKind::PushButton => (),
        }
    }
    let areas = junction.detectors.iter().filter(|d| d.kind == DetectorKind::Area);
    for (place, area) in areas.enumerate() {
        if let Some(lane) = area.lane.and_then(|lane| lanes.get_mut(&lane)) {
            lane.areas.push(place);
        }
    }
    lanes.into_values().collect()
}

/// A channel that calls a group.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    pub channel: ChannelNumber,
    pub kind: DetectorKind,
}

/// What a green is worth when several movements compete for the same seconds: one that goes without giving
/// way serves a full stream, one that must find gaps a part of it. The part is measured under SUMO: with 0.5
/// turners are left standing inside junctions, with 1 networks whose turners have stages of their own lose
/// (two small networks: 21 and 27 s of delay with 0.5, 23 and 20 with 0.7).
pub(crate) fn worth(junction: &Junction, stage: StageNumber) -> Vec<f64> {
    let Some(stage) = junction.stage(stage) else { return vec![0.0; junction.groups.len()] };
    let value = |g: GroupNumber| match (stage.has(g), stage.permissive.contains(&g)) {
        (false, _) => 0.0,
        (true, false) => 1.0,
        (true, true) => 0.7,
    };
    junction.groups.iter().map(|g| value(g.number)).collect()
}

/// A channel of the same lane, through which the same vehicles come.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Fellow {
    /// Its place among the junction's detectors.
    pub place: usize,
    /// Share of the lane's vehicles that it can be relied on to see.
    pub share: f32,
}

/// The channels that should have seen who comes over this one.
fn fellows(junction: &Junction, detector: &Detector) -> Vec<Fellow> {
    let on_lane = |d: &&Detector| d.lane.is_some() && d.lane == detector.lane;
    let areas = junction.detectors.iter().filter(on_lane).filter(|d| d.kind == DetectorKind::Area).count();
    let share = |other: &Detector| match (detector.kind, other.kind) {
        // Of the movements of a shared lane one may have no traffic at all.
        (DetectorKind::StopLine, DetectorKind::Area) => (areas == 1).then_some(1.0),
        (DetectorKind::StopLine, DetectorKind::Advance) => Some(1.0),
        (DetectorKind::Advance, DetectorKind::StopLine) => Some(1.0),
        // Of those who come into view some change lanes.
        (DetectorKind::Area, DetectorKind::StopLine) => detector.head.is_none().then_some(0.5),
        _ => None,
    };
    let all = junction.detectors.iter().enumerate().filter(|(_, d)| on_lane(d));
    all.filter_map(|(place, other)| Some(Fellow { place, share: share(other)? })).collect()
}

/// The channel that must agree with one on whether somebody stands at the line: a camera and the loop there.
fn partner(junction: &Junction, detector: &Detector) -> Option<usize> {
    let other = match detector.kind {
        DetectorKind::Area => DetectorKind::StopLine,
        DetectorKind::StopLine => DetectorKind::Area,
        DetectorKind::Advance | DetectorKind::PushButton => return None,
    };
    let whole_lane = |d: &Detector| d.kind != DetectorKind::Area || d.head.is_none();
    let is = |d: &Detector| d.kind == other && d.lane.is_some() && d.lane == detector.lane && whole_lane(d);
    junction.detectors.iter().position(is)
}

/// Which way a road is followed.
#[derive(Clone, Copy)]
enum Way {
    Ahead,
    Behind,
}

/// What the road says that several junctions need.
pub(crate) struct Roads {
    by_lane: Vec<Range<u32>>,
    into_lane: Vec<Vec<MovementIx>>,
    /// By junction: the movements that its heads govern.
    governed: Vec<Vec<u32>>,
}

impl Roads {
    pub(crate) fn new(city: &City) -> Roads {
        let mut governed = vec![Vec::new(); city.junctions.len()];
        for (i, m) in city.network.movements.iter().enumerate() {
            if let Some(head) = m.head {
                governed[head.junction.ix()].push(i as u32);
            }
        }
        let into_lane = city.network.movements_into_lanes();
        Roads { by_lane: city.network.movements_by_lane(), into_lane, governed }
    }

    /// Movements under that junction's heads.
    pub(crate) fn governed(&self, junction: JunctionIx) -> impl Iterator<Item = u32> + '_ {
        self.governed[junction.ix()].iter().copied()
    }

    /// Where a loop lies (see [`Detector::lies`]).
    pub(crate) fn lies(&self, city: &City, detector: &Detector) -> Option<(LaneIx, f64)> {
        detector.lies(&city.network, &self.into_lane)
    }

    /// Movements that leave a lane.
    pub(crate) fn onward<'c>(&self, city: &'c City, lane: LaneIx) -> impl Iterator<Item = &'c Movement> {
        self.by_lane[lane.ix()].clone().map(|m| &city.network.movements[m as usize])
    }

    /// Movements that lead into a lane.
    pub(crate) fn before<'c>(&self, city: &'c City, lane: LaneIx) -> impl Iterator<Item = &'c Movement> {
        self.into_lane[lane.ix()].iter().map(|m| city.network.movement(*m))
    }

    /// See [`model::network::Network::queue_room_m`].
    pub(crate) fn room(&self, city: &City, lane: LaneIx) -> f64 {
        city.network.queue_room_m(&self.into_lane, lane)
    }

    /// From a lane's start along the one lane that continues it, to the next signal or fork, or until `limit_m` are reached: the
    /// last lane, and the metres.
    pub(crate) fn run_on(&self, city: &City, lane: LaneIx, limit_m: f64) -> (LaneIx, f64) {
        let network = &city.network;
        let mut here = lane;
        let mut run = network.lane(here).length_m;
        for _ in 0..MOST_PIECES {
            let onward = self.by_lane[here.ix()].clone();
            let [only] = &network.movements[onward.start as usize..onward.end as usize] else { break };
            if run >= limit_m || only.head.is_some() {
                break;
            }
            run += only.length_m + network.lane(only.to).length_m;
            here = only.to;
        }
        (here, run.min(limit_m))
    }

    /// The heads that a vehicle meets first after it has entered a lane's road, with the metres from the road's
    /// start to each stop line, nearest first, as far as `limit_m`.
    pub(crate) fn heads_ahead(&self, city: &City, lane: LaneIx, limit_m: f64) -> Vec<(Head, f64)> {
        self.heads_along(city, lane, limit_m, Way::Ahead)
    }

    /// The heads from which traffic comes into a lane's road, with the metres from each stop line to the road's end,
    /// nearest first, as far as `limit_m`.
    pub(crate) fn heads_behind(&self, city: &City, lane: LaneIx, limit_m: f64) -> Vec<(Head, f64)> {
        self.heads_along(city, lane, limit_m, Way::Behind)
    }

    fn heads_along(&self, city: &City, lane: LaneIx, limit_m: f64, way: Way) -> Vec<(Head, f64)> {
        let network = &city.network;
        let mut open: Vec<(LinkIx, f64)> = vec![(network.lane(lane).link, 0.0)];
        let mut seen = vec![network.lane(lane).link];
        let mut found: BTreeMap<Head, f64> = BTreeMap::new();
        while let Some((link, gone_m)) = open.pop() {
            for here in network.link(link).lane_ixs() {
                let through_m = gone_m + network.lane(here).length_m;
                let movements: Vec<&Movement> = match way {
                    Way::Ahead => self.onward(city, here).collect(),
                    Way::Behind => self.before(city, here).collect(),
                };
                for m in movements {
                    let across_m = through_m + m.length_m;
                    // A stop line lies at the beginning of the movement that it governs.
                    let (next, to_line_m) = match way {
                        Way::Ahead => (m.to, through_m),
                        Way::Behind => (m.from, across_m),
                    };
                    let next = network.lane(next).link;
                    if to_line_m > limit_m {
                        continue;
                    }
                    if let Some(head) = m.head {
                        let nearest = found.entry(head).or_insert(to_line_m);
                        *nearest = nearest.min(to_line_m);
                    } else if !seen.contains(&next) && seen.len() < MOST_PIECES {
                        seen.push(next);
                        open.push((next, across_m));
                    }
                }
            }
        }
        let mut found: Vec<(Head, f64)> = found.into_iter().collect();
        found.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        found
    }

    /// Metres from a lane's end back to the nearest signal upstream, at most `limit`.
    fn view(&self, city: &City, lane: LaneIx, limit: f64) -> f64 {
        let mut back = city.network.lane(lane).length_m;
        let mut here = lane;
        // The longest arm decides: what comes along a shorter one is near sooner, and then queues.
        for _ in 0..MOST_PIECES {
            if back >= limit {
                return limit;
            }
            let before = self.into_lane[here.ix()]
                .iter()
                .map(|&m| city.network.movement(m))
                .filter(|m| m.head.is_none())
                .max_by(|a, b| {
                    let length = |lane| city.network.lane(lane).length_m;
                    length(a.from).total_cmp(&length(b.from))
                });
            let Some(m) = before else { break };
            back += m.length_m + city.network.lane(m.from).length_m;
            here = m.from;
        }
        back.min(limit)
    }
}

impl Site {
    pub(crate) fn new(city: &City, ix: JunctionIx, roads: &Roads) -> Site {
        let junction = &city.junctions[ix.ix()];
        let network = &city.network;
        let mut callers = vec![Vec::new(); junction.groups.len()];
        let mut areas = Vec::new();
        let mut lanes = vec![Vec::<LaneIx>::new(); junction.groups.len()];
        for detector in &junction.detectors {
            for group in &detector.groups {
                let Some(place) = usize::from(group.0).checked_sub(1) else { continue };
                let Some(callers) = callers.get_mut(place) else { continue };
                callers.push(Caller { channel: detector.channel, kind: detector.kind });
                if let Some(lane) = detector.lane.filter(|l| !lanes[place].contains(l)) {
                    lanes[place].push(lane);
                }
            }
            if detector.kind != DetectorKind::Area {
                continue;
            }
            let lane = detector.lane.filter(|l| l.ix() < network.lanes.len());
            let (view_m, lag, downstream) = lane.map_or((0.0, Duration::ZERO, None), |lane| {
                let view = roads.view(city, lane, detector.length_m);
                let speed = network.lane(lane).speed_limit_mps.max(1.0);
                let lag = Duration::from_secs_f64((view - NEAR_M).max(0.0) / speed);
                let mine =
                    roads.by_lane[lane.ix()].clone().map(|m| &network.movements[m as usize]).filter(|m| {
                        m.head.is_some_and(|h| {
                            h.junction == ix
                                && detector
                                    .head
                                    .map_or(detector.groups.contains(&h.group), |head| head == h.index)
                        })
                    });
                let mut to: Vec<LinkIx> = mine.map(|m| network.lane(m.to).link).collect();
                to.dedup();
                (view, lag, (to.len() == 1).then(|| to[0]))
            });
            let same_lane = |kind| move |d: &&Detector| d.kind == kind && d.lane == detector.lane;
            let alone = junction.detectors.iter().filter(same_lane(DetectorKind::Area)).count() == 1;
            let at_line = junction.detectors.iter().find(same_lane(DetectorKind::StopLine));
            areas.push(Area {
                channel: detector.channel,
                groups: detector.groups.clone(),
                view_m,
                lag,
                room: NEAR_M / SPACING_M,
                stop_line: at_line.filter(|_| alone).map(|d| d.channel),
                downstream,
            });
        }
        let order: Vec<StageNumber> = junction.stages.iter().map(|s| s.number).collect();
        let base = junction
            .plans
            .first()
            .cloned()
            .unwrap_or_else(|| webster::plan(junction, PlanNumber(0), &order, &vec![0.0; order.len()]));
        let ways: Vec<Vec<Tenths>> = order
            .iter()
            .map(|&a| order.iter().map(|&b| Interstage::between(junction, a, b).duration).collect())
            .collect();
        let led_to = |detector: &Detector| {
            let mine = roads.governed(ix).map(|m| &network.movements[m as usize]);
            let mut from: Vec<LaneIx> = mine
                .filter(|m| detector.head.is_some() && m.head.map(|h| h.index) == detector.head)
                .map(|m| m.from)
                .collect();
            from.sort_unstable();
            from.dedup();
            from.len().max(1) as u16
        };
        let ahead = |detector: &Detector| {
            let own = |m: &&Movement| match detector.head {
                Some(head) => m.head.is_some_and(|h| h.index == head),
                None => Some(m.from) == detector.lane,
            };
            let mine = roads.governed(ix).map(|m| &network.movements[m as usize]).filter(own);
            mine.map(|m| network.lane(m.to).link).collect::<BTreeSet<_>>().into_iter().collect()
        };
        Site {
            config_hash: junction.config_hash(),
            base,
            areas,
            loops: loop_lanes(junction),
            callers,
            worth: order.iter().map(|&s| worth(junction, s)).collect(),
            layout: Layout::new(city, ix, roads, &ways),
            ways,
            lanes: lanes.iter().map(|l| l.len().max(1) as u16).collect(),
            fellows: junction.detectors.iter().map(|d| fellows(junction, d)).collect(),
            partner: junction.detectors.iter().map(|d| partner(junction, d)).collect(),
            led_to: junction.detectors.iter().map(led_to).collect(),
            ahead: junction.detectors.iter().map(ahead).collect(),
            places: junction.detectors.iter().enumerate().map(|(i, d)| (d.channel, i)).collect(),
        }
    }

    /// Where among the junction's detectors that channel stands.
    pub(crate) fn place(&self, channel: ChannelNumber) -> Option<usize> {
        self.places.get(&channel).copied()
    }

    /// The area channel of that number.
    pub(crate) fn area(&self, channel: ChannelNumber) -> Option<&Area> {
        self.areas.iter().find(|a| a.channel == channel)
    }

    /// How long the way from one stage to another lasts; zero for stages that do not exist.
    pub(crate) fn way(&self, from: StageNumber, to: StageNumber) -> Tenths {
        let place = |s: StageNumber| usize::from(s.0).checked_sub(1);
        place(from)
            .and_then(|a| self.ways.get(a))
            .zip(place(to))
            .and_then(|(row, b)| row.get(b))
            .copied()
            .unwrap_or(Tenths::ZERO)
    }
}
