//! Public-transport vehicles say where they are, as on-board units do.

use model::time::Moment;
use simulator::vehicles::TransitVehicle;
use std::net::SocketAddr;
use tokio::{sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;
use wire::{
    clock::Clock,
    codec,
    link::{self, LinkConfig, Outgoing},
    message::{Entry, Status, Vehicle, Vehicles},
    topic::{Kind, Node, StatusCode},
};

/// Positions at a moment.
pub(super) type Positions = (Moment, Vec<TransitVehicle>);

/// Publishes each new picture of positions.
pub(super) fn publish(
    mut positions: watch::Receiver<Positions>,
    mqtt: SocketAddr,
    clock: Clock,
    shutdown: &CancellationToken,
    parts: &mut JoinSet<anyhow::Result<()>>,
) {
    let shutdown = shutdown.clone();
    parts.spawn(async move {
        let (publisher, mut inbox) = link::connect(LinkConfig::new(mqtt.ip().to_string(), mqtt.port(), "fleet"));
        let topic = Node::fleet("fleet").topic(&Kind::Status(StatusCode::Vehicles));
        let mut seq = 0;
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                _ = inbox.next() => {}
                changed = positions.changed() => {
                    if changed.is_err() {
                        shutdown.cancelled().await;
                        return Ok(());
                    }
                    let (at, vehicles) = positions.borrow_and_update().clone();
                    let vehicles = vehicles.into_iter().map(wire_vehicle).collect();
                    let entry = Entry { ts: at.max(Moment(clock.now().0 - 60_000)), seq, values: Vehicles { vehicles } };
                    publisher.publish(Outgoing::live(topic.clone(), codec::encode(&Status { entries: vec![entry] })));
                    seq += 1;
                }
            }
        }
    });
}

fn wire_vehicle(v: TransitVehicle) -> Vehicle {
    // Generated trips are named `<line>#<run>`.
    let line = v.id.split_once('#').map(|(line, _)| line.to_owned());
    Vehicle {
        line,
        lon: v.at.lon,
        lat: v.at.lat,
        heading: v.heading_deg as f32,
        speed: v.speed_mps as f32,
        id: v.id,
    }
}
