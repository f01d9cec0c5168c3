//! The Modbus side of a device: which register means what. There is no standard map for TLCs, so
//! `configs/devices/*.toml` describes each vendor's; this module reads and checks such a file, and knows
//! nothing of sockets.
//!
//! Reports are input registers (function 4), commands holding registers (3 to read back, 16 to write).

use model::{
    config::{self, Complaint, Complaints, Source},
    signal::Lamp,
};
use serde::Deserialize;
use serde_spanned::Spanned;

/// Most registers that one Modbus read may ask for (Modbus Application Protocol 1.1b3, §6.3).
pub const LONGEST_READ: u16 = 125;

/// Registers that tell "nothing measured" in a detector's speed, queue and vehicles.
pub const NOT_MEASURED: u16 = 0xFFFF;

/// A device's map. Every register is an address from 0.
#[derive(Clone, PartialEq, Debug)]
pub struct RegisterMap {
    /// Vendor and model, for people.
    pub name: String,
    /// Modbus unit id.
    pub unit: u8,
    /// The report block: read whole at each poll.
    pub report: Report,
    /// Where group 1's lamp code stands; the others follow.
    pub lamps: u16,
    /// Which lamp each code means: `lamp_codes[code]`.
    pub lamp_codes: Vec<Lamp>,
    /// Where group 1's lamp age stands, tenths of a second, saturating.
    pub ages: u16,
    /// Most groups that the device has room for.
    pub most_groups: u16,
    /// Which mode each code means: `mode_codes[code]`.
    pub mode_codes: Vec<DeviceMode>,
    /// The event ring.
    pub events: EventRing,
    /// The detector block.
    pub detectors: DetectorBlock,
    /// The sightings block, of a device that follows vehicles.
    pub sightings: Option<SightingBlock>,
    /// The command block.
    pub command: CommandBlock,
}

/// Addresses within the report block. `u32` values take two registers, high word first.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Version of this layout that the device speaks.
    pub layout: u16,
    /// Changes at each tick of the device; standing still means it hangs.
    pub heartbeat: u16,
    /// `Junction::config_hash` of the device's own configuration (two registers).
    pub config_hash: u16,
    /// Number of groups.
    pub groups: u16,
    /// Stage that is green, or where the interstage leads; 0 for none.
    pub stage: u16,
    /// 1 while an interstage runs.
    pub interstage: u16,
    /// Mode code.
    pub mode: u16,
    /// Plan number, 0 for none.
    pub plan: u16,
    /// Second of the cycle, by the junction's offset.
    pub cycle: u16,
    /// Second of the cycle, by the common clock.
    pub base_cycle: u16,
    /// Alarm bits, see [`alarm`].
    pub alarms: u16,
    /// Stage request in force, 0 for none.
    pub requested: u16,
    /// Seconds until the request reverts.
    pub countdown: u16,
    /// Tenths of a second since the device started (two registers).
    pub tick: u16,
    /// Sequence number of the newest event, 0 before the first.
    pub newest_event: u16,
    /// Group with a failed lamp, if the lamp alarm stands.
    pub lamp_fault: u16,
}

