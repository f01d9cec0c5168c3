//! Devices that answer late, on every kind of cable: the agent's own client against pymodbus.

use edge_agent::device::{
    line::{LineConfig, Parity, SerialLine, StopBits, Way},
    modbus::{ModbusConfig, ModbusDevice, Reach},
};
use model::{
    signal::Lamp,
    time::{Moment, Tenths},
};
use std::{
    io::{BufRead, BufReader, Lines},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::Arc,
    time::Duration,
};
use wire::register_map::RegisterMap;

/// Below the 0.7 s that the slow device takes, above what any answer takes here otherwise.
const PATIENCE: Duration = Duration::from_millis(400);
const ROUNDS: u32 = 40;

/// The devices; they end with the test.
struct Slave {
    child: Child,
    said: Lines<BufReader<ChildStdout>>,
}

impl Slave {
    fn start(way: &str, at: &str) -> Slave {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let tools =
            std::env::var_os("SVETOFOR_TOOLS").map_or_else(|| here.join("../.tools/python"), PathBuf::from);
        let python = tools.join("bin/python");
        let mut command = Command::new(&python);
        command.arg(here.join("tests/slave.py")).args([way, at]).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|e| {
            panic!("{} with pymodbus: {e}; `cargo xtask tools` installs it", python.display())
        });
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(said.next().and_then(Result::ok).as_deref(), Some("ready"));
        Slave { child, said }
    }

    /// Ends it, and says how often it was slow.
    fn slow(mut self) -> u32 {
        let _ = self.child.kill();
        self.said.by_ref().map_while(Result::ok).filter(|line| line == "slow").count() as u32
    }
}

impl Drop for Slave {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Reads both devices again and again; whatever is read must be that device's, register by register.
#[track_caller]
fn every_value_is_where_it_belongs(slave: Slave, reach: Reach) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    let mut devices = [1, 2].map(|unit| {
        let map = Arc::new(RegisterMap::svetofor());
        ModbusDevice::new(ModbusConfig { at: reach.clone(), unit, map, timeout: PATIENCE })
    });
    let mut read = [0; 2];
    for round in 0..ROUNDS {
        for (place, device) in devices.iter_mut().enumerate() {
            // So far apart that no device is still waited for.
            let now = Moment(i64::from(round) * 60_000);
            match runtime.block_on(device.read(now)) {
                Ok(report) => {
                    let ages = [1, 2, 3].map(|n| Tenths((place as u32 + 1) * 1000 + n));
                    let lamps = [Lamp::Red, Lamp::Green, Lamp::Red];
                    assert_eq!(
                        report.groups,
                        lamps.into_iter().zip(ages).collect::<Vec<_>>(),
                        "round {round}"
                    );
                    read[place] += 1;
                }
                Err(error) => assert_eq!(place, 0, "the quick device: {error}"),
            }
        }
    }
    let slow = slave.slow();
    assert!(slow >= 5, "it was slow {slow} times");
    assert_eq!(read, [ROUNDS - slow, ROUNDS], "each late answer costs one reading and nothing else");
}

#[test]
fn late_answers_on_modbus_tcp() {
    let port = free_port();
    let slave = Slave::start("tcp", &port.to_string());
    every_value_is_where_it_belongs(slave, Reach::Tcp(SocketAddr::from(([127, 0, 0, 1], port))));
}

#[test]
fn late_answers_behind_a_terminal_server() {
    let port = free_port();
    let slave = Slave::start("rtu-over-tcp", &port.to_string());
    let way = Way::Server(SocketAddr::from(([127, 0, 0, 1], port)));
    every_value_is_where_it_belongs(slave, on_a_line(way));
}

#[test]
fn late_answers_on_a_serial_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("line");
    let slave = Slave::start("serial", &path.display().to_string());
    every_value_is_where_it_belongs(slave, on_a_line(port(&path)));
}

fn port(path: &Path) -> Way {
    let path = path.to_owned();
    Way::Port { path, parity: Parity::None, stop_bits: StopBits::One }
}

fn on_a_line(way: Way) -> Reach {
    Reach::Line(SerialLine::new(LineConfig { name: "north".to_owned(), way, baud: 19_200 }))
}
