//! Vehicles, types and stops of `.rou.xml` and `.add.xml`.
//!
//! The formats: <https://sumo.dlr.de/docs/Definition_of_Vehicles%2C_Vehicle_Types%2C_and_Routes.html>.

use super::{
    classes::vehicle_class,
    scenario::seconds,
    xml::{Element, Xml},
};
use crate::{
    config::{Complaint, Complaints, Read, Source},
    demand::{Demand, Halt, Trip, VehicleType},
    ids::LinkIx,
    network::{Modes, Network},
};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Most trips that one scenario may hold: a day of a large city. A typing error in a flow stops here.
const MOST_TRIPS: usize = 20_000_000;
/// A flow that names no end stops a day after it began.
const DAY_S: f64 = 86_400.0;

/// Reads the demand of a scenario. `sources` are its additional and then its route files, in the order in
/// which they are loaded; types, routes and stops may stand in any of them. What cannot be driven here
/// (people, containers, random flows) is noted by name and line.
pub fn demand(network: &Network, sources: &[Source<'_>]) -> Result<Read<Demand>, Complaints> {
    let mut complaints = Complaints::default();
    let xmls: Vec<Xml<'_>> = sources.iter().filter_map(|s| complaints.take(Xml::parse(*s))).collect();
    let links = network.links.iter().enumerate().map(|(i, l)| (l.id.as_str(), LinkIx::from(i))).collect();
    let joined =
        network.movements.iter().map(|m| (network.lane(m.from).link, network.lane(m.to).link)).collect();
    let mut reader = Reader {
        network,
        links,
        joined,
        types: Vec::new(),
        type_of: HashMap::new(),
        distributions: HashMap::new(),
        routes: HashMap::new(),
        stops: HashMap::new(),
        trips: Vec::new(),
        seen: HashSet::new(),
        complaints,
        tally: BTreeMap::new(),
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
    let notes = reader.tally.into_values().map(Tally::into_note).collect();
    reader.complaints.or(Read { value: Demand { types: reader.types, trips: reader.trips }, notes })
}

/// A thing that was left out, however often.
struct Tally {
    first: Complaint,
    count: usize,
}

impl Tally {
    fn into_note(self) -> Complaint {
        let mut note = self.first;
        if self.count > 1 {
            note.message += &format!(" (and {} more)", self.count - 1);
        }
        note
    }
}

struct Route {
    links: Vec<LinkIx>,
    /// Every link leads to the next one.
    whole: bool,
    halts: Vec<Halt>,
}

struct Reader<'n> {
    network: &'n Network,
    links: HashMap<&'n str, LinkIx>,
    joined: HashSet<(LinkIx, LinkIx)>,
    types: Vec<VehicleType>,
    type_of: HashMap<String, u32>,
    /// Types with their shares.
    distributions: HashMap<String, Vec<(u32, f64)>>,
    routes: HashMap<String, Route>,
    stops: HashMap<String, (LinkIx, f64)>,
    trips: Vec<Trip>,
    seen: HashSet<String>,
    complaints: Complaints,
    tally: BTreeMap<(String, String), Tally>,
}

impl Reader<'_> {
    /// Counts something that is left out under `what`; the note keeps the first line.
    fn leave_out(&mut self, e: Element<'_>, what: impl Into<String>) {
        let what = what.into();
        let entry = self.tally.entry((e.file().to_string(), what.clone()));
        entry.or_insert_with(|| Tally { first: e.complaint(what), count: 0 }).count += 1;
    }

    fn definition(&mut self, e: Element<'_>) -> Result<(), Complaint> {
        match e.name() {
            "vType" => {
                self.vehicle_type(e)?;
            }
            "vTypeDistribution" => {
                let id = e.text("id")?.to_string();
                let mut members = Vec::new();
                for child in e.children().filter(|c| c.name() == "vType") {
                    members.push((self.vehicle_type(child)?, child.number_or("probability", 1.0)?.max(0.0)));
                }
                let named: Vec<&str> = e.get("vTypes").unwrap_or("").split_whitespace().collect();
                let shares: Vec<&str> = e.get("probabilities").unwrap_or("").split_whitespace().collect();
                for (i, name) in named.iter().enumerate() {
                    let known = self.type_of.get(*name).copied();
                    let share = shares.get(i).and_then(|s| s.parse().ok()).unwrap_or(1.0);
                    members.push((
                        known.ok_or_else(|| e.complaint(format!("type {name} does not exist")))?,
                        share,
                    ));
                }
                let total: f64 = members.iter().map(|m| m.1).sum();
                if total.is_nan() || total <= 0.0 {
                    return Err(e.complaint(format!("type distribution {id} has no types with a share")));
                }
                self.distributions.insert(id, members);
            }
            "route" => {
                let id = e.text("id")?.to_string();
                let route = self.route(e)?;
                self.routes.insert(id, route);
            }
            "busStop" | "trainStop" => {
                let id = e.text("id")?.to_string();
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
            "vType" | "vTypeDistribution" | "route" | "busStop" | "trainStop" | "param" => {}
            // The network's reader takes these.
            "tlLogic" => {}
            "vehicle" | "trip" => {
                let Some(depart_s) = self.depart(e, "depart")? else { return Ok(()) };
                let id = e.text("id")?;
                self.unused(e);
                let Some(plan) = self.plan(e)? else { return Ok(()) };
                self.trip(e, id.to_string(), depart_s, &plan)?;
            }
            "flow" => self.flow(e)?,
            name => self.leave_out(e, format!("<{name}> is not used here and was left out")),
        }
        Ok(())
    }

    fn trip(&mut self, e: Element<'_>, id: String, depart_s: f64, route: &Route) -> Result<(), Complaint> {
        if self.trips.len() >= MOST_TRIPS {
            return Err(e.complaint(format!("more than {MOST_TRIPS} trips")));
        }
        if !self.seen.insert(id.clone()) {
            return Err(e.complaint(format!("{} {id} is there twice", e.name())));
        }
        let vehicle_type = self.type_for(e, &id)?;
        self.trips.push(Trip {
            id,
            vehicle_type,
            depart_s,
            links: route.links.clone(),
            routed: route.whole,
            halts: route.halts.clone(),
        });
        Ok(())
    }

    /// Where a vehicle, trip or flow goes: its own route, a named one, or from and to.
    fn plan(&mut self, e: Element<'_>) -> Result<Option<Route>, Complaint> {
        let halts = self.halts(e)?;
        if let Some(child) = e.children().find(|c| c.name() == "route") {
            let mut route = self.route(child)?;
            route.halts.extend(halts);
            return Ok(Some(route));
        }
        if let Some(name) = e.get("route") {
            let known =
                self.routes.get(name).ok_or_else(|| e.complaint(format!("route {name} does not exist")))?;
            let halts = known.halts.iter().cloned().chain(halts).collect();
            return Ok(Some(Route { links: known.links.clone(), whole: known.whole, halts }));
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
        Ok(Some(Route { links, whole: false, halts }))
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
        if e.get("repeat").is_some() {
            self.leave_out(e, "repeat of a route is not followed");
        }
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
            let Some(dwell) = stop.get("duration") else {
                self.leave_out(
                    stop,
                    "<stop> without duration was left out (until and triggers are not followed)",
                );
                continue;
            };
            let dwell_s =
                seconds(dwell).ok_or_else(|| stop.complaint(format!("duration {dwell:?} is not a time")))?;
            halts.push(Halt { link, position_m, dwell_s: dwell_s.max(0.0) });
        }
        Ok(halts)
    }

    fn flow(&mut self, e: Element<'_>) -> Result<(), Complaint> {
        let id = e.text("id")?.to_string();
        self.unused(e);
        if e.get("probability").is_some() || e.get("period").is_some_and(|p| p.starts_with("exp")) {
            self.leave_out(
                e,
                "<flow> with random departures (probability, exp) is not supported and was left out",
            );
            return Ok(());
        }
        let Some(route) = self.plan(e)? else { return Ok(()) };
        let begin = self.depart(e, "begin")?.unwrap_or(0.0);
        let end = match e.get("end") {
            Some(_) => self.depart(e, "end")?,
            None => None,
        };
        let number = e.get("number").map(|_| e.parsed::<usize>("number", "a whole number")).transpose()?;
        let hourly = ["vehsPerHour", "perHour"].into_iter().find(|a| e.get(a).is_some());
        let period = if e.get("period").is_some() {
            e.positive("period")?
        } else if let Some(hourly) = hourly {
            3600.0 / e.positive(hourly)?
        } else if let (Some(number), Some(end)) = (number, end) {
            ((end - begin) / number.max(1) as f64).max(0.0)
        } else {
            return Err(
                e.complaint(format!("flow {id} says neither period, vehsPerHour, nor number with end"))
            );
        };
        let end = match (end, number) {
            (Some(end), _) => end,
            (None, Some(_)) => f64::INFINITY,
            (None, None) => {
                self.leave_out(e, "<flow> has neither end nor number; it runs for a day");
                begin + DAY_S
            }
        };
        let most = number.unwrap_or(usize::MAX);
        let mut k = 0;
        while k < most && begin + k as f64 * period < end {
            self.trip(e, format!("{id}.{k}"), begin + k as f64 * period, &route)?;
            k += 1;
        }
        Ok(())
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

    /// Attributes that SUMO would follow and we do not.
    fn unused(&mut self, e: Element<'_>) {
        for attribute in [
            "departPos",
            "departSpeed",
            "departLane",
            "arrivalPos",
            "arrivalLane",
            "arrivalSpeed",
            "departPosLat",
        ] {
            // Starting at the beginning and ending at the end is what we do anyway.
            let plain = matches!(
                e.get(attribute),
                None | Some("0" | "0.00" | "base" | "best" | "free" | "max" | "-1" | "current")
            );
            if !plain {
                self.leave_out(e, format!("{attribute} of <{}> is not followed", e.name()));
            }
        }
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

    fn type_for(&mut self, e: Element<'_>, id: &str) -> Result<u32, Complaint> {
        let name = e.get("type").unwrap_or("DEFAULT_VEHTYPE");
        if let Some(&known) = self.type_of.get(name) {
            return Ok(known);
        }
        if let Some(members) = self.distributions.get(name) {
            // The vehicle's own name draws, so that the same file always gives the same mixture.
            let hash = id
                .bytes()
                .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
            let total: f64 = members.iter().map(|m| m.1).sum();
            // FNV's low bits are its best mixed; fold the high half in for short names.
            let mut drawn = ((hash ^ (hash >> 32)) & 0xffff_ffff) as f64 / 4_294_967_296.0 * total;
            for &(member, share) in members {
                if drawn < share {
                    return Ok(member);
                }
                drawn -= share;
            }
            return Ok(members[members.len() - 1].0);
        }
        let default = match name {
            "DEFAULT_VEHTYPE" | "DEFAULT_TAXITYPE" => VehicleType { id: name.into(), ..VehicleType::car() },
            "DEFAULT_BIKETYPE" => VehicleType { id: name.into(), ..of_class("bicycle") },
            _ => return Err(e.complaint(format!("type {name} does not exist"))),
        };
        Ok(self.add_type(default))
    }

    fn add_type(&mut self, t: VehicleType) -> u32 {
        let ix = self.types.len() as u32;
        self.type_of.insert(t.id.clone(), ix);
        self.types.push(t);
        ix
    }

    fn vehicle_type(&mut self, e: Element<'_>) -> Result<u32, Complaint> {
        let id = e.text("id")?;
        let class = e.get("vClass").unwrap_or("passenger");
        let base = of_class(class);
        if e.get("carFollowModel").is_some_and(|m| !m.starts_with("Krauss")) {
            self.leave_out(e, "carFollowModel other than Krauss is driven as Krauss");
        }
        let or = |attribute: &str, default: f64, lowest: f64| -> Result<f64, Complaint> {
            let value = e.number_or(attribute, default)?;
            if value >= lowest {
                Ok(value)
            } else {
                Err(e.complaint(format!("{attribute} of type {id} is {value}; it must be at least {lowest}")))
            }
        };
        let (factor, dev) = match e.get("speedFactor") {
            None => (base.speed_factor, base.speed_dev),
            Some(text) => distribution(text).ok_or_else(|| {
                e.complaint(format!("speedFactor {text:?} of type {id} is not a number or norm(...)"))
            })?,
        };
        let t = VehicleType {
            id: id.to_string(),
            mode: base.mode,
            length_m: or("length", base.length_m, 0.1)?,
            min_gap_m: or("minGap", base.min_gap_m, 0.0)?,
            accel_mps2: or("accel", base.accel_mps2, 0.01)?,
            decel_mps2: or("decel", base.decel_mps2, 0.01)?,
            max_speed_mps: or("maxSpeed", base.max_speed_mps, 0.1)?,
            sigma: or("sigma", base.sigma, 0.0)?.min(1.0),
            tau_s: or("tau", base.tau_s, 0.01)?,
            speed_factor: factor,
            speed_dev: or("speedDev", dev, 0.0)?,
        };
        if self.type_of.contains_key(id) {
            return Err(e.complaint(format!("type {id} is there twice")));
        }
        Ok(self.add_type(t))
    }
}

/// A number (with no deviation of its own), or the mean and deviation of `norm(...)` and `normc(...)`.
fn distribution(text: &str) -> Option<(f64, f64)> {
    let text = text.trim();
    if let Ok(value) = text.parse::<f64>() {
        return (value.is_finite() && value > 0.0).then_some((value, 0.0));
    }
    let inner = text.strip_prefix("normc(").or(text.strip_prefix("norm("))?.strip_suffix(')')?;
    let mut parts = inner.split(',').map(|p| p.trim().parse::<f64>().ok().filter(|v| v.is_finite()));
    let (mean, dev) = (parts.next()??, parts.next()??);
    (mean > 0.0 && dev >= 0.0).then_some((mean, dev))
}

/// SUMO's defaults for an abstract vehicle class
/// (<https://sumo.dlr.de/docs/Vehicle_Type_Parameter_Defaults.html>).
fn of_class(class: &str) -> VehicleType {
    let car = VehicleType::car();
    let of = |length_m, accel_mps2, decel_mps2, kmh: f64, speed_dev| VehicleType {
        length_m,
        accel_mps2,
        decel_mps2,
        max_speed_mps: kmh / 3.6,
        speed_dev,
        ..VehicleType::car()
    };
    let sized = match class {
        "bus" => VehicleType::bus(),
        "coach" => of(14.0, 2.0, 4.0, 100.0, 0.05),
        "truck" => of(7.1, 1.3, 4.0, 130.0, 0.05),
        "trailer" => of(16.5, 1.1, 4.0, 130.0, 0.05),
        "delivery" => of(6.5, 2.9, 7.5, 200.0, 0.05),
        "emergency" => of(6.5, 2.6, 4.5, 200.0, 0.0),
        "motorcycle" => of(2.2, 6.0, 10.0, 200.0, 0.1),
        "moped" => of(2.1, 1.1, 7.0, 45.0, 0.1),
        "bicycle" => VehicleType { min_gap_m: 0.5, ..of(1.6, 1.2, 3.0, 20.0, 0.1) },
        "tram" => of(22.0, 1.0, 3.0, 80.0, 0.0),
        _ => car,
    };
    let mode = match class {
        // Whoever ignores the lanes' permissions may use what anybody may.
        "ignoring" => Modes::STREET.with(Modes::TRAM),
        "rail" | "rail_electric" | "rail_fast" | "rail_urban" | "tram" => Modes::TRAM,
        _ => vehicle_class(class),
    };
    // Motorcycles and their like drive where cars do.
    VehicleType { mode: if mode == Modes::NONE { Modes::CAR } else { mode }, ..sized }
}
