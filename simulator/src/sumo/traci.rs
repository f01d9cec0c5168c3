//! The little of SUMO's TraCI protocol (version 21 and later) that lockstep control needs: step, subscribe,
//! set a signal, close. Blocking, because SUMO itself stands still until it is asked.
//!
//! <https://sumo.dlr.de/docs/TraCI/Protocol.html>. There is no kept crate for it.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
};

const CMD_STEP: u8 = 0x02;
const CMD_SET_ORDER: u8 = 0x03;
const CMD_CLOSE: u8 = 0x7F;
const CMD_SET_SIGNAL: u8 = 0xC2;
const CMD_SUBSCRIBE_VEHICLE: u8 = 0xD4;
const CMD_SUBSCRIBE_SIMULATION: u8 = 0xDB;
const RESPONSE_VEHICLE: u8 = 0xE4;
const RESPONSE_SIMULATION: u8 = 0xEB;

const VAR_SIGNAL_STATE: u8 = 0x20;
const VAR_SPEED: u8 = 0x40;
const VAR_LENGTH: u8 = 0x44;
const VAR_LANE: u8 = 0x51;
const VAR_LANE_POSITION: u8 = 0x56;
const VAR_NEXT_SIGNALS: u8 = 0x70;
const VAR_TIME: u8 = 0x66;
const VAR_DEPARTED: u8 = 0x74;
const VAR_EXPECTED: u8 = 0x7D;

/// What can go wrong on the way to SUMO and back.
#[derive(Debug, thiserror::Error)]
pub enum TraciError {
    /// The connection broke: SUMO ended, usually with a message of its own.
    #[error("the connection to SUMO broke")]
    Connection(#[from] io::Error),
    /// SUMO refused a command.
    #[error("SUMO refused command 0x{command:02x}: {message}")]
    Refused {
        /// The command.
        command: u8,
        /// SUMO's own words.
        message: String,
    },
    /// An answer that is not in the protocol.
    #[error("SUMO answered something that is not TraCI: {0}")]
    Protocol(&'static str),
}

/// A vehicle as SUMO tells of it after a step.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Vehicle {
    /// Its id.
    pub(super) id: String,
    /// m/s.
    pub(super) speed: f64,
    /// Bumper to bumper, m.
    pub(super) length: f64,
    /// Lane id; inside a junction it begins with `:`.
    pub(super) lane: String,
    /// Front bumper from the lane's start, m.
    pub(super) position: f64,
    /// The next signal on its way: id, link index, metres to it.
    pub(super) next_signal: Option<(String, u16, f64)>,
}

/// What one step brought.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Step {
    /// Simulated time, s.
    pub(super) time_s: f64,
    /// Vehicles that are on the road or still to come.
    pub(super) expected: i32,
    /// Vehicles on the road, in SUMO's order; who departed in this step comes last.
    pub(super) vehicles: Vec<Vehicle>,
    /// Who departed in this step and is still to be asked for.
    departed: Vec<String>,
}

/// A connection to a waiting SUMO.
#[derive(Debug)]
pub(super) struct Traci {
    stream: TcpStream,
}

impl Traci {
    /// Takes over a connection; SUMO must have been started with `--remote-port` and one client.
    pub(super) fn new(stream: TcpStream) -> Result<Traci, TraciError> {
        stream.set_nodelay(true)?;
        let mut traci = Traci { stream };
        let nobody_yet = &mut Step::default();
        traci.call(&[command(CMD_SET_ORDER, &1i32.to_be_bytes())], nobody_yet)?;
        let values = [VAR_TIME, VAR_DEPARTED, VAR_EXPECTED];
        traci.call(&[subscription(CMD_SUBSCRIBE_SIMULATION, "", &values)], nobody_yet)?;
        Ok(traci)
    }

    /// Shows `states` (one letter per link, per signal) and simulates up to `until_s`.
    pub(super) fn step(&mut self, until_s: f64, states: &[(String, String)]) -> Result<Step, TraciError> {
        let mut commands = Vec::with_capacity(states.len() + 1);
        for (signal, letters) in states {
            let mut content = vec![VAR_SIGNAL_STATE];
            string(&mut content, signal);
            content.push(0x0C);
            string(&mut content, letters);
            commands.push(command(CMD_SET_SIGNAL, &content));
        }
        commands.push(command(CMD_STEP, &until_s.to_be_bytes()));
        let mut step = Step::default();
        let results = self.call(&commands, &mut step)?;
        let mut reader = Reader(&results);
        for _ in 0..reader.i32()? {
            result(&mut reader, &mut step)?;
        }
        // Who departed is on the road now, and before a short approach a second is a third of what one sees of them.
        let values = [VAR_SPEED, VAR_LENGTH, VAR_LANE, VAR_LANE_POSITION, VAR_NEXT_SIGNALS];
        let subscribe = |id: String| subscription(CMD_SUBSCRIBE_VEHICLE, &id, &values);
        let departed: Vec<_> = std::mem::take(&mut step.departed).into_iter().map(subscribe).collect();
        if !departed.is_empty() {
            self.call(&departed, &mut step)?;
        }
        Ok(step)
    }

    /// Ends the simulation; SUMO writes its files and exits.
    pub(super) fn close(mut self) -> Result<(), TraciError> {
        self.call(&[command(CMD_CLOSE, &[])], &mut Step::default()).map(|_| ())
    }

