//! A device that speaks Modbus and has a register map: over TCP, or on a serial [`line`](super::line).
//!
//! Reads input registers (function 4) and reads back and writes holding registers (3 and 16) within the
//! command block; nothing else is ever sent. After any silence or confusion on the line the connection is
//! closed: a late answer must not be taken for the answer to the next question.

use super::{
    ChannelReport, DetectorReport, DeviceAlarm, DeviceError, DeviceEvent, DeviceReport, LocalMode, LogPlace,
    Settings,
    line::{LineConfig, SerialLine},
};
use model::{
    detection::Sighting,
    signal::{Junction, Lamp},
    time::{Moment, Tenths},
};
use std::{borrow::Cow, fmt, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpStream, time::timeout};
use tokio_modbus::{
    Request, Response, Slave,
    client::{Client, Context, tcp},
};
use wire::register_map::{
    CommandBlock, DetectorBlock, EventRing, LONGEST_READ, NOT_MEASURED, RegisterMap, SightingBlock, alarm,
};

/// Version of the register layout that we speak.
const LAYOUT: u16 = 1;
/// First and longest wait between connections, on the city's clock. A cabinet's PLC often takes ten seconds
/// to start, and its TCP stack has room for few half-open connections.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// How often we show the device that we live.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(1);

/// How often the lamps are read again when the device moves on meanwhile. Three tries meet a device that ticks
/// ten times a second over a line of 30 ms.
const PICTURE_TRIES: usize = 3;

/// Where a device is.
#[derive(Clone, Debug)]
pub struct ModbusConfig {
    /// How to reach it.
    pub at: Reach,
    /// Unit id; several devices may share an address or a line.
    pub unit: u8,
    /// Its registers.
    pub map: Arc<RegisterMap>,
    /// How long an answer, or a connection, may take. Real time, whatever the city's clock does.
    pub timeout: Duration,
}

/// How a device is reached.
#[derive(Clone, Debug)]
pub enum Reach {
    /// Modbus TCP at that address.
    Tcp(SocketAddr),
    /// Modbus RTU on a line that others may share.
    Line(SerialLine),
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reach::Tcp(address) => address.fmt(f),
            Reach::Line(line) => line.config().fmt(f),
        }
    }
}

/// Makes a new connection to a device by a way of its own.
pub type Connect = Box<dyn Fn() -> std::io::Result<Context> + Send>;

/// The device, connected or not.
pub struct ModbusDevice {
    config: ModbusConfig,
    /// Instead of what is configured: a rehearsal's cable under a virtual clock.
    cable: Option<Connect>,
    connection: Option<Context>,
    failures: u32,
    try_again: Moment,
    /// How far the log has been read; nothing is known of it at first.
    log: Option<LogPlace>,
    /// Second of the device's clock in which its detectors were last read.
    detectors_read: Option<u32>,
    heartbeat: u16,
    heartbeat_at: Option<Moment>,
}

/// The report block with its first register's address, and the groups.
struct Picture {
    block: Vec<u16>,
    first: u16,
    groups: Vec<(Lamp, Tenths)>,
    torn: bool,
}

impl std::fmt::Debug for ModbusDevice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ModbusDevice")
            .field("config", &self.config)
            .field("failures", &self.failures)
            .finish()
    }
}

impl ModbusDevice {
    /// Does not connect yet.
    pub fn new(config: ModbusConfig) -> ModbusDevice {
        ModbusDevice::by(None, config)
    }

    /// Over connections that `connect` makes, each time that one is needed; the address is only a name then.
    pub fn over(config: ModbusConfig, connect: Connect) -> ModbusDevice {
        ModbusDevice::by(Some(connect), config)
    }

    fn by(cable: Option<Connect>, config: ModbusConfig) -> ModbusDevice {
        ModbusDevice {
            config,
            cable,
            connection: None,
            failures: 0,
            try_again: Moment(i64::MIN),
            log: None,
            detectors_read: None,
            heartbeat: 0,
            heartbeat_at: None,
        }
    }

    /// Goes on with the log where an earlier run of this program was told to have come.
    pub fn resume(&mut self, log: Option<LogPlace>) {
        self.log = log;
    }

    /// Longest countdown that the device takes, s.
    pub fn longest_countdown_s(&self) -> u16 {
        self.config.map.command.longest_countdown_s
    }

    /// Reads everything that the core wants to know.
    pub async fn read(&mut self, now: Moment) -> Result<DeviceReport, DeviceError> {
        let report = self.read_all(now).await;
        self.keep_or_close(now, report)
    }