impl Report {
    fn fields(&self) -> [(&'static str, u16, u16); 16] {
        [
            ("layout", self.layout, 1),
            ("heartbeat", self.heartbeat, 1),
            ("config_hash", self.config_hash, 2),
            ("groups", self.groups, 1),
            ("stage", self.stage, 1),
            ("interstage", self.interstage, 1),
            ("mode", self.mode, 1),
            ("plan", self.plan, 1),
            ("cycle", self.cycle, 1),
            ("base_cycle", self.base_cycle, 1),
            ("alarms", self.alarms, 1),
            ("requested", self.requested, 1),
            ("countdown", self.countdown, 1),
            ("tick", self.tick, 2),
            ("newest_event", self.newest_event, 1),
            ("lamp_fault", self.lamp_fault, 1),
        ]
    }

    /// First register and length of the smallest read that covers the whole block.
    pub fn span(&self) -> (u16, u16) {
        let fields = self.fields();
        let first = fields.iter().map(|f| f.1).min().unwrap_or(0);
        let end = fields.iter().map(|f| u32::from(f.1) + u32::from(f.2)).max().unwrap_or(0);
        (first, u16::try_from(end - u32::from(first)).unwrap_or(u16::MAX))
    }
}

/// Bits of the alarm register.
pub mod alarm {
    /// A lamp is out.
    pub const LAMP: u16 = 1;
    /// The door is open.
    pub const DOOR: u16 = 1 << 1;
    /// The conflict monitor tripped.
    pub const CONFLICT: u16 = 1 << 2;
    /// Power is failing.
    pub const POWER: u16 = 1 << 3;
    /// The manual panel is in use.
    pub const MANUAL: u16 = 1 << 4;
    /// A detector is broken.
    pub const DETECTOR: u16 = 1 << 5;
    /// The clock is not synchronised.
    pub const CLOCK: u16 = 1 << 6;
}

/// What a device can be doing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceMode {
    /// A stage request is in force.
    Central,
    /// A plan, by the clock.
    Coordinated,
    /// Local actuated.
    LocalActuated,
    /// Fixed.
    Fixed,
    /// Flashing amber.
    Flashing,
    /// Dark.
    Dark,
    /// The manual panel is in use.
    Manual,
}

/// The event ring: entry of sequence number `s` stands at `first + 5 * (s % entries)` and reads
/// `[s, tick high, tick low, code, parameter]`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventRing {
    /// Its first register.
    pub first: u16,
    /// How many entries it has.
    pub entries: u16,
}

impl EventRing {
    /// Registers of one entry.
    pub const STRIDE: u16 = 5;
    /// Where an entry stands.
    pub fn register(&self, seq: u16) -> u16 {
        self.first + Self::STRIDE * (seq % self.entries)
    }
}

/// The detector block. Channel `c` (from 0) stands at `first + 8 * c`: cumulative count, cumulative tenths
/// covered (both wrap), mean speed in 0.1 m/s, flags, queue, vehicles, and two spare.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetectorBlock {
    /// Counts closed intervals, wraps.
    pub interval: u16,
    /// How many channels there are.
    pub channels: u16,
    /// Length of an interval, tenths.
    pub window: u16,
    /// First channel's first register.
    pub first: u16,
    /// Most channels that the device has room for.
    pub most_channels: u16,
}

impl DetectorBlock {
    /// Registers of one channel.
    pub const STRIDE: u16 = 8;
    /// Flag: covered or pressed now.
    pub const OCCUPIED: u16 = 1;
    /// Flag: the channel is broken.
    pub const FAULT: u16 = 1 << 1;
}

/// The sightings block: vehicles that area channels follow. Entry `e` (from 0) stands at `first + 4 * e` and
/// reads `[channel from 0, distance in 0.1 m, speed in 0.01 m/s, length in 0.1 m]`; entries go by channel, the
/// nearest first.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SightingBlock {
    /// How many entries are filled.
    pub count: u16,
    /// First entry's first register.
    pub first: u16,
    /// Most entries that the device has room for; it leaves out the farthest vehicles.
    pub most: u16,
}

impl SightingBlock {
    /// Registers of one entry.
    pub const STRIDE: u16 = 4;
}

/// The command block: holding registers, written together.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandBlock {
    /// Its first register; the order is agent heartbeat, stage, countdown, plan, mode.
    pub first: u16,
    /// Longest countdown that the device takes, s.
    pub longest_countdown_s: u16,
}

