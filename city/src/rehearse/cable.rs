//! The Modbus cable of one cabinet: the agent's real client at one end, the simulated device at the other, and in
//! between whatever a bad cable does. No sockets: a call is answered at once, or not at all.

use simulator::modbus_field::FieldDevice;
use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio_modbus::{
    Request, Response, Slave, SlaveRequest,
    client::{Client, Context},
    server::Service,
    slave::SlaveContext,
};
use wire::register_map::CommandBlock;

/// What both ends share, and what the rehearsal sets and reads.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) device: FieldDevice,
    /// First register of the command block.
    command: u16,
    unit: u8,
    /// Nobody answers at all.
    pub(super) cut: bool,
    /// Share of the calls that get no answer in time.
    pub(super) late: f64,
    chance: fastrand::Rng,
    /// How often the settings were written, whoever asked: our heartbeat is not counted.
    pub(super) writes: u64,
    /// The settings that the device has: stage, countdown, plan, local mode.
    pub(super) settings: [u16; 4],
    /// Calls that got no answer.
    pub(super) unanswered: u64,
}

/// The cable.
#[derive(Clone, Debug)]
pub(super) struct Cable(Arc<Mutex<Wire>>);

impl Cable {
    pub(super) fn new(device: FieldDevice, command: u16, unit: u8, seed: u64) -> Cable {
        Cable(Arc::new(Mutex::new(Wire {
            device,
            command,
            unit,
            cut: false,
            late: 0.0,
            chance: fastrand::Rng::with_seed(seed),
            writes: 0,
            settings: [0; 4],
            unanswered: 0,
        })))
    }

    pub(super) fn wire(&self) -> MutexGuard<'_, Wire> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more connection to the device.
    pub(super) fn connect(&self) -> io::Result<Context> {
        if self.wire().cut {
            return Err(io::ErrorKind::HostUnreachable.into());
        }
        let end: Box<dyn Client> = Box::new(End { cable: self.clone(), late: None });
        Ok(end.into())
    }
}

/// The client's end of one connection.
struct End {
    cable: Cable,
    /// An answer that came after its time: it waits in the line for whoever asks next on this connection.
    late: Option<Response>,
}

type Answer = tokio_modbus::Result<Response>;

impl End {
    async fn ask(&mut self, request: Request<'static>) -> Answer {
        let (device, unit, late) = {
            let mut wire = self.cable.wire();
            if wire.cut {
                wire.unanswered += 1;
                return Err(io::Error::from(io::ErrorKind::TimedOut).into());
            }
            let share = wire.late;
            let late = share > 0.0 && wire.chance.f64() < share;
            (wire.device.clone(), wire.unit, late)
        };
        let written = match &request {
            Request::WriteMultipleRegisters(first, words) => Some((*first, words.to_vec())),
            _ => None,
        };
        let answer = device.call(SlaveRequest { slave: unit, request }).await;
        let mut wire = self.cable.wire();
        if let Some((first, words)) = written {
            wire.note(first, &words);
        }
        if late {
            wire.unanswered += 1;
            self.late = answer.ok();
            return Err(io::Error::from(io::ErrorKind::TimedOut).into());
        }
        // Who asks again on a connection that has an answer under way gets that one.
        match (self.late.take(), answer) {
            (Some(late), now) => {
                self.late = now.ok();
                Ok(Ok(late))
            }
            (None, answer) => Ok(answer),
        }
    }
}

impl Wire {
    fn note(&mut self, first: u16, words: &[u16]) {
        if first == self.command + CommandBlock::STAGE
            && let Ok(settings) = <[u16; 4]>::try_from(words)
        {
            self.writes += 1;
            self.settings = settings;
        }
    }
}

impl SlaveContext for End {
    fn set_slave(&mut self, _: Slave) {}
}

impl Client for End {
    fn call<'life0, 'life1, 'async_trait>(
        &'life0 mut self,
        request: Request<'life1>,
    ) -> Pin<Box<dyn Future<Output = Answer> + Send + 'async_trait>>
    where
        'life0: 'async_trait,
        'life1: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(self.ask(request.into_owned()))
    }

    fn disconnect<'life0, 'async_trait>(
        &'life0 mut self,
    ) -> Pin<Box<dyn Future<Output = io::Result<()>> + Send + 'async_trait>>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(std::future::ready(Ok(())))
    }
}
