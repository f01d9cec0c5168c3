//! `cargo xtask bench fleet`: how many cabinets one broker and one centre bear on this machine.
//!
//! Mosquitto in the middle, `simulator fleet` as the street, and as the judge a subscriber that is not ours: `mosquitto_sub` says
//! when each message came, and the message says when it was made. Goals on two cores: 15,000 connections that speak each
//! second, p99 below 250 ms; 40,000 cabinets through gateways into the centre, p99 below 1 s.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the machine's clock")]

use crate::{cargo, root, step};
use anyhow::{Context, bail};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// How long is measured, once everybody is there.
const MEASURED: Duration = Duration::from_secs(30);
/// Key `ts` and the tag of an epoch time in CBOR, in hexadecimal.
const TIME: &str = "627473c1";

/// A program that ends with the benchmark.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn run() -> anyhow::Result<()> {
    // Two packages alone would have every dependency built once more, with other features.
    step("build", cargo(["build", "--release"]))?;
    let folder = root().join("target/bench-fleet");
    std::fs::create_dir_all(&folder)?;
    let mut missed = Vec::new();
    connections(&folder, &mut missed)?;
    gateways(&folder, &mut missed)?;
    if !missed.is_empty() {
        bail!("missed: {}", missed.join("; "));
    }
    Ok(())
}

/// 15,000 cabinets with a connection each, heard by one subscriber.
fn connections(folder: &Path, missed: &mut Vec<String>) -> anyhow::Result<()> {
    const CABINETS: usize = 15_000;
    let city = city(folder, CABINETS)?;
    let (_broker, port) = broker(folder)?;
    let _fleet = fleet(&city, port, &["--ramp", "20"])?;
    let heard = listen(port, "mow/+/+/status/tlc.groups/live", CABINETS)?;
    heard.say(&format!("{CABINETS} connections"), CABINETS, Duration::from_millis(250), missed);
    Ok(())
}

/// 40,000 cabinets through 40 gateways into a centre that steers them, heard by a subscriber to one district.
fn gateways(folder: &Path, missed: &mut Vec<String>) -> anyhow::Result<()> {
    const CABINETS: usize = 40_000;
    let city = city(folder, CABINETS)?;
    let (_broker, port) = broker(folder)?;
    let api = free_port()?;
    let centre = centre(folder, &city, port, api)?;
    let _fleet = fleet(&city, port, &["--gateways", "40"])?;
    let (district, members) = smallest_district(&city)?;
    let filter = format!("mow/{district}/+/status/tlc.groups/live");
    let heard = listen(port, &filter, members)?;
    heard.say(&format!("40 gateways, district {district}"), members, Duration::from_secs(1), missed);
    let metric = |name: &str| metric(api, name);
    let of = |what: &str| metric(&format!("broker_messages_total{{what=\"{what}\"}}"));
    let began = Instant::now();
    let (received, sent, late) = (of("received")?, of("sent")?, of("dropped_urgent")?);
    std::thread::sleep(Duration::from_secs(10));
    let a_second = |now: f64, before: f64| (now - before) / began.elapsed().as_secs_f64();
    let rate = a_second(of("received")?, received);
    let lost = of("dropped_incoming")?;
    let age = metric("data_age_seconds{quantile=\"0.95\"}")?;
    println!("the centre: {rate:.0} messages a second, {lost:.0} lost, p95 of the age of states {age:.2} s");
    // All of them steered at once would be 13,000 commands and 40,000 answers a second besides.
    println!(
        "it sends {:.0} commands a second, {:.0} were too old before the broker took them, and holds {} MB",
        a_second(of("sent")?, sent),
        a_second(of("dropped_urgent")?, late),
        resident_mb(&centre)?
    );
    if rate < CABINETS as f64 || lost > 0.0 {
        missed.push(format!("the centre hears {rate:.0} messages a second and lost {lost:.0}"));
    }
    Ok(())
}

/// What a subscriber heard, as delays in seconds, ascending.
struct Heard(Vec<f64>);

impl Heard {
    fn say(&self, what: &str, cabinets: usize, goal: Duration, missed: &mut Vec<String>) {
        let quantile = |q: f64| self.0.get((q * self.0.len() as f64) as usize).copied().unwrap_or(f64::NAN);
        let rate = self.0.len() as f64 / MEASURED.as_secs_f64();
        println!(
            "{what}: {rate:.0} messages a second of {cabinets}; delay p50 {:.0} ms, p99 {:.0} ms (goal {} ms), worst {:.0} ms",
            1e3 * quantile(0.5),
            1e3 * quantile(0.99),
            goal.as_millis(),
            1e3 * self.0.last().copied().unwrap_or(f64::NAN)
        );
        // Some may be in the middle of a change at either end of the time.
        if rate < 0.99 * cabinets as f64 || quantile(0.99) > goal.as_secs_f64() {
            missed.push(format!("{what}: {rate:.0} a second, p99 {:.0} ms", 1e3 * quantile(0.99)));
        }
    }
}

/// Listens until all of them speak each second, and then for the time that is measured.
fn listen(port: u16, filter: &str, cabinets: usize) -> anyhow::Result<Heard> {
    let mut subscriber = Command::new("mosquitto_sub")
        .args(["-V", "5", "-h", "127.0.0.1", "-p", &port.to_string(), "-t", filter, "-F", "%U %x"])
        .stdout(Stdio::piped())
        .spawn()
        .context("could not start mosquitto_sub; `cargo xtask tools` installs it")?;
    let lines =
        BufReader::with_capacity(1 << 20, subscriber.stdout.take().context("its output is piped")?).lines();
    let _subscriber = Running(subscriber);
    let (mut began, mut second, mut in_second) = (None, Instant::now(), 0);
    let mut delays = Vec::new();
    for line in lines {
        let line = line?;
        let now = Instant::now();
        in_second += 1;
        if began.is_none() && now - second >= Duration::from_secs(1) {
            // Everybody is there when a second brings nearly all.
            if in_second as f64 >= 0.98 * cabinets as f64 * (now - second).as_secs_f64() {
                began = Some(now);
            }
            (second, in_second) = (now, 0);
        }
        let Some(began) = began else { continue };
        if now - began > MEASURED {
            break;
        }
        delays.extend(delay(&line));
    }
    delays.sort_by(f64::total_cmp);
    Ok(Heard(delays))
}

