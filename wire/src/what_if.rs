//! What-if: a centre sends the street as it knows it and what is to be tried, and a simulator says what would come
//! of it. **Ours.** Nothing here reaches the street.
//!
//! Both must have the same city file: lanes and movements are named by their places in it, and
//! [`Request::city`] says which file that is.

use model::{
    ids::{LaneIx, MovementIx},
    time::Moment,
};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;
use uuid::Uuid;

/// How far ahead may be looked, s: less shows hardly one change, more is a guess about another traffic.
pub const HORIZON_S: RangeInclusive<u32> = 300..=3600;
/// Seeds that may be asked for: one shows no spread.
pub const SEEDS: RangeInclusive<u16> = 2..=20;
/// A simulator that is at work on a request says so at least this often, s of the machine's time.
pub const HEARTBEAT_S: u64 = 2;

/// `whatif.run`: try this.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Request {
    /// Unique, and ordered by time (UUIDv7). The same id again is the same request.
    pub id: Uuid,
    /// The city's fingerprint; a simulator with another one refuses.
    pub city: u64,
    /// The answer is worth nothing later than this after the request came, s of the machine's time.
    pub within_s: u32,
    /// How far ahead to look, s: within [`HORIZON_S`].
    pub horizon_s: u32,
    /// How many times, with other chances each time: within [`SEEDS`].
    pub seeds: u16,
    /// The street.
    pub picture: Picture,
    /// What is to be tried; junctions that no change names go on as they are.
    pub trial: Vec<Change>,
}

/// The street as a centre knows it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Picture {
    /// When it was so.
    #[serde(with = "crate::codec::timestamp")]
    pub at: Moment,
    /// UTC offset of the place, s, for schedules.
    pub utc_offset_s: i32,
    /// Lanes that are looked at: four numbers for each, see [`LaneNow`].
    pub lanes: Vec<u32>,
    /// Vehicles an hour that leave a lane over its stop line: two numbers for each, lane and flow.
    pub lane_flows: Vec<u32>,
    /// Vehicles an hour that take a movement: two numbers for each, movement and flow.
    pub turn_flows: Vec<u32>,
    /// What each junction runs.
    pub junctions: Vec<Running>,
}

/// What is known of a lane now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LaneNow {
    /// The lane, by its place in the city.
    pub lane: LaneIx,
    /// Vehicles that stand.
    pub standing: u32,
    /// Vehicles that move.
    pub moving: u32,
    /// How far back from the stop line they were looked for, m.
    pub seen_m: u32,
}

impl Picture {
    /// Adds a lane.
    pub fn add_lane(&mut self, lane: LaneNow) {
        self.lanes.extend([lane.lane.0, lane.standing, lane.moving, lane.seen_m]);
    }
    /// Lanes that are looked at; `None` if the list breaks off in the middle of one.
    pub fn lanes(&self) -> Option<Vec<LaneNow>> {
        let (lanes, rest) = self.lanes.as_chunks::<4>();
        let now = |&[lane, standing, moving, seen_m]: &[u32; 4]| LaneNow {
            lane: LaneIx(lane),
            standing,
            moving,
            seen_m,
        };
        rest.is_empty().then(|| lanes.iter().map(now).collect())
    }
    /// Lanes with their flows, veh/h.
    pub fn lane_flows(&self) -> Option<Vec<(LaneIx, u32)>> {
        pairs(&self.lane_flows, LaneIx)
    }
    /// Movements with their flows, veh/h.
    pub fn turn_flows(&self) -> Option<Vec<(MovementIx, u32)>> {
        pairs(&self.turn_flows, MovementIx)
    }
}

fn pairs<T>(numbers: &[u32], of: impl Fn(u32) -> T) -> Option<Vec<(T, u32)>> {
    let (pairs, rest) = numbers.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|&[i, flow]| (of(i), flow)).collect())
}

/// Kinds of control.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The first plan, always.
    Fixed,
    /// The plan that the time of day wants.
    Schedule,
    /// Actuated with gap-out.
    Actuated,
    /// Max-pressure.
    MaxPressure,
    /// A rolling horizon.
    Adaptive,
}

/// What a junction runs now.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Running {
    /// The junction.
    pub junction: String,
    /// The kind of control in use.
    pub kind: Kind,
    /// An operator's order that rules over it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
    /// The stage that is green, or where the interstage leads; 0 unknown.
    pub stage: u16,
    /// For how long it has been so, s.
    pub for_s: u32,
}

/// An operator's order in force.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Order {
    /// What was ordered.
    pub what: Ordered,
    /// It ends by itself after so long, s.
    pub left_s: u32,
}

/// What can be ordered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ordered {
    /// That plan.
    Plan(u16),
    /// That stage is held.
    Hold(u16),
    /// Flashing amber.
    Flash,
}

/// What is to be tried at some junctions. It takes the place of orders in force there.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Change {
    /// The junctions.
    pub junctions: Vec<String>,
    /// How they are controlled.
    pub control: Control,
}

/// How a junction is to be controlled.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// By that kind.
    Kind(Kind),
    /// By that plan, fixed. Its stages must be the junction's.
    Plan(Plan),
}

