//! What is coming: from readings to vehicles with their free arrivals at the stop lines, and from those to the
//! [`Situation`] that the search takes.

use super::{
    Memory,
    believed::Believed,
    close, drift, is_go,
    layout::{Approach, Head, Sees, Sight},
    search::{
        Aspect, HeadWanted, MOST_LANES, MOST_OUTS, MOST_STAGES, NO_OUT, Queue, Room, Situation, Tuning,
        Vehicle,
    },
    upstream::Upstream,
};
use crate::{
    coordinator::ChannelLive,
    decide::{Problem, site::SPACING_M},
};
use model::{
    detection::Sighting,
    ids::{ChannelNumber, GroupNumber, StageNumber},
    signal::GroupKind,
    time::Moment,
};
use std::cmp::Reverse;

/// Acceleration of a car and of something longer, m/s².
const ACCELERATION: [f32; 2] = [2.6, 1.3];
/// Longer than this is not a car, m.
const LONG_M: f32 = 8.5;
/// Saturation headways of a lane lie within these, s (HCM 2010, 31.2).
const HEADWAYS_S: [f32; 2] = [1.6, 3.0];
/// A car with the length that headways are stated for, the longest that still counts as one, and the further length
/// that takes another headway, m.
pub(super) const CAR_M: f32 = 5.0;
const VAN_M: f32 = 6.5;
const PER_HEADWAY_M: f32 = 15.0;
/// A receiving lane shorter than this is full as soon as one stands in it, m.
const SHORT_M: f32 = 20.0;
/// Longer than this, and standing alone, is a bus at its stop, m.
const BUS_M: f32 = 9.0;
/// From this share of the speed limit on, somebody drives as they like; and what drivers like on average.
const CRUISE: f32 = 0.8;
const FREE: f32 = 0.94;
/// Slower than this has stopped, and slower than the second has no speed left to lose, m/s.
const STOPPED_MPS: f32 = 0.1;
pub(super) const SLOW_MPS: f32 = 0.5;
/// Slower than this in the middle of a junction, it waits there, m/s.
pub(super) const HELD_MPS: f32 = 2.5;
/// Somebody who goes first and is this near leaves no gap, s.
const GAP_S: f32 = 3.0;
/// Nobody ahead for so long a way: whoever stands here does not stand in a queue, m.
const ALONE_M: f32 = 15.0;
/// Detectors that see farther tell enough of who comes; what signals before sent is guesswork beside that, m.
const SHORT_VIEW_M: f32 = 80.0;
/// Nearer than this to the line, somebody is seen to wait there, m.
const AT_LINE_M: f32 = 15.0;
/// A stop line covered for so long is waited at, s.
const COVERED_S: u64 = 10;
/// Detectors that have told nothing new for so long may be broken, s.
pub(super) const QUIET_S: u64 = 300;
/// After so long a red a green is due then, s; twice as long for each that was in vain, up to so many. It is dear: tried
/// every 90 s it cost a network 6 % of its delay.
const UNPROVEN_S: u16 = 900;
const MOST_IN_VAIN: u8 = 2;
/// Most vehicles of one lane that matter to half a minute.
const MOST_IN_LANE: usize = 60;
/// So many crossings are looked at in one search.
const MOST_ON_FOOT: usize = 12;
/// A loop covered for such a share of the last interval has a queue standing on it, which goes on behind it by this, dm.
const COVERED: f32 = 0.99;
const BEHIND_DM: f32 = 150.0;
/// A receiving lane with room for more than this does not bind, vehicles.
const AMPLE: f32 = 8.0;
/// A road between two lines of the signal empties so quickly once it is let out that it keeps nobody back, vehicles a second.
const IN_GREEN: f32 = 1.0;

/// A lane and those on their way to its stop line, nearest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Lane {
    pub vehicles: Vec<Seen>,
    /// Those that have passed the line and are still inside the junction.
    pub inside: Vec<Seen>,
}

/// A vehicle as it was seen or is thought to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub head: u16,
    pub distance_m: f32,
    pub speed_mps: f32,
    pub length_m: f32,
    /// How likely it is that it comes, 0 to 1.
    pub likely: f32,
}

