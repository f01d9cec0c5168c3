//! Signals so close together that a queue between them stands in both junctions.
//!
//! Such a pair runs like one junction. A stage that sends traffic into the short road between them begins only while
//! the far side lets it out, and the far side shuts only when nobody is sent any more. Whoever is kept from the stage
//! that it wants says so ([`crate::coordinator::Live::held_back`]), and the other makes room: it stops sending, or
//! counts those who would come as coming.

use super::{
    forecast::{Lane, Seen},
    layout::Close,
};
use crate::decide::{Problem, memory::usable};
use model::ids::StageNumber;

/// Whoever is farther from the stop line than this does not matter to what is sent next, m.
const NEAR_M: f32 = 100.0;
/// A turner who is this near, and traffic before it that is this near, s: to begin a stage, and to go on with it.
const TO_BEGIN_S: [f32; 2] = [15.0, 10.0];
const TO_GO_ON_S: [f32; 2] = [6.0, 4.0];
/// After so long the other side is taken not to answer, s.
pub(super) const PATIENCE_S: u8 = 30;

/// By stage: whether it must wait for a neighbour.
pub(super) fn waits(problem: &Problem, lanes: &[Lane], running: StageNumber) -> Vec<bool> {
    let layout = &problem.site.layout;
    let running = usize::from(running.0) - 1;
    let goes = |stage: usize, head: usize| layout.shows[stage][head].is_go();
    let waits = |stage: usize| {
        layout.heads.iter().enumerate().any(|(index, head)| {
            let Some(head) = head else { return false };
            let wanted =
                || lanes[head.lane].vehicles.iter().any(|v| v.head == index as u16 && v.distance_m < NEAR_M);
            let begins = goes(stage, index) && !goes(running, index);
            let ends = !goes(stage, index) && goes(running, index);
            begins
                && !head.feeds.is_empty()
                && wanted()
                && !head.feeds.iter().any(|far| lets_out(problem, far))
                || ends && head.fed_by.iter().any(|near| sends(problem, near))
        })
    };
    (0..layout.shows.len()).map(waits).collect()
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
        lanes[own.lane].vehicles.iter().any(|v| v.head == head && v.arrives_s(limit) < within_s)
    };
    layout.blocks[stage].iter().any(|&head| {
        let first = layout.heads[usize::from(head)].iter().flat_map(|h| &h.yields_to);
        let mut first = first.filter(|&&o| layout.shows[stage][usize::from(o)].is_go());
        near(head, turner_s) && first.any(|&o| near(o, first_s))
    })
}

/// Whether the running stage sends traffic to where a neighbour wants to shut.
pub(super) fn must_stop(problem: &Problem, stage: StageNumber) -> bool {
    let layout = &problem.site.layout;
    let shows = &layout.shows[usize::from(stage.0) - 1];
    layout.heads.iter().enumerate().any(|(index, head)| {
        let Some(head) = head.as_ref().filter(|_| shows[index].is_go()) else { return false };
        head.feeds.iter().any(|far| {
            let live = problem.city_live.get(far.junction.ix());
            let shuts = live.and_then(|l| Some((l.stage?, l.held_back?)));
            shuts.is_some_and(|(here, there)| far.goes(here) && !far.goes(there))
        })
    })
}

/// Whether the far side of a short road is open and stays so.
fn lets_out(problem: &Problem, far: &Close) -> bool {
    let Some(live) = problem.city_live.get(far.junction.ix()) else { return true };
    let stage = live.wanted.or(live.stage);
    let stays = live.held_back.is_none_or(|wish| far.goes(wish));
    stage.is_none_or(|stage| far.goes(stage)) && stays
}

/// Whether the near side of a short road sends somebody.
fn sends(problem: &Problem, near: &Close) -> bool {
    let Some(live) = problem.city_live.get(near.junction.ix()) else { return false };
    let open = live.stage.is_some_and(|s| near.goes(s)) || live.wanted.is_some_and(|s| near.goes(s));
    let channel = near.channel.and_then(|c| live.detectors.get(&c)).filter(|c| usable(problem.now, c));
    let somebody = channel.is_none_or(|c| {
        c.sightings.iter().any(|s| f32::from(s.distance_dm) / 10.0 < NEAR_M)
            || c.sightings.is_empty() && c.last.vehicles.or(c.last.queue).unwrap_or(0) > 0
    });
    open && somebody
}

/// Puts those on the lanes who come next from a neighbour close by: they are not in view yet.
pub(super) fn hand_over(problem: &Problem, lanes: &mut [Lane]) {
    for (index, head) in problem.site.layout.heads.iter().enumerate() {
        let Some(head) = head else { continue };
        for near in &head.fed_by {
            let Some(live) = problem.city_live.get(near.junction.ix()) else { continue };
            let wish = live.held_back.or(live.wanted).or(live.stage);
            let channel =
                near.channel.and_then(|c| live.detectors.get(&c)).filter(|c| usable(problem.now, c));
            let Some(channel) = channel.filter(|_| wish.is_some_and(|s| near.goes(s))) else { continue };
            let coming = channel.sightings.iter().filter(|s| f32::from(s.distance_dm) / 10.0 < NEAR_M);
            lanes[head.lane].vehicles.extend(coming.map(|s| Seen {
                head: index as u16,
                distance_m: (f32::from(s.distance_dm) / 10.0).max(0.0) + near.between_m,
                // They do not stand at this signal.
                speed_mps: (f32::from(s.speed_cmps) / 100.0).max(1.0),
                length_m: f32::from(s.length_dm) / 10.0,
                likely: 1.0,
            }));
        }
    }
}
