//! Signals for a junction that has none in its data: heads, groups, conflicts, intergreens, stages and a plan,
//! from the geometry of its movements.
//!
//! The rules of thumb are those of the guidelines that engineers start from (RiLSA 2015 for clearance, HCM
//! for walking speed, GOST R 52289 for flashing green and red-amber); an engineer would then go and look.

use super::{GroupKind, Intergreens, Junction, SignalGroup, Stage, webster};
use crate::{
    geo::LonLat,
    ids::{
        DistrictId, GroupNumber, JunctionId, JunctionIx, LinkIx, MovementIx, NodeIx, PlanNumber, StageNumber,
    },
    network::{
        Head, Modes, Name, Network, RoadClass, Turn,
        junctions::{facing, heading_in, movements_by_node, signalled_right_of_way},
    },
    time::Tenths,
};
use std::collections::{BTreeMap, BTreeSet};

/// What lamps do in a country between red and green, and what people there are given time for.
#[derive(Clone, PartialEq, Debug)]
pub struct SignalHabits {
    /// Flashing green of vehicle groups, before amber.
    pub flashing_green: Tenths,
    /// Amber of vehicle groups.
    pub amber: Tenths,
    /// Red-amber of vehicle groups.
    pub red_amber: Tenths,
    /// Minimum green of vehicle groups.
    pub min_green: Tenths,
    /// Minimum green of pedestrian groups, before it flashes.
    pub pedestrian_min_green: Tenths,
    /// Pace for which pedestrian clearance is enough, m/s.
    pub walking_mps: f64,
    /// Longest red with a call waiting, vehicles.
    pub max_red: Tenths,
    /// Longest red with a call waiting, people on foot.
    pub pedestrian_max_red: Tenths,
    /// Whether pedestrian groups are made at all.
    pub pedestrians: bool,
}

impl SignalHabits {
    /// Russia: three seconds of flashing green, three of amber, one of red-amber.
    pub fn russian() -> Self {
        Self { flashing_green: Tenths::seconds(3), red_amber: Tenths::seconds(1), ..Self::plain() }
    }

    /// Most of southern Europe: green, amber, red, green.
    pub fn plain() -> Self {
        Self {
            flashing_green: Tenths::ZERO,
            amber: Tenths::seconds(3),
            red_amber: Tenths::ZERO,
            min_green: Tenths::seconds(7),
            pedestrian_min_green: Tenths::seconds(6),
            walking_mps: 1.3,
            max_red: Tenths::seconds(180),
            pedestrian_max_red: Tenths::seconds(120),
            pedestrians: true,
        }
    }
}

/// A place that is to get signals.
#[derive(Clone, PartialEq, Debug)]
pub struct Site {
    /// The TLC's id.
    pub id: JunctionId,
    /// For people; empty lets the crossing streets name it.
    pub name: Name,
    /// Who owns it.
    pub district: DistrictId,
    /// Its nodes, usually one: merge the crossings of divided roads first
    /// ([`crate::network::junctions::merge_nodes`]).
    pub nodes: Vec<NodeIx>,
}

/// How long a vehicle is, and how fast it clears a junction: RiLSA 2015, 2.7.3 (`l = 6 m`, `v = 10 m/s`).
const CLEARING_LENGTH_M: f64 = 6.0;
const CLEARING_MPS: f64 = 10.0;
/// A vehicle that starts needs this long to the conflict point at the least.
const ENTERING_S: f64 = 1.0;
/// More all-red than this helps nobody: drivers learn that amber is long.
const MOST_ALL_RED_S: f64 = 4.0;
/// Most that the assumed flow ratios may add up to: a busy hour, not a jam.
const MOST_LOAD: f64 = 0.8;