impl CommandBlock {
    /// Registers of the block.
    pub const LENGTH: u16 = 5;
    /// Offset: agent's heartbeat.
    pub const HEARTBEAT: u16 = 0;
    /// Offset: stage asked for, 0 for none.
    pub const STAGE: u16 = 1;
    /// Offset: seconds until that reverts.
    pub const COUNTDOWN: u16 = 2;
    /// Offset: plan, 0 for the device's own schedule.
    pub const PLAN: u16 = 3;
    /// Offset: local mode: 0 coordinated, 1 actuated, 2 fixed, 3 flashing.
    pub const MODE: u16 = 4;
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    name: Spanned<String>,
    unit: Spanned<u8>,
    report: Spanned<Report>,
    lamps: Spanned<RawLamps>,
    modes: Spanned<RawModes>,
    events: Spanned<EventRing>,
    detectors: Spanned<DetectorBlock>,
    sightings: Option<Spanned<SightingBlock>>,
    command: Spanned<CommandBlock>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLamps {
    first: u16,
    ages: u16,
    most_groups: Spanned<u16>,
    codes: Vec<Lamp>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawModes {
    codes: Vec<DeviceMode>,
}

impl RegisterMap {
    /// The map of the devices that `simulator` makes, and of any vendor who builds after it.
    pub fn svetofor() -> RegisterMap {
        RegisterMap::parse("svetofor-tlc.toml", include_str!("../../configs/devices/svetofor-tlc.toml"))
            .expect("the map that we ship is right; a test reads it")
    }

    /// Reads and checks a map: every register in place, no two meanings on one register, no block beyond
    /// the address space.
    pub fn parse(file: &str, text: &str) -> Result<RegisterMap, Complaints> {
        let raw: Raw = config::parse(file, text)?;
        let source = Source::new(file, text);
        let mut complaints = Complaints::default();
        let mut complain = |at: std::ops::Range<usize>, message: String| {
            complaints.push(Complaint::offset(source, at.start, message));
        };
        let mut taken: Vec<(u32, u32, String)> = Vec::new();
        let mut claim = |at: std::ops::Range<usize>, what: String, first: u16, count: u32| {
            let range = (u32::from(first), u32::from(first) + count);
            if range.1 > 0x1_0000 {
                complain(at, format!("{what} reaches beyond register 65535"));
                return;
            }
            if let Some((.., other)) = taken.iter().find(|t| range.0 < t.1 && t.0 < range.1) {
                complain(at, format!("{what} overlaps {other} at input register {first}"));
            }
            taken.push((range.0, range.1, what));
        };
        let report = *raw.report.get_ref();
        for (name, register, count) in report.fields() {
            claim(raw.report.span(), format!("report.{name}"), register, u32::from(count));
        }
        let lamps = raw.lamps.get_ref();
        let most_groups = *lamps.most_groups.get_ref();
        claim(raw.lamps.span(), "lamps".into(), lamps.first, u32::from(most_groups));
        claim(raw.lamps.span(), "lamp ages".into(), lamps.ages, u32::from(most_groups));
        let events = *raw.events.get_ref();
        claim(
            raw.events.span(),
            "events".into(),
            events.first,
            u32::from(events.entries) * u32::from(EventRing::STRIDE),
        );
        let detectors = *raw.detectors.get_ref();
        for (name, register) in
            [("interval", detectors.interval), ("channels", detectors.channels), ("window", detectors.window)]
        {
            claim(raw.detectors.span(), format!("detectors.{name}"), register, 1);
        }
        claim(
            raw.detectors.span(),
            "detector channels".into(),
            detectors.first,
            u32::from(detectors.most_channels) * u32::from(DetectorBlock::STRIDE),
        );
        let sightings = raw.sightings.as_ref().map(|block| *block.get_ref());
        if let Some(block) = &raw.sightings {
            let SightingBlock { count, first, most } = *block.get_ref();
            claim(block.span(), "sightings.count".into(), count, 1);
            let registers = u32::from(most) * u32::from(SightingBlock::STRIDE);
            claim(block.span(), "sightings".into(), first, registers);
        }
        if report.span().1 > LONGEST_READ {
            let text_of = format!(
                "the report block spans {} registers; one read takes {LONGEST_READ}",
                report.span().1
            );
            complain(raw.report.span(), text_of);
        }
        if most_groups == 0 || most_groups > LONGEST_READ {
            let at = lamps.most_groups.span();
            complain(at, format!("most_groups = {most_groups} is not within 1 to {LONGEST_READ}"));
        }
        if events.entries == 0 {
            complain(raw.events.span(), "entries = 0: a ring without entries".to_owned());
        }
        for lamp in Lamp::ALL {
            if !lamps.codes.contains(&lamp) {
                complain(raw.lamps.span(), format!("no code means {lamp:?}"));
            }
        }
        // What the agent must tell apart whatever happens: whether it is obeyed, and whether it may not be.
        for mode in [DeviceMode::Central, DeviceMode::Dark, DeviceMode::Manual] {
            if !raw.modes.get_ref().codes.contains(&mode) {
                complain(raw.modes.span(), format!("no code means {mode:?}"));
            }
        }
        if let Some(block) = raw.sightings.as_ref().filter(|block| block.get_ref().most == 0) {
            complain(block.span(), "most = 0: a device that follows nobody has no such block".to_owned());
        }
        let command = *raw.command.get_ref();
        if u32::from(command.first) + u32::from(CommandBlock::LENGTH) > 0x1_0000 {
            complain(raw.command.span(), "the command block reaches beyond register 65535".into());
        }
        if command.longest_countdown_s == 0 {
            complain(raw.command.span(), "longest_countdown_s = 0: no request would hold".into());
        }
        if raw.name.get_ref().trim().is_empty() {
            complain(raw.name.span(), "name is empty".into());
        }
        if *raw.unit.get_ref() == 0 {
            complain(raw.unit.span(), "unit = 0 is broadcast; nobody answers it".into());
        }
        complaints.or(RegisterMap {
            name: raw.name.into_inner(),
            unit: raw.unit.into_inner(),
            report,
            lamps: lamps.first,
            ages: lamps.ages,
            most_groups,
            lamp_codes: lamps.codes.clone(),
            mode_codes: raw.modes.into_inner().codes,
            events,
            detectors,
            sightings,
            command,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_map_is_right() {
        let map = RegisterMap::svetofor();
        assert_eq!(map.report.span(), (0, 18));
        assert_eq!(map.lamp_codes, Lamp::ALL, "the simulator writes Lamp::code");
    }

    #[test]
    fn faults_are_listed_with_their_lines() {
        let good = include_str!("../../configs/devices/svetofor-tlc.toml");
        let check = |from: &str, to: &str, expected: &str| {
            assert!(good.contains(from), "{from:?} is not in the file");
            let bad = good.replacen(from, to, 1);
            let complaints = RegisterMap::parse("tlc.toml", &bad).unwrap_err().to_string();
            assert!(complaints.starts_with("tlc.toml:"), "{complaints}");
            assert!(complaints.contains(expected), "{complaints}");
        };
        check("stage = 5", "stage = 4", "report.stage overlaps report.groups at input register 4");
        check("most_groups = 96", "most_groups = 0", "most_groups = 0 is not within 1 to 125");
        check("unit = 1", "unit = 0", "broadcast");
        check("\"dark\"]", "\"red\"]", "no code means Dark");
        check("codes = [\"central\", ", "codes = [\"fixed\", ", "no code means Central");
        check("\"manual\"]", "\"dark\"]", "no code means Manual");
        check("most = 900", "most = 0", "a device that follows nobody has no such block");
        check("entries = 96", "entries = 96\nsurprise = 1", "surprise");
        check(
            "count = 3000",
            "count = 2010",
            "sightings.count overlaps detector channels at input register 2010",
        );
        check("first = 3010", "first = 2900", "sightings overlaps detector channels at input register 2900");
        check("most = 900", "most = 60000", "sightings reaches beyond register 65535");
    }

    #[test]
    fn a_device_that_follows_nobody_needs_no_sightings() {
        let ours = include_str!("../../configs/devices/svetofor-tlc.toml");
        let (before, block) = ours.split_once("[sightings]").unwrap();
        let (_, after) = block.split_once("[command]").unwrap();
        let map = RegisterMap::parse("tlc.toml", &format!("{before}[command]{after}")).unwrap();
        assert_eq!(map.sightings, None);
    }
}
