//! People on foot: `person` and `personFlow`, and the shortest way from pavement to pavement.
//!
//! The formats: <https://sumo.dlr.de/docs/Specification/Persons.html>.

use super::{MOST_TRIPS, Reader};
use crate::{
    config::Complaint,
    demand::{Across, Walk},
    ids::{CrossingIx, LinkIx},
    network::{Ground, Network},
    sumo::{types::draw, xml::Element},
};
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, HashSet},
};

/// Mean speed of people on foot, m/s, and its deviation as a share of it (SUMO's defaults for `pedestrian`).
const WALKING_MPS: f64 = 1.389;
const WALKING_DEV: f64 = 0.1;
/// Slowest walk, m/s.
const SLOWEST_MPS: f64 = 0.1;

/// Pavements by link.
pub(super) fn pavements(network: &Network) -> HashMap<LinkIx, u32> {
    let pieces = network.footways.iter().enumerate();
    let pavement = |(i, way): (usize, &crate::network::Footway)| match way.ground {
        Ground::Beside(link) => Some((link, i as u32)),
        Ground::Corner | Ground::Across(_) => None,
    };
    pieces.filter_map(pavement).collect()
}

/// A way so far: metres, and the crossings with the metres before each.
#[derive(Clone, Default)]
struct Path {
    metres: f64,
    crossings: Vec<(f64, CrossingIx, bool)>,
}

/// An end of a piece of the way on foot; a corner has one only.
type End = (u32, usize);

/// A walk that several people may take.
struct Way {
    crossings: Vec<Across>,
    rest_m: f64,
}

