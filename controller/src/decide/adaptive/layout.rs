//! What the search needs of a junction that never changes: looked up once, so that a second only fills in traffic.

use super::search::{Aspect, NEVER};
use crate::decide::site::{Roads, SPACING_M};
use model::{
    city::City,
    detection::DetectorKind,
    ids::{ChannelNumber, GroupNumber, JunctionIx, LaneIx, LinkIx, StageNumber},
    network::{Head as NetworkHead, Movement, RoadClass},
    signal::{GroupKind, Junction, Stage, further::SHORT_APPROACH_M},
    time::Tenths,
};
use std::{collections::BTreeMap, ops::Range};

/// A queue is followed back from the stop line as far as this, m.
pub(super) const LONGEST_QUEUE_M: f64 = 250.0;
/// Whoever comes from farther away is not foreseen, m.
const LONGEST_WAY_M: f64 = 500.0;
/// On an approach that has more room than this, m, those who will come within half a minute have mostly crossed the line before.
const NEAR_APPROACH_M: f64 = 100.0;
/// The price of a full lane is not taken of less than four vehicles, m.
const SHORTEST_QUEUE_M: f64 = 30.0;
/// A receiving lane is looked at as far as this beyond the junction, m: eight vehicles, as many as one green sends
/// into it before the picture is a new one.
const RECEIVING_M: f64 = 60.0;
/// Nobody is slower than this through the sharpest turn, m/s.
const SLOWEST_TURN_MPS: f64 = 3.0;
/// Speed at which a saturation headway is stated, m/s (50 km/h).
const HEADWAY_SPEED_MPS: f64 = 13.9;

/// A junction, prepared.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// By head index; `None` for a head that governs no movement of vehicles.
    pub heads: Vec<Option<Head>>,
    /// Approach lanes, in network order.
    pub lanes: Vec<Approach>,
    pub outs: Vec<Receiving>,
    /// By road: its lanes in `lanes`.
    pub roads: Vec<Vec<usize>>,
    /// Roads that come from other signals.
    pub inflows: Vec<Inflow>,
    /// By stage and head.
    pub shows: Vec<Vec<Aspect>>,
    /// By stage and stage, s.
    pub change: Vec<Vec<u8>>,
    /// By stage, s.
    pub min_green: Vec<u8>,
    /// By stage of a plan in which somebody gives way on an approach so short that whoever waits there stands in another junction: the stage in
    /// which only they are red, if the plans let each of them go freely in another.
    instead: Vec<Option<usize>>,
    /// By stage: the heads that so give way, if there is a stage in which only they are red.
    pub blocks: Vec<Vec<u16>>,
    /// By stage: no lane goes in part.
    whole: Vec<bool>,
    /// A short road leads to or from a junction close by.
    pub is_close: bool,
    /// By stage: it is in a plan, or there are no plans.
    planned: Vec<bool>,
}

/// What is known of the vehicles at a junction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sight {
    /// Where each of them is.
    Followed,
    /// How many are on each lane.
    Counted,
    /// Who passed a loop.
    Felt,
}

/// A head and the movement that it governs.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub group: GroupNumber,
    pub kind: GroupKind,
    /// Its lane in [`Layout::lanes`].
    pub lane: usize,
    /// Its receiving lane in [`Layout::outs`].
    pub out: usize,
    /// Seconds that its turn adds to the headway of a straight lane at 50 km/h.
    pub slower_s: f32,
    /// Lanes that come to it side by side; they are taken for one that is as many times as fast.
    pub lanes: f32,
    /// Heads whose traffic goes first.
    pub yields_to: Vec<u16>,
    /// The channel that follows its vehicles.
    pub channel: Option<ChannelNumber>,
    /// Where its traffic comes to a road so short that it belongs to both junctions: the heads at the far end.
    pub feeds: Vec<Close>,
    /// Where its own approach is so short: the heads that send traffic there.
    pub fed_by: Vec<Close>,
    /// Where the signals before are not so close, but nearer than half a minute: the heads that send traffic here.
    pub before: Vec<Close>,
}

