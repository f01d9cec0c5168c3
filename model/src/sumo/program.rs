//! A running `tlLogic` becomes a junction: groups, stages, intergreens, and a plan that shows the same greens.
//!
//! SUMO writes a program as rows of letters, one per head and row
//! (<https://sumo.dlr.de/docs/Simulation/Traffic_Lights.html>). Heads of one approach whose letters agree in every
//! row are one signal group. The rows become a [`Timeline`] of green sets, and that gives stages and the plan.

use super::{timeline::Timeline, xml::Element};
use crate::{
    config::{Complaint, Complaints},
    geo::LonLat,
    ids::{DistrictId, GroupNumber, JunctionId, LaneIx, LinkIx, MovementIx, NodeIx},
    network::{Modes, Name, Network, Turn},
    signal::{GroupKind, Intergreens, Junction, Plan, SignalGroup},
    time::Tenths,
};
use std::collections::{BTreeMap, BTreeSet};

/// Most heads of one light. The largest real ones have fewer than 200; a broken file may say anything.
pub(super) const MOST_HEADS: usize = 2000;
/// Most rows of one program.
const MOST_ROWS: usize = 1000;
/// What a group needs at least when the program does not show it green for less.
const MINIMUM_GREEN: Tenths = Tenths::seconds(5);
/// Amber of a vehicle group whose program shows none.
const AMBER: Tenths = Tenths::seconds(3);

/// A program as its file gives it.
pub(super) struct Program {
    pub(super) name: String,
    pub(super) file: String,
    pub(super) line: u32,
    /// Row 0 begins at times that are this modulo the cycle, tenths.
    pub(super) offset: i64,
    pub(super) rows: Vec<Row>,
}

pub(super) struct Row {
    pub(super) duration: Tenths,
    pub(super) letters: Vec<u8>,
}

/// What a light governs, gathered from the connections.
pub(super) struct Light {
    pub(super) line: u32,
    /// Head and movement, in any order.
    pub(super) movements: Vec<(u16, MovementIx)>,
    /// Heads of pedestrian crossings.
    pub(super) crossings: Vec<u16>,
    /// Where they are; repeats are harmless.
    pub(super) nodes: Vec<NodeIx>,
}

impl Light {
    /// One that governs nothing yet, first mentioned on that line.
    pub(super) fn new(line: u32) -> Light {
        Light { line, movements: Vec::new(), crossings: Vec::new(), nodes: Vec::new() }
    }
}

/// All programs directly inside `root`; the last one of each light, which is the one that SUMO runs.
pub(super) fn read(
    root: Element<'_>,
    complaints: &mut Complaints,
    notes: &mut Vec<Complaint>,
) -> BTreeMap<String, Program> {
    let mut programs = BTreeMap::new();
    for logic in root.children().filter(|e| e.name() == "tlLogic") {
        match program(logic, notes) {
            Ok((id, program)) => {
                programs.insert(id, program);
            }
            Err(complaint) => complaints.push(complaint),
        }
    }
    programs
}

fn program(logic: Element<'_>, notes: &mut Vec<Complaint>) -> Result<(String, Program), Complaint> {
    let id = logic.text("id")?;
    let kind = logic.get("type").unwrap_or("static");
    if kind != "static" {
        notes.push(logic.complaint(format!("traffic light {id}: its {kind} program is read as a fixed one")));
    }
    let mut rows: Vec<Row> = Vec::new();
    let mut told = BTreeSet::new();
    for e in logic.children() {
        if e.name() != "phase" {
            if e.name() != "param" {
                notes.push(e.complaint(format!("traffic light {id}: <{}> was left out", e.name())));
            }
            continue;
        }
        if e.get("next").is_some() {
            notes.push(e.complaint(format!("traffic light {id}: next is not followed; rows run in order")));
        }
        for attribute in e.attributes() {
            // Bounds only matter to an actuated program, of which the kind is said above.
            let known = ["duration", "state", "next", "name", "minDur", "maxDur"].contains(&attribute);
            if !known && told.insert(attribute.to_owned()) {
                notes
                    .push(e.complaint(format!("traffic light {id}: {attribute} of <phase> is not followed")));
            }
        }
        let duration = e.number("duration")?;
        if !(0.0..=3600.0).contains(&duration) {
            return Err(e.complaint(format!(
                "traffic light {id}: a duration of {duration} s is not between 0 and 3600"
            )));
        }
        let state = e.text("state")?;
        let letters: Vec<u8> = state.bytes().map(|b| if b == b'Y' { b'y' } else { b }).collect();
        if let Some(odd) = state.chars().find(|c| !"rugGyYsoO".contains(*c)) {
            return Err(e.complaint(format!(
                "traffic light {id}: state {state:?} has the letter {odd:?}, which means nothing"
            )));
        }
        if letters.is_empty() || letters.len() > MOST_HEADS || rows.len() >= MOST_ROWS {
            return Err(e.complaint(format!(
                "traffic light {id}: it has no heads, or more of heads or rows than can be"
            )));
        }
        if let Some(first) = rows.first().filter(|first| first.letters.len() != letters.len()) {
            let (has, wanted) = (letters.len(), first.letters.len());
            return Err(e.complaint(format!(
                "traffic light {id}: state has {has} letters, the first row has {wanted}"
            )));
        }
        rows.push(Row { duration: Tenths::from_seconds_f64(duration), letters });
    }
    if rows.is_empty() {
        return Err(logic.complaint(format!("traffic light {id} has no rows (<phase>)")));
    }
    rows.retain(|r| r.duration > Tenths::ZERO);
    if rows.is_empty() {
        return Err(logic.complaint(format!("traffic light {id}: its cycle is 0 s")));
    }
    let offset = (logic.number_or("offset", 0.0)? * 10.0).round().clamp(-1e12, 1e12) as i64;
    let name = logic.get("programID").unwrap_or("0").to_string();
    Ok((id.to_string(), Program { name, file: logic.file().to_string(), line: logic.line(), offset, rows }))
}

