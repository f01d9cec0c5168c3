//! Vehicles, types and stops of `.rou.xml` and `.add.xml`.
//!
//! The formats: <https://sumo.dlr.de/docs/Definition_of_Vehicles%2C_Vehicle_Types%2C_and_Routes.html>.

mod walks;

use super::{
    detectors,
    ledger::Ledger,
    scenario::seconds,
    types::{self, Types, draw, drawn, named_shares},
    xml::{Element, Xml},
};
use crate::{
    config::{Complaint, Complaints, Read, Source},
    demand::{
        ArrivalLane, ArrivalPos, Demand, DepartLane, DepartPos, DepartSpeed, Ends, Halt, Trip, VehicleType,
        Walk,
    },
    ids::LinkIx,
    network::{Link, Network},
};
use std::{
    collections::{HashMap, HashSet},
    rc::Rc,
};

/// Most trips that one scenario may hold: a day of a large city. A typing error in a flow stops here.
const MOST_TRIPS: usize = 20_000_000;
/// Most vehicles of one flow: three lanes at capacity for a week. What is beyond is a typing error in a period.
const MOST_OF_FLOW: f64 = 1e6;
/// A flow that names no end stops a day after it began.
const DAY_S: f64 = 86_400.0;

/// Reads the demand of a scenario. `sources` are its additional and then its route files, in the order in
/// which they are loaded; types, routes and stops may stand in any of them. What cannot be driven here
/// (rides, containers) is noted by name and line. `seed` decides when random flows depart.
pub fn demand(network: &Network, sources: &[Source<'_>], seed: u64) -> Result<Read<Demand>, Complaints> {
    let mut complaints = Complaints::default();
    let xmls: Vec<Xml<'_>> = sources.iter().filter_map(|s| complaints.take(Xml::parse(*s))).collect();
    let links = network.links.iter().enumerate().map(|(i, l)| (l.id.as_str(), LinkIx::from(i))).collect();
    let joined =
        network.movements.iter().map(|m| (network.lane(m.from).link, network.lane(m.to).link)).collect();
    let mut reader = Reader {
        network,
        links,
        joined,
        seed,
        types: Types::default(),
        routes: HashMap::new(),
        stops: HashMap::new(),
        trips: Vec::new(),
        walks: Vec::new(),
        pavements: walks::pavements(network),
        seen: HashSet::new(),
        complaints,
        ledger: Ledger::default(),
    };
    // Two passes: a vehicle may name a type or a stop that a later file defines.
    for xml in &xmls {
        for e in xml.root().children() {
            let result = reader.definition(e);
            reader.complaints.take(result);
        }
    }
    for xml in &xmls {
        for e in xml.root().children() {
            let result = reader.journey(e);
            reader.complaints.take(result);
        }
    }
    reader.trips.sort_by(|a, b| a.depart_s.total_cmp(&b.depart_s));
    let notes = reader.ledger.into_notes();
    reader.walks.sort_by(|a, b| a.depart_s.total_cmp(&b.depart_s));
    let demand = Demand { types: reader.types.all, trips: reader.trips, walks: reader.walks };
    reader.complaints.or(Read { value: demand, notes })
}

#[derive(Clone)]
struct Route {
    links: Vec<LinkIx>,
    /// Every link leads to the next one.
    whole: bool,
    halts: Vec<Halt>,
}

/// Routes with their shares; mostly there is one.
type Choice = Vec<(Rc<Route>, f64)>;

/// Where a vehicle, trip or flow goes.
struct Plan {
    choice: Choice,
    /// Its own halts, after those of the route.
    halts: Vec<Halt>,
}

struct Reader<'n> {
    network: &'n Network,
    links: HashMap<&'n str, LinkIx>,
    joined: HashSet<(LinkIx, LinkIx)>,
    seed: u64,
    types: Types,
    routes: HashMap<String, Choice>,
    stops: HashMap<String, (LinkIx, f64)>,
    trips: Vec<Trip>,
    walks: Vec<Walk>,
    /// Pavements by link.
    pavements: HashMap<LinkIx, u32>,
    seen: HashSet<String>,
    complaints: Complaints,
    ledger: Ledger,
}

