//! Ways through the network: the route between two links, and the lanes that lead along it.

use super::road::Road;
use crate::vehicles::{NONE, PATH, UNKNOWN};
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    sync::Arc,
};

/// Added to a route for each movement that must give way, s (duarouter's `--weights.minor-penalty`).
const GIVE_WAY_S: f64 = 1.5;
/// By so much less than on the lane where it shall arrive a trip reaches on the others, m: enough for a driver to change.
const BESIDE_ARRIVAL: f64 = 2.0;
/// How far ahead lanes are compared, links and metres.
const LINKS_AHEAD: usize = 8;
const METRES_AHEAD: f64 = 3000.0;

/// Bounds are kept for as many links of as many targets as this, together.
const MOST_BOUNDS: usize = 1 << 24;

/// Shortest-path search: its working memory, so that a search allocates nothing, and what it has learned of the targets.
#[derive(Clone, Debug, Default)]
pub(crate) struct Search {
    queue: Queue,
    /// By target and mode: how long it is at least from each link, when all roads are free, ms. Links are
    /// never quicker than that, so it leads a search (A*: Hart, Nilsson and Raphael 1968) without another answer.
    bounds: HashMap<(u32, u16), Arc<[u32]>>,
    /// From each link backwards: (link before, movement).
    backwards: Arc<[Vec<(u32, u32)>]>,
}

/// Links in the order in which a search comes to them.
#[derive(Clone, Debug, Default)]
struct Queue {
    cost_ms: Vec<u64>,
    before: Vec<u32>,
    run: Vec<u32>,
    runs: u32,
    /// (cost so far and at least to come, link).
    heap: BinaryHeap<Reverse<(u64, u32)>>,
}

impl Queue {
    fn begin(&mut self, links: usize) {
        self.cost_ms.resize(links, 0);
        self.before.resize(links, NONE);
        self.run.resize(links, 0);
        self.runs += 1;
        self.heap.clear();
    }

    /// Comes to a link from another, with `left_ms` still to come; not if it was reached sooner.
    fn reach(&mut self, link: u32, cost: u64, left_ms: u64, before: u32) {
        let l = link as usize;
        if self.run[l] != self.runs || cost < self.cost_ms[l] {
            self.run[l] = self.runs;
            self.cost_ms[l] = cost;
            self.before[l] = before;
            self.heap.push(Reverse((cost + left_ms, link)));
        }
    }
}

impl Search {
    /// Quickest links from `from` to `to`, both included, for a vehicle of that mode; `None` if there is no way.
    /// `time_s` says how long a link takes, never less than at its limit. Ties go to the lower index.
    pub(crate) fn route(
        &mut self,
        road: &Road,
        from: u32,
        to: u32,
        mode: u16,
        time_s: impl Fn(u32) -> f64,
    ) -> Option<Vec<u32>> {
        let bounds = self.bounds_to(road, to, mode);
        let left_ms = |link: u32| bounds[link as usize];
        let queue = &mut self.queue;
        queue.begin(road.link_lanes.len());
        // A trip may begin where its mode may not drive.
        queue.reach(from, 0, 0, NONE);
        while let Some(Reverse((at_least, link))) = queue.heap.pop() {
            let cost = queue.cost_ms[link as usize];
            if at_least > cost + u64::from(left_ms(link)) {
                continue;
            }
            if link == to {
                let mut route = vec![to];
                while let Some(&last) = route.last().filter(|l| **l != from) {
                    route.push(queue.before[last as usize]);
                }
                route.reverse();
                return Some(route);
            }
            for &(next, movement) in road.next_links(link) {
                if left_ms(next) < u32::MAX {
                    let total = cost + step_ms(road, movement, time_s(next));
                    queue.reach(next, total, u64::from(left_ms(next)), link);
                }
            }
        }
        None
    }

