//! How full signals would be: flows over what their green can take.

use model::{
    city::City,
    ids::{LinkIx, MovementIx},
    signal::{Plan, interstage::Interstage},
};
use std::collections::BTreeMap;

/// Vehicles an hour from one link to the next.
pub type Flows = BTreeMap<(LinkIx, LinkIx), f64>;

/// Saturation flow of a lane, vehicles an hour of green (HCM's base value, less what streets of a centre lose).
const SATURATION_PER_H: f64 = 1700.0;

/// For each junction, for each group in order: its busiest lane's flow over saturation flow.
pub fn flow_ratios(city: &City, flows: &Flows) -> Vec<Vec<f64>> {
    let network = &city.network;
    let mut lanes_between: BTreeMap<(LinkIx, LinkIx), f64> = BTreeMap::new();
    let link_of = |lane| network.lane(lane).link;
    for m in &network.movements {
        *lanes_between.entry((link_of(m.from), link_of(m.to))).or_insert(0.0) += 1.0;
    }
    // Flow of each lane and group.
    let mut on_lane: BTreeMap<(u32, u16, u32), f64> = BTreeMap::new();
    for i in 0..network.movements.len() {
        let m = network.movement(MovementIx::from(i));
        let Some(head) = m.head else { continue };
        let pair = (link_of(m.from), link_of(m.to));
        let flow = flows.get(&pair).copied().unwrap_or(0.0) / lanes_between[&pair];
        *on_lane.entry((head.junction.0, head.group.0, m.from.0)).or_insert(0.0) += flow;
    }
    let mut ratios: Vec<Vec<f64>> = city.junctions.iter().map(|j| vec![0.0; j.groups.len()]).collect();
    for ((junction, group, _), flow) in on_lane {
        if let Some(ratio) =
            ratios.get_mut(junction as usize).and_then(|r| r.get_mut(usize::from(group).wrapping_sub(1)))
        {
            *ratio = ratio.max(flow / SATURATION_PER_H);
        }
    }
    ratios
}

/// What waiting at signals adds to each link's time, s, under the junctions' own plans: half the red, and far more
/// where flow comes near to what the green takes.
pub(super) fn signal_delays(city: &City, flows: &Flows) -> Vec<f64> {
    let network = &city.network;
    let ratios = flow_ratios(city, flows);
    let mut delays = unsignalled_delays(city, flows);
    let greens: Vec<Vec<f64>> =
        city.junctions.iter().map(|j| j.plans.first().map_or(Vec::new(), |p| green_shares(j, p))).collect();
    for m in &network.movements {
        let Some(head) = m.head else { continue };
        let (j, g) = (head.junction.ix(), usize::from(head.group.0).wrapping_sub(1));
        let (Some(ratio), Some(green)) = (
            ratios.get(j).and_then(|r| r.get(g)),
            greens.get(j).and_then(|r| r.get(g)).filter(|s| **s > 0.0),
        ) else {
            continue;
        };
        let cycle = city.junctions[j].plans[0].cycle().as_seconds();
        let x = ratio / green;
        let red = (1.0 - green) * cycle;
        // Above 0.85 a queue grows over the peak; drivers learn to go elsewhere.
        let full = (x - 0.85).max(0.0) * 300.0;
        let delay = red * red / (2.0 * cycle) + full.min(600.0);
        let link = &mut delays[network.lane(m.from).link.ix()];
        *link = link.max(delay);
    }
    delays
}

/// What waiting for gaps adds where no signal helps, s.
fn unsignalled_delays(city: &City, flows: &Flows) -> Vec<f64> {
    let network = &city.network;
    let mut on_link = vec![0.0; network.links.len()];
    for ((from, _), flow) in flows {
        on_link[from.ix()] += flow;
    }
    // The road that goes first at each node, by the flow on it: gaps in it are what others live on.
    let mut first_flow = vec![0.0_f64; network.links.len()];
    let mut waits = vec![false; network.links.len()];
    for m in network.movements.iter().filter(|m| m.head.is_none()) {
        let from = network.lane(m.from).link;
        for other in &m.yields_to {
            let foe = network.lane(network.movement(*other).from).link;
            if foe != from {
                waits[from.ix()] = true;
                first_flow[from.ix()] = first_flow[from.ix()]
                    .max(on_link[foe.ix()] / network.link(foe).lanes.len().max(1) as f64);
            }
        }
    }
    (0..network.links.len())
        .map(|i| {
            if !waits[i] {
                return 0.0;
            }
            // Exponential gaps (Harders 1968 with a critical gap of 6 s and 3 s for the next one), a lane at a time.
            let q = first_flow[i] / 3600.0;
            let capacity =
                if q < 1e-4 { 1200.0 } else { 3600.0 * q * (-6.0 * q).exp() / (1.0 - (-3.0 * q).exp()) };
            let x = on_link[i] / (capacity.max(60.0) * network.links[i].lanes.len().max(1) as f64);
            3600.0 / capacity.max(60.0) + ((x - 0.7).max(0.0) * 300.0).min(600.0)
        })
        .collect()
}

/// Share of the cycle in which each group is green.
fn green_shares(junction: &model::signal::Junction, plan: &Plan) -> Vec<f64> {
    let cycle = plan.cycle().as_seconds().max(1.0);
    let n = plan.steps.len();
    let mut shares = vec![0.0; junction.groups.len()];
    for (i, step) in plan.steps.iter().enumerate() {
        let before = plan.steps[(i + n - 1) % n].stage;
        let way = Interstage::between(junction, before, step.stage).duration;
        let green = step.split.saturating_sub(way).as_seconds();
        for group in junction.stage(step.stage).map_or(&[][..], |s| &s.green[..]) {
            if let Some(share) = shares.get_mut(usize::from(group.0).wrapping_sub(1)) {
                // Who stays green through the interstage gains that too.
                let stays = junction.stage(before).is_some_and(|s| s.has(*group));
                *share += (green + if stays { way.as_seconds() } else { 0.0 }) / cycle;
            }
        }
    }
    shares
}
