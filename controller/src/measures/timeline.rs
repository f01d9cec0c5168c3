//! `timeline`: everything that lasted, from when until when, and whether that can be believed.
//!
//! Most of it begins with one code and ends with another ([`PAIRS`]); some toggles ([`TOGGLES`]), some only happens
//! ([`INSTANTS`]), and alarms, transitions, faults, priority, overlaps, waits and pedestrian delays have rules of their
//! own. A span is not believed when
//! - it ended with its own beginning, or an end followed an end: something in between was lost;
//! - amber or red clearance lasted longer than ten seconds;
//! - the device's clock was set within it, or the device was silent for too long ([`silence`]);
//! - it touches a bin without data.
//!
//! Only a span that has ended, and that lasted at least 0.2 s, is told. What has begun and not ended is in
//! `unmatched_events`. Source: the `atspm` package, `timeline`.

mod kinds;
mod waits;

pub use kinds::Class;

use super::{
    bin::{Bin, Stamp},
    event::Event,
    indiana::Code,
};
use kinds::{INSTANTS, PAIRS, Pair, TOGGLES, alarms, fault, overlap, transition};
use model::time::Moment;
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use waits::{Calls, PedDelays};

/// What only happens is drawn so long.
const CUSHION: Duration = Duration::from_secs(1);
/// Shorter spans are not told.
const SHORTEST: Duration = Duration::from_millis(200);
/// Around a clock that is set, times are not to be believed for so long.
const CLOCK_DOUBT: Duration = Duration::from_secs(5);
/// Silence for longer means that the device was gone, by the minute of the day at which it begins, s: at night nothing
/// may happen for long. Before the first line the last one holds.
const SILENCE: [(i64, u64); 4] = [(5 * 60, 300), (6 * 60, 120), (21 * 60, 300), (23 * 60, 900)];

/// Something that lasted.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Row {
    /// Of which device.
    pub device_id: Arc<str>,
    /// From when.
    pub start_time: Stamp,
    /// Until when.
    pub end_time: Stamp,
    /// How long, s.
    pub duration: f32,
    /// Whether that can be believed.
    pub is_valid: bool,
    /// What.
    #[serde(rename = "EventClass")]
    pub class: Class,
    /// Of which group, channel, plan, or how much; empty where that says nothing.
    pub event_value: Option<u16>,
}

/// Something that has begun and not ended.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UnmatchedRow {
    /// When it began.
    #[serde(rename = "TimeStamp")]
    pub at: Stamp,
    /// Of which device.
    pub device_id: Arc<str>,
    /// The code that began it; [`Code::CALL_PENDING`] and its two neighbours for somebody who waits.
    pub event_id: u16,
    /// Its parameter.
    pub parameter: u16,
    /// Whether it can be believed so far.
    pub is_valid: bool,
}

/// Something that lasted, before it is written.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Span {
    pub(super) start: Moment,
    pub(super) end: Moment,
    pub(super) class: Class,
    pub(super) param: u16,
    pub(super) valid: bool,
}

impl Span {
    pub(super) fn length(&self) -> Duration {
        self.end.since(self.start)
    }
    /// In seconds, as precisely as the package has it.
    pub(super) fn seconds(&self) -> f32 {
        (self.end.0 - self.start.0) as f32 / 1000.0
    }
}

/// Spans of doubt, in the order in which they begin; each ends with the last that begins no later.
#[derive(Clone, Debug, Default)]
pub(super) struct Doubt {
    starts: Vec<Moment>,
    ends: Vec<Moment>,
}

impl Doubt {
    pub(super) fn new(mut spans: Vec<(Moment, Moment)>) -> Doubt {
        spans.sort_unstable();
        let mut last = Moment(i64::MIN);
        let mut doubt = Doubt::default();
        for (start, end) in spans {
            last = last.max(end);
            doubt.starts.push(start);
            doubt.ends.push(last);
        }
        doubt
    }

    /// Whether some of it begins before `end` and lasts beyond `start`.
    pub(super) fn touches(&self, start: Moment, end: Moment) -> bool {
        let before = self.starts.partition_point(|s| *s < end);
        before > 0 && self.ends[before - 1] > start
    }
}

/// What is open: since when, and the code and parameter that opened it.
type Open<K> = BTreeMap<K, Event>;

#[derive(Clone, Debug, Default)]
pub(super) struct Timeline {
    spans: Vec<Span>,
    pairs: Open<(u8, u16)>,
    toggles: Open<Code>,
    transition: Option<Event>,
    alarms: Open<Code>,
    adjusting: Open<u16>,
    faults: Open<u16>,
    overlaps: Open<u16>,
    /// Overlaps that rest in red: with the others red may go straight to green.
    resting: BTreeSet<u16>,
    /// Red clearances of overlaps that went straight to green.
    straight: Vec<Span>,
    calls: Calls,
    ped_delays: PedDelays,
    /// Lamps that cannot be believed.
    odd_lamps: Vec<(Moment, Moment)>,
    clock_updates: Vec<Moment>,
    silences: Vec<(Moment, Moment)>,
    last: Option<Moment>,
}

