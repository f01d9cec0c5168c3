//! The demo's MQTT 5 broker: rumqttd inside this process. It keeps nothing on disk and has no per-topic
//! rights; a city uses mosquitto or better (`docs/operating.md`).

use anyhow::{Context, bail};
use rumqttd::{Broker, Config, ConnectionSettings, RouterConfig, ServerSettings};
use std::{
    collections::HashMap,
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// How long the listener may take to come up.
const START_PATIENCE: Duration = Duration::from_secs(10);

/// Largest MQTT message: the full configuration of the largest junction is about 60 kB.
const LARGEST_MESSAGE: usize = 1 << 20;

/// Starts a broker for up to `clients` connections on `address`; port 0 takes a free one. It runs until the
/// process ends.
pub fn start(address: SocketAddr, clients: usize) -> anyhow::Result<SocketAddr> {
    // rumqttd binds by itself and cannot say which port it got, so we look for a free one first.
    let probe = std::net::TcpListener::bind(address)
        .with_context(|| format!("could not listen for MQTT on {address}"))?;
    let listen = probe.local_addr()?;
    drop(probe);
    let server = ServerSettings {
        name: "mqtt-v5".into(),
        listen,
        tls: None,
        next_connection_delay_ms: 0,
        connections: ConnectionSettings {
            connection_timeout_ms: 10_000,
            max_payload_size: LARGEST_MESSAGE,
            max_inflight_count: 200,
            auth: None,
            external_auth: None,
            dynamic_filters: true,
        },
    };
    let config = Config {
        id: 0,
        router: RouterConfig {
            max_connections: clients + 64,
            // Also the most retained messages that a new subscriber gets: a cabinet has about a dozen.
            max_outgoing_packet_count: (clients as u64 + 10) * 40,
            // Live state ages at once: two segments of 4 MiB a topic are plenty and bound the memory.
            max_segment_size: 4 << 20,
            max_segment_count: 2,
            ..RouterConfig::default()
        },
        v5: Some(HashMap::from([("5".to_owned(), server)])),
        ..Config::default()
    };
    std::thread::Builder::new().name("mqtt-broker".into()).spawn(move || {
        if let Err(error) = Broker::new(config).start() {
            tracing::error!(%error, "the embedded broker stopped");
        }
    })?;
    let mut waited = Duration::ZERO;
    while TcpStream::connect(listen).is_err() {
        if waited > START_PATIENCE {
            bail!("the embedded broker did not come up on {listen}");
        }
        let pause = Duration::from_millis(10);
        std::thread::sleep(pause);
        waited += pause;
    }
    Ok(listen)
}
