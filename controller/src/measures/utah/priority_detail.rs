//! `priority_detail`: how each priority went, from the vehicle's check-in to its check-out.
//!
//! Source: Utah's ATSPM 5, priority detail.

use super::super::{bin::Stamp, event::Event, indiana::Code};
use model::time::Moment;
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// One vehicle's priority.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Row {
    /// When the vehicle checked in.
    #[serde(rename = "TimeStamp")]
    pub at: Stamp,
    /// Of which device.
    pub device_id: Arc<str>,
    /// The priority's number.
    pub priority: u16,
    /// Until it checked out, s; empty where that is not told.
    pub seconds: Option<f64>,
    /// How often green came early for it.
    pub early_green: u32,
    /// How often green was held for it.
    pub extend_green: u32,
    /// How long it was served, s.
    pub service: f64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Priority {
    in_at: Moment,
    out_at: Option<Moment>,
    early: u32,
    extended: u32,
    serving_since: Option<Moment>,
    served: Duration,
}

#[derive(Clone, Debug, Default)]
pub(in crate::measures) struct Priorities {
    open: BTreeMap<u16, Priority>,
    done: Vec<(u16, Priority)>,
}

impl Priorities {
    pub(in crate::measures) fn take(&mut self, event: Event) {
        let number = event.param;
        match event.code {
            Code::PRIORITY_CHECK_IN => {
                let fresh = Priority { in_at: event.at, ..Priority::default() };
                if let Some(before) = self.open.insert(number, fresh) {
                    self.done.push((number, before));
                }
            }
            Code::PRIORITY_CHECK_OUT => {
                if let Some(mut over) = self.open.remove(&number) {
                    over.out_at = Some(event.at);
                    over.serve_until(event.at);
                    self.done.push((number, over));
                }
            }
            Code::PRIORITY_EARLY_GREEN => self.with(number, |open| open.early += 1),
            Code::PRIORITY_EXTEND_GREEN => self.with(number, |open| open.extended += 1),
            Code::PRIORITY_SERVICE_BEGIN => self.with(number, |open| open.serving_since = Some(event.at)),
            Code::PRIORITY_SERVICE_END => self.with(number, |open| open.serve_until(event.at)),
            _ => {}
        }
    }

    fn with(&mut self, number: u16, change: impl FnOnce(&mut Priority)) {
        if let Some(open) = self.open.get_mut(&number) {
            change(open);
        }
    }

    /// All of them; those that are not over come last.
    pub(in crate::measures) fn rows(&self, device: &Arc<str>) -> Vec<Row> {
        let open = self.open.iter().map(|(number, open)| (*number, *open));
        let row = |(priority, p): (u16, Priority)| Row {
            at: Stamp(p.in_at),
            device_id: device.clone(),
            priority,
            seconds: p.out_at.map(|out| out.since(p.in_at).as_secs_f64()),
            early_green: p.early,
            extend_green: p.extended,
            service: p.served.as_secs_f64(),
        };
        self.done.iter().copied().chain(open).map(row).collect()
    }
}

impl Priority {
    fn serve_until(&mut self, at: Moment) {
        if let Some(since) = self.serving_since.take() {
            self.served += at.since(since);
        }
    }
}