impl Seen {
    pub(super) fn stopped(&self) -> bool {
        self.speed_mps < STOPPED_MPS
    }

    /// Whether it comes too soon for somebody in the middle to turn before it.
    pub(super) fn leaves_no_gap(&self, limit_mps: f32) -> bool {
        self.arrives_s(limit_mps) < GAP_S
    }

    /// The way over which it stops.
    pub(super) fn stops_over_m(&self, brakes_mps2: f32) -> f32 {
        self.speed_mps * self.speed_mps / (2.0 * brakes_mps2)
    }

    /// Whether it goes on if amber comes now: it could stop only by braking harder (Gazis, Herman and Maradudin 1960). Half a second of its way is
    /// off, since drivers are taken to look up once a second; who is counted in and stops after all waits for a whole red.
    fn passes(&self, brakes_mps2: f32) -> bool {
        self.distance_m < self.stops_over_m(brakes_mps2) - self.speed_mps / 2.0
    }

    /// Seconds to the stop line if nothing holds it from now on. Whoever drives at about the limit goes on as they do: some
    /// like it slower, and nobody keeps to the very limit. Measured under SUMO on five networks, from 150 m: no bias and a
    /// spread of at most 0.8 s, where the limit for everybody is 0.6 to 1.2 s early and spreads by up to 1.5 s. Others get up to
    /// speed.
    pub(super) fn arrives_s(&self, limit_mps: f32) -> f32 {
        let (d, v) = (self.distance_m.max(0.0), self.speed_mps);
        let a = ACCELERATION[usize::from(self.length_m > LONG_M)];
        let top = if v >= CRUISE * limit_mps { v } else { FREE * limit_mps }.max(1.0);
        let until_top = (top - v) / a;
        let far = (v + top) / 2.0 * until_top;
        if far < d { until_top + (d - far) / top } else { ((v * v + 2.0 * a * d).sqrt() - v) / a }
    }
}

/// By approach lane of the layout: who is on the way. Followed one by one where a camera does that for every head of
/// the lane; believed from counts elsewhere.
///
/// [`Memory::follows`] remembers by head whether its channel has ever followed anybody: some only count.
pub(super) fn see(problem: &Problem, memory: &mut Memory) -> Vec<Lane> {
    let layout = &problem.site.layout;
    let sight = memory.sight(layout);
    let Memory { believed, drift, follows, unproven, upstream, sent, shares, .. } = memory;
    sent.clear();
    follows.resize(layout.heads.len(), false);
    let mut lanes = vec![Lane::default(); layout.lanes.len()];
    let mut blind = vec![false; layout.lanes.len()];
    for (index, head) in layout.heads.iter().enumerate() {
        let Some(head) = head else { continue };
        let working = head.channel.and_then(|c| problem.live.working(problem.now, c));
        follows[index] |= working.is_some_and(|c| !c.sightings.is_empty());
        let nobody = |c: &ChannelLive| c.last.vehicles.or(c.last.queue).unwrap_or(0) == 0;
        let Some(channel) = working.filter(|c| follows[index] || nobody(c)) else {
            blind[head.lane] = true;
            continue;
        };
        let seen = |s: &Sighting| Seen {
            head: index as u16,
            distance_m: f32::from(s.distance_dm) / 10.0,
            speed_mps: f32::from(s.speed_cmps) / 100.0,
            length_m: f32::from(s.length_dm) / 10.0,
            likely: 1.0,
        };
        let (inside, coming): (Vec<Seen>, Vec<Seen>) =
            channel.sightings.iter().map(seen).partition(|v| v.distance_m < 0.0);
        lanes[head.lane].vehicles.extend(coming);
        lanes[head.lane].inside.extend(inside);
    }
    if blind.contains(&true) {
        believed.resize(lanes.len(), Believed::default());
        let moved = drift::tick(problem, drift);
        for l in (0..lanes.len()).filter(|&l| blind[l]) {
            let mut one = std::mem::take(&mut believed[l]);
            let goes_first = |head: u16| {
                let own = layout.heads[usize::from(head)].as_ref();
                own.is_some_and(|own| {
                    own.yields_to.iter().any(|&first| {
                        let Some(other) = layout.heads[usize::from(first)].as_ref() else { return false };
                        let approach = &layout.lanes[other.lane];
                        is_go(problem, other.group)
                            && if blind[other.lane] {
                                believed[other.lane].is_near(problem.now, approach, first)
                            } else {
                                let near = |v: &Seen| v.head == first && v.leaves_no_gap(approach.speed_mps);
                                lanes[other.lane].vehicles.iter().any(near)
                            }
                    })
                })
            };
            let full = |head: u16| {
                let Some(head) = layout.heads[usize::from(head)].as_ref() else { return false };
                let there = |lane: usize, most_m: f32| match blind[lane] {
                    true => within(believed[lane].seen(problem.now, &layout.lanes[lane]), most_m),
                    false => within(lanes[lane].vehicles.iter().copied(), most_m),
                };
                let room = inner_room(problem, head, there, &[]).or_else(|| room(problem, head, sight, &[]));
                room.is_some_and(|room| room.free < 0.5)
            };
            one.tick(problem, &layout.lanes[l], moved[l], sent, goes_first, full);
            lanes[l].vehicles = one.seen(problem.now, &layout.lanes[l]).collect();
            lanes[l].inside = one.inside().collect();
            believed[l] = one;
        }
    }
    let crossed = |v: &&Seen| -v.distance_m <= v.speed_mps;
    for lane in (0..lanes.len()).filter(|&l| !blind[l]).map(|l| &lanes[l]) {
        sent.extend(lane.inside.iter().filter(crossed).map(|v| v.head));
    }
    if blind.contains(&true) {
        from_upstream(problem, believed, &blind, upstream, &mut lanes);
    }
    recall(problem, &mut lanes, unproven);
    shares.tick(problem, &lanes);
    close::hand_over(problem, shares, &mut lanes);
    for lane in &mut lanes {
        lane.vehicles.sort_by(|a, b| a.distance_m.total_cmp(&b.distance_m));
        lane.vehicles.truncate(MOST_IN_LANE);
    }
    lanes
}

