//! The whole system in one process: a simulated street behind real Modbus sockets, an agent per cabinet, a
//! real broker, the centre, the planner, and the pages on one port.

mod cameras;
mod pages;
mod people;
mod street;
#[cfg(test)]
mod tests;
pub(crate) use street::generated;

use crate::{broker, what_if};
use anyhow::Context;
use controller::{
    access::AccessConfig,
    cameras::CamerasFrom,
    config::{ControlConfig, OpenData, StoreConfig},
    decide::Kind,
};
use edge_agent::{
    CabinetConfig, Connection, Opened,
    device::modbus::{ModbusConfig, Reach},
};
use model::{city::City, config::Complaints, time::Moment};
use routing::{
    escort::Escorts,
    fare::Fares,
    gtfs::{self, archive::Archive, report::Report},
    planner::Planner,
    prepare,
    realtime::poll::Place,
    sharing::SharingConfig,
    transit::timetable::Timetable,
};
use simulator::fleet;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;
use wire::{broker::Broker, clock::Clock, link::LinkConfig, register_map::RegisterMap};

/// `city demo`.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    /// A SUMO network instead of the built-in Moscow.
    #[arg(long, value_name = "F.net.xml", conflicts_with_all = ["osm", "junctions"])]
    net: Option<PathBuf>,
    /// Its demand. Without it demand is generated.
    #[arg(long, value_name = "F.rou.xml", value_delimiter = ',', requires = "net")]
    routes: Vec<PathBuf>,
    /// Additional SUMO files: programs, bus stops, vehicle types.
    #[arg(long, value_name = "F.add.xml", value_delimiter = ',', requires = "net")]
    additional: Vec<PathBuf>,
    /// An OpenStreetMap extract instead of the built-in Moscow; signals, plans and demand are generated.
    #[arg(long, value_name = "F.osm.pbf", conflicts_with = "junctions")]
    osm: Option<PathBuf>,
    /// Timetables (GTFS) to plan journeys by; a file's name without `.zip` is its feed's tag. Without any, journeys are
    /// planned by the timetable of the city's own lines, by which its buses and trams drive.
    #[arg(long, value_name = "F.zip")]
    gtfs: Vec<PathBuf>,
    /// What journeys by the named timetables cost: a file of tariffs such as configs/fares/moscow.toml.
    #[arg(long, value_name = "F.toml")]
    fares: Option<PathBuf>,
    /// About how many signalised junctions the built-in Moscow has.
    #[arg(long, default_value_t = 150)]
    junctions: usize,
    /// About how many vehicles are on the road at once where demand is generated. By default about 18 per junction.
    #[arg(long)]
    vehicles: Option<usize>,
    /// Where pages and APIs are served; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDR:PORT")]
    listen: SocketAddr,
    /// Where the embedded broker listens; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDR:PORT")]
    mqtt: SocketAddr,
    /// How fast the city's clock runs.
    #[arg(long, default_value_t = 1.0, value_parser = speed)]
    speed: f64,
    /// Seed of city and traffic.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Kind of control at the start: fixed, schedule, actuated, max-pressure, adaptive.
    #[arg(long, default_value = "adaptive", value_parser = kind)]
    control: Kind,
    /// Ends by itself after so many seconds of real time.
    #[arg(long = "for", value_name = "SECONDS")]
    run_for: Option<u64>,
    /// Breaks something on purpose, again and again: `controller` takes the centre away for a while.
    #[arg(long, value_enum)]
    chaos: Option<Chaos>,
    /// Where the store lives; without it history is forgotten at the end.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Chaos {
    /// The centre is gone for [`pages::CHAOS_DOWN`], then back for [`pages::CHAOS_UP`], of the city's time.
    Controller,
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if (0.1..=100.0).contains(&speed) => Ok(speed),
        _ => Err("a speed is a number from 0.1 to 100".into()),
    }
}

fn kind(text: &str) -> Result<Kind, String> {
    Kind::ALL
        .into_iter()
        .find(|k| k.as_str() == text)
        .ok_or_else(|| format!("one of {}", Kind::ALL.map(Kind::as_str).join(", ")))
}