/// Builds the junction; `None`, with a note, for a light that never tells anybody to go.
pub(super) fn junction(
    id: &str,
    light: &Light,
    program: &Program,
    network: &Network,
    district: &DistrictId,
    notes: &mut Vec<Complaint>,
) -> Result<Option<Junction>, Complaint> {
    let say = |message: String| {
        Complaint::at(program.file.clone(), program.line, format!("traffic light {id}: {message}"))
    };
    let heads = program.rows[0].letters.len();
    let used = light.movements.iter().map(|m| m.0).chain(light.crossings.iter().copied());
    if let Some(beyond) = used.filter(|&h| usize::from(h) >= heads).max() {
        return Err(say(format!(
            "a connection names head {beyond}, but its states have only {heads} letters"
        )));
    }
    if !program.rows.iter().any(|r| r.letters.iter().any(|l| matches!(l, b'G' | b'g'))) {
        notes.push(say("its program shows no green at all; the junction goes by its signs".into()));
        return Ok(None);
    }
    if program.rows.iter().any(|r| r.letters.iter().any(|l| matches!(l, b'o' | b'O'))) {
        notes.push(say("heads that are off (o, O) are read as a green that gives way".into()));
    }
    let (mut groups, of_head, columns) = groups(light, program, network);
    let timeline = Timeline::of(program, &columns);
    for (group, column) in groups.iter_mut().zip(&columns) {
        column.timing(&timeline, group);
    }
    let mut junction = Junction {
        id: JunctionId::new(id),
        source_id: None,
        name: name(id, light, network),
        district: district.clone(),
        at: middle(light, network),
        groups,
        heads: of_head,
        intergreens: Intergreens::default(),
        stages: Vec::new(),
        plans: Vec::new(),
        schedule: Vec::new(),
        detectors: Vec::new(),
    };
    let requests = timeline.requests(&mut junction);
    for note in timeline.inexact(&junction, &requests) {
        notes.push(say(note));
    }
    junction.stages = timeline.stages(&requests);
    let mut plan = timeline.plan(&requests, &junction.stages, program);
    for note in fit(&junction, &mut plan) {
        notes.push(say(note));
    }
    junction.plans = vec![plan];
    let faults = junction.faults();
    // The id is made topic-safe later, once all ids are known.
    match faults.iter().find(|f| !f.contains("MQTT topic")) {
        Some(fault) => Err(say(format!("its program cannot run: {fault}"))),
        None => Ok(Some(junction)),
    }
}

/// Letters of one group, row by row.
pub(super) struct Column(Vec<u8>);

impl Column {
    pub(super) fn green(&self, row: usize) -> bool {
        matches!(self.0[row], b'G' | b'g' | b'o' | b'O')
    }
    pub(super) fn permissive(&self, row: usize) -> bool {
        matches!(self.0[row], b'g' | b'o' | b'O')
    }

    /// Durations of the runs of rows for which `is` holds, around the cycle; none if it always or never does.
    fn runs(&self, timeline: &Timeline<'_>, is: impl Fn(u8) -> bool) -> Vec<Tenths> {
        let n = self.0.len();
        let on = |k: usize| is(self.0[k % n]);
        let Some(start) = (0..n).find(|&k| on(k) && !on(k + n - 1)) else { return Vec::new() };
        let mut runs = Vec::new();
        let mut run = Tenths::ZERO;
        for k in start..start + n {
            if on(k) {
                run += timeline.program.rows[k % n].duration;
            } else if run > Tenths::ZERO {
                runs.push(std::mem::take(&mut run));
            }
        }
        runs.extend((run > Tenths::ZERO).then_some(run));
        runs
    }