/// Puts those on the lanes of which no camera sees much who come from other signals and are not in view yet.
fn from_upstream(
    problem: &Problem,
    believed: &[Believed],
    blind: &[bool],
    upstream: &mut Vec<Upstream>,
    lanes: &mut [Lane],
) {
    let layout = &problem.site.layout;
    upstream.resize(layout.inflows.len(), Upstream::default());
    let (view_m, came): (Vec<f32>, Vec<u16>) = believed.iter().map(Believed::edge).unzip();
    for (road, upstream) in layout.inflows.iter().zip(upstream) {
        if road.lanes.iter().all(|&l| blind[l] && view_m[l] < SHORT_VIEW_M) {
            upstream.tick(problem, road, &came, &view_m);
            let bound_for = |lane: usize, i: usize| believed[lane].bound_for(&layout.lanes[lane], i);
            upstream.hand_over(problem.now, road, lanes, &view_m, bound_for);
        }
    }
}

/// What is remembered of a head that may be red for somebody whom nobody sees.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Unproven {
    /// Seconds since it was green.
    red_s: u16,
    /// It was called because its detectors were quiet.
    called: bool,
    /// How often that was for nothing.
    in_vain: u8,
}

/// Nobody may wait for ever because nobody sees them. Somebody is taken to wait before a red head where the stop-line
/// loop is covered and no camera says by whom; and where it has been red for long and its detectors have told nothing
/// new for long, since that is also what broken ones do. The more often nobody came, the less often that is tried.
fn recall(problem: &Problem, lanes: &mut [Lane], unproven: &mut Vec<Unproven>) {
    let layout = &problem.site.layout;
    unproven.resize(layout.heads.len(), Unproven::default());
    let live = |c: ChannelNumber| problem.live.working(problem.now, c);
    let quiet_s = |c: &ChannelLive| c.quiet_s(problem.now);
    for (approach, lane) in layout.lanes.iter().zip(lanes) {
        let looks = approach.looks(layout).filter_map(live);
        let quiet = looks.map(quiet_s).min().is_none_or(|s| s >= QUIET_S);
        for &h in &approach.heads {
            let one = &mut unproven[usize::from(h)];
            if !layout.heads[usize::from(h)].as_ref().is_some_and(|h| is_go(problem, h.group)) {
                one.red_s = one.red_s.saturating_add(1);
                continue;
            }
            one.red_s = 0;
            one.in_vain = if quiet { one.in_vain.saturating_add(u8::from(one.called)) } else { 0 };
            one.called = false;
        }
        if lane.vehicles.iter().any(|v| v.distance_m < AT_LINE_M) {
            continue;
        }
        let longest = approach.heads.iter().max_by_key(|&&h| (unproven[usize::from(h)].red_s, Reverse(h)));
        let Some(&head) = longest.filter(|&&h| unproven[usize::from(h)].red_s > 0) else { continue };
        let one = &mut unproven[usize::from(head)];
        let on_line = approach.stop_line.filter(|_| !approach.shares_line).and_then(live);
        let covered = on_line.is_some_and(|c| c.last.occupied && quiet_s(c) >= COVERED_S);
        one.called = quiet && one.red_s >= UNPROVEN_S << one.in_vain.min(MOST_IN_VAIN);
        if covered || one.called {
            let (distance_m, speed_mps) = (1.0, 0.0);
            lane.vehicles.push(Seen { head, distance_m, speed_mps, length_m: CAR_M, likely: 1.0 });
        }
    }
}