/// Junctions from which on the agents share one connection to the broker, as a gateway does.
const GATEWAY_FROM: usize = 400;

/// Lease of a command, s of the city's time: long enough for a slow second, short enough to be missed soon.
const LEASE_S: u32 = 10;

/// The tag of the feed that is made of the city's own lines.
const OWN_FEED: &str = "city";

/// The city's shared bicycles stand where they stand; whoever edits their files sees it a minute later.
const LOOK_AT_BICYCLES: Duration = Duration::from_secs(60);

/// What its rides cost.
const OWN_FARES: &str = include_str!("../../configs/fares/moscow.toml");

/// Who escorts passengers on them.
const OWN_ESCORTS: &str = include_str!("../../configs/escorts/moscow.toml");

/// Runs it until Ctrl-C, or for the time asked.
pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("could not start the runtime")?;
    let done = runtime.block_on(live(arguments));
    // A reader that hangs on a socket must not hold up the end.
    runtime.shutdown_timeout(Duration::from_secs(2));
    done
}

/// The planner of a city, with the timetables that were named, or else with that of its own lines.
#[expect(clippy::print_stdout, reason = "whoever names a feed wants to know what is wrong with it")]
fn planner(
    city: &Arc<City>,
    feeds: &[PathBuf],
    fares: Option<&Path>,
    time_zone: &str,
) -> anyhow::Result<Planner> {
    let planner = Planner::new(city.clone());
    let mut report = Report::default();
    let timetable = if feeds.is_empty() {
        let tables = simulator::demand::timetable::gtfs(city, time_zone);
        if tables.is_empty() {
            return Ok(planner);
        }
        own_timetable(&tables, &mut report)?
    } else {
        let tags: Vec<String> = feeds.iter().map(|file| prepare::tag_of(file)).collect();
        let named = tags.iter().map(String::as_str).zip(feeds.iter().map(PathBuf::as_path));
        prepare::read_feeds(named, &mut report)?
    };
    for line in report.lines(3) {
        println!("city: {line}");
    }
    let planner = planner.with_timetable(prepare::prepare_timetable(city, timetable));
    let planner = match feeds.is_empty() {
        true => planner.with_escorts(Escorts::parse("moscow.toml", OWN_ESCORTS)?),
        false => planner,
    };
    Ok(match fares {
        Some(file) => planner.with_fares(prepare::load_fares(file)?),
        // The demo city's own tariff is for its own lines.
        None if feeds.is_empty() => planner.with_fares(Fares::parse("moscow.toml", OWN_FARES)?),
        None => planner,
    })
}

/// Writes the city's own shared bicycles into a folder, as their operator would; `None` if it has none.
fn own_bicycles(city: &City, folder: &Path) -> anyhow::Result<Option<SharingConfig>> {
    let files = simulator::demand::sharing::gbfs(city);
    if files.is_empty() {
        return Ok(None);
    }
    let folder = folder.join("gbfs");
    let write = || {
        std::fs::create_dir_all(&folder)?;
        files.iter().try_for_each(|(name, text)| std::fs::write(folder.join(name), text))
    };
    write().with_context(|| format!("could not write shared bicycles into {}", folder.display()))?;
    Ok(Some(SharingConfig { place: Place::File(folder), every: LOOK_AT_BICYCLES }))
}

/// Reads the feed of the city's own lines, as a stranger's.
fn own_timetable(tables: &[(&str, String)], report: &mut Report) -> Result<Timetable, Complaints> {
    let archive = Archive::of_tables(tables.iter().map(|(name, text)| (*name, text.as_str())));
    Ok(Timetable::join(vec![gtfs::read(archive, OWN_FEED, report)?]))
}

