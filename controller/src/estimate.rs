//! What the traffic is like, from what detectors and vehicles say: link times over the whole network, volumes by group,
//! and which detectors are not to be believed.
//!
//! The state is one vector per quantity with one place per link, so that a step is a handful of whole-network
//! operations however large the city is.

pub mod forecast;
pub(crate) mod plausible;
mod probes;
mod rates;
mod spots;
pub(crate) mod stalls;
mod volumes;

pub(crate) use rates::Rates;
pub use stalls::Stalled;
pub(crate) use stalls::Stalls;
pub(crate) use volumes::Volumes;

use crate::{
    coordinator::{LinkSpeed, Live},
    decide::site::{SPACING_M, Site},
};
use model::{
    city::City,
    detection::DetectorKind,
    ids::{ChannelNumber, GroupNumber, JunctionIx, LinkIx},
    network::Network,
    signal::Lamp,
    time::Moment,
};
use ndarray::{Array1, Zip};
use probes::Probes;
use spots::Spot;
use std::time::Duration;
use wire::message::Vehicles;

/// Time constant of what links publish, s: about two cycles, so that a red does not look like a jam.
pub const SMOOTH_S: f64 = 150.0;
/// Vehicles per second that are assumed to drive freely beside those that were seen: where hardly anybody
/// drives, one vehicle at a red must not say that the street is slow. One in two minutes.
const FREE_FLOW_PRIOR: f64 = 1.0 / 120.0;
/// A link whose detectors said nothing for this long is not known any more, s.
const SILENCE_S: u64 = 60;
/// Saturation flow of one lane, veh/s (1,900 veh/h: HCM 2010, 18.3).
pub const SATURATION: f64 = 1900.0 / 3600.0;
/// Slowest speed that a link publishes, m/s: slower than this it stands, and times would grow without end.
const SLOWEST_MPS: f64 = 0.5;
/// What a link's detectors say of its time weighs as much as the word of so many vehicles: each of those met one red of many.
const DETECTORS_WORTH: f64 = 6.0;
/// And what it takes to drive it freely, where no detector looks, as that of so many.
const FREELY_WORTH: f64 = 0.5;

/// Where a link is looked at.
#[derive(Clone, Debug)]
struct Eye {
    link: LinkIx,
    junction: JunctionIx,
    channel: ChannelNumber,
    groups: Vec<GroupNumber>,
    sees: Sees,
    /// How dense traffic is there, if it is a loop that vehicles pass.
    spot: Spot,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Sees {
    /// Vehicles in view and standing.
    Area,
    /// Vehicles that leave over the stop line.
    Leaving,
    /// Vehicles that pass farther up.
    Passing,
}

/// The network-wide estimate.
#[derive(Clone, Debug)]
pub(crate) struct Estimate {
    eyes: Vec<Eye>,
    /// By link: area channels, stop-line loops and advance loops that look at it.
    cameras: Array1<f64>,
    loops: Array1<f64>,
    advances: Array1<f64>,
    /// By link, s: driving it freely, and the part of that within the view of its cameras.
    free_s: Array1<f64>,
    view_s: Array1<f64>,
    length_m: Array1<f64>,
    /// Vehicles that its lanes can hold.
    room: Array1<f64>,
    lanes: Array1<f64>,
    /// Smoothed: vehicles in view, vehicles leaving per second, vehicles on a metre where there are advance loops, and the
    /// wait that an arrival at any time meets.
    in_view: Array1<f64>,
    flow: Array1<f64>,
    density: Array1<f64>,
    wait_s: Array1<f64>,
    /// Now: vehicles standing.
    standing: Array1<f64>,
    /// Last time that a camera, a loop was heard.
    camera_heard: Vec<Option<Moment>>,
    loop_heard: Vec<Option<Moment>>,
    stepped: Option<Moment>,
    /// By link that detectors look at: those before it, whose delays its detectors see too.
    before: Vec<Vec<LinkIx>>,
    /// Links that are before others.
    is_before: Vec<bool>,
    probes: Probes,
    speeds: Vec<Option<LinkSpeed>>,
}

impl Estimate {
    pub(crate) fn new(city: &City, sites: &[Site]) -> Estimate {
        let network = &city.network;
        let n = network.links.len();
        let zero = || Array1::<f64>::zeros(n);
        let into = network.movements_into_lanes();
        let mut eyes = Vec::new();
        let (mut cameras, mut loops, mut advances, mut view_s) = (zero(), zero(), zero(), zero());
        for (j, (junction, site)) in city.junctions.iter().zip(sites).enumerate() {
            for detector in &junction.detectors {
                let Some((lane, _)) = detector.lies(network, &into) else { continue };
                let lane = network.lane(lane);
                let link = lane.link;
                let sees = match detector.kind {
                    DetectorKind::Area => {
                        cameras[link.ix()] += 1.0;
                        // The street beyond the link, up to the signal before, is seen too.
                        let view_m = site.area(detector.channel).map_or(0.0, |a| a.view_m);
                        view_s[link.ix()] = view_s[link.ix()].max(view_m / lane.speed_limit_mps.max(1.0));
                        Sees::Area
                    }
                    DetectorKind::StopLine => {
                        loops[link.ix()] += 1.0;
                        Sees::Leaving
                    }
                    DetectorKind::Advance => {
                        advances[link.ix()] += 1.0;
                        Sees::Passing
                    }
                    DetectorKind::PushButton => continue,
                };
                let groups = detector.groups.clone();
                eyes.push(Eye {
                    link,
                    junction: JunctionIx::from(j),
                    channel: detector.channel,
                    groups,
                    sees,
                    spot: Spot::new(),
                });
            }
        }
        let watched: Vec<bool> = (0..n).map(|i| cameras[i] + loops[i] + advances[i] > 0.0).collect();
        let before = links_before(network, &watched);
        let mut is_before = vec![false; n];
        before.iter().flatten().for_each(|link| is_before[link.ix()] = true);
        let lanes = Array1::from_iter(network.links.iter().map(|l| l.lanes.len().max(1) as f64));
        let length_m = Array1::from_iter(network.links.iter().map(|l| l.length_m));
        Estimate {
            eyes,
            cameras,
            loops,
            advances,
            free_s: Array1::from_iter(network.links.iter().map(|l| l.free_travel_time_s())),
            view_s,
            room: &length_m * &lanes / SPACING_M,
            length_m,
            lanes,
            in_view: zero(),
            flow: zero(),
            density: zero(),
            wait_s: zero(),
            standing: zero(),
            camera_heard: vec![None; n],
            loop_heard: vec![None; n],
            stepped: None,
            before,
            is_before,
            probes: Probes::default(),
            speeds: vec![None; n],
        }
    }

