//! The answer: a journey as legs, each with its line on the map and its turns in words.

use crate::{
    escort::Appointment,
    graph::{between, distance, turn_degrees},
    gtfs::{
        calendar::Day,
        records::{Agency, Mode, Route},
    },
    map::Map,
    on_demand::Booked,
    profile::Profile,
    sharing::Hire,
    street::{Costs, Path},
    transit::live::Alert,
};
use jiff::tz::TimeZone;
use model::{
    geo::LonLat,
    network::{Name, Turn},
    time::Moment,
};
use std::{fmt, time::Duration};

/// A place that the traveller named, or pointed at.
#[derive(Clone, PartialEq, Debug)]
pub struct Place {
    /// What to call it.
    pub name: String,
    /// The stop it is, if it is one.
    pub stop: Option<String>,
    /// Where it is.
    pub at: LonLat,
}

/// A whole journey. Prints as `A ~ drive 200 m ~ C [24 s]`, with vehicles by the clock where they run:
/// `A ~ walk 90 m ~ B ~ BUS R1 08:05 08:15 ~ C [16 min]`.
#[derive(Clone, PartialEq, Debug)]
pub struct Itinerary {
    /// When it begins.
    pub start: Moment,
    /// When it ends.
    pub end: Moment,
    /// Legs in order, at least one.
    pub legs: Vec<Leg>,
}

/// A part of a journey by one means.
#[derive(Clone, PartialEq, Debug)]
pub struct Leg {
    /// From where.
    pub from: Place,
    /// To where.
    pub to: Place,
    /// When it begins.
    pub start: Moment,
    /// When it ends.
    pub end: Moment,
    /// How far.
    pub distance_m: f64,
    /// Its line on the map, at least two points.
    pub shape: Vec<LonLat>,
    /// By which means.
    pub means: Means,
}

/// By which means a leg is made.
#[derive(Clone, PartialEq, Debug)]
pub enum Means {
    /// By oneself on the streets.
    Street(StreetWay),
    /// In a vehicle with a timetable.
    Transit(Box<Ride>),
}

/// A leg on the streets.
#[derive(Clone, PartialEq, Debug)]
pub struct StreetWay {
    /// How one travels.
    pub profile: Profile,
    /// What to do, in order; the first is [`Direction::Depart`].
    pub steps: Vec<Step>,
    /// Share of the distance whose travel time was measured, 0 to 1.
    pub live_share: f64,
    /// Metres from `from` to the leg's first point and from its last point to `to`: not part of the leg.
    pub off_street_m: [f64; 2],
    /// The shared vehicle that is used; `None` for one's own, or for none.
    pub hire: Option<Box<Hire>>,
    /// The vehicle that comes when one asks for it, if it is one.
    pub on_demand: Option<Box<Booked>>,
    /// The bicycle park in which one's own bicycle is left, or from which it is taken.
    pub parked: Option<Box<Parked>>,
}

/// A bicycle park, beside its name and place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Parked {
    /// For how many bicycles it has room, if that is known.
    pub capacity: Option<u32>,
    /// Whether it is known to have a roof.
    pub covered: bool,
}

/// A leg by public transport.
#[derive(Clone, PartialEq, Debug)]
pub struct Ride {
    /// What runs.
    pub mode: Mode,
    /// The route's id, with its feed's tag.
    pub route_id: String,
    /// Its place among the timetable's routes.
    pub route_ix: u32,
    /// The route, as GTFS has it.
    pub route: Route,
    /// Who runs it.
    pub agency: Agency,
    /// The trip's id, with its feed's tag.
    pub trip_id: String,
    /// The trip's service day.
    pub day: Day,
    /// When the trip leaves its first stop.
    pub trip_start: Moment,
    /// What its front says where one gets on.
    pub headsign: String,
    /// Where one gets on, calls on the way, and where one gets off.
    pub calls: Vec<RideCall>,
    /// Seconds between vehicles where they run every so often and not by the clock.
    pub every_s: Option<u32>,
    /// Whether bicycles are taken along.
    pub takes_bicycles: bool,
    /// How full its vehicle is now, in GTFS-Realtime's word, if that is known.
    pub occupancy: Option<&'static str>,
    /// Whether that is more than people like.
    pub crowded: bool,
    /// Whether more is known than the timetable.
    pub live: bool,
    /// Disturbances on the way.
    pub alerts: Vec<Alert>,
    /// Who comes along, if one was asked for and is needed.
    pub escort: Option<Box<Appointment>>,
}

