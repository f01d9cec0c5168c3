//! From the flows that somebody measured to one for every turn, and to routes.

use super::MOST_LINKS;
use model::{
    ids::{LaneIx, LinkIx, MovementIx},
    network::{Modes, Network, Turn},
};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::ops::Range;

/// How traffic divides where nobody counts: the middle of what turning counts at urban junctions show.
const STRAIGHT: f64 = 6.0;
const TO_A_SIDE: f64 = 2.0;
/// Rounds in which flows run from link to link: as many as there may be links between two that are measured.
const ROUNDS: usize = 40;

/// A movement, and the lane that it leads to.
type LaneTurn = (MovementIx, LaneIx);

/// A flow is told from about so long a count, s: twice the time constant with which centres smooth.
const COUNTED_S: f64 = 1200.0;

/// Flows of a whole network, veh/h.
#[derive(Clone, Debug)]
pub(super) struct Flows {
    /// By lane: the movements that leave it.
    by_lane: Vec<Range<u32>>,
    /// By movement; none where cars may not go.
    turns: Vec<f64>,
    /// By movement: whether cars may take it.
    open: Vec<bool>,
    /// By link: who comes along it.
    along: Vec<f64>,
    /// By link: who begins there.
    begins: Vec<f64>,
    /// By link: share of those on it who end there.
    ends: Vec<f64>,
    measured: u32,
}

impl Flows {
    pub(super) fn new(
        network: &Network,
        lane_flows: &[(LaneIx, u32)],
        turn_flows: &[(MovementIx, u32)],
    ) -> Flows {
        let by_lane = network.movements_by_lane();
        let mut goes_on = vec![false; network.links.len()];
        for m in network.movements.iter().filter(|m| m.turn != Turn::UTurn) {
            goes_on[network.lane(m.from).link.ix()] = true;
        }
        // Where a road can only be driven back the map ends: who comes there leaves it.
        let open: Vec<bool> = network
            .movements
            .iter()
            .map(|m| {
                let cars = [m.from, m.to].iter().all(|l| network.lane(*l).allowed.has(Modes::CAR));
                cars && goes_on[network.lane(m.from).link.ix()]
            })
            .collect();
        let mut turns = vec![0.0; network.movements.len()];
        let mut known = vec![false; network.movements.len()];
        for &(m, flow) in turn_flows.iter().filter(|(m, _)| open[m.ix()]) {
            (turns[m.ix()], known[m.ix()]) = (f64::from(flow), true);
        }
        let measured = known.iter().filter(|k| **k).count() as u32;
        for &(lane, flow) in lane_flows {
            let mine = || by_lane[lane.ix()].clone().map(|m| m as usize).filter(|m| open[*m]);
            if mine().any(|m| known[m]) {
                continue;
            }
            let all: f64 = mine().map(|m| usual(network, m)).sum();
            for m in mine().collect::<Vec<_>>() {
                turns[m] = f64::from(flow) * usual(network, m) / all.max(1e-9);
                known[m] = true;
            }
        }
        let mut flows = Flows {
            along: vec![0.0; network.links.len()],
            begins: vec![0.0; network.links.len()],
            ends: vec![0.0; network.links.len()],
            by_lane,
            turns,
            open,
            measured,
        };
        for _ in 0..ROUNDS {
            if !flows.run_on(network, &known) {
                break;
            }
        }
        flows.balance(network);
        flows
    }

    pub(super) fn measured_and_assumed(&self) -> (u32, u32) {
        let open = self.open.iter().filter(|o| **o).count() as u32;
        (self.measured, open - self.measured)
    }

    /// Who comes along a link, veh/h.
    pub(super) fn along(&self, link: LinkIx) -> f64 {
        self.along[link.ix()]
    }

