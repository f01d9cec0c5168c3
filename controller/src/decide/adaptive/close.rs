//! Signals so close together that a queue between them stands in both junctions.
//!
//! Whoever waits for a gap on the short road between them keeps those behind in the other junction, where they stand in the way of those
//! before whom the turner waits: such a ring never opens again. So a stage in which somebody would wait there for a gap is not begun if
//! the plans let them go freely in another, and ends in any case when somebody is about to ([`blocks`]); and the search knows that a
//! road whose far side is shut takes nobody ([`shut`]). Who comes next from a signal close by or near is foreseen ([`hand_over`]).
//!
//! Where loops tell all, they tell as much of a short road: somebody who stands on the loop at its line fills it ([`fills`], [`stands`]), and
//! a turner who comes to it may wait there ([`may_block`], [`blocks_now`]).

use super::{
    forecast::{HELD_MPS, Lane, Seen},
    layout::{Approach, Close, Head, Watcher},
};
use crate::{coordinator::ChannelLive, decide::Problem};
use model::ids::StageNumber;

/// Whoever is farther from the stop line than this does not matter to what is sent next, and who is nearer goes over it
/// before anybody could shut the far side, m.
const NEAR_M: f32 = 100.0;
/// Where the signals are not that close, those matter who will be here within half a minute, m before the line there: on a drawn network of
/// short roads at its capacity 146 s of delay with this (four hours), and 229 s when nobody was foreseen; with 100 m and 50 m no better.
const HALF_A_MINUTE_M: f32 = 200.0;
/// A turner who is this near, and traffic before it that is this near, s: to begin a stage, and to go on with it.
const TO_BEGIN_S: [f32; 2] = [15.0, 10.0];
const TO_GO_ON_S: [f32; 2] = [6.0, 4.0];
/// Flows are smoothed over so many seconds before shares are learned from them; how far one second's error moves a share,
/// and the least that a share is.
const SMOOTH_S: f32 = 5.0;
const STEP: f32 = 0.01;
const LEAST_SHARE: f32 = 0.02;
/// With fewer vehicles sent nothing is learned, (vehicles a second) squared.
const LEAST_POWER: f32 = 0.01;
/// A loop covered for so long has somebody on it who stands, s; and for so long, somebody who may go and cannot.
///
/// With loops alone three hours of ten of a network of 21 junctions locked (118 s of delay), each when a bus turned left between two signals 12 m
/// apart; with the rules that follow from these one does in 32 (62.6 s). Without the one for who waits in the green that runs, two in twelve; with
/// that one alone all hours have 75 to 189 s. That a loop was free for 3 s before such a green begins: no difference.
const STANDS_S: u64 = 4;
const LINGERS_S: u64 = 2;

/// How many of those that each head close by or near lets go come here: learned from who appears just behind its stop line.
#[derive(Clone, Debug, Default)]
pub(super) struct Shares(Vec<Share>);

/// Of one head here.
#[derive(Clone, Debug, Default)]
struct Share {
    /// Who came, and by neighbour's head who was sent, vehicles a second, smoothed.
    came: f32,
    sent: Vec<f32>,
    /// By neighbour's head.
    of_sent: Vec<f32>,
}

impl Shares {
    /// Takes one second's picture.
    pub(super) fn tick(&mut self, problem: &Problem, lanes: &[Lane]) {
        let heads = &problem.site.layout.heads;
        self.0.resize_with(heads.len(), Share::default);
        for ((index, head), share) in heads.iter().enumerate().zip(&mut self.0) {
            let Some(head) = head.as_ref().filter(|h| h.all_before().next().is_some()) else { continue };
            if share.of_sent.is_empty() {
                share.of_sent = head.all_before().map(|near| near.guess).collect();
                share.sent = vec![0.0; share.of_sent.len()];
            }
            let line_m = head.all_before().map(|near| near.between_m).fold(f32::INFINITY, f32::min);
            let own = lanes[head.lane].vehicles.iter().filter(|v| usize::from(v.head) == index);
            let came = own.filter(|v| v.distance_m <= line_m && line_m - v.distance_m < v.speed_mps).count();
            let sent = head.all_before().map(|near| {
                let live = problem.city_live.get(near.junction.ix());
                live.map_or(0, |l| l.sent.iter().filter(|h| **h == near.head).count())
            });
            share.learn(came as f32, sent.map(|n| n as f32));
        }
    }

    fn of(&self, head: usize, near: usize) -> f32 {
        self.0.get(head).and_then(|s| s.of_sent.get(near)).copied().unwrap_or(1.0)
    }
}

