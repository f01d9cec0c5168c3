//! The road: nodes, directed links, their lanes, and the movements that join lane to lane.
//!
//! Plain data in vectors, addressed by index. Whoever builds one calls [`Network::validate`] once; after
//! that every index in it may be trusted.

pub mod junctions;

use crate::{
    geo::LonLat,
    ids::{CrossingIx, GroupNumber, JunctionIx, LaneIx, LinkId, LinkIx, MovementIx, NodeId, NodeIx},
};
use serde::{Deserialize, Serialize};
use std::{fmt, ops::Range};

/// Most pieces of road that are followed one after another: for loops of zero-length lanes in broken maps.
pub const MOST_PIECES: usize = 64;

/// No street is steeper than this, in hundredths of its length: Baldwin Street rises by 35.
pub const STEEPEST_PERCENT: f32 = 60.0;

/// A name in the language of the place, and in English letters where there is one.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Name {
    /// As the signs say it.
    pub local: String,
    /// In English, for the other half of the page's readers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub en: Option<String>,
}

impl Name {
    /// A name with both forms.
    pub fn new(local: impl Into<String>, en: impl Into<String>) -> Self {
        Self { local: local.into(), en: Some(en.into()) }
    }
    /// A name that is known in one form only.
    pub fn only(local: impl Into<String>) -> Self {
        Self { local: local.into(), en: None }
    }
    /// The English form, or the local one.
    pub fn english(&self) -> &str {
        self.en.as_deref().unwrap_or(&self.local)
    }
}

/// Who may use a piece of road: a small set.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Modes(pub u16);

impl Modes {
    /// Nobody.
    pub const NONE: Modes = Modes(0);
    /// People on foot.
    pub const WALK: Modes = Modes(1);
    /// Bicycles and scooters.
    pub const BICYCLE: Modes = Modes(2);
    /// Private cars.
    pub const CAR: Modes = Modes(4);
    /// Taxis.
    pub const TAXI: Modes = Modes(8);
    /// Buses and trolleybuses.
    pub const BUS: Modes = Modes(16);
    /// Lorries.
    pub const TRUCK: Modes = Modes(32);
    /// Trams.
    pub const TRAM: Modes = Modes(64);
    /// Emergency vehicles.
    pub const EMERGENCY: Modes = Modes(128);
    /// Wheelchair users: a walk without steps.
    pub const WHEELCHAIR: Modes = Modes(256);
    /// Everything with a motor and rubber tyres.
    pub const MOTOR: Modes = Modes(4 | 8 | 16 | 32 | 128);
    /// An ordinary street with pavements.
    pub const STREET: Modes = Modes(1 | 2 | 4 | 8 | 16 | 32 | 128 | 256);

    /// Whether all of `other` is in the set.
    pub fn has(self, other: Modes) -> bool {
        self.0 & other.0 == other.0 && other.0 != 0
    }
    /// Whether any of `other` is in the set.
    pub fn any(self, other: Modes) -> bool {
        self.0 & other.0 != 0
    }
    /// Both sets together.
    pub fn with(self, other: Modes) -> Modes {
        Modes(self.0 | other.0)
    }
    /// This set without `other`.
    pub fn without(self, other: Modes) -> Modes {
        Modes(self.0 & !other.0)
    }
}

/// What sort of road it is, for drawing, default speeds and generated demand. Best first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoadClass {
    /// Motorway, MKAD.
    Motorway,
    /// Trunk and ring roads without level crossings.
    Trunk,
    /// Primary: the great radials, the Garden Ring.
    Primary,
    /// Secondary.
    Secondary,
    /// Tertiary.
    Tertiary,
    /// Streets with houses on them.
    Residential,
    /// Yards, driveways.
    Service,
    /// Where no motor goes: footways, cycleways, steps.
    Path,
    /// Rails of its own.
    Rail,
}

/// A place where links meet.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Node {
    /// Its name in the source.
    pub id: NodeId,
    /// Where it is.
    pub at: LonLat,
    /// Whether there is a raised kerb: no wheelchair passes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub kerb: bool,
}

/// How one gets along a link by one's own strength, beside its length.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Going {
    /// Cobbles, gravel, or worn: small wheels are slow.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub rough: bool,
    /// How much it rises in its direction, in hundredths of its length; it falls where that is below zero.
    #[serde(skip_serializing_if = "is_level")]
    pub rise_percent: f32,
    /// A ferry: everybody takes as long as it does.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ferry: bool,
}

fn is_level(rise_percent: &f32) -> bool {
    *rise_percent == 0.0
}

impl Going {
    /// Level, smooth, and on one's own.
    pub fn is_plain(&self) -> bool {
        *self == Going::default()
    }
    /// The same the other way.
    pub fn turned(self) -> Going {
        // Not minus nothing.
        Going { rise_percent: 0.0 - self.rise_percent, ..self }
    }
}

