//! A cabinet on real sockets: a Modbus TCP server that speaks the shipped register map, and mosquitto.

use super::*;
use crate::{
    Connection, Opened,
    agent::fixture::{START, junction},
    device::modbus::Reach,
    run,
};
use model::signal::Lamp;
use std::{
    collections::BTreeSet,
    net::SocketAddr,
    process::{Child, Command as Process, Stdio},
    sync::{Mutex, MutexGuard},
};
use tokio::time::timeout;
use tokio_modbus::{
    ExceptionCode, Request, Response,
    server::{Service, tcp::Server},
};
use tokio_util::sync::CancellationToken;
use wire::{
    clock::Clock,
    command::{Body, Command},
    link::{Inbox, LinkConfig, Outgoing, connect},
    message::{
        Alarms, ChannelState, ChannelWord, Counts, Events, Groups, Mode, Replay, Run, Rung, Status, Stored,
        Throttle, ThrottleAction,
    },
    register_map::{CommandBlock, RegisterMap},
    result::{CommandResult, ResultState},
    topic::{CommandCode, StatusCode},
};

const PATIENCE: Duration = Duration::from_secs(30);

/// Registers behind a real socket. It does what is asked within one `step`, without interstages: those are
/// the simulator's and the street's.
#[derive(Clone)]
struct Box1(Arc<Mutex<Registers>>);

struct Registers {
    map: RegisterMap,
    input: Vec<u16>,
    holding: [u16; 5],
    writes: u64,
    delay: Duration,
    /// Answers reads of the lamps with one register too few.
    short: bool,
    /// Ticks at every read of the ages.
    restless: bool,
}

impl Box1 {
    async fn start() -> (Box1, SocketAddr) {
        let map = RegisterMap::svetofor();
        let registers = Registers {
            input: vec![0; 4000],
            holding: [0; 5],
            writes: 0,
            delay: Duration::ZERO,
            short: false,
            restless: false,
            map,
        };
        let device = Box1(Arc::new(Mutex::new(registers)));
        device.step(0, 1, &[]);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = device.clone();
        tokio::spawn(async move {
            let connected = |stream, _| {
                let service = service.clone();
                async move { Ok(Some((service, stream))) }
            };
            let _ = Server::new(listener).serve(&connected, |_| {}).await;
        });
        (device, address)
    }
    fn lock(&self) -> MutexGuard<'_, Registers> {
        self.0.lock().unwrap()
    }

    /// Shows `tick` tenths since its start, its own stage unless another is asked for, and events to log.
    fn step(&self, tick: u32, own_stage: u16, events: &[(u16, u16)]) {
        let mut r = self.lock();
        let junction = junction();
        let report = r.map.report;
        let asked = r.holding[usize::from(CommandBlock::STAGE)];
        let stage = if asked == 0 { own_stage } else { asked };
        let hash = junction.config_hash();
        let heartbeat = r.input[usize::from(report.heartbeat)].wrapping_add(1);
        let mut seq = r.input[usize::from(report.newest_event)];
        for (code, param) in events {
            seq += 1;
            let at = usize::from(r.map.events.register(seq));
            r.input[at..at + 5].copy_from_slice(&[seq, (tick >> 16) as u16, tick as u16, *code, *param]);
        }
        let mut set = |register: u16, value: u16| r.input[usize::from(register)] = value;
        set(report.layout, 1);
        set(report.heartbeat, heartbeat);
        set(report.config_hash, (hash >> 16) as u16);
        set(report.config_hash + 1, hash as u16);
        set(report.groups, 3);
        set(report.stage, stage);
        set(report.mode, u16::from(asked == 0));
        set(report.requested, asked);
        set(report.tick, (tick >> 16) as u16);
        set(report.tick + 1, tick as u16);
        set(report.newest_event, seq);
        for group in &junction.groups {
            let green = junction.stages[usize::from(stage) - 1].has(group.number);
            set(99 + group.number.0, if green { Lamp::Green } else { Lamp::Red }.code());
            set(299 + group.number.0, 200);
        }
        set(2000, (tick / 10) as u16);
        set(2001, 2);
        set(2010, (tick / 10) as u16);
        set(2011, (tick / 2) as u16);
        for channel in [2010, 2018] {
            (channel + 2..channel + 6).filter(|r| *r != channel + 3).for_each(|r| set(r, 0xFFFF));
        }
    }
}