impl Head {
    /// The heads that send traffic here from signals close by or near.
    pub(super) fn all_before(&self) -> impl Iterator<Item = &Close> {
        self.fed_by.iter().chain(&self.before)
    }
}

/// A head of another junction that is close by.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Close {
    pub junction: JunctionIx,
    pub head: u16,
    /// How many of its vehicles come here rather than elsewhere, if nothing is known of them.
    pub guess: f32,
    /// Its channel.
    pub channel: Option<ChannelNumber>,
    /// From its stop line to ours, m.
    pub between_m: f32,
    /// By stage of that junction: whether it goes.
    goes: Vec<bool>,
}

impl Close {
    fn new(city: &City, roads: &Roads, head: NetworkHead, between_m: f64) -> Close {
        let junction = &city.junctions[head.junction.ix()];
        let movements = roads.governed(head.junction).map(|m| &city.network.movements[m as usize]);
        let mut to: Vec<LinkIx> =
            movements.filter(|m| m.head == Some(head)).map(|m| city.network.lane(m.to).link).collect();
        to.sort_unstable();
        to.dedup();
        Close {
            junction: head.junction,
            head: head.index,
            guess: 1.0 / to.len().max(1) as f32,
            channel: follower(junction, head.index),
            between_m: between_m as f32,
            goes: junction.stages.iter().map(|s| s.has(head.group)).collect(),
        }
    }

    /// Whether it goes in that stage.
    pub(crate) fn goes(&self, stage: StageNumber) -> bool {
        usize::from(stage.0).checked_sub(1).and_then(|i| self.goes.get(i)).copied().unwrap_or(false)
    }
}

/// A lane before a stop line.
#[derive(Clone, Debug)]
pub(crate) struct Approach {
    /// The channel that counts it as a whole, and how far back that looks, m.
    pub area: Option<ChannelNumber>,
    pub area_m: f32,
    pub stop_line: Option<ChannelNumber>,
    /// Its stop-line loop lies before a fork, where those of another lane cover it too.
    pub shares_line: bool,
    pub advance: Option<ChannelNumber>,
    /// From the advance loop to the line, m.
    pub advance_m: f32,
    pub speed_mps: f32,
    /// Metres of queue that it holds before the queue reaches the junction upstream.
    pub room_m: f32,
    pub heads: Vec<u16>,
    /// Its street is of a lower class than the junction's greatest.
    pub side: bool,
}

impl Approach {
    /// The channels that look at it.
    pub(super) fn looks<'a>(&'a self, layout: &'a Layout) -> impl Iterator<Item = ChannelNumber> + 'a {
        let follow = self.heads.iter().filter_map(|&h| layout.heads[usize::from(h)].as_ref()?.channel);
        [self.area, self.stop_line, self.advance].into_iter().flatten().chain(follow)
    }
}

/// A lane behind the junction.
#[derive(Clone, Debug)]
pub(crate) struct Receiving {
    /// Metres that are looked at.
    pub room_m: f32,
    /// Lanes of its road, which share what is seen.
    pub lanes: f32,
    /// Channels of other junctions that look at it.
    pub seen_by: Vec<Watcher>,
    /// Where it is short and ends before another line of this same signal: the lane there, in [`Layout::lanes`].
    pub inner: Option<usize>,
}

/// A road before the junction and the signals that its traffic comes from.
#[derive(Clone, Debug)]
pub(crate) struct Inflow {
    /// Its lanes in [`Layout::lanes`].
    pub lanes: Vec<usize>,
    pub speed_mps: f32,
    pub sources: Vec<Source>,
}

/// A head of another junction from which traffic comes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source {
    pub junction: JunctionIx,
    pub head: u16,
    /// From its stop line to ours, m.
    pub to_line_m: f32,
}

/// A channel that looks at traffic towards another junction, and which part of the road before that is this lane.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Watcher {
    pub junction: JunctionIx,
    pub channel: ChannelNumber,
    pub sees: Sees,
    /// Distances to that junction's stop line, dm.
    pub from_dm: i16,
    pub to_dm: i16,
}