    /// Sends commands in one message. What subscriptions answer at once goes to `step`; gives back what follows after all.
    fn call(&mut self, commands: &[Vec<u8>], step: &mut Step) -> Result<Vec<u8>, TraciError> {
        let length = 4 + commands.iter().map(Vec::len).sum::<usize>();
        let mut message = Vec::with_capacity(length);
        message.extend((length as u32).to_be_bytes());
        commands.iter().for_each(|c| message.extend(c));
        self.stream.write_all(&message)?;
        let mut head = [0; 4];
        self.stream.read_exact(&mut head)?;
        let length = (u32::from_be_bytes(head) as usize)
            .checked_sub(4)
            .ok_or(TraciError::Protocol("a message shorter than its own length"))?;
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer)?;
        let mut reader = Reader(&answer);
        for sent in commands {
            let sent = if sent[0] == 0 { sent[5] } else { sent[1] };
            reader.length()?;
            let (answered, status) = (reader.u8()?, reader.u8()?);
            let message = reader.string()?;
            if answered != sent {
                return Err(TraciError::Protocol("a status for another command"));
            }
            if status != 0 {
                return Err(TraciError::Refused { command: sent, message });
            }
            // A subscription answers at once with a first result, between the statuses.
            if matches!(sent, CMD_SUBSCRIBE_VEHICLE | CMD_SUBSCRIBE_SIMULATION) {
                result(&mut reader, step)?;
            }
        }
        Ok(reader.0.to_vec())
    }
}

/// Reads one result of a subscription.
fn result(reader: &mut Reader<'_>, step: &mut Step) -> Result<(), TraciError> {
    reader.length()?;
    let response = reader.u8()?;
    let mut vehicle = Vehicle { id: reader.string()?, ..Vehicle::default() };
    for _ in 0..reader.u8()? {
        let (variable, status, kind) = (reader.u8()?, reader.u8()?, reader.u8()?);
        if status != 0 {
            return Err(TraciError::Protocol("a subscribed value could not be had"));
        }
        match (variable, kind) {
            (VAR_TIME, 0x0B) if response == RESPONSE_SIMULATION => step.time_s = reader.f64()?,
            (VAR_EXPECTED, 0x09) => step.expected = reader.i32()?,
            (VAR_DEPARTED, 0x0E) => {
                let count = reader.i32()?;
                step.departed = (0..count).map(|_| reader.string()).collect::<Result<_, _>>()?;
            }
            (VAR_SPEED, 0x0B) => vehicle.speed = reader.f64()?,
            (VAR_LENGTH, 0x0B) => vehicle.length = reader.f64()?,
            (VAR_LANE, 0x0C) => vehicle.lane = reader.string()?,
            (VAR_LANE_POSITION, 0x0B) => vehicle.position = reader.f64()?,
            (VAR_NEXT_SIGNALS, 0x0F) => {
                reader.i32()?; // items in the compound
                reader.u8()?;
                for i in 0..reader.i32()? {
                    reader.u8()?;
                    let id = reader.string()?;
                    reader.u8()?;
                    let link = reader.i32()?;
                    reader.u8()?;
                    let distance = reader.f64()?;
                    reader.u8()?;
                    reader.u8()?;
                    if i == 0 {
                        vehicle.next_signal = u16::try_from(link).ok().map(|link| (id, link, distance));
                    }
                }
            }
            _ => return Err(TraciError::Protocol("a value that was not subscribed")),
        }
    }
    if response == RESPONSE_VEHICLE {
        step.vehicles.push(vehicle);
    }
    Ok(())
}

/// A subscription to values of an object, from now on.
fn subscription(id: u8, object: &str, values: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    content.extend(0f64.to_be_bytes());
    content.extend(f64::MAX.to_be_bytes());
    string(&mut content, object);
    content.push(values.len() as u8);
    content.extend(values);
    command(id, &content)
}

/// A command with its length: one byte, or zero and four where one is too few.
fn command(id: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(content.len() + 6);
    match u8::try_from(content.len() + 2) {
        Ok(short) => bytes.push(short),
        Err(_) => {
            bytes.push(0);
            bytes.extend((content.len() as u32 + 6).to_be_bytes());
        }
    }
    bytes.push(id);
    bytes.extend(content);
    bytes
}

fn string(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u32).to_be_bytes());
    bytes.extend(text.as_bytes());
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], TraciError> {
        let (head, rest) =
            self.0.split_first_chunk::<N>().ok_or(TraciError::Protocol("an answer cut short"))?;
        self.0 = rest;
        Ok(*head)
    }
    fn u8(&mut self) -> Result<u8, TraciError> {
        self.take::<1>().map(|b| b[0])
    }
    fn i32(&mut self) -> Result<i32, TraciError> {
        self.take().map(i32::from_be_bytes)
    }
    fn f64(&mut self) -> Result<f64, TraciError> {
        self.take().map(f64::from_be_bytes)
    }
    fn length(&mut self) -> Result<(), TraciError> {
        if self.u8()? == 0 {
            self.i32()?;
        }
        Ok(())
    }
    fn string(&mut self) -> Result<String, TraciError> {
        let length = self.i32()? as usize;
        let (text, rest) =
            self.0.split_at_checked(length).ok_or(TraciError::Protocol("a text longer than its message"))?;
        self.0 = rest;
        Ok(String::from_utf8_lossy(text).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_carry_their_length() {
        assert_eq!(command(CMD_CLOSE, &[]), [2, 0x7F]);
        assert_eq!(command(CMD_STEP, &1f64.to_be_bytes())[..2], [10, 2]);
        let long = command(CMD_SET_SIGNAL, &[7; 300]);
        assert_eq!((long[0], u32::from_be_bytes(long[1..5].try_into().unwrap()), long.len()), (0, 306, 306));
    }

    #[test]
    fn garbage_is_an_error() {
        let mut reader = Reader(&[0, 0, 0, 9, b'a']);
        assert!(matches!(reader.string(), Err(TraciError::Protocol(_))));
    }
}
