//! Green waves: offsets with which whoever keeps the speed of a corridor meets green at every junction, both
//! ways as far as the distances allow.
//!
//! [`Progression::along`] reads a corridor off the city, [`Progression::widest`] finds the offsets,
//! [`plans`] makes of them the plans that the junctions fall back to. `band` says what really passes.

mod band;
mod milp;
#[cfg(test)]
mod tests;

pub use band::{Band, Green};

use model::{
    city::City,
    ids::{GroupNumber, JunctionIx, LinkIx, StageNumber},
    network::{Movement, Network},
    signal::{Junction, Plan, interstage::Interstage, stretch},
    time::Tenths,
};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Why there is no green wave.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum WaveError {
    /// The corridor passes fewer than two signals.
    #[error("the corridor passes {0} signals; a green wave needs two")]
    TooShort(usize),
    /// A junction has no plan to shift.
    #[error("junction {0} has no plan")]
    NoPlan(String),
    /// Interstages and minimum greens are longer than the common cycle.
    #[error("the plan of junction {junction} does not fit into a cycle of {cycle} s")]
    CycleTooShort {
        /// Which.
        junction: String,
        /// The common cycle.
        cycle: Tenths,
    },
    /// A junction never shows green to those who go along the corridor.
    #[error("junction {0} shows no green along the corridor")]
    NeverGreen(String),
    /// The program was not solved.
    #[error("no offsets were found: {0}")]
    Unsolved(String),
}

/// A junction on a corridor.
#[derive(Clone, PartialEq, Debug)]
pub struct Stop {
    /// Which.
    pub junction: JunctionIx,
    /// Its green for those who go along the corridor; `None` if they pass it without a signal.
    pub green: Option<Green>,
    /// The same for the way back.
    pub green_back: Option<Green>,
}

/// A corridor as a time-space diagram has it: greens, and the time from one to the next.
#[derive(Clone, PartialEq, Debug)]
pub struct Progression {
    /// The cycle that all its junctions keep.
    pub cycle: Tenths,
    /// Its junctions, in driving order of the way out.
    pub stops: Vec<Stop>,
    /// Time from each junction to the next, s; one fewer than `stops`.
    pub travel_s: Vec<f64>,
    /// Time from each junction's successor back to it, s.
    pub travel_back_s: Vec<f64>,
}

/// A design: offsets, and what passes with them.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Wave {
    /// The common cycle.
    pub cycle: Tenths,
    /// Junctions with their offsets, in driving order of the way out.
    pub offsets: Vec<(JunctionIx, Tenths)>,
    /// The way out; its first junction is the first.
    pub band: Band,
    /// The way back; its first junction is the last.
    pub band_back: Band,
    /// Per junction, when the front of each band passes it, s on the corridor's clock: out, then back.
    pub fronts_s: Vec<[f64; 2]>,
}

impl Progression {
    /// The corridor along `links` and, the other way, along `links_back` (may be empty: a one-way street), with
    /// every junction's first plan brought to `cycle`. `travel_s` is the time along a link to its stop line,
    /// free or as detectors measured it; the way across a junction is added at the speed limit. A junction that
    /// only the way back passes is left out.
    pub fn along(
        city: &City,
        links: &[LinkIx],
        links_back: &[LinkIx],
        cycle: Tenths,
        travel_s: impl Fn(LinkIx) -> f64,
    ) -> Result<Progression, WaveError> {
        let (out, back) =
            (passed(&city.network, links, &travel_s), passed(&city.network, links_back, &travel_s));
        if out.len() < 2 {
            return Err(WaveError::TooShort(out.len()));
        }
        let way_back: BTreeMap<JunctionIx, &Passed> = back.iter().map(|p| (p.junction, p)).collect();
        let mut stops = Vec::new();
        for passed in &out {
            let junction = &city.junctions[passed.junction.ix()];
            let plan = brought(junction, cycle)?;
            let green = |p: &Passed| {
                let never = || WaveError::NeverGreen(junction.id.to_string());
                progression_green(junction, &plan, &p.groups).ok_or_else(never)
            };
            let green_back = way_back.get(&passed.junction).map(|p| green(p)).transpose()?;
            stops.push(Stop { junction: passed.junction, green: Some(green(passed)?), green_back });
        }
        let travel_s = out.windows(2).map(|w| w[1].along_s - w[0].along_s).collect();
        // A junction that the way back does not pass holds nobody up there: it stands where its neighbour does.
        let begin_s = out.iter().find_map(|p| way_back.get(&p.junction)).map_or(0.0, |p| p.along_s);
        let places = out.iter().scan(begin_s, |place_s, p| {
            *place_s = way_back.get(&p.junction).map_or(*place_s, |p| p.along_s);
            Some(*place_s)
        });
        let places: Vec<f64> = places.collect();
        let travel_back_s = places.windows(2).map(|w| w[0] - w[1]).collect();
        Ok(Progression { cycle, stops, travel_s, travel_back_s })
    }

