//! Many questions at once over HTTP, from clients that keep their connections; also while the traffic changes.

use crate::{
    gauge::{self, Goal, Goals, Table},
    roads::traffic,
    transit::at_eight,
};
use anyhow::{Context, ensure};
use model::{geo::LonLat, time::Moment};
use routing::{
    gtfs::calendar::Day,
    itinerary::Place,
    planner::{Planner, Query, STREET_WITHIN_M, When},
    profile::Profile,
    service::{Limits, Routing},
    snapshot::Snapshot,
};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};
use wire::{
    clock::Clock,
    codec,
    message::Status,
    topic::{Kind, Node, StatusCode},
};

/// Clients that ask at once.
const CLIENTS: usize = 8;
/// Pictures of the traffic while they ask.
const UPDATES: usize = 20;

const BY_CAR: &str = "directModes=CAR&transitModes=";
const BY_TRANSIT: &str = "directModes=&numItineraries=1&searchWindow=0";

/// A client with a connection of its own.
struct Client(BufReader<TcpStream>);

impl Client {
    async fn connect(to: SocketAddr) -> anyhow::Result<Client> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(Client(BufReader::new(stream)))
    }

    /// The status, and the body.
    async fn get(&mut self, uri: &str) -> anyhow::Result<(u16, Vec<u8>)> {
        self.0.get_mut().write_all(format!("GET {uri} HTTP/1.1\r\nhost: bench\r\n\r\n").as_bytes()).await?;
        let mut line = String::new();
        self.0.read_line(&mut line).await?;
        let status =
            line.split(' ').nth(1).and_then(|code| code.parse().ok()).context("an answer has a status")?;
        let mut length = 0;
        loop {
            line.clear();
            self.0.read_line(&mut line).await?;
            if line.trim().is_empty() {
                break;
            }
            let header = line.to_ascii_lowercase();
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await?;
        Ok((status, body))
    }
}

fn uri([from, to]: &[LonLat; 2], asked: &str) -> String {
    format!("/api/v1/plan?fromPlace={},{}&toPlace={},{}&{asked}", from.lat, from.lon, to.lat, to.lon)
}

pub(crate) fn measure(
    planner: Planner,
    [car, near]: [&[[LonLat; 2]]; 2],
    day: Day,
    goals: &Goals,
    table: &mut Table,
) -> anyhow::Result<()> {
    let now = at_eight(&planner, day)?;
    let updates: Vec<Vec<u8>> = (0..UPDATES)
        .map(|update| {
            let status = Status { entries: vec![traffic(&planner, now, update)] };
            codec::encode(&status)
        })
        .collect();
    let (routing, mut feed) = Routing::serving(planner, Clock::scaled(now, 1e-9), Limits::default());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let at = listener.local_addr()?;
    runtime.spawn(axum::serve(listener, routing::api::standalone(routing.clone())).into_future());

    for (name, pairs, asked, goal) in [
        ("car answers over HTTP, in two seconds of CPU", car, BY_CAR, goals.over_http[0]),
        ("journeys over HTTP, in two seconds of CPU", near, BY_TRANSIT, goals.over_http[1]),
    ] {
        let never = Arc::new(AtomicBool::new(false));
        runtime.block_on(ask(at, pairs, asked, &never))?;
        let began = tokio::time::Instant::now();
        let (answers, cpu) = gauge::process(|| runtime.block_on(ask(at, pairs, asked, &never)));
        let answers = answers?;
        let (wall_s, cpu_s) = (began.elapsed().as_secs_f64(), cpu.as_secs_f64());
        table.figure(name, 2.0 * answers.len() as f64 / cpu_s, goal);
        table.say(&format!(
            "  {} answers to {CLIENTS} clients, {:.0} a second by the wall's clock; the clients' CPU counts too",
            answers.len(),
            answers.len() as f64 / wall_s
        ));
    }

    // The writer shows one picture after another while clients ask; each answer must be of one of them throughout.
    let topic = Node::centre("bench").topic(&Kind::Status(StatusCode::Links));
    let asking = Arc::new(AtomicBool::new(true));
    let clients = {
        let (car, asking) = (car.to_vec(), asking.clone());
        runtime.spawn(async move { ask(at, &car, BY_CAR, &asking).await })
    };
    let mut pictures: BTreeMap<u64, Arc<Snapshot>> = BTreeMap::new();
    let mut shown = Vec::new();
    let mut keep = |picture: Arc<Snapshot>| drop(pictures.insert(picture.number, picture));
    keep(routing.traffic.now());
    for payload in &updates {
        shown.push(gauge::thread(|| feed.take(now, &topic, payload)).1);
        keep(routing.traffic.now());
    }
    asking.store(false, Ordering::Relaxed);
    let answers = runtime.block_on(clients)??;
    table.times("traffic of every link under load: read and shown", shown, Goal::None);
    let seen = answers.iter().map(|answer| answer.snapshot).collect::<std::collections::BTreeSet<_>>();
    let wrong = answers.iter().filter(|answer| !answer.is_of(&routing.planner, &pictures, car, now)).count();
    table.say(&format!("  {} answers meanwhile, of {} pictures of the traffic", answers.len(), seen.len()));
    table.figure("  of them not those of the picture that they name", wrong as f64, Goal::Most(0.0));
    Ok(())
}

