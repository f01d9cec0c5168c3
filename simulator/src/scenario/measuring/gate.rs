//! Ways between entries and exits (e3).

use super::{Interval, Moved, Past, Time, Who};
use crate::scenario::xml::XmlFile;
use model::{ids::LaneIx, network::Network, sumo::GateDetector};
use std::{collections::BTreeMap, io};

#[derive(Debug)]
pub(super) struct Gate {
    entries: Vec<(LaneIx, f64)>,
    exits: Vec<(LaneIx, f64)>,
    halting_mps: f64,
    halting_s: f64,
    within: BTreeMap<Who, Within>,
    left: Vec<Done>,
    /// Length of a step, s.
    dt_s: f64,
}

/// A vehicle on its way from an entry.
#[derive(Clone, Copy, Debug)]
struct Within {
    entered_s: f64,
    driven: Driven,
    /// The part of this interval.
    now: Driven,
    stood_s: f64,
    /// When its front passed an exit, and how far it has come since, m.
    passed: Option<(f64, f64)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Driven {
    metres: f64,
    seconds: f64,
    halts: u32,
    loss_s: f64,
}

/// One that went all the way.
#[derive(Clone, Copy, Debug)]
struct Done {
    travel_s: f64,
    overlap_s: f64,
    driven: Driven,
}

impl Driven {
    fn add(&mut self, metres: f64, seconds: f64, loss_s: f64) {
        self.metres += metres;
        self.seconds += seconds;
        self.loss_s += loss_s;
    }

    fn speed(&self) -> f64 {
        self.metres / self.seconds.max(1e-9)
    }
}

impl Gate {
    pub(super) fn new(wanted: &GateDetector, _network: &Network) -> Gate {
        Gate {
            entries: wanted.entries.clone(),
            exits: wanted.exits.clone(),
            halting_mps: wanted.halting_mps,
            halting_s: wanted.halting_s,
            within: BTreeMap::new(),
            left: Vec::new(),
            dt_s: 0.0,
        }
    }

    pub(super) fn step<'m>(
        &mut self,
        time: Time,
        moved: impl Iterator<Item = &'m Moved<'m>>,
        gone: &[(Who, Past)],
    ) {
        let end_s = time.at_s + time.dt_s;
        self.dt_s = time.dt_s;
        for m in moved {
            let who = m.who();
            let crossing =
                |gates: &[(LaneIx, f64)]| gates.iter().find_map(|(lane, at)| m.crosses(*lane, *at));
            let v = m.now.speed_mps;
            let loss = |seconds: f64| seconds * (1.0 - v / m.now.wish_mps.max(1e-9)).max(0.0);
            let mut there_s = time.dt_s;
            if let Some(crossed_s) = crossing(&self.entries) {
                let entered_s = time.at_s + crossed_s;
                there_s = time.dt_s - crossed_s;
                self.within.insert(
                    who,
                    Within {
                        entered_s,
                        driven: Driven::default(),
                        now: Driven::default(),
                        stood_s: 0.0,
                        passed: None,
                    },
                );
            }
            let Some(within) = self.within.get_mut(&who) else { continue };
            let mut left = None;
            if let Some(crossed_s) = crossing(&self.exits) {
                let beyond = m.metres - crossed_s * v;
                within.passed = Some((time.at_s + crossed_s, beyond));
            } else if let Some((_, beyond)) = &mut within.passed {
                *beyond += m.metres;
            }
            if let Some((at_s, beyond)) = within.passed {
                let over_m = beyond - m.now.length_m;
                if over_m > 0.0 {
                    let tail_s = end_s - over_m / v.max(1e-9);
                    there_s = (there_s - (end_s - tail_s)).max(0.0);
                    left = Some((at_s, tail_s));
                }
            }
            within.driven.add(v * there_s, there_s, loss(there_s));
            within.now.add(v * there_s, there_s, loss(there_s));
            if v < self.halting_mps {
                let before = within.stood_s;
                within.stood_s += time.dt_s;
                if before <= self.halting_s && within.stood_s > self.halting_s {
                    within.driven.halts += 1;
                    within.now.halts += 1;
                }
            } else {
                within.stood_s = 0.0;
            }
            if let Some((front_s, tail_s)) = left {
                self.left.push(Done {
                    travel_s: front_s - within.entered_s,
                    overlap_s: tail_s - within.entered_s,
                    driven: within.driven,
                });
                self.within.remove(&who);
            }
        }
        for (who, _) in gone {
            self.within.remove(who);
        }
    }

    pub(super) fn write(
        &mut self,
        id: &str,
        interval: Interval,
        file: Option<&mut XmlFile>,
    ) -> io::Result<()> {
        fn mean<T>(of: &[T], value: impl Fn(&T) -> f64) -> f64 {
            if of.is_empty() { -1.0 } else { of.iter().map(value).sum::<f64>() / of.len() as f64 }
        }
        let left = &self.left;
        let within: Vec<&Within> = self.within.values().collect();
        if let Some(file) = file {
            file.line(
                1,
                format_args!(
                    "<interval begin=\"{:.2}\" end=\"{:.2}\" id=\"{id}\" meanTravelTime=\"{:.2}\" \
                     meanOverlapTravelTime=\"{:.2}\" meanSpeed=\"{:.2}\" meanHaltsPerVehicle=\"{:.2}\" \
                     meanTimeLoss=\"{:.2}\" vehicleSum=\"{}\" meanSpeedWithin=\"{:.2}\" \
                     meanHaltsPerVehicleWithin=\"{:.2}\" meanDurationWithin=\"{:.2}\" vehicleSumWithin=\"{}\" \
                     meanIntervalSpeedWithin=\"{:.2}\" meanIntervalHaltsPerVehicleWithin=\"{:.2}\" \
                     meanIntervalDurationWithin=\"{:.2}\" meanTimeLossWithin=\"{:.2}\"/>",
                    interval.begin_s,
                    interval.end_s,
                    mean(left, |d| d.travel_s),
                    mean(left, |d| d.overlap_s),
                    mean(left, |d| d.driven.speed()),
                    mean(left, |d| f64::from(d.driven.halts)),
                    mean(left, |d| d.driven.loss_s),
                    left.len(),
                    mean(&within, |w| w.driven.speed()),
                    mean(&within, |w| f64::from(w.driven.halts)),
                    // SUMO looks at them a step later than at those who have left.
                    mean(&within, |w| interval.end_s + self.dt_s - w.entered_s),
                    within.len(),
                    mean(&within, |w| w.now.speed()),
                    mean(&within, |w| f64::from(w.now.halts)),
                    mean(&within, |w| w.now.seconds + self.dt_s),
                    mean(&within, |w| w.driven.loss_s),
                ),
            )?;
        }
        self.left.clear();
        self.within.values_mut().for_each(|w| w.now = Driven::default());
        Ok(())
    }
}