/// Designs signals for every site and puts their heads on the network's movements. Returns the junctions in
/// the order of `sites`, each passing [`Junction::faults`]; a site where nothing enters is left out and
/// gets no heads. `first` is the index that the first junction will have in the city.
pub fn signalise(
    network: &mut Network,
    sites: &[Site],
    habits: &SignalHabits,
    first: JunctionIx,
) -> Vec<Junction> {
    let nodes: Vec<NodeIx> = sites.iter().flat_map(|s| s.nodes.iter().copied()).collect();
    signalled_right_of_way(network, &nodes);
    let by_node = movements_by_node(network);
    let mut junctions = Vec::new();
    for site in sites {
        let ix = JunctionIx(first.0 + junctions.len() as u32);
        let movements: Vec<MovementIx> =
            site.nodes.iter().filter_map(|n| by_node.get(n)).flatten().copied().collect();
        let here: BTreeSet<NodeIx> = site.nodes.iter().copied().collect();
        // Between the nodes of one site nothing stands at a stop line of its own.
        let entering =
            |m: &MovementIx| !here.contains(&network.link(network.lane(network.movement(*m).from).link).from);
        let movements: Vec<MovementIx> = movements.into_iter().filter(entering).collect();
        if movements.is_empty() {
            continue;
        }
        let draft = Draft::of(network, movements, habits);
        for (index, &m) in draft.movements.iter().enumerate() {
            let group = draft.of_movement[index];
            network.movements[m.ix()].head = Some(Head { junction: ix, group, index: index as u16 });
        }
        junctions.push(draft.junction(network, site, habits));
    }
    junctions
}

/// Where a group comes from.
#[derive(Clone, Debug)]
enum Origin {
    /// All movements of an approach, or all but its left turns.
    Approach(LinkIx),
    /// The left turns of an approach that has lanes of their own for them.
    Left(LinkIx),
    /// People who cross an arm: the link that comes in there, the link that leaves, metres to walk.
    Crossing { inbound: Option<LinkIx>, outbound: Option<LinkIx>, width_m: f64 },
}

/// A junction being designed.
struct Draft {
    movements: Vec<MovementIx>,
    of_movement: Vec<GroupNumber>,
    origins: Vec<Origin>,
    kinds: Vec<GroupKind>,
    /// Movements of each group.
    members: Vec<Vec<MovementIx>>,
    /// Pairs that may not be green together, both ways round.
    conflicts: BTreeSet<(usize, usize)>,
    /// Approaches in pairs that face one another, best road first.
    axes: Vec<Vec<LinkIx>>,
}

impl Draft {
    fn of(network: &Network, movements: Vec<MovementIx>, habits: &SignalHabits) -> Draft {
        let link_of = |m: MovementIx| network.lane(network.movement(m).from).link;
        let mut approaches: Vec<LinkIx> = movements.iter().map(|&m| link_of(m)).collect();
        approaches.sort();
        approaches.dedup();
        let mut draft = Draft {
            of_movement: Vec::new(),
            origins: Vec::new(),
            kinds: Vec::new(),
            members: Vec::new(),
            conflicts: BTreeSet::new(),
            axes: axes(network, &approaches),
            movements,
        };
        let is_left = |m: MovementIx| matches!(network.movement(m).turn, Turn::Left | Turn::UTurn);
        for &approach in draft.axes.clone().iter().flatten() {
            let own: Vec<MovementIx> =
                draft.movements.iter().copied().filter(|&m| link_of(m) == approach).collect();
            // A left turn can have its own signal only where no lane is shared with another direction.
            let shared = own.iter().any(|&a| {
                is_left(a)
                    && own
                        .iter()
                        .any(|&b| !is_left(b) && network.movement(a).from == network.movement(b).from)
            });
            let (left, other): (Vec<_>, Vec<_>) = own.into_iter().partition(|&m| is_left(m));
            if shared || left.is_empty() || other.is_empty() {
                draft.group(network, Origin::Approach(approach), [other, left].concat());
            } else {
                draft.group(network, Origin::Approach(approach), other);
                draft.group(network, Origin::Left(approach), left);
            }
        }
        if habits.pedestrians {
            draft.crossings(network);
        }
        let group_of: BTreeMap<MovementIx, usize> =
            draft.members.iter().enumerate().flat_map(|(g, ms)| ms.iter().map(move |&m| (m, g))).collect();
        draft.of_movement = draft.movements.iter().map(|m| GroupNumber(group_of[m] as u16 + 1)).collect();
        for i in 0..draft.origins.len() {
            for k in i + 1..draft.origins.len() {
                if draft.excludes(network, i, k) {
                    draft.conflicts.extend([(i, k), (k, i)]);
                }
            }
        }
        draft
    }

    fn group(&mut self, network: &Network, origin: Origin, members: Vec<MovementIx>) {
        let users = members
            .iter()
            .fold(Modes::NONE, |all, m| all.with(network.lane(network.movement(*m).from).allowed));
        let kind = match origin {
            Origin::Crossing { .. } => GroupKind::Pedestrians,
            _ if users.any(Modes::MOTOR) => GroupKind::Vehicles,
            _ if users.any(Modes::TRAM) => GroupKind::Trams,
            _ if users.any(Modes::BICYCLE) => GroupKind::Cyclists,
            _ => GroupKind::Vehicles,
        };
        self.origins.push(origin);
        self.kinds.push(kind);
        self.members.push(members);
    }