impl Share {
    /// The normalised least-mean-squares rule (Widrow and Hoff 1960), on smoothed flows, since who was sent in one second
    /// may appear in the next.
    fn learn(&mut self, came: f32, sent: impl Iterator<Item = f32>) {
        self.came += (came - self.came) / SMOOTH_S;
        for (smoothed, sent) in self.sent.iter_mut().zip(sent) {
            *smoothed += (sent - *smoothed) / SMOOTH_S;
        }
        let expected: f32 = self.sent.iter().zip(&self.of_sent).map(|(sent, share)| sent * share).sum();
        let power: f32 = self.sent.iter().map(|sent| sent * sent).sum();
        if power < LEAST_POWER {
            return;
        }
        for (share, sent) in self.of_sent.iter_mut().zip(&self.sent) {
            *share = (*share + STEP * sent * (self.came - expected) / power).clamp(LEAST_SHARE, 1.0);
        }
    }
}

/// Where vehicles are followed, by stage: whether somebody would wait for a gap in it where they stand in another junction, and need not.
///
/// Where the plans let turners go in gaps alone, keeping them from those too cost a third on drawn networks of two-way roads across dual
/// carriageways (ten hours: 33 s instead of 27; actuated control 39 and 641). If such a stage does not even end for them, one hour in six locks.
pub(super) fn blocked(problem: &Problem, lanes: &[Lane]) -> Vec<bool> {
    let blocked = |stage| problem.site.layout.frees_elsewhere(stage) && blocks(problem, lanes, stage, false);
    problem.junction.stages.iter().map(|s| blocked(s.number)).collect()
}

/// Whether somebody would wait for a gap in that stage where they stand in another junction. `runs` if it runs
/// already.
pub(super) fn blocks(problem: &Problem, lanes: &[Lane], stage: StageNumber, runs: bool) -> bool {
    let layout = &problem.site.layout;
    let stage = usize::from(stage.0) - 1;
    let [turner_s, first_s] = if runs { TO_GO_ON_S } else { TO_BEGIN_S };
    let near = |head: u16, within_s: f32| {
        let Some(own) = layout.heads[usize::from(head)].as_ref() else { return false };
        let limit = layout.lanes[own.lane].speed_mps;
        // Somebody long who has passed the line may reach back over it.
        let reaches_back = |v: &Seen| v.speed_mps < HELD_MPS && v.distance_m + v.length_m > 0.0;
        let Lane { vehicles, inside } = &lanes[own.lane];
        vehicles.iter().any(|v| v.head == head && v.arrives_s(limit) < within_s)
            || inside.iter().any(|v| v.head == head && reaches_back(v))
    };
    layout.blocks[stage].iter().any(|&head| {
        let first = layout.heads[usize::from(head)].iter().flat_map(|h| &h.yields_to);
        let mut first = first.filter(|&&o| layout.shows[stage][usize::from(o)].is_go());
        near(head, turner_s) && first.any(|&o| near(o, first_s))
    })
}

/// Whether a head sends traffic to a short road whose far side is shut, or soon will be.
pub(super) fn shut(problem: &Problem, head: &Head) -> bool {
    !head.feeds.is_empty() && !head.feeds.iter().any(|far| lets_out(problem, far))
}

/// Whether the far side of a short road is open and stays so.
fn lets_out(problem: &Problem, far: &Close) -> bool {
    let Some(live) = problem.city_live.get(far.junction.ix()) else { return true };
    live.wanted.or(live.stage).is_none_or(|stage| far.goes(stage))
}

/// Where loops tell all, by stage: whether it fills a short road, or somebody may wait for a gap on one.
pub(super) fn filled_or_blocked(problem: &Problem) -> Vec<bool> {
    let locks = |stage| fills(problem, stage) || may_block(problem, stage);
    problem.junction.stages.iter().map(|s| locks(s.number)).collect()
}

/// Where loops tell all: whether that stage sends traffic to a short road that is shut and on whose loop somebody stands.
pub(super) fn fills(problem: &Problem, stage: StageNumber) -> bool {
    let layout = &problem.site.layout;
    let full = |head: &Head| {
        let line = |near: &Watcher| {
            let live = problem.city_live.get(near.junction.ix())?;
            live.working(problem.now, near.channel)
        };
        let mut lines = layout.outs[head.out].seen_by.iter().filter_map(line);
        shut(problem, head) && lines.any(|line| covered_s(problem, line).is_some_and(|s| s >= STANDS_S))
    };
    let mut heads = layout.heads.iter().zip(&layout.shows[usize::from(stage.0) - 1]);
    heads.any(|(head, aspect)| aspect.is_go() && head.as_ref().is_some_and(full))
}

