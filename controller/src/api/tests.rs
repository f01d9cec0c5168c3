//! The API from outside, on a centre that hears hand-made messages and has no broker. Time stands still
//! between steps (`tokio::time::pause`), so that answers are the same to the byte.

mod access;
mod forecast;
mod incidents;
mod measures;
mod open_data;
mod plans;
mod stream;
mod tickets;

use super::{Drawn, standalone, tiles};
use crate::{
    Parts,
    access::{AccessConfig, Gate},
    assemble,
    cameras::{Camera, CamerasFrom},
    config::{Config, ControlConfig, OpenData, StoreConfig},
    coordinator::{Coordinator, Settings},
    decide::Kind,
    field::{BrokerState, Decoder, Field, Heard},
    store::{Batch, Started, Store},
};
use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
};
use model::{
    city::City,
    ids::{JunctionId, JunctionIx},
    signal::Lamp,
    time::Moment,
};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use uuid::Uuid;
use wire::{
    clock::Clock,
    codec,
    message::{
        Alarm, Alarms, Channel, Counts, Entry, Events, Groups, HiRes, Mode, Presence, PresenceState, Rung,
        Status, letter,
    },
    topic::{Kind as Topic, Node, StatusCode as Code},
    what_if,
};

/// Sunday, 2026-02-01, 10:40:00 UTC.
const T0: Moment = Moment(1_769_942_400_000);

/// A centre under test, and the street's end of it.
struct Bench {
    app: Router,
    city: Arc<City>,
    decoder: Decoder,
    heard: mpsc::Sender<Heard>,
    clock: Clock,
    shutdown: CancellationToken,
    centre: crate::Centre,
    broker: watch::Sender<BrokerState>,
    store: Arc<Store>,
    _folder: tempfile::TempDir,
}

/// One with a picture that nobody gives: the discard port listens to nobody; one with a stream only.
fn cameras() -> Vec<Camera> {
    let camera = |id: &str, picture: Option<&str>, stream: Option<&str>| Camera {
        id: id.into(),
        name: model::network::Name::new("Камера", "Camera"),
        at: model::geo::LonLat { lon: 37.62, lat: 55.75 },
        heading: Some(90.0),
        junction: Some(JunctionId::new("C")),
        picture: picture.map(Into::into),
        stream: stream.map(Into::into),
    };
    vec![
        camera("k-1", Some("http://127.0.0.1:9/now.jpg"), None),
        camera("k-2", None, Some("rtsp://10.0.0.2/main")),
    ]
}

impl Bench {
    async fn start() -> Bench {
        Bench::with(AccessConfig::Open, |_| Batch::default()).await
    }

    /// A centre whose store has that from before.
    async fn with(access: AccessConfig, before: impl FnOnce(&City) -> Batch) -> Bench {
        tokio::time::pause();
        let drawing = "
            N
            |
            |
            |
            |
            |
        W---C======E
            |
            |
            |
            |
            S
        ";
        let city = Arc::new(model::sketch::city(drawing, "C"));
        let folder = tempfile::tempdir().unwrap();
        let config = Config {
            instance: "test".into(),
            districts: None,
            time_zone: "Europe/Moscow".into(),
            holidays: Vec::new(),
            // Nobody listens on the discard port.
            broker: wire::broker::Broker::open_to_all("127.0.0.1", 9),
            store: StoreConfig::Embedded {
                path: folder.path().join("centre.sqlite"),
                keep: Duration::from_secs(86_400 * 30),
            },
            access,
            interval: Duration::from_secs(20),
            control: ControlConfig {
                kind: Kind::Fixed,
                kinds: BTreeMap::new(),
                lease_s: 15,
                adaptive: Default::default(),
            },
            los: [0.80, 0.67, 0.50, 0.40, 0.30],
            speed_base: None,
            tickets: Default::default(),
            cameras: CamerasFrom::Nowhere,
            open_data: Some(OpenData {
                publisher: "City of Tests".to_owned(),
                licence: "https://creativecommons.org/licenses/by/4.0/".to_owned(),
            }),
            planner: None,
        };
        let clock = Clock::scaled(T0, 1.0);
        let ids: Vec<JunctionId> = city.junctions.iter().map(|j| j.id.clone()).collect();
        let store = Arc::new(Store::open(&config.store, &ids, "test").await.unwrap());
        store.write(&before(&city)).await.unwrap();
        let decoder = Decoder::new(city.clone(), None, "test");
        let link_end = CancellationToken::new();
        let mut field = Field::start(&config, decoder.clone(), clock, link_end.clone()).unwrap();
        let (heard, heard_out) = mpsc::channel(64);
        field.heard = heard_out;
        let broker = watch::Sender::new(field.broker.borrow().clone());
        field.broker = broker.subscribe();
        let settings = Settings {
            kind: Kind::Fixed,
            kinds: BTreeMap::new(),
            lease_s: 15,
            epoch: 7,
            utc_offset_s: 10_800,
            holidays: Default::default(),
            tuning: Default::default(),
        };
        let shutdown = CancellationToken::new();
        let gate = Arc::new(Gate::open(config.access.clone()).unwrap());
        let parts = Parts {
            gate,
            cameras: cameras(),
            planner: super::super::planner(&config).unwrap(),
            zone: jiff::tz::TimeZone::get(&config.time_zone).unwrap(),
            config,
            city: city.clone(),
            owned: vec![JunctionIx(0)],
            clock,
            store: store.clone(),
            field,
            link_end,
            core: Coordinator::new(city.clone(), settings),
            drawn: Drawn::new(&city),
            started: Started { epoch: 7, decisions: 1000 },
        };
        let centre = assemble(parts, shutdown.clone());
        let app = standalone(centre.api().clone());
        Bench { app, city, decoder, heard, clock, shutdown, centre, broker, store, _folder: folder }
    }