    /// One pedestrian group for each arm on which somebody may walk beside the traffic.
    /// Where nothing else could need a light, there must be somebody walking.
    fn crossings(&mut self, network: &Network) {
        let vehicles = self.origins.len();
        let lonely = (0..vehicles).all(|i| (i + 1..vehicles).all(|k| !self.excludes(network, i, k)));
        let link_of = |lane| network.lane(lane).link;
        let inbound: BTreeSet<LinkIx> =
            self.movements.iter().map(|&m| link_of(network.movement(m).from)).collect();
        let mut outbound: BTreeSet<LinkIx> =
            self.movements.iter().map(|&m| link_of(network.movement(m).to)).collect();
        let mut arms: Vec<(Option<LinkIx>, Option<LinkIx>)> = Vec::new();
        for a in inbound {
            let link = network.link(a);
            let back = outbound.iter().copied().find(|&b| {
                let other = network.link(b);
                other.to == link.from
            });
            // One carriageway each of a divided road: same name, nearly the same line.
            let back = back.or_else(|| {
                outbound.iter().copied().find(|&b| {
                    let other = network.link(b);
                    let apart = crate::network::junctions::turned(
                        heading_in(network, a) + 180.0,
                        crate::network::junctions::heading_out(network, b),
                    );
                    apart.abs() < 25.0 && (link.name.is_some() && link.name == other.name)
                })
            });
            if let Some(b) = back {
                outbound.remove(&b);
            }
            arms.push((Some(a), back));
        }
        arms.extend(outbound.into_iter().map(|b| (None, Some(b))));
        // Where a road only runs on, people cross it once, not before and behind the stop lines.
        let turns = self.movements.iter().any(|&m| network.movement(m).turn != Turn::Straight);
        if arms.len() == 2 && (!turns || lonely) {
            arms.truncate(1);
        }
        for (inbound, outbound) in arms {
            let links = || inbound.iter().chain(&outbound).map(|l| network.link(*l));
            let walked = links().all(|l| l.access.any(Modes::WALK) && l.class > RoadClass::Trunk);
            if !walked && !lonely {
                continue;
            }
            let width_m: f64 = links()
                .flat_map(|l| l.lane_ixs())
                .map(|lane| network.lane(lane).width_m)
                .sum::<f64>()
                .max(3.0);
            self.group(network, Origin::Crossing { inbound, outbound, width_m }, Vec::new());
        }
    }

    /// Whether two groups may never be green together.
    fn excludes(&self, network: &Network, i: usize, k: usize) -> bool {
        match (&self.origins[i], &self.origins[k]) {
            (Origin::Crossing { .. }, Origin::Crossing { .. }) => false,
            (Origin::Crossing { inbound, outbound, .. }, _) => {
                self.walked_over(network, *inbound, *outbound, k)
            }
            (_, Origin::Crossing { inbound, outbound, .. }) => {
                self.walked_over(network, *inbound, *outbound, i)
            }
            (a, b) => {
                let protected = matches!(a, Origin::Left(_)) || matches!(b, Origin::Left(_));
                self.members[i].iter().any(|&m| {
                    let movement = network.movement(m);
                    movement.crosses.iter().filter(|x| self.members[k].contains(x)).any(|&x| {
                        // An ordinary left turn waits for oncoming traffic on its own green.
                        let waits = |a: MovementIx, b: MovementIx| {
                            let (ma, mb) = (network.movement(a), network.movement(b));
                            matches!(ma.turn, Turn::Left | Turn::UTurn)
                                && ma.yields_to.contains(&b)
                                && facing(network, network.lane(ma.from).link, network.lane(mb.from).link)
                        };
                        protected || !(waits(m, x) || waits(x, m))
                    })
                })
            }
        }
    }

    /// Whether a vehicle group drives over a crossing in a way that must not happen while people walk:
    /// out of that arm, or into it straight or with a protected turn. Other turns give way to them.
    fn walked_over(
        &self,
        network: &Network,
        inbound: Option<LinkIx>,
        outbound: Option<LinkIx>,
        group: usize,
    ) -> bool {
        let protected = matches!(self.origins[group], Origin::Left(_));
        self.members[group].iter().any(|&m| {
            let m = network.movement(m);
            let (from, to) = (network.lane(m.from).link, network.lane(m.to).link);
            Some(from) == inbound || Some(to) == outbound && (m.turn == Turn::Straight || protected)
        })
    }