    /// Takes where vehicles are.
    pub(crate) fn hear(&mut self, city: &City, at: Moment, vehicles: &Vehicles) {
        self.probes.hear(city, at, vehicles);
    }

    /// Takes one second's readings of all junctions.
    pub(crate) fn step(&mut self, now: Moment, network: &Network, live: &[Live]) {
        let passed = self.stepped.map_or(1.0, |at| now.since(at).as_secs_f64()).clamp(0.0, 10.0);
        self.stepped = Some(now);
        let keep = (-passed / SMOOTH_S).exp();
        let n = self.free_s.len();
        let (mut view, mut leaving, mut passing) =
            (Array1::<f64>::zeros(n), Array1::<f64>::zeros(n), Array1::<f64>::zeros(n));
        let (mut density, mut wait) = (Array1::<f64>::zeros(n), Array1::<f64>::zeros(n));
        self.standing.fill(0.0);
        for eye in &mut self.eyes {
            let live = &live[eye.junction.ix()];
            let Some(channel) = live.detectors.get(&eye.channel).filter(|c| c.is_believed()) else {
                continue;
            };
            let Some(at) = channel.at.filter(|at| now.since(*at) < Duration::from_secs(SILENCE_S)) else {
                continue;
            };
            let fresh = now.since(at) < Duration::from_millis(1500);
            let link = eye.link.ix();
            match eye.sees {
                Sees::Area => {
                    self.camera_heard[link] = self.camera_heard[link].max(Some(at));
                    view[link] += f64::from(channel.last.vehicles.or(channel.last.queue).unwrap_or(0));
                    self.standing[link] += f64::from(channel.last.queue.unwrap_or(0));
                }
                Sees::Leaving => {
                    self.loop_heard[link] = self.loop_heard[link].max(Some(at));
                    leaving[link] += if fresh { f64::from(channel.last.count) } else { 0.0 };
                    wait[link] += red_for(now, live, &eye.groups) / self.loops[link];
                }
                Sees::Passing => {
                    passing[link] += if fresh { f64::from(channel.last.count) } else { 0.0 };
                    if self.loops[link] == 0.0 {
                        self.loop_heard[link] = self.loop_heard[link].max(Some(at));
                        wait[link] += red_for(now, live, &eye.groups) / self.advances[link];
                        if fresh {
                            let free_mps = self.length_m[link] / self.free_s[link];
                            density[link] += eye.spot.density(&channel.last, passed.max(1.0), free_mps);
                        }
                    }
                }
            }
        }
        // A link without loops at its stop line is counted where it can be.
        Zip::from(&mut leaving).and(&passing).and(&self.loops).for_each(|leaving, &passing, &loops| {
            if loops == 0.0 {
                *leaving = passing;
            }
        });
        let blend = |state: &mut Array1<f64>, seen: &Array1<f64>| {
            Zip::from(state).and(seen).for_each(|state, &seen| *state = *state * keep + seen * (1.0 - keep));
        };
        blend(&mut self.in_view, &view);
        blend(&mut self.flow, &(leaving / passed.max(1.0)));
        blend(&mut self.density, &density);
        blend(&mut self.wait_s, &wait);
        self.publish(now, network);
    }

