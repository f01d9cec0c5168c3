//! Lanes whose queue stands still under green though there is room ahead: something is in the way.
//!
//! A green is stalled if vehicles stood upstream in the lane all the while and nobody went over its stop line. One such green may
//! be a driver who sleeps; [`GREENS`] of them, one after the other, in a lane that carries traffic at other times, are an incident.
//! A lane into a street that is full itself says nothing, nor does one with a detector that is not believed. What stops a lane
//! upstream of its detectors is not seen. How often it is wrong, and how often it misses, `cargo xtask bench incidents` measures.

use crate::coordinator::{ChannelLive, Live};
use model::{
    city::City,
    detection::DetectorKind,
    ids::{ChannelNumber, GroupNumber, JunctionIx, LaneIx, LinkIx},
    signal::Lamp,
    time::Moment,
};
use rayon::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Stalled greens in a row that make an incident.
const GREENS: u32 = 3;
/// What a lane must usually carry in a green, vehicles, for its silence to say something; and how many greens make that known.
const USUAL: f32 = 1.5;
const KNOWN_GREENS: u32 = 10;
/// Weight of the newest green in what is usual.
const NEWEST: f32 = 0.1;
/// Green begins to count after so long: a queue does not start at once. It must last for as long again and a little.
const START: Duration = Duration::from_secs(4);
const LEAST_GREEN: Duration = Duration::from_secs(8);
/// A loop that is covered for more than this share of a second has somebody standing on it.
const COVERED: f32 = 0.95;
/// A reading older than this says nothing of now.
const FRESH: Duration = Duration::from_millis(2500);
/// Lanes that are looked at in one go on one core.
const AT_ONCE: usize = 1024;

/// A lane whose queue does not move.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stalled {
    /// Which.
    pub lane: LaneIx,
    /// When the first of its stalled greens began.
    pub since: Moment,
    /// How many there were.
    pub greens: u32,
}

/// All lanes that can be judged.
#[derive(Clone, Debug)]
pub(crate) struct Stalls {
    lanes: Vec<Lane>,
}

/// A lane that comes to a signal, with loops at its stop line and something that sees its queue.
#[derive(Clone, Debug)]
struct Lane {
    ix: LaneIx,
    junction: JunctionIx,
    groups: Vec<GroupNumber>,
    at_line: Vec<ChannelNumber>,
    upstream: Vec<ChannelNumber>,
    /// Loops upstream in the streets that it leads to.
    ahead: Vec<(JunctionIx, ChannelNumber)>,
    green: Option<Green>,
    usual: f32,
    known: u32,
    stalled: Option<(Moment, u32)>,
}

/// The green that runs.
#[derive(Clone, Copy, Debug)]
struct Green {
    since: Moment,
    vehicles: u32,
    /// Whether vehicles have stood upstream all the while.
    stood: bool,
    /// Somebody stood at the line, and then did not.
    left: bool,
    waits: bool,
    /// It cannot be judged: no room ahead, or a detector that is silent or not believed.
    void: bool,
}

