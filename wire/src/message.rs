//! What the street says. Field names are the draft's where it has them; **ours** marks what we add.

use model::{
    detection::{Reading, Sighting},
    ids::{ChannelNumber, GroupNumber},
    signal::Lamp,
    time::{Moment, Tenths},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A status message: one entry, or several in a batch, oldest first.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Status<V> {
    /// Entries.
    pub entries: Vec<Entry<V>>,
}

/// One entry of a status.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Entry<V> {
    /// When it was so. See [`crate::codec::timestamp`] for its two forms on the wire.
    #[serde(with = "crate::codec::timestamp")]
    pub ts: Moment,
    /// Counts entries of the channel, from 0 when the channel starts, on through a replay.
    pub seq: u64,
    /// **Ours**, on channels that are kept: the start of the program in which it was made, since numbers begin anew with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_id: Option<Uuid>,
    /// What was so.
    pub values: V,
}

impl<V> Entry<V> {
    /// Of a channel that nobody keeps.
    pub fn new(ts: Moment, seq: u64, values: V) -> Entry<V> {
        Entry { ts, seq, boot_id: None, values }
    }
}

/// A replay of a status after an outage: the same entries, under their first sequence numbers, behind live
/// data. A reader that does not care for `done` may read it as a [`Status`].
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Replay<V> {
    /// Entries, oldest first; none if nothing was kept.
    pub entries: Vec<Entry<V>>,
    /// When the entry after the last of these was made, if there is one.
    #[serde(default, with = "crate::codec::timestamp_option")]
    pub next_ts: Option<Moment>,
    /// The last message of the replay.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub done: bool,
}

/// `fetch/…`: a centre asks a cabinet what it still has of a channel. The answer comes as [`Replay`]s on `history/…`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Fetch {
    /// From then on.
    #[serde(with = "crate::codec::timestamp")]
    pub from: Moment,
    /// And before then.
    #[serde(with = "crate::codec::timestamp")]
    pub to: Moment,
}

/// `stored/…`: entries of a channel that a centre's store has for good, told to the cabinet that made them; it need not
/// keep them any longer. **Ours.**
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Stored {
    /// Runs of entries, each without a gap.
    pub runs: Vec<Run>,
}

/// `throttle/…`: a centre stops a channel, or lets it run again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Throttle {
    /// Which.
    pub action: ThrottleAction,
    /// After so many seconds a stopped channel runs again by itself; see [`LONGEST_STOP_S`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u32>,
}

/// What becomes of a channel.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThrottleAction {
    /// It runs again.
    Start,
    /// It says nothing for a while.
    Stop,
}

/// No channel stays stopped for longer, s, and each does for so long that is stopped without a timeout: whoever stopped
/// it may be gone. **Ours.**
pub const LONGEST_STOP_S: u32 = 3_600;

/// `channel/…`: whether a channel runs. Retained, and said anew on every connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ChannelWord {
    /// Whether it does.
    pub state: ChannelState,
}

/// State of a channel.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelState {
    /// It says what it has.
    Running,
    /// It says nothing.
    Stopped,
}

/// Entries that follow one another.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Run {
    /// The start of the program in which they were made.
    pub boot_id: Uuid,
    /// Number of the first.
    pub first: u64,
    /// Number of the last.
    pub last: u64,
}

impl Run {
    /// A run of one entry.
    pub fn of(boot_id: Uuid, seq: u64) -> Run {
        Run { boot_id, first: seq, last: seq }
    }

    /// Whether it has that entry.
    pub fn has(&self, boot_id: Uuid, seq: u64) -> bool {
        self.boot_id == boot_id && (self.first..=self.last).contains(&seq)
    }

    /// Whether the entry is the one after its last.
    pub fn ends_before(&self, boot_id: Uuid, seq: u64) -> bool {
        self.boot_id == boot_id && self.last.checked_add(1) == Some(seq)
    }
}

/// `tlc.groups`: what the lamps show.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Groups {
    /// One SXL letter per group, in group order; see [`letter`].
    pub signalgroupstatus: String,
    /// The stage that is green, or the one that the interstage leads to; 0 if neither.
    pub stage: u16,
    /// Seconds into the cycle, by this junction's offset.
    pub cyclecounter: u32,
    /// Seconds into the cycle, by the common clock.
    pub basecyclecounter: u32,
    /// **Ours**: for how long each group has shown this, tenths of a second.
    pub ages: Vec<u32>,
    /// **Ours**: whether an interstage is running.
    pub interstage: bool,
    /// **Ours**: the stage that the device was last asked for by the agent, 0 if none is in force.
    pub wanted: u16,
    /// **Ours**: the node's monotonic clock, ms; a command echoes it.
    pub ref_tick: u64,
}

