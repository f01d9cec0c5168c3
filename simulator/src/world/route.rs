//! Ways through the network: the route between two links, and the lanes that lead along it.

use super::road::Road;
use crate::vehicles::{NONE, PATH, UNKNOWN};
use std::{cmp::Reverse, collections::BinaryHeap};

/// Added to a route for each movement that must give way, s (duarouter's `--weights.minor-penalty`).
const GIVE_WAY_S: f64 = 1.5;
/// By so much less than on the lane where it shall arrive a trip reaches on the others, m: enough for a driver to change.
const BESIDE_ARRIVAL: f64 = 2.0;
/// How far ahead lanes are compared, links and metres.
const LINKS_AHEAD: usize = 8;
const METRES_AHEAD: f64 = 3000.0;

/// Working memory of the shortest-path search; kept so that a search allocates nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Search {
    cost_ms: Vec<u64>,
    before: Vec<u32>,
    run: Vec<u32>,
    runs: u32,
    heap: BinaryHeap<Reverse<(u64, u32)>>,
}

impl Search {
    /// Quickest links from `from` to `to`, both included, for a vehicle of that mode; `None` if there is no way.
    /// `time_s` says how long a link takes. Dijkstra on links; ties go to the lower index.
    pub(crate) fn route(
        &mut self,
        road: &Road,
        from: u32,
        to: u32,
        mode: u16,
        time_s: impl Fn(u32) -> f64,
    ) -> Option<Vec<u32>> {
        self.cost_ms.resize(road.link_lanes.len(), 0);
        self.before.resize(road.link_lanes.len(), NONE);
        self.run.resize(road.link_lanes.len(), 0);
        self.runs += 1;
        self.heap.clear();
        self.reach(from, 0, NONE);
        while let Some(Reverse((cost, link))) = self.heap.pop() {
            if cost > self.cost_ms[link as usize] {
                continue;
            }
            if link == to {
                let mut route = vec![to];
                while let Some(&last) = route.last().filter(|l| **l != from) {
                    route.push(self.before[last as usize]);
                }
                route.reverse();
                return Some(route);
            }
            for &(next, movement) in road.next_links(link) {
                if !road.link_lanes[next as usize].clone().any(|lane| road.allows(lane, mode)) {
                    continue;
                }
                let gives_way = road.conflicts(movement).iter().any(|c| c.yields);
                let turn = road.length[road.way(movement)] / road.speed[road.way(movement)];
                let step = time_s(next) + turn + if gives_way { GIVE_WAY_S } else { 0.0 };
                let total = cost + (step * 1000.0) as u64;
                if self.run[next as usize] != self.runs || total < self.cost_ms[next as usize] {
                    self.reach(next, total, link);
                }
            }
        }
        None
    }

    fn reach(&mut self, link: u32, cost: u64, before: u32) {
        self.run[link as usize] = self.runs;
        self.cost_ms[link as usize] = cost;
        self.before[link as usize] = before;
        self.heap.push(Reverse((cost, link)));
    }
}

/// The movements ahead from the lane that a vehicle is on.
pub(crate) struct LanePlan {
    pub(crate) path: [u32; PATH],
    /// The path ends where the trip does.
    pub(crate) arrives: bool,
}

/// Of one lane of the first link: metres that it leads on along the route without a lane change, and vehicles there.
pub(crate) type LaneSums = (f64, u32);

/// Working memory of [`plan_lanes`].
#[derive(Clone, Debug, Default)]
pub(crate) struct LaneScratch {
    reach: Vec<f64>,
    /// Lane changes from there to the lane of its link that reaches farthest.
    changes: Vec<u32>,
    crowd: Vec<u32>,
    choice: Vec<u32>,
}

impl LaneScratch {
    /// Counts the changes from each lane of a link to the nearest of those that reach farthest.
    fn count_changes(&mut self, first: usize, lanes: usize) {
        let reach = &self.reach[first..first + lanes];
        let most = reach.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        for k in 0..lanes {
            let best = (0..lanes).filter(|l| reach[*l] > most - 1.0);
            self.changes[first + k] = best.map(|l| l.abs_diff(k) as u32).min().unwrap_or(0);
        }
    }

