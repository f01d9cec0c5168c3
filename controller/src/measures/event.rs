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
    /// It counts those who go by its lane, and they turn so.
    pub turns: Option<Turns>,
    /// Whoever it feels comes to the stop line so much later; 0 where that is not known.
    pub later_ms: u32,
}

/// Which ways the traffic of a lane goes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Turns {
    /// Left (and back).
    pub left: bool,
    /// Straight on.
    pub through: bool,
    /// Right.
    pub right: bool,
}

impl Turns {
    /// As a configuration has them: `L`, `T`, `R` together in any order, or Utah's words (`Thru-Left`).
    pub fn named(name: &str) -> Option<Turns> {
        let mut turns = Turns::default();
        for word in name.split(['-', ' ']) {
            match word.to_lowercase().as_str() {
                "left" => turns.left = true,
                "thru" | "through" => turns.through = true,
                "right" => turns.right = true,
                letters => {
                    for letter in letters.chars() {
                        match letter {
                            'l' | 'u' => turns.left = true,
                            't' => turns.through = true,
                            'r' => turns.right = true,
                            _ => return None,
                        }
                    }
                }
            }
        }
        (turns != Turns::default()).then_some(turns)
    }
}

impl std::fmt::Display for Turns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ways = [(self.left, "L"), (self.through, "T"), (self.right, "R")];
        ways.into_iter().filter(|(there, _)| *there).try_for_each(|(_, letter)| f.write_str(letter))
    }
}

/// Vehicles whose speed a detector told.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Speed {
    /// When, by the device's own clock.
    pub at: Moment,
    /// The channel.
    pub channel: u16,
    /// Their mean speed, km/h.
    pub kmh: f64,
    /// How many.
    pub vehicles: u32,
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