/// What a vehicle may have at most to use a link; what is not said is not limited.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Height, m.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height_m: Option<f32>,
    /// Width, m.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width_m: Option<f32>,
    /// Length with all trailers, m.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length_m: Option<f32>,
    /// Weight with its load, t.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_t: Option<f32>,
    /// Load of an axle, t.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub axle_load_t: Option<f32>,
    /// Speed of lorries, m/s, where that is another than everybody's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truck_speed_mps: Option<f32>,
    /// Whether dangerous goods are kept off it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub no_hazmat: bool,
}

impl Limits {
    /// All measures that it limits, in the order of the fields.
    pub fn measures(&self) -> [Option<f32>; 6] {
        let Limits { height_m, width_m, length_m, weight_t, axle_load_t, truck_speed_mps, .. } = *self;
        [height_m, width_m, length_m, weight_t, axle_load_t, truck_speed_mps]
    }
    /// What both limits leave.
    pub fn and(self, other: Limits) -> Limits {
        let least = |a: Option<f32>, b: Option<f32>| a.into_iter().chain(b).reduce(f32::min);
        Limits {
            height_m: least(self.height_m, other.height_m),
            width_m: least(self.width_m, other.width_m),
            length_m: least(self.length_m, other.length_m),
            weight_t: least(self.weight_t, other.weight_t),
            axle_load_t: least(self.axle_load_t, other.axle_load_t),
            truck_speed_mps: least(self.truck_speed_mps, other.truck_speed_mps),
            no_hazmat: self.no_hazmat || other.no_hazmat,
        }
    }
    /// The same for a link, most of which limit nothing.
    pub fn of_link(self) -> Option<Box<Limits>> {
        (self != Limits::default()).then(|| Box::new(self))
    }
}

/// One directed piece of road between two nodes.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Link {
    /// Its name in the source.
    pub id: LinkId,
    /// Where it begins.
    pub from: NodeIx,
    /// Where it ends.
    pub to: NodeIx,
    /// The street's name, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// What sort of road.
    pub class: RoadClass,
    /// Centre line, first point at `from`, at least two points.
    pub shape: Vec<LonLat>,
    /// Driven length in metres, > 0. Not always the length of `shape`: sources may cut it at stop lines.
    pub length_m: f64,
    /// Legal speed, m/s, > 0.
    pub speed_limit_mps: f64,
    /// Who may use it at all.
    pub access: Modes,
    /// Its lanes in [`Network::lanes`], from the kerb inwards. Empty where nothing drives (footways).
    pub lanes: Range<u32>,
    /// Drawn above other roads.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bridge: bool,
    /// Drawn below.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tunnel: bool,
    /// Has steps: no wheels.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub steps: bool,
    /// Surface, slope, and whether one is ferried.
    #[serde(default, skip_serializing_if = "Going::is_plain")]
    pub going: Going,
    /// What vehicles may measure; `None` for the many where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Box<Limits>>,
}

impl Link {
    /// Indices of its lanes, kerb first.
    pub fn lane_ixs(&self) -> impl DoubleEndedIterator<Item = LaneIx> + use<> {
        self.lanes.clone().map(LaneIx)
    }
    /// Travel time on an empty road, s.
    pub fn free_travel_time_s(&self) -> f64 {
        self.length_m / self.speed_limit_mps
    }
}

/// One lane of a link.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Lane {
    /// The link it belongs to.
    pub link: LinkIx,
    /// Legal speed, m/s, > 0.
    pub speed_limit_mps: f64,
    /// Who may use it.
    pub allowed: Modes,
    /// Width in metres.
    pub width_m: f64,
    /// Length in metres, > 0.
    pub length_m: f64,
}

/// Which way a movement turns.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// Back where it came from.
    UTurn,
    /// Left.
    Left,
    /// Straight on.
    Straight,
    /// Right.
    Right,
}

/// The signal head that a movement obeys.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Head {
    /// The junction.
    pub junction: JunctionIx,
    /// The signal group that the head shows.
    pub group: GroupNumber,
    /// The head's place in the source's own order (SUMO's `linkIndex`), from 0; `Junction::heads[index]` is `group`.
    pub index: u16,
}

/// A way from one lane to another across a node.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Movement {
    /// The lane it leaves.
    pub from: LaneIx,
    /// The lane it enters.
    pub to: LaneIx,
    /// Which way it turns.
    pub turn: Turn,
    /// Metres between the two lanes, inside the node; ≥ 0.
    pub length_m: f64,
    /// Speed on the turn, m/s, > 0, where the source says one; otherwise the lanes' own limits hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed_limit_mps: Option<f64>,
    /// The signal that governs it, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Head>,
    /// Movements of the same node whose path crosses or merges with this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub crosses: Vec<MovementIx>,
    /// Those of `crosses` that go first when no signal decides, or when its green is permissive.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub yields_to: Vec<MovementIx>,
    /// Metres from its start to where it waits inside the node for those who go first; 0 where it waits at the line.
    /// Only some sources say; otherwise the drawing shows whether there is room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_at_m: Option<f64>,
    /// Must stop before going (stop sign), as well as yield.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stop_sign: bool,
    /// Path inside the node for drawing; empty means a straight line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shape: Vec<LonLat>,
}