impl Groups {
    /// The lamps, in group order; letters we do not know read as dark.
    pub fn lamps(&self) -> Vec<Lamp> {
        self.signalgroupstatus.chars().map(|c| lamp(c).unwrap_or(Lamp::Dark)).collect()
    }
}

/// The SXL letter for a lamp (signal group status, S0001 of the SXL for traffic lights 1.2). The SXL has one
/// letter per *cause*; this is the plainest of each colour. [`letter_at`] also tells minimum green from what
/// follows it; [`lamp`] reads all of them.
pub fn letter(lamp: Lamp) -> char {
    match lamp {
        Lamp::RedAmber => '0',
        Lamp::Green => '3',
        Lamp::FlashingGreen => '9',
        Lamp::Amber => 'N',
        Lamp::Red => 'B',
        Lamp::FlashingAmber => 'c',
        Lamp::Dark => 'a',
    }
}

/// The letter for a lamp that has shown for `age`: `1`, minimum green, says that nobody may cut it.
pub fn letter_at(lamp: Lamp, age: Tenths, min_green: Tenths) -> char {
    if lamp == Lamp::Green && age < min_green { '1' } else { letter(lamp) }
}

/// What a letter of the SXL means for the lamps; `None` if the SXL has no such letter.
pub fn lamp(letter: char) -> Option<Lamp> {
    Some(match letter {
        // Disabled, dark by hand.
        'a' | 'b' => Lamp::Dark,
        // Flashing by hand, in yellow or red; start-up interval 1 is dark or flashing. Nobody is controlled.
        'c' | 'd' | 'e' => Lamp::FlashingAmber,
        // Start-up interval 2 shows vehicles yellow; `O` is amber of variable length.
        'f' | 'N' | 'O' => Lamp::Amber,
        // Start-up interval 3, red by hand, red for all its reasons, variable red.
        'g' | 'h' | 'A'..='G' | 'P' => Lamp::Red,
        '0' => Lamp::RedAmber,
        // Minimum, extended, resting, passive, past-end and extra green.
        '1'..='8' => Lamp::Green,
        '9' => Lamp::FlashingGreen,
        _ => return None,
    })
}

/// Rungs of the ladder, best first. A cabinet always stands on one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rung {
    /// The centre asks for stages.
    Adaptive,
    /// A coordinated plan, by the clock.
    Coordinated,
    /// Local actuated.
    LocalActuated,
    /// A fixed plan without a trusted clock.
    Fixed,
    /// Flashing amber.
    Flashing,
    /// Dark.
    Dark,
}

/// `tlc.mode`: which rung, and why.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Mode {
    /// The rung.
    pub rung: Rung,
    /// Since when.
    #[serde(with = "crate::codec::timestamp")]
    pub since: Moment,
    /// Why, in a few fixed words: `lease lapsed`, `lease held`, `power lost`, `manual panel`.
    pub reason: String,
    /// The plan that runs or would run, 0 if none.
    pub plan: u16,
    /// When the lease that holds us here ends, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::codec::timestamp_option")]
    pub lease_until: Option<Moment>,
}

/// `tlc.events`: one event of the hi-res log (Indiana enumeration; `docs/glossary.md` names the codes we
/// send), to a tenth of a second. **Ours.**
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct HiRes {
    /// When.
    #[serde(with = "crate::codec::timestamp")]
    pub t: Moment,
    /// What.
    pub code: u16,
    /// Of which group, channel or plan.
    pub param: u16,
}

/// `tlc.events`: a batch.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Events {
    /// Oldest first.
    pub events: Vec<HiRes>,
}

/// `traffic.count`: all channels of a cabinet over one window.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Length of the window.
    #[serde(rename = "window")]
    pub window_s: f64,
    /// Channels, ascending.
    pub channels: Vec<Channel>,
}

