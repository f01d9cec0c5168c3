//! Vehicles put where they were seen, and the usual number of them where nobody looks.

use super::{car, flows::Flows, poisson};
use crate::world::{Spot, World};
use model::{
    city::City,
    demand::VehicleType,
    ids::{LaneIx, LinkIx, MovementIx},
    network::{MOST_PIECES, Modes, Turn},
};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use wire::what_if::LaneNow;

/// Beyond the vehicle's length, so that nobody's tail lies before the road's start, m.
const BEHIND: f64 = 0.1;

/// Speed where nobody looks, as a share of the limit: who comes out of a junction, turns or gives way is slower (0.73 on
/// the unseen links of our generated city, those with queues at give-way lines left out).
const USUAL_SPEED: f64 = 0.75;

/// A street that is being filled, from the stop lines backwards.
pub(super) struct Placing<'a> {
    city: &'a City,
    flows: &'a Flows,
    world: World,
    into: Vec<Vec<MovementIx>>,
    /// By lane: how far from its start the next front may be, m.
    room_to: Vec<f64>,
    /// By lane: from where on it is looked at, m from its start.
    seen_from: Vec<f64>,
    length: f64,
    spacing: f64,
    begin_s: f64,
    names: u64,
}

/// A piece of the road before a stop line.
struct Piece {
    lane: LaneIx,
    /// Looked at from here on, m from its start.
    seen_from: f64,
    /// From this piece to the stop line's.
    links: Vec<LinkIx>,
}