    fn publish(&mut self, now: Moment, network: &Network) {
        self.probes.tidy(now);
        let probes = self.probes.times(now, network);
        let known =
            |heard: Option<Moment>| heard.is_some_and(|at| now.since(at) < Duration::from_secs(SILENCE_S));
        for i in 0..self.speeds.len() {
            let detectors = self.delay_s(i, known).map(|delay_s| (self.free_s[i] + delay_s, DETECTORS_WORTH));
            let vehicles = probes.get(&LinkIx::from(i)).filter(|_| !self.is_before[i]).map(|told| {
                // What a vehicle loses before this link the detectors have counted to it.
                let lost = |link: &LinkIx| Some(probes.get(link)?.0 - self.free_s[link.ix()]);
                (told.0 + self.before[i].iter().filter_map(lost).sum::<f64>(), told.1)
            });
            let (told_s, weight) = match (detectors, vehicles) {
                (None, None) => {
                    self.speeds[i] = None;
                    continue;
                }
                (Some(detectors), _) => detectors,
                (None, Some(_)) => (self.free_s[i], FREELY_WORTH),
            };
            let (vehicles_s, vehicles) = vehicles.unwrap_or_default();
            // The mean of both, each by what it is worth (as El Faouzi, Leung & Kurian 2011, Information Fusion 12).
            let time_s = (told_s * weight + vehicles_s * vehicles) / (weight + vehicles);
            let longest = self.length_m[i] / SLOWEST_MPS;
            let time_s = time_s.min(longest).max(self.free_s[i]);
            let speed_mps = self.length_m[i] / time_s;
            self.speeds[i] = Some(LinkSpeed { link: LinkIx::from(i), speed_mps, time_s });
        }
    }

    /// What detectors say that one loses on a link, s; `None` where none that works looks.
    fn delay_s(&self, i: usize, known: impl Fn(Option<Moment>) -> bool) -> Option<f64> {
        let counted = self.loops[i] + self.advances[i] > 0.0;
        if self.cameras[i] > 0.0 && counted && known(self.camera_heard[i]) {
            // Little (1961): the mean time in view is the mean number in view over the flow through it.
            let (number, flow) = (self.in_view[i], self.flow[i]);
            let in_view_s = (number + FREE_FLOW_PRIOR * self.view_s[i]) / (flow + FREE_FLOW_PRIOR);
            return Some((in_view_s - self.view_s[i]).max(0.0));
        }
        if !(counted && known(self.loop_heard[i])) {
            return None;
        }
        // Arrivals spread over the cycle wait for the red that is left, and for the queue before them: Webster's (1958) first
        // term, with red and cycle as they were seen.
        let load = (self.flow[i] / (SATURATION * self.lanes[i])).min(0.9);
        let waiting_s = self.wait_s[i] / (1.0 - load);
        // Where only advance loops lie, all of the link may be as slow as there: the same law, by the metre.
        let free_s_per_m = self.free_s[i] / self.length_m[i];
        let pace_s_per_m =
            (self.density[i] + FREE_FLOW_PRIOR * free_s_per_m) / (self.flow[i] + FREE_FLOW_PRIOR);
        Some(
            waiting_s.max((pace_s_per_m - free_s_per_m) * self.length_m[i] * f64::from(self.loops[i] == 0.0)),
        )
    }

    /// Traffic by link; `None` where no detector that works looks and no vehicle was.
    pub(crate) fn speeds(&self) -> &[Option<LinkSpeed>] {
        &self.speeds
    }

