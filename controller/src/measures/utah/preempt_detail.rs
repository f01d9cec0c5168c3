//! `preempt_detail`: how each preemption went: when it was asked for, when it began, how long it dwelt.
//!
//! A preemption begins with its call, or with its entry where the call was before the log, and ends with the interval that
//! leads out of it. Source: Utah's ATSPM 5, preempt detail.

use super::super::{bin::Stamp, event::Event, indiana::Code};
use model::time::Moment;
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc};

/// One preemption.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Row {
    /// When the first of it was told.
    #[serde(rename = "TimeStamp")]
    pub at: Stamp,
    /// Of which device.
    pub device_id: Arc<str>,
    /// Its number.
    pub preempt: u16,
    /// From the call to the entry, s.
    pub delay: Option<f64>,
    /// From the entry to the track clearance, or to the dwell where there is none, s.
    pub time_to_service: Option<f64>,
    /// From the track clearance to the dwell, s.
    pub track_clear: Option<f64>,
    /// From the dwell to the exit, s.
    pub dwell: Option<f64>,
    /// From the call to its end, s.
    pub call: Option<f64>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Preemption {
    first: Moment,
    call: Option<Moment>,
    call_ends: Option<Moment>,
    entry: Option<Moment>,
    track: Option<Moment>,
    dwell: Option<Moment>,
    exit: Option<Moment>,
}

#[derive(Clone, Debug, Default)]
pub(in crate::measures) struct Preemptions {
    open: BTreeMap<u16, Preemption>,
    done: Vec<(u16, Preemption)>,
}

impl Preemptions {
    pub(in crate::measures) fn take(&mut self, event: Event) {
        let at = Some(event.at);
        let number = event.param;
        let fresh = Preemption { first: event.at, ..Preemption::default() };
        match event.code {
            Code::PREEMPT_CALL_ON => {
                if let Some(before) = self.open.insert(number, Preemption { call: at, ..fresh }) {
                    self.done.push((number, before));
                }
            }
            Code::PREEMPT_ENTRY => {
                self.open.entry(number).or_insert(fresh).entry.get_or_insert(event.at);
            }
            Code::PREEMPT_TRACK_CLEARANCE => self.with(number, |open| open.track = open.track.or(at)),
            Code::PREEMPT_DWELL => self.with(number, |open| open.dwell = open.dwell.or(at)),
            Code::PREEMPT_CALL_OFF => self.with(number, |open| open.call_ends = at),
            Code::PREEMPT_EXIT => {
                if let Some(mut over) = self.open.remove(&number) {
                    over.exit = at;
                    self.done.push((number, over));
                }
            }
            _ => {}
        }
    }

    fn with(&mut self, number: u16, change: impl FnOnce(&mut Preemption)) {
        if let Some(open) = self.open.get_mut(&number) {
            change(open);
        }
    }

    /// All of them; those that are not over come last.
    pub(in crate::measures) fn rows(&self, device: &Arc<str>) -> Vec<Row> {
        let open = self.open.iter().map(|(number, open)| (*number, *open));
        let seconds = |from: Option<Moment>, to: Option<Moment>| Some(to?.since(from?).as_secs_f64());
        let row = |(preempt, p): (u16, Preemption)| Row {
            at: Stamp(p.first),
            device_id: device.clone(),
            preempt,
            delay: seconds(p.call, p.entry),
            time_to_service: seconds(p.entry, p.track.or(p.dwell)),
            track_clear: seconds(p.track, p.dwell),
            dwell: seconds(p.dwell, p.exit),
            call: seconds(p.call, p.call_ends),
        };
        self.done.iter().copied().chain(open).map(row).collect()
    }
}