    /// The offsets with the widest bands. `flow` and `flow_back`, vehicles per hour, say what each direction is
    /// worth: their ratio is MAXBAND's `k`. The bands are those of the offsets as cabinets keep them, in tenths.
    pub fn widest(&self, flow: f64, flow_back: f64) -> Result<Wave, WaveError> {
        if self.stops.len() < 2 {
            return Err(WaveError::TooShort(self.stops.len()));
        }
        let share_back = (flow_back.max(1.0) / flow.max(1.0)).clamp(LEAST_SHARE, 1.0 / LEAST_SHARE);
        let cycle_s = self.cycle.as_seconds();
        let offsets = milp::offsets_s(self, share_back)?
            .into_iter()
            .map(|s| Tenths((s.rem_euclid(cycle_s) * 10.0).round() as u32 % self.cycle.0.max(1)))
            .collect::<Vec<_>>();
        Ok(self.with_offsets(&offsets))
    }

    /// What passes with given offsets, one per junction.
    pub fn with_offsets(&self, offsets: &[Tenths]) -> Wave {
        let (cycle_s, along) = (self.cycle.as_seconds(), self.along_s());
        let shown = |green: Option<Green>, offset: &Tenths| {
            green.map(|g| Green { begins_s: g.begins_s + offset.as_seconds(), ..g })
        };
        let rows = || self.stops.iter().zip(&along).zip(offsets);
        let out: Vec<(f64, Green)> =
            rows().filter_map(|((s, [t, _]), o)| Some((*t, shown(s.green, o)?))).collect();
        let back: Vec<(f64, Green)> =
            rows().filter_map(|((s, [_, t]), o)| Some((*t, shown(s.green_back, o)?))).collect();
        let (band, band_back) = (band::widest(&out, cycle_s), band::widest(&back, cycle_s));
        Wave {
            cycle: self.cycle,
            offsets: self.stops.iter().map(|s| s.junction).zip(offsets.iter().copied()).collect(),
            band,
            band_back,
            fronts_s: along.iter().map(|[t, u]| [band.begins_s + t, band_back.begins_s + u]).collect(),
        }
    }

    /// Per junction the time from the first junction, and, for the way back, from the last one, s.
    fn along_s(&self) -> Vec<[f64; 2]> {
        let mut out = vec![0.0];
        out.extend(self.travel_s.iter().scan(0.0, |sum, t| {
            *sum += t;
            Some(*sum)
        }));
        let total_back: f64 = self.travel_back_s.iter().sum();
        let mut left = total_back;
        let mut along = Vec::with_capacity(out.len());
        for (i, t) in out.into_iter().enumerate() {
            along.push([t, left]);
            left -= self.travel_back_s.get(i).copied().unwrap_or(0.0);
        }
        along
    }
}

/// A direction is never worth less than this share of the other: few drivers are no reason to stop them everywhere.
const LEAST_SHARE: f64 = 0.1;

/// The plans of a wave's junctions: each one's first plan with the common cycle and its offset. These are what
/// the cabinets fall back to, so that the wave stays when the centre is silent.
pub fn plans(city: &City, wave: &Wave) -> Result<BTreeMap<JunctionIx, Plan>, WaveError> {
    let planned = |(ix, offset): &(JunctionIx, Tenths)| {
        let plan = brought(&city.junctions[ix.ix()], wave.cycle)?;
        Ok((*ix, Plan { offset: *offset, ..plan }))
    };
    wave.offsets.iter().map(planned).collect()
}

/// The links of the opposite direction, in its driving order; empty if one of them has none (a one-way street,
/// a road whose carriageways have junctions of their own).
pub fn way_back(network: &Network, links: &[LinkIx]) -> Vec<LinkIx> {
    let opposite: BTreeMap<_, _> =
        network.links.iter().enumerate().map(|(i, l)| ((l.from, l.to), LinkIx::from(i))).collect();
    let back = |link: &LinkIx| {
        let link = network.link(*link);
        opposite.get(&(link.to, link.from)).copied()
    };
    links.iter().rev().map(back).collect::<Option<Vec<_>>>().unwrap_or_default()
}

