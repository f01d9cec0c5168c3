//! What goes wrong, and when: drawn from the seed before the curtain rises.

use super::link::Weather;
use std::ops::Range;

/// One fault: from when to when, ms of the run, and where if not everywhere.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) during: Range<i64>,
    pub(super) what: What,
    /// The junction, if it is at one.
    pub(super) at: usize,
}

/// What can go wrong.
#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    /// Messages are lost, late, repeated, out of order.
    Weather(Weather),
    /// The broker says nothing, and later goes on.
    BrokerFreezes,
    /// The broker dies and comes back.
    BrokerDies { forgets: bool },
    /// The network around a cabinet is cut.
    CabinetCut,
    /// The network around the centre is cut.
    CentreCut,
    /// The agent dies and comes back.
    AgentDies { forgets_epoch: bool },
    /// The centre dies and comes back.
    CentreDies { newer: bool },
    /// The store takes nothing.
    StoreDown,
    /// A second centre commands the same city.
    SecondCentre { newer: bool },
    /// The device has no power.
    NoPower { forgets: bool },
    /// Somebody's hand is on the panel.
    Manual,
    /// The Modbus cable is cut.
    CableCut,
    /// Modbus answers come too late.
    AnswersLate(f64),
    /// Modbus answers are noise.
    AnswersGarbled(f64),
    /// A detector sticks, or chatters.
    Detector { chatters: bool },
    /// Commands that nobody may obey, and hasty ones that only the guard stops, one each second.
    Mischief,
    /// An operator's order.
    Order,
}

impl What {
    /// As it is counted.
    pub(super) fn name(self) -> &'static str {
        match self {
            What::Weather(_) => "messages lost, late, repeated, reordered",
            What::BrokerFreezes => "broker frozen",
            What::BrokerDies { .. } => "broker restarted",
            What::CabinetCut => "cabinet cut off",
            What::CentreCut => "centre cut off",
            What::AgentDies { forgets_epoch: false } => "agent restarted",
            What::AgentDies { forgets_epoch: true } => "agent restarted without its epoch",
            What::CentreDies { .. } => "centre restarted",
            What::StoreDown => "store down",
            What::SecondCentre { .. } => "two centres",
            What::NoPower { .. } => "power lost",
            What::Manual => "manual panel",
            What::CableCut => "Modbus cut",
            What::AnswersLate(_) => "Modbus answers late",
            What::AnswersGarbled(_) => "Modbus answers garbled",
            What::Detector { .. } => "detector stuck or chattering",
            What::Mischief => "mischievous commands",
            What::Order => "operator's order",
        }
    }

    /// Whether it is felt at one junction only.
    pub(super) fn is_local(self) -> bool {
        !matches!(
            self,
            What::Weather(_)
                | What::BrokerFreezes
                | What::BrokerDies { .. }
                | What::CentreCut
                | What::CentreDies { .. }
                | What::StoreDown
                | What::SecondCentre { .. }
        )
    }

    /// Whether the centre can steer the junction all the same.
    pub(super) fn leaves_control(self) -> bool {
        matches!(self, What::Detector { .. } | What::StoreDown)
    }
}

/// Faults that begin in an hour, on average: enough that they overlap, and calm stretches remain.
const IN_AN_HOUR: i64 = 24;

/// Calm at the end of a run, ms: everybody must have come back by then.
pub(super) const CALM_MS: i64 = 150_000;

/// Draws the faults of a run of so many ms.
pub(super) fn draw(rng: &mut fastrand::Rng, length_ms: i64, junctions: usize) -> Vec<Fault> {
    let last = (length_ms - CALM_MS).max(1);
    let count = (length_ms * IN_AN_HOUR / 3_600_000).max(3);
    let mut faults: Vec<Fault> = (0..count)
        .map(|_| {
            let from = rng.i64(0..last);
            let longest = if rng.u8(0..4) == 0 { 240_000 } else { 40_000 };
            let during = from..(from + rng.i64(1_000..longest)).min(last + 1_000);
            Fault { during, what: what(rng), at: rng.usize(0..junctions) }
        })
        .collect();
    faults.sort_by_key(|f| (f.during.start, f.during.end));
    // Two of the programs' and broker's ends at once would need a count of who keeps whom down.
    let mut taken: Vec<(std::mem::Discriminant<What>, i64)> = Vec::new();
    faults.retain(|fault| {
        let kind = std::mem::discriminant(&fault.what);
        let free = !taken.iter().any(|&(k, until)| k == kind && until >= fault.during.start);
        if free {
            taken.push((kind, fault.during.end));
        }
        free
    });
    faults
}

fn what(rng: &mut fastrand::Rng) -> What {
    match rng.u8(0..20) {
        0 | 1 => What::Weather(Weather {
            loss: rng.f64() * 0.5,
            repeat: rng.f64() * 0.3,
            longest_delay_ms: rng.i64(40..6_000),
            reorder: rng.bool(),
        }),
        2 => What::BrokerFreezes,
        3 => What::BrokerDies { forgets: rng.bool() },
        4 => What::CabinetCut,
        5 => What::CentreCut,
        6 | 7 => What::AgentDies { forgets_epoch: rng.u8(0..4) == 0 },
        8 => What::CentreDies { newer: rng.bool() },
        9 | 10 => What::SecondCentre { newer: rng.u8(0..4) > 0 },
        11 => What::NoPower { forgets: rng.bool() },
        12 => What::Manual,
        13 => What::CableCut,
        14 => What::AnswersLate(rng.f64() * 0.3),
        15 => What::AnswersGarbled(rng.f64() * 0.2),
        16 => What::Detector { chatters: rng.bool() },
        17 => What::Mischief,
        18 => What::StoreDown,
        _ => What::Order,
    }
}
