//! What the cabinet answers.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One step in the life of a command.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CommandResult {
    /// Which command.
    pub cmd_id: Uuid,
    /// How far it came.
    pub state: ResultState,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// For people: what the reason was about.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// How far a command came.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResultState {
    /// It arrived and could be read.
    Received,
    /// The fence and the guard let it through; it is being written to the device.
    Accepted,
    /// The device has it: read back. Final.
    Applied,
    /// Refused, and nothing was changed. Final.
    Rejected,
    /// Too late, and nothing was changed. Final.
    Expired,
}

/// Why a command was refused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// From a controller that has lost its lease.
    StaleEpoch,
    /// A newer one has been seen already.
    StaleSeq,
    /// Made before the agent restarted.
    ForeignBoot,
    /// Made for another configuration.
    ConfigMismatch,
    /// Made from a picture of the street that is too old, or from the future.
    StaleTick,
    /// Asks for a longer lease than is ever granted, or for none.
    BadLease,
    /// The guard says that it is unsafe now.
    Unsafe,
    /// The device is dark, on its manual panel, or does not answer.
    DeviceUnavailable,
    /// The device has something else than what was written.
    ReadBackFailed,
    /// Not a command that this node has.
    Unsupported,
    /// Asks for something by the clock, and the clock cannot be trusted.
    Unsynchronised,
    /// Could not be read.
    Malformed,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Reason; 12] = [
        Reason::StaleEpoch,
        Reason::StaleSeq,
        Reason::ForeignBoot,
        Reason::ConfigMismatch,
        Reason::StaleTick,
        Reason::BadLease,
        Reason::Unsafe,
        Reason::DeviceUnavailable,
        Reason::ReadBackFailed,
        Reason::Unsupported,
        Reason::Unsynchronised,
        Reason::Malformed,
    ];
}
