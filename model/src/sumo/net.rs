//! Roads, right of way and heads of a `.net.xml`.
//!
//! The format: <https://sumo.dlr.de/docs/Networks/SUMO_Road_Networks.html>.

use super::{
    classes::{allowed, class},
    ledger::Ledger,
    program,
    xml::{Element, Xml},
};
use crate::{
    city::City,
    config::{Complaint, Complaints, Read, Source},
    geo::{LocalPlane, LonLat},
    ids::{CrossingIx, GroupNumber, JunctionIx, LaneIx, LinkId, LinkIx, MovementIx, NodeId, NodeIx},
    network::{Crossing, Footway, Ground, Head, Lane, Link, Modes, Movement, Name, Network, Node, Turn},
    transit::Transit,
};
use proj4rs::proj::Proj;
use std::collections::{BTreeMap, HashMap};

/// Reads a road network, and the programs of its traffic lights.
///
/// `additional` are the scenario's additional files, in the order in which SUMO loads them: a `tlLogic` in
/// them replaces the network's own, as it does in SUMO. Every junction of the answer passes
/// [`Junction::faults`](crate::signal::Junction::faults).
pub fn network(net: Source<'_>, additional: &[Source<'_>]) -> Result<Read<City>, Complaints> {
    let xml = Xml::parse(net)?;
    let mut reader = Reader { file: net.file.to_string(), ..Reader::default() };
    reader.read(&xml)?;
    for source in additional {
        let xml = Xml::parse(*source)?;
        let programs = program::read(xml.root(), &mut reader.complaints, &mut reader.notes);
        for (id, program) in programs {
            let name = &program.name;
            let message =
                format!("traffic light {id} runs program {name:?} of this file, not the network's own");
            reader.notes.push(Complaint::at(source.file, program.line, message));
            reader.programs.insert(id, program);
        }
    }
    reader.finish(net)
}

/// How the file's flat coordinates lie on the earth.
enum Projection {
    Flat(LocalPlane),
    Projected { from: Box<Proj>, to: Box<Proj>, offset: [f64; 2] },
}

impl Projection {
    fn of(location: Option<Element<'_>>, notes: &mut Vec<Complaint>) -> Result<Projection, Complaint> {
        let flat = Projection::Flat(LocalPlane::around(LonLat { lon: 0.0, lat: 0.0 }));
        let Some(location) = location else { return Ok(flat) };
        let parameters = location.get("projParameter").unwrap_or("!");
        if !parameters.contains("+proj=") {
            notes.push(location.complaint(format!(
                "the network has no place on the earth (projParameter {parameters:?}); it is drawn around 0° N 0° E"
            )));
            return Ok(flat);
        }
        let refuse = |error: proj4rs::errors::Error| {
            location.complaint(format!("cannot use projection {parameters:?}: {error}"))
        };
        let from = Proj::from_proj_string(parameters).map_err(refuse)?;
        let to =
            Proj::from_proj_string("+proj=longlat +ellps=WGS84 +datum=WGS84 +no_defs").map_err(refuse)?;
        let offset = point(location.text("netOffset")?)
            .ok_or_else(|| location.complaint("netOffset is not a pair of numbers"))?;
        Ok(Projection::Projected { from: Box::new(from), to: Box::new(to), offset })
    }

    fn to_lonlat(&self, [x, y]: [f64; 2]) -> Option<LonLat> {
        let place = match self {
            Projection::Flat(plane) => plane.to_lonlat([x, y]),
            Projection::Projected { from, to, offset } => {
                let mut p = (x - offset[0], y - offset[1], 0.0);
                proj4rs::transform::transform(from, to, &mut p).ok()?;
                LonLat { lon: p.0.to_degrees(), lat: p.1.to_degrees() }
            }
        };
        place.is_valid().then_some(place)
    }
}

/// `x,y` or `x,y,z`.
pub(super) fn point(text: &str) -> Option<[f64; 2]> {
    let mut parts = text.split(',').map(|p| p.trim().parse::<f64>().ok().filter(|v| v.is_finite()));
    Some([parts.next()??, parts.next()??])
}

/// A lane inside a junction: where a connection runs.
struct Inside {
    length_m: f64,
    speed_mps: f64,
    shape: Vec<LonLat>,
}