/// What a channel tells of where vehicles stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sees {
    /// Each vehicle.
    Vehicles,
    /// How many stand in the lane.
    Queue,
    /// Whether one stands at that distance to the stop line, dm.
    Covered(i16),
}

impl Layout {
    /// `ways` are the site's.
    pub(crate) fn new(city: &City, ix: JunctionIx, roads: &Roads, ways: &[Vec<Tenths>]) -> Layout {
        let junction = &city.junctions[ix.ix()];
        let network = &city.network;
        let mut governed: Vec<Vec<&Movement>> = vec![Vec::new(); junction.heads.len()];
        for m in roads.governed(ix).map(|m| &network.movements[m as usize]) {
            let Some(place) = m.head.and_then(|h| governed.get_mut(usize::from(h.index))) else { continue };
            place.push(m);
        }
        let mut lanes: BTreeMap<LaneIx, Vec<u16>> = BTreeMap::new();
        let mut outs: BTreeMap<LaneIx, usize> = BTreeMap::new();
        for (index, movements) in governed.iter().enumerate() {
            let Some(first) = movements.first() else { continue };
            lanes.entry(first.from).or_default().push(index as u16);
            outs.insert(first.to, 0);
        }
        outs.values_mut().enumerate().for_each(|(place, out)| *out = place);
        let order: Vec<LaneIx> = lanes.keys().copied().collect();
        let heads = governed.iter().enumerate().map(|(index, movements)| {
            let first = movements.first()?;
            let head = first.head?;
            let mut yields_to: Vec<u16> = movements
                .iter()
                .flat_map(|m| &m.yields_to)
                .filter_map(|&other| network.movement(other).head.filter(|h| h.junction == ix))
                .map(|h| h.index)
                .filter(|&other| usize::from(other) != index)
                .collect();
            yields_to.sort_unstable();
            yields_to.dedup();
            Some(Head {
                group: head.group,
                kind: junction.group(head.group).map_or(GroupKind::Vehicles, |g| g.kind),
                lane: order.binary_search(&first.from).expect("every head's lane is listed"),
                out: outs[&first.to],
                slower_s: slower_s(city, first) as f32,
                lanes: {
                    let mut from: Vec<LaneIx> = movements.iter().map(|m| m.from).collect();
                    from.sort_unstable();
                    from.dedup();
                    from.len() as f32
                },
                yields_to,
                channel: follower(junction, index as u16),
                feeds: feeds(city, ix, roads, movements),
                fed_by: fed_by(city, ix, roads, movements, 0.0..SHORT_APPROACH_M),
                before: fed_by(city, ix, roads, movements, SHORT_APPROACH_M..NEAR_APPROACH_M),
            })
        });
        let heads: Vec<Option<Head>> = heads.collect();
        let on_lane = |lane: LaneIx, kind: DetectorKind| {
            junction
                .detectors
                .iter()
                .find(move |d| d.kind == kind && d.lane == Some(lane) && d.head.is_none())
        };
        let class = |lane: LaneIx| network.link(network.lane(lane).link).class;
        let greatest = order.iter().map(|&lane| class(lane)).min().unwrap_or(RoadClass::Service);
        let approach = |(&lane, heads): (&LaneIx, &Vec<u16>)| Approach {
            area: on_lane(lane, DetectorKind::Area).map(|d| d.channel),
            area_m: on_lane(lane, DetectorKind::Area).map_or(0.0, |d| d.length_m) as f32,
            stop_line: on_lane(lane, DetectorKind::StopLine).map(|d| d.channel),
            shares_line: on_lane(lane, DetectorKind::StopLine).is_some_and(|d| {
                let place = roads.lies(city, d);
                let mut others =
                    junction.detectors.iter().filter(|o| o.kind == d.kind && o.channel != d.channel);
                others.any(|o| roads.lies(city, o) == place)
            }),
            advance: on_lane(lane, DetectorKind::Advance).map(|d| d.channel),
            advance_m: on_lane(lane, DetectorKind::Advance).map_or(0.0, |d| d.distance_m) as f32,
            speed_mps: network.lane(lane).speed_limit_mps as f32,
            room_m: roads.room(city, lane).clamp(SHORTEST_QUEUE_M, LONGEST_QUEUE_M) as f32,
            heads: heads.clone(),
            side: class(lane) > greatest,
        };
        let stages = &junction.stages;
        let shows: Vec<Vec<Aspect>> = stages.iter().map(|s| aspects(junction, s)).collect();
        let planned: Vec<bool> = stages.iter().map(|s| junction.in_plans(s.number)).collect();
        Layout {
            lanes: lanes.iter().map(approach).collect(),
            outs: outs.keys().map(|&lane| Receiving::new(city, lane, roads, &order)).collect(),
            roads: by_road(city, &order),
            inflows: inflows(city, ix, roads, &order),
            change: changes(junction, &heads, &shows, ways),
            whole: shows.iter().map(|shows| goes_whole(&heads, shows)).collect(),
            blocks: blocks(&heads, &shows),
            instead: instead(&heads, &shows, &planned),
            planned,
            shows,
            is_close: heads.iter().flatten().any(|h| !h.feeds.is_empty() || !h.fed_by.is_empty()),
            min_green: stages.iter().map(|s| whole(crate::decide::min_green(junction, s.number))).collect(),
            heads,
        }
    }

