//! A running `tlLogic` becomes a junction: groups, stages, intergreens, and a plan that shows the same greens.
//!
//! SUMO writes a program as rows of letters, one per head and row
//! (<https://sumo.dlr.de/docs/Simulation/Traffic_Lights.html>). Heads whose letters agree in every row are one
//! signal group. The rows become a timeline of green sets; each moment at which some group ends its green is
//! where a cabinet would be asked for the next stage, and that is how the plan's splits are cut.

use super::xml::Element;
use crate::{
    config::{Complaint, Complaints},
    geo::LonLat,
    ids::{DistrictId, GroupNumber, JunctionId, MovementIx, NodeIx, PlanNumber, StageNumber},
    network::{Modes, Name, Network, Turn},
    signal::{GroupKind, Intergreens, Junction, Plan, PlanStep, SignalGroup, Stage, interstage::Interstage},
    time::Tenths,
};
use std::collections::BTreeMap;

/// Most heads of one light. The largest real ones have fewer than 200; a broken file may say anything.
pub(super) const MOST_HEADS: usize = 2000;
/// Most rows of one program.
const MOST_ROWS: usize = 1000;
/// What a group needs at least when the program does not show it green for less.
const MINIMUM_GREEN: Tenths = Tenths::seconds(5);
/// Amber of a vehicle group whose program shows none.
const AMBER: Tenths = Tenths::seconds(3);
/// Longer without any green than this is not clearance any more: the program has left a stage out there.
const LONGEST_ALL_RED: Tenths = Tenths::seconds(5);
/// The same while another group, one that goes on, is green.
const LONGEST_PARTIAL_RED: Tenths = Tenths::seconds(3);

/// A program as its file gives it.
pub(super) struct Program {
    pub(super) name: String,
    pub(super) file: String,
    pub(super) line: u32,
    /// Row 0 begins at times that are this modulo the cycle, tenths.
    offset: i64,
    rows: Vec<Row>,
}

