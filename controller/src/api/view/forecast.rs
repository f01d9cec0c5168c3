//! What the API says of volumes to come.

use serde::Serialize;
use utoipa::ToSchema;

/// `GET /api/v1/forecast`: how good the forecast of volumes has been lately, over all detectors.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct ForecastQuality {
    /// Length of a slot, s.
    pub slot_s: u64,
    /// Junctions that are forecast.
    pub junctions: usize,
    /// By how far ahead; means over about a week.
    pub errors: Vec<ForecastError>,
}

/// How far forecasts were off, in the unit of what they are of (vehicles an hour, s): means of the absolute.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct ForecastError {
    /// The forecast slot ended so long after the forecast was made, min.
    pub ahead_min: u64,
    /// Forecasts that have been held against what came; 0 until days are known.
    pub count: u32,
    /// Of the forecast; null if there was none.
    pub forecast: Option<f64>,
    /// Had the last value gone on.
    pub last_value: Option<f64>,
    /// Had the usual value of that time come.
    pub usual: Option<f64>,
}

/// `GET /api/v1/junctions/{id}/forecast`: what its detectors will count in the next hour.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct VolumeForecasts {
    /// The TLC's id.
    pub junction: String,
    /// What was counted until then is known.
    pub from: Option<i64>,
    /// Length of a slot, s.
    pub slot_s: u64,
    /// By channel.
    pub detectors: Vec<VolumeForecast>,
}

/// What a detector will count.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct VolumeForecast {
    /// The channel.
    pub channel: u16,
    /// Signal groups that its traffic goes by.
    pub groups: Vec<u16>,
    /// Slot by slot, for an hour; empty if nothing is known.
    pub ahead: Vec<VolumeAhead>,
    /// How good that has been lately.
    pub errors: Vec<ForecastError>,
}

/// What a detector will count in a slot.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct VolumeAhead {
    /// The slot's beginning.
    pub from: i64,
    /// Its end.
    pub to: i64,
    /// Vehicles an hour.
    pub flow_h: f64,
    /// Learned from days like this one; false means that too few are known yet, and the last values go on.
    pub learned: bool,
}

/// `GET /api/v1/speed-index/ahead`.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct IndexAhead {
    /// All of it is learned; else the last travel times go on where too few days are known.
    pub learned: bool,
    /// Each five minutes; none where nothing is known.
    pub points: Vec<IndexPoint>,
}

/// The speed index to come.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct IndexPoint {
    /// The middle of the five minutes.
    pub at: i64,
    /// The index, %.
    pub index: f64,
    /// Where it would be if travel times were as much longer than forecast as they were off lately, on average; null while none
    /// was held against what came.
    pub low: Option<f64>,
    /// The same if they were shorter.
    pub high: Option<f64>,
}