/// Whether somebody stands on the loop at the line of that lane.
pub(super) fn stands(problem: &Problem, lane: &Approach) -> bool {
    line(problem, lane).and_then(|line| covered_s(problem, line)).is_some_and(|s| s >= STANDS_S)
}

/// Where loops tell all: whether somebody is at the line of a short road who would wait for a gap in that stage.
pub(super) fn may_block(problem: &Problem, stage: StageNumber) -> bool {
    gives_way(problem, stage, |line| line.last.occupied || line.last.count > 0)
}

/// Where loops tell all: whether somebody waits there for a gap in the stage that runs.
pub(super) fn blocks_now(problem: &Problem, running: StageNumber) -> bool {
    gives_way(problem, running, |line| covered_s(problem, line).is_some_and(|s| s >= LINGERS_S))
}

/// Whether that holds of a loop at the line of somebody who gives way on a short road in that stage.
fn gives_way(problem: &Problem, stage: StageNumber, holds: impl Fn(&ChannelLive) -> bool) -> bool {
    let layout = &problem.site.layout;
    if !layout.frees_elsewhere(stage) {
        return false;
    }
    let waiting = layout.blocks[usize::from(stage.0) - 1].iter();
    let mut lanes = waiting.filter_map(|&head| Some(layout.heads[usize::from(head)].as_ref()?.lane));
    lanes.any(|lane| line(problem, &layout.lanes[lane]).is_some_and(&holds))
}

/// The loop at the line of a lane, if it works.
fn line<'a>(problem: &Problem<'a>, lane: &Approach) -> Option<&'a ChannelLive> {
    lane.stop_line.and_then(|c| problem.live.working(problem.now, c))
}

/// For how long a loop has been covered; `None` where it is free.
fn covered_s(problem: &Problem, line: &ChannelLive) -> Option<u64> {
    line.last.occupied.then(|| line.quiet_s(problem.now))
}

