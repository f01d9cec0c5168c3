//! Green waves along the busiest streets: starts from which the climb need not find the offsets one by one.

use super::trial::Plans;
use controller::corridor::{Progression, WaveError, way_back};
use model::{
    city::City,
    ids::{JunctionIx, LinkIx},
};
use std::collections::{BTreeMap, BTreeSet};

/// No corridor passes more signals: what a wave gives fades from one to the next.
const MOST_JUNCTIONS: usize = 12;
/// A corridor goes on while at least this share of its busiest crossing does.
const GOES_ON: f64 = 0.5;
/// Fewer vehicles an hour are no corridor.
const LEAST_FLOW: f64 = 100.0;

/// Vehicles an hour that pass from one link to another, and the signal between them, if there is one.
#[derive(Clone, Copy, Debug, Default)]
struct Passage {
    flow: f64,
    junction: Option<JunctionIx>,
}

type Passages = BTreeMap<LinkIx, BTreeMap<LinkIx, Passage>>;

/// The plans with the offsets of green waves along the busiest streets; `city` runs `plans`, all of one cycle, and
/// `volumes` are vehicles an hour by movement. `None` if there is no street for a wave.
pub(super) fn along_the_busiest(city: &City, plans: &Plans, volumes: &[f64]) -> Option<Plans> {
    let mut waved = plans.clone();
    let mut any = false;
    for corridor in corridors(city, volumes) {
        // A street whose lights never let it through, or whose greens fit no wave, keeps the offsets that it has.
        let Ok(offsets) = offsets(city, plans, &corridor) else { continue };
        for (junction, offset) in offsets {
            waved[junction.ix()].offset = offset;
        }
        any = true;
    }
    any.then_some(waved)
}

struct Corridor {
    links: Vec<LinkIx>,
    flow: f64,
    flow_back: f64,
}

fn offsets(
    city: &City,
    plans: &Plans,
    corridor: &Corridor,
) -> Result<Vec<(JunctionIx, model::time::Tenths)>, WaveError> {
    let cycle = plans[0].cycle();
    let back = way_back(&city.network, &corridor.links);
    let travel_s = |link: LinkIx| city.network.link(link).free_travel_time_s();
    let progression = Progression::along(city, &corridor.links, &back, cycle, travel_s)?;
    Ok(progression.widest(corridor.flow, corridor.flow_back)?.offsets)
}

/// Corridors that share no junction, the busiest first.
fn corridors(city: &City, volumes: &[f64]) -> Vec<Corridor> {
    let (mut onward, mut behind) = (Passages::new(), Passages::new());
    for (m, &flow) in city.network.movements.iter().zip(volumes) {
        let (from, to) = (city.network.lane(m.from).link, city.network.lane(m.to).link);
        for (all, a, b) in [(&mut onward, from, to), (&mut behind, to, from)] {
            let passage = all.entry(a).or_default().entry(b).or_default();
            passage.flow += flow;
            passage.junction = passage.junction.or(m.head.map(|h| h.junction));
        }
    }
    let mut seeds: Vec<(LinkIx, LinkIx, Passage)> =
        onward.iter().flat_map(|(&from, to)| to.iter().map(move |(&to, &p)| (from, to, p))).collect();
    seeds.retain(|(.., p)| p.junction.is_some() && p.flow >= LEAST_FLOW);
    seeds.sort_by(|a, b| b.2.flow.total_cmp(&a.2.flow).then((a.0, a.1).cmp(&(b.0, b.1))));
    let mut used = BTreeSet::new();
    let mut all = Vec::new();
    for (from, to, seed) in seeds {
        if seed.junction.is_some_and(|j| used.contains(&j)) {
            continue;
        }
        let mut mine: BTreeSet<JunctionIx> = seed.junction.into_iter().collect();
        let ahead = follow(&onward, to, seed.flow, &used, &mut mine);
        let mut links = follow(&behind, from, seed.flow, &used, &mut mine);
        links.reverse();
        links.extend([from, to]);
        links.extend(ahead);
        if mine.len() < 2 {
            continue;
        }
        let back = way_back(&city.network, &links);
        let flow_back = back.first().zip(back.get(1)).and_then(|(a, b)| onward.get(a)?.get(b));
        all.push(Corridor { links, flow: seed.flow, flow_back: flow_back.map_or(0.0, |p| p.flow) });
        used.extend(mine);
    }
    all
}

/// Links from `link` on, along the stream that most follow, until it is thin, in another corridor, or in a circle.
fn follow(
    passages: &Passages,
    link: LinkIx,
    flow: f64,
    used: &BTreeSet<JunctionIx>,
    mine: &mut BTreeSet<JunctionIx>,
) -> Vec<LinkIx> {
    let mut links = Vec::new();
    let mut here = link;
    while mine.len() < MOST_JUNCTIONS {
        let Some(next) = passages.get(&here) else { break };
        let Some((&to, passage)) = next.iter().max_by(|a, b| a.1.flow.total_cmp(&b.1.flow)) else { break };
        let closed = passage.junction.is_some_and(|j| used.contains(&j) || mine.contains(&j));
        if passage.flow < GOES_ON * flow || closed || to == link || links.contains(&to) {
            break;
        }
        mine.extend(passage.junction);
        links.push(to);
        here = to;
    }
    links
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{ids::PlanNumber, signal::webster, sketch};

    const STREET: &str = "
     N     O
     |     |
     |     |
W----A-----B----E
     |     |
     |     |
     S     T";

    #[test]
    fn two_signals_on_a_busy_street_get_a_wave() {
        let city = sketch::city(STREET, "AB");
        let order = |j: &model::signal::Junction| j.stages.iter().map(|s| s.number).collect::<Vec<_>>();
        let plans: Plans = city
            .junctions
            .iter()
            .map(|j| webster::plan(j, PlanNumber(1), &order(j), &vec![0.3; j.stages.len()]))
            .collect();
        let mut city = city;
        for (junction, plan) in city.junctions.iter_mut().zip(&plans) {
            junction.plans = vec![plan.clone()];
        }
        let street = ["WA", "AB", "BE"].map(|name| sketch::link(&city.network, name));
        let on_street = |lane| street.contains(&city.network.lane(lane).link);
        let volumes: Vec<f64> = city
            .network
            .movements
            .iter()
            .map(|m| if on_street(m.from) && on_street(m.to) { 600.0 } else { 20.0 })
            .collect();
        let found = corridors(&city, &volumes);
        assert_eq!(found.iter().map(|c| c.links.as_slice()).collect::<Vec<_>>(), [&street[..]]);
        let waved = along_the_busiest(&city, &plans, &volumes).unwrap();
        let progression = |plans: &Plans| {
            let travel_s = |link: LinkIx| city.network.link(link).free_travel_time_s();
            let wave = Progression::along(&city, &street, &[], plans[0].cycle(), travel_s).unwrap();
            wave.with_offsets(&[plans[0].offset, plans[1].offset]).band.lasts_s
        };
        assert!(progression(&waved) > progression(&plans), "{} s", progression(&waved));
        let quiet = vec![10.0; city.network.movements.len()];
        assert!(along_the_busiest(&city, &plans, &quiet).is_none());
    }
}
