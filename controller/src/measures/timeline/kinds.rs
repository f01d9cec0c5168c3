//! What can last, and which codes say so.

use super::super::{event::Event, indiana::Code};
use serde::Serialize;
use std::time::Duration;

/// What lasted. The names are the package's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub enum Class {
    /// A group's green.
    Green,
    /// A group's amber.
    Yellow,
    /// A group's red clearance.
    Red,
    /// A group's part of the cycle.
    Split,
    /// Somebody called for a group.
    #[serde(rename = "Phase Call")]
    PhaseCall,
    /// Somebody waited for a group's green.
    #[serde(rename = "Phase Wait")]
    PhaseWait,
    /// A group was held in green.
    #[serde(rename = "Phase Hold")]
    PhaseHold,
    /// A group was left out.
    #[serde(rename = "Phase Omit")]
    PhaseOmit,
    /// A group's walk was left out.
    #[serde(rename = "Ped Omit")]
    PedOmit,
    /// Walk and pedestrian clearance.
    #[serde(rename = "Ped Service")]
    PedService,
    /// A pedestrian waited for walk.
    #[serde(rename = "Ped Delay")]
    PedDelay,
    /// A pedestrian button failed.
    #[serde(rename = "Ped Detector Failed")]
    PedDetectorFailed,
    /// A flashing yellow arrow.
    #[serde(rename = "FYA")]
    YellowArrow,
    /// An overlap's green.
    #[serde(rename = "Overlap Green")]
    OverlapGreen,
    /// An overlap's green after its groups'.
    #[serde(rename = "Overlap Trail Green")]
    OverlapTrailGreen,
    /// An overlap's amber.
    #[serde(rename = "Overlap Yellow")]
    OverlapYellow,
    /// An overlap's red clearance.
    #[serde(rename = "Overlap Red")]
    OverlapRed,
    /// A pedestrian overlap's walk and clearance.
    #[serde(rename = "Overlap Ped")]
    OverlapPed,
    /// A group's warning sign was lit.
    #[serde(rename = "Advance Warning Phase")]
    GroupWarning,
    /// An overlap's warning sign was lit.
    #[serde(rename = "Advance Warning Overlap")]
    OverlapWarning,
    /// Preemption was asked for.
    Preempt,
    /// A vehicle with priority was checked in.
    #[serde(rename = "TSP Call")]
    PriorityCall,
    /// Green came early or stayed for a vehicle with priority.
    #[serde(rename = "TSP Adjustment")]
    PriorityAdjustment,
    /// A vehicle with priority was served.
    #[serde(rename = "TSP Service")]
    PriorityService,
    /// A priority detector saw a vehicle.
    #[serde(rename = "TSP Detector")]
    PriorityDetector,
    /// A special function was on.
    #[serde(rename = "Special Function")]
    SpecialFunction,
    /// Somebody controlled by hand.
    #[serde(rename = "Manual Control")]
    ManualControl,
    /// The timers were stopped.
    #[serde(rename = "Stop Time Input")]
    StopTime,
    /// An auxiliary switch was on.
    #[serde(rename = "Aux Switch")]
    AuxSwitch,
    /// Another plan began.
    #[serde(rename = "Pattern Change")]
    PlanChange,
    /// Another cycle length began.
    #[serde(rename = "Cycle Length Change")]
    CycleLengthChange,
    /// Another offset began.
    #[serde(rename = "Offset Change")]
    OffsetChange,
    /// Somebody advanced the interval.
    #[serde(rename = "Interval Advance")]
    IntervalAdvance,
    /// The clock was set.
    #[serde(rename = "Clock Update")]
    ClockUpdate,
    /// Power failed.
    #[serde(rename = "Power Failure")]
    PowerFailure,
    /// Power came back.
    #[serde(rename = "Power Restored")]
    PowerRestored,
    /// Into step by shorter cycles.
    #[serde(rename = "Transition Shortway")]
    TransitionShortway,
    /// Into step by longer cycles.
    #[serde(rename = "Transition Longway")]
    TransitionLongway,
    /// Into step by waiting.
    #[serde(rename = "Transition Dwell")]
    TransitionDwell,
    /// A detector failed for a reason without a code.
    Other,
    /// A detector's watchdog tripped.
    Watchdog,
    /// A detector's loop was open.
    #[serde(rename = "Stuck Off")]
    StuckOff,
    /// A detector's loop was shorted.
    #[serde(rename = "Stuck On")]
    StuckOn,
    /// A detector changed too often.
    Erratic,
    /// A cycle was too long for a group that was called.
    #[serde(rename = "Cycle Fault")]
    CycleFault,
    /// The same under coordination.
    #[serde(rename = "Coord Fault")]
    CoordFault,
    /// Coordination was given up.
    #[serde(rename = "Coord Fail")]
    CoordFail,
    /// Cycles were given up.
    #[serde(rename = "Cycle Fail")]
    CycleFail,
    /// The conflict monitor made the cabinet flash.
    #[serde(rename = "MMU Flash")]
    MonitorFlash,
    /// A switch in the cabinet made it flash.
    #[serde(rename = "Local Flash")]
    LocalFlash,
    /// Flashing for another reason.
    #[serde(rename = "Flash - Other")]
    FlashOther,
    /// Not flashing.
    #[serde(rename = "Flash - Not Flash")]
    FlashNot,
    /// Flashing by schedule.
    #[serde(rename = "Flash - Automatic")]
    FlashAutomatic,
    /// Flashing by hand.
    #[serde(rename = "Flash - Local Manual")]
    FlashLocalManual,
    /// Flashing by the fault monitor.
    #[serde(rename = "Flash - Fault Monitor")]
    FlashFaultMonitor,
    /// Flashing by the conflict monitor.
    #[serde(rename = "Flash - MMU")]
    FlashMonitor,
    /// Flashing at the start.
    #[serde(rename = "Flash - Startup")]
    FlashStartup,
    /// Flashing by preemption.
    #[serde(rename = "Flash - Preempt")]
    FlashPreempt,
    /// An alarm group (MAXTIME).
    #[serde(rename = "Alarm Group State")]
    AlarmGroup,
}

