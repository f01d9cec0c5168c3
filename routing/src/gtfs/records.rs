//! A feed's rows as types. What one row says of another is an index into the same [`Feed`], so that nothing in it
//! points nowhere.

use super::{calendar::Service, fares::FareTables, flex::OnDemand};
use crate::columns::Entry;
use model::geo::LonLat;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, num::NonZeroU32, ops::Range};

/// A feed that was read and put in order.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Feed {
    /// The name by which its ids are told from those of other feeds.
    pub tag: String,
    /// Who runs the vehicles; at least one.
    pub agencies: Vec<Agency>,
    /// Stops, stations, entrances.
    pub stops: Vec<Stop>,
    /// Lines.
    pub routes: Vec<Route>,
    /// Days of running.
    pub services: Vec<Service>,
    /// Runs of vehicles.
    pub trips: Vec<Trip>,
    /// Calls at stops, by trip and in running order.
    pub calls: Vec<Call>,
    /// Headsigns that [`Call::headsign`] names.
    pub headsigns: Vec<String>,
    /// Lines on the map that [`Trip::shape`] names.
    pub shapes: Vec<Vec<LonLat>>,
    /// Trips that run every so often.
    pub frequencies: Vec<Frequency>,
    /// What the operator says of changing.
    pub transfers: Vec<Transfer>,
    /// Ways inside stations.
    pub pathways: Vec<Pathway>,
    /// English for names and headsigns that are in another language.
    pub english: BTreeMap<String, String>,
    /// What rides cost, where the feed says so.
    pub fares: Option<FareTables>,
    /// Vehicles that come when they are asked for.
    pub on_demand: OnDemand,
}

/// Who runs the vehicles.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Agency {
    /// Its id; empty where the only agency has none.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its page.
    pub url: String,
    /// Its time zone, by its IANA name, which is known to exist.
    pub zone: String,
}

/// What a row of `stops.txt` is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum StopKind {
    /// Where a vehicle stops.
    Platform,
    /// A station, which holds platforms.
    Station,
    /// A way in and out of a station.
    Entrance,
    /// A place inside a station where ways meet.
    Node,
    /// A part of a platform.
    BoardingArea,
}

/// What is known about use in a wheelchair.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub enum Wheelchair {
    /// Nothing.
    #[default]
    Unknown,
    /// It is possible.
    Possible,
    /// It is not.
    Impossible,
}

impl Wheelchair {
    /// GTFS' code.
    pub(super) fn of(code: u8) -> Wheelchair {
        match code {
            1 => Wheelchair::Possible,
            2 => Wheelchair::Impossible,
            _ => Wheelchair::Unknown,
        }
    }
}

/// A row of `stops.txt`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Stop {
    /// Its id, unique in the feed.
    pub id: String,
    /// The number on its sign.
    pub code: Option<String>,
    /// Its name.
    pub name: String,
    /// Where it is.
    pub at: LonLat,
    /// What it is.
    pub kind: StopKind,
    /// The station (or platform, for a boarding area) that it is a part of.
    pub parent: Option<u32>,
    /// The platform's number.
    pub platform: Option<String>,
    /// Its level; 0 is the street's.
    pub level: f32,
    /// The zone of the tariff that it is in.
    pub zone: Option<String>,
    /// Whether one can board in a wheelchair; a platform has what its station has if it says nothing itself.
    pub wheelchair: Wheelchair,
}

