//! The nouns of the field, and how a text becomes them. No clock, no IO, no async.
//!
//! In reading order: [`ids`] names things and [`time`] measures; [`geo`] places them; [`network`] is the
//! road, [`signal`] the lamps and the rules that keep them safe, [`detection`] the sensors, [`transit`] the
//! lines, [`demand`] the people who want to travel; [`city`] holds all of it together and is the file
//! that every program reads. [`sumo`] and [`osm`] turn other people's files into a city, [`config`]
//! turns TOML into checked values and complaints, and [`sketch`] draws small networks for tests.

pub mod ids;
pub mod time;
pub mod geo;
pub mod network;
pub mod signal;
pub mod detection;
pub mod transit;
pub mod demand;
pub mod city;
pub mod sumo;
pub mod osm;
pub mod config;

pub mod sketch;