#[expect(clippy::print_stdout, reason = "the addresses are what the command is for")]
async fn live(arguments: Arguments) -> anyhow::Result<()> {
    let listener = TcpListener::bind(arguments.listen)
        .await
        .with_context(|| format!("could not listen on {} (--listen)", arguments.listen))?;
    let scene = street::scene(&arguments)?;
    let (city, time_zone) = (scene.city.clone(), scene.time_zone);
    if city.junctions.is_empty() {
        anyhow::bail!("the city has no signals, so there is nothing to control");
    }
    let shutdown = CancellationToken::new();
    let mqtt = broker::start(arguments.mqtt, city.junctions.len())?;
    let clock = Clock::scaled(scene.starts, arguments.speed);
    let mut parts = JoinSet::new();

    let mut servers = JoinSet::new();
    let devices = scene.live.serve(SocketAddr::from(([127, 0, 0, 1], 0)), &shutdown, &mut servers).await?;
    parts.spawn(async move {
        while let Some(ended) = servers.join_next().await {
            ended.map_err(std::io::Error::other).and_then(|served| served).context("a Modbus device")?;
        }
        Ok(())
    });
    let agents = agents(&city, &devices, mqtt, arguments.seed);
    parts.spawn({
        let shutdown = shutdown.clone();
        async move { edge_agent::run(agents, clock, shutdown).await.context("the edge agents") }
    });

    let forgotten = tempfile::tempdir().context("could not make a temporary folder")?;
    let folder = arguments.data.clone().unwrap_or_else(|| forgotten.path().to_owned());
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("could not make the folder {}", folder.display()))?;
    let people = people::people()?;
    let store = folder.join("svetofor.sqlite");
    let mut centre = centre_config(mqtt, store, arguments.control, time_zone, people::access(&people)?);
    let bodies = scene.live.bodies();
    let cameras = cameras::serve(city.clone(), bodies, clock, time_zone, shutdown.clone()).await?;
    centre.cameras = CamerasFrom::Given(cameras);
    let planner = planner(&city, &arguments.gtfs, arguments.fares.as_deref(), time_zone)?;
    let (routing, feed) =
        routing::service::Routing::serving(planner, clock, routing::service::Limits::default());
    let follow = LinkConfig::new(mqtt.ip().to_string(), mqtt.port(), "routing");
    parts.spawn({
        let shutdown = shutdown.clone();
        async move {
            routing::feed::follow(Some(follow), Vec::new(), feed, clock, shutdown).await;
            Ok(())
        }
    });
    if let Some(bicycles) = own_bicycles(&city, &folder)? {
        let (routing, shutdown) = (routing.clone(), shutdown.clone());
        parts.spawn(async move {
            routing::sharing::follow(routing, vec![bicycles], shutdown).await;
            Ok(())
        });
    }
    let simulator = what_if::Service {
        name: "demo".into(),
        city: city.clone(),
        tuning: centre.control.adaptive,
        threads: what_if::spare_threads(),
    };
    let questions = LinkConfig::new(mqtt.ip().to_string(), mqtt.port(), "what-if");
    parts.spawn({
        let shutdown = shutdown.clone();
        async move {
            what_if::serve(simulator, questions, shutdown).await;
            Ok(())
        }
    });
    let chaos = arguments.chaos == Some(Chaos::Controller);
    let pages = pages::Pages::start(centre, city.clone(), routing, clock, chaos, shutdown.clone()).await?;
    let address = listener.local_addr()?;
    parts.spawn({
        let shutdown = shutdown.clone();
        async move {
            let served =
                axum::serve(listener, pages.router()).with_graceful_shutdown(shutdown.cancelled_owned());
            served.await.context("the pages")?;
            pages.finished().await
        }
    });

    let vehicles = LinkConfig::new(mqtt.ip().to_string(), mqtt.port(), "fleet");
    parts.spawn({
        let (positions, shutdown) = (scene.live.positions(), shutdown.clone());
        async move {
            fleet::publish(positions, vehicles, shutdown).await;
            Ok(())
        }
    });
    let traffic = std::thread::Builder::new().name("street".into()).spawn({
        let shutdown = shutdown.clone();
        move || scene.live.drive(clock, &shutdown)
    })?;

    println!("Svetofor: {} with {} junctions", city.name.english(), city.junctions.len());
    println!("  page       http://{address}/");
    for line in people::lines(&people, address) {
        println!("  sign in    {line}");
    }
    println!("  API        http://{address}/api/v1/health  (document: http://{address}/api/openapi.json)");
    println!("  what-if    POST http://{address}/api/v1/what-if");
    println!(
        "  journeys   http://{address}/api/v1/plan?fromPlace=LAT,LON&toPlace=LAT,LON&directModes=CAR,WALK"
    );
    println!("  MQTT 5     {mqtt}  (mosquitto_sub -V 5 -p {} -t 'mow/#')", mqtt.port());
    if let Some(first) = devices.first() {
        println!("  Modbus TCP {first}  and {} more devices", devices.len() - 1);
    }
    println!(
        "  clock      {}, {} times as fast as yours; Ctrl-C ends it",
        time_of_day(clock.now(), time_zone),
        arguments.speed
    );

    let time_up = async {
        match arguments.run_for {
            Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
            None => std::future::pending().await,
        }
    };
    let outcome = tokio::select! {
        _ = tokio::signal::ctrl_c() => Ok(()),
        () = time_up => Ok(()),
        Some(ended) = parts.join_next() => match ended {
            Ok(Ok(())) => Err(anyhow::anyhow!("a part of the city ended by itself")),
            Ok(Err(error)) => Err(error),
            Err(panic) => Err(anyhow::anyhow!("a part of the city failed: {panic}")),
        },
    };
    shutdown.cancel();
    let ending = async { while parts.join_next().await.is_some() {} };
    if tokio::time::timeout(Duration::from_secs(5), ending).await.is_err() {
        tracing::warn!("some parts did not end in 5 s and were cut off");
    }
    let _ = tokio::task::spawn_blocking(move || traffic.join()).await;
    outcome
}