    /// Junctions at the other ends of its short roads.
    pub(crate) fn close_by(&self) -> impl Iterator<Item = JunctionIx> {
        self.heads.iter().flatten().flat_map(|h| h.feeds.iter().chain(&h.fed_by)).map(|near| near.junction)
    }

    /// As if these heads gave way in a stage, and went freely in the next.
    #[cfg(test)]
    pub(super) fn give_way(&mut self, stage: usize, heads: Vec<u16>) {
        self.blocks[stage] = heads;
        self.instead[stage] = Some(stage + 1);
    }

    /// What is known here where no vehicle is followed.
    pub(super) fn sight_of_counts(&self) -> Sight {
        if self.lanes.iter().any(|lane| lane.area.is_some()) { Sight::Counted } else { Sight::Felt }
    }

    /// Whether a stage counts at all. Who goes beyond the stages of the plans must know who is where; for signals close together, where each
    /// vehicle is. Counts do not say who is first in a lane, so a green for a part of it may be one for nobody.
    pub(super) fn considers(&self, sight: Sight, stage: StageNumber) -> bool {
        let stage = usize::from(stage.0) - 1;
        match sight {
            Sight::Followed => true,
            Sight::Counted if self.is_close => self.planned[stage] || self.instead.contains(&Some(stage)),
            Sight::Counted => self.planned[stage] || self.whole[stage],
            Sight::Felt => self.planned[stage],
        }
    }

    /// Whether those who give way in a stage on a short road go freely in another stage of the plans.
    pub(super) fn frees_elsewhere(&self, stage: StageNumber) -> bool {
        self.instead[usize::from(stage.0) - 1].is_some()
    }

    /// Whether a stage may be asked for where vehicles are counted: not if it lets somebody go along a short road in order to give way, and
    /// there is another instead.
    pub(super) fn may_ask(&self, sight: Sight, stage: StageNumber) -> bool {
        sight != Sight::Counted || !self.frees_elsewhere(stage)
    }
}

/// By stage and stage: seconds of the way, or [`NEVER`] where turners would be left in the middle: their green ends
/// and that of those before whom they wait goes on (the yellow trap). Stages of a plan may follow one another as
/// they like, since they do so in the street already.
fn changes(
    junction: &Junction,
    heads: &[Option<Head>],
    shows: &[Vec<Aspect>],
    ways: &[Vec<Tenths>],
) -> Vec<Vec<u8>> {
    let planned = |stage: usize| junction.in_plans(junction.stages[stage].number);
    let trap = |from: usize, to: usize| {
        let goes = |stage: usize, head: usize| shows[stage][head].is_go();
        let left = |(index, head): (usize, &Option<Head>)| {
            let Some(head) = head.as_ref().filter(|_| goes(from, index) && !goes(to, index)) else {
                return false;
            };
            head.yields_to.iter().any(|&o| goes(from, usize::from(o)) && goes(to, usize::from(o)))
        };
        !(planned(from) && planned(to)) && heads.iter().enumerate().any(left)
    };
    let stages = 0..ways.len();
    let row = |from: usize| -> Vec<u8> {
        let way_out = stages.clone().any(|to| to != from && !trap(from, to));
        let change = |to: usize| if way_out && trap(from, to) { NEVER } else { whole(ways[from][to]) };
        stages.clone().map(change).collect()
    };
    stages.clone().map(row).collect()
}

