//! From `edge-agent.toml` to something that can run, or a list of everything that is wrong with it.

use crate::{cabinet::CabinetConfig, device::modbus::ModbusConfig, spool::SpoolConfig};
use model::{
    city::City,
    config::{self, Complaint, Complaints, Source},
    ids::JunctionId,
    signal::Junction,
};
use serde::Deserialize;
use serde_spanned::Spanned;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use wire::{
    link::{Credentials, LinkConfig, SHORTEST_KEEP_ALIVE},
    register_map::RegisterMap,
};

/// Slowest polling that still sees every lamp: 2 Hz, half of the shortest lamp (red-amber, 1 s).
const SLOWEST_POLL_MS: u64 = 500;
/// Fastest that a PLC's Modbus stack is known to bear.
const FASTEST_POLL_MS: u64 = 50;
/// Most cabinets of one gateway (DESIGN §5).
const MOST_CABINETS: usize = 2_000;
/// Smallest useful spool: an hour of one cabinet.
const SMALLEST_SPOOL: u64 = 1_000_000;

/// Environment variable for the broker's password, if there is no file.
pub const PASSWORD_VARIABLE: &str = "SVETOFOR_BROKER_PASSWORD";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConfig {
    broker: RawBroker,
    spool: RawSpool,
    device: RawDevice,
    #[serde(default)]
    cabinet: Vec<RawCabinet>,
    fleet: Option<RawFleet>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBroker {
    host: String,
    port: Spanned<u16>,
    keep_alive_s: Spanned<u64>,
    client_id: Spanned<String>,
    connection: Connection,
    username: Option<String>,
    password_file: Option<Spanned<PathBuf>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSpool {
    folder: PathBuf,
    most_bytes_per_cabinet: Spanned<u64>,
    replay_entries_per_s: Spanned<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDevice {
    poll_ms: Spanned<u64>,
    timeout_ms: Spanned<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCabinet {
    junction: Spanned<String>,
    address: Spanned<String>,
    unit: Option<Spanned<u8>>,
    map: Spanned<PathBuf>,
    limits: Spanned<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFleet {
    host: Spanned<String>,
    first_port: Spanned<u16>,
    map: Spanned<PathBuf>,
    limits: Spanned<PathBuf>,
}

/// How many connections to the broker.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Connection {
    /// One for each cabinet: the broker's will says when one of them vanishes.
    PerCabinet,
    /// One for all: for gateways. The will speaks for the gateway, and a centre tells a lost cabinet by its
    /// silence.
    Shared,
}

/// What `edge-agent.toml` means; other files that it names have not been opened yet.
#[derive(Clone, Debug)]
pub struct Config {
    file: String,
    broker: Broker,
    /// How many connections to the broker.
    pub connection: Connection,
    client_id: String,
    spool: SpoolConfig,
    replay_per_s: u32,
    poll: Duration,
    timeout: Duration,
    cabinets: Vec<Place>,
    fleet: Option<Fleet>,
}

#[derive(Clone, Debug)]
struct Broker {
    host: String,
    port: u16,
    keep_alive: Duration,
    username: Option<String>,
    password_file: Option<(u32, PathBuf)>,
}

#[derive(Clone, Debug)]
struct Place {
    line: u32,
    junction: JunctionId,
    address: SocketAddr,
    unit: Option<u8>,
    map: PathBuf,
    limits: PathBuf,
}

#[derive(Clone, Debug)]
struct Fleet {
    line: u32,
    host: std::net::IpAddr,
    first_port: u16,
    map: PathBuf,
    limits: PathBuf,
}

impl Config {
    /// Reads and checks the text itself. Files that it names are opened by [`Config::open`].
    pub fn parse(file: &str, text: &str) -> Result<Config, Complaints> {
        let raw: RawConfig = config::parse(file, text)?;
        let source = Source::new(file, text);
        let mut complaints = Complaints::default();
        macro_rules! complain {
            ($value:expr, $($message:tt)*) => {
                complaints.push(Complaint::spanned(source, &$value, format!($($message)*)))
            };
        }
        let keep_alive = Duration::from_secs(*raw.broker.keep_alive_s.get_ref());
        if keep_alive < SHORTEST_KEEP_ALIVE {
            let shortest = SHORTEST_KEEP_ALIVE.as_secs();
            complain!(raw.broker.keep_alive_s, "keep_alive_s = {} is below {shortest}", keep_alive.as_secs());
        }
        if *raw.broker.port.get_ref() == 0 {
            complain!(raw.broker.port, "port = 0 is no port");
        }
        let client_id = raw.broker.client_id.get_ref();
        if !JunctionId::new(client_id).is_topic_safe() {
            complain!(raw.broker.client_id, "client_id = {client_id:?} cannot stand in a topic");
        }
        if raw.broker.username.is_none()
            && let Some(password_file) = &raw.broker.password_file
        {
            complain!(password_file, "password_file without a username");
        }
        let most_bytes = *raw.spool.most_bytes_per_cabinet.get_ref();
        if most_bytes < SMALLEST_SPOOL {
            let at = &raw.spool.most_bytes_per_cabinet;
            complain!(at, "most_bytes_per_cabinet = {most_bytes} is below {SMALLEST_SPOOL}");
        }
        let replay_per_s = *raw.spool.replay_entries_per_s.get_ref();
        if !(4..=1000).contains(&replay_per_s) {
            // A cabinet makes two entries a second; below four a replay would hardly ever catch up.
            let at = &raw.spool.replay_entries_per_s;
            complain!(at, "replay_entries_per_s = {replay_per_s} is not within 4 to 1000");
        }
        let poll_ms = *raw.device.poll_ms.get_ref();
        if !(FASTEST_POLL_MS..=SLOWEST_POLL_MS).contains(&poll_ms) {
            let at = &raw.device.poll_ms;
            complain!(at, "poll_ms = {poll_ms} is not within {FASTEST_POLL_MS} to {SLOWEST_POLL_MS}");
        }
        let timeout_ms = *raw.device.timeout_ms.get_ref();
        if !(10..=5_000).contains(&timeout_ms) {
            complain!(raw.device.timeout_ms, "timeout_ms = {timeout_ms} is not within 10 to 5000");
        }
        let line = |span: std::ops::Range<usize>| config::line_of(text, span.start);
        let mut cabinets: Vec<Place> = Vec::new();
        for cabinet in &raw.cabinet {
            let id = cabinet.junction.get_ref();
            if !JunctionId::new(id).is_topic_safe() {
                complain!(cabinet.junction, "junction = {id:?} cannot stand in a topic");
            }
            if cabinets.iter().any(|c| c.junction.as_str() == id) {
                complain!(cabinet.junction, "junction {id:?} has two cabinets");
            }
            if cabinet.unit.as_ref().is_some_and(|unit| *unit.get_ref() == 0) {
                complain!(cabinet.junction, "unit = 0 is broadcast; nobody answers it");
            }
            let address: SocketAddr = match cabinet.address.get_ref().parse() {
                Ok(address) => address,
                Err(_) => {
                    complain!(
                        cabinet.address,
                        "address = {:?} is not an address and a port",
                        cabinet.address.get_ref()
                    );
                    continue;
                }
            };
            let unit = cabinet.unit.as_ref().map(|u| *u.get_ref());
            if cabinets.iter().any(|c| (c.address, c.unit) == (address, unit)) {
                complain!(cabinet.address, "two cabinets have their device at {address}");
            }
            cabinets.push(Place {
                line: line(cabinet.junction.span()),
                junction: JunctionId::new(id),
                address,
                unit,
                map: cabinet.map.get_ref().clone(),
                limits: cabinet.limits.get_ref().clone(),
            });
        }
        let fleet = raw.fleet.and_then(|fleet| {
            let Ok(host) = fleet.host.get_ref().parse() else {
                complain!(fleet.host, "host = {:?} is not an address", fleet.host.get_ref());
                return None;
            };
            if *fleet.first_port.get_ref() == 0 {
                complain!(fleet.first_port, "first_port = 0 is no port");
            }
            Some(Fleet {
                line: line(fleet.limits.span()),
                host,
                first_port: *fleet.first_port.get_ref(),
                map: fleet.map.into_inner(),
                limits: fleet.limits.into_inner(),
            })
        });
        if raw.cabinet.is_empty() && fleet.is_none() && complaints.is_empty() {
            complaints.push(Complaint::whole(file, "neither a [[cabinet]] nor a [fleet]: nothing to do"));
        }
        let password_file = raw.broker.password_file.map(|f| (line(f.span()), f.into_inner()));
        complaints.or(Config {
            file: file.to_owned(),
            broker: Broker {
                host: raw.broker.host,
                port: raw.broker.port.into_inner(),
                keep_alive,
                username: raw.broker.username,
                password_file,
            },
            connection: raw.broker.connection,
            client_id: raw.broker.client_id.into_inner(),
            spool: SpoolConfig { folder: Some(raw.spool.folder), most_bytes },
            replay_per_s,
            poll: Duration::from_millis(poll_ms),
            timeout: Duration::from_millis(timeout_ms),
            cabinets,
            fleet,
        })
    }

    /// Opens the files that the configuration names: register maps, limits, the broker's password.
    pub fn open(&self) -> Result<Opened, Complaints> {
        let mut complaints = Complaints::default();
        let mut files = Files::default();
        let mut cabinets = Vec::new();
        let mut add =
            |files: &mut Files, line, junction: Arc<Junction>, address, unit: Option<u8>, map: &Path| {
                let map = files.map(map).map_err(|e| self.blame(line, e))?;
                let unit = unit.unwrap_or(map.unit);
                cabinets.push(CabinetConfig {
                    junction,
                    device: ModbusConfig { address, unit, map, timeout: self.timeout },
                    poll: self.poll,
                    spool: self.spool.clone(),
                    replay_per_s: self.replay_per_s,
                });
                Ok::<(), Complaints>(())
            };
        for place in &self.cabinets {
            let outcome =
                files.limits(&place.limits).map_err(|e| self.blame(place.line, e)).and_then(|junctions| {
                    let junction =
                        junctions.iter().find(|j| j.id == place.junction).cloned().ok_or_else(|| {
                            let message =
                                format!("junction {} is not in {}", place.junction, place.limits.display());
                            Complaints::from(Complaint::at(&self.file, place.line, message))
                        })?;
                    add(&mut files, place.line, junction, place.address, place.unit, &place.map)
                });
            complaints.extend(outcome.err().into_iter().flat_map(|c| c.0));
        }
        if let Some(fleet) = &self.fleet {
            let outcome =
                files.limits(&fleet.limits).map_err(|e| self.blame(fleet.line, e)).and_then(|junctions| {
                    for (i, junction) in junctions.iter().enumerate() {
                        let port = u16::try_from(i).ok().and_then(|i| fleet.first_port.checked_add(i));
                        let Some(port) = port else {
                            let message = format!("{} junctions need ports beyond 65535", junctions.len());
                            return Err(Complaint::at(&self.file, fleet.line, message).into());
                        };
                        let address = SocketAddr::new(fleet.host, port);
                        add(&mut files, fleet.line, junction.clone(), address, None, &fleet.map)?;
                    }
                    Ok(())
                });
            complaints.extend(outcome.err().into_iter().flat_map(|c| c.0));
        }
        if cabinets.len() > MOST_CABINETS {
            let message =
                format!("{} cabinets are more than one agent serves ({MOST_CABINETS})", cabinets.len());
            complaints.push(Complaint::whole(&self.file, message));
        }
        let credentials = complaints.take(self.credentials()).flatten();
        let mut link = LinkConfig::new(&self.broker.host, self.broker.port, &self.client_id);
        link.keep_alive = self.broker.keep_alive;
        link.credentials = credentials;
        complaints.or(Opened { link, connection: self.connection, cabinets })
    }

    fn credentials(&self) -> Result<Option<Credentials>, Complaint> {
        let Some(username) = self.broker.username.clone() else { return Ok(None) };
        let password = match &self.broker.password_file {
            Some((line, path)) => std::fs::read_to_string(path)
                .map_err(|e| {
                    Complaint::at(&self.file, *line, format!("could not read {}: {e}", path.display()))
                })?
                .trim_end_matches(['\r', '\n'])
                .to_owned(),
            None => std::env::var(PASSWORD_VARIABLE).map_err(|_| {
                let message =
                    format!("username {username:?} has no password_file, and {PASSWORD_VARIABLE} is not set");
                Complaint::whole(&self.file, message)
            })?,
        };
        Ok(Some(Credentials { username, password }))
    }

    /// A complaint about a named file stands under its own name, if it has a line there; otherwise under ours.
    fn blame(&self, line: u32, mut complaints: Complaints) -> Complaints {
        for complaint in &mut complaints.0 {
            if complaint.file.is_empty() {
                complaint.file.clone_from(&self.file);
                complaint.line = Some(line);
            }
        }
        complaints
    }
}

/// A configuration with everything that it names.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The broker; cabinets add their client ids, wills and filters.
    pub link: LinkConfig,
    /// How many connections to it.
    pub connection: Connection,
    /// All cabinets.
    pub cabinets: Vec<CabinetConfig>,
}

/// Files are read once each, however many cabinets name them.
#[derive(Default)]
struct Files {
    maps: BTreeMap<PathBuf, Arc<RegisterMap>>,
    limits: BTreeMap<PathBuf, Vec<Arc<Junction>>>,
}

impl Files {
    fn map(&mut self, path: &Path) -> Result<Arc<RegisterMap>, Complaints> {
        if let Some(map) = self.maps.get(path) {
            return Ok(map.clone());
        }
        let map = Arc::new(RegisterMap::parse(&path.display().to_string(), &read(path)?)?);
        self.maps.insert(path.to_owned(), map.clone());
        Ok(map)
    }

    /// A city, or one junction. Junctions with faults are refused: an agent without sound limits is no guard.
    fn limits(&mut self, path: &Path) -> Result<Vec<Arc<Junction>>, Complaints> {
        if let Some(junctions) = self.limits.get(path) {
            return Ok(junctions.clone());
        }
        let text = read(path)?;
        let name = path.display().to_string();
        let json =
            |e: serde_json::Error| Complaints::from(Complaint::at(&name, e.line() as u32, e.to_string()));
        let value: serde_json::Value = serde_json::from_str(&text).map_err(json)?;
        let junctions = match value.get("network").is_some() {
            true => serde_json::from_str::<City>(&text).map_err(json)?.junctions,
            false => vec![serde_json::from_str::<Junction>(&text).map_err(json)?],
        };
        let mut complaints = Complaints::default();
        for junction in &junctions {
            let faults = junction.faults();
            complaints.extend(
                faults.into_iter().map(|f| Complaint::whole(&name, format!("junction {}: {f}", junction.id))),
            );
        }
        let junctions = complaints.or(junctions.into_iter().map(Arc::new).collect::<Vec<_>>())?;
        self.limits.insert(path.to_owned(), junctions.clone());
        Ok(junctions)
    }
}

fn read(path: &Path) -> Result<String, Complaints> {
    std::fs::read_to_string(path).map_err(|e| {
        Complaint {
            file: String::new(),
            line: None,
            message: format!("could not read {}: {e}", path.display()),
        }
        .into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::fixture::junction;

    const SHIPPED: &str = include_str!("../../configs/edge-agent.toml");

    #[test]
    fn the_shipped_file_is_right() {
        let config = Config::parse("edge-agent.toml", SHIPPED).unwrap();
        assert_eq!(config.connection, Connection::PerCabinet);
        // The commented-out parts are right too.
        let all: String = SHIPPED
            .lines()
            .map(|line| {
                line.strip_prefix("# ").filter(|l| l.starts_with("[[") || l.contains(" = ")).unwrap_or(line)
            })
            .map(|line| format!("{line}\n"))
            .collect();
        let config = Config::parse("edge-agent.toml", &all).unwrap();
        assert_eq!((config.cabinets.len(), config.broker.username.as_deref()), (1, Some("edge-1")));
    }

    #[test]
    fn faults_are_listed_with_their_lines() {
        let check = |from: &str, to: &str, expected: &str| {
            assert!(SHIPPED.contains(from), "{from:?} is not in the file");
            let bad = SHIPPED.replacen(from, to, 1);
            let line = 1 + SHIPPED[..SHIPPED.find(from).unwrap()].matches('\n').count();
            let complaints = Config::parse("e.toml", &bad).unwrap_err().to_string();
            assert!(complaints.contains(&format!("e.toml:{line}: {expected}")), "{complaints}");
        };
        check("port = 1883", "port = 0", "port = 0 is no port");
        check("port = 1883", "port = 70000", "invalid value: integer `70000`, expected u16");
        check("keep_alive_s = 10", "keep_alive_s = 1", "keep_alive_s = 1 is below 5");
        check("\"edge-1\"", "\"edge/1\"", "client_id = \"edge/1\" cannot stand in a topic");
        check("\"per-cabinet\"", "\"both\"", "unknown variant `both`");
        check("# password_file", "password_file", "password_file without a username");
        check("64_000_000", "64", "most_bytes_per_cabinet = 64 is below 1000000");
        check("_per_s = 20", "_per_s = 2", "replay_entries_per_s = 2 is not within 4 to 1000");
        check("poll_ms = 500", "poll_ms = 1000", "poll_ms = 1000 is not within 50 to 500");
        check("timeout_ms = 400", "timeout_ms = 0", "timeout_ms = 0 is not within 10 to 5000");
        check("timeout_ms = 400", "timeout = 400", "unknown field `timeout`");
        check("first_port = 15020", "first_port = 0", "first_port = 0 is no port");
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let bad =
            SHIPPED.replace("poll_ms = 500", "poll_ms = 5").replace("keep_alive_s = 10", "keep_alive_s = 1");
        assert_eq!(Config::parse("e.toml", &bad).unwrap_err().0.len(), 2);
        let nothing = SHIPPED.split("[fleet]").next().unwrap();
        let complaints = Config::parse("e.toml", nothing).unwrap_err().to_string();
        assert!(complaints.contains("nothing to do"), "{complaints}");
    }

    #[test]
    fn named_files_are_opened_and_blamed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(at("map.toml"), include_str!("../../configs/devices/svetofor-tlc.toml")).unwrap();
        std::fs::write(at("good.json"), serde_json::to_string(&junction()).unwrap()).unwrap();
        std::fs::write(at("broken.json"), "{\n\"id\": }").unwrap();
        let mut unsafe_ = junction();
        unsafe_.stages[0].green.push(model::ids::GroupNumber(2));
        std::fs::write(at("unsafe.json"), serde_json::to_string(&unsafe_).unwrap()).unwrap();
        let head = SHIPPED.split("[fleet]").next().unwrap();
        let open = |limits: &str, map: &str, id: &str| {
            let cabinet = format!(
                "[[cabinet]]\njunction = {id:?}\naddress = \"127.0.0.1:502\"\nunit = 7\nmap = {:?}\nlimits = {:?}\n",
                at(map),
                at(limits)
            );
            Config::parse("e.toml", &format!("{head}{cabinet}")).unwrap().open()
        };
        let opened = open("good.json", "map.toml", "tverskaya-2").unwrap();
        assert_eq!((opened.cabinets.len(), opened.cabinets[0].device.unit), (1, 7));
        assert_eq!(*opened.cabinets[0].junction, junction());
        let line = 2 + head.matches('\n').count();
        let check = |limits: &str, map: &str, id: &str, expected: String| {
            let complaints = open(limits, map, id).unwrap_err().to_string();
            assert!(complaints.contains(&expected), "{complaints}");
        };
        check("good.json", "map.toml", "other", format!("e.toml:{line}: junction other is not in"));
        check("none.json", "map.toml", "x", format!("e.toml:{line}: could not read {}", at("none.json")));
        check(
            "good.json",
            "none.toml",
            "tverskaya-2",
            format!("e.toml:{line}: could not read {}", at("none.toml")),
        );
        check("broken.json", "map.toml", "x", format!("{}:2: expected value", at("broken.json")));
        check("unsafe.json", "map.toml", "x", "groups 1 and 2 are both green in stage 1".into());
    }
}