/// A vehicle calls at a stop.
#[derive(Clone, PartialEq, Debug)]
pub struct RideCall {
    /// The stop.
    pub place: Place,
    /// Its place among the timetable's stops.
    pub stop: u32,
    /// Its number as passengers see it.
    pub code: Option<String>,
    /// The platform.
    pub track: Option<String>,
    /// The zone of the tariff that it is in.
    pub zone: Option<String>,
    /// Its level.
    pub level: f32,
    /// When the vehicle comes.
    pub arrival: Moment,
    /// When it goes.
    pub departure: Moment,
    /// When it comes and when it goes by the timetable.
    pub scheduled: [Moment; 2],
    /// Whether it passes without a stop.
    pub skipped: bool,
    /// Whether one may get on.
    pub boards: bool,
    /// Whether one may get off.
    pub alights: bool,
}

/// One instruction, and the stretch that follows it.
#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    /// What to do at its beginning.
    pub direction: Direction,
    /// The street, if it has a name.
    pub street: Option<Name>,
    /// Its length.
    pub distance_m: f64,
    /// How long it takes.
    pub duration: Duration,
    /// Whether it is by ferry.
    pub ferried: bool,
    /// Its line on the map.
    pub shape: Vec<LonLat>,
}

/// What to do at a corner: the words of MOTIS and OpenTripPlanner.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Direction {
    /// Set out.
    Depart,
    /// Turn sharply left.
    HardLeft,
    /// Turn left.
    Left,
    /// Bear left.
    SlightlyLeft,
    /// Go on.
    Continue,
    /// Bear right.
    SlightlyRight,
    /// Turn right.
    Right,
    /// Turn sharply right.
    HardRight,
    /// Take the stairs.
    Stairs,
    /// Turn back, to the left.
    UturnLeft,
}

impl Direction {
    /// For a turn of so many degrees, right positive.
    fn of(degrees: f64) -> Direction {
        match degrees {
            d if d < -110.0 => Direction::HardLeft,
            d if d < -45.0 => Direction::Left,
            d if d < -20.0 => Direction::SlightlyLeft,
            d if d <= 20.0 => Direction::Continue,
            d if d <= 45.0 => Direction::SlightlyRight,
            d if d <= 110.0 => Direction::Right,
            _ => Direction::HardRight,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Direction::Depart => "depart",
            Direction::HardLeft => "sharp left",
            Direction::Left => "left",
            Direction::SlightlyLeft => "bear left",
            Direction::Continue => "continue",
            Direction::SlightlyRight => "bear right",
            Direction::Right => "right",
            Direction::HardRight => "sharp right",
            Direction::Stairs => "stairs",
            Direction::UturnLeft => "turn back",
        }
    }
}

impl Itinerary {
    /// How long it takes.
    pub fn duration(&self) -> Duration {
        self.end.since(self.start)
    }

    /// How far it goes.
    pub fn distance_m(&self) -> f64 {
        self.legs.iter().map(|leg| leg.distance_m).sum()
    }

    /// Changes of vehicle.
    pub fn transfers(&self) -> usize {
        self.legs.iter().filter(|leg| leg.ride().is_some()).count().saturating_sub(1)
    }

    /// Whether one rides in a crowd.
    pub fn is_crowded(&self) -> bool {
        self.legs.iter().filter_map(Leg::ride).any(|ride| ride.crowded)
    }

    /// How long one walks or goes by wheelchair.
    pub fn on_foot(&self) -> Duration {
        self.legs.iter().filter(|leg| leg.ride().is_none()).map(Leg::duration).sum()
    }

    /// The same journey, beginning at another time. Only for journeys without vehicles, which wait for nobody.
    pub fn starting(mut self, start: Moment) -> Itinerary {
        let shift = |m: Moment| Moment(m.0 - self.start.0 + start.0);
        for leg in &mut self.legs {
            (leg.start, leg.end) = (shift(leg.start), shift(leg.end));
        }
        (self.start, self.end) = (start, shift(self.end));
        self
    }
}