    /// Goes to so many milliseconds after the start; all that is due until then has happened.
    async fn at(&self, ms: u64) {
        let goal = T0 + Duration::from_millis(ms);
        assert!(self.clock.now() <= goal, "time does not go back");
        self.clock.sleep_until(goal).await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    /// A message arrives.
    async fn say(&self, kind: Topic, payload: Vec<u8>) {
        let junction = &self.city.junctions[0];
        let topic = Node::cabinet(&junction.district, &junction.id).topic(&kind);
        let heard = self.decoder.hear(&topic, &payload).unwrap();
        self.heard.send(heard).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    async fn status<V: serde::Serialize>(&self, code: Code, values: V) {
        let status = Status { entries: vec![Entry::new(self.clock.now(), 0, values)] };
        self.say(Topic::Status(code), codec::encode(&status)).await;
    }

    async fn online(&self) {
        let presence = Presence {
            state: PresenceState::Online,
            boot_id: Uuid::from_u128(0xb007),
            config_hash: self.city.junctions[0].config_hash(),
            version: "1.2.3".into(),
        };
        self.say(Topic::Presence, codec::encode(&presence)).await;
    }

    /// The lamps of a stage, for so long.
    async fn lamps(&self, stage: u16, age_ds: u32) {
        let junction = &self.city.junctions[0];
        let green = &junction.stages[usize::from(stage) - 1];
        let lamp = |g: &model::signal::SignalGroup| {
            letter(if green.has(g.number) { Lamp::Green } else { Lamp::Red })
        };
        let groups = Groups {
            signalgroupstatus: junction.groups.iter().map(lamp).collect(),
            stage,
            cyclecounter: 12,
            basecyclecounter: 34,
            ages: vec![age_ds; junction.groups.len()],
            interstage: false,
            wanted: stage,
            ref_tick: 5_000,
        };
        self.status(Code::Groups, groups).await;
    }

    async fn mode(&self, rung: Rung, reason: &str) {
        let mode = Mode { rung, since: self.clock.now(), reason: reason.into(), plan: 1, lease_until: None };
        self.status(Code::Mode, mode).await;
    }

    async fn counts(&self, count: u16, occupied: bool) {
        let channel = |d: &model::detection::Detector| Channel {
            dl: d.channel.0,
            vehicles_sum: count,
            occupancy_avg: 0.25,
            speed_avg: Some(8.0),
            occupied,
            queue_last: None,
            vehicles_last: None,
            sightings_last: vec![],
            fault: d.channel.0 == 2,
        };
        let channels = self.city.junctions[0].detectors.iter().map(channel).collect();
        self.status(Code::Counts, Counts { window_s: 1.0, channels }).await;
    }

    async fn ask(&self, method: &str, path: &str, body: &str) -> (StatusCode, String, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_owned()))
            .unwrap();
        let response = self.app.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let kind = response.headers().get(header::CONTENT_TYPE).map(|v| v.to_str().unwrap().to_owned());
        let bytes = axum::body::to_bytes(response.into_body(), 10_000_000).await.unwrap();
        let value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        (status, kind.unwrap_or_default(), value)
    }

