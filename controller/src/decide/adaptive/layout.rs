//! What the search needs of a junction that never changes: looked up once, so that a second only fills in traffic.

use super::search::{Aspect, NEVER};
use crate::decide::site::{Roads, SPACING_M};
use model::{
    city::City,
    detection::DetectorKind,
    ids::{ChannelNumber, GroupNumber, JunctionIx, LaneIx},
    network::Movement,
    signal::{Junction, Stage},
    time::Tenths,
};
use std::collections::BTreeMap;

/// A queue is followed back from the stop line as far as this, m.
pub(super) const LONGEST_QUEUE_M: f64 = 250.0;
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
    /// By stage and head.
    pub shows: Vec<Vec<Aspect>>,
    /// By stage and stage, s.
    pub change: Vec<Vec<u8>>,
    /// By stage, s.
    pub min_green: Vec<u8>,
}

/// A head and the movement that it governs.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub group: GroupNumber,
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
}

/// A lane before a stop line.
#[derive(Clone, Debug)]
pub(crate) struct Approach {
    /// The channel that counts it as a whole, and how far back that looks, m.
    pub area: Option<ChannelNumber>,
    pub area_m: f32,
    pub stop_line: Option<ChannelNumber>,
    pub advance: Option<ChannelNumber>,
    /// From the advance loop to the line, m.
    pub advance_m: f32,
    pub speed_mps: f32,
    /// Metres of queue that it holds before the queue reaches the junction upstream.
    pub room_m: f32,
    pub heads: Vec<u16>,
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
}

/// A channel that follows vehicles towards another junction, and which part of its view is this lane.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Watcher {
    pub junction: JunctionIx,
    pub channel: ChannelNumber,
    /// Distances to that junction's stop line, dm.
    pub from_dm: i16,
    pub to_dm: i16,
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
            })
        });
        let heads = heads.collect();
        let on_lane = |lane: LaneIx, kind: DetectorKind| {
            junction
                .detectors
                .iter()
                .find(move |d| d.kind == kind && d.lane == Some(lane) && d.head.is_none())
        };
        let approach = |(&lane, heads): (&LaneIx, &Vec<u16>)| Approach {
            area: on_lane(lane, DetectorKind::Area).map(|d| d.channel),
            area_m: on_lane(lane, DetectorKind::Area).map_or(0.0, |d| d.length_m) as f32,
            stop_line: on_lane(roads.loop_lane(city, lane), DetectorKind::StopLine).map(|d| d.channel),
            advance: on_lane(roads.loop_lane(city, lane), DetectorKind::Advance).map(|d| d.channel),
            advance_m: on_lane(roads.loop_lane(city, lane), DetectorKind::Advance)
                .map_or(0.0, |d| d.distance_m) as f32,
            speed_mps: network.lane(lane).speed_limit_mps as f32,
            room_m: roads.room(city, lane).clamp(SHORTEST_QUEUE_M, LONGEST_QUEUE_M) as f32,
            heads: heads.clone(),
        };
        let stages = &junction.stages;
        Layout {
            lanes: lanes.iter().map(approach).collect(),
            outs: outs.keys().map(|&lane| Receiving::new(city, lane, roads)).collect(),
            shows: stages.iter().map(|s| aspects(junction, s)).collect(),
            change: ways.iter().map(|row| row.iter().map(|&t| whole(t)).collect()).collect(),
            min_green: stages.iter().map(|s| whole(crate::decide::min_green(junction, s.number))).collect(),
            heads,
        }
    }
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
    fn new(city: &City, lane: LaneIx, roads: &Roads) -> Receiving {
        let link = city.network.link(city.network.lane(lane).link);
        let length = city.network.lane(lane).length_m;
        let room_m = length.min(RECEIVING_M);
        let mut seen_by = Vec::new();
        for (head, to_line_m) in roads.heads_ahead(city, lane, LONGEST_QUEUE_M + RECEIVING_M) {
            let other = &city.junctions[head.junction.ix()];
            let Some(channel) = follower(other, head.index) else { continue };
            let dm = |m: f64| (m * 10.0).clamp(0.0, 32_767.0) as i16;
            let (from_dm, to_dm) = (dm(to_line_m - room_m), dm(to_line_m));
            seen_by.push(Watcher { junction: head.junction, channel, from_dm, to_dm });
        }
        Receiving { room_m: room_m as f32, lanes: link.lanes.len().max(1) as f32, seen_by }
    }
}