/// Puts those on the lanes who come next from a neighbour close by or near: they are not in view yet.
pub(super) fn hand_over(problem: &Problem, shares: &Shares, lanes: &mut [Lane]) {
    for (index, head) in problem.site.layout.heads.iter().enumerate() {
        let Some(head) = head else { continue };
        for (i, near) in head.all_before().enumerate() {
            let Some(live) = problem.city_live.get(near.junction.ix()) else { continue };
            let wish = live.wanted.or(live.stage);
            let channel = near.channel.and_then(|c| live.working(problem.now, c));
            let Some(channel) = channel.filter(|_| wish.is_some_and(|s| near.goes(s))) else { continue };
            let from_m = if head.fed_by.is_empty() { HALF_A_MINUTE_M } else { NEAR_M };
            let coming = channel.sightings.iter().filter(|s| f32::from(s.distance_dm) / 10.0 < from_m);
            lanes[head.lane].vehicles.extend(coming.map(|s| Seen {
                head: index as u16,
                distance_m: (f32::from(s.distance_dm) / 10.0).max(0.0) + near.between_m,
                // They do not stand at this signal.
                speed_mps: (f32::from(s.speed_cmps) / 100.0).max(1.0),
                length_m: f32::from(s.length_dm) / 10.0,
                likely: shares.of(index, i),
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::{
        adaptive::{Layout, Tuning},
        site::{Roads, Site},
    };
    use crate::{coordinator::Live, decide::adaptive::search::Aspect, estimate::Estimate};
    use model::{city::City, detection, ids::JunctionIx, time::Moment};
    use std::collections::BTreeSet;

    const NOW: Moment = Moment(100_000);

    /// Two signals 20 m apart, with loops alone.
    fn pair() -> City {
        let drawing = "\n     N M\n     | |\nW----A-B----E\n     | |\n     S T";
        let mut city = model::sketch::city(drawing, "AB");
        city.junctions.iter_mut().for_each(|j| j.detectors.clear());
        detection::equip(&mut city, detection::Tier::Loops);
        city
    }

    /// What the first signal of the pair makes of it that the second runs a stage in which nobody comes out of the road between them, or
    /// all do, while somebody has stood for so long on the loops at its lines.
    fn ask<T>(
        second: JunctionIx,
        shut: bool,
        stood_s: Option<u64>,
        ask: impl Fn(&Problem, &Layout) -> T,
    ) -> T {
        let city = pair();
        let roads = Roads::new(&city);
        let mut sites: Vec<Site> =
            (0..2).map(|ix| Site::new(&city, JunctionIx::from(ix as usize), &roads)).collect();
        for site in &mut sites {
            // As if everybody who comes along the short road gave way in the first stage.
            let short = (0..)
                .zip(site.layout.heads.clone())
                .filter(|(_, h)| h.as_ref().is_some_and(|h| !h.fed_by.is_empty()));
            site.layout.give_way(0, short.map(|(index, _)| index).collect());
        }
        let first = JunctionIx::from(1 - second.ix());
        let mut live = vec![Live::default(); 2];
        let far =
            sites[first.ix()].layout.heads.iter().flatten().flat_map(|h| &h.feeds).next().expect("close");
        let out = city.junctions[second.ix()].stages.iter().find(|s| far.goes(s.number) != shut);
        live[second.ix()].stage = out.map(|s| s.number);
        for (live, junction) in live.iter_mut().zip(&city.junctions) {
            for detector in &junction.detectors {
                let mut line = ChannelLive { at: Some(NOW), ..ChannelLive::default() };
                line.last.occupied = stood_s.is_some();
                line.stirred = stood_s.map(|s| NOW - std::time::Duration::from_secs(s));
                live.detectors.insert(detector.channel, line);
            }
        }
        let problem = Problem {
            now: NOW,
            junction: &city.junctions[first.ix()],
            site: &sites[first.ix()],
            live: &live[first.ix()],
            city_live: &live,
            tuning: &Tuning::default(),
            estimate: &Estimate::new(&city, &sites),
            utc_offset_s: 0,
            holidays: &BTreeSet::new(),
        };
        ask(&problem, &sites[first.ix()].layout)
    }

    #[test]
    fn nobody_is_sent_onto_a_short_road_where_somebody_stands_before_red() {
        for second in [JunctionIx(0), JunctionIx(1)] {
            let kept_back = |shut, stood_s| {
                ask(second, shut, stood_s, |problem, layout| {
                    let feeds = |h: &Option<Head>| h.as_ref().is_some_and(|h| !h.feeds.is_empty());
                    let sends = |shows: &Vec<Aspect>| {
                        layout.heads.iter().zip(shows).any(|(h, aspect)| feeds(h) && aspect.is_go())
                    };
                    let sending: Vec<bool> = layout.shows.iter().map(sends).collect();
                    assert!(sending.contains(&true));
                    let fills: Vec<bool> =
                        problem.junction.stages.iter().map(|s| fills(problem, s.number)).collect();
                    assert!(fills.iter().zip(&sending).all(|(fills, sends)| *sends || !fills));
                    fills.contains(&true)
                })
            };
            assert!(kept_back(true, Some(10)));
            assert!(!kept_back(true, Some(1)), "somebody who drives over a loop");
            assert!(!kept_back(true, None));
            assert!(!kept_back(false, Some(10)), "it is let out");
        }
    }

    #[test]
    fn nobody_waits_for_a_gap_where_they_stand_in_another_junction() {
        let blocking = |stood_s| {
            ask(JunctionIx(0), true, stood_s, |problem, layout| {
                assert!(!layout.blocks[0].is_empty());
                (may_block(problem, StageNumber(1)), blocks_now(problem, StageNumber(1)))
            })
        };
        assert_eq!(blocking(Some(0)), (true, false), "somebody who comes to the line may wait there");
        assert_eq!(blocking(Some(10)), (true, true));
        assert_eq!(blocking(None), (false, false));
    }

    #[test]
    fn who_comes_from_which_neighbour_is_learned() {
        // Of what one head sends a fifth comes here, of the other everybody.
        let mut share = Share { sent: vec![0.0; 2], of_sent: vec![0.5; 2], ..Share::default() };
        for minute in 0..240 {
            // In turn, as two stages do.
            let first = minute % 2 == 0;
            for second in 0..60 {
                let n = f32::from(u8::from(second % 2 == 0));
                let (a, b) = if first { (n, 0.0) } else { (0.0, n) };
                share.learn(0.2 * a + b, [a, b].into_iter());
            }
        }
        let [a, b] = share.of_sent[..] else { panic!("two heads") };
        assert!((a - 0.2).abs() < 0.1 && b > 0.9, "{a} and {b}");
    }

    #[test]
    fn nothing_is_learned_while_nobody_is_sent() {
        let mut share = Share { sent: vec![0.0], of_sent: vec![0.25], ..Share::default() };
        (0..600).for_each(|_| share.learn(1.0, [0.0].into_iter()));
        assert_eq!(share.of_sent, [0.25]);
    }
}