/// Attributes that a vehicle, a trip and a flow share.
const OF_VEHICLE: [&str; 17] = [
    "type",
    "route",
    "from",
    "to",
    "via",
    "depart",
    "begin",
    "end",
    "number",
    "period",
    "vehsPerHour",
    "perHour",
    "probability",
    "fromTaz",
    "toTaz",
    "fromJunction",
    "toJunction",
];

/// Those that say how it begins and ends.
const ENDS: [&str; 6] =
    ["departLane", "departPos", "departSpeed", "arrivalLane", "arrivalPos", "arrivalSpeed"];

impl Reader<'_> {
    fn leave_out(&mut self, e: Element<'_>, what: impl Into<String>) {
        self.ledger.leave_out(e, what);
    }

    fn definition(&mut self, e: Element<'_>) -> Result<(), Complaint> {
        match e.name() {
            "vType" => {
                self.types.vehicle_type(e, &mut self.ledger)?;
            }
            "vTypeDistribution" => self.types.distribution(e, &mut self.ledger)?,
            "route" => {
                let id = e.text("id")?.to_string();
                let route = self.route(e)?;
                self.routes.insert(id, vec![(Rc::new(route), 1.0)]);
            }
            "routeDistribution" => self.route_distribution(e)?,
            "busStop" | "trainStop" => {
                let id = e.text("id")?.to_string();
                self.ledger.attributes(e, &["lane", "startPos", "endPos", "friendlyPos", "lines"]);
                self.ledger.children(e, &[]);
                let (link, length_m) = self.lane(e)?;
                let end = e.number_or("endPos", length_m)?;
                // Below zero counts from the end of the lane.
                let position = if end < 0.0 { length_m + end } else { end };
                self.stops.insert(id, (link, position.clamp(0.0, length_m)));
            }
            _ => {}
        }
        Ok(())
    }

    fn journey(&mut self, e: Element<'_>) -> Result<(), Complaint> {
        match e.name() {
            "vType" | "vTypeDistribution" | "route" | "routeDistribution" | "busStop" | "trainStop"
            | "param" => {}
            // The network's reader and that of detectors take these.
            "tlLogic" => {}
            name if detectors::TAGS.contains(&name) => {}
            "vehicle" | "trip" => {
                let Some(depart_s) = self.depart(e, "depart")? else { return Ok(()) };
                let id = e.text("id")?;
                let ends = self.ends(e)?;
                let Some(plan) = self.plan(e)? else { return Ok(()) };
                self.trip(e, id.to_string(), depart_s, &plan, 0.0, ends)?;
            }
            "flow" => self.flow(e)?,
            "person" => self.person(e)?,
            "personFlow" => self.person_flow(e)?,
            name => self.leave_out(e, format!("<{name}> is not used here and was left out")),
        }
        Ok(())
    }

    fn trip(
        &mut self,
        e: Element<'_>,
        id: String,
        depart_s: f64,
        plan: &Plan,
        later_s: f64,
        ends: Ends,
    ) -> Result<(), Complaint> {
        if self.trips.len() >= MOST_TRIPS {
            return Err(e.complaint(format!("more than {MOST_TRIPS} trips")));
        }
        if !self.seen.insert(id.clone()) {
            return Err(e.complaint(format!("{} {id} is there twice", e.name())));
        }
        let vehicle_type = self.types.of_vehicle(e, &id)?;
        // Another draw than that of the type, or long routes would go with lorries.
        let route = drawn(&plan.choice, draw(&id, 1));
        // Times of a route count from the departure, those of a flow are for its first vehicle.
        let later = |halts: &[Halt], by_s: f64| -> Vec<Halt> {
            halts.iter().map(|h| Halt { until_s: h.until_s.map(|s| s + by_s), ..h.clone() }).collect()
        };
        let halts = [later(&route.halts, depart_s), later(&plan.halts, later_s)].concat();
        if !ends.is_plain() {
            self.can_begin_and_end(e, &route.links, &ends, &self.types.all[vehicle_type as usize])?;
        }
        self.trips.push(Trip {
            id,
            vehicle_type,
            depart_s,
            links: route.links.clone(),
            routed: route.whole,
            halts,
            ends,
        });
        Ok(())
    }

    /// Refuses lanes, places and speeds that the ends of its route or its type do not have.
    fn can_begin_and_end(
        &self,
        e: Element<'_>,
        links: &[LinkIx],
        ends: &Ends,
        kind: &VehicleType,
    ) -> Result<(), Complaint> {
        let (first, last) = (self.network.link(links[0]), self.network.link(links[links.len() - 1]));
        let lane = |attribute: &str, number: u16, link: &Link| {
            let lanes = link.lanes.len();
            (usize::from(number) >= lanes).then(|| {
                e.complaint(format!(
                    "{attribute} of <{}> is {number}, but edge {} has lanes 0 to {}",
                    e.name(),
                    link.id,
                    lanes.saturating_sub(1)
                ))
            })
        };
        let place = |attribute: &str, metres: f64, link: &Link| {
            (metres.abs() > link.length_m).then(|| {
                e.complaint(format!(
                    "{attribute} of <{}> is {metres}, but edge {} is only {} m long",
                    e.name(),
                    link.id,
                    link.length_m
                ))
            })
        };
        let speed = |attribute: &str, mps: f64| {
            (mps > kind.max_speed_mps).then(|| {
                e.complaint(format!(
                    "{attribute} of <{}> is {mps}, but type {} drives {} m/s at most",
                    e.name(),
                    kind.id,
                    kind.max_speed_mps
                ))
            })
        };
        let wrong = [
            match ends.depart_lane {
                Some(DepartLane::Number(number)) => lane("departLane", number, first),
                _ => None,
            },
            match ends.depart_pos {
                DepartPos::Metres(metres) => place("departPos", metres, first),
                _ => None,
            },
            match ends.depart_speed {
                DepartSpeed::Mps(mps) => speed("departSpeed", mps),
                _ => None,
            },
            match ends.arrival_lane {
                ArrivalLane::Number(number) => lane("arrivalLane", number, last),
                _ => None,
            },
            match ends.arrival_pos {
                ArrivalPos::Metres(metres) => place("arrivalPos", metres, last),
                _ => None,
            },
            ends.arrival_speed_mps.and_then(|mps| speed("arrivalSpeed", mps)),
        ];
        wrong.into_iter().flatten().next().map_or(Ok(()), Err)
    }

    /// Routes from which each vehicle draws its own.
    fn route_distribution(&mut self, e: Element<'_>) -> Result<(), Complaint> {
        let id = e.text("id")?.to_string();
        self.ledger.attributes(e, &["routes", "probabilities"]);
        self.ledger.children(e, &["route"]);
        let mut choice = Choice::new();
        for child in e.children().filter(|c| c.name() == "route") {
            let share = child.number_or("probability", 1.0)?.max(0.0);
            let route = match child.get("refId") {
                Some(name) => self.named_route(child, name)?,
                None => vec![(Rc::new(self.route(child)?), 1.0)],
            };
            // One with a name may be driven by itself, too.
            if let Some(name) = child.get("id") {
                self.routes.insert(name.to_string(), route.clone());
            }
            choice.extend(route.into_iter().map(|(route, own)| (route, own * share)));
        }
        for (name, share) in named_shares(e, "routes")? {
            let route = self.named_route(e, name)?;
            choice.extend(route.into_iter().map(|(route, own)| (route, own * share)));
        }
        if !types::total(&choice).is_normal() {
            return Err(e.complaint(format!("route distribution {id} has no routes with a share")));
        }
        self.routes.insert(id, choice);
        Ok(())
    }

    fn named_route(&self, e: Element<'_>, name: &str) -> Result<Choice, Complaint> {
        self.routes.get(name).cloned().ok_or_else(|| e.complaint(format!("route {name} does not exist")))
    }

    /// Where a vehicle, trip or flow goes: its own route, a named one, or from and to.
    fn plan(&mut self, e: Element<'_>) -> Result<Option<Plan>, Complaint> {
        let halts = self.halts(e)?;
        let own = e.children().find(|c| c.name() == "route");
        let known = match (own, e.get("route")) {
            (Some(child), _) => Some(vec![(Rc::new(self.route(child)?), 1.0)]),
            (None, Some(name)) => Some(self.named_route(e, name)?),
            (None, None) => None,
        };
        if let Some(choice) = known {
            return Ok(Some(Plan { choice, halts }));
        }
        for other in
            ["fromTaz", "toTaz", "fromJunction", "toJunction", "fromLonLat", "toLonLat", "fromXY", "toXY"]
        {
            if e.get(other).is_some() {
                self.leave_out(e, format!("<{}> with {other} is not supported and was left out", e.name()));
                return Ok(None);
            }
        }
        if e.get("from").is_none() && e.get("to").is_none() {
            return Err(e.complaint(format!("<{}> has neither a route nor from and to", e.name())));
        }
        let via = e.get("via").unwrap_or("").split_whitespace();
        let names = std::iter::once(e.text("from")?).chain(via).chain(std::iter::once(e.text("to")?));
        let links = names.map(|n| self.link(e, n)).collect::<Result<_, _>>()?;
        let choice = vec![(Rc::new(Route { links, whole: false, halts: Vec::new() }), 1.0)];
        Ok(Some(Plan { choice, halts }))
    }

    fn route(&mut self, e: Element<'_>) -> Result<Route, Complaint> {
        let names = e.text("edges")?.split_whitespace();
        let links: Vec<LinkIx> = names.map(|n| self.link(e, n)).collect::<Result<_, _>>()?;
        if links.is_empty() {
            return Err(e.complaint("the route has no edges"));
        }
        let mut whole = true;
        for pair in links.windows(2) {
            let (a, b) = (self.network.link(pair[0]), self.network.link(pair[1]));
            if a.to != b.from {
                return Err(e.complaint(format!("edge {} does not lead to edge {}", a.id, b.id)));
            }
            whole &= self.joined.contains(&(pair[0], pair[1]));
        }
        if !whole {
            self.leave_out(e, "the route makes a turn that no connection allows; only its ends are kept");
        }
        let links = if whole { links } else { vec![links[0], links[links.len() - 1]] };
        self.ledger.attributes(e, &["edges", "probability", "cost", "savings"]);
        let halts = self.halts(e)?;
        Ok(Route { links, whole, halts })
    }

    fn halts(&mut self, e: Element<'_>) -> Result<Vec<Halt>, Complaint> {
        let mut halts = Vec::new();
        for stop in e.children() {
            match stop.name() {
                "stop" => {}
                "route" | "param" => continue,
                name => {
                    self.leave_out(stop, format!("<{name}> in <{}> was left out", e.name()));
                    continue;
                }
            }
            self.ledger.attributes(
                stop,
                &[
                    "busStop",
                    "trainStop",
                    "lane",
                    "edge",
                    "startPos",
                    "endPos",
                    "duration",
                    "until",
                    "parking",
                    "friendlyPos",
                    "line",
                ],
            );
            let (link, position_m) = if let Some(name) = stop.get("busStop").or(stop.get("trainStop")) {
                *self.stops.get(name).ok_or_else(|| stop.complaint(format!("stop {name} does not exist")))?
            } else if stop.get("lane").is_some() || stop.get("edge").is_some() {
                let (link, length_m) = self.lane(stop)?;
                let end = stop.number_or("endPos", length_m)?;
                (link, if end < 0.0 { length_m + end } else { end }.clamp(0.0, length_m))
            } else {
                self.leave_out(stop, "<stop> without busStop, lane or edge was left out");
                continue;
            };
            let time = |attribute: &str| {
                let text = stop.get(attribute)?;
                let read = seconds(text).filter(|s| s.is_finite());
                Some(read.ok_or_else(|| stop.complaint(format!("{attribute} {text:?} is not a time"))))
            };
            let (dwell_s, until_s) = (time("duration").transpose()?, time("until").transpose()?);
            if dwell_s.is_none() && until_s.is_none() {
                self.leave_out(stop, "<stop> without duration or until was left out");
                continue;
            }
            let parking = match stop.get("parking") {
                None | Some("false" | "0") => false,
                Some("true" | "1") => true,
                Some(other) => {
                    self.leave_out(stop, format!("parking = {other} of <stop> is not followed"));
                    false
                }
            };
            let dwell_s = dwell_s.unwrap_or(0.0).max(0.0);
            halts.push(Halt { link, position_m, dwell_s, until_s, parking });
        }
        Ok(halts)
    }

    fn flow(&mut self, e: Element<'_>) -> Result<(), Complaint> {
        let id = e.text("id")?.to_string();
        let ends = self.ends(e)?;
        let Some(plan) = self.plan(e)? else { return Ok(()) };
        let (pace, departures) = self.departures(e, &id)?;
        let first_s = departures.first().copied().unwrap_or(0.0);
        let regular = matches!(pace, Pace::Every(_));
        for (k, depart_s) in departures.into_iter().enumerate() {
            let later_s = if regular { depart_s - first_s } else { 0.0 };
            self.trip(e, format!("{id}.{k}"), depart_s, &plan, later_s, ends)?;
        }
        Ok(())
    }

    /// When the members of a flow depart.
    fn departures(&mut self, e: Element<'_>, id: &str) -> Result<(Pace, Vec<f64>), Complaint> {
        let begin = self.depart(e, "begin")?.unwrap_or(0.0);
        let end = match e.get("end") {
            Some(_) => self.depart(e, "end")?,
            None => None,
        };
        let number = e.get("number").map(|_| e.parsed::<usize>("number", "a whole number")).transpose()?;
        let hourly = ["vehsPerHour", "perHour", "personsPerHour"].into_iter().find(|a| e.get(a).is_some());
        let exponential = e.get("period").and_then(|p| p.trim().strip_prefix("exp("));
        let pace = if let Some(rate) = exponential {
            let rate = rate.strip_suffix(')').and_then(|r| r.trim().parse::<f64>().ok());
            Pace::Poisson(
                rate.filter(|r| r.is_finite() && *r > 0.0).ok_or_else(|| {
                    e.complaint(format!("flow {id}: its period is not exp(vehicles a second)"))
                })?,
            )
        } else if e.get("probability").is_some() {
            let chance = e.number("probability")?;
            if !(0.0..=1.0).contains(&chance) {
                return Err(e.complaint(format!("flow {id}: probability {chance} is not between 0 and 1")));
            }
            Pace::EachSecond(chance)
        } else if e.get("period").is_some() {
            Pace::Every(e.positive("period")?)
        } else if let Some(hourly) = hourly {
            Pace::Every(3600.0 / e.positive(hourly)?)
        } else if let (Some(number), Some(end)) = (number, end) {
            Pace::Every(((end - begin) / number.max(1) as f64).max(0.0))
        } else {
            return Err(e.complaint(format!(
                "flow {id} says neither period, vehsPerHour, probability, nor number with end"
            )));
        };
        let never = matches!(pace, Pace::EachSecond(chance) if chance <= 0.0);
        let end = match (end, number) {
            (Some(end), _) => end,
            (None, Some(_)) if !never => f64::INFINITY,
            _ => {
                self.leave_out(e, format!("<{}> has neither end nor number; it runs for a day", e.name()));
                begin + DAY_S
            }
        };
        let expected = pace.number(begin, end).min(number.map_or(f64::INFINITY, |n| n as f64));
        if expected > MOST_OF_FLOW {
            return Err(e.complaint(format!(
                "flow {id}: {expected:.0} vehicles are more than the {MOST_OF_FLOW:.0} that one flow may have"
            )));
        }
        let departures = pace.departures(id, self.seed, begin, end).take(number.unwrap_or(usize::MAX));
        let departures = departures.collect();
        Ok((pace, departures))
    }

    /// A departure time; `None`, with a note, for the kinds that wait for something.
    fn depart(&mut self, e: Element<'_>, attribute: &str) -> Result<Option<f64>, Complaint> {
        let Some(text) = e.get(attribute) else {
            return if attribute == "begin" { Ok(None) } else { e.text(attribute).map(|_| None) };
        };
        if ["triggered", "containerTriggered", "split", "begin", "now"].contains(&text) {
            self.leave_out(e, format!("{attribute} = {text} is not supported; the vehicle was left out"));
            return Ok(None);
        }
        seconds(text).map(Some).ok_or_else(|| {
            e.complaint(format!("{attribute} of <{}> is {text:?}, which is not a time", e.name()))
        })
    }

    /// How a vehicle, trip or flow begins and ends. What SUMO would follow and we do not is noted.
    fn ends(&mut self, e: Element<'_>) -> Result<Ends, Complaint> {
        for attribute in ["departEdge", "arrivalEdge"] {
            // Starting on the first road and ending on the last is what we do anyway.
            if !matches!(e.get(attribute), None | Some("0" | "-1")) {
                self.leave_out(e, format!("{attribute} of <{}> is not followed", e.name()));
            }
        }
        let known: Vec<&str> =
            OF_VEHICLE.into_iter().chain(ENDS).chain(["departEdge", "arrivalEdge", "line"]).collect();
        self.ledger.attributes(e, &known);
        let depart_lane = match e.get("departLane") {
            None => None,
            Some("first") => Some(DepartLane::First),
            Some("best") => Some(DepartLane::Best),
            Some("best_prob") => Some(DepartLane::BestProb),
            Some("free") => Some(DepartLane::Free),
            Some("allowed") => Some(DepartLane::Allowed),
            Some("random") => Some(DepartLane::Random),
            Some(_) => {
                Some(DepartLane::Number(e.parsed("departLane", "a lane's number or one of SUMO's words")?))
            }
        };
        let depart_pos = match e.get("departPos") {
            None | Some("base") => DepartPos::Base,
            Some("random") => DepartPos::Random,
            Some("random_free") => DepartPos::RandomFree,
            Some("free") => DepartPos::Free,
            Some("last") => DepartPos::Last,
            Some("stop") => DepartPos::Stop,
            Some(word @ "splitFront") => {
                self.leave_out(e, format!("departPos = {word} of <{}> is not followed", e.name()));
                DepartPos::Base
            }
            Some(_) => DepartPos::Metres(e.number("departPos")?),
        };
        let depart_speed = match e.get("departSpeed") {
            None | Some("avg") => DepartSpeed::Avg,
            Some("last") => DepartSpeed::Last,
            Some("max") => DepartSpeed::Max,
            Some("random") => DepartSpeed::Random,
            Some("desired") => DepartSpeed::Desired,
            Some("speedLimit") => DepartSpeed::SpeedLimit,
            Some(_) => DepartSpeed::Mps(speed(e, "departSpeed")?),
        };
        let arrival_lane = match e.get("arrivalLane") {
            None | Some("current") => ArrivalLane::Current,
            Some("first") => ArrivalLane::First,
            Some("random") => ArrivalLane::Random,
            Some(_) => {
                ArrivalLane::Number(e.parsed("arrivalLane", "a lane's number or one of SUMO's words")?)
            }
        };
        let arrival_pos = match e.get("arrivalPos") {
            None | Some("max") => ArrivalPos::Max,
            Some("center") => ArrivalPos::Center,
            Some("random") => ArrivalPos::Random,
            Some(_) => ArrivalPos::Metres(e.number("arrivalPos")?),
        };
        let arrival_speed_mps = match e.get("arrivalSpeed") {
            None | Some("current") => None,
            Some(_) => Some(speed(e, "arrivalSpeed")?),
        };
        Ok(Ends { depart_lane, depart_pos, depart_speed, arrival_lane, arrival_pos, arrival_speed_mps })
    }

    fn link(&self, e: Element<'_>, name: &str) -> Result<LinkIx, Complaint> {
        self.links
            .get(name)
            .copied()
            .ok_or_else(|| e.complaint(format!("edge {name} does not exist in the network")))
    }

    /// The link that `lane` (or `edge`) names, and its length.
    fn lane(&self, e: Element<'_>) -> Result<(LinkIx, f64), Complaint> {
        let name = match e.get("edge") {
            Some(edge) => edge,
            None => {
                let lane = e.text("lane")?;
                lane.rsplit_once('_')
                    .map(|(edge, _)| edge)
                    .ok_or_else(|| e.complaint(format!("{lane:?} is not a lane's id")))?
            }
        };
        let link = self.link(e, name)?;
        Ok((link, self.network.link(link).length_m))
    }
}

