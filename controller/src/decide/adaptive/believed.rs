//! Who is on a lane that no camera follows: believed from counts.
//!
//! A lane's detectors say when somebody came into view and when somebody left over the stop line; in between they
//! keep their order. Where they will turn is not seen: shares of the lane's heads are learned from who could go when
//! one left, and a vehicle that stands at a head's green was not bound there.

use super::{
    forecast::{CAR_M, QUIET_S, Seen},
    is_go,
    layout::Approach,
    search::Aspect,
};
use crate::{
    coordinator::ChannelLive,
    decide::{Problem, site::SPACING_M},
};
use model::time::Moment;
use std::collections::VecDeque;

/// How fast learned shares follow: one departure in so many.
const SHARE_MEMORY: f32 = 100.0;
/// A share never falls below this: everybody may turn.
const LEAST_SHARE: f32 = 0.02;
/// Standing at a green for so long shows that it was not meant, s.
const NOT_MINE_S: u8 = 4;
/// A stop line that was empty for so long under green has no queue, s.
const EMPTY_S: u8 = 4;
/// A loop covered for so long has a queue standing on it, s.
const COVERED_S: u8 = 3;
/// The lane's flow follows with this time constant, s; and is at least this, vehicles a second.
const FLOW_MEMORY_S: f32 = 300.0;
const LEAST_FLOW: f32 = 0.05;
/// What came while a detector went wrong is no flow, vehicles a second.
const MOST_FLOW: f32 = 0.15;
/// No lane holds more, vehicles.
const MOST: usize = 40;
/// Seconds that each takes who leaves where no detector works.
const HEADWAY_S: u8 = 2;
/// Seconds of gap that one turner takes, and that those behind it need to get out.
const TURN_S: u8 = 2;
const CLEARING_S: u8 = 4;
/// More than a turner and the one behind it do not fit into the middle: whoever is thought to be there beyond that went
/// on. With six, stages were held for people who had long left: one network of 21 junctions had 68 s of delay where it now
/// has 58, one saturated city 161 s and now 149 (one hour each).
const MOST_INSIDE: usize = 2;

/// One lane.
#[derive(Clone, Debug, Default)]
pub(super) struct Believed {
    taken: Option<Moment>,
    /// In order: when each came into view, and the head that it is taken to want.
    coming: VecDeque<(Moment, u16)>,
    /// Of the lane's heads, in their order.
    shares: Vec<f32>,
    /// What each head is owed by its share.
    owed: Vec<f32>,
    /// Vehicles that stand.
    standing: usize,
    speed_mps: f32,
    /// Where `coming` is counted from, m before the line.
    view_m: f32,
    /// How many came over that in the newest reading.
    came: u16,
    quiet_s: u8,
    /// Somebody who has been counted stands on the stop-line loop.
    on_line: bool,
    covered_s: u8,
    /// Vehicles a second that come, in the long run.
    flow: f32,
    /// What has come at that flow since the last one, where no detector works; seconds to the next who may leave.
    due: f32,
    leaves_in_s: u8,
    /// Those of `coming` who are only thought to stand behind a loop that is covered.
    assumed: usize,
    /// Over the line and waiting for a gap, or behind one who does: head, seconds to go once free.
    inside: VecDeque<(u16, bool, u8)>,
    gap_s: u8,
}

/// What the working detectors of a lane told last.
struct Readings<'a> {
    at: Moment,
    area: Option<&'a ChannelLive>,
    line: Option<&'a ChannelLive>,
    advance: Option<&'a ChannelLive>,
}

