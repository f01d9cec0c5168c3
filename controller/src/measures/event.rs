//! What a hi-res log is made of, and what is known of the detectors that it tells of.

use super::indiana::Code;
use model::time::Moment;

/// One event of one device. Events sort as they are taken: by time, then by code, then by parameter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Event {
    /// When, by the device's own clock: milliseconds of local time, as the log has it.
    pub at: Moment,
    /// What.
    pub code: Code,
    /// Of which signal group, detector channel, or how much: the code says.
    pub param: u16,
}

/// One line of the detectors' configuration. A channel may have several lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Detector {
    /// The channel: the parameter of its events.
    pub channel: u16,
    /// The signal group that its traffic goes by.
    pub group: u16,
    /// What it is there for.
    pub function: Function,
}

/// What a detector is there for. Measures look at those that they know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Function {
    /// At the stop line: tells whether somebody waits there. For split failures.
    Presence,
    /// Upstream: tells of arrivals. For arrivals on green and platoon ratio.
    Advance,
    /// Just behind the stop line: tells of those who go. For actuations on yellow and red.
    YellowRed,
    /// Something that no measure here asks for.
    Other,
}

impl Function {
    /// By its name in a configuration, which is the package's.
    pub fn named(name: &str) -> Function {
        match name {
            "Presence" => Function::Presence,
            "Advance" => Function::Advance,
            "Yellow_Red" => Function::YellowRed,
            _ => Function::Other,
        }
    }
}
