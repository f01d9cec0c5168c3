//! `wire listen` shows the traffic of a broker to people; `wire check` holds a node against the contract.

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use model::config::{Complaints, Source};
use std::{io::Write, path::PathBuf, process::ExitCode, time::Duration};
use wire::{
    broker::{Broker, RawBroker},
    clock::Clock,
    codec,
    inspect::{Finding, Inspector, Probe, Verdict},
    link::{self, Inbox, Incoming, LinkConfig, Message, Outgoing, Publisher, tls::TlsFiles},
    topic::{CITY, CommandCode, Kind, Node},
};

/// Bad usage or configuration (`EX_USAGE` of sysexits.h).
const USAGE: u8 = 64;
/// There is nobody to be heard: no broker, or a node that says nothing (`EX_UNAVAILABLE`).
const UNAVAILABLE: u8 = 69;
/// How long answers to commands may take, after the listening.
const ANSWERS: Duration = Duration::from_secs(5);

/// Looks at the traffic between street and centre.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Shows messages as text, one after another, until Ctrl-C.
    Listen(Listen),
    /// Listens to one node, holds it against docs/wire.md, and says rule by rule what it kept and what it broke. Exits
    /// with 1 if it broke any, and with 69 if it could not be heard.
    Check(Check),
}

#[derive(Args)]
struct Listen {
    #[command(flatten)]
    broker: At,
    /// What to listen to; may be given more than once.
    #[arg(long = "topic", value_name = "FILTER", default_value = "mow/#")]
    topics: Vec<String>,
    /// One line a message: time, topic, length.
    #[arg(long)]
    brief: bool,
    /// End after so many messages.
    #[arg(long, value_name = "N")]
    count: Option<u64>,
}

#[derive(Args)]
struct Check {
    #[command(flatten)]
    broker: At,
    /// The node, such as mow/cao/1010.
    #[arg(long, value_name = "NODE")]
    node: String,
    /// How long to listen, s. The slowest rule wants 12.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3600))]
    seconds: u32,
    /// Also sends commands that the node must refuse. They ask for nothing but a longer lease; but a node that wrongly
    /// obeys one may refuse its own centre afterwards.
    #[arg(long, value_name = "SENTENCE", value_parser = ["this_node_is_not_on_the_street"])]
    commands: Option<String>,
}

#[derive(Args)]
struct At {
    /// The broker.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:1883", conflicts_with = "config")]
    broker: Broker,
    /// Certificates of those who may vouch for the broker (PEM): an encrypted link.
    #[arg(long, value_name = "F.pem", conflicts_with = "config")]
    ca: Option<PathBuf>,
    /// Our certificate.
    #[arg(long, value_name = "F.pem", requires_all = ["ca", "key"])]
    certificate: Option<PathBuf>,
    /// Its key.
    #[arg(long, value_name = "F.key", requires = "certificate")]
    key: Option<PathBuf>,
    /// Or a file with the [broker] table that all programs have.
    #[arg(long, value_name = "F.toml")]
    config: Option<PathBuf>,
}

impl At {
    fn link(&self, what: &str, filters: impl IntoIterator<Item = String>) -> Result<LinkConfig, Failure> {
        let broker = match &self.config {
            Some(file) => table(file)?,
            None => {
                let own = self.certificate.clone().zip(self.key.clone());
                let tls = self.ca.clone().map(|ca| TlsFiles { ca, own });
                Broker { tls, ..self.broker.clone() }
            }
        };
        let mut link = broker
            .link(format!("svetofor-wire-{what}-{}", std::process::id()))
            .map_err(|e| Failure::Usage(e.to_string()))?;
        link.filters = filters.into_iter().collect();
        // A city's second, for a terminal that is slower than the city.
        link.incoming = 65_536;
        Ok(link)
    }
}

/// The `[broker]` table of any of our files; what else stands there is somebody else's.
fn table(file: &std::path::Path) -> Result<Broker, Failure> {
    #[derive(serde::Deserialize)]
    struct Raw {
        broker: RawBroker,
    }
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file)
        .map_err(|e| Failure::Usage(format!("{name}: could not be read: {e}")))?;
    let raw: Raw = model::config::parse(&name, &text).map_err(|e| Failure::Usage(e.to_string()))?;
    let mut faults = Complaints::default();
    let broker = raw.broker.meant(Source::new(&name, &text), &mut faults);
    faults.or(broker).map_err(|e| Failure::Usage(e.to_string()))
}

enum Failure {
    /// Something to be typed or written differently.
    Usage(String),
    /// The node broke a rule.
    Broken,
    /// Anything else.
    Other(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Failure {
        Failure::Other(error)
    }
}

#[expect(clippy::print_stderr, reason = "complaints are for the person who started us")]
fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
        }
    };
    match obey(arguments.task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Broken) => ExitCode::FAILURE,
        Err(Failure::Usage(said)) => {
            for line in said.lines() {
                eprintln!("wire: {line}");
            }
            ExitCode::from(USAGE)
        }
        Err(Failure::Other(error)) => {
            eprintln!("wire: {error:#}");
            ExitCode::from(UNAVAILABLE)
        }
    }
}

fn obey(task: Task) -> Result<(), Failure> {
    let runtime = tokio::runtime::Runtime::new().context("could not start the runtime")?;
    runtime.block_on(async {
        let stop = async {
            let _ = tokio::signal::ctrl_c().await;
        };
        match task {
            Task::Listen(task) => tokio::select! {
                () = stop => Ok(()),
                done = listen(&task) => done,
            },
            Task::Check(task) => tokio::select! {
                () = stop => Err(Failure::Usage("ended before the node was heard out".to_owned())),
                done = check(&task) => done,
            },
        }
    })
}

