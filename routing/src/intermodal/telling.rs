//! Journeys as they are told: legs, times and lines made of the connections that were found.

use super::{Ends, Spot, Streets, Transit, TransitQuery};
use crate::{
    itinerary::{Itinerary, Leg, Means, Place},
    nearest::OnArc,
    on_demand::{Asked, Brought},
    street::{Costs, Scratch, quickest},
    transit::{
        connection::{Connection, RunPart},
        day::DayTable,
        search::{Timed, scaled},
        timetable::Timetable,
        walks::{Door, Looking},
    },
};
use model::{geo::LonLat, time::Moment};
use std::{collections::HashMap, time::Duration};

/// Makes itineraries of connections.
pub(super) struct Telling<'a> {
    pub(super) transit: &'a Transit,
    pub(super) day: &'a DayTable,
    pub(super) streets: &'a Streets<'a>,
    pub(super) query: &'a TransitQuery,
    pub(super) ends: Ends,
    /// Ways on foot that were found already: several journeys walk to the same stop.
    pub(super) walked: HashMap<(Spot, Spot), Option<Leg>>,
}

impl Telling<'_> {
    pub(super) fn itinerary(&mut self, connection: &Connection, scratch: &mut Scratch) -> Option<Itinerary> {
        let mut legs = Vec::new();
        let (first, last) = (connection.rides.first()?, connection.rides.last()?);
        let (mut start, mut end) = (first.departure, last.arrival);
        if let Some(ways) = self.on_demand(0, first.from, first.departure, scratch) {
            start = ways.first().map_or(start, |leg| leg.start);
            legs.extend(ways);
        } else if let Some((ms, ways)) = self.ridden(0, first.from, scratch) {
            start = start - Duration::from_millis(u64::from(ms));
            legs.extend(ways.into_iter().map(|leg| later(leg, start)));
        } else if let Some(walk) = self.walk(Spot::Start, Spot::Stop(first.from), scratch) {
            start = start - walk.duration();
            legs.push(shifted(walk, start));
        }
        for (i, ride) in connection.rides.iter().enumerate() {
            legs.push(self.ride(ride));
            if let Some(next) = connection.rides.get(i + 1)
                && let Some(walk) = self.walk(Spot::Stop(ride.to), Spot::Stop(next.from), scratch)
            {
                legs.push(shifted(walk, ride.arrival));
            }
        }
        if let Some(ways) = self.on_demand(1, last.to, last.arrival, scratch) {
            end = ways.last().map_or(end, |leg| leg.end);
            legs.extend(ways);
        } else if let Some((ms, ways)) = self.ridden(1, last.to, scratch) {
            legs.extend(ways.into_iter().map(|leg| later(leg, end)));
            end = end + Duration::from_millis(u64::from(ms));
        } else if let Some(walk) = self.walk(Spot::Stop(last.to), Spot::Goal, scratch) {
            end = end + walk.duration();
            legs.push(shifted(walk, last.arrival));
        }
        self.escort(&mut legs, connection);
        Some(Itinerary { start, end, legs })
    }

    /// Says who escorts one on which rides.
    fn escort(&self, legs: &mut [Leg], connection: &Connection) {
        let (transit, query) = (self.transit, self.query);
        let Some(served) = transit.escorts_for(query) else { return };
        let slowness = transit.stops(query).slowness;
        let mut rides = connection.rides.iter();
        let mut before: Option<LonLat> = None;
        for leg in legs {
            if let Means::Transit(ride) = &mut leg.means
                && let Some(part) = rides.next()
            {
                // By the door that one comes to from the street.
                let doors = transit.walking(query).walks.doors(part.from).iter();
                let near = before.and_then(|here| {
                    let at = |door: &Door| transit.timetable.stops[door.stop as usize].at.distance_m(here);
                    doors.min_by(|a, b| at(a).total_cmp(&at(b)))
                });
                let ends = [(part.from, &leg.from, part.departure), (part.to, &leg.to, part.arrival)];
                let meets = near.map(|door| transit.place(door.stop));
                ride.escort = served
                    .appointment(&transit.timetable, part.run.trip, ends, meets, slowness)
                    .map(Box::new);
            }
            before = leg.street().and_then(|_| leg.shape.last().copied());
        }
    }

    /// The way on demand at one of the ends (0 or 1) for one who boards (or gets off) at a stop then; `None` where another is as
    /// good.
    fn on_demand(&self, end: usize, stop: u32, at: Moment, scratch: &mut Scratch) -> Option<Vec<Leg>> {
        let time = self.day.time_of(at)?;
        let of_stop = |way: &&(Timed, Brought)| way.0.stop == stop;
        let ways = self.ends.brought[end].iter().filter(of_stop);
        // How well one comes by it: out as late as can be, or there as soon as can be.
        let worth = |timed: &Timed| match end {
            0 => timed.sets_out(time).map(i64::from),
            _ => timed.leaves(time).map(|leaves| -i64::from(leaves + timed.takes)),
        };
        let ways = ways.filter_map(|(timed, way)| Some((worth(timed)?, way)));
        let (best, way) = ways.max_by_key(|(worth, _)| *worth)?;
        let plain = self.ends.ways[end].iter().find(|walk| walk.0 == stop);
        let plain = plain.map(|&(_, takes)| match end {
            0 => i64::from(time) - i64::from(takes),
            _ => -(i64::from(time) + i64::from(takes)),
        });
        if plain.is_some_and(|plain| plain >= best) {
            return None;
        }
        let (place, looking) = match end {
            0 => (&self.query.from, Looking::Away),
            _ => (&self.query.to, Looking::Towards),
        };
        let at = if end == 0 { at.min(way.window[1]) } else { at.max(way.window[0]) };
        let around = self.transit.around(self.streets, self.transit.stops(self.query), self.query.speed_mps);
        let asked = Asked {
            place,
            within_m: self.query.street_within_m,
            looking,
            limit_ms: u32::MAX,
            walked: &[],
            day: self.transit.day_of(at),
            now: self.query.asked,
        };
        self.transit.on_demand.legs(&around, &asked, (way, &self.transit.place(stop), at), scratch)
    }

    /// The way on wheels at one of the ends (0 or 1) to a stop or from it, beginning at the epoch, and its ms; `None` where
    /// one walks.
    fn ridden(&self, end: usize, stop: u32, scratch: &mut Scratch) -> Option<(u32, Vec<Leg>)> {
        let way = &self.ends.ridden[end][*self.ends.by[end].get(&stop)?];
        let at_stop = self.transit.place(stop);
        self.streets.wheels.legs(way, (stop, &at_stop), self.transit.stops(self.query), scratch)
    }

    fn place(&self, spot: Spot) -> Place {
        match spot {
            Spot::Start => self.query.from.clone(),
            Spot::Goal => self.query.to.clone(),
            Spot::Stop(stop) => self.transit.place(stop),
        }
    }

    /// The way on foot, beginning at the epoch; `None` where one is there already.
    fn walk(&mut self, from: Spot, to: Spot, scratch: &mut Scratch) -> Option<Leg> {
        if let Some(known) = self.walked.get(&(from, to)) {
            return known.clone();
        }
        let leg = self.find_walk(from, to, scratch);
        self.walked.insert((from, to), leg.clone());
        leg
    }

    fn find_walk(&self, from: Spot, to: Spot, scratch: &mut Scratch) -> Option<Leg> {
        let (a, b) = (self.place(from), self.place(to));
        let same = match (from, to) {
            (Spot::Stop(a), Spot::Stop(b)) => a == b,
            (Spot::Start, Spot::Stop(stop)) => self.is_at(&a, stop),
            (Spot::Stop(stop), Spot::Goal) => self.is_at(&b, stop),
            _ => false,
        };
        if same {
            return None;
        }
        let costs = Costs::without_traffic(self.streets.street, self.query.speed_mps);
        let slowness = self.transit.stops(self.query).slowness;
        let mut best: Option<(u32, Leg)> = None;
        for (out, out_ms) in self.doors(from, Looking::Away) {
            for (into, in_ms) in self.doors(to, Looking::Towards) {
                let Some(path) = quickest(&costs, out, into, scratch) else { continue };
                let inside_ms = scaled(out_ms + in_ms, slowness);
                let ms = path.cost_ms.saturating_add(inside_ms);
                if best.as_ref().is_none_or(|(known, _)| ms < *known) {
                    let mut leg =
                        Leg::along(self.streets.map, &costs, &path, a.clone(), b.clone(), Moment(0));
                    leg.end = leg.end + Duration::from_millis(u64::from(inside_ms));
                    best = Some((ms, leg));
                }
            }
        }
        let leg = best.map_or_else(|| self.straight(from, to, a, b), |(_, leg)| leg);
        (leg.duration() > Duration::ZERO).then_some(leg)
    }

    /// A way that streets do not show: what the operator says, drawn as a straight line.
    fn straight(&self, from: Spot, to: Spot, a: Place, b: Place) -> Leg {
        let on_foot = self.transit.walking(self.query);
        let seconds = match (from, to) {
            (Spot::Stop(from), Spot::Stop(to)) => {
                on_foot.forwards.from(from).iter().find(|walk| walk.0 == to).map_or(0, |w| w.1)
            }
            _ => 0,
        };
        let distance_m = a.at.distance_m(b.at);
        let shape = vec![a.at, b.at];
        let end = Moment(0) + Duration::from_secs(u64::from(seconds));
        let way = crate::itinerary::StreetWay {
            profile: self.query.on_foot,
            steps: Vec::new(),
            live_share: 0.0,
            off_street_m: [0.0; 2],
            hire: None,
            on_demand: None,
            parked: None,
        };
        Leg { from: a, to: b, start: Moment(0), end, distance_m, shape, means: Means::Street(way) }
    }

    /// Whether a place is that stop, or the station of which it is a part.
    fn is_at(&self, place: &Place, stop: u32) -> bool {
        let here = place.stop.as_ref().and_then(|id| self.transit.stop(id));
        here.is_some_and(|here| {
            here == stop || self.transit.timetable.stops[stop as usize].parent == Some(here)
        })
    }

    fn doors(&self, spot: Spot, looking: Looking) -> Vec<(&[OnArc], u32)> {
        let on_foot = self.transit.walking(self.query);
        match spot {
            Spot::Start => vec![(self.ends.feet[0].as_slice(), 0)],
            Spot::Goal => vec![(self.ends.feet[1].as_slice(), 0)],
            Spot::Stop(stop) => on_foot
                .walks
                .doors(stop)
                .iter()
                .map(|door| {
                    (door.feet.as_slice(), if looking == Looking::Away { door.out_ms } else { door.in_ms })
                })
                .collect(),
        }
    }

    fn ride(&self, part: &RunPart) -> Leg {
        let transit = self.transit;
        let shape = transit.timetable.shape_between(part.run.trip, part.board, part.alight);
        Leg {
            from: transit.place(part.from),
            to: transit.place(part.to),
            start: part.departure,
            end: part.arrival,
            distance_m: model::geo::length_m(&shape),
            shape,
            means: Means::Transit(Box::new(transit.ride(self.day, part.run, part.board..=part.alight))),
        }
    }
}

