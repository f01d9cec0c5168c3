//! HTTP API.
pub mod view;
