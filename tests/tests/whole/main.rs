//! The whole city, from outside.

mod rules;
