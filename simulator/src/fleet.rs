//! Public-transport vehicles say where they are, as on-board units do.

use crate::vehicles::TransitVehicle;
use model::time::Moment;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use wire::{
    codec,
    link::{self, LinkConfig, Outgoing},
    message::{Entry, Status, Vehicle, Vehicles},
    topic::{Kind, Node, StatusCode},
};

/// Positions at a moment.
pub type Positions = (Moment, Vec<TransitVehicle>);

/// Publishes each new picture of positions until `shutdown`. While there is no broker the pictures are lost,
/// as live state is.
pub async fn publish(
    mut positions: watch::Receiver<Positions>,
    link: LinkConfig,
    shutdown: CancellationToken,
) {
    let (publisher, mut inbox) = link::connect(link);
    let topic = Node::fleet("fleet").topic(&Kind::Status(StatusCode::Vehicles));
    let mut seq = 0;
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            _ = inbox.next() => {}
            changed = positions.changed() => {
                if changed.is_err() {
                    break;
                }
                let (ts, vehicles) = positions.borrow_and_update().clone();
                let values = Vehicles { vehicles: vehicles.into_iter().map(on_wire).collect() };
                let status = Status { entries: vec![Entry::new(ts, seq, values)] };
                publisher.publish(Outgoing::live(topic.clone(), codec::encode(&status)));
                seq += 1;
            }
        }
    }
    publisher.close().await;
}

fn on_wire(v: TransitVehicle) -> Vehicle {
    Vehicle {
        // Generated trips are named `<line>#<run>`.
        line: v.id.split_once('#').map(|(line, _)| line.to_owned()),
        lon: v.at.lon,
        lat: v.at.lat,
        heading: v.heading_deg as f32,
        speed: v.speed_mps as f32,
        id: v.id,
    }
}