    /// What the last plan found of each lane of its first link, from the kerb.
    pub(crate) fn sums(&self, lanes: usize) -> impl Iterator<Item = LaneSums> {
        self.reach.iter().copied().zip(self.crowd.iter().copied()).take(lanes)
    }
}

/// Plans lanes from lane `lane` along `route` (its first link is the lane's). Backwards over the links ahead: a lane's
/// reach is its own length plus the best reach that a movement from it leads to. On the last link lane `arrival` of it, if one
/// is asked for, reaches a little further than the others. Of lanes that reach as far the one wins from which the best of its link is
/// fewest changes away, then the emptier (`busy`). What it finds of the lanes beside is left in `scratch`.
pub(crate) fn plan_lanes(
    road: &Road,
    route: &[u32],
    lane: u32,
    mode: u16,
    arrival: Option<u16>,
    scratch: &mut LaneScratch,
    busy: impl Fn(u32) -> usize,
) -> LanePlan {
    let stride = road.most_lanes;
    let mut ahead = 1;
    let mut metres = road.link_length[route[0] as usize];
    while ahead < route.len() && ahead < LINKS_AHEAD && metres < METRES_AHEAD {
        metres += road.link_length[route[ahead] as usize];
        ahead += 1;
    }
    scratch.reach.clear();
    scratch.reach.resize(ahead * stride, 0.0);
    scratch.changes.clear();
    scratch.changes.resize(ahead * stride, 0);
    scratch.crowd.clear();
    scratch.crowd.resize(ahead * stride, 0);
    scratch.choice.clear();
    scratch.choice.resize(ahead * stride, NONE);
    for h in (0..ahead).rev() {
        let lanes = road.link_lanes[route[h] as usize].clone();
        let last = h + 1 == route.len();
        let nobody = !lanes.clone().any(|l| road.allows(l, mode));
        for (k, l) in lanes.enumerate() {
            let cell = h * stride + k;
            if !nobody && !road.allows(l, mode) {
                scratch.reach[cell] = -1.0;
                continue;
            }
            let own = road.length[l as usize];
            scratch.reach[cell] = own;
            scratch.crowd[cell] = busy(l) as u32;
            if last {
                if arrival.is_some_and(|lane| usize::from(lane) != k) {
                    scratch.reach[cell] = (own - BESIDE_ARRIVAL).max(0.0);
                }
                continue;
            }
            let next = route[h + 1];
            let (mut best, mut best_else) = (f64::NEG_INFINITY, (u32::MAX, usize::MAX));
            for m in road.leaving[l as usize].clone() {
                let to = road.to[m as usize];
                if road.link[to as usize] != next {
                    continue;
                }
                // Beyond the horizon every lane that leads on is as good as another.
                let (beyond, changes) = if h + 1 < ahead {
                    let there = (h + 1) * stride + road.lane_number(to);
                    (scratch.reach[there], scratch.changes[there])
                } else {
                    (METRES_AHEAD, 0)
                };
                if beyond < 0.0 {
                    continue;
                }
                let or_else = (changes, if h == 0 { busy(to) } else { 0 });
                if beyond > best + 0.1 || (beyond > best - 0.1 && or_else < best_else) {
                    (best, best_else) = (beyond, or_else);
                    scratch.choice[cell] = m;
                }
            }
            if scratch.choice[cell] != NONE {
                scratch.reach[cell] = own + best;
                if h + 1 < ahead {
                    let to = road.to[scratch.choice[cell] as usize];
                    scratch.crowd[cell] += scratch.crowd[(h + 1) * stride + road.lane_number(to)];
                }
            }
        }
        scratch.count_changes(h * stride, road.link_lanes[route[h] as usize].len());
    }
    let mut path = [UNKNOWN; PATH];
    let mut at = lane;
    let mut arrives = false;
    for (h, step) in path.iter_mut().enumerate().take(ahead) {
        let m = scratch.choice[h * stride + road.lane_number(at)];
        *step = m;
        if m == NONE {
            arrives = h + 1 == route.len();
            break;
        }
        at = road.to[m as usize];
    }
    LanePlan { path, arrives }
}
