//! Faults on request: what goes wrong at which junction, from when, and for how long.
//!
//! Orders come from the daemon's `faults` or over its API ([`api`](self::api)); both have the same words. Each step
//! [`Faults::apply`] sets every device to the sum of the orders that are in force, so that an order that ends
//! leaves nothing behind.

pub mod api;

use crate::{signals::Troubles, street::Street, worn_detectors::Failure};
use model::{
    city::City,
    detection::DetectorKind,
    ids::{GroupNumber, JunctionIx},
    time::Moment,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Most orders that are kept at once; who asks for more has a mistake in a loop.
pub const MOST_ORDERS: usize = 100_000;
/// No answer is later than this, s: longer than any client waits.
const LATEST_ANSWER_S: f64 = 600.0;
/// No clock is worse than this, parts per million: six minutes an hour, to see something in a short test.
const WORST_CLOCK_PPM: f64 = 100_000.0;

/// A fault as a person asks for it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// The junction's id.
    pub junction: String,
    /// Seconds from the start of the street (in a file), or from now (over the API), until it begins.
    #[serde(default)]
    pub after_s: f64,
    /// How long it lasts, s; until it is taken back without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_s: Option<f64>,
    /// What goes wrong.
    pub what: What,
}

/// What can go wrong. Channels are numbers in the cabinet, groups are signal groups.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum What {
    /// No power: all lamps dark, and what it was asked for is forgotten. It still answers, from its battery.
    PowerLost,
    /// The cabinet's door is open.
    DoorOpen,
    /// Somebody uses the manual panel: it stays in its stage and obeys nobody.
    ManualPanel,
    /// A lamp of a group is out.
    LampOut {
        /// The group.
        group: u16,
    },
    /// A detector that something always stands on.
    StuckOn {
        /// Its channel.
        channel: u16,
    },
    /// A detector that nobody ever comes to.
    StuckOff {
        /// Its channel.
        channel: u16,
    },
    /// A detector that hangs once it has told of a vehicle.
    Hanging {
        /// Its channel.
        channel: u16,
    },
    /// A detector whose words have nothing to do with the street.
    Chattering {
        /// Its channel.
        channel: u16,
    },
    /// Each answer comes so late.
    SlowAnswers {
        /// s.
        delay_s: f64,
    },
    /// Some answers are cut short, refused, or noise.
    GarbledAnswers {
        /// Share of the answers, 0 to 1.
        share: f64,
    },
    /// Its clock runs fast (above 0) or slow. When the fault ends the clock is brought back gently.
    ClockDrift {
        /// Parts per million: 11.6 is a second a day.
        ppm: f64,
    },
}

/// An order that fits the city.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Planned {
    /// Its number.
    pub id: u64,
    /// As it was asked for.
    #[serde(flatten)]
    pub order: Order,
    /// Whether it is in force now.
    pub in_force: bool,
    #[serde(skip)]
    junction: JunctionIx,
    #[serde(skip)]
    from: Moment,
    #[serde(skip)]
    until: Option<Moment>,
}

/// What is wrong with one junction now, all orders together.
#[derive(Clone, PartialEq, Debug, Default)]
struct Sum {
    troubles: Troubles,
    channels: BTreeMap<u16, Failure>,
    delay: Duration,
    garbled: f64,
    drift_ppm: f64,
}

#[derive(Debug, Default)]
struct Inner {
    orders: BTreeMap<u64, Planned>,
    last_id: u64,
    /// What the devices were last set to.
    set: BTreeMap<JunctionIx, Sum>,
    now: Moment,
}

/// All orders. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Inner>>);