/// A signal on the way.
#[derive(Clone, PartialEq, Debug)]
pub struct Passed {
    /// Which.
    pub junction: JunctionIx,
    /// Groups that let traffic go on along the corridor.
    pub groups: Vec<GroupNumber>,
    /// Time from the beginning of the first link to its stop line, s.
    pub along_s: f64,
    /// And how far that is.
    pub along_m: f64,
}

/// The signals at which one passes from each link to the next, in driving order. A junction of several nodes counts
/// once, at its first stop line, where the band is held.
pub fn passed(network: &Network, links: &[LinkIx], travel_s: &impl Fn(LinkIx) -> f64) -> Vec<Passed> {
    let link = |lane| network.lane(lane).link;
    let turns: BTreeSet<(LinkIx, LinkIx)> = links.windows(2).map(|pair| (pair[0], pair[1])).collect();
    let mut movements: BTreeMap<(LinkIx, LinkIx), Vec<&Movement>> = BTreeMap::new();
    for movement in &network.movements {
        let turn = (link(movement.from), link(movement.to));
        if turns.contains(&turn) {
            movements.entry(turn).or_default().push(movement);
        }
    }
    let mut found: Vec<Passed> = Vec::new();
    let (mut along_s, mut along_m) = (0.0, 0.0);
    for pair in links.windows(2) {
        along_s += travel_s(pair[0]);
        along_m += network.link(pair[0]).length_m;
        let here = movements.get(&(pair[0], pair[1])).map_or(&[][..], Vec::as_slice);
        let mut groups: BTreeMap<JunctionIx, Vec<GroupNumber>> = BTreeMap::new();
        for head in here.iter().filter_map(|m| m.head) {
            groups.entry(head.junction).or_default().push(head.group);
        }
        for (junction, groups) in groups {
            if found.iter().all(|p| p.junction != junction) {
                found.push(Passed { junction, groups, along_s, along_m });
            }
        }
        let crossing_s =
            |m: &&Movement| m.length_m / m.speed_limit_mps.unwrap_or(network.lane(m.from).speed_limit_mps);
        along_s += here.iter().map(crossing_s).reduce(f64::min).unwrap_or(0.0);
        along_m += here.iter().map(|m| m.length_m).reduce(f64::min).unwrap_or(0.0);
    }
    found
}

/// The junction's first plan with another cycle.
pub fn brought(junction: &Junction, cycle: Tenths) -> Result<Plan, WaveError> {
    let plan = junction.plans.first().ok_or_else(|| WaveError::NoPlan(junction.id.to_string()))?;
    stretch::to_cycle(junction, plan, cycle)
        .ok_or_else(|| WaveError::CycleTooShort { junction: junction.id.to_string(), cycle })
}

/// The longest time in the cycle in which all the groups are green without a break. It begins when the
/// interstage into its first stage is over and ends when a stage without one of them is asked for.
fn progression_green(junction: &Junction, plan: &Plan, groups: &[GroupNumber]) -> Option<Green> {
    let n = plan.steps.len();
    let serves = |stage: StageNumber| junction.stage(stage).is_some_and(|s| groups.iter().all(|g| s.has(*g)));
    let served: Vec<bool> = plan.steps.iter().map(|s| serves(s.stage)).collect();
    let begins: Vec<f64> = plan
        .steps
        .iter()
        .scan(Tenths::ZERO, |at, step| Some(std::mem::replace(at, *at + step.split).as_seconds()))
        .collect();
    if served.iter().all(|s| *s) {
        return (n > 0).then(|| Green { begins_s: 0.0, lasts_s: plan.cycle().as_seconds() });
    }
    let runs = (0..n).filter(|&i| served[i] && !served[(i + n - 1) % n]).map(|first| {
        let before = plan.steps[(first + n - 1) % n].stage;
        let way_s = Interstage::between(junction, before, plan.steps[first].stage).duration.as_seconds();
        let steps = (0..n).map(|k| (first + k) % n).take_while(|&i| served[i]);
        let lasts_s: f64 = steps.map(|i| plan.steps[i].split.as_seconds()).sum();
        Green { begins_s: begins[first] + way_s, lasts_s: lasts_s - way_s }
    });
    runs.max_by(|a, b| a.lasts_s.total_cmp(&b.lasts_s))
}