/// A speed, m/s, that must be there.
fn speed(e: Element<'_>, attribute: &str) -> Result<f64, Complaint> {
    let mps = e.number(attribute)?;
    if mps >= 0.0 {
        Ok(mps)
    } else {
        Err(e.complaint(format!("{attribute} of <{}> is {mps}; it must not be below zero", e.name())))
    }
}

/// When the vehicles of a flow depart.
enum Pace {
    /// One after so many seconds.
    Every(f64),
    /// At each second, with that chance.
    EachSecond(f64),
    /// Vehicles a second, at any time.
    Poisson(f64),
}

impl Pace {
    /// Vehicles to expect.
    fn number(&self, begin: f64, end: f64) -> f64 {
        let seconds = (end - begin).max(0.0);
        match *self {
            Pace::Every(period) => seconds / period,
            Pace::EachSecond(chance) => seconds * chance,
            Pace::Poisson(rate) => seconds * rate,
        }
    }

    /// Departures from `begin` until before `end`. Chances depend on the flow's name and the seed only.
    fn departures<'a>(
        &'a self,
        id: &'a str,
        seed: u64,
        begin: f64,
        end: f64,
    ) -> impl Iterator<Item = f64> + 'a {
        // Whatever the chance, nobody counts longer than this: a hundred days of seconds.
        const MOST_TRIES: u64 = 8_640_000;
        // Seeds are spread far apart, or the next seed would be this one a second later.
        let dice = move |k: u64| draw(id, seed.wrapping_mul(0xd1b5_4a32_d192_ed03) ^ (k + 2));
        let mut random = begin;
        (0..)
            .map_while(move |k: u64| match *self {
                Pace::Every(period) => {
                    let at = begin + k as f64 * period;
                    (at < end).then_some(Some(at))
                }
                Pace::EachSecond(chance) => {
                    let at = begin + k as f64;
                    (at < end && k < MOST_TRIES).then(|| (dice(k) < chance).then_some(at))
                }
                Pace::Poisson(rate) => {
                    random -= (1.0 - dice(k)).ln() / rate;
                    (random < end).then_some(Some(random))
                }
            })
            .flatten()
    }
}