impl Faults {
    /// Nothing is wrong, and it is `now`.
    pub fn new(now: Moment) -> Faults {
        Faults(Arc::new(Mutex::new(Inner { now, ..Inner::default() })))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an order; its times count from the present moment of the street. The answer is its number, or what
    /// does not fit the city.
    pub fn order(&self, city: &City, order: Order) -> Result<u64, String> {
        let junction = check(city, &order)?;
        let mut inner = self.lock();
        if inner.orders.len() >= MOST_ORDERS {
            return Err(format!("there are {MOST_ORDERS} faults already; take some back first"));
        }
        inner.last_id += 1;
        let id = inner.last_id;
        let from = inner.now + Duration::from_secs_f64(order.after_s);
        let until = order.for_s.map(|s| from + Duration::from_secs_f64(s));
        inner.orders.insert(id, Planned { id, order, in_force: false, junction, from, until });
        Ok(id)
    }

    /// Takes an order back; false if there is none of that number.
    pub fn withdraw(&self, id: u64) -> bool {
        self.lock().orders.remove(&id).is_some()
    }

    /// All orders that are planned or in force, by number.
    pub fn list(&self) -> Vec<Planned> {
        self.lock().orders.values().cloned().collect()
    }

    /// Sets every device to what is in force at the street's present moment, and forgets what is over.
    pub fn apply(&self, street: &mut Street) {
        let mut inner = self.lock();
        let now = street.now();
        inner.now = now;
        inner.orders.retain(|_, planned| planned.until.is_none_or(|until| now < until));
        let mut sums: BTreeMap<JunctionIx, Sum> = BTreeMap::new();
        for planned in inner.orders.values_mut() {
            planned.in_force = planned.from <= now;
            if planned.in_force {
                sums.entry(planned.junction).or_default().add(
                    &planned.order.what,
                    street.city(),
                    planned.junction,
                );
            }
        }
        let sound = Sum::default();
        let touched: Vec<JunctionIx> = sums.keys().chain(inner.set.keys()).copied().collect();
        for junction in touched {
            let (before, after) = (inner.set.get(&junction), sums.get(&junction).unwrap_or(&sound));
            if before.unwrap_or(&sound) == after {
                continue;
            }
            let device = &street.devices()[junction.ix()];
            device.trouble(after.troubles.clone());
            device.delay_answers(after.delay);
            device.garble_answers(after.garbled);
            device.drift(after.drift_ppm);
            street.break_channels(junction, &after.channels);
        }
        inner.set = sums;
    }
}

impl Sum {
    fn add(&mut self, what: &What, city: &City, junction: JunctionIx) {
        let detectors = &city.junctions[junction.ix()].detectors;
        let mut channel = |number: u16, failure: Failure| {
            if let Some(place) = detectors.iter().position(|d| d.channel.0 == number) {
                self.channels.insert(place as u16, failure);
            }
        };
        match *what {
            What::PowerLost => self.troubles.power_lost = true,
            What::DoorOpen => self.troubles.door_open = true,
            What::ManualPanel => self.troubles.manual = true,
            What::LampOut { group } => self.troubles.lamp_out = Some(GroupNumber(group)),
            What::StuckOn { channel: c } => channel(c, Failure::StuckOn),
            What::StuckOff { channel: c } => channel(c, Failure::StuckOff),
            What::Hanging { channel: c } => channel(c, Failure::Silent),
            What::Chattering { channel: c } => channel(c, Failure::Chattering),
            What::SlowAnswers { delay_s } => self.delay = self.delay.max(Duration::from_secs_f64(delay_s)),
            What::GarbledAnswers { share } => self.garbled = self.garbled.max(share),
            What::ClockDrift { ppm } => self.drift_ppm += ppm,
        }
    }
}

/// The junction that an order means, or what does not fit.
pub fn check(city: &City, order: &Order) -> Result<JunctionIx, String> {
    let id = &order.junction;
    let junction = city.junctions.iter().position(|j| j.id.as_str() == id);
    let Some(ix) = junction else { return Err(format!("junction {id} does not exist")) };
    let junction = &city.junctions[ix];
    let within = |name: &str, value: f64, low: f64, high: f64| {
        if (low..=high).contains(&value) {
            Ok(())
        } else {
            Err(format!("{name} = {value} is not between {low} and {high}"))
        }
    };
    const DAY_S: f64 = 86_400.0;
    within("after_s", order.after_s, 0.0, 366.0 * DAY_S)?;
    within("for_s", order.for_s.unwrap_or(0.0), 0.0, 366.0 * DAY_S)?;
    match order.what {
        What::PowerLost | What::DoorOpen | What::ManualPanel => {}
        What::LampOut { group } => {
            if junction.group(GroupNumber(group)).is_none() {
                return Err(format!("junction {id} has no signal group {group}"));
            }
        }
        What::StuckOn { channel }
        | What::StuckOff { channel }
        | What::Hanging { channel }
        | What::Chattering { channel } => {
            let detector = junction.detectors.iter().find(|d| d.channel.0 == channel);
            match detector.map(|d| d.kind) {
                None => return Err(format!("junction {id} has no detector channel {channel}")),
                Some(DetectorKind::PushButton) => {
                    return Err(format!(
                        "channel {channel} of junction {id} is a push-button; only detectors of vehicles break"
                    ));
                }
                Some(_) => {}
            }
        }
        What::SlowAnswers { delay_s } => within("delay_s", delay_s, 0.0, LATEST_ANSWER_S)?,
        What::GarbledAnswers { share } => within("share", share, 0.0, 1.0)?,
        What::ClockDrift { ppm } => within("ppm", ppm, -WORST_CLOCK_PPM, WORST_CLOCK_PPM)?,
    }
    Ok(JunctionIx::from(ix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{Options, World};
    use model::{demand::VehicleType, sketch};
    use wire::register_map::{RegisterMap, alarm};

    const CROSS: &str = "
    N
    |
W---C---E
    |
    S";

    fn street() -> (Street, Faults, RegisterMap) {
        let city = sketch::city(CROSS, "C");
        let options = Options::default();
        let world = World::with_options(&city, vec![VehicleType::car()], 1, options);
        let map = RegisterMap::svetofor();
        let street = Street::new(Arc::new(city), world, Arc::new(map.clone()), Moment(0));
        (street, Faults::new(Moment(0)), map)
    }

    /// Lives so many seconds.
    fn live(street: &mut Street, faults: &Faults, seconds: usize) {
        for _ in 0..seconds {
            faults.apply(street);
            street.step();
        }
    }

    fn order(street: &Street, after_s: f64, for_s: f64, what: What) -> Order {
        let junction = street.city().junctions[0].id.to_string();
        Order { junction, after_s, for_s: Some(for_s), what }
    }

    #[test]
    fn a_fault_comes_and_goes_by_its_times() {
        let (mut street, faults, map) = street();
        let alarms = |street: &Street| street.devices()[0].read(map.report.alarms, 1).unwrap()[0];
        for (what, mask) in [
            (What::PowerLost, alarm::POWER),
            (What::DoorOpen, alarm::DOOR),
            (What::ManualPanel, alarm::MANUAL),
            (What::LampOut { group: 1 }, alarm::LAMP),
        ] {
            faults.order(street.city(), order(&street, 5.0, 5.0, what.clone())).unwrap();
            live(&mut street, &faults, 4);
            assert_eq!(alarms(&street) & mask, 0, "{what:?} before its time");
            live(&mut street, &faults, 4);
            assert_eq!(alarms(&street) & mask, mask, "{what:?} in its time");
            live(&mut street, &faults, 4);
            assert_eq!(alarms(&street) & mask, 0, "{what:?} after its time");
        }
        assert!(faults.list().is_empty());
    }

    #[test]
    fn a_stuck_detector_is_covered_until_it_is_taken_back() {
        let (mut street, faults, map) = street();
        let detectors = &street.city().junctions[0].detectors;
        let place = detectors.iter().position(|d| d.kind == DetectorKind::StopLine).unwrap();
        let channel = detectors[place].channel.0;
        let stride = wire::register_map::DetectorBlock::STRIDE;
        let covered = |street: &Street| {
            street.devices()[0].read(map.detectors.first + place as u16 * stride + 1, 1).unwrap()[0]
        };
        let broken = Order { for_s: None, ..order(&street, 0.0, 0.0, What::StuckOn { channel }) };
        let id = faults.order(street.city(), broken).unwrap();
        live(&mut street, &faults, 20);
        let then = covered(&street);
        assert!(then > 150, "covered for {then} tenths of 200");
        assert!(faults.list()[0].in_force);
        assert!(faults.withdraw(id) && !faults.withdraw(id));
        live(&mut street, &faults, 20);
        assert!(covered(&street) < then + 15 || covered(&street) < 15, "nobody drives here");
    }

    #[test]
    fn a_drifting_clock_runs_ahead_and_comes_back() {
        let (mut street, faults, map) = street();
        let tick = |street: &Street| {
            let words = street.devices()[0].read(map.report.tick, 2).unwrap();
            i64::from(words[0]) << 16 | i64::from(words[1])
        };
        faults.order(street.city(), order(&street, 0.0, 100.0, What::ClockDrift { ppm: 50_000.0 })).unwrap();
        live(&mut street, &faults, 100);
        assert_eq!(tick(&street), 1050, "5 % fast for 100 s");
        let mut last = tick(&street);
        for _ in 0..200 {
            live(&mut street, &faults, 1);
            assert!(tick(&street) >= last, "time never runs backwards");
            last = tick(&street);
        }
        assert_eq!(last, 3000);
    }

    #[test]
    fn orders_that_do_not_fit_are_sentences() {
        let (street, faults, _) = street();
        let check = |what: What, expected: &str| {
            let said = faults.order(street.city(), order(&street, 0.0, 1.0, what)).unwrap_err();
            assert!(said.contains(expected), "{said}");
        };
        check(What::LampOut { group: 99 }, "has no signal group 99");
        check(What::StuckOn { channel: 9999 }, "has no detector channel 9999");
        check(What::SlowAnswers { delay_s: -1.0 }, "delay_s = -1 is not between 0 and 600");
        check(What::GarbledAnswers { share: f64::NAN }, "share = NaN");
        let nowhere = Order { junction: "X".into(), ..order(&street, 0.0, 1.0, What::PowerLost) };
        assert_eq!(faults.order(street.city(), nowhere).unwrap_err(), "junction X does not exist");
    }
}
