//! Vehicles that say where they are, as probes: how long they take over links, signals included.
//!
//! A position is matched to the nearest road that leads where the vehicle is heading; the moment at which it went from one
//! link to the next lies between two positions, as far as the metres do. What a bus or tram spends at its stops is not
//! traffic's doing and is left out (Bertini & Tantiyanugulchai 2004, Transit buses as traffic probes, Transportation
//! Research Record 1870). A vehicle that is still on its way has taken at least so long already: else a road that nobody
//! leaves any more would be as quick as before.

use model::{city::City, geo::LocalPlane, ids::LinkIx, network::Network, time::Moment};
use rstar::{
    PointDistance, RTree,
    primitives::{GeomWithData, Line},
};
use std::{collections::HashMap, sync::Arc, time::Duration};
use wire::message::{Vehicle, Vehicles};

/// What is told of lasts for about so long, s: half a dozen cycles, and less than the time between two buses of one line.
const SMOOTH_S: f64 = 450.0;
/// As far beside the middle of a road a position may lie, m: half of a wide street, and what satellites are off by.
const BESIDE_M: f64 = 30.0;
/// A road that leads so far away from where the vehicle is heading is another one, degrees.
const TURNED_DEG: f64 = 50.0;
/// Slower than this a vehicle's heading says nothing, m/s.
const HEADS_MPS: f64 = 1.0;
/// A vehicle that was not heard of for so long is a new one.
const FORGOTTEN: Duration = Duration::from_secs(30);
/// Positions jump about by so much, m.
const JUMPS_M: f64 = 10.0;
/// This near to one of its stops a vehicle of a line that stands is at it, m.
const AT_STOP_M: f64 = 25.0;
/// Whoever came onto a link beyond this share of it tells nothing of it.
const MOST_MISSED: f64 = 0.5;
/// Vehicles that are followed at once; more than any city has.
const MOST_FOLLOWED: usize = 100_000;

/// One straight piece of a link's line.
type Piece = GeomWithData<Line<[f64; 2]>, Stretch>;

/// Where a piece lies on its link.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Stretch {
    link: LinkIx,
    /// Share of the line before it, and on it.
    before: f64,
    share: f64,
    /// Clockwise from north.
    heading_deg: f64,
}

/// The roads and stops, by where they are.
#[derive(Debug)]
struct Index {
    plane: LocalPlane,
    pieces: RTree<Piece>,
    stops: RTree<[f64; 2]>,
}

/// A place on a link.
#[derive(Clone, Copy, PartialEq, Debug)]
struct OnLink {
    link: LinkIx,
    along_m: f64,
}

/// A vehicle that is followed.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Track {
    at: Moment,
    on: OnLink,
    /// When it came onto its link, s before `at`, and where.
    since_s: f64,
    from_m: f64,
    /// What of that it spent at a stop, s.
    dwelt_s: f64,
}

/// What was told of a link: seconds, and of how many vehicles, as they were at `at`; both fade alike.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
struct Told {
    at: Moment,
    time_s: f64,
    vehicles: f64,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Probes {
    /// Made when the first vehicle is heard of: many centres hear of none.
    index: Option<Arc<Index>>,
    tracks: HashMap<String, Track>,
    told: HashMap<LinkIx, Told>,
}

impl Probes {
    /// Takes a picture of where vehicles are.
    pub(crate) fn hear(&mut self, city: &City, at: Moment, vehicles: &Vehicles) {
        let index = self.index.get_or_insert_with(|| Arc::new(Index::new(city))).clone();
        self.tracks.retain(|_, track| at.since(track.at) <= FORGOTTEN);
        for vehicle in &vehicles.vehicles {
            self.follow(&index, &city.network, at, vehicle);
        }
    }

