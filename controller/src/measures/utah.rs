//! Utah's family: what the ATSPM of Utah's Department of Transportation draws, version 5, out of the same events.
//!
//! [`cycles`] cuts a group's time from red to red; [`coordination_diagram`] and [`approach_delay`] look at who arrives
//! when in them, [`left_turn_gap`] says who could have turned through them. [`approach_volume`] counts arrivals and finds the peak hour,
//! [`link_pivot`] moves offsets to where they come, [`turning_counts`] says which way they go and [`approach_speed`] how fast, [`split_monitor`] says how long each green
//! was and why it ended, [`preempt_detail`] and
//! [`priority_detail`] how preemption and priority went, [`ped_service`] how people on foot were served, [`watchdog`] what a person should look
//! at. Arrivals are those over advance detectors, at the time at which they are felt, or come to the stop line if the configuration says
//! where detectors lie ([`coming`]).

mod cycles;
pub mod coming;
pub mod coordination_diagram;
pub mod approach_delay;
pub mod approach_volume;
pub mod approach_speed;
pub mod left_turn_gap;
pub mod link_pivot;
pub mod turning_counts;
pub mod split_monitor;
pub mod ped_service;
pub mod preempt_detail;
pub mod priority_detail;
pub mod watchdog;

pub(super) use cycles::Cycles;

#[cfg(test)]
mod tests;