impl Service for Box1 {
    type Request = Request<'static>;
    type Response = Response;
    type Exception = ExceptionCode;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Response, ExceptionCode>> + Send>>;
    fn call(&self, request: Request<'static>) -> Self::Future {
        let delay = self.lock().delay;
        let device = self.clone();
        Box::pin(async move {
            tokio::time::sleep(delay).await;
            device.answer(request)
        })
    }
}

impl Box1 {
    fn answer(&self, request: Request<'static>) -> Result<Response, ExceptionCode> {
        let mut r = self.lock();
        let range = |first: u16, count: u16| usize::from(first)..usize::from(first) + usize::from(count);
        let here = ExceptionCode::IllegalDataAddress;
        match request {
            Request::ReadInputRegisters(first, count) => {
                assert!(count <= 125, "a read of {count} registers");
                let mut words = r.input.get(range(first, count)).ok_or(here)?.to_vec();
                if r.restless && first == 300 {
                    r.input[1] = r.input[1].wrapping_add(1);
                }
                if r.short && first == 100 {
                    words.pop();
                }
                Ok(Response::ReadInputRegisters(words))
            }
            Request::ReadHoldingRegisters(first, count) => {
                Ok(Response::ReadHoldingRegisters(r.holding.get(range(first, count)).ok_or(here)?.to_vec()))
            }
            Request::WriteMultipleRegisters(first, words) => {
                let count = words.len() as u16;
                r.holding.get_mut(range(first, count)).ok_or(here)?.copy_from_slice(&words);
                r.writes += u64::from(first > 0);
                Ok(Response::WriteMultipleRegisters(first, count))
            }
            other => panic!("{other:?} is not an allowed function"),
        }
    }
}

