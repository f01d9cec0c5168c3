//! Faults planted on purpose, to see that a rehearsal finds them: each at a seam, none in the cores.

use clap::ValueEnum;
use edge_agent::{agent::Arrived, device::DeviceReport};
use model::{
    city::City,
    signal::{Junction, Lamp, interstage::Interstage},
    time::Tenths,
};
use wire::{codec, command::Command};

/// A fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Plant {
    /// The guard believes every green to have had its minimum.
    Guard,
    /// The agent takes every command as one of the newest epoch.
    Epoch,
    /// Cabinets, devices and centre have an intergreen less than the street needs.
    Intergreen,
}

impl Plant {
    /// As it is typed.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Plant::Guard => "guard",
            Plant::Epoch => "epoch",
            Plant::Intergreen => "intergreen",
        }
    }

    /// What everybody believes of the city.
    pub(super) fn believed(self, mut city: City) -> City {
        if self == Plant::Intergreen {
            city.junctions.iter_mut().for_each(drop_an_intergreen);
        }
        city
    }

    /// What the agent is made to see.
    pub(super) fn tamper_report(self, junction: &Junction, report: &mut DeviceReport) {
        if self != Plant::Guard {
            return;
        }
        for ((lamp, age), group) in report.groups.iter_mut().zip(&junction.groups) {
            if *lamp == Lamp::Green {
                *age += group.min_green;
            }
        }
    }

    /// What the agent is made to hear.
    pub(super) fn tamper_command(self, newest: u64, arrived: &mut Arrived) {
        if self != Plant::Epoch {
            return;
        }
        if let Ok(command) = codec::decode::<Command>("command", &arrived.payload)
            && command.epoch < newest
        {
            arrived.payload = codec::encode(&Command { epoch: newest, ..command }).into();
        }
    }
}

/// Takes the clearance away that decides how long the first change of the first plan takes.
fn drop_an_intergreen(junction: &mut Junction) {
    let Some(plan) = junction.plans.first() else { return };
    let ways: Vec<Interstage> = plan
        .steps
        .iter()
        .zip(plan.steps.iter().cycle().skip(1))
        .map(|(a, b)| Interstage::between(junction, a.stage, b.stage))
        .collect();
    for way in ways {
        for &ended in &way.losing {
            let flashing = junction.group(ended).map_or(Tenths::ZERO, |g| g.flashing_green);
            for &began in &way.gaining {
                let decides = junction
                    .intergreens
                    .get(ended, began)
                    .is_some_and(|clearance| flashing + clearance == way.duration);
                if decides {
                    junction.intergreens.set(ended, began, Tenths::ZERO);
                }
            }
        }
    }
}