    /// The share of a link's room that is not taken by standing vehicles; `None` where nobody counts them.
    pub(crate) fn free_room(&self, link: LinkIx) -> Option<f64> {
        (self.cameras[link.ix()] > 0.0 && self.camera_heard[link.ix()].is_some())
            .then(|| (1.0 - self.standing[link.ix()] / self.room[link.ix()].max(1.0)).clamp(0.0, 1.0))
    }
}

/// By watched link: those before it, the nearest first, that nobody looks at, that all and only its traffic comes by, and
/// that no signal ends. Detectors at a stop line tell of all that is lost before it, wherever the queue ends.
fn links_before(network: &Network, watched: &[bool]) -> Vec<Vec<LinkIx>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Others {
        None,
        One(LinkIx),
        More,
    }
    let n = network.links.len();
    let (mut next, mut last) = (vec![Others::None; n], vec![Others::None; n]);
    let add = |all: &mut Vec<Others>, of: LinkIx, other: LinkIx| {
        all[of.ix()] = match all[of.ix()] {
            Others::None => Others::One(other),
            Others::One(same) if same == other => Others::One(other),
            _ => Others::More,
        };
    };
    let mut signalled = vec![false; n];
    for movement in &network.movements {
        let (from, to) = (network.lane(movement.from).link, network.lane(movement.to).link);
        add(&mut next, from, to);
        add(&mut last, to, from);
        signalled[from.ix()] |= movement.head.is_some();
    }
    let chain = |link: usize| -> Vec<LinkIx> {
        let step = |here: &LinkIx| match last[here.ix()] {
            Others::One(before) => {
                let turns_back = network.link(before).from == network.link(*here).to;
                let alone = next[before.ix()] == Others::One(*here) && !turns_back;
                (alone && !watched[before.ix()] && !signalled[before.ix()]).then_some(before)
            }
            _ => None,
        };
        // A ring of links would be before itself.
        std::iter::successors(Some(LinkIx::from(link)), step).skip(1).take_while(|l| l.ix() != link).collect()
    };
    (0..n).map(|link| if watched[link] { chain(link) } else { Vec::new() }).collect()
}