impl<'a> Readings<'a> {
    /// `None` where none works.
    fn of(problem: &Problem<'a>, lane: &Approach) -> Option<Readings<'a>> {
        let channels = [lane.area, lane.stop_line, lane.advance];
        let working = channels.map(|c| c.and_then(|c| problem.live.working(problem.now, c)));
        let [area, line, advance] = working;
        let all_work = channels.iter().flatten().count() == working.iter().flatten().count();
        // Where one is broken, another that tells nothing may be so too.
        let tells = |c: &&ChannelLive| all_work || c.quiet_s(problem.now) < QUIET_S;
        let at = working.into_iter().flatten().find(tells)?.at?;
        Some(Readings { at, area, line, advance })
    }

    /// How many came, by whoever sees farthest.
    fn came(&self) -> u16 {
        self.area.or(self.advance).or(self.line).map_or(0, |c| c.last.count.min(MOST as u16))
    }

    /// Somebody is on the stop-line loop.
    fn stands(&self) -> bool {
        self.line.is_some_and(|c| c.last.occupied)
    }
}

fn count(channel: &ChannelLive) -> usize {
    usize::from(channel.last.count).min(MOST)
}

fn in_view(area: &ChannelLive) -> usize {
    usize::from(area.last.vehicles.unwrap_or(0)).min(MOST)
}

fn goes(problem: &Problem, head: u16) -> bool {
    problem.site.layout.heads[usize::from(head)].as_ref().is_some_and(|h| is_go(problem, h.group))
}

impl Believed {
    /// Takes the newest readings of the lane, of which `moved` more are coming than came over its loop upstream; `sent` gets the heads of those who left. `goes_first` says whether somebody
    /// who goes before that head is near, and `full` whether the road that it leads to takes nobody.
    pub(super) fn tick(
        &mut self,
        problem: &Problem,
        lane: &Approach,
        moved: i8,
        sent: &mut Vec<u16>,
        goes_first: impl Fn(u16) -> bool,
        full: impl Fn(u16) -> bool,
    ) {
        self.came = 0;
        if self.shares.is_empty() {
            self.shares = vec![1.0 / lane.heads.len() as f32; lane.heads.len()];
            self.owed = vec![0.0; lane.heads.len()];
        }
        let Some(readings) = Readings::of(problem, lane) else { return self.impute(problem, lane) };
        let at = readings.at;
        if self.taken.is_some_and(|taken| at <= taken) {
            return;
        }
        self.taken = Some(at);
        let came = readings.came();
        self.flow += (f32::from(came) - self.flow) / FLOW_MEMORY_S;
        self.came = if readings.area.or(readings.advance).is_some() { came } else { 0 };
        self.leave_the_middle(&goes_first);
        let go = |head: u16| goes(problem, head);
        let stage = problem.running().map(|s| &problem.site.layout.shows[usize::from(s.0) - 1][..]);
        let yields = |&h: &u16| stage.is_some_and(|s| s[usize::from(h)] == Aspect::Yielding) && go(h);
        let left = self.left(&readings, lane.heads.iter().any(yields));
        for _ in 0..left {
            sent.extend(self.one_left(lane, &go, stage, &goes_first));
        }
        let any_go = lane.heads.iter().any(|&h| go(h));
        self.quiet_s = if left == 0 && any_go { self.quiet_s.saturating_add(1) } else { 0 };
        match readings.area {
            Some(area) => self.come_into_view(at, lane, area),
            None => self.come_over_loops(lane, &readings, moved),
        }
        if self.quiet_s >= NOT_MINE_S && (readings.stands() || self.standing > 0) {
            let freely = |head: u16| stage.is_some_and(|s| s[usize::from(head)] == Aspect::Green);
            self.doubt(lane, |head| go(head) && freely(head) && !full(head), |head| !go(head) || full(head));
        }
    }

    /// Whoever stands while nothing keeps those of its head was not bound there, but for a head whose traffic is kept: by red, or by
    /// a road that takes nobody.
    fn doubt(&mut self, lane: &Approach, nothing_keeps: impl Fn(u16) -> bool, kept: impl Fn(u16) -> bool) {
        let other = self.likeliest(lane, kept);
        if let (Some(first), Some(other)) = (self.coming.front_mut(), other)
            && nothing_keeps(first.1)
        {
            first.1 = other;
        }
    }

