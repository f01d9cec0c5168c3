//! A serial line with one or several devices on it (Modbus RTU), behind a port of this machine or a terminal server.
//!
//! An answer on such a line carries neither a number nor the register that was asked for: a late one looks like the
//! answer to whatever was asked last. So a question that got no proper answer puts its device in doubt. The line is then
//! left alone for a while, whatever comes meanwhile is thrown away, and before anything else the device is asked
//! something whose answer looks like no other: [`CLEARING`]. Devices answer in the order in which they were asked; when
//! that answer is there, the late one is past or will never come, however late it is.

use super::{DeviceError, modbus};
use std::{collections::BTreeSet, fmt, io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite},
    net::TcpStream,
    sync::Mutex,
    time::{Instant, sleep_until, timeout, timeout_at},
};
use tokio_modbus::{
    Request, Response, Slave,
    client::{Context, rtu},
    slave::SlaveContext,
};
pub use tokio_serial::{Parity, StopBits};

/// How long the line is left alone after a question without an answer, at least; twice the patience if that is
/// longer. Most late answers come within it, and cost nobody an error.
const QUIET: Duration = Duration::from_secs(1);
/// How many registers a clearing question reads back from the command block, by turns: no question of ours reads as
/// few holding registers, and no two clearing questions after one another look alike.
const CLEARING: [u16; 2] = [1, 2];
/// Bits of a character on the line: start, eight, parity, stop (Modbus over Serial Line 1.02, §2.5.1).
const CHARACTER_BITS: u32 = 11;
/// Silence between two frames, in characters (§2.5.1.1); above 19,200 baud it is fixed, in microseconds.
const GAP: (f64, Duration) = (3.5, Duration::from_micros(1750));

/// Where a line is, and how it speaks.
#[derive(Clone, PartialEq, Debug)]
pub struct LineConfig {
    /// For messages.
    pub name: String,
    /// How to reach it.
    pub way: Way,
    /// Speed of the serial side, bits a second.
    pub baud: u32,
}

/// How a serial line is reached.
#[derive(Clone, PartialEq, Debug)]
pub enum Way {
    /// A port of this machine.
    Port {
        /// Such as `/dev/ttyS1`.
        path: PathBuf,
        /// Parity bit.
        parity: Parity,
        /// Stop bits.
        stop_bits: StopBits,
    },
    /// A terminal server that passes the bytes on: "RTU over TCP".
    Server(SocketAddr),
}

impl LineConfig {
    /// How long one character takes.
    pub fn character(&self) -> Duration {
        Duration::from_secs(1) * CHARACTER_BITS / self.baud.max(1)
    }

    fn gap(&self) -> Duration {
        if self.baud > 19_200 { GAP.1 } else { self.character().mul_f64(GAP.0) }
    }
}

impl fmt::Display for LineConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.way {
            Way::Port { path, .. } => write!(f, "line {} at {}", self.name, path.display()),
            Way::Server(address) => write!(f, "line {} at {address}", self.name),
        }
    }
}

/// A line that several devices share: one question at a time. Opened at the first.
#[derive(Clone)]
pub struct SerialLine {
    config: Arc<LineConfig>,
    state: Arc<Mutex<State>>,
}

struct State {
    context: Option<Context>,
    /// Nobody asks anything before.
    quiet_until: Instant,
    /// Devices that owe no answer. At first nobody is among them: whoever ran before us may have asked.
    trusted: BTreeSet<u8>,
    clearings: usize,
}

impl fmt::Debug for SerialLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SerialLine").field(&self.config).finish()
    }
}

trait Transport: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Transport for T {}

impl SerialLine {
    /// Opens nothing yet.
    pub fn new(config: LineConfig) -> SerialLine {
        let state = State {
            context: None,
            quiet_until: Instant::now() + QUIET,
            trusted: BTreeSet::new(),
            clearings: 0,
        };
        SerialLine { config: Arc::new(config), state: Arc::new(Mutex::new(state)) }
    }

    /// Where it is.
    pub fn config(&self) -> &LineConfig {
        &self.config
    }

    /// Asks a device, once the line is free and the device in step. `command` is the first register of its command
    /// block, and `limit` how long one answer may take.
    pub async fn ask(
        &self,
        what: &'static str,
        unit: u8,
        command: u16,
        limit: Duration,
        request: Request<'_>,
    ) -> Result<Response, DeviceError> {
        let mut state = self.state.lock().await;
        if state.context.is_none() {
            let transport = self.open(limit, state.quiet_until).await;
            let transport = transport
                .map_err(|source| DeviceError::Connect { address: self.config.to_string(), source })?;
            state.context = Some(rtu::attach_slave(transport, Slave(unit)));
        }
        if !state.trusted.contains(&unit) {
            let count = CLEARING[state.clearings % CLEARING.len()];
            state.clearings += 1;
            let clearing = Request::ReadHoldingRegisters(command, count);
            match self.exchange(&mut state, "a word to get in step", unit, limit, clearing).await {
                // It speaks, if only to say no: so it is past what it owed.
                Ok(_) | Err(DeviceError::Refused { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        self.exchange(&mut state, what, unit, limit, request).await
    }

    async fn exchange(
        &self,
        state: &mut State,
        what: &'static str,
        unit: u8,
        limit: Duration,
        request: Request<'_>,
    ) -> Result<Response, DeviceError> {
        let Some(context) = &mut state.context else { return Err(DeviceError::Backoff) };
        // Until there is a proper answer; also if nobody waits for it to the end.
        state.trusted.remove(&unit);
        sleep_until(state.quiet_until).await;
        context.set_slave(Slave(unit));
        let outcome = modbus::exchange(context, what, limit, request).await;
        if matches!(outcome, Ok(_) | Err(DeviceError::Refused { .. })) {
            state.trusted.insert(unit);
            state.quiet_until = Instant::now() + self.config.gap();
        } else {
            // With the connection goes what its decoder has half read.
            state.context = None;
            state.quiet_until = Instant::now() + QUIET.max(2 * limit);
        }
        outcome
    }

    /// A new connection on which nothing has been said until `quiet_until`.
    async fn open(&self, limit: Duration, quiet_until: Instant) -> io::Result<Box<dyn Transport>> {
        let mut transport: Box<dyn Transport> = match &self.config.way {
            Way::Port { path, parity, stop_bits } => {
                let port = tokio_serial::new(path.display().to_string(), self.config.baud)
                    .parity(*parity)
                    .stop_bits(*stop_bits);
                Box::new(tokio_serial::SerialStream::open(&port)?)
            }
            Way::Server(address) => {
                let connect = timeout(limit, TcpStream::connect(address));
                let stream = connect.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
        };
        let mut late = [0; 256];
        while let Ok(read) = timeout_at(quiet_until, transport.read(&mut late)).await {
            if read? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(transport)
    }
}