fn time_of_day(now: Moment, time_zone: &str) -> String {
    let (ahead, name) = if time_zone == street::MOSCOW { (180, "in Moscow") } else { (0, "UTC") };
    let minutes = (now.0.div_euclid(60_000) + ahead).rem_euclid(1440);
    format!("{:02}:{:02} {name}", minutes / 60, minutes % 60)
}

/// One agent per cabinet, each with its own copy of its junction's limits.
fn agents(city: &City, devices: &[SocketAddr], mqtt: SocketAddr, seed: u64) -> Opened {
    let map = Arc::new(RegisterMap::svetofor());
    let cabinets = city
        .junctions
        .iter()
        .zip(devices)
        .map(|(junction, &address)| CabinetConfig {
            junction: Arc::new(junction.clone()),
            device: ModbusConfig {
                at: Reach::Tcp(address),
                unit: map.unit,
                map: map.clone(),
                timeout: Duration::from_secs(2),
            },
            poll: Duration::from_millis(500),
            spool: edge_agent::spool::SpoolConfig { folder: None, most_bytes: 4 << 20, kept_bytes: 0 },
            replay_per_s: 50,
        })
        .collect();
    let connection =
        if city.junctions.len() < GATEWAY_FROM { Connection::PerCabinet } else { Connection::Shared };
    let link = LinkConfig::new(mqtt.ip().to_string(), mqtt.port(), format!("agent-{seed}"));
    Opened { link, connection, cabinets }
}

fn centre_config(
    mqtt: SocketAddr,
    path: PathBuf,
    kind: Kind,
    time_zone: &'static str,
    access: AccessConfig,
) -> controller::Config {
    controller::Config {
        instance: "demo".into(),
        districts: None,
        time_zone: time_zone.into(),
        holidays: Vec::new(),
        broker: Broker::open_to_all(mqtt.ip().to_string(), mqtt.port()),
        store: StoreConfig::Embedded { path, keep: Duration::from_secs(14 * 86_400) },
        access,
        interval: Duration::from_secs(20),
        control: ControlConfig {
            kind,
            kinds: Default::default(),
            lease_s: LEASE_S,
            adaptive: Default::default(),
        },
        los: [0.80, 0.67, 0.50, 0.40, 0.30],
        speed_base: None,
        tickets: Default::default(),
        cameras: CamerasFrom::Nowhere,
        open_data: Some(OpenData {
            publisher: "Svetofor demo".into(),
            licence: "https://creativecommons.org/publicdomain/zero/1.0/".into(),
        }),
        planner: None,
    }
}