impl Reader<'_> {
    pub(super) fn person(&mut self, e: Element<'_>) -> Result<(), Complaint> {
        let id = e.text("id")?.to_string();
        self.ledger.attributes(e, &["depart", "type", "departPos"]);
        let Some(depart_s) = self.depart(e, "depart")? else { return Ok(()) };
        let Some(way) = self.way_on_foot(e)? else { return Ok(()) };
        self.walk(e, id, depart_s, &way)
    }

    pub(super) fn person_flow(&mut self, e: Element<'_>) -> Result<(), Complaint> {
        let id = e.text("id")?.to_string();
        let known = [
            "type",
            "departPos",
            "begin",
            "end",
            "number",
            "period",
            "perHour",
            "personsPerHour",
            "probability",
        ];
        self.ledger.attributes(e, &known);
        let Some(way) = self.way_on_foot(e)? else { return Ok(()) };
        let (_, departures) = self.departures(e, &id)?;
        for (k, depart_s) in departures.into_iter().enumerate() {
            self.walk(e, format!("{id}.{k}"), depart_s, &way)?;
        }
        Ok(())
    }

    fn walk(&mut self, e: Element<'_>, id: String, depart_s: f64, way: &Way) -> Result<(), Complaint> {
        if self.walks.len() >= MOST_TRIPS {
            return Err(e.complaint(format!("more than {MOST_TRIPS} people")));
        }
        if !self.seen.insert(format!("person {id}")) {
            return Err(e.complaint(format!("person {id} is there twice")));
        }
        let speed_mps = self.walking_speed(e, &id)?;
        let (crossings, rest_m) = (way.crossings.clone(), way.rest_m);
        self.walks.push(Walk { id, depart_s, speed_mps, crossings, rest_m });
        Ok(())
    }

    /// How fast a person walks: normal around its type's mean, cut at 0.2 and 2 of it.
    fn walking_speed(&mut self, e: Element<'_>, id: &str) -> Result<f64, Complaint> {
        let (most, factor, dev) = match e.get("type") {
            None | Some("DEFAULT_PEDTYPE") => (f64::INFINITY, 1.0, WALKING_DEV),
            Some(_) => {
                let kind = self.types.of_vehicle(e, id)?;
                let kind = &self.types.all[kind as usize];
                (kind.max_speed_mps, kind.speed_factor, kind.speed_dev)
            }
        };
        // Box and Muller (1958).
        let normal = (-2.0 * (1.0 - draw(id, 2)).ln()).sqrt() * (std::f64::consts::TAU * draw(id, 3)).cos();
        let own = (factor + dev * normal).clamp(0.2 * factor, 2.0 * factor);
        Ok((WALKING_MPS * own).min(most).max(SLOWEST_MPS))
    }

    /// The walks of a person, one after the other; `None`, with a note, where it does anything else.
    fn way_on_foot(&mut self, e: Element<'_>) -> Result<Option<Way>, Complaint> {
        let mut links: Vec<LinkIx> = Vec::new();
        let mut arrival_pos = None;
        for stage in e.children().filter(|c| c.name() != "param") {
            match stage.name() {
                "walk" => self.ledger.attributes(stage, &["edges", "from", "to", "arrivalPos"]),
                "personTrip" if stage.get("modes").is_none_or(str::is_empty) => {
                    self.ledger.attributes(stage, &["from", "to", "modes", "arrivalPos"]);
                }
                name => {
                    let what = format!("<{}> with <{name}> is not supported and was left out", e.name());
                    self.leave_out(stage, what);
                    return Ok(None);
                }
            }
            let names: Vec<&str> = match (stage.get("edges"), stage.get("to")) {
                (Some(edges), _) => edges.split_whitespace().collect(),
                (None, Some(to)) if links.is_empty() => vec![stage.text("from")?, to],
                (None, Some(to)) => stage.get("from").into_iter().chain([to]).collect(),
                (None, None) => {
                    let what =
                        format!("<{}> with <{}> without edges or to was left out", e.name(), stage.name());
                    self.leave_out(stage, what);
                    return Ok(None);
                }
            };
            for name in names {
                let link = self.link(stage, name)?;
                if links.last() != Some(&link) {
                    links.push(link);
                }
            }
            arrival_pos = self.place_in_metres(stage, "arrivalPos")?;
        }
        if links.is_empty() {
            return Err(e.complaint(format!("<{}> walks nowhere", e.name())));
        }
        if self.network.footways.is_empty() {
            self.leave_out(e, format!("the network has no ways on foot: <{}> was left out", e.name()));
            return Ok(None);
        }
        let depart_pos = self.place_in_metres(e, "departPos")?;
        self.shortest_way(e, &links, depart_pos.unwrap_or(0.0), arrival_pos).map(Some)
    }

    /// A number of metres; words of SUMO's for a place are noted.
    fn place_in_metres(&mut self, e: Element<'_>, attribute: &str) -> Result<Option<f64>, Complaint> {
        match e.get(attribute) {
            None => Ok(None),
            Some(
                word @ ("random" | "random_free" | "free" | "base" | "center" | "max" | "last" | "stop"),
            ) => {
                self.leave_out(e, format!("{attribute} = {word} of <{}> is not followed", e.name()));
                Ok(None)
            }
            Some(_) => e.number(attribute).map(Some),
        }
    }

    /// Along the pavements of those links, in order.
    fn shortest_way(
        &self,
        e: Element<'_>,
        links: &[LinkIx],
        depart_pos: f64,
        arrival_pos: Option<f64>,
    ) -> Result<Way, Complaint> {
        let pavement = |link: LinkIx| {
            let found = self.pavements.get(&link).copied();
            found.ok_or_else(|| {
                e.complaint(format!("nobody can walk along edge {}", self.network.link(link).id))
            })
        };
        let place = |piece: u32, pos: f64| {
            let length = self.network.footways[piece as usize].length_m;
            (if pos < 0.0 { length + pos } else { pos }).clamp(0.0, length)
        };
        let length = |piece: u32| self.network.footways[piece as usize].length_m;
        let mut at = pavement(links[0])?;
        let from = place(at, depart_pos);
        // To its beginning, and to its end.
        let away = |metres: f64| Some(Path { metres, ..Path::default() });
        let mut paths = [away(from), away(length(at) - from)];
        for pair in links.windows(2) {
            let next = pavement(pair[1])?;
            paths = self.onwards(at, paths, next);
            if paths.iter().all(Option::is_none) {
                let [a, b] = [pair[0], pair[1]].map(|l| &self.network.link(l).id);
                return Err(e.complaint(format!("nobody can walk from edge {a} to edge {b}")));
            }
            at = next;
        }
        let to = arrival_pos.map_or(length(at) / 2.0, |pos| place(at, pos));
        if links.len() == 1 {
            return Ok(Way { crossings: Vec::new(), rest_m: (to - from).abs() });
        }
        let left = [to, length(at) - to];
        let ends = paths.into_iter().zip(left).filter_map(|(path, left)| path.map(|p| (p.metres + left, p)));
        let (metres, path) = ends.min_by(|a, b| a.0.total_cmp(&b.0)).expect("one of the two is there");
        let mut before = 0.0;
        let crossings: Vec<Across> = path
            .crossings
            .iter()
            .map(|&(metres, crossing, forward)| {
                let across = Across { after_m: metres - before, crossing, forward };
                before = metres + self.network.crossings[crossing.ix()].length_m;
                across
            })
            .collect();
        Ok(Way { crossings, rest_m: (metres - before).max(0.0) })
    }

    /// The shortest ways from both ends of a piece to both ends of another (Dijkstra), `paths` being the ways to the former.
    fn onwards(&self, from: u32, paths: [Option<Path>; 2], to: u32) -> [Option<Path>; 2] {
        let pieces = &self.network.footways;
        let corner = |piece: u32| pieces[piece as usize].ground == Ground::Corner;
        let mut best: HashMap<End, (f64, Option<End>)> = HashMap::new();
        let mut open: BinaryHeap<Reverse<(u64, End)>> = BinaryHeap::new();
        let mut done: HashSet<End> = HashSet::new();
        // Not below zero, so their bits are in the order of the numbers.
        let key = |metres: f64| metres.to_bits();
        for (side, path) in paths.iter().enumerate() {
            if let Some(path) = path {
                best.insert((from, side), (path.metres, None));
                open.push(Reverse((key(path.metres), (from, side))));
            }
        }
        while let Some(Reverse((_, end))) = open.pop() {
            if !done.insert(end) {
                continue;
            }
            if done.contains(&(to, 0)) && done.contains(&(to, 1)) {
                break;
            }
            let (metres, _) = best[&end];
            let (piece, side) = end;
            let way = &pieces[piece as usize];
            let mut reach = |next: End, metres: f64| {
                if best.get(&next).is_none_or(|(known, _)| metres < *known) {
                    best.insert(next, (metres, Some(end)));
                    open.push(Reverse((key(metres), next)));
                }
            };
            let touching: Vec<u32> = match (corner(piece), side) {
                (true, _) => way.before.iter().chain(&way.after).copied().collect(),
                (false, 0) => way.before.clone(),
                (false, _) => way.after.clone(),
            };
            if !corner(piece) {
                reach((piece, 1 - side), metres + way.length_m);
            }
            for next in touching {
                if corner(next) {
                    reach((next, 0), metres + pieces[next as usize].length_m);
                } else {
                    let side = usize::from(!pieces[next as usize].before.contains(&piece));
                    reach((next, side), metres);
                }
            }
        }
        [0, 1].map(|side| {
            let mut end = (to, side);
            let mut crossings = Vec::new();
            let metres = best.get(&end)?.0;
            while let Some((_, Some(before))) = best.get(&end) {
                if let (Ground::Across(crossing), true) = (pieces[end.0 as usize].ground, before.0 == end.0) {
                    crossings.push((best[before].0, crossing, before.1 == 0));
                }
                end = *before;
            }
            crossings.reverse();
            let mut path = paths[end.1].clone()?;
            path.metres = metres;
            path.crossings.extend(crossings);
            Some(path)
        })
    }
}