    fn conflict(&self, i: usize, k: usize) -> bool {
        self.conflicts.contains(&(i, k))
    }

    /// Sets of groups that are green together. For each axis: the roads that face each other, then their
    /// protected left turns; whatever conflicts inside such a set gets a stage of its own. People on foot
    /// walk wherever they can, and get a stage if they can nowhere.
    fn stages(&self) -> Vec<Vec<usize>> {
        let mut sets: Vec<Vec<usize>> = Vec::new();
        let mut add = |wanted: Vec<usize>| {
            let mut rest = wanted;
            while !rest.is_empty() {
                let mut set: Vec<usize> = Vec::new();
                rest.retain(|&g| {
                    let fits = !set.iter().any(|&s| self.conflict(s, g));
                    if fits {
                        set.push(g);
                    }
                    !fits
                });
                sets.push(set);
            }
        };
        for axis in &self.axes {
            let of = |is: fn(&Origin) -> Option<LinkIx>| -> Vec<usize> {
                (0..self.origins.len())
                    .filter(|&g| is(&self.origins[g]).is_some_and(|l| axis.contains(&l)))
                    .collect()
            };
            add(of(|o| if let Origin::Approach(l) = o { Some(*l) } else { None }));
            add(of(|o| if let Origin::Left(l) = o { Some(*l) } else { None }));
        }
        let on_foot: Vec<usize> =
            (0..self.origins.len()).filter(|&g| self.kinds[g] == GroupKind::Pedestrians).collect();
        let vehicles = 0..self.origins.len();
        for set in &mut sets {
            // More vehicle groups than planned for can often run too, such as the other approach's lefts.
            for g in vehicles
                .clone()
                .filter(|g| self.kinds[*g] != GroupKind::Pedestrians)
                .chain(on_foot.iter().copied())
            {
                if !set.contains(&g) && !set.iter().any(|&s| self.conflict(s, g)) {
                    set.push(g);
                }
            }
            set.sort();
        }
        let mut seen = BTreeSet::new();
        sets.retain(|s| seen.insert(s.clone()));
        let alone: Vec<usize> = on_foot.into_iter().filter(|g| !sets.iter().any(|s| s.contains(g))).collect();
        if !alone.is_empty() {
            sets.push(alone);
        }
        sets
    }

    fn junction(&self, network: &Network, site: &Site, habits: &SignalHabits) -> Junction {
        let number = |i: usize| GroupNumber(i as u16 + 1);
        let groups: Vec<SignalGroup> =
            (0..self.origins.len()).map(|i| self.signal_group(network, i, habits)).collect();
        let mut intergreens = Intergreens::default();
        for &(i, k) in &self.conflicts {
            intergreens.set(number(i), number(k), self.clearance(network, i, &groups[i]));
        }
        let stages: Vec<Stage> = self
            .stages()
            .into_iter()
            .enumerate()
            .map(|(n, set)| Stage {
                number: StageNumber(n as u16 + 1),
                permissive: set
                    .iter()
                    .copied()
                    .filter(|&g| self.gives_way(network, g, &set))
                    .map(number)
                    .collect(),
                green: set.into_iter().map(number).collect(),
            })
            .collect();
        // Heads: one for each movement, then one for each crossing, so that every group has one.
        let crossings =
            (0..self.origins.len()).filter(|&i| self.kinds[i] == GroupKind::Pedestrians).map(number);
        let heads = self.of_movement.iter().copied().chain(crossings).collect();
        let name =
            if site.name.local.is_empty() { self.street_names(network, site) } else { site.name.clone() };
        let mut junction = Junction {
            id: site.id.clone(),
            source_id: None,
            name,
            district: site.district.clone(),
            at: middle(network, &site.nodes),
            groups,
            heads,
            intergreens,
            stages,
            plans: Vec::new(),
            schedule: Vec::new(),
            detectors: Vec::new(),
        };
        let order: Vec<StageNumber> = junction.stages.iter().map(|s| s.number).collect();
        let plan = webster::plan(&junction, PlanNumber(1), &order, &self.flow_ratios(network, &junction));
        junction.plans.push(plan);
        junction
    }