/// How full the fullest lane is, 0 to 1.
fn fullness(problem: &Problem, lanes: &[Lane], place: usize) -> f32 {
    let standing = lanes[place].vehicles.iter().filter(|v| v.speed_mps < SLOW_MPS).count() as f32;
    (standing * SPACING_M as f32 / problem.site.layout.lanes[place].room_m).min(1.0)
}

/// Follows the saturation of a junction: once a second.
pub(super) fn smooth(problem: &Problem, lanes: &[Lane], saturation: &mut f32) {
    let fullest = (0..lanes.len()).map(|l| fullness(problem, lanes, l)).fold(0.0, f32::max);
    *saturation += (fullest - *saturation) / problem.tuning.gate_s.max(1.0);
}

/// How many cars' waiting that of a vehicle counts for.
fn worth(tuning: &Tuning, head: &Head, approach: &Approach, vehicle: &Seen) -> f32 {
    let mode = match head.kind {
        GroupKind::Cyclists => tuning.cyclists,
        GroupKind::Trams => tuning.transit,
        _ if vehicle.length_m > BUS_M => tuning.transit,
        _ => 1.0,
    };
    mode * if approach.side { tuning.side_streets } else { 1.0 }
}

/// What the search takes.
pub(super) fn situation(
    problem: &Problem,
    lanes: &[Lane],
    memory: &Memory,
    waiting: &[Option<Moment>],
    running: StageNumber,
    open: &[bool],
) -> Situation {
    let (layout, tuning) = (&problem.site.layout, problem.tuning);
    let mut s = Situation::default();
    let gate = memory.saturated(tuning);
    let calm = memory.saturation <= tuning.calm;
    // Heads by index, to their places.
    let mut place_of = vec![u8::MAX; layout.heads.len()];
    let mut wanted: Vec<u16> = Vec::new();
    let mut queue_of = vec![u8::MAX; layout.lanes.len()];
    let mut order: Vec<usize> = (0..lanes.len()).filter(|&l| !lanes[l].vehicles.is_empty()).collect();
    order.sort_by_key(|&l| Reverse(lanes[l].vehicles.len()));
    // People at a crossing stand in a queue of their own, which leaves at once.
    let on_foot: Vec<GroupNumber> = called_on_foot(problem, waiting).take(MOST_ON_FOOT).collect();
    order.truncate(MOST_LANES - on_foot.len());
    order.sort_unstable();
    for &l in &order {
        let (approach, lane) = (&layout.lanes[l], &lanes[l]);
        let price = fullness(problem, lanes, l) * gate;
        // From counts one cannot tell how many stood: headways learned from them are no headways.
        let follows = approach.heads.iter().any(|&h| memory.follows[usize::from(h)]);
        let from = s.vehicles.len();
        let mut latest: f32 = 0.0;
        let mut passes = follows && calm;
        for (i, v) in lane.vehicles.iter().enumerate() {
            let head =
                layout.heads[usize::from(v.head)].as_ref().expect("only heads with movements are seen");
            let place = &mut place_of[usize::from(v.head)];
            if *place == u8::MAX {
                *place = wanted.len() as u8;
                wanted.push(v.head);
            }
            let mut arrives = v.arrives_s(approach.speed_mps);
            let ahead = if i == 0 { v.distance_m } else { v.distance_m - lane.vehicles[i - 1].distance_m };
            if v.stopped() && v.length_m > BUS_M && ahead > ALONE_M {
                arrives += tuning.dwell_s;
            }
            latest = latest.max(arrives);
            passes &= v.passes(tuning.brakes_mps2);
            let assumed_s = (tuning.headway_s + head.slower_s).clamp(HEADWAYS_S[0], HEADWAYS_S[1]);
            let headway = if follows {
                memory.discharge[l].headway_s(assumed_s).clamp(HEADWAYS_S[0], HEADWAYS_S[1])
            } else {
                assumed_s
            };
            let long = if v.length_m > VAN_M { 1.0 + (v.length_m - CAR_M) / PER_HEADWAY_M } else { 1.0 };
            s.vehicles.push(Vehicle {
                arrives_s: latest,
                weight: (1.0 + tuning.storage * price) * worth(tuning, head, approach, v) * v.likely,
                headway_s: headway * long / head.lanes * v.likely,
                likely: v.likely,
                head: *place,
                stands: v.speed_mps < SLOW_MPS,
                passes,
            });
        }
        let first = layout.heads[usize::from(lane.vehicles[0].head)].as_ref();
        let flowing =
            first.is_some_and(|h| is_go(problem, h.group)) && problem.green_for().is_some_and(|g| g.0 > 0);
        queue_of[l] = s.queues.len() as u8;
        let to = s.vehicles.len() as u16;
        s.queues.push(Queue { from: from as u16, to, flowing, left: 1.0 + tuning.storage_left * price });
    }
    let place = |i: usize| (wanted.len() + i) as u8;
    for i in 0..on_foot.len() {
        let from = s.vehicles.len() as u16;
        let (weight, head) = (tuning.on_foot, place(i));
        s.vehicles.push(Vehicle {
            arrives_s: 0.0,
            weight,
            headway_s: 0.0,
            likely: 1.0,
            head,
            stands: true,
            passes: false,
        });
        s.queues.push(Queue { from, to: from + 1, flowing: false, left: 1.0 });
    }
    choose_stages(problem, memory, &wanted, &on_foot, running, open, &mut s);
    let mut out_of = vec![NO_OUT; layout.outs.len()];
    let sight = memory.sight(layout);
    let there = |lane: usize, most_m: f32| within(lanes[lane].vehicles.iter().copied(), most_m);
    for &index in &wanted {
        let head = layout.heads[usize::from(index)].as_ref().expect("wanted");
        let out = &mut out_of[head.out];
        if *out == NO_OUT
            && let Some(room) =
                inner_room(problem, head, there, &s.stages).or_else(|| room(problem, head, sight, &s.stages))
            && s.outs.len() < MOST_OUTS
        {
            *out = s.outs.len() as u8;
            s.outs.push(room);
        }
        let yields_to = head.yields_to.iter().filter_map(|&first| {
            let place = place_of[usize::from(first)];
            let lane = layout.heads[usize::from(first)].as_ref()?.lane;
            (place != u8::MAX).then_some((place, queue_of[lane]))
        });
        let yields_to = yields_to.filter(|(_, queue)| *queue != u8::MAX).collect();
        let shows = s.stages.iter().map(|&n| layout.shows[usize::from(n) - 1][usize::from(index)]).collect();
        s.heads.push(HeadWanted { out: out_of[head.out], yields_to, shows });
    }
    for &group in &on_foot {
        let shows = s.stages.iter().map(|&n| on_foot_in(problem, n, group)).collect();
        s.heads.push(HeadWanted { out: NO_OUT, yields_to: Vec::new(), shows });
    }
    s
}

