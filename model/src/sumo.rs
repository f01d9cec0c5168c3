//! SUMO's files: `.net.xml` becomes a [`City`](crate::city::City), `.rou.xml` a
//! [`Demand`](crate::demand::Demand), `.sumocfg` a [`Scenario`].
//!
//! [`net`] reads roads and right of way, [`program`] and [`timeline`] turn a running
//! `tlLogic` into groups, stages, intergreens and a plan. What cannot be read is a complaint with its line; what is left out on purpose is
//! a note with its line.

mod classes;
mod net;
mod program;
mod routes;
mod scenario;
mod timeline;
mod xml;

pub use net::network;
pub(crate) use net::zoom;
pub use routes::demand;
pub use scenario::{Scenario, scenario};

#[cfg(test)]
pub(crate) mod tests;
