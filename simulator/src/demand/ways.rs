//! Routes for endless trips. A search for each trip would cost too much in a large city, so routes are grown as trees
//! towards destinations, several with different noise: drivers differ in what they know and like, and parallel roads
//! are all used. Trees are renewed as trips go by, so that destinations and drivers change. In a large city a tree ends
//! some way from its destination: hardly anybody comes from farther.

use super::{Places, REACH_M, SHORTEST_TRIP_M};
use model::{
    city::City,
    ids::LinkIx,
    network::{RoadClass, Turn},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::{cmp::Reverse, collections::BinaryHeap};

/// Memory for trees: links over all of them, eight bytes each.
const TREE_ENTRIES: usize = 12_000_000;
/// A tree reaches the links from which its destination is nearest, so many: twenty kilometres around.
const MOST_REACHED: usize = 40_000;
const MOST_TREES: usize = 900;
const FEWEST_TREES: usize = 24;
/// A tree is grown anew after so many trips; in a crowded region, where growing would take longer than driving, after one for
/// each so many vehicles.
const TRIPS_PER_TREE: usize = 60;
const VEHICLES_PER_TRIP: usize = 2_500;
/// Spread of what drivers think a link costs (standard deviation of its logarithm).
const NOISE: f64 = 0.22;
/// What turns cost on top, s: waiting for gaps or arrows.
const LEFT_S: f64 = 14.0;
const RIGHT_S: f64 = 4.0;
const UTURN_S: f64 = 40.0;
/// A signal costs this much more than what is known of its delays, s.
const SIGNAL_S: f64 = 6.0;
/// Destinations that one traveller thinks about, within the reach of a tree.
const THINKS_ABOUT: usize = 10;

#[derive(Clone, Debug)]
pub(super) struct Ways {
    /// For each link: the links that lead to it, and what the turn costs, s.
    before: Vec<Vec<(u32, f32)>>,
    /// Empty-road time of each link, s.
    free_s: Vec<f32>,
    /// What drivers think it costs: dislike of small streets, and the jams they heard of.
    felt_s: Vec<f32>,
    dislike: Vec<f32>,
    trees: Vec<Tree>,
    trips_per_tree: usize,
    thinks_about: usize,
    seed: u64,
    grown: u64,
    /// Trees towards places inside come first, those out of the map behind.
    inside: usize,
}

#[derive(Clone, Debug)]
struct Tree {
    goal: LinkIx,
    /// By link, ascending: the next one towards the goal.
    next: Vec<(u32, u32)>,
    trips: usize,
}

impl Tree {
    fn next(&self, link: LinkIx) -> Option<LinkIx> {
        let place = self.next.binary_search_by_key(&link.0, |(from, _)| *from).ok()?;
        Some(LinkIx(self.next[place].1))
    }
}

impl Ways {
    pub(super) fn new(city: &City, vehicles: usize, seed: u64) -> Ways {
        let network = &city.network;
        let n = network.links.len();
        let mut before: Vec<Vec<(u32, f32)>> = vec![Vec::new(); n];
        for m in &network.movements {
            let (from, to) = (network.lane(m.from).link, network.lane(m.to).link);
            let car = |lane| network.lane(lane).allowed.has(model::network::Modes::CAR);
            if !car(m.from) || !car(m.to) {
                continue;
            }
            let turn = match m.turn {
                Turn::Straight => 0.0,
                Turn::Right => RIGHT_S,
                Turn::Left => LEFT_S,
                Turn::UTurn => UTURN_S,
            };
            let wait = if m.head.is_some() {
                SIGNAL_S
            } else if !m.yields_to.is_empty() {
                5.0
            } else {
                0.0
            };
            before[to.ix()].push((from.0, (turn + wait) as f32));
        }
        for list in &mut before {
            list.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
            list.dedup_by_key(|(from, _)| *from);
        }
        let dislike: Vec<f32> = network
            .links
            .iter()
            .map(|l| match l.class {
                RoadClass::Motorway | RoadClass::Trunk | RoadClass::Primary => 1.0,
                RoadClass::Secondary => 1.0,
                RoadClass::Tertiary => 1.4,
                _ => 2.2,
            })
            .collect();
        let free_s: Vec<f32> = network.links.iter().map(|l| l.free_travel_time_s() as f32).collect();
        let felt_s = free_s.iter().zip(&dislike).map(|(t, d)| t * d).collect();
        Ways {
            trips_per_tree: TRIPS_PER_TREE.max(vehicles / VEHICLES_PER_TRIP),
            thinks_about: THINKS_ABOUT * n.div_ceil(MOST_REACHED).max(1),
            before,
            free_s,
            felt_s,
            dislike,
            trees: Vec::new(),
            seed,
            grown: 0,
            inside: 0,
        }
    }

    /// Chooses destinations and grows the first trees.
    pub(super) fn aim(&mut self, places: &Places, rng: &mut ChaCha8Rng) {
        let n = self.free_s.len().clamp(1, MOST_REACHED);
        let count = (TREE_ENTRIES / n).clamp(FEWEST_TREES, MOST_TREES);
        // At least a third each way, so that whoever leaves and whoever stays has a choice.
        let out = if places.go.is_empty() {
            0
        } else if places.end.is_empty() {
            count
        } else {
            (count as f64 * (places.outside * 0.6).clamp(0.15, 0.6)) as usize
        };
        self.inside = count - out;
        for i in 0..count {
            let to = if i < self.inside { places.end.pick(rng) } else { places.go.pick(rng) };
            let Some(goal) = to.or_else(|| places.end.pick(rng)).or_else(|| places.go.pick(rng)) else {
                return;
            };
            // Grown when first needed.
            self.trees.push(Tree { goal, next: Vec::new(), trips: 0 });
        }
    }

    pub(super) fn links(&self) -> usize {
        self.free_s.len()
    }

    pub(super) fn free_s(&self, link: LinkIx) -> f64 {
        f64::from(self.free_s[link.ix()])
    }

    /// Drivers hear how long links take now; trees that are grown later know it.
    pub(super) fn learn(&mut self, travel_time_s: &[f64]) {
        if travel_time_s.len() != self.free_s.len() {
            return;
        }
        for (i, now) in travel_time_s.iter().enumerate() {
            let free = self.free_s[i];
            let heard = if now.is_finite() { (*now as f32).clamp(free, free * 20.0 + 600.0) } else { free };
            self.felt_s[i] = 0.5 * self.felt_s[i] + 0.5 * heard * self.dislike[i];
        }
    }

    /// Speed over empty-road speed, all links together by their empty-road time; 1 when nothing is known.
    pub(super) fn flowing(&self, travel_time_s: &[f64]) -> f64 {
        // A link that stands still for good should not hide what the others do.
        const WORST: f64 = 12.0;
        if travel_time_s.len() != self.free_s.len() {
            return 1.0;
        }
        let (mut free, mut now) = (0.0, 0.0);
        for (f, t) in self.free_s.iter().map(|f| f64::from(*f)).zip(travel_time_s) {
            free += f;
            now += if t.is_finite() { t.clamp(f, WORST * f) } else { f };
        }
        if now > 0.0 { free / now } else { 1.0 }
    }

    /// Trees grown so far are grown anew when they are next needed.
    pub(super) fn forget(&mut self) {
        for tree in &mut self.trees {
            tree.next.clear();
            tree.trips = 0;
        }
    }

    /// A way from a link to somewhere, chosen by distance; `None` if no place in reach will do.
    pub(super) fn route(
        &mut self,
        places: &Places,
        from: LinkIx,
        to_outside: bool,
        rng: &mut ChaCha8Rng,
    ) -> Option<Vec<LinkIx>> {
        let range = if to_outside && self.inside < self.trees.len() {
            self.inside..self.trees.len()
        } else if self.inside > 0 {
            0..self.inside
        } else {
            0..self.trees.len()
        };
        if range.is_empty() {
            return None;
        }
        // Gravity: among some destinations, near ones are likelier.
        let candidates: Vec<(usize, f64)> = (0..self.thinks_about)
            .map(|_| {
                let i = rng.random_range(range.clone());
                let far = places.apart_m(from, self.trees[i].goal);
                let weight = if far < SHORTEST_TRIP_M { 0.0 } else { (-far / REACH_M).exp() };
                (i, weight)
            })
            .collect();
        let total: f64 = candidates.iter().map(|c| c.1).sum();
        if total <= 0.0 {
            return None;
        }
        let mut x = rng.random_range(0.0..total);
        let mut chosen = candidates[0].0;
        for (i, weight) in candidates {
            if weight > 0.0 {
                chosen = i;
                x -= weight;
                if x <= 0.0 {
                    break;
                }
            }
        }
        if self.trees[chosen].next.is_empty() || self.trees[chosen].trips >= self.trips_per_tree {
            let inside = chosen < self.inside;
            if self.trees[chosen].trips > 0 {
                let fresh = if inside { places.end.pick(rng) } else { places.go.pick(rng) };
                self.trees[chosen].goal = fresh.unwrap_or(self.trees[chosen].goal);
            }
            self.grow(chosen);
            if places.apart_m(from, self.trees[chosen].goal) < SHORTEST_TRIP_M {
                return None;
            }
        }
        let tree = &mut self.trees[chosen];
        tree.trips += 1;
        let mut way = vec![from];
        let mut at = from;
        while at != tree.goal {
            at = tree.next(at)?;
            way.push(at);
        }
        Some(way)
    }

    /// Shortest ways from everywhere to the goal, backwards (Dijkstra), with this tree's own noise.
    fn grow(&mut self, which: usize) {
        let n = self.free_s.len();
        let seed = self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ self.grown;
        self.grown += 1;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        // Log-normal by the sum of four uniform numbers, which is near enough to a bell.
        let noise: Vec<f32> = (0..n)
            .map(|_| {
                let bell: f64 = (0..4).map(|_| rng.random_range(-1.0..1.0)).sum::<f64>() * 0.866;
                (NOISE * bell).exp() as f32
            })
            .collect();
        let mut next: Vec<u32> = vec![u32::MAX; n];
        let mut cost = vec![f32::INFINITY; n];
        let mut open = BinaryHeap::new();
        let tree = &mut self.trees[which];
        let goal = tree.goal.ix();
        tree.trips = 0;
        tree.next.clear();
        cost[goal] = 0.0;
        open.push(Reverse((0_u32, goal as u32)));
        while let Some(Reverse((millis, link))) = open.pop() {
            let i = link as usize;
            if millis > (cost[i] * 1000.0) as u32 {
                continue;
            }
            if i != goal {
                tree.next.push((link, next[i]));
            }
            if tree.next.len() >= MOST_REACHED {
                break;
            }
            let here = cost[i] + self.felt_s[i] * noise[i];
            for &(from, turn) in &self.before[i] {
                let total = here + turn * noise[from as usize];
                if total < cost[from as usize] {
                    cost[from as usize] = total;
                    next[from as usize] = link;
                    open.push(Reverse(((total * 1000.0) as u32, from)));
                }
            }
        }
        tree.next.sort_unstable();
        // A cost that fell by less than a thousandth of a second is taken up twice, with the same link.
        tree.next.dedup_by_key(|(link, _)| *link);
    }
}