/// A connection that became a movement, before movements are put in order.
struct Connection {
    movement: Movement,
    /// Traffic light, link index there, and the line, where a light governs it.
    light: Option<(String, u16, u32)>,
}

/// What a row of a junction's right of way speaks of.
#[derive(Clone, Copy)]
enum Requested {
    /// A position among the connections.
    Connection(usize),
    Crossing(CrossingIx),
}

/// A crossing for people, before the roads that it lies across are known.
struct Marked {
    line: u32,
    /// Names of those roads.
    roads: Vec<String>,
    /// Traffic light and link index there, where a light governs it.
    light: Option<(String, u16)>,
    crossing: Crossing,
}

/// What a junction says of its links' right of way, in request order.
struct Requests {
    line: u32,
    id: String,
    incoming: Vec<String>,
    rows: BTreeMap<usize, (String, String)>,
}

#[derive(Default)]
struct Reader {
    file: String,
    network: Network,
    nodes: HashMap<String, NodeIx>,
    links: HashMap<String, LinkIx>,
    lanes: HashMap<String, LaneIx>,
    inside: HashMap<String, Inside>,
    /// Pedestrian crossings, and their places by edge id.
    marked: Vec<Marked>,
    crossings: HashMap<String, CrossingIx>,
    /// Lengths of walking areas by edge id; of pavements, those of their lanes.
    walkable: HashMap<String, f64>,
    /// Pieces of the ways on foot, by edge id.
    footways: HashMap<String, u32>,
    connections: Vec<Connection>,
    /// Links that a request row stands for, by the lane that they leave.
    requested: HashMap<String, Vec<Requested>>,
    requests: Vec<Requests>,
    lights: BTreeMap<String, program::Light>,
    programs: BTreeMap<String, program::Program>,
    complaints: Complaints,
    notes: Vec<Complaint>,
    ledger: Ledger,
}

/// Width of a crossing that says nothing of it, m (netconvert's `default.crossing-width`).
const CROSSING_WIDTH_M: f64 = 4.0;
/// Attributes of a road, a lane, a junction and a connection that are followed, or that follow from others.
const OF_EDGE: [&str; 10] = [
    "from",
    "to",
    "priority",
    "type",
    "function",
    "shape",
    "spreadType",
    "crossingEdges",
    "length",
    "distance",
];
const OF_LANE: [&str; 7] = ["index", "allow", "disallow", "speed", "length", "width", "shape"];
const OF_JUNCTION: [&str; 9] =
    ["type", "x", "y", "z", "incLanes", "intLanes", "shape", "radius", "rightOfWay"];
const OF_CONNECTION: [&str; 11] =
    ["from", "to", "fromLane", "toLane", "via", "tl", "linkIndex", "dir", "state", "shape", "speed"];

