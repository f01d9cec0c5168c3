//! The link against a real mosquitto, on a free port, in a folder of its own.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Duration,
};
use tokio::time::timeout;
use wire::link::{Inbox, Incoming, LinkConfig, Message, Outgoing, Publisher, Will, connect, tls::TlsFiles};

/// Longer than any wait here should be, even on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(30);

struct Broker {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Broker {
    fn start() -> Broker {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        Self::with(folder, port, "allow_anonymous true\n")
    }
    /// Lets in who shows a certificate of the authority in the folder, and writes down who came.
    fn secured(folder: tempfile::TempDir) -> Broker {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let at = folder.path().display();
        let config = format!(
            "user root\nrequire_certificate true\nuse_identity_as_username true\ncafile {at}/ca.pem\n\
             certfile {at}/broker.pem\nkeyfile {at}/broker.key\nlog_dest file {at}/log\n"
        );
        Self::with(folder, port, &config)
    }
    fn with(folder: tempfile::TempDir, port: u16, more: &str) -> Broker {
        let config = format!("listener {port} 127.0.0.1\n{more}");
        std::fs::write(folder.path().join("mosquitto.conf"), config).unwrap();
        Broker { child: Self::spawn(&folder), port, folder }
    }
    fn spawn(folder: &tempfile::TempDir) -> Child {
        Command::new("mosquitto")
            .arg("-c")
            .arg(folder.path().join("mosquitto.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("mosquitto is installed (apt install mosquitto)")
    }
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
    fn restart(&mut self) {
        self.child = Self::spawn(&self.folder);
    }
    fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap().success());
    }
    fn config(&self, id: &str) -> LinkConfig {
        LinkConfig { keep_alive: Duration::from_secs(5), ..LinkConfig::new("127.0.0.1", self.port, id) }
    }
    async fn join(&self, id: &str, filters: &[&str]) -> (Publisher, Inbox) {
        let filters = filters.iter().map(|f| f.to_string()).collect();
        let (publisher, mut inbox) = connect(LinkConfig { filters, ..self.config(id) });
        connected(&mut inbox).await;
        (publisher, inbox)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn next(inbox: &mut Inbox) -> Incoming {
    timeout(PATIENCE, inbox.next()).await.expect("something arrives in time").expect("the link is open")
}

async fn connected(inbox: &mut Inbox) {
    while next(inbox).await != Incoming::Connected {}
}

async fn message(inbox: &mut Inbox) -> Message {
    loop {
        if let Incoming::Message(message) = next(inbox).await {
            return message;
        }
    }
}

#[tokio::test]
async fn commands_and_answers_carry_their_properties() {
    let broker = Broker::start();
    let (centre, mut answers) = broker.join("centre", &["mow/centre/c1/result/#"]).await;
    let (agent, mut commands) = broker.join("agent", &["mow/d/j/command/#"]).await;
    centre.publish(Outgoing::command(
        "mow/d/j/command/tlc.lease",
        b"please".to_vec(),
        "mow/centre/c1/result/tlc.lease",
        &b"id-1"[..],
    ));
    let command = message(&mut commands).await;
    assert_eq!(&command.payload[..], b"please");
    assert_eq!(command.response_topic.as_deref(), Some("mow/centre/c1/result/tlc.lease"));
    assert!(!command.retain);
    agent.publish(Outgoing::result(command.response_topic.unwrap(), b"done".to_vec(), command.correlation));
    let answer = message(&mut answers).await;
    assert_eq!((&answer.payload[..], answer.correlation.as_deref()), (&b"done"[..], Some(&b"id-1"[..])));
    centre.settled().await;
    assert_eq!(centre.counts().acknowledged, 1);
}

#[tokio::test]
async fn presence_is_retained_and_the_will_replaces_it() {
    let broker = Broker::start();
    let will = Some(Will { topic: "mow/d/j/presence".into(), payload: b"offline".to_vec() });
    let (agent, mut inbox) = connect(LinkConfig { will: will.clone(), ..broker.config("agent") });
    connected(&mut inbox).await;
    agent.publish(Outgoing::retained("mow/d/j/presence", b"online".to_vec()));
    agent.settled().await;
    let (_centre, mut seen) = broker.join("centre", &["mow/+/+/presence"]).await;
    let first = message(&mut seen).await;
    assert_eq!((&first.payload[..], first.retain), (&b"online"[..], true));
    // A second connection with the same id throws the first one out, and with it goes its will.
    let (thief, mut stolen) = broker.join("agent", &[]).await;
    assert_eq!(&message(&mut seen).await.payload[..], b"offline");
    thief.close().await;
    assert_eq!(timeout(PATIENCE, stolen.next()).await.unwrap(), None);
    // An orderly end says nothing.
    agent.close().await;
    let (last, _inbox) = broker.join("last", &[]).await;
    last.publish(Outgoing::kept("mow/x/y/presence", b"end".to_vec()));
    while message(&mut seen).await.topic != "mow/x/y/presence" {}
}

#[tokio::test]
async fn what_was_published_survives_a_broker_that_dies() {
    let mut broker = Broker::start();
    let (agent, mut own) = broker.join("agent", &["mow/d/j/command/#"]).await;
    agent.publish(Outgoing::kept("mow/d/j/status/traffic.count/1s", b"0".to_vec()));
    agent.settled().await;
    broker.kill();
    while !matches!(next(&mut own).await, Incoming::Disconnected(_)) {}
    for n in 1..=100 {
        agent.publish(Outgoing::kept("mow/d/j/status/traffic.count/1s", n.to_string().into_bytes()));
        agent.publish(Outgoing::live("mow/d/j/status/tlc.groups/live", vec![n]));
    }
    assert_eq!(agent.counts().dropped_live, 100, "live state of an outage is worth nothing");
    broker.restart();
    connected(&mut own).await;
    // Who subscribes at a broker that has just started may come too late to see them; its acknowledgements do not.
    timeout(PATIENCE, agent.settled()).await.expect("everything kept is delivered to the new broker");
    assert_eq!(agent.counts().acknowledged, 101);
    // The filters were made again too.
    agent.publish(Outgoing::kept("mow/d/j/command/tlc.lease", b"x".to_vec()));
    assert_eq!(message(&mut own).await.topic, "mow/d/j/command/tlc.lease");
    assert_eq!(agent.counts().dropped_kept, 0);
}

#[tokio::test]
async fn a_frozen_broker_is_noticed_and_survived() {
    let broker = Broker::start();
    let (agent, mut inbox) = broker.join("agent", &["mow/d/j/command/#"]).await;
    broker.signal("-STOP");
    // Enough to fill the socket, so that the library hangs in its write.
    for _ in 0..64 {
        agent.publish(Outgoing::kept("mow/d/j/status/tlc.events/hires", vec![0; 200_000]));
    }
    assert!(matches!(next(&mut inbox).await, Incoming::Disconnected(_)), "silence is noticed");
    broker.signal("-CONT");
    connected(&mut inbox).await;
    timeout(PATIENCE, agent.settled()).await.expect("everything is delivered once the broker wakes");
}

#[tokio::test]
async fn thousands_of_messages_pass_in_order() {
    const N: u32 = 5_000;
    let broker = Broker::start();
    let filters = ["mow/#".to_string()].into();
    let (_centre, mut seen) = connect(LinkConfig { filters, incoming: 10_000, ..broker.config("centre") });
    connected(&mut seen).await;
    let (agent, mut own) = connect(LinkConfig { outgoing: N as usize, ..broker.config("agent") });
    connected(&mut own).await;
    for n in 0..N {
        agent.publish(Outgoing::kept("mow/d/j/status/tlc.events/hires", n.to_be_bytes().to_vec()));
    }
    for n in 0..N {
        assert_eq!(&message(&mut seen).await.payload[..], n.to_be_bytes());
    }
}

/// A gateway of 2,000 cabinets has two filters for each.
#[tokio::test]
async fn thousands_of_filters_are_made() {
    let broker = Broker::start();
    let filters = (0..4_000).map(|n| format!("mow/d/{n}/command/#")).collect();
    let (agent, mut own) = connect(LinkConfig { filters, ..broker.config("gateway") });
    connected(&mut own).await;
    for n in [0, 1_999, 3_999] {
        let topic = format!("mow/d/{n}/command/tlc.lease");
        agent.publish(Outgoing::kept(topic.clone(), b"x".to_vec()));
        assert_eq!(message(&mut own).await.topic, topic);
    }
}

#[tokio::test]
async fn no_broker_is_an_ordinary_thing() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (agent, mut inbox) = connect(LinkConfig::new("127.0.0.1", port, "agent"));
    let Incoming::Disconnected(reason) = next(&mut inbox).await else { panic!("nobody is there") };
    assert!(reason.contains("refused"), "{reason}");
    agent.publish(Outgoing::live("mow/d/j/status/tlc.groups/live", vec![]));
    assert!(!agent.is_up());
    timeout(PATIENCE, agent.close()).await.unwrap();
}

/// Makes certificates as we ship it.
fn certify(folder: &std::path::Path, kind: &str, names: &[&str]) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/mosquitto/certificates.sh");
    let done = Command::new(script).arg(folder).arg(kind).args(names).status().unwrap();
    assert!(done.success(), "openssl is installed");
}

#[tokio::test]
async fn a_renewed_certificate_is_taken_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    certify(folder.path(), "broker", &["127.0.0.1"]);
    certify(folder.path(), "client", &["old", "new"]);
    let broker = Broker::secured(folder);
    let at = |name: &str| broker.folder.path().join(name);
    let take = |from: &str, what: &str| {
        std::fs::copy(at(&format!("{from}.{what}")), at(&format!("own.{what}"))).unwrap();
    };
    take("old", "pem");
    take("old", "key");
    let tls = Some(TlsFiles { ca: at("ca.pem"), own: Some((at("own.pem"), at("own.key"))) });
    let filters = ["mow/#".to_owned()].into();
    let (agent, mut inbox) = connect(LinkConfig { tls, filters, ..broker.config("agent") });
    connected(&mut inbox).await;
    let came = |name: &str| std::fs::read_to_string(at("log")).unwrap().contains(&format!("u'{name}'"));
    assert!(came("old") && !came("new"));
    // Half of a renewal changes nothing; what is said meanwhile arrives.
    take("new", "key");
    agent.publish(Outgoing::kept("mow/d/j/alarm/tlc.door", b"1".to_vec()));
    assert_eq!(&message(&mut inbox).await.payload[..], b"1");
    take("new", "pem");
    let Incoming::Disconnected(reason) = next(&mut inbox).await else { panic!("nothing was to arrive") };
    assert_eq!(reason, "other certificates lie in the files");
    connected(&mut inbox).await;
    assert!(came("new"));
    agent.publish(Outgoing::kept("mow/d/j/alarm/tlc.door", b"2".to_vec()));
    assert_eq!(&message(&mut inbox).await.payload[..], b"2");
}

#[tokio::test]
async fn a_broker_of_another_authority_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    certify(folder.path(), "broker", &["127.0.0.1"]);
    let elsewhere = tempfile::tempdir().unwrap();
    certify(elsewhere.path(), "client", &["agent"]);
    let broker = Broker::secured(folder);
    let at = |name: &str| elsewhere.path().join(name);
    let tls = Some(TlsFiles { ca: at("ca.pem"), own: Some((at("agent.pem"), at("agent.key"))) });
    // Only the first reason is told, so it must be there before we come.
    while tokio::net::TcpStream::connect(("127.0.0.1", broker.port)).await.is_err() {
        tokio::task::yield_now().await;
    }
    let (agent, mut inbox) = connect(LinkConfig { tls, ..broker.config("agent") });
    let Incoming::Disconnected(reason) = next(&mut inbox).await else { panic!("it is a stranger") };
    assert!(reason.contains("certificate"), "{reason}");
    assert!(!agent.is_up());
}
