//! The daemon from outside: a real broker, real messages, real HTTP. A link slows down and is closed, and the
//! answers change.

use model::{
    city::{CarPark, City},
    network::Name,
    sketch,
    time::Moment,
};
use routing::{
    config::Config,
    feed::FileConfig,
    gtfs::{self, archive::Archive, report::Report},
    map::Map,
    prepare,
    realtime::poll::Place,
    service::Limits,
    transit::timetable::Timetable,
};
use std::{
    net::{SocketAddr, TcpListener as StdListener},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;
use wire::{
    clock::Clock,
    codec,
    link::{LinkConfig, Outgoing},
    message::{Entry, LinkTime, LinkTimes, Status},
    topic::{Kind, Node, StatusCode},
};

const NOW: Moment = Moment(1_781_251_200_000);

/// How long anything here may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A broker of this test's own; ends with it.
struct Broker {
    child: Child,
    port: u16,
}

impl Broker {
    fn start() -> Broker {
        let port = StdListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new("mosquitto").args(["-p", &port.to_string()]).stderr(Stdio::null()).spawn();
        Broker { child: child.expect("this test needs mosquitto; `cargo xtask test` installs it"), port }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn get(at: std::net::SocketAddr, path: &str) -> serde_json::Value {
    let mut stream = TcpStream::connect(at).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: city\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
    serde_json::from_str(body).unwrap()
}

/// Asks until the answer is as wanted.
async fn until(
    at: std::net::SocketAddr,
    path: &str,
    wanted: impl Fn(&serde_json::Value) -> bool,
) -> serde_json::Value {
    let mut last = serde_json::Value::Null;
    let asking = async {
        loop {
            last = get(at, path).await;
            if wanted(&last) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, asking).await.is_ok();
    assert!(in_time, "still {last:#}");
    last
}

fn link_times(links: &[(&str, f32, bool)]) -> Outgoing {
    let links =
        links.iter().map(|&(link, time_s, closed)| LinkTime { link: link.into(), time_s, closed }).collect();
    let status = Status { entries: vec![Entry::new(NOW, 0, LinkTimes { links })] };
    Outgoing::kept(Node::centre("one").topic(&Kind::Status(StatusCode::Links)), codec::encode(&status))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_link_and_a_closed_one_change_the_answer() {
    let broker = Broker::start();
    let folder = tempfile::tempdir().unwrap();
    let city: City = sketch::city(
        "
A---------B
|         |
|         C
|         |
D---------E",
        "",
    );
    prepare::store_city(&city, folder.path()).unwrap();
    let place = |name: char| {
        let at = city.network.node(sketch::node(&city.network, name)).at;
        format!("{},{}", at.lat, at.lon)
    };
    let path = format!("/api/v1/plan?fromPlace={}&toPlace={}&directModes=CAR", place('A'), place('C'));

    let file = folder.path().join("links.csv");
    std::fs::write(&file, "link,time_s,closed\n").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let traffic = vec![FileConfig { place: Place::File(file.clone()), every: Duration::from_millis(50) }];
    let config = Config { traffic, ..config(folder.path(), at, &broker) };
    let shutdown = CancellationToken::new();
    let daemon = tokio::spawn(routing::run(config, listener, Clock::scaled(NOW, 1.0), shutdown.clone()));

    let health = until(at, "/api/v1/routing/health", |health| health["broker"]["state"] == "up").await;
    assert_eq!(health["status"], "degraded", "no link times yet: {health:#}");
    let before = get(at, &path).await;
    assert_eq!(before["traffic"]["state"], "free_flow");
    let duration = |answer: &serde_json::Value| answer["direct"][0]["duration"].as_i64().unwrap();
    let distance = |answer: &serde_json::Value| answer["direct"][0]["legs"][0]["distance"].as_f64().unwrap();

    let (centre, _inbox) = wire::link::connect(LinkConfig::new("127.0.0.1", broker.port, "centre-test"));
    centre.publish(link_times(&[("AB", 9.0, false), ("elsewhere", 1.0, false)]));
    let slower = until(at, &path, |answer| answer["traffic"]["snapshot"] == 1).await;
    assert_eq!(distance(&slower), distance(&before));
    assert!(duration(&slower) > duration(&before), "{slower:#}");
    assert_eq!(slower["traffic"]["state"], "live");
    assert!(slower["traffic"]["ageSeconds"].as_i64().unwrap() <= 60, "{slower:#}");

    centre.publish(link_times(&[("AB", 120.0, false)]));
    let around = until(at, &path, |answer| answer["traffic"]["snapshot"] == 2).await;
    assert!(distance(&around) > distance(&before), "{around:#}");

    centre.publish(link_times(&[("AB", 7.0, false)]));
    until(at, &path, |answer| distance(answer) == distance(&before)).await;
    centre.publish(link_times(&[("AB", 0.0, true)]));
    until(at, &path, |answer| distance(answer) > distance(&before)).await;

    // What is no message of ours stops nothing and is counted.
    let topic = Node::centre("one").topic(&Kind::Status(StatusCode::Links));
    centre.publish(Outgoing::kept(topic, b"\xff\x00 not CBOR".to_vec()));
    let health = until(at, "/api/v1/routing/health", |health| health["received"]["malformed"] == 1).await;
    assert_eq!(health["received"]["link_times.unknown_link"], 1, "{health:#}");
    assert_eq!(health["status"], "ok", "{health:#}");

    // Another centre writes files.
    std::fs::write(&file, "link,time_s,closed\nAB,7,\nBA,soon,\n").unwrap();
    until(at, &path, |answer| distance(answer) == distance(&before)).await;
    let health =
        until(at, "/api/v1/routing/health", |health| health["received"]["malformed"].as_i64() > Some(1))
            .await;
    assert_eq!(health["status"], "ok", "{health:#}");
    std::fs::write(&file, "link,time_s,closed\nAB,,true\n").unwrap();
    until(at, &path, |answer| distance(answer) > distance(&before)).await;

    centre.close().await;
    shutdown.cancel();
    tokio::time::timeout(PATIENCE, daemon).await.expect("it ends when asked").unwrap().unwrap();
}

/// A home between two car parks, each at the end of a line to the same place far away: by way of B one is there sooner.
fn commute() -> City {
    let drawing = format!("A{}B{}C\n{}D", "-".repeat(60), "-".repeat(400), "|\n".repeat(40));
    let mut city = sketch::city(&drawing, "");
    let park = |name: char| CarPark {
        id: name.to_string(),
        name: Some(Name::only(format!("Park {name}"))),
        at: city.network.node(sketch::node(&city.network, name)).at,
        capacity: None,
        park_and_ride: true,
    };
    city.car_parks = ['B', 'D'].map(park).to_vec();
    city
}

fn trains(city: &City) -> Timetable {
    let at = |name: char| {
        let at = city.network.node(sketch::node(&city.network, name)).at;
        format!("{},{}", at.lat, at.lon)
    };
    let stops = ['B', 'C', 'D'].map(|name| format!("{name},{name},{}\n", at(name))).concat();
    let stops = format!("stop_id,stop_name,stop_lat,stop_lon\n{stops}");
    let tables = [
        ("agency.txt", "agency_name,agency_url,agency_timezone\nX,https://example.org,Etc/UTC\n"),
        ("stops.txt", stops.as_str()),
        ("routes.txt", "route_id,route_short_name,route_type\n1,1,1\n2,2,1\n"),
        ("trips.txt", "route_id,service_id,trip_id\n1,d,t1\n2,d,t2\n"),
        (
            "stop_times.txt",
            "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n\
             t1,08:20:00,08:20:00,B,1\nt1,08:24:00,08:24:00,C,2\n\
             t2,08:20:00,08:20:00,D,1\nt2,08:26:00,08:26:00,C,2\n",
        ),
        ("calendar_dates.txt", "service_id,date,exception_type\nd,20260612,1\n"),
    ];
    let mut report = Report::default();
    Timetable::join(vec![gtfs::read(Archive::of_tables(tables), "x", &mut report).unwrap()])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_road_changes_where_one_parks_and_rides() {
    let broker = Broker::start();
    let folder = tempfile::tempdir().unwrap();
    let city = commute();
    prepare::store_city(&city, folder.path()).unwrap();
    let prepared = prepare::prepare_timetable(&std::sync::Arc::new(city.clone()), trains(&city));
    prepare::store_timetable(&prepared, &Map::new(&city), folder.path()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let timetable = Some(folder.path().join(prepare::TIMETABLE_FILE));
    let config = Config { timetable, ..config(folder.path(), at, &broker) };
    let shutdown = CancellationToken::new();
    let daemon = tokio::spawn(routing::run(config, listener, Clock::scaled(NOW, 1.0), shutdown.clone()));

    let place = |name: char| {
        let at = city.network.node(sketch::node(&city.network, name)).at;
        format!("{},{}", at.lat, at.lon)
    };
    let time = "2026-06-12T08:05:00Z";
    let path = format!(
        "/api/v1/plan?fromPlace={}&toPlace={}&directModes=CAR&preTransitModes=CAR_PARKING&numItineraries=1&time={time}",
        place('A'),
        place('C')
    );
    let parks = |answer: &serde_json::Value| {
        let leg = &answer["itineraries"][0]["legs"][0];
        assert!(leg.is_null() || leg["mode"] == "CAR", "{leg:#}");
        leg["to"]["name"].as_str().unwrap_or("nowhere").to_owned()
    };
    until(at, "/api/v1/routing/health", |health| health["broker"]["state"] == "up").await;
    assert_eq!(parks(&get(at, &path).await), "Park B");

    let (centre, _inbox) = wire::link::connect(LinkConfig::new("127.0.0.1", broker.port, "centre-test"));
    centre.publish(link_times(&[("AB", 0.0, true)]));
    let around = until(at, &path, |answer| parks(answer) == "Park D").await;
    // Whoever drives all the way has none any more.
    assert_eq!(around["direct"], serde_json::json!([]), "{around:#}");
    centre.publish(link_times(&[("AB", 45.0, false)]));
    until(at, &path, |answer| parks(answer) == "Park B").await;
    // So slow that the train is missed.
    centre.publish(link_times(&[("AB", 1200.0, false)]));
    until(at, &path, |answer| parks(answer) == "Park D").await;

    centre.close().await;
    shutdown.cancel();
    tokio::time::timeout(PATIENCE, daemon).await.expect("it ends when asked").unwrap().unwrap();
}

/// A daemon's configuration for a city in a folder.
fn config(folder: &Path, listen: SocketAddr, broker: &Broker) -> Config {
    let link = wire::broker::Broker {
        keep_alive: Duration::from_secs(5),
        ..wire::broker::Broker::open_to_all("127.0.0.1", broker.port)
    };
    Config {
        instance: "routing-test".to_owned(),
        city: folder.join(prepare::CITY_FILE),
        timetable: None,
        truck: Default::default(),
        fares: None,
        escorts: None,
        realtime: Vec::new(),
        typical: None,
        sharing: Vec::new(),
        listen,
        broker: Some(link),
        traffic: Vec::new(),
        limits: Limits::default(),
        access: None,
        attribution: Vec::new(),
    }
}

#[tokio::test]
async fn a_broken_city_file_is_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(prepare::CITY_FILE);
    for (text, says) in [
        (None, "could not read the city"),
        (Some("{\n\"name\": 3}"), "city.json:2: not a city file"),
        (Some(""), "not a city file"),
    ] {
        if let Some(text) = text {
            std::fs::write(&file, text).unwrap();
        }
        let complaints = prepare::load_city(&file).expect_err("the file is broken").to_string();
        assert!(complaints.contains(says), "{complaints}");
    }
}