/// Crossings where somebody has called and waits.
fn called_on_foot<'a>(
    problem: &'a Problem,
    waiting: &'a [Option<Moment>],
) -> impl Iterator<Item = GroupNumber> + 'a {
    let groups = problem.junction.groups.iter().zip(waiting);
    groups.filter(|(g, since)| g.kind == GroupKind::Pedestrians && since.is_some()).map(|(g, _)| g.number)
}

/// What people on foot see in a stage.
fn on_foot_in(problem: &Problem, stage: u16, group: GroupNumber) -> Aspect {
    let green = problem.junction.stage(StageNumber(stage)).is_some_and(|s| s.has(group));
    if green { Aspect::Green } else { Aspect::Red }
}

/// The running stage and those others that differ for somebody who is here, most wanted first.
fn choose_stages(
    problem: &Problem,
    memory: &Memory,
    wanted: &[u16],
    on_foot: &[GroupNumber],
    running: StageNumber,
    open: &[bool],
    s: &mut Situation,
) {
    let layout = &problem.site.layout;
    let row = |stage: usize| -> Vec<Aspect> {
        let driving = wanted.iter().map(|&h| layout.shows[stage][usize::from(h)]);
        driving.chain(on_foot.iter().map(|&g| on_foot_in(problem, stage as u16 + 1, g))).collect()
    };
    let mut load = vec![0.0; wanted.len() + on_foot.len()];
    for v in &s.vehicles {
        load[usize::from(v.head)] += v.weight * if v.arrives_s < 10.0 { 2.0 } else { 1.0 };
    }
    let mut seen = vec![row(usize::from(running.0) - 1)];
    let mut candidates: Vec<(f32, usize)> = Vec::new();
    // A stage that may be asked for now goes before its twin that may not.
    let mut places: Vec<usize> = (0..layout.shows.len()).collect();
    let sight = memory.sight(layout);
    places.retain(|&p| layout.considers(sight, problem.junction.stages[p].number));
    places.sort_by_key(|&p| !open[p]);
    for stage in places {
        let row = row(stage);
        if seen.contains(&row) || row.iter().all(|a| *a == Aspect::Red) {
            continue;
        }
        let served = row.iter().zip(&load).filter(|(a, _)| a.is_go()).map(|(_, load)| load).sum::<f32>();
        candidates.push((served, stage));
        seen.push(row);
    }
    candidates.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let most = usize::from(problem.tuning.stages).clamp(1, MOST_STAGES);
    let looked_at = std::iter::once(usize::from(running.0) - 1).chain(candidates.into_iter().map(|c| c.1));
    let looked_at: Vec<usize> = looked_at.take(most).collect();
    s.stages = looked_at.iter().map(|&p| p as u16 + 1).collect();
    s.min_green = looked_at.iter().map(|&p| layout.min_green[p]).collect();
    s.min_green[0] = 0;
    s.change = looked_at.iter().flat_map(|&a| looked_at.iter().map(move |&b| layout.change[a][b])).collect();
    s.open = looked_at.iter().map(|&p| open[p]).collect();
    s.open[0] = true;
}

