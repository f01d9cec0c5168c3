//! GTFS-Realtime as it comes over the wire: those parts of `gtfs-realtime.proto` (version 2.0) that are used here.
//! What else a feed holds is skipped, as the format wants it.

/// A feed.
#[derive(Clone, PartialEq, prost::Message)]
pub struct FeedMessage {
    /// About the feed.
    #[prost(message, required, tag = "1")]
    pub header: FeedHeader,
    /// What it says.
    #[prost(message, repeated, tag = "2")]
    pub entity: Vec<FeedEntity>,
}

/// About a feed.
#[derive(Clone, PartialEq, prost::Message)]
pub struct FeedHeader {
    /// `2.0`.
    #[prost(string, required, tag = "1")]
    pub gtfs_realtime_version: String,
    /// 0 if the feed says everything, 1 if only what has changed.
    #[prost(int32, optional, tag = "2")]
    pub incrementality: Option<i32>,
    /// When it was said, seconds since 1970.
    #[prost(uint64, optional, tag = "3")]
    pub timestamp: Option<u64>,
}

/// One thing said.
#[derive(Clone, PartialEq, prost::Message)]
pub struct FeedEntity {
    /// Its id in the feed.
    #[prost(string, required, tag = "1")]
    pub id: String,
    /// Whether it is taken back.
    #[prost(bool, optional, tag = "2")]
    pub is_deleted: Option<bool>,
    /// Of a trip.
    #[prost(message, optional, tag = "3")]
    pub trip_update: Option<TripUpdate>,
    /// Of a vehicle.
    #[prost(message, optional, tag = "4")]
    pub vehicle: Option<VehiclePosition>,
    /// Of a disturbance.
    #[prost(message, optional, tag = "5")]
    pub alert: Option<Alert>,
}

/// How a trip runs.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TripUpdate {
    /// Which trip.
    #[prost(message, required, tag = "1")]
    pub trip: TripDescriptor,
    /// Calls of which something is known, in order.
    #[prost(message, repeated, tag = "2")]
    pub stop_time_update: Vec<StopTimeUpdate>,
    /// When it was measured, seconds since 1970.
    #[prost(uint64, optional, tag = "4")]
    pub timestamp: Option<u64>,
    /// Delay of the whole trip, s.
    #[prost(int32, optional, tag = "5")]
    pub delay: Option<i32>,
}

/// Which trip.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct TripDescriptor {
    /// Its id in the timetable's feed.
    #[prost(string, optional, tag = "1")]
    pub trip_id: Option<String>,
    /// When it begins, for trips that run every so often: `08:05:00`.
    #[prost(string, optional, tag = "2")]
    pub start_time: Option<String>,
    /// Its service day: `20240612`.
    #[prost(string, optional, tag = "3")]
    pub start_date: Option<String>,
    /// 0 scheduled, 1 added, 2 unscheduled, 3 cancelled, 5 replacement, 6 duplicated, 7 deleted, 8 new.
    #[prost(int32, optional, tag = "4")]
    pub schedule_relationship: Option<i32>,
    /// Its route's id.
    #[prost(string, optional, tag = "5")]
    pub route_id: Option<String>,
}

/// A call.
#[derive(Clone, PartialEq, prost::Message)]
pub struct StopTimeUpdate {
    /// Its number in the timetable.
    #[prost(uint32, optional, tag = "1")]
    pub stop_sequence: Option<u32>,
    /// When the vehicle comes.
    #[prost(message, optional, tag = "2")]
    pub arrival: Option<StopTimeEvent>,
    /// When it goes.
    #[prost(message, optional, tag = "3")]
    pub departure: Option<StopTimeEvent>,
    /// Where.
    #[prost(string, optional, tag = "4")]
    pub stop_id: Option<String>,
    /// 0 scheduled, 1 skipped, 2 nothing is known, 3 unscheduled.
    #[prost(int32, optional, tag = "5")]
    pub schedule_relationship: Option<i32>,
}

