//! The centre.

pub mod api;
