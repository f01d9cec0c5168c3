//! From `edge-agent.toml` to something that can run, or a list of everything that is wrong with it.

use crate::{
    cabinet::CabinetConfig,
    device::{
        line::{LineConfig, SerialLine, Way},
        modbus::{self, ModbusConfig, Reach},
    },
    spool::SpoolConfig,
};
use model::{
    city::City,
    config::{self, Complaint, Complaints, Source},
    ids::JunctionId,
    signal::Junction,
};
use serde::Deserialize;
use serde_spanned::Spanned;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use wire::{
    broker::{Broker, RawBroker},
    link::LinkConfig,
    register_map::RegisterMap,
};

/// Slowest polling that still sees every lamp: 2 Hz, half of the shortest lamp (red-amber, 1 s).
const SLOWEST_POLL_MS: u64 = 500;
/// Fastest that a PLC's Modbus stack is known to bear.
const FASTEST_POLL_MS: u64 = 50;
/// Most cabinets of one gateway (DESIGN §5).
const MOST_CABINETS: usize = 2_000;
/// Most of a second that a serial line may be spoken on: the rest is for what must be asked again.
const MOST_AIRTIME: Duration = Duration::from_millis(800);
/// Smallest useful spool: an hour of one cabinet.
const SMALLEST_SPOOL: u64 = 1_000_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConfig {
    instance: Spanned<String>,
    connection: Connection,
    broker: RawBroker,
    spool: RawSpool,
    device: RawDevice,
    #[serde(default)]
    line: Vec<RawLine>,
    #[serde(default)]
    cabinet: Vec<RawCabinet>,
    fleet: Option<RawFleet>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSpool {
    folder: PathBuf,
    most_bytes_per_cabinet: Spanned<u64>,
    #[serde(default)]
    kept_bytes_per_cabinet: u64,
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
struct RawLine {
    name: Spanned<String>,
    baud: Spanned<u32>,
    serial: Option<RawPort>,
    rtu_over_tcp: Option<RawServer>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPort {
    device: PathBuf,
    parity: Parity,
    stop_bits: Spanned<u8>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Parity {
    None,
    Even,
    Odd,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawServer {
    address: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCabinet {
    junction: Spanned<String>,
    address: Option<Spanned<String>>,
    line: Option<Spanned<String>>,
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
    instance: String,
    spool: SpoolConfig,
    replay_per_s: u32,
    poll: Duration,
    timeout: Duration,
    lines: Vec<(u32, LineConfig)>,
    cabinets: Vec<Place>,
    fleet: Option<Fleet>,
}

#[derive(Clone, Debug)]
struct Place {
    line: u32,
    junction: JunctionId,
    at: At,
    unit: Option<u8>,
    map: PathBuf,
    limits: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum At {
    Tcp(SocketAddr),
    /// Place among the lines.
    Line(usize),
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
        let instance = raw.instance.get_ref();
        if !JunctionId::new(instance).is_topic_safe() {
            complain!(raw.instance, "instance = {instance:?} cannot stand in a topic");
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
        let mut lines: Vec<(u32, LineConfig)> = Vec::new();
        for raw in &raw.line {
            let name = raw.name.get_ref();
            if lines.iter().any(|(_, l)| l.name == *name) {
                complain!(raw.name, "two lines are called {name:?}");
            }
            let baud = *raw.baud.get_ref();
            if !(1_200..=1_000_000).contains(&baud) {
                complain!(raw.baud, "baud = {baud} is not within 1200 to 1000000");
            }
            let way = match (&raw.serial, &raw.rtu_over_tcp) {
                (Some(port), None) => Way::Port {
                    path: port.device.clone(),
                    parity: match port.parity {
                        Parity::None => tokio_serial::Parity::None,
                        Parity::Even => tokio_serial::Parity::Even,
                        Parity::Odd => tokio_serial::Parity::Odd,
                    },
                    stop_bits: match port.stop_bits.get_ref() {
                        1 => tokio_serial::StopBits::One,
                        2 => tokio_serial::StopBits::Two,
                        other => {
                            complain!(port.stop_bits, "stop_bits = {other} is neither 1 nor 2");
                            continue;
                        }
                    },
                },
                (None, Some(server)) => match server.address.get_ref().parse() {
                    Ok(address) => Way::Server(address),
                    Err(_) => {
                        let said = server.address.get_ref();
                        complain!(server.address, "address = {said:?} is not an address and a port");
                        continue;
                    }
                },
                _ => {
                    complain!(raw.name, "line {name:?} wants one of [line.serial] and [line.rtu_over_tcp]");
                    continue;
                }
            };
            lines.push((line(raw.name.span()), LineConfig { name: name.clone(), way, baud }));
        }
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
            let at = match (&cabinet.address, &cabinet.line) {
                (Some(address), None) => match address.get_ref().parse() {
                    Ok(address) => At::Tcp(address),
                    Err(_) => {
                        complain!(address, "address = {:?} is not an address and a port", address.get_ref());
                        continue;
                    }
                },
                (None, Some(line)) => match lines.iter().position(|(_, l)| l.name == *line.get_ref()) {
                    Some(place) => At::Line(place),
                    None => {
                        complain!(line, "line = {:?} is no [[line]] of this file", line.get_ref());
                        continue;
                    }
                },
                _ => {
                    complain!(cabinet.junction, "junction {id:?} wants one of address and line");
                    continue;
                }
            };
            let unit = cabinet.unit.as_ref().map(|u| *u.get_ref());
            if matches!(at, At::Line(_)) && unit.is_none() {
                complain!(cabinet.junction, "junction {id:?} is on a line and has no unit");
            }
            if cabinets.iter().any(|c| (c.at, c.unit) == (at, unit)) {
                complain!(cabinet.junction, "junction {id:?} has its device where another one has");
            }
            cabinets.push(Place {
                line: line(cabinet.junction.span()),
                junction: JunctionId::new(id),
                at,
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
        let broker = raw.broker.meant(source, &mut complaints);
        complaints.or(Config {
            file: file.to_owned(),
            broker,
            connection: raw.connection,
            instance: raw.instance.into_inner(),
            spool: SpoolConfig {
                folder: Some(raw.spool.folder),
                most_bytes,
                kept_bytes: raw.spool.kept_bytes_per_cabinet,
            },
            replay_per_s,
            poll: Duration::from_millis(poll_ms),
            timeout: Duration::from_millis(timeout_ms),
            lines,
            cabinets,
            fleet,
        })
    }

    /// Opens the files that the configuration names: register maps, limits, the broker's password.
    pub fn open(&self) -> Result<Opened, Complaints> {
        let mut complaints = Complaints::default();
        let mut files = Files::default();
        let mut cabinets = Vec::new();
        let lines: Vec<SerialLine> =
            self.lines.iter().map(|(_, line)| SerialLine::new(line.clone())).collect();
        // How much of each second a line is spoken on.
        let mut load = vec![Duration::ZERO; lines.len()];
        let mut add =
            |files: &mut Files, line, junction: Arc<Junction>, at: At, unit: Option<u8>, map: &Path| {
                let map = files.map(map).map_err(|e| self.blame(line, e))?;
                let unit = unit.unwrap_or(map.unit);
                let at = match at {
                    At::Tcp(address) => Reach::Tcp(address),
                    At::Line(place) => {
                        load[place] += modbus::airtime(&junction, &map, self.poll, lines[place].config());
                        Reach::Line(lines[place].clone())
                    }
                };
                cabinets.push(CabinetConfig {
                    junction,
                    device: ModbusConfig { at, unit, map, timeout: self.timeout },
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
                    add(&mut files, place.line, junction, place.at, place.unit, &place.map)
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
                        add(&mut files, fleet.line, junction.clone(), At::Tcp(address), None, &fleet.map)?;
                    }
                    Ok(())
                });
            complaints.extend(outcome.err().into_iter().flat_map(|c| c.0));
        }
        for ((at, line), load) in self.lines.iter().zip(&load) {
            if *load > MOST_AIRTIME {
                let message = format!(
                    "line {}: its cabinets, polled each {} ms, would speak {} ms of each second at {} baud; at most {} \
                     leave room for repetitions",
                    line.name,
                    self.poll.as_millis(),
                    load.as_millis(),
                    line.baud,
                    MOST_AIRTIME.as_millis()
                );
                complaints.push(Complaint::at(&self.file, *at, message));
            }
        }
        if cabinets.len() > MOST_CABINETS {
            let message =
                format!("{} cabinets are more than one agent serves ({MOST_CABINETS})", cabinets.len());
            complaints.push(Complaint::whole(&self.file, message));
        }
        let mut nodes = BTreeSet::new();
        if let Some(twice) = cabinets.iter().map(CabinetConfig::node).find(|node| !nodes.insert(node.clone()))
        {
            complaints.push(Complaint::whole(&self.file, format!("cabinet {twice} is named twice")));
        }
        let link = self
            .broker
            .link(&self.instance)
            .map_err(|e| Complaint::at(&self.file, self.broker.line, e.to_string()));
        let Some(link) = complaints.take(link) else { return Err(complaints) };
        complaints.or(Opened { link, connection: self.connection, cabinets })
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

impl Opened {
    /// The lines that the broker's access list needs for these cabinets beside its patterns, which know an agent by
    /// the name in its certificate and let it speak for the cabinet of that name.
    pub fn access_list(&self) -> String {
        let user = &self.link.client_id;
        let mut list = format!("user {user}\n");
        for node in
            self.cabinets.iter().map(CabinetConfig::node).filter(|node| node.junction().as_str() != user)
        {
            for said in ["presence", "status/#", "channel/#", "replay/#", "history/#", "alarm/#"] {
                list += &format!("topic write {node}/{said}\n");
            }
            for heard in ["command/#", "stored/#", "fetch/#", "throttle/#"] {
                list += &format!("topic read {node}/{heard}\n");
            }
        }
        list
    }
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
                let key = |l: &str| l.starts_with(char::is_lowercase) && l.contains(" = ");
                line.strip_prefix("# ").filter(|l| l.starts_with('[') || key(l)).unwrap_or(line)
            })
            .map(|line| format!("{line}\n"))
            .collect();
        let config = Config::parse("edge-agent.toml", &all).unwrap();
        assert_eq!((config.cabinets.len(), config.broker.login.unwrap().0.as_str()), (2, "edge-1"));
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
        check("\"edge-1\"", "\"edge/1\"", "instance = \"edge/1\" cannot stand in a topic");
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
    fn a_line_and_who_is_on_it() {
        let head = SHIPPED.split("[fleet]").next().unwrap();
        let line = "[[line]]\nname = \"north\"\nbaud = 19200\n[line.serial]\ndevice = \"/dev/ttyS1\"\nparity = \"even\"\nstop_bits = 1\n";
        let cabinet =
            "[[cabinet]]\njunction = \"a\"\nline = \"north\"\nunit = 1\nmap = \"m\"\nlimits = \"l\"\n";
        let good = format!("{head}{line}{cabinet}");
        assert!(Config::parse("e.toml", &good).is_ok());
        let check = |from: &str, to: &str, expected: &str| {
            let complaints = Config::parse("e.toml", &good.replace(from, to)).unwrap_err().to_string();
            assert!(complaints.contains(expected), "{complaints}");
        };
        check("line = \"north\"", "line = \"south\"", "line = \"south\" is no [[line]] of this file");
        check("line = \"north\"\n", "", "junction \"a\" wants one of address and line");
        check("unit = 1\n", "", "junction \"a\" is on a line and has no unit");
        check("baud = 19200", "baud = 5", "baud = 5 is not within 1200 to 1000000");
        check("stop_bits = 1", "stop_bits = 3", "stop_bits = 3 is neither 1 nor 2");
        check("parity = \"even\"", "parity = \"odd-ish\"", "unknown variant `odd-ish`");
        check("[line.serial]", "[line.rtu_over_tcp]", "unknown field `device`");
        let twice = format!("{head}{line}{cabinet}{}", cabinet.replace("\"a\"", "\"b\""));
        let complaints = Config::parse("e.toml", &twice).unwrap_err().to_string();
        assert!(complaints.contains("junction \"b\" has its device where another one has"), "{complaints}");
    }

    #[test]
    fn a_line_that_is_too_slow_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(at("map.toml"), include_str!("../../configs/devices/svetofor-tlc.toml")).unwrap();
        std::fs::write(at("j.json"), serde_json::to_string(&junction()).unwrap()).unwrap();
        let head = SHIPPED.split("[fleet]").next().unwrap();
        let open = |baud: u32| {
            let text = format!(
                "{head}[[line]]\nname = \"north\"\nbaud = {baud}\n[line.rtu_over_tcp]\naddress = \"127.0.0.1:1\"\n\
                 [[cabinet]]\njunction = \"tverskaya-2\"\nline = \"north\"\nunit = 1\nmap = {:?}\nlimits = {:?}\n",
                at("map.toml"),
                at("j.json")
            );
            Config::parse("e.toml", &text).unwrap().open()
        };
        assert!(open(19_200).is_ok());
        let complaints = open(1_200).unwrap_err().to_string();
        assert!(
            complaints.contains("line north: its cabinets, polled each 500 ms, would speak "),
            "{complaints}"
        );
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
        let list = opened.access_list();
        assert!(list.starts_with("user edge-1\ntopic write mow/cao/tverskaya-2/presence\n"), "{list}");
        assert!(list.ends_with("topic read mow/cao/tverskaya-2/throttle/#\n"), "{list}");
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
