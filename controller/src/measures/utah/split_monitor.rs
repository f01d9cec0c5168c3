//! `split_monitor`: how long each green of each group was, under which plan, and why it ended.
//!
//! With it one draws the split monitor (length against time, by plan) and the Purdue termination diagram (reason against
//! time). Length is that of green, amber and red clearance together where red clearance's end is told. Source: Utah's
//! ATSPM 5, split monitor and Purdue phase termination.

use super::super::{bin::Stamp, event::Event, indiana::Code, terminations::Why};
use model::time::Moment;
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc};

/// One service of a group.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Row {
    /// When green began.
    #[serde(rename = "TimeStamp")]
    pub at: Stamp,
    /// Of which device.
    pub device_id: Arc<str>,
    /// The signal group.
    pub phase: u16,
    /// The plan that ran; empty until one is told.
    pub pattern: Option<u16>,
    /// Green, s.
    pub green: f64,
    /// Until the end of red clearance, s; empty where that is not told.
    pub split: Option<f64>,
    /// Why green ended; empty where that is not told.
    pub termination: Option<Why>,
    /// Somebody walked with it.
    pub ped: bool,
}

/// A service that goes on.
#[derive(Clone, Copy, Debug)]
struct Service {
    begins: Moment,
    pattern: Option<u16>,
    green_ends: Option<Moment>,
    why: Option<Why>,
    ped: bool,
}

#[derive(Clone, Debug, Default)]
pub(in crate::measures) struct Services {
    pattern: Option<u16>,
    open: BTreeMap<u16, Service>,
    done: Vec<(u16, Service, Option<Moment>)>,
}

impl Services {
    pub(in crate::measures) fn take(&mut self, event: Event) {
        let group = event.param;
        match event.code {
            Code::PLAN_CHANGE => self.pattern = Some(event.param),
            Code::GREEN_BEGIN => {
                let begins = Service {
                    begins: event.at,
                    pattern: self.pattern,
                    green_ends: None,
                    why: None,
                    ped: false,
                };
                if let Some(service) = self.open.insert(group, begins) {
                    self.done.push((group, service, None));
                }
            }
            Code::RED_CLEARANCE_END => {
                if let Some(service) = self.open.remove(&group) {
                    self.done.push((group, service, Some(event.at)));
                }
            }
            Code::GAP_OUT => self.with(group, |service| service.why = Some(Why::GapOut)),
            Code::MAX_OUT => self.with(group, |service| service.why = Some(Why::MaxOut)),
            Code::FORCE_OFF => self.with(group, |service| service.why = Some(Why::ForceOff)),
            Code::AMBER_BEGIN => self.with(group, |service| service.green_ends = Some(event.at)),
            Code::WALK_BEGIN => self.with(group, |service| service.ped = true),
            _ => {}
        }
    }

    fn with(&mut self, group: u16, change: impl FnOnce(&mut Service)) {
        if let Some(service) = self.open.get_mut(&group) {
            change(service);
        }
    }

    /// Those whose green is over.
    pub(in crate::measures) fn rows(&self, device: &Arc<str>) -> Vec<Row> {
        let row = |(phase, service, ends): &(u16, Service, Option<Moment>)| {
            Some(Row {
                at: Stamp(service.begins),
                device_id: device.clone(),
                phase: *phase,
                pattern: service.pattern,
                green: service.green_ends?.since(service.begins).as_secs_f64(),
                split: ends.map(|ends| ends.since(service.begins).as_secs_f64()),
                termination: service.why,
                ped: service.ped,
            })
        };
        self.done.iter().filter_map(row).collect()
    }
}