    /// Writes all settings at once and returns what the device has afterwards.
    pub async fn write(&mut self, now: Moment, settings: &Settings) -> Result<Settings, DeviceError> {
        let read = self.write_and_read_back(now, settings).await;
        self.keep_or_close(now, read)
    }

    fn keep_or_close<T>(&mut self, now: Moment, outcome: Result<T, DeviceError>) -> Result<T, DeviceError> {
        match &outcome {
            Ok(_) => self.failures = 0,
            // The device is there and the line is in step: it only said no.
            Err(DeviceError::Refused { .. } | DeviceError::Backoff) => {}
            Err(_) => {
                self.connection = None;
                let wait = BACKOFF.0.saturating_mul(1 << self.failures.min(5)).min(BACKOFF.1);
                // The first failure of a good device is most often a lost packet: try again at the next poll.
                self.try_again = if self.failures == 0 { now } else { now + wait };
                self.failures += 1;
            }
        }
        outcome
    }

    async fn read_all(&mut self, now: Moment) -> Result<DeviceReport, DeviceError> {
        let map = self.config.map.clone();
        let mut picture = self.read_lamps(now, &map).await?;
        for _ in 1..PICTURE_TRIES {
            if !picture.torn {
                break;
            }
            picture = self.read_lamps(now, &map).await?;
        }
        let Picture { block, first, groups, torn } = picture;
        let word = |register: u16| block[usize::from(register - first)];
        let double = |register: u16| (u32::from(word(register)) << 16) | u32::from(word(register + 1));
        let mode = word(map.report.mode);
        let Some(&mode) = map.mode_codes.get(usize::from(mode)) else {
            return Err(nonsense("its report", format!("mode {mode}, which the map does not know")));
        };
        let tick = Tenths(double(map.report.tick));
        let newest = word(map.report.newest_event);
        let (events, events_lost) = self.read_events(now, newest, tick).await?;
        // Intervals are seconds: reading the detectors more often would tell nothing new.
        let second = tick.0 / 10;
        let detectors = match self.detectors_read == Some(second) {
            true => None,
            false => self.read_detectors(now).await?,
        };
        self.detectors_read = Some(second);
        self.show_heartbeat(now).await?;
        // Only now: had a later answer failed, these events would be gone with the reading, and nobody had counted them.
        let log = LogPlace { newest, tick: tick.0 };
        self.log = Some(log);
        Ok(DeviceReport {
            heartbeat: word(map.report.heartbeat),
            torn,
            tick,
            config_hash: double(map.report.config_hash),
            groups,
            stage: word(map.report.stage),
            interstage: word(map.report.interstage) != 0,
            mode,
            plan: word(map.report.plan),
            cycle_s: word(map.report.cycle),
            base_cycle_s: word(map.report.base_cycle),
            requested: word(map.report.requested),
            alarms: alarms(word(map.report.alarms)),
            lamp_fault: word(map.report.lamp_fault),
            events,
            events_lost,
            log,
            detectors,
        })
    }

    /// The report block and the lamps, and whether the device moved on between them.
    async fn read_lamps(&mut self, now: Moment, map: &RegisterMap) -> Result<Picture, DeviceError> {
        let (first, length) = map.report.span();
        let block = self.input("its report", now, first, length).await?;
        let word = |register: u16| block[usize::from(register - first)];
        let layout = word(map.report.layout);
        if layout != LAYOUT {
            return Err(nonsense("its report", format!("layout {layout}; we speak layout {LAYOUT}")));
        }
        let groups = word(map.report.groups);
        if groups > map.most_groups {
            return Err(nonsense(
                "its report",
                format!("{groups} groups; the map has room for {}", map.most_groups),
            ));
        }
        if groups == 0 {
            return Ok(Picture { block, first, groups: Vec::new(), torn: false });
        }
        // Lamps before ages: if a lamp changes between the two reads we pair an old lamp with a young age, and
        // the guard waits; the other order would let a fresh green pass for an old one.
        let lamps = self.input("its lamps", now, map.lamps, groups).await?;
        let ages = self.input("its lamps' ages", now, map.ages, groups).await?;
        let heartbeat = self.input("its heartbeat", now, map.report.heartbeat, 1).await?[0];
        let torn = heartbeat != word(map.report.heartbeat);
        let groups =
            lamps.into_iter().zip(ages).map(|(code, age)| match map.lamp_codes.get(usize::from(code)) {
                Some(&lamp) => Ok((lamp, Tenths(u32::from(age)))),
                None => Err(nonsense("its lamps", format!("lamp code {code}, which the map does not know"))),
            });
        let groups = groups.collect::<Result<_, _>>()?;
        Ok(Picture { block, first, groups, torn })
    }