/// A time against the timetable.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct StopTimeEvent {
    /// Seconds later than planned.
    #[prost(int32, optional, tag = "1")]
    pub delay: Option<i32>,
    /// When, seconds since 1970.
    #[prost(int64, optional, tag = "2")]
    pub time: Option<i64>,
}

/// Where a vehicle is, and how full.
#[derive(Clone, PartialEq, prost::Message)]
pub struct VehiclePosition {
    /// Its trip.
    #[prost(message, optional, tag = "1")]
    pub trip: Option<TripDescriptor>,
    /// Where.
    #[prost(message, optional, tag = "2")]
    pub position: Option<Position>,
    /// When it was measured, seconds since 1970.
    #[prost(uint64, optional, tag = "5")]
    pub timestamp: Option<u64>,
    /// Which vehicle.
    #[prost(message, optional, tag = "8")]
    pub vehicle: Option<VehicleDescriptor>,
    /// How full, as a number of the format.
    #[prost(int32, optional, tag = "9")]
    pub occupancy_status: Option<i32>,
    /// How full, per cent; more than 100 where people stand close.
    #[prost(uint32, optional, tag = "10")]
    pub occupancy_percentage: Option<u32>,
}

/// A place.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Position {
    /// Degrees north.
    #[prost(float, required, tag = "1")]
    pub latitude: f32,
    /// Degrees east.
    #[prost(float, required, tag = "2")]
    pub longitude: f32,
    /// Clockwise from north, degrees.
    #[prost(float, optional, tag = "3")]
    pub bearing: Option<f32>,
    /// m/s.
    #[prost(float, optional, tag = "5")]
    pub speed: Option<f32>,
}

/// Which vehicle.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct VehicleDescriptor {
    /// Its id in the feed.
    #[prost(string, optional, tag = "1")]
    pub id: Option<String>,
    /// What passengers see on it.
    #[prost(string, optional, tag = "2")]
    pub label: Option<String>,
}

/// A disturbance.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Alert {
    /// When it holds; always if it does not say.
    #[prost(message, repeated, tag = "1")]
    pub active_period: Vec<TimeRange>,
    /// What it is about.
    #[prost(message, repeated, tag = "5")]
    pub informed_entity: Vec<EntitySelector>,
    /// Why, as a number of the format.
    #[prost(int32, optional, tag = "6")]
    pub cause: Option<i32>,
    /// What it does, as a number of the format.
    #[prost(int32, optional, tag = "7")]
    pub effect: Option<i32>,
    /// Where more is written.
    #[prost(message, optional, tag = "8")]
    pub url: Option<TranslatedString>,
    /// In a few words.
    #[prost(message, optional, tag = "10")]
    pub header_text: Option<TranslatedString>,
    /// In more words.
    #[prost(message, optional, tag = "11")]
    pub description_text: Option<TranslatedString>,
}

/// From when to when, seconds since 1970; open where it does not say.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct TimeRange {
    /// From.
    #[prost(uint64, optional, tag = "1")]
    pub start: Option<u64>,
    /// Until.
    #[prost(uint64, optional, tag = "2")]
    pub end: Option<u64>,
}

/// What a disturbance is about: all that fits everything that is named here.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct EntitySelector {
    /// An agency.
    #[prost(string, optional, tag = "1")]
    pub agency_id: Option<String>,
    /// A route.
    #[prost(string, optional, tag = "2")]
    pub route_id: Option<String>,
    /// All routes of a kind.
    #[prost(int32, optional, tag = "3")]
    pub route_type: Option<i32>,
    /// A trip.
    #[prost(message, optional, tag = "4")]
    pub trip: Option<TripDescriptor>,
    /// A stop.
    #[prost(string, optional, tag = "5")]
    pub stop_id: Option<String>,
}

/// A text in several languages.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct TranslatedString {
    /// Each of them.
    #[prost(message, repeated, tag = "1")]
    pub translation: Vec<Translation>,
}

/// A text in one language.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Translation {
    /// The text.
    #[prost(string, required, tag = "1")]
    pub text: String,
    /// Its language.
    #[prost(string, optional, tag = "2")]
    pub language: Option<String>,
}