struct Row {
    duration: Tenths,
    letters: Vec<u8>,
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
struct Column(Vec<u8>);

impl Column {
    fn green(&self, row: usize) -> bool {
        matches!(self.0[row], b'G' | b'g' | b'o' | b'O')
    }
    fn permissive(&self, row: usize) -> bool {
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

/// Heads with the same letters in every row, and for the same sort of traffic, are one group; numbers follow
/// the first head of each.
fn groups(
    light: &Light,
    program: &Program,
    network: &Network,
) -> (Vec<SignalGroup>, Vec<GroupNumber>, Vec<Column>) {
    let mut groups: Vec<SignalGroup> = Vec::new();
    let mut columns: Vec<Column> = Vec::new();
    let mut seen: BTreeMap<(Vec<u8>, GroupKind), GroupNumber> = BTreeMap::new();
    let mut of_head = Vec::new();
    let mut served: BTreeMap<u16, Vec<MovementIx>> = BTreeMap::new();
    for &(head, movement) in &light.movements {
        served.entry(head).or_default().push(movement);
    }
    for head in 0..program.rows[0].letters.len() {
        let letters: Vec<u8> = program.rows.iter().map(|r| r.letters[head]).collect();
        let kind = if light.crossings.contains(&(head as u16)) {
            GroupKind::Pedestrians
        } else {
            kind(light, head as u16, network)
        };
        let next = GroupNumber(groups.len() as u16 + 1);
        let number = *seen.entry((letters.clone(), kind)).or_insert(next);
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
    let mut roads: BTreeMap<String, std::collections::BTreeSet<Turn>> = BTreeMap::new();
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
    Name::only(parts.join(", "))
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

/// A stretch of the cycle in which the same groups are green, with the same of them permissive.
#[derive(Clone, PartialEq, Debug)]
struct Stretch {
    /// Since the start of row 0.
    from: Tenths,
    green: Vec<GroupNumber>,
    permissive: Vec<GroupNumber>,
    /// Some row of it shows no amber: the program rests here.
    stable: bool,
}

/// The program as green sets over time.
struct Timeline<'p> {
    program: &'p Program,
    cycle: Tenths,
    stretches: Vec<Stretch>,
    /// Groups that are green all the time.
    always: Vec<GroupNumber>,
}

/// One request that a cabinet would get to show what the program shows.
#[derive(Clone, Debug)]
struct Request {
    at: Tenths,
    green: Vec<GroupNumber>,
    permissive: Vec<GroupNumber>,
    stable: bool,
}

impl<'p> Timeline<'p> {
    fn of(program: &'p Program, columns: &[Column]) -> Timeline<'p> {
        let mut stretches: Vec<Stretch> = Vec::new();
        let mut now = Tenths::ZERO;
        let pick = |row: usize, is: fn(&Column, usize) -> bool| -> Vec<GroupNumber> {
            let on = columns.iter().enumerate().filter(|(_, c)| is(c, row));
            on.map(|(i, _)| GroupNumber(i as u16 + 1)).collect()
        };
        for (k, row) in program.rows.iter().enumerate() {
            let stable = !row.letters.iter().any(|l| matches!(l, b'y' | b'u'));
            let next = Stretch {
                from: now,
                green: pick(k, Column::green),
                permissive: pick(k, Column::permissive),
                stable,
            };
            now += row.duration;
            match stretches.last_mut() {
                Some(last) if last.green == next.green && last.permissive == next.permissive => {
                    last.stable |= stable
                }
                _ => stretches.push(next),
            }
        }
        // The last one may go on into the first.
        if stretches.len() > 1 {
            let (first, last) = (&stretches[0], &stretches[stretches.len() - 1]);
            if first.green == last.green && first.permissive == last.permissive {
                let stable = first.stable || last.stable;
                stretches.remove(0);
                stretches.last_mut().expect("more than one").stable = stable;
            }
        }
        let all: Vec<usize> = (0..program.rows.len()).collect();
        let always = columns.iter().enumerate().filter(|(_, c)| all.iter().all(|&r| c.green(r)));
        let always = always.map(|(i, _)| GroupNumber(i as u16 + 1)).collect();
        Timeline { program, cycle: now, stretches, always }
    }

    /// From `a` to `b` going forward around the cycle; a whole cycle if they are the same moment.
    fn between(&self, a: Tenths, b: Tenths) -> Tenths {
        let d = (b.0 + self.cycle.0 - a.0) % self.cycle.0;
        Tenths(if d == 0 { self.cycle.0 } else { d })
    }

    /// Cuts the cycle into requests, and sets the junction's intergreens on the way: which pairs are
    /// clearance, and which have a stage between them, is one question.
    fn requests(&self, junction: &mut Junction) -> Vec<Request> {
        let n = self.stretches.len();
        let at = |k: usize| &self.stretches[k % n];
        let lost = |k: usize| minus(&at(k + n - 1).green, &at(k).green);
        let gained = |k: usize| minus(&at(k).green, &at(k + n - 1).green);
        let request = |when: Tenths, of: &Stretch| Request {
            at: when,
            green: of.green.clone(),
            permissive: of.permissive.clone(),
            stable: of.stable,
        };
        if n == 1 {
            self.intergreens(junction, &[]);
            return vec![request(Tenths::ZERO, at(0))];
        }
        let first = (0..n).find(|&k| !lost(k).is_empty()).unwrap_or(0);
        // Pairs of boundaries (a loss, then a gain) that can be one interstage.
        let mut joined: Vec<usize> = Vec::new();
        let mut k = first;
        while k < first + n {
            let d = self.between(at(k).from, at(k + 1).from);
            let clears =
                lost(k).iter().filter_map(|g| junction.group(*g)).map(|g| g.amber).max().unwrap_or_default();
            let beyond = d.saturating_sub(clears);
            let only_always = at(k).green.iter().all(|g| self.always.contains(g));
            let short = at(k).green.is_empty()
                || beyond <= if only_always { LONGEST_ALL_RED } else { LONGEST_PARTIAL_RED };
            let returns = gained(k + 1).iter().any(|g| lost(k).contains(g));
            let is_pair = k + 1 < first + n
                && !lost(k).is_empty()
                && gained(k).is_empty()
                && lost(k + 1).is_empty()
                && short
                && (!returns || at(k).green.is_empty());
            if is_pair {
                joined.push(k);
                k += 1;
            }
            k += 1;
        }
        let pairs: Vec<_> = joined.iter().map(|&k| (lost(k), gained(k + 1))).collect();
        self.intergreens(junction, &pairs);
        // One interstage shows both only if the clearances bring it to the very moment.
        joined.retain(|&k| {
            let way = Interstage::between_greens(junction, &at(k + n - 1).green, &at(k + 1).green).duration;
            at(k).green.is_empty() || way >= self.between(at(k).from, at(k + 1).from)
        });
        let mut requests = Vec::new();
        let mut k = first;
        while k < first + n {
            if joined.contains(&k) {
                requests.push(request(at(k).from, at(k + 1)));
                k += 1;
            } else if lost(k).is_empty() {
                let lead = gained(k)
                    .iter()
                    .filter_map(|g| junction.group(*g))
                    .map(|g| g.red_amber)
                    .max()
                    .unwrap_or_default();
                let room = requests.last().map_or(Tenths::ZERO, |r: &Request| self.between(r.at, at(k).from));
                let lead = if lead < room { lead } else { Tenths::ZERO };
                let asked = Tenths((at(k).from.0 + self.cycle.0 - lead.0 % self.cycle.0) % self.cycle.0);
                requests.push(request(asked, at(k)));
            } else {
                requests.push(request(at(k).from, at(k)));
            }
            k += 1;
        }
        // A stage without any green cannot be asked for: what is before it lasts until the next.
        if requests.iter().any(|r| !r.green.is_empty()) {
            requests.retain(|r| !r.green.is_empty());
        }
        // Begin with the one that is running, or being asked for, as row 0 begins.
        requests.sort_by_key(|r| r.at);
        if requests.first().is_some_and(|r| r.at > Tenths::ZERO) {
            requests.rotate_right(1);
        }
        requests
    }

    /// Two groups that no row shows green together conflict. The clearance is what the program shows between
    /// them, but no more than the ending group's amber and this junction's all-red where a stage lies between
    /// (such a gap says nothing), and never less than the amber. `pairs` are those that follow at once.
    fn intergreens(&self, junction: &mut Junction, pairs: &[(Vec<GroupNumber>, Vec<GroupNumber>)]) {
        let n = self.stretches.len();
        let groups: Vec<GroupNumber> = junction.groups.iter().map(|g| g.number).collect();
        let mut together = std::collections::BTreeSet::new();
        let (mut ends, mut starts) = (BTreeMap::<_, Vec<Tenths>>::new(), BTreeMap::<_, Vec<Tenths>>::new());
        for k in 0..n {
            let (before, now) = (&self.stretches[(k + n - 1) % n], &self.stretches[k]);
            for &a in &now.green {
                together.extend(now.green.iter().map(|&b| (a, b)));
            }
            for g in minus(&before.green, &now.green) {
                ends.entry(g).or_default().push(now.from);
            }
            for g in minus(&now.green, &before.green) {
                starts.entry(g).or_default().push(now.from);
            }
        }
        let gap = |a: GroupNumber, b: GroupNumber| {
            let ends = ends.get(&a).into_iter().flatten();
            let gaps = ends.flat_map(|&e| starts.get(&b).into_iter().flatten().map(move |&s| (e, s)));
            // Ending and beginning in the same moment is a gap of nothing, not of a whole cycle.
            gaps.map(|(e, s)| if e == s { Tenths::ZERO } else { self.between(e, s) }).min()
        };
        let amber = |g: GroupNumber| junction.group(g).map_or(Tenths::ZERO, |g| g.amber);
        let direct =
            |a: GroupNumber, b: GroupNumber| pairs.iter().any(|(l, g)| l.contains(&a) && g.contains(&b));
        let mut all_red = Tenths::ZERO;
        for (lost, gained) in pairs {
            for (&a, &b) in lost.iter().flat_map(|a| gained.iter().map(move |b| (a, b))) {
                if !together.contains(&(a, b)) {
                    let shown = gap(a, b).unwrap_or_default().saturating_sub(amber(a));
                    all_red = all_red.max(shown.min(LONGEST_ALL_RED));
                }
            }
        }
        let mut rows = Vec::new();
        for &a in &groups {
            for &b in &groups {
                if a == b || together.contains(&(a, b)) {
                    continue;
                }
                let usual = amber(a) + all_red;
                let shown = gap(a, b).unwrap_or(usual);
                let clearance = if direct(a, b) { shown } else { shown.min(usual) };
                rows.push((a, b, clearance.max(amber(a))));
            }
        }
        for (a, b, clearance) in rows {
            junction.intergreens.set(a, b, clearance);
        }
    }

    /// Where the plan cannot show what the program shows, in words.
    fn inexact(&self, junction: &Junction, requests: &[Request]) -> Vec<String> {
        let n = self.stretches.len();
        let mut notes = Vec::new();
        for (k, now) in self.stretches.iter().enumerate() {
            let (before, after) = (&self.stretches[(k + n - 1) % n], &self.stretches[(k + 1) % n]);
            let lost = minus(&before.green, &now.green);
            for &g in lost.iter().filter(|g| now.green.is_empty() && after.green.contains(g)) {
                notes.push(format!("group {g} goes through amber between two stages in which it is green; here it stays green"));
            }
            for &began in &minus(&now.green, &before.green) {
                let early = |ended: &&GroupNumber| {
                    let amber = junction.group(**ended).map_or(Tenths::ZERO, |g| g.amber);
                    junction.intergreens.conflict(**ended, began)
                        && self.ended_before(**ended, now.from).is_some_and(|ago| ago < amber)
                };
                let groups: Vec<GroupNumber> = junction.groups.iter().map(|g| g.number).collect();
                if let Some(ended) = groups.iter().find(early) {
                    notes.push(format!("group {began} begins while group {ended} shows amber; here it waits for the amber to end"));
                }
            }
        }
        if requests.len() < 2 && n > 1 {
            notes.push("its rows come down to one stage".into());
        }
        notes.sort();
        notes.dedup();
        notes
    }

    /// How long before `moment` the group's last green ended.
    fn ended_before(&self, group: GroupNumber, moment: Tenths) -> Option<Tenths> {
        let n = self.stretches.len();
        let ends = (0..n).filter(|&k| {
            self.stretches[(k + n - 1) % n].green.contains(&group)
                && !self.stretches[k].green.contains(&group)
        });
        ends.map(|k| self.stretches[k].from)
            .map(|e| if e == moment { Tenths::ZERO } else { self.between(e, moment) })
            .min()
    }

    /// The distinct stages: first those in which the program rests, in its order, then those through which
    /// it only passes.
    fn stages(&self, requests: &[Request]) -> Vec<Stage> {
        let mut stages: Vec<Stage> = Vec::new();
        let resting = requests.iter().filter(|r| r.stable);
        for r in resting.chain(requests.iter().filter(|r| !r.stable)) {
            if !stages.iter().any(|s| s.green == r.green && s.permissive == r.permissive) {
                stages.push(Stage {
                    number: StageNumber(stages.len() as u16 + 1),
                    green: r.green.clone(),
                    permissive: r.permissive.clone(),
                });
            }
        }
        stages
    }

    fn plan(&self, requests: &[Request], stages: &[Stage], program: &Program) -> Plan {
        let n = requests.len();
        let stage = |r: &Request| {
            let found = stages.iter().find(|s| s.green == r.green && s.permissive == r.permissive);
            found.expect("every request has its stage").number
        };
        let mut steps: Vec<PlanStep> = Vec::new();
        for (k, r) in requests.iter().enumerate() {
            let split = self.between(r.at, requests[(k + 1) % n].at);
            let step = PlanStep { stage: stage(r), split };
            match steps.last_mut() {
                Some(last) if last.stage == step.stage => last.split += split,
                _ => steps.push(step),
            }
        }
        let cycle = i64::from(self.cycle.0);
        let begins = i64::from(requests.first().map_or(0, |r| r.at.0));
        let offset = Tenths((program.offset + begins).rem_euclid(cycle) as u32);
        let name = Name::only(format!("program {}", program.name));
        Plan { number: PlanNumber(1), name, offset, steps }
    }
}

/// Members of `a` that are not in `b`.
fn minus(a: &[GroupNumber], b: &[GroupNumber]) -> Vec<GroupNumber> {
    a.iter().copied().filter(|g| !b.contains(g)).collect()
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
    let mut taken = std::collections::BTreeSet::new();
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
