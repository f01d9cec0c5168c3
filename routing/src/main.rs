//! `routing`: the journey planner as a daemon, and the making of its files.

use clap::{Args, Parser, Subcommand};
use model::{
    config::{Complaint, Complaints, Read, Source},
    signal::design::SignalHabits,
};
use routing::{
    RunError, access,
    config::Config,
    elevation::Heights,
    gtfs::report::Report,
    prepare::{self, CITY_FILE, REPORT_FILE, STREETS_FILE, TIMETABLE_FILE},
    realtime::poll::{FeedConfig, Place},
    service::Limits,
    sharing::SharingConfig,
    streets::Streets,
    truck::Truck,
};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};
use tokio_util::sync::CancellationToken;
use wire::{broker::Broker, clock::Clock};

/// Plans journeys on a live road network and serves them over HTTP.
///
/// `routing --config F` runs the daemon as the file says; `routing serve` does so from a data folder;
/// `routing prepare` makes the data folder from a map and timetables. Exit codes: 0 stopped as asked, 1 could not run,
/// 64 wrong usage, configuration or data.
#[derive(Parser)]
#[command(name = "routing", version, args_conflicts_with_subcommands = true, arg_required_else_help = true)]
struct Command {
    /// The daemon's configuration (TOML); see configs/routing.toml, which explains every key.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    task: Option<Task>,
}

/// How often realtime feeds are looked at: most are written every 10 to 30 s.
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// How often shared vehicles are looked at: GBFS asks for a minute or more.
const SHARING_EVERY: Duration = Duration::from_secs(60);

#[derive(Subcommand)]
enum Task {
    /// Makes a data folder from a map and timetables.
    Prepare(Prepare),
    /// Serves journeys from a data folder.
    Serve(Serve),
    /// Makes a key for an app: the table for routing.toml on standard output, the key itself, once, on standard error.
    Key(Key),
}

#[derive(Args)]
struct Key {
    /// What people call the app.
    #[arg(long, value_parser = name)]
    name: String,
    /// How often it may ask.
    #[arg(long, default_value = "6000")]
    per_minute: std::num::NonZeroU32,
    /// How often at once, after a pause.
    #[arg(long, default_value = "200")]
    at_once: std::num::NonZeroU32,
}

fn name(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_alphanumeric() || "-_. ".contains(c);
    let right = !text.is_empty() && text.chars().all(plain);
    right.then(|| text.to_string()).ok_or_else(|| "it has letters, digits, - _ . and blanks".to_string())
}