    /// How long it is at least from each link to a target, ms; `u32::MAX` where no way leads there, or where the mode may not be.
    fn bounds_to(&mut self, road: &Road, to: u32, mode: u16) -> Arc<[u32]> {
        if let Some(bounds) = self.bounds.get(&(to, mode)) {
            return bounds.clone();
        }
        let links = road.link_lanes.len();
        if self.backwards.len() != links {
            let mut backwards = vec![Vec::new(); links];
            for link in 0..links as u32 {
                for &(next, movement) in road.next_links(link) {
                    backwards[next as usize].push((link, movement));
                }
            }
            self.backwards = backwards.into();
        }
        if (self.bounds.len() + 1) * links > MOST_BOUNDS {
            self.bounds.clear();
        }
        let mut bounds = vec![u32::MAX; links];
        let may = |link: u32| road.link_lanes[link as usize].clone().any(|lane| road.allows(lane, mode));
        let free_s = |link: u32| road.link_length[link as usize] / road.link_speed[link as usize];
        let queue = &mut self.queue;
        queue.begin(links);
        queue.reach(to, 0, 0, NONE);
        while let Some(Reverse((cost, link))) = queue.heap.pop() {
            if cost > queue.cost_ms[link as usize] {
                continue;
            }
            if may(link) {
                bounds[link as usize] = u32::try_from(cost).unwrap_or(u32::MAX - 1);
                for &(before, movement) in &self.backwards[link as usize] {
                    queue.reach(before, cost + step_ms(road, movement, free_s(link)), 0, NONE);
                }
            }
        }
        let bounds: Arc<[u32]> = bounds.into();
        self.bounds.insert((to, mode), bounds.clone());
        bounds
    }
}

/// What it costs to drive over a movement and along the link that follows, which takes `link_s`, ms.
fn step_ms(road: &Road, movement: u32, link_s: f64) -> u64 {
    let turn_s = road.turn_s[movement as usize];
    ((link_s + turn_s + if road.gives_way[movement as usize] { GIVE_WAY_S } else { 0.0 }) * 1000.0) as u64
}

/// The movements ahead from the lane that a vehicle is on.
pub(crate) struct LanePlan {
    pub(crate) path: [u32; PATH],
    /// The path ends where the trip does.
    pub(crate) arrives: bool,
}

/// Of one lane of the first link: metres that it leads on along the route without a lane change, and vehicles there.
pub(crate) type LaneSums = (f64, u32);

/// A lane of a link ahead.
#[derive(Clone, Copy, Debug)]
struct Cell {
    /// Metres from its start along the route without a lane change; negative where the mode may not drive.
    reach: f64,
    /// Lane changes from there to the lane of its link that reaches farthest.
    changes: u32,
    /// Vehicles on the way.
    crowd: u32,
    /// The movement that leads on; [`NONE`] where none does.
    choice: u32,
}

/// Working memory of [`plan_lanes`].
#[derive(Clone, Debug, Default)]
pub(crate) struct LaneScratch {
    /// By link ahead and lane, a stride for each link.
    cells: Vec<Cell>,
}

impl LaneScratch {
    /// What the last plan found of each lane of its first link, from the kerb.
    pub(crate) fn sums(&self, lanes: usize) -> impl Iterator<Item = LaneSums> {
        self.cells.iter().map(|cell| (cell.reach, cell.crowd)).take(lanes)
    }
}

