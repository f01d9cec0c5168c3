//! A street that runs by a clock: traffic that never ends, devices on sockets, vehicles that say where they are.

use crate::{demand::DemandStream, faults::Faults, fleet::Positions, street::Street, vehicles::Body};
use std::{io, net::SocketAddr, time::Duration};
use tokio::{net::TcpListener, sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;
use wire::clock::Clock;

/// Trips are taken from the stream this far ahead, s.
const AHEAD_S: f64 = 30.0;
/// A street that lags this much behind its clock says so, s of the city's time.
const LAG_S: u64 = 10;
/// Longest sleep at a stretch, so that an end is noticed soon.
const NAP: Duration = Duration::from_millis(100);

/// The street, and where its trips come from.
#[derive(Debug)]
pub struct LiveStreet {
    street: Street,
    stream: Option<DemandStream>,
    faults: Faults,
    positions: watch::Sender<Positions>,
    bodies: watch::Sender<Vec<Body>>,
}

impl LiveStreet {
    /// A street whose trips are in its world already, or come from `stream` as time goes on.
    pub fn new(street: Street, stream: Option<DemandStream>) -> LiveStreet {
        let faults = Faults::new(street.now());
        let (positions, bodies) = (watch::Sender::default(), watch::Sender::default());
        LiveStreet { street, stream, faults, positions, bodies }
    }

    /// The faults on request; a clone orders and takes back.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The street.
    pub fn street(&self) -> &Street {
        &self.street
    }

    /// Positions of public transport, after each second.
    pub fn positions(&self) -> watch::Receiver<Positions> {
        self.positions.subscribe()
    }

    /// Everybody on the road, after each second.
    pub fn bodies(&self) -> watch::Receiver<Vec<Body>> {
        self.bodies.subscribe()
    }

    /// Everything lives one step.
    pub fn step(&mut self) {
        if let Some(stream) = &mut self.stream {
            for (trip, fault) in stream.feed(self.street.world_mut(), AHEAD_S) {
                tracing::debug!(trip, %fault, "a generated trip was left out");
            }
        }
        self.faults.apply(&mut self.street);
        self.street.step();
        // Reports of finished trips are for evaluation; here nobody reads them.
        drop(self.street.world_mut().take_finished());
    }

    /// Gives each device a port: the one after the device's before it, or any free one if `first` is 0.
    /// They answer until `shutdown`. The addresses are in junction order.
    pub async fn serve(
        &self,
        first: SocketAddr,
        shutdown: &CancellationToken,
        servers: &mut JoinSet<io::Result<()>>,
    ) -> io::Result<Vec<SocketAddr>> {
        let mut addresses = Vec::with_capacity(self.street.devices().len());
        for (i, device) in self.street.devices().iter().enumerate() {
            let port = if first.port() == 0 { Some(0) } else { first.port().checked_add(i as u16) };
            let port =
                port.ok_or_else(|| io::Error::other(format!("no port is left for device {}", i + 1)))?;
            let at = SocketAddr::new(first.ip(), port);
            let listener = TcpListener::bind(at)
                .await
                .map_err(|e| io::Error::new(e.kind(), format!("could not listen for Modbus on {at}: {e}")))?;
            addresses.push(listener.local_addr()?);
            servers.spawn(device.clone().serve(listener, shutdown.clone()));
        }
        Ok(addresses)
    }

    /// Drives the street by the clock until `shutdown`. Blocks: it wants a thread of its own.
    pub fn drive(mut self, clock: Clock, shutdown: &CancellationToken) {
        let mut said = false;
        while !shutdown.is_cancelled() {
            let (now, due) = (clock.now(), self.street.now());
            if now < due {
                let wait = clock.real_duration(due.since(now));
                std::thread::sleep(wait.clamp(Duration::from_millis(1), NAP));
                continue;
            }
            let lag = now.since(due).as_secs();
            if lag > LAG_S && !said {
                said = true;
                tracing::warn!(lag_s = lag, "the street cannot keep up with its clock on this machine");
            }
            self.step();
            self.positions.send_replace((self.street.now(), self.street.world().transit_vehicles()));
            if self.bodies.receiver_count() > 0 {
                self.bodies.send_replace(self.street.world().bodies());
            }
        }
    }
}