    async fn get(&self, path: &str) -> Value {
        let (status, _, value) = self.ask("GET", path, "").await;
        assert_eq!(status, StatusCode::OK, "{path}: {value}");
        value
    }

    async fn end(self) {
        self.shutdown.cancel();
        self.centre.finished().await.unwrap();
    }
}

/// JSON that a person can review. The version of the program and the store's figures vary.
fn text(mut value: Value) -> String {
    if value.get("version").is_some() {
        value["version"] = "…".into();
        value["store"]["written"] = "…".into();
        value["store"]["waiting"] = "…".into();
        value["broker"]["detail"] = "…".into();
    }
    // Arrays of numbers stand on one line each.
    let text = serde_json::to_string_pretty(&value).unwrap();
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(open) = rest.find('[') {
        let close = rest[open..].find(']').map(|i| open + i).unwrap();
        let inside = &rest[open + 1..close];
        if inside.contains(['{', '[']) {
            out.push_str(&rest[..=open]);
            rest = &rest[open + 1..];
        } else {
            out.push_str(&rest[..=open]);
            out.push_str(&inside.split_whitespace().collect::<Vec<_>>().join(" "));
            rest = &rest[close..];
        }
    }
    out + rest
}

#[tokio::test]
async fn a_junction_in_full() {
    let bench = Bench::start().await;
    bench.at(100).await;
    bench.online().await;
    bench.mode(Rung::Adaptive, "lease held").await;
    bench.lamps(1, 60).await;
    bench.counts(1, true).await;
    let raised = Alarm {
        component: "sg/1".into(),
        severity: 3,
        active: true,
        since: T0,
        message: "red lamp 2 of group 1 draws no current".into(),
    };
    bench
        .say(Topic::Alarm("tlc.lamp".into()), codec::encode(&Alarms { full: false, alarms: vec![raised] }))
        .await;
    bench.at(1_100).await;
    bench.lamps(1, 70).await;
    bench.counts(0, false).await;
    bench.at(2_100).await;
    insta::assert_snapshot!("health", text(bench.get("/api/v1/health").await));
    insta::assert_snapshot!("junctions", text(bench.get("/api/v1/junctions").await));
    insta::assert_snapshot!("junction", text(bench.get("/api/v1/junctions/C").await));
    insta::assert_snapshot!("alarms", text(bench.get("/api/v1/alarms").await));
    bench.end().await;
}