impl<'a> Placing<'a> {
    pub(super) fn new(city: &'a City, flows: &'a Flows, world: World, begin_ms: i64) -> Placing<'a> {
        let kind = VehicleType::car();
        let network = &city.network;
        Placing {
            into: network.movements_into_lanes(),
            room_to: network.lanes.iter().map(|l| l.length_m).collect(),
            seen_from: network.lanes.iter().map(|l| l.length_m).collect(),
            length: kind.length_m,
            spacing: kind.length_m + kind.min_gap_m,
            begin_s: begin_ms as f64 / 1000.0,
            names: 0,
            city,
            flows,
            world,
        }
    }

    /// The street, and how many names were given.
    pub(super) fn done(self) -> (World, u64) {
        (self.world, self.names)
    }

    /// Puts everybody who was seen: first all who stand, then those who move behind them. Gives how many. Who does not fit
    /// on the road waits before it. Lanes that cars may not use are left out.
    pub(super) fn put_seen(&mut self, lanes: &[LaneNow], rng: &mut ChaCha8Rng) -> u32 {
        let roads: Vec<(LaneNow, Vec<Piece>)> = lanes
            .iter()
            .filter(|now| self.city.network.lane(now.lane).allowed.has(Modes::CAR))
            .map(|now| (*now, self.pieces(now.lane, f64::from(now.seen_m))))
            .collect();
        for (_, pieces) in &roads {
            for piece in pieces {
                let from = &mut self.seen_from[piece.lane.ix()];
                *from = from.min(piece.seen_from);
            }
        }
        for (now, pieces) in &roads {
            let rest = pieces
                .iter()
                .fold(now.standing, |left, piece| left - self.fill(piece, now.lane, left, 0.0, true, rng));
            self.wait_outside(now.lane, rest, rng);
        }
        for (now, pieces) in &roads {
            let mut left = now.moving;
            // Anywhere within view; then, where a view is full, as far back as need be.
            let free = |p: &Piece| (self.room_to[p.lane.ix()] - self.lowest(p.seen_from)).max(0.0);
            let free: Vec<f64> = pieces.iter().map(free).collect();
            let mut shares = vec![0; pieces.len()];
            for _ in 0..left {
                let mut at = rng.random_range(0.0..1.0) * free.iter().sum::<f64>();
                let here = free.iter().position(|f| {
                    at -= f;
                    at < 0.0
                });
                shares[here.unwrap_or(0)] += 1;
            }
            for (piece, share) in pieces.iter().zip(shares) {
                left -= self.fill(piece, now.lane, share, piece.seen_from, false, rng);
            }
            let rest = pieces
                .iter()
                .fold(left, |left, piece| left - self.fill(piece, now.lane, left, 0.0, false, rng));
            self.wait_outside(now.lane, rest, rng);
        }
        roads.iter().map(|(now, _)| now.standing + now.moving).sum()
    }

    /// Puts where nobody looks as many as the flow there brings at the usual speed. Gives how many.
    pub(super) fn put_unseen(&mut self, rng: &mut ChaCha8Rng) -> u32 {
        let network = &self.city.network;
        let mut put = 0;
        for (i, link) in network.links.iter().enumerate() {
            let open: Vec<LaneIx> =
                link.lane_ixs().filter(|l| network.lane(*l).allowed.has(Modes::CAR)).collect();
            let per_lane_s = self.flows.along(LinkIx::from(i)) / 3600.0 / open.len().max(1) as f64;
            for lane in open {
                let unseen_m = self.seen_from[lane.ix()];
                let speed = network.lane(lane).speed_limit_mps * USUAL_SPEED;
                let there = poisson(per_lane_s * unseen_m / speed, rng);
                let ahead = self.room_to[lane.ix()].min(unseen_m);
                self.room_to[lane.ix()] = ahead;
                let piece = Piece { lane, seen_from: 0.0, links: vec![LinkIx::from(i)] };
                put += self.fill(&piece, lane, there, 0.0, false, rng);
            }
        }
        put
    }

    /// The lane of a stop line and those that lead to it without a signal, as far back as it is looked at.
    fn pieces(&self, lane: LaneIx, seen_m: f64) -> Vec<Piece> {
        let network = &self.city.network;
        let (mut here, mut left) = (lane, seen_m);
        let mut links = Vec::new();
        let mut pieces = Vec::new();
        for _ in 0..MOST_PIECES {
            let length = network.lane(here).length_m;
            links.insert(0, network.lane(here).link);
            pieces.push(Piece { lane: here, seen_from: (length - left).max(0.0), links: links.clone() });
            left -= length;
            let before = self.into[here.ix()].iter().map(|m| network.movement(*m));
            let leads = |m: &&model::network::Movement| {
                m.head.is_none() && m.turn != Turn::UTurn && network.lane(m.from).allowed.has(Modes::CAR)
            };
            let next = before.filter(leads).min_by_key(|m| (m.turn != Turn::Straight, m.from));
            match next.filter(|m| left > 0.0 && !links.contains(&network.lane(m.from).link)) {
                Some(m) => here = m.from,
                None => break,
            }
        }
        pieces
    }

    fn lowest(&self, from: f64) -> f64 {
        from.max(self.length + BEHIND)
    }

    /// Puts up to `wanted` vehicles on a piece, none farther back than `from`: in a queue, or spread at random. Gives how
    /// many fitted.
    fn fill(
        &mut self,
        piece: &Piece,
        line: LaneIx,
        wanted: u32,
        from: f64,
        stands: bool,
        rng: &mut ChaCha8Rng,
    ) -> u32 {
        let lane = piece.lane;
        let room = self.room_to[lane.ix()] - self.lowest(from);
        if room < 0.0 || wanted == 0 {
            return 0;
        }
        let count = wanted.min((room / self.spacing) as u32 + 1);
        let slack = if stands { 0.0 } else { room - f64::from(count - 1) * self.spacing };
        let mut offsets: Vec<f64> = (0..count).map(|_| rng.random_range(0.0..1.0) * slack).collect();
        offsets.sort_by(f64::total_cmp);
        let front = self.room_to[lane.ix()];
        for (offset, k) in offsets.into_iter().zip(0u32..) {
            let x_m = front - offset - f64::from(k) * self.spacing;
            // Who comes along this lane to that line may only go where the line leads.
            let first = (lane == line || piece.links.len() > 1).then_some(line);
            let links = self.flows.way(&self.city.network, piece.links.clone(), first, rng);
            let trip = car(&mut self.names, self.begin_s, links);
            self.world.place(trip, Spot { lane, x_m, stands });
            self.room_to[lane.ix()] = x_m - self.spacing;
        }
        count
    }

    /// Lets vehicles come in as soon as there is room for them.
    fn wait_outside(&mut self, lane: LaneIx, count: u32, rng: &mut ChaCha8Rng) {
        for _ in 0..count {
            let first = vec![self.city.network.lane(lane).link];
            let links = self.flows.way(&self.city.network, first, Some(lane), rng);
            let trip = car(&mut self.names, self.begin_s, links);
            if let Err(fault) = self.world.insert(trip) {
                tracing::debug!(%fault, "a vehicle that was seen has no way on");
            }
        }
    }
}