/// The next message; an error when the broker cannot be reached or is lost.
async fn next(inbox: &mut Inbox) -> Result<Message, Failure> {
    loop {
        match inbox.next().await {
            Some(Incoming::Message(message)) => return Ok(message),
            Some(Incoming::Connected) => {}
            Some(Incoming::Disconnected(reason)) => {
                return Err(anyhow::anyhow!("no broker: {reason}").into());
            }
            None => return Err(anyhow::anyhow!("the link ended").into()),
        }
    }
}

async fn listen(task: &Listen) -> Result<(), Failure> {
    let (publisher, mut inbox) = link::connect(task.broker.link("listen", task.topics.clone())?);
    let clock = Clock::real();
    let mut left = task.count.unwrap_or(u64::MAX);
    while left > 0 {
        let message = next(&mut inbox).await?;
        left -= 1;
        let shown = show(&clock, &message, task.brief);
        // A reader that went away, `| head`, ends it without a word.
        if std::io::stdout().write_all(shown.as_bytes()).is_err() {
            break;
        }
    }
    let lost = publisher.counts().dropped_incoming;
    publisher.close().await;
    match lost {
        0 => Ok(()),
        lost => Err(anyhow::anyhow!("{lost} messages came faster than they could be shown").into()),
    }
}

fn show(clock: &Clock, message: &Message, brief: bool) -> String {
    let time = jiff::Timestamp::from_millisecond(clock.now().0).map(|t| t.to_string()).unwrap_or_default();
    let retained = if message.retain { " (retained)" } else { "" };
    if brief {
        return format!("{time} {}{retained} {} bytes\n", message.topic, message.payload.len());
    }
    let answer = match &message.response_topic {
        Some(topic) => format!("\n  answer to {topic}"),
        None => String::new(),
    };
    let said =
        codec::to_text(&message.payload).unwrap_or_else(|e| format!("{} bytes: {e}", message.payload.len()));
    format!("{time} {}{retained}{answer}\n{said}\n\n", message.topic)
}

#[expect(clippy::print_stdout, reason = "the verdict is what the command is for")]
async fn check(task: &Check) -> Result<(), Failure> {
    let usage = || Failure::Usage(format!("--node: {:?} is not {CITY}/DISTRICT/ID", task.node));
    let (node, _) = wire::topic::parse(&format!("{}/presence", task.node)).ok_or_else(usage)?;
    let centre = Node::centre(&format!("wire-check-{}", std::process::id()));
    let answers = format!("{centre}/result/#");
    let (publisher, mut inbox) = link::connect(task.broker.link("check", [format!("{node}/#"), answers])?);
    let clock = Clock::real();
    let mut inspector = Inspector::new(node.clone());
    println!("{node}: listening for {} s", task.seconds);
    hear(&mut inbox, &mut inspector, &clock, Duration::from_secs(task.seconds.into())).await?;
    if task.commands.is_some() {
        let probes = inspector.probes(clock.now());
        println!("{node}: asking {} times for what must be refused", probes.len());
        for (place, probe) in probes.iter().enumerate() {
            for _ in 0..if place == 0 { 2 } else { 1 } {
                ask(&publisher, &node, &centre, probe);
            }
        }
        hear(&mut inbox, &mut inspector, &clock, ANSWERS).await?;
    }
    publisher.close().await;
    let findings = inspector.report(clock.now());
    for finding in &findings {
        println!("{}", line(finding));
    }
    let broken = findings.iter().filter(|f| matches!(f.verdict, Verdict::Broken(..))).count();
    let unseen = findings.iter().filter(|f| f.verdict == Verdict::Unseen).count();
    println!("{node}: {} rules kept, {broken} broken, {unseen} not seen", findings.len() - broken - unseen);
    if broken > 0 {
        return Err(Failure::Broken);
    }
    // Whoever says nothing breaks nothing, and keeps nothing either.
    if unseen == findings.len() {
        return Err(anyhow::anyhow!("{node} said nothing within {} s", task.seconds).into());
    }
    Ok(())
}

fn ask(publisher: &Publisher, node: &Node, centre: &Node, probe: &Probe) {
    let code = CommandCode::Lease;
    publisher.publish(Outgoing::command(
        node.topic(&Kind::Command(code)),
        codec::encode(&probe.command),
        centre.topic(&Kind::Result(code)),
        probe.command.cmd_id.as_bytes().to_vec(),
    ));
}

async fn hear(
    inbox: &mut Inbox,
    inspector: &mut Inspector,
    clock: &Clock,
    how_long: Duration,
) -> Result<(), Failure> {
    let end = tokio::time::Instant::now() + how_long;
    while let Ok(message) = tokio::time::timeout_at(end, next(inbox)).await {
        let message = message?;
        match wire::topic::parse(&message.topic) {
            Some((_, Kind::Result(_))) => inspector.answered(&message),
            _ => inspector.heard(clock.now(), &message),
        }
    }
    Ok(())
}

fn line(finding: &Finding) -> String {
    let rule = finding.rule;
    match &finding.verdict {
        Verdict::Kept(times) => format!("  kept    {rule} ({times})"),
        Verdict::Broken(1, how) => format!("  BROKEN  {rule}: {how}"),
        Verdict::Broken(times, how) => format!("  BROKEN  {rule}: {how} ({times} times)"),
        Verdict::Unseen => format!("  unseen  {rule}"),
    }
}