    fn signal_group(&self, network: &Network, i: usize, habits: &SignalHabits) -> SignalGroup {
        let number = GroupNumber(i as u16 + 1);
        let street = |l: &LinkIx| network.link(*l).name.clone().unwrap_or_default();
        let marked = |mut name: Name, mark: &str| {
            let add = |text: &mut String| *text = format!("{text} {mark}").trim_start().to_string();
            add(&mut name.local);
            name.en.iter_mut().for_each(add);
            name
        };
        if let Origin::Crossing { inbound, outbound, width_m } = &self.origins[i] {
            // People who start at the last moment of steady green can still reach the other side.
            let walk = Tenths::seconds((width_m / habits.walking_mps).ceil() as u32);
            return SignalGroup {
                number,
                kind: GroupKind::Pedestrians,
                name: marked(inbound.as_ref().or(outbound.as_ref()).map(street).unwrap_or_default(), "🚶"),
                min_green: habits.pedestrian_min_green,
                max_red: habits.pedestrian_max_red,
                flashing_green: walk.max(Tenths::seconds(3)),
                amber: Tenths::ZERO,
                red_amber: Tenths::ZERO,
                turn_on_red: false,
            };
        }
        let turns: BTreeSet<Turn> = self.members[i].iter().map(|&m| network.movement(m).turn).collect();
        let arrows: String = turns.iter().map(|t| arrow(*t)).collect();
        let name = match &self.origins[i] {
            Origin::Approach(l) | Origin::Left(l) => marked(street(l), &arrows),
            Origin::Crossing { .. } => Name::default(),
        };
        SignalGroup {
            number,
            kind: self.kinds[i],
            name,
            min_green: habits.min_green,
            max_red: habits.max_red,
            flashing_green: habits.flashing_green,
            amber: habits.amber,
            red_amber: habits.red_amber,
            turn_on_red: false,
        }
    }

    /// Clearance after a group's green: amber, and then the time in which its last vehicle gets out of the
    /// way, less the time in which the first of the others arrives (RiLSA 2015, 2.7).
    fn clearance(&self, network: &Network, ending: usize, group: &SignalGroup) -> Tenths {
        if group.kind == GroupKind::Pedestrians {
            // Flashing green has already seen them across.
            return Tenths::seconds(1);
        }
        let longest = self.members[ending].iter().map(|&m| network.movement(m).length_m).fold(0.0, f64::max);
        let all_red =
            ((longest + CLEARING_LENGTH_M) / CLEARING_MPS - ENTERING_S).ceil().clamp(0.0, MOST_ALL_RED_S);
        group.amber + Tenths::seconds(all_red as u32)
    }

    /// Whether something in a group must give way to something else that is green in the same stage.
    fn gives_way(&self, network: &Network, group: usize, set: &[usize]) -> bool {
        let others: BTreeSet<MovementIx> =
            set.iter().filter(|&&g| g != group).flat_map(|&g| self.members[g].iter().copied()).collect();
        self.members[group].iter().any(|&m| network.movement(m).yields_to.iter().any(|x| others.contains(x)))
    }

    /// Assumed flow over saturation flow, by the size of the roads: nobody has counted yet.
    fn flow_ratios(&self, network: &Network, junction: &Junction) -> Vec<f64> {
        let weight = |g: &GroupNumber| match &self.origins[usize::from(g.0) - 1] {
            Origin::Approach(l) => assumed_flow_ratio(network.link(*l).class),
            Origin::Left(l) => 0.4 * assumed_flow_ratio(network.link(*l).class),
            Origin::Crossing { .. } => 0.0,
        };
        let ratios: Vec<f64> =
            junction.stages.iter().map(|s| s.green.iter().map(weight).fold(0.0, f64::max)).collect();
        let sum: f64 = ratios.iter().sum();
        let scale = (MOST_LOAD / sum.max(1e-9)).min(1.0);
        ratios.iter().map(|y| y * scale).collect()
    }

    fn street_names(&self, network: &Network, site: &Site) -> Name {
        let mut names: Vec<Name> = Vec::new();
        for approach in self.axes.iter().flatten() {
            let name = network.link(*approach).name.iter();
            names.extend(
                name.filter(|n| !names.iter().any(|known| known.local == n.local))
                    .cloned()
                    .collect::<Vec<_>>(),
            );
        }
        names.truncate(3);
        if names.is_empty() {
            return Name::only(site.id.as_str());
        }
        let join = |f: fn(&Name) -> &str| names.iter().map(f).collect::<Vec<_>>().join(" / ");
        let (local, en) = (join(|n| &n.local), join(Name::english));
        if local == en { Name::only(local) } else { Name::new(local, en) }
    }
}

