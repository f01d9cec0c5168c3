//! What the centre asks: leased and fenced. **Ours** but for the codes.

use crate::{message::Rung, topic::CommandCode};
use model::time::Moment;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Longest age of a [`Command::ref_tick`] that an agent still obeys, ms: the centre saw the street at most
/// this long ago.
pub const REF_TICK_LIMIT_MS: u64 = 3_000;
/// Message expiry on the broker, s; must not exceed what RSMP4.md allows (5 s).
pub const MESSAGE_EXPIRY_S: u32 = 5;
/// Longest lease that an agent grants, s. Longer ones are refused, not cut: they are a centre's bug.
pub const LONGEST_LEASE_S: u32 = 120;

/// A command's `values`: the fence around the body. An agent obeys only if *all* of it holds.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Command {
    /// Unique, and ordered by time (UUIDv7). The same id again gets the same answer and changes nothing.
    pub cmd_id: Uuid,
    /// Fencing token of the sending controller's lease on the district. Never smaller than one seen before.
    pub epoch: u64,
    /// Per node, greater than any seen in this epoch.
    pub seq: u64,
    /// The agent's boot that it was made for.
    pub boot_id: Uuid,
    /// The cabinet's configuration that it was made for.
    pub config_hash: u32,
    /// The agent's monotonic tick that the centre last saw, ms.
    pub ref_tick: u64,
    /// Not valid after.
    #[serde(with = "crate::codec::timestamp")]
    pub expires_at: Moment,
    /// For how long the agent may go on with it before it must fall back, s.
    pub lease_s: u32,
    /// What to do.
    pub body: Body,
}

/// What to do. The centre asks for stages, plans and modes, never for lamps.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// Go to that stage, by the interstage, and stay while the lease lasts.
    Stage(u16),
    /// Run that plan by the clock while the lease lasts.
    Plan(u16),
    /// Stand on that rung while the lease lasts. Not `Adaptive`: that is what stage requests are for.
    Mode(Rung),
    /// Only a longer lease for what already runs.
    Lease,
}

impl Body {
    /// The topic's code.
    pub fn code(&self) -> CommandCode {
        match self {
            Body::Stage(_) => CommandCode::Stage,
            Body::Plan(_) => CommandCode::Plan,
            Body::Mode(_) => CommandCode::Mode,
            Body::Lease => CommandCode::Lease,
        }
    }
}
