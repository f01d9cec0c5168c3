//! Detectors as they are in the street: some broken, and loops that miscount. What sound detectors would feel is
//! changed here, between the traffic and the device, so that neither knows of it.

use crate::{
    signals::{Felt, Sensed},
    world::chance,
};
use model::{
    city::City,
    detection::{Detector, DetectorKind, Sighting},
    ids::JunctionIx,
    time::{Moment, Tenths},
};
use std::collections::BTreeMap;

/// How worn the detectors of a city are.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Wear {
    /// Share of the channels for vehicles, loops and areas alike, that are broken.
    pub failed: f64,
    /// Share of the vehicles that a working loop misses.
    pub missed: f64,
    /// Share of the vehicles that a working loop counts twice.
    pub doubled: f64,
}

/// How a channel is broken. None says so of itself: what reports its own fault is no riddle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// Something always stands on it, and nothing new ever comes.
    StuckOn,
    /// Nothing ever comes.
    StuckOff,
    /// It hangs as soon as it has told of a vehicle, and repeats that for ever.
    Silent,
    /// What it tells has nothing to do with the street.
    Chattering,
}

/// Broken channels get these in turn.
const FAILURES: [Failure; 4] = [Failure::StuckOn, Failure::StuckOff, Failure::Silent, Failure::Chattering];

/// What a stuck area takes for a vehicle: a car at the line.
const GHOST: Sighting = Sighting { distance_dm: 10, speed_cmps: 0, length_dm: 48 };
/// A chattering channel counts fewer vehicles than this at each step,
const CHATTER_COUNT: f64 = 4.0;
/// sees fewer than this at once,
const CHATTER_VEHICLES: f64 = 20.0;
/// and drives them slower than this, m/s.
const CHATTER_SPEED_MPS: f64 = 15.0;

/// The worn detectors of a city.
#[derive(Clone, Debug)]
pub struct WornDetectors {
    wear: Wear,
    seed: u64,
    junctions: Vec<Cabinet>,
}

#[derive(Clone, Debug, Default)]
struct Cabinet {
    at: Option<Moment>,
    channels: Vec<Channel>,
    /// What was told then.
    told: Felt,
    /// What each channel should have counted until then.
    counts: Vec<u16>,
}

/// A channel that may tell something else than it should.
#[derive(Clone, Copy, Debug)]
struct Channel {
    place: u16,
    /// Its number in the whole city, to draw chances by.
    who: u64,
    failure: Option<Failure>,
    /// What it is by wear, when nobody asks for anything else.
    own: Option<Failure>,
    /// How far an area sees, m; none for a loop.
    view_m: Option<f64>,
    /// The area follows vehicles.
    follows: bool,
}

impl WornDetectors {
    /// The seed chooses who is broken, and how.
    pub fn new(city: &City, wear: Wear, seed: u64) -> WornDetectors {
        let channel = |place: usize, detector: &Detector| Channel {
            place: place as u16,
            who: 0,
            failure: None,
            own: None,
            view_m: (detector.kind == DetectorKind::Area).then_some(detector.length_m),
            follows: detector.head.is_some(),
        };
        let mut junctions: Vec<Cabinet> = city
            .junctions
            .iter()
            .map(|junction| {
                let places = junction.detectors.iter().enumerate();
                let vehicles = places.filter(|(_, d)| d.kind != DetectorKind::PushButton);
                let channels = vehicles.map(|(place, d)| channel(place, d)).collect();
                Cabinet { channels, ..Cabinet::default() }
            })
            .collect();
        let mut all: Vec<&mut Channel> = junctions.iter_mut().flat_map(|j| &mut j.channels).collect();
        for (channel, who) in all.iter_mut().zip(0..) {
            channel.who = who;
        }
        let lot = |channel: &Channel| chance(seed, channel.who | 1 << 54, 0);
        all.sort_by(|a, b| lot(a).total_cmp(&lot(b)));
        let broken = (wear.failed * all.len() as f64).round() as usize;
        for (channel, failure) in all.into_iter().take(broken).zip(FAILURES.into_iter().cycle()) {
            (channel.failure, channel.own) = (Some(failure), Some(failure));
        }
        WornDetectors { wear, seed, junctions }
    }