impl Leg {
    /// A path in words and lines.
    pub fn along(map: &Map, costs: &Costs<'_>, path: &Path, from: Place, to: Place, start: Moment) -> Leg {
        let mut steps = Vec::<Step>::new();
        let mut flat = Vec::<Vec<[f64; 2]>>::new(); // each step's line on the plane
        let (mut distance_m, mut live_m) = (0.0, 0.0);
        let street = costs.graph();
        let mut before: Option<(usize, Vec<[f64; 2]>)> = None;
        for (i, &ix) in path.arcs.iter().enumerate() {
            let arc = street.arc(ix);
            let link = map.link(arc.link());
            let whole = street.shape(map, ix);
            let begin = if i == 0 { path.begins } else { 0.0 };
            let end = if i + 1 == path.arcs.len() { path.ends } else { 1.0 };
            let piece = part(&whole, begin, end);
            let length_m = link.length_m() * (end - begin);
            let mut seconds = costs.arc_s(arc).unwrap_or_else(|| arc.free_s()) * (end - begin);
            let mut inside_m = 0.0;
            let direction = match &before {
                None => Direction::Depart,
                Some((before_ix, before_line)) => {
                    let from_ix = path.arcs[*before_ix];
                    let edge = street.graph.find_edge(from_ix, ix).expect("a path follows transitions");
                    let transition = street.transition(street.graph.transition(edge));
                    seconds += costs.transition_s(street.arc(from_ix), street.graph.transition(edge));
                    inside_m = transition.length_m();
                    match transition.turn {
                        Turn::UTurn => Direction::UturnLeft,
                        _ => Direction::of(turn_degrees(before_line, &whole)),
                    }
                }
            };
            distance_m += length_m + inside_m;
            if costs.is_live(arc) {
                live_m += length_m + inside_m;
            }
            let before_ferried = before.as_ref().map(|(b, _)| street.arc(path.arcs[*b]).is_ferried());
            let boards_or_leaves = before_ferried.is_some_and(|before| before != arc.is_ferried());
            let stairs_here =
                link.has_steps() && !before.as_ref().is_some_and(|(b, _)| on_steps(map, costs, path, *b));
            let direction =
                if stairs_here && direction != Direction::Depart { Direction::Stairs } else { direction };
            let goes_on = match (steps.last(), direction) {
                (None, _) | (_, Direction::Stairs) => false,
                _ if boards_or_leaves => false,
                (Some(last), Direction::Continue | Direction::SlightlyLeft | Direction::SlightlyRight) => {
                    last.street.as_ref() == link.name()
                }
                _ => false,
            };
            let duration = Duration::from_secs_f64(seconds);
            if goes_on {
                let last = steps.last_mut().expect("checked above");
                last.distance_m += length_m + inside_m;
                last.duration += duration;
                append(flat.last_mut().expect("one line a step"), &piece);
            } else {
                if let Some(line) = flat.last_mut() {
                    append(line, &piece[..1]);
                }
                let distance_m = length_m + inside_m;
                steps.push(Step {
                    direction,
                    street: link.name().cloned(),
                    distance_m,
                    duration,
                    ferried: arc.is_ferried(),
                    shape: Vec::new(),
                });
                flat.push(piece);
            }
            before = Some((i, whole));
        }
        drop_stubs(&mut steps, &mut flat);
        let lonlat = |line: &[[f64; 2]]| line.iter().map(|&p| street.plane.to_lonlat(p)).collect::<Vec<_>>();
        let mut line = Vec::new();
        for (step, flat) in steps.iter_mut().zip(&flat) {
            step.shape = lonlat(flat);
            append(&mut line, flat);
        }
        let end = start + Duration::from_millis(u64::from(path.cost_ms));
        let live_share = if distance_m > 0.0 { live_m / distance_m } else { 0.0 };
        let (profile, shape) = (street.profile, lonlat(&line));
        let off_street_m = [from.at.distance_m(shape[0]), to.at.distance_m(shape[shape.len() - 1])];
        let way =
            StreetWay { profile, steps, live_share, off_street_m, hire: None, on_demand: None, parked: None };
        Leg { from, to, start, end, distance_m, shape, means: Means::Street(way) }
    }

    /// The way on the streets, if it is one.
    pub fn street(&self) -> Option<&StreetWay> {
        match &self.means {
            Means::Street(way) => Some(way),
            Means::Transit(_) => None,
        }
    }

    /// The ride in a vehicle, if it is one.
    pub fn ride(&self) -> Option<&Ride> {
        match &self.means {
            Means::Street(_) => None,
            Means::Transit(ride) => Some(ride),
        }
    }

    /// How long it takes.
    pub fn duration(&self) -> Duration {
        self.end.since(self.start)
    }
}

impl Ride {
    /// The agency's clock: `08:05`.
    fn clock(&self, moment: Moment) -> String {
        let zone = TimeZone::get(&self.agency.zone).unwrap_or(TimeZone::UTC);
        let at = jiff::Timestamp::from_millisecond(moment.0).unwrap_or_default();
        at.to_zoned(zone).strftime("%H:%M").to_string()
    }
}

fn on_steps(map: &Map, costs: &Costs<'_>, path: &Path, i: usize) -> bool {
    map.link(costs.graph().arc(path.arcs[i]).link()).has_steps()
}

