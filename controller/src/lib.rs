//! The centre: it hears the street, decides, commands, keeps and tells.
//!
//! In reading order: [`coordinator`] is the pure core, [`decide`] the kinds of control it chooses by,
//! [`dispatch`] the numbers and leases of what it sends; [`api`] is what people and programs see of it.

pub mod coordinator;
pub mod decide;
pub mod dispatch;
pub mod config;
pub mod field;
pub mod store;
pub mod api;
