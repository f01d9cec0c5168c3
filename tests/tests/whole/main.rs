//! The whole city, from outside.

#![expect(clippy::print_stdout, reason = "figures of a run are shown to whoever runs it")]

mod rules;
mod configs;
mod input;
mod demo;
mod reported;
mod processes;
mod fleet;
mod history;
mod security;
mod sign_in;
mod commands;
mod package;
mod what_if;
mod evaluate;
mod compare;
mod browser;
mod clients;
