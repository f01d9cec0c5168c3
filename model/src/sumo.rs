//! SUMO's files: `.net.xml` becomes a [`City`](crate::city::City), `.rou.xml` a
//! [`Demand`](crate::demand::Demand), `.sumocfg` a [`Scenario`].
//!
//! [`net`] reads roads and right of way, [`program`] and [`timeline`] turn a running
//! `tlLogic` into groups, stages, intergreens and a plan. What cannot be read is a complaint with its line; what is left out on purpose is
//! a note with its line: the [`ledger`] counts it by name. [`measuring`] reads detectors, [`plane`] the file's own coordinates.

mod classes;
mod detectors;
mod ledger;
mod net;
mod plane;
mod program;
mod routes;
mod scenario;
mod timeline;
mod types;
mod xml;

pub use detectors::{AreaDetector, GateDetector, LoopDetector, MeanData, Measuring, Report, measuring};
pub use net::network;
pub(crate) use net::zoom;
pub use plane::{Line, Plane, plane};
pub use routes::demand;
pub use scenario::{Scenario, scenario};

#[cfg(test)]
pub(crate) mod tests;