#[tokio::test]
async fn the_map_is_sent_once() {
    let bench = Bench::start().await;
    insta::assert_snapshot!("map", text(bench.get("/api/v1/map").await));
    let ask = async |name, value: &str| {
        let request = Request::get("/api/v1/map").header(name, value).body(Body::empty()).unwrap();
        bench.app.clone().oneshot(request).await.unwrap()
    };
    let packed = ask(header::ACCEPT_ENCODING, "br, gzip").await;
    assert_eq!(packed.headers()[header::CONTENT_ENCODING], "gzip");
    let etag = packed.headers()[header::ETAG].to_str().unwrap().to_owned();
    assert_eq!(ask(header::IF_NONE_MATCH, &etag).await.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(ask(header::IF_NONE_MATCH, "\"other\"").await.status(), StatusCode::OK);
    bench.end().await;
}

#[tokio::test]
async fn the_map_comes_in_tiles() {
    let bench = Bench::start().await;
    let info = bench.get("/api/v1/tiles").await;
    assert_eq!(info["tilejson"], "3.0.0");
    assert_eq!(info["counts"]["links"], bench.city.network.links.len());
    let [x, y] = tiles::mercator(bench.city.junctions[0].at);
    let (x, y) = ((x * 4096.0) as u32, (y * 4096.0) as u32);
    let address = info["tiles"][0].as_str().unwrap();
    let address = address.replace("{z}", "12").replace("{x}", &x.to_string()).replace("{y}", &y.to_string());
    let ask = async |address: &str, coding: &str| {
        let request = Request::get(address).header(header::ACCEPT_ENCODING, coding);
        let answer = bench.app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let headers = answer.headers().clone();
        (headers, axum::body::to_bytes(answer.into_body(), 10_000_000).await.unwrap())
    };
    let (headers, plain) = ask(&address, "identity").await;
    assert_eq!(headers[header::CONTENT_TYPE], "application/vnd.mapbox-vector-tile");
    assert_eq!(headers[header::CACHE_CONTROL], "private, max-age=31536000, immutable");
    let id = bench.city.network.links[0].id.as_str().as_bytes();
    assert!(plain.windows(id.len()).any(|w| w == id), "the tile has no link");
    let (headers, packed) = ask(&address, "gzip").await;
    assert_eq!(headers[header::CONTENT_ENCODING], "gzip");
    let mut unpacked = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&packed[..]), &mut unpacked).unwrap();
    assert_eq!(unpacked, plain, "packed once, and once only");
    // Another city's tiles are not kept for ever.
    let other = format!("{}0", address);
    assert_eq!(ask(&other, "gzip").await.0[header::CACHE_CONTROL], "private, no-cache");
    for nowhere in ["/api/v1/tiles/7/1/1", "/api/v1/tiles/12/4096/1", "/api/v1/tiles/30/1/1"] {
        assert_eq!(bench.ask("GET", nowhere, "").await.0, StatusCode::NOT_FOUND, "{nowhere}");
    }

    let link = bench.get(&format!("/api/v1/map/links/{}", bench.city.network.links[1].id)).await;
    assert_eq!((&link["id"], &link["type"]), (&1.into(), &"Feature".into()));
    assert_eq!(bench.ask("GET", "/api/v1/map/links/none", "").await.0, StatusCode::NOT_FOUND);
    assert!(bench.get("/api/v1/streets").await["streets"].is_array());
    assert_eq!(bench.get("/api/v1/speed-index/ahead").await["points"], serde_json::json!([]));
    bench.end().await;
}

#[tokio::test]
async fn history_comes_back_out_of_the_store() {
    let bench = Bench::start().await;
    bench.at(100).await;
    bench.online().await;
    bench.mode(Rung::Adaptive, "lease held").await;
    for second in 0..25 {
        bench.at(200 + second * 1000).await;
        bench.lamps(1, 60 + 10 * second as u32).await;
        bench.counts(1, false).await;
        let event = |code| HiRes { t: bench.clock.now(), code, param: 3 };
        // The cabinet says the same second twice: at least once is what QoS 1 promises.
        let events = Events { events: vec![event(82), event(81), event(82)] };
        bench.status(Code::Events, events).await;
    }
    // An event from the year 2100 is not believed.
    let late = HiRes { t: Moment(4_102_444_800_000), code: 82, param: 3 };
    bench.status(Code::Events, Events { events: vec![late] }).await;
    bench.at(28_000).await;
    let events = bench.get("/api/v1/junctions/C/events?limit=3").await;
    assert_eq!(events["truncated"], true);
    assert_eq!(events["events"][0], serde_json::json!([events["events"][1][0], 81, 3]));
    assert_eq!(events["events"][1][1], 82);
    let all = bench.get("/api/v1/junctions/C/events").await;
    assert_eq!(all["events"].as_array().unwrap().len(), 50);
    let intervals = bench.get("/api/v1/junctions/C/intervals").await;
    let first = &intervals["intervals"][0];
    assert_eq!(
        (&first["count"], &first["speed_kmh"], &first["fault"]),
        (&20.into(), &28.8.into(), &false.into())
    );
    assert_eq!(first["at"], T0.0 + 20_000);
    assert_eq!(intervals["intervals"][1]["fault"], true);
    let decisions = bench.get("/api/v1/junctions/C/decisions").await;
    assert_eq!(decisions["decisions"][0]["number"], 1001);
    assert_eq!(decisions["decisions"][0]["junction"], "C");
    let health = bench.get("/api/v1/health").await;
    assert_eq!(health["rejected"]["store.implausible-time"], 1);
    let request = Request::get("/metrics").body(Body::empty()).unwrap();
    let metrics = bench.app.clone().oneshot(request).await.unwrap();
    let metrics = axum::body::to_bytes(metrics.into_body(), 1_000_000).await.unwrap();
    let metrics = String::from_utf8(metrics.to_vec()).unwrap();
    assert!(
        metrics.contains("svetofor_centre_rejected_total{name=\"store.implausible-time\"} 1"),
        "{metrics}"
    );
    bench.end().await;
}

