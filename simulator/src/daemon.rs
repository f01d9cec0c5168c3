//! The simulated street as a program of its own: `simulator --config F.toml`.

use crate::{
    demand::DemandStream,
    faults::{self, Order},
    fleet,
    live::LiveStreet,
    street::Street,
    world::{Options, World},
};
use model::{
    city::City,
    config::{self, Complaint, Complaints, Source},
    time::Moment,
};
use serde::Deserialize;
use serde_spanned::Spanned;
use std::{io, net::SocketAddr, path::PathBuf, sync::Arc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use wire::{
    broker::{Broker, RawBroker},
    clock::Clock,
    register_map::RegisterMap,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConfig {
    city: PathBuf,
    seed: u64,
    vehicles: Spanned<usize>,
    modbus: RawModbus,
    broker: Option<RawBroker>,
    #[serde(default)]
    faults: Vec<Spanned<Order>>,
    faults_api: Option<RawFaultsApi>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFaultsApi {
    listen: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawModbus {
    first: Spanned<String>,
    map: PathBuf,
}

/// What `simulator.toml` means; the files that it names have not been opened yet.
#[derive(Clone, Debug)]
pub struct Config {
    /// The city's file. Relative to the folder in which the program is started.
    pub city: PathBuf,
    /// Seed of the traffic.
    pub seed: u64,
    /// About how many vehicles are on the road at once at the peak.
    pub vehicles: usize,
    /// Where the first junction's device answers; the others follow port by port.
    pub modbus: SocketAddr,
    /// The devices' register map.
    pub map: PathBuf,
    /// Where vehicles say their positions; nowhere without one.
    pub broker: Option<Broker>,
    /// What goes wrong by plan, each with its line.
    pub faults: Vec<(Order, u32)>,
    /// Where faults are ordered while the street runs; nowhere without one.
    pub faults_api: Option<SocketAddr>,
    file: String,
}

impl Config {
    /// Reads the text of a configuration.
    pub fn parse(file: &str, text: &str) -> Result<Config, Complaints> {
        let raw: RawConfig = config::parse(file, text)?;
        let source = Source::new(file, text);
        let mut complaints = Complaints::default();
        let first = raw.modbus.first.get_ref().parse::<SocketAddr>().map_err(|_| {
            let said = raw.modbus.first.get_ref();
            Complaint::spanned(source, &raw.modbus.first, format!("first = {said:?} is not ADDRESS:PORT"))
        });
        let modbus = complaints.take(first);
        if *raw.vehicles.get_ref() > 2_000_000 {
            complaints.push(Complaint::spanned(source, &raw.vehicles, "vehicles: more than two million"));
        }
        let broker = raw.broker.map(|broker| broker.meant(source, &mut complaints));
        let faults_api = raw.faults_api.map(|api| {
            let said = api.listen.get_ref();
            said.parse::<SocketAddr>().map_err(|_| {
                Complaint::spanned(source, &api.listen, format!("listen = {said:?} is not ADDRESS:PORT"))
            })
        });
        let faults_api = complaints.take(faults_api.transpose()).flatten();
        let line = |order: &Spanned<Order>| config::line_of(text, order.span().start);
        let faults = raw.faults.into_iter().map(|order| (line(&order), order.into_inner()));
        let Some(modbus) = modbus else { return Err(complaints) };
        complaints.or(Config {
            city: raw.city,
            seed: raw.seed,
            vehicles: raw.vehicles.into_inner(),
            modbus,
            map: raw.modbus.map,
            broker,
            faults: faults.map(|(line, order)| (order, line)).collect(),
            faults_api,
            file: file.to_owned(),
        })
    }

    /// Opens the city and the register map.
    pub fn open(&self) -> Result<(Arc<City>, Arc<RegisterMap>), Complaints> {
        let read = |path: &PathBuf| {
            std::fs::read_to_string(path)
                .map_err(|e| Complaint::whole(path.display().to_string(), format!("could not be read: {e}")))
        };
        let mut complaints = Complaints::default();
        let city = complaints.take(read(&self.city));
        let map = complaints.take(read(&self.map));
        let (Some(city), Some(map)) = (city, map) else { return Err(complaints) };
        let file = self.city.display().to_string();
        let city = City::parse(Source::new(&file, &city)).map_err(|more| complaints.extend(more.0)).ok();
        for (order, line) in &self.faults {
            if let Some(Err(said)) = city.as_ref().map(|city| faults::check(city, order)) {
                complaints.push(Complaint::at(self.file.clone(), *line, format!("faults: {said}")));
            }
        }
        let map = RegisterMap::parse(&self.map.display().to_string(), &map)
            .map_err(|more| complaints.extend(more.0))
            .ok();
        match (city, map) {
            (Some(city), Some(map)) => complaints.or((Arc::new(city), Arc::new(map))),
            _ => Err(complaints),
        }
    }
}

/// Runs the street in real time until `shutdown`.
pub async fn run(
    config: &Config,
    city: Arc<City>,
    map: Arc<RegisterMap>,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let clock = Clock::real();
    // The street's own clock counts from local midnight, as demand does; today's date is the machine's.
    let zone_ms = 3 * 3_600_000;
    let now_ms = clock.now().0;
    let midnight = Moment((now_ms + zone_ms).div_euclid(86_400_000) * 86_400_000 - zone_ms);
    let begin_ms = (now_ms - midnight.0) / 1000 * 1000;
    let stream = DemandStream::new(&city, config.vehicles, config.seed, begin_ms as f64 / 1000.0);
    let options = Options { begin_ms, ..Options::default() };
    let world = World::with_options(&city, stream.types().to_vec(), config.seed, options);
    let street = LiveStreet::new(Street::new(city.clone(), world, map, midnight), Some(stream));
    for (order, _) in &config.faults {
        street.faults().order(&city, order.clone()).map_err(io::Error::other)?;
    }
    let mut servers = JoinSet::new();
    if let Some(at) = config.faults_api {
        let listener = tokio::net::TcpListener::bind(at)
            .await
            .map_err(|e| io::Error::new(e.kind(), format!("could not listen for faults on {at}: {e}")))?;
        tracing::info!(at = %listener.local_addr()?, "faults are ordered at /api/v1/faults");
        servers.spawn(faults::api::serve(listener, city, street.faults().clone(), shutdown.clone()));
    }
    let addresses = street.serve(config.modbus, &shutdown, &mut servers).await?;
    if let (Some(first), Some(last)) = (addresses.first(), addresses.last()) {
        tracing::info!(%first, %last, devices = addresses.len(), "devices answer Modbus TCP");
    }
    let link = config.broker.as_ref().map(|broker| broker.link("fleet")).transpose();
    let vehicles = link
        .map_err(io::Error::other)?
        .map(|link| tokio::spawn(fleet::publish(street.positions(), link, shutdown.clone())));
    let ended = shutdown.clone();
    let drive = tokio::task::spawn_blocking(move || street.drive(clock, &ended));
    let outcome = tokio::select! {
        () = shutdown.cancelled() => Ok(()),
        Some(server) = servers.join_next() => server.map_err(io::Error::other).and_then(|outcome| outcome),
    };
    shutdown.cancel();
    let _ = drive.await;
    if let Some(vehicles) = vehicles {
        let _ = vehicles.await;
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = include_str!("../../configs/simulator.toml");

    #[test]
    fn the_shipped_file_is_right() {
        let config = Config::parse("simulator.toml", SHIPPED).unwrap();
        assert_eq!(config.modbus.port(), 15020, "edge-agent.toml expects the devices there");
    }

    #[test]
    fn faults_are_named_with_their_line() {
        let check = |from: &str, to: &str, expected: &str| {
            assert!(SHIPPED.contains(from), "{from:?}");
            let said = Config::parse("s.toml", &SHIPPED.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(said.starts_with("s.toml:") && said.contains(expected), "{said}");
        };
        check("\"127.0.0.1:15020\"", "\"here\"", "first = \"here\" is not ADDRESS:PORT");
        check("seed = 1", "sed = 1", "sed");
        let with = |more: &str| SHIPPED.to_owned() + more;
        let said = Config::parse("s.toml", &with("\n[[faults]]\njunction = \"1\"\nwhat = \"power\"\n"));
        let said = said.unwrap_err().to_string();
        assert!(said.contains("unknown variant `power`"), "{said}");
        let good = with(
            "\n[[faults]]\njunction = \"1\"\nafter_s = 60\nfor_s = 30\nwhat = { stuck_on = { channel = 2 } }\n\
             [[faults]]\njunction = \"1\"\nwhat = \"door_open\"\n",
        );
        let config = Config::parse("s.toml", &good).unwrap();
        assert_eq!(config.faults[0].0.what, faults::What::StuckOn { channel: 2 });
        assert_eq!(config.faults[1].1, good.lines().count() as u32 - 2);
    }
}