fn feeds(city: &City, ix: JunctionIx, roads: &Roads, movements: &[&Movement]) -> Vec<Close> {
    let mut all = Vec::new();
    for m in movements {
        let length_m = city.network.lane(m.to).length_m;
        if roads.room(city, m.to) >= SHORT_APPROACH_M {
            continue;
        }
        for next in roads.onward(city, m.to).filter_map(|n| n.head).filter(|h| h.junction != ix) {
            let close = Close::new(city, roads, next, m.length_m + length_m);
            if !all.contains(&close) {
                all.push(close);
            }
        }
    }
    all
}

fn fed_by(
    city: &City,
    ix: JunctionIx,
    roads: &Roads,
    movements: &[&Movement],
    room_m: Range<f64>,
) -> Vec<Close> {
    let mut all = Vec::new();
    for m in movements.iter().filter(|m| room_m.contains(&roads.room(city, m.from))) {
        let length_m = city.network.lane(m.from).length_m;
        for before in roads.before(city, m.from) {
            let Some(head) = before.head.filter(|h| h.junction != ix) else { continue };
            let close = Close::new(city, roads, head, before.length_m + length_m);
            if !all.contains(&close) {
                all.push(close);
            }
        }
    }
    all
}

/// Whether a head gives way in a stage on a short approach, and somebody has to be waited for.
fn waits(heads: &[Option<Head>], shows: &[Aspect], index: usize) -> bool {
    let Some(head) = heads[index].as_ref() else { return false };
    let first = |&o: &u16| shows[usize::from(o)].is_go();
    shows[index] == Aspect::Yielding && !head.fed_by.is_empty() && head.yields_to.iter().any(first)
}

/// Whether no lane goes in part.
fn goes_whole(heads: &[Option<Head>], shows: &[Aspect]) -> bool {
    let each =
        || heads.iter().zip(shows).filter_map(|(head, shows)| Some((head.as_ref()?.lane, shows.is_go())));
    each().all(|(lane, goes)| each().all(|(other, others)| lane != other || goes == others))
}

/// The stage in which only those who so wait are red.
fn twin(heads: &[Option<Head>], shows: &[Vec<Aspect>], stage: usize) -> Option<usize> {
    let goes_on = |i: usize| shows[stage][i].is_go() && !waits(heads, &shows[stage], i);
    shows.iter().position(|other| (0..heads.len()).all(|i| other[i].is_go() == goes_on(i)))
}

/// See [`Layout::blocks`].
fn blocks(heads: &[Option<Head>], shows: &[Vec<Aspect>]) -> Vec<Vec<u16>> {
    let blocks = |stage: usize| -> Vec<u16> {
        let waiting = (0..heads.len()).filter(|&i| waits(heads, &shows[stage], i)).map(|i| i as u16);
        if twin(heads, shows, stage).is_some() { waiting.collect() } else { Vec::new() }
    };
    (0..shows.len()).map(blocks).collect()
}

/// See [`Layout::instead`].
fn instead(heads: &[Option<Head>], shows: &[Vec<Aspect>], planned: &[bool]) -> Vec<Option<usize>> {
    let goes_freely = |index: usize| {
        let mut planned = shows.iter().zip(planned).filter(|(_, planned)| **planned);
        planned.any(|(shows, _)| shows[index].is_go() && !waits(heads, shows, index))
    };
    let instead = |stage: usize| {
        let mut waiting = (0..heads.len()).filter(|&i| waits(heads, &shows[stage], i)).peekable();
        let replaced = planned[stage] && waiting.peek().is_some() && waiting.all(goes_freely);
        twin(heads, shows, stage).filter(|_| replaced)
    };
    (0..shows.len()).map(instead).collect()
}