#[tokio::test]
async fn the_page_comes_from_the_centre_itself() {
    let bench = Bench::start().await;
    for path in ["/", "/elsewhere"] {
        // 503 where the app was not built: then the page says how to build it.
        let (status, kind, _) = bench.ask("GET", path, "").await;
        assert!(matches!(status, StatusCode::OK | StatusCode::SERVICE_UNAVAILABLE), "{path}: {status}");
        assert_eq!(kind, "text/html; charset=utf-8", "{path}");
    }
    bench.end().await;
}

#[tokio::test]
async fn errors_are_problems() {
    let bench = Bench::start().await;
    let order = |rest: &str| format!("{{{rest}, \"who\":\"me\",\"reason\":\"test\",\"expires_in_s\":60}}");
    let control = "/api/v1/junctions/C/control";
    let check = async |method: &str, path: &str, body: &str, status: u16, code: &str, says: &str| {
        let (got, kind, problem) = bench.ask(method, path, body).await;
        let what = format!("{method} {path} {body}: {problem}");
        assert_eq!(got.as_u16(), status, "{what}");
        assert_eq!(kind, "application/problem+json", "{what}");
        assert_eq!(problem["status"], status, "{what}");
        assert_eq!(problem["type"], format!("/problems/{code}"), "{what}");
        assert!(problem["detail"].as_str().unwrap().contains(says), "{what}");
    };
    check("GET", "/api/v1/nothing", "", 404, "not-found", "/api/v1/nothing").await;
    check("POST", "/api/v2", "", 404, "not-found", "/api/v2").await;
    check("GET", "/api/v1/plan?fromPlace=1,2", "", 404, "not-found", "[planner]").await;
    check("GET", "/api/v1/junctions/Z", "", 404, "not-found", "\"Z\"").await;
    check("GET", "/api/v1/junctions/Z/events", "", 404, "not-found", "\"Z\"").await;
    check("GET", "/api/v1/stream?junction=Z", "", 404, "not-found", "\"Z\"").await;
    check("GET", "/api/v1/stream?junctoin=C", "", 400, "bad-request", "junctoin").await;
    check("DELETE", "/api/v1/health", "", 405, "bad-request", "DELETE").await;
    check("GET", control, "", 405, "bad-request", "GET").await;
    check("POST", control, "{", 400, "bad-request", "EOF").await;
    check("POST", control, "{\"stage\":\"one\"}", 422, "bad-request", "stage").await;
    check("POST", control, &order("\"satge\":1"), 422, "bad-request", "satge").await;
    check("POST", control, &order("\"flash\":false"), 422, "bad-request", "exactly one").await;
    check("POST", control, &order("\"stage\":1,\"plan\":1"), 422, "bad-request", "exactly one").await;
    check("POST", control, &order("\"stage\":99"), 422, "bad-request", "no stage 99").await;
    check("POST", control, &order("\"plan\":99"), 422, "bad-request", "no plan 99").await;
    check("POST", control, &order("\"kind\":\"magic\""), 422, "bad-request", "max-pressure").await;
    check("POST", control, &order("\"flash\":true"), 422, "unsafe", "confirm").await;
    check("POST", control, &order("\"flash\":true,\"confirm\":\"D\""), 422, "unsafe", "confirm").await;
    check("POST", "/api/v1/control", &order("\"stage\":1"), 422, "bad-request", "whole city").await;
    let who = |who: &str, reason: &str, s: u32| {
        format!("{{\"stage\":1,\"who\":\"{who}\",\"reason\":\"{reason}\",\"expires_in_s\":{s}}}")
    };
    check("POST", control, &who("", "r", 60), 422, "bad-request", "who is empty").await;
    check("POST", control, &who("w", "  ", 60), 422, "bad-request", "reason is empty").await;
    check("POST", control, &who("w", "a\\nb", 60), 422, "bad-request", "one line").await;
    check("POST", control, &who("w", "r", 0), 422, "bad-request", "1 to 600").await;
    check("POST", control, &who("w", "r", 601), 422, "bad-request", "1 to 600").await;
    check("GET", "/api/v1/junctions/C/events?limit=0", "", 422, "bad-request", "limit is 0").await;
    check("GET", "/api/v1/junctions/C/events?from=5&to=4", "", 422, "bad-request", "later than").await;
    check("GET", "/api/v1/junctions/C/events?from=yesterday", "", 400, "bad-request", "from").await;
    let plain = Request::post(control).body(Body::from("{}")).unwrap();
    let refused = bench.app.clone().oneshot(plain).await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(refused.headers()[header::CONTENT_TYPE], "application/problem+json");
    bench.end().await;
}

