//! Lanes whose queue stands still under green though there is room ahead: something is in the way.
//!
//! Vehicles came into a lane over its upstream detectors, and nobody went over its stop line in several greens in which some would have
//! at other times: [`GREENS`] of them, [`EXPECTED`] vehicles. (Whether a loop is covered says little of a queue: half of the time a
//! gap stands on it.) A green in which the street ahead is full says nothing, nor does one with a detector that is not believed. What
//! stops a lane upstream of its detectors is not seen. How often it is wrong, and how often it misses, `cargo xtask bench
//! incidents` measures.

use crate::{coordinator::Live, decide::usable};
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

/// What makes an incident: greens in a row in which nobody left, vehicles that would have at other times, and vehicles that came.
const GREENS: u32 = 3;
const EXPECTED: f32 = 6.0;
const CAME: u32 = 2;
/// So many greens make known what is usual, and the newest has that weight in it.
const KNOWN_GREENS: u32 = 10;
const NEWEST: f32 = 0.1;
/// A shorter green is none: a queue does not start at once.
const LEAST_GREEN: Duration = Duration::from_secs(6);
/// A loop ahead that is covered for so long has a queue on it, s.
const STANDS_S: u8 = 5;
/// A loop that is covered for more than this share of a second has somebody standing on it.
const COVERED: f32 = 0.95;
/// Lanes that are looked at in one go on one core.
const AT_ONCE: usize = 1024;

/// A lane whose queue does not move.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stalled {
    /// Which.
    pub lane: LaneIx,
    /// When the first of the greens began in which nobody left.
    pub since: Moment,
    /// How many there were.
    pub greens: u32,
}

/// All lanes that can be judged.
#[derive(Clone, Debug)]
pub(crate) struct Stalls {
    lanes: Vec<Lane>,
}

/// A lane that comes to a signal, with loops at its stop line and something that counts who comes.
#[derive(Clone, Debug)]
struct Lane {
    ix: LaneIx,
    junction: JunctionIx,
    groups: Vec<GroupNumber>,
    at_line: Vec<ChannelNumber>,
    upstream: Vec<ChannelNumber>,
    /// Loops upstream in the streets that it leads to.
    ahead: Vec<(JunctionIx, ChannelNumber)>,
    /// How long one of those has been covered, s.
    ahead_stands_s: u8,
    /// Somebody was over the line in the last second.
    occupied: bool,
    /// Vehicles that leave in a green, and of how many greens that is known.
    usual: f32,
    known: u32,
    green: Option<Green>,
    /// Since somebody left last.
    silence: Silence,
}

/// The green that runs.
#[derive(Clone, Copy, Debug)]
struct Green {
    since: Moment,
    left: u32,
    /// Enough had come before it who should leave in it.
    awaited: bool,
    /// It cannot be judged: no room ahead, or a detector that is silent or not believed.
    void: bool,
}

/// Nobody leaves.
#[derive(Clone, Copy, Debug, Default)]
struct Silence {
    /// The first green of it.
    since: Option<Moment>,
    greens: u32,
    expected: f32,
    came: u32,
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
                    DetectorKind::Advance => 1,
                    DetectorKind::Area | DetectorKind::PushButton => continue,
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
                ahead_stands_s: 0,
                occupied: false,
                usual: 0.0,
                known: 0,
                green: None,
                silence: Silence::default(),
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
            let Silence { since, greens, expected, .. } = lane.silence;
            let since = since.filter(|_| greens >= GREENS && expected >= EXPECTED)?;
            Some((lane.junction, Stalled { lane: lane.ix, since, greens }))
        })
    }
}

