//! A street made of software: traffic, signals and detectors that answer as the real ones do.
//!
//! In reading order: [`generator`] makes a city and [`demand`] the people who travel in it; [`world`] is the
//! traffic, [`vehicles`] its drivers, [`detectors`] what feels them, and [`worn_detectors`] what becomes of that in
//! real life; [`signals`] is the box in the cabinet and [`modbus_field`] its cable. [`street`] is traffic and boxes
//! together, [`faults`] what goes wrong there on request, [`snapshot`] a street filled from what a centre knows of a real one, [`live`] a street that runs by a clock, [`fleet`] its buses' positions, [`daemon`] all of that as a
//! program. [`load`] is a great many cabinets without a street. [`scenario`] is traffic alone, from SUMO's files and into SUMO's files, [`trace`] a run for replay; [`sumo`] lets the real SUMO
//! drive our boxes.

pub mod generator;
pub mod demand;
pub mod world;
pub mod vehicles;
pub mod detectors;
pub mod worn_detectors;
pub mod signals;
pub mod modbus_field;
pub mod street;
pub mod faults;
pub mod snapshot;
pub mod live;
pub mod fleet;
pub mod load;
pub mod daemon;
pub mod scenario;
pub mod trace;
pub mod sumo;