impl Reader {
    fn read(&mut self, xml: &Xml<'_>) -> Result<(), Complaints> {
        let root = xml.root();
        if root.name() != "net" {
            return Err(root
                .complaint(format!("this is <{}>, not a SUMO network (<net>)", root.name()))
                .into());
        }
        if matches!(root.get("lefthand"), Some("true" | "1")) {
            return Err(root.complaint("left-hand traffic is not supported").into());
        }
        let location = root.children().find(|e| e.name() == "location");
        let projection = Projection::of(location, &mut self.notes)?;
        let place = |e: Element<'_>, attribute: &str| -> Result<Vec<LonLat>, Complaint> {
            let text = e.get(attribute).unwrap_or("");
            text.split_whitespace()
                .map(|p| point(p).and_then(|p| projection.to_lonlat(p)))
                .collect::<Option<_>>()
                .ok_or_else(|| {
                    e.complaint(format!("{attribute} of <{}> is not a list of points: {text:?}", e.name()))
                })
        };
        // Junctions first: edges name them, and stand before them in the file.
        for junction in root.children().filter(|e| e.name() == "junction") {
            if junction.get("type") == Some("internal") {
                continue;
            }
            self.ledger.attributes(junction, &OF_JUNCTION);
            self.ledger.children(junction, &["request"]);
            let result = self.junction(junction, |x, y| projection.to_lonlat([x, y]));
            self.complaints.take(result);
        }
        for edge in root.children().filter(|e| e.name() == "edge") {
            if edge.get("function").is_none_or(|f| f == "normal") {
                self.ledger.attributes(edge, &OF_EDGE);
                self.ledger.children(edge, &["lane"]);
                for lane in edge.children().filter(|c| c.name() == "lane") {
                    self.ledger.attributes(lane, &OF_LANE);
                    self.ledger.children(lane, &[]);
                }
            }
            let result = self.edge(edge, &place);
            self.complaints.take(result);
        }
        let mut via = HashMap::new();
        for c in root.children().filter(|e| e.name() == "connection") {
            let from = c.get("from").filter(|from| from.starts_with(':'));
            if let (Some(from), Some(lane), Some(next)) = (from, c.get("fromLane"), c.get("via")) {
                via.insert(format!("{from}_{lane}"), next.to_string());
            }
        }
        for connection in root.children().filter(|e| e.name() == "connection") {
            self.ledger.attributes(connection, &OF_CONNECTION);
            let result = self.connection(connection, &via);
            self.complaints.take(result);
        }
        self.programs = program::read(root, &mut self.complaints, &mut self.notes);
        for other in root.children() {
            let known = [
                "location",
                "type",
                "types",
                "edge",
                "junction",
                "connection",
                "tlLogic",
                "roundabout",
                "param",
            ];
            if !known.contains(&other.name()) {
                self.ledger.leave_out(other, format!("<{}> is not used here and was left out", other.name()));
            }
        }
        Ok(())
    }

    fn junction(
        &mut self,
        e: Element<'_>,
        place: impl Fn(f64, f64) -> Option<LonLat>,
    ) -> Result<(), Complaint> {
        let id = e.text("id")?;
        let (x, y) = (e.number("x")?, e.number("y")?);
        let at =
            place(x, y).ok_or_else(|| e.complaint(format!("junction {id} is at no place on the earth")))?;
        // What is refused must leave no index behind that others would follow.
        if self.nodes.contains_key(id) {
            return Err(e.complaint(format!("junction {id} is there twice")));
        }
        self.nodes.insert(id.to_string(), NodeIx::from(self.network.nodes.len()));
        self.network.nodes.push(Node { id: NodeId::new(id), at, kerb: false });
        if let Some(kind @ ("zipper" | "allway_stop" | "rail_signal" | "rail_crossing")) = e.get("type") {
            self.ledger.leave_out(e, format!("junctions of type {kind} go by their right of way alone"));
        }
        let mut rows = BTreeMap::new();
        for request in e.children().filter(|c| c.name() == "request") {
            let index: usize = request.parsed("index", "a whole number")?;
            rows.insert(index, (request.text("response")?.to_string(), request.text("foes")?.to_string()));
        }
        let incoming = e.get("incLanes").unwrap_or("").split_whitespace().map(str::to_string).collect();
        self.requests.push(Requests { line: e.line(), id: id.to_string(), incoming, rows });
        Ok(())
    }

    fn edge(
        &mut self,
        e: Element<'_>,
        place: &impl Fn(Element<'_>, &str) -> Result<Vec<LonLat>, Complaint>,
    ) -> Result<(), Complaint> {
        let id = e.text("id")?;
        let lanes = e.children().filter(|c| c.name() == "lane");
        match e.get("function") {
            Some("internal") => {
                for lane in lanes {
                    let (length_m, speed_mps) = (lane.number("length")?.max(0.0), lane.positive("speed")?);
                    let inside = Inside { length_m, speed_mps, shape: place(lane, "shape")? };
                    self.inside.insert(lane.text("id")?.to_string(), inside);
                }
                return Ok(());
            }
            Some("crossing") => {
                // `:NODE_cN`
                let node = id.strip_prefix(':').and_then(|n| n.rsplit_once('_')).map_or("", |(node, _)| node);
                let Some(&node) = self.nodes.get(node) else {
                    return Err(e.complaint(format!("crossing {id} is at no junction")));
                };
                let Some(lane) = e.children().find(|c| c.name() == "lane") else {
                    return Err(e.complaint(format!("crossing {id} has no lane")));
                };
                let shape = place(lane, "shape")?;
                if shape.len() < 2 {
                    return Err(lane.complaint(format!("crossing {id} has no shape")));
                }
                if self.crossings.contains_key(id) {
                    return Err(e.complaint(format!("crossing {id} is there twice")));
                }
                let width_m = lane.number_or("width", CROSSING_WIDTH_M)?;
                let marked = Marked {
                    line: e.line(),
                    roads: e
                        .get("crossingEdges")
                        .unwrap_or("")
                        .split_whitespace()
                        .map(str::to_string)
                        .collect(),
                    light: None,
                    crossing: Crossing {
                        id: LinkId::new(id),
                        node,
                        links: Vec::new(),
                        length_m: lane.positive("length")?,
                        width_m: if width_m > 0.0 { width_m } else { CROSSING_WIDTH_M },
                        head: None,
                        people_yield: false,
                        shape,
                    },
                };
                // What is refused must leave no index behind that others would follow.
                self.crossings.insert(id.to_string(), CrossingIx::from(self.marked.len()));
                self.marked.push(marked);
                return Ok(());
            }
            Some("walkingarea") => {
                if let Some(lane) = e.children().find(|c| c.name() == "lane") {
                    self.walkable.insert(id.to_string(), lane.number("length")?.max(0.0));
                }
                return Ok(());
            }
            _ => {}
        }
        let node = |attribute: &str| {
            let name = e.text(attribute)?;
            let found = self.nodes.get(name).copied();
            found.ok_or_else(|| {
                e.complaint(format!("edge {id}: its {attribute} junction {name} does not exist"))
            })
        };
        let (from, to) = (node("from")?, node("to")?);
        let link = LinkIx::from(self.network.links.len());
        let first = self.network.lanes.len();
        let mut rows: Vec<(usize, Lane, &str)> = Vec::new();
        for lane in lanes {
            let index = lane.parsed("index", "a whole number")?;
            let row = Lane {
                link,
                speed_limit_mps: lane.positive("speed")?,
                allowed: allowed(lane),
                width_m: lane.number_or("width", 3.2)?,
                length_m: lane.positive("length")?,
            };
            rows.push((index, row, lane.text("id")?));
        }
        rows.sort_by_key(|r| r.0);
        if rows.is_empty() {
            return Err(e.complaint(format!("edge {id} has no lanes")));
        }
        if rows.iter().enumerate().any(|(i, r)| r.0 != i) {
            return Err(e.complaint(format!("edge {id}: its lanes are not numbered 0 to {}", rows.len() - 1)));
        }
        let mut shape = place(e, "shape")?;
        if shape.len() < 2 {
            shape = vec![self.network.nodes[from.ix()].at, self.network.nodes[to.ix()].at];
        }
        if self.links.contains_key(id) {
            return Err(e.complaint(format!("edge {id} is there twice")));
        }
        self.links.insert(id.to_string(), link);
        let longest = rows.iter().map(|r| r.1.length_m).fold(0.0, f64::max);
        let fastest = rows.iter().map(|r| r.1.speed_limit_mps).fold(0.0, f64::max);
        let access = rows.iter().fold(Modes::NONE, |all, r| all.with(r.1.allowed));
        let class = class(e.get("type").unwrap_or(""), e.get("priority"), rows.len(), fastest, access);
        let pavement = rows.iter().find(|r| r.1.allowed.any(Modes::WALK)).map(|r| r.1.length_m);
        self.walkable.extend(pavement.map(|length_m| (id.to_string(), length_m)));
        for (_, lane, lane_id) in rows {
            self.lanes.insert(lane_id.to_string(), LaneIx::from(self.network.lanes.len()));
            self.network.lanes.push(lane);
        }
        self.network.links.push(Link {
            id: LinkId::new(id),
            from,
            to,
            name: e.get("name").filter(|n| !n.is_empty()).map(Name::only),
            class,
            shape,
            length_m: longest,
            speed_limit_mps: fastest,
            access,
            lanes: first as u32..self.network.lanes.len() as u32,
            bridge: false,
            tunnel: false,
            steps: false,
            going: Default::default(),
            limits: None,
        });
        Ok(())
    }

    fn connection(&mut self, e: Element<'_>, via: &HashMap<String, String>) -> Result<(), Complaint> {
        let (from, to) = (e.text("from")?, e.text("to")?);
        let from_lane = format!("{from}_{}", e.text("fromLane")?);
        if from.starts_with(':') || to.starts_with(':') {
            // Of what lies inside a junction only people's ways matter. Crossings have a request row and a head.
            if let Some(&crossing) = self.crossings.get(to) {
                self.requested.entry(from_lane).or_default().push(Requested::Crossing(crossing));
                let marked = &mut self.marked[crossing.ix()];
                if let Some((light, index)) = head(e)? {
                    marked.light = Some((light.clone(), index));
                    let light = self.lights.entry(light).or_insert_with(|| program::Light::new(e.line()));
                    light.crossings.push(index);
                    light.nodes.push(marked.crossing.node);
                }
            }
            if let Some(a) = self.footway(from)
                && let Some(b) = self.footway(to)
            {
                self.join_footways(a, b);
            }
            return Ok(());
        }
        let lane = |edge: &str, attribute: &str| {
            if !self.links.contains_key(edge) {
                return Err(
                    e.complaint(format!("connection from {from} to {to}: edge {edge} does not exist"))
                );
            }
            let lane = format!("{edge}_{}", e.text(attribute)?);
            let found = self.lanes.get(&lane).copied();
            found.ok_or_else(|| {
                e.complaint(format!("connection from {from} to {to}: lane {lane} does not exist"))
            })
        };
        let (a, b) = (lane(from, "fromLane")?, lane(to, "toLane")?);
        let net = &self.network;
        if net.link(net.lane(a).link).to != net.link(net.lane(b).link).from {
            return Err(e.complaint(format!(
                "connection from {from} to {to}: the first does not end where the second begins"
            )));
        }
        let (mut length_m, mut waits_at_m, mut shape, mut slowest) = (0.0, 0.0, Vec::new(), None::<f64>);
        let mut next = e.get("via");
        // A left turn waits half way: its inside is two lanes, one after the other. The bound is for rings in broken files.
        for _ in 0..8 {
            let Some(id) = next else { break };
            let Some(inside) = self.inside.get(id) else {
                return Err(e.complaint(format!(
                    "connection from {from} to {to}: lane {id} inside the junction does not exist"
                )));
            };
            waits_at_m = length_m;
            length_m += inside.length_m;
            slowest = Some(slowest.map_or(inside.speed_mps, |s| s.min(inside.speed_mps)));
            shape.extend(inside.shape.iter().skip(usize::from(!shape.is_empty())).copied());
            next = via.get(id).map(String::as_str);
        }
        if shape.is_empty() {
            let (a, b) = (net.link(net.lane(a).link), net.link(net.lane(b).link));
            length_m = match (a.shape.last(), b.shape.first()) {
                (Some(end), Some(start)) => end.distance_m(*start),
                _ => 0.0,
            };
        }
        let turn = match e.get("dir") {
            Some("l" | "L") => Turn::Left,
            Some("r" | "R") => Turn::Right,
            Some("t" | "T") => Turn::UTurn,
            _ => Turn::Straight,
        };
        let light = head(e)?.map(|(light, index)| (light, index, e.line()));
        self.requested.entry(from_lane).or_default().push(Requested::Connection(self.connections.len()));
        self.connections.push(Connection {
            movement: Movement {
                from: a,
                to: b,
                turn,
                length_m,
                speed_limit_mps: slowest,
                head: None,
                crosses: Vec::new(),
                yields_to: Vec::new(),
                waits_at_m: Some(waits_at_m),
                stop_sign: matches!(e.get("state"), Some("s" | "w")),
                shape,
            },
            light,
        });
        Ok(())
    }

    /// The piece of the ways on foot that an edge is; `None` where nobody walks.
    fn footway(&mut self, edge: &str) -> Option<u32> {
        if let Some(&known) = self.footways.get(edge) {
            return Some(known);
        }
        let (ground, length_m) = match self.crossings.get(edge) {
            Some(&crossing) => (Ground::Across(crossing), self.marked[crossing.ix()].crossing.length_m),
            None => {
                let length_m = *self.walkable.get(edge)?;
                (self.links.get(edge).map_or(Ground::Corner, |link| Ground::Beside(*link)), length_m)
            }
        };
        let ix = self.network.footways.len() as u32;
        self.network.footways.push(Footway { ground, length_m, before: Vec::new(), after: Vec::new() });
        self.footways.insert(edge.to_string(), ix);
        Some(ix)
    }

    /// One leads to the other, by its end to the other's beginning; people walk both ways.
    fn join_footways(&mut self, a: u32, b: u32) {
        self.network.footways[a as usize].after.push(b);
        self.network.footways[b as usize].before.push(a);
    }

    /// Finds the roads that crossings lie across.
    fn mark_crossings(&mut self) {
        for marked in &mut self.marked {
            for road in std::mem::take(&mut marked.roads) {
                match self.links.get(&road) {
                    Some(&link) => marked.crossing.links.push(link),
                    None => self.complaints.push(Complaint::at(
                        self.file.clone(),
                        marked.line,
                        format!("crossing {}: edge {road} does not exist", marked.crossing.id),
                    )),
                }
            }
        }
    }

    fn finish(mut self, net: Source<'_>) -> Result<Read<City>, Complaints> {
        self.mark_crossings();
        self.right_of_way();
        let order = self.order_movements();
        let mut lights: Vec<(usize, String, u16)> = Vec::new();
        for (old, connection) in self.connections.iter().enumerate() {
            if let Some((id, index, line)) = &connection.light {
                let light = self.lights.entry(id.clone()).or_insert_with(|| program::Light::new(*line));
                let movement = &connection.movement;
                let link = self.network.link(self.network.lane(movement.from).link);
                light.nodes.push(link.to);
                light.movements.push((*index, order[old]));
                lights.push((order[old].ix(), id.clone(), *index));
            }
        }
        self.network.movements = {
            let mut all: Vec<Option<Movement>> = vec![None; self.connections.len()];
            for (connection, new) in self.connections.into_iter().zip(&order) {
                all[new.ix()] = Some(connection.movement);
            }
            all.into_iter().flatten().collect()
        };
        let stem = net.file.rsplit(['/', '\\']).next().unwrap_or(net.file);
        let name = stem.strip_suffix(".net.xml").unwrap_or(stem);
        let district = crate::ids::DistrictId::new(program::topic_safe(name));
        let mut junctions = Vec::new();
        let mut ixs = BTreeMap::new();
        for (id, light) in &self.lights {
            let Some(program) = self.programs.get(id) else {
                self.complaints.push(Complaint::at(
                    net.file,
                    light.line,
                    format!("traffic light {id} has no program (<tlLogic>)"),
                ));
                continue;
            };
            match program::junction(id, light, program, &self.network, &district, &mut self.notes) {
                Ok(Some(junction)) => {
                    ixs.insert(id.clone(), JunctionIx::from(junctions.len()));
                    junctions.push(junction);
                }
                Ok(None) => {}
                Err(complaint) => self.complaints.push(complaint),
            }
        }
        program::distinct_ids(&mut junctions);
        for (id, program) in &self.programs {
            if !self.lights.contains_key(id) {
                self.notes.push(Complaint::at(
                    program.file.clone(),
                    program.line,
                    format!("traffic light {id} governs no connection and was left out"),
                ));
            }
        }
        for (movement, id, index) in lights {
            let Some(&junction) = ixs.get(&id) else { continue };
            let group = junctions[junction.ix()].heads.get(usize::from(index)).copied();
            let group = group.unwrap_or(GroupNumber(0));
            self.network.movements[movement].head = Some(Head { junction, group, index });
        }
        for mut marked in self.marked {
            marked.crossing.head = marked.light.and_then(|(id, index)| {
                let junction = *ixs.get(&id)?;
                let group = *junctions[junction.ix()].heads.get(usize::from(index))?;
                Some(Head { junction, group, index })
            });
            self.network.crossings.push(marked.crossing);
        }
        if !self.complaints.is_empty() {
            return Err(self.complaints);
        }
        if self.network.links.is_empty() {
            return Err(Complaint::whole(net.file, "the network has no roads").into());
        }
        let [sw, ne] = self.network.bounds().expect("it has nodes");
        let centre = LonLat { lon: (sw.lon + ne.lon) / 2.0, lat: (sw.lat + ne.lat) / 2.0 };
        let city = City {
            name: Name::only(name),
            centre,
            zoom: zoom(sw, ne),
            network: self.network,
            junctions,
            transit: Transit::default(),
            areas: Vec::new(),
            corridors: Vec::new(),
            car_parks: Vec::new(),
            bicycle_parks: Vec::new(),
        };
        self.notes.extend(self.ledger.into_notes());
        let faults = city.faults();
        if faults.is_empty() {
            Ok(Read { value: city, notes: self.notes })
        } else {
            Err(Complaints(faults.into_iter().map(|f| Complaint::whole(net.file, f)).collect()))
        }
    }

    /// Fills `crosses` and `yields_to` (as positions in `connections`) from the junctions' request rows.
    fn right_of_way(&mut self) {
        for junction in &self.requests {
            if junction.rows.is_empty() {
                continue;
            }
            // A row's index counts the links of the incoming lanes, lane by lane, each lane's in file order.
            let links: Vec<Requested> = junction
                .incoming
                .iter()
                .flat_map(|lane| self.requested.get(lane).into_iter().flatten().copied())
                .collect();
            if links.len() != junction.rows.len() {
                let (id, links, rows) = (&junction.id, links.len(), junction.rows.len());
                let message = format!(
                    "junction {id}: {links} links but {rows} request rows; its right of way was left out"
                );
                self.notes.push(Complaint::at(self.file.clone(), junction.line, message));
                continue;
            }
            for (index, (response, foes)) in &junction.rows {
                let of = |bits: &str| -> Vec<MovementIx> {
                    // Bit strings are written like binary numbers: link 0 is the last character.
                    let set = bits.bytes().rev().enumerate().filter(|(_, b)| *b == b'1');
                    let vehicles = set.filter_map(|(k, _)| match links.get(k) {
                        Some(Requested::Connection(c)) => Some(MovementIx::from(*c)),
                        _ => None,
                    });
                    vehicles.collect()
                };
                let (crosses, yields_to) = (of(foes), of(response));
                let own = match links.get(*index) {
                    Some(Requested::Connection(own)) => own,
                    Some(Requested::Crossing(crossing)) => {
                        self.marked[crossing.ix()].crossing.people_yield = !yields_to.is_empty();
                        continue;
                    }
                    None => continue,
                };
                let movement = &mut self.connections[*own].movement;
                movement.crosses = crosses;
                movement.yields_to = yields_to;
            }
        }
    }

    /// New index of each connection once they are ordered by the lane they leave; rewrites references.
    fn order_movements(&mut self) -> Vec<MovementIx> {
        let mut by_lane: Vec<usize> = (0..self.connections.len()).collect();
        by_lane.sort_by_key(|&i| (self.connections[i].movement.from, i));
        let mut order = vec![MovementIx(0); by_lane.len()];
        for (new, &old) in by_lane.iter().enumerate() {
            order[old] = MovementIx::from(new);
        }
        for connection in &mut self.connections {
            let m = &mut connection.movement;
            for x in m.crosses.iter_mut().chain(&mut m.yields_to) {
                *x = order[x.ix()];
            }
            m.crosses.sort();
            m.yields_to.sort();
        }
        order
    }
}

/// Traffic light and link index of a connection.
fn head(e: Element<'_>) -> Result<Option<(String, u16)>, Complaint> {
    let Some(light) = e.get("tl") else { return Ok(None) };
    let index: u16 = e.parsed("linkIndex", "a whole number")?;
    if usize::from(index) >= program::MOST_HEADS {
        return Err(e.complaint(format!("linkIndex {index} is above {}", program::MOST_HEADS - 1)));
    }
    Ok(Some((light.to_string(), index)))
}

/// Map zoom at which a window of about 1000 pixels holds the box (web Mercator, 512-pixel tiles).
pub(crate) fn zoom(sw: LonLat, ne: LonLat) -> f64 {
    let span = (ne.lon - sw.lon).max((ne.lat - sw.lat) / sw.lat.to_radians().cos().max(0.1)).max(1e-4);
    ((360.0 * 2.0 / span).log2() - 0.3).clamp(3.0, 18.0)
}