/// What an answer says.
struct Answer {
    /// Which pair was asked.
    pair: usize,
    snapshot: u64,
    /// How long the first journey takes, s; none if there is none.
    seconds: Option<i64>,
}

impl Answer {
    fn read(pair: usize, body: &[u8]) -> anyhow::Result<Answer> {
        let body: serde_json::Value = serde_json::from_slice(body)?;
        let snapshot = body["traffic"]["snapshot"].as_u64().context("an answer names its traffic")?;
        Ok(Answer { pair, snapshot, seconds: body["direct"][0]["duration"].as_i64() })
    }

    fn is_of(
        &self,
        planner: &Planner,
        pictures: &BTreeMap<u64, Arc<Snapshot>>,
        pairs: &[[LonLat; 2]],
        now: Moment,
    ) -> bool {
        let Some(picture) = pictures.get(&self.snapshot) else { return false };
        let place = |at: LonLat| Place { name: String::new(), stop: None, at };
        let [from, to] = pairs[self.pair].map(place);
        let when = When::DepartAt(now);
        let (profile, street_within_m) = (Profile::Car, STREET_WITHIN_M);
        let query = Query { from, to, profile, when, street_within_m, speed_mps: None };
        let second = |moment: Moment| (moment.0 + 500).div_euclid(1000);
        let expected = planner.direct(&query, picture, now).ok();
        self.seconds == expected.map(|journey| second(journey.end) - second(journey.start))
    }
}

/// All pairs once, shared among clients; and again and again for as long as `more` says. No question may fail.
async fn ask(
    to: SocketAddr,
    pairs: &[[LonLat; 2]],
    asked: &str,
    more: &Arc<AtomicBool>,
) -> anyhow::Result<Vec<Answer>> {
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..CLIENTS {
        let mine = pairs.iter().enumerate().skip(client).step_by(CLIENTS);
        let uris: Vec<(usize, String)> = mine.map(|(i, pair)| (i, uri(pair, asked))).collect();
        let more = more.clone();
        clients.spawn(async move {
            let mut client = Client::connect(to).await?;
            let mut answers = Vec::new();
            loop {
                for (pair, uri) in &uris {
                    let (status, body) = client.get(uri).await?;
                    // No street near is an answer too.
                    ensure!([200, 422].contains(&status), "{status}: {}", String::from_utf8_lossy(&body));
                    if status == 200 {
                        answers.push(Answer::read(*pair, &body)?);
                    }
                }
                if !more.load(Ordering::Relaxed) {
                    return anyhow::Ok(answers);
                }
            }
        });
    }
    let all =
        tokio::time::timeout(Duration::from_secs(600), clients.join_all()).await.context("clients wait")?;
    let answers: anyhow::Result<Vec<Vec<Answer>>> = all.into_iter().collect();
    Ok(answers?.into_iter().flatten().collect())
}
