//! The daemon in the cabinet: polls the device, guards it, reports, obeys.
//!
//! In reading order: [`config`] says which cabinets there are; [`cabinet`] is the shell around one of them:
//! it reads [`device`] (the one module below it that knows Modbus is `device::modbus`), hands the reading to
//! the core [`agent`], which asks [`guard`] before it wants anything written and [`fallback`] when nobody
//! steers, and sends what the core says through [`uplink`], which keeps it in the [`spool`] while there is
//! no broker. [`run`] is a loop over cabinets.

pub mod agent;
pub mod cabinet;
pub mod config;
pub mod device;
pub mod fallback;
pub mod guard;
pub mod spool;
pub mod uplink;

mod daemon;

pub use cabinet::{Cabinet, CabinetConfig};
pub use config::{Config, Connection, Opened};
pub use daemon::{RunError, run};