impl Timeline {
    pub(super) fn take(&mut self, event: Event) {
        if let Some(last) = self.last.replace(event.at)
            && event.at.since(last) > silence(last)
        {
            self.silences.push((last, event.at));
        }
        match event.code {
            // Half of all events, and none of them lasts.
            Code::DETECTOR_ON | Code::DETECTOR_OFF => return,
            Code::CLOCK_UPDATED => self.clock_updates.push(event.at),
            Code::COORDINATION_STATE => self.transition(event),
            Code::FLASH_STATUS | Code::ALARM_STATUS | Code::ALARM_GROUP => self.alarm(event),
            _ => {}
        }
        for (number, pair) in PAIRS.iter().enumerate() {
            if pair.begin == event.code || pair.end == event.code {
                self.pair(number as u8, pair, event);
            }
        }
        if let Some((_, class)) = TOGGLES.iter().find(|(code, _)| *code == event.code) {
            self.toggle(*class, event);
        }
        if let Some((_, class)) = INSTANTS.iter().find(|(code, _)| *code == event.code) {
            self.spans.push(span(event, event.at + CUSHION, *class, true));
        }
        self.adjustment(event);
        self.fault(event);
        self.overlap(event);
        self.calls.take(event);
        self.ped_delays.take(event, &mut self.spans);
    }

    fn pair(&mut self, number: u8, pair: &Pair, event: Event) {
        let Some(before) = self.pairs.insert((number, event.param), event) else { return };
        let begun = before.code == pair.begin;
        let ended = event.code == pair.end;
        if !begun && !ended {
            return;
        }
        let too_long = pair.longest.is_some_and(|longest| event.at.since(before.at) > longest);
        let valid = begun && ended && !too_long;
        match pair.class {
            Class::Green | Class::Yellow | Class::Red if !valid => self.odd_lamps.push((before.at, event.at)),
            Class::PhaseCall => self.calls.lasted(event.param, before.at, event.at, valid),
            _ => {}
        }
        if begun || pair.tells_end {
            self.spans.push(span(before, event.at, pair.class, valid));
        }
    }

    fn toggle(&mut self, class: Class, event: Event) {
        let Some(before) = self.toggles.insert(event.code, event) else { return };
        match (before.param, event.param) {
            (1, next) => self.spans.push(span(before, event.at, class, next == 0)),
            (0, 0) => self.spans.push(span(before, event.at, class, false)),
            _ => {}
        }
    }

    /// At one moment the greater parameter comes first, against the order of the log.
    fn transition(&mut self, event: Event) {
        if event.param > 4 {
            return;
        }
        let ends = match self.transition {
            Some(open) if open.at == event.at => Some(event),
            open => {
                self.transition = Some(event);
                open
            }
        };
        if let Some(ends) = ends
            && let Some(class) = transition(ends.param)
        {
            self.spans.push(span(ends, event.at, class, true));
        }
    }

    fn alarm(&mut self, event: Event) {
        let ends = match self.alarms.get(&event.code) {
            Some(open) if open.at == event.at => Some(event),
            _ => self.alarms.insert(event.code, event),
        };
        if let Some(ends) = ends {
            self.spans.extend(alarms(ends).map(|class| span(ends, event.at, class, true)));
        }
    }

    fn adjustment(&mut self, event: Event) {
        if !matches!(
            event.code,
            Code::PRIORITY_EARLY_GREEN | Code::PRIORITY_EXTEND_GREEN | Code::PRIORITY_CHECK_OUT
        ) {
            return;
        }
        if let Some(before) = self.adjusting.insert(event.param, event)
            && before.code != Code::PRIORITY_CHECK_OUT
        {
            self.spans.push(span(before, event.at, Class::PriorityAdjustment, true));
        }
    }

    fn fault(&mut self, event: Event) {
        if !(Code::DETECTOR_RESTORED..=Code::DETECTOR_FAULT_ERRATIC).contains(&event.code) {
            return;
        }
        if let Some(before) = self.faults.insert(event.param, event)
            && let Some(class) = fault(before.code)
        {
            self.spans.push(span(before, event.at, class, event.code == Code::DETECTOR_RESTORED));
        }
    }