/// A place at a node where people on foot cross roads.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Crossing {
    /// Its name in the source.
    pub id: LinkId,
    /// Where it is.
    pub node: NodeIx,
    /// Links that it lies across.
    pub links: Vec<LinkIx>,
    /// From kerb to kerb, m, > 0.
    pub length_m: f64,
    /// Along the road, m, > 0.
    pub width_m: f64,
    /// The signal that people obey, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Head>,
    /// Where no signal decides, people wait for gaps; otherwise drivers let them go first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub people_yield: bool,
    /// Its middle line from kerb to kerb, at least two points.
    pub shape: Vec<LonLat>,
}

/// What a piece of the way on foot is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ground {
    /// Beside a road.
    Beside(LinkIx),
    /// A corner of a node, between pavements and crossings.
    Corner,
    /// Over a road, from the beginning of the crossing's shape or towards it.
    Across(CrossingIx),
}

/// A piece of the way on foot, where the source tells these from roads.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Footway {
    /// What it is.
    pub ground: Ground,
    /// m, ≥ 0.
    pub length_m: f64,
    /// Pieces that it touches at its beginning; of a corner, all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<u32>,
    /// Pieces that it touches at its end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<u32>,
}

/// A whole road network.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Network {
    /// Places.
    pub nodes: Vec<Node>,
    /// Directed roads.
    pub links: Vec<Link>,
    /// Their lanes; the lanes of one link stand together.
    pub lanes: Vec<Lane>,
    /// Ways across nodes, ordered by `from`. Links without lanes (footways) need none: they join at nodes.
    pub movements: Vec<Movement>,
    /// Where people cross roads, where the source says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub crossings: Vec<Crossing>,
    /// Ways on foot, where the source tells them from roads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub footways: Vec<Footway>,
}

/// What is wrong with a network, in words that name the part.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NetworkFault(pub String);

impl fmt::Display for NetworkFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NetworkFault {}

impl Network {
    /// The link.
    pub fn link(&self, ix: LinkIx) -> &Link {
        &self.links[ix.ix()]
    }
    /// The lane.
    pub fn lane(&self, ix: LaneIx) -> &Lane {
        &self.lanes[ix.ix()]
    }
    /// The movement.
    pub fn movement(&self, ix: MovementIx) -> &Movement {
        &self.movements[ix.ix()]
    }
    /// The node.
    pub fn node(&self, ix: NodeIx) -> &Node {
        &self.nodes[ix.ix()]
    }

    /// For each lane, the range of [`Network::movements`] that leaves it.
    pub fn movements_by_lane(&self) -> Vec<Range<u32>> {
        let mut ranges = vec![0..0; self.lanes.len()];
        let mut start = 0;
        for group in self.movements.chunk_by(|a, b| a.from == b.from) {
            let end = start + group.len() as u32;
            ranges[group[0].from.ix()] = start..end;
            start = end;
        }
        ranges
    }

    /// For each lane, the movements that lead into it, in index order.
    pub fn movements_into_lanes(&self) -> Vec<Vec<MovementIx>> {
        let mut into = vec![Vec::new(); self.lanes.len()];
        for (i, m) in self.movements.iter().enumerate() {
            into[m.to.ix()].push(MovementIx::from(i));
        }
        into
    }

    /// Metres of queue that fit before a lane's end until they reach a place where other traffic goes: a signal,
    /// or a meeting of several roads. `into` is of [`Network::movements_into_lanes`].
    pub fn queue_room_m(&self, into: &[Vec<MovementIx>], lane: LaneIx) -> f64 {
        let mut link = self.lane(lane).link;
        let mut room = self.link(link).length_m;
        for _ in 0..MOST_PIECES {
            let mut before: Vec<LinkIx> = Vec::new();
            let mut signal = false;
            for m in self.link(link).lane_ixs().flat_map(|l| &into[l.ix()]) {
                let m = self.movement(*m);
                signal |= m.head.is_some();
                let from = self.lane(m.from).link;
                if self.link(from).from != self.link(link).to && !before.contains(&from) {
                    before.push(from);
                }
            }
            if signal || before.len() != 1 {
                break;
            }
            link = before[0];
            room += self.link(link).length_m;
        }
        room
    }