    fn follow(&mut self, index: &Index, network: &Network, at: Moment, vehicle: &Vehicle) {
        let place = index.plane.to_metres([vehicle.lon, vehicle.lat].into());
        if !place.iter().all(|m| m.is_finite()) {
            return;
        }
        let track = self.tracks.get(&vehicle.id).copied();
        if track.is_some_and(|track| at <= track.at) {
            return;
        }
        let Some(on) = index.matched(network, place, vehicle, track.map(|track| track.on.link)) else {
            self.tracks.remove(&vehicle.id);
            return;
        };
        let fresh = Track { at, on, since_s: 0.0, from_m: on.along_m, dwelt_s: 0.0 };
        let Some(track) = track else {
            if self.tracks.len() < MOST_FOLLOWED {
                self.tracks.insert(vehicle.id.clone(), fresh);
            }
            return;
        };
        let passed_s = at.since(track.at).as_secs_f64();
        let length_m = |link: LinkIx| network.link(link).length_m;
        let next = if on.link == track.on.link {
            let driven_m = on.along_m - track.on.along_m;
            if driven_m < -JUMPS_M {
                fresh
            } else {
                let at_stop = vehicle.line.is_some()
                    && driven_m < HEADS_MPS * passed_s
                    && index.stops.locate_within_distance(place, AT_STOP_M * AT_STOP_M).next().is_some();
                Track {
                    at,
                    on: OnLink { along_m: on.along_m.max(track.on.along_m), ..on },
                    since_s: track.since_s + passed_s,
                    dwelt_s: track.dwelt_s + if at_stop { passed_s } else { 0.0 },
                    ..track
                }
            }
        } else if network.link(track.on.link).to == network.link(on.link).from {
            let left_m = (length_m(track.on.link) - track.on.along_m).max(0.0);
            let share = if left_m + on.along_m > 0.0 { left_m / (left_m + on.along_m) } else { 1.0 };
            let took_s = track.since_s + share * passed_s - track.dwelt_s;
            self.tell(at, network, track.on.link, track.from_m, took_s);
            Track { from_m: 0.0, since_s: (1.0 - share) * passed_s, ..fresh }
        } else {
            fresh
        };
        self.tracks.insert(vehicle.id.clone(), next);
    }

    /// A vehicle took so long over a link from there to its end; what it did not drive of it is driven freely.
    fn tell(&mut self, at: Moment, network: &Network, link: LinkIx, from_m: f64, took_s: f64) {
        let Some(time_s) = whole(network, link, from_m, took_s) else { return };
        let told = self.told.entry(link).or_default();
        let keep = told.keep(at);
        *told = Told { at, time_s: told.time_s * keep + time_s, vehicles: told.vehicles * keep + 1.0 };
    }

    /// By link that vehicles told of lately: seconds to drive it, and how many vehicles' word that is.
    pub(crate) fn times(&self, now: Moment, network: &Network) -> HashMap<LinkIx, (f64, f64)> {
        let mut times: HashMap<LinkIx, (f64, f64)> = HashMap::new();
        for (link, told) in &self.told {
            let vehicles = told.vehicles * told.keep(now);
            if vehicles >= 0.5 {
                times.insert(*link, (told.time_s / told.vehicles, vehicles));
            }
        }
        // The slowest on the way first, or an answer would depend on the order in which they are kept.
        let mut on_the_way: Vec<(LinkIx, f64)> =
            self.tracks.values().filter_map(|t| t.so_far(now, network)).collect();
        on_the_way.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
        for (link, least_s) in on_the_way {
            let (time_s, vehicles) = times.get(&link).copied().unwrap_or_default();
            if least_s > time_s {
                times.insert(link, ((time_s * vehicles + least_s) / (vehicles + 1.0), vehicles + 1.0));
            }
        }
        times
    }