    /// From now on these channels of a junction, by their places, are broken like that, and the others as their wear
    /// has it.
    pub fn set(&mut self, junction: JunctionIx, broken: &BTreeMap<u16, Failure>) {
        for channel in &mut self.junctions[junction.ix()].channels {
            channel.failure = broken.get(&channel.place).copied().or(channel.own);
        }
    }

    /// What a junction's detectors tell in place of what they should feel. Asked again at the same moment, they
    /// tell the same.
    pub fn tell(&mut self, junction: JunctionIx, now: Moment, felt: &Felt) -> &Felt {
        let cabinet = &mut self.junctions[junction.ix()];
        if cabinet.at == Some(now) {
            return &cabinet.told;
        }
        let passed = cabinet.at.map_or(Tenths::ZERO, |before| Tenths::from(now.since(before)));
        cabinet.at = Some(now);
        let before = std::mem::replace(&mut cabinet.told, felt.clone());
        let told = &mut cabinet.told;
        for channel in &cabinet.channels {
            let place = usize::from(channel.place);
            let was = before.channels.get(place).copied().unwrap_or_default();
            let dice = Dice { seed: self.seed, who: channel.who | 1 << 53, when: now.0 as u64 };
            let sensed = &mut told.channels[place];
            let Some(failure) = channel.failure else {
                if channel.view_m.is_none() {
                    let last = cabinet.counts.get(place).copied().unwrap_or(0);
                    let passed = sensed.count.wrapping_sub(last);
                    sensed.count = was.count.wrapping_add(miscounted(passed, self.wear, &dice));
                }
                continue;
            };
            let saw = before.sightings.iter().filter(|s| s.0 == channel.place).map(|s| s.1);
            let sightings = match failure {
                Failure::StuckOn => {
                    *sensed = channel.stuck_on(was, passed);
                    vec![GHOST]
                }
                Failure::StuckOff => {
                    *sensed = channel.stuck_off(was);
                    Vec::new()
                }
                Failure::Silent if was.occupied || was.vehicles.is_some_and(|n| n > 0) => {
                    *sensed = was;
                    saw.collect()
                }
                Failure::Silent => continue,
                Failure::Chattering => {
                    *sensed = channel.chatter(was, passed, &dice);
                    channel.chatter_of(sensed.vehicles.unwrap_or(0), &dice)
                }
            };
            if channel.follows {
                told.sightings.retain(|s| s.0 != channel.place);
                told.sightings.extend(sightings.into_iter().map(|s| (channel.place, s)));
            }
        }
        told.sightings.sort_unstable();
        cabinet.counts = felt.channels.iter().map(|sensed| sensed.count).collect();
        &cabinet.told
    }
}

impl Channel {
    /// What an area says and a loop does not.
    fn area(&self, vehicles: u16) -> Option<u16> {
        self.view_m.map(|_| vehicles)
    }

    fn stuck_off(&self, was: Sensed) -> Sensed {
        let none = self.area(0);
        Sensed { count: was.count, covered: was.covered, queue: none, vehicles: none, ..Sensed::default() }
    }

    fn stuck_on(&self, was: Sensed, passed: Tenths) -> Sensed {
        let covered = was.covered.wrapping_add(passed.0 as u16);
        let one = self.area(1);
        Sensed { covered, occupied: true, queue: one, vehicles: one, ..self.stuck_off(was) }
    }

    fn chatter(&self, was: Sensed, passed: Tenths, dice: &Dice) -> Sensed {
        let vehicles = dice.below(CHATTER_VEHICLES, 0) as u16;
        Sensed {
            count: was.count.wrapping_add(dice.below(CHATTER_COUNT, 1) as u16),
            covered: was.covered.wrapping_add(dice.below(f64::from(passed.0), 2) as u16),
            occupied: dice.below(1.0, 3) < 0.5,
            speed_mps: Some(dice.below(CHATTER_SPEED_MPS, 4) as f32),
            queue: self.area(dice.below(f64::from(vehicles) + 1.0, 5) as u16),
            vehicles: self.area(vehicles),
            fault: false,
        }
    }