#[tokio::test]
async fn an_order_is_in_force_until_it_ends() {
    let bench = Bench::start().await;
    bench.at(100).await;
    bench.online().await;
    bench.mode(Rung::Adaptive, "lease held").await;
    bench.lamps(1, 300).await;
    let body = r#"{"stage":1,"who":"Ivanova","reason":"accident","expires_in_s":5}"#;
    let (status, _, accepted) = bench.ask("POST", "/api/v1/junctions/C/control", body).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{accepted}");
    let command = &accepted["command"];
    assert_eq!(
        (&command["what"], &command["value"], &command["state"]),
        (&"hold".into(), &"1".into(), &"sent".into())
    );
    assert_eq!(command["until"].as_i64().unwrap() - command["since"].as_i64().unwrap(), 5_000);
    bench.at(1_050).await;
    let detail = bench.get("/api/v1/junctions/C").await;
    assert_eq!(detail["state"]["hold"], true);
    let hold = detail["commands"].as_array().unwrap().iter().find(|c| c["what"] == "hold").unwrap();
    assert_eq!(
        (&hold["id"], &hold["who"], &hold["state"]),
        (&command["id"], &"Ivanova".into(), &"applied".into())
    );
    bench.at(6_050).await;
    assert_eq!(bench.get("/api/v1/junctions/C").await["state"]["hold"], false);

    let body = r#"{"kind":"actuated","who":"Ivanova","reason":"works","expires_in_s":60}"#;
    let (status, _, accepted) = bench.ask("POST", "/api/v1/control", body).await;
    assert_eq!((status, &accepted["command"]["junction"]), (StatusCode::ACCEPTED, &"".into()));
    bench.at(7_050).await;
    assert_eq!(bench.get("/api/v1/junctions/C").await["state"]["kind"], "actuated");
    bench.end().await;
}

#[tokio::test]
async fn silence_is_never_shown_as_health() {
    let bench = Bench::start().await;
    bench.at(1_050).await;
    assert_eq!(bench.get("/api/v1/junctions").await["junctions"][0]["state"]["actual"], "no_contact");
    bench.online().await;
    bench.mode(Rung::Adaptive, "lease held").await;
    bench.lamps(1, 60).await;
    bench.at(2_050).await;
    let state = bench.get("/api/v1/junctions").await["junctions"][0]["state"].clone();
    assert_eq!(
        (&state["actual"], &state["stage"], &state["matches"], &state["late"]),
        (&"adaptive".into(), &1.into(), &true.into(), &false.into())
    );
    // Late is said before contact is lost.
    bench.at(4_050).await;
    let state = bench.get("/api/v1/junctions").await["junctions"][0]["state"].clone();
    assert_eq!((&state["actual"], &state["late"]), (&"adaptive".into(), &true.into()));
    // Three intervals later nobody knows any more; after ten seconds somebody must look.
    bench.at(5_050).await;
    let state = bench.get("/api/v1/junctions").await["junctions"][0]["state"].clone();
    assert_eq!(
        (&state["actual"], &state["stage"], &state["matches"]),
        (&"no_contact".into(), &Value::Null, &false.into())
    );
    assert_eq!(bench.get("/api/v1/alarms").await["alarms"], serde_json::json!([]));
    bench.at(12_050).await;
    let alarm = bench.get("/api/v1/alarms").await["alarms"][0].clone();
    assert_eq!(
        (&alarm["code"], &alarm["priority"], &alarm["done"]),
        (&"no_contact".into(), &2.into(), &"retrying".into())
    );
    bench.at(20_050).await;
    assert_eq!(bench.get("/api/v1/alarms").await["alarms"][0]["done"], "local_plan");
    // Flashing that nobody asked for.
    bench.mode(Rung::Flashing, "device fault").await;
    bench.lamps(1, 60).await;
    for s in 0..6 {
        bench.at(21_000 + s * 1000).await;
        bench.lamps(1, 60).await;
    }
    bench.at(27_050).await;
    let alarm = bench.get("/api/v1/alarms").await["alarms"][0].clone();
    assert_eq!((&alarm["code"], &alarm["priority"]), (&"flashing_unasked".into(), &1.into()));
    bench.end().await;
}

