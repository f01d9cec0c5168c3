//! `watchdog`: what a person should look at, day by day.
//!
//! Too few events; greens that nearly always run to their maximum or to force-off in the small hours, when nobody is
//! there; pedestrian buttons that call again and again at that time; detectors that hardly count in the evening peak. A
//! finding needs the whole of its hours in the log. The bounds are those that Utah's ATSPM ships with.

use super::super::{
    bin::{Bin, Stamp},
    event::{Detector, Event},
    indiana::Code,
    report::Whole,
    terminations::Why,
};
use model::time::Moment;
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
    time::Duration,
};

const DAY: Bin = Bin::minutes(Bin::LONGEST).unwrap();
const HOUR: Duration = Duration::from_secs(3600);
/// The small hours.
const NIGHT: Range<u32> = 1..5;
/// The busiest hour of the evening.
const PEAK: Range<u32> = 17..18;
/// A day has more events than this.
const FEWEST_EVENTS: u32 = 500;
/// Greens of a group are judged from so many on.
const FEWEST_GREENS: u32 = 50;
/// If more than this share ended in one way, something calls that is not there.
const MOST_ALIKE: f64 = 0.9;
/// More calls for walk in the small hours than this are not people.
const MOST_CALLS: u32 = 200;
/// A detector counts more than this in the peak.
const FEWEST_HITS: u32 = 50;

/// What is odd.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub enum Finding {
    /// The day has hardly any events.
    MissingData,
    /// Greens run to their maximum at night.
    MaxOut,
    /// Greens run to force-off at night.
    ForceOff,
    /// A pedestrian button does not let go.
    StuckPed,
    /// A detector hardly counts.
    LowDetectorHits,
}

/// What was judged of a day.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Verdict {
    /// The day's beginning.
    pub(crate) begins: Moment,
    pub(crate) finding: Finding,
    /// Of which signal group or channel.
    pub(crate) of: Option<u16>,
    pub(crate) value: u32,
    pub(crate) odd: bool,
}

/// One finding.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Row {
    /// The day.
    #[serde(rename = "TimeStamp")]
    pub day: Stamp,
    /// Of which device.
    pub device_id: Arc<str>,
    /// What.
    pub finding: Finding,
    /// Of which signal group or channel.
    pub of: Option<u16>,
    /// How many: events, percent of greens, calls, hits.
    pub value: u32,
}

#[derive(Clone, Debug, Default)]
struct Day {
    events: u32,
    /// Of each group: greens of the night, those at maximum, those forced off.
    greens: BTreeMap<u16, [u32; 3]>,
    calls: BTreeMap<u16, u32>,
    hits: BTreeMap<u16, u32>,
}

#[derive(Clone, Debug)]
pub(crate) struct Watchdog {
    channels: BTreeSet<u16>,
    /// Groups that people on foot may call, where that is known.
    buttons: BTreeSet<u16>,
    days: BTreeMap<Moment, Day>,
}

impl Watchdog {
    pub(crate) fn new(detectors: &[Detector]) -> Watchdog {
        let channels = detectors.iter().map(|detector| detector.channel).collect();
        Watchdog { channels, buttons: BTreeSet::new(), days: BTreeMap::new() }
    }

    pub(crate) fn with_buttons(mut self, groups: impl IntoIterator<Item = u16>) -> Watchdog {
        self.buttons.extend(groups);
        self
    }

    pub(crate) fn take(&mut self, event: Event) {
        let begins = DAY.floor(event.at);
        let day = self.days.entry(begins).or_default();
        day.events += 1;
        let during =
            |hours: Range<u32>| (begins + HOUR * hours.start..begins + HOUR * hours.end).contains(&event.at);
        let why = match event.code {
            Code::GAP_OUT => Why::GapOut,
            Code::MAX_OUT => Why::MaxOut,
            Code::FORCE_OFF => Why::ForceOff,
            Code::PED_CALL => {
                if during(NIGHT) {
                    *day.calls.entry(event.param).or_default() += 1;
                }
                return;
            }
            Code::DETECTOR_ON => {
                if during(PEAK) {
                    *day.hits.entry(event.param).or_default() += 1;
                }
                return;
            }
            _ => return,
        };
        if during(NIGHT) {
            let [all, at_max, forced] = day.greens.entry(event.param).or_default();
            *all += 1;
            *at_max += u32::from(why == Why::MaxOut);
            *forced += u32::from(why == Why::ForceOff);
        }
    }

    pub(in crate::measures) fn rows(&self, whole: Whole, device: &Arc<str>) -> Vec<Row> {
        let odd = self.verdicts(whole).into_iter().filter(|verdict| verdict.odd);
        let row = |verdict: Verdict| {
            let Verdict { begins, finding, of, value, .. } = verdict;
            Row { day: Stamp(begins), device_id: device.clone(), finding, of, value }
        };
        odd.map(row).collect()
    }

    /// All that could be judged, odd or not: what was not judged is not sound.
    pub(crate) fn verdicts(&self, whole: Whole) -> Vec<Verdict> {
        let mut verdicts = Vec::new();
        for (&begins, day) in &self.days {
            let seen = |hours: Range<u32>| {
                whole.first <= begins + HOUR * hours.start && whole.last >= begins + HOUR * hours.end
            };
            let mut judge = |finding, of, value, odd| {
                verdicts.push(Verdict { begins, finding, of, value, odd });
            };
            if seen(0..24) {
                judge(Finding::MissingData, None, day.events, day.events < FEWEST_EVENTS);
            }
            if seen(NIGHT) {
                for (&group, &[all, at_max, forced]) in
                    day.greens.iter().filter(|(_, greens)| greens[0] >= FEWEST_GREENS)
                {
                    for (finding, alike) in [(Finding::MaxOut, at_max), (Finding::ForceOff, forced)] {
                        let odd = f64::from(alike) > MOST_ALIKE * f64::from(all);
                        judge(finding, Some(group), alike * 100 / all, odd);
                    }
                }
                // No call all night is what most buttons have.
                for &group in self.buttons.iter().chain(day.calls.keys()).collect::<BTreeSet<_>>() {
                    let calls = day.calls.get(&group).copied().unwrap_or(0);
                    judge(Finding::StuckPed, Some(group), calls, calls > MOST_CALLS);
                }
            }
            if seen(PEAK) {
                for &channel in &self.channels {
                    let hits = day.hits.get(&channel).copied().unwrap_or(0);
                    judge(Finding::LowDetectorHits, Some(channel), hits, hits < FEWEST_HITS);
                }
            }
        }
        verdicts
    }
}