#[derive(Args)]
struct Prepare {
    #[command(flatten)]
    map: Map,
    /// Heights of the ground: a folder with tiles of the Shuttle Radar Topography Mission (`N55E037.hgt`). Streets of which the map
    /// does not say how steep they are climb as the ground does.
    #[arg(long, value_name = "DIR")]
    elevation: Option<PathBuf>,
    /// Timetables (GTFS, a zip file or a folder): one or several, each as `TAG=FILE` or as `FILE`, whose name
    /// without `.zip` is then its tag. A tag stands before all ids of its feed.
    #[arg(long, value_name = "[TAG=]FILE", num_args = 1.., value_parser = tagged)]
    gtfs: Vec<(String, PathBuf)>,
    /// The data folder; made if it is not there. `streets.bin` in it is replaced, and so are `timetable.bin` and
    /// `timetable-report.txt`.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Also writes the map as `city.json` into the data folder, for the centre and the simulator. The planner does not
    /// need it.
    #[arg(long)]
    city_json: bool,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Map {
    /// The map: OpenStreetMap (`.osm.pbf`).
    #[arg(long, value_name = "FILE")]
    osm: Option<PathBuf>,
    /// The map: a SUMO network (`.net.xml`).
    #[arg(long, value_name = "FILE")]
    net: Option<PathBuf>,
    /// The map: a city file, such as `simulator generate` writes.
    #[arg(long, value_name = "FILE")]
    city: Option<PathBuf>,
}

#[derive(Args)]
struct Serve {
    /// The data folder, with the `streets.bin` that `prepare` made (or else a `city.json`), and perhaps a `timetable.bin`.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// What journeys cost: a file of tariffs such as configs/fares/moscow.toml. Without it no fares are told.
    #[arg(long, value_name = "F.toml")]
    fares: Option<PathBuf>,
    /// Who comes along with passengers in wheelchairs: a file such as configs/escorts/moscow.toml. Without it nobody is escorted.
    #[arg(long, value_name = "F.toml")]
    escorts: Option<PathBuf>,
    /// GTFS-Realtime, as `TAG=FILE` or `TAG=http://…`, where TAG is that of the timetable's feed; looked at every 15 s.
    #[arg(long, value_name = "TAG=FEED", value_parser = realtime)]
    realtime: Vec<FeedConfig>,
    /// Shared bicycles and scooters (GBFS 2 or 3): a system's `gbfs.json`, its folder, or http://…; looked at every 60 s.
    #[arg(long, value_name = "FEED", value_parser = sharing)]
    gbfs: Vec<SharingConfig>,
    /// Where the API listens. Port 0 takes a free one, which is printed.
    #[arg(long, value_name = "ADDR:PORT")]
    listen: SocketAddr,
    /// The MQTT broker with the centre's link times. Without it journeys are planned on empty roads.
    #[arg(long, value_name = "HOST:PORT")]
    broker: Option<Broker>,
}

fn realtime(text: &str) -> Result<FeedConfig, String> {
    let (tag, place) = text.split_once('=').ok_or("it is TAG=FILE or TAG=http://…")?;
    Ok(FeedConfig { tag: tag.to_string(), place: Place::parse(place)?, every: LOOK_EVERY })
}

fn sharing(text: &str) -> Result<SharingConfig, String> {
    Ok(SharingConfig { place: Place::parse(text)?, every: SHARING_EVERY })
}

fn tagged(text: &str) -> Result<(String, PathBuf), String> {
    let (tag, file) = match text.split_once('=') {
        Some((tag, file)) => (tag.to_string(), PathBuf::from(file)),
        None => (prepare::tag_of(Path::new(text)), PathBuf::from(text)),
    };
    let sound = !tag.is_empty() && tag.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if sound { Ok((tag, file)) } else { Err(format!("{tag:?} is no tag: letters, digits, - and _ make one")) }
}

/// What ended the program.
enum Failure {
    /// The person's mistake: exit 64, one line each.
    Usage(Complaints),
    /// Anything else: exit 1.
    Other(anyhow::Error),
}

impl From<Complaints> for Failure {
    fn from(complaints: Complaints) -> Self {
        Failure::Usage(complaints)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Failure::Other(error)
    }
}

#[expect(clippy::print_stderr, reason = "a program tells its person what went wrong")]
fn main() -> ExitCode {
    let command = match Command::try_parse() {
        Ok(command) => command,
        Err(error) => {
            let _ = error.print();
            let help = !error.use_stderr();
            return if help { ExitCode::SUCCESS } else { ExitCode::from(64) };
        }
    };
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("SVETOFOR_LOG")
                .unwrap_or_else(|_| "info,rumqttc=off".into()),
        )
        .with_writer(std::io::stderr)
        .init();
    match obey(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(complaints)) => {
            for complaint in complaints.0 {
                eprintln!("routing: {complaint}");
            }
            ExitCode::from(64)
        }
        Err(Failure::Other(error)) => {
            eprintln!("routing: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn obey(command: Command) -> Result<(), Failure> {
    match (command.task, command.config) {
        (Some(Task::Prepare(task)), _) => prepare(&task),
        (Some(Task::Key(task)), _) => make_key(&task),
        (Some(Task::Serve(task)), _) => {
            let instance = format!("routing-{}", std::process::id());
            let streets = task.data.join(STREETS_FILE);
            let city = if streets.exists() { streets } else { task.data.join(CITY_FILE) };
            let timetable = Some(task.data.join(TIMETABLE_FILE)).filter(|file| file.exists());
            serve(
                Config {
                    instance,
                    city,
                    timetable,
                    truck: Truck::default(),
                    fares: task.fares,
                    escorts: task.escorts,
                    realtime: task.realtime,
                    sharing: task.gbfs,
                    typical: None,
                    listen: task.listen,
                    broker: task.broker,
                    traffic: Vec::new(),
                    limits: Limits::default(),
                    access: None,
                    attribution: Vec::new(),
                },
                "command line",
            )
        }
        (None, Some(file)) => {
            let file = file.display().to_string();
            let text = std::fs::read_to_string(&file).map_err(|e| {
                Complaints::from(Complaint::whole(&file, format!("could not read the file: {e}")))
            })?;
            serve(Config::read(&file, &text)?, &file)
        }
        (None, None) => unreachable!("clap asks for one of them"),
    }
}

#[expect(clippy::print_stdout, reason = "the report that the person asked for")]
fn prepare(task: &Prepare) -> Result<(), Failure> {
    let read = match (&task.map.osm, &task.map.net, &task.map.city) {
        (_, _, Some(file)) => Read { value: prepare::load_city(file)?, notes: Vec::new() },
        (Some(file), ..) => {
            let (name, bytes) = (file.display().to_string(), read_map(file)?);
            // Journeys need no lamp to the second; the habits only shape the expected wait at a signal.
            model::osm::city(&name, &bytes, &SignalHabits::plain())?
        }
        (_, Some(file), _) => {
            let (name, bytes) = (file.display().to_string(), read_map(file)?);
            let text =
                String::from_utf8(bytes).map_err(|_| Complaint::whole(&name, "it is not a text in UTF-8"));
            model::sumo::network(Source::new(&name, &text.map_err(Complaints::from)?), &[])?
        }
        (None, None, None) => unreachable!("clap asks for one of them"),
    };
    for note in &read.notes {
        println!("note: {note}");
    }
    let mut city = read.value;
    if let (Some(folder), Some(bounds)) = (&task.elevation, city.network.bounds()) {
        let heights = Heights::read(folder, bounds)?;
        for file in &heights.missing {
            println!(
                "note: {}: there is no {file}; streets there stay as the map has them",
                folder.display()
            );
        }
        let raised = heights.raise(&mut city);
        println!("{} links climb as the ground does; of {} it is not known", raised.links, raised.unknown);
    }
    let streets = Streets::new(&city);
    prepare::store_streets(&streets, &task.out)?;
    let (links, junctions) = (streets.map.len(), city.junctions.len());
    let (cars, bicycles) = (&streets.map.car_parks, &streets.map.bicycle_parks);
    println!(
        "{} car parks, {} of them for those who go on by public transport; {} bicycle parks, {} of them under a roof",
        cars.len(),
        cars.iter().filter(|park| park.park_and_ride).count(),
        bicycles.len(),
        bicycles.iter().filter(|park| park.covered).count()
    );
    println!("{}: {links} links, {junctions} signalised junctions", task.out.join(STREETS_FILE).display());
    let file = task.out.join(CITY_FILE);
    if task.city_json {
        prepare::store_city(&city, &task.out)?;
    } else if file.exists() {
        println!("note: {} was left as it is: nothing that was prepared needs it", file.display());
    }
    drop(city);
    prepare_feeds(task, &streets)
}

/// Faults of one kind that are shown on the terminal; the report file has them all.
const SHOWN_PER_KIND: usize = 3;

#[expect(clippy::print_stdout, reason = "the report that the person asked for")]
fn prepare_feeds(task: &Prepare, streets: &Streets) -> Result<(), Failure> {
    let file = task.out.join(TIMETABLE_FILE);
    if task.gtfs.is_empty() {
        // A timetable of an earlier map would be refused at the start.
        return match std::fs::remove_file(&file) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(anyhow::Error::from(e).into()),
            _ => Ok(()),
        };
    }
    let mut report = Report::default();
    println!("reading {} feeds", task.gtfs.len());
    let read =
        prepare::read_feeds(task.gtfs.iter().map(|(tag, path)| (tag.as_str(), path.as_path())), &mut report);
    for line in report.lines(SHOWN_PER_KIND) {
        println!("note: {line}");
    }
    let timetable = read?;
    let whole = task.out.join(REPORT_FILE);
    std::fs::write(&whole, report.to_string()).map_err(anyhow::Error::from)?;
    println!("{}: {} faults, each left out or repaired", whole.display(), report.count());
    println!("walking between {} stops", timetable.stops.len());
    let prepared = prepare::prepare_timetable_on(streets, timetable);
    prepare::store_timetable(&prepared, &streets.map, &task.out)?;
    let timetable = &prepared.timetable;
    let days = timetable.span().map_or("no day".to_string(), |(first, last)| format!("{first} to {last}"));
    println!(
        "{}: {} routes, {} trips, {days}; {} ways between stops on foot, {} in a wheelchair",
        file.display(),
        timetable.routes.len(),
        timetable.trips.len(),
        prepared.footpaths[0].len(),
        prepared.footpaths[1].len(),
    );
    Ok(())
}

fn read_map(file: &Path) -> Result<Vec<u8>, Complaints> {
    std::fs::read(file).map_err(|e| {
        Complaint::whole(file.display().to_string(), format!("could not read the map: {e}")).into()
    })
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "what the person asked for")]
fn make_key(task: &Key) -> Result<(), Failure> {
    let key = access::fresh_key().map_err(|e| anyhow::anyhow!("the system has no randomness: {e}"))?;
    println!("[[access.key]]\nname = \"{}\"", task.name);
    println!("sha256 = \"{}\"", access::hexadecimal(&access::hash(&key)));
    println!("per_minute = {}\nat_once = {}", task.per_minute, task.at_once);
    eprintln!("the key of {}: {key}", task.name);
    Ok(())
}

fn serve(config: Config, source: &str) -> Result<(), Failure> {
    let runtime = tokio::runtime::Runtime::new().map_err(anyhow::Error::from)?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(config.listen).await.map_err(|e| {
            Failure::Usage(
                Complaint::whole(source, format!("could not listen on {}: {e}", config.listen)).into(),
            )
        })?;
        let at = listener.local_addr().map_err(anyhow::Error::from)?;
        let broker = config.broker.as_ref().map(|link| format!("{}:{}", link.host, link.port));
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            config = source,
            listen = %format!("http://{at}"),
            broker = broker.as_deref().unwrap_or("none: empty roads"),
            "routing starts"
        );
        let shutdown = CancellationToken::new();
        tokio::spawn(cancel_on_signal(shutdown.clone()));
        routing::run(config, listener, Clock::real(), shutdown).await.map_err(|e| match e {
            RunError::City(complaints) => Failure::Usage(complaints),
            other => Failure::Other(other.into()),
        })
    })
}

async fn cancel_on_signal(shutdown: CancellationToken) {
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => signal.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated => {}
    }
    shutdown.cancel();
}
