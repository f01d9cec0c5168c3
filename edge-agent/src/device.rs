//! What any traffic light controller can tell and be told, whatever its cable. The core knows only this.

pub mod line;
pub mod modbus;

use model::{detection::Sighting, signal::Lamp, time::Tenths};
use serde::{Deserialize, Serialize};
pub use wire::register_map::DeviceMode;

/// One full reading of a device.
#[derive(Clone, PartialEq, Debug)]
pub struct DeviceReport {
    /// Changes as long as the device lives.
    pub heartbeat: u16,
    /// The device moved on while it was being read, so its parts are of different moments: lamps may be older
    /// than the ages beside them, never younger.
    pub torn: bool,
    /// Since the device started; its own clock, to a tenth of a second. Wraps after 13 years.
    pub tick: Tenths,
    /// Fingerprint of the device's own configuration.
    pub config_hash: u32,
    /// What each group shows and for how long, in group order. The age saturates at 6553.5 s.
    pub groups: Vec<(Lamp, Tenths)>,
    /// Stage that is green, or where the interstage leads; 0 for none.
    pub stage: u16,
    /// Whether an interstage runs.
    pub interstage: bool,
    /// What it is doing.
    pub mode: DeviceMode,
    /// Plan that runs, 0 for none.
    pub plan: u16,
    /// Second of the cycle, by the junction's offset.
    pub cycle_s: u16,
    /// Second of the cycle, by the common clock.
    pub base_cycle_s: u16,
    /// Stage request in force, 0 for none.
    pub requested: u16,
    /// What it complains of.
    pub alarms: Vec<DeviceAlarm>,
    /// Group with a failed lamp, 0 if the device does not say.
    pub lamp_fault: u16,
    /// Events since the last reading, oldest first.
    pub events: Vec<DeviceEvent>,
    /// Events that the device had overwritten before we read them.
    pub events_lost: u32,
    /// How far its log has been read with this.
    pub log: LogPlace,
    /// Its detectors, when they were read this time.
    pub detectors: Option<DetectorReport>,
}

/// What a device can complain of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum DeviceAlarm {
    /// A lamp is out.
    Lamp,
    /// The door is open.
    Door,
    /// Its conflict monitor tripped.
    Conflict,
    /// Power is failing.
    Power,
    /// The manual panel is in use.
    Manual,
    /// A detector is broken.
    Detector,
    /// Its clock is not synchronised.
    Clock,
}

/// One line of the device's log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DeviceEvent {
    /// When, on the device's clock.
    pub tick: Tenths,
    /// Indiana code.
    pub code: u16,
    /// Of which group, channel or plan.
    pub param: u16,
}

/// How far a device's log has been read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LogPlace {
    /// Number of the newest line.
    pub newest: u16,
    /// The device's clock at that time: one that shows less now began anew, and its log with it.
    pub tick: u32,
}

/// The detector station's state.
#[derive(Clone, PartialEq, Debug)]
pub struct DetectorReport {
    /// Closed intervals so far; wraps.
    pub intervals: u16,
    /// Channels, in the order of `Junction::detectors`.
    pub channels: Vec<ChannelReport>,
}

/// One channel: counters that only grow (and wrap), and what it feels now.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ChannelReport {
    /// Vehicles so far.
    pub count: u16,
    /// Tenths of a second covered so far.
    pub covered: u16,
    /// Mean speed over the last interval.
    pub speed_mps: Option<f32>,
    /// Covered or pressed now.
    pub occupied: bool,
    /// It says that it is broken.
    pub fault: bool,
    /// Vehicles that stand in view.
    pub queue: Option<u16>,
    /// Vehicles in view.
    pub vehicles: Option<u16>,
    /// Vehicles that it follows, the nearest first.
    pub sightings: Vec<Sighting>,
}

/// What a device can be told: everything at once, so that no half of an order is ever in force.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Settings {
    /// Stage to go to and stay in, 0 for none.
    pub stage: u16,
    /// Seconds until that reverts by itself.
    pub countdown_s: u16,
    /// Plan to run, 0 for the device's own schedule.
    pub plan: u16,
    /// What to do when no stage is asked for.
    pub local: LocalMode,
}

impl Settings {
    /// Whether what was read back is what was written; a countdown may have run for a moment meanwhile.
    pub fn held_by(&self, read: &Settings) -> bool {
        let counting = (self.countdown_s.saturating_sub(2)..=self.countdown_s).contains(&read.countdown_s);
        (self.stage, self.plan, self.local) == (read.stage, read.plan, read.local)
            && (self.stage == 0 || counting)
    }
}

/// What a device does on its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum LocalMode {
    /// Its plan, by the clock.
    #[default]
    Coordinated,
    /// Its stages as its detectors ask for them.
    Actuated,
    /// Its plan without a trusted clock.
    Fixed,
    /// Flashing amber.
    Flashing,
}

/// Why a device could not be read or written. Each is weather, not a bug: the agent tries again.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// Nobody answers there.
    #[error("could not connect to the device at {address}")]
    Connect {
        /// Where.
        address: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// We wait a moment before trying again.
    #[error("waiting before connecting again")]
    Backoff,
    /// No answer in time; the connection is closed, so that a late answer cannot be taken for the next one.
    #[error("no answer to {what} within {limit:?}")]
    Timeout {
        /// What we asked for.
        what: &'static str,
        /// How long we waited.
        limit: std::time::Duration,
    },
    /// The line broke, or what came was not Modbus.
    #[error("lost the device while asking for {what}: {cause}")]
    Line {
        /// What we asked for.
        what: &'static str,
        /// What happened.
        cause: String,
    },
    /// The device understood, and said no.
    #[error("the device refuses {what}: {exception}")]
    Refused {
        /// What we asked for.
        what: &'static str,
        /// Its words.
        exception: String,
    },
    /// The answer makes no sense.
    #[error("the device answers {what} with {cause}")]
    Nonsense {
        /// What we asked for.
        what: &'static str,
        /// What is wrong with it.
        cause: String,
    },
}