impl Class {
    /// Only happens: its length means nothing.
    pub(super) fn is_instant(self) -> bool {
        INSTANTS.iter().any(|(_, class)| *class == self)
    }

    /// Its parameter says of which group, channel or plan it is, or how much. The package leaves it out of the rest.
    pub(super) fn has_value(self) -> bool {
        use Class::*;
        !matches!(
            self,
            PowerFailure
                | PowerRestored
                | TransitionShortway
                | TransitionLongway
                | TransitionDwell
                | Watchdog
                | CycleFault
                | CoordFault
                | CoordFail
                | CycleFail
                | MonitorFlash
                | LocalFlash
                | FlashOther
                | FlashNot
                | FlashAutomatic
                | FlashLocalManual
                | FlashFaultMonitor
                | FlashMonitor
                | FlashStartup
                | FlashPreempt
        )
    }
}

/// What begins with one code and ends with another, of the same parameter.
pub(super) struct Pair {
    pub(super) begin: Code,
    pub(super) end: Code,
    pub(super) class: Class,
    /// Longer is not believed.
    pub(super) longest: Option<Duration>,
    /// The package tells of two ends in a row, too.
    pub(super) tells_end: bool,
}

const fn pair(begin: Code, end: Code, class: Class) -> Pair {
    Pair { begin, end, class, longest: None, tells_end: false }
}

/// Amber and red clearance last no longer.
const LONGEST_CLEARANCE: Option<Duration> = Some(Duration::from_secs(10));

pub(super) const PAIRS: [Pair; 19] = [
    pair(Code::GREEN_BEGIN, Code::GREEN_END, Class::Green),
    Pair { longest: LONGEST_CLEARANCE, ..pair(Code::AMBER_BEGIN, Code::AMBER_END, Class::Yellow) },
    Pair {
        longest: LONGEST_CLEARANCE,
        ..pair(Code::RED_CLEARANCE_BEGIN, Code::RED_CLEARANCE_END, Class::Red)
    },
    pair(Code::GROUP_ON, Code::GROUP_INACTIVE, Class::Split),
    pair(Code::CALL_ON, Code::CALL_OFF, Class::PhaseCall),
    pair(Code::HOLD_ON, Code::HOLD_OFF, Class::PhaseHold),
    pair(Code::OMIT_ON, Code::OMIT_OFF, Class::PhaseOmit),
    pair(Code::PED_OMIT_ON, Code::PED_OMIT_OFF, Class::PedOmit),
    pair(Code::WALK_BEGIN, Code::DONT_WALK_BEGIN, Class::PedService),
    pair(Code::PED_BUTTON_FAILED, Code::PED_BUTTON_RESTORED, Class::PedDetectorFailed),
    pair(Code::YELLOW_ARROW_BEGIN, Code::YELLOW_ARROW_END, Class::YellowArrow),
    pair(Code::OVERLAP_WALK_BEGIN, Code::OVERLAP_OFF, Class::OverlapPed),
    pair(Code::GROUP_WARNING_ON, Code::GROUP_WARNING_OFF, Class::GroupWarning),
    pair(Code::OVERLAP_WARNING_ON, Code::OVERLAP_WARNING_OFF, Class::OverlapWarning),
    pair(Code::PREEMPT_CALL_ON, Code::PREEMPT_CALL_OFF, Class::Preempt),
    pair(Code::PRIORITY_CHECK_IN, Code::PRIORITY_CHECK_OUT, Class::PriorityCall),
    Pair {
        tells_end: true,
        ..pair(Code::PRIORITY_SERVICE_BEGIN, Code::PRIORITY_SERVICE_END, Class::PriorityService)
    },
    Pair {
        tells_end: true,
        ..pair(Code::PRIORITY_DETECTOR_ON, Code::PRIORITY_DETECTOR_OFF, Class::PriorityDetector)
    },
    pair(Code::SPECIAL_FUNCTION_ON, Code::SPECIAL_FUNCTION_OFF, Class::SpecialFunction),
];