fn by_road(city: &City, order: &[LaneIx]) -> Vec<Vec<usize>> {
    let mut by_link: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (place, &lane) in order.iter().enumerate() {
        by_link.entry(city.network.lane(lane).link).or_default().push(place);
    }
    by_link.into_values().collect()
}

fn inflows(city: &City, ix: JunctionIx, roads: &Roads, order: &[LaneIx]) -> Vec<Inflow> {
    let inflow = |lanes: Vec<usize>| {
        let behind = roads.heads_behind(city, order[lanes[0]], LONGEST_WAY_M);
        let sources = behind.into_iter().filter(|(head, _)| head.junction != ix);
        let sources: Vec<Source> = sources
            .map(|(head, m)| Source { junction: head.junction, head: head.index, to_line_m: m as f32 })
            .collect();
        let speed_mps = city.network.lane(order[lanes[0]]).speed_limit_mps.max(1.0) as f32;
        (!sources.is_empty()).then_some(Inflow { lanes, speed_mps, sources })
    };
    by_road(city, order).into_iter().filter_map(inflow).collect()
}

fn dm(m: f64) -> i16 {
    (m * 10.0).clamp(0.0, 32_767.0) as i16
}

/// The channel that tells most of the queue before a head.
fn watcher(city: &City, head: NetworkHead, roads: &Roads) -> Option<(ChannelNumber, Sees)> {
    let junction = &city.junctions[head.junction.ix()];
    if let Some(channel) = follower(junction, head.index) {
        return Some((channel, Sees::Vehicles));
    }
    let mut governed = roads.governed(head.junction).map(|m| &city.network.movements[m as usize]);
    let lane = governed.find(|m| m.head == Some(head))?.from;
    let on = |lane: LaneIx, kind: DetectorKind| {
        junction.detectors.iter().find(move |d| d.kind == kind && d.lane == Some(lane) && d.head.is_none())
    };
    if let Some(area) = on(lane, DetectorKind::Area) {
        return Some((area.channel, Sees::Queue));
    }
    let advance = on(lane, DetectorKind::Advance)?;
    Some((advance.channel, Sees::Covered(dm(advance.distance_m))))
}

/// The channel that follows a head's vehicles.
fn follower(junction: &Junction, head: u16) -> Option<ChannelNumber> {
    junction.detectors.iter().find(|d| d.follows(head)).map(|d| d.channel)
}

/// Whole seconds, upwards.
fn whole(t: Tenths) -> u8 {
    u8::try_from(t.0.div_ceil(10)).unwrap_or(NEVER - 1).min(NEVER - 1)
}

fn aspects(junction: &Junction, stage: &Stage) -> Vec<Aspect> {
    let shows = |&group: &GroupNumber| match (stage.has(group), stage.permissive.contains(&group)) {
        (true, false) => Aspect::Green,
        (true, true) => Aspect::Yielding,
        (false, _) if junction.group(group).is_some_and(|g| g.turn_on_red) => Aspect::TurnOnRed,
        (false, _) => Aspect::Red,
    };
    junction.heads.iter().map(shows).collect()
}

/// Headways grow by the time that a vehicle's own length and gap take at a lower speed.
fn slower_s(city: &City, m: &Movement) -> f64 {
    let limit = city.network.lane(m.from).speed_limit_mps;
    let speed = m.speed_limit_mps.map_or(limit, |turn| turn.min(limit)).max(SLOWEST_TURN_MPS);
    SPACING_M / speed - SPACING_M / HEADWAY_SPEED_MPS
}

