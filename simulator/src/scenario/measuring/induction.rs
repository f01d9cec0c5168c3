//! Induction loops (e1).

use super::{Interval, Moved, Past, Time, Who};
use crate::scenario::xml::XmlFile;
use model::{
    ids::{LaneIx, LinkIx},
    network::Network,
    sumo::LoopDetector,
};
use std::{collections::BTreeMap, io};

#[derive(Debug)]
pub(super) struct InductionLoop {
    lane: LaneIx,
    link: LinkIx,
    at_m: f64,
    /// Vehicles that cover it.
    on: BTreeMap<Who, On>,
    /// Those that left it in this interval: seconds on it, and length.
    passed: Vec<(f64, f64)>,
    entered: u64,
    covered_s: f64,
    /// Start of the interval, known from the step that opened it.
    began_s: Option<f64>,
}

#[derive(Clone, Copy, Debug)]
struct On {
    entered_s: f64,
    /// Its front, m beyond the loop.
    beyond_m: f64,
}

impl InductionLoop {
    pub(super) fn new(wanted: &LoopDetector, network: &Network) -> InductionLoop {
        InductionLoop {
            lane: wanted.lane,
            link: network.lane(wanted.lane).link,
            at_m: wanted.at_m,
            on: BTreeMap::new(),
            passed: Vec::new(),
            entered: 0,
            covered_s: 0.0,
            began_s: None,
        }
    }

    pub(super) fn step<'m>(
        &mut self,
        time: Time,
        moved: impl Iterator<Item = &'m Moved<'m>>,
        gone: &[(Who, Past)],
    ) {
        let began_s = *self.began_s.get_or_insert(time.at_s);
        for m in moved {
            let who = m.who();
            if let Some(crossed_s) = m.crosses(self.lane, self.at_m) {
                let beyond_m = m.metres - crossed_s * m.now.speed_mps;
                self.on.insert(who, On { entered_s: time.at_s + crossed_s, beyond_m });
                self.entered += 1;
            } else if let Some(on) = self.on.get_mut(&who) {
                on.beyond_m += m.metres;
            }
            let Some(&on) = self.on.get(&who) else { continue };
            let over_m = on.beyond_m - m.now.length_m;
            if over_m > 0.0 {
                let left_s = time.at_s + time.dt_s - over_m / m.now.speed_mps.max(1e-9);
                self.covered_s += left_s - on.entered_s.max(began_s);
                self.passed.push((left_s - on.entered_s, m.now.length_m));
                self.on.remove(&who);
            } else if m.lane().is_some_and(|l| l != self.lane) && m.now.link == self.link {
                // It changed lanes over the loop, which then loses it without having counted it.
                self.covered_s += time.at_s + time.dt_s - on.entered_s.max(began_s);
                self.on.remove(&who);
            }
        }
        for (who, _) in gone {
            if let Some(on) = self.on.remove(who) {
                self.covered_s += time.at_s - on.entered_s.max(began_s);
            }
        }
    }

    pub(super) fn write(
        &mut self,
        id: &str,
        interval: Interval,
        file: Option<&mut XmlFile>,
    ) -> io::Result<()> {
        let still: f64 = self.on.values().map(|on| interval.end_s - on.entered_s.max(interval.begin_s)).sum();
        let occupancy = ((self.covered_s + still) / interval.length_s() * 100.0).clamp(0.0, 100.0);
        let n = self.passed.len() as f64;
        let speed = |(seconds, length): &(f64, f64)| length / seconds.max(1e-3);
        let mean = |sum: f64| if n > 0.0 { sum / n } else { -1.0 };
        let (speeds, slowness): (f64, f64) = self
            .passed
            .iter()
            .map(|p| (speed(p), 1.0 / speed(p)))
            .fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
        let harmonic = if n > 0.0 { n / slowness } else { -1.0 };
        if let Some(file) = file {
            file.line(
                1,
                format_args!(
                    "<interval begin=\"{:.2}\" end=\"{:.2}\" id=\"{id}\" nVehContrib=\"{n}\" flow=\"{:.2}\" \
                     occupancy=\"{occupancy:.2}\" speed=\"{:.2}\" harmonicMeanSpeed=\"{harmonic:.2}\" \
                     length=\"{:.2}\" nVehEntered=\"{}\"/>",
                    interval.begin_s,
                    interval.end_s,
                    n * 3600.0 / interval.length_s(),
                    mean(speeds),
                    mean(self.passed.iter().map(|p| p.1).sum()),
                    self.entered,
                ),
            )?;
        }
        self.passed.clear();
        (self.entered, self.covered_s, self.began_s) = (0, 0.0, None);
        Ok(())
    }
}