/// `↰` and its like: a name for a turn that needs no language.
fn arrow(turn: Turn) -> char {
    match turn {
        Turn::UTurn => '↶',
        Turn::Left => '↰',
        Turn::Straight => '↑',
        Turn::Right => '↱',
    }
}

/// Flow over saturation flow on one approach at a busy hour.
fn assumed_flow_ratio(class: RoadClass) -> f64 {
    match class {
        RoadClass::Motorway | RoadClass::Trunk => 0.4,
        RoadClass::Primary => 0.35,
        RoadClass::Secondary => 0.28,
        RoadClass::Tertiary => 0.18,
        RoadClass::Residential => 0.1,
        RoadClass::Service | RoadClass::Path | RoadClass::Rail => 0.07,
    }
}

/// Approaches in pairs that face one another; the better road first.
fn axes(network: &Network, approaches: &[LinkIx]) -> Vec<Vec<LinkIx>> {
    let rank = |l: &LinkIx| (network.link(*l).class, std::cmp::Reverse(network.link(*l).lanes.len()), *l);
    let mut left: Vec<LinkIx> = approaches.to_vec();
    left.sort_by_key(rank);
    let mut axes = Vec::new();
    while !left.is_empty() {
        let a = left.remove(0);
        // Of those that face it take the one of the same street, else the best.
        let name = &network.link(a).name;
        let facing: Vec<usize> = (0..left.len()).filter(|&i| facing(network, a, left[i])).collect();
        let same = facing.iter().copied().find(|&i| name.is_some() && &network.link(left[i]).name == name);
        match same.or(facing.first().copied()) {
            Some(i) => axes.push(vec![a, left.remove(i)]),
            None => axes.push(vec![a]),
        }
    }
    axes
}

fn middle(network: &Network, nodes: &[NodeIx]) -> LonLat {
    let n = nodes.len().max(1) as f64;
    let mean = |f: fn(LonLat) -> f64| nodes.iter().map(|&ix| f(network.node(ix).at)).sum::<f64>() / n;
    LonLat { lon: mean(|p| p.lon), lat: mean(|p| p.lat) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sketch;

    /// Groups, stages and the plan of a junction, as a person would want to read them.
    fn show(drawing: &str) -> String {
        let city = sketch::city(drawing, "C");
        assert_eq!(city.faults(), Vec::<String>::new());
        let junction = &city.junctions[0];
        let network = &city.network;
        let mut text = String::new();
        for group in &junction.groups {
            let ways: Vec<String> = network
                .movements
                .iter()
                .filter(|m| m.head.is_some_and(|h| h.group == group.number))
                .map(|m| {
                    format!(
                        "{}>{}",
                        network.link(network.lane(m.from).link).id,
                        network.link(network.lane(m.to).link).id
                    )
                })
                .collect();
            text += &format!(
                "group {} {:?} flashes {} s: {}\n",
                group.number,
                group.kind,
                group.flashing_green,
                ways.join(" ")
            );
        }
        for stage in &junction.stages {
            let list =
                |groups: &[GroupNumber]| groups.iter().map(|g| g.to_string()).collect::<Vec<_>>().join(" ");
            text += &format!(
                "stage {}: {}, of which give way: {}\n",
                stage.number,
                list(&stage.green),
                list(&stage.permissive)
            );
        }
        let steps: Vec<String> =
            junction.plans[0].steps.iter().map(|s| format!("{} for {} s", s.stage, s.split)).collect();
        text + &format!("plan: {}; cycle {} s\n", steps.join(", "), junction.plans[0].cycle())
    }

    #[test]
    fn a_crossing_of_two_streets() {
        insta::assert_snapshot!(show(
            "
         N
         |
         |
         |
W--------C--------E
         |
         |
         |
         S"
        ));
    }

    #[test]
    fn a_wide_road_and_a_side_street() {
        insta::assert_snapshot!(show(
            "
W========C========E
         |
         |
         |
         S"
        ));
    }

    #[test]
    fn a_crossing_for_people_on_foot() {
        insta::assert_snapshot!(show("W=======C=======E"));
    }
}