    /// Links on which trips begin, with how many an hour.
    pub(super) fn begins(&self) -> impl Iterator<Item = (LinkIx, f64)> + '_ {
        self.begins.iter().enumerate().filter(|(_, n)| **n > 0.0).map(|(i, n)| (LinkIx::from(i), *n))
    }

    /// Movements that leave a lane and that cars may take.
    pub(super) fn leaving(&self, lane: LaneIx) -> impl Iterator<Item = usize> + '_ {
        self.by_lane[lane.ix()].clone().map(|m| m as usize).filter(|m| self.open[*m])
    }

    /// Draws where somebody goes on from the last of `links`, by the flows of the turns. `lane` says that the first turn
    /// must be one of that lane's.
    pub(super) fn way(
        &self,
        network: &Network,
        mut links: Vec<LinkIx>,
        mut lane: Option<LaneIx>,
        rng: &mut ChaCha8Rng,
    ) -> Vec<LinkIx> {
        while let Some(&last) = links.last().filter(|_| links.len() < MOST_LINKS) {
            // Whoever stands at a line goes over it.
            let ends = lane.is_none() && rng.random_range(0.0..1.0) < self.ends[last.ix()];
            if ends {
                break;
            }
            let turns: Vec<LaneTurn> = match lane.take() {
                Some(lane) => self.turns_of(network, lane).collect(),
                None => network.link(last).lane_ixs().flat_map(|l| self.turns_of(network, l)).collect(),
            };
            let Some(to) = self.draw(network, &turns, rng) else { break };
            links.push(network.lane(to).link);
        }
        links
    }

    fn turns_of<'a>(&'a self, network: &'a Network, lane: LaneIx) -> impl Iterator<Item = LaneTurn> + 'a {
        self.leaving(lane).map(|m| (MovementIx::from(m), network.movements[m].to))
    }

    fn draw(&self, network: &Network, turns: &[LaneTurn], rng: &mut ChaCha8Rng) -> Option<LaneIx> {
        let counted: f64 = turns.iter().map(|(m, _)| self.turns[m.ix()]).sum();
        let weight = |m: MovementIx| match counted > 0.0 {
            true => self.turns[m.ix()],
            false => usual(network, m.ix()),
        };
        let mut left = rng.random_range(0.0..1.0) * turns.iter().map(|(m, _)| weight(*m)).sum::<f64>();
        for &(m, to) in turns {
            left -= weight(m);
            if left < 0.0 {
                return Some(to);
            }
        }
        turns.last().map(|(_, to)| *to)
    }

    /// Lets what comes to each link go on over the turns that nobody counts. Whether anything changed much.
    fn run_on(&mut self, network: &Network, known: &[bool]) -> bool {
        let comes = self.comes(network);
        let mut changed = false;
        for (link, comes) in network.links.iter().zip(comes) {
            let mine: Vec<usize> = link.lane_ixs().flat_map(|l| self.leaving(l)).collect();
            let counted: f64 = mine.iter().filter(|m| known[**m]).map(|m| self.turns[*m]).sum();
            let all: f64 = mine.iter().filter(|m| !known[**m]).map(|m| usual(network, *m)).sum();
            for m in mine.into_iter().filter(|m| !known[*m]) {
                let flow = (comes - counted).max(0.0) * usual(network, m) / all.max(1e-9);
                changed |= (flow - self.turns[m]).abs() > 0.5;
                self.turns[m] = flow;
            }
        }
        changed
    }

    /// What leaves a link and did not come to it begins there; what came and does not leave ends there.
    fn balance(&mut self, network: &Network) {
        let comes = self.comes(network);
        for (i, link) in network.links.iter().enumerate() {
            let leaves: f64 = link.lane_ixs().flat_map(|l| self.leaving(l)).map(|m| self.turns[m]).sum();
            let comes = comes[i];
            self.along[i] = leaves.max(comes);
            // A count of n is off by the root of n. What does not exceed that for both together is taken for chance, or
            // every link would have some who begin and others who end there, and trips would be short and many.
            let chance = ((leaves + comes) * 3600.0 / COUNTED_S).sqrt();
            if (leaves - comes).abs() < chance {
                continue;
            }
            self.begins[i] = (leaves - comes).max(0.0);
            self.ends[i] = if comes > leaves { (comes - leaves) / comes } else { 0.0 };
        }
    }

    /// By link: what comes to it over all turns.
    fn comes(&self, network: &Network) -> Vec<f64> {
        let mut comes = vec![0.0; network.links.len()];
        for (m, flow) in network.movements.iter().zip(&self.turns) {
            comes[network.lane(m.to).link.ix()] += flow;
        }
        comes
    }
}

fn usual(network: &Network, movement: usize) -> f64 {
    match network.movements[movement].turn {
        Turn::Straight => STRAIGHT,
        Turn::Left | Turn::Right => TO_A_SIDE,
        // Hardly anybody.
        Turn::UTurn => 1e-3,
    }
}