    fn overlap(&mut self, event: Event) {
        if !(Code::OVERLAP_GREEN_BEGIN..=Code::OVERLAP_DARK).contains(&event.code) {
            return;
        }
        if event.code == Code::OVERLAP_OFF {
            self.resting.insert(event.param);
        }
        let Some(before) = self.overlaps.insert(event.param, event) else { return };
        let Some(class) = overlap(before.code) else { return };
        let lasted = |valid| span(before, event.at, class, valid);
        match class {
            Class::OverlapRed if event.code == Code::OVERLAP_GREEN_BEGIN => self.straight.push(lasted(true)),
            Class::OverlapRed => self.spans.push(lasted(event.code == Code::OVERLAP_OFF)),
            Class::OverlapYellow => self.spans.push(lasted(true)),
            _ => self.spans.push(lasted(event.code != before.code)),
        }
    }

    /// Everything that has lasted until now, judged.
    pub(super) fn spans(&self, bin: Bin, with_data: &BTreeSet<Moment>) -> Vec<Span> {
        let mut spans = Vec::with_capacity(self.spans.len() + self.straight.len());
        spans.extend_from_slice(&self.spans);
        for straight in &self.straight {
            spans.push(Span { valid: !self.resting.contains(&straight.param), ..*straight });
        }
        for open in self.alarms.values() {
            spans.extend(alarms(*open).map(|class| span(*open, open.at + CUSHION, class, true)));
        }
        self.calls.waits(&Doubt::new(self.odd_lamps.clone()), &mut spans);
        let doubt = self.doubt();
        spans.retain(|span| span.length() >= SHORTEST);
        for span in &mut spans {
            span.valid = span.valid
                && (span.class.is_instant() || !doubt.touches(span.start, span.end))
                && has_data(bin, with_data, span.start, span.end);
        }
        spans
    }

    /// Everything that is open, judged as far as that can be.
    pub(super) fn unmatched(
        &self,
        bin: Bin,
        with_data: &BTreeSet<Moment>,
        device: &Arc<str>,
    ) -> Vec<UnmatchedRow> {
        let pairs =
            self.pairs.iter().filter(|((number, _), event)| PAIRS[*number as usize].begin == event.code);
        let mut open: Vec<Event> = pairs.map(|(_, event)| *event).collect();
        open.extend(self.toggles.values().filter(|event| event.param == 1));
        open.extend(self.transition.filter(|event| transition(event.param).is_some()));
        open.extend(self.adjusting.values().filter(|event| event.code != Code::PRIORITY_CHECK_OUT));
        open.extend(self.faults.values().filter(|event| fault(event.code).is_some()));
        open.extend(self.overlaps.values().filter(|event| overlap(event.code).is_some()));
        open.extend(self.calls.waiting());
        open.extend(self.ped_delays.waiting());
        open.sort_unstable();
        let last_bin = with_data.last().copied();
        let row = |event: Event| {
            let until = last_bin.map_or(event.at, |last| event.at.max(last));
            let doubted = self.clock_updates.iter().any(|at| *at + CLOCK_DOUBT > event.at)
                || self.silences.iter().any(|(start, _)| *start >= event.at);
            UnmatchedRow {
                at: Stamp(event.at),
                device_id: device.clone(),
                event_id: event.code.0,
                parameter: event.param,
                is_valid: !doubted && has_data(bin, with_data, event.at, until),
            }
        };
        open.into_iter().map(row).collect()
    }

    fn doubt(&self) -> Doubt {
        let around = |at: &Moment| (*at - CLOCK_DOUBT, *at + CLOCK_DOUBT);
        Doubt::new(self.clock_updates.iter().map(around).chain(self.silences.iter().copied()).collect())
    }
}

/// How long a device may be silent from then on.
fn silence(from: Moment) -> Duration {
    let minute = from.0.rem_euclid(86_400_000) / 60_000;
    let line =
        SILENCE.iter().rev().find(|(begins, _)| minute >= *begins).unwrap_or(&SILENCE[SILENCE.len() - 1]);
    Duration::from_secs(line.1)
}

/// Whether each bin from one moment to another has data.
fn has_data(bin: Bin, with_data: &BTreeSet<Moment>, start: Moment, end: Moment) -> bool {
    let bins = std::iter::successors(Some(bin.floor(start)), |at| Some(*at + bin.length()));
    bins.take_while(|at| *at <= end).all(|at| with_data.contains(&at))
}

fn span(begun: Event, end: Moment, class: Class, valid: bool) -> Span {
    Span { start: begun.at, end, class, param: begun.param, valid }
}

/// The spans as rows.
pub(super) fn rows(spans: &[Span], device: &Arc<str>) -> Vec<Row> {
    let row = |span: &Span| Row {
        device_id: device.clone(),
        start_time: Stamp(span.start),
        end_time: Stamp(span.end),
        duration: span.seconds(),
        is_valid: span.valid,
        class: span.class,
        event_value: span.class.has_value().then_some(span.param),
    };
    spans.iter().map(row).collect()
}
