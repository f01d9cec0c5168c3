//! What the end-to-end tests stand on: real programs, started on free ports and in temporary folders, ended
//! when the test ends.
//!
//! [`program`] starts and watches one, [`peers`] are the ones that are not ours, [`http`] asks over HTTP, [`stack`] is all daemons together, [`tap`] listens on a cable.

#![expect(clippy::print_stderr, reason = "a test talks to whoever runs it")]

pub mod program;
pub mod peers;
pub mod http;
pub mod places;
pub mod stack;
pub mod tap;
