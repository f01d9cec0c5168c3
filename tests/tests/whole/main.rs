//! The whole city, from outside.

mod rules;
mod configs;
mod input;
mod demo;
mod processes;
mod evaluate;
mod browser;