    /// Events since the last reading, and how many were overwritten meanwhile. Where nothing is known of an earlier one, this
    /// only learns where the ring stands.
    async fn read_events(
        &mut self,
        now: Moment,
        newest: u16,
        tick: Tenths,
    ) -> Result<(Vec<DeviceEvent>, u32), DeviceError> {
        let ring = self.config.map.events;
        let Some(log) = self.log else { return Ok((Vec::new(), 0)) };
        // A device that began anew counts from 1 again, and all that it holds is new.
        let last = if tick.0 < log.tick { 0 } else { log.newest };
        let mut wanted = between(last, newest);
        // A ring that restarted counts from 1 again; what it holds now is all new.
        if newest < last && wanted > u32::from(u16::MAX / 2) {
            wanted = u32::from(newest);
        }
        let there = wanted.min(u32::from(ring.entries));
        let mut lost = wanted - there;
        let mut events = Vec::with_capacity(there as usize);
        let mut seq = (0..there).fold(newest, |s, _| before(s));
        let most = LONGEST_READ / EventRing::STRIDE;
        let mut left = there as u16;
        while left > 0 {
            let next = after(seq);
            // One read may neither pass the ring's end nor the sequence's.
            let until_end = ring.entries - next % ring.entries;
            let count = left.min(most).min(until_end).min((u16::MAX - next).saturating_add(1));
            let words = self.input("its events", now, ring.register(next), count * EventRing::STRIDE).await?;
            for entry in words.chunks_exact(usize::from(EventRing::STRIDE)) {
                seq = after(seq);
                if entry[0] == seq {
                    let tick = Tenths((u32::from(entry[1]) << 16) | u32::from(entry[2]));
                    events.push(DeviceEvent { tick, code: entry[3], param: entry[4] });
                } else {
                    lost += 1;
                }
            }
            left -= count;
        }
        Ok((events, lost))
    }

    async fn read_detectors(&mut self, now: Moment) -> Result<Option<DetectorReport>, DeviceError> {
        const WHAT: &str = "its detectors";
        let block = self.config.map.detectors;
        let head = block.interval.min(block.channels);
        let words = self.input(WHAT, now, head, block.interval.max(block.channels) - head + 1).await?;
        let intervals = words[usize::from(block.interval - head)];
        let channels = words[usize::from(block.channels - head)];
        if channels == 0 {
            return Ok(None);
        }
        if channels > block.most_channels {
            return Err(nonsense(
                WHAT,
                format!("{channels} channels; the map has room for {}", block.most_channels),
            ));
        }
        let per_read = LONGEST_READ / DetectorBlock::STRIDE;
        let mut all = Vec::with_capacity(usize::from(channels));
        for first in (0..channels).step_by(usize::from(per_read)) {
            let count = per_read.min(channels - first);
            let from = block.first + first * DetectorBlock::STRIDE;
            let words = self.input(WHAT, now, from, count * DetectorBlock::STRIDE).await?;
            all.extend(words.chunks_exact(usize::from(DetectorBlock::STRIDE)).map(channel));
        }
        if let Some(block) = self.config.map.sightings {
            self.read_sightings(now, block, &mut all).await?;
        }
        Ok(Some(DetectorReport { intervals, channels: all }))
    }

    /// Only as many entries as are filled: a quiet junction is a short read.
    async fn read_sightings(
        &mut self,
        now: Moment,
        block: SightingBlock,
        channels: &mut [ChannelReport],
    ) -> Result<(), DeviceError> {
        const WHAT: &str = "its sightings";
        let filled = self.input(WHAT, now, block.count, 1).await?[0];
        if filled > block.most {
            return Err(nonsense(WHAT, format!("{filled} vehicles; the map has room for {}", block.most)));
        }
        let per_read = LONGEST_READ / SightingBlock::STRIDE;
        for first in (0..filled).step_by(usize::from(per_read)) {
            let count = per_read.min(filled - first);
            let from = block.first + first * SightingBlock::STRIDE;
            let words = self.input(WHAT, now, from, count * SightingBlock::STRIDE).await?;
            for &[place, distance, speed_cmps, length_dm] in words.as_chunks().0 {
                let Some(channel) = channels.get_mut(usize::from(place)) else {
                    return Err(nonsense(WHAT, format!("channel {place} of {}", channels.len())));
                };
                channel.sightings.push(Sighting { distance_dm: distance as i16, speed_cmps, length_dm });
            }
        }
        Ok(())
    }