impl Stalls {
    pub(crate) fn new(city: &City) -> Stalls {
        let network = &city.network;
        let by_lane = network.movements_by_lane();
        let mut upstream_of: BTreeMap<LinkIx, Vec<(JunctionIx, ChannelNumber)>> = BTreeMap::new();
        let mut found: BTreeMap<(LaneIx, JunctionIx), [Vec<ChannelNumber>; 2]> = BTreeMap::new();
        for (j, junction) in city.junctions.iter().enumerate() {
            let j = JunctionIx::from(j);
            for detector in &junction.detectors {
                let Some(lane) = detector.lane else { continue };
                let place = match detector.kind {
                    DetectorKind::StopLine => 0,
                    DetectorKind::Advance | DetectorKind::Area => 1,
                    DetectorKind::PushButton => continue,
                };
                found.entry((lane, j)).or_default()[place].push(detector.channel);
                if detector.kind == DetectorKind::Advance {
                    upstream_of.entry(network.lane(lane).link).or_default().push((j, detector.channel));
                }
            }
        }
        let lanes = found.into_iter().filter_map(|((ix, junction), [at_line, upstream])| {
            let range = by_lane.get(ix.ix())?;
            let leads = &network.movements[range.start as usize..range.end as usize];
            let groups = leads.iter().filter_map(|m| m.head).filter(|head| head.junction == junction);
            let groups: BTreeSet<GroupNumber> = groups.map(|head| head.group).collect();
            let exits: BTreeSet<LinkIx> = leads.iter().map(|m| network.lane(m.to).link).collect();
            let ahead = exits.iter().filter_map(|exit| upstream_of.get(exit)).flatten().copied().collect();
            let can_be_judged = !at_line.is_empty() && !upstream.is_empty() && !groups.is_empty();
            can_be_judged.then(|| Lane {
                ix,
                junction,
                groups: groups.into_iter().collect(),
                at_line,
                upstream,
                ahead,
                green: None,
                usual: 0.0,
                known: 0,
                stalled: None,
            })
        });
        Stalls { lanes: lanes.collect() }
    }

    /// Takes one second's readings.
    pub(crate) fn step(&mut self, now: Moment, live: &[Live]) {
        self.lanes.par_iter_mut().with_min_len(AT_ONCE).for_each(|lane| lane.step(now, live));
    }

    /// The lanes whose queue does not move.
    pub(crate) fn found(&self) -> impl Iterator<Item = (JunctionIx, Stalled)> {
        self.lanes.iter().filter_map(|lane| {
            let (since, greens) = lane.stalled.filter(|(_, greens)| *greens >= GREENS)?;
            Some((lane.junction, Stalled { lane: lane.ix, since, greens }))
        })
    }
}

impl Lane {
    fn step(&mut self, now: Moment, city: &[Live]) {
        let live = &city[self.junction.ix()];
        let shows_green = |group: &GroupNumber| {
            let shown = usize::from(group.0).checked_sub(1).and_then(|place| live.groups.get(place));
            shown.is_some_and(|shown| matches!(shown.lamp, Lamp::Green | Lamp::FlashingGreen))
        };
        if !self.groups.iter().any(shows_green) {
            if let Some(green) = self.green.take() {
                self.judge(now, green);
            }
            return;
        }
        let stood = |green: &mut Green| green.stood = false;
        let mut green = self.green.unwrap_or(Green {
            since: now,
            vehicles: 0,
            stood: true,
            left: false,
            waits: false,
            void: false,
        });
        let mut stands = false;
        for number in &self.upstream {
            match fresh(now, live.detectors.get(number)) {
                None => green.void = true,
                Some(channel) => stands |= standing(channel),
            }
        }
        if !stands && now.since(green.since) >= START {
            stood(&mut green);
        }
        let mut waits = false;
        for number in &self.at_line {
            match fresh(now, live.detectors.get(number)) {
                None => green.void = true,
                Some(channel) => {
                    green.vehicles += u32::from(channel.last.count);
                    waits |= channel.last.occupied;
                }
            }
        }
        green.left |= green.waits && !waits;
        green.waits = waits;
        green.void |= self
            .ahead
            .iter()
            .any(|(junction, number)| city[junction.ix()].detectors.get(number).is_some_and(standing));
        self.green = Some(green);
    }

    fn judge(&mut self, now: Moment, green: Green) {
        if green.void || now.since(green.since) < LEAST_GREEN {
            return;
        }
        let moves = green.vehicles > 0 || green.left;
        if moves {
            self.stalled = None;
        } else if green.stood && self.known >= KNOWN_GREENS && self.usual >= USUAL {
            let (since, greens) = self.stalled.unwrap_or((green.since, 0));
            self.stalled = Some((since, greens + 1));
            // What is usual is what is when nothing stands in the way.
            return;
        } else if !green.stood {
            // Nobody waits any more.
            self.stalled = None;
        }
        self.usual += NEWEST * (green.vehicles as f32 - self.usual);
        self.known = self.known.saturating_add(1);
    }
}

