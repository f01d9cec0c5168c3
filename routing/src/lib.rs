//! The journey planner and its public API.
//!
//! In reading order: a [`profile`] says who may travel where and how fast; [`graph`] is the streets as a
//! petgraph of links and allowed turns; [`nearest`] finds the street beside a place; [`snapshot`] is the
//! traffic of the moment, [`street`] the quickest way through it, [`itinerary`] that way in words and
//! lines. [`planner`] puts these together: question in, journey out, time and traffic handed in.
//!
//! Around that pure core: [`feed`] follows the centre's link times over MQTT, [`service`] is the planner as
//! it serves many at once, [`api`] says it over HTTP.
//!
//! Today journeys are direct ones on the street, by car, taxi, bicycle, on foot and in a wheelchair.
//! Timetables are not read yet, and an answer says so.

pub mod profile;
pub mod graph;
pub mod nearest;
pub mod snapshot;
pub mod street;
pub mod itinerary;
pub mod planner;
pub mod feed;
pub mod service;
pub mod api;