/// A leg of a way that begins at the epoch, where the way begins at `start`.
fn later(leg: Leg, start: Moment) -> Leg {
    let begins = start + leg.start.since(Moment(0));
    shifted(leg, begins)
}

fn shifted(leg: Leg, start: Moment) -> Leg {
    let end = start + leg.duration();
    Leg { start, end, ..leg }
}

impl Timetable {
    /// The line of a trip from one of its calls to another: along its shape, or from stop to stop if it has none.
    fn shape_between(&self, trip: u32, board: usize, alight: usize) -> Vec<LonLat> {
        let at = |call: crate::gtfs::records::Call| self.stops[call.stop as usize].at;
        let calls: Vec<LonLat> = self.calls_of(trip).part(0..=alight).iter().map(at).collect();
        let shape = self.trips[trip as usize].shape.map(|shape| self.shapes[shape as usize].as_slice());
        let Some(shape) = shape.filter(|shape| shape.len() >= 2) else { return calls[board..].to_vec() };
        // Where vehicles go along a street twice, the point nearest to a stop may be on the wrong pass; the least
        // sum of squared distances over all stops in order is not so easily misled.
        let apart = |a: LonLat, b: LonLat| {
            let (dx, dy) = ((a.lon - b.lon) * a.lat.to_radians().cos(), a.lat - b.lat);
            dx * dx + dy * dy
        };
        let mut best = vec![0.0_f64; shape.len()];
        let mut chosen = Vec::with_capacity(calls.len());
        for &stop in &calls {
            let (mut least, mut least_at) = (f64::INFINITY, 0_u32);
            let mut from = Vec::with_capacity(shape.len());
            for (j, best) in best.iter_mut().enumerate() {
                if *best < least {
                    (least, least_at) = (*best, j as u32);
                }
                *best = least + apart(stop, shape[j]);
                from.push(least_at);
            }
            chosen.push(from);
        }
        let end = (0..shape.len()).min_by(|&a, &b| best[a].total_cmp(&best[b])).unwrap_or(0);
        let mut begin = end;
        for from in chosen[board + 1..].iter().rev() {
            begin = from[begin] as usize;
        }
        let mut line = vec![calls[board]];
        line.extend(&shape[begin..=end]);
        line.push(calls[alight]);
        line
    }
}