    /// South-west and north-east corners of everything, or `None` for an empty network.
    pub fn bounds(&self) -> Option<[LonLat; 2]> {
        let first = self.nodes.first()?.at;
        let points = self.links.iter().flat_map(|l| &l.shape).copied().chain(self.nodes.iter().map(|n| n.at));
        Some(points.fold([first, first], |[sw, ne], p| {
            [
                LonLat { lon: sw.lon.min(p.lon), lat: sw.lat.min(p.lat) },
                LonLat { lon: ne.lon.max(p.lon), lat: ne.lat.max(p.lat) },
            ]
        }))
    }

    /// Checks every index, order, length and speed; the first fault found, in words.
    pub fn validate(&self) -> Result<(), NetworkFault> {
        let fault = |text: String| Err(NetworkFault(text));
        for (i, link) in self.links.iter().enumerate() {
            let id = &link.id;
            if link.from.ix() >= self.nodes.len() || link.to.ix() >= self.nodes.len() {
                return fault(format!("link {id}: begins or ends at a node that does not exist"));
            }
            if !(link.length_m > 0.0 && link.length_m.is_finite()) {
                return fault(format!("link {id}: length {} m is not positive", link.length_m));
            }
            if !(link.speed_limit_mps > 0.0 && link.speed_limit_mps.is_finite()) {
                return fault(format!("link {id}: speed limit {} m/s is not positive", link.speed_limit_mps));
            }
            if !(link.going.rise_percent.is_finite() && link.going.rise_percent.abs() <= STEEPEST_PERCENT) {
                return fault(format!(
                    "link {id}: rises by {} %, as no street does",
                    link.going.rise_percent
                ));
            }
            let measures = link.limits.iter().flat_map(|limits| limits.measures()).flatten();
            if let Some(least) = measures.into_iter().find(|most| !(most.is_finite() && *most > 0.0)) {
                return fault(format!("link {id}: a limit of {least} lets nobody through; close it instead"));
            }
            if link.shape.len() < 2 {
                return fault(format!("link {id}: its shape has fewer than two points"));
            }
            if link.lanes.end as usize > self.lanes.len() || link.lanes.start > link.lanes.end {
                return fault(format!("link {id}: has lanes that do not exist"));
            }
            if link.lane_ixs().any(|lane| self.lane(lane).link.ix() != i) {
                return fault(format!("link {id}: one of its lanes says it belongs to another link"));
            }
        }
        for (i, lane) in self.lanes.iter().enumerate() {
            let owner = self.links.get(lane.link.ix()).filter(|l| l.lanes.contains(&(i as u32)));
            if owner.is_none() {
                return fault(format!("lane {i}: its link does not list it"));
            }
            if !(lane.length_m > 0.0 && lane.speed_limit_mps > 0.0) {
                return fault(format!("lane {i}: length or speed limit is not positive"));
            }
        }
        if !self.movements.is_sorted_by_key(|m| m.from) {
            return fault("movements are not ordered by the lane they leave".into());
        }
        for (i, m) in self.movements.iter().enumerate() {
            if m.from.ix() >= self.lanes.len() || m.to.ix() >= self.lanes.len() {
                return fault(format!("movement {i}: joins a lane that does not exist"));
            }
            let (from, to) = (self.link(self.lane(m.from).link), self.link(self.lane(m.to).link));
            if from.to != to.from {
                return fault(format!(
                    "movement {i}: link {} does not end where link {} begins",
                    from.id, to.id
                ));
            }
            if m.crosses.iter().chain(&m.yields_to).any(|x| x.ix() >= self.movements.len()) {
                return fault(format!(
                    "movement {i} from link {}: crosses a movement that does not exist",
                    from.id
                ));
            }
        }
        for crossing in &self.crossings {
            let id = &crossing.id;
            if crossing.links.iter().any(|l| l.ix() >= self.links.len())
                || crossing.node.ix() >= self.nodes.len()
            {
                return fault(format!(
                    "crossing {id}: lies across a link, or at a node, that does not exist"
                ));
            }
            let positive = |metres: f64| metres > 0.0 && metres.is_finite();
            if !positive(crossing.length_m) || !positive(crossing.width_m) || crossing.shape.len() < 2 {
                return fault(format!("crossing {id}: its length, width or shape is none"));
            }
        }
        for (i, way) in self.footways.iter().enumerate() {
            let there = match way.ground {
                Ground::Beside(link) => link.ix() < self.links.len(),
                Ground::Across(crossing) => crossing.ix() < self.crossings.len(),
                Ground::Corner => true,
            };
            let near = way.before.iter().chain(&way.after).all(|n| (*n as usize) < self.footways.len());
            if !(there && near && way.length_m >= 0.0 && way.length_m.is_finite()) {
                return fault(format!("footway {i}: its length, or something that it touches, is none"));
            }
        }
        Ok(())
    }
}