/// Counts the changes from each lane of a link to the nearest of those that reach farthest.
fn count_changes(lanes: &mut [Cell]) {
    let most = lanes.iter().map(|cell| cell.reach).fold(f64::NEG_INFINITY, f64::max);
    // From the kerb on to the best lane passed, and then back.
    let mut away = u32::MAX;
    for cell in lanes.iter_mut() {
        away = if cell.reach > most - 1.0 { 0 } else { away.saturating_add(1) };
        cell.changes = away;
    }
    for cell in lanes.iter_mut().rev() {
        away = away.saturating_add(1).min(cell.changes);
        cell.changes = away;
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
    let blank = Cell { reach: 0.0, changes: 0, crowd: 0, choice: NONE };
    scratch.cells.clear();
    scratch.cells.resize(ahead * stride, blank);
    for h in (0..ahead).rev() {
        let (cells, beyond) = scratch.cells[h * stride..].split_at_mut(stride);
        let lanes = road.link_lanes[route[h] as usize].clone();
        // The link that follows, and its lane at the kerb.
        let next = route.get(h + 1).map(|link| (*link, road.link_lanes[*link as usize].start));
        let nobody = !lanes.clone().any(|l| road.allows(l, mode));
        let cells = &mut cells[..lanes.len()];
        for (k, (l, cell)) in lanes.zip(cells.iter_mut()).enumerate() {
            if !nobody && !road.allows(l, mode) {
                cell.reach = -1.0;
                continue;
            }
            cell.reach = road.length[l as usize];
            cell.crowd = busy(l) as u32;
            let Some((next, kerb)) = next else {
                if arrival.is_some_and(|lane| usize::from(lane) != k) {
                    cell.reach = (cell.reach - BESIDE_ARRIVAL).max(0.0);
                }
                continue;
            };
            let (mut best, mut best_else, mut crowd) = (f64::NEG_INFINITY, (u32::MAX, usize::MAX), 0);
            for m in road.leaving[l as usize].clone() {
                let to = road.to[m as usize];
                if road.link[to as usize] != next {
                    continue;
                }
                // Beyond the horizon every lane that leads on is as good as another.
                let there = beyond.get((to - kerb) as usize);
                let (reach, changes, on_it) =
                    there.map_or((METRES_AHEAD, 0, 0), |cell| (cell.reach, cell.changes, cell.crowd));
                if reach < 0.0 {
                    continue;
                }
                let or_else = (changes, if h == 0 { busy(to) } else { 0 });
                if reach > best + 0.1 || (reach > best - 0.1 && or_else < best_else) {
                    (best, best_else, crowd) = (reach, or_else, on_it);
                    cell.choice = m;
                }
            }
            if cell.choice != NONE {
                cell.reach += best;
                cell.crowd += crowd;
            }
        }
        count_changes(cells);
    }
    let mut path = [UNKNOWN; PATH];
    let mut at = lane;
    let mut arrives = false;
    for (h, step) in path.iter_mut().enumerate().take(ahead) {
        let m = scratch.cells[h * stride + road.lane_number(at)].choice;
        *step = m;
        if m == NONE {
            arrives = h + 1 == route.len();
            break;
        }
        at = road.to[m as usize];
    }
    LanePlan { path, arrives }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::chance;
    use proptest::prelude::*;

    /// Cost of the quickest way from `from` to each link, by relaxing every step until nothing gets better.
    fn costs_from(road: &Road, from: u32, mode: u16, time_s: impl Fn(u32) -> f64) -> Vec<Option<u64>> {
        let links = road.link_lanes.len() as u32;
        let mut costs = vec![None; links as usize];
        costs[from as usize] = Some(0);
        let mut better = true;
        while std::mem::take(&mut better) {
            for link in 0..links {
                let Some(cost) = costs[link as usize] else { continue };
                for &(next, movement) in road.next_links(link) {
                    let may = road.link_lanes[next as usize].clone().any(|lane| road.allows(lane, mode));
                    let total = cost + step_ms(road, movement, time_s(next));
                    if may && costs[next as usize].is_none_or(|c| total < c) {
                        costs[next as usize] = Some(total);
                        better = true;
                    }
                }
            }
        }
        costs
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        /// However slow the roads have become since the bounds were learned, no way is quicker.
        #[test]
        fn a_route_is_the_quickest_there_is(seed in 0u64..1000, mode in 0u32..4) {
            let city = crate::generator::moscow(60, seed);
            let road = Road::new(&city.network, &city.junctions);
            let (links, mode) = (road.link_lanes.len(), 1 << mode);
            let mut search = Search::default();
            for round in 0..4 {
                let slower = |l: u32| 1.0 + 9.0 * chance(seed, u64::from(l), round).powi(3);
                let time_s = |l: u32| road.link_length[l as usize] / road.link_speed[l as usize] * slower(l);
                let from = (chance(seed, 1, round) * links as f64) as u32;
                let costs = costs_from(&road, from, mode, time_s);
                for k in 0..40 {
                    let to = (chance(seed, k, 7) * links as f64) as u32;
                    let found = search.route(&road, from, to, mode, time_s);
                    let step = |w: &[u32]| {
                        let movement = road.next_links(w[0]).iter().find(|(next, _)| *next == w[1]);
                        movement.map_or(u64::MAX, |(_, m)| step_ms(&road, *m, time_s(w[1])))
                    };
                    let cost = found.map(|route| route.windows(2).map(step).sum::<u64>());
                    prop_assert_eq!(cost, costs[to as usize], "from {} to {}", from, to);
                }
            }
        }
    }
}