/// What runs on a route: the modes of MOTIS' API, one for each kind of `route_type`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Mode {
    /// Tram, light rail.
    Tram,
    /// Underground, metro.
    Subway,
    /// Rail that is none of the following.
    Rail,
    /// High-speed trains.
    HighspeedRail,
    /// Long-distance trains.
    LongDistance,
    /// Sleepers.
    NightRail,
    /// Fast regional trains.
    RegionalFastRail,
    /// Regional trains.
    RegionalRail,
    /// Suburban trains.
    Suburban,
    /// City buses, trolleybuses.
    Bus,
    /// Coaches.
    Coach,
    /// Ships.
    Ferry,
    /// Aeroplanes.
    Airplane,
    /// Funiculars.
    Funicular,
    /// Cable cars in the air.
    AerialLift,
    /// Anything else.
    Other,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Mode; 16] = [
        Mode::Tram,
        Mode::Subway,
        Mode::Rail,
        Mode::HighspeedRail,
        Mode::LongDistance,
        Mode::NightRail,
        Mode::RegionalFastRail,
        Mode::RegionalRail,
        Mode::Suburban,
        Mode::Bus,
        Mode::Coach,
        Mode::Ferry,
        Mode::Airplane,
        Mode::Funicular,
        Mode::AerialLift,
        Mode::Other,
    ];

    /// For a `route_type`, simple or extended (Google's hierarchical vehicle types); `None` if it is none.
    pub fn of_route_type(code: u16) -> Option<Mode> {
        Some(match code {
            0 | 5 | 900..=906 => Mode::Tram,
            1 | 12 | 400..=404 | 405 => Mode::Subway,
            101 => Mode::HighspeedRail,
            102 => Mode::LongDistance,
            103 => Mode::RegionalFastRail,
            105 => Mode::NightRail,
            106 => Mode::RegionalRail,
            109 => Mode::Suburban,
            2 | 100..=117 => Mode::Rail,
            3 | 11 | 700..=716 | 800 => Mode::Bus,
            200..=209 => Mode::Coach,
            4 | 1000..=1021 | 1200 => Mode::Ferry,
            1100..=1114 => Mode::Airplane,
            7 | 1400..=1402 => Mode::Funicular,
            6 | 1300..=1307 => Mode::AerialLift,
            1500..=1507 | 1700..=1702 => Mode::Other,
            _ => return None,
        })
    }

    /// Its name in MOTIS.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Tram => "TRAM",
            Mode::Subway => "SUBWAY",
            Mode::Rail => "RAIL",
            Mode::HighspeedRail => "HIGHSPEED_RAIL",
            Mode::LongDistance => "LONG_DISTANCE",
            Mode::NightRail => "NIGHT_RAIL",
            Mode::RegionalFastRail => "REGIONAL_FAST_RAIL",
            Mode::RegionalRail => "REGIONAL_RAIL",
            Mode::Suburban => "SUBURBAN",
            Mode::Bus => "BUS",
            Mode::Coach => "COACH",
            Mode::Ferry => "FERRY",
            Mode::Airplane => "AIRPLANE",
            Mode::Funicular => "FUNICULAR",
            Mode::AerialLift => "AERIAL_LIFT",
            Mode::Other => "OTHER",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Route {
    /// Its id, unique in the feed.
    pub id: String,
    /// Who runs it.
    pub agency: u32,
    /// Its number.
    pub short_name: String,
    /// Its name.
    pub long_name: String,
    /// What runs on it.
    pub mode: Mode,
    /// As GTFS has it.
    pub route_type: u16,
    /// `rrggbb`, if it has one.
    pub colour: Option<String>,
    /// The colour of letters on it.
    pub text_colour: Option<String>,
}

impl Route {
    /// What to call it: its number, or its name if it has none.
    pub fn sign(&self) -> &str {
        if self.short_name.is_empty() { &self.long_name } else { &self.short_name }
    }
}

/// One run of a vehicle, on each day of its service.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Trip {
    /// Its id, unique in the feed.
    pub id: String,
    /// Its line.
    pub route: u32,
    /// Its days.
    pub service: u32,
    /// What its front says.
    pub headsign: String,
    /// Its line on the map.
    pub shape: Option<u32>,
    /// Whether a wheelchair can be taken.
    pub wheelchair: Wheelchair,
    /// Whether bicycles are taken along (`bikes_allowed`). What is not known is not promised.
    pub takes_bicycles: bool,
    /// Its calls, at least two.
    pub calls: Range<u32>,
    /// Times of its calls count from then, seconds since the service day began.
    pub starts_s: u32,
}

