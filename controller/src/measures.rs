//! The field's own measures, out of the Indiana hi-res log.
//!
//! In reading order: [`indiana`] names the codes, [`event`] is what a log is made of, [`bin`] how time is cut.
//! Then each measure in a file of its own: [`has_data`], the counts ([`actuations`], [`terminations`], [`splits`],
//! [`communications`], [`coordination`], [`pedestrians`]), what is seen against the lamps ([`lamps`],
//! [`arrival_on_green`], [`platoon_ratio`], [`yellow_red`], [`split_failures`]), and what lasts: [`timeline`] with
//! [`phase_wait`] and [`ped_delay`]. [`detector_health`] judges weeks of counts, and
//! [`utah`] holds a second family. [`device`] feeds an event to all of
//! them and [`report`] is what they say; [`catalogue`] describes each, [`cells`] makes tables of it, [`columns_file`] a file of
//! such a table, and [`charts`] pictures; [`street`] is a junction of ours in the log's words. Around that pure core: [`read`] and [`write`] are the files, [`command`] the
//! `controller measures` that a person types.
//!
//! The same code serves a file and a street: a [`device::Device`] takes one event after another and can report at any
//! moment, and what it reports is what the whole log until then would give.
//!
//! Results equal those of the `atspm` package (2.6.1) row for row; `docs/decisions/0010-measures-equal-the-package.md`
//! says why, and where that shows. The log's *phase* is our signal group, and columns keep the package's names.

pub mod indiana;
pub mod event;
pub mod bin;

pub mod has_data;
pub mod actuations;
pub mod terminations;
pub mod splits;
pub mod communications;
pub mod coordination;
pub mod pedestrians;

mod lamps;
pub mod arrival_on_green;
pub mod platoon_ratio;
pub mod yellow_red;
pub mod split_failures;

pub mod timeline;
pub mod phase_wait;
pub mod ped_delay;
pub mod detector_health;
pub mod utah;

pub mod device;
pub mod report;
pub mod catalogue;
pub mod cells;
pub mod columns_file;
pub mod charts;
pub mod comparison;
pub mod street;
pub mod read;
pub mod write;
pub mod command;

#[cfg(test)]
mod tests;