/// One channel of `traffic.count`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Channel {
    /// `dl/<n>`.
    pub dl: u16,
    /// Vehicles counted.
    #[serde(rename = "vehicles.sum")]
    pub vehicles_sum: u16,
    /// Share of time covered, 0 to 1.
    #[serde(rename = "occupancy.avg")]
    pub occupancy_avg: f32,
    /// m/s.
    #[serde(rename = "speed.avg", default, skip_serializing_if = "Option::is_none")]
    pub speed_avg: Option<f32>,
    /// Covered at the end of the window.
    #[serde(default)]
    pub occupied: bool,
    /// **Ours**: vehicles that stand, at the end of the window.
    #[serde(rename = "queue.last", default, skip_serializing_if = "Option::is_none")]
    pub queue_last: Option<u16>,
    /// **Ours**: all vehicles in view, at the end of the window.
    #[serde(rename = "vehicles.last", default, skip_serializing_if = "Option::is_none")]
    pub vehicles_last: Option<u16>,
    /// **Ours**: the vehicles that the channel follows at the end of the window, the nearest first. Three numbers
    /// for each: front to stop line in 0.1 m, speed in 0.01 m/s, length in 0.1 m.
    #[serde(rename = "sightings.last", default, skip_serializing_if = "Vec::is_empty")]
    pub sightings_last: Vec<i32>,
    /// The channel says that it is broken.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fault: bool,
}

impl Channel {
    /// From the model's words.
    pub fn new(channel: ChannelNumber, r: &Reading, sightings: &[Sighting]) -> Channel {
        Channel {
            dl: channel.0,
            vehicles_sum: r.count,
            occupancy_avg: r.occupancy,
            speed_avg: r.speed_mps,
            occupied: r.occupied,
            queue_last: r.queue,
            vehicles_last: r.vehicles,
            sightings_last: sightings
                .iter()
                .flat_map(|s| [i32::from(s.distance_dm), i32::from(s.speed_cmps), i32::from(s.length_dm)])
                .collect(),
            fault: r.fault,
        }
    }
    /// Into the model's words.
    pub fn reading(&self) -> (ChannelNumber, Reading) {
        let reading = Reading {
            count: self.vehicles_sum,
            occupancy: self.occupancy_avg,
            speed_mps: self.speed_avg,
            occupied: self.occupied,
            queue: self.queue_last,
            vehicles: self.vehicles_last,
            fault: self.fault,
        };
        (ChannelNumber(self.dl), reading)
    }
    /// The vehicles that it follows; `None` if the list breaks off in the middle of one, or a number is none of those
    /// that can be measured.
    pub fn sightings(&self) -> Option<Vec<Sighting>> {
        let (vehicles, rest) = self.sightings_last.as_chunks::<3>();
        let sighting = |&[distance, speed, length]: &[i32; 3]| {
            Some(Sighting {
                distance_dm: distance.try_into().ok()?,
                speed_cmps: speed.try_into().ok()?,
                length_dm: length.try_into().ok()?,
            })
        };
        vehicles.iter().map(sighting).collect::<Option<_>>().filter(|_| rest.is_empty())
    }
}

/// `presence`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Presence {
    /// Whether it is there.
    pub state: PresenceState,
    /// **Ours**: one per start of the program.
    pub boot_id: Uuid,
    /// **Ours**: `Junction::config_hash` of the cabinet's own copy; 0 for a centre.
    pub config_hash: u32,
    /// **Ours**: the program's version.
    pub version: String,
}

/// The states of `presence`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PresenceState {
    /// There.
    Online,
    /// Left on purpose.
    Shutdown,
    /// Gone (the Will).
    Offline,
}

/// `alarm/<code>`: the alarms of one code at a node.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Alarms {
    /// All alarms of the code (sent on connect and every 5 min), or only those that changed.
    pub full: bool,
    /// The alarms.
    pub alarms: Vec<Alarm>,
}

/// One alarm.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Alarm {
    /// `sg/3`, `dl/7`, or empty for the cabinet.
    pub component: String,
    /// 1 act now, 2 within the hour, 3 this shift.
    pub severity: u8,
    /// Raised or cleared.
    pub active: bool,
    /// Since when.
    #[serde(with = "crate::codec::timestamp")]
    pub since: Moment,
    /// For people, English.
    pub message: String,
}

/// `traffic.links`: travel times, from a centre to whoever plans journeys. **Ours.**
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct LinkTimes {
    /// Each link whose time is known.
    pub links: Vec<LinkTime>,
}

/// Travel time of one link.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct LinkTime {
    /// The link's id.
    pub link: String,
    /// Seconds to drive it, signals included.
    pub time_s: f32,
    /// Nobody may drive it now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub closed: bool,
}

/// `vehicle.positions`: public-transport vehicles. **Ours.**
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Vehicles {
    /// Vehicles.
    pub vehicles: Vec<Vehicle>,
}