    /// How many left over the stop line. A loop counts whoever comes over it; one who stands on it has not left yet. But
    /// under a green that gives way it may be the tail of a turner who waits `beyond` the line.
    fn left(&mut self, readings: &Readings, beyond: bool) -> usize {
        let stands = readings.stands() && !beyond;
        let counted = readings.line.map_or(0, count);
        let left = match (readings.area, readings.line) {
            // A camera says who is still there, whether the first stands on the loop or not.
            (Some(_), Some(_)) => counted,
            (Some(area), None) => (self.coming.len() + count(area)).saturating_sub(in_view(area)),
            (None, _) => (counted + usize::from(self.on_line)).saturating_sub(usize::from(stands)),
        };
        self.on_line = stands;
        left
    }

    /// A camera that counts the lane says how many there are.
    fn come_into_view(&mut self, at: Moment, lane: &Approach, area: &ChannelLive) {
        self.view_m = lane.area_m;
        let there = in_view(area);
        for _ in 0..count(area) {
            self.one_came(at, lane);
        }
        self.coming.truncate(there);
        while self.coming.len() < there {
            self.one_came(at, lane);
        }
        self.standing = usize::from(area.last.queue.unwrap_or(0)).min(there);
        self.speed_mps = area.last.speed_mps.unwrap_or(lane.speed_mps);
    }

    /// Loops say who came over them; how many stand behind is guessed.
    fn come_over_loops(&mut self, lane: &Approach, readings: &Readings, moved: i8) {
        let (at, advance) = (readings.at, readings.advance);
        self.view_m = if advance.is_some() { lane.advance_m } else { 0.0 };
        // Nobody sees who comes where the camera is broken: as many as usually do. Not so for a loop upstream: one hour of a network of
        // 21 junctions had 101 s of delay with it and 58 s without.
        let blind = advance.is_none() && lane.area.is_some();
        let counted = if blind { self.usual(self.flow) } else { advance.map_or(0, count) };
        let came = counted.saturating_add_signed(moved.into());
        // Whoever was thought to stand behind the loop is who comes over it first.
        let known = came.min(self.assumed);
        self.assumed -= known;
        for _ in known..came {
            self.one_came(at, lane);
        }
        self.covered_s = match advance {
            Some(c) if c.last.occupied && c.last.count == 0 => self.covered_s.saturating_add(1),
            Some(c) if !c.last.occupied => {
                // Nobody stands behind a loop that is free.
                self.coming.truncate(self.coming.len().saturating_sub(self.assumed));
                self.assumed = 0;
                0
            }
            _ => 0,
        };
        if self.covered_s >= COVERED_S {
            // Those who have come since are behind it: nobody sees them.
            let behind = f32::from(self.covered_s) * self.flow.max(LEAST_FLOW);
            let held = (lane.advance_m / SPACING_M as f32).ceil() as usize + 1 + behind as usize;
            while self.coming.len() < held.min(MOST) {
                self.one_came(at, lane);
                self.assumed += 1;
            }
        }
        let waits = readings.stands();
        if waits && self.coming.is_empty() {
            self.one_came(at, lane);
        }
        let overdue = |entered: Moment| {
            at.since(entered).as_secs_f32() > lane.advance_m / lane.speed_mps.max(1.0) + 3.0
        };
        if self.quiet_s >= EMPTY_S && !waits {
            while self.coming.front().is_some_and(|(entered, _)| overdue(*entered)) {
                self.coming.pop_front();
            }
        }
        self.coming.truncate(MOST);
        self.standing = self.coming.iter().take_while(|(entered, _)| overdue(*entered)).count();
        self.speed_mps = lane.speed_mps;
    }

    /// How many come in a second at a flow.
    fn usual(&mut self, flow: f32) -> usize {
        self.due += flow;
        let came = self.due.floor();
        self.due -= came;
        came as usize
    }

