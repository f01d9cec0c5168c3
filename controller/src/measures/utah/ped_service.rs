//! `ped_service`: how many people on foot called, when they were served, and how long they waited.
//!
//! A call is a press of the button; presses that follow each other within 15 s are one person's (*unique*), and the first
//! press after a walk, or after its group came on, is one for which walk had to be called (*imputed*). A pedestrian cycle
//! is a walk that somebody called for: their delay goes from the first press to walk, and is none for who pressed while
//! walk was shown. Calls count where the walk that served them begins, imputed ones where what was before them does.
//! Source: Utah's ATSPM 5, pedestrian aggregation.

use super::super::{
    bin::{Bin, Binned, Stamp},
    event::Event,
    indiana::Code,
};
use model::time::Moment;
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// Presses farther apart than this are two persons'.
const ONE_PERSON: Duration = Duration::from_secs(15);

/// A group's pedestrians in a bin.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Row {
    /// When the bin begins.
    #[serde(rename = "TimeStamp")]
    pub at: Stamp,
    /// Of which device.
    pub device_id: Arc<str>,
    /// The signal group.
    pub phase: u16,
    /// Walks that somebody called for.
    pub ped_cycles: u32,
    /// Their delays together, s.
    pub ped_delay: f64,
    /// The shortest delay that was one, s; 0 if there was none.
    pub min_ped_delay: f64,
    /// The longest, s.
    pub max_ped_delay: f64,
    /// Presses.
    pub ped_requests: u32,
    /// Presses for which walk had to be called.
    pub imputed_ped_calls_registered: u32,
    /// Presses of another person than the one before.
    pub unique_ped_detections: u32,
    /// Walks.
    pub ped_begin_walk_count: u32,
    /// Calls that the controller took.
    pub ped_calls_registered_count: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    cycles: u32,
    delay: Duration,
    shortest: Option<Duration>,
    longest: Duration,
    calls: Calls,
    imputed: u32,
    walks: u32,
}

/// What counts where it is served.
#[derive(Clone, Copy, Debug, Default)]
struct Calls {
    requests: u32,
    unique: u32,
    registered: u32,
}

/// What a press waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Shown {
    Walk,
    Clearance,
}

#[derive(Clone, Debug, Default)]
struct Group {
    shown: Option<Shown>,
    /// When walk began last.
    walk: Moment,
    /// The first press since walk or clearance began.
    pressed: Option<Moment>,
    /// The press before, whatever came since.
    press_before: Option<Moment>,
    /// The group came on, or its walk began, and nobody has pressed since.
    untouched: Option<Moment>,
    /// Nobody has served them yet, from the first of them on.
    waiting: Option<(Moment, Calls)>,
}

#[derive(Clone, Debug, Default)]
pub(in crate::measures) struct PedService {
    groups: BTreeMap<u16, Group>,
    bins: Binned<u16, Sums>,
}

impl PedService {
    pub(in crate::measures) fn take(&mut self, bin: Bin, event: Event) {
        let known = matches!(
            event.code,
            Code::GROUP_ON
                | Code::WALK_BEGIN
                | Code::OVERLAP_WALK_BEGIN
                | Code::PED_CLEARANCE_BEGIN
                | Code::PED_CALL
                | Code::PED_BUTTON_ON
        );
        if !known {
            return;
        }
        let (at, number) = (event.at, event.param);
        let group = self.groups.entry(number).or_default();
        let mut counts = Counts { bins: &mut self.bins, bin, number };
        match event.code {
            Code::PED_BUTTON_ON => {
                let unique =
                    group.press_before.replace(at).is_none_or(|before| at.since(before) > ONE_PERSON);
                if let Some(before) = group.untouched.take() {
                    counts.at(before).imputed += 1;
                }
                group.pressed.get_or_insert(at);
                let calls = group.calls(at, &mut counts);
                calls.requests += 1;
                calls.unique += u32::from(unique);
            }
            Code::PED_CALL => group.calls(at, &mut counts).registered += 1,
            Code::WALK_BEGIN => {
                let sums = counts.at(at);
                sums.walks += 1;
                if let Some(pressed) = group.pressed.take() {
                    sums.cycle(at.since(pressed));
                }
                if let Some((_, calls)) = group.waiting.take() {
                    sums.calls.add(calls);
                }
                (group.shown, group.walk, group.untouched) = (Some(Shown::Walk), at, Some(at));
            }
            Code::PED_CLEARANCE_BEGIN => {
                if let (Some(pressed), Some(Shown::Walk)) = (group.pressed, group.shown) {
                    counts.at(pressed).cycle(Duration::ZERO);
                }
                (group.shown, group.pressed) = (Some(Shown::Clearance), None);
            }
            _ => group.untouched = Some(at),
        }
    }

    pub(in crate::measures) fn rows(&self, bin: Bin, device: &Arc<str>) -> Vec<Row> {
        let mut bins = self.bins.clone();
        for (number, group) in &self.groups {
            if let Some((at, calls)) = group.waiting {
                bins.at(bin.floor(at), *number).calls.add(calls);
            }
        }
        let told = |sums: &&Sums| {
            sums.walks + sums.cycles + sums.imputed + sums.calls.requests + sums.calls.registered > 0
        };
        let row = |((at, phase), sums): (&(Moment, u16), &Sums)| Row {
            at: Stamp(*at),
            device_id: device.clone(),
            phase: *phase,
            ped_cycles: sums.cycles,
            ped_delay: sums.delay.as_secs_f64(),
            min_ped_delay: sums.shortest.unwrap_or_default().as_secs_f64(),
            max_ped_delay: sums.longest.as_secs_f64(),
            ped_requests: sums.calls.requests,
            imputed_ped_calls_registered: sums.imputed,
            unique_ped_detections: sums.calls.unique,
            ped_begin_walk_count: sums.walks,
            ped_calls_registered_count: sums.calls.registered,
        };
        bins.0.iter().filter(|(_, sums)| told(sums)).map(row).collect()
    }
}

/// One group's bins.
struct Counts<'a> {
    bins: &'a mut Binned<u16, Sums>,
    bin: Bin,
    number: u16,
}

impl Counts<'_> {
    fn at(&mut self, at: Moment) -> &mut Sums {
        self.bins.at(self.bin.floor(at), self.number)
    }
}

impl Group {
    /// Where a call counts: with the walk that is shown, or with the next one.
    fn calls<'a>(&'a mut self, at: Moment, counts: &'a mut Counts<'_>) -> &'a mut Calls {
        match self.shown {
            Some(Shown::Walk) => &mut counts.at(self.walk).calls,
            _ => &mut self.waiting.get_or_insert((at, Calls::default())).1,
        }
    }
}

impl Sums {
    fn cycle(&mut self, delay: Duration) {
        self.cycles += 1;
        self.delay += delay;
        self.longest = self.longest.max(delay);
        if delay > Duration::ZERO {
            self.shortest = Some(self.shortest.map_or(delay, |shortest| shortest.min(delay)));
        }
    }
}

impl Calls {
    fn add(&mut self, others: Calls) {
        self.requests += others.requests;
        self.unique += others.unique;
        self.registered += others.registered;
    }
}