/// How many of a lane's vehicles are no farther than this from its line.
fn within(vehicles: impl Iterator<Item = Seen>, most_m: f32) -> f32 {
    vehicles.filter(|v| v.distance_m <= most_m).map(|v| v.likely).sum()
}

/// What a road between two lines of the signal can take, if the head leads to one. It empties only in stages that let those on it go on.
/// `there` counts who is on a lane that near to its line.
fn inner_room(
    problem: &Problem,
    head: &Head,
    there: impl Fn(usize, f32) -> f32,
    stages: &[u16],
) -> Option<Room> {
    let layout = &problem.site.layout;
    let receiving = &layout.outs[head.out];
    let lane = receiving.inner?;
    let there = there(lane, receiving.room_m);
    let holds = (receiving.room_m / SPACING_M as f32).floor().max(1.0);
    let goes = |stage: &u16| {
        let shows = &layout.shows[usize::from(*stage) - 1];
        layout.lanes[lane].heads.iter().any(|&h| shows[usize::from(h)].is_go())
    };
    let open = stages.iter().map(goes).collect();
    Some(Room { free: (holds - there).max(0.0), holds, grows: IN_GREEN, open })
}

/// What a head's receiving lane can take, if anybody looks at it and it is not empty enough not to matter.
///
/// Where vehicles are followed, a short road whose far side is shut takes nobody, empty or not. When the search let one onto it, one hour in
/// twelve of a network of 21 junctions locked, and when it knew nothing of the far side, the network had 54 s of delay where it has 47.
/// Where they are counted, two hours of six locked with it and one without.
fn room(problem: &Problem, head: &Head, sight: Sight, stages: &[u16]) -> Option<Room> {
    let receiving = &problem.site.layout.outs[head.out];
    let (holds, grows) = (f32::MAX, problem.tuning.drain);
    let with = |free: f32| Room { free, holds, grows, open: vec![true; stages.len()] };
    if sight == Sight::Followed && close::shut(problem, head) {
        return Some(with(0.0));
    }
    let (mut there, mut stopped) = (0.0, false);
    for watcher in &receiving.seen_by {
        let live = problem.city_live.get(watcher.junction.ix())?;
        let channel = live.working(problem.now, watcher.channel)?;
        let back_dm = match watcher.sees {
            Sees::Vehicles => {
                for s in &channel.sightings {
                    // From its front to its back.
                    let to_dm = s.distance_dm.saturating_add_unsigned(s.length_dm);
                    if s.distance_dm <= watcher.to_dm && to_dm >= watcher.from_dm {
                        there += 1.0;
                        stopped |= f32::from(s.speed_cmps) / 100.0 < STOPPED_MPS;
                    }
                }
                continue;
            }
            Sees::Queue => f32::from(channel.last.queue.unwrap_or(0)) * SPACING_M as f32 * 10.0,
            Sees::Covered(at_dm) if channel.last.occupancy >= COVERED => f32::from(at_dm) + BEHIND_DM,
            Sees::Covered(_) => 0.0,
        };
        let here_dm = (back_dm.min(watcher.to_dm.into()) - f32::from(watcher.from_dm)).max(0.0);
        there += here_dm / 10.0 / SPACING_M as f32;
        stopped |= here_dm > 0.0;
    }
    if !stopped {
        return None;
    }
    let spacing = SPACING_M as f32;
    let free = (receiving.room_m - spacing * there / receiving.lanes).max(0.0) / spacing;
    let free = if receiving.room_m > SHORT_M { free } else { 0.0 };
    (free <= AMPLE).then(|| with(free))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A car at so many metres from the line on a street of 50 km/h.
    #[track_caller]
    fn check(distance_m: f32, speed_mps: f32, expected_s: f32) {
        let car = Seen { head: 0, distance_m, speed_mps, length_m: CAR_M, likely: 1.0 };
        let got = car.arrives_s(13.9);
        assert!((got - expected_s).abs() < 0.1, "{got} s from {distance_m} m at {speed_mps} m/s");
    }

    #[test]
    fn who_is_too_near_and_too_fast_to_stop_goes_on() {
        let goes_on = |distance_m: f32, speed_mps: f32| {
            Seen { head: 0, distance_m, speed_mps, length_m: CAR_M, likely: 1.0 }.passes(4.5)
        };
        // At 13.9 m/s, 4.5 m/s less each second: 9.4 + 4.9 + 0.4 m.
        assert!(goes_on(14.0, 13.9) && !goes_on(15.0, 13.9));
        assert!(goes_on(2.0, 8.0) && !goes_on(4.0, 8.0));
        assert!(!goes_on(0.5, 2.0), "the first of a queue that has just begun to move");
    }

    #[test]
    fn drivers_go_on_at_the_speed_that_they_like() {
        check(120.0, 12.0, 10.0);
        check(160.0, 16.0, 10.0);
        check(1.0, 0.0, 0.88);
        // From rest, 2.6 m/s² up to 94 % of the limit: 5.0 s and 32.8 m, and the rest at 13.07 m/s.
        check(150.0, 0.0, 14.0);
    }
}