    fn chatter_of(&self, vehicles: u16, dice: &Dice) -> Vec<Sighting> {
        let view_m = self.view_m.unwrap_or(0.0);
        let somewhere =
            |k: u64| Sighting::new(dice.below(view_m, 2 * k), dice.below(CHATTER_SPEED_MPS, 2 * k + 1), 4.8);
        // The first six numbers are spent on the channel itself.
        (3..).map(somewhere).take(vehicles.into()).collect()
    }
}

/// How many a loop counts of so many vehicles.
fn miscounted(vehicles: u16, wear: Wear, dice: &Dice) -> u16 {
    let counted = |k: u16| match dice.below(1.0, k.into()) {
        lot if lot < wear.missed => 0,
        lot if lot < wear.missed + wear.doubled => 2,
        _ => 1,
    };
    (0..vehicles).map(counted).sum()
}

/// Chances of one channel at one moment.
struct Dice {
    seed: u64,
    who: u64,
    when: u64,
}

impl Dice {
    /// The `k`-th number, from 0 up to `limit`. A moment has room for 1000, since moments are milliseconds and
    /// steps are not.
    fn below(&self, limit: f64, k: u64) -> f64 {
        chance(self.seed, self.who, self.when + k) * limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{detection::Tier, sketch};

    const CROSS: &str = "
    N
    |
W---C---E
    |
    S";

    fn city(tier: Tier) -> City {
        let mut city = sketch::city(CROSS, "C");
        city.junctions[0].detectors.clear();
        model::detection::equip(&mut city, tier);
        city
    }

    /// What sound detectors feel after so many seconds: each second a vehicle more over each channel, two in each
    /// area, one of them standing.
    fn sound(city: &City, second: u16) -> Felt {
        let mut felt = Felt::default();
        for (detector, place) in city.junctions[0].detectors.iter().zip(0..) {
            let area = detector.kind == DetectorKind::Area;
            felt.channels.push(Sensed {
                count: second,
                covered: 3 * second,
                occupied: area || second.is_multiple_of(2),
                speed_mps: Some(9.0),
                queue: area.then_some(1),
                vehicles: area.then_some(2),
                fault: false,
            });
            if detector.head.is_some() {
                let moving = Sighting::new(60.0 - f64::from(second), 1.0, 4.8);
                felt.sightings.extend([(place, GHOST), (place, moving)]);
            }
        }
        felt
    }

    /// Feels the street for a minute through a city whose channels are all broken; shows every channel that is
    /// broken like that, second by second.
    fn check(failure: Failure, tier: Tier, right: impl Fn(u16, &Sensed, &[Sighting]) -> bool) {
        let city = city(tier);
        let mut worn = WornDetectors::new(&city, Wear { failed: 1.0, ..Wear::default() }, 7);
        let channels = worn.junctions[0].channels.clone();
        let broken: Vec<&Channel> = channels.iter().filter(|c| c.failure == Some(failure)).collect();
        assert!(broken.len() >= 2, "{failure:?}: {} of {}", broken.len(), channels.len());
        for second in 1..=60 {
            let now = Moment(i64::from(second) * 1000);
            let felt = sound(&city, second);
            let told = worn.tell(JunctionIx(0), now, &felt).clone();
            assert_eq!(*worn.tell(JunctionIx(0), now, &felt), told, "one moment, one answer");
            for channel in &broken {
                let place = usize::from(channel.place);
                let saw = told.sightings.iter().filter(|s| s.0 == channel.place);
                let saw: Vec<Sighting> = saw.map(|s| s.1).collect();
                let sensed = &told.channels[place];
                assert!(
                    right(second, sensed, &saw),
                    "{failure:?} {place} after {second} s: {sensed:?}, {saw:?}"
                );
            }
        }
    }

    #[test]
    fn stuck_on_is_a_car_that_never_leaves() {
        let covered = |second: u16, s: &Sensed| s.occupied && s.count == 0 && s.covered == 10 * (second - 1);
        check(Failure::StuckOn, Tier::Loops, |second, s, _| covered(second, s) && s.queue.is_none());
        check(Failure::StuckOn, Tier::Full, |second, s, saw| {
            covered(second, s) && (s.queue.is_none() || (s.queue == Some(1) && saw == [GHOST]))
        });
    }

    #[test]
    fn stuck_off_never_sees_anybody() {
        check(Failure::StuckOff, Tier::Loops, |_, s, _| *s == Sensed::default());
        let empty = Sensed { queue: Some(0), vehicles: Some(0), ..Sensed::default() };
        check(Failure::StuckOff, Tier::Full, |_, s, saw| {
            (*s == empty || *s == Sensed::default()) && saw.is_empty()
        });
    }

    #[test]
    fn silent_repeats_the_first_vehicle_for_ever() {
        // Loops are first covered in the second second, areas see somebody from the first on.
        check(Failure::Silent, Tier::Loops, |second, s, _| {
            (s.count, s.covered) == (second.min(2), 3 * second.min(2))
        });
        check(Failure::Silent, Tier::Full, |second, s, saw| match s.vehicles {
            Some(_) => (s.count, s.queue) == (1, Some(1)) && saw == [GHOST, Sighting::new(59.0, 1.0, 4.8)],
            None => s.count == second.min(2),
        });
    }

    #[test]
    fn chatter_is_possible_but_untrue() {
        let possible = |second: u16, s: &Sensed, saw: &[Sighting]| {
            let near = saw.iter().all(|s| s.distance_dm <= 2500) && saw.is_sorted();
            let counted = s.count <= 3 * second && s.covered <= 10 * second && s.queue <= s.vehicles;
            near && counted && (saw.is_empty() || s.vehicles == Some(saw.len() as u16))
        };
        check(Failure::Chattering, Tier::Loops, possible);
        check(Failure::Chattering, Tier::Full, possible);
        check(Failure::Chattering, Tier::Full, |second, s, _| second < 60 || s.count > 30);
    }

    #[test]
    fn a_share_is_broken_and_the_seed_says_which() {
        let city = city(Tier::Full);
        let broken = |seed, failed| -> Vec<(u16, Failure)> {
            let worn = WornDetectors::new(&city, Wear { failed, ..Wear::default() }, seed);
            let channels = worn.junctions[0].channels.iter();
            channels.filter_map(|c| c.failure.map(|failure| (c.place, failure))).collect()
        };
        let vehicles = city.junctions[0].detectors.iter().filter(|d| d.kind != DetectorKind::PushButton);
        let all = vehicles.count();
        assert_eq!(broken(1, 0.0), []);
        assert_eq!(broken(1, 0.2).len(), all / 5);
        assert_eq!(broken(1, 0.2), broken(1, 0.2));
        assert_ne!(broken(1, 0.2), broken(2, 0.2));
        assert_eq!(broken(1, 1.0).len(), all);
    }

    #[test]
    fn loops_miss_some_and_count_some_twice() {
        let city = city(Tier::Loops);
        let count = |missed, doubled| {
            let mut worn = WornDetectors::new(&city, Wear { failed: 0.0, missed, doubled }, 3);
            let mut told = Felt::default();
            for second in 1..=1000 {
                told =
                    worn.tell(JunctionIx(0), Moment(i64::from(second) * 1000), &sound(&city, second)).clone();
            }
            let detectors = city.junctions[0].detectors.iter().zip(&told.channels);
            let loops = detectors.filter(|(d, _)| d.kind != DetectorKind::PushButton);
            let counts: Vec<u32> = loops.map(|(_, s)| s.count.into()).collect();
            counts.iter().sum::<u32>() / counts.len() as u32
        };
        assert_eq!(count(0.0, 0.0), 1000);
        assert_eq!(count(1.0, 0.0), 0);
        assert!((890..910).contains(&count(0.1, 0.0)));
        assert!((1090..1110).contains(&count(0.0, 0.1)));
        assert!((980..1000).contains(&count(0.02, 0.01)));
    }
}