/// A channel that can be believed now.
fn fresh(now: Moment, channel: Option<&ChannelLive>) -> Option<&ChannelLive> {
    channel.filter(|c| !c.last.fault && !c.implausible && c.at.is_some_and(|at| now.since(at) <= FRESH))
}

/// Whether somebody stands there.
fn standing(channel: &ChannelLive) -> bool {
    match channel.last.queue {
        Some(queue) => queue > 0,
        None => channel.last.occupied && channel.last.occupancy >= COVERED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{detection::Reading, signal::rules::GroupState};

    const CROSS: &str = "
                    N
                    |
                    |
W-------------------C-------------------E
                    |
                    |
                    S
";

    /// What the lanes from `W` do in one green, by number of the green: vehicles that leave, whether others stand upstream, whether
    /// the streets ahead are full.
    type Street = fn(u32) -> (u16, bool, bool);

    /// How many lanes are stalled after so many cycles of a minute.
    fn stalled_after(cycles: u32, street: Street) -> usize {
        let mut city = model::sketch::city(CROSS, "C");
        city.junctions[0].detectors.retain(|d| d.kind != DetectorKind::Area);
        let link = model::sketch::link(&city.network, "WC");
        let mut stalls = Stalls::new(&city);
        for lane in &mut stalls.lanes {
            // Nobody else has loops in this city, so one at `C` stands for those ahead.
            lane.ahead = vec![(JunctionIx(0), ChannelNumber(999))];
        }
        let mut live = Live::default();
        for s in 0..i64::from(cycles) * 60 {
            let now = Moment(s * 1000);
            let (leave, waits, full) = street((s / 60) as u32);
            let lamp = if s % 60 < 30 { Lamp::Red } else { Lamp::Green };
            live.groups = vec![GroupState { lamp, since: now }; city.junctions[0].groups.len()];
            let covered = |on: bool| Reading {
                occupancy: if on { 1.0 } else { 0.0 },
                occupied: on,
                ..Reading::default()
            };
            for d in &city.junctions[0].detectors {
                let ours = d.lane.is_some_and(|l| city.network.lane(l).link == link);
                let goes = u16::from(ours && (40..40 + i64::from(leave)).contains(&(s % 60)));
                let last = match d.kind {
                    DetectorKind::StopLine => Reading { count: goes, ..covered(ours && waits && leave == 0) },
                    _ => covered(ours && waits),
                };
                live.detectors
                    .insert(d.channel, ChannelLive { last, at: Some(now), ..ChannelLive::default() });
            }
            let ahead = ChannelLive { last: covered(full), at: Some(now), ..ChannelLive::default() };
            live.detectors.insert(ChannelNumber(999), ahead);
            stalls.step(now, std::slice::from_ref(&live));
        }
        stalls.found().count()
    }

    #[test]
    fn a_queue_that_three_greens_do_not_move_is_an_incident() {
        let blocked: Street = |green| if green < 20 { (5, true, false) } else { (0, true, false) };
        assert_eq!(stalled_after(23, blocked), 0, "the third green is not over");
        assert!(stalled_after(24, blocked) > 0);
        let goes_on: Street =
            |green| if (20..26).contains(&green) { (0, true, false) } else { (5, true, false) };
        assert!(stalled_after(26, goes_on) > 0 && stalled_after(28, goes_on) == 0, "the way is free again");
    }

    #[test]
    fn what_is_no_incident() {
        let nobody: Street = |green| if green < 20 { (5, true, false) } else { (0, false, false) };
        assert_eq!(stalled_after(30, nobody), 0, "nobody comes");
        let full: Street = |green| if green < 20 { (5, true, false) } else { (0, true, true) };
        assert_eq!(stalled_after(30, full), 0, "the street ahead is full");
        let seldom: Street =
            |green| if green < 20 { (u16::from(green % 4 == 0), true, false) } else { (0, true, false) };
        assert_eq!(stalled_after(30, seldom), 0, "a lane that carries hardly anybody");
        let new: Street = |_| (0, true, false);
        assert_eq!(stalled_after(30, new), 0, "a lane that never carried anybody");
    }
}