impl Bench {
    /// A broker is there, and loops have counted for a minute: a what-if can be asked.
    async fn lively(&self) {
        self.broker.send_modify(|state| state.up = true);
        self.at(100).await;
        self.online().await;
        self.mode(Rung::Adaptive, "lease held").await;
        for second in 0..75 {
            self.at(200 + second * 1000).await;
            self.lamps(1, 60 + 10 * second as u32).await;
            self.counts(u16::from(second % 6 == 0), false).await;
        }
    }

    /// A simulator says something of a question.
    async fn answer(&self, id: &Value, state: what_if::State) {
        let id = id.as_str().unwrap().parse().unwrap();
        let answer = what_if::Answer { id, from: "sim-1".into(), state };
        let heard = self.decoder.hear("mow/centre/test/answer/whatif.run", &codec::encode(&answer)).unwrap();
        self.heard.send(heard).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    async fn ask_what_if(&self) -> Value {
        let body = r#"{"changes":[{"junctions":["C"],"kind":"actuated"}],"minutes":10,"seeds":3,"who":"Ivanova","reason":"works"}"#;
        let (status, _, accepted) = self.ask("POST", "/api/v1/what-if", body).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{accepted}");
        accepted
    }
}

#[tokio::test]
async fn a_what_if_is_followed_to_its_result() {
    let bench = Bench::start().await;
    bench.lively().await;
    let accepted = bench.ask_what_if().await;
    let id = &accepted["id"];
    assert_eq!((&accepted["state"], &accepted["junctions"][0]), (&"waiting".into(), &"C".into()));
    let path = format!("/api/v1/what-if/{}", id.as_str().unwrap());
    bench.answer(id, what_if::State::Waiting { before: 1 }).await;
    assert_eq!(bench.get(&path).await["before"], 1);
    bench.answer(id, what_if::State::Running { done: 0.25 }).await;
    let running = bench.get(&path).await;
    assert_eq!(
        (&running["state"], &running["done"], &running["simulator"]),
        (&"running".into(), &0.25.into(), &"sim-1".into())
    );
    let spread = |mean| what_if::Spread { mean, sd: 1.0, half: 2.0 };
    let delay = what_if::Measured {
        measure: what_if::Measure::DelayS,
        base: spread(40.0),
        trial: spread(47.5),
        difference: spread(7.5),
        verdict: what_if::Verdict::Worse,
    };
    let outcome = what_if::Outcome {
        seeds: 3,
        horizon_s: 600,
        assumptions: what_if::Assumptions {
            known: 12,
            assumed: 3.5,
            to_come: 200.25,
            turns_measured: 0,
            turns_assumed: 12,
        },
        measures: vec![delay],
        junctions: vec![what_if::JunctionMeasured { junction: "C".into(), delay }],
    };
    bench.answer(id, what_if::State::Done(Box::new(outcome))).await;
    let mut done = bench.get(&path).await;
    done["id"] = "…".into();
    insta::assert_snapshot!("what-if", text(done));
    let list = bench.get("/api/v1/what-if").await;
    assert_eq!((&list["what_ifs"][0]["id"], &list["what_ifs"][0]["result"]), (id, &Value::Null));
    // One that is over stays so.
    let (status, _, still) = bench.ask("DELETE", &path, "").await;
    assert_eq!((status, &still["state"]), (StatusCode::OK, &"done".into()));
    bench.end().await;
}

#[tokio::test]
async fn a_what_if_that_nobody_answers_says_so_and_one_can_be_taken_back() {
    let bench = Bench::start().await;
    bench.lively().await;
    let (first, second) = (bench.ask_what_if().await, bench.ask_what_if().await);
    let path = |asked: &Value| format!("/api/v1/what-if/{}", asked["id"].as_str().unwrap());
    let (status, _, gone) = bench.ask("DELETE", &(path(&second) + "?who=Petrova"), "").await;
    assert_eq!((status, &gone["failure"]), (StatusCode::OK, &"cancelled".into()));
    bench.at(92_000).await;
    let silent = bench.get(&path(&first)).await;
    assert_eq!((&silent["state"], &silent["failure"]), (&"failed".into(), &"no_simulator".into()));
    assert!(silent["detail"].as_str().unwrap().contains("no simulator answers"), "{silent}");
    bench.at(100_000).await;
    let audit = bench.store.audit(0, 100).await.unwrap().rows;
    let said = |what: &str| audit.iter().filter(|row| row.entry.contains(what)).count();
    assert_eq!(
        (said("at 1 junctions by Ivanova (works)"), said("cancelled by Petrova")),
        (2, 1),
        "{audit:?}"
    );
    // Nothing of it reached the street.
    assert_eq!(bench.get("/api/v1/junctions/C").await["state"]["kind"], "fixed");
    bench.end().await;
}

#[tokio::test]
async fn a_what_if_that_makes_no_sense_is_refused() {
    let bench = Bench::start().await;
    let plan = |cycle: &str, steps: &str| {
        format!("\"plan\":{{\"cycle_s\":{cycle},\"offset_s\":0,\"steps\":{steps}}}")
    };
    let check = async |change: &str, more: &str, status: u16, code: &str, says: &str| {
        let body = format!("{{\"changes\":[{{{change}}}],\"who\":\"me\",\"reason\":\"test\"{more}}}");
        let (got, kind, problem) = bench.ask("POST", "/api/v1/what-if", &body).await;
        assert_eq!(got.as_u16(), status, "{body}: {problem}");
        assert_eq!(kind, "application/problem+json", "{body}");
        assert_eq!(problem["type"], format!("/problems/{code}"), "{body}");
        assert!(problem["detail"].as_str().unwrap().contains(says), "{body}: {problem}");
    };
    let at_c = |what: &str| format!("\"junctions\":[\"C\"],{what}");
    let kind = at_c("\"kind\":\"fixed\"");
    check(&kind, ",\"minutes\":4", 422, "bad-request", "minutes is 4; one can look 5 to 60").await;
    check(&kind, ",\"minutes\":4294967295", 422, "bad-request", "one can look 5 to 60").await;
    check(&kind, ",\"seeds\":1", 422, "bad-request", "seeds is 1").await;
    check(&kind, ",\"seed\":1", 422, "bad-request", "seed").await;
    check("\"junctions\":[\"Z\"],\"kind\":\"fixed\"", "", 422, "bad-request", "no junction \"Z\"").await;
    check("\"junctions\":[\"C\",\"C\"],\"kind\":\"fixed\"", "", 422, "bad-request", "twice").await;
    check("\"district\":\"moon\",\"kind\":\"fixed\"", "", 422, "bad-request", "no district").await;
    check("\"kind\":\"fixed\"", "", 422, "bad-request", "either junctions or a district").await;
    check(&at_c("\"kind\":\"magic\""), "", 422, "bad-request", "max-pressure").await;
    check("\"junctions\":[\"C\"]", "", 422, "bad-request", "either a kind or a plan").await;
    check(&at_c(&plan("60", "[[1,30],[2,20]]")), "", 422, "bad-request", "the splits add up to 50").await;
    check(&at_c(&plan("32", "[[1,2],[2,30]]")), "", 422, "unsafe", "cannot hold interstage").await;
    check(&at_c(&plan("60", "[[99,60]]")), "", 422, "unsafe", "stage 99").await;
    check(&at_c(&plan("0", "[]")), "", 422, "unsafe", "no stages").await;
    check(&at_c(&plan("-5", "[[1,-5]]")), "", 422, "bad-request", "0 to 3600").await;
    check(&kind, "", 503, "unavailable", "the broker is down").await;
    bench.broker.send_modify(|state| state.up = true);
    check(&kind, "", 503, "unavailable", "no flows were measured yet").await;
    for (method, path) in [("GET", "/api/v1/what-if/7"), ("DELETE", "/api/v1/what-if/7")] {
        assert_eq!(bench.ask(method, path, "").await.0, StatusCode::NOT_FOUND);
    }
    let nobody = format!("/api/v1/what-if/{}", Uuid::nil());
    assert_eq!(bench.ask("GET", &nobody, "").await.0, StatusCode::NOT_FOUND);
    assert_eq!(bench.ask("DELETE", &nobody, "").await.0, StatusCode::NOT_FOUND);
    assert_eq!(bench.get("/api/v1/what-if").await["what_ifs"], serde_json::json!([]));
    bench.end().await;
}

#[test]
fn the_document() {
    insta::assert_snapshot!("openapi", super::openapi().to_pretty_json().unwrap());
}
