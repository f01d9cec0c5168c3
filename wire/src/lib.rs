//! The contract between street and centre. `docs/wire.md` is the normative text; this is the code for it.
//!
//! In reading order: [`topic`] says where a message goes, [`message`] what it says, [`command`] and
//! [`result`] what the centre asks and what the cabinet answers, [`what_if`] what it asks of a simulator, [`codec`] how it becomes bytes;
//! [`register_map`] describes the Modbus side of a device, and [`broker`] is what a daemon's configuration says of the broker, [`link`] the one module that names
//! the MQTT client; [`clock`] is where shells read the time, [`inspect`] holds a node against the contract (`wire check`).
//!
//! It stands apart from `model` because cabinets are not upgraded on the day the centre is: a refactoring
//! there must not change a byte here. Conversions are explicit, and golden messages keep them.

pub mod topic;
pub mod message;
pub mod command;
pub mod result;
pub mod what_if;
pub mod codec;
pub mod register_map;
pub mod broker;
pub mod link;
pub mod clock;
pub mod inspect;