    /// Where no detector works: the usual traffic comes, and leaves as it may.
    fn impute(&mut self, problem: &Problem, lane: &Approach) {
        (self.taken, self.on_line, self.covered_s, self.assumed) = (None, false, 0, 0);
        self.inside.clear();
        (self.view_m, self.speed_mps) = (0.0, lane.speed_mps);
        let came = self.usual(self.flow.clamp(LEAST_FLOW, MOST_FLOW));
        if came > 0 && self.coming.len() < MOST {
            self.one_came(problem.now, lane);
        }
        self.leaves_in_s = self.leaves_in_s.saturating_sub(1);
        if self.leaves_in_s == 0 && self.coming.front().is_some_and(|(_, head)| goes(problem, *head)) {
            self.coming.pop_front();
            self.leaves_in_s = HEADWAY_S;
        }
        self.standing = self.coming.len();
    }

    fn likeliest(&self, lane: &Approach, may: impl Fn(u16) -> bool) -> Option<u16> {
        let heads = lane.heads.iter().zip(&self.shares).filter(|(h, _)| may(**h));
        heads.max_by(|a, b| a.1.total_cmp(b.1)).map(|(h, _)| *h)
    }

    fn one_came(&mut self, at: Moment, lane: &Approach) {
        for (owed, share) in self.owed.iter_mut().zip(&self.shares) {
            *owed += share;
        }
        let next = (0..self.owed.len()).max_by(|&a, &b| self.owed[a].total_cmp(&self.owed[b])).unwrap_or(0);
        self.owed[next] -= 1.0;
        self.coming.push_back((at, lane.heads[next]));
    }

    fn one_left(
        &mut self,
        lane: &Approach,
        go: &impl Fn(u16) -> bool,
        stage: Option<&[Aspect]>,
        goes_first: &impl Fn(u16) -> bool,
    ) -> Option<u16> {
        let believed = self.coming.pop_front().map(|(_, head)| head);
        // It may only have gone where it was allowed to; by how much that tells, its share grows.
        let allowed: Vec<usize> = (0..lane.heads.len()).filter(|&i| go(lane.heads[i])).collect();
        let total: f32 = allowed.iter().map(|&i| self.shares[i]).sum();
        if total > 0.0 {
            for i in 0..self.shares.len() {
                let part = if allowed.contains(&i) { self.shares[i] / total } else { 0.0 };
                self.shares[i] += (part - self.shares[i]) / SHARE_MEMORY;
                self.shares[i] = self.shares[i].max(LEAST_SHARE);
            }
            let sum: f32 = self.shares.iter().sum();
            self.shares.iter_mut().for_each(|s| *s /= sum);
        }
        let head = believed.filter(|h| go(*h)).or_else(|| self.likeliest(lane, go));
        let head = head?;
        let waits = stage.is_some_and(|s| s[usize::from(head)] == Aspect::Yielding) && goes_first(head);
        if waits || self.inside.iter().any(|(_, waits, _)| *waits) {
            self.inside.push_back((head, waits, CLEARING_S));
            self.inside.truncate(MOST_INSIDE);
        }
        Some(head)
    }

    /// Lets those go who wait in the middle: the first turner through a gap, and then those behind it.
    fn leave_the_middle(&mut self, goes_first: &impl Fn(u16) -> bool) {
        while self.inside.front().is_some_and(|(_, waits, to_go)| !waits && *to_go == 0) {
            self.inside.pop_front();
        }
        let Some(&(head, waits, _)) = self.inside.front() else { return };
        if waits {
            self.gap_s = if goes_first(head) { 0 } else { self.gap_s + 1 };
            if self.gap_s >= TURN_S {
                self.gap_s = 0;
                self.inside.pop_front();
            }
        } else {
            for (_, waits, to_go) in &mut self.inside {
                if *waits {
                    break;
                }
                *to_go = to_go.saturating_sub(1);
            }
        }
    }