    async fn show_heartbeat(&mut self, now: Moment) -> Result<(), DeviceError> {
        if self.heartbeat_at.is_some_and(|at| now.since(at) < HEARTBEAT_EVERY) {
            return Ok(());
        }
        self.heartbeat = self.heartbeat.wrapping_add(1);
        self.heartbeat_at = Some(now);
        let words = [self.heartbeat];
        self.write_block("our heartbeat", now, CommandBlock::HEARTBEAT, &words).await
    }

    async fn write_and_read_back(
        &mut self,
        now: Moment,
        settings: &Settings,
    ) -> Result<Settings, DeviceError> {
        // Everything but the heartbeat, in one request: the device takes all of it or none.
        let local = match settings.local {
            LocalMode::Coordinated => 0,
            LocalMode::Actuated => 1,
            LocalMode::Fixed => 2,
            LocalMode::Flashing => 3,
        };
        let words = [settings.stage, settings.countdown_s, settings.plan, local];
        self.write_block("our settings", now, CommandBlock::STAGE, &words).await?;
        let first = self.config.map.command.first + CommandBlock::STAGE;
        let request = Request::ReadHoldingRegisters(first, words.len() as u16);
        let read = match self.call("our settings back", now, request).await? {
            Response::ReadHoldingRegisters(read) => read,
            other => return Err(nonsense("our settings back", format!("{other:?}"))),
        };
        let local = match read[3] {
            0 => LocalMode::Coordinated,
            1 => LocalMode::Actuated,
            2 => LocalMode::Fixed,
            3 => LocalMode::Flashing,
            code => return Err(nonsense("our settings back", format!("local mode {code}"))),
        };
        Ok(Settings { stage: read[0], countdown_s: read[1], plan: read[2], local })
    }

    async fn write_block(
        &mut self,
        what: &'static str,
        now: Moment,
        offset: u16,
        words: &[u16],
    ) -> Result<(), DeviceError> {
        debug_assert!(usize::from(offset) + words.len() <= usize::from(CommandBlock::LENGTH));
        let first = self.config.map.command.first + offset;
        self.call(what, now, Request::WriteMultipleRegisters(first, Cow::Borrowed(words))).await.map(drop)
    }

    async fn input(
        &mut self,
        what: &'static str,
        now: Moment,
        first: u16,
        count: u16,
    ) -> Result<Vec<u16>, DeviceError> {
        // Not the library's `read_input_registers`: it asserts the length of the answer, and a device that
        // answers short is weather.
        match self.call(what, now, Request::ReadInputRegisters(first, count)).await? {
            Response::ReadInputRegisters(words) => Ok(words),
            other => Err(nonsense(what, format!("{other:?}"))),
        }
    }

    /// Asks, and gets an answer that has the shape of one to this question.
    async fn call(
        &mut self,
        what: &'static str,
        now: Moment,
        request: Request<'_>,
    ) -> Result<Response, DeviceError> {
        if now < self.try_again {
            return Err(DeviceError::Backoff);
        }
        let ModbusConfig { unit, timeout: limit, .. } = self.config;
        let connection = match &mut self.connection {
            Some(connection) => connection,
            None => {
                let connected = match (&self.cable, &self.config.at) {
                    (Some(connect), _) => connect(),
                    (None, Reach::Tcp(address)) => dial(*address, unit, limit).await,
                    (None, Reach::Line(line)) => {
                        return line.ask(what, unit, self.config.map.command.first, limit, request).await;
                    }
                };
                let address = || self.config.at.to_string();
                let connected =
                    connected.map_err(|source| DeviceError::Connect { address: address(), source })?;
                self.connection.insert(connected)
            }
        };
        exchange(connection, what, limit, request).await
    }
}

/// One question over a connection, and its answer, if it comes in time and has the shape that was asked for.
pub(super) async fn exchange(
    connection: &mut Context,
    what: &'static str,
    limit: Duration,
    request: Request<'_>,
) -> Result<Response, DeviceError> {
    let asked = request.clone();
    match timeout(limit, connection.call(request)).await {
        Err(_) => Err(DeviceError::Timeout { what, limit }),
        Ok(Err(error)) => Err(DeviceError::Line { what, cause: error.to_string() }),
        Ok(Ok(Err(exception))) => Err(DeviceError::Refused { what, exception: exception.to_string() }),
        Ok(Ok(Ok(response))) => match misfit(&asked, &response) {
            None => Ok(response),
            Some(cause) => Err(nonsense(what, cause)),
        },
    }
}