    /// Forgets what has faded.
    pub(crate) fn tidy(&mut self, now: Moment) {
        self.told.retain(|_, told| told.vehicles * told.keep(now) >= 0.05);
    }
}

impl Track {
    /// The least that its link takes, going by how long it has been on it; `None` if that says nothing.
    fn so_far(&self, now: Moment, network: &Network) -> Option<(LinkIx, f64)> {
        (now.since(self.at) <= FORGOTTEN).then_some(())?;
        let link = network.link(self.on.link);
        let left = 1.0 - self.on.along_m / link.length_m;
        let took_s = self.since_s - self.dwelt_s + left.max(0.0) * link.free_travel_time_s();
        let time_s = whole(network, self.on.link, self.from_m, took_s)?;
        // Nobody is as slow as that but in a queue.
        (time_s > 2.0 * link.free_travel_time_s()).then_some((self.on.link, time_s))
    }
}

impl Told {
    fn keep(&self, now: Moment) -> f64 {
        (-now.since(self.at).as_secs_f64() / SMOOTH_S).exp()
    }
}

/// The time of a whole link, of which a vehicle did not drive what lies before `from_m`.
fn whole(network: &Network, link: LinkIx, from_m: f64, took_s: f64) -> Option<f64> {
    let road = network.link(link);
    let missed = from_m / road.length_m;
    (missed <= MOST_MISSED && took_s > 0.0).then(|| {
        let free_s = road.free_travel_time_s();
        (took_s + missed * free_s).max(free_s)
    })
}

impl Index {
    fn new(city: &City) -> Index {
        let network = &city.network;
        let plane = LocalPlane::around(network.nodes.first().map_or([0.0, 0.0].into(), |node| node.at));
        let mut pieces = Vec::new();
        for (i, link) in network.links.iter().enumerate().filter(|(_, link)| !link.lanes.is_empty()) {
            let line: Vec<[f64; 2]> = link.shape.iter().map(|p| plane.to_metres(*p)).collect();
            let length = |pair: &[[f64; 2]]| (pair[1][0] - pair[0][0]).hypot(pair[1][1] - pair[0][1]);
            let total: f64 = line.windows(2).map(length).sum();
            let mut before = 0.0;
            for pair in line.windows(2) {
                let share = length(pair) / total.max(f64::MIN_POSITIVE);
                let heading_deg = (pair[1][0] - pair[0][0]).atan2(pair[1][1] - pair[0][1]).to_degrees();
                let stretch = Stretch { link: LinkIx::from(i), before, share, heading_deg };
                pieces.push(Piece::new(Line::new(pair[0], pair[1]), stretch));
                before += share;
            }
        }
        let stops = city.transit.stops.iter().map(|stop| plane.to_metres(stop.at)).collect();
        Index { plane, pieces: RTree::bulk_load(pieces), stops: RTree::bulk_load(stops) }
    }

