//! A street made of software: traffic, signals and detectors that answer as the real ones do.
//!
//! In reading order: [`world`] is the traffic and [`vehicles`] its drivers, [`detectors`] what it is felt by; `signals` is the box in the cabinet, [`modbus_field`] its cable, [`sumo`] the bridge
//! to the other simulator.

pub mod world;
pub mod vehicles;
pub mod detectors;
pub mod scenario;
pub mod signals;
pub mod modbus_field;
pub mod street;
pub mod sumo;
pub mod generator;
pub mod demand;
