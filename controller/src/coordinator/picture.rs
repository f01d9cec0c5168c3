//! The street as the centre knows it, for a what-if question. Nothing is made up here: what nobody sees is left to
//! whoever fills a street from it.

use super::{Coordinator, OrderKind};
use crate::decide::{Kind, usable};
use model::{
    detection::DetectorKind,
    ids::{JunctionIx, LaneIx},
    time::Moment,
};
use std::collections::BTreeMap;
use wire::what_if::{self, LaneNow, Order, Ordered, Picture, Running};

impl Coordinator {
    /// What is known now of queues, flows and signals.
    pub fn what_if_picture(&self, now: Moment) -> Picture {
        let mut picture = Picture {
            at: now,
            utc_offset_s: self.settings.utc_offset_s,
            lanes: Vec::new(),
            lane_flows: Vec::new(),
            turn_flows: Vec::new(),
            junctions: (0..self.live.len()).map(|i| self.running(JunctionIx::from(i), now)).collect(),
        };
        let mut governed: BTreeMap<(JunctionIx, u16), Vec<u32>> = BTreeMap::new();
        for (m, movement) in (0..).zip(&self.city.network.movements) {
            if let Some(head) = movement.head {
                governed.entry((head.junction, head.index)).or_default().push(m);
            }
        }
        let mut lanes: BTreeMap<LaneIx, LaneNow> = BTreeMap::new();
        for ix in (0..self.live.len()).map(JunctionIx::from) {
            self.add_queues(now, ix, &mut lanes);
            self.add_flows(ix, &governed, &mut picture);
        }
        lanes.into_values().for_each(|lane| picture.add_lane(lane));
        picture
    }

    /// Vehicles before a junction, by lane.
    fn add_queues(&self, now: Moment, ix: JunctionIx, lanes: &mut BTreeMap<LaneIx, LaneNow>) {
        let (junction, site, live) =
            (&self.city.junctions[ix.ix()], &self.sites[ix.ix()], &self.live[ix.ix()]);
        let mut add = |lane, standing: f64, moving: f64, seen_m: f64| {
            let nobody = LaneNow { lane, standing: 0, moving: 0, seen_m: 0 };
            let here = lanes.entry(lane).or_insert(nobody);
            here.standing += standing.round() as u32;
            here.moving += moving.round() as u32;
            here.seen_m = here.seen_m.max(seen_m as u32);
        };
        for detector in junction.detectors.iter().filter(|d| d.kind == DetectorKind::Area) {
            let channel = live.detectors.get(&detector.channel).filter(|c| usable(now, c));
            if let (Some(lane), Some(channel)) = (detector.lane, channel) {
                let standing = channel.last.queue.unwrap_or(0);
                let moving = channel.last.vehicles.unwrap_or(0).saturating_sub(standing);
                let seen_m = site.area(detector.channel).map_or(0.0, |area| area.view_m);
                add(lane, standing.into(), moving.into(), seen_m);
            }
        }
        // Where only loops look, those between them stand.
        for (lane, balance) in site.loops.iter().zip(&self.memories[ix.ix()].balance) {
            let at = lane.stop_line.or(lane.advance).and_then(|c| site.place(c));
            let at = at.and_then(|place| junction.detectors[place].lane);
            if let (Some(lane_ix), Some(queue), true) = (at, balance.queue, lane.areas.is_empty()) {
                add(lane_ix, queue, 0.0, model::detection::ADVANCE_M);
            }
        }
    }

    /// Flows at a junction: of each turn where its vehicles are followed, of the lane otherwise.
    fn add_flows(
        &self,
        ix: JunctionIx,
        governed: &BTreeMap<(JunctionIx, u16), Vec<u32>>,
        picture: &mut Picture,
    ) {
        let (junction, rates) = (&self.city.junctions[ix.ix()], &self.rates[ix.ix()]);
        let mut loops: BTreeMap<LaneIx, f64> = BTreeMap::new();
        let mut turns: BTreeMap<LaneIx, Vec<(u16, f64)>> = BTreeMap::new();
        for (place, detector) in junction.detectors.iter().enumerate() {
            let (Some(lane), Some(per_hour)) = (detector.lane, rates.per_hour(place)) else { continue };
            match (detector.kind, detector.head) {
                (DetectorKind::StopLine, _) => drop(loops.insert(lane, per_hour)),
                (DetectorKind::Advance, _) => drop(loops.entry(lane).or_insert(per_hour)),
                (DetectorKind::Area, Some(head)) => turns.entry(lane).or_default().push((head, per_hour)),
                _ => {}
            }
        }
        for (lane, heads) in turns {
            let followed: f64 = heads.iter().map(|(_, flow)| flow).sum();
            // A loop counts better than one who follows; he knows where they go.
            let scale = match loops.remove(&lane) {
                Some(counted) if followed == 0.0 => {
                    loops.insert(lane, counted);
                    continue;
                }
                Some(counted) => counted / followed,
                None => 1.0,
            };
            for (head, flow) in heads {
                let movements = governed.get(&(ix, head)).map_or(&[][..], Vec::as_slice);
                let each = flow * scale / movements.len().max(1) as f64;
                picture.turn_flows.extend(movements.iter().flat_map(|m| [*m, each.round() as u32]));
            }
        }
        picture.lane_flows.extend(loops.iter().flat_map(|(lane, flow)| [lane.0, flow.round() as u32]));
    }

    fn running(&self, ix: JunctionIx, now: Moment) -> Running {
        let live = &self.live[ix.ix()];
        // Nobody commands it: it runs its own plan.
        let kind = if self.ready(ix, now).is_ok() { live.kind } else { Kind::Fixed };
        let order = live.order_in_force().and_then(|o| {
            let what = match o.order.what {
                OrderKind::Plan(plan) => Ordered::Plan(plan.0),
                OrderKind::Hold(stage) => Ordered::Hold(stage.0),
                OrderKind::Flash => Ordered::Flash,
                // A kind that was ordered is the kind in use.
                OrderKind::Kind(_) | OrderKind::Default => return None,
            };
            Some(Order { what, left_s: o.order.until.since(now).as_secs() as u32 })
        });
        let since = live.stage_since.filter(|_| !live.interstage).unwrap_or(now);
        Running {
            junction: self.city.junctions[ix.ix()].id.as_str().to_owned(),
            kind: on_the_wire(kind),
            order,
            stage: live.stage.map_or(0, |s| s.0),
            for_s: now.since(since).as_secs() as u32,
        }
    }
}

/// A kind of control in the wire's words.
pub(crate) fn on_the_wire(kind: Kind) -> what_if::Kind {
    match kind {
        Kind::Fixed => what_if::Kind::Fixed,
        Kind::Schedule => what_if::Kind::Schedule,
        Kind::Actuated => what_if::Kind::Actuated,
        Kind::MaxPressure => what_if::Kind::MaxPressure,
        Kind::Adaptive => what_if::Kind::Adaptive,
    }
}