impl Lane {
    fn step(&mut self, now: Moment, city: &[Live]) {
        let live = &city[self.junction.ix()];
        let (mut void, mut left, mut came, mut occupied) = (false, 0, 0, false);
        for number in &self.at_line {
            let channel = live.detectors.get(number);
            let Some(channel) = channel.filter(|channel| usable(now, channel)) else {
                void = true;
                continue;
            };
            left += u32::from(channel.last.count);
            occupied |= channel.last.occupied;
        }
        // Whoever stood over the line was counted before; that he is gone shows as well that one can leave.
        left += u32::from(self.occupied && !occupied && !void);
        self.occupied = occupied;
        for number in &self.upstream {
            match live.detectors.get(number).filter(|channel| usable(now, channel)) {
                Some(channel) => came += u32::from(channel.last.count),
                None => void = true,
            }
        }
        let covered = |(junction, number): &(JunctionIx, ChannelNumber)| {
            let there = city[junction.ix()].detectors.get(number);
            there.is_some_and(|c| c.last.occupied && c.last.occupancy >= COVERED)
        };
        self.ahead_stands_s =
            if self.ahead.iter().any(covered) { self.ahead_stands_s.saturating_add(1) } else { 0 };
        void |= self.ahead_stands_s >= STANDS_S;

        let shows_green = |group: &GroupNumber| {
            let shown = usize::from(group.0).checked_sub(1).and_then(|place| live.groups.get(place));
            shown.is_some_and(|shown| matches!(shown.lamp, Lamp::Green | Lamp::FlashingGreen))
        };
        if self.groups.iter().any(shows_green) {
            let green = self.green.get_or_insert(Green {
                since: now,
                left: 0,
                awaited: self.silence.came >= CAME,
                void: false,
            });
            green.left += left;
            green.void |= void;
        } else if let Some(green) = self.green.take() {
            self.judge(now, green);
        }
        self.silence.came += came;
        if left > 0 {
            self.silence = Silence::default();
        }
    }

    /// A green is over.
    fn judge(&mut self, now: Moment, green: Green) {
        if green.void || now.since(green.since) < LEAST_GREEN {
            return;
        }
        let silent = green.left == 0 && green.awaited && self.known >= KNOWN_GREENS;
        if silent {
            self.silence.since.get_or_insert(green.since);
            self.silence.greens += 1;
            self.silence.expected += self.usual;
        }
        // What is usual is what is when nothing stands in the way.
        if !silent {
            self.usual += NEWEST * (green.left as f32 - self.usual);
            self.known = self.known.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coordinator::ChannelLive;
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

    /// What the lanes from `W` do in a cycle, by its number: vehicles that leave, that come, and whether the streets ahead are full.
    type Street = fn(u32) -> (u16, u16, bool);

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
            let (leave, come, full) = street((s / 60) as u32);
            let lamp = if s % 60 < 30 { Lamp::Red } else { Lamp::Green };
            live.groups = vec![GroupState { lamp, since: now }; city.junctions[0].groups.len()];
            for d in &city.junctions[0].detectors {
                let ours = d.lane.is_some_and(|l| city.network.lane(l).link == link);
                let goes =
                    |from: i64, n: u16| u16::from(ours && (from..from + i64::from(n)).contains(&(s % 60)));
                let count = if d.kind == DetectorKind::StopLine { goes(40, leave) } else { goes(10, come) };
                let last = Reading { count, ..Reading::default() };
                live.detectors
                    .insert(d.channel, ChannelLive { last, at: Some(now), ..ChannelLive::default() });
            }
            let occupancy = if full { 1.0 } else { 0.0 };
            let last = Reading { occupied: full, occupancy, ..Reading::default() };
            live.detectors
                .insert(ChannelNumber(999), ChannelLive { last, at: Some(now), ..ChannelLive::default() });
            stalls.step(now, std::slice::from_ref(&live));
        }
        stalls.found().count()
    }

    #[test]
    fn a_queue_that_three_greens_do_not_move_is_an_incident() {
        let blocked: Street =
            |cycle| if cycle < 20 { (5, 5, false) } else { (0, 2 * u16::from(cycle == 20), false) };
        assert_eq!(stalled_after(22, blocked), 0);
        // A green is judged when it is over.
        assert_eq!(stalled_after(23, blocked), 0);
        assert!(stalled_after(24, blocked) > 0);
        let goes_on: Street = |cycle| {
            if (20..26).contains(&cycle) { (0, 2 * u16::from(cycle == 20), false) } else { (5, 5, false) }
        };
        assert!(stalled_after(26, goes_on) > 0 && stalled_after(27, goes_on) == 0, "the way is free again");
    }

    #[test]
    fn what_is_no_incident() {
        let nobody: Street = |cycle| if cycle < 20 { (5, 5, false) } else { (0, 0, false) };
        assert_eq!(stalled_after(30, nobody), 0, "nobody comes");
        let full: Street = |cycle| if cycle < 20 { (5, 5, false) } else { (0, 1, true) };
        assert_eq!(stalled_after(30, full), 0, "the street ahead is full");
        let seldom: Street =
            |cycle| if cycle < 20 { (u16::from(cycle % 4 == 0), 1, false) } else { (0, 1, false) };
        assert_eq!(stalled_after(30, seldom), 0, "a lane that carries hardly anybody");
        let new: Street = |_| (0, 1, false);
        assert_eq!(stalled_after(30, new), 0, "a lane that never carried anybody");
    }
}
