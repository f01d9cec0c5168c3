//! The Indiana enumeration: what the codes of a hi-res log say.
//!
//! Source: Indiana Traffic Signal Hi Resolution Data Logger Enumerations (Joint Transportation Research Program, 2012,
//! doi:10.4231/K4RN35SH; second edition 2020, doi:10.5703/1288284317233), and MAXTIME's own codes from 300.
//! Only the codes that some measure looks at are here. What the log calls a phase is a signal group.

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Code(pub u16);

impl Code {
    /// The group's part of the cycle begins: it is on.
    pub const GROUP_ON: Code = Code(0);
    /// The group's green begins.
    pub const GREEN_BEGIN: Code = Code(1);
    /// Green ended since nobody came for a gap's length.
    pub const GAP_OUT: Code = Code(4);
    /// Green ended at its maximum.
    pub const MAX_OUT: Code = Code(5);
    /// Green ended since coordination wanted the time.
    pub const FORCE_OFF: Code = Code(6);
    /// The group's green ends.
    pub const GREEN_END: Code = Code(7);
    /// The group's amber begins.
    pub const AMBER_BEGIN: Code = Code(8);
    /// The group's amber ends.
    pub const AMBER_END: Code = Code(9);
    /// The group's red clearance begins.
    pub const RED_CLEARANCE_BEGIN: Code = Code(10);
    /// The group's red clearance ends.
    pub const RED_CLEARANCE_END: Code = Code(11);
    /// The group's part of the cycle is over: it is no longer timed.
    pub const GROUP_INACTIVE: Code = Code(12);
    /// Walk begins.
    pub const WALK_BEGIN: Code = Code(21);
    /// Pedestrian clearance begins (flashing).
    pub const PED_CLEARANCE_BEGIN: Code = Code(22);
    /// Steady don't walk begins.
    pub const DONT_WALK_BEGIN: Code = Code(23);
    /// A left turn may go through gaps, shown by a flashing yellow arrow.
    pub const YELLOW_ARROW_BEGIN: Code = Code(32);
    /// The flashing yellow arrow ends.
    pub const YELLOW_ARROW_END: Code = Code(33);
    /// The group is held in green.
    pub const HOLD_ON: Code = Code(41);
    /// The hold is over.
    pub const HOLD_OFF: Code = Code(42);
    /// Somebody calls for the group.
    pub const CALL_ON: Code = Code(43);
    /// Nobody calls for the group any more.
    pub const CALL_OFF: Code = Code(44);
    /// A pedestrian calls for the group's walk.
    pub const PED_CALL: Code = Code(45);
    /// The group is left out.
    pub const OMIT_ON: Code = Code(46);
    /// The group is no longer left out.
    pub const OMIT_OFF: Code = Code(47);
    /// The group's walk is left out.
    pub const PED_OMIT_ON: Code = Code(48);
    /// The group's walk is no longer left out.
    pub const PED_OMIT_OFF: Code = Code(49);
    /// The group's advance warning sign lights up.
    pub const GROUP_WARNING_ON: Code = Code(55);
    /// The group's advance warning sign goes out.
    pub const GROUP_WARNING_OFF: Code = Code(56);
    /// The overlap's green begins.
    pub const OVERLAP_GREEN_BEGIN: Code = Code(61);
    /// The overlap's green goes on after its groups'.
    pub const OVERLAP_TRAIL_BEGIN: Code = Code(62);
    /// The overlap's amber begins.
    pub const OVERLAP_AMBER_BEGIN: Code = Code(63);
    /// The overlap's red clearance begins.
    pub const OVERLAP_RED_BEGIN: Code = Code(64);
    /// The overlap rests in red.
    pub const OVERLAP_OFF: Code = Code(65);
    /// The overlap is dark.
    pub const OVERLAP_DARK: Code = Code(66);
    /// The pedestrian overlap's walk begins.
    pub const OVERLAP_WALK_BEGIN: Code = Code(67);
    /// The overlap's advance warning sign lights up.
    pub const OVERLAP_WARNING_ON: Code = Code(71);
    /// The overlap's advance warning sign goes out.
    pub const OVERLAP_WARNING_OFF: Code = Code(72);
    /// Nobody is on the detector any more.
    pub const DETECTOR_OFF: Code = Code(81);
    /// Somebody is on the detector.
    pub const DETECTOR_ON: Code = Code(82);
    /// The detector works again.
    pub const DETECTOR_RESTORED: Code = Code(83);
    /// The detector fails, for a reason without a code.
    pub const DETECTOR_FAULT_OTHER: Code = Code(84);
    /// The detector's watchdog tripped.
    pub const DETECTOR_FAULT_WATCHDOG: Code = Code(85);
    /// The detector's loop is open: it never tells of anybody.
    pub const DETECTOR_FAULT_OPEN: Code = Code(86);
    /// The detector's loop is shorted: it always tells of somebody.
    pub const DETECTOR_FAULT_SHORTED: Code = Code(87);
    /// The detector changes too often.
    pub const DETECTOR_FAULT_ERRATIC: Code = Code(88);
    /// Somebody pressed the pedestrian button.
    pub const PED_BUTTON_ON: Code = Code(90);
    /// The pedestrian button fails.
    pub const PED_BUTTON_FAILED: Code = Code(91);
    /// The pedestrian button works again.
    pub const PED_BUTTON_RESTORED: Code = Code(92);
    /// The priority detector no longer sees the vehicle.
    pub const PRIORITY_DETECTOR_OFF: Code = Code(93);
    /// The priority detector sees a vehicle.
    pub const PRIORITY_DETECTOR_ON: Code = Code(94);
    /// Preemption is asked for.
    pub const PREEMPT_CALL_ON: Code = Code(102);
    /// Preemption is no longer asked for.
    pub const PREEMPT_CALL_OFF: Code = Code(104);
    /// The preemption begins.
    pub const PREEMPT_ENTRY: Code = Code(105);
    /// The preemption's track clearance begins.
    pub const PREEMPT_TRACK_CLEARANCE: Code = Code(106);
    /// The preemption dwells: what it wants is green.
    pub const PREEMPT_DWELL: Code = Code(107);
    /// The preemption's exit begins.
    pub const PREEMPT_EXIT: Code = Code(111);
    /// A vehicle with priority checks in.
    pub const PRIORITY_CHECK_IN: Code = Code(112);
    /// Green came early for a vehicle with priority.
    pub const PRIORITY_EARLY_GREEN: Code = Code(113);
    /// Green was held for a vehicle with priority.
    pub const PRIORITY_EXTEND_GREEN: Code = Code(114);
    /// A vehicle with priority checks out.
    pub const PRIORITY_CHECK_OUT: Code = Code(115);
    /// Service for a vehicle with priority begins.
    pub const PRIORITY_SERVICE_BEGIN: Code = Code(118);
    /// Service for a vehicle with priority ends.
    pub const PRIORITY_SERVICE_END: Code = Code(119);
    /// Another plan of coordination runs.
    pub const PLAN_CHANGE: Code = Code(131);
    /// The cycle that is wanted has another length, s.
    pub const CYCLE_LENGTH_CHANGE: Code = Code(132);
    /// The offset that is wanted is another, s.
    pub const OFFSET_CHANGE: Code = Code(133);
    /// How coordination stands; 2, 3 and 4 are ways of getting back into step.
    pub const COORDINATION_STATE: Code = Code(150);
    /// The cabinet began to flash, or ended it, and why.
    pub const FLASH_STATUS: Code = Code(173);
    /// The cabinet's first word of alarms, a bit for each.
    pub const ALARM_STATUS: Code = Code(174);
    /// The state of an alarm group (MAXTIME).
    pub const ALARM_GROUP: Code = Code(175);
    /// A special function output is switched on.
    pub const SPECIAL_FUNCTION_ON: Code = Code(176);
    /// A special function output is switched off.
    pub const SPECIAL_FUNCTION_OFF: Code = Code(177);
    /// Somebody controls by hand (1), or no longer (0).
    pub const MANUAL_CONTROL: Code = Code(178);
    /// Somebody advanced the interval by hand.
    pub const INTERVAL_ADVANCE: Code = Code(179);
    /// The timers are stopped from outside (1), or no longer (0).
    pub const STOP_TIME: Code = Code(180);
    /// The device's clock was set: times around it are not to be trusted.
    pub const CLOCK_UPDATED: Code = Code(181);
    /// Power failed.
    pub const POWER_FAILURE: Code = Code(182);
    /// Power came back.
    pub const POWER_RESTORED: Code = Code(184);
    /// An auxiliary switch is on (1) or off (0).
    pub const AUX_SWITCH: Code = Code(202);
    /// The last code of the standard; vendors' own are above.
    pub const LAST_STANDARD: Code = Code(218);
    /// The split that the first group had, s (MAXTIME); the next fifteen codes are the other groups'.
    pub const ACTUAL_SPLIT_FIRST: Code = Code(300);
    /// The length that the cycle had, s (MAXTIME).
    pub const ACTUAL_CYCLE_LENGTH: Code = Code(316);
    /// The length that the cycle had by itself, s (MAXTIME).
    pub const ACTUAL_NATURAL_CYCLE: Code = Code(317);
    /// The offset that the cycle had, s (MAXTIME).
    pub const ACTUAL_OFFSET: Code = Code(318);
    /// How far the device's clock is off.
    pub const CLOCK_DRIFT: Code = Code(400);
    /// Share of telegrams that were lost, percent.
    pub const TELEGRAMS_LOST: Code = Code(502);
    /// Mean answer time of the device.
    pub const ANSWER_TIME: Code = Code(503);
    /// The second ring enters a barrier (MAXTIME); the package reads a call that nobody has served.
    pub const CALL_PENDING: Code = Code(902);
    /// The third ring enters a barrier (MAXTIME); the package reads a green that ended with somebody calling.
    pub const GREEN_ENDED_CALLED: Code = Code(903);
    /// The fourth ring enters a barrier (MAXTIME); the package reads a green with somebody calling.
    pub const GREEN_CALLED: Code = Code(904);
}