impl Receiving {
    /// `order` are the lanes before the signal's lines.
    fn new(city: &City, lane: LaneIx, roads: &Roads, order: &[LaneIx]) -> Receiving {
        let link = city.network.link(city.network.lane(lane).link);
        let (last, room_m) = roads.run_on(city, lane, RECEIVING_M);
        let mut seen_by = Vec::new();
        for (head, to_line_m) in roads.heads_ahead(city, lane, LONGEST_QUEUE_M + RECEIVING_M) {
            let Some((channel, sees)) = watcher(city, head, roads) else { continue };
            let (from_dm, to_dm) = (dm(to_line_m - room_m), dm(to_line_m));
            let watcher = Watcher { junction: head.junction, channel, sees, from_dm, to_dm };
            // One channel may look at all heads of its lane.
            if !seen_by.contains(&watcher) {
                seen_by.push(watcher);
            }
        }
        let inner = order.binary_search(&last).ok().filter(|_| room_m < SHORT_APPROACH_M);
        Receiving { room_m: room_m as f32, lanes: link.lanes.len().max(1) as f32, seen_by, inner }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(group: u16, yields_to: Vec<u16>, fed_by: Vec<Close>) -> Option<Head> {
        Some(Head {
            group: GroupNumber(group),
            kind: GroupKind::Vehicles,
            lane: usize::from(group - 1),
            out: 0,
            slower_s: 0.0,
            lanes: 1.0,
            yields_to,
            channel: None,
            feeds: Vec::new(),
            fed_by,
            before: Vec::new(),
        })
    }

    fn signal_12_m_before() -> Vec<Close> {
        let goes = vec![true];
        vec![Close { junction: JunctionIx(1), head: 0, guess: 1.0, channel: None, between_m: 25.0, goes }]
    }

    /// Oncoming traffic, and turners before whom it goes.
    fn heads(fed_by: Vec<Close>) -> [Option<Head>; 2] {
        [head(1, Vec::new(), Vec::new()), head(2, vec![0], fed_by)]
    }

    use Aspect::{Green, Red, Yielding};

    #[test]
    fn who_waits_before_a_signal_near_by_is_foreseen() {
        let check = |road: &str, expected: bool| {
            let gap = " ".repeat(road.len());
            let posts = format!("      |{gap}|");
            let drawing = format!("\n      N{gap}M\n{posts}\nW-----A{road}B-----E\n{posts}\n      S{gap}T");
            let city = model::sketch::city(&drawing, "AB");
            let roads = Roads::new(&city);
            let site = crate::decide::site::Site::new(&city, JunctionIx(1), &roads);
            let before = |head: &super::Head| head.before.iter().any(|near| near.junction == JunctionIx(0));
            let foreseen = site.layout.heads.iter().flatten().any(before);
            assert_eq!(foreseen, expected, "{drawing}");
        };
        check("------", true);
        check("---------------", false);
    }

    #[test]
    fn turners_on_a_short_road_wait_for_a_stage_of_their_own() {
        // Both, only the turners, and only the others, which no plan has.
        let shows = [vec![Green, Yielding], vec![Red, Green], vec![Green, Red]];
        let planned = [true, true, false];
        assert_eq!(instead(&heads(signal_12_m_before()), &shows, &planned), [Some(2), None, None]);
        assert_eq!(instead(&heads(Vec::new()), &shows, &planned), [None; 3], "a long road has room for them");
    }

    #[test]
    fn a_lane_of_two_ways_goes_in_part_if_one_is_red() {
        let [ahead, left] = heads(Vec::new());
        let lane = ahead.as_ref().map(|head| head.lane);
        let left = left.map(|head| super::Head { lane: lane.unwrap_or_default(), ..head });
        let heads = [ahead, left];
        assert!(goes_whole(&heads, &[Green, Yielding]) && goes_whole(&heads, &[Red, Red]));
        assert!(!goes_whole(&heads, &[Green, Red]));
    }

    #[test]
    fn turners_who_have_no_other_stage_go_on_giving_way() {
        let shows = [vec![Green, Yielding], vec![Red, Red], vec![Green, Red]];
        assert_eq!(instead(&heads(signal_12_m_before()), &shows, &[true, true, false]), [None; 3]);
    }
}