    /// Whether anybody who goes under that head is near.
    pub(super) fn is_near(&self, now: Moment, lane: &Approach, head: u16) -> bool {
        self.seen(now, lane).any(|v| v.head == head && v.leaves_no_gap(lane.speed_mps))
    }

    /// Those on the way.
    pub(super) fn seen(&self, now: Moment, lane: &Approach) -> impl Iterator<Item = Seen> {
        let (spacing, speed) = (SPACING_M as f32, lane.speed_mps);
        self.coming.iter().enumerate().map(move |(i, (entered, head))| {
            let back = spacing * i as f32;
            let (distance_m, speed_mps) = if i < self.standing {
                (1.0 + back, 0.0)
            } else {
                let driven = now.since(*entered).as_secs_f32() * speed;
                ((self.view_m - driven).max(back), self.speed_mps.max(speed / 2.0))
            };
            Seen { head: *head, distance_m, speed_mps, length_m: CAR_M, likely: 1.0 }
        })
    }

    /// Those thought to be in the middle.
    pub(super) fn inside(&self) -> impl Iterator<Item = Seen> {
        self.inside.iter().map(|(head, ..)| Seen {
            head: *head,
            distance_m: -5.0,
            speed_mps: 0.0,
            length_m: CAR_M,
            likely: 1.0,
        })
    }

    /// Where it is counted from, m before the line, and how many came over that in the last reading.
    pub(super) fn edge(&self) -> (f32, u16) {
        (self.view_m, self.came)
    }

    /// Where the `i`-th of those who come next is bound, by the shares.
    pub(super) fn bound_for(&self, lane: &Approach, i: usize) -> u16 {
        // Evenly through the shares: the golden ratio never settles into a pattern.
        let mut lot = ((i as f32 + 0.5) * 0.618_034).fract();
        for (head, share) in lane.heads.iter().zip(&self.shares) {
            lot -= share;
            if lot < 0.0 {
                return *head;
            }
        }
        lane.heads[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::ids::ChannelNumber;

    /// A lane with a camera, a loop at its line and one way to go.
    fn lane() -> Approach {
        Approach {
            area: Some(ChannelNumber(1)),
            area_m: 100.0,
            stop_line: Some(ChannelNumber(2)),
            shares_line: false,
            advance: None,
            advance_m: 0.0,
            speed_mps: 13.9,
            room_m: 100.0,
            heads: vec![0],
            side: false,
        }
    }

    #[test]
    fn behind_a_loop_whose_camera_is_broken_a_queue_grows_as_it_usually_does() {
        let lane = lane();
        let mut believed = Believed { shares: vec![1.0], owed: vec![0.0], flow: 0.2, ..Believed::default() };
        // Somebody stands on the loop through a minute of red.
        let mut line = ChannelLive::default();
        line.last.occupied = true;
        for second in 1..=60 {
            let at = Moment(second * 1000);
            let readings = Readings { at, area: None, line: Some(&line), advance: None };
            believed.come_over_loops(&lane, &readings, 0);
        }
        let waiting = believed.seen(Moment(60_000), &lane).count();
        assert!((11..=13).contains(&waiting), "{waiting} where twelve come in a minute");
    }

    #[test]
    fn whoever_stands_at_green_wants_a_road_that_takes_nobody() {
        let lane = Approach { heads: vec![0, 1], ..lane() };
        let wants = |full: fn(u16) -> bool| {
            let coming = VecDeque::from([(Moment(0), 0), (Moment(0), 0)]);
            let mut believed = Believed { shares: vec![0.9, 0.1], coming, ..Believed::default() };
            believed.doubt(&lane, |head| !full(head), full);
            believed.coming.iter().map(|(_, head)| *head).collect::<Vec<u16>>()
        };
        assert_eq!(wants(|head| head == 1), [1, 0], "only the first is seen to stand");
        assert_eq!(wants(|_| false), [0, 0], "both could go: it may be asleep");
        assert_eq!(wants(|_| true), [0, 0], "neither could");
    }
}