    /// Amber, red-amber, minimum green and turning on red, as the program shows them.
    fn timing(&self, timeline: &Timeline<'_>, group: &mut SignalGroup) {
        let longest = |letter: u8| self.runs(timeline, |l| l == letter).into_iter().max();
        let on_foot = group.kind == GroupKind::Pedestrians;
        group.amber = longest(b'y').unwrap_or(if on_foot { Tenths::ZERO } else { AMBER });
        group.red_amber = longest(b'u').unwrap_or_default();
        let shortest = self.runs(timeline, |l| matches!(l, b'G' | b'g' | b'o' | b'O')).into_iter().min();
        group.min_green = shortest.unwrap_or(MINIMUM_GREEN).min(MINIMUM_GREEN);
        group.turn_on_red = self.0.contains(&b's');
    }
}

/// Where the traffic of a head comes from, and whether some of it crosses oncoming traffic.
type Stream = Option<(LinkIx, bool)>;

/// By head: its stream. Ways out of one lane belong together, since nobody can show them different lamps.
fn streams(program: &Program, served: &BTreeMap<u16, Vec<MovementIx>>, network: &Network) -> Vec<Stream> {
    let letters =
        |head: u16| -> Vec<u8> { program.rows.iter().map(|r| r.letters[usize::from(head)]).collect() };
    let mut of_lane: BTreeMap<(Vec<u8>, LaneIx), BTreeSet<Turn>> = BTreeMap::new();
    for (&head, movements) in served {
        for m in movements.iter().map(|m| network.movement(*m)) {
            of_lane.entry((letters(head), m.from)).or_default().insert(m.turn);
        }
    }
    let mut streams = vec![None; program.rows[0].letters.len()];
    // A head of several lanes joins them; twice round is enough for one that joins what another has joined.
    for (&head, movements) in served.iter().chain(served) {
        let key = |m: &MovementIx| (letters(head), network.movement(*m).from);
        let turns: BTreeSet<Turn> = movements.iter().flat_map(|m| &of_lane[&key(m)]).copied().collect();
        for m in movements {
            of_lane.insert(key(m), turns.clone());
        }
        let crosses = turns.contains(&Turn::Left) || turns.contains(&Turn::UTurn);
        let link = movements.first().map(|m| network.lane(network.movement(*m).from).link);
        streams[usize::from(head)] = link.map(|link| (link, crosses));
    }
    streams
}

/// Heads with the same letters in every row, for the same stream and sort of traffic, are one group; numbers follow
/// the first head of each.
fn groups(
    light: &Light,
    program: &Program,
    network: &Network,
) -> (Vec<SignalGroup>, Vec<GroupNumber>, Vec<Column>) {
    let mut groups: Vec<SignalGroup> = Vec::new();
    let mut columns: Vec<Column> = Vec::new();
    let mut seen: BTreeMap<(Vec<u8>, GroupKind, Stream), GroupNumber> = BTreeMap::new();
    let mut of_head = Vec::new();
    let mut served: BTreeMap<u16, Vec<MovementIx>> = BTreeMap::new();
    for &(head, movement) in &light.movements {
        served.entry(head).or_default().push(movement);
    }
    let streams = streams(program, &served, network);
    for (head, stream) in streams.into_iter().enumerate() {
        let letters: Vec<u8> = program.rows.iter().map(|r| r.letters[head]).collect();
        let kind = if light.crossings.contains(&(head as u16)) {
            GroupKind::Pedestrians
        } else {
            kind(light, head as u16, network)
        };
        let next = GroupNumber(groups.len() as u16 + 1);
        let number = *seen.entry((letters.clone(), kind, stream)).or_insert(next);
        if number == next {
            groups.push(SignalGroup {
                number,
                kind,
                name: Name::default(),
                min_green: MINIMUM_GREEN,
                max_red: Tenths::ZERO,
                flashing_green: Tenths::ZERO,
                amber: AMBER,
                red_amber: Tenths::ZERO,
                turn_on_red: false,
            });
            columns.push(Column(letters));
        }
        of_head.push(number);
    }
    for group in &mut groups {
        group.name = group_name(group.number, &of_head, &served, network);
    }
    (groups, of_head, columns)
}