/// What about a response is not as the request asks.
fn misfit(request: &Request<'_>, response: &Response) -> Option<String> {
    let read = |words: &[u16], count: u16| {
        (words.len() != usize::from(count)).then(|| format!("{} registers instead of {count}", words.len()))
    };
    match (request, response) {
        (Request::ReadInputRegisters(_, count), Response::ReadInputRegisters(words))
        | (Request::ReadHoldingRegisters(_, count), Response::ReadHoldingRegisters(words)) => {
            read(words, *count)
        }
        (Request::WriteMultipleRegisters(first, words), Response::WriteMultipleRegisters(at, count))
            if (first, words.len()) == (at, usize::from(*count)) =>
        {
            None
        }
        (_, other) => Some(format!("{other:?}")),
    }
}

/// How much of each second a cabinet's questions and answers take on a serial line.
pub fn airtime(junction: &Junction, map: &RegisterMap, poll: Duration, line: &LineConfig) -> Duration {
    // A question of eight characters, an answer of five and two for each register (Modbus over Serial Line 1.02, §2.5.1),
    // a gap behind each, and what a device takes to think of an answer.
    const THINKING: Duration = Duration::from_millis(10);
    let [groups, channels] = [junction.groups.len(), junction.detectors.len()].map(|n| n as u32);
    let polls = 1.0 / poll.as_secs_f64();
    // Report, lamps, ages, heartbeat; events and detectors, our heartbeat.
    let (each, registers) = (4.0, f64::from(u32::from(map.report.span().1) + 2 * groups + 1));
    let per_read = u32::from(LONGEST_READ / DetectorBlock::STRIDE);
    let (seldom, more) = (
        f64::from(3 + channels.div_ceil(per_read)),
        f64::from(3 + channels * u32::from(DetectorBlock::STRIDE) + u32::from(EventRing::STRIDE) * 4),
    );
    let questions = each * polls + seldom;
    let characters = questions * (8.0 + 5.0 + 2.0 * 3.5) + 2.0 * (registers * polls + more);
    line.character().mul_f64(characters) + THINKING.mul_f64(questions)
}

async fn dial(address: SocketAddr, unit: u8, limit: Duration) -> std::io::Result<Context> {
    let connect = async {
        let stream = TcpStream::connect(address).await?;
        // Requests are a dozen bytes each; waiting to fill a packet would double every poll.
        stream.set_nodelay(true)?;
        Ok::<_, std::io::Error>(stream)
    };
    let stream =
        timeout(limit, connect).await.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))?;
    Ok(tcp::attach_slave(stream, Slave(unit)))
}

fn nonsense(what: &'static str, cause: String) -> DeviceError {
    DeviceError::Nonsense { what, cause }
}

fn channel(words: &[u16]) -> ChannelReport {
    let measured = |word: u16| (word != NOT_MEASURED).then_some(word);
    ChannelReport {
        count: words[0],
        covered: words[1],
        speed_mps: measured(words[2]).map(|v| f32::from(v) / 10.0),
        occupied: words[3] & DetectorBlock::OCCUPIED != 0,
        fault: words[3] & DetectorBlock::FAULT != 0,
        queue: measured(words[4]),
        vehicles: measured(words[5]),
        sightings: Vec::new(),
    }
}

fn alarms(bits: u16) -> Vec<DeviceAlarm> {
    [
        (alarm::LAMP, DeviceAlarm::Lamp),
        (alarm::DOOR, DeviceAlarm::Door),
        (alarm::CONFLICT, DeviceAlarm::Conflict),
        (alarm::POWER, DeviceAlarm::Power),
        (alarm::MANUAL, DeviceAlarm::Manual),
        (alarm::DETECTOR, DeviceAlarm::Detector),
        (alarm::CLOCK, DeviceAlarm::Clock),
    ]
    .into_iter()
    .filter(|(bit, _)| bits & bit != 0)
    .map(|(_, alarm)| alarm)
    .collect()
}

/// Sequence numbers run 1 to 65,535 and again from 1; 0 stands before the first.
fn after(seq: u16) -> u16 {
    seq.checked_add(1).unwrap_or(1)
}
fn before(seq: u16) -> u16 {
    if seq <= 1 { u16::MAX } else { seq - 1 }
}
/// How many numbers come after `last` up to `newest`.
fn between(last: u16, newest: u16) -> u32 {
    match newest >= last {
        true => u32::from(newest - last),
        false => u32::from(newest) + u32::from(u16::MAX - last),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_numbers_wrap_past_zero() {
        let check =
            |last, newest, expected| assert_eq!(between(last, newest), expected, "{last} to {newest}");
        check(0, 0, 0);
        check(0, 5, 5);
        check(7, 7, 0);
        check(u16::MAX, 1, 1);
        check(u16::MAX - 1, 2, 3);
        assert_eq!((after(u16::MAX), before(1), before(2)), (1, u16::MAX, 1));
    }
}
