//! The street's end of the cable: each simulated TLC as a Modbus TCP device.
//!
//! A [`FieldDevice`] owns a [`Tlc`] and the registers that show it, laid out by the same
//! `wire::register_map` file that the agent reads. Requests are answered from the registers alone, so a
//! slow reader never holds up the street.

use crate::{
    signals::{Felt, LocalMode, Request, Tlc, Troubles, clock_tenths},
    world::chance,
};
use model::{detection::Sighting, ids::StageNumber, signal::Lamp, time::Moment};
use std::{
    future::Future,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::net::TcpListener;
use tokio_modbus::{
    ExceptionCode, Request as ModbusRequest, Response, SlaveRequest,
    server::{Service, tcp::Server},
};
use tokio_util::sync::CancellationToken;
use wire::register_map::{
    CommandBlock, DetectorBlock, DeviceMode, EventRing, NOT_MEASURED, RegisterMap, SightingBlock, alarm,
};

/// Version of the register layout that we answer.
const LAYOUT: u16 = 1;

/// A device on the street: a TLC, its detectors, and the registers that a cable reaches.
#[derive(Clone, Debug)]
pub struct FieldDevice(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    map: Arc<RegisterMap>,
    tlc: Tlc,
    /// Of its junction, which never changes.
    config_hash: u32,
    input: Vec<u16>,
    holding: [u16; CommandBlock::LENGTH as usize],
    /// When the stage request reverts.
    until: Moment,
    /// By its own clock.
    now: Moment,
    /// By a right clock.
    truly: Moment,
    /// How far its own clock is ahead, microseconds.
    ahead_us: i64,
    drift_ppm: f64,
    heartbeat: u16,
    intervals: u16,
    interval_ends: Moment,
    /// Extra time before each answer.
    answer_delay: Duration,
    /// Share of the answers that are garbled, and how many were given.
    garbled: f64,
    answers: u64,
    /// Writes that a client made, for whoever audits the cable.
    writes: u64,
}

/// Length of a detector interval, tenths.
const WINDOW_TENTHS: u16 = 10;

impl FieldDevice {
    /// Puts a TLC behind a register map.
    pub fn new(tlc: Tlc, map: Arc<RegisterMap>) -> FieldDevice {
        let now = tlc.started();
        let detectors = map.detectors.first + map.detectors.most_channels * DetectorBlock::STRIDE;
        let events = map.events.first + map.events.entries * EventRing::STRIDE;
        let sightings =
            map.sightings.map_or(0, |s| (s.first + s.most * SightingBlock::STRIDE).max(s.count + 1));
        let (report, length) = map.report.span();
        let size = [
            detectors,
            events,
            sightings,
            map.lamps + map.most_groups,
            map.ages + map.most_groups,
            report + length,
        ];
        let mut inner = Inner {
            input: vec![0; usize::from(size.into_iter().max().unwrap_or(0))],
            map,
            config_hash: tlc.junction().config_hash(),
            tlc,
            holding: [0; CommandBlock::LENGTH as usize],
            until: now,
            now,
            truly: now,
            ahead_us: 0,
            drift_ppm: 0.0,
            heartbeat: 0,
            intervals: 0,
            interval_ends: now + Duration::from_secs(1),
            answer_delay: Duration::ZERO,
            garbled: 0.0,
            answers: 0,
            writes: 0,
        };
        inner.show();
        FieldDevice(Arc::new(Mutex::new(inner)))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lives until `now` with what its detectors feel; then the registers show it.
    pub fn step(&self, now: Moment, felt: &Felt) {
        let mut inner = self.lock();
        let now = inner.own_time(now);
        inner.now = now;
        let request = inner.request();
        let most = inner.map.sightings.map_or(0, |block| block.most);
        let sightings = nearest(&felt.sightings, most.into());
        inner.tlc.step(now, &request, &Felt { channels: felt.channels.clone(), sightings });
        inner.heartbeat = inner.heartbeat.wrapping_add(1);
        while inner.interval_ends <= now {
            inner.intervals = inner.intervals.wrapping_add(1);
            inner.interval_ends = inner.interval_ends + Duration::from_secs(1);
        }
        inner.show();
    }

    /// Looks at the TLC itself, which is what the street sees of it.
    pub fn look<R>(&self, at: impl FnOnce(&Tlc) -> R) -> R {
        at(&self.lock().tlc)
    }

    /// Puts troubles in force, or ends them.
    pub fn trouble(&self, troubles: Troubles) {
        self.lock().tlc.troubles = troubles;
    }

    /// Makes every answer late by so much.
    pub fn delay_answers(&self, by: Duration) {
        self.lock().answer_delay = by;
    }

    /// Garbles that share of the answers from now on.
    pub fn garble_answers(&self, share: f64) {
        self.lock().garbled = share;
    }

    /// Lets its clock run fast, or slow (below 0), by so many parts in a million; at 0 it is brought back to the
    /// right time gently, for a clock that jumps is another fault.
    pub fn drift(&self, ppm: f64) {
        self.lock().drift_ppm = ppm;
    }

    /// Reads input registers, as a client on the cable would.
    pub fn read(&self, first: u16, count: u16) -> Result<Vec<u16>, ExceptionCode> {
        slice(&self.lock().input, first, count)
    }

    /// Writes command registers, as a client on the cable would.
    pub fn write(&self, first: u16, values: &[u16]) -> Result<(), ExceptionCode> {
        self.lock().write(first, values)
    }

    /// How many writes clients have made.
    pub fn writes(&self) -> u64 {
        self.lock().writes
    }

    /// Answers Modbus TCP on `listener` until `shutdown`.
    pub async fn serve(self, listener: TcpListener, shutdown: CancellationToken) -> std::io::Result<()> {
        let connected = |stream, _from: SocketAddr| {
            let device = self.clone();
            async move { Ok(Some((device, stream))) }
        };
        let failed = |error: std::io::Error| tracing::debug!(%error, "a Modbus client left in the middle of a request");
        Server::new(listener).serve_until(&connected, failed, shutdown.cancelled_owned()).await.map(|_| ())
    }

    fn answer(&self, request: &ModbusRequest<'_>) -> Result<Response, ExceptionCode> {
        let mut inner = self.lock();
        match *request {
            ModbusRequest::ReadInputRegisters(first, count) => {
                slice(&inner.input, first, count).map(Response::ReadInputRegisters)
            }
            ModbusRequest::ReadHoldingRegisters(first, count) => {
                let first =
                    first.checked_sub(inner.map.command.first).ok_or(ExceptionCode::IllegalDataAddress)?;
                slice(&inner.holding, first, count).map(Response::ReadHoldingRegisters)
            }
            ModbusRequest::WriteMultipleRegisters(first, ref values) => {
                inner.write(first, values)?;
                Ok(Response::WriteMultipleRegisters(first, values.len() as u16))
            }
            ModbusRequest::WriteSingleRegister(register, value) => {
                inner.write(register, &[value])?;
                Ok(Response::WriteSingleRegister(register, value))
            }
            _ => Err(ExceptionCode::IllegalFunction),
        }
    }
}

/// As many vehicles as there is room for. Those left out are the farthest, which have the longest way to go
/// until they matter; the rest stay by channel, the nearest first.
fn nearest(sightings: &[(u16, Sighting)], most: usize) -> Vec<(u16, Sighting)> {
    let mut kept = sightings.to_vec();
    if kept.len() > most {
        kept.sort_unstable_by_key(|&(channel, sighting)| (sighting, channel));
        kept.truncate(most);
        kept.sort_unstable();
    }
    kept
}

fn slice(registers: &[u16], first: u16, count: u16) -> Result<Vec<u16>, ExceptionCode> {
    if count == 0 || count > wire::register_map::LONGEST_READ {
        return Err(ExceptionCode::IllegalDataValue);
    }
    let first = usize::from(first);
    registers
        .get(first..first + usize::from(count))
        .map(<[u16]>::to_vec)
        .ok_or(ExceptionCode::IllegalDataAddress)
}

impl Service for FieldDevice {
    type Request = SlaveRequest<'static>;
    type Response = Response;
    type Exception = ExceptionCode;
    type Future = Pin<Box<dyn Future<Output = Result<Response, ExceptionCode>> + Send>>;

    fn call(&self, request: SlaveRequest<'static>) -> Self::Future {
        let device = self.clone();
        Box::pin(async move {
            let (delay, unit) = {
                let inner = device.lock();
                (inner.answer_delay, inner.map.unit)
            };
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            if request.slave != unit {
                return Err(ExceptionCode::GatewayTargetDevice);
            }
            let answer = device.answer(&request.request);
            device.lock().garble(answer)
        })
    }
}

/// A clock that has gone wrong is brought back by at most this share of the time that passes.
const BRING_BACK: f64 = 0.05;

impl Inner {
    /// Its own time at a right one.
    fn own_time(&mut self, truly: Moment) -> Moment {
        let passed_us = (truly.0 - self.truly.0).saturating_mul(1000);
        self.truly = truly;
        if self.drift_ppm == 0.0 {
            let most = (passed_us as f64 * BRING_BACK) as i64;
            self.ahead_us -= self.ahead_us.clamp(-most.max(0), most.max(0));
        } else {
            self.ahead_us += (passed_us as f64 * self.drift_ppm / 1e6).round() as i64;
        }
        Moment(truly.0 + self.ahead_us / 1000)
    }

    /// An answer as a bad line delivers it: sometimes short, sometimes refused, sometimes noise.
    fn garble(&mut self, answer: Result<Response, ExceptionCode>) -> Result<Response, ExceptionCode> {
        if self.garbled <= 0.0 {
            return answer;
        }
        self.answers += 1;
        let draw = |k: u64| chance(self.config_hash.into(), self.answers, k);
        if draw(0) >= self.garbled {
            return answer;
        }
        let noise = |mut words: Vec<u16>| {
            if draw(1) < 0.5 {
                words.pop();
            } else {
                words.iter_mut().zip(2..).for_each(|(w, k)| *w ^= (draw(k) * 65_536.0) as u16);
            }
            words
        };
        match answer {
            Ok(Response::ReadInputRegisters(words)) if draw(u64::MAX) < 0.7 => {
                Ok(Response::ReadInputRegisters(noise(words)))
            }
            Ok(Response::ReadHoldingRegisters(words)) if draw(u64::MAX) < 0.7 => {
                Ok(Response::ReadHoldingRegisters(noise(words)))
            }
            _ => Err(ExceptionCode::ServerDeviceFailure),
        }
    }

    fn request(&self) -> Request {
        let held = |at: u16| self.holding[usize::from(at)];
        let stage = held(CommandBlock::STAGE);
        Request {
            stage: (stage != 0).then_some(StageNumber(stage)),
            until: self.until,
            plan: held(CommandBlock::PLAN),
            local: local_mode(held(CommandBlock::MODE)).unwrap_or_default(),
        }
    }

    /// Takes a write whole or not at all.
    fn write(&mut self, first: u16, values: &[u16]) -> Result<(), ExceptionCode> {
        let first = first.checked_sub(self.map.command.first).ok_or(ExceptionCode::IllegalDataAddress)?;
        let mut holding = self.holding;
        let range = usize::from(first)..usize::from(first) + values.len();
        holding.get_mut(range).ok_or(ExceptionCode::IllegalDataAddress)?.copy_from_slice(values);
        let held = |at: u16| holding[usize::from(at)];
        let (stage, countdown) = (held(CommandBlock::STAGE), held(CommandBlock::COUNTDOWN));
        let junction = self.tlc.junction();
        let plan = held(CommandBlock::PLAN);
        let known = (stage == 0 || junction.stage(StageNumber(stage)).is_some())
            && (plan == 0 || junction.plans.iter().any(|p| p.number.0 == plan))
            && local_mode(held(CommandBlock::MODE)).is_some()
            && countdown <= self.map.command.longest_countdown_s;
        if !known {
            return Err(ExceptionCode::IllegalDataValue);
        }
        let renewed = (first..first + values.len() as u16)
            .any(|at| at == CommandBlock::COUNTDOWN || at == CommandBlock::STAGE);
        if renewed {
            self.until = self.now + Duration::from_secs(u64::from(countdown));
        }
        self.holding = holding;
        self.writes += 1;
        Ok(())
    }

    /// Writes what the device is into its registers.
    fn show(&mut self) {
        let hash = self.config_hash;
        let Inner { map, tlc, input, now, .. } = self;
        let now = *now;
        let tick = (now.since(tlc.started()).as_millis() / 100) as u32;
        let junction = tlc.junction();
        let report = map.report;
        let remaining = self.until.since(now).as_secs();
        let central = tlc.mode() == DeviceMode::Central;
        let requested = if central { self.holding[usize::from(CommandBlock::STAGE)] } else { 0 };
        let cycle = tlc.plan().map_or((0, 0), |plan| {
            let clock = clock_tenths(now);
            let base = clock % u64::from(plan.cycle().0.max(1));
            (plan.cycle_position(clock).0 / 10, (base / 10) as u32)
        });
        let troubles = &tlc.troubles;
        let bit = |set: bool, mask: u16| if set { mask } else { 0 };
        let alarms = bit(troubles.lamp_out.is_some(), alarm::LAMP)
            | bit(troubles.door_open, alarm::DOOR)
            | bit(troubles.power_lost, alarm::POWER)
            | bit(troubles.manual, alarm::MANUAL)
            | bit(tlc.sensed().iter().any(|s| s.fault), alarm::DETECTOR);
        let mut set = |register: u16, value: u16| input[usize::from(register)] = value;
        set(report.layout, LAYOUT);
        set(report.heartbeat, self.heartbeat);
        set(report.config_hash, (hash >> 16) as u16);
        set(report.config_hash + 1, hash as u16);
        set(report.groups, junction.groups.len() as u16);
        set(report.stage, tlc.stage().map_or(0, |s| s.0));
        set(report.interstage, u16::from(tlc.in_interstage()));
        let mode = map.mode_codes.iter().position(|&m| m == tlc.mode());
        set(report.mode, mode.map_or(u16::MAX, |code| code as u16));
        set(report.plan, tlc.plan().map_or(0, |p| p.number.0));
        set(report.cycle, cycle.0 as u16);
        set(report.base_cycle, cycle.1 as u16);
        set(report.alarms, alarms);
        set(report.requested, requested);
        set(report.countdown, if central { remaining as u16 } else { 0 });
        set(report.tick, (tick >> 16) as u16);
        set(report.tick + 1, tick as u16);
        set(report.newest_event, tlc.events().next_back().map_or(0, |e| e.seq));
        set(report.lamp_fault, troubles.lamp_out.map_or(0, |g| g.0));
        for (i, group) in tlc.groups().iter().enumerate().take(usize::from(map.most_groups)) {
            let lamp =
                map.lamp_codes.iter().position(|&l| l == group.lamp).unwrap_or(Lamp::Dark.code().into());
            set(map.lamps + i as u16, lamp as u16);
            let age = now.since(group.since).as_millis() / 100;
            set(map.ages + i as u16, u16::try_from(age).unwrap_or(u16::MAX));
        }
        for event in tlc.events() {
            let at = map.events.register(event.seq);
            let tick = (event.at.since(tlc.started()).as_millis() / 100) as u32;
            for (k, value) in
                [event.seq, (tick >> 16) as u16, tick as u16, event.code, event.param].into_iter().enumerate()
            {
                set(at + k as u16, value);
            }
        }
        set(map.detectors.interval, self.intervals);
        set(map.detectors.channels, tlc.sensed().len().min(map.detectors.most_channels.into()) as u16);
        set(map.detectors.window, WINDOW_TENTHS);
        for (c, s) in tlc.sensed().iter().enumerate().take(usize::from(map.detectors.most_channels)) {
            let at = map.detectors.first + c as u16 * DetectorBlock::STRIDE;
            let speed = s.speed_mps.map_or(NOT_MEASURED, |v| (v * 10.0).round().clamp(0.0, 65_000.0) as u16);
            let flags = bit(s.occupied, DetectorBlock::OCCUPIED) | bit(s.fault, DetectorBlock::FAULT);
            let words = [
                s.count,
                s.covered,
                speed,
                flags,
                s.queue.unwrap_or(NOT_MEASURED),
                s.vehicles.unwrap_or(NOT_MEASURED),
            ];
            for (k, value) in words.into_iter().enumerate() {
                set(at + k as u16, value);
            }
        }
        if let Some(block) = map.sightings {
            set(block.count, tlc.sightings().len() as u16);
            for (e, (channel, s)) in tlc.sightings().iter().enumerate() {
                let at = block.first + e as u16 * SightingBlock::STRIDE;
                // Signed registers are in two's complement.
                let words = [*channel, s.distance_dm as u16, s.speed_cmps, s.length_dm];
                for (k, value) in words.into_iter().enumerate() {
                    set(at + k as u16, value);
                }
            }
        }
    }
}

/// What the local-mode register asks for.
fn local_mode(code: u16) -> Option<LocalMode> {
    match code {
        0 => Some(LocalMode::Coordinated),
        1 => Some(LocalMode::Actuated),
        2 => Some(LocalMode::Fixed),
        3 => Some(LocalMode::Flashing),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{detection::DetectorKind, sketch};

    const CROSS: &str = "
    N
    |
W---C---E
    |
    S";

    #[test]
    fn garbled_answers_are_short_refused_or_noise_and_stop_when_told() {
        let city = sketch::city(CROSS, "C");
        let map = RegisterMap::svetofor();
        let report = map.report.layout;
        let device =
            FieldDevice::new(Tlc::new(Arc::new(city.junctions[0].clone()), Moment(0)), Arc::new(map));
        let ask = || {
            let answer = device.answer(&ModbusRequest::ReadInputRegisters(report, 4));
            device.lock().garble(answer)
        };
        let Ok(Response::ReadInputRegisters(right)) = ask() else { panic!("a sound line") };
        device.garble_answers(0.5);
        let (mut sound, mut short, mut refused, mut noise) = (0, 0, 0, 0);
        for _ in 0..400 {
            match ask() {
                Ok(Response::ReadInputRegisters(words)) if words == right => sound += 1,
                Ok(Response::ReadInputRegisters(words)) if words.len() < right.len() => short += 1,
                Ok(_) => noise += 1,
                Err(_) => refused += 1,
            }
        }
        assert!((150..250).contains(&sound), "{sound} of 400 are right");
        assert!(short > 20 && refused > 20 && noise > 20, "{short} short, {refused} refused, {noise} noise");
        device.garble_answers(0.0);
        assert!(matches!(ask(), Ok(Response::ReadInputRegisters(words)) if words == right));
    }

    #[test]
    fn a_crowded_device_tells_of_the_nearest_vehicles() {
        let city = sketch::city(CROSS, "C");
        let mut map = RegisterMap::svetofor();
        let block = map.sightings.as_mut().unwrap();
        block.most = 2;
        let (count, first) = (block.count, block.first);
        let areas = city.junctions[0].detectors.iter().enumerate();
        let mut areas = areas.filter(|(_, d)| d.kind == DetectorKind::Area).map(|(place, _)| place as u16);
        let (one, other) = (areas.next().unwrap(), areas.next().unwrap());
        let device =
            FieldDevice::new(Tlc::new(Arc::new(city.junctions[0].clone()), Moment(0)), Arc::new(map));
        let far = (one, Sighting::new(200.0, 13.9, 4.8));
        let near = (other, Sighting::new(1.25, 0.0, 12.0));
        let middle = (one, Sighting::new(80.0, 8.333, 4.8));
        let felt = Felt { sightings: vec![middle, far, near], ..Felt::default() };
        device.step(Moment(1000), &felt);
        assert_eq!(device.read(count, 1).unwrap(), [2]);
        assert_eq!(device.read(first, 8).unwrap(), [one, 800, 833, 48, other, 13, 0, 120]);
        device.step(Moment(2000), &Felt::default());
        assert_eq!(device.read(count, 1).unwrap(), [0]);
    }
}