fn kind(light: &Light, head: u16, network: &Network) -> GroupKind {
    let users = light.movements.iter().filter(|m| m.0 == head).fold(Modes::NONE, |all, (_, m)| {
        let m = network.movement(*m);
        all.with(Modes(network.lane(m.from).allowed.0 & network.lane(m.to).allowed.0))
    });
    if users == Modes::NONE || users.any(Modes::MOTOR) {
        GroupKind::Vehicles
    } else if users.any(Modes::TRAM) {
        GroupKind::Trams
    } else if users.any(Modes::BICYCLE) {
        GroupKind::Cyclists
    } else {
        GroupKind::Pedestrians
    }
}

/// `Main Street ↰↑`: the roads it comes from, and where it lets them go.
fn group_name(
    number: GroupNumber,
    of_head: &[GroupNumber],
    served: &BTreeMap<u16, Vec<MovementIx>>,
    network: &Network,
) -> Name {
    let mut roads: BTreeMap<String, BTreeSet<Turn>> = BTreeMap::new();
    for (head, movements) in served {
        if of_head.get(usize::from(*head)) != Some(&number) {
            continue;
        }
        for m in movements {
            let m = network.movement(*m);
            let link = network.link(network.lane(m.from).link);
            let road = link.name.as_ref().map_or_else(|| link.id.to_string(), |n| n.local.clone());
            roads.entry(road).or_default().insert(m.turn);
        }
    }
    let arrow = |turn: &Turn| match turn {
        Turn::UTurn => '↶',
        Turn::Left => '↰',
        Turn::Straight => '↑',
        Turn::Right => '↱',
    };
    let parts: Vec<String> = roads
        .iter()
        .map(|(road, turns)| format!("{road} {}", turns.iter().map(arrow).collect::<String>()))
        .collect();
    // A crossing on foot serves no movement of vehicles.
    Name::only(if parts.is_empty() { "🚶".to_string() } else { parts.join(", ") })
}

/// The crossing streets, or the source's id.
fn name(id: &str, light: &Light, network: &Network) -> Name {
    let mut streets: Vec<(std::cmp::Reverse<usize>, &str)> = Vec::new();
    for &(_, m) in &light.movements {
        let link = network.link(network.lane(network.movement(m).from).link);
        if let Some(name) = &link.name {
            match streets.iter_mut().find(|s| s.1 == name.local) {
                Some(street) => street.0.0 += 1,
                None => streets.push((std::cmp::Reverse(1), &name.local)),
            }
        }
    }
    streets.sort();
    let names: Vec<&str> = streets.iter().take(3).map(|s| s.1).collect();
    Name::only(if names.is_empty() { id.to_string() } else { names.join(" / ") })
}

fn middle(light: &Light, network: &Network) -> LonLat {
    let mut nodes = light.nodes.clone();
    nodes.sort();
    nodes.dedup();
    let n = nodes.len().max(1) as f64;
    let sum = nodes.iter().map(|&ix| network.node(ix).at).fold((0.0, 0.0), |s, p| (s.0 + p.lon, s.1 + p.lat));
    LonLat { lon: sum.0 / n, lat: sum.1 / n }
}

/// Lengthens splits that cannot hold their interstage and minimum green, and says so.
fn fit(junction: &Junction, plan: &mut Plan) -> Vec<String> {
    let before = plan.cycle();
    let mut notes = Vec::new();
    for i in 0..plan.steps.len() {
        let need = junction.shortest_split(plan, i);
        let step = &mut plan.steps[i];
        if step.split < need {
            notes.push(format!(
                "stage {} gets {need} s in the plan, not {} s, to be safe",
                step.stage, step.split
            ));
            step.split = need;
        }
    }
    if plan.cycle() != before {
        notes.push(format!("its cycle is therefore {} s, not {before} s", plan.cycle()));
    }
    notes
}

/// Gives each junction an id that can stand in an MQTT topic and is used once; the source's own stays in
/// `source_id`.
pub(super) fn distinct_ids(junctions: &mut [Junction]) {
    let mut taken = BTreeSet::new();
    for junction in junctions {
        let source = junction.id.to_string();
        let safe = topic_safe(&source);
        let mut id = safe.clone();
        let mut n = 2;
        while !taken.insert(id.clone()) {
            id = format!("{safe}-{n}");
            n += 1;
        }
        if id != source {
            junction.id = JunctionId::new(&id);
            junction.source_id = Some(source);
        }
    }
}

/// The text with everything that cannot stand in a topic level replaced by `_`.
pub(super) fn topic_safe(text: &str) -> String {
    let safe: String =
        text.chars().map(|c| if matches!(c, '/' | '+' | '#') || c.is_control() { '_' } else { c }).collect();
    if safe.is_empty() { "_".into() } else { safe }
}