/// A place at a corner may lie on the last centimetre of one street or the first of the next: nobody is told
/// to depart along a street that they never see, or to turn into one for less than a metre.
fn drop_stubs(steps: &mut Vec<Step>, flat: &mut Vec<Vec<[f64; 2]>>) {
    let is_stub = |step: &Step| step.distance_m < 1.0;
    if steps.len() > 1 && is_stub(&steps[0]) {
        let (stub, line) = (steps.remove(0), flat.remove(0));
        steps[0].direction = Direction::Depart;
        steps[0].distance_m += stub.distance_m;
        steps[0].duration += stub.duration;
        flat[0].splice(..0, line);
    }
    if steps.len() > 1 && steps.last().is_some_and(is_stub) {
        let (stub, line) = (steps.pop().expect("more than one"), flat.pop().expect("one line a step"));
        let last = steps.len() - 1;
        steps[last].distance_m += stub.distance_m;
        steps[last].duration += stub.duration;
        append(&mut flat[last], &line);
    }
    for line in flat {
        line.dedup_by(|a, b| distance(*a, *b) < SAME_M);
        if line.len() == 1 {
            line.push(line[0]);
        }
    }
}

/// Points nearer to each other than this are one point, m.
const SAME_M: f64 = 0.05;

/// Adds points to a line, leaving out one that is there already.
fn append(line: &mut Vec<[f64; 2]>, more: &[[f64; 2]]) {
    let repeated = line.last().zip(more.first()).is_some_and(|(a, b)| distance(*a, *b) < SAME_M);
    line.extend(&more[usize::from(repeated)..]);
}

/// The part of a line between two shares of its length; at least two points.
fn part(line: &[[f64; 2]], begin: f64, end: f64) -> Vec<[f64; 2]> {
    let total: f64 = line.windows(2).map(|w| distance(w[0], w[1])).sum();
    let (begin_m, end_m) = (begin * total, end * total);
    let point = |at_m: f64| {
        let mut passed = 0.0;
        for w in line.windows(2) {
            let length = distance(w[0], w[1]);
            if passed + length >= at_m && length > 0.0 {
                return between(w[0], w[1], ((at_m - passed) / length).clamp(0.0, 1.0));
            }
            passed += length;
        }
        line[line.len() - 1]
    };
    let mut part = vec![point(begin_m)];
    let mut passed = 0.0;
    for w in line.windows(2) {
        passed += distance(w[0], w[1]);
        if passed > begin_m && passed < end_m {
            part.push(w[1]);
        }
    }
    part.push(point(end_m));
    part
}

/// `24 s`, `3 min 20 s`, `1 h 5 min`.
fn show_duration(d: Duration) -> String {
    let s = d.as_secs_f64().round() as u64;
    match s {
        0..100 => format!("{s} s"),
        100..3600 if s.is_multiple_of(60) => format!("{} min", s / 60),
        100..3600 => format!("{} min {} s", s / 60, s % 60),
        _ => format!("{} h {} min", s / 3600, s % 3600 / 60),
    }
}

/// `200 m`, `1.24 km`.
fn show_distance(m: f64) -> String {
    if m < 999.5 { format!("{m:.0} m") } else { format!("{:.2} km", m / 1000.0) }
}

impl fmt::Display for Itinerary {
    /// One line; with `{:#}` the steps follow, one a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(first) = self.legs.first() {
            write!(f, "{}", first.from.name)?;
        }
        for leg in &self.legs {
            match &leg.means {
                Means::Street(way) => {
                    match &way.on_demand {
                        Some(booked) => write!(f, " ~ on demand {}", booked.route.sign())?,
                        None if way.hire.is_some() => write!(f, " ~ hire")?,
                        None => write!(f, " ~ {}", way.profile.verb())?,
                    }
                    write!(f, " {}", show_distance(leg.distance_m))?
                }
                Means::Transit(ride) => {
                    let (departure, arrival) = (ride.clock(leg.start), ride.clock(leg.end));
                    write!(f, " ~ {} {} {departure} {arrival}", ride.mode, ride.route.short_name)?;
                }
            }
            write!(f, " ~ {}", leg.to.name)?;
        }
        write!(f, " [{}]", show_duration(self.duration()))?;
        if f.alternate() {
            for step in self.legs.iter().filter_map(Leg::street).flat_map(|way| &way.steps) {
                let street = step.street.as_ref().map_or("(unnamed)", Name::english);
                write!(f, "\n  {} {street}, {}", step.direction.words(), show_distance(step.distance_m))?;
                write!(f, " [{}]", show_duration(step.duration))?;
            }
        }
        Ok(())
    }
}