    /// Where a vehicle is: on the nearest road that leads where it is heading, or, while it stands, on the link where it was.
    fn matched(
        &self,
        network: &Network,
        place: [f64; 2],
        vehicle: &Vehicle,
        was_on: Option<LinkIx>,
    ) -> Option<OnLink> {
        let moves = f64::from(vehicle.speed) >= HEADS_MPS;
        let fits = |stretch: &Stretch| match moves {
            true => turned_deg(stretch.heading_deg, f64::from(vehicle.heading)) <= TURNED_DEG,
            false => was_on.is_none_or(|link| link == stretch.link),
        };
        let near = self.pieces.locate_within_distance(place, BESIDE_M * BESIDE_M);
        let nearest = near
            .filter(|piece| fits(&piece.data))
            // One of two that are equally near must not be chosen by how the index is built.
            .min_by(|a, b| {
                a.distance_2(&place).total_cmp(&b.distance_2(&place)).then(a.data.link.cmp(&b.data.link))
            })?;
        let Stretch { link, before, share, .. } = nearest.data;
        let line = nearest.geom();
        let on_line = line.nearest_point(&place);
        let length2 = line.length_2();
        let into2 = (on_line[0] - line.from[0]).powi(2) + (on_line[1] - line.from[1]).powi(2);
        let into = if length2 > 0.0 { (into2 / length2).sqrt() } else { 0.0 };
        Some(OnLink { link, along_m: (before + share * into).min(1.0) * network.link(link).length_m })
    }
}

/// The angle between two headings, 0 to 180.
fn turned_deg(a: f64, b: f64) -> f64 {
    let turned = (a - b).rem_euclid(360.0);
    turned.min(360.0 - turned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{geo::LonLat, ids::StopId, network::Name, sketch, transit::Stop};

    const STREET: &str = "W--------------------C--------------------E";

    /// The time that the link `WC` is said to take after one vehicle has driven it like that: metres from `W` second by second.
    /// `None` where nothing is said.
    fn told(
        line: Option<&str>,
        stop_m: Option<f64>,
        metres: impl Fn(u64) -> f64,
        seconds: u64,
    ) -> Option<f64> {
        let mut city = sketch::city(STREET, "C");
        let network = city.network.clone();
        let [wc, ce] = ["WC", "CE"].map(|name| network.link(sketch::link(&network, name)));
        let place = |m: f64| {
            let (link, share) = match m / wc.length_m {
                share if share <= 1.0 => (wc, share),
                _ => (ce, (m - wc.length_m) / ce.length_m),
            };
            let [from, to] = [link.shape[0], *link.shape.last().unwrap()];
            let between = |a: f64, b: f64| a + share * (b - a);
            LonLat { lon: between(from.lon, to.lon), lat: between(from.lat, to.lat) }
        };
        if let Some(m) = stop_m {
            let name = Name::new("stop", "stop");
            city.transit.stops = vec![Stop { id: StopId::new("s"), name, at: place(m) }];
        }
        let mut probes = Probes::default();
        let begin = Moment(1_000_000);
        for s in 0..seconds {
            let at = place(metres(s));
            let vehicle = Vehicle {
                id: "v".into(),
                line: line.map(str::to_owned),
                lon: at.lon,
                // Beside the middle, as on a lane.
                lat: at.lat - 0.00003,
                heading: 90.0,
                speed: (metres(s + 1) - metres(s)) as f32,
            };
            probes.hear(&city, begin + Duration::from_secs(s), &Vehicles { vehicles: vec![vehicle] });
        }
        let times = probes.times(begin + Duration::from_secs(seconds), &network);
        times.get(&sketch::link(&network, "WC")).map(|(time_s, _)| time_s.round())
    }

    #[test]
    fn a_vehicle_tells_how_long_a_link_took() {
        let city = sketch::city(STREET, "C");
        let length_m = city.network.link(sketch::link(&city.network, "WC")).length_m;
        let steady = |mps: f64| move |s: u64| s as f64 * mps;
        let whole_s = |mps: f64| ((length_m + 40.0) / mps) as u64;
        let took = (length_m / 5.0).round();
        assert_eq!(told(None, None, steady(5.0), whole_s(5.0)), Some(took));
        // It stands for half a minute at 60 m: at a red, or, if it is a bus and its stop is there, at the stop.
        let standing = |s: u64| if s < 12 { s as f64 * 5.0 } else { (s.max(42) - 42) as f64 * 5.0 + 60.0 };
        let seconds = whole_s(5.0) + 30;
        assert_eq!(told(None, Some(60.0), standing, seconds), Some(took + 30.0));
        assert_eq!(told(Some("39"), None, standing, seconds), Some(took + 30.0));
        let at_stop = told(Some("39"), Some(60.0), standing, seconds).unwrap();
        assert!((took - 1.0..=took + 2.0).contains(&at_stop), "{at_stop}");
    }

    #[test]
    fn who_does_not_arrive_is_slow_too() {
        // Nothing was told yet, and then it stands in the middle of the link and does not go on.
        let stuck = |s: u64| (s as f64 * 10.0).min(50.0);
        assert_eq!(told(None, None, stuck, 6), None);
        assert!(told(None, None, stuck, 120).unwrap() > 115.0);
        // Whoever begins far into a link tells nothing of it.
        let city = sketch::city(STREET, "C");
        let length_m = city.network.link(sketch::link(&city.network, "WC")).length_m;
        assert_eq!(told(None, None, |s| 0.7 * length_m + s as f64 * 5.0, (length_m / 10.0) as u64), None);
    }
}