/// A vehicle calls at a stop. Times are seconds since the trip's [`Trip::starts_s`], and never go back along a trip.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Call {
    /// Where.
    pub stop: u32,
    /// When it comes.
    pub arrival_s: u32,
    /// When it goes, not before it came.
    pub departure_s: u32,
    /// Its number in the trip, by which realtime feeds name it.
    pub sequence: u16,
    /// Whether one may get on.
    pub boards: bool,
    /// Whether one may get off.
    pub alights: bool,
    /// What its front says from here, if not what [`Trip::headsign`] says.
    pub headsign: Option<HeadsignIx>,
}

impl Call {
    /// The same call so much later; earlier, if that wraps round.
    pub(crate) fn later_by(self, seconds: u32) -> Call {
        let later = |s: u32| s.wrapping_add(seconds);
        Call { arrival_s: later(self.arrival_s), departure_s: later(self.departure_s), ..self }
    }
}

/// Index into [`Feed::headsigns`]. It is one more inside, so that there is room for none in its four bytes: there are millions of
/// calls.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct HeadsignIx(NonZeroU32);

impl HeadsignIx {
    /// The index that is so much.
    pub fn new(ix: usize) -> HeadsignIx {
        HeadsignIx(NonZeroU32::MIN.saturating_add(ix as u32))
    }

    /// As one indexes with it.
    pub fn ix(self) -> usize {
        self.0.get() as usize - 1
    }
}

impl Entry for Call {
    const BYTES: usize = <([u32; 4], (u16, [bool; 2]))>::BYTES;

    fn write(self, bytes: &mut Vec<u8>) {
        let Call { stop, arrival_s, departure_s, sequence, boards, alights, headsign } = self;
        let headsign = headsign.map_or(0, |headsign| headsign.0.get());
        ([stop, arrival_s, departure_s, headsign], (sequence, [boards, alights])).write(bytes);
    }

    fn read(bytes: &[u8]) -> Self {
        let ([stop, arrival_s, departure_s, headsign], (sequence, [boards, alights])) = Entry::read(bytes);
        let headsign = NonZeroU32::new(headsign).map(HeadsignIx);
        Call { stop, arrival_s, departure_s, sequence, boards, alights, headsign }
    }
}

/// A trip that runs every so often; its own times only say how long it takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Frequency {
    /// Which.
    pub trip: u32,
    /// First departure, seconds since the service day began.
    pub from_s: u32,
    /// No departure then or later.
    pub until_s: u32,
    /// Seconds between departures, > 0.
    pub headway_s: u32,
    /// Whether the departures are promised to the minute.
    pub exact: bool,
}

/// What the operator says of changing between two stops.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Transfer {
    /// From this one.
    pub from: u32,
    /// To this one.
    pub to: u32,
    /// What it says.
    pub rule: TransferRule,
}

/// How one changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum TransferRule {
    /// It is a good place to change.
    Recommended,
    /// The vehicles wait for one another: no time is needed but to walk.
    Timed,
    /// So many seconds are needed.
    Takes(u32),
    /// It cannot be done.
    Forbidden,
}

/// What a way inside a station is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum PathwayKind {
    /// A corridor.
    Walkway,
    /// Stairs.
    Stairs,
    /// A moving pavement.
    Travelator,
    /// An escalator.
    Escalator,
    /// A lift.
    Lift,
    /// A gate where one pays.
    FareGate,
    /// A gate that lets out only.
    ExitGate,
}

/// A way inside a station.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Pathway {
    /// From here.
    pub from: u32,
    /// To here.
    pub to: u32,
    /// What it is.
    pub kind: PathwayKind,
    /// Whether it can be gone the other way too.
    pub both_ways: bool,
    /// How long it takes on foot, s.
    pub seconds: u32,
    /// Whether it can be passed in a wheelchair.
    pub step_free: bool,
}
