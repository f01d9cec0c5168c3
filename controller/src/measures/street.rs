//! A junction of ours in the log's words: what its detectors are there for, and what they say.
//!
//! A loop at the stop line tells whether somebody waits (presence); who goes late it cannot tell, since it feels a car
//! when it comes to the line, not when it leaves. A loop upstream tells of arrivals. Cameras that follow an area have no
//! edges to log. A push-button is logged as any channel; measures know it as code 90 with its signal group.

use super::{
    event::{Detector, Event, Function, Speed, Turns},
    indiana::Code,
};
use crate::store::{EventRow, FLAG_FAULT, IntervalRow};
use model::{
    detection::DetectorKind,
    ids::LaneIx,
    network::{Network, Turn},
    signal::Junction,
    time::Moment,
};
use std::collections::BTreeMap;

/// What measures know of a junction.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Street {
    /// Its detectors, a line for each channel and group.
    pub detectors: Vec<Detector>,
    /// Push-buttons: their channels, and the groups that they call.
    pub buttons: BTreeMap<u16, Vec<u16>>,
}

impl Street {
    /// Out of the city's own data.
    pub fn of(junction: &Junction, network: &Network) -> Street {
        let mut street = Street::default();
        // A lane is counted where its vehicles are told apart best: at the stop line, or else upstream.
        let at_line = |lane| {
            junction.detectors.iter().any(|d| d.lane == Some(lane) && d.kind == DetectorKind::StopLine)
        };
        for detector in &junction.detectors {
            let (channel, groups) = (detector.channel.0, detector.groups.iter().map(|group| group.0));
            let function = match detector.kind {
                DetectorKind::StopLine => Function::Presence,
                DetectorKind::Advance => Function::Advance,
                DetectorKind::Area => Function::Other,
                DetectorKind::PushButton => {
                    street.buttons.insert(channel, groups.collect());
                    continue;
                }
            };
            let turns = detector.lane.filter(|&lane| match detector.kind {
                DetectorKind::StopLine => true,
                DetectorKind::Advance => !at_line(lane),
                _ => false,
            });
            let turns = turns.and_then(|lane| turns_of(network, lane));
            let later_ms = match detector.lane.filter(|_| function == Function::Advance) {
                Some(lane) => (detector.distance_m / network.lane(lane).speed_limit_mps * 1000.0)
                    .round()
                    .max(0.0) as u32,
                None => 0,
            };
            street.detectors.extend(groups.map(|group| Detector {
                channel,
                group,
                function,
                turns,
                later_ms,
            }));
        }
        street
    }

    /// Whether it has a detector for that.
    pub fn has(&self, function: Function) -> bool {
        self.detectors.iter().any(|detector| detector.function == function)
    }

    /// The speeds that detector stations told, by the same clock as [`Street::log`]. A window's stand in its middle.
    pub fn speeds(&self, rows: &[IntervalRow], window_ms: i64, ahead_ms: i64) -> Vec<Speed> {
        let told = |row: &IntervalRow| {
            let kmh = f64::from(row.speed_mps.filter(|_| row.flags & FLAG_FAULT == 0)?) * 3.6;
            let at = Moment(row.at.0 - window_ms / 2 + ahead_ms);
            Some(Speed { at, channel: row.channel, kmh, vehicles: u32::from(row.count) })
        };
        let advance = |row: &&IntervalRow| {
            self.detectors.iter().any(|d| d.channel == row.channel && d.function == Function::Advance)
        };
        rows.iter().filter(advance).filter_map(told).collect()
    }

    /// The log as measures take it, in their order, its times by a clock so many milliseconds ahead of UTC.
    pub fn log(&self, rows: &[EventRow], ahead_ms: i64) -> Vec<Event> {
        let mut log = Vec::with_capacity(rows.len());
        for row in rows {
            let event = Event { at: Moment(row.at.0 + ahead_ms), code: Code(row.code), param: row.param };
            match (event.code, self.buttons.get(&row.param)) {
                (Code::DETECTOR_ON, Some(groups)) => {
                    log.extend(groups.iter().map(|&param| Event {
                        code: Code::PED_BUTTON_ON,
                        param,
                        ..event
                    }));
                }
                // That it was let go says nothing.
                (Code::DETECTOR_OFF, Some(_)) => {}
                _ => log.push(event),
            }
        }
        log.sort_unstable();
        log
    }
}

/// The ways that lead out of a lane; `None` if none does.
fn turns_of(network: &Network, lane: LaneIx) -> Option<Turns> {
    let first = network.movements.partition_point(|movement| movement.from < lane);
    let here = network.movements[first..].iter().take_while(|movement| movement.from == lane);
    let turns = here.fold(Turns::default(), |turns, movement| match movement.turn {
        Turn::UTurn | Turn::Left => Turns { left: true, ..turns },
        Turn::Straight => Turns { through: true, ..turns },
        Turn::Right => Turns { right: true, ..turns },
    });
    (turns != Turns::default()).then_some(turns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::ids::JunctionIx;

    #[test]
    fn a_button_is_a_press_for_its_group() {
        let street = Street { buttons: [(7, vec![3, 4])].into(), ..Street::default() };
        let row = |at, code, param| EventRow { at: Moment(at), junction: JunctionIx(0), code, param };
        let log = street.log(&[row(5, 82, 7), row(5, 82, 8), row(6, 81, 7), row(7, 1, 7)], 1000);
        let said: Vec<_> = log.iter().map(|event| (event.at.0, event.code.0, event.param)).collect();
        assert_eq!(said, [(1005, 82, 8), (1005, 90, 3), (1005, 90, 4), (1007, 1, 7)]);
    }
}