/// One vehicle.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Vehicle {
    /// Its id.
    pub id: String,
    /// Its line, if it serves one.
    pub line: Option<String>,
    /// Degrees.
    pub lon: f64,
    /// Degrees.
    pub lat: f64,
    /// Degrees clockwise from north.
    pub heading: f32,
    /// m/s.
    pub speed: f32,
}

/// Shows a hi-res event for people: `12:00:00.1 green begins, group 3`.
pub fn describe(event: &HiRes) -> String {
    format!("{} {}", crate::message::code_name(event.code), event.param)
}

/// The Indiana enumeration's codes that we send, by name.
pub mod code {
    /// Group begins green.
    pub const GREEN_BEGIN: u16 = 1;
    /// Gap-out.
    pub const GAP_OUT: u16 = 4;
    /// Max-out.
    pub const MAX_OUT: u16 = 5;
    /// Force-off.
    pub const FORCE_OFF: u16 = 6;
    /// Group's green ends.
    pub const GREEN_END: u16 = 7;
    /// Group begins amber.
    pub const AMBER_BEGIN: u16 = 8;
    /// Group's amber ends.
    pub const AMBER_END: u16 = 9;
    /// Red clearance begins.
    pub const RED_CLEARANCE_BEGIN: u16 = 10;
    /// Red clearance ends.
    pub const RED_CLEARANCE_END: u16 = 11;
    /// Pedestrian walk begins.
    pub const WALK_BEGIN: u16 = 21;
    /// Pedestrian clearance (flashing green) begins.
    pub const PED_CLEARANCE_BEGIN: u16 = 22;
    /// Pedestrian don't-walk begins.
    pub const DONT_WALK_BEGIN: u16 = 23;
    /// Pedestrian call registered.
    pub const PED_CALL: u16 = 45;
    /// Detector off.
    pub const DETECTOR_OFF: u16 = 81;
    /// Detector on.
    pub const DETECTOR_ON: u16 = 82;
    /// Coordination pattern (plan) changed.
    pub const PLAN_CHANGE: u16 = 131;
}

/// An English name for a code we send.
pub fn code_name(code: u16) -> &'static str {
    match code {
        code::GREEN_BEGIN => "green begins, group",
        code::GAP_OUT => "gap-out, group",
        code::MAX_OUT => "max-out, group",
        code::FORCE_OFF => "force-off, group",
        code::GREEN_END => "green ends, group",
        code::AMBER_BEGIN => "amber begins, group",
        code::AMBER_END => "amber ends, group",
        code::RED_CLEARANCE_BEGIN => "red clearance begins, group",
        code::RED_CLEARANCE_END => "red clearance ends, group",
        code::WALK_BEGIN => "walk begins, group",
        code::PED_CLEARANCE_BEGIN => "pedestrian clearance begins, group",
        code::DONT_WALK_BEGIN => "don't walk begins, group",
        code::PED_CALL => "pedestrian call, group",
        code::DETECTOR_OFF => "detector off, channel",
        code::DETECTOR_ON => "detector on, channel",
        code::PLAN_CHANGE => "plan changes to",
        _ => "event",
    }
}

/// One group's lamp and for how long, out of a [`Groups`] message.
pub fn group_ages(groups: &Groups) -> impl Iterator<Item = (GroupNumber, Lamp, Tenths)> + '_ {
    groups
        .lamps()
        .into_iter()
        .zip(groups.ages.iter().chain(std::iter::repeat(&0)))
        .enumerate()
        .map(|(i, (lamp, age))| (GroupNumber(i as u16 + 1), lamp, Tenths(*age)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_of_the_sxl_has_a_lamp() {
        let check = |letters: &str, expected: Lamp| {
            for c in letters.chars() {
                assert_eq!(lamp(c), Some(expected), "{c}");
            }
        };
        check("ab", Lamp::Dark);
        check("cde", Lamp::FlashingAmber);
        check("fNO", Lamp::Amber);
        check("ghABCDEFGP", Lamp::Red);
        check("0", Lamp::RedAmber);
        check("12345678", Lamp::Green);
        check("9", Lamp::FlashingGreen);
        assert_eq!("iHMQZz-".chars().filter_map(lamp).count(), 0);
    }

    #[test]
    fn what_we_write_we_read() {
        for l in Lamp::ALL {
            assert_eq!(lamp(letter(l)), Some(l));
            assert_eq!(lamp(letter_at(l, Tenths(3), Tenths(50))), Some(l));
        }
        assert_eq!(letter_at(Lamp::Green, Tenths(49), Tenths(50)), '1');
        assert_eq!(letter_at(Lamp::Green, Tenths(50), Tenths(50)), '3');
    }
}