struct Mosquitto {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Mosquitto {
    fn start() -> Mosquitto {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let config = format!("listener {port} 127.0.0.1\nallow_anonymous true\n");
        std::fs::write(folder.path().join("mosquitto.conf"), config).unwrap();
        Mosquitto { child: Self::spawn(&folder), port, folder }
    }
    fn spawn(folder: &tempfile::TempDir) -> Child {
        let mut process = Process::new("mosquitto");
        process
            .arg("-c")
            .arg(folder.path().join("mosquitto.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        process.spawn().expect("mosquitto is installed (apt install mosquitto)")
    }
    fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
    fn restart(&mut self) {
        self.child = Self::spawn(&self.folder);
    }
    fn link(&self, id: &str) -> LinkConfig {
        LinkConfig { keep_alive: Duration::from_secs(5), ..LinkConfig::new("127.0.0.1", self.port, id) }
    }
    async fn centre(&self) -> (Publisher, Inbox) {
        let filters = ["mow/#".to_owned()].into();
        let (publisher, mut inbox) = connect(LinkConfig { filters, incoming: 10_000, ..self.link("centre") });
        while timeout(PATIENCE, inbox.next()).await.unwrap() != Some(Incoming::Connected) {}
        (publisher, inbox)
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.stop();
    }
}

fn config(address: SocketAddr, folder: Option<PathBuf>) -> CabinetConfig {
    let map = Arc::new(RegisterMap::svetofor());
    CabinetConfig {
        junction: Arc::new(junction()),
        device: ModbusConfig { at: Reach::Tcp(address), unit: 1, map, timeout: PATIENCE },
        poll: Duration::from_millis(500),
        spool: SpoolConfig { folder, most_bytes: 10_000_000, kept_bytes: 0 },
        replay_per_s: 100,
    }
}

/// The next message on a topic that ends like that.
async fn on(inbox: &mut Inbox, kind: &Kind) -> Message {
    let end = format!("/{kind}");
    timeout(PATIENCE, async {
        loop {
            match inbox.next().await {
                Some(Incoming::Message(message)) if message.topic.ends_with(&end) => return message,
                Some(_) => {}
                None => panic!("the link is closed"),
            }
        }
    })
    .await
    .unwrap_or_else(|_| panic!("nothing on {kind}"))
}

/// Gives the cabinet all that comes until a message of that kind has come: a link may break once more, and
/// a broker that was away may say a thing twice.
async fn hand_over(cabinet: &mut Cabinet, now: Moment, inbox: &mut Inbox, kind: &Kind) {
    loop {
        let incoming = timeout(PATIENCE, inbox.next()).await.unwrap().unwrap();
        let found = matches!(&incoming, Incoming::Message(m)
            if topic::parse(&m.topic).is_some_and(|(_, its)| its == *kind));
        cabinet.incoming(now, incoming).await;
        if found {
            return;
        }
    }
}

async fn status<V: serde::de::DeserializeOwned>(inbox: &mut Inbox, code: StatusCode) -> V {
    let message = on(inbox, &Kind::Status(code)).await;
    let mut status: Status<V> = codec::decode("status", &message.payload).unwrap();
    status.entries.pop().unwrap().values
}

fn order(groups: &Groups, boot: Uuid, seq: u64, expires_at: Moment, body: Body) -> Outgoing {
    let command = Command {
        cmd_id: Uuid::now_v7(),
        epoch: 1,
        seq,
        boot_id: boot,
        config_hash: junction().config_hash(),
        ref_tick: groups.ref_tick,
        expires_at,
        lease_s: 10,
        body,
    };
    let code = command.body.code();
    let topic = format!("mow/cao/tverskaya-2/command/{}", code.as_str());
    let answers = format!("mow/centre/c1/result/{}", code.as_str());
    Outgoing::command(topic, codec::encode(&command), answers, &b"corr"[..])
}

/// The whole way, driven step by step under a clock of its own: loop ▸ register ▸ message ▸ command ▸
/// register, the answers, the lease, and an outage with its replay.
#[tokio::test]
async fn a_cabinet_in_lockstep() {
    let mut broker = Mosquitto::start();
    let (device, address) = Box1::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (centre, mut seen) = broker.centre().await;
    let boot = Uuid::now_v7();
    let config = config(address, Some(folder.path().to_owned()));
    let (publisher, mut inbox) = connect(LinkConfig {
        will: Some(config.will(boot)),
        filters: config.filters().into(),
        ..broker.link("agent")
    });
    let mut now = START;
    let mut cabinet = Cabinet::new(config, publisher.clone(), boot, now).unwrap();
    let up = timeout(PATIENCE, inbox.next()).await.unwrap().unwrap();
    assert_eq!(up, Incoming::Connected);
    cabinet.incoming(now, up).await;
    let presence: Presence =
        codec::decode("presence", &on(&mut seen, &Kind::Presence).await.payload).unwrap();
    assert_eq!((presence.state, presence.boot_id), (PresenceState::Online, boot));

    // A second at a time: the device lives, the cabinet polls.
    let step = |now: &mut Moment, own_stage: u16, events: &[(u16, u16)]| {
        *now = *now + Duration::from_secs(1);
        device.step(now.since(START).as_millis() as u32 / 100, own_stage, events);
    };
    step(&mut now, 1, &[]);
    cabinet.poll(now).await;
    let mode: Mode = status(&mut seen, StatusCode::Mode).await;
    assert_eq!((mode.rung, mode.reason.as_str()), (Rung::Coordinated, "started"));
    let groups: Groups = status(&mut seen, StatusCode::Groups).await;
    assert_eq!((groups.signalgroupstatus.as_str(), groups.stage, groups.ref_tick), ("3B3", 1, 1_000));
    step(&mut now, 1, &[(1, 2), (82, 1)]);
    cabinet.poll(now).await;
    let events: Events = status(&mut seen, StatusCode::Events).await;
    assert_eq!(events.events.iter().map(|e| (e.code, e.param)).collect::<Vec<_>>(), [(1, 2), (82, 1)]);
    assert_eq!(events.events[0].t, now);
    let counts: Counts = status(&mut seen, StatusCode::Counts).await;
    let first = &counts.channels[0];
    assert_eq!(
        (counts.window_s, first.vehicles_sum, first.occupancy_avg, first.speed_avg),
        (1.0, 1, 0.5, None)
    );
    let groups: Groups = status(&mut seen, StatusCode::Groups).await;

    // A command, and what becomes of it.
    centre.publish(order(&groups, boot, 1, now + Duration::from_secs(4), Body::Stage(2)));
    let command = timeout(PATIENCE, inbox.next()).await.unwrap().unwrap();
    cabinet.incoming(now, command.clone()).await;
    for expected in [ResultState::Received, ResultState::Accepted, ResultState::Applied] {
        let answer = on(&mut seen, &Kind::Result(CommandCode::Stage)).await;
        assert_eq!(answer.correlation.as_deref(), Some(&b"corr"[..]));
        let result: CommandResult = codec::decode("result", &answer.payload).unwrap();
        assert_eq!(result.state, expected);
    }
    assert_eq!(device.lock().holding[1..], [2, 10, 0, 0]);
    let writes = device.lock().writes;
    // The same message once more: one answer, no second write.
    cabinet.incoming(now, command).await;
    let again: CommandResult =
        codec::decode("result", &on(&mut seen, &Kind::Result(CommandCode::Stage)).await.payload).unwrap();
    assert_eq!((again.state, device.lock().writes), (ResultState::Applied, writes));
    step(&mut now, 1, &[]);
    cabinet.poll(now).await;
    let groups: Groups = status(&mut seen, StatusCode::Groups).await;
    assert_eq!((groups.stage, groups.wanted), (2, 2));

    // The centre is silent: the device gets its own plan back when the lease is over.
    for _ in 0..8 {
        step(&mut now, 1, &[]);
        cabinet.poll(now).await;
        assert_eq!(device.lock().holding[1], 2);
    }
    step(&mut now, 1, &[]);
    cabinet.poll(now).await;
    assert_eq!(device.lock().holding[1..], [0, 0, 0, 0]);

    // A centre says that it has stored all that was sent.
    publisher.settled().await;
    let all = Run { boot_id: boot, first: 0, last: 1_000 };
    for code in [StatusCode::Events, StatusCode::Counts] {
        let kind = Kind::Stored(code);
        let topic = format!("mow/cao/tverskaya-2/{kind}");
        centre.publish(Outgoing::kept(topic, codec::encode(&Stored { runs: vec![all] })));
        hand_over(&mut cabinet, now, &mut inbox, &kind).await;
    }
    // Or the centre would say it again to the broker that comes back.
    centre.settled().await;
    assert_eq!((cabinet.uplink.spool().len(), cabinet.uplink.spool().under_way()), (0, 0));

    // No broker for ten seconds: what happened meanwhile comes later, under its own numbers.
    broker.stop();
    while !matches!(timeout(PATIENCE, inbox.next()).await.unwrap(), Some(Incoming::Disconnected(_))) {}
    cabinet.incoming(now, Incoming::Disconnected("test".into())).await;
    for n in 0..10 {
        step(&mut now, 1, &[(81, n)]);
        cabinet.poll(now).await;
    }
    assert_eq!(cabinet.uplink.spool().len(), 20);
    broker.restart();
    while timeout(PATIENCE, seen.next()).await.unwrap() != Some(Incoming::Connected) {}
    while timeout(PATIENCE, inbox.next()).await.unwrap() != Some(Incoming::Connected) {}
    cabinet.incoming(now, Incoming::Connected).await;
    step(&mut now, 1, &[]);
    cabinet.poll(now).await;
    let replay = on(&mut seen, &Kind::Replay(StatusCode::Events)).await;
    let replay: Replay<Events> = codec::decode("replay", &replay.payload).unwrap();
    let params: Vec<u16> = replay.entries.iter().flat_map(|e| &e.values.events).map(|e| e.param).collect();
    assert_eq!(params, (0..10).collect::<Vec<_>>());
    assert!(replay.done && replay.entries.windows(2).all(|w| w[1].seq == w[0].seq + 1));
    let replay: Replay<Counts> =
        codec::decode("replay", &on(&mut seen, &Kind::Replay(StatusCode::Counts)).await.payload).unwrap();
    assert_eq!((replay.entries.len(), replay.done), (10, true));

    // A centre stops a channel for five seconds: the other one goes on, and what it would have said comes afterwards.
    let channel = Kind::Channel(StatusCode::Events);
    let stop = Throttle { action: ThrottleAction::Stop, timeout: Some(5) };
    let kind = Kind::Throttle(StatusCode::Events);
    centre.publish(Outgoing::kept(format!("mow/cao/tverskaya-2/{kind}"), codec::encode(&stop)));
    hand_over(&mut cabinet, now, &mut inbox, &kind).await;
    let said = on(&mut seen, &channel).await;
    assert_eq!(codec::decode::<ChannelWord>("channel", &said.payload).unwrap().state, ChannelState::Stopped);
    for n in 20..25 {
        step(&mut now, 1, &[(81, n)]);
        cabinet.poll(now).await;
    }
    let mut counted = 0;
    loop {
        let Some(Incoming::Message(message)) = timeout(PATIENCE, seen.next()).await.unwrap() else {
            continue;
        };
        match topic::parse(&message.topic) {
            Some((_, Kind::Status(StatusCode::Events))) => panic!("a stopped channel speaks"),
            Some((_, Kind::Status(StatusCode::Counts))) => counted += 1,
            Some((_, kind)) if kind == channel => {
                let word: ChannelWord = codec::decode("channel", &message.payload).unwrap();
                assert_eq!((word.state, counted), (ChannelState::Running, 4));
                break;
            }
            _ => {}
        }
    }
    step(&mut now, 1, &[]);
    cabinet.poll(now).await;
    let replay = on(&mut seen, &Kind::Replay(StatusCode::Events)).await;
    let replay: Replay<Events> = codec::decode("replay", &replay.payload).unwrap();
    let params: Vec<u16> = replay.entries.iter().flat_map(|e| &e.values.events).map(|e| e.param).collect();
    assert_eq!(params, (20..24).collect::<Vec<_>>());

    let mut counts = cabinet.counts();
    // This box changes its lamps without interstages, and the guard's watch says so.
    assert!(counts.remove("device.violation") > Some(0));
    assert_eq!(counts, BTreeMap::from([("command.repeated".to_owned(), 1)]));

    cabinet.stop(now);
    publisher.close().await;
    let presence: Presence =
        codec::decode("presence", &on(&mut seen, &Kind::Presence).await.payload).unwrap();
    assert_eq!(presence.state, PresenceState::Shutdown);
    // The epoch outlives the program.
    let epoch = std::fs::read_to_string(folder.path().join("mow%2fcao%2ftverskaya-2.epoch")).unwrap();
    assert_eq!(epoch, "1");
}

/// A device that answers late must not have its late answer taken for the next one.
#[tokio::test]
async fn a_late_answer_is_nobodys_answer() {
    let (device, address) = Box1::start().await;
    let limit = Duration::from_millis(250);
    let mut modbus = ModbusDevice::new(ModbusConfig { timeout: limit, ..config(address, None).device });
    let mut now = START;
    assert_eq!(modbus.read(now).await.unwrap().tick.0, 0);
    device.lock().delay = Duration::from_millis(400);
    let error = modbus.read(now).await.unwrap_err().to_string();
    assert_eq!(error, "no answer to its report within 250ms");
    device.lock().delay = Duration::ZERO;
    for tick in 1..20 {
        now = now + Duration::from_secs(1);
        device.step(tick, 1, &[]);
        assert_eq!(modbus.read(now).await.unwrap().tick.0, tick);
    }
    // A device that answers nonsense is weather as well, and waited for ever longer.
    device.lock().short = true;
    let error = modbus.read(now).await.unwrap_err().to_string();
    assert_eq!(error, "the device answers its lamps with 2 registers instead of 3");
    assert!(modbus.read(now).await.is_err());
    device.lock().short = false;
    assert_eq!(modbus.read(now).await.unwrap_err().to_string(), "waiting before connecting again");
    assert!(modbus.read(now + Duration::from_secs(3)).await.is_ok());
}

#[tokio::test]
async fn more_events_than_one_read_holds_arrive_in_order() {
    let (device, address) = Box1::start().await;
    let mut modbus = ModbusDevice::new(config(address, None).device);
    modbus.read(START).await.unwrap();
    let mut told = 0u16;
    for (tick, n) in [(1, 5u16), (2, 60), (3, 96), (4, 1), (5, 96)] {
        let events: Vec<_> = (0..n).map(|i| (81, told + i)).collect();
        device.step(tick, 1, &events);
        let report = modbus.read(START).await.unwrap();
        assert_eq!(report.events.iter().map(|e| (e.code, e.param)).collect::<Vec<_>>(), events);
        assert_eq!(report.events_lost, 0);
        told += n;
    }
    device.step(6, 1, &(0..100).map(|i| (82, i)).collect::<Vec<_>>());
    let report = modbus.read(START).await.unwrap();
    assert_eq!((report.events.len(), report.events_lost), (96, 4));
}

/// The daemon itself, in both ways of connecting, on a clock ten times as fast.
#[tokio::test]
async fn the_daemon_serves_many_cabinets() {
    for connection in [Connection::PerCabinet, Connection::Shared] {
        let broker = Mosquitto::start();
        let (_centre, mut seen) = broker.centre().await;
        let mut cabinets = Vec::new();
        let mut devices = Vec::new();
        for n in 0..5 {
            let (device, address) = Box1::start().await;
            let mut own = junction();
            own.id = format!("j{n}").as_str().into();
            cabinets.push(CabinetConfig { junction: Arc::new(own), ..config(address, None) });
            devices.push(device);
        }
        let shutdown = CancellationToken::new();
        let opened = Opened { link: broker.link("edge"), connection, cabinets };
        let daemon = tokio::spawn(run(opened, Clock::scaled(START, 10.0), shutdown.clone()));
        let mut wanted: BTreeSet<String> =
            (0..5).map(|n| format!("mow/cao/j{n}/status/tlc.groups/live")).collect();
        let mut tick = 0;
        while !wanted.is_empty() {
            tick += 1;
            devices.iter().for_each(|d| d.step(tick, 1, &[]));
            let groups = on(&mut seen, &Kind::Status(StatusCode::Groups)).await;
            wanted.remove(&groups.topic);
        }
        shutdown.cancel();
        timeout(PATIENCE, daemon).await.unwrap().unwrap().unwrap();
        let mut gone: BTreeSet<String> = (0..5).map(|n| format!("mow/cao/j{n}/presence")).collect();
        if connection == Connection::Shared {
            gone.insert("mow/gateway/edge/presence".into());
        }
        while !gone.is_empty() {
            let message = on(&mut seen, &Kind::Presence).await;
            let presence: Presence = codec::decode("presence", &message.payload).unwrap();
            if presence.state == PresenceState::Shutdown {
                gone.remove(&message.topic);
            }
        }
    }
}

#[tokio::test]
async fn no_device_is_an_alarm_and_no_crash() {
    let broker = Mosquitto::start();
    let (_centre, mut seen) = broker.centre().await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = config(nobody, None);
    let (publisher, mut inbox) = connect(broker.link("agent"));
    let mut cabinet = Cabinet::new(config, publisher, Uuid::now_v7(), START).unwrap();
    assert_eq!(timeout(PATIENCE, inbox.next()).await.unwrap(), Some(Incoming::Connected));
    cabinet.incoming(START, Incoming::Connected).await;
    for s in 1..6 {
        cabinet.poll(START + Duration::from_secs(s)).await;
    }
    loop {
        let message = on(&mut seen, &Kind::Alarm("tlc.comm.field".into())).await;
        let alarms: Alarms = codec::decode("alarm", &message.payload).unwrap();
        if alarms.alarms.iter().any(|a| a.active && a.message == "the device does not answer") {
            break;
        }
    }
    // A message that is not for us is counted.
    let stray = Message {
        topic: "mow/cao/other/command/tlc.lease".into(),
        payload: Default::default(),
        retain: false,
        response_topic: None,
        correlation: None,
    };
    cabinet.incoming(START, Incoming::Message(stray)).await;
    assert_eq!(cabinet.counts()["mqtt.malformed.topic"], 1);
}

/// A device that moves on between two reads: the reading says so rather than mix two moments unseen.
#[tokio::test]
async fn a_reading_across_a_tick_is_known_for_what_it_is() {
    let (device, address) = Box1::start().await;
    let mut modbus = ModbusDevice::new(config(address, None).device);
    device.lock().restless = true;
    assert!(modbus.read(START).await.unwrap().torn);
    device.lock().restless = false;
    assert!(!modbus.read(START).await.unwrap().torn);
}