/// When it came less when it was made; `None` if it does not say.
fn delay(line: &str) -> Option<f64> {
    let (came, payload) = line.split_once(' ')?;
    let made = &payload[payload.find(TIME)? + TIME.len()..];
    let word = |digits: usize| u64::from_str_radix(made.get(2..2 + digits)?, 16).ok();
    let made = match made.get(..2)? {
        "fb" => f64::from_bits(word(16)?),
        "1b" => word(16)? as f64,
        "1a" => word(8)? as f64,
        "fa" => f64::from(f32::from_bits(word(8)? as u32)),
        _ => return None,
    };
    Some(came.parse::<f64>().ok()? - made)
}

fn city(folder: &Path, junctions: usize) -> anyhow::Result<std::path::PathBuf> {
    let file = folder.join(format!("city-{junctions}.json"));
    if !file.exists() {
        let mut generate = Command::new(root().join("target/release/simulator"));
        generate.args(["generate", "--junctions", &junctions.to_string(), "--seed", "1", "--out"]).arg(&file);
        step(&format!("make a city of {junctions} junctions"), generate)?;
    }
    Ok(file)
}

/// The district with the fewest junctions, and how many those are.
fn smallest_district(city: &Path) -> anyhow::Result<(String, usize)> {
    // Nothing else of a file that has hundreds of megabytes.
    #[derive(serde::Deserialize)]
    struct City {
        junctions: Vec<Junction>,
    }
    #[derive(serde::Deserialize)]
    struct Junction {
        district: String,
    }
    let city: City = serde_json::from_reader(BufReader::new(std::fs::File::open(city)?))?;
    let mut districts = std::collections::BTreeMap::<String, usize>::new();
    for junction in city.junctions {
        *districts.entry(junction.district).or_default() += 1;
    }
    districts.into_iter().min_by_key(|(_, n)| *n).context("a city has districts")
}

fn broker(folder: &Path) -> anyhow::Result<(Running, u16)> {
    let (port, file) = (free_port()?, folder.join("mosquitto.conf"));
    let shipped = std::fs::read_to_string(root().join("configs/mosquitto/mosquitto.conf"))?;
    let bounds: Vec<&str> = shipped.lines().filter(|line| line.starts_with("max_")).collect();
    let text = format!(
        "listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n{}\nlog_type error\n",
        bounds.join("\n")
    );
    std::fs::write(&file, text)?;
    let broker = Command::new("mosquitto").arg("-c").arg(&file).spawn();
    let broker = Running(broker.context("could not start mosquitto; `cargo xtask tools` installs it")?);
    await_port(port)?;
    Ok((broker, port))
}

fn fleet(city: &Path, port: u16, more: &[&str]) -> anyhow::Result<Running> {
    let mut fleet = Command::new(root().join("target/release/simulator"));
    fleet.arg("fleet").arg("--city").arg(city).args(["--broker", &format!("127.0.0.1:{port}")]).args(more);
    Ok(Running(fleet.spawn().context("could not start target/release/simulator")?))
}

fn centre(folder: &Path, city: &Path, port: u16, api: u16) -> anyhow::Result<Running> {
    let store = folder.join("controller.sqlite");
    let _ = std::fs::remove_file(&store);
    let text = std::fs::read_to_string(root().join("configs/controller.toml"))?
        .replace("port = 1883", &format!("port = {port}"))
        .replace("127.0.0.1:8081", &format!("127.0.0.1:{api}"))
        .replace("data/city.json", &city.display().to_string())
        .replace("data/controller.sqlite", &store.display().to_string());
    let file = folder.join("controller.toml");
    std::fs::write(&file, text)?;
    let mut centre = Command::new(root().join("target/release/controller"));
    centre.arg("--config").arg(&file).stderr(std::fs::File::create(folder.join("controller.log"))?);
    let centre = Running(centre.spawn().context("could not start target/release/controller")?);
    await_port(api)?;
    Ok(centre)
}

/// What a program holds in memory.
fn resident_mb(program: &Running) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.0.id()))?;
    let kb =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")).and_then(|v| v.split_whitespace().next());
    Ok(kb.context("/proc does not say")?.parse::<u64>()? / 1024)
}

fn metric(api: u16, name: &str) -> anyhow::Result<f64> {
    let mut stream = TcpStream::connect(("127.0.0.1", api))?;
    stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let name = format!("svetofor_centre_{name} ");
    let value = text.lines().find_map(|line| line.strip_prefix(&name));
    value.and_then(|v| v.trim().parse().ok()).with_context(|| format!("/metrics has no {name}"))
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn await_port(port: u16) -> anyhow::Result<()> {
    let began = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if began.elapsed() > Duration::from_secs(120) {
            bail!("nobody listens on port {port}");
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_read_off_a_line() {
        let made = 1_795_341_600.5f64;
        let line = format!("1795341600.750000000 a16765{TIME}fb{:016x}63", made.to_bits());
        assert_eq!(delay(&line), Some(0.25));
        assert_eq!(delay(&format!("1795341603 a1{TIME}1a{:08x}00", 1_795_341_600)), Some(3.0));
        assert_eq!(delay("1795341603 a1"), None);
    }
}