/// What is on with parameter 1 and off with 0.
pub(super) const TOGGLES: [(Code, Class); 3] = [
    (Code::MANUAL_CONTROL, Class::ManualControl),
    (Code::STOP_TIME, Class::StopTime),
    (Code::AUX_SWITCH, Class::AuxSwitch),
];

/// What only happens.
pub(super) const INSTANTS: [(Code, Class); 7] = [
    (Code::PLAN_CHANGE, Class::PlanChange),
    (Code::CYCLE_LENGTH_CHANGE, Class::CycleLengthChange),
    (Code::OFFSET_CHANGE, Class::OffsetChange),
    (Code::INTERVAL_ADVANCE, Class::IntervalAdvance),
    (Code::CLOCK_UPDATED, Class::ClockUpdate),
    (Code::POWER_FAILURE, Class::PowerFailure),
    (Code::POWER_RESTORED, Class::PowerRestored),
];

/// The way of getting into step that a [`Code::COORDINATION_STATE`] tells of.
pub(super) fn transition(param: u16) -> Option<Class> {
    match param {
        2 => Some(Class::TransitionLongway),
        3 => Some(Class::TransitionShortway),
        4 => Some(Class::TransitionDwell),
        _ => None,
    }
}

/// The fault of a detector that a code tells of.
pub(super) fn fault(code: Code) -> Option<Class> {
    match code {
        Code::DETECTOR_FAULT_OTHER => Some(Class::Other),
        Code::DETECTOR_FAULT_WATCHDOG => Some(Class::Watchdog),
        Code::DETECTOR_FAULT_OPEN => Some(Class::StuckOff),
        Code::DETECTOR_FAULT_SHORTED => Some(Class::StuckOn),
        Code::DETECTOR_FAULT_ERRATIC => Some(Class::Erratic),
        _ => None,
    }
}

/// What an overlap shows from a code on.
pub(super) fn overlap(code: Code) -> Option<Class> {
    match code {
        Code::OVERLAP_GREEN_BEGIN => Some(Class::OverlapGreen),
        Code::OVERLAP_TRAIL_BEGIN => Some(Class::OverlapTrailGreen),
        Code::OVERLAP_AMBER_BEGIN => Some(Class::OverlapYellow),
        Code::OVERLAP_RED_BEGIN => Some(Class::OverlapRed),
        _ => None,
    }
}

/// The bits of [`Code::ALARM_STATUS`], from the lowest.
const ALARM_BITS: [Class; 6] = [
    Class::CycleFault,
    Class::CoordFault,
    Class::CoordFail,
    Class::CycleFail,
    Class::MonitorFlash,
    Class::LocalFlash,
];

/// The values of [`Code::FLASH_STATUS`], from 1.
const FLASHES: [Class; 8] = [
    Class::FlashOther,
    Class::FlashNot,
    Class::FlashAutomatic,
    Class::FlashLocalManual,
    Class::FlashFaultMonitor,
    Class::FlashMonitor,
    Class::FlashStartup,
    Class::FlashPreempt,
];

/// The alarms that an event tells of: none, one, or several at once.
pub(super) fn alarms(event: Event) -> impl Iterator<Item = Class> {
    let several: Vec<Class> = match event.code {
        Code::ALARM_GROUP => vec![Class::AlarmGroup],
        Code::FLASH_STATUS => usize::from(event.param)
            .checked_sub(1)
            .and_then(|i| FLASHES.get(i))
            .copied()
            .into_iter()
            .collect(),
        _ => {
            let set = |(bit, class): (usize, &Class)| (event.param >> bit & 1 == 1).then_some(*class);
            ALARM_BITS.iter().enumerate().filter_map(set).collect()
        }
    };
    several.into_iter()
}