/// A plan to be tried. Tenths of a second.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// Offset against the common clock.
    pub offset: u32,
    /// Stages in order with their splits, which add up to the cycle.
    pub steps: Vec<(u16, u32)>,
}

/// `whatif.cancel`: forget it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Cancel {
    /// The request.
    pub id: Uuid,
}

/// What a simulator says of a request, again and again until it is over.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// The request.
    pub id: Uuid,
    /// Who answers: of two simulators the first one counts.
    pub from: String,
    /// How far it is.
    pub state: State,
}

/// How far a request is.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Others are before it.
    Waiting {
        /// How many.
        before: u16,
    },
    /// It is being driven.
    Running {
        /// Share done, 0 to 1.
        done: f32,
    },
    /// It is over.
    Done(Box<Outcome>),
    /// There will be no outcome.
    Failed {
        /// Why.
        reason: Failure,
        /// The same for people, English.
        detail: String,
    },
}

/// Why there is no outcome.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The simulator has another city file.
    OtherCity,
    /// Too many wait already.
    Full,
    /// Nobody wants it any more.
    Cancelled,
    /// It was not done in time.
    Late,
    /// It names something that the city does not have, or asks for something out of bounds.
    Refused,
    /// The simulator failed.
    Broken,
}

impl Failure {
    /// Every reason.
    pub const ALL: [Failure; 6] = [
        Failure::OtherCity,
        Failure::Full,
        Failure::Cancelled,
        Failure::Late,
        Failure::Refused,
        Failure::Broken,
    ];
}

/// What would come of it. Both streets, the one as it is and the one with the changes, were driven with the same
/// seeds: the same vehicles at the same places, and the same ones to come.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// Seeds driven.
    pub seeds: u16,
    /// How far ahead, s.
    pub horizon_s: u32,
    /// What the outcome rests on.
    pub assumptions: Assumptions,
    /// Over the whole street.
    pub measures: Vec<Measured>,
    /// Delay at each junction that a change names.
    pub junctions: Vec<JunctionMeasured>,
}

/// What an outcome rests on. Means over the seeds where they differ.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Assumptions {
    /// Vehicles at the beginning that detectors saw.
    pub known: u32,
    /// Vehicles at the beginning where nobody looks, by the flows around.
    pub assumed: f64,
    /// Vehicles that come within the horizon, by the flows of the last minutes.
    pub to_come: f64,
    /// Movements whose flow was measured.
    pub turns_measured: u32,
    /// Movements whose flow was guessed from those around.
    pub turns_assumed: u32,
}

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Time lost against free driving and waiting to get in, s per vehicle that was or came there.
    DelayS,
    /// Time on the road and waiting to get in, s per vehicle that was or came there.
    TravelTimeS,
    /// Times that a vehicle came to stand.
    Stops,
    /// Vehicles that arrived. The only one of which more is better.
    Arrived,
    /// Most vehicles that stood on one link at once.
    LongestQueue,
    /// Vehicles on the road at the end.
    LeftAtEnd,
    /// Vehicles that found no room to get in, at the end.
    WaitingAtEdges,
}

impl Measure {
    /// Every measure, in the order in which they are told.
    pub const ALL: [Measure; 7] = [
        Measure::DelayS,
        Measure::TravelTimeS,
        Measure::Stops,
        Measure::Arrived,
        Measure::LongestQueue,
        Measure::LeftAtEnd,
        Measure::WaitingAtEdges,
    ];
    /// Whether more of it is better.
    pub fn more_is_better(self) -> bool {
        self == Measure::Arrived
    }
}

/// One measure, without and with the changes.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Measured {
    /// Which.
    pub measure: Measure,
    /// The street as it is.
    pub base: Spread,
    /// With the changes.
    pub trial: Spread,
    /// With the changes less without, seed by seed.
    pub difference: Spread,
    /// What that shows.
    pub verdict: Verdict,
}

/// The delay at one junction.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct JunctionMeasured {
    /// The junction.
    pub junction: String,
    /// Seconds lost on the links that lead to it, per vehicle that was there.
    pub delay: Measured,
}

/// A mean over the seeds and how sure it is.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Spread {
    /// Mean.
    pub mean: f64,
    /// Standard deviation from seed to seed.
    pub sd: f64,
    /// The 95 % confidence interval is the mean plus and minus this (Student's t).
    pub half: f64,
}

/// What a difference shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The whole interval of the difference is on the good side.
    Better,
    /// The whole interval is on the bad side.
    Worse,
    /// The interval holds zero.
    NoDifferenceShown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_breaks_off_is_none() {
        let mut picture = Picture {
            at: Moment(0),
            utc_offset_s: 0,
            lanes: Vec::new(),
            lane_flows: vec![7, 600],
            turn_flows: vec![1, 2, 3],
            junctions: Vec::new(),
        };
        let lane = LaneNow { lane: LaneIx(4), standing: 2, moving: 1, seen_m: 250 };
        picture.add_lane(lane);
        assert_eq!(picture.lanes(), Some(vec![lane]));
        assert_eq!(picture.lane_flows(), Some(vec![(LaneIx(7), 600)]));
        assert_eq!(picture.turn_flows(), None);
        picture.lanes.push(1);
        assert_eq!(picture.lanes(), None);
    }
}