/// How long the groups have been red, s; zero when one of them may go. Its mean over time is what an arrival at
/// any time has to wait: the elapsed and the remaining part of a red are alike in the mean.
fn red_for(now: Moment, live: &Live, groups: &[GroupNumber]) -> f64 {
    let red = |g: &GroupNumber| {
        let shown = live.groups.get(usize::from(g.0).checked_sub(1)?)?;
        Some(match shown.lamp {
            Lamp::Green | Lamp::FlashingGreen | Lamp::FlashingAmber | Lamp::Dark => 0.0,
            Lamp::Red | Lamp::Amber | Lamp::RedAmber => now.since(shown.since).as_secs_f64(),
        })
    };
    groups.iter().filter_map(red).reduce(f64::min).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{coordinator::ChannelLive, decide::site::Roads};
    use model::{detection::Reading, signal::rules::GroupState};

    const CROSS: &str = "
                    N
                    |
                    |
W-------------------C-------------------E
                    |
                    |
                    S
";

    /// The time of the link from `W`, s over driving it freely, after ten minutes of these readings.
    fn check(
        cameras: bool,
        per_second: impl Fn(u64, DetectorKind) -> Reading,
        expected_s: std::ops::Range<f64>,
    ) {
        let mut city = model::sketch::city(CROSS, "C");
        if !cameras {
            city.junctions[0].detectors.retain(|d| d.kind != DetectorKind::Area);
        }
        let roads = Roads::new(&city);
        let sites = [Site::new(&city, JunctionIx(0), &roads)];
        let mut estimate = Estimate::new(&city, &sites);
        let link = model::sketch::link(&city.network, "WC");
        let mut live = Live::default();
        for s in 0..600u64 {
            let now = Moment(1_000_000 + s as i64 * 1000);
            // Half a minute of red, half a minute of green.
            let (lamp, since) = if s % 60 < 30 { (Lamp::Red, s % 60) } else { (Lamp::Green, s % 60 - 30) };
            let shown = GroupState { lamp, since: now - Duration::from_secs(since) };
            live.groups = vec![shown; city.junctions[0].groups.len()];
            for d in &city.junctions[0].detectors {
                let ours = d.lane.is_some_and(|l| city.network.lane(l).link == link);
                let last = if ours { per_second(s, d.kind) } else { Reading::default() };
                live.detectors
                    .insert(d.channel, ChannelLive { last, at: Some(now), ..ChannelLive::default() });
            }
            estimate.step(now, &city.network, std::slice::from_ref(&live));
        }
        let speed = estimate.speeds()[link.ix()].expect("somebody looks");
        let over = speed.time_s - city.network.link(link).free_travel_time_s();
        assert!(expected_s.contains(&over), "{over} s over free flow, expected {expected_s:?}");
    }

    /// Advance loops alone see how slow it is where they lie; where nothing looks, vehicles tell; and both count.
    #[test]
    fn loops_and_vehicles_tell_of_links() {
        let mut city =
            model::sketch::city("W--------------------C--------------------D--------------------E", "C");
        city.junctions[0].detectors.retain(|d| d.kind == DetectorKind::Advance);
        let roads = Roads::new(&city);
        let sites = [Site::new(&city, JunctionIx(0), &roads)];
        let [wc, cd, de] = ["WC", "CD", "DE"].map(|name| model::sketch::link(&city.network, name));
        // Over the free time, s, after ten minutes in which the loop is covered so and vehicles drive east at that speed.
        let time_s = |occupancy: f32, mps: Option<f64>, link: LinkIx| {
            let mut estimate = Estimate::new(&city, &sites);
            let mut live = Live::default();
            let green = GroupState { lamp: Lamp::Green, since: Moment(0) };
            live.groups = vec![green; city.junctions[0].groups.len()];
            let road = city.network.link(wc);
            let [from, to] = [road.shape[0], *city.network.link(de).shape.last().unwrap()];
            for s in 0..600u64 {
                let now = Moment(1_000_000 + s as i64 * 1000);
                for d in &city.junctions[0].detectors {
                    let last = Reading { count: u16::from(s % 5 == 0), occupancy, ..Reading::default() };
                    live.detectors
                        .insert(d.channel, ChannelLive { last, at: Some(now), ..ChannelLive::default() });
                }
                if let Some(mps) = mps {
                    let share = s as f64 * mps / (3.0 * road.length_m) % 1.0;
                    let vehicle = wire::message::Vehicle {
                        id: format!("v{}", (s as f64 * mps / (3.0 * road.length_m)) as u64),
                        line: None,
                        lon: from.lon + share * (to.lon - from.lon),
                        lat: from.lat,
                        heading: 90.0,
                        speed: mps as f32,
                    };
                    estimate.hear(&city, now, &Vehicles { vehicles: vec![vehicle] });
                }
                estimate.step(now, &city.network, std::slice::from_ref(&live));
            }
            let free_s = city.network.link(link).free_travel_time_s();
            estimate.speeds()[link.ix()].map(|speed| (speed.time_s - free_s).round())
        };
        let free_s = city.network.link(wc).free_travel_time_s();
        assert_eq!(time_s(0.09, None, cd), None);
        // 0.2 vehicles a second that cover a loop for 0.45 s each drive at the limit; covering it for 2 s, at a quarter of it.
        assert!(time_s(0.09, None, wc).unwrap() <= 1.0);
        let slow = time_s(0.4, None, wc).unwrap();
        assert!((2.0 * free_s..4.5 * free_s).contains(&slow), "{slow}");
        let told = time_s(0.09, Some(2.0), cd).unwrap();
        assert!((4.0 * free_s..6.5 * free_s).contains(&told), "{told}");
        let both = time_s(0.09, Some(2.0), wc).unwrap();
        assert!(0.5 * free_s < both && both < told, "{both}");
    }

    #[test]
    fn what_is_lost_before_a_stop_line_is_lost_once() {
        let city = model::sketch::city("V----W----C----M----E\n          |\n          S", "C");
        let watched =
            city.network.links.iter().map(|link| ["WC", "MC"].contains(&link.id.as_str())).collect();
        let watched: Vec<bool> = watched;
        let before = links_before(&city.network, &watched);
        let named = |link: &str| {
            let links = before[model::sketch::link(&city.network, link).ix()].iter();
            links.map(|l| city.network.link(*l).id.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(named("WC"), ["VW"]);
        assert_eq!(named("MC"), ["EM"]);
        assert_eq!(named("SC"), [""; 0], "nobody looks at it");
    }

    #[test]
    fn time_follows_the_queue() {
        let reading = |count: u16, standing: u16| Reading {
            count,
            queue: Some(standing),
            vehicles: Some(standing),
            ..Reading::default()
        };
        let every = |s: u64, n: u64| u16::from(s.is_multiple_of(n));
        // Nobody there: nothing to wait for.
        check(true, |_, _| reading(0, 0), 0.0..0.01);
        // Three movements with one vehicle each, one leaving each six seconds: 18 s in view, which is what
        // driving through 250 m of it takes.
        check(true, |s, _| reading(every(s, 6), 1), 0.0..2.0);
        // Five each: 90 s.
        check(true, |s, _| reading(every(s, 6), 5), 60.0..80.0);
        // Loops alone: half the cycle red, so 7.5 s in the mean, and a little for those before.
        check(false, |s, _| reading(every(s, 6), 0), 8.0..14.0);
    }
}
