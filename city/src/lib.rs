//! The whole system in one process, and the tools that need all of it.
//!
//! In reading order: [`command`] is what a person types; [`input`] turns their files into a city and its
//! demand; [`demo`] joins everything, with a [`broker`] of its own; [`evaluate`] judges a kind
//! of control over a scenario, [`compare`] sets such judgements side by side, [`fidelity`] sets our traffic beside
//! SUMO's, [`tune`] makes the best fixed plans to judge against, [`what_if`] answers a centre what would
//! come of another control, [`rehearse`] plays
//! what can go wrong between the cores, [`check`] reads configuration files.

pub mod command;
pub mod input;
pub mod broker;
pub mod demo;
pub mod evaluate;
pub mod compare;
pub mod fidelity;
pub mod pace;
pub mod replay;
pub mod tune;
pub mod what_if;
pub mod rehearse;
pub mod check;
